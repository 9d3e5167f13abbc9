//! The scale unit as whoever sends it requests sees it: good ones, garbage, and what it says about itself.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evertill::channel::sqlite::SqliteChannel;
use evertill::protocol::{Problem, ProblemKind, routes};
use evertill::scale_unit::ScaleUnit;
use fixture::{sale, shop};
use proptest::prelude::*;
use tempfile::TempDir;

#[test]
fn every_refusal_is_a_problem_detail() {
    let (_folder, unit) = unit();
    let sale = sale(1, 1);
    let (id, text) = (sale.id, sale.canonical());
    let other_content = text.replace("\"offline\":false", "\"offline\":true");
    let long = "x".repeat(2 << 20);
    assert_eq!(exchange(&unit, "PUT", &format!("/v1/transactions/{id}"), "", &text).status, 201);
    assert_eq!(exchange(&unit, "PUT", &format!("/v1/transactions/{id}"), "", &text).status, 200);
    let transaction = format!("/v1/transactions/{id}");
    let json = "content-type: application/json\r\n";
    for (method, path, headers, body, status, kind) in [
        ("GET", "/", "", "", 404, ProblemKind::Unsupported),
        ("GET", "/v1/nothing", "", "", 404, ProblemKind::Unsupported),
        ("GET", "/v1/products/%zz%ff", "", "", 400, ProblemKind::Invalid),
        ("DELETE", "/v1/products", "", "", 405, ProblemKind::Unsupported),
        ("POST", "/v1/data-version", "", "", 405, ProblemKind::Unsupported),
        ("BREW", "/v1/store/343", "", "", 405, ProblemKind::Unsupported),
        ("GET", "/v1/store/344", "", "", 404, ProblemKind::NotFound),
        ("GET", "/v1/products/9999", "", "", 404, ProblemKind::NotFound),
        ("GET", "/v1/products/by-code?code=9999", "", "", 404, ProblemKind::NotFound),
        ("GET", "/v1/products/by-code", "", "", 400, ProblemKind::Invalid),
        ("GET", "/v1/products?text=a&offset=-1&limit=1", "", "", 400, ProblemKind::Invalid),
        ("GET", "/v1/products?text=a&offset=0&limit=201", "", "", 422, ProblemKind::Invalid),
        ("GET", "/v1/transactions/one", "", "", 400, ProblemKind::Invalid),
        ("GET", "/v1/transactions/018bcfe5-6800-7000-8000-000000000000", "", "", 404, ProblemKind::NotFound),
        ("PUT", "/v1/transactions/one", "", &text, 400, ProblemKind::Invalid),
        ("PUT", &transaction, "", &other_content, 409, ProblemKind::Conflict),
        ("PUT", &transaction, "", "{}", 422, ProblemKind::Invalid),
        ("PUT", &transaction, "", &long, 413, ProblemKind::Invalid),
        ("POST", "/v1/sign-in", json, "{\"operator\":\"000160\",\"pin\":\"9\"}", 403, ProblemKind::Credentials),
        ("POST", "/v1/sign-in", json, "{\"operator\":\"nobody\",\"pin\":\"9\"}", 403, ProblemKind::Credentials),
        ("POST", "/v1/sign-in", json, "{\"pin\":9}", 422, ProblemKind::Invalid),
        ("POST", "/v1/sign-in", json, "not JSON", 400, ProblemKind::Invalid),
        ("POST", "/v1/sign-in", "", "{}", 415, ProblemKind::Invalid),
        ("POST", "/v1/sign-in", json, &long, 413, ProblemKind::Invalid),
        ("GET", "/v1/data-version", "evertill-protocol: 2\r\n", "", 400, ProblemKind::Unsupported),
    ] {
        let answer = exchange(&unit, method, path, headers, body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
        assert_eq!(answer.header("evertill-protocol"), Some("1"), "{method} {path}");
        let problem: Problem =
            serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{method} {path}: {error}: {}", answer.body));
        assert_eq!((answer.status, problem.status, problem.kind), (status, status, kind), "{method} {path}: {problem:?}");
        assert_eq!(problem.type_uri, "about:blank");
        assert!(!problem.title.is_empty());
    }
}

#[test]
fn a_wrong_pin_is_answered_like_an_unknown_operator_and_never_repeated() {
    let (_folder, unit) = unit();
    let json = "content-type: application/json\r\n";
    let ask = |body: &str| exchange(&unit, "POST", "/v1/sign-in", json, body).body;
    assert_eq!(ask("{\"operator\":\"000160\",\"pin\":\"canary\"}"), ask("{\"operator\":\"nobody\",\"pin\":\"canary\"}"));
    for body in ["{\"operator\":\"000160\",\"pin\":\"canary\"}", "{\"operator\":1,\"pin\":\"canary\"}", "canary", "{\"canary\":\"canary\"}"]
    {
        assert!(!ask(body).contains("canary"), "{body}");
    }
}

#[test]
fn the_access_log_holds_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).init();
    let (_folder, unit) = unit();
    let json = "content-type: application/json\r\n";
    exchange(&unit, "POST", "/v1/sign-in", json, "{\"operator\":\"000160\",\"pin\":\"secret\"}");
    exchange(&unit, "POST", "/v1/sign-in", json, "{\"pin\":\"secret");
    exchange(&unit, "GET", "/v1/products?text=secret&offset=0&limit=1", "authorization: secret\r\n", "");
    unit.stop();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("/v1/sign-in") && log.contains("/v1/products"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn the_description_lists_every_route_and_its_problems() {
    let (_folder, unit) = unit();
    let description: serde_json::Value = serde_json::from_str(&exchange(&unit, "GET", routes::OPENAPI, "", "").body).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let mut described: Vec<&str> = paths.keys().map(String::as_str).collect();
    let mut expected = routes::ALL.to_vec();
    described.sort_unstable();
    expected.sort_unstable();
    assert_eq!(described, expected);
    let outside_v1 = [routes::OPENAPI, routes::HEALTH, routes::METRICS];
    for (path, operations) in paths.iter().filter(|(path, _)| !outside_v1.contains(&path.as_str())) {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation.to_string().contains("application/problem+json"), "{method} {path}");
        }
    }
    let text = description.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(description["components"]["schemas"].get(name).is_some(), "{name} is described");
    }
}

