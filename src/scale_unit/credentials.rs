//! A scale unit's credentials: a file that headquarters writes for it (`evertill hq scale-unit add`), which only its owner may read.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::private;
use crate::secret::Secret;

/// Bytes of the file at most.
const FILE_MAX: u64 = 64 * 1_024;

/// What a scale unit shows headquarters, and what it checks headquarters' packages and its own store's PINs with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The store it serves.
    pub store: String,
    /// Headquarters' Ed25519 key, in hexadecimal: only packages signed with it are applied.
    pub headquarters_key: String,
    /// Authenticates the scale unit at headquarters.
    pub token: Secret,
    /// What PIN hashes are bound to, in hexadecimal; it is in no database.
    pub pin_key: Secret,
}

impl Credentials {
    /// Reads the file; one that others may read is refused.
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let error = |problem| CredentialsError { path: path.to_owned(), problem };
        let about = std::fs::metadata(path).map_err(|found| error(Problem::Unreadable(found.to_string())))?;
        if about.len() > FILE_MAX {
            return Err(error(Problem::Malformed("it is too large".to_owned())));
        }
        if private::is_open(&about) {
            return Err(error(Problem::Open));
        }
        let text = std::fs::read_to_string(path).map_err(|found| error(Problem::Unreadable(found.to_string())))?;
        // The parser's longer words quote the line, and a secret may stand in it.
        toml::from_str(&text).map_err(|found| error(Problem::Malformed(found.message().to_owned())))
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("four texts are TOML")
    }
}

/// Why credentials cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct CredentialsError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Unreadable(String),
    #[error("others than its owner may read these credentials")]
    Open,
    #[error("these are no credentials: {0}")]
    Malformed(String),
}

impl CredentialsError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self.problem {
            Problem::Unreadable(_) => {
                "name the file that `evertill hq scale-unit add` wrote, and see that this user may read it".to_owned()
            }
            Problem::Open => format!("chmod 600 {}", self.path.display()),
            Problem::Malformed(_) => "have headquarters write them again: `evertill hq scale-unit add`".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            store: "343".to_owned(),
            headquarters_key: "ab".repeat(32),
            token: Secret::new("canary token"),
            pin_key: Secret::new("canary key"),
        }
    }

    #[test]
    fn what_headquarters_writes_is_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scale-unit.toml");
        std::fs::write(&path, credentials().to_toml()).unwrap();
        for (mode, expected) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o666, false)] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let read = Credentials::read(&path);
            assert_eq!(read.is_ok(), expected, "{mode:o}");
            match read {
                Ok(read) => assert_eq!(read, credentials()),
                Err(error) => assert_eq!(error.hint(), format!("chmod 600 {}", path.display())),
            }
        }
    }

    #[test]
    fn neither_a_message_nor_debug_repeats_a_secret() {
        assert!(!format!("{:?}", credentials()).contains("canary"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scale-unit.toml");
        for text in ["token = canary", "token = \"canary\"", "token = [\"canary\"]", "canary = 1\n", "pin_key = \"canary\" \"canary\""] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            let error = Credentials::read(&path).unwrap_err().to_string();
            assert!(!error.contains("canary") || text.starts_with("canary"), "{text}: {error}");
        }
        assert!(Credentials::read(&folder.path().join("nowhere")).unwrap_err().to_string().contains("nowhere"));
    }
}
