//! One input at the question in hand: what it changes on the screen, and the answer it gives, if any.
//!
//! Called by [`Screen`] for one waiting input after another, in order, and only while a question is open.

use crate::desk::{Answer, ConfirmPrompt, NumberPrompt, Prompt, Purpose, SearchPrompt, Selection};
use crate::retail::staff::Pin;
use crate::till::operations::{Key, Operation, TABLE};
use crate::view::{self, View};

use super::asked::Form;
use super::canvas::pictures;
use super::field::Field;
use super::format::key_of;
use super::input::{Input, Press, Target};
use super::{Overlay, Screen};

impl Screen {
    /// Lets one input work.
    pub(super) fn apply(&mut self, input: Input) -> Option<Answer> {
        self.remark = None;
        self.queue.forget_refused();
        if self.overlay_takes(&input) {
            return None;
        }
        match &input {
            Input::Press(Press::F(1)) => self.overlay = Some(Overlay::Help { scroll: 0 }),
            Input::Press(Press::Control('r')) => self.open_receipt(),
            Input::Character(_) | Input::Press(_) | Input::Click(_) => return self.answer(input),
        }
        None
    }

    fn answer(&mut self, input: Input) -> Option<Answer> {
        let mut asked = self.asked.take()?;
        let (form, serial) = (&mut asked.form, asked.question.serial);
        let answer = match &asked.question.prompt {
            Prompt::Command => self.command(input),
            Prompt::Credentials(prompt) => self.credentials(press_of(input, serial), form, &prompt.purpose),
            Prompt::Number(prompt) => self.number(input, form, prompt, serial),
            Prompt::Confirm(prompt) => self.confirm(&press_of(input, serial), form, prompt),
            Prompt::Search(prompt) => search(press_of(input, serial), form, prompt, self.page_rows()),
            Prompt::Wait(_) => self.wait(&press_of(input, serial)),
            Prompt::Page(page) => self.page(&press_of(input, serial), form, page.action.as_deref()),
            Prompt::ConnectionStatus(status) => self.page(&press_of(input, serial), form, Some(&status.action)),
        };
        self.asked = Some(asked);
        answer
    }

    fn command(&mut self, input: Input) -> Option<Answer> {
        match input {
            Input::Character('?') if self.entry.is_empty() => {
                self.overlay = Some(Overlay::Help { scroll: 0 });
                None
            }
            Input::Character(character) => {
                self.entry.insert(character);
                None
            }
            Input::Click(Target::Operation { number, parameter }) => Some(Answer::Operation { number, parameter }),
            Input::Click(Target::Select(selection)) => self.select(|_, _| Some(selection)),
            Input::Click(Target::Tab(tab)) => {
                self.tab = tab;
                None
            }
            Input::Click(Target::Pick(_) | Target::Choice { .. } | Target::Press { .. }) => None,
            Input::Press(press) => self.command_key(press),
        }
    }

    fn command_key(&mut self, press: Press) -> Option<Answer> {
        let page = self.drawn.borrow().list_rows.max(2) - 1;
        match press {
            Press::Enter => self.enter(),
            // With nothing typed it takes back the quantity that waits for its product.
            Press::Escape if self.entry.is_empty() && self.view.as_ref().is_some_and(|view| view.pending_quantity.is_some()) => {
                Some(Answer::Cancel)
            }
            Press::Escape => {
                self.entry.take();
                None
            }
            Press::Home if self.entry.is_empty() => self.select(|rows, _| rows.first().copied()),
            Press::End if self.entry.is_empty() => self.select(|rows, _| rows.last().copied()),
            Press::Up => self.select(|rows, at| rows.get(at.map_or(rows.len(), |at| at.max(1)).wrapping_sub(1)).copied()),
            Press::Down => self.select(|rows, at| rows.get(at.map_or(0, |at| at + 1)).copied()),
            Press::PageUp => self.select(|rows, at| rows.get(at.unwrap_or(rows.len()).saturating_sub(page)).copied()),
            Press::PageDown => self.select(|rows, at| rows.get(at.map_or(0, |at| at + page).min(rows.len().saturating_sub(1))).copied()),
            Press::Tab => {
                self.tab = self.tab.wrapping_add(1);
                None
            }
            Press::BackTab => {
                self.tab = self.tab.wrapping_sub(1);
                None
            }
            Press::F(_) | Press::Alt(_) | Press::Control(_) => self.operation_key(press),
            Press::Backspace | Press::Delete | Press::Left | Press::Right | Press::Home | Press::End => {
                self.entry.edit(press);
                None
            }
        }
    }

