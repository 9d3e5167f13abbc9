//! Taking connections: so many at once, none that never finishes its request's head, all ended when the scale unit stops.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::time;

use super::STOP_WAIT;

/// Connections at once; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 1_024;
/// How long a request's head may take, and how long a connection may be idle: longer than registers keep one.
const HEAD_WAIT: Duration = Duration::from_mins(1);
/// What a request's head may be, in bytes.
const HEAD_MAX: usize = 32 * 1_024;
/// Pause after the system refuses a connection, as when it has no more file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until told to stop, and a little longer for requests in progress.
pub(super) async fn serve(listener: std::net::TcpListener, router: Router, mut stop: oneshot::Receiver<()>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).max_buf_size(HEAD_MAX);
    loop {
        let accept = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            accepted = accept => accepted,
            _ = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else {
            time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Answers are small and waited for.
        let _ = stream.set_nodelay(true);
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // What a peer does to its connection is its own affair.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    // Whoever is not done by then is cut off.
    let _ = time::timeout(STOP_WAIT, graceful.shutdown()).await;
    Ok(())
}
