//! The road to a scale unit or headquarters: a small TCP proxy on loopback whose condition can be changed at any time.
//!
//! Tapes (`Network Down`), the replay and tests put it between a register and a scale unit to show what an outage does; `chain` puts it before
//! headquarters. It knows bytes and turns (a request, then its answer), no protocol; it must not stand before anything but the server it was
//! opened for.

mod traffic;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use traffic::Traffic;

/// How long to wait before accepting again when the process has run out of file handles.
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

/// What happens to the traffic of a road, on connections that stand and on new ones alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Everything passes.
    Up,
    /// Connections are refused, those that stood are cut.
    Down,
    /// Connections are accepted and kept, nothing ever comes back. What was said meanwhile is lost: leaving this condition closes
    /// every connection.
    Hang,
    /// Nothing moves, and nobody says so: connections are accepted and kept, and what is said stands in the sockets' buffers. It goes on
    /// when the condition changes.
    Stall,
    /// Each answer begins this much later.
    Slow(Duration),
    /// Each request has this chance (100 and above: certainty) to have its connection cut, evenly before it reaches the scale unit
    /// or after the scale unit has answered.
    Drop {
        /// The chance in percent.
        percent: u8,
    },
    /// Each request reaches the scale unit; when its answer comes, the connection is reset instead.
    Lost,
    /// Each request reaches the scale unit twice: once it is answered it is sent again, on a connection of its own, and answered there
    /// before its first answer is passed on. A request of more than 64 KiB arrives once.
    Twice,
    /// Every other request is held back and its connection cut. It arrives after the next request, before the answer to that is passed
    /// on. A request of more than 64 KiB is lost.
    Reorder,
    /// Answers come byte by byte, with so long between two.
    Drip(Duration),
    /// Random bytes, as many as the answer has, come in its place; then the connection is closed.
    Garbage,
    /// Random bytes come in the answer's place and do not end.
    Endless,
    /// The first half of the answer's bytes comes; then the connection is closed.
    Half,
}

/// A road to one scale unit. Dropping it closes everything and ends its threads.
#[derive(Debug)]
pub struct Road {
    traffic: Arc<Traffic>,
    address: SocketAddr,
    /// The thread that accepts connections; none while the road is down. Its lock also orders changes of condition.
    gate: Mutex<Option<JoinHandle<()>>>,
    /// Both ends of a connection of the road with itself. While it stands the system gives the port to nobody else, so that a
    /// road that is down can always be bound to the same address again.
    _anchor: (TcpStream, TcpStream),
}

impl Road {
    /// Opens a road to `target` on a free loopback port, in condition [`Condition::Up`]. `seed` decides which requests
    /// [`Condition::Drop`] hits and what [`Condition::Garbage`] and
    /// [`Condition::Endless`] say.
    ///
    /// # Errors
    /// When no loopback port or thread can be had.
    pub fn open(target: SocketAddr, seed: u64) -> io::Result<Road> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let anchor = (TcpStream::connect(address)?, listener.accept()?.0);
        let traffic = Arc::new(Traffic::new(target, seed));
        let gate = open_gate(&traffic, listener)?;
        Ok(Road { traffic, address, gate: Mutex::new(Some(gate)), _anchor: anchor })
    }

    /// The address a register is to be given in place of the scale unit's.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The condition last set.
    pub fn condition(&self) -> Condition {
        self.traffic.state().condition
    }

    /// How many answers [`Condition::Lost`] has cost so far.
    pub fn answers_lost(&self) -> u64 {
        self.traffic.state().answers_lost
    }

    /// Changes the condition. When it returns, connections are refused or accepted as the condition says.
    ///
    /// # Errors
    /// When the listener cannot be opened again, or cannot be told to close: the process has no file handle or thread left.
    pub fn set(&self, condition: Condition) -> io::Result<()> {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if condition == Condition::Down {
            self.traffic.change(condition);
            return close_gate(&mut gate, self.address);
        }
        if gate.as_ref().is_some_and(|thread| !thread.is_finished()) {
            self.traffic.change(condition);
            return Ok(());
        }
        let listener = TcpListener::bind(self.address)?;
        self.traffic.change(condition);
        let thread = open_gate(&self.traffic, listener).inspect_err(|_| self.traffic.change(Condition::Down))?;
        *gate = Some(thread);
        Ok(())
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        let connections = self.traffic.close();
        // A gate that cannot be told to close (no file handle left) closes at the next connection.
        let _ = self.set(Condition::Down);
        for connection in connections {
            connection.end();
        }
    }
}

fn open_gate(traffic: &Arc<Traffic>, listener: TcpListener) -> io::Result<JoinHandle<()>> {
    let traffic = Arc::clone(traffic);
    thread::Builder::new().name("road".to_owned()).spawn(move || accept(&traffic, &listener))
}

/// Wakes the accepting thread, which finds the road down, and waits until its listener is closed.
fn close_gate(gate: &mut Option<JoinHandle<()>>, address: SocketAddr) -> io::Result<()> {
    let Some(thread) = gate.take() else {
        return Ok(());
    };
    match TcpStream::connect(address) {
        Err(error) if !is_closed(&error) => {
            *gate = Some(thread);
            Err(error)
        }
        // An error here says that another connection has woken the thread already.
        Ok(_) | Err(_) => {
            let _ = thread.join();
            Ok(())
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionReset].contains(&error.kind())
}

fn accept(traffic: &Arc<Traffic>, listener: &TcpListener) {
    loop {
        let accepted = listener.accept();
        let mut state = traffic.state();
        if state.condition == Condition::Down {
            return;
        }
        match accepted {
            Ok((client, _)) => state.admit(traffic, client),
            Err(_) => drop(traffic.changed.wait_timeout(state, ACCEPT_RETRY)),
        }
    }
}

#[cfg(test)]
mod tests;
