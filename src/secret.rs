//! Secrets in transit and at rest: tokens of devices, sessions and scale units. Never printed, never logged, compared in constant time.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::random;

/// A token. `Debug` says `***`; it has no `Display`, so that it cannot get into a text by accident.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The longest secret taken from outside, in bytes.
    pub const MAX_LEN: usize = 128;

    /// Wraps a secret that came from outside.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new one of 256 random bits, in hexadecimal.
    pub fn random() -> Self {
        Self(hex(&random::bytes::<32>()))
    }

    /// The characters, for the wire and the owner's file alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a server keeps of it: SHA-256 in hexadecimal. A token has too many random bits to be found from it.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}

/// Bytes from hexadecimal; none when it is none.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_random_and_never_printed() {
        let (one, other) = (Secret::random(), Secret::random());
        assert_ne!(one, other);
        assert_eq!((one.reveal().len(), format!("{one:?}").as_str()), (64, "***"));
        assert_eq!(one, Secret::new(one.reveal()));
    }

    #[test]
    fn hexadecimal_goes_both_ways() {
        assert_eq!(from_hex(&hex(&[0, 127, 255])), Some(vec![0, 127, 255]));
        for bad in ["0", "0g", "žž"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
    }
}
