//! Files and folders that their owner alone may use: journals, databases and packages hold what people bought and hashes of PINs, other
//! files keys and tokens.
//!
//! Whoever keeps such a file makes it here. Where files have no modes, the folder they stand in has to keep others out.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Makes a folder where there is none, and those it stands in. One that is there is left as it is.
pub fn folder(path: &Path) -> io::Result<()> {
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path)
}

/// How such a file is opened when it may have to be made.
pub fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes an empty file, whatever was there before.
pub fn create(path: &Path) -> io::Result<File> {
    options().write(true).create(true).truncate(true).open(path)
}

/// Writes a new file, whole or not at all. An existing one is left as it is, which is an error.
pub fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    self::folder(folder)?;
    // Temporary files are their owner's alone.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Makes an empty file where there is none, and keeps others from one that is there.
pub fn file(path: &Path) -> io::Result<()> {
    file_or_found(path)?;
    keep_others_out(path)
}

/// Makes an empty file where there is none. One that is there is left as it is: it may be something else.
pub fn file_or_found(path: &Path) -> io::Result<()> {
    options().append(true).create(true).open(path).map(drop)
}

/// Takes from others what an earlier version or a copy let them do with a file.
pub fn keep_others_out(path: &Path) -> io::Result<()> {
    if is_open(&path.metadata()?) {
        #[cfg(unix)]
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    Ok(())
}

/// Whether others than its owner may do anything with a file.
pub fn is_open(about: &Metadata) -> bool {
    /// What the group and all others may do.
    #[cfg(unix)]
    const OTHERS: u32 = 0o077;
    #[cfg(unix)]
    let is_open = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & OTHERS != 0;
    #[cfg(not(unix))]
    let is_open = {
        let _ = about;
        false
    };
    is_open
}
