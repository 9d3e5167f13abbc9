//! Wrong PINs: five in a row lock an operator, here and over a restart, until the time is over or a manager unlocks.

use evertill::retail::transaction::Event;

use super::shop::{Shop, shows, shows_at};

const WRONG: &str = "sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9";
const LOCKED: &str = "000160 is locked until 19:15:00 after too many wrong PINs";

/// Steps after five wrong PINs at the sign-in.
fn then(steps: &str) -> String {
    format!("{WRONG}; {steps}")
}

#[test]
fn five_wrong_pins_lock_and_the_right_one_is_refused() {
    let dialog = format!("sign in | ? {LOCKED}");
    let refused = format!("sign in | ✗ {LOCKED}");
    let ready = "welcome | ! ready · scan the first product, F2 searches, F1 helps";
    shows_at(
        Shop::closed,
        &[
            ("sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160; 701; sign 000160/9; sign 000160", ready),
            (WRONG, &dialog),
            (&then("no"), &refused),
            (&then("no; sign 000160"), &dialog),
            (&then("no; sign 000161"), ready),
            (&then("no; wait 899; sign 000160"), &dialog),
            (&then("no; wait 900; sign 000160"), ready),
            (&then("no; kill; sign 000160"), &dialog),
            (&format!("road down; {}", then("no; kill; road up; sign 000160")), &format!("sign in | ? {LOCKED}")),
            ("sign 9/9; sign 9/9; sign 9/9; sign 9/9; sign 9/9", "sign in | ? 9 is locked until 19:15:00 after too many wrong PINs"),
        ],
    );
}

#[test]
fn a_pin_that_nobody_compared_is_not_counted() {
    let mut shop = Shop::closed();
    shop.database.lock().unwrap().open = false;
    shop.start();
    let seen = shop
        .play("road down; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; road up; sign 000160");
    assert!(seen.starts_with("welcome"), "{seen}");
}

#[test]
fn unlocking_and_signing_for_another_count_too() {
    shows(&[
        ("703; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9", &format!("locked | ? {LOCKED}")),
        (
            "701; sign 200; scan cola; 102; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; no; sign 000160; no",
            &format!("COLA 1.00 | due 1.00 | ? manager for Void product ✗ {LOCKED}"),
        ),
        (
            "703; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; sign 000160/9; no; no; sign 000110; yes; sign 000160",
            &format!("sign in | ? {LOCKED} | ! logged off; every sale is at the scale unit · "),
        ),
    ]);
}

#[test]
fn a_manager_unlocks() {
    let ready = "welcome | ! ready · scan the first product, F2 searches, F1 helps";
    shows_at(
        Shop::closed,
        &[
            (&then("sign 000110"), "sign in | ✗ 000160 is unlocked"),
            (&then("sign 000110; sign 000160"), ready),
            (&then("no; sign 000160; sign 000110; sign 000160/9"), "sign in | ✗ operator or PIN is wrong"),
            (&then("sign 000160"), &format!("sign in | ? {LOCKED} ✗ another operator must unlock")),
            (&then("sign 000161"), &format!("sign in | ? {LOCKED} ✗ Cashier 2 is no manager")),
            (&then("sign 000110/9"), &format!("sign in | ? {LOCKED} ✗ operator or PIN is wrong")),
            (
                &then("sign 000110/9; sign 000110/9; sign 000110/9; sign 000110/9; sign 000110/9"),
                &format!("sign in | ? {LOCKED} ✗ 000110 is locked out too"),
            ),
        ],
    );
}

#[test]
fn the_scale_unit_and_the_audit_trail_hear_who_unlocked_whom() {
    let mut shop = Shop::open();
    shop.play(&format!("701; {WRONG}; sign 000110; road down; {WRONG}; sign 000110; sign 000160"));
    assert_eq!(*shop.road.unlocked.lock().unwrap(), ["000160"], "offline the register unlocks for itself");
    let unlocked = Event::OperatorUnlocked { operator: "000160".into() };
    let by: Vec<String> = shop
        .records()
        .into_iter()
        .filter(|record| record.content == evertill::retail::transaction::Content::Event(unlocked.clone()))
        .map(|record| record.operator.0)
        .collect();
    assert_eq!(by, ["000110", "000110"]);
    shop.verify();
}

#[test]
fn what_the_scale_unit_locked_is_locked_here() {
    let dialog = format!("sign in | ? {LOCKED}");
    shows_at(
        Shop::closed,
        &[
            ("road locked; sign 000160", &dialog),
            ("road locked; sign 000160; no; road down; sign 000160", &dialog),
            ("road locked; sign 000160; no; kill; road down; sign 000160", &dialog),
        ],
    );
}
