//! The fiscal unit: what fails in it keeps nobody from being paid, and is never passed over in silence.

use evertill::retail::transaction::{Event, Signing};

use super::shop::Shop;

const PULLED_OUT: &str = "the signing unit does not answer: it was pulled out";

fn signing_events(shop: &Shop) -> Vec<Event> {
    let is_about_it = |event: &Event| matches!(event, Event::SigningFailed { .. } | Event::SigningResumed);
    shop.events().into_iter().filter(is_about_it).collect()
}

fn failed() -> Event {
    Event::SigningFailed { cause: PULLED_OUT.to_owned() }
}

#[test]
fn a_unit_that_dies_in_mid_sale_keeps_nobody_from_being_paid() {
    let mut shop = Shop::open();
    shop.play("scan cola; 206; scan cola");
    *shop.signing.lock().unwrap() = Some("it was pulled out");
    let (view, _) = shop.view("206");
    assert!(view.change_due.is_some() && view.header.unsigned);
    assert_eq!(view.notice.as_ref().map(|notice| notice.text.as_str()), Some(PULLED_OUT));
    assert_eq!(shop.play("scan cola; 206"), "welcome | 343-1-000003: 1.00, given 1.00, change 0.00", "it is told once");
    *shop.signing.lock().unwrap() = None;
    assert_eq!(
        shop.play("scan cola; 206"),
        "welcome | 343-1-000004: 1.00, given 1.00, change 0.00 | ! the signing unit works again · receipts are signed again"
    );
    assert!(!shop.view("scan cola").0.header.unsigned);

    shop.verify();
    assert_eq!(signing_events(&shop), [failed(), Event::SigningResumed]);
    let says_failed = |signing: Option<Signing>| signing == Some(Signing::Failed);
    let sales: Vec<bool> = shop.sales().into_iter().map(|sale| says_failed(sale.signing)).collect();
    assert_eq!(sales, [false, true, true, false]);
    let unsigned = shop.records().into_iter().filter(|record| says_failed(record.signing.clone())).count();
    assert_eq!(unsigned, 3, "two sales, and the event that says so");
}

#[test]
fn a_restart_neither_hides_that_the_unit_has_failed_nor_tells_it_again() {
    let mut shop = Shop::open();
    *shop.signing.lock().unwrap() = Some("it was pulled out");
    shop.play("scan cola; 500; yes; scan cola; kill; sign 000160");
    assert!(shop.view("scan cola").0.header.unsigned);
    assert_eq!(signing_events(&shop), [failed()]);
    *shop.signing.lock().unwrap() = None;
    shop.kill();
    shop.play("sign 000160");
    assert_eq!(signing_events(&shop), [failed(), Event::SigningResumed]);
    shop.verify();
}
