//! The scale unit's background work: packages from headquarters onto the shelf and into the channel database, transactions (P-0001) and
//! reports up to headquarters.
//!
//! It runs every few seconds on a thread of its own, and at once after an activation or a release. Every step may be done twice, by this scale unit
//! or by another over the same database, and comes to the same. It answers no register.

mod hand_on;
mod packages;
mod work;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::channel::{ChannelDatabase, Result, Upload};
use crate::clock::{SharedClock, Time};
use crate::ids::RegisterId;
use crate::package::{Report, VerifyingKey};
use crate::realtime::{Activated, Activation, Headquarters, Taken};
use crate::retail::gift_card::GiftCard;
pub(super) use work::Work;

use crate::round::guarded;

use super::headquarters::HttpHeadquarters;
use super::shelf::Shelf;

/// How often headquarters is asked for packages when nothing wakes the thread earlier.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// What is distributed, and between whom.
pub(super) struct DistributionOptions {
    /// The channel database.
    pub(super) channel: Arc<dyn ChannelDatabase>,
    /// Headquarters.
    pub(super) headquarters: Arc<HttpHeadquarters>,
    /// Headquarters' key: only packages signed with it are taken.
    pub(super) key: VerifyingKey,
    /// The store served: no other's packages are taken.
    pub(super) store: String,
    /// Where packages are kept for registers.
    pub(super) shelf: Arc<Shelf>,
    /// Where packages are gathered and unpacked: a folder of its own, on the disk of the shelf.
    pub(super) folder: PathBuf,
    /// The clock.
    pub(super) clock: SharedClock,
    /// How often headquarters is asked.
    pub(super) interval: Duration,
}

/// How the background work stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DistributionStatus {
    /// Transactions that have not gone on to headquarters.
    pub waiting: u64,
    /// When headquarters last answered all it was asked.
    pub last_success: Option<Time>,
    /// Why the last round was not complete.
    pub last_error: Option<String>,
}

/// Tells how the background work stands after its last round.
#[derive(Clone)]
pub struct Progress(Arc<Shared>);

impl Progress {
    /// How it stands.
    pub fn status(&self) -> DistributionStatus {
        self.0.state().status.clone()
    }
}

/// The background work; dropping it ends its thread after the round it is at.
pub(super) struct Distribution {
    shared: Arc<Shared>,
    headquarters: Arc<HttpHeadquarters>,
    thread: Option<JoinHandle<()>>,
}

impl Distribution {
    /// Begins it.
    pub(super) fn start(options: DistributionOptions) -> io::Result<Self> {
        let interval = options.interval;
        let (mut distribution, mut work) = Self::in_steps(options);
        let shared = Arc::clone(&distribution.shared);
        let rounds = move || shared.work(interval, || work.round());
        distribution.thread = Some(std::thread::Builder::new().name("distribution".to_owned()).spawn(rounds)?);
        Ok(distribution)
    }

    /// Without a thread: whoever has the work does its rounds.
    pub(super) fn in_steps(options: DistributionOptions) -> (Self, Work) {
        let headquarters = Arc::clone(&options.headquarters);
        (Self { shared: Arc::default(), headquarters, thread: None }, Work::new(options))
    }

    /// Tells at any time how it stands.
    pub(super) fn progress(&self) -> Progress {
        Progress(Arc::clone(&self.shared))
    }

    /// Waits until a round that began after this call has ended, for so long at most; how things stand then.
    pub(super) fn complete_a_round(&self, within: Duration) -> DistributionStatus {
        let mut state = self.shared.state();
        let wanted = state.begun + 1;
        state.is_woken = true;
        self.shared.changed.notify_all();
        let waited = self.shared.changed.wait_timeout_while(state, within, |state| state.ended < wanted);
        waited.unwrap_or_else(PoisonError::into_inner).0.status.clone()
    }

    /// Headquarters for the real-time calls of registers: what they change there is fetched at once.
    pub(super) fn realtime(&self) -> Arc<dyn Headquarters> {
        Arc::new(Realtime { headquarters: Arc::clone(&self.headquarters), shared: Arc::clone(&self.shared) })
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        self.shared.state().is_ending = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the distribution panicked");
        }
    }
}

/// What the thread and its owner share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_woken: bool,
    is_ending: bool,
    /// Rounds, counted from 1.
    begun: u64,
    ended: u64,
    status: DistributionStatus,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.state().is_woken = true;
        self.changed.notify_all();
    }

    /// The thread's life; a round that panics has failed, and is not the last.
    fn work(&self, interval: Duration, mut round: impl FnMut() -> DistributionStatus) {
        while self.begin_round() {
            let status = guarded(&mut round);
            let failed = |words| DistributionStatus { last_error: Some(words), ..self.state().status.clone() };
            self.end_round(status.unwrap_or_else(failed), interval);
        }
    }

    /// For the thread: whether there is to be another round.
    fn begin_round(&self) -> bool {
        let mut state = self.state();
        (state.is_woken, state.begun) = (false, state.begun + 1);
        !state.is_ending
    }

    /// For the thread: tells how the round went and rests until there is cause for another.
    fn end_round(&self, status: DistributionStatus, interval: Duration) {
        let mut state = self.state();
        (state.status, state.ended) = (status, state.begun);
        self.changed.notify_all();
        let resting = |state: &mut State| !state.is_woken && !state.is_ending;
        drop(self.changed.wait_timeout_while(state, interval, resting));
    }
}

/// Real-time calls; those that change something at headquarters wake the thread.
struct Realtime {
    headquarters: Arc<HttpHeadquarters>,
    shared: Arc<Shared>,
}

impl Realtime {
    fn waking<T>(&self, answer: Result<T>) -> Result<T> {
        self.shared.wake();
        answer
    }
}

impl Headquarters for Realtime {
    fn activate(&self, activation: &Activation) -> Result<Activated> {
        self.waking(self.headquarters.activate(activation))
    }

    fn deactivate(&self, register: &RegisterId, device: &str) -> Result<()> {
        self.waking(self.headquarters.deactivate(register, device))
    }

    fn gift_card(&self, number: &str) -> Result<Option<GiftCard>> {
        self.headquarters.gift_card(number)
    }

    fn take(&self, transactions: &[Upload]) -> Result<Vec<Taken>> {
        self.headquarters.take(transactions)
    }

    fn report(&self, reports: &[Report]) -> Result<()> {
        self.headquarters.report(reports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_that_panics_has_failed_and_is_not_the_last() {
        let (shared, mut rounds) = (Shared::default(), 0_u64);
        let mut told = Vec::new();
        shared.work(Duration::ZERO, || {
            rounds += 1;
            told.push(shared.state().status.clone());
            assert!(rounds != 2, "the second");
            shared.state().is_ending = rounds == 3;
            DistributionStatus { waiting: rounds, ..DistributionStatus::default() }
        });
        let failed = DistributionStatus { waiting: 1, last_error: Some("the program failed: the second".to_owned()), last_success: None };
        assert_eq!(told[2], failed);
        assert_eq!(shared.state().status.last_error, None);
    }
}
