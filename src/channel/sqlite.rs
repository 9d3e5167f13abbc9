//! A channel over a database file: the scale unit's channel database, and the register's offline database, which is a copy of its
//! master data.
//!
//! The scale unit's handlers call it, and the till when the scale unit does not answer. Every call blocks for as long as the disk
//! takes. It knows no network, and no rule of the shop beyond what [`Transaction::verify`](crate::retail::transaction::Transaction::verify) asks.

mod bulk;
mod export;
mod folding;
mod intake;
mod load;
mod open;
mod products;
mod search;
mod sign_in;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::{Channel, ChannelError, ErrorKind, Page, ProductSearch, Recorded, Refusal, Result, Upload};
use crate::ids::{OperatorId, ProductId, TransactionId};
use crate::retail::product::{Found, Product};
use crate::retail::staff::{Operator, Pin};
use crate::retail::store::Store;

use intake::Intake;
pub use open::OpenError;

/// Connections kept open for reading while nobody reads.
const IDLE_READERS_MAX: usize = 8;

/// A channel database. Shared by threads: each read has a connection of its own, writes wait for one another.
pub struct SqliteChannel {
    path: PathBuf,
    open_reader: fn(&Path) -> std::result::Result<Connection, OpenError>,
    readers: Mutex<Vec<Connection>>,
    writer: Option<Mutex<Connection>>,
    intake: Intake,
}

impl SqliteChannel {
    /// Opens a database to read and write, makes it when there is none, and brings an older one up to date.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        let writer = open::for_writing(path)?;
        Ok(Self::new(path, open::for_reading, Vec::new(), Some(writer)))
    }

    /// Opens a finished database that nobody changes, such as a downloaded one; it takes no transactions.
    pub fn open_read_only(path: &Path) -> std::result::Result<Self, OpenError> {
        let reader = open::finished(path)?;
        Ok(Self::new(path, open::finished, vec![reader], None))
    }

    fn new(
        path: &Path,
        open_reader: fn(&Path) -> std::result::Result<Connection, OpenError>,
        readers: Vec<Connection>,
        writer: Option<Connection>,
    ) -> Self {
        let (readers, writer) = (Mutex::new(readers), writer.map(Mutex::new));
        Self { path: path.to_owned(), open_reader, readers, writer, intake: Intake::default() }
    }

    /// Whether no store has been loaded yet.
    pub fn is_empty(&self) -> Result<bool> {
        self.read(|database| database.query_row("SELECT NOT EXISTS (SELECT 1 FROM stores)", [], |row| row.get(0)))
    }

    /// How many sales were taken in, concluded or voided.
    pub fn sales_count(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM transactions WHERE kind <> 'event'";
        self.read(|database| database.query_row(sql, [], |row| row.get(0)).map(i64::cast_unsigned))
    }

    /// How many transactions were taken in, events included.
    pub fn transaction_count(&self) -> Result<u64> {
        self.read(|database| database.query_row("SELECT count(*) FROM transactions", [], |row| row.get(0)).map(i64::cast_unsigned))
    }

    /// Reads every table and its indexes for damage; not what the full-text index says about the texts, which takes as long as building it.
    pub fn check(&self) -> Result<()> {
        const DAMAGE: &str = "SELECT found.quick_check FROM sqlite_schema s JOIN pragma_quick_check(s.name) found
            WHERE s.type = 'table' AND s.rootpage > 0 AND found.quick_check <> 'ok' LIMIT 1";
        let found: Option<String> = self.read(|database| database.query_row(DAMAGE, [], |row| row.get(0)).optional())?;
        let damaged = |found: String| Err(ChannelError::broken(format!("the database is damaged: {}", found.replace('\n', " "))));
        found.map_or(Ok(()), damaged)
    }

    /// Asks on a connection of the pool.
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let idle = lock(&self.readers).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => (self.open_reader)(&self.path).map_err(ChannelError::broken)?,
        };
        let answer = ask(&reader).map_err(ChannelError::from);
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS_MAX {
            readers.push(reader);
        }
        answer
    }

    fn writer(&self) -> Result<&Mutex<Connection>> {
        let read_only = || ChannelError::new(ErrorKind::Unsupported, "this database is only read");
        self.writer.as_ref().ok_or_else(read_only)
    }
}

impl Channel for SqliteChannel {
    fn store(&self, number: &str) -> Result<Store> {
        const STORE: &str = "SELECT content FROM stores WHERE number = ?1";
        let content = self.read(|database| {
            let mut store = database.prepare_cached(STORE)?;
            store.query_row([number], |row| row.get::<_, String>(0)).optional()
        })?;
        let content = content.ok_or_else(|| ChannelError::refused(Refusal::NotFound, format!("store {number:?} is not kept here")))?;
        serde_json::from_str(&content).map_err(|error| ChannelError::broken(format!("the configuration of store {number:?}: {error}")))
    }

    fn sign_in(&self, operator: &OperatorId, pin: &Pin) -> Result<Operator> {
        sign_in::sign_in(self, operator, pin)
    }

    fn product_by_barcode(&self, code: &str) -> Result<Option<Found>> {
        let found = self.read(|database| products::by_code(database, code))?;
        Ok(found.map(|placed| placed.found))
    }

    fn product(&self, id: &ProductId) -> Result<Option<Product>> {
        let found = self.read(|database| products::by_number(database, &id.0))?;
        Ok(found.map(|placed| placed.found.product))
    }

    fn search_products(&self, search: &ProductSearch) -> Result<Page> {
        search.check()?;
        self.read(|database| search::page(database, search))
    }

    fn record(&self, transaction: &Upload) -> Result<Recorded> {
        self.intake.record(self.writer()?, transaction)
    }

    fn transaction(&self, id: &TransactionId) -> Result<Option<String>> {
        const TRANSACTION: &str = "SELECT content FROM transactions WHERE id = ?1";
        self.read(|database| database.prepare_cached(TRANSACTION)?.query_row([id.to_string()], |row| row.get(0)).optional())
    }

    fn data_version(&self) -> Result<u64> {
        self.read(data_version)
    }
}

fn data_version(database: &Connection) -> rusqlite::Result<u64> {
    const VERSION: &str = "SELECT version FROM data_version";
    database.prepare_cached(VERSION)?.query_row([], |row| row.get(0)).map(i64::cast_unsigned)
}

/// A panic leaves nothing half done behind these locks: an open transaction is rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A database's own failure, in words for whoever keeps it running.
impl From<rusqlite::Error> for ChannelError {
    fn from(error: rusqlite::Error) -> Self {
        let said = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "the disk of the database is full",
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => "the database file cannot be read or written",
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "the database is damaged",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "the database is held by another program",
            _ => "the database failed",
        };
        Self::broken(format!("{said}: {error}"))
    }
}
