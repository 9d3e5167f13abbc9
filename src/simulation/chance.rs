//! Chance from one seed: each step draws from a sequence of its own, so that leaving one out changes none of the others.

use crate::ids::splitmix64;

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The sequence of one thing under a seed.
    pub(super) fn of(seed: u64, what: u64) -> Self {
        let mut state = seed;
        let mixed = splitmix64(&mut state) ^ what.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Self(mixed)
    }

    pub(super) fn number(&mut self) -> u64 {
        splitmix64(&mut self.0)
    }

    /// From 0 to one less than `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound.max(1)
    }

    /// Both ends included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn per_million(&mut self, parts: u64) -> bool {
        self.below(1_000_000) < parts
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        &from[index]
    }

    /// A place in the list, by weight.
    pub(super) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut left = self.below(weights.iter().map(|weight| u64::from(*weight)).sum());
        for (place, weight) in weights.iter().enumerate() {
            let weight = u64::from(*weight);
            if left < weight {
                return place;
            }
            left -= weight;
        }
        0
    }
}
