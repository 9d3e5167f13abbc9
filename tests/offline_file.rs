//! A register's offline database: packages come down to it in the background and into use between two sales, whatever goes wrong.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use evertill::channel::sqlite::master;
use evertill::channel::{Channel, ChannelError, Refusal, Result};
use evertill::clock::{Clock, VirtualClock};
use evertill::connection::Failure;
use evertill::desk::{Background, Reply};
use evertill::ids::RegisterId;
use evertill::master_data::{Changes, MasterData};
use evertill::package::{self, Kind, Manifest, Report, SCHEMA, SignedManifest, SigningKey, Source, Status};
use evertill::pin::PinKey;
use evertill::profile::OfflineProfile;
use evertill::register::{Keys, OfflineFile, Packages, SteeredFile};
use evertill::retail::register::{Configuration, Numbers, RegisterSetup};
use evertill::sample_store;
use evertill::till::{Activity, OfflineDatabase};
use tempfile::TempDir;

/// Bananas of the sample store.
const CODE: &str = "4011";

/// Headquarters and the road to it.
#[derive(Default)]
struct ScaleUnit {
    listed: Mutex<Vec<(SignedManifest, Vec<u8>)>>,
    reports: Mutex<Vec<Report>>,
    /// Whether nobody is there.
    away: Mutex<bool>,
    /// Whether headquarters has the register work online only.
    online_only: Mutex<bool>,
    /// Whether the next question meets a fault of this program.
    faulty: Mutex<bool>,
}

impl ScaleUnit {
    fn answers(&self) -> Result<()> {
        if *self.away.lock().unwrap() { Err(ChannelError::unreachable(Failure::Cut)) } else { Ok(()) }
    }
}

impl Source for ScaleUnit {
    fn manifests(&self, _: u64) -> Result<Vec<SignedManifest>> {
        self.answers()?;
        if *self.online_only.lock().unwrap() {
            return Err(ChannelError::refused(Refusal::Forbidden, ""));
        }
        assert!(!std::mem::take(&mut *self.faulty.lock().unwrap()), "a fault");
        Ok(self.listed.lock().unwrap().iter().map(|(manifest, _)| manifest.clone()).collect())
    }

    fn file(&self, id: u64, from: u64) -> Result<Box<dyn Read + Send>> {
        self.answers()?;
        let from = usize::try_from(from).unwrap();
        let number = usize::try_from(id).unwrap() - 1;
        Ok(Box::new(Cursor::new(self.listed.lock().unwrap()[number].1[from..].to_vec())))
    }
}

impl Packages for ScaleUnit {
    fn report(&self, report: &Report) -> Result<()> {
        self.answers()?;
        self.reports.lock().unwrap().push(report.clone());
        Ok(())
    }

    fn configuration(&self, register: &RegisterId) -> Result<Configuration> {
        self.answers()?;
        let setup = RegisterSetup {
            register: register.clone(),
            name: String::new(),
            support_offline: !*self.online_only.lock().unwrap(),
            offline_profile: None,
            layout: None,
            theme: None,
            lock_after_s: None,
            numbers: Numbers::default(),
        };
        Ok(Configuration { store: sample_store::master_data().store, setup: Some(setup) })
    }
}

/// A register's offline database, and what it takes to bring packages to it.
struct Shop {
    directory: TempDir,
    clock: Arc<VirtualClock>,
    scale_unit: Arc<ScaleUnit>,
    key: SigningKey,
    data: MasterData,
    file: OfflineFile,
    steered: SteeredFile,
    news: Receiver<Reply>,
}

impl Shop {
    fn new() -> Self {
        Self::with(&OfflineProfile::default())
    }

    fn with(profile: &OfflineProfile) -> Self {
        let directory = TempDir::new().unwrap();
        let clock = Arc::new(VirtualClock::at("2026-11-22T10:00:00Z".parse().unwrap()));
        let (scale_unit, key) = (Arc::new(ScaleUnit::default()), SigningKey::random());
        let (file, news) = open(directory.path(), &scale_unit, profile, &clock, &key);
        let mut data = sample_store::master_data();
        data.products.retain(|product| product.name.contains("BANANA") || product.barcode.ends_with('1'));
        data.codes.retain(|code| data.products.iter().any(|product| product.id == code.product));
        Self { directory, clock, scale_unit, key, data, steered: file.steered(), file, news }
    }

