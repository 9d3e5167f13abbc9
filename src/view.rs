//! What the till shows: an immutable picture published after each step. Drawing is a pure function of it, a little screen state and the time.

use std::sync::Arc;

use crate::clock::Time;
use crate::desk::{ChangeDue, Selection};
use crate::money::Quantity;
use crate::retail::sale::{Sale, Totals};

/// A picture of the till.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    /// Which screen.
    pub screen: Screen,
    /// The status header.
    pub header: Header,
    /// The sale in hand, with its sums.
    pub sale: Option<(Arc<Sale>, Totals)>,
    /// The selected line or payment.
    pub selected: Option<Selection>,
    /// A quantity keyed before the product (`3*`).
    pub pending_quantity: Option<Quantity>,
    /// What happened last, in one line.
    pub notice: Option<Notice>,
    /// The sale just concluded, until the next begins.
    pub change_due: Option<ChangeDue>,
    /// The last receipt, to be looked at.
    pub last_receipt: Option<Arc<Vec<String>>>,
    /// How headquarters wants it shown, if it says so.
    pub look: Option<Arc<Look>>,
}

/// How headquarters wants a register's screen to look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    /// `dark` or `light`.
    pub theme: Option<String>,
    /// A screen layout, in the form of `assets/layouts`.
    pub layout: Option<String>,
}

/// What a register shows; each operation says on which of them it can be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Screen {
    /// The device is no register.
    Activation,
    /// Nobody has signed in.
    SignIn,
    /// Between sales.
    Welcome,
    /// A sale in hand.
    Transaction,
    /// The operator is away; nothing of the sale is shown.
    Locked,
}

/// The status header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The store's name and number.
    pub store: String,
    /// The register's number; 0 while the device is none.
    pub register: u32,
    /// Who has signed in.
    pub operator: Option<String>,
    /// The open shift and when it was opened.
    pub shift: Option<(String, Time)>,
    /// Online or not.
    pub connection: ConnectionView,
    /// Sales not yet at the scale unit, those set aside included.
    pub unsent: u64,
    /// When the oldest of them was recorded.
    pub oldest_unsent: Option<Time>,
    /// Sales and events that were set aside and wait for somebody to look at them.
    pub set_aside: u64,
    /// Whether the fiscal unit has failed, so that what is sold is not signed.
    pub unsigned: bool,
    /// Local time less UTC, minutes.
    pub utc_offset_minutes: i32,
}

/// The connection's part of the header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConnectionView {
    /// Requests go to the scale unit.
    Online,
    /// Requests are answered from the register's own database.
    Offline {
        /// Since when.
        since: Time,
        /// Why.
        reason: String,
        /// The next beginning of a sale after this tries again; absent after a manual disconnect.
        next_try: Option<Time>,
    },
    /// The scale unit does not answer and there is no offline database.
    Blocked {
        /// Since when.
        since: Time,
        /// Why.
        reason: String,
        /// Why there is none: `no offline database yet`, `works online only`.
        lacks: String,
    },
}

/// What happened last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// What happened.
    pub text: String,
    /// What to do next, and with which key.
    pub hint: String,
}

/// How much a notice matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Something went as wanted.
    Info,
    /// Something wants attention.
    Warning,
    /// Something was refused or failed.
    Error,
}
