//! Why headquarters did not do what it was asked.

use crate::channel::{ChannelError, Refusal};
use crate::import::ImportError;

/// A failure, in words for whoever administers headquarters.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It breaks a rule.
    #[error("{what}")]
    Refused {
        /// Which, and what was expected.
        what: String,
        /// What to do instead; may be empty.
        hint: String,
    },
    /// There is no such record.
    #[error("there is no {kind} {key}")]
    Missing {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
    },
    /// An input file cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file or folder of the machine.
    #[error("{0}")]
    File(String),
    /// The connection to the database broke; the same may work the next moment.
    #[error("the connection to headquarters' database broke: {0}")]
    Lost(String),
    /// The database, or what stands in it.
    #[error("headquarters' database: {0}")]
    Database(String),
    /// A change was written, and then the job that tells the stores failed.
    #[error("this is written, but the store has not heard of it: {0}")]
    Untold(#[source] Box<Self>),
}

/// Result of what headquarters is asked.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A broken rule, with what to do instead.
    pub fn refused(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), hint: hint.into() }
    }

    /// There is no such record.
    pub fn missing(kind: &str, key: &str) -> Self {
        Self::Missing { kind: kind.to_owned(), key: key.to_owned() }
    }

    /// What to do about it; may be empty.
    pub fn hint(&self) -> String {
        match self {
            Self::Refused { hint, .. } => hint.clone(),
            Self::Missing { kind, .. } => format!("`evertill hq {kind} list` names them all"),
            Self::Import(_) => "nothing was imported; --skip-bad imports the good rows".to_owned(),
            Self::Lost(_) => "try again; if it stays so, see whether the database server runs".to_owned(),
            Self::Untold(_) => "the same command again tells it".to_owned(),
            Self::File(_) | Self::Database(_) => String::new(),
        }
    }
}

/// For the road to the scale units: a broken rule is a refusal, all else headquarters' own failure.
impl From<Error> for ChannelError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { what, .. } => Self::refused(Refusal::Invalid, what),
            Error::Missing { .. } => Self::refused(Refusal::NotFound, error.to_string()),
            Error::Import(_) | Error::File(_) | Error::Lost(_) | Error::Database(_) | Error::Untold(_) => Self::broken(error),
        }
    }
}
