//! What a scale unit keeps in its channel database beyond transactions: devices, sessions, wrong PINs, reports, and how far headquarters is.

use std::path::Path;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{SqliteChannel, intake, lock};
use crate::channel::database::ATTEMPTS_KEPT;
use crate::channel::{ChannelDatabase, ChannelError, Device, DeviceStatus, Recorded, Result, Session, Upload};
use crate::clock::Time;
use crate::ids::{OperatorId, RegisterId, TransactionId};
use crate::master_data::Record;
use crate::package::{Manifest, Report};
use crate::retail::lockout::Attempts;
use crate::retail::register::Numbers;

/// Operators whose wrong PINs are counted: more than a store has, so that made-up numbers do not fill the disk. The locked ones go last.
const ATTEMPTS_MAX: u32 = 10_000;

impl ChannelDatabase for SqliteChannel {
    fn is_at_hand(&self) -> bool {
        true
    }

    fn is_empty(&self) -> Result<bool> {
        Self::is_empty(self)
    }

    fn transaction_count(&self) -> Result<u64> {
        Self::transaction_count(self)
    }

    fn highest_numbers(&self, register: &RegisterId) -> Result<Numbers> {
        self.read(|database| highest_numbers(database, register))
    }

    fn record_from(&self, device: &Device, transaction: &Upload) -> Result<Recorded> {
        let own = self.transactions()?;
        own.intake.record(&own.writer, transaction, Some(device))
    }

