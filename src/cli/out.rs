//! What commands write: results to standard output, errors to standard error, and how they fail.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

/// Why a command ends with another status than 0.
#[derive(Debug)]
pub(super) struct Failure {
    /// 1: it ran and found a failure; 2: wrong usage or a bad file; 130: ended by Ctrl+C.
    pub(super) status: u8,
    /// What happened, for standard error; may be empty when all is said.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl Failure {
    /// It ran and found a failure.
    pub(super) fn found(message: impl Display) -> Self {
        Self { status: 1, message: message.to_string(), hint: None }
    }

    /// It ran, found a failure, and has told it.
    pub(super) fn told() -> Self {
        Self::found("")
    }

    /// Wrong usage, or a bad profile, tape or input file.
    pub(super) fn usage(message: impl Display) -> Self {
        Self { status: 2, ..Self::found(message) }
    }

    /// Whoever started it ended it, by Ctrl+C: the status a shell gives to that.
    pub(super) fn stopped() -> Self {
        Self { status: 130, ..Self::told() }
    }

    /// With what to do about it; an empty hint is none.
    pub(super) fn with_hint(self, hint: impl Display) -> Self {
        Self { hint: Some(hint.to_string()).filter(|hint| !hint.is_empty()), ..self }
    }
}

/// A line on standard output. A reader that has gone away is no failure.
pub(super) fn line(text: impl Display) -> Result<(), Failure> {
    written(writeln!(io::stdout().lock(), "{text}"))
}

/// One JSON document on standard output.
pub(super) fn json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(document).map_err(Failure::found)?;
    line(text)
}

/// Whether writing went well; a closed pipe did.
pub(super) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::found(format!("standard output: {error}"))),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What happened on standard error, and on a line of its own what to do about it.
pub(super) fn failure(failure: &Failure) {
    let Failure { status: _, message, hint } = failure;
    if message.is_empty() {
        return;
    }
    let mut out = io::stderr().lock();
    // Where else could it be told?
    let _ = writeln!(out, "evertill: {message}");
    let _ = hint.iter().try_for_each(|hint| writeln!(out, "  hint: {hint}"));
}
