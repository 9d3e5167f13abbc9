//! P-0001: transactions of the channel databases, taken in once and for ever. What cannot be taken is set aside with its reason and never
//! holds up the others.

use serde::Serialize;

use super::Headquarters;
use super::database::{Tx, Value};
use super::error::{Error, Result};
use crate::channel::Upload;
use crate::clock::Time;
use crate::ids::RegisterId;
use crate::realtime::Taken;
use crate::retail::register::Numbers;
use crate::retail::transaction::{Content, Transaction, content_hash};

/// Records set aside and not looked at; beyond this a store keeps its own.
const SET_ASIDE_MAX: u64 = 100_000;

/// A transaction, as it is listed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TransactionRow {
    /// Its key.
    pub id: String,
    /// Its store.
    pub store: String,
    /// Its register.
    pub register: u64,
    /// Its place in that register's journal.
    pub sequence: u64,
    /// Its receipt number, if it has one.
    pub receipt: Option<u64>,
    /// `sale`, `voided_sale` or `event`.
    pub kind: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// A concluded sale's total.
    pub total: Option<String>,
}

/// What was set aside.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SetAside {
    /// The key it came under.
    pub id: String,
    /// The store it came from.
    pub store: String,
    /// Why.
    pub reason: String,
    /// When it came.
    pub received_at: String,
    /// What came.
    pub content: String,
}

impl Headquarters {
    /// Takes transactions of a store in and says what became of each, in order.
    pub(super) fn take(&self, store: &str, uploads: &[Upload]) -> Result<Vec<Taken>> {
        let rows: Vec<_> = uploads.iter().map(|upload| read(store, upload)).collect();
        // In the order of keys, so that two who bring the same never wait for each other in a circle.
        let mut order: Vec<usize> = (0..uploads.len()).collect();
        order.sort_by_key(|place| uploads[*place].id);
        let now = self.0.clock.now();
        self.database().write(|tx| {
            let mut taken: Vec<Option<Taken>> = vec![None; uploads.len()];
            for place in &order {
                let set_aside = take_one(tx, store, &uploads[*place], rows[*place].as_deref(), now)?;
                taken[*place] = Some(Taken { id: uploads[*place].id, set_aside });
            }
            Ok(taken.into_iter().flatten().collect())
        })
    }

    /// The highest numbers known of a register.
    pub fn numbers(&self, register: &RegisterId) -> Result<Numbers> {
        const HIGHEST: &str = "SELECT coalesce(max(sequence), 0), coalesce(max(receipt), 0), coalesce(max(shift), 0) FROM transactions
            WHERE store = $1 AND register = $2";
        let row = self.database().read(|tx| tx.row(HIGHEST, &[(&register.store).into(), register.number.into()]))?;
        let row = row.ok_or_else(|| Error::Database("no numbers".to_owned()))?;
        Ok(Numbers { sequence: row.number(0)?, receipt: row.number(1)?, shift: row.number(2)? })
    }

    /// How many transactions there are, events included.
    pub fn transaction_count(&self, store: Option<&str>) -> Result<u64> {
        const COUNT: &str = "SELECT count(*) FROM transactions WHERE store = $1 OR $1 = ''";
        let row = self.database().read(|tx| tx.row(COUNT, &[store.unwrap_or_default().into()]))?;
        row.map_or(Ok(0), |row| row.number(0))
    }

    /// The newest transactions, newest first.
    pub fn transactions(&self, store: Option<&str>, limit: u32) -> Result<Vec<TransactionRow>> {
        const NEWEST: &str = "SELECT id, store, register, sequence, receipt, kind, recorded_at, total FROM transactions
            WHERE store = $1 OR $1 = '' ORDER BY recorded_at DESC, id DESC LIMIT $2";
        let rows = self.database().read(|tx| tx.rows(NEWEST, &[store.unwrap_or_default().into(), limit.into()]))?;
        rows.iter()
            .map(|row| {
                Ok(TransactionRow {
                    id: row.text(0)?,
                    store: row.text(1)?,
                    register: row.number(2)?,
                    sequence: row.number(3)?,
                    receipt: row.optional_number(4)?,
                    kind: row.text(5)?,
                    recorded_at: row.text(6)?,
                    total: row.optional_text(7)?,
                })
            })
            .collect()
    }

    /// A transaction's canonical text, as it was taken in.
    pub fn transaction(&self, id: &str) -> Result<String> {
        const ONE: &str = "SELECT content FROM transactions WHERE id = $1";
        let row = self.database().read(|tx| tx.row(ONE, &[id.into()]))?;
        row.ok_or_else(|| Error::missing("transaction", id))?.text(0)
    }

    /// Hands over every transaction's key and hash, in order of keys.
    pub fn each_transaction(&self, take: &mut dyn FnMut(&str, &str) -> Result<()>) -> Result<()> {
        const ALL: &str = "SELECT id, content_hash FROM transactions ORDER BY id";
        self.database().read(|tx| tx.each(ALL, &[], &mut |row| take(&row.text(0)?, &row.text(1)?)))
    }

