//! One typo in a word of a search: which words of the vocabulary may have been meant.
//!
//! One typo leaves one half of the word as it was, unless it swaps the two letters in the middle: so the words that begin with the first
//! half or end with the second are all there are. A database looks those up and has each considered.

/// Shorter words are not forgiven a typo: too many others are one letter away.
const FORGIVEN_MIN: usize = 4;
/// Words that a mistyped one may have meant.
const MEANT_MAX: usize = 50;
/// Words of the vocabulary that are compared with a mistyped one, for each half of it.
pub(in crate::channel) const CANDIDATES_MAX: u32 = 5_000;

/// A word that nothing matches.
pub(in crate::channel) struct Mistyped<'a> {
    word: &'a str,
    length: usize,
    meant: Vec<String>,
    /// What a candidate may begin with.
    pub(in crate::channel) first_half: String,
    /// What a candidate, reversed, may begin with.
    pub(in crate::channel) second_half_reversed: String,
}

impl<'a> Mistyped<'a> {
    /// None when a typo in it is not forgiven: a mistyped number is another number.
    pub(in crate::channel) fn new(word: &'a str) -> Option<Self> {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() < FORGIVEN_MIN || !word.contains(char::is_alphabetic) {
            return None;
        }
        let middle = letters.len() / 2;
        let mut swapped = letters.clone();
        swapped.swap(middle - 1, middle);
        Some(Self {
            word,
            length: letters.len(),
            meant: vec![swapped.iter().collect()],
            first_half: letters[..middle].iter().collect(),
            second_half_reversed: letters[middle..].iter().rev().collect(),
        })
    }

    /// Takes a candidate's beginning, or all of it, if it is one typo away.
    pub(in crate::channel) fn consider(&mut self, candidate: &str) {
        if let Some(close) = close_beginning(candidate, self.word, self.length)
            && !self.meant.contains(&close)
            && self.meant.len() < MEANT_MAX
        {
            self.meant.push(close);
        }
    }

    /// Beginnings of words, or whole ones, that may have been meant.
    pub(in crate::channel) fn meant(self) -> Vec<String> {
        self.meant
    }
}

/// The least text after all that begin with `prefix`, but for one that nobody writes.
pub(in crate::channel) fn after(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// The beginning of a candidate that is one typo away from a word of `length` letters, the longest such.
fn close_beginning(candidate: &str, word: &str, length: usize) -> Option<String> {
    (length - 1..=length + 1).rev().find_map(|length| {
        let beginning: String = candidate.chars().take(length).collect();
        (strsim::damerau_levenshtein(&beginning, word) <= 1).then_some(beginning)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_typo_is_close_and_two_are_not() {
        for (candidate, word, expected) in [
            ("bananas", "bananna", Some("banana")),
            ("milk", "mlik", Some("milk")),
            ("chocolate", "chocl", Some("chocol")),
            ("cereal", "cereal", Some("cereal")),
            ("cereal", "cerael", Some("cereal")),
            ("cereal", "creael", None),
            ("oz", "ozzy", None),
        ] {
            assert_eq!(close_beginning(candidate, word, word.chars().count()).as_deref(), expected, "{candidate} {word}");
        }
    }

    #[test]
    fn short_words_and_numbers_are_not_forgiven() {
        for (word, expected) in [("milk", true), ("mil", false), ("4711", false), ("4711a", true)] {
            assert_eq!(Mistyped::new(word).is_some(), expected, "{word}");
        }
    }
}
