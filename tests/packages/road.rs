//! What a road may do to packages.

use std::io::{self, Read};
use std::sync::Mutex;

use evertill::channel;
use evertill::ids::splitmix64;
use evertill::package::{Kind, Manifest, PackageError, SignedManifest, Source, Status};

use super::chain::{Headquarters, NEWEST, Offline, at, complete_version};

/// Headquarters behind a road.
struct Road<'a> {
    headquarters: &'a Headquarters,
    /// The packages that are listed, in this order; all of them when there are none.
    listed: Vec<u64>,
    /// After how many bytes the next answers are cut, the last first.
    cuts: Mutex<Vec<u64>>,
    asked: Mutex<Vec<(u64, u64)>>,
}

impl<'a> Road<'a> {
    fn to(headquarters: &'a Headquarters) -> Self {
        Self { headquarters, listed: (1..=NEWEST).collect(), cuts: Mutex::default(), asked: Mutex::default() }
    }
}

impl Source for Road<'_> {
    fn manifests(&self, _: u64) -> channel::Result<Vec<SignedManifest>> {
        Ok(self.listed.iter().map(|id| self.headquarters.signed[at(*id)].clone()).collect())
    }

    fn file(&self, id: u64, from: u64) -> channel::Result<Box<dyn Read + Send>> {
        self.asked.lock().unwrap().push((id, from));
        let file = self.headquarters.file(id, from)?;
        Ok(match self.cuts.lock().unwrap().pop() {
            Some(cut) => Box::new(file.take(cut).chain(Reset)),
            None => file,
        })
    }
}

struct Reset;

impl Read for Reset {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

#[test]
fn a_new_database_gets_the_newest_full_one_and_what_follows() {
    let (headquarters, folder) = (Headquarters::new(), tempfile::tempdir().unwrap());
    let offline = Offline(folder.path().join("offline.db"));
    let round = headquarters.downloader(folder.path()).run_once(&headquarters, &offline);
    let reports: Vec<_> = round.reports.iter().map(|report| (report.package, report.status)).collect();
    let superseded = (1..=3).map(|id| (id, Status::Superseded));
    assert_eq!(reports, superseded.chain([(4, Status::Applied), (5, Status::Applied)]).collect::<Vec<_>>());
    assert_eq!((round.problem, complete_version(&offline.0)), (None, NEWEST));
    assert_eq!(std::fs::read_dir(folder.path().join("packages")).unwrap().count(), 0, "nothing is left over");
    let again = headquarters.downloader(folder.path()).run_once(&headquarters, &offline);
    assert_eq!((again.reports, again.applied, again.problem), (vec![], vec![], None), "a second round has nothing to do");
}

#[test]
fn lost_repeated_and_reordered_packages_leave_one_complete_version() {
    let headquarters = Headquarters::new();
    for seed in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let (downloader, offline) = (headquarters.downloader(folder.path()), Offline(folder.path().join("offline.db")));
        let mut chance = seed;
        let mut before = 0;
        for _ in 0..4 {
            let mut road = Road::to(&headquarters);
            road.listed = (0..splitmix64(&mut chance) % 7).map(|_| 1 + splitmix64(&mut chance) % NEWEST).collect();
            let round = downloader.run_once(&road, &offline);
            assert_eq!(round.problem, None, "seed {seed}");
            let version = complete_version(&offline.0);
            assert!(version >= before, "seed {seed}: from {before} to {version}");
            before = version;
        }
        let mut road = Road::to(&headquarters);
        road.listed.reverse();
        assert_eq!(downloader.run_once(&road, &offline).problem, None);
        assert_eq!(complete_version(&offline.0), NEWEST, "seed {seed}");
    }
}