    /// What was set aside, oldest first.
    pub fn set_aside(&self) -> Result<Vec<SetAside>> {
        const ALL: &str = "SELECT id, store, reason, received_at, content FROM set_aside ORDER BY received_at, id LIMIT 10000";
        let rows = self.database().read(|tx| tx.rows(ALL, &[]))?;
        let of = |row: &super::database::Row| -> Result<_> {
            Ok(SetAside { id: row.text(0)?, store: row.text(1)?, reason: row.text(2)?, received_at: row.text(3)?, content: row.text(4)? })
        };
        rows.iter().map(of).collect()
    }
}

/// Why it was set aside, if it was.
fn take_one(
    tx: &mut Tx<'_>,
    store: &str,
    upload: &Upload,
    row: std::result::Result<&[Value], &String>,
    now: Time,
) -> Result<Option<String>> {
    const INSERT: &str = "INSERT INTO transactions
        (id, store, register, sequence, receipt, shift, kind, recorded_at, total, content_hash, content, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";
    let row = match row {
        Ok(row) => row,
        Err(reason) => return set_aside(tx, store, upload, reason.clone(), now).map(Some),
    };
    let mut values = row.to_vec();
    values.push(now.into());
    if tx.execute(INSERT, &values)? == 1 {
        return Ok(None);
    }
    match conflict(tx, upload, &values)? {
        None => Ok(None),
        Some(reason) => set_aside(tx, store, upload, reason, now).map(Some),
    }
}

/// What stands in its place, unless it is itself.
fn conflict(tx: &mut Tx<'_>, upload: &Upload, values: &[Value]) -> Result<Option<String>> {
    const SAME_KEY: &str = "SELECT content_hash FROM transactions WHERE id = $1";
    const SAME_NUMBER: &str = "SELECT id FROM transactions WHERE store = $1 AND register = $2 AND (sequence = $3 OR receipt = $4)";
    if let Some(row) = tx.row(SAME_KEY, &values[..1])? {
        let is_same = row.text(0)? == content_hash(&upload.canonical);
        return Ok((!is_same).then(|| "its key is taken by a transaction with other content".to_owned()));
    }
    let other = tx.row(SAME_NUMBER, &values[1..5])?.map_or(Ok("unknown".to_owned()), |row| row.text(0))?;
    Ok(Some(format!("its sequence or receipt number is taken by transaction {other}")))
}

fn set_aside(tx: &mut Tx<'_>, store: &str, upload: &Upload, reason: String, now: Time) -> Result<String> {
    const COUNT: &str = "SELECT count(*) FROM set_aside";
    const KEEP: &str = "INSERT INTO set_aside (id, store, reason, received_at, content_hash, content) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING";
    if tx.row(COUNT, &[])?.map_or(Ok(0), |row| row.number(0))? >= SET_ASIDE_MAX {
        return Err(Error::Database(format!("{SET_ASIDE_MAX} records are set aside and wait to be looked at; the newest: {reason}")));
    }
    // PostgreSQL's texts hold no such letter; a record that is refused need not keep it.
    let content = upload.canonical.replace('\0', "\u{fffd}");
    let hash = content_hash(&upload.canonical);
    let values = [upload.id.to_string().into(), store.into(), (&reason).into(), now.into(), hash.into(), content.into()];
    tx.execute(KEEP, &values)?;
    Ok(reason)
}

/// A transaction's columns, but for when it came.
fn read(store: &str, upload: &Upload) -> std::result::Result<Vec<Value>, String> {
    upload.check().map_err(|error| error.detail)?;
    let transaction = Transaction::from_canonical(&upload.canonical).map_err(|error| format!("it is no transaction: {error}"))?;
    if transaction.id != upload.id {
        return Err(format!("its key is {}", transaction.id));
    }
    if transaction.register.store != store {
        return Err(format!("it is of store {} and came from store {store}", transaction.register.store));
    }
    transaction.verify()?;
    let number = |number: u64| i64::try_from(number).map(Value::from).map_err(|_| format!("the number {number} is too large"));
    let of_this_register = transaction.shift.register == transaction.register.number;
    Ok(vec![
        upload.id.to_string().into(),
        store.into(),
        transaction.register.number.into(),
        number(transaction.sequence)?,
        transaction.receipt.map(number).transpose()?.unwrap_or(Value::Null),
        number(if of_this_register { transaction.shift.number } else { 0 })?,
        transaction.kind().into(),
        transaction.recorded_at.into(),
        match &transaction.content {
            Content::Sale(sale) => sale.totals().total.to_string().into(),
            Content::VoidedSale(_) | Content::Event(_) => Value::Null,
        },
        content_hash(&upload.canonical).into(),
        upload.canonical.as_str().into(),
    ])
}
