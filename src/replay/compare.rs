//! What the journals and the channel database hold, compared with the baskets and with one another, by plain reading.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres::{Client, NoTls};
use rusqlite::{Connection, OpenFlags};
use rust_decimal::Decimal;

use super::{Outcome, baskets_of, register_directory};
use crate::clock::{Clock, SystemClock};
use crate::import::Basket;
use crate::retail::sale::Sale;
use crate::retail::transaction::{Content, Event, Transaction};

/// How many differences are told in words.
const PROBLEMS_MAX: usize = 20;

/// How often a database that does not answer is asked again, and how long after.
const TRIES_MAX: usize = 100;
const TRY_AGAIN: Duration = Duration::from_millis(100);

const JOURNAL: &str = "SELECT id, canonical FROM transactions ORDER BY sequence";
const CHANNEL: &str = "SELECT id, content FROM transactions ORDER BY register, sequence";
const CHANNEL_POSTGRES: &str = "SELECT id::text, content FROM transactions ORDER BY register, sequence";

/// A channel database, read behind its scale units' backs.
pub(super) enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Database {
    /// As `--database` names it.
    pub(super) fn of(url: &str) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("sqlite", file)) => Ok(Self::Sqlite(file.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url.to_owned())),
            // Not its words: they may have a password.
            Some(_) | None => Err("the database is neither sqlite:FILE nor postgres://USER@HOST/NAME".to_owned()),
        }
    }

    fn transactions(&self) -> Result<Vec<(String, String)>, String> {
        match self {
            Self::Sqlite(file) => texts(file, CHANNEL),
            Self::Postgres(url) => {
                let read = || Client::connect(url, NoTls)?.query(CHANNEL_POSTGRES, &[]);
                let clock = SystemClock::default();
                let mut rows = read();
                // A server that has just been killed may be on its way back.
                for _ in 0..TRIES_MAX {
                    if rows.is_ok() {
                        break;
                    }
                    clock.sleep(TRY_AGAIN);
                    rows = read();
                }
                let rows = rows.map_err(|error| format!("the channel database: {error}"))?;
                Ok(rows.into_iter().map(|row| (row.get(0), row.get(1))).collect())
            }
        }
    }
}

/// Compares all of it.
pub(super) fn compare(channel: &Database, data: &Path, registers: u32, baskets: &[Basket]) -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    let mut expected: BTreeMap<String, String> = BTreeMap::new();
    for number in 1..=registers {
        let journal = read(&register_directory(data, number).join("journal.db"), JOURNAL)?;
        check_register(number, &journal, &mut baskets_of(number, registers, baskets), &mut outcome);
        expected.extend(journal.into_iter().filter(|row| row.transaction.is_sale()).map(|row| (row.id, row.canonical)));
    }
    let mut total = Decimal::ZERO;
    for (id, content) in channel.transactions()? {
        // What somebody has changed may be anything, so the texts are compared before one is read.
        let transaction = Transaction::from_canonical(&content);
        match (expected.remove(&id), &transaction) {
            (Some(canonical), _) if canonical != content => {
                outcome.altered += 1;
                tell(&mut outcome, format!("{id} differs between journal and channel database"));
            }
            (Some(_), _) => outcome.uploaded += 1,
            (None, Ok(transaction)) if !transaction.is_sale() => {}
            (None, Ok(_)) => {
                outcome.duplicates += 1;
                tell(&mut outcome, format!("{id} is in the channel database, but in no journal"));
            }
            (None, Err(error)) => tell(&mut outcome, format!("{id} in the channel database cannot be read: {error}")),
        }
        if let Ok(Transaction { content: Content::Sale(sale), .. }) = &transaction {
            outcome.baskets += 1;
            outcome.lines += sale.lines().len() as u64;
            total += sale.totals().total.amount();
        }
    }
    outcome.missing = expected.len() as u64;
    if let Some((id, _)) = expected.first_key_value() {
        tell(&mut outcome, format!("{id} is not in the channel database"));
    }
    outcome.total = format!("{total:.2}");
    Ok(outcome)
}

/// How many sales a register's journal has concluded.
pub(super) fn receipts(data: &Path) -> Result<usize, String> {
    let path = data.join("journal.db");
    if !path.exists() {
        return Ok(0);
    }
    count(&path, "SELECT COUNT(*) FROM transactions WHERE receipt IS NOT NULL")
}

/// How many transactions a register has not sent.
pub(super) fn unsent(data: &Path) -> Result<usize, String> {
    count(&data.join("journal.db"), "SELECT COUNT(*) FROM outbox WHERE sent_at IS NULL")
}

/// How many lines the sale in hand of a register has.
pub(super) fn lines_in_hand(data: &Path) -> Result<usize, String> {
    count(&data.join("journal.db"), "SELECT COUNT(*) FROM sale_in_hand WHERE part = 'line'")
}

