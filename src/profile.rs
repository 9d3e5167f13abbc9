//! The register's profile: what `profile.toml` may say, its defaults, and everything that is wrong with one at once.
//!
//! The command line reads a profile when the register starts (`evertill profile check` only reads it); headquarters checks
//! those it distributes by its table of kinds. This module takes and gives text: it opens no file and does not look whether an address answers.

mod key;
mod problem;

use key::{KEYS, Key};
use problem::Report;
use serde::{Deserialize, Serialize};
use std::fmt;
use toml::de::{DeTable, DeValue};

pub use key::is_address;
pub use problem::{Problem, text_of};

/// The documented default profile, comments included. Parsing it gives [`Profile::default`].
pub const DEFAULT_TOML: &str = include_str!("../profile.toml");

/// A profile all of whose values are in range. `profile.toml` says what each key means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Which register this is.
    pub register: RegisterProfile,
    /// Where it reads online.
    pub scale_unit: ScaleUnitProfile,
    /// When it goes offline and comes back.
    pub offline: OfflineProfile,
    /// How it looks.
    pub screen: ScreenProfile,
    /// How long a cashier stays signed in.
    pub session: SessionProfile,
}

/// Which register this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterProfile {
    /// The store, as headquarters knows it.
    pub store: String,
    /// The register's number within the store.
    pub number: u32,
}

/// Where the register reads online.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScaleUnitProfile {
    /// Scheme, host and perhaps port, without a slash at the end; none: a scale unit inside the register's own process.
    pub url: Option<String>,
    /// Path of a PEM file with the authority that signed the scale unit's certificate; none: the public ones.
    pub ca: Option<String>,
}

/// When the register goes offline and comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfflineProfile {
    /// What a data request may take before the register goes offline, in milliseconds.
    pub timeout_ms: u64,
    /// What a call that goes on to headquarters may take, in milliseconds.
    pub realtime_timeout_ms: u64,
    /// How long to stay offline before the next beginning of a sale tries the scale unit again, in seconds.
    pub reconnect_interval_s: u64,
    /// What that try may take, in milliseconds; never more than `timeout_ms`.
    pub reconnect_timeout_ms: u64,
    /// May a cashier go offline by hand before signing in?
    pub manual_switch_before_sign_in: bool,
    /// Look after the scale unit between sales, and go offline when it is merely slow?
    pub advanced_switching: bool,
    /// How often to look, in seconds.
    pub health_check_interval_s: u64,
    /// So many slow requests in a row take the register offline.
    pub slow_requests: u32,
    /// A request that took longer is slow, in milliseconds.
    pub slow_request_ms: u64,
    /// Uploaded transactions that are older leave the journal, in days.
    pub purge_after_days: u32,
    /// How often the register looks for new packages, in seconds.
    pub download_interval_s: u64,
    /// Do packages wait, as while a chain is being set up?
    pub pause_downloads: bool,
    /// Nobody signs in offline once the scale unit has not confirmed the staff data for so long, in days; 0: however old they are.
    pub staff_data_max_age_days: u32,
}

/// How the register looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreenProfile {
    /// The colours.
    pub theme: Theme,
    /// Path of a layout file; none: the built-in layout.
    pub layout: Option<String>,
}

/// The colours of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light text on a dark ground.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
}

/// How long a cashier stays signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionProfile {
    /// A register that nobody touches locks itself after so long, in seconds; 0: never.
    pub lock_after_s: u64,
}

impl Theme {
    const ALL: [Theme; 2] = [Theme::Dark, Theme::Light];

    /// The theme's name in a profile.
    fn name(self) -> &'static str {
        match self {
            Theme::Dark => "dark",
            Theme::Light => "light",
        }
    }
}

impl Default for RegisterProfile {
    fn default() -> RegisterProfile {
        RegisterProfile { store: "343".to_owned(), number: 1 }
    }
}

impl Default for OfflineProfile {
    fn default() -> OfflineProfile {
        OfflineProfile {
            timeout_ms: 1000,
            realtime_timeout_ms: 10_000,
            reconnect_interval_s: 300,
            reconnect_timeout_ms: 300,
            manual_switch_before_sign_in: false,
            advanced_switching: false,
            health_check_interval_s: 60,
            slow_requests: 3,
            slow_request_ms: 400,
            purge_after_days: 30,
            download_interval_s: 60,
            pause_downloads: false,
            staff_data_max_age_days: 0,
        }
    }
}

