//! What a register makes of whatever answers at its scale unit's address, and how it fetches its offline database.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/device.rs"]
mod device;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use evertill::channel::http::HttpChannel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ChannelError, ErrorKind, Refusal, Upload};
use evertill::clock::SystemClock;
use evertill::connection::Failure;
use evertill::package::{Report, Source, Status};
use evertill::retail::staff::Pin;
use evertill::scale_unit::ScaleUnit;
use fixture::sale;

const OK: &str = "HTTP/1.1 200 OK\r\nevertill-protocol: 1\r\ncontent-type: application/json\r\n";
const PROBLEM: &str = "evertill-protocol: 1\r\ncontent-type: application/problem+json\r\n";

#[test]
fn no_answer_is_told_from_a_bad_one() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(1 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(20_000));
    let large = with_body(OK, &format!("{{\"version\":1{}}}", " ".repeat(5 << 20)));
    let problem = |kind: &str| format!("{{\"type\":\"about:blank\",\"title\":\"\",\"status\":0,\"detail\":\"why\",\"kind\":\"{kind}\"}}");
    let cut = ErrorKind::Unreachable(Failure::Cut);
    let garbled = ErrorKind::Unreachable(Failure::Garbled);
    let broken = ErrorKind::Broken;
    for (answer, kind, words) in [
        (String::new(), cut, ""),
        ("HTTP/1.1 200 OK\r\n".to_owned(), cut, ""),
        (format!("{OK}content-length: 100\r\n\r\n{{\"version\":"), cut, ""),
        (format!("{OK}transfer-encoding: chunked\r\n\r\n5\r\n{{\"v"), cut, ""),
        (format!("{OK}transfer-encoding: chunked\r\n\r\nzz\r\n{{\"v"), garbled, ""),
        ("SSH-2.0-OpenSSH_9.9\r\n\r\n".to_owned(), garbled, ""),
        ("\u{15}\u{3}\u{1}\0\u{2}\u{2}P".to_owned(), garbled, ""),
        (endless, garbled, ""),
        (many, garbled, ""),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n".to_owned(), cut, "502"),
        ("HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\n\r\n".to_owned(), cut, "504"),
        (with_body("HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\n", "<html>"), cut, "503"),
        (with_body(&format!("HTTP/1.1 503 Service Unavailable\r\n{PROBLEM}"), &problem("broken")), broken, "why"),
        (with_body("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n", "<html>"), broken, "no server of this program"),
        (with_body("HTTP/1.1 200 OK\r\nevertill-protocol: 1\r\ncontent-type: text/html\r\n", "<html>"), broken, "text/html"),
        (with_body(&OK.replace("protocol: 1", "protocol: 2"), "{\"version\":1}"), broken, "speaks protocol 2, this program 1"),
        (with_body("HTTP/1.1 500 Internal Server Error\r\nevertill-protocol: 1\r\n", ""), broken, "500"),
        (with_body("HTTP/1.1 301 Moved\r\nevertill-protocol: 1\r\nlocation: http://127.0.0.1:1/\r\n", ""), broken, "301"),
        (with_body(OK, "{\"version\":"), broken, "not understood"),
        (with_body(OK, "{\"version\":-1}"), broken, "not understood"),
        (large, broken, "4194304 bytes"),
        (with_body(&format!("HTTP/1.1 404 Not Found\r\n{PROBLEM}"), &problem("device")), ErrorKind::Refused(Refusal::Device), "why"),
        (with_body(&format!("HTTP/1.1 400 Bad Request\r\n{PROBLEM}"), &problem("unsupported")), ErrorKind::Unsupported, "why"),
        (with_body(&format!("HTTP/1.1 500 Internal Server Error\r\n{PROBLEM}"), &problem("broken")), broken, "why"),
        (with_body(&format!("HTTP/1.1 400 Bad Request\r\n{PROBLEM}"), &problem("of tomorrow")), broken, "not understood"),
        (with_body(&format!("HTTP/1.1 400 Bad Request\r\n{PROBLEM}"), "<html>"), broken, "not understood"),
    ] {
        let error = answered_with(&answer, Channel::data_version).unwrap_err();
        assert_eq!(error.kind, kind, "{answer:.100?}: {error}");
        assert!(error.detail.contains(words), "{answer:.100?}: {error}");
    }
    assert_eq!(answered_with(with_body(OK, "{\"version\":1}"), Channel::data_version), Ok(1));
}

#[test]
fn only_a_scale_units_word_says_that_there_is_no_such_product() {
    let not_found = "{\"type\":\"about:blank\",\"title\":\"\",\"status\":404,\"detail\":\"\",\"kind\":\"not_found\"}";
    let ask = |answer: &str| answered_with(answer, |channel| channel.product_by_barcode("1"));
    assert_eq!(ask(&with_body(&format!("HTTP/1.1 404 Not Found\r\n{PROBLEM}"), not_found)), Ok(None));
    for answer in [
        with_body("HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\n", "<html>"),
        with_body("HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\n", not_found),
    ] {
        assert_eq!(ask(&answer).unwrap_err().kind, ErrorKind::Broken, "{answer}");
    }
}

