//! The help window, made from the table of operations: every operation by group with its key, what is possible at the moment standing out.

use ratatui::layout::Rect;

use crate::till::operations::{Group, Operation, TABLE};
use crate::view::View;

use super::canvas::{Canvas, wrap};
use super::dialog;
use super::format::key;
use super::grid::possible;
use super::input::Press;
use super::page::{draw_more, note_scroll};
use super::theme::Role;

/// From so many columns on the help has two columns.
const TWO_COLUMNS: u16 = 110;
/// Columns for key, number and name.
const NAMES: u16 = 35;

/// What the screen itself does with keys.
const KEYS: [(&str, &str); 9] = [
    ("Enter", "takes what was typed or scanned"),
    ("3*", "before a bar code: three of it"),
    ("Esc", "clears what was typed, leaves a window"),
    ("↑ ↓ PgUp PgDn", "select a line or payment"),
    ("Tab", "the next grid of buttons"),
    ("? or F1", "this help"),
    ("Ctrl+R", "the last receipt"),
    ("Ctrl+Q", "closes the register, when nobody is signed in"),
    ("Mouse", "buttons, lines and choices can be clicked"),
];

/// A row of the help.
enum Row {
    Blank,
    Heading(&'static str),
    Key(&'static str, &'static str),
    Operation(&'static Operation, String),
    More(String, bool),
}

/// Draws the window.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, view: &View, scroll: usize) {
    let width = area.width.saturating_sub(4).min(180);
    let columns = if width >= TWO_COLUMNS { 2 } else { 1 };
    let column_width = (width + 3) / columns - 3;
    let groups = groups(view, column_width);
    let halves = if columns == 2 { balanced(groups) } else { vec![groups.into_iter().flatten().collect()] };
    let length = halves.iter().map(Vec::len).max().unwrap_or(0);
    let height = u16::try_from(length).unwrap_or(u16::MAX / 2).min(area.height);
    let inner =
        dialog::open(canvas, area, (width, height), "Help · what is bright is possible at the moment", &[(Press::Escape, "closes")], None);
    let top = note_scroll(canvas, length, inner.height, scroll);
    for (x, half) in (inner.x..).step_by(usize::from(column_width + 3)).zip(&halves) {
        let place = Rect { x, width: column_width, ..inner };
        for (y, row) in (inner.y..inner.bottom()).zip(half.iter().skip(top)) {
            draw_row(canvas, place, y, row, view);
        }
    }
    draw_more(canvas, inner, top, length);
}

fn draw_row(canvas: &mut Canvas, area: Rect, y: u16, row: &Row, view: &View) {
    let help = area.x + NAMES;
    let room = area.width.saturating_sub(NAMES);
    match row {
        Row::Blank => {}
        Row::Heading(title) => {
            canvas.text(area.x, y, area.width, title, Role::Accent);
        }
        Row::Key(key, text) => {
            canvas.text(area.x, y, 15, key, Role::Key);
            canvas.text(area.x + 15, y, area.width.saturating_sub(15), text, Role::Text);
        }
        Row::Operation(operation, text) => {
            let bright = possible(operation, view);
            let role = |role| if bright { role } else { Role::Faint };
            canvas.text(area.x, y, 7, &key(operation.key), role(Role::Key));
            canvas.right(area.x + 7, y, 4, &operation.number.to_string(), role(Role::Dim));
            canvas.text(area.x + 12, y, NAMES - 13, operation.caption, role(Role::Strong));
            canvas.text(help, y, room, text, role(Role::Text));
        }
        Row::More(text, bright) => {
            canvas.text(help, y, room, text, if *bright { Role::Text } else { Role::Faint });
        }
    }
}

/// The rows of each group, in the order of the table's groups, then the screen's own keys.
fn groups(view: &View, width: u16) -> Vec<Vec<Row>> {
    let titles = [
        (Group::Product, "Articles"),
        (Group::Discount, "Discounts"),
        (Group::Payment, "Payments"),
        (Group::Transaction, "The sale"),
        (Group::Session, "The register"),
    ];
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for (group, title) in titles {
        let mut rows = vec![Row::Heading(title)];
        for operation in TABLE.iter().filter(|operation| operation.group == group) {
            let mut texts = wrap(operation.help, width.saturating_sub(NAMES)).into_iter();
            rows.push(Row::Operation(operation, texts.next().unwrap_or_default()));
            rows.extend(texts.map(|text| Row::More(text, possible(operation, view))));
        }
        rows.push(Row::Blank);
        groups.push(rows);
    }
    let keys = KEYS.iter().map(|(key, text)| Row::Key(key, text));
    groups.push(std::iter::once(Row::Heading("Keys")).chain(keys).collect());
    groups
}

/// Two columns of about the same length, groups kept whole.
fn balanced(groups: Vec<Vec<Row>>) -> Vec<Vec<Row>> {
    let half = groups.iter().map(Vec::len).sum::<usize>().div_ceil(2);
    let mut columns = vec![Vec::new(), Vec::new()];
    let mut filled = 0;
    for group in groups {
        let column = usize::from(filled + group.len() / 2 > half);
        filled += group.len();
        columns[column].extend(group);
    }
    columns
}