    fn device(&self, token_hash: &str) -> Result<Option<Device>> {
        const DEVICE: &str = "SELECT id, store, register, activated, numbers, handed_on FROM devices WHERE token_hash = ?1";
        self.read(|database| {
            let device = |row: &Row<'_>| {
                let status = if row.get(3)? { DeviceStatus::Activated } else { DeviceStatus::Deactivated };
                let handed_on = row.get::<_, Option<String>>(5)?.map(|_| numbers(row, 5)).transpose()?;
                let (token_hash, numbers) = (token_hash.to_owned(), numbers(row, 4)?);
                Ok(Device { id: row.get(0)?, register: register(row, 1)?, token_hash, status, numbers, handed_on })
            };
            database.prepare_cached(DEVICE)?.query_row([token_hash], device).optional()
        })
    }

    fn activate(&self, device: &Device) -> Result<Numbers> {
        // A device that comes back has its journal still: what it had sent before may be under way.
        const HAND_ON: &str = "UPDATE devices SET handed_on = ?3 WHERE store = ?1 AND register = ?2 AND id <> ?4 AND handed_on IS NULL";
        const ACTIVATE: &str = "INSERT INTO devices (token_hash, id, store, register, activated, numbers) VALUES (?1, ?2, ?3, ?4, 1, ?5)
            ON CONFLICT (token_hash) DO UPDATE SET id = excluded.id, store = excluded.store, register = excluded.register, activated = 1,
            numbers = excluded.numbers, handed_on = NULL";
        let RegisterId { store, number } = &device.register;
        self.write(|transaction| {
            release(transaction, &device.register)?;
            let known = device.numbers.max(highest_numbers(transaction, &device.register)?);
            let numbers = serde_json::to_string(&known).map_err(ChannelError::broken)?;
            transaction.execute(HAND_ON, params![store, number, numbers, device.id])?;
            transaction.execute(ACTIVATE, params![device.token_hash, device.id, store, number, numbers])?;
            Ok(known)
        })
    }

    fn deactivate(&self, register: &RegisterId) -> Result<()> {
        self.write(|transaction| Ok(release(transaction, register)?))
    }

    fn open_session(&self, session: &Session) -> Result<()> {
        const OPEN: &str = "INSERT INTO sessions (token_hash, operator, store, register, expires_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
        let Session { token_hash, operator, register, expires_at } = session;
        let values = params![token_hash, operator.0, register.store, register.number, expires_at.timestamp_millis()];
        self.write(|transaction| Ok(transaction.execute(OPEN, values).map(drop)?))
    }

    fn session(&self, token_hash: &str) -> Result<Option<Session>> {
        const SESSION: &str = "SELECT operator, store, register, expires_at_ms FROM sessions WHERE token_hash = ?1";
        self.read(|database| {
            let session = |row: &Row<'_>| {
                let (operator, expires_at) = (OperatorId(row.get(0)?), time(row.get(3)?));
                Ok(Session { token_hash: token_hash.to_owned(), operator, register: register(row, 1)?, expires_at })
            };
            database.prepare_cached(SESSION)?.query_row([token_hash], session).optional()
        })
    }

    fn close_session(&self, token_hash: &str) -> Result<bool> {
        const CLOSE: &str = "DELETE FROM sessions WHERE token_hash = ?1";
        self.write(|transaction| Ok(transaction.execute(CLOSE, [token_hash])? == 1))
    }

    fn forget_sessions(&self, expired_before: Time) -> Result<()> {
        const FORGET: &str = "DELETE FROM sessions WHERE expires_at_ms < ?1";
        self.write(|transaction| Ok(transaction.execute(FORGET, [expired_before.timestamp_millis()]).map(drop)?))
    }

    fn is_active(&self, operator: &OperatorId) -> Result<bool> {
        const ACTIVE: &str = "SELECT EXISTS (SELECT 1 FROM staff WHERE id = ?1)";
        self.master.read(|database| database.prepare_cached(ACTIVE)?.query_row([&operator.0], |row| row.get(0)))
    }

    fn attempts(&self, operator: &OperatorId) -> Result<Attempts> {
        self.read(|database| attempts(database, operator))
    }

    fn note_failure(&self, operator: &OperatorId, now: Time) -> Result<Attempts> {
        const NOTE: &str = "INSERT OR REPLACE INTO attempts (operator, failures, locked_until_ms, last_at_ms) VALUES (?1, ?2, ?3, ?4)";
        const FORGET: &str = "DELETE FROM attempts WHERE last_at_ms < ?1";
        const BOUND: &str = "DELETE FROM attempts WHERE (SELECT count(*) FROM attempts) > ?1 AND operator =
            (SELECT operator FROM attempts WHERE operator <> ?2 ORDER BY locked_until_ms > ?3, last_at_ms LIMIT 1)";
        self.write(|transaction| {
            let attempts = attempts(transaction, operator)?.after_failure(now);
            let locked_until_ms = attempts.locked_until.map(|until| until.timestamp_millis());
            transaction.execute(NOTE, params![operator.0, attempts.failures, locked_until_ms, now.timestamp_millis()])?;
            transaction.execute(FORGET, [(now - ATTEMPTS_KEPT).timestamp_millis()])?;
            transaction.execute(BOUND, params![ATTEMPTS_MAX, operator.0, now.timestamp_millis()])?;
            Ok(attempts)
        })
    }

    fn clear_attempts(&self, operator: &OperatorId) -> Result<()> {
        const CLEAR: &str = "DELETE FROM attempts WHERE operator = ?1";
        self.write(|transaction| Ok(transaction.execute(CLEAR, [&operator.0]).map(drop)?))
    }

    fn apply(&self, manifest: &Manifest, unpacked: &Path) -> Result<()> {
        Self::apply(self, manifest, unpacked)
    }

    fn records(&self, kind: &str) -> Result<Vec<Record>> {
        let found = Self::records(self, kind)?;
        Ok(found.into_iter().map(|(key, content)| Record { kind: kind.to_owned(), key, content }).collect())
    }

    fn keep_report(&self, report: &Report) -> Result<()> {
        /// Only the last word on a package is of interest.
        const KEEP: &str = "INSERT OR REPLACE INTO reports (package, target, content) VALUES (?1, ?2, ?3)";
        let package = i64::try_from(report.package).map_err(ChannelError::broken)?;
        let target = report.register.as_ref().map(ToString::to_string).unwrap_or_default();
        let content = serde_json::to_string(report).map_err(ChannelError::broken)?;
        self.write(|transaction| Ok(transaction.execute(KEEP, params![package, target, content]).map(drop)?))
    }

    fn reports(&self, limit: u32) -> Result<Vec<(u64, Report)>> {
        const REPORTS: &str = "SELECT number, content FROM reports ORDER BY number LIMIT ?1";
        let rows: Vec<(i64, String)> = self.read(|database| {
            let mut reports = database.prepare_cached(REPORTS)?;
            reports.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })?;
        let report = |(number, content): (i64, String)| Ok((number.cast_unsigned(), serde_json::from_str(&content)?));
        rows.into_iter().map(report).collect::<serde_json::Result<_>>().map_err(ChannelError::broken)
    }

    fn forget_reports(&self, numbers: &[u64]) -> Result<()> {
        const FORGET: &str = "DELETE FROM reports WHERE number = ?1";
        self.write(|transaction| {
            let mut forget = transaction.prepare_cached(FORGET)?;
            Ok(numbers.iter().try_for_each(|number| forget.execute([number.cast_signed()]).map(drop))?)
        })
    }

    fn waiting_for_headquarters(&self, limit: u32) -> Result<Vec<Upload>> {
        const WAITING: &str = "SELECT id, content FROM transactions WHERE NOT at_headquarters ORDER BY at_headquarters, rowid LIMIT ?1";
        let rows: Vec<(String, String)> = self.read(|database| {
            let mut waiting = database.prepare_cached(WAITING)?;
            waiting.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })?;
        let upload =
            |(id, canonical): (String, String)| Ok(Upload { id: TransactionId(id.parse().map_err(ChannelError::broken)?), canonical });
        rows.into_iter().map(upload).collect()
    }

    fn waiting_count(&self) -> Result<u64> {
        const COUNT: &str = "SELECT count(*) FROM transactions WHERE NOT at_headquarters";
        self.read(|database| database.prepare_cached(COUNT)?.query_row([], |row| row.get(0)).map(i64::cast_unsigned))
    }

    fn taken_by_headquarters(&self, transactions: &[TransactionId]) -> Result<()> {
        const TAKEN: &str = "UPDATE transactions SET at_headquarters = 1 WHERE id = ?1";
        self.write(|transaction| {
            let mut taken = transaction.prepare_cached(TAKEN)?;
            Ok(transactions.iter().try_for_each(|id| taken.execute([id.to_string()]).map(drop))?)
        })
    }
}

