//! Who asks: a scale unit shows the token that headquarters gave it, and speaks for its store alone.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Office;
use crate::headquarters::ScaleUnitRow;
use crate::protocol::ProblemKind;
use crate::secret::Secret;
use crate::server::Peer;
use crate::server::answer::{Answer, Refused, blocking};

/// The scale unit that asks.
#[derive(Clone)]
pub(super) struct Caller(pub(super) ScaleUnitRow);

impl FromRequestParts<Arc<Office>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Office>) -> Answer<Self> {
        parts.extensions.get().cloned().ok_or_else(unknown)
    }
}

/// Whoever may read the counters: a process of this machine, or a scale unit.
pub(super) struct Watcher;

impl FromRequestParts<Arc<Office>> for Watcher {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, office: &Arc<Office>) -> Answer<Self> {
        let peer = parts.extensions.get().copied();
        if peer.is_some_and(Peer::is_here) {
            return Ok(Self);
        }
        caller(office, &parts.headers, peer).await.map(|_| Self)
    }
}

/// Lets only scale units pass.
pub(super) async fn authenticate(State(office): State<Arc<Office>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get().copied();
    match caller(&office, request.headers(), peer).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => {
            let mut response = refused.into_response();
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

async fn caller(office: &Office, headers: &HeaderMap, peer: Option<Peer>) -> Answer<Caller> {
    let now = office.clock.tick();
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let hash = shown.filter(|token| token.len() <= Secret::MAX_LEN).map(|token| Secret::new(token).hash());
    office.door.approach(hash.as_ref(), peer, now)?;
    let Some(hash) = hash else { return Err(office.door.refuse(unknown(), peer, now)) };
    let (headquarters, looked_up) = (office.headquarters.clone(), hash.clone());
    let found = blocking(move || Ok(headquarters.scale_unit(&looked_up)?)).await?;
    let unit = found.ok_or_else(|| office.door.refuse(unknown(), peer, now))?;
    office.door.let_in(&hash, now)?;
    Ok(Caller(unit))
}

fn unknown() -> Refused {
    Refused::new(ProblemKind::Session, "headquarters does not know this scale unit's token")
}
