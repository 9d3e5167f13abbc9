//! A register put together: profile, journal, sources, uploads and the offline database's file around one [`Till`].
//!
//! The live screen, the demos, the tests and the replay of real baskets all open the same register; they differ in their desk and clock.

mod offline_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::channel::http::{AddressError, HttpChannel};
use crate::channel::{Channel, ChannelError};
use crate::clock::SharedClock;
use crate::desk::{Background, Reply};
use crate::ids::{KeySource, RegisterId};
use crate::journal::{Journal, JournalError, Outbox};
use crate::profile::Profile;
use crate::sync::upload::Uploader;
use crate::till::{LocalTime, Setup, Sources, Till, Uploads};

pub use offline_file::OfflineFile;

/// How a register is opened.
pub struct Options {
    /// Its profile; the scale unit's address in it counts.
    pub profile: Profile,
    /// Where its files lie.
    pub data: PathBuf,
    /// The scale unit's address.
    pub scale_unit: String,
    /// The clock.
    pub clock: SharedClock,
    /// New transaction keys.
    pub keys: KeySource,
    /// How to sign in, in the sample store alone.
    pub sample_hint: Option<String>,
    /// Where background threads send their news: to the desk, which hands them to the till.
    pub news: Sender<Reply>,
}

/// An open register.
pub struct Register {
    /// Its heart.
    pub till: Till,
    /// What goes on in the background.
    pub background: BackgroundWork,
}

/// What goes on in the background of a register.
#[derive(Clone)]
pub struct BackgroundWork {
    uploader: Arc<Uploader>,
    offline_file: OfflineFile,
}

impl BackgroundWork {
    /// Whether nothing is on its way up or down that could still arrive.
    pub fn is_quiet(&self) -> bool {
        self.uploader.is_quiet() && !self.offline_file.is_fetching()
    }
}

impl Register {
    /// Opens it: the journal with the sale in hand, then whichever source knows the store.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options { profile, data, scale_unit, clock, keys, sample_hint, news } = options;
        create_private_dir(&data)?;
        let register = RegisterId { store: profile.register.store.clone(), number: profile.register.number };
        let journal = Journal::open(&data, &register)?;
        let http = Arc::new(HttpChannel::new(&scale_unit).map_err(OpenError::Address)?);
        let online: Arc<dyn Channel> = Arc::clone(&http) as Arc<dyn Channel>;
        let offline_file = OfflineFile::new(data.join("offline.db"), http, news.clone(), clock.clone());
        let offline = offline_file.open_existing();
        let mut sources = Sources::new(Arc::clone(&online), offline.clone(), &profile.offline, clock.clone());
        let number = register.store.clone();
        let store = sources.ask(move |channel| channel.store(&number)).or_else(|error| {
            // A scale unit that answers with an error takes nobody offline, but is no reason to keep a register closed.
            let kept = offline.and_then(|offline| offline.store(&register.store).ok());
            kept.ok_or(OpenError::NoStore { scale_unit: scale_unit.clone(), error })
        })?;
        if !store.registers.contains(&register.number) {
            return Err(OpenError::UnknownRegister { register });
        }
        let report = move |news_item: Background| {
            // The till may have gone already; then nobody wants to know.
            let _ = news.send(Reply::Background(news_item));
        };
        let uploader = Arc::new(
            Uploader::start(Outbox::open(&data)?, online, profile.offline.timeout_ms, clock.clone(), report).map_err(OpenError::Thread)?,
        );
        let background = BackgroundWork { uploader: Arc::clone(&uploader), offline_file: offline_file.clone() };
        let setup = Setup {
            store,
            register,
            profile,
            clock,
            keys,
            journal,
            sources,
            uploads: Box::new(SteeredUploader(uploader)),
            offline_database: Box::new(offline_file),
            sample_hint,
        };
        Ok(Self { till: Till::open(setup)?, background })
    }
}

/// The uploader as the till steers it.
struct SteeredUploader(Arc<Uploader>);

impl Uploads for SteeredUploader {
    fn wake(&self) {
        self.0.wake();
    }

    fn set_online(&self, online: bool) {
        self.0.set_online(online);
    }

    fn status(&self, local: LocalTime<'_>) -> Vec<(String, String)> {
        let status = self.0.status();
        let mut rows = vec![("Last upload".to_owned(), status.last_success.map_or_else(|| "none yet".to_owned(), local))];
        if let Some(error) = status.last_error {
            rows.push(("Last problem".to_owned(), error));
        }
        rows
    }
}

/// Makes a directory that only its owner reads: journals hold what people bought.
fn create_private_dir(path: &Path) -> Result<(), OpenError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| OpenError::Directory { path: path.to_owned(), error })
}

/// Why a register does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be made.
    #[error("the data directory {} cannot be used: {error}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The scale unit's address makes no sense.
    #[error(transparent)]
    Address(AddressError),
    /// The system has no thread left.
    #[error("no thread for the uploads: {0}")]
    Thread(std::io::Error),
    /// Neither source knows the store.
    #[error("the scale unit at {scale_unit} does not tell about the store, and there is no offline database: {error}")]
    NoStore {
        /// Its address.
        scale_unit: String,
        /// What it said, if anything.
        error: ChannelError,
    },
    /// The store has no such register.
    #[error("the store has no register {register}")]
    UnknownRegister {
        /// The one asked for.
        register: RegisterId,
    },
}

impl OpenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "name another one with --data, or make room and give the rights to write there",
            Self::Journal(error) => error.hint(),
            Self::Address(_) => "put it right in the profile or with --scale-unit",
            Self::Thread(_) => "close other programs, then start the register again",
            Self::NoStore { .. } => "see that the scale unit runs and that its address is right; `evertill doctor` checks both",
            Self::UnknownRegister { .. } => "put store and number right in the profile's [register], or add the register at headquarters",
        }
    }
}
