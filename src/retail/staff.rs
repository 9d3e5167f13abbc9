//! Who works at the till and what each may do.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::OperatorId;

/// A worker who has signed in, or whose rights were borrowed for one operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Operator {
    /// Personnel number.
    #[schema(value_type = String, example = "000160")]
    pub id: OperatorId,
    /// What the header calls him.
    pub name: String,
    /// What he may do.
    pub permissions: Permissions,
}

/// The permission group's fields that operations test.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "independent rights, as headquarters keeps them")]
pub struct Permissions {
    /// May do everything that is not limited by a number.
    pub manager: bool,
    /// Which way he may change prices.
    pub price_override: PriceOverrideRight,
    /// Most percent off a line; absent: none, for a manager no limit.
    #[schema(value_type = Option<String>)]
    pub max_line_discount_percent: Option<Decimal>,
    /// Most money off a line; absent: none, for a manager no limit.
    #[schema(value_type = Option<String>)]
    pub max_line_discount_amount: Option<Decimal>,
    /// 102.
    pub void_product: bool,
    /// 211.
    pub void_payment: bool,
    /// 500.
    pub void_transaction: bool,
    /// 917.
    pub switch_connection: bool,
    /// 708.
    pub manage_device: bool,
}

/// Which way a price may be overridden.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceOverrideRight {
    /// Not at all.
    #[default]
    NotAllowed,
    /// To a lower price.
    LowerOnly,
    /// To a higher price.
    HigherOnly,
    /// Either way.
    HigherAndLower,
}

/// A right that an operation needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// Nothing special: everyone who has signed in.
    Everyone,
    /// To make a price lower.
    LowerPrice,
    /// To make a price higher.
    RaisePrice,
    /// To take this much off a line: percent of its amount, and the money that is.
    LineDiscount {
        /// Percent of the line's amount.
        percent: Decimal,
        /// In the store's currency.
        amount: Decimal,
    },
    /// 102.
    VoidProduct,
    /// 211.
    VoidPayment,
    /// 500.
    VoidTransaction,
    /// 917.
    SwitchConnection,
    /// 708.
    ManageDevice,
}

impl Permissions {
    /// Whether the group grants a right. Numeric limits hold for managers too once they are set.
    pub fn grant(&self, permission: Permission) -> bool {
        use PriceOverrideRight::{HigherAndLower, HigherOnly, LowerOnly};
        let within = |limit: Option<Decimal>, asked: Decimal| limit.map_or(self.manager, |limit| asked <= limit);
        match permission {
            Permission::Everyone => true,
            Permission::LowerPrice => self.manager || matches!(self.price_override, LowerOnly | HigherAndLower),
            Permission::RaisePrice => self.manager || matches!(self.price_override, HigherOnly | HigherAndLower),
            Permission::LineDiscount { percent, amount } => {
                within(self.max_line_discount_percent, percent) && within(self.max_line_discount_amount, amount)
            }
            Permission::VoidProduct => self.manager || self.void_product,
            Permission::VoidPayment => self.manager || self.void_payment,
            Permission::VoidTransaction => self.manager || self.void_transaction,
            Permission::SwitchConnection => self.manager || self.switch_connection,
            Permission::ManageDevice => self.manager || self.manage_device,
        }
    }
}

/// A PIN in transit: never printed, never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Pin(String);

impl Pin {
    /// The longest PIN or password taken, in bytes.
    pub const MAX_LEN: usize = 128;

    /// Wraps what was typed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The characters, for the hash alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_never_printed() {
        assert_eq!(format!("{:?}", Pin::new("4711")), "***");
    }

    #[test]
    fn limits_hold_for_managers_once_they_are_set() {
        let asked = |percent: i64, amount: i64| Permission::LineDiscount { percent: percent.into(), amount: amount.into() };
        let cashier =
            Permissions { max_line_discount_percent: Some(10.into()), max_line_discount_amount: Some(5.into()), ..Permissions::default() };
        let manager = Permissions { manager: true, ..Permissions::default() };
        let bounded = Permissions { max_line_discount_percent: Some(50.into()), ..manager.clone() };
        for (who, percent, amount, expected) in [
            (&cashier, 10, 5, true),
            (&cashier, 11, 5, false),
            (&cashier, 10, 6, false),
            (&Permissions::default(), 0, 0, false),
            (&manager, 100, 1_000, true),
            (&bounded, 50, 1_000, true),
            (&bounded, 51, 1, false),
        ] {
            assert_eq!(who.grant(asked(percent, amount)), expected, "{percent} % {amount} by {who:?}");
        }
    }
}
