//! Filling the database: all master data at once, replacing what was there.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, Transaction, params};

use super::folding::fold;
use super::products::code_key;
use super::{SqliteChannel, bulk, lock};
use crate::channel::{ChannelError, Refusal, Result};
use crate::ids::ProductId;
use crate::master_data::{MasterData, ProductCode};
use crate::money::Quantity;
use crate::retail::product::Product;

impl SqliteChannel {
    /// Replaces all master data, whole or not at all, and returns their new version. Refused when two products share a number or a code,
    /// or a code names no product.
    pub fn load(&self, data: &MasterData) -> Result<u64> {
        let mut writer = lock(self.writer()?);
        let products = in_order_of_names(&data.products);
        let places = places(&products)?;
        let codes = codes(&products, &data.codes, &places)?;
        set_cache(&writer, LOAD_CACHE_KIB)?;
        let version = replace(&mut writer, data, &products, &codes);
        set_cache(&writer, CACHE_KIB)?;
        let version = version?;
        // The log has grown by the whole data; readers may still need it, then a later checkpoint does this.
        let _ = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        Ok(version)
    }
}

/// Memory for pages in KiB, the library's default.
const CACHE_KIB: i32 = 2_000;
/// The same while everything is replaced.
const LOAD_CACHE_KIB: i32 = 64_000;

fn set_cache(database: &Connection, kibibytes: i32) -> Result<()> {
    Ok(database.pragma_update(None, "cache_size", -kibibytes)?)
}

/// A product and its folded name.
type Named<'a> = (String, &'a Product);

/// What a code stands for, by its key.
type Codes<'a> = HashMap<&'a str, (i64, Option<Quantity>)>;

fn in_order_of_names(products: &[Product]) -> Vec<Named<'_>> {
    let mut products: Vec<_> = products.iter().map(|product| (fold(&product.name), product)).collect();
    products.sort_unstable_by(|(name, product), (other_name, other)| (name, &product.id).cmp(&(other_name, &other.id)));
    products
}

/// Where each product goes, from 1.
fn places<'a>(products: &[Named<'a>]) -> Result<HashMap<&'a ProductId, i64>> {
    let mut places = HashMap::with_capacity(products.len());
    for ((_, product), place) in products.iter().zip(1..) {
        if places.insert(&product.id, place).is_some() {
            return Err(ChannelError::refused(Refusal::Invalid, format!("two products have the number {}", product.id)));
        }
    }
    Ok(places)
}

/// Every product's own bar code and the further ones; a further code may say how much the product's own one stands for.
fn codes<'a>(products: &[Named<'a>], further: &'a [ProductCode], places: &HashMap<&ProductId, i64>) -> Result<Codes<'a>> {
    let mut codes = Codes::with_capacity(products.len() + further.len());
    let two_meanings = |code: &str| ChannelError::refused(Refusal::Invalid, format!("the code {code} stands for two things"));
    for code in further {
        let place = places.get(&code.product).ok_or_else(|| {
            ChannelError::refused(Refusal::Invalid, format!("the code {} names product {}, which there is not", code.code, code.product))
        })?;
        let meaning = (*place, code.quantity);
        if codes.insert(code_key(&code.code), meaning).is_some_and(|earlier| earlier != meaning) {
            return Err(two_meanings(&code.code));
        }
    }
    for ((_, product), place) in products.iter().zip(1..).filter(|((_, product), _)| !product.barcode.is_empty()) {
        let (meant, _) = codes.entry(code_key(&product.barcode)).or_insert((place, None));
        if *meant != place {
            return Err(two_meanings(&product.barcode));
        }
    }
    Ok(codes)
}

