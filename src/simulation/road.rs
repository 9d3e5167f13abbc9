//! Roads between machines, on which virtual time passes and whatever can happen to a request does.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::chance::Chance;
use super::poison::{Harm, Poison};
use crate::clock::{Clock, Tick, VirtualClock};
use crate::wire::Wire;

/// What a client that nobody hurries waits at most.
const PATIENCE_MS: u64 = 15_000;
/// What a hung server's answer takes to come all the same, if it comes.
const LATE_MS: u64 = 20_000;
/// A server's error, and a balancer's.
const FAILED: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\noops";
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\nbusy";
/// Requests that are still under way at once.
const UNDER_WAY_MAX: usize = 4;

/// Whoever is at the other end.
pub(super) trait Server: Send + Sync {
    /// The answer; none when nobody is there, or no longer.
    fn answer(&self, request: &[u8]) -> Option<Vec<u8>>;
}

/// The state of a road.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    /// All arrives, in milliseconds.
    Up,
    /// Connections are refused.
    Down,
    /// Connections are taken and nothing ever comes back.
    Hung,
    /// Answers take up to some seconds.
    Slow,
    /// Each request meets something of its own.
    Bad,
}

/// How whoever sends over a road is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sending {
    Alive,
    Dead,
}

/// What went wrong, by kind.
#[derive(Default)]
pub(super) struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Tally {
    pub(super) fn count(&self, kind: &'static str) {
        *lock(&self.0).entry(kind).or_default() += 1;
    }

    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.0).clone()
    }
}

/// A road from one machine to another.
pub(super) struct Road {
    clock: Arc<VirtualClock>,
    server: Arc<dyn Server>,
    tally: Arc<Tally>,
    poison: Arc<Poison>,
    state: Mutex<State>,
}

struct State {
    condition: Condition,
    chance: Chance,
    waits: Option<(Tick, u64)>,
    is_late: bool,
    sender: Sending,
    /// Something other than an answer or silence came back since the last look.
    was_strange: bool,
    under_way: Vec<Vec<u8>>,
}

/// What happens to one request.
#[derive(Clone, Copy)]
enum Fate {
    Passes,
    LostThere,
    LostBack,
    Late,
    UnderWay,
    Twice,
    Garbled,
    Halved,
    Oversized,
    Failed,
    Balancer,
}

/// Fates of a bad road, with their weights.
const FATES: [(Fate, u32, &str); 11] = [
    (Fate::Passes, 40, "passed"),
    (Fate::LostThere, 10, "request lost"),
    (Fate::LostBack, 12, "reply lost after commit"),
    (Fate::Late, 6, "reply late"),
    (Fate::UnderWay, 6, "request delayed and reordered"),
    (Fate::Twice, 8, "request duplicated"),
    (Fate::Garbled, 4, "garbage"),
    (Fate::Halved, 4, "reply cut in half"),
    (Fate::Oversized, 3, "reply oversized"),
    (Fate::Failed, 4, "server error"),
    (Fate::Balancer, 3, "balancer's error"),
];

impl Road {
    pub(super) fn new(clock: Arc<VirtualClock>, server: Arc<dyn Server>, tally: Arc<Tally>, poison: Arc<Poison>) -> Self {
        let state = State {
            condition: Condition::Up,
            chance: Chance::of(0, 0),
            waits: None,
            is_late: false,
            sender: Sending::Alive,
            was_strange: false,
            under_way: Vec::new(),
        };
        Self { clock, server, tally, poison, state: Mutex::new(state) }
    }

    /// What it draws from in the step that begins.
    pub(super) fn begin(&self, chance: Chance) {
        let mut state = lock(&self.state);
        (state.chance, state.was_strange) = (chance, false);
    }

    pub(super) fn set(&self, condition: Condition) {
        lock(&self.state).condition = condition;
    }

    pub(super) fn condition(&self) -> Condition {
        lock(&self.state).condition
    }

    /// Whoever sends over it has died, or lives again.
    pub(super) fn set_sender(&self, sender: Sending) {
        lock(&self.state).sender = sender;
    }

    /// Whether something came back since the step began that was no honest answer.
    pub(super) fn was_strange(&self) -> bool {
        lock(&self.state).was_strange
    }

