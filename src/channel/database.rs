//! A scale unit's database: a channel, and what the scale unit keeps in it about devices, sessions and the road to headquarters.
//!
//! Several scale units may share one. The `SQLite` and the `PostgreSQL` implementation pass the same contract suite.

use std::path::Path;

use chrono::TimeDelta;

use super::{Channel, Recorded, Result, Upload};
use crate::clock::Time;
use crate::ids::{OperatorId, RegisterId, TransactionId};
use crate::master_data::Record;
use crate::package::{Manifest, Report};
use crate::retail::lockout::Attempts;
use crate::retail::register::Numbers;

/// How long an operator's wrong PINs are kept at least: nobody is forgotten sooner by whoever types other numbers meanwhile.
pub(super) const ATTEMPTS_KEPT: TimeDelta = TimeDelta::hours(24);

/// What a scale unit asks its database, beyond what a till may ask.
pub trait ChannelDatabase: Channel {
    /// Whether a look-up takes less time than another thread takes to wake: a file's does, a database server's does not.
    fn is_at_hand(&self) -> bool;

    /// Whether no master data have been applied yet.
    fn is_empty(&self) -> Result<bool>;

    /// How many transactions were taken in, events included.
    fn transaction_count(&self) -> Result<u64>;

    /// The highest numbers of a register among the transactions taken in.
    fn highest_numbers(&self, register: &RegisterId) -> Result<Numbers>;

    /// Takes in what a device brings, as [`Channel::record`] does, but no numbers that it cannot have given: those are set aside.
    fn record_from(&self, device: &Device, transaction: &Upload) -> Result<Recorded>;

    /// The device a token's hash belongs to, whatever its status.
    fn device(&self, token_hash: &str) -> Result<Option<Device>>;

    /// Keeps a device that was activated. By the same commit whatever device was that register's before is deactivated, and the register
    /// handed on: the highest numbers known, of the device's own and of the transactions taken in, are returned and kept with both.
    fn activate(&self, device: &Device) -> Result<Numbers>;

    /// Deactivates a register's device, if it has one: it is refused from now on, but what it still has to send is taken.
    fn deactivate(&self, register: &RegisterId) -> Result<()>;

    /// Keeps a session that has begun.
    fn open_session(&self, session: &Session) -> Result<()>;

    /// The session of a token's hash, expired or not.
    fn session(&self, token_hash: &str) -> Result<Option<Session>>;

    /// Ends a session; whether there was one.
    fn close_session(&self, token_hash: &str) -> Result<bool>;

    /// Removes sessions that expired before a time.
    fn forget_sessions(&self, expired_before: Time) -> Result<()>;

    /// Whether the operator still works here, by the staff data of the moment.
    fn is_active(&self, operator: &OperatorId) -> Result<bool>;

    /// An operator's wrong PINs so far.
    fn attempts(&self, operator: &OperatorId) -> Result<Attempts>;

    /// Counts a try as failed before its PIN is compared, so that tries at the same time all count; one commit. Returns the count after it.
    fn note_failure(&self, operator: &OperatorId, now: Time) -> Result<Attempts>;

    /// Forgets an operator's wrong PINs: he was right, or a manager unlocked him.
    fn clear_attempts(&self, operator: &OperatorId) -> Result<()>;

    /// Brings the master data to the manifest's version with the database of an unpacked package: whole or not at all, by one commit. A
    /// delta whose `from_version` is not the present version is refused; so is another schema.
    fn apply(&self, manifest: &Manifest, unpacked: &Path) -> Result<()>;

    /// All records of a kind, by their keys.
    fn records(&self, kind: &str) -> Result<Vec<Record>>;

    /// Keeps what became of a package until headquarters has heard of it.
    fn keep_report(&self, report: &Report) -> Result<()>;

    /// Reports headquarters has not heard of, oldest first, each with a number to forget it by.
    fn reports(&self, limit: u32) -> Result<Vec<(u64, Report)>>;

    /// Headquarters has heard of these.
    fn forget_reports(&self, numbers: &[u64]) -> Result<()>;

    /// Transactions that have not gone on to headquarters, in the order in which they came.
    fn waiting_for_headquarters(&self, limit: u32) -> Result<Vec<Upload>>;

    /// How many there are.
    fn waiting_count(&self) -> Result<u64>;

    /// Headquarters has these.
    fn taken_by_headquarters(&self, transactions: &[TransactionId]) -> Result<()>;
}

/// A device that is or was a register.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    /// Its own name for itself.
    pub id: String,
    /// Which register.
    pub register: RegisterId,
    /// SHA-256 of its token, in hexadecimal.
    pub token_hash: String,
    /// Whether it may still ask.
    pub status: DeviceStatus,
    /// The highest numbers of the register that were known when the device became it.
    pub numbers: Numbers,
    /// The numbers from which its successor went on, if it has one: it gave none beyond them.
    pub handed_on: Option<Numbers>,
}

/// Whether a device may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceStatus {
    /// It may.
    Activated,
    /// It may only bring what it still has to send.
    Deactivated,
}

/// An operator's session at one register.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// SHA-256 of its token, in hexadecimal.
    pub token_hash: String,
    /// Who.
    pub operator: OperatorId,
    /// Where.
    pub register: RegisterId,
    /// Until when.
    pub expires_at: Time,
}
