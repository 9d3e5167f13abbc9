//! P-0001: transactions of the channel database handed on to headquarters, in batches, in the order in which they came.
//!
//! One is marked as handed on only after headquarters has said that it has it, so an answer that is lost means that it is sent again, and
//! headquarters takes each once. One that headquarters cannot take is left behind: it is tried again after what is new, and never blocks it.

use std::collections::{HashSet, VecDeque};

use crate::channel::{ChannelDatabase, ChannelError, ErrorKind, Result, Upload};
use crate::ids::TransactionId;
use crate::protocol::headquarters::{BATCH_BYTES_MAX, BATCH_MAX};
use crate::realtime::Headquarters;

/// Batches of a round at most: a backlog of a day is gone after some rounds, and packages come in between.
const BATCHES_MAX: usize = 50;
/// Transactions that headquarters fails at, each by itself, until the next round: in a row among those that are new, and among those that
/// were left behind.
const FAILURES_MAX: u32 = 3;
/// Transactions left behind at most; with more something else is wrong.
const LEFT_MAX: usize = 1_000;

/// What is handed on, and what had to be left behind.
#[derive(Default)]
pub(super) struct HandOn {
    /// First the one that was tried last the longest ago.
    left: VecDeque<TransactionId>,
}

impl HandOn {
    /// Hands on what waits, as much as a round may, and returns how many that were.
    pub(super) fn round(&mut self, channel: &dyn ChannelDatabase, headquarters: &dyn Headquarters) -> Result<usize> {
        let left_before = self.left.len();
        let new = self.send_new(channel, headquarters);
        if new.as_ref().is_err_and(|error| error.kind != ErrorKind::Broken) {
            return new;
        }
        match (new, self.try_again(left_before, channel, headquarters)) {
            (Ok(new), Ok(again)) => Ok(new + again),
            (Ok(0), Err(error)) | (Err(error), _) => Err(error),
            (Ok(new), Err(_)) => Ok(new),
        }
    }

    fn send_new(&mut self, channel: &dyn ChannelDatabase, headquarters: &dyn Headquarters) -> Result<usize> {
        let mut handed_on = 0;
        for _ in 0..BATCHES_MAX {
            let waiting = self.next(channel)?;
            if waiting.is_empty() {
                break;
            }
            for batch in batches(&waiting) {
                handed_on += self.send(batch, channel, headquarters)?;
            }
        }
        Ok(handed_on)
    }