    /// The register is started again on the same files.
    fn restart(&mut self) {
        let (file, news) = open(self.directory.path(), &self.scale_unit, &OfflineProfile::default(), &self.clock, &self.key);
        (self.steered, self.file, self.news) = (file.steered(), file, news);
    }

    /// Headquarters makes a package of everything.
    fn full(&self, version: u64) {
        self.publish(version, 9999, Kind::Full, |to| master::write_full(to, &self.data, version));
    }

    /// Bananas get another price.
    fn reprice(&self, version: u64, price: &str) {
        let product = self.data.products.iter().find(|product| product.name.contains("BANANA")).unwrap();
        let changed = evertill::retail::product::Product { price: price.parse().unwrap(), ..product.clone() };
        let codes = self.data.codes.iter().filter(|code| code.product == changed.id).cloned().collect();
        let changes = Changes { products: vec![changed], codes, ..Changes::default() };
        self.publish(version, 1040, Kind::Delta { from_version: version - 1 }, |to| master::write_delta(to, &changes));
    }

    fn publish(&self, to_version: u64, job: u32, kind: Kind, write: impl FnOnce(&Path) -> Result<u64>) {
        let folder = TempDir::new().unwrap();
        let (database, packed) = (folder.path().join("package.db"), folder.path().join("package"));
        let rows = write(&database).unwrap();
        let made = package::pack(&database, &packed).unwrap();
        let id = self.scale_unit.listed.lock().unwrap().len() as u64 + 1;
        let manifest = Manifest {
            id,
            group: "343".to_owned(),
            job,
            kind,
            to_version,
            schema: SCHEMA,
            rows,
            bytes: made.bytes,
            unpacked_bytes: made.unpacked_bytes,
            digest: made.digest,
            made_at: self.clock.now(),
        };
        let file = std::fs::read(&packed).unwrap();
        self.scale_unit.listed.lock().unwrap().push((package::sign(&manifest, &self.key), file));
    }

    /// Signs the last package's manifest anew with something in it changed.
    fn change_last(&self, key: &SigningKey, change: impl FnOnce(&mut Manifest)) {
        let mut listed = self.scale_unit.listed.lock().unwrap();
        let (signed, _) = listed.last_mut().unwrap();
        let mut manifest = signed.open(&self.key.verifying_key()).unwrap();
        change(&mut manifest);
        *signed = package::sign(&manifest, key);
    }

    /// Looks for packages, and returns what the till hears of them.
    fn look(&self) -> Vec<Background> {
        self.look_and_hear().0
    }

    /// The same, and whether headquarters says that the register supports offline, if it says anything.
    fn look_and_hear(&self) -> (Vec<Background>, Option<bool>) {
        self.steered.fetch();
        self.wait();
        self.hear()
    }

    fn hear(&self) -> (Vec<Background>, Option<bool>) {
        let (mut news, mut support_offline) = (Vec::new(), None);
        for reply in self.news.try_iter() {
            match reply {
                Reply::Background(Background::Configuration(read)) => support_offline = Some(read.unwrap().setup.unwrap().support_offline),
                Reply::Background(item) => news.push(item),
                other @ (Reply::Answer(_) | Reply::HungUp) => panic!("{other:?}"),
            }
        }
        (news, support_offline)
    }

    fn wait(&self) {
        while !self.file.is_quiet() {
            std::thread::yield_now();
        }
    }

    /// Takes what has come into use.
    fn reopen(&mut self) -> Arc<dyn Channel> {
        assert!(self.steered.is_waiting());
        let database = self.steered.reopen().unwrap();
        self.wait();
        database
    }

    fn reports(&self) -> Vec<(u64, Status)> {
        std::mem::take(&mut *self.scale_unit.reports.lock().unwrap()).into_iter().map(|report| (report.package, report.status)).collect()
    }
}

