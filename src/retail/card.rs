//! Numbers of payment cards, which have no place in any field of a till: how one is known.

/// The shortest and the longest number in circulation. Cards with 13 digits are issued no more, and would be taken for bar codes.
const LENGTHS: std::ops::RangeInclusive<usize> = 14..=19;

/// Whether a text holds the number of a payment card: alone, in groups, or within what a magnetic stripe says.
///
/// A bar code is none: one of 14 digits whose own check digit is right, and everything with more than 19 digits in a row.
pub fn stands_in(text: &str) -> bool {
    let mut digits = String::new();
    for character in text.chars().chain(['\n']) {
        match character {
            '0'..='9' => digits.push(character),
            ' ' | '-' => {}
            _ if is_number(&digits) => return true,
            _ => digits.clear(),
        }
    }
    false
}

fn is_number(digits: &str) -> bool {
    LENGTHS.contains(&digits.len()) && is_issued(digits) && weighed(digits, luhn) && !(digits.len() == 14 && weighed(digits, three_and_one))
}

/// Whether an issuer of payment cards has numbers that begin so.
fn is_issued(digits: &str) -> bool {
    match digits.as_bytes().first() {
        Some(b'3' | b'4' | b'5' | b'6') => true,
        Some(b'2') => digits.len() == 16 && ("2221".."2721").contains(&&digits[..4]),
        Some(_) | None => false,
    }
}

/// Whether the digits, weighed from the right, come to a multiple of ten.
fn weighed(digits: &str, weigh: fn(usize, u32) -> u32) -> bool {
    let weights = digits.bytes().rev().enumerate().map(|(place, digit)| weigh(place, u32::from(digit - b'0')));
    weights.sum::<u32>().is_multiple_of(10)
}

fn luhn(place: usize, digit: u32) -> u32 {
    let doubled = digit * 2;
    if place.is_multiple_of(2) { digit } else { doubled / 10 + doubled % 10 }
}

/// The check digit of bar codes.
fn three_and_one(place: usize, digit: u32) -> u32 {
    if place.is_multiple_of(2) { digit } else { digit * 3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_cards_are_known_however_they_are_typed() {
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "3*4111111111111111",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6759649826438453",
            "36227206271667",
            "4000000000000000006",
            "%B4111111111111111^DOE/JANE^29121010000000000?",
            ";4111111111111111=29121010000000000?",
        ] {
            assert!(stands_in(text), "{text}");
        }
    }

    #[test]
    fn bar_codes_amounts_and_other_numbers_are_none() {
        for text in [
            "",
            "4006381333931",
            "4006381333932",
            "036000291452",
            "2212345610259",
            "4111111111111112",
            "1111111111111117",
            "0104006381333931",
            "010400638133393121123456789012",
            "41111111111111110000",
            "6035220001234567",
            "100.00",
            "000160",
            "36000000000081",
        ] {
            assert!(!stands_in(text), "{text}");
        }
    }
}
