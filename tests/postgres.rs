//! What a database server brings with it: several scale units at once, connections that break, and a primary that dies.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/postgres.rs"]
mod postgres_server;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use evertill::channel::postgres::PostgresChannel;
use evertill::channel::{Channel, ChannelDatabase, ErrorKind, ProductSearch, Recorded, Upload};
use fixture::{full_package, sale, shop};
use postgres_server::{Database, Pair};

/// Registers that record at the same time, half of them at each scale unit.
const REGISTERS: u32 = 4;
/// Transactions before the primary dies, and after the standby has taken its place.
const ENOUGH: usize = 120;
/// Tries at one transaction; each waits for a connection.
const TRIES_MAX: u32 = 100;

#[test]
fn no_acknowledged_transaction_is_lost_when_the_primary_dies() {
    let Some(mut pair) = Pair::start() else { return };
    let scale_units = [PostgresChannel::connect(&pair.url()).unwrap(), PostgresChannel::connect(&pair.url()).unwrap()];
    let (sender, acknowledged) = channel();
    let is_enough = AtomicBool::new(false);
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        for register in 1..=REGISTERS {
            let (unit, sender, is_enough) = (&scale_units[register as usize % 2], sender.clone(), &is_enough);
            scope.spawn(move || record_until(is_enough, unit, register, &sender));
        }
        drop(sender);
        all.extend(wait_for(&acknowledged, ENOUGH));
        pair.kill_primary();
        pair.promote();
        all.extend(wait_for(&acknowledged, ENOUGH));
        is_enough.store(true, Ordering::Relaxed);
        all.extend(acknowledged.iter());
    });
    let scale_unit = &scale_units[0];
    for upload in &all {
        assert_eq!(scale_unit.transaction(&upload.id), Ok(Some(upload.canonical.clone())));
    }
    let ids: HashSet<_> = all.iter().map(|upload| upload.id).collect();
    assert_eq!(
        (ids.len(), scale_unit.transaction_count()),
        (all.len(), Ok(all.len() as u64)),
        "each once, and none that was not tried to the end"
    );
    assert_eq!(scale_unit.waiting_count(), Ok(all.len() as u64));
}

#[test]
fn scale_units_may_start_at_the_same_time() {
    let Some(server) = Database::new() else { return };
    std::thread::scope(|scope| {
        let units: Vec<_> = (0..4).map(|_| scope.spawn(|| PostgresChannel::connect(&server.url).map(drop))).collect();
        for unit in units {
            assert_eq!(unit.join().unwrap(), Ok(()));
        }
    });
}

#[test]
fn what_one_scale_unit_writes_the_other_reads() {
    let Some(server) = Database::new() else { return };
    let [one, other] = [PostgresChannel::connect(&server.url).unwrap(), PostgresChannel::connect(&server.url).unwrap()];
    let upload = upload(1, 1);
    assert_eq!(one.record(&upload), Ok(Recorded::New));
    assert_eq!((other.record(&upload), other.transaction_count()), (Ok(Recorded::Already), Ok(1)));
    let folder = tempfile::tempdir().unwrap();
    let (manifest, file) = full_package(folder.path(), &shop(), 3);
    std::thread::scope(|scope| {
        let applied = [&one, &other].map(|unit| scope.spawn(|| unit.apply(&manifest, &file)));
        assert_eq!(applied.map(|unit| unit.join().unwrap()), [Ok(()), Ok(())], "the second finds it done");
    });
    assert_eq!((one.data_version(), other.data_version()), (Ok(3), Ok(3)));
}

#[test]
fn a_connection_that_breaks_is_replaced_unnoticed() {
    let Some(server) = Database::new() else { return };
    let unit = PostgresChannel::connect(&server.url).unwrap();
    for number in 1..5 {
        assert_eq!(unit.record(&upload(1, number)), Ok(Recorded::New));
        postgres_server::run(
            &server.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()",
        );
    }
    assert_eq!(unit.transaction_count(), Ok(4));
}

#[test]
fn a_request_that_fails_leaves_nothing_behind_for_the_next() {
    let Some(server) = Database::new() else { return };
    let unit = PostgresChannel::connect(&server.url).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (manifest, file) = full_package(folder.path(), &shop(), 1);
    unit.apply(&manifest, &file).unwrap();
    let mut other = postgres::Client::connect(&server.url, postgres::NoTls).unwrap();
    let beans = ProductSearch { text: "beans".to_owned(), offset: 0, limit: 10 };
    // Within a transaction the server shows what others do as it was at first.
    let mut onlooker = postgres::Client::connect(&server.url, postgres::NoTls).unwrap();
    let mut package = other.transaction().unwrap();
    package.batch_execute("SELECT pg_advisory_xact_lock(343003)").unwrap();
    std::thread::scope(|scope| {
        let search = scope.spawn(|| unit.search_products(&beans));
        let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
        while onlooker.query(cancel, &[]).unwrap().is_empty() {}
        assert_eq!(search.join().unwrap().unwrap_err().kind, ErrorKind::Broken);
    });
    package.commit().unwrap();
    for _ in 0..3 {
        assert_eq!((unit.data_version(), unit.search_products(&beans).map(drop)), (Ok(1), Ok(())));
        assert_eq!(unit.transaction_count(), Ok(0));
    }
}

