//! The register's durable record, `journal.db`: transactions, shifts, the sale in hand, and the outbox of what is not uploaded yet.
//!
//! The till calls it before anyone else hears of a change: what returned from here survives a power cut. Transactions are appended, never
//! changed; numbers have no gaps; each record's hash continues the one before it, and the fiscal unit signs it. One register owns a data
//! directory; its uploader works on the same file through an [`Outbox`]. Nothing here asks the network or the clock.

mod attempts;
mod chain;
mod error;
pub mod export;
mod file;
mod hand;
mod outbox;
mod reader;
mod signer;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod verify;

use std::cell::Cell;
use std::fs::File;
use std::path::Path;

use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use chain::{Link, Mark, number, stored};
pub use error::{JournalError, Result};
pub use outbox::{Outbox, Waiting};
pub use reader::{Entry, Progress, Reader, Unreadable};

use signer::{Signed, Signer};

use crate::clock::Time;
use crate::fiscal::{FiscalError, FiscalUnit, SoftwareUnit};
use crate::ids::{OperatorId, RegisterId, ShiftId, TransactionId};
use crate::retail::lockout::Attempts;
use crate::retail::register::Numbers;
use crate::retail::sale::Sale;
use crate::retail::transaction::{Content, Event, Transaction};

/// How many transactions leave at a sign-in: more than a register records in a day, and a fraction of a second's work.
const PURGED_AT_A_SIGN_IN: u64 = 3_000;

/// The journal of one register, open for writing.
pub struct Journal {
    database: Connection,
    register: RegisterId,
    signer: Signer,
    /// The sale in hand as the file has it; absent when that is not certain, and then the next [`Journal::keep`] writes it anew.
    kept: Option<Sale>,
    /// What was counted last, and at which version of the file.
    counted: Cell<Option<(i64, Unsent)>>,
    /// Given up after the database, which is declared before it.
    _lock: File,
}

/// Who did something, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Who.
    pub operator: OperatorId,
    /// In which shift.
    pub shift: ShiftId,
    /// When.
    pub at: Time,
    /// Whether the register was offline.
    pub offline: bool,
}

/// A shift of the register.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shift {
    /// Its key.
    pub id: ShiftId,
    /// When it was opened.
    pub opened_at: Time,
    /// By whom.
    pub opened_by: OperatorId,
}

/// What the scale unit has not acknowledged yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unsent {
    /// Sales, concluded and voided, those set aside included.
    pub sales: u64,
    /// Events, those set aside included.
    pub events: u64,
    /// Sales and events that were set aside, as the scale unit refused them or they cannot be read any more; somebody has to look at them.
    pub set_aside: u64,
    /// When the oldest of the sales was recorded.
    pub oldest_sale: Option<Time>,
}

impl Journal {
    /// Whether a data directory has one.
    pub fn is_in(directory: &Path) -> Result<bool> {
        Ok(directory.join(file::JOURNAL).try_exists()?)
    }

    /// Opens the journal of a data directory, made on first use, and keeps other registers out of it. A file that is damaged,
    /// another register's or of a newer program is refused and left as it is.
    ///
    /// Its records are signed with the register's own key.
    pub fn open(directory: &Path, register: &RegisterId) -> Result<Self> {
        Self::open_with(directory, register, Box::new(SoftwareUnit::of(directory)))
    }

    /// The same, with another unit that signs.
    pub fn open_with(directory: &Path, register: &RegisterId, unit: Box<dyn FiscalUnit>) -> Result<Self> {
        Self::opened(directory, register, unit, Numbers::default())
    }

    /// Opens the journal of a register that goes on behind these numbers. One that is made knows them from its first moment.
    pub fn open_behind(directory: &Path, register: &RegisterId, numbers: Numbers) -> Result<Self> {
        if !numbers.are_possible() {
            return Err(JournalError::Numbers);
        }
        let mut journal = Self::opened(directory, register, Box::new(SoftwareUnit::of(directory)), numbers)?;
        journal.continue_from(numbers)?;
        Ok(journal)
    }

