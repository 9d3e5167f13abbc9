//! What scale units share beyond transactions: devices, sessions, wrong PINs, reports, and how far headquarters is.

use std::path::Path;

use postgres::{GenericClient, Row};
use uuid::Uuid;

use super::failure::Failure;
use super::intake::Taking;
use super::pool::text;
use super::{PostgresChannel, apply};
use crate::channel::database::ATTEMPTS_KEPT;
use crate::channel::{ChannelDatabase, ChannelError, Device, DeviceStatus, Recorded, Result, Session, Upload};
use crate::clock::Time;
use crate::ids::{OperatorId, RegisterId, TransactionId};
use crate::master_data::Record;
use crate::package::{Manifest, Report};
use crate::retail::lockout::Attempts;
use crate::retail::register::Numbers;

/// Operators whose wrong PINs are counted: more than a store has, so that made-up numbers do not fill the disk. The locked ones go last.
const ATTEMPTS_MAX: i64 = 10_000;

impl ChannelDatabase for PostgresChannel {
    fn is_at_hand(&self) -> bool {
        false
    }

    fn is_empty(&self) -> Result<bool> {
        const EMPTY: &str = "SELECT NOT EXISTS (SELECT FROM master.stores)";
        self.pool.run(|session| Ok(session.query_one(EMPTY, &[])?.try_get(0)?))
    }

    fn transaction_count(&self) -> Result<u64> {
        const COUNT: &str = "SELECT count(*) FROM transactions";
        self.pool.run(|session| number(&session.query_one(COUNT, &[])?, 0))
    }

    fn highest_numbers(&self, register: &RegisterId) -> Result<Numbers> {
        self.pool.run(|session| highest_numbers(&mut session.client, register))
    }

    fn record_from(&self, device: &Device, transaction: &Upload) -> Result<Recorded> {
        transaction.check()?;
        let taking = Taking::read(transaction, Some(device));
        self.pool.run(|session| taking.record(session))
    }

    fn device(&self, token_hash: &str) -> Result<Option<Device>> {
        const DEVICE: &str = "SELECT store, register, id, activated, numbers, handed_on FROM devices WHERE token_hash = $1";
        self.pool.run(|session| {
            let found = session.query_opt(DEVICE, &[&text(token_hash)])?;
            let device = |row: Row| {
                let status = if row.try_get(3)? { DeviceStatus::Activated } else { DeviceStatus::Deactivated };
                let handed_on = row.try_get::<_, Option<&str>>(5)?.map(numbers).transpose()?;
                let (token_hash, numbers) = (token_hash.to_owned(), numbers(row.try_get(4)?)?);
                Ok(Device { id: row.try_get(2)?, register: register(&row, 0)?, token_hash, status, numbers, handed_on })
            };
            found.map(device).transpose()
        })
    }

    fn activate(&self, device: &Device) -> Result<Numbers> {
        // A device that comes back has its journal still: what it had sent before may be under way.
        const HAND_ON: &str = "UPDATE devices SET handed_on = $3 WHERE store = $1 AND register = $2 AND id <> $4 AND handed_on IS NULL";
        const ACTIVATE: &str = "INSERT INTO devices (token_hash, id, store, register, activated, numbers) VALUES ($1, $2, $3, $4, TRUE, $5)
            ON CONFLICT (token_hash) DO UPDATE SET id = excluded.id, store = excluded.store, register = excluded.register, activated = TRUE,
            numbers = excluded.numbers, handed_on = NULL";
        self.pool.run(|session| {
            let mut transaction = session.client.transaction()?;
            release(&mut transaction, &device.register)?;
            let known = device.numbers.max(highest_numbers(&mut transaction, &device.register)?);
            let numbers = serde_json::to_string(&known).map_err(ChannelError::broken)?;
            let (store, number) = (text(&device.register.store), i64::from(device.register.number));
            transaction.execute(HAND_ON, &[&store, &number, &numbers, &text(&device.id)])?;
            transaction.execute(ACTIVATE, &[&device.token_hash, &text(&device.id), &store, &number, &numbers])?;
            transaction.commit()?;
            Ok(known)
        })
    }

    fn deactivate(&self, register: &RegisterId) -> Result<()> {
        self.pool.run(|session| {
            let mut transaction = session.client.transaction()?;
            release(&mut transaction, register)?;
            Ok(transaction.commit()?)
        })
    }

    fn open_session(&self, session: &Session) -> Result<()> {
        /// The same once more is the repetition of a call whose answer was lost.
        const OPEN: &str = "INSERT INTO sessions (token_hash, operator, store, register, expires_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING";
        let Session { token_hash, operator, register, expires_at } = session;
        let (operator, store, number) = (text(&operator.0), text(&register.store), i64::from(register.number));
        self.pool.run(|session| Ok(session.execute(OPEN, &[token_hash, &operator, &store, &number, expires_at]).map(drop)?))
    }

