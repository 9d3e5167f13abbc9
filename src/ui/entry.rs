//! The entry line: what is being typed, and behind it what was typed ahead and waits for the till.

use ratatui::layout::{Position, Rect};

use crate::desk::Prompt;

use super::Screen;
use super::canvas::{Canvas, columns, pictures, tail};
use super::theme::Role;

/// Rows it takes in a window of that height.
pub(super) fn rows(window_height: u16) -> u16 {
    if window_height >= 40 { 3 } else { 1 }
}

/// Draws the line; the cursor stands in it while the till waits for a command.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, screen: &Screen) {
    let boxed = area.height >= 3;
    if boxed {
        canvas.frame(area, Role::Key);
    } else {
        canvas.fill(area, Role::Field);
    }
    canvas.drawn.entry = area;
    let live = screen.asked.as_ref().is_none_or(|asked| asked.question.prompt == Prompt::Command);
    let area = Rect { x: area.x + u16::from(boxed), y: area.y + area.height / 2, width: area.width - 2 * u16::from(boxed), height: 1 };
    let sign = if screen.is_waiting() { " ⋯ " } else { " › " };
    let mut x = area.x + canvas.text(area.x, area.y, area.width, sign, if live { Role::Accent } else { Role::Dim });
    if let Some(quantity) = screen.view.as_ref().and_then(|view| view.pending_quantity) {
        x += canvas.text(x, area.y, area.right().saturating_sub(x), &format!("{quantity} × "), Role::Accent);
    }
    let room = area.right().saturating_sub(x + 1);
    let waiting = pictures(&screen.waiting_text());
    let waiting_room = if screen.entry.is_empty() { room } else { columns(&waiting).min(room / 2) };
    let (text, cursor) = screen.entry.shown(room - waiting_room.min(columns(&waiting)));
    let used = canvas.text(x, area.y, room, &text, Role::Strong);
    if !waiting.is_empty() {
        canvas.text(x + used, area.y, room.saturating_sub(used), tail(&waiting, room.saturating_sub(used)), Role::Waiting);
    } else if text.is_empty() && live {
        canvas.text(x + 1, area.y, room.saturating_sub(1), "scan or type a bar code", Role::Dim);
    }
    canvas.drawn.cursor = Some(Position::new(x + cursor.min(room), area.y));
}
