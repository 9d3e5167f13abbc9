//! A register's activation, whole: its files, real HTTP, the scale unit's channel database; headquarters alone is played.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "support/device.rs"]
#[allow(dead_code, reason = "each file of tests uses a part")]
mod device;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ChannelDatabase, ChannelError, Refusal, Result, Upload};
use evertill::clock::{Clock, SharedClock, SystemClock};
use evertill::desk::{Answer, Desk, Prompt, Purpose, Question, Reply};
use evertill::device::DeviceFile;
use evertill::ids::{KeySource, RegisterId, ShiftId};
use evertill::journal::verify::verify;
use evertill::journal::{Outbox, Reader};
use evertill::master_data::{MasterData, Record};
use evertill::package::Report;
use evertill::profile::Profile;
use evertill::realtime::{Activated, Activation, Headquarters, Taken};
use evertill::register::{OpenError, Options, Register};
use evertill::retail::gift_card::GiftCard;
use evertill::retail::register::{Numbers, RegisterSetup};
use evertill::retail::staff::Pin;
use evertill::retail::transaction::{Content, Event, Transaction};
use evertill::sample_store;
use evertill::scale_unit::ScaleUnit;
use evertill::secret::Secret;
use evertill::view::{Screen, View};
use tempfile::TempDir;

/// Gives registers out for codes, each good once.
#[derive(Default)]
struct Office {
    codes: Mutex<HashMap<String, (u32, Numbers)>>,
    released: Mutex<Vec<String>>,
    /// How long an activation takes.
    takes: Mutex<Duration>,
}

impl Headquarters for Office {
    fn activate(&self, activation: &Activation) -> Result<Activated> {
        let takes = *self.takes.lock().unwrap();
        SystemClock::default().sleep(takes);
        let code = self.codes.lock().unwrap().remove(activation.code.reveal());
        let (number, numbers) = code.ok_or_else(|| ChannelError::refused(Refusal::NotFound, "no such code"))?;
        Ok(Activated {
            register: RegisterId { store: "343".to_owned(), number },
            token: Secret::random(),
            pin_key: Secret::random(),
            headquarters_key: Secret::random().reveal().to_owned(),
            numbers,
        })
    }

    fn deactivate(&self, register: &RegisterId, _: &str) -> Result<()> {
        self.released.lock().unwrap().push(register.to_string());
        Ok(())
    }

    fn gift_card(&self, _: &str) -> Result<Option<GiftCard>> {
        Ok(None)
    }

    fn take(&self, _: &[Upload]) -> Result<Vec<Taken>> {
        Ok(Vec::new())
    }

    fn report(&self, _: &[Report]) -> Result<()> {
        Ok(())
    }
}

/// A store with its scale unit and headquarters.
struct Chain {
    folder: TempDir,
    office: Arc<Office>,
    channel: Arc<SqliteChannel>,
    unit: ScaleUnit,
}

impl Chain {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let channel = Arc::new(SqliteChannel::open(&folder.path().join("channel.db")).unwrap());
        channel.load(&sample_store::master_data()).unwrap();
        let office = Arc::new(Office::default());
        let clock: SharedClock = Arc::new(SystemClock::default());
        let mut options = device::options(channel.clone(), folder.path(), clock);
        options.headquarters = Some(office.clone());
        let unit = ScaleUnit::start(device::local(), options).unwrap();
        Self { folder, office, channel, unit }
    }

    fn code(&self, code: &str, number: u32, numbers: Numbers) {
        self.office.codes.lock().unwrap().insert(code.to_owned(), (number, numbers));
    }

    /// The scale unit knows this register, and so which numbers it gave last.
    fn configure(&self, register: &RegisterId) {
        let setup = RegisterSetup {
            register: register.clone(),
            name: "Register 1".to_owned(),
            support_offline: true,
            offline_profile: None,
            layout: None,
            theme: None,
            lock_after_s: None,
            numbers: Numbers::default(),
        };
        let record = Record { kind: "register".to_owned(), key: "1".to_owned(), content: serde_json::to_string(&setup).unwrap() };
        self.channel.load(&MasterData { records: vec![record], ..sample_store::master_data() }).unwrap();
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self, data: &Path, code: Option<&str>) -> Options {
        Options {
            profile: Profile::default(),
            data: data.to_owned(),
            scale_unit: format!("http://{}", self.unit.address()),
            clock: Arc::new(SystemClock::default()),
            keys: KeySource::System,
            sample_hint: None,
            activation_code: code.map(Secret::new),
            news: channel().0,
            wire: None,
        }
    }

    /// Opens a register and lets a cashier work at it; what was shown last.
    fn play(&self, data: &Path, code: Option<&str>, steps: &[&str]) -> std::result::Result<Seen, OpenError> {
        let mut desk = Cashier { steps: steps.iter().map(|step| (*step).to_owned()).collect(), seen: Seen::default(), answered: 0 };
        if let Some(mut register) = Register::open_at(&mut desk, self.options(data, code))? {
            register.till.run(&mut desk);
        }
        Ok(desk.seen)
    }
}

