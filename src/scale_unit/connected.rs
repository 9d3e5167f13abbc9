//! A scale unit that is connected with headquarters: its server, its shelf of packages and its background work, from one set of credentials.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::credentials::Credentials;
use super::distribution::{Distribution, DistributionOptions, DistributionStatus, Work};
use super::headquarters::HttpHeadquarters;
use super::{Options, ScaleUnit, Shelf, served};
use crate::channel::ChannelDatabase;
use crate::clock::SharedClock;
use crate::package::VerifyingKey;
use crate::private;
use crate::server::in_memory::{Hands, InMemory};

/// What it serves, and where.
pub struct ConnectedOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What it shows to whoever connects over TLS; without, it takes plain connections.
    pub tls: Option<Arc<ServerConfig>>,
    /// Its database, which knows the key of the credentials; several scale units may share one.
    pub channel: Arc<dyn ChannelDatabase>,
    /// Headquarters.
    pub headquarters: HttpHeadquarters,
    /// What headquarters gave it.
    pub credentials: Credentials,
    /// Where packages are kept for registers.
    pub packages: PathBuf,
    /// Where packages are gathered and unpacked: a folder of its own, on the disk of a SQLite database.
    pub incoming: PathBuf,
    /// How often headquarters is asked.
    pub interval: Duration,
    /// The clock.
    pub clock: SharedClock,
}

/// The running scale unit; dropping it stops it.
pub struct Connected {
    unit: ScaleUnit,
    distribution: Distribution,
}

impl Connected {
    /// Starts it.
    pub fn start(options: ConnectedOptions) -> Result<Self, StartError> {
        let listen = options.listen;
        let (distributed, parts) = prepare(options)?;
        let distribution = Distribution::start(distributed).map_err(StartError::Thread)?;
        let unit = ScaleUnit::start(listen, parts.with(&distribution)).map_err(|error| StartError::Listen { listen, error })?;
        Ok(Self { unit, distribution })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.unit.address()
    }

    /// Waits until its background work has done a round that began after this call, for so long at most; how things stand then.
    pub fn complete_a_round(&self, within: Duration) -> DistributionStatus {
        self.distribution.complete_a_round(within)
    }
}

/// A scale unit without threads and sockets: the simulation's.
pub(crate) struct InSteps {
    server: InMemory,
    work: Work,
    // What the real-time calls of its registers wake, in vain: the rounds are whoever's who has it.
    _distribution: Distribution,
}

impl InSteps {
    /// Puts it together.
    pub(crate) fn start(options: ConnectedOptions, hands: Hands) -> Result<Self, StartError> {
        let (distributed, parts) = prepare(options)?;
        let (distribution, work) = Distribution::in_steps(distributed);
        let server = InMemory::new(served(parts.with(&distribution)), hands);
        Ok(Self { server, work, _distribution: distribution })
    }

    /// The answer to a request.
    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        self.server.answer(request)
    }

    /// A round of its background work.
    pub(crate) fn round(&mut self) -> DistributionStatus {
        self.work.round()
    }
}

/// What is served once the exchange with headquarters stands.
struct Served {
    channel: Arc<dyn ChannelDatabase>,
    shelf: Arc<Shelf>,
    clock: SharedClock,
    tls: Option<Arc<ServerConfig>>,
}

impl Served {
    fn with(self, distribution: &Distribution) -> Options {
        let Self { channel, shelf, clock, tls } = self;
        Options { channel, headquarters: Some(distribution.realtime()), progress: Some(distribution.progress()), shelf, clock, tls }
    }
}

fn prepare(options: ConnectedOptions) -> Result<(DistributionOptions, Served), StartError> {
    let ConnectedOptions { listen: _, tls, channel, headquarters, credentials, packages, incoming, interval, clock } = options;
    let key: VerifyingKey = credentials.headquarters_key.parse().map_err(|_| StartError::Key)?;
    let at = |path: &PathBuf, error| StartError::Folder { path: path.clone(), error };
    private::folder(&incoming).map_err(|error| at(&incoming, error))?;
    let shelf = Arc::new(Shelf::open(&packages).map_err(|error| at(&packages, error))?);
    let distributed = DistributionOptions {
        channel: Arc::clone(&channel),
        headquarters: Arc::new(headquarters),
        key,
        store: credentials.store,
        shelf: Arc::clone(&shelf),
        folder: incoming,
        clock: Arc::clone(&clock),
        interval,
    };
    Ok((distributed, Served { channel, shelf, clock, tls }))
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The credentials hold no key of headquarters.
    #[error("the credentials' headquarters_key is no key")]
    Key,
    /// Where packages are kept.
    #[error("{}: {error}", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The system has no thread left.
    #[error("no thread for the exchange with headquarters: {0}")]
    Thread(io::Error),
    /// Nobody can listen there.
    #[error("{listen}: {error}")]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

impl StartError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Key => "have headquarters write them again: `evertill hq scale-unit add`",
            Self::Folder { .. } => "name another folder with --packages, or give the rights to write there",
            Self::Thread(_) => "close other programs, then start it again",
            Self::Listen { .. } => "port 0 takes a free one; another server may have this one",
        }
    }
}
