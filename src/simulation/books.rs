//! The oracle: what customers paid and what stood on the screen, in books of its own with arithmetic of its own.
//!
//! It looks at nothing but what a cashier sees and what was ordered at headquarters, and never into a database. What the databases say
//! is compared with it at the end (`audit`).

use std::collections::BTreeMap;
use std::ops::Range;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::retail::sale::{Discount, Sale, Totals};
use crate::view::{ConnectionView, Screen, View};

/// A promise that was broken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Violation {
    /// Which of the ten that always hold (ARCHITECTURE.md), or 0 for the connection's own.
    pub invariant: u8,
    /// In which step it was noticed.
    pub step: u64,
    /// At which register, if at one.
    pub register: Option<u32>,
    /// What was found.
    pub detail: String,
    /// The command that shows it again.
    pub replay: String,
}

/// Operations that change payments, one of them alone without ending a sale, and those that may end one without a receipt.
const PAYMENTS: Range<u16> = 200..300;
const VOID_PAYMENT: u16 = 211;
const GIVING_UP: [u16; 2] = [500, 701];

/// A promise found broken, before it is known where.
pub(super) type Broken = (u8, String);

/// Amounts in millionths.
type Millionths = i128;
/// A cent.
const CENT: Millionths = 10_000;
const ONE: Millionths = 1_000_000;

/// A sale as it stood on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Bill {
    pub(super) key: String,
    pub(super) lines: Vec<BillLine>,
    pub(super) paid: Millionths,
    pub(super) total: Millionths,
}

/// A line of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BillLine {
    pub(super) product: String,
    pub(super) quantity: Millionths,
    pub(super) price: Millionths,
    pub(super) list_price: Millionths,
    pub(super) voided: bool,
    net: Millionths,
}

/// A sale that a customer walked away with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sold {
    pub(super) key: String,
    pub(super) receipt: u64,
    pub(super) total: Millionths,
    pub(super) kept: Millionths,
}

/// What is known of one register.
#[derive(Default)]
pub(super) struct Book {
    pub(super) sold: Vec<Sold>,
    /// In hand when the machine died in the middle of something, and gone when it was back: concluded, voided, or its first line never kept.
    pub(super) maybe: Vec<Bill>,
    pub(super) voided: Vec<String>,
    pub(super) seen: Option<Bill>,
    shown_receipt: Option<String>,
    highest_receipt: u64,
    /// The machine died in the middle of something.
    doubt: bool,
    /// It was started again and nothing has been seen since.
    restarted: bool,
    offline_sale: Option<String>,
    /// The operation that the cashier pressed last and that has not come to its end.
    under_way: Option<u16>,
}

/// When a register dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Death {
    BetweenTwoThings,
    InTheMiddle,
}

impl Book {
    /// The machine died.
    pub(super) fn died(&mut self, death: Death) {
        self.doubt |= death == Death::InTheMiddle;
        self.restarted = true;
    }

    /// The cashier presses an operation, or the last one has come to its end.
    pub(super) fn press(&mut self, operation: Option<u16>) {
        self.under_way = operation;
    }

    /// Whether a sale is in hand, or may be.
    pub(super) fn is_in_a_sale(&self) -> bool {
        self.seen.is_some() || self.doubt
    }

    /// Takes in what the screen shows.
    pub(super) fn look(&mut self, view: &View, rates: &Rates) -> Vec<Broken> {
        let mut broken = Vec::new();
        if !matches!(view.screen, Screen::Welcome | Screen::Transaction) {
            return broken;
        }
        let shown = view.sale.as_ref().map(|(sale, totals)| bill(sale, totals, rates, &mut broken));
        let concluded = view.change_due.as_ref().filter(|due| self.shown_receipt.as_ref() != Some(&due.receipt));
        if let Some(due) = concluded {
            self.shown_receipt = Some(due.receipt.clone());
            let (total, kept) = (millionths(due.total.amount()), millionths(due.tendered.amount()) - millionths(due.change.amount()));
            let receipt = due.receipt.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
            self.conclude(receipt, total, kept, &mut broken);
        }
        let is_same = |bill: &Bill| self.seen.as_ref().is_some_and(|seen| seen.key == bill.key);
        match (&self.seen, &shown) {
            (Some(seen), Some(bill)) if seen.key == bill.key => {
                let is_possible = if self.doubt { self.may_have_become(seen, bill) } else { seen == bill };
                if self.restarted && !is_possible {
                    broken.push((1, format!("the sale in hand came back changed: {seen:?} as {bill:?}")));
                }
            }
            (Some(seen), _) if self.doubt && self.may_have_ended() => self.maybe.push(seen.clone()),
            (Some(seen), _) if self.under_way.is_some_and(|operation| GIVING_UP.contains(&operation)) => self.voided.push(seen.key.clone()),
            (Some(seen), _) => broken.push((1, format!("the sale in hand is gone: {seen:?}"))),
            (None, _) => {}
        }
        if let Some(bill) = &shown
            && (self.sold.iter().any(|sold| sold.key == bill.key) || self.voided.contains(&bill.key))
        {
            broken.push((9, format!("a sale that has ended is in hand again: {}", bill.key)));
        }
        let offline = matches!(view.header.connection, ConnectionView::Offline { .. });
        if let Some(bill) = shown.as_ref().filter(|bill| is_same(bill))
            && !offline
            && self.offline_sale.as_ref() == Some(&bill.key)
            && !self.restarted
        {
            broken.push((0, "back online in the middle of a sale".to_owned()));
        }
        self.offline_sale = shown.as_ref().filter(|_| offline).map(|bill| bill.key.clone());
        (self.seen, self.doubt, self.restarted) = (shown, false, false);
        broken
    }

