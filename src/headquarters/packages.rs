//! Packages, kept in the database in pieces of a mebibyte, and what became of each at every target.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;

use super::Headquarters;
use super::database::{Tx, Value};
use super::error::{Error, Result};
use crate::clock::Time;
use crate::package::{Kind, LISTED_MAX, Manifest, Report, SignedManifest, Status};

/// Bytes of a piece.
const CHUNK: u64 = 1 << 20;

/// A package, as it is listed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Package {
    /// Its manifest.
    pub manifest: Manifest,
    /// What became of it, by target: a store's channel database or a register's offline one.
    pub targets: Vec<PackageState>,
}

/// What became of a package at a target.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PackageState {
    /// A channel database's key, such as `343` or `343-2`.
    pub target: String,
    /// What became of it.
    pub status: Status,
    /// Why it failed; empty otherwise.
    pub reason: String,
    /// Since when.
    pub at: Time,
}

impl Headquarters {
    /// Packages a database of a store with this version needs, in order: none is listed that a later full one made unnecessary, and no more
    /// than [`LISTED_MAX`] at once.
    pub fn manifests(&self, store: &str, after: u64) -> Result<Vec<SignedManifest>> {
        const NEEDED: &str = "SELECT manifest, signature FROM packages WHERE store = $1 AND to_version > $2
            AND to_version >= (SELECT coalesce(max(to_version), 0) FROM packages WHERE store = $1 AND full_rows IS NOT NULL)
            ORDER BY to_version LIMIT $3";
        let limit = LISTED_MAX as u64;
        let rows = self.database().read(|tx| tx.rows(NEEDED, &[store.into(), after.into(), limit.into()]))?;
        rows.iter().map(|row| Ok(SignedManifest { manifest: row.text(0)?, signature: row.text(1)? })).collect()
    }

    /// Size of a package's file in bytes; none when it is not this store's or is kept no longer.
    pub fn package_size(&self, store: &str, id: u64) -> Result<Option<u64>> {
        const SIZE: &str = "SELECT bytes FROM packages WHERE id = $1 AND store = $2
            AND EXISTS (SELECT 1 FROM package_chunks WHERE package = packages.id)";
        let row = self.database().read(|tx| tx.row(SIZE, &[id.into(), store.into()]))?;
        row.map(|row| row.number(0)).transpose()
    }

