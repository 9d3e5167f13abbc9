//! Records of master data: read, added, changed, removed; each change with a number of its own and a line in the audit trail.
//!
//! Change numbers rise in the order in which changes become visible, as every change holds the counter until it is committed: this is what
//! distribution jobs track changes by.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::Headquarters;
use super::audit;
use super::codes;
use super::database::{Tx, Value};
use super::entities;
use super::error::{Error, Result};
use super::kinds::{Content, Editing, FieldError, KINDS, Kind, Type};
use crate::clock::Time;
use crate::pin;
use crate::retail::staff::Pin;

/// A record.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// Its key.
    pub key: String,
    /// Its fields; secret ones hidden.
    pub content: Content,
}

/// What became of a record that was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// There was none.
    New,
    /// It said something else.
    Changed,
    /// It said the same.
    Same,
}

impl Headquarters {
    /// Hands over all records of a kind in order of their keys, secrets hidden.
    pub fn each(&self, kind: &'static Kind, take: &mut dyn FnMut(Record) -> Result<()>) -> Result<()> {
        self.database().read(|tx| each(tx, kind, &mut |key, content| take(Record { key, content: hidden(kind, content) })))
    }

    /// All records of a kind.
    pub fn list(&self, kind: &'static Kind) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        self.each(kind, &mut |record| {
            records.push(record);
            Ok(())
        })?;
        Ok(records)
    }

    /// A record, secrets hidden.
    pub fn get(&self, kind: &'static Kind, key: &str) -> Result<Record> {
        let content = self.database().read(|tx| get(tx, kind, key))?.ok_or_else(|| Error::missing(kind.name, key))?;
        Ok(Record { key: key.to_owned(), content: hidden(kind, content) })
    }

    /// Adds a record. Refused when there is one with its key.
    pub fn add(&self, who: &str, kind: &'static Kind, said: &[(&str, &str)]) -> Result<Record> {
        open_to_people(kind)?;
        refuse_secrets(kind, said)?;
        let content = kind.read(Content::new(), said.iter().copied()).map_err(|faults| told(kind, &faults))?;
        let key = kind.key_of(&content);
        self.edit(who, |edit| {
            if get(edit.tx, kind, &key)?.is_some() {
                let hint = format!("`evertill hq {} set {key} …` changes it", kind.name);
                return Err(Error::refused(format!("there is a {} {key} already", kind.name), hint));
            }
            edit.put(kind, &content).map(drop)
        })?;
        Ok(Record { key, content: hidden(kind, content) })
    }

    /// Changes fields of a record; its key stays.
    pub fn set(&self, who: &str, kind: &'static Kind, key: &str, said: &[(&str, &str)]) -> Result<Record> {
        open_to_people(kind)?;
        refuse_secrets(kind, said)?;
        self.change(who, kind, key, said)
    }

    /// Sets a worker's PIN; the hash of it is kept, bound to headquarters' key.
    pub fn set_pin(&self, who: &str, number: &str, pin: &Pin) -> Result<()> {
        if pin.reveal().is_empty() || pin.reveal().len() > Pin::MAX_LEN {
            return Err(Error::refused("the PIN is empty or too long", format!("1 to {} characters", Pin::MAX_LEN)));
        }
        let hash = pin::hash(pin, self.pin_key());
        self.change(who, entities::own("staff"), number, &[("pin_hash", &hash)]).map(drop)
    }

    fn change(&self, who: &str, kind: &'static Kind, key: &str, said: &[(&str, &str)]) -> Result<Record> {
        let content = self.edit(who, |edit| {
            let before = get(edit.tx, kind, key)?.ok_or_else(|| Error::missing(kind.name, key))?;
            let content = kind.read(before, said.iter().copied()).map_err(|faults| told(kind, &faults))?;
            if kind.key_of(&content) != key {
                let names: Vec<&str> = kind.key_fields().iter().map(|field| field.name).collect();
                let what = format!("{} is what a {} is known by, and stays", names.join(", "), kind.name);
                return Err(Error::refused(what, "add another and remove this one"));
            }
            edit.put(kind, &content)?;
            Ok(content)
        })?;
        Ok(Record { key: key.to_owned(), content: hidden(kind, content) })
    }

    /// Removes a record that no other one needs.
    pub fn remove(&self, who: &str, kind: &'static Kind, key: &str) -> Result<()> {
        open_to_people(kind)?;
        self.edit(who, |edit| {
            let before = get(edit.tx, kind, key)?.ok_or_else(|| Error::missing(kind.name, key))?;
            refuse_while_needed(edit.tx, kind, key)?;
            edit.remove(kind, key, &before)
        })
    }

    /// Changes records under one change number, all or none.
    pub(super) fn edit<T>(&self, who: &str, mut work: impl FnMut(&mut Edit<'_, '_>) -> Result<T>) -> Result<T> {
        const NEXT: &str = "UPDATE counters SET value = value + 1 WHERE name = 'change' RETURNING value";
        let now = self.0.clock.now();
        self.database().write(|tx| {
            let change = tx.row(NEXT, &[])?.ok_or_else(|| Error::Database("the counters are gone".to_owned()))?.number(0)?;
            let mut edit = Edit { tx, who, now, change, trail: Trail::All, known: HashSet::new() };
            let done = work(&mut edit)?;
            codes::refuse_of_two(&mut edit)?;
            Ok(done)
        })
    }
}

