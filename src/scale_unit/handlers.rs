//! What each route does: decode, call the channel, encode.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection, StringRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;
use uuid::Uuid;

use super::Unit;
use super::answer::{Answer, Refused};
use crate::channel::sqlite::SqliteChannel;
use crate::channel::{self, Channel, Page, ProductSearch, Recorded, Upload};
use crate::ids::{ProductId, TransactionId};
use crate::protocol::{self, DataVersion, JSON, Problem, ProblemKind, Receipt, SignIn, ZSTD, routes};
use crate::retail::product::{Found, Product};
use crate::retail::staff::Operator;
use crate::retail::store::Store;

/// Bytes of a download handed on at once.
const CHUNK: usize = 64 * 1_024;

type Shared = State<Arc<Unit>>;

/// Configuration of a store.
#[utoipa::path(get, path = routes::STORE, params(("number" = String, Path)), responses(
    (status = 200, body = Store), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn store(State(unit): Shared, number: Result<Path<String>, PathRejection>) -> Answer<Json<Store>> {
    let Path(number) = number?;
    Ok(Json(look_up(&unit, |channel| channel.store(&number))?))
}

/// Checks a personnel number and PIN.
#[utoipa::path(post, path = routes::SIGN_IN, request_body = SignIn, responses(
    (status = 200, body = Operator), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn sign_in(State(unit): Shared, body: Result<Json<SignIn>, JsonRejection>) -> Answer<Json<Operator>> {
    let Json(SignIn { operator, pin }) = body?;
    let _place = unit.sign_ins.acquire().await;
    Ok(Json(ask(&unit, move |channel| channel.sign_in(&operator, &pin)).await?))
}

/// A code to look up.
#[derive(Deserialize, IntoParams)]
pub(super) struct CodeQuery {
    /// Bar code, price look-up number or product number.
    code: String,
}

/// The product a code stands for.
#[utoipa::path(get, path = routes::PRODUCT_BY_CODE, params(CodeQuery), responses(
    (status = 200, body = Found), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn product_by_code(State(unit): Shared, query: Result<Query<CodeQuery>, QueryRejection>) -> Answer<Json<Found>> {
    let Query(CodeQuery { code }) = query?;
    let found = look_up(&unit, |channel| channel.product_by_barcode(&code))?;
    found.map(Json).ok_or_else(|| Refused::new(ProblemKind::NotFound, "no product has this code"))
}

/// A product by its number.
#[utoipa::path(get, path = routes::PRODUCT, params(("id" = String, Path)), responses(
    (status = 200, body = Product), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn product(State(unit): Shared, id: Result<Path<String>, PathRejection>) -> Answer<Json<Product>> {
    let Path(id) = id?;
    let found = look_up(&unit, |channel| channel.product(&ProductId(id)))?;
    found.map(Json).ok_or_else(|| Refused::new(ProblemKind::NotFound, "no product has this number"))
}

/// A page of the products that match a text.
#[utoipa::path(get, path = routes::PRODUCTS, params(("text" = String, Query), ("offset" = u32, Query), ("limit" = u32, Query)), responses(
    (status = 200, body = Page), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn search_products(State(unit): Shared, query: Result<Query<ProductSearch>, QueryRejection>) -> Answer<Json<Page>> {
    let Query(search) = query?;
    Ok(Json(ask(&unit, move |channel| channel.search_products(&search)).await?))
}