    /// Sends the entry line; on the welcome screen an empty one leaves the change where it can be read.
    fn enter(&mut self) -> Option<Answer> {
        if self.entry.refused() > 0 {
            self.remark(format!("more than {} characters", Field::MAX_LEN), "Esc clears, then scan again");
            return None;
        }
        let between_sales = self.view.as_ref().is_none_or(|view| view.screen != view::Screen::Transaction);
        if self.entry.is_empty() && between_sales {
            return None;
        }
        Some(Answer::Entry(self.entry.take()))
    }

    fn operation_key(&mut self, press: Press) -> Option<Answer> {
        let Some(operation) = operation_of(press) else {
            self.remark(format!("{} does nothing here", press.name()), "? shows every key");
            return None;
        };
        Some(Answer::Operation { number: operation.number, parameter: None })
    }

    /// Answers with the row that `choose` finds among the sale's lines and payments, given the selected one's place.
    fn select(&mut self, choose: impl FnOnce(&[Selection], Option<usize>) -> Option<Selection>) -> Option<Answer> {
        let view = self.view.as_ref()?;
        let rows = selections(view);
        let at = view.selected.and_then(|selected| rows.iter().position(|row| *row == selected));
        self.list_top = None;
        let chosen = choose(&rows, at)?;
        (view.selected != Some(chosen)).then_some(Answer::Select(chosen))
    }

    fn credentials(&mut self, input: Input, form: &mut Form, purpose: &Purpose) -> Option<Answer> {
        // Only a PIN is typed, or a code.
        let alone = matches!(purpose, Purpose::Unlock { .. } | Purpose::Activate { .. });
        let first = matches!(purpose, Purpose::SignIn | Purpose::Activate { .. });
        match input {
            Input::Character(character) => field(form).insert(character),
            Input::Press(Press::Enter | Press::Tab | Press::Down) if !form.on_pin => {
                if form.text.is_empty() {
                    self.remark("no operator number yet".to_owned(), "type it, then Enter");
                } else {
                    form.on_pin = true;
                }
            }
            Input::Press(Press::Enter) if form.pin.is_empty() => {
                let what = if matches!(purpose, Purpose::Activate { .. }) { "no code yet" } else { "no PIN yet" };
                self.remark(what.to_owned(), "type it, then Enter");
            }
            Input::Press(Press::Enter) => {
                return Some(Answer::Credentials { operator: form.text.text().to_owned(), pin: Pin::new(form.pin.take()) });
            }
            Input::Press(Press::BackTab | Press::Up) if !alone => form.on_pin = false,
            Input::Press(Press::Escape) => match purpose {
                Purpose::Authorize { .. } | Purpose::Release { .. } => return Some(Answer::Cancel),
                Purpose::Activate { .. } => {
                    form.pin = Field::default();
                    return self.view.as_ref().is_some_and(|view| view.screen != view::Screen::Activation).then_some(Answer::Cancel);
                }
                Purpose::Unlock { .. } => form.pin = Field::default(),
                Purpose::SignIn => *form = Form::default(),
            },
            Input::Press(press @ (Press::F(_) | Press::Alt(_))) if first => {
                return self.operation_key_before_sign_in(press);
            }
            Input::Press(press) => {
                field(form).edit(press);
            }
            Input::Click(Target::Operation { number, parameter }) if first => {
                return Some(Answer::Operation { number, parameter });
            }
            Input::Click(_) => {}
        }
        None
    }

    /// The few operations that are offered before anybody has signed in.
    fn operation_key_before_sign_in(&mut self, press: Press) -> Option<Answer> {
        let activating = self.view.as_ref().is_some_and(|view| view.screen == view::Screen::Activation);
        let screen = if activating { view::Screen::Activation } else { view::Screen::SignIn };
        let Some(operation) = operation_of(press).filter(|operation| operation.screens.contains(&screen)) else {
            if activating {
                self.remark("this device is not activated".to_owned(), "type the code that headquarters gave out");
            } else {
                self.remark("nobody has signed in".to_owned(), "operator number, Enter, PIN, Enter");
            }
            return None;
        };
        Some(Answer::Operation { number: operation.number, parameter: None })
    }