fn open(
    directory: &Path,
    scale_unit: &Arc<ScaleUnit>,
    profile: &OfflineProfile,
    clock: &Arc<VirtualClock>,
    key: &SigningKey,
) -> (OfflineFile, Receiver<Reply>) {
    let (teller, news) = channel();
    let file = OfflineFile::new(directory.join("offline.db"), scale_unit.clone(), teller, clock.clone());
    file.configure(profile);
    let register = RegisterId { store: "343".to_owned(), number: 1 };
    file.set_keys(Some(Keys { register, headquarters: key.verifying_key(), pin: PinKey::random() }));
    (file, news)
}

fn price(database: &Arc<dyn Channel>) -> String {
    database.product_by_barcode(CODE).unwrap().unwrap().product.price.plain()
}

const READY: [Background; 1] = [Background::OfflineDatabaseReady];

#[test]
fn the_first_package_becomes_the_offline_database_and_deltas_change_it_between_sales() {
    let mut shop = Shop::new();
    assert!(shop.file.open_existing().is_none());
    shop.full(1);
    assert_eq!(shop.look(), READY);
    assert!(!shop.steered.is_open());
    let first = shop.reopen();
    let before = price(&first);
    assert_eq!((shop.reports(), shop.look(), shop.steered.is_waiting()), (vec![(1, Status::Applied)], vec![], false));

    shop.reprice(2, "9.99 USD");
    assert_eq!((shop.look(), shop.reports()), (READY.to_vec(), vec![(2, Status::Applied)]));
    assert_eq!(price(&first), before, "nothing changes in mid-sale");
    assert_eq!(shop.steered.status().version, Some(1));
    let second = shop.reopen();
    assert_eq!((price(&second).as_str(), price(&first)), ("9.99", before));

    let status = shop.steered.status();
    assert_eq!((status.version, status.pending, status.made_at), (Some(2), 0, Some(shop.clock.now())));
    assert_eq!(status.jobs.iter().map(|(job, status)| (*job, status.problem.clone())).collect::<Vec<_>>(), [(1040, None), (9999, None)]);
    assert_eq!(status.looked, Some((shop.clock.now(), None)));

    shop.restart();
    assert_eq!(price(&shop.file.open_existing().unwrap()), "9.99");
    assert_eq!((shop.steered.status().version, shop.steered.status().jobs.len()), (Some(2), 2), "the window remembers");
}

#[test]
fn a_whole_database_waits_for_the_end_of_the_sale_and_what_comes_after_it_waits_too() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    let first = shop.reopen();
    shop.full(2);
    assert_eq!(shop.look(), READY);
    shop.reprice(3, "3.33 USD");
    assert_eq!(shop.look(), [], "the sale goes on");
    assert_eq!(shop.reports(), [(1, Status::Applied)], "what waits is not in use yet");
    let second = shop.reopen();
    assert_eq!(price(&second), price(&first));
    assert_eq!(shop.hear().0, READY);
    assert_eq!(price(&shop.reopen()), "3.33");
    assert_eq!(shop.reports(), [(2, Status::Applied), (3, Status::Applied)]);
}

#[test]
fn what_is_refused_is_told_once_with_what_to_do_and_changes_nothing() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    shop.reopen();
    shop.reports();
    shop.reprice(2, "9.99 USD");
    shop.change_last(&SigningKey::random(), |_| ());
    let [Background::OfflineDatabaseFailed { why, hint }] = &shop.look()[..] else { panic!("the till hears of it") };
    assert!(why.contains("not signed by headquarters") && hint.contains("activate the device again"), "{why}: {hint}");
    assert_eq!((shop.look(), shop.steered.is_waiting()), (vec![], false), "once");
    let (_, problem) = shop.steered.status().looked.unwrap();
    assert_eq!(problem.unwrap().hint, *hint);
    assert_eq!(shop.reports(), [], "nobody knows which package that was");

    shop.scale_unit.listed.lock().unwrap().pop();
    shop.reprice(2, "9.99 USD");
    let key = shop.key.clone();
    shop.change_last(&key, |manifest| manifest.schema = SCHEMA + 1);
    assert!(matches!(shop.look()[..], [Background::OfflineDatabaseFailed { .. }]));
    assert_eq!(shop.reports(), [(2, Status::Failed)]);
    let status = shop.steered.status();
    assert!(status.jobs[&1040].problem.as_ref().is_some_and(|problem| problem.why.contains("schema")), "{status:?}");
    assert_eq!((status.version, status.pending), (Some(1), 1));

    shop.scale_unit.listed.lock().unwrap().pop();
    shop.reprice(2, "9.99 USD");
    assert_eq!((shop.look(), shop.reports()), (READY.to_vec(), vec![(2, Status::Applied)]));
    assert_eq!(price(&shop.reopen()), "9.99");
    assert_eq!(shop.steered.status().jobs[&1040].problem, None);
}