/// Changes on their way.
pub(super) struct Edit<'e, 't> {
    pub(super) tx: &'e mut Tx<'t>,
    pub(super) who: &'e str,
    pub(super) now: Time,
    pub(super) change: u64,
    pub(super) trail: Trail,
    /// Records that others refer to, found to exist.
    known: HashSet<(&'static str, String)>,
}

/// What stands in the audit trail one by one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trail {
    /// Everything.
    All,
    /// What is new comes from a file that stands there as a whole.
    Changed,
}

impl Edit<'_, '_> {
    /// Writes a record that was read by its kind.
    pub(super) fn put(&mut self, kind: &'static Kind, content: &Content) -> Result<Outcome> {
        const INSERT: &str = "INSERT INTO records (kind, key, lookup, reach, valid_from, valid_to, content, change, deleted)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT DO NOTHING";
        const UPDATE: &str =
            "UPDATE records SET lookup = $3, reach = $4, valid_from = $5, valid_to = $6, content = $7, change = $8, deleted = 0
            WHERE kind = $1 AND key = $2";
        const FOUND: &str = "SELECT content, deleted, reach, change, lookup FROM records WHERE kind = $1 AND key = $2";
        self.refuse_unknown_references(kind, content)?;
        let key = kind.key_of(content);
        let text = serde_json::to_string(content).map_err(|error| Error::Database(error.to_string()))?;
        let day = |field: &str| Value::from(content.get(field).and_then(Json::as_str));
        let lookup = kind.lookup_of(content);
        let mut values = [
            kind.name.into(),
            (&key).into(),
            (&lookup).into(),
            reach(content).into(),
            day("from"),
            day("to"),
            (&text).into(),
            self.change.into(),
        ];
        if self.tx.execute(INSERT, &values)? == 1 {
            if self.trail == Trail::All {
                audit::note(self, "add", kind, &key, None, Some(content))?;
            }
            entities::after(self, kind, &key, content)?;
            return Ok(Outcome::New);
        }
        let found = self.tx.row(FOUND, &values[..2])?.ok_or_else(|| Error::missing(kind.name, &key))?;
        let was_deleted = found.number(1)? == 1;
        if found.number(3)? == self.change && self.trail == Trail::Changed {
            return Err(Error::refused(format!("{key:?} stands in the file already, expected it once"), ""));
        }
        if !was_deleted && found.text(0)? == text {
            return Ok(Outcome::Same);
        }
        let before = parsed(&found.text(0)?)?;
        values[3] = joined(&found.text(2)?, &reach(content)).into();
        self.tx.execute(UPDATE, &values)?;
        let lookup_before = found.text(4)?;
        if kind.name == "barcode" && lookup_before != lookup {
            self.touch_product(&lookup_before)?;
        }
        audit::note(self, if was_deleted { "add" } else { "set" }, kind, &key, (!was_deleted).then_some(&before), Some(content))?;
        entities::after(self, kind, &key, content)?;
        Ok(if was_deleted { Outcome::New } else { Outcome::Changed })
    }

