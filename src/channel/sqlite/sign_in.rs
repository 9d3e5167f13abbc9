//! Checking a personnel number and a PIN, in the same time and words whichever is wrong (security.md S1, S6).

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use rusqlite::OptionalExtension;

use super::SqliteChannel;
use crate::channel::{ChannelError, Refusal, Result};
use crate::ids::OperatorId;
use crate::retail::staff::{Operator, Pin};

/// What the PIN of an unknown operator is compared with: of the strength of real ones, and no PIN's hash.
const NOBODYS_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IHNpZ25zIGlu$bm9ib2R5IHNpZ25zIGluIHdpdGggdGhpcyBoYXNoLi4";

struct Row {
    name: String,
    permissions: String,
    pin_hash: String,
}

pub(super) fn sign_in(channel: &SqliteChannel, operator: &OperatorId, pin: &Pin) -> Result<Operator> {
    const OPERATOR: &str = "SELECT name, permissions, pin_hash FROM staff WHERE id = ?1";
    let found = channel.read(|database| {
        let mut operator_row = database.prepare_cached(OPERATOR)?;
        let row =
            operator_row.query_row([&operator.0], |row| Ok(Row { name: row.get(0)?, permissions: row.get(1)?, pin_hash: row.get(2)? }));
        row.optional()
    })?;
    let right = is_right(pin, found.as_ref().map_or(NOBODYS_HASH, |row| &row.pin_hash));
    match found {
        Some(row) if right => {
            let permissions = serde_json::from_str(&row.permissions)
                .map_err(|error| ChannelError::broken(format!("the permissions of operator {operator}: {error}")))?;
            Ok(Operator { id: operator.clone(), name: row.name, permissions })
        }
        Some(_) | None => Err(ChannelError::refused(Refusal::Credentials, "")),
    }
}

fn is_right(pin: &Pin, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        tracing::warn!("an operator's PIN hash is not in PHC form, so nobody can sign in with it");
        return false;
    };
    let pin = pin.reveal();
    pin.len() <= Pin::MAX_LEN && Argon2::default().verify_password(pin.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use argon2::Params;
    use argon2::password_hash::PasswordHasher;

    use super::*;

    #[test]
    fn nobodys_hash_takes_as_long_as_a_real_one() {
        let (nobodys, real) = (PasswordHash::new(NOBODYS_HASH).unwrap(), Argon2::default().hash_password(b"1").unwrap());
        assert_eq!(Params::try_from(&nobodys).unwrap(), Params::try_from(&real).unwrap());
        assert_eq!((nobodys.algorithm, nobodys.hash.map(|hash| hash.len())), (real.algorithm, real.hash.map(|hash| hash.len())));
    }

    #[test]
    fn a_hash_is_right_for_its_pin_alone() {
        let hash = Argon2::default().hash_password(b"4711").unwrap().to_string();
        for (pin, right) in [("4711", true), ("4712", false), ("", false), (&"4".repeat(Pin::MAX_LEN + 1), false)] {
            assert_eq!(is_right(&Pin::new(pin), &hash), right, "{pin}");
        }
        assert!(!is_right(&Pin::new("4711"), "4711"));
    }
}
