//! Applying a delta in place: one transaction, after which the file is what a full one of the same version would be.
//!
//! Most deltas change prices, which is one statement: a product's row is wide, so new prices stand in a table of their own. A product whose name, number or bar code changes is taken out and put in again,
//! so that the full-text index, the vocabulary and the order of names stay right.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::super::open::{self, Schema};
use super::full::{CACHE_KIB, two_meanings};
use super::{check_delta, data_version, place, schema};
use crate::channel::codes::code_key;
use crate::channel::words;
use crate::channel::{ChannelError, Refusal, Result};

/// Brings the file at `master` from one version to another, whole or not at all. Who reads it goes on with what he has.
pub fn apply_delta(master: &Path, delta: &Path, from_version: u64, to_version: u64) -> Result<()> {
    check_delta(delta)?;
    let mut database = open::for_changing(master, Schema::Master).map_err(ChannelError::broken)?;
    database.execute("ATTACH DATABASE ?1 AS delta", [format!("{}?immutable=1", open::address(delta))])?;
    database.pragma_update(None, "cache_size", -CACHE_KIB)?;
    database.pragma_update(None, "temp_store", "MEMORY")?;
    let found: u32 = database.query_row("PRAGMA delta.user_version", [], |row| row.get(0))?;
    if found != schema() {
        return Err(ChannelError::broken(format!("the delta has schema {found}, expected {}", schema())));
    }
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = data_version(&transaction)?;
    if version != from_version {
        let words = format!("the database has version {version}, the package needs {from_version}");
        return Err(ChannelError::refused(Refusal::Conflict, words));
    }
    transaction.execute_batch(OTHERS)?;
    change_products(&transaction)?;
    transaction.execute("UPDATE data_version SET version = ?1", [to_version.cast_signed()])?;
    Ok(transaction.commit()?)
}

/// Everything but products and their codes.
const OTHERS: &str = "
    DELETE FROM main.stores WHERE EXISTS (SELECT 1 FROM delta.stores);
    INSERT INTO main.stores SELECT number, content FROM delta.stores;
    DELETE FROM main.staff WHERE id IN (SELECT id FROM delta.deleted_staff);
    REPLACE INTO main.staff SELECT id, name, permissions, pin_hash FROM delta.staff;
    DELETE FROM main.customers WHERE number IN (SELECT number FROM delta.deleted_customers);
    REPLACE INTO main.customers SELECT number, name, email, phone, customer_group FROM delta.customers;
    DELETE FROM main.records WHERE (kind, key) IN (SELECT kind, key FROM delta.deleted_records);
    REPLACE INTO main.records SELECT kind, key, content FROM delta.records;";

fn change_products(database: &Connection) -> Result<()> {
    const DELETED: &str = "SELECT p.place FROM delta.deleted_products d CROSS JOIN main.products p ON p.id = d.id";
    /// Each of the delta's products beside what stands here. Most keep what the indexes know, and of these most have a new price only; the
    /// others are new, or their name, bar code or further codes changed.
    const COMPARE: &str = "CREATE TEMP TABLE compared AS SELECT d.place AS row, p.place AS place, d.price AS price,
            p.folded_name = d.folded_name AND p.barcode = d.barcode AS keeps,
            (p.name, p.department, p.category, p.brand, p.unit, p.tax_group, p.stock, p.price_includes_tax, p.key_in_price,
                p.key_in_quantity, p.weighed, p.min_age, p.blocked, p.zero_price_valid)
            IS NOT (d.name, d.department, d.category, d.brand, d.unit, d.tax_group, d.stock, d.price_includes_tax, d.key_in_price,
                d.key_in_quantity, d.weighed, d.min_age, d.blocked, d.zero_price_valid) AS differs,
            EXISTS (SELECT 1 FROM delta.codes c WHERE c.product = d.id)
                OR EXISTS (SELECT 1 FROM main.codes c WHERE c.product = p.place AND c.further = 1) AS has_codes
        FROM delta.products d LEFT JOIN main.products p ON p.id = d.id ORDER BY d.place";
    const CHANGED: &str = "SELECT row FROM temp.compared WHERE keeps AND differs";
    const CHANGE: &str = "UPDATE main.products AS p INDEXED BY products_by_number
        SET name = d.name, department = d.department, category = d.category, brand = d.brand, unit = d.unit,
            tax_group = d.tax_group, stock = d.stock, price_includes_tax = d.price_includes_tax, key_in_price = d.key_in_price,
            key_in_quantity = d.key_in_quantity, weighed = d.weighed, min_age = d.min_age, blocked = d.blocked,
            zero_price_valid = d.zero_price_valid
        FROM delta.products AS d WHERE d.place = ?1 AND p.id = d.id";
    const PRICES: &str = "REPLACE INTO main.new_prices SELECT place, price FROM temp.compared WHERE keeps";
    const TOUCHED: &str = "SELECT row FROM temp.compared WHERE has_codes OR keeps IS NOT 1";
    for place in numbers(database, DELETED)? {
        take_out(database, place)?;
    }
    database.execute(COMPARE, [])?;
    for row in numbers(database, CHANGED)? {
        database.prepare_cached(CHANGE)?.execute([row])?;
    }
    database.execute(PRICES, [])?;
    let touched = numbers(database, TOUCHED)?;
    // All that is gone goes first: a code may move from one product to another.
    for row in &touched {
        loosen(database, *row)?;
    }
    for row in &touched {
        put_in(database, *row)?;
    }
    Ok(())
}

