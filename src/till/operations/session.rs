//! Session: signing in and unlocking, 701 Log off, 703 Lock register.

use super::super::stop::Stop;
use super::super::{Session, Till};
use super::transaction;
use crate::connection::{Source, State};
use crate::desk::{Answer, ConfirmPrompt, CredentialsPrompt, Desk, Prompt, Purpose};
use crate::ids::OperatorId;
use crate::journal::{JournalError, Stamp};
use crate::retail::staff::{Operator, Permission};
use crate::retail::transaction::Event;
use crate::view::{Level, Notice};

/// Asks who works here, until somebody does.
pub(in crate::till) fn sign_in(till: &mut Till, desk: &mut dyn Desk) -> Result<(), Stop> {
    let operator = ask_credentials(till, desk, &Purpose::SignIn, None)?;
    begin_session(till, operator)?;
    till.offline_database.fetch();
    let purged = purge(till);
    till.purged = Some((till.clock.now(), purged.as_ref().err().map(ToString::to_string)));
    till.notice = Some(match &till.in_hand {
        _ if purged.is_err() => Notice {
            level: Level::Warning,
            text: "old transactions could not leave the journal".to_owned(),
            hint: "nothing is lost; tell whoever looks after the register".to_owned(),
        },
        Some(in_hand) => Notice {
            level: Level::Info,
            text: format!("the sale of {} that was in hand is back", in_hand.totals.total.plain()),
            hint: "go on where it stopped".to_owned(),
        },
        None => Notice { level: Level::Info, text: "ready".to_owned(), hint: "scan the first product, F2 searches, F1 helps".to_owned() },
    });
    Ok(())
}

/// Asks for the PIN of the operator who locked the register; another one's does not open it. A manager's logs that operator off.
pub(in crate::till) fn unlock(till: &mut Till, desk: &mut dyn Desk) -> Result<(), Stop> {
    let Some(session) = &till.session else { return Ok(()) };
    let (id, name) = (session.operator.id.clone(), session.operator.name.clone());
    let purpose = Purpose::Unlock { operator: id.0.clone(), name: name.clone() };
    let problem = till.session.as_mut().and_then(|session| session.problem.take());
    let operator = ask_credentials(till, desk, &purpose, problem)?;
    if operator.id != id && operator.permissions.manager {
        return log_off_another(till, desk, operator.id, &name);
    }
    if operator.id != id {
        return Err(Stop::refused("only the operator who locked the register opens it", "enter that operator's PIN"));
    }
    if let Some(session) = &mut till.session {
        session.locked = false;
        session.operator = operator;
    }
    till.sources.set_operator(Some(&id));
    till.notice = None;
    till.note(Event::Unlocked)
}

/// 701: with a sale in hand it asks to void it first; the shift stays open.
pub(super) fn log_off(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    if till.in_hand.is_some() {
        let question = format!("A sale is in hand. {}", transaction::question(till.sale()?));
        let (yes, no) = ("void it and log off".to_owned(), "go on selling".to_owned());
        till.confirm(desk, &ConfirmPrompt { title: "Log off".to_owned(), question, yes, no })?;
        till.authorize(desk, Permission::VoidTransaction, 500)?;
        transaction::give_up(till)?;
    }
    end_session(till)
}

/// A manager cannot work under a cashier's name, only end his work; the sale in hand waits for whoever signs in next.
fn log_off_another(till: &mut Till, desk: &mut dyn Desk, manager: OperatorId, name: &str) -> Result<(), Stop> {
    till.confirm(
        desk,
        &ConfirmPrompt {
            title: "Log off".to_owned(),
            question: format!("{name} locked this register. Log {name} off? A sale in hand is kept."),
            yes: "log off".to_owned(),
            no: "leave it locked".to_owned(),
        },
    )?;
    till.note(Event::ManagerAuthorized { manager, operation: 701 })?;
    end_session(till)
}