    fn opened(directory: &Path, register: &RegisterId, unit: Box<dyn FiscalUnit>, numbers: Numbers) -> Result<Self> {
        let lock = file::lock(directory)?;
        file::create_if_missing(directory, register, numbers)?;
        let database = file::open(directory)?;
        let found = file::owner(&database)?;
        if found != *register {
            return Err(JournalError::ForeignRegister { expected: register.clone(), found });
        }
        chain::test_newest(&database)?;
        Ok(Self { database, register: found, signer: Signer::new(unit), kept: None, counted: Cell::new(None), _lock: lock })
    }

    /// The sale that was being rung up when the register stopped, payments included.
    pub fn sale_in_hand(&self) -> Result<Option<Sale>> {
        hand::read(&self.database)
    }

    /// Makes the sale in hand durable. It costs what changed since the last call, however long the sale is.
    pub fn keep(&mut self, sale: &Sale) -> Result<()> {
        let before = self.kept.take();
        let commit = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        hand::write(&commit, sale, before.as_ref())?;
        commit.commit()?;
        self.kept = Some(sale.clone());
        Ok(())
    }

    /// Makes the sale a transaction with the next receipt number; it is no longer in hand.
    pub fn conclude(&mut self, sale: &Sale, stamp: &Stamp) -> Result<Transaction> {
        self.record_sale(sale, Content::Sale, stamp)
    }

    /// Makes the sale a voided transaction, without a receipt number; it is no longer in hand.
    pub fn void(&mut self, sale: &Sale, stamp: &Stamp) -> Result<Transaction> {
        self.record_sale(sale, Content::VoidedSale, stamp)
    }

    /// Records an event of the audit trail under a new key.
    pub fn note(&mut self, id: TransactionId, event: Event, stamp: &Stamp) -> Result<Transaction> {
        self.counted.set(None);
        let commit = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let transaction = append(&commit, &self.register, &mut self.signer, id, Content::Event(event), stamp)?;
        commit.commit()?;
        Ok(transaction)
    }

    /// Opens the register's next shift; `id` is the key of the event that says so, `stamp` what it says in that shift.
    pub fn open_shift(&mut self, id: TransactionId, stamp: impl FnOnce(ShiftId) -> Stamp) -> Result<Shift> {
        const OPEN: &str = "INSERT INTO shifts (number, opened_at, opened_by, receipt_before) VALUES (?1, ?2, ?3, ?4)";
        self.counted.set(None);
        let commit = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known = chain::highest(&commit)?;
        let shift = ShiftId { register: self.register.number, number: known.shift + 1 };
        let stamp = stamp(shift);
        let opened_at = stamp.at.timestamp_millis();
        commit.execute(OPEN, (stored(shift.number), opened_at, &stamp.operator.0, stored(known.receipt)))?;
        append(&commit, &self.register, &mut self.signer, id, Content::Event(Event::ShiftOpened), &stamp)?;
        commit.commit()?;
        Ok(Shift { id: shift, opened_at: stamp.at, opened_by: stamp.operator })
    }

    /// The register's open shift: the one opened last.
    pub fn shift(&self) -> Result<Option<Shift>> {
        const LAST: &str = "SELECT number, opened_at, opened_by FROM shifts ORDER BY number DESC LIMIT 1";
        let shift = self.database.query_row(LAST, (), |row| {
            Ok(Shift {
                id: ShiftId { register: self.register.number, number: number(row, 0)? },
                opened_at: time(row.get(1)?, 1)?,
                opened_by: OperatorId(row.get(2)?),
            })
        });
        Ok(shift.optional()?)
    }

