//! The sample store, served by a scale unit in the test's own process.

use std::path::Path;
use std::sync::Arc;

use evertill::channel::sqlite::SqliteChannel;
use evertill::sample_store;
use evertill::scale_unit::ScaleUnit;

/// A scale unit and its channel database, in which the test can look things up.
pub(crate) struct Sample {
    pub(crate) channel: Arc<SqliteChannel>,
    pub(crate) unit: ScaleUnit,
}

impl Sample {
    /// Served from a folder of the test's.
    pub(crate) fn open(folder: &Path) -> Self {
        let channel = Arc::new(SqliteChannel::open(&folder.join("channel.db")).expect("a channel database"));
        channel.load(&sample_store::master_data()).expect("the sample store");
        let unit = ScaleUnit::start("127.0.0.1:0".parse().expect("an address"), Arc::clone(&channel)).expect("a scale unit");
        Self { channel, unit }
    }

    /// Its address, as `--scale-unit` takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.unit.address())
    }
}
