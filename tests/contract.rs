//! What every implementation of `Channel` does alike: the same tests over the databases, and over HTTP to a scale unit.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/device.rs"]
mod device;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/postgres.rs"]
mod postgres_server;

use std::collections::HashMap;
use std::sync::Arc;

use evertill::channel::http::HttpChannel;
use evertill::channel::postgres::PostgresChannel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ChannelDatabase, ChannelError, ErrorKind, Page, ProductSearch, Recorded, Refusal, Upload};
use evertill::ids::{KeySource, TransactionId};
use evertill::money::Quantity;
use evertill::retail::sale::Discount;
use evertill::retail::staff::Pin;
use evertill::retail::transaction::{Content, Transaction};
use fixture::{PIN, event, full_package, sale, shop, store};
use postgres_server::Database;
use tempfile::TempDir;

macro_rules! contract {
    ($($rule:ident)*) => {
        mod sqlite {
            $(#[test] fn $rule() { super::over_sqlite(super::$rule); })*
        }
        mod postgres {
            $(#[test] fn $rule() { super::over_postgres(super::$rule); })*
        }
        mod http {
            $(#[test] fn $rule() { super::over_http(super::$rule); })*
        }
    };
}

contract! {
    a_store_is_known_by_its_number
    an_operator_signs_in_with_his_pin
    a_wrong_pin_and_an_unknown_operator_are_refused_alike
    a_code_finds_its_product
    a_code_that_nobody_has_finds_nothing
    a_number_finds_its_product
    a_search_finds_all_words_anywhere
    a_search_forgives_one_typo_when_nothing_else_matches
    a_search_is_ordered_by_fit
    pages_make_up_the_whole
    a_search_beyond_its_bounds_is_refused
    a_transaction_is_taken_in_once
    a_taken_key_with_other_content_is_a_conflict
    a_taken_number_is_a_conflict
    a_voided_sale_and_an_event_need_no_receipt
    what_breaks_a_rule_is_refused
    eight_registers_at_once_record_one_transaction_once
    a_transaction_that_is_too_large_is_refused
    a_transaction_is_given_back_byte_for_byte
    the_data_version_is_known
}

fn a_store_is_known_by_its_number(channel: &dyn Channel) {
    assert_eq!(channel.store("343"), Ok(store()));
    for number in ["344", "", "3/4", "343 ", "../343", "%33"] {
        assert_eq!(refusal(channel.store(number)), Refusal::NotFound, "{number:?}");
    }
}

fn an_operator_signs_in_with_his_pin(channel: &dyn Channel) {
    for member in shop().staff {
        assert_eq!(channel.sign_in(&member.operator.id, &Pin::new(PIN)), Ok(member.operator));
    }
}

fn a_wrong_pin_and_an_unknown_operator_are_refused_alike(channel: &dyn Channel) {
    let wrong_pin = channel.sign_in(&"000160".into(), &Pin::new("124")).unwrap_err();
    assert_eq!(wrong_pin.kind, ErrorKind::Refused(Refusal::Credentials));
    for (operator, pin) in [("000161", PIN), ("", ""), ("000160", ""), ("000160 ", PIN), ("000160", &"1".repeat(1_000)), ("é\0\"", "\n")] {
        assert_eq!(channel.sign_in(&operator.into(), &Pin::new(pin)).unwrap_err(), wrong_pin, "{operator:?}");
    }
}

fn a_code_finds_its_product(channel: &dyn Channel) {
    for (code, product, quantity) in [
        ("4006381333931", "1001", None),
        ("036000291452", "1002", None),
        ("0036000291452", "1002", None),
        ("BOX-12", "1002", Some("12")),
        ("012345678905", "1003", None),
        ("0012345678905", "1003", None),
        ("7", "4011", None),
        ("4011", "4011", None),
        ("1004", "1004", None),
        ("96385074", "1004", None),
    ] {
        let found = channel.product_by_barcode(code).unwrap().unwrap_or_else(|| panic!("{code}"));
        assert_eq!(found.product, product_of(product), "{code}");
        assert_eq!(found.quantity, quantity.map(|text| Quantity::parse(text).unwrap()), "{code}");
    }
}

fn a_code_that_nobody_has_finds_nothing(channel: &dyn Channel) {
    let long = "1".repeat(100_000);
    for code in ["4006381333932", "", " ", "box-12", "40063813339", "4011/", "a/b?c=d&e#f%", "\u{0}", "Ünïcödé ✓", "' OR 1=1 --", &long]
    {
        assert_eq!(channel.product_by_barcode(code), Ok(None), "{code:.20?}");
    }
}

fn a_number_finds_its_product(channel: &dyn Channel) {
    for product in shop().products {
        assert_eq!(channel.product(&product.id), Ok(Some(product)));
    }
    for number in ["9999", "", ".", "..", "a/b", "by code", "4006381333931", "%31001", &"1".repeat(100_000)] {
        assert_eq!(channel.product(&number.into()), Ok(None), "{number:.20?}");
    }
}

fn a_search_finds_all_words_anywhere(channel: &dyn Channel) {
    for (text, found) in [
        ("beans", vec!["1003", "1002"]),
        ("BEANS baked", vec!["1002"]),
        ("ean red", vec!["1002"]),
        ("brulee creme", vec!["1001"]),
        ("BRÛLÉE", vec!["1001"]),
        ("oz", vec!["1003", "1002"]),
        ("b g", vec!["1003"]),
        ("8 beans", vec!["1003"]),
        ("15.75", vec!["1002"]),
        ("381333", vec!["1001"]),
        ("100", vec!["1003", "1004", "1001", "1002"]),
        ("\"dark\" and*", vec!["1004"]),
        ("dark NOT roast", vec![]),
        ("dark OR beans", vec![]),
        ("words:beans", vec![]),
        ("bea*", vec!["1003", "1002"]), // one letter too many, no wildcard
        ("be*s", vec![]),
        ("beans xyz", vec![]),
        ("\"", vec!["1004"]),
        ("-", vec![]),
        ("(\0)", vec![]),
        ("", vec!["4011", "1003", "1004", "1001", "1002"]),
        (" \t", vec!["4011", "1003", "1004", "1001", "1002"]),
    ] {
        assert_eq!(numbers(&search(channel, text, 0, 50)), found, "{text:?}");
    }
}

fn a_search_forgives_one_typo_when_nothing_else_matches(channel: &dyn Channel) {
    for (text, found) in [
        ("bananna", vec!["4011"]),
        ("abnanas", vec!["4011"]),
        ("bakde beans", vec!["1002"]),
        ("beens", vec!["1003", "1002"]),
        ("coffe dakr", vec!["1004"]),
        ("crmee", vec!["1001"]),
        ("cofee", vec!["1004"]),
        ("bxxnas", vec![]),
        ("bex", vec![]),
        ("4006381333932", vec![]),
    ] {
        assert_eq!(numbers(&search(channel, text, 0, 50)), found, "{text:?}");
    }
}

fn a_search_is_ordered_by_fit(channel: &dyn Channel) {
    for (text, found) in [
        ("1002", vec!["1002"]),
        ("036000291452", vec!["1002"]),
        ("7", vec!["4011"]),
        ("b", vec!["4011", "1003", "1001", "1002"]),
        ("prep", vec!["1002"]),
        ("ro", vec!["1004"]),
    ] {
        assert_eq!(numbers(&search(channel, text, 0, 50)), found, "{text:?}");
    }
}

fn pages_make_up_the_whole(channel: &dyn Channel) {
    for text in ["", "100", "beans", "b", "1002", "beens", "nothing at all"] {
        let whole = search(channel, text, 0, 200);
        assert!(!whole.more);
        for limit in 1..4_u32 {
            let mut products = Vec::new();
            loop {
                let page = search(channel, text, u32::try_from(products.len()).unwrap(), limit);
                assert!(page.products.len() <= limit as usize);
                products.extend(page.products);
                if !page.more {
                    break;
                }
            }
            assert_eq!(products, whole.products, "{text:?} by {limit}");
        }
        assert_eq!(search(channel, text, u32::MAX, 10), Page::default());
        assert_eq!(search(channel, text, 0, 0), Page { products: vec![], more: !whole.products.is_empty() });
    }
}

fn a_search_beyond_its_bounds_is_refused(channel: &dyn Channel) {
    let ask = |text: &str, limit| channel.search_products(&ProductSearch { text: text.to_owned(), offset: 0, limit });
    assert_eq!(refusal(ask("beans", ProductSearch::MAX_LIMIT + 1)), Refusal::Invalid);
    assert_eq!(refusal(ask(&"ü".repeat(ProductSearch::MAX_TEXT + 1), 10)), Refusal::Invalid);
    assert_eq!(ask(&"ü ".repeat(ProductSearch::MAX_TEXT / 2), ProductSearch::MAX_LIMIT), Ok(Page::default()));
}

fn a_transaction_is_taken_in_once(channel: &dyn Channel) {
    let upload = upload(&sale(1, 1));
    assert_eq!(channel.record(&upload), Ok(Recorded::New));
    assert_eq!(channel.record(&upload), Ok(Recorded::Already));
    assert_eq!(channel.record(&self::upload(&sale(1, 2))), Ok(Recorded::New));
}

fn a_taken_key_with_other_content_is_a_conflict(channel: &dyn Channel) {
    let first = sale(1, 1);
    assert_eq!(channel.record(&upload(&first)), Ok(Recorded::New));
    let other = Transaction { offline: true, ..first.clone() };
    assert_eq!(refusal(channel.record(&upload(&other))), Refusal::Conflict);
    assert_eq!(channel.transaction(&first.id), Ok(Some(first.canonical())), "it is never written over");
    assert_eq!(channel.record(&upload(&first)), Ok(Recorded::Already));
}

fn a_taken_number_is_a_conflict(channel: &dyn Channel) {
    assert_eq!(channel.record(&upload(&sale(1, 1))), Ok(Recorded::New));
    let same_sequence = Transaction { sequence: 1, ..sale(1, 2) };
    assert_eq!(refusal(channel.record(&upload(&same_sequence))), Refusal::Conflict);
    let same_receipt = Transaction { receipt: Some(1), ..sale(1, 2) };
    assert_eq!(refusal(channel.record(&upload(&same_receipt))), Refusal::Conflict);
    assert_eq!(channel.transaction(&same_receipt.id), Ok(None));
    assert_eq!(channel.record(&upload(&sale(1, 2))), Ok(Recorded::New), "a refusal takes no number");
}

fn a_voided_sale_and_an_event_need_no_receipt(channel: &dyn Channel) {
    let Content::Sale(mut content) = sale(1, 3).content else { unreachable!() };
    content.void_payment(1).unwrap();
    let voided = Transaction { receipt: None, content: Content::VoidedSale(content), ..sale(1, 3) };
    for transaction in [event(1, 1), event(1, 2), voided] {
        assert_eq!(channel.record(&upload(&transaction)), Ok(Recorded::New));
        assert_eq!(channel.record(&upload(&transaction)), Ok(Recorded::Already));
    }
}

/// The same sale, given up as it stands.
fn given_up(transaction: Transaction) -> Transaction {
    let Content::Sale(sale) = transaction.content else { unreachable!() };
    Transaction { receipt: None, content: Content::VoidedSale(sale), ..transaction }
}

fn what_breaks_a_rule_is_refused(channel: &dyn Channel) {
    let good = sale(1, 1);
    let text = good.canonical();
    let edit = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        Upload { id: good.id, canonical: text.replacen(from, to, 1) }
    };
    let percent = serde_json::to_string(&Some(Discount::Percent("79228162514264337593543950335".parse().unwrap()))).unwrap();
    for upload in [
        Upload { id: good.id, canonical: String::new() },
        Upload { id: good.id, canonical: "{}".to_owned() },
        Upload { id: good.id, canonical: "[".repeat(100_000) },
        Upload { id: good.id, canonical: text[..text.len() - 1].to_owned() },
        Upload { id: sale(1, 2).id, canonical: text.clone() },
        upload(&Transaction { receipt: None, ..good.clone() }),
        upload(&Transaction { receipt: Some(1), ..event(1, 9) }),
        upload(&given_up(good.clone())),
        upload(&given_up(Transaction { id: sale(1, 2).id, ..sale(1, 3) })),
        edit("\"discount\":null", "\"discount\":{\"amount\":\"-1.00 USD\"}"),
        edit("\"payments\":[{\"number\":1", "\"payments\":[{\"number\":2"),
        upload(&Transaction { sequence: u64::MAX, ..good.clone() }),
        edit(",\"price\":\"0.89 USD\"", ",\"price\":\"0.01 USD\""),
        edit(",\"price\":\"0.89 USD\"", ",\"price\":\"0.89 EUR\""),
        edit(",\"price\":\"0.89 USD\"", ",\"price\":\"999999999999999999 USD\""),
        edit("\"discount\":null", &format!("\"discount\":{percent}")),
        edit("\"payments\":[{", "\"payments\":[],\"none\":[{"),
    ] {
        assert_eq!(refusal(channel.record(&upload)), Refusal::Invalid, "{:.300}", upload.canonical);
        assert_eq!(refusal(channel.record(&upload)), Refusal::Invalid, "again");
        assert_eq!(channel.transaction(&upload.id), Ok(None));
    }
    assert_eq!(channel.record(&upload(&good)), Ok(Recorded::New), "its key is still free");
}

fn eight_registers_at_once_record_one_transaction_once(channel: &dyn Channel) {
    let upload = upload(&sale(1, 1));
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| channel.record(&upload))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    let new = answers.iter().filter(|answer| **answer == Recorded::New).count();
    assert_eq!((new, answers.len()), (1, 8));
}

fn a_transaction_that_is_too_large_is_refused(channel: &dyn Channel) {
    let good = sale(1, 1);
    for length in [2_097_153, 9_000_000] {
        let padded = format!("{}{}", good.canonical(), " ".repeat(length - good.canonical().len()));
        assert_eq!(refusal(channel.record(&Upload { id: good.id, canonical: padded })), Refusal::Invalid, "{length}");
    }
    let padded = format!("{}{}", good.canonical(), " ".repeat(2_097_152 - good.canonical().len()));
    assert_eq!(channel.record(&Upload { id: good.id, canonical: padded }), Ok(Recorded::New));
}

fn a_transaction_is_given_back_byte_for_byte(channel: &dyn Channel) {
    let good = sale(1, 1);
    let text = format!(" \n{}\t", good.canonical().replace("Tax 5 %", "Tâx\\u0035 %"));
    assert_eq!(channel.record(&Upload { id: good.id, canonical: text.clone() }), Ok(Recorded::New));
    assert_eq!(channel.transaction(&good.id), Ok(Some(text)));
    let unknown = TransactionId(KeySource::Seeded(9).next(chrono::DateTime::UNIX_EPOCH).0);
    assert_eq!(channel.transaction(&unknown), Ok(None));
}

fn the_data_version_is_known(channel: &dyn Channel) {
    assert_eq!(channel.data_version(), Ok(1));
}

fn over_sqlite(rule: fn(&dyn Channel)) {
    let (_folder, channel) = database();
    rule(channel.as_ref());
}

fn over_postgres(rule: fn(&dyn Channel)) {
    let Some(server) = Database::new() else { return };
    let channel = PostgresChannel::connect(&server.url).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (manifest, file) = full_package(folder.path(), &shop(), 1);
    channel.apply(&manifest, &file).unwrap();
    rule(&channel);
}

fn over_http(rule: fn(&dyn Channel)) {
    let (folder, channel) = database();
    let device = device::activate(&*channel, 1);
    let unit = device::serve(channel, folder.path());
    let channel = HttpChannel::new(&format!("http://{}", unit.address())).unwrap();
    channel.set_device(Some((device.device, device.token)));
    channel.set_operator(Some(&"000160".into()));
    rule(&channel);
}

fn database() -> (TempDir, Arc<SqliteChannel>) {
    let folder = tempfile::tempdir().unwrap();
    let channel = SqliteChannel::open(&folder.path().join("channel.db")).unwrap();
    assert_eq!(channel.load(&shop()), Ok(1));
    (folder, Arc::new(channel))
}

fn search(channel: &dyn Channel, text: &str, offset: u32, limit: u32) -> Page {
    channel.search_products(&ProductSearch { text: text.to_owned(), offset, limit }).unwrap()
}

fn numbers(page: &Page) -> Vec<&str> {
    page.products.iter().map(|product| product.id.0.as_str()).collect()
}

fn product_of(id: &str) -> evertill::retail::product::Product {
    let products: HashMap<_, _> = shop().products.into_iter().map(|product| (product.id.0.clone(), product)).collect();
    products[id].clone()
}

fn upload(transaction: &Transaction) -> Upload {
    Upload { id: transaction.id, canonical: transaction.canonical() }
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, ChannelError>) -> Refusal {
    match answer {
        Err(ChannelError { kind: ErrorKind::Refused(refusal), .. }) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}
