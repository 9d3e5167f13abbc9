//! The one table of a profile's keys: what each may be and where its value goes.
//!
//! The parser, the printed profile, the hints and the test of the default profile's comments all read it. It knows nothing of
//! positions in a text.

use super::{Profile, Theme};
use std::net::Ipv6Addr;
use toml::de::DeValue;

/// A key of the profile.
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    kind: Kind,
}

/// What a key's value may be, and where it stands in the profile.
enum Kind {
    Whole { least: u32, most: u32, unit: &'static str, get: fn(&Profile) -> String, set: fn(&mut Profile, u32) },
    Switch { at: fn(&mut Profile) -> &mut bool },
    Store { at: fn(&mut Profile) -> &mut String },
    Address { at: fn(&mut Profile) -> &mut Option<String> },
    Path { at: fn(&mut Profile) -> &mut Option<String> },
    Theme { at: fn(&mut Profile) -> &mut Theme },
}

/// A row of the table. A key is named after its place in the profile.
macro_rules! key {
    ($section:ident.$name:ident, $kind:ident) => {
        key!($section.$name, Kind::$kind { at: |profile| &mut profile.$section.$name })
    };
    ($section:ident.$name:ident, $least:literal ..= $most:literal $unit:literal) => {
        key!(
            $section.$name,
            Kind::Whole {
                least: $least,
                most: $most,
                unit: $unit,
                get: |profile| profile.$section.$name.to_string(),
                set: |profile, number| profile.$section.$name = number.into(),
            }
        )
    };
    ($section:ident.$name:ident, $kind:expr) => {
        Key { section: stringify!($section), name: stringify!($name), kind: $kind }
    };
}

/// Every key, in the order of the default profile.
pub(super) static KEYS: [Key; 20] = [
    key!(register.store, Store),
    key!(register.number, 1..=9999 ""),
    key!(scale_unit.url, Address),
    key!(scale_unit.ca, Path),
    key!(offline.timeout_ms, 50..=60_000 "milliseconds"),
    key!(offline.realtime_timeout_ms, 100..=300_000 "milliseconds"),
    key!(offline.reconnect_interval_s, 1..=86_400 "seconds"),
    key!(offline.reconnect_timeout_ms, 10..=60_000 "milliseconds"),
    key!(offline.manual_switch_before_sign_in, Switch),
    key!(offline.advanced_switching, Switch),
    key!(offline.health_check_interval_s, 1..=3600 "seconds"),
    key!(offline.slow_requests, 1..=100 "requests"),
    key!(offline.slow_request_ms, 10..=60_000 "milliseconds"),
    key!(offline.purge_after_days, 1..=3650 "days"),
    key!(offline.download_interval_s, 1..=86_400 "seconds"),
    key!(offline.pause_downloads, Switch),
    key!(offline.staff_data_max_age_days, 0..=3650 "days"),
    key!(screen.theme, Theme),
    key!(screen.layout, Path),
    key!(session.lock_after_s, 0..=86_400 "seconds"),
];

/// Why a value was refused.
pub(super) struct Misfit {
    /// Completes "the key is …".
    pub(super) found: String,
    /// What to do about this very value.
    pub(super) hint: Option<&'static str>,
}

impl Key {
    pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.section == section && key.name == name)
    }

    /// The key's value as it stands in a file.
    pub(super) fn get(&self, profile: &Profile) -> String {
        let copy = &mut profile.clone();
        let quoted = |text: &str| toml::Value::from(text).to_string();
        match self.kind {
            Kind::Whole { get, .. } => get(profile),
            Kind::Switch { at } => at(copy).to_string(),
            Kind::Store { at } => quoted(at(copy)),
            Kind::Address { at } | Kind::Path { at } => quoted(at(copy).as_deref().unwrap_or_default()),
            Kind::Theme { at } => quoted(at(copy).name()),
        }
    }

    /// Puts a value where it belongs.
    ///
    /// # Errors
    /// When the value is none that [`Key::expected`] allows; the profile is unchanged then.
    pub(super) fn set(&self, profile: &mut Profile, value: &DeValue) -> Result<(), Misfit> {
        match self.kind {
            Kind::Whole { least, most, set, .. } => set(profile, whole_number(value, least, most)?),
            Kind::Switch { at } => {
                *at(profile) = value.as_bool().ok_or_else(|| misfit(value, UNQUOTED))?;
            }
            Kind::Store { at } => text(value, is_store)?.clone_into(at(profile)),
            Kind::Address { at } => *at(profile) = address(value)?,
            Kind::Path { at } => *at(profile) = optional(text(value, is_path)?),
            Kind::Theme { at } => {
                let named = |name: &str| Theme::ALL.into_iter().find(|theme| theme.name() == name);
                *at(profile) = value.as_str().and_then(named).ok_or_else(|| misfit(value, QUOTED))?;
            }
        }
        Ok(())
    }

    /// What the key's value may be, as messages and the default profile's comments say it.
    pub(super) fn expected(&self) -> String {
        match self.kind {
            Kind::Whole { least, most, unit: "", .. } => format!("{least} to {most}"),
            Kind::Whole { least, most, unit, .. } => format!("{least} to {most} {unit}"),
            Kind::Switch { .. } => "true or false".to_owned(),
            Kind::Store { .. } => format!("1 to {STORE_BYTES_MAX} letters, digits, \"-\" or \"_\""),
            Kind::Address { .. } => "http:// or https:// and a host, with its port where needed, or \"\"".to_owned(),
            Kind::Path { .. } => "the path of a file, or \"\"".to_owned(),
            Kind::Theme { .. } => Theme::ALL.map(|theme| format!("\"{}\"", theme.name())).join(" or "),
        }
    }
}

