//! Taking connections, encrypted or not: so many at once and from one address, none that never finishes its handshake or its request's head,
//! all ended when the server stops.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Peer, SECURITY, STOP_WAIT};

/// Connections at once; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 1_024;
/// And from one address: whoever holds all he can leaves the others room.
const CONNECTIONS_OF_ONE_MAX: usize = CONNECTIONS_MAX / 4;
/// How long a connection may take until its first request's head is there.
const FIRST_HEAD_WAIT: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// How long a later request's head may take, and how long a connection may be idle: longer than registers keep one.
const HEAD_WAIT: Duration = Duration::from_mins(1);
/// What a request's head may be, in bytes.
const HEAD_MAX: usize = 32 * 1_024;
/// Pause after the system refuses a connection, as when it has no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until told to stop, and a little longer for requests in progress; with a certificate over TLS alone.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    mut stop: oneshot::Receiver<()>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let acceptor = tls.map(TlsAcceptor::from);
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let holders = Holders::default();
    let graceful = GracefulShutdown::new();
    loop {
        let accept = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            accepted = accept => accepted,
            _ = &mut stop => break,
        };
        let Ok((stream, address)) = accepted else {
            time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Some(place) = Place::take(&holders, address.ip()) else { continue };
        // Answers are small and waited for.
        let _ = stream.set_nodelay(true);
        let (acceptor, watcher, router) = (acceptor.clone(), graceful.watcher(), router.clone());
        tokio::spawn(async move {
            match acceptor {
                None => serve_one(stream, address, watcher, router).await,
                Some(acceptor) => {
                    if let Some(stream) = shake_hands(&acceptor, stream, address).await {
                        serve_one(stream, address, watcher, router).await;
                    }
                }
            }
            drop((slot, place));
        });
    }
    drop(listener);
    // Whoever is not done by then is cut off.
    let _ = time::timeout(STOP_WAIT, graceful.shutdown()).await;
    Ok(())
}

async fn shake_hands(acceptor: &TlsAcceptor, stream: TcpStream, peer: SocketAddr) -> Option<TlsStream<TcpStream>> {
    let shaken = time::timeout(HANDSHAKE_WAIT, acceptor.accept(stream)).await;
    let failure = match shaken {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it took too long".to_owned(),
    };
    tracing::warn!(target: SECURITY, %peer, ?failure, "a TLS handshake failed");
    None
}

async fn serve_one(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr, watcher: Watcher, router: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).max_buf_size(HEAD_MAX);
    let routes = TowerToHyperService::new(router);
    let first = Arc::new(Notify::new());
    let begun = Arc::clone(&first);
    let routes = service_fn(move |mut request: Request<Incoming>| {
        begun.notify_one();
        request.extensions_mut().insert(Peer(peer));
        routes.call(request)
    });
    let connection = http.serve_connection(TokioIo::new(stream), routes);
    let mut connection = pin!(watcher.watch(connection));
    // What a peer does to its connection is its own affair.
    tokio::select! {
        _ = &mut connection => {}
        () = first.notified() => drop(connection.await),
        () = time::sleep(FIRST_HEAD_WAIT) => {}
    }
}

/// How many connections each address holds.
type Holders = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// A connection's place among those of its address, until it is dropped.
struct Place {
    holders: Holders,
    holder: IpAddr,
}

impl Place {
    /// None when its address holds all that one may.
    fn take(holders: &Holders, holder: IpAddr) -> Option<Self> {
        let mut held = holders.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(holder).or_default();
        if *count >= CONNECTIONS_OF_ONE_MAX {
            return None;
        }
        *count += 1;
        Some(Self { holders: Arc::clone(holders), holder })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.holder);
            }
        }
    }
}
