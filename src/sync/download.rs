//! Packages on their way down: listed, verified, planned, fetched, unpacked and applied in order, one round at a time.
//!
//! A register's download thread and a scale unit's distribution thread call it, each with its own source and target. It has no thread of
//! its own, and knows neither HTTP nor SQL.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::channel::Result;
use crate::clock::SharedClock;
use crate::ids::RegisterId;
use crate::package::{self, LISTED_MAX, Manifest, PackageError, Plan, Report, SignedManifest, Source, Status, VerifyingKey};
use crate::private;

/// Bytes of the disk that packages leave to the journal and to all else.
const RESERVE: u64 = 64 << 20;

/// What packages are applied to.
pub trait Target {
    /// The version of the last package applied, or of the one that waits to be taken into use; 0 for none.
    fn version(&self) -> Result<u64>;

    /// Takes a package that has been fetched and unpacked, whole or not at all. It may move the file unpacked.
    fn apply(&self, package: &Fetched<'_>) -> Result<Applied>;
}

/// A package that is here.
#[derive(Clone, Copy, Debug)]
pub struct Fetched<'a> {
    /// What it is.
    pub manifest: &'a Manifest,
    /// The same as headquarters signed it, to be handed on.
    pub signed: &'a SignedManifest,
    /// The compressed file.
    pub file: &'a Path,
    /// The database that was inside.
    pub unpacked: &'a Path,
}

/// What became of a package at its target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It is in use.
    InUse,
    /// It is whole and waits to be taken into use, as at a register in the middle of a sale: the round ends, no report is made, and the
    /// target reports it when it is in use.
    Waiting,
}

/// What a round has done.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Round {
    /// What became of packages, for headquarters; those the road kept from coming are not among them.
    pub reports: Vec<Report>,
    /// Manifests of the packages that were applied or wait, in order.
    pub applied: Vec<Manifest>,
    /// The first that went wrong.
    pub problem: Option<PackageError>,
}

/// Brings one target up to date.
pub struct Downloader {
    /// Only what this key has signed is used.
    pub key: VerifyingKey,
    /// The store whose packages are wanted.
    pub store: String,
    /// The register whose offline database it is; none for a channel database.
    pub register: Option<RegisterId>,
    /// Where files are gathered and unpacked: a folder of its own, on the disk of the target.
    pub folder: PathBuf,
    /// For the times of reports.
    pub clock: SharedClock,
    /// How many bytes are free on the disk of a folder: [`free_bytes`].
    pub free: fn(&Path) -> io::Result<u64>,
}

