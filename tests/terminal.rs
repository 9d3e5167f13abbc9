//! The real program in a terminal, as a cashier meets it: from the first start to closing, in windows of any size, and while the network hangs.

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/terminal.rs"]
mod terminal;

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/sample.rs"]
mod sample;

use std::path::Path;
use std::time::{Duration, Instant};

use evertill::ids::RegisterId;
use evertill::road::{Condition, Road};
use regex::Regex;
use sample::Sample;
use terminal::{Start, Terminal, keys};

const CHEESE: &str = "2900008197659";
const PEPPERS: &str = "2900008198403";
const ORANGES: &str = "2900008201653";
const EGGS: &str = "2900008210839";

#[test]
fn a_log_at_its_most_talkative_holds_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("register");
    // With headquarters and scale unit in the same process, and the same log.
    let mut till = Start::register(&data).env("EVERTILL_LOG", "trace,ureq=trace,ureq_proto::util=trace").open();
    till.sign_in();
    till.type_in(keys::ALT_O);
    till.wait_for("logged off");
    till.type_in(keys::CTRL_Q);
    assert!(till.wait_for_end().success());
    let device = std::fs::read_to_string(data.join("device.json")).expect("an activated device");
    let device: serde_json::Value = serde_json::from_str(&device).expect("JSON");
    let log = terminal::log(&data);
    assert!(log.contains(" INFO ") && !log.contains("ureq"), "{log}");
    for secret in [&device["identity"]["token"], &device["identity"]["pin_key"], &"Bearer".into(), &"\"123\"".into()] {
        let secret = secret.as_str().expect("a text");
        assert!(!log.contains(secret), "{secret}");
    }
}

#[cfg(unix)]
#[test]
fn what_a_register_and_its_servers_keep_is_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            // A log's folder is closed, and its files are made by others.
            let mode = path.metadata().map_or(0, |about| about.permissions().mode() & 0o777);
            if mode & 0o077 != 0 && !path.parent().is_some_and(|folder| folder.ends_with("logs")) {
                found.push(format!("{mode:o} {}", path.display()));
            }
            if path.is_dir() {
                walk(&path, found);
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let data = folder.path().join("deep/register");
    sell_and_close(&data, &sample);
    let mut open = Vec::new();
    walk(folder.path(), &mut open);
    assert_eq!(open, Vec::<String>::new());
    let journal = data.join("journal.db");
    std::fs::set_permissions(&journal, PermissionsExt::from_mode(0o644)).expect("an older version's");
    sell_and_close(&data, &sample);
    walk(folder.path(), &mut open);
    assert_eq!(open, Vec::<String>::new(), "closed again");
}

fn sell_and_close(data: &Path, sample: &Sample) {
    let register = RegisterId { store: "343".to_owned(), number: 1 };
    let code = sample.chain.activation_code(data, &register).expect("headquarters");
    let start = Start::register(data).arg("--scale-unit", sample.url());
    let start = code.into_iter().fold(start, |start, code| start.env("EVERTILL_ACTIVATION_CODE", code.reveal()));
    let mut till = start.open();
    till.sign_in();
    till.wait_for_file(&data.join("offline.db"));
    till.enter(CHEESE);
    till.wait_for("NATURAL CHEESE");
    till.type_in(keys::F10);
    till.wait_for("SOLD");
    till.type_in(keys::ALT_O);
    till.wait_for("logged off");
    till.type_in(keys::CTRL_Q);
    assert!(till.wait_for_end().success());
}

#[test]
fn a_pin_at_headquarters_is_typed_twice_and_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let database = format!("sqlite:{}", folder.path().join("chain/headquarters.db").display());
    let typed = |first: &str, again: &str| {
        let mut terminal = Start::command(&["hq", "staff", "pin", "000160"]).env("EVERTILL_DATABASE", &database).open();
        terminal.wait_until_true("keys are not shown", || !terminal.modes().contains("| ECHO |"));
        terminal.enter(first);
        terminal.enter(again);
        let status = terminal.wait_for_end().exit_code();
        let shown = terminal.raw();
        assert!(!shown.contains("4711") && shown.contains("PIN of 000160: "), "{shown}");
        (status, shown)
    };
    let (status, shown) = typed("4711", "47110");
    assert!(status == 2 && shown.contains("the two are not the same"), "{shown}");
    let (status, shown) = typed("47112\u{7f}", "4711");
    assert!(status == 0 && shown.contains("the PIN of 000160 is set"), "{shown}");
    drop(sample);
}

