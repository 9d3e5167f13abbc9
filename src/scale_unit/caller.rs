//! Who asks: a handler names in its arguments whom it answers, and nobody else gets as far.
//!
//! A device shows its token and its name, a person the session that was opened at the device. Whoever is refused learns nothing about
//! what there is: an unknown token and another device's are answered alike.

use std::net::{IpAddr, Ipv4Addr};
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
use crate::server::Peer;
use crate::server::answer::{Answer, Refused};

/// The longest name of a device, in bytes.
pub(super) const DEVICE_NAME_MAX: usize = 64;

/// A register's device, activated.
pub(super) struct Caller(pub(super) Device);

/// A device that is or was a register: it may bring what it still has to send.
pub(super) struct Bringer(pub(super) Device);

/// An operator at a register's device.
pub(super) struct Person;

/// A device that asks for a register, and where it is; none may be refused often, so that codes cannot be guessed. It has no token to show,
/// and is tested before anything it sends is read.
pub(super) struct Applicant(pub(super) IpAddr);

/// Whoever may read the counters: a process of this machine, or a device.
pub(super) struct Watcher;

impl FromRequestParts<Arc<Unit>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        admitted(parts, unit, Shown::activated).await.map(Self)
    }
}

impl FromRequestParts<Arc<Unit>> for Bringer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        admitted(parts, unit, Shown::device).await.map(Self)
    }
}

impl FromRequestParts<Arc<Unit>> for Person {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        let now = unit.clock.now();
        let found = admitted(parts, unit, move |shown, channel| {
            let device = shown.activated(channel)?;
            shown.operator(&device, now, channel)?;
            Ok(device)
        });
        found.await.map(|_| Self)
    }
}

impl FromRequestParts<Arc<Unit>> for Watcher {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        if peer(parts).is_some_and(Peer::is_here) {
            return Ok(Self);
        }
        Caller::from_request_parts(parts, unit).await.map(|_| Self)
    }
}

impl FromRequestParts<Arc<Unit>> for Applicant {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, unit: &Arc<Unit>) -> Answer<Self> {
        let (now, applicant) = (unit.clock.tick(), peer(parts).map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address.ip()));
        if unit.rates.refused_applicants.is_spent(&applicant, now) || unit.rates.refused_activations.is_spent(&(), now) {
            return Err(Refused::new(ProblemKind::Busy, "too many activations were refused; try again in a minute"));
        }
        Ok(Self(applicant))
    }
}

impl Applicant {
    /// Counts what he was refused, unless he could not help it. As many more as headquarters answers at once may be on their way meanwhile.
    pub(super) fn count(&self, refused: &Refused, unit: &Unit) {
        if refused.status().is_client_error() {
            let now = unit.clock.tick();
            unit.rates.refused_applicants.allows(self.0, now);
            unit.rates.refused_activations.allows((), now);
        }
    }
}

/// Lets a device in that does not ask too often. Who is refused is counted and logged, and looked up no more when that is often.
async fn admitted(
    parts: &Parts,
    unit: &Unit,
    look_up: impl FnOnce(&Shown, &dyn ChannelDatabase) -> Result<Device> + Send + 'static,
) -> Answer<Device> {
    let (shown, peer, now) = (Shown::of(&parts.headers), peer(parts), unit.clock.tick());
    unit.door.approach(shown.token_hash.as_ref(), peer, now)?;
    match unit.look_up(move |channel| look_up(&shown, channel)).await {
        Ok(device) => unit.door.let_in(&device.token_hash, now).map(|()| device),
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => Err(unit.door.refuse(refused, peer, now)),
        Err(failed) => Err(failed),
    }
}

fn peer(parts: &Parts) -> Option<Peer> {
    parts.extensions.get().copied()
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
