//! A small shop for the tests of channels, and transactions of its registers.

use std::path::{Path, PathBuf};

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use evertill::channel::sqlite::master::{write_delta, write_full};
use evertill::ids::{KeySource, RegisterId, ShiftId, TransactionId};
use evertill::master_data::{Changes, Customer, MasterData, ProductCode, StaffMember};
use evertill::money::{Currency, Money, Quantity};
use evertill::package::{Kind, Manifest, SCHEMA};
use evertill::retail::product::{Product, ProductRules};
use evertill::retail::sale::{NewLine, Sale};
use evertill::retail::staff::{Operator, Permissions};
use evertill::retail::store::{Functionality, Store, TaxCode, TaxGroup};
use evertill::retail::tax::{Tax, TaxKind, TaxRounding};
use evertill::retail::tender::PaymentMethod;
use evertill::retail::transaction::{Content, Event, Transaction};
use rust_decimal::Decimal;

/// PIN of every operator.
pub(crate) const PIN: &str = "123";

/// All of it.
pub(crate) fn shop() -> MasterData {
    let product = |id: &str, barcode: &str, name: &str, price: &str| Product {
        id: id.into(),
        barcode: barcode.to_owned(),
        name: name.to_owned(),
        department: "GROCERY".to_owned(),
        category: "CANNED".to_owned(),
        brand: String::new(),
        price: usd(price),
        unit: "each".to_owned(),
        tax_group: "food".into(),
        rules: ProductRules::default(),
        stock: Some(Decimal::new(125, 1)),
    };
    let code = |code: &str, product: &str, quantity: Option<&str>| ProductCode {
        code: code.to_owned(),
        product: product.into(),
        quantity: quantity.map(|text| Quantity::parse(text).unwrap()),
    };
    let mut bananas = product("4011", "", "BANANAS", "1.29");
    bananas.rules = ProductRules { weighed: true, min_age: Some(16), ..ProductRules::default() };
    MasterData {
        store: store(),
        products: vec![
            product("1001", "4006381333931", "Crème Brûlée", "3.49"),
            product("1002", "036000291452", "PREPARED BEANS BAKED 15.75 OZ", "0.89"),
            product("1003", "0012345678905", "BEANS GREEN 8 OZ", "0.79"),
            bananas,
            product("1004", "96385074", "COFFEE \"DARK\" AND* ROAST", "5.99"),
        ],
        codes: vec![code("BOX-12", "1002", Some("12")), code("7", "4011", None)],
        staff: vec![member("000160", "Cashier 1", Permissions::default()), member("000110", "Manager", manager())],
        customers: vec![Customer {
            number: "2001".to_owned(),
            name: "Household 2001".to_owned(),
            email: String::new(),
            phone: String::new(),
            group: "regular".to_owned(),
        }],
        records: Vec::new(),
    }
}

/// All of it as a full package, unpacked.
pub(crate) fn full_package(folder: &Path, data: &MasterData, version: u64) -> (Manifest, PathBuf) {
    let file = folder.join(format!("full-{version}.db"));
    write_full(&file, data, version).unwrap();
    (manifest(Kind::Full, version), file)
}

/// Changes as a package that needs a version, unpacked.
pub(crate) fn delta_package(folder: &Path, changes: &Changes, from_version: u64, to_version: u64) -> (Manifest, PathBuf) {
    let file = folder.join(format!("delta-{to_version}.db"));
    write_delta(&file, changes).unwrap();
    (manifest(Kind::Delta { from_version }, to_version), file)
}

fn manifest(kind: Kind, to_version: u64) -> Manifest {
    let (group, digest, made_at) = ("343".to_owned(), String::new(), chrono::DateTime::UNIX_EPOCH);
    Manifest { id: to_version, group, job: 9999, kind, to_version, schema: SCHEMA, rows: 0, bytes: 0, unpacked_bytes: 0, digest, made_at }
}

/// Its configuration.
pub(crate) fn store() -> Store {
    Store {
        number: "343".to_owned(),
        name: "Riverside".to_owned(),
        currency: Currency::USD,
        utc_offset_minutes: -300,
        registers: vec![1, 2],
        tax_rounding: TaxRounding::PerLine,
        denominations: vec![5.into(), 10.into(), 20.into()],
        receipt_header: vec!["RIVERSIDE".to_owned()],
        receipt_footer: vec![],
        functionality: Functionality {
            maximum_quantity: Quantity::new(999.into()).unwrap(),
            maximum_price: 10_000.into(),
            aggregate_items: true,
        },
        tax_groups: vec![TaxGroup { id: "food".into(), taxes: vec![food_tax()] }],
        payment_methods: vec![cash()],
        barcode_patterns: vec![],
    }
}

/// A concluded sale of two lines, paid in cash; equal arguments give equal transactions.
pub(crate) fn sale(register: u32, number: u32) -> Transaction {
    let store = store();
    let (id, began_at) = (key(register, number), chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap());
    let register = RegisterId { store: store.number.clone(), number: register };
    let shift = ShiftId { register: register.number, number: 1 };
    let mut sale = Sale::begin(id, register.clone(), shift, "000160".into(), began_at, &store);
    for product in &shop().products[1..3] {
        let line = NewLine {
            product: product.clone(),
            barcode: product.barcode.clone(),
            quantity: Quantity::new(number.into()).unwrap(),
            price: product.price,
            price_embedded: false,
        };
        sale.add(line, &store).unwrap();
    }
    let due = sale.totals().balance;
    sale.pay(&cash(), cash().accept(due, due).unwrap()).unwrap();
    Transaction {
        id,
        register,
        sequence: number.into(),
        receipt: Some(number.into()),
        shift,
        operator: "000160".into(),
        recorded_at: began_at,
        offline: false,
        content: Content::Sale(sale),
        signing: None,
    }
}

/// An event of a register.
pub(crate) fn event(register: u32, number: u32) -> Transaction {
    Transaction { id: key(register, number + 100_000), receipt: None, content: Content::Event(Event::LogOn), ..sale(register, number) }
}

/// An amount.
pub(crate) fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).unwrap()
}

fn key(register: u32, number: u32) -> TransactionId {
    let seed = u64::from(register) << 32 | u64::from(number);
    KeySource::Seeded(seed).next(chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap())
}

fn food_tax() -> TaxCode {
    let tax = Tax { kind: TaxKind::Percent { rate: 5.into() }, included: false, affects_next_base: false, base_affected: false };
    TaxCode { code: "food5".to_owned(), name: "Tax 5 %".to_owned(), tax }
}

fn cash() -> PaymentMethod {
    PaymentMethod {
        id: "cash".into(),
        name: "Cash".to_owned(),
        operation: 200,
        overtender: true,
        maximum_change: None,
        undertender: true,
        maximum_amount: None,
        rounding: None,
        opens_drawer: true,
    }
}

fn manager() -> Permissions {
    Permissions { manager: true, max_line_discount_percent: Some(50.into()), ..Permissions::default() }
}

fn member(id: &str, name: &str, permissions: Permissions) -> StaffMember {
    // Weak, so that tests are quick.
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
    let pin_hash = hasher.hash_password_with_salt(PIN.as_bytes(), b"sixteen bytes of").unwrap().to_string();
    StaffMember { operator: Operator { id: id.into(), name: name.to_owned(), permissions }, pin_hash }
}
