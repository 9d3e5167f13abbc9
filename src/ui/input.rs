//! What the cashier does, as the screen takes it: characters, presses of keys that are no characters, and clicks on something.
//!
//! A click means what was seen where it fell, so it is resolved at once, however long it then waits in the queue.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::desk::Selection;
use crate::ids::ProductId;

/// One thing the cashier did.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Input {
    /// A character typed, scanned or pasted.
    Character(char),
    /// A key that is no character.
    Press(Press),
    /// A click on something.
    Click(Target),
}

/// A key that is no character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Press {
    Enter,
    Escape,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// F1 to F12.
    F(u8),
    /// Alt and a character, in lower case.
    Alt(char),
    /// Ctrl and a character, in lower case.
    Control(char),
}

/// What can be clicked.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Target {
    /// A button of the grid.
    Operation {
        /// Its operation.
        number: u16,
        /// What the layout gives along.
        parameter: Option<String>,
    },
    /// A line or payment of the sale.
    Select(Selection),
    /// Another grid of buttons.
    Tab(usize),
    /// A product of the search.
    Pick(ProductId),
    /// A one-touch answer; good for that question alone.
    Choice {
        /// The question.
        serial: u64,
        /// The answer.
        value: String,
    },
    /// A key shown in a window; good for that question alone.
    Press {
        /// The question; none for the screen's own windows.
        serial: Option<u64>,
        /// The key.
        press: Press,
    },
}

impl Input {
    /// Whether it does nothing but edit a text.
    pub(super) fn edits_text(&self) -> bool {
        match self {
            Self::Character(_) => true,
            Self::Press(press) => matches!(press, Press::Backspace | Press::Delete | Press::Left | Press::Right | Press::Home | Press::End),
            Self::Click(_) => false,
        }
    }

    /// What a key event means; a release means nothing.
    pub(super) fn from_key(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let (control, alt) = (event.modifiers.contains(KeyModifiers::CONTROL), event.modifiers.contains(KeyModifiers::ALT));
        let press = match (event.code, control, alt) {
            // AltGr arrives as both on some systems, with the character it makes.
            (KeyCode::Char(character), false, false) | (KeyCode::Char(character), true, true) => return Some(Self::Character(character)),
            // A group separator (0x1D) of a GS1 scanner, as terminals name it.
            (KeyCode::Char('5' | ']'), true, false) => return Some(Self::Character('\u{1d}')),
            // A line feed, which some scanners send for Enter.
            (KeyCode::Char('j'), true, false) | (KeyCode::Enter, ..) => Press::Enter,
            (KeyCode::Char(character), true, false) => Press::Control(character.to_ascii_lowercase()),
            (KeyCode::Char(character), false, true) => Press::Alt(character.to_ascii_lowercase()),
            (KeyCode::F(number), false, false) => Press::F(number),
            (KeyCode::Esc, ..) => Press::Escape,
            (KeyCode::Tab, ..) => Press::Tab,
            (KeyCode::BackTab, ..) => Press::BackTab,
            (KeyCode::Backspace, ..) => Press::Backspace,
            (KeyCode::Delete, ..) => Press::Delete,
            (KeyCode::Left, ..) => Press::Left,
            (KeyCode::Right, ..) => Press::Right,
            (KeyCode::Up, ..) => Press::Up,
            (KeyCode::Down, ..) => Press::Down,
            (KeyCode::PageUp, ..) => Press::PageUp,
            (KeyCode::PageDown, ..) => Press::PageDown,
            (KeyCode::Home, ..) => Press::Home,
            (KeyCode::End, ..) => Press::End,
            _ => return None,
        };
        Some(Self::Press(press))
    }

    /// A pasted text: its line ends are Enter, everything else is typed as it is.
    pub(super) fn from_paste(text: &str) -> impl Iterator<Item = Self> {
        let mut characters = text.chars().peekable();
        std::iter::from_fn(move || {
            let character = characters.next()?;
            if character == '\r' {
                characters.next_if_eq(&'\n');
            }
            Some(match character {
                '\r' | '\n' => Self::Press(Press::Enter),
                character => Self::Character(character),
            })
        })
    }
}

impl Press {
    /// As it is shown while it waits.
    pub(super) fn name(self) -> String {
        match self {
            Self::Enter => "⏎".to_owned(),
            Self::Escape => "Esc".to_owned(),
            Self::F(number) => format!("F{number}"),
            Self::Alt(character) => format!("Alt+{}", character.to_uppercase()),
            Self::Control(character) => format!("Ctrl+{}", character.to_uppercase()),
            Self::Tab
            | Self::BackTab
            | Self::Backspace
            | Self::Delete
            | Self::Left
            | Self::Right
            | Self::Up
            | Self::Down
            | Self::PageUp
            | Self::PageDown
            | Self::Home
            | Self::End => format!("{self:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_a_till_makes_of_them() {
        use KeyModifiers as M;
        let key = |code, modifiers| Input::from_key(KeyEvent::new(code, modifiers));
        for (code, modifiers, expected) in [
            (KeyCode::Char('a'), M::NONE, Some(Input::Character('a'))),
            (KeyCode::Char('A'), M::SHIFT, Some(Input::Character('A'))),
            (KeyCode::Char('@'), M::CONTROL | M::ALT, Some(Input::Character('@'))),
            (KeyCode::Char('5'), M::CONTROL, Some(Input::Character('\u{1d}'))),
            (KeyCode::Char('j'), M::CONTROL, Some(Input::Press(Press::Enter))),
            (KeyCode::Char('D'), M::ALT | M::SHIFT, Some(Input::Press(Press::Alt('d')))),
            (KeyCode::Char('q'), M::CONTROL, Some(Input::Press(Press::Control('q')))),
            (KeyCode::F(12), M::NONE, Some(Input::Press(Press::F(12)))),
            (KeyCode::F(12), M::ALT, None),
            (KeyCode::Enter, M::NONE, Some(Input::Press(Press::Enter))),
            (KeyCode::CapsLock, M::NONE, None),
        ] {
            assert_eq!(key(code, modifiers), expected, "{code:?} {modifiers:?}");
        }
    }

    #[test]
    fn a_release_means_nothing() {
        let event = KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE) };
        assert_eq!(Input::from_key(event), None);
    }

    #[test]
    fn line_ends_of_a_paste_are_one_enter_each() {
        let shown: Vec<Input> = Input::from_paste("1\r\n2\n3\r4\u{1d}").collect();
        let enter = Input::Press(Press::Enter);
        let c = Input::Character;
        assert_eq!(shown, [c('1'), enter.clone(), c('2'), enter.clone(), c('3'), enter, c('4'), c('\u{1d}')]);
    }
}
