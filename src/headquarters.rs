//! Headquarters: a chain's master data, the jobs that distribute them, devices and scale units, and the transactions that came in.
//!
//! Administration (`evertill hq`) and headquarters' server call [`Headquarters`]; several processes may share one database. It speaks to
//! nobody by itself: servers and clients stand above it.

mod audit;
mod codes;
mod database;
mod devices;
mod distribution;
mod entities;
mod error;
mod import;
mod keys;
pub mod kinds;
mod packages;
mod realtime;
mod records;
mod scale_units;
mod schedule;
pub mod server;
mod transactions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use audit::AuditEntry;
pub use distribution::{Extent, Made, Ran};
pub use error::{Error, Result};
pub use import::{Bytes, Imported};
pub use packages::{Package, PackageState};
pub use records::{Outcome, Record};
pub use scale_units::{Credentials, ScaleUnitRow};
pub use schedule::{Due, ScheduledRun};
pub use transactions::{SetAside, TransactionRow};

use crate::clock::SharedClock;
use crate::pin::PinKey;
use database::Database;
use keys::Keys;

/// Headquarters; clones share one database.
#[derive(Clone)]
pub struct Headquarters(Arc<Parts>);

struct Parts {
    database: Database,
    keys: Keys,
    clock: SharedClock,
}

impl Headquarters {
    /// Opens headquarters over `sqlite:FILE` or `postgres://…`. Its secret keys are in a file of their own, made for a new database
    /// alone: `keys`, or beside the SQLite file.
    pub fn open(database: &str, keys: Option<&Path>, clock: SharedClock) -> Result<Self> {
        database::expect_url(database)?;
        let beside = database::sqlite_file(database).map(|file| file.with_extension("keys"));
        let Some(file) = keys.map(PathBuf::from).or(beside) else {
            let hint = "--keys FILE names the file of headquarters' secret keys; it is made at the first start";
            return Err(Error::refused("headquarters' keys are in no database, and no file is named for them", hint));
        };
        let database = Database::open(database)?;
        Ok(Self(Arc::new(Parts { keys: Keys::open(&file, &database)?, database, clock })))
    }

    /// Its Ed25519 key that packages are checked with, in hexadecimal.
    pub fn verifying_key(&self) -> String {
        self.0.keys.signing.verifying_key().to_string()
    }

    /// What PIN hashes are bound to.
    pub fn pin_key(&self) -> &PinKey {
        &self.0.keys.pin
    }

    fn database(&self) -> &Database {
        &self.0.database
    }
}
