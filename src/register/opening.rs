//! How a register is put together: the device is made one, its journal opened, the store asked for, and all of it handed to a till.

use std::path::Path;
use std::sync::Arc;

use super::activation::DeviceActivation;
use super::offline_file::{Drive, OfflineFile, Packages};
use super::{BackgroundWork, OpenError, Options, Register, SteeredUploader};
use crate::channel::http::HttpChannel;
use crate::channel::{Channel, ChannelError, ErrorKind, Refusal};
use crate::connection::Source;
use crate::deadline::Deadline;
use crate::desk::{Background, Desk, Reply};
use crate::device::Identity;
use crate::ids::RegisterId;
use crate::journal::{Journal, Outbox};
use crate::private;
use crate::profile::Profile;
use crate::retail::register::Numbers;
use crate::retail::store::Store;
use crate::sync::upload::Uploader;
use crate::till::{Activation, Setup, Sources, Standing, Till, first_activation, look_of, profile_with};
use crate::view::Look;
use crate::wire::Wire;

/// A register that is being opened.
pub(super) struct Opening<'a> {
    options: Options,
    /// Who is asked for a code where one is wanted.
    desk: Option<&'a mut dyn Desk>,
    last_serial: u64,
    /// The register that a code is expected to be for: whose journal is here, or the profile's.
    expected: RegisterId,
    scale_unit: Arc<HttpChannel>,
    offline_file: OfflineFile,
    activation: DeviceActivation,
}

/// What it has come to.
struct Opened {
    register: RegisterId,
    journal: Journal,
    store: Store,
    profile: Profile,
    sources: Sources,
    look: Option<Arc<Look>>,
}

impl<'a> Opening<'a> {
    /// What the device has, before anybody is asked.
    pub(super) fn begin(options: Options, desk: Option<&'a mut dyn Desk>) -> Result<Self, OpenError> {
        let Options { profile, data, scale_unit, clock, news, wire, .. } = &options;
        private::folder(data).map_err(|error| OpenError::Directory { path: data.clone(), error })?;
        let scale_unit = Arc::new(connect(wire.as_ref(), scale_unit, profile.scale_unit.ca.as_deref())?);
        let drive = if wire.is_some() { Drive::Steps } else { Drive::Thread };
        let packages = Arc::clone(&scale_unit) as Arc<dyn Packages>;
        let offline_file = OfflineFile::driven(data.join("offline.db"), packages, news.clone(), clock.clone(), drive);
        let activation = DeviceActivation::begin(data, Arc::clone(&scale_unit), offline_file.clone())?;
        let configured = RegisterId { store: profile.register.store.clone(), number: profile.register.number };
        let expected = activation.journal_owner().unwrap_or(configured);
        Ok(Self { options, desk, last_serial: 0, expected, scale_unit, offline_file, activation })
    }

    /// None when the desk hung up.
    pub(super) fn finish(mut self) -> Result<Option<Register>, OpenError> {
        let is_new = self.activation.standing() == Standing::Unknown;
        if !self.is_activated()? {
            return Ok(None);
        }
        let Some(Identity { register, numbers, .. }) = self.activation.identity().cloned() else { return Err(OpenError::NotActivated) };
        let numbers = if is_new || Journal::is_in(&self.options.data)? { numbers } else { numbers.max(self.last_numbers(&register)?) };
        let mut journal = Journal::open_behind(&self.options.data, &register, numbers)?;
        let offline = self.offline_file.open_existing();
        let kept = offline.as_ref().and_then(|offline| offline.register(&register).ok());
        let mut profile = profile_with(&self.options.profile, kept.as_ref());
        let mut sources = self.sources(&register, offline.as_ref(), &profile);
        let Some(store) = self.store(&register, &mut journal, &mut sources, offline.as_ref())? else { return Ok(None) };
        let asked = register.clone();
        let mut configuration = sources.ask_at_all_events(move |channel| channel.register(&asked)).ok().or_else(|| kept.clone());
        let numbers = configuration.as_mut().map(|configuration| std::mem::take(&mut configuration.numbers)).unwrap_or_default();
        if numbers.are_possible() {
            journal.continue_from(numbers)?;
        }
        if configuration != kept && sources.source() == Source::Online {
            profile = profile_with(&self.options.profile, configuration.as_ref());
            sources = self.sources(&register, offline.as_ref(), &profile);
        }
        let look = configuration.as_ref().and_then(look_of);
        if configuration.is_some_and(|configuration| !configuration.support_offline) {
            drop(offline);
            self.offline_file.give_up();
            sources.work_online_only();
        }
        self.offline_file.configure(&profile.offline);
        self.assemble(Opened { register, journal, store, profile, sources, look }).map(Some)
    }

    /// A device that is no register is made one by the code of the options, or of the desk; false when that hung up.
    fn is_activated(&mut self) -> Result<bool, OpenError> {
        if self.activation.standing() != Standing::Unknown {
            return Ok(true);
        }
        if let Some(code) = &self.options.activation_code {
            self.activation.activate(code)?;
            return Ok(true);
        }
        Ok(self.ask_for_code())
    }

