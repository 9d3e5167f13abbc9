//! The sums of the sale, and what is due in digits that are read from afar.

use ratatui::layout::Rect;

use crate::retail::sale::Totals;

use super::canvas::{Canvas, columns};
use super::digits;
use super::format::amount;
use super::theme::Role;

/// Rows of a label over digits of three rows, and of five.
const LABELLED_DIGITS: u16 = 4;
const LABELLED_BIG_DIGITS: u16 = 6;

/// Rows that the sums take at the foot of a place of that height, which they share with the list.
pub(super) fn rows(totals: Option<&Totals>, height: u16) -> u16 {
    const ROOMY: u16 = 24;
    let sums = totals.map_or(0, |totals| u16::try_from(sums(totals).len()).unwrap_or(u16::MAX));
    // Where there is room, a blank row parts them from the entry line.
    if height >= ROOMY { sums.clamp(LABELLED_BIG_DIGITS, height / 3) + 1 } else { sums.min(height / 3).max(LABELLED_DIGITS) }
}

/// Draws the sums at the left and what is due at the right.
pub(super) fn draw_beside(canvas: &mut Canvas, area: Rect, totals: &Totals) {
    let area = Rect { height: area.height - u16::from(area.height > LABELLED_BIG_DIGITS), ..area };
    let (label, due) = due(totals);
    let sums = (area.width * 4 / 10).min(18);
    draw_sums(canvas, Rect { width: sums, ..area }, totals);
    let right = Rect { x: area.x + sums + 2, width: area.width.saturating_sub(sums + 3), ..area };
    let (digit_rows, width) = (digits::rows_in(&due, right.width, right.height - 1), right.width);
    let y = area.bottom() - digit_rows;
    canvas.right(right.x, y - 1, width, label, Role::Accent);
    digits::draw_right(canvas, right.x, y, width, digit_rows, &due, Role::Digits);
}

/// Draws what is due over the sums, for a panel of its own.
pub(super) fn draw_above(canvas: &mut Canvas, area: Rect, totals: &Totals) {
    let (label, due) = due(totals);
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(4), y: area.y + 1, height: area.height.saturating_sub(2) };
    canvas.frame(area, Role::Faint);
    canvas.spans(area.x + 2, area.y, area.width.saturating_sub(4), &[(" ", Role::Text), (label, Role::Accent), (" ", Role::Text)]);
    let sums = sums(totals).len().min(6);
    let digits_height = inner.height.saturating_sub(2 + u16::try_from(sums).unwrap_or(6));
    let rows = digits::draw_right(canvas, inner.x, inner.y + 1, inner.width, digits_height.min(8), &due, Role::Digits);
    let y = inner.y + rows + 2;
    draw_sums(canvas, Rect { y, height: inner.bottom().saturating_sub(y), ..inner }, totals);
}

/// What stands in big digits, and what it is.
fn due(totals: &Totals) -> (&'static str, String) {
    if totals.change.is_positive() && totals.balance.is_zero() {
        ("CHANGE", amount(totals.change))
    } else if totals.balance.is_negative() {
        ("TO GIVE BACK", amount(-totals.balance))
    } else {
        ("AMOUNT DUE", amount(totals.balance))
    }
}

fn draw_sums(canvas: &mut Canvas, area: Rect, totals: &Totals) {
    let mut sums = sums(totals);
    let room = usize::from(area.height);
    if sums.len() > room {
        sums.drain(1..=sums.len() - room.max(1));
    }
    let first = area.bottom().saturating_sub(u16::try_from(sums.len()).unwrap_or(area.height)).max(area.y);
    for (y, (name, value, role)) in (first..area.bottom()).zip(sums) {
        let room = area.width.saturating_sub(columns(&value) + 1);
        canvas.text(area.x, y, room, &name, Role::Dim);
        canvas.right(area.x, y, area.width, &value, role);
    }
}

/// Every sum that says something, in the order of a receipt.
fn sums(totals: &Totals) -> Vec<(String, String, Role)> {
    let row = |name: &str, money| (name.to_owned(), amount(money), Role::Text);
    let mut rows = vec![row("Subtotal", totals.subtotal)];
    if !totals.discounts.is_zero() {
        rows.push(row("Discounts", -totals.discounts));
    }
    rows.extend(totals.taxes.iter().map(|tax| row(&tax.name, tax.amount)));
    if !totals.rounding.is_zero() {
        rows.push(row("Rounding", totals.rounding));
    }
    rows.push(("Total".to_owned(), amount(totals.total + totals.rounding), Role::Strong));
    if !totals.paid.is_zero() {
        rows.push(("Paid".to_owned(), amount(totals.paid), Role::Good));
    }
    rows
}
