//! The arithmetic of sales: figures that other tills get wrong, and what holds for every sale.

use evertill::clock::Time;
use evertill::ids::{KeySource, RegisterId, ShiftId};
use evertill::money::{Currency, Money, Quantity};
use evertill::retail::product::{Product, ProductRules};
use evertill::retail::sale::{Amounts, Discount, NewLine, Sale, SaleError};
use evertill::retail::store::{Store, TaxCode};
use evertill::retail::tax::{Tax, TaxKind, TaxRounding};
use evertill::sample_store;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect("a test's amount")
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).expect("a test's quantity")
}

fn percent_tax(rate: Decimal, included: bool) -> TaxCode {
    let tax = Tax { kind: TaxKind::Percent { rate }, included, affects_next_base: false, base_affected: true };
    TaxCode { code: rate.to_string(), name: format!("Tax {rate} %"), tax }
}

fn sale(store: &Store) -> Sale {
    let register = RegisterId { store: store.number.clone(), number: 1 };
    let id = KeySource::Seeded(1).next(Time::UNIX_EPOCH);
    Sale::begin(id, register, ShiftId { register: 1, number: 1 }, "000160".into(), Time::UNIX_EPOCH, store)
}

fn line(price: Money, quantity: Quantity, group: &str) -> NewLine {
    let product = Product {
        id: "1".into(),
        barcode: "4011".to_owned(),
        name: "ARTICLE".to_owned(),
        department: String::new(),
        category: String::new(),
        brand: String::new(),
        price,
        unit: "each".to_owned(),
        tax_group: group.into(),
        rules: ProductRules { zero_price_valid: true, weighed: true, ..ProductRules::default() },
        stock: None,
    };
    NewLine { barcode: product.barcode.clone(), quantity, price, price_embedded: false, product }
}

#[test]
fn a_percentage_is_rounded_once_on_the_line_that_is_left() {
    for (price, count, percent, net) in
        [("2.30", "1", "5", "2.19"), ("25.45", "1", "10", "22.91"), ("0.99", "3", "33.333", "1.98"), ("1300.00", "1", "100", "0.00")]
    {
        let off = Discount::Percent(percent.parse().expect("a percentage"));
        let amounts = Amounts::compute(usd(price), quantity(count), Some(off), &[], TaxRounding::PerLine).expect("within bounds");
        assert_eq!(amounts.net.plain(), net, "{count} × {price} less {percent} %");
        assert_eq!(amounts.extended - amounts.discount, amounts.net);
    }
}

#[test]
fn a_line_given_away_has_no_tax() {
    let taxes = [percent_tax(5.into(), true)];
    let amounts = Amounts::compute(usd("1300.00"), Quantity::ONE, Some(Discount::Percent(100.into())), &taxes, TaxRounding::PerLine)
        .expect("within bounds");
    assert_eq!((amounts.net, amounts.taxed.total_included, amounts.taxed.taxes[0].amount), (usd("0"), Decimal::ZERO, Decimal::ZERO));
}

#[test]
fn what_is_more_than_a_line_is_refused_and_changes_nothing() {
    let store = sample_store::store();
    let mut sale = sale(&store);
    let number = sale.add(line(usd("2.00"), Quantity::ONE, "food"), &store).expect("a line");
    let before = sale.clone();
    assert!(matches!(sale.discount(number, Discount::Amount(usd("2.01"))), Err(SaleError::DiscountAboveAmount { .. })));
    assert!(matches!(sale.discount(number, Discount::Percent("100.01".parse().expect("a number"))), Err(SaleError::InvalidPercent)));
    assert_eq!(sale.set_quantity(number, quantity("0"), &store), Err(SaleError::InvalidQuantity));
    assert_eq!(sale.override_price(number, usd("-1")), Err(SaleError::InvalidPrice));
    assert_eq!(sale, before);
}

#[test]
fn more_than_was_paid_cannot_be_voided() {
    let store = sample_store::store();
    let mut sale = sale(&store);
    let number = sale.add(line(usd("10.00"), Quantity::ONE, "food"), &store).expect("a line");
    let cash = store.method(&"cash".into()).expect("the store takes cash");
    let accepted = cash.accept(sale.totals().balance, usd("5.00")).expect("a part payment");
    sale.pay(cash, accepted).expect("room for a payment");
    assert_eq!(sale.toggle_void(number), Err(SaleError::PaidMore));
    assert_eq!(sale.override_price(number, usd("1.00")), Err(SaleError::PaidMore));
    assert_eq!(sale.totals().balance, usd("5.50"));
}

