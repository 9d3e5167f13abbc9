//! A transaction as the columns of a channel database: read and tested once, the same for every database.

use super::Upload;
use crate::ids::ShiftId;
use crate::retail::transaction::{Content, Transaction, content_hash};

/// The longest store number taken in, in bytes; it stands in indexes.
const STORE_LEN_MAX: usize = 100;

/// A transaction's columns, but for its text.
pub(in crate::channel) struct Columns {
    pub(in crate::channel) id: String,
    pub(in crate::channel) store: String,
    pub(in crate::channel) register: u32,
    pub(in crate::channel) sequence: i64,
    pub(in crate::channel) receipt: Option<i64>,
    pub(in crate::channel) shift: ShiftId,
    pub(in crate::channel) kind: &'static str,
    pub(in crate::channel) recorded_at: String,
    pub(in crate::channel) total: Option<String>,
    pub(in crate::channel) content_hash: String,
}

impl Columns {
    /// Reads and tests what came up; what is wrong with it, in words, otherwise.
    pub(in crate::channel) fn read(upload: &Upload) -> Result<Self, String> {
        let transaction = Transaction::from_canonical(&upload.canonical).map_err(|error| format!("it is no transaction: {error}"))?;
        if transaction.id != upload.id {
            return Err(format!("its key is {}", transaction.id));
        }
        if transaction.register.store.len() > STORE_LEN_MAX {
            return Err(format!("its store's number has more than {STORE_LEN_MAX} bytes"));
        }
        transaction.verify()?;
        let number = |number: u64| i64::try_from(number).map_err(|_| format!("the number {number} is too large"));
        number(transaction.shift.number)?;
        Ok(Self {
            id: upload.id.to_string(),
            sequence: number(transaction.sequence)?,
            receipt: transaction.receipt.map(number).transpose()?,
            shift: transaction.shift,
            kind: transaction.kind(),
            recorded_at: transaction.recorded_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            total: match &transaction.content {
                Content::Sale(sale) => Some(sale.totals().total.to_string()),
                Content::VoidedSale(_) | Content::Event(_) => None,
            },
            store: transaction.register.store,
            register: transaction.register.number,
            content_hash: content_hash(&upload.canonical),
        })
    }
}
