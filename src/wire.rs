//! A road for requests that is no socket: the simulation's, on which time passes as it says and whatever it likes goes wrong.
//!
//! A register that is given one does everything on the thread that calls it: nothing else then decides what happens first.

use std::fmt::Debug;
use std::io;

/// A road, and the patience of whoever waits for answers from it.
pub trait Wire: Debug + Send + Sync {
    /// Brings a request to the server, and what comes back: whole, in part, altered, or an error as of a socket.
    fn exchange(&self, request: &[u8]) -> io::Result<Vec<u8>>;

    /// From now on an answer is waited for so long and no longer.
    fn wait_at_most(&self, timeout_ms: u64);

    /// Nobody waits any more; whether it took longer than that.
    fn waited_too_long(&self) -> bool;
}