#[test]
fn who_still_reads_what_a_full_package_replaces_keeps_nobody_waiting() {
    let Some(server) = Database::new() else { return };
    let unit = PostgresChannel::connect(&server.url).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let apply = |version: u64| {
        let (manifest, file) = full_package(folder.path(), &shop(), version);
        unit.apply(&manifest, &file).unwrap();
        std::fs::remove_file(file).unwrap();
    };
    apply(1);
    let mut other = postgres::Client::connect(&server.url, postgres::NoTls).unwrap();
    let replaced = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'master%' AND nspname <> 'master'";
    assert_eq!(other.query_one(replaced, &[]).unwrap().get::<_, i64>(0), 0);
    let mut reading = other.transaction().unwrap();
    reading.query("SELECT id FROM master.products", &[]).unwrap();
    let is_done = AtomicBool::new(false);
    let answered = std::thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut answered = 0_u32;
            while !is_done.load(Ordering::Relaxed) {
                unit.product_by_barcode("4011").unwrap();
                answered += 1;
            }
            answered
        });
        apply(2);
        is_done.store(true, Ordering::Relaxed);
        looks.join().unwrap()
    });
    assert!(answered > 0);
    assert_eq!((unit.data_version(), unit.product_by_barcode("4011").is_ok()), (Ok(2), true));
    assert_eq!(reading.query_one(replaced, &[]).unwrap().get::<_, i64>(0), 1, "it is still read");
    reading.commit().unwrap();
    apply(3);
    assert_eq!(other.query_one(replaced, &[]).unwrap().get::<_, i64>(0), 0);
}

#[test]
fn a_package_steps_aside_for_a_search_that_takes_long() {
    let Some(server) = Database::new() else { return };
    let unit = PostgresChannel::connect(&server.url).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (full, file) = full_package(folder.path(), &shop(), 1);
    let mut other = postgres::Client::connect(&server.url, postgres::NoTls).unwrap();
    let mut onlooker = postgres::Client::connect(&server.url, postgres::NoTls).unwrap();
    let mut search = other.transaction().unwrap();
    search.batch_execute("SELECT pg_advisory_xact_lock_shared(343003)").unwrap();
    std::thread::scope(|scope| {
        let applied = scope.spawn(|| unit.apply(&full, &file));
        let asleep = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        while onlooker.query(asleep, &[]).unwrap().is_empty() {}
        search.commit().unwrap();
        assert_eq!(applied.join().unwrap(), Ok(()));
    });
    assert_eq!(unit.data_version(), Ok(1));
}

#[test]
fn a_database_that_cannot_be_used_says_why() {
    let Some(server) = Database::new() else { return };
    drop(PostgresChannel::connect(&server.url).unwrap());
    postgres_server::run(&server.url, "INSERT INTO refinery_schema_history VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')");
    assert_eq!(refused(&server.url), "the database has schema 99, this program knows 2 at most");

    let Some(server) = Database::new() else { return };
    postgres_server::run(&server.url, "CREATE TABLE transactions (id INTEGER)");
    assert!(refused(&server.url).starts_with("the tables cannot be made: "));
    assert!(refused(&server.url.replace("evertill_test", "no_such")).starts_with("no connection to the database: "));
}

fn refused(url: &str) -> String {
    PostgresChannel::connect(url).err().map(|error| error.to_string()).unwrap()
}

fn upload(register: u32, number: u32) -> Upload {
    let transaction = sale(register, number);
    Upload { id: transaction.id, canonical: transaction.canonical() }
}

/// Records one after the other, each as often as it takes, as a register's outbox does.
fn record_until(is_enough: &AtomicBool, unit: &PostgresChannel, register: u32, acknowledged: &Sender<Upload>) {
    for number in 1.. {
        if is_enough.load(Ordering::Relaxed) {
            return;
        }
        let upload = upload(register, number);
        let mut tries = 0..TRIES_MAX;
        let is_taken = tries.any(|_| match unit.record(&upload) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Broken, "the database is behind the scale unit: {error}");
                false
            }
        });
        assert!(is_taken, "register {register} gave up on {number}");
        acknowledged.send(upload).unwrap();
    }
}

fn wait_for(acknowledged: &Receiver<Upload>, count: usize) -> Vec<Upload> {
    let uploads: Vec<_> = acknowledged.iter().take(count).collect();
    assert_eq!(uploads.len(), count, "the registers go on");
    uploads
}
