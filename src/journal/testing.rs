//! A small shop for the tests of the journal and the upload: a journal in a directory of its own, and sales to record.

use std::path::Path;

use chrono::{DateTime, TimeDelta};
use tempfile::TempDir;

use super::verify::{Verification, verify};
use super::{Journal, Outbox, Reader, Stamp};
use crate::clock::Time;
use crate::ids::{KeySource, OperatorId, RegisterId, ShiftId};
use crate::money::{Money, Quantity};
use crate::retail::product::Product;
use crate::retail::sale::{NewLine, Sale};
use crate::retail::store::Store;
use crate::retail::transaction::{Event, Transaction};

/// A journal with what a test needs around it.
pub(crate) struct Shop {
    pub(crate) directory: TempDir,
    pub(crate) journal: Journal,
    pub(crate) keys: KeySource,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let journal = Journal::open(directory.path(), &register()).unwrap();
        Self { directory, journal, keys: KeySource::Seeded(343) }
    }

    pub(crate) fn outbox(&self) -> Outbox {
        Outbox::open(self.directory.path()).unwrap()
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(self.directory.path()).unwrap()
    }

    pub(crate) fn verify(&self) -> Verification {
        verify(&self.reader())
    }

    /// A sale with so many lines, not in the journal yet.
    pub(crate) fn sale(&mut self, lines: usize) -> Sale {
        let id = self.keys.next(at(0));
        let mut sale = Sale::begin(id, register(), stamp(0).shift, stamp(0).operator, at(0), &store());
        for _ in 0..lines {
            add(&mut sale);
        }
        sale
    }

    /// Concludes a sale of one line, 0.89, paid exactly.
    pub(crate) fn sell(&mut self) -> Transaction {
        let mut sale = self.sale(1);
        pay(&mut sale);
        self.journal.conclude(&sale, &stamp(1)).unwrap()
    }

    pub(crate) fn note(&mut self) -> Transaction {
        let id = self.keys.next(at(0));
        self.journal.note(id, Event::LogOn, &stamp(1)).unwrap()
    }

    /// Changes the file behind the journal's back.
    pub(crate) fn tamper(&self, sql: &str) {
        let database = rusqlite::Connection::open(self.directory.path().join(super::file::JOURNAL)).unwrap();
        database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        database.execute_batch(sql).unwrap();
    }
}

pub(crate) fn register() -> RegisterId {
    RegisterId { store: "343".to_owned(), number: 1 }
}

pub(crate) fn at(seconds: i64) -> Time {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

pub(crate) fn stamp(seconds: i64) -> Stamp {
    Stamp { operator: OperatorId::from("000160"), shift: ShiftId { register: 1, number: 1 }, at: at(seconds), offline: false }
}

pub(crate) fn store() -> Store {
    serde_json::from_value(serde_json::json!({
        "number": "343", "name": "Corner", "currency": "USD", "utc_offset_minutes": 0, "registers": [1], "tax_rounding": "per_line",
        "denominations": [], "receipt_header": [], "receipt_footer": [],
        "functionality": { "maximum_quantity": "9999", "maximum_price": "99999", "aggregate_items": false },
        "tax_groups": [], "barcode_patterns": [],
        "payment_methods": [{ "id": "1", "name": "Cash", "operation": 200, "overtender": true }],
    }))
    .unwrap()
}

/// Adds a line of 0.89.
pub(crate) fn add(sale: &mut Sale) {
    let price = Money::parse("0.89", sale.currency).unwrap();
    let product = Product {
        id: "1".into(),
        barcode: "4006381333931".to_owned(),
        name: "Apples".to_owned(),
        department: String::new(),
        category: String::new(),
        brand: String::new(),
        price,
        unit: "each".to_owned(),
        tax_group: "none".into(),
        rules: crate::retail::product::ProductRules::default(),
        stock: None,
    };
    let barcode = product.barcode.clone();
    let quantity = Quantity::parse("1").unwrap();
    sale.add(NewLine { product, barcode, quantity, price, price_embedded: false }, &store()).unwrap();
}

/// Pays what is due in cash.
pub(crate) fn pay(sale: &mut Sale) {
    let balance = sale.totals().balance;
    let method = store().payment_methods.remove(0);
    let accepted = method.accept(balance, balance).unwrap();
    sale.pay(&method, accepted).unwrap();
}

/// What a `kill -9` would leave: the files as they are while the journal is open.
pub(crate) fn copy(from: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for name in ["journal.db", "journal.db-wal", "journal.key"] {
        let source = from.join(name);
        if source.exists() {
            std::fs::copy(source, copy.path().join(name)).unwrap();
        }
    }
    copy
}
