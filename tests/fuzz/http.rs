//! Bytes on the wire: requests to the servers, and answers to those who ask them.

use std::cell::{OnceCell, RefCell};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use evertill::channel::http::HttpChannel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ChannelDatabase, Device, DeviceStatus, ErrorKind, ProductSearch, Session, Upload};
use evertill::clock::{Clock, SharedClock, SystemClock};
use evertill::headquarters::Headquarters;
use evertill::headquarters::server::HeadquartersServer;
use evertill::ids::RegisterId;
use evertill::package::Source;
use evertill::realtime::{Activation, Headquarters as _};
use evertill::retail::register::Numbers;
use evertill::retail::staff::Pin;
use evertill::scale_unit::{HttpHeadquarters, Options, ScaleUnit, Shelf};
use evertill::secret::Secret;

use super::fixture;

/// What stands in an input for the secrets, which a fuzzer does not guess.
const DEVICE: (&str, &str) = ("{device}", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
const SESSION: (&str, &str) = ("{session}", "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210");
/// How long a server may take for an answer; it is in the same process, and busy with nothing else.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Inputs that one server is given.
const INPUTS_MAX: u32 = 5_000;
/// How long it may take until it is left with what it has been sent.
const MORE_WAIT: Duration = Duration::from_millis(20);
/// Bytes read of an answer at most.
const ANSWER_MAX: u64 = 8 << 20;

/// A scale unit with a device and a session, or headquarters with a scale unit.
struct Served {
    address: SocketAddr,
    token: String,
    folder: tempfile::TempDir,
    unit: Option<(Arc<SqliteChannel>, ScaleUnit)>,
    _headquarters: Option<HeadquartersServer>,
}

/// A server that begins anew after so many inputs: what it sets aside it keeps, until it takes no more.
struct Running {
    served: Option<Served>,
    inputs: u32,
}

impl Running {
    fn serve(&mut self, begin: impl FnOnce() -> Served) -> &Served {
        self.inputs += 1;
        if self.inputs.is_multiple_of(INPUTS_MAX) {
            self.served = None;
        }
        self.served.get_or_insert_with(begin)
    }
}

thread_local! {
    static UNIT: RefCell<Running> = const { RefCell::new(Running { served: None, inputs: 0 }) };
    static HEADQUARTERS: RefCell<Running> = const { RefCell::new(Running { served: None, inputs: 0 }) };
    static IMPOSTOR: OnceCell<Impostor> = const { OnceCell::new() };
}

/// A request to a scale unit; see [`asked`].
pub(super) fn requests(bytes: &[u8]) {
    UNIT.with_borrow_mut(|unit| {
        let unit = unit.serve(scale_unit);
        if let Some((channel, _)) = &unit.unit {
            enrol(channel);
        }
        asked(unit, bytes);
    });
}

/// A request to headquarters; see [`asked`].
pub(super) fn headquarters_requests(bytes: &[u8]) {
    HEADQUARTERS.with_borrow_mut(|headquarters| asked(headquarters.serve(office), bytes));
}

/// Without a NUL in front a head, an empty line and a body, whose length is told rightly: it is answered, and not with a failure of the
/// server. With one, bytes as they are. Either way the server is well afterwards.
fn asked(served: &Served, bytes: &[u8]) {
    assert!(served.folder.path().exists());
    if let Some(raw) = bytes.strip_prefix(&[0]) {
        let _ = exchange(served.address, &filled_in(raw, served), End::OfAll);
    } else {
        let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
        let body = filled_in(bytes.get(end + 2..).unwrap_or_default(), served);
        if let Some(head) = head(&filled_in(&bytes[..end], served), body.len()) {
            let answer = exchange(served.address, &[head.as_slice(), &body].concat(), End::OfRequest);
            let status = status(&answer);
            let shown = String::from_utf8_lossy(&answer[..answer.len().min(400)]);
            assert!(matches!(status, Some(200..=499 | 503)), "{} is answered with {shown}", String::from_utf8_lossy(&head));
        }
    }
    let health = exchange(served.address, b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", End::OfRequest);
    assert_eq!(status(&health), Some(200), "the server is well");
}

fn filled_in(bytes: &[u8], served: &Served) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    text.replace(DEVICE.0, &served.token).replace(SESSION.0, SESSION.1).into_bytes()
}

/// A head whose end and body are where they seem to be: what changes that is for raw bytes.
fn head(lines: &[u8], body_length: usize) -> Option<Vec<u8>> {
    let mut lines = lines.split(|byte| *byte == b'\n');
    let first = lines.next()?.strip_suffix(b" HTTP/1.1").unwrap_or_default();
    let mut head = [first, b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"].concat();
    for line in lines {
        let name = line.split(|byte| *byte == b':').next()?.to_ascii_lowercase();
        if !["content-length", "transfer-encoding", "expect", "connection", "upgrade"].iter().any(|kept| *kept.as_bytes() == name) {
            head.extend([line, b"\r\n"].concat());
        }
    }
    head.extend(format!("content-length: {body_length}\r\n\r\n").into_bytes());
    Some(head)
}

/// What the last of the bytes sent is the end of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// A request that says that the connection ends with its answer.
    OfRequest,
    /// Whatever was to be sent.
    OfAll,
}

/// Sends and reads until the other side has said all.
fn exchange(address: SocketAddr, bytes: &[u8], end: End) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(ANSWER_WAIT)).expect("a time-out");
    stream.set_write_timeout(Some(ANSWER_WAIT)).expect("a time-out");
    // A server that refuses the head may close before it has read the body.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    if end == End::OfAll {
        // The server may answer and wait for more, or wait for the rest.
        stream.set_read_timeout(Some(MORE_WAIT)).expect("a time-out");
        let _ = (&stream).take(ANSWER_MAX).read_to_end(&mut answer);
        stream.set_read_timeout(Some(ANSWER_WAIT)).expect("a time-out");
        let _ = stream.shutdown(Shutdown::Write);
    }
    let _ = stream.take(ANSWER_MAX).read_to_end(&mut answer);
    answer
}