    /// Whether anything was sold in the open shift, so that there may be money in the drawer.
    pub fn shift_has_sales(&self) -> Result<bool> {
        let before: Option<i64> =
            self.database.query_row("SELECT receipt_before FROM shifts ORDER BY number DESC LIMIT 1", (), |row| row.get(0)).optional()?;
        let newest = chain::read(&self.database, Mark::Newest)?;
        Ok(before.is_some_and(|before| newest.receipt > before.unsigned_abs()))
    }

    /// Whatever is recorded next has numbers higher than these, which were given elsewhere.
    pub fn continue_from(&mut self, numbers: Numbers) -> Result<()> {
        if !numbers.are_possible() {
            return Err(JournalError::Numbers);
        }
        let commit = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        chain::activate(&commit, numbers)?;
        Ok(commit.commit()?)
    }

    /// An operator's wrong PINs in a row at this register.
    pub fn attempts(&self, operator: &OperatorId) -> Result<Attempts> {
        attempts::read(&self.database, operator)
    }

    /// Counts a try as failed, before its PIN is compared; returns what was counted until then.
    pub fn note_failure(&mut self, operator: &OperatorId, now: Time) -> Result<Attempts> {
        let commit = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = attempts::read(&commit, operator)?;
        attempts::write(&commit, operator, before.after_failure(now), now)?;
        commit.commit()?;
        Ok(before)
    }

    /// Sets an operator's count: to nothing once he was right or a manager unlocked him, back when his PIN was compared by nobody.
    pub fn set_attempts(&mut self, operator: &OperatorId, attempts: Attempts, now: Time) -> Result<()> {
        attempts::write(&self.database, operator, attempts, now)
    }

    /// What the scale unit has not acknowledged yet; counted anew only after a change.
    pub fn unsent(&self) -> Result<Unsent> {
        let version: i64 = self.database.prepare_cached("PRAGMA data_version")?.query_row((), |row| row.get(0))?;
        if let Some((at, unsent)) = self.counted.get()
            && at == version
        {
            return Ok(unsent);
        }
        let unsent = count_unsent(&self.database)?;
        self.counted.set(Some((version, unsent)));
        Ok(unsent)
    }

    /// A transaction by its key.
    pub fn transaction(&self, id: &TransactionId) -> Result<Option<Transaction>> {
        self.one("SELECT canonical FROM transactions WHERE id = ?1", [id.to_string()])
    }

    /// The sale concluded last.
    pub fn last_sale(&self) -> Result<Option<Transaction>> {
        self.one("SELECT canonical FROM transactions WHERE receipt = (SELECT max(receipt) FROM transactions)", ())
    }

    /// How the audit trail leaves the connection: the newest [`Event::WentOffline`] or [`Event::WentOnline`] that is still here.
    pub fn last_switch(&self) -> Result<Option<Event>> {
        self.last_event(["went_offline", "went_online"])
    }

    /// How the audit trail leaves the fiscal unit: the newest [`Event::SigningFailed`] or [`Event::SigningResumed`] that is still here.
    pub fn last_signing(&self) -> Result<Option<Event>> {
        self.last_event(["signing_failed", "signing_resumed"])
    }

    /// What became of the newest record's signature; nothing before this journal, opened, has written one.
    pub fn signing(&self) -> Option<&std::result::Result<(), FiscalError>> {
        self.signer.last()
    }

    /// Takes uploaded transactions recorded before `before` out of the journal, as [`Outbox::purge`] does, but a few thousand at most:
    /// somebody waits for it. Returns how many left.
    pub fn purge(&mut self, before: Time) -> Result<u64> {
        outbox::purge(&mut self.database, before, PURGED_AT_A_SIGN_IN)
    }

    fn record_sale(&mut self, sale: &Sale, content: fn(Sale) -> Content, stamp: &Stamp) -> Result<Transaction> {
        self.kept = None;
        self.counted.set(None);
        let commit = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let transaction = append(&commit, &self.register, &mut self.signer, sale.id, content(sale.clone()), stamp)?;
        hand::clear(&commit)?;
        commit.commit()?;
        Ok(transaction)
    }

