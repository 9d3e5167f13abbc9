//! What each route for goods and transactions does, and what the scale unit says about itself: decode, call the channel, encode.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection, StringRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::caller::{Bringer, Caller, Person, Watcher};
use super::{DistributionStatus, Progress, Shared};
use crate::channel::{self, ChannelDatabase, ChannelError, Device, Page, ProductSearch, Recorded, Refusal, Upload};
use crate::ids::{ProductId, RegisterId, TransactionId};
use crate::protocol::{self, DataVersion, JSON, Problem, ProblemKind, Receipt, routes};
use crate::retail::gift_card::GiftCard;
use crate::retail::product::{Found, Product};
use crate::retail::store::Store;
use crate::server::answer::{Answer, Refused};
use crate::server::metrics::Family;
use crate::server::{Peer, SECURITY};

/// The longest number of a gift card, in bytes.
const GIFT_CARD_MAX: usize = 200;

/// Uploads and what became of them.
static WAITING: Family = Family { name: "evertill_waiting", help: "Transactions that have not gone on to headquarters." };
static LAST_SUCCESS: Family = Family {
    name: "evertill_headquarters_last_success_seconds",
    help: "When headquarters last answered all it was asked, in seconds since 1970; 0 before it ever did.",
};
static TRANSACTIONS: Family = Family { name: "evertill_transactions_total", help: "Uploaded transactions." };

/// Configuration of a store.
#[utoipa::path(get, path = routes::STORE, params(("number" = String, Path)), security(("device" = [], "token" = [])), responses(
    (status = 200, body = Store), (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "it is not kept here")))]
pub(super) async fn store(State(unit): Shared, _: Caller, number: Result<Path<String>, PathRejection>) -> Answer<Json<Store>> {
    let Path(number) = number?;
    unit.look_up(move |channel| channel.store(&number)).await.map(Json)
}

/// A code to look up.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CodeQuery {
    /// Bar code, price look-up number or product number.
    code: String,
}

/// The product a code stands for.
#[utoipa::path(get, path = routes::PRODUCT_BY_CODE, params(CodeQuery), security(("device" = [], "token" = [], "session" = [])), responses(
    (status = 200, body = Found), (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "no product has this code")))]
pub(super) async fn product_by_code(
    State(unit): Shared,
    _: Person,
    query: Result<Query<CodeQuery>, QueryRejection>,
) -> Answer<Json<Found>> {
    let Query(CodeQuery { code }) = query?;
    let found = unit.look_up(move |channel| channel.product_by_barcode(&code)).await?;
    found.map(Json).ok_or_else(|| Refused::new(ProblemKind::NotFound, "no product has this code"))
}

/// A product by its number.
#[utoipa::path(get, path = routes::PRODUCT, params(("id" = String, Path)), security(("device" = [], "token" = [], "session" = [])), responses(
    (status = 200, body = Product), (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "no product has this number")))]
pub(super) async fn product(State(unit): Shared, _: Person, id: Result<Path<String>, PathRejection>) -> Answer<Json<Product>> {
    let Path(id) = id?;
    let found = unit.look_up(move |channel| channel.product(&ProductId(id))).await?;
    found.map(Json).ok_or_else(|| Refused::new(ProblemKind::NotFound, "no product has this number"))
}

/// A page of the products that match a text.
#[utoipa::path(get, path = routes::PRODUCTS, security(("device" = [], "token" = [], "session" = [])), params(
    ("text" = String, Query, max_length = 100), ("offset" = u32, Query), ("limit" = u32, Query, maximum = 200)), responses(
    (status = 200, body = Page),
    (status = 422, body = Problem, content_type = protocol::PROBLEM_JSON, description = "it is beyond these bounds")))]
pub(super) async fn search_products(
    State(unit): Shared,
    _: Person,
    query: Result<Query<ProductSearch>, QueryRejection>,
) -> Answer<Json<Page>> {
    let Query(search) = query?;
    unit.ask(move |channel| channel.search_products(&search)).await.map(Json)
}

/// A gift card and its balance: headquarters knows.
#[utoipa::path(get, path = routes::GIFT_CARD, params(("number" = String, Path, max_length = 200)), security(("device" = [], "token" = [], "session" = [])), responses(
    (status = 200, body = GiftCard), (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "there is no such gift card"),
    (status = 422, body = Problem, content_type = protocol::PROBLEM_JSON, description = "it is no number")))]
pub(super) async fn gift_card(State(unit): Shared, _: Person, number: Result<Path<String>, PathRejection>) -> Answer<Json<GiftCard>> {
    let Path(number) = number?;
    if number.len() > GIFT_CARD_MAX {
        return Err(Refused::new(ProblemKind::Invalid, "no gift card has such a number"));
    }
    let found = unit.ask_headquarters(move |headquarters, _| headquarters.gift_card(&number)).await?;
    found.map(Json).ok_or_else(|| Refused::new(ProblemKind::NotFound, "there is no such gift card"))
}

