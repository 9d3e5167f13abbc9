//! The baselines: the least that has to be done.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::table::{Result, time};

/// A file to which records are appended durably, each in a commit of its own: a database in WAL mode with `synchronous = FULL`.
pub(crate) struct Log {
    database: Connection,
}

impl Log {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let database = Connection::open(path)?;
        database.pragma_update(None, "journal_mode", "wal")?;
        database.pragma_update(None, "synchronous", "full")?;
        database.execute_batch("CREATE TABLE records (number INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT")?;
        Ok(Self { database })
    }

    /// Writes one record down.
    pub(crate) fn append(&self, content: &str) -> Result<Duration> {
        let mut insert = self.database.prepare_cached("INSERT INTO records (content) VALUES (?1)")?;
        let (took, rows) = time(|| insert.execute([content]));
        rows?;
        Ok(took)
    }
}

/// The offline database, asked from a code to name and price.
pub(crate) struct LookUp {
    database: Connection,
}

impl LookUp {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self { database: Connection::open_with_flags(path, flags)? })
    }

    pub(crate) fn product(&self, code: &str) -> Result<Duration> {
        const PRODUCT: &str = "SELECT p.id, p.name, p.price FROM codes c JOIN products p ON p.place = c.product WHERE c.code = ?1";
        let (took, found) = time(|| {
            let mut product = self.database.prepare_cached(PRODUCT)?;
            product.query_row([code], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))
        });
        found?;
        Ok(took)
    }
}
