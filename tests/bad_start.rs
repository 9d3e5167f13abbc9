//! Everything that can be wrong around a register: each time a clear word and what to do, nothing lost, no panic.

#![expect(clippy::print_stderr, reason = "a test that cannot be run says so")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/terminal.rs"]
mod terminal;

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/sample.rs"]
mod sample;

#[path = "support/impostor.rs"]
mod impostor;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use evertill::device::{DeviceFile, Identity};
use evertill::headquarters::kinds::Kind;
use evertill::ids::RegisterId;
use evertill::journal::Reader;
use evertill::journal::verify::verify;
use evertill::retail::register::Numbers;
use evertill::retail::transaction::Content;
use evertill::secret::Secret;
use impostor::{Answers, Impostor};
use sample::Sample;
use terminal::{Start, Terminal, keys};

const CHEESE: &str = "2900008197659";
const EGGS: &str = "2900008210839";
const RICE: &str = "2900008220111";

#[test]
fn a_profile_with_mistakes_is_refused_with_all_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("profile.toml");
    let text =
        "[register]\nstore = \"3 4 3\"\nnumber = 0\n[offline]\ntimeout_ms = \"long\"\nslow_request = 3\n[screen]\n  theme = \"pink\"\n";
    fs::write(&profile, text).expect("a profile");
    let file = profile.display().to_string();
    let places = ["2:9:", "3:10:", "5:14:", "6:1:", "8:11:"];
    for arguments in [vec!["--profile", &file], vec!["register", "--profile", &file], vec!["profile", "check", &file]] {
        let Ended { status, told, .. } = run(&arguments);
        assert_eq!((status, told.lines().count()), (2, places.len()), "{told}");
        for place in places {
            assert!(told.contains(&format!("{file}:{place}")), "{place} of {told}");
        }
    }
    let doctor = run(&["doctor", "--profile", &file, "--data", &folder.path().join("none").display().to_string()]);
    assert_eq!(doctor.status, 1);
    assert!(doctor.has_line(&["WRONG profile", "5 problems", "profile.toml:2:9", "→"]), "{doctor:?}");
}

#[test]
fn a_device_of_a_chain_is_not_shown_to_the_sample_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().display().to_string();
    let register = RegisterId { store: "343".to_owned(), number: 2 };
    let mut device = DeviceFile::of(folder.path()).read_or_begin().expect("a device");
    let identity = Identity {
        register,
        token: Secret::new("1f".repeat(32)),
        pin_key: Secret::new("2e".repeat(32)),
        headquarters_key: "3d".repeat(32),
        numbers: Numbers::default(),
        deactivated: false,
    };
    device.identity = Some(identity);
    DeviceFile::of(folder.path()).write(&device).expect("a device");
    let opened = run(&["--data", &data]);
    assert_eq!(opened.status, 2);
    assert!(opened.told.contains("is register 343-2 of a chain") && opened.told.contains("--scale-unit URL"), "{}", opened.told);
    assert!(run(&["doctor", "--data", &data]).has_line(&["WRONG scale unit", "is register 343-2 of a chain"]));
    assert!(!folder.path().join("sample-store").exists());
    assert_eq!(DeviceFile::of(folder.path()).read().expect("a device"), Some(device));
}

#[test]
fn wrong_usage_is_told_from_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("nowhere").display().to_string();
    let open = folder.path().join("open.toml").display().to_string();
    fs::write(&open, "[scale_unit]\nurl = \"http://10.1.1.1\"\n").expect("a profile");
    for (arguments, status, words, hint) in [
        (vec!["--no-such-option"], 2, "--no-such-option", ""),
        (vec!["sell"], 2, "sell", ""),
        (vec!["--scale-unit", "ftp://x"], 2, "ftp://x", ""),
        (vec!["--profile", &nowhere], 2, "nowhere", "profile print"),
        (vec!["journal", "list", "--data", &nowhere], 1, "there is no journal", "--data"),
        (vec!["journal", "show", "7", "--data", &nowhere], 1, "there is no journal", "--data"),
        (vec!["demo", "no-such-tape"], 2, "no-such-tape", "demo --list"),
        (vec!["--scale-unit", "http://scale-unit:8343", "--data", &nowhere], 2, "its token and sales would travel", "--allow-plain-http"),
        (vec!["--profile", &open, "--data", &nowhere], 2, "the profile's scale unit http://10.1.1.1", "--allow-plain-http"),
        (vec!["scale-unit", "--listen", "0.0.0.0:0", "--database", "sqlite:x"], 2, "unencrypted", "--allow-plain-http"),
        // A pipe is no terminal.
        (vec!["--data", &nowhere], 1, "no terminal", "in a terminal's window"),
    ] {
        let ended = run(&arguments);
        assert_eq!(ended.status, status, "{arguments:?}: {ended:?}");
        assert!(ended.told.contains(words) && !ended.told.contains("panicked"), "{arguments:?}: {ended:?}");
        assert!(hint.is_empty() || ended.told.lines().any(|line| line.starts_with("  hint: ") && line.contains(hint)), "{ended:?}");
    }
}

