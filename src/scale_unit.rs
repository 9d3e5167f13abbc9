//! The scale unit: the HTTP server that lends a channel database to the registers of a store.
//!
//! The command line starts it as a process, a register without one inside its own. It runs on threads of its own, and its handlers do
//! nothing but decode, call the channel, encode.

mod answer;
mod connections;
mod guard;
mod handlers;
mod metrics;
mod openapi;
mod shelf;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tokio::runtime;
use tokio::sync::{Semaphore, oneshot};

use crate::channel::sqlite::{OpenError, SqliteChannel};
use crate::channel::{ChannelError, Upload};
use crate::protocol::routes;
use crate::sample_store;
use metrics::Metrics;
use shelf::Shelf;

/// Threads that wait for the database; each may hold a connection to it.
const DATABASE_THREADS_MAX: usize = 32;
/// PIN checks at once: each takes 19 MiB and a processor for tens of milliseconds.
const SIGN_INS_MAX: usize = 2;
/// What a sign-in's body may be, in bytes.
const SIGN_IN_BODY_MAX: usize = 4_096;
/// How long requests in progress may take to end after [`ScaleUnit::stop`].
const STOP_WAIT: Duration = Duration::from_secs(2);

/// A running scale unit; dropping it stops it.
pub struct ScaleUnit {
    address: SocketAddr,
    channel: Arc<SqliteChannel>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ScaleUnit {
    /// Serves `channel` at an address; port 0 takes a free one.
    pub fn start(listen: SocketAddr, channel: Arc<SqliteChannel>) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let unit = Arc::new(Unit {
            channel: Arc::clone(&channel),
            shelf: Shelf::new()?,
            metrics: Metrics::default(),
            sign_ins: Semaphore::new(SIGN_INS_MAX),
            requests: Semaphore::new(guard::REQUESTS_MAX),
        });
        let runtime =
            runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(DATABASE_THREADS_MAX).enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("scale unit".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(connections::serve(listener, router(unit), stopped)) {
                tracing::error!(%error, "the scale unit cannot listen");
            }
            runtime.shutdown_timeout(STOP_WAIT);
        })?;
        tracing::info!(%address, "scale unit listens");
        Ok(Self { address, channel, stop: Some(stop), thread: Some(thread) })
    }

    /// Serves the sample store from a directory, on a free port of this machine; the first time it is filled.
    pub fn on_sample_store(directory: &Path) -> Result<Self, SampleStoreError> {
        std::fs::create_dir_all(directory)?;
        let channel = SqliteChannel::open(&directory.join("channel.db"))?;
        if channel.is_empty()? {
            channel.load(&sample_store::master_data())?;
        }
        Ok(Self::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Arc::new(channel))?)
    }

    /// Its channel database.
    pub fn channel(&self) -> Arc<SqliteChannel> {
        Arc::clone(&self.channel)
    }

    /// Returns when the process is asked to end (Ctrl+C, or the system's signal for it).
    pub fn wait_for_signal(self) -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted,
                _ = terminate.recv() => Ok(()),
            }
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, lets those in progress end for a short while, and returns when all is over.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the scale unit's thread panicked");
        }
    }
}

impl Drop for ScaleUnit {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why the sample store is not served.
#[derive(Debug, thiserror::Error)]
pub enum SampleStoreError {
    /// Its directory, or the port.
    #[error("the sample store's scale unit does not start: {0}")]
    Io(#[from] io::Error),
    /// Its database does not open.
    #[error("the sample store's channel database does not open: {0}")]
    Open(#[from] OpenError),
    /// It cannot be filled.
    #[error("the sample store cannot be written: {0}")]
    Load(#[from] ChannelError),
}

/// What the handlers share.
struct Unit {
    channel: Arc<SqliteChannel>,
    shelf: Shelf,
    metrics: Metrics,
    sign_ins: Semaphore,
    requests: Semaphore,
}

fn router(unit: Arc<Unit>) -> Router {
    let transaction = put(handlers::record).layer(DefaultBodyLimit::max(Upload::MAX_BYTES)).get(handlers::transaction);
    Router::new()
        .route(routes::STORE, get(handlers::store))
        .route(routes::SIGN_IN, post(handlers::sign_in).layer(DefaultBodyLimit::max(SIGN_IN_BODY_MAX)))
        .route(routes::PRODUCT_BY_CODE, get(handlers::product_by_code))
        .route(routes::PRODUCT, get(handlers::product))
        .route(routes::PRODUCTS, get(handlers::search_products))
        .route(routes::TRANSACTION, transaction)
        .route(routes::DATA_VERSION, get(handlers::data_version))
        .route(routes::OFFLINE_DATABASE, get(handlers::offline_database))
        .route(routes::OPENAPI, get(openapi::openapi))
        .route(routes::HEALTH, get(handlers::health))
        .route(routes::READY, get(handlers::ready))
        .route(routes::METRICS, get(handlers::metrics))
        .fallback(answer::no_such_route)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(from_fn_with_state(Arc::clone(&unit), guard::guard))
        .with_state(unit)
}
