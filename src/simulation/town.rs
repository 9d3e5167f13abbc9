//! One run: a chain is founded without faults, lives through them, and must converge once they have stopped.

mod orders;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;

use super::audit;
use super::bill::{Good, Rates, millionths};
use super::books::{Book, Broken, Death, Violation};
use super::cashier::{Aim, Done, Item, State, Turn};
use super::chance::Chance;
use super::dangers::Dangers;
use super::disk::{Disk, Fault, Loss, Machine, Syncs};
use super::machines::{Office, Place, STORE, Station, Unit, WHO};
use super::poison::Poison;
use super::road::{Condition, Road, Tally};
use super::store::{CARDS, forget_keys, furnish};
use super::{Control, Kind, Report, Simulation};
use crate::clock::{Clock, Tick, VirtualClock};
use crate::desk::{Background, Reply};
use crate::headquarters::Extent;
use crate::headquarters::kinds::ALL_JOBS;
use crate::register::OpenError;
use crate::sample_store;
use crate::secret::Secret;
use crate::server::in_memory::Hands;

/// Steps for each sale that was asked for, at most: a run of which nothing comes ends too.
const STEPS_A_SALE: u64 = 60;
/// So many registers are activated one after another, and the others so far apart.
const ACTIVATIONS_AT_ONCE: usize = 8;
const ACTIVATION_PAUSE: Duration = Duration::from_secs(7);
/// Turns of background work in a row: more than any backlog takes.
const BACKGROUND_MAX: u32 = 2_000;
/// The chain, its people and the oracle.
pub(super) struct Town<'a> {
    simulation: &'a Simulation,
    log: &'a mut dyn FnMut(&str),
    clock: Arc<VirtualClock>,
    tally: Arc<Tally>,
    /// Bad records on the way to the scale unit, and on the way to headquarters.
    poisons: [Arc<Poison>; 2],
    office: Arc<Office>,
    unit: Arc<Unit>,
    stations: Vec<Station>,
    books: Vec<Book>,
    rates: Rates,
    items: Vec<Item>,
    cards: Vec<String>,
    done: Done,
    version: u64,
    doubtful: Vec<(String, u64)>,
    /// Registers that headquarters may have set up to work online only.
    online_only: BTreeSet<usize>,
    /// Registers whose deactivation failed: headquarters may have written it and told nobody.
    half_deactivated: BTreeSet<usize>,
    step: u64,
    violations: Vec<Violation>,
    _hands: Hands,
    // Last: the machines' files go with it.
    folder: tempfile::TempDir,
}

