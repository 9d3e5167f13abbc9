//! Rows of a store's table of bar codes that have a weight or a price inside.

use rust_decimal::Decimal;

use super::{EmbeddedValue, Weight, WeightUnit};

/// One such row: a picture of the code, digit by digit, such as `21IIIIINNDDDK`.
///
/// A digit stands for itself, `I` for a digit of the item's number, `V` for a digit passed over, `N` and `D` for the value's digits
/// before and after the point, `K` for the check digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    picture: String,
    kind: ValueKind,
}

/// What the value of a pattern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A weight, in the unit that the scale prints.
    Weight(WeightUnit),
    /// The price of the whole bag.
    Price,
}

/// Why a picture is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bar code pattern {picture:?} is not usable, expected {expected}")]
pub struct PatternError {
    picture: String,
    expected: &'static str,
}

impl Pattern {
    /// Reads a picture.
    ///
    /// # Errors
    /// Says which rule of a picture is broken.
    pub fn parse(picture: &str, kind: ValueKind) -> Result<Self, PatternError> {
        let broken = |expected| Err(PatternError { picture: picture.to_owned(), expected });
        let runs = runs(picture);
        let of = |letter| runs.iter().filter(move |run| **run == letter).count();
        if picture.len() > LENGTH_MAX {
            return broken("at most 24 digits");
        }
        if !picture.chars().all(|c| c.is_ascii_digit() || "IVNDK".contains(c)) {
            return broken("only digits and the letters I, V, N, D and K");
        }
        if !picture.starts_with(|c: char| c.is_ascii_digit()) {
            return broken("digits at the beginning, to tell it from other codes");
        }
        if of('I') != 1 {
            return broken("one run of I for the item");
        }
        if of('N') > 1 || of('D') > 1 || of('N') + of('D') == 0 {
            return broken("one run of N, or of D, or both, for the value");
        }
        if of('N') + of('D') == 2 && !runs.windows(2).any(|pair| pair == ['N', 'D']) {
            return broken("D right after N");
        }
        if picture.matches('K').count() > 1 || (picture.contains('K') && !picture.ends_with('K')) {
            return broken("one K at the end, or none");
        }
        if picture.ends_with('K') != matches!(picture.len(), 8 | 12 | 13 | 14) {
            return broken("K at the end of 8, 12, 13 or 14 digits, and only there");
        }
        Ok(Self { picture: picture.to_owned(), kind })
    }

    /// The item and the value of a code under this pattern; nothing if the code does not fit. The check digit is not looked at.
    pub(super) fn read(&self, code: &str) -> Option<(String, EmbeddedValue)> {
        let fits = code.len() == self.picture.len()
            && self.places(code).all(|(place, digit)| digit.is_ascii_digit() && (!place.is_ascii_digit() || place == digit));
        if !fits {
            return None;
        }
        let whole = self.digits(code, 'N');
        let decimals = self.digits(code, 'D');
        let scale = u32::try_from(decimals.len()).ok()?;
        let value = Decimal::try_from_i128_with_scale(format!("{whole}{decimals}").parse().ok()?, scale).ok()?;
        Some((self.digits(code, 'I'), self.kind.of(value)))
    }

    fn digits(&self, code: &str, letter: char) -> String {
        self.places(code).filter(|(place, _)| *place == letter).map(|(_, digit)| digit).collect()
    }

    fn places<'a>(&'a self, code: &'a str) -> impl Iterator<Item = (char, char)> + 'a {
        self.picture.chars().zip(code.chars())
    }
}

impl ValueKind {
    fn of(self, amount: Decimal) -> EmbeddedValue {
        match self {
            Self::Weight(unit) => EmbeddedValue::Weight(Weight { amount, unit }),
            Self::Price => EmbeddedValue::Price(amount),
        }
    }
}

/// Leaves the value's digits far within a decimal's 28.
const LENGTH_MAX: usize = 24;

/// The picture's letters with repetitions left out.
fn runs(picture: &str) -> Vec<char> {
    let mut runs: Vec<char> = picture.chars().collect();
    runs.dedup();
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_picture_must_have_all_its_parts() {
        for (picture, expected) in [
            ("IIIIINNDDDK", "digits at the beginning, to tell it from other codes"),
            ("21NNDDDK", "one run of I for the item"),
            ("21IINNIIDDK", "one run of I for the item"),
            ("21IIIIIVVVVVK", "one run of N, or of D, or both, for the value"),
            ("21IIIIINNVNDK", "one run of N, or of D, or both, for the value"),
            ("21IIIIIDDDNNK", "D right after N"),
            ("21IIIIINNVDDK", "D right after N"),
            ("21IIIIIKNNDDD", "one K at the end, or none"),
            ("21IINNK", "K at the end of 8, 12, 13 or 14 digits, and only there"),
            ("21IIIIINNDDDD", "K at the end of 8, 12, 13 or 14 digits, and only there"),
            ("21iiiiinndddk", "only digits and the letters I, V, N, D and K"),
            ("21IIIIINNDDDDDDDDDDDDDDDD", "at most 24 digits"),
        ] {
            let error = Pattern::parse(picture, ValueKind::Price).unwrap_err();
            assert_eq!(error.expected, expected, "{picture}");
        }
    }

    #[test]
    fn a_code_fits_only_with_the_picture_s_own_digits_and_length() {
        let pattern = Pattern::parse("29IIIIDDD", ValueKind::Price).unwrap();
        let half = EmbeddedValue::Price(Decimal::new(500, 3));
        assert_eq!(pattern.read("291234500"), Some(("1234".into(), half)));
        for code in ["281234500", "29123450", "2912345000", "29123450A", "29123é00"] {
            assert_eq!(pattern.read(code), None, "{code}");
        }
    }

    proptest! {
        #[test]
        fn no_picture_and_no_code_panics(picture in "[0-9]{1,2}[0-9IVNDKé]{0,24}", code in ".{0,26}") {
            if let Ok(pattern) = Pattern::parse(&picture, ValueKind::Price) {
                let _ = pattern.read(&code);
            }
        }
    }
}