    /// Removes a record, and what cannot be without it.
    pub(super) fn remove(&mut self, kind: &'static Kind, key: &str, before: &Content) -> Result<()> {
        const REMOVE: &str = "UPDATE records SET deleted = 1, change = $3 WHERE kind = $1 AND key = $2";
        const REMOVE_ITS_OWN: &str =
            "UPDATE records SET deleted = 1, change = $2 WHERE kind IN ('barcode', 'price') AND lookup = $1 AND deleted = 0";
        entities::before_removal(self, kind, key, before)?;
        self.tx.execute(REMOVE, &[kind.name.into(), key.into(), self.change.into()])?;
        if kind.name == "product" {
            self.tx.execute(REMOVE_ITS_OWN, &[key.into(), self.change.into()])?;
        }
        audit::note(self, "remove", kind, key, Some(before), None)
    }

    /// A code that leaves a product changes the product.
    fn touch_product(&mut self, key: &str) -> Result<()> {
        const TOUCH: &str = "UPDATE records SET change = $2 WHERE kind = 'product' AND key = $1 AND deleted = 0";
        self.tx.execute(TOUCH, &[key.into(), self.change.into()]).map(drop)
    }

    fn refuse_unknown_references(&mut self, kind: &'static Kind, content: &Content) -> Result<()> {
        const EXISTS: &str = "SELECT 1 FROM records WHERE kind = $1 AND key = $2 AND deleted = 0";
        for field in kind.fields {
            let (Type::OneOf(other), Some(key)) = (field.of, content.get(field.name).and_then(Json::as_str)) else { continue };
            let reference = (other, key.to_owned());
            if self.known.contains(&reference) {
                continue;
            }
            if self.tx.row(EXISTS, &[other.into(), key.into()])?.is_none() {
                let hint = format!("`evertill hq {other} list` names them all");
                return Err(Error::refused(format!("{}: there is no {other} {key:?}", field.name), hint));
            }
            // Products are too many to remember.
            if other != "product" {
                self.known.insert(reference);
            }
        }
        Ok(())
    }
}

/// Hands over the records of a kind that are not removed.
pub(super) fn each(tx: &mut Tx<'_>, kind: &Kind, take: &mut dyn FnMut(String, Content) -> Result<()>) -> Result<()> {
    const ALL: &str = "SELECT key, content FROM records WHERE kind = $1 AND deleted = 0 ORDER BY key";
    tx.each(ALL, &[kind.name.into()], &mut |row| take(row.text(0)?, parsed(&row.text(1)?)?))
}

/// A record that is not removed, secrets and all.
pub(super) fn get(tx: &mut Tx<'_>, kind: &Kind, key: &str) -> Result<Option<Content>> {
    const ONE: &str = "SELECT content FROM records WHERE kind = $1 AND key = $2 AND deleted = 0";
    tx.row(ONE, &[kind.name.into(), key.into()])?.map(|row| parsed(&row.text(0)?)).transpose()
}

/// The record another value leads to, secrets and all, with its key.
pub(super) fn find(tx: &mut Tx<'_>, kind: &Kind, lookup: &str) -> Result<Option<(String, Content)>> {
    const ONE: &str = "SELECT key, content FROM records WHERE kind = $1 AND lookup = $2 AND deleted = 0";
    tx.row(ONE, &[kind.name.into(), lookup.into()])?.map(|row| Ok((row.text(0)?, parsed(&row.text(1)?)?))).transpose()
}

