//! The port through which the till steers what comes down: packages, and the offline database they make.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::clock::Time;
use crate::profile::OfflineProfile;

/// The offline database's file, as the till steers it.
pub trait OfflineDatabase: Send {
    /// Looks for packages in the background: at once, and from the first call on at every interval.
    fn fetch(&self);
    /// The register is online.
    fn went_online(&self);
    /// The register is offline: nothing is fetched meanwhile.
    fn went_offline(&self);
    /// Whether one is in use.
    fn is_open(&self) -> bool;
    /// Whether a newer one waits to be taken into use.
    fn is_waiting(&self) -> bool;
    /// Takes the newer one into use. When that fails, whoever holds the old one goes on with it; it goes on waiting when it may open yet.
    fn reopen(&mut self) -> Result<Arc<dyn Channel>, Problem>;
    /// Headquarters has changed the profile.
    fn configure(&self, profile: &OfflineProfile);
    /// Headquarters has *Support offline* at no from now on: what there is is set aside, and nothing is fetched any more.
    fn give_up(&self);
    /// Headquarters has it at yes again; the next look begins anew.
    fn take_up(&self, profile: &OfflineProfile);
    /// What is known, for the connection status window.
    fn status(&self) -> DownloadStatus;
}

/// What is known of the packages and of the database they make.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DownloadStatus {
    /// What goes on.
    pub activity: Activity,
    /// The version in use.
    pub version: Option<u64>,
    /// Size of the database's file.
    pub bytes: Option<u64>,
    /// When the newest package in use was made: how old prices can be.
    pub made_at: Option<Time>,
    /// The last look for packages, and why it failed, if it did.
    pub looked: Option<(Time, Option<Problem>)>,
    /// When the scale unit last had nothing newer, or what it had came: who works here was known then.
    pub confirmed_at: Option<Time>,
    /// Packages that are known and not in use yet.
    pub pending: usize,
    /// What became of each distribution job's last package.
    pub jobs: BTreeMap<u32, JobStatus>,
    /// What happened to an earlier database.
    pub remark: Option<String>,
}

/// What goes on with packages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Activity {
    /// Nothing; the next look comes with its interval.
    #[default]
    Idle,
    /// One is looked for, fetched or applied.
    UnderWay,
    /// The profile has them wait.
    Paused,
    /// Headquarters lets this register work online only: there are none.
    OnlineOnly,
}

/// What became of a job's last package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobStatus {
    /// When.
    pub at: Time,
    /// Why it failed; nothing when it did not.
    pub problem: Option<Problem>,
}

/// Why something failed, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// Why.
    pub why: String,
    /// What to do.
    pub hint: String,
}
