//! What the uploader's thread and its owner share: when the thread rests, when it goes on, when it ends.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::UploadStatus;

/// How long the thread rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rest {
    /// Not at all, unless offline.
    No,
    /// Until there is news.
    UntilWoken,
    /// Until there is news, or so long.
    For(Duration),
}

/// Both sides' view of the thread.
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    online: bool,
    /// Counts the times the register came online.
    period: u64,
    /// Something happened that the thread has not seen.
    woken: bool,
    stop: bool,
    thread: Thread,
    status: UploadStatus,
}

/// What the thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thread {
    Working,
    Resting,
    Ended,
}

impl Default for Shared {
    fn default() -> Self {
        let (thread, status) = (Thread::Working, UploadStatus::default());
        let state = State { online: true, period: 0, woken: true, stop: false, thread, status };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl State {
    fn is_quiet(&self) -> bool {
        match self.thread {
            Thread::Working => false,
            Thread::Resting => !(self.online && self.woken),
            Thread::Ended => true,
        }
    }
}

impl Shared {
    /// For the thread: rests, and returns the number of this time online, or nothing when it shall end.
    pub(super) fn rest(&self, rest: Rest) -> Option<u64> {
        let asleep = |state: &mut State| !(state.stop || state.online && state.woken);
        let mut state = self.state();
        state.thread = Thread::Resting;
        self.changed.notify_all();
        state = match rest {
            Rest::No => state,
            Rest::UntilWoken => self.changed.wait_while(state, asleep).unwrap_or_else(PoisonError::into_inner),
            Rest::For(time) => self.changed.wait_timeout_while(state, time, asleep).unwrap_or_else(PoisonError::into_inner).0,
        };
        state = self.changed.wait_while(state, |state| !state.stop && !state.online).unwrap_or_else(PoisonError::into_inner);
        if state.stop {
            return None;
        }
        (state.thread, state.woken) = (Thread::Working, false);
        Some(state.period)
    }

    /// For whoever works without a thread: the number of this time online if there is work to do now.
    pub(super) fn take_turn(&self, rest_is_over: bool) -> Option<u64> {
        let mut state = self.state();
        let has_turn = state.online && !state.stop && (rest_is_over || state.woken);
        state.thread = Thread::Resting;
        has_turn.then(|| {
            state.woken = false;
            state.period
        })
    }

    /// For the thread: whether the next request may go out.
    pub(super) fn may_send(&self, period: u64) -> bool {
        let state = self.state();
        state.online && state.period == period && !state.stop
    }

    /// For the thread: nothing more is sent in this time online. False when it was over already.
    pub(super) fn pause(&self, period: u64) -> bool {
        let mut state = self.state();
        let current = state.online && state.period == period;
        if current {
            state.online = false;
        }
        current
    }

    /// For the thread: says that it has ended, however that came.
    pub(super) fn ended_when_dropped(&self) -> Ended<'_> {
        Ended(self)
    }

    pub(super) fn wake(&self) {
        self.change(|state| state.woken = true);
    }

    pub(super) fn went_online(&self) {
        self.change(|state| {
            if !state.online {
                state.period += 1;
                (state.online, state.woken) = (true, true);
            }
        });
    }

    pub(super) fn went_offline(&self) {
        self.change(|state| state.online = false);
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.state().is_quiet()
    }

    pub(super) fn wait_until_quiet(&self) {
        drop(self.changed.wait_while(self.state(), |state| !state.is_quiet()).unwrap_or_else(PoisonError::into_inner));
    }

    /// Tells the thread to end, and whether it did so within `grace`.
    pub(super) fn stop(&self, grace: Duration) -> bool {
        self.change(|state| state.stop = true);
        let ended = self.changed.wait_timeout_while(self.state(), grace, |state| state.thread != Thread::Ended);
        ended.unwrap_or_else(PoisonError::into_inner).0.thread == Thread::Ended
    }

    /// Reads or changes the status.
    pub(super) fn status<T>(&self, use_it: impl FnOnce(&mut UploadStatus) -> T) -> T {
        use_it(&mut self.state().status)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks the thread as ended when dropped.
pub(super) struct Ended<'a>(&'a Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.thread = Thread::Ended);
    }
}
