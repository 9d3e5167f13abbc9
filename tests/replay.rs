//! `evertill replay` on a morning of real baskets: faultless through outages and kills, and able to tell when something is wrong.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

const OUTAGES: &str = "every=4,for=2,hang=every 9,kill=every 7";
/// Enough baskets to tamper with one in the middle of the run.
const FEW: usize = 60;
/// Every hundredth of a second for a minute.
const LOOKS_MAX: u32 = 6_000;

#[test]
fn real_baskets_arrive_once_and_unchanged_through_outages_hangs_and_kills() {
    const BASKETS: usize = 150;
    let folder = tempfile::tempdir().expect("a folder");
    let (status, outcome, told) = replay(folder.path(), BASKETS, OUTAGES, |_| {});
    assert_eq!(status, 0, "{outcome}\n{told}");
    assert_eq!(faults(&outcome), [0; 5], "{outcome}");
    let count = |field: &str| outcome[field].as_u64().expect("a number");
    assert_eq!((count("baskets"), count("uploaded")), (BASKETS as u64, BASKETS as u64));
    assert_eq!(count("at_headquarters"), BASKETS as u64, "and went on from there");
    assert_eq!(outcome["total"], total(&baskets(BASKETS)), "to the cent");
    assert!(count("kills") >= 16 && count("sold_offline") >= 30 && count("switches") >= 30, "{outcome}");
}

#[test]
fn registers_that_are_killed_in_every_basket_while_answers_are_lost_lose_and_double_nothing() {
    const BASKETS: usize = 80;
    let folder = tempfile::tempdir().expect("a folder");
    let (status, outcome, told) = replay(folder.path(), BASKETS, "kill=every 1,cut=every 2", |_| {});
    assert_eq!(status, 0, "{outcome}\n{told}");
    assert_eq!(faults(&outcome), [0; 5], "{outcome}");
    let count = |field: &str| outcome[field].as_u64().expect("a number");
    assert_eq!((count("baskets"), count("uploaded"), count("at_headquarters")), (BASKETS as u64, BASKETS as u64, BASKETS as u64));
    let killed_in = |what: &str| outcome["killed_in"][what].as_u64().expect("a number");
    let moments = ["lines", "payment", "upload", "answer", "nothing"].map(killed_in);
    assert!(count("kills") >= 60 && count("cuts") >= 20, "{outcome}");
    assert_eq!(moments.iter().sum::<u64>(), count("kills"), "{outcome}");
    assert!(moments[0] > 0 && moments[2] + moments[3] > 0, "in a sale and in an upload: {outcome}");
}

#[test]
fn a_sale_deleted_from_the_channel_database_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (status, outcome, told) = replay(folder.path(), FEW, OUTAGES, |[one, _]| one.execute("DELETE FROM transactions WHERE id = ?1"));
    assert_eq!((status, faults(&outcome)), (1, [0, 0, 1, 0, 0]), "{outcome}");
    assert!(told.contains("is not in the channel database"), "{told}");
}

#[test]
fn a_sale_changed_by_hand_is_altered() {
    let folder = tempfile::tempdir().expect("a folder");
    let change = "UPDATE transactions SET content = replace(content, '000110', '000111') WHERE id = ?1";
    let (status, outcome, told) = replay(folder.path(), FEW, OUTAGES, |[one, _]| one.execute(change));
    assert_eq!((status, faults(&outcome)), (1, [0, 0, 0, 1, 0]), "{outcome}");
    assert!(told.contains("differs between journal and channel database"), "{told}");
}

#[test]
fn a_sale_that_cannot_be_read_is_altered_and_a_copy_is_a_duplicate() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = "INSERT INTO transactions SELECT 'copy of ' || id, store, register, sequence + 1000000, NULL, kind, recorded_at, total,
        content_hash, content, 1 FROM transactions WHERE id = ?1";
    let (status, outcome, told) = replay(folder.path(), FEW, OUTAGES, |[one, another]| {
        one.execute("UPDATE transactions SET content = substr(content, 2) WHERE id = ?1");
        another.execute(copy);
    });
    assert_eq!((status, faults(&outcome)), (1, [0, 1, 0, 1, 0]), "{outcome}");
    assert!(told.contains("copy of"), "{told}");
}

#[test]
fn a_wrong_file_is_refused_with_line_and_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let (header, rows) = baskets(FEW).split_once('\n').map(|(header, rows)| (header.to_owned(), rows.to_owned())).expect("rows");
    let wrong = folder.path().join("wrong.csv");
    let good = folder.path().join("good.csv");
    fs::write(&good, baskets(FEW)).expect("a file");
    for (text, places) in [
        (format!("{header}\n{}", rows.replacen(",1.19,", ",1.1x9,", 1)), "wrong.csv:2: unit_price"),
        (format!("{}\n{rows}", header.replace("quantity", "quantities")), "wrong.csv:1"),
        (String::new(), "wrong.csv"),
        (format!("{header}\n{}", sold_as(&rows, "0000")), "wrong.csv:2: product_id: \"0000\" is none of the products"),
    ] {
        fs::write(&wrong, text).expect("a file");
        let refused = evertill(&products(), &wrong, &folder.path().join("data")).output().expect("the program runs");
        let told = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(told.contains(places), "{places} of {told}");
    }
    let refused = evertill(&folder.path().join("nowhere.csv"), &good, &folder.path().join("data")).output().expect("the program runs");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nowhere.csv"));
    let refused =
        evertill(&products(), &good, &folder.path().join("data")).args(["--outages", "every=4"]).output().expect("the program runs");
    assert_eq!(refused.status.code(), Some(2));
}

