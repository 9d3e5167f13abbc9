//! Requests with a deadline: a blocking call on a worker's thread, awaited for as long as the profile allows and no longer.
//!
//! The HTTP client's own time-outs fire milliseconds late and miss some waits (name look-up, dripping answers), so the till does not rely
//! on them: it stops waiting by itself and leaves a worker that hangs to its own time-out.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::channel::{Channel, ChannelError, Result};
use crate::connection::Failure;
use crate::wire::Wire;

type Job = Box<dyn FnOnce(&dyn Channel) + Send>;

/// A channel that is asked with deadlines, from one thread.
pub struct Deadline {
    channel: Arc<dyn Channel>,
    worker: Option<Sender<Job>>,
    /// Where the channel's requests go, when that is no socket: then nobody else's thread is needed to stop waiting.
    wire: Option<Arc<dyn Wire>>,
}

impl Deadline {
    /// Asks `channel`.
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self::over(channel, None)
    }

    /// Asks `channel`, whose requests go over this wire if there is one.
    pub fn over(channel: Arc<dyn Channel>, wire: Option<Arc<dyn Wire>>) -> Self {
        Self { channel, worker: None, wire }
    }

    /// The channel itself, for what it does without asking anybody.
    pub fn channel(&self) -> &dyn Channel {
        self.channel.as_ref()
    }

    /// Runs `request` on the worker and waits for its answer, `timeout_ms` at most; then it is [`Failure::TimedOut`], and what the
    /// request still does or answers is of no account to the caller.
    pub fn ask<T: Send + 'static>(
        &mut self,
        timeout_ms: u64,
        request: impl FnOnce(&dyn Channel) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if let Some(wire) = &self.wire {
            return ask_over(wire.as_ref(), self.channel.as_ref(), timeout_ms, request);
        }
        let answered = self.begin(timeout_ms, request, || ())?;
        answered.recv_timeout(Duration::from_millis(timeout_ms)).unwrap_or_else(|error| {
            // Whether it hangs or has panicked, the next request gets another worker.
            self.abandon();
            Err(match error {
                RecvTimeoutError::Timeout => ChannelError::unreachable(Failure::TimedOut { after_ms: timeout_ms }),
                RecvTimeoutError::Disconnected => ChannelError::broken("the request failed inside this program"),
            })
        })
    }

    /// Runs `request` on the worker and does not wait: the answer comes through what is returned, and `wake` is called once it is there.
    /// Whoever waits no longer, at the latest after `timeout_ms`, calls [`Deadline::abandon`].
    pub fn begin<T: Send + 'static>(
        &mut self,
        timeout_ms: u64,
        request: impl FnOnce(&dyn Channel) -> Result<T> + Send + 'static,
        wake: impl FnOnce() + Send + 'static,
    ) -> Result<Receiver<Result<T>>> {
        let (answer, answered) = channel();
        if let Some(wire) = &self.wire {
            // Its reader is at hand.
            let _ = answer.send(ask_over(wire.as_ref(), self.channel.as_ref(), timeout_ms, request));
            wake();
            return Ok(answered);
        }
        let job: Job = Box::new(move |channel| {
            // Nobody listens any more when the deadline has passed.
            let _ = answer.send(request(channel));
            wake();
        });
        let worker = self.worker.take().map_or_else(|| self.start_worker(), Ok)?;
        worker.send(job).map_err(|_| ChannelError::broken("the request's worker has ended"))?;
        self.worker = Some(worker);
        Ok(answered)
    }

    /// Leaves the worker to the request it hangs in; the next request gets another.
    pub fn abandon(&mut self) {
        self.worker = None;
    }

    fn start_worker(&self) -> Result<Sender<Job>> {
        let (jobs, inbox) = channel::<Job>();
        let channel = Arc::clone(&self.channel);
        std::thread::Builder::new()
            .name("request".to_owned())
            .spawn(move || {
                for job in inbox {
                    job(channel.as_ref());
                }
            })
            .map_err(|error| ChannelError::broken(format!("no thread for a request: {error}")))?;
        Ok(jobs)
    }
}

/// Asks on the caller's own thread.
fn ask_over<T>(wire: &dyn Wire, channel: &dyn Channel, timeout_ms: u64, request: impl FnOnce(&dyn Channel) -> Result<T>) -> Result<T> {
    wire.wait_at_most(timeout_ms);
    let answer = request(channel);
    if wire.waited_too_long() { Err(ChannelError::unreachable(Failure::TimedOut { after_ms: timeout_ms })) } else { answer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::sqlite::SqliteChannel;

    #[test]
    fn a_request_that_hangs_or_panics_costs_its_worker_and_no_later_request() {
        let directory = tempfile::tempdir().unwrap();
        let database = SqliteChannel::open(&directory.path().join("channel.db")).unwrap();
        let mut deadline = Deadline::new(Arc::new(database));
        let (release, released) = channel::<()>();
        let hung: Result<()> = deadline.ask(20, move |_| {
            // Released when the test ends.
            let _ = released.recv();
            Ok(())
        });
        assert_eq!(hung, Err(ChannelError::unreachable(Failure::TimedOut { after_ms: 20 })));
        assert_eq!(deadline.ask(10_000, |_| Ok(1)), Ok(1));
        let panicked: Result<()> = deadline.ask(10_000, |_| panic!("a request that panics"));
        assert_eq!(panicked, Err(ChannelError::broken("the request failed inside this program")));
        assert_eq!(deadline.ask(10_000, |_| Ok(2)), Ok(2));
        assert_eq!(deadline.begin(10_000, |_| Ok(3), || ()).unwrap().recv(), Ok(Ok(3)));
        drop(release);
    }
}
