//! Looking a product up by a code or its number.

use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use rust_decimal::Decimal;

use crate::channel::codes::code_key;
use crate::ids::{ProductId, TaxGroupId};
use crate::money::{Money, Quantity};
use crate::retail::product::{Found, Product, ProductRules};

/// A product's columns of `products`, in the order in which [`product`] reads them.
macro_rules! columns {
    () => {
        "p.place, p.id, p.barcode, p.name, p.department, p.category, p.brand, \
         coalesce((SELECT n.price FROM new_prices n WHERE n.product = p.place), p.price), p.unit, p.tax_group, p.stock, \
         p.price_includes_tax, p.key_in_price, p.key_in_quantity, p.weighed, p.min_age, p.blocked, p.zero_price_valid"
    };
}
pub(super) use columns;

/// What was found, and where it stands.
pub(super) struct Placed {
    pub(super) place: i64,
    pub(super) found: Found,
}

/// The product a code stands for; a product's number is its last meaning.
pub(super) fn by_code(database: &Connection, code: &str) -> rusqlite::Result<Option<Placed>> {
    const BY_CODE: &str =
        concat!("SELECT ", columns!(), ", c.quantity FROM codes c JOIN products p ON p.place = c.product WHERE c.code = ?1");
    let found = database.prepare_cached(BY_CODE)?.query_row([code_key(code)], |row| {
        let quantity: Option<String> = row.get(18)?;
        let quantity = quantity.map(|text| Quantity::parse(&text).map_err(|error| unreadable(18, error))).transpose()?;
        Ok(Placed { place: row.get(0)?, found: Found { product: product(row)?, quantity } })
    });
    match found.optional()? {
        Some(found) => Ok(Some(found)),
        None => by_number(database, code),
    }
}

/// The product with a number.
pub(super) fn by_number(database: &Connection, id: &str) -> rusqlite::Result<Option<Placed>> {
    const BY_NUMBER: &str = concat!("SELECT ", columns!(), " FROM products p WHERE p.id = ?1");
    let placed = |row: &Row<'_>| Ok(Placed { place: row.get(0)?, found: Found { product: product(row)?, quantity: None } });
    database.prepare_cached(BY_NUMBER)?.query_row([id], placed).optional()
}

/// Reads the columns of [`columns`].
pub(super) fn product(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product {
        id: ProductId(row.get(1)?),
        barcode: row.get(2)?,
        name: row.get(3)?,
        department: row.get(4)?,
        category: row.get(5)?,
        brand: row.get(6)?,
        price: parse::<Money>(row, 7)?,
        unit: row.get(8)?,
        tax_group: TaxGroupId(row.get(9)?),
        stock: match row.get_ref(10)?.as_str_or_null()? {
            Some(_) => Some(parse::<Decimal>(row, 10)?),
            None => None,
        },
        rules: ProductRules {
            price_includes_tax: row.get(11)?,
            key_in_price: row.get(12)?,
            key_in_quantity: row.get(13)?,
            weighed: row.get(14)?,
            min_age: row.get(15)?,
            blocked: row.get(16)?,
            zero_price_valid: row.get(17)?,
        },
    })
}

fn parse<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    row.get_ref(column)?.as_str()?.parse().map_err(|error| unreadable(column, error))
}

fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
