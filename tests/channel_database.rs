//! What every implementation of `ChannelDatabase` does alike: the same tests over SQLite and PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/postgres.rs"]
mod postgres_server;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta};
use evertill::channel::postgres::PostgresChannel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{ChannelDatabase, Device, DeviceStatus, ErrorKind, ProductSearch, Recorded, Refusal, Result, Session, Upload};
use evertill::clock::Time;
use evertill::ids::{RegisterId, ShiftId, TransactionId};
use evertill::master_data::{Changes, MasterData, ProductCode, Record, StaffMember};
use evertill::money::Quantity;
use evertill::package::{Manifest, Report, Status};
use evertill::retail::lockout::{Attempts, FAILURES_MAX, LOCK};
use evertill::retail::register::{Numbers, RegisterSetup};
use evertill::retail::staff::Operator;
use evertill::retail::store::Store;
use evertill::retail::transaction::Transaction;
use fixture::{delta_package, event, full_package, sale, shop, usd};
use postgres_server::Database;
use uuid::Uuid;

macro_rules! contract {
    ($($rule:ident)*) => {
        mod sqlite {
            $(#[test] fn $rule() { super::over_sqlite(super::$rule); })*
        }
        mod postgres {
            $(#[test] fn $rule() { super::over_postgres(super::$rule); })*
        }
    };
}

contract! {
    the_highest_numbers_are_a_registers_own
    a_register_has_one_device
    a_deactivated_device_is_still_known
    a_replaced_device_brings_nothing_beyond_what_was_handed_on
    no_device_takes_its_register_all_numbers
    a_deactivated_device_has_a_share_of_what_is_set_aside
    a_released_registers_sessions_end
    a_session_lasts_until_it_is_closed_or_forgotten
    only_staff_is_active
    wrong_pins_add_up_until_the_right_one
    wrong_pins_are_kept_for_a_day
    wrong_pins_at_the_same_time_all_count
    a_report_waits_until_headquarters_has_heard_of_it
    the_last_word_on_a_package_replaces_the_one_before
    transactions_go_on_in_the_order_in_which_they_came
    an_event_is_counted
    a_register_is_known_as_headquarters_set_it_up
    a_full_package_replaces_what_was_there
    a_delta_changes_what_it_names_and_nothing_else
    a_delta_needs_its_version
    a_contradictory_delta_changes_nothing
    a_package_of_another_schema_is_refused
    who_reads_while_packages_are_applied_sees_one_version
}

fn the_highest_numbers_are_a_registers_own(database: &dyn ChannelDatabase) {
    assert_eq!(database.highest_numbers(&register(1)), Ok(Numbers::default()));
    let in_anothers_shift = Transaction { shift: ShiftId { register: 2, number: 9 }, ..event(1, 5) };
    let of_another_store = Transaction { register: RegisterId { store: "344".to_owned(), number: 1 }, ..event(3, 77) };
    let shifted = Transaction { shift: ShiftId { register: 1, number: 4 }, ..event(1, 4) };
    for transaction in [sale(1, 2), shifted, in_anothers_shift, sale(1, 1), sale(2, 8), of_another_store] {
        assert_eq!(database.record(&upload(&transaction)), Ok(Recorded::New));
    }
    assert_eq!(database.highest_numbers(&register(1)), Ok(Numbers { sequence: 5, receipt: 2, shift: 4 }));
    assert_eq!(database.highest_numbers(&register(2)), Ok(Numbers { sequence: 8, receipt: 8, shift: 1 }));
}

fn a_register_has_one_device(database: &dyn ChannelDatabase) {
    assert_eq!(database.device("one"), Ok(None));
    let (one, other, elsewhere) = (device("one", 1), device("other", 1), device("elsewhere", 2));
    for device in [&one, &elsewhere, &other] {
        assert_eq!(database.activate(device), Ok(Numbers::default()));
        assert_eq!(database.device(&device.token_hash), Ok(Some(device.clone())));
    }
    let replaced = |device: &Device| Device { status: DeviceStatus::Deactivated, handed_on: Some(Numbers::default()), ..device.clone() };
    assert_eq!(database.device("one"), Ok(Some(replaced(&one))));
    assert_eq!(database.device("elsewhere"), Ok(Some(elsewhere)));
    assert_eq!(database.activate(&one), Ok(Numbers::default()), "a machine comes back");
    assert_eq!(database.device("one"), Ok(Some(one)));
    assert_eq!(database.device("other"), Ok(Some(replaced(&other))));
}

fn a_replaced_device_brings_nothing_beyond_what_was_handed_on(database: &dyn ChannelDatabase) {
    database.activate(&device("stolen", 1)).unwrap();
    let bring = |token: &str, transaction: &Transaction| {
        let device = database.device(token).unwrap().unwrap();
        database.record_from(&device, &upload(transaction)).map_err(|error| error.kind)
    };
    assert_eq!(bring("stolen", &sale(1, 5)), Ok(Recorded::New));
    database.deactivate(&register(1)).unwrap();
    assert_eq!(bring("stolen", &sale(1, 6)), Ok(Recorded::New), "nobody has its numbers yet");
    let known = Numbers { sequence: 9, receipt: 8, shift: 1 };
    let handed_on = database.activate(&Device { numbers: known, ..device("successor", 1) });
    assert_eq!(handed_on, Ok(known));
    let set_aside = Err(ErrorKind::Refused(Refusal::Invalid));
    assert_eq!(bring("stolen", &sale(1, 8)), Ok(Recorded::New), "sold before it was stolen");
    assert_eq!((bring("stolen", &event(1, 10)), bring("stolen", &sale(1, 9))), (set_aside, set_aside));
    assert_eq!(bring("stolen", &sale(1, 5)), Ok(Recorded::Already));
    assert_eq!(bring("successor", &sale(1, 10)), Ok(Recorded::New), "its place is free");
    assert_eq!(database.activate(&device("third", 1)), Ok(Numbers { sequence: 10, receipt: 10, shift: 1 }));
    assert_eq!(bring("stolen", &event(1, 10)), set_aside, "the first handing on counts");
    database.activate(&Device { id: device("third", 1).id, ..device("third again", 1) }).unwrap();
    assert_eq!(bring("third", &sale(1, 11)), Ok(Recorded::New), "the same device has its journal still");
}

fn no_device_takes_its_register_all_numbers(database: &dyn ChannelDatabase) {
    let known = Numbers { sequence: 5_000_000, receipt: 5_000_000, shift: 1 };
    database.activate(&Device { numbers: known, ..device("one", 1) }).unwrap();
    let one = database.device("one").unwrap().unwrap();
    let bring = |transaction: &Transaction| database.record_from(&one, &upload(transaction)).map_err(|error| error.kind);
    let set_aside = Err(ErrorKind::Refused(Refusal::Invalid));
    let at = |number: u32, sequence: u64| Transaction { sequence, ..event(1, number) };
    let high_receipt = Transaction { receipt: Some(6_000_001), sequence: 5_000_001, ..sale(1, 1) };
    let high_shift = Transaction { shift: ShiftId { register: 1, number: 5_000_002 }, ..at(2, 5_000_001) };
    for forged in [at(3, 6_000_001), at(4, i64::MAX.unsigned_abs()), high_receipt, high_shift] {
        assert_eq!(bring(&forged), set_aside, "{} {:?}", forged.sequence, forged.receipt);
    }
    assert_eq!(bring(&at(5, 6_000_000)), Ok(Recorded::New));
    assert_eq!(bring(&at(6, 7_000_000)), Ok(Recorded::New), "it goes on from what is there");
    assert_eq!(bring(&at(7, 8_000_001)), set_aside);
}

fn a_deactivated_device_has_a_share_of_what_is_set_aside(database: &dyn ChannelDatabase) {
    database.activate(&device("one", 1)).unwrap();
    database.deactivate(&register(1)).unwrap();
    let one = database.device("one").unwrap().unwrap();
    let bring = |device: &Device, number: u64| {
        let bad = Upload { canonical: number.to_string(), id: TransactionId(Uuid::from_u64_pair(7, number)) };
        database.record_from(device, &bad).unwrap_err().kind
    };
    let set_aside = ErrorKind::Refused(Refusal::Invalid);
    assert!((0..1_000).all(|number| bring(&one, number) == set_aside));
    assert_eq!(bring(&one, 1_000), ErrorKind::Broken);
    database.activate(&device("two", 2)).unwrap();
    assert_eq!(bring(&database.device("two").unwrap().unwrap(), 1_000), set_aside, "another has room");
}

fn a_deactivated_device_is_still_known(database: &dyn ChannelDatabase) {
    let one = device("one", 1);
    database.activate(&one).unwrap();
    for number in [1, 1, 7] {
        assert_eq!(database.deactivate(&register(number)), Ok(()));
    }
    assert_eq!(database.device("one"), Ok(Some(Device { status: DeviceStatus::Deactivated, ..one })));
    assert_eq!(database.device("' OR 1=1 --\u{0}"), Ok(None));
}

fn a_released_registers_sessions_end(database: &dyn ChannelDatabase) {
    let (here, elsewhere) = (session("here", 1), session("elsewhere", 2));
    let open = || {
        database.open_session(&here).unwrap();
        assert_eq!(database.session("here"), Ok(Some(here.clone())));
    };
    database.open_session(&elsewhere).unwrap();
    open();
    database.deactivate(&register(1)).unwrap();
    assert_eq!(database.session("here"), Ok(None));
    open();
    database.activate(&device("new", 1)).unwrap();
    assert_eq!(database.session("here"), Ok(None));
    assert_eq!(database.session("elsewhere"), Ok(Some(elsewhere)));
}

fn a_session_lasts_until_it_is_closed_or_forgotten(database: &dyn ChannelDatabase) {
    let (early, late) = (session("early", 1), Session { expires_at: at(20), ..session("late", 1) });
    database.open_session(&early).unwrap();
    database.open_session(&late).unwrap();
    database.forget_sessions(early.expires_at).unwrap();
    assert_eq!(database.session("early"), Ok(Some(early.clone())), "it expires at its time, not before");
    database.forget_sessions(early.expires_at + TimeDelta::milliseconds(1)).unwrap();
    assert_eq!((database.session("early"), database.session("late")), (Ok(None), Ok(Some(late))));
    assert_eq!((database.close_session("late"), database.close_session("late")), (Ok(true), Ok(false)));
    assert_eq!(database.session("late"), Ok(None));
}

fn only_staff_is_active(database: &dyn ChannelDatabase) {
    for (operator, expected) in [("000160", true), ("000110", true), ("000161", false), ("", false), ("000160\u{0}", false)] {
        assert_eq!(database.is_active(&operator.into()), Ok(expected), "{operator:?}");
    }
}

fn wrong_pins_add_up_until_the_right_one(database: &dyn ChannelDatabase) {
    let (operator, other) = ("000160".into(), "000161".into());
    assert_eq!(database.attempts(&operator), Ok(Attempts::default()));
    let mut expected = Attempts::default();
    for minute in [0, 1, 1, 2, 3, 4, 3 + LOCK.num_minutes() + 1] {
        expected = expected.after_failure(at(minute));
        assert_eq!(database.note_failure(&operator, at(minute)), Ok(expected));
        assert_eq!(database.attempts(&operator), Ok(expected));
    }
    assert_eq!(database.attempts(&other), Ok(Attempts::default()));
    assert_eq!(database.note_failure(&other, at(0)), Ok(Attempts { failures: 1, locked_until: None }));
    database.clear_attempts(&operator).unwrap();
    assert_eq!(database.attempts(&operator), Ok(Attempts::default()));
    assert_eq!(database.attempts(&other).unwrap().failures, 1);
}

fn wrong_pins_are_kept_for_a_day(database: &dyn ChannelDatabase) {
    let (operator, other) = ("000160".into(), "000161".into());
    database.note_failure(&operator, at(0)).unwrap();
    database.note_failure(&other, at(24 * 60)).unwrap();
    assert_eq!(database.attempts(&operator).unwrap().failures, 1);
    database.note_failure(&other, at(24 * 60 + 1)).unwrap();
    assert_eq!(database.attempts(&operator), Ok(Attempts::default()));
}

fn wrong_pins_at_the_same_time_all_count(database: &dyn ChannelDatabase) {
    let operator = "000160".into();
    std::thread::scope(|scope| {
        for _ in 0..FAILURES_MAX {
            scope.spawn(|| database.note_failure(&operator, at(0)).unwrap());
        }
    });
    assert_eq!(database.attempts(&operator), Ok(Attempts { failures: FAILURES_MAX, locked_until: Some(at(0) + LOCK) }));
}

fn a_report_waits_until_headquarters_has_heard_of_it(database: &dyn ChannelDatabase) {
    assert_eq!(database.reports(10), Ok(vec![]));
    let reports = [report(1, None, Status::Applied), report(2, None, Status::Failed), report(2, Some(1), Status::Applied)];
    for report in &reports {
        database.keep_report(report).unwrap();
    }
    let kept = database.reports(10).unwrap();
    assert_eq!(kept.iter().map(|(_, report)| report).collect::<Vec<_>>(), reports.iter().collect::<Vec<_>>());
    assert_eq!(database.reports(2).unwrap(), kept[..2]);
    database.forget_reports(&[kept[0].0, kept[2].0, 999_999]).unwrap();
    assert_eq!(database.reports(10).unwrap(), kept[1..2]);
}

fn the_last_word_on_a_package_replaces_the_one_before(database: &dyn ChannelDatabase) {
    database.keep_report(&report(1, None, Status::Failed)).unwrap();
    let heard = database.reports(10).unwrap()[0].0;
    database.keep_report(&report(2, None, Status::Failed)).unwrap();
    database.keep_report(&report(1, None, Status::Applied)).unwrap();
    database.forget_reports(&[heard]).unwrap();
    let kept: Vec<_> = database.reports(10).unwrap().into_iter().map(|(_, report)| report).collect();
    assert_eq!(
        kept,
        [report(2, None, Status::Failed), report(1, None, Status::Applied)],
        "what came after the report was sent is not lost"
    );
}

fn transactions_go_on_in_the_order_in_which_they_came(database: &dyn ChannelDatabase) {
    assert_eq!((database.waiting_for_headquarters(10), database.waiting_count()), (Ok(vec![]), Ok(0)));
    let uploads = [sale(2, 7), sale(1, 9), event(1, 3), sale(1, 2), sale(1, 1)].map(|transaction| upload(&transaction));
    for upload in &uploads {
        database.record(upload).unwrap();
        database.record(upload).unwrap();
    }
    database.record(&Upload { canonical: "bad".to_owned(), ..upload(&sale(3, 3)) }).unwrap_err();
    assert_eq!((database.waiting_for_headquarters(10).unwrap(), database.waiting_count()), (uploads.to_vec(), Ok(5)));
    assert_eq!(database.waiting_for_headquarters(2).unwrap(), uploads[..2]);
    for _ in 0..2 {
        database.taken_by_headquarters(&[uploads[2].id, uploads[0].id, sale(7, 7).id]).unwrap();
    }
    let left = [1, 3, 4].map(|place: usize| uploads[place].clone());
    assert_eq!((database.waiting_for_headquarters(10).unwrap(), database.waiting_count()), (left.to_vec(), Ok(3)));
    assert_eq!(database.record(&uploads[0]), Ok(Recorded::Already), "and is not sent on again");
    assert_eq!(database.waiting_count(), Ok(3));
}

fn an_event_is_counted(database: &dyn ChannelDatabase) {
    assert_eq!(database.transaction_count(), Ok(0));
    for transaction in [event(1, 1), sale(1, 2), sale(1, 2)] {
        database.record(&upload(&transaction)).unwrap();
    }
    assert_eq!((database.transaction_count(), database.is_empty()), (Ok(2), Ok(false)));
}

fn a_register_is_known_as_headquarters_set_it_up(database: &dyn ChannelDatabase) {
    let setup = RegisterSetup {
        register: register(1),
        name: "Express".to_owned(),
        support_offline: true,
        offline_profile: None,
        layout: None,
        theme: None,
        lock_after_s: Some(300),
        numbers: Numbers::default(),
    };
    let content = serde_json::to_string(&setup).unwrap();
    let record = |key: &str| Record { kind: "register".to_owned(), key: key.to_owned(), content: content.clone() };
    apply_full(database, &MasterData { records: vec![record("1"), record("2")], ..shop() }, 2).unwrap();
    assert_eq!(database.register(&register(1)), Ok(setup));
    for stranger in [register(2), register(3), RegisterId { store: "344".to_owned(), number: 1 }] {
        let refused = database.register(&stranger).unwrap_err().kind;
        assert_eq!(refused, ErrorKind::Refused(Refusal::NotFound), "{stranger}");
    }
    assert_eq!(database.records("register"), Ok(vec![record("1"), record("2")]));
    assert_eq!(database.records("device"), Ok(vec![]));
}

fn a_full_package_replaces_what_was_there(database: &dyn ChannelDatabase) {
    database.record(&upload(&sale(1, 1))).unwrap();
    let mut changed = shop();
    changed.products.remove(0);
    changed.staff.pop();
    apply_full(database, &changed, 7).unwrap();
    assert_eq!((database.data_version(), database.transaction_count()), (Ok(7), Ok(1)));
    assert_eq!(database.product_by_barcode("4006381333931"), Ok(None));
    assert_eq!((found(database, "brulee"), found(database, "beans")), (vec![], vec!["1003".to_owned(), "1002".to_owned()]));
    assert_eq!(database.is_active(&"000110".into()), Ok(false));
}

fn a_delta_changes_what_it_names_and_nothing_else(database: &dyn ChannelDatabase) {
    let shop = shop();
    let mut cheaper = shop.products[1].clone();
    cheaper.price = usd("0.49");
    let mut renamed = shop.products[2].clone();
    (renamed.name, renamed.barcode) = ("LENTILS 8 OZ".to_owned(), "96385081".to_owned());
    let mut new = shop.products[4].clone();
    (new.id, new.barcode, new.name) = ("1005".into(), "96385098".to_owned(), "Bean Sprouts".to_owned());
    let code = ProductCode { code: "BOX-6".to_owned(), product: cheaper.id.clone(), quantity: Some(Quantity::parse("6").unwrap()) };
    let changes = Changes {
        store: Some(Store { name: "Lakeside".to_owned(), ..shop.store.clone() }),
        products: vec![cheaper.clone(), renamed.clone(), new.clone()],
        codes: vec![code],
        staff: vec![StaffMember { operator: Operator { id: "000170".into(), ..shop.staff[0].operator.clone() }, ..shop.staff[0].clone() }],
        records: vec![Record { kind: "note".to_owned(), key: "1".to_owned(), content: "{}".to_owned() }],
        deleted_products: vec!["1004".into()],
        deleted_staff: vec!["000110".into()],
        deleted_customers: vec!["2001".to_owned()],
        ..Changes::default()
    };
    apply_delta(database, &changes, 1, 2).unwrap();
    assert_eq!((database.data_version(), database.store("343").unwrap().name), (Ok(2), "Lakeside".to_owned()));
    for (code, product) in [
        ("036000291452", Some(&cheaper)),
        ("BOX-6", Some(&cheaper)),
        ("BOX-12", None),
        ("96385081", Some(&renamed)),
        ("012345678905", None),
        ("96385098", Some(&new)),
        ("96385074", None),
        ("4006381333931", Some(&shop.products[0])),
        ("7", Some(&shop.products[3])),
    ] {
        let found = database.product_by_barcode(code).unwrap().map(|found| found.product);
        assert_eq!(found.as_ref(), product, "{code}");
    }
    for (text, ids) in [
        ("bean", vec!["1005", "1002"]),
        ("green", vec![]),
        ("lentils", vec!["1003"]),
        ("lentlis", vec!["1003"]),
        ("coffee", vec![]),
        ("", vec!["4011", "1005", "1001", "1003", "1002"]),
    ] {
        assert_eq!(found(database, text), ids, "{text:?}");
    }
    for (operator, expected) in [("000160", true), ("000170", true), ("000110", false)] {
        assert_eq!(database.is_active(&operator.into()), Ok(expected), "{operator}");
    }
    assert_eq!(database.records("note").unwrap().len(), 1);
    let gone = Changes { deleted_records: vec![("note".to_owned(), "1".to_owned())], ..Changes::default() };
    apply_delta(database, &gone, 2, 3).unwrap();
    assert_eq!((database.records("note"), database.data_version()), (Ok(vec![]), Ok(3)));
}

fn a_delta_needs_its_version(database: &dyn ChannelDatabase) {
    let refused = apply_delta(database, &Changes::default(), 2, 3).unwrap_err().kind;
    assert_eq!(refused, ErrorKind::Refused(Refusal::Conflict));
    assert_eq!(database.data_version(), Ok(1));
    apply_delta(database, &Changes::default(), 1, 2).unwrap();
    assert_eq!(database.data_version(), Ok(2));
}

fn a_contradictory_delta_changes_nothing(database: &dyn ChannelDatabase) {
    let mut taken = shop().products[0].clone();
    "036000291452".clone_into(&mut taken.barcode);
    let changes = Changes { products: vec![taken], deleted_staff: vec!["000110".into()], ..Changes::default() };
    let refused = apply_delta(database, &changes, 1, 2).unwrap_err();
    assert_eq!(
        (refused.kind, refused.detail.as_str()),
        (ErrorKind::Refused(Refusal::Invalid), "the code 036000291452 stands for two things")
    );
    assert_eq!((database.data_version(), database.is_active(&"000110".into())), (Ok(1), Ok(true)));
    assert_eq!(database.product(&"1001".into()), Ok(Some(shop().products[0].clone())));
}

fn a_package_of_another_schema_is_refused(database: &dyn ChannelDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, file) = full_package(folder.path(), &shop(), 2);
    let other = Manifest { schema: manifest.schema + 1, ..manifest };
    assert_eq!(database.apply(&other, &file).unwrap_err().kind, ErrorKind::Broken);
    assert_eq!(database.data_version(), Ok(1));
}

fn who_reads_while_packages_are_applied_sees_one_version(database: &dyn ChannelDatabase) {
    const VERSIONS: u64 = 12;
    let priced = |version: u64| {
        let mut data = shop();
        data.products.iter_mut().for_each(|product| product.price = usd(&format!("{version}.00")));
        data
    };
    apply_full(database, &priced(2), 2).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = HashSet::new();
                    while !is_done.load(Ordering::Relaxed) {
                        let page = database.search_products(&ProductSearch { text: "b".to_owned(), offset: 0, limit: 50 }).unwrap();
                        let prices: HashSet<_> = page.products.iter().map(|product| product.price.to_string()).collect();
                        assert_eq!((page.products.len(), prices.len()), (4, 1), "{prices:?}");
                        assert!(database.product_by_barcode("4011").unwrap().is_some());
                        seen.extend(prices);
                    }
                    seen.len()
                })
            })
            .collect();
        for version in 3..VERSIONS {
            let data = priced(version);
            if version % 3 == 0 {
                apply_full(database, &data, version).unwrap();
            } else {
                let changes = Changes { products: data.products, codes: data.codes, ..Changes::default() };
                apply_delta(database, &changes, version - 1, version).unwrap();
            }
            database.record(&upload(&sale(1, u32::try_from(version).unwrap()))).unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 1, "the readers saw versions change");
        }
    });
    assert_eq!((database.data_version(), database.transaction_count()), (Ok(VERSIONS - 1), Ok(VERSIONS - 3)));
}

