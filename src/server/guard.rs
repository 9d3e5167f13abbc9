//! Around every handler: the protocol version, bounds on number and time of requests, counting, and the access log.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::Peer;
use super::answer::{self, Refused};
use super::metrics::Metrics;
use crate::channel;
use crate::protocol::{ProblemKind, VERSION, VERSION_HEADER};

/// Requests in progress at once; more wait for a place as long as they may take.
const REQUESTS_MAX: usize = 256;
/// How long a request may take until its answer begins, beside the time that the body it has brought so far takes on a slow line.
const REQUEST_WAIT: Duration = Duration::from_secs(10);

/// What the guard keeps.
struct Guard {
    metrics: Arc<Metrics>,
    requests: Semaphore,
    /// Usually [`REQUEST_WAIT`].
    wait: Duration,
}

/// Puts the guard around all routes, and an answer behind every address that is none.
pub(crate) fn around(router: Router, metrics: Arc<Metrics>) -> Router {
    with_wait(router, metrics, REQUEST_WAIT)
}

fn with_wait(router: Router, metrics: Arc<Metrics>, wait: Duration) -> Router {
    let guard = Arc::new(Guard { metrics, requests: Semaphore::new(REQUESTS_MAX), wait });
    router.fallback(answer::no_such_route).method_not_allowed_fallback(answer::no_such_method).layer(from_fn_with_state(guard, watch))
}

async fn watch(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| address.ip());
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "other".to_owned(), |matched| matched.as_str().to_owned());

    let mut response = match check_version(request.headers()) {
        Ok(()) => within_bounds(&guard, request, next).await,
        Err(refused) => refused.into_response(),
    };
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from(VERSION));

    let (status, took) = (response.status(), began.elapsed());
    guard.metrics.count(&route, status, took);
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    // The route and not the address, no query, body or header: they may hold what is nobody's business, such as a gift card's number.
    tracing::info!(%method, route, ?peer, status = status.as_u16(), took_us, "request");
    response
}

/// Refuses another version; no version at all is somebody with a browser.
fn check_version(headers: &HeaderMap) -> Result<(), Refused> {
    match headers.get(VERSION_HEADER) {
        Some(spoken) if spoken.as_bytes() != VERSION.to_string().as_bytes() => {
            let spoken = String::from_utf8_lossy(spoken.as_bytes());
            let detail = format!("the request speaks protocol {spoken:.20}, this server {VERSION}");
            Err(Refused::with_status(ProblemKind::Unsupported, StatusCode::BAD_REQUEST, &detail))
        }
        Some(_) | None => Ok(()),
    }
}

async fn within_bounds(guard: &Guard, request: Request, next: Next) -> Response {
    let (began, arrived) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let request = request.map(|body| counted(body, Arc::clone(&arrived)));
    let mut answer = pin!(async {
        let _place = guard.requests.acquire().await;
        next.run(request).await
    });
    loop {
        let bytes = arrived.load(Ordering::Relaxed);
        match timeout_at(began + guard.wait + channel::time_for(bytes), answer.as_mut()).await {
            Ok(response) => return response,
            Err(_) if arrived.load(Ordering::Relaxed) > bytes => {}
            Err(_) => {
                let detail = "the server is too busy to answer in time, or the request took too long to arrive";
                return Refused::with_status(ProblemKind::Broken, StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
            }
        }
    }
}

/// A body that adds up how much of it has arrived.
fn counted(body: Body, arrived: Arc<AtomicUsize>) -> Body {
    Body::new(body.map_frame(move |frame| {
        arrived.fetch_add(frame.data_ref().map_or(0, Bytes::len), Ordering::Relaxed);
        frame
    }))
}

#[cfg(test)]
mod tests {
    use axum::routing::put;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::sleep;
    use tokio_util::io::ReaderStream;

    use super::*;

    /// The answer to a body that arrives in so many pieces of so many bytes.
    async fn answer(pieces: usize, bytes: usize) -> StatusCode {
        let routes = Router::new().route("/", put(|body: Bytes| async move { body.len().to_string() }));
        let routes = with_wait(routes, Arc::default(), Duration::from_millis(150));
        let (mut sender, receiver): (DuplexStream, _) = duplex(bytes);
        tokio::spawn(async move {
            for _ in 0..pieces {
                sleep(Duration::from_millis(100)).await;
                let _ = sender.write_all(&vec![b'x'; bytes]).await;
            }
        });
        let request = Request::put("/").body(Body::from_stream(ReaderStream::new(receiver))).unwrap();
        TowerToHyperService::new(routes).call(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_body_may_take_what_a_slow_line_does_and_no_longer() {
        assert_eq!(answer(5, 64_000).await, StatusCode::OK);
        assert_eq!(answer(5, 1).await, StatusCode::SERVICE_UNAVAILABLE);
    }
}
