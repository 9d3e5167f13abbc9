//! A sale as it stands on the screen, worked out anew with arithmetic of the oracle's own; and what goods cost.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rust_decimal::Decimal;

use super::books::Broken;
use crate::retail::sale::{Discount, Sale, Totals};

/// Amounts in millionths.
pub(super) type Millionths = i128;
/// A cent.
const CENT: Millionths = 10_000;
pub(super) const ONE: Millionths = 1_000_000;

/// A sale as it stood on the screen.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Bill {
    pub(super) key: String,
    pub(super) lines: Vec<BillLine>,
    pub(super) payments: Vec<Tender>,
    pub(super) total: Millionths,
}

/// A line of it: what the cashier has a say in. The rest follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BillLine {
    pub(super) product: String,
    pub(super) quantity: Millionths,
    pub(super) price: Millionths,
    pub(super) list_price: Millionths,
    /// Another price was set by hand.
    pub(super) overridden: bool,
    pub(super) off: Off,
    pub(super) voided: bool,
}

/// A line's discount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Off {
    Nothing,
    Amount(Millionths),
    Percent(Millionths),
}

/// What was handed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tender {
    pub(super) method: String,
    pub(super) amount: Millionths,
    pub(super) voided: bool,
}

impl Bill {
    /// What was handed over so far.
    pub(super) fn paid(&self) -> Millionths {
        self.payments.iter().filter(|payment| !payment.voided).map(|payment| payment.amount).sum()
    }

    /// What is still due.
    pub(super) fn due(&self) -> Millionths {
        self.total - self.paid()
    }

    /// The bill on the screen. What does not add up there is broken.
    pub(super) fn on_screen(sale: &Sale, totals: &Totals, rates: &Rates, broken: &mut Vec<Broken>) -> Self {
        let mut bill = Self { key: sale.id.to_string(), ..Self::default() };
        for line in sale.lines() {
            let off = match line.discount {
                None => Off::Nothing,
                Some(Discount::Amount(amount)) => Off::Amount(millionths(amount.amount())),
                Some(Discount::Percent(percent)) => Off::Percent(millionths(percent)),
            };
            let line = BillLine {
                product: line.product.to_string(),
                quantity: millionths(line.quantity.get()),
                price: millionths(line.price.amount()),
                list_price: millionths(line.list_price.amount()),
                overridden: line.price_overridden,
                off,
                voided: line.voided,
            };
            match rates.goods.get(&line.product) {
                Some(good) if !line.voided => bill.total += line.comes_to(good),
                Some(_) => {}
                None => broken.push((7, format!("product {} was never at headquarters", line.product))),
            }
            bill.lines.push(line);
        }
        bill.payments.extend(sale.payments().iter().map(|payment| Tender {
            method: payment.method.to_string(),
            amount: millionths(payment.amount.amount()),
            voided: payment.voided,
        }));
        let shown = (millionths(totals.total.amount()), millionths(totals.paid.amount()));
        if shown != (bill.total, bill.paid()) {
            broken.push((6, format!("the screen says total and paid are {shown:?} for a bill of {}: {bill:?}", bill.total)));
        }
        bill
    }
}

impl BillLine {
    /// With its tax.
    fn comes_to(&self, good: &Good) -> Millionths {
        let extended = to_cents(self.price * self.quantity / ONE);
        let net = match self.off {
            Off::Nothing => extended,
            Off::Amount(amount) => extended - amount,
            Off::Percent(percent) => to_cents(extended * (100 * ONE - percent) / (100 * ONE)),
        };
        if good.includes_tax { net } else { net + tax(&good.tax_group, net, self.quantity) }
    }
}

/// What each product costs and is taxed, as ordered at headquarters.
pub(super) struct Rates {
    /// Prices by product, each with the version of the data it came with.
    pub(super) prices: BTreeMap<String, Vec<(u64, Millionths)>>,
    pub(super) goods: BTreeMap<String, Good>,
}

/// A product as the store knows it.
pub(super) struct Good {
    pub(super) tax_group: String,
    pub(super) includes_tax: bool,
    /// Its price is typed at each sale.
    pub(super) key_in_price: bool,
    /// It is weighed, or its quantity typed at each sale: never added to an equal line.
    pub(super) is_measured: bool,
}

impl Rates {
    /// The price in some version.
    pub(super) fn price_at(&self, product: &str, version: u64) -> Option<Millionths> {
        let prices = self.prices.get(product)?;
        prices.iter().rev().find(|(since, _)| *since <= version).map(|(_, price)| *price)
    }

    /// The prices in some versions.
    pub(super) fn prices_in(&self, product: &str, versions: &RangeInclusive<u64>) -> Vec<Millionths> {
        let later =
            self.prices.get(product).into_iter().flatten().filter(|(since, _)| since > versions.start() && versions.contains(since));
        self.price_at(product, *versions.start()).into_iter().chain(later.map(|(_, price)| *price)).collect()
    }
}

/// What the sample store's groups take.
fn tax(group: &str, net: Millionths, quantity: Millionths) -> Millionths {
    let percent = |rate: Millionths| to_cents(net * rate / 100);
    match group {
        "food" => percent(5),
        "general" => percent(8),
        "alcohol" => percent(8) + to_cents(quantity * 5 / 100),
        _ => 0,
    }
}

/// Half away from nothing. What is less than a millionth and was cut off before decides no half.
fn to_cents(amount: Millionths) -> Millionths {
    let half = if amount < 0 { -CENT / 2 } else { CENT / 2 };
    (amount + half) / CENT * CENT
}

pub(super) fn millionths(amount: Decimal) -> Millionths {
    let text = amount.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part: String = part.chars().chain(std::iter::repeat('0')).take(6).collect();
    sign * (whole.parse::<Millionths>().unwrap_or(0) * ONE + part.parse::<Millionths>().unwrap_or(0))
}
