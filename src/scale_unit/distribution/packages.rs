//! Packages on their way down: from headquarters into the channel database, and onto the shelf for the registers.
//!
//! The shelf is filled even when another scale unit has applied a package to the database they share.

use std::sync::Arc;

use crate::channel::{ChannelDatabase, ChannelError, Result};
use crate::package::{PackageError, Report, Source, Status};
use crate::scale_unit::devices;
use crate::scale_unit::shelf::Shelf;
use crate::sync::download::{Applied, Downloader, Fetched, Round, Target};

/// The place of both.
pub(super) struct Packages {
    downloader: Downloader,
    place: Place,
    /// The failure headquarters was told of last: it hears of each once.
    failed: Option<(u64, String)>,
}

impl Packages {
    pub(super) fn new(downloader: Downloader, channel: Arc<dyn ChannelDatabase>, shelf: Arc<Shelf>) -> Self {
        Self { downloader, place: Place { channel, shelf }, failed: None }
    }

    /// Fetches and applies what headquarters has, and keeps what became of it for headquarters.
    pub(super) fn round(&mut self, headquarters: &dyn Source) -> Result<()> {
        let Round { reports, applied, problem } = self.downloader.run_once(headquarters, &self.place);
        for manifest in &applied {
            tracing::info!(package = manifest.id, job = manifest.job, version = manifest.to_version, "a package is in use");
        }
        for report in reports {
            self.keep(&report)?;
        }
        // In every round: another scale unit may have applied the package and ended before it came so far.
        devices::bring_in_line(self.place.channel.as_ref())?;
        problem.map_or(Ok(()), |problem| Err(told(problem)))
    }

    fn keep(&mut self, report: &Report) -> Result<()> {
        let failed = (report.status == Status::Failed).then(|| (report.package, report.reason.clone()));
        if failed.is_some() && failed == self.failed {
            return Ok(());
        }
        self.place.channel.keep_report(report)?;
        self.failed = failed;
        Ok(())
    }
}

struct Place {
    channel: Arc<dyn ChannelDatabase>,
    shelf: Arc<Shelf>,
}

impl Target for Place {
    /// What both have.
    fn version(&self) -> Result<u64> {
        Ok(self.channel.data_version()?.min(self.shelf.version()))
    }

    fn apply(&self, package: &Fetched<'_>) -> Result<Applied> {
        let version = package.manifest.to_version;
        if self.channel.data_version()? < version
            && let Err(error) = self.channel.apply(package.manifest, package.unpacked)
            // Another scale unit over the same database may have been faster.
            && self.channel.data_version()? < version
        {
            return Err(error);
        }
        self.shelf.put(package.signed, package.file).map_err(|error| ChannelError::broken(format!("the shelf of packages: {error}")))?;
        Ok(Applied::InUse)
    }
}

/// A package's failure; a road's stays what it is.
fn told(problem: PackageError) -> ChannelError {
    if let PackageError::Source(error) | PackageError::Target(error) = problem { error } else { ChannelError::broken(problem) }
}
