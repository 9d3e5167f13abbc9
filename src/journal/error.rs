//! What can go wrong with the journal, in words for the cashier.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::ids::RegisterId;
use crate::place;
use crate::retail::register::Numbers;

/// Result of an answer of the journal.
pub type Result<T> = std::result::Result<T, JournalError>;

/// Why the journal cannot do what was asked. What was durable before still is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalError {
    /// Another register has the data directory open.
    #[error("another register is using {}", .directory.display())]
    Locked {
        /// The data directory.
        directory: PathBuf,
    },
    /// The file is no journal, or a damaged one.
    #[error("the journal is damaged: {problem}")]
    Corrupt {
        /// What does not fit.
        problem: String,
    },
    /// A newer program wrote it.
    #[error("the journal was written by a newer program (version {found} of its tables, this program knows {known})")]
    Newer {
        /// Version of the file's tables.
        found: i64,
        /// Version this program knows.
        known: i64,
    },
    /// It belongs to another register.
    #[error("the journal belongs to register {found}, expected {expected}")]
    ForeignRegister {
        /// Who opens it.
        expected: RegisterId,
        /// Whose it is.
        found: RegisterId,
    },
    /// There is no journal to read.
    #[error("there is no journal in {}", .directory.display())]
    Missing {
        /// The data directory.
        directory: PathBuf,
    },
    /// The sale stands in the journal, concluded or voided.
    #[error("this transaction is in the journal already")]
    AlreadyRecorded,
    /// No register can have given the numbers it is to go on from.
    #[error("the register was given numbers beyond {}, which none can reach", Numbers::MAX)]
    Numbers,
    /// Its file is not where it was opened.
    #[error("journal.db was moved or deleted, not recorded")]
    Moved,
    /// No room left.
    #[error("the disk is full, nothing was recorded")]
    Full,
    /// The disk or the system refused.
    #[error("the journal cannot be read or written: {problem}")]
    Io {
        /// In the system's words.
        problem: String,
    },
}

impl JournalError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "close the other register, or start this one with a data directory of its own",
            Self::Corrupt { .. } => "do not sell on it; keep the file, run `evertill journal verify` and call support",
            Self::Newer { .. } => "start the newer program",
            Self::ForeignRegister { .. } => "choose this register's own data directory, or correct store and register in the profile",
            Self::Missing { .. } => "name the register's data directory with --data",
            Self::AlreadyRecorded => "begin a new sale",
            Self::Numbers => "activate the register again; when they come again, see at headquarters which record has them",
            Self::Moved => "put it back or call support",
            Self::Full => "make room on the disk, then try again",
            Self::Io { .. } => "check the disk and the rights on the data directory, then try again",
        }
    }

    pub(super) fn corrupt(problem: impl Into<String>) -> Self {
        Self::Corrupt { problem: problem.into() }
    }

    pub(super) fn missing(directory: &Path) -> Self {
        Self::Missing { directory: directory.to_owned() }
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        if place::was_moved(&error) {
            return Self::Moved;
        }
        let problem = error.to_string();
        let Some(code) = error.sqlite_error() else {
            // Everything that rusqlite itself finds wrong here is a value that this program never wrote.
            return Self::Corrupt { problem };
        };
        if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE {
            return Self::AlreadyRecorded;
        }
        if code.code == ErrorCode::DiskFull {
            Self::Full
        } else if matches!(code.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) {
            Self::Corrupt { problem }
        } else {
            Self::Io { problem }
        }
    }
}

impl From<std::io::Error> for JournalError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull { Self::Full } else { Self::Io { problem: error.to_string() } }
    }
}

impl From<serde_json::Error> for JournalError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt { problem: format!("a record cannot be read: {error}") }
    }
}
