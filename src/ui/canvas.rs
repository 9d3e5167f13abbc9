//! The sheet that every part of the screen draws on: text by role, clipped to its place, and where a click would land.
//!
//! Nothing here can panic: what does not fit is cut, what stands outside is left out.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::input::Target;
use super::theme::{Role, Theme};

/// A buffer with the theme and a note of what was drawn where.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
    /// What was drawn where.
    pub(super) drawn: Drawn,
}

/// What the mouse and the paging keys need to know about the last picture.
#[derive(Default, Debug)]
pub(super) struct Drawn {
    targets: Vec<(Rect, Target)>,
    /// Where the text cursor belongs.
    pub(super) cursor: Option<Position>,
    /// The entry line, which stays readable under a window: what waits is shown there.
    pub(super) entry: Rect,
    /// First row of the sale's list that was shown.
    pub(super) list_top: usize,
    /// Rows of the sale's list that fitted.
    pub(super) list_rows: usize,
    /// Rows the sale's list has.
    pub(super) list_length: usize,
    /// How far the open window can be scrolled.
    pub(super) scroll_max: usize,
    /// Rows the open window showed.
    pub(super) page_rows: usize,
}

impl Drawn {
    /// What a click at this place means; what was drawn last lies on top.
    pub(super) fn target(&self, column: u16, row: u16) -> Option<&Target> {
        let place = Position::new(column, row);
        self.targets.iter().rev().find(|(area, _)| area.contains(place)).map(|(_, target)| target)
    }
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, theme: Theme) -> Self {
        Self { buffer, theme, drawn: Drawn::default() }
    }

    /// The whole sheet.
    pub(super) fn area(&self) -> Rect {
        self.buffer.area
    }

    /// Blanks a place in a role.
    pub(super) fn fill(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(Role::Text).patch(self.theme.style(role));
        for position in area.intersection(self.buffer.area).positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// Writes at most `width` columns and returns how many were used; a longer text ends in `…`.
    pub(super) fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let room = self.buffer.area.right().saturating_sub(x).min(width);
        if room == 0 || !(self.buffer.area.top()..self.buffer.area.bottom()).contains(&y) || x < self.buffer.area.left() {
            return 0;
        }
        let shown = fit(text, room);
        let style = self.text_style(role);
        let (end, _) = self.buffer.set_stringn(x, y, &shown, usize::from(room), style);
        end - x
    }

    /// Writes pieces one after another.
    pub(super) fn spans(&mut self, x: u16, y: u16, width: u16, spans: &[(&str, Role)]) -> u16 {
        let mut used = 0;
        for (text, role) in spans {
            used += self.text(x.saturating_add(used), y, width.saturating_sub(used), text, *role);
        }
        used
    }

    /// Writes so that the text ends at the place's right edge.
    pub(super) fn right(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) {
        let pad = width.saturating_sub(columns(text));
        self.text(x.saturating_add(pad), y, width - pad, text, role);
    }

    /// Writes in the middle of the place.
    pub(super) fn center(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) {
        let pad = width.saturating_sub(columns(text)) / 2;
        self.text(x.saturating_add(pad), y, width - pad, text, role);
    }

    /// Draws a rounded border.
    pub(super) fn frame(&mut self, area: Rect, role: Role) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        let across = "─".repeat(usize::from(area.width - 2));
        for (y, left_corner, right_corner) in [(area.y, "╭", "╮"), (bottom, "╰", "╯")] {
            self.text(area.x, y, 1, left_corner, role);
            self.text(area.x + 1, y, area.width - 2, &across, role);
            self.text(right, y, 1, right_corner, role);
        }
        for y in area.y + 1..bottom {
            self.text(area.x, y, 1, "│", role);
            self.text(right, y, 1, "│", role);
        }
    }

    /// Draws a line across.
    pub(super) fn rule(&mut self, x: u16, y: u16, width: u16) {
        self.text(x, y, width, &"─".repeat(usize::from(width)), Role::Faint);
    }

    /// Turns a pixel's cell on: `symbol` in a role.
    pub(super) fn symbol(&mut self, x: u16, y: u16, symbol: char, role: Role) {
        let style = self.text_style(role);
        if let Some(cell) = self.buffer.cell_mut(Position::new(x, y)) {
            cell.set_char(symbol).set_style(style);
        }
    }

    /// Lets a click into the place mean this.
    pub(super) fn target(&mut self, area: Rect, target: Target) {
        self.drawn.targets.push((area, target));
    }

    /// Makes what was drawn so far step back and deaf to clicks: a window opens over it.
    pub(super) fn recede(&mut self, area: Rect) {
        self.cover();
        let style = self.theme.style(Role::Text).patch(self.theme.style(Role::Faint));
        for position in area.intersection(self.buffer.area).positions() {
            if self.drawn.entry.contains(position) {
                continue;
            }
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.modifier = Modifier::empty();
                cell.set_style(style);
            }
        }
    }

    /// Makes what was drawn so far deaf to clicks.
    pub(super) fn cover(&mut self) {
        self.drawn.targets.clear();
        self.drawn.cursor = None;
    }

    /// Text keeps the ground it is written on; only grounds set one.
    fn text_style(&self, role: Role) -> ratatui::style::Style {
        let mut style = self.theme.style(role);
        if role == Role::Text {
            style.bg = None;
        }
        style
    }
}

