//! Packing a database into a package's file, and unpacking it within the bounds of its manifest.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Manifest, PackageError};
use crate::private;
use crate::secret::hex;

/// zstd's own default: a million products in a third of a second a core.
const COMPRESSION: i32 = 3;
/// Memory for unpacking: 2 to this power.
const WINDOW_LOG_MAX: u32 = 27;
/// Bytes unpacked at once.
const CHUNK: usize = 256 * 1_024;
/// Bytes that may be unpacked and not yet on the disk: a sale's own sync, in another file, may wait behind that many.
const UNSYNCED_MAX: usize = 8 * 1_024 * 1_024;

/// What a manifest says of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packed {
    /// Size of the compressed file.
    pub bytes: u64,
    /// Size of the database inside.
    pub unpacked_bytes: u64,
    /// SHA-256 of the compressed file, in hexadecimal.
    pub digest: String,
}

/// Compresses a finished database into a file at `to`.
pub fn pack(database: &Path, to: &Path) -> io::Result<Packed> {
    let mut database = File::open(database)?;
    let mut encoder = zstd::Encoder::new(Hashed::new(private::create(to)?), COMPRESSION)?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(database.metadata()?.len()))?;
    let unpacked_bytes = io::copy(&mut database, &mut encoder)?;
    let Hashed { hasher, bytes, .. } = encoder.finish()?;
    Ok(Packed { bytes, unpacked_bytes, digest: hex(&hasher.finalize()) })
}

/// Unpacks what comes of a package's file to `to`, as it comes; what is there already is written over. Only what the manifest says can come
/// out. Whether it is the manifest's file is for the caller to find out, and so is syncing the last of it, before anything of it is used.
pub(super) fn unpack(packed: impl BufRead, manifest: &Manifest, to: &Path) -> Result<File, PackageError> {
    let mut decoder = zstd::Decoder::with_buffer(packed).map_err(PackageError::damaged)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(PackageError::damaged)?;
    let mut database = private::create(to).map_err(PackageError::disk)?;
    let (mut chunk, mut unpacked, mut unsynced) = (vec![0; CHUNK], 0, 0);
    loop {
        let read = decoder.read(&mut chunk).map_err(PackageError::damaged)?;
        if read == 0 {
            break;
        }
        unpacked += read as u64;
        if unpacked > manifest.unpacked_bytes {
            return Err(PackageError::damaged(format!("it holds more than {} bytes", manifest.unpacked_bytes)));
        }
        database.write_all(&chunk[..read]).map_err(PackageError::disk)?;
        unsynced += read;
        if unsynced >= UNSYNCED_MAX {
            database.sync_data().map_err(PackageError::disk)?;
            unsynced = 0;
        }
    }
    if unpacked != manifest.unpacked_bytes {
        return Err(PackageError::damaged(format!("it holds {unpacked} bytes, expected {}", manifest.unpacked_bytes)));
    }
    Ok(database)
}

/// A file whose digest is taken while it goes by.
pub(super) struct Hashed<F> {
    file: F,
    hasher: Sha256,
    bytes: u64,
}

impl<F> Hashed<F> {
    pub(super) fn new(file: F) -> Self {
        Self { file, hasher: Sha256::new(), bytes: 0 }
    }

    /// Bytes that went by.
    pub(super) fn passed(&self) -> u64 {
        self.bytes
    }

    /// Whether exactly the file of a manifest went by.
    pub(super) fn check(self, manifest: &Manifest) -> Result<(), PackageError> {
        if self.bytes != manifest.bytes {
            return Err(PackageError::damaged(format!("it has {} bytes, expected {}", self.bytes, manifest.bytes)));
        }
        if hex(&self.hasher.finalize()) == manifest.digest { Ok(()) } else { Err(PackageError::damaged("its digest is another")) }
    }

    fn note(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<F: Read> Read for Hashed<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.note(&buffer[..read]);
        Ok(read)
    }
}

impl<F: Write> Write for Hashed<F> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.note(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::packed;
    use super::*;

    #[test]
    fn what_was_packed_comes_out() {
        let folder = tempfile::tempdir().unwrap();
        for content in [Vec::new(), vec![7], (0..=250).cycle().take(2 * CHUNK).collect()] {
            let (file, manifest) = packed(folder.path(), &content);
            let to = folder.path().join("out");
            unpack(&fs::read(file).unwrap()[..], &manifest, &to).unwrap();
            assert_eq!(fs::read(to).unwrap(), content);
        }
    }

    #[test]
    fn what_is_cut_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), b"a small database, a small database");
        let whole = fs::read(file).unwrap();
        for end in 0..whole.len() {
            let refused = unpack(&whole[..end], &manifest, &folder.path().join("out"));
            assert!(matches!(refused, Err(PackageError::Damaged(_))), "{end} bytes: {refused:?}");
        }
    }

    #[test]
    fn no_more_comes_out_than_the_manifest_says() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), &vec![0; 8 << 20]);
        let (small, to) = (Manifest { unpacked_bytes: 1_000, ..manifest }, folder.path().join("out"));
        let refused = unpack(&fs::read(file).unwrap()[..], &small, &to).unwrap_err();
        assert_eq!(refused, PackageError::Damaged("it holds more than 1000 bytes".to_owned()));
        assert!(fs::metadata(to).unwrap().len() <= CHUNK as u64, "nothing beyond one chunk is written");
    }
}
