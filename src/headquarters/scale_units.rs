//! Scale units: who may fetch a store's packages and bring its transactions.

use std::path::Path;

use serde::Serialize;

use super::Headquarters;
use super::entities::own;
use super::error::{Error, Result};

use super::kinds::Content;
use super::records::{self, text};
use crate::private::write_new;
use crate::secret::Secret;

/// A scale unit, as headquarters knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScaleUnitRow {
    /// Its name.
    pub name: String,
    /// The store whose registers it serves.
    pub store: String,
}

/// What a scale unit needs to speak to headquarters, for its owner's file alone.
#[derive(Clone, Debug, Serialize)]
pub struct Credentials {
    /// Authenticates it.
    pub token: Secret,
    /// What PIN hashes are bound to, in hexadecimal.
    pub pin_key: Secret,
    /// Packages are checked with this Ed25519 key, in hexadecimal.
    pub headquarters_key: String,
    /// Its store.
    pub store: String,
}

impl Credentials {
    /// Writes them to a file that its owner alone may read; an existing file is left as it is.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self).map_err(|_| Error::File("the credentials cannot be written".to_owned()))?;
        let text = format!("# A scale unit's credentials: whoever reads them can speak to headquarters in its name.\n{text}");
        write_new(path, &text).map_err(|error| Error::File(format!("{}: {error}", path.display())))
    }
}

impl Headquarters {
    /// Adds a scale unit; headquarters keeps only the hash of its token.
    pub fn add_scale_unit(&self, who: &str, name: &str, store: &str) -> Result<Credentials> {
        let kind = own("scale-unit");
        let token = Secret::random();
        let said = [("name", name), ("store", store), ("token_hash", &token.hash())];
        let content = kind.read(Content::new(), said);
        let content =
            content.map_err(|faults| Error::refused(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), ""))?;
        self.edit(who, |edit| {
            if records::get(edit.tx, kind, name)?.is_some() {
                return Err(Error::refused(format!("there is a scale unit {name} already"), "remove it first to give it a new token"));
            }
            edit.put(kind, &content).map(drop)
        })?;
        Ok(Credentials { token, pin_key: self.pin_key().secret().clone(), headquarters_key: self.verifying_key(), store: store.to_owned() })
    }

    /// Removes a scale unit: its token is refused from now on.
    pub fn remove_scale_unit(&self, who: &str, name: &str) -> Result<()> {
        let kind = own("scale-unit");
        self.edit(who, |edit| {
            let before = records::get(edit.tx, kind, name)?.ok_or_else(|| Error::missing(kind.name, name))?;
            edit.remove(kind, name, &before)
        })
    }

    /// The scale unit a token's hash belongs to.
    pub fn scale_unit(&self, token_hash: &str) -> Result<Option<ScaleUnitRow>> {
        let found = self.database().read(|tx| records::find(tx, own("scale-unit"), token_hash))?;
        Ok(found.map(|(name, content)| ScaleUnitRow { name, store: text(&content, "store").to_owned() }))
    }
}
