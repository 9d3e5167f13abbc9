//! Names of things that cross the wire or stand in the journal, each its own type, and the source of new transaction keys.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::clock::Time;

/// The key of a sale, given at its first line and kept through every retry, restart and switch (UUID version 7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TransactionId(pub Uuid);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One cash desk of a store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RegisterId {
    /// The store's number.
    pub store: String,
    /// The register's number in it, from 1.
    pub number: u32,
}

impl fmt::Display for RegisterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.store, self.number)
    }
}

/// A shift: the register that opened it and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ShiftId {
    /// The opening register's number.
    pub register: u32,
    /// From 1, without gaps.
    pub number: u64,
}

impl fmt::Display for ShiftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.register, self.number)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta] $name:ident)*) => {$(
        #[$doc]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

text_id! {
    /// A product's number at headquarters.
    ProductId
    /// A worker's personnel number, as typed at sign-in.
    OperatorId
    /// A group of taxes, as a product names it.
    TaxGroupId
    /// A payment method of the store.
    MethodId
}

/// Where new keys come from; a seeded one makes a run repeatable.
pub enum KeySource {
    /// The system's randomness.
    System,
    /// A sequence made from a seed (splitmix64).
    Seeded(u64),
}

impl KeySource {
    /// A new key, in order of time.
    pub fn next(&mut self, now: Time) -> TransactionId {
        let Self::Seeded(state) = self else {
            return TransactionId(Uuid::now_v7());
        };
        let mut random = [0; 10];
        for chunk in random.chunks_mut(5) {
            chunk.copy_from_slice(&splitmix64(state).to_le_bytes()[..5]);
        }
        let ms = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        TransactionId(Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
    }
}

/// The next number of the splitmix64 sequence (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
pub fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_keys_in_order_of_time() {
        let time = |s| chrono::DateTime::from_timestamp(s, 0).unwrap();
        let keys = |seed| {
            let mut source = KeySource::Seeded(seed);
            [source.next(time(1)), source.next(time(2))]
        };
        assert_eq!(keys(7), keys(7));
        assert_ne!(keys(7), keys(8));
        assert!(keys(7)[0] < keys(7)[1]);
    }
}