#[test]
fn a_download_cut_at_fifty_places_goes_on_where_it_was() {
    let headquarters = Headquarters::new();
    let bytes = headquarters.manifest(4).bytes;
    let mut chance = 343;
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let (downloader, offline) = (headquarters.downloader(folder.path()), Offline(folder.path().join("offline.db")));
        let cut = splitmix64(&mut chance) % bytes;
        let road = Road { cuts: Mutex::new(vec![cut]), ..Road::to(&headquarters) };
        let round = downloader.run_once(&road, &offline);
        assert!(matches!(round.problem, Some(PackageError::Cut { have, .. }) if have == cut), "{cut}: {:?}", round.problem);
        assert!(round.reports.iter().all(|report| report.status == Status::Superseded), "the road's fault is not the package's");
        assert_eq!(complete_version(&offline.0), 0);
        assert_eq!(downloader.run_once(&road, &offline).problem, None);
        assert_eq!(complete_version(&offline.0), NEWEST);
        assert_eq!(road.asked.lock().unwrap()[..2], [(4, 0), (4, cut)]);
    }
}

#[test]
fn one_changed_byte_of_a_package_is_refused_before_anything_is_applied() {
    let mut headquarters = Headquarters::new();
    let folder = tempfile::tempdir().unwrap();
    let (downloader, offline) = (headquarters.downloader(folder.path()), Offline(folder.path().join("offline.db")));
    let first = Road { listed: vec![1], ..Road::to(&headquarters) };
    assert_eq!(downloader.run_once(&first, &offline).problem, None);
    let applied = std::fs::read(&offline.0).unwrap();
    for place in 0..headquarters.files[at(2)].len() {
        headquarters.files[at(2)][place] ^= 0x10;
        let round = downloader.run_once(&Road { listed: vec![1, 2, 3], ..Road::to(&headquarters) }, &offline);
        assert!(matches!(round.problem, Some(PackageError::Damaged(_))), "byte {place}: {:?}", round.problem);
        let failed: Vec<_> = round.reports.iter().map(|report| (report.package, report.status)).collect();
        assert_eq!(failed, [(2, Status::Failed)], "byte {place}");
        headquarters.files[at(2)][place] ^= 0x10;
    }
    assert_eq!(std::fs::read(&offline.0).unwrap(), applied);
    assert_eq!(downloader.run_once(&headquarters, &offline).problem, None);
    assert_eq!(complete_version(&offline.0), NEWEST);
}

#[test]
fn one_changed_byte_of_a_manifest_is_refused() {
    let mut headquarters = Headquarters::new();
    let folder = tempfile::tempdir().unwrap();
    let (downloader, offline) = (headquarters.downloader(folder.path()), Offline(folder.path().join("offline.db")));
    let whole = headquarters.signed[at(4)].clone();
    for place in 0..whole.manifest.len() {
        let mut text = whole.manifest.clone().into_bytes();
        text[place] ^= 1;
        headquarters.signed[at(4)].manifest = String::from_utf8(text).unwrap();
        let round = downloader.run_once(&Road { listed: vec![4], ..Road::to(&headquarters) }, &offline);
        assert_eq!((round.problem, round.applied), (Some(PackageError::Signature), vec![]), "byte {place}");
    }
    assert_eq!(complete_version(&offline.0), 0);
}

#[test]
fn one_bad_manifest_does_not_keep_the_good_ones_from_coming() {
    let mut headquarters = Headquarters::new();
    let folder = tempfile::tempdir().unwrap();
    headquarters.signed[at(2)].signature = "00".repeat(64);
    let offline = Offline(folder.path().join("offline.db"));
    let round = headquarters.downloader(folder.path()).run_once(&headquarters, &offline);
    assert_eq!((round.problem, complete_version(&offline.0)), (Some(PackageError::Signature), NEWEST));
}

