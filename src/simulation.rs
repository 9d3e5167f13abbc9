//! The simulator: the real registers, scale unit and headquarters on a virtual clock, with faults at every boundary, drawn from one seed.
//!
//! `evertill simulate` calls it, and the tests. Nothing that sells knows of it. Everything happens on the thread that calls, one step after
//! another; each step draws from a sequence of its own (`chance`), so that a failing run can be shortened by leaving steps out (`shrink`).
//! What customers paid is kept in books of its own (`books`) and held against the databases in the end (`audit`).

mod audit;
mod bill;
mod books;
mod cashier;
mod chance;
mod command;
mod dangers;
pub mod disk;
mod machines;
mod poison;
mod road;
mod shrink;
mod store;
mod town;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::random::Seeded;

pub use books::Violation;
pub use shrink::{Shortest, shorten};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// What chance depends on.
    pub seed: u64,
    /// So many concluded sales end the first phase.
    pub sales: u64,
    /// How many registers sell.
    pub registers: u32,
    /// What goes wrong in the first phase.
    pub faults: BTreeSet<Kind>,
    /// Only these steps, out of all that the seed draws; none for all.
    pub only: Option<BTreeSet<u64>>,
    /// What is broken on purpose, to see that it is found.
    pub control: Option<Control>,
}

/// Kinds of faults that can be left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Roads: cut, hung, slow; requests lost, late, doubled, out of order; answers lost, garbled, halved, oversized;
    /// records that fail each time they come.
    Network,
    /// Machines and processes that die between any two steps, or in the middle of one.
    Death,
    /// What a power cut takes from a disk that was not synced.
    Power,
    /// Disks that are full or fail.
    Disk,
    /// Wall clocks that jump.
    Clock,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Network, Self::Death, Self::Power, Self::Disk, Self::Clock];

    /// As the command line names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Death => "death",
            Self::Power => "power",
            Self::Disk => "disk",
            Self::Clock => "clock",
        }
    }
}

/// Mistakes made on purpose: a simulator that does not find them finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// Registers' disks ignore syncs.
    LyingDisk,
    /// The journal is synced as WAL with `synchronous = NORMAL` would.
    JournalNormal,
    /// The channel database takes every upload as a new one.
    NoDeduplication,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// As asked for.
    pub seed: u64,
    /// Sales that customers walked away with.
    pub sales: u64,
    /// Operations that cashiers pressed.
    pub operations: u64,
    /// How often each was pressed.
    pub pressed: BTreeMap<u16, u64>,
    /// How often each was done without a refusal.
    pub done: BTreeMap<u16, u64>,
    /// Registers.
    pub registers: u32,
    /// Steps of both phases.
    pub steps: u64,
    /// How much time passed in the simulation, in seconds.
    pub simulated_s: u64,
    /// What went wrong, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Promises that were broken; nothing is simulated after the first.
    pub violations: Vec<Violation>,
}

impl Simulation {
    /// Runs it. What happens is told line by line, with the simulated time; an error is the machine's, not the simulation's.
    pub fn run(&self, log: &mut dyn FnMut(&str)) -> Result<Report, String> {
        let _seeded = Seeded::with(self.seed);
        town::Town::found(self, log)?.live()
    }

    /// The command that runs it again.
    pub fn command(&self) -> String {
        let Self { seed, sales, registers, .. } = self;
        let only = self.only.as_ref().map(|only| only.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
        let only = only.map_or_else(String::new, |only| format!(" --only {only}"));
        format!("evertill simulate --seed {seed} --sales {sales} --registers {registers} --faults {}{only}", self.faults_named())
    }

    fn faults_named(&self) -> String {
        match self.faults.len() {
            0 => "none".to_owned(),
            all if all == Kind::ALL.len() => "all".to_owned(),
            _ => self.faults.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(","),
        }
    }
}
