//! How often whoever it is may ask: so many at once, then one an interval (the generic cell rate algorithm, a leaky bucket).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use crate::clock::Tick;

/// Askers remembered at once; those who have not asked for a while are forgotten first.
const ASKERS_MAX: usize = 10_000;

/// A bound on each asker's rate.
pub(crate) struct Rate<Asker> {
    burst: u64,
    interval_ms: u64,
    /// When each asker's allowance is full again.
    full_at: Mutex<HashMap<Asker, Tick>>,
}

impl<Asker: Hash + Eq> Rate<Asker> {
    /// So many at once, and one more each interval.
    pub(crate) fn new(burst: u64, interval_ms: u64) -> Self {
        Self { burst, interval_ms, full_at: Mutex::default() }
    }

    /// Whether he may not ask once more; nothing counts.
    pub(crate) fn is_spent(&self, asker: &Asker, now: Tick) -> bool {
        let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        full_at.get(asker).is_some_and(|full_at| (*full_at).max(now).plus_ms(self.interval_ms).since(now) > self.burst * self.interval_ms)
    }

    /// Whether he has asked before.
    pub(crate) fn remembers(&self, asker: &Asker) -> bool {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).contains_key(asker)
    }

    /// Whether he may ask once more; it counts if he may.
    pub(crate) fn allows(&self, asker: Asker, now: Tick) -> bool {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= ASKERS_MAX && !full_at.contains_key(&asker) {
            full_at.retain(|_, full_at| *full_at > now);
            if full_at.len() >= ASKERS_MAX {
                return false;
            }
        }
        let full_at = full_at.entry(asker).or_insert(now);
        let after = (*full_at).max(now).plus_ms(self.interval_ms);
        let is_allowed = after.since(now) <= self.burst * self.interval_ms;
        if is_allowed {
            *full_at = after;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_an_interval_for_each_asker() {
        let rate = Rate::new(3, 1_000);
        let allowed = |asker: u64, at_ms: u64, times: usize| (0..times).filter(|_| rate.allows(asker, Tick(at_ms))).count();
        assert_eq!(allowed(1, 0, 10), 3);
        assert_eq!(allowed(2, 0, 10), 3, "another asker");
        assert_eq!(allowed(1, 999, 10), 0);
        assert_eq!(allowed(1, 1_000, 10), 1);
        assert_eq!(allowed(1, 3_500, 10), 2);
        assert_eq!(allowed(1, 60_000, 10), 3, "no more than a burst is saved up");
    }

    #[test]
    fn a_flood_of_askers_is_bounded_and_passes() {
        let rate = Rate::new(1, 1_000);
        let askers = ASKERS_MAX as u64 + 5;
        assert_eq!((0..askers).filter(|asker| rate.allows(*asker, Tick(0))).count(), ASKERS_MAX);
        assert!(rate.allows(askers, Tick(1_000)));
    }
}
