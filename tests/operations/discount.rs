//! Manual line discounts: 300 Line discount amount, 301 Line discount percent.

use evertill::retail::transaction::Event;

use super::shop::{Shop, shows};

#[test]
fn an_amount_comes_off_the_line() {
    shows(&[
        ("scan bread; 300", "BREAD 2.30 | due 2.30 | ? Discount amount"),
        ("scan bread; 300; type 0.50", "BREAD 1×2.30 -0.50 = 1.80 | due 1.80"),
        ("scan 2*bread; 300; type 0.50", "BREAD 2×2.30 -0.50 = 4.10 | due 4.10"),
        ("scan bread; 300 0.50", "BREAD 1×2.30 -0.50 = 1.80 | due 1.80"),
        ("scan bread; 300; type 0.50; 300; type 0.20", "BREAD 1×2.30 -0.20 = 2.10 | due 2.10"),
        ("scan bread; 300; type 0.50; 300; type 0", "BREAD 2.30 | due 2.30"),
        ("scan bread; 300; type 0.50; 301; type 10", "BREAD 1×2.30 -0.23 = 2.07 | due 2.07"),
        ("scan bread; 300; no", "BREAD 2.30 | due 2.30"),
        ("scan taxed; 300; type 1", "TAXED 1×10.00 -1.00 = 9.00 | due 9.72"),
    ]);
}

#[test]
fn percent_comes_off_the_line() {
    shows(&[
        ("scan bread; 301", "BREAD 2.30 | due 2.30 | ? Discount percent"),
        ("scan bread; 301; type 5", "BREAD 1×2.30 -0.11 = 2.19 | due 2.19"),
        ("scan 2*bread; 301; type 5", "BREAD 2×2.30 -0.23 = 4.37 | due 4.37"),
        ("scan bread; 301 10", "BREAD 1×2.30 -0.23 = 2.07 | due 2.07"),
        ("scan bread; 301; type 10; 301; type 0", "BREAD 2.30 | due 2.30"),
        ("scan 3*any; type 0.99; 301; type 33.333", "ANY 3×0.99 -0.99 = 1.98 | due 1.98"),
        ("scan bread; 301; type 10; 105; type 3", "BREAD 3×2.30 -0.69 = 6.21 | due 6.21"),
        ("scan bread; 301; type 10; 104; type 5", "BREAD 1×5.00* -0.50 = 4.50 | due 4.50"),
    ]);
}

#[test]
fn a_bad_discount_is_asked_for_again() {
    shows(&[
        ("scan bread; 300; type 2.31", "BREAD 2.30 | due 2.30 | ? Discount amount ✗ the discount of 2.31 is more than the line's 2.30"),
        ("scan bread; 300; type -1", "BREAD 2.30 | due 2.30 | ? Discount amount ✗ a discount must be an amount of money, zero or more"),
        ("scan bread; 300; type 0.005", "BREAD 2.30 | due 2.30 | ? Discount amount ✗ a discount must be an amount of money, zero or more"),
        ("scan bread; 300; type 1e30", "BREAD 2.30 | due 2.30 | ? Discount amount ✗ the discount is not a number"),
        (
            "scan bread; 300; type 123456789012345678901234567890",
            "BREAD 2.30 | due 2.30 | ? Discount amount ✗ the discount is too large, 1000000000000000000 at most",
        ),
        ("scan bread; 300; type", "BREAD 2.30 | due 2.30 | ? Discount amount ✗ the discount is not a number"),
        ("scan bread; 301; type 100.01", "BREAD 2.30 | due 2.30 | ? Discount percent ✗ a discount must be 0 to 100 percent"),
        ("scan bread; 301; type -1", "BREAD 2.30 | due 2.30 | ? Discount percent ✗ a discount must be 0 to 100 percent"),
        ("scan bread; 301; type 1e30", "BREAD 2.30 | due 2.30 | ? Discount percent ✗ the discount is not a number"),
        ("scan bread; 301; type", "BREAD 2.30 | due 2.30 | ? Discount percent ✗ the discount is not a number"),
        (
            "scan bread; 300 3",
            "BREAD 2.30 | due 2.30 | ! the discount of 3.00 is more than the line's 2.30 · give a smaller discount first: F5",
        ),
        ("scan bread; 301 101", "BREAD 2.30 | due 2.30 | ! a discount must be 0 to 100 percent · type another number"),
        ("scan bread; 301 x", "BREAD 2.30 | due 2.30 | ! the discount is not a number · "),
        ("scan bread; 102; 300", "(BREAD 2.30) | due 0.00 | ! the line is voided · F4 brings it back"),
        ("scan bread; 102; 301", "(BREAD 2.30) | due 0.00 | ! the line is voided · F4 brings it back"),
        ("300", "welcome | ! Line discount amount needs a sale · scan the first product"),
        ("301", "welcome | ! Line discount percent needs a sale · scan the first product"),
    ]);
}

