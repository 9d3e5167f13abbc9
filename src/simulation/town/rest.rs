//! The second phase: nothing fails any more, and everything must come to rest.

use std::path::Path;
use std::time::Duration;

use super::super::audit;
use super::super::cashier::Aim;
use super::super::chance::Chance;
use super::super::machines::{Station, WHO, raw};
use super::super::poison::Poison;
use super::super::road::Condition;
use super::Town;
use super::orders::SupportOffline;
use crate::clock::Clock;

/// Rounds of everybody in each part of the second phase: a day of sales is handed on in pieces where bad records lie between.
const ROUNDS_MAX: u32 = 240;
/// What is done at a machine that has taken another's place.
const COMMANDS_ELSEWHERE: u32 = 40;
/// Keys of what has not arrived.
const UNSENT: &str = "SELECT id FROM outbox JOIN transactions USING (sequence) WHERE sent_at IS NULL";
const NOT_HANDED_ON: &str = "SELECT id FROM transactions WHERE NOT at_headquarters";

impl Town<'_> {
    /// Bad records stay bad at first, and all others must arrive.
    pub(super) fn converge(&mut self) -> Result<(), String> {
        for station in &self.stations {
            station.road.set(Condition::Up);
            station.road.deliver();
        }
        self.unit.road.set(Condition::Up);
        self.unit.road.deliver();
        for disk in self.stations.iter().map(|station| &station.place.disk).chain([&self.unit.place.disk, &self.office.place.disk]) {
            disk.revive();
        }
        if self.come_to_rest(0)? {
            self.poisons.iter().for_each(|poison| poison.lift());
            self.note("bad records are good again");
            if self.come_to_rest(ROUNDS_MAX)? {
                return self.go_on_elsewhere();
            }
        }
        Ok(())
    }

    /// One register's machine is replaced, and sells on where the one before it stopped.
    fn go_on_elsewhere(&mut self) -> Result<(), String> {
        let mut chance = Chance::of(self.simulation.seed, u64::MAX / 8);
        let at = usize::try_from(chance.below(self.stations.len() as u64)).unwrap_or(0);
        self.replace(at, &mut chance)?;
        if self.come_to_rest(2 * ROUNDS_MAX)? {
            self.step += 1;
            self.begin_roads();
            self.turn(at, COMMANDS_ELSEWHERE, chance, Aim::Sell)?;
            self.come_to_rest(3 * ROUNDS_MAX)?;
        }
        Ok(())
    }

    /// Rounds of everybody until nothing waits that could go on; whether that came.
    fn come_to_rest(&mut self, first_round: u32) -> Result<bool, String> {
        let mut waits = String::new();
        for round in first_round..first_round + ROUNDS_MAX {
            self.step += 1;
            self.begin_roads();
            if self.office.headquarters().is_none() {
                self.start_office()?;
            }
            if !self.unit.is_running() {
                self.start_unit();
            }
            for at in self.online_only.clone() {
                self.support_offline(at, SupportOffline::Yes)?;
            }
            for at in self.half_deactivated.clone() {
                self.deactivate(at)?;
            }
            self.distribute_prices()?;
            self.unit_round();
            for at in 0..self.stations.len() {
                let chance = Chance::of(self.simulation.seed, u64::MAX / 4 + u64::from(round) * 64 + at as u64);
                self.turn(at, 12, chance, Aim::Close)?;
                self.background(at);
            }
            self.unit_round();
            if !self.violations.is_empty() {
                return Ok(false);
            }
            waits = self.what_waits();
            if waits.is_empty() {
                return Ok(true);
            }
            self.clock.sleep(Duration::from_secs(61));
        }
        self.broke(None, (8, format!("it does not come to rest: {waits}")));
        Ok(false)
    }

    /// Whether headquarters takes a register for free at which a device is at work.
    fn gives_out_codes_for(&self, station: &Station) -> bool {
        let headquarters = self.office.headquarters().filter(|_| !station.needs_code());
        headquarters.is_some_and(|headquarters| headquarters.activation_code(WHO, &station.id).is_ok())
    }

    /// What is not yet where it belongs; nothing when all is.
    fn what_waits(&self) -> String {
        let mut waits: Vec<String> = self.online_only.iter().map(|at| format!("register {} works online only", at + 1)).collect();
        for (station, book) in self.stations.iter().zip(&self.books) {
            let number = station.id.number;
            let unsent = unsent(&station.journal(), UNSENT, &self.poisons[0]);
            if unsent != Ok(0) {
                waits.push(format!("register {number} has {unsent:?} unsent"));
            }
            if self.gives_out_codes_for(station) {
                waits.push(format!("register {number} works on a device that headquarters would give another code for"));
            }
            if book.seen.is_some() {
                waits.push(format!("register {number} has a sale in hand"));
            }
            let in_use = station.offline_version();
            if in_use.is_some_and(|version| version != self.version) {
                waits.push(format!("register {number} reads data {in_use:?} of {}", self.version));
            }
            match audit::prices(&station.offline_database()) {
                Ok(Some((version, _))) if version == self.version => {}
                found => waits.push(format!(
                    "register {number} has data {:?} of {}",
                    found.map(|found| found.map(|(version, _)| version)),
                    self.version
                )),
            }
        }
        let (round, kept) = (self.unit.round(), unsent(&self.unit.database(), NOT_HANDED_ON, &self.poisons[1]));
        if kept != Ok(0) || round.as_ref().is_none_or(|(waiting, problem)| *waiting == 0 && problem.is_some()) {
            waits.push(format!("the scale unit has not handed on {kept:?}: {round:?}"));
        }
        waits.join("; ")
    }
}

/// How many records a database has not sent on that are not bad.
fn unsent(database: &Path, keys: &str, poison: &Poison) -> Result<usize, String> {
    let words = |error: rusqlite::Error| error.to_string();
    let database = raw(database)?;
    let mut rows = database.prepare(keys).map_err(words)?;
    let rows = rows.query_map([], |row| row.get::<_, String>(0)).map_err(words)?;
    let keys: Vec<String> = rows.collect::<rusqlite::Result<_>>().map_err(words)?;
    Ok(keys.iter().filter(|key| poison.harm(key).is_none()).count())
}
