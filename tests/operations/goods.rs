//! What the shop of these tests sells, and who works there: the sample store with a few goods and operators that bring a rule each.

use std::sync::{Arc, LazyLock};

use evertill::channel::sqlite::SqliteChannel;
use evertill::master_data::{MasterData, ProductCode, StaffMember};
use evertill::money::{Currency, Money, Quantity};
use evertill::retail::product::{Product, ProductRules};
use evertill::retail::staff::{Operator, Permissions, PriceOverrideRight};
use evertill::sample_store;
use tempfile::TempDir;

/// The channel database all tests read; none of them changes it.
pub(super) fn database() -> Arc<SqliteChannel> {
    static DATABASE: LazyLock<(Arc<SqliteChannel>, TempDir)> = LazyLock::new(|| {
        let directory = TempDir::new().unwrap();
        let database = SqliteChannel::open(&directory.path().join("channel.db")).unwrap();
        database.load(&master_data()).unwrap();
        (Arc::new(database), directory)
    });
    Arc::clone(&DATABASE.0)
}

/// The sample store with the goods and operators of these tests.
pub(super) fn master_data() -> MasterData {
    let mut data = sample_store::master_data();
    data.products.extend(goods());
    data.codes.extend([code("six", "cola", Some("6")), code("plu", "ham", None)]);
    // What scales print: the sample store has 00001, 12345 and 42345 itself.
    data.codes.extend([
        code("54321", "ham", None),
        code("54322", "salad", None),
        code("00002", "soap", None),
        code("00003", "cheese", None),
    ]);
    data.staff.extend(staff());
    data
}

/// Goods without tax unless they say so, each known by its lower-case name.
fn goods() -> Vec<Product> {
    let rules = ProductRules::default;
    vec![
        product("cola", "1.00", rules()),
        product("bread", "2.30", rules()),
        product("beer", "2.00", ProductRules { min_age: Some(16), ..rules() }),
        product("gin", "20.00", ProductRules { min_age: Some(21), ..rules() }),
        product("any", "0", ProductRules { key_in_price: true, ..rules() }),
        product("deli", "3.00", ProductRules { key_in_price: true, ..rules() }),
        product("nails", "0.10", ProductRules { key_in_quantity: true, ..rules() }),
        Product { unit: "lb".to_owned(), ..product("ham", "4.00", ProductRules { weighed: true, ..rules() }) },
        Product { unit: "kg".to_owned(), ..product("cheese", "12.00", ProductRules { weighed: true, ..rules() }) },
        product("salad", "3.00", rules()),
        product("soap", "1.50", rules()),
        product("recalled", "1.00", ProductRules { blocked: true, ..rules() }),
        product("bag", "0", ProductRules { zero_price_valid: true, ..rules() }),
        product("unpriced", "0", rules()),
        product("yacht", "100000.00", rules()),
        Product { tax_group: "general".into(), ..product("taxed", "10.00", rules()) },
        Product {
            tax_group: "general".into(),
            ..product("included", "0", ProductRules { price_includes_tax: true, key_in_price: true, ..rules() })
        },
    ]
}

fn product(name: &str, price: &str, rules: ProductRules) -> Product {
    Product {
        id: name.into(),
        barcode: name.to_owned(),
        name: name.to_uppercase(),
        department: "TEST".to_owned(),
        category: String::new(),
        brand: String::new(),
        price: Money::parse(price, Currency::USD).unwrap(),
        unit: "each".to_owned(),
        tax_group: "".into(),
        rules,
        stock: None,
    }
}

fn code(code: &str, product: &str, quantity: Option<&str>) -> ProductCode {
    ProductCode { code: code.to_owned(), product: product.into(), quantity: quantity.map(|text| Quantity::parse(text).unwrap()) }
}

/// All with the sample store's PIN.
fn staff() -> Vec<StaffMember> {
    let member = |id: &str, name: &str, permissions: Permissions| StaffMember {
        operator: Operator { id: id.into(), name: name.to_owned(), permissions },
        pin_hash: sample_store::staff()[0].pin_hash.clone(),
    };
    let price_override = |right| Permissions { price_override: right, ..Permissions::default() };
    vec![
        member("200", "Trainee", Permissions::default()),
        member("201", "Lower", price_override(PriceOverrideRight::LowerOnly)),
        member("202", "Higher", price_override(PriceOverrideRight::HigherOnly)),
        member("300", "Bounded", Permissions { manager: true, max_line_discount_percent: Some(60.into()), ..Permissions::default() }),
    ]
}