/// What a cashier saw last.
#[derive(Default)]
struct Seen {
    view: Option<Arc<View>>,
    prompt: Option<Prompt>,
}

impl Seen {
    fn screen(&self) -> Screen {
        self.view.as_ref().unwrap().screen
    }

    fn problem(&self) -> String {
        let Some(Prompt::Credentials(prompt)) = &self.prompt else { panic!("no credentials are asked for") };
        prompt.problem.clone().unwrap_or_default()
    }
}

/// Plays steps: `code …`, `sign …`, a number of an operation, anything else is scanned.
struct Cashier {
    steps: VecDeque<String>,
    seen: Seen,
    /// The last question that was answered: a screen takes none up to it for a new one.
    answered: u64,
}

impl Desk for Cashier {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        self.seen = Seen { view: Some(Arc::clone(view)), prompt: Some(question.prompt.clone()) };
        let Some(step) = self.steps.pop_front() else { return Reply::HungUp };
        assert!(question.serial > self.answered, "{step}: question {} was answered already", question.serial);
        self.answered = question.serial;
        let (word, rest) = step.split_once(' ').unwrap_or((&step, ""));
        Reply::Answer(match (word, &question.prompt) {
            ("code", Prompt::Credentials(prompt)) if matches!(prompt.purpose, Purpose::Activate { .. }) => {
                Answer::Credentials { operator: String::new(), pin: Pin::new(rest) }
            }
            ("sign", Prompt::Credentials(_)) => Answer::Credentials { operator: rest.to_owned(), pin: Pin::new("123") },
            ("yes", _) => Answer::Yes,
            (number @ ("206" | "701" | "707" | "708"), _) => Answer::Operation { number: number.parse().unwrap(), parameter: None },
            ("scan", Prompt::Command) => Answer::Entry(rest.to_owned()),
            (_, prompt) => panic!("{step} is no answer to {prompt:?}"),
        })
    }

    fn show(&mut self, _: &Arc<View>) {}
}

const SALE: [&str; 3] = ["sign 000160", "scan 2900008220111", "206"];

#[test]
fn a_device_becomes_the_register_that_its_code_names_and_stays_it() {
    let chain = Chain::open();
    let data = chain.data("register");
    chain.code("good", 2, Numbers::default());
    let seen = chain.play(&data, None, &["code bad"]).unwrap();
    assert_eq!(seen.screen(), Screen::Activation);
    assert!(seen.problem().contains("does not take this code"), "{}", seen.problem());
    let seen = chain.play(&data, None, &["code good", "sign 000160", "scan 2900008220111", "206"]).unwrap();
    assert_eq!(
        (seen.screen(), seen.view.as_ref().unwrap().change_due.as_ref().unwrap().receipt.as_str()),
        (Screen::Welcome, "343-2-000001")
    );
    let seen = chain.play(&data, Some("unused"), &["sign 000160"]).unwrap();
    assert_eq!((seen.screen(), seen.view.unwrap().header.register), (Screen::Welcome, 2), "a code is not used where none is needed");
    assert!(matches!(chain.play(&chain.data("other"), Some("good"), &[]), Err(OpenError::Activation(_))), "good once");
}

