//! The whole sale: 500 Void transaction.

use evertill::retail::transaction::Content;

use super::shop::{Shop, shows};

#[test]
fn a_sale_is_given_up_with_its_payments() {
    shows(&[
        ("scan cola; 500", "COLA 1.00 | due 1.00 | ? Give up this sale of 1.00?"),
        ("scan cola; 500; no", "COLA 1.00 | due 1.00"),
        ("scan cola; 500; yes", "welcome | ! the sale was voided · scan the next product"),
        ("scan bread; 200; type 1; 500", "BREAD 2.30 | Cash 1.00 | due 1.30 | ? Give up this sale, and give the 1.00 already paid back?"),
        ("scan bread; 200; type 1; 500; yes", "welcome | ! the sale was voided · scan the next product"),
        ("scan bread; 102; 500; yes", "welcome | ! the sale was voided · scan the next product"),
        ("scan bread; 500; yes; scan cola", "COLA 1.00 | due 1.00"),
        ("500", "welcome | ! Void transaction needs a sale · scan the first product"),
    ]);
}

#[test]
fn a_voided_sale_is_a_record_without_a_receipt_number() {
    let mut shop = Shop::open();
    shop.play("scan bread; scan cola; 102; 200; type 1; 500; yes; scan cola; 206");
    let sales = shop.sales();
    let Content::VoidedSale(voided) = &sales[0].content else { panic!("{:?}", sales[0]) };
    assert_eq!((sales[0].receipt, voided.lines().len(), voided.payments().len()), (None, 2, 1));
    assert!(voided.open_payments().next().is_none(), "its payments were given back");
    assert_eq!(sales[1].receipt, Some(1));
    shop.verify();
}

#[test]
fn the_key_given_at_the_first_line_stays() {
    let mut shop = Shop::open();
    let id = |shop: &mut Shop, script: &str| shop.view(script).0.sale.as_ref().map(|(sale, _)| sale.id);
    let first = id(&mut shop, "scan cola");
    assert_eq!(id(&mut shop, "road down; scan bread"), first);
    assert_eq!(id(&mut shop, "; kill; sign 000161; road up; scan cola"), first);
    shop.play("206");
    let sale = &shop.sales()[0];
    assert_eq!((Some(sale.id), sale.operator.0.as_str(), sale.offline), (first, "000161", true));
    shop.verify();
}
