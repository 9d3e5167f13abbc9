//! Bad records: transactions that the other end of a road fails at each time they come, until the poison is lifted.
//!
//! Which ones and how is decided by their keys and the seed. All others must arrive while these do not.

use std::sync::atomic::{AtomicBool, Ordering};

use super::chance::Chance;
use super::{Kind, Simulation};

/// What stands before a transaction's key: in the path of an upload, and in a batch for headquarters.
const BEFORE_KEYS: [&str; 2] = ["PUT /v1/transactions/", "{\"id\":\""];
/// A sale, and what else is written down for it. An uploader that meets nothing but errors rests after every third: of bad records there are
/// so many a register and no more, however much it sells.
const RECORDS_A_SALE: u64 = 3;
/// Characters of a key.
const KEY_LENGTH: usize = 36;

/// What becomes of a request with a bad record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Harm {
    /// The server has an error of its own.
    Error,
    /// Something on the way answers in the server's place.
    Balancer,
    /// The connection breaks.
    Cut,
    /// Nothing ever comes back.
    Silence,
}

/// Which records are bad on a road.
pub(super) struct Poison {
    seed: u64,
    /// One record of so many; 0 for none.
    one_in: u64,
    is_lifted: AtomicBool,
}

impl Poison {
    /// The seed decides how many; `road` keeps roads apart.
    pub(super) fn of(simulation: &Simulation, road: u64) -> Self {
        let mut chance = Chance::of(simulation.seed, u64::MAX - 1_000_000 - road);
        let records = simulation.sales * RECORDS_A_SALE / u64::from(simulation.registers.max(1));
        let wanted = [0, 2, 10, 40][chance.weighted(&[2, 3, 3, 2])];
        let is_wanted = wanted > 0 && simulation.faults.contains(&Kind::Network);
        let one_in = if is_wanted { (records / wanted).max(4) } else { 0 };
        Self { seed: chance.number(), one_in, is_lifted: AtomicBool::new(false) }
    }

    /// From now on every record is as good as any other.
    pub(super) fn lift(&self) {
        self.is_lifted.store(true, Ordering::SeqCst);
    }

    /// What becomes of the record with this key.
    pub(super) fn harm(&self, key: &str) -> Option<Harm> {
        if self.one_in == 0 || self.is_lifted.load(Ordering::SeqCst) {
            return None;
        }
        let mixed = key.bytes().fold(self.seed, |mixed, letter| Chance::of(mixed, u64::from(letter)).number());
        let kinds = [Harm::Error, Harm::Balancer, Harm::Cut, Harm::Silence];
        mixed.is_multiple_of(self.one_in).then(|| *Chance::of(mixed, 0).pick(&kinds))
    }

    /// What becomes of a request: of the first bad record in it.
    pub(super) fn harm_of(&self, request: &[u8]) -> Option<Harm> {
        if self.one_in == 0 {
            return None;
        }
        let text = std::str::from_utf8(request).ok()?;
        let keys = BEFORE_KEYS.iter().flat_map(|before| text.split(before).skip(1));
        keys.filter_map(|key| key.get(..KEY_LENGTH)).find_map(|key| self.harm(key))
    }
}
