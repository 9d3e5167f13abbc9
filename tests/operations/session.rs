//! Session: signing in, 701 Log off, 703 Lock register, and what a restart finds.

use std::sync::Arc;

use evertill::desk::{Prompt, Purpose};
use evertill::retail::transaction::Event;
use evertill::view::Screen;

use super::shop::{Shop, shows, shows_at};

#[test]
fn an_operator_signs_in_with_his_pin() {
    shows_at(
        Shop::closed,
        &[
            ("", "sign in"),
            ("sign 000160", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
            ("sign 000160/9", "sign in | ✗ operator or PIN is wrong"),
            ("sign 9", "sign in | ✗ operator or PIN is wrong"),
            ("sign 000160/", "sign in | ✗ operator or PIN is wrong"),
            ("sign ", "sign in | ✗ operator or PIN is wrong"),
            ("sign 000160/9; sign 000160", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
            ("no; sign 000160", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
            ("206", "sign in | ! nobody has signed in · operator number, Enter, PIN, Enter"),
        ],
    );
}

#[test]
fn signing_in_is_the_same_offline() {
    shows_at(
        Shop::closed,
        &[
            (
                "road down; sign 000160",
                "offline: nobody listens at the scale unit's address | welcome | ! ready · scan the first product, F2 searches, F1 helps",
            ),
            (
                "road down; sign 000160/9",
                "offline: nobody listens at the scale unit's address | sign in | ✗ operator or PIN is wrong | ! offline: nobody listens at the scale unit's address · go on selling; nothing is lost",
            ),
            (
                "road down; sign 200",
                "offline: nobody listens at the scale unit's address | welcome | ! ready · scan the first product, F2 searches, F1 helps",
            ),
            ("road broken; sign 000160", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
            ("road broken; sign 000160/9", "sign in | ✗ operator or PIN is wrong"),
        ],
    );
}

#[test]
fn log_off_ends_the_session() {
    shows(&[
        ("701", "sign in | ! logged off; every sale is at the scale unit · "),
        ("sent; 701", "sign in | ! logged off; every sale is at the scale unit · "),
        ("scan cola; 206; 701", "sign in | ! logged off; 1 sale is unsent · leave the register running; they are on their way"),
        (
            "scan cola; 206; scan cola; 206; 701",
            "sign in | ! logged off; 2 sales are unsent · leave the register running; they are on their way",
        ),
        ("scan cola; 206; sent; 701", "sign in | ! logged off; every sale is at the scale unit · "),
        ("scan cola; 701", "COLA 1.00 | due 1.00 | ? A sale is in hand. Give up this sale of 1.00?"),
        ("scan cola; 701; no", "COLA 1.00 | due 1.00"),
        ("scan cola; 701; yes", "sign in | ! logged off; 1 sale is unsent · leave the register running; they are on their way"),
        (
            "scan bread; 200; type 1; 701",
            "BREAD 2.30 | Cash 1.00 | due 1.30 | ? A sale is in hand. Give up this sale, and give the 1.00 already paid back?",
        ),
        (
            "scan bread; 200; type 1; 701; yes",
            "sign in | ! logged off; 1 sale is unsent · leave the register running; they are on their way",
        ),
        ("scan 3*; 701; sign 000161; scan cola", "COLA 1.00 | due 1.00"),
        ("scan cola; 206; 701; sign 000160", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
    ]);
}

#[test]
fn a_locked_register_shows_nothing_of_the_sale() {
    shows(&[
        ("703", "locked | ? Cashier 1"),
        ("scan cola; 703", "locked | ? Cashier 1"),
        ("scan 3*; 703", "locked | ? Cashier 1"),
        ("scan cola; 206; 703", "locked | ? Cashier 1"),
    ]);
}

#[test]
fn only_the_same_operator_opens_a_lock() {
    shows(&[
        ("scan cola; 703; sign 000160", "COLA 1.00 | due 1.00"),
        ("scan cola; 703; sign 000160/9", "locked | ? Cashier 1 ✗ operator or PIN is wrong"),
        (
            "scan cola; 703; sign 000161",
            "locked | ? Cashier 1 | ! only the operator who locked the register opens it · enter that operator's PIN",
        ),
        ("scan cola; 703; sign 9", "locked | ? Cashier 1 ✗ operator or PIN is wrong"),
        ("scan cola; 703; no", "locked | ? Cashier 1"),
        ("scan cola; 703; sign 000161; sign 000160", "COLA 1.00 | due 1.00"),
        ("road down; 703; sign 000160", "offline: nobody listens at the scale unit's address | welcome"),
        ("scan cola; 703; 206", "locked | ? Cashier 1"),
    ]);
}

#[test]
fn a_manager_ends_anothers_lock_by_logging_him_off() {
    shows(&[
        ("scan cola; 703; sign 000110", "locked | ? Cashier 1 locked this register. Log Cashier 1 off? A sale in hand is kept."),
        ("scan cola; 703; sign 000110; no", "locked | ? Cashier 1"),
        ("scan cola; 703; sign 000110; yes", "sign in | ! logged off; every sale is at the scale unit · "),
        (
            "scan cola; 703; sign 000110; yes; sign 000161",
            "COLA 1.00 | due 1.00 | ! the sale of 1.00 that was in hand is back · go on where it stopped",
        ),
        ("scan cola; 703; sign 000110/9", "locked | ? Cashier 1 ✗ operator or PIN is wrong"),
    ]);
}

#[test]
fn an_idle_register_locks_itself() {
    shows(&[
        ("wait 899; deadline", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
        ("wait 900; deadline", "locked | ? Cashier 1"),
        ("scan cola; wait 900; deadline", "locked | ? Cashier 1"),
        ("scan cola; 105; wait 900; deadline", "locked | ? Cashier 1"),
        ("scan cola; 105; wait 900; deadline; sign 000160", "COLA 1.00 | due 1.00"),
        ("scan cola; wait 600; scan cola; wait 600; deadline", "COLA 2×1.00 = 2.00 | due 2.00"),
        ("scan cola; 703; wait 2000; deadline", "locked | ? Cashier 1"),
    ]);
}

#[test]
fn a_register_that_shall_never_lock_itself_does_not() {
    shows_at(
        || {
            let mut shop = Shop::with(|_, profile| profile.session.lock_after_s = 0);
            shop.play("sign 000160");
            shop
        },
        &[("wait 100000; deadline", "welcome | ! ready · scan the first product, F2 searches, F1 helps")],
    );
}

#[test]
fn a_sale_in_hand_survives_a_kill() {
    shows(&[
        ("scan cola; kill", "sign in | ! a sale is in hand, as it was when the register stopped · sign in to go on with it"),
        ("scan cola; kill; sign 000161", "COLA 1.00 | due 1.00 | ! the sale of 1.00 that was in hand is back · go on where it stopped"),
        (
            "scan 2*bread; 200; type 1; 301; type 10; line 1; kill; sign 000160",
            "BREAD 2×2.30 -0.46 = 4.14 | Cash 1.00 | due 3.14 | ! the sale of 4.14 that was in hand is back · go on where it stopped",
        ),
        (
            "scan cola; 102; kill; sign 000160",
            "(COLA 1.00) | due 0.00 | ! the sale of 0.00 that was in hand is back · go on where it stopped",
        ),
        (
            "scan cola; 105; kill; sign 000160",
            "COLA 1.00 | due 1.00 | ! the sale of 1.00 that was in hand is back · go on where it stopped",
        ),
        ("scan cola; 206; kill; sign 000160", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
        ("scan cola; kill; sign 000160; 206; scan cola; kill; sign 000160; 206", "welcome | 343-1-000002: 1.00, given 1.00, change 0.00"),
    ]);
}

#[test]
fn nothing_of_a_restored_sale_is_shown_before_somebody_signs_in() {
    let mut shop = Shop::open();
    let (view, prompt) = shop.view("scan cola; kill");
    assert_eq!((view.screen, &view.sale, view.selected, &view.header.operator), (Screen::SignIn, &None, None, &None));
    assert!(matches!(prompt, Prompt::Credentials(prompt) if prompt.purpose == Purpose::SignIn));
}

#[test]
fn a_locked_view_holds_neither_sale_nor_receipt() {
    let mut shop = Shop::open();
    let (view, _) = shop.view("scan cola; 206; scan cola; 703");
    assert_eq!((view.screen, &view.sale, view.selected, &view.change_due, &view.last_receipt), (Screen::Locked, &None, None, &None, &None));
    let (view, _) = shop.view("sign 000160");
    assert!(view.sale.is_some() && view.last_receipt.is_some());
}

#[test]
fn the_audit_trail_tells_of_every_session() {
    let mut shop = Shop::closed();
    shop.play("sign 000160/9; sign 000160; 703; sign 000161; sign 000160; 701; sign 000161; 703; sign 000110; yes");
    let manager = || "000110".into();
    assert_eq!(
        shop.events(),
        [
            Event::ShiftOpened,
            Event::LogOn,
            Event::Locked,
            Event::Unlocked,
            Event::LogOff,
            Event::LogOn,
            Event::Locked,
            Event::ManagerAuthorized { manager: manager(), operation: 701 },
            Event::LogOff,
        ]
    );
    let operators: Vec<String> = shop.records().into_iter().map(|record| record.operator.0).collect();
    assert_eq!(operators[..5], ["000160"; 5]);
    assert_eq!(operators[5..], ["000161"; 4]);
    shop.verify();
}

#[test]
fn the_shift_stays_open_over_sessions_and_kills() {
    let mut shop = Shop::open();
    shop.play("scan cola; 206; 701; sign 000161; kill; sign 000160; scan cola; 206");
    let (view, _) = shop.view("");
    assert_eq!(view.header.shift.as_ref().map(|(shift, _)| shift.as_str()), Some("1-1"));
    assert!(shop.records().iter().all(|record| record.shift.number == 1));
}

#[test]
fn what_was_uploaded_long_ago_leaves_the_journal_at_a_sign_in() {
    const DAY: &str = "wait 86400";
    let mut shop = Shop::open();
    shop.play("scan cola; 206; sent; scan bread; 206; 701");
    let before = shop.records().len();
    shop.play(&format!("{}; sign 000160", [DAY; 30].join("; ")));
    assert_eq!(shop.records().len(), before + 1, "nothing is older than 30 days yet");
    shop.play(&format!("701; {DAY}; sign 000160"));
    let sales = shop.sales();
    assert_eq!((sales.len(), sales[0].receipt), (1, Some(2)), "what was sent has left, what was not stays");
    shop.play(&format!("sent; 701; {}; sign 000160; scan cola; 206", [DAY; 31].join("; ")));
    assert_eq!(shop.sales().iter().map(|sale| sale.receipt).collect::<Vec<_>>(), [Some(3)], "numbers go on");
    shop.verify();
}

#[test]
fn the_offline_database_is_fetched_at_each_sign_in_and_swapped_between_sales() {
    let mut shop = Shop::open();
    let state = Arc::clone(&shop.database);
    assert_eq!(state.lock().unwrap().fetches, 1);
    state.lock().unwrap().waiting = true;
    shop.play("scan cola; fetched");
    assert_eq!(state.lock().unwrap().swaps, 0, "never in mid-sale");
    shop.play("206");
    assert_eq!(state.lock().unwrap().swaps, 1);
    state.lock().unwrap().waiting = true;
    shop.play("fetched");
    assert_eq!(state.lock().unwrap().swaps, 2);
}

#[test]
fn nobody_signs_in_offline_by_staff_data_that_are_too_old() {
    let confirmed = |shop: &Shop| {
        let now = evertill::clock::Clock::now(&*shop.clock);
        shop.database.lock().unwrap().status.confirmed_at = Some(now);
    };
    let mut shop = Shop::with(|_, profile| profile.offline.staff_data_max_age_days = 2);
    confirmed(&shop);
    shop.play("sign 000160; 917; yes; 701; wait 172800");
    assert!(shop.play("sign 000160").contains("welcome"), "on the last day");
    let seen = shop.play("scan cola; 703; wait 1; sign 000160");
    assert!(seen.contains("COLA 1.00"), "a sale in hand is finished: {seen}");
    let seen = shop.play("206; 701; sign 000160");
    assert!(seen.contains("nobody signs in offline") && !seen.contains("welcome"), "{seen}");
    confirmed(&shop);
    assert!(shop.play("sign 000160").contains("welcome"));
}
