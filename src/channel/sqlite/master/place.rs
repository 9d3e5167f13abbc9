//! Places for products that come with deltas: between their neighbours by name, and room made there when there is none.

use rusqlite::{Connection, OptionalExtension, params};

use super::apply::{list, unlist};
use super::full::GAP;
use crate::channel::codes::code_key;
use crate::channel::words;

/// Rows on each side that are spread out first when room is needed; twice as many each time it does not do.
const SPREAD_FIRST: i64 = 8;
/// Room for each row, on average, that is enough.
const ROOM_ENOUGH: i64 = 4;

/// A free place for a product that is not in the table.
pub(super) fn free(database: &Connection, folded_name: &str, id: &str) -> rusqlite::Result<i64> {
    const LAST: &str = "SELECT coalesce(max(place), 0) FROM main.products";
    const BEFORE: &str = "SELECT coalesce(max(place), 0) FROM main.products WHERE place < ?1";
    loop {
        let Some(next) = next(database, folded_name, id)? else {
            let last: i64 = database.prepare_cached(LAST)?.query_row([], |row| row.get(0))?;
            return Ok(last + GAP);
        };
        let before: i64 = database.prepare_cached(BEFORE)?.query_row([next], |row| row.get(0))?;
        if next - before > 1 {
            return Ok(before + (next - before) / 2);
        }
        make_room(database, next)?;
    }
}

/// Where the product stands that comes after a name and number.
fn next(database: &Connection, folded_name: &str, id: &str) -> rusqlite::Result<Option<i64>> {
    const SAME_NAME: &str = "SELECT place FROM main.products WHERE folded_name = ?1 AND id > ?2 ORDER BY place LIMIT 1";
    const NEXT_NAME: &str = "SELECT place FROM main.products WHERE folded_name > ?1 ORDER BY folded_name, place LIMIT 1";
    let same = database.prepare_cached(SAME_NAME)?.query_row([folded_name, id], |row| row.get(0)).optional()?;
    match same {
        Some(place) => Ok(Some(place)),
        None => database.prepare_cached(NEXT_NAME)?.query_row([folded_name], |row| row.get(0)).optional(),
    }
}

/// Spreads the products around a place out evenly, as many as it takes.
fn make_room(database: &Connection, around: i64) -> rusqlite::Result<()> {
    const BELOW: &str = "SELECT place FROM main.products WHERE place < ?1 ORDER BY place DESC LIMIT 1 OFFSET ?2";
    const ABOVE: &str = "SELECT place FROM main.products WHERE place >= ?1 ORDER BY place LIMIT 1 OFFSET ?2";
    const COUNT: &str = "SELECT count(*) FROM main.products WHERE place > ?1 AND place < ?2";
    let mut reach = SPREAD_FIRST;
    loop {
        let at = |sql: &str| database.prepare_cached(sql)?.query_row([around, reach], |row| row.get::<_, i64>(0)).optional();
        let lower = at(BELOW)?.unwrap_or(0);
        let above = at(ABOVE)?;
        let count: i64 = database.prepare_cached(COUNT)?.query_row([lower, above.unwrap_or(i64::MAX)], |row| row.get(0))?;
        let upper = above.unwrap_or(lower + (count + 1) * GAP);
        if upper - lower >= ROOM_ENOUGH * (count + 1) {
            return spread(database, lower, upper, above.unwrap_or(i64::MAX));
        }
        reach *= 2;
    }
}

struct Standing {
    place: i64,
    barcode: String,
    words: String,
}

/// Moves the products between two places, which stay, to even distances; they are those below `end`.
fn spread(database: &Connection, lower: i64, upper: i64, end: i64) -> rusqlite::Result<()> {
    const BETWEEN: &str = "SELECT place, folded_name, id, barcode FROM main.products WHERE place > ?1 AND place < ?2 ORDER BY place";
    let read = |row: &rusqlite::Row<'_>| {
        let (name, id): (String, String) = (row.get(1)?, row.get(2)?);
        let barcode: String = row.get(3)?;
        Ok(Standing { place: row.get(0)?, words: words::searched(&name, &id, &barcode), barcode })
    };
    let standing: Vec<Standing> = database.prepare_cached(BETWEEN)?.query_map([lower, end], read)?.collect::<rusqlite::Result<_>>()?;
    // Aside first, so that nobody steps on another's place.
    for product in &standing {
        unlist(database, product.place, &product.words)?;
        step(database, product.place, -product.place, &product.barcode)?;
    }
    let count = i64::try_from(standing.len()).unwrap_or(i64::MAX);
    for (product, number) in standing.iter().zip(1..) {
        let place = lower + number * (upper - lower) / (count + 1);
        step(database, -product.place, place, &product.barcode)?;
        list(database, place, &product.words)?;
    }
    Ok(())
}

/// Moves a product, its codes and its new price, but not its words.
fn step(database: &Connection, from: i64, to: i64, barcode: &str) -> rusqlite::Result<()> {
    const PRODUCT: &str = "UPDATE main.products SET place = ?2 WHERE place = ?1";
    const OWN: &str = "UPDATE main.codes SET product = ?2 WHERE product = ?1 AND code = ?3";
    const FURTHER: &str = "UPDATE main.codes SET product = ?2 WHERE product = ?1 AND further = 1";
    const PRICE: &str = "UPDATE main.new_prices SET product = ?2 WHERE product = ?1";
    database.prepare_cached(PRODUCT)?.execute([from, to])?;
    database.prepare_cached(OWN)?.execute(params![from, to, code_key(barcode)])?;
    database.prepare_cached(FURTHER)?.execute([from, to])?;
    database.prepare_cached(PRICE)?.execute([from, to])?;
    Ok(())
}
