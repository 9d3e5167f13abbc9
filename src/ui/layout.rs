//! Which buttons stand where: grids of buttons for each screen and window size, read from a TOML file.
//!
//! A grid carries a `size`, the smallest window it is for; of those with the same screen and title the largest that fits is shown, so
//! that a wide window gets more columns and bigger buttons. Every problem of a file is reported, with its place and what was expected.

use std::fmt;

use serde::{Deserialize, Deserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::view::Screen;

use super::format::operation;

/// The grids of a till.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    grids: Vec<Grid>,
}

/// A grid of buttons.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grid {
    /// The screen it belongs to.
    pub screen: Screen,
    /// Its name among the grids of that screen; Tab goes from one to the next.
    pub title: String,
    /// The smallest window it is for, columns and rows.
    pub size: (u16, u16),
    /// Columns of the window it takes.
    pub width: u16,
    /// Columns of buttons.
    pub columns: u16,
    /// Rows of buttons.
    pub rows: u16,
    /// Its buttons.
    pub buttons: Vec<Button>,
}

/// A button.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// The operation it runs.
    pub operation: u16,
    /// Given to the operation: a payment method, an amount.
    pub parameter: Option<String>,
    /// What it says instead of the operation's own caption.
    pub caption: Option<String>,
    /// From 1.
    pub row: u16,
    /// From 1.
    pub column: u16,
    /// Rows it spans.
    #[serde(default = "one")]
    pub row_span: u16,
    /// Columns it spans.
    #[serde(default = "one")]
    pub column_span: u16,
    /// Its colour.
    #[serde(default)]
    pub color: Tone,
}

/// The colour of a button by what it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Used most.
    Accent,
    /// Concludes the sale.
    Good,
    /// Changes money.
    Warning,
    /// Takes something back.
    Danger,
}

/// What is wrong in a layout file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl Layout {
    /// The most buttons of a grid either way, and columns of a window.
    const MAX: u16 = 1_000;

    /// The layout that comes with the program.
    pub fn built_in() -> Self {
        Self::parse(include_str!("../../assets/layouts/default.toml")).expect("the built-in layout is good: a test holds it")
    }

    /// Reads a layout file; all problems at once.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems { text, found: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            problems.add(error.span().map_or(0, |span| span.start), error.message());
        }
        if !problems.found.is_empty() {
            return Err(problems.found);
        }
        let mut grids = Vec::new();
        for (key, value) in table.into_inner() {
            let at = key.span().start;
            match (key.get_ref().as_ref(), value.into_inner()) {
                ("grid", DeValue::Array(tables)) => grids.extend(tables.into_iter().filter_map(|table| problems.grid(table))),
                (key, _) => problems.add(at, &format!("`{key}` is not known here; expected [[grid]]")),
            }
        }
        if grids.is_empty() && problems.found.is_empty() {
            problems.add(0, "there is no [[grid]]");
        }
        problems.found.sort_by_key(|problem| (problem.line, problem.column));
        if problems.found.is_empty() { Ok(Self { grids }) } else { Err(problems.found) }
    }

    /// The grids shown on a screen in a window of that size, in the file's order.
    pub fn grids(&self, screen: Screen, (columns, rows): (u16, u16)) -> Vec<&Grid> {
        let mut shown: Vec<&Grid> = Vec::new();
        for grid in &self.grids {
            if grid.screen != screen || grid.size.0 > columns || grid.size.1 > rows {
                continue;
            }
            match shown.iter_mut().find(|other| other.title == grid.title) {
                Some(other) if (grid.size.0, grid.size.1) > (other.size.0, other.size.1) => *other = grid,
                Some(_) => {}
                None => shown.push(grid),
            }
        }
        shown
    }
}

/// A grid as it stands in the file, without its buttons.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGrid {
    screen: RawScreen,
    title: String,
    #[serde(deserialize_with = "size")]
    size: (u16, u16),
    width: u16,
    columns: u16,
    rows: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawScreen {
    Welcome,
    Transaction,
}

struct Problems<'a> {
    text: &'a str,
    found: Vec<Problem>,
}

impl Problems<'_> {
    fn add(&mut self, at: usize, message: &str) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let (line, column) = (before.matches('\n').count() + 1, before[start..].chars().count() + 1);
        self.found.push(Problem { line, column, message: message.to_owned() });
    }

    fn read<'de, T: Deserialize<'de>>(&mut self, value: Spanned<DeValue<'de>>) -> Option<T> {
        let at = value.span().start;
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(read) => Some(read),
            Err(error) => {
                self.add(error.span().map_or(at, |span| span.start), error.message());
                None
            }
        }
    }

    fn grid(&mut self, value: Spanned<DeValue>) -> Option<Grid> {
        let span = value.span();
        let mut value = value.into_inner();
        let mut buttons = Vec::new();
        if let DeValue::Table(table) = &mut value
            && let Some(found) = table.remove("buttons")
        {
            let at = found.span().start;
            if let DeValue::Array(found) = found.into_inner() {
                buttons.extend(found);
            } else {
                self.add(at, "`buttons` is a list: buttons = [{ operation = 108, row = 1, column = 1 }]");
            }
        }
        let raw = self.read::<RawGrid>(Spanned::new(span.clone(), value));
        let buttons: Vec<(usize, Button)> =
            buttons.into_iter().filter_map(|button| Some((button.span().start, self.read(button)?))).collect();
        let raw = raw?;
        let screen = match raw.screen {
            RawScreen::Welcome => Screen::Welcome,
            RawScreen::Transaction => Screen::Transaction,
        };
        let (title, size, width) = (raw.title, raw.size, raw.width);
        if ![raw.columns, raw.rows].iter().all(|count| (1..=Layout::MAX).contains(count)) {
            self.add(span.start, &format!("`columns` and `rows` are 1 to {}", Layout::MAX));
            return None;
        }
        if width < 8 || width > size.0 / 2 {
            self.add(span.start, &format!("`width` is {width}; expected 8 to {}, half of the window's columns", size.0 / 2));
        }
        let grid = Grid { screen, title, size, width, columns: raw.columns, rows: raw.rows, buttons: Vec::new() };
        self.check_buttons(&grid, &buttons);
        Some(Grid { buttons: buttons.into_iter().map(|(_, button)| button).collect(), ..grid })
    }

    fn check_buttons(&mut self, grid: &Grid, buttons: &[(usize, Button)]) {
        for (index, (at, button)) in buttons.iter().enumerate() {
            let number = button.operation;
            if operation(number).is_none() {
                self.add(*at, &format!("{number} is no operation; `evertill operations` lists them"));
            }
            if !button.fits(grid.rows, grid.columns) {
                self.add(*at, &format!("the button stands outside the grid of {} × {}, counted from 1", grid.columns, grid.rows));
            }
            if let Some((_, other)) = buttons[..index].iter().find(|(_, other)| other.overlaps(button)) {
                self.add(*at, &format!("the button lies over that of operation {}", other.operation));
            }
        }
    }
}

