//! A channel over database files: the scale unit's channel database with its file of master data, and the register's offline database,
//! which is such a file alone.
//!
//! The scale unit's handlers call it, and the till when the scale unit does not answer. Every call blocks for as long as the disk
//! takes. It knows no network, and no rule of the shop beyond what [`Transaction::verify`](crate::retail::transaction::Transaction::verify) asks.

mod database;
mod intake;
pub mod master;
mod open;
mod products;
mod readers;
mod search;
mod sign_in;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::{Channel, ChannelError, ErrorKind, Page, ProductSearch, Recorded, Refusal, Result, Upload};
use crate::ids::{OperatorId, ProductId, RegisterId, TransactionId};
use crate::master_data::MasterData;
use crate::package::Manifest;
use crate::pin::PinKey;
use crate::place;
use crate::retail::gift_card::GiftCard;
use crate::retail::product::{Found, Product};
use crate::retail::register::RegisterSetup;
use crate::retail::staff::{Operator, Pin};
use crate::retail::store::Store;

use intake::Intake;
use master::Master;
pub use open::OpenError;
use open::Schema;
use readers::Readers;

/// A channel database. Shared by threads: each read has a connection of its own, writes wait for one another.
pub struct SqliteChannel {
    master: Master,
    transactions: Option<Transactions>,
    pin_key: Option<PinKey>,
}

/// What a scale unit writes.
struct Transactions {
    readers: Readers,
    writer: Mutex<Connection>,
    intake: Intake,
}

impl SqliteChannel {
    /// Opens a channel database to read and write, makes it when there is none, and brings an older one up to date. Its master data are in
    /// the file [`SqliteChannel::master_data`] beside it.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        let writer = open::for_writing(path, Schema::Channel)?;
        let master = Master::live(&Self::master_data(path))?;
        let transactions =
            Transactions { readers: Readers::new(path, Schema::Channel), writer: Mutex::new(writer), intake: Intake::default() };
        Ok(Self { master, transactions: Some(transactions), pin_key: None })
    }

    /// Opens a file of master data as it stands at this moment, such as a register's offline database; what is applied to it later is seen
    /// by opening it again. One that waits to take its place takes it. It takes no transactions.
    pub fn open_read_only(path: &Path) -> std::result::Result<Self, OpenError> {
        Ok(Self { master: Master::snapshot(path)?, transactions: None, pin_key: None })
    }

    /// Where the master data of a channel database are.
    pub fn master_data(channel_database: &Path) -> PathBuf {
        channel_database.with_extension("master.db")
    }

    /// Checks PINs whose hashes are bound to this key.
    #[must_use]
    pub fn with_pin_key(self, key: PinKey) -> Self {
        Self { pin_key: Some(key), ..self }
    }

    /// Whether no master data have been applied yet.
    pub fn is_empty(&self) -> Result<bool> {
        self.master.read(|database| database.query_row("SELECT NOT EXISTS (SELECT 1 FROM stores)", [], |row| row.get(0)))
    }

    /// Brings the master data to the manifest's version with the file of an unpacked package, whole or not at all; a full one is moved into
    /// place and must lie on the same disk. Transactions are taken in meanwhile, and readers go on.
    pub fn apply(&self, manifest: &Manifest, unpacked: &Path) -> Result<()> {
        self.master.apply(manifest, unpacked)
    }

    /// Replaces all master data, whole or not at all, and returns their new version. Refused when two products share a number or a code,
    /// or a code names no product.
    pub fn load(&self, data: &MasterData) -> Result<u64> {
        self.master.load(data)
    }

    /// Writes all master data to a new file at `to`, in one piece as of now, and returns their version.
    pub fn export_master_data(&self, to: &Path) -> Result<u64> {
        self.master.read(|database| database.backup(rusqlite::MAIN_DB, to, None::<fn(_)>))?;
        let copy = open::finished(to, Schema::Master).map_err(ChannelError::broken)?;
        Ok(master::data_version(&copy)?)
    }

    /// All records of a kind, by their keys.
    pub fn records(&self, kind: &str) -> Result<Vec<(String, String)>> {
        const OF_KIND: &str = "SELECT key, content FROM records WHERE kind = ?1 ORDER BY key";
        self.master.read(|database| {
            let mut records = database.prepare_cached(OF_KIND)?;
            records.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
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
        self.master.check()?;
        match &self.transactions {
            Some(transactions) => transactions.readers.read(|database| Ok(check(database)))?,
            None => Ok(()),
        }
    }

    /// Asks what the scale unit has written.
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.transactions()?.readers.read(ask)
    }

    fn transactions(&self) -> Result<&Transactions> {
        self.transactions.as_ref().ok_or_else(|| ChannelError::new(ErrorKind::Unsupported, "this database is only read"))
    }
}

