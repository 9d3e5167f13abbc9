//! The screen of a sale: its list, its sums and the entry line at the left, the buttons at the right. A large window gives what is due a
//! panel of its own over the buttons.

use ratatui::layout::Rect;

use crate::view::View;

use super::Screen;
use super::canvas::Canvas;
use super::{entry, grid, lines, totals};

/// From so many columns and rows of the window on, what is due stands over the buttons.
const LARGE: (u16, u16) = (120, 40);
/// Rows of that panel.
const DUE_ROWS: u16 = 14;

/// Draws the screen between header and notice.
pub(super) fn draw(canvas: &mut Canvas, body: Rect, screen: &Screen, view: &View) {
    let window = canvas.area();
    let grids = screen.layout.grids(view.screen, (window.width, window.height));
    let active = screen.tab % grids.len().max(1);
    let width = grids.get(active).map_or(0, |grid| grid.width + 1);
    let left = Rect { width: body.width - width, ..body };
    let right = Rect { x: left.right(), width, ..body };
    let large = window.width >= LARGE.0 && window.height >= LARGE.1 && width > 0;
    let sums = view.sale.as_ref().map(|(_, totals)| totals);

    let (panel, buttons) = split_top(Rect { x: right.x + 1, width: width.saturating_sub(1), ..right }, if large { DUE_ROWS } else { 0 });
    if large && let Some(sums) = sums {
        totals::draw_above(canvas, panel, sums);
    }
    grid::draw(canvas, buttons, &grids, active, view);

    let (rest, entry_row) = split_bottom(left, entry::rows(window.height));
    entry::draw(canvas, entry_row, screen);
    let (list, below) = split_bottom(rest, if large { 0 } else { totals::rows(sums, rest.height) + 1 });
    if let Some(sums) = sums.filter(|_| !large) {
        canvas.rule(below.x, below.y, below.width);
        let (_, below) = split_top(below, 1);
        totals::draw_beside(canvas, Rect { x: below.x + 1, width: below.width - 1, ..below }, sums);
    }
    lines::draw(canvas, list, view, screen.list_top);
}

/// So many rows from the top, and the rest.
pub(super) fn split_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}

/// All but so many rows at the bottom, and those.
pub(super) fn split_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    split_top(area, area.height - rows)
}
