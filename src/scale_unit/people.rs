//! Sign-in, sessions, and the lock after wrong PINs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use chrono::{SecondsFormat, TimeDelta};

use super::caller::{Caller, session_hash};
use super::{Shared, Unit};
use crate::channel::{ChannelDatabase, ChannelError, Device, ErrorKind, Refusal, Result, Session};
use crate::clock::Time;
use crate::ids::OperatorId;
use crate::protocol::{self, Problem, ProblemKind, Resume, Resumed, SignIn, SignedIn, Unlock, routes};
use crate::retail::lockout::FAILURES_MAX;
use crate::retail::staff::Operator;
use crate::secret::Secret;
use crate::server::SECURITY;
use crate::server::answer::{Answer, Refused};

/// How long a session lasts: a long day at the till.
const SESSION: TimeDelta = TimeDelta::hours(12);
/// The longest personnel number, in bytes.
const OPERATOR_MAX: usize = 64;

/// Checks a personnel number and PIN, and opens a session.
#[utoipa::path(post, path = routes::SIGN_IN, request_body = SignIn, security(("device" = [], "token" = [])), responses(
    (status = 200, body = SignedIn),
    (status = 403, body = Problem, content_type = protocol::PROBLEM_JSON, description = "unknown operator or wrong PIN"),
    (status = 429, body = Problem, content_type = protocol::PROBLEM_JSON, description = "too many wrong PINs, or too often")))]
pub(super) async fn sign_in(
    State(unit): Shared,
    Caller(device): Caller,
    body: std::result::Result<Json<SignIn>, JsonRejection>,
) -> Answer<Json<SignedIn>> {
    let Json(body) = body?;
    let now = unit.clock.now();
    let signed_in = check_pin(&unit, &device, body, move |operator, device, channel| {
        channel.forget_sessions(now)?;
        let session = open_session(&operator.id, device, now, channel)?;
        Ok(SignedIn { operator, session })
    });
    let signed_in = signed_in.await?;
    tracing::info!(target: SECURITY, register = %device.register, operator = ?signed_in.operator.id.0, "signed in");
    Ok(Json(signed_in))
}

/// A session for an operator whom the register signed in while it was offline: the device vouches for him.
#[utoipa::path(post, path = routes::RESUME, request_body = Resume, security(("device" = [], "token" = [])), responses(
    (status = 200, body = Resumed),
    (status = 429, body = Problem, content_type = protocol::PROBLEM_JSON, description = "too often")))]
pub(super) async fn resume(
    State(unit): Shared,
    Caller(device): Caller,
    body: std::result::Result<Json<Resume>, JsonRejection>,
) -> Answer<Json<Resumed>> {
    let Json(Resume { operator }) = body?;
    slowly(&unit, &device)?;
    let (now, register, number) = (unit.clock.now(), device.register.clone(), operator.clone());
    let session = unit.ask(move |channel| {
        if number.0.len() > OPERATOR_MAX || !channel.is_active(&number)? {
            return Err(ChannelError::refused(Refusal::Session, "the operator does not work here"));
        }
        open_session(&number, &device, now, channel)
    });
    let session = session.await.inspect_err(|_| {
        tracing::warn!(target: SECURITY, %register, operator = ?operator.0, "a session is not resumed");
    })?;
    tracing::info!(target: SECURITY, %register, operator = ?operator.0, "a session is resumed");
    Ok(Json(Resumed { session }))
}

/// Ends the session.
#[utoipa::path(post, path = routes::SIGN_OFF, security(("device" = [], "token" = [], "session" = [])), responses(
    (status = 204, description = "it has ended")))]
pub(super) async fn sign_off(State(unit): Shared, Caller(device): Caller, headers: HeaderMap) -> Answer<StatusCode> {
    let ended = || Refused::new(ProblemKind::Session, "the session has ended");
    let hash = session_hash(&headers).ok_or_else(ended)?;
    let register = device.register.clone();
    let had = unit.ask(move |channel| {
        let is_own = channel.session(&hash)?.is_some_and(|session| session.register == device.register);
        Ok(is_own && channel.close_session(&hash)?)
    });
    if !had.await? {
        return Err(ended());
    }
    tracing::info!(target: SECURITY, %register, "signed off");
    Ok(StatusCode::NO_CONTENT)
}

