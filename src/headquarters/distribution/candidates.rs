//! Which of a store's rows may look different since a job ran last.

use std::collections::BTreeSet;

use crate::headquarters::database::{Row, Tx, Value};
use crate::headquarters::error::Result;
use crate::headquarters::kinds::{ALL_JOBS, KINDS, Kind, brought_along};

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
    /// What changed, began or ended for a store since the job ran last; when there is any, what waits of the jobs it brings along too.
    pub(super) fn find(tx: &mut Tx<'_>, store: &str, day: &str, job: u32) -> Result<Self> {
        let mut found = Self::default();
        found.take(tx, store, day, &|its_job| job == its_job || job == ALL_JOBS)?;
        if !found.is_empty() {
            found.take(tx, store, day, &|its_job| brought_along(job).contains(&its_job))?;
        }
        Ok(found)
    }

    /// Days lie between that of the last run and today, whichever is earlier: a clock may have run ahead.
    fn take(&mut self, tx: &mut Tx<'_>, store: &str, day: &str, is_wanted: &dyn Fn(u32) -> bool) -> Result<()> {
        const CHANGED: &str = "SELECT key, lookup, reach FROM records WHERE change > $1 AND kind = $2";
        const BEGAN: &str = "SELECT key, lookup, reach FROM records WHERE kind = $1 AND valid_from > $2 AND valid_from <= $3";
        const ENDED: &str = "SELECT key, lookup, reach FROM records WHERE kind = $1 AND valid_to >= $2 AND valid_to < $3";
        for (kind, job) in KINDS.iter().filter_map(|kind| Some((kind, kind.job.filter(|job| is_wanted(*job))?))) {
            let progress = progress(tx, store, job)?;
            let mut take = |row: Row| {
                let reach = row.text(2)?;
                if reach.is_empty() || reach.contains(&format!(",{store},")) {
                    self.add(kind, row.text(0)?, row.text(1)?);
                }
                Ok(())
            };
            tx.each(CHANGED, &[progress.change.into(), kind.name.into()], &mut take)?;
            if kind.field("from").is_some() {
                let (earlier, later) = (day.min(&progress.day), day.max(&progress.day));
                let days: [Value; 3] = [kind.name.into(), earlier.into(), later.into()];
                tx.each(BEGAN, &days, &mut take)?;
                tx.each(ENDED, &days, &mut take)?;
            }
        }
        Ok(())
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
