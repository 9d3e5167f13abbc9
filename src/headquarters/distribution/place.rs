//! A store on a day: what belongs there, and single records in the words of the trade.

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::headquarters::entities::number;
use crate::headquarters::error::{Error, Result};
use crate::headquarters::kinds::Content;
use crate::headquarters::records::text;
use crate::ids::ProductId;
use crate::master_data::{Customer, ProductCode, Record};
use crate::money::{Currency, Money, Quantity};
use crate::retail::product::{Product, ProductRules};

/// A store on a day.
pub(super) struct Place {
    pub(super) store: String,
    pub(super) day: String,
    pub(super) currency: Currency,
    /// The store's record.
    pub(super) content: Content,
}

impl Place {
    /// Whether a record belongs to this store today.
    pub(super) fn shows(&self, content: &Content) -> bool {
        let store = text(content, "store");
        let stores = content.get("stores").and_then(Json::as_array);
        let belongs = (store.is_empty() || store == self.store)
            && stores.is_none_or(|stores| stores.is_empty() || stores.iter().any(|one| one.as_str() == Some(&self.store)));
        let (from, to) = (text(content, "from"), text(content, "to"));
        belongs && (from.is_empty() || from <= self.day.as_str()) && (to.is_empty() || to >= self.day.as_str())
    }

    /// A product at its agreed price, or else its own.
    pub(super) fn product(&self, content: &Content, agreed: Option<Decimal>) -> Result<Product> {
        let words = |field: &str| text(content, field).to_owned();
        let is = |field: &str| content.get(field).and_then(Json::as_bool).unwrap_or(false);
        let price = agreed.map_or_else(|| amount(content, "unit_price"), Ok)?;
        Ok(Product {
            id: ProductId(words("product_id")),
            barcode: words("barcode"),
            name: words("name"),
            department: words("department"),
            category: words("category"),
            brand: words("brand"),
            price: Money::new(price, self.currency),
            unit: words("unit"),
            tax_group: text(content, "tax_group").into(),
            rules: ProductRules {
                price_includes_tax: is("price_includes_tax"),
                key_in_price: is("key_in_price"),
                key_in_quantity: is("key_in_quantity"),
                weighed: is("weighed"),
                min_age: content.get("min_age").and_then(Json::as_u64).and_then(|age| u8::try_from(age).ok()),
                blocked: is("blocked"),
                zero_price_valid: is("zero_price_valid"),
            },
            stock: content.get("stock").map(|_| amount(content, "stock")).transpose()?,
        })
    }
}

/// A further code. A single piece says nothing: a weighed product's price look-up number must still be weighed.
pub(super) fn code(content: &Content) -> Result<ProductCode> {
    let quantity = Quantity::new(amount(content, "quantity")?).ok().filter(|quantity| *quantity != Quantity::ONE);
    Ok(ProductCode { code: text(content, "barcode").to_owned(), product: ProductId(text(content, "product_id").to_owned()), quantity })
}

pub(super) fn customer(content: &Content) -> Customer {
    let words = |field: &str| text(content, field).to_owned();
    Customer { number: words("number"), name: words("name"), email: words("email"), phone: words("phone"), group: words("group") }
}

/// What a scale unit is told of a register's device; nothing before it had one. One that was given up is deactivated.
pub(super) fn device(content: &Content) -> Option<Record> {
    let device = Some(text(content, "device")).filter(|device| !device.is_empty())?;
    let status = if text(content, "status") == "activated" { "activated" } else { "deactivated" };
    let told = serde_json::json!({ "status": status, "device": device, "token_hash": text(content, "token_hash") });
    Some(Record { kind: "device".to_owned(), key: number(content), content: told.to_string() })
}

/// A number of a record.
pub(super) fn amount(content: &Content, field: &str) -> Result<Decimal> {
    text(content, field).parse().map_err(|_| Error::Database(format!("a record's {field} is no number")))
}

/// A record without some of its fields, as what it stands for.
pub(super) fn of<T: DeserializeOwned>(kind: &str, key: &str, mut content: Content, without: &[&str]) -> Result<T> {
    content.retain(|field, _| !without.contains(&field.as_str()));
    value(kind, key, Json::Object(content))
}

/// A value of a record, as what it stands for.
pub(super) fn value<T: DeserializeOwned>(kind: &str, key: &str, value: Json) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::Database(format!("{kind} {key}: {error}")))
}
