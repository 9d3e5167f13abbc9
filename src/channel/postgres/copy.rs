//! Reading the SQLite file of a package into tables, row by row, so that its size does not matter.

use std::collections::BTreeSet;

use postgres::Transaction;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::{ToSql, Type};
use rusqlite::{Connection, Row};

use super::failure::Failure;
use crate::channel::codes::code_key;
use crate::channel::words;

/// Columns of `products` in a package's file, and what [`product`] makes of them.
const PRODUCTS: &str = "SELECT id, folded_name, barcode, name, department, category, brand, price, unit, tax_group, stock,
    price_includes_tax, key_in_price, key_in_quantity, weighed, min_age, blocked, zero_price_valid FROM products";
const PRODUCT_COLUMNS: &str = "id, folded_name, words, barcode, name, department, category, brand, price, unit, tax_group, stock,
    price_includes_tax, key_in_price, key_in_quantity, weighed, min_age, blocked, zero_price_valid";

/// Fills the tables of a schema with all of a full package.
pub(super) fn full(transaction: &mut Transaction<'_>, package: &Connection, schema: &str) -> Result<(), Failure> {
    const CODES: &str = "SELECT c.code, p.id, c.quantity FROM codes c JOIN products p ON p.place = c.product";
    alike(transaction, package, schema)?;
    texts(transaction, package, CODES, &format!("{schema}.codes (code, product, quantity)"), 3)?;
    texts(transaction, package, "SELECT word, reversed FROM vocabulary", &format!("{schema}.vocabulary (word, reversed)"), 2)
}

/// Fills the temporary tables with a delta.
pub(super) fn delta(transaction: &mut Transaction<'_>, package: &Connection) -> Result<(), Failure> {
    const DELETED: &str = "SELECT 'product', id FROM deleted_products UNION ALL SELECT 'staff', id FROM deleted_staff
        UNION ALL SELECT 'customer', number FROM deleted_customers UNION ALL SELECT 'record ' || kind, key FROM deleted_records";
    alike(transaction, package, "pg_temp")?;
    texts(transaction, package, "SELECT code, product, quantity FROM codes", "pg_temp.codes (code, product, quantity)", 3)?;
    texts(transaction, package, DELETED, "pg_temp.deleted (kind, key)", 2)?;
    own_codes(transaction, package)?;
    vocabulary(transaction, package)
}

/// What both kinds of package have alike.
fn alike(transaction: &mut Transaction<'_>, package: &Connection, schema: &str) -> Result<(), Failure> {
    for (table, columns, count) in [
        ("stores", "number, content", 2),
        ("staff", "id, name, permissions, pin_hash", 4),
        ("customers", "number, name, email, phone, customer_group", 5),
        ("records", "kind, key, content", 3),
    ] {
        texts(transaction, package, &format!("SELECT {columns} FROM {table}"), &format!("{schema}.{table} ({columns})"), count)?;
    }
    products(transaction, package, schema)
}

fn products(transaction: &mut Transaction<'_>, package: &Connection, schema: &str) -> Result<(), Failure> {
    let mut types = vec![Type::TEXT; 12];
    types.extend([Type::BOOL, Type::BOOL, Type::BOOL, Type::BOOL, Type::INT2, Type::BOOL, Type::BOOL]);
    let into = format!("{schema}.products ({PRODUCT_COLUMNS})");
    copy(transaction, package, PRODUCTS, &into, &types, |row, writer| {
        let text = |column: usize| row.get::<_, String>(column);
        let (id, folded_name, barcode) = (text(0)?, text(1)?, text(2)?);
        let words = words::searched(&folded_name, &id, &barcode);
        let texts = (3..10).map(text).collect::<rusqlite::Result<Vec<_>>>()?;
        let stock: Option<String> = row.get(10)?;
        let rules = [row.get::<_, bool>(11)?, row.get(12)?, row.get(13)?, row.get(14)?, row.get(16)?, row.get(17)?];
        let min_age: Option<i16> = row.get(15)?;
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&id, &folded_name, &words, &barcode];
        values.extend(texts.iter().map(|text| text as &(dyn ToSql + Sync)));
        values.push(&stock);
        values.extend(rules[..4].iter().map(|rule| rule as &(dyn ToSql + Sync)));
        values.push(&min_age);
        values.extend(rules[4..].iter().map(|rule| rule as &(dyn ToSql + Sync)));
        Ok(writer.write(&values)?)
    })
}

/// The bar codes of changed products.
fn own_codes(transaction: &mut Transaction<'_>, package: &Connection) -> Result<(), Failure> {
    const OWN: &str = "SELECT barcode, id FROM products WHERE barcode <> ''";
    copy(transaction, package, OWN, "pg_temp.own_codes (code, product)", &[Type::TEXT, Type::TEXT], |row, writer| {
        let (barcode, id): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(writer.write(&[&code_key(&barcode), &id])?)
    })
}

/// The words of changed names, each once.
fn vocabulary(transaction: &mut Transaction<'_>, package: &Connection) -> Result<(), Failure> {
    let mut words = BTreeSet::new();
    let mut names = package.prepare("SELECT DISTINCT folded_name FROM products")?;
    for name in names.query_map([], |row| row.get::<_, String>(0))? {
        words.extend(words::of_vocabulary(&name?).map(str::to_owned));
    }
    let copy_in = transaction.copy_in("COPY pg_temp.vocabulary (word, reversed) FROM STDIN BINARY")?;
    let mut writer = BinaryCopyInWriter::new(copy_in, &[Type::TEXT, Type::TEXT]);
    for word in &words {
        writer.write(&[word, &words::reversed(word)])?;
    }
    writer.finish()?;
    Ok(())
}

/// Copies rows that are texts, as they are.
fn texts(transaction: &mut Transaction<'_>, package: &Connection, from: &str, into: &str, columns: usize) -> Result<(), Failure> {
    copy(transaction, package, from, into, &vec![Type::TEXT; columns], |row, writer| {
        let texts = (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Option<String>>>>()?;
        let values: Vec<_> = texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        Ok(writer.write(&values)?)
    })
}

fn copy(
    transaction: &mut Transaction<'_>,
    package: &Connection,
    from: &str,
    into: &str,
    types: &[Type],
    mut put: impl FnMut(&Row<'_>, &mut BinaryCopyInWriter<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut select = package.prepare(from)?;
    let mut rows = select.query([])?;
    let mut writer = BinaryCopyInWriter::new(transaction.copy_in(&format!("COPY {into} FROM STDIN BINARY"))?, types);
    while let Some(row) = rows.next()? {
        put(row, &mut writer)?;
    }
    writer.finish()?;
    Ok(())
}