#[test]
fn nobody_and_nowhere_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, failure) in [(format!("http://{free}"), Failure::NobodyListens), ("http://scale-unit.invalid".to_owned(), Failure::NoRoad)] {
        let error = HttpChannel::new(&url).unwrap().data_version().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable(failure), "{url}: {error}");
    }
}

#[test]
fn a_request_names_the_protocol_and_hides_the_pin() {
    let (sent, error) = asked_for(|channel| channel.sign_in(&"000160".into(), &Pin::new("canary")).map(|_| ()));
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/sign-in HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nevertill-protocol: 1\r\n") && !head.contains("canary"), "{head}");
    assert!(body.contains("canary"), "{body}");
    assert!(!error.unwrap_err().to_string().contains("canary"));
}

#[test]
fn an_upload_is_sent_byte_for_byte() {
    let upload = Upload { id: sale(1, 1).id, canonical: sale(1, 1).canonical() };
    let (sent, _) = asked_for(|channel| channel.record(&upload).map(|_| ()));
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("PUT /v1/transactions/{} HTTP/1.1\r\n", upload.id)), "{head}");
    assert_eq!(body, upload.canonical);
}

#[test]
fn a_connection_is_used_again_and_a_closed_one_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let database = Arc::new(SqliteChannel::open(&folder.path().join("channel.db")).unwrap());
    let activated = device::activate(&*database, 1);
    let options = || device::options(Arc::clone(&database) as _, folder.path(), Arc::new(SystemClock::default()));
    let unit = ScaleUnit::start(device::local(), options()).unwrap();
    let address = unit.address();
    let channel = HttpChannel::new(&format!("http://{address}")).unwrap();
    channel.set_device(Some((activated.device, activated.token)));
    assert_eq!(channel.data_version(), Ok(0));
    unit.stop();
    assert!(matches!(channel.data_version().unwrap_err().kind, ErrorKind::Unreachable(_)));
    let _unit = ScaleUnit::start(address, options()).unwrap();
    assert_eq!(channel.data_version(), Ok(0), "the first request after a restart succeeds");
}

#[test]
fn a_packages_file_is_gone_on_with_where_it_was_cut() {
    let (sent, _) = asked_for(|channel| channel.file(7, 4).map(drop));
    assert!(sent.starts_with("GET /v1/packages/7/file HTTP/1.1\r\n") && sent.contains("\r\nrange: bytes=4-\r\n"), "{sent}");
    let answer = |status: &str, kind: &str| {
        format!("HTTP/1.1 {status}\r\nevertill-protocol: 1\r\ncontent-type: {kind}\r\ncontent-length: 4\r\n\r\nrest")
    };
    let read = |channel: &HttpChannel| {
        let mut text = String::new();
        channel.file(7, 4)?.read_to_string(&mut text).map_err(ChannelError::broken)?;
        Ok::<_, ChannelError>(text)
    };
    assert_eq!(answered_with(answer("206 Partial Content", "application/zstd"), read), Ok("rest".to_owned()));
    for (status, kind) in [("200 OK", "application/zstd"), ("206 Partial Content", "text/html")] {
        assert_eq!(answered_with(answer(status, kind), read).unwrap_err().kind, ErrorKind::Broken, "{status} {kind}");
    }
}

#[test]
fn what_became_of_a_package_is_told() {
    let at = "2026-11-22T10:42:00Z".parse().unwrap();
    let report = Report { package: 7, register: None, status: Status::Applied, reason: String::new(), at };
    let (sent, _) = asked_for(|channel| channel.report_package(&report));
    assert!(sent.starts_with("POST /v1/packages/report HTTP/1.1\r\n") && sent.contains("\"status\":\"applied\""), "{sent}");
}

/// What is made of an answer, whatever was asked.
fn answered_with<T>(answer: impl AsRef<[u8]> + Sync, ask: impl FnOnce(&HttpChannel) -> T) -> T {
    with_listener(ask, |stream| {
        read_request(stream);
        // The register may have heard enough before all is said.
        let _ = stream.write_all(answer.as_ref());
    })
    .1
}

/// What is sent, and what is made of no answer.
fn asked_for(ask: impl FnOnce(&HttpChannel) -> Result<(), ChannelError>) -> (String, Result<(), ChannelError>) {
    with_listener(ask, read_request)
}

/// One connection to a listener that then goes away.
fn with_listener<T, S: Send>(ask: impl FnOnce(&HttpChannel) -> T, serve: impl FnOnce(&mut TcpStream) -> S + Send) -> (S, T) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let channel = HttpChannel::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    std::thread::scope(|scope| {
        let server = scope.spawn(move || serve(&mut listener.accept().unwrap().0));
        let made_of_it = ask(&channel);
        (server.join().unwrap(), made_of_it)
    })
}

fn read_request(stream: &mut TcpStream) -> String {
    let (mut request, mut chunk) = (Vec::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut chunk).unwrap();
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return text;
        }
    }
}

fn with_body(head: &str, body: &str) -> String {
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}
