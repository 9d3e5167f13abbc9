//! The offline database's file: opened at the start, looked through and fetched anew in the background, swapped between two sales, set
//! aside when it is broken.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use crate::channel::Channel;
use crate::channel::http::HttpChannel;
use crate::channel::sqlite::SqliteChannel;
use crate::clock::{SharedClock, Time};
use crate::desk::{Background, Reply};
use crate::till::{LocalTime, OfflineDatabase};

/// The offline database of a register. Clones are the same file.
#[derive(Clone)]
pub struct OfflineFile {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    scale_unit: Arc<HttpChannel>,
    news: Sender<Reply>,
    clock: SharedClock,
    fetching: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    version: Option<u64>,
    /// Whether all of the file has been looked through for damage.
    is_checked: bool,
    waiting: bool,
    fetched_at: Option<Time>,
    last_problem: Option<String>,
    remark: Option<String>,
}

impl OfflineFile {
    /// The file at `path`, fetched from `scale_unit`.
    pub fn new(path: PathBuf, scale_unit: Arc<HttpChannel>, news: Sender<Reply>, clock: SharedClock) -> Self {
        Self { shared: Arc::new(Shared { path, scale_unit, news, clock, fetching: AtomicBool::new(false), state: Mutex::default() }) }
    }

    /// The database of the last time. One that does not open is set aside, and fetched again after the sign-in. The register's directory
    /// must be its own by now: what a download that was cut short left there is removed.
    pub fn open_existing(&self) -> Option<Arc<dyn Channel>> {
        let path = &self.shared.path;
        remove_unfinished(path.parent(), &self.fetched());
        if !path.exists() {
            return None;
        }
        match self.open() {
            Ok(database) => Some(database),
            Err(why) => {
                let aside = path.with_extension(format!("broken-{}", self.shared.clock.now().format("%Y%m%dT%H%M%S")));
                tracing::warn!(%why, aside = %aside.display(), "the offline database is set aside");
                let kept =
                    fs::rename(path, &aside).map_or_else(|error| error.to_string(), |()| format!("set aside as {}", file_name(&aside)));
                remove_companions(path);
                self.state().remark = Some(format!("a broken one was {kept}: {why}"));
                None
            }
        }
    }

    /// Whether a download is under way.
    pub fn is_fetching(&self) -> bool {
        self.shared.fetching.load(Ordering::SeqCst)
    }

    fn open(&self) -> Result<Arc<dyn Channel>, String> {
        let database = SqliteChannel::open_read_only(&self.shared.path).map_err(|error| error.to_string())?;
        let version = database.data_version().map_err(|error| error.to_string())?;
        self.state().version = Some(version);
        Ok(Arc::new(database))
    }

    /// The version of the database in use; none when it is damaged, so that it is fetched whole. A file may open and be damaged further in.
    fn sound_version(&self) -> Option<u64> {
        let (version, is_checked) = {
            let state = self.state();
            (state.version?, state.is_checked)
        };
        if !is_checked {
            let database = SqliteChannel::open_read_only(&self.shared.path).map_err(|error| error.to_string());
            let checked = database.and_then(|database| database.check().map_err(|error| error.detail));
            if let Err(why) = checked {
                tracing::warn!(%why, "the offline database is fetched anew");
                self.state().remark = Some(format!("{why}; it is fetched anew"));
                return None;
            }
            self.state().is_checked = true;
        }
        Some(version)
    }

    fn fetched(&self) -> PathBuf {
        self.shared.path.with_extension("db.fetched")
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn download(&self) {
        let have = self.sound_version();
        let result = self.shared.scale_unit.download_offline_database(have, &self.fetched());
        let mut state = self.state();
        let news = match result {
            Ok(None) => None,
            Ok(Some(_)) => {
                state.waiting = true;
                state.fetched_at = Some(self.shared.clock.now());
                state.last_problem = None;
                Some(Background::OfflineDatabaseReady)
            }
            Err(error) => {
                state.last_problem = Some(error.to_string());
                Some(Background::OfflineDatabaseFailed(error.to_string()))
            }
        };
        drop(state);
        if let Some(news) = news {
            // The till may have gone already; then nobody wants to know.
            let _ = self.shared.news.send(Reply::Background(news));
        }
        self.shared.fetching.store(false, Ordering::SeqCst);
    }
}

impl OfflineDatabase for OfflineFile {
    fn fetch(&self) {
        if self.shared.fetching.swap(true, Ordering::SeqCst) {
            return;
        }
        let this = self.clone();
        if std::thread::Builder::new().name("download".to_owned()).spawn(move || this.download()).is_err() {
            self.shared.fetching.store(false, Ordering::SeqCst);
        }
    }

    fn is_open(&self) -> bool {
        self.state().version.is_some()
    }

    fn is_waiting(&self) -> bool {
        self.state().waiting
    }

    fn swap(&mut self) -> Result<Arc<dyn Channel>, String> {
        self.state().waiting = false;
        remove_companions(&self.shared.path);
        fs::rename(self.fetched(), &self.shared.path).map_err(|error| error.to_string())?;
        let database = self.open();
        let mut state = self.state();
        // A download is looked through before it is put in place.
        state.is_checked = true;
        if database.is_err() {
            state.version = None;
        }
        database
    }

    fn status(&self, local: LocalTime<'_>) -> Vec<(String, String)> {
        let state = self.state();
        let row = |name: &str, value: String| (name.to_owned(), value);
        let mut rows = vec![row("Version", state.version.map_or_else(|| "none yet".to_owned(), |version| version.to_string()))];
        rows.extend(state.fetched_at.map(|time| row("Fetched", local(time))));
        rows.extend(state.last_problem.clone().map(|problem| row("Last problem", problem)));
        rows.extend(state.remark.clone().map(|remark| row("Remark", remark)));
        if self.is_fetching() {
            rows.push(row("Download", "under way".to_owned()));
        }
        rows
    }
}

/// Removes downloads that were cut short, when the register was killed in the middle of one.
fn remove_unfinished(folder: Option<&Path>, fetched: &Path) {
    let Some(files) = folder.and_then(|folder| fs::read_dir(folder).ok()) else { return };
    for file in files.flatten().map(|file| file.path()) {
        let is_part = file_name(&file).starts_with(".offline-") && file.extension().is_some_and(|extension| extension == "part");
        if file == fetched || is_part {
            // One that stays takes room, nothing else.
            let _ = fs::remove_file(file);
        }
    }
}

/// Removes what `SQLite` may have left beside a database that is replaced.
fn remove_companions(path: &Path) {
    for suffix in ["-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // Usually there is none.
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
