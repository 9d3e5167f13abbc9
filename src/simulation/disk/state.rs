//! A machine's disk as it stands: its steps, the faults to come, and its files with what was not synced.

use std::collections::HashMap;
use std::ffi::c_int;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use rusqlite::ffi;

use super::lock;
use super::log::{Below, Left, Log};
use crate::ids::splitmix64;

/// What a power cut takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// Nothing: the process ended, and the system writes what it was given. A later cut may still take it.
    None,
    /// All that was not synced.
    All,
    /// Of what was not synced, writes and sectors that the seed chooses.
    Torn(u64),
}

/// What goes wrong in a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// There is no room: nothing can be made, written or synced. Deleting and truncating work.
    Full,
    /// An I/O error, whatever the step.
    Io,
    /// There is room for the first half of a write only. Nothing else fails.
    Short,
}

/// On which syncs a disk keeps its word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Syncs {
    /// On each.
    #[default]
    All,
    /// On none, and says nothing of it.
    None,
    /// On each but that of a log at a commit, which is what `PRAGMA synchronous = NORMAL` leaves out: a log becomes durable when its
    /// database is written, at a checkpoint.
    Checkpoints,
}

/// How often what has gone wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// The power failed.
    pub deaths: u64,
    /// Steps without room.
    pub full: u64,
    /// Steps with an I/O error.
    pub io: u64,
    /// Writes cut short.
    pub short: u64,
    /// Syncs that were none.
    pub ignored_syncs: u64,
    /// Changes that a cut has taken, wholly or in part.
    pub lost: u64,
}

/// Whether opening a file may make it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Finds,
    MayMake,
}

impl Opening {
    pub(super) fn of(flags: c_int) -> Self {
        if flags & ffi::SQLITE_OPEN_CREATE == 0 { Self::Finds } else { Self::MayMake }
    }
}

/// What [`Disk`](super::Disk), the machine and its open files share.
pub(super) struct Shared {
    folder: PathBuf,
    is_dead: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) steps: u64,
    pub(super) dies_at: Option<u64>,
    pub(super) syncs: Syncs,
    pub(super) faults: Faults,
    planned: Vec<Planned>,
    /// Open ones, and those with something unsynced; each keeps its place while it is open.
    files: Vec<Option<Tracked>>,
}

impl State {
    /// Whether a planned fault is not over.
    pub(super) fn is_failing(&self) -> bool {
        self.planned.iter().any(|planned| planned.until > self.steps)
    }
}

struct Planned {
    from: u64,
    until: u64,
    fault: Fault,
}

struct Tracked {
    identity: Identity,
    path: PathBuf,
    open: u32,
    log: Log,
}

/// A file by whatever name: it may be renamed, and another may get its number once it is gone.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Identity {
    number: (u64, u64),
    made_at: Option<SystemTime>,
    #[cfg(not(unix))]
    path: PathBuf,
}

impl Identity {
    #[cfg(unix)]
    fn of(_: &Path, metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { number: (metadata.dev(), metadata.ino()), made_at: metadata.created().ok() }
    }

    #[cfg(not(unix))]
    fn of(path: &Path, metadata: &Metadata) -> Self {
        Self { number: (0, 0), made_at: metadata.created().ok(), path: path.to_owned() }
    }
}

/// What a step does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Make,
    Write,
    Sync,
    Truncate,
    Delete,
}

/// What becomes of a step.
enum Course {
    Goes,
    /// The power fails in it.
    Dies,
    /// The power failed before.
    IsDead,
    Fails(Fault),
}

