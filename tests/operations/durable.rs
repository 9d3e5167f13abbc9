//! Durable first: whatever a cashier has seen is on the disk already.

use evertill::journal::Reader;
use evertill::retail::receipt;
use evertill::retail::sale::Sale;
use evertill::view::{Screen, View};
use std::path::Path;

use super::shop::{Shop, in_hand};

const A_DAY: &str = "scan cola; 3*; scan bread; 105; type 2; 301; type 10; 104; type 2.10; 102; 102; road down; scan ham; type 0.75; \
    200; type 1; 200; type 2; 211; line 1; 106; 200 coupon; type 0.50; 703; sign 000160; 200; type 50; scan bag; 206; \
    scan beer; yes; 500; no; 500; yes; scan cola; 701; yes; sign 000161; scan 2*soap; 206";

/// A killed register that is started again finds what this picture shows.
fn is_on_the_disk(view: &View, directory: &Path) {
    if matches!(view.screen, Screen::Welcome | Screen::Transaction) {
        let shown: Option<&Sale> = view.sale.as_ref().map(|(sale, _)| sale.as_ref());
        assert_eq!(in_hand(directory).as_ref(), shown);
    }
    let Some(change) = &view.change_due else { return };
    let newest = Reader::open(directory).unwrap().newest(20).unwrap();
    let last = newest.iter().map(|entry| entry.transaction().unwrap()).find(|record| record.receipt.is_some()).unwrap();
    assert_eq!(change.receipt, format!("343-1-{:06}", last.receipt.unwrap()));
    let totals = last.sale().unwrap().totals();
    assert_eq!((change.total, change.change), (totals.total + totals.rounding, totals.change));
}

#[test]
fn nothing_is_shown_that_a_kill_could_take_back() {
    let mut shop = Shop::open();
    let directory = shop.directory.path().to_owned();
    let mut pictures = 0;
    let day = A_DAY.replace("3*; scan bread", "scan 3*; scan bread");
    shop.watch(&day, |view, _| {
        is_on_the_disk(view, &directory);
        pictures += 1;
    });
    assert!(pictures > 40, "{pictures}");
    assert_eq!(shop.sales().len(), 5);
    shop.verify();
}

#[test]
fn the_receipt_shown_is_that_of_the_journal() {
    let mut shop = Shop::open();
    let (view, _) = shop.view("scan taxed; 301; type 10; scan beer; yes; 200; type 20");
    let record = shop.sales().remove(0);
    assert_eq!(view.last_receipt.as_ref().unwrap().as_ref(), &receipt::lines(&record, &shop.store));
}

#[test]
fn a_register_killed_after_every_step_concludes_the_same_sale() {
    let steps = [
        "scan cola",
        "105; type 3",
        "301; type 10",
        "scan ham; type 1.5",
        "104; type 3.99",
        "200; type 1",
        "102",
        "102",
        "200; type 0.50",
        "206",
    ];
    let concluded = |after_each: &str| {
        let mut shop = Shop::open();
        shop.play(&steps.map(|step| format!("{step}{after_each}")).join("; "));
        shop.verify();
        let record = shop.sales().remove(0);
        let sale = record.sale().unwrap();
        (sale.lines().to_vec(), sale.payments().to_vec(), record.receipt)
    };
    assert_eq!(concluded("; kill; sign 000160"), concluded(""));
}
