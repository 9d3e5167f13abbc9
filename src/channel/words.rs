//! What the index for searching and the vocabulary hold of a product, the same in every database.

use super::folding::fold;

/// Every word of name, number and bar code, with two spaces before it.
pub(in crate::channel) fn searched(folded_name: &str, id: &str, barcode: &str) -> String {
    let mut words = String::new();
    for word in folded_name.split(' ').chain(fold(id).split(' ')).chain(fold(barcode).split(' ')) {
        words.push_str("  ");
        words.push_str(word);
    }
    words
}

/// The words of a name that may be mistyped: only those with a letter, since a mistyped number is another number.
pub(in crate::channel) fn of_vocabulary(folded_name: &str) -> impl Iterator<Item = &str> {
    let words = folded_name.split(' ').map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()));
    words.filter(|word| word.contains(char::is_alphabetic))
}

/// A word from its end.
pub(in crate::channel) fn reversed(word: &str) -> String {
    word.chars().rev().collect()
}
