//! What the databases say in the end, read past all of this program's own code and held against the oracle's books.

mod columns;
mod customers;
mod journal;

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use super::bill::{Rates, millionths};
use super::books::{Book, Broken};
use super::machines::{Office, Station, Unit, raw};
use journal::Row;

/// A record as some database has it: its text by its key.
type Records = BTreeMap<String, String>;
/// Products with their prices.
type Prices = Vec<(String, i128)>;

/// Compares everything with everything. The first of each kind is told, and how many there are.
pub(super) fn audit(office: &Office, unit: &Unit, stations: &[Station], books: &[Book], rates: &Rates) -> Vec<(Option<u32>, Broken)> {
    let mut found = Vec::new();
    let all = |path: &Path, sql: &str| raw(path).and_then(|database| records(&database, sql));
    let (channel, chain) = match (
        all(&unit.database(), "SELECT id, content FROM transactions"),
        all(&office.database(), "SELECT id, content FROM transactions"),
    ) {
        (Ok(channel), Ok(chain)) => (channel, chain),
        (Err(why), _) | (_, Err(why)) => return vec![(None, (2, format!("a database cannot be read: {why}")))],
    };
    for (place, table) in [(unit.database(), &columns::CHANNEL), (office.database(), &columns::HEADQUARTERS)] {
        found.extend(columns::audit(&place, table).into_iter().map(|broken| (None, broken)));
    }
    let mut journals = Records::new();
    for (station, book) in stations.iter().zip(books) {
        let at = |broken: Vec<Broken>| broken.into_iter().map(|broken| (Some(station.id.number), broken)).collect::<Vec<_>>();
        match journal(station, unit, book) {
            Ok((records, broken)) => {
                found.extend(at(broken));
                journals.extend(records);
            }
            Err(why) => found.extend(at(vec![(1, format!("the journal cannot be read: {why}"))])),
        }
        found.extend(at(offline_database(station, rates)));
    }
    found.extend(compare("the channel database", &journals, &channel).into_iter().map(|broken| (None, broken)));
    found.extend(compare("headquarters", &journals, &chain).into_iter().map(|broken| (None, broken)));
    for (path, table) in [(unit.database(), "set_aside"), (office.database(), "set_aside")] {
        let aside = raw(&path).and_then(|database| {
            let sql = format!("SELECT count(*) || coalesce(', such as ' || min(content) || ': ' || min(reason), '') FROM {table}");
            database.query_row(&sql, (), |row| row.get::<_, String>(0)).map_err(|error| error.to_string())
        });
        if aside != Ok("0".to_owned()) {
            let name = path.file_name().unwrap_or_default().display();
            found.push((None, (2, format!("{name} has records set aside: {aside:?}"))));
        }
    }
    found
}

fn records(database: &Connection, sql: &str) -> Result<Records, String> {
    let words = |error: rusqlite::Error| error.to_string();
    let mut rows = database.prepare(sql).map_err(words)?;
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(words)?;
    let all: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>().map_err(words)?;
    let (many, records) = (all.len(), all.into_iter().collect::<Records>());
    if records.len() == many { Ok(records) } else { Err(format!("{} keys are there twice", many - records.len())) }
}

/// Whether all that the registers wrote is there, once, unchanged, and nothing else.
fn compare(place: &str, journals: &Records, there: &Records) -> Vec<Broken> {
    let mut broken = Vec::new();
    let missing: Vec<&String> = journals.keys().filter(|key| !there.contains_key(*key)).collect();
    let altered: Vec<&String> =
        journals.iter().filter(|(key, text)| there.get(*key).is_some_and(|found| found != *text)).map(|(key, _)| key).collect();
    let unknown: Vec<&String> = there.keys().filter(|key| !journals.contains_key(*key)).collect();
    if let Some(first) = missing.first() {
        broken.push((2, format!("{} records never came to {place}, such as {first}", missing.len())));
    }
    if let Some(first) = altered.first() {
        broken.push((2, format!("{} records are altered at {place}, such as {first}", altered.len())));
    }
    if let Some(first) = unknown.first() {
        broken.push((1, format!("{} records at {place} are in no journal, such as {first}", unknown.len())));
    }
    broken
}

