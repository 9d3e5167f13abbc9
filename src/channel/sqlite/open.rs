//! Opening a channel database: settings of its connections, migrations, and what is said of a file that cannot be used.

use std::path::Path;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{place, private};

mod channel {
    refinery::embed_migrations!("src/channel/sqlite/migrations");
}

mod master {
    refinery::embed_migrations!("src/channel/sqlite/master/migrations");
}

/// Which of the two files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Schema {
    /// Transactions, and what a scale unit keeps of its registers.
    Channel,
    /// Master data.
    Master,
}

impl Schema {
    fn migrations(self) -> refinery::Runner {
        match self {
            Self::Channel => channel::migrations::runner(),
            Self::Master => master::migrations::runner(),
        }
    }

    /// The newest this program knows.
    pub(super) fn known(self) -> i64 {
        let migrations = self.migrations();
        migrations.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
    }
}

/// How long a connection waits for another program's lock, such as a backup's.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// What stands for itself in the path of a `file:` address.
const URI_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// Why a database file cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no file to read.
    #[error("there is no database file")]
    Missing,
    /// It is no database, no channel's, or damaged.
    #[error("the file is no channel database or is damaged: {0}")]
    Corrupt(String),
    /// A later version of this program made it.
    #[error("the database has schema {found}, this program knows {known} at most")]
    Newer {
        /// The file's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// An earlier version of this program made it, and it is only read.
    #[error("the database has schema {found}, expected {known}")]
    Older {
        /// The file's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// The disk, or the right to use it.
    #[error("the database file cannot be opened: {0}")]
    Io(String),
}

impl OpenError {
    /// Whether the file may be whole, and open once the disk is well again.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Io(_))
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing => "it comes with the first download",
            Self::Corrupt(_) => "move the file away and start again; keep it if it is a scale unit's",
            Self::Newer { .. } => "install the newer version again",
            Self::Older { .. } => "download it again",
            Self::Io(_) => "check the folder's permissions and the disk",
        }
    }
}

/// Opens or makes a database, and migrates it.
pub(super) fn for_writing(path: &Path, schema: Schema) -> Result<Connection, OpenError> {
    let in_file = |error: std::io::Error| OpenError::Io(error.to_string());
    private::file_or_found(path).map_err(in_file)?;
    let mut database = Connection::open(path)?;
    database.busy_timeout(LOCK_WAIT)?;
    let (found, known) = (schema_version(&database)?, schema.known());
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    private::keep_others_out(path).map_err(in_file)?;
    make_durable(&database)?;
    migrate(&mut database, schema)?;
    place::commit_in_place(&mut database, path)?;
    Ok(database)
}

/// Opens a database of exactly this program's schema to change it.
pub(super) fn for_changing(path: &Path, schema: Schema) -> Result<Connection, OpenError> {
    let database = as_it_is(path, path, schema, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI)?;
    make_durable(&database)?;
    Ok(database)
}

fn make_durable(database: &Connection) -> rusqlite::Result<()> {
    database.pragma_update(None, "journal_mode", "wal")?;
    // WAL with NORMAL forgets acknowledged transactions when the power fails.
    database.pragma_update(None, "synchronous", "full")?;
    database.pragma_update(None, "foreign_keys", true)
}

