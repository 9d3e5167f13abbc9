//! How likely each kind of trouble is in a run: the seed draws that too.

use super::chance::Chance;
use super::{Kind, Simulation};

/// How likely each kind of trouble is in a step, in millionths; the seed draws these too.
pub(super) struct Dangers {
    pub(super) road: u64,
    pub(super) register_dies: u64,
    pub(super) unit_dies: u64,
    pub(super) office_dies: u64,
    pub(super) disk: u64,
    pub(super) clock: u64,
}

impl Dangers {
    pub(super) fn of(simulation: &Simulation) -> Self {
        let mut chance = Chance::of(simulation.seed, u64::MAX);
        let mut draw = |kind: Kind, most: u64| {
            let often = [most, most / 4, most / 20, 0][chance.weighted(&[4, 4, 3, 1])];
            if simulation.faults.contains(&kind) { often } else { 0 }
        };
        Self {
            road: draw(Kind::Network, 80_000),
            register_dies: draw(Kind::Death, 12_000),
            unit_dies: draw(Kind::Death, 4_000),
            office_dies: draw(Kind::Death, 2_000),
            disk: draw(Kind::Disk, 4_000),
            clock: draw(Kind::Clock, 2_000),
        }
    }
}
