//! The oracle: what was typed, what stood on the screen and what customers paid, in books of its own.
//!
//! It looks at nothing but what a cashier types and sees (`command`, `bill`) and what was ordered at headquarters, and never into a database.
//! What the databases say is compared with it at the end (`audit`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::Serialize;

use super::bill::{Bill, Millionths, ONE, Rates, millionths};
use super::command::{Command, Versions};
use crate::desk::{Answer, ChangeDue, Prompt};
use crate::view::{ConnectionView, Level, Screen, View};

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

/// A promise found broken, before it is known where.
pub(super) type Broken = (u8, String);

/// By method, what was handed over less what was given back.
pub(super) type Takings = BTreeMap<String, Millionths>;

/// A sale that a customer walked away with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sold {
    pub(super) key: String,
    pub(super) receipt: u64,
    pub(super) takings: Takings,
    /// Whether the register was offline as it was concluded, where the screen said one thing throughout.
    pub(super) is_offline: Option<bool>,
}

/// A sale in hand when the machine died while it was being ended, and gone when the machine was back: that it ended is certain, not how far
/// the customer knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unwitnessed {
    pub(super) key: String,
    pub(super) ending: Ending,
}

/// What such a sale was ended by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    Paid(Takings),
    GivenUp,
}

/// What is known of one register.
#[derive(Default)]
pub(super) struct Book {
    pub(super) sold: Vec<Sold>,
    /// Their keys, to look one up.
    sold_keys: BTreeSet<String>,
    pub(super) unwitnessed: Vec<Unwitnessed>,
    pub(super) voided: Vec<String>,
    pub(super) seen: Option<Bill>,
    shown_receipt: Option<String>,
    highest_receipt: u64,
    /// Receipts since then that nobody saw.
    unseen_receipts: u64,
    /// The machine died in the middle of something.
    doubt: bool,
    /// It was started again and nothing has been seen since.
    restarted: bool,
    offline_sale: Option<String>,
    /// What the cashier pressed last, until he is asked what is next.
    command: Option<Command>,
    /// Commands refused since the last that was not, because the disk failed. What was written of one, and then not synced, may be whole: it
    /// counts when the register is started again.
    unsynced: Vec<Command>,
    /// A quantity typed for the product that comes next.
    pending: Option<Millionths>,
    /// What he is told comes from these.
    versions: Versions,
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

    /// Which version of the store's data the scale unit has, where it has one; and which the register says it reads offline, up to the newest
    /// that it may take into use next.
    pub(super) fn data_are(&mut self, online: Option<u64>, offline: Option<RangeInclusive<u64>>) {
        let any = Versions::default();
        self.versions =
            Versions { online: online.map_or(any.online, |version| version..=version), offline: offline.unwrap_or(any.offline) };
    }

    /// The cashier presses an operation before a view.
    pub(super) fn press(&mut self, operation: u16, parameter: Option<&str>, view: &View) {
        self.command = Some(Command::new(operation, parameter, view, &self.versions));
    }

    /// He scans a product, or types it with how many.
    pub(super) fn scan(&mut self, product: &str, count: Option<u64>) {
        self.command = self.command.take().map(|command| command.scan(product.to_owned(), count));
    }

    /// He types how many there are of the product that comes next.
    pub(super) fn count(&mut self, count: u64) {
        self.pending = Some(Millionths::from(count) * ONE);
    }

    /// He answers. What he is asked at the door has nothing to do with his command.
    pub(super) fn hear(&mut self, view: &View, prompt: &Prompt, answer: &Answer) {
        if let Some(command) = &mut self.command
            && matches!(view.screen, Screen::Welcome | Screen::Transaction)
        {
            command.hear(prompt, answer);
        }
    }

    /// He is asked what is next: the last command has come to its end, and has done what it was not refused.
    pub(super) fn finish(&mut self, view: &View, rates: &Rates, disk_is_well: bool) -> Option<Broken> {
        let command = self.command.take()?;
        let is_refused = view.notice.as_ref().is_some_and(|notice| notice.level == Level::Error);
        if is_refused && !disk_is_well {
            self.unsynced.push(command);
            return None;
        }
        let bill = self.seen.clone().unwrap_or_default();
        let is_undone = !is_refused && !self.restarted && command.is_due(&bill, rates);
        is_undone.then(|| (9, format!("nothing came of {command:?} on {bill:?}, and nothing says why: {:?}", view.notice)))
    }

    /// Whether a sale is in hand, or may be.
    pub(super) fn is_in_a_sale(&self) -> bool {
        self.seen.is_some() || self.doubt
    }

    /// Takes in what the screen shows.
    pub(super) fn look(&mut self, view: &View, rates: &Rates) -> Vec<Broken> {
        let mut broken = Vec::new();
        if !matches!(view.screen, Screen::Welcome | Screen::Transaction) {
            if view.screen == Screen::Locked
                && let Some(command) = &mut self.command
            {
                command.give_up();
            }
            return broken;
        }
        if let Some(command) = &mut self.command {
            command.look(view);
        }
        let shown = view.sale.as_ref().map(|(sale, totals)| Bill::on_screen(sale, totals, rates, &mut broken));
        let concluded = view.change_due.as_ref().filter(|due| self.shown_receipt.as_ref() != Some(&due.receipt));
        if let Some(due) = concluded {
            self.shown_receipt = Some(due.receipt.clone());
            self.conclude(due, &mut broken);
        }
        broken.extend(self.follow(shown.as_ref(), rates));
        let pending = view.pending_quantity.map(|quantity| millionths(quantity.get()));
        if pending.is_some() && pending != self.pending {
            broken.push((9, format!("the next product is to be sold {pending:?} times, and {:?} was typed", self.pending)));
        }
        broken.extend(self.look_at_connection(view, shown.as_ref()));
        if self.restarted {
            self.unsynced.clear();
        }
        (self.seen, self.doubt, self.restarted) = (shown, false, false);
        broken
    }

