//! Applying packages: a full one is loaded into a schema beside the master data and takes its place, a delta into tables of its own
//! and from there into the master data. Either is one transaction; who reads meanwhile sees the version before it, whole. What a full one
//! replaced goes in a transaction of its own, so that nobody waits for those who still read it.

use std::path::Path;

use postgres::error::SqlState;
use postgres::{Client, Transaction};
use rusqlite::{Connection, OpenFlags};

use super::copy;
use super::failure::{Failure, words};
use super::search::TAKING_EFFECT;
use crate::channel::sqlite::master;
use crate::channel::{ChannelError, Refusal};
use crate::package::{Kind, Manifest};

/// Loading may take long; what others hold, such as a backup, may not keep the registers' requests waiting behind it.
const PATIENCE: &str = "SET LOCAL statement_timeout = '1h'; SET LOCAL lock_timeout = '1h'";
const SHORT_PATIENCE: &str = "SET LOCAL lock_timeout = '2s'";
/// Searches wait behind a package that waits to take effect: so it waits briefly, and the longer steps aside, the more often it has tried.
const PATIENCE_OF_SEARCHES: &str = "SET LOCAL lock_timeout = '200ms'";
const TRIES: u32 = 12;
/// Scale units that apply at the same time wait for one another.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(343002)";

/// Brings the master data to the manifest's version; nothing is done when another scale unit has done it.
pub(super) fn apply(client: &mut Client, manifest: &Manifest, unpacked: &Path) -> Result<(), Failure> {
    manifest.check_schema().map_err(ChannelError::broken)?;
    match manifest.kind {
        Kind::Full => master::check_full(unpacked)?,
        Kind::Delta { .. } => master::check_delta(unpacked)?,
    }
    let package = Connection::open_with_flags(unpacked, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let mut transaction = client.transaction()?;
    transaction.batch_execute(PATIENCE)?;
    transaction.batch_execute(ONE_AT_A_TIME)?;
    let version = transaction.query_one("SELECT version FROM master.data_version", &[])?.try_get::<_, i64>(0)?.cast_unsigned();
    if version >= manifest.to_version {
        return Ok(());
    }
    match manifest.kind {
        Kind::Full => replace(&mut transaction, &package, version)?,
        Kind::Delta { from_version } if from_version == version => change(&mut transaction, &package)?,
        Kind::Delta { from_version } => {
            let words = format!("the database has version {version}, the package needs {from_version}");
            return Err(ChannelError::refused(Refusal::Conflict, words).into());
        }
    }
    transaction.execute("UPDATE master.data_version SET version = $1", &[&manifest.to_version.cast_signed()])?;
    transaction.commit()?;
    if let Err(error) = clear_away(client) {
        tracing::debug!(error = words(&error), "the master data of before are still read; they go after the next package");
    }
    Ok(())
}

/// Waits until no search is under way, while none waits for long.
fn take_effect(transaction: &mut Transaction<'_>) -> Result<(), postgres::Error> {
    const STEP_ASIDE: &str = "SELECT pg_sleep($1 * 0.1::FLOAT8)";
    transaction.batch_execute(PATIENCE_OF_SEARCHES)?;
    for tried in 1.. {
        let mut once = transaction.transaction()?;
        match once.batch_execute(TAKING_EFFECT) {
            Ok(()) => return once.commit(),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) && tried < TRIES => once.rollback()?,
            Err(error) => return Err(error),
        }
        transaction.execute(STEP_ASIDE, &[&f64::from(tried)])?;
    }
    Ok(())
}

/// Drops what full packages have replaced. Somebody may still read it; then it stays until the next package.
fn clear_away(client: &mut Client) -> Result<(), postgres::Error> {
    const REPLACED: &str =
        "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname LIKE 'master\\_before\\_%' AND pg_try_advisory_xact_lock(343002)";
    const WITHOUT_HASTE: &str = "SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '1s'";
    let mut transaction = client.transaction()?;
    transaction.batch_execute(WITHOUT_HASTE)?;
    for row in transaction.query(REPLACED, &[])? {
        let schema: &str = row.try_get(0)?;
        transaction.batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))?;
    }
    transaction.commit()
}

/// Loads a full package over a version. Indexes come last, which is several times faster than keeping them.
fn replace(transaction: &mut Transaction<'_>, package: &Connection, version: u64) -> Result<(), Failure> {
    const TABLES: &str = "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = 'master'";
    const INDEXES: &str = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'master'";
    transaction.batch_execute("CREATE SCHEMA master_next")?;
    for row in transaction.query(TABLES, &[])? {
        let table: &str = row.try_get(0)?;
        transaction.batch_execute(&format!("CREATE TABLE master_next.{table} (LIKE master.{table} INCLUDING ALL EXCLUDING INDEXES)"))?;
    }
    transaction.batch_execute("INSERT INTO master_next.data_version (version) VALUES (0)")?;
    copy::full(transaction, package, "master_next")?;
    for row in transaction.query(INDEXES, &[])? {
        let definition: &str = row.try_get(0)?;
        transaction.batch_execute(&definition.replacen(" ON master.", " ON master_next.", 1))?;
    }
    transaction.batch_execute("ANALYZE master_next.products, master_next.codes, master_next.vocabulary")?;
    take_effect(transaction)?;
    let take_place = format!("ALTER SCHEMA master RENAME TO master_before_{version}; ALTER SCHEMA master_next RENAME TO master");
    Ok(transaction.batch_execute(&take_place)?)
}

