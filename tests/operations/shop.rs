//! A register at which nothing but the cashier and the road is played: its till, journal and databases are real.

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use chrono::{DateTime, TimeDelta};
use evertill::channel::{Channel, ChannelError, Refusal};
use evertill::clock::{Clock, VirtualClock};
use evertill::desk::{Prompt, Question};
use evertill::fiscal::{FiscalError, FiscalUnit, SoftwareUnit};
use evertill::ids::{KeySource, RegisterId};
use evertill::journal::verify::verify;
use evertill::journal::{Journal, Outbox, Reader};
use evertill::profile::{OfflineProfile, Profile};
use evertill::retail::register::Numbers;
use evertill::retail::sale::Sale;
use evertill::retail::store::Store;
use evertill::retail::transaction::{Content, Event, Transaction};
use evertill::secret::Secret;
use evertill::signature::VerifyingKey;
use evertill::sync::upload::UploadStatus;
use evertill::till::{Activation, ActivationError, DownloadStatus, OfflineDatabase, Problem, Setup, Sources, Standing, Till, Uploads};
use evertill::view::View;
use tempfile::TempDir;

use super::goods;
use super::picture::picture;
use super::road::Road;
use super::script::ScriptDesk;

/// A register, and what a test wants to know of it.
pub(super) struct Shop {
    pub(super) directory: TempDir,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) road: Arc<Road>,
    /// What the offline database does to a request.
    pub(super) offline: Arc<Road>,
    pub(super) store: Store,
    pub(super) profile: Profile,
    pub(super) uploads: Arc<Mutex<UploadsState>>,
    pub(super) database: Arc<Mutex<DatabaseState>>,
    pub(super) device: Arc<Mutex<DeviceState>>,
    /// Why the fiscal unit does not sign, when it does not.
    pub(super) signing: Arc<Mutex<Option<&'static str>>>,
    /// Everything that was asked, in order.
    pub(super) asked: Vec<Question>,
    /// Whether headquarters has its *Support offline* at no.
    pub(super) online_only: bool,
    seed: u64,
    till: Option<Till>,
}

/// What the till told the uploads.
#[derive(Default)]
pub(super) struct UploadsState {
    pub(super) online: Vec<bool>,
    pub(super) woken: u32,
    pub(super) status: UploadStatus,
}

/// The offline database as the till finds it.
pub(super) struct DatabaseState {
    pub(super) open: bool,
    pub(super) waiting: bool,
    pub(super) fetches: u32,
    pub(super) swaps: u32,
    pub(super) online: Vec<bool>,
    /// Why the next one does not open.
    pub(super) broken: Option<&'static str>,
    pub(super) status: DownloadStatus,
    /// What headquarters last made of the profile.
    pub(super) profile: Option<OfflineProfile>,
    pub(super) given_up: bool,
}

impl Default for DatabaseState {
    fn default() -> Self {
        let status = DownloadStatus { version: Some(7), ..DownloadStatus::default() };
        Self { open: true, waiting: false, fetches: 0, swaps: 0, online: Vec::new(), broken: None, status, profile: None, given_up: false }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.road.release();
    }
}

/// The device as headquarters has it.
pub(super) struct DeviceState {
    pub(super) standing: Standing,
    /// Given at the next activation.
    pub(super) numbers: Numbers,
    /// What headquarters says instead.
    pub(super) refusal: Option<ActivationError>,
}

impl Shop {
    /// A register nobody has signed in at, with an offline database.
    pub(super) fn closed() -> Self {
        Self::with(|_, _| {})
    }

    /// Cashier 000160 has signed in.
    pub(super) fn open() -> Self {
        let mut shop = Self::closed();
        shop.play("sign 000160");
        shop
    }

