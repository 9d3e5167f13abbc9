//! The description of headquarters' API, made from the handlers, served by one of them.

use axum::Json;
use utoipa::openapi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::handlers;
use crate::protocol::headquarters::routes;

#[derive(OpenApi)]
#[openapi(
    info(title = "Evertill headquarters", description = "What the scale units of a chain ask headquarters."),
    modifiers(&Token),
    security(("token" = [])),
    paths(
        handlers::packages,
        handlers::package_file,
        handlers::report,
        handlers::take,
        handlers::activate,
        handlers::deactivate,
        handlers::gift_card,
        openapi,
        handlers::health,
        handlers::ready,
        handlers::metrics,
    )
)]
struct Description;

/// Adds how a scale unit shows its token.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("token", bearer);
    }
}

/// This description.
#[utoipa::path(get, path = routes::OPENAPI, responses((status = 200, body = Object)))]
pub(super) async fn openapi() -> Json<openapi::OpenApi> {
    Json(Description::openapi())
}
