//! Headquarters' secret keys: what packages are signed with, and what PIN hashes are bound to. In a file that only its owner reads, never in
//! a database.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::database::{Database, Tx};
use super::error::{Error, Result};
use crate::package::SigningKey;
use crate::pin::PinKey;
use crate::private;
use crate::secret::Secret;

/// The keys.
pub(super) struct Keys {
    pub(super) signing: SigningKey,
    pub(super) pin: PinKey,
}

/// As they stand in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    signing_key: Secret,
    pin_key: Secret,
}

/// A longer file is none of keys.
const BYTES_MAX: u64 = 4096;

impl Keys {
    /// Reads the file; keys other than those the database knows are refused. New ones are made for a new database alone: registers take
    /// nothing that is signed with others, and no PIN is right by them.
    pub(super) fn open(path: &Path, database: &Database) -> Result<Self> {
        let keys = match Self::find(path)? {
            Some(keys) => keys,
            None if database.read(is_new)? => Self::make(path)?,
            None => return Err(refused(path, "there is no file of headquarters' keys here, and its database has known some")),
        };
        keys.are_known(database, path)?;
        Ok(keys)
    }

    fn find(path: &Path) -> Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => Self::read(file, path).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::File(format!("{}: {error}", path.display()))),
        }
    }

    fn make(path: &Path) -> Result<Self> {
        let keys = Self { signing: SigningKey::random(), pin: PinKey::random() };
        match private::write_new(path, &keys.text()?) {
            Ok(()) => Ok(keys),
            // Another process was first.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Self::find(path)?.ok_or_else(|| Error::File(format!("{}: {error}", path.display())))
            }
            Err(error) => Err(Error::File(format!("{}: {error}", path.display()))),
        }
    }

    /// Refuses keys that are not the database's; one that knows none takes these for its own.
    fn are_known(&self, database: &Database, path: &Path) -> Result<()> {
        const KEEP: &str = "INSERT INTO own_keys (name, known) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let own = [("packages", self.signing.verifying_key().to_string()), ("pin", self.pin.secret().hash())];
        let mut found = database.read(known)?;
        if found.is_empty() {
            found = database.write(|tx| {
                own.iter().try_for_each(|(name, own)| tx.execute(KEEP, &[(*name).into(), own.into()]).map(drop))?;
                known(tx)
            })?;
        }
        let is_known = |(name, own): &(&str, String)| found.iter().any(|(found, known)| found == name && known == own);
        if own.iter().all(is_known) { Ok(()) } else { Err(refused(path, "these are not the keys that headquarters' database knows")) }
    }

    fn read(file: File, path: &Path) -> Result<Self> {
        let bad = || Error::File(format!("{}: this is no file of headquarters' keys", path.display()));
        let about = file.metadata().map_err(|error| Error::File(format!("{}: {error}", path.display())))?;
        if private::is_open(&about) {
            let what = format!("{}: others than its owner may read this file of secret keys", path.display());
            return Err(Error::refused(what, format!("chmod 600 {}", path.display())));
        }
        let mut text = String::new();
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| Error::File(format!("{}: {error}", path.display())))?;
        // What the parser says quotes the file.
        let text: Text = toml::from_str(&text).map_err(|_| bad())?;
        let signing = SigningKey::from_secret(&text.signing_key).ok_or_else(bad)?;
        Ok(Self { signing, pin: PinKey::from_secret(&text.pin_key).ok_or_else(bad)? })
    }

    fn text(&self) -> Result<String> {
        let text = Text { signing_key: self.signing.to_secret(), pin_key: self.pin.secret().clone() };
        let text = toml::to_string(&text).map_err(|_| Error::File("the keys cannot be written".to_owned()))?;
        Ok(format!("# Headquarters' secret keys. Whoever reads them can sign packages; without them, no register takes new ones.\n{text}"))
    }
}

/// Whether nothing was ever written to a database.
fn is_new(tx: &mut Tx<'_>) -> Result<bool> {
    const CHANGED: &str = "SELECT value FROM counters WHERE name = 'change'";
    tx.row(CHANGED, &[])?.map_or(Ok(true), |row| Ok(row.number(0)? == 0))
}

/// By what the database knows its keys.
fn known(tx: &mut Tx<'_>) -> Result<Vec<(String, String)>> {
    tx.rows("SELECT name, known FROM own_keys", &[])?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

fn refused(path: &Path, what: &str) -> Error {
    let hint = "put the file back from its copy, or name it with --keys; with new keys every register would have to be activated again";
    Error::refused(format!("{}: {what}", path.display()), hint)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn database(folder: &Path, name: &str) -> Database {
        Database::open(&format!("sqlite:{}", folder.join(name).display())).unwrap()
    }

    #[test]
    fn keys_are_made_once_and_read_by_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hq.keys");
        let database = database(folder.path(), "hq.db");
        let made = Keys::open(&path, &database).unwrap();
        let again = Keys::open(&path, &database).unwrap();
        assert_eq!(made.signing.verifying_key().to_string(), again.signing.verifying_key().to_string());
        assert_eq!(made.pin.secret(), again.pin.secret());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            let error = Keys::open(&path, &database).err().expect("refused");
            assert_eq!(error.hint(), format!("chmod 600 {}", path.display()));
        }
    }

    #[test]
    fn a_damaged_file_is_refused_without_a_word_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hq.keys");
        private::write_new(&path, "signing_key = \"canary\"\npin_key = \"canary\"\n").unwrap();
        let error = Keys::open(&path, &database(folder.path(), "hq.db")).err().expect("refused").to_string();
        assert!(error.ends_with("this is no file of headquarters' keys"), "{error}");
    }
}
