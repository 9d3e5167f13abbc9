//! A channel database as a file: loading, exporting, and what a copy of it can and cannot do.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;

use std::path::Path;

use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ErrorKind, ProductSearch, Recorded, Refusal, Upload};
use evertill::master_data::{MasterData, ProductCode};
use evertill::retail::staff::Pin;
use fixture::{PIN, sale, shop};

#[test]
fn a_new_database_is_empty_until_it_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    assert_eq!((channel.is_empty(), channel.data_version()), (Ok(true), Ok(0)));
    assert_eq!(channel.load(&shop()), Ok(1));
    assert_eq!((channel.is_empty(), channel.data_version()), (Ok(false), Ok(1)));
}

#[test]
fn loading_replaces_master_data_and_leaves_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    channel.load(&shop()).unwrap();
    assert_eq!(channel.record(&upload(1)), Ok(Recorded::New));
    let mut changed = shop();
    changed.products.remove(0);
    changed.staff.pop();
    assert_eq!(channel.load(&changed), Ok(2));
    assert_eq!(channel.product_by_barcode("4006381333931"), Ok(None));
    assert_eq!(found(&channel, "brulee"), 0);
    assert_eq!(found(&channel, "beans"), 2);
    assert!(channel.sign_in(&"000110".into(), &Pin::new(PIN)).is_err());
    assert_eq!(channel.transaction_count(), Ok(1));
}

#[test]
fn contradictory_master_data_are_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    channel.load(&shop()).unwrap();
    let code = |code: &str, product: &str| ProductCode { code: code.to_owned(), product: product.into(), quantity: None };
    let twice = |change: fn(&mut MasterData)| {
        let mut data = shop();
        change(&mut data);
        data
    };
    let with = |further| MasterData { codes: vec![further], ..shop() };
    for (data, words) in [
        (twice(|data| data.products.push(data.products[0].clone())), "two products have the number 1001"),
        (with(code("036000291452", "1001")), "the code 036000291452 stands for two things"),
        (with(code("5", "none")), "the code 5 names product none, which there is not"),
        (twice(|data| data.products[2].barcode = "0036000291452".to_owned()), "the code 036000291452 stands for two things"),
        (twice(|data| data.staff.push(data.staff[0].clone())), "two operators, two customers or two other records have one number"),
    ] {
        let error = channel.load(&data).unwrap_err();
        assert_eq!((error.kind, error.detail.as_str()), (ErrorKind::Refused(Refusal::Invalid), words));
        assert_eq!((channel.data_version(), found(&channel, "")), (Ok(1), 5), "nothing has changed");
    }
}

#[test]
fn an_export_is_the_master_data_without_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    channel.load(&shop()).unwrap();
    channel.load(&shop()).unwrap();
    channel.record(&upload(1)).unwrap();
    let path = folder.path().join("offline.db");
    assert_eq!(channel.export_master_data(&path), Ok(2));
    let files: Vec<_> = files(folder.path()).into_iter().filter(|name| name.starts_with("offline")).collect();
    assert_eq!(files, ["offline.db"], "a copy is one file");
    let copy = SqliteChannel::open_read_only(&path).unwrap();
    assert_eq!(copy.check(), Ok(()));
    assert_eq!(copy.data_version(), Ok(2));
    assert_eq!(copy.transaction_count().unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(copy.store("343"), channel.store("343"));
    for code in ["036000291452", "BOX-12", "4011"] {
        assert_eq!(copy.product_by_barcode(code), channel.product_by_barcode(code));
    }
    for text in ["", "beans", "brul", "oz", "bananna"] {
        assert_eq!((found(&copy, text), found(&channel, text) > 0), (found(&channel, text), true), "{text}");
    }
    assert!(copy.sign_in(&"000160".into(), &Pin::new(PIN)).is_ok());
    assert!(!holds(&path, sale(1, 1).id.to_string().as_bytes()), "no trace of a sale");
}

#[test]
fn a_copy_takes_no_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    channel.load(&shop()).unwrap();
    let path = folder.path().join("offline.db");
    channel.export_master_data(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let copy = SqliteChannel::open_read_only(&path).unwrap();
    assert_eq!(copy.record(&upload(1)).unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(copy.load(&shop()).unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn transactions_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("channel.db");
    SqliteChannel::open(&path).unwrap().record(&upload(1)).unwrap();
    let channel = SqliteChannel::open(&path).unwrap();
    assert_eq!(channel.record(&upload(1)), Ok(Recorded::Already));
    assert_eq!(channel.transaction(&sale(1, 1).id), Ok(Some(sale(1, 1).canonical())));
}

#[test]
fn a_damaged_file_gives_errors_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    channel.load(&shop()).unwrap();
    let path = folder.path().join("offline.db");
    channel.export_master_data(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(1_499) {
        let mut damaged = whole.clone();
        let end = (at + 700).min(whole.len());
        damaged[at..end].fill(0xA5);
        std::fs::write(&path, &damaged).unwrap();
        let Ok(copy) = SqliteChannel::open_read_only(&path) else { continue };
        let _ = (copy.check(), copy.store("343"), copy.data_version(), copy.product_by_barcode("4011"));
        let _ = copy.search_products(&ProductSearch { text: "beens".to_owned(), offset: 0, limit: 10 });
        let _ = copy.sign_in(&"000160".into(), &Pin::new(PIN));
    }
}

fn upload(number: u32) -> Upload {
    let transaction = sale(1, number);
    Upload { id: transaction.id, canonical: transaction.canonical() }
}

fn found(channel: &SqliteChannel, text: &str) -> usize {
    channel.search_products(&ProductSearch { text: text.to_owned(), offset: 0, limit: 100 }).unwrap().products.len()
}

fn files(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn holds(path: &Path, bytes: &[u8]) -> bool {
    std::fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
}
