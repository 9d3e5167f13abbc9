//! The machines of a chain: headquarters, its scale unit, the registers. The real parts on disks and roads of the simulation, each of which
//! can die and be started again.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;

use super::audit;
use super::chance::Chance;
use super::disk::{Disk, Loss, Machine};
use super::road::{Road, Sending, Server};
use crate::channel::sqlite::{SqliteChannel, master};
use crate::clock::{Clock, SharedClock, Tick, Time, VirtualClock};
use crate::desk::Reply;
use crate::device::{DeviceFile, Identity};
use crate::headquarters::Headquarters;
use crate::headquarters::server::served;
use crate::ids::{KeySource, RegisterId};
use crate::profile::Profile;
use crate::register::{BackgroundWork, OpenError, Options, Register};
use crate::scale_unit::{ConnectedOptions, Credentials, HttpHeadquarters, InSteps};
use crate::secret::Secret;
use crate::server::in_memory::{Hands, InMemory};
use crate::till::Till;
use crate::wire::Wire;

/// Who does what the simulation does at headquarters.
pub(super) const WHO: &str = "simulation";
/// The store.
pub(super) const STORE: &str = "343";

/// After how many days what has arrived leaves a register's journal: at the next sign-in, the day after, or never.
const PURGE_AFTER_DAYS: [u32; 3] = [0, 1, 36_500];
/// Which of them is drawn from sequences of its own, one a register.
const PURGING: u64 = u64::MAX / 16;

/// The wall clock of one machine: it may be wrong. Its monotonic one is everybody's.
pub(super) struct MachineClock {
    base: Arc<VirtualClock>,
    wrong_by_ms: AtomicI64,
}

impl MachineClock {
    fn new(base: &Arc<VirtualClock>) -> Arc<Self> {
        Arc::new(Self { base: Arc::clone(base), wrong_by_ms: AtomicI64::new(0) })
    }

    /// From the next look on it is wrong by so much.
    pub(super) fn set_error(&self, ms: i64) {
        self.wrong_by_ms.store(ms, Ordering::SeqCst);
    }
}

impl Clock for MachineClock {
    fn tick(&self) -> Tick {
        self.base.tick()
    }

    fn now(&self) -> Time {
        let wrong = TimeDelta::milliseconds(self.wrong_by_ms.load(Ordering::SeqCst));
        self.base.now().checked_add_signed(wrong).unwrap_or_default()
    }

    fn sleep(&self, duration: Duration) {
        self.base.sleep(duration);
    }
}

/// A machine's place: its folder, disk and clock.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) disk: Machine,
    pub(super) clock: Arc<MachineClock>,
}

impl Place {
    pub(super) fn new(disks: &'static Disk, folder: PathBuf, clock: &Arc<VirtualClock>) -> Result<Self, String> {
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let disk = disks.machine(&folder).map_err(|error| error.to_string())?;
        Ok(Self { folder, disk, clock: MachineClock::new(clock) })
    }

    /// Where a register's offline database is, if it has one.
    pub(super) fn offline_database(&self) -> PathBuf {
        self.folder.join("offline.db")
    }

    /// What is left once the power is back, or the process alone has ended.
    fn restart(&self, loss: Loss) -> Result<(), String> {
        self.disk.cut(loss).map_err(|error| error.to_string())?;
        self.disk.revive();
        Ok(())
    }

    fn clock(&self) -> SharedClock {
        Arc::clone(&self.clock) as SharedClock
    }
}

/// Headquarters.
pub(super) struct Office {
    pub(super) place: Place,
    hands: Hands,
    running: Mutex<Option<(Headquarters, InMemory)>>,
}

impl Office {
    pub(super) fn new(place: Place, hands: Hands) -> Self {
        Self { place, hands, running: Mutex::new(None) }
    }

    pub(super) fn start(&self) -> Result<(), String> {
        let database = format!("sqlite:{}", self.place.folder.join("headquarters.db").display());
        let headquarters = Headquarters::open(&database, None, self.place.clock()).map_err(|error| error.to_string())?;
        let server = InMemory::new(served(&headquarters, self.place.clock()), self.hands.clone());
        *lock(&self.running) = Some((headquarters, server));
        Ok(())
    }

