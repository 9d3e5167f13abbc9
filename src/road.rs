//! The road between a register and its scale unit: a small TCP proxy on loopback whose condition can be changed at any time.
//!
//! Tapes (`Network Down`), the simulation and tests put it between a register and a scale unit to show what an outage does. It
//! knows bytes and turns (a request, then its answer), no protocol; it must not stand before anything but the scale unit it was
//! opened for.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Connections at most; one more is closed as soon as it is accepted.
const CONNECTIONS_MAX: usize = 256;
/// Bytes read at once, in each direction of each connection.
const BUFFER_BYTES: usize = 64 * 1024;
/// How long the scale unit's silence must last to count as the end of an answer.
const ANSWER_PAUSE: Duration = Duration::from_millis(20);
/// How long the scale unit may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
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
    /// Each answer begins this much later.
    Slow(Duration),
    /// Each request has this chance (100 and above: certainty) to have its connection cut, evenly before it reaches the scale unit
    /// or after the scale unit has answered.
    Drop {
        /// The chance in percent.
        percent: u8,
    },
    /// Random bytes, as many as the answer has, come in its place; then the connection is closed.
    Garbage,
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
    /// [`Condition::Drop`] hits and what [`Condition::Garbage`] says.
    ///
    /// # Errors
    /// When no loopback port or thread can be had.
    pub fn open(target: SocketAddr, seed: u64) -> io::Result<Road> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let anchor = (TcpStream::connect(address)?, listener.accept()?.0);
        let state = State { condition: Condition::Up, connections: HashMap::new(), accepted: 0, dice: Dice(seed) };
        let traffic = Arc::new(Traffic { target, state: Mutex::new(state), changed: Condvar::new() });
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
        let connections = {
            let mut state = self.traffic.state();
            state.condition = Condition::Down;
            std::mem::take(&mut state.connections)
        };
        // A gate that cannot be told to close (no file handle left) closes at the next connection.
        let _ = self.set(Condition::Down);
        for connection in connections.into_values() {
            connection.cut();
            // A panic there has been reported by its thread.
            let _ = connection.thread.join();
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

#[derive(Debug)]
struct Traffic {
    target: SocketAddr,
    state: Mutex<State>,
    /// Told at every change of condition.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    condition: Condition,
    connections: HashMap<u64, Connection>,
    /// How many connections were accepted so far; numbers them.
    accepted: u64,
    dice: Dice,
}

#[derive(Debug)]
struct Connection {
    client: Arc<TcpStream>,
    /// None until the scale unit has accepted, and for good on a road that hung from the start.
    server: Option<Arc<TcpStream>>,
    /// A request has begun and its answer has not.
    asking: bool,
    /// The answer to the request is to be lost.
    ill_fated: bool,
    thread: JoinHandle<()>,
}

impl Connection {
    fn cut(&self) {
        cut(&self.client);
        if let Some(server) = &self.server {
            cut(server);
        }
    }
}

/// Closes a connection both ways, which also wakes whoever reads from it or writes to it.
fn cut(stream: &TcpStream) {
    // The only error is that the other side was faster.
    let _ = stream.shutdown(Shutdown::Both);
}

impl State {
    fn admit(&mut self, traffic: &Arc<Traffic>, client: TcpStream) {
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
            let connection = Connection { client, server: None, asking: false, ill_fated: false, thread };
            self.connections.insert(number, connection);
        }
    }
}

/// What becomes of the bytes just read from the client.
enum RequestFate {
    Pass,
    Swallow,
    Cut,
}

/// What becomes of the bytes just read from the scale unit.
enum AnswerFate {
    Pass,
    Swallow,
    Cut,
    Garble,
    Halve,
}

