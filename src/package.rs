//! A package: one unit of master data on its way down, made by a distribution job, applied whole or not at all, in order.
//!
//! It is a zstd-compressed `SQLite` file with a manifest that headquarters signs. A *full* package is the finished database of a store with
//! its indexes; a *delta* holds changed rows and deleted keys. Headquarters makes packages, scale units fetch and apply them and hand
//! them on, registers fetch and apply them.
//!
//! It knows no network, no database and no retail record: a [`Source`] brings the bytes, `channel` writes and applies the file inside.

mod error;
mod fetch;
mod file;
mod manifest;
mod plan;

pub use error::PackageError;
pub use fetch::{Source, fetch, part};
pub use file::{Packed, pack};
pub use manifest::sign;
pub use plan::{Plan, plan};

pub use crate::signature::{SigningKey, VerifyingKey};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Time;
use crate::ids::RegisterId;

/// Schema of the databases inside that this program writes and applies.
pub const SCHEMA: u32 = 3;

/// Manifests listed at once; when there are more, the next look brings them.
pub const LISTED_MAX: usize = 1_000;

/// What a package is, and how to know that it arrived whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Its number at headquarters; rises with every package.
    pub id: u64,
    /// The channel database group it was made for: the store's number.
    pub group: String,
    /// The distribution job that made it, such as 1040.
    pub job: u32,
    /// Full or delta.
    pub kind: Kind,
    /// The version it brings a database to.
    pub to_version: u64,
    /// Schema of the database inside; only a program of the same schema applies it.
    pub schema: u32,
    /// Rows inside, changed and deleted ones.
    pub rows: u64,
    /// Size of the compressed file.
    pub bytes: u64,
    /// Size of the database inside.
    pub unpacked_bytes: u64,
    /// SHA-256 of the compressed file, in hexadecimal.
    pub digest: String,
    /// When it was made.
    pub made_at: Time,
}

/// Sorts of package.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// The finished database; replaces whatever is there.
    Full,
    /// Changes to the database of exactly this version.
    Delta {
        /// The version it needs.
        from_version: u64,
    },
}

/// A manifest on the wire: its exact text and headquarters' Ed25519 signature of it, in hexadecimal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedManifest {
    /// A [`Manifest`] as JSON, byte for byte as signed.
    pub manifest: String,
    /// The signature.
    pub signature: String,
}

/// What became of a package at one database, as headquarters is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The package.
    pub package: u64,
    /// The register whose offline database it is; none for the channel database.
    #[schema(value_type = Option<Object>)]
    pub register: Option<RegisterId>,
    /// What became of it.
    pub status: Status,
    /// Why it failed, in words; empty otherwise.
    pub reason: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
}

/// States of a package at one database.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It can be fetched.
    Available,
    /// It is in use.
    Applied,
    /// It could not be applied; it is tried again.
    Failed,
    /// A later full package made it unnecessary.
    Superseded,
}

#[cfg(test)]
mod testing {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{Kind, Manifest, SCHEMA, pack};
    use crate::clock::Time;

    pub(super) fn manifest(id: u64, kind: Kind, to_version: u64) -> Manifest {
        Manifest {
            id,
            group: "343".to_owned(),
            job: 1040,
            kind,
            to_version,
            schema: SCHEMA,
            rows: 1,
            bytes: 10,
            unpacked_bytes: 20,
            digest: "0".repeat(64),
            made_at: Time::UNIX_EPOCH,
        }
    }

    /// A package's file with this content.
    pub(super) fn packed(folder: &Path, content: &[u8]) -> (PathBuf, Manifest) {
        let (database, file) = (folder.join("database"), folder.join("package.zst"));
        fs::write(&database, content).unwrap();
        let packed = pack(&database, &file).unwrap();
        let manifest =
            Manifest { bytes: packed.bytes, unpacked_bytes: packed.unpacked_bytes, digest: packed.digest, ..manifest(1, Kind::Full, 1) };
        (file, manifest)
    }
}