    /// Dies, and leaves on the disk what such a death leaves.
    pub(super) fn die(&self, loss: Loss) -> Result<(), String> {
        self.place.disk.die_now();
        drop(lock(&self.running).take());
        self.place.restart(loss)
    }

    /// Headquarters itself, while it runs.
    pub(super) fn headquarters(&self) -> Option<Headquarters> {
        lock(&self.running).as_ref().map(|(headquarters, _)| headquarters.clone())
    }

    pub(super) fn database(&self) -> PathBuf {
        self.place.folder.join("headquarters.db")
    }
}

impl Server for Office {
    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let running = lock(&self.running);
        let answer = running.as_ref().map(|(_, server)| server.answer(request));
        answer.filter(|_| !self.place.disk.is_dead())
    }
}

/// The scale unit.
pub(super) struct Unit {
    pub(super) place: Place,
    pub(super) road: Arc<Road>,
    hands: Hands,
    running: Mutex<Option<InSteps>>,
}

impl Unit {
    pub(super) fn new(place: Place, road: Arc<Road>, hands: Hands) -> Self {
        Self { place, road, hands, running: Mutex::new(None) }
    }

    pub(super) fn credentials(&self) -> PathBuf {
        self.place.folder.join("credentials.toml")
    }

    pub(super) fn database(&self) -> PathBuf {
        self.place.folder.join("channel.db")
    }

    pub(super) fn master_data(&self) -> PathBuf {
        self.database().with_extension("master.db")
    }

    pub(super) fn start(&self) -> Result<(), String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let folder = &self.place.folder;
        let credentials = Credentials::read(&self.credentials()).map_err(|error| words(&error))?;
        let channel = SqliteChannel::open(&self.database()).map_err(|error| words(&error))?;
        let channel = match crate::pin::PinKey::from_secret(&credentials.pin_key) {
            Some(key) => channel.with_pin_key(key),
            None => channel,
        };
        self.road.set_sender(Sending::Alive);
        let headquarters = HttpHeadquarters::over(Arc::clone(&self.road) as Arc<dyn Wire>, credentials.token.clone());
        let options = ConnectedOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            tls: None,
            channel: Arc::new(channel),
            headquarters,
            credentials,
            packages: folder.join("packages"),
            incoming: folder.join("incoming"),
            interval: Duration::from_secs(1),
            clock: self.place.clock(),
        };
        let unit = InSteps::start(options, self.hands.clone()).map_err(|error| words(&error))?;
        *lock(&self.running) = Some(unit);
        Ok(())
    }

    /// A round of its exchange with headquarters; how many transactions wait after it, and what went wrong.
    pub(super) fn round(&self) -> Option<(u64, Option<String>)> {
        let status = lock(&self.running).as_mut()?.round();
        Some((status.waiting, status.last_error))
    }

    pub(super) fn is_running(&self) -> bool {
        lock(&self.running).is_some()
    }

    pub(super) fn die(&self, loss: Loss) -> Result<(), String> {
        self.place.disk.die_now();
        self.road.set_sender(Sending::Dead);
        drop(lock(&self.running).take());
        self.place.restart(loss)
    }
}

impl Server for Unit {
    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let running = lock(&self.running);
        let answer = running.as_ref().map(|unit| unit.answer(request));
        answer.filter(|_| !self.place.disk.is_dead())
    }
}

/// A register.
pub(super) struct Station {
    pub(super) id: RegisterId,
    pub(super) place: Place,
    pub(super) road: Arc<Road>,
    pub(super) open: Option<Open>,
    /// Where the journals of the machines before it are.
    retired: Vec<PathBuf>,
    /// The token of a device that headquarters may have deactivated.
    given_up: Option<Secret>,
    /// How old a record that has arrived must be to leave the journal.
    purge_after_days: u32,
    seed: u64,
    starts: u64,
}

/// A register at work.
pub(super) struct Open {
    pub(super) till: Till,
    pub(super) background: BackgroundWork,
    pub(super) news: Receiver<Reply>,
    pub(super) sender: Sender<Reply>,
}