impl Default for SessionProfile {
    fn default() -> SessionProfile {
        SessionProfile { lock_after_s: 900 }
    }
}

impl Profile {
    /// Reads a profile; keys that are missing take their defaults.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text; a hundred problems at most.
    pub fn parse(text: &str) -> Result<Profile, Vec<Problem>> {
        let mut report = Report::new(text);
        let mut profile = Profile::default();
        report.unreadable();
        if report.is_empty() {
            report.syntax(&DeTable::parse_recoverable(text).1);
            let mended = report.mended();
            let (document, _) = DeTable::parse_recoverable(&mended);
            profile.read(document.get_ref(), &mut report);
            profile.check_across_keys(document.get_ref(), &mut report);
        }
        if report.is_empty() { Ok(profile) } else { Err(report.problems()) }
    }

    fn read(&mut self, document: &DeTable, report: &mut Report) {
        for (section, content) in document {
            let name = section.get_ref().as_ref();
            let is_known = KEYS.iter().any(|key| key.section == name);
            if let DeValue::Table(entries) = content.get_ref() {
                if is_known {
                    self.read_section(name, entries, report);
                } else {
                    report.unknown_section(content.span().start, name);
                }
            } else {
                report.outside_sections(section.span().start, name);
            }
        }
    }

    fn read_section(&mut self, section: &str, entries: &DeTable, report: &mut Report) {
        for (name, value) in entries {
            match Key::find(section, name.get_ref()) {
                None => report.unknown_key(name.span().start, section, name.get_ref()),
                Some(key) => {
                    if let Err(misfit) = key.set(self, value.get_ref()) {
                        report.misfit(value.span().start, key, &misfit);
                    }
                }
            }
        }
    }

    /// The rules between keys. A rule one of whose values has been refused says nothing: it would speak of a default that
    /// nobody wrote.
    fn check_across_keys(&self, document: &DeTable, report: &mut Report) {
        let position = |name: &str| {
            let DeValue::Table(offline) = document.get("offline")?.get_ref() else {
                return None;
            };
            Some(offline.get(name)?.span().start)
        };
        let (reconnect, timeout) = (position("reconnect_timeout_ms"), position("timeout_ms"));
        if self.offline.reconnect_timeout_ms > self.offline.timeout_ms
            && let Some(offset) = reconnect.or(timeout)
            && ![reconnect, timeout].into_iter().flatten().any(|offset| report.speaks_of(offset))
        {
            report.reconnect_outlasts_timeout(offset, &self.offline);
        }
    }
}

