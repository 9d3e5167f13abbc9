//! A whole chain inside one process, on the sample store: headquarters, the road to it, and a scale unit, as in a shop but on loopback ports.
//!
//! A register with nothing configured sells from it; so do demos, tests and a scale unit that is told of no headquarters. Everything goes over
//! the same HTTP and the same packages as between machines.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use crate::channel::http::AddressError;
use crate::channel::sqlite::{self, SqliteChannel};
use crate::channel::{ChannelDatabase, ChannelError};
use crate::clock::SharedClock;
use crate::device::{DeviceError, DeviceFile};
use crate::headquarters::kinds::{ALL_JOBS, Kind};
use crate::headquarters::server::HeadquartersServer;
use crate::headquarters::{Error as HeadquartersError, Extent, Headquarters};
use crate::ids::RegisterId;
use crate::private;
use crate::road::Road;
use crate::scale_unit::{Connected, ConnectedOptions, Credentials, CredentialsError, DistributionStatus, HttpHeadquarters, StartError};
use crate::secret::Secret;

/// Who does what this module does at headquarters, in the audit.
const WHO: &str = "sample store";
/// The sample store's number.
const STORE: &str = "343";
/// The scale unit's name at headquarters.
const SCALE_UNIT: &str = "sample";
/// How often the scale unit asks headquarters: it costs next to nothing inside one process.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long the first packages may take.
const FIRST_PACKAGES_WAIT: Duration = Duration::from_secs(30);

/// Where the scale unit listens.
pub struct Place {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What it shows to whoever connects over TLS; without, it takes plain connections.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Default for Place {
    /// A free port of this machine.
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), tls: None }
    }
}

/// A running chain; dropping it stops it.
pub struct Chain {
    // In the order in which they end.
    scale_unit: Connected,
    road: Road,
    _server: HeadquartersServer,
    headquarters: Headquarters,
    channel: Arc<SqliteChannel>,
}

impl Chain {
    /// The chain of a directory, which is filled the first time.
    pub fn on_sample_store(directory: &Path, clock: &SharedClock) -> Result<Self, ChainError> {
        private::folder(directory)?;
        Self::beside(&directory.join("channel.db"), Place::default(), clock)
    }

    /// A scale unit over a channel database, and headquarters in files beside it, which is filled the first time.
    pub fn beside(channel_database: &Path, place: Place, clock: &SharedClock) -> Result<Self, ChainError> {
        let folder = channel_database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let database = format!("sqlite:{}", folder.join("headquarters.db").display());
        let headquarters = Headquarters::open(&database, None, Arc::clone(clock))?;
        fill(&headquarters)?;
        Self::of(headquarters, channel_database, place, clock)
    }

    /// A scale unit over a channel database, connected with this headquarters, which knows the store.
    pub fn of(headquarters: Headquarters, channel_database: &Path, place: Place, clock: &SharedClock) -> Result<Self, ChainError> {
        let credentials = credentials(&headquarters, &channel_database.with_extension("credentials.toml"))?;
        let server = HeadquartersServer::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &headquarters, Arc::clone(clock), None)?;
        let road = Road::open(server.address(), 0)?;
        let channel = SqliteChannel::open(channel_database)?.with_pin_key(headquarters.pin_key().clone());
        let channel = Arc::new(channel);
        let scale_unit = Connected::start(ConnectedOptions {
            listen: place.listen,
            tls: place.tls,
            channel: Arc::clone(&channel) as Arc<dyn ChannelDatabase>,
            headquarters: HttpHeadquarters::new(&format!("http://{}", road.address()), None, credentials.token.clone())?,
            credentials,
            packages: channel_database.with_extension("packages"),
            incoming: channel_database.with_extension("incoming"),
            interval: INTERVAL,
            clock: Arc::clone(clock),
        })?;
        let chain = Self { scale_unit, road, _server: server, headquarters, channel };
        if chain.channel.is_empty()? {
            chain.wait_for_packages()?;
        }
        Ok(chain)
    }

    /// Until the store's data have come to its scale unit.
    pub fn wait_for_packages(&self) -> Result<(), ChainError> {
        let status = self.complete_a_round(FIRST_PACKAGES_WAIT);
        if self.channel.is_empty()? {
            return Err(ChainError::NoPackages(status.last_error.unwrap_or_else(|| "none came in time".to_owned())));
        }
        Ok(())
    }

    /// Waits until the scale unit has done a round of its background work that began after this call; how it stands then.
    pub fn complete_a_round(&self, within: Duration) -> DistributionStatus {
        self.scale_unit.complete_a_round(within)
    }

    /// A code that makes the device of a data directory one of the registers; none when it is one. Whatever device was that register
    /// before is given up.
    pub fn activation_code(&self, data: &Path, register: &RegisterId) -> Result<Option<Secret>, ChainError> {
        let device = DeviceFile::of(data).read()?;
        if device.is_some_and(|device| device.identity.is_some()) {
            return Ok(None);
        }
        let code = self.headquarters.activation_code(WHO, register).or_else(|_| {
            self.headquarters.reset_device(WHO, register)?;
            self.headquarters.activation_code(WHO, register)
        });
        Ok(Some(code?))
    }

    /// Where registers find the scale unit.
    pub fn scale_unit_address(&self) -> SocketAddr {
        self.scale_unit.address()
    }

    /// The channel database.
    pub fn channel(&self) -> Arc<SqliteChannel> {
        Arc::clone(&self.channel)
    }

    /// Headquarters.
    pub fn headquarters(&self) -> &Headquarters {
        &self.headquarters
    }

    /// The road between scale unit and headquarters.
    pub fn road(&self) -> &Road {
        &self.road
    }
}

/// Imports the sample store and distributes it, the first time.
fn fill(headquarters: &Headquarters) -> Result<(), ChainError> {
    let stores = Kind::named("store").expect("headquarters has stores");
    if headquarters.list(stores)?.is_empty() {
        headquarters.import_sample_store(WHO)?;
    }
    if headquarters.manifests(STORE, 0)?.is_empty() {
        headquarters.run_job(WHO, ALL_JOBS, None, Extent::Full)?;
    }
    Ok(())
}

/// The scale unit's credentials, made anew when its file is gone.
fn credentials(headquarters: &Headquarters, file: &Path) -> Result<Credentials, ChainError> {
    if !file.exists() {
        match headquarters.remove_scale_unit(WHO, SCALE_UNIT) {
            Ok(()) | Err(HeadquartersError::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        headquarters.add_scale_unit(WHO, SCALE_UNIT, STORE)?.write(file)?;
    }
    Ok(Credentials::read(file)?)
}

/// Why a chain does not start.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Its directory, or a port.
    #[error("the sample store does not start: {0}")]
    Io(#[from] io::Error),
    /// Headquarters.
    #[error("the sample store's headquarters: {0}")]
    Headquarters(#[from] HeadquartersError),
    /// The credentials of its scale unit.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The channel database.
    #[error("the sample store's channel database does not open: {0}")]
    Open(#[from] sqlite::OpenError),
    /// The channel database cannot be read.
    #[error("the sample store's channel database: {0}")]
    Channel(#[from] ChannelError),
    /// The road's address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The scale unit.
    #[error("the sample store's scale unit does not start: {0}")]
    Start(#[from] StartError),
    /// The register's device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The first packages did not come.
    #[error("the sample store's data did not reach its scale unit: {0}")]
    NoPackages(String),
}