#[derive(Clone, Debug)]
struct AnyLine {
    cents: i64,
    thousandths: i64,
    discount: Option<Result<i64, i64>>,
    rate: i64,
    included: bool,
}

fn any_line() -> impl Strategy<Value = AnyLine> {
    let discount = proptest::option::of(prop_oneof![(0_i64..=10_000).prop_map(Ok), (0_i64..=5_000).prop_map(Err)]);
    (0_i64..100_000, 1_i64..100_000, discount, 0_i64..3_000, any::<bool>())
        .prop_map(|(cents, thousandths, discount, rate, included)| AnyLine { cents, thousandths, discount, rate, included })
}

impl AnyLine {
    fn amounts(&self, sign: Decimal, rounding: TaxRounding) -> Amounts {
        let money = |cents: i64| Money::new(Decimal::new(cents, 2), Currency::USD);
        let quantity = Quantity::new(Decimal::new(self.thousandths, 3) * sign).expect("within bounds");
        let discount = self.discount.map(|discount| match discount {
            Ok(basis_points) => Discount::Percent(Decimal::new(basis_points, 2)),
            Err(cents) => Discount::Amount(Money::new(Decimal::new(cents, 2) * sign, Currency::USD)),
        });
        let taxes = [percent_tax(Decimal::new(self.rate, 2), self.included)];
        Amounts::compute(money(self.cents), quantity, discount, &taxes, rounding).expect("within bounds")
    }
}

proptest! {
    #[test]
    fn a_line_and_its_mirror_image_cancel(line in any_line(), per_line in any::<bool>()) {
        let rounding = if per_line { TaxRounding::PerLine } else { TaxRounding::Total };
        let (sold, returned) = (line.amounts(Decimal::ONE, rounding), line.amounts(-Decimal::ONE, rounding));
        prop_assert_eq!(sold.net + returned.net, usd("0"));
        prop_assert_eq!(sold.discount + returned.discount, usd("0"));
        prop_assert_eq!(sold.taxed.total_included + returned.taxed.total_included, Decimal::ZERO);
        prop_assert_eq!(sold.taxed.taxes[0].amount + returned.taxed.taxes[0].amount, Decimal::ZERO);
    }

    #[test]
    fn the_sums_of_a_sale_agree(lines in proptest::collection::vec((0_i64..50_000, 1_i64..20_000, 0_i64..=10_000, any::<bool>()), 1..30), group in 0_usize..3) {
        let store = sample_store::store();
        let group = ["food", "general", "alcohol"][group];
        let mut sale = sale(&store);
        for (cents, thousandths, basis_points, voided) in lines {
            let quantity = Quantity::new(Decimal::new(thousandths, 3)).expect("within bounds");
            let number = sale.add(line(Money::new(Decimal::new(cents, 2), Currency::USD), quantity, group), &store).expect("a line");
            sale.discount(number, Discount::Percent(Decimal::new(basis_points, 2))).expect("up to 100 %");
            if voided {
                sale.toggle_void(number).expect("nothing is paid");
            }
        }
        let totals = sale.totals();
        let net = sale.open_lines().fold(usd("0"), |sum, line| sum + line.amounts.net);
        let taxes = totals.taxes.iter().fold(usd("0"), |sum, tax| sum + tax.amount);
        prop_assert_eq!(totals.subtotal - totals.discounts, net);
        prop_assert_eq!(net + taxes, totals.total);
        prop_assert!(totals.total.rounded() == totals.total && !totals.total.is_negative());
        if totals.total.is_positive() {
            let cash = store.method(&"cash".into()).expect("the store takes cash");
            let accepted = cash.accept(totals.balance, totals.balance + usd("5.00")).expect("change is given");
            sale.pay(cash, accepted).expect("room for a payment");
            prop_assert!(sale.is_settled());
            prop_assert_eq!(sale.totals().change, usd("5.00"));
            prop_assert_eq!(sale.verify(), Ok(()));
        }
    }
}
