//! The columns of a record against its text: they are what is searched, numbered and summed up by, and repeat parts of it.

use std::path::Path;

use super::super::bill::millionths;
use super::super::books::Broken;
use super::super::machines::raw;
use super::customers::recorded_takings;

/// Where records stand in a database, and what their columns must say, as conditions that hold where one is wrong.
pub(super) struct Table {
    text: &'static str,
    wrong: &'static str,
    total: Total,
}

/// Whether a table has a column for what a sale came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Total {
    Column,
    None,
}

/// A journal's.
pub(super) const JOURNAL: Table = Table {
    text: "canonical",
    wrong: "id IS NOT canonical ->> '$.id' OR sequence IS NOT canonical ->> '$.sequence' OR receipt IS NOT canonical ->> '$.receipt'
        OR kind IS NOT (SELECT key FROM json_each(canonical, '$.content'))
        OR recorded_at IS NOT CAST(round(1000 * unixepoch(canonical ->> '$.recorded_at', 'subsec')) AS INTEGER)",
    total: Total::None,
};

/// The channel database's.
pub(super) const CHANNEL: Table = Table {
    text: "content",
    wrong: "id IS NOT content ->> '$.id' OR sequence IS NOT content ->> '$.sequence' OR receipt IS NOT content ->> '$.receipt'
        OR kind IS NOT (SELECT key FROM json_each(content, '$.content'))
        OR store IS NOT content ->> '$.register.store' OR register IS NOT content ->> '$.register.number'
        OR unixepoch(recorded_at, 'subsec') IS NOT unixepoch(content ->> '$.recorded_at', 'subsec')",
    total: Total::Column,
};

/// Headquarters'.
pub(super) const HEADQUARTERS: Table = Table {
    text: "content",
    wrong: "id IS NOT content ->> '$.id' OR sequence IS NOT content ->> '$.sequence' OR receipt IS NOT content ->> '$.receipt'
        OR kind IS NOT (SELECT key FROM json_each(content, '$.content'))
        OR store IS NOT content ->> '$.register.store' OR register IS NOT content ->> '$.register.number'
        OR shift IS NOT iif(content ->> '$.shift.register' = register, content ->> '$.shift.number', 0)
        OR unixepoch(recorded_at, 'subsec') IS NOT unixepoch(content ->> '$.recorded_at', 'subsec')",
    total: Total::Column,
};

/// What columns say that their texts do not.
pub(super) fn audit(path: &Path, table: &Table) -> Vec<Broken> {
    let name = path.file_name().unwrap_or_default().display();
    let (columns, totals) = (wrong(path, table), wrong_totals(path, table));
    let mut broken = Vec::new();
    if columns != Ok(None) {
        broken.push((2, format!("columns of {name} are not as their records say: {columns:?}")));
    }
    if totals != Ok(None) {
        broken.push((9, format!("totals of {name} are not what was paid: {totals:?}")));
    }
    broken
}

/// The key of a record whose columns are wrong.
fn wrong(path: &Path, table: &Table) -> Result<Option<String>, String> {
    let sql = format!("SELECT min(id) FROM transactions WHERE {}", table.wrong);
    raw(path)?.query_row(&sql, (), |row| row.get(0)).map_err(|error| error.to_string())
}

/// The key of a sale that has another total than what was paid for it, or of another record that has one.
fn wrong_totals(path: &Path, table: &Table) -> Result<Option<String>, String> {
    if table.total == Total::None {
        return Ok(None);
    }
    let words = |error: rusqlite::Error| error.to_string();
    let database = raw(path)?;
    let mut rows = database.prepare(&format!("SELECT id, kind, total, {} FROM transactions ORDER BY id", table.text)).map_err(words)?;
    let mut rows = rows.query([]).map_err(words)?;
    while let Some(row) = rows.next().map_err(words)? {
        let of = |column| row.get::<_, Option<String>>(column).map_err(words);
        let total = of(2)?.map(|total| total.split(' ').next().and_then(|total| total.parse().ok()).map(millionths));
        let text = of(3)?.unwrap_or_default();
        let expected = (of(1)?.as_deref() == Some("sale")).then(|| recorded_takings(&text).map(|takings| takings.values().sum()));
        if total != expected {
            return of(0);
        }
    }
    Ok(None)
}
