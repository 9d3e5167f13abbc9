//! 917 Database connection status, and selling through outages.

use std::sync::Arc;

use chrono::TimeDelta;
use evertill::clock::Clock;
use evertill::desk::{ConnectionStatus, Prompt};
use evertill::retail::transaction::Event;
use evertill::till::{Activity, DownloadStatus, JobStatus, Problem};
use evertill::view::{ConnectionView, Level};

use super::road::Condition;
use super::shop::{Shop, shows, shows_at};

#[test]
fn button_917_disconnects_and_connects() {
    shows(&[
        ("917", "welcome | ? Disconnect"),
        ("917; no", "welcome"),
        ("917; yes", "offline: disconnected by hand | welcome | ! offline: disconnected by hand · F12 connects again"),
        ("917; yes; 917", "offline: disconnected by hand | welcome | ? Connect"),
        ("917; yes; 917; yes", "welcome | ! online again · unsent sales are on their way"),
        ("917; yes; scan cola; 206; wait 4000; scan cola", "offline: disconnected by hand | COLA 1.00 | due 1.00"),
        (
            "scan cola; 917; yes",
            "offline: disconnected by hand | COLA 1.00 | due 1.00 | ! offline: disconnected by hand · F12 connects again",
        ),
        (
            "scan cola; 917; yes; 206; 917; yes",
            "welcome | 343-1-000001: 1.00, given 1.00, change 0.00 | ! online again · unsent sales are on their way",
        ),
        (
            "scan cola; 917; yes; 917",
            "offline: disconnected by hand | COLA 1.00 | due 1.00 | ? Connect ✗ Connecting waits until this sale is concluded or voided.",
        ),
        (
            "scan cola; 917; yes; 917; yes",
            "offline: disconnected by hand | COLA 1.00 | due 1.00 | ! a sale is in progress · conclude, suspend or void it first",
        ),
        (
            "917; yes; road down; 917; yes",
            "offline: disconnected by hand | welcome | ! the scale unit does not answer; still offline · go on selling; F12 tries again",
        ),
        (
            "917; yes; road hangs; 917; yes",
            "offline: disconnected by hand | welcome | ! the scale unit does not answer; still offline · go on selling; F12 tries again",
        ),
    ]);
}

#[test]
fn a_scale_unit_that_does_not_answer_costs_one_request() {
    shows(&[
        (
            "road down; scan cola",
            "offline: nobody listens at the scale unit's address | COLA 1.00 | due 1.00 | ! offline: nobody listens at the scale unit's address · go on selling; nothing is lost",
        ),
        (
            "road hangs; scan cola",
            "offline: no answer within 1.0 s | COLA 1.00 | due 1.00 | ! offline: no answer within 1.0 s · go on selling; nothing is lost",
        ),
        (
            "scan bread; road down; scan cola; 206",
            "offline: nobody listens at the scale unit's address | welcome | 343-1-000001: 3.30, given 3.30, change 0.00",
        ),
        ("road down; scan nope", "offline: nobody listens at the scale unit's address | welcome | ! nope not found · F2 searches by name"),
        ("road broken; scan cola", "welcome | ! the scale unit answered with an error · try again; F12 disconnects and goes on offline"),
        ("scan cola; road broken; 206", "welcome | 343-1-000001: 1.00, given 1.00, change 0.00"),
        ("road slow 900; scan cola", "COLA 1.00 | due 1.00"),
    ]);
}

#[test]
fn the_way_back_is_taken_between_sales_after_the_interval() {
    shows(&[
        (
            "road down; scan cola; road up; wait 299; 206; scan cola",
            "offline: nobody listens at the scale unit's address | COLA 1.00 | due 1.00",
        ),
        (
            "road down; scan cola; road up; wait 300; scan cola",
            "offline: nobody listens at the scale unit's address | COLA 2×1.00 = 2.00 | due 2.00",
        ),
        (
            "road down; scan cola; road up; wait 300; 206; scan cola",
            "COLA 1.00 | due 1.00 | ! online again · unsent sales are on their way",
        ),
        (
            "road down; scan cola; wait 300; 206; scan cola; wait 200; 206; road up; scan cola",
            "offline: nobody listens at the scale unit's address | COLA 1.00 | due 1.00",
        ),
        (
            "road down; scan nope; road up; wait 300; 108; find cola; pick cola",
            "COLA 1.00 | due 1.00 | ! online again · unsent sales are on their way",
        ),
        (
            "road down; scan cola; 206; road up; 917; yes",
            "welcome | 343-1-000001: 1.00, given 1.00, change 0.00 | ! online again · unsent sales are on their way",
        ),
    ]);
}

