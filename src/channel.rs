//! What a till may ask: one trait, in the shop's words, for every source.
//!
//! It is implemented by the databases ([`sqlite`], [`postgres`]) and by the client that calls a scale unit over HTTP ([`http`]); the scale unit's handlers do
//! nothing but decode, call their `Channel`, encode. One contract suite (`tests/contract.rs`) runs over every implementation.

mod codes;
mod columns;
mod database;
mod folding;
pub mod http;
pub mod postgres;
pub mod sqlite;
mod typo;
mod window;
mod words;

pub use database::{ChannelDatabase, Device, DeviceStatus, Session};

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connection::Failure;
use crate::ids::{OperatorId, ProductId, RegisterId, TransactionId};
use crate::retail::gift_card::GiftCard;
use crate::retail::product::{Found, Product};
use crate::retail::register::{Configuration, RegisterSetup};
use crate::retail::staff::{Operator, Pin};
use crate::retail::store::Store;

/// A source of master data and, at the scale unit, the place transactions go to. Calls block; whoever has a deadline runs them on a worker.
pub trait Channel: Send + Sync {
    /// Configuration of a store.
    fn store(&self, number: &str) -> Result<Store>;

    /// A register as headquarters set it up.
    fn register(&self, register: &RegisterId) -> Result<RegisterSetup>;

    /// What headquarters says of a register and its store.
    fn configuration(&self, register: &RegisterId) -> Result<Configuration> {
        Ok(Configuration { store: self.store(&register.store)?, setup: if_known(self.register(register))? })
    }

    /// Checks a personnel number and PIN. [`ErrorKind::Refused`] with the same words, in the same time, whether the number is unknown or the PIN is wrong.
    fn sign_in(&self, operator: &OperatorId, pin: &Pin) -> Result<Operator>;

    /// A manager ends another operator's lock. [`ErrorKind::Unsupported`] where no locks are kept.
    fn unlock(&self, _operator: &OperatorId, _manager: &OperatorId, _pin: &Pin) -> Result<()> {
        Err(ChannelError::new(ErrorKind::Unsupported, ""))
    }

    /// Who works at the register from now on, or nobody: an online source opens and ends the session with it, as soon as it is asked something.
    fn set_operator(&self, _operator: Option<&OperatorId>) {}

    /// The product a bar code, a price look-up number or a scale's item number stands for.
    fn product_by_barcode(&self, code: &str) -> Result<Option<Found>>;

    /// A product by its number.
    fn product(&self, id: &ProductId) -> Result<Option<Product>>;

    /// Products that match every word of a text, anywhere in name, number or bar code, one typo forgiven when nothing else matches.
    fn search_products(&self, search: &ProductSearch) -> Result<Page>;

    /// Takes a transaction in, once and for ever: the same key and content again is answered as the first time; the same key or number
    /// with other content is set aside, never written over.
    fn record(&self, transaction: &Upload) -> Result<Recorded>;

    /// A transaction's canonical text, as it was taken in.
    fn transaction(&self, id: &TransactionId) -> Result<Option<String>>;

    /// A gift card and its balance: a call that goes on to headquarters. [`ErrorKind::HeadquartersAway`] when that does not answer;
    /// [`ErrorKind::Unsupported`] offline.
    fn gift_card(&self, number: &str) -> Result<Option<GiftCard>>;

    /// Version of the master data: grows with every change, equal on a source and its copies.
    fn data_version(&self) -> Result<u64>;
}

/// None for a register that is not known yet.
pub fn if_known(setup: Result<RegisterSetup>) -> Result<Option<RegisterSetup>> {
    match setup {
        Err(ChannelError { kind: ErrorKind::Refused(Refusal::NotFound), .. }) => Ok(None),
        setup => setup.map(Some),
    }
}

/// Result of a channel's answer.
pub type Result<T> = std::result::Result<T, ChannelError>;

/// What to search for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProductSearch {
    /// As typed.
    pub text: String,
    /// How many to skip.
    pub offset: u32,
    /// How many to return, [`ProductSearch::MAX_LIMIT`] at most.
    pub limit: u32,
}

impl ProductSearch {
    /// The most products on a page.
    pub const MAX_LIMIT: u32 = 200;
    /// The longest text searched for, in characters.
    pub const MAX_TEXT: usize = 100;

