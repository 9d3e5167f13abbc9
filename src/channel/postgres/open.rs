//! Connecting to a server for the first time: its address, and the schema of the database.

use std::net::IpAddr;
use std::time::Duration;

use postgres::config::{Host, SslMode, TargetSessionAttrs};
use postgres::error::SqlState;
use postgres::{Client, Config};

use super::failure::words;
use super::pool;

mod schema {
    refinery::embed_migrations!("src/channel/postgres/migrations");
}

/// How long a server may take to accept a connection, unless the address says so.
const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// How long sent bytes may go unanswered by the other machine.
const UNANSWERED_MAX: Duration = Duration::from_secs(5);

/// Why a database on a server cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address makes no sense. It may hold a password, so it is not repeated.
    #[error("this is no address of a PostgreSQL database")]
    Address,
    /// The address asks for TLS.
    #[error("TLS to PostgreSQL is not supported: sslmode may be disable")]
    Tls,
    /// Nobody has said that this is wanted.
    #[error("beyond this machine the connection to PostgreSQL would not be encrypted")]
    Overheard,
    /// No server answers, or it says no.
    #[error("no connection to the database: {0}")]
    Unreachable(String),
    /// Texts would not be kept as they are.
    #[error("the database has the encoding {0}, expected UTF8")]
    Encoding(String),
    /// Searches need it.
    #[error("the extension pg_trgm cannot be created: {0}")]
    Trigrams(String),
    /// A later version of this program made it.
    #[error("the database has schema {found}, this program knows {known} at most")]
    Newer {
        /// The database's.
        found: i32,
        /// This program's.
        known: i32,
    },
    /// It is another program's, or may not be changed.
    #[error("the tables cannot be made: {0}")]
    Schema(String),
}

impl ConnectError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address => "write it as postgres://user:password@host,host/database?target_session_attrs=read-write",
            Self::Tls => "run the database on this machine or over a private network, with sslmode=disable",
            Self::Overheard => "if the network up to the database is your own, say so in its address: sslmode=disable",
            Self::Unreachable(_) => "check that the server runs, takes writes, and knows the user and the database",
            Self::Encoding(_) => "make the database with ENCODING 'UTF8' TEMPLATE template0",
            Self::Trigrams(_) => {
                "install PostgreSQL's contrib modules and, as its superuser, run CREATE EXTENSION pg_trgm in this database"
            }
            Self::Newer { .. } => "install the newer version again",
            Self::Schema(_) => "give the scale units an empty database of their own, and its user the right to create in it",
        }
    }
}

/// Reads an address; only servers that take writes will do.
pub(super) fn config(url: &str) -> Result<Config, ConnectError> {
    let is_known = |mode: &str| ["disable", "prefer"].iter().any(|known| mode.split(['&', ' ']).next() == Some(known));
    if url.split("sslmode=").skip(1).any(|mode| !is_known(mode)) {
        return Err(ConnectError::Tls);
    }
    let mut config: Config = url.parse().map_err(|_| ConnectError::Address)?;
    if is_overheard(&config) {
        return Err(ConnectError::Overheard);
    }
    config.ssl_mode(SslMode::Disable);
    config.target_session_attrs(TargetSessionAttrs::ReadWrite).tcp_user_timeout(UNANSWERED_MAX);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WAIT);
    }
    if config.get_application_name().is_none() {
        config.application_name("evertill");
    }
    Ok(config)
}

/// Whether what is said to a server leaves this machine without encryption, and nobody has said that it may.
pub(crate) fn is_overheard(config: &Config) -> bool {
    let is_here = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    // An address counts before the name of its host.
    let addresses = config.get_hostaddrs();
    let all_here = if addresses.is_empty() { config.get_hosts().iter().all(is_here) } else { addresses.iter().all(IpAddr::is_loopback) };
    config.get_ssl_mode() != SslMode::Disable && !all_here
}

/// Brings the schema up to date. Scale units that start at the same time wait for one another.
pub(super) fn migrate(config: &Config) -> Result<(), ConnectError> {
    /// The lock ends with the connection.
    const ONE_AT_A_TIME: &str = "SET lock_timeout = '60s'; SET statement_timeout = '10min'; SELECT pg_advisory_lock(343001)";
    let unreachable = |error: postgres::Error| ConnectError::Unreachable(words(&error));
    let mut client = pool::connect(config).map_err(unreachable)?;
    let encoding: String = client.query_one("SHOW server_encoding", &[]).and_then(|row| row.try_get(0)).map_err(unreachable)?;
    if encoding != "UTF8" {
        return Err(ConnectError::Encoding(encoding));
    }
    client.batch_execute(ONE_AT_A_TIME).map_err(unreachable)?;
    let (found, known) = (schema_version(&mut client).map_err(unreachable)?, known_version());
    if found > known {
        return Err(ConnectError::Newer { found, known });
    }
    client.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_trgm").map_err(|error| ConnectError::Trigrams(words(&error)))?;
    schema::migrations::runner().set_grouped(true).run(&mut client).map_err(|error| ConnectError::Schema(error.to_string()))?;
    Ok(())
}

/// The database's schema; 0 for a new one.
fn schema_version(client: &mut Client) -> Result<i32, postgres::Error> {
    const VERSION: &str = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    match client.query_one(VERSION, &[]) {
        Ok(row) => row.try_get(0),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(error),
    }
}

fn known_version() -> i32 {
    let migrations = schema::migrations::runner();
    migrations.get_migrations().iter().map(refinery::Migration::version).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_in_clear_words() {
        for (url, expected) in [
            ("postgres://till:secret@a,b:5433/channel?target_session_attrs=read-write&sslmode=disable", None),
            ("postgres://till:secret@a,b/channel?target_session_attrs=read-write", Some(ConnectError::Overheard)),
            ("postgres://till:secret@localhost,a/channel", Some(ConnectError::Overheard)),
            ("postgres://till@localhost/channel?hostaddr=10.0.0.1", Some(ConnectError::Overheard)),
            ("host=a hostaddr=127.0.0.1 user=till dbname=channel", None),
            ("postgres://till@127.0.0.1,[::1],localhost/channel", None),
            ("postgres://till@%2Frun%2Fpostgresql/channel", None),
            ("postgres://till@a/channel?sslmode=disable", None),
            ("postgres://till@a/channel?sslmode=prefer&connect_timeout=5", Some(ConnectError::Overheard)),
            ("host=/tmp user=till sslmode=prefer dbname=channel", None),
            ("postgres://till@a/channel?sslmode=require", Some(ConnectError::Tls)),
            ("postgres://till@a/channel?connect_timeout=5&sslmode=verify-full", Some(ConnectError::Tls)),
            ("postgres://till@a/channel?sslmode=", Some(ConnectError::Tls)),
            ("channel.db", Some(ConnectError::Address)),
            ("postgres://till:secret@a:port/channel", Some(ConnectError::Address)),
        ] {
            let refused = config(url).err();
            assert_eq!(refused, expected, "{url}");
            assert!(!refused.is_some_and(|error| error.to_string().contains("secret")));
        }
    }

    #[test]
    fn only_a_server_that_takes_writes_will_do() {
        assert_eq!(
            config("postgres://till@a,b/channel?sslmode=disable").unwrap().get_target_session_attrs(),
            TargetSessionAttrs::ReadWrite
        );
    }
}