impl Traffic {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, condition: Condition) {
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
        let Ok(server) = TcpStream::connect_timeout(&self.target, CONNECT_TIMEOUT) else {
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
                    let _ = server.shutdown(Shutdown::Write);
                    return;
                }
                Ok(length) => length,
                Err(_) => break,
            };
            match self.request_fate(number) {
                RequestFate::Pass if write(server, &buffer[..length]).is_ok() => {}
                RequestFate::Swallow => {}
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
                if self.state().condition != Condition::Hang {
                    let _ = client.shutdown(Shutdown::Write);
                }
                return;
            }
            match self.answer_fate(number) {
                AnswerFate::Pass if write(client, &buffer[..length]).is_ok() => {}
                AnswerFate::Swallow => {}
                AnswerFate::Pass | AnswerFate::Cut => break,
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

    fn request_fate(&self, number: u64) -> RequestFate {
        let state = &mut *self.state();
        let Some(connection) = state.connections.get_mut(&number) else {
            return RequestFate::Cut;
        };
        let begins = !connection.asking;
        connection.asking = true;
        match state.condition {
            Condition::Hang => RequestFate::Swallow,
            Condition::Down => RequestFate::Cut,
            Condition::Drop { percent } if begins => {
                let hit = state.dice.hits(percent);
                let answered = state.dice.hits(50);
                connection.ill_fated = hit && answered;
                if hit && !answered { RequestFate::Cut } else { RequestFate::Pass }
            }
            Condition::Up | Condition::Slow(_) | Condition::Drop { .. } | Condition::Garbage | Condition::Half => {
                if begins {
                    connection.ill_fated = false;
                }
                RequestFate::Pass
            }
        }
    }

    /// Waits out a slow road before it tells.
    fn answer_fate(&self, number: u64) -> AnswerFate {
        let mut state = self.state();
        let Some(connection) = state.connections.get_mut(&number) else {
            return AnswerFate::Cut;
        };
        let ill_fated = connection.ill_fated;
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
                Condition::Drop { .. } if ill_fated => return AnswerFate::Cut,
                Condition::Up | Condition::Slow(_) | Condition::Drop { .. } => {
                    return AnswerFate::Pass;
                }
                Condition::Hang => return AnswerFate::Swallow,
                Condition::Down => return AnswerFate::Cut,
                Condition::Garbage => return AnswerFate::Garble,
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

fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)
}

