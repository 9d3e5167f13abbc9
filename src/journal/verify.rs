//! The verifier: walks the whole journal and names every record that was deleted, swapped, edited or cut off.
//!
//! It only reads, trusts no column, and goes on after each problem. Whoever can write the file can make new links for all that he changed,
//! but not the signatures over them. The public keys stand in the journal: who was told them before, as headquarters is by the first
//! record it gets, hands them in, and a key that somebody put in its place is found out too. What no journal can tell is that its end was
//! cut off together with every mark of it: that shows at the scale unit, which has the records. Called by `evertill journal verify` and
//! by tests.

mod signatures;

use rusqlite::{Connection, Row};

use super::chain::{self, Link, Mark, added, number};
use super::{Reader, Result, file, hand};
use crate::ids::RegisterId;
use crate::retail::transaction::{Transaction, chain_hash};
use crate::signature::VerifyingKey;
use signatures::Signatures;

/// What a verification found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verification {
    /// How many transactions were read.
    pub transactions: u64,
    /// What does not fit, each naming its row; none when all is well.
    pub problems: Vec<String>,
    /// What is as it should be, and yet worth knowing: whose key signed from where on, and what has no signature for which reason.
    pub remarks: Vec<String>,
}

/// Verifies the whole journal as it stands at this moment, by the keys that it names itself.
pub fn verify(reader: &Reader) -> Verification {
    verify_by(reader, &[])
}

/// The same; when there are any `known` keys, the register may have signed with no others.
pub fn verify_by(reader: &Reader, known: &[VerifyingKey]) -> Verification {
    let mut verification = Verification::default();
    if let Err(error) = walk(&reader.database, known, &mut verification) {
        verification.problems.push(error.to_string());
    }
    verification
}

fn walk(database: &Connection, known: &[VerifyingKey], verification: &mut Verification) -> Result<()> {
    // One moment for all that follows: the register may be selling.
    let moment = database.unchecked_transaction()?;
    check_file(&moment, &mut verification.problems)?;
    let register = file::owner(&moment)?;
    let (purged, newest) = (chain::read(&moment, Mark::Purged)?, chain::read(&moment, Mark::Newest)?);
    let activations = activations(&moment)?;
    let signatures = Signatures::behind(&purged, known);
    let mut walk = Walk { register, before: purged, activations, signatures, problems: &mut verification.problems };
    let mut statement = moment
        .prepare("SELECT sequence, id, receipt, kind, recorded_at, canonical, hash, transactions.* FROM transactions ORDER BY sequence")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        verification.transactions += 1;
        match Record::read(row) {
            Ok(record) => walk.next(record),
            Err(error) => walk.problems.push(format!("after sequence {}: a record cannot be read: {error}", walk.before.sequence)),
        }
    }
    verification.remarks = walk.end(&newest);
    check_outbox(&moment, &mut verification.problems)?;
    if let Err(error) = hand::read(&moment) {
        verification.problems.push(format!("sale in hand: {error}"));
    }
    Ok(())
}

/// A row of the transactions' table.
struct Record {
    sequence: u64,
    id: String,
    receipt: Option<u64>,
    kind: String,
    recorded_at: i64,
    canonical: String,
    hash: String,
    signature: Option<String>,
}

impl Record {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: number(row, 0)?,
            id: row.get(1)?,
            receipt: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned),
            kind: row.get(3)?,
            recorded_at: row.get(4)?,
            canonical: row.get(5)?,
            hash: row.get(6)?,
            signature: added(row, "signature")?,
        })
    }
}