    fn ask_for_code(&mut self) -> bool {
        let Some(desk) = &mut self.desk else { return false };
        first_activation(*desk, &mut self.activation, &self.expected, &self.options.scale_unit, &mut self.last_serial)
    }

    /// The numbers of a register whose journal is gone. Those of its activation may long be behind, and would be given twice; its scale unit
    /// knows better, if it knows the device at all.
    fn last_numbers(&self, register: &RegisterId) -> Result<Numbers, OpenError> {
        let Options { wire, profile, data, scale_unit: address, .. } = &self.options;
        let asked = register.clone();
        let mut scale_unit = Deadline::over(Arc::clone(&self.scale_unit) as Arc<dyn Channel>, wire.clone());
        match scale_unit.ask(profile.offline.timeout_ms, move |channel| channel.register(&asked)) {
            Ok(configuration) => {
                tracing::warn!(directory = %data.display(), numbers = ?configuration.numbers, "journal.db is gone, another is begun");
                Ok(configuration.numbers)
            }
            Err(ChannelError { kind: ErrorKind::Refused(Refusal::Device), .. }) => Ok(Numbers::default()),
            Err(error) if self.offline_file.exists() => Err(OpenError::NoJournal { directory: data.clone(), error }),
            Err(ChannelError { kind: ErrorKind::Refused(Refusal::NotFound), .. }) => Ok(Numbers::default()),
            Err(error) => Err(OpenError::NoStore { scale_unit: address.clone(), error }),
        }
    }

    fn sources(&self, register: &RegisterId, offline: Option<&Arc<dyn Channel>>, profile: &Profile) -> Sources {
        let Options { wire, clock, .. } = &self.options;
        let online = Arc::clone(&self.scale_unit) as Arc<dyn Channel>;
        Sources::over(register.clone(), online, wire.clone(), offline.cloned(), &profile.offline, clock.clone())
    }

    /// The store, from whichever source knows it. A device that was deactivated and has no offline database is activated again first: with
    /// it there would be nothing to sell. None when the desk hung up.
    fn store(
        &mut self,
        register: &RegisterId,
        journal: &mut Journal,
        sources: &mut Sources,
        offline: Option<&Arc<dyn Channel>>,
    ) -> Result<Option<Store>, OpenError> {
        let number = register.store.clone();
        let asked = move |channel: &dyn Channel| channel.store(&number);
        let mut answer = sources.ask(asked.clone());
        if answer.is_ok() && sources.source() == Source::Online {
            self.activation.was_accepted();
        }
        if matches!(&answer, Err(error) if error.kind == ErrorKind::Refused(Refusal::Device)) {
            self.activation.was_deactivated();
            if offline.is_none() {
                if !self.is_activated_again() {
                    return Ok(None);
                }
                journal.continue_from(self.activation.identity().map(|identity| identity.numbers).unwrap_or_default())?;
                answer = sources.ask(asked);
            }
        }
        let store = answer.or_else(|error| {
            // A scale unit that answers with an error takes nobody offline, but is no reason to keep a register closed.
            let kept = offline.and_then(|offline| offline.store(&register.store).ok());
            kept.ok_or_else(|| OpenError::NoStore { scale_unit: self.options.scale_unit.clone(), error })
        })?;
        if store.registers.contains(&register.number) {
            Ok(Some(store))
        } else {
            Err(OpenError::UnknownRegister { register: register.clone() })
        }
    }

    /// A code of the options that is spent is no reason not to ask for another.
    fn is_activated_again(&mut self) -> bool {
        let is_activated = self.options.activation_code.as_ref().is_some_and(|code| self.activation.activate(code).is_ok());
        is_activated || self.ask_for_code()
    }

    fn assemble(self, opened: Opened) -> Result<Register, OpenError> {
        let Self { options, last_serial, scale_unit, offline_file, activation, .. } = self;
        let Options { profile: own_profile, data, clock, keys, sample_hint, news, wire, .. } = options;
        let Opened { register, journal, store, profile, sources, look } = opened;
        let report = move |item: Background| {
            // The till may have gone already; then nobody wants to know.
            let _ = news.send(Reply::Background(item));
        };
        let (outbox, timeout_ms) = (Outbox::open(&data)?, profile.offline.timeout_ms);
        let uploader = Arc::new(match wire {
            Some(_) => Uploader::in_steps(outbox, Deadline::over(scale_unit, wire), timeout_ms, clock.clone(), report.clone()),
            None => Uploader::start(outbox, scale_unit, timeout_ms, clock.clone(), report.clone()).map_err(OpenError::Thread)?,
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
        Ok(Register { till: Till::open(setup)?, background })
    }
}

/// The scale unit: at the other end of a wire if there is one, else at its address.
fn connect(wire: Option<&Arc<dyn Wire>>, scale_unit: &str, authority: Option<&str>) -> Result<HttpChannel, OpenError> {
    match wire {
        Some(wire) => Ok(HttpChannel::over(Arc::clone(wire))),
        None => HttpChannel::with_authority(scale_unit, authority.map(Path::new)).map_err(OpenError::Address),
    }
}
