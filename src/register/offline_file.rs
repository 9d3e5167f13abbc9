//! The offline database's file: packages are applied to it in the background, and what they make of it is taken into use between two
//! sales. A broken one is set aside and fetched whole again.
//!
//! A delta changes the file in place, while the till goes on reading what it has; a whole new database waits beside it. Both come into use
//! when the till opens the file anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::downloads::{Keys, Steering};
use crate::channel::http::HttpChannel;
use crate::channel::sqlite::{OpenError, SqliteChannel, master};
use crate::channel::{Channel, ChannelError, ErrorKind, Refusal, Result};
use crate::clock::{SharedClock, Tick, Time};
use crate::desk::{Background, Reply};
use crate::ids::RegisterId;
use crate::package::{Kind, Manifest, PackageError, Report, SignedManifest, Source, Status};
use crate::private;
use crate::profile::OfflineProfile;
use crate::retail::register::Configuration;
use crate::round::guarded;
use crate::sync::download::{Applied, Downloader, Fetched, Round, Target, free_bytes};
use crate::till::{Activity, DownloadStatus, JobStatus, OfflineDatabase, Problem};

/// Reports kept for a scale unit that does not take them.
const REPORTS_MAX: usize = 1_000;

/// Where a register's packages come from, and where it tells what became of them.
pub trait Packages: Source {
    /// Tells what became of a package.
    fn report(&self, report: &Report) -> Result<()>;

    /// What headquarters says of a register and its store.
    fn configuration(&self, register: &RegisterId) -> Result<Configuration>;
}

impl Packages for HttpChannel {
    fn report(&self, report: &Report) -> Result<()> {
        self.report_package(report)
    }

    fn configuration(&self, register: &RegisterId) -> Result<Configuration> {
        Channel::configuration(self, register)
    }
}

/// The offline database of a register. Clones are the same file.
#[derive(Clone)]
pub struct OfflineFile {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    packages: Arc<dyn Packages>,
    news: Sender<Reply>,
    clock: SharedClock,
    steering: Steering,
    /// Whether the downloads have a thread; without, they go on when [`OfflineFile::step`] is called.
    drive: Drive,
    state: Mutex<State>,
}

/// Who drives the downloads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Drive {
    /// A thread of their own.
    #[default]
    Thread,
    /// Whoever calls [`OfflineFile::step`].
    Steps,
}

#[derive(Default)]
struct State {
    activity: Activity,
    interval: Duration,
    kept: Kept,
    /// Version of the file; none when there is none, or a damaged one.
    version: Option<u64>,
    /// Version the till reads.
    in_use: Option<u64>,
    /// Whether all of the file has been looked through for damage.
    is_checked: bool,
    /// Something newer than what the till reads is in the file, or waits beside it.
    is_newer: bool,
    /// The whole new database that waits beside it.
    waiting: Option<Manifest>,
    looked: Option<(Time, Option<Problem>)>,
    pending: usize,
    remark: Option<String>,
    /// What was last said of packages, so that it is said once.
    told: Option<Problem>,
    /// When the last look ended, where there is no thread.
    last_look: Option<Tick>,
}

/// What outlives a restart; it stands beside the database. To lose it costs rows in a window, and, where staff data may grow too old, offline
/// sign-ins until the next look for packages.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    made_at: Option<Time>,
    /// When a look for packages last succeeded.
    confirmed_at: Option<Time>,
    jobs: BTreeMap<u32, JobStatus>,
    reports: Vec<Report>,
}

impl OfflineFile {
    /// The file at `path`, which packages are applied to. Nothing is fetched before [`OfflineFile::set_keys`].
    pub fn new(path: PathBuf, packages: Arc<dyn Packages>, news: Sender<Reply>, clock: SharedClock) -> Self {
        Self::driven(path, packages, news, clock, Drive::Thread)
    }