/// Is this the address of a scale unit: `http://` or `https://` and a host, with its port where needed, and nothing else?
pub fn is_address(url: &str) -> bool {
    let Some(authority) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
        return false;
    };
    if let Some(bracketed) = authority.strip_prefix('[') {
        return bracketed.split_once(']').is_some_and(|(host, rest)| {
            host.parse::<Ipv6Addr>().is_ok() && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
        });
    }
    authority.split_once(':').map_or_else(|| is_host(authority), |(host, port)| is_host(host) && is_port(port))
}

/// The longest name that the domain name system knows (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;

fn is_host(host: &str) -> bool {
    host.len() <= HOST_BYTES_MAX && host.split('.').all(|label| !label.is_empty() && label.bytes().all(is_name_byte))
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

const STORE_BYTES_MAX: usize = 20;

fn is_store(store: &str) -> bool {
    (1..=STORE_BYTES_MAX).contains(&store.len()) && store.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// The longest path that Linux takes.
const PATH_BYTES_MAX: usize = 4095;

fn is_path(path: &str) -> bool {
    path.len() <= PATH_BYTES_MAX && !path.chars().any(char::is_control)
}

const QUOTED: &str = "write it in quotes";
const UNQUOTED: &str = "write it without quotes";

fn whole_number(value: &DeValue, least: u32, most: u32) -> Result<u32, Misfit> {
    let DeValue::Integer(number) = value else {
        return Err(misfit(value, UNQUOTED));
    };
    let number = u32::from_str_radix(number.as_str(), number.radix()).ok();
    number.filter(|number| (least..=most).contains(number)).ok_or_else(|| misfit(value, ""))
}

fn text<'v>(value: &'v DeValue, is_good: fn(&str) -> bool) -> Result<&'v str, Misfit> {
    value.as_str().filter(|text| is_good(text)).ok_or_else(|| misfit(value, QUOTED))
}

fn address(value: &DeValue) -> Result<Option<String>, Misfit> {
    if value.as_str().is_some_and(|url| url.contains('@')) {
        // A password may stand there: the message must not show it.
        let hint = Some("leave out what stands before the \"@\"; the scale unit knows a register by its activation");
        return Err(Misfit { found: "an address with a user name or password".to_owned(), hint });
    }
    text(value, |url| url.is_empty() || is_address(url)).map(optional)
}

fn optional(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The refusal of a value. The hint about quotes is given only where quotes are what is wrong with it.
fn misfit(value: &DeValue, quotes: &'static str) -> Misfit {
    let found = match value {
        DeValue::String(text) => format!("\"{}\"", shown(text)),
        DeValue::Integer(number) => shown(&number.to_string()),
        DeValue::Float(number) => shown(number.as_str()),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    };
    let is_bare = matches!(value, DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_));
    let hint = (quotes == QUOTED && is_bare) || (quotes == UNQUOTED && value.is_str());
    Misfit { found, hint: hint.then_some(quotes) }
}

const SHOWN_CHARACTERS_MAX: usize = 40;

/// A stranger's text as a message may show it: short, on one line, and nothing that a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_CHARACTERS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARACTERS_MAX).is_some() { short + "…" } else { short }
}
