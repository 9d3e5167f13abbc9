//! Product numbers (GTIN) in all the lengths they are printed in, and the one form they are stored and looked up in.

use std::fmt;

use super::{BarcodeError, Label};

/// A code in its normal form, so that however a label prints a product's number, it is one text.
///
/// UPC-A, UPC-E and a case code with a leading zero become the EAN-13; five zeros before an EAN-8 fall away.
/// Everything that is no product number (a price look-up number, a text) stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(String);

impl Code {
    /// Reads a code as scanned, typed or written in a file.
    ///
    /// # Errors
    /// A number of 8, 12, 13 or 14 digits whose check digit is wrong; a code that is empty, too long or has control characters.
    pub fn parse(text: &str) -> Result<Self, BarcodeError> {
        let text = Label::of(text)?.text;
        if text.contains(super::SEPARATOR) {
            return Err(BarcodeError::ControlCharacter);
        }
        if let Some(upc_a) = upc_e_expanded(text).filter(|upc_a| upc_a[11..] == text[7..]) {
            return Ok(Self(normal_gtin(&upc_a)));
        }
        verify_where_due(text)?;
        Ok(Self(if is_gtin(text) { normal_gtin(text) } else { text.to_owned() }))
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The texts to look up, the normal form first: a list made elsewhere may hold a UPC-A with its 12 digits.
    pub fn candidates(&self) -> Vec<String> {
        match self.0.strip_prefix('0') {
            Some(upc_a) if is_gtin(&self.0) && self.0.len() == 13 => {
                vec![self.0.clone(), upc_a.to_owned()]
            }
            _ => vec![self.0.clone()],
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses a number as long as a GTIN whose last digit is not the one that the others call for.
fn verify_where_due(text: &str) -> Result<(), BarcodeError> {
    if !is_gtin(text) {
        return Ok(());
    }
    let (digits, found) = text.split_at(text.len() - 1);
    let (expected, found) = (check_digit(digits), found.chars().next().unwrap_or_default());
    if expected == found {
        return Ok(());
    }
    // Eight digits that begin with 0 were meant as a UPC-E, which takes its check digit from the UPC-A.
    let of_upc_a = upc_e_expanded(text).and_then(|upc_a| upc_a.chars().last());
    let expected = of_upc_a.unwrap_or(expected);
    Err(BarcodeError::WrongCheckDigit { code: text.to_owned(), expected, found })
}

/// The other form of a UPC-A or of an EAN-13 that is one; the same text for anything else.
pub(super) fn upc_a_or_ean_13(text: &str) -> String {
    match text.strip_prefix('0') {
        _ if !is_gtin(text) => text.to_owned(),
        Some(upc_a) if text.len() == 13 => upc_a.to_owned(),
        _ if text.len() == 12 => format!("0{text}"),
        _ => text.to_owned(),
    }
}

fn is_gtin(text: &str) -> bool {
    matches!(text.len(), 8 | 12 | 13 | 14) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Zeros in front do not change a check digit, so a GTIN is cut and filled freely.
fn normal_gtin(digits: &str) -> String {
    let significant = digits.trim_start_matches('0');
    match (digits.len(), significant.len()) {
        (8, _) => digits.to_owned(),
        // A case; or an EAN-8 written with zeros in front, for which GS1 keeps these numbers free.
        (_, 14 | 8) => significant.to_owned(),
        _ => format!("{significant:0>13}"),
    }
}

/// The UPC-A that eight digits stand for if they are a UPC-E, with the check digit it should have
/// (GS1 General Specifications, 5.2.2.4).
fn upc_e_expanded(text: &str) -> Option<String> {
    if !is_gtin(text) || text.len() != 8 || !text.starts_with('0') {
        return None;
    }
    let body = &text[1..7];
    let digits = match &body[5..] {
        last @ ("0" | "1" | "2") => format!("0{}{last}0000{}", &body[..2], &body[2..5]),
        "3" => format!("0{}00000{}", &body[..3], &body[3..5]),
        "4" => format!("0{}00000{}", &body[..4], &body[4..5]),
        last => format!("0{}0000{last}", &body[..5]),
    };
    Some(with_check_digit(&digits))
}

pub(super) fn with_check_digit(digits: &str) -> String {
    format!("{digits}{}", check_digit(digits))
}

/// GS1's check digit: from the right, every other digit counts three times; it fills the sum up to a multiple of ten.
fn check_digit(digits: &str) -> char {
    let weighted = digits.bytes().rev().zip([3_u32, 1].into_iter().cycle());
    let sum: u32 = weighted.map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight).sum();
    char::from_digit((10 - sum % 10) % 10, 10).expect("a remainder of ten is a digit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> String {
        Code::parse(text).unwrap().to_string()
    }

    #[test]
    fn every_printed_form_of_a_number_has_one_normal_form() {
        for (printed, expected) in [
            ("4006381333931", "4006381333931"),  // EAN-13
            ("04006381333931", "4006381333931"), // the same as a case code
            ("036000291452", "0036000291452"),   // UPC-A
            ("0036000291452", "0036000291452"),
            ("00036000291452", "0036000291452"),
            ("96385074", "96385074"), // EAN-8
            ("0000096385074", "96385074"),
            ("00000096385074", "96385074"),
            ("15400141288763", "15400141288763"), // ITF-14 of a case
            ("04252614", "0042100005264"),        // UPC-E, each way of leaving zeros out
            ("01234505", "0012000003455"),
            ("01234531", "0012300000451"),
            ("01234543", "0012340000053"),
            ("01234565", "0012345000065"),
            ("00009645", "90000065"), // the UPC-E of a UPC-A that is an EAN-8 with zeros in front
            ("000090000065", "90000065"),
        ] {
            assert_eq!(normal(printed), expected, "{printed}");
        }
    }

    #[test]
    fn a_wrong_check_digit_is_named_with_the_right_one() {
        for (code, expected, found) in [
            ("4006381333930", '1', '0'),
            ("036000291453", '2', '3'),
            ("96385075", '4', '5'),
            ("15400141288764", '3', '4'),
            ("04252613", '4', '3'), // as a UPC-E,
        ] {
            let error = BarcodeError::WrongCheckDigit { code: code.into(), expected, found };
            assert_eq!(Code::parse(code), Err(error));
        }
    }

    #[test]
    fn a_upc_a_is_looked_up_in_both_its_lengths() {
        let both = vec!["0036000291452".to_owned(), "036000291452".to_owned()];
        assert_eq!(Code::parse("036000291452").unwrap().candidates(), both);
        assert_eq!(Code::parse("4006381333931").unwrap().candidates(), ["4006381333931"]);
        assert_eq!(Code::parse("04011").unwrap().candidates(), ["04011"]);
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own_normal_form(digits in "0{0,9}[0-9]{7,13}") {
            let digits = &digits[digits.len().saturating_sub(13)..];
            if let Ok(code) = Code::parse(&with_check_digit(digits)) {
                prop_assert_eq!(Code::parse(code.as_str()), Ok(code));
            }
        }

        #[test]
        fn zeros_in_front_never_change_a_long_number(digits in "[0-9]{11}") {
            let upc_a = with_check_digit(&digits);
            let padded = format!("00{upc_a}");
            prop_assert_eq!(Code::parse(&upc_a), Code::parse(&padded));
        }
    }
}