/// Reads on behind the first `length` bytes of an answer until it pauses, ends or fills the buffer, and returns how many there
/// are. Leaves the stream with a read time-out: its connection is closed next.
fn read_rest(server: &TcpStream, buffer: &mut [u8], mut length: usize) -> usize {
    if server.set_read_timeout(Some(ANSWER_PAUSE)).is_err() {
        return length;
    }
    while let Ok(more @ 1..) = read(server, &mut buffer[length..]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{BufRead, BufReader};
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::time::Instant;

    /// No test waits that long unless it fails.
    const PATIENCE: Duration = Duration::from_secs(20);
    const PIECES: usize = 4;

    /// A scale unit of a few lines: it answers each line `x` with `<x>` in four pieces, and tells which lines reached it.
    struct Shop {
        address: SocketAddr,
        heard: Receiver<String>,
    }

    impl Shop {
        fn open() -> Shop {
            let (shop, permits) = Shop::patient();
            // As many answers as any test asks for may be given at once.
            (0..100_000).for_each(|_| permits.send(()).unwrap());
            shop
        }

        /// A shop that answers only as often as it is permitted to.
        fn patient() -> (Shop, Sender<()>) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let (told, heard) = mpsc::channel();
            let (permit, permits) = mpsc::channel();
            let permits = Arc::new(Mutex::new(permits));
            thread::spawn(move || {
                for customer in listener.incoming() {
                    let (told, permits) = (told.clone(), Arc::clone(&permits));
                    thread::spawn(move || serve(&customer.unwrap(), &told, &permits));
                }
            });
            (Shop { address, heard }, permit)
        }

        fn hears(&self) -> String {
            self.heard.recv_timeout(PATIENCE).expect("a request reaches the shop")
        }
    }

    fn serve(customer: &TcpStream, told: &Sender<String>, permits: &Mutex<Receiver<()>>) {
        customer.set_nodelay(true).unwrap();
        for line in BufReader::new(customer).lines() {
            let Ok(line) = line else { return };
            let _ = told.send(line.clone());
            if permits.lock().unwrap().recv().is_err() {
                return;
            }
            let answer = answer_to(&line);
            for piece in answer.as_bytes().chunks(answer.len().div_ceil(PIECES)) {
                if write(customer, piece).is_err() {
                    return;
                }
            }
        }
    }

    fn answer_to(line: &str) -> String {
        format!("<{line}>\n")
    }

    fn customer(road: &Road) -> TcpStream {
        let stream = TcpStream::connect(road.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn ask(stream: &TcpStream, line: &str) -> io::Result<String> {
        write(stream, format!("{line}\n").as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        if answer.ends_with('\n') { Ok(answer) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Everything that still comes before the connection is closed. Waits for the end, so nothing can come later.
    fn rest(mut stream: &TcpStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        match stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => {
                panic!("the connection stays open: {error}")
            }
            Ok(_) | Err(_) => bytes,
        }
    }

    #[allow(clippy::disallowed_methods, reason = "how long a slow road takes is what its tests are about")]
    fn time_of(work: impl FnOnce()) -> Duration {
        let start = Instant::now();
        work();
        start.elapsed()
    }

    #[test]
    fn up_carries_many_requests_of_any_size_over_one_connection() {
        let shop = Shop::open();
        let road = Road::open(shop.address, 1).unwrap();
        let customer = customer(&road);
        for size in [1, 100, BUFFER_BYTES, 1_000_000] {
            let line = "x".repeat(size);
            assert_eq!(ask(&customer, &line).unwrap(), answer_to(&line));
        }
    }

    #[test]
    fn a_half_closed_connection_still_gets_its_answer() {
        let shop = Shop::open();
        let road = Road::open(shop.address, 1).unwrap();
        let customer = customer(&road);
        write(&customer, b"last\n").unwrap();
        customer.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(&customer), b"<last>\n");
    }

    #[test]
    fn down_refuses_connects_and_cuts_what_stood_and_up_serves_the_same_address_again() {
        let shop = Shop::open();
        let road = Road::open(shop.address, 1).unwrap();
        for round in 0..50 {
            let customer = customer(&road);
            assert_eq!(ask(&customer, "a").unwrap(), "<a>\n", "round {round}");
            road.set(Condition::Down).unwrap();
            assert_eq!(rest(&customer), b"");
            for _ in 0..5 {
                let refusal = TcpStream::connect(road.address()).expect_err("refused");
                assert_eq!(refusal.kind(), io::ErrorKind::ConnectionRefused);
            }
            road.set(Condition::Up).unwrap();
        }
    }

    #[test]
    fn a_closed_scale_unit_closes_the_connection() {
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let road = Road::open(gone, 1).unwrap();
        assert_eq!(rest(&customer(&road)), b"");
    }

    #[test]
    fn hang_holds_back_for_good_the_answer_that_was_on_its_way() {
        let (shop, permits) = Shop::patient();
        let road = Road::open(shop.address, 1).unwrap();
        let customer = customer(&road);
        write(&customer, b"sale\n").unwrap();
        assert_eq!(shop.hears(), "sale");
        road.set(Condition::Hang).unwrap();
        permits.send(()).unwrap();
        customer.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let silence = (&customer).read(&mut [0; 1]).expect_err("silence");
        assert!([io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&silence.kind()), "{silence}");
        road.set(Condition::Up).unwrap();
        customer.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(rest(&customer), b"");
    }

    #[test]
    fn hang_accepts_and_swallows_and_leaving_it_closes_what_hung() {
        let shop = Shop::open();
        let road = Road::open(shop.address, 1).unwrap();
        let standing = customer(&road);
        assert_eq!(ask(&standing, "before").unwrap(), "<before>\n");
        assert_eq!(shop.hears(), "before");
        road.set(Condition::Hang).unwrap();
        let new = customer(&road);
        for stream in [&standing, &new] {
            write(stream, b"meanwhile\n").unwrap();
        }
        // More than the sockets' buffers hold: somebody must be swallowing it.
        write(&new, &vec![b'x'; 20_000_000]).unwrap();
        road.set(Condition::Slow(Duration::ZERO)).unwrap();
        for stream in [&standing, &new] {
            assert_eq!(rest(stream), b"");
        }
        assert_eq!(ask(&customer(&road), "after").unwrap(), "<after>\n");
        assert_eq!(shop.hears(), "after");
    }

    #[test]
    fn hang_hides_that_the_scale_unit_has_gone() {
        let (shop, permits) = Shop::patient();
        let road = Road::open(shop.address, 1).unwrap();
        let customer = customer(&road);
        write(&customer, b"sale\n").unwrap();
        assert_eq!(shop.hears(), "sale");
        road.set(Condition::Hang).unwrap();
        drop(permits);
        customer.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!((&customer).read(&mut [0; 1]).is_err());
    }

    #[test]
    fn slow_delays_each_answer_once_however_many_pieces_it_has() {
        let delay = Duration::from_millis(150);
        let shop = Shop::open();
        let road = Road::open(shop.address, 1).unwrap();
        let customer = customer(&road);
        ask(&customer, "quick").unwrap();
        road.set(Condition::Slow(delay)).unwrap();
        let took = time_of(|| {
            for line in ["one answer", "another answer"] {
                assert_eq!(ask(&customer, line).unwrap(), answer_to(line));
            }
        });
        assert!((2 * delay..2 * delay * u32::try_from(PIECES).unwrap()).contains(&took), "{took:?}");
    }

    #[test]
    fn leaving_slow_releases_the_waiting_answer_or_loses_it_as_the_new_condition_says() {
        for (condition, expected) in [(Condition::Up, &b"<sale>\n"[..]), (Condition::Half, b"<sa"), (Condition::Down, b"")] {
            let shop = Shop::open();
            let road = Road::open(shop.address, 1).unwrap();
            road.set(Condition::Slow(Duration::MAX)).unwrap();
            let customer = customer(&road);
            write(&customer, b"sale\n").unwrap();
            assert_eq!(shop.hears(), "sale");
            road.set(condition).unwrap();
            customer.shutdown(Shutdown::Write).ok();
            assert_eq!(rest(&customer), expected, "{condition:?}");
        }
    }

    /// For each of 60 requests: did it reach the shop, was it answered?
    fn fates_under(percent: u8, seed: u64) -> Vec<(bool, bool)> {
        let shop = Shop::open();
        let road = Road::open(shop.address, seed).unwrap();
        road.set(Condition::Drop { percent }).unwrap();
        let mut stream = customer(&road);
        let fate = |request: usize| {
            let answered = ask(&stream, &request.to_string()).is_ok();
            if !answered {
                stream = customer(&road);
            }
            answered
        };
        let answered: Vec<bool> = (0..60).map(fate).collect();
        // A last request that passes comes after all that the shop has heard.
        road.set(Condition::Up).unwrap();
        ask(&customer(&road), "end").unwrap();
        let heard: Vec<String> = std::iter::from_fn(|| Some(shop.hears())).take_while(|line| line != "end").collect();
        answered.into_iter().enumerate().map(|(request, answered)| (heard.contains(&request.to_string()), answered)).collect()
    }

    #[test]
    fn drop_loses_requests_before_the_scale_unit_and_answers_behind_it() {
        assert_eq!(fates_under(0, 7), vec![(true, true); 60]);
        let certain = fates_under(100, 7);
        assert!(certain.iter().all(|(_, answered)| !answered), "{certain:?}");
        assert!(certain.iter().any(|(heard, _)| *heard) && certain.iter().any(|(heard, _)| !*heard), "{certain:?}");
        let some = fates_under(30, 7);
        for fate in [(true, true), (true, false), (false, false)] {
            assert!(some.contains(&fate), "{fate:?} in {some:?}");
        }
    }

    #[test]
    fn drop_hits_the_same_requests_with_the_same_seed() {
        assert_eq!(fates_under(30, 11), fates_under(30, 11));
        assert_ne!(fates_under(30, 11), fates_under(30, 12));
    }

    #[test]
    fn garbage_is_as_long_as_the_answer_and_another() {
        let shop = Shop::open();
        let road = Road::open(shop.address, 3).unwrap();
        let customer = customer(&road);
        ask(&customer, "before").unwrap();
        road.set(Condition::Garbage).unwrap();
        let line = "x".repeat(5_000);
        write(&customer, format!("{line}\n").as_bytes()).unwrap();
        let garbage = rest(&customer);
        assert_eq!(garbage.len(), answer_to(&line).len());
        assert!(!garbage.windows(4).any(|bytes| bytes == b"xxxx"));
    }

    #[test]
    fn half_gives_the_first_half_of_the_whole_answer() {
        let shop = Shop::open();
        let road = Road::open(shop.address, 3).unwrap();
        road.set(Condition::Half).unwrap();
        let customer = customer(&road);
        write(&customer, b"0123456789abc\n").unwrap();
        assert_eq!(rest(&customer), b"<0123456");
    }

    #[test]
    fn connections_above_the_limit_are_closed_at_once_and_places_become_free_again() {
        let shop = Shop::open();
        let road = Road::open(shop.address, 3).unwrap();
        // On a hung road no connection needs a second socket, which keeps the test below the usual limit of file handles.
        road.set(Condition::Hang).unwrap();
        let customers: Vec<TcpStream> = (0..CONNECTIONS_MAX).map(|_| customer(&road)).collect();
        assert_eq!(rest(&customer(&road)), b"");
        road.set(Condition::Up).unwrap();
        for stream in &customers {
            assert_eq!(rest(stream), b"");
        }
        drop(customers);
        assert!((0..1_000).any(|_| ask(&customer(&road), "a").is_ok()));
    }

    #[test]
    fn dropping_the_road_closes_everything_and_ends_its_threads() {
        for condition in [Condition::Up, Condition::Hang, Condition::Slow(Duration::MAX), Condition::Down] {
            let shop = Shop::open();
            let road = Road::open(shop.address, 3).unwrap();
            let (standing, address) = (customer(&road), road.address());
            ask(&standing, "before").unwrap();
            road.set(condition).unwrap();
            // On a road that is down the write fails; on the others the request may be anywhere when the road is dropped.
            let _ = write(&standing, b"sale\n");
            let traffic = Arc::downgrade(&road.traffic);
            drop(road);
            let answer = rest(&standing);
            assert!(condition == Condition::Up || answer.is_empty(), "{condition:?}");
            assert!(TcpStream::connect(address).is_err());
            assert!(condition == Condition::Down || traffic.upgrade().is_none(), "{condition:?}: a thread still holds the traffic");
        }
    }

    fn any_condition() -> impl Strategy<Value = Condition> {
        prop_oneof![
            Just(Condition::Up),
            Just(Condition::Down),
            Just(Condition::Hang),
            (0_u64..5).prop_map(|delay| Condition::Slow(Duration::from_millis(delay))),
            any::<u8>().prop_map(|percent| Condition::Drop { percent }),
            Just(Condition::Garbage),
            Just(Condition::Half),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn whatever_happened_before_a_road_that_is_up_serves(
            conditions in prop::collection::vec(any_condition(), 0..12),
            seed: u64,
        ) {
            let shop = Shop::open();
            let road = Road::open(shop.address, seed).unwrap();
            for condition in conditions {
                road.set(condition).unwrap();
                prop_assert_eq!(road.condition(), condition);
                if let Ok(stream) = TcpStream::connect(road.address()) {
                    prop_assert!(condition != Condition::Down);
                    write(&stream, b"meanwhile\n").ok();
                }
            }
            road.set(Condition::Up).unwrap();
            prop_assert_eq!(ask(&customer(&road), "after").unwrap(), "<after>\n");
        }
    }
}
