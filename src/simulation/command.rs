//! A cashier's command as the oracle heard it: which operation, with all that was typed for it, and what that makes of a bill.
//!
//! It knows what was asked for, never what the till made of it. A command changes a bill once, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use super::bill::{Bill, BillLine, Millionths, ONE, Off, Rates, Tender, millionths};
use crate::desk::{Answer, Prompt, Selection};
use crate::view::{ConnectionView, View};

/// Operations that take money, and those that may end a sale without a receipt.
const PAYMENTS: Range<u16> = 200..211;
const GIVING_UP: [u16; 2] = [500, 701];

/// Versions of the store's data that an answer can come from.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    /// At the scale unit.
    pub(super) online: RangeInclusive<u64>,
    /// At the register.
    pub(super) offline: RangeInclusive<u64>,
}

/// Any at all.
impl Default for Versions {
    fn default() -> Self {
        Self { online: 0..=u64::MAX, offline: 0..=u64::MAX }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Side {
    Online,
    Offline,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    UnderWay,
    /// It has changed the bill.
    Done,
    /// The cashier cancelled it, or the register locked.
    GivenUp,
}

/// What is sold.
#[derive(Debug)]
struct Scan {
    product: String,
    /// As typed before the code, or before that.
    count: Option<Millionths>,
}

/// A command under way.
#[derive(Debug)]
pub(super) struct Command {
    operation: u16,
    method: String,
    selected: Option<Selection>,
    pending: Option<Millionths>,
    scan: Option<Scan>,
    price: Option<Millionths>,
    number: Option<Millionths>,
    is_agreed: bool,
    versions: Versions,
    /// Where answers can have come from.
    sides: BTreeSet<Side>,
    stage: Stage,
}

impl Command {
    /// An operation, as it is pressed before a view.
    pub(super) fn new(operation: u16, parameter: Option<&str>, view: &View, versions: &Versions) -> Self {
        let mut command = Self {
            operation,
            method: parameter.unwrap_or("cash").to_owned(),
            selected: view.selected,
            pending: view.pending_quantity.map(|quantity| millionths(quantity.get())),
            scan: None,
            price: None,
            number: None,
            is_agreed: false,
            versions: versions.clone(),
            sides: BTreeSet::new(),
            stage: Stage::UnderWay,
        };
        command.look(view);
        command
    }

    /// A product is scanned, or typed with how many of it.
    pub(super) fn scan(mut self, product: String, count: Option<u64>) -> Self {
        let count = count.map(|count| Millionths::from(count) * ONE).or(self.pending);
        self.scan = Some(Scan { product, count });
        self
    }

    pub(super) fn look(&mut self, view: &View) {
        let is_offline = matches!(view.header.connection, ConnectionView::Offline { .. });
        self.sides.insert(if is_offline { Side::Offline } else { Side::Online });
    }

    /// Takes in what the cashier answers.
    pub(super) fn hear(&mut self, prompt: &Prompt, answer: &Answer) {
        match (prompt, answer) {
            (_, Answer::Cancel) => self.give_up(),
            (_, Answer::Pick(product)) => self.scan = Some(Scan { product: product.to_string(), count: self.pending }),
            (Prompt::Number(prompt), Answer::Number(text)) => {
                let text = if text.is_empty() { prompt.suggestion.as_ref().unwrap_or(text) } else { text };
                let number = text.parse().ok().map(millionths);
                *if prompt.title == "Price" { &mut self.price } else { &mut self.number } = number;
            }
            (Prompt::Confirm(_) | Prompt::Page(_), Answer::Yes) => self.is_agreed = true,
            _ => {}
        }
    }

    /// Nothing comes of it any more, unless something has.
    pub(super) fn give_up(&mut self) {
        if self.stage == Stage::UnderWay {
            self.stage = Stage::GivenUp;
        }
    }

    /// It has changed the bill.
    pub(super) fn is_done(&mut self) {
        self.stage = Stage::Done;
    }

    pub(super) fn sells(&self) -> bool {
        matches!(self.operation, 100 | 101 | 108)
    }

    /// Whether it may have ended a sale with a receipt.
    pub(super) fn may_conclude(&self) -> bool {
        PAYMENTS.contains(&self.operation) && self.stage == Stage::UnderWay
    }

    /// Whether it may have ended a sale without one.
    pub(super) fn may_give_up_the_sale(&self) -> bool {
        GIVING_UP.contains(&self.operation) && self.is_agreed && self.stage == Stage::UnderWay
    }

    /// Whether the screen said offline while it was under way, if it said one thing only.
    pub(super) fn is_offline(&self) -> Option<bool> {
        (self.sides.len() == 1).then(|| self.sides.contains(&Side::Offline))
    }

    /// What is handed over for a bill, if anything still has to be.
    pub(super) fn tender(&self, bill: &Bill) -> Option<Tender> {
        let amount = match self.operation {
            _ if bill.due() == 0 => None,
            206 => Some(bill.due()),
            _ => self.number,
        };
        amount.map(|amount| Tender { method: self.method.clone(), amount, voided: false })
    }

    /// What a sale that it concludes leaves in the drawer: by method, what was handed over less what was given back.
    pub(super) fn takings(&self, bill: &Bill) -> BTreeMap<String, Millionths> {
        let mut takings = BTreeMap::new();
        let last = self.tender(bill);
        for tender in bill.payments.iter().filter(|payment| !payment.voided).chain(&last) {
            *takings.entry(tender.method.clone()).or_default() += tender.amount;
        }
        let handed_over: Millionths = takings.values().sum();
        if let Some(last) = last {
            *takings.entry(last.method).or_default() -= handed_over - bill.total;
        }
        takings
    }

    /// Whether it makes of the bill on the screen the one that is there next.
    pub(super) fn makes(&self, bill: &Bill, next: &Bill, rates: &Rates) -> bool {
        let is_next = |made: Bill| made.lines == next.lines && made.payments == next.payments;
        self.stage == Stage::UnderWay && self.outcomes(bill, rates).into_iter().any(is_next)
    }

    /// Whether it must have changed the bill, as nothing was refused.
    pub(super) fn is_due(&self, bill: &Bill, rates: &Rates) -> bool {
        // What a switch says stands in place of a refusal.
        let is_known = self.stage == Stage::UnderWay && self.sides.len() == 1;
        let outcomes = self.outcomes(bill, rates);
        is_known && (!outcomes.is_empty() && !outcomes.contains(bill) || self.may_give_up_the_sale() || self.settles(bill))
    }

    fn settles(&self, bill: &Bill) -> bool {
        self.may_conclude() && !bill.lines.is_empty() && (bill.due() == 0 || self.tender(bill).is_some())
    }

    /// What it can make of a bill; nothing where it changes none, or ends the sale.
    fn outcomes(&self, bill: &Bill, rates: &Rates) -> Vec<Bill> {
        if self.sells() {
            return self.prices(rates).into_iter().filter_map(|price| self.sold(bill, price, rates)).collect();
        }
        let mut made = bill.clone();
        let is_possible = match self.operation {
            200 | 206 => {
                let tender = self.tender(bill).filter(|tender| tender.amount < bill.due());
                tender.map(|tender| made.payments.push(tender)).is_some()
            }
            211 => self.void_payment(&mut made),
            _ => self.change_line(&mut made),
        };
        if is_possible { vec![made] } else { Vec::new() }
    }

    fn change_line(&self, bill: &mut Bill) -> bool {
        let Some(Selection::Line(line)) = self.selected else { return false };
        let Some(line) = (line as usize).checked_sub(1).and_then(|at| bill.lines.get_mut(at)) else { return false };
        let off = |of: fn(Millionths) -> Off, number| if number == 0 { Off::Nothing } else { of(number) };
        match (self.operation, self.number) {
            (102, _) => line.voided = !line.voided,
            (104, Some(price)) => (line.price, line.overridden) = (price, true),
            (105, Some(quantity)) => line.quantity = quantity,
            (106, _) => line.quantity = ONE,
            (300, Some(amount)) => line.off = off(Off::Amount, amount),
            (301, Some(percent)) => line.off = off(Off::Percent, percent),
            _ => return false,
        }
        true
    }

    fn void_payment(&self, bill: &mut Bill) -> bool {
        let payment = match self.selected {
            Some(Selection::Payment(payment)) => (payment as usize).checked_sub(1).and_then(|at| bill.payments.get_mut(at)),
            Some(Selection::Line(_)) | None => bill.payments.iter_mut().rev().find(|payment| !payment.voided),
        };
        payment.filter(|payment| !payment.voided).map(|payment| payment.voided = true).is_some()
    }

    /// What the product can cost.
    fn prices(&self, rates: &Rates) -> Vec<Millionths> {
        let Some(scan) = self.scan.as_ref().filter(|_| self.operation != 101 || self.is_agreed) else { return Vec::new() };
        let versions = self.sides.iter().map(|side| match side {
            Side::Online => &self.versions.online,
            Side::Offline => &self.versions.offline,
        });
        versions.flat_map(|versions| rates.prices_in(&scan.product, versions)).collect()
    }

    /// The bill with the product on it: on a line that is like it in all, or on one of its own.
    fn sold(&self, bill: &Bill, list_price: Millionths, rates: &Rates) -> Option<Bill> {
        let Scan { product, count } = self.scan.as_ref()?;
        let good = rates.goods.get(product)?;
        let price = if good.key_in_price { self.price? } else { list_price };
        let quantity = match count {
            Some(count) => *count,
            None if good.is_measured => self.number?,
            None => ONE,
        };
        let mut bill = bill.clone();
        let is_like = |line: &&mut BillLine| {
            !line.voided && !line.overridden && line.off == Off::Nothing && line.product == *product && line.price == price
        };
        match bill.lines.iter_mut().rev().find(is_like).filter(|_| !good.is_measured) {
            Some(line) => line.quantity += quantity,
            None => bill.lines.push(BillLine {
                product: product.clone(),
                quantity,
                price,
                list_price,
                overridden: false,
                off: Off::Nothing,
                voided: false,
            }),
        }
        Some(bill)
    }
}
