//! Lock after wrong PINs: the rule alone. The journal keeps the count of a register, the channel
//! database that of a store.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// Wrong PINs in a row that lock an operator.
pub const FAILURES_MAX: u32 = 5;
/// How long the lock lasts, unless a manager ends it.
pub const LOCK: TimeDelta = TimeDelta::minutes(15);

/// An operator's wrong PINs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Attempts {
    /// In a row.
    pub failures: u32,
    /// Until when he is locked out. A clock set back makes this later, never earlier.
    pub locked_until: Option<Time>,
}

impl Attempts {
    /// Until when nobody may try, if that is after `now`.
    pub fn locked_at(self, now: Time) -> Option<Time> {
        self.locked_until.filter(|until| now < *until)
    }

    /// Locked out from `now` on, as another count says.
    pub fn locked(now: Time) -> Self {
        Self { failures: FAILURES_MAX, locked_until: Some(now + LOCK) }
    }

    /// After another wrong PIN. A lock that has run out leaves no count behind.
    #[must_use]
    pub fn after_failure(self, now: Time) -> Self {
        let ran_out = self.locked_until.is_some_and(|until| now >= until);
        let failures = if ran_out { 1 } else { self.failures + 1 };
        Self { failures, locked_until: (failures >= FAILURES_MAX).then(|| now + LOCK) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_a_row_lock_for_a_quarter_of_an_hour() {
        let at = |minute: i64| chrono::DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let mut attempts = Attempts::default();
        for _ in 1..FAILURES_MAX {
            attempts = attempts.after_failure(at(60));
            assert_eq!(attempts.locked_at(at(60)), None);
        }
        attempts = attempts.after_failure(at(60));
        for (minute, locked) in [(60, true), (74, true), (75, false), (0, true)] {
            assert_eq!(attempts.locked_at(at(minute)).is_some(), locked, "minute {minute}");
        }
        assert_eq!(attempts.after_failure(at(75)), Attempts { failures: 1, locked_until: None });
    }
}
