//! The words of one line of a tape, and reading them as what a command takes.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::command::Pattern;
use super::error::Fault;

/// What a text may stand in; there are no escapes within, as in VHS.
pub(super) const QUOTES: [char; 3] = ['"', '\'', '`'];

/// The longest time a tape may name: a day.
const DURATION_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// What a message says a time looks like.
const DURATION: &str = "a time such as `500ms`, `2s` or `1.5m`";
/// How much of a wrong word a message repeats.
const SHOWN_CHARS_MAX: usize = 40;

/// A word and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'t> {
    pub(super) column: usize,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'t> {
    Bare(&'t str),
    /// What stood in quotes.
    Text(&'t str),
    /// What stood between slashes.
    Pattern(&'t str),
}

impl<'t> Word<'t> {
    /// That this word stands where something else was expected.
    pub(super) fn instead_of(self, expected: impl Into<String>) -> Fault {
        let found = match self.kind {
            Kind::Bare(word) => format!("`{}`", shortened(word)),
            Kind::Text(text) => format!("the text \"{}\"", shortened(text)),
            Kind::Pattern(pattern) => format!("the pattern `/{}/`", shortened(pattern)),
        };
        Fault::new(self.column, found, expected)
    }

    /// The word, if it stands there without quotes or slashes.
    pub(super) fn bare(self, expected: &str) -> Result<&'t str, Fault> {
        match self.kind {
            Kind::Bare(word) => Ok(word),
            Kind::Text(_) | Kind::Pattern(_) => Err(self.instead_of(expected)),
        }
    }

    /// The text; its quotes may be left out if it is one word.
    pub(super) fn text(self, expected: &str) -> Result<&'t str, Fault> {
        match self.kind {
            Kind::Text(text) => Ok(text),
            Kind::Bare(text) if !text.contains(QUOTES) => Ok(text),
            Kind::Bare(_) | Kind::Pattern(_) => Err(self.instead_of(format!("{expected} in quotes"))),
        }
    }
}

fn shortened(word: &str) -> String {
    match word.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}

/// What follows a command's name, taken word by word.
#[derive(Debug)]
pub(super) struct Arguments<'t> {
    words: std::vec::IntoIter<Word<'t>>,
    /// The time behind `@`, whether it touches the name or not.
    at: Option<Word<'t>>,
    /// The column behind the last word.
    end: usize,
}

impl<'t> Arguments<'t> {
    /// Splits a line into its first word, without a time behind `@`, and the rest. `None` if
    /// nothing stands on it but perhaps a comment.
    pub(super) fn of_line(line: &'t str) -> Result<Option<(Word<'t>, Self)>, Fault> {
        let (words, end) = split(line)?;
        let mut words = words.into_iter();
        let Some(mut name) = words.next() else {
            return Ok(None);
        };
        let mut at = None;
        if let Kind::Bare(word) = name.kind
            && let Some(position) = word.rfind('@')
            && !matches!(&word[..position], "" | "Ctrl+" | "Alt+")
        {
            name.kind = Kind::Bare(&word[..position]);
            at = Some(Word { column: name.column + word[..position].chars().count(), kind: Kind::Bare(&word[position..]) });
        }
        let mut rest: Vec<_> = words.collect();
        if at.is_none() {
            let is_time = |word: &Word<'_>| matches!(word.kind, Kind::Bare(b) if b.starts_with('@'));
            at = rest.iter().position(is_time).map(|index| rest.remove(index));
        }
        let words = rest.into_iter();
        Ok(Some((name, Self { words, at, end })))
    }

    /// The next word, of which messages say that `expected` should stand there.
    pub(super) fn word(&mut self, expected: &str) -> Result<Word<'t>, Fault> {
        self.words.next().ok_or_else(|| Fault::new(self.end, "the end of the line", expected))
    }

    /// A text, perhaps an empty one.
    pub(super) fn text(&mut self, expected: &str) -> Result<String, Fault> {
        self.word(expected)?.text(expected).map(str::to_owned)
    }

    /// A text that is not empty.
    pub(super) fn name(&mut self, expected: &str) -> Result<String, Fault> {
        let word = self.word(expected)?;
        let text = word.text(expected)?;
        if text.is_empty() {
            return Err(word.instead_of(expected));
        }
        Ok(text.to_owned())
    }

    pub(super) fn pattern(&mut self) -> Result<Pattern, Fault> {
        const EXPECTED: &str = "a pattern between slashes";
        let word = self.word(EXPECTED)?;
        let Kind::Pattern(text) = word.kind else {
            return Err(word.instead_of(EXPECTED));
        };
        if text.is_empty() {
            return Err(word.instead_of("a pattern that is not empty"));
        }
        Pattern::new(text).map_err(|error| {
            // The last of several lines says why; those before draw the place.
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default();
            word.instead_of("a regular expression").hint(reason.trim_start_matches("error: "))
        })
    }

    pub(super) fn duration(&mut self) -> Result<Duration, Fault> {
        let word = self.word(DURATION)?;
        duration(word, word.bare(DURATION)?)
    }

    /// The time behind `@`, if there is one.
    pub(super) fn at(&mut self) -> Result<Option<Duration>, Fault> {
        let Some(word) = self.at.take() else {
            return Ok(None);
        };
        let text = word.bare(DURATION)?.trim_start_matches('@');
        duration(word, text).map(Some)
    }

    /// The whole number called `what`.
    pub(super) fn number<N>(&mut self, what: &str, range: &RangeInclusive<N>) -> Result<N, Fault>
    where
        N: FromStr + PartialOrd + Display,
    {
        let word = self.word(what)?;
        number(word, word.bare(what)?, what, range)
    }

    /// How often, if it says so.
    pub(super) fn count(&mut self, range: &RangeInclusive<u16>) -> Result<Option<u16>, Fault> {
        let Some(word) = self.words.next() else {
            return Ok(None);
        };
        let what = "a count";
        number(word, word.bare(what)?, what, range).map(Some)
    }

    /// An amount such as `1.29`.
    pub(super) fn amount(&mut self) -> Result<Decimal, Fault> {
        const EXPECTED: &str = "an amount such as `1.29`";
        let word = self.word(EXPECTED)?;
        let amount = Decimal::from_str_exact(word.bare(EXPECTED)?).ok().filter(|amount| *amount > Decimal::ZERO && amount.scale() <= 2);
        amount.ok_or_else(|| word.instead_of(EXPECTED))
    }

    /// A share such as `30%`.
    pub(super) fn percent(&mut self) -> Result<u8, Fault> {
        const EXPECTED: &str = "a share such as `30%`";
        let word = self.word(EXPECTED)?;
        let Some(share) = word.bare(EXPECTED)?.strip_suffix('%') else {
            return Err(word.instead_of(EXPECTED));
        };
        number(word, share, "a share in percent", &(0..=100))
    }

    /// That nothing is left over.
    pub(super) fn end(mut self) -> Result<(), Fault> {
        match self.at.take().or_else(|| self.words.next()) {
            Some(word) => Err(word.instead_of("the end of the line")),
            None => Ok(()),
        }
    }
}

