use std::collections::BTreeSet;

use proptest::prelude::*;
use tempfile::TempDir;

use super::testing::{Shop, add, at, copy, pay, register, stamp};
use super::verify::verify;
use super::*;
use crate::channel::Upload;
use crate::ids::KeySource;

/// What a register finds after `kill -9` at this moment.
fn after_kill(shop: &Shop) -> (TempDir, Journal) {
    let directory = copy(shop.directory.path());
    let journal = Journal::open(directory.path(), &register()).unwrap();
    (directory, journal)
}

fn reopen(shop: Shop) -> Shop {
    let Shop { directory, journal, keys } = shop;
    drop(journal);
    let journal = Journal::open(directory.path(), &register()).unwrap();
    Shop { directory, journal, keys }
}

fn refused(directory: &Path) -> JournalError {
    Journal::open(directory, &register()).err().expect("the journal was opened")
}

#[test]
fn every_change_of_the_sale_in_hand_is_there_after_a_kill() {
    let mut shop = Shop::open();
    let mut sale = shop.sale(2);
    shop.journal.keep(&sale).unwrap();
    assert_eq!(after_kill(&shop).1.sale_in_hand().unwrap().as_ref(), Some(&sale));
    sale.toggle_void(1).unwrap();
    shop.journal.keep(&sale).unwrap();
    assert_eq!(after_kill(&shop).1.sale_in_hand().unwrap().as_ref(), Some(&sale));
    add(&mut sale);
    pay(&mut sale);
    shop.journal.keep(&sale).unwrap();
    assert_eq!(after_kill(&shop).1.sale_in_hand().unwrap().as_ref(), Some(&sale));
    sale.void_payment(1).unwrap();
    shop.journal.keep(&sale).unwrap();
    assert_eq!(after_kill(&shop).1.sale_in_hand().unwrap(), Some(sale));
    let other = shop.sale(1);
    shop.journal.keep(&other).unwrap();
    assert_eq!(after_kill(&shop).1.sale_in_hand().unwrap(), Some(other), "nothing of the sale before is left");
}

#[test]
fn nothing_is_recorded_in_a_file_that_was_moved_away_until_it_is_back() {
    let mut shop = Shop::open();
    let sale = shop.sale(2);
    let path = shop.directory.path().join("journal.db");
    let away = path.with_extension("away");
    std::fs::rename(&path, &away).unwrap();
    assert_eq!(shop.journal.keep(&sale), Err(JournalError::Moved));
    std::fs::copy(&away, &path).unwrap();
    assert_eq!(shop.journal.keep(&sale), Err(JournalError::Moved), "a copy is not the file");
    std::fs::rename(&away, &path).unwrap();
    shop.journal.keep(&sale).unwrap();
    assert_eq!(after_kill(&shop).1.sale_in_hand().unwrap(), Some(sale));
}

#[test]
fn a_concluded_sale_is_there_after_a_kill_and_no_longer_in_hand() {
    let mut shop = Shop::open();
    let mut sale = shop.sale(3);
    shop.journal.keep(&sale).unwrap();
    pay(&mut sale);
    let concluded = shop.journal.conclude(&sale, &stamp(5)).unwrap();
    assert_eq!((concluded.sequence, concluded.receipt), (1, Some(1)));
    assert_eq!(concluded.verify(), Ok(()));

    let (directory, journal) = after_kill(&shop);
    assert_eq!(journal.transaction(&sale.id).unwrap().as_ref(), Some(&concluded));
    assert_eq!(journal.last_sale().unwrap(), Some(concluded.clone()));
    assert_eq!(journal.sale_in_hand().unwrap(), None);
    let waiting = Outbox::open(directory.path()).unwrap().waiting(0, 10).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].upload, Ok(Upload { id: sale.id, canonical: concluded.canonical() }));
}

#[test]
fn a_journal_that_is_made_knows_its_numbers_from_the_first_moment() {
    let directory = TempDir::new().unwrap();
    let numbers = Numbers { sequence: 40, receipt: 17, shift: 3 };
    file::create_if_missing(directory.path(), &register(), numbers).unwrap();
    let journal = Journal::open(directory.path(), &register()).unwrap();
    assert_eq!(chain::highest(&journal.database).unwrap(), numbers);
}

#[test]
fn commits_are_forced_to_the_disk() {
    let shop = Shop::open();
    let pragma = |name| shop.journal.database.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
    assert_eq!(pragma("synchronous"), 2.into(), "FULL");
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    assert_eq!(pragma("foreign_keys"), 1.into());
    assert_eq!(shop.outbox().waiting(0, 1).unwrap(), []);
}

