//! Whose transactions are taken in.

use evertill::channel::{Channel, ChannelDatabase, Upload};
use evertill::ids::RegisterId;
use evertill::protocol::ProblemKind;
use evertill::retail::register::{Numbers, RegisterSetup};
use evertill::retail::transaction::{Content, Transaction};

use super::device::Activated;
use super::fixture::{event, sale};
use super::{Answer, Shop, refusal};

#[test]
fn a_register_brings_its_own_transactions_only() {
    let shop = Shop::open();
    let (own, others) = (sale(1, 1), sale(2, 1));
    assert_eq!(upload(&shop, &shop.one, &own).status, 201);
    assert_eq!(refusal(&upload(&shop, &shop.one, &others)), (403, ProblemKind::Forbidden));
    let elsewhere = Transaction { register: RegisterId { store: "344".to_owned(), number: 1 }, ..event(1, 2) };
    assert_eq!(refusal(&upload(&shop, &shop.one, &elsewhere)), (403, ProblemKind::Forbidden));
    assert_eq!(shop.channel.transaction_count(), Ok(1));
    assert_eq!(upload(&shop, &shop.two, &others).status, 201, "nothing stands in its place");
}

#[test]
fn a_register_is_told_behind_which_numbers_it_goes_on() {
    let shop = Shop::open();
    let numbers = || {
        let answer = shop.exchange("GET", "/v1/register", &shop.one.headers(), "");
        assert_eq!(answer.status, 200);
        serde_json::from_str::<RegisterSetup>(&answer.body).unwrap().numbers
    };
    assert_eq!(numbers(), Numbers::default());
    assert_eq!(upload(&shop, &shop.one, &sale(1, 7)).status, 201);
    assert_eq!(upload(&shop, &shop.two, &sale(2, 9)).status, 201);
    let highest = shop.channel.highest_numbers(&shop.one.register).unwrap();
    assert_eq!((numbers(), highest.sequence), (highest, 7));
}

#[test]
fn a_released_device_still_delivers_what_it_sold_and_that_alone() {
    let shop = Shop::open();
    assert_eq!(upload(&shop, &shop.one, &sale(1, 1)).status, 201);
    shop.channel.deactivate(&shop.one.register).unwrap();
    assert_eq!(refusal(&shop.ask(&shop.one.headers())), (401, ProblemKind::Device));
    assert_eq!(upload(&shop, &shop.one, &sale(1, 2)).status, 201);
    assert_eq!(upload(&shop, &shop.one, &sale(1, 2)).status, 200, "the same again");
    assert_eq!(refusal(&upload(&shop, &shop.one, &sale(2, 1))), (403, ProblemKind::Forbidden));
    let read = shop.exchange("GET", &path(&sale(1, 1)), &shop.one.headers(), "");
    assert_eq!(refusal(&read), (401, ProblemKind::Device), "it may not read");
}

#[test]
fn a_transaction_of_somebody_who_has_left_is_taken() {
    let shop = Shop::open();
    let mut without = super::shop();
    without.staff.clear();
    shop.channel.load(&without).unwrap();
    assert_eq!(upload(&shop, &shop.one, &sale(1, 1)).status, 201);
}

#[test]
fn a_forged_transaction_is_set_aside() {
    let shop = Shop::open();
    let good = sale(1, 1);
    let text = good.canonical();
    let Content::Sale(content) = &good.content else { unreachable!() };
    let of_another_register = text
        .replacen(&serde_json::to_string(&content.register).unwrap(), "{\"store\":\"343\",\"number\":1 }", 1)
        .replace(&serde_json::to_string(&content.register).unwrap(), "{\"store\":\"343\",\"number\":2}");
    for forged in [text.replacen("\"price\":\"0.89 USD\"", "\"price\":\"0.01 USD\"", 1), of_another_register, "{}".to_owned()] {
        assert_ne!(forged, text);
        let answer = shop.exchange("PUT", &path(&good), &shop.one.headers(), &forged);
        assert_eq!(refusal(&answer), (422, ProblemKind::Invalid), "{forged}");
    }
    assert_eq!(upload(&shop, &shop.one, &good).status, 201, "its key is free");
    assert!(shop.channel.record(&Upload { id: good.id, canonical: text }).is_ok());
}

fn upload(shop: &Shop, device: &Activated, transaction: &Transaction) -> Answer {
    shop.exchange("PUT", &path(transaction), &device.headers(), &transaction.canonical())
}

fn path(transaction: &Transaction) -> String {
    format!("/v1/transactions/{}", transaction.id)
}
