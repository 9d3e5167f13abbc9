//! The journal as the uploader sees it: what waits, and what became of it. A second connection to the same file, on another thread.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};

use super::chain::{self, Link, Mark, number, stored};
use super::error::Result;
use super::file;
use crate::channel::Upload;
use crate::clock::Time;
use crate::ids::TransactionId;

/// How many transactions leave in one commit, so that purging never keeps the till waiting.
const PURGED_AT_ONCE: u32 = 200;

/// The outbox of a register's journal.
pub struct Outbox {
    database: Connection,
}

/// A transaction that waits for its upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Its place in the journal.
    pub sequence: u64,
    /// What to send; or what is wrong with a record that cannot be.
    pub upload: std::result::Result<Upload, String>,
    /// How often that failed.
    pub attempts: u64,
}

impl Outbox {
    /// Opens the outbox of a data directory whose journal this process has open.
    pub fn open(directory: &Path) -> Result<Self> {
        Ok(Self { database: file::open(directory)? })
    }

    /// The first `limit` waiting transactions behind `after`, in the journal's order; those set aside are not among them.
    pub fn waiting(&self, after: u64, limit: u32) -> Result<Vec<Waiting>> {
        self.waiting_tried(after, i64::MAX, limit)
    }

    /// The first `limit` of them that no attempt failed for.
    pub fn untried(&self, limit: u32) -> Result<Vec<Waiting>> {
        self.waiting_tried(0, 0, limit)
    }

    fn waiting_tried(&self, after: u64, attempts_max: i64, limit: u32) -> Result<Vec<Waiting>> {
        const WAITING: &str = "SELECT sequence, id, canonical, attempts FROM outbox JOIN transactions USING (sequence)
            WHERE sent_at IS NULL AND set_aside_at IS NULL AND sequence > ?1 AND attempts <= ?2 ORDER BY sequence LIMIT ?3";
        let mut statement = self.database.prepare_cached(WAITING)?;
        let rows = statement.query_map((stored(after), attempts_max, limit), |row| {
            Ok(Waiting { sequence: number(row, 0)?, upload: upload(row), attempts: number(row, 3)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The scale unit has these.
    pub fn sent(&mut self, sequences: &[u64], at: Time) -> Result<()> {
        const SENT: &str =
            "UPDATE outbox SET sent_at = ?2, problem = NULL WHERE sequence = ?1 AND sent_at IS NULL AND set_aside_at IS NULL";
        let commit = self.database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for &sequence in sequences {
            commit.prepare_cached(SENT)?.execute((stored(sequence), at.timestamp_millis()))?;
        }
        Ok(commit.commit()?)
    }

    /// The scale unit refuses this one, or it cannot be read any more: it waits no longer, and is shown until somebody looks at it.
    pub fn set_aside(&mut self, sequence: u64, reason: &str, at: Time) -> Result<()> {
        const SET_ASIDE: &str = "UPDATE outbox SET set_aside_at = ?2, problem = ?3, attempts = attempts + 1
            WHERE sequence = ?1 AND sent_at IS NULL AND set_aside_at IS NULL";
        self.database.prepare_cached(SET_ASIDE)?.execute((stored(sequence), at.timestamp_millis(), reason))?;
        Ok(())
    }

    /// The scale unit answered this one with an error of its own, or it alone of all with nothing; it goes on waiting.
    pub fn failed(&mut self, sequence: u64, problem: &str) -> Result<()> {
        const FAILED: &str = "UPDATE outbox SET attempts = attempts + 1, problem = ?2 WHERE sequence = ?1 AND sent_at IS NULL";
        self.database.prepare_cached(FAILED)?.execute((stored(sequence), problem))?;
        Ok(())
    }

    /// Takes uploaded transactions recorded before `before` out of the journal, from its beginning up to the first that is not
    /// uploaded or not so old, never the last of the chain. Returns how many left.
    pub fn purge(&mut self, before: Time) -> Result<u64> {
        purge(&mut self.database, before, u64::MAX)
    }
}

/// A record that can be sent. Any other is no reason to keep those behind it waiting; what else the disk may have changed in one, the scale
/// unit finds by its sums, and the verifier by its link.
fn upload(row: &Row<'_>) -> std::result::Result<Upload, String> {
    let text = |column| row.get::<_, String>(column).map_err(|error| format!("the journal's record is damaged: {error}"));
    let id = text(1)?.parse().map_err(|error| format!("the journal's record is damaged: its key: {error}"))?;
    Ok(Upload { id: TransactionId(id), canonical: text(2)? })
}

/// Purges until nothing more may leave, or about `most` transactions have left.
pub(super) fn purge(database: &mut Connection, before: Time, most: u64) -> Result<u64> {
    let mut purged = 0;
    while purged < most {
        let count = purge_some(database, before)?;
        if count == 0 {
            break;
        }
        purged += count;
    }
    Ok(purged)
}

fn purge_some(database: &mut Connection, before: Time) -> Result<u64> {
    const UNSENT: &str = "SELECT min(sequence) FROM outbox WHERE sent_at IS NULL";
    const YOUNG: &str = "SELECT sequence FROM transactions WHERE recorded_at >= ?1 ORDER BY sequence LIMIT 1";
    const SOME: &str = "SELECT max(sequence), count(*) FROM
        (SELECT sequence FROM transactions WHERE sequence < ?1 ORDER BY sequence LIMIT ?2)";
    let commit = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let newest = chain::read(&commit, Mark::Newest)?;
    let unsent: Option<i64> = commit.query_row(UNSENT, (), |row| row.get(0))?;
    let young: Option<i64> = commit.query_row(YOUNG, [before.timestamp_millis()], |row| row.get(0)).optional()?;
    let stays = [unsent, young].into_iter().flatten().map(i64::unsigned_abs).fold(newest.sequence, u64::min);
    let (last, count): (Option<i64>, u64) =
        commit.query_row(SOME, (stored(stays), PURGED_AT_ONCE), |row| Ok((row.get(0)?, number(row, 1)?)))?;
    let Some(last) = last.map(i64::unsigned_abs) else { return Ok(0) };
    let hash = commit.query_row("SELECT hash FROM transactions WHERE sequence = ?1", [stored(last)], |row| row.get(0))?;
    let link = Link { sequence: last, receipt: chain::receipt_up_to(&commit, last)?, hash, key: chain::key_up_to(&commit, last)? };
    commit.execute("DELETE FROM outbox WHERE sequence <= ?1", [stored(last)])?;
    commit.execute("DELETE FROM transactions WHERE sequence <= ?1", [stored(last)])?;
    chain::write(&commit, Mark::Purged, &link)?;
    commit.commit()?;
    Ok(count)
}
