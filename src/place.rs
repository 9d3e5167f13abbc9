//! Where an open file stands. A database whose file is moved away or deleted while it is open would go on taking what nobody finds later;
//! journal, channel database and headquarters commit only while their file is in its place.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::ffi::SQLITE_CONSTRAINT_COMMITHOOK;

/// What is said of such a file.
pub(crate) const MOVED: &str = "the file was moved away or deleted while this program has it open";

/// From here on the connection commits only while the file at `path` is the one that is there at this moment.
pub(crate) fn commit_in_place(database: &mut Connection, path: &Path) -> rusqlite::Result<()> {
    // A file whose place cannot be asked now is not watched.
    let Ok(place) = Place::of(path) else { return Ok(()) };
    database.commit_hook(Some(move || !place.is_held()))
}

/// Whether that is why a commit failed.
pub(crate) fn was_moved(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_CONSTRAINT_COMMITHOOK)
}

/// A file that was found at a path.
struct Place {
    path: PathBuf,
    file: Identity,
}

/// What a file keeps when it is moved, and no other has. Where the system does not tell, all files are the same.
type Identity = (u64, u64);

impl Place {
    /// The file that is there.
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: identity(&fs::metadata(path)?) })
    }

    /// Whether it is still there. What cannot be asked counts as yes: the disk says itself what is wrong with it.
    fn is_held(&self) -> bool {
        match fs::metadata(&self.path) {
            Ok(about) => identity(&about) == self.file,
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }
}

#[cfg(unix)]
fn identity(about: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (about.dev(), about.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_its_place_until_it_is_moved_or_another_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, away) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&path, "a").unwrap();
        let place = Place::of(&path).unwrap();
        fs::write(&path, "more").unwrap();
        assert!(place.is_held());
        fs::rename(&path, &away).unwrap();
        assert!(!place.is_held());
        fs::write(&path, "another").unwrap();
        assert!(!place.is_held());
        fs::rename(&away, &path).unwrap();
        assert!(place.is_held());
    }
}