#[test]
fn a_sale_goes_on_over_a_switch_with_all_it_has() {
    shows(&[
        (
            "scan taxed; 104; type 9; 301; type 10; 200; type 1; road down; scan bread",
            "offline: nobody listens at the scale unit's address | TAXED 1×9.00* -0.90 = 8.10 | BREAD 2.30 | Cash 1.00 | due 10.05 | ! offline: nobody listens at the scale unit's address · go on selling; nothing is lost",
        ),
        (
            "scan taxed; road down; scan bread; 917; no; 206",
            "offline: nobody listens at the scale unit's address | welcome | 343-1-000001: 13.10, given 13.10, change 0.00",
        ),
        (
            "scan cola; cut",
            "offline: the connection was cut | COLA 1.00 | due 1.00 | ! offline: the connection was cut · go on selling; nothing is lost",
        ),
        ("scan cola; cut; scan bread", "offline: the connection was cut | COLA 1.00 | BREAD 2.30 | due 3.30"),
        ("road up; cut; wait 300; scan cola", "COLA 1.00 | due 1.00 | ! online again · unsent sales are on their way"),
    ]);
}

#[test]
fn a_product_that_only_the_scale_unit_knows_is_not_found_offline_and_drops_no_line() {
    shows_at(
        || {
            let shop = Shop::open();
            shop.offline.set(Condition::Without("bread".to_owned()));
            shop
        },
        &[(
            "scan cola; 917; yes; scan bread",
            "offline: disconnected by hand | COLA 1.00 | due 1.00 | ! bread not found · F2 searches by name",
        )],
    );
}

/// No offline database yet.
fn first_day() -> Shop {
    let mut shop = Shop::with(|_, _| {});
    shop.database.lock().unwrap().open = false;
    shop.start();
    shop.play("sign 000160");
    shop
}

#[test]
fn without_an_offline_database_the_register_waits_for_the_scale_unit() {
    shows_at(
        first_day,
        &[
            (
                "road down; scan cola",
                "blocked: nobody listens at the scale unit's address, no offline database yet | welcome | ! nobody listens at the scale unit's address · there is no offline database yet; try again when the scale unit is back",
            ),
            ("road down; scan cola; road up; scan cola", "COLA 1.00 | due 1.00"),
            ("917; yes", "welcome | ! there is no usable offline database · stay connected until the first download is complete"),
            (
                "road down; scan cola; 917",
                "blocked: nobody listens at the scale unit's address, no offline database yet | welcome | ? Disconnect",
            ),
            (
                "road down; scan cola; 917; yes",
                "blocked: nobody listens at the scale unit's address, no offline database yet | welcome | ! there is no usable offline database · stay connected until the first download is complete",
            ),
            ("scan cola; road down; 206", "welcome | 343-1-000001: 1.00, given 1.00, change 0.00"),
            ("unfetched the disk is full", "welcome | ! offline data: the disk is full · it is tried again"),
        ],
    );
}

#[test]
fn the_first_offline_database_ends_the_waiting_in_mid_sale_too() {
    let mut shop = first_day();
    shop.play("scan cola; road down; scan bread");
    shop.database.lock().unwrap().waiting = true;
    let refused = "nobody listens at the scale unit's address";
    assert_eq!(shop.play("fetched; scan bread"), format!("offline: {refused} | COLA 1.00 | BREAD 2.30 | due 3.30"));
}

#[test]
fn before_the_sign_in_there_is_no_switch() {
    shows_at(Shop::closed, &[("917", "sign in | ! nobody has signed in · sign in first; then F12 switches")]);
}