fn end_session(till: &mut Till) -> Result<(), Stop> {
    let unsent = till.journal.unsent()?.sales;
    till.note(Event::LogOff)?;
    till.session = None;
    till.sources.set_operator(None);
    till.change_due = None;
    till.pending_quantity = None;
    let hint = match till.sources.state() {
        State::Online => "leave the register running; they are on their way",
        State::Blocked { .. } => "leave the register running; they go up once the scale unit answers",
        State::Offline { .. } => "they go up once the register is online; sign in, F12 connects",
    };
    till.notice = Some(match unsent {
        0 => Notice { level: Level::Info, text: "logged off; every sale is at the scale unit".to_owned(), hint: String::new() },
        1 => Notice { level: Level::Warning, text: "logged off; 1 sale is unsent".to_owned(), hint: hint.to_owned() },
        many => Notice { level: Level::Warning, text: format!("logged off; {many} sales are unsent"), hint: hint.to_owned() },
    });
    Ok(())
}

/// 703
#[expect(clippy::unnecessary_wraps, reason = "the table's operations share one signature")]
pub(super) fn lock_register(till: &mut Till, _: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    lock(till);
    Ok(())
}

/// Locks. This never fails: a lock that could not be written down is a lock all the same.
pub(in crate::till) fn lock(till: &mut Till) {
    (till.notice, till.pending_quantity) = (None, None);
    if let Err(Stop::Refused(notice)) = till.note(Event::Locked) {
        till.notice = Some(notice);
    }
    if let Some(session) = &mut till.session {
        session.locked = true;
    }
}

fn begin_session(till: &mut Till, operator: Operator) -> Result<(), Stop> {
    till.take_numbers()?;
    let at = till.clock.now();
    let offline = till.sources.source() == Source::Offline;
    let stamp = |shift| Stamp { operator: operator.id.clone(), shift, at, offline };
    let shift = if let Some(open) = till.journal.shift()? {
        open
    } else {
        let id = till.keys.next(at);
        till.journal.open_shift(id, stamp)?
    };
    let id = till.keys.next(at);
    till.journal.note(id, Event::LogOn, &stamp(shift.id))?;
    till.sources.set_operator(Some(&operator.id));
    till.session = Some(Session { operator, shift, locked: false, problem: None });
    till.note_connection()?;
    till.uploads.wake();
    Ok(())
}

/// What is at the scale unit and older than the profile says leaves the journal, so that it stays small.
fn purge(till: &mut Till) -> Result<(), JournalError> {
    let days = chrono::TimeDelta::days(till.profile.offline.purge_after_days.into());
    let before = till.clock.now().checked_sub_signed(days).unwrap_or_default();
    till.journal.purge(before).map(drop)
}

/// Asks for credentials until they are somebody's.
fn ask_credentials(till: &mut Till, desk: &mut dyn Desk, purpose: &Purpose, mut problem: Option<String>) -> Result<Operator, Stop> {
    loop {
        let hint = till.sample_hint.clone().filter(|_| *purpose == Purpose::SignIn);
        let asked = CredentialsPrompt { purpose: purpose.clone(), problem: problem.take(), hint };
        let (operator, pin) = match till.ask(desk, Prompt::Credentials(asked)) {
            Ok(Answer::Credentials { operator, pin }) => (OperatorId(operator), pin),
            Ok(Answer::Operation { number, parameter }) if till.session.is_none() => {
                till.operate(desk, number, parameter.as_deref())?;
                continue;
            }
            Ok(_) | Err(Stop::Cancelled | Stop::Lock) => continue,
            Err(stop) => return Err(stop),
        };
        match till.check_credentials(desk, &operator, &pin) {
            Ok(operator) => return Ok(operator),
            Err(stop) if till.only_a_code_helps() => return Err(stop),
            Err(stop) => problem = Some(stop.into_problem()?),
        }
    }
}
