//! Who gets packages, how they come, and devices that headquarters released.

use evertill::channel::{ChannelDatabase, DeviceStatus};
use evertill::clock::Time;
use evertill::ids::RegisterId;
use evertill::master_data::Record;
use evertill::package::{Kind, Manifest, Report, SignedManifest, Status};
use evertill::protocol::ProblemKind;
use evertill::scale_unit::bring_in_line;

use super::{JSON, Shop, refusal};

#[test]
fn a_register_that_supports_offline_gets_packages_whole_or_in_part() {
    let shop = Shop::open();
    let signed = put(&shop, 7, "0123456789");
    let get = |path: &str, headers: &str| shop.exchange("GET", path, &format!("{}{headers}", shop.one.headers()), "");
    let listed: Vec<SignedManifest> = serde_json::from_str(&get("/v1/packages", "").body).unwrap();
    assert_eq!(listed, [signed]);
    assert_eq!(get("/v1/packages?after=7", "").body, "[]");
    for (range, status, body, content_range) in [
        ("", 200, "0123456789", None),
        ("range: bytes=4-\r\n", 206, "456789", Some("bytes 4-9/10")),
        ("range: bytes=0-0\r\n", 206, "0", Some("bytes 0-0/10")),
        ("range: bytes=0-1,3-4\r\n", 200, "0123456789", None),
        ("range: nonsense\r\n", 200, "0123456789", None),
    ] {
        let answer = get("/v1/packages/7/file", range);
        assert_eq!((answer.status, answer.body.as_str(), answer.header("content-range")), (status, body, content_range), "{range}");
    }
    let beyond = get("/v1/packages/7/file", "range: bytes=10-\r\n");
    assert_eq!((refusal(&beyond), beyond.header("content-range")), ((416, ProblemKind::Invalid), Some("bytes */10")));
    let expected = get("/v1/packages/8/file", "");
    assert_eq!((refusal(&expected), expected.header("retry-after")), ((404, ProblemKind::Busy), Some("1")));
    assert_eq!(refusal(&get("/v1/packages/6/file", "")), (404, ProblemKind::NotFound));
}

#[test]
fn a_register_that_works_online_only_gets_none() {
    let shop = Shop::open();
    put(&shop, 7, "0123456789");
    for path in ["/v1/packages", "/v1/packages/7/file"] {
        assert_eq!(refusal(&shop.exchange("GET", path, &shop.two.headers(), "")), (403, ProblemKind::Forbidden), "{path}");
    }
}

#[test]
fn a_report_is_of_the_register_that_brings_it() {
    let shop = Shop::open();
    let report = Report {
        package: 7,
        register: Some(RegisterId { store: "343".to_owned(), number: 2 }),
        status: Status::Failed,
        reason: format!("no\nroom{}", " left".repeat(200)),
        at: Time::UNIX_EPOCH,
    };
    let body = serde_json::to_string(&report).unwrap();
    let answer = shop.exchange("POST", "/v1/packages/report", &format!("{}{JSON}", shop.one.headers()), &body);
    assert_eq!(answer.status, 204);
    let reports = shop.channel.reports(10).unwrap();
    let [(_, kept)] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!((kept.register.as_ref(), kept.status), (Some(&shop.one.register), Status::Failed));
    assert!(kept.reason.starts_with("noroom left") && kept.reason.len() == 300, "{}", kept.reason);
}

#[test]
fn what_headquarters_released_is_released_here_with_the_next_package() {
    let shop = Shop::open();
    let record = |number: u32, status: &str, token_hash: &str| Record {
        kind: "device".to_owned(),
        key: number.to_string(),
        content: serde_json::json!({ "status": status, "device": "any", "token_hash": token_hash }).to_string(),
    };
    let mut data = super::shop();
    data.records.push(record(1, "deactivated", &shop.one.token.hash()));
    data.records.push(record(2, "deactivated", "a device before this one"));
    data.records.push(Record { kind: "device".to_owned(), key: "3".to_owned(), content: "no JSON".to_owned() });
    shop.channel.load(&data).unwrap();
    assert_eq!(bring_in_line(&*shop.channel), Ok(1));
    assert_eq!(bring_in_line(&*shop.channel), Ok(0), "once");
    assert_eq!(refusal(&shop.ask(&shop.one.headers())), (401, ProblemKind::Device));
    assert_eq!(shop.ask(&shop.two.headers()).status, 200);
    let kept = shop.channel.device(&shop.two.token.hash()).unwrap().unwrap();
    assert_eq!(kept.status, DeviceStatus::Activated);
}

/// A full package on the shelf.
fn put(shop: &Shop, id: u64, content: &str) -> SignedManifest {
    let manifest = Manifest {
        id,
        group: "343".to_owned(),
        job: 9999,
        kind: Kind::Full,
        to_version: id,
        schema: 1,
        rows: 1,
        bytes: content.len() as u64,
        unpacked_bytes: 1,
        digest: String::new(),
        made_at: Time::UNIX_EPOCH,
    };
    let signed = SignedManifest { manifest: serde_json::to_string(&manifest).unwrap(), signature: "00".to_owned() };
    let file = shop.folder.path().join("incoming");
    std::fs::write(&file, content).unwrap();
    shop.shelf.put(&signed, &file).unwrap();
    signed
}
