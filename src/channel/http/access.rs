//! What a register shows a scale unit: the device's token, and the session of whoever works at it.
//!
//! The till's thread says who works, the workers and the uploader ask; each request reads what holds at its moment. Nothing is sent here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ureq::RequestBuilder;
use ureq::http::header;

use crate::ids::OperatorId;
use crate::protocol::DEVICE_HEADER;
use crate::secret::Secret;

/// Sessions that wait to be ended, at most; older ones run out by themselves.
const ENDED_MAX: usize = 8;

/// Device, operator and session.
#[derive(Default)]
pub(super) struct Access {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The device's own name and its token.
    device: Option<(String, Secret)>,
    operator: Option<OperatorId>,
    /// The operator's.
    session: Option<Secret>,
    /// Of the last sign-in, until it is known whether who signed in works here or has only lent a right.
    last: Option<(OperatorId, Secret)>,
    ended: Vec<Secret>,
}

impl Access {
    pub(super) fn set_device(&self, device: Option<(String, Secret)>) {
        self.state().device = device;
    }

    /// Names the device on a request.
    pub(super) fn show<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.state().device {
            Some((device, token)) => {
                request.header(DEVICE_HEADER, device).header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()))
            }
            None => request,
        }
    }

    /// Somebody has signed in.
    pub(super) fn signed_in(&self, operator: &OperatorId, session: Secret) {
        let mut state = self.state();
        if let Some((_, unused)) = state.last.replace((operator.clone(), session)) {
            state.end(unused);
        }
    }

    /// This one works from now on, or nobody.
    pub(super) fn set_operator(&self, operator: Option<&OperatorId>) {
        let mut state = self.state();
        let last = state.last.take();
        let goes_on = operator.is_some() && state.operator.as_ref() == operator;
        state.operator = operator.cloned();
        let fresh = match last {
            Some((owner, session)) if Some(&owner) == operator => Some(session),
            Some((_, unused)) => {
                state.end(unused);
                None
            }
            None => None,
        };
        if (fresh.is_some() || !goes_on)
            && let Some(before) = std::mem::replace(&mut state.session, fresh)
        {
            state.end(before);
        }
    }

    pub(super) fn operator(&self) -> Option<OperatorId> {
        self.state().operator.clone()
    }

    pub(super) fn session(&self) -> Option<Secret> {
        self.state().session.clone()
    }

    /// The operator's session has been resumed, unless he has left meanwhile.
    pub(super) fn resumed(&self, operator: &OperatorId, session: Secret) {
        let mut state = self.state();
        if state.operator.as_ref() == Some(operator) {
            state.session = Some(session);
        } else {
            state.end(session);
        }
    }

    /// The scale unit knows this session no more.
    pub(super) fn forget(&self, session: &Secret) {
        let mut state = self.state();
        if state.session.as_ref() == Some(session) {
            state.session = None;
        }
    }

    /// The sessions that are to be ended.
    pub(super) fn take_ended(&self) -> Vec<Secret> {
        std::mem::take(&mut self.state().ended)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, session: Secret) {
        if self.ended.len() < ENDED_MAX {
            self.ended.push(session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lent_right_does_not_change_whose_session_it_is() {
        let access = Access::default();
        let [cashier, manager] = ["000160", "000110"].map(OperatorId::from);
        let [first, lent, second] = ["first", "lent", "second"].map(Secret::new);
        access.signed_in(&cashier, first.clone());
        assert_eq!(access.session(), None, "who signs in has not begun to work");
        access.set_operator(Some(&cashier));
        access.signed_in(&manager, lent.clone());
        assert_eq!(access.session(), Some(first.clone()));
        access.signed_in(&cashier, second.clone());
        access.set_operator(Some(&cashier));
        assert_eq!((access.session(), access.take_ended()), (Some(second.clone()), vec![lent, first]));
        access.forget(&second);
        access.resumed(&manager, Secret::new("late"));
        assert_eq!((access.session(), access.take_ended().len()), (None, 1));
        access.resumed(&cashier, second.clone());
        access.set_operator(None);
        assert_eq!((access.session(), access.operator(), access.take_ended()), (None, None, vec![second]));
    }
}
