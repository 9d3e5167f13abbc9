//! GS1 element strings: a product's number with batch, dates, weight or price, each behind its application identifier.
//!
//! Sources: GS1 General Specifications, chapters 3 (identifiers) and 7.8 (processing). Identifiers that a till has no use for are passed over.

use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::Decimal;

use super::{BarcodeError, Code, SEPARATOR, Weight, WeightUnit};

/// What an element string says about the product in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elements {
    /// The product: (01), or the product inside a case: (02).
    pub code: Code,
    /// How many: (30) or (37).
    pub count: Option<u32>,
    /// Net weight: (310n) in kilograms, (320n) in pounds.
    pub weight: Option<Weight>,
    /// Price of the whole: (392n) or (393n).
    pub price: Option<AppliedPrice>,
    /// Batch or lot: (10).
    pub batch: Option<String>,
    /// Serial number: (21).
    pub serial: Option<String>,
    /// Day of production: (11).
    pub produced: Option<NaiveDate>,
    /// Best before: (15).
    pub best_before: Option<NaiveDate>,
    /// Last day of use: (17).
    pub expires: Option<NaiveDate>,
}

/// A price inside an element string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedPrice {
    /// What is to be paid.
    pub amount: Decimal,
    /// ISO 4217 number of the currency; the store's own if absent.
    pub currency: Option<u16>,
}

/// Reads the printed form, `(01)09506000134352(3102)000275`.
pub(super) fn read_bracketed(text: &str) -> Result<Elements, BarcodeError> {
    let mut parts = Parts::default();
    let mut rest = text;
    while let Some((ai, after)) = rest.strip_prefix('(').and_then(|inside| inside.split_once(')')) {
        if !(2..=4).contains(&ai.len()) || !is_digits(ai) {
            return Err(bad(ai, after, "an identifier of 2 to 4 digits"));
        }
        let end = after.find('(').unwrap_or(after.len());
        parts.add(ai, &after[..end])?;
        rest = &after[end..];
    }
    if !rest.is_empty() {
        return Err(bad("?", rest, "an identifier in brackets"));
    }
    parts.into_elements()
}

/// Reads the scanned form, in which an element of variable length ends with a separator.
pub(super) fn read_raw(text: &str) -> Result<Elements, BarcodeError> {
    let mut parts = Parts::default();
    let mut rest = text.trim_start_matches(SEPARATOR);
    while !rest.is_empty() {
        let (ai, value, after) = first_element(rest)?;
        parts.add(ai, value)?;
        rest = after.trim_start_matches(SEPARATOR);
    }
    parts.into_elements()
}

fn first_element(text: &str) -> Result<(&str, &str, &str), BarcodeError> {
    let unknown = || bad("?", text, "an identifier of digits");
    let family = text.get(..2).filter(|family| is_digits(family)).ok_or_else(unknown)?;
    let ai_length = identifier_length(text);
    let ai = text.get(..ai_length).filter(|ai| is_digits(ai)).ok_or_else(unknown)?;
    let end = match fixed_length(family) {
        Some(length) => length,
        None => text.find(SEPARATOR).unwrap_or(text.len()),
    };
    let value = text.get(ai_length..end).ok_or_else(|| bad(ai, &text[ai_length..], "more characters"))?;
    Ok((ai, value, &text[end..]))
}

/// Length of an element with its identifier, for the families that need no separator (figure 7.8.5-2 of the specifications).
fn fixed_length(family: &str) -> Option<usize> {
    match family {
        "00" => Some(20),
        "01" | "02" | "03" | "41" => Some(16),
        "04" => Some(18),
        "11" | "12" | "13" | "14" | "15" | "16" | "17" | "18" | "19" => Some(8),
        "20" => Some(4),
        "31" | "32" | "33" | "34" | "35" | "36" => Some(10),
        _ => None,
    }
}

/// Length of the identifier itself. One that a till passes over may be longer than said here; its digits then count as its value.
fn identifier_length(text: &str) -> usize {
    match text.as_bytes() {
        [b'3', b'1'..=b'6' | b'9', ..] => 4,
        _ => 2,
    }
}

#[derive(Default)]
struct Parts {
    code: Option<Code>,
    count: Option<u32>,
    weight: Option<Weight>,
    price: Option<AppliedPrice>,
    batch: Option<String>,
    serial: Option<String>,
    produced: Option<NaiveDate>,
    best_before: Option<NaiveDate>,
    expires: Option<NaiveDate>,
}