    fn session(&self, token_hash: &str) -> Result<Option<Session>> {
        const SESSION: &str = "SELECT store, register, operator, expires_at FROM sessions WHERE token_hash = $1";
        self.pool.run(|session| {
            let found = session.query_opt(SESSION, &[&text(token_hash)])?;
            let session = |row: Row| {
                let (operator, expires_at) = (OperatorId(row.try_get(2)?), row.try_get(3)?);
                Ok(Session { token_hash: token_hash.to_owned(), operator, register: register(&row, 0)?, expires_at })
            };
            found.map(session).transpose()
        })
    }

    fn close_session(&self, token_hash: &str) -> Result<bool> {
        const CLOSE: &str = "DELETE FROM sessions WHERE token_hash = $1";
        self.pool.run(|session| Ok(session.execute(CLOSE, &[&text(token_hash)])? == 1))
    }

    fn forget_sessions(&self, expired_before: Time) -> Result<()> {
        const FORGET: &str = "DELETE FROM sessions WHERE expires_at < $1";
        self.pool.run(|session| Ok(session.execute(FORGET, &[&expired_before]).map(drop)?))
    }

    fn is_active(&self, operator: &OperatorId) -> Result<bool> {
        const ACTIVE: &str = "SELECT EXISTS (SELECT FROM master.staff WHERE id = $1)";
        self.pool.run(|session| Ok(session.query_one(ACTIVE, &[&text(&operator.0)])?.try_get(0)?))
    }

    fn attempts(&self, operator: &OperatorId) -> Result<Attempts> {
        const ATTEMPTS: &str = "SELECT failures, locked_until FROM attempts WHERE operator = $1";
        self.pool.run(|session| {
            let found = session.query_opt(ATTEMPTS, &[&text(&operator.0)])?;
            found.map_or(Ok(Attempts::default()), |row| attempts(&row))
        })
    }

    fn note_failure(&self, operator: &OperatorId, now: Time) -> Result<Attempts> {
        /// The row is there, and held, before it is read: tries at the same time wait for one another.
        const HOLD: &str = "INSERT INTO attempts AS a (operator, failures, last_at) VALUES ($1, 0, $2)
            ON CONFLICT (operator) DO UPDATE SET last_at = excluded.last_at RETURNING a.failures, a.locked_until";
        const NOTE: &str = "UPDATE attempts SET failures = $2, locked_until = $3 WHERE operator = $1";
        const FORGET: &str = "DELETE FROM attempts WHERE last_at < $1";
        const BOUND: &str = "DELETE FROM attempts WHERE (SELECT count(*) FROM attempts) > $1 AND operator =
            (SELECT operator FROM attempts WHERE operator <> $2 ORDER BY locked_until > $3 NULLS FIRST, last_at LIMIT 1)";
        let operator = text(&operator.0);
        self.pool.run(|session| {
            let mut transaction = session.client.transaction()?;
            let attempts = attempts(&transaction.query_one(HOLD, &[&operator, &now])?)?.after_failure(now);
            transaction.execute(NOTE, &[&operator, &i64::from(attempts.failures), &attempts.locked_until])?;
            transaction.execute(FORGET, &[&(now - ATTEMPTS_KEPT)])?;
            transaction.execute(BOUND, &[&ATTEMPTS_MAX, &operator, &now])?;
            transaction.commit()?;
            Ok(attempts)
        })
    }

    fn clear_attempts(&self, operator: &OperatorId) -> Result<()> {
        const CLEAR: &str = "DELETE FROM attempts WHERE operator = $1";
        self.pool.run(|session| Ok(session.execute(CLEAR, &[&text(&operator.0)]).map(drop)?))
    }

    fn apply(&self, manifest: &Manifest, unpacked: &Path) -> Result<()> {
        self.pool.run(|session| apply::apply(&mut session.client, manifest, unpacked))
    }

    fn records(&self, kind: &str) -> Result<Vec<Record>> {
        const OF_KIND: &str = "SELECT key, content FROM master.records WHERE kind = $1 ORDER BY key";
        self.pool.run(|session| {
            let rows = session.query(OF_KIND, &[&text(kind)])?;
            let record = |row: postgres::Row| Ok(Record { kind: kind.to_owned(), key: row.try_get(0)?, content: row.try_get(1)? });
            rows.into_iter().map(record).collect()
        })
    }

    fn keep_report(&self, report: &Report) -> Result<()> {
        /// Only the last word on a package is of interest.
        const REPLACED: &str = "DELETE FROM reports WHERE package = $1 AND target = $2";
        const KEEP: &str = "INSERT INTO reports (package, target, content) VALUES ($1, $2, $3) ON CONFLICT (package, target) DO NOTHING";
        let package = i64::try_from(report.package).map_err(ChannelError::broken)?;
        let target = report.register.as_ref().map(ToString::to_string).unwrap_or_default();
        let content = serde_json::to_string(report).map_err(ChannelError::broken)?;
        self.pool.run(|session| {
            let mut transaction = session.client.transaction()?;
            transaction.execute(REPLACED, &[&package, &text(&target)])?;
            transaction.execute(KEEP, &[&package, &text(&target), &content])?;
            Ok(transaction.commit()?)
        })
    }

