//! The scale unit's HTTP API, as both ends know it: routes, headers, bodies that are no retail records, and how a refusal is told.
//!
//! Records of `retail` cross the wire as themselves; `tests/golden` pins their form. Errors are problem details (RFC 9457) with a
//! `kind`, by which a register knows what to do; the status is for whoever stands between.

pub mod headquarters;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::{ChannelError, ErrorKind, Recorded, Refusal};
use crate::ids::OperatorId;
use crate::retail::staff::{Operator, Pin};
use crate::secret::Secret;

/// The protocol both ends speak; raised when an older end would misunderstand.
pub const VERSION: u32 = 1;

/// Names [`VERSION`] on every request and answer.
pub const VERSION_HEADER: &str = "evertill-protocol";

/// Content type of records.
pub const JSON: &str = "application/json";
/// Content type of errors.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Content type of a package's file.
pub const ZSTD: &str = "application/zstd";

/// Names the device on every request of a register; its token is in `Authorization: Bearer`, its operator's session in
/// [`SESSION_HEADER`] (never in an address).
pub const DEVICE_HEADER: &str = "evertill-device";
/// The token of the operator's session.
pub const SESSION_HEADER: &str = "evertill-session";

/// Every route; what stands in braces is percent-encoded.
pub mod routes {
    /// GET: a store's configuration.
    pub const STORE: &str = "/v1/store/{number}";
    /// GET: the register the device is, as headquarters set it up.
    pub const REGISTER: &str = "/v1/register";
    /// POST: 707, a device becomes a register.
    pub const ACTIVATE: &str = "/v1/devices/activate";
    /// POST: 708, a register is released from its device.
    pub const DEACTIVATE: &str = "/v1/devices/deactivate";
    /// POST: a session for an operator whom the register signed in while offline.
    pub const RESUME: &str = "/v1/sessions/resume";
    /// POST: ends the session.
    pub const SIGN_OFF: &str = "/v1/sessions/end";
    /// POST: a manager ends another operator's lock.
    pub const UNLOCK: &str = "/v1/unlock";
    /// GET `?after=`: manifests of the packages after a version, oldest first.
    pub const PACKAGES: &str = "/v1/packages";
    /// GET, with ranges: a package's file.
    pub const PACKAGE_FILE: &str = "/v1/packages/{id}/file";
    /// POST: what became of a package.
    pub const PACKAGE_REPORT: &str = "/v1/packages/report";
    /// GET: a gift card; goes on to headquarters.
    pub const GIFT_CARD: &str = "/v1/gift-cards/{number}";
    /// POST: checks a PIN.
    pub const SIGN_IN: &str = "/v1/sign-in";
    /// GET `?code=`: what a code stands for.
    pub const PRODUCT_BY_CODE: &str = "/v1/products/by-code";
    /// GET: a product by its number.
    pub const PRODUCT: &str = "/v1/products/{id}";
    /// GET `?text=&offset=&limit=`: a page of products.
    pub const PRODUCTS: &str = "/v1/products";
    /// PUT, GET: a transaction's canonical text.
    pub const TRANSACTION: &str = "/v1/transactions/{id}";
    /// GET: the version of the master data.
    pub const DATA_VERSION: &str = "/v1/data-version";
    /// GET: the description of all this.
    pub const OPENAPI: &str = "/v1/openapi.json";
    /// GET: the process lives.
    pub const HEALTH: &str = "/health";
    /// GET: it can serve registers.
    pub const READY: &str = "/ready";
    /// GET: counters for Prometheus.
    pub const METRICS: &str = "/metrics";

    /// All of them.
    pub const ALL: [&str; 21] = [
        STORE,
        REGISTER,
        ACTIVATE,
        DEACTIVATE,
        SIGN_IN,
        RESUME,
        SIGN_OFF,
        UNLOCK,
        PRODUCT_BY_CODE,
        PRODUCT,
        PRODUCTS,
        GIFT_CARD,
        TRANSACTION,
        DATA_VERSION,
        PACKAGES,
        PACKAGE_FILE,
        PACKAGE_REPORT,
        OPENAPI,
        HEALTH,
        READY,
        METRICS,
    ];
}

/// A sign-in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SignIn {
    /// Personnel number.
    #[schema(value_type = String, example = "000160")]
    pub operator: OperatorId,
    /// What was typed.
    pub pin: Pin,
}

/// An operator has signed in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    /// Who.
    pub operator: Operator,
    /// Proves it from now on.
    pub session: Secret,
}

/// An operator whom the register signed in while it was offline.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Resume {
    /// Who.
    #[schema(value_type = String, example = "000160")]
    pub operator: OperatorId,
}

/// His session.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Resumed {
    /// Proves it from now on.
    pub session: Secret,
}

/// A manager ends another operator's lock.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Unlock {
    /// Who is locked out.
    #[schema(value_type = String, example = "000160")]
    pub operator: OperatorId,
    /// The manager.
    pub manager: SignIn,
}

