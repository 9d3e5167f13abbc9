//! The scale unit as whoever sends it requests sees it: good ones, garbage, and what it says about itself.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/device.rs"]
mod device;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/raw_http.rs"]
mod raw_http;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use evertill::channel::sqlite::SqliteChannel;
use evertill::clock::{SharedClock, SystemClock};
use evertill::protocol::{ProblemKind, routes};
use evertill::scale_unit::ScaleUnit;
use fixture::{sale, shop};
use proptest::prelude::*;
use raw_http::{Answer, send};
use tempfile::TempDir;

#[test]
fn every_refusal_is_a_problem_detail() {
    let shop = Shop::open();
    let sale = sale(1, 1);
    let (id, text) = (sale.id, sale.canonical());
    let other_content = text.replace("\"offline\":false", "\"offline\":true");
    let long = "x".repeat(2_097_153);
    assert_eq!(shop.exchange("PUT", &format!("/v1/transactions/{id}"), "", &text).status, 201);
    assert_eq!(shop.exchange("PUT", &format!("/v1/transactions/{id}"), "", &text).status, 200);
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
        ("GET", "/v1/register", "", "", 404, ProblemKind::NotFound),
        ("GET", "/v1/packages?after=x", "", "", 400, ProblemKind::Invalid),
        ("GET", "/v1/packages/x/file", "", "", 400, ProblemKind::Invalid),
        ("GET", "/v1/gift-cards/1", "", "", 503, ProblemKind::HeadquartersAway),
        ("POST", "/v1/devices/deactivate", "", "", 503, ProblemKind::HeadquartersAway),
        ("POST", "/v1/packages/report", json, "{}", 422, ProblemKind::Invalid),
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
        let answer = shop.exchange(method, path, headers, body);
        assert_eq!(answer.header("evertill-protocol"), Some("1"), "{method} {path}");
        let problem = answer.problem();
        assert_eq!((answer.status, problem.status, problem.kind), (status, status, kind), "{method} {path}: {problem:?}");
        assert_eq!(problem.type_uri, "about:blank");
        assert!(!problem.title.is_empty());
    }
}

#[test]
fn the_description_lists_every_route_and_its_problems() {
    let shop = Shop::open();
    let description: serde_json::Value = serde_json::from_str(&shop.exchange("GET", routes::OPENAPI, "", "").body).unwrap();
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
    let unit = device::serve(Arc::clone(&channel) as _, folder.path());
    assert_eq!(exchange(&unit, "GET", "/health", "", "").status, 200);
    let ready = exchange(&unit, "GET", "/ready", "", "");
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("no master data have been loaded yet"), "{}", ready.body);
    channel.load(&shop()).unwrap();
    assert_eq!(exchange(&unit, "GET", "/ready", "", "").status, 200);
    let metrics = exchange(&unit, "GET", "/metrics", "", "").body;
    assert!(metrics.contains("evertill_request_duration_seconds_count{route=\"/ready\",status=\"503\"} 1\n"), "{metrics}");
}

#[test]
fn it_stops_soon_although_connections_are_open() {
    let Shop { _folder, unit, .. } = Shop::open();
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
    let shop = Shop::open();
    let garbage = garbage(&shop.headers);
    proptest!(ProptestConfig::with_cases(128), |(bytes in garbage)| {
        let answer = send(shop.unit.address(), &bytes);
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
        prop_assert!(status.is_none_or(|status: u16| status < 500), "{:?} answered {:?}", String::from_utf8_lossy(&bytes), status);
    });
    assert_eq!(shop.exchange("GET", "/ready", "", "").status, 200, "it serves on");
    let metrics = shop.exchange("GET", "/metrics", "", "").body;
    assert!(!metrics.contains("status=\"5"), "{metrics}");
}

/// Bytes of any sort, and requests that are nearly good.
fn garbage(headers: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let headers = headers.to_owned();
    let path = prop_oneof![
        Just("/v1/products/by-code?code=".to_owned()),
        Just("/v1/products?limit=10&offset=0&text=".to_owned()),
        Just("/v1/products/".to_owned()),
        Just("/v1/store/".to_owned()),
        Just("/v1/transactions/".to_owned()),
        Just("/v1/packages?after=".to_owned()),
        Just("/v1/packages/1".to_owned()),
        Just("/v1/sessions/resume".to_owned()),
        Just("/v1/unlock".to_owned()),
        Just("/".to_owned()),
    ];
    let method = prop_oneof![Just("GET"), Just("PUT"), Just("POST"), Just("OPTIONS"), Just("get")];
    let request = (method, path, "[!-~]{0,40}", "\\PC{0,80}").prop_map(move |(method, path, rest, body)| {
        let length = body.len();
        format!("{method} {path}{rest} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..300), request]
}

/// A scale unit, and register 1's device with a session.
struct Shop {
    _folder: TempDir,
    unit: ScaleUnit,
    headers: String,
}

impl Shop {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let channel = Arc::new(SqliteChannel::open(&folder.path().join("channel.db")).unwrap());
        channel.load(&shop()).unwrap();
        let device = device::activate(&*channel, 1);
        let clock: SharedClock = Arc::new(SystemClock::default());
        let session = device.session("000160", &*channel, &clock);
        let headers = device.headers_in(&session);
        let unit = device::serve(channel, folder.path());
        Self { _folder: folder, unit, headers }
    }

    /// One request of the device's.
    fn exchange(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        exchange(&self.unit, method, path, &format!("{}{headers}", self.headers), body)
    }
}

fn exchange(unit: &ScaleUnit, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    raw_http::exchange(unit.address(), method, path, headers, body)
}