#[test]
fn a_journal_that_is_damaged_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let sound = folder.path().join("sound");
    sell_one(&sound, &sample);
    let whole = fs::read(sound.join("journal.db")).expect("a journal");
    let mut scribbled = whole.clone();
    scribbled[4_096..].chunks_mut(3).for_each(|bytes| bytes[0] ^= 0x55);
    let others = fs::read(sound.join("offline.db")).expect("an offline database");
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("text", b"nothing but text\n".repeat(500)),
        ("cut", whole[..6_000].to_vec()),
        ("scribbled", scribbled),
        ("others", others),
    ] {
        let data = folder.path().join(name);
        fs::create_dir(&data).expect("a folder");
        sample.enroll(&data, 1);
        fs::write(data.join("journal.db"), &bytes).expect("a file");
        let mut till = Start::register(&data).arg("--scale-unit", sample.url()).open();
        refused(&mut till, "the journal is damaged", "do not sell on it; keep the file");
        assert!(fs::read(data.join("journal.db")).expect("the file") == bytes, "{name} was changed");
        let doctor = doctor(&data, &sample.url());
        assert_eq!(doctor.status, 1);
        assert!(doctor.has_line(&["WRONG journal", "→ do not sell on it"]), "{name}: {doctor:?}");
    }
}

#[test]
fn another_registers_journal_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let data = folder.path().join("register");
    sell_one(&data, &sample);
    fs::remove_file(data.join("device.json")).expect("a device");
    sample.enroll(&data, 2);
    let mut till = Start::register(&data).arg("--scale-unit", sample.url()).open();
    refused(&mut till, "the journal belongs to register 343-1, expected 343-2", "choose this register's own data directory");
    let profile = folder.path().join("profile.toml");
    fs::write(&profile, "[register]\nnumber = 2\n").expect("a profile");
    let profile = profile.display().to_string();
    let doctor = run(&["doctor", "--data", &data.display().to_string(), "--scale-unit", &sample.url(), "--profile", &profile]);
    assert!(doctor.has_line(&["WRONG journal: the journal belongs to register 343-1", "→"]), "{doctor:?}");
    // Headquarters has a register more than it has distributed.
    let kind = Kind::named("register").expect("headquarters has registers");
    sample.chain.headquarters().add("test", kind, &[("store", "343"), ("number", "77")]).expect("another register");
    let new = folder.path().join("new");
    sample.enroll(&new, 77);
    let mut till = Start::register(&new).arg("--scale-unit", sample.url()).open();
    refused(&mut till, "the store has no register 343-77", "headquarters");
}

#[test]
fn a_second_register_on_the_same_directory_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let data = folder.path().join("register");
    sample.enroll(&data, 1);
    let mut first = Start::register(&data).arg("--scale-unit", sample.url()).open();
    first.sign_in();
    first.enter(CHEESE);
    first.wait_for("NATURAL CHEESE");
    let mut second = Start::register(&data).arg("--scale-unit", sample.url()).open();
    refused(&mut second, "another register is using", "close the other register");
    first.type_in(keys::F10);
    first.wait_for("SOLD");
}

#[test]
fn an_offline_database_that_does_not_open_is_set_aside_and_fetched_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let data = folder.path().join("register");
    sell_one(&data, &sample);
    fs::write(data.join("offline.db"), "no database\n".repeat(1_000)).expect("a file");
    let before = doctor(&data, &sample.url());
    assert!(before.status == 1 && before.has_line(&["WRONG offline database", "→ start the register"]), "{before:?}");

    let mut till = Start::register(&data).arg("--scale-unit", sample.url()).size(110, 60).open();
    till.sign_in();
    till.wait_for_file(&data.join("offline.db"));
    till.type_in(keys::F12);
    let status = till.wait_for("Switches");
    assert!(status.contains("Remark") && status.contains("offline.broken-"), "{status}");
    let files = files(&data);
    assert_eq!(files.iter().filter(|name| name.starts_with("offline.broken-")).count(), 1, "{files:?}");
    let after = doctor(&data, &sample.url());
    assert!(after.status == 0 && after.has_line(&["ok    offline database: version 1", "offline.broken-"]), "{after:?}");
}

