//! The window for a number: what it is for, facts that help, the number as typed, and one-touch answers.

use ratatui::layout::{Position, Rect};

use crate::desk::NumberPrompt;

use super::asked::Form;
use super::canvas::{Canvas, columns, wrap};
use super::dialog;
use super::input::{Press, Target};
use super::theme::Role;

/// Columns inside the window.
const WIDTH: u16 = 46;

/// Draws the window.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, prompt: &NumberPrompt, form: &Form, serial: u64) {
    let width = WIDTH.min(area.width.saturating_sub(4));
    let choices = choice_places(prompt, width);
    let choice_rows = choices.last().map_or(0, |place| place.bottom());
    let problem = prompt.problem.as_ref().map_or_else(Vec::new, |problem| wrap(&format!("▲ {problem}"), width));
    let facts = rows(prompt.facts.len());
    let height = 1 + facts + u16::from(facts > 0) + 3 + if choice_rows > 0 { choice_rows + 1 } else { 0 } + rows(problem.len());
    let keys = [(Press::Enter, "accepts"), (Press::Escape, "leaves")];
    let inner = dialog::open(canvas, area, (width, height), &prompt.title, &keys, Some(serial));

    let mut y = inner.y + 1;
    for (name, value) in &prompt.facts {
        dialog::fact(canvas, inner, y, name, value);
        y += 1;
    }
    y += u16::from(facts > 0);
    canvas.text(inner.x, y, inner.width, &prompt.label, Role::Strong);
    draw_field(canvas, Rect { y: y + 1, height: 1, ..inner }, prompt, form);
    y += 3;
    for (index, place) in choices.iter().enumerate() {
        let place = Rect { x: inner.x + place.x, y: y + place.y, ..*place };
        draw_choice(canvas, place.intersection(inner), prompt, index, form.chosen == Some(index), serial);
    }
    y += if choice_rows > 0 { choice_rows + 1 } else { 0 };
    for (y, row) in (y..inner.bottom()).zip(problem) {
        canvas.text(inner.x, y, inner.width, &row, Role::Danger);
    }
}

fn draw_field(canvas: &mut Canvas, area: Rect, prompt: &NumberPrompt, form: &Form) {
    canvas.fill(area, Role::Field);
    let (text, cursor) = form.text.shown(area.width.saturating_sub(3));
    canvas.text(area.x + 1, area.y, area.width.saturating_sub(2), &text, Role::Strong);
    if let Some(suggestion) = prompt.suggestion.as_ref().filter(|_| text.is_empty()) {
        canvas.text(area.x + 2, area.y, area.width.saturating_sub(3), &format!("{suggestion}  with Enter alone"), Role::Dim);
    }
    canvas.drawn.cursor = Some(Position::new(area.x + 1 + cursor, area.y));
}

/// Boxes of three rows, as many beside each other as fit, all as wide as the widest; places count from the first one's corner.
fn choice_places(prompt: &NumberPrompt, width: u16) -> Vec<Rect> {
    let widest = prompt.choices.iter().map(|choice| columns(&choice.label)).max().unwrap_or(0);
    let each = (widest + 4).clamp(10, width.max(10));
    let beside = (width / each).max(1);
    let each = width / beside.min(rows(prompt.choices.len()).max(1)).max(1);
    (0..rows(prompt.choices.len())).map(|index| Rect { x: index % beside * each, y: index / beside * 3, width: each, height: 3 }).collect()
}

fn draw_choice(canvas: &mut Canvas, place: Rect, prompt: &NumberPrompt, index: usize, chosen: bool, serial: u64) {
    let Some(choice) = prompt.choices.get(index) else { return };
    if chosen {
        canvas.fill(place, Role::Selected);
    }
    canvas.frame(place, if chosen { Role::Key } else { Role::Good });
    if index < 11 {
        canvas.text(place.x + 1, place.y, place.width.saturating_sub(2), &format!(" F{} ", index + 2), Role::Key);
    }
    let mark = if chosen { "▸" } else { "" };
    canvas.text(place.x + 1, place.y + 1, 1, mark, Role::Accent);
    canvas.center(place.x + 2, place.y + 1, place.width.saturating_sub(4), &choice.label, Role::Strong);
    canvas.target(place, Target::Choice { serial, value: choice.value.clone() });
}

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX / 4).min(u16::MAX / 4)
}