    fn number(&mut self, input: Input, form: &mut Form, prompt: &NumberPrompt, serial: u64) -> Option<Answer> {
        match press_of(input, serial) {
            Input::Click(Target::Choice { serial: asked, value }) if asked == serial => return Some(Answer::Number(value)),
            Input::Character(digit @ '0'..='9') => {
                form.chosen = None;
                form.text.insert(digit);
            }
            Input::Character('.' | ',') if !form.text.text().contains('.') => form.text.insert('.'),
            Input::Character(character) => {
                form.ignored_text = true;
                let shown = pictures(&character.to_string());
                self.remark(format!("`{shown}` is no part of a number"), "digits and one point");
            }
            Input::Press(Press::F(key)) => {
                let choice = key.checked_sub(2).and_then(|index| prompt.choices.get(usize::from(index)));
                return choice.map(|choice| Answer::Number(choice.value.clone()));
            }
            Input::Press(press @ (Press::Up | Press::Down)) => form.chosen = step(form.chosen, press, prompt.choices.len()),
            Input::Press(press) => return self.number_key(press, form, prompt),
            Input::Click(_) => {}
        }
        None
    }

    fn number_key(&mut self, press: Press, form: &mut Form, prompt: &NumberPrompt) -> Option<Answer> {
        if press == Press::Escape {
            return Some(Answer::Cancel);
        }
        if press != Press::Enter {
            form.text.edit(press);
            return None;
        }
        if std::mem::take(&mut form.ignored_text) {
            // What is left of `1e30` or of a scan is another number: 130 must not become a price, nor a lone Enter the suggestion.
            form.text.take();
            self.remark("that was no number".to_owned(), "type it again, then Enter · Esc leaves");
            return None;
        }
        if let Some(choice) = form.chosen.and_then(|index| prompt.choices.get(index)) {
            return Some(Answer::Number(choice.value.clone()));
        }
        if form.text.refused() > 0 {
            self.remark(format!("more than {} digits", Field::MAX_LEN), "Esc leaves");
            return None;
        }
        if form.text.is_empty() && prompt.suggestion.is_none() {
            self.remark("no number yet".to_owned(), "type it, then Enter · Esc leaves");
            return None;
        }
        Some(Answer::Number(form.text.take()))
    }

    /// A question of yes or no, which a scan must never answer.
    fn confirm(&mut self, input: &Input, form: &mut Form, prompt: &ConfirmPrompt) -> Option<Answer> {
        match input {
            Input::Press(Press::Escape) => Some(Answer::Cancel),
            Input::Press(Press::Enter) => self.yes(form, &prompt.yes),
            Input::Character(_) => {
                form.ignored_text = true;
                None
            }
            Input::Press(_) | Input::Click(_) => None,
        }
    }

    /// Nothing is taken while headquarters is being asked but the wish to give up.
    fn wait(&mut self, input: &Input) -> Option<Answer> {
        if *input == Input::Press(Press::Escape) {
            return Some(Answer::Cancel);
        }
        self.remark("this takes a moment".to_owned(), "Esc gives up · then scan again");
        None
    }

    /// A page to read: Enter does its action, if it has one.
    fn page(&mut self, input: &Input, form: &mut Form, action: Option<&str>) -> Option<Answer> {
        match input {
            Input::Press(Press::Escape) => Some(Answer::Cancel),
            Input::Press(Press::Enter) => match action {
                Some(action) => self.yes(form, action),
                None if form.ignored_text => self.yes(form, "close"),
                None => Some(Answer::Cancel),
            },
            Input::Press(press) => {
                form.scroll = self.scrolled(form.scroll, *press);
                None
            }
            Input::Character(_) => {
                form.ignored_text = true;
                None
            }
            Input::Click(_) => None,
        }
    }

    fn yes(&mut self, form: &mut Form, what: &str) -> Option<Answer> {
        if std::mem::take(&mut form.ignored_text) {
            self.remark("a scan is not taken here".to_owned(), &format!("Enter: {what} · Esc leaves"));
            return None;
        }
        Some(Answer::Yes)
    }

    /// Whether the help or the receipt took the input; typing and operations close them and go where they belong.
    fn overlay_takes(&mut self, input: &Input) -> bool {
        let Some(overlay) = self.overlay.take() else { return false };
        let Input::Press(press) = press_of(input.clone(), u64::MAX) else {
            return *input == Input::Character('?');
        };
        match press {
            Press::Escape | Press::Enter | Press::F(1) => true,
            Press::Up | Press::Down | Press::PageUp | Press::PageDown | Press::Home | Press::End => {
                let scroll = self.scrolled(overlay.scroll(), press);
                self.overlay = Some(overlay.at(scroll));
                true
            }
            Press::Tab
            | Press::BackTab
            | Press::Backspace
            | Press::Delete
            | Press::Left
            | Press::Right
            | Press::F(_)
            | Press::Alt(_)
            | Press::Control(_) => false,
        }
    }

