//! One round of the background work: packages down, transactions up, reports up.

use std::sync::Arc;

use super::hand_on::HandOn;
use super::packages::Packages;
use super::{DistributionOptions, DistributionStatus};
use crate::channel::{ChannelDatabase, ErrorKind, Result};
use crate::clock::SharedClock;
use crate::protocol::headquarters::REPORTS_MAX;
use crate::realtime::Headquarters;
use crate::scale_unit::headquarters::HttpHeadquarters;
use crate::sync::download::{Downloader, free_bytes};

/// What a round needs, and remembers for the next one.
pub(in crate::scale_unit) struct Work {
    channel: Arc<dyn ChannelDatabase>,
    headquarters: Arc<HttpHeadquarters>,
    clock: SharedClock,
    packages: Packages,
    transactions: HandOn,
    status: DistributionStatus,
}

impl Work {
    pub(super) fn new(options: DistributionOptions) -> Self {
        let DistributionOptions { channel, headquarters, key, store, shelf, folder, clock, interval: _ } = options;
        let downloader = Downloader { key, store, register: None, folder, clock: Arc::clone(&clock), free: free_bytes };
        let packages = Packages::new(downloader, Arc::clone(&channel), shelf);
        Self { channel, headquarters, clock, packages, transactions: HandOn::default(), status: DistributionStatus::default() }
    }

    /// One round, and how things stand after it. What fails does not keep the rest from being done, unless headquarters is away.
    pub(in crate::scale_unit) fn round(&mut self) -> DistributionStatus {
        let steps: [fn(&mut Self) -> Result<()>; 3] = [Self::packages, Self::transactions, Self::reports];
        let mut failures = Vec::new();
        for step in steps {
            let Err(error) = step(self) else { continue };
            failures.push(error.to_string());
            if error.kind == ErrorKind::HeadquartersAway {
                break;
            }
        }
        // What counts the waiting fails as the steps did, and they have said so.
        self.status.waiting = self.channel.waiting_count().unwrap_or(self.status.waiting);
        let last_error = (!failures.is_empty()).then(|| failures.join("; "));
        if last_error != self.status.last_error {
            if let Some(error) = &last_error {
                tracing::warn!(error, "the exchange with headquarters is not complete; it is tried again");
            } else {
                tracing::info!("the exchange with headquarters is complete");
            }
        }
        if last_error.is_none() {
            self.status.last_success = Some(self.clock.now());
        }
        self.status.last_error = last_error;
        self.status.clone()
    }

    fn packages(&mut self) -> Result<()> {
        self.packages.round(self.headquarters.as_ref())
    }

    fn transactions(&mut self) -> Result<()> {
        let handed_on = self.transactions.round(self.channel.as_ref(), self.headquarters.as_ref())?;
        if handed_on > 0 {
            tracing::info!(transactions = handed_on, "headquarters has taken transactions");
        }
        Ok(())
    }

    fn reports(&mut self) -> Result<()> {
        let channel = self.channel.as_ref();
        let limit = u32::try_from(REPORTS_MAX).unwrap_or(u32::MAX);
        let (numbers, reports): (Vec<_>, Vec<_>) = channel.reports(limit)?.into_iter().unzip();
        if reports.is_empty() {
            return Ok(());
        }
        self.headquarters.report(&reports)?;
        channel.forget_reports(&numbers)
    }
}