#[test]
fn another_devices_token_or_none_learns_nothing() {
    let chain = Chain::open();
    let (data, other) = (chain.data("register"), chain.data("other"));
    chain.code("one", 1, Numbers::default());
    chain.code("two", 2, Numbers::default());
    chain.play(&data, Some("one"), &[]).unwrap();
    chain.play(&other, Some("two"), &[]).unwrap();
    let file = DeviceFile::of(&other);
    let mut stolen = file.read().unwrap().unwrap();
    stolen.identity = DeviceFile::of(&data).read().unwrap().unwrap().identity;
    file.write(&stolen).unwrap();
    std::fs::remove_file(other.join("journal.db")).unwrap();
    let seen = chain.play(&other, None, &[]).unwrap();
    assert_eq!(seen.screen(), Screen::Activation);
}

#[test]
fn a_shops_registers_are_activated_at_once() {
    let chain = Chain::open();
    *chain.office.takes.lock().unwrap() = Duration::from_millis(50);
    let codes: Vec<String> = (1..=20).map(|number| format!("code {number}")).collect();
    for code in &codes {
        chain.code(code, 1, Numbers::default());
    }
    let opened = std::thread::scope(|scope| {
        let registers: Vec<_> = codes.iter().map(|code| scope.spawn(|| chain.play(&chain.data(code), Some(code), &[]))).collect();
        registers.into_iter().map(|register| register.join().unwrap().map(drop)).collect::<Vec<_>>()
    });
    assert!(opened.iter().all(|opened| matches!(opened, Ok(()))), "{opened:?}");
}

#[test]
fn a_register_whose_journal_is_gone_gives_no_receipt_twice() {
    let chain = Chain::open();
    chain.configure(&RegisterId { store: "343".to_owned(), number: 1 });
    let data = chain.data("register");
    chain.code("good", 1, Numbers::default());
    chain.play(&data, Some("good"), &[&SALE[..], &["scan 2900008220111", "206"]].concat()).unwrap();
    for waiting in Outbox::open(&data).unwrap().waiting(0, 100).unwrap() {
        chain.channel.record(&waiting.upload.unwrap()).unwrap();
    }
    std::fs::remove_file(data.join("journal.db")).unwrap();
    evertill::channel::sqlite::SqliteChannel::open(&data.join("offline.db")).unwrap();
    let away = Options { scale_unit: "http://127.0.0.1:1".to_owned(), ..chain.options(&data, None) };
    let refused = Register::open_at(&mut Cashier { steps: VecDeque::new(), seen: Seen::default(), answered: 0 }, away);
    assert!(matches!(refused, Err(OpenError::NoJournal { .. })));
    assert!(!data.join("journal.db").exists());
    let seen = chain.play(&data, None, &SALE).unwrap();
    assert_eq!(seen.view.unwrap().change_due.as_ref().unwrap().receipt, "343-1-000003");
}

#[test]
fn a_new_installation_goes_on_with_the_next_receipt() {
    let chain = Chain::open();
    chain.code("first", 1, Numbers::default());
    chain.play(&chain.data("old"), Some("first"), &[&SALE[..], &["scan 2900008220111", "206"]].concat()).unwrap();
    let sent = || chain.channel.highest_numbers(&RegisterId { store: "343".to_owned(), number: 1 }).unwrap();
    // The last uploads of the old machine may never have come: headquarters knows of as many by other ways.
    chain.code("second", 1, Numbers { sequence: 40, receipt: 17, shift: 3 });
    let data = chain.data("new");
    let seen = chain.play(&data, Some("second"), &SALE).unwrap();
    assert_eq!(seen.view.unwrap().change_due.as_ref().unwrap().receipt, "343-1-000018");
    assert!(sent().sequence <= 43);
    let reader = Reader::open(&data).unwrap();
    assert_eq!(verify(&reader).problems, Vec::<String>::new());
    let sequences: Vec<u64> = {
        let mut found = Vec::new();
        reader
            .each(|entry| {
                found.push(entry.sequence);
                Ok(())
            })
            .unwrap();
        found
    };
    assert_eq!(sequences, (41..41 + sequences.len() as u64).collect::<Vec<_>>());
}

#[test]
fn numbers_that_no_register_reaches_are_refused() {
    let chain = Chain::open();
    let data = chain.data("register");
    chain.code("absurd", 1, Numbers { sequence: i64::MAX.unsigned_abs(), receipt: 1, shift: 1 });
    let seen = chain.play(&data, None, &["code absurd"]).unwrap();
    assert!(seen.screen() == Screen::Activation && seen.problem().contains("which no register reaches"), "{}", seen.problem());
    assert_eq!(DeviceFile::of(&data).read().unwrap().unwrap().identity, None);
}

