//! The two clocks of the till: monotonic ticks for intervals and time-outs, wall time for what people and records read.
//!
//! This is the one place that asks the system for the time, but for the servers' bounds on a request, which are their runtime's; everybody
//! else is handed a [`Clock`] or the time itself. A wall clock that jumps therefore never changes when the register reconnects or how long a request may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};

/// Wall-clock time, UTC.
pub type Time = DateTime<Utc>;

/// A clock, handed to whoever needs the time.
pub trait Clock: Send + Sync {
    /// Monotonic time.
    fn tick(&self) -> Tick;
    /// Wall time, to the millisecond.
    fn now(&self) -> Time;
    /// Lets time pass: a wait on the system's clock, a jump on a virtual one.
    fn sleep(&self, duration: Duration);
}

/// Shared by the threads of a register.
pub type SharedClock = Arc<dyn Clock>;

/// Monotonic milliseconds since the clock was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// This many milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since an earlier tick; none when it is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The system's clocks.
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn tick(&self) -> Tick {
        Tick(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Time {
        to_milliseconds(SystemTime::now().into())
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that stands still until it is told to go on: tapes without a screen, and tests.
pub struct VirtualClock {
    elapsed_ms: AtomicU64,
    start: Time,
}

impl VirtualClock {
    /// Stands at `start`.
    pub fn at(start: Time) -> Self {
        Self { elapsed_ms: AtomicU64::new(0), start: to_milliseconds(start) }
    }
}

impl Clock for VirtualClock {
    fn tick(&self) -> Tick {
        Tick(self.elapsed_ms.load(Ordering::SeqCst))
    }

    fn now(&self) -> Time {
        let elapsed = i64::try_from(self.tick().0).unwrap_or(i64::MAX);
        self.start.checked_add_signed(chrono::TimeDelta::milliseconds(elapsed)).unwrap_or(self.start)
    }

    fn sleep(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.elapsed_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

/// Measures how long something takes, for reports only.
pub struct Stopwatch(Instant);

impl Default for Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Stopwatch {
    /// Time since it was started.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Microseconds since it was started.
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Records carry milliseconds, so that what was written reads back equal.
fn to_milliseconds(time: Time) -> Time {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_passes_only_when_told() {
        let clock = VirtualClock::at(DateTime::UNIX_EPOCH);
        assert_eq!((clock.tick(), clock.now()), (Tick(0), DateTime::UNIX_EPOCH));
        clock.sleep(Duration::from_mins(5));
        assert_eq!(clock.tick(), Tick(300_000));
        assert_eq!(clock.now().timestamp(), 300);
    }
}