impl Shared {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, is_dead: AtomicBool::new(false), state: Mutex::default() }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    pub(super) fn die(&self) {
        if !self.is_dead.swap(true, Ordering::Relaxed) {
            self.state().faults.deaths += 1;
        }
    }

    pub(super) fn revive(&self) {
        let mut state = self.state();
        state.dies_at = None;
        state.planned.clear();
        self.is_dead.store(false, Ordering::Relaxed);
    }

    /// Makes a step.
    fn step(&self, state: &mut State, call: Call) -> Course {
        if self.is_dead() {
            return Course::IsDead;
        }
        let step = state.steps;
        state.steps += 1;
        if state.dies_at == Some(step) {
            state.faults.deaths += 1;
            self.is_dead.store(true, Ordering::Relaxed);
            return Course::Dies;
        }
        if state.planned.is_empty() {
            return Course::Goes;
        }
        state.planned.retain(|planned| planned.until > step);
        let Some(fault) =
            state.planned.iter().filter(|planned| planned.from <= step).map(|planned| planned.fault).find(|fault| fault.hits(call))
        else {
            return Course::Goes;
        };
        state.faults.count(fault);
        Course::Fails(fault)
    }

    /// Before a file is opened.
    pub(super) fn open(&self, path: &Path, opening: Opening) -> Result<(), i32> {
        let is_step = opening == Opening::MayMake && !path.exists();
        match is_step.then(|| self.step(&mut self.state(), Call::Make)) {
            None if self.is_dead() => Err(ffi::SQLITE_CANTOPEN),
            None | Some(Course::Goes) => Ok(()),
            Some(Course::Dies | Course::IsDead | Course::Fails(_)) => Err(ffi::SQLITE_CANTOPEN),
        }
    }

    /// A file was opened. Returns its place, by which it is known until it is closed.
    pub(super) fn opened(&self, path: &Path) -> Option<usize> {
        let identity = Identity::of(path, &path.metadata().ok()?);
        let mut state = self.state();
        let known = state.files.iter().position(|file| file.as_ref().is_some_and(|file| file.identity == identity));
        if let Some(place) = known {
            let file = state.files[place].as_mut()?;
            file.open += 1;
            path.clone_into(&mut file.path);
            return Some(place);
        }
        let file = Some(Tracked { identity, path: path.to_owned(), open: 1, log: Log::default() });
        if let Some(free) = state.files.iter().position(Option::is_none) {
            state.files[free] = file;
            return Some(free);
        }
        state.files.push(file);
        Some(state.files.len() - 1)
    }

    pub(super) fn closed(&self, place: usize) {
        let mut state = self.state();
        if let Some(file) = &mut state.files[place] {
            file.open -= 1;
            if file.open == 0 && file.log.is_empty() {
                state.files[place] = None;
            }
        }
    }

    pub(super) fn write(&self, place: usize, below: &mut impl Below, data: &[u8], offset: u64) -> Result<(), i32> {
        let mut state = self.state();
        match self.step(&mut state, Call::Write) {
            Course::Goes => {
                state.before_write(place);
                state.log(place).write(below, data, offset)
            }
            Course::Dies => {
                // It was on its way when the power failed; how far it came is the cut's choice.
                let _ = state.log(place).write(below, data, offset);
                Err(ffi::SQLITE_IOERR_WRITE)
            }
            Course::Fails(Fault::Short) => {
                let half = data.len() / 2;
                state.log(place).write(below, &data[..half], offset)?;
                Err(ffi::SQLITE_FULL)
            }
            Course::Fails(Fault::Full) => Err(ffi::SQLITE_FULL),
            Course::Fails(Fault::Io) | Course::IsDead => Err(ffi::SQLITE_IOERR_WRITE),
        }
    }

    pub(super) fn truncate(&self, place: usize, below: &mut impl Below, to: u64) -> Result<(), i32> {
        let mut state = self.state();
        match self.step(&mut state, Call::Truncate) {
            Course::Goes => state.log(place).truncate(below, to),
            Course::Dies => {
                // As with a write.
                let _ = state.log(place).truncate(below, to);
                Err(ffi::SQLITE_IOERR_TRUNCATE)
            }
            Course::Fails(_) | Course::IsDead => Err(ffi::SQLITE_IOERR_TRUNCATE),
        }
    }

    pub(super) fn sync(&self, place: usize) -> Result<(), i32> {
        let mut state = self.state();
        let Course::Goes = self.step(&mut state, Call::Sync) else { return Err(ffi::SQLITE_IOERR_FSYNC) };
        let is_kept = match state.syncs {
            Syncs::All => true,
            Syncs::None => false,
            Syncs::Checkpoints => !state.is_log(place),
        };
        if is_kept {
            state.log(place).clear();
        } else {
            state.faults.ignored_syncs += 1;
        }
        Ok(())
    }

    /// Before a file is deleted; what was not synced of it goes with it.
    pub(super) fn delete(&self, path: &Path) -> Result<(), i32> {
        let Ok(metadata) = path.metadata() else { return Ok(()) };
        let mut state = self.state();
        let Course::Goes = self.step(&mut state, Call::Delete) else { return Err(ffi::SQLITE_IOERR_DELETE) };
        let identity = Identity::of(path, &metadata);
        for file in state.files.iter_mut().flatten().filter(|file| file.identity == identity) {
            file.log.clear();
        }
        Ok(())
    }

    pub(super) fn cut(&self, loss: Loss) -> io::Result<()> {
        let mut state = self.state();
        if let Some(open) = state.files.iter().flatten().find(|file| file.open > 0) {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, format!("{} is still open", open.path.display())));
        }
        let mut seed = match loss {
            Loss::None => return Ok(()),
            Loss::All => None,
            Loss::Torn(seed) => Some(seed),
        };
        let mut names = HashMap::new();
        names_in(&self.folder, &mut names)?;
        let files: Vec<Tracked> = std::mem::take(&mut state.files).into_iter().flatten().collect();
        let changes = files.iter().map(|file| file.log.len() as u64).sum::<u64>();
        let torn = seed.as_mut().map(|seed| splitmix64(seed) % changes.max(1));
        let mut number = 0;
        for file in files {
            // A file without a name is gone, with all that was written to it.
            let Some(path) = names.get(&file.identity) else { continue };
            let mut below = File::options().read(true).write(true).open(path)?;
            state.faults.lost += file.log.cut(&mut below, |_| {
                let left =
                    seed.as_mut().map_or(Left::Nothing, |seed| left(seed, if torn == Some(number) { Fate::Torn } else { Fate::Whole }));
                number += 1;
                left
            })?;
        }
        Ok(())
    }
}

