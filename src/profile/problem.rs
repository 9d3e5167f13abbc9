//! What is wrong with a profile, in words, and where. Only the profile's parser writes it.

use super::key::{KEYS, Key, Misfit, shown};
use super::{OfflineProfile, Profile};
use std::collections::BTreeSet;
use std::{fmt, iter};
use toml::de::Error;

/// The longest profile; thousands of times what all keys together take.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Nobody reads more.
const PROBLEMS_MAX: usize = 100;
/// The text of a file that people write.
///
/// # Errors
/// Where the first byte stands that is not UTF-8: `2:7: is not UTF-8`, by lines and characters.
pub fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let column = good.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        format!("{}:{column}: is not UTF-8", good.matches('\n').count() + 1)
    })
}

/// How alike (0 to 1, Jaro-Winkler) a name must be to a known one to be taken for a slip: `ofline`, `timeout`.
const LIKENESS_MIN: f64 = 0.85;

/// One thing that is wrong with a profile. Reads `7:14: timeout_ms is 5, expected 50 to 60000 milliseconds; hint: the default is
/// 1000`; put the file's name and a colon before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was found.
    pub what: String,
    /// What could stand there.
    pub expected: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { line, column, what, expected, hint } = self;
        write!(f, "{line}:{column}: {what}, expected {expected}")?;
        hint.iter().try_for_each(|hint| write!(f, "; hint: {hint}"))
    }
}

/// Collects the problems of one text.
pub(super) struct Report<'t> {
    text: &'t str,
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
    /// Lines that are not TOML. Whatever else is found there most likely follows from that, and is not reported.
    broken: BTreeSet<usize>,
    problems: Vec<Problem>,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str) -> Report<'t> {
        let lines = iter::once(0).chain(text.match_indices('\n').map(|(offset, _)| offset + 1)).collect();
        Report { text, lines, broken: BTreeSet::new(), problems: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Has a problem been found just there?
    pub(super) fn speaks_of(&self, offset: usize) -> bool {
        let place = (self.line(offset), self.column(offset));
        self.problems.iter().any(|problem| (problem.line, problem.column) == place)
    }

    /// Everything found, in the order of the text.
    pub(super) fn problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }

    /// A text that is too long or no text at all: only that is said about it.
    pub(super) fn unreadable(&mut self) {
        let text = self.text;
        if text.len() > TEXT_BYTES_MAX {
            let what = format!("the profile is {} bytes long", text.len());
            self.add(0, what, format!("{TEXT_BYTES_MAX} bytes at most"), None);
        } else if let Some((offset, control)) = text.char_indices().find(|(_, c)| c.is_control() && !"\n\r\t".contains(*c)) {
            let what = format!("there is a control character (U+{:04X})", u32::from(control));
            self.add(offset, what, "plain text".to_owned(), None);
        }
    }

    /// What is wrong with the text as TOML, once a line.
    pub(super) fn syntax(&mut self, errors: &[Error]) {
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            let (what, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), NOTHING));
            let expected = if expected == NOTHING { "each key once, as `name = value`" } else { expected };
            self.add(offset, format!("this is not TOML: {what}"), expected.to_owned(), None);
            self.broken.insert(self.line(offset));
        }
    }

    /// The text with its broken lines blanked, at the same offsets: the TOML parser reads no values after some kinds of broken
    /// line. Headers stay, for the sake of the keys below them.
    pub(super) fn mended(&self) -> String {
        let mend = |(index, line): (usize, &str)| {
            let is_header = line.trim_start().starts_with('[');
            if is_header || !self.broken.contains(&(index + 1)) {
                return line.to_owned();
            }
            let content = line.trim_end_matches('\n');
            " ".repeat(content.len()) + &line[content.len()..]
        };
        self.text.split_inclusive('\n').enumerate().map(mend).collect()
    }

    pub(super) fn unknown_section(&mut self, offset: usize, name: &str) {
        let sections = sections();
        let expected = format!("one of {}", sections.iter().map(|section| format!("[{section}]")).collect::<Vec<_>>().join(", "));
        let hint = nearest(name, sections).map(|section| format!("did you mean [{section}]?"));
        self.add(offset, format!("there is no section [{}]", shown(name)), expected, hint);
    }

    pub(super) fn outside_sections(&mut self, offset: usize, name: &str) {
        let hint = if sections().contains(&name) { Some(format!("begin the section with a line [{name}]")) } else { home(name) };
        self.add(offset, format!("{} stands in no section", shown(name)), "each key below its [section]".to_owned(), hint);
    }

    pub(super) fn unknown_key(&mut self, offset: usize, section: &str, name: &str) {
        let names: Vec<&str> = KEYS.iter().filter(|key| key.section == section).map(|key| key.name).collect();
        let expected = format!("one of {}", names.join(", "));
        let hint = home(name).or_else(|| nearest(name, names).map(|near| format!("did you mean {near}?")));
        self.add(offset, format!("there is no key {} in [{section}]", shown(name)), expected, hint);
    }

    pub(super) fn misfit(&mut self, offset: usize, key: &Key, misfit: &Misfit) {
        let hint = misfit.hint.map_or_else(|| format!("the default is {}", key.get(&Profile::default())), str::to_owned);
        self.add(offset, format!("{} is {}", key.name, misfit.found), key.expected(), Some(hint));
    }

    pub(super) fn reconnect_outlasts_timeout(&mut self, offset: usize, offline: &OfflineProfile) {
        let OfflineProfile { timeout_ms, reconnect_timeout_ms, .. } = offline;
        let what = format!("reconnect_timeout_ms is {reconnect_timeout_ms} and timeout_ms only {timeout_ms}");
        let hint = format!(
            "set reconnect_timeout_ms to {timeout_ms} or less (it is {} by default)",
            OfflineProfile::default().reconnect_timeout_ms
        );
        self.add(offset, what, "a try to reconnect that takes no longer than any other request".to_owned(), Some(hint));
    }

    fn add(&mut self, offset: usize, what: String, expected: String, hint: Option<String>) {
        let line = self.line(offset);
        if self.problems.len() < PROBLEMS_MAX && !self.broken.contains(&line) {
            let column = self.column(offset);
            self.problems.push(Problem { line, column, what, expected, hint });
        }
    }

    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    fn column(&self, offset: usize) -> usize {
        let start = self.lines[self.line(offset) - 1];
        self.text.get(start..offset).map_or(1, |before| before.chars().count() + 1)
    }
}

/// How the TOML parser says that it expected no more.
const NOTHING: &str = "nothing";

fn sections() -> Vec<&'static str> {
    let mut sections: Vec<&str> = KEYS.iter().map(|key| key.section).collect();
    sections.dedup();
    sections
}

/// Where a key that stands in the wrong place belongs.
fn home(name: &str) -> Option<String> {
    let key = KEYS.iter().find(|key| key.name == name)?;
    Some(format!("{name} belongs in [{}]", key.section))
}

fn nearest(name: &str, known: Vec<&'static str>) -> Option<&'static str> {
    // Longer than any known name with slips in it; comparing takes time by the length.
    if name.len() > 64 {
        return None;
    }
    let likeness = |known: &'static str| (strsim::jaro_winkler(name, known), known);
    let best = known.into_iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= LIKENESS_MIN).then_some(best.1)
}
