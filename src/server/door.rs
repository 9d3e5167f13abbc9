//! Who gets as far as the look-up of his token: an address that showed too many wrong ones does not, so that nobody without a token can keep
//! the database busy. Whoever was let in before is known, and passes by.

use std::net::IpAddr;

use super::answer::Refused;
use super::rate::Rate;
use super::{Peer, SECURITY};
use crate::clock::Tick;
use crate::protocol::ProblemKind;

/// The door of a server.
pub(crate) struct Door {
    /// All that those who are let in ask, by their tokens' hashes: far more than one of them can cause.
    let_in: Rate<String>,
    /// Refusals that are told and logged, by address.
    refused: Rate<Option<IpAddr>>,
    /// What needs the database but no token, by address.
    open: Rate<Option<IpAddr>>,
}

impl Default for Door {
    fn default() -> Self {
        Self { let_in: Rate::new(20_000, 1), refused: Rate::new(200, 50), open: Rate::new(200, 50) }
    }
}

impl Door {
    /// Before a token is looked up: turns away whose address was refused too often.
    pub(crate) fn approach(&self, token_hash: Option<&String>, peer: Option<Peer>, now: Tick) -> Result<(), Refused> {
        let is_known = token_hash.is_some_and(|hash| self.let_in.remembers(hash));
        if is_known || !self.refused.is_spent(&address(peer), now) { Ok(()) } else { Err(turned_away()) }
    }

    /// Turns away who asks too often for what everybody may ask, and costs a look-up.
    pub(crate) fn pass(&self, peer: Peer, now: Tick) -> Result<(), Refused> {
        if self.open.allows(address(Some(peer)), now) {
            Ok(())
        } else {
            Err(Refused::new(ProblemKind::Busy, "asked too often from this address"))
        }
    }

    /// After it was found: lets its owner in, unless he asks too often.
    pub(crate) fn let_in(&self, token_hash: &str, now: Tick) -> Result<(), Refused> {
        if self.let_in.allows(token_hash.to_owned(), now) {
            Ok(())
        } else {
            Err(Refused::new(ProblemKind::Busy, "this token is used too often"))
        }
    }

    /// After it was found to be good for nothing: counts and logs that, and says what is to be answered.
    pub(crate) fn refuse(&self, refused: Refused, peer: Option<Peer>, now: Tick) -> Refused {
        let peer = address(peer);
        if !self.refused.allows(peer, now) {
            return turned_away();
        }
        tracing::warn!(target: SECURITY, ?peer, why = refused.detail(), "a token is refused");
        refused
    }
}

fn address(peer: Option<Peer>) -> Option<IpAddr> {
    peer.map(|Peer(address)| address.ip())
}

fn turned_away() -> Refused {
    Refused::new(ProblemKind::Busy, "too many requests from this address were refused")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_guesses_is_turned_away_and_who_is_known_is_not() {
        let (door, now) = (Door::default(), Tick(0));
        let [guesser, other] = ["10.0.0.1:1", "10.0.0.2:1"].map(|address| Some(Peer(address.parse().unwrap())));
        let known = "known".to_owned();
        door.let_in(&known, now).unwrap();
        let wrong = || Refused::new(ProblemKind::Device, "this device is not activated");
        for guess in 0..200 {
            assert!(door.approach(Some(&guess.to_string()), guesser, now).is_ok());
            assert_eq!(door.refuse(wrong(), guesser, now).status(), 401);
        }
        let passes = |hash: &str, peer| door.approach(Some(&hash.to_owned()), peer, now).is_ok();
        assert!(!passes("one more", guesser) && door.approach(None, guesser, now).is_err(), "nothing more is looked up");
        assert!(passes(&known, guesser) && passes("one more", other));
        assert!(door.approach(None, guesser, Tick(50)).is_ok(), "it passes");
    }
}
