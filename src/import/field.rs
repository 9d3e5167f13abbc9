//! Values of cells, each with its bounds. An error is the second half of a sentence that begins with the column's name.

use std::ops::RangeInclusive;

use chrono::NaiveDateTime;
use rust_decimal::Decimal;

use crate::retail::barcode::Code;

/// A text of one line, to be shown on screens and paper.
pub(crate) fn name(text: &str) -> Result<String, String> {
    bounded_text(text, 200)
}

/// The number or short word by which a product, a customer or a group is known.
pub(crate) fn id(text: &str) -> Result<String, String> {
    bounded_text(text, 40)
}

/// A bar code, brought into its normal form.
pub(crate) fn barcode(text: &str) -> Result<String, String> {
    Code::parse(text).map(|code| code.to_string()).map_err(|error| error.to_string())
}

/// A price or an amount of money; prices of fuel have three decimals, averages up to eight.
pub(crate) fn money(text: &str) -> Result<Decimal, String> {
    let value = decimal(text, 8)?;
    in_range(text, value, Decimal::ZERO..=PRICE_MAX)
}

/// How much of a product. Five decimals keep its product with any price within a decimal's 28 digits.
pub(crate) fn quantity(text: &str) -> Result<Decimal, String> {
    let value = decimal(text, 5)?;
    if value > Decimal::ZERO && value <= QUANTITY_MAX {
        return Ok(value);
    }
    Err(format!("{text:?} is out of range, expected more than 0 and at most {QUANTITY_MAX}"))
}

/// What is on hand; less than nothing where sales were faster than the counting.
pub(crate) fn stock(text: &str) -> Result<Decimal, String> {
    let value = decimal(text, 5)?;
    in_range(text, value, -PRICE_MAX..=PRICE_MAX)
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(format!("{} is neither yes nor no, expected true, false, 1, 0, yes or no", shown(text))),
    }
}

/// An e-mail address, not checked beyond its `@`.
pub(crate) fn email(text: &str) -> Result<String, String> {
    let address = name(text)?;
    match address.split_once('@') {
        Some((person, host)) if !person.is_empty() && !host.is_empty() && !address.contains(char::is_whitespace) => Ok(address),
        _ => Err(format!("{address:?} is no e-mail address, expected name@host")),
    }
}

/// An age in years.
pub(crate) fn age(text: &str) -> Result<u8, String> {
    whole_number(text, 0..=120).map(|age| u8::try_from(age).expect("an age of at most 120"))
}

/// A line's place in its basket, counted from 1.
pub(crate) fn line_number(text: &str) -> Result<u32, String> {
    whole_number(text, 1..=100_000)
}

/// A moment on the store's clock.
pub(crate) fn timestamp(text: &str) -> Result<NaiveDateTime, String> {
    let expected = || format!("{} is no time, expected YYYY-MM-DD HH:MM:SS", shown(text));
    // The parser of dates is lenient about the number of digits, the documentation is not.
    let time = Some(text).filter(|text| text.len() == 19).and_then(|text| NaiveDateTime::parse_from_str(text, TIME_FORM).ok());
    time.filter(|time| time.format(TIME_FORM).to_string() == text).ok_or_else(expected)
}

const TIME_FORM: &str = "%Y-%m-%d %H:%M:%S";
const PRICE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
const QUANTITY_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

fn bounded_text(text: &str, characters_max: usize) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err(format!("{} has a control character", shown(text)));
    }
    if text.chars().nth(characters_max).is_some() {
        return Err(format!("{} is too long, expected at most {characters_max} characters", shown(text)));
    }
    Ok(text.to_owned())
}

/// Digits with at most one point among them; no exponent, no separator of thousands.
fn decimal(text: &str, decimals_max: usize) -> Result<Decimal, String> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) {
        return Err(format!("{} is no number, expected digits and a point, such as 12.50", shown(text)));
    }
    if decimals.len() > decimals_max {
        return Err(format!("{} has too many decimals, expected at most {decimals_max}", shown(text)));
    }
    if whole.len() > 12 {
        return Err(format!("{} is out of range", shown(text)));
    }
    Decimal::from_str_exact(text).map_err(|_| format!("{} is no number", shown(text)))
}

fn in_range(text: &str, value: Decimal, range: RangeInclusive<Decimal>) -> Result<Decimal, String> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(format!("{text:?} is out of range, expected {} to {}", range.start(), range.end()))
}

