//! Signing in, unlocking, and a manager's signature. The first two fill the screen; nothing of a sale is shown there.

use ratatui::layout::{Position, Rect};

use crate::clock::Time;
use crate::desk::{CredentialsPrompt, Prompt, Purpose};
use crate::view::{self, View};

use super::Screen;
use super::asked::Form;
use super::canvas::{Canvas, wrap};
use super::format::clock;
use super::input::Press;
use super::theme::Role;
use super::{dialog, digits};

/// Columns inside the window.
const WIDTH: u16 = 44;

/// Draws the sign-in or lock screen between header and notice, without its window.
pub(super) fn draw_whole(canvas: &mut Canvas, body: Rect, screen: &Screen, view: &View, now: Time) {
    let offset = view.header.utc_offset_minutes;
    let (big, small) = match view.screen {
        view::Screen::Locked => (clock(now, offset), "THIS REGISTER IS LOCKED".to_owned()),
        view::Screen::Activation => ("EVERTILL".to_owned(), "THIS DEVICE IS NOT A REGISTER YET".to_owned()),
        view::Screen::SignIn | view::Screen::Welcome | view::Screen::Transaction => {
            ("EVERTILL".to_owned(), "the till that never stops selling".to_owned())
        }
    };
    let upper = upper_part(body);
    let rows = digits::rows_in(&big, body.width, upper.height.saturating_sub(3));
    let top = upper.bottom().saturating_sub(rows + 2);
    digits::draw_center(canvas, body.x, top, body.width, rows, &big, Role::Key);
    canvas.center(body.x, top + rows + 1, body.width, &small, Role::Dim);
    let waiting = screen.waiting_text();
    if !waiting.is_empty() {
        canvas.center(body.x, body.bottom() - 1, body.width, &waiting, Role::Waiting);
    } else if screen.is_waiting() && screen.asked.as_ref().is_some_and(|asked| matches!(asked.question.prompt, Prompt::Credentials(_))) {
        canvas.center(body.x, body.bottom() - 1, body.width, "⋯ one moment", Role::Dim);
    }
}

/// Draws the window with operator and PIN.
pub(super) fn draw_window(canvas: &mut Canvas, area: Rect, prompt: &CredentialsPrompt, form: &Form, serial: u64, view: &View) {
    let (title, intro) = match &prompt.purpose {
        Purpose::SignIn => ("Sign in", String::new()),
        Purpose::Unlock { operator, name } => ("Unlock", format!("{name} ({operator}) locked it")),
        Purpose::Authorize { operation } => ("Manager needed", format!("{operation} needs a manager's signature")),
        Purpose::Release { locked, .. } => ("Locked out", format!("{locked}; a manager may unlock")),
        Purpose::Activate { register } => {
            ("Activate", format!("Get a code at headquarters: evertill hq register activation-code {register}"))
        }
    };
    let activating = matches!(prompt.purpose, Purpose::Activate { .. });
    let unlocking = activating || matches!(prompt.purpose, Purpose::Unlock { .. });
    let intro = if intro.is_empty() { Vec::new() } else { wrap(&intro, WIDTH) };
    let problem = prompt.problem.as_ref().map_or_else(Vec::new, |problem| wrap(&format!("✗ {problem}"), WIDTH));
    let hint = prompt.hint.as_ref().map_or_else(Vec::new, |hint| wrap(hint, WIDTH));
    let texts = [&intro, &problem, &hint].map(|text| if text.is_empty() { 0 } else { rows(text) + 1 });
    let height = 1 + texts.iter().sum::<u16>() + if unlocking { 2 } else { 4 };
    let on_top = matches!(prompt.purpose, Purpose::Authorize { .. } | Purpose::Release { .. });
    let whole = matches!(view.screen, view::Screen::Activation | view::Screen::SignIn | view::Screen::Locked);
    let keys = [
        (
            Press::Enter,
            if activating {
                "activates"
            } else if form.on_pin {
                "signs"
            } else {
                "goes on"
            },
        ),
        (Press::Escape, if whole && !on_top { "clears" } else { "leaves" }),
    ];
    let inner = dialog::open(canvas, if whole { lower_part(area, height + 2) } else { area }, (WIDTH, height), title, &keys, Some(serial));

    let mut y = inner.y + 1;
    y = draw_text(canvas, inner, y, &intro, Role::Text);
    if !unlocking {
        let shown = form.text.shown(inner.width.saturating_sub(14));
        draw_field(canvas, Rect { y, height: 1, ..inner }, "Operator", &shown, !form.on_pin);
        y += 2;
    }
    let room = inner.width.saturating_sub(14);
    let (label, typed) = if activating { ("Code", form.pin.shown(room)) } else { ("PIN", form.pin.masked(room)) };
    draw_field(canvas, Rect { y, height: 1, ..inner }, label, &typed, form.on_pin);
    y += 2;
    y = draw_text(canvas, inner, y, &problem, Role::Danger);
    draw_text(canvas, inner, y, &hint, Role::Dim);
}

fn draw_field(canvas: &mut Canvas, area: Rect, label: &str, (text, cursor): &(String, u16), active: bool) {
    canvas.text(area.x, area.y, 11, label, if active { Role::Accent } else { Role::Dim });
    let field = Rect { x: area.x + 11, width: area.width.saturating_sub(11), ..area };
    canvas.fill(field, Role::Field);
    canvas.text(field.x + 1, field.y, field.width.saturating_sub(2), text, Role::Strong);
    if active {
        canvas.drawn.cursor = Some(Position::new(field.x + 1 + cursor, field.y));
    }
}

/// Draws rows of text with a blank one behind; returns the next free row.
fn draw_text(canvas: &mut Canvas, area: Rect, y: u16, text: &[String], role: Role) -> u16 {
    for (y, row) in (y..area.bottom()).zip(text) {
        canvas.text(area.x, y, area.width, row, role);
    }
    if text.is_empty() { y } else { y + rows(text) + 1 }
}

/// The part of the screen that holds the logo or the clock.
fn upper_part(body: Rect) -> Rect {
    Rect { height: body.height * 2 / 5, ..body }
}

/// Where the window stands under it: as high as it can, as low as it must.
fn lower_part(area: Rect, height: u16) -> Rect {
    let top = (upper_part(area).bottom() + 1).min(area.bottom().saturating_sub(height)).max(area.y);
    Rect { y: top, height: height.min(area.bottom().saturating_sub(top)), ..area }
}

fn rows(text: &[String]) -> u16 {
    u16::try_from(text.len()).unwrap_or(u16::MAX / 4)
}
