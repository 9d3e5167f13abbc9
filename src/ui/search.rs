//! The search window: the text being typed, and the products that fit it.

use ratatui::layout::{Position, Rect};

use crate::desk::SearchPrompt;
use crate::retail::product::Product;

use super::asked::Form;
use super::canvas::Canvas;
use super::dialog;
use super::format::amount;
use super::input::{Press, Target};
use super::theme::Role;

/// Columns inside the window at most: a longer row is harder to follow.
const MAX_WIDTH: u16 = 112;
/// Rows inside the window at most: who needs more should type on.
const MAX_HEIGHT: u16 = 30;

/// Draws the window.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, prompt: &SearchPrompt, form: &Form, serial: u64) {
    let width = area.width.saturating_sub(4).min(MAX_WIDTH);
    let keys = [(Press::Enter, prompt.action.as_str()), (Press::Escape, "leaves")];
    let inner = dialog::open(canvas, area, (width, area.height.saturating_sub(2).min(MAX_HEIGHT)), &prompt.title, &keys, Some(serial));

    let field = Rect { height: 1, y: inner.y + 1, ..inner };
    canvas.fill(field, Role::Field);
    let sign = canvas.text(field.x, field.y, field.width, " › ", Role::Accent);
    let (text, cursor) = form.text.shown(field.width.saturating_sub(sign + 1));
    canvas.text(field.x + sign, field.y, field.width.saturating_sub(sign), &text, Role::Strong);
    if text.is_empty() {
        canvas.text(field.x + sign + 1, field.y, field.width.saturating_sub(sign + 1), "a part of the name, or a number", Role::Dim);
    }

    let list = Rect { y: inner.y + 3, height: inner.height.saturating_sub(4), ..inner };
    draw_products(canvas, list, prompt, form);
    canvas.drawn.cursor = Some(Position::new(field.x + sign + cursor, field.y));
    let foot = inner.bottom().saturating_sub(1);
    if let Some(problem) = &prompt.problem {
        canvas.text(inner.x, foot, inner.width, &format!("▲ {problem}"), Role::Warning);
    } else if prompt.more {
        canvas.text(inner.x, foot, inner.width, "… there are more: type on", Role::Dim);
    }
}

fn draw_products(canvas: &mut Canvas, area: Rect, prompt: &SearchPrompt, form: &Form) {
    let visible = usize::from(area.height.saturating_sub(1));
    let chosen = form.chosen.unwrap_or(0).min(prompt.products.len().saturating_sub(1));
    let top = (chosen + 1).saturating_sub(visible);
    let columns = Columns::fitting(area.width);
    canvas.drawn.page_rows = visible;
    if prompt.products.is_empty() {
        return;
    }
    columns.draw(canvas, area.x, area.y, ["Article", "Department", "Code", "Stock", "Price"].map(|text| (text, Role::Dim)));
    for ((y, product), index) in (area.y + 1..area.bottom()).zip(&prompt.products[top..]).zip(top..) {
        let place = Rect { y, height: 1, ..area };
        if index == chosen {
            canvas.fill(place, Role::Selected);
            canvas.text(area.x, y, 1, "▸", Role::Accent);
        }
        draw_product(canvas, &columns, place, product);
        canvas.target(place, Target::Pick(product.id.clone()));
    }
}

fn draw_product(canvas: &mut Canvas, columns: &Columns, place: Rect, product: &Product) {
    let stock = product.stock.map_or_else(String::new, |stock| stock.normalize().to_string().replace('-', "−"));
    let unit = if product.unit == "each" { String::new() } else { format!(" / {}", product.unit) };
    let (name, price) = if product.rules.blocked {
        (Role::Void, "not for sale".to_owned())
    } else {
        (Role::Text, format!("{}{unit}", amount(product.price)))
    };
    let price_role = if product.rules.blocked { Role::Warning } else { Role::Strong };
    columns.draw(
        canvas,
        place.x,
        place.y,
        [(&product.name, name), (&product.department, Role::Dim), (&product.barcode, Role::Dim), (&stock, Role::Dim), (&price, price_role)],
    );
}

/// Where the columns stand; a width of nothing leaves a column out.
struct Columns {
    name: u16,
    department: u16,
    code: u16,
    stock: u16,
    price: u16,
}

impl Columns {
    fn fitting(width: u16) -> Self {
        let (department, code, stock) = match width {
            ..70 => (0, 0, 0),
            70..90 => (0, 15, 8),
            90.. => (18, 15, 8),
        };
        let price = 14;
        Self { name: width.saturating_sub(2 + department + code + stock + price), department, code, stock, price }
    }

    fn draw(&self, canvas: &mut Canvas, x: u16, y: u16, [name, department, code, stock, price]: [(&str, Role); 5]) {
        let mut x = x + 2;
        for ((text, role), width) in [(name, self.name), (department, self.department), (code, self.code)] {
            canvas.text(x, y, width.saturating_sub(1), text, role);
            x += width;
        }
        for ((text, role), width) in [(stock, self.stock), (price, self.price)] {
            canvas.right(x, y, width, text, role);
            x += width;
        }
    }
}
