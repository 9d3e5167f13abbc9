//! A record's way into the chain: its text, its link, and the fiscal unit's signature over the link.
//!
//! The signature stands beside the record and not in it: what is uploaded and compared stays the same bytes. What only the record can tell
//! for ever, a new key or that the unit had failed, it says itself.

use super::chain::Link;
use crate::fiscal::{FiscalError, FiscalUnit};
use crate::retail::transaction::{Signing, Transaction, chain_hash};

/// The journal's fiscal unit, and how it did last.
pub(super) struct Signer {
    unit: Box<dyn FiscalUnit>,
    last: Option<Result<(), FiscalError>>,
}

/// A record as it is stored.
pub(super) struct Signed {
    pub(super) canonical: String,
    pub(super) hash: String,
    /// None when the unit failed.
    pub(super) signature: Option<String>,
    /// The public key in force behind it.
    pub(super) key: Option<String>,
}

impl Signer {
    pub(super) fn new(unit: Box<dyn FiscalUnit>) -> Self {
        Self { unit, last: None }
    }

    /// What became of the last record's signature.
    pub(super) fn last(&self) -> Option<&Result<(), FiscalError>> {
        self.last.as_ref()
    }

    /// Finishes the record that follows `before`; this never fails, as a sale does not wait for a unit that is broken.
    pub(super) fn sign(&mut self, transaction: &mut Transaction, before: &Link) -> Signed {
        let tried = self.try_to_sign(transaction, before);
        self.last = Some(tried.as_ref().map(drop).map_err(Clone::clone));
        tried.unwrap_or_else(|_| {
            transaction.signing = Some(Signing::Failed);
            let (canonical, hash) = linked(transaction, before);
            Signed { canonical, hash, signature: None, key: before.key.clone() }
        })
    }

    fn try_to_sign(&mut self, transaction: &mut Transaction, before: &Link) -> Result<Signed, FiscalError> {
        let key = self.unit.key()?.to_string();
        transaction.signing = (before.key.as_ref() != Some(&key)).then(|| Signing::Key(key.clone()));
        let (canonical, hash) = linked(transaction, before);
        let signature = self.unit.sign(&hash)?;
        Ok(Signed { canonical, hash, signature: Some(signature), key: Some(key) })
    }
}

fn linked(transaction: &Transaction, before: &Link) -> (String, String) {
    let canonical = transaction.canonical();
    let hash = chain_hash(&before.hash, &canonical);
    (canonical, hash)
}