#[test]
fn beyond_the_limit_a_manager_signs() {
    shows(&[
        ("scan bread; 301; type 50", "BREAD 1×2.30 -1.15 = 1.15 | due 1.15"),
        ("scan bread; 301; type 50.01", "BREAD 2.30 | due 2.30 | ? manager for Line discount percent"),
        ("scan bread; 301; type 51; sign 000110", "BREAD 1×2.30 -1.17 = 1.13 | due 1.13"),
        ("scan bread; 301; type 51; no", "BREAD 2.30 | due 2.30"),
        ("scan bread; 300; type 1.16", "BREAD 2.30 | due 2.30 | ? manager for Line discount amount"),
        ("scan 20*bread; 300; type 20", "BREAD 20×2.30 -20.00 = 26.00 | due 26.00"),
        ("scan 20*bread; 300; type 20.01", "BREAD 20×2.30 = 46.00 | due 46.00 | ? manager for Line discount amount"),
        ("scan 20*bread; 301; type 50", "BREAD 20×2.30 = 46.00 | due 46.00 | ? manager for Line discount percent"),
        (
            "scan bread; 301; type 70; sign 300",
            "BREAD 2.30 | due 2.30 | ? manager for Line discount percent ✗ Bounded may not do this either",
        ),
        ("scan bread; 301; type 60; sign 300", "BREAD 1×2.30 -1.38 = 0.92 | due 0.92"),
    ]);
}

#[test]
fn the_limit_is_tested_again_only_when_more_is_taken_off() {
    shows(&[
        ("scan 10*bread; 301; type 50; 105; type 20", "BREAD 10×2.30 -11.50 = 11.50 | due 11.50 | ? manager for Set quantity"),
        ("scan 10*bread; 301; type 50; 105; type 20; sign 000110", "BREAD 20×2.30 -23.00 = 23.00 | due 23.00"),
        ("scan 10*bread; 301; type 50; 105; type 5", "BREAD 5×2.30 -5.75 = 5.75 | due 5.75"),
        ("scan bread; 301; type 60; sign 000110; 301; type 55", "BREAD 1×2.30 -1.26 = 1.04 | due 1.04"),
        ("scan 3*bread; 301; type 60; sign 000110; 105; type 2", "BREAD 2×2.30 -2.76 = 1.84 | due 1.84"),
        ("scan 3*bread; 301; type 60; sign 000110; 105; type 4", "BREAD 3×2.30 -4.14 = 2.76 | due 2.76 | ? manager for Set quantity"),
        ("scan 4*bread; 300; type 2; 105; type 1", "BREAD 4×2.30 -2.00 = 7.20 | due 7.20 | ? manager for Set quantity"),
        ("scan cola; 301; type 50; 104; type 100", "COLA 1×1.00 -0.50 = 0.50 | due 0.50 | ? manager for Price override"),
        ("scan cola; 301; type 50; 104; type 100; sign 000110", "COLA 1×100.00* -50.00 = 50.00 | due 50.00"),
        ("scan cola; 300; type 0.50; 104; type 0.60", "COLA 1×1.00 -0.50 = 0.50 | due 0.50 | ? manager for Price override"),
        ("scan any; type 0.01; 301; type 40; 104; type 1000", "ANY 1×0.01 -0.00 = 0.01 | due 0.01 | ? manager for Price override"),
        ("scan 2*bread; 301; type 60; sign 000110; 106", "BREAD 1×2.30 -1.38 = 0.92 | due 0.92"),
    ]);
}

#[test]
fn a_discount_is_recorded_with_its_percentage_and_what_it_came_to() {
    let mut shop = Shop::open();
    shop.play("scan any; type 25.45; 301; type 10; 206");
    let sales = shop.sales();
    let canonical = sales[0].canonical();
    assert!(canonical.contains(r#""discount":{"percent":"10"}"#), "{canonical}");
    assert!(canonical.contains(r#""discount":"2.54 USD","net":"22.91 USD""#), "{canonical}");
    let lent = shop.events().into_iter().filter(|event| matches!(event, Event::ManagerAuthorized { .. })).count();
    assert_eq!(lent, 0);
}
