//! The list of the sale: its lines with their discounts, then its payments. A narrow window reads like a receipt, a wide one like a table.

use ratatui::layout::Rect;

use crate::desk::Selection;
use crate::retail::sale::{Discount, Line, Payment, Sale};
use crate::view::View;

use super::canvas::{Canvas, columns, fit};
use super::format::{amount, quantity};
use super::input::Target;
use super::theme::Role;

/// From so many columns on quantity and price have columns of their own.
const TABLE_WIDTH: u16 = 58;
/// From so many columns on the bar code has one too.
const CODE_WIDTH: u16 = 88;

/// Draws the list with its heading; `top` is its first row when the cashier scrolled, else the selected row is kept in view.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, view: &View, top: Option<usize>) {
    let Some((sale, _)) = &view.sale else { return };
    let table = Table::fitting(area, sale.lines().len());
    table.draw_heading(canvas, area.y, sale);
    let rows = rows(sale, table.is_receipt());
    let visible = usize::from(area.height.saturating_sub(1));
    let last_top = rows.len().saturating_sub(visible);
    let top = top.unwrap_or_else(|| follow(&rows, view.selected, visible)).min(last_top);
    for (y, row) in (area.y + 1..area.bottom()).zip(&rows[top..]) {
        let selected = view.selected == Some(row.selection());
        let place = Rect { y, height: 1, ..area };
        if selected {
            canvas.fill(place, Role::Selected);
        }
        table.draw_row(canvas, y, row, selected);
        canvas.target(place, Target::Select(row.selection()));
    }
    draw_scrollbar(canvas, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, top, rows.len());
    canvas.drawn.list_top = top;
    canvas.drawn.list_rows = visible;
    canvas.drawn.list_length = rows.len();
}