    /// Tries those left behind before this round once more each, until too many fail.
    fn try_again(&mut self, count: usize, channel: &dyn ChannelDatabase, headquarters: &dyn Headquarters) -> Result<usize> {
        let (mut handed_on, mut failures) = (0, 0);
        for _ in 0..count {
            let Some(&id) = self.left.front() else { break };
            if let Some(canonical) = channel.transaction(&id)? {
                match take(&[Upload { id, canonical }], headquarters) {
                    Ok(taken) => handed_on += mark(&taken, channel)?,
                    Err(error) if is_of_the_records(&error, headquarters) => {
                        self.left.rotate_left(1);
                        failures += 1;
                        if failures == FAILURES_MAX {
                            return Err(self.too_many(&error));
                        }
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            self.left.pop_front();
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
        match take(batch, headquarters) {
            Ok(taken) => mark(&taken, channel),
            Err(error) if is_of_the_records(&error, headquarters) => self.send_one_by_one(batch, channel, headquarters),
            Err(error) => Err(error),
        }
    }

    fn send_one_by_one(&mut self, batch: &[Upload], channel: &dyn ChannelDatabase, headquarters: &dyn Headquarters) -> Result<usize> {
        let (mut handed_on, mut failures) = (0, 0);
        for upload in batch {
            match take(std::slice::from_ref(upload), headquarters) {
                Ok(taken) => (handed_on, failures) = (handed_on + mark(&taken, channel)?, 0),
                Err(error) if is_of_the_records(&error, headquarters) => {
                    if self.left.len() == LEFT_MAX {
                        return Err(self.too_many(&error));
                    }
                    tracing::error!(transaction = %upload.id, %error, "headquarters cannot take a transaction; the others go on");
                    self.left.push_back(upload.id);
                    failures += 1;
                    if failures == FAILURES_MAX {
                        return Err(self.too_many(&error));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(handed_on)
    }

    /// Headquarters is there, and has no answer to too many: that ends this part of the round, and no other.
    fn too_many(&self, error: &ChannelError) -> ChannelError {
        ChannelError::broken(format!("{} transactions are left behind, one because {error}", self.left.len()))
    }
}

/// Sends a batch, and returns what headquarters says it has of it.
fn take(batch: &[Upload], headquarters: &dyn Headquarters) -> Result<Vec<TransactionId>> {
    let sent: HashSet<TransactionId> = batch.iter().map(|upload| upload.id).collect();
    let taken = headquarters.take(batch)?;
    for set_aside in taken.iter().filter_map(|taken| taken.set_aside.as_ref().map(|why| (taken.id, why))) {
        tracing::warn!(transaction = %set_aside.0, why = set_aside.1, "headquarters set a transaction aside");
    }
    let taken: Vec<TransactionId> = taken.into_iter().map(|taken| taken.id).filter(|id| sent.contains(id)).collect();
    if taken.is_empty() {
        return Err(ChannelError::broken("headquarters took none of the transactions it was sent"));
    }
    Ok(taken)
}

/// Marks what headquarters has. A database that cannot is no fault of the records.
fn mark(taken: &[TransactionId], channel: &dyn ChannelDatabase) -> Result<usize> {
    channel.taken_by_headquarters(taken)?;
    Ok(taken.len())
}

/// Whether other transactions may fare better. Headquarters that answers when it is sent none is not away.
fn is_of_the_records(error: &ChannelError, headquarters: &dyn Headquarters) -> bool {
    match error.kind {
        ErrorKind::Refused(_) | ErrorKind::Broken => true,
        ErrorKind::Unreachable(_) | ErrorKind::HeadquartersAway => headquarters.take(&[]).is_ok(),
        ErrorKind::Unsupported => false,
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
    use std::sync::Mutex;

    use super::*;
    use crate::channel::Channel;
    use crate::channel::sqlite::SqliteChannel;
    use crate::ids::RegisterId;
    use crate::journal::testing::Shop;
    use crate::package::Report;
    use crate::realtime::{Activated, Activation, Taken};
    use crate::retail::gift_card::GiftCard;

    /// Headquarters that has no answer to some transactions, or to nothing.
    #[derive(Default)]
    struct Office {
        bad: HashSet<TransactionId>,
        is_away: bool,
        taken: Mutex<HashSet<TransactionId>>,
    }

    fn away() -> ChannelError {
        ChannelError::new(ErrorKind::HeadquartersAway, "the connection was cut")
    }

    impl Headquarters for Office {
        fn activate(&self, _: &Activation) -> Result<Activated> {
            Err(away())
        }
        fn deactivate(&self, _: &RegisterId, _: &str) -> Result<()> {
            Err(away())
        }
        fn gift_card(&self, _: &str) -> Result<Option<GiftCard>> {
            Err(away())
        }
        fn take(&self, transactions: &[Upload]) -> Result<Vec<Taken>> {
            if self.is_away || transactions.iter().any(|upload| self.bad.contains(&upload.id)) {
                return Err(away());
            }
            self.taken.lock().unwrap().extend(transactions.iter().map(|upload| upload.id));
            Ok(transactions.iter().map(|upload| Taken { id: upload.id, set_aside: None }).collect())
        }
        fn report(&self, _: &[Report]) -> Result<()> {
            Err(away())
        }
    }

    #[test]
    fn a_transaction_that_alone_finds_no_answer_blocks_no_other() {
        let (mut shop, mut hand_on) = (Shop::open(), HandOn::default());
        let channel = SqliteChannel::open(&shop.directory.path().join("channel.db")).unwrap();
        let sold: Vec<Upload> = (0..9).map(|_| shop.sell()).map(|sold| Upload { id: sold.id, canonical: sold.canonical() }).collect();
        assert!(sold.iter().all(|upload| channel.record(upload).is_ok()));
        let waiting = || channel.waiting_for_headquarters(100).unwrap().iter().map(|upload| upload.id).collect::<HashSet<_>>();
        let mut office = Office { bad: [sold[0].id, sold[4].id].into(), is_away: true, ..Office::default() };
        assert!(hand_on.round(&channel, &office).is_err());
        assert!(hand_on.left.is_empty() && waiting().len() == 9, "headquarters is away, and nothing is wrong with them");
        office.is_away = false;
        assert_eq!(hand_on.round(&channel, &office), Ok(7));
        assert_eq!(waiting(), office.bad);
        office.bad.clear();
        assert_eq!(hand_on.round(&channel, &office), Ok(2));
        assert_eq!((waiting().len(), office.taken.lock().unwrap().len()), (0, 9));
    }

    #[test]
    fn what_is_new_does_not_wait_for_many_that_were_left_behind() {
        let (mut shop, mut hand_on) = (Shop::open(), HandOn::default());
        let channel = SqliteChannel::open(&shop.directory.path().join("channel.db")).unwrap();
        let mut sell = || {
            let sold = shop.sell();
            channel.record(&Upload { id: sold.id, canonical: sold.canonical() }).unwrap();
            sold.id
        };
        let mut office = Office { bad: (0..20).map(|_| sell()).collect(), ..Office::default() };
        for _ in 0..7 {
            assert!(hand_on.round(&channel, &office).is_err());
        }
        assert_eq!(hand_on.left.len(), 20);
        for _ in 0..3 {
            sell();
            assert_eq!(hand_on.round(&channel, &office), Ok(1));
        }
        office.bad.clear();
        assert_eq!(hand_on.round(&channel, &office), Ok(20));
        assert_eq!(channel.waiting_for_headquarters(100).unwrap(), []);
    }

    #[test]
    fn many_left_behind_are_tried_again_although_new_ones_fail() {
        let (mut shop, mut hand_on) = (Shop::open(), HandOn::default());
        let channel = SqliteChannel::open(&shop.directory.path().join("channel.db")).unwrap();
        let mut sell = || {
            let sold = shop.sell();
            channel.record(&Upload { id: sold.id, canonical: sold.canonical() }).unwrap();
            sold.id
        };
        let (once_bad, bad) = (sell(), sell());
        let office = Office { bad: [bad].into(), ..Office::default() };
        hand_on.left.push_back(once_bad);
        hand_on.left.extend((1..LEFT_MAX as u128).map(|number| TransactionId(uuid::Uuid::from_u128(number))));
        assert!(hand_on.round(&channel, &office).is_err(), "as many as may be are left behind, and one more fails");
        assert_eq!(channel.waiting_for_headquarters(100).unwrap().len(), 1);
        assert_eq!(hand_on.round(&channel, &office), Ok(0));
        assert_eq!(hand_on.left, [bad]);
    }

    fn upload(number: u128, bytes: usize) -> Upload {
        Upload { id: TransactionId(uuid::Uuid::from_u128(number)), canonical: "x".repeat(bytes) }
    }

    #[test]
    fn a_batch_fits_into_a_request_and_none_is_left_out() {
        for (sizes, expected) in [
            (vec![], vec![]),
            (vec![1], vec![1]),
            (vec![1; 100], vec![100]),
            (vec![BATCH_BYTES_MAX / 2; 5], vec![2, 2, 1]),
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
