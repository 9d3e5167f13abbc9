//! Writing the file of a delta: changed rows, and the keys of rows that are gone. It has no index for searching; applying makes that.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use rusqlite::{ErrorCode, Transaction, params};

use super::full::{in_order_of_names, new_file, two_meanings};
use super::{rows, schema};
use crate::channel::codes::code_key;
use crate::channel::{ChannelError, Refusal, Result};
use crate::ids::ProductId;
use crate::master_data::{Changes, ProductCode};

/// The tables of changed rows have the columns of the master data's; a code names its product by number.
pub(super) const TABLES: &str = "
    CREATE TABLE stores (number TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE products (
        place INTEGER PRIMARY KEY, folded_name TEXT NOT NULL, id TEXT NOT NULL UNIQUE, barcode TEXT NOT NULL, name TEXT NOT NULL,
        department TEXT NOT NULL, category TEXT NOT NULL, brand TEXT NOT NULL, price TEXT NOT NULL, unit TEXT NOT NULL,
        tax_group TEXT NOT NULL, stock TEXT, price_includes_tax INTEGER NOT NULL, key_in_price INTEGER NOT NULL,
        key_in_quantity INTEGER NOT NULL, weighed INTEGER NOT NULL, min_age INTEGER, blocked INTEGER NOT NULL,
        zero_price_valid INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE codes (product TEXT NOT NULL, code TEXT NOT NULL, quantity TEXT, PRIMARY KEY (product, code)) STRICT, WITHOUT ROWID;
    CREATE TABLE staff (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, permissions TEXT NOT NULL, pin_hash TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE customers (
        number TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, phone TEXT NOT NULL, customer_group TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE records (kind TEXT NOT NULL, key TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;
    CREATE TABLE deleted_products (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE deleted_staff (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE deleted_customers (number TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE deleted_records (kind TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;";

/// Writes changes to a new file at `to` and returns how many rows there are. Refused when two rows have one key, or a code names a product
/// that is not among the changed ones.
pub fn write_delta(to: &Path, changes: &Changes) -> Result<u64> {
    let mut database = new_file(to)?;
    database.execute_batch(TABLES)?;
    database.pragma_update(None, "user_version", schema())?;
    let transaction = database.transaction()?;
    changes.store.iter().try_for_each(|store| rows::insert_store(&transaction, store))?;
    rows::insert_staff(&transaction, &changes.staff)?;
    rows::insert_customers(&transaction, &changes.customers)?;
    rows::insert_records(&transaction, &changes.records)?;
    insert_products(&transaction, changes)?;
    let codes = insert_codes(&transaction, changes)?;
    insert_deleted(&transaction, changes)?;
    transaction.commit()?;
    let changed = changes.products.len() + codes + changes.staff.len() + changes.customers.len() + changes.records.len();
    let deleted =
        changes.deleted_products.len() + changes.deleted_staff.len() + changes.deleted_customers.len() + changes.deleted_records.len();
    Ok((usize::from(changes.store.is_some()) + changed + deleted) as u64)
}

/// In the order of names, in which they are applied.
fn insert_products(transaction: &Transaction<'_>, changes: &Changes) -> Result<()> {
    let mut insert = transaction.prepare(rows::PRODUCT)?;
    for ((folded_name, product), number) in in_order_of_names(&changes.products).iter().zip(1..) {
        rows::insert_product(&mut insert, number, folded_name, product).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => {
                ChannelError::refused(Refusal::Invalid, format!("two products have the number {}", product.id))
            }
            _ => error.into(),
        })?;
    }
    Ok(())
}

fn insert_codes(transaction: &Transaction<'_>, changes: &Changes) -> Result<usize> {
    const CODE: &str = "INSERT INTO codes (product, code, quantity) VALUES (?1, ?2, ?3)";
    let changed: HashSet<&ProductId> = changes.products.iter().map(|product| &product.id).collect();
    let mut codes: BTreeMap<&str, &ProductCode> = BTreeMap::new();
    for code in &changes.codes {
        if !changed.contains(&code.product) {
            let words = format!("the code {} names product {}, which has not changed", code.code, code.product);
            return Err(ChannelError::refused(Refusal::Invalid, words));
        }
        let earlier = codes.insert(code_key(&code.code), code);
        if earlier.is_some_and(|earlier| (&earlier.product, earlier.quantity) != (&code.product, code.quantity)) {
            return Err(two_meanings(&code.code));
        }
    }
    let mut insert = transaction.prepare(CODE)?;
    for (key, code) in &codes {
        insert.execute(params![code.product.0, key, code.quantity.map(|quantity| quantity.to_string())])?;
    }
    Ok(codes.len())
}

fn insert_deleted(transaction: &Transaction<'_>, changes: &Changes) -> Result<()> {
    let one = |sql: &str, key: &str| rows::insert(transaction, sql, params![key]);
    changes.deleted_products.iter().try_for_each(|id| one("INSERT INTO deleted_products (id) VALUES (?1)", &id.0))?;
    changes.deleted_staff.iter().try_for_each(|id| one("INSERT INTO deleted_staff (id) VALUES (?1)", &id.0))?;
    changes.deleted_customers.iter().try_for_each(|number| one("INSERT INTO deleted_customers (number) VALUES (?1)", number))?;
    let record = "INSERT INTO deleted_records (kind, key) VALUES (?1, ?2)";
    changes.deleted_records.iter().try_for_each(|(kind, key)| rows::insert(transaction, record, params![kind, key]))
}
