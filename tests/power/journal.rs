//! What a register must not lose: its sales, shifts, events, the upload's bookkeeping, and the count of wrong PINs.

use std::path::Path;

use evertill::clock::Time;
use evertill::fiscal::{FiscalError, FiscalUnit};
use evertill::ids::{KeySource, OperatorId, RegisterId, ShiftId, TransactionId};
use evertill::journal::verify::verify;
use evertill::journal::{Entry, Journal, Outbox, Reader, Stamp};
use evertill::money::Quantity;
use evertill::retail::lockout::Attempts;
use evertill::retail::register::Numbers;
use evertill::retail::sale::{NewLine, Sale};
use evertill::retail::transaction::Event;
use evertill::secret::Secret;
use evertill::signature::{SigningKey, VerifyingKey};
use evertill::simulation::disk::{Disk, Fault, Loss, Syncs};
use tempfile::TempDir;

use super::bench::{Cut, Operation, Scenario, visits, words};
use super::fixture;

/// A register at work, and its uploader.
pub(crate) struct Register {
    journal: Journal,
    outbox: Outbox,
}

fn register() -> RegisterId {
    RegisterId { store: "343".to_owned(), number: 1 }
}

fn operator() -> OperatorId {
    "000160".into()
}

fn at(seconds: i64) -> Time {
    Time::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn stamp(seconds: i64) -> Stamp {
    Stamp { operator: operator(), shift: ShiftId { register: 1, number: 1 }, at: at(seconds), offline: false }
}

fn key(number: u64) -> TransactionId {
    KeySource::Seeded(number).next(at(0))
}

/// A sale of so many lines, paid or not.
fn sale(number: u64, lines: usize) -> Sale {
    let store = fixture::store();
    let mut sale = Sale::begin(key(number), register(), stamp(0).shift, operator(), at(0), &store);
    for product in fixture::shop().products.into_iter().cycle().take(lines) {
        let (barcode, price) = (product.barcode.clone(), product.price);
        let quantity = Quantity::parse("2").unwrap();
        sale.add(NewLine { product, barcode, quantity, price, price_embedded: false }, &store).unwrap();
    }
    sale
}

fn paid(mut sale: Sale) -> Sale {
    let cash = fixture::store().payment_methods.remove(0);
    let due = sale.totals().balance;
    sale.pay(&cash, cash.accept(due, due).unwrap()).unwrap();
    sale
}

fn open(folder: &Path) -> Result<Register, String> {
    open_with(folder, Signs(Some(SigningKey::from_secret(&Secret::new("07".repeat(32))).expect("a key"))))
}

fn open_with(folder: &Path, unit: Signs) -> Result<Register, String> {
    let journal = Journal::open_with(folder, &register(), Box::new(unit)).map_err(words)?;
    Ok(Register { journal, outbox: Outbox::open(folder).map_err(words)? })
}

/// A signing unit that gives the same signatures each time, or none.
struct Signs(Option<SigningKey>);

impl Signs {
    fn signing_key(&self) -> Result<&SigningKey, FiscalError> {
        self.0.as_ref().ok_or_else(|| FiscalError::Unreachable { why: "there is none".to_owned() })
    }
}

impl FiscalUnit for Signs {
    fn key(&mut self) -> Result<VerifyingKey, FiscalError> {
        Ok(self.signing_key()?.verifying_key())
    }

    fn sign(&mut self, link: &str) -> Result<String, FiscalError> {
        Ok(self.signing_key()?.sign(link))
    }
}

/// All that the next start finds.
fn state(folder: &Path) -> Result<String, String> {
    use std::fmt::Write;
    let Register { journal, .. } = open(folder)?;
    let reader = Reader::open(folder).map_err(words)?;
    let problems = verify(&reader).problems;
    if !problems.is_empty() {
        return Err(format!("the journal is not whole: {problems:?}"));
    }
    let mut state = String::new();
    let attempts = journal.attempts(&operator()).map_err(words)?;
    let (shift, unsent) = (journal.shift().map_err(words)?, journal.unsent().map_err(words)?);
    writeln!(state, "{attempts:?} {shift:?} {unsent:?}").unwrap();
    writeln!(state, "{}", serde_json::to_string(&journal.sale_in_hand().map_err(words)?).unwrap()).unwrap();
    let each = |entry: Entry| {
        // The hash stands for the text, which the verifier has compared.
        writeln!(state, "{} {} {:?}", entry.sequence, entry.hash, entry.progress).unwrap();
        Ok(())
    };
    reader.each(each).map_err(words)?;
    Ok(state)
}

/// A register in the middle of its day, its last changes in the log, as a kill leaves it.
fn in_the_middle_of_a_day() -> TempDir {
    in_the_middle_of_a_day_with(open)
}

fn in_the_middle_of_a_day_with(open: impl Fn(&Path) -> Result<Register, String>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let machine = Disk::install().unwrap().machine(folder.path()).unwrap();
    let mut register = open(folder.path()).unwrap();
    register.journal.open_shift(key(1), |shift| Stamp { shift, ..stamp(0) }).unwrap();
    for number in 2..=6 {
        register.journal.conclude(&paid(sale(number, 1)), &stamp(1)).unwrap();
    }
    register.outbox.sent(&[1, 2], at(2)).unwrap();
    machine.die_now();
    drop(register);
    machine.cut(Loss::All).unwrap();
    folder
}

fn operation(operation: impl Fn(&mut Register) -> evertill::journal::Result<()> + 'static) -> Operation<Register> {
    Box::new(move |register| operation(register).map_err(words))
}

fn keep(sale: Sale) -> Operation<Register> {
    operation(move |register| register.journal.keep(&sale))
}

/// Lines, a payment, and the sale concluded; then another begun and voided.
pub(crate) fn concluding_a_sale() -> Scenario<Register> {
    let (done, voided) = (paid(sale(100, 4)), sale(101, 1));
    let mut corrected = sale(100, 4);
    corrected.toggle_void(2).unwrap();
    corrected.toggle_void(2).unwrap();
    Scenario {
        name: "a sale",
        before: in_the_middle_of_a_day(),
        open,
        operations: vec![
            keep(sale(100, 1)),
            keep(sale(100, 3)),
            keep(corrected),
            keep(done.clone()),
            operation(move |register| register.journal.conclude(&done, &stamp(9)).map(drop)),
            keep(voided.clone()),
            operation(move |register| register.journal.void(&voided, &stamp(10)).map(drop)),
        ],
        state,
    }
}

fn shifts_and_events() -> Scenario<Register> {
    let note = |number, event: Event| operation(move |register| register.journal.note(key(number), event.clone(), &stamp(3)).map(drop));
    Scenario {
        name: "shifts and events",
        before: in_the_middle_of_a_day(),
        open,
        operations: vec![
            note(200, Event::LogOff),
            operation(|register| register.journal.open_shift(key(201), |shift| Stamp { shift, offline: true, ..stamp(4) }).map(drop)),
            note(202, Event::LogOn),
            note(203, Event::WentOffline { cause: "no answer".to_owned() }),
            operation(|register| register.journal.continue_from(Numbers { sequence: 500, receipt: 90, shift: 7 })),
            operation(|register| register.journal.open_shift(key(204), |shift| Stamp { shift, offline: true, ..stamp(5) }).map(drop)),
        ],
        state,
    }
}

fn uploads() -> Scenario<Register> {
    let next = paid(sale(300, 1));
    Scenario {
        name: "the upload's bookkeeping",
        before: in_the_middle_of_a_day(),
        open,
        operations: vec![
            operation(|register| register.outbox.failed(3, "the scale unit is restarted")),
            operation(|register| register.outbox.sent(&[3, 4], at(20))),
            operation(|register| register.outbox.set_aside(5, "its total is wrong", at(21))),
            operation(move |register| register.journal.conclude(&next, &stamp(22)).map(drop)),
            operation(|register| register.outbox.sent(&[6, 7], at(23))),
        ],
        state,
    }
}

fn purging() -> Scenario<Register> {
    let next = paid(sale(400, 1));
    Scenario {
        name: "a purge",
        before: in_the_middle_of_a_day(),
        open,
        operations: vec![
            operation(|register| register.outbox.purge(at(100)).map(drop)),
            operation(|register| register.outbox.sent(&[3, 4, 5], at(24))),
            operation(|register| register.journal.purge(at(100)).map(drop)),
            operation(move |register| register.journal.conclude(&next, &stamp(25)).map(drop)),
        ],
        state,
    }
}

fn first_start() -> Scenario<Register> {
    Scenario {
        name: "a first start",
        before: tempfile::tempdir().unwrap(),
        open,
        operations: vec![operation(|register| register.journal.open_shift(key(500), |shift| Stamp { shift, ..stamp(0) }).map(drop))],
        state,
    }
}

/// A journal of the first version of this program.
fn upgrade() -> Scenario<Register> {
    const BACK: &str = "DROP INDEX events; DROP TABLE activations; DROP TABLE attempts; ALTER TABLE shifts DROP COLUMN receipt_before;
        ALTER TABLE transactions DROP COLUMN signature; ALTER TABLE chain DROP COLUMN key;
        DELETE FROM refinery_schema_history WHERE version > 1";
    let before = in_the_middle_of_a_day_with(|folder| open_with(folder, Signs(None)));
    rusqlite::Connection::open(before.path().join("journal.db")).unwrap().execute_batch(BACK).unwrap();
    let operations = vec![operation(|register| register.journal.note(key(600), Event::LogOn, &stamp(3)).map(drop))];
    Scenario { name: "a journal of an older program", before, open, operations, state }
}

fn wrong_pins() -> Scenario<Register> {
    let wrong = |seconds| operation(move |register| register.journal.note_failure(&operator(), at(seconds)).map(drop));
    let mut operations: Vec<_> = (0..3).map(wrong).collect();
    operations.push(operation(|register| register.journal.set_attempts(&operator(), Attempts::default(), at(9))));
    operations.push(wrong(10));
    Scenario { name: "wrong PINs at a register", before: in_the_middle_of_a_day(), open, operations, state }
}

visits! {
    a_power_cut_at_any_step_of_a_sale, a_fault_at_any_step_of_a_sale: concluding_a_sale();
    a_power_cut_at_any_step_of_a_shift, a_fault_at_any_step_of_a_shift: shifts_and_events();
    a_power_cut_at_any_step_of_an_upload, a_fault_at_any_step_of_an_upload: uploads();
    a_power_cut_at_any_step_of_a_purge, a_fault_at_any_step_of_a_purge: purging();
    a_power_cut_at_any_step_of_a_first_start, a_fault_at_any_step_of_a_first_start: first_start();
    a_power_cut_at_any_step_of_an_upgrade, a_fault_at_any_step_of_an_upgrade: upgrade();
    a_power_cut_at_any_step_of_wrong_pins, a_fault_at_any_step_of_wrong_pins: wrong_pins();
}

/// Once more with each step torn in other ways, and with the process killed alone.
#[test]
fn a_cut_of_each_sort_at_any_step_of_a_sale() {
    const MORE: [Cut; 4] =
        [|_| Loss::None, |step| Loss::Torn(step + 1_000), |step| Loss::Torn(step + 2_000), |step| Loss::Torn(step + 3_000)];
    concluding_a_sale().visit_crash_points(Syncs::All, &MORE).expect_sound("a sale, cut in other ways");
}

#[test]
fn a_short_write_and_a_moment_without_room_at_any_step_of_a_sale() {
    concluding_a_sale().visit_faults(&[(Fault::Short, 1), (Fault::Full, 1)]).expect_sound("a sale, and a write cut short");
}

/// The words of the promise: concluded when `conclude` said so, in hand when it did not, never half.
#[test]
fn the_sale_is_concluded_or_in_hand() {
    let scenario = concluding_a_sale();
    let folder = tempfile::tempdir().unwrap();
    super::bench::copy(scenario.before.path(), folder.path());
    let mut register = open(folder.path()).unwrap();
    for (number, operation) in scenario.operations.iter().enumerate() {
        operation(&mut register).unwrap();
        let is_in_hand = register.journal.sale_in_hand().unwrap().is_some_and(|sale| sale.id == key(100));
        let is_concluded = register.journal.transaction(&key(100)).unwrap().is_some();
        assert_eq!((is_in_hand, is_concluded), (number < 4, number >= 4), "the states that are compared say which it is");
    }
}