#[test]
fn an_offline_database_with_damage_further_in_is_fetched_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let data = folder.path().join("register");
    sell_one(&data, &sample);
    let sound = fs::read(data.join("offline.db")).expect("an offline database");
    let mut damaged = sound.clone();
    let middle = sound.len() / 2;
    damaged[middle..middle + 20_000].fill(0xA5);
    fs::write(data.join("offline.db"), damaged).expect("a file");
    let before = doctor(&data, &sample.url());
    assert!(before.status == 1 && before.has_line(&["WRONG offline database: the database is damaged", "→"]), "{before:?}");

    let mut till = Start::register(&data).arg("--scale-unit", sample.url()).open();
    till.sign_in();
    till.wait_until_true("a sound offline database", || fs::read(data.join("offline.db")).is_ok_and(|bytes| bytes == sound));
    assert_eq!(doctor(&data, &sample.url()).status, 0);
}

/// What may answer in the scale unit's place, what the register says to it, and whether that is no answer at all.
fn impostors() -> Vec<(Answers, &'static str, bool)> {
    let http = |head: &str, body: &str| {
        Answers::Always(format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into())
    };
    let cut =
        "HTTP/1.1 200 OK\r\nevertill-protocol: 1\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"number\":\"343\",";
    vec![
        (Answers::Always(b"\x00\xff\x15\x03\x01garbage\r\n\r\n".to_vec()), "the answer was not understood", true),
        (Answers::Always(cut.into()), "the connection was cut", true),
        (Answers::Always(Vec::new()), "the connection was cut", true),
        (Answers::Nobody, "no answer within 1.0 s", true),
        (http("500 Internal Server Error\r\nevertill-protocol: 1", ""), "answered with status 500", false),
        (http("500 Internal Server Error\r\ncontent-type: text/html", "<html>broken</html>"), "is no server of this program", false),
        (http("200 OK\r\ncontent-type: text/html", "<html>Sign in to our WiFi</html>"), "is no server of this program", false),
        (http("200 OK\r\nevertill-protocol: 99\r\ncontent-type: application/json", "{}"), "speaks protocol 99, this program 1", false),
        (http("200 OK\r\nevertill-protocol: 1\r\ncontent-type: application/json", "{\"number\":"), "is not understood", false),
    ]
}

#[test]
fn without_an_offline_database_whatever_answers_wrongly_keeps_the_register_closed_with_a_reason() {
    for (answers, words, _) in impostors() {
        let folder = tempfile::tempdir().expect("a folder");
        let sample = Sample::open(folder.path());
        let impostor = Impostor::open(answers);
        let data = folder.path().join("register");
        sample.enroll(&data, 1);
        let mut till = Start::register(&data).arg("--scale-unit", impostor.url()).open();
        refused(&mut till, words, "see that the scale unit runs");
        let doctor = doctor(&data, &impostor.url());
        let words = words.replace("1.0 s", "3.0 s");
        assert!(doctor.status == 1 && doctor.has_line(&["WRONG scale unit", &words, "→"]), "{doctor:?}");
    }
}

#[test]
fn with_an_offline_database_the_register_opens_whatever_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let data = folder.path().join("register");
    sell_one(&data, &sample);
    for (answers, words, is_no_answer) in impostors() {
        let impostor = Impostor::open(answers);
        let mut till = Start::register(&data).arg("--scale-unit", impostor.url()).open();
        till.wait_for("Operator");
        if is_no_answer {
            let shown = till.sign_in();
            assert!(shown.contains("OFFLINE") && shown.contains(words), "{shown}");
            till.enter(CHEESE);
            till.wait_for("NATURAL CHEESE");
            till.type_in(keys::F10);
            till.wait_for("SOLD");
        } else {
            // Who works here is known on this side too; what is wrong is told at the first scan, its particulars in the log.
            // (The download that fails for the same reason may tell of it last.)
            till.sign_in();
            till.enter(CHEESE);
            till.wait_for("the scale unit answered with an error");
            till.wait_until_true("the particulars in the log", || terminal::log(&data).contains(words));
            // Once the scale unit itself answers again, the same screen goes on.
            impostor.set(Answers::Truth(sample.address()));
            till.enter(CHEESE);
            till.wait_for("NATURAL CHEESE");
            till.type_in(keys::F10);
            till.wait_for("SOLD");
        }
        till.kill();
    }
    assert!(!terminal::log(&data).contains("panicked"));
}

