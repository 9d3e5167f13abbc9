//! What a road's connections carry: bytes both ways, each piece as the condition of the moment says.
//!
//! [`super::Road`] opens it and changes its condition; two threads a connection ask it what becomes of what they have read.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Condition;

/// Connections at most; one more is closed as soon as it is accepted.
pub(super) const CONNECTIONS_MAX: usize = 256;
/// Bytes read at once, in each direction of each connection; of a request, also the most that is kept to be sent later.
pub(super) const BUFFER_BYTES: usize = 64 * 1024;
/// How long a silence must last to count as the end of a request or an answer.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the scale unit may take to accept a connection, and to answer a request that comes late.
const SCALE_UNIT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Traffic {
    target: SocketAddr,
    state: Mutex<State>,
    /// Told at every change of condition.
    pub(super) changed: Condvar,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) condition: Condition,
    pub(super) answers_lost: u64,
    /// A request that was held back.
    held: Option<Vec<u8>>,
    connections: HashMap<u64, Connection>,
    /// How many connections were accepted so far; numbers them.
    accepted: u64,
    dice: Dice,
}

#[derive(Debug)]
pub(super) struct Connection {
    client: Arc<TcpStream>,
    /// None until the scale unit has accepted, and for good on a road that hung from the start.
    server: Option<Arc<TcpStream>>,
    /// A request has begun and its answer has not.
    asking: bool,
    /// The answer to the request is to be lost.
    ill_fated: bool,
    /// The request so far, when it is to be sent twice.
    copy: Option<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl Connection {
    fn cut(&self) {
        cut(&self.client);
        if let Some(server) = &self.server {
            cut(server);
        }
    }

    /// Cuts it, and waits until its threads are done with it.
    pub(super) fn end(self) {
        self.cut();
        // A panic there has been reported by its thread.
        let _ = self.thread.join();
    }
}

/// Closes a connection both ways, which also wakes whoever reads from it or writes to it.
fn cut(stream: &TcpStream) {
    // The only error is that the other side was faster.
    let _ = stream.shutdown(Shutdown::Both);
}

/// Closes a connection so that its client is told of a reset, as soon as nobody holds it any more.
fn reset(stream: &TcpStream) {
    // What cannot be reset is closed; the thread that reads from it wakes either way.
    #[cfg(unix)]
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
    let _ = stream.shutdown(Shutdown::Read);
}

impl State {
    pub(super) fn admit(&mut self, traffic: &Arc<Traffic>, client: TcpStream) {
        if self.connections.len() >= CONNECTIONS_MAX {
            return;
        }
        self.accepted += 1;
        let number = self.accepted;
        let client = Arc::new(client);
        let thread = {
            let (traffic, client) = (Arc::clone(traffic), Arc::clone(&client));
            let hung = self.condition == Condition::Hang;
            let serve = move || {
                if hung {
                    swallow(&client);
                } else {
                    traffic.carry(number, &client);
                }
                traffic.state().connections.remove(&number);
            };
            thread::Builder::new().name(format!("road-{number}")).spawn(serve)
        };
        // Without a thread the connection is closed again: the process is at its limit.
        if let Ok(thread) = thread {
            let connection = Connection { client, server: None, asking: false, ill_fated: false, copy: None, thread };
            self.connections.insert(number, connection);
        }
    }
}

/// What becomes of the bytes just read from the client.
enum RequestFate {
    Pass,
    Swallow,
    Hold,
    Cut,
}

/// What becomes of the bytes just read from the scale unit.
enum AnswerFate {
    /// After this request has been sent.
    Pass {
        late: Option<Vec<u8>>,
    },
    Drip(Duration),
    Swallow,
    Cut,
    Reset,
    Garble,
    Flood,
    Halve,
}

impl Traffic {
    pub(super) fn new(target: SocketAddr, seed: u64) -> Self {
        let state =
            State { condition: Condition::Up, answers_lost: 0, held: None, connections: HashMap::new(), accepted: 0, dice: Dice(seed) };
        Self { target, state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, once nothing keeps the traffic from moving.
    fn moving(&self) -> MutexGuard<'_, State> {
        let stalled = |state: &mut State| state.condition == Condition::Stall;
        self.changed.wait_while(self.state(), stalled).unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the road down, and out of it the connections that stood.
    pub(super) fn close(&self) -> Vec<Connection> {
        let mut state = self.state();
        state.condition = Condition::Down;
        std::mem::take(&mut state.connections).into_values().collect()
    }

    pub(super) fn change(&self, condition: Condition) {
        let mut state = self.state();
        let leaves_hang = state.condition == Condition::Hang && condition != Condition::Hang;
        state.condition = condition;
        if leaves_hang || condition == Condition::Down {
            state.connections.values().for_each(Connection::cut);
        }
        self.changed.notify_all();
    }

    /// Carries a connection's bytes both ways until both sides have closed or it is cut.
    fn carry(&self, number: u64, client: &TcpStream) {
        let Ok(server) = TcpStream::connect_timeout(&self.target, SCALE_UNIT_TIMEOUT) else {
            cut(client);
            return;
        };
        // A proxy that gathers small packets would be slower than the road it stands for; without the option it only is that.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let server = Arc::new(server);
        match self.state().connections.get_mut(&number) {
            Some(connection) => connection.server = Some(Arc::clone(&server)),
            None => return,
        }
        thread::scope(|scope| {
            let answers = thread::Builder::new().name(format!("road-{number}-answers"));
            if answers.spawn_scoped(scope, || self.carry_answers(number, &server, client)).is_err() {
                cut(client);
            }
            self.carry_requests(number, client, &server);
        });
    }

    fn carry_requests(&self, number: u64, client: &TcpStream, server: &TcpStream) {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let length = match read(client, &mut buffer) {
                Ok(0) => {
                    drop(self.moving());
                    let _ = server.shutdown(Shutdown::Write);
                    return;
                }
                Ok(length) => length,
                Err(_) => break,
            };
            match self.request_fate(number, &buffer[..length]) {
                RequestFate::Pass if write(server, &buffer[..length]).is_ok() => {}
                RequestFate::Swallow => {}
                RequestFate::Hold => {
                    let length = read_rest(client, &mut buffer, length);
                    self.state().held = (length < BUFFER_BYTES).then(|| buffer[..length].to_vec());
                    break;
                }
                RequestFate::Pass | RequestFate::Cut => break,
            }
        }
        cut(client);
        cut(server);
    }

    fn carry_answers(&self, number: u64, server: &TcpStream, client: &TcpStream) {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let length = read(server, &mut buffer).unwrap_or(0);
            if length == 0 {
                // Nothing comes back on a hung road, not even the news that the scale unit has gone.
                if self.moving().condition != Condition::Hang {
                    let _ = client.shutdown(Shutdown::Write);
                }
                return;
            }
            match self.answer_fate(number) {
                AnswerFate::Pass { late } => {
                    if let Some(late) = late {
                        self.deliver(&late);
                    }
                    if write(client, &buffer[..length]).is_err() {
                        break;
                    }
                }
                AnswerFate::Drip(pause) => {
                    if self.drip(pause, &buffer[..length], client).is_err() {
                        break;
                    }
                }
                AnswerFate::Swallow => {}
                AnswerFate::Cut => break,
                AnswerFate::Reset => {
                    reset(client);
                    cut(server);
                    return;
                }
                AnswerFate::Flood => {
                    self.flood(&mut buffer, client);
                    break;
                }
                AnswerFate::Garble => {
                    let length = read_rest(server, &mut buffer, length);
                    self.state().dice.fill(&mut buffer[..length]);
                    let _ = write(client, &buffer[..length]);
                    break;
                }
                AnswerFate::Halve => {
                    let length = read_rest(server, &mut buffer, length);
                    let _ = write(client, &buffer[..length / 2]);
                    break;
                }
            }
        }
        cut(client);
        cut(server);
    }