/// How a change meets a power cut that tears.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    Torn,
}

/// What the seed leaves of a change.
fn left(seed: &mut u64, fate: Fate) -> Left {
    let drawn = splitmix64(seed);
    match drawn % 2 {
        _ if fate == Fate::Torn => Left::Sectors(splitmix64(seed)),
        0 => Left::Nothing,
        _ => Left::All,
    }
}

/// The files of a folder by their identity.
fn names_in(folder: &Path, names: &mut HashMap<Identity, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let metadata = path.symlink_metadata()?;
        if metadata.is_dir() {
            names_in(&path, names)?;
        } else if metadata.is_file() {
            names.insert(Identity::of(&path, &metadata), path);
        }
    }
    Ok(())
}

impl State {
    pub(super) fn plan(&mut self, step: u64, fault: Fault, lasts: u64) {
        self.planned.push(Planned { from: step, until: step.saturating_add(lasts), fault });
    }

    fn file(&mut self, place: usize) -> &mut Tracked {
        self.files[place].as_mut().expect("a file keeps its place while it is open")
    }

    fn log(&mut self, place: usize) -> &mut Log {
        &mut self.file(place).log
    }

    fn is_log(&mut self, place: usize) -> bool {
        self.file(place).path.as_os_str().as_encoded_bytes().ends_with(b"-wal")
    }

    /// A checkpoint writes a database after it has synced its log.
    fn before_write(&mut self, place: usize) {
        if self.syncs != Syncs::Checkpoints || self.is_log(place) {
            return;
        }
        let mut name = self.file(place).path.clone().into_os_string();
        name.push("-wal");
        for file in self.files.iter_mut().flatten().filter(|file| file.path.as_os_str() == name) {
            file.log.clear();
        }
    }
}

impl Fault {
    /// Whether a step of this kind fails by it.
    fn hits(self, call: Call) -> bool {
        match self {
            Self::Full => matches!(call, Call::Make | Call::Write | Call::Sync),
            Self::Io => true,
            Self::Short => call == Call::Write,
        }
    }
}

impl Faults {
    fn count(&mut self, fault: Fault) {
        *match fault {
            Fault::Full => &mut self.full,
            Fault::Io => &mut self.io,
            Fault::Short => &mut self.short,
        } += 1;
    }
}