/// A sale in the channel database that its register knows to be there, while the replay goes on.
struct Arrived {
    channel: Connection,
    id: String,
}

impl Arrived {
    fn execute(&self, sql: &str) {
        assert_eq!(self.channel.execute(sql, [&self.id]).expect("the database can be written"), 1, "one sale");
    }
}

/// Replays so many baskets, has two sales in the channel database tampered with meanwhile, and returns status, outcome and what was told.
fn replay(folder: &Path, count: usize, outages: &str, tamper: impl FnOnce([Arrived; 2])) -> (i32, Value, String) {
    let (products_file, baskets_file, data) = (folder.join("products.csv"), folder.join("baskets.csv"), folder.join("data"));
    fs::write(&products_file, products_of(&baskets(count))).expect("a file");
    fs::write(&baskets_file, baskets(count)).expect("a file");
    let mut command = evertill(&products_file, &baskets_file, &data);
    let output: Output = std::thread::scope(|scope| {
        let running =
            scope.spawn(|| command.args(["--outages", outages, "--registers", "4", "--json"]).output().expect("the program runs"));
        tamper(wait_for_arrivals(&data));
        running.join().expect("it ends")
    });
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(!told.contains("panicked"), "{told}");
    let outcome = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}\n{told}"));
    (output.status.code().expect("it was not killed"), outcome, told)
}

/// Waits until the channel database has twenty sales, and picks two whose registers have been told so: they are never sent again.
fn wait_for_arrivals(data: &Path) -> [Arrived; 2] {
    let (never, bell) = (Mutex::new(()), Condvar::new());
    for _ in 0..LOOKS_MAX {
        if let Some(one) = arrived(data, 1)
            && let Some(another) = arrived(data, 2)
        {
            return [one, another];
        }
        drop(bell.wait_timeout(never.lock().unwrap_or_else(PoisonError::into_inner), Duration::from_millis(10)));
    }
    panic!("no twenty sales arrive");
}

/// The first sale of a register, once it is known to have arrived.
fn arrived(data: &Path, register: u32) -> Option<Arrived> {
    let open = |path: PathBuf| {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let database = Connection::open_with_flags(path, flags).ok()?;
        database.busy_timeout(Duration::from_secs(10)).ok()?;
        Some(database)
    };
    let channel = open(data.join("channel.db"))?;
    let sales: u32 = channel.query_row("SELECT count(*) FROM transactions WHERE kind = 'sale'", [], |row| row.get(0)).ok()?;
    let journal = open(data.join(format!("register-{register}")).join("journal.db")).filter(|_| sales >= 20)?;
    let known = "SELECT id FROM transactions JOIN outbox USING (sequence) WHERE kind = 'sale' AND sent_at IS NOT NULL LIMIT 1";
    let id = journal.query_row(known, [], |row| row.get(0)).optional().ok()??;
    Some(Arrived { channel, id })
}

fn evertill(products: &Path, baskets: &Path, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertill"));
    command.arg("replay").arg("--products").arg(products).arg("--baskets").arg(baskets).arg("--data").arg(data);
    command
}

/// The rows with the first one of another product.
fn sold_as(rows: &str, product: &str) -> String {
    let (first, others) = rows.split_once('\n').expect("rows");
    let cells: Vec<&str> = first.split(',').enumerate().map(|(place, cell)| if place == 4 { product } else { cell }).collect();
    format!("{}\n{others}", cells.join(","))
}

/// Mismatched baskets, duplicates, missing, altered, gaps.
fn faults(outcome: &Value) -> [u64; 5] {
    ["mismatched_baskets", "duplicates", "missing", "altered", "receipt_gaps"].map(|field| outcome[field].as_u64().expect("a number"))
}

fn products() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journey-343/products.csv")
}

/// The products of these baskets: the others would only take time.
fn products_of(baskets: &str) -> String {
    let wanted: HashSet<&str> = baskets.lines().filter_map(|line| line.split(',').nth(4)).collect();
    let text = fs::read_to_string(products()).expect("the fixture");
    text.lines()
        .filter(|line| line.split(',').next().is_some_and(|id| wanted.contains(id)))
        .fold(String::new(), |text, line| text + line + "\n")
}

/// The first baskets of the fixture.
fn baskets(wanted: usize) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journey-343/baskets.csv")).expect("the fixture");
    let (mut taken, mut last, mut count) = (String::new(), "", 0);
    for line in text.lines() {
        let basket = line.split(',').next().expect("a first column");
        if basket != last {
            (last, count) = (basket, count + 1);
        }
        // The header is the first.
        if count > wanted + 1 {
            break;
        }
        taken.extend([line, "\n"]);
    }
    taken
}

/// What the baskets come to by their last column.
fn total(baskets: &str) -> String {
    let amounts = baskets.lines().skip(1).map(|line| line.rsplit(',').next().expect("a last column"));
    let total: rust_decimal::Decimal = amounts.map(|amount| amount.parse::<rust_decimal::Decimal>().expect("an amount")).sum();
    format!("{total:.2}")
}