    /// A record that the disk changed is passed over.
    fn last_event(&self, either: [&str; 2]) -> Result<Option<Event>> {
        const LAST_EVENTS: &str = "SELECT canonical FROM transactions WHERE kind = 'event' AND json_valid(canonical)
            AND json_extract(canonical, '$.content.event.event') IN (?1, ?2) ORDER BY sequence DESC";
        let mut statement = self.database.prepare_cached(LAST_EVENTS)?;
        let mut rows = statement.query(either)?;
        while let Some(row) = rows.next()? {
            let canonical = row.get_ref(0)?.as_str().unwrap_or_default();
            if let Ok(Transaction { content: Content::Event(event), .. }) = Transaction::from_canonical(canonical) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn one(&self, query: &str, key: impl rusqlite::Params) -> Result<Option<Transaction>> {
        let canonical: Option<String> = self.database.prepare_cached(query)?.query_row(key, |row| row.get(0)).optional()?;
        Ok(canonical.map(|canonical| Transaction::from_canonical(&canonical)).transpose()?)
    }
}

/// Writes the chain's next record and its place in the outbox. Every number comes from the file, within the caller's commit.
fn append(
    commit: &Connection,
    register: &RegisterId,
    signer: &mut Signer,
    id: TransactionId,
    content: Content,
    stamp: &Stamp,
) -> Result<Transaction> {
    const APPEND: &str = "INSERT INTO transactions (sequence, id, receipt, kind, recorded_at, canonical, hash, signature)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let newest = chain::read(commit, Mark::Newest)?;
    let known = chain::highest(commit)?;
    let mut transaction = Transaction {
        id,
        register: register.clone(),
        sequence: known.sequence + 1,
        receipt: matches!(content, Content::Sale(_)).then_some(known.receipt + 1),
        shift: stamp.shift,
        operator: stamp.operator.clone(),
        recorded_at: stamp.at,
        offline: stamp.offline,
        content,
        signing: None,
    };
    let Signed { canonical, hash, signature, key } = signer.sign(&mut transaction, &newest);
    commit.prepare_cached(APPEND)?.execute((
        stored(transaction.sequence),
        id.to_string(),
        transaction.receipt.map(stored),
        transaction.kind(),
        stamp.at.timestamp_millis(),
        canonical,
        &hash,
        signature,
    ))?;
    commit
        .prepare_cached("INSERT INTO outbox (sequence, sale) VALUES (?1, ?2)")?
        .execute((stored(transaction.sequence), transaction.is_sale()))?;
    let link = Link { sequence: transaction.sequence, receipt: transaction.receipt.unwrap_or(known.receipt), hash, key };
    chain::write(commit, Mark::Newest, &link)?;
    Ok(transaction)
}

fn count_unsent(database: &Connection) -> Result<Unsent> {
    const COUNT: &str = "SELECT sale, set_aside_at IS NOT NULL, count(*) FROM outbox WHERE sent_at IS NULL GROUP BY sale, set_aside_at";
    const OLDEST: &str = "SELECT recorded_at FROM transactions
        WHERE sequence = (SELECT min(sequence) FROM outbox WHERE sent_at IS NULL AND sale = 1)";
    let mut unsent = Unsent::default();
    let mut statement = database.prepare_cached(COUNT)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (sale, set_aside, count): (bool, bool, u64) = (row.get(0)?, row.get(1)?, number(row, 2)?);
        *if sale { &mut unsent.sales } else { &mut unsent.events } += count;
        if set_aside {
            unsent.set_aside += count;
        }
    }
    if unsent.sales > 0 {
        unsent.oldest_sale = database.prepare_cached(OLDEST)?.query_row((), |row| time(row.get(0)?, 0)).optional()?;
    }
    Ok(unsent)
}

/// A time as stored, in milliseconds since 1970.
fn time(milliseconds: i64, column: usize) -> rusqlite::Result<Time> {
    DateTime::from_timestamp_millis(milliseconds).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, milliseconds))
}