#[test]
fn a_broken_database_is_set_aside_or_replaced_and_fetched_whole_again() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    drop(shop.reopen());
    let path = shop.directory.path().join("offline.db");
    let whole = std::fs::read(&path).unwrap();

    std::fs::write(&path, b"nonsense").unwrap();
    shop.restart();
    assert!(shop.file.open_existing().is_none());
    assert!(shop.steered.status().remark.unwrap().contains("set aside as offline.broken-20261122T100000"));
    assert_eq!(shop.look(), READY);
    drop(shop.reopen());

    // All pages but the first: it opens, and is damaged further in.
    let mut damaged = whole.clone();
    let half = damaged.len() / 2;
    damaged[half..].fill(0x5a);
    std::fs::write(&path, damaged).unwrap();
    shop.restart();
    let reading = shop.file.open_existing().unwrap();
    assert_eq!(shop.look(), READY);
    assert!(shop.steered.status().remark.unwrap().contains("one was damaged and is replaced"));
    drop(reading);
    let database = shop.reopen();
    assert!(!price(&database).is_empty());
}

#[test]
fn a_newer_database_that_does_not_open_leaves_the_one_there_is_and_is_fetched_again() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    let first = shop.reopen();
    let before = price(&first);
    shop.full(2);
    shop.look();
    shop.reports();
    std::fs::write(master::waiting(&shop.directory.path().join("offline.db")), b"nonsense").unwrap();
    assert!(shop.steered.reopen().is_err());
    shop.wait();
    assert_eq!(price(&first), before, "whoever reads goes on");
    assert_eq!(shop.reports(), [(2, Status::Failed), (1, Status::Superseded)], "it begins anew");
    drop(first);
    assert_eq!(price(&shop.reopen()), before);
    assert_eq!((shop.reports(), shop.steered.status().version), (vec![(2, Status::Applied)], Some(2)));
}

/// Puts what fails like a bad disk in a file's place, and says where the file is meanwhile.
fn lose(path: &Path) -> PathBuf {
    let away = path.with_extension("away");
    std::fs::rename(path, &away).unwrap();
    std::os::unix::fs::symlink(path, path).unwrap();
    away
}

#[test]
fn a_newer_database_whose_disk_fails_for_a_moment_goes_on_waiting() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    drop(shop.reopen());
    shop.reprice(2, "9.99 USD");
    shop.look();
    let path = shop.directory.path().join("offline.db");
    let away = lose(&path);
    assert!(shop.steered.reopen().is_err_and(|problem| problem.hint.contains("it is tried again")));
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(price(&shop.reopen()), "9.99");
}

#[test]
fn a_database_whose_disk_fails_at_the_start_is_not_set_aside() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    drop(shop.reopen());
    shop.restart();
    let path = shop.directory.path().join("offline.db");
    let away = lose(&path);
    assert!(shop.file.open_existing().is_none());
    std::fs::rename(&away, &path).unwrap();
    assert!(!price(&shop.reopen()).is_empty());
}

