//! Devices becoming registers and ceasing to be (707, 708), and a register's configuration.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Deserialize;

use super::caller::{Applicant, Caller, DEVICE_NAME_MAX};
use super::{Shared, Unit};
use crate::channel::{ChannelDatabase, Device, DeviceStatus, Result};
use crate::protocol::{self, Problem, ProblemKind, routes};
use crate::realtime::{Activated, Activation};
use crate::retail::register::RegisterSetup;
use crate::secret::Secret;
use crate::server::SECURITY;
use crate::server::answer::{Answer, Refused};

/// The register the device is, as headquarters set it up.
#[utoipa::path(get, path = routes::REGISTER, security(("device" = [], "token" = [])), responses(
    (status = 200, body = RegisterSetup),
    (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "its configuration has not come yet")))]
pub(super) async fn register(State(unit): Shared, Caller(device): Caller) -> Answer<Json<RegisterSetup>> {
    let setup = unit.ask(move |channel| {
        let setup = channel.register(&device.register)?;
        Ok(RegisterSetup { numbers: channel.highest_numbers(&device.register)?, ..setup })
    });
    setup.await.map(Json)
}

/// 707: a device becomes a register, by a code that headquarters gave out.
#[utoipa::path(post, path = routes::ACTIVATE, request_body = Activation, responses(
    (status = 200, body = Activated),
    (status = 422, body = Problem, content_type = protocol::PROBLEM_JSON, description = "the code is wrong, another device's, or too old"),
    (status = 429, body = Problem, content_type = protocol::PROBLEM_JSON, description = "refused too often")))]
pub(super) async fn activate(
    State(unit): Shared,
    applicant: Applicant,
    body: std::result::Result<Json<Activation>, JsonRejection>,
) -> Answer<Json<Activated>> {
    let answer = match body {
        Ok(Json(activation)) => become_register(&unit, &applicant, activation).await.map(Json),
        Err(unreadable) => Err(unreadable.into()),
    };
    answer.inspect_err(|refused| applicant.count(refused, &unit))
}

async fn become_register(unit: &Unit, applicant: &Applicant, activation: Activation) -> Answer<Activated> {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if activation.device.is_empty() || activation.device.len() > DEVICE_NAME_MAX || !is_name(&activation.device) {
        return Err(Refused::new(ProblemKind::Invalid, "a device's name has letters, digits and hyphens, 64 at most"));
    }
    if activation.code.reveal().is_empty() || activation.code.reveal().len() > Secret::MAX_LEN {
        return Err(Refused::new(ProblemKind::Invalid, "that is no activation code"));
    }
    let name = activation.device.clone();
    let activated = unit.ask_headquarters(move |headquarters, channel| {
        let mut activated = headquarters.activate(&activation)?;
        let device = Device {
            id: activation.device,
            register: activated.register.clone(),
            token_hash: activated.token.hash(),
            status: DeviceStatus::Activated,
            numbers: activated.numbers,
            handed_on: None,
        };
        // Transactions that have not gone on yet count as well.
        activated.numbers = channel.activate(&device)?;
        Ok(activated)
    });
    let activated = activated.await.inspect_err(|refused| {
        tracing::warn!(target: SECURITY, peer = %applicant.0, device = ?name, why = refused.detail(), "an activation is refused");
    })?;
    tracing::warn!(target: SECURITY, peer = %applicant.0, device = ?name, register = %activated.register, "a device is activated");
    Ok(activated)
}

/// 708: the register is released from this device.
#[utoipa::path(post, path = routes::DEACTIVATE, security(("device" = [], "token" = [])), responses(
    (status = 204, description = "the device is no register any more"),
    (status = 404, body = Problem, content_type = protocol::PROBLEM_JSON, description = "headquarters does not know the register"),
    (status = 422, body = Problem, content_type = protocol::PROBLEM_JSON, description = "headquarters knows another device")))]
pub(super) async fn deactivate(State(unit): Shared, Caller(device): Caller) -> Answer<StatusCode> {
    let register = device.register.clone();
    let done = unit.ask_headquarters(move |headquarters, channel| {
        headquarters.deactivate(&device.register, &device.id)?;
        channel.deactivate(&device.register)
    });
    done.await?;
    tracing::warn!(target: SECURITY, %register, "a device is deactivated by its operator");
    Ok(StatusCode::NO_CONTENT)
}

/// What headquarters says of a register's device, in a record of kind `device` whose key is the register's number.
#[derive(Deserialize)]
struct DeviceRecord {
    status: RecordStatus,
    token_hash: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum RecordStatus {
    Activated,
    Deactivated,
    /// Any state of a register without a device.
    #[serde(other)]
    Other,
}

/// Deactivates what headquarters deactivated, after a package was applied; returns how many that were. A record may be older than the
/// activation of another device, so it never touches any device but its own.
pub fn bring_in_line(channel: &dyn ChannelDatabase) -> Result<usize> {
    let mut deactivated = 0;
    for record in channel.records("device")? {
        let Ok(DeviceRecord { status, token_hash: Some(token_hash) }) = serde_json::from_str(&record.content) else { continue };
        if status == RecordStatus::Activated {
            continue;
        }
        let Some(device) = channel.device(&token_hash)?.filter(|device| device.status == DeviceStatus::Activated) else { continue };
        channel.deactivate(&device.register)?;
        tracing::warn!(target: SECURITY, register = %device.register, "headquarters deactivated a device");
        deactivated += 1;
    }
    Ok(deactivated)
}