#[test]
fn where_the_profile_says_so_there_is_one() {
    shows_at(
        || Shop::with(|_, profile| profile.offline.manual_switch_before_sign_in = true),
        &[
            ("917", "sign in | ? Disconnect"),
            ("917; no", "sign in"),
            ("917; yes", "offline: disconnected by hand | sign in | ! offline: disconnected by hand · F12 connects again"),
            ("917; yes; sign 000160", "offline: disconnected by hand | welcome | ! ready · scan the first product, F2 searches, F1 helps"),
            ("917; yes; 917; yes", "sign in | ! online again · unsent sales are on their way"),
            ("917; yes; sign 000160; 917; yes", "welcome | ! online again · unsent sales are on their way"),
            ("206", "sign in | ! nobody has signed in · operator number, Enter, PIN, Enter"),
            ("917; yes; kill; sign 000160", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
        ],
    );
}

#[test]
fn disconnected_by_hand_it_stays_so_over_a_restart() {
    shows(&[
        ("917; yes; kill", "offline: disconnected by hand | sign in | ! offline: disconnected by hand · F12 connects again"),
        ("917; yes; kill; sign 000160; scan cola; 206; wait 4000; scan cola", "offline: disconnected by hand | COLA 1.00 | due 1.00"),
        (
            "917; yes; 701; kill; sign 000160; kill; sign 000161",
            "offline: disconnected by hand | welcome | ! ready · scan the first product, F2 searches, F1 helps",
        ),
        ("917; yes; 917; yes; kill; sign 000160", "welcome | ! ready · scan the first product, F2 searches, F1 helps"),
        (
            "scan cola; 917; yes; kill; sign 000160; 206; 917; yes",
            "welcome | 343-1-000001: 1.00, given 1.00, change 0.00 | ! online again · unsent sales are on their way",
        ),
    ]);
}

#[test]
fn a_sale_that_went_on_offline_ends_offline_over_a_restart_too() {
    shows(&[
        (
            "road down; scan cola; kill; road up; sign 000160",
            "offline: nobody listens at the scale unit's address | COLA 1.00 | due 1.00 | ! the sale of 1.00 that was in hand is back · go on where it stopped",
        ),
        (
            "road hangs; scan cola; kill; road up; sign 000160; scan bread; 206; wait 299; scan cola",
            "offline: no answer within 1.0 s | COLA 1.00 | due 1.00",
        ),
        (
            "road hangs; scan cola; kill; road up; sign 000160; scan bread; 206; wait 300; scan cola",
            "COLA 1.00 | due 1.00 | ! online again · unsent sales are on their way",
        ),
        ("road down; scan cola; 206; kill; road up; sign 000160; scan cola", "COLA 1.00 | due 1.00"),
        ("scan cola; kill; sign 000160; scan bread", "COLA 1.00 | BREAD 2.30 | due 3.30"),
    ]);
}

#[test]
fn every_switch_is_noted_with_its_cause_once() {
    let switches = |shop: &Shop| {
        let switches = shop.events().into_iter().filter_map(|event| {
            if let Event::WentOffline { cause } = event { Some(cause) } else { (event == Event::WentOnline).then(|| "online".to_owned()) }
        });
        switches.collect::<Vec<_>>()
    };
    let (refused, by_hand) = ("nobody listens at the scale unit's address", "disconnected by hand");
    for (script, expected) in [
        ("sign 000160; scan cola", vec![]),
        ("sign 000160; 917; yes; 917; yes", vec![by_hand, "online"]),
        ("sign 000160; road down; scan cola; scan cola; 206; scan cola", vec![refused]),
        ("road down; sign 000160", vec![refused]),
        ("road down; sign 000160; kill; road up; sign 000160", vec![refused, "online"]),
        ("road down; sign 000160; scan cola; kill; road up; sign 000160; 206", vec![refused]),
        ("sign 000160; 917; yes; kill; sign 000160; kill; sign 000160", vec![by_hand]),
        ("sign 000160; 917; yes; 701; sign 000161", vec![by_hand]),
        ("sign 000160; 917; yes; kill; sign 000160; 917; yes; kill; sign 000160", vec![by_hand, "online"]),
        // The manager's signature finds the road cut; what he signed for then holds by hand.
        ("sign 200; 917; yes; road down; sign 000110; kill; road up; sign 000160", vec![refused, by_hand]),
    ] {
        let mut shop = Shop::closed();
        shop.play(script);
        assert_eq!(switches(&shop), expected, "{script}");
        shop.verify();
    }
}

#[test]
fn records_say_whether_the_register_was_offline() {
    let mut shop = Shop::open();
    shop.play("scan cola; 206; road down; scan cola; 206; scan cola; 206; road up; wait 300; scan cola; 206");
    let sales = shop.sales();
    assert_eq!(sales.iter().map(|sale| sale.offline).collect::<Vec<_>>(), [false, true, true, false]);
    assert_eq!(sales.iter().map(|sale| sale.receipt).collect::<Vec<_>>(), [Some(1), Some(2), Some(3), Some(4)]);
}

#[test]
fn offline_no_request_leaves_the_register() {
    let mut shop = Shop::open();
    shop.play("road hangs; scan cola");
    assert_eq!(shop.road.take_requests(), 2, "the sign-in, and the one that hung");
    shop.play("scan bread; 206; scan cola; 108; find ham; pick ham; type 1; 703; sign 000160; 206; 701; sign 000161");
    assert_eq!(shop.road.take_requests(), 0);
}

#[test]
fn the_uploads_go_on_exactly_while_the_scale_unit_answers() {
    let told = |mut shop: Shop, script: &str| {
        shop.play(script);
        shop.uploads.lock().unwrap().online.clone()
    };
    for (script, expected) in [
        ("scan cola; 206", &[][..]),
        ("917; yes; 917; yes", &[false, true]),
        ("road down; scan cola; road up; wait 300; 206; scan cola", &[false, true]),
        // They stop by themselves when they find nobody, and go on only when they are told to.
        ("cut; scan cola", &[]),
        ("cut; wait 300; scan cola", &[true]),
        ("917; yes; kill", &[false, false]),
    ] {
        assert_eq!(told(Shop::open(), script), expected, "{script}");
    }
    assert_eq!(told(first_day(), "cut; scan cola"), [true], "no switch, but an answer");
    let stale = "road down; scan cola; 206; road up; wait 400; scan cola; cut_of_before";
    assert_eq!(told(Shop::open(), &stale.replace("cut_of_before", "cut 1")), [false, true, true], "a failure from before the switch");
}

#[test]
fn a_merely_slow_scale_unit_is_left_where_the_profile_says_so() {
    let advanced = || {
        let mut shop = Shop::with(|_, profile| profile.offline.advanced_switching = true);
        shop.play("sign 000160");
        shop
    };
    let mut shop = advanced();
    assert_eq!(shop.play("road slow 500; scan cola; scan bread"), "COLA 1.00 | BREAD 2.30 | due 3.30");
    let slow = "offline: 3 requests in a row over 400 ms";
    let seen = shop.play("scan soap");
    assert!(seen.starts_with(slow) && seen.contains("SOAP 1.50"), "{seen}");
    let mut plain = Shop::open();
    assert_eq!(plain.play("road slow 500; scan cola; scan cola; scan cola; scan cola"), "COLA 4×1.00 = 4.00 | due 4.00");
}

/// Lets deadlines come until the health check's answer has arrived from its thread.
fn until(shop: &mut Shop, is_there: impl Fn(&ConnectionView) -> bool) -> Arc<evertill::view::View> {
    for _ in 0..1_000_000 {
        let (view, _) = shop.view("deadline");
        if is_there(&view.header.connection) {
            return view;
        }
        std::thread::yield_now();
    }
    panic!("the health check told nothing")
}

#[test]
fn a_health_check_notices_an_outage_before_the_cashier_does() {
    let mut shop = Shop::with(|_, profile| profile.offline.advanced_switching = true);
    shop.play("sign 000160; road down; wait 59; deadline");
    assert_eq!(shop.road.take_requests(), 1, "the sign-in: it is not time yet");
    shop.play("wait 1");
    let view = until(&mut shop, |connection| matches!(connection, ConnectionView::Offline { .. }));
    assert_eq!(view.notice.as_ref().map(|notice| notice.text.as_str()), Some("offline: nobody listens at the scale unit's address"));
    assert!(shop.events().contains(&Event::WentOffline { cause: "nobody listens at the scale unit's address".to_owned() }));
    // And its end: the next sale begins online although the interval has not passed.
    shop.play("road up; wait 60");
    let now = evertill::clock::Clock::now(&*shop.clock);
    until(&mut shop, |connection| matches!(connection, ConnectionView::Offline { next_try: Some(at), .. } if *at <= now));
    assert_eq!(shop.play("scan cola"), "COLA 1.00 | due 1.00 | ! online again · unsent sales are on their way");
}

#[test]
fn without_advanced_switching_nothing_is_asked_in_the_background() {
    let mut shop = Shop::open();
    shop.play("wait 100; deadline; wait 100; deadline");
    assert_eq!(shop.road.take_requests(), 1, "the sign-in");
}

#[test]
fn the_window_tells_what_there_is_to_know() {
    let mut shop = Shop::open();
    let (_, prompt) = shop.view("scan cola; road down; scan bread; 206; 917");
    let Prompt::ConnectionStatus(status) = prompt else { panic!("{prompt:?}") };
    assert_eq!(
        rows(&status),
        [
            "Connection",
            "State! offline since 19:00:00",
            "Because: nobody listens at the scale unit's address",
            "Next try: at the next sale after 19:05:00",
            "Switches: 1",
            "Last switch: 19:00:00 offline: nobody listens at the scale unit's address",
            "Headquarters: not asked yet",
            "Register: 343-1",
            "Device: till-1",
            "Unsent",
            "Sales: 1",
            "Other records: 3",
            "Set aside: 0",
            "Oldest: 19:00:00",
            "Last upload: none yet",
            "Last purge: 19:00:00 succeeded",
            "Offline database",
            "Version: 7",
            "Packages: wait until the register is online",
            "Downloads by job",
            "1010 Customers: None",
            "1020 Prices: None",
            "1040 Products: None",
            "1050 Loyalty: None",
            "1060 Staff: None",
            "1070 Channel: None",
            "1080 Tax: None",
            "1090 Registers: None",
            "1110 Global: None",
            "9999 All of it: None",
        ]
    );
}

#[test]
fn the_window_tells_of_packages_and_of_headquarters() {
    let mut shop = Shop::open();
    let problem = Problem { why: "the signature is not headquarters'".to_owned(), hint: "tell headquarters".to_owned() };
    let at = shop.clock.now();
    shop.database.lock().unwrap().status = DownloadStatus {
        activity: Activity::UnderWay,
        version: Some(8),
        bytes: Some(3 << 20),
        made_at: Some(at - TimeDelta::hours(5)),
        confirmed_at: None,
        looked: Some((at, Some(problem.clone()))),
        pending: 2,
        jobs: [(1040, JobStatus { at, problem: None }), (1060, JobStatus { at, problem: Some(problem) })].into(),
        remark: Some("a broken one was set aside".to_owned()),
    };
    let (_, prompt) = shop.view("road away; 520; type 6035220001234567; answered; 917");
    let Prompt::ConnectionStatus(status) = prompt else { panic!("{prompt:?}") };
    let rows = rows(&status);
    for wanted in [
        "State: online since the start",
        "Headquarters! did not answer 19:00:00",
        "Size: 3 MiB",
        "Prices: as of 03 Oct 14:00, 5 h old",
        "Packages: under way, 2 pending",
        "Last look! 19:00:00 failed: the signature is not headquarters'",
        "What to do: tell headquarters",
        "Remark! a broken one was set aside",
        "1040 Products: 19:00:00 Succeeded",
        "1060 Staff!! 19:00:00 Failed: the signature is not headquarters'",
    ] {
        assert!(rows.iter().any(|row| row == wanted), "{wanted}\n{rows:#?}");
    }
    let fetches = shop.database.lock().unwrap().fetches;
    assert_eq!(fetches, 2, "at the sign-in, and as the window was opened");
}

/// The window's rows as text: a warning has `!`, an error `!!`.
fn rows(status: &ConnectionStatus) -> Vec<String> {
    let mut rows = Vec::new();
    for section in &status.sections {
        rows.push(section.title.clone());
        rows.extend(section.facts.iter().map(|fact| {
            let sign = match fact.level {
                Level::Info => ":",
                Level::Warning => "!",
                Level::Error => "!!",
            };
            format!("{}{sign} {}", fact.name, fact.value)
        }));
    }
    rows
}

#[test]
fn what_headquarters_knows_is_asked_there_and_a_card_is_shown_by_its_last_digits() {
    let away = "headquarters does not answer";
    let hint = "sales go on; try this again later";
    shows(&[
        ("520", "welcome | ? Gift card balance"),
        ("520; type 6035220001234567; answered", "welcome | ? Card ••••••••••••4567, Balance 25.00, As of 19:00:00"),
        ("520; type 6035220001234567; answered; no", "welcome"),
        ("520; type 12345; answered", "welcome | ! headquarters knows no gift card •2345 · read its number again"),
        ("road away; 520; type 6035220001234567; answered", &format!("welcome | ! {away} · {hint}")),
        ("road away; 520; type 6035220001234567; answered; scan cola; 206", "welcome | 343-1-000001: 1.00, given 1.00, change 0.00"),
        ("road stuck; 520; type 6035220001234567", "welcome | ? Gift card balance: headquarters is being asked"),
        ("road stuck; scan cola; 520; type 6035220001234567; no; scan bread", "COLA 1.00 | BREAD 2.30 | due 3.30"),
        ("road stuck; 520; type 6035220001234567; wait 9; deadline", "welcome | ? Gift card balance: headquarters is being asked"),
        ("road stuck; 520; type 6035220001234567; wait 10; deadline", &format!("welcome | ! {away}: no answer within 10.0 s · {hint}")),
        (
            "917; yes; 520",
            "offline: disconnected by hand | welcome | ! Gift card balance is not possible offline · F12 connects to the scale unit again",
        ),
        (
            "road down; 520; type 6035220001234567; answered",
            "offline: nobody listens at the scale unit's address | welcome | ! Gift card balance is not possible offline · F12 connects to the scale unit again",
        ),
    ]);
}

#[test]
fn a_register_keeps_its_database_when_the_newer_one_does_not_open() {
    let mut shop = Shop::open();
    {
        let mut database = shop.database.lock().unwrap();
        (database.waiting, database.broken) = (true, Some("it is damaged"));
    }
    assert_eq!(shop.play("917; yes; fetched; scan cola"), "offline: disconnected by hand | COLA 1.00 | due 1.00",);
}

#[test]
fn a_database_that_could_not_be_opened_when_it_came_is_opened_in_mid_sale_once_it_can_be() {
    let mut shop = Shop::open();
    shop.play("scan cola");
    {
        let mut database = shop.database.lock().unwrap();
        (database.open, database.waiting, database.broken) = (false, true, Some("the disk is full"));
    }
    shop.play("fetched; scan bread");
    assert_eq!(shop.database.lock().unwrap().swaps, 0);
    {
        let mut database = shop.database.lock().unwrap();
        (database.waiting, database.broken) = (true, None);
    }
    shop.play("scan bread");
    assert_eq!(shop.database.lock().unwrap().swaps, 1);
}

#[test]
fn a_locked_register_that_was_deactivated_and_has_no_data_of_its_own_opens_with_a_new_code() {
    let script = "scan cola; 703; road deactivated; sign 000160; road up; code good; sign 000160; scan bread";
    shows_at(online_only, &[(script, "COLA 1.00 | BREAD 2.30 | due 3.30")]);
}

#[test]
fn a_register_that_works_online_only_sells_nothing_without_its_scale_unit_and_loses_nothing() {
    let only = "works online only";
    let refused = "nobody listens at the scale unit's address";
    shows_at(
        online_only,
        &[
            ("917; yes", "welcome | ! this register works online only · headquarters sets Support offline to yes"),
            ("scan cola", "COLA 1.00 | due 1.00"),
            (
                "road down; scan cola",
                &format!(
                    "blocked: {refused}, {only} | welcome | ! {refused} · this register works online only; nothing is lost, go on when the scale unit is back"
                ),
            ),
            (
                "scan cola; road down; scan bread",
                &format!(
                    "blocked: {refused}, {only} | COLA 1.00 | due 1.00 | ! {refused} · this register works online only; nothing is lost, go on when the scale unit is back"
                ),
            ),
            (
                "scan cola; road down; scan bread; 206",
                &format!("blocked: {refused}, {only} | welcome | 343-1-000001: 1.00, given 1.00, change 0.00"),
            ),
            ("scan cola; road down; scan bread; road up; scan bread", "COLA 1.00 | BREAD 2.30 | due 3.30"),
        ],
    );
}

fn online_only() -> Shop {
    let mut shop = Shop::closed();
    shop.online_only = true;
    shop.start();
    shop.play("sign 000160");
    shop
}