impl SqliteChannel {
    /// Changes by one commit.
    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut writer = lock(&self.transactions()?.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = change(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    }
}

/// Takes a register from its device, and ends the sessions there.
fn release(transaction: &Transaction<'_>, register: &RegisterId) -> rusqlite::Result<()> {
    const DEACTIVATE: &str = "UPDATE devices SET activated = 0 WHERE store = ?1 AND register = ?2 AND activated";
    const END_SESSIONS: &str = "DELETE FROM sessions WHERE store = ?1 AND register = ?2";
    for sql in [DEACTIVATE, END_SESSIONS] {
        transaction.execute(sql, params![register.store, register.number])?;
    }
    Ok(())
}

/// The highest numbers of a register among the transactions taken in.
fn highest_numbers(database: &Connection, register: &RegisterId) -> rusqlite::Result<Numbers> {
    /// A register's own shifts rise with its sequence; between them may stand those of others.
    const SHIFT: &str = "SELECT json_extract(content, '$.shift.number') FROM transactions
        WHERE store = ?1 AND register = ?2 AND json_extract(content, '$.shift.register') = ?2 ORDER BY sequence DESC LIMIT 1";
    let shift: Option<i64> = database.query_row(SHIFT, params![register.store, register.number], |row| row.get(0)).optional()?;
    Ok(Numbers { shift: shift.unwrap_or(0).cast_unsigned(), ..intake::highest(database, &register.store, register.number)? })
}

fn attempts(database: &Connection, operator: &OperatorId) -> rusqlite::Result<Attempts> {
    const ATTEMPTS: &str = "SELECT failures, locked_until_ms FROM attempts WHERE operator = ?1";
    let attempts = |row: &Row<'_>| Ok(Attempts { failures: row.get(0)?, locked_until: row.get::<_, Option<i64>>(1)?.map(time) });
    Ok(database.prepare_cached(ATTEMPTS)?.query_row([&operator.0], attempts).optional()?.unwrap_or_default())
}

fn register(row: &Row<'_>, column: usize) -> rusqlite::Result<RegisterId> {
    Ok(RegisterId { store: row.get(column)?, number: row.get(column + 1)? })
}

/// Numbers as they are stored.
fn numbers(row: &Row<'_>, column: usize) -> rusqlite::Result<Numbers> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

fn time(ms: i64) -> Time {
    Time::from_timestamp_millis(ms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retail::lockout::FAILURES_MAX;

    #[test]
    fn numbers_at_random_push_no_lock_out_and_fill_no_disk() {
        const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO attempts (operator, failures, locked_until_ms, last_at_ms) SELECT i, 1, NULL, ?2 + i FROM n";
        let folder = tempfile::tempdir().unwrap();
        let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
        let (locked, now) = ("000160".into(), time(1_700_000_000_000));
        for _ in 0..FAILURES_MAX {
            channel.note_failure(&locked, now).unwrap();
        }
        channel.write(|tx| Ok(tx.execute(FILL, params![ATTEMPTS_MAX - 1, now.timestamp_millis()])?)).unwrap();
        channel.note_failure(&"new".into(), now + chrono::TimeDelta::minutes(1)).unwrap();
        assert!(channel.attempts(&locked).unwrap().locked_at(now).is_some());
        let counted = |number: &str| channel.attempts(&number.into()).unwrap().failures;
        assert_eq!((counted("1"), counted("2"), counted("new")), (0, 1, 1), "the oldest goes");
    }
}