fn status(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()?.parse().ok()
}

fn scale_unit() -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let channel = Arc::new(SqliteChannel::open(&folder.path().join("channel.db")).expect("a channel database"));
    channel.load(&fixture::shop()).expect("master data");
    let shelf = Arc::new(Shelf::open(&folder.path().join("packages")).expect("a shelf"));
    let clock: SharedClock = Arc::new(SystemClock::default());
    let served = Arc::clone(&channel) as Arc<dyn ChannelDatabase>;
    let options = Options { channel: served, headquarters: None, progress: None, shelf, clock, tls: None };
    let unit = ScaleUnit::start("127.0.0.1:0".parse().expect("an address"), options).expect("a scale unit");
    Served { address: unit.address(), token: DEVICE.1.to_owned(), folder, unit: Some((channel, unit)), _headquarters: None }
}

/// The device and its session, whatever an earlier request did to them.
fn enrol(channel: &SqliteChannel) {
    let (token, session) = (Secret::new(DEVICE.1), Secret::new(SESSION.1));
    let register = RegisterId { store: "343".to_owned(), number: 1 };
    let is_active = |device: &Device| device.status == DeviceStatus::Activated;
    if !channel.device(&token.hash()).expect("devices").as_ref().is_some_and(is_active) {
        let (id, token_hash) = ("fuzzed".to_owned(), token.hash());
        channel
            .activate(&Device {
                id,
                register: register.clone(),
                token_hash,
                status: DeviceStatus::Activated,
                numbers: Numbers::default(),
                handed_on: None,
            })
            .expect("a device");
    }
    if channel.session(&session.hash()).expect("sessions").is_none() {
        let expires_at = SystemClock::default().now() + TimeDelta::hours(12);
        let kept = Session { token_hash: session.hash(), operator: "000110".into(), register, expires_at };
        channel.open_session(&kept).expect("a session");
    }
}

fn office() -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let clock: SharedClock = Arc::new(SystemClock::default());
    let url = format!("sqlite:{}", folder.path().join("hq.db").display());
    let headquarters = Headquarters::open(&url, None, Arc::clone(&clock)).expect("headquarters");
    let store = include_str!("../../fixtures/sample-store/store.toml");
    let input = || Ok(Box::new(store.as_bytes()) as Box<dyn Read>);
    headquarters.import("test", "store.toml", &input, None, evertill::import::OnBadRow::Refuse).expect("a store");
    headquarters.run_job("test", 9999, Some("343"), evertill::headquarters::Extent::Full).expect("a package");
    let token = headquarters.add_scale_unit("test", "one", "343").expect("a scale unit").token;
    let server = HeadquartersServer::start("127.0.0.1:0".parse().expect("an address"), &headquarters, clock, None);
    let server = server.expect("headquarters' server");
    Served { address: server.address(), token: token.reveal().to_owned(), folder, unit: None, _headquarters: Some(server) }
}