#[test]
fn keeping_a_long_sale_writes_no_more_than_a_short_one() {
    let mut written = Vec::new();
    for lines in [1, 500] {
        let mut shop = Shop::open();
        let mut sale = shop.sale(lines);
        shop.journal.keep(&sale).unwrap();
        let rows = |shop: &Shop| -> i64 { shop.journal.database.query_row("SELECT total_changes()", (), |row| row.get(0)).unwrap() };
        let before = rows(&shop);
        add(&mut sale);
        shop.journal.keep(&sale).unwrap();
        sale.toggle_void(1).unwrap();
        shop.journal.keep(&sale).unwrap();
        shop.journal.keep(&sale).unwrap();
        written.push(rows(&shop) - before);
    }
    assert_eq!(written, [2, 2]);
}

#[test]
fn a_voided_sale_and_an_event_have_no_receipt_number() {
    let mut shop = Shop::open();
    let sale = shop.sale(1);
    shop.journal.keep(&sale).unwrap();
    let voided = shop.journal.void(&sale, &stamp(1)).unwrap();
    let noted = shop.note();
    let sold = shop.sell();
    assert_eq!((voided.sequence, voided.receipt, voided.kind()), (1, None, "voided_sale"));
    assert_eq!((noted.sequence, noted.receipt, noted.kind()), (2, None, "event"));
    assert_eq!((sold.sequence, sold.receipt), (3, Some(1)));
    assert_eq!(shop.journal.sale_in_hand().unwrap(), None);
}

#[test]
fn concluding_is_one_commit_or_nothing() {
    for step in ["BEFORE DELETE ON sale_in_hand", "BEFORE INSERT ON outbox", "BEFORE UPDATE ON chain"] {
        let mut shop = Shop::open();
        let mut sale = shop.sale(2);
        shop.journal.keep(&sale).unwrap();
        shop.tamper(&format!("CREATE TRIGGER broken {step} BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END"));
        let in_hand = Some(sale.clone());
        pay(&mut sale);
        assert!(matches!(shop.journal.conclude(&sale, &stamp(1)), Err(JournalError::Io { .. })), "{step}");
        assert_eq!((shop.journal.transaction(&sale.id).unwrap(), shop.journal.sale_in_hand().unwrap()), (None, in_hand), "{step}");
        assert_eq!(shop.journal.unsent().unwrap(), Unsent::default());
        shop.tamper("DROP TRIGGER broken");
        assert_eq!(shop.journal.conclude(&sale, &stamp(1)).unwrap().receipt, Some(1));
    }
}

#[test]
fn a_sale_is_recorded_once() {
    let mut shop = Shop::open();
    let mut sale = shop.sale(1);
    pay(&mut sale);
    shop.journal.conclude(&sale, &stamp(1)).unwrap();
    assert_eq!(shop.journal.conclude(&sale, &stamp(2)), Err(JournalError::AlreadyRecorded));
    assert_eq!(shop.journal.void(&sale, &stamp(2)), Err(JournalError::AlreadyRecorded));
    let next = shop.sell();
    assert_eq!((next.sequence, next.receipt), (2, Some(2)));
}

#[test]
fn shifts_are_numbered_and_their_opening_is_noted() {
    let mut shop = Shop::open();
    assert_eq!(shop.journal.shift().unwrap(), None);
    let mut opened = Vec::new();
    for second in [1, 2] {
        let id = shop.keys.next(at(second));
        opened.push(shop.journal.open_shift(id, |shift| Stamp { shift, offline: true, ..stamp(second) }).unwrap());
        let noted = shop.journal.transaction(&id).unwrap().unwrap();
        assert_eq!((noted.content, noted.shift, noted.offline), (Content::Event(Event::ShiftOpened), opened.last().unwrap().id, true));
    }
    assert_eq!(opened.iter().map(|shift| shift.id.to_string()).collect::<Vec<_>>(), ["1-1", "1-2"]);
    let shop = reopen(shop);
    assert_eq!(shop.journal.shift().unwrap().as_ref(), opened.last());
}

