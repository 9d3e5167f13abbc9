//! `store.toml` and `staff.toml`: a store with its taxes, payment methods and registers; staff with their groups.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::super::Headquarters;
use super::super::entities::own;
use super::super::error::{Error, Result};
use super::super::kinds::{Content, Kind};
use super::super::records::{self, Edit};
use super::{Imported, note};
use crate::pin;
use crate::retail::staff::Permissions;
use crate::retail::store::Store;

/// A store's file is a few kilobytes.
const BYTES_MAX: u64 = 1 << 20;

/// The store, its functionality profile, tax groups, payment methods and registers. Registers that are there already stay as they are.
pub(super) fn store(headquarters: &Headquarters, who: &str, file: &str, input: Box<dyn Read>, expected: Option<&str>) -> Result<Imported> {
    let store: Store = parse(file, input)?;
    if let Some(expected) = expected.filter(|expected| *expected != store.number) {
        return Err(Error::refused(format!("{file}: number: is {:?}, expected {expected:?}", store.number), ""));
    }
    headquarters.edit(who, |edit| {
        let mut imported = Imported::default();
        let profile = format!("store-{}", store.number);
        put(edit, &mut imported, file, "functionality-profile", &with(&store.functionality, &[("id", json!(profile))])?)?;
        for group in &store.tax_groups {
            put(edit, &mut imported, file, "tax-group", &with(group, &[])?)?;
        }
        for method in &store.payment_methods {
            put(edit, &mut imported, file, "payment-method", &with(method, &[])?)?;
        }
        let mut content = with(&store, &[("functionality_profile", json!(profile))])?;
        // What is kept elsewhere, and what headquarters alone says of a store.
        for apart in ["registers", "functionality", "tax_groups", "payment_methods"] {
            content.remove(apart);
        }
        if let Some(before) = records::get(edit.tx, own("store"), &store.number)? {
            for kept in ["offline_profile", "screen_layout"] {
                content.extend(before.get(kept).map(|value| (kept.to_owned(), value.clone())));
            }
        }
        put(edit, &mut imported, file, "store", &content)?;
        for number in &store.registers {
            let register = own("register");
            if records::get(edit.tx, register, &format!("{}-{number}", store.number))?.is_none() {
                let (store, number) = (json!(store.number), json!(number));
                put(
                    edit,
                    &mut imported,
                    file,
                    "register",
                    &[("store".to_owned(), store), ("number".to_owned(), number)].into_iter().collect(),
                )?;
            }
        }
        note(edit, file, &imported)?;
        Ok(imported)
    })
}

/// Permission groups and staff; PIN hashes are bound to headquarters' key.
pub(super) fn staff(headquarters: &Headquarters, who: &str, file: &str, input: Box<dyn Read>, store: Option<&str>) -> Result<Imported> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct StaffFile {
        groups: BTreeMap<String, Permissions>,
        operators: Vec<Row>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        number: String,
        name: String,
        group: String,
        pin_hash: String,
    }
    let staff: StaffFile = parse(file, input)?;
    headquarters.edit(who, |edit| {
        let mut imported = Imported::default();
        for (id, permissions) in &staff.groups {
            put(edit, &mut imported, file, "permission-group", &with(permissions, &[("id", json!(id))])?)?;
        }
        for row in &staff.operators {
            // The same hash under the same key stays the same, so that the file imported again changes nothing.
            let hash = pin::bind(&row.pin_hash, headquarters.pin_key());
            let what = || Error::refused(format!("{file}: pin_hash of {}: is no argon2id hash in PHC form", row.number), "");
            let mut content = with(
                &json!({ "number": row.number, "name": row.name, "group": row.group }),
                &[("pin_hash", json!(hash.ok_or_else(what)?))],
            )?;
            content.extend(store.map(|store| ("stores".to_owned(), json!([store]))));
            put(edit, &mut imported, file, "staff", &content)?;
        }
        note(edit, file, &imported)?;
        Ok(imported)
    })
}

fn parse<T: DeserializeOwned>(file: &str, input: Box<dyn Read>) -> Result<T> {
    let mut text = String::new();
    input.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| Error::File(format!("{file}: {error}")))?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Error::refused(format!("{file}:{line}:{column}: {}", error.message()), "nothing was imported")
    })
}

/// A value's fields and further ones, without those that say nothing.
fn with(value: &impl serde::Serialize, further: &[(&str, Value)]) -> Result<Map<String, Value>> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(value) else {
        return Err(Error::Database("a part of the file has no fields".to_owned()));
    };
    fields.extend(further.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    fields.retain(|_, value| !value.is_null());
    Ok(fields)
}

/// Through the same table as every other record.
fn put(edit: &mut Edit<'_, '_>, imported: &mut Imported, file: &str, kind: &'static str, fields: &Content) -> Result<()> {
    let kind: &'static Kind = own(kind);
    let said: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| (name.clone(), kind.field(name).map_or_else(|| value.to_string(), |field| field.of.text(value))))
        .collect();
    let content = kind.read(Content::new(), said.iter().map(|(name, text)| (name.as_str(), text.as_str()))).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(|fault| format!("{file}: {} {fault}", kind.name)).collect();
        Error::refused(faults.join("\n"), "nothing was imported")
    })?;
    let outcome = edit.put(kind, &content)?;
    imported.count(outcome);
    Ok(())
}
