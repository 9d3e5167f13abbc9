//! Devices: which machine a register is. Activation codes are good for one device and for a day; a token's hash alone is kept.

use chrono::TimeDelta;

use super::Headquarters;
use super::distribution::Extent;
use super::entities::{self, own};
use super::error::{Error, Result};
use super::kinds::{Content, REGISTERS_JOB};
use super::records::{self, Edit, text};
use crate::ids::RegisterId;
use crate::realtime::{Activated, Activation};
use crate::secret::Secret;

/// How long an activation code is good.
const CODE_LASTS: TimeDelta = TimeDelta::hours(24);
/// What a device says when there is no code for it.
pub(super) const NO_CODE: [(&str, &str); 2] = [("code_hash", ""), ("code_expires_at", "")];
/// Letters and digits that cannot be taken for each other; 16 of them are 80 random bits.
const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

impl Headquarters {
    /// Gives out an activation code for a register; earlier ones are good no longer. Refused while the register is activated.
    pub fn activation_code(&self, who: &str, register: &RegisterId) -> Result<Secret> {
        let code = new_code();
        let hash = hash_of(&code);
        self.edit(who, |edit| {
            let key = register.to_string();
            let before = device(edit, &key)?;
            refuse_activated(&before, &key)?;
            let expires_at = (edit.now + CODE_LASTS).to_rfc3339();
            entities::put_over(edit, "device", before, &[("code_hash", &hash), ("code_expires_at", &expires_at)])?;
            entities::note(edit, "activation code", &key)
        })?;
        Ok(code)
    }

    /// Deactivates a register's device from afar: it is refused as soon as its scale unit has heard of it, yet what it still has to send is
    /// taken. Its store hears of it at once, by the registers' job.
    pub fn deactivate_device(&self, who: &str, register: &RegisterId) -> Result<()> {
        self.end_device(who, register, "deactivated", "deactivate")
    }

    /// Gives a register up for lost or replaced, so that another machine can become it.
    pub fn reset_device(&self, who: &str, register: &RegisterId) -> Result<()> {
        self.end_device(who, register, "pending", "reset")
    }

    fn end_device(&self, who: &str, register: &RegisterId, status: &str, deed: &str) -> Result<()> {
        self.edit(who, |edit| {
            let key = register.to_string();
            let before = device(edit, &key)?;
            entities::put_over(edit, "device", before, &[&[("status", status)], &NO_CODE[..]].concat())?;
            entities::note(edit, deed, &key)
        })?;
        self.run_job(who, REGISTERS_JOB, Some(&register.store), Extent::Changes).map(drop).map_err(|error| Error::Untold(Box::new(error)))
    }

    /// 707: trades a code for a register of this store. Unknown, expired and another device's codes are refused in the same words. The device
    /// that used a code may use it again while it is good: its answer may have been lost. The token it was given before is void then.
    pub(super) fn activate(&self, who: &str, store: &str, activation: &Activation) -> Result<Activated> {
        let token = Secret::random();
        let (code_hash, token_hash) = (hash_of(&activation.code), token.hash());
        let register = self.edit(who, |edit| {
            let refused = || Error::refused("the activation code is wrong, used, or older than a day", "ask headquarters for a new one");
            let (key, before) = records::find(edit.tx, own("device"), &code_hash)?.ok_or_else(refused)?;
            let expires_at = text(&before, "code_expires_at").parse::<crate::clock::Time>().map_err(|_| refused())?;
            let is_anothers = text(&before, "status") == "activated" && text(&before, "device") != activation.device;
            let is_gone = records::get(edit.tx, own("register"), &key)?.is_none();
            if edit.now >= expires_at || text(&before, "store") != store || is_anothers || is_gone {
                return Err(refused());
            }
            let register = register_of(&before)?;
            let at = edit.now.to_rfc3339();
            let device = activation.device.as_str();
            let said = [("status", "activated"), ("device", device), ("activated_at", &at), ("token_hash", &token_hash)];
            entities::put_over(edit, "device", before, &said)?;
            entities::note(edit, "activate", &key)?;
            Ok(register)
        })?;
        Ok(Activated {
            numbers: self.numbers(&register)?,
            register,
            token,
            pin_key: self.pin_key().secret().clone(),
            headquarters_key: self.verifying_key(),
        })
    }

    /// 708: the device gives its register back. One that is not this register's is refused.
    pub(super) fn release(&self, who: &str, register: &RegisterId, device_id: &str) -> Result<()> {
        self.edit(who, |edit| {
            let key = register.to_string();
            let before = device(edit, &key)?;
            if text(&before, "device") != device_id {
                return Err(Error::refused(format!("register {key} is another device"), ""));
            }
            entities::put_over(edit, "device", before, &[&[("status", "deactivated")], &NO_CODE[..]].concat())?;
            entities::note(edit, "deactivate", &key)
        })
    }
}

fn device(edit: &mut Edit<'_, '_>, key: &str) -> Result<Content> {
    if records::get(edit.tx, own("register"), key)?.is_none() {
        return Err(Error::missing("register", key));
    }
    records::get(edit.tx, own("device"), key)?.ok_or_else(|| Error::missing("device", key))
}

fn refuse_activated(device: &Content, key: &str) -> Result<()> {
    if text(device, "status") != "activated" {
        return Ok(());
    }
    let hint = format!("`evertill hq device reset {key}` when the machine is lost or replaced");
    Err(Error::refused(format!("register {key} is activated already, on another device"), hint))
}

pub(super) fn register_of(content: &Content) -> Result<RegisterId> {
    let number = content.get("number").and_then(serde_json::Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let number = number.ok_or_else(|| Error::Database("a register has no number".to_owned()))?;
    Ok(RegisterId { store: text(content, "store").to_owned(), number })
}

fn new_code() -> Secret {
    let random = Secret::random();
    let letters = random.reveal().as_bytes().chunks(2).take(16).enumerate().flat_map(|(place, pair)| {
        let byte = pair.iter().fold(0_usize, |sum, digit| sum * 16 + char::from(*digit).to_digit(16).unwrap_or(0) as usize);
        let dash = (place > 0 && place % 4 == 0).then_some('-');
        dash.into_iter().chain([char::from(CODE_LETTERS[byte % CODE_LETTERS.len()])])
    });
    Secret::new(letters.collect::<String>())
}

/// However it is typed.
fn hash_of(code: &Secret) -> String {
    let letters: String = code.reveal().chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
    Secret::new(letters).hash()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = new_code();
        assert_eq!(code.reveal().len(), 19);
        let typed = Secret::new(format!(" {} ", code.reveal().to_lowercase().replace('-', " ")));
        assert_eq!(hash_of(&typed), hash_of(&code));
        assert_ne!(hash_of(&new_code()), hash_of(&code));
    }
}
