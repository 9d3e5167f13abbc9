//! Why an operation stops, and the one place where every error becomes the cashier's words: what happened, what to do next, which key.

use crate::channel::{ChannelError, ErrorKind, Refusal};
use crate::desk::NumberPrompt;
use crate::journal::JournalError;
use crate::money::NumberError;
use crate::retail::barcode::BarcodeError;
use crate::retail::sale::SaleError;
use crate::retail::tender::TenderError;
use crate::view::{Level, Notice};

/// Why an operation stops before its end. What it did up to then is whole.
#[derive(Clone, PartialEq, Debug)]
pub enum Stop {
    /// The cashier went back.
    Cancelled,
    /// It cannot be; the notice says why.
    Refused(Notice),
    /// The register must be locked.
    Lock,
    /// The scale unit does not know the operator's session, nor begin another: he must say who he is.
    SessionEnded,
    /// The screen was closed.
    HungUp,
}

impl Stop {
    /// A refusal in words.
    pub fn refused(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused(Notice { level: Level::Error, text: text.into(), hint: hint.into() })
    }

    /// An operation that needs the scale unit, or what is behind it, while the register is offline.
    pub fn not_offline(operation: &str) -> Self {
        Self::refused(format!("{operation} is not possible offline"), "F12 connects to the scale unit again")
    }

    /// What a dialog shows above its box before it asks again; anything but a refusal goes on stopping.
    pub fn into_problem(self) -> Result<String, Self> {
        match self {
            Self::Refused(notice) => Ok(notice.text),
            Self::Cancelled | Self::Lock | Self::SessionEnded | Self::HungUp => Err(self),
        }
    }
}

impl From<SaleError> for Stop {
    fn from(error: SaleError) -> Self {
        let hint = match error {
            SaleError::NoSuchLine | SaleError::NoSuchPayment => "↑ ↓ choose one",
            SaleError::LineIsVoided => "F4 brings it back",
            SaleError::PaymentAlreadyVoided => "↑ ↓ choose another",
            SaleError::InvalidQuantity => "F4 voids the line",
            SaleError::QuantityExceeded { .. } | SaleError::AmountTooLarge | SaleError::ForeignCurrency | SaleError::Number(_) => {
                "check what was typed; nothing has changed"
            }
            SaleError::InvalidPrice | SaleError::InvalidDiscount | SaleError::InvalidPercent => "type another number",
            SaleError::DiscountAboveAmount { .. } => "give a smaller discount first: F5",
            SaleError::PaidMore => "Alt+V voids the payment first",
            SaleError::TooManyLines | SaleError::TooManyPayments => "pay this sale and begin another",
        };
        Self::refused(error.to_string(), hint)
    }
}

impl From<TenderError> for Stop {
    fn from(error: TenderError) -> Self {
        Self::refused(error.to_string(), "type another amount")
    }
}

impl From<BarcodeError> for Stop {
    fn from(error: BarcodeError) -> Self {
        Self::refused(error.to_string(), error.hint())
    }
}

impl From<NumberError> for Stop {
    fn from(error: NumberError) -> Self {
        Self::refused(format!("that {error}"), "type another number")
    }
}

impl From<ChannelError> for Stop {
    fn from(error: ChannelError) -> Self {
        let hint = match error.kind {
            ErrorKind::Refused(Refusal::Session) => return Self::SessionEnded,
            ErrorKind::Refused(Refusal::Device) => {
                return Self::refused(
                    "headquarters has deactivated this register",
                    "finish or void the sale in hand; Alt+A activates it again with a new code",
                );
            }
            ErrorKind::Unreachable(_) => "there is no offline database yet; try again when the scale unit is back",
            ErrorKind::Refused(Refusal::Credentials) => "try again",
            ErrorKind::HeadquartersAway => "sales go on; try this again later",
            ErrorKind::Refused(_) | ErrorKind::Unsupported => "nothing has changed",
            ErrorKind::Broken => "try again; F12 disconnects and goes on offline",
        };
        Self::refused(error.to_string(), hint)
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::refused(error.to_string(), error.hint())
    }
}

/// Puts a problem into a dialog that is asked again.
pub(super) fn with_problem(prompt: &NumberPrompt, problem: Option<String>) -> NumberPrompt {
    NumberPrompt { problem, ..prompt.clone() }
}
