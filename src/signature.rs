//! Ed25519 keys: the half that signs and stays in its owner's file, and the half by which everybody else knows the owner.
//!
//! Headquarters signs packages with one, a register the records of its journal.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer};

use crate::random;
use crate::secret::{Secret, from_hex, hex};

/// Signs. It stays in its owner's key file.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new one.
    pub fn random() -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&random::bytes()))
    }

    /// A kept one, from hexadecimal; none when it is none.
    pub fn from_secret(secret: &Secret) -> Option<Self> {
        let bytes: [u8; 32] = from_hex(secret.reveal())?.try_into().ok()?;
        Some(Self(ed25519_dalek::SigningKey::from_bytes(&bytes)))
    }

    /// In hexadecimal, for the key file alone.
    pub fn to_secret(&self) -> Secret {
        Secret::new(hex(self.0.as_bytes()))
    }

    /// What everybody may know of it.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// The signature of a text, in hexadecimal.
    pub fn sign(&self, text: &str) -> String {
        hex(&self.0.sign(text.as_bytes()).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Knows a signature. Its text is hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Whether the signature was made with the other half, of exactly this text.
    pub fn verify(&self, text: &str, signature: &str) -> bool {
        let signature = from_hex(signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
        signature.is_some_and(|signature| self.0.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0.as_bytes()))
    }
}

/// The text is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no public key: expected 64 hexadecimal digits")]
pub struct NoKey;

impl FromStr for VerifyingKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let bytes: [u8; 32] = from_hex(text).and_then(|bytes| bytes.try_into().ok()).ok_or(NoKey)?;
        ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak()).map(Self).ok_or(NoKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_as_text_and_the_secret_half_is_never_printed() {
        let key = SigningKey::random();
        let kept = SigningKey::from_secret(&key.to_secret()).unwrap();
        assert_eq!(kept.verifying_key(), key.verifying_key());
        assert_eq!(key.verifying_key().to_string().parse(), Ok(key.verifying_key()));
        assert_eq!(format!("{key:?}"), "***");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "00", "žž", &"0".repeat(64), &"1".repeat(63), &"0".repeat(66)] {
            assert_eq!(text.parse::<VerifyingKey>(), Err(NoKey), "{text}");
        }
        assert!(SigningKey::from_secret(&Secret::new("no key")).is_none());
    }
}
