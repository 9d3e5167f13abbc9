//! Around every handler: the protocol version, bounds on number and time of requests, counting, and the access log.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use super::Unit;
use super::answer::Refused;
use crate::protocol::{ProblemKind, VERSION, VERSION_HEADER, routes};

/// Requests in progress at once; more wait for a place as long as they may take.
pub(super) const REQUESTS_MAX: usize = 256;
/// How long a request may take, its body included.
const REQUEST_WAIT: Duration = Duration::from_secs(10);
/// The same for the offline database, which is made first.
const OFFLINE_DATABASE_WAIT: Duration = Duration::from_mins(5);

pub(super) async fn guard(State(unit): State<Arc<Unit>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "other".to_owned(), |matched| matched.as_str().to_owned());

    let mut response = match check_version(request.headers()) {
        Ok(()) => within_bounds(&unit, &route, request, next).await,
        Err(refused) => refused.into_response(),
    };
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from(VERSION));

    let (status, took) = (response.status(), began.elapsed());
    unit.metrics.count(&route, status, took);
    // No query, no body, no header: they may hold what is nobody's business.
    tracing::info!(%method, path, status = status.as_u16(), took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX), "request");
    response
}

/// Refuses another version; no version at all is somebody with a browser.
fn check_version(headers: &HeaderMap) -> Result<(), Refused> {
    match headers.get(VERSION_HEADER) {
        Some(spoken) if spoken.as_bytes() != VERSION.to_string().as_bytes() => {
            let spoken = String::from_utf8_lossy(spoken.as_bytes());
            let detail = format!("the register speaks protocol {spoken:.20}, this scale unit {VERSION}");
            Err(Refused::with_status(ProblemKind::Unsupported, StatusCode::BAD_REQUEST, &detail))
        }
        Some(_) | None => Ok(()),
    }
}

async fn within_bounds(unit: &Unit, route: &str, request: Request, next: Next) -> Response {
    let wait = if route == routes::OFFLINE_DATABASE { OFFLINE_DATABASE_WAIT } else { REQUEST_WAIT };
    let answer = async {
        let _place = unit.requests.acquire().await;
        next.run(request).await
    };
    timeout(wait, answer).await.unwrap_or_else(|_| {
        let detail = "the scale unit is too busy to answer in time";
        Refused::with_status(ProblemKind::Broken, StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
    })
}
