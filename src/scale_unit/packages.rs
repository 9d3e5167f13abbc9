//! Packages on their way to the registers: which there are, their files with ranges, and what became of them.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::caller::Caller;
use super::shelf::Shelved;
use super::{Shared, Unit};
use crate::channel::{ChannelError, Device, Refusal};
use crate::package::{Report, SignedManifest};
use crate::protocol::{self, Problem, ProblemKind, ZSTD, routes};
use crate::server::SECURITY;
use crate::server::answer::{self, Answer, Refused};
use crate::server::range::{self, Part};

/// Bytes of a file handed on at once.
const CHUNK: usize = 64 * 1_024;
/// The longest reason for a failure that is kept, in characters.
const REASON_MAX: usize = 300;

/// Where to begin.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AfterQuery {
    /// The version the register has.
    #[serde(default)]
    #[param(minimum = 0)]
    after: u64,
}

/// Manifests of the packages that lead beyond a version, oldest first, 1,000 at most.
#[utoipa::path(get, path = routes::PACKAGES, params(AfterQuery), security(("device" = [], "token" = [])), responses(
    (status = 200, body = Vec<SignedManifest>),
    (status = 403, body = Problem, content_type = protocol::PROBLEM_JSON, description = "the register does not support offline"),
    (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "its configuration has not come yet")))]
pub(super) async fn packages(
    State(unit): Shared,
    Caller(device): Caller,
    query: Result<Query<AfterQuery>, QueryRejection>,
) -> Answer<Json<Vec<SignedManifest>>> {
    let Query(AfterQuery { after }) = query?;
    for_offline(&unit, device).await?;
    Ok(Json(unit.shelf.manifests(after)))
}

/// A package's file.
#[utoipa::path(get, path = routes::PACKAGE_FILE, security(("device" = [], "token" = [])),
    params(("id" = u64, Path, minimum = 0), ("range" = Option<String>, Header, description = "one range of bytes")), responses(
    (status = 200, body = Vec<u8>, content_type = ZSTD), (status = 206, body = Vec<u8>, content_type = ZSTD, description = "the range"),
    (status = 403, body = Problem, content_type = protocol::PROBLEM_JSON, description = "the register does not support offline"),
    (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "a later full package made it unnecessary, or it has not come yet"),
    (status = 416, body = Problem, content_type = protocol::PROBLEM_JSON, description = "the file ends before the range")))]
pub(super) async fn package_file(
    State(unit): Shared,
    Caller(device): Caller,
    id: Result<Path<u64>, PathRejection>,
    headers: HeaderMap,
) -> Answer<Response> {
    let Path(id) = id?;
    for_offline(&unit, device).await?;
    let shelf = Arc::clone(&unit.shelf);
    let shelved = answer::blocking(move || {
        let opened = shelf.take(id).and_then(|shelved| match shelved {
            Shelved::File(file) => file.metadata().map(|about| Ok((file, about.len()))),
            Shelved::Expected => Ok(Err(ProblemKind::Busy)),
            Shelved::Gone => Ok(Err(ProblemKind::NotFound)),
        });
        opened.map_err(|error| ChannelError::broken(format!("package {id} cannot be read: {error}")))
    });
    match shelved.await? {
        Ok((file, size)) => Ok(range::answer(&headers, size, ZSTD, |part| read(file, part))),
        Err(ProblemKind::Busy) => {
            // Behind the same address another scale unit may have it: the kind tells the register to try again.
            let detail = "the package has not come here yet";
            Err(Refused::with_status(ProblemKind::Busy, StatusCode::NOT_FOUND, detail))
        }
        Err(kind) => Err(Refused::new(kind, "there is no such package any more")),
    }
}

/// What became of a package at the register.
#[utoipa::path(post, path = routes::PACKAGE_REPORT, request_body = Report, security(("device" = [], "token" = [])), responses(
    (status = 204, description = "headquarters will hear of it")))]
pub(super) async fn package_report(
    State(unit): Shared,
    Caller(device): Caller,
    body: Result<Json<Report>, JsonRejection>,
) -> Answer<StatusCode> {
    let Json(mut report) = body?;
    report.register = Some(device.register);
    report.reason = report.reason.chars().filter(|letter| !letter.is_control()).take(REASON_MAX).collect();
    if i64::try_from(report.package).is_err() {
        return Err(Refused::new(ProblemKind::Invalid, "no package has such a number"));
    }
    unit.ask(move |channel| channel.keep_report(&report)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Only a register that supports offline gets packages.
async fn for_offline(unit: &Unit, device: Device) -> Answer<()> {
    let register = device.register.clone();
    let supported = unit.look_up(move |channel| {
        let setup = channel.register(&device.register)?;
        let no = || ChannelError::refused(Refusal::Forbidden, "headquarters set this register up to work online only");
        setup.support_offline.then_some(()).ok_or_else(no)
    });
    supported.await.inspect_err(|refused| {
        tracing::info!(target: SECURITY, %register, why = refused.detail(), "packages are refused");
    })
}

/// A part of a file, read while it is sent.
fn read(mut file: File, part: Part) -> Body {
    if let Err(error) = file.seek(SeekFrom::Start(part.first)) {
        tracing::error!(%error, "a package cannot be read");
        return Body::empty();
    }
    Body::from_stream(ReaderStream::with_capacity(tokio::fs::File::from_std(file).take(part.length), CHUNK))
}