fn whole_number(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    let number = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).and_then(|text| text.parse().ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("{} is out of range, expected {} to {}", shown(text), range.start(), range.end()))
}

/// A hostile cell, fit for an error message.
fn shown(text: &str) -> String {
    let head: String = text.chars().take(40).collect();
    if head.len() == text.len() { format!("{head:?}") } else { format!("{head:?}…") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_plain_digits_within_bounds() {
        for text in ["0", "12.50", "0.99", "2.39899999", "007", "1000000000", "-0"] {
            assert!(money(text).is_ok(), "{text}");
        }
        for (text, expected) in [
            ("1e30", "\"1e30\" is no number, expected digits and a point, such as 12.50"),
            ("1E2", "\"1E2\" is no number, expected digits and a point, such as 12.50"),
            ("1.", "\"1.\" is no number, expected digits and a point, such as 12.50"),
            (".5", "\".5\" is no number, expected digits and a point, such as 12.50"),
            ("+5", "\"+5\" is no number, expected digits and a point, such as 12.50"),
            ("1,50", "\"1,50\" is no number, expected digits and a point, such as 12.50"),
            ("NaN", "\"NaN\" is no number, expected digits and a point, such as 12.50"),
            ("٣", "\"٣\" is no number, expected digits and a point, such as 12.50"),
            ("0.123456789", "\"0.123456789\" has too many decimals, expected at most 8"),
            ("-0.01", "\"-0.01\" is out of range, expected 0 to 1000000000"),
            ("1000000000.01", "\"1000000000.01\" is out of range, expected 0 to 1000000000"),
            ("1000000000000000000000000000000", "\"1000000000000000000000000000000\" is out of range"),
        ] {
            assert_eq!(money(text), Err(expected.to_owned()));
        }
    }

    #[test]
    fn a_quantity_is_more_than_nothing() {
        for (text, good) in [("0.00001", true), ("1000000", true), ("0", false), ("-1", false), ("1000000.1", false), ("1.000001", false)] {
            assert_eq!(quantity(text).is_ok(), good, "{text}");
        }
        assert_eq!(stock("-3.5"), Ok(Decimal::new(-35, 1)));
    }

    #[test]
    fn the_largest_price_times_the_largest_quantity_is_exact() {
        let (price, amount) = (money("999999999.99999999").unwrap(), quantity("999999.99999").unwrap());
        assert_eq!((price * amount).to_string(), "999999999989999.9900000000001");
    }

    #[test]
    fn booleans_are_said_in_six_ways() {
        for (text, expected) in [("true", true), ("1", true), ("YES", true), ("False", false), ("0", false), ("no", false)] {
            assert_eq!(boolean(text), Ok(expected));
        }
        for text in ["y", "wahr", "2", "t"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_written_in_one_way() {
        assert!(timestamp("2017-01-01 18:18:48").is_ok());
        for text in
            ["2017-1-01 18:18:48", "2017-01-01T18:18:48", "2017-02-29 00:00:00", "2017-01-01 24:00:00", "2017-01-01", "+017-01-01 18:18:48"]
        {
            let expected = format!("{text:?} is no time, expected YYYY-MM-DD HH:MM:SS");
            assert_eq!(timestamp(text), Err(expected));
        }
    }

    #[test]
    fn names_are_bounded_in_characters_and_have_no_control_characters() {
        assert_eq!(name(&"é".repeat(200)), Ok("é".repeat(200)));
        assert!(name(&"é".repeat(201)).is_err());
        assert_eq!(name("A\u{1b}[2J"), Err("\"A\\u{1b}[2J\" has a control character".to_owned()));
        assert!(name("A\u{9b}2J").is_err());
        assert!(id(&"1".repeat(41)).is_err());
    }

    #[test]
    fn ages_and_line_numbers_are_whole_and_bounded() {
        assert_eq!((age("21"), line_number("1")), (Ok(21), Ok(1)));
        for text in ["121", "-1", "+5", "1.5", "", "99999999999999999999"] {
            assert!(age(text).is_err() && line_number(text).is_err() || text == "121", "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = (money(&text), quantity(&text), stock(&text), boolean(&text), age(&text), timestamp(&text));
            let _ = (name(&text), barcode(&text));
        }

        #[test]
        fn money_keeps_every_digit(whole in 0_u64..1_000_000_000, decimals in "[0-9]{1,8}") {
            let text = format!("{whole}.{decimals}");
            prop_assert_eq!(money(&text).unwrap().to_string(), text);
        }
    }
}
