//! The sale in hand, stored in parts: a header, each line, each payment. Only parts that changed are written.

use std::sync::Arc;

use rusqlite::Connection;
use serde::Serialize;

use super::error::{JournalError, Result};
use crate::retail::sale::{Line, Payment, Sale};

const HEADER: &str = "header";
const LINE: &str = "line";
const PAYMENT: &str = "payment";

/// Makes the stored sale equal to `sale`, where `before` is what is stored, if that is known.
pub(super) fn write(database: &Connection, sale: &Sale, before: Option<&Sale>) -> Result<()> {
    let before = before.filter(|before| may_become(before, sale));
    if before.is_none() {
        clear(database)?;
    }
    let header = sale.header();
    if before.map(Sale::header).as_ref() != Some(&header) {
        put(database, HEADER, 0, &header)?;
    }
    let (lines, payments) = before.map_or((&[][..], &[][..]), |before| (before.lines(), before.payments()));
    for (at, line) in sale.lines().iter().enumerate() {
        if !lines.get(at).is_some_and(|stored| Arc::ptr_eq(stored, line) || stored == line) {
            put(database, LINE, line.number, line)?;
        }
    }
    for (at, payment) in sale.payments().iter().enumerate() {
        if payments.get(at) != Some(payment) {
            put(database, PAYMENT, payment.number, payment)?;
        }
    }
    Ok(())
}

/// The stored sale.
pub(super) fn read(database: &Connection) -> Result<Option<Sale>> {
    let mut statement = database.prepare_cached("SELECT part, content FROM sale_in_hand ORDER BY part, number")?;
    let mut rows = statement.query(())?;
    let (mut header, mut lines, mut payments) = (None::<Sale>, Vec::<Arc<Line>>::new(), Vec::<Payment>::new());
    while let Some(row) = rows.next()? {
        let (part, content): (String, String) = (row.get(0)?, row.get(1)?);
        match part.as_str() {
            HEADER => header = Some(serde_json::from_str(&content)?),
            LINE => lines.push(serde_json::from_str(&content)?),
            PAYMENT => payments.push(serde_json::from_str(&content)?),
            _ => return Err(JournalError::corrupt(format!("the sale in hand has an unknown part {part:?}"))),
        }
    }
    let numbers = lines.iter().map(|line| line.number).zip(1..).chain(payments.iter().map(|payment| payment.number).zip(1..));
    if numbers.into_iter().any(|(number, expected)| number != expected) {
        return Err(JournalError::corrupt("the sale in hand has lost a line or a payment"));
    }
    match header {
        Some(header) => {
            let sale = header.with_parts(lines, payments);
            sale.check_sums().map_err(|error| JournalError::corrupt(format!("the sale in hand cannot be summed up: {error}")))?;
            Ok(Some(sale))
        }
        None if lines.is_empty() && payments.is_empty() => Ok(None),
        None => Err(JournalError::corrupt("the sale in hand has lost its header")),
    }
}

/// Takes the stored sale away.
pub(super) fn clear(database: &Connection) -> Result<()> {
    database.prepare_cached("DELETE FROM sale_in_hand")?.execute(())?;
    Ok(())
}

/// Lines and payments are added and changed, never taken away.
fn may_become(before: &Sale, sale: &Sale) -> bool {
    before.id == sale.id && before.lines().len() <= sale.lines().len() && before.payments().len() <= sale.payments().len()
}

fn put(database: &Connection, part: &str, number: u32, content: &impl Serialize) -> Result<()> {
    const PUT: &str = "INSERT INTO sale_in_hand (part, number, content) VALUES (?1, ?2, ?3)
        ON CONFLICT (part, number) DO UPDATE SET content = excluded.content";
    database.prepare_cached(PUT)?.execute((part, number, serde_json::to_string(content)?))?;
    Ok(())
}
