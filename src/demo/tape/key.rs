//! The keys that a tape can press, and their names on it.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key, as a tape names it and a terminal reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character; the space bar is `Char(' ')`.
    Char(char),
    /// A character with Ctrl held; letters in lower case.
    Ctrl(char),
    /// A character with Alt held; letters in lower case.
    Alt(char),
    /// A function key, from 1.
    F(u8),
    /// `Enter`
    Enter,
    /// `Escape`
    Escape,
    /// `Tab`
    Tab,
    /// `Shift+Tab`
    ShiftTab,
    /// `Backspace`
    Backspace,
    /// `Delete`
    Delete,
    /// `Insert`
    Insert,
    /// `Up`
    Up,
    /// `Down`
    Down,
    /// `Left`
    Left,
    /// `Right`
    Right,
    /// `PageUp`
    PageUp,
    /// `PageDown`
    PageDown,
    /// `Home`
    Home,
    /// `End`
    End,
}

/// Every key with a name of its own.
const NAMED: [(&str, Key); 29] = [
    ("Enter", Key::Enter),
    ("Escape", Key::Escape),
    ("Tab", Key::Tab),
    ("Shift+Tab", Key::ShiftTab),
    ("Backspace", Key::Backspace),
    ("Delete", Key::Delete),
    ("Insert", Key::Insert),
    ("Space", Key::Char(' ')),
    ("Up", Key::Up),
    ("Down", Key::Down),
    ("Left", Key::Left),
    ("Right", Key::Right),
    ("PageUp", Key::PageUp),
    ("PageDown", Key::PageDown),
    ("Home", Key::Home),
    ("End", Key::End),
    ("F1", Key::F(1)),
    ("F2", Key::F(2)),
    ("F3", Key::F(3)),
    ("F4", Key::F(4)),
    ("F5", Key::F(5)),
    ("F6", Key::F(6)),
    ("F7", Key::F(7)),
    ("F8", Key::F(8)),
    ("F9", Key::F(9)),
    ("F10", Key::F(10)),
    ("F11", Key::F(11)),
    ("F12", Key::F(12)),
    ("Ctrl+Space", Key::Ctrl(' ')),
];

impl Key {
    /// The key called `word` on a tape.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        if let Some((_, key)) = NAMED.iter().find(|(name, _)| *name == word) {
            return Some(*key);
        }
        if let Some(rest) = word.strip_prefix("Ctrl+") {
            only_char(rest).map(|c| Self::Ctrl(c.to_ascii_lowercase()))
        } else {
            let rest = word.strip_prefix("Alt+")?;
            only_char(rest).map(|c| Self::Alt(c.to_ascii_lowercase()))
        }
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }
}

fn only_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// The key's name on a tape; a character without one is itself.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(' ') => f.write_str("Space"),
            Self::Char(c) => write!(f, "{c}"),
            Self::Ctrl(' ') => f.write_str("Ctrl+Space"),
            Self::Ctrl(c) => write!(f, "Ctrl+{c}"),
            Self::Alt(c) => write!(f, "Alt+{c}"),
            Self::F(number) => write!(f, "F{number}"),
            Self::ShiftTab => f.write_str("Shift+Tab"),
            Self::Enter
            | Self::Escape
            | Self::Tab
            | Self::Backspace
            | Self::Delete
            | Self::Insert
            | Self::Up
            | Self::Down
            | Self::Left
            | Self::Right
            | Self::PageUp
            | Self::PageDown
            | Self::Home
            | Self::End => write!(f, "{self:?}"),
        }
    }
}

/// The event that a terminal sends for the key: capitals come with Shift.
impl From<Key> for KeyEvent {
    fn from(key: Key) -> Self {
        let none = KeyModifiers::NONE;
        let (code, modifiers) = match key {
            Key::Char(c) if c.is_uppercase() => (KeyCode::Char(c), KeyModifiers::SHIFT),
            Key::Char(c) => (KeyCode::Char(c), none),
            Key::Ctrl(c) => (KeyCode::Char(c), KeyModifiers::CONTROL),
            Key::Alt(c) => (KeyCode::Char(c), KeyModifiers::ALT),
            Key::F(number) => (KeyCode::F(number), none),
            Key::Enter => (KeyCode::Enter, none),
            Key::Escape => (KeyCode::Esc, none),
            Key::Tab => (KeyCode::Tab, none),
            Key::ShiftTab => (KeyCode::BackTab, KeyModifiers::SHIFT),
            Key::Backspace => (KeyCode::Backspace, none),
            Key::Delete => (KeyCode::Delete, none),
            Key::Insert => (KeyCode::Insert, none),
            Key::Up => (KeyCode::Up, none),
            Key::Down => (KeyCode::Down, none),
            Key::Left => (KeyCode::Left, none),
            Key::Right => (KeyCode::Right, none),
            Key::PageUp => (KeyCode::PageUp, none),
            Key::PageDown => (KeyCode::PageDown, none),
            Key::Home => (KeyCode::Home, none),
            Key::End => (KeyCode::End, none),
        };
        Self::new(code, modifiers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_key_writes_the_name_it_is_read_by() {
        for name in Key::names().chain(["Ctrl+x", "Alt+.", "Ctrl++", "Ctrl+@"]) {
            let key = Key::from_word(name).expect(name);
            assert_eq!(key.to_string(), name);
        }
    }

    #[test]
    fn words_that_are_no_key_are_none() {
        for word in ["", "enter", "F0", "F13", "Ctrl+", "Ctrl+xy", "Alt+Enter", "Shift+A", "a"] {
            assert_eq!(Key::from_word(word), None, "{word}");
        }
    }

    #[test]
    fn keys_arrive_as_a_terminal_reports_them() {
        let cases = [
            ("Ctrl+C", KeyCode::Char('c'), KeyModifiers::CONTROL),
            ("Alt+X", KeyCode::Char('x'), KeyModifiers::ALT),
            ("Shift+Tab", KeyCode::BackTab, KeyModifiers::SHIFT),
            ("Escape", KeyCode::Esc, KeyModifiers::NONE),
            ("Space", KeyCode::Char(' '), KeyModifiers::NONE),
            ("F12", KeyCode::F(12), KeyModifiers::NONE),
        ];
        for (word, code, modifiers) in cases {
            let event = KeyEvent::from(Key::from_word(word).unwrap());
            assert_eq!(event, KeyEvent::new(code, modifiers), "{word}");
        }
        assert_eq!(KeyEvent::from(Key::Char('Ä')), KeyEvent::new(KeyCode::Char('Ä'), KeyModifiers::SHIFT));
    }
}