    /// A register of another store or profile; nobody has signed in.
    pub(super) fn with(change: impl FnOnce(&mut Store, &mut Profile)) -> Self {
        let (mut store, mut profile) = (goods::master_data().store, Profile::default());
        change(&mut store, &mut profile);
        let clock = Arc::new(VirtualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)));
        let mut shop = Self {
            directory: new_directory(),
            road: Road::new(Arc::clone(&clock)),
            offline: Road::new(Arc::clone(&clock)),
            clock,
            store,
            profile,
            uploads: Arc::default(),
            database: Arc::default(),
            device: Arc::new(Mutex::new(DeviceState { standing: Standing::Activated, numbers: Numbers::default(), refusal: None })),
            signing: Arc::default(),
            asked: Vec::new(),
            online_only: false,
            seed: 343,
            till: None,
        };
        for road in [&shop.road, &shop.offline] {
            *road.store.lock().unwrap() = Some(shop.store.clone());
        }
        shop.start();
        shop
    }

    /// Starts the register on what its directory holds.
    pub(super) fn start(&mut self) {
        self.seed += 1;
        let clock: Arc<dyn Clock> = self.clock.clone();
        let online: Arc<dyn Channel> = self.road.clone();
        let offline = self.database.lock().unwrap().open.then(|| self.offline.clone() as Arc<dyn Channel>);
        let mut sources = Sources::new(register(), online, offline, &self.profile.offline, clock.clone());
        if self.online_only {
            sources.work_online_only();
        }
        let unit = FakeUnit { why_not: Arc::clone(&self.signing), own: SoftwareUnit::of(self.directory.path()) };
        self.till = None;
        self.till = Some(
            Till::open(Setup {
                last_serial: 0,
                store: self.store.clone(),
                register: register(),
                own_profile: self.profile.clone(),
                profile: self.profile.clone(),
                clock,
                keys: KeySource::Seeded(self.seed),
                journal: Journal::open_with(self.directory.path(), &register(), Box::new(unit)).unwrap(),
                sources,
                uploads: Box::new(FakeUploads(Arc::clone(&self.uploads))),
                offline_database: Box::new(FakeDatabase { state: Arc::clone(&self.database), road: Arc::clone(&self.offline) }),
                news: Arc::new(|_| ()),
                activation: Box::new(FakeDevice(Arc::clone(&self.device))),
                look: None,
                sample_hint: None,
            })
            .unwrap(),
        );
    }

    /// The register dies without a word, and is started on what its disk held at that moment.
    pub(super) fn kill(&mut self) {
        let survived = as_killed(self.directory.path());
        self.till = None;
        self.directory = survived;
        self.start();
    }

    /// Plays the steps and returns the picture on the screen after the last.
    pub(super) fn play(&mut self, script: &str) -> String {
        self.watch(script, |_, _| {})
    }

    /// As [`Shop::play`], and lets the test look at every picture before it is answered.
    pub(super) fn watch(&mut self, script: &str, mut look: impl FnMut(&View, &Question) + Send) -> String {
        let (view, prompt) = self.see(script, &mut look);
        picture(&view, &prompt)
    }

    /// As [`Shop::play`], with the view itself.
    pub(super) fn view(&mut self, script: &str) -> (Arc<View>, Prompt) {
        self.see(script, &mut |_, _| {})
    }

    fn see(&mut self, script: &str, look: &mut (dyn FnMut(&View, &Question) + Send)) -> (Arc<View>, Prompt) {
        let mut last = None;
        for (life, script) in script.split("; kill").enumerate() {
            if life > 0 {
                self.kill();
            }
            let steps = script.split(';').map(str::trim_start).filter(|step| !step.is_empty()).map(str::to_owned).collect();
            let (directory, clock) = (self.directory.path().to_owned(), Arc::clone(&self.clock));
            let mut desk = ScriptDesk {
                steps,
                clock: &self.clock,
                road: &self.road,
                send: &move || send_all(&directory, &clock),
                look: &mut *look,
                asked: Vec::new(),
                last: None,
            };
            self.till.as_mut().unwrap().run(&mut desk);
            last = desk.last;
            self.asked.append(&mut desk.asked);
        }
        last.expect("the till asks until the desk has had enough")
    }

    /// Runs the till at another desk.
    pub(super) fn till(&mut self) -> &mut Till {
        self.till.as_mut().unwrap()
    }

    /// All records of the journal, oldest first.
    pub(super) fn records(&self) -> Vec<Transaction> {
        let mut records = Vec::new();
        let reader = Reader::open(self.directory.path()).unwrap();
        reader
            .each(|entry| {
                records.push(entry.transaction()?);
                Ok(())
            })
            .unwrap();
        records
    }

    /// The sales of the journal, concluded and voided.
    pub(super) fn sales(&self) -> Vec<Transaction> {
        self.records().into_iter().filter(Transaction::is_sale).collect()
    }

    /// The audit trail.
    pub(super) fn events(&self) -> Vec<Event> {
        let events = self.records().into_iter().filter_map(|record| match record.content {
            Content::Event(event) => Some(event),
            Content::Sale(_) | Content::VoidedSale(_) => None,
        });
        events.collect()
    }

    /// Fails when the journal's verifier, or a scale unit, would find anything wrong with any record.
    #[track_caller]
    pub(super) fn verify(&self) {
        assert_eq!(verify(&Reader::open(self.directory.path()).unwrap()).problems, Vec::<String>::new());
        for record in self.records() {
            assert_eq!(record.verify(), Ok(()), "{record:?}");
        }
    }
}

/// Plays each row at a register of its own where cashier 000160 has signed in, and compares what he sees then.
#[track_caller]
pub(super) fn shows(rows: &[(&str, &str)]) {
    shows_at(Shop::open, rows);
}

