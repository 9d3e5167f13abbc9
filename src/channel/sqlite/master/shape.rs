//! What may stand in a package's file: the tables that this program makes, and nothing else. A view could go on for ever, a trigger do what
//! nobody asked for, and an expression in a table's definition take all memory.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use super::super::open::{self, Schema};
use super::delta;
use crate::channel::{ChannelError, Result};

/// Tables whose definition is not this program's but that of what it uses.
const BORROWED: [&str; 4] = ["refinery_schema_history", "search_config", "search_data", "search_idx"];

/// Refuses the file of a full package that has another shape; nothing else in it is read.
pub fn check_full(file: &Path) -> Result<()> {
    let mut model = Connection::open_in_memory()?;
    open::migrate(&mut model, Schema::Master).map_err(ChannelError::broken)?;
    compare(file, &model)
}

/// Refuses the file of a delta that has another shape; nothing else in it is read.
pub fn check_delta(file: &Path) -> Result<()> {
    let model = Connection::open_in_memory()?;
    model.execute_batch(delta::TABLES)?;
    compare(file, &model)
}

fn compare(file: &Path, model: &Connection) -> Result<()> {
    let (found, expected) = (shape(&open::sealed(file)?)?, shape(model)?);
    match found.symmetric_difference(&expected).next() {
        None => Ok(()),
        Some((name, _)) => Err(ChannelError::broken(format!("the package's {name:.60?} is not what this program makes"))),
    }
}

/// Names and definitions, however they are laid out; what SQLite adds by itself has none.
fn shape(database: &Connection) -> Result<BTreeSet<(String, String)>> {
    let mut all = database.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let all = all.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    all.map(|row| {
        let (name, sql) = row?;
        let mut words = sql.split_ascii_whitespace();
        let definition = if BORROWED.contains(&name.as_str()) { words.by_ref().take(2).collect() } else { words.collect::<Vec<_>>() };
        Ok((name, definition.join(" ")))
    })
    .collect()
}
