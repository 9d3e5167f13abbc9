//! The device: 707 Activate device, 708 Inactivate device, a deactivation by headquarters, and whose session it is.

use evertill::channel::{ChannelError, ErrorKind};
use evertill::retail::register::Numbers;
use evertill::till::Standing;

use super::shop::{Shop, shows, shows_at};

/// A manager has signed in, and all of it is sent.
fn managed() -> Shop {
    let mut shop = Shop::closed();
    shop.play("sign 000110; sent");
    shop
}

const GONE: &str = "headquarters has deactivated this register · finish or void the sale in hand; Alt+A activates it again with a new code";

#[test]
fn a_register_is_released_once_nothing_can_be_stranded() {
    shows_at(
        managed,
        &[
            ("708", "welcome | ? Release register 343-1 from this device? Nobody can sign in until it is activated again."),
            ("708; no", "welcome"),
            (
                "708; yes",
                "not activated | ? code for 343-1 | ! register 343-1 is released; its journal stays here · a new code from headquarters activates it again",
            ),
            (
                "101; no; 703; sign 000110; 708",
                "welcome | ! 2 records are unsent · wait until they have arrived; F12 shows how far they are",
            ),
            ("scan cola; 708", "COLA 1.00 | due 1.00 | ! Inactivate device is not possible during a sale · conclude or void it first"),
            (
                "scan cola; 206; 708",
                "welcome | 343-1-000001: 1.00, given 1.00, change 0.00 | ! 1 records are unsent · wait until they have arrived; F12 shows how far they are",
            ),
            (
                "scan cola; 206; sent; 708",
                "welcome | 343-1-000001: 1.00, given 1.00, change 0.00 | ! the shift is open and has sales, so there may be money in the drawer · headquarters can deactivate the device once the drawer is counted",
            ),
            ("scan cola; 500; yes; sent; 708; no", "welcome"),
            (
                "917; yes; 708",
                "offline: disconnected by hand | welcome | ! Inactivate device is not possible offline · F12 connects to the scale unit again",
            ),
            ("707", "welcome | ! this device is register 343-1 already · 708 releases it first"),
        ],
    );
    shows(&[("sent; 708", "welcome | ? manager for Inactivate device")]);
}

#[test]
fn a_released_register_is_activated_again_and_by_nothing_else() {
    shows_at(
        managed,
        &[
            (
                "708; yes; code bad",
                "not activated | ? code for 343-1 ✗ headquarters does not take this code | ! register 343-1 is released; its journal stays here · a new code from headquarters activates it again",
            ),
            ("708; yes; code good", "sign in | ! this device is register 343-1 again · sign in"),
            ("708; yes; code good; sign 000160; scan cola; 206", "welcome | 343-1-000001: 1.00, given 1.00, change 0.00"),
            (
                "708; yes; 206",
                "not activated | ? code for 343-1 | ! this device is not activated · type the code that headquarters gave out",
            ),
            (
                "708; yes; no",
                "not activated | ? code for 343-1 | ! register 343-1 is released; its journal stays here · a new code from headquarters activates it again",
            ),
        ],
    );
}

#[test]
fn it_goes_on_from_the_numbers_that_headquarters_knows() {
    let mut shop = managed();
    shop.device.lock().unwrap().numbers = Numbers { sequence: 500, receipt: 200, shift: 30 };
    let seen = shop.play("708; yes; code good; sign 000160; scan cola; 206");
    assert_eq!(seen, "welcome | 343-1-000201: 1.00, given 1.00, change 0.00");
    shop.verify();
}

#[test]
fn what_keeps_headquarters_from_it_is_said() {
    for (kind, said) in
        [(ErrorKind::HeadquartersAway, "headquarters does not answer"), (ErrorKind::Broken, "the scale unit answered with an error")]
    {
        let mut shop = managed();
        shop.play("708; yes");
        shop.device.lock().unwrap().refusal = Some(ChannelError::new(kind, "").into());
        let seen = shop.play("code good");
        assert!(seen.starts_with(&format!("not activated | ? code for 343-1 ✗ {said}")), "{seen}");
    }
    let mut shop = managed();
    shop.device.lock().unwrap().refusal = Some(ChannelError::new(ErrorKind::HeadquartersAway, "").into());
    let seen = shop.play("708; yes");
    assert_eq!(seen, "welcome | ! headquarters does not answer · sales go on; try this again later");
}

