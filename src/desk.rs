//! The cashier as a port: what the till asks, what may come back.
//!
//! The till calls [`Desk::ask`] in direct style and waits on its own thread. The screen (whose keys a tape presses too), a list of answers in a
//! test, the replay of real baskets and the simulator's cashiers each implement it; none of them holds any rule of the shop.

use std::sync::Arc;

use crate::channel::Result as ChannelResult;
use crate::clock::Tick;
use crate::connection::Failure;
use crate::ids::ProductId;
use crate::money::Money;
use crate::retail::product::Product;
use crate::retail::register::Configuration;
use crate::retail::staff::Pin;
use crate::view::{Level, View};

/// Whoever answers for the cashier.
pub trait Desk {
    /// Shows the view with a question and waits for its answer, or for something that happens in the background meanwhile; then the
    /// till takes note of it and asks the same question again, under the same serial.
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply;

    /// Shows the view while the till goes on working.
    fn show(&mut self, view: &Arc<View>);
}

/// What comes back from the desk.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// The cashier answered.
    Answer(Answer),
    /// Something happened meanwhile.
    Background(Background),
    /// Nobody is there any more: the screen was closed.
    HungUp,
}

/// News from the register's own threads.
#[derive(Clone, PartialEq, Debug)]
pub enum Background {
    /// Uploading found nobody there.
    UploadUnreachable {
        /// When that request was sent.
        sent: Tick,
        /// How it failed.
        failure: Failure,
    },
    /// Uploading went on: some transactions arrived or were set aside.
    UploadProgress,
    /// A newer offline database lies ready to be taken into use.
    OfflineDatabaseReady,
    /// It could not be fetched, or a package was refused.
    OfflineDatabaseFailed {
        /// Why, in words.
        why: String,
        /// What to do about it.
        hint: String,
    },
    /// The store's configuration and the register's set-up were read at the scale unit, or it does not tell them.
    Configuration(ChannelResult<Box<Configuration>>),
    /// A call that went on to headquarters has its answer.
    RealtimeAnswered,
    /// A deadline of the till has come (idle lock, health check).
    DeadlineReached,
}

/// A question with its number: a question asked again after news keeps it.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    /// Grows with every new question.
    pub serial: u64,
    /// What is asked.
    pub prompt: Prompt,
}

/// What the till asks.
#[derive(Clone, PartialEq, Debug)]
pub enum Prompt {
    /// What next? The entry line and the buttons are live.
    Command,
    /// A personnel number and PIN.
    Credentials(CredentialsPrompt),
    /// A number, typed or chosen.
    Number(NumberPrompt),
    /// Yes (Enter) or no (Esc).
    Confirm(ConfirmPrompt),
    /// Products found so far; every change of the text asks anew.
    Search(SearchPrompt),
    /// Nothing but whether to go on waiting; Esc gives up.
    Wait(Wait),
    /// Something to read, closed by Enter or Esc.
    Page(Page),
    /// The connection status window; Enter does its action, Esc leaves.
    ConnectionStatus(ConnectionStatus),
}

/// Why credentials are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialsPrompt {
    /// Why.
    pub purpose: Purpose,
    /// What was wrong last time.
    pub problem: Option<String>,
    /// How to sign in to the sample store; absent elsewhere.
    pub hint: Option<String>,
}

/// Why credentials are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To begin work.
    SignIn,
    /// To unlock; the operator who locked it is named and only his PIN is asked.
    Unlock {
        /// Personnel number.
        operator: String,
        /// Name.
        name: String,
    },
    /// A manager's, for one operation.
    Authorize {
        /// What it is for, such as `Price override`.
        operation: String,
    },
    /// A manager's, so that an operator may try again.
    Release {
        /// Who is locked out.
        operator: String,
        /// Since wrong PINs, and until when: a sentence.
        locked: String,
    },
    /// A code of headquarters in place of a PIN, that makes the device a register; it is shown as it is typed.
    Activate {
        /// Which register the device is taken for.
        register: String,
    },
}

/// A number to type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumberPrompt {
    /// Above the box: the operation.
    pub title: String,
    /// What number, with its unit: `Quantity in each`, `New price in USD`.
    pub label: String,
    /// Facts that help: `Price 0.89`, `Due 6.70`.
    pub facts: Vec<(String, String)>,
    /// What an empty answer means; shown as suggestion.
    pub suggestion: Option<String>,
    /// One-touch answers: quick amounts.
    pub choices: Vec<Choice>,
    /// What was wrong with the last answer.
    pub problem: Option<String>,
}

/// A one-touch answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// On the button: `20`, `Exact 6.70`.
    pub label: String,
    /// What it answers.
    pub value: String,
}

/// A question of yes or no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfirmPrompt {
    /// The operation.
    pub title: String,
    /// The question, with what hangs on it.
    pub question: String,
    /// What Enter does, in a word or two.
    pub yes: String,
    /// What Esc does.
    pub no: String,
}

/// A search under way.
#[derive(Clone, PartialEq, Debug)]
pub struct SearchPrompt {
    /// The operation that wants a product.
    pub title: String,
    /// What Enter does with the chosen one: `sell`, `check price`.
    pub action: String,
    /// The text these products fit.
    pub text: String,
    /// In order of fit.
    pub products: Arc<Vec<Product>>,
    /// Whether there are more.
    pub more: bool,
    /// Why there may be none.
    pub problem: Option<String>,
}

/// Something takes a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wait {
    /// The operation.
    pub title: String,
    /// What is waited for.
    pub text: String,
}

/// Something to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Name and value, a row each; an empty name continues the row above.
    pub rows: Vec<(String, String)>,
    /// What Enter does besides closing, if anything: `Sell it`.
    pub action: Option<String>,
}

/// What the connection status window shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionStatus {
    /// `Disconnect` or `Connect`.
    pub action: String,
    /// What would be lost or why it would be refused; shown above the action.
    pub remark: Option<String>,
    /// What is known.
    pub sections: Vec<Section>,
}

/// A part of the connection status window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// A row each.
    pub facts: Vec<Fact>,
}

/// A row of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// What it is about.
    pub name: String,
    /// What is known about it.
    pub value: String,
    /// Whether somebody should do something about it.
    pub level: Level,
}

impl Fact {
    /// A fact that is as it should be.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), level: Level::Info }
    }

    /// The same fact, as serious as it is.
    #[must_use]
    pub fn at(self, level: Level) -> Self {
        Self { level, ..self }
    }
}

/// What the cashier answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// A line typed or scanned at the command prompt.
    Entry(String),
    /// A button or its key.
    Operation {
        /// Its number.
        number: u16,
        /// The button's parameter: a payment method, an amount.
        parameter: Option<String>,
    },
    /// Another line is wanted as the selected one.
    Select(Selection),
    /// Credentials.
    Credentials {
        /// Personnel number; for an unlock the one that was shown, for an activation none.
        operator: String,
        /// PIN, or the code of an activation.
        pin: Pin,
    },
    /// A number as typed; empty means the suggestion.
    Number(String),
    /// The search's text is now this.
    SearchText(String),
    /// This product of the search.
    Pick(ProductId),
    /// Yes; also the action of a page or window.
    Yes,
    /// No, close, go back.
    Cancel,
}

/// A line or payment of the sale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selection {
    /// A line by its number.
    Line(u32),
    /// A payment by its number.
    Payment(u32),
}

/// What is given back after a concluded sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeDue {
    /// Receipt number as printed.
    pub receipt: String,
    /// The sale's total.
    pub total: Money,
    /// What was given.
    pub tendered: Money,
    /// What is given back.
    pub change: Money,
}
