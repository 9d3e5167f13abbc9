//! Connections to a server, kept open and shared; one that breaks is replaced, and what it was asked is asked once more.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement};

use super::failure::{Failure, words};
use crate::channel::{ChannelError, Result};

/// Connections of one scale unit at most.
const CONNECTIONS_MAX: u32 = 16;
/// How long to wait for one: a register does not wait longer.
const CONNECTION_WAIT: Duration = Duration::from_secs(3);
/// How long a connection that was idle may take to say that it lives.
const CHECK_WAIT: Duration = Duration::from_secs(1);

/// A request is short; what takes longer, such as a package, says so itself. A commit is on the disk, and on the standby if there is
/// one, before it is answered.
const SETUP: &str = "SET statement_timeout = '10s'; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '60s';
    SET client_min_messages = error;
    SELECT set_config('synchronous_commit', 'on', FALSE) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

pub(super) struct Pool(r2d2::Pool<Manager>);

impl Pool {
    /// Connects when it is asked something.
    pub(super) fn new(config: Config) -> Self {
        let pool = r2d2::Pool::builder().max_size(CONNECTIONS_MAX).min_idle(Some(0)).connection_timeout(CONNECTION_WAIT);
        Self(pool.error_handler(Box::new(Log)).build_unchecked(Manager(config)))
    }

    /// Asks on a connection, and once more on another when it breaks: so `ask` must do no harm when it is repeated.
    pub(super) fn run<T>(&self, mut ask: impl FnMut(&mut Session) -> std::result::Result<T, Failure>) -> Result<T> {
        let answer = self.once(&mut ask);
        let answer = match answer {
            Err(failure) if failure.may_pass() => self.once(&mut ask),
            answer => answer,
        };
        answer.map_err(ChannelError::from)
    }

    fn once<T>(&self, ask: &mut impl FnMut(&mut Session) -> std::result::Result<T, Failure>) -> std::result::Result<T, Failure> {
        let mut session = self.0.get().map_err(|error| ChannelError::broken(format!("no connection to the database: {error}")))?;
        let answer = ask(&mut session);
        // Whatever the database refused may have left a transaction behind that it has given up: no other request is asked on it.
        session.is_spent = matches!(answer, Err(Failure::Database(_)));
        answer
    }
}

/// A connection and the statements it has prepared.
pub(super) struct Session {
    pub(super) client: Client,
    statements: HashMap<&'static str, Statement>,
    is_spent: bool,
}

impl Session {
    pub(super) fn query(&mut self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> std::result::Result<Vec<Row>, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.client.query(&statement, values)
    }

    pub(super) fn query_one(&mut self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> std::result::Result<Row, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.client.query_one(&statement, values)
    }

    pub(super) fn query_opt(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> std::result::Result<Option<Row>, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.client.query_opt(&statement, values)
    }

    pub(super) fn execute(&mut self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> std::result::Result<u64, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.client.execute(&statement, values)
    }

    fn prepared(&mut self, sql: &'static str) -> std::result::Result<Statement, postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

/// A text as PostgreSQL takes it: it knows no NUL, so one that has a NUL is never found.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Connects with the settings of [`SETUP`].
pub(super) fn connect(config: &Config) -> std::result::Result<Client, postgres::Error> {
    let mut client = config.connect(NoTls)?;
    client.batch_execute(SETUP)?;
    Ok(client)
}

struct Manager(Config);

impl r2d2::ManageConnection for Manager {
    type Connection = Session;
    type Error = postgres::Error;

    fn connect(&self) -> std::result::Result<Session, postgres::Error> {
        Ok(Session { client: connect(&self.0)?, statements: HashMap::new(), is_spent: false })
    }

    fn is_valid(&self, session: &mut Session) -> std::result::Result<(), postgres::Error> {
        session.client.is_valid(CHECK_WAIT)
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.is_spent || session.client.is_closed()
    }
}

#[derive(Debug)]
struct Log;

impl r2d2::HandleError<postgres::Error> for Log {
    fn handle_error(&self, error: postgres::Error) {
        tracing::warn!(error = words(&error), "no connection to the database");
    }
}