    /// Sends a request on a connection of its own, and waits until it is answered.
    fn deliver(&self, request: &[u8]) {
        let Ok(server) = TcpStream::connect_timeout(&self.target, SCALE_UNIT_TIMEOUT) else { return };
        if server.set_read_timeout(Some(SCALE_UNIT_TIMEOUT)).is_ok() && write(&server, request).is_ok() {
            // Whatever the answer is, nobody waits for it.
            let _ = read(&server, &mut [0; 1]);
        }
    }

    /// Byte by byte, as long as the road drips.
    fn drip(&self, pause: Duration, bytes: &[u8], client: &TcpStream) -> io::Result<()> {
        let drips = |state: &mut State| state.condition == Condition::Drip(pause);
        for (sent, byte) in bytes.iter().enumerate() {
            let condition = self.moving().condition;
            if condition == Condition::Hang {
                return Ok(());
            }
            if !matches!(condition, Condition::Drip(_)) {
                return write(client, &bytes[sent..]);
            }
            write(client, &[*byte])?;
            drop(self.changed.wait_timeout_while(self.state(), pause, drips));
        }
        Ok(())
    }

    /// Random bytes until nobody takes them any more, or the condition changes.
    fn flood(&self, buffer: &mut [u8], client: &TcpStream) {
        loop {
            {
                let state = &mut *self.state();
                if state.condition != Condition::Endless {
                    return;
                }
                state.dice.fill(buffer);
            }
            if write(client, buffer).is_err() {
                return;
            }
        }
    }

