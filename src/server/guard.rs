//! Around every handler: the protocol version, bounds on number and time of requests, counting, and the access log.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::Peer;
use super::answer::{self, Refused};
use super::metrics::Metrics;
use crate::protocol::{ProblemKind, VERSION, VERSION_HEADER};

/// Requests in progress at once; more wait for a place as long as they may take.
const REQUESTS_MAX: usize = 256;
/// How long a request may take until its answer begins, its body included.
const REQUEST_WAIT: Duration = Duration::from_secs(10);

/// What the guard keeps.
struct Guard {
    metrics: Arc<Metrics>,
    requests: Semaphore,
}

/// Puts the guard around all routes, and an answer behind every address that is none.
pub(crate) fn around(router: Router, metrics: Arc<Metrics>) -> Router {
    let guard = Arc::new(Guard { metrics, requests: Semaphore::new(REQUESTS_MAX) });
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
    let answer = async {
        let _place = guard.requests.acquire().await;
        next.run(request).await
    };
    timeout(REQUEST_WAIT, answer).await.unwrap_or_else(|_| {
        let detail = "the server is too busy to answer in time";
        Refused::with_status(ProblemKind::Broken, StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
    })
}
