//! Transactions: what a sale becomes once it is concluded or voided, and the other events a register keeps. Records that never change.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::sale::Sale;
use crate::clock::Time;
use crate::ids::{OperatorId, RegisterId, ShiftId, TransactionId};

/// A record of the journal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Transaction {
    /// Its key, on every side.
    pub id: TransactionId,
    /// The register that wrote it.
    pub register: RegisterId,
    /// Its place in that register's journal: from 1, without gaps, events included.
    pub sequence: u64,
    /// Receipt number of a concluded sale: from 1 for each register, without gaps.
    pub receipt: Option<u64>,
    /// The shift it belongs to.
    pub shift: ShiftId,
    /// Who did it.
    pub operator: OperatorId,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Whether the register was offline then.
    pub offline: bool,
    /// What happened.
    pub content: Content,
    /// What there is to say about its signature; nothing when it is signed with the key of the record before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
}

/// What a record says about its signature, which stands beside it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signing {
    /// The register signs with this public key from this record on, in hexadecimal.
    Key(String),
    /// The fiscal unit had failed: it has no signature.
    Failed,
}

/// What a transaction records.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A sale that was paid.
    Sale(Sale),
    /// A sale that was given up.
    VoidedSale(Sale),
    /// Anything else worth keeping.
    Event(Event),
}

/// Events of the audit trail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An operator signed in.
    LogOn,
    /// And off.
    LogOff,
    /// The register was locked.
    Locked,
    /// And unlocked by the same operator.
    Unlocked,
    /// A shift began.
    ShiftOpened,
    /// The register went offline.
    WentOffline {
        /// In the words of the status header.
        cause: String,
    },
    /// The register came back online.
    WentOnline,
    /// A price was looked up without selling.
    PriceCheck {
        /// The product's number.
        product: String,
    },
    /// A line's quantity was lowered after it was rung up.
    QuantityLowered {
        /// The sale.
        sale: TransactionId,
        /// Its line.
        line: u32,
        /// From.
        from: String,
        /// To.
        to: String,
    },
    /// A manager lent his right for one operation.
    ManagerAuthorized {
        /// Who.
        manager: OperatorId,
        /// For which operation.
        operation: u16,
    },
    /// A manager let an operator try again who was locked out after wrong PINs.
    OperatorUnlocked {
        /// Whom.
        operator: OperatorId,
    },
    /// The fiscal unit failed, and records are not signed.
    SigningFailed {
        /// In the unit's words.
        cause: String,
    },
    /// It signs again.
    SigningResumed,
}

impl Transaction {
    /// Whether a cashier would call it a transaction: a sale, concluded or voided, and not an event.
    pub fn is_sale(&self) -> bool {
        matches!(self.content, Content::Sale(_) | Content::VoidedSale(_))
    }

    /// The sale of a concluded or voided one.
    pub fn sale(&self) -> Option<&Sale> {
        match &self.content {
            Content::Sale(sale) | Content::VoidedSale(sale) => Some(sale),
            Content::Event(_) => None,
        }
    }

    /// Short name of its kind, as stored and listed.
    pub fn kind(&self) -> &'static str {
        match self.content {
            Content::Sale(_) => "sale",
            Content::VoidedSale(_) => "voided_sale",
            Content::Event(_) => "event",
        }
    }

    /// The bytes that are stored, hashed and uploaded, the same everywhere.
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).expect("a transaction has only string keys")
    }

    /// Reads canonical bytes, from a journal or from the wire; the sums of a sale can be formed, if nothing else is sure about it.
    pub fn from_canonical(text: &str) -> Result<Self, serde_json::Error> {
        let transaction: Self = serde_json::from_str(text)?;
        if let Some(sale) = transaction.sale() {
            sale.check_sums().map_err(serde::de::Error::custom)?;
        }
        Ok(transaction)
    }

    /// What a scale unit tests before it takes the record in: what no register writes that keeps the order of business. Whether its operator
    /// was within his limits shows only beside other records and the staff of that day, which may be elsewhere; the register sees to that.
    pub fn verify(&self) -> Result<(), String> {
        match &self.content {
            Content::Sale(sale) | Content::VoidedSale(sale) if sale.id != self.id => {
                Err("the sale has another key than its transaction".to_owned())
            }
            Content::Sale(sale) | Content::VoidedSale(sale) if sale.register != self.register => {
                Err("the sale is another register's than its transaction".to_owned())
            }
            Content::Sale(_) if self.receipt.is_none() => Err("a concluded sale has no receipt number".to_owned()),
            Content::Sale(sale) if sale.open_lines().next().is_none() => Err("a concluded sale has no lines".to_owned()),
            Content::Sale(sale) => sale.verify(),
            Content::VoidedSale(_) | Content::Event(_) if self.receipt.is_some() => {
                Err("only a concluded sale has a receipt number".to_owned())
            }
            Content::VoidedSale(sale) => sale.verify_given_up(),
            Content::Event(_) => Ok(()),
        }
    }
}

/// SHA-256 of canonical bytes in hexadecimal: by this a scale unit knows a repeated upload from another record under the same key.
pub fn content_hash(canonical: &str) -> String {
    hex(&Sha256::digest(canonical.as_bytes()))
}

/// The next link of a journal's chain: SHA-256 over the previous link and the canonical record.
pub fn chain_hash(previous: &str, canonical: &str) -> String {
    hex(&Sha256::new().chain_update(previous.as_bytes()).chain_update([0]).chain_update(canonical.as_bytes()).finalize())
}

/// The link before a journal's first record.
pub const CHAIN_START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}
