//! Every screen, as a cashier meets it: keystrokes into the register that also runs live, the picture out, symbols and styles, at three sizes.

use evertill::demo::{Player, Settings, tape};
use evertill::ui::snapshot::snapshot;

const SIZES: [(u16, u16); 3] = [(80, 24), (100, 30), (160, 48)];

/// Plays the tape at each size and compares what then stands on the screen.
fn shows(name: &str, script: &str) {
    let steps = tape::parse(name, script, &mut |file| Err(std::io::Error::other(file.to_owned()))).expect("a good tape");
    for size in SIZES {
        let settings = Settings { headless: true, speed: 1, size: Some(size), record: None, screenshots: ".".into() };
        let mut player = Player::new(&steps, settings).expect("a stage");
        player.perform(&steps).unwrap_or_else(|error| panic!("{error}"));
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), snapshot(&player.picture()));
    }
}

macro_rules! screens {
    ($($test:ident: $script:expr;)*) => {
        $(#[test]
        fn $test() {
            shows(stringify!($test), $script);
        })*
    };
}

const SIGN_IN: &str = "SignIn \"000160\" \"123\"\n";

/// A tape that begins with a sign-in.
macro_rules! signed_in {
    ($($line:literal)*) => {
        &format!("{SIGN_IN}{}", concat!($($line, "\n"),*))
    };
}

screens! {
    sign_in: "";
    locked_out: &"SignIn \"000160\" \"9\"\n".repeat(5);
    override_refused: signed_in!["Scan '2900008220111'" "F5" "Type '80'" "Enter" "Type '000160'" "Enter" "Type '123'" "Enter"];
    release_refused: "SignIn '000110' '123'\nScan '2900008220111'\nF10\nAssert journal.unsent == 0\nAlt+I";
    sign_in_with_a_wrong_pin: "SignIn \"000160\" \"124\"";
    welcome: SIGN_IN;
    sale: signed_in!["Scan '2900008220111'" "Type '3*2900008222252'" "Enter" "Type '4011'" "Enter" "Type '1.24'" "Enter"];
    sale_with_everything: signed_in![
        "Scan '2900008210839'" "F5" "Type '10'" "Enter" "Scan '2900008224072'" "Alt+P" "Type '0.80'" "Enter" "Scan '2342345106664'"
        "Scan '2900008226779'" "F4" "F9" "Type '20'" "Enter"
    ];
    product_search: signed_in!["F2" "Type 'tomat'"];
    product_search_without_a_hit: signed_in!["F2" "Type 'zzzzz'"];
    cash: signed_in!["Scan '2900008220111'" "F9"];
    cash_with_too_much_change: signed_in!["Scan '2900008220111'" "F9" "Type '1000'" "Enter"];
    change_due: signed_in!["Scan '2900008220111'" "F9" "Type '20'" "Enter"];
    receipt: signed_in!["Scan '2900008220111'" "Type '3*2900008222252'" "Enter" "F9" "Type '20'" "Enter" "Ctrl+R"];
    connection_online: signed_in!["F12"];
    connection_offline: signed_in!["Network Down" "Scan '2900008220111'" "F10" "F12"];
    offline_for_hours: signed_in!["Network Down" "Scan '2900008220111'" "F10" "Scan '4060'" "F10" "Sleep 14m" "Scan '4060'"];
    disconnected_by_hand: signed_in!["F12" "Enter"];
    hung_with_typing_ahead: signed_in!["Scan '2900008220111'" "Network Hang" "Scan '4060'" "Type '3*40'"];
    locked: signed_in!["Scan '2900008220111'" "Alt+L"];
    help: signed_in!["Scan '2900008220111'" "Type '?'"];
    manager_wanted: signed_in!["Scan '2900008220111'" "F5" "Type '80'" "Enter"];
    price_check: signed_in!["F8" "Type '2900008220111'" "Enter"];
    age_check: signed_in!["Scan '2900008389481'"];
    void_sale: signed_in!["Scan '2900008220111'" "Alt+X"];
    set_quantity_refused: signed_in!["Scan '2900008220111'" "F3" "Type '0'" "Enter"];
    not_found: signed_in!["Scan '4006381333931'"];
    wrong_check_digit: signed_in!["Scan '4006381333932'"];
    power_cut: signed_in!["Scan '2900008220111'" "Scan '4060'" "F9" "Type '1'" "Enter" "Kill" "SignIn '000160' '123'"];
}
