//! The question in hand with what was typed into it so far. A question is answered at most once, whatever is asked again in between.

use crate::desk::{Prompt, Purpose, Question};

use super::field::Field;

/// A question and the little state of its window.
#[derive(Debug)]
pub(super) struct Asked {
    /// The question.
    pub(super) question: Question,
    /// Whether its answer was given.
    pub(super) answered: bool,
    /// What was typed and chosen.
    pub(super) form: Form,
}

/// What was typed into a window and chosen in it; each prompt uses what it needs.
#[derive(Default, Debug)]
pub(super) struct Form {
    /// The number, the search's text, the operator.
    pub(super) text: Field,
    /// The PIN.
    pub(super) pin: Field,
    /// Whether the PIN is being typed.
    pub(super) on_pin: bool,
    /// The choice or product the arrows stand on.
    pub(super) chosen: Option<usize>,
    /// Rows a page was scrolled down.
    pub(super) scroll: usize,
    /// Text was typed or scanned where none is taken: its Enter must not answer yes.
    pub(super) ignored_text: bool,
    /// The text that was last searched for.
    pub(super) searched: String,
    /// The answer was another text to search for: the next search is this one going on.
    pub(super) searching: bool,
}

impl Asked {
    /// Takes the next question over from the one before, if any: the same question again keeps everything, a search goes on under its text.
    pub(super) fn next(question: Question, before: Option<Self>, last_answered: Option<u64>) -> Self {
        let answered = last_answered.is_some_and(|serial| question.serial <= serial);
        let form = match (before, &question.prompt) {
            (Some(before), _) if before.question.serial == question.serial => before.form,
            (Some(Self { question: Question { prompt: Prompt::Search(_), .. }, form, .. }), Prompt::Search(_)) if form.searching => {
                Form { chosen: Some(0), searching: false, ..form }
            }
            (_, prompt) => Form::opening(prompt),
        };
        Self { question, answered, form }
    }

    /// Whether its answer is still wanted.
    pub(super) fn is_open(&self) -> bool {
        !self.answered
    }

    /// Whether what is typed for it is nobody's business.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self.question.prompt, Prompt::Credentials(_))
    }

    /// Whether the search's text has changed since it was last searched for.
    pub(super) fn search_changed(&self) -> bool {
        matches!(self.question.prompt, Prompt::Search(_)) && self.form.text.text() != self.form.searched
    }
}

impl Form {
    fn opening(prompt: &Prompt) -> Self {
        match prompt {
            Prompt::Command | Prompt::Number(_) | Prompt::Confirm(_) | Prompt::Wait(_) | Prompt::Page(_) | Prompt::ConnectionStatus(_) => {
                Self::default()
            }
            Prompt::Credentials(credentials) => match &credentials.purpose {
                Purpose::SignIn | Purpose::Authorize { .. } | Purpose::Release { .. } => Self::default(),
                Purpose::Activate { .. } => Self { on_pin: true, ..Self::default() },
                Purpose::Unlock { operator, .. } => Self { text: Field::holding(operator), on_pin: true, ..Self::default() },
            },
            Prompt::Search(search) => {
                Self { text: Field::holding(&search.text), searched: search.text.clone(), chosen: Some(0), ..Self::default() }
            }
        }
    }
}
