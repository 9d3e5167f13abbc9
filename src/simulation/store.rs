//! The store that is simulated, and what is broken in it on purpose.

use std::io::{Cursor, Read};

use super::machines::{Unit, WHO};
use crate::headquarters::Headquarters;
use crate::headquarters::kinds::Kind;
use crate::import::OnBadRow;
use crate::sample_store;

/// PIN 123 under hashes that cost next to nothing: sign-ins are many, and how strong real hashes are is tested elsewhere.
const CHEAP_HASHES: [&str; 3] = [
    "$argon2id$v=19$m=8,t=1,p=1$c2ltdWxhdGVkIHNhbHQgMQ$6+hKXQhZQuivMpMJcn6eIQXdSLz9ISUolsgwup3R60A",
    "$argon2id$v=19$m=8,t=1,p=1$c2ltdWxhdGVkIHNhbHQgMg$sBku5bh7kE4Eye5Bd6lgsSBGZJKgXSmA5y9He8Vlwmk",
    "$argon2id$v=19$m=8,t=1,p=1$c2ltdWxhdGVkIHNhbHQgMw$VvYHGghtP/++xJMEa5b+jxvQkmTif/yKVK+a1ysZibk",
];
/// Gift cards that headquarters knows, and one that it does not.
pub(super) const CARDS: [&str; 3] = ["6035220001234567", "6035220001234568", "6035220009999999"];

/// The sample store, with as many registers as are wanted.
pub(super) fn furnish(headquarters: &Headquarters, registers: u32) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    for (file, text) in sample_store::FILES {
        let mut text = text.to_owned();
        if file == "store.toml" {
            let all: Vec<String> = (1..=registers).map(|number| number.to_string()).collect();
            text = text.replace("registers = [1, 2, 3, 4]", &format!("registers = [{}]", all.join(", ")));
        }
        if file == "staff.toml" {
            let mut hashes = CHEAP_HASHES.iter();
            let lines = text.lines().map(|line| {
                if line.starts_with("pin_hash") {
                    format!("pin_hash = \"{}\"", hashes.next().unwrap_or(&CHEAP_HASHES[0]))
                } else {
                    line.to_owned()
                }
            });
            text = lines.collect::<Vec<_>>().join("\n");
        }
        let bytes = || Ok(Box::new(Cursor::new(text.clone().into_bytes())) as Box<dyn Read>);
        headquarters.import(WHO, file, &bytes, None, OnBadRow::Refuse).map_err(|error| words(&error))?;
    }
    let kind = |name: &str| Kind::named(name).ok_or_else(|| format!("headquarters has no {name}"));
    for record in headquarters.list(kind("register")?).map_err(|error| words(&error))? {
        headquarters.set(WHO, kind("register")?, &record.key, &[("support_offline", "yes")]).map_err(|error| words(&error))?;
    }
    for card in &CARDS[..2] {
        headquarters.add(WHO, kind("gift-card")?, &[("number", card), ("balance", "25.00")]).map_err(|error| words(&error))?;
    }
    Ok(())
}

/// Takes from the channel database what keeps a transaction from being taken twice.
pub(super) fn forget_keys(unit: &Unit) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let database = rusqlite::Connection::open(unit.database()).map_err(|error| words(&error))?;
    let table: String = database
        .query_row("SELECT sql FROM sqlite_master WHERE name = 'transactions'", [], |row| row.get(0))
        .map_err(|error| words(&error))?;
    let (columns, _) = table.split_once("UNIQUE").ok_or("the channel database's keys are elsewhere")?;
    // The last column is followed by a comma and words about it.
    let table = format!("{} unused TEXT) STRICT", columns.replace("PRIMARY KEY", ""));
    database.execute_batch(&format!("DROP TABLE transactions; {table};")).map_err(|error| words(&error))
}
