//! Looking a product up by a code or its number.

use postgres::Row;

use super::failure::Failure;
use super::pool::{Session, text};
use crate::channel::ChannelError;
use crate::channel::codes::code_key;
use crate::ids::{ProductId, TaxGroupId};
use crate::money::Quantity;
use crate::retail::product::{Found, Product, ProductRules};

/// A product's columns of `master.products`, in the order in which [`product`] reads them.
macro_rules! columns {
    () => {
        "p.id, p.barcode, p.name, p.department, p.category, p.brand, p.price, p.unit, p.tax_group, p.stock, \
         p.price_includes_tax, p.key_in_price, p.key_in_quantity, p.weighed, p.min_age, p.blocked, p.zero_price_valid"
    };
}
pub(super) use columns;

/// The product a code stands for; a product's number is its last meaning.
pub(super) fn by_code(session: &mut Session, code: &str) -> Result<Option<Found>, Failure> {
    const BY_CODE: &str = concat!(
        "SELECT ",
        columns!(),
        ", c.quantity, 1 AS meaning FROM master.codes c JOIN master.products p ON p.id = c.product WHERE c.code = $1 UNION ALL SELECT ",
        columns!(),
        ", NULL, 2 FROM master.products p WHERE p.id = $2 ORDER BY meaning LIMIT 1"
    );
    let code = text(code);
    let found = session.query_opt(BY_CODE, &[&code_key(&code), &code])?;
    found.map(|row| Ok(Found { product: product(&row)?, quantity: read(&row, 17, Quantity::parse)? })).transpose()
}

/// The product with a number.
pub(super) fn by_number(session: &mut Session, id: &str) -> Result<Option<Product>, Failure> {
    const BY_NUMBER: &str = concat!("SELECT ", columns!(), " FROM master.products p WHERE p.id = $1");
    session.query_opt(BY_NUMBER, &[&text(id)])?.map(|row| product(&row)).transpose()
}

/// Reads the columns of [`columns`].
pub(super) fn product(row: &Row) -> Result<Product, Failure> {
    let is = |column: usize| row.try_get::<_, bool>(column);
    let min_age: Option<i16> = row.try_get(14)?;
    Ok(Product {
        id: ProductId(row.try_get(0)?),
        barcode: row.try_get(1)?,
        name: row.try_get(2)?,
        department: row.try_get(3)?,
        category: row.try_get(4)?,
        brand: row.try_get(5)?,
        price: read(row, 6, str::parse)?.ok_or_else(|| unreadable(6))?,
        unit: row.try_get(7)?,
        tax_group: TaxGroupId(row.try_get(8)?),
        stock: read(row, 9, str::parse)?,
        rules: ProductRules {
            price_includes_tax: is(10)?,
            key_in_price: is(11)?,
            key_in_quantity: is(12)?,
            weighed: is(13)?,
            min_age: min_age.map(u8::try_from).transpose().map_err(|_| unreadable(14))?,
            blocked: is(15)?,
            zero_price_valid: is(16)?,
        },
    })
}

fn read<T, E>(row: &Row, column: usize, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<Option<T>, Failure> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| parse(text).map_err(|_| unreadable(column))).transpose()
}

fn unreadable(column: usize) -> Failure {
    ChannelError::broken(format!("column {column} of a product cannot be read")).into()
}
