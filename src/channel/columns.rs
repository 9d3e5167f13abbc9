//! A transaction as the columns of a channel database: read and tested once, the same for every database.

use super::{Device, Upload};
use crate::ids::ShiftId;
use crate::retail::register::Numbers;
use crate::retail::transaction::{Content, Transaction, content_hash};

/// The longest store number taken in, in bytes; it stands in indexes.
const STORE_LEN_MAX: usize = 100;

/// How far a record's numbers may lie above the highest known of its register: more than a register records while it is away.
const AHEAD_MAX: u64 = 1_000_000;
/// Records of a device that is deactivated that are kept aside.
pub(in crate::channel) const OF_DEACTIVATED_MAX: u32 = 1_000;

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

    /// Why a device cannot have given these numbers, if it cannot; `known` are the highest of its register among those taken in. Whoever
    /// has a register's token could else leave it no numbers to go on with.
    pub(in crate::channel) fn beyond(&self, device: &Device, known: Numbers) -> Option<String> {
        let (sequence, receipt) = (self.sequence.unsigned_abs(), self.receipt.unwrap_or(0).unsigned_abs());
        if let Some(last) = device.handed_on.filter(|last| sequence > last.sequence || receipt > last.receipt) {
            let Numbers { sequence, receipt, .. } = last;
            return Some(format!("its register went on from sequence number {sequence} and receipt number {receipt} on another device"));
        }
        let known = known.max(device.numbers);
        if sequence > known.sequence.saturating_add(AHEAD_MAX) || receipt > known.receipt.saturating_add(AHEAD_MAX) {
            return Some(format!("its sequence or receipt number is more than {AHEAD_MAX} above the highest known of its register"));
        }
        // Every shift begins with a record of its own.
        (self.shift.register == self.register && self.shift.number > sequence)
            .then(|| "its shift has a higher number than it has".to_owned())
    }
}