/// The number `text` of `word`, which may be only a part of it.
fn number<N>(word: Word<'_>, text: &str, what: &str, range: &RangeInclusive<N>) -> Result<N, Fault>
where
    N: FromStr + PartialOrd + Display,
{
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| word.instead_of(format!("{what} from {} to {}", range.start(), range.end())))
}

/// The time `text` of `word`; a number without a unit counts seconds, as in VHS.
fn duration(word: Word<'_>, text: &str) -> Result<Duration, Fault> {
    let (number, unit_ms) = if let Some(number) = text.strip_suffix("ms") {
        (number, 1)
    } else if let Some(number) = text.strip_suffix('s') {
        (number, 1000)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60_000)
    } else {
        (text, 1000)
    };
    let is_plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let milliseconds = Decimal::from_str_exact(number)
        .ok()
        .filter(|_| is_plain)
        .and_then(|number| number.checked_mul(Decimal::from(unit_ms)))
        .ok_or_else(|| word.instead_of(DURATION))?;
    if !milliseconds.is_integer() {
        return Err(word.instead_of("a time in whole milliseconds"));
    }
    match milliseconds.to_u64() {
        Some(milliseconds) if milliseconds <= DURATION_MS_MAX => Ok(Duration::from_millis(milliseconds)),
        Some(_) | None => Err(word.instead_of("a time of at most 24 hours")),
    }
}

/// The words of a line, up to a comment, and the column behind the last.
fn split(line: &str) -> Result<(Vec<Word<'_>>, usize), Fault> {
    if let Some(control) = line.chars().find(|c| c.is_control() && *c != '\t') {
        let column = line.chars().take_while(|c| *c != control).count() + 1;
        let found = format!("the control character {control:?}");
        return Err(Fault::new(column, found, "printable text"));
    }
    let mut words = Vec::new();
    let (mut rest, mut column, mut end) = (line, 1, 1);
    loop {
        let word = rest.trim_start_matches([' ', '\t']);
        column += rest.len() - word.len();
        let Some(first) = word.chars().next().filter(|first| *first != '#') else {
            return Ok((words, end));
        };
        let (kind, length) = first_word(word, first, column)?;
        words.push(Word { column, kind });
        column += word[..length].chars().count();
        end = column;
        rest = &word[length..];
    }
}

/// The word at the front of `text`, and its length in bytes with quotes or slashes.
fn first_word(text: &str, first: char, column: usize) -> Result<(Kind<'_>, usize), Fault> {
    let inside = &text[first.len_utf8()..];
    if QUOTES.contains(&first) {
        let Some(end) = inside.find(first) else {
            let found = "a text without an end";
            return Err(Fault::new(column, found, format!("a closing `{first}`")));
        };
        let text = &inside[..end];
        if text.contains('\t') {
            let fault = Fault::new(column, "a tab in a text", "printable text");
            return Err(fault.hint("press it with `Tab`"));
        }
        return Ok((Kind::Text(text), end + 2));
    }
    if first == '/' {
        let Some(end) = closing_slash(inside) else {
            let found = "a pattern without an end";
            let fault = Fault::new(column, found, "a closing `/`");
            return Err(fault.hint("a slash within a pattern is written `\\/`"));
        };
        return Ok((Kind::Pattern(&inside[..end]), end + 2));
    }
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    Ok((Kind::Bare(&text[..end]), end))
}

fn closing_slash(pattern: &str) -> Option<usize> {
    let mut escaped = false;
    pattern.char_indices().find_map(|(index, c)| {
        let closes = c == '/' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(index)
    })
}
