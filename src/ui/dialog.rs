//! The window that a question is asked in: a titled box in the middle, with the keys that work in its lower border.

use ratatui::layout::Rect;

use super::canvas::{Canvas, columns};
use super::input::{Press, Target};
use super::theme::Role;

/// A key that works in a window, and what it does.
pub(super) type KeyHint<'a> = (Press, &'a str);

/// Draws an empty window of at most that inner size in the middle of the place, makes what lies under it deaf to clicks, and returns
/// its inner place. Its keys can be clicked; they hold for one question, or for the screen's own window when there is no serial.
pub(super) fn open(
    canvas: &mut Canvas,
    area: Rect,
    (width, height): (u16, u16),
    title: &str,
    keys: &[KeyHint],
    serial: Option<u64>,
) -> Rect {
    let (width, height) = ((width + 4).min(area.width), (height + 2).min(area.height));
    let window = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    canvas.cover();
    canvas.fill(window, Role::Panel);
    canvas.frame(window, Role::Key);
    let room = width.saturating_sub(4);
    canvas.spans(window.x + 2, window.y, room, &[(" ", Role::Text), (title, Role::Accent), (" ", Role::Text)]);
    draw_keys(canvas, window, keys, serial);
    Rect { x: window.x + 2, y: window.y + 1, width: room, height: height.saturating_sub(2) }
}

/// The keys at the right of the lower border.
fn draw_keys(canvas: &mut Canvas, window: Rect, keys: &[KeyHint], serial: Option<u64>) {
    let shown: Vec<(String, String)> = keys.iter().map(|(press, what)| (format!(" {}", name(*press)), format!(" {what} "))).collect();
    let used: u16 = shown.iter().map(|(key, what)| columns(key) + columns(what)).sum();
    let mut x = window.right().saturating_sub(used + 2).max(window.x + 2);
    for ((press, _), (key, what)) in keys.iter().zip(&shown) {
        let room = window.right().saturating_sub(x + 2);
        let used = canvas.spans(x, window.bottom().saturating_sub(1), room, &[(key, Role::Key), (what, Role::Text)]);
        canvas.target(Rect { x, y: window.bottom().saturating_sub(1), width: used, height: 1 }, Target::Press { serial, press: *press });
        x += used;
    }
}

fn name(press: Press) -> String {
    if press == Press::Enter { "Enter".to_owned() } else { press.name() }
}

/// A row of the window with a name at the left and a value at the right.
pub(super) fn fact(canvas: &mut Canvas, area: Rect, y: u16, name: &str, value: &str) {
    let room = area.width.saturating_sub(columns(value) + 1);
    canvas.text(area.x, y, room, name, Role::Dim);
    canvas.right(area.x, y, area.width, value, Role::Text);
}
