//! The file of master data: the same on a register (`offline.db`) and at a scale unit, beside its transactions.
//!
//! Headquarters writes packages with it, scale units and registers apply them. A *full* package is the finished file: it is checked, put
//! beside the old one under a name that supersedes it, and renamed into its place. A *delta* changes the file in one transaction, while
//! readers go on with what they have.

mod apply;
mod bulk;
mod delta;
mod full;
mod live;
mod place;
mod put;
mod rows;
mod shape;

use rusqlite::Connection;

pub use apply::apply_delta;
pub use delta::write_delta;
pub use full::write_full;
pub(super) use live::Master;
pub use put::{prepare, take_in, waiting};
pub use shape::{check_delta, check_full};

use super::open::Schema;

/// Schema of the file, as manifests name it.
pub fn schema() -> u32 {
    u32::try_from(Schema::Master.known()).expect("schemas are few")
}

/// Version of the data inside.
pub(super) fn data_version(database: &Connection) -> rusqlite::Result<u64> {
    const VERSION: &str = "SELECT version FROM data_version";
    database.prepare_cached(VERSION)?.query_row([], |row| row.get(0)).map(i64::cast_unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_name_the_schema_of_the_file() {
        assert_eq!(schema(), crate::package::SCHEMA);
    }
}