impl Station {
    pub(super) fn new(number: u32, place: Place, road: Arc<Road>, seed: u64) -> Self {
        Self {
            id: RegisterId { store: STORE.to_owned(), number },
            place,
            road,
            open: None,
            retired: Vec::new(),
            given_up: None,
            purge_after_days: *Chance::of(seed, PURGING + u64::from(number)).pick(&PURGE_AFTER_DAYS),
            seed,
            starts: 0,
        }
    }

    fn identity(&self) -> Option<Identity> {
        DeviceFile::of(&self.place.folder).read().ok().flatten().and_then(|device| device.identity)
    }

    /// Whether the device has to be made a register, or knows that it is none any more.
    pub(super) fn needs_code(&self) -> bool {
        self.identity().is_none_or(|identity| identity.deactivated)
    }

    /// Headquarters deactivates it, or may have.
    pub(super) fn give_up(&mut self) {
        self.given_up = self.identity().map(|identity| identity.token);
    }

    /// Whether it may be none of headquarters' registers.
    pub(super) fn is_given_up(&self) -> bool {
        self.needs_code() || self.identity().is_some_and(|identity| Some(identity.token) == self.given_up)
    }

    pub(super) fn start(&mut self, activation_code: Option<Secret>) -> Result<(), OpenError> {
        self.starts += 1;
        self.road.set_sender(Sending::Alive);
        let mut profile = Profile::default();
        profile.register.number = self.id.number;
        profile.offline.purge_after_days = self.purge_after_days;
        let (sender, news) = channel();
        let options = Options {
            profile,
            data: self.place.folder.clone(),
            scale_unit: String::new(),
            clock: self.place.clock(),
            keys: KeySource::Seeded(Chance::of(self.seed, u64::from(self.id.number) << 32 | self.starts).number()),
            sample_hint: None,
            activation_code,
            news: sender.clone(),
            wire: Some(Arc::clone(&self.road) as Arc<dyn Wire>),
        };
        let Register { till, background } = Register::open(options)?;
        self.open = Some(Open { till, background, news, sender });
        Ok(())
    }

    pub(super) fn die(&mut self, loss: Loss) -> Result<(), String> {
        self.place.disk.die_now();
        self.road.set_sender(Sending::Dead);
        self.open = None;
        self.place.restart(loss)
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.place.folder.join("journal.db")
    }

    /// Its journal, behind those of the machines that were the register before.
    pub(super) fn journals(&self) -> Vec<PathBuf> {
        self.retired.iter().cloned().chain([self.journal()]).collect()
    }

    /// Another machine takes its place, with nothing on its disk. This one has died.
    pub(super) fn replace(&mut self) -> std::io::Result<()> {
        let mut name = self.place.folder.clone().into_os_string();
        name.push(format!("-retired-{}", self.retired.len() + 1));
        let aside = PathBuf::from(name);
        fs::create_dir_all(&aside)?;
        for file in fs::read_dir(&self.place.folder)? {
            let file = file?;
            fs::rename(file.path(), aside.join(file.file_name()))?;
        }
        self.retired.push(aside.join("journal.db"));
        Ok(())
    }

    pub(super) fn offline_database(&self) -> PathBuf {
        self.place.offline_database()
    }

    /// Version of the data that the register says it reads offline, while it is open.
    pub(super) fn offline_version(&self) -> Option<u64> {
        self.open.as_ref().and_then(|open| open.background.offline_version())
    }

    /// Versions from the one that the register says it reads offline to the newest that lies on its disk.
    pub(super) fn offline_versions(&self) -> Option<RangeInclusive<u64>> {
        let file = self.offline_database();
        let versions = [self.offline_version(), audit::version(&file), audit::version(&master::waiting(&file))];
        let versions = versions.into_iter().flatten();
        Some(versions.clone().min()?..=versions.max()?)
    }
}

/// A machine's database as it is at this moment, read past all of this program's own code.
pub(super) fn raw(path: &Path) -> Result<rusqlite::Connection, String> {
    use rusqlite::OpenFlags;
    rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| format!("{}: {error}", path.display()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