    /// Bytes of a package's file from an offset on: to the end of the mebibyte the offset lies in, or fewer. Empty at the end.
    pub fn package_bytes(&self, id: u64, offset: u64, length: u64) -> Result<Vec<u8>> {
        const PIECE: &str = "SELECT content FROM package_chunks WHERE package = $1 AND number = $2";
        let Some(row) = self.database().read(|tx| tx.row(PIECE, &[id.into(), (offset / CHUNK).into()]))? else {
            return Ok(Vec::new());
        };
        let piece = row.bytes(0)?;
        let from = usize::try_from(offset % CHUNK).unwrap_or(usize::MAX).min(piece.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(piece.len() - from);
        Ok(piece[from..from + length].to_vec())
    }

    /// The newest packages with what became of each, newest first.
    pub fn packages(&self, store: Option<&str>, limit: u32) -> Result<Vec<Package>> {
        const NEWEST: &str = "SELECT id, manifest FROM packages WHERE store = $1 OR $1 = '' ORDER BY id DESC LIMIT $2";
        const STATES: &str = "SELECT target, status, reason, at FROM package_status WHERE package = $1 ORDER BY target";
        self.database().read(|tx| {
            let rows = tx.rows(NEWEST, &[store.unwrap_or_default().into(), limit.into()])?;
            let mut packages = Vec::new();
            for row in rows {
                let states = tx.rows(STATES, &[row.number(0)?.into()])?;
                let state = |row: &super::database::Row| -> Result<_> {
                    Ok(PackageState { target: row.text(0)?, status: status(&row.text(1)?)?, reason: row.text(2)?, at: row.time(3)? })
                };
                let targets = states.iter().map(state).collect::<Result<_>>()?;
                packages.push(Package { manifest: manifest(&row.text(1)?)?, targets });
            }
            Ok(packages)
        })
    }

    /// Notes what became of packages at a store's databases. Reports of unknown packages and targets are passed over.
    pub(super) fn note_reports(&self, store: &str, reports: &[Report]) -> Result<()> {
        const NOTE: &str = "UPDATE package_status SET status = $3, reason = $4, at = $5 WHERE package = $1 AND target = $2
            AND EXISTS (SELECT 1 FROM packages WHERE id = $1 AND store = $6)";
        /// Reports may get lost; what a later version was applied upon was applied.
        const NOTE_EARLIER: &str = "UPDATE package_status SET status = 'applied', reason = '', at = $3
            WHERE target = $2 AND status IN ('available', 'failed') AND EXISTS (SELECT 1 FROM packages WHERE id = package_status.package
                AND store = $4 AND to_version < (SELECT to_version FROM packages WHERE id = $1 AND store = $4))";
        // Reasons come from outside.
        let bounded = |reason: &str| reason.chars().filter(|letter| !letter.is_control()).take(500).collect::<String>();
        self.database().write(|tx| {
            for report in reports {
                let target = report.register.as_ref().map_or_else(|| store.to_owned(), ToString::to_string);
                let values = [
                    report.package.into(),
                    target.into(),
                    word(report.status).into(),
                    bounded(&report.reason).into(),
                    report.at.into(),
                    store.into(),
                ];
                if tx.execute(NOTE, &values)? > 0 && report.status == Status::Applied {
                    tx.execute(NOTE_EARLIER, &[report.package.into(), values[1].clone(), report.at.into(), store.into()])?;
                }
            }
            Ok(())
        })
    }
}

/// How far a store's packages are.
pub(super) struct Stream {
    /// The version of its newest package; 0 for none.
    pub(super) version: u64,
    /// Rows of its newest full package; none when there is none.
    pub(super) full_rows: Option<u64>,
    /// Rows of all deltas since.
    pub(super) delta_rows: u64,
    /// How many these are.
    pub(super) deltas: u64,
    /// The store's own database could not apply one of them.
    pub(super) is_stuck: bool,
}

pub(super) fn stream(tx: &mut Tx<'_>, store: &str) -> Result<Stream> {
    const NEWEST: &str = "SELECT coalesce(max(to_version), 0) FROM packages WHERE store = $1";
    const FULL: &str =
        "SELECT to_version, full_rows FROM packages WHERE store = $1 AND full_rows IS NOT NULL ORDER BY to_version DESC LIMIT 1";
    const DELTAS: &str = "SELECT CAST(coalesce(sum(rows), 0) AS BIGINT), count(*) FROM packages WHERE store = $1 AND to_version > $2";
    const FAILED: &str = "SELECT package FROM package_status WHERE target = $1 AND status = 'failed'
        AND EXISTS (SELECT 1 FROM packages WHERE id = package_status.package AND store = $1 AND to_version > $2) LIMIT 1";
    let number = |row: Option<super::database::Row>| row.map_or(Ok(0), |row| row.number(0));
    let version = number(tx.row(NEWEST, &[store.into()])?)?;
    let Some(full) = tx.row(FULL, &[store.into()])? else {
        return Ok(Stream { version, full_rows: None, delta_rows: 0, deltas: 0, is_stuck: false });
    };
    let since: [Value; 2] = [store.into(), full.number(0)?.into()];
    let (delta_rows, deltas) = match tx.row(DELTAS, &since)? {
        Some(row) => (row.number(0)?, row.number(1)?),
        None => (0, 0),
    };
    let is_stuck = tx.row(FAILED, &since)?.is_some();
    Ok(Stream { version, full_rows: Some(full.number(1)?), delta_rows, deltas, is_stuck })
}

/// The number of the next package.
pub(super) fn next_id(tx: &mut Tx<'_>) -> Result<u64> {
    const NEXT: &str = "UPDATE counters SET value = value + 1 WHERE name = 'package' RETURNING value";
    tx.row(NEXT, &[])?.ok_or_else(|| Error::Database("the counters are gone".to_owned()))?.number(0)
}

/// Keeps a package and makes it available to all targets of its store. A full one makes those before it unnecessary: their files go.
pub(super) fn keep(tx: &mut Tx<'_>, manifest: &Manifest, signed: &SignedManifest, file: &Path) -> Result<()> {
    const PACKAGE: &str = "INSERT INTO packages (id, store, to_version, full_rows, rows, bytes, manifest, signature)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    const AVAILABLE: &str = "INSERT INTO package_status (package, target, status, reason, at)
        SELECT CAST($1 AS BIGINT), key, 'available', '', CAST($3 AS TEXT) FROM records WHERE kind = 'channel-database' AND deleted = 0 AND reach = $2";
    const SUPERSEDE: &str = "UPDATE package_status SET status = 'superseded', at = $3 WHERE status <> 'applied' AND package <> $1
        AND package IN (SELECT id FROM packages WHERE store = $2)";
    const DROP_FILES: &str = "DELETE FROM package_chunks WHERE package <> $1 AND package IN (SELECT id FROM packages WHERE store = $2)";
    let full_rows = (manifest.kind == Kind::Full).then_some(manifest.rows);
    let store = manifest.group.as_str();
    let values: [Value; 8] = [
        manifest.id.into(),
        store.into(),
        manifest.to_version.into(),
        full_rows.into(),
        manifest.rows.into(),
        manifest.bytes.into(),
        (&signed.manifest).into(),
        (&signed.signature).into(),
    ];
    tx.execute(PACKAGE, &values)?;
    keep_file(tx, manifest.id, file)?;
    tx.execute(AVAILABLE, &[manifest.id.into(), format!(",{store},").into(), manifest.made_at.into()])?;
    if full_rows.is_some() {
        tx.execute(SUPERSEDE, &[manifest.id.into(), store.into(), manifest.made_at.into()])?;
        tx.execute(DROP_FILES, &[manifest.id.into(), store.into()])?;
    }
    Ok(())
}

/// Makes a store's present packages available to a target that is new.
pub(super) fn offer(tx: &mut Tx<'_>, store: &str, target: &str, now: Time) -> Result<()> {
    const OFFER: &str = "INSERT INTO package_status (package, target, status, reason, at)
        SELECT id, CAST($2 AS TEXT), 'available', '', CAST($3 AS TEXT) FROM packages WHERE store = $1
            AND to_version >= (SELECT max(to_version) FROM packages WHERE store = $1 AND full_rows IS NOT NULL) ON CONFLICT DO NOTHING";
    tx.execute(OFFER, &[store.into(), target.into(), now.into()]).map(drop)
}

fn keep_file(tx: &mut Tx<'_>, id: u64, path: &Path) -> Result<()> {
    const PIECE: &str = "INSERT INTO package_chunks (package, number, content) VALUES ($1, $2, $3)";
    let unreadable = |error: std::io::Error| Error::File(format!("{}: {error}", path.display()));
    let mut file = File::open(path).map_err(unreadable)?;
    for number in 0_u64.. {
        let mut piece = Vec::new();
        (&mut file).take(CHUNK).read_to_end(&mut piece).map_err(unreadable)?;
        if piece.is_empty() {
            break;
        }
        tx.execute(PIECE, &[id.into(), number.into(), piece.into()])?;
    }
    Ok(())
}

fn manifest(text: &str) -> Result<Manifest> {
    serde_json::from_str(text).map_err(|error| Error::Database(format!("a manifest is damaged: {error}")))
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Available => "available",
        Status::Applied => "applied",
        Status::Failed => "failed",
        Status::Superseded => "superseded",
    }
}

fn status(word: &str) -> Result<Status> {
    serde_json::from_value(word.into()).map_err(|error| Error::Database(format!("a package's status is damaged: {error}")))
}
