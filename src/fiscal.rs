//! The fiscal unit: what signs the records of a journal, behind one port.
//!
//! The journal asks it, once a record and inside the commit, and goes on without it when it fails: the record then says so itself. The
//! unit of a register that has no other is [`SoftwareUnit`], a key in a file. A unit must answer within a bounded time, knows nothing of
//! what it signs, and keeps nothing of it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::private::{self, write_new};
use crate::secret::Secret;
use crate::signature::{SigningKey, VerifyingKey};

/// Signs records.
pub trait FiscalUnit: Send {
    /// The public half of the key it signs with at this moment. Another one than before is written down with the next record.
    fn key(&mut self) -> Result<VerifyingKey, FiscalError>;

    /// The signature of a record's link in the chain, in hexadecimal.
    fn sign(&mut self, link: &str) -> Result<String, FiscalError>;
}

/// The unit has failed: this record has no signature of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FiscalError {
    /// Nothing answers.
    #[error("the signing unit does not answer: {why}")]
    Unreachable {
        /// In the words of the system or the unit.
        why: String,
    },
    /// It answers, and does not sign.
    #[error("the signing unit refuses: {why}")]
    Refused {
        /// In its words.
        why: String,
    },
}

/// The key's file beside the journal.
const KEY: &str = "journal.key";
/// A longer file is none of a key.
const BYTES_MAX: u64 = 4_096;

/// The register's own key, made at its first use, in a file that only its owner may read.
pub struct SoftwareUnit {
    path: PathBuf,
    key: Option<SigningKey>,
}

impl SoftwareUnit {
    /// The unit of a data directory. It touches no file before it is asked.
    pub fn of(directory: &Path) -> Self {
        Self { path: directory.join(KEY), key: None }
    }

    fn signing_key(&mut self) -> Result<&SigningKey, FiscalError> {
        let key = match self.key.take() {
            Some(key) => key,
            None => self.read_or_make()?,
        };
        Ok(self.key.insert(key))
    }

    fn read_or_make(&self) -> Result<SigningKey, FiscalError> {
        match File::open(&self.path) {
            Ok(file) => self.read(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = SigningKey::random();
                write_new(&self.path, key.to_secret().reveal()).map_err(|error| self.unreachable(&error))?;
                Ok(key)
            }
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    fn read(&self, file: File) -> Result<SigningKey, FiscalError> {
        let refused = |why: &str| FiscalError::Refused { why: format!("{} {why}", self.path.display()) };
        if private::is_open(&file.metadata().map_err(|error| self.unreachable(&error))?) {
            return Err(refused("may be read by others than its owner"));
        }
        let mut text = String::new();
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| self.unreachable(&error))?;
        SigningKey::from_secret(&Secret::new(text.trim())).ok_or_else(|| refused("is no key"))
    }

    fn unreachable(&self, error: &std::io::Error) -> FiscalError {
        FiscalError::Unreachable { why: format!("{}: {error}", self.path.display()) }
    }
}

impl FiscalUnit for SoftwareUnit {
    fn key(&mut self) -> Result<VerifyingKey, FiscalError> {
        Ok(self.signing_key()?.verifying_key())
    }

    fn sign(&mut self, link: &str) -> Result<String, FiscalError> {
        Ok(self.signing_key()?.sign(link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut unit = SoftwareUnit::of(folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let (key, signature) = (unit.key().unwrap(), unit.sign("link").unwrap());
        assert!(key.verify("link", &signature) && !key.verify("another", &signature));
        assert_eq!(SoftwareUnit::of(folder.path()).key(), Ok(key));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.path().join(KEY);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            assert!(matches!(SoftwareUnit::of(folder.path()).key(), Err(FiscalError::Refused { .. })));
        }
    }

    #[test]
    fn a_file_that_is_no_key_fails_without_being_quoted_and_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY);
        let whole = SigningKey::random().to_secret().reveal().to_owned();
        write_new(&path, &whole[..50]).unwrap();
        let mut unit = SoftwareUnit::of(folder.path());
        let error = unit.sign("link").unwrap_err();
        assert!(matches!(error, FiscalError::Refused { .. }) && !error.to_string().contains(&whole[..50]), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole[..50]);
        std::fs::remove_file(&path).unwrap();
        write_new(&path, &whole).unwrap();
        assert!(unit.sign("link").is_ok(), "it is looked at again");
    }
}