fn numbers(database: &Connection, sql: &str) -> rusqlite::Result<Vec<i64>> {
    database.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Removes what a changed product no longer has, given its row in the delta: its codes, or all of it.
fn loosen(database: &Connection, row: i64) -> rusqlite::Result<()> {
    const BEFORE: &str = "SELECT p.place, p.barcode, p.folded_name = d.folded_name AND p.barcode = d.barcode
        FROM delta.products d CROSS JOIN main.products p ON p.id = d.id WHERE d.place = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?));
    let before = database.prepare_cached(BEFORE)?.query_row([row], read).optional()?;
    match before {
        Some((place, barcode, true)) => remove_codes(database, place, &barcode),
        Some((place, _, false)) => take_out(database, place),
        None => Ok(()),
    }
}

/// Removes a product from the tables and all indexes.
fn take_out(database: &Connection, place: i64) -> rusqlite::Result<()> {
    const PRODUCT: &str = "DELETE FROM main.products WHERE place = ?1 RETURNING folded_name, id, barcode";
    const PRICE: &str = "DELETE FROM main.new_prices WHERE product = ?1";
    const LESS: &str = "UPDATE main.vocabulary SET uses = uses - 1 WHERE word = ?1";
    const UNUSED: &str = "DELETE FROM main.vocabulary WHERE word = ?1 AND uses <= 0";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    let (folded_name, id, barcode) = database.prepare_cached(PRODUCT)?.query_row([place], read)?;
    database.prepare_cached(PRICE)?.execute([place])?;
    remove_codes(database, place, &barcode)?;
    unlist(database, place, &words::searched(&folded_name, &id, &barcode))?;
    for word in words::of_vocabulary(&folded_name) {
        database.prepare_cached(LESS)?.execute([word])?;
        database.prepare_cached(UNUSED)?.execute([word])?;
    }
    Ok(())
}

fn remove_codes(database: &Connection, place: i64, barcode: &str) -> rusqlite::Result<()> {
    const OWN: &str = "DELETE FROM main.codes WHERE code = ?1 AND product = ?2";
    const FURTHER: &str = "DELETE FROM main.codes WHERE product = ?1 AND further = 1";
    database.prepare_cached(OWN)?.execute(params![code_key(barcode), place])?;
    database.prepare_cached(FURTHER)?.execute([place])?;
    Ok(())
}

/// Puts a product in, or only its codes when the rest stands already.
fn put_in(database: &Connection, row: i64) -> Result<()> {
    const CHANGED: &str =
        "SELECT d.folded_name, d.id, d.barcode, p.place FROM delta.products d LEFT JOIN main.products p ON p.id = d.id WHERE d.place = ?1";
    const COPY: &str = "INSERT INTO main.products
        SELECT ?1, folded_name, id, barcode, name, department, category, brand, price, unit, tax_group, stock, price_includes_tax,
            key_in_price, key_in_quantity, weighed, min_age, blocked, zero_price_valid
        FROM delta.products WHERE place = ?2";
    const MORE: &str = "INSERT INTO main.vocabulary (word, reversed, uses) VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET uses = uses + 1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, Option<i64>>(3)?))
    };
    let (folded_name, id, barcode, place) = database.prepare_cached(CHANGED)?.query_row([row], read)?;
    let place = if let Some(place) = place {
        place
    } else {
        let place = place::free(database, &folded_name, &id)?;
        database.prepare_cached(COPY)?.execute([place, row])?;
        list(database, place, &words::searched(&folded_name, &id, &barcode))?;
        for word in words::of_vocabulary(&folded_name) {
            database.prepare_cached(MORE)?.execute([word, &words::reversed(word)])?;
        }
        place
    };
    insert_codes(database, place, &id, &barcode)
}

fn insert_codes(database: &Connection, place: i64, id: &str, barcode: &str) -> Result<()> {
    const FURTHER: &str = "INSERT INTO main.codes SELECT code, ?1, quantity, 1 FROM delta.codes WHERE product = ?2";
    const OWN: &str = "INSERT INTO main.codes (code, product, quantity, further) VALUES (?1, ?2, NULL, 0)
        ON CONFLICT DO UPDATE SET code = code WHERE product = excluded.product";
    let taken = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => {
            ChannelError::refused(Refusal::Invalid, format!("a code of product {id} stands for two things"))
        }
        _ => error.into(),
    };
    database.prepare_cached(FURTHER)?.execute(params![place, id]).map_err(taken)?;
    if !barcode.is_empty() && database.prepare_cached(OWN)?.execute(params![code_key(barcode), place])? == 0 {
        return Err(two_meanings(barcode));
    }
    Ok(())
}

/// Makes a product findable by its words.
pub(super) fn list(database: &Connection, place: i64, words: &str) -> rusqlite::Result<()> {
    const LIST: &str = "INSERT INTO main.search (rowid, words) VALUES (?1, ?2)";
    database.prepare_cached(LIST)?.execute(params![place, words])?;
    Ok(())
}

/// The other way round; the index must be told what it was told then.
pub(super) fn unlist(database: &Connection, place: i64, words: &str) -> rusqlite::Result<()> {
    const UNLIST: &str = "INSERT INTO main.search (search, rowid, words) VALUES ('delete', ?1, ?2)";
    database.prepare_cached(UNLIST)?.execute(params![place, words])?;
    Ok(())
}
