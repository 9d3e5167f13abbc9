//! Fetching a package's file: resumed where the last try was cut, and never more in memory than a chunk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::file::Hashed;
use super::{Manifest, PackageError, SignedManifest};
use crate::channel::Result;

/// Bytes taken at once.
const CHUNK: usize = 64 * 1_024;

/// Where packages come from: headquarters for a scale unit, its scale unit for a register.
pub trait Source: Send + Sync {
    /// Packages that lead beyond a version, oldest first.
    fn manifests(&self, after: u64) -> Result<Vec<SignedManifest>>;

    /// The bytes of a package's file from an offset on.
    fn file(&self, id: u64, from: u64) -> Result<Box<dyn Read + Send>>;
}

/// Where the file of a package is gathered.
pub fn part(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.part"))
}

/// Fetches a package's file into a folder and returns its path: [`part`]. It goes on where an earlier try ended; when the whole is not
/// what the manifest says, all of it is fetched once more.
pub fn fetch(source: &dyn Source, manifest: &Manifest, folder: &Path) -> std::result::Result<PathBuf, PackageError> {
    let path = part(folder, manifest.id);
    let begun = fs::metadata(&path).map_or(0, |file| file.len());
    let fetched = if begun > manifest.bytes { Err(PackageError::damaged("it is too long")) } else { go_on(source, manifest, &path) };
    match fetched {
        Err(PackageError::Damaged(_)) if begun > 0 => {
            remove(&path)?;
            go_on(source, manifest, &path)
        }
        other => other,
    }
    .inspect_err(|error| {
        if matches!(error, PackageError::Damaged(_)) {
            // One that stays is found to be wrong by the next try.
            let _ = remove(&path);
        }
    })?;
    Ok(path)
}

/// Appends what is missing.
fn go_on(source: &dyn Source, manifest: &Manifest, path: &Path) -> std::result::Result<(), PackageError> {
    let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(PackageError::disk)?;
    let mut hashed = Hashed::new(file);
    hashed.read_to_end_of(manifest.bytes)?;
    let begun = hashed.passed();
    if begun < manifest.bytes {
        let missing = source.file(manifest.id, begun)?.take(manifest.bytes - begun);
        append(missing, &mut hashed).map_err(|end| match end {
            End::Disk(error) => PackageError::disk(error),
            End::Road(why) => PackageError::Cut { have: file_length(path), bytes: manifest.bytes, why },
        })?;
        if hashed.passed() < manifest.bytes {
            return Err(PackageError::Cut { have: hashed.passed(), bytes: manifest.bytes, why: "the answer ended".to_owned() });
        }
    }
    hashed.check(manifest)
}

enum End {
    Disk(io::Error),
    Road(String),
}

fn append(mut from: impl Read, to: &mut Hashed<File>) -> std::result::Result<(), End> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => to.write_all(&chunk[..read]).map_err(End::Disk)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(End::Road(error.to_string())),
        }
    }
}

fn file_length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

fn remove(path: &Path) -> std::result::Result<(), PackageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PackageError::disk(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::testing::packed;
    use super::*;
    use crate::channel::{ChannelError, ErrorKind};
    use crate::connection::Failure;

    /// Serves one file, each time as many bytes as it is told and then an error; none without orders.
    struct Road {
        bytes: Vec<u8>,
        cuts: Mutex<Vec<usize>>,
        asked_from: Mutex<Vec<u64>>,
    }

    impl Road {
        fn new(bytes: Vec<u8>, cuts: &[usize]) -> Self {
            Self { bytes, cuts: Mutex::new(cuts.to_vec()), asked_from: Mutex::default() }
        }
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }

    impl Source for Road {
        fn manifests(&self, _: u64) -> Result<Vec<SignedManifest>> {
            Ok(Vec::new())
        }

        fn file(&self, _: u64, from: u64) -> Result<Box<dyn Read + Send>> {
            self.asked_from.lock().unwrap().push(from);
            let rest = self.bytes[usize::try_from(from).unwrap()..].to_vec();
            Ok(match self.cuts.lock().unwrap().pop() {
                Some(cut) => Box::new(io::Cursor::new(rest).take(cut as u64).chain(Broken)),
                None => Box::new(io::Cursor::new(rest)),
            })
        }
    }

    fn content() -> Vec<u8> {
        let mut chance = 7;
        (0..40_000).map(|_| crate::ids::splitmix64(&mut chance).to_le_bytes()[0]).collect()
    }

    #[test]
    fn a_download_cut_at_many_places_goes_on_there() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), &content());
        let whole = fs::read(file).unwrap();
        let mut chance = 50;
        for _ in 0..50 {
            let cut = usize::try_from(crate::ids::splitmix64(&mut chance) % manifest.bytes).unwrap();
            let road = Road::new(whole.clone(), &[cut]);
            let first = fetch(&road, &manifest, folder.path());
            assert!(matches!(first, Err(PackageError::Cut { have, .. }) if have == cut as u64), "{cut}: {first:?}");
            let path = fetch(&road, &manifest, folder.path()).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole, "{cut}");
            assert_eq!(*road.asked_from.lock().unwrap(), [0, cut as u64]);
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn what_is_there_already_is_not_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), &content());
        let road = Road::new(fs::read(file).unwrap(), &[]);
        for _ in 0..2 {
            fetch(&road, &manifest, folder.path()).unwrap();
        }
        assert_eq!(*road.asked_from.lock().unwrap(), [0]);
    }

    #[test]
    fn a_part_that_is_wrong_is_fetched_again_once() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), &content());
        let whole = fs::read(file).unwrap();
        for wrong in [vec![9; 100], vec![9; whole.len()], vec![9; whole.len() + 1]] {
            fs::write(part(folder.path(), manifest.id), wrong).unwrap();
            let path = fetch(&Road::new(whole.clone(), &[]), &manifest, folder.path()).unwrap();
            assert_eq!(fs::read(path).unwrap(), whole);
        }
    }

    #[test]
    fn a_source_that_lies_is_refused_and_nothing_of_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), &content());
        let mut changed = fs::read(file).unwrap();
        changed[1_000] ^= 1;
        let road = Road::new(changed, &[]);
        assert_eq!(fetch(&road, &manifest, folder.path()), Err(PackageError::damaged("its digest is another")));
        assert!(!part(folder.path(), manifest.id).exists());
    }

    #[test]
    fn an_unreachable_source_is_told_as_it_is() {
        struct Away;
        impl Source for Away {
            fn manifests(&self, _: u64) -> Result<Vec<SignedManifest>> {
                Ok(Vec::new())
            }
            fn file(&self, _: u64, _: u64) -> Result<Box<dyn Read + Send>> {
                Err(ChannelError::unreachable(Failure::NobodyListens))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let (_, manifest) = packed(folder.path(), &content());
        let Err(PackageError::Source(error)) = fetch(&Away, &manifest, folder.path()) else { panic!("it is away") };
        assert_eq!(error.kind, ErrorKind::Unreachable(Failure::NobodyListens));
    }
}
