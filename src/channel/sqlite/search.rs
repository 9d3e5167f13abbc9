//! Searching products as the text is typed: every word of it anywhere in name, number or bar code.
//!
//! The order is: the product whose code was typed, then names that begin with the text, then the rest, each by name. Products stand in
//! the order of their names, so nothing is sorted, and a page costs about as much as its rows.

use rusqlite::{Connection, ToSql, params};

use super::folding::fold;
use super::products::{self, Placed, columns, product};
use crate::channel::{Page, ProductSearch};
use crate::retail::product::Product;

/// Shorter words are not forgiven a typo: too many others are one letter away.
const FORGIVEN_MIN: usize = 4;
/// Words of the vocabulary that are compared with a mistyped one, for each half of it.
const CANDIDATES_MAX: u32 = 5_000;
/// Words that a mistyped one may have meant.
const MEANT_MAX: usize = 50;

/// One page of what is found.
pub(super) fn page(database: &Connection, search: &ProductSearch) -> rusqlite::Result<Page> {
    const NAMED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM products p WHERE place >= ?1 AND place < ?2 AND place <> ?3 ORDER BY place LIMIT ?4 OFFSET ?5"
    );
    const MATCHING: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM (SELECT rowid AS hit FROM search WHERE search MATCH ?6 AND NOT (rowid >= ?1 AND rowid < ?2) AND rowid <> ?3",
        " ORDER BY rowid LIMIT ?4 OFFSET ?5) CROSS JOIN products p ON p.place = hit ORDER BY hit"
    );
    let folded = fold(&search.text);
    let exact = products::by_code(database, search.text.trim())?;
    let named = places_of_names(database, &folded)?;
    let words = matching_words(database, &folded, exact.is_none() && named.is_empty())?;

    let mut window = Window::new(search);
    let exact_place = exact.as_ref().map_or(0, |exact| exact.place);
    let named_count = named.end - named.start - i64::from(named.contains(&exact_place));
    window.take(i64::from(exact.is_some()), |_, _| Ok(exact.into_iter().map(|Placed { found, .. }| found.product).collect()))?;
    window.take(named_count, |limit, offset| rows(database, NAMED, params![named.start, named.end, exact_place, limit, offset]))?;
    if let Some(words) = words {
        window
            .take(i64::MAX, |limit, offset| rows(database, MATCHING, params![named.start, named.end, exact_place, limit, offset, words]))?;
    }
    Ok(window.page())
}

/// The part of all that is found which a page shows.
struct Window {
    skip: i64,
    limit: i64,
    products: Vec<Product>,
}

impl Window {
    fn new(search: &ProductSearch) -> Self {
        Self { skip: search.offset.into(), limit: search.limit.into(), products: Vec::new() }
    }

    /// Takes what fits of the next `count` products, which `read` gets by limit and offset; one more than the page has tells whether there are more.
    fn take(&mut self, count: i64, read: impl FnOnce(i64, i64) -> rusqlite::Result<Vec<Product>>) -> rusqlite::Result<()> {
        let room = self.limit + 1 - self.found();
        let skipped = self.skip.min(count);
        if room > 0 && skipped < count {
            self.products.append(&mut read(room, skipped)?);
        }
        self.skip -= skipped;
        Ok(())
    }

    fn found(&self) -> i64 {
        i64::try_from(self.products.len()).expect("a page is short")
    }

    fn page(mut self) -> Page {
        let more = self.found() > self.limit;
        if more {
            self.products.pop();
        }
        Page { products: self.products, more }
    }
}

fn rows(database: &Connection, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Product>> {
    database.prepare_cached(sql)?.query_map(values, product)?.collect()
}

/// Where the names that begin with a text stand.
fn places_of_names(database: &Connection, folded: &str) -> rusqlite::Result<std::ops::Range<i64>> {
    const FIRST_FROM: &str = "SELECT coalesce((SELECT place FROM products WHERE folded_name >= ?1 ORDER BY folded_name, place LIMIT 1),
        (SELECT coalesce(max(place), 0) + 1 FROM products))";
    let mut first_from = database.prepare_cached(FIRST_FROM)?;
    let start = first_from.query_row([folded], |row| row.get(0))?;
    Ok(start..first_from.query_row([after(folded)], |row| row.get(0))?)
}