/// Takes a transaction in, once: its canonical text under its key.
///
/// A device that was deactivated is answered too: what it sold before is not lost.
#[utoipa::path(put, path = routes::TRANSACTION, params(("id" = Uuid, Path)), request_body(content = Object, content_type = JSON),
    security(("device" = [], "token" = [])), responses(
    (status = 201, body = Receipt, description = "taken in just now"), (status = 200, body = Receipt, description = "it was there already"),
    (status = 403, body = Problem, content_type = protocol::PROBLEM_JSON, description = "it is another register's"),
    (status = 409, body = Problem, content_type = protocol::PROBLEM_JSON, description = "its key or number is taken; it is set aside"),
    (status = 413, body = Problem, content_type = protocol::PROBLEM_JSON, description = "it is too large"),
    (status = 422, body = Problem, content_type = protocol::PROBLEM_JSON, description = "it breaks a rule; it is set aside")))]
pub(super) async fn record(
    State(unit): Shared,
    Bringer(device): Bringer,
    id: Result<Path<Uuid>, PathRejection>,
    headers: HeaderMap,
    body: Result<String, StringRejection>,
) -> Answer<(StatusCode, Json<Receipt>)> {
    let Path(id) = id?;
    if headers.get(header::CONTENT_TYPE).is_some_and(|given| !given.as_bytes().starts_with(JSON.as_bytes())) {
        return Err(Refused::with_status(ProblemKind::Invalid, StatusCode::UNSUPPORTED_MEDIA_TYPE, "a transaction is application/json"));
    }
    let upload = Upload { id: TransactionId(id), canonical: body? };
    let recorded = unit.ask({
        let metrics = Arc::clone(&unit.metrics);
        move |channel| {
            let answer = record_own(&device, &upload, channel);
            metrics.add(&TRANSACTIONS, result_of(&answer), 1);
            answer
        }
    });
    let recorded = recorded.await?;
    let status = match recorded {
        Recorded::New => StatusCode::CREATED,
        Recorded::Already => StatusCode::OK,
    };
    Ok((status, Json(Receipt { recorded })))
}

/// Takes in what the register itself wrote. Another's records are left where they are: nobody can fill the place of a register's numbers,
/// or of what is set aside, in its name. What cannot be read at all is set aside with the rest that breaks a rule.
fn record_own(device: &Device, upload: &Upload, channel: &dyn ChannelDatabase) -> channel::Result<Recorded> {
    #[derive(Deserialize)]
    struct Written {
        register: RegisterId,
    }
    upload.check()?;
    match serde_json::from_str::<Written>(&upload.canonical) {
        Ok(written) if written.register != device.register => {
            tracing::warn!(target: SECURITY, register = %device.register, written_by = ?written.register, "another register's transaction is refused");
            Err(ChannelError::refused(Refusal::Forbidden, "another register wrote it"))
        }
        Ok(_) | Err(_) => channel.record_from(device, upload),
    }
}

/// A transaction's canonical text.
#[utoipa::path(get, path = routes::TRANSACTION, params(("id" = Uuid, Path)), security(("device" = [], "token" = [])), responses(
    (status = 200, body = Object, content_type = JSON), (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "no transaction has this key")))]
pub(super) async fn transaction(State(unit): Shared, _: Caller, id: Result<Path<Uuid>, PathRejection>) -> Answer<Response> {
    let Path(id) = id?;
    let found = unit.look_up(move |channel| channel.transaction(&TransactionId(id))).await?;
    let canonical = found.ok_or_else(|| Refused::new(ProblemKind::NotFound, "no transaction has this key"))?;
    Ok(([(header::CONTENT_TYPE, JSON)], canonical).into_response())
}

/// Version of the master data.
#[utoipa::path(get, path = routes::DATA_VERSION, security(("device" = [], "token" = [])), responses((status = 200, body = DataVersion)))]
pub(super) async fn data_version(State(unit): Shared, _: Caller) -> Answer<Json<DataVersion>> {
    let version = unit.look_up(|channel| channel.data_version()).await?;
    Ok(Json(DataVersion { version }))
}

/// The process lives.
#[utoipa::path(get, path = routes::HEALTH, responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn health() -> &'static str {
    "live\n"
}

/// Registers can be served; if not, the problem says why.
#[utoipa::path(get, path = routes::READY, responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 503, body = Problem, content_type = protocol::PROBLEM_JSON),
    (status = 429, body = Problem, content_type = protocol::PROBLEM_JSON, description = "too often; wait a little")))]
pub(super) async fn ready(State(unit): Shared, Extension(peer): Extension<Peer>) -> Answer<&'static str> {
    unit.door.pass(peer, unit.clock.tick())?;
    if unit.look_up(|channel| channel.is_empty()).await? {
        let detail = "no master data have been loaded yet";
        return Err(Refused::with_status(ProblemKind::Broken, StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    Ok("ready\n")
}

/// Counters for Prometheus; without a token for processes of the same machine.
#[utoipa::path(get, path = routes::METRICS, security((), ("device" = [], "token" = [])), responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(unit): Shared, _: Watcher) -> Response {
    if let Some(DistributionStatus { waiting, last_success, .. }) = unit.progress.as_ref().map(Progress::status) {
        let seconds = last_success.map_or(0, |time| u64::try_from(time.timestamp()).unwrap_or(0));
        unit.metrics.set(&WAITING, "", waiting);
        unit.metrics.set(&LAST_SUCCESS, "", seconds);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], unit.metrics.text()).into_response()
}

fn result_of(answer: &channel::Result<Recorded>) -> &'static str {
    match answer {
        Ok(Recorded::New) => "result=\"recorded\"",
        Ok(Recorded::Already) => "result=\"already\"",
        Err(_) => "result=\"refused\"",
    }
}
