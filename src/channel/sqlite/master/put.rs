//! Putting a finished file in the place of another, so that a crash leaves one or the other.
//!
//! A rename alone does not: `SQLite`'s log stands in a file beside, and a new database with the old one's log is damaged. So a checked
//! file first gets the name [`waiting`], and from then on it supersedes the other: whoever opens that one takes it in before.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::super::open::{self, Schema};
use super::{check_full, data_version};
use crate::channel::{ChannelError, Result};

/// Where a checked file waits to supersede the one at `master`.
pub fn waiting(master: &Path) -> PathBuf {
    beside(master, ".next")
}

/// Lets a finished file, which must be synced and lie on the same disk, wait to take the place of `master`. Whoever made the file has looked
/// it through, and whoever fetched it has compared its digest; asked here is only whether it is of this program's schema and the version.
pub fn prepare(finished: &Path, master: &Path, version: u64) -> Result<()> {
    check_full(finished)?;
    let database = open::finished(finished, Schema::Master).map_err(|error| ChannelError::broken(format!("the new database: {error}")))?;
    let found = data_version(&database)?;
    drop(database);
    if found != version {
        return Err(ChannelError::broken(format!("the new database has version {found}, expected {version}")));
    }
    fs::rename(finished, waiting(master)).map_err(|error| not_put(&error))?;
    sync_folder(master);
    Ok(())
}

/// Puts the file that waits in its place; whether there was one. Who reads the old one reads it to the end. The same whether it is done
/// for the first time or again after a crash in the middle.
pub fn take_in(master: &Path) -> io::Result<bool> {
    let waiting = waiting(master);
    if !waiting.try_exists()? {
        return Ok(false);
    }
    for log in ["-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(master, log)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(waiting, master)?;
    sync_folder(master);
    Ok(true)
}

/// What `take_in` says when the disk fails.
pub(super) fn not_put(error: &io::Error) -> ChannelError {
    ChannelError::broken(format!("the new database cannot be put in its place: {error}"))
}

/// Another name in the same folder.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A new name is durable with its folder; not every system can sync one.
fn sync_folder(file: &Path) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
