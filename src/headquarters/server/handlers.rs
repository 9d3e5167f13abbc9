//! What each route does: decode, ask headquarters for the caller's store, encode.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::Office;
use super::access::{Caller, Watcher};
use crate::channel::{self, Upload};
use crate::headquarters::Headquarters;
use crate::package::{Report, SignedManifest};
use crate::protocol::headquarters::{BATCH_MAX, Batch, Deactivation, REPORTS_MAX, routes};
use crate::protocol::{self, Problem, ProblemKind, ZSTD};
use crate::realtime::{Activated, Activation, Headquarters as _, Taken};
use crate::retail::gift_card::GiftCard;
use crate::secret::Secret;
use crate::server::Peer;
use crate::server::answer::{Answer, Refused, blocking};
use crate::server::metrics::Family;
use crate::server::range::{self, Part};

/// Bytes of a package's file on their way at once.
const CHUNK: usize = 64 * 1_024;
/// The longest name of a device.
const DEVICE_MAX: usize = 128;
/// The longest number of a gift card.
const CARD_MAX: usize = 200;

static TAKEN: Family = Family { name: "evertill_taken_total", help: "Transactions that scale units handed on." };

type Shared = State<Arc<Office>>;

/// From which version on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// The version the scale unit has; 0 for none.
    #[param(maximum = 9_223_372_036_854_775_807_u64)]
    after: u64,
}

/// Manifests of the packages after a version, oldest first, each signed.
#[utoipa::path(get, path = routes::PACKAGES, params(After), responses(
    (status = 200, body = Vec<SignedManifest>), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn packages(
    State(office): Shared,
    Caller(unit): Caller,
    query: Result<Query<After>, QueryRejection>,
) -> Answer<Json<Vec<SignedManifest>>> {
    let Query(After { after }) = query?;
    let after = after.min(i64::MAX.unsigned_abs());
    let headquarters = office.headquarters.clone();
    blocking(move || Ok(headquarters.manifests(&unit.store, after)?)).await.map(Json)
}

