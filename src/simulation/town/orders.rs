//! What headquarters orders while its store sells: prices, whether a register may work offline, which device a register is.
//!
//! The oracle knows a price by the version that it came with. So nothing else is distributed while a price is in doubt.

use std::path::Path;

use super::super::books::Death;
use super::super::chance::Chance;
use super::super::machines::{STORE, WHO, raw};
use super::Town;
use crate::headquarters::kinds::{Kind as Entity, REGISTERS_JOB};
use crate::headquarters::{Extent, Headquarters};
use crate::secret::Secret;

/// The job that carries products and their prices.
const PRODUCTS_JOB: u32 = 1040;

/// Whether the job that was asked for has run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Distributed {
    Yes,
    /// Headquarters is down, or something went wrong: it may have run all the same.
    InDoubt,
}

/// Whether a register may work offline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SupportOffline {
    Yes,
    No,
}

impl SupportOffline {
    const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

impl Town<'_> {
    /// Distributes what has been ordered; also what was in doubt.
    pub(super) fn distribute_prices(&mut self) -> Result<Distributed, String> {
        self.distribute(PRODUCTS_JOB, Extent::Changes)
    }

    /// Headquarters orders new prices, and the job that carries them runs.
    pub(super) fn change_a_price(&mut self, chance: &mut Chance) -> Result<(), String> {
        let Some(headquarters) = self.office.headquarters() else { return Ok(()) };
        // What is in doubt comes first.
        self.distribute_prices()?;
        if !self.doubtful.is_empty() {
            return Ok(());
        }
        for _ in 0..chance.between(1, 5) {
            let id = chance.pick(&self.items).id.clone();
            let cents = chance.between(5, 3_000);
            self.order(&headquarters, id, cents);
        }
        drop(headquarters);
        self.distribute_prices().map(drop)
    }

    /// Orders a price at headquarters. Where that fails nobody knows whether it was written: it is ordered again before the next job.
    fn order(&mut self, headquarters: &Headquarters, id: String, cents: u64) {
        let Some(product) = Entity::named("product") else { return };
        let price = format!("{}.{:02}", cents / 100, cents % 100);
        match headquarters.set(WHO, product, &id, &[("unit_price", &price)]) {
            Ok(_) => self.rates.prices.entry(id).or_default().push((self.version + 1, i128::from(cents) * 10_000)),
            Err(error) => {
                self.note(&format!("a price is not ordered: {error}"));
                self.doubtful.push((id, cents));
            }
        }
    }

    /// Runs a job; what it made is the newest version from then on.
    pub(super) fn distribute(&mut self, job: u32, extent: Extent) -> Result<Distributed, String> {
        let Some(headquarters) = self.office.headquarters() else { return Ok(Distributed::InDoubt) };
        if self.learn_version(&headquarters)? == Distributed::InDoubt {
            return Ok(Distributed::InDoubt);
        }
        for (id, cents) in std::mem::take(&mut self.doubtful) {
            self.order(&headquarters, id, cents);
        }
        if !self.doubtful.is_empty() {
            return Ok(Distributed::InDoubt);
        }
        let ran = headquarters.run_job(WHO, job, None, extent);
        if let Err(error) = &ran {
            self.note(&format!("job {job}: {error}"));
        }
        let learnt = self.learn_version(&headquarters)?;
        Ok(if ran.is_ok() { learnt } else { Distributed::InDoubt })
    }

    /// Which version is the newest, unless headquarters does not say.
    fn learn_version(&mut self, headquarters: &Headquarters) -> Result<Distributed, String> {
        let Ok(manifests) = headquarters.manifests(STORE, self.version) else { return Ok(Distributed::InDoubt) };
        let key = headquarters.verifying_key().parse().map_err(|_| "headquarters' key is none")?;
        let newest = manifests.iter().filter_map(|manifest| manifest.open(&key).ok()).map(|manifest| manifest.to_version).max();
        self.version = newest.unwrap_or(self.version).max(self.version);
        Ok(Distributed::Yes)
    }

    /// Headquarters sets up a register anew: one that may not work offline may again, more often than another loses that.
    pub(super) fn change_support(&mut self, at: usize, chance: &mut Chance) -> Result<(), String> {
        match self.online_only.first().copied() {
            Some(online_only) if chance.percent(70) => self.support_offline(online_only, SupportOffline::Yes),
            Some(_) | None => self.support_offline(at, SupportOffline::No),
        }
    }