#[test]
fn counts_what_is_unsent() {
    let mut shop = Shop::open();
    assert_eq!(shop.journal.unsent().unwrap(), Unsent::default());
    shop.note();
    shop.sell();
    let sale = shop.sale(1);
    shop.journal.void(&sale, &stamp(9)).unwrap();
    let unsent = |shop: &Shop| shop.journal.unsent().unwrap();
    assert_eq!(unsent(&shop), Unsent { sales: 2, events: 1, set_aside: 0, oldest_sale: Some(at(1)) });
    let mut outbox = shop.outbox();
    outbox.set_aside(1, "no", at(10)).unwrap();
    outbox.sent(&[1, 2, 2], at(10)).unwrap();
    assert_eq!(unsent(&shop), Unsent { sales: 1, events: 1, set_aside: 1, oldest_sale: Some(at(9)) });
    outbox.sent(&[3], at(10)).unwrap();
    assert_eq!(unsent(&shop), Unsent { sales: 0, events: 1, set_aside: 1, oldest_sale: None });
}

#[test]
fn a_second_register_is_kept_out() {
    let shop = Shop::open();
    assert_eq!(refused(shop.directory.path()), JournalError::Locked { directory: shop.directory.path().to_owned() });
    reopen(shop);
}

#[test]
fn another_registers_journal_and_a_newer_one_are_refused() {
    let mut shop = Shop::open();
    shop.sell();
    let other = RegisterId { store: "343".to_owned(), number: 2 };
    let (directory, _) = after_kill(&shop);
    let error = Journal::open(directory.path(), &other).err().unwrap();
    assert_eq!(error, JournalError::ForeignRegister { expected: other, found: register() });
    assert_eq!(error.to_string(), "the journal belongs to register 343-1, expected 343-2");

    shop.tamper("INSERT INTO refinery_schema_history VALUES (1000, 'later', '2030-01-01T00:00:00Z', '1')");
    let directory = copy(shop.directory.path());
    assert_eq!(refused(directory.path()), JournalError::Newer { found: 1000, known: 4 });
    assert_eq!(Reader::open(directory.path()).err(), Some(JournalError::Newer { found: 1000, known: 4 }));
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let mut shop = Shop::open();
    (0..40).for_each(|_| drop(shop.sell()));
    let path = |directory: &TempDir| directory.path().join("journal.db");
    let Shop { directory, journal, .. } = shop;
    drop(journal);
    let whole = std::fs::read(path(&directory)).unwrap();
    let random: Vec<u8> = (0..9_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let foreign = TempDir::new().unwrap();
    rusqlite::Connection::open(path(&foreign)).unwrap().execute_batch("CREATE TABLE t (x); PRAGMA user_version = 7").unwrap();
    let mut damaged = vec![Vec::new(), random, std::fs::read(path(&foreign)).unwrap()];
    damaged.extend([1, 15, 50, 99, 100, 511, 512, 4_095, 4_096, whole.len() / 2, whole.len() - 1].map(|length| whole[..length].to_vec()));
    for bytes in damaged {
        let directory = TempDir::new().unwrap();
        std::fs::write(path(&directory), &bytes).unwrap();
        let error = refused(directory.path());
        assert!(matches!(error, JournalError::Corrupt { .. }), "{} bytes: {error:?}", bytes.len());
        assert!(Reader::open(directory.path()).map(|reader| verify(&reader)).is_ok_and(|found| found.problems.is_empty()).eq(&false));
        assert_eq!(std::fs::read(path(&directory)).unwrap(), bytes, "the file was changed");
    }
}

#[test]
fn a_journal_that_is_gone_but_for_its_last_changes_is_no_reason_to_begin_anew() {
    let mut shop = Shop::open();
    shop.sell();
    let directory = copy(shop.directory.path());
    std::fs::remove_file(directory.path().join("journal.db")).unwrap();
    assert!(matches!(refused(directory.path()), JournalError::Corrupt { .. }));
    assert_eq!(Reader::open(directory.path()).err(), Some(JournalError::Missing { directory: directory.path().to_owned() }));
}

#[test]
fn a_first_start_that_was_cut_off_is_begun_again() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("journal.db.new"), b"SQLite format 3\0 and no more").unwrap();
    Journal::open(directory.path(), &register()).unwrap();
    assert!(!directory.path().join("journal.db.new").exists());
}

