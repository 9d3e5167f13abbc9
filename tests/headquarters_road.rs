//! The road between headquarters and its scale units, over real HTTP: packages down, transactions up, real-time calls, and whoever has no
//! business there.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/raw_http.rs"]
mod raw_http;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evertill::chain::Chain;
use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ChannelDatabase, ErrorKind, Refusal, Upload};
use evertill::clock::{SharedClock, SystemClock};
use evertill::headquarters::Extent;
use evertill::headquarters::kinds::Kind;
use evertill::ids::{ProductId, RegisterId};
use evertill::package::{Source, Status};
use evertill::protocol::ProblemKind;
use evertill::protocol::headquarters::{BATCH_BODY_MAX, routes};
use evertill::realtime::{Activation, Headquarters as _};
use evertill::road::Condition;
use evertill::scale_unit::{Connected, ConnectedOptions, Credentials, HttpHeadquarters, Shelf};
use evertill::secret::Secret;
use fixture::sale;
use proptest::prelude::*;
use raw_http::{exchange, send};
use tempfile::TempDir;

const WHO: &str = "test";
/// A product of the sample store.
const PRODUCT: &str = "819765";
/// More than enough for a round of the background work.
const ROUND_WAIT: Duration = Duration::from_secs(30);

#[test]
fn what_is_imported_at_headquarters_arrives_at_the_scale_unit() {
    let (folder, chain) = chain();
    let channel = chain.channel();
    let store = channel.store("343").unwrap();
    assert_eq!((store.name.as_str(), store.registers.as_slice()), ("Riverside", [1, 2, 3, 4].as_slice()));
    assert!(channel.register(&register(1)).unwrap().support_offline);
    assert_eq!(channel.data_version(), Ok(1));
    assert_eq!(versions_on_shelf(folder.path()), [1]);

    let before = channel.product(&ProductId::from(PRODUCT)).unwrap().unwrap().price;
    let product = Kind::named("product").unwrap();
    chain.headquarters().set(WHO, product, PRODUCT, &[("unit_price", "12.34")]).unwrap();
    assert_eq!(channel.product(&ProductId::from(PRODUCT)).unwrap().unwrap().price, before, "nothing is distributed before its job runs");
    chain.headquarters().run_job(WHO, 1040, Some("343"), Extent::Changes).unwrap();
    chain.headquarters().run_job(WHO, 1020, Some("343"), Extent::Changes).unwrap();
    chain.complete_a_round(ROUND_WAIT);
    assert_eq!(channel.product(&ProductId::from(PRODUCT)).unwrap().unwrap().price.to_string(), "12.34 USD");
    let version = channel.data_version().unwrap();
    assert!(version > 1);
    assert_eq!(versions_on_shelf(folder.path()).last(), Some(&version));
    let applied = chain.headquarters().packages(Some("343"), 1).unwrap();
    assert!(applied[0].targets.iter().any(|target| target.status == Status::Applied), "headquarters has heard of it: {applied:?}");
}

#[test]
fn a_chain_starts_again_where_it_was() {
    let (folder, chain) = chain();
    let sold = upload(1, 1);
    chain.channel().record(&sold).unwrap();
    drop(chain);
    let chain = start(folder.path());
    assert_eq!(chain.channel().data_version(), Ok(1));
    chain.complete_a_round(ROUND_WAIT);
    assert_eq!(chain.headquarters().transaction(&sold.id.to_string()).unwrap(), sold.canonical);
    assert_eq!(chain.headquarters().packages(None, 10).unwrap().len(), 1, "nothing is distributed again");
}

#[test]
fn transactions_reach_headquarters_once_although_answers_are_lost() {
    let (_folder, chain) = chain();
    let channel = chain.channel();
    let uploads: Vec<Upload> = (1..=230).map(|sequence| upload(1 + sequence % 2, sequence)).collect();
    chain.road().set(Condition::Drop { percent: 60 }).unwrap();
    for upload in &uploads {
        channel.record(upload).unwrap();
    }
    for _ in 0..50 {
        chain.complete_a_round(ROUND_WAIT);
    }
    chain.road().set(Condition::Up).unwrap();
    let status = chain.complete_a_round(ROUND_WAIT);
    assert_eq!((status.waiting, status.last_error), (0, None));
    let headquarters = chain.headquarters();
    assert_eq!(headquarters.transaction_count(Some("343")).unwrap(), 230);
    assert_eq!(headquarters.set_aside().unwrap(), []);
    for upload in uploads {
        assert_eq!(headquarters.transaction(&upload.id.to_string()).unwrap(), upload.canonical);
    }
}

