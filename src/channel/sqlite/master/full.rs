//! Writing a finished file with all master data of a store: what a full package holds.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use super::super::check;
use super::super::open::{self, Schema};
use super::{bulk, rows};
use crate::channel::codes::code_key;
use crate::channel::folding::fold;
use crate::channel::words;
use crate::channel::{ChannelError, Refusal, Result};
use crate::ids::ProductId;
use crate::master_data::{MasterData, ProductCode};
use crate::money::Quantity;
use crate::private;
use crate::retail::product::Product;

/// Room between two products' places, for those that come with deltas.
pub(super) const GAP: i64 = 16;

/// Memory for pages in KiB while much is written: none is written twice.
pub(super) const CACHE_KIB: i32 = 64_000;

/// Writes all master data to a new file at `to` and returns how many rows there are. Refused when two products share a number or a code,
/// or a code names no product. The file is one piece, looked through for damage, and on the disk.
pub fn write_full(to: &Path, data: &MasterData, version: u64) -> Result<u64> {
    let products = in_order_of_names(&data.products);
    let places = places(&products)?;
    let codes = codes(&products, &data.codes, &places)?;
    let mut database = new_file(to)?;
    open::migrate(&mut database, Schema::Master).map_err(ChannelError::broken)?;
    database.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let transaction = database.transaction()?;
    bulk::fill(&transaction, |transaction| {
        rows::insert_store(transaction, &data.store)?;
        rows::insert_staff(transaction, &data.staff)?;
        rows::insert_customers(transaction, &data.customers)?;
        rows::insert_records(transaction, &data.records)?;
        insert_products(transaction, &products)?;
        insert_codes(transaction, &codes)?;
        insert_search(transaction, &products)?;
        insert_vocabulary(transaction, &products)?;
        Ok(())
    })?;
    transaction.execute("UPDATE data_version SET version = ?1", [version.cast_signed()])?;
    transaction.commit()?;
    check(&database)?;
    finish(database)?;
    let rows = 1 + data.products.len() + codes.len() + data.staff.len() + data.customers.len() + data.records.len();
    Ok(rows as u64)
}

/// A file that is thrown away unless it is finished, so it needs no journal.
pub(super) fn new_file(to: &Path) -> Result<Connection> {
    if to.exists() {
        return Err(ChannelError::broken(format!("{} is there already", to.display())));
    }
    private::file(to).map_err(ChannelError::broken)?;
    let database = Connection::open(to)?;
    database.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    Ok(database)
}

/// Leaves one file that is opened with a log, and synced by that last change.
fn finish(database: Connection) -> Result<()> {
    database.pragma_update(None, "synchronous", "full")?;
    database.pragma_update(None, "journal_mode", "wal")?;
    database.close().map_err(|(_, error)| error.into())
}

/// A product and its folded name.
pub(super) type Named<'a> = (String, &'a Product);

/// What a code stands for.
#[derive(Clone, Copy, PartialEq)]
struct Meaning {
    place: i64,
    quantity: Option<Quantity>,
    is_further: bool,
}

/// Codes by their keys.
type Codes<'a> = HashMap<&'a str, Meaning>;

/// Places in the order of names.
fn all_places() -> impl Iterator<Item = i64> {
    (1..).map(|number| number * GAP)
}

pub(super) fn in_order_of_names(products: &[Product]) -> Vec<Named<'_>> {
    let mut products: Vec<_> = products.iter().map(|product| (fold(&product.name), product)).collect();
    products.sort_unstable_by(|(name, product), (other_name, other)| (name, &product.id).cmp(&(other_name, &other.id)));
    products
}

/// Where each product goes.
fn places<'a>(products: &[Named<'a>]) -> Result<HashMap<&'a ProductId, i64>> {
    let mut places = HashMap::with_capacity(products.len());
    for ((_, product), place) in products.iter().zip(all_places()) {
        if places.insert(&product.id, place).is_some() {
            return Err(ChannelError::refused(Refusal::Invalid, format!("two products have the number {}", product.id)));
        }
    }
    Ok(places)
}

