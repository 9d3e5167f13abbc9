//! The sample store, built in: what a register with nothing configured sells from, and what the tests and demos run on.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::import::{self, Imported, OnBadRow};
use crate::master_data::{Customer, MasterData, ProductCode, StaffMember};
use crate::money::{Currency, Money, Quantity};
use crate::retail::product::{Product, ProductRules};
use crate::retail::staff::{Operator, Permissions};
use crate::retail::store::Store;

const STORE: &str = include_str!("../fixtures/sample-store/store.toml");
const STAFF: &str = include_str!("../fixtures/sample-store/staff.toml");
const PRODUCTS: &str = include_str!("../fixtures/sample-store/products.csv");
const BARCODES: &str = include_str!("../fixtures/sample-store/barcodes.csv");
const CUSTOMERS: &str = include_str!("../fixtures/sample-store/customers.csv");

/// The files of the sample store, in the order in which headquarters imports them.
pub const FILES: [(&str, &str); 5] =
    [("store.toml", STORE), ("staff.toml", STAFF), ("products.csv", PRODUCTS), ("barcodes.csv", BARCODES), ("customers.csv", CUSTOMERS)];

/// What the sign-in screen of the sample store says, and no other.
pub const SIGN_IN_HINT: &str = "Sample store: cashier 000160, manager 000110, PIN 123";

/// All of the sample store.
pub fn master_data() -> MasterData {
    let store = store();
    MasterData {
        products: products(PRODUCTS, "products.csv", store.currency),
        codes: codes(),
        staff: staff(),
        customers: customers(),
        records: Vec::new(),
        store,
    }
}

/// The sample store's configuration.
pub fn store() -> Store {
    toml::from_str(STORE).expect("the built-in store is tested")
}

/// The sample store's staff.
pub fn staff() -> Vec<StaffMember> {
    #[derive(Deserialize)]
    struct StaffFile {
        groups: BTreeMap<String, Permissions>,
        operators: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        number: String,
        name: String,
        group: String,
        pin_hash: String,
    }
    let StaffFile { groups, operators } = toml::from_str(STAFF).expect("the built-in staff is tested");
    let member = |row: Row| StaffMember {
        operator: Operator { id: row.number.as_str().into(), name: row.name, permissions: groups[&row.group].clone() },
        pin_hash: row.pin_hash,
    };
    operators.into_iter().map(member).collect()
}

/// Products of a file in the form of `products.csv` that is known to be good.
fn products(text: &str, file: &str, currency: Currency) -> Vec<Product> {
    let rows = good(import::products(file, text.as_bytes(), OnBadRow::Refuse));
    rows.into_iter().map(|row| product(row, currency)).collect()
}

/// A product from its row.
pub fn product(row: import::ProductRow, currency: Currency) -> Product {
    Product {
        id: row.product_id.as_str().into(),
        barcode: row.barcode.unwrap_or_default(),
        name: row.name,
        department: row.department,
        category: row.category,
        brand: row.brand,
        price: Money::new(row.unit_price, currency),
        unit: row.unit,
        tax_group: row.tax_group.unwrap_or_default().as_str().into(),
        rules: ProductRules {
            price_includes_tax: row.price_includes_tax,
            key_in_price: row.key_in_price,
            key_in_quantity: row.key_in_quantity,
            weighed: row.weighed,
            min_age: row.min_age,
            blocked: row.blocked,
            zero_price_valid: false,
        },
        stock: row.stock,
    }
}

fn codes() -> Vec<ProductCode> {
    let rows = good(import::barcodes("barcodes.csv", BARCODES.as_bytes(), OnBadRow::Refuse));
    let code = |row: import::BarcodeRow| ProductCode {
        code: row.barcode,
        product: row.product_id.as_str().into(),
        // A single piece says nothing: a weighed product's price look-up number must still be weighed.
        quantity: Quantity::new(row.quantity).ok().filter(|quantity| *quantity != Quantity::ONE),
    };
    rows.into_iter().map(code).collect()
}

fn customers() -> Vec<Customer> {
    let rows = good(import::customers("customers.csv", CUSTOMERS.as_bytes(), OnBadRow::Refuse));
    let customer = |row: import::CustomerRow| Customer {
        number: row.number,
        name: row.name,
        email: row.email.unwrap_or_default(),
        phone: row.phone.unwrap_or_default(),
        group: row.group.unwrap_or_default(),
    };
    rows.into_iter().map(customer).collect()
}

fn good<T>(imported: Result<Imported<T>, import::ImportError>) -> Vec<T> {
    imported.expect("the built-in files are tested").rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_store_is_whole() {
        let data = master_data();
        assert_eq!((data.products.len(), data.staff.len()), (1_000, 3));
        let group_is_known = |product: &Product| data.store.tax_groups.iter().any(|group| group.id == product.tax_group);
        assert!(data.products.iter().all(group_is_known));
        assert!(data.codes.iter().all(|code| data.products.iter().any(|product| product.id == code.product)));
        assert!(data.store.barcode_patterns.iter().all(|pattern| pattern.parse().is_ok()));
    }
}
