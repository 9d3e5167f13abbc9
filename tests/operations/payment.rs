//! Payments: 200 Pay cash, 206 Pay cash quick, 211 Void payment.

use evertill::desk::Prompt;
use evertill::money::{Rounding, RoundingMethod};
use rust_decimal::Decimal;

use super::shop::{Shop, shows, shows_at};

/// Cash comes in coins of 0.05.
fn in_coins(method: RoundingMethod) -> Shop {
    let mut shop = Shop::with(|store, _| store.payment_methods[0].rounding = Some(Rounding { step: Decimal::new(5, 2), method }));
    shop.play("sign 000160");
    shop
}

#[test]
fn cash_is_taken_and_change_given() {
    shows(&[
        ("scan bread; 200", "BREAD 2.30 | due 2.30 | ? Pay cash"),
        ("scan bread; 200; type", "welcome | 343-1-000001: 2.30, given 2.30, change 0.00"),
        ("scan bread; 200; type 20", "welcome | 343-1-000001: 2.30, given 20.00, change 17.70"),
        ("scan bread; 200; type 2.30", "welcome | 343-1-000001: 2.30, given 2.30, change 0.00"),
        ("scan bread; 200; type 1", "BREAD 2.30 | Cash 1.00 | due 1.30"),
        ("scan bread; 200; type 1; 200", "BREAD 2.30 | Cash 1.00 | due 1.30 | ? Pay cash"),
        ("scan bread; 200; type 1; 200; type 5", "welcome | 343-1-000001: 2.30, given 6.00, change 3.70"),
        ("scan bread; 200; no", "BREAD 2.30 | due 2.30"),
        ("scan taxed; 200; type 10.80", "welcome | 343-1-000001: 10.80, given 10.80, change 0.00"),
    ]);
}

#[test]
fn a_payment_that_is_not_taken_is_asked_for_again() {
    shows(&[
        ("scan bread; 200; type 0", "BREAD 2.30 | due 2.30 | ? Pay cash ✗ a payment must be above zero"),
        ("scan bread; 200; type -5", "BREAD 2.30 | due 2.30 | ? Pay cash ✗ a payment must be above zero"),
        ("scan bread; 200; type 1e30", "BREAD 2.30 | due 2.30 | ? Pay cash ✗ the amount is not a number"),
        (
            "scan bread; 200; type 123456789012345678901234567890",
            "BREAD 2.30 | due 2.30 | ? Pay cash ✗ the amount is too large, 1000000000000000000 at most",
        ),
        ("scan bread; 200; type 2.305", "BREAD 2.30 | due 2.30 | ? Pay cash ✗ this amount cannot be paid in coins"),
        ("scan bread; 200; type 502.31", "BREAD 2.30 | due 2.30 | ? Pay cash ✗ the change would be 500.01, 500.00 at most is given"),
        ("scan bread; 200; type 502.30", "welcome | 343-1-000001: 2.30, given 502.30, change 500.00"),
        ("scan bread; 200; type ten; type 10", "welcome | 343-1-000001: 2.30, given 10.00, change 7.70"),
        ("200", "welcome | ! Pay cash needs a sale · scan the first product"),
        ("206", "welcome | ! Pay cash quick needs a sale · scan the first product"),
        ("211", "welcome | ! Void payment needs a sale · scan the first product"),
    ]);
}

#[test]
fn a_coupon_gives_no_change() {
    shows(&[
        ("scan bread; 200 coupon", "BREAD 2.30 | due 2.30 | ? Pay manufacturer coupon"),
        ("scan bread; 200 coupon; type 1", "BREAD 2.30 | Manufacturer coupon 1.00 | due 1.30"),
        (
            "scan bread; 200 coupon; type 2.31",
            "BREAD 2.30 | due 2.30 | ? Pay manufacturer coupon ✗ no change is given on this method, 2.30 at most",
        ),
        ("scan bread; 200 coupon; type 2.30", "welcome | 343-1-000001: 2.30, given 2.30, change 0.00"),
        ("scan bread; 200 coupon; type 1; 206", "welcome | 343-1-000001: 2.30, given 2.30, change 0.00"),
        ("scan bread; 200 shells", "BREAD 2.30 | due 2.30 | ! the store takes no shells · choose another way to pay"),
        ("scan bread; 206 coupon", "welcome | 343-1-000001: 2.30, given 2.30, change 0.00"),
    ]);
}

