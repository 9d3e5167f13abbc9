//! A PIN typed at the register: counted before it is compared, at sign-in, unlocking and a manager's signature alike, online and
//! offline; and the manager who ends a lock.

use chrono::TimeDelta;

use super::stop::Stop;
use super::{Standing, Till};
use crate::channel::{ChannelError, ErrorKind, Refusal};
use crate::clock::Time;
use crate::connection::Source;
use crate::desk::{Answer, CredentialsPrompt, Desk, Prompt, Purpose};
use crate::ids::OperatorId;
use crate::journal::Stamp;
use crate::retail::lockout::Attempts;
use crate::retail::staff::{Operator, Pin};
use crate::retail::transaction::Event;

/// What became of a PIN.
enum Checked {
    Right(Operator),
    /// Nobody may try this operator's PIN; until when, as far as that is known here.
    Locked(Option<Time>),
}

impl Till {
    /// Who the credentials belong to. Of an operator who is locked out, a manager is asked to unlock him.
    pub(super) fn check_credentials(&mut self, desk: &mut dyn Desk, operator: &OperatorId, pin: &Pin) -> Result<Operator, Stop> {
        match self.check_pin(desk, operator, pin)? {
            Checked::Right(operator) => Ok(operator),
            Checked::Locked(until) => Err(self.ask_manager_to_unlock(desk, operator, until)?),
        }
    }

    fn check_pin(&mut self, desk: &mut dyn Desk, operator: &OperatorId, pin: &Pin) -> Result<Checked, Stop> {
        let now = self.clock.now();
        if let Some(until) = self.journal.attempts(operator)?.locked_at(now) {
            return Ok(Checked::Locked(Some(until)));
        }
        let before = self.journal.note_failure(operator, now)?;
        match self.compare_pin(desk, operator, pin) {
            Ok(found) => {
                self.journal.set_attempts(operator, Attempts::default(), now)?;
                self.refuse_old_staff(now)?;
                Ok(Checked::Right(found))
            }
            Err(error) if error.kind == ErrorKind::Refused(Refusal::Credentials) => match self.journal.attempts(operator)?.locked_at(now) {
                Some(until) => {
                    tracing::warn!(operator = ?operator.0, "locked out after too many wrong PINs");
                    Ok(Checked::Locked(Some(until)))
                }
                None => Err(error.into()),
            },
            Err(error) if error.kind == ErrorKind::Refused(Refusal::Locked) => {
                // The scale unit's lock holds here too, so that it holds when the network is gone.
                let locked = self.journal.attempts(operator)?;
                let locked = if locked.locked_at(now).is_some() { locked } else { Attempts::locked(now) };
                self.journal.set_attempts(operator, locked, now)?;
                Ok(Checked::Locked(locked.locked_until))
            }
            Err(error) => {
                // Nobody has compared it.
                self.journal.set_attempts(operator, before, now)?;
                Err(error.into())
            }
        }
    }

    /// Asks who knows. A deactivated device begins no session, but a sale in hand can still be unlocked and signed for.
    fn compare_pin(&mut self, desk: &mut dyn Desk, operator: &OperatorId, pin: &Pin) -> Result<Operator, ChannelError> {
        let (id, secret) = (operator.clone(), pin.clone());
        let request = move |channel: &dyn crate::channel::Channel| channel.sign_in(&id, &secret);
        desk.show(&self.view());
        if self.activation.standing() != Standing::Activated {
            return if self.session.is_some() { self.sources.ask_own(request) } else { Err(deactivated()) };
        }
        let answer = self.sources.ask_at_all_events(request.clone());
        self.write_down_switches();
        match answer {
            Err(error) if error.kind == ErrorKind::Refused(Refusal::Device) => {
                self.was_deactivated();
                if self.session.is_some() { self.sources.ask_own(request) } else { Err(error) }
            }
            answer => answer,
        }
    }