#[test]
fn a_first_start_leads_from_the_sign_in_hint_to_the_change_and_gives_the_terminal_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut till = Start::register(&folder.path().join("register")).open();
    let modes_before = till.modes();
    let hint = till.wait_for("PIN 123");
    let said = |pattern: &str| Regex::new(pattern).expect("a pattern").captures(&hint).expect("the hint")[1].to_owned();
    till.enter(&said(r"cashier (\d+)"));
    till.enter(&said(r"PIN (\d+)"));
    till.wait_for("Cashier 1 is ready");
    assert!(till.look(|screen| screen.alternate_screen() && screen.bracketed_paste()));
    assert_ne!(till.modes(), modes_before, "keys arrive one by one while the screen is open");

    till.enter(CHEESE);
    till.wait_for("NATURAL CHEESE");
    till.type_in(keys::CTRL_Q);
    till.wait_for("log off first");
    till.type_in(keys::F9);
    till.wait_for("Amount given in USD");
    till.enter("20");
    let sold = till.wait_for("SOLD · receipt 343-1-000001");
    assert!(has_row(&sold, "Total 1.87") && has_row(&sold, "Given 20.00") && sold.contains("CHANGE"), "{sold}");
    till.type_in(keys::CTRL_R);
    till.wait_for("18.13");
    till.escape();
    till.wait_until("the change again", |shown| shown.contains("SOLD") && !shown.contains("18.13"));

    till.type_in(keys::ALT_O);
    till.wait_for("logged off");
    till.type_in(keys::CTRL_Q);
    let status = till.wait_for_end();
    assert_eq!((status.exit_code(), till.shown().trim()), (0, ""));
    till.look(|screen| {
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    });
    assert_eq!(till.modes(), modes_before);
}

#[test]
fn a_sale_is_sold_in_the_smallest_windows() {
    for (columns, rows) in [(80, 24), (60, 16)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut till = Start::register(&folder.path().join("register")).size(columns, rows).open();
        let signed_in = till.sign_in();
        assert!(signed_in.contains("● ONLINE"), "{signed_in}");
        till.enter(CHEESE);
        till.enter(&format!("3*{EGGS}"));
        let shown = till.wait_for("EGGS");
        assert!(shown.contains("NATURAL CHEESE") && shown.contains("AMOUNT DUE"), "{shown}");
        till.type_in(keys::F10);
        till.wait_for("SOLD");
    }
}

#[test]
fn a_window_that_changes_its_size_keeps_the_sale() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut till = Start::register(&folder.path().join("register")).open();
    till.sign_in();
    till.enter(CHEESE);
    till.wait_for("NATURAL CHEESE");
    for (columns, rows) in [(80, 24), (59, 24), (160, 48), (80, 15), (20, 5), (110, 36)] {
        till.resize(columns, rows);
        if columns < 60 || rows < 16 {
            till.wait_until("that it is too small", |shown| {
                shown.starts_with("the window is too") || shown.starts_with("the window is to")
            });
        } else {
            till.wait_until("the sale", |shown| {
                let widest = shown.lines().map(|line| line.chars().count()).max();
                shown.contains("NATURAL CHEESE") && shown.contains("scan or type") && widest == Some(columns.into())
            });
        }
    }
    till.enter(EGGS);
    till.wait_for("EGGS");
}

#[test]
fn a_burst_of_scans_is_taken_whole_typed_or_pasted() {
    const SCANS: usize = 250;
    let burst = format!("{EGGS}\r").repeat(SCANS);
    for burst in [burst.clone(), format!("\x1b[200~{burst}\x1b[201~")] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut till = Start::register(&folder.path().join("register")).open();
        till.sign_in();
        till.type_in(&burst);
        till.wait_until("every scan", |shown| has_row(shown, &format!("EGGS - JUMBO 1 DOZ {SCANS} 1.49 372.50")));
    }
}

