//! The last row: what happened last, and always what the cashier can do next.

use ratatui::layout::Rect;

use crate::desk::{Prompt, Purpose};
use crate::view::{self, Level, View};

use super::canvas::{Canvas, columns};
use super::format::key_of;
use super::theme::Role;
use super::{Overlay, Screen};

/// Columns of the hint that are kept however long the text is.
const HINT_MIN: u16 = 16;

/// Draws the row.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, screen: &Screen, view: &View) {
    let (level, text, hint) = content(screen, view);
    let (sign, role) = match level {
        None => ("", Role::Dim),
        Some(Level::Info) => ("✓ ", Role::Good),
        Some(Level::Warning) => ("▲ ", Role::Warning),
        Some(Level::Error) => ("✗ ", Role::Danger),
    };
    let width = area.width.saturating_sub(2);
    let gap = if text.is_empty() || hint.is_empty() { "" } else { " · " };
    // What happened comes first; of the hint as many parts as fit, and of its first part as much as fits.
    let wanted = columns(sign) + columns(&text).min(width.saturating_sub(HINT_MIN)) + columns(gap);
    let hint = shortened(&hint, width.saturating_sub(wanted));
    let end = area.right().saturating_sub(1);
    let mut x = area.x + 1;
    x += canvas.text(x, area.y, width, sign, role);
    let room = columns(&text).min(end.saturating_sub(x + columns(gap) + columns(hint).min(HINT_MIN)));
    x += canvas.text(x, area.y, room, &text, role);
    x += canvas.text(x, area.y, end.saturating_sub(x), gap, Role::Dim);
    canvas.text(x, area.y, end.saturating_sub(x), hint, Role::Dim);
}

/// As many of the hint's parts as fit, from the first; the first in any case.
fn shortened(hint: &str, width: u16) -> &str {
    let mut hint = hint;
    while columns(hint) > width
        && let Some((shorter, _)) = hint.rsplit_once(" · ")
    {
        hint = shorter;
    }
    hint
}

fn content(screen: &Screen, view: &View) -> (Option<Level>, String, String) {
    if screen.queue.refused() > 0 {
        let text = format!("{} keys were refused while the till was at work", screen.queue.refused());
        return (Some(Level::Error), text, "look at the sale, press Esc, then scan again".to_owned());
    }
    if let Some(remark) = &screen.remark {
        return (Some(Level::Warning), remark.text.clone(), remark.hint.clone());
    }
    let next = next(screen, view);
    match &view.notice {
        // What happened may name what was sold.
        Some(notice) if view.screen != view::Screen::Locked => {
            let hint = if notice.hint.is_empty() { next } else { notice.hint.clone() };
            (Some(notice.level), notice.text.clone(), hint)
        }
        Some(_) | None => (None, String::new(), next),
    }
}

/// What the cashier can do next.
fn next(screen: &Screen, view: &View) -> String {
    match screen.overlay {
        Some(Overlay::Help { .. } | Overlay::Receipt { .. }) => return "↑ ↓ scroll · Esc closes · a scan goes on selling".to_owned(),
        None => {}
    }
    let Some(asked) = &screen.asked else {
        return "the till is at work · what you type is kept in order".to_owned();
    };
    match &asked.question.prompt {
        Prompt::Command if view.screen == view::Screen::Transaction => {
            format!("scan the next article · {} search · {} cash · ↑ ↓ select · ? help", key_of(108), key_of(200))
        }
        Prompt::Command => format!("scan an article to begin a sale · {} search · ? help", key_of(108)),
        Prompt::Credentials(prompt) => match prompt.purpose {
            Purpose::SignIn => "operator number, Enter, PIN, Enter · Ctrl+Q closes the register".to_owned(),
            Purpose::Unlock { .. } => "type your PIN, then Enter".to_owned(),
            Purpose::Release { .. } => "a manager lets the operator try again · Esc leaves the lock".to_owned(),
            Purpose::Activate { .. } => "type the code that headquarters gave out, then Enter · Ctrl+Q closes".to_owned(),
            Purpose::Authorize { .. } => "a manager signs for this one operation · Esc leaves it".to_owned(),
        },
        Prompt::Number(prompt) if prompt.choices.is_empty() => "type the number, then Enter · Esc leaves".to_owned(),
        Prompt::Number(_) => "type the number, or choose with F2 … or ↑ ↓, then Enter · Esc leaves".to_owned(),
        Prompt::Confirm(prompt) => format!("Enter: {} · Esc: {}", prompt.yes, prompt.no),
        Prompt::Search(prompt) => format!("type a part of the name · ↑ ↓ choose · Enter: {} · Esc leaves", prompt.action),
        Prompt::Wait(_) => "this takes a moment · Esc gives up".to_owned(),
        Prompt::Page(page) => match &page.action {
            Some(action) => format!("Enter: {action} · Esc closes"),
            None => "Enter or Esc closes".to_owned(),
        },
        Prompt::ConnectionStatus(status) => format!("Enter: {} · Esc closes", status.action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_loses_its_last_parts_first() {
        for (width, shown) in [(30, "scan on · F9 cash · ? help"), (25, "scan on · F9 cash"), (16, "scan on"), (3, "scan on")] {
            assert_eq!(shortened("scan on · F9 cash · ? help", width), shown, "{width} columns");
        }
    }
}