/// The way along the chain: the link behind, and what was wrong so far.
struct Walk<'a> {
    register: RegisterId,
    before: Link,
    /// The numbers from which the register went on at its activations: sequence and receipt, in order.
    activations: Vec<(u64, u64)>,
    signatures: Signatures<'a>,
    problems: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn next(&mut self, record: Record) {
        let sequence = record.sequence;
        let mut problems = Vec::new();
        self.go_on_from_activations(sequence);
        self.expect_sequence(sequence);
        if let Some(receipt) = record.receipt
            && receipt != self.before.receipt.wrapping_add(1)
        {
            problems.push(format!("receipt {receipt} follows receipt {}", self.before.receipt));
        }
        if chain_hash(&self.before.hash, &record.canonical) != record.hash {
            problems.push("it was changed, or does not continue the record before it".to_owned());
        }
        match Transaction::from_canonical(&record.canonical) {
            Ok(transaction) => {
                problems.extend(self.differences(&record, &transaction));
                problems.extend(self.signatures.next(&record, transaction.signing));
            }
            Err(error) => problems.push(format!("its text cannot be read: {error}")),
        }
        self.problems.extend(problems.into_iter().map(|problem| format!("sequence {sequence}: {problem}")));
        self.before = Link { sequence, receipt: record.receipt.unwrap_or(self.before.receipt), hash: record.hash, key: None };
    }

    /// Numbers between the record before and one behind an activation were given elsewhere.
    fn go_on_from_activations(&mut self, sequence: u64) {
        for (given, receipt) in &self.activations {
            if (self.before.sequence..sequence).contains(given) {
                self.before.sequence = *given;
                self.before.receipt = self.before.receipt.max(*receipt);
            }
        }
    }

    fn expect_sequence(&mut self, sequence: u64) {
        let (first, last) = (self.before.sequence.saturating_add(1), sequence.saturating_sub(1));
        if first == last {
            self.problems.push(format!("sequence {first}: it is missing"));
        } else if first < last {
            self.problems.push(format!("sequences {first} to {last}: they are missing"));
        }
    }

    /// Columns that say something else than the text.
    fn differences(&self, record: &Record, transaction: &Transaction) -> Vec<String> {
        let columns = [
            ("sequence", record.sequence == transaction.sequence),
            ("key", record.id == transaction.id.to_string()),
            ("receipt number", record.receipt == transaction.receipt),
            ("kind", record.kind == transaction.kind()),
            ("time", record.recorded_at == transaction.recorded_at.timestamp_millis()),
            ("register", self.register == transaction.register),
        ];
        let differing = columns.into_iter().filter(|(_, same)| !same);
        differing.map(|(column, _)| format!("its text has another {column} than the row")).collect()
    }

    fn end(mut self, newest: &Link) -> Vec<String> {
        if newest.sequence > self.before.sequence {
            self.expect_sequence(newest.sequence.saturating_add(1));
        } else if newest.sequence < self.before.sequence {
            self.problems.push(format!("sequence {}: the register stopped at {}", self.before.sequence, newest.sequence));
        } else if newest.hash != self.before.hash {
            self.problems.push(format!("sequence {}: it is not the record the register stopped at", self.before.sequence));
        }
        if newest.receipt != self.before.receipt {
            self.problems.push(format!("receipt {}: it is not the last, expected {}", self.before.receipt, newest.receipt));
        }
        self.problems.extend(self.signatures.differs_from(newest));
        self.signatures.remarks()
    }
}