#[test]
fn in_mid_sale_whatever_answers_wrongly_costs_no_line_and_the_sale_goes_on() {
    for (answers, words, is_no_answer) in impostors() {
        let folder = tempfile::tempdir().expect("a folder");
        let sample = Sample::open(folder.path());
        let truth = Answers::Truth(sample.address());
        let impostor = Impostor::open(truth.clone());
        let data = folder.path().join("register");
        sample.enroll(&data, 1);
        let mut till = Start::register(&data).arg("--scale-unit", impostor.url()).open();
        till.sign_in();
        till.wait_for_file(&data.join("offline.db"));
        till.enter(CHEESE);
        till.wait_for("NATURAL CHEESE");
        impostor.set(answers);
        till.enter(EGGS);
        if is_no_answer {
            let shown = till.wait_for("EGGS");
            assert!(shown.contains(words), "{shown}");
        } else {
            let shown = till.wait_for("✗ the scale unit answered with an error");
            assert!(shown.contains("● ONLINE") && shown.contains("F12") && !shown.contains("EGGS"), "{shown}");
            till.wait_until_true("the particulars in the log", || terminal::log(&data).contains(words));
            till.type_in(keys::F12);
            till.wait_for("Switches");
            till.type_in(keys::ENTER);
            till.wait_for("disconnected by hand");
            till.enter(EGGS);
            till.wait_for("EGGS");
        }
        till.enter(RICE);
        let shown = till.wait_for("RICE CAKES");
        assert!(shown.contains("NATURAL CHEESE") && shown.contains("EGGS") && shown.contains("OFFLINE"), "{shown}");
        till.type_in(keys::F10);
        till.wait_for("1 unsent");
        impostor.set(truth);
        till.type_in(keys::F12);
        till.wait_for("Connect");
        till.type_in(keys::ENTER);
        till.wait_until_true("the sale at the scale unit", || sample.channel.sales_count() == Ok(1));
        assert!(!terminal::log(&data).contains("panicked"));
    }
}

#[test]
fn nobody_at_the_address_is_told_by_the_doctor_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
    let data = folder.path().join("register");
    let new = doctor(&data, &format!("http://{free}"));
    assert!(new.has_line(&["WRONG device: it is not activated", "→ get a code at headquarters", "--activation-code"]), "{new:?}");
    Sample::open(folder.path()).enroll(&data, 1);
    let mut till = Start::register(&data).arg("--scale-unit", format!("http://{free}")).open();
    refused(&mut till, "nobody listens at the scale unit's address", "see that the scale unit runs");
    let doctor = doctor(&data, &format!("http://{free}"));
    assert!(doctor.status == 1 && doctor.has_line(&["WRONG scale unit", "nobody listens", "→"]), "{doctor:?}");
    assert!(doctor.has_line(&["WRONG offline database: there is none", "→ sign in once"]), "{doctor:?}");
}

#[test]
fn the_doctor_says_nothing_to_another_machine_without_encryption() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("register").display().to_string();
    // An address of documentation (RFC 5737), where nobody answers.
    let asked = ["doctor", "--data", &data, "--scale-unit", "http://192.0.2.1:1"];
    let refused = run(&asked);
    assert!(
        refused.status == 1 && refused.has_line(&["WRONG scale unit", "would travel unencrypted", "→", "--allow-plain-http"]),
        "{refused:?}"
    );
    let permitted = run(&[&asked[..], &["--allow-plain-http"]].concat());
    assert!(permitted.has_line(&["WRONG scale unit: http://192.0.2.1:1"]) && !permitted.said.contains("unencrypted"), "{permitted:?}");
}

