//! What a scanned or typed bar code says: a product, a product with its weight or price inside, or a GS1 element string.
//!
//! The till calls [`read`] for every scan, the import calls [`Code::parse`] for every code of a file, so that both meet in one
//! normal form. Knows no product and looks nothing up.

mod gs1;
mod gtin;
mod pattern;

use rust_decimal::{Decimal, RoundingStrategy};

pub use gs1::{AppliedPrice, Elements};
pub use gtin::Code;
pub use pattern::{Pattern, PatternError, ValueKind};

/// What a bar code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// A product's code, a price look-up number, or any other text on a label.
    Product(Code),
    /// A label of a scale: an item's number and its weight or price, under a [`Pattern`].
    Embedded {
        /// The whole label, in its normal form.
        code: Code,
        /// The item's digits, zeros in front kept; looked up like a code.
        item: String,
        /// What the label adds to it.
        value: EmbeddedValue,
    },
    /// A GS1 element string.
    Elements(Elements),
}

/// A value inside a scale's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddedValue {
    /// The weight of what is in the bag.
    Weight(Weight),
    /// The price of the whole bag, in the store's currency.
    Price(Decimal),
}

/// A weight and the unit it was printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// How much, in `unit`.
    pub amount: Decimal,
    /// The unit of `amount`.
    pub unit: WeightUnit,
}

impl Weight {
    /// The weight in another unit, rounded half up to thousandths, the finest that a shop's scale shows.
    pub fn amount_in(self, unit: WeightUnit) -> Decimal {
        let converted = match (self.unit, unit) {
            (WeightUnit::Pound, WeightUnit::Kilogram) => self.amount * KILOGRAMS_IN_A_POUND,
            (WeightUnit::Kilogram, WeightUnit::Pound) => self.amount / KILOGRAMS_IN_A_POUND,
            (WeightUnit::Kilogram, WeightUnit::Kilogram) | (WeightUnit::Pound, WeightUnit::Pound) => return self.amount,
        };
        converted.round_dp_with_strategy(3, RoundingStrategy::MidpointAwayFromZero)
    }
}

/// A unit of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightUnit {
    /// `kg`
    Kilogram,
    /// `lb`, the avoirdupois pound.
    Pound,
}

impl WeightUnit {
    /// The unit of a product or a pattern, by its name there: `kg` or `lb`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "kg" => Some(Self::Kilogram),
            "lb" => Some(Self::Pound),
            _ => None,
        }
    }
}

/// Exactly, by the international agreement of 1959.
const KILOGRAMS_IN_A_POUND: Decimal = Decimal::from_parts(45_359_237, 0, 0, false, 8);

/// Why a bar code cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BarcodeError {
    /// Nothing but white space.
    #[error("nothing was scanned")]
    Empty,
    /// Longer than any bar code on a product.
    #[error("bar code has more than {LENGTH_MAX} characters")]
    TooLong,
    /// A character that no label prints.
    #[error("bar code has a character that cannot be printed")]
    ControlCharacter,
    /// A digit was misread or mistyped.
    #[error("bar code {code} ends in {found}, expected check digit {expected}")]
    WrongCheckDigit {
        /// As it was scanned; the till may still know it as a product's number.
        code: String,
        /// The digit that the others call for.
        expected: char,
        /// The digit that stands there.
        found: char,
    },
    /// A part of a GS1 element string that breaks its rule.
    #[error("bar code has ({ai}) {value:?}, expected {expected}")]
    BadElement {
        /// The application identifier, or what stands in its place.
        ai: String,
        /// What follows it.
        value: String,
        /// What may follow it.
        expected: &'static str,
    },
    /// A GS1 element string that says the same thing twice.
    #[error("bar code has ({ai}) a second time")]
    RepeatedElement {
        /// The application identifier.
        ai: String,
    },
    /// A GS1 element string of, say, a pallet.
    #[error("bar code names no product, expected (01) or (02) in it")]
    NoProduct,
}

impl BarcodeError {
    /// What the cashier can do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::TooLong | Self::ControlCharacter | Self::WrongCheckDigit { .. } => {
                "scan it again, or type the number under the bars"
            }
            Self::BadElement { .. } | Self::RepeatedElement { .. } | Self::NoProduct => {
                "scan another bar code of the product, or search by its name"
            }
        }
    }
}