#[test]
fn it_says_whether_it_is_ready_and_counts_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let channel = Arc::new(SqliteChannel::open(&folder.path().join("channel.db")).unwrap());
    let unit = ScaleUnit::start(local(), Arc::clone(&channel)).unwrap();
    assert_eq!(exchange(&unit, "GET", "/health", "", "").status, 200);
    let ready = exchange(&unit, "GET", "/ready", "", "");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("no master data have been loaded yet"), "{}", ready.body);
    assert_eq!(exchange(&unit, "GET", "/v1/offline-database", "", "").status, 404);
    channel.load(&shop()).unwrap();
    assert_eq!(exchange(&unit, "GET", "/ready", "", "").status, 200);
    let metrics = exchange(&unit, "GET", "/metrics", "", "").body;
    assert!(metrics.contains("evertill_request_duration_seconds_count{route=\"/ready\",status=\"503\"} 1\n"), "{metrics}");
}

#[test]
fn the_offline_database_is_sent_once_a_version() {
    let (_folder, unit) = unit();
    let first = exchange(&unit, "GET", "/v1/offline-database", "", "");
    assert_eq!((first.status, first.header("etag"), first.header("content-type")), (200, Some("\"1\""), Some("application/zstd")));
    assert_eq!(exchange(&unit, "GET", "/v1/offline-database", "if-none-match: \"1\"\r\n", "").status, 304);
    assert_eq!(exchange(&unit, "GET", "/v1/offline-database", "if-none-match: \"0\"\r\n", "").status, 200);
}

#[test]
fn it_stops_soon_although_connections_are_open() {
    let (_folder, unit) = unit();
    let address = unit.address();
    let mut idle = TcpStream::connect(address).unwrap();
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"GET /v1/data-ver").unwrap();
    unit.stop();
    idle.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert!(matches!(idle.read(&mut [0]), Ok(0) | Err(_)));
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn garbage_is_never_answered_with_a_failure() {
    let (_folder, unit) = unit();
    proptest!(ProptestConfig::with_cases(128), |(bytes in garbage())| {
        let answer = send(unit.address(), &bytes);
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
        prop_assert!(status.is_none_or(|status: u16| status < 500), "{:?} answered {:?}", String::from_utf8_lossy(&bytes), status);
    });
    assert_eq!(exchange(&unit, "GET", "/ready", "", "").status, 200, "it serves on");
    let metrics = exchange(&unit, "GET", "/metrics", "", "").body;
    assert!(!metrics.contains("status=\"5"), "{metrics}");
}

/// Bytes of any sort, and requests that are nearly good.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let path = prop_oneof![
        Just("/v1/products/by-code?code=".to_owned()),
        Just("/v1/products?limit=10&offset=0&text=".to_owned()),
        Just("/v1/products/".to_owned()),
        Just("/v1/store/".to_owned()),
        Just("/v1/transactions/".to_owned()),
        Just("/".to_owned()),
    ];
    let method = prop_oneof![Just("GET"), Just("PUT"), Just("POST"), Just("OPTIONS"), Just("get")];
    let request = (method, path, "[!-~]{0,40}", "\\PC{0,80}").prop_map(|(method, path, rest, body)| {
        let length = body.len();
        format!("{method} {path}{rest} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), request]
}

fn unit() -> (TempDir, ScaleUnit) {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    channel.load(&shop()).unwrap();
    (folder, ScaleUnit::start(local(), Arc::new(channel)).unwrap())
}

fn local() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// One request on a connection of its own; a body that is not text is lost.
fn exchange(unit: &ScaleUnit, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
    let answer = send(unit.address(), request.as_bytes());
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// Sends as much as is taken, and reads all that comes.
fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut writer = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // The server may have answered and closed before it has read all.
            let written = writer.write_all(bytes);
            if written.is_ok() && !bytes.windows(4).any(|end_of_head| end_of_head == b"\r\n\r\n") {
                let _ = writer.shutdown(Shutdown::Write);
            }
        });
        let mut answer = Vec::new();
        let mut chunk = [0; 4_096];
        while let Ok(read @ 1..) = stream.read(&mut chunk) {
            answer.extend_from_slice(&chunk[..read]);
        }
        answer
    })
}
