//! A line of text being typed, with its cursor.

use super::canvas::{columns, pictures, tail};
use super::input::Press;

/// Text with a cursor, bounded.
#[derive(Default, Debug)]
pub(super) struct Field {
    text: String,
    /// Byte position in `text`, always between characters.
    cursor: usize,
    refused: usize,
}

impl Field {
    /// The longest text in characters: longer than any bar code or GS1 element string.
    pub(super) const MAX_LEN: usize = 256;

    /// With a text, the cursor behind it.
    pub(super) fn holding(text: &str) -> Self {
        let mut field = Self::default();
        text.chars().for_each(|character| field.insert(character));
        field
    }

    /// What was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Characters that were typed beyond the bound; a text that lost some must not be sent.
    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    /// Empties it and returns what was typed.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(self).text
    }

    /// Types a character at the cursor.
    pub(super) fn insert(&mut self, character: char) {
        if self.text.chars().count() >= Self::MAX_LEN {
            self.refused += 1;
            return;
        }
        self.text.insert(self.cursor, character);
        self.cursor += character.len_utf8();
    }

    /// Lets an editing key work; whether it was one.
    pub(super) fn edit(&mut self, press: Press) -> bool {
        match press {
            Press::Backspace => {
                if let Some(before) = self.before() {
                    self.cursor = before;
                    self.text.remove(before);
                }
            }
            Press::Delete => {
                if self.cursor < self.text.len() {
                    self.text.remove(self.cursor);
                }
            }
            Press::Left => self.cursor = self.before().unwrap_or(0),
            Press::Right => self.cursor += self.text[self.cursor..].chars().next().map_or(0, char::len_utf8),
            Press::Home => self.cursor = 0,
            Press::End => self.cursor = self.text.len(),
            Press::Enter
            | Press::Escape
            | Press::Tab
            | Press::BackTab
            | Press::Up
            | Press::Down
            | Press::PageUp
            | Press::PageDown
            | Press::F(_)
            | Press::Alt(_)
            | Press::Control(_) => return false,
        }
        if self.text.is_empty() {
            self.refused = 0;
        }
        true
    }

    /// What is shown in so many columns, and the cursor's column in it: the part before the cursor always ends in view.
    pub(super) fn shown(&self, width: u16) -> (String, u16) {
        let before = pictures(&self.text[..self.cursor]);
        let visible = tail(&before, width.saturating_sub(1));
        let rest = pictures(&self.text[self.cursor..]);
        (format!("{visible}{rest}"), columns(visible))
    }

    /// The same, each character hidden.
    pub(super) fn masked(&self, width: u16) -> (String, u16) {
        let hidden = |text: &str| "●".repeat(text.chars().count());
        let before = hidden(&self.text[..self.cursor]);
        let visible = tail(&before, width.saturating_sub(1));
        (format!("{visible}{}", hidden(&self.text[self.cursor..])), columns(visible))
    }

    fn before(&self) -> Option<usize> {
        self.text[..self.cursor].char_indices().next_back().map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_edit_at_the_cursor() {
        let mut field = Field::holding("aü");
        for (press, text, column) in [
            (Press::Left, "aü", 1),
            (Press::Backspace, "ü", 0),
            (Press::Left, "ü", 0),
            (Press::End, "ü", 1),
            (Press::Right, "ü", 1),
            (Press::Home, "ü", 0),
            (Press::Delete, "", 0),
            (Press::Backspace, "", 0),
        ] {
            assert!(field.edit(press));
            assert_eq!((field.text(), field.shown(9).1), (text, column), "{press:?}");
        }
    }

    #[test]
    fn a_long_text_shows_its_end_and_what_it_lost_is_counted() {
        let mut field = Field::holding(&"0123456789".repeat(26));
        assert_eq!((field.text().len(), field.refused()), (Field::MAX_LEN, 4));
        assert_eq!(field.shown(5), ("2345".to_owned(), 4));
        assert_eq!(field.take().len(), 256);
        assert_eq!(field.refused(), 0);
    }
}
