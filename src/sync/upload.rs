//! The uploader: a thread that brings the journal's transactions to the scale unit, each once, whatever the network does.
//!
//! The till wakes it after each transaction and tells it when the register goes offline or comes back; it reports what it meets as
//! [`Background`] news. It walks along the outbox in the journal's order. A record the scale unit refuses is set aside, and so is one that can
//! no longer be read. One it answers with an error of its own is left behind: it is tried again later, after whatever has not had its turn
//! yet, so that it keeps no other from arriving; nothing is ever given up.
//! No answer at all pauses it; but where the scale unit answers another question, a record that finds none, or breaks the connection, is left
//! behind like one that met an error. It never takes the register offline itself, and the till never waits for it.

mod pause;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pause::{Rest, Shared};

use crate::channel::{Channel, ChannelError, ErrorKind, Recorded, Refusal, time_for};
use crate::clock::{SharedClock, Tick, Time};
use crate::connection::Failure;
use crate::deadline::Deadline;
use crate::desk::Background;
use crate::journal::{JournalError, Outbox, Waiting};

/// How many transactions are acknowledged in one commit, and reported at once.
const BATCH: u32 = 20;
/// So many errors of the scale unit in a row, and it rests.
const ERRORS_IN_A_ROW: u32 = 3;
/// The wait before what was left behind is tried again: it doubles from the first to the second.
const RETRY_MS: (u64, u64) = (1_000, 60_000);
/// So many bytes of a record, a usual sale's, take no longer than any other request.
const USUAL: usize = 4 << 10;
/// What a request on its way may still take when the register closes.
const GRACE: Duration = Duration::from_millis(250);

/// The uploader of one register; dropping it ends its thread, and leaves a request that hangs behind.
pub struct Uploader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Where it has no thread.
    worker: Option<Mutex<Worker>>,
}

/// How uploading goes, for the connection status window.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UploadStatus {
    /// When the last attempt was made.
    pub last_attempt: Option<Time>,
    /// When a transaction arrived last.
    pub last_success: Option<Time>,
    /// How the last attempt failed; absent when it did not.
    pub last_error: Option<String>,
    /// Transactions that arrived since the register was started.
    pub sent_total: u64,
}

impl Uploader {
    /// Starts uploading what waits in the outbox to `channel`; a request that takes longer than `timeout_ms` found nobody there.
    /// Fails when the system has no thread for it.
    pub fn start(
        outbox: Outbox,
        channel: Arc<dyn Channel>,
        timeout_ms: u64,
        clock: SharedClock,
        news: impl Fn(Background) + Send + 'static,
    ) -> std::io::Result<Self> {
        let worker = Worker::new(outbox, Deadline::new(channel), timeout_ms, clock, Box::new(news));
        let shared = Arc::clone(&worker.shared);
        let thread = std::thread::Builder::new().name("upload".to_owned()).spawn(|| worker.run())?;
        Ok(Self { shared, thread: Some(thread), worker: None })
    }

    /// The same without a thread: it goes on when [`Uploader::step`] is called.
    pub fn in_steps(
        outbox: Outbox,
        channel: Deadline,
        timeout_ms: u64,
        clock: SharedClock,
        news: impl Fn(Background) + Send + 'static,
    ) -> Self {
        let worker = Worker::new(outbox, channel, timeout_ms, clock, Box::new(news));
        Self { shared: Arc::clone(&worker.shared), thread: None, worker: Some(Mutex::new(worker)) }
    }

    /// Brings up the next batch if it is time to; whether it was. One with a thread does that by itself.
    pub fn step(&self) -> bool {
        let Some(worker) = &self.worker else { return false };
        worker.lock().unwrap_or_else(PoisonError::into_inner).step()
    }

    /// A transaction was recorded.
    pub fn wake(&self) {
        self.shared.wake();
    }

    /// The register is online. After [`Background::UploadUnreachable`] nothing is sent until it is told so.
    pub fn went_online(&self) {
        self.shared.went_online();
    }

    /// The register is offline: nothing is sent.
    pub fn went_offline(&self) {
        self.shared.went_offline();
    }

    /// Whether nothing is on its way, and nothing will be until it is woken, comes online, or time passes.
    pub fn is_quiet(&self) -> bool {
        self.shared.is_quiet()
    }

    /// Waits until [`Uploader::is_quiet`].
    pub fn wait_until_quiet(&self) {
        self.shared.wait_until_quiet();
    }

