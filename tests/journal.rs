//! `evertill journal`, by the executable: what it tells of a journal that is whole, of one with rows that cannot be read, and of its keys.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;
use std::process::Command;

use evertill::clock::Time;
use evertill::fiscal::{FiscalUnit, SoftwareUnit};
use evertill::ids::{KeySource, RegisterId, ShiftId};
use evertill::journal::{Journal, Stamp};
use evertill::retail::transaction::Event;

/// A shift that was opened, and three events: sequences 1 to 4. Returns the last one's key.
fn recorded(data: &Path) -> String {
    let register = RegisterId { store: "343".to_owned(), number: 1 };
    let mut journal = Journal::open(data, &register).unwrap();
    let mut keys = KeySource::Seeded(343);
    let at = Time::UNIX_EPOCH;
    let stamp = |shift: ShiftId| Stamp { operator: "000160".into(), shift, at, offline: false };
    let stamp = stamp(journal.open_shift(keys.next(at), stamp).unwrap().id);
    let events = [Event::LogOn, Event::Locked, Event::Unlocked].map(|event| journal.note(keys.next(at), event, &stamp).unwrap());
    events[2].id.to_string()
}

/// Exit status, standard output, standard error.
fn journal(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_evertill")).arg("journal").args(arguments).arg("--data").arg(data).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (run.status.code().unwrap(), text(run.stdout), text(run.stderr))
}

#[test]
fn a_row_that_cannot_be_read_keeps_no_other_from_being_shown() {
    let folder = tempfile::tempdir().unwrap();
    let last = recorded(folder.path());
    let damage = "UPDATE transactions SET canonical = CAST(x'FF' AS TEXT) WHERE sequence = 2;
        UPDATE transactions SET canonical = '{}' WHERE sequence = 3";
    rusqlite::Connection::open(folder.path().join("journal.db")).unwrap().execute_batch(damage).unwrap();

    let (status, out, error) = journal(folder.path(), &["list"]);
    let sequences: Vec<&str> = out.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!((status, sequences), (1, vec!["1", "4"]), "{out}{error}");
    assert!(error.contains("sequence 2 cannot be read") && error.contains("sequence 3 cannot be read"), "{error}");

    let (status, out, error) = journal(folder.path(), &["show", &last]);
    assert_eq!(status, 0, "{error}");
    assert!(out.contains("\"event\": \"unlocked\"") && out.contains("\nsignature "), "{out}");
    let (status, _, error) = journal(folder.path(), &["show", "nothing"]);
    assert!(status == 1 && error.contains("sequence 2 cannot be read"), "{error}");
    let (status, out, error) = journal(folder.path(), &["export"]);
    assert_eq!((status, out.lines().count()), (1, 3), "{error}");
    assert!(error.contains("sequence 2 cannot be read"), "{error}");
}

#[test]
fn verify_tells_whose_key_signed_and_takes_the_one_that_headquarters_knows() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    recorded(folder.path());
    let key = |data: &Path| SoftwareUnit::of(data).key().unwrap().to_string();
    let (right, wrong) = (key(folder.path()), key(other.path()));

    let (status, out, _) = journal(folder.path(), &["verify"]);
    assert_eq!((status, out), (0, format!("4 transactions, the chain is whole\nsequence 1: signed from here on with key {right}\n")));
    assert_eq!(journal(folder.path(), &["verify", "--key", &right]).0, 0);
    let (status, _, error) = journal(folder.path(), &["verify", "--key", &wrong]);
    assert_eq!((status, error.matches("it is signed with a key that nobody knows").count()), (1, 4), "{error}");
    assert_eq!(journal(folder.path(), &["verify", "--key", "none"]).0, 2);
}