/// Bytes that are free on the disk of a folder, for this user.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that are free on the disk of a folder; this system is not asked.
#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Downloader {
    /// One round: after it the target has the newest version that can be reached, or the round's problem says why not. Whatever is applied
    /// stays applied; what was fetched in part is gone on with by the next round.
    pub fn run_once(&self, source: &dyn Source, target: &dyn Target) -> Round {
        let mut round = Round::default();
        if let Err(problem) = self.run(source, target, &mut round) {
            round.problem.get_or_insert(problem);
        }
        round
    }

    fn run(&self, source: &dyn Source, target: &dyn Target, round: &mut Round) -> std::result::Result<(), PackageError> {
        private::folder(&self.folder).map_err(|error| PackageError::Disk(error.to_string()))?;
        let version = target.version().map_err(PackageError::Target)?;
        let listed = self.verified(source.manifests(version)?, round);
        let manifests: Vec<Manifest> = listed.iter().map(|(manifest, _)| manifest.clone()).collect();
        let Plan { apply, superseded } = package::plan(version, &manifests);
        self.tidy(&apply);
        round.reports.extend(superseded.iter().map(|manifest| self.report(manifest, Status::Superseded, String::new())));
        for manifest in &apply {
            let signed = listed.iter().find(|(listed, _)| listed == manifest).map(|(_, signed)| signed);
            let signed = signed.expect("what is planned was listed");
            let applied = self.bring(source, target, manifest, signed).inspect_err(|problem| {
                if !matches!(problem, PackageError::Cut { .. } | PackageError::Source(_)) {
                    round.reports.push(self.report(manifest, Status::Failed, problem.to_string()));
                }
            })?;
            round.applied.push(manifest.clone());
            match applied {
                Applied::InUse => round.reports.push(self.report(manifest, Status::Applied, String::new())),
                Applied::Waiting => break,
            }
        }
        Ok(())
    }

    /// What headquarters signed for this store and this program can apply.
    fn verified(&self, signed: Vec<SignedManifest>, round: &mut Round) -> Vec<(Manifest, SignedManifest)> {
        let mut verified = Vec::new();
        for signed in signed.into_iter().take(LISTED_MAX) {
            match signed.open(&self.key).and_then(|manifest| self.check(&manifest).map(|()| manifest)) {
                Ok(manifest) => verified.push((manifest, signed)),
                Err(problem) => {
                    if let (PackageError::Newer { .. } | PackageError::Older { .. }, Ok(manifest)) = (&problem, signed.open(&self.key)) {
                        round.reports.push(self.report(&manifest, Status::Failed, problem.to_string()));
                    }
                    round.problem.get_or_insert(problem);
                }
            }
        }
        verified
    }

    fn check(&self, manifest: &Manifest) -> std::result::Result<(), PackageError> {
        if manifest.group != self.store {
            return Err(PackageError::Group { found: manifest.group.clone(), expected: self.store.clone() });
        }
        manifest.check_schema()
    }

    fn bring(
        &self,
        source: &dyn Source,
        target: &dyn Target,
        manifest: &Manifest,
        signed: &SignedManifest,
    ) -> std::result::Result<Applied, PackageError> {
        self.check_room(manifest)?;
        let unpacked = self.folder.join(format!("{}.db", manifest.id));
        let applied = package::fetch(source, manifest, &self.folder, &unpacked).and_then(|file| {
            let fetched = Fetched { manifest, signed, file: &file, unpacked: &unpacked };
            target.apply(&fetched).map_err(PackageError::Target)
        });
        // What came of a file is gone on with, and one that the target could not take is not fetched again. A full disk needs the room.
        if !matches!(applied, Err(PackageError::Cut { .. } | PackageError::Source(_) | PackageError::Target(_))) {
            let _ = fs::remove_file(package::part(&self.folder, manifest.id));
        }
        let _ = fs::remove_file(&unpacked);
        applied
    }

    /// Whether what is fetched and unpacked leaves room on the disk: the journal is on the same one, and sales come first.
    fn check_room(&self, manifest: &Manifest) -> std::result::Result<(), PackageError> {
        let have = fs::metadata(package::part(&self.folder, manifest.id)).map_or(0, |file| file.len());
        let needed = manifest.bytes.saturating_sub(have) + manifest.unpacked_bytes + RESERVE;
        // Where nobody can say how much there is, the disk will.
        match (self.free)(&self.folder) {
            Ok(free) if free < needed => Err(PackageError::NoRoom { free_mib: free >> 20, needed_mib: (needed >> 20) + 1 }),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Removes what earlier rounds left and this one does not need: files that are named by a package's number.
    fn tidy(&self, needed: &[Manifest]) {
        let needed: Vec<PathBuf> = needed.iter().map(|manifest| package::part(&self.folder, manifest.id)).collect();
        let Ok(files) = fs::read_dir(&self.folder) else { return };
        let is_ours = |file: &PathBuf| file.file_stem().and_then(|name| name.to_str()).is_some_and(|name| name.parse::<u64>().is_ok());
        for file in files.flatten().map(|file| file.path()).filter(|file| is_ours(file) && !needed.contains(file)) {
            // One that stays takes room, nothing else.
            let _ = fs::remove_file(file);
        }
    }

    fn report(&self, manifest: &Manifest, status: Status, reason: String) -> Report {
        Report { package: manifest.id, register: self.register.clone(), status, reason, at: self.clock.now() }
    }
}