#[test]
fn headquarters_away_is_told_from_a_scale_unit_away_and_passes() {
    let (_folder, chain) = chain();
    let headquarters = client(&chain);
    assert_eq!(headquarters.gift_card("no such card").unwrap(), None);
    for condition in [Condition::Down, Condition::Garbage, Condition::Half] {
        chain.road().set(condition).unwrap();
        let error = headquarters.gift_card("1").unwrap_err();
        assert_eq!(error.kind, ErrorKind::HeadquartersAway, "{condition:?}: {error}");
    }
    chain.channel().record(&upload(1, 1)).unwrap();
    let status = chain.complete_a_round(ROUND_WAIT);
    assert_eq!(status.waiting, 1);
    assert!(status.last_error.is_some());
    chain.road().set(Condition::Up).unwrap();
    assert_eq!(headquarters.gift_card("1").unwrap(), None);
    let status = chain.complete_a_round(ROUND_WAIT);
    assert_eq!((status.waiting, status.last_error), (0, None));
}

#[test]
fn a_code_is_good_once_and_a_gift_card_is_found() {
    let (_folder, chain) = chain();
    let headquarters = client(&chain);
    let code = chain.headquarters().activation_code(WHO, &register(2)).unwrap();
    let activation = |device: &str| Activation { code: code.clone(), device: device.to_owned() };
    let activated = headquarters.activate(&activation("one")).unwrap();
    assert_eq!((activated.register, activated.headquarters_key), (register(2), chain.headquarters().verifying_key()));
    let again = headquarters.activate(&activation("two")).unwrap_err();
    assert!(matches!(again.kind, ErrorKind::Refused(_)), "{again}");
    assert!(matches!(headquarters.deactivate(&register(2), "two").unwrap_err().kind, ErrorKind::Refused(_)));
    assert_eq!(headquarters.deactivate(&register(2), "one"), Ok(()));
    let other_store = RegisterId { store: "344".to_owned(), number: 1 };
    assert_eq!(headquarters.deactivate(&other_store, "one").unwrap_err().kind, ErrorKind::Refused(Refusal::Forbidden));

    let card = Kind::named("gift-card").unwrap();
    chain.headquarters().add(WHO, card, &[("number", "77"), ("currency", "USD"), ("balance", "25.00")]).unwrap();
    assert_eq!(headquarters.gift_card("77").unwrap().unwrap().balance.to_string(), "25.00 USD");
}

#[test]
fn who_shows_headquarters_wrong_tokens_is_turned_away_and_its_scale_units_are_not() {
    let (_folder, chain) = chain();
    let stranger = HttpHeadquarters::new(&format!("http://{}", chain.road().address()), None, Secret::new("wrong")).unwrap();
    let mut refusals = (0..2_000).map(|_| stranger.gift_card("1").unwrap_err().detail);
    assert!(refusals.next().is_some_and(|detail| detail.contains("does not accept the scale unit's credentials")));
    assert!(refusals.any(|detail| detail.contains("too many requests from this address")));
    assert_eq!(chain.complete_a_round(ROUND_WAIT).last_error, None);
}

#[test]
fn two_scale_units_over_one_database_do_not_hurt_each_other() {
    let (folder, chain) = chain();
    let other_folder = tempfile::tempdir().unwrap();
    let database = || SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    let other = second_scale_unit(&chain, Arc::new(database()), other_folder.path());
    other.complete_a_round(ROUND_WAIT);
    assert_eq!(versions_of(&other_folder.path().join("packages")), [1], "its shelf is filled though the database had the package");
    let product = Kind::named("product").unwrap();
    for (turn, price) in (1..).zip(["1.11", "2.22", "3.33", "4.44"]) {
        chain.headquarters().set(WHO, product, PRODUCT, &[("unit_price", price)]).unwrap();
        chain.headquarters().run_job(WHO, 9999, Some("343"), Extent::Changes).unwrap();
        for sequence in 1..=20 {
            chain.channel().record(&upload(turn, sequence)).unwrap();
        }
        std::thread::scope(|scope| {
            scope.spawn(|| other.complete_a_round(ROUND_WAIT));
            chain.complete_a_round(ROUND_WAIT);
        });
    }
    let statuses = [chain.complete_a_round(ROUND_WAIT), other.complete_a_round(ROUND_WAIT)];
    assert!(statuses.iter().all(|status| status.waiting == 0 && status.last_error.is_none()), "{statuses:?}");
    assert_eq!(chain.headquarters().transaction_count(None).unwrap(), 80);
    assert_eq!(chain.headquarters().set_aside().unwrap(), []);
    let seen_by_the_other = database().product(&ProductId::from(PRODUCT)).unwrap().unwrap().price;
    assert_eq!(seen_by_the_other.to_string(), "4.44 USD");
    assert_eq!(versions_on_shelf(folder.path()), versions_of(&other_folder.path().join("packages")));
}

