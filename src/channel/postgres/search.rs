//! Searching products as the text is typed: every word of it anywhere in name, number or bar code, found by the index of trigrams.
//!
//! The order is: the product whose code was typed, then names that begin with the text, then the rest, each by name.

use postgres::types::ToSql;

use super::failure::Failure;
use super::pool::Session;
use super::products::{self, columns, product};
use crate::channel::folding::fold;
use crate::channel::typo::{CANDIDATES_MAX, Mistyped, after};
use crate::channel::window::Window;
use crate::channel::{Page, ProductSearch};
use crate::retail::product::Product;

/// Held shared while a search reads, and alone while a package takes effect: so all of a search sees one version.
const READING: &str = "SELECT pg_advisory_xact_lock_shared(343003)";
/// The other side of [`READING`]. Searches that come later wait behind it.
pub(super) const TAKING_EFFECT: &str = "SELECT pg_advisory_xact_lock(343003)";

/// One page of what is found, all of it in one version of the data.
pub(super) fn page(session: &mut Session, search: &ProductSearch) -> Result<Page, Failure> {
    session.client.batch_execute(&format!("BEGIN; {READING}"))?;
    let page = find(session, search);
    // After a failure this is a rollback.
    session.client.batch_execute("COMMIT")?;
    page
}

fn find(session: &mut Session, search: &ProductSearch) -> Result<Page, Failure> {
    const NAMED_COUNT: &str =
        "SELECT count(*) FROM (SELECT FROM master.products WHERE folded_name >= $1 AND folded_name < $2 AND id <> $3 LIMIT $4) AS named";
    const NAMED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM master.products p WHERE folded_name >= $1 AND folded_name < $2 AND id <> $3 ORDER BY folded_name, id LIMIT $4 OFFSET $5"
    );
    let exact = products::by_code(session, search.text.trim())?.map(|found| found.product);
    let (start, exact_id) = (fold(&search.text), exact.as_ref().map_or(String::new(), |exact| exact.id.0.clone()));
    let end = after(&start);
    let mut window = Window::new(search);
    let named: i64 = session.query_one(NAMED_COUNT, &[&start, &end, &exact_id, &(window.reach())])?.try_get(0)?;
    let is_alone = exact.is_none() && named == 0;

    window.take(i64::from(exact.is_some()), |_, _| Ok::<_, Failure>(exact.into_iter().collect()))?;
    window.take(named, |limit, offset| {
        let rows = session.query(NAMED, &[&start, &end, &exact_id, &limit, &offset])?;
        rows.iter().map(product).collect()
    })?;
    if let Some(words) = Words::of(session, &start, is_alone)? {
        window.take(i64::MAX, |limit, offset| words.products(session, [&start, &end, &exact_id], limit, offset))?;
    }
    Ok(window.page())
}

/// What a product's words must be like: one pattern at least of every group.
struct Words(Vec<Vec<String>>);

impl Words {
    /// None for no words. When they are alone and nothing matches them as they are, a word that nothing matches by itself may be mistyped.
    fn of(session: &mut Session, folded: &str, is_alone: bool) -> Result<Option<Self>, Failure> {
        if folded.is_empty() {
            return Ok(None);
        }
        let as_typed = Self(folded.split(' ').map(|word| vec![pattern(word)]).collect());
        if !is_alone || as_typed.match_any(session)? {
            return Ok(Some(as_typed));
        }
        let forgiven = folded.split(' ').map(|word| {
            let as_typed = vec![pattern(word)];
            if Self(vec![as_typed.clone()]).match_any(session)? {
                return Ok(as_typed);
            }
            let meant: Vec<String> = meant_words(session, word)?.iter().map(|meant| pattern(meant)).collect();
            Ok(if meant.is_empty() { as_typed } else { meant })
        });
        Ok(Some(Self(forgiven.collect::<Result<_, Failure>>()?)))
    }

    fn match_any(&self, session: &mut Session) -> Result<bool, Failure> {
        let sql = format!("SELECT EXISTS (SELECT FROM master.products WHERE {})", self.condition(1));
        Ok(session.client.query_one(&sql, &self.values())?.try_get(0)?)
    }

    /// Products that match, but for the named and the exact one.
    fn products(&self, session: &mut Session, others: [&String; 3], limit: i64, offset: i64) -> Result<Vec<Product>, Failure> {
        let sql = format!(
            "SELECT {} FROM master.products p WHERE NOT (folded_name >= $1 AND folded_name < $2) AND id <> $3 AND {}
            ORDER BY folded_name, id LIMIT $4 OFFSET $5",
            columns!(),
            self.condition(6)
        );
        let mut values: Vec<&(dyn ToSql + Sync)> = others.iter().map(|other| *other as _).collect();
        values.extend([&limit as &(dyn ToSql + Sync), &offset]);
        values.extend(self.values());
        session.client.query(&sql, &values)?.iter().map(product).collect()
    }

    /// In SQL, with the patterns as values from a number on.
    fn condition(&self, first: usize) -> String {
        let mut numbers = first..;
        let groups = self.0.iter().map(|patterns| {
            let any: Vec<_> = numbers.by_ref().take(patterns.len()).map(|number| format!("words LIKE ${number}")).collect();
            format!("({})", any.join(" OR "))
        });
        groups.collect::<Vec<_>>().join(" AND ")
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0.iter().flatten().map(|pattern| pattern as _).collect()
    }
}

/// A word as the index knows it: three letters and more anywhere, fewer at the beginning of a word (two spaces stand before each).
fn pattern(word: &str) -> String {
    let before = match word.chars().nth(1) {
        None => "  ",
        Some(_) if word.chars().nth(2).is_none() => " ",
        Some(_) => "",
    };
    let literal = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{before}{literal}%")
}

/// Words of the vocabulary that may have been meant.
fn meant_words(session: &mut Session, word: &str) -> Result<Vec<String>, Failure> {
    const BEGINNING: &str = "SELECT word FROM master.vocabulary WHERE word >= $1 AND word < $2 LIMIT $3";
    const ENDING: &str = "SELECT word FROM master.vocabulary WHERE reversed >= $1 AND reversed < $2 LIMIT $3";
    let Some(mut mistyped) = Mistyped::new(word) else { return Ok(Vec::new()) };
    for (sql, half) in [(BEGINNING, mistyped.first_half.clone()), (ENDING, mistyped.second_half_reversed.clone())] {
        for row in session.query(sql, &[&half, &after(&half), &i64::from(CANDIDATES_MAX)])? {
            mistyped.consider(row.try_get(0)?);
        }
    }
    Ok(mistyped.meant())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_taken_literally() {
        for (word, expected) in
            [("beans", "%beans%"), ("oz", "% oz%"), ("b", "%  b%"), ("50%", "%50\\%%"), ("_", "%  \\_%"), ("a\\b", "%a\\\\b%")]
        {
            assert_eq!(pattern(word), expected);
        }
    }

    #[test]
    fn patterns_are_values_and_never_part_of_the_statement() {
        let words = Words(vec![vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]]);
        assert_eq!(words.condition(6), "(words LIKE $6 OR words LIKE $7) AND (words LIKE $8)");
        assert_eq!(words.values().len(), 3);
    }
}