/// A register's journals, one of each machine that was the register, against its customers.
fn journal(station: &Station, unit: &Unit, book: &Book) -> Result<(Records, Vec<Broken>), String> {
    let mut broken = Vec::new();
    let all = journal::all(station, &unit.database(), &mut broken)?;
    broken.extend(journal::shifts(&station.id, &all));
    broken.extend(journal::switches(&all));
    let (mut records, mut sales, mut voided) = (Records::new(), BTreeMap::new(), Records::new());
    let (mut sequence, mut receipt) = (0, 0);
    for Row { sequence: at, id, receipt: number, kind, text } in all {
        if at != sequence + 1 {
            broken.push((5, format!("sequence {at} follows {sequence}")));
        }
        if let Some(number) = number {
            if number != receipt + 1 {
                broken.push((5, format!("receipt {number} follows {receipt}")));
            }
            receipt = number;
        }
        sequence = at;
        match kind.as_str() {
            "sale" => drop(sales.insert(id.clone(), (number.unwrap_or(0), text.clone()))),
            "voided_sale" => drop(voided.insert(id.clone(), text.clone())),
            _ => {}
        }
        records.insert(id, text);
    }
    broken.extend(customers::compare(book, sales, voided));
    Ok((records, broken))
}

/// An offline database against what headquarters ordered for its version.
pub(super) fn offline_database(station: &Station, rates: &Rates) -> Vec<Broken> {
    match prices(&station.offline_database()) {
        // There is none yet, or none any more until it has been fetched again.
        Ok(None) => Vec::new(),
        Err(_) if !station.place.disk.is_well() => Vec::new(),
        Err(why) => vec![(7, format!("the offline database cannot be read: {why}"))],
        Ok(Some((version, prices))) => {
            let wrong = |(product, price): (&String, &i128)| rates.price_at(product, version) != Some(*price);
            let wrong: Vec<_> = prices.iter().filter(|price| wrong((&price.0, &price.1))).collect();
            let mut broken = Vec::new();
            if let Some((product, price)) = wrong.first() {
                let ordered = rates.price_at(product, version);
                broken.push((
                    7,
                    format!("version {version} has {} wrong prices, such as {product} at {price}, ordered {ordered:?}", wrong.len()),
                ));
            }
            if prices.len() != rates.prices.len() {
                broken.push((7, format!("version {version} has {} products of {}", prices.len(), rates.prices.len())));
            }
            broken
        }
    }
}

/// The version of a file of master data, if there is one.
pub(super) fn version(path: &Path) -> Option<u64> {
    let version = |database: Connection| database.query_row("SELECT version FROM data_version", [], |row| row.get::<_, i64>(0)).ok();
    raw(path).ok().and_then(version).map(i64::unsigned_abs)
}

/// The version of a file of master data, and its prices; none where there is no file.
pub(super) fn prices(path: &Path) -> Result<Option<(u64, Prices)>, String> {
    if !path.exists() {
        return Ok(None);
    }
    let words = |error: rusqlite::Error| error.to_string();
    let database = raw(path)?;
    // Both from one moment.
    database.execute_batch("BEGIN").map_err(words)?;
    let version: i64 = database.query_row("SELECT version FROM data_version", [], |row| row.get(0)).map_err(words)?;
    let sql = "SELECT id, coalesce(n.price, p.price) FROM products p LEFT JOIN new_prices n ON n.product = p.place";
    let mut rows = database.prepare(sql).map_err(words)?;
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).map_err(words)?;
    let rows: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>().map_err(words)?;
    let prices = rows
        .into_iter()
        .map(|(id, price)| (id, price.split(' ').next().and_then(|price| price.parse().ok()).map_or(-1, millionths)))
        .collect();
    Ok(Some((version.unsigned_abs(), prices)))
}
