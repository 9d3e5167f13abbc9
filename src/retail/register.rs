//! A register as headquarters sets it up, and the numbers it must never give twice.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::RegisterId;
use crate::profile::OfflineProfile;
use crate::retail::store::Store;

/// A register's configuration, as it comes down with job 1090; what it says wins over the register's own profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RegisterSetup {
    /// Which register.
    #[schema(value_type = Object)]
    pub register: RegisterId,
    /// What people call it.
    pub name: String,
    /// *Support offline*: whether it has an offline database. Without, it sells online only.
    pub support_offline: bool,
    /// The offline profile of its store, if headquarters gives one.
    #[schema(value_type = Option<Object>)]
    pub offline_profile: Option<OfflineProfile>,
    /// A screen layout in the form of `assets/layouts`, if headquarters gives one.
    pub layout: Option<String>,
    /// `dark` or `light`, if the visual profile says so.
    pub theme: Option<String>,
    /// Idle seconds before it locks itself, if headquarters says so.
    pub lock_after_s: Option<u64>,
    /// The highest numbers the scale unit has of it: what the register records next comes behind them. In master data there are none.
    #[serde(default, skip_serializing_if = "Numbers::are_none")]
    pub numbers: Numbers,
}

/// What headquarters says of a store and of one of its registers.
#[derive(Clone, PartialEq, Debug)]
pub struct Configuration {
    /// The store.
    pub store: Store,
    /// The register's set-up; none for one that is not known yet.
    pub setup: Option<RegisterSetup>,
}

/// The highest numbers known of a register: a new installation goes on from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Numbers {
    /// Of its transactions and events.
    pub sequence: u64,
    /// Of its receipts.
    pub receipt: u64,
    /// Of its shifts.
    pub shift: u64,
}

impl Numbers {
    /// No register comes so far: one that gives a million a second does in three hundred years.
    pub const MAX: u64 = 1 << 53;

    /// Whether nothing is known.
    fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a register can have given them.
    pub fn are_possible(self) -> bool {
        [self.sequence, self.receipt, self.shift].into_iter().all(|number| number <= Self::MAX)
    }

    /// The higher of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { sequence: self.sequence.max(other.sequence), receipt: self.receipt.max(other.receipt), shift: self.shift.max(other.shift) }
    }
}
