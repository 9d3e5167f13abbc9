//! The description of the API, made from the handlers, served by one of them.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::{devices, handlers, packages, people};
use crate::protocol::{DEVICE_HEADER, JSON, PROBLEM_JSON, Problem, SESSION_HEADER, routes};

/// The document; it is the same for everybody.
static TEXT: LazyLock<String> = LazyLock::new(|| Description::openapi().to_json().expect("a description has only string keys"));

#[derive(OpenApi)]
#[openapi(
    info(title = "Evertill scale unit", description = "What the registers of a store ask their scale unit."),
    components(schemas(Problem)),
    modifiers(&Common),
    paths(
        handlers::store,
        devices::register,
        devices::activate,
        devices::deactivate,
        people::sign_in,
        people::resume,
        people::sign_off,
        people::unlock,
        handlers::product_by_code,
        handlers::product,
        handlers::search_products,
        handlers::gift_card,
        handlers::record,
        handlers::transaction,
        handlers::data_version,
        packages::packages,
        packages::package_file,
        packages::package_report,
        openapi,
        handlers::health,
        handlers::ready,
        handlers::metrics,
    )
)]
struct Description;

/// This description. It holds no secret, so that it can be read before a device is activated.
#[utoipa::path(get, path = routes::OPENAPI, responses((status = 200, body = Object)))]
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, JSON)], TEXT.as_str()).into_response()
}

/// What all routes, or all of a sort, have alike.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        for (name, scheme) in [("token", bearer), ("device", header(DEVICE_HEADER)), ("session", header(SESSION_HEADER))] {
            components.add_security_scheme(name, scheme);
        }
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.put, &mut item.post].into_iter().flatten() {
                add_problems(operation);
            }
        }
    }
}

fn add_problems(operation: &mut Operation) {
    let is_guarded = operation.security.is_some();
    let has_body = operation.request_body.is_some();
    let common = [
        (true, "400", "the request cannot be read, or speaks another version of the protocol"),
        (true, "500", "the scale unit failed"),
        (true, "503", "the scale unit is too busy, or headquarters is away"),
        (is_guarded, "401", "the device is not activated, or the session has ended"),
        (is_guarded, "429", "too often; wait a little"),
        (has_body, "413", "the body is too large"),
        (has_body, "415", "the body is of another type"),
        (has_body, "422", "the body breaks a rule"),
    ];
    for (_, status, why) in common.into_iter().filter(|(is_answered, ..)| *is_answered) {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(why).content(PROBLEM_JSON, problem).build();
        operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(response));
    }
}