/// Applies a delta.
fn change(transaction: &mut Transaction<'_>, package: &Connection) -> Result<(), Failure> {
    const TABLES: &str = "
        CREATE TEMP TABLE stores (LIKE master.stores) ON COMMIT DROP;
        CREATE TEMP TABLE products (LIKE master.products) ON COMMIT DROP;
        CREATE TEMP TABLE codes (LIKE master.codes) ON COMMIT DROP;
        CREATE TEMP TABLE own_codes (LIKE master.codes) ON COMMIT DROP;
        CREATE TEMP TABLE vocabulary (LIKE master.vocabulary) ON COMMIT DROP;
        CREATE TEMP TABLE staff (LIKE master.staff) ON COMMIT DROP;
        CREATE TEMP TABLE customers (LIKE master.customers) ON COMMIT DROP;
        CREATE TEMP TABLE records (LIKE master.records) ON COMMIT DROP;
        CREATE TEMP TABLE deleted (kind TEXT COLLATE \"C\", key TEXT COLLATE \"C\") ON COMMIT DROP;";
    transaction.batch_execute(TABLES)?;
    copy::delta(transaction, package)?;
    transaction.batch_execute("ANALYZE pg_temp.products, pg_temp.codes, pg_temp.own_codes, pg_temp.deleted")?;
    transaction.batch_execute(SHORT_PATIENCE)?;
    transaction.batch_execute(OTHERS)?;
    change_products(transaction)?;
    Ok(take_effect(transaction)?)
}

/// Everything but products and their codes. A word that no name has any more stays, and finds nothing.
const OTHERS: &str = "
    DELETE FROM master.stores WHERE EXISTS (SELECT FROM pg_temp.stores);
    INSERT INTO master.stores SELECT * FROM pg_temp.stores;
    DELETE FROM master.staff WHERE id IN (SELECT key FROM pg_temp.deleted WHERE kind = 'staff' UNION ALL SELECT id FROM pg_temp.staff);
    INSERT INTO master.staff SELECT * FROM pg_temp.staff;
    DELETE FROM master.customers
        WHERE number IN (SELECT key FROM pg_temp.deleted WHERE kind = 'customer' UNION ALL SELECT number FROM pg_temp.customers);
    INSERT INTO master.customers SELECT * FROM pg_temp.customers;
    DELETE FROM master.records r USING pg_temp.deleted d WHERE d.kind = 'record ' || r.kind AND d.key = r.key;
    DELETE FROM master.records r USING pg_temp.records c WHERE c.kind = r.kind AND c.key = r.key;
    INSERT INTO master.records SELECT * FROM pg_temp.records;
    INSERT INTO master.vocabulary SELECT * FROM pg_temp.vocabulary ON CONFLICT DO NOTHING;";

fn change_products(transaction: &mut Transaction<'_>) -> Result<(), Failure> {
    const DELETED: &str = "
        DELETE FROM master.codes c USING pg_temp.deleted d WHERE d.kind = 'product' AND c.product = d.key;
        DELETE FROM master.products p USING pg_temp.deleted d WHERE d.kind = 'product' AND p.id = d.key;
        DELETE FROM master.codes c USING pg_temp.products p WHERE c.product = p.id;";
    const CHANGED: &str = "INSERT INTO master.products SELECT * FROM pg_temp.products
        ON CONFLICT (id) DO UPDATE SET folded_name = excluded.folded_name, words = excluded.words, barcode = excluded.barcode,
            name = excluded.name, department = excluded.department, category = excluded.category, brand = excluded.brand,
            price = excluded.price, unit = excluded.unit, tax_group = excluded.tax_group, stock = excluded.stock,
            price_includes_tax = excluded.price_includes_tax, key_in_price = excluded.key_in_price,
            key_in_quantity = excluded.key_in_quantity, weighed = excluded.weighed, min_age = excluded.min_age,
            blocked = excluded.blocked, zero_price_valid = excluded.zero_price_valid;";
    /// A further code may say how much the product's own one stands for.
    const CODES: &str = "INSERT INTO master.codes SELECT * FROM pg_temp.codes ON CONFLICT DO NOTHING;
        INSERT INTO master.codes SELECT * FROM pg_temp.own_codes ON CONFLICT DO NOTHING;";
    const TWO_MEANINGS: &str = "SELECT n.code FROM (SELECT * FROM pg_temp.codes UNION ALL SELECT * FROM pg_temp.own_codes) AS n
        JOIN master.codes c ON c.code = n.code WHERE c.product <> n.product LIMIT 1";
    for sql in [DELETED, CHANGED, CODES] {
        transaction.batch_execute(sql)?;
    }
    match transaction.query_opt(TWO_MEANINGS, &[])? {
        None => Ok(()),
        Some(row) => {
            let code: &str = row.try_get(0)?;
            Err(ChannelError::refused(Refusal::Invalid, format!("the code {code} stands for two things")).into())
        }
    }
}
