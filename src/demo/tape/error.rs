//! What is wrong with a tape, where, and what would have been right.

use std::fmt;

use thiserror::Error;

/// What is wrong at one place of a tape.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{tape}:{line}:{column}: found {found}, expected {expected}")]
pub struct TapeError {
    /// The tape as `parse` or `Source` named it.
    pub tape: String,
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
    /// What stands there.
    pub found: String,
    /// What should stand there.
    pub expected: String,
    /// What was probably meant, or how the command is written.
    pub hint: Option<String>,
}

/// All that is wrong with a tape; never empty. Shows an error and its hint a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct TapeErrors(pub Vec<TapeError>);

impl fmt::Display for TapeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
            if let Some(hint) = &error.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

/// A [`TapeError`] that does not know its tape and line yet.
#[derive(Debug)]
pub(super) struct Fault {
    column: usize,
    found: String,
    expected: String,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(column: usize, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { column, found: found.into(), expected: expected.into(), hint: None }
    }

    /// Adds a hint, unless there is one that knows better.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    pub(super) fn at(self, tape: &str, line: usize) -> TapeError {
        TapeError { tape: tape.to_owned(), line, column: self.column, found: self.found, expected: self.expected, hint: self.hint }
    }
}