/// Reads a scan or a typed code. The first pattern that fits wins.
///
/// # Errors
/// See [`BarcodeError`].
pub fn read(scan: &str, patterns: &[Pattern]) -> Result<Scanned, BarcodeError> {
    let label = Label::of(scan)?;
    if label.text.starts_with('(') {
        return gs1::read_bracketed(label.text).map(Scanned::Elements);
    }
    if label.is_gs1 {
        return gs1::read_raw(label.text).map(Scanned::Elements);
    }
    let code = Code::parse(label.text)?;
    let forms = [label.text.to_owned(), gtin::upc_a_or_ean_13(label.text)];
    let inside = patterns.iter().find_map(|pattern| forms.iter().find_map(|form| pattern.read(form)));
    Ok(match inside {
        Some((item, value)) => Scanned::Embedded { code, item, value },
        None => Scanned::Product(code),
    })
}

/// Longer than the longest GS1-128 (48) and what two-dimensional labels of groceries carry; a bound on what the till handles.
const LENGTH_MAX: usize = 128;

/// GS1's separator, sent by scanners for the FNC1 that ends an element of variable length.
const SEPARATOR: char = '\u{1d}';

/// A scan without what the scanner put around it.
struct Label<'a> {
    text: &'a str,
    is_gs1: bool,
}

impl<'a> Label<'a> {
    fn of(scan: &'a str) -> Result<Self, BarcodeError> {
        let scan = scan.trim();
        let symbology = symbology(scan);
        let text = scan[symbology.len()..].trim();
        let is_gs1 = GS1_SYMBOLOGIES.contains(&symbology) || text.contains(SEPARATOR);
        if text.is_empty() {
            return Err(BarcodeError::Empty);
        }
        if text.chars().nth(LENGTH_MAX).is_some() {
            return Err(BarcodeError::TooLong);
        }
        if text.chars().any(|c| c.is_control() && !(is_gs1 && c == SEPARATOR)) {
            return Err(BarcodeError::ControlCharacter);
        }
        Ok(Self { text, is_gs1 })
    }
}

/// Symbology identifiers (ISO/IEC 15424) that announce a GS1 element string: GS1-128, `DataBar`, `DataMatrix`, QR.
const GS1_SYMBOLOGIES: [&str; 4] = ["]C1", "]e0", "]d2", "]Q3"];

