//! Taking transactions in, each once and for ever; what is refused is kept with its reason.
//!
//! A commit waits for the disk. Whoever comes meanwhile waits for the next one, which takes in all who came: so many registers cost
//! hardly more commits than one, and each is answered when its own transaction is on the disk.

use std::sync::{Arc, Mutex, OnceLock};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::lock;
use crate::channel::columns::{Columns, OF_DEACTIVATED_MAX};
use crate::channel::{ChannelError, Device, DeviceStatus, Recorded, Refusal, Result, Upload};
use crate::retail::register::Numbers;
use crate::retail::transaction::content_hash;

/// Refused records that are kept; beyond it a register keeps its own until somebody has looked.
const SET_ASIDE_MAX: u32 = 10_000;

/// Those who wait for the next commit.
#[derive(Default)]
pub(super) struct Intake {
    waiting: Mutex<Vec<Arc<Waiting>>>,
}

/// A transaction that was read and tested, and its answer once it is on the disk.
struct Waiting {
    upload: Upload,
    brought_by: Option<Device>,
    hash: String,
    row: std::result::Result<Columns, String>,
    answer: OnceLock<Result<Recorded>>,
}

impl Intake {
    /// Takes a transaction in, with the others that wait for the database.
    pub(super) fn record(&self, database: &Mutex<Connection>, upload: &Upload, brought_by: Option<&Device>) -> Result<Recorded> {
        upload.check()?;
        let waiting = Arc::new(Waiting::read(upload, brought_by));
        lock(&self.waiting).push(Arc::clone(&waiting));
        let mut database = lock(database);
        // Whoever had the database before has answered all who waited then.
        if waiting.answer.get().is_none() {
            let all = std::mem::take(&mut *lock(&self.waiting));
            commit(&mut database, &all);
        }
        let failed = || Err(ChannelError::broken("the commit failed inside this program"));
        waiting.answer.get().cloned().unwrap_or_else(failed)
    }
}

/// Answers all of them by one commit.
fn commit(database: &mut Connection, all: &[Arc<Waiting>]) {
    let answers = write(database, all);
    for (place, waiting) in all.iter().enumerate() {
        let answer = answers.as_ref().map_or_else(|error| Err(error.clone()), |answers| answers[place].clone());
        // It is set here alone.
        let _ = waiting.answer.set(answer);
    }
}

/// What became of each; an error when nothing was written.
fn write(database: &mut Connection, all: &[Arc<Waiting>]) -> Result<Vec<Result<Recorded>>> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(all.len());
    for waiting in all {
        let answer = waiting.write(&transaction);
        // A full disk ends the whole transaction.
        answers.push(if transaction.is_autocommit() { Ok(answer?) } else { answer });
    }
    transaction.commit()?;
    Ok(answers)
}

impl Waiting {
    fn read(upload: &Upload, brought_by: Option<&Device>) -> Self {
        let hash = content_hash(&upload.canonical);
        Self { upload: upload.clone(), brought_by: brought_by.cloned(), hash, row: Columns::read(upload), answer: OnceLock::new() }
    }

    fn write(&self, database: &Connection) -> Result<Recorded> {
        let row = match &self.row {
            Ok(row) => row,
            Err(reason) => return self.set_aside(database, Refusal::Invalid, reason.clone()),
        };
        // Most are good by what the device itself knows.
        if let Some(device) = &self.brought_by
            && row.beyond(device, Numbers::default()).is_some()
            && let Some(reason) = row.beyond(device, highest(database, &row.store, row.register)?)
        {
            return self.set_aside(database, Refusal::Invalid, reason);
        }
        if self.insert(row, database)? {
            return Ok(Recorded::New);
        }
        match self.conflict(row, database)? {
            None => Ok(Recorded::Already),
            Some(reason) => self.set_aside(database, Refusal::Conflict, reason),
        }
    }

    /// Whether it was new; nothing is written when its key or one of its numbers is taken.
    fn insert(&self, row: &Columns, database: &Connection) -> rusqlite::Result<bool> {
        const INSERT: &str =
            "INSERT INTO transactions (id, store, register, sequence, receipt, kind, recorded_at, total, content_hash, content)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
        let Columns { id, store, register, sequence, receipt, kind, recorded_at, total, .. } = row;
        let values = params![id, store, register, sequence, receipt, kind, recorded_at, total, self.hash, self.upload.canonical];
        Ok(database.prepare_cached(INSERT)?.execute(values)? == 1)
    }