/// Content as it stands in the database.
pub(super) fn parsed(text: &str) -> Result<Content> {
    serde_json::from_str(text).map_err(|error| Error::Database(format!("a record is damaged: {error}")))
}

/// A text field; empty when it says nothing.
pub(super) fn text<'c>(content: &'c Content, field: &str) -> &'c str {
    content.get(field).and_then(Json::as_str).unwrap_or_default()
}

/// Stores a record belongs to, as the database keeps them; empty for all.
fn reach(content: &Content) -> String {
    let listed = content.get("stores").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let stores: Vec<&str> = listed.chain(content.get("store").and_then(Json::as_str)).collect();
    if stores.is_empty() { String::new() } else { format!(",{},", stores.join(",")) }
}

fn joined(before: &str, after: &str) -> String {
    if before.is_empty() || after.is_empty() {
        return String::new();
    }
    let new = after.split(',').filter(|store| !store.is_empty() && !before.contains(&format!(",{store},")));
    new.fold(before.to_owned(), |reach, store| format!("{reach}{store},"))
}

/// What people are shown.
pub(super) fn hidden(kind: &Kind, mut content: Content) -> Content {
    for field in kind.fields.iter().filter(|field| field.of == Type::Secret) {
        if let Some(secret) = content.get_mut(field.name) {
            *secret = super::kinds::HIDDEN.into();
        }
    }
    content
}

fn open_to_people(kind: &Kind) -> Result<()> {
    match kind.editing {
        Editing::Open => Ok(()),
        Editing::Own => Err(Error::refused(format!("headquarters keeps every {} by itself", kind.name), "")),
    }
}

/// Nobody makes up a hash by hand.
fn refuse_secrets(kind: &Kind, said: &[(&str, &str)]) -> Result<()> {
    let is_secret = |name: &str| kind.field(name).is_some_and(|field| field.of == Type::Secret);
    match said.iter().find(|(name, _)| is_secret(name)) {
        Some((name, _)) => Err(Error::refused(format!("{name}: is a secret and cannot be typed"), "`evertill hq staff pin` sets a PIN")),
        None => Ok(()),
    }
}

fn told(kind: &Kind, faults: &[FieldError]) -> Error {
    let faults: Vec<String> = faults.iter().map(FieldError::to_string).collect();
    let fields: Vec<&str> = kind.fields.iter().map(|field| field.name).collect();
    Error::refused(faults.join("\n"), format!("fields of a {}: {}", kind.name, fields.join(", ")))
}

/// A record that others refer to stays. What a product alone has goes with it.
fn refuse_while_needed(tx: &mut Tx<'_>, kind: &Kind, key: &str) -> Result<()> {
    for other in &KINDS {
        let goes_along = kind.name == "product" && matches!(other.name, "barcode" | "price");
        let names = || other.fields.iter().filter(|field| field.of == Type::OneOf(kind.name));
        if goes_along || names().next().is_none() {
            continue;
        }
        let mut by = None;
        each(tx, other, &mut |other_key, content| {
            if names().any(|field| text(&content, field.name) == key) {
                by = Some(other_key);
            }
            Ok(())
        })?;
        if let Some(by) = by {
            let hint = format!("change or remove {} {by} first", other.name);
            return Err(Error::refused(format!("{} {key} is needed by {} {by}", kind.name, other.name), hint));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_s_reach_only_grows() {
        for (before, after, expected) in [
            ("", ",343,", ""),
            (",343,", "", ""),
            (",343,", ",344,", ",343,344,"),
            (",343,344,", ",344,", ",343,344,"),
            (",3431,", ",343,", ",3431,343,"),
        ] {
            assert_eq!(joined(before, after), expected, "{before} {after}");
        }
    }
}
