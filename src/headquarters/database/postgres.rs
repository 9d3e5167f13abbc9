//! Headquarters' database under PostgreSQL: a bounded pool of connections, each with its prepared statements.

use std::collections::HashMap;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::Type;
use postgres::{Client, Config, IsolationLevel, NoTls, Statement};

use super::{Error, Result, Row, Tx, Value};
use crate::channel::postgres::{ConnectError, is_overheard};

mod schema {
    refinery::embed_migrations!("src/headquarters/database/migrations/postgres");
}

/// Connections at most; each request holds one for a moment.
const CONNECTIONS_MAX: u32 = 10;
/// How long a request waits for a connection.
const CONNECTION_WAIT: Duration = Duration::from_secs(10);
/// Settings of a connection: no wait for a lock without an end, nor for an answer.
const SETTINGS: &str = "SET lock_timeout = '30s'; SET statement_timeout = '15min'; SET idle_in_transaction_session_timeout = '15min'";
/// Held while the schema is brought up to date, so that several may start at once.
const MIGRATING: &str = "SELECT pg_advisory_lock(4843511)";
const MIGRATED: &str = "SELECT pg_advisory_unlock(4843511)";

/// The pool.
pub(in crate::headquarters) struct Pool(r2d2::Pool<Manager>);

impl Pool {
    /// Connects by a `postgres://` address, of several hosts perhaps, and brings the schema up to date.
    pub(super) fn connect(url: &str) -> Result<Self> {
        // What the parser says may hold the address and with it the password.
        let bad = |_| Error::refused("the database's address is none", "expected postgres://user:password@host:port/database");
        let mut config: Config = url.parse().map_err(bad)?;
        if config.get_ssl_mode() == SslMode::Require {
            let hint = "use sslmode=disable over a network of your own, or a tunnel";
            return Err(Error::refused("sslmode=require is not possible: the connection to PostgreSQL is not encrypted", hint));
        }
        if is_overheard(&config) {
            let refused = ConnectError::Overheard;
            return Err(Error::refused(refused.to_string(), refused.hint()));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        config.tcp_user_timeout(Duration::from_secs(15)).application_name("evertill headquarters");
        let pool = r2d2::Pool::builder()
            .max_size(CONNECTIONS_MAX)
            .min_idle(Some(0))
            .connection_timeout(CONNECTION_WAIT)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build(Manager(config))
            .map_err(|error| Error::Lost(error.to_string()))?;
        let pool = Self(pool);
        let mut connection = pool.get()?;
        connection.client.batch_execute(MIGRATING)?;
        let done = schema::migrations::runner().set_grouped(true).run(&mut connection.client);
        connection.client.batch_execute(MIGRATED)?;
        done.map_err(|error| Error::Database(error.to_string()))?;
        drop(connection);
        Ok(pool)
    }

    pub(super) fn read<T>(&self, work: &mut dyn FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.get()?;
        let Connection { client, statements } = &mut *connection;
        let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
        work(&mut Tx::Postgres(Transaction { transaction, statements }))
    }

    pub(super) fn write<T>(&self, work: &mut dyn FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.get()?;
        let Connection { client, statements } = &mut *connection;
        let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start()?;
        let mut tx = Tx::Postgres(Transaction { transaction, statements });
        let done = work(&mut tx)?;
        if let Tx::Postgres(Transaction { transaction, .. }) = tx {
            transaction.commit()?;
        }
        Ok(done)
    }

    fn get(&self) -> Result<r2d2::PooledConnection<Manager>> {
        self.0.get().map_err(|error| Error::Lost(error.to_string()))
    }
}

/// Makes connections for the pool.
struct Manager(Config);

/// A connection and the statements prepared on it.
struct Connection {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Connection;
    type Error = postgres::Error;

    fn connect(&self) -> std::result::Result<Connection, postgres::Error> {
        let mut client = self.0.connect(NoTls)?;
        client.batch_execute(SETTINGS)?;
        Ok(Connection { client, statements: HashMap::new() })
    }

    fn is_valid(&self, connection: &mut Connection) -> std::result::Result<(), postgres::Error> {
        connection.client.simple_query("").map(drop)
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.client.is_closed()
    }
}

/// A transaction with the statements of its connection.
pub(in crate::headquarters) struct Transaction<'a> {
    transaction: postgres::Transaction<'a>,
    statements: &'a mut HashMap<&'static str, Statement>,
}

impl Transaction<'_> {
    pub(super) fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64> {
        let statement = self.statement(sql)?;
        let values: Vec<&(dyn postgres::types::ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        Ok(self.transaction.execute(&statement, &values)?)
    }

    pub(super) fn each(&mut self, sql: &'static str, values: &[Value], take: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        let statement = self.statement(sql)?;
        let mut rows = self.transaction.query_raw(&statement, values)?;
        while let Some(row) = rows.next()? {
            let values = (0..row.len()).map(|column| value(&row, column)).collect::<Result<_>>()?;
            take(Row(values))?;
        }
        Ok(())
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.transaction.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

fn value(row: &postgres::Row, column: usize) -> Result<Value> {
    let of = row.columns()[column].type_();
    Ok(match *of {
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.into(),
        Type::INT4 => row.try_get::<_, Option<i32>>(column)?.map(i64::from).into(),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.into(),
        _ => row.try_get::<_, Option<String>>(column)?.into(),
    })
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        // A server that stops says so with a class of its own (57P01 … 57P03).
        let stops = error.code().is_some_and(|code| code.code().starts_with("57P"));
        let text = error.as_db_error().map_or_else(|| error.to_string(), |told| told.message().to_owned());
        if error.is_closed() || stops || error.as_db_error().is_none() { Self::Lost(text) } else { Self::Database(text) }
    }
}