    /// Refuses what is beyond these bounds, the same in every channel.
    pub fn check(&self) -> Result<()> {
        if self.limit > Self::MAX_LIMIT {
            return Err(ChannelError::refused(Refusal::Invalid, format!("a page has {} products at most", Self::MAX_LIMIT)));
        }
        if self.text.chars().nth(Self::MAX_TEXT).is_some() {
            return Err(ChannelError::refused(Refusal::Invalid, format!("a search has {} characters at most", Self::MAX_TEXT)));
        }
        Ok(())
    }
}

/// A page of products.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Page {
    /// In order of fit.
    pub products: Vec<Product>,
    /// Whether there are more behind it.
    pub more: bool,
}

/// A transaction on its way up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    /// Its key.
    pub id: TransactionId,
    /// Its canonical text, byte for byte as the journal keeps it.
    pub canonical: String,
}

impl Upload {
    /// The longest canonical text taken in, in bytes: a sale of 1,600 lines with four taxes each.
    pub const MAX_BYTES: usize = 2 << 20;

    /// Refuses what is beyond these bounds, the same in every channel.
    pub fn check(&self) -> Result<()> {
        if self.canonical.len() > Self::MAX_BYTES {
            return Err(ChannelError::refused(Refusal::Invalid, format!("a transaction has {} bytes at most", Self::MAX_BYTES)));
        }
        Ok(())
    }
}

/// What a slow line carries: 16 KB/s.
const BYTES_A_MS: u64 = 16;

/// What a body of so many bytes may take, on top of the time-out of whoever sends or awaits it.
pub fn time_for(bytes: usize) -> Duration {
    Duration::from_millis(u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_A_MS)
}

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// Taken in just now.
    New,
    /// It was there already, the same.
    Already,
}

/// An answer that is none.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{kind}{}", if detail.is_empty() { String::new() } else { format!(": {detail}") })]
pub struct ChannelError {
    /// What sort of failure.
    pub kind: ErrorKind,
    /// The particulars, for the log and the connection status window; never a secret.
    pub detail: String,
}

/// Sorts of failure. Only `Unreachable` may ever take a register offline.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ErrorKind {
    /// No answer.
    Unreachable(Failure),
    /// The channel answered: no, and asking again will not help.
    Refused(Refusal),
    /// This source cannot do that.
    Unsupported,
    /// The scale unit answers, headquarters does not, and only headquarters knows.
    HeadquartersAway,
    /// The channel answered with an error of its own, or with something this program does not understand.
    Broken,
}

/// Why a channel says no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Unknown operator or wrong PIN.
    Credentials,
    /// The request makes no sense or breaks a rule.
    Invalid,
    /// The same key or number is there with other content.
    Conflict,
    /// No such thing.
    NotFound,
    /// The device is unknown, another register's, or deactivated.
    Device,
    /// Nobody is signed in, or the session has ended.
    Session,
    /// Too many wrong PINs.
    Locked,
    /// The operator may not do this.
    Forbidden,
}

impl ChannelError {
    /// An error of a kind with its particulars.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// The channel's own error.
    pub fn broken(detail: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Broken, detail.to_string())
    }

    /// A refusal.
    pub fn refused(refusal: Refusal, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused(refusal), detail)
    }

    /// No answer.
    pub fn unreachable(failure: Failure) -> Self {
        Self::new(ErrorKind::Unreachable(failure), "")
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(failure) => failure.fmt(f),
            Self::Refused(Refusal::Credentials) => f.write_str("operator or PIN is wrong"),
            Self::Refused(Refusal::Invalid) => f.write_str("the request was refused"),
            Self::Refused(Refusal::Conflict) => f.write_str("the same number is taken by another record"),
            Self::Refused(Refusal::NotFound) => f.write_str("there is no such thing"),
            Self::Refused(Refusal::Device) => f.write_str("this register is not activated"),
            Self::Refused(Refusal::Session) => f.write_str("the session has ended"),
            Self::Refused(Refusal::Locked) => f.write_str("too many wrong PINs"),
            Self::Refused(Refusal::Forbidden) => f.write_str("the operator may not do this"),
            Self::Unsupported => f.write_str("this is not possible here"),
            Self::HeadquartersAway => f.write_str("headquarters does not answer"),
            Self::Broken => f.write_str("the scale unit answered with an error"),
        }
    }
}
