//! A store's configuration, as a register receives it: what it charges, how it rounds, what it accepts.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::barcode::{Pattern, PatternError, ValueKind, WeightUnit};
use super::tax::{Tax, TaxRounding};
use super::tender::PaymentMethod;
use crate::ids::{MethodId, TaxGroupId};
use crate::money::{Currency, Money, Quantity};

/// A store (in the article's words, a channel).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its currency.
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// Local time less UTC, minutes.
    pub utc_offset_minutes: i32,
    /// Its registers' numbers.
    pub registers: Vec<u32>,
    /// When taxes are rounded.
    #[schema(value_type = String, example = "per_line")]
    pub tax_rounding: TaxRounding,
    /// Quick amounts of the cash screen, ascending.
    #[schema(value_type = Vec<String>)]
    pub denominations: Vec<Decimal>,
    /// Lines above every receipt.
    pub receipt_header: Vec<String>,
    /// Lines below every receipt.
    pub receipt_footer: Vec<String>,
    /// Limits and habits.
    pub functionality: Functionality,
    /// Groups of taxes.
    pub tax_groups: Vec<TaxGroup>,
    /// What can be paid with.
    pub payment_methods: Vec<PaymentMethod>,
    /// Bar codes with a weight or price inside.
    pub barcode_patterns: Vec<BarcodePattern>,
}

impl Store {
    /// The taxes of a group; none for an unknown one (an empty intersection means no tax).
    pub fn taxes(&self, group: &TaxGroupId) -> &[TaxCode] {
        self.tax_groups.iter().find(|known| known.id == *group).map_or(&[], |known| &known.taxes)
    }

    /// A payment method by its id.
    pub fn method(&self, id: &MethodId) -> Option<&PaymentMethod> {
        self.payment_methods.iter().find(|method| method.id == *id)
    }

    /// The largest unit price the store sells at.
    pub fn maximum_price(&self) -> Money {
        Money::new(self.functionality.maximum_price, self.currency)
    }
}

/// The functionality profile's part that a till of today obeys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Functionality {
    /// The most of one product on a line.
    #[schema(value_type = String)]
    pub maximum_quantity: Quantity,
    /// The highest unit price.
    #[schema(value_type = String)]
    pub maximum_price: Decimal,
    /// Whether equal products go on one line.
    pub aggregate_items: bool,
}

/// A group of taxes a product names.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TaxGroup {
    /// As products name it.
    #[schema(value_type = String)]
    pub id: TaxGroupId,
    /// In order of computation.
    pub taxes: Vec<TaxCode>,
}

/// A tax with its names.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TaxCode {
    /// Key under which a document sums it.
    pub code: String,
    /// What the receipt calls it.
    pub name: String,
    /// How it is computed.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub tax: Tax,
}

/// A bar code prefix whose code carries a value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BarcodePattern {
    /// Such as `21IIIIINNDDDK`.
    pub pattern: String,
    /// What the value is.
    pub value: LabelValue,
    /// The unit of a weight: `kg` or `lb`.
    #[serde(default)]
    pub unit: Option<String>,
}

/// What the value inside a bar code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelValue {
    /// The weight of what is in the bag.
    Weight,
    /// The price of the whole bag.
    Price,
}

impl BarcodePattern {
    /// The pattern, ready to be read by.
    pub fn parse(&self) -> Result<Pattern, PatternError> {
        let unit = self.unit.as_deref().and_then(WeightUnit::named).unwrap_or(WeightUnit::Kilogram);
        let kind = match self.value {
            LabelValue::Weight => ValueKind::Weight(unit),
            LabelValue::Price => ValueKind::Price,
        };
        Pattern::parse(&self.pattern, kind)
    }
}