#[test]
fn whatever_is_typed_nothing_but_numbers_and_codes_reaches_the_sale() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("register");
    let mut till = Start::register(&data).open();
    till.sign_in();
    till.enter(CHEESE);
    let sale = totals(&till.wait_for("NATURAL CHEESE"));
    let digits = "9".repeat(30);
    for (entry, word) in [
        (format!("{digits}*{EGGS}"), "✗"),
        (format!("1e30*{EGGS}"), "✗"),
        (format!("-1*{EGGS}"), "✗"),
        (format!("0*{EGGS}"), "✗"),
        (format!("0.0000000000000000000000000001*{EGGS}"), "✗"),
        ("*".repeat(50), "✗"),
        (digits.clone(), "✗"),
        ("\u{202e}evil\u{200b}\u{feff}".to_owned(), "✗"),
        ("\u{1d}\u{1d}0100".to_owned(), "✗"),
        ("x".repeat(5_000), "▲ more than 256 characters"),
        ("'; DROP TABLE products; --".to_owned(), "✗"),
    ] {
        till.enter(&entry);
        let shown = till.wait_until(&format!("a refusal of {entry:.60?}"), |shown| last_line(shown).contains(word));
        assert_eq!(totals(&shown), sale, "{entry:.60}");
        // The refusal goes with the next thing that is done.
        till.escape();
        till.enter("2*");
        till.wait_for("2 ×");
        till.enter("1*");
        till.wait_for("1 ×");
    }
    // Every control character there is, but for those that are keys of their own.
    let controls: String = ('\u{1}'..'\u{20}').filter(|control| !"\u{3}\u{8}\t\n\r\u{11}\u{1b}".contains(*control)).collect();
    till.type_in(&controls);
    till.type_in("\x1b[200~pasted\x00\x07\x1b]0;title\x07\u{9b}31m\x1b[201~");
    till.enter("");
    let shown = till.wait_until("a refusal", |shown| last_line(shown).contains('✗'));
    assert_eq!(totals(&shown), sale);

    for (operation, number) in [
        (keys::ALT_P, "1e30"),
        (keys::ALT_P, &digits),
        (keys::ALT_P, "1.2.5"),
        (keys::F3, &digits),
        (keys::F3, "1e30"),
        (keys::F9, &digits),
    ] {
        till.escape();
        till.wait_for("scan or type a bar code");
        till.type_in(operation);
        till.wait_for("Esc leaves");
        till.enter(number);
        let shown = till.wait_until(&format!("a refusal of {number}"), |shown| shown.contains("▲"));
        assert_eq!(totals(&shown), sale, "{number}");
        till.escape();
        till.wait_until("the list", |shown| !shown.contains("Esc leaves"));
    }
    till.type_in(keys::F10);
    till.wait_for("SOLD");
    assert_eq!(sold(&data), [1]);
    assert!(!terminal::log(&data).contains("panicked"));
}

#[test]
fn a_full_disk_costs_nothing_and_selling_goes_on_when_there_is_room_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), "72m") else { return };
    let data = disk.path.join("register");
    sample.enroll(&data, 1);
    let mut till = Start::register(&data).arg("--scale-unit", sample.url()).open();
    till.sign_in();
    till.wait_for_file(&data.join("offline.db"));
    till.enter(CHEESE);
    till.wait_for("NATURAL CHEESE");
    disk.fill();

    let (mut count, mut refusal) = (1, None);
    while refusal.is_none() && count < 2_000 {
        let before = totals(&till.shown());
        till.enter(CHEESE);
        let shown = till.wait_until("another one, or a refusal", |shown| totals(shown) != before || shown.contains('✗'));
        refusal = shown.contains('✗').then_some((before, shown));
        count += u32::from(refusal.is_none());
    }
    let (before, shown) = refusal.expect("the disk is full at last");
    assert!(last_line(&shown).contains("the disk is full, nothing was recorded"), "{shown}");
    assert_eq!(totals(&shown), before, "the sale is as it was");
    till.type_in(keys::F10);
    let shown = till.wait_for("the disk is full");
    assert!(totals(&shown) == before && !shown.contains("SOLD"), "{shown}");
    let ill = doctor(&data, &sample.url());
    assert!(ill.status == 1 && ill.has_line(&["WRONG data directory", "→ make room on the disk"]), "{ill:?}");

    disk.make_room();
    till.enter(CHEESE);
    count += 1;
    till.wait_until("another one", |shown| totals(shown) != before && !shown.contains('✗'));
    till.type_in(keys::F10);
    till.wait_for("SOLD");
    till.wait_until_true("the sale at the scale unit", || sample.channel.sales_count() == Ok(1));
    till.kill();
    assert_eq!(sold(&data), [count]);

    disk.fill();
    let mut till = Start::register(&data).arg("--scale-unit", sample.url()).open();
    till.wait_until("sign-in, or why not", |shown| shown.contains("Operator") || shown.contains("evertill:"));
    if !till.shown().contains("Operator") {
        refused(&mut till, "the disk is full", "make room on the disk");
    }
    assert!(!terminal::log(&data).contains("panicked"));
}

