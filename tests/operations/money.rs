//! Figures that other tills get wrong, through the till: screen, receipt and journal agree to the cent.

use evertill::money::{Rounding, RoundingMethod};
use rust_decimal::Decimal;

use super::shop::{Shop, shows};

#[test]
fn a_percentage_is_rounded_half_up_on_the_line_that_is_left() {
    shows(&[
        ("scan bread; 301; type 5", "BREAD 1×2.30 -0.11 = 2.19 | due 2.19"),
        ("scan any; type 25.45; 301; type 10", "ANY 1×25.45 -2.54 = 22.91 | due 22.91"),
        ("scan any; type 1300; 301; type 100; sign 000110; 206", "welcome | 343-1-000001: 0.00, given 0.00, change 0.00"),
    ]);
}

#[test]
fn a_tax_inclusive_line_given_away_costs_nothing_and_owes_no_tax() {
    shows(&[
        ("scan included; type 1300; 301; type 100; sign 000110; 206", "welcome | 343-1-000001: 0.00, given 0.00, change 0.00"),
        ("scan included; type 10.80; 206", "welcome | 343-1-000001: 10.80, given 10.80, change 0.00"),
    ]);
}

/// What the screen's change, the receipt and the journal say of a sale paid in coins of 0.05.
#[test]
fn cash_rounding_is_the_same_on_screen_receipt_and_journal() {
    for (price, method, paid, due, rounding, change) in [
        ("1.97", RoundingMethod::Down, "5.00", "1.95", "-0.02", "3.05"),
        ("15.72", RoundingMethod::Nearest, "15.70", "15.70", "-0.02", "0.00"),
        ("15.72", RoundingMethod::Down, "20.00", "15.70", "-0.02", "4.30"),
        ("15.72", RoundingMethod::Up, "15.75", "15.75", "0.03", "0.00"),
    ] {
        let mut shop = Shop::with(|store, _| store.payment_methods[0].rounding = Some(Rounding { step: Decimal::new(5, 2), method }));
        let (view, _) = shop.view(&format!("sign 000160; scan any; type {price}; 200; type {paid}"));
        let shown = view.change_due.as_ref().unwrap();
        assert_eq!(
            (shown.total.plain(), shown.tendered.plain(), shown.change.plain()),
            (due.to_owned(), paid.to_owned(), change.to_owned())
        );

        let record = shop.sales().remove(0);
        let totals = record.sale().unwrap().totals();
        assert_eq!(
            (totals.total.plain(), totals.rounding.plain(), totals.change.plain()),
            (price.to_owned(), rounding.to_owned(), change.to_owned())
        );
        assert!(totals.balance.is_zero());

        let receipt = view.last_receipt.as_ref().unwrap().join("\n");
        for wanted in [format!("TOTAL USD {due:>32}"), format!("Rounding {rounding:>33}"), format!("Cash {paid:>37}")] {
            assert!(receipt.contains(&wanted), "{wanted:?} in\n{receipt}");
        }
        assert_eq!(receipt.contains("Change"), change != "0.00");
    }
}

#[test]
fn names_and_notices_reach_the_receipt_without_control_characters() {
    let mut shop = Shop::with(|store, _| store.receipt_footer = vec!["bye\u{1b}p\u{7}".to_owned()]);
    let (view, _) = shop.view("sign 000160; scan cola; 206");
    let receipt = view.last_receipt.as_ref().unwrap();
    assert!(receipt.iter().all(|line| !line.contains(char::is_control) && line.chars().count() <= 42), "{receipt:?}");
    assert!(receipt.iter().any(|line| line.trim() == "byep"));
}