impl Channel for SqliteChannel {
    fn store(&self, number: &str) -> Result<Store> {
        const STORE: &str = "SELECT content FROM stores WHERE number = ?1";
        let content = self.master.read(|database| {
            let mut store = database.prepare_cached(STORE)?;
            store.query_row([number], |row| row.get::<_, String>(0)).optional()
        })?;
        let content = content.ok_or_else(|| ChannelError::refused(Refusal::NotFound, format!("store {number:?} is not kept here")))?;
        serde_json::from_str(&content).map_err(|error| ChannelError::broken(format!("the configuration of store {number:?}: {error}")))
    }

    fn register(&self, register: &RegisterId) -> Result<RegisterSetup> {
        const REGISTER: &str = "SELECT content FROM records WHERE kind = 'register' AND key = ?1";
        let content = self.master.read(|database| {
            let mut setup = database.prepare_cached(REGISTER)?;
            setup.query_row([register.number.to_string()], |row| row.get::<_, String>(0)).optional()
        })?;
        let setup: Option<RegisterSetup> = content
            .map(|content| serde_json::from_str(&content))
            .transpose()
            .map_err(|error| ChannelError::broken(format!("the set-up of register {register}: {error}")))?;
        let unknown = || ChannelError::refused(Refusal::NotFound, format!("register {register} is not kept here"));
        setup.filter(|setup| setup.register == *register).ok_or_else(unknown)
    }

    fn sign_in(&self, operator: &OperatorId, pin: &Pin) -> Result<Operator> {
        sign_in::sign_in(self, operator, pin)
    }

    fn product_by_barcode(&self, code: &str) -> Result<Option<Found>> {
        let found = self.master.read(|database| products::by_code(database, code))?;
        Ok(found.map(|placed| placed.found))
    }

    fn product(&self, id: &ProductId) -> Result<Option<Product>> {
        let found = self.master.read(|database| products::by_number(database, &id.0))?;
        Ok(found.map(|placed| placed.found.product))
    }

    fn search_products(&self, search: &ProductSearch) -> Result<Page> {
        search.check()?;
        self.master.read_at_once(|database| search::page(database, search))
    }

    fn record(&self, transaction: &Upload) -> Result<Recorded> {
        let transactions = self.transactions()?;
        transactions.intake.record(&transactions.writer, transaction, None)
    }

    fn transaction(&self, id: &TransactionId) -> Result<Option<String>> {
        const TRANSACTION: &str = "SELECT content FROM transactions WHERE id = ?1";
        self.read(|database| database.prepare_cached(TRANSACTION)?.query_row([id.to_string()], |row| row.get(0)).optional())
    }

    fn gift_card(&self, _: &str) -> Result<Option<GiftCard>> {
        Err(ChannelError::new(ErrorKind::Unsupported, "only headquarters knows gift cards"))
    }

    fn data_version(&self) -> Result<u64> {
        self.master.read(master::data_version)
    }
}

/// Reads every table and its indexes for damage.
fn check(database: &Connection) -> Result<()> {
    const DAMAGE: &str = "SELECT found.quick_check FROM sqlite_schema s JOIN pragma_quick_check(s.name) found
        WHERE s.type = 'table' AND s.rootpage > 0 AND found.quick_check <> 'ok' LIMIT 1";
    let found: Option<String> = database.query_row(DAMAGE, [], |row| row.get(0)).optional()?;
    let damaged = |found: String| Err(ChannelError::broken(format!("the database is damaged: {}", found.replace('\n', " "))));
    found.map_or(Ok(()), damaged)
}

/// A panic leaves nothing half done behind these locks: an open transaction is rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A database's own failure, in words for whoever keeps it running.
impl From<rusqlite::Error> for ChannelError {
    fn from(error: rusqlite::Error) -> Self {
        if place::was_moved(&error) {
            return Self::broken(format!("the database: {}", place::MOVED));
        }
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
