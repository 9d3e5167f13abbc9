//! What a scale unit lets whom do, and what it says about it: devices, sessions, locks, activation, packages, and its log.

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

#[path = "security/activation.rs"]
mod activation;
#[path = "security/flood.rs"]
mod flood;
#[path = "security/lock.rs"]
mod lock;
#[path = "security/packages.rs"]
mod packages;
#[path = "security/people.rs"]
mod people;
#[path = "security/records.rs"]
mod records;
#[path = "security/words.rs"]
mod words;

use std::sync::Arc;

use device::Activated;
use evertill::channel::ChannelDatabase;
use evertill::channel::sqlite::SqliteChannel;
use evertill::clock::{Clock, SharedClock, VirtualClock};
use evertill::ids::RegisterId;
use evertill::master_data::{MasterData, Record};
use evertill::protocol::{Problem, ProblemKind};
use evertill::realtime::Headquarters;
use evertill::retail::register::{Numbers, RegisterSetup};
use evertill::scale_unit::{Options, ScaleUnit, Shelf};
use evertill::secret::Secret;
use raw_http::{Answer, exchange};
use tempfile::TempDir;

const JSON: &str = "content-type: application/json\r\n";

/// A scale unit whose clock stands until it is told to go on, with two registers' devices.
struct Shop {
    folder: TempDir,
    channel: Arc<SqliteChannel>,
    clock: Arc<VirtualClock>,
    headquarters: Option<Arc<dyn Headquarters>>,
    shelf: Arc<Shelf>,
    unit: Option<ScaleUnit>,
    one: Activated,
    two: Activated,
}

impl Shop {
    fn open() -> Self {
        Self::with(None)
    }

    fn with(headquarters: Option<Arc<dyn Headquarters>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let channel = Arc::new(SqliteChannel::open(&folder.path().join("channel.db")).unwrap());
        channel.load(&shop()).unwrap();
        let clock = Arc::new(VirtualClock::at(chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap()));
        let (one, two) = (device::activate(&*channel, 1), device::activate(&*channel, 2));
        let shelf = Arc::new(Shelf::open(&folder.path().join("packages")).unwrap());
        let mut shop = Self { folder, shelf, channel, clock, headquarters, unit: None, one, two };
        shop.restart();
        shop
    }

    /// Ends the scale unit and starts another over the same database.
    fn restart(&mut self) {
        self.unit = None;
        let options = self.options();
        self.unit = Some(ScaleUnit::start(device::local(), options).unwrap());
    }

    fn options(&self) -> Options {
        let channel = Arc::clone(&self.channel) as _;
        let (headquarters, shelf) = (self.headquarters.clone(), Arc::clone(&self.shelf));
        Options { channel, headquarters, progress: None, shelf, clock: self.clock(), tls: None }
    }

    fn clock(&self) -> SharedClock {
        Arc::clone(&self.clock) as _
    }

    fn minutes_pass(&self, minutes: u64) {
        self.clock.sleep(std::time::Duration::from_mins(minutes));
    }

    fn session(&self, device: &Activated, operator: &str) -> Secret {
        device.session(operator, &*self.channel, &self.clock())
    }

    fn exchange(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        exchange(self.unit.as_ref().unwrap().address(), method, path, headers, body)
    }

    /// Asks something that needs a device alone.
    fn ask(&self, headers: &str) -> Answer {
        self.exchange("GET", "/v1/data-version", headers, "")
    }

    /// Asks something that needs a person.
    fn look_up(&self, headers: &str) -> Answer {
        self.exchange("GET", "/v1/products/1001", headers, "")
    }

    fn sign_in(&self, device: &Activated, operator: &str, pin: &str) -> Answer {
        let body = serde_json::json!({ "operator": operator, "pin": pin }).to_string();
        self.exchange("POST", "/v1/sign-in", &format!("{}{JSON}", device.headers()), &body)
    }

    fn unlock(&self, operator: &str, manager: &str, pin: &str) -> Answer {
        let body = serde_json::json!({ "operator": operator, "manager": { "operator": manager, "pin": pin } }).to_string();
        self.exchange("POST", "/v1/unlock", &format!("{}{JSON}", self.one.headers()), &body)
    }
}

/// The shop of the channel tests, with its registers: the second works online only.
fn shop() -> MasterData {
    let register = |number: u32| {
        let setup = RegisterSetup {
            register: RegisterId { store: "343".to_owned(), number },
            name: format!("Register {number}"),
            support_offline: number == 1,
            offline_profile: None,
            layout: None,
            theme: None,
            lock_after_s: None,
            numbers: Numbers::default(),
        };
        Record { kind: "register".to_owned(), key: number.to_string(), content: serde_json::to_string(&setup).unwrap() }
    };
    MasterData { records: vec![register(1), register(2)], ..fixture::shop() }
}