#[test]
fn a_device_that_headquarters_deactivates_is_deactivated_at_the_scale_unit() {
    let (_folder, chain) = chain();
    let code = chain.headquarters().activation_code(WHO, &register(3)).unwrap();
    let activated = client(&chain).activate(&Activation { code, device: "till".to_owned() }).unwrap();
    let channel = chain.channel();
    let device = evertill::channel::Device {
        id: "till".to_owned(),
        register: register(3),
        token_hash: activated.token.hash(),
        status: evertill::channel::DeviceStatus::Activated,
        numbers: evertill::retail::register::Numbers::default(),
        handed_on: None,
    };
    channel.activate(&device).unwrap();
    chain.headquarters().deactivate_device(WHO, &register(3)).unwrap();
    chain.complete_a_round(ROUND_WAIT);
    let status = || channel.device(&activated.token.hash()).unwrap().unwrap().status;
    assert_eq!(status(), evertill::channel::DeviceStatus::Deactivated);
    // As if the scale unit that applied the package had ended before it came to the devices.
    channel.activate(&device).unwrap();
    chain.complete_a_round(ROUND_WAIT);
    assert_eq!(status(), evertill::channel::DeviceStatus::Deactivated, "without another package");
}

#[test]
fn a_download_goes_on_where_it_was_cut() {
    let (_folder, chain) = chain();
    let headquarters = client(&chain);
    let manifests = headquarters.manifests(0).unwrap();
    let manifest = manifests[0].open(&chain.headquarters().verifying_key().parse().unwrap()).unwrap();
    let read = |from: u64| {
        let mut bytes = Vec::new();
        std::io::copy(&mut headquarters.file(manifest.id, from).unwrap(), &mut bytes).unwrap();
        bytes
    };
    let whole = read(0);
    assert_eq!(whole.len() as u64, manifest.bytes);
    for from in [1, 1_000, manifest.bytes - 1] {
        assert_eq!(read(from), whole[usize::try_from(from).unwrap()..], "from {from}");
    }
    assert!(headquarters.file(manifest.id, manifest.bytes).is_err());
    assert!(headquarters.file(manifest.id + 1, 0).is_err());
    assert_eq!(headquarters.manifests(manifest.to_version).unwrap(), []);
}

