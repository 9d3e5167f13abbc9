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

/// Lets only scale units pass.
pub(super) async fn authenticate(State(office): State<Arc<Office>>, mut request: Request, next: Next) -> Response {
    match caller(&office, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => {
            let mut response = refused.into_response();
            if response.status() == StatusCode::UNAUTHORIZED {
                let peer = request.extensions().get::<Peer>().map(|Peer(address)| address.ip());
                tracing::warn!(?peer, "somebody without a scale unit's token was refused");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

async fn caller(office: &Office, headers: &HeaderMap) -> Answer<Caller> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let token = shown.filter(|token| token.len() <= Secret::MAX_LEN).map(Secret::new).ok_or_else(unknown)?;
    let (headquarters, hash) = (office.headquarters.clone(), token.hash());
    let found = blocking(move || Ok(headquarters.scale_unit(&hash)?)).await?;
    found.map(Caller).ok_or_else(unknown)
}

fn unknown() -> Refused {
    Refused::new(ProblemKind::Session, "headquarters does not know this scale unit's token")
}
