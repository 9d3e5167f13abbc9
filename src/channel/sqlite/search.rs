//! Searching products as the text is typed: every word of it anywhere in name, number or bar code.
//!
//! The order is: the product whose code was typed, then names that begin with the text, then the rest, each by name. Products stand in
//! the order of their names, so nothing is sorted, and a page costs about as much as its rows.

use std::ops::Range;

use rusqlite::{Connection, ToSql, params};

use super::products::{self, Placed, columns, product};
use crate::channel::folding::fold;
use crate::channel::typo::{CANDIDATES_MAX, Mistyped, after};
use crate::channel::window::Window;
use crate::channel::{Page, ProductSearch};
use crate::retail::product::Product;

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
    let named_count = count(database, &named, exact_place, window.reach())?;
    window.take(i64::from(exact.is_some()), |_, _| {
        Ok::<_, rusqlite::Error>(exact.into_iter().map(|Placed { found, .. }| found.product).collect())
    })?;
    window.take(named_count, |limit, offset| rows(database, NAMED, params![named.start, named.end, exact_place, limit, offset]))?;
    if let Some(words) = words {
        window
            .take(i64::MAX, |limit, offset| rows(database, MATCHING, params![named.start, named.end, exact_place, limit, offset, words]))?;
    }
    Ok(window.page())
}

/// How many names begin with the text, the exact one aside; further than that is not counted.
fn count(database: &Connection, named: &Range<i64>, exact_place: i64, most: i64) -> rusqlite::Result<i64> {
    const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM products WHERE place >= ?1 AND place < ?2 AND place <> ?3 LIMIT ?4)";
    database.prepare_cached(COUNT)?.query_row([named.start, named.end, exact_place, most], |row| row.get(0))
}

fn rows(database: &Connection, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Product>> {
    database.prepare_cached(sql)?.query_map(values, product)?.collect()
}

/// Where the names that begin with a text stand.
fn places_of_names(database: &Connection, folded: &str) -> rusqlite::Result<Range<i64>> {
    const FIRST_FROM: &str = "SELECT coalesce((SELECT place FROM products WHERE folded_name >= ?1 ORDER BY folded_name, place LIMIT 1),
        (SELECT coalesce(max(place), 0) + 1 FROM products))";
    let mut first_from = database.prepare_cached(FIRST_FROM)?;
    let start = first_from.query_row([folded], |row| row.get(0))?;
    Ok(start..first_from.query_row([after(folded)], |row| row.get(0))?)
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

/// Words of the vocabulary that may have been meant.
fn meant_words(database: &Connection, word: &str) -> rusqlite::Result<Vec<String>> {
    const BEGINNING: &str = "SELECT word FROM vocabulary WHERE word >= ?1 AND word < ?2 LIMIT ?3";
    const ENDING: &str = "SELECT word FROM vocabulary WHERE reversed >= ?1 AND reversed < ?2 LIMIT ?3";
    let Some(mut mistyped) = Mistyped::new(word) else { return Ok(Vec::new()) };
    for (sql, half) in [(BEGINNING, mistyped.first_half.clone()), (ENDING, mistyped.second_half_reversed.clone())] {
        let mut candidates = database.prepare_cached(sql)?;
        for candidate in candidates.query_map(params![half, after(&half), CANDIDATES_MAX], |row| row.get::<_, String>(0))? {
            mistyped.consider(&candidate?);
        }
    }
    Ok(mistyped.meant())
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
}
