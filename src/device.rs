//! The register's identity on its disk: which device this is, which register headquarters made it, and the secrets that came with that.
//!
//! One file, `device.json`, of the data directory's owner alone, written whole. The register reads it when it opens and writes it when it
//! is activated or deactivated; nobody else has a use for it. The journal does not know it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ids::RegisterId;
use crate::private;
use crate::realtime::Activated;
use crate::retail::register::Numbers;
use crate::secret::Secret;

/// The file's name in the data directory.
const NAME: &str = "device.json";
/// What it may be, in bytes: a hundred times what it is.
const BYTES_MAX: u64 = 64 * 1_024;

/// A device: a data directory on a machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its own name for itself, made up once and kept whatever becomes of it.
    pub id: String,
    /// Which register it is; absent before its activation and after its release.
    pub identity: Option<Identity>,
}

/// What headquarters gave the device at its activation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Which register it is.
    pub register: RegisterId,
    /// Authenticates it.
    pub token: Secret,
    /// What PIN hashes are bound to, in hexadecimal.
    pub pin_key: Secret,
    /// Headquarters' key, by which its packages are known, in hexadecimal.
    pub headquarters_key: String,
    /// The numbers from which the register goes on.
    pub numbers: Numbers,
    /// Whether headquarters has deactivated it since; its token is still good for bringing what it has to send.
    #[serde(default)]
    pub deactivated: bool,
}

impl From<Activated> for Identity {
    fn from(activated: Activated) -> Self {
        let Activated { register, token, pin_key, headquarters_key, numbers } = activated;
        Self { register, token, pin_key, headquarters_key, numbers, deactivated: false }
    }
}

/// Where a device keeps itself.
#[derive(Clone, Debug)]
pub struct DeviceFile {
    path: PathBuf,
}

/// Why a device is not known.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("{} may be used by others than its owner", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// It is not what this program wrote.
    #[error("{} is damaged at line {line}, column {column}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
}

impl DeviceError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Io { .. } => "see to the rights on the data directory and to the room on its disk".to_owned(),
            Self::Open { path } => {
                format!(
                    "`chmod 600 {}`; if others may have read it, deactivate the device at headquarters and activate it again",
                    path.display()
                )
            }
            Self::Corrupt { path, .. } => {
                format!("move {} away and activate the register again; its journal goes on where it is", path.display())
            }
        }
    }
}

impl DeviceFile {
    /// The file of a data directory.
    pub fn of(directory: &Path) -> Self {
        Self { path: directory.join(NAME) }
    }

    /// The device as the file has it; none where there is no file.
    pub fn read(&self) -> Result<Option<Device>, DeviceError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        self.check_rights(&file)?;
        let mut text = String::new();
        io::Read::read_to_string(&mut io::Read::take(file, BYTES_MAX), &mut text).map_err(|error| self.io(error))?;
        let device = serde_json::from_str(&text);
        // Not its words: they may quote what stands there.
        device.map(Some).map_err(|error| DeviceError::Corrupt { path: self.path.clone(), line: error.line(), column: error.column() })
    }

    /// The device as the file has it; a new one is made up and kept where there is none.
    pub fn read_or_begin(&self) -> Result<Device, DeviceError> {
        if let Some(device) = self.read()? {
            return Ok(device);
        }
        let device = Device { id: Secret::random().reveal()[..32].to_owned(), identity: None };
        self.write(&device)?;
        Ok(device)
    }

    /// Puts the device into the file: whole or not at all, and for its owner alone.
    pub fn write(&self, device: &Device) -> Result<(), DeviceError> {
        self.replace(device).map_err(|error| self.io(error))
    }

    fn replace(&self, device: &Device) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // Made with mode 600 wherever there are modes.
        let mut file = tempfile::Builder::new().prefix(".device-").suffix(".part").tempfile_in(folder)?;
        file.write_all(serde_json::to_string_pretty(device)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    fn check_rights(&self, file: &File) -> Result<(), DeviceError> {
        let about = file.metadata().map_err(|error| self.io(error))?;
        if private::is_open(&about) { Err(DeviceError::Open { path: self.path.clone() }) } else { Ok(()) }
    }

    fn io(&self, error: io::Error) -> DeviceError {
        DeviceError::Io { path: self.path.clone(), error }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn identity() -> Identity {
        Identity {
            register: RegisterId { store: "343".to_owned(), number: 2 },
            token: Secret::random(),
            pin_key: Secret::random(),
            headquarters_key: "00".repeat(32),
            numbers: Numbers { sequence: 9, receipt: 4, shift: 1 },
            deactivated: false,
        }
    }

    #[test]
    fn a_device_keeps_its_name_through_activation_and_release() {
        let folder = tempfile::tempdir().unwrap();
        let file = DeviceFile::of(folder.path());
        assert_eq!(file.read().unwrap(), None);
        let device = file.read_or_begin().unwrap();
        assert_eq!((device.id.len(), &device.identity), (32, &None));
        let activated = Device { identity: Some(identity()), ..device.clone() };
        file.write(&activated).unwrap();
        assert_eq!(file.read().unwrap(), Some(activated));
        file.write(&device).unwrap();
        assert_eq!(file.read_or_begin().unwrap(), device);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused_with_what_to_do() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = DeviceFile::of(folder.path());
        file.read_or_begin().unwrap();
        let mode = || fs::metadata(&file.path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        for open in [0o640, 0o604, 0o620] {
            fs::set_permissions(&file.path, fs::Permissions::from_mode(open)).unwrap();
            let error = file.read().unwrap_err();
            assert!(error.to_string().contains("by others") && error.hint().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_damaged_file_is_told_without_what_stands_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = DeviceFile::of(folder.path());
        let device = Device { identity: Some(identity()), ..file.read_or_begin().unwrap() };
        let token = device.identity.as_ref().unwrap().token.reveal().to_owned();
        file.write(&device).unwrap();
        let whole = fs::read_to_string(&file.path).unwrap();
        for damaged in [whole[..whole.len() / 2].to_owned(), whole.replace("\"token\"", "\"tocken\""), String::new()] {
            fs::write(&file.path, damaged).unwrap();
            let error = file.read().unwrap_err();
            assert!(matches!(error, DeviceError::Corrupt { .. }), "{error}");
            assert!(!format!("{error} {error:?} {}", error.hint()).contains(&token));
        }
        assert!(!format!("{device:?}").contains(&token));
    }
}
