//! The scale unit: the HTTP server that lends a channel database to the registers of a store.
//!
//! The command line starts it as a process, a register without one inside its own. It runs on threads of its own, and its handlers do
//! nothing but decode, call the channel, encode.

mod caller;
mod connected;
mod credentials;
mod devices;
mod distribution;
mod handlers;
mod headquarters;
mod openapi;
mod packages;
mod people;
mod shelf;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post, put};
use rustls::ServerConfig;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::channel::{self, ChannelDatabase, ChannelError, ErrorKind, Upload};
use crate::clock::SharedClock;
use crate::protocol::routes;
use crate::realtime::Headquarters;
use crate::server::answer::{self, Answer};
use crate::server::door::Door;
use crate::server::metrics::Metrics;
use crate::server::rate::Rate;
use crate::server::{self, Server, guard};

pub(crate) use connected::InSteps;
pub use connected::{Connected, ConnectedOptions, StartError};
pub use credentials::{Credentials, CredentialsError};
pub use devices::bring_in_line;
pub use distribution::{DistributionStatus, INTERVAL, Progress};
pub use headquarters::HttpHeadquarters;
pub use shelf::{Shelf, Shelved};

/// PIN checks at once: each takes 19 MiB and a processor for tens of milliseconds.
const PIN_CHECKS_MAX: usize = 2;
/// Calls to headquarters at once: one that is slow keeps a thread, and the database needs some too.
const HEADQUARTERS_CALLS_MAX: usize = 8;
/// How long one more waits for a place before headquarters counts as away.
const HEADQUARTERS_PLACE_WAIT: Duration = Duration::from_secs(3);
/// What the body of anything but a transaction may be, in bytes.
const BODY_MAX: usize = 4_096;

/// A running scale unit; dropping it stops it.
pub struct ScaleUnit {
    server: Server,
}

/// What a scale unit serves, and with what.
pub struct Options {
    /// Its database; several scale units may share one.
    pub channel: Arc<dyn ChannelDatabase>,
    /// Headquarters; without, what needs it fails as if it were away.
    pub headquarters: Option<Arc<dyn Headquarters>>,
    /// How its exchange with headquarters stands, for the counters.
    pub progress: Option<Progress>,
    /// The packages it hands on.
    pub shelf: Arc<Shelf>,
    /// What time it is.
    pub clock: SharedClock,
    /// What it shows to whoever connects over TLS; without, it takes plain connections.
    pub tls: Option<Arc<ServerConfig>>,
}

impl ScaleUnit {
    /// Serves registers at an address; port 0 takes a free one.
    pub fn start(listen: SocketAddr, options: Options) -> io::Result<Self> {
        let tls = options.tls.clone();
        let server = Server::start("scale unit", listen, tls, served(options))?;
        Ok(Self { server })
    }

    /// Returns when the process is asked to end (Ctrl+C, or the system's signal for it).
    pub fn wait_for_signal(self) -> io::Result<()> {
        server::wait_for_signal()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Takes no more requests, lets those in progress end for a short while, and returns when all is over.
    pub fn stop(self) {
        drop(self);
    }
}

/// What the handlers share.
struct Unit {
    channel: Arc<dyn ChannelDatabase>,
    headquarters: Option<Arc<dyn Headquarters>>,
    progress: Option<Progress>,
    shelf: Arc<Shelf>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
    door: Door,
    rates: Rates,
    pin_checks: Arc<Semaphore>,
    headquarters_calls: Arc<Semaphore>,
}

type Shared = State<Arc<Unit>>;

/// Who may ask how often. Devices are known by their tokens' hashes.
struct Rates {
    /// PIN checks and new sessions of a device.
    sign_ins: Rate<String>,
    /// Activations that were refused, by address.
    refused_applicants: Rate<IpAddr>,
    /// And in all: codes cannot be guessed from many addresses either.
    refused_activations: Rate<()>,
}

impl Default for Rates {
    fn default() -> Self {
        Self { sign_ins: Rate::new(30, 1_000), refused_applicants: Rate::new(10, 6_000), refused_activations: Rate::new(60, 1_000) }
    }
}

impl Unit {
    /// Asks the channel for little: on the request's own thread where that is quicker.
    async fn look_up<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn ChannelDatabase) -> channel::Result<T> + Send + 'static,
    ) -> Answer<T> {
        if self.channel.is_at_hand() { answer::at_once(|| question(&*self.channel)) } else { self.ask(question).await }
    }

    /// Asks the channel on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn ChannelDatabase) -> channel::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let channel = Arc::clone(&self.channel);
        answer::blocking(move || question(&*channel)).await
    }

    /// Asks headquarters, on a thread that may block.
    async fn ask_headquarters<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Headquarters, &dyn ChannelDatabase) -> channel::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let away = |why: &str| ChannelError::new(ErrorKind::HeadquartersAway, why);
        let headquarters = self.headquarters.clone().ok_or_else(|| away("this scale unit has no headquarters"))?;
        let call = timeout(HEADQUARTERS_PLACE_WAIT, Arc::clone(&self.headquarters_calls).acquire_owned()).await;
        let call = call.ok().and_then(Result::ok).ok_or_else(|| away("too many calls wait for it"))?;
        let channel = Arc::clone(&self.channel);
        answer::blocking(move || {
            let _call = call;
            question(&*headquarters, &*channel)
        })
        .await
    }
}

/// All it serves, bounded and counted.
fn served(options: Options) -> Router {
    let Options { channel, headquarters, progress, shelf, clock, tls: _ } = options;
    let metrics = Arc::new(Metrics::default());
    let unit = Arc::new(Unit {
        channel,
        headquarters,
        progress,
        shelf,
        clock,
        metrics: Arc::clone(&metrics),
        door: Door::default(),
        rates: Rates::default(),
        pin_checks: Arc::new(Semaphore::new(PIN_CHECKS_MAX)),
        headquarters_calls: Arc::new(Semaphore::new(HEADQUARTERS_CALLS_MAX)),
    });
    guard::around(router(unit), metrics)
}

fn router(unit: Arc<Unit>) -> Router {
    let transaction = put(handlers::record).layer(DefaultBodyLimit::max(Upload::MAX_BYTES)).get(handlers::transaction);
    Router::new()
        .route(routes::ACTIVATE, post(devices::activate))
        .route(routes::DEACTIVATE, post(devices::deactivate))
        .route(routes::SIGN_IN, post(people::sign_in))
        .route(routes::RESUME, post(people::resume))
        .route(routes::SIGN_OFF, post(people::sign_off))
        .route(routes::UNLOCK, post(people::unlock))
        .route(routes::PACKAGE_REPORT, post(packages::package_report))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .route(routes::STORE, get(handlers::store))
        .route(routes::REGISTER, get(devices::register))
        .route(routes::PRODUCT_BY_CODE, get(handlers::product_by_code))
        .route(routes::PRODUCT, get(handlers::product))
        .route(routes::PRODUCTS, get(handlers::search_products))
        .route(routes::GIFT_CARD, get(handlers::gift_card))
        .route(routes::TRANSACTION, transaction)
        .route(routes::DATA_VERSION, get(handlers::data_version))
        .route(routes::PACKAGES, get(packages::packages))
        .route(routes::PACKAGE_FILE, get(packages::package_file))
        .route(routes::OPENAPI, get(openapi::openapi))
        .route(routes::HEALTH, get(handlers::health))
        .route(routes::READY, get(handlers::ready))
        .route(routes::METRICS, get(handlers::metrics))
        .with_state(unit)
}