impl<'a> Town<'a> {
    /// Everything set up and running, by the road that a real chain takes, before anything goes wrong.
    pub(super) fn found(simulation: &'a Simulation, log: &'a mut dyn FnMut(&str)) -> Result<Self, String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let disks = Disk::install().map_err(|error| words(&error))?;
        // Memory in place of a disk: power cuts are the simulation's own.
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.map_err(|error| words(&error))?;
        let clock = Arc::new(VirtualClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()));
        let (tally, hands) = (Arc::new(Tally::default()), Hands::new().map_err(|error| words(&error))?);
        let place = |name: &str| Place::new(disks, folder.path().join(name), &clock);
        let office = Arc::new(Office::new(place("headquarters")?, hands.clone()));
        office.start()?;
        let headquarters = office.headquarters().ok_or("headquarters does not run")?;
        furnish(&headquarters, simulation.registers)?;
        let poisons = [0, 1].map(|road| Arc::new(Poison::of(simulation, road)));
        let [uploads, handing_on] = &poisons;
        let road = Arc::new(Road::new(Arc::clone(&clock), Arc::clone(&office) as _, Arc::clone(&tally), Arc::clone(handing_on)));
        let unit = Arc::new(Unit::new(place("scale-unit")?, road, hands.clone()));
        let credentials = headquarters.add_scale_unit(WHO, "simulated", STORE).map_err(|error| words(&error))?;
        credentials.write(&unit.credentials()).map_err(|error| words(&error))?;
        unit.start()?;
        let mut stations = Vec::new();
        for number in 1..=simulation.registers {
            let road = Arc::new(Road::new(Arc::clone(&clock), Arc::clone(&unit) as _, Arc::clone(&tally), Arc::clone(uploads)));
            stations.push(Station::new(number, place(&format!("register-{number}"))?, road, simulation.seed));
        }
        let mut town = Self {
            simulation,
            log,
            clock,
            tally,
            poisons,
            office,
            unit,
            books: stations.iter().map(|_| Book::default()).collect(),
            stations,
            rates: Rates { prices: BTreeMap::new(), goods: BTreeMap::new() },
            items: Vec::new(),
            cards: CARDS.map(str::to_owned).to_vec(),
            done: Done::default(),
            version: 0,
            doubtful: Vec::new(),
            online_only: BTreeSet::new(),
            half_deactivated: BTreeSet::new(),
            step: 0,
            violations: Vec::new(),
            _hands: hands,
            folder,
        };
        town.open()?;
        Ok(town)
    }

    /// Distributes the first data, and opens every register.
    fn open(&mut self) -> Result<(), String> {
        self.distribute(ALL_JOBS, Extent::Full).map(drop)?;
        for product in sample_store::master_data().products {
            let (id, rules) = (product.id.to_string(), &product.rules);
            let is_plain = !(rules.weighed || rules.key_in_price || rules.key_in_quantity || rules.blocked) && rules.min_age.is_none();
            let is_plain = is_plain && product.price.is_positive() && !product.barcode.is_empty();
            self.rates.prices.insert(id.clone(), vec![(0, millionths(product.price.amount()))]);
            let good = Good {
                tax_group: product.tax_group.to_string(),
                includes_tax: rules.price_includes_tax,
                key_in_price: rules.key_in_price,
                is_measured: rules.weighed || rules.key_in_quantity,
            };
            self.rates.goods.insert(id.clone(), good);
            self.items.push(Item { id, barcode: product.barcode, is_plain });
        }
        match self.unit.round() {
            Some((_, None)) => {}
            Some((_, Some(why))) => return Err(format!("the first packages did not come: {why}")),
            None => return Err("the scale unit does not run".to_owned()),
        }
        if self.simulation.control == Some(Control::NoDeduplication) {
            forget_keys(&self.unit)?;
        }
        for at in 0..self.stations.len() {
            if at >= ACTIVATIONS_AT_ONCE {
                // The scale unit bounds their rate.
                self.clock.sleep(ACTIVATION_PAUSE);
            }
            let code = self.activation_code(at)?;
            self.stations[at].start(code).map_err(|error| error.to_string())?;
            let syncs = match self.simulation.control {
                Some(Control::LyingDisk) => Syncs::None,
                Some(Control::JournalNormal) => Syncs::Checkpoints,
                Some(Control::NoDeduplication) | None => Syncs::All,
            };
            self.stations[at].place.disk.keep_syncs(syncs);
            self.turn(at, 0, Chance::of(self.simulation.seed, u64::MAX - 1 - at as u64), Aim::Close)?;
            self.background(at);
            self.turn(at, 0, Chance::of(self.simulation.seed, u64::MAX / 2 - at as u64), Aim::Close)?;
        }
        Ok(())
    }

    /// Both phases, and the comparison at the end.
    pub(super) fn live(mut self) -> Result<Report, String> {
        let dangers = Dangers::of(self.simulation);
        let last = self.simulation.only.as_ref().map(|only| only.last().copied().unwrap_or(0));
        let most = last.map_or(self.simulation.sales * STEPS_A_SALE, |last| last + 1);
        while self.step < most && self.violations.is_empty() && (last.is_some() || self.sold() < self.simulation.sales) {
            if self.simulation.only.as_ref().is_none_or(|only| only.contains(&self.step)) {
                self.take_step(&dangers)?;
            }
            self.step += 1;
        }
        // What is done in the second phase is no fault.
        let faults = self.faults();
        if self.violations.is_empty() {
            self.converge()?;
        }
        if self.violations.is_empty() {
            let found = audit::audit(&self.office, &self.unit, &self.stations, &self.books, &self.rates);
            for (register, broken) in found {
                self.broke(register, broken);
            }
        }
        Ok(self.report(faults))
    }

    fn sold(&self) -> u64 {
        self.books.iter().map(|book| book.sold.len() as u64).sum()
    }

    fn faults(&self) -> BTreeMap<&'static str, u64> {
        let mut faults = self.tally.counts();
        let disks = self.stations.iter().map(|station| &station.place.disk).chain([&self.unit.place.disk, &self.office.place.disk]);
        for found in disks.map(Machine::faults) {
            for (name, count) in [
                ("disk full", found.full),
                ("disk I/O error", found.io),
                ("write cut short", found.short),
                ("unsynced change lost", found.lost),
            ] {
                *faults.entry(name).or_default() += count;
            }
        }
        faults.retain(|_, count| *count > 0);
        faults
    }

    fn report(mut self, faults: BTreeMap<&'static str, u64>) -> Report {
        let Simulation { seed, registers, .. } = *self.simulation;
        let sales = self.sold();
        let Done { pressed, done } = std::mem::take(&mut self.done);
        Report {
            seed,
            sales,
            operations: pressed.values().sum(),
            pressed,
            done,
            registers,
            steps: self.step,
            simulated_s: self.clock.tick().since(Tick(0)) / 1_000,
            faults,
            violations: std::mem::take(&mut self.violations),
        }
    }

    fn take_step(&mut self, dangers: &Dangers) -> Result<(), String> {
        let mut chance = Chance::of(self.simulation.seed, self.step);
        self.begin_roads();
        self.endanger(&mut chance, dangers)?;
        let at = usize::try_from(chance.below(self.stations.len() as u64)).unwrap_or(0);
        match chance.below(100) {
            0..=3 => self.unit_round(),
            4 => self.change_a_price(&mut chance)?,
            5 => self.background(at),
            6 if chance.percent(20) => self.stations[at].road.deliver(),
            6 if chance.percent(2) => self.clock.sleep(Duration::from_mins(20)),
            7 if chance.percent(20) => self.inspect(at),
            8 if chance.percent(25) => self.change_support(at, &mut chance)?,
            9 if chance.percent(20) => self.deactivate(at)?,
            10 if chance.percent(60) => self.replace(at, &mut chance)?,
            _ => {
                let commands = chance.between(1, 5);
                self.turn(at, u32::try_from(commands).unwrap_or(1), chance.clone(), Aim::Sell)?;
                if chance.percent(60) {
                    self.background_step(at);
                }
            }
        }
        self.bury(&mut chance)
    }

    /// What happens on the roads in this step is drawn from sequences of its own.
    fn begin_roads(&self) {
        let chance = |road| Chance::of(self.simulation.seed ^ 0x5EED, self.step * 64 + road);
        self.unit.road.begin(chance(0));
        self.stations.iter().zip(1..).for_each(|(station, at)| station.road.begin(chance(at)));
    }

    /// Draws what goes wrong in this step.
    fn endanger(&mut self, chance: &mut Chance, dangers: &Dangers) -> Result<(), String> {
        let at = usize::try_from(chance.below(self.stations.len() as u64)).unwrap_or(0);
        let deep = chance.below(40);
        if chance.per_million(dangers.road) {
            let condition =
                [Condition::Up, Condition::Down, Condition::Hung, Condition::Slow, Condition::Bad][chance.weighted(&[10, 3, 3, 3, 6])];
            match chance.below(8) {
                0 => self.unit.road.set(condition),
                1 => self.stations.iter().for_each(|station| station.road.set(condition)),
                _ => self.stations[at].road.set(condition),
            }
            self.note(&format!("road of register {}: {condition:?}", at + 1));
        }
        if chance.per_million(dangers.register_dies) {
            let disk = &self.stations[at].place.disk;
            if deep < 10 && self.stations[at].open.is_some() {
                self.kill_register(at, chance, Death::BetweenTwoThings)?;
            } else {
                disk.die_at(disk.steps() + deep);
            }
        }
        if chance.per_million(dangers.unit_dies) {
            let disk = &self.unit.place.disk;
            disk.die_at(disk.steps() + deep);
        }
        if chance.per_million(dangers.office_dies) {
            let disk = &self.office.place.disk;
            disk.die_at(disk.steps() + deep);
        }
        if chance.per_million(dangers.disk) {
            let disk = match chance.below(6) {
                0 => &self.unit.place.disk,
                1 => &self.office.place.disk,
                _ => &self.stations[at].place.disk,
            };
            let (fault, lasts) = match chance.below(3) {
                0 => (Fault::Full, chance.between(1, 60)),
                1 => (Fault::Io, 1),
                _ => (Fault::Short, 1),
            };
            disk.fail_at(disk.steps() + deep, fault, lasts);
        }
        if chance.per_million(dangers.clock) {
            let hours = i64::try_from(chance.below(48)).unwrap_or(0) - 24;
            self.stations[at].place.clock.set_error(hours * 3_600_000);
            self.tally.count("clock jump");
        }
        Ok(())
    }

    fn loss(&self, chance: &mut Chance) -> Loss {
        match chance.below(3) {
            _ if !self.simulation.faults.contains(&Kind::Power) => Loss::None,
            0 => Loss::None,
            1 => Loss::All,
            _ => Loss::Torn(chance.number()),
        }
    }

    fn kill_register(&mut self, at: usize, chance: &mut Chance, death: Death) -> Result<(), String> {
        let loss = self.loss(chance);
        self.note(&format!("register {} dies: {loss:?}", at + 1));
        self.tally.count("register died");
        self.books[at].died(death);
        self.stations[at].die(loss)
    }

    /// Machines that died in this step leave what such a death leaves, and some are started again.
    fn bury(&mut self, chance: &mut Chance) -> Result<(), String> {
        for at in 0..self.stations.len() {
            if self.stations[at].place.disk.is_dead() {
                self.kill_register(at, chance, Death::InTheMiddle)?;
            }
        }
        if self.unit.place.disk.is_dead() {
            self.tally.count("scale unit died");
            let loss = self.loss(chance);
            self.note(&format!("the scale unit dies: {loss:?}"));
            self.unit.die(loss)?;
        }
        if self.office.place.disk.is_dead() {
            self.tally.count("headquarters died");
            let loss = self.loss(chance);
            self.note(&format!("headquarters dies: {loss:?}"));
            self.office.die(loss)?;
        }
        if !self.unit.is_running() && chance.percent(25) {
            self.start_unit();
        }
        if self.office.headquarters().is_none() && chance.percent(25) {
            self.start_office()?;
        }
        Ok(())
    }

    fn start_unit(&mut self) {
        if let Err(why) = self.unit.start() {
            self.note(&format!("the scale unit does not start: {why}"));
        }
    }

    /// What was being changed when it died is done again, or was done.
    fn start_office(&mut self) -> Result<(), String> {
        if let Err(why) = self.office.start() {
            self.note(&format!("headquarters does not start: {why}"));
            return Ok(());
        }
        self.distribute_prices().map(drop)
    }

    /// A cashier's turn at a register, which is started first if it is down.
    fn turn(&mut self, at: usize, commands: u32, chance: Chance, aim: Aim) -> Result<(), String> {
        let code = self.activation_code(at)?;
        if self.stations[at].open.is_none() && !self.start_register(at, code.clone()) {
            return Ok(());
        }
        let (is_excused, unit_fails) = (self.is_excused(at), !self.unit.place.disk.is_well());
        self.books[at].data_are(audit::version(&self.unit.master_data()), self.stations[at].offline_versions());
        let time = self.time();
        let station = &mut self.stations[at];
        let Some(open) = station.open.as_mut() else { return Ok(()) };
        // Time has passed since its last turn.
        let _ = open.sender.send(Reply::Background(Background::DeadlineReached));
        let (log, folder) = (&mut *self.log, self.folder.path().to_string_lossy());
        let mut turn = Turn {
            chance,
            commands,
            aim,
            news: &open.news,
            clock: &self.clock,
            place: &station.place,
            road: &station.road,
            code,
            register: &station.id,
            items: &self.items,
            cards: &self.cards,
            rates: &self.rates,
            book: &mut self.books[at],
            done: &mut self.done,
            guesses: None,
            is_excused,
            unit_fails,
            broken: Vec::new(),
            log: &mut |line| log(&format!("{time} {}", line.replace(&*folder, ""))),
            state: State::default(),
        };
        open.till.run(&mut turn);
        let broken = std::mem::take(&mut turn.broken);
        for broken in broken {
            self.broke(Some(u32::try_from(at + 1).unwrap_or(0)), broken);
        }
        Ok(())
    }

    /// Whether there is cause for a sale to be refused that is not the register's.
    fn is_excused(&self, at: usize) -> bool {
        let station = &self.stations[at];
        !station.place.disk.is_well() || !station.offline_database().exists() || station.is_given_up()
    }

    fn start_register(&mut self, at: usize, code: Option<Secret>) -> bool {
        match self.stations[at].start(code) {
            Ok(()) => true,
            Err(error) => {
                self.note(&format!("register {} does not open: {error}", at + 1));
                if let OpenError::Journal(error) = &error
                    && !self.is_excused(at)
                {
                    self.broke(Some(u32::try_from(at + 1).unwrap_or(0)), (1, format!("the journal does not open: {error}")));
                }
                false
            }
        }
    }

    fn background_step(&mut self, at: usize) -> bool {
        self.stations[at].open.as_ref().is_some_and(|open| open.background.step())
    }

    /// All that a register's background has to do.
    fn background(&mut self, at: usize) {
        for _ in 0..BACKGROUND_MAX {
            if !self.background_step(at) {
                break;
            }
        }
    }

    fn unit_round(&mut self) {
        if let Some((_, Some(why))) = self.unit.round() {
            // How long a package is depends on the random tokens in it.
            let why = why.split(" after ").next().unwrap_or_default();
            self.note(&format!("exchange with headquarters: {why}"));
        }
    }

    /// Looks into a register's offline database while it works.
    fn inspect(&mut self, at: usize) {
        for broken in audit::offline_database(&self.stations[at], &self.rates) {
            self.broke(Some(u32::try_from(at + 1).unwrap_or(0)), broken);
        }
    }

    fn broke(&mut self, register: Option<u32>, (invariant, detail): Broken) {
        self.note(&format!("VIOLATION of {invariant} at {register:?}: {detail}"));
        let replay = self.simulation.command();
        self.violations.push(Violation { invariant, step: self.step, register, detail, replay });
    }

    fn note(&mut self, what: &str) {
        // Where it runs is no part of what happens.
        let what = what.replace(&*self.folder.path().to_string_lossy(), "");
        let time = self.time();
        (self.log)(&format!("{time} {what}"));
    }

    fn time(&self) -> String {
        let ms = self.clock.tick().0;
        format!("{:>6} {:>4}:{:02}:{:02}.{:03}", self.step, ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
    }
}