#[test]
fn a_first_start_on_a_full_disk_says_so_and_the_next_one_opens() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), "2m") else { return };
    let data = disk.path.join("register");
    sample.enroll(&data, 1);
    disk.fill();
    let mut till = Start::register(&data).arg("--scale-unit", sample.url()).open();
    refused(&mut till, "the disk is full", "make room on the disk");
    disk.make_room();
    let mut till = Start::register(&data).arg("--scale-unit", sample.url()).open();
    till.sign_in();
}

#[test]
fn a_disk_too_small_for_the_offline_database_still_sells_online() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), "512k") else { return };
    let data = disk.path.join("register");
    sample.enroll(&data, 1);
    let mut till = Start::register(&data).arg("--scale-unit", sample.url()).open();
    till.sign_in();
    till.wait_for("▲ offline data:");
    till.enter(CHEESE);
    till.wait_for("NATURAL CHEESE");
    till.type_in(keys::F10);
    till.wait_for("SOLD");
    assert_eq!(files(&data).iter().filter(|name| name.contains("offline.db")).count(), 0, "nothing half is left behind");
}

/// A disk of a few kilobytes, given back when the test is over.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts it; says so and returns none where the test may not.
    fn mount(path: &Path, size: &str) -> Option<Self> {
        fs::create_dir(path).expect("a folder");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "evertill-test"]).arg(path).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { path: path.to_owned() }),
            Ok(output) => {
                eprintln!("SKIPPED, the full disk is not tested: mount says {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("SKIPPED, the full disk is not tested: mount: {error}");
                None
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }

    /// Leaves not a byte.
    fn fill(&self) {
        use std::io::Write;
        let mut file = fs::File::create(self.filler()).expect("a file");
        while file.write_all(&[0; 512]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).expect("the filler");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a register that a failed test leaves behind may still be there.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    status: i32,
    said: String,
    told: String,
}

impl Ended {
    /// Whether one line of the output has all of these, in this order.
    fn has_line(&self, parts: &[&str]) -> bool {
        let in_order = |line: &str| parts.iter().try_fold(line, |rest, part| rest.split_once(part).map(|(_, rest)| rest)).is_some();
        self.said.lines().any(in_order)
    }
}

fn run(arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertill"));
    let output = command.args(arguments).stdin(std::process::Stdio::null()).output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { status: output.status.code().expect("it was not killed"), said: text(&output.stdout), told: text(&output.stderr) }
}

fn doctor(data: &Path, url: &str) -> Ended {
    let ended = run(&["doctor", "--data", &data.display().to_string(), "--scale-unit", url]);
    assert!(!ended.told.contains("panicked"), "{ended:?}");
    ended
}

/// The register ends by itself: status 1, what happened and what to do where the cashier's terminal was before.
fn refused(till: &mut Terminal, what: &str, hint: &str) {
    let status = till.wait_for_end();
    let told = till.shown();
    let (words, hints) = told.split_once("hint:").unwrap_or((&told, ""));
    assert_eq!(status.exit_code(), 1, "{told}");
    assert!(squeezed(words).contains(&squeezed(what)) && words.contains("evertill: "), "{what}\n{told}");
    assert!(squeezed(hints).contains(&squeezed(hint)) && !told.contains("panicked"), "{hint}\n{told}");
    assert!(till.look(|screen| !screen.alternate_screen()));
}

/// One sale, and a register that is closed with its offline database in place.
fn sell_one(data: &Path, sample: &Sample) {
    sample.enroll(data, 1);
    let mut till = Start::register(data).arg("--scale-unit", sample.url()).open();
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

/// Lines of the sold sales' pieces, from a journal that is whole.
fn sold(data: &Path) -> Vec<u32> {
    let reader = Reader::open(data).expect("the journal");
    assert_eq!(verify(&reader).problems, Vec::<String>::new());
    let mut sold = Vec::new();
    let visit = reader.each(|entry| {
        if let Content::Sale(sale) = entry.transaction()?.content {
            sold.push(sale.lines().iter().map(|line| line.quantity.to_string().parse::<u32>().expect("whole pieces")).sum());
        }
        Ok(())
    });
    visit.expect("every record can be read");
    sold
}

/// What the sums of the sale on the screen say.
fn totals(shown: &str) -> Option<String> {
    shown
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("Total ").and_then(|rest| rest.split_whitespace().next()).map(str::to_owned))
}

fn last_line(shown: &str) -> &str {
    shown.lines().last().unwrap_or_default()
}

/// Without what wrapping and windows put in between.
fn squeezed(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace() && !"│╭╮╰╯─".contains(*character)).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