    /// How uploading goes.
    pub fn status(&self) -> UploadStatus {
        self.shared.status(|status| status.clone())
    }
}

impl Drop for Uploader {
    fn drop(&mut self) {
        if self.thread.is_some()
            && self.shared.stop(GRACE)
            && let Some(thread) = self.thread.take()
        {
            // A panic in it has been told on its thread.
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Worker {
    outbox: Outbox,
    channel: Deadline,
    timeout_ms: u64,
    clock: SharedClock,
    news: Box<dyn Fn(Background) + Send>,
    shared: Arc<Shared>,
    /// The time online this walk belongs to.
    period: u64,
    walk: Walk,
    /// How long it rests, and since when.
    rest: Rest,
    rests_since: Tick,
}

/// How far it is with those left behind.
#[derive(Default)]
struct Walk {
    /// The last of them that was tried again.
    after: u64,
    errors_in_a_row: u32,
    /// When they are tried again.
    retry_at: Option<Tick>,
    /// The last wait for it.
    waited_ms: u64,
}

impl Walk {
    /// A record, or the journal, met an error: those left behind wait, and longer than they did.
    fn put_off(&mut self, now: Tick) {
        if self.wait(now).is_zero() {
            self.waited_ms = (self.waited_ms * 2).clamp(RETRY_MS.0, RETRY_MS.1);
            self.retry_at = Some(now.plus_ms(self.waited_ms));
        }
    }

    /// How long it is until those left behind are tried again.
    fn wait(&self, now: Tick) -> Duration {
        self.retry_at.map_or(Duration::ZERO, |at| Duration::from_millis(at.since(now)))
    }
}

/// What became of a request.
enum Outcome {
    Arrived,
    SetAside,
    Failed,
    Unreachable(Failure),
}

impl Worker {
    fn new(outbox: Outbox, channel: Deadline, timeout_ms: u64, clock: SharedClock, news: Box<dyn Fn(Background) + Send>) -> Self {
        let (shared, rests_since) = (Arc::default(), clock.tick());
        Self { outbox, channel, timeout_ms, clock, news, shared, period: 0, walk: Walk::default(), rest: Rest::No, rests_since }
    }

    fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let _ended = shared.ended_when_dropped();
        while let Some(period) = shared.rest(self.rest) {
            self.turn(period);
        }
    }

    /// Its next turn, if the rest is over.
    fn step(&mut self) -> bool {
        let is_over = match self.rest {
            Rest::No => true,
            Rest::UntilWoken => false,
            Rest::For(time) => u128::from(self.clock.tick().since(self.rests_since)) >= time.as_millis(),
        };
        let turn = self.shared.take_turn(is_over);
        if let Some(period) = turn {
            self.turn(period);
        }
        turn.is_some()
    }

    fn turn(&mut self, period: u64) {
        if period != self.period {
            (self.period, self.walk) = (period, Walk::default());
        }
        self.rest = self.go_on().unwrap_or_else(|error| self.journal_failed(&error));
        self.rests_since = self.clock.tick();
    }

    /// Brings up the next batch, and says how long to rest then.
    fn go_on(&mut self) -> Result<Rest, JournalError> {
        let untried = self.outbox.untried(BATCH)?;
        if !untried.is_empty() {
            return self.bring_up(untried);
        }
        let wait = self.walk.wait(self.clock.tick());
        if !wait.is_zero() {
            return Ok(Rest::For(wait));
        }
        let left_behind = self.outbox.waiting(self.walk.after, BATCH)?;
        if !left_behind.is_empty() {
            return self.bring_up(left_behind);
        }
        if self.walk.after > 0 {
            self.walk.after = 0;
            return Ok(Rest::No);
        }
        self.walk = Walk::default();
        Ok(Rest::UntilWoken)
    }

    fn bring_up(&mut self, batch: Vec<Waiting>) -> Result<Rest, JournalError> {
        let (mut arrived, mut set_aside, mut rest) = (Vec::new(), 0, Rest::No);
        for waiting in batch {
            if !self.shared.may_send(self.period) {
                break;
            }
            let (sequence, attempts) = (waiting.sequence, waiting.attempts);
            let sent = self.clock.tick();
            match self.send(waiting)? {
                Outcome::Arrived => {
                    arrived.push(sequence);
                    self.walk.errors_in_a_row = 0;
                }
                Outcome::SetAside => {
                    set_aside += 1;
                    self.walk.errors_in_a_row = 0;
                }
                Outcome::Failed => {
                    self.walk.errors_in_a_row += 1;
                    self.walk.put_off(self.clock.tick());
                }
                Outcome::Unreachable(failure) => {
                    // The answer to a request of an earlier time online says nothing about this one.
                    if self.shared.pause(self.period) {
                        self.acknowledge(&arrived, set_aside)?;
                        (self.news)(Background::UploadUnreachable { sent, failure });
                        return Ok(Rest::No);
                    }
                    break;
                }
            }
            if attempts > 0 {
                self.walk.after = sequence;
            }
            if self.walk.errors_in_a_row == ERRORS_IN_A_ROW {
                self.walk.errors_in_a_row = 0;
                rest = Rest::For(self.walk.wait(self.clock.tick()));
                break;
            }
        }
        self.acknowledge(&arrived, set_aside)?;
        Ok(rest)
    }

    fn send(&mut self, waiting: Waiting) -> Result<Outcome, JournalError> {
        let upload = match waiting.upload {
            Ok(upload) => upload,
            Err(damage) => return self.set_aside(waiting.sequence, &damage),
        };
        let longer = time_for(upload.canonical.len().saturating_sub(USUAL));
        let longer_ms = u64::try_from(longer.as_millis()).unwrap_or(u64::MAX);
        let timeout_ms = self.timeout_ms.saturating_add(longer_ms);
        let answer = self.channel.ask(timeout_ms, move |channel| channel.record(&upload));
        let now = self.clock.now();
        self.shared.status(|status| {
            status.last_attempt = Some(now);
            status.last_error = answer.as_ref().err().map(ToString::to_string);
            if answer.is_ok() {
                status.last_success = Some(now);
                status.sent_total += 1;
            }
        });
        match answer {
            Ok(Recorded::New | Recorded::Already) => Ok(Outcome::Arrived),
            Err(ChannelError { kind: ErrorKind::Unreachable(failure), .. }) if !self.is_the_records_fault(failure) => {
                Ok(Outcome::Unreachable(failure))
            }
            Err(error) if is_about_the_record(error.kind) => self.set_aside(waiting.sequence, &error.to_string()),
            Err(error) => {
                self.outbox.failed(waiting.sequence, &error.to_string())?;
                Ok(Outcome::Failed)
            }
        }
    }

    fn set_aside(&mut self, sequence: u64, why: &str) -> Result<Outcome, JournalError> {
        self.outbox.set_aside(sequence, why, self.clock.now())?;
        tracing::warn!(sequence, why, "a transaction was set aside");
        Ok(Outcome::SetAside)
    }

    /// Whether a scale unit that has no answer to this record has one to another question: then the register is not offline.
    fn is_the_records_fault(&mut self, failure: Failure) -> bool {
        let is_there = |answer: Result<u64, ChannelError>| !matches!(answer, Err(ChannelError { kind: ErrorKind::Unreachable(_), .. }));
        let may_be = match failure {
            // Something on the way, or the scale unit itself, may not live through this one.
            Failure::TimedOut { .. } | Failure::Cut | Failure::Garbled => true,
            Failure::NobodyListens | Failure::NoRoad | Failure::NotTrusted => false,
        };
        may_be && is_there(self.channel.ask(self.timeout_ms, |channel| channel.data_version()))
    }

    fn acknowledge(&mut self, arrived: &[u64], set_aside: u32) -> Result<(), JournalError> {
        if !arrived.is_empty() {
            self.outbox.sent(arrived, self.clock.now())?;
        }
        if set_aside > 0 || !arrived.is_empty() {
            (self.news)(Background::UploadProgress);
        }
        Ok(())
    }

    /// The register's own disk fails. What arrived meanwhile is sent again, and is there already.
    fn journal_failed(&mut self, error: &JournalError) -> Rest {
        tracing::error!(%error, "uploading cannot use the journal");
        self.shared.status(|status| status.last_error = Some(error.to_string()));
        let now = self.clock.tick();
        self.walk.put_off(now);
        Rest::For(self.walk.wait(now))
    }
}

/// Whether a refusal is about this one record, so that asking again cannot help; another one would be answered to any record.
fn is_about_the_record(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Refused(Refusal::Invalid | Refusal::Conflict) => true,
        ErrorKind::Refused(
            Refusal::Credentials | Refusal::NotFound | Refusal::Device | Refusal::Session | Refusal::Locked | Refusal::Forbidden,
        )
        | ErrorKind::Unreachable(_)
        | ErrorKind::Unsupported
        | ErrorKind::HeadquartersAway
        | ErrorKind::Broken => false,
    }
}