    fn open_receipt(&mut self) {
        let receipt = self.view.as_ref().filter(|view| matches!(view.screen, view::Screen::Welcome | view::Screen::Transaction));
        if receipt.is_some_and(|view| view.last_receipt.is_some()) {
            self.overlay = Some(Overlay::Receipt { scroll: 0 });
        } else {
            self.remark("no receipt to show".to_owned(), "it is there after a sale");
        }
    }

    /// Where scrolling leads from here, within what the last picture had.
    pub(super) fn scrolled(&self, from: usize, press: Press) -> usize {
        let drawn = self.drawn.borrow();
        let (page, most) = (drawn.page_rows.max(2) - 1, drawn.scroll_max);
        let to = if press == Press::Up {
            from.saturating_sub(1)
        } else if press == Press::Down {
            from.saturating_add(1)
        } else if press == Press::PageUp {
            from.saturating_sub(page)
        } else if press == Press::PageDown {
            from.saturating_add(page)
        } else if press == Press::Home {
            0
        } else if press == Press::End {
            most
        } else {
            from
        };
        to.min(most)
    }

    fn page_rows(&self) -> usize {
        self.drawn.borrow().page_rows.max(2) - 1
    }

    /// Why the program is not closed here: `Ctrl+Q` away from the sign-in screen.
    pub(super) fn refuse_to_quit(&mut self) {
        self.remark("the register is in use".to_owned(), &format!("log off first ({}), then Ctrl+Q closes it", key_of(701)));
    }
}

fn search(input: Input, form: &mut Form, prompt: &SearchPrompt, page: usize) -> Option<Answer> {
    let last = prompt.products.len().checked_sub(1);
    let at = form.chosen.unwrap_or(0).min(last.unwrap_or(0));
    match input {
        Input::Character(character) => form.text.insert(character),
        Input::Click(Target::Pick(product)) => return Some(Answer::Pick(product)),
        Input::Press(Press::Enter) => return prompt.products.get(at).map(|product| Answer::Pick(product.id.clone())),
        Input::Press(Press::Escape) => return Some(Answer::Cancel),
        Input::Press(Press::Up) => form.chosen = Some(at.saturating_sub(1)),
        Input::Press(Press::Down) => form.chosen = Some((at + 1).min(last.unwrap_or(0))),
        Input::Press(Press::PageUp) => form.chosen = Some(at.saturating_sub(page)),
        Input::Press(Press::PageDown) => form.chosen = Some((at + page).min(last.unwrap_or(0))),
        Input::Press(press) => {
            form.text.edit(press);
        }
        Input::Click(_) => {}
    }
    None
}

/// A click on a key that a window shows is that key, as long as the window's question is still the one asked.
fn press_of(input: Input, asked: u64) -> Input {
    match input {
        Input::Click(Target::Press { serial, press }) if serial.is_none_or(|serial| serial == asked) => Input::Press(press),
        Input::Character(_) | Input::Press(_) | Input::Click(_) => input,
    }
}

fn field(form: &mut Form) -> &mut Field {
    if form.on_pin { &mut form.pin } else { &mut form.text }
}

fn step(from: Option<usize>, press: Press, length: usize) -> Option<usize> {
    let last = length.checked_sub(1)?;
    Some(match (from, press) {
        (None, Press::Up) => last,
        (None, _) => 0,
        (Some(at), Press::Up) => at.saturating_sub(1),
        (Some(at), _) => (at + 1).min(last),
    })
}

/// The operation that a key runs.
fn operation_of(press: Press) -> Option<&'static Operation> {
    TABLE.iter().find(|operation| match operation.key {
        Key::F(number) => press == Press::F(number),
        Key::Alt(character) => press == Press::Alt(character.to_ascii_lowercase()),
        Key::Enter => false,
    })
}

/// The lines and payments that can be selected, as they are listed.
pub(super) fn selections(view: &View) -> Vec<Selection> {
    let Some((sale, _)) = &view.sale else { return Vec::new() };
    let lines = sale.lines().iter().map(|line| Selection::Line(line.number));
    lines.chain(sale.payments().iter().map(|payment| Selection::Payment(payment.number))).collect()
}