/// A package's file, or the rest of it.
#[utoipa::path(get, path = routes::PACKAGE_FILE, params(("id" = u64, Path, maximum = 9_223_372_036_854_775_807_u64)), responses(
    (status = 200, body = Vec<u8>, content_type = ZSTD), (status = 206, body = Vec<u8>, content_type = ZSTD),
    (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn package_file(
    State(office): Shared,
    Caller(unit): Caller,
    id: Result<Path<u64>, PathRejection>,
    headers: HeaderMap,
) -> Answer<Response> {
    let Path(id) = id?;
    let none = || Refused::new(ProblemKind::NotFound, "there is no such package, or it is kept no longer");
    if i64::try_from(id).is_err() {
        return Err(none());
    }
    let headquarters = office.headquarters.clone();
    let size = blocking(move || Ok(headquarters.package_size(&unit.store, id)?)).await?.ok_or_else(none)?;
    Ok(range::answer(&headers, size, ZSTD, |part| stream(office.headquarters.clone(), id, part)))
}

/// A part of a package's file, read as fast as it is taken. What fails ends it early, which the length in the answer's head tells.
fn stream(headquarters: Headquarters, id: u64, part: Part) -> Body {
    let (mut writer, reader) = tokio::io::duplex(CHUNK);
    tokio::spawn(async move {
        let (mut at, end) = (part.first, part.first + part.length);
        while at < end {
            let headquarters = headquarters.clone();
            let Ok(Ok(bytes)) = spawn_blocking(move || headquarters.package_bytes(id, at, end - at)).await else { return };
            at += bytes.len() as u64;
            if bytes.is_empty() || writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    Body::from_stream(ReaderStream::with_capacity(reader, CHUNK))
}

/// What became of packages at the store's databases.
#[utoipa::path(post, path = routes::PACKAGE_REPORTS, request_body = Vec<Report>, responses(
    (status = 200, body = (), description = "noted"), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn report(
    State(office): Shared,
    Caller(unit): Caller,
    body: Result<Json<Vec<Report>>, JsonRejection>,
) -> Answer<Json<()>> {
    let Json(reports) = body?;
    if reports.len() > REPORTS_MAX {
        return Err(Refused::new(ProblemKind::Invalid, &format!("{REPORTS_MAX} reports at most")));
    }
    let service = office.headquarters.for_store(&unit.store);
    blocking(move || service.report(&reports)).await.map(Json)
}

/// P-0001: takes transactions in, each once and for ever, and says what became of each.
#[utoipa::path(post, path = routes::TRANSACTIONS, request_body = Batch, responses(
    (status = 200, body = Vec<Taken>), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn take(
    State(office): Shared,
    Caller(unit): Caller,
    body: Result<Json<Batch>, JsonRejection>,
) -> Answer<Json<Vec<Taken>>> {
    let Json(Batch { transactions }) = body?;
    if transactions.len() > BATCH_MAX {
        return Err(Refused::new(ProblemKind::Invalid, &format!("{BATCH_MAX} transactions at most")));
    }
    let uploads: Vec<Upload> = transactions.into_iter().map(Into::into).collect();
    let service = office.headquarters.for_store(&unit.store);
    let taken = blocking(move || service.take(&uploads)).await?;
    let set_aside = taken.iter().filter(|taken| taken.set_aside.is_some()).count();
    office.metrics.add(&TAKEN, "result=\"set_aside\"", set_aside as u64);
    office.metrics.add(&TAKEN, "result=\"taken\"", (taken.len() - set_aside) as u64);
    Ok(Json(taken))
}

/// 707: trades an activation code for a register's identity.
#[utoipa::path(post, path = routes::ACTIVATE, request_body = Activation, responses(
    (status = 200, body = Activated), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn activate(
    State(office): Shared,
    Caller(unit): Caller,
    body: Result<Json<Activation>, JsonRejection>,
) -> Answer<Json<Activated>> {
    let Json(activation) = body?;
    if activation.code.reveal().len() > Secret::MAX_LEN || activation.device.len() > DEVICE_MAX {
        return Err(Refused::new(ProblemKind::Invalid, "the activation code or the device's name is too long"));
    }
    let service = office.headquarters.for_store(&unit.store);
    blocking(move || service.activate(&activation)).await.map(Json)
}

/// 708: releases a register from its device.
#[utoipa::path(post, path = routes::DEACTIVATE, request_body = Deactivation, responses(
    (status = 200, body = (), description = "released"), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn deactivate(
    State(office): Shared,
    Caller(unit): Caller,
    body: Result<Json<Deactivation>, JsonRejection>,
) -> Answer<Json<()>> {
    let Json(Deactivation { register, device }) = body?;
    let service = office.headquarters.for_store(&unit.store);
    blocking(move || service.deactivate(&register, &device)).await.map(Json)
}

/// A gift card and its balance.
#[utoipa::path(get, path = routes::GIFT_CARD, params(("number" = String, Path, max_length = 200)), responses(
    (status = 200, body = GiftCard), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn gift_card(
    State(office): Shared,
    Caller(unit): Caller,
    number: Result<Path<String>, PathRejection>,
) -> Answer<Json<GiftCard>> {
    let Path(number) = number?;
    let none = || Refused::new(ProblemKind::NotFound, "there is no gift card of this number");
    if number.len() > CARD_MAX || number.contains('\0') {
        return Err(none());
    }
    let service = office.headquarters.for_store(&unit.store);
    blocking(move || service.gift_card(&number)).await?.map(Json).ok_or_else(none)
}

/// The process lives.
#[utoipa::path(get, path = routes::HEALTH, responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn health() -> &'static str {
    "live\n"
}

/// Scale units can be served; if not, the problem says why.
#[utoipa::path(get, path = routes::READY, responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 503, body = Problem, content_type = protocol::PROBLEM_JSON),
    (status = 429, body = Problem, content_type = protocol::PROBLEM_JSON, description = "too often; wait a little")))]
pub(super) async fn ready(State(office): Shared, Extension(peer): Extension<Peer>) -> Answer<&'static str> {
    office.door.pass(peer, office.clock.tick())?;
    let headquarters = office.headquarters.clone();
    // Any reading will do.
    let read = blocking(move || Ok::<_, channel::ChannelError>(headquarters.scale_unit("")?)).await;
    read.map(|_| "ready\n").map_err(|_| {
        let detail = "headquarters' database cannot be read";
        Refused::with_status(ProblemKind::Broken, StatusCode::SERVICE_UNAVAILABLE, detail)
    })
}

/// Counters for Prometheus; without a token for processes of the same machine.
#[utoipa::path(get, path = routes::METRICS, responses(
    (status = 200, body = String, content_type = "text/plain"), (status = "default", body = Problem, content_type = protocol::PROBLEM_JSON)))]
pub(super) async fn metrics(State(office): Shared, _: Watcher) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], office.metrics.text()).into_response()
}
