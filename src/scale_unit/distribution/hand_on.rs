//! P-0001: transactions of the channel database handed on to headquarters, in batches, in the order in which they came.
//!
//! One is marked as handed on only after headquarters has said that it has it, so an answer that is lost means that it is sent again, and
//! headquarters takes each once. One that headquarters cannot take is left behind and tried again later; it never blocks the others.

use std::collections::HashSet;

use crate::channel::{ChannelDatabase, ChannelError, ErrorKind, Result, Upload};
use crate::ids::TransactionId;
use crate::protocol::headquarters::{BATCH_BYTES_MAX, BATCH_MAX};
use crate::realtime::Headquarters;

/// Batches of a round at most: a backlog of a day is gone after some rounds, and packages come in between.
const BATCHES_MAX: usize = 50;
/// Transactions in a row that headquarters fails at, each by itself, before that counts as headquarters' own failure.
const FAILURES_MAX: u32 = 3;
/// Transactions left behind at most; with more something else is wrong.
const LEFT_MAX: usize = 1_000;

/// What is handed on, and what had to be left behind.
#[derive(Default)]
pub(super) struct HandOn {
    left: HashSet<TransactionId>,
}

impl HandOn {
    /// Hands on what waits, as much as a round may, and returns how many that were.
    pub(super) fn round(&mut self, channel: &dyn ChannelDatabase, headquarters: &dyn Headquarters) -> Result<usize> {
        let mut handed_on = 0;
        for _ in 0..BATCHES_MAX {
            let waiting = self.next(channel)?;
            if waiting.is_empty() {
                // What was left behind is all there is: the next round tries it again.
                self.left.clear();
                break;
            }
            for batch in batches(&waiting) {
                handed_on += self.send(batch, channel, headquarters)?;
            }
        }
        Ok(handed_on)
    }

    fn next(&self, channel: &dyn ChannelDatabase) -> Result<Vec<Upload>> {
        let limit = u32::try_from(BATCH_MAX + self.left.len()).unwrap_or(u32::MAX);
        let mut waiting = channel.waiting_for_headquarters(limit)?;
        waiting.retain(|upload| !self.left.contains(&upload.id));
        waiting.truncate(BATCH_MAX);
        Ok(waiting)
    }

    fn send(&mut self, batch: &[Upload], channel: &dyn ChannelDatabase, headquarters: &dyn Headquarters) -> Result<usize> {
        match take(batch, channel, headquarters) {
            Err(error) if is_of_the_records(&error) => self.send_one_by_one(batch, channel, headquarters),
            answer => answer,
        }
    }

    fn send_one_by_one(&mut self, batch: &[Upload], channel: &dyn ChannelDatabase, headquarters: &dyn Headquarters) -> Result<usize> {
        let (mut handed_on, mut failures) = (0, 0);
        for upload in batch {
            match take(std::slice::from_ref(upload), channel, headquarters) {
                Ok(taken) => (handed_on, failures) = (handed_on + taken, 0),
                Err(error) if is_of_the_records(&error) && self.left.len() < LEFT_MAX => {
                    tracing::error!(transaction = %upload.id, %error, "headquarters cannot take a transaction; the others go on");
                    self.left.insert(upload.id);
                    failures += 1;
                    if failures == FAILURES_MAX {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(handed_on)
    }
}

/// Sends a batch and marks what headquarters says it has.
fn take(batch: &[Upload], channel: &dyn ChannelDatabase, headquarters: &dyn Headquarters) -> Result<usize> {
    let sent: HashSet<TransactionId> = batch.iter().map(|upload| upload.id).collect();
    let taken = headquarters.take(batch)?;
    for set_aside in taken.iter().filter_map(|taken| taken.set_aside.as_ref().map(|why| (taken.id, why))) {
        tracing::warn!(transaction = %set_aside.0, why = set_aside.1, "headquarters set a transaction aside");
    }
    let taken: Vec<TransactionId> = taken.into_iter().map(|taken| taken.id).filter(|id| sent.contains(id)).collect();
    if taken.is_empty() {
        return Err(ChannelError::broken("headquarters took none of the transactions it was sent"));
    }
    channel.taken_by_headquarters(&taken)?;
    Ok(taken.len())
}

/// Whether other transactions may fare better.
fn is_of_the_records(error: &ChannelError) -> bool {
    match error.kind {
        ErrorKind::Refused(_) | ErrorKind::Broken => true,
        ErrorKind::Unreachable(_) | ErrorKind::Unsupported | ErrorKind::HeadquartersAway => false,
    }
}

/// Transactions in batches that are not too long for one request.
fn batches(waiting: &[Upload]) -> Vec<&[Upload]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, upload) in waiting.iter().enumerate() {
        bytes += upload.canonical.len();
        if at > start && bytes > BATCH_BYTES_MAX {
            batches.push(&waiting[start..at]);
            (start, bytes) = (at, upload.canonical.len());
        }
    }
    if start < waiting.len() {
        batches.push(&waiting[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(number: u128, bytes: usize) -> Upload {
        Upload { id: TransactionId(uuid::Uuid::from_u128(number)), canonical: "x".repeat(bytes) }
    }

    #[test]
    fn a_batch_fits_into_a_request_and_none_is_left_out() {
        for (sizes, expected) in [
            (vec![], vec![]),
            (vec![1], vec![1]),
            (vec![1; 100], vec![100]),
            (vec![1 << 20; 5], vec![2, 2, 1]),
            (vec![BATCH_BYTES_MAX + 1, 1, 1], vec![1, 2]),
            (vec![1, BATCH_BYTES_MAX], vec![1, 1]),
        ] {
            let waiting: Vec<Upload> = sizes.iter().zip(0..).map(|(bytes, number)| upload(number, *bytes)).collect();
            let found = batches(&waiting);
            assert_eq!(found.iter().map(|batch| batch.len()).collect::<Vec<_>>(), expected, "{sizes:?}");
            assert_eq!(found.concat(), waiting);
        }
    }
}
