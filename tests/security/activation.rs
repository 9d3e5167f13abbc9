//! 707 and 708 at the scale unit: what headquarters says, and what is kept of it.

use std::sync::{Arc, Mutex};

use evertill::channel::{Channel, ChannelDatabase, ChannelError, DeviceStatus, ErrorKind, Refusal, Result, Upload};
use evertill::ids::RegisterId;
use evertill::package::Report;
use evertill::protocol::ProblemKind;
use evertill::realtime::{self, Activation, Headquarters, Taken};
use evertill::retail::gift_card::GiftCard;
use evertill::retail::register::Numbers;
use evertill::secret::Secret;

use super::device::Activated;
use super::fixture::{sale, usd};
use super::{Answer, JSON, Shop, refusal};

/// What headquarters answers here: one code for register 1, one gift card.
#[derive(Default)]
struct Ledger {
    used: Mutex<bool>,
    is_away: Mutex<bool>,
    released: Mutex<Vec<(RegisterId, String)>>,
}

impl Ledger {
    fn reached(&self) -> Result<()> {
        if *self.is_away.lock().unwrap() { Err(ChannelError::new(ErrorKind::HeadquartersAway, "no answer")) } else { Ok(()) }
    }
}

impl Headquarters for Ledger {
    fn activate(&self, activation: &Activation) -> Result<realtime::Activated> {
        self.reached()?;
        let mut used = self.used.lock().unwrap();
        if *used || activation.code != Secret::new("good code") {
            return Err(ChannelError::refused(Refusal::Invalid, "the activation code is wrong, used or too old"));
        }
        *used = true;
        let register = RegisterId { store: "343".to_owned(), number: 1 };
        let numbers = Numbers { sequence: 40, receipt: 1, shift: 3 };
        let (token, pin_key) = (Secret::random(), Secret::random());
        Ok(realtime::Activated { register, token, pin_key, headquarters_key: "00".repeat(32), numbers })
    }

    fn deactivate(&self, register: &RegisterId, device: &str) -> Result<()> {
        self.reached()?;
        self.released.lock().unwrap().push((register.clone(), device.to_owned()));
        Ok(())
    }

    fn gift_card(&self, number: &str) -> Result<Option<GiftCard>> {
        self.reached()?;
        Ok((number == "9001/1").then(|| GiftCard { number: number.to_owned(), balance: usd("25.00") }))
    }

    fn take(&self, _: &[Upload]) -> Result<Vec<Taken>> {
        Ok(Vec::new())
    }

    fn report(&self, _: &[Report]) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_code_makes_a_device_a_register_once() {
    let shop = Shop::with(Some(Arc::new(Ledger::default())));
    shop.channel.record(&Upload { id: sale(1, 7).id, canonical: sale(1, 7).canonical() }).unwrap();
    assert_eq!(refusal(&activate(&shop, "bad code", "new-till")), (422, ProblemKind::Invalid));
    let answer = activate(&shop, "good code", "new-till");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let given: realtime::Activated = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(given.numbers, Numbers { sequence: 40, receipt: 7, shift: 3 }, "the highest known on either side");
    let device = Activated { device: "new-till".to_owned(), token: given.token, register: given.register };
    assert_eq!(shop.ask(&device.headers()).status, 200);
    assert_eq!(refusal(&shop.ask(&shop.one.headers())), (401, ProblemKind::Device), "the device before it");
    assert_eq!(refusal(&activate(&shop, "good code", "new-till")), (422, ProblemKind::Invalid), "the code again");
    assert_eq!(shop.ask(&device.headers()).status, 200);
}

#[test]
fn codes_cannot_be_tried_one_after_another() {
    let shop = Shop::with(Some(Arc::new(Ledger::default())));
    for _ in 0..10 {
        assert_eq!(refusal(&activate(&shop, "bad code", "till")), (422, ProblemKind::Invalid));
    }
    assert_eq!(refusal(&activate(&shop, "good code", "till")), (429, ProblemKind::Busy));
    shop.minutes_pass(1);
    assert_eq!(activate(&shop, "good code", "till").status, 200);
}

#[test]
fn activations_that_are_not_refused_do_not_count() {
    let ledger = Arc::new(Ledger::default());
    let shop = Shop::with(Some(Arc::clone(&ledger) as _));
    for _ in 0..70 {
        *ledger.used.lock().unwrap() = false;
        assert_eq!(activate(&shop, "good code", "till").status, 200);
        *ledger.is_away.lock().unwrap() = true;
        assert_eq!(refusal(&activate(&shop, "good code", "till")), (503, ProblemKind::HeadquartersAway));
        *ledger.is_away.lock().unwrap() = false;
    }
}

#[test]
fn what_is_no_activation_is_refused_before_headquarters_hears_of_it() {
    let shop = Shop::open();
    for (code, device) in
        [("", "till"), ("good code", ""), ("good code", "till\n1"), ("good code", &"t".repeat(65)), (&"c".repeat(200), "till")]
    {
        assert_eq!(refusal(&activate(&shop, code, device)), (422, ProblemKind::Invalid), "{code:?} {device:?}");
    }
}

#[test]
fn headquarters_that_is_away_is_named() {
    let ledger = Arc::new(Ledger::default());
    *ledger.is_away.lock().unwrap() = true;
    let shop = Shop::with(Some(Arc::clone(&ledger) as _));
    let in_session = shop.one.headers_in(&shop.session(&shop.one, "000160"));
    let away = (503, ProblemKind::HeadquartersAway);
    assert_eq!(refusal(&activate(&shop, "good code", "till")), away);
    assert_eq!(refusal(&shop.exchange("GET", "/v1/gift-cards/1", &in_session, "")), away);
    assert_eq!(refusal(&shop.exchange("POST", "/v1/devices/deactivate", &in_session, "")), away);
    assert_eq!(shop.ask(&shop.one.headers()).status, 200, "and the register is still one");
    *ledger.is_away.lock().unwrap() = false;
    let card: GiftCard = serde_json::from_str(&shop.exchange("GET", "/v1/gift-cards/9001%2F1", &in_session, "").body).unwrap();
    assert_eq!(card.balance, usd("25.00"));
    assert_eq!(refusal(&shop.exchange("GET", "/v1/gift-cards/1", &in_session, "")), (404, ProblemKind::NotFound));
}

#[test]
fn a_released_device_is_released_on_both_sides() {
    let ledger = Arc::new(Ledger::default());
    let shop = Shop::with(Some(Arc::clone(&ledger) as _));
    let session = shop.session(&shop.one, "000160");
    assert_eq!(shop.exchange("POST", "/v1/devices/deactivate", &shop.one.headers(), "null").status, 204);
    assert_eq!(*ledger.released.lock().unwrap(), [(shop.one.register.clone(), shop.one.device.clone())]);
    let kept = shop.channel.device(&shop.one.token.hash()).unwrap().unwrap();
    assert_eq!(kept.status, DeviceStatus::Deactivated);
    assert_eq!(shop.channel.session(&session.hash()), Ok(None), "who worked there is signed off");
    assert_eq!(refusal(&shop.exchange("POST", "/v1/devices/deactivate", &shop.one.headers(), "")), (401, ProblemKind::Device));
}

fn activate(shop: &Shop, code: &str, device: &str) -> Answer {
    let body = serde_json::json!({ "code": code, "device": device }).to_string();
    shop.exchange("POST", "/v1/devices/activate", JSON, &body)
}