#[test]
fn the_exact_amount_is_one_touch() {
    shows(&[
        ("scan bread; 206", "welcome | 343-1-000001: 2.30, given 2.30, change 0.00"),
        ("scan bread; 200; type 2; 206", "welcome | 343-1-000001: 2.30, given 2.30, change 0.00"),
        (
            "scan bread; 206; 206",
            "welcome | 343-1-000001: 2.30, given 2.30, change 0.00 | ! Pay cash quick needs a sale · scan the first product",
        ),
        (
            "scan bread; 206; 200",
            "welcome | 343-1-000001: 2.30, given 2.30, change 0.00 | ! Pay cash needs a sale · scan the first product",
        ),
    ]);
}

#[test]
fn a_payment_is_taken_back() {
    shows(&[
        ("scan bread; 200; type 1; 211", "BREAD 2.30 | (Cash 1.00) | due 2.30"),
        ("scan bread; 200; type 1; 200; type 0.50; 211", "BREAD 2.30 | Cash 1.00 | (Cash 0.50) | due 1.30"),
        ("scan bread; 200; type 1; 200; type 0.50; payment 1; 211", "BREAD 2.30 | (Cash 1.00) | Cash 0.50 | due 1.80"),
        (
            "scan bread; 200; type 1; 200; type 0.50; payment 1; 211; payment 1; 211",
            "BREAD 2.30 | (Cash 1.00) | Cash 0.50 | due 1.80 | ! the payment is voided already · ↑ ↓ choose another",
        ),
        ("scan bread; 200; type 1; 200; type 0.50; 211 all", "BREAD 2.30 | (Cash 1.00) | (Cash 0.50) | due 2.30"),
        ("scan bread; 200; type 1; 211; 211", "BREAD 2.30 | (Cash 1.00) | due 2.30 | ! no payment is selected · ↑ ↓ choose one"),
        ("scan bread; 200; type 1; 211; 206", "welcome | 343-1-000001: 2.30, given 2.30, change 0.00"),
        ("scan bread; 211", "BREAD 2.30 | due 2.30 | ! no payment is selected · ↑ ↓ choose one"),
    ]);
}

#[test]
fn a_sale_of_nothing_but_gifts_needs_no_payment() {
    shows(&[
        ("scan bag", "BAG 0.00 | due 0.00 | ! nothing is due · F9 concludes the sale"),
        ("scan bag; 206", "welcome | 343-1-000001: 0.00, given 0.00, change 0.00"),
        ("scan bag; 200", "welcome | 343-1-000001: 0.00, given 0.00, change 0.00"),
        ("scan bread; 301; type 100", "BREAD 2.30 | due 2.30 | ? manager for Line discount percent"),
        ("scan bread; 301; type 100; sign 000110; 206", "welcome | 343-1-000001: 0.00, given 0.00, change 0.00"),
        (
            "scan bag; 206; 206",
            "welcome | 343-1-000001: 0.00, given 0.00, change 0.00 | ! Pay cash quick needs a sale · scan the first product",
        ),
    ]);
}

#[test]
fn coins_settle_the_nearest_amount() {
    shows_at(
        || in_coins(RoundingMethod::Nearest),
        &[
            ("scan any; type 10.03; 200", "ANY 10.03 | due 10.03 | ? Pay cash"),
            ("scan any; type 10.03; 206", "welcome | 343-1-000001: 10.05, given 10.05, change 0.00"),
            ("scan any; type 10.02; 206", "welcome | 343-1-000001: 10.00, given 10.00, change 0.00"),
            ("scan any; type 10.03; 200; type 20", "welcome | 343-1-000001: 10.05, given 20.00, change 9.95"),
            ("scan any; type 10.03; 200; type 10", "ANY 10.03 | Cash 10.00 | due 0.03"),
            ("scan any; type 10.03; 200; type 5; 206", "welcome | 343-1-000001: 10.05, given 10.05, change 0.00"),
            ("scan any; type 10.03; 200 coupon; type 5; 206", "welcome | 343-1-000001: 10.05, given 10.05, change 0.00"),
            ("scan any; type 10.03; 200 coupon; type 5.03; 206", "welcome | 343-1-000001: 10.03, given 10.03, change 0.00"),
            ("scan any; type 10.03; 200; type 10.03", "ANY 10.03 | due 10.03 | ? Pay cash ✗ this amount cannot be paid in coins"),
            ("scan any; type 10.03; 200; type 10.06", "ANY 10.03 | due 10.03 | ? Pay cash ✗ this amount cannot be paid in coins"),
            ("scan any; type 0.02; 206", "welcome | 343-1-000001: 0.00, given 0.00, change 0.00"),
            ("scan any; type 0.02; 200", "welcome | 343-1-000001: 0.00, given 0.00, change 0.00"),
            ("scan any; type 0.03; 206", "welcome | 343-1-000001: 0.05, given 0.05, change 0.00"),
            ("scan any; type 10.03; 200; type 10; 200", "ANY 10.03 | Cash 10.00 | due 0.03 | ? Pay cash"),
        ],
    );
}