/// The least text after all that begin with `prefix`, but for one that nobody writes.
fn after(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// The full-text expression for all words; none for no words. When `alone` and nothing matches them as they are, a word that nothing
/// matches by itself may be mistyped.
fn matching_words(database: &Connection, folded: &str, alone: bool) -> rusqlite::Result<Option<String>> {
    if folded.is_empty() {
        return Ok(None);
    }
    let as_typed = all_of(folded.split(' ').map(phrase));
    if !alone || matches_any(database, &as_typed)? {
        return Ok(Some(as_typed));
    }
    let forgiven: rusqlite::Result<Vec<String>> = folded
        .split(' ')
        .map(|word| {
            let as_typed = phrase(word);
            if matches_any(database, &as_typed)? {
                return Ok(as_typed);
            }
            let phrases: Vec<String> = meant_words(database, word)?.iter().map(|meant| phrase(meant)).collect();
            Ok(if phrases.is_empty() { as_typed } else { format!("({})", phrases.join(" OR ")) })
        })
        .collect();
    Ok(Some(all_of(forgiven?)))
}

fn matches_any(database: &Connection, expression: &str) -> rusqlite::Result<bool> {
    const ANY: &str = "SELECT EXISTS (SELECT 1 FROM search WHERE search MATCH ?1)";
    database.prepare_cached(ANY)?.query_row([expression], |row| row.get(0))
}

fn all_of(expressions: impl IntoIterator<Item = String>) -> String {
    expressions.into_iter().collect::<Vec<_>>().join(" AND ")
}

/// A word as the trigrams know it: three letters and more anywhere, fewer at the beginning of a word (two spaces stand before each).
fn phrase(word: &str) -> String {
    let before = match word.chars().nth(1) {
        None => "  ",
        Some(_) if word.chars().nth(2).is_none() => " ",
        Some(_) => "",
    };
    format!("\"{before}{}\"", word.replace('"', "\"\""))
}

/// Beginnings of words in the vocabulary, or whole ones, that are one typo away from a word.
///
/// One typo leaves one half of the word as it was, unless it swaps the two letters in the middle: so the words that begin with the first
/// half or end with the second are all there are.
fn meant_words(database: &Connection, word: &str) -> rusqlite::Result<Vec<String>> {
    const BEGINNING: &str = "SELECT word FROM vocabulary WHERE word >= ?1 AND word < ?2 LIMIT ?3";
    const ENDING: &str = "SELECT word FROM vocabulary WHERE reversed >= ?1 AND reversed < ?2 LIMIT ?3";
    let letters: Vec<char> = word.chars().collect();
    if letters.len() < FORGIVEN_MIN || !word.contains(char::is_alphabetic) {
        return Ok(Vec::new());
    }
    let middle = letters.len() / 2;
    let first_half: String = letters[..middle].iter().collect();
    let second_half_reversed: String = letters[middle..].iter().rev().collect();
    let mut swapped = letters.clone();
    swapped.swap(middle - 1, middle);

    let mut meant = vec![swapped.iter().collect()];
    for (sql, half) in [(BEGINNING, &first_half), (ENDING, &second_half_reversed)] {
        let mut candidates = database.prepare_cached(sql)?;
        let candidates = candidates.query_map(params![half, after(half), CANDIDATES_MAX], |row| row.get::<_, String>(0))?;
        for candidate in candidates {
            if let Some(close) = close_beginning(&candidate?, word, letters.len())
                && !meant.contains(&close)
                && meant.len() < MEANT_MAX
            {
                meant.push(close);
            }
        }
    }
    Ok(meant)
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
    fn a_phrase_is_taken_literally() {
        for (word, expected) in
            [("beans", "\"beans\""), ("oz", "\" oz\""), ("b", "\"  b\""), ("a\"b", "\"a\"\"b\""), ("\"", "\"  \"\"\""), ("or*", "\"or*\"")]
        {
            assert_eq!(phrase(word), expected);
        }
    }

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
}
