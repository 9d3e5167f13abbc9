//! Between sales: where we are, what time it is, and the change of the sale just concluded for as long as it matters.

use ratatui::layout::Rect;

use crate::clock::Time;
use crate::desk::ChangeDue;
use crate::view::View;

use super::Screen;
use super::canvas::Canvas;
use super::format::{amount, clock, long_day};
use super::theme::Role;
use super::transaction::split_bottom;
use super::{digits, entry, grid};

/// Draws the screen between header and notice.
pub(super) fn draw(canvas: &mut Canvas, body: Rect, screen: &Screen, view: &View, now: Time) {
    let window = canvas.area();
    let grids = screen.layout.grids(view.screen, (window.width, window.height));
    let active = screen.tab % grids.len().max(1);
    let width = grids.get(active).map_or(0, |grid| grid.width + 1);
    let left = Rect { width: body.width - width, ..body };
    let (rest, entry_row) = split_bottom(left, entry::rows(window.height));
    entry::draw(canvas, entry_row, screen);
    grid::draw(canvas, Rect { x: left.right() + 1, width: width.saturating_sub(1), ..body }, &grids, active, view);
    match &view.change_due {
        Some(change) => draw_change(canvas, rest, change),
        None => draw_clock(canvas, rest, view, now),
    }
}

fn draw_clock(canvas: &mut Canvas, area: Rect, view: &View, now: Time) {
    let offset = view.header.utc_offset_minutes;
    let time = clock(now, offset);
    let digits = digits::rows_in(&time, area.width.saturating_sub(4), area.height / 3);
    let mut y = area.y + area.height.saturating_sub(digits + 6) / 2;
    canvas.center(area.x, y, area.width, &format!("{} · Register {}", view.header.store, view.header.register), Role::Strong);
    y += 2;
    digits::draw_center(canvas, area.x + 2, y, area.width.saturating_sub(4), digits, &time, Role::Digits);
    y += digits + 1;
    canvas.center(area.x, y, area.width, &long_day(now, offset), Role::Dim);
    if let Some(operator) = &view.header.operator {
        canvas.center(area.x, y + 2, area.width, &format!("{operator} is ready for the next customer"), Role::Good);
    }
}

/// What is given back, in digits for both sides of the desk.
fn draw_change(canvas: &mut Canvas, area: Rect, change: &ChangeDue) {
    let width = area.width.saturating_sub(4).min(64);
    let given_back = amount(change.change);
    let digits = digits::rows_in(&given_back, width - 4, area.height / 3);
    let height = (digits + 9).min(area.height);
    let frame = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    canvas.frame(frame, Role::Good);
    let title = format!(" SOLD · receipt {} ", change.receipt);
    canvas.text(frame.x + 2, frame.y, width - 4, &title, Role::Good);
    let (x, inner) = (frame.x + 3, width - 6);
    for (y, name, value) in [(frame.y + 2, "Total", change.total), (frame.y + 3, "Given", change.tendered)] {
        canvas.text(x, y, inner, name, Role::Dim);
        canvas.right(x, y, inner, &amount(value), Role::Text);
    }
    canvas.text(x, frame.y + 5, inner, "CHANGE", Role::Accent);
    digits::draw_right(canvas, x, frame.y + 7, inner, digits, &given_back, Role::Digits);
}