#[test]
fn a_register_that_headquarters_deactivated_finishes_its_sale_and_begins_none() {
    shows(&[
        ("scan cola; road deactivated; scan bread", &format!("COLA 1.00 | due 1.00 | ! {GONE}")),
        ("scan cola; road deactivated; scan bread; 206", "welcome | 343-1-000001: 1.00, given 1.00, change 0.00"),
        ("scan cola; road deactivated; scan bread; 500; yes", "welcome | ! the sale was voided · scan the next product"),
        (
            "scan cola; road deactivated; scan bread; 206; scan bread",
            &format!("welcome | 343-1-000001: 1.00, given 1.00, change 0.00 | ! {GONE}"),
        ),
        ("road deactivated; scan bread; road down; scan bread", &format!("welcome | ! {GONE}")),
        ("scan cola; road deactivated; 703; sign 000160", "COLA 1.00 | due 1.00"),
        (
            "scan cola; road deactivated; scan bread; kill",
            "not activated | ? code for 343-1 | ! a sale is in hand, as it was when the register stopped · sign in to go on with it",
        ),
        ("road deactivated; scan bread; 701", "not activated | ? code for 343-1 | ! logged off; every sale is at the scale unit · "),
        ("scan cola; road deactivated; scan bread; 206; road up; 707; code good; scan bread", "BREAD 2.30 | due 2.30"),
        // Back online it is refused, and so hears of what happened while it was away.
        ("917; yes; road deactivated; 917; yes; scan bread", &format!("welcome | ! {GONE}")),
    ]);
    shows_at(
        Shop::closed,
        &[
            ("road deactivated; sign 000160", &format!("not activated | ? code for 343-1 | ! {GONE}")),
            (
                "road deactivated; sign 000160; road up; code good; sign 000160",
                "welcome | ! ready · scan the first product, F2 searches, F1 helps",
            ),
        ],
    );
}

#[test]
fn a_device_that_was_refused_by_mistake_works_again_by_itself() {
    let mut shop = Shop::closed();
    let standing = |shop: &Shop| shop.device.lock().unwrap().standing;
    let deadlines_come = |shop: &mut Shop, until: &dyn Fn(&Shop) -> bool| {
        for _ in 0..1_000_000 {
            shop.play("deadline");
            if until(shop) {
                return;
            }
            std::thread::yield_now();
        }
        panic!("the token was not shown");
    };
    shop.play("road deactivated; sign 000160; wait 61");
    shop.road.take_requests();
    deadlines_come(&mut shop, &|shop| shop.road.take_requests() == 1);
    shop.play("deadline; deadline");
    assert_eq!(standing(&shop), Standing::Deactivated, "it is still refused");
    shop.play("road up; wait 61");
    deadlines_come(&mut shop, &|shop| standing(shop) == Standing::Activated);
    assert_eq!(shop.play("sign 000160; scan cola"), "COLA 1.00 | due 1.00");
}

#[test]
fn a_deactivated_device_stays_one_offline() {
    let mut shop = Shop::open();
    shop.play("road deactivated; scan bread; road down");
    assert_eq!(shop.device.lock().unwrap().standing, Standing::Deactivated);
    let seen = shop.play("917; yes; scan bread");
    assert!(seen.ends_with(GONE), "{seen}");
}

#[test]
fn a_deactivated_device_stays_one_whatever_the_scale_unit_said_before() {
    let mut shop = Shop::open();
    // On the way back online its token was taken.
    shop.play("917; yes; 917; yes; road deactivated; scan bread; deadline");
    assert_eq!(shop.device.lock().unwrap().standing, Standing::Deactivated);
}

#[test]
fn a_deactivated_device_without_a_session_goes_online_by_itself() {
    let mut shop = Shop::open();
    shop.play("road deactivated; scan bread; 917; yes; 701");
    let seen = shop.play("wait 61; deadline");
    assert_eq!(seen, "not activated | ? code for 343-1 | ! online again · unsent sales are on their way");
}

#[test]
fn an_ended_session_locks_and_keeps_the_sale() {
    shows(&[
        ("scan cola; road sessionless; scan bread", "locked | ? Cashier 1 ✗ the scale unit asks who works here; the sale is kept"),
        ("scan cola; road sessionless; scan bread; road up; sign 000160", "COLA 1.00 | due 1.00"),
    ]);
}

#[test]
fn the_scale_unit_hears_who_works() {
    let mut shop = Shop::open();
    shop.play("scan bread; 301; type 60; sign 000110; 703; sign 000160; 206; 701");
    let cashier = Some("000160".to_owned());
    assert_eq!(*shop.road.operators.lock().unwrap(), [cashier.clone(), cashier, None], "never who lent a right");
}