/// What became of an upload.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Just now or before.
    pub recorded: Recorded,
}

/// The version of the master data.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DataVersion {
    /// Grows with every change.
    pub version: u64,
}

/// A problem detail (RFC 9457).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `kind` says more than an address would.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// The particulars, for people.
    pub detail: String,
    /// The sort of problem, for programs.
    pub kind: ProblemKind,
}

/// Sorts of problem.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Unknown operator or wrong PIN.
    Credentials,
    /// The request makes no sense or breaks a rule.
    Invalid,
    /// The same key or number is there with other content.
    Conflict,
    /// No such record.
    NotFound,
    /// The device is unknown, another register's, or deactivated.
    Device,
    /// Nobody is signed in, or the session has ended.
    Session,
    /// Too many wrong PINs.
    Locked,
    /// The operator may not do this.
    Forbidden,
    /// Headquarters does not answer, and only headquarters knows.
    HeadquartersAway,
    /// Too much is asked at once: the same will do a little later.
    Busy,
    /// No such route, method or protocol version here.
    Unsupported,
    /// The scale unit's own failure.
    Broken,
}

impl Problem {
    /// A problem under its kind's usual status.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self::with_status(kind, kind.status(), detail)
    }

    /// A problem under another status.
    pub fn with_status(kind: ProblemKind, status: u16, detail: impl Into<String>) -> Self {
        let title = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
        Self { type_uri: "about:blank".to_owned(), title: title.to_owned(), status, detail: detail.into(), kind }
    }

    /// What a register's till is told.
    pub fn into_error(self) -> ChannelError {
        let kind = match self.kind {
            ProblemKind::Credentials => ErrorKind::Refused(Refusal::Credentials),
            ProblemKind::Invalid => ErrorKind::Refused(Refusal::Invalid),
            ProblemKind::Conflict => ErrorKind::Refused(Refusal::Conflict),
            ProblemKind::NotFound => ErrorKind::Refused(Refusal::NotFound),
            ProblemKind::Device => ErrorKind::Refused(Refusal::Device),
            ProblemKind::Session => ErrorKind::Refused(Refusal::Session),
            ProblemKind::Locked => ErrorKind::Refused(Refusal::Locked),
            ProblemKind::Forbidden => ErrorKind::Refused(Refusal::Forbidden),
            ProblemKind::HeadquartersAway => ErrorKind::HeadquartersAway,
            ProblemKind::Unsupported => ErrorKind::Unsupported,
            ProblemKind::Busy | ProblemKind::Broken => ErrorKind::Broken,
        };
        ChannelError::new(kind, self.detail)
    }
}

impl ProblemKind {
    fn status(self) -> u16 {
        match self {
            Self::Device | Self::Session => 401,
            Self::Credentials | Self::Forbidden => 403,
            Self::Locked | Self::Busy => 429,
            Self::HeadquartersAway => 503,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Invalid => 422,
            Self::Broken => 500,
            Self::Unsupported => 501,
        }
    }
}

impl From<ChannelError> for Problem {
    fn from(error: ChannelError) -> Self {
        let kind = match error.kind {
            ErrorKind::Refused(Refusal::Credentials) => ProblemKind::Credentials,
            ErrorKind::Refused(Refusal::Invalid) => ProblemKind::Invalid,
            ErrorKind::Refused(Refusal::Conflict) => ProblemKind::Conflict,
            ErrorKind::Refused(Refusal::NotFound) => ProblemKind::NotFound,
            ErrorKind::Refused(Refusal::Device) => ProblemKind::Device,
            ErrorKind::Refused(Refusal::Session) => ProblemKind::Session,
            ErrorKind::Refused(Refusal::Locked) => ProblemKind::Locked,
            ErrorKind::Refused(Refusal::Forbidden) => ProblemKind::Forbidden,
            ErrorKind::HeadquartersAway => ProblemKind::HeadquartersAway,
            ErrorKind::Unsupported => ProblemKind::Unsupported,
            ErrorKind::Broken | ErrorKind::Unreachable(_) => ProblemKind::Broken,
        };
        Self::new(kind, error.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_crosses_the_wire_unchanged() {
        let refusals = [
            Refusal::Credentials,
            Refusal::Invalid,
            Refusal::Conflict,
            Refusal::NotFound,
            Refusal::Device,
            Refusal::Session,
            Refusal::Locked,
            Refusal::Forbidden,
        ];
        let kinds =
            refusals.map(ErrorKind::Refused).into_iter().chain([ErrorKind::Unsupported, ErrorKind::HeadquartersAway, ErrorKind::Broken]);
        for kind in kinds {
            let error = ChannelError::new(kind, "why");
            let wire = serde_json::to_string(&Problem::from(error.clone())).unwrap();
            assert_eq!(serde_json::from_str::<Problem>(&wire).unwrap().into_error(), error, "{wire}");
        }
    }
}
