//! The journal to look at: read-only, also while a register is using it. For `evertill journal` and its verifier and export.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row};

use super::chain::{added, number};
use super::error::Result;
use super::{file, hand, time};
use crate::clock::Time;
use crate::ids::{RegisterId, TransactionId};
use crate::retail::sale::Sale;
use crate::retail::transaction::Transaction;

const ENTRY: &str = "SELECT sequence, canonical, hash, attempts, problem, sent_at, set_aside_at, transactions.*
    FROM transactions JOIN outbox USING (sequence)";

/// A journal that is only read.
pub struct Reader {
    pub(super) database: Connection,
}

/// A transaction as the journal keeps it.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Its place in the journal.
    pub sequence: u64,
    /// Its canonical text.
    pub canonical: String,
    /// Its link in the chain.
    pub hash: String,
    /// The fiscal unit's signature over the link.
    pub signature: Option<String>,
    /// What became of it.
    pub progress: Progress,
}

/// A transaction that cannot be read any more.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("sequence {sequence} cannot be read: {why}")]
pub struct Unreadable {
    /// Its place in the journal.
    pub sequence: u64,
    /// What is wrong with it.
    pub why: String,
}

/// How far a transaction is on its way up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Not acknowledged yet.
    Waiting {
        /// Attempts that failed.
        attempts: u64,
        /// How the last one failed.
        problem: Option<String>,
    },
    /// Acknowledged.
    Sent {
        /// When.
        at: Time,
    },
    /// Set aside: the scale unit refused it, or it cannot be read any more.
    SetAside {
        /// When.
        at: Time,
        /// Why.
        reason: String,
    },
}

impl Reader {
    /// Opens the journal of a data directory.
    pub fn open(directory: &Path) -> Result<Self> {
        Ok(Self { database: file::open_read_only(directory)? })
    }

    /// The register it belongs to.
    pub fn register(&self) -> Result<RegisterId> {
        file::owner(&self.database)
    }

    /// The sale being rung up, as the register would find it when it is started again.
    pub fn sale_in_hand(&self) -> Result<Option<Sale>> {
        hand::read(&self.database)
    }

    /// The last `limit` transactions, newest first.
    pub fn newest(&self, limit: u32) -> Result<Vec<Entry>> {
        let mut statement = self.database.prepare(&format!("{ENTRY} ORDER BY sequence DESC LIMIT ?1"))?;
        Ok(statement.query_map([limit], entry)?.collect::<rusqlite::Result<_>>()?)
    }

    /// A transaction by its key.
    pub fn entry(&self, id: &TransactionId) -> Result<Option<Entry>> {
        Ok(self.database.query_row(&format!("{ENTRY} WHERE id = ?1"), [id.to_string()], entry).optional()?)
    }

    /// Hands each transaction that can be read to `visit`, oldest first, and returns what became of the others.
    pub fn each(&self, mut visit: impl FnMut(Entry) -> Result<()>) -> Result<Vec<Unreadable>> {
        let mut statement = self.database.prepare(&format!("{ENTRY} ORDER BY sequence"))?;
        let (mut rows, mut unreadable, mut after) = (statement.query(())?, Vec::new(), 0);
        while let Some(row) = rows.next()? {
            match entry(row) {
                Ok(entry) => {
                    after = entry.sequence;
                    visit(entry)?;
                }
                Err(error) => {
                    let sequence = number(row, 0).unwrap_or(after);
                    unreadable.push(Unreadable { sequence, why: error.to_string() });
                    after = sequence;
                }
            }
        }
        Ok(unreadable)
    }
}

impl Entry {
    /// The transaction itself.
    pub fn transaction(&self) -> Result<Transaction> {
        Ok(Transaction::from_canonical(&self.canonical)?)
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let (sent, set_aside): (Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?);
    let progress = match (sent, set_aside) {
        (Some(at), _) => Progress::Sent { at: time(at, 5)? },
        (None, Some(at)) => Progress::SetAside { at: time(at, 6)?, reason: row.get::<_, Option<String>>(4)?.unwrap_or_default() },
        (None, None) => Progress::Waiting { attempts: number(row, 3)?, problem: row.get(4)? },
    };
    let signature = added(row, "signature")?;
    Ok(Entry { sequence: number(row, 0)?, canonical: row.get(1)?, hash: row.get(2)?, signature, progress })
}