/// As [`shows`], at registers made by `open`.
#[track_caller]
pub(super) fn shows_at(open: impl Fn() -> Shop, rows: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (script, expected) in rows {
        let mut shop = open();
        let seen = shop.play(script);
        shop.verify();
        if seen != *expected {
            wrong.push(format!("{script:?}\n    shows {seen:?}\n not {expected:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.concat());
}

/// What a killed register leaves on its disk.
pub(super) fn as_killed(directory: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for name in ["journal.db", "journal.db-wal", "journal.key"] {
        let file = directory.join(name);
        if file.exists() {
            std::fs::copy(file, copy.path().join(name)).unwrap();
        }
    }
    copy
}

/// The sale in hand as a register that is started again would find it.
pub(super) fn in_hand(directory: &Path) -> Option<Sale> {
    Reader::open(directory).unwrap().sale_in_hand().unwrap()
}

/// A directory with an empty journal; making one anew for every test would take most of their time.
fn new_directory() -> TempDir {
    static EMPTY: LazyLock<TempDir> = LazyLock::new(|| {
        let directory = TempDir::new().unwrap();
        drop(Journal::open(directory.path(), &register()).unwrap());
        directory
    });
    as_killed(EMPTY.path())
}

pub(super) fn register() -> RegisterId {
    RegisterId { store: "343".to_owned(), number: 1 }
}

fn send_all(directory: &Path, clock: &VirtualClock) {
    let mut outbox = Outbox::open(directory).unwrap();
    let waiting: Vec<u64> = outbox.waiting(0, 1_000).unwrap().into_iter().map(|waiting| waiting.sequence).collect();
    outbox.sent(&waiting, clock.now()).unwrap();
}

struct FakeUploads(Arc<Mutex<UploadsState>>);

impl Uploads for FakeUploads {
    fn wake(&self) {
        self.0.lock().unwrap().woken += 1;
    }

    fn went_online(&self) {
        self.0.lock().unwrap().online.push(true);
    }

    fn went_offline(&self) {
        self.0.lock().unwrap().online.push(false);
    }

    fn status(&self) -> UploadStatus {
        self.0.lock().unwrap().status.clone()
    }
}

struct FakeDatabase {
    state: Arc<Mutex<DatabaseState>>,
    road: Arc<Road>,
}

impl OfflineDatabase for FakeDatabase {
    fn fetch(&self) {
        self.state.lock().unwrap().fetches += 1;
    }

    fn is_open(&self) -> bool {
        self.state.lock().unwrap().open
    }

    fn is_waiting(&self) -> bool {
        self.state.lock().unwrap().waiting
    }

    fn went_online(&self) {
        self.state.lock().unwrap().online.push(true);
    }

    fn went_offline(&self) {
        self.state.lock().unwrap().online.push(false);
    }

    fn reopen(&mut self) -> Result<Arc<dyn Channel>, Problem> {
        let mut state = self.state.lock().unwrap();
        state.waiting = false;
        if let Some(why) = state.broken {
            return Err(Problem { why: why.to_owned(), hint: "it is fetched again".to_owned() });
        }
        state.open = true;
        state.swaps += 1;
        Ok(self.road.clone())
    }

    fn configure(&self, profile: &OfflineProfile) {
        self.state.lock().unwrap().profile = Some(profile.clone());
    }

    fn give_up(&self) {
        self.state.lock().unwrap().given_up = true;
    }

    fn take_up(&self, _: &OfflineProfile) {
        self.state.lock().unwrap().given_up = false;
    }

    fn status(&self) -> DownloadStatus {
        self.state.lock().unwrap().status.clone()
    }
}

impl Shop {
    /// From now on nothing can leave the journal.
    pub(super) fn break_purging(&self) {
        self.tamper("CREATE TRIGGER broken BEFORE DELETE ON transactions BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END");
    }

    /// Changes the journal behind the register's back.
    pub(super) fn tamper(&self, sql: &str) {
        let database = rusqlite::Connection::open(self.directory.path().join("journal.db")).unwrap();
        database.execute_batch(sql).unwrap();
    }
}

/// Signs with the register's own key, unless it is told not to.
struct FakeUnit {
    why_not: Arc<Mutex<Option<&'static str>>>,
    own: SoftwareUnit,
}

impl FiscalUnit for FakeUnit {
    fn key(&mut self) -> Result<VerifyingKey, FiscalError> {
        self.own.key()
    }

    fn sign(&mut self, link: &str) -> Result<String, FiscalError> {
        match *self.why_not.lock().unwrap() {
            Some(why) => Err(FiscalError::Unreachable { why: why.to_owned() }),
            None => self.own.sign(link),
        }
    }
}

/// Takes the code `good` alone.
struct FakeDevice(Arc<Mutex<DeviceState>>);

impl Activation for FakeDevice {
    fn device(&self) -> &'static str {
        "till-1"
    }

    fn standing(&self) -> Standing {
        self.0.lock().unwrap().standing
    }

    fn activate(&mut self, code: &Secret) -> Result<Numbers, ActivationError> {
        let mut state = self.0.lock().unwrap();
        match &state.refusal {
            Some(error) => return Err(error.clone()),
            None if code.reveal() != "good" => return Err(ChannelError::refused(Refusal::NotFound, "").into()),
            None => {}
        }
        state.standing = Standing::Activated;
        Ok(state.numbers)
    }

    fn release(&mut self) -> Result<(), ActivationError> {
        let mut state = self.0.lock().unwrap();
        if let Some(error) = &state.refusal {
            return Err(error.clone());
        }
        state.standing = Standing::Unknown;
        Ok(())
    }

    fn was_deactivated(&mut self) {
        self.0.lock().unwrap().standing = Standing::Deactivated;
    }

    fn was_accepted(&mut self) {
        self.0.lock().unwrap().standing = Standing::Activated;
    }
}