#[test]
fn a_code_for_another_register_is_given_back() {
    let chain = Chain::open();
    let data = chain.data("register");
    chain.code("one", 1, Numbers::default());
    chain.play(&data, Some("one"), &[]).unwrap();
    let file = DeviceFile::of(&data);
    let mut device = file.read().unwrap().unwrap();
    device.identity = None;
    file.write(&device).unwrap();
    chain.code("two", 2, Numbers::default());
    let seen = chain.play(&data, None, &["code two"]).unwrap();
    assert!(seen.problem().contains("the code is for register 343-2"), "{}", seen.problem());
    assert_eq!(*chain.office.released.lock().unwrap(), ["343-2"]);
    assert_eq!(file.read().unwrap().unwrap().identity, None);
}

#[test]
fn headquarters_can_deactivate_it_and_a_new_code_brings_it_back() {
    let chain = Chain::open();
    let data = chain.data("register");
    chain.code("one", 1, Numbers::default());
    chain.play(&data, Some("one"), &SALE).unwrap();
    chain.channel.deactivate(&RegisterId { store: "343".to_owned(), number: 1 }).unwrap();
    let seen = chain.play(&data, None, &[]).unwrap();
    assert_eq!(seen.screen(), Screen::Activation);
    let identity = DeviceFile::of(&data).read().unwrap().unwrap().identity.unwrap();
    assert!(identity.deactivated);
    chain.code("two", 1, Numbers::default());
    let seen = chain.play(&data, None, &["code two", "sign 000160", "scan 2900008220111"]).unwrap();
    assert!(seen.view.is_some_and(|view| view.sale.is_some()));
    chain.channel.deactivate(&RegisterId { store: "343".to_owned(), number: 1 }).unwrap();
    let seen = chain.play(&data, Some("two"), &[]).unwrap();
    assert_eq!(seen.screen(), Screen::Activation, "a code that is spent is no reason not to ask for another");
    chain.code("three", 1, Numbers::default());
    let seen = chain.play(&data, Some("three"), &["sign 000160"]).unwrap();
    assert_eq!(seen.screen(), Screen::Transaction, "one on the command line does as well");
}

#[test]
fn a_register_that_another_scale_unit_did_not_know_works_again() {
    let (chain, other) = (Chain::open(), Chain::open());
    let data = chain.data("register");
    chain.code("one", 1, Numbers::default());
    chain.play(&data, Some("one"), &SALE).unwrap();
    let seen = other.play(&data, None, &[]).unwrap();
    assert_eq!(seen.screen(), Screen::Activation, "another store's");
    let deactivated = || DeviceFile::of(&data).read().unwrap().unwrap().identity.unwrap().deactivated;
    assert!(deactivated());
    let seen = chain.play(&data, None, &["sign 000160", "scan 2900008220111"]).unwrap();
    assert!(seen.view.is_some_and(|view| view.sale.is_some()) && !deactivated());
}

#[test]
fn a_register_that_starts_again_goes_on_behind_what_has_come_meanwhile() {
    let chain = Chain::open();
    let register = RegisterId { store: "343".to_owned(), number: 1 };
    chain.configure(&register);
    chain.code("first", 1, Numbers::default());
    let data = chain.data("register");
    chain.play(&data, Some("first"), &SALE).unwrap();
    let recorded_at = "2026-11-22T10:00:00Z".parse().unwrap();
    let from_before = Transaction {
        id: KeySource::System.next(recorded_at),
        shift: ShiftId { register: 1, number: 30 },
        register,
        sequence: 700,
        receipt: None,
        operator: "000160".into(),
        recorded_at,
        offline: true,
        signing: None,
        content: Content::Event(Event::LogOn),
    };
    chain.channel.record(&Upload { id: from_before.id, canonical: from_before.canonical() }).unwrap();
    chain.play(&data, None, &SALE).unwrap();
    let (reader, mut sequences) = (Reader::open(&data).unwrap(), Vec::new());
    let mut note = |sequence| {
        sequences.push(sequence);
        Ok(())
    };
    reader.each(|entry| note(entry.sequence)).unwrap();
    assert!(sequences.first() == Some(&1) && sequences.contains(&701) && !sequences.contains(&700), "{sequences:?}");
    assert_eq!(verify(&reader).problems, Vec::<String>::new());
}