/// A row of the list.
enum Row<'a> {
    Line(&'a Line),
    /// `2 × 0.89`, where quantity and price have no columns.
    Count(&'a Line),
    /// What the discount takes off.
    Discount(&'a Line, Discount),
    /// The price before it was changed by hand.
    OldPrice(&'a Line),
    Payment(&'a Payment),
}

impl Row<'_> {
    fn selection(&self) -> Selection {
        match self {
            Self::Line(line) | Self::Count(line) | Self::Discount(line, _) | Self::OldPrice(line) => Selection::Line(line.number),
            Self::Payment(payment) => Selection::Payment(payment.number),
        }
    }
}

fn rows(sale: &Sale, receipt: bool) -> Vec<Row<'_>> {
    let mut rows = Vec::with_capacity(sale.lines().len() + sale.payments().len());
    for line in sale.lines() {
        rows.push(Row::Line(line));
        if receipt && (line.quantity != crate::money::Quantity::ONE) {
            rows.push(Row::Count(line));
        }
        if line.price_overridden {
            rows.push(Row::OldPrice(line));
        }
        if let Some(discount) = line.discount {
            rows.push(Row::Discount(line, discount));
        }
    }
    rows.extend(sale.payments().iter().map(Row::Payment));
    rows
}

/// The first row to show so that the selected one, or else the last, is in view, with what belongs to it.
fn follow(rows: &[Row], selected: Option<Selection>, visible: usize) -> usize {
    let end = selected.and_then(|selected| rows.iter().rposition(|row| row.selection() == selected)).map_or(rows.len(), |at| at + 1);
    end.saturating_sub(visible)
}

/// Where the columns stand; a width of nothing leaves a column out.
struct Table {
    x: u16,
    number: u16,
    gap: u16,
    code: u16,
    article: u16,
    quantity: u16,
    price: u16,
    total: u16,
}

impl Table {
    fn fitting(area: Rect, lines: usize) -> Self {
        let (quantity, price) = if area.width >= TABLE_WIDTH { (10, 9) } else { (0, 0) };
        let code = if area.width >= CODE_WIDTH { 15 } else { 0 };
        let total = if quantity > 0 { 11 } else { 9 };
        let number = columns(&lines.to_string()).max(2);
        // Two columns for the mark of the selected row, two behind the total for air and the scroll bar.
        let gap = if quantity > 0 { 2 } else { 1 };
        let article = area.width.saturating_sub(2 + number + gap + code + quantity + price + total + 2);
        Self { x: area.x, number, gap, code, article, quantity, price, total }
    }

    fn is_receipt(&self) -> bool {
        self.quantity == 0
    }

    fn draw_heading(&self, canvas: &mut Canvas, y: u16, sale: &Sale) {
        let lines = sale.open_lines().count();
        let article = super::format::count(lines, "line");
        let article = if self.is_receipt() { article } else { format!("Article · {article}") };
        self.cells(canvas, y, ["#", "Code", &article, "Qty", "Price", "Total"].map(|text| (text, Role::Dim)));
    }

    fn draw_row(&self, canvas: &mut Canvas, y: u16, row: &Row, selected: bool) {
        if selected && matches!(row, Row::Line(_) | Row::Payment(_)) {
            canvas.text(self.x, y, 2, "▸", Role::Accent);
        }
        match row {
            Row::Line(line) => self.draw_line(canvas, y, line),
            Row::Count(line) => self.note(canvas, y, &format!("{} × {}", quantity(line.quantity, &line.unit), amount(line.price)), ""),
            Row::OldPrice(line) => self.note(canvas, y, &format!("price changed, was {}", amount(line.list_price)), ""),
            Row::Discount(line, discount) => {
                let text = match discount {
                    Discount::Percent(percent) => format!("discount {} %", percent.normalize()),
                    Discount::Amount(_) => "discount".to_owned(),
                };
                let off = if line.voided { String::new() } else { amount(-line.amounts.discount) };
                self.note(canvas, y, &text, &off);
            }
            Row::Payment(payment) => self.draw_payment(canvas, y, payment),
        }
    }

    fn draw_line(&self, canvas: &mut Canvas, y: u16, line: &Line) {
        let (text, money) = if line.voided { (Role::Void, Role::Warning) } else { (Role::Text, Role::Strong) };
        let total = if line.voided { "VOID".to_owned() } else { amount(line.amounts.extended) };
        let plain = if line.voided { Role::Void } else { Role::Dim };
        self.cells(
            canvas,
            y,
            [
                (&line.number.to_string(), Role::Dim),
                (&fit(&line.barcode, self.code.saturating_sub(1)), plain),
                (&line.name, text),
                (&quantity(line.quantity, &line.unit), text),
                (&amount(line.price), text),
                (&total, money),
            ],
        );
    }

    fn draw_payment(&self, canvas: &mut Canvas, y: u16, payment: &Payment) {
        let name = if payment.change { "Change" } else { &payment.name };
        let (role, total) = if payment.voided { (Role::Void, "VOID".to_owned()) } else { (Role::Good, amount(payment.amount)) };
        let money = if payment.voided { Role::Warning } else { Role::Good };
        self.cells(canvas, y, [("", Role::Dim), ("", Role::Dim), (name, role), ("", role), ("paid", Role::Dim), (&total, money)]);
    }

    /// A row that belongs to the line above it.
    fn note(&self, canvas: &mut Canvas, y: u16, text: &str, total: &str) {
        self.cells(
            canvas,
            y,
            [("", Role::Dim), ("", Role::Dim), (&format!("  {text}"), Role::Dim), ("", Role::Dim), ("", Role::Dim), (total, Role::Good)],
        );
    }

    fn cells(&self, canvas: &mut Canvas, y: u16, [number, code, article, quantity, price, total]: [(&str, Role); 6]) {
        let mut x = self.x + 2;
        canvas.right(x, y, self.number, number.0, number.1);
        x += self.number + self.gap;
        canvas.text(x, y, self.code.saturating_sub(1), code.0, code.1);
        x += self.code;
        // An empty neighbour lends its room.
        let room = self.article + if quantity.0.is_empty() { self.quantity } else { 0 };
        canvas.text(x, y, room, article.0, article.1);
        x += self.article;
        for ((text, role), width) in [(quantity, self.quantity), (price, self.price), (total, self.total)] {
            canvas.right(x + 1, y, width.saturating_sub(1), text, role);
            x += width;
        }
    }
}

/// A thumb at the right edge when there is more than fits.
fn draw_scrollbar(canvas: &mut Canvas, area: Rect, top: usize, length: usize) {
    let height = usize::from(area.height);
    if length <= height || height == 0 {
        return;
    }
    let thumb = (height * height / length).max(1);
    let start = top * (height - thumb) / (length - height);
    for (y, row) in (area.y..area.bottom()).zip(0..) {
        let symbol = if (start..start + thumb).contains(&row) { '┃' } else { '│' };
        canvas.symbol(area.right() - 1, y, symbol, Role::Faint);
    }
}
