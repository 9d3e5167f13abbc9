//! What a register makes of whatever answers at its scale unit's address, and how it fetches its offline database.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use evertill::channel::http::HttpChannel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ChannelError, ErrorKind, Refusal, Upload};
use evertill::connection::Failure;
use evertill::retail::staff::Pin;
use evertill::scale_unit::ScaleUnit;
use fixture::{sale, shop};

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
        (with_body("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n", "<html>"), broken, "no scale unit"),
        (with_body("HTTP/1.1 200 OK\r\nevertill-protocol: 1\r\ncontent-type: text/html\r\n", "<html>"), broken, "text/html"),
        (with_body(&OK.replace("protocol: 1", "protocol: 2"), "{\"version\":1}"), broken, "speaks protocol 2, this register 1"),
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
        let error = HttpChannel::new(&url).unwrap().ping().unwrap_err();
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
    let database = || Arc::new(SqliteChannel::open(&folder.path().join("channel.db")).unwrap());
    let unit = ScaleUnit::start("127.0.0.1:0".parse().unwrap(), database()).unwrap();
    let address = unit.address();
    let channel = HttpChannel::new(&format!("http://{address}")).unwrap();
    assert_eq!(channel.ping(), Ok(()));
    unit.stop();
    assert!(matches!(channel.ping().unwrap_err().kind, ErrorKind::Unreachable(_)));
    let _unit = ScaleUnit::start(address, database()).unwrap();
    assert_eq!(channel.ping(), Ok(()), "the first request after a restart succeeds");
}

#[test]
fn the_offline_database_is_fetched_when_there_is_a_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let database = Arc::new(SqliteChannel::open(&folder.path().join("channel.db")).unwrap());
    database.load(&shop()).unwrap();
    let unit = ScaleUnit::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&database)).unwrap();
    let channel = HttpChannel::new(&format!("http://{}", unit.address())).unwrap();
    let to = folder.path().join("register").join("offline.db");
    assert_eq!(channel.download_offline_database(None, &to).unwrap_err().kind, ErrorKind::Broken, "there is no such folder");
    std::fs::create_dir(to.parent().unwrap()).unwrap();

    assert_eq!(channel.download_offline_database(None, &to), Ok(Some(1)));
    let old = SqliteChannel::open_read_only(&to).unwrap();
    assert_eq!(old.product_by_barcode("BOX-12"), database.product_by_barcode("BOX-12"));
    assert_eq!(channel.download_offline_database(Some(1), &to), Ok(None));

    database.load(&shop()).unwrap();
    std::fs::write(folder.path().join("register/offline.db-wal"), "left by a writer").unwrap();
    assert_eq!(channel.download_offline_database(Some(1), &to), Ok(Some(2)));
    assert_eq!(SqliteChannel::open_read_only(&to).unwrap().data_version(), Ok(2));
    assert_eq!(old.data_version(), Ok(1), "whoever reads the old one goes on");
    assert_eq!(files(to.parent().unwrap()), ["offline.db"]);
}

#[test]
fn a_bad_download_leaves_the_old_database() {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    channel.load(&shop()).unwrap();
    let exported = folder.path().join("exported.db");
    channel.export_master_data(&exported).unwrap();
    let exported = std::fs::read(exported).unwrap();
    let packed = zstd::encode_all(exported.as_slice(), 3).unwrap();
    let bomb = zstd::encode_all(std::io::repeat(0).take(256 << 20), 3).unwrap();
    let other = zstd::encode_all(&b"no database"[..], 3).unwrap();
    let mut damaged = exported.clone();
    damaged[exported.len() / 2..exported.len() / 2 + 4_096].fill(0xA5);
    let damaged = zstd::encode_all(damaged.as_slice(), 3).unwrap();

    let to = folder.path().join("register").join("offline.db");
    std::fs::create_dir(to.parent().unwrap()).unwrap();
    std::fs::write(&to, "the old one").unwrap();
    for (version, body, length, kind, words) in [
        ("\"1\"", &packed, packed.len() + 1, ErrorKind::Unreachable(Failure::Cut), ""),
        ("\"1\"", &packed[..packed.len() - 9].to_vec(), packed.len() - 9, ErrorKind::Broken, "cannot be unpacked"),
        ("\"2\"", &packed, packed.len(), ErrorKind::Broken, "it has version 1, expected 2"),
        ("one", &packed, packed.len(), ErrorKind::Broken, "names no version"),
        ("\"1\"", &bomb, bomb.len(), ErrorKind::Broken, "too large"),
        ("\"1\"", &other, other.len(), ErrorKind::Broken, "cannot be used"),
        ("\"1\"", &damaged, damaged.len(), ErrorKind::Broken, ""),
        ("\"1\"", &exported, exported.len(), ErrorKind::Broken, "cannot be unpacked"),
    ] {
        let head = "HTTP/1.1 200 OK\r\nevertill-protocol: 1\r\ncontent-type: application/zstd\r\n";
        let mut answer = format!("{head}etag: {version}\r\ncontent-length: {length}\r\n\r\n").into_bytes();
        answer.extend_from_slice(body);
        let error = answered_with(&answer, |channel| channel.download_offline_database(None, &to)).unwrap_err();
        assert_eq!(error.kind, kind, "{words}: {error}");
        assert!(error.detail.contains(words), "{words}: {error}");
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "the old one");
        assert_eq!(files(to.parent().unwrap()), ["offline.db"], "{words}");
    }
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

fn files(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
