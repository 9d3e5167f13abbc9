//! Which of a store's rows may look different since a job ran last.

use std::collections::BTreeSet;

use crate::headquarters::database::{Row, Tx, Value};
use crate::headquarters::error::Result;
use crate::headquarters::kinds::{ALL_JOBS, KINDS, Kind};

/// Rows of a store to be looked at again.
#[derive(Default)]
pub(super) struct Candidates {
    /// The store's configuration.
    pub(super) store: bool,
    /// All its registers' setups.
    pub(super) registers: bool,
    /// All its staff: a permission group changed.
    pub(super) all_staff: bool,
    /// Products, by number.
    pub(super) products: BTreeSet<String>,
    /// Staff, by number.
    pub(super) staff: BTreeSet<String>,
    /// Customers, by number.
    pub(super) customers: BTreeSet<String>,
    /// Records that are distributed as they are, by kind and key.
    pub(super) records: BTreeSet<(&'static str, String)>,
}

/// How far a job came.
struct Progress {
    change: u64,
    day: String,
}

impl Candidates {
    /// What changed, began or ended for a store since the job ran last.
    pub(super) fn find(tx: &mut Tx<'_>, store: &str, day: &str, job: u32) -> Result<Self> {
        const CHANGED: &str = "SELECT key, lookup, reach FROM records WHERE change > $1 AND kind = $2";
        const BEGAN: &str = "SELECT key, lookup, reach FROM records WHERE kind = $1 AND valid_from > $2 AND valid_from <= $3";
        const ENDED: &str = "SELECT key, lookup, reach FROM records WHERE kind = $1 AND valid_to >= $2 AND valid_to < $3";
        let mut found = Self::default();
        for kind in KINDS.iter().filter(|kind| kind.job.is_some_and(|its_job| job == its_job || job == ALL_JOBS)) {
            let progress = progress(tx, store, kind.job.unwrap_or(job))?;
            let mut take = |row: Row| {
                let reach = row.text(2)?;
                if reach.is_empty() || reach.contains(&format!(",{store},")) {
                    found.add(kind, row.text(0)?, row.text(1)?);
                }
                Ok(())
            };
            tx.each(CHANGED, &[progress.change.into(), kind.name.into()], &mut take)?;
            if kind.field("from").is_some() {
                let days: [Value; 3] = [kind.name.into(), (&progress.day).into(), day.into()];
                tx.each(BEGAN, &days, &mut take)?;
                tx.each(ENDED, &days, &mut take)?;
            }
        }
        Ok(found)
    }

    fn add(&mut self, kind: &'static Kind, key: String, lookup: String) {
        match kind.name {
            "functionality-profile" | "payment-method" | "tax-group" => self.store = true,
            "offline-profile" | "visual-profile" | "screen-layout" => self.registers = true,
            "store" | "register" => {
                self.store = true;
                self.registers = true;
                if kind.name == "register" {
                    self.records.insert((kind.name, key));
                }
            }
            "permission-group" => self.all_staff = true,
            "staff" => _ = self.staff.insert(key),
            "customer" => _ = self.customers.insert(key),
            "product" => _ = self.products.insert(key),
            "barcode" | "price" => _ = self.products.insert(lookup),
            _ => _ = self.records.insert((kind.name, key)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many rows these are, at least.
    pub(super) fn count(&self) -> u64 {
        let sets = self.products.len() + self.staff.len() + self.customers.len() + self.records.len();
        let all = [self.store, self.registers, self.all_staff].into_iter().filter(|is_one| *is_one).count();
        (sets + all) as u64
    }
}

fn progress(tx: &mut Tx<'_>, store: &str, job: u32) -> Result<Progress> {
    const PROGRESS: &str = "SELECT change, day FROM progress WHERE store = $1 AND job = $2";
    match tx.row(PROGRESS, &[store.into(), job.into()])? {
        Some(row) => Ok(Progress { change: row.number(0)?, day: row.text(1)? }),
        None => Ok(Progress { change: 0, day: String::new() }),
    }
}
