//! What a scale unit must not lose once it has said that it has it: transactions, devices, sessions, wrong PINs, reports.

use std::path::Path;
use std::sync::LazyLock;

use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ChannelDatabase, Device, DeviceStatus, ErrorKind, Session, Upload};
use evertill::clock::Time;
use evertill::ids::{RegisterId, TransactionId};
use evertill::package::{Report, Status};
use evertill::retail::register::Numbers;
use evertill::retail::transaction::Transaction;
use evertill::simulation::disk::{Disk, Loss};

use tempfile::TempDir;

use super::bench::{Operation, Scenario, visits, words};
use super::fixture::{event, sale};

/// What may have been taken in.
static TAKEN_IN: LazyLock<Vec<TransactionId>> =
    LazyLock::new(|| (1..=6).flat_map(|number| [sale(1, number).id, event(1, number).id]).collect());

fn open(folder: &Path) -> Result<SqliteChannel, String> {
    SqliteChannel::open(&folder.join("channel.db")).map_err(words)
}

fn at(seconds: i64) -> Time {
    Time::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn register() -> RegisterId {
    RegisterId { store: "343".to_owned(), number: 1 }
}

fn upload(transaction: &Transaction) -> Upload {
    Upload { id: transaction.id, canonical: transaction.canonical() }
}

/// All that the next start finds.
fn state(folder: &Path) -> Result<String, String> {
    let channel = open(folder)?;
    channel.check().map_err(words)?;
    let mut taken_in = Vec::new();
    for id in TAKEN_IN.iter() {
        taken_in.push(channel.transaction(id).map_err(words)?);
    }
    let waiting = channel.waiting_for_headquarters(100).map_err(words)?;
    let devices = [channel.device("1").map_err(words)?, channel.device("2").map_err(words)?];
    let session = channel.session("3").map_err(words)?;
    let attempts = channel.attempts(&"000160".into()).map_err(words)?;
    let reports = channel.reports(100).map_err(words)?;
    let numbers = channel.highest_numbers(&register()).map_err(words)?;
    let waiting: Vec<_> = waiting.into_iter().map(|upload| upload.id).collect();
    let aside = set_aside_in(folder).map_err(words)?;
    Ok(format!("{taken_in:?}\n{waiting:?}\n{aside:?}\n{devices:?} {session:?} {attempts:?} {reports:?} {numbers:?}\n"))
}

/// What was set aside, key, content and reason; nobody can ask a scale unit for that.
fn set_aside_in(folder: &Path) -> rusqlite::Result<Vec<(String, String, String)>> {
    let database = rusqlite::Connection::open(folder.join("channel.db"))?;
    let mut kept = database.prepare("SELECT key, content, reason FROM set_aside ORDER BY key, content")?;
    kept.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

fn operation(operation: impl Fn(&SqliteChannel) -> evertill::channel::Result<()> + 'static) -> Operation<SqliteChannel> {
    Box::new(move |channel| operation(channel).map_err(words))
}

fn take_in(transaction: &Transaction) -> Operation<SqliteChannel> {
    let upload = upload(transaction);
    operation(move |channel| channel.record(&upload).map(drop))
}

/// Its answer is that it is refused.
fn set_aside(canonical: &str) -> Operation<SqliteChannel> {
    let upload = Upload { id: sale(1, 9).id, canonical: canonical.to_owned() };
    operation(move |channel| match channel.record(&upload) {
        Err(error) if matches!(error.kind, ErrorKind::Refused(_)) => Ok(()),
        answer => answer.map(drop),
    })
}

/// A scale unit at work, its last changes in the log, as a kill leaves it.
fn begun() -> TempDir {
    let before = tempfile::tempdir().unwrap();
    let machine = Disk::install().unwrap().machine(before.path()).unwrap();
    let channel = open(before.path()).unwrap();
    for number in 1..=3 {
        channel.record(&upload(&sale(1, number))).unwrap();
    }
    machine.die_now();
    drop(channel);
    machine.cut(Loss::All).unwrap();
    before
}

fn first_start() -> Scenario<SqliteChannel> {
    let before = tempfile::tempdir().unwrap();
    Scenario { name: "a scale unit's first start", before, open, operations: vec![take_in(&sale(1, 1))], state }
}

pub(crate) fn intake() -> Scenario<SqliteChannel> {
    let taken = [sale(1, 1).id, sale(1, 4).id];
    Scenario {
        name: "the scale unit's intake",
        before: begun(),
        open,
        operations: vec![
            take_in(&sale(1, 4)),
            take_in(&event(1, 5)),
            take_in(&sale(1, 4)),
            set_aside("{}"),
            operation(move |channel| channel.taken_by_headquarters(&taken)),
            take_in(&sale(1, 6)),
        ],
        state,
    }
}

fn registers() -> Scenario<SqliteChannel> {
    let device = |token: &str| {
        let device = Device {
            id: format!("device {token}"),
            register: register(),
            token_hash: token.to_owned(),
            status: DeviceStatus::Activated,
            numbers: Numbers::default(),
            handed_on: None,
        };
        operation(move |channel| channel.activate(&device).map(drop))
    };
    let session = Session { token_hash: "3".to_owned(), operator: "000160".into(), register: register(), expires_at: at(9) };
    let report = Report { package: 7, register: Some(register()), status: Status::Applied, reason: String::new(), at: at(8) };
    let wrong_pin = || operation(|channel| channel.note_failure(&"000160".into(), at(1)).map(drop));
    Scenario {
        name: "what a scale unit keeps of its registers",
        before: begun(),
        open,
        operations: vec![
            device("1"),
            device("2"),
            operation(move |channel| channel.open_session(&session)),
            wrong_pin(),
            wrong_pin(),
            operation(move |channel| channel.keep_report(&report)),
            operation(|channel| channel.forget_reports(&[1])),
            operation(|channel| channel.clear_attempts(&"000160".into())),
            operation(|channel| channel.close_session("3").map(drop)),
            operation(|channel| channel.deactivate(&register())),
        ],
        state,
    }
}

visits! {
    a_power_cut_at_any_step_of_a_scale_units_first_start, a_fault_at_any_step_of_a_scale_units_first_start: first_start();
    a_power_cut_at_any_step_of_the_intake, a_fault_at_any_step_of_the_intake: intake();
    a_power_cut_at_any_step_of_what_is_kept_of_registers, a_fault_at_any_step_of_what_is_kept_of_registers: registers();
}