fn replace(database: &mut Connection, data: &MasterData, products: &[Named<'_>], codes: &Codes<'_>) -> Result<u64> {
    const CLEAR: &str = "DELETE FROM codes; DELETE FROM products; DELETE FROM vocabulary; DELETE FROM staff; DELETE FROM customers;
        DELETE FROM stores; INSERT INTO search (search) VALUES ('delete-all');";
    const NEXT_VERSION: &str = "UPDATE data_version SET version = version + 1 RETURNING version";
    let transaction = database.transaction()?;
    bulk::fill(&transaction, |transaction| {
        transaction.execute_batch(CLEAR)?;
        insert_store_and_people(transaction, data)?;
        insert_products(transaction, products)?;
        insert_codes(transaction, codes)?;
        insert_search(transaction, products)?;
        insert_vocabulary(transaction, products)?;
        Ok(())
    })?;
    let version: i64 = transaction.query_row(NEXT_VERSION, [], |row| row.get(0))?;
    transaction.commit()?;
    Ok(version.cast_unsigned())
}

fn insert_store_and_people(transaction: &Transaction<'_>, data: &MasterData) -> Result<()> {
    const STORE: &str = "INSERT INTO stores (number, content) VALUES (?1, ?2)";
    const STAFF: &str = "INSERT INTO staff (id, name, permissions, pin_hash) VALUES (?1, ?2, ?3, ?4)";
    const CUSTOMER: &str = "INSERT INTO customers (number, name, email, phone, customer_group) VALUES (?1, ?2, ?3, ?4, ?5)";
    let insert = |sql, values: &[&dyn rusqlite::ToSql]| match transaction.prepare_cached(sql).and_then(|mut row| row.execute(values)) {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            Err(ChannelError::refused(Refusal::Invalid, "two operators or two customers have one number"))
        }
        Err(error) => Err(error.into()),
    };
    insert(STORE, params![data.store.number, json(&data.store)?])?;
    for member in &data.staff {
        let operator = &member.operator;
        insert(STAFF, params![operator.id.0, operator.name, json(&operator.permissions)?, member.pin_hash])?;
    }
    for customer in &data.customers {
        insert(CUSTOMER, params![customer.number, customer.name, customer.email, customer.phone, customer.group])?;
    }
    Ok(())
}

fn insert_products(transaction: &Transaction<'_>, products: &[Named<'_>]) -> rusqlite::Result<()> {
    const PRODUCT: &str =
        "INSERT INTO products (place, folded_name, id, barcode, name, department, category, brand, price, unit, tax_group,
            stock, price_includes_tax, key_in_price, key_in_quantity, weighed, min_age, blocked, zero_price_valid)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    let mut insert = transaction.prepare(PRODUCT)?;
    for ((folded_name, product), place) in products.iter().zip(1_i64..) {
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
    }
    Ok(())
}

/// In order, so that the table grows at its end.
fn insert_codes(transaction: &Transaction<'_>, codes: &Codes<'_>) -> rusqlite::Result<()> {
    const CODE: &str = "INSERT INTO codes (code, product, quantity) VALUES (?1, ?2, ?3)";
    let mut codes: Vec<_> = codes.iter().collect();
    codes.sort_unstable_by_key(|(code, _)| **code);
    let mut insert = transaction.prepare(CODE)?;
    for (code, (product, quantity)) in codes {
        insert.execute(params![code, product, quantity.map(|quantity| quantity.to_string())])?;
    }
    Ok(())
}

fn insert_search(transaction: &Transaction<'_>, products: &[Named<'_>]) -> rusqlite::Result<()> {
    const WORDS: &str = "INSERT INTO search (rowid, words) VALUES (?1, ?2)";
    /// Words gathered in memory before they are written, in bytes: fewer pieces to merge.
    const GATHER: &str = "INSERT INTO search (search, rank) VALUES ('hashsize', 16000000)";
    const MERGE: &str = "INSERT INTO search (search) VALUES ('optimize')";
    transaction.execute(GATHER, [])?;
    let mut insert = transaction.prepare(WORDS)?;
    let mut words = String::new();
    for ((folded_name, product), place) in products.iter().zip(1_i64..) {
        words.clear();
        for word in folded_name.split(' ').chain(fold(&product.id.0).split(' ')).chain(fold(&product.barcode).split(' ')) {
            words.push_str("  ");
            words.push_str(word);
        }
        insert.execute(params![place, words])?;
    }
    transaction.execute(MERGE, [])?;
    Ok(())
}

/// Only words with a letter: a mistyped number is another number.
fn insert_vocabulary(transaction: &Transaction<'_>, products: &[Named<'_>]) -> rusqlite::Result<()> {
    const WORD: &str = "INSERT INTO vocabulary (word, reversed) VALUES (?1, ?2)";
    let words = products.iter().flat_map(|(name, _)| name.split(' '));
    let words = words.map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()));
    let words: BTreeSet<&str> = words.filter(|word| word.contains(char::is_alphabetic)).collect();
    let mut insert = transaction.prepare(WORD)?;
    for word in words {
        insert.execute(params![word, word.chars().rev().collect::<String>()])?;
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(ChannelError::broken)
}