/// A manager ends another operator's lock.
#[utoipa::path(post, path = routes::UNLOCK, request_body = Unlock, security(("device" = [], "token" = [])), responses(
    (status = 204, description = "he may try again"),
    (status = 403, body = Problem, content_type = protocol::PROBLEM_JSON, description = "the manager's PIN is wrong, or he is none"),
    (status = 429, body = Problem, content_type = protocol::PROBLEM_JSON, description = "too many wrong PINs, or too often")))]
pub(super) async fn unlock(
    State(unit): Shared,
    Caller(device): Caller,
    body: std::result::Result<Json<Unlock>, JsonRejection>,
) -> Answer<StatusCode> {
    let Json(Unlock { operator, manager }) = body?;
    let number = operator.clone();
    let manager = check_pin(&unit, &device, manager, move |manager, _, channel| {
        if !manager.permissions.manager {
            return Err(ChannelError::refused(Refusal::Forbidden, "only a manager ends a lock"));
        }
        channel.clear_attempts(&number)?;
        Ok(manager.id)
    });
    let manager = manager.await?;
    tracing::warn!(target: SECURITY, register = %device.register, operator = ?operator.0, manager = ?manager.0, "a lock is ended");
    Ok(StatusCode::NO_CONTENT)
}

/// Checks a PIN, few at a time, and goes on with whose it is.
async fn check_pin<T: Send + 'static>(
    unit: &Arc<Unit>,
    device: &Device,
    who: SignIn,
    then: impl FnOnce(Operator, &Device, &dyn ChannelDatabase) -> Result<T> + Send + 'static,
) -> Answer<T> {
    slowly(unit, device)?;
    let place = Arc::clone(&unit.pin_checks).acquire_owned().await;
    let (now, at) = (unit.clock.now(), device.clone());
    let number = who.operator.clone();
    let answer = unit.ask(move |channel| {
        let _place = place;
        let operator = unless_locked(&who, now, channel)?;
        then(operator, &at, channel)
    });
    answer.await.inspect_err(|refused| {
        tracing::warn!(target: SECURITY, register = %device.register, operator = ?number.0, why = refused.detail(), "a PIN is refused");
    })
}

/// PIN checks and new sessions are few; a device that asks for many is out of order, or not in a cashier's hands.
fn slowly(unit: &Unit, device: &Device) -> Answer<()> {
    let is_allowed = unit.rates.sign_ins.allows(device.token_hash.clone(), unit.clock.tick());
    if is_allowed { Ok(()) } else { Err(Refused::new(ProblemKind::Busy, "too many sign-ins at this register; try again in a few seconds")) }
}

/// The lock. An unknown number is counted and locked like any other, so that it is answered alike. Each try counts
/// before its PIN is compared, so that tries at the same time cannot all be free.
fn unless_locked(who: &SignIn, now: Time, channel: &dyn ChannelDatabase) -> Result<Operator> {
    let SignIn { operator, pin } = who;
    let locked = |until: Time| {
        let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
        ChannelError::refused(Refusal::Locked, format!("too many wrong PINs: locked until {until}, or until a manager unlocks"))
    };
    if operator.0.len() > OPERATOR_MAX {
        return Err(ChannelError::refused(Refusal::Credentials, ""));
    }
    if let Some(until) = channel.attempts(operator)?.locked_at(now) {
        return Err(locked(until));
    }
    let attempts = channel.note_failure(operator, now)?;
    let until = attempts.locked_at(now);
    if let Some(until) = until.filter(|_| attempts.failures > FAILURES_MAX) {
        return Err(locked(until));
    }
    match (channel.sign_in(operator, pin), until) {
        (Ok(operator), _) => {
            channel.clear_attempts(&operator.id)?;
            Ok(operator)
        }
        (Err(ChannelError { kind: ErrorKind::Refused(Refusal::Credentials), .. }), Some(until)) => Err(locked(until)),
        (Err(error), _) => Err(error),
    }
}

fn open_session(operator: &OperatorId, device: &Device, now: Time, channel: &dyn ChannelDatabase) -> Result<Secret> {
    let token = Secret::random();
    let (operator, register) = (operator.clone(), device.register.clone());
    channel.open_session(&Session { token_hash: token.hash(), operator, register, expires_at: now + SESSION })?;
    Ok(token)
}
