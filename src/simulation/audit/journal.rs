//! A register's journals: what each machine that was the register holds or held, and that it is whole.

use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use super::super::books::Broken;
use super::super::machines::{Station, raw};
use super::columns;
use crate::ids::RegisterId;
use crate::journal::{Reader, verify};
use crate::retail::transaction::{CHAIN_START, chain_hash};

/// A record.
pub(super) struct Row {
    pub(super) sequence: i64,
    pub(super) id: String,
    pub(super) receipt: Option<i64>,
    pub(super) kind: String,
    pub(super) text: String,
}

/// All that a register has ever recorded, in order: what its journals hold, and what has left them, as it came to the scale unit.
pub(super) fn all(station: &Station, channel: &Path, broken: &mut Vec<Broken>) -> Result<Vec<Row>, String> {
    let channel = raw(channel)?;
    let mut all: Vec<Row> = Vec::new();
    for path in station.journals() {
        is_whole(&path, broken);
        let before = all.last().map_or(0, |row| row.sequence);
        let journal = raw(&path)?;
        let unsent: i64 = one(&journal, "SELECT count(*) FROM outbox WHERE sent_at IS NULL")?;
        if unsent > 0 {
            broken.push((8, format!("{unsent} records were never sent")));
        }
        all.extend(purged(&journal, &channel, &station.id, before, broken)?);
        all.extend(rows(&journal, "SELECT sequence, id, receipt, kind, canonical FROM transactions ORDER BY sequence", ())?);
    }
    Ok(all)
}

/// By its columns, and by the chain of its hashes and signatures.
fn is_whole(path: &Path, broken: &mut Vec<Broken>) {
    broken.extend(columns::audit(path, &columns::JOURNAL));
    let problems = match path.parent().map(Reader::open) {
        Some(Ok(reader)) => verify::verify(&reader).problems,
        Some(Err(error)) => vec![error.to_string()],
        None => Vec::new(),
    };
    if let Some(first) = problems.first() {
        broken.push((1, format!("the journal has {} problems, such as: {first}", problems.len())));
    }
}

/// What has left a journal behind a record: the chain over what the scale unit has of it must end where the journal goes on.
fn purged(
    journal: &Connection,
    channel: &Connection,
    register: &RegisterId,
    before: i64,
    broken: &mut Vec<Broken>,
) -> Result<Vec<Row>, String> {
    const LEFT: &str = "SELECT sequence, id, receipt, kind, content FROM transactions
        WHERE store = ?1 AND register = ?2 AND sequence > ?3 AND sequence <= ?4 ORDER BY sequence";
    let last: i64 = one(journal, "SELECT sequence FROM chain WHERE mark = 'purged'")?;
    let link: String = one(journal, "SELECT hash FROM chain WHERE mark = 'purged'")?;
    let left = rows(channel, LEFT, (&register.store, register.number, before, last))?;
    if left.iter().fold(CHAIN_START.to_owned(), |link, row| chain_hash(&link, &row.text)) != link {
        broken.push((2, format!("what left the journal up to record {last} is not what is at the scale unit")));
    }
    Ok(left)
}

fn rows(database: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Row>, String> {
    let words = |error: rusqlite::Error| error.to_string();
    let mut rows = database.prepare(sql).map_err(words)?;
    let rows = rows.query_map(values, |row| {
        Ok(Row { sequence: row.get(0)?, id: row.get(1)?, receipt: row.get(2)?, kind: row.get(3)?, text: row.get(4)? })
    });
    rows.map_err(words)?.collect::<rusqlite::Result<_>>().map_err(words)
}

fn one<T: rusqlite::types::FromSql>(database: &Connection, sql: &str) -> Result<T, String> {
    database.query_row(sql, [], |row| row.get(0)).map_err(|error| error.to_string())
}

/// A register's shifts are numbered one after another, on whatever machine, and each record is in the one that was opened last.
pub(super) fn shifts(register: &RegisterId, all: &[Row]) -> Option<Broken> {
    let mut newest = 0;
    for row in all {
        let record: Value = serde_json::from_str(&row.text).unwrap_or_default();
        let number = |place: &str| record.pointer(place).and_then(Value::as_u64);
        if number("/shift/register") != Some(u64::from(register.number)) {
            continue;
        }
        let begins = event(&record) == Some("shift_opened");
        let expected = if begins { newest + 1 } else { newest };
        let shift = number("/shift/number");
        if shift != Some(expected) {
            return Some((5, format!("record {} is in shift {shift:?} and not in {expected}", row.sequence)));
        }
        newest = expected;
    }
    None
}

/// The record of a switch says that it was written where the register went.
pub(super) fn switches(all: &[Row]) -> Option<Broken> {
    let differs = |row: &&Row| {
        let record: Value = serde_json::from_str(&row.text).unwrap_or_default();
        let is_offline = match event(&record) {
            Some("went_offline") => true,
            Some("went_online") => false,
            Some(_) | None => return false,
        };
        record.get("offline").and_then(Value::as_bool) != Some(is_offline)
    };
    let row = all.iter().find(differs)?;
    Some((2, format!("record {} says of itself that it was not written where the register went", row.sequence)))
}

fn event(record: &Value) -> Option<&str> {
    record.pointer("/content/event/event").and_then(Value::as_str)
}
