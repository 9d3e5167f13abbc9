//! Rows that a full file and a delta have alike.

use rusqlite::{Connection, ErrorCode, Statement, ToSql, params};

use crate::channel::{ChannelError, Refusal, Result};
use crate::master_data::{Customer, Record, StaffMember};
use crate::retail::product::Product;
use crate::retail::store::Store;

/// A product's row: its place in a full file, just a number in a delta.
pub(super) const PRODUCT: &str =
    "INSERT INTO products (place, folded_name, id, barcode, name, department, category, brand, price, unit, tax_group,
        stock, price_includes_tax, key_in_price, key_in_quantity, weighed, min_age, blocked, zero_price_valid)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

/// Runs [`PRODUCT`].
pub(super) fn insert_product(insert: &mut Statement<'_>, place: i64, folded_name: &str, product: &Product) -> rusqlite::Result<()> {
    let rules = &product.rules;
    insert.execute(params![
        place,
        folded_name,
        product.id.0,
        product.barcode,
        product.name,
        product.department,
        product.category,
        product.brand,
        product.price.to_string(),
        product.unit,
        product.tax_group.0,
        product.stock.map(|stock| stock.to_string()),
        rules.price_includes_tax,
        rules.key_in_price,
        rules.key_in_quantity,
        rules.weighed,
        rules.min_age,
        rules.blocked,
        rules.zero_price_valid,
    ])?;
    Ok(())
}

pub(super) fn insert_store(database: &Connection, store: &Store) -> Result<()> {
    insert(database, "INSERT INTO stores (number, content) VALUES (?1, ?2)", params![store.number, json(store)?])
}

pub(super) fn insert_staff(database: &Connection, staff: &[StaffMember]) -> Result<()> {
    const STAFF: &str = "INSERT INTO staff (id, name, permissions, pin_hash) VALUES (?1, ?2, ?3, ?4)";
    staff.iter().try_for_each(|member| {
        let operator = &member.operator;
        insert(database, STAFF, params![operator.id.0, operator.name, json(&operator.permissions)?, member.pin_hash])
    })
}

pub(super) fn insert_customers(database: &Connection, customers: &[Customer]) -> Result<()> {
    const CUSTOMER: &str = "INSERT INTO customers (number, name, email, phone, customer_group) VALUES (?1, ?2, ?3, ?4, ?5)";
    customers.iter().try_for_each(|customer| {
        insert(database, CUSTOMER, params![customer.number, customer.name, customer.email, customer.phone, customer.group])
    })
}

pub(super) fn insert_records(database: &Connection, records: &[Record]) -> Result<()> {
    const RECORD: &str = "INSERT INTO records (kind, key, content) VALUES (?1, ?2, ?3)";
    records.iter().try_for_each(|record| insert(database, RECORD, params![record.kind, record.key, record.content]))
}

pub(super) fn insert(database: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<()> {
    match database.prepare_cached(sql).and_then(|mut row| row.execute(values)) {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(ChannelError::refused(Refusal::Invalid, "two operators, two customers or two other records have one number"))
        }
        Err(error) => Err(error.into()),
    }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(ChannelError::broken)
}