impl Button {
    /// Whether it stands inside a grid of so many rows and columns.
    fn fits(&self, rows: u16, columns: u16) -> bool {
        let inside =
            |first: u16, span: u16, count: u16| first >= 1 && span >= 1 && u32::from(first) + u32::from(span) <= u32::from(count) + 1;
        inside(self.row, self.row_span, rows) && inside(self.column, self.column_span, columns)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let meet = |a: u16, a_span: u16, b: u16, b_span: u16| a < b.saturating_add(b_span) && b < a.saturating_add(a_span);
        meet(self.row, self.row_span, other.row, other.row_span) && meet(self.column, self.column_span, other.column, other.column_span)
    }
}

/// A window's size as in `80x24`.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(u16, u16), D::Error> {
    let text = String::deserialize(deserializer)?;
    let size = text.split_once('x').and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    size.filter(|size| *size <= (Layout::MAX, Layout::MAX))
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no window size; expected columns and rows, such as \"80x24\"")))
}

fn one() -> u16 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: &str = "[[grid]]\nscreen = \"welcome\"\ntitle = \"A\"\nsize = \"80x24\"\nwidth = 20\ncolumns = 2\nrows = 2\n";

    fn problems(text: &str) -> Vec<String> {
        Layout::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_built_in_layout_is_good_and_offers_every_operation_that_has_a_button() {
        let layout = Layout::built_in();
        for (screen, size) in [
            (Screen::Welcome, (80, 24)),
            (Screen::Transaction, (80, 24)),
            (Screen::Transaction, (100, 30)),
            (Screen::Transaction, (160, 48)),
        ] {
            let grids = layout.grids(screen, size);
            for operation in crate::till::operations::TABLE {
                // What is seldom wanted in mid-sale has its key alone there.
                let by_key = matches!((operation.number, screen), (100 | 701 | 707 | 708, _) | (520, Screen::Transaction));
                let offered = operation.screens.contains(&screen) && !by_key;
                let shown = grids.iter().flat_map(|grid| &grid.buttons).any(|button| button.operation == operation.number);
                assert!(shown || !offered, "{} has no button on {screen:?} at {size:?}", operation.number);
            }
        }
    }

    #[test]
    fn the_largest_grid_that_fits_is_shown_for_each_title() {
        let grid = |title: &str, size: &str| GRID.replace("\"A\"", &format!("{title:?}")).replace("80x24", size) + "buttons = []\n";
        let layout = Layout::parse(&[grid("A", "80x24"), grid("B", "80x24"), grid("A", "100x30")].concat()).unwrap();
        let shown = |size| layout.grids(Screen::Welcome, size).iter().map(|grid| (grid.title.clone(), grid.size.0)).collect::<Vec<_>>();
        assert_eq!(shown((79, 24)), []);
        assert_eq!(shown((80, 24)), [("A".to_owned(), 80), ("B".to_owned(), 80)]);
        assert_eq!(shown((200, 60)), [("A".to_owned(), 100), ("B".to_owned(), 80)]);
        assert!(layout.grids(Screen::Transaction, (200, 60)).is_empty());
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let buttons = "buttons = [\n  { operation = 999, row = 1, column = 1 },\n  { operation = 108, row = 1, column = 1 },\n  { operation = 101, row = 3, column = 1 },\n  { operation = 101, row = 2, columm = 1 },\n]\n";
        assert_eq!(
            problems(&format!("{GRID}{buttons}colour = 1\n[theme]\n")),
            [
                "line 12, column 31: unknown field `columm`, expected one of `operation`, `parameter`, `caption`, `row`, `column`, `row_span`, `column_span`, `color`",
                "line 14, column 1: unknown field `colour`, expected one of `screen`, `title`, `size`, `width`, `columns`, `rows`",
                "line 15, column 2: `theme` is not known here; expected [[grid]]",
            ]
        );
        assert_eq!(
            problems(&format!("{GRID}{}", buttons.replace("columm", "column"))),
            [
                "line 9, column 3: 999 is no operation; `evertill operations` lists them",
                "line 10, column 3: the button lies over that of operation 999",
                "line 11, column 3: the button stands outside the grid of 2 × 2, counted from 1",
            ]
        );
        assert_eq!(problems(""), ["line 1, column 1: there is no [[grid]]"]);
        assert_eq!(
            problems(&GRID.replace("80x24", "80*24")),
            ["line 4, column 8: `80*24` is no window size; expected columns and rows, such as \"80x24\""]
        );
        assert_eq!(problems("[[grid]\n").len(), 1);
    }
}