#[test]
fn no_color_leaves_colours_out_and_everything_else_in() {
    let colour = Regex::new("\x1b\\[[0-9;:]*\\b(3[0-8]|4[0-8]|9[0-7]|10[0-7])\\b[0-9;:]*m").expect("a pattern");
    for (value, is_coloured) in [("1", false), ("", true)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut till = Start::register(&folder.path().join("register")).env("NO_COLOR", value).open();
        till.sign_in();
        till.enter(CHEESE);
        till.wait_for("NATURAL CHEESE");
        till.enter("not a code");
        till.wait_for("✗");
        assert_eq!(colour.is_match(&till.raw()), is_coloured, "NO_COLOR={value:?}");
    }
}

#[test]
fn a_register_that_the_system_ends_gives_the_terminal_back_and_keeps_the_sale() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("register");
    let mut till = Start::register(&data).open();
    let modes_before = till.modes();
    till.sign_in();
    till.enter(CHEESE);
    till.wait_for("NATURAL CHEESE");
    till.terminate();
    assert!(till.wait_for_end().success());
    till.look(|screen| assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()));
    assert_eq!(till.modes(), modes_before);
    let mut till = Start::register(&data).open();
    till.sign_in();
    till.wait_for("NATURAL CHEESE");
}

#[test]
fn a_network_that_hangs_costs_one_time_out_and_loses_no_key() {
    const MARGIN: Duration = Duration::from_secs(2);
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let road = Road::open(sample.address(), 1).expect("a road");
    let data = folder.path().join("register");
    sample.enroll(&data, 1);
    let mut till = Start::register(&data).arg("--scale-unit", format!("http://{}", road.address())).open();
    till.sign_in();
    till.wait_for_file(&data.join("offline.db"));
    till.enter(CHEESE);
    till.wait_for("NATURAL CHEESE");

    road.set(Condition::Hang).expect("a road that hangs");
    let asked = now();
    till.enter(PEPPERS);
    till.wait_for("the till is at work");
    till.enter(&format!("2*{ORANGES}"));
    till.type_in("29000");
    let waiting = till.wait_for(&format!("2*{ORANGES}⏎29000"));
    assert!(!waiting.contains("PEPPERS") && !waiting.contains("ORANGES"), "{waiting}");
    till.wait_for("PEPPERS");
    let took = asked.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(1) + MARGIN).contains(&took), "{took:?}");
    let shown = till.wait_for("ORANGES");
    assert!(shown.contains("▲ OFFLINE since") && shown.contains("no answer within 1.0 s"), "{shown}");
    assert_eq!(articles(&shown), ["NATURAL", "PEPPERS", "ORANGES"]);
    till.enter(EGGS.strip_prefix("29000").expect("the rest of the code"));
    till.wait_for("EGGS");

    till.type_in(keys::F10);
    let sold = till.wait_for("SOLD");
    assert!(sold.contains("1 unsent"), "{sold}");
    road.set(Condition::Up).expect("a road that serves");
    till.type_in(keys::F12);
    till.wait_for("Connect");
    till.type_in(keys::ENTER);
    till.wait_until("that all is sent", |shown| shown.contains("● ONLINE") && !shown.contains("unsent,") && !shown.contains("1 unsent"));
    assert_eq!(sample.channel.sales_count(), Ok(1));
    log_off_and_close(&mut till, &data);
}

fn log_off_and_close(till: &mut Terminal, data: &Path) {
    till.type_in(keys::ALT_O);
    till.wait_for("logged off");
    till.type_in(keys::CTRL_Q);
    assert!(till.wait_for_end().success());
    assert!(!terminal::log(data).contains("panicked"));
}

/// Whether some part of a row reads like this, whatever the gaps.
fn has_row(shown: &str, row: &str) -> bool {
    shown.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").contains(row))
}

/// The first words of the articles, in the order of the list.
fn articles(shown: &str) -> Vec<&str> {
    let row = |line| Regex::new(r"^[▸ ]+\d+  ([A-Z]+)").expect("a pattern").captures(line).and_then(|found| found.get(1));
    shown.lines().filter_map(row).map(|name| name.as_str()).collect()
}

#[expect(clippy::disallowed_methods, reason = "how long the cashier waits is what the test is about")]
fn now() -> Instant {
    Instant::now()
}