/// Columns a text takes.
pub(super) fn columns(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Cuts a text to so many columns, ending in `…` when something is lost; control characters become pictures.
pub(super) fn fit(text: &str, width: u16) -> String {
    let text = pictures(text);
    if columns(&text) <= width {
        return text;
    }
    let mut cut = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used >= usize::from(width) {
            break;
        }
        cut.push(character);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// The last so many columns of a text.
pub(super) fn tail(text: &str, width: u16) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices().rev() {
        used += character.width().unwrap_or(0);
        if used > usize::from(width) {
            return &text[at + character.len_utf8()..];
        }
    }
    text
}

/// Control characters as visible pictures, such as ␝ for a group separator.
pub(super) fn pictures(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('␦'),
            '\u{7f}' => '␡',
            _ if character.is_control() => '␦',
            _ => character,
        })
        .collect()
}

/// Breaks a text into rows of at most so many columns, at spaces where it can.
pub(super) fn wrap(text: &str, width: u16) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word;
        loop {
            let row = rows.last_mut().expect("there is always a row");
            let gap = u16::from(!row.is_empty());
            if columns(row) + gap + columns(word) <= width {
                if gap == 1 {
                    row.push(' ');
                }
                row.push_str(word);
                break;
            }
            if !row.is_empty() {
                rows.push(String::new());
                continue;
            }
            let split = split_at_width(word, width);
            row.push_str(&word[..split]);
            word = &word[split..];
            if word.is_empty() {
                break;
            }
            rows.push(String::new());
        }
    }
    rows
}

/// Where a word must be broken to fit; after at least one character.
fn split_at_width(word: &str, width: u16) -> usize {
    let mut used = 0;
    for (at, character) in word.char_indices() {
        used += character.width().unwrap_or(0);
        if at > 0 && used > usize::from(width) {
            return at;
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_columns_and_says_so() {
        for (text, width, shown) in [
            ("BANANAS", 7, "BANANAS"),
            ("BANANAS", 5, "BANA…"),
            ("バナナ", 4, "バ…"),
            ("x", 0, ""),
            ("a\u{1d}b", 3, "a␝b"),
            ("\u{9b}", 1, "␦"),
        ] {
            assert_eq!(fit(text, width), shown, "{text:?} in {width}");
        }
        assert_eq!(tail("4006381333931", 4), "3931");
    }

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        for (text, width, rows) in [
            ("Line discount percent", 13, vec!["Line discount", "percent"]),
            ("Line discount percent", 12, vec!["Line", "discount", "percent"]),
            ("Donaudampfschiff", 6, vec!["Donaud", "ampfsc", "hiff"]),
            ("", 5, vec![""]),
            ("ab", 0, vec!["a", "b"]),
        ] {
            assert_eq!(wrap(text, width), rows, "{text:?} in {width}");
        }
    }
}