/// The first byte says which call the rest answers, as it is.
pub(super) fn answers(bytes: &[u8]) {
    let Some((call, answer)) = bytes.split_first() else { return };
    IMPOSTOR.with(|impostor| {
        let impostor = impostor.get_or_init(Impostor::open);
        let register = RegisterId { store: "343".to_owned(), number: 1 };
        let device = || Activation { code: Secret::new("code"), device: "fuzzed".to_owned() };
        let channel = HttpChannel::new(&impostor.url).expect("an address");
        channel.set_device(Some(("fuzzed".to_owned(), Secret::new(DEVICE.1))));
        let headquarters = HttpHeadquarters::new(&impostor.url, None, Secret::new(DEVICE.1)).expect("an address");
        *impostor.answer.lock().expect("no other thread panics") = answer.to_vec();
        let upload = || {
            let sale = fixture::sale(1, 1);
            Upload { id: sale.id, canonical: sale.canonical() }
        };
        let problem = match call % 18 {
            0 => channel.store("343").err(),
            1 => channel.register(&register).err(),
            2 => channel.sign_in(&"000160".into(), &Pin::new(fixture::PIN)).err(),
            3 => channel.product_by_barcode("4011").err(),
            4 => channel.product(&"1001".into()).err(),
            5 => channel.search_products(&ProductSearch { text: "beans".to_owned(), offset: 0, limit: 50 }).err(),
            6 => channel.record(&upload()).err(),
            7 => channel.transaction(&upload().id).err(),
            8 => channel.gift_card("1").err(),
            9 => channel.data_version().err(),
            10 => channel.manifests(0).err(),
            11 => read_file(&channel),
            12 => channel.activate(&device()).err(),
            13 => channel.unlock(&"000160".into(), &"000110".into(), &Pin::new(fixture::PIN)).err(),
            14 => headquarters.activate(&device()).err(),
            15 => headquarters.take(&[upload()]).err(),
            16 => headquarters.manifests(0).err(),
            _ => read_file(&headquarters),
        };
        if let Some(problem) = problem {
            assert!(problem.detail.len() <= 16_384, "{} bytes of words", problem.detail.len());
            assert!(call % 18 < 14 || !matches!(problem.kind, ErrorKind::Unreachable(_)), "headquarters is away, its scale unit is not");
        }
    });
}

/// A package's file, from its middle on.
fn read_file(source: &dyn Source) -> Option<evertill::channel::ChannelError> {
    match source.file(1, 5) {
        Ok(file) => {
            // It may be cut.
            let _ = std::io::copy(&mut file.take(ANSWER_MAX), &mut std::io::sink());
            None
        }
        Err(problem) => Some(problem),
    }
}

/// Answers whatever is asked with the same bytes, one connection after another.
struct Impostor {
    url: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Impostor {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its number"));
        let answer = Arc::new(Mutex::new(Vec::new()));
        let (asked, questions): (Sender<TcpStream>, Receiver<TcpStream>) = channel();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|client| asked.send(client).expect("the other thread lives")));
        std::thread::spawn({
            let answer = Arc::clone(&answer);
            move || {
                for mut client in questions {
                    read_request(&client);
                    let answer = answer.lock().expect("no other thread panics").clone();
                    // The client may have heard enough.
                    let _ = client.write_all(&answer);
                    let _ = client.shutdown(Shutdown::Both);
                }
            }
        });
        Self { url, answer }
    }
}

/// All of a request, so that closing the connection does not reset it.
fn read_request(client: &TcpStream) {
    let _ = client.set_read_timeout(Some(ANSWER_WAIT));
    let mut reader = BufReader::new(client);
    let (mut line, mut length) = (String::new(), 0_u64);
    while matches!(reader.read_line(&mut line), Ok(1..)) && line != "\r\n" {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let _ = std::io::copy(&mut reader.take(length), &mut std::io::sink());
}
