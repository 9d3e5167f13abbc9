//! The shipped files are good: they import without a bad row, and what refers to something finds it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::PathBuf;

use argon2::password_hash::{PasswordVerifier, phc::PasswordHash};
use evertill::import::{self, OnBadRow};
use evertill::retail::barcode::{Pattern, Scanned, read};
use rust_decimal::Decimal;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn open(name: &str) -> File {
    File::open(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn toml_file(name: &str) -> toml::Table {
    fs::read_to_string(path(name)).expect(name).parse().expect(name)
}

fn patterns() -> Vec<Pattern> {
    evertill::sample_store::store().barcode_patterns.iter().map(|pattern| pattern.parse().expect("a good pattern")).collect()
}

#[test]
fn the_sample_store_s_files_have_no_bad_row() {
    let products = import::products("products.csv", open("sample-store/products.csv"), OnBadRow::Refuse).unwrap().rows;
    let barcodes = import::barcodes("barcodes.csv", open("sample-store/barcodes.csv"), OnBadRow::Refuse).unwrap().rows;
    let customers = import::customers("customers.csv", open("sample-store/customers.csv"), OnBadRow::Refuse).unwrap().rows;
    assert_eq!(products.len(), 1000);
    assert_eq!(customers.len(), 8);

    let ids: HashSet<&str> = products.iter().map(|product| product.product_id.as_str()).collect();
    let codes: HashSet<&str> = products.iter().filter_map(|product| product.barcode.as_deref()).collect();
    for row in &barcodes {
        assert!(ids.contains(row.product_id.as_str()) && !codes.contains(row.barcode.as_str()), "{row:?}");
    }
    assert!(barcodes.iter().filter(|row| row.quantity > Decimal::ONE).count() >= 5);

    let store = evertill::sample_store::store();
    let groups: HashSet<&str> = store.tax_groups.iter().map(|group| group.id.0.as_str()).collect();
    for product in &products {
        assert!(groups.contains(product.tax_group.as_deref().unwrap()), "{product:?}");
        assert!(product.unit_price > Decimal::ZERO && product.unit_price.scale() == 2, "{product:?}");
        assert_eq!(product.weighed, product.unit == "lb", "{product:?}");
        assert!(product.tax_group.as_deref() != Some("alcohol") || product.min_age == Some(21), "{product:?}");
    }
    assert_eq!(products.iter().filter(|product| product.blocked).count(), 2);
    assert_eq!(products.iter().filter(|product| product.key_in_price).count(), 2);
}

#[test]
fn no_ordinary_code_of_the_sample_store_looks_like_a_scale_s_label() {
    let products = import::products("products.csv", open("sample-store/products.csv"), OnBadRow::Refuse).unwrap().rows;
    for barcode in products.iter().filter_map(|product| product.barcode.as_deref()) {
        assert!(matches!(read(barcode, &patterns()), Ok(Scanned::Product(_))), "{barcode}");
    }
}

#[test]
fn the_well_known_labels_find_their_item_in_the_sample_store() {
    let barcodes = import::barcodes("barcodes.csv", open("sample-store/barcodes.csv"), OnBadRow::Refuse).unwrap().rows;
    for label in ["2100001027506", "2342345106664", "2212345610259"] {
        let Ok(Scanned::Embedded { item, .. }) = read(label, &patterns()) else { panic!("{label} has nothing inside") };
        assert!(barcodes.iter().any(|row| row.barcode == item), "{item}");
    }
}

#[test]
fn the_sample_store_s_staff_sign_in_with_123() {
    let staff = toml_file("sample-store/staff.toml");
    for operator in staff["operators"].as_array().unwrap() {
        assert!(staff["groups"].get(operator["group"].as_str().unwrap()).is_some(), "{operator}");
        let hash = operator["pin_hash"].as_str().unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let parsed = PasswordHash::new(hash).unwrap();
        assert!(argon2::Argon2::default().verify_password(b"123", &parsed).is_ok(), "{operator}");
        assert!(argon2::Argon2::default().verify_password(b"124", &parsed).is_err(), "{operator}");
    }
}

#[test]
fn the_journey_has_no_bad_row() {
    let products = import::products("products.csv", open("journey-343/products.csv"), OnBadRow::Refuse).unwrap().rows;
    let baskets = import::baskets("baskets.csv", open("journey-343/baskets.csv"), OnBadRow::Refuse).unwrap().rows;
    let ids: HashSet<&str> = products.iter().map(|product| product.product_id.as_str()).collect();
    assert_eq!((products.len(), baskets.len()), (9_035, 2_926));
    assert_eq!(baskets.iter().map(|basket| basket.lines.len()).sum::<usize>(), 23_338);
    for line in baskets.iter().flat_map(|basket| &basket.lines) {
        assert!(ids.contains(line.product_id.as_str()), "{line:?}");
    }
}
