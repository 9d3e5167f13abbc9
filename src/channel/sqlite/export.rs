//! Copying the master data into a finished file for registers: tables and indexes as they are here, transactions left out.

use std::path::Path;

use rusqlite::Connection;

use super::{SqliteChannel, bulk, data_version, open};
use crate::channel::{ChannelError, Result};

impl SqliteChannel {
    /// Writes all master data to a new file at `to`, in one piece as of now, and returns their version.
    pub fn export_master_data(&self, to: &Path) -> Result<u64> {
        if to.exists() {
            return Err(ChannelError::broken(format!("{} is there already", to.display())));
        }
        let mut target = Connection::open(to)?;
        // A file that is not finished is thrown away, so it needs no journal.
        target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
        open::migrate(&mut target).map_err(ChannelError::broken)?;
        target.execute("ATTACH DATABASE ?1 AS source", [self.path.to_string_lossy()])?;
        copy(&mut target)
    }
}

/// Parents before children; the last two hold the full-text index, which is copied as it is instead of being built again.
const TABLES: [&str; 9] = ["data_version", "stores", "products", "codes", "vocabulary", "staff", "customers", "search_data", "search_idx"];

fn copy(target: &mut Connection) -> Result<u64> {
    let transaction = target.transaction()?;
    bulk::fill(&transaction, |transaction| {
        for table in TABLES {
            transaction.execute(&format!("DELETE FROM main.{table}"), [])?;
            transaction.execute(&format!("INSERT INTO main.{table} SELECT * FROM source.{table}"), [])?;
        }
        Ok(())
    })?;
    let version = data_version(&transaction)?;
    transaction.commit()?;
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_copied_or_holds_transactions() {
        let folder = tempfile::tempdir().unwrap();
        let database = open::for_writing(&folder.path().join("channel.db")).unwrap();
        let mut tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
        let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
        let mut expected: Vec<&str> = TABLES.to_vec();
        expected.extend(["refinery_schema_history", "search", "search_config", "set_aside", "transactions"]);
        expected.sort_unstable();
        assert_eq!(tables, expected);
    }
}
