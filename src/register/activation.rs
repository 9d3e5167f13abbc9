//! The device's identity as the till changes it: its file, and the scale unit that forwards to headquarters.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Keys, OfflineFile};
use crate::channel::ChannelError;
use crate::channel::http::HttpChannel;
use crate::device::{Device, DeviceError, DeviceFile, Identity};
use crate::ids::RegisterId;
use crate::journal::Reader;
use crate::realtime;
use crate::retail::register::Numbers;
use crate::secret::Secret;
use crate::till::{Activation, ActivationError, Standing};

/// The device of a data directory.
pub(super) struct DeviceActivation {
    directory: PathBuf,
    file: DeviceFile,
    device: Device,
    scale_unit: Arc<HttpChannel>,
    offline_file: OfflineFile,
}

impl DeviceActivation {
    /// Reads who the device is, and lets it show that to the scale unit.
    pub(super) fn begin(directory: &Path, scale_unit: Arc<HttpChannel>, offline_file: OfflineFile) -> Result<Self, DeviceError> {
        let file = DeviceFile::of(directory);
        let device = file.read_or_begin()?;
        let activation = Self { directory: directory.to_owned(), file, device, scale_unit, offline_file };
        activation.show();
        Ok(activation)
    }

    /// Which register it is.
    pub(super) fn identity(&self) -> Option<&Identity> {
        self.device.identity.as_ref()
    }

    /// The register whose journal is here.
    pub(super) fn journal_owner(&self) -> Option<RegisterId> {
        Reader::open(&self.directory).and_then(|reader| reader.register()).ok()
    }

    fn show(&self) {
        self.scale_unit.set_device(self.identity().map(|identity| (self.device.id.clone(), identity.token.clone())));
        self.offline_file.set_keys(self.identity().and_then(Keys::of));
    }

    fn keep(&mut self, identity: Option<Identity>) -> Result<(), ActivationError> {
        let device = Device { identity, ..self.device.clone() };
        self.file.write(&device).map_err(|error| kept(&error))?;
        self.device = device;
        self.show();
        Ok(())
    }

    /// The scale unit has said what another standing means; nothing where the device had yet another.
    fn stands(&mut self, before: Standing, after: Standing) {
        if self.standing() != before {
            return;
        }
        tracing::warn!(?after, "the scale unit says how this device stands");
        let deactivated = after == Standing::Deactivated;
        let identity = self.device.identity.clone().map(|identity| Identity { deactivated, ..identity });
        if let Err(error) = self.keep(identity.clone()) {
            tracing::warn!(%error, "that was not kept; the scale unit will say it again");
            self.device.identity = identity;
        }
    }
}

impl Activation for DeviceActivation {
    fn device(&self) -> &str {
        &self.device.id
    }

    fn standing(&self) -> Standing {
        match self.identity() {
            None => Standing::Unknown,
            Some(Identity { deactivated: true, .. }) => Standing::Deactivated,
            Some(Identity { deactivated: false, .. }) => Standing::Activated,
        }
    }

    fn activate(&mut self, code: &Secret) -> Result<Numbers, ActivationError> {
        // A code is one device's: whether the answer can be kept is found out before.
        self.file.write(&self.device).map_err(|error| kept(&error))?;
        let asked = realtime::Activation { code: code.clone(), device: self.device.id.clone() };
        let identity = Identity::from(self.scale_unit.activate(&asked)?);
        let (given, numbers) = (identity.register.clone(), identity.numbers);
        if !numbers.are_possible() {
            return Err(ChannelError::broken(format!("numbers beyond {} were handed on, which no register reaches", Numbers::MAX)).into());
        }
        if let Some(journal) = self.journal_owner().filter(|journal| *journal != given) {
            self.scale_unit.set_device(Some((self.device.id.clone(), identity.token)));
            if let Err(error) = self.scale_unit.deactivate() {
                tracing::warn!(%error, register = %given, "a register that cannot be used here was not given back");
            }
            self.show();
            return Err(ActivationError::OtherRegister { given, journal });
        }
        self.keep(Some(identity))?;
        Ok(numbers)
    }

    fn release(&mut self) -> Result<(), ActivationError> {
        self.scale_unit.deactivate()?;
        self.keep(None)
    }

    fn was_deactivated(&mut self) {
        self.stands(Standing::Activated, Standing::Deactivated);
    }

    fn was_accepted(&mut self) {
        self.stands(Standing::Deactivated, Standing::Activated);
    }
}

fn kept(error: &DeviceError) -> ActivationError {
    ActivationError::Kept { hint: error.hint(), problem: error.to_string() }
}
