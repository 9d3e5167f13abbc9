//! Windows to read: a page, a question of yes or no, the connection status, the last receipt.

use ratatui::layout::Rect;

use crate::desk::{ConfirmPrompt, ConnectionStatus, Page, Wait};
use crate::view::Level;

use super::asked::Form;
use super::canvas::{Canvas, columns, wrap};
use super::dialog::{self, KeyHint};
use super::input::Press;
use super::theme::Role;

/// Columns inside a window at most: longer rows are hard to read.
const MAX_WIDTH: u16 = 70;

/// Draws a page.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, page: &Page, form: &Form, serial: u64) {
    let rows: Vec<Row> = page.rows.iter().map(|(name, value)| Row::Fact(name.clone(), value.clone(), Role::Text)).collect();
    let action = page.action.as_deref();
    let keys: &[KeyHint] = match action {
        Some(action) => &[(Press::Enter, action), (Press::Escape, "closes")],
        None => &[(Press::Enter, "closes")],
    };
    draw_rows(canvas, area, &page.title, keys, &rows, form.scroll, Some(serial));
}

/// Draws the connection status.
pub(super) fn draw_connection(canvas: &mut Canvas, area: Rect, status: &ConnectionStatus, form: &Form, serial: u64) {
    let width = MAX_WIDTH.min(area.width.saturating_sub(6));
    let remark = status.remark.iter().flat_map(|remark| wrap(&format!("▲ {remark}"), width));
    let mut rows: Vec<Row> = remark.map(Row::Remark).collect();
    for section in &status.sections {
        if !rows.is_empty() {
            rows.push(Row::Blank);
        }
        rows.push(Row::Heading(section.title.clone()));
        rows.extend(section.facts.iter().map(|fact| {
            let role = match fact.level {
                Level::Info => Role::Text,
                Level::Warning => Role::Warning,
                Level::Error => Role::Danger,
            };
            Row::Fact(fact.name.clone(), fact.value.clone(), role)
        }));
    }
    let keys = [(Press::Enter, status.action.as_str()), (Press::Escape, "closes")];
    draw_rows(canvas, area, "Connection", &keys, &rows, form.scroll, Some(serial));
}

/// Draws what is waited for.
pub(super) fn draw_wait(canvas: &mut Canvas, area: Rect, wait: &Wait, serial: u64) {
    let inner = dialog::open(canvas, area, (44, 3), &wait.title, &[(Press::Escape, "gives up")], Some(serial));
    canvas.text(inner.x, inner.y + 1, inner.width, &format!("{} …", wait.text), Role::Strong);
}

/// Draws a question of yes or no.
pub(super) fn draw_confirm(canvas: &mut Canvas, area: Rect, prompt: &ConfirmPrompt, serial: u64) {
    let keys = [(Press::Enter, prompt.yes.as_str()), (Press::Escape, prompt.no.as_str())];
    let width = area.width.saturating_sub(6).min(52);
    let text = wrap(&prompt.question, width);
    let height = u16::try_from(text.len()).unwrap_or(u16::MAX).saturating_add(2);
    let inner = dialog::open(canvas, area, (width, height), &prompt.title, &keys, Some(serial));
    for (y, row) in (inner.y + 1..inner.bottom()).zip(text) {
        canvas.text(inner.x, y, inner.width, &row, Role::Strong);
    }
}

/// Draws the last receipt, as printed.
pub(super) fn draw_receipt(canvas: &mut Canvas, area: Rect, receipt: Option<&Vec<String>>, scroll: usize) {
    let lines = receipt.map_or(&[][..], Vec::as_slice);
    let width = lines.iter().map(|line| columns(line)).max().unwrap_or(0).max(24) + 2;
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX - 2);
    let inner = dialog::open(canvas, area, (width, height), "Last receipt", &[(Press::Escape, "closes")], None);
    let top = note_scroll(canvas, lines.len(), inner.height, scroll);
    canvas.fill(inner, Role::Paper);
    for (y, line) in (inner.y..inner.bottom()).zip(&lines[top..]) {
        canvas.text(inner.x + 1, y, inner.width.saturating_sub(2), line, Role::Paper);
    }
    draw_more(canvas, inner, top, lines.len());
}

/// A row of a page.
enum Row {
    Blank,
    Heading(String),
    /// Name, value, and how the value looks.
    Fact(String, String, Role),
    Remark(String),
}

impl Row {
    /// The row, with those below it that a long value takes.
    fn wrapped(&self, width: u16) -> Vec<Self> {
        match self {
            Self::Blank => vec![Self::Blank],
            Self::Heading(text) => vec![Self::Heading(text.clone())],
            Self::Remark(text) => vec![Self::Remark(text.clone())],
            Self::Fact(name, value, role) => {
                let names = std::iter::once(name.clone()).chain(std::iter::repeat(String::new()));
                names.zip(wrap(value, width)).map(|(name, value)| Self::Fact(name, value, *role)).collect()
            }
        }
    }
}

fn draw_rows(canvas: &mut Canvas, area: Rect, title: &str, keys: &[KeyHint], rows: &[Row], scroll: usize, serial: Option<u64>) {
    let names = rows.iter().map(|row| if let Row::Fact(name, ..) = row { columns(name) } else { 0 }).max().unwrap_or(0).min(30);
    let wanted = rows.iter().map(|row| match row {
        Row::Blank => 0,
        Row::Heading(text) | Row::Remark(text) => columns(text),
        Row::Fact(_, value, _) => names + 2 + columns(value),
    });
    let key_columns = keys.iter().map(|(_, what)| columns(what) + 9).sum::<u16>();
    let width = wanted.max().unwrap_or(0).max(key_columns).clamp(36, MAX_WIDTH).min(area.width.saturating_sub(6));
    let rows: Vec<Row> = rows.iter().flat_map(|row| row.wrapped(width.saturating_sub(names + 2))).collect();
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX - 4) + 2;
    let inner = dialog::open(canvas, area, (width, height), title, keys, serial);
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(2), ..inner };
    let top = note_scroll(canvas, rows.len(), list.height, scroll);
    for (y, row) in (list.y..list.bottom()).zip(&rows[top..]) {
        match row {
            Row::Blank => {}
            Row::Heading(text) => {
                canvas.text(list.x, y, list.width, text, Role::Accent);
            }
            Row::Remark(text) => {
                canvas.text(list.x, y, list.width, text, Role::Warning);
            }
            Row::Fact(name, value, role) => {
                canvas.text(list.x, y, names, name, Role::Dim);
                canvas.text(list.x + names + 2, y, list.width.saturating_sub(names + 2), value, *role);
            }
        }
    }
    draw_more(canvas, list, top, rows.len());
}

/// Notes how far the window can be scrolled, and returns the first row to show.
pub(super) fn note_scroll(canvas: &mut Canvas, length: usize, height: u16, scroll: usize) -> usize {
    let most = length.saturating_sub(usize::from(height));
    canvas.drawn.scroll_max = most;
    canvas.drawn.page_rows = usize::from(height);
    scroll.min(most)
}

/// Arrows in the borders where there is more than is shown.
pub(super) fn draw_more(canvas: &mut Canvas, area: Rect, top: usize, length: usize) {
    let x = area.right().saturating_sub(2);
    if top > 0 {
        canvas.text(x, area.y.saturating_sub(1), 3, "↑", Role::Accent);
    }
    if top + usize::from(area.height) < length {
        canvas.text(area.x, area.bottom(), 10, "↓ more", Role::Accent);
    }
}
