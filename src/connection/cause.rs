//! Why the register is offline, or cannot change that, in the cashier's words: for the header, the connection
//! status window and the audit trail.

use std::fmt;

/// Why the register is offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The scale unit did not answer.
    Failure(Failure),
    /// So many requests in a row were answered too slowly (advanced switching only).
    Slow {
        /// How many.
        requests: u32,
        /// What each took more than.
        over_ms: u64,
    },
    /// The cashier disconnected (operation 917).
    Manual,
}

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing came within the time-out.
    TimedOut {
        /// The time-out.
        after_ms: u64,
    },
    /// The machine is there, but no scale unit runs on it.
    NobodyListens,
    /// The connection broke before the answer was complete.
    Cut,
    /// The scale unit's name, or the way to it, was not found.
    NoRoad,
    /// What came back is not HTTP.
    Garbled,
    /// Whoever is there cannot prove to be the scale unit: nothing was asked.
    NotTrusted,
}

/// Why operation 917 did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Connecting would change the source in mid-sale.
    #[error("a sale is in progress")]
    SaleInProgress,
    /// Disconnecting would leave nothing to sell from.
    #[error("there is no usable offline database")]
    NoOfflineDatabase,
    /// Headquarters has *Support offline* at no.
    #[error("this register works online only")]
    OnlineOnly,
}

impl Refusal {
    /// What the cashier can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Refusal::SaleInProgress => "conclude, suspend or void it first",
            Refusal::NoOfflineDatabase => "stay connected until the first download is complete",
            Refusal::OnlineOnly => "headquarters sets Support offline to yes",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Failure(failure) => failure.fmt(f),
            Cause::Slow { requests, over_ms } => {
                write!(f, "{requests} requests in a row over {over_ms} ms")
            }
            Cause::Manual => f.write_str("disconnected by hand"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Failure::TimedOut { after_ms } if after_ms % 100 == 0 => {
                let (seconds, tenths) = (after_ms / 1_000, after_ms % 1_000 / 100);
                write!(f, "no answer within {seconds}.{tenths} s")
            }
            Failure::TimedOut { after_ms } => write!(f, "no answer within {after_ms} ms"),
            Failure::NobodyListens => f.write_str("nobody listens at the scale unit's address"),
            Failure::Cut => f.write_str("the connection was cut"),
            Failure::NoRoad => f.write_str("no way to the scale unit was found"),
            Failure::Garbled => f.write_str("the answer was not understood"),
            Failure::NotTrusted => f.write_str("the scale unit's certificate is not trusted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_said_in_the_cashiers_words() {
        let rows = [
            (Cause::Failure(Failure::TimedOut { after_ms: 1_000 }), "no answer within 1.0 s"),
            (Cause::Failure(Failure::TimedOut { after_ms: 12_300 }), "no answer within 12.3 s"),
            (Cause::Failure(Failure::TimedOut { after_ms: 1_250 }), "no answer within 1250 ms"),
            (Cause::Failure(Failure::TimedOut { after_ms: 50 }), "no answer within 50 ms"),
            (Cause::Failure(Failure::NobodyListens), "nobody listens at the scale unit's address"),
            (Cause::Failure(Failure::Cut), "the connection was cut"),
            (Cause::Failure(Failure::NoRoad), "no way to the scale unit was found"),
            (Cause::Failure(Failure::Garbled), "the answer was not understood"),
            (Cause::Failure(Failure::NotTrusted), "the scale unit's certificate is not trusted"),
            (Cause::Slow { requests: 3, over_ms: 400 }, "3 requests in a row over 400 ms"),
            (Cause::Manual, "disconnected by hand"),
        ];
        for (cause, words) in rows {
            assert_eq!(cause.to_string(), words);
        }
    }
}