    /// Sets *Support offline* of a register, and distributes that.
    pub(super) fn support_offline(&mut self, at: usize, support: SupportOffline) -> Result<(), String> {
        let (Some(headquarters), Some(register)) = (self.office.headquarters(), Entity::named("register")) else { return Ok(()) };
        if self.distribute_prices()? == Distributed::InDoubt {
            return Ok(());
        }
        let id = self.stations[at].id.to_string();
        if support == SupportOffline::No {
            self.online_only.insert(at);
        }
        if let Err(error) = headquarters.set(WHO, register, &id, &[("support_offline", support.word())]) {
            self.note(&format!("register {id} is not set up anew: {error}"));
            return Ok(());
        }
        drop(headquarters);
        self.note(&format!("register {id}: support offline is {}", support.word()));
        self.tally.count("offline support changed");
        let distributed = self.distribute(REGISTERS_JOB, Extent::Changes)?;
        if support == SupportOffline::Yes && distributed == Distributed::Yes {
            self.online_only.remove(&at);
        }
        Ok(())
    }

    /// Headquarters deactivates a register's device from afar.
    pub(super) fn deactivate(&mut self, at: usize) -> Result<(), String> {
        let Some(headquarters) = self.office.headquarters() else { return Ok(()) };
        if self.distribute_prices()? == Distributed::InDoubt {
            return Ok(());
        }
        let id = self.stations[at].id.clone();
        self.stations[at].give_up();
        match headquarters.deactivate_device(WHO, &id) {
            Ok(()) => {
                self.half_deactivated.remove(&at);
                self.note(&format!("headquarters deactivates register {id}"));
            }
            Err(error) => {
                self.half_deactivated.insert(at);
                self.note(&format!("headquarters may have deactivated register {id}: {error}"));
            }
        }
        self.tally.count("device deactivated");
        self.learn_version(&headquarters).map(drop)
    }

    /// A register's machine is given up for lost, and another takes its place: one that has no sale in hand and from which everything has
    /// arrived, so that nothing is lost with it.
    pub(super) fn replace(&mut self, first: usize, chance: &mut Chance) -> Result<(), String> {
        let all = self.stations.len();
        let Some(at) = (first..first + all).map(|at| at % all).find(|at| self.has_sent_all(*at)) else { return Ok(()) };
        if self.distribute_prices()? == Distributed::InDoubt {
            return Ok(());
        }
        self.kill_register(at, chance, Death::BetweenTwoThings)?;
        let Some(headquarters) = self.office.headquarters().filter(|_| self.has_sent_all(at)) else { return Ok(()) };
        let id = self.stations[at].id.clone();
        self.stations[at].give_up();
        let reset = headquarters.reset_device(WHO, &id);
        self.learn_version(&headquarters)?;
        if let Err(error) = reset {
            self.half_deactivated.insert(at);
            self.note(&format!("register {id} may have been given up for lost: {error}"));
            return Ok(());
        }
        self.note(&format!("register {id} is another machine from now on"));
        self.tally.count("machine replaced");
        self.stations[at].replace().map_err(|error| error.to_string())
    }

    fn has_sent_all(&mut self, at: usize) -> bool {
        if self.books[at].is_in_a_sale() {
            return false;
        }
        self.background(at);
        count_unsent(&self.stations[at].journal()) == Ok(0)
    }

    /// Headquarters' activation code for a register whose device is none, or none any more.
    pub(super) fn activation_code(&mut self, at: usize) -> Result<Option<Secret>, String> {
        let Some(headquarters) = self.office.headquarters().filter(|_| self.stations[at].needs_code()) else { return Ok(None) };
        let id = self.stations[at].id.clone();
        if let Ok(code) = headquarters.activation_code(WHO, &id) {
            return Ok(Some(code));
        }
        // It was activated, and the device never heard of it.
        if self.distribute_prices()? == Distributed::InDoubt {
            return Ok(None);
        }
        if let Err(error) = headquarters.reset_device(WHO, &id) {
            self.note(&format!("register {id} is not given up: {error}"));
        }
        self.learn_version(&headquarters)?;
        Ok(headquarters.activation_code(WHO, &id).ok())
    }
}

/// Records of a journal that have not arrived; an error where there is none.
fn count_unsent(journal: &Path) -> Result<i64, String> {
    const UNSENT: &str = "SELECT count(*) FROM outbox WHERE sent_at IS NULL";
    raw(journal)?.query_row(UNSENT, [], |row| row.get(0)).map_err(|error| error.to_string())
}
