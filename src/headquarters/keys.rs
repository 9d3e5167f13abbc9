//! Headquarters' secret keys: what packages are signed with, and what PIN hashes are bound to. In a file that only its owner reads, never in
//! a database.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use crate::package::SigningKey;
use crate::pin::PinKey;
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
    /// Reads the file, or makes it with new keys.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let named = |error: &dyn std::fmt::Display| Error::File(format!("{}: {error}", path.display()));
        match File::open(path) {
            Ok(file) => Self::read(file, path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let keys = Self { signing: SigningKey::random(), pin: PinKey::random() };
                match write_private(path, &keys.text()?) {
                    Ok(()) => Ok(keys),
                    // Another process was first.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::open(path),
                    Err(error) => Err(named(&error)),
                }
            }
            Err(error) => Err(named(&error)),
        }
    }

    fn read(file: File, path: &Path) -> Result<Self> {
        let bad = || Error::File(format!("{}: this is no file of headquarters' keys", path.display()));
        refuse_readable_by_others(&file, path)?;
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

/// Writes a file that its owner alone may read, whole or not at all. An existing one is left as it is.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // Temporary files are their owner's alone.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn refuse_readable_by_others(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // The last six bits are what the group and all others may do.
    let mode = file.metadata().map_err(|error| Error::File(format!("{}: {error}", path.display())))?.permissions().mode();
    if mode.trailing_zeros() >= 6 {
        return Ok(());
    }
    let what = format!("{}: others than its owner may read this file of secret keys", path.display());
    Err(Error::refused(what, format!("chmod 600 {}", path.display())))
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_read_by_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hq.keys");
        let made = Keys::open(&path).unwrap();
        let again = Keys::open(&path).unwrap();
        assert_eq!(made.signing.verifying_key().to_string(), again.signing.verifying_key().to_string());
        assert_eq!(made.pin.secret(), again.pin.secret());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            let error = Keys::open(&path).err().expect("refused");
            assert_eq!(error.hint(), format!("chmod 600 {}", path.display()));
        }
    }

    #[test]
    fn a_damaged_file_is_refused_without_a_word_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hq.keys");
        write_private(&path, "signing_key = \"canary\"\npin_key = \"canary\"\n").unwrap();
        let error = Keys::open(&path).err().expect("refused").to_string();
        assert!(error.ends_with("this is no file of headquarters' keys"), "{error}");
    }
}
