//! What fields may say: from words to JSON and back. A fault is the second half of a sentence that begins with the field's name.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::import::field;
use crate::money::{Currency, Rounding};
use crate::retail::store::{BarcodePattern, TaxCode};

/// What a field may say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// A number or short word something is known by.
    Id,
    /// A text of one line.
    Name,
    /// Lines of text, parted by `|`.
    Lines,
    /// A text of any length, such as a layout.
    Document,
    /// Stores' numbers, parted by commas; none for all.
    Stores,
    /// Yes or no.
    YesNo,
    /// A whole number between two.
    Whole(i64, i64),
    /// An amount in the store's currency.
    Money,
    /// Amounts in the store's currency, parted by `|`.
    Amounts,
    /// More than nothing.
    Quantity,
    /// A number of any sign.
    Stock,
    /// 0 to 100.
    Percent,
    /// A day.
    Date,
    /// Hours and minutes.
    TimeOfDay,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A currency's code.
    Currency,
    /// An e-mail address.
    Email,
    /// A code in its normal form.
    Barcode,
    /// The key of a record of this kind.
    OneOf(&'static str),
    /// A distribution job's number.
    Job,
    /// Taxes, as JSON.
    Taxes,
    /// Bar code patterns, as JSON.
    Patterns,
    /// A payment method's rounding, as JSON.
    Rounding,
    /// What is shown to nobody.
    Secret,
}

/// What stands for a secret.
pub(in crate::headquarters) const HIDDEN: &str = "***";
/// The longest text of a field, in bytes.
const DOCUMENT_MAX: usize = 256 * 1024;

impl Type {
    /// From words.
    pub(super) fn read(self, text: &str) -> Result<Value, String> {
        let shown = || format!("{:?}", text.chars().take(40).collect::<String>());
        match self {
            Self::Id | Self::OneOf(_) => field::id(text).map(Value::from),
            Self::Secret if text == HIDDEN => Err("*** hides a secret and is none".to_owned()),
            Self::Name | Self::Secret => field::name(text).map(Value::from),
            Self::Lines => text.split('|').map(|line| field::name(line).map(Value::from)).collect(),
            Self::Stores => text.split(',').map(|store| field::id(store.trim()).map(Value::from)).collect(),
            Self::Document if text.len() > DOCUMENT_MAX => Err(format!("is longer than {DOCUMENT_MAX} bytes")),
            Self::Document => Ok(text.into()),
            Self::YesNo => field::boolean(text).map(Value::from),
            Self::Whole(least, most) => whole(text, least, most),
            Self::Money => field::money(text).map(decimal),
            Self::Amounts => text.split('|').map(|amount| field::money(amount).map(decimal)).collect(),
            Self::Quantity => field::quantity(text).map(decimal),
            Self::Stock => field::stock(text).map(decimal),
            Self::Percent => match field::money(text)? {
                percent if percent <= Decimal::ONE_HUNDRED => Ok(decimal(percent)),
                _ => Err(format!("{} is out of range, expected 0 to 100", shown())),
            },
            Self::Date => {
                let is_day = text.parse::<chrono::NaiveDate>().is_ok_and(|day| day.to_string() == text);
                known(is_day, text, || format!("{} is no day, expected YYYY-MM-DD", shown()))
            }
            Self::TimeOfDay => {
                let is_time = text.len() == 5 && chrono::NaiveTime::parse_from_str(text, "%H:%M").is_ok();
                known(is_time, text, || format!("{} is no time of day, expected HH:MM", shown()))
            }
            Self::Choice(words) => known(words.contains(&text), text, || format!("is {}, expected one of {}", shown(), words.join(", "))),
            Self::Currency => {
                known(text.parse::<Currency>().is_ok(), text, || format!("{} is no currency, expected a code such as USD", shown()))
            }
            Self::Email => field::email(text).map(Value::from),
            Self::Barcode => field::barcode(text).map(Value::from),
            Self::Job => {
                let jobs: Vec<String> = super::JOBS.iter().map(|(job, _)| job.to_string()).collect();
                known(jobs.iter().any(|job| job == text), text, || format!("{} is no job, expected one of {}", shown(), jobs.join(", ")))
            }
            Self::Taxes => json::<Vec<TaxCode>>(text, "taxes", |_| Ok(())),
            Self::Patterns => json::<Vec<BarcodePattern>>(text, "bar code patterns", |patterns| {
                let test = |pattern: &BarcodePattern| pattern.parse().map(drop).map_err(|error| format!("{}: {error}", pattern.pattern));
                patterns.iter().try_for_each(test)
            }),
            Self::Rounding => json::<Rounding>(text, "a rounding", |rounding| {
                if rounding.step > Decimal::ZERO { Ok(()) } else { Err("the step is not above 0".to_owned()) }
            }),
        }
    }

    /// In words, as read; empty for nothing.
    pub fn text(self, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::Array(parts) if matches!(self, Self::Lines | Self::Stores | Self::Amounts) => {
                let between = if self == Self::Stores { "," } else { "|" };
                parts.iter().map(|part| part.as_str().unwrap_or_default()).collect::<Vec<_>>().join(between)
            }
            Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
        }
    }
}

fn known(is_known: bool, text: &str, why: impl FnOnce() -> String) -> Result<Value, String> {
    if is_known { Ok(text.into()) } else { Err(why()) }
}

fn decimal(number: Decimal) -> Value {
    number.to_string().into()
}

fn whole(text: &str, least: i64, most: i64) -> Result<Value, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = Some(text).filter(|_| is_whole).and_then(|text| text.parse().ok());
    let shown: String = text.chars().take(40).collect();
    let out_of_range = || format!("{shown:?} is out of range, expected {least} to {most}");
    number.filter(|number| (least..=most).contains(number)).map(Value::from).ok_or_else(out_of_range)
}

/// JSON of a known form, kept as it was written.
fn json<T: serde::de::DeserializeOwned>(text: &str, what: &str, test: impl FnOnce(&T) -> Result<(), String>) -> Result<Value, String> {
    let bad = |error: serde_json::Error| format!("is no JSON of {what}: {error}");
    let value: Value = serde_json::from_str(text).map_err(bad)?;
    test(&serde_json::from_value(value.clone()).map_err(bad)?)?;
    Ok(value)
}
