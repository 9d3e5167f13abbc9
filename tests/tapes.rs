//! Every shipped tape, played without a screen: each is a story the till must tell the same way every time.

use std::process::Command;

fn play(tape: &str) {
    let file = format!("{}/assets/demo/{tape}.tape", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_evertill")).args(["demo", &file, "--headless"]).output().expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tape} ended with {}:\n{told}", output.status);
}

macro_rules! tapes {
    ($($test:ident $tape:literal)*) => {
        $(#[test]
        fn $test() {
            play($tape);
        })*

        #[test]
        fn every_tape_is_played_and_built_in() {
            let mut files: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo"))
                .expect("the tapes' folder")
                .map(|file| file.expect("a file").file_name().to_string_lossy().replace(".tape", ""))
                .collect();
            files.sort();
            let mut played = vec![$($tape.to_owned()),*];
            played.sort();
            assert_eq!(files, played);
            let mut built_in: Vec<String> = evertill::demo::TAPES.iter().map(|(name, _)| (*name).to_owned()).collect();
            built_in.sort();
            assert_eq!(files, built_in);
        }
    };
}

tapes! {
    a_plain_sale "plain-sale"
    an_outage_in_mid_sale "outage"
    disconnect_and_connect_by_hand "by-hand"
    a_power_cut_in_mid_sale "power-cut"
    a_hung_server "hung-server"
    a_busy_morning "busy-morning"
    headquarters_away "headquarters-away"
    a_new_price "new-price"
    a_register_released_from_its_device "activation"
    an_operator_locked_out "lockout"
}

#[test]
fn a_failed_expectation_names_its_line_and_shows_the_screen() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fails.tape");
    std::fs::write(&file, "Wait+Screen /Sample store/\nExpect /no such words/\n").expect("a tape");
    let output = Command::new(env!("CARGO_BIN_EXE_evertill")).arg("demo").arg(&file).arg("--headless").output().expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains(":2: Expect /no such words/") && told.contains("Sample store"), "{told}");
}

#[test]
fn a_tape_with_mistakes_tells_all_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.tape");
    std::fs::write(&file, "Sacn \"1\"\nSleep soon\nNetwork Sideways\n").expect("a tape");
    let output = Command::new(env!("CARGO_BIN_EXE_evertill")).arg("demo").arg(&file).arg("--headless").output().expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    for place in [":1:", ":2:", ":3:"] {
        assert!(told.contains(place), "{told}");
    }
}

fn size(cells: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(cells).expect("some cells")
}

#[test]
fn a_recording_is_an_asciicast_that_shows_the_sale() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sale.cast");
    let output = Command::new(env!("CARGO_BIN_EXE_evertill"))
        .args(["demo", "plain-sale", "--headless", "--record"])
        .arg(&file)
        .output()
        .expect("the program runs");
    assert!(output.status.success());
    let recording = std::fs::read_to_string(&file).expect("a recording");
    let mut lines = recording.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"));
    let header = lines.next().expect("a header");
    assert_eq!((&header["version"], &header["width"], &header["height"]), (&2.into(), &100.into(), &31.into()));
    let mut terminal = vt100::Parser::new(size(31), size(100), 0);
    let (mut last, mut seen) = (0.0, false);
    for event in lines {
        let at = event[0].as_f64().expect("seconds");
        assert!(at >= last, "time goes on");
        last = at;
        terminal.process(event[2].as_str().expect("output").as_bytes());
        seen |= terminal.screen().contents().contains("BANANAS");
    }
    assert!(seen && terminal.screen().contents().contains("CHANGE"), "{}", terminal.screen().contents());
    assert!((5.0..60.0).contains(&last), "{last} s");
}
