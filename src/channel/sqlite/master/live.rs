//! The file of master data as a channel holds it: live at a scale unit, a snapshot at a register.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::Connection;

use super::super::open::{self, OpenError, Schema};
use super::super::readers::Readers;
use super::super::{check, lock};
use super::{apply_delta, data_version, prepare, put, take_in, write_full};
use crate::channel::{ChannelError, ErrorKind, Result};
use crate::master_data::MasterData;
use crate::package::{Kind, Manifest};

pub(in crate::channel::sqlite) enum Master {
    /// Packages are applied to it; every read sees the newest.
    Live {
        path: PathBuf,
        readers: Readers,
        /// One change at a time.
        changing: Mutex<()>,
    },
    /// As it was when it was opened.
    Snapshot(Mutex<Connection>),
}

impl Master {
    /// Opens the live file, and makes it without data when there is none.
    pub(in crate::channel::sqlite) fn live(path: &Path) -> std::result::Result<Self, OpenError> {
        take_in(path).map_err(|error| OpenError::Io(error.to_string()))?;
        drop(open::for_writing(path, Schema::Master)?);
        Ok(Self::Live { path: path.to_owned(), readers: Readers::new(path, Schema::Master), changing: Mutex::default() })
    }

    /// Opens a snapshot of a file that is there.
    pub(in crate::channel::sqlite) fn snapshot(path: &Path) -> std::result::Result<Self, OpenError> {
        take_in(path).map_err(|error| OpenError::Io(error.to_string()))?;
        let database = open::snapshot(path, Schema::Master)?;
        // Here a disk that fails can be told from a file that is damaged.
        data_version(&database)?;
        Ok(Self::Snapshot(Mutex::new(database)))
    }

    pub(in crate::channel::sqlite) fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        match self {
            Self::Live { readers, .. } => readers.read(ask),
            Self::Snapshot(reader) => Ok(ask(&lock(reader))?),
        }
    }

    /// Asks several statements of one version.
    pub(in crate::channel::sqlite) fn read_at_once<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        match self {
            Self::Live { readers, .. } => readers.read(|database| {
                let transaction = database.unchecked_transaction()?;
                ask(&transaction)
            }),
            Self::Snapshot(_) => self.read(ask),
        }
    }

    /// Reads every table and its indexes for damage.
    pub(in crate::channel::sqlite) fn check(&self) -> Result<()> {
        self.read(|database| Ok(check(database)))?
    }

    /// Brings the file to the manifest's version.
    pub(in crate::channel::sqlite) fn apply(&self, manifest: &Manifest, unpacked: &Path) -> Result<()> {
        manifest.check_schema().map_err(ChannelError::broken)?;
        let (path, readers, _one_at_a_time) = self.changing()?;
        match manifest.kind {
            Kind::Full => {
                prepare(unpacked, path, manifest.to_version)?;
                readers.exchange(|| take_in(path).map(|_| ()).map_err(|error| put::not_put(&error)))
            }
            Kind::Delta { from_version } => apply_delta(path, unpacked, from_version, manifest.to_version),
        }
    }

    /// Replaces everything, and returns the new version.
    pub(in crate::channel::sqlite) fn load(&self, data: &MasterData) -> Result<u64> {
        let (path, readers, _one_at_a_time) = self.changing()?;
        let version = readers.read(data_version)? + 1;
        let new = put::beside(path, ".load");
        // What a crash left is written over.
        let _ = fs::remove_file(&new);
        write_full(&new, data, version)?;
        prepare(&new, path, version)?;
        readers.exchange(|| take_in(path).map(|_| ()).map_err(|error| put::not_put(&error)))?;
        Ok(version)
    }

    fn changing(&self) -> Result<(&Path, &Readers, std::sync::MutexGuard<'_, ()>)> {
        match self {
            Self::Live { path, readers, changing } => Ok((path, readers, lock(changing))),
            Self::Snapshot(_) => Err(ChannelError::new(ErrorKind::Unsupported, "this database is only read")),
        }
    }
}