    /// Waits out a stalled road before it tells.
    fn request_fate(&self, number: u64, piece: &[u8]) -> RequestFate {
        let state = &mut *self.moving();
        let Some(connection) = state.connections.get_mut(&number) else {
            return RequestFate::Cut;
        };
        let begins = !connection.asking;
        connection.asking = true;
        if begins {
            (connection.ill_fated, connection.copy) = (false, None);
        }
        match state.condition {
            Condition::Hang => RequestFate::Swallow,
            Condition::Down => RequestFate::Cut,
            Condition::Drop { percent } if begins => {
                let hit = state.dice.hits(percent);
                let answered = state.dice.hits(50);
                connection.ill_fated = hit && answered;
                if hit && !answered { RequestFate::Cut } else { RequestFate::Pass }
            }
            Condition::Reorder if begins && state.held.is_none() => RequestFate::Hold,
            Condition::Twice => {
                let so_far = if begins { Some(Vec::new()) } else { connection.copy.take() };
                connection.copy = so_far.filter(|so_far| so_far.len() + piece.len() <= BUFFER_BYTES).map(|mut so_far| {
                    so_far.extend_from_slice(piece);
                    so_far
                });
                RequestFate::Pass
            }
            Condition::Up
            | Condition::Stall
            | Condition::Slow(_)
            | Condition::Drop { .. }
            | Condition::Lost
            | Condition::Reorder
            | Condition::Drip(_)
            | Condition::Garbage
            | Condition::Endless
            | Condition::Half => RequestFate::Pass,
        }
    }

    /// Waits out a slow or stalled road before it tells.
    fn answer_fate(&self, number: u64) -> AnswerFate {
        let mut state = self.state();
        let Some(connection) = state.connections.get_mut(&number) else {
            return AnswerFate::Cut;
        };
        let ill_fated = connection.ill_fated;
        let copy = connection.copy.take();
        let mut early = std::mem::take(&mut connection.asking);
        loop {
            let condition = state.condition;
            match condition {
                Condition::Slow(delay) if early => {
                    let waited = self.changed.wait_timeout_while(state, delay, |state| state.condition == condition);
                    let (waited_state, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
                    state = waited_state;
                    early = !outcome.timed_out();
                }
                Condition::Stall => {
                    let waited = self.changed.wait_while(state, |state| state.condition == condition);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
                Condition::Drop { .. } if ill_fated => return AnswerFate::Cut,
                Condition::Up | Condition::Slow(_) | Condition::Drop { .. } | Condition::Twice | Condition::Reorder => {
                    return AnswerFate::Pass { late: copy.or_else(|| state.held.take()) };
                }
                Condition::Lost => {
                    state.answers_lost += 1;
                    return AnswerFate::Reset;
                }
                Condition::Drip(pause) => return AnswerFate::Drip(pause),
                Condition::Hang => return AnswerFate::Swallow,
                Condition::Down => return AnswerFate::Cut,
                Condition::Garbage => return AnswerFate::Garble,
                Condition::Endless => return AnswerFate::Flood,
                Condition::Half => return AnswerFate::Halve,
            }
        }
    }
}

/// Keeps a connection open and silent until its client gives up or the road stops hanging.
fn swallow(client: &TcpStream) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while read(client, &mut buffer).is_ok_and(|length| length > 0) {}
}

fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

pub(super) fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)
}

/// Reads on behind the first `length` bytes of a request or an answer until it pauses, ends or fills the buffer, and returns how many
/// there are. Leaves the stream with a read time-out: its connection is closed next.
fn read_rest(from: &TcpStream, buffer: &mut [u8], mut length: usize) -> usize {
    if from.set_read_timeout(Some(PAUSE)).is_err() {
        return length;
    }
    while let Ok(more @ 1..) = read(from, &mut buffer[length..]) {
        length += more;
    }
    length
}

/// The splitmix64 generator: chance that a seed repeats.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn hits(&mut self, percent: u8) -> bool {
        self.roll() % 100 < u64::from(percent)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.roll().to_le_bytes()[..chunk.len()]);
        }
    }
}
