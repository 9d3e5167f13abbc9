//! The connection status window in all its states, as it is drawn.

use chrono::TimeDelta;
use evertill::clock::Clock;
use evertill::desk::Question;
use evertill::till::{Activity, DownloadStatus, JobStatus, Problem};
use evertill::ui::layout::Layout;
use evertill::ui::snapshot::snapshot;
use evertill::ui::theme::Theme;
use evertill::ui::{FromTill, Screen};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::shop::Shop;

const SIZES: [(u16, u16); 2] = [(80, 24), (100, 30)];

/// Plays the script up to the window and compares what then stands on the screen, at its top and at its end.
fn shows(name: &str, shop: &mut Shop, script: &str) {
    let (view, prompt) = shop.view(script);
    for (width, height) in SIZES {
        for end in ["top", "end"] {
            let mut screen = Screen::new(Theme::Dark, Layout::built_in());
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            screen.till(FromTill::Shown { view: view.clone(), question: Some(Question { serial: 1, prompt: prompt.clone() }) });
            terminal.draw(|frame| screen.draw(frame, shop.clock.now())).unwrap();
            if end == "end" {
                screen.input(Event::Key(KeyEvent::new(KeyCode::End, KeyModifiers::NONE)));
                terminal.draw(|frame| screen.draw(frame, shop.clock.now())).unwrap();
            }
            insta::assert_snapshot!(format!("window_{name}_{end}_{width}x{height}"), snapshot(terminal.backend().buffer()));
        }
    }
}

/// A register whose packages have come.
fn supplied(change: impl FnOnce(&mut DownloadStatus)) -> Shop {
    let shop = Shop::open();
    let at = shop.clock.now();
    let done = || JobStatus { at: at - TimeDelta::minutes(3), problem: None };
    let mut status = DownloadStatus {
        activity: Activity::Idle,
        version: Some(41),
        bytes: Some(3 << 20),
        made_at: Some(at - TimeDelta::minutes(4)),
        confirmed_at: None,
        looked: Some((at - TimeDelta::seconds(20), None)),
        pending: 0,
        jobs: [(1040, done()), (1060, done()), (9999, done())].into(),
        remark: None,
    };
    change(&mut status);
    shop.database.lock().unwrap().status = status;
    shop
}

fn refused() -> Problem {
    Problem {
        why: "the manifest is not signed by headquarters".to_owned(),
        hint: "activate the device again if headquarters has a new key; else find out who stands between".to_owned(),
    }
}

#[test]
fn every_state_of_the_window_looks_as_it_should() {
    shows("online", &mut supplied(|_| ()), "917");
    shows("offline_by_time_out", &mut supplied(|_| ()), "road hangs; scan cola; 206; 917");
    shows("offline_by_hand_in_mid_sale", &mut supplied(|_| ()), "scan cola; 917; yes; 917");
    shows("downloading", &mut supplied(|status| (status.activity, status.pending) = (Activity::UnderWay, 2)), "917");
    shows("paused", &mut supplied(|status| status.activity = Activity::Paused), "917");
    let refused_package = |status: &mut DownloadStatus| {
        let (at, _) = status.looked.clone().unwrap();
        status.looked = Some((at, Some(refused())));
        status.jobs.insert(1020, JobStatus { at, problem: Some(refused()) });
    };
    shows("package_refused", &mut supplied(refused_package), "917");
    shows("headquarters_away", &mut supplied(|_| ()), "road away; 520; type 6035220001234567; answered; 917");
}

#[test]
fn a_register_without_an_offline_database_says_why() {
    let mut first_day = Shop::closed();
    first_day.database.lock().unwrap().open = false;
    first_day.database.lock().unwrap().status = DownloadStatus::default();
    first_day.start();
    shows("blocked", &mut first_day, "sign 000160; road down; scan cola; 917");

    let mut online_only = Shop::closed();
    online_only.online_only = true;
    online_only.database.lock().unwrap().status = DownloadStatus { activity: Activity::OnlineOnly, ..DownloadStatus::default() };
    online_only.start();
    shows("online_only", &mut online_only, "sign 000160; scan cola; road down; scan bread; 917");
}

#[test]
fn a_purge_that_failed_is_another_fact_than_an_upload_that_succeeded() {
    let mut shop = supplied(|_| ());
    shop.play("scan cola; 206; sent; 701");
    shop.uploads.lock().unwrap().status.last_success = Some(shop.clock.now());
    shop.uploads.lock().unwrap().status.last_attempt = Some(shop.clock.now());
    shop.break_purging();
    shows("purge_failed", &mut shop, &format!("{}; sign 000160; 917", ["wait 86400"; 31].join("; ")));
}
