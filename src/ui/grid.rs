//! The grid of buttons: number, key and caption of each; what is not possible at the moment stays visible, dimmed.

use ratatui::layout::Rect;

use crate::desk::Selection;
use crate::till::operations::{Need, OfflineRule, Operation};
use crate::view::{ConnectionView, View};

use super::canvas::{Canvas, columns, wrap};
use super::format::{key, operation};
use super::input::Target;
use super::layout::{Button, Grid, Tone};
use super::theme::Role;

/// Rows of a button at most: more does not make it easier to hit.
const MAX_BUTTON_ROWS: u16 = 6;

/// Draws one of the grids, and over it their titles when there are several or a row is to spare.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, grids: &[&Grid], active: usize, view: &View) {
    let Some(grid) = grids.get(active) else { return };
    let title_rows = u16::from(grids.len() > 1 || !area.height.is_multiple_of(grid.rows));
    if title_rows == 1 {
        draw_titles(canvas, area, grids, active);
    }
    let (width, height) = (area.width / grid.columns, (area.height.saturating_sub(title_rows) / grid.rows).min(MAX_BUTTON_ROWS));
    let place = |button: &Button| Rect {
        x: area.x + width * (button.column - 1),
        y: area.y + title_rows + height * (button.row - 1),
        width: width * button.column_span,
        height: height * button.row_span,
    };
    // One that needs the room decides for all: they look alike.
    let has_room = |button: &Button| {
        let Rect { width, height, .. } = place(button);
        let caption = operation(button.operation).map_or("", |operation| caption_on(button, operation, view));
        wrap(caption, width.saturating_sub(4)).len() <= usize::from(height.saturating_sub(3))
    };
    let labels = if grid.buttons.iter().all(has_room) { Labels::Inside } else { Labels::InBorder };
    for button in &grid.buttons {
        draw_button(canvas, place(button), button, labels, view);
    }
}

/// Where number and key of the buttons stand that have a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    /// In a row above the caption.
    Inside,
    /// In the border, as there is no row for them.
    InBorder,
}

/// Whether a cashier could run the operation at the moment, as far as the picture tells: what is dimmed and what is not.
pub(super) fn possible(operation: &Operation, view: &View) -> bool {
    let online = view.header.connection == ConnectionView::Online;
    operation.screens.contains(&view.screen)
        && (online || operation.offline == OfflineRule::Same)
        && operation.needs.iter().all(|need| is_there(*need, view))
}

fn is_there(need: Need, view: &View) -> bool {
    let sale = view.sale.as_ref().map(|(sale, _)| sale);
    let line = match view.selected {
        Some(Selection::Line(number)) => sale.and_then(|sale| sale.line(number).ok()),
        Some(Selection::Payment(_)) | None => None,
    };
    match need {
        Need::Sale => sale.is_some(),
        Need::OpenLine => line.is_some_and(|line| !line.voided),
        Need::Line => line.is_some(),
        Need::Payment => sale.is_some_and(|sale| sale.open_payments().next().is_some()),
    }
}

/// What the operation's button says: 917 says what it would do.
pub(super) fn caption(operation: &Operation, view: &View) -> &'static str {
    match (operation.number, &view.header.connection) {
        (917, ConnectionView::Online) => "Disconnect",
        (917, ConnectionView::Offline { .. } | ConnectionView::Blocked { .. }) => "Connect",
        _ => operation.caption,
    }
}

/// What a button says: its own caption, where the operation does not say something else at each moment.
fn caption_on<'a>(button: &'a Button, operation: &Operation, view: &View) -> &'a str {
    button.caption.as_deref().filter(|_| operation.number != 917).unwrap_or_else(|| caption(operation, view))
}

fn draw_titles(canvas: &mut Canvas, area: Rect, grids: &[&Grid], active: usize) {
    let help = if grids.len() > 1 { "Tab next · ? help" } else { "? help" };
    let mut x = area.x + 1;
    for (index, grid) in grids.iter().enumerate() {
        let room = area.right().saturating_sub(x);
        let role = if index == active { Role::Accent } else { Role::Dim };
        let used = canvas.text(x, area.y, room, &grid.title.to_uppercase(), role);
        canvas.target(Rect { x, y: area.y, width: used, height: 1 }, Target::Tab(index));
        x += used + 2;
    }
    canvas.right(x, area.y, area.right().saturating_sub(x + 1), help, Role::Dim);
}

fn draw_button(canvas: &mut Canvas, place: Rect, button: &Button, labels: Labels, view: &View) {
    let Some(operation) = operation(button.operation) else { return };
    let possible = possible(operation, view);
    let role = |role| if possible { role } else { Role::Faint };
    let caption = caption_on(button, operation, view);
    let (number, key) = (operation.number.to_string(), key(operation.key));
    canvas.target(place, Target::Operation { number: button.operation, parameter: button.parameter.clone() });
    let border = role(tone(button.color));
    match place.height {
        0 => {}
        1 | 2 => {
            let inner = place.width.saturating_sub(2);
            canvas.text(place.x + 1, place.bottom() - 1, inner, caption, role(Role::Strong));
            let y = place.y;
            if place.height == 2 {
                canvas.text(place.x + 1, y, inner, &number, role(Role::Dim));
            }
            if place.height == 2 || columns(caption) + columns(&key) < inner {
                canvas.right(place.x + 1, y, inner, &key, role(Role::Key));
            }
        }
        3.. => {
            canvas.frame(place, border);
            let (margin, top) = match labels {
                Labels::Inside => {
                    let (x, width) = (place.x + 2, place.width.saturating_sub(4));
                    canvas.text(x, place.y + 1, width, &number, role(Role::Dim));
                    canvas.right(x, place.y + 1, width, &key, role(Role::Key));
                    (2, place.y + 2)
                }
                Labels::InBorder => {
                    draw_embedded(canvas, place, &number, &key, possible);
                    (1, place.y + 1)
                }
            };
            let width = place.width.saturating_sub(2 * margin);
            let room = place.bottom() - 1 - top;
            // What does not fit at all is cut off in one row.
            let rows =
                Some(wrap(caption, width)).filter(|rows| rows.len() <= usize::from(room)).unwrap_or_else(|| vec![caption.to_owned()]);
            let above = room.saturating_sub(u16::try_from(rows.len()).unwrap_or(room)) / 2;
            for (y, row) in (top + above..top + room).zip(rows) {
                canvas.text(place.x + margin, y, width, &row, role(Role::Strong));
            }
        }
    }
}

/// Number and key in the border, where there is no row for them.
fn draw_embedded(canvas: &mut Canvas, place: Rect, number: &str, key: &str, possible: bool) {
    let role = |role| if possible { role } else { Role::Faint };
    let (number, key) = (format!(" {number} "), format!(" {key} "));
    canvas.text(place.x + 1, place.y, place.width.saturating_sub(2), &number, role(Role::Dim));
    let at = place.right().saturating_sub(columns(&key) + 1).max(place.x + 1);
    canvas.text(at, place.y, place.right().saturating_sub(at + 1), &key, role(Role::Key));
}

fn tone(tone: Tone) -> Role {
    match tone {
        Tone::Plain => Role::Dim,
        Tone::Accent => Role::Key,
        Tone::Good => Role::Good,
        Tone::Warning => Role::Warning,
        Tone::Danger => Role::Danger,
    }
}
