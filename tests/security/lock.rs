//! The lock after wrong PINs, at the store's server.

use evertill::protocol::ProblemKind;

use super::fixture::PIN;
use super::{Shop, refusal};

const WRONG: (u16, ProblemKind) = (403, ProblemKind::Credentials);
const LOCKED: (u16, ProblemKind) = (429, ProblemKind::Locked);

#[test]
fn five_wrong_pins_lock_everywhere_and_over_a_restart() {
    let mut shop = Shop::open();
    for attempt in 1..=4 {
        let register = if attempt % 2 == 0 { &shop.one } else { &shop.two };
        assert_eq!(refusal(&shop.sign_in(register, "000160", "9999")), WRONG, "{attempt}");
    }
    shop.restart();
    let answer = shop.sign_in(&shop.one, "000160", "9999");
    assert_eq!(refusal(&answer), LOCKED);
    assert!(answer.problem().detail.contains("2023-11-14T22:28:20Z"), "{}", answer.body);
    assert_eq!(refusal(&shop.sign_in(&shop.one, "000160", PIN)), LOCKED, "the right one");
    assert_eq!(refusal(&shop.sign_in(&shop.two, "000160", PIN)), LOCKED, "at another register");
    shop.restart();
    assert_eq!(refusal(&shop.sign_in(&shop.one, "000160", PIN)), LOCKED, "after a restart");
    assert_eq!(shop.sign_in(&shop.one, "000110", PIN).status, 200, "another operator");
    shop.minutes_pass(14);
    assert_eq!(refusal(&shop.sign_in(&shop.one, "000160", PIN)), LOCKED);
    shop.minutes_pass(1);
    assert_eq!(shop.sign_in(&shop.one, "000160", PIN).status, 200, "a quarter of an hour later");
}

#[test]
fn the_right_pin_forgets_the_wrong_ones() {
    let shop = Shop::open();
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(refusal(&shop.sign_in(&shop.one, "000160", "9999")), WRONG);
        }
        assert_eq!(shop.sign_in(&shop.one, "000160", PIN).status, 200);
        shop.minutes_pass(1);
    }
}

#[test]
fn tries_at_the_same_time_are_not_free() {
    let shop = Shop::open();
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..12).map(|_| scope.spawn(|| shop.sign_in(&shop.one, "000160", "9999").status)).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 403).count(), 4, "{answers:?}");
    assert!(answers.iter().all(|status| [403, 429].contains(status)), "{answers:?}");
}

#[test]
fn an_unknown_operator_is_answered_and_locked_like_a_known_one() {
    let shop = Shop::open();
    for attempt in 0..7 {
        let [known, unknown] = ["000160", "no such operator"].map(|operator| shop.sign_in(&shop.one, operator, "9999"));
        assert_eq!((known.status, known.body), (unknown.status, unknown.body), "{attempt}");
    }
}

#[test]
fn a_manager_ends_a_lock_and_his_own_pin_counts() {
    let shop = Shop::open();
    for _ in 0..5 {
        shop.sign_in(&shop.one, "000160", "9999");
    }
    shop.minutes_pass(1);
    assert_eq!(refusal(&shop.unlock("000160", "000110", "9999")), WRONG);
    assert_eq!(refusal(&shop.unlock("000160", "000160", PIN)), LOCKED, "nobody ends his own");
    assert_eq!(refusal(&shop.sign_in(&shop.one, "000160", PIN)), LOCKED);
    assert_eq!(shop.unlock("000160", "000110", PIN).status, 204);
    assert_eq!(shop.sign_in(&shop.one, "000160", PIN).status, 200);
    assert_eq!(refusal(&shop.unlock("000110", "000160", PIN)), (403, ProblemKind::Forbidden), "a cashier is no manager");
    for _ in 0..4 {
        assert_eq!(refusal(&shop.unlock("000160", "000110", "9999")), WRONG);
    }
    assert_eq!(refusal(&shop.unlock("000160", "000110", "9999")), LOCKED);
    assert_eq!(refusal(&shop.sign_in(&shop.one, "000110", PIN)), LOCKED);
}
