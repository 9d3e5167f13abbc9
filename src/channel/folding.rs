//! How texts are made alike before they are searched: case, diacritics and spaces do not count.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The words of a text, folded, with one space between them.
pub(in crate::channel) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        if word.is_ascii() {
            folded.extend(word.chars().map(|letter| letter.to_ascii_lowercase()));
        } else {
            folded.extend(word.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase));
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn case_diacritics_and_spaces_do_not_count() {
        for (text, folded) in [
            ("BEANS  Baked ", "beans baked"),
            ("Crème Brûlée", "creme brulee"),
            ("\u{a0}Žemlja\t", "zemlja"),
            ("a\0b", "a b"),
            ("ΑΘΗΝΑ", "αθηνα"),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
        }
    }
}
