//! Headquarters' HTTP server: what its scale units ask, and the schedule by which its distribution jobs run.
//!
//! The command line starts it as a process, the chain inside a register's process within that. Its handlers do nothing but decode, ask
//! [`Headquarters`], encode; each speaks for the store whose token was shown.

mod access;
mod handlers;
mod openapi;
mod schedule;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use rustls::ServerConfig;

use super::Headquarters;
use crate::clock::SharedClock;
use crate::protocol::headquarters::{BATCH_BODY_MAX, routes};
use crate::server::door::Door;
use crate::server::metrics::Metrics;
use crate::server::{Server, guard};
use schedule::Scheduler;

/// What a body may be, in bytes, where it holds no batch of transactions or reports.
const SMALL_BODY_MAX: usize = 4_096;
/// What a body of reports may be, in bytes.
const REPORTS_BODY_MAX: usize = 1 << 20;

/// A running server of headquarters; dropping it stops it.
pub struct HeadquartersServer {
    server: Server,
    _scheduler: Scheduler,
}

impl HeadquartersServer {
    /// Serves headquarters at an address, with a certificate over TLS alone; port 0 takes a free one.
    pub fn start(listen: SocketAddr, headquarters: &Headquarters, clock: SharedClock, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let server = Server::start("headquarters", listen, tls, served(headquarters, Arc::clone(&clock)))?;
        Ok(Self { server, _scheduler: Scheduler::start(headquarters.clone(), clock)? })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns when the process is asked to end.
    pub fn wait_for_signal(self) -> io::Result<()> {
        crate::server::wait_for_signal()
    }
}

/// All that it serves, bounded and counted.
pub(crate) fn served(headquarters: &Headquarters, clock: SharedClock) -> Router {
    let metrics = Arc::new(Metrics::default());
    let office = Arc::new(Office { headquarters: headquarters.clone(), metrics: Arc::clone(&metrics), door: Door::default(), clock });
    guard::around(router(office), metrics)
}

/// What the handlers share.
struct Office {
    headquarters: Headquarters,
    metrics: Arc<Metrics>,
    door: Door,
    clock: SharedClock,
}

fn router(office: Arc<Office>) -> Router {
    let small = || DefaultBodyLimit::max(SMALL_BODY_MAX);
    Router::new()
        .route(routes::PACKAGES, get(handlers::packages))
        .route(routes::PACKAGE_FILE, get(handlers::package_file))
        .route(routes::PACKAGE_REPORTS, post(handlers::report).layer(DefaultBodyLimit::max(REPORTS_BODY_MAX)))
        .route(routes::TRANSACTIONS, post(handlers::take).layer(DefaultBodyLimit::max(BATCH_BODY_MAX)))
        .route(routes::ACTIVATE, post(handlers::activate).layer(small()))
        .route(routes::DEACTIVATE, post(handlers::deactivate).layer(small()))
        .route(routes::GIFT_CARD, get(handlers::gift_card))
        .route_layer(from_fn_with_state(Arc::clone(&office), access::authenticate))
        .route(routes::OPENAPI, get(openapi::openapi))
        .route(routes::HEALTH, get(handlers::health))
        .route(routes::READY, get(handlers::ready))
        .route(routes::METRICS, get(handlers::metrics))
        .with_state(office)
}