#[test]
fn nothing_comes_while_offline_and_what_became_of_packages_is_told_later() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    *shop.scale_unit.away.lock().unwrap() = true;
    shop.reopen();
    assert_eq!(shop.look(), [], "the connection says what the road does");
    assert_eq!(shop.reports(), []);
    let (_, problem) = shop.steered.status().looked.unwrap();
    assert_eq!(problem.unwrap().why, "the connection was cut");

    shop.steered.went_offline();
    shop.restart();
    drop(shop.file.open_existing());
    shop.steered.went_offline();
    *shop.scale_unit.away.lock().unwrap() = false;
    shop.reprice(2, "9.99 USD");
    assert_eq!((shop.look(), shop.reports()), (vec![], vec![]), "offline");
    shop.steered.went_online();
    shop.wait();
    assert_eq!(shop.reports(), [(1, Status::Applied), (2, Status::Applied)]);
    assert_eq!(price(&shop.reopen()), "9.99");
}

#[test]
fn a_register_that_works_online_only_fetches_nothing_and_sets_aside_what_it_had() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    drop(shop.reopen());
    shop.restart();
    *shop.scale_unit.online_only.lock().unwrap() = true;
    shop.file.give_up();
    assert!(shop.file.open_existing().is_none());
    shop.reprice(2, "9.99 USD");
    assert_eq!(shop.look(), []);
    let status = shop.steered.status();
    assert_eq!((status.activity, status.version, status.jobs.len()), (Activity::OnlineOnly, None, 0));
    assert!(status.remark.unwrap().contains("set aside as offline.unused-20261122T100000"));
}

#[test]
fn paused_by_the_profile_nothing_is_fetched_but_the_end_of_the_pause() {
    let shop = Shop::with(&OfflineProfile { pause_downloads: true, ..OfflineProfile::default() });
    shop.full(1);
    assert_eq!((shop.look_and_hear(), shop.steered.status().activity), ((vec![], Some(true)), Activity::Paused));
    shop.steered.configure(&OfflineProfile::default());
    assert_eq!(shop.look(), READY);
}

#[test]
fn a_look_that_panics_has_failed_and_is_not_the_last() {
    let shop = Shop::new();
    shop.full(1);
    *shop.scale_unit.faulty.lock().unwrap() = true;
    assert_eq!(shop.look(), []);
    let (_, problem) = shop.steered.status().looked.unwrap();
    assert_eq!(problem.unwrap().why, "the program failed: a fault");
    assert_eq!((shop.look(), shop.steered.status().activity), (READY.to_vec(), Activity::Idle));
}

#[test]
fn a_running_register_hears_that_it_works_online_only_and_that_it_may_work_offline_again() {
    let mut shop = Shop::new();
    shop.full(1);
    shop.look();
    let database = shop.reopen();
    *shop.scale_unit.online_only.lock().unwrap() = true;
    shop.reprice(2, "9.99 USD");
    assert_eq!(shop.look_and_hear(), (vec![], Some(false)));
    assert!(shop.steered.is_open(), "until the till is between two sales");
    assert_eq!(shop.look_and_hear(), (vec![], Some(false)), "it is said again");
    shop.steered.give_up();
    shop.wait();
    drop(database);
    assert_eq!((shop.steered.is_open(), shop.steered.status().activity), (false, Activity::OnlineOnly));
    assert!(shop.directory.path().join("offline.unused-20261122T100000").exists() && !shop.directory.path().join("offline.db").exists());
    assert_eq!(shop.look_and_hear(), (vec![], Some(false)), "no package would tell it");
    *shop.scale_unit.online_only.lock().unwrap() = false;
    assert_eq!(shop.look_and_hear(), (vec![], Some(true)));
    assert!(!shop.directory.path().join("offline.db").exists());
    shop.steered.take_up(&OfflineProfile::default());
    assert_eq!(shop.look(), READY);
    drop(shop.reopen());
    shop.look();
    assert_eq!(price(&shop.reopen()), "9.99");
}

#[test]
fn what_waits_when_the_register_begins_to_work_online_only_never_comes_into_use() {
    let shop = Shop::new();
    shop.full(1);
    assert_eq!(shop.look(), READY);
    *shop.scale_unit.online_only.lock().unwrap() = true;
    shop.steered.give_up();
    shop.wait();
    assert!(!shop.steered.is_waiting() && !shop.steered.is_open());
    assert!(!master::waiting(&shop.directory.path().join("offline.db")).exists());
}
