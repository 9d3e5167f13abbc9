//! A register put together: profile, journal, sources, uploads and the offline database's file around one [`Till`].
//!
//! The live screen, the demos, the tests and the replay of real baskets all open the same register; they differ in their desk and clock.

mod activation;
mod downloads;
mod offline_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::channel::http::{AddressError, HttpChannel};
use crate::channel::{Channel, ChannelError, ErrorKind, Refusal};
use crate::clock::SharedClock;
use crate::connection::Source;
use crate::deadline::Deadline;
use crate::desk::{Background, Desk, Reply};
use crate::device::{DeviceError, Identity};
use crate::ids::{KeySource, RegisterId};
use crate::journal::{Journal, JournalError, Outbox};
use crate::private;
use crate::profile::Profile;
use crate::secret::Secret;
use crate::sync::upload::{UploadStatus, Uploader};
use crate::till::{Activation, ActivationError, Setup, Sources, Standing, Till, Uploads, first_activation, look_of, profile_with};
use crate::wire::Wire;

use activation::DeviceActivation;

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

    /// Whether nothing is on its way up or down that could still arrive.
    pub fn is_quiet(&self) -> bool {
        self.uploader.is_quiet() && self.offline_file.is_quiet()
    }
}

impl Register {
    /// Opens it: the journal with the sale in hand, then whichever source knows the store. A device that is no register yet is made one
    /// by the code of the options.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_with(options, None).and_then(|register| register.ok_or(OpenError::NotActivated))
    }

    /// The same; where a code is wanted and the options have none, the desk is asked for it. None when the desk hung up.
    pub fn open_at(desk: &mut dyn Desk, options: Options) -> Result<Option<Self>, OpenError> {
        Self::open_with(options, Some(desk))
    }

    fn open_with(options: Options, mut desk: Option<&mut dyn Desk>) -> Result<Option<Self>, OpenError> {
        let Options { profile, data, scale_unit, clock, keys, sample_hint, activation_code, news, wire } = options;
        private::folder(&data).map_err(|error| OpenError::Directory { path: data.clone(), error })?;
        let http = connect(wire.as_ref(), &scale_unit, profile.scale_unit.ca.as_deref())?;
        let http = Arc::new(http);
        let drive = if wire.is_some() { Drive::Steps } else { Drive::Thread };
        let packages = Arc::clone(&http) as Arc<dyn Packages>;
        let offline_file = OfflineFile::driven(data.join("offline.db"), packages, news.clone(), clock.clone(), drive);
        let mut activation = DeviceActivation::begin(&data, Arc::clone(&http), offline_file.clone())?;
        let configured = RegisterId { store: profile.register.store.clone(), number: profile.register.number };
        let expected = activation.journal_owner().unwrap_or(configured);
        let mut last_serial = 0;
        let mut ask = |activation: &mut DeviceActivation| match &mut desk {
            Some(desk) => first_activation(*desk, activation, &expected, &scale_unit, &mut last_serial),
            None => false,
        };
        match &activation_code {
            Some(code) if activation.standing() == Standing::Unknown => drop(activation.activate(code)?),
            Some(_) | None => {}
        }
        if activation.standing() == Standing::Unknown && !ask(&mut activation) {
            return Ok(None);
        }
        let Some(Identity { register, numbers, .. }) = activation.identity().cloned() else { return Err(OpenError::NotActivated) };
        let mut journal = Journal::open(&data, &register)?;
        journal.continue_from(numbers)?;
        let online: Arc<dyn Channel> = Arc::clone(&http) as Arc<dyn Channel>;
        let offline = offline_file.open_existing();
        let kept = offline.as_ref().and_then(|offline| offline.register(&register).ok());
        let own_profile = profile;
        let mut profile = profile_with(&own_profile, kept.as_ref());
        let mut sources =
            Sources::over(register.clone(), Arc::clone(&online), wire.clone(), offline.clone(), &profile.offline, clock.clone());
        let number = register.store.clone();
        let asked = move |channel: &dyn Channel| channel.store(&number);
        let mut answer = sources.ask(asked.clone());
        if answer.is_ok() && sources.source() == Source::Online {
            activation.was_accepted();
        }
        if matches!(&answer, Err(error) if error.kind == ErrorKind::Refused(Refusal::Device)) {
            activation.was_deactivated();
            if offline.is_none() {
                // A code that is spent is no reason not to ask for another.
                let is_activated = activation_code.is_some_and(|code| activation.activate(&code).is_ok());
                if !is_activated && !ask(&mut activation) {
                    return Ok(None);
                }
                journal.continue_from(activation.identity().map(|identity| identity.numbers).unwrap_or_default())?;
                answer = sources.ask(asked);
            }
        }
        let store = answer.or_else(|error| {
            // A scale unit that answers with an error takes nobody offline, but is no reason to keep a register closed.
            let kept = offline.clone().and_then(|offline| offline.store(&register.store).ok());
            kept.ok_or(OpenError::NoStore { scale_unit: scale_unit.clone(), error })
        })?;
        if !store.registers.contains(&register.number) {
            return Err(OpenError::UnknownRegister { register });
        }
        let asked = register.clone();
        let mut configuration = sources.ask_at_all_events(move |channel| channel.register(&asked)).ok().or_else(|| kept.clone());
        let numbers = configuration.as_mut().map(|configuration| std::mem::take(&mut configuration.numbers)).unwrap_or_default();
        if numbers.are_possible() {
            journal.continue_from(numbers)?;
        }
        if configuration != kept && sources.source() == Source::Online {
            profile = profile_with(&own_profile, configuration.as_ref());
            sources = Sources::over(register.clone(), Arc::clone(&online), wire.clone(), offline.clone(), &profile.offline, clock.clone());
        }
        let look = configuration.as_ref().and_then(look_of);
        if configuration.is_some_and(|configuration| !configuration.support_offline) {
            drop(offline);
            offline_file.give_up();
            sources.work_online_only();
        }
        offline_file.configure(&profile.offline);
        let report = move |item: Background| {
            // The till may have gone already; then nobody wants to know.
            let _ = news.send(Reply::Background(item));
        };
        let (outbox, timeout_ms) = (Outbox::open(&data)?, profile.offline.timeout_ms);
        let uploader = Arc::new(match wire {
            Some(_) => Uploader::in_steps(outbox, Deadline::over(online, wire), timeout_ms, clock.clone(), report.clone()),
            None => Uploader::start(outbox, online, timeout_ms, clock.clone(), report.clone()).map_err(OpenError::Thread)?,
        });
        let background = BackgroundWork { uploader: Arc::clone(&uploader), offline_file: offline_file.clone() };
        let setup = Setup {
            last_serial,
            store,
            register,
            own_profile,
            profile,
            clock,
            keys,
            journal,
            sources,
            uploads: Box::new(SteeredUploader(uploader)),
            offline_database: Box::new(offline_file.steered()),
            activation: Box::new(activation),
            look,
            news: Arc::new(report),
            sample_hint,
        };
        Ok(Some(Self { till: Till::open(setup)?, background }))
    }
}

/// The scale unit: at the other end of a wire if there is one, else at its address.
fn connect(wire: Option<&Arc<dyn Wire>>, scale_unit: &str, authority: Option<&str>) -> Result<HttpChannel, OpenError> {
    match wire {
        Some(wire) => Ok(HttpChannel::over(Arc::clone(wire))),
        None => HttpChannel::with_authority(scale_unit, authority.map(Path::new)).map_err(OpenError::Address),
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
