//! The offline database as registers download it: made once for each version of the master data, compressed, kept in a folder of its own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::channel::sqlite::SqliteChannel;
use crate::channel::{Channel, ChannelError, Refusal, Result};

/// zstd's own default: a million products in a third of a second a core.
const COMPRESSION: i32 = 3;

pub(super) struct Shelf {
    folder: TempDir,
    current: Mutex<Option<(u64, PathBuf)>>,
}

/// An open package.
pub(super) struct Package {
    pub(super) version: u64,
    pub(super) file: File,
    pub(super) length: u64,
}

impl Shelf {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { folder: tempfile::Builder::new().prefix("evertill-shelf-").tempdir()?, current: Mutex::default() })
    }

    /// The package of the present version; whoever asks first makes it, the others wait.
    pub(super) fn package(&self, channel: &SqliteChannel) -> Result<Package> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let version = channel.data_version()?;
        if version == 0 {
            return Err(ChannelError::refused(Refusal::NotFound, "no master data have been loaded yet"));
        }
        if let Some((kept, path)) = current.as_ref().filter(|(kept, _)| *kept == version) {
            return open(*kept, path).map_err(not_kept);
        }
        let (version, path) = self.make(channel)?;
        if let Some((_, old)) = current.replace((version, path.clone())) {
            // Whoever downloads it still has it open.
            let _ = std::fs::remove_file(old);
        }
        open(version, &path).map_err(not_kept)
    }

    fn make(&self, channel: &SqliteChannel) -> Result<(u64, PathBuf)> {
        let database = tempfile::Builder::new().prefix("export-").tempdir_in(&self.folder).map_err(not_kept)?;
        let database = database.path().join("offline.db");
        let version = channel.export_master_data(&database)?;
        let path = self.folder.path().join(format!("{version}.zst"));
        compress(&database, &path).map_err(not_kept)?;
        Ok((version, path))
    }
}

fn compress(database: &Path, to: &Path) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(File::create(to)?, COMPRESSION)?;
    encoder.include_checksum(true)?;
    io::copy(&mut File::open(database)?, &mut encoder)?;
    encoder.finish()?;
    Ok(())
}

fn open(version: u64, path: &Path) -> io::Result<Package> {
    let file = File::open(path)?;
    Ok(Package { version, length: file.metadata()?.len(), file })
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn not_kept(error: io::Error) -> ChannelError {
    ChannelError::broken(format!("the offline database cannot be made: {error}"))
}
