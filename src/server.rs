//! What every HTTP server of this program has alike: it listens on threads of its own, each connection and request is bounded, counted
//! and logged, and whatever goes wrong is told as a problem detail.
//!
//! The scale unit and headquarters bring their routes. It knows no route itself, and nothing of the shop.

pub(crate) mod answer;
mod connections;
pub(crate) mod door;
pub(crate) mod guard;
pub(crate) mod in_memory;
pub(crate) mod metrics;
pub(crate) mod range;
pub(crate) mod rate;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::runtime;
use tokio::sync::oneshot;

/// Threads that wait for a database or for another server.
const BLOCKING_THREADS_MAX: usize = 32;
/// How long requests in progress may take to end after the server is told to stop.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// What is logged under this name concerns security: refused tokens, permissions and handshakes, sign-ins, locks.
pub(crate) const SECURITY: &str = "evertill::security";

/// Whoever sent a request, as the socket tells: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Peer {
    /// Whether it is a process of this machine.
    pub(crate) fn is_here(self) -> bool {
        self.0.ip().is_loopback()
    }
}

/// A running server; dropping it stops it.
pub(crate) struct Server {
    name: &'static str,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves routes at an address, over TLS if it is to; port 0 takes a free one. `name` is that of its thread, for the log.
    pub(crate) fn start(name: &'static str, listen: SocketAddr, tls: Option<Arc<ServerConfig>>, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime =
            runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(BLOCKING_THREADS_MAX).enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(connections::serve(listener, tls, router, stopped)) {
                tracing::error!(%error, "{name} cannot listen");
            }
            runtime.shutdown_timeout(STOP_WAIT);
        })?;
        tracing::info!(%address, "{name} listens");
        Ok(Self { name, address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    /// Takes no more requests, lets those in progress end for a short while, and returns when all is over.
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of {} panicked", self.name);
        }
    }
}

/// Returns when the process is asked to end (Ctrl+C, or the system's signal for it).
pub(crate) fn wait_for_signal() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    })
}