    /// Whether what is on the screen can have become of what was there before, by the command under way and nothing else.
    fn follow(&mut self, shown: Option<&Bill>, rates: &Rates) -> Option<Broken> {
        let ended = |key: &String| {
            self.sold_keys.contains(key) || self.voided.contains(key) || self.unwitnessed.iter().any(|ended| ended.key == *key)
        };
        if let Some(bill) = shown.filter(|bill| ended(&bill.key)) {
            return Some((9, format!("a sale that has ended is in hand again: {}", bill.key)));
        }
        match (self.seen.clone(), shown) {
            (None, None) => None,
            (Some(seen), Some(bill)) if seen == *bill => None,
            (Some(seen), Some(bill)) if seen.key == bill.key => self.change(&seen, bill, rates),
            (None, Some(bill)) => self.change(&Bill::default(), bill, rates),
            (Some(seen), _) => self.end(seen),
        }
    }

    fn change(&mut self, seen: &Bill, bill: &Bill, rates: &Rates) -> Option<Broken> {
        if self.restarted && self.unsynced.iter().any(|command| command.makes(seen, bill, rates)) {
            return None;
        }
        self.unsynced.clear();
        let Some(command) = self.command.as_mut().filter(|command| command.makes(seen, bill, rates)) else {
            let promise = if self.restarted { 1 } else { 9 };
            return Some((promise, format!("{seen:?} became {bill:?} by {:?}", self.command)));
        };
        command.is_done();
        if command.sells() {
            self.pending = None;
        }
        None
    }

    /// A sale is gone, and no receipt is shown.
    fn end(&mut self, seen: Bill) -> Option<Broken> {
        self.pending = None;
        let unsynced = std::mem::take(&mut self.unsynced);
        if self.restarted && self.end_unsynced(&seen, &unsynced) {
            return None;
        }
        match &mut self.command {
            Some(command) if command.may_give_up_the_sale() => {
                command.is_done();
                if self.doubt {
                    self.unwitnessed.push(Unwitnessed { key: seen.key, ending: Ending::GivenUp });
                } else {
                    self.voided.push(seen.key);
                }
            }
            Some(command) if self.doubt && command.may_conclude() => {
                command.is_done();
                self.unseen_receipts += 1;
                self.unwitnessed.push(Unwitnessed { ending: Ending::Paid(command.takings(&seen)), key: seen.key });
            }
            command => return Some((1, format!("the sale in hand is gone: {seen:?} by {command:?}"))),
        }
        None
    }

    /// Whether one of these commands ended a sale.
    fn end_unsynced(&mut self, seen: &Bill, unsynced: &[Command]) -> bool {
        let ending = unsynced.iter().find_map(|command| {
            let gives_up = command.may_give_up_the_sale().then_some(Ending::GivenUp);
            gives_up.or_else(|| command.may_conclude().then(|| Ending::Paid(command.takings(seen))))
        });
        let Some(ending) = ending else { return false };
        self.unseen_receipts += u64::from(ending != Ending::GivenUp);
        self.unwitnessed.push(Unwitnessed { key: seen.key.clone(), ending });
        true
    }

    fn conclude(&mut self, due: &ChangeDue, broken: &mut Vec<Broken>) {
        let receipt = due.receipt.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        if receipt <= self.highest_receipt || receipt > self.highest_receipt + 1 + self.unseen_receipts {
            broken.push((5, format!("receipt {receipt} after {}", self.highest_receipt)));
        }
        (self.highest_receipt, self.unseen_receipts, self.pending) = (receipt, 0, None);
        let Some(bill) = self.seen.take() else {
            broken.push((1, format!("receipt {receipt} for no sale")));
            return;
        };
        let Some(command) = self.command.as_mut().filter(|command| command.may_conclude()) else {
            broken.push((9, format!("receipt {receipt} for a sale that nobody paid: {bill:?} by {:?}", self.command)));
            return;
        };
        command.is_done();
        let handed_over = bill.paid() + command.tender(&bill).map_or(0, |tender| tender.amount);
        let wanted = (bill.total, handed_over, handed_over - bill.total);
        let shown = (millionths(due.total.amount()), millionths(due.tendered.amount()), millionths(due.change.amount()));
        if shown != wanted {
            broken.push((9, format!("receipt {receipt} shows total, tendered and change {shown:?}, which should be {wanted:?}")));
        }
        self.sold_keys.insert(bill.key.clone());
        self.unsynced.clear();
        self.sold.push(Sold { takings: command.takings(&bill), is_offline: command.is_offline(), key: bill.key, receipt });
    }

    /// A switch back online waits for the end of the sale.
    fn look_at_connection(&mut self, view: &View, shown: Option<&Bill>) -> Option<Broken> {
        let offline = matches!(view.header.connection, ConnectionView::Offline { .. });
        let key = shown.map(|bill| bill.key.clone());
        let is_back = !offline && !self.restarted && key.is_some() && self.offline_sale == key;
        self.offline_sale = key.filter(|_| offline);
        is_back.then(|| (0, "back online in the middle of a sale".to_owned()))
    }

    /// How much of a product is on the bill.
    pub(super) fn quantity_of(&self, product: &str) -> Millionths {
        let lines = self.seen.iter().flat_map(|bill| &bill.lines);
        lines.filter(|line| line.product == product && !line.voided).map(|line| line.quantity).sum()
    }
}
