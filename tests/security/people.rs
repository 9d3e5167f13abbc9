//! Sessions: where they are good, and when they end.

use evertill::channel::ChannelDatabase;
use evertill::ids::OperatorId;
use evertill::protocol::{ProblemKind, Resumed, SignedIn};

use super::fixture::PIN;
use super::{JSON, Shop, refusal};

const ENDED: (u16, ProblemKind) = (401, ProblemKind::Session);

#[test]
fn a_session_is_good_at_its_register_until_it_ends() {
    let shop = Shop::open();
    let answer = shop.sign_in(&shop.one, "000160", PIN);
    let SignedIn { operator, session } = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(operator.id, OperatorId::from("000160"));
    assert_eq!(shop.look_up(&shop.one.headers_in(&session)).status, 200);
    assert_eq!(refusal(&shop.look_up(&shop.two.headers_in(&session))), ENDED, "at another register");
    assert_eq!(refusal(&shop.look_up(&shop.one.headers_in(&shop.one.token))), ENDED, "a device's token");

    let sign_off = |headers: &str| shop.exchange("POST", "/v1/sessions/end", headers, "");
    assert_eq!(refusal(&sign_off(&shop.two.headers_in(&session))), ENDED, "another register cannot end it");
    assert_eq!(sign_off(&shop.one.headers_in(&session)).status, 204);
    assert_eq!(refusal(&shop.look_up(&shop.one.headers_in(&session))), ENDED, "after the sign-off");
    assert_eq!(refusal(&sign_off(&shop.one.headers_in(&session))), ENDED, "the sign-off again");
}

#[test]
fn a_session_lasts_twelve_hours_and_a_restart() {
    let mut shop = Shop::open();
    let session = shop.session(&shop.one, "000160");
    shop.restart();
    shop.minutes_pass(12 * 60 - 1);
    assert_eq!(shop.look_up(&shop.one.headers_in(&session)).status, 200);
    shop.minutes_pass(1);
    assert_eq!(refusal(&shop.look_up(&shop.one.headers_in(&session))), ENDED);
}

#[test]
fn whoever_does_not_work_here_any_more_is_out_at_once() {
    let shop = Shop::open();
    let session = shop.session(&shop.one, "000160");
    assert_eq!(shop.look_up(&shop.one.headers_in(&session)).status, 200);
    let mut without = super::shop();
    without.staff.retain(|member| member.operator.id != OperatorId::from("000160"));
    shop.channel.load(&without).unwrap();
    assert_eq!(refusal(&shop.look_up(&shop.one.headers_in(&session))), ENDED);
    assert_eq!(refusal(&resume(&shop, "000160")), ENDED);
}

#[test]
fn a_device_vouches_for_whom_it_signed_in_offline() {
    let shop = Shop::open();
    let answer = resume(&shop, "000160");
    let Resumed { session } = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(shop.look_up(&shop.one.headers_in(&session)).status, 200);
    assert_eq!(refusal(&resume(&shop, "nobody")), ENDED);
    assert_eq!(refusal(&resume(&shop, &"9".repeat(1_000))), ENDED);
    shop.channel.deactivate(&shop.one.register).unwrap();
    assert_eq!(refusal(&resume(&shop, "000160")), (401, ProblemKind::Device));
}

fn resume(shop: &Shop, operator: &str) -> super::Answer {
    let body = serde_json::json!({ "operator": operator }).to_string();
    shop.exchange("POST", "/v1/sessions/resume", &format!("{}{JSON}", shop.one.headers()), &body)
}