/// Status and kind of a refusal.
fn refusal(answer: &Answer) -> (u16, ProblemKind) {
    let Problem { status, kind, .. } = answer.problem();
    assert_eq!(answer.status, status);
    (status, kind)
}

#[test]
fn every_route_says_whom_it_answers() {
    let shop = Shop::open();
    let document: serde_json::Value = serde_json::from_str(&shop.exchange("GET", "/v1/openapi.json", "", "").body).unwrap();
    let for_all = ["/v1/openapi.json", "/v1/devices/activate", "/health", "/ready", "/metrics"];
    let mut refused = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let address = path.replace("{id}", "018bcfe5-6800-7000-8000-000000000000").replace("{number}", "343");
            let answer = shop.exchange(&method.to_uppercase(), &address, JSON, "{}");
            if for_all.contains(&path.as_str()) {
                assert_ne!(answer.status, 401, "{method} {path}");
            } else {
                assert_eq!(refusal(&answer), (401, ProblemKind::Device), "{method} {path}");
                assert!(operation["security"].is_array(), "{method} {path} is described so");
                refused += 1;
            }
            let for_people = operation["security"].to_string().contains("session");
            let without_session = shop.exchange(&method.to_uppercase(), &address, &format!("{}{JSON}", shop.one.headers()), "{}");
            assert_eq!(for_people, without_session.status == 401, "{method} {path}: {}", without_session.body);
            if for_people {
                assert_eq!(refusal(&without_session), (401, ProblemKind::Session), "{method} {path}");
            }
        }
    }
    assert!(refused >= 16, "{refused}");
}

#[test]
fn a_token_is_good_for_its_own_device_alone_and_all_else_is_refused_alike() {
    let shop = Shop::open();
    let Activated { device, token, .. } = &shop.one;
    assert_eq!(shop.ask(&shop.one.headers()).status, 200);
    let (other, unknown) = (&shop.two.device, Secret::random());
    let bearer = |token: &Secret, device: &str| format!("authorization: Bearer {}\r\nevertill-device: {device}\r\n", token.reveal());
    let mut answers = Vec::new();
    for headers in [
        String::new(),
        bearer(token, other),
        bearer(token, &device.to_uppercase()),
        bearer(token, ""),
        bearer(token, &"x".repeat(5_000)),
        bearer(&unknown, device),
        bearer(&Secret::new(token.hash()), device),
        bearer(&Secret::new("x".repeat(5_000)), device),
        format!("authorization: Bearer {}\r\n", token.reveal()),
        format!("authorization: Basic {}\r\nevertill-device: {device}\r\n", token.reveal()),
        format!("authorization: {}\r\nevertill-device: {device}\r\n", token.reveal()),
        format!("evertill-device: {device}\r\nevertill-session: {}\r\n", token.reveal()),
    ] {
        let answer = shop.ask(&headers);
        assert_eq!(refusal(&answer), (401, ProblemKind::Device), "{headers}");
        answers.push(answer.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let in_the_address = format!("/v1/data-version?token={}&device={device}", token.reveal());
    assert_eq!(shop.exchange("GET", &in_the_address, "", "").status, 401, "a token in an address is none");
}

#[test]
fn a_device_that_was_replaced_or_released_may_not_ask() {
    let shop = Shop::open();
    let replacement = device::activate(&*shop.channel, 1);
    assert_eq!(refusal(&shop.ask(&shop.one.headers())), (401, ProblemKind::Device));
    assert_eq!(shop.ask(&replacement.headers()).status, 200);
    shop.channel.deactivate(&replacement.register).unwrap();
    assert_eq!(refusal(&shop.ask(&replacement.headers())), (401, ProblemKind::Device));
    assert_eq!(shop.ask(&shop.two.headers()).status, 200);
}

#[test]
fn whoever_asks_too_often_is_told_to_wait() {
    let shop = Shop::open();
    for operator in 0..30 {
        assert_eq!(refusal(&shop.sign_in(&shop.one, &format!("nobody {operator}"), "1")), (403, ProblemKind::Credentials));
    }
    let answer = shop.sign_in(&shop.one, "000160", fixture::PIN);
    assert_eq!(refusal(&answer), (429, ProblemKind::Busy));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(shop.sign_in(&shop.two, "000160", fixture::PIN).status, 200, "another register");
    shop.minutes_pass(1);
    assert_eq!(shop.sign_in(&shop.one, "000160", fixture::PIN).status, 200);
    let refused = (0..300).map(|_| shop.ask("").status).filter(|status| *status == 401).count();
    assert_eq!((refused, shop.ask("").status), (200, 429));
    assert_eq!(shop.ask(&shop.one.headers()).status, 200, "a good token is answered all the same");
}
