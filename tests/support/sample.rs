//! The sample store's whole chain in the test's own process: headquarters, its packages, and a scale unit that serves registers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use evertill::chain::Chain;
use evertill::channel::http::HttpChannel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::clock::{SharedClock, SystemClock};
use evertill::device::{Device, DeviceFile, Identity};
use evertill::ids::RegisterId;
use evertill::realtime::Activation;

/// The chain and its channel database, in which the test can look things up.
pub(crate) struct Sample {
    pub(crate) channel: Arc<SqliteChannel>,
    pub(crate) chain: Chain,
}

impl Sample {
    /// Served from a folder of the test's.
    pub(crate) fn open(folder: &Path) -> Self {
        let clock: SharedClock = Arc::new(SystemClock::default());
        let chain = Chain::on_sample_store(&folder.join("chain"), &clock).expect("the sample store's chain");
        Self { channel: chain.channel(), chain }
    }

    /// The address of its scale unit.
    pub(crate) fn address(&self) -> SocketAddr {
        self.chain.scale_unit_address()
    }

    /// The same, as `--scale-unit` takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Activates the device of a data directory as a register of the store; a device that was that register before is given up.
    pub(crate) fn enroll(&self, data: &Path, number: u32) {
        std::fs::create_dir_all(data).expect("a folder");
        let register = RegisterId { store: "343".to_owned(), number };
        let Some(code) = self.chain.activation_code(data, &register).expect("an activation code") else { return };
        let file = DeviceFile::of(data);
        let device = file.read_or_begin().expect("a device");
        let scale_unit = HttpChannel::new(&self.url()).expect("the scale unit's address");
        let activated = scale_unit.activate(&Activation { code, device: device.id.clone() }).expect("an activation");
        file.write(&Device { identity: Some(Identity::from(activated)), ..device }).expect("room for the device");
    }
}
