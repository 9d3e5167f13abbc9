//! Fetching a package's file: resumed where the last try was cut, and never more in memory than a few chunks. A thread beside unpacks it as it
//! comes, so that the database is there when the digest is known.

use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::file::{Hashed, unpack};
use super::{Manifest, PackageError, SignedManifest};
use crate::channel::Result;
use crate::private;

/// Bytes taken at once.
const CHUNK: usize = 64 * 1_024;
/// Chunks that wait to be unpacked.
const CHUNKS_WAITING: usize = 32;

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

/// Fetches a package's file into a folder and returns its path, which is [`part`]; the database inside goes to `unpacked`, synced. The file
/// goes on where an earlier try ended; when the whole is not what the manifest says, all of it is fetched once more. What stands at
/// `unpacked` after an error is worth nothing.
pub fn fetch(source: &dyn Source, manifest: &Manifest, folder: &Path, unpacked: &Path) -> std::result::Result<PathBuf, PackageError> {
    let path = part(folder, manifest.id);
    let begun = fs::metadata(&path).map_or(0, |file| file.len());
    let go_on = || go_on(source, manifest, &path, unpacked);
    let fetched = if begun > manifest.bytes { Err(PackageError::damaged("it is too long")) } else { go_on() };
    match fetched {
        Err(PackageError::Damaged(_)) if begun > 0 => {
            remove(&path)?;
            go_on()
        }
        other => other,
    }
    .inspect_err(|error| {
        if matches!(error, PackageError::Damaged(_) | PackageError::Disk(_)) {
            // One that stays is found to be wrong by the next try; on a full disk its room is somebody else's.
            let _ = remove(&path);
        }
    })?;
    Ok(path)
}

/// Gathers what is missing, and has all of it unpacked meanwhile.
fn go_on(source: &dyn Source, manifest: &Manifest, path: &Path, unpacked: &Path) -> std::result::Result<(), PackageError> {
    let (chunks, waiting) = sync_channel(CHUNKS_WAITING);
    let database = thread::scope(|scope| {
        let unpacking = thread::Builder::new().name("unpack".to_owned());
        let unpacking = unpacking.spawn_scoped(scope, || unpack(Passed::new(waiting), manifest, unpacked)).map_err(PackageError::disk)?;
        let gathered = gather(source, manifest, path, &Passing(chunks));
        let unpacked = unpacking.join().unwrap_or_else(|panic| resume_unwind(panic));
        // What was unpacked of another file than the manifest's says nothing.
        gathered.and(unpacked)
    })?;
    database.sync_all().map_err(PackageError::disk)
}

/// Reads what is there, appends what is missing, and checks the whole.
fn gather(source: &dyn Source, manifest: &Manifest, path: &Path, passing: &Passing) -> std::result::Result<(), PackageError> {
    let file = private::options().read(true).append(true).create(true).open(path).map_err(PackageError::disk)?;
    let mut hashed = Hashed::new(file);
    let there = Read::by_ref(&mut hashed).take(manifest.bytes + 1);
    each_chunk(there, |chunk| {
        passing.pass(chunk);
        Ok(())
    })
    .map_err(|(End::Disk(error) | End::Road(error))| PackageError::disk(error))?;
    let begun = hashed.passed();
    if begun < manifest.bytes {
        let missing = source.file(manifest.id, begun)?.take(manifest.bytes - begun);
        each_chunk(missing, |chunk| {
            hashed.write_all(chunk)?;
            passing.pass(chunk);
            Ok(())
        })
        .map_err(|end| match end {
            End::Disk(error) => PackageError::disk(error),
            End::Road(error) => PackageError::Cut { have: file_length(path), bytes: manifest.bytes, why: error.to_string() },
        })?;
        if hashed.passed() < manifest.bytes {
            return Err(PackageError::Cut { have: hashed.passed(), bytes: manifest.bytes, why: "the answer ended".to_owned() });
        }
    }
    hashed.check(manifest)
}

enum End {
    Disk(io::Error),
    Road(io::Error),
}