    /// Whether a sale that was in hand when the machine died can be over: what was under way may have ended it.
    fn may_have_ended(&self) -> bool {
        let pays = |operation| PAYMENTS.contains(&operation) && operation != VOID_PAYMENT;
        self.under_way.is_some_and(|operation| pays(operation) || GIVING_UP.contains(&operation))
    }

    /// Whether a bill can be what has become of the one that was shown last: what was under way may have changed it.
    fn may_have_become(&self, seen: &Bill, bill: &Bill) -> bool {
        match self.under_way {
            None => seen == bill,
            Some(operation) => bill.lines.len() >= seen.lines.len() && (PAYMENTS.contains(&operation) || bill.paid == seen.paid),
        }
    }

    fn conclude(&mut self, receipt: u64, total: Millionths, kept: Millionths, broken: &mut Vec<Broken>) {
        // A conclusion in doubt took a number if it happened.
        let doubtful = u64::from(self.doubt) + self.maybe.len() as u64;
        if receipt <= self.highest_receipt || receipt > self.highest_receipt + 1 + doubtful {
            broken.push((5, format!("receipt {receipt} after {}", self.highest_receipt)));
        }
        self.highest_receipt = receipt;
        let Some(bill) = self.seen.take() else {
            broken.push((1, format!("receipt {receipt} for no sale")));
            return;
        };
        if bill.total != total || kept != total {
            broken.push((6, format!("receipt {receipt}: {total} is shown and {kept} was kept for a sale of {}", bill.total)));
        }
        self.sold.push(Sold { key: bill.key, receipt, total, kept });
    }

    /// How much of a product is on the bill.
    pub(super) fn quantity_of(&self, product: &str) -> Millionths {
        let lines = self.seen.iter().flat_map(|bill| &bill.lines);
        lines.filter(|line| line.product == product && !line.voided).map(|line| line.quantity).sum()
    }
}

/// What each product costs and is taxed, as ordered at headquarters.
pub(super) struct Rates {
    /// Prices by product, each with the version of the data it came with.
    pub(super) prices: BTreeMap<String, Vec<(u64, Millionths)>>,
    /// Tax group by product, and whether its price holds the tax.
    pub(super) groups: BTreeMap<String, (String, bool)>,
}

impl Rates {
    /// The price in some version.
    pub(super) fn price_at(&self, product: &str, version: u64) -> Option<Millionths> {
        let prices = self.prices.get(product)?;
        prices.iter().rev().find(|(since, _)| *since <= version).map(|(_, price)| *price)
    }
}

/// The bill on the screen, worked out anew.
fn bill(sale: &Sale, totals: &Totals, rates: &Rates, broken: &mut Vec<Broken>) -> Bill {
    let mut bill = Bill { key: sale.id.to_string(), lines: Vec::new(), paid: millionths(totals.paid.amount()), total: 0 };
    for line in sale.lines() {
        let (price, quantity) = (millionths(line.price.amount()), millionths(line.quantity.get()));
        let extended = to_cents(price * quantity / ONE);
        let off = match line.discount {
            None => 0,
            Some(Discount::Amount(amount)) => millionths(amount.amount()),
            Some(Discount::Percent(percent)) => {
                let left = extended * (100 * ONE - millionths(percent));
                extended - to_cents(left / (100 * ONE))
            }
        };
        let (net, product) = (extended - off, line.product.to_string());
        let tax = match rates.groups.get(&product) {
            Some((group, false)) => tax(group, net, quantity),
            Some((_, true)) => 0,
            None => {
                broken.push((7, format!("product {product} was never at headquarters")));
                0
            }
        };
        let list_price = millionths(line.list_price.amount());
        if !rates.prices.get(&product).is_some_and(|prices| prices.iter().any(|(_, price)| *price == list_price)) {
            broken.push((7, format!("product {product} never cost {list_price}")));
        }
        if !line.voided {
            bill.total += net + tax;
        }
        bill.lines.push(BillLine { product, quantity, price, list_price, voided: line.voided, net });
    }
    let shown = millionths(totals.total.amount());
    if shown != bill.total {
        broken.push((6, format!("the screen says {shown} for a bill of {}: {:?}", bill.total, bill.lines)));
    }
    bill
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
