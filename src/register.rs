//! A register put together: profile, journal, sources, uploads and the offline database's file around one [`Till`].
//!
//! The live screen, the demos, the tests and the replay of real baskets all open the same register; they differ in their desk and clock.

mod activation;
mod downloads;
mod offline_file;
mod opening;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::channel::http::AddressError;
use crate::channel::{ChannelError, ErrorKind, Refusal};
use crate::clock::SharedClock;
use crate::desk::{Desk, Reply};
use crate::device::DeviceError;
use crate::ids::{KeySource, RegisterId};
use crate::journal::JournalError;
use crate::profile::Profile;
use crate::secret::Secret;
use crate::sync::upload::{UploadStatus, Uploader};
use crate::till::{ActivationError, Till, Uploads};
use crate::wire::Wire;

use opening::Opening;

pub use downloads::Keys;
pub use offline_file::{Drive, OfflineFile, Packages, SteeredFile};

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
    /// Headquarters' code for a device that is no register yet.
    pub activation_code: Option<Secret>,
    /// Where background threads send their news: to the desk, which hands them to the till.
    pub news: Sender<Reply>,
    /// A road to the scale unit in place of its address. The register then has no threads: its background work goes on in
    /// [`BackgroundWork::step`].
    pub wire: Option<Arc<dyn Wire>>,
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
    /// Does what is due in a register without threads; whether anything was.
    pub fn step(&self) -> bool {
        let (sent, fetched) = (self.uploader.step(), self.offline_file.step());
        sent || fetched
    }

    /// Version of the offline database that the till reads, if there is one.
    pub fn offline_version(&self) -> Option<u64> {
        self.offline_file.version_in_use()
    }

    /// Whether nothing is on its way up or down that could still arrive.
    pub fn is_quiet(&self) -> bool {
        self.uploader.is_quiet() && self.offline_file.is_quiet()
    }
}

impl Register {
    /// Opens it: the journal with the sale in hand, then whichever source knows the store. A device that is no register yet is made one
    /// by the code of the options.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Opening::begin(options, None)?.finish().and_then(|register| register.ok_or(OpenError::NotActivated))
    }

    /// The same; where a code is wanted and the options have none, the desk is asked for it. None when the desk hung up.
    pub fn open_at(desk: &mut dyn Desk, options: Options) -> Result<Option<Self>, OpenError> {
        Opening::begin(options, Some(desk))?.finish()
    }
}

/// The uploader as the till steers it.
struct SteeredUploader(Arc<Uploader>);

impl Uploads for SteeredUploader {
    fn wake(&self) {
        self.0.wake();
    }

    fn went_online(&self) {
        self.0.went_online();
    }

    fn went_offline(&self) {
        self.0.went_offline();
    }

    fn status(&self) -> UploadStatus {
        self.0.status()
    }
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
    /// It is gone, and so are the last numbers that the register gave.
    #[error("there is no journal.db in {} any more, and the scale unit does not tell which numbers come next: {error}", directory.display())]
    NoJournal {
        /// The data directory.
        directory: PathBuf,
        /// What the scale unit said, if anything.
        error: ChannelError,
    },
    /// The device's file.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device is no register, and there is nobody to ask for a code.
    #[error("this device is not activated")]
    NotActivated,
    /// The code was not taken.
    #[error("this device was not activated: {}", .0.notice().text)]
    Activation(#[from] ActivationError),
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
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Device(error) => return error.hint(),
            Self::Activation(error) => return error.notice().hint,
            Self::NotActivated => "name a code of headquarters with --activation-code",
            Self::Directory { .. } => "name another one with --data, or make room and give the rights to write there",
            Self::Journal(error) => error.hint(),
            Self::NoJournal { .. } => {
                "put journal.db back; unsent sales are in it. Without it the register opens once its scale unit answers"
            }
            Self::Address(_) => "put it right in the profile or with --scale-unit",
            Self::Thread(_) => "close other programs, then start the register again",
            Self::NoStore { error: ChannelError { kind: ErrorKind::Refused(Refusal::NotFound), .. }, .. } => {
                "its data have not come down yet: run job 9999 at headquarters, then start the register again"
            }
            Self::NoStore { .. } => "see that the scale unit runs and that its address is right; `evertill doctor` checks both",
            Self::UnknownRegister { .. } => "add the register to its store at headquarters",
        };
        hint.to_owned()
    }
}
