//! Checking a personnel number and a PIN, in the same time and words whichever is wrong.

use rusqlite::OptionalExtension;

use super::SqliteChannel;
use crate::channel::{ChannelError, Refusal, Result};
use crate::ids::OperatorId;
use crate::pin;
use crate::retail::staff::{Operator, Pin};

struct Row {
    name: String,
    permissions: String,
    pin_hash: String,
}

pub(super) fn sign_in(channel: &SqliteChannel, operator: &OperatorId, pin: &Pin) -> Result<Operator> {
    const OPERATOR: &str = "SELECT name, permissions, pin_hash FROM staff WHERE id = ?1";
    let found = channel.master.read(|database| {
        let mut operator_row = database.prepare_cached(OPERATOR)?;
        let row =
            operator_row.query_row([&operator.0], |row| Ok(Row { name: row.get(0)?, permissions: row.get(1)?, pin_hash: row.get(2)? }));
        row.optional()
    })?;
    let right = pin::is_right(pin, found.as_ref().map(|row| row.pin_hash.as_str()), channel.pin_key.as_ref());
    match found {
        Some(row) if right => {
            let permissions = serde_json::from_str(&row.permissions)
                .map_err(|error| ChannelError::broken(format!("the permissions of operator {operator}: {error}")))?;
            Ok(Operator { id: operator.clone(), name: row.name, permissions })
        }
        Some(_) | None => Err(ChannelError::refused(Refusal::Credentials, "")),
    }
}