#[test]
fn a_record_that_does_not_fit_the_chains_end_is_noticed_when_the_register_starts() {
    for damage in [
        "DELETE FROM transactions WHERE sequence = 20",
        "DELETE FROM transactions WHERE sequence = 15",
        "DELETE FROM transactions",
        "UPDATE transactions SET canonical = replace(canonical, 'Apples', 'Pears') WHERE sequence = 20",
        "UPDATE transactions SET receipt = 30 WHERE sequence = 20",
        "UPDATE chain SET sequence = 19 WHERE mark = 'newest'",
        "UPDATE chain SET receipt = 19 WHERE mark = 'newest'",
        "DELETE FROM chain",
        "DELETE FROM register",
    ] {
        let mut shop = Shop::open();
        (0..20).for_each(|_| drop(shop.sell()));
        shop.tamper(damage);
        let directory = copy(shop.directory.path());
        assert!(matches!(refused(directory.path()), JournalError::Corrupt { .. }), "{damage}");
    }
}

#[test]
fn a_full_disk_loses_nothing_and_selling_goes_on_when_there_is_room() {
    let mut shop = Shop::open();
    shop.sell();
    let pages: i64 = shop.journal.database.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let limit = |shop: &Shop, pages: i64| {
        shop.journal.database.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |row| row.get::<_, i64>(0)).unwrap();
    };
    limit(&shop, pages);
    let mut sale = shop.sale(0);
    let mut kept = None;
    let full = loop {
        add(&mut sale);
        match shop.journal.keep(&sale) {
            Ok(()) => kept = Some(sale.clone()),
            Err(error) => break error,
        }
    };
    assert_eq!(full, JournalError::Full);
    assert_eq!(shop.journal.sale_in_hand().unwrap(), kept);
    let mut paid = sale.clone();
    pay(&mut paid);
    assert_eq!(shop.journal.conclude(&paid, &stamp(2)), Err(JournalError::Full));
    assert_eq!(after_kill(&shop).1.sale_in_hand().unwrap(), kept);
    assert_eq!(shop.verify().problems, <[String; 0]>::default());

    limit(&shop, 1_000_000);
    shop.journal.keep(&sale).unwrap();
    assert_eq!(after_kill(&shop).1.sale_in_hand().unwrap(), Some(sale));
    let concluded = shop.journal.conclude(&paid, &stamp(3)).unwrap();
    assert_eq!((concluded.sequence, concluded.receipt), (2, Some(2)));
    assert_eq!(shop.journal.sale_in_hand().unwrap(), None);
}

#[test]
fn a_change_taken_back_after_a_failed_write_is_not_left_in_the_file() {
    let mut shop = Shop::open();
    let mut sale = shop.sale(1);
    shop.journal.keep(&sale).unwrap();
    shop.tamper("CREATE TRIGGER broken BEFORE INSERT ON sale_in_hand BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END");
    sale.toggle_void(1).unwrap();
    assert!(matches!(shop.journal.keep(&sale), Err(JournalError::Io { .. })));
    // As if the failed write had reached the disk all the same.
    let voided = serde_json::to_string(&sale.lines()[0]).unwrap();
    shop.tamper(&format!("DROP TRIGGER broken; UPDATE sale_in_hand SET content = '{voided}' WHERE part = 'line'"));
    sale.toggle_void(1).unwrap();
    shop.journal.keep(&sale).unwrap();
    assert_eq!(shop.journal.sale_in_hand().unwrap(), Some(sale));
}

#[test]
fn a_damaged_sale_in_hand_is_told() {
    for damage in [
        "DELETE FROM sale_in_hand WHERE part = 'header'",
        "DELETE FROM sale_in_hand WHERE number = 1",
        "UPDATE sale_in_hand SET content = '{'",
    ] {
        let mut shop = Shop::open();
        let sale = shop.sale(2);
        shop.journal.keep(&sale).unwrap();
        shop.tamper(damage);
        assert!(matches!(shop.journal.sale_in_hand(), Err(JournalError::Corrupt { .. })), "{damage}");
        assert_eq!(shop.verify().problems.len(), 1);
    }
}

#[test]
fn starting_reads_only_the_newest_records_and_the_verifier_all() {
    let mut shop = Shop::open();
    (0..40).for_each(|_| drop(shop.sell()));
    shop.tamper("UPDATE transactions SET hash = '' WHERE sequence = 2");
    let (directory, _) = after_kill(&shop);
    assert_eq!(verify(&Reader::open(directory.path()).unwrap()).problems.len(), 3, "record 2, its signature, and 3 that continues it");
}

