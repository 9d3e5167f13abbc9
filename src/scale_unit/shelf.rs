//! The packages a scale unit hands on to its registers: a folder with each one's file and signed manifest, as they came from headquarters.
//!
//! The distribution loop puts them there, the handlers take them from there. The newest full package and what follows it are kept; a
//! register that has an older version fetches the full one. A scale unit that starts with an empty folder fetches again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use crate::package::{Kind, LISTED_MAX, Manifest, SignedManifest};
use crate::private;

/// The folder.
pub struct Shelf {
    folder: PathBuf,
    /// In order of number.
    packages: RwLock<Vec<Package>>,
    putting: Mutex<()>,
}

struct Package {
    manifest: Manifest,
    signed: SignedManifest,
}

/// What is on the shelf under a number.
#[derive(Debug)]
pub enum Shelved {
    /// Its file.
    File(File),
    /// It comes, or another scale unit of the store has it already.
    Expected,
    /// A later full package made it unnecessary, or there never was one.
    Gone,
}

impl Shelf {
    /// A folder, made when there is none; what is whole in it is on the shelf.
    pub fn open(folder: &Path) -> io::Result<Self> {
        private::folder(folder)?;
        let mut packages = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(package) = read(&path)
                && file_of(folder, package.manifest.id).exists()
            {
                packages.push(package);
            }
        }
        let shelf = Self { folder: folder.to_owned(), packages: RwLock::new(Vec::new()), putting: Mutex::default() };
        shelf.fill(packages);
        Ok(shelf)
    }

    /// Puts a package there whose signature and digest were checked; the file is moved. What it makes unnecessary goes.
    pub fn put(&self, signed: &SignedManifest, file: &Path) -> io::Result<()> {
        let _one_at_a_time = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest: Manifest = serde_json::from_str(&signed.manifest)?;
        let id = manifest.id;
        move_file(file, &file_of(&self.folder, id), &self.folder)?;
        let mut text = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut text, signed)?;
        text.as_file().sync_all()?;
        // The manifest comes last: what has one is whole.
        text.persist(manifest_of(&self.folder, id))?;
        self.fill(vec![Package { manifest, signed: signed.clone() }]);
        Ok(())
    }

    /// Adds packages, and removes what the newest full one makes unnecessary.
    fn fill(&self, new: Vec<Package>) {
        let mut packages = self.packages.write().unwrap_or_else(PoisonError::into_inner);
        packages.retain(|package| new.iter().all(|new| new.manifest.id != package.manifest.id));
        packages.extend(new);
        packages.sort_by_key(|package| package.manifest.id);
        let newest_full = packages.iter().rposition(|package| package.manifest.kind == Kind::Full).unwrap_or(0);
        for package in packages.drain(..newest_full) {
            // Whoever fetches it still has it open; what cannot be removed is tried again at the next start.
            let _ = fs::remove_file(manifest_of(&self.folder, package.manifest.id));
            let _ = fs::remove_file(file_of(&self.folder, package.manifest.id));
        }
    }

    /// Manifests of the packages that lead beyond a version, oldest first, [`LISTED_MAX`] at most.
    pub fn manifests(&self, after: u64) -> Vec<SignedManifest> {
        let packages = self.packages.read().unwrap_or_else(PoisonError::into_inner);
        let beyond = packages.iter().filter(|package| package.manifest.to_version > after);
        beyond.take(LISTED_MAX).map(|package| package.signed.clone()).collect()
    }

    /// The version the newest package leads to; 0 without any.
    pub fn version(&self) -> u64 {
        let packages = self.packages.read().unwrap_or_else(PoisonError::into_inner);
        packages.iter().map(|package| package.manifest.to_version).max().unwrap_or(0)
    }

    /// The file of a package.
    pub fn take(&self, id: u64) -> io::Result<Shelved> {
        let packages = self.packages.read().unwrap_or_else(PoisonError::into_inner);
        if packages.iter().any(|package| package.manifest.id == id) {
            return File::open(file_of(&self.folder, id)).map(Shelved::File);
        }
        let is_newer = packages.last().is_none_or(|newest| newest.manifest.id < id);
        Ok(if is_newer { Shelved::Expected } else { Shelved::Gone })
    }
}

fn read(path: &Path) -> Option<Package> {
    let signed: SignedManifest = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let manifest = serde_json::from_str(&signed.manifest).ok()?;
    Some(Package { manifest, signed })
}

fn file_of(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.zst"))
}

fn manifest_of(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// Moves a file, from another file system too, so that it is whole as soon as it has its name.
fn move_file(from: &Path, to: &Path, folder: &Path) -> io::Result<()> {
    if fs::rename(from, to).is_ok() {
        return Ok(());
    }
    let mut copy = tempfile::NamedTempFile::new_in(folder)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    copy.as_file().sync_all()?;
    copy.persist(to)?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;

    fn put(shelf: &Shelf, folder: &Path, id: u64, kind: Kind, to_version: u64) {
        let file = folder.join("incoming");
        fs::write(&file, format!("package {id}")).unwrap();
        let manifest = Manifest {
            id,
            group: "343".to_owned(),
            job: 1040,
            kind,
            to_version,
            schema: 1,
            rows: 1,
            bytes: 9,
            unpacked_bytes: 9,
            digest: String::new(),
            made_at: Time::UNIX_EPOCH,
        };
        let signed = SignedManifest { manifest: serde_json::to_string(&manifest).unwrap(), signature: String::new() };
        shelf.put(&signed, &file).unwrap();
        assert!(!file.exists(), "it is moved");
    }

    fn versions(shelf: &Shelf, after: u64) -> Vec<u64> {
        let version = |signed: SignedManifest| serde_json::from_str::<Manifest>(&signed.manifest).unwrap().to_version;
        shelf.manifests(after).into_iter().map(version).collect()
    }

    #[test]
    fn the_newest_full_package_and_what_follows_are_kept_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (incoming, place) = (tempfile::tempdir().unwrap(), folder.path().join("packages"));
        let shelf = Shelf::open(&place).unwrap();
        assert_eq!(versions(&shelf, 0), <[u64; 0]>::default());
        assert!(matches!(shelf.take(1).unwrap(), Shelved::Expected));
        put(&shelf, incoming.path(), 1, Kind::Full, 10);
        put(&shelf, incoming.path(), 4, Kind::Delta { from_version: 10 }, 11);
        assert_eq!((versions(&shelf, 0), versions(&shelf, 10)), (vec![10, 11], vec![11]));
        put(&shelf, incoming.path(), 6, Kind::Full, 12);
        put(&shelf, incoming.path(), 7, Kind::Delta { from_version: 12 }, 13);
        put(&shelf, incoming.path(), 7, Kind::Delta { from_version: 12 }, 13);
        fs::write(place.join("8.zst"), "no manifest yet").unwrap();
        fs::write(place.join("9.json"), "no manifest").unwrap();
        for shelf in [shelf, Shelf::open(&place).unwrap()] {
            assert_eq!(versions(&shelf, 0), [12, 13]);
            assert!(matches!(shelf.take(1).unwrap(), Shelved::Gone));
            assert!(matches!(shelf.take(8).unwrap(), Shelved::Expected));
            let Shelved::File(file) = shelf.take(7).unwrap() else { panic!("it is there") };
            assert_eq!(io::read_to_string(file).unwrap(), "package 7");
        }
        assert!(!place.join("1.zst").exists() && !place.join("4.json").exists());
    }
}