    /// What stands in its place, unless it is itself.
    fn conflict(&self, row: &Columns, database: &Connection) -> rusqlite::Result<Option<String>> {
        const SAME_KEY: &str = "SELECT content_hash FROM transactions WHERE id = ?1";
        const SAME_NUMBER: &str = "SELECT id FROM transactions WHERE store = ?1 AND register = ?2 AND (sequence = ?3 OR receipt = ?4)";
        let same_key: Option<String> = database.prepare_cached(SAME_KEY)?.query_row([&row.id], |row| row.get(0)).optional()?;
        match same_key {
            Some(hash) if hash == self.hash => return Ok(None),
            Some(_) => return Ok(Some("its key is taken by a transaction with other content".to_owned())),
            None => {}
        }
        let numbers = params![row.store, row.register, row.sequence, row.receipt];
        let other: String = database.prepare_cached(SAME_NUMBER)?.query_row(numbers, |row| row.get(0))?;
        Ok(Some(format!("its sequence or receipt number is taken by transaction {other}")))
    }

    /// Keeps what is refused, once each.
    fn set_aside(&self, database: &Connection, refusal: Refusal, reason: String) -> Result<Recorded> {
        const COUNT: &str = "SELECT count(*), count(*) FILTER (WHERE brought_by = ?1) FROM set_aside";
        const KEEP: &str = "INSERT INTO set_aside (key, content, reason, content_hash, brought_by) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO NOTHING";
        let brought_by = self.brought_by.as_ref().map(|device| &device.token_hash);
        let (kept, its): (u32, u32) = database.prepare_cached(COUNT)?.query_row([brought_by], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let is_deactivated = self.brought_by.as_ref().is_some_and(|device| device.status == DeviceStatus::Deactivated);
        if kept >= SET_ASIDE_MAX || is_deactivated && its >= OF_DEACTIVATED_MAX {
            let detail = format!("{kept} records are set aside and wait to be looked at, {its} of this device; the newest: {reason}");
            return Err(ChannelError::broken(detail));
        }
        let values = params![self.upload.id.to_string(), self.upload.canonical, reason, self.hash, brought_by];
        database.prepare_cached(KEEP)?.execute(values)?;
        Err(ChannelError::refused(refusal, reason))
    }
}

/// The highest sequence and receipt numbers of a register among the transactions taken in.
pub(super) fn highest(database: &Connection, store: &str, register: u32) -> rusqlite::Result<Numbers> {
    /// Each from the end of its index.
    const HIGHEST: &str = "SELECT coalesce((SELECT max(sequence) FROM transactions WHERE store = ?1 AND register = ?2), 0),
        coalesce((SELECT max(receipt) FROM transactions WHERE store = ?1 AND register = ?2), 0)";
    database.prepare_cached(HIGHEST)?.query_row(params![store, register], |row| {
        let [sequence, receipt] = [row.get::<_, i64>(0)?, row.get(1)?].map(i64::cast_unsigned);
        Ok(Numbers { sequence, receipt, shift: 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::ErrorKind;
    use crate::channel::sqlite::open::{self, Schema};
    use crate::ids::{RegisterId, ShiftId, TransactionId};
    use crate::retail::transaction::{Content, Event, Transaction};

    fn database() -> (tempfile::TempDir, Mutex<Connection>) {
        let folder = tempfile::tempdir().unwrap();
        let database = open::for_writing(&folder.path().join("channel.db"), Schema::Channel).unwrap();
        (folder, Mutex::new(database))
    }

    fn record(database: &Mutex<Connection>, upload: &Upload) -> Result<Recorded> {
        Intake::default().record(database, upload, None)
    }

    fn upload(canonical: &str) -> Upload {
        Upload { id: TransactionId(uuid::Uuid::nil()), canonical: canonical.to_owned() }
    }

    /// A good transaction.
    fn event(number: u64) -> Upload {
        let id = TransactionId(uuid::Uuid::from_u64_pair(1, number));
        let transaction = Transaction {
            id,
            register: RegisterId { store: "343".to_owned(), number: 1 },
            sequence: number,
            receipt: None,
            shift: ShiftId { register: 1, number: 1 },
            operator: "000160".into(),
            recorded_at: chrono::DateTime::UNIX_EPOCH,
            offline: false,
            content: Content::Event(Event::LogOn),
            signing: None,
        };
        Upload { id, canonical: transaction.canonical() }
    }

    #[test]
    fn all_who_wait_are_taken_in_by_one_commit_and_none_stands_in_anothers_way() {
        let (_folder, database) = database();
        let other_content = Upload { id: event(1).id, ..event(2) };
        let all =
            [event(1), upload("bad"), event(2), event(1), other_content, event(3)].map(|upload| Arc::new(Waiting::read(&upload, None)));
        commit(&mut lock(&database), &all);
        let (invalid, new, already) = (Err(ErrorKind::Refused(Refusal::Invalid)), Ok(Recorded::New), Ok(Recorded::Already));
        let answers = all.map(|waiting| waiting.answer.get().cloned().unwrap().map_err(|error| error.kind));
        assert_eq!(answers, [new, invalid, new, already, invalid, new]);
    }

    #[test]
    fn each_of_many_at_once_gets_its_own_answer() {
        const MANY: u64 = 24;
        let (_folder, database) = database();
        let intake = Intake::default();
        let busy = lock(&database);
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..MANY)
                .map(|number| {
                    let (intake, database) = (&intake, &database);
                    let upload = if number % 3 == 0 { upload(&number.to_string()) } else { event(number) };
                    scope.spawn(move || intake.record(database, &upload, None).is_ok())
                })
                .collect();
            while lock(&intake.waiting).len() < clients.len() {
                std::thread::yield_now();
            }
            drop(busy);
            for (number, client) in clients.into_iter().enumerate() {
                assert_eq!(client.join().unwrap(), number % 3 != 0, "{number}");
            }
        });
        let taken_in: u64 =
            lock(&database).query_row("SELECT count(*) FROM transactions", [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
        assert_eq!(taken_in, MANY - MANY / 3);
    }

    #[test]
    fn what_is_refused_is_kept_once_with_its_reason() {
        let (_folder, database) = database();
        for canonical in ["first", "second", "first"] {
            let error = record(&database, &upload(canonical)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Refused(Refusal::Invalid));
        }
        let database = lock(&database);
        let mut kept = database.prepare("SELECT key, content, reason, received_at FROM set_aside ORDER BY content").unwrap();
        let kept = kept.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).unwrap();
        let kept: Vec<[String; 4]> = kept.collect::<rusqlite::Result<_>>().unwrap();
        assert_eq!(kept.iter().map(|row| row[1].as_str()).collect::<Vec<_>>(), ["first", "second"]);
        for [key, _, reason, received_at] in kept {
            assert_eq!(key, "00000000-0000-0000-0000-000000000000");
            assert!(reason.starts_with("it is no transaction: "), "{reason}");
            assert!(chrono::DateTime::parse_from_rfc3339(&received_at).is_ok(), "{received_at}");
        }
    }

    #[test]
    fn nothing_is_taken_into_a_file_that_was_deleted() {
        let (folder, database) = database();
        std::fs::remove_file(folder.path().join("channel.db")).unwrap();
        let error = record(&database, &event(1)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Broken);
        assert!(error.detail.contains("moved away or deleted"), "{error}");
    }

    #[test]
    fn a_flood_of_refused_records_does_not_fill_the_disk() {
        let (_folder, database) = database();
        let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO set_aside (key, content, reason, content_hash) SELECT i, '', '', '' FROM n";
        lock(&database).execute(fill, [SET_ASIDE_MAX]).unwrap();
        assert_eq!(record(&database, &upload("one more")).unwrap_err().kind, ErrorKind::Broken);
    }

    #[test]
    fn a_full_disk_is_the_channels_own_failure() {
        let (_folder, database) = database();
        let pages: u32 = lock(&database).pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        lock(&database).pragma_update(None, "max_page_count", pages).unwrap();
        let error = record(&database, &upload(&"x".repeat(Upload::MAX_BYTES))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Broken);
        assert!(error.detail.starts_with("the disk of the database is full"), "{error}");
    }
}
