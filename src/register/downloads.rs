//! The register's thread for what comes down: it looks for packages after the first sign-in, at every interval, and when it is woken.
//!
//! The till steers it through [`Steering`]; one round is the [`OfflineFile`](super::OfflineFile)'s. It pauses while the register is offline, and
//! ends with the till.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::device::Identity;
use crate::ids::RegisterId;
use crate::package::VerifyingKey;
use crate::pin::PinKey;

/// What a round that is under way may still take when the register closes.
const GRACE: Duration = Duration::from_millis(250);

/// What came with the activation and packages need.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// Which register it is.
    pub register: RegisterId,
    /// Only packages signed with it are used.
    pub headquarters: VerifyingKey,
    /// What the hashes of PINs inside are bound to.
    pub pin: PinKey,
}

impl Keys {
    /// What an activated device has; none when headquarters gave what is no key.
    pub(super) fn of(identity: &Identity) -> Option<Self> {
        let headquarters = identity.headquarters_key.parse().ok()?;
        Some(Self { register: identity.register.clone(), headquarters, pin: PinKey::from_secret(&identity.pin_key)? })
    }
}

/// When the thread rests, goes on and ends; shared by it and by those who steer it.
#[derive(Default)]
pub(super) struct Steering {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    keys: Option<Keys>,
    road: Road,
    /// A whole new database waits to be taken into use; nothing can be applied to it before.
    held: bool,
    /// There is a reason to look.
    woken: bool,
    thread: Thread,
    stop: bool,
}

/// Whether the scale unit is worth asking.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Road {
    #[default]
    Online,
    Offline,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Thread {
    #[default]
    NotStarted,
    /// There is none: whoever steers it does its work.
    InSteps,
    Working,
    Resting,
    Ended,
}

impl State {
    fn may_work(&self) -> bool {
        self.keys.is_some() && self.road == Road::Online && !self.held
    }
}

impl Steering {
    /// For the thread: rests until a round is due. None when it shall end.
    pub(super) fn rest(&self, interval: Duration) -> Option<Keys> {
        let mut state = self.state();
        state.thread = Thread::Resting;
        self.changed.notify_all();
        let asleep = |state: &mut State| !(state.stop || state.woken && state.may_work());
        let state = self.changed.wait_timeout_while(state, interval, asleep).unwrap_or_else(PoisonError::into_inner).0;
        let idle = |state: &mut State| !(state.stop || state.may_work());
        let mut state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        if state.stop {
            return None;
        }
        (state.thread, state.woken) = (Thread::Working, false);
        state.keys.clone()
    }

    /// From now on there is something to look for, and no thread that does.
    pub(super) fn begin_in_steps(&self) {
        self.change(|state| (state.woken, state.thread) = (true, Thread::InSteps));
    }

    /// For whoever works without a thread: what a look needs, if one is due.
    pub(super) fn take_turn(&self, interval_is_over: bool) -> Option<Keys> {
        let mut state = self.state();
        let has_turn = state.thread == Thread::InSteps && !state.stop && state.may_work() && (interval_is_over || state.woken);
        state.woken &= !has_turn;
        state.keys.clone().filter(|_| has_turn)
    }

    /// For the thread: it has ended, however that came.
    pub(super) fn ended(&self) {
        self.change(|state| state.thread = Thread::Ended);
    }

    /// Wakes the thread; true when it has to be started first.
    pub(super) fn wake(&self) -> bool {
        let mut starts = false;
        self.change(|state| {
            state.woken = true;
            starts = state.thread == Thread::NotStarted && !state.stop;
            if starts {
                state.thread = Thread::Working;
            }
        });
        starts
    }

    /// The system gave no thread.
    pub(super) fn not_started(&self) {
        self.change(|state| state.thread = Thread::NotStarted);
    }

    pub(super) fn set_keys(&self, keys: Option<Keys>) {
        self.change(|state| (state.keys, state.woken) = (keys, true));
    }

    pub(super) fn keys(&self) -> Option<Keys> {
        self.state().keys.clone()
    }

    pub(super) fn went_online(&self) {
        self.change(|state| {
            state.woken |= state.road == Road::Offline;
            state.road = Road::Online;
        });
    }

    pub(super) fn went_offline(&self) {
        self.change(|state| state.road = Road::Offline);
    }

    /// Nothing more until [`Steering::go_on`].
    pub(super) fn hold(&self) {
        self.change(|state| state.held = true);
    }

    /// What was waited for is in use, or has come to nothing.
    pub(super) fn go_on(&self) {
        self.change(|state| (state.held, state.woken) = (false, true));
    }

    pub(super) fn is_working(&self) -> bool {
        self.state().thread == Thread::Working
    }

    /// Whether nothing is under way, and nothing will be until it is woken or time passes.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        match state.thread {
            Thread::Working => false,
            Thread::Resting | Thread::InSteps => !(state.woken && state.may_work()),
            Thread::NotStarted | Thread::Ended => true,
        }
    }

    /// Tells the thread to end, and gives it a moment to do so.
    pub(super) fn stop(&self) {
        self.change(|state| state.stop = true);
        let works = |state: &mut State| matches!(state.thread, Thread::Working | Thread::Resting);
        drop(self.changed.wait_timeout_while(self.state(), GRACE, works));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