impl Parts {
    fn add(&mut self, ai: &str, value: &str) -> Result<(), BarcodeError> {
        match (ai, point(ai)) {
            ("01" | "02", _) => set(&mut self.code, ai, product(ai, value)?),
            ("30" | "37", _) => set(&mut self.count, ai, count(ai, value)?),
            ("10", _) => set(&mut self.batch, ai, text(ai, value)?),
            ("21", _) => set(&mut self.serial, ai, text(ai, value)?),
            ("11", _) => set(&mut self.produced, ai, date(ai, value)?),
            ("15", _) => set(&mut self.best_before, ai, date(ai, value)?),
            ("17", _) => set(&mut self.expires, ai, date(ai, value)?),
            (_, Some(("310", scale))) => set(&mut self.weight, ai, weight(ai, value, scale, WeightUnit::Kilogram)?),
            (_, Some(("320", scale))) => set(&mut self.weight, ai, weight(ai, value, scale, WeightUnit::Pound)?),
            (_, Some(("392", scale))) => set(&mut self.price, ai, price(ai, value, scale)?),
            (_, Some(("393", scale))) => set(&mut self.price, ai, price_in_currency(ai, value, scale)?),
            _ => Ok(()),
        }
    }

    fn into_elements(self) -> Result<Elements, BarcodeError> {
        Ok(Elements {
            code: self.code.ok_or(BarcodeError::NoProduct)?,
            count: self.count,
            weight: self.weight,
            price: self.price,
            batch: self.batch,
            serial: self.serial,
            produced: self.produced,
            best_before: self.best_before,
            expires: self.expires,
        })
    }
}

/// Of an identifier with four digits: the first three, and the last, which says where the decimal point stands.
fn point(ai: &str) -> Option<(&str, u32)> {
    let (family, last) = ai.split_at_checked(3)?;
    let mut last = last.chars();
    let scale = last.next()?.to_digit(10)?;
    last.next().is_none().then_some((family, scale))
}

fn set<T>(place: &mut Option<T>, ai: &str, value: T) -> Result<(), BarcodeError> {
    match place.replace(value) {
        Some(_) => Err(BarcodeError::RepeatedElement { ai: ai.to_owned() }),
        None => Ok(()),
    }
}

fn product(ai: &str, value: &str) -> Result<Code, BarcodeError> {
    if value.len() != 14 || !is_digits(value) {
        return Err(bad(ai, value, "14 digits"));
    }
    Code::parse(value)
}

fn count(ai: &str, value: &str) -> Result<u32, BarcodeError> {
    let in_range = value.len() <= 8 && is_digits(value);
    value.parse().ok().filter(|_| in_range).ok_or_else(|| bad(ai, value, "1 to 8 digits"))
}

fn text(ai: &str, value: &str) -> Result<String, BarcodeError> {
    if !(1..=20).contains(&value.len()) || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad(ai, value, "1 to 20 letters, digits or signs"));
    }
    Ok(value.to_owned())
}

/// A day as YYMMDD; day 00 is the month's last. The years are taken as 2000 to 2099: no goods on a shelf are older.
fn date(ai: &str, value: &str) -> Result<NaiveDate, BarcodeError> {
    let day_of = || {
        let digits = Some(value).filter(|value| value.len() == 6 && is_digits(value))?;
        let number = |from: usize| digits[from..from + 2].parse::<u32>().ok();
        let first = NaiveDate::from_ymd_opt(2000 + i32::try_from(number(0)?).ok()?, number(2)?, 1)?;
        match number(4)? {
            0 => first.checked_add_months(Months::new(1))?.pred_opt(),
            day => first.with_day(day),
        }
    };
    day_of().ok_or_else(|| bad(ai, value, "a date as YYMMDD"))
}

fn weight(ai: &str, value: &str, scale: u32, unit: WeightUnit) -> Result<Weight, BarcodeError> {
    let amount = Some(value).filter(|value| value.len() == 6).and_then(|value| decimal(value, scale));
    amount.map(|amount| Weight { amount, unit }).ok_or_else(|| bad(ai, value, "6 digits"))
}

fn price(ai: &str, value: &str, scale: u32) -> Result<AppliedPrice, BarcodeError> {
    let amount = decimal(value, scale).ok_or_else(|| bad(ai, value, "1 to 15 digits"))?;
    Ok(AppliedPrice { amount, currency: None })
}

