//! The thread that looks every minute which distribution jobs are due, and runs them.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::{Clock, SharedClock};
use crate::headquarters::Headquarters;

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
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("schedule".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                while shared.wait_for_a_minute() {
                    run_due(&headquarters, clock.as_ref());
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
    fn wait_for_a_minute(&self) -> bool {
        let is_ending = self.is_ending.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ends.wait_timeout_while(is_ending, INTERVAL, |is_ending| !*is_ending);
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
