//! Headquarters as a scale unit reaches it: the Real-time Service, the packages coming down and the transactions going on (P-0001).
//!
//! Its client is `scale_unit::headquarters`; headquarters' own server answers the same calls. What needs it fails with
//! [`ErrorKind::HeadquartersAway`](crate::channel::ErrorKind::HeadquartersAway) while it does not answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::{Result, Upload};
use crate::ids::{RegisterId, TransactionId};
use crate::package::Report;
use crate::retail::gift_card::GiftCard;
use crate::retail::register::Numbers;
use crate::secret::Secret;

/// Headquarters, as a scale unit asks it.
pub trait Headquarters: Send + Sync {
    /// 707: trades an activation code, good for one device, for a register's identity.
    fn activate(&self, activation: &Activation) -> Result<Activated>;

    /// 708: releases a register from its device.
    fn deactivate(&self, register: &RegisterId, device: &str) -> Result<()>;

    /// A gift card and its balance.
    fn gift_card(&self, number: &str) -> Result<Option<GiftCard>>;

    /// P-0001: takes transactions of the channel database in, each once and for ever, and says what became of each, in order.
    fn take(&self, transactions: &[Upload]) -> Result<Vec<Taken>>;

    /// What became of packages, here and at the registers.
    fn report(&self, reports: &[Report]) -> Result<()>;
}

/// 707, as a register asks for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Activation {
    /// The code that headquarters gave out for one register.
    pub code: Secret,
    /// The device's own name for itself, made up at its first start: a token is good for this device alone.
    pub device: String,
}

/// A register's identity, as headquarters gives it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Activated {
    /// Which register the device now is.
    #[schema(value_type = Object)]
    pub register: RegisterId,
    /// Authenticates the device from now on.
    pub token: Secret,
    /// What PIN hashes are bound to, in hexadecimal; it is in no database.
    pub pin_key: Secret,
    /// Headquarters' Ed25519 key, in hexadecimal: only packages signed with it are applied.
    pub headquarters_key: String,
    /// The highest numbers known of the register.
    pub numbers: Numbers,
}

/// What became of a transaction at headquarters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// Which.
    #[schema(value_type = String)]
    pub id: TransactionId,
    /// Why it was set aside there, if it was: it is kept, and is not to be sent again.
    pub set_aside: Option<String>,
}