fn price_in_currency(ai: &str, value: &str, scale: u32) -> Result<AppliedPrice, BarcodeError> {
    let read = || {
        let (currency, amount) = value.split_at_checked(3)?;
        let currency = Some(currency).filter(|currency| is_digits(currency))?.parse().ok()?;
        Some(AppliedPrice { amount: decimal(amount, scale)?, currency: Some(currency) })
    };
    read().ok_or_else(|| bad(ai, value, "3 digits of the currency and 1 to 15 of the price"))
}

fn decimal(digits: &str, scale: u32) -> Option<Decimal> {
    let digits = Some(digits).filter(|digits| digits.len() <= 15 && is_digits(digits))?;
    Decimal::try_new(digits.parse().ok()?, scale).ok()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn bad(ai: &str, value: &str, expected: &'static str) -> BarcodeError {
    BarcodeError::BadElement { ai: ai.to_owned(), value: value.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: &str = "(01)09506000134352";

    fn elements(text: &str) -> Elements {
        read_bracketed(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn each_identifier_fills_its_own_place() {
        let all = elements("(01)00036000291452(3102)000275(15)261231(17)270200(11)260101(10)LOT-1/a(21)SN9(30)12(3922)1299(99)whatever");
        let expected = Elements {
            code: Code::parse("036000291452").unwrap(),
            count: Some(12),
            weight: Some(Weight { amount: Decimal::new(275, 2), unit: WeightUnit::Kilogram }),
            price: Some(AppliedPrice { amount: Decimal::new(1299, 2), currency: None }),
            batch: Some("LOT-1/a".into()),
            serial: Some("SN9".into()),
            produced: Some(day("2026-01-01")),
            best_before: Some(day("2026-12-31")),
            expires: Some(day("2027-02-28")),
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn the_point_stands_where_the_identifier_says() {
        for (ai, expected) in [("3100", "275"), ("3101", "27.5"), ("3103", "0.275"), ("3106", "0.000275")] {
            let weight = elements(&format!("{PRODUCT}({ai})000275")).weight.unwrap();
            assert_eq!(weight.amount.to_string(), expected, "{ai}");
        }
        let pounds = elements(&format!("{PRODUCT}(3202)000275")).weight.unwrap();
        assert_eq!(pounds.unit, WeightUnit::Pound);
        let price = elements(&format!("{PRODUCT}(3932)8401025")).price;
        assert_eq!(price, Some(AppliedPrice { amount: Decimal::new(1025, 2), currency: Some(840) }));
    }

    #[test]
    fn a_case_names_the_product_inside_and_how_many() {
        let case = elements("(02)09506000134352(37)24");
        assert_eq!((case.code.as_str(), case.count), ("9506000134352", Some(24)));
    }

    #[test]
    fn scanned_elements_end_by_length_or_separator() {
        let read = read_raw("0109506000134352310300124010ABC\u{1d}240ignored\u{1d}1326010121X").unwrap();
        assert_eq!(read.weight.unwrap().amount.to_string(), "1.240");
        assert_eq!((read.batch.as_deref(), read.serial.as_deref()), (Some("ABC"), Some("X")));
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        for (text, ai) in [
            ("(01)9506000134352", "01"),
            ("(01)0950600013435A", "01"),
            ("(01)09506000134352(3102)275", "3102"),
            ("(01)09506000134352(3922)", "3922"),
            ("(01)09506000134352(3922)1234567890123456", "3922"),
            ("(01)09506000134352(3932)84", "3932"),
            ("(01)09506000134352(30)123456789", "30"),
            ("(01)09506000134352(15)260230", "15"),
            ("(01)09506000134352(15)261300", "15"),
            ("(01)09506000134352(10)", "10"),
            ("(01)09506000134352(10)ABCDEFGHIJKLMNOPQRSTU", "10"),
            ("(01)09506000134352(10", "?"),
            ("(01)09506000134352(1)0", "1"),
        ] {
            match read_bracketed(text) {
                Err(BarcodeError::BadElement { ai: named, .. }) => assert_eq!(named, ai, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(read_bracketed("(01)09506000134353"), Err(BarcodeError::WrongCheckDigit { .. })));
        assert_eq!(read_bracketed("(00)395011015300000011"), Err(BarcodeError::NoProduct));
        let twice = BarcodeError::RepeatedElement { ai: "17".into() };
        assert_eq!(read_bracketed("(01)09506000134352(17)261231(17)271231"), Err(twice));
    }

    #[test]
    fn a_scan_cut_short_is_refused() {
        let whole = "0109506000134352310300124015261231";
        for length in 1..whole.len() {
            let cut = read_raw(&whole[..length]);
            assert!(cut.is_err() || matches!(length, 16 | 26), "{length}: {cut:?}");
        }
    }
}
