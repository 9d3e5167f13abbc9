//! What may go wrong at a PostgreSQL server, and what the channel's callers are told.

use std::error::Error;

use postgres::error::SqlState;

use crate::channel::ChannelError;

/// Why a call has no answer.
pub(super) enum Failure {
    /// The server's, or the connection's.
    Database(postgres::Error),
    /// The channel's answer: no.
    Channel(ChannelError),
}

impl Failure {
    /// Whether another connection, or another try, may do better.
    pub(super) fn may_pass(&self) -> bool {
        let Self::Database(error) = self else { return false };
        is_lost(error) || matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
    }
}

/// Whether the connection is of no further use: it is gone, or leads to a server that takes no more writes.
fn is_lost(error: &postgres::Error) -> bool {
    let Some(code) = error.code() else {
        return error.is_closed() || error.source().is_some_and(<dyn Error + 'static>::is::<std::io::Error>);
    };
    let ended = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::DATABASE_DROPPED,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    code.code().starts_with("08") || ended.contains(code)
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<ChannelError> for Failure {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Channel(error.into())
    }
}

/// In words for whoever keeps it running; the server's details, which may hold values, stay out.
impl From<Failure> for ChannelError {
    fn from(failure: Failure) -> Self {
        let error = match failure {
            Failure::Channel(error) => return error,
            Failure::Database(error) => error,
        };
        let said = match error.code() {
            _ if is_lost(&error) => "the connection to the database is broken",
            Some(&SqlState::DISK_FULL) => "the disk of the database is full",
            Some(&SqlState::TOO_MANY_CONNECTIONS) => "the database has no connection left",
            Some(&SqlState::QUERY_CANCELED) => "the database took too long",
            Some(&SqlState::LOCK_NOT_AVAILABLE) => "the database is held by another program",
            _ => "the database failed",
        };
        ChannelError::broken(format!("{said}: {}", words(&error)))
    }
}

/// What the server says, or whatever the connection says.
pub(super) fn words(error: &postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
