//! The audit trail: every change of master data, who made it, what the record said before and after. Secrets are never in it.

use serde::Serialize;

use super::Headquarters;
use super::database::Value;
use super::error::Result;
use super::kinds::{Content, Kind};
use super::records::{Edit, hidden, parsed};
use crate::clock::Time;

/// A line of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: Time,
    /// Who, as the system knows him.
    pub who: String,
    /// `add`, `set`, `remove`, `import` or the name of another deed.
    pub what: String,
    /// The record's kind.
    pub kind: String,
    /// The record's key, or a file's name.
    pub key: String,
    /// What it said before.
    pub before: Option<Content>,
    /// What it says since.
    pub after: Option<Content>,
}

impl Headquarters {
    /// The newest lines, newest first.
    pub fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>> {
        const NEWEST: &str = "SELECT at, who, what, kind, key, before, after FROM audit ORDER BY id DESC LIMIT $1";
        let rows = self.database().read(|tx| tx.rows(NEWEST, &[limit.into()]))?;
        let content = |text: Option<String>| text.map(|text| parsed(&text)).transpose();
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    at: row.time(0)?,
                    who: row.text(1)?,
                    what: row.text(2)?,
                    kind: row.text(3)?,
                    key: row.text(4)?,
                    before: content(row.optional_text(5)?)?,
                    after: content(row.optional_text(6)?)?,
                })
            })
            .collect()
    }
}

/// Notes what was done to a record.
pub(super) fn note(
    edit: &mut Edit<'_, '_>,
    what: &str,
    kind: &Kind,
    key: &str,
    before: Option<&Content>,
    after: Option<&Content>,
) -> Result<()> {
    let shown = |content: Option<&Content>| content.map(|content| serde_json::Value::Object(hidden(kind, content.clone())).to_string());
    write(edit, [what, kind.name, key], shown(before), shown(after))
}

/// Notes a deed that is about no record's fields.
pub(super) fn note_deed(edit: &mut Edit<'_, '_>, what: &str, kind: &str, key: &str, particulars: &Content) -> Result<()> {
    write(edit, [what, kind, key], None, Some(serde_json::Value::Object(particulars.clone()).to_string()))
}

fn write(edit: &mut Edit<'_, '_>, [what, kind, key]: [&str; 3], before: Option<String>, after: Option<String>) -> Result<()> {
    const WRITE: &str = "INSERT INTO audit (at, who, what, kind, key, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values: [Value; 7] = [edit.now.into(), edit.who.into(), what.into(), kind.into(), key.into(), before.into(), after.into()];
    edit.tx.execute(WRITE, &values).map(drop)
}
