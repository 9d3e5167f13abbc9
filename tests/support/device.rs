//! A scale unit over a test's channel database, and devices that are activated there.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use evertill::channel::{ChannelDatabase, Device, DeviceStatus, Session};
use evertill::clock::{SharedClock, SystemClock};
use evertill::ids::RegisterId;
use evertill::retail::register::Numbers;
use evertill::scale_unit::{Options, ScaleUnit, Shelf};
use evertill::secret::Secret;

/// A device that is a register, as it shows itself.
#[derive(Clone)]
pub(crate) struct Activated {
    /// Its name.
    pub(crate) device: String,
    /// Its token.
    pub(crate) token: Secret,
    /// Which register it is.
    pub(crate) register: RegisterId,
}

/// What a scale unit is started with; without headquarters.
pub(crate) fn options(channel: Arc<dyn ChannelDatabase>, folder: &Path, clock: SharedClock) -> Options {
    let shelf = Arc::new(Shelf::open(&folder.join("packages")).expect("a folder for packages"));
    Options { channel, headquarters: None, progress: None, shelf, clock, tls: None }
}

/// Serves a channel database from a free port.
pub(crate) fn serve(channel: Arc<dyn ChannelDatabase>, folder: &Path) -> ScaleUnit {
    ScaleUnit::start(local(), options(channel, folder, Arc::new(SystemClock::default()))).expect("a scale unit")
}

/// A free port of this machine.
pub(crate) fn local() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}

/// Stores an activated device of a register of store 343; the one before it is deactivated.
pub(crate) fn activate(channel: &dyn ChannelDatabase, number: u32) -> Activated {
    let token = Secret::random();
    let device = format!("device-{}", &token.hash()[..8]);
    let register = RegisterId { store: "343".to_owned(), number };
    let stored = Device {
        id: device.clone(),
        register: register.clone(),
        token_hash: token.hash(),
        status: DeviceStatus::Activated,
        numbers: Numbers::default(),
        handed_on: None,
    };
    channel.activate(&stored).expect("a device");
    Activated { device, token, register }
}

impl Activated {
    /// The headers it sends.
    pub(crate) fn headers(&self) -> String {
        format!("authorization: Bearer {}\r\nevertill-device: {}\r\n", self.token.reveal(), self.device)
    }

    /// And those in an operator's session.
    pub(crate) fn headers_in(&self, session: &Secret) -> String {
        format!("{}evertill-session: {}\r\n", self.headers(), session.reveal())
    }

    /// Opens an operator's session, as a sign-in does.
    pub(crate) fn session(&self, operator: &str, channel: &dyn ChannelDatabase, clock: &SharedClock) -> Secret {
        let token = Secret::random();
        let expires_at = clock.now() + TimeDelta::hours(12);
        let session = Session { token_hash: token.hash(), operator: operator.into(), register: self.register.clone(), expires_at };
        channel.open_session(&session).expect("a session");
        token
    }
}
