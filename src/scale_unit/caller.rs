//! Who asks: a handler names in its arguments whom it answers, and nobody else gets as far.
//!
//! A device shows its token and its name, a person the session that was opened at the device. Whoever is refused learns nothing about
//! what there is: an unknown token and another device's are answered alike.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use super::Unit;
use crate::channel::{ChannelDatabase, ChannelError, Device, DeviceStatus, Refusal, Result};
use crate::clock::Time;
use crate::ids::OperatorId;
use crate::protocol::{DEVICE_HEADER, ProblemKind, SESSION_HEADER};
use crate::secret::Secret;
use crate::server::answer::{Answer, Refused};
use crate::server::{Peer, SECURITY};

/// The longest name of a device, in bytes.
pub(super) const DEVICE_NAME_MAX: usize = 64;

/// A register's device, activated.
pub(super) struct Caller(pub(super) Device);

/// A device that is or was a register: it may bring what it still has to send.
pub(super) struct Bringer(pub(super) Device);

/// An operator at a register's device.
pub(super) struct Person;

/// Whoever may read the counters: a process of this machine, or a device.
pub(super) struct Watcher;

impl FromRequestParts<Arc<Unit>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        let shown = Shown::of(&parts.headers);
        let device = unit.look_up(move |channel| shown.activated(channel)).await;
        admitted(device, parts, unit).map(Self)
    }
}

impl FromRequestParts<Arc<Unit>> for Bringer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        let shown = Shown::of(&parts.headers);
        let device = unit.look_up(move |channel| shown.device(channel)).await;
        admitted(device, parts, unit).map(Self)
    }
}

impl FromRequestParts<Arc<Unit>> for Person {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        let (shown, now) = (Shown::of(&parts.headers), unit.clock.now());
        let found = unit.look_up(move |channel| {
            let device = shown.activated(channel)?;
            shown.operator(&device, now, channel)?;
            Ok(device)
        });
        admitted(found.await, parts, unit)?;
        Ok(Self)
    }
}

impl FromRequestParts<Arc<Unit>> for Watcher {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        if parts.extensions.get::<Peer>().is_some_and(|Peer(address)| address.ip().is_loopback()) {
            return Ok(Self);
        }
        Caller::from_request_parts(parts, unit).await.map(|_| Self)
    }
}

/// Lets a device in that does not ask too often, and counts and logs who is refused.
fn admitted(found: Answer<Device>, parts: &Parts, unit: &Unit) -> Answer<Device> {
    let now = unit.clock.tick();
    let refused = match found {
        Ok(device) if unit.rates.devices.allows(device.token_hash.clone(), now) => return Ok(device),
        Ok(_) => return Err(Refused::new(ProblemKind::Busy, "this register asks too often")),
        Err(refused) => refused,
    };
    if refused.status() == StatusCode::UNAUTHORIZED {
        let peer = parts.extensions.get::<Peer>().map(|Peer(address)| address.ip());
        if !unit.rates.refused.allows(peer, now) {
            return Err(Refused::new(ProblemKind::Busy, "too many requests from this address were refused"));
        }
        tracing::warn!(target: SECURITY, ?peer, why = refused.detail(), "a token is refused");
    }
    Err(refused)
}

/// What a request shows for itself; hashes alone.
struct Shown {
    token_hash: Option<String>,
    device: Option<String>,
    session_hash: Option<String>,
}

impl Shown {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let token = text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        Self {
            token_hash: token.and_then(hash),
            device: text(DEVICE_HEADER).filter(|name| name.len() <= DEVICE_NAME_MAX).map(str::to_owned),
            session_hash: text(SESSION_HEADER).and_then(hash),
        }
    }

    fn device(&self, channel: &dyn ChannelDatabase) -> Result<Device> {
        let unknown = || ChannelError::refused(Refusal::Device, "this device is not activated");
        let (token_hash, name) = self.token_hash.as_ref().zip(self.device.as_ref()).ok_or_else(unknown)?;
        channel.device(token_hash)?.filter(|device| device.id == *name).ok_or_else(unknown)
    }

    fn activated(&self, channel: &dyn ChannelDatabase) -> Result<Device> {
        let device = self.device(channel)?;
        match device.status {
            DeviceStatus::Activated => Ok(device),
            DeviceStatus::Deactivated => Err(ChannelError::refused(Refusal::Device, "this device was deactivated")),
        }
    }

    /// Whose session it is: of this register, not expired, and of somebody who still works here.
    fn operator(&self, device: &Device, now: Time, channel: &dyn ChannelDatabase) -> Result<OperatorId> {
        let ended = || ChannelError::refused(Refusal::Session, "the session has ended");
        let session = channel.session(self.session_hash.as_ref().ok_or_else(ended)?)?.ok_or_else(ended)?;
        let is_good = session.register == device.register && now < session.expires_at && channel.is_active(&session.operator)?;
        if is_good { Ok(session.operator) } else { Err(ended()) }
    }
}

/// The hash of the session a request shows.
pub(super) fn session_hash(headers: &HeaderMap) -> Option<String> {
    Shown::of(headers).session_hash
}

fn hash(token: &str) -> Option<String> {
    (token.len() <= Secret::MAX_LEN).then(|| Secret::new(token).hash())
}