    fn reports(&self, limit: u32) -> Result<Vec<(u64, Report)>> {
        const REPORTS: &str = "SELECT number, content FROM reports ORDER BY number LIMIT $1";
        self.pool.run(|session| {
            let rows = session.query(REPORTS, &[&i64::from(limit)])?;
            let report = |row: &Row| {
                let report = serde_json::from_str(row.try_get(1)?).map_err(ChannelError::broken)?;
                Ok((number(row, 0)?, report))
            };
            rows.iter().map(report).collect()
        })
    }

    fn forget_reports(&self, numbers: &[u64]) -> Result<()> {
        const FORGET: &str = "DELETE FROM reports WHERE number = ANY($1)";
        let numbers: Vec<i64> = numbers.iter().map(|number| number.cast_signed()).collect();
        self.pool.run(|session| Ok(session.execute(FORGET, &[&numbers]).map(drop)?))
    }

    fn waiting_for_headquarters(&self, limit: u32) -> Result<Vec<Upload>> {
        const WAITING: &str = "SELECT id, content FROM transactions WHERE NOT at_headquarters ORDER BY arrival LIMIT $1";
        self.pool.run(|session| {
            let rows = session.query(WAITING, &[&i64::from(limit)])?;
            rows.iter().map(|row| Ok(Upload { id: TransactionId(row.try_get(0)?), canonical: row.try_get(1)? })).collect()
        })
    }

    fn waiting_count(&self) -> Result<u64> {
        const COUNT: &str = "SELECT count(*) FROM transactions WHERE NOT at_headquarters";
        self.pool.run(|session| number(&session.query_one(COUNT, &[])?, 0))
    }

    fn taken_by_headquarters(&self, transactions: &[TransactionId]) -> Result<()> {
        const TAKEN: &str = "UPDATE transactions SET at_headquarters = TRUE WHERE id = ANY($1) AND NOT at_headquarters";
        let ids: Vec<Uuid> = transactions.iter().map(|id| id.0).collect();
        self.pool.run(|session| Ok(session.execute(TAKEN, &[&ids]).map(drop)?))
    }
}

/// Takes a register from its device, and ends the sessions there. Who does the same for a register waits for the other.
fn release(transaction: &mut postgres::Transaction<'_>, register: &RegisterId) -> std::result::Result<(), postgres::Error> {
    const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(343004)";
    const DEACTIVATE: &str = "UPDATE devices SET activated = FALSE WHERE store = $1 AND register = $2 AND activated";
    const END_SESSIONS: &str = "DELETE FROM sessions WHERE store = $1 AND register = $2";
    transaction.batch_execute(ONE_AT_A_TIME)?;
    for sql in [DEACTIVATE, END_SESSIONS] {
        transaction.execute(sql, &[&text(&register.store), &i64::from(register.number)])?;
    }
    Ok(())
}

fn highest_numbers(client: &mut impl GenericClient, register: &RegisterId) -> std::result::Result<Numbers, Failure> {
    /// Each from the end of an index: every sign-in asks for it. A register's own shifts rise with its sequence.
    const HIGHEST: &str = "SELECT coalesce((SELECT max(sequence) FROM transactions WHERE store = $1 AND register = $2), 0),
        coalesce((SELECT max(receipt) FROM transactions WHERE store = $1 AND register = $2), 0),
        coalesce((SELECT shift FROM transactions WHERE store = $1 AND register = $2 AND shift_register = register
            ORDER BY sequence DESC LIMIT 1), 0)";
    let row = client.query_one(HIGHEST, &[&text(&register.store), &i64::from(register.number)])?;
    Ok(Numbers { sequence: number(&row, 0)?, receipt: number(&row, 1)?, shift: number(&row, 2)? })
}

/// Numbers as they are stored.
fn numbers(text: &str) -> std::result::Result<Numbers, Failure> {
    Ok(serde_json::from_str(text).map_err(ChannelError::broken)?)
}

fn attempts(row: &Row) -> std::result::Result<Attempts, Failure> {
    let failures = u32::try_from(row.try_get::<_, i64>(0)?).map_err(ChannelError::broken)?;
    Ok(Attempts { failures, locked_until: row.try_get(1)? })
}

/// A register's columns: the store, then the number.
fn register(row: &Row, column: usize) -> std::result::Result<RegisterId, Failure> {
    let number = u32::try_from(row.try_get::<_, i64>(column + 1)?).map_err(ChannelError::broken)?;
    Ok(RegisterId { store: row.try_get(column)?, number })
}

fn number(row: &Row, column: usize) -> std::result::Result<u64, Failure> {
    Ok(row.try_get::<_, i64>(column)?.cast_unsigned())
}