/// What a register does not know to have arrived.
pub(super) fn unsent_ids(data: &Path) -> Result<Vec<String>, String> {
    const UNSENT: &str = "SELECT id, id FROM transactions JOIN outbox USING (sequence) WHERE sent_at IS NULL";
    Ok(texts(&data.join("journal.db"), UNSENT)?.into_iter().map(|(id, _)| id).collect())
}

/// Whether a channel database has a transaction.
pub(super) fn has(channel: &Path, id: &str) -> Result<bool, String> {
    let found = open(channel)?.query_row("SELECT EXISTS (SELECT 1 FROM transactions WHERE id = ?1)", [id], |row| row.get(0));
    found.map_err(|error| error.to_string())
}

fn count(path: &Path, sql: &str) -> Result<usize, String> {
    let count: i64 = open(path)?.query_row(sql, [], |row| row.get(0)).map_err(|error| error.to_string())?;
    usize::try_from(count).map_err(|error| error.to_string())
}

/// The n-th sale of a register must be its n-th basket; receipt numbers run from 1.
fn check_register(number: u32, journal: &[Row], baskets: &mut dyn Iterator<Item = &Basket>, outcome: &mut Outcome) {
    let mut next_receipt = 1;
    for row in journal {
        match &row.transaction.content {
            Content::Sale(sale) => {
                if row.transaction.receipt != Some(next_receipt) {
                    outcome.receipt_gaps += 1;
                    tell(outcome, format!("register {number}: receipt {:?} where {next_receipt} was due", row.transaction.receipt));
                }
                next_receipt = row.transaction.receipt.unwrap_or(next_receipt) + 1;
                outcome.sold_offline += u64::from(row.transaction.offline);
                let basket = baskets.next();
                if let Some(why) = basket.map_or(Some("there is no such basket".to_owned()), |basket| difference(sale, basket)) {
                    outcome.mismatched_baskets += 1;
                    tell(outcome, format!("register {number}, receipt {}: {why}", next_receipt - 1));
                }
            }
            Content::Event(Event::WentOffline { .. } | Event::WentOnline) => outcome.switches += 1,
            Content::VoidedSale(_) | Content::Event(_) => {}
        }
    }
    let left = baskets.count() as u64;
    if left > 0 {
        outcome.mismatched_baskets += left;
        tell(outcome, format!("register {number}: {left} baskets were not sold"));
    }
}

fn difference(sale: &Sale, basket: &Basket) -> Option<String> {
    let lines: Vec<_> = sale.open_lines().collect();
    if lines.len() != basket.lines.len() {
        return Some(format!("basket {} has {} lines, the sale {}", basket.id, basket.lines.len(), lines.len()));
    }
    for (line, wanted) in lines.iter().zip(&basket.lines) {
        let same = line.product.0 == wanted.product_id
            && line.quantity.get() == wanted.quantity
            && line.price.amount() == wanted.unit_price
            && line.amounts.extended.amount() == wanted.shelf_amount
            && line.amounts.net.amount() == wanted.line_total;
        if !same {
            return Some(format!("basket {}: line {} of {} differs", basket.id, line.number, line.product));
        }
    }
    let total: Decimal = basket.lines.iter().map(|line| line.line_total).sum();
    let coupons: Decimal = basket.lines.iter().map(|line| line.manufacturer_coupon).sum();
    let paid_by = |coupon: bool| {
        sale.open_payments()
            .filter(|payment| (payment.method.0 == "coupon") == coupon)
            .map(|payment| payment.amount.amount())
            .sum::<Decimal>()
    };
    let agrees = sale.totals().total.amount() == total && paid_by(true) == coupons && paid_by(false) == total - coupons;
    (!agrees).then(|| format!("basket {} comes to {total} with {coupons} in coupons, the sale does not", basket.id))
}

struct Row {
    id: String,
    canonical: String,
    transaction: Transaction,
}

/// All transactions of a journal, in order.
fn read(path: &Path, sql: &str) -> Result<Vec<Row>, String> {
    let parse = |(id, canonical): (String, String)| {
        let transaction = Transaction::from_canonical(&canonical).map_err(|error| format!("{id} in {}: {error}", path.display()))?;
        Ok(Row { id, canonical, transaction })
    };
    texts(path, sql)?.into_iter().map(parse).collect()
}

/// Key and text of all transactions, in order.
fn texts(path: &Path, sql: &str) -> Result<Vec<(String, String)>, String> {
    let words = |error: rusqlite::Error| format!("{}: {error}", path.display());
    let connection = open(path)?;
    let mut statement = connection.prepare(sql).map_err(words)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(words)?;
    rows.collect::<rusqlite::Result<_>>().map_err(words)
}

fn open(path: &Path) -> Result<Connection, String> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| format!("{}: {error}", path.display()))
}

fn tell(outcome: &mut Outcome, problem: String) {
    if outcome.problems.len() < PROBLEMS_MAX {
        outcome.problems.push(problem);
    }
}