fn activations(database: &Connection) -> Result<Vec<(u64, u64)>> {
    // A journal that an older program wrote and no newer one has opened yet has none.
    if !database.table_exists(None, "activations")? {
        return Ok(Vec::new());
    }
    let mut statement = database.prepare("SELECT sequence, receipt FROM activations ORDER BY sequence")?;
    let rows = statement.query_map((), |row| Ok((number(row, 0)?, number(row, 1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn check_file(database: &Connection, problems: &mut Vec<String>) -> Result<()> {
    let mut statement = database.prepare("PRAGMA integrity_check(20)")?;
    for finding in statement.query_map((), |row| row.get::<_, String>(0))? {
        let finding = finding?;
        if finding != "ok" {
            problems.push(format!("file: {finding}"));
        }
    }
    Ok(())
}

fn check_outbox(database: &Connection, problems: &mut Vec<String>) -> Result<()> {
    const UNKNOWN: &str = "SELECT sequence FROM outbox WHERE sequence NOT IN (SELECT sequence FROM transactions) ORDER BY sequence";
    const FORGOTTEN: &str = "SELECT sequence FROM transactions WHERE sequence NOT IN (SELECT sequence FROM outbox) ORDER BY sequence";
    const MISTAKEN: &str =
        "SELECT sequence FROM outbox JOIN transactions USING (sequence) WHERE sale <> (kind <> 'event') ORDER BY sequence";
    let checks = [
        (UNKNOWN, "it is in the outbox, but not in the journal"),
        (FORGOTTEN, "it is in the journal, but not in the outbox"),
        (MISTAKEN, "the outbox takes a sale for an event, or an event for a sale"),
    ];
    for (query, problem) in checks {
        let mut statement = database.prepare(query)?;
        for sequence in statement.query_map((), |row| row.get::<_, i64>(0))? {
            problems.push(format!("sequence {}: {problem}", sequence?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::fiscal::{FiscalError, FiscalUnit, SoftwareUnit};
    use crate::ids::KeySource;
    use crate::journal::testing::{Shop, at, register, stamp};
    use crate::journal::{Journal, Outbox, Stamp};
    use crate::retail::register::Numbers;
    use crate::retail::transaction::Signing;

    /// Sales 1 and 2, a voided sale 3, an event 4, sales 5 to 8: receipts 1 to 6.
    fn shop() -> Shop {
        let mut shop = Shop::open();
        shop.sell();
        shop.sell();
        let sale = shop.sale(1);
        shop.journal.void(&sale, &stamp(2)).unwrap();
        shop.note();
        (0..4).for_each(|_| drop(shop.sell()));
        shop
    }

    #[test]
    fn a_sound_journal_has_no_problems() {
        let found = shop().verify();
        assert_eq!((found.transactions, found.problems), (8, vec![]));
        assert_eq!(Shop::open().verify(), super::Verification::default());
    }

    /// Makes new links for all records, as somebody can who has no key.
    fn link_anew(shop: &Shop) {
        let database = Connection::open(shop.directory.path().join(file::JOURNAL)).unwrap();
        let rows = |sql: &str| {
            let mut statement = database.prepare(sql).unwrap();
            let rows = statement.query_map((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).unwrap();
            rows.collect::<rusqlite::Result<Vec<_>>>().unwrap()
        };
        let mut hash = chain::read(&database, Mark::Purged).unwrap().hash;
        for (sequence, canonical) in rows("SELECT sequence, canonical FROM transactions ORDER BY sequence") {
            hash = chain_hash(&hash, &canonical);
            database.execute("UPDATE transactions SET hash = ?1 WHERE sequence = ?2", (&hash, sequence)).unwrap();
        }
        database.execute("UPDATE chain SET hash = ?1 WHERE mark = 'newest'", [&hash]).unwrap();
    }

    #[test]
    fn new_links_without_the_key_are_found_by_their_signatures() {
        for (damage, expected) in [
            (
                "UPDATE transactions SET canonical = replace(canonical, '\"price\":\"0.89', '\"price\":\"0.88') WHERE sequence = 2",
                "sequence 2: its signature is another's",
            ),
            (
                "DELETE FROM outbox WHERE sequence = 4; DELETE FROM transactions WHERE sequence = 4",
                "sequence 5: its signature is another's",
            ),
            ("UPDATE transactions SET signature = NULL WHERE sequence = 3", "sequence 3: its signature is gone"),
            ("UPDATE transactions SET signature = '00' WHERE sequence = 3", "sequence 3: its signature is another's"),
            (
                "UPDATE transactions SET signature = (SELECT signature FROM transactions WHERE sequence = 4) WHERE sequence = 3",
                "sequence 3: its signature is another's",
            ),
            (
                "UPDATE transactions SET signature = NULL, canonical = replace(canonical, ',\"signing\":', ',\"nothing\":')",
                "the register stopped with key",
            ),
            (
                "UPDATE transactions SET canonical = replace(canonical, '\"signing\":{\"key\":\"', '\"signing\":{\"key\":\"00') WHERE sequence = 1",
                "sequence 1: the key that it should be signed with is none",
            ),
        ] {
            let shop = shop();
            shop.tamper(damage);
            link_anew(&shop);
            let problems = shop.verify().problems;
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{damage}: expected {expected:?} in {problems:#?}");
            assert!(!problems.iter().any(|problem| problem.contains("does not continue")), "every link fits: {problems:#?}");
        }
    }

    #[test]
    fn a_journal_signed_anew_with_another_key_is_found_by_whoever_was_told_the_right_one() {
        let (mut shop, other) = (Shop::open(), Shop::open());
        shop.sell();
        let key = |shop: &Shop| SoftwareUnit::of(shop.directory.path()).key().unwrap();
        let (right, wrong) = (key(&shop), key(&other));
        assert_eq!(verify_by(&shop.reader(), &[right]).problems, <[String; 0]>::default());
        assert_eq!(verify_by(&shop.reader(), &[wrong, right]).problems, <[String; 0]>::default());
        assert_eq!(
            verify_by(&shop.reader(), &[wrong]).problems,
            [format!("sequence 1: it is signed with a key that nobody knows, {right}")]
        );
        assert_eq!(shop.verify().remarks, [format!("sequence 1: signed from here on with key {right}")]);

        // The file of the key is lost: the register makes another, and its next record names it.
        std::fs::copy(other.directory.path().join("journal.key"), shop.directory.path().join("journal.key")).unwrap();
        let Shop { directory, journal, .. } = shop;
        drop(journal);
        let journal = Journal::open(directory.path(), &register()).unwrap();
        let mut shop = Shop { directory, journal, keys: KeySource::Seeded(9) };
        shop.sell();
        shop.sell();
        let found = shop.verify();
        assert_eq!((found.problems, found.remarks.len()), (vec![], 2));
        assert_eq!(verify_by(&shop.reader(), &[right]).problems.len(), 2, "two records");
        shop.outbox().sent(&[1, 2, 3], at(3)).unwrap();
        assert_eq!(shop.outbox().purge(at(100)).unwrap(), 2);
        assert_eq!(shop.verify().problems, <[String; 0]>::default(), "the key goes on behind what has left");
        assert_eq!(verify_by(&shop.reader(), &[wrong]).problems, <[String; 0]>::default());
    }

    /// A unit that fails while it is told to.
    struct Failing(Arc<AtomicBool>, SoftwareUnit);

    impl FiscalUnit for Failing {
        fn key(&mut self) -> std::result::Result<VerifyingKey, FiscalError> {
            self.1.key()
        }

        fn sign(&mut self, link: &str) -> std::result::Result<String, FiscalError> {
            if self.0.load(Ordering::Relaxed) { Err(FiscalError::Unreachable { why: "pulled out".to_owned() }) } else { self.1.sign(link) }
        }
    }

    #[test]
    fn what_a_failed_unit_did_not_sign_says_so_and_the_next_signature_covers_it() {
        let directory = tempfile::tempdir().unwrap();
        let failed = Arc::new(AtomicBool::new(true));
        let unit = Failing(Arc::clone(&failed), SoftwareUnit::of(directory.path()));
        let journal = Journal::open_with(directory.path(), &register(), Box::new(unit)).unwrap();
        let mut shop = Shop { directory, journal, keys: KeySource::Seeded(9) };
        assert_eq!(shop.journal.signing(), None);
        assert_eq!(shop.sell().signing, Some(Signing::Failed));
        assert!(shop.journal.signing().is_some_and(std::result::Result::is_err));
        failed.store(false, Ordering::Relaxed);
        assert!(matches!(shop.sell().signing, Some(Signing::Key(_))));
        failed.store(true, Ordering::Relaxed);
        assert_eq!([shop.sell(), shop.note()].map(|record| record.signing), [Some(Signing::Failed), Some(Signing::Failed)]);
        failed.store(false, Ordering::Relaxed);
        assert_eq!(shop.sell().signing, None);
        let found = shop.verify();
        assert_eq!(found.problems, <[String; 0]>::default());
        assert_eq!(
            found.remarks[1..],
            ["sequence 1: not signed, the signing unit had failed", "sequences 3 to 4: not signed, the signing unit had failed"]
        );

        shop.tamper("UPDATE transactions SET canonical = replace(canonical, '0.89', '0.88') WHERE sequence = 3");
        link_anew(&shop);
        assert!(shop.verify().problems.contains(&"sequence 5: its signature is another's than the register's".to_owned()));
    }

    #[test]
    fn a_journal_of_every_older_program_is_read_as_it_is_and_goes_on_signed() {
        for version in 1..4 {
            let directory = tempfile::tempdir().unwrap();
            file::create_as_of(directory.path(), &register(), version);
            let mut older = Shop::open();
            for _ in 0..2 {
                older.sell();
            }
            let database = Connection::open(directory.path().join(file::JOURNAL)).unwrap();
            let mut hash = chain::read(&database, Mark::Purged).unwrap().hash;
            older
                .reader()
                .each(|entry| {
                    let transaction = Transaction { signing: None, ..entry.transaction()? };
                    hash = chain_hash(&hash, &transaction.canonical());
                    let row = (transaction.sequence.cast_signed(), transaction.id.to_string(), transaction.canonical(), &hash);
                    database.execute(
                        "INSERT INTO transactions (sequence, id, receipt, kind, recorded_at, canonical, hash)
                         VALUES (?1, ?2, ?1, 'sale', json_extract(?3, '$.sequence'), ?3, ?4)",
                        row,
                    )?;
                    database.execute("UPDATE transactions SET recorded_at = ?1", [transaction.recorded_at.timestamp_millis()])?;
                    database.execute("INSERT INTO outbox (sequence, sale) VALUES (?1, 1)", [transaction.sequence.cast_signed()])?;
                    database.execute(
                        "UPDATE chain SET sequence = ?1, receipt = ?1, hash = ?2 WHERE mark = 'newest'",
                        (transaction.sequence.cast_signed(), &hash),
                    )?;
                    Ok(())
                })
                .unwrap();
            drop(database);
            let before = verify(&Reader { database: file::open_read_only(directory.path()).unwrap() });
            let unsigned = "sequences 1 to 2: not signed, the register had no key yet".to_owned();
            assert_eq!(before, Verification { transactions: 2, problems: vec![], remarks: vec![unsigned.clone()] }, "version {version}");

            let journal = Journal::open(directory.path(), &register()).unwrap();
            let mut shop = Shop { directory, journal, keys: KeySource::Seeded(9) };
            assert_eq!(shop.sell().receipt, Some(3));
            let after = shop.verify();
            assert_eq!((after.transactions, after.problems, after.remarks.len()), (3, vec![], 2));
            assert_eq!(after.remarks[0], unsigned);
            shop.tamper("UPDATE transactions SET signature = NULL WHERE sequence = 3");
            assert_eq!(shop.verify().problems, ["sequence 3: its signature is gone"]);
        }
    }

    #[test]
    fn names_every_row_that_was_deleted_swapped_edited_or_cut_off() {
        let swap = "UPDATE transactions SET sequence = 100 WHERE sequence = 5; UPDATE transactions SET sequence = 5 WHERE sequence = 6;
            UPDATE transactions SET sequence = 6 WHERE sequence = 100";
        let swap_texts = "CREATE TEMP TABLE o AS SELECT sequence, canonical FROM transactions;
            UPDATE transactions SET canonical = (SELECT canonical FROM o WHERE o.sequence = 11 - transactions.sequence)
            WHERE sequence IN (5, 6)";
        let rows: [(&str, &[&str]); 21] = [
            ("DELETE FROM transactions WHERE sequence = 1", &["sequence 1: it is missing"]),
            ("DELETE FROM transactions WHERE sequence = 5", &["sequence 5: it is missing", "receipt 4 follows receipt 2"]),
            ("DELETE FROM transactions WHERE sequence = 4", &["sequence 4: it is missing"]),
            ("DELETE FROM transactions WHERE sequence IN (5, 6)", &["sequences 5 to 6: they are missing"]),
            ("DELETE FROM transactions WHERE sequence = 8", &["sequence 8: it is missing", "receipt 5: it is not the last, expected 6"]),
            (
                "DELETE FROM transactions WHERE sequence >= 7; DELETE FROM outbox WHERE sequence >= 7",
                &["sequences 7 to 8: they are missing"],
            ),
            ("DELETE FROM transactions", &["sequences 1 to 8: they are missing"]),
            (swap, &["sequence 5: it was changed", "sequence 6: it was changed", "sequence 5: its text has another sequence"]),
            (swap_texts, &["sequence 5: it was changed", "sequence 6: it was changed", "sequence 6: its text has another key"]),
            ("UPDATE transactions SET canonical = replace(canonical, '0.89', '0.88') WHERE sequence = 2", &["sequence 2: it was changed"]),
            ("UPDATE transactions SET canonical = canonical || ' ' WHERE sequence = 2", &["sequence 2: it was changed"]),
            ("UPDATE transactions SET canonical = '{' WHERE sequence = 2", &["sequence 2: its text cannot be read"]),
            (
                "UPDATE transactions SET canonical = CAST(x'FF' AS TEXT) WHERE sequence = 2",
                &["after sequence 1: a record cannot be read", "sequence 2: it is missing"],
            ),
            (
                "UPDATE transactions SET hash = upper(hash) WHERE sequence = 8",
                &["sequence 8: it was changed", "sequence 8: it is not the record the register stopped at"],
            ),
            (
                "UPDATE transactions SET receipt = 9 WHERE sequence = 8",
                &["sequence 8: receipt 9 follows receipt 5", "sequence 8: its text has another receipt number"],
            ),
            (
                "UPDATE transactions SET kind = 'event' WHERE sequence = 3",
                &["sequence 3: its text has another kind", "sequence 3: the outbox takes a sale for an event"],
            ),
            ("UPDATE transactions SET recorded_at = recorded_at + 1 WHERE sequence = 4", &["sequence 4: its text has another time"]),
            ("UPDATE chain SET sequence = 7 WHERE mark = 'newest'", &["sequence 8: the register stopped at 7"]),
            ("UPDATE register SET number = 2", &["sequence 1: its text has another register"]),
            ("DELETE FROM outbox WHERE sequence = 3", &["sequence 3: it is in the journal, but not in the outbox"]),
            ("INSERT INTO outbox (sequence, sale) VALUES (9, 1)", &["sequence 9: it is in the outbox, but not in the journal"]),
        ];
        for (damage, expected) in rows {
            let shop = shop();
            shop.tamper(damage);
            let problems = shop.verify().problems;
            for expected in expected {
                assert!(problems.iter().any(|problem| problem.contains(expected)), "{damage}: expected {expected:?} in {problems:#?}");
            }
        }
    }

    #[test]
    fn accepts_the_rest_after_a_purge_and_names_what_is_cut_off_behind_it() {
        let mut shop = shop();
        let mut outbox = shop.outbox();
        outbox.sent(&[1, 2, 3, 4, 6, 7, 8], at(3)).unwrap();
        assert_eq!(outbox.purge(at(0)).unwrap(), 0, "none is so old");
        assert_eq!(outbox.purge(at(100)).unwrap(), 4, "it ends before the first that is unsent");
        let found = shop.verify();
        assert_eq!((found.transactions, found.problems), (4, vec![]));
        outbox.sent(&[5], at(4)).unwrap();
        assert_eq!(outbox.purge(at(100)).unwrap(), 3, "the last stays");
        assert_eq!(outbox.purge(at(100)).unwrap(), 0);
        assert_eq!(shop.verify().problems, <[String; 0]>::default());
        let next = shop.sell();
        assert_eq!((next.sequence, next.receipt), (9, Some(7)));
        assert_eq!(shop.verify().problems, <[String; 0]>::default());
        shop.tamper("DELETE FROM outbox WHERE sequence = 8; DELETE FROM transactions WHERE sequence = 8");
        assert_eq!(shop.verify().problems[0], "sequence 8: it is missing");
    }

    #[test]
    fn the_last_receipt_number_outlives_its_purged_sale() {
        let mut shop = shop();
        shop.note();
        let mut outbox = shop.outbox();
        outbox.sent(&(1..=9).collect::<Vec<_>>(), at(3)).unwrap();
        assert_eq!(outbox.purge(at(100)).unwrap(), 8);
        shop.note();
        outbox.sent(&[10], at(3)).unwrap();
        assert_eq!(outbox.purge(at(100)).unwrap(), 1, "an event alone");
        assert_eq!(shop.sell().receipt, Some(7));
        assert_eq!(shop.verify().problems, <[String; 0]>::default());
    }

    #[test]
    fn a_set_aside_sale_and_a_large_journal_are_purged_up_to_the_unsent() {
        let mut shop = Shop::open();
        (0..250).for_each(|_| drop(shop.note()));
        let mut outbox = shop.outbox();
        outbox.sent(&(1..=240).collect::<Vec<_>>(), at(3)).unwrap();
        outbox.set_aside(241, "no", at(3)).unwrap();
        outbox.sent(&(242..=250).collect::<Vec<_>>(), at(3)).unwrap();
        assert_eq!(outbox.purge(at(100)).unwrap(), 240);
        assert_eq!(shop.verify().problems, <[String; 0]>::default());
    }
    #[test]
    fn a_register_goes_on_from_the_numbers_of_its_activation_without_a_gap() {
        let given = Numbers { sequence: 1_000, receipt: 300, shift: 7 };
        let mut shop = Shop::open();
        shop.journal.continue_from(given).unwrap();
        assert_eq!((shop.verify(), shop.journal.shift().unwrap()), (Verification::default(), None));
        let id = shop.keys.next(at(0));
        let shift = shop.journal.open_shift(id, |shift| Stamp { shift, ..stamp(1) }).unwrap();
        assert_eq!((shift.id.number, shop.journal.shift_has_sales().unwrap()), (8, false));
        let sale = shop.sell();
        assert_eq!((sale.sequence, sale.receipt, shop.journal.shift_has_sales().unwrap()), (1_002, Some(301), true));
        for lower in [given, Numbers::default(), Numbers { sequence: 1_002, receipt: 301, shift: 8 }] {
            shop.journal.continue_from(lower).unwrap();
        }
        assert_eq!(shop.sell().sequence, 1_003, "what it has itself is no reason to leave numbers out");

        shop.journal.continue_from(Numbers { sequence: 2_000, receipt: 302, shift: 9 }).unwrap();
        shop.journal.continue_from(Numbers { sequence: 2_000, receipt: 500, shift: 9 }).unwrap();
        assert_eq!(shop.verify().problems, <[String; 0]>::default());
        shop.note();
        let sale = shop.sell();
        assert_eq!((sale.sequence, sale.receipt), (2_002, Some(501)));
        assert_eq!(shop.verify().problems, <[String; 0]>::default());

        let Shop { directory, journal, .. } = shop;
        drop(journal);
        let journal = Journal::open(directory.path(), &register()).unwrap();
        let mut outbox = Outbox::open(directory.path()).unwrap();
        outbox.sent(&[1_001, 1_002, 1_003, 2_001], at(3)).unwrap();
        assert_eq!(outbox.purge(at(100)).unwrap(), 4, "over the numbers in between");
        let mut shop = Shop { directory, journal, keys: KeySource::Seeded(9) };
        assert_eq!(shop.sell().receipt, Some(502));
        assert_eq!(shop.verify().problems, <[String; 0]>::default());
        shop.tamper("DELETE FROM outbox WHERE sequence = 2002; DELETE FROM transactions WHERE sequence = 2002");
        assert_eq!(shop.verify().problems[0], "sequence 2002: it is missing");
    }

    #[test]
    fn an_activation_after_all_was_purged_up_to_it_keeps_its_receipt_number() {
        let mut shop = Shop::open();
        shop.journal.continue_from(Numbers { sequence: 50, receipt: 20, shift: 1 }).unwrap();
        (0..3).for_each(|_| drop(shop.note()));
        let mut outbox = shop.outbox();
        outbox.sent(&[51, 52, 53], at(3)).unwrap();
        assert_eq!(outbox.purge(at(100)).unwrap(), 2);
        assert_eq!((shop.sell().receipt, shop.verify().problems), (Some(21), vec![]));
    }
}