fn each_chunk(mut from: impl Read, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> std::result::Result<(), End> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => take(&chunk[..read]).map_err(End::Disk)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(End::Road(error)),
        }
    }
}

/// The end of those who gather.
struct Passing(SyncSender<Vec<u8>>);

impl Passing {
    /// Hands a chunk on. Whoever unpacks may have failed already: then the file is gathered all the same, and its digest says whether to
    /// keep it.
    fn pass(&self, chunk: &[u8]) {
        let _ = self.0.send(chunk.to_vec());
    }
}

/// The end of those who unpack; it ends where the gathering ends, be it in the middle.
struct Passed {
    chunks: Receiver<Vec<u8>>,
    chunk: Vec<u8>,
    used: usize,
}

impl Passed {
    fn new(chunks: Receiver<Vec<u8>>) -> Self {
        Self { chunks, chunk: Vec::new(), used: 0 }
    }
}

impl BufRead for Passed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.chunk.len() {
            (self.chunk, self.used) = (self.chunks.recv().unwrap_or_default(), 0);
        }
        Ok(&self.chunk[self.used..])
    }

    fn consume(&mut self, amount: usize) {
        self.used += amount;
    }
}

impl Read for Passed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
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

    fn fetched(source: &dyn Source, manifest: &Manifest, folder: &Path) -> std::result::Result<PathBuf, PackageError> {
        fetch(source, manifest, folder, &folder.join("out"))
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
            let first = fetched(&road, &manifest, folder.path());
            assert!(matches!(first, Err(PackageError::Cut { have, .. }) if have == cut as u64), "{cut}: {first:?}");
            let path = fetched(&road, &manifest, folder.path()).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole, "{cut}");
            assert_eq!(fs::read(folder.path().join("out")).unwrap(), content(), "{cut}");
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
            fetched(&road, &manifest, folder.path()).unwrap();
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
            let path = fetched(&Road::new(whole.clone(), &[]), &manifest, folder.path()).unwrap();
            assert_eq!(fs::read(path).unwrap(), whole);
        }
    }

    #[test]
    fn a_source_that_lies_is_refused_and_nothing_of_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), &content());
        let whole = fs::read(file).unwrap();
        for at in (0..whole.len()).step_by(997) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let refused = fetched(&Road::new(changed, &[]), &manifest, folder.path());
            assert_eq!(refused, Err(PackageError::damaged("its digest is another")), "byte {at}");
            assert!(!part(folder.path(), manifest.id).exists());
        }
    }

    #[test]
    fn one_changed_bit_anywhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), b"a small database, a small database");
        let whole = fs::read(&file).unwrap();
        for at in 0..8 * whole.len() {
            let mut changed = whole.clone();
            changed[at / 8] ^= 1 << (at % 8);
            let refused = fetched(&Road::new(changed, &[]), &manifest, folder.path());
            assert_eq!(refused, Err(PackageError::damaged("its digest is another")), "bit {at}");
        }
    }

    #[test]
    fn a_right_file_that_cannot_be_unpacked_is_damaged_or_a_matter_of_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (file, manifest) = packed(folder.path(), &content());
        let road = Road::new(fs::read(file).unwrap(), &[]);
        let larger = Manifest { unpacked_bytes: manifest.unpacked_bytes + 1, ..manifest.clone() };
        assert_eq!(fetched(&road, &larger, folder.path()), Err(PackageError::damaged("it holds 40000 bytes, expected 40001")));
        assert!(!part(folder.path(), manifest.id).exists());
        let no_file = fetch(&road, &manifest, folder.path(), folder.path());
        assert!(matches!(no_file, Err(PackageError::Disk(_))), "{no_file:?}");
        assert!(!part(folder.path(), manifest.id).exists(), "a disk that is full needs the room");
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
        let Err(PackageError::Source(error)) = fetched(&Away, &manifest, folder.path()) else { panic!("it is away") };
        assert_eq!(error.kind, ErrorKind::Unreachable(Failure::NobodyListens));
    }
}
