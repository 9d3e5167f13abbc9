//! Headquarters' database as a SQLite file. Readers never wait for a writer (WAL); writers wait for each other.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::{Error, Result, Row, Tx, Value};
use crate::{place, private};

mod schema {
    refinery::embed_migrations!("src/headquarters/database/migrations/sqlite");
}

/// How long a writer waits for another, such as a large import in another process.
const LOCK_WAIT: Duration = Duration::from_secs(30);
/// Statements a connection keeps prepared: more than headquarters has.
const STATEMENTS_MAX: usize = 128;

/// A file, and the connections to it that nobody uses at the moment.
pub(in crate::headquarters) struct Files {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Files {
    /// Opens or makes the file and brings its schema up to date.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private::folder(folder).map_err(|error| Error::File(format!("{}: {error}", folder.display())))?;
        }
        let in_file = |error: std::io::Error| Error::File(format!("{}: {error}", path.display()));
        private::file_or_found(path).map_err(in_file)?;
        let files = Self { path: path.to_owned(), idle: Mutex::default() };
        let mut first = files.connect()?;
        refuse_others(&first).map_err(|error| Error::Database(format!("{}: {error}", path.display())))?;
        private::keep_others_out(path).map_err(in_file)?;
        first.pragma_update(None, "journal_mode", "wal")?;
        // By one commit: a power cut leaves the schema of before, or the one of now.
        let known = schema::migrations::runner().set_grouped(true).run(&mut first);
        known.map_err(|error| Error::Database(format!("{}: {error}", path.display())))?;
        files.give_back(first);
        Ok(files)
    }

    pub(super) fn read<T>(&self, work: &mut dyn FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.transaction("BEGIN", work)
    }

    pub(super) fn write<T>(&self, work: &mut dyn FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.transaction("BEGIN IMMEDIATE", work)
    }

    fn transaction<T>(&self, begin: &str, work: &mut dyn FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let database = taken.map_or_else(|| self.connect(), Ok)?;
        database.execute_batch(begin)?;
        // A connection that fails on the way is closed, which rolls back.
        let done = work(&mut Tx::Sqlite(&database))?;
        database.execute_batch("COMMIT")?;
        self.give_back(database);
        Ok(done)
    }

    fn connect(&self) -> Result<Connection> {
        let mut database = Connection::open(&self.path).map_err(|error| Error::Database(format!("{}: {error}", self.path.display())))?;
        database.busy_timeout(LOCK_WAIT)?;
        // WAL with NORMAL forgets acknowledged transactions when the power fails.
        database.pragma_update(None, "synchronous", "full")?;
        database.pragma_update(None, "foreign_keys", true)?;
        database.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        place::commit_in_place(&mut database, &self.path)?;
        Ok(database)
    }

    fn give_back(&self, database: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(database);
    }
}

/// A file that is something else is not written to.
fn refuse_others(database: &Connection) -> Result<()> {
    // A first start that was cut off may have left the history of the schema alone.
    const TABLES: &str = "SELECT count(*) FILTER (WHERE tbl_name <> 'refinery_schema_history'),
        count(*) FILTER (WHERE name IN ('records', 'refinery_schema_history')) FROM sqlite_schema";
    let (others, own): (i64, i64) = database.query_row(TABLES, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if others > 0 && own < 2 { Err(Error::Database("it holds tables of something else".to_owned())) } else { Ok(()) }
}

pub(super) fn execute(database: &Connection, sql: &str, values: &[Value]) -> Result<u64> {
    let mut statement = database.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    Ok(statement.raw_execute()? as u64)
}

pub(super) fn each(database: &Connection, sql: &str, values: &[Value], take: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
    let mut statement = database.prepare_cached(sql)?;
    bind(&mut statement, values)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| Ok(value(row.get_ref(column)?))).collect::<Result<_>>()?;
        take(Row(values))?;
    }
    Ok(())
}

/// A parameter `$1` is one by name here, and counted in the order of use.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value]) -> Result<()> {
    for (value, number) in values.iter().zip(1..) {
        let Some(place) = statement.parameter_index(&format!("${number}"))? else {
            return Err(Error::Database(format!("a statement has no parameter ${number}")));
        };
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

fn value(found: ValueRef<'_>) -> Value {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Whole(number),
        // No statement of headquarters computes with such.
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(if place::was_moved(&error) { place::MOVED.to_owned() } else { error.to_string() })
    }
}