/// The symbology identifier in front, such as `]E0`; empty if there is none.
fn symbology(scan: &str) -> &str {
    match scan.as_bytes() {
        [b']', letter, modifier, ..] if letter.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() => &scan[..3],
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn patterns() -> Vec<Pattern> {
        let kilograms = ValueKind::Weight(WeightUnit::Kilogram);
        vec![
            Pattern::parse("21IIIIINNDDDK", kilograms).unwrap(),
            Pattern::parse("23IIIIINNDDDK", kilograms).unwrap(),
            Pattern::parse("22IIIIIVNNDDK", ValueKind::Price).unwrap(),
            Pattern::parse("02IIIIIVNNDDK", ValueKind::Price).unwrap(),
        ]
    }

    fn product(scan: &str) -> String {
        match read(scan, &patterns()) {
            Ok(Scanned::Product(code)) => code.to_string(),
            other => panic!("{scan:?} is no plain product: {other:?}"),
        }
    }

    #[test]
    fn what_a_scanner_adds_around_a_code_is_taken_off() {
        for scan in ["4006381333931", "  4006381333931\r\n", "]E04006381333931", "]E0 4006381333931", "\t]E04006381333931\t"] {
            assert_eq!(product(scan), "4006381333931", "{scan:?}");
        }
        assert_eq!(product("]C0ABC-123"), "ABC-123");
        assert_eq!(product("]-a"), "]-a");
    }

    #[test]
    fn short_numbers_and_other_text_pass_through() {
        for text in ["4011", "94011", "004011", "501", "7", "ABC-123", "Käse 5", "123456789", "]"] {
            assert_eq!(product(text), text);
        }
    }

    #[test]
    fn a_weight_or_price_inside_is_read_by_the_table() {
        let kilograms = |amount| EmbeddedValue::Weight(Weight { amount: dec(amount), unit: WeightUnit::Kilogram });
        for (scan, expected_item, expected_value) in [
            ("2100001027506", "00001", kilograms("2.750")),
            ("2342345106664", "42345", kilograms("10.666")),
            ("]E02212345610259", "12345", EmbeddedValue::Price(dec("10.25"))),
            ("212345610251", "12345", EmbeddedValue::Price(dec("10.25"))),
            ("0212345610251", "12345", EmbeddedValue::Price(dec("10.25"))),
        ] {
            match read(scan, &patterns()) {
                Ok(Scanned::Embedded { item, value, .. }) => {
                    assert_eq!((item.as_str(), value), (expected_item, expected_value), "{scan}");
                }
                other => panic!("{scan}: {other:?}"),
            }
        }
    }

    #[test]
    fn without_a_table_the_same_label_is_a_plain_code() {
        let code = Code::parse("2100001027506").unwrap();
        assert_eq!(read("2100001027506", &[]), Ok(Scanned::Product(code)));
    }

    #[test]
    fn a_misread_label_never_sells_a_wrong_weight() {
        assert_eq!(
            read("2100001037506", &patterns()).unwrap_err(),
            BarcodeError::WrongCheckDigit { code: "2100001037506".into(), expected: '5', found: '6' }
        );
    }

    #[test]
    fn what_no_label_prints_is_refused() {
        for (scan, expected) in [
            ("", BarcodeError::Empty),
            (" \r\n", BarcodeError::Empty),
            ("]E0", BarcodeError::Empty),
            ("ABC\u{1b}[2J", BarcodeError::ControlCharacter),
            ("AB\0C", BarcodeError::ControlCharacter),
            ("40\t11", BarcodeError::ControlCharacter),
            (&"A".repeat(129), BarcodeError::TooLong),
        ] {
            assert_eq!(read(scan, &patterns()).unwrap_err(), expected, "{scan:?}");
        }
        assert_eq!(product(&"é".repeat(128)), "é".repeat(128));
    }

    #[test]
    fn element_strings_are_known_by_brackets_symbology_or_separator() {
        for scan in [
            "(01)09506000134352(10)A1(15)261231",
            "]C1010950600013435215261231 10A1".replace(' ', "").as_str(),
            "]d20109506000134352\u{1d}15261231\u{1d}10A1\u{1d}",
            "\u{1d}010950600013435210A1\u{1d}15261231",
        ] {
            match read(scan, &patterns()) {
                Ok(Scanned::Elements(elements)) => {
                    assert_eq!(elements.code.as_str(), "9506000134352", "{scan:?}");
                    assert_eq!(elements.batch.as_deref(), Some("A1"), "{scan:?}");
                    assert_eq!(elements.best_before.unwrap().to_string(), "2026-12-31", "{scan:?}");
                }
                other => panic!("{scan:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn weights_convert_between_kilograms_and_pounds() {
        for (amount, unit, wanted, expected) in [
            ("2.75", WeightUnit::Kilogram, WeightUnit::Pound, "6.063"),
            ("1", WeightUnit::Pound, WeightUnit::Kilogram, "0.454"),
            ("1.2345", WeightUnit::Pound, WeightUnit::Pound, "1.2345"),
        ] {
            assert_eq!(Weight { amount: dec(amount), unit }.amount_in(wanted), dec(expected));
        }
    }

    #[test]
    fn errors_say_what_was_expected_in_a_cashiers_words() {
        let error = read("4006381333932", &patterns()).unwrap_err();
        assert_eq!(error.to_string(), "bar code 4006381333932 ends in 2, expected check digit 1");
        assert_eq!(error.hint(), "scan it again, or type the number under the bars");
        let error = read("(01)09506000134352(15)261331", &patterns()).unwrap_err();
        assert_eq!(error.to_string(), "bar code has (15) \"261331\", expected a date as YYMMDD");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&String::from_utf8_lossy(&bytes), &patterns());
        }

        #[test]
        fn almost_right_codes_never_panic(scan in "(\\]C1|\\]E0|\\(01\\)|)?[0-9()\u{1d}Aé]{0,60}") {
            let _ = read(&scan, &patterns());
        }

        #[test]
        fn one_misread_digit_of_a_label_is_always_noticed(
            item in 0_u32..100_000, grams in 0_u32..100_000, place in 0_usize..13, shift in 1_u8..10,
        ) {
            let label = gtin::with_check_digit(&format!("21{item:05}{grams:05}"));
            let mut misread = label.into_bytes();
            misread[place] = b'0' + (misread[place] - b'0' + shift) % 10;
            let misread = String::from_utf8(misread).unwrap();
            let is_wrong = matches!(read(&misread, &patterns()), Err(BarcodeError::WrongCheckDigit { .. }));
            prop_assert!(is_wrong, "{}", misread);
        }
    }
}
