//! What headquarters keeps by itself when stores and registers change: channel databases, their groups, devices.
//!
//! *Support offline* set to yes makes a register's channel-database entity in its store's group; no removes it.

use super::audit;
use super::devices;
use super::error::{Error, Result};
use super::kinds::{Content, Kind};
use super::packages;
use super::records::{self, Edit, text};

/// After a record was written.
pub(super) fn after(edit: &mut Edit<'_, '_>, kind: &Kind, key: &str, content: &Content) -> Result<()> {
    match kind.name {
        "store" => {
            put(edit, "channel-database-group", &[("id", key), ("store", key)])?;
            put(edit, "channel-database", &[("id", key), ("group", key), ("store", key)])
        }
        "register" => {
            let (store, number) = (text(content, "store"), number(content));
            if records::get(edit.tx, own("device"), key)?.is_none() {
                put(edit, "device", &[("store", store), ("number", &number)])?;
            }
            if supports_offline(content) {
                let is_new = records::get(edit.tx, own("channel-database"), key)?.is_none();
                put(edit, "channel-database", &[("id", key), ("group", store), ("store", store), ("register", &number)])?;
                if is_new { packages::offer(edit.tx, store, key, edit.now) } else { Ok(()) }
            } else {
                remove(edit, "channel-database", key)
            }
        }
        _ => Ok(()),
    }
}

/// Before a record is removed.
pub(super) fn before_removal(edit: &mut Edit<'_, '_>, kind: &Kind, key: &str, _before: &Content) -> Result<()> {
    match kind.name {
        "store" => {
            remove(edit, "channel-database", key)?;
            remove(edit, "channel-database-group", key)
        }
        "register" => {
            if let Some(device) = records::get(edit.tx, own("device"), key)? {
                if text(&device, "status") == "activated" {
                    let hint = format!("`evertill hq device deactivate {key}` first");
                    return Err(Error::refused(format!("register {key} has an activated device"), hint));
                }
                put_over(edit, "device", device, &devices::NO_CODE)?;
            }
            remove(edit, "channel-database", key)
        }
        _ => Ok(()),
    }
}

/// Whether a register has an offline database.
pub(super) fn supports_offline(register: &Content) -> bool {
    register.get("support_offline").and_then(serde_json::Value::as_bool).unwrap_or(false)
}

/// A register's or device's number in words.
pub(super) fn number(content: &Content) -> String {
    content.get("number").map(ToString::to_string).unwrap_or_default()
}

/// A kind that headquarters needs itself.
pub(super) fn own(name: &'static str) -> &'static Kind {
    Kind::named(name).expect("the table of kinds has it")
}

fn put(edit: &mut Edit<'_, '_>, kind: &'static str, said: &[(&str, &str)]) -> Result<()> {
    put_over(edit, kind, Content::new(), said)
}

/// Writes a record over what it said before.
pub(super) fn put_over(edit: &mut Edit<'_, '_>, kind: &'static str, before: Content, said: &[(&str, &str)]) -> Result<()> {
    let kind = own(kind);
    let content = kind.read(before, said.iter().copied());
    let content = content.map_err(|faults| Error::refused(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), ""))?;
    edit.put(kind, &content).map(drop)
}

fn remove(edit: &mut Edit<'_, '_>, kind: &'static str, key: &str) -> Result<()> {
    let kind = own(kind);
    match records::get(edit.tx, kind, key)? {
        Some(before) => edit.remove(kind, key, &before),
        None => Ok(()),
    }
}

/// Notes a deed on a register's device.
pub(super) fn note(edit: &mut Edit<'_, '_>, deed: &str, key: &str) -> Result<()> {
    audit::note_deed(edit, deed, "device", key, &Content::new())
}