/// Every product's own bar code and the further ones; a further code may say how much the product's own one stands for.
fn codes<'a>(products: &[Named<'a>], further: &'a [ProductCode], places: &HashMap<&ProductId, i64>) -> Result<Codes<'a>> {
    let mut codes = Codes::with_capacity(products.len() + further.len());
    for code in further {
        let place = places.get(&code.product).ok_or_else(|| {
            ChannelError::refused(Refusal::Invalid, format!("the code {} names product {}, which there is not", code.code, code.product))
        })?;
        let meaning = Meaning { place: *place, quantity: code.quantity, is_further: true };
        if codes.insert(code_key(&code.code), meaning).is_some_and(|earlier| earlier != meaning) {
            return Err(two_meanings(&code.code));
        }
    }
    for ((_, product), place) in products.iter().zip(all_places()).filter(|((_, product), _)| !product.barcode.is_empty()) {
        let own = Meaning { place, quantity: None, is_further: false };
        if codes.entry(code_key(&product.barcode)).or_insert(own).place != place {
            return Err(two_meanings(&product.barcode));
        }
    }
    Ok(codes)
}

/// A code that would have to be told apart.
pub(super) fn two_meanings(code: &str) -> ChannelError {
    ChannelError::refused(Refusal::Invalid, format!("the code {code} stands for two things"))
}

fn insert_products(transaction: &Transaction<'_>, products: &[Named<'_>]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare(rows::PRODUCT)?;
    for ((folded_name, product), place) in products.iter().zip(all_places()) {
        rows::insert_product(&mut insert, place, folded_name, product)?;
    }
    Ok(())
}

/// In order, so that the table grows at its end.
fn insert_codes(transaction: &Transaction<'_>, codes: &Codes<'_>) -> rusqlite::Result<()> {
    const CODE: &str = "INSERT INTO codes (code, product, quantity, further) VALUES (?1, ?2, ?3, ?4)";
    let mut codes: Vec<_> = codes.iter().collect();
    codes.sort_unstable_by_key(|(code, _)| **code);
    let mut insert = transaction.prepare(CODE)?;
    for (code, meaning) in codes {
        insert.execute(params![code, meaning.place, meaning.quantity.map(|quantity| quantity.to_string()), meaning.is_further])?;
    }
    Ok(())
}

fn insert_search(transaction: &Transaction<'_>, products: &[Named<'_>]) -> rusqlite::Result<()> {
    const WORDS: &str = "INSERT INTO search (rowid, words) VALUES (?1, ?2)";
    /// Words gathered in memory before they are written, in bytes: fewer pieces to merge.
    const GATHER: &str = "INSERT INTO search (search, rank) VALUES ('hashsize', 16000000)";
    const AS_USUAL: &str = "INSERT INTO search (search, rank) VALUES ('hashsize', 1048576)";
    const MERGE: &str = "INSERT INTO search (search) VALUES ('optimize')";
    transaction.execute(GATHER, [])?;
    let mut insert = transaction.prepare(WORDS)?;
    for ((folded_name, product), place) in products.iter().zip(all_places()) {
        insert.execute(params![place, words::searched(folded_name, &product.id.0, &product.barcode)])?;
    }
    transaction.execute(MERGE, [])?;
    transaction.execute(AS_USUAL, [])?;
    Ok(())
}

fn insert_vocabulary(transaction: &Transaction<'_>, products: &[Named<'_>]) -> rusqlite::Result<()> {
    const WORD: &str = "INSERT INTO vocabulary (word, reversed, uses) VALUES (?1, ?2, ?3)";
    let mut uses: BTreeMap<&str, i64> = BTreeMap::new();
    for word in products.iter().flat_map(|(name, _)| words::of_vocabulary(name)) {
        *uses.entry(word).or_default() += 1;
    }
    let mut insert = transaction.prepare(WORD)?;
    for (word, uses) in uses {
        insert.execute(params![word, words::reversed(word), uses])?;
    }
    Ok(())
}