    /// The same, driven by a thread or by steps.
    pub fn driven(path: PathBuf, packages: Arc<dyn Packages>, news: Sender<Reply>, clock: SharedClock, drive: Drive) -> Self {
        let kept = fs::read(kept_beside(&path)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let state = Mutex::new(State { kept, ..State::default() });
        Self { shared: Arc::new(Shared { path, packages, news, clock, steering: Steering::default(), drive, state }) }
    }

    /// What the profile says about looking for packages; headquarters may have another one than the register's own.
    pub fn configure(&self, profile: &OfflineProfile) {
        let mut state = self.state();
        state.interval = Duration::from_secs(profile.download_interval_s.max(1));
        if state.activity != Activity::OnlineOnly {
            state.activity = if profile.pause_downloads { Activity::Paused } else { Activity::Idle };
        }
    }

    /// What came with the activation; none once the register is released from its device.
    pub fn set_keys(&self, keys: Option<Keys>) {
        self.shared.steering.set_keys(keys);
    }

    /// Headquarters has *Support offline* at no: nothing is fetched, and what was there is set aside, by the thread if it is at work.
    pub fn give_up(&self) {
        {
            let mut state = self.state();
            (state.activity, state.version, state.in_use, state.waiting) = (Activity::OnlineOnly, None, None, None);
            (state.is_newer, state.pending) = (false, 0);
        }
        self.shared.steering.go_on();
        if !self.shared.steering.is_working() {
            self.clear();
        }
    }

    fn clear(&self) {
        let path = &self.shared.path;
        if path.exists() {
            let aside = self.set_aside("unused");
            self.state().remark = Some(format!("the one from before was {aside}"));
        }
        for file in [master::waiting(path), kept_beside(path)] {
            // Usually there is none.
            let _ = fs::remove_file(file);
        }
        self.state().kept = Kept::default();
    }

    /// Whether there is a database of the last time, or may be one.
    pub fn exists(&self) -> bool {
        let is_absent = |file: &Path| file.try_exists().is_ok_and(|is_there| !is_there);
        !is_absent(&self.shared.path) || !is_absent(&master::waiting(&self.shared.path))
    }

    /// The database of the last time. One that is damaged is set aside, and fetched again after the sign-in; one whose disk fails waits.
    pub fn open_existing(&self) -> Option<Arc<dyn Channel>> {
        if !self.exists() {
            return None;
        }
        match self.open() {
            Ok(database) => Some(database),
            Err(why) if why.may_pass() => {
                tracing::warn!(%why, "the offline database does not open yet");
                let mut state = self.state();
                (state.is_newer, state.remark) = (true, Some(format!("the one from before does not open: {why}")));
                None
            }
            Err(why) => {
                let aside = self.set_aside("broken");
                tracing::warn!(%why, %aside, "the offline database does not open");
                self.state().remark = Some(format!("a broken one was {aside}: {why}"));
                None
            }
        }
    }

    /// The same file as the till steers it; its end is the end of the downloads.
    pub fn steered(&self) -> SteeredFile {
        SteeredFile(self.clone())
    }

    /// Version that the till reads, if any.
    pub fn version_in_use(&self) -> Option<u64> {
        self.state().in_use
    }

    /// Whether nothing is on its way down.
    pub fn is_quiet(&self) -> bool {
        self.shared.steering.is_quiet()
    }

    fn open(&self) -> std::result::Result<Arc<dyn Channel>, OpenError> {
        let database = SqliteChannel::open_read_only(&self.shared.path)?;
        let version = database.data_version().map_err(|error| OpenError::Corrupt(error.to_string()))?;
        {
            let mut state = self.state();
            (state.version, state.in_use) = (Some(version), Some(version));
        }
        Ok(match self.shared.steering.keys() {
            Some(keys) => Arc::new(database.with_pin_key(keys.pin)),
            None => Arc::new(database),
        })
    }

    fn set_aside(&self, why: &str) -> String {
        let path = &self.shared.path;
        let aside = path.with_extension(format!("{why}-{}", self.shared.clock.now().format("%Y%m%dT%H%M%S")));
        let kept = fs::rename(path, &aside).map_or_else(|error| error.to_string(), |()| format!("set aside as {}", file_name(&aside)));
        for suffix in ["-wal", "-shm", "-journal"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            // Usually there is none.
            let _ = fs::remove_file(PathBuf::from(name));
        }
        kept
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread's life. A look that panics has failed, and is not the last.
    fn run(&self) {
        let _ended = Ended(&self.shared.steering);
        loop {
            let interval = self.state().interval;
            let Some(keys) = self.shared.steering.rest(interval) else { break };
            if let Err(why) = guarded(|| self.look(&keys)) {
                let hint = "it is tried again by itself; the log says more".to_owned();
                self.state().looked = Some((self.shared.clock.now(), Some(Problem { why, hint })));
            }
        }
    }

    /// What headquarters says is read with every look. A scale unit that says nothing now is asked at the next.
    fn look_at_configuration(&self, register: &RegisterId) {
        match self.shared.packages.configuration(register) {
            Err(error) if error.kind != ErrorKind::Refused(Refusal::Device) => tracing::debug!(%error, "the configuration stays as it is"),
            read => self.tell(Background::Configuration(read.map(Box::new))),
        }
    }

    fn tell(&self, news: Background) {
        // The till may have gone already; then nobody wants to know.
        let _ = self.shared.news.send(Reply::Background(news));
    }

    /// Looks for packages if it is time to; whether it was. With a thread that happens by itself.
    pub fn step(&self) -> bool {
        if self.shared.drive == Drive::Thread {
            return false;
        }
        let (interval, now) = (self.state().interval, self.shared.clock.tick());
        let is_over = self.state().last_look.is_none_or(|last| u128::from(now.since(last)) >= interval.as_millis());
        let Some(keys) = self.shared.steering.take_turn(is_over) else { return false };
        self.look(&keys);
        self.state().last_look = Some(self.shared.clock.tick());
        true
    }

    /// One look for packages, and all that follows from it.
    fn look(&self, keys: &Keys) {
        self.look_at_configuration(&keys.register);
        let activity = self.state().activity;
        match activity {
            Activity::Idle | Activity::UnderWay => {}
            Activity::Paused => return,
            Activity::OnlineOnly => {
                self.clear();
                self.state().looked = Some((self.shared.clock.now(), None));
                return;
            }
        }
        self.check();
        let downloader = Downloader {
            key: keys.headquarters,
            store: keys.register.store.clone(),
            register: Some(keys.register.clone()),
            folder: self.shared.path.with_extension("packages"),
            clock: self.shared.clock.clone(),
            free: free_bytes,
        };
        let listed = Listed { packages: self.shared.packages.as_ref(), key: keys, seen: Mutex::default() };
        let round = downloader.run_once(&listed, self);
        let seen = listed.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let news = self.take_note(round, &seen);
        self.send_reports();
        self.keep();
        for item in news {
            self.tell(item);
        }
    }

    /// Reads which version the file has. It may open and be damaged further in: then all of it is fetched again, while the till goes on
    /// with what can be read.
    fn check(&self) {
        let is_checked = self.state().is_checked;
        if self.state().version.is_none() {
            return;
        }
        let read = || {
            let database = SqliteChannel::open_read_only(&self.shared.path).map_err(|error| error.to_string())?;
            if !is_checked {
                database.check().map_err(|error| error.detail)?;
            }
            database.data_version().map_err(|error| error.to_string())
        };
        let found = read();
        let mut state = self.state();
        state.is_checked = true;
        if let Err(why) = &found {
            tracing::warn!(%why, "the offline database is fetched anew");
            state.remark = Some(format!("one was damaged and is replaced: {why}"));
        }
        state.version = found.ok();
    }

    /// Remembers what a round has done, and says what the till should hear of it.
    fn take_note(&self, round: Round, seen: &[Manifest]) -> Vec<Background> {
        let now = self.shared.clock.now();
        let mut state = self.state();
        let problem = round.problem.as_ref().map(|problem| Problem { why: problem.to_string(), hint: problem.hint().to_owned() });
        for manifest in &round.applied {
            state.kept.jobs.insert(manifest.job, JobStatus { at: now, problem: None });
        }
        if let Some(delta) = round.applied.iter().rev().find(|manifest| manifest.kind != Kind::Full) {
            state.kept.made_at = Some(delta.made_at);
        }
        let failed = round.reports.iter().filter(|report| report.status == Status::Failed);
        for manifest in failed.filter_map(|report| seen.iter().find(|manifest| manifest.id == report.package)) {
            state.kept.jobs.insert(manifest.job, JobStatus { at: now, problem: problem.clone() });
        }
        let have = state.waiting.as_ref().map(|manifest| manifest.to_version).or(state.version).unwrap_or(0);
        state.pending = seen.iter().filter(|manifest| manifest.to_version > have).count();
        state.kept.reports.extend(round.reports);
        let surplus = state.kept.reports.len().saturating_sub(REPORTS_MAX);
        state.kept.reports.drain(..surplus);
        state.is_newer |= state.waiting.is_some() || state.version.is_some() && state.version != state.in_use;
        // What the road does is told by the connection; it is no news that packages do not come either.
        let of_the_road = matches!(round.problem, Some(PackageError::Source(_) | PackageError::Cut { .. }));
        let told = problem.clone().filter(|_| !of_the_road);
        let mut news = Vec::new();
        if state.is_newer {
            news.push(Background::OfflineDatabaseReady);
        }
        if let Some(Problem { why, hint }) = told.clone().filter(|_| told != state.told) {
            news.push(Background::OfflineDatabaseFailed { why, hint });
        }
        if !of_the_road {
            state.told = told;
        }
        if problem.is_none() {
            state.kept.confirmed_at = Some(now);
        }
        state.looked = Some((now, problem));
        news
    }

    /// Tells the scale unit what became of packages; what it does not hear now it hears after the next look.
    fn send_reports(&self) {
        loop {
            let Some(report) = self.state().kept.reports.first().cloned() else { return };
            match self.shared.packages.report(&report) {
                Err(error) if !matches!(error.kind, ErrorKind::Refused(Refusal::Invalid)) => {
                    tracing::debug!(%error, "what became of a package was not told");
                    return;
                }
                Ok(()) | Err(_) => self.state().kept.reports.retain(|kept| *kept != report),
            }
        }
    }

    fn keep(&self) {
        let text = serde_json::to_vec(&self.state().kept).expect("it is JSON");
        let path = kept_beside(&self.shared.path);
        let new = path.with_extension("json.new");
        if let Err(error) = private::create(&new).and_then(|mut file| file.write_all(&text)).and_then(|()| fs::rename(&new, &path)) {
            tracing::debug!(%error, "what is known of packages was not kept");
        }
    }
}

impl Target for OfflineFile {
    fn version(&self) -> Result<u64> {
        let state = self.state();
        let waiting = state.waiting.as_ref().map(|manifest| manifest.to_version);
        Ok(waiting.or(state.version).unwrap_or(0))
    }

    fn apply(&self, package: &Fetched<'_>) -> Result<Applied> {
        let (path, manifest) = (&self.shared.path, package.manifest);
        let is_given_up = |state: &State| state.activity == Activity::OnlineOnly;
        let given_up = || ChannelError::refused(Refusal::Forbidden, "the register works online only");
        if is_given_up(&self.state()) {
            return Err(given_up());
        }
        match manifest.kind {
            Kind::Full => {
                master::prepare(package.unpacked, path, manifest.to_version)?;
                let mut state = self.state();
                if is_given_up(&state) {
                    // While it was prepared; nobody would take it into use and let the downloads go on.
                    return Err(given_up());
                }
                state.waiting = Some(manifest.clone());
                self.shared.steering.hold();
                Ok(Applied::Waiting)
            }
            Kind::Delta { from_version } => {
                master::apply_delta(path, package.unpacked, from_version, manifest.to_version)?;
                self.state().version = Some(manifest.to_version);
                Ok(Applied::InUse)
            }
        }
    }
}

/// The offline database's file as the till steers it.
pub struct SteeredFile(OfflineFile);

impl OfflineDatabase for SteeredFile {
    fn fetch(&self) {
        let Self(file) = self;
        if file.shared.drive == Drive::Steps {
            file.shared.steering.begin_in_steps();
            return;
        }
        if !file.shared.steering.wake() {
            return;
        }
        let this = file.clone();
        if std::thread::Builder::new().name("download".to_owned()).spawn(move || this.run()).is_err() {
            file.shared.steering.not_started();
        }
    }

    fn went_online(&self) {
        self.0.shared.steering.went_online();
    }

    fn went_offline(&self) {
        self.0.shared.steering.went_offline();
    }

    fn is_open(&self) -> bool {
        self.0.state().in_use.is_some()
    }

    fn is_waiting(&self) -> bool {
        let state = self.0.state();
        state.is_newer && state.activity != Activity::OnlineOnly
    }

    fn reopen(&mut self) -> std::result::Result<Arc<dyn Channel>, Problem> {
        let Self(file) = self;
        let waited = {
            let mut state = file.state();
            state.is_newer = false;
            state.waiting.take()
        };
        let opened = file.open();
        let mut state = file.state();
        if let Err(why) = &opened
            && why.may_pass()
        {
            state.is_newer = true;
            state.waiting = state.waiting.take().or(waited);
            return Err(Problem { why: why.to_string(), hint: format!("{}; it is tried again", why.hint()) });
        }
        if let Some(manifest) = waited {
            let (status, reason) = match &opened {
                Ok(_) => (Status::Applied, String::new()),
                Err(why) => (Status::Failed, why.to_string()),
            };
            let register = file.shared.steering.keys().map(|keys| keys.register);
            state.kept.reports.push(Report { package: manifest.id, register, status, reason, at: file.shared.clock.now() });
            // Its digest was compared before it was let to wait.
            state.is_checked = true;
            state.kept.made_at = Some(manifest.made_at);
        }
        if opened.is_err() {
            state.version = None;
        }
        drop(state);
        file.shared.steering.go_on();
        opened.map_err(|why| Problem { why: why.to_string(), hint: "the register goes on as it was; it is fetched again".to_owned() })
    }

    fn configure(&self, profile: &OfflineProfile) {
        self.0.configure(profile);
    }

    fn give_up(&self) {
        self.0.give_up();
    }

    fn take_up(&self, profile: &OfflineProfile) {
        {
            let mut state = self.0.state();
            (state.activity, state.version, state.waiting, state.is_newer) = (Activity::Idle, None, None, false);
        }
        self.0.configure(profile);
    }

    fn status(&self) -> DownloadStatus {
        let Self(file) = self;
        let state = file.state();
        let is_working = state.activity == Activity::Idle && file.shared.steering.is_working();
        DownloadStatus {
            activity: if is_working { Activity::UnderWay } else { state.activity },
            version: state.in_use,
            bytes: fs::metadata(&file.shared.path).ok().map(|file| file.len()).filter(|_| state.in_use.is_some()),
            made_at: state.kept.made_at.filter(|_| state.in_use.is_some()),
            looked: state.looked.clone(),
            confirmed_at: state.kept.confirmed_at,
            pending: state.pending,
            jobs: state.kept.jobs.clone(),
            remark: state.remark.clone(),
        }
    }
}

impl Drop for SteeredFile {
    fn drop(&mut self) {
        self.0.shared.steering.stop();
    }
}

/// The packages, with what was listed.
struct Listed<'a> {
    packages: &'a dyn Packages,
    key: &'a Keys,
    seen: Mutex<Vec<Manifest>>,
}

impl Source for Listed<'_> {
    fn manifests(&self, after: u64) -> Result<Vec<SignedManifest>> {
        let listed = self.packages.manifests(after)?;
        let opened = listed.iter().filter_map(|signed| signed.open(&self.key.headquarters).ok());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = opened.collect();
        Ok(listed)
    }

    fn file(&self, id: u64, from: u64) -> Result<Box<dyn std::io::Read + Send>> {
        self.packages.file(id, from)
    }
}

/// Tells at the thread's end, however that comes.
struct Ended<'a>(&'a Steering);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// Where what outlives a restart stands.
fn kept_beside(path: &Path) -> PathBuf {
    path.with_extension("json")
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
