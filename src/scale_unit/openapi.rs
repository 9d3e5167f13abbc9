//! The description of the API, made from the handlers, served by one of them.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi;

use super::handlers;
use crate::protocol::routes;

#[derive(OpenApi)]
#[openapi(
    info(title = "Evertill scale unit", description = "What the registers of a store ask their scale unit."),
    paths(
        handlers::store,
        handlers::sign_in,
        handlers::product_by_code,
        handlers::product,
        handlers::search_products,
        handlers::record,
        handlers::transaction,
        handlers::data_version,
        handlers::offline_database,
        openapi,
        handlers::health,
        handlers::ready,
        handlers::metrics,
    )
)]
struct Description;

/// This description.
#[utoipa::path(get, path = routes::OPENAPI, responses((status = 200, body = Object)))]
pub(super) async fn openapi() -> Json<openapi::OpenApi> {
    Json(Description::openapi())
}