#[derive(Clone, Debug)]
enum Step {
    Keep(usize),
    Conclude,
    Void,
    Note,
    OpenShift,
    Send,
    Purge,
    Reopen,
    Kill,
    KillMidWrite(f64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..4_usize).prop_map(Step::Keep),
        3 => Just(Step::Conclude),
        1 => Just(Step::Void),
        2 => Just(Step::Note),
        1 => Just(Step::OpenShift),
        2 => Just(Step::Send),
        1 => Just(Step::Purge),
        1 => Just(Step::Reopen),
        2 => Just(Step::Kill),
        2 => (0.0..1.0).prop_map(Step::KillMidWrite),
    ];
    proptest::collection::vec(step, 1..25)
}

/// Every number given out so far, by what was durable when it was given.
#[derive(Clone, Default)]
struct Given {
    sequences: Vec<u64>,
    receipts: Vec<u64>,
    shifts: Vec<u64>,
    ids: BTreeSet<TransactionId>,
    in_hand: Option<Sale>,
}

impl Given {
    fn add(&mut self, transaction: &Transaction) {
        self.sequences.push(transaction.sequence);
        self.receipts.extend(transaction.receipt);
        self.ids.insert(transaction.id);
    }
}

fn gap_free(numbers: &[u64]) -> bool {
    numbers.iter().copied().eq(1..=numbers.len() as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_number_is_skipped_or_used_twice_whatever_happens(steps in steps()) {
        let mut shop = Shop::open();
        shop.keys = KeySource::System;
        let mut given = Given::default();
        // What every commit so far left behind, for a write that is cut off somewhere in the log.
        let mut history = vec![given.clone()];
        for step in steps {
            match step {
                Step::Keep(lines) => {
                    let mut sale = given.in_hand.clone().unwrap_or_else(|| shop.sale(0));
                    (0..lines).for_each(|_| add(&mut sale));
                    shop.journal.keep(&sale).unwrap();
                    given.in_hand = Some(sale);
                }
                Step::Conclude => {
                    let mut sale = given.in_hand.take().unwrap_or_else(|| shop.sale(1));
                    pay(&mut sale);
                    given.add(&shop.journal.conclude(&sale, &stamp(1)).unwrap());
                }
                Step::Void => {
                    let sale = given.in_hand.take().unwrap_or_else(|| shop.sale(1));
                    given.add(&shop.journal.void(&sale, &stamp(1)).unwrap());
                }
                Step::Note => given.add(&shop.note()),
                Step::OpenShift => {
                    let id = shop.keys.next(at(0));
                    given.shifts.push(shop.journal.open_shift(id, |shift| Stamp { shift, ..stamp(1) }).unwrap().id.number);
                    given.add(&shop.journal.transaction(&id).unwrap().unwrap());
                }
                Step::Send => {
                    let mut outbox = shop.outbox();
                    let waiting: Vec<u64> = outbox.waiting(0, 3).unwrap().iter().map(|waiting| waiting.sequence).collect();
                    outbox.sent(&waiting, at(2)).unwrap();
                }
                Step::Purge => drop(shop.outbox().purge(at(100)).unwrap()),
                Step::Reopen => shop = reopen(shop),
                Step::Kill => {
                    let (directory, journal) = after_kill(&shop);
                    shop = Shop { directory, journal, keys: KeySource::System };
                }
                Step::KillMidWrite(kept) => {
                    let directory = copy(shop.directory.path());
                    let log = directory.path().join("journal.db-wal");
                    if let Ok(bytes) = std::fs::read(&log) {
                        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "any place will do")]
                        std::fs::write(&log, &bytes[..(bytes.len() as f64 * kept) as usize]).unwrap();
                    }
                    let journal = Journal::open(directory.path(), &register()).unwrap();
                    let last = chain::read(&journal.database, Mark::Newest).unwrap().sequence;
                    let in_hand = journal.sale_in_hand().unwrap();
                    let state = history.iter().rev().find(|state| state.sequences.len() as u64 == last && state.in_hand == in_hand);
                    prop_assert!(state.is_some(), "the register woke up in a state it never was in");
                    given = state.unwrap().clone();
                    shop = Shop { directory, journal, keys: KeySource::System };
                }
            }
            history.push(given.clone());
            prop_assert!(gap_free(&given.sequences) && gap_free(&given.receipts) && gap_free(&given.shifts));
            prop_assert_eq!(given.ids.len(), given.sequences.len());
            prop_assert_eq!(shop.journal.sale_in_hand().unwrap(), given.in_hand.clone());
            let found = shop.verify();
            prop_assert_eq!(found.problems, Vec::<String>::new());
        }
    }
}