#[test]
fn coins_are_rounded_down() {
    shows_at(
        || in_coins(RoundingMethod::Down),
        &[
            ("scan any; type 1.97; 200; type 5", "welcome | 343-1-000001: 1.95, given 5.00, change 3.05"),
            ("scan any; type 15.72; 206", "welcome | 343-1-000001: 15.70, given 15.70, change 0.00"),
            ("scan any; type 0.04; 206", "welcome | 343-1-000001: 0.00, given 0.00, change 0.00"),
        ],
    );
}

#[test]
fn coins_are_rounded_up() {
    shows_at(
        || in_coins(RoundingMethod::Up),
        &[
            ("scan any; type 15.72; 206", "welcome | 343-1-000001: 15.75, given 15.75, change 0.00"),
            ("scan any; type 0.01; 206", "welcome | 343-1-000001: 0.05, given 0.05, change 0.00"),
        ],
    );
}

fn limited() -> Shop {
    let mut shop = Shop::with(|store, _| {
        let cash = &mut store.payment_methods[0];
        (cash.maximum_amount, cash.maximum_change, cash.undertender) = (Some(100.into()), Some(20.into()), false);
    });
    shop.play("sign 000160");
    shop
}

#[test]
fn a_methods_limits_hold() {
    shows_at(
        limited,
        &[
            ("scan 3*bread; 200", "BREAD 3×2.30 = 6.90 | due 6.90 | ? Pay cash"),
            ("scan 3*bread; 200; type 100.01", "BREAD 3×2.30 = 6.90 | due 6.90 | ? Pay cash ✗ more than 100.00 at once is not taken"),
            (
                "scan 3*bread; 200; type 26.91",
                "BREAD 3×2.30 = 6.90 | due 6.90 | ? Pay cash ✗ the change would be 20.01, 20.00 at most is given",
            ),
            ("scan 3*bread; 200; type 26.90", "welcome | 343-1-000001: 6.90, given 26.90, change 20.00"),
            ("scan 3*bread; 200; type 5", "BREAD 3×2.30 = 6.90 | due 6.90 | ? Pay cash ✗ this method must pay the whole 6.90"),
            ("scan 3*bread; 206", "welcome | 343-1-000001: 6.90, given 6.90, change 0.00"),
        ],
    );
}

#[test]
fn the_notes_offered_are_those_that_would_be_taken() {
    let offered = |mut shop: Shop, script: &str| {
        let (_, prompt) = shop.view(script);
        let Prompt::Number(prompt) = prompt else { panic!("{prompt:?}") };
        prompt.choices.into_iter().map(|choice| choice.label).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(offered(Shop::open(), "scan bread; 200"), "Exact 2.30, 3.00, 5.00, 10.00, 20.00, 50.00");
    assert_eq!(offered(Shop::open(), "scan any; type 20; 200"), "Exact 20.00, 50.00, 100.00");
    assert_eq!(offered(Shop::open(), "scan bread; 200 coupon"), "Exact 2.30");
    assert_eq!(offered(limited(), "scan bread; 200"), "Exact 2.30, 3.00, 5.00, 10.00, 20.00");
    assert_eq!(offered(in_coins(RoundingMethod::Nearest), "scan any; type 19.98; 200"), "Exact 20.00, 50.00, 100.00");
}

#[test]
fn receipts_are_numbered_without_gaps_and_a_double_press_pays_nothing_twice() {
    let mut shop = Shop::open();
    shop.play("scan cola; 206; 206; scan cola; 500; yes; scan cola; 206; scan bag; 206");
    let receipts: Vec<Option<u64>> = shop.sales().iter().map(|sale| sale.receipt).collect();
    assert_eq!(receipts, [Some(1), None, Some(2), Some(3)]);
    shop.verify();
}
