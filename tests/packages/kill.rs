//! The process killed at each step of applying, really: this binary runs itself as a child that aborts there.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio, abort};
use std::time::Duration;

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{self, ChannelError};
use evertill::clock::{Clock, SystemClock};
use evertill::package::{Kind, SignedManifest, Source};
use evertill::sync::download::{Applied, Fetched, Target};

use super::chain::{Headquarters, NEWEST, Offline, at, complete_version, data};

const STEP: &str = "EVERTILL_TEST_DIES_AT";
const FOLDER: &str = "EVERTILL_TEST_FOLDER";

/// Where the child dies, at the full package 4 or the delta 5.
const STEPS: [&str; 9] =
    ["listed", "half fetched", "fetched", "unpacked", "checked", "logs removed", "renamed", "delta unpacked", "delta applied"];

#[test]
fn killed_at_any_step_one_complete_version_is_left_and_the_newest_is_reached() {
    for step in STEPS {
        let folder = tempfile::tempdir().unwrap();
        let path = begun(folder.path());
        die(folder.path(), step);
        let version = complete_version(&path);
        let expected = match step {
            "listed" | "half fetched" | "fetched" | "unpacked" => 3,
            "delta applied" => 5,
            _ => 4,
        };
        assert_eq!(version, expected, "{step}");
        go_on(folder.path(), step);
    }
}

#[test]
fn killed_at_any_moment_one_complete_version_is_left_and_the_newest_is_reached() {
    let mut versions = std::collections::BTreeSet::new();
    for moment in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        let path = begun(folder.path());
        die(folder.path(), &(moment * 500).to_string());
        let version = complete_version(&path);
        assert!((3..=NEWEST).contains(&version), "{moment}: {version}");
        versions.insert(version);
        go_on(folder.path(), &moment.to_string());
    }
    assert!(versions.contains(&3), "some died before anything was applied: {versions:?}");
}

/// A database of version 3, its last change still in the log.
fn begun(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("offline.db");
    master::write_full(&path, &data(2), 2).unwrap();
    let reader = SqliteChannel::open_read_only(&path).unwrap();
    let delta = folder.join("delta");
    master::write_delta(&delta, &super::chain::changes(3)).unwrap();
    master::apply_delta(&path, &delta, 2, 3).unwrap();
    std::fs::remove_file(delta).unwrap();
    drop(reader);
    assert!(std::fs::metadata(folder.join("offline.db-wal")).unwrap().len() > 0);
    path
}

/// Runs the child until it dies.
fn die(folder: &Path, step: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["kill::the_child", "--exact"]).env(STEP, step).env(FOLDER, folder);
    let ended = child.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let is_timed = step.parse::<u64>().is_ok();
    assert!(!ended.success() || is_timed, "the child dies at {step:?}");
}

/// What the next start does.
fn go_on(folder: &Path, step: &str) {
    let headquarters = Headquarters::new();
    let offline = Offline(folder.join("offline.db"));
    // The keys of the dead child's headquarters are gone with it, and so is what it fetched: another file under the same number.
    let round = headquarters.downloader(folder).run_once(&headquarters, &offline);
    assert_eq!((round.problem, complete_version(&offline.0)), (None, NEWEST), "after {step}");
    let left: Vec<_> = std::fs::read_dir(folder.join("packages")).unwrap().collect();
    assert!(left.is_empty(), "after {step}: {left:?}");
}

/// What the parent starts; by itself it finds that nobody asked it to die.
#[test]
fn the_child() {
    let (Ok(step), Ok(folder)) = (std::env::var(STEP), std::env::var(FOLDER)) else {
        assert!(std::env::var_os(STEP).is_none());
        return;
    };
    let (headquarters, folder) = (Headquarters::new(), Path::new(&folder));
    let dying = Dying { step: &step, headquarters: &headquarters, offline: Offline(folder.join("offline.db")), reads: Cell::new(0) };
    if let Ok(after_us) = step.parse() {
        std::thread::spawn(move || {
            SystemClock::default().sleep(Duration::from_micros(after_us));
            abort();
        });
    }
    let round = headquarters.downloader(folder).run_once(&Files(&headquarters, &step), &dying);
    assert_eq!((round.problem, dying.reads.get()), (None, 2));
}

struct Dying<'a> {
    step: &'a str,
    headquarters: &'a Headquarters,
    offline: Offline,
    reads: Cell<u32>,
}

impl Dying<'_> {
    fn at(&self, step: &str) {
        if self.step == step {
            abort();
        }
    }
}

impl Target for Dying<'_> {
    fn version(&self) -> channel::Result<u64> {
        assert_eq!(self.headquarters.signed.len() as u64, NEWEST);
        self.offline.version()
    }

    fn apply(&self, package: &Fetched<'_>) -> channel::Result<Applied> {
        self.reads.set(self.reads.get() + 1);
        if package.manifest.kind != Kind::Full {
            self.at("delta unpacked");
            let applied = self.offline.apply(package);
            self.at("delta applied");
            return applied;
        }
        self.at("unpacked");
        master::prepare(package.unpacked, &self.offline.0, package.manifest.to_version)?;
        self.at("checked");
        if self.step == "logs removed" {
            for log in ["offline.db-wal", "offline.db-shm"] {
                let _ = std::fs::remove_file(self.offline.0.with_file_name(log));
            }
            abort();
        }
        master::take_in(&self.offline.0).map_err(ChannelError::broken)?;
        self.at("renamed");
        Ok(Applied::InUse)
    }
}

struct Files<'a>(&'a Headquarters, &'a str);

impl Source for Files<'_> {
    fn manifests(&self, after: u64) -> channel::Result<Vec<SignedManifest>> {
        if self.1 == "listed" {
            abort();
        }
        self.0.manifests(after)
    }

    fn file(&self, id: u64, from: u64) -> channel::Result<Box<dyn Read + Send>> {
        let file = self.0.file(id, from)?;
        Ok(match self.1 {
            "half fetched" => Box::new(file.take(self.0.files[at(id)].len() as u64 / 2).chain(End)),
            "fetched" => Box::new(Fully(file)),
            _ => file,
        })
    }
}

/// Dies when all that was wanted has been read.
struct Fully(Box<dyn Read + Send>);

impl Read for Fully {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Drop for Fully {
    fn drop(&mut self) {
        abort()
    }
}

/// Dies when it is reached.
struct End;

impl Read for End {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        abort()
    }
}
