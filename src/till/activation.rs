//! Which register this device is, as the till sees it: the port through which it is activated and released, and the screen before that.
//!
//! The register implements the port; the till knows no file and no HTTP. Operations 707 and 708 (`operations/device.rs`) use it.

use std::sync::Arc;

use super::Till;
use crate::channel::{ChannelError, ErrorKind, Refusal};
use crate::desk::{Answer, CredentialsPrompt, Desk, Prompt, Purpose, Question, Reply};
use crate::ids::RegisterId;
use crate::retail::register::Numbers;
use crate::secret::Secret;
use crate::view::{ConnectionView, Header, Level, Notice, Screen, View};

/// A device's activation, as the till steers it.
pub trait Activation: Send {
    /// The device's own name for itself.
    fn device(&self) -> &str;
    /// Whether the device may work.
    fn standing(&self) -> Standing;
    /// 707: trades a code of headquarters for the register's identity, and keeps it. Returns the numbers from which it goes on.
    fn activate(&mut self, code: &Secret) -> Result<Numbers, ActivationError>;
    /// 708: gives the identity back, and forgets it.
    fn release(&mut self) -> Result<(), ActivationError>;
    /// The scale unit said that the device is deactivated: that is kept until the next activation, or until it says otherwise.
    fn was_deactivated(&mut self);
    /// The scale unit takes the token: one that does not know the device, such as another store's, may have said that it was deactivated.
    fn was_accepted(&mut self);
}

/// Whether a device may work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is a register.
    Activated,
    /// It was one until headquarters deactivated it; what it still has to send is taken.
    Deactivated,
    /// It is none.
    Unknown,
}

impl Till {
    /// The scale unit has refused the device; that it took its token before counts no more.
    pub(super) fn was_deactivated(&mut self) {
        self.sources.take_acceptance();
        self.activation.was_deactivated();
    }

    /// Whether the scale unit takes the token of a device that it, or another one, had refused.
    pub(super) fn is_accepted_again(&mut self) -> bool {
        if self.activation.standing() != Standing::Deactivated {
            return false;
        }
        if self.session.is_none() {
            self.sources.connect_again();
        }
        self.sources.show_token_again();
        let is_accepted = self.sources.take_acceptance();
        if is_accepted {
            self.activation.was_accepted();
        }
        is_accepted
    }
}

/// Why a device was not activated or released.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ActivationError {
    /// The scale unit or headquarters.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The code is another register's than the one whose journal is here.
    #[error("the code is for register {given}, the journal here is register {journal}'s")]
    OtherRegister {
        /// The code's.
        given: RegisterId,
        /// The journal's.
        journal: RegisterId,
    },
    /// The register's own files.
    #[error("{problem}")]
    Kept {
        /// What is wrong.
        problem: String,
        /// What to do about it.
        hint: String,
    },
}

impl ActivationError {
    /// What happened and what to do, in the cashier's words.
    pub fn notice(&self) -> Notice {
        const AGAIN: &str = "type it again, or get a new one at headquarters: each is good for one device, for 24 hours";
        let (text, hint) = match self {
            Self::OtherRegister { .. } => (self.to_string(), "give that register a data directory of its own (--data), and a new code"),
            Self::Kept { problem, hint } => (problem.clone(), hint.as_str()),
            Self::Channel(error) => match error.kind {
                ErrorKind::Unreachable(failure) => (
                    format!("the scale unit does not answer: {failure}"),
                    "activation needs scale unit and headquarters; see that both run, then try again",
                ),
                ErrorKind::HeadquartersAway => (error.to_string(), "the code stays good; try again when headquarters is back"),
                ErrorKind::Refused(Refusal::Conflict) => {
                    (format!("headquarters refused: {}", error.detail), "reset the device at headquarters, then use a new code")
                }
                ErrorKind::Refused(Refusal::Locked) => (error.to_string(), "wait a few minutes, then try again"),
                ErrorKind::Refused(_) if error.detail.is_empty() => ("headquarters does not take this code".to_owned(), AGAIN),
                ErrorKind::Refused(_) => (format!("headquarters does not take this code: {}", error.detail), AGAIN),
                ErrorKind::Unsupported | ErrorKind::Broken => (error.to_string(), "`evertill doctor` checks the scale unit"),
            },
        };
        Notice { level: Level::Error, text, hint: hint.to_owned() }
    }
}

/// Asks for the code of a device that has never been a register, until it is one; there is no till yet. Whether somebody gave it, or the
/// screen was closed. `serial` is the last question's: the till goes on from there.
pub fn first_activation(
    desk: &mut dyn Desk,
    activation: &mut dyn Activation,
    expected: &RegisterId,
    scale_unit: &str,
    serial: &mut u64,
) -> bool {
    let mut view = empty_view();
    let mut problem = None::<Notice>;
    loop {
        *serial += 1;
        view.notice.clone_from(&problem);
        let shown = Arc::new(view.clone());
        let question = Question { serial: *serial, prompt: prompt(expected, problem.take(), format!("Scale unit: {scale_unit}")) };
        let code = loop {
            match desk.ask(&shown, &question) {
                Reply::Answer(Answer::Credentials { pin, .. }) => break pin,
                Reply::Answer(_) | Reply::Background(_) => {}
                Reply::HungUp => return false,
            }
        };
        desk.show(&shown);
        match activation.activate(&Secret::new(code.reveal().trim())) {
            Ok(_) => return true,
            Err(error) => problem = Some(error.notice()),
        }
    }
}

/// The question for a code.
pub(super) fn prompt(expected: &RegisterId, problem: Option<Notice>, hint: String) -> Prompt {
    Prompt::Credentials(CredentialsPrompt {
        purpose: Purpose::Activate { register: expected.to_string() },
        problem: problem.map(|notice| notice.text),
        hint: Some(hint),
    })
}

/// What there is to show of a device that is no register.
fn empty_view() -> View {
    View {
        screen: Screen::Activation,
        header: Header {
            store: "not activated".to_owned(),
            register: 0,
            operator: None,
            shift: None,
            connection: ConnectionView::Online,
            unsent: 0,
            oldest_unsent: None,
            set_aside: 0,
            unsigned: false,
            utc_offset_minutes: 0,
        },
        sale: None,
        selected: None,
        pending_quantity: None,
        notice: None,
        change_due: None,
        last_receipt: None,
        look: None,
    }
}