#[test]
fn nobody_is_served_without_a_scale_units_token() {
    let (_folder, chain) = chain();
    let address = chain.road().address();
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n");
    let no_token = HttpHeadquarters::new(&format!("http://{address}"), None, Secret::random()).unwrap();
    let error = no_token.gift_card("1").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Broken, "a register is told that the scale unit is at fault");
    assert!(error.detail.contains("credentials"), "{error}");
    for headers in [String::new(), bearer("x"), bearer(""), bearer(&"x".repeat(10_000)), "authorization: Basic eDp5\r\n".to_owned()] {
        for (method, path) in [
            ("GET", "/v1/packages?after=0"),
            ("GET", "/v1/packages/1/file"),
            ("POST", routes::PACKAGE_REPORTS),
            ("POST", routes::TRANSACTIONS),
            ("POST", routes::ACTIVATE),
            ("POST", routes::DEACTIVATE),
            ("GET", "/v1/gift-cards/1"),
        ] {
            let answer = exchange(address, method, path, &headers, "");
            assert_eq!((answer.status, answer.problem().kind), (401, ProblemKind::Session), "{method} {path} {headers:.40}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    for path in [routes::HEALTH, routes::READY, routes::OPENAPI] {
        assert_eq!(exchange(address, "GET", path, "", "").status, 200, "{path}");
    }
}

#[test]
fn every_refusal_is_a_problem_detail() {
    let (_folder, chain) = chain();
    let token = chain.headquarters().add_scale_unit(WHO, "another", "343").unwrap().token;
    let headers = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", token.reveal());
    let many =
        format!("{{\"transactions\":[{}]}}", vec!["{\"id\":\"018bcfe5-6800-7000-8000-000000000000\",\"canonical\":\"\"}"; 101].join(","));
    let long = "x".repeat(BATCH_BODY_MAX + 1);
    for (method, path, body, status, kind) in [
        ("GET", "/v1/nothing", "", 404, ProblemKind::Unsupported),
        ("DELETE", "/v1/packages", "", 405, ProblemKind::Unsupported),
        ("GET", "/v1/packages", "", 400, ProblemKind::Invalid),
        ("GET", "/v1/packages?after=-1", "", 400, ProblemKind::Invalid),
        ("GET", "/v1/packages/one/file", "", 400, ProblemKind::Invalid),
        ("GET", "/v1/packages/99/file", "", 404, ProblemKind::NotFound),
        ("GET", "/v1/packages/18446744073709551615/file", "", 404, ProblemKind::NotFound),
        ("GET", "/v1/gift-cards/1", "", 404, ProblemKind::NotFound),
        ("GET", "/v1/gift-cards/%00", "", 404, ProblemKind::NotFound),
        ("POST", routes::TRANSACTIONS, "not JSON", 400, ProblemKind::Invalid),
        ("POST", routes::TRANSACTIONS, "{}", 422, ProblemKind::Invalid),
        ("POST", routes::TRANSACTIONS, &many, 422, ProblemKind::Invalid),
        ("POST", routes::TRANSACTIONS, &long, 413, ProblemKind::Invalid),
        ("POST", routes::ACTIVATE, "{\"code\":\"AAAA\",\"device\":\"x\"}", 422, ProblemKind::Invalid),
        ("POST", routes::DEACTIVATE, "{\"register\":{\"store\":\"343\",\"number\":99},\"device\":\"x\"}", 404, ProblemKind::NotFound),
    ] {
        let answer = exchange(chain.road().address(), method, path, &headers, body);
        let problem = answer.problem();
        assert_eq!((answer.status, problem.status, problem.kind), (status, status, kind), "{method} {path}: {problem:?}");
    }
}

#[test]
fn the_description_lists_every_route_and_its_problems() {
    let (_folder, chain) = chain();
    let description: serde_json::Value =
        serde_json::from_str(&exchange(chain.road().address(), "GET", routes::OPENAPI, "", "").body).unwrap();
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(routes::ALL));
    assert_eq!(description["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let text = description.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(description["components"]["schemas"].get(name).is_some(), "{name} is described");
    }
}

#[test]
fn garbage_is_never_answered_with_a_failure() {
    let (_folder, chain) = chain();
    let token = chain.headquarters().add_scale_unit(WHO, "another", "343").unwrap().token;
    let path = prop_oneof![
        Just("/v1/packages?after=".to_owned()),
        Just("/v1/packages/".to_owned()),
        Just("/v1/gift-cards/".to_owned()),
        Just(routes::TRANSACTIONS.to_owned()),
        Just(routes::ACTIVATE.to_owned()),
        Just(routes::DEACTIVATE.to_owned()),
        Just(routes::PACKAGE_REPORTS.to_owned()),
    ];
    let method = prop_oneof![Just("GET"), Just("POST"), Just("PUT")];
    proptest!(ProptestConfig::with_cases(96), |((method, path, rest, body) in (method, path, "[!-~]{0,20}", "\\PC{0,80}"))| {
        let (length, token) = (body.len(), token.reveal());
        let request = format!("{method} {path}{rest} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
            content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        let answer = send(chain.road().address(), request.as_bytes());
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
        prop_assert!(status.is_none_or(|status: u16| status < 500), "{request:?} answered {status:?}");
    });
}

fn chain() -> (TempDir, Chain) {
    let folder = tempfile::tempdir().unwrap();
    let chain = start(folder.path());
    (folder, chain)
}

fn start(folder: &Path) -> Chain {
    Chain::on_sample_store(folder, &clock()).unwrap()
}

fn clock() -> SharedClock {
    Arc::new(SystemClock::default())
}

fn register(number: u32) -> RegisterId {
    RegisterId { store: "343".to_owned(), number }
}

fn upload(register: u32, sequence: u32) -> Upload {
    let sale = sale(register, sequence);
    Upload { id: sale.id, canonical: sale.canonical() }
}

/// Headquarters, as another scale unit of the store asks it.
fn client(chain: &Chain) -> HttpHeadquarters {
    let token = chain.headquarters().add_scale_unit(WHO, "another", "343").unwrap().token;
    HttpHeadquarters::new(&format!("http://{}", chain.road().address()), None, token).unwrap()
}

fn second_scale_unit(chain: &Chain, channel: Arc<dyn ChannelDatabase>, folder: &Path) -> Connected {
    let given = chain.headquarters().add_scale_unit(WHO, "second", "343").unwrap();
    let file = folder.join("credentials.toml");
    given.write(&file).unwrap();
    let credentials = Credentials::read(&file).unwrap();
    Connected::start(ConnectedOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        channel,
        headquarters: HttpHeadquarters::new(&format!("http://{}", chain.road().address()), None, credentials.token.clone()).unwrap(),
        credentials,
        packages: folder.join("packages"),
        incoming: folder.join("incoming"),
        interval: Duration::from_mins(1),
        clock: clock(),
    })
    .unwrap()
}

fn versions_on_shelf(folder: &Path) -> Vec<u64> {
    versions_of(&folder.join("channel.packages"))
}

fn versions_of(shelf: &Path) -> Vec<u64> {
    let version = |manifest: &str| serde_json::from_str::<serde_json::Value>(manifest).unwrap()["to_version"].as_u64().unwrap();
    Shelf::open(shelf).unwrap().manifests(0).iter().map(|signed| version(&signed.manifest)).collect()
}
