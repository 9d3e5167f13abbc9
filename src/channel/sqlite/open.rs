//! Opening a channel database: settings of its connections, migrations, and what is said of a file that cannot be used.

use std::path::Path;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags};

mod schema {
    refinery::embed_migrations!("src/channel/sqlite/migrations");
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
pub(super) fn for_writing(path: &Path) -> Result<Connection, OpenError> {
    let mut database = Connection::open(path)?;
    database.busy_timeout(LOCK_WAIT)?;
    let found = schema_version(&database)?;
    if found > known_version() {
        return Err(OpenError::Newer { found, known: known_version() });
    }
    database.pragma_update(None, "journal_mode", "wal")?;
    // WAL with NORMAL forgets acknowledged transactions when the power fails.
    database.pragma_update(None, "synchronous", "full")?;
    database.pragma_update(None, "foreign_keys", true)?;
    migrate(&mut database)?;
    Ok(database)
}

/// Opens a database of exactly this program's schema, which others may be writing to.
pub(super) fn for_reading(path: &Path) -> Result<Connection, OpenError> {
    as_it_is(path, path, OpenFlags::empty())
}

/// Opens a database of exactly this program's schema that nobody writes to any more: without locks, which cost as much as a look-up.
pub(super) fn finished(path: &Path) -> Result<Connection, OpenError> {
    let root = if path.is_absolute() { "//" } else { "" };
    let name = percent_encode(path.as_os_str().as_encoded_bytes(), URI_PATH);
    as_it_is(path, format!("file:{root}{name}?immutable=1"), OpenFlags::SQLITE_OPEN_URI)
}

fn as_it_is(path: &Path, name: impl AsRef<Path>, further: OpenFlags) -> Result<Connection, OpenError> {
    if !path.try_exists().map_err(|error| OpenError::Io(error.to_string()))? {
        return Err(OpenError::Missing);
    }
    let database = Connection::open_with_flags(name, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | further)?;
    database.busy_timeout(LOCK_WAIT)?;
    let (found, known) = (schema_version(&database)?, known_version());
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(database),
        std::cmp::Ordering::Greater => Err(OpenError::Newer { found, known }),
        std::cmp::Ordering::Less => Err(OpenError::Older { found, known }),
    }
}

/// Brings the schema up to date.
pub(super) fn migrate(database: &mut Connection) -> Result<(), OpenError> {
    schema::migrations::runner().run(database).map_err(|error| OpenError::Corrupt(error.to_string()))?;
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

fn known_version() -> i64 {
    let migrations = schema::migrations::runner();
    migrations.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Corrupt(error.to_string()),
            _ => Self::Io(error.to_string()),
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
        assert_eq!(for_reading(&path).unwrap_err(), OpenError::Missing);
        std::fs::write(&path, [b'x'; 5_000]).unwrap();
        assert!(matches!(for_reading(&path), Err(OpenError::Corrupt(_))));
        assert!(matches!(for_writing(&path), Err(OpenError::Corrupt(_))));
        assert!(matches!(for_writing(folder.path()), Err(OpenError::Io(_))));
    }

    #[test]
    fn a_finished_database_is_found_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["offline.db", "50% off? #1 & more.db", "Žemlja.db", "a\\b.db"] {
            let path = folder.path().join(name);
            drop(for_writing(&path).unwrap());
            assert!(finished(&path).is_ok(), "{name}");
            std::fs::remove_file(&path).unwrap();
            assert_eq!(finished(&path).unwrap_err(), OpenError::Missing, "{name}");
        }
    }

    #[test]
    fn a_file_of_a_newer_program_is_refused_and_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("channel.db");
        let newer = for_writing(&path).unwrap();
        newer.execute("INSERT INTO refinery_schema_history VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')", []).unwrap();
        drop(newer);
        let before = std::fs::read(&path).unwrap();
        let refused = OpenError::Newer { found: 99, known: known_version() };
        assert_eq!(for_writing(&path).unwrap_err(), refused);
        assert_eq!(for_reading(&path).unwrap_err(), refused);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn another_programs_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE journal (x INTEGER) STRICT").unwrap();
        assert!(matches!(for_writing(&path), Err(OpenError::Corrupt(_))));
    }

    #[test]
    fn writes_are_durable_and_references_hold() {
        let folder = tempfile::tempdir().unwrap();
        let database = for_writing(&folder.path().join("channel.db")).unwrap();
        let pragma = |name| database.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("synchronous"), 2.into());
        assert_eq!(pragma("foreign_keys"), 1.into());
    }
}
