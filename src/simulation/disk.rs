//! Disks that lose power, fill up and fail: a layer between `SQLite` and the system's files.
//!
//! Journals, offline and channel databases and headquarters' own are opened by the ordinary code at real paths, and go through it unchanged: real files, real
//! locks, real shared memory. Each folder that was named a [`Machine`] has a disk of its own, which counts what is done to it step by step,
//! and remembers of each file what was not synced yet, so that a power cut can take it back. Files elsewhere are passed on untouched.
//!
//! The simulator and the tests of power cuts call it. What it assumes of a disk:
//!
//! * What was written and not synced is lost, survives, or survives in sectors of 512 bytes, each write for itself and in any order. Bytes
//!   beside a write are never harmed (`SQLite` is told the same by the system: `SQLITE_IOCAP_POWERSAFE_OVERWRITE`).
//! * That a file was made, deleted or renamed is durable at once. The index of the log in shared memory is no file on the disk.
//! * A sync that fails leaves everything unsynced; the next one that succeeds makes it durable.
//! * A sync within a machine's folder goes no further: the real disk under a simulated one need not hold anything.
//!
//! Files that are written past `SQLite` (packages on their way, credentials) are not seen here; the program syncs them itself.

mod log;
mod state;
mod vfs;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use state::Shared;
pub use state::{Fault, Faults, Loss, Syncs};

static DISK: OnceLock<Result<Disk, Unavailable>> = OnceLock::new();
static MACHINES: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

/// The disks of this process.
#[derive(Debug)]
pub struct Disk(());

/// `SQLite` has no files to put a layer on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the disk cannot be simulated: SQLite says {0}")]
pub struct Unavailable(i32);

impl Disk {
    /// Puts the layer under every database that this process opens from now on. A second call is no other.
    pub fn install() -> Result<&'static Self, Unavailable> {
        let installed = DISK.get_or_init(|| vfs::register().map(|()| Self(())).map_err(Unavailable));
        installed.as_ref().map_err(Clone::clone)
    }

    /// Makes a folder the disk of a machine, which begins whole and alive. A folder within another's is a disk of its own.
    pub fn machine(&'static self, folder: &Path) -> io::Result<Machine> {
        fs::create_dir_all(folder)?;
        let shared = Arc::new(Shared::new(folder.canonicalize()?));
        lock(&MACHINES).push(Arc::clone(&shared));
        Ok(Machine(shared))
    }
}

/// One machine's disk. When it is dropped, its folder is an ordinary one for every file opened from then on.
///
/// Each call that makes, writes, syncs, truncates or deletes a file is a step; steps are numbered from 0.
pub struct Machine(Arc<Shared>);

impl Machine {
    /// Steps so far, which is the number of the next one.
    pub fn steps(&self) -> u64 {
        self.0.state().steps
    }

    /// The power fails in this step: it and all that follow fail, and nothing reaches the files any more.
    pub fn die_at(&self, step: u64) {
        self.0.state().dies_at = Some(step);
    }

    /// The power fails between two steps.
    pub fn die_now(&self) {
        self.0.die();
    }

    /// Whether the power has failed.
    pub fn is_dead(&self) -> bool {
        self.0.is_dead()
    }

    /// A fault in this step and those that follow it, `lasts` in all.
    pub fn fail_at(&self, step: u64, fault: Fault, lasts: u64) {
        self.0.state().plan(step, fault, lasts);
    }

    /// Whether it is alive and no fault is planned.
    pub fn is_well(&self) -> bool {
        !self.is_dead() && !self.is_failing()
    }

    /// Whether a fault that was planned is still to come, or lasts.
    pub fn is_failing(&self) -> bool {
        self.0.state().is_failing()
    }

    /// Which syncs it keeps its word on.
    pub fn keep_syncs(&self, syncs: Syncs) {
        self.0.state().syncs = syncs;
    }

    /// Leaves the files as a power cut, or the end of the process alone, leaves them. All of the machine's databases must have been dropped,
    /// after [`Machine::die_now`] or a step that died, else closing them has written what a cut would have kept from the disk.
    pub fn cut(&self, loss: Loss) -> io::Result<()> {
        self.0.cut(loss)
    }

    /// The power is back. Planned faults that have not come are forgotten.
    pub fn revive(&self) {
        self.0.revive();
    }

    /// What has gone wrong so far.
    pub fn faults(&self) -> Faults {
        self.0.state().faults
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        lock(&MACHINES).retain(|machine| !Arc::ptr_eq(machine, &self.0));
    }
}

/// The machine whose disk a file is on: the one with the innermost folder.
fn owner(path: &Path) -> Option<Arc<Shared>> {
    let machines = lock(&MACHINES);
    let owners = machines.iter().filter(|machine| path.starts_with(machine.folder()));
    owners.max_by_key(|machine| machine.folder().as_os_str().len()).cloned()
}

/// A panic behind these locks leaves counts that are off by one, nothing worse.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
