//! Gift cards, as headquarters' ledger knows them: no other place knows what one is worth.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Money;

/// A gift card.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiftCard {
    /// Its number.
    pub number: String,
    /// What is left on it.
    #[schema(value_type = String, example = "25.00 USD")]
    pub balance: Money,
}