#[test]
fn another_schema_or_store_is_refused_before_it_is_fetched() {
    type Case = (fn(&mut Manifest), PackageError, bool);
    let known = evertill::package::SCHEMA;
    let cases: [Case; 3] = [
        (|manifest| manifest.schema += 1, PackageError::Newer { found: known + 1, known }, true),
        (|manifest| manifest.schema -= 1, PackageError::Older { found: known - 1, known }, true),
        (|manifest| manifest.group = "344".to_owned(), PackageError::Group { found: "344".to_owned(), expected: "343".to_owned() }, false),
    ];
    for (alter, problem, is_reported) in cases {
        let mut headquarters = Headquarters::new();
        let folder = tempfile::tempdir().unwrap();
        headquarters.alter(1, alter);
        let offline = Offline(folder.path().join("offline.db"));
        let road = Road { listed: vec![1], ..Road::to(&headquarters) };
        let round = headquarters.downloader(folder.path()).run_once(&road, &offline);
        assert_eq!(round.reports.iter().any(|report| report.status == Status::Failed), is_reported);
        assert_eq!(round.problem, Some(problem));
        assert!(road.asked.lock().unwrap().is_empty());
        assert_eq!(complete_version(&offline.0), 0);
    }
}

#[test]
fn a_full_package_that_does_not_hold_what_it_says_is_refused() {
    let mut headquarters = Headquarters::new();
    let folder = tempfile::tempdir().unwrap();
    let offline = Offline(folder.path().join("offline.db"));
    headquarters.alter(1, |manifest| manifest.to_version = 2);
    let round = headquarters.downloader(folder.path()).run_once(&Road { listed: vec![1], ..Road::to(&headquarters) }, &offline);
    assert_eq!(round.problem.unwrap().to_string(), "the new database has version 1, expected 2");
    headquarters.alter(2, |manifest| manifest.kind = Kind::Full);
    let round = headquarters.downloader(folder.path()).run_once(&Road { listed: vec![2], ..Road::to(&headquarters) }, &offline);
    assert!(round.problem.unwrap().to_string().contains("the package's "), "a delta is no full package");
    assert_eq!(complete_version(&offline.0), 0);
}

#[test]
fn a_package_that_would_fill_the_disk_is_not_fetched_before_there_is_room() {
    let (headquarters, folder) = (Headquarters::new(), tempfile::tempdir().unwrap());
    let offline = Offline(folder.path().join("offline.db"));
    let mut downloader = headquarters.downloader(folder.path());
    let road = Road { cuts: Mutex::new(vec![100]), ..Road::to(&headquarters) };
    downloader.free = |_| Ok((64 << 20) + 1_000);
    let problem = downloader.run_once(&road, &offline).problem.unwrap();
    assert_eq!(problem.to_string(), "the package needs 65 MiB of room on the disk, 64 MiB are free");
    assert_eq!(problem.hint(), "make room on the disk; it is tried again by itself");
    assert!(road.asked.lock().unwrap().is_empty());
    downloader.free = |_| Ok(65 << 20);
    assert!(matches!(downloader.run_once(&road, &offline).problem, Some(PackageError::Cut { .. })));
    downloader.free = |_| Err(io::ErrorKind::Unsupported.into());
    assert_eq!(downloader.run_once(&road, &offline).problem, None);
    assert_eq!((complete_version(&offline.0), road.asked.lock().unwrap()[1]), (NEWEST, (4, 100)));
    assert!(evertill::sync::download::free_bytes(folder.path()).unwrap() > 0);
}

#[test]
fn a_disk_that_fails_is_left_with_nothing_of_the_package() {
    let (headquarters, folder) = (Headquarters::new(), tempfile::tempdir().unwrap());
    let offline = Offline(folder.path().join("offline.db"));
    let downloader = headquarters.downloader(folder.path());
    // A folder where the database is to be unpacked.
    let in_the_way = folder.path().join("packages/4.db/x");
    std::fs::create_dir_all(&in_the_way).unwrap();
    let problem = downloader.run_once(&headquarters, &offline).problem;
    assert!(matches!(problem, Some(PackageError::Disk(_))), "{problem:?}");
    let left: Vec<_> = std::fs::read_dir(folder.path().join("packages")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["4.db"]);
    std::fs::remove_dir_all(in_the_way.parent().unwrap()).unwrap();
    assert_eq!((downloader.run_once(&headquarters, &offline).problem, complete_version(&offline.0)), (None, NEWEST));
}
