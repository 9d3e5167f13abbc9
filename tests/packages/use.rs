//! Packages applied while others read and write.

use std::sync::atomic::{AtomicBool, Ordering};

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{Channel, ErrorKind, ProductSearch};
use evertill::package::{self, Kind};

use super::chain::{Headquarters, NEWEST, Offline, complete_version, data, open};

fn page(channel: &SqliteChannel) -> Vec<String> {
    let search = ProductSearch { text: "soup".to_owned(), offset: 0, limit: 40 };
    channel.search_products(&search).unwrap().products.iter().map(|product| product.price.to_string()).collect()
}

fn cents(price: &str) -> &str {
    price.split_once('.').unwrap().1
}

/// Applies all packages of headquarters to a scale unit's database.
fn apply_all(headquarters: &Headquarters, channel: &SqliteChannel, folder: &std::path::Path) {
    for id in 1..=NEWEST {
        let (manifest, unpacked) = (headquarters.manifest(id), folder.join("unpacked"));
        package::fetch(headquarters, &manifest, folder, &unpacked).unwrap();
        channel.apply(&manifest, &unpacked).unwrap();
        assert_eq!(channel.data_version(), Ok(id));
    }
}

#[test]
fn who_reads_meanwhile_sees_one_version_at_a_time() {
    let (headquarters, folder) = (Headquarters::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("channel.db");
    let channel = SqliteChannel::open(&path).unwrap();
    channel.load(&data(1)).unwrap();
    let done = AtomicBool::new(false);
    let pages = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut pages = 0;
            while !done.load(Ordering::SeqCst) {
                let prices = page(&channel);
                assert_eq!(prices.len(), 40);
                assert!(prices.iter().all(|price| cents(price) == cents(&prices[0])), "{prices:?}");
                pages += 1;
            }
            pages
        });
        for _ in 0..10 {
            apply_all(&headquarters, &channel, folder.path());
        }
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    assert!(pages > 10, "{pages} pages were read meanwhile");
    drop(channel);
    assert_eq!(complete_version(&SqliteChannel::master_data(&path)), NEWEST);
}

#[test]
fn a_register_sees_what_was_there_when_it_opened_until_it_opens_again() {
    let (headquarters, folder) = (Headquarters::new(), tempfile::tempdir().unwrap());
    let offline = Offline(folder.path().join("offline.db"));
    master::write_full(&offline.0, &data(1), 1).unwrap();
    let sale = open(&offline.0);
    let before = page(&sale);
    assert_eq!(headquarters.downloader(folder.path()).run_once(&headquarters, &offline).problem, None);
    assert_eq!((page(&sale), sale.data_version()), (before, Ok(1)), "a full package and a delta later");
    let next = open(&offline.0);
    assert_eq!((cents(&page(&next)[0]), next.data_version()), ("05 USD", Ok(NEWEST)));
    assert_eq!(next.load(&data(1)).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn a_look_up_between_two_deltas_sees_neither_half() {
    let (headquarters, folder) = (Headquarters::new(), tempfile::tempdir().unwrap());
    let offline = Offline(folder.path().join("offline.db"));
    master::write_full(&offline.0, &data(1), 1).unwrap();
    for version in 2..=3 {
        let sale = open(&offline.0);
        let manifest = headquarters.manifest(version);
        assert_eq!(manifest.kind, Kind::Delta { from_version: version - 1 });
        let unpacked = folder.path().join("unpacked");
        package::fetch(&headquarters, &manifest, folder.path(), &unpacked).unwrap();
        master::apply_delta(&offline.0, &unpacked, version - 1, version).unwrap();
        assert_eq!(sale.data_version(), Ok(version - 1));
        assert!(page(&sale).iter().all(|price| cents(price) == format!("{:02} USD", version - 1)));
        drop(sale);
        assert_eq!(complete_version(&offline.0), version);
    }
}