    /// What was under way arrives.
    pub(super) fn deliver(&self) {
        let arriving = std::mem::take(&mut lock(&self.state).under_way);
        for request in arriving {
            // Nobody waits for the answer any more.
            drop(self.arrive(&request));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Lets time pass on the way; false when nobody waits any more.
    fn pass(&self, ms: u64) -> bool {
        let now = self.clock.tick();
        let mut state = self.state();
        let (since, at_most) = state.waits.unwrap_or((now, PATIENCE_MS));
        let left = at_most.saturating_sub(now.since(since));
        let in_time = ms < left;
        state.is_late |= !in_time;
        drop(state);
        self.clock.sleep(Duration::from_millis(ms.min(left)));
        in_time
    }

    fn draw(&self) -> io::Result<(Fate, u64)> {
        let mut state = self.state();
        if state.sender == Sending::Dead {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let latency = state.chance.between(1, 15);
        Ok(match state.condition {
            Condition::Up => (Fate::Passes, latency),
            Condition::Down => {
                self.tally.count("connection refused");
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            Condition::Hung => {
                self.tally.count("hang");
                (Fate::LostThere, LATE_MS)
            }
            Condition::Slow => {
                self.tally.count("slow");
                (Fate::Passes, state.chance.between(50, 2_500))
            }
            Condition::Bad => {
                let place = state.chance.weighted(&FATES.map(|(_, weight, _)| weight));
                let (fate, _, name) = FATES[place];
                if !matches!(fate, Fate::Passes) {
                    self.tally.count(name);
                }
                (fate, latency)
            }
        })
    }

    /// The server's answer; to a bad record it never has the right one.
    fn arrive(&self, request: &[u8]) -> Option<Vec<u8>> {
        let harm = self.poison.harm_of(request);
        if harm.is_some() {
            self.tally.count("bad record");
        }
        match harm {
            None => self.server.answer(request),
            Some(Harm::Error) => Some(FAILED.to_vec()),
            Some(Harm::Balancer) => Some(BUSY.to_vec()),
            Some(Harm::Cut) => None,
            Some(Harm::Silence) => {
                self.pass(LATE_MS);
                None
            }
        }
    }

    fn ask(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let answer = self.arrive(request);
        // The server may itself have waited for another.
        self.pass(0);
        answer.ok_or_else(|| io::ErrorKind::ConnectionReset.into())
    }

    /// An error in place of an answer, given before the server was asked or after it has done what it was asked for.
    fn ask_or_not(&self, request: &[u8], error: &[u8]) -> Vec<u8> {
        let is_asked = self.state().chance.percent(50);
        if is_asked {
            self.tally.count("error after commit");
            drop(self.arrive(request));
        }
        error.to_vec()
    }
}

impl Wire for Road {
    fn exchange(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let (fate, latency) = self.draw()?;
        let (lost, timed_out) = (io::Error::from(io::ErrorKind::ConnectionReset), || io::Error::from(io::ErrorKind::TimedOut));
        if matches!(fate, Fate::UnderWay) {
            let mut state = self.state();
            if state.under_way.len() < UNDER_WAY_MAX {
                state.under_way.push(request.to_vec());
            }
        }
        if matches!(fate, Fate::LostThere | Fate::UnderWay) {
            let waits = if matches!(fate, Fate::UnderWay) { LATE_MS } else { latency };
            return Err(if self.pass(waits) { lost } else { timed_out() });
        }
        if !self.pass(latency) {
            // It arrives, and nobody waits for what comes back.
            drop(self.arrive(request));
            return Err(timed_out());
        }
        if matches!(fate, Fate::Garbled | Fate::Oversized | Fate::Failed | Fate::Balancer) {
            self.state().was_strange = true;
        }
        match fate {
            Fate::Passes => self.ask(request),
            Fate::LostThere | Fate::UnderWay => Err(lost),
            Fate::LostBack => self.ask(request).and(Err(lost)),
            Fate::Late => {
                let answer = self.ask(request);
                if self.pass(LATE_MS) { answer } else { Err(timed_out()) }
            }
            Fate::Twice => {
                self.ask(request)?;
                self.ask(request)
            }
            Fate::Garbled => {
                self.ask(request)?;
                let mut state = self.state();
                Ok((0..200).map(|_| u8::try_from(state.chance.below(256)).unwrap_or(0)).collect())
            }
            Fate::Halved => {
                let mut answer = self.ask(request)?;
                answer.truncate(answer.len() / 2);
                Ok(answer)
            }
            Fate::Oversized => {
                Ok(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nevertill-protocol: 1\r\ncontent-length: 99999999999\r\n\r\n{"
                    .to_vec())
            }
            Fate::Failed => Ok(self.ask_or_not(request, FAILED)),
            Fate::Balancer => Ok(self.ask_or_not(request, BUSY)),
        }
    }

    fn wait_at_most(&self, timeout_ms: u64) {
        let now = self.clock.tick();
        let mut state = self.state();
        (state.waits, state.is_late) = (Some((now, timeout_ms)), false);
    }

    fn waited_too_long(&self) -> bool {
        let mut state = self.state();
        state.waits = None;
        std::mem::take(&mut state.is_late)
    }
}

impl fmt::Debug for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Road").field("condition", &self.condition()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
