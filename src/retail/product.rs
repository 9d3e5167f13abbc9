//! A product as a till sells it, with its price and the rules it brings along.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{ProductId, TaxGroupId};
use crate::money::{Money, Quantity};

/// A product with its price today: all that a sale line needs, in one answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Its number at headquarters.
    #[schema(value_type = String)]
    pub id: ProductId,
    /// Its main bar code.
    pub barcode: String,
    /// What the screen and the receipt call it.
    pub name: String,
    /// Department, the coarsest group.
    pub department: String,
    /// Category within the department.
    pub category: String,
    /// Brand, may be empty.
    pub brand: String,
    /// Price of one unit; up to 8 decimals.
    #[schema(value_type = String, example = "0.89 USD")]
    pub price: Money,
    /// Selling unit: `each`, `lb` …
    pub unit: String,
    /// Its taxes.
    #[schema(value_type = String)]
    pub tax_group: TaxGroupId,
    /// What may and must be asked when it is sold.
    pub rules: ProductRules,
    /// On hand when the data were made, in units.
    #[schema(value_type = Option<String>)]
    pub stock: Option<Decimal>,
}

/// What may and must be asked when a product is sold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "independent yes-or-no rules, as headquarters keeps them")]
pub struct ProductRules {
    /// The price contains its taxes.
    pub price_includes_tax: bool,
    /// The cashier must key the price.
    pub key_in_price: bool,
    /// The cashier must key the quantity.
    pub key_in_quantity: bool,
    /// Sold by weight: the quantity has decimals and must be weighed or keyed.
    pub weighed: bool,
    /// The buyer's least age in years.
    pub min_age: Option<u8>,
    /// Not for sale.
    pub blocked: bool,
    /// A price of nothing is meant.
    pub zero_price_valid: bool,
}

/// What a bar code or a price look-up number stands for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// The product.
    pub product: Product,
    /// How much of it the code stands for (a multi-pack), when it says so.
    #[schema(value_type = Option<String>)]
    pub quantity: Option<Quantity>,
}