/// The profile as a file: the default profile's text and comments with this profile's values.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for line in DEFAULT_TOML.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name;
            }
            match line.split_once(" = ").and_then(|(name, _)| Key::find(section, name)) {
                Some(key) => writeln!(f, "{} = {}", key.name, key.get(self))?,
                None => writeln!(f, "{line}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `evertill profile check` would say, a line a problem.
    fn complaints(text: &str) -> Vec<String> {
        let problems = Profile::parse(text).err().unwrap_or_default();
        problems.iter().map(|problem| format!("profile.toml:{problem}")).collect()
    }

    #[track_caller]
    fn assert_complaint(text: &str, expected: &str) {
        assert_eq!(complaints(text), [format!("profile.toml:{expected}")], "for {text:?}");
    }

    #[test]
    fn the_default_file_is_the_defaults() {
        assert_eq!(Profile::parse(DEFAULT_TOML), Ok(Profile::default()));
        assert_eq!(Profile::parse(""), Ok(Profile::default()));
    }

    #[test]
    fn the_default_file_holds_every_key_once_with_its_range_and_default() {
        let mut keys = KEYS.iter();
        let (mut section, mut comment) = ("", "");
        for line in DEFAULT_TOML.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name;
            } else if !line.is_empty() && !line.starts_with('#') {
                let key = keys.next().expect("no more keys than the table has");
                let default = key.get(&Profile::default());
                assert_eq!(section, key.section);
                assert_eq!(line, format!("{} = {default}", key.name));
                assert_eq!(comment, format!("# {}; default {default}", key.expected()), "above {}", key.name);
            }
            comment = line;
        }
        assert_eq!(keys.next().map(|key| key.name), None, "a key is missing");
    }

    #[test]
    fn five_mistakes_are_reported_at_once_each_where_it_stands() {
        let text = "\
[register]
store = 343

[ofline]
timeout_ms = 1000

[offline]
timeout_ms = 5
slow_request = 3
advanced_switching = yes

[screen]
theme = \"blue\"
";
        assert_eq!(
            complaints(text),
            [
                "profile.toml:2:9: store is 343, expected 1 to 20 letters, digits, \"-\" or \"_\"; hint: write it in quotes",
                "profile.toml:4:1: there is no section [ofline], expected one of [register], [scale_unit], [offline], [screen], \
                 [session]; hint: did you mean [offline]?",
                "profile.toml:8:14: timeout_ms is 5, expected 50 to 60000 milliseconds; hint: the default is 1000",
                "profile.toml:9:1: there is no key slow_request in [offline], expected one of timeout_ms, realtime_timeout_ms, \
                 reconnect_interval_s, reconnect_timeout_ms, manual_switch_before_sign_in, advanced_switching, \
                 health_check_interval_s, slow_requests, slow_request_ms, purge_after_days, \
                 download_interval_s, pause_downloads, staff_data_max_age_days; hint: did you mean slow_requests?",
                "profile.toml:10:22: this is not TOML: string values must be quoted, expected literal string",
                "profile.toml:13:9: theme is \"blue\", expected \"dark\" or \"light\"; hint: the default is \"dark\"",
            ]
        );
    }

    #[test]
    fn values_of_the_wrong_kind_are_refused_with_what_to_write() {
        let timeout = |value: &str| format!("[offline]\ntimeout_ms = {value}");
        let refused = |found: &str, hint: &str| format!("2:14: timeout_ms is {found}, expected 50 to 60000 milliseconds; hint: {hint}");
        for (value, found, hint) in [
            ("\"1000\"", "\"1000\"", "write it without quotes"),
            ("1.5", "1.5", "the default is 1000"),
            ("true", "true", "the default is 1000"),
            ("2026-11-22", "2026-11-22", "the default is 1000"),
            ("[1000]", "a list", "the default is 1000"),
            ("{ a = 1 }", "a section", "the default is 1000"),
            ("-5", "-5", "the default is 1000"),
            ("0x10", "0x10", "the default is 1000"),
            ("99999999999999999999999999999999999999999", "9999999999999999999999999999999999999999…", "the default is 1000"),
        ] {
            assert_complaint(&timeout(value), &refused(found, hint));
        }
        assert_complaint(
            "[screen]\nlayout = \"a\\u001Bb\"",
            "2:10: layout is \"a\\u{1b}b\", expected the path of a file, or \"\"; hint: the default is \"\"",
        );
    }

    #[test]
    fn both_ends_of_a_range_are_allowed_and_no_more() {
        for (value, allowed) in [("49", false), ("50", true), ("60_000", true), ("0xEA60", true), ("60001", false)] {
            let text = format!("[offline]\nreconnect_timeout_ms = 10\ntimeout_ms = {value}");
            assert_eq!(Profile::parse(&text).is_ok(), allowed, "{value}");
        }
        assert_eq!(Profile::parse("[session]\nlock_after_s = 0").map(|profile| profile.session.lock_after_s), Ok(0));
    }

    #[test]
    fn a_key_in_the_wrong_place_is_told_where_it_belongs() {
        assert_complaint(
            "timeout_ms = 1000",
            "1:1: timeout_ms stands in no section, expected each key below its [section]; hint: timeout_ms belongs in [offline]",
        );
        assert_complaint(
            "[session]\n  timeout_ms = 1000",
            "2:3: there is no key timeout_ms in [session], expected one of lock_after_s; hint: timeout_ms belongs in [offline]",
        );
        assert_complaint(
            "[[screen]]\ntheme = \"dark\"",
            "1:3: screen stands in no section, expected each key below its [section]; hint: begin the section with a line [screen]",
        );
    }

    #[test]
    fn a_broken_line_is_one_problem_and_hides_no_other() {
        for broken in
            ["timeout_ms =", "timeout_ms 5", "timeout_ms = \"5", "timeout_ms = 1.2.3", "timeout_ms = 5 5", "= 5", "timeout_ms = 05"]
        {
            let found = complaints(&format!("[offline]\n{broken}\nslow_requests = 0\n"));
            assert_eq!(found.len(), 2, "{broken}: {found:?}");
            assert!(found[0].starts_with("profile.toml:2:") && found[0].contains("not TOML"), "{broken}: {found:?}");
            assert!(found[1].starts_with("profile.toml:3:17: slow_requests is 0"), "{broken}: {found:?}");
        }
        assert_complaint(
            "[session]\nlock_after_s = 1\nlock_after_s = 2",
            "3:1: this is not TOML: duplicate key, expected each key once, as `name = value`",
        );
        assert_complaint("[offline\ntimeout_ms = 1000", "1:9: this is not TOML: unclosed table, expected `]`");
    }

    #[test]
    fn a_try_to_reconnect_never_outlasts_the_time_out() {
        let rule = |position: &str, reconnect: u32, timeout: u32| {
            format!(
                "{position}: reconnect_timeout_ms is {reconnect} and timeout_ms only {timeout}, expected a try to reconnect that takes \
                 no longer than any other request; hint: set reconnect_timeout_ms to {timeout} or less (it is 300 by default)"
            )
        };
        assert_complaint("[offline]\ntimeout_ms = 200\nreconnect_timeout_ms = 201", &rule("3:24", 201, 200));
        assert_complaint("[offline]\ntimeout_ms = 200", &rule("2:14", 300, 200));
        assert_complaint("[offline]\nreconnect_timeout_ms = 1001", &rule("2:24", 1001, 1000));
        assert_eq!(complaints("[offline]\ntimeout_ms = 300"), Vec::<String>::new());
        let found = complaints("[offline]\ntimeout_ms = 5\nreconnect_timeout_ms = 2000");
        assert_eq!(found.len(), 1, "a refused time-out is not compared: {found:?}");
    }

    #[test]
    fn an_address_is_a_scheme_and_a_host_and_nothing_else() {
        for good in [
            "http://127.0.0.1:8343",
            "http://scale-unit.riverside.example",
            "http://localhost",
            "http://scale_unit_1:80",
            "http://[::1]",
            "http://[2001:db8::1]:8443",
            "https://host",
            "https://scale-unit.riverside.example:8443",
        ] {
            assert!(is_address(good), "{good}");
        }
        let (long_host, long_enough) = (format!("http://{}", "a".repeat(254)), format!("http://{}", "a".repeat(253)));
        assert!(is_address(&long_enough));
        for bad in [
            "",
            "http://",
            "https://",
            "https:/host",
            "http://:80",
            "HTTP://host",
            "ftp://host",
            "host:80",
            "//host",
            "http://host/",
            "http://host/v1",
            "http://host?a",
            "http://host#a",
            "http://host:0",
            "http://host:65536",
            "http://host:",
            "http://host:+80",
            "http://host:80:80",
            "http://a..b",
            "http://.a",
            "http://[::1",
            "http://[::1]80",
            "http://[host]",
            "http://[::1]:",
            "http://ho st",
            "http://höst",
            "http://u@host",
            " http://host",
            "http://host\n",
            &long_host,
        ] {
            assert!(!is_address(bad), "{bad}");
        }
        let profile = Profile::parse("[scale_unit]\nurl = \"http://a.example:1\"").unwrap();
        assert_eq!(profile.scale_unit.url.as_deref(), Some("http://a.example:1"));
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_never_shown() {
        let found = complaints("[scale_unit]\nurl = \"http://register:hunter2@a.example\"");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("profile.toml:2:7: url is an address with a user name or password"), "{found:?}");
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }

    #[test]
    fn what_is_no_text_is_refused_as_a_whole() {
        assert_complaint("# \u{e9}\n\t\u{1b}[31m\nx = 1", "2:2: there is a control character (U+001B), expected plain text");
        let longest = 1024 * 1024;
        assert_eq!(complaints(&"#".repeat(longest)), Vec::<String>::new());
        assert_complaint(&"#".repeat(longest + 1), "1:1: the profile is 1048577 bytes long, expected 1048576 bytes at most");
    }

    #[test]
    fn columns_count_characters_and_lines_may_end_as_on_windows() {
        let found = complaints("[screen]\r\n\"thème\" = 1\r\n[session]\r\n\"é\" = 1");
        assert!(found[0].starts_with("profile.toml:2:1: there is no key thème in [screen]"), "{found:?}");
        assert!(found[0].ends_with("did you mean theme?"), "{found:?}");
        assert!(found[1].starts_with("profile.toml:4:1: "), "{found:?}");
        assert!(complaints("[session]\nlock_after_s = \"é\" # \"é\"\nx = '\u{e9}' y")[1].starts_with("profile.toml:3:"));
        assert!(complaints("screen = { \"é\" = 1, theme = 2 }")[1].starts_with("profile.toml:1:29: theme is 2"));
    }

    #[test]
    fn a_profile_full_of_mistakes_gives_a_hundred_of_them() {
        for mistake in ["x\n", "\n=", "[[[", "a=[", "{"] {
            let found = complaints(&mistake.repeat(20_000));
            assert!((1..=100).contains(&found.len()), "{mistake:?}: {}", found.len());
        }
        let many: Vec<String> = (0..2_000).map(|number| format!("key_{number} = 1")).collect();
        assert_eq!(complaints(&many.join("\n")).len(), 100);
    }

    fn any_profile() -> impl Strategy<Value = Profile> {
        let offline = (50_u64..=60_000, 100_u64..=300_000, 1_u64..=86_400, any::<bool>(), any::<bool>(), 1_u32..=3650)
            .prop_flat_map(|values| (Just(values), 10..=values.0));
        (
            "[A-Za-z0-9_-]{1,20}",
            1_u32..=9999,
            prop::option::of("http://[a-z]{1,9}(:[1-9][0-9]{0,3})?"),
            offline,
            any::<bool>(),
            "\\PC{0,20}",
        )
            .prop_map(|(store, number, url, (values, reconnect_timeout_ms), light, layout)| Profile {
                register: RegisterProfile { store, number },
                scale_unit: ScaleUnitProfile { url, ca: None },
                offline: OfflineProfile {
                    timeout_ms: values.0,
                    realtime_timeout_ms: values.1,
                    reconnect_interval_s: values.2,
                    reconnect_timeout_ms,
                    manual_switch_before_sign_in: values.3,
                    advanced_switching: values.4,
                    purge_after_days: values.5,
                    ..OfflineProfile::default()
                },
                screen: ScreenProfile {
                    theme: if light { Theme::Light } else { Theme::Dark },
                    layout: (!layout.is_empty()).then_some(layout),
                },
                session: SessionProfile { lock_after_s: 0 },
            })
    }

    proptest! {
        #[test]
        fn a_printed_profile_reads_as_itself(profile in any_profile()) {
            prop_assert_eq!(Profile::parse(&profile.to_string()), Ok(profile));
        }

        #[test]
        fn no_text_panics_and_every_problem_lies_within_it(text in any_text()) {
            for problem in Profile::parse(&text).err().unwrap_or_default() {
                prop_assert!((1..=text.matches('\n').count() + 1).contains(&problem.line));
                prop_assert!((1..=text.chars().count() + 1).contains(&problem.column));
                prop_assert!(!problem.to_string().chars().any(char::is_control), "{}", problem);
            }
        }
    }

    /// Arbitrary text, and text that looks much like a profile.
    fn any_text() -> impl Strategy<Value = String> {
        let scrap = prop_oneof![
            prop::sample::select(KEYS.iter().flat_map(|key| [key.section, key.name]).collect::<Vec<_>>()).prop_map(str::to_owned),
            prop::sample::select(vec![
                "[", "]", "[[", "]]", "=", " = ", "\n", "\n[", "\"", "'", "\"\"\"", "{", "}", ",", ".", "#", "5", "true"
            ])
            .prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
        ];
        prop_oneof![any::<String>(), prop::collection::vec(scrap, 0..40).prop_map(|scraps| scraps.concat())]
    }
}
