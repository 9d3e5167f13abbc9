//! The hash chain: its two ends, kept beside the records, and the quick test of its newest links.

use rusqlite::{Connection, OptionalExtension, Row};

use super::error::{JournalError, Result};
use crate::retail::register::Numbers;
use crate::retail::transaction::{CHAIN_START, chain_hash};

/// How many records the quick test reads: what the last power cut could have touched, in a millisecond.
const NEWEST_LINKS: u64 = 16;

/// One end of the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    /// The record's number.
    pub(super) sequence: u64,
    /// The last receipt number given up to it.
    pub(super) receipt: u64,
    /// Its hash, which the next record's continues.
    pub(super) hash: String,
    /// The public key that records are signed with there, once there is one.
    pub(super) key: Option<String>,
}

/// An end of the chain.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// The last record written.
    Newest,
    /// The last record that left after its upload.
    Purged,
}

impl Mark {
    const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Purged => "purged",
        }
    }
}

/// Writes both ends of an empty chain.
pub(super) fn begin(database: &Connection) -> Result<()> {
    for mark in [Mark::Newest, Mark::Purged] {
        database.execute("INSERT INTO chain (mark, sequence, receipt, hash) VALUES (?1, 0, 0, ?2)", (mark.name(), CHAIN_START))?;
    }
    Ok(())
}

/// Where an end of the chain is.
pub(super) fn read(database: &Connection, mark: Mark) -> Result<Link> {
    let mut statement = database.prepare_cached("SELECT sequence, receipt, hash, chain.* FROM chain WHERE mark = ?1")?;
    let link = statement.query_row([mark.name()], |row| {
        Ok(Link { sequence: number(row, 0)?, receipt: number(row, 1)?, hash: row.get(2)?, key: added(row, "key")? })
    });
    Ok(link?)
}

/// Moves an end of the chain.
pub(super) fn write(database: &Connection, mark: Mark, link: &Link) -> Result<()> {
    let mut statement = database.prepare_cached("UPDATE chain SET sequence = ?2, receipt = ?3, hash = ?4, key = ?5 WHERE mark = ?1")?;
    statement.execute((mark.name(), stored(link.sequence), stored(link.receipt), &link.hash, &link.key))?;
    Ok(())
}

/// The register goes on behind these numbers, which it gave elsewhere.
pub(super) fn activate(database: &Connection, numbers: Numbers) -> Result<()> {
    const ACTIVATE: &str = "INSERT INTO activations (sequence, receipt, shift) VALUES (?1, ?2, ?3)
        ON CONFLICT (sequence) DO UPDATE SET receipt = excluded.receipt, shift = excluded.shift";
    let known = highest(database)?;
    let highest = known.max(numbers);
    if highest != known {
        database.execute(ACTIVATE, (stored(highest.sequence), stored(highest.receipt), stored(highest.shift)))?;
    }
    Ok(())
}

/// The highest numbers that the register has given, here or elsewhere before its activation.
pub(super) fn highest(database: &Connection) -> Result<Numbers> {
    const ACTIVATIONS: &str = "SELECT coalesce(max(sequence), 0), coalesce(max(receipt), 0),
        max(coalesce(max(shift), 0), (SELECT coalesce(max(number), 0) FROM shifts)) FROM activations";
    let newest = read(database, Mark::Newest)?;
    let given = database
        .prepare_cached(ACTIVATIONS)?
        .query_row((), |row| Ok(Numbers { sequence: number(row, 0)?, receipt: number(row, 1)?, shift: number(row, 2)? }))?;
    Ok(given.max(Numbers { sequence: newest.sequence, receipt: newest.receipt, shift: 0 }))
}

/// The last receipt number known before a record: of what is here, of what has left, and of what was given elsewhere.
pub(super) fn receipt_up_to(database: &Connection, sequence: u64) -> Result<u64> {
    const HIGHEST: &str = "SELECT max((SELECT coalesce(max(receipt), 0) FROM transactions WHERE sequence <= ?1),
        (SELECT coalesce(max(receipt), 0) FROM activations WHERE sequence < ?1),
        (SELECT receipt FROM chain WHERE mark = 'purged'))";
    Ok(database.prepare_cached(HIGHEST)?.query_row([stored(sequence)], |row| number(row, 0))?)
}

/// The public key that records are signed with behind this one: the newest named up to it, here or in what has left.
pub(super) fn key_up_to(database: &Connection, sequence: u64) -> Result<Option<String>> {
    const NEWEST: &str = "SELECT json_extract(canonical, '$.signing.key') FROM transactions
        WHERE sequence <= ?1 AND json_valid(canonical) AND json_extract(canonical, '$.signing.key') IS NOT NULL
        ORDER BY sequence DESC LIMIT 1";
    let here = database.prepare_cached(NEWEST)?.query_row([stored(sequence)], |row| row.get(0)).optional()?;
    Ok(here.or(read(database, Mark::Purged)?.key))
}

/// Tests the newest links and that they end where the register stopped; the whole chain is [`super::verify`]'s.
pub(super) fn test_newest(database: &Connection) -> Result<()> {
    let (purged, newest) = (read(database, Mark::Purged)?, read(database, Mark::Newest)?);
    let first = newest.sequence.saturating_sub(NEWEST_LINKS).max(purged.sequence);
    let mut before = if first == purged.sequence { Some(purged.hash.clone()) } else { None };
    let mut statement = database.prepare("SELECT sequence, hash, canonical FROM transactions WHERE sequence >= ?1 ORDER BY sequence")?;
    let mut rows = statement.query([stored(first)])?;
    let mut last = purged.sequence;
    while let Some(row) = rows.next()? {
        let (sequence, hash): (u64, String) = (number(row, 0)?, row.get(1)?);
        let canonical: String = row.get(2)?;
        if before.is_some_and(|before| chain_hash(&before, &canonical) != hash) {
            return Err(JournalError::corrupt(format!("record {sequence} does not continue the one before it")));
        }
        (before, last) = (Some(hash), sequence);
    }
    if last != newest.sequence || before.as_ref() != Some(&newest.hash) {
        return Err(JournalError::corrupt(format!("it ends at record {last}, expected {}", newest.sequence)));
    }
    if receipt_up_to(database, newest.sequence)? != newest.receipt {
        return Err(JournalError::corrupt(format!("its last receipt is not {}", newest.receipt)));
    }
    Ok(())
}

/// A text in a column that a journal lacks while no newer program has opened it for writing.
pub(super) fn added(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    match row.get(column) {
        Err(rusqlite::Error::InvalidColumnName(_)) => Ok(None),
        found => found,
    }
}

/// A count as the file stores it.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count as the file stores it, read.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}
