//! Headquarters' HTTP API, as a scale unit and headquarters know it: its routes, and bodies of its own. Problems, headers and the version
//! are those of the scale unit's API.
//!
//! Every route but health, readiness, the description and the counters takes the scale unit's token in `Authorization: Bearer`; the store is
//! the token's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::Upload;
use crate::ids::{RegisterId, TransactionId};

/// Every route; what stands in braces is percent-encoded.
pub mod routes {
    /// GET `?after=`: manifests of the packages after a version, oldest first.
    pub const PACKAGES: &str = "/v1/packages";
    /// GET, with ranges: a package's file.
    pub const PACKAGE_FILE: &str = "/v1/packages/{id}/file";
    /// POST: what became of packages.
    pub const PACKAGE_REPORTS: &str = "/v1/packages/reports";
    /// POST: P-0001, a batch of transactions.
    pub const TRANSACTIONS: &str = "/v1/transactions";
    /// POST: 707.
    pub const ACTIVATE: &str = "/v1/devices/activate";
    /// POST: 708.
    pub const DEACTIVATE: &str = "/v1/devices/deactivate";
    /// GET: a gift card.
    pub const GIFT_CARD: &str = "/v1/gift-cards/{number}";
    /// GET: the description of all this.
    pub const OPENAPI: &str = "/v1/openapi.json";
    /// GET: the process lives.
    pub const HEALTH: &str = "/health";
    /// GET: it can serve scale units.
    pub const READY: &str = "/ready";
    /// GET: counters for Prometheus.
    pub const METRICS: &str = "/metrics";

    /// All of them.
    pub const ALL: [&str; 11] =
        [PACKAGES, PACKAGE_FILE, PACKAGE_REPORTS, TRANSACTIONS, ACTIVATE, DEACTIVATE, GIFT_CARD, OPENAPI, HEALTH, READY, METRICS];
}

/// Transactions of a batch at most.
pub const BATCH_MAX: usize = 100;
/// What the texts of a batch may come to, in bytes, unless it is a single one.
pub const BATCH_BYTES_MAX: usize = 256 << 10;
/// What a batch's body may be, in bytes: within a JSON string a character of the longest text may take two.
pub const BATCH_BODY_MAX: usize = 2 * Upload::MAX_BYTES + 64 * 1_024;
/// Reports sent at once at most.
pub const REPORTS_MAX: usize = 500;

/// Transactions on their way from a channel database to headquarters.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// [`BATCH_MAX`] at most.
    #[schema(max_items = 100)]
    pub transactions: Vec<Sent>,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Sent {
    /// Its key.
    #[schema(value_type = String, format = Uuid)]
    pub id: TransactionId,
    /// Its canonical text, byte for byte.
    pub canonical: String,
}

impl From<&Upload> for Sent {
    fn from(upload: &Upload) -> Self {
        Self { id: upload.id, canonical: upload.canonical.clone() }
    }
}

impl From<Sent> for Upload {
    fn from(sent: Sent) -> Self {
        Self { id: sent.id, canonical: sent.canonical }
    }
}

/// 708.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Deactivation {
    /// Which register is released.
    #[schema(value_type = Object)]
    pub register: RegisterId,
    /// From which device.
    #[schema(max_length = 128)]
    pub device: String,
}
