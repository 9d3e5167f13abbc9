//! The thread that looks every minute which distribution jobs are due, and runs them.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::{Clock, SharedClock};
use crate::headquarters::Headquarters;
use crate::round::guarded;

/// How often it looks: schedules are in whole minutes.
const INTERVAL: Duration = Duration::from_mins(1);

/// Runs jobs on their schedule until it is dropped.
pub(super) struct Scheduler {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_ending: Mutex<bool>,
    ends: Condvar,
}

impl Scheduler {
    pub(super) fn start(headquarters: Headquarters, clock: SharedClock) -> io::Result<Self> {
        Self::every(INTERVAL, move || run_due(&headquarters, clock.as_ref()))
    }

    /// A round that panics is not the last.
    fn every(interval: Duration, mut round: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("schedule".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                while shared.wait(interval) {
                    // It has been logged, and the next round tries again.
                    let _ = guarded(&mut round);
                }
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        *self.shared.is_ending.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.ends.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the distribution schedules panicked");
        }
    }
}

impl Shared {
    /// Whether to look again.
    fn wait(&self, interval: Duration) -> bool {
        let is_ending = self.is_ending.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ends.wait_timeout_while(is_ending, interval, |is_ending| !*is_ending);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn run_due(headquarters: &Headquarters, clock: &dyn Clock) {
    match headquarters.run_due("schedule", clock.now()) {
        Err(error) => tracing::error!(%error, "the distribution schedules cannot be read"),
        Ok(runs) => {
            for (due, made) in runs {
                match made {
                    Ok(made) => tracing::info!(job = due.job, store = due.store, packages = made.len(), "a distribution job ran"),
                    Err(error) => tracing::error!(job = due.job, store = due.store, %error, "a distribution job failed"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_panics_is_not_the_last() {
        let (teller, told) = std::sync::mpsc::channel();
        let mut rounds = 0..;
        let scheduler = Scheduler::every(Duration::ZERO, move || {
            let round = rounds.next();
            // Whoever has heard enough is gone.
            let _ = teller.send(round);
            assert!(round != Some(0), "the first");
        });
        assert_eq!(told.iter().take(3).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
        drop(scheduler.unwrap());
    }
}
