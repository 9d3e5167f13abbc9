//! Why a package cannot be used.

use std::io;

use crate::channel::ChannelError;

/// Why a package cannot be used. Whatever it is, nothing was changed by it.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum PackageError {
    /// It does not come from this chain's headquarters, or was changed on its way.
    #[error("the manifest is not signed by headquarters")]
    Signature,
    /// Headquarters signed something this program does not understand.
    #[error("the manifest cannot be read: {0}")]
    Manifest(String),
    /// It is another store's.
    #[error("the package was made for {found:?}, expected {expected:?}")]
    Group {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// A later version of this program made it.
    #[error("the package has schema {found}, this program knows {known} at most")]
    Newer {
        /// The package's.
        found: u32,
        /// This program's.
        known: u32,
    },
    /// An earlier version of this program made it.
    #[error("the package has schema {found}, expected {known}")]
    Older {
        /// The package's.
        found: u32,
        /// This program's.
        known: u32,
    },
    /// The file is not what its manifest says.
    #[error("the package is damaged: {0}")]
    Damaged(String),
    /// The source ended too early; what came is kept, and the next try goes on from there.
    #[error("the download was cut short after {have} of {bytes} bytes: {why}")]
    Cut {
        /// Bytes that are here.
        have: u64,
        /// Bytes there are.
        bytes: u64,
        /// What the road said.
        why: String,
    },
    /// The source gave no package.
    #[error(transparent)]
    Source(#[from] ChannelError),
    /// The database it was to change said no.
    #[error("{}", _0.detail)]
    Target(ChannelError),
    /// It would fill the disk.
    #[error("the package needs {needed_mib} MiB of room on the disk, {free_mib} MiB are free")]
    NoRoom {
        /// What is free.
        free_mib: u64,
        /// What would have to be, with a reserve for sales.
        needed_mib: u64,
    },
    /// The disk.
    #[error("the package cannot be written: {0}")]
    Disk(String),
}

impl PackageError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Signature => "activate the device again if headquarters has a new key; else find out who stands between",
            Self::Manifest(_) | Self::Newer { .. } => "install the version that headquarters has",
            Self::Group { .. } => "check which store the scale unit serves",
            Self::Older { .. } => "update headquarters and run job 9999 with --full",
            Self::Damaged(_) => "it is fetched again by itself; if that does not help, run the job again with --full",
            Self::Cut { .. } | Self::Source(_) => "it is tried again by itself",
            Self::Target(_) => "it is tried again by itself; if that does not help, run the job again with --full",
            Self::NoRoom { .. } => "make room on the disk; it is tried again by itself",
            Self::Disk(_) => "check the folder's permissions and the disk",
        }
    }

    /// The disk's failure.
    #[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
    pub(super) fn disk(error: io::Error) -> Self {
        Self::Disk(error.to_string())
    }

    /// A file that is not what its manifest says.
    #[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
    pub(super) fn damaged(what: impl ToString) -> Self {
        Self::Damaged(what.to_string())
    }
}