fn apply_full(database: &dyn ChannelDatabase, data: &MasterData, version: u64) -> Result<()> {
    // On the disk of the database, as a scale unit's packages are.
    let folder = tempfile::tempdir().unwrap();
    let (manifest, file) = full_package(folder.path(), data, version);
    database.apply(&manifest, &file)
}

fn apply_delta(database: &dyn ChannelDatabase, changes: &Changes, from_version: u64, to_version: u64) -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, file) = delta_package(folder.path(), changes, from_version, to_version);
    database.apply(&manifest, &file)
}

fn found(database: &dyn ChannelDatabase, text: &str) -> Vec<String> {
    let page = database.search_products(&ProductSearch { text: text.to_owned(), offset: 0, limit: 50 }).unwrap();
    page.products.into_iter().map(|product| product.id.0).collect()
}

fn over_sqlite(rule: fn(&dyn ChannelDatabase)) {
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    database.load(&shop()).unwrap();
    rule(&database);
}

fn over_postgres(rule: fn(&dyn ChannelDatabase)) {
    let Some(server) = Database::new() else { return };
    let database = PostgresChannel::connect(&server.url).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (manifest, file) = full_package(folder.path(), &shop(), 1);
    assert_eq!(database.is_empty(), Ok(true));
    database.apply(&manifest, &file).unwrap();
    rule(&database);
}

fn at(minute: i64) -> Time {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minute)
}

fn register(number: u32) -> RegisterId {
    RegisterId { store: "343".to_owned(), number }
}

fn device(token_hash: &str, number: u32) -> Device {
    let id = format!("device of {token_hash}");
    Device {
        id,
        register: register(number),
        token_hash: token_hash.to_owned(),
        status: DeviceStatus::Activated,
        numbers: Numbers::default(),
        handed_on: None,
    }
}

fn session(token_hash: &str, number: u32) -> Session {
    Session { token_hash: token_hash.to_owned(), operator: "000160".into(), register: register(number), expires_at: at(10) }
}

fn report(package: u64, number: Option<u32>, status: Status) -> Report {
    Report { package, register: number.map(register), status, reason: "the \"disk\" is full".to_owned(), at: at(1) }
}

fn upload(transaction: &Transaction) -> Upload {
    Upload { id: transaction.id, canonical: transaction.canonical() }
}