/// Opens a database of exactly this program's schema, which others may be writing to.
pub(super) fn for_reading(path: &Path, schema: Schema) -> Result<Connection, OpenError> {
    let database = as_it_is(path, path, schema, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // Without, a statement with a join is compiled anew whenever it is used with other values.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(database)
}

/// Opens a database as it stands at this moment: what others write later is not seen. A look-up costs no lock.
pub(super) fn snapshot(path: &Path, schema: Schema) -> Result<Connection, OpenError> {
    let database = for_reading(path, schema)?;
    database.execute_batch("BEGIN")?;
    // The first read begins the snapshot.
    schema_version(&database)?;
    Ok(database)
}

/// Opens a database of exactly this program's schema that nobody writes to, leaving nothing beside it.
pub(super) fn finished(path: &Path, schema: Schema) -> Result<Connection, OpenError> {
    let name = format!("{}?immutable=1", address(path));
    as_it_is(path, name, schema, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// Opens a database that nobody writes to, before it is known what is in it; nothing of it is read.
pub(super) fn sealed(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("{}?immutable=1", address(path)), flags)
}

/// The `file:` address of a path.
pub(super) fn address(path: &Path) -> String {
    let root = if path.is_absolute() { "//" } else { "" };
    format!("file:{root}{}", percent_encode(path.as_os_str().as_encoded_bytes(), URI_PATH))
}

fn as_it_is(path: &Path, name: impl AsRef<Path>, schema: Schema, flags: OpenFlags) -> Result<Connection, OpenError> {
    if !path.try_exists().map_err(|error| OpenError::Io(error.to_string()))? {
        return Err(OpenError::Missing);
    }
    let database = Connection::open_with_flags(name, OpenFlags::SQLITE_OPEN_NO_MUTEX | flags)?;
    database.busy_timeout(LOCK_WAIT)?;
    let (found, known) = (schema_version(&database)?, schema.known());
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(database),
        std::cmp::Ordering::Greater => Err(OpenError::Newer { found, known }),
        std::cmp::Ordering::Less => Err(OpenError::Older { found, known }),
    }
}

/// Brings the schema up to date, by one commit: a power cut leaves the one of before, or the one of now.
pub(super) fn migrate(database: &mut Connection, schema: Schema) -> Result<(), OpenError> {
    schema.migrations().set_grouped(true).run(database).map_err(|error| {
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<rusqlite::Error>());
        match cause.and_then(rusqlite::Error::sqlite_error_code) {
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => OpenError::Io(error.to_string()),
            _ => OpenError::Corrupt(error.to_string()),
        }
    })?;
    Ok(())
}

/// The file's schema; 0 for a new one.
fn schema_version(database: &Connection) -> Result<i64, OpenError> {
    const MIGRATED: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history')";
    const VERSION: &str = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    if database.query_row(MIGRATED, [], |row| row.get(0))? {
        return Ok(database.query_row(VERSION, [], |row| row.get(0))?);
    }
    let tables: i64 = database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 { Ok(0) } else { Err(OpenError::Corrupt("it holds tables of another program".to_owned())) }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // Without a code it is a value that this program never wrote.
            None | Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Corrupt(error.to_string()),
            Some(_) => Self::Io(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("offline.db");
        assert_eq!(for_reading(&path, Schema::Channel).unwrap_err(), OpenError::Missing);
        std::fs::write(&path, [b'x'; 5_000]).unwrap();
        assert!(matches!(for_reading(&path, Schema::Channel), Err(OpenError::Corrupt(_))));
        assert!(matches!(for_writing(&path, Schema::Channel), Err(OpenError::Corrupt(_))));
        assert!(matches!(for_writing(folder.path(), Schema::Channel), Err(OpenError::Io(_))));
    }

    #[test]
    fn a_finished_database_is_found_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["offline.db", "50% off? #1 & more.db", "Žemlja.db", "a\\b.db"] {
            let path = folder.path().join(name);
            drop(for_writing(&path, Schema::Channel).unwrap());
            assert!(finished(&path, Schema::Channel).is_ok(), "{name}");
            std::fs::remove_file(&path).unwrap();
            assert_eq!(finished(&path, Schema::Channel).unwrap_err(), OpenError::Missing, "{name}");
        }
    }

    #[test]
    fn a_file_of_a_newer_program_is_refused_and_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("channel.db");
        let newer = for_writing(&path, Schema::Channel).unwrap();
        newer.execute("INSERT INTO refinery_schema_history VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')", []).unwrap();
        drop(newer);
        let before = std::fs::read(&path).unwrap();
        let refused = OpenError::Newer { found: 99, known: Schema::Channel.known() };
        assert_eq!(for_writing(&path, Schema::Channel).unwrap_err(), refused);
        assert_eq!(for_reading(&path, Schema::Channel).unwrap_err(), refused);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn another_programs_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE journal (x INTEGER) STRICT").unwrap();
        assert!(matches!(for_writing(&path, Schema::Channel), Err(OpenError::Corrupt(_))));
    }

    #[test]
    fn writes_are_durable_and_references_hold() {
        let folder = tempfile::tempdir().unwrap();
        let database = for_writing(&folder.path().join("channel.db"), Schema::Channel).unwrap();
        let pragma = |name| database.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("synchronous"), 2.into());
        assert_eq!(pragma("foreign_keys"), 1.into());
    }
}
