//! The thin layer under headquarters' store: one storage code, in the dialect SQLite and PostgreSQL share, runs on both.
//!
//! Statements number their parameters `$1`, `$2` …; columns are whole numbers, texts and bytes; times are texts (RFC 3339, UTC,
//! milliseconds), which sort as they pass. Only the modules of headquarters use it; it knows none of their tables.

mod postgres;
mod sqlite;
mod value;

use std::path::Path;

pub(super) use value::{Row, Value};

use super::error::{Error, Result};

/// A database of headquarters.
pub(super) enum Database {
    Sqlite(sqlite::Files),
    Postgres(postgres::Pool),
}

impl Database {
    /// Opens `sqlite:FILE` or `postgres://…` and brings its schema up to date.
    pub(super) fn open(url: &str) -> Result<Self> {
        if let Some(file) = sqlite_file(url) {
            return Ok(Self::Sqlite(sqlite::Files::open(file)?));
        }
        if is_postgres(url) {
            return Ok(Self::Postgres(postgres::Pool::connect(url)?));
        }
        Err(no_url())
    }

    /// Reads as of one moment.
    pub(super) fn read<T>(&self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        match self {
            Self::Sqlite(files) => files.read(&mut work),
            Self::Postgres(pool) => again_when_lost(|| pool.read(&mut work)),
        }
    }

    /// Writes whole or not at all. The work may be done twice when the connection breaks: doing it again must come to the same.
    pub(super) fn write<T>(&self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        match self {
            Self::Sqlite(files) => files.write(&mut work),
            Self::Postgres(pool) => again_when_lost(|| pool.write(&mut work)),
        }
    }
}

/// The file of a SQLite database's address.
pub(super) fn sqlite_file(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite:").filter(|file| !file.is_empty()).map(Path::new)
}

/// Refuses what is no address of a database.
pub(super) fn expect_url(url: &str) -> Result<()> {
    if sqlite_file(url).is_some() || is_postgres(url) { Ok(()) } else { Err(no_url()) }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// An address may hold a password: it is not repeated.
fn no_url() -> Error {
    Error::refused("the database's address: expected sqlite:FILE or postgres://USER@HOST/NAME", "such as --database sqlite:headquarters.db")
}

fn again_when_lost<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    match work() {
        Err(Error::Lost(_)) => work(),
        done => done,
    }
}

/// A transaction of either database.
pub(super) enum Tx<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(postgres::Transaction<'a>),
}

impl Tx<'_> {
    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64> {
        match self {
            Self::Sqlite(database) => sqlite::execute(database, sql, values),
            Self::Postgres(transaction) => transaction.execute(sql, values),
        }
    }

    /// Hands over row after row.
    pub(super) fn each(&mut self, sql: &'static str, values: &[Value], take: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        match self {
            Self::Sqlite(database) => sqlite::each(database, sql, values, take),
            Self::Postgres(transaction) => transaction.each(sql, values, take),
        }
    }

    /// All rows; for few.
    pub(super) fn rows(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.each(sql, values, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row.
    pub(super) fn row(&mut self, sql: &'static str, values: &[Value]) -> Result<Option<Row>> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_whole_or_not_at_all_and_values_come_back_as_they_went() {
        const ADD: &str = "INSERT INTO set_aside (id, store, reason, received_at, content_hash, content) VALUES ($2, $1, $3, $3, $4, $3)";
        const ALL: &str = "SELECT id, store, reason FROM set_aside ORDER BY id";
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&format!("sqlite:{}", folder.path().join("hq.db").display())).unwrap();
        let add = |tx: &mut Tx<'_>, id: &str| tx.execute(ADD, &["343".into(), id.into(), "žluť".into(), id.into()]);
        assert_eq!(database.write(|tx| add(tx, "a")).unwrap(), 1);
        let failed: Result<()> = database.write(|tx| {
            add(tx, "b")?;
            Err(Error::refused("no", ""))
        });
        assert!(failed.is_err());
        let rows = database.read(|tx| tx.rows(ALL, &[])).unwrap();
        let found: Vec<_> = rows.iter().map(|row| [row.text(0), row.text(1), row.text(2)].map(Result::unwrap)).collect();
        assert_eq!(found, [["a", "343", "žluť"].map(str::to_owned)]);
    }

    #[test]
    fn what_is_no_database_is_refused_without_its_password() {
        for url in ["", "headquarters.db", "sqlite:", "mysql://user:hunter2@host/db", "postgres://user:hunter2@host:port:x/db"] {
            let error = Database::open(url).err().expect("refused").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let demanding = Database::open("postgres://user:hunter2@host/db?sslmode=require").err().expect("refused").to_string();
        let open = Database::open("postgres://user:hunter2@host/db").err().expect("refused");
        assert!(open.to_string().contains("would not be encrypted") && open.hint().contains("sslmode=disable"), "{open}");
        assert!(demanding.contains("sslmode") && !demanding.contains("hunter2"), "{demanding}");
    }
}
