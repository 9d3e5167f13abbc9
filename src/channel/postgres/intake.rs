//! Taking transactions in, each once and for ever; what is refused is kept with its reason.
//!
//! Each is a commit of its own: the server gathers those that come at the same time.

use super::failure::Failure;
use super::pool::Session;
use crate::channel::columns::{Columns, OF_DEACTIVATED_MAX};
use crate::channel::{ChannelError, Device, DeviceStatus, Recorded, Refusal, Upload};
use crate::retail::register::Numbers;
use crate::retail::transaction::content_hash;

/// Refused records that are kept; beyond it a register keeps its own until somebody has looked.
const SET_ASIDE_MAX: i64 = 10_000;

/// A transaction that was read and tested.
pub(super) struct Taking<'a> {
    upload: &'a Upload,
    brought_by: Option<&'a Device>,
    columns: Result<Columns, String>,
}

impl<'a> Taking<'a> {
    pub(super) fn read(upload: &'a Upload, brought_by: Option<&'a Device>) -> Self {
        Self { upload, brought_by, columns: Columns::read(upload) }
    }

    pub(super) fn record(&self, session: &mut Session) -> Result<Recorded, Failure> {
        let columns = match &self.columns {
            Ok(columns) => columns,
            Err(reason) => return self.set_aside(session, Refusal::Invalid, reason),
        };
        // Most are good by what the device itself knows.
        if let Some(device) = self.brought_by
            && columns.beyond(device, Numbers::default()).is_some()
            && let Some(reason) = columns.beyond(device, highest(session, &columns.store, columns.register)?)
        {
            return self.set_aside(session, Refusal::Invalid, &reason);
        }
        if self.insert(columns, session)? {
            return Ok(Recorded::New);
        }
        match self.conflict(columns, session)? {
            None => Ok(Recorded::Already),
            Some(reason) => self.set_aside(session, Refusal::Conflict, &reason),
        }
    }

    /// Whether it was new; nothing is written when its key or one of its numbers is taken.
    fn insert(&self, columns: &Columns, session: &mut Session) -> Result<bool, Failure> {
        const INSERT: &str = "INSERT INTO transactions
                (id, store, register, sequence, receipt, shift_register, shift, kind, recorded_at, total, content_hash, content)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";
        let Columns { store, register, sequence, receipt, shift, kind, recorded_at, total, content_hash, .. } = columns;
        let (register, shift_register) = (i64::from(*register), i64::from(shift.register));
        let written = session.execute(
            INSERT,
            &[
                &self.upload.id.0,
                store,
                &register,
                sequence,
                receipt,
                &shift_register,
                &shift.number.cast_signed(),
                kind,
                recorded_at,
                total,
                content_hash,
                &self.upload.canonical,
            ],
        )?;
        Ok(written == 1)
    }

    /// What stands in its place, unless it is itself.
    fn conflict(&self, columns: &Columns, session: &mut Session) -> Result<Option<String>, Failure> {
        const SAME_KEY: &str = "SELECT content_hash FROM transactions WHERE id = $1";
        const SAME_NUMBER: &str =
            "SELECT id::TEXT FROM transactions WHERE store = $1 AND register = $2 AND (sequence = $3 OR receipt = $4) LIMIT 1";
        if let Some(same_key) = session.query_opt(SAME_KEY, &[&self.upload.id.0])? {
            let is_same = same_key.try_get::<_, &str>(0)? == columns.content_hash;
            return Ok((!is_same).then(|| "its key is taken by a transaction with other content".to_owned()));
        }
        let numbers =
            session.query_one(SAME_NUMBER, &[&columns.store, &i64::from(columns.register), &columns.sequence, &columns.receipt])?;
        let other: &str = numbers.try_get(0)?;
        Ok(Some(format!("its sequence or receipt number is taken by transaction {other}")))
    }

    /// Keeps what is refused, once each.
    fn set_aside(&self, session: &mut Session, refusal: Refusal, reason: &str) -> Result<Recorded, Failure> {
        const KEEP: &str = "INSERT INTO set_aside (key, content, reason, content_hash, brought_by) SELECT $1, $2, $3, $4, $6
            WHERE (SELECT count(*) FROM set_aside) < $5 AND (SELECT count(*) FROM set_aside WHERE brought_by = $6) < $7
            ON CONFLICT DO NOTHING";
        const KEPT: &str = "SELECT EXISTS (SELECT FROM set_aside WHERE key = $1 AND content_hash = $2)";
        let (content, hash) = (self.upload.canonical.as_bytes(), content_hash(&self.upload.canonical));
        let id = &self.upload.id.0;
        let reason = super::text(reason);
        let brought_by = self.brought_by.map(|device| device.token_hash.as_str());
        let is_deactivated = self.brought_by.is_some_and(|device| device.status == DeviceStatus::Deactivated);
        let share = if is_deactivated { i64::from(OF_DEACTIVATED_MAX) } else { SET_ASIDE_MAX };
        let is_kept = session.execute(KEEP, &[id, &content, &reason, &hash, &SET_ASIDE_MAX, &brought_by, &share])? == 1
            || session.query_one(KEPT, &[id, &hash])?.try_get(0)?;
        if !is_kept {
            let detail = format!("{share} records are set aside and wait to be looked at; the newest: {reason}");
            return Err(ChannelError::broken(detail).into());
        }
        Err(ChannelError::refused(refusal, reason).into())
    }
}

/// The highest sequence and receipt numbers of a register among the transactions taken in.
fn highest(session: &mut Session, store: &str, register: u32) -> Result<Numbers, Failure> {
    /// Each from the end of its index.
    const HIGHEST: &str = "SELECT coalesce((SELECT max(sequence) FROM transactions WHERE store = $1 AND register = $2), 0),
        coalesce((SELECT max(receipt) FROM transactions WHERE store = $1 AND register = $2), 0)";
    let row = session.query_one(HIGHEST, &[&store, &i64::from(register)])?;
    let [sequence, receipt] = [row.try_get::<_, i64>(0)?, row.try_get(1)?].map(i64::cast_unsigned);
    Ok(Numbers { sequence, receipt, shift: 0 })
}
