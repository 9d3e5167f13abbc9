//! What headquarters changes while a register runs: the store's configuration, the register's setup, its numbers.

use evertill::profile::OfflineProfile;
use evertill::retail::register::{Numbers, RegisterSetup};
use evertill::retail::store::Store;
use evertill::till::Standing;

use super::goods;
use super::road::Road;
use super::shop::{Shop, register};

fn setup() -> RegisterSetup {
    RegisterSetup {
        register: register(),
        name: "Express".to_owned(),
        support_offline: true,
        offline_profile: None,
        layout: None,
        theme: None,
        lock_after_s: None,
        numbers: Numbers::default(),
    }
}

fn set_up(shop: &Shop, change: impl FnOnce(&mut RegisterSetup)) {
    let mut setup = setup();
    change(&mut setup);
    *shop.road.setup.lock().unwrap() = Some(setup);
}

fn rename(road: &Road, store: &Store, name: &str) {
    *road.store.lock().unwrap() = Some(Store { name: name.to_owned(), ..store.clone() });
}

#[test]
fn the_configuration_is_read_anew_between_two_sales() {
    let mut shop = Shop::open();
    rename(&shop.road, &shop.store, "Lakeside");
    assert_eq!(shop.view("changed").0.header.store, "Lakeside 343");
    rename(&shop.road, &shop.store, "Hillside");
    assert_eq!(shop.view("scan cola; changed").0.header.store, "Lakeside 343", "not during a sale");
    assert_eq!(shop.view("206").0.header.store, "Hillside 343");
    rename(&shop.road, &shop.store, "Riverside");
    shop.road.take_requests();
    assert_eq!(shop.view("scan bread; 206").0.header.store, "Hillside 343", "the cashier waits for nobody");
    assert_eq!(shop.road.take_requests(), 1);
    rename(&shop.offline, &shop.store, "Seaside");
    shop.database.lock().unwrap().waiting = true;
    assert_eq!(shop.view("fetched").0.header.store, "Hillside 343", "online the scale unit knows best");
    shop.database.lock().unwrap().waiting = true;
    assert_eq!(shop.view("917; yes; fetched").0.header.store, "Seaside 343", "offline there is nothing newer");
    shop.verify();
}

#[test]
fn a_profile_that_headquarters_changes_or_takes_back_holds_from_then_on() {
    let mut shop = Shop::open();
    let theirs = OfflineProfile { pause_downloads: true, ..OfflineProfile::default() };
    set_up(&shop, |setup| (setup.offline_profile, setup.lock_after_s) = (Some(theirs.clone()), Some(10)));
    let deadline = "wait 11; deadline";
    assert_eq!(shop.play(deadline), "welcome | ! ready · scan the first product, F2 searches, F1 helps");
    shop.play("changed");
    assert_eq!(shop.database.lock().unwrap().profile, Some(theirs));
    assert_eq!(shop.play(deadline), "locked | ? Cashier 1");
    set_up(&shop, |_| ());
    shop.play("sign 000160; changed");
    assert_eq!(shop.database.lock().unwrap().profile, Some(shop.profile.offline.clone()));
}

#[test]
fn a_product_whose_taxes_are_not_known_is_not_sold_without_them() {
    let mut shop = Shop::with(|store, _| store.tax_groups.clear());
    let seen = shop.play("sign 000160; scan cola; scan taxed");
    let refused = "TAXED has the tax group general, which this register does not know · put it aside and try it at the next sale; headquarters' job 1080 brings taxes";
    assert_eq!(seen, format!("COLA 1.00 | due 1.00 | ! {refused}"));
    *shop.road.store.lock().unwrap() = Some(goods::master_data().store);
    let fetches = shop.database.lock().unwrap().fetches;
    let seen = shop.play("scan taxed");
    assert!(seen.contains(refused), "{seen}");
    assert_eq!(shop.database.lock().unwrap().fetches, fetches + 1, "they are asked for");
    let seen = shop.play("changed; 206; scan taxed");
    assert!(seen.starts_with("TAXED 10.00") && !seen.contains("does not know"), "{seen}");
    shop.verify();
}

#[test]
fn support_offline_may_be_taken_and_given_between_two_sales() {
    let mut shop = Shop::open();
    let given_up = |shop: &Shop| shop.database.lock().unwrap().given_up;
    set_up(&shop, |setup| setup.support_offline = false);
    shop.play("scan cola; changed");
    assert!(!given_up(&shop), "the sale goes on as it began");
    let online_only =
        "from now on this register works online only · headquarters has set it up so; without the scale unit it sells nothing";
    assert_eq!(shop.play("206"), format!("welcome | 343-1-000001: 1.00, given 1.00, change 0.00 | ! {online_only}"));
    assert!(given_up(&shop));
    let seen = shop.play("road down; scan bread");
    assert!(seen.contains("this register works online only; nothing is lost"), "{seen}");
    // A database that was on its way is none any more.
    shop.database.lock().unwrap().waiting = true;
    shop.play("fetched");
    assert_eq!(shop.database.lock().unwrap().swaps, 0);
    let fetches = shop.database.lock().unwrap().fetches;
    set_up(&shop, |_| ());
    let seen = shop.play("road up; changed");
    assert!(seen.contains("from now on this register works offline too"), "{seen}");
    assert_eq!((given_up(&shop), shop.database.lock().unwrap().fetches), (false, fetches + 1));
    let seen = shop.play("fetched; road down; scan bread");
    assert!(seen.contains("BREAD 2.30"), "{seen}");
    assert_eq!(shop.database.lock().unwrap().swaps, 1);
    shop.verify();
}

#[test]
fn numbers_that_were_given_elsewhere_are_not_given_again() {
    let mut shop = Shop::open();
    shop.play("road down; scan cola; 206");
    set_up(&shop, |setup| setup.numbers = Numbers { sequence: 700, receipt: 200, shift: 30 });
    let seen = shop.play("road up; wait 300; scan bread; 206");
    assert!(seen.contains("343-1-000201"), "from the moment it is online again: {seen}");
    set_up(&shop, |setup| setup.numbers = Numbers { sequence: 900, receipt: 300, shift: 30 });
    let seen = shop.play("changed; scan bread; 206");
    assert!(seen.contains("343-1-000301"), "{seen}");
    set_up(&shop, |setup| setup.numbers = Numbers { sequence: u64::MAX, receipt: u64::MAX, shift: 0 });
    let seen = shop.play("changed; scan bread; 206");
    assert!(seen.contains("343-1-000302"), "no register comes so far: {seen}");
    shop.verify();
}

#[test]
fn nothing_is_recorded_before_the_numbers_to_go_on_from_are_kept() {
    let mut shop = Shop::open();
    shop.play("road deactivated; scan bread; 701; road up");
    shop.device.lock().unwrap().numbers = Numbers { sequence: 500, receipt: 200, shift: 30 };
    shop.tamper("CREATE TRIGGER broken BEFORE INSERT ON activations BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END");
    let seen = shop.play("code good");
    assert!(seen.starts_with("sign in | ! ") && seen.contains("the disk is broken"), "{seen}");
    assert_eq!(shop.device.lock().unwrap().standing, Standing::Activated);
    let records = shop.records().len();
    let seen = shop.play("sign 000160");
    assert!(seen.starts_with("sign in | ! ") && seen.contains("the disk is broken"), "{seen}");
    assert_eq!(shop.records().len(), records);
    shop.tamper("DROP TRIGGER broken");
    let seen = shop.play("sign 000160; scan cola; 206");
    assert_eq!(seen, "welcome | 343-1-000201: 1.00, given 1.00, change 0.00");
    shop.verify();
}