    /// Offline, whoever left is found out only while the staff data are new enough. A sale in hand can be finished.
    fn refuse_old_staff(&self, now: Time) -> Result<(), Stop> {
        let days = self.profile.offline.staff_data_max_age_days;
        if days == 0 || self.in_hand.is_some() || self.sources.source() == Source::Online {
            return Ok(());
        }
        let confirmed_at = self.offline_database.status().confirmed_at;
        if confirmed_at.is_some_and(|at| now - at <= TimeDelta::days(days.into())) {
            return Ok(());
        }
        let text = format!("nobody signs in offline: for more than {days} days this register has not learnt who works here");
        Err(Stop::refused(text, "sign in once the scale unit answers again"))
    }

    /// Asks a manager to unlock an operator; comes back with what the dialog before it says then.
    fn ask_manager_to_unlock(&mut self, desk: &mut dyn Desk, operator: &OperatorId, until: Option<Time>) -> Result<Stop, Stop> {
        let until = until.map_or_else(String::new, |until| format!(" until {}", self.local_time(until)));
        let locked = format!("{operator} is locked{until} after too many wrong PINs");
        let mut problem = None;
        loop {
            let purpose = Purpose::Release { operator: operator.0.clone(), locked: locked.clone() };
            let prompt = CredentialsPrompt { purpose, problem: problem.take(), hint: None };
            let (manager, pin) = match self.ask(desk, Prompt::Credentials(prompt)) {
                Ok(Answer::Credentials { operator, pin }) => (OperatorId(operator), pin),
                Ok(_) => continue,
                Err(Stop::Cancelled) => return Ok(Stop::refused(locked, "wait, or ask a manager to unlock")),
                Err(stop) => return Err(stop),
            };
            if manager == *operator {
                problem = Some("another operator must unlock".to_owned());
                continue;
            }
            problem = Some(match self.check_pin(desk, &manager, &pin) {
                Ok(Checked::Right(found)) if found.permissions.manager => match self.unlock_operator(desk, operator, found, pin) {
                    Ok(()) => return Ok(Stop::refused(format!("{operator} is unlocked"), "type the PIN again")),
                    Err(stop) => stop.into_problem()?,
                },
                Ok(Checked::Right(found)) => format!("{} is no manager", found.name),
                Ok(Checked::Locked(_)) => format!("{manager} is locked out too"),
                Err(stop) => stop.into_problem()?,
            });
        }
    }

    /// Ends a lock here and at the scale unit, and writes down who did it.
    fn unlock_operator(&mut self, desk: &mut dyn Desk, operator: &OperatorId, manager: Operator, pin: Pin) -> Result<(), Stop> {
        if self.sources.source() == Source::Online {
            let (locked, by) = (operator.clone(), manager.id.clone());
            desk.show(&self.view());
            let told = self.sources.ask(move |channel| channel.unlock(&locked, &by, &pin));
            self.write_down_switches();
            match told {
                // A register that has gone offline meanwhile unlocks for itself.
                Ok(()) => {}
                Err(error) if matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Unreachable(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let now = self.clock.now();
        self.journal.set_attempts(operator, Attempts::default(), now)?;
        // Before the first shift there is no record that it could stand in; the log has it.
        tracing::info!(manager = ?manager.id.0, operator = ?operator.0, "unlocked after wrong PINs");
        self.take_numbers()?;
        if let Some(shift) = self.journal.shift()? {
            let stamp = Stamp { operator: manager.id, shift: shift.id, at: now, offline: self.sources.source() == Source::Offline };
            let id = self.keys.next(now);
            self.journal.note(id, Event::OperatorUnlocked { operator: operator.clone() }, &stamp)?;
            self.uploads.wake();
        }
        Ok(())
    }
}

/// What a deactivated device is told, by the scale unit or by itself.
pub(super) fn deactivated() -> ChannelError {
    ChannelError::refused(Refusal::Device, "")
}