/// Takes a transaction in, once: its canonical text under its key.
#[utoipa::path(put, path = routes::TRANSACTION, params(("id" = Uuid, Path)), request_body(content = Object, content_type = JSON), responses(
    (status = 201, body = Receipt, description = "taken in just now"), (status = 200, body = Receipt, description = "it was there already"),
    (status = 409, body = Problem, content_type = protocol::PROBLEM_JSON, description = "its key or number is taken; it is set aside"),
    (status = 422, body = Problem, content_type = protocol::PROBLEM_JSON, description = "it breaks a rule; it is set aside"),
    (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn record(
    State(unit): Shared,
    id: Result<Path<Uuid>, PathRejection>,
    canonical: Result<String, StringRejection>,
) -> Answer<(StatusCode, Json<Receipt>)> {
    let (Path(id), canonical) = (id?, canonical?);
    let upload = Upload { id: TransactionId(id), canonical };
    let recorded = ask(&unit, {
        let unit = Arc::clone(&unit);
        move |channel| {
            let answer = channel.record(&upload);
            unit.metrics.count_transaction(&answer);
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

/// A transaction's canonical text.
#[utoipa::path(get, path = routes::TRANSACTION, params(("id" = Uuid, Path)), responses(
    (status = 200, body = Object, content_type = JSON), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn transaction(State(unit): Shared, id: Result<Path<Uuid>, PathRejection>) -> Answer<Response> {
    let Path(id) = id?;
    let found = look_up(&unit, |channel| channel.transaction(&TransactionId(id)))?;
    let canonical = found.ok_or_else(|| Refused::new(ProblemKind::NotFound, "no transaction has this key"))?;
    Ok(([(header::CONTENT_TYPE, JSON)], canonical).into_response())
}

/// Version of the master data.
#[utoipa::path(get, path = routes::DATA_VERSION, responses(
    (status = 200, body = DataVersion), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn data_version(State(unit): Shared) -> Answer<Json<DataVersion>> {
    let version = look_up(&unit, Channel::data_version)?;
    Ok(Json(DataVersion { version }))
}

/// The master data as a database file, compressed with zstd; `ETag` is their version.
#[utoipa::path(get, path = routes::OFFLINE_DATABASE, responses(
    (status = 200, body = Vec<u8>, content_type = ZSTD), (status = 304, description = "that version is the present one"),
    (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn offline_database(State(unit): Shared, headers: HeaderMap) -> Answer<Response> {
    let shelf = Arc::clone(&unit);
    let package = ask(&unit, move |channel| shelf.shelf.package(channel)).await?;
    let etag = format!("\"{}\"", package.version);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|kept| kept.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let file = tokio::fs::File::from_std(package.file);
    let head = [(header::CONTENT_TYPE, HeaderValue::from_static(ZSTD)), (header::CONTENT_LENGTH, HeaderValue::from(package.length))];
    Ok((head, [(header::ETAG, etag)], Body::from_stream(ReaderStream::with_capacity(file, CHUNK))).into_response())
}

/// The process lives.
#[utoipa::path(get, path = routes::HEALTH, responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn health() -> &'static str {
    "live\n"
}

/// Registers can be served; if not, the problem says why.
#[utoipa::path(get, path = routes::READY, responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 503, body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn ready(State(unit): Shared) -> Answer<&'static str> {
    let not_ready = |reason: &str| Refused::with_status(ProblemKind::Broken, StatusCode::SERVICE_UNAVAILABLE, reason);
    match blocking(&unit, SqliteChannel::is_empty).await {
        Some(Ok(false)) => Ok("ready\n"),
        Some(Ok(true)) => Err(not_ready("no master data have been loaded yet")),
        Some(Err(error)) => Err(not_ready(&error.to_string())),
        None => Err(not_ready("the database's thread failed")),
    }
}

/// Counters for Prometheus.
#[utoipa::path(get, path = routes::METRICS, responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(unit): Shared) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], unit.metrics.text()).into_response()
}

/// Asks the channel for one record on the request's own thread: it is there in less time than another thread takes to wake.
fn look_up<T>(unit: &Unit, question: impl FnOnce(&SqliteChannel) -> channel::Result<T>) -> Answer<T> {
    match catch_unwind(AssertUnwindSafe(|| question(&unit.channel))) {
        Ok(answer) => Ok(answer?),
        // The thread's own message has said more.
        Err(_) => Err(failed()),
    }
}

/// Asks the channel on a thread that may block.
async fn ask<T: Send + 'static>(unit: &Unit, question: impl FnOnce(&SqliteChannel) -> channel::Result<T> + Send + 'static) -> Answer<T> {
    Ok(blocking(unit, question).await.ok_or_else(failed)??)
}

fn failed() -> Refused {
    Refused::new(ProblemKind::Broken, "the request failed inside the scale unit")
}

/// None when the question panicked.
async fn blocking<T: Send + 'static>(unit: &Unit, question: impl FnOnce(&SqliteChannel) -> T + Send + 'static) -> Option<T> {
    let channel = Arc::clone(&unit.channel);
    let answer = tokio::task::spawn_blocking(move || question(&channel)).await;
    answer.inspect_err(|error| tracing::error!(%error, "a request panicked")).ok()
}
