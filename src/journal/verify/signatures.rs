//! The signatures along the chain: by which key, and why there is none.

use super::super::chain::Link;
use super::Record;
use crate::retail::transaction::Signing;
use crate::signature::VerifyingKey;

/// What is known of the register's keys at a place of the chain.
pub(super) struct Signatures<'a> {
    /// Keys that somebody else knows of; none when nobody was asked.
    known: &'a [VerifyingKey],
    /// The key in force, as the journal names it.
    key: Option<String>,
    /// Whether a fiscal unit was asked for the record before, so that none after it may be silent about its signature.
    asked: bool,
    /// Keys, with the sequence from which on they sign.
    keys: Vec<(u64, String)>,
    older: Option<Range>,
    failed: Vec<Range>,
}

/// Records in a row: the first and the last.
type Range = (u64, u64);

impl<'a> Signatures<'a> {
    /// Behind what has left the journal.
    pub(super) fn behind(purged: &Link, known: &'a [VerifyingKey]) -> Self {
        let key = purged.key.clone();
        let keys = key.clone().map(|key| (purged.sequence.saturating_add(1), key)).into_iter().collect();
        Self { known, asked: key.is_some(), key, keys, older: None, failed: Vec::new() }
    }

    /// What is wrong with the next record's signature.
    pub(super) fn next(&mut self, record: &Record, signing: Option<Signing>) -> Option<String> {
        match signing {
            Some(Signing::Failed) => {
                self.asked = true;
                self.note_failure(record.sequence);
                return record.signature.is_some().then(|| "it has a signature, though it says that the unit had failed".to_owned());
            }
            Some(Signing::Key(key)) => {
                self.keys.push((record.sequence, key.clone()));
                (self.key, self.asked) = (Some(key), true);
            }
            None if !self.asked => {
                self.older = Some((self.older.map_or(record.sequence, |(first, _)| first), record.sequence));
                return record.signature.is_some().then(|| "it has a signature, though the register had no key".to_owned());
            }
            None => {}
        }
        let Some(signature) = &record.signature else { return Some("its signature is gone".to_owned()) };
        let Some(key) = self.key.as_ref().and_then(|key| key.parse::<VerifyingKey>().ok()) else {
            return Some("the key that it should be signed with is none".to_owned());
        };
        if !key.verify(&record.hash, signature) {
            return Some("its signature is another's than the register's".to_owned());
        }
        (!self.known.is_empty() && !self.known.contains(&key)).then(|| format!("it is signed with a key that nobody knows, {key}"))
    }

    /// Whether the register stopped with another key than its last record's.
    pub(super) fn differs_from(&self, newest: &Link) -> Option<String> {
        let of = |key: &Option<String>| key.clone().unwrap_or_else(|| "none".to_owned());
        (newest.key != self.key).then(|| format!("the register stopped with key {}, its records name {}", of(&newest.key), of(&self.key)))
    }

    /// What is worth knowing of them.
    pub(super) fn remarks(self) -> Vec<String> {
        let rows = |(first, last): Range| if first == last { format!("sequence {first}") } else { format!("sequences {first} to {last}") };
        let older = self.older.map(|range| format!("{}: not signed, the register had no key yet", rows(range)));
        let keys = self.keys.into_iter().map(|(sequence, key)| format!("sequence {sequence}: signed from here on with key {key}"));
        let failed = self.failed.into_iter().map(|range| format!("{}: not signed, the signing unit had failed", rows(range)));
        older.into_iter().chain(keys).chain(failed).collect()
    }

    fn note_failure(&mut self, sequence: u64) {
        match self.failed.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(sequence) => *last = sequence,
            Some(_) | None => self.failed.push((sequence, sequence)),
        }
    }
}
