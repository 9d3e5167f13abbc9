//! Keys, scans and clicks that wait for the till, in order. None is lost, none is doubled; what exceeds the bound is refused as a whole line.

use std::collections::VecDeque;

use super::input::{Input, Press};

/// Inputs that wait.
#[derive(Default, Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Input>,
    refused: usize,
    refusing: bool,
}

impl Queue {
    /// The most inputs that wait: some 300 bar codes.
    pub(super) const MAX_LEN: usize = 4_096;

    /// Puts an input behind the others. Beyond the bound everything is refused until the queue is empty and a key other than a
    /// character comes, and an unfinished line at its end is refused too: half a bar code would be another bar code.
    pub(super) fn push(&mut self, input: Input) {
        if self.refusing {
            self.refusing = !self.waiting.is_empty() || matches!(input, Input::Character(_));
            self.refused += 1;
            return;
        }
        if self.waiting.len() < Self::MAX_LEN {
            self.waiting.push_back(input);
            return;
        }
        self.refusing = true;
        self.refused += 1;
        while let Some(Input::Character(_)) = self.waiting.back() {
            self.waiting.pop_back();
            self.refused += 1;
        }
    }

    /// Puts inputs behind the others, in their order.
    pub(super) fn extend(&mut self, inputs: impl IntoIterator<Item = Input>) {
        inputs.into_iter().for_each(|input| self.push(input));
    }

    /// The next input.
    pub(super) fn pop(&mut self) -> Option<Input> {
        self.waiting.pop_front()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the next input only edits a text.
    pub(super) fn next_edits_text(&self) -> bool {
        self.waiting.front().is_some_and(Input::edits_text)
    }

    /// Inputs refused since [`Self::forget_refused`].
    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    /// Takes the sign of refused inputs away, once nothing is refused any more.
    pub(super) fn forget_refused(&mut self) {
        if !self.refusing {
            self.refused = 0;
        }
    }

    /// What waits, as it is shown: characters as typed, `⏎` for Enter, names for other keys. Hidden, every character is a dot.
    pub(super) fn shown(&self, hidden: bool) -> String {
        let mut text = String::new();
        for input in &self.waiting {
            match input {
                Input::Character(_) if hidden => text.push('●'),
                Input::Character(character) => text.push(*character),
                Input::Press(Press::Enter) => text.push('⏎'),
                Input::Press(press) => text.extend([" ", &press.name(), " "]),
                Input::Click(_) => text.push_str(" click "),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_shown() {
        let mut queue = Queue::default();
        queue.extend(Input::from_paste("12\n7"));
        queue.push(Input::Press(Press::F(9)));
        assert_eq!(queue.shown(false), "12⏎7 F9 ");
        assert_eq!(queue.shown(true), "●●⏎● F9 ");
    }

    #[test]
    fn beyond_the_bound_whole_lines_are_refused_and_counted() {
        let mut queue = Queue::default();
        let line = |queue: &mut Queue| queue.extend(Input::from_paste("4006381333931\n"));
        (0..300).for_each(|_| line(&mut queue));
        let kept = queue.waiting.len();
        assert_eq!((kept % 14, kept + queue.refused()), (0, 300 * 14));
        assert_eq!(queue.waiting.back(), Some(&Input::Press(Press::Enter)));
        while queue.pop().is_some() {}
        queue.extend(Input::from_paste("33931\n"));
        assert!(queue.is_empty(), "the rest of a line that was cut is refused with it");
        line(&mut queue);
        assert_eq!(queue.waiting.len(), 14);
    }
}
