//! The file itself: made whole or not at all, opened by one register, refused untouched when it is not what it should be.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::chain;
use super::error::{JournalError, Result};
use crate::ids::RegisterId;
use crate::retail::register::Numbers;
use crate::{place, private};

mod embedded {
    #![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "made by a macro")]
    refinery::embed_migrations!("src/journal/migrations");
}

/// The journal's name in the data directory.
pub(super) const JOURNAL: &str = "journal.db";
const LOCK: &str = "register.lock";
const UNFINISHED: &str = "journal.db.new";
/// "Evtl", as the first migration sets it.
const APPLICATION_ID: i64 = 0x4576_746c;
/// The register and its uploader write in turn; each commit takes a millisecond.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps every other register out of the directory until the file is dropped.
pub(super) fn lock(directory: &Path) -> Result<File> {
    private::folder(directory)?;
    let file = private::options().create(true).truncate(false).write(true).open(directory.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked { directory: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Makes an empty journal where there is none.
///
/// It is made under another name first: a file of that name is always a whole one, and an empty or missing one is a loss to be
/// told of, never a reason to begin at receipt 1 again.
pub(super) fn create_if_missing(directory: &Path, register: &RegisterId, numbers: Numbers) -> Result<()> {
    let path = directory.join(JOURNAL);
    if path.try_exists()? {
        return Ok(());
    }
    if directory.join(format!("{JOURNAL}-wal")).try_exists()? {
        return Err(JournalError::corrupt(format!("{JOURNAL} is gone, but its last changes in {JOURNAL}-wal are there")));
    }
    let unfinished = directory.join(UNFINISHED);
    for leftover in [unfinished.clone(), directory.join(format!("{UNFINISHED}-journal"))] {
        if leftover.try_exists()? {
            std::fs::remove_file(leftover)?;
        }
    }
    private::file(&unfinished)?;
    let mut database = Connection::open(&unfinished)?;
    migrate(&mut database)?;
    database.execute("INSERT INTO register (one, store, number) VALUES (1, ?1, ?2)", (&register.store, register.number))?;
    chain::begin(&database)?;
    chain::activate(&database, numbers)?;
    database.close().map_err(|(_, error)| error)?;
    File::options().write(true).open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, &path)?;
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}

/// Opens an existing journal for writing, up to date with this program.
pub(super) fn open(directory: &Path) -> Result<Connection> {
    let (mut database, version) = open_checked(directory, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let path = directory.join(JOURNAL);
    private::keep_others_out(&path)?;
    if version < known_version() {
        migrate(&mut database)?;
    }
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "fullfsync", true)?;
    database.pragma_update(None, "foreign_keys", true)?;
    place::commit_in_place(&mut database, &path)?;
    Ok(database)
}

/// Opens an existing journal for reading, beside a register that may be using it.
pub(super) fn open_read_only(directory: &Path) -> Result<Connection> {
    Ok(open_checked(directory, OpenFlags::SQLITE_OPEN_READ_ONLY)?.0)
}

/// Whose journal it is.
pub(super) fn owner(database: &Connection) -> Result<RegisterId> {
    database
        .query_row("SELECT store, number FROM register", (), |row| Ok(RegisterId { store: row.get(0)?, number: row.get(1)? }))
        .optional()?
        .ok_or_else(|| JournalError::corrupt("it does not say which register it belongs to"))
}

/// Opens the file and tests, without writing, that this program may use it; returns the version of its tables.
fn open_checked(directory: &Path, access: OpenFlags) -> Result<(Connection, i64)> {
    let path = directory.join(JOURNAL);
    if !path.try_exists()? {
        return Err(JournalError::missing(directory));
    }
    if path.metadata()?.len() == 0 {
        return Err(JournalError::corrupt(format!("{} is empty", path.display())));
    }
    let database = Connection::open_with_flags(&path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    database.busy_timeout(BUSY_TIMEOUT)?;
    let application: i64 = database.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(JournalError::corrupt(format!("{} is not a journal", path.display())));
    }
    test_length(&path, &database)?;
    let found: i64 = database.query_row("SELECT max(version) FROM refinery_schema_history", (), |row| row.get(0))?;
    let known = known_version();
    if found > known {
        return Err(JournalError::Newer { found, known });
    }
    Ok((database, found))
}

/// A file that ends within a page was cut off, unless its log is there to write that page again.
fn test_length(path: &Path, database: &Connection) -> Result<()> {
    let page: u64 = database.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
    let log = path.with_extension("db-wal").metadata().map_or(0, |log| log.len());
    if log == 0 && !path.metadata()?.len().is_multiple_of(page) {
        return Err(JournalError::corrupt(format!("{} ends in the middle of a page", path.display())));
    }
    Ok(())
}

/// By one commit: a power cut leaves the tables of before, or those of now.
fn migrate(database: &mut Connection) -> Result<()> {
    match embedded::migrations::runner().set_grouped(true).run(database) {
        Ok(_) => Ok(()),
        Err(error) => {
            let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<rusqlite::Error>());
            if cause.and_then(rusqlite::Error::sqlite_error_code) == Some(ErrorCode::DiskFull) {
                return Err(JournalError::Full);
            }
            Err(JournalError::Io { problem: format!("its tables could not be brought up to date: {error}") })
        }
    }
}

fn known_version() -> i64 {
    embedded::migrations::runner().get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

/// Makes an empty journal as the program did that knew tables of this version.
#[cfg(test)]
pub(super) fn create_as_of(directory: &Path, register: &RegisterId, version: i32) {
    let mut database = Connection::open(directory.join(JOURNAL)).unwrap();
    embedded::migrations::runner().set_target(refinery::Target::Version(version)).run(&mut database).unwrap();
    database.execute("INSERT INTO register (one, store, number) VALUES (1, ?1, ?2)", (&register.store, register.number)).unwrap();
    chain::begin(&database).unwrap();
}
