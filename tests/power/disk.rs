//! The simulated disk itself: what it takes, what it leaves, and whose files it leaves alone.

use std::path::Path;

use evertill::simulation::disk::{Disk, Fault, Faults, Loss, Machine, Syncs};
use rusqlite::Connection;
use tempfile::TempDir;

fn machine() -> (TempDir, Machine) {
    let folder = tempfile::tempdir().unwrap();
    let machine = Disk::install().unwrap().machine(folder.path()).unwrap();
    (folder, machine)
}

fn open(folder: &Path, synchronous: &str) -> Connection {
    let database = Connection::open(folder.join("a.db")).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.pragma_update(None, "synchronous", synchronous).unwrap();
    database.execute_batch("CREATE TABLE IF NOT EXISTS t (x INTEGER PRIMARY KEY, y)").unwrap();
    database
}

fn insert(database: &Connection) -> rusqlite::Result<usize> {
    database.execute("INSERT INTO t (y) VALUES (randomblob(3000))", ())
}

fn count(folder: &Path) -> i64 {
    let database = open(folder, "full");
    let sound: String = database.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    database.query_row("SELECT count(*) FROM t", (), |row| row.get(0)).unwrap()
}

#[test]
fn what_was_synced_survives_and_what_was_not_is_lost() {
    for (synchronous, loss, expected) in
        [("full", Loss::All, 5), ("full", Loss::Torn(1), 5), ("normal", Loss::All, 0), ("normal", Loss::None, 5), ("off", Loss::None, 5)]
    {
        let (folder, machine) = machine();
        drop(open(folder.path(), "full"));
        let database = open(folder.path(), synchronous);
        (0..5).for_each(|_| assert!(insert(&database).is_ok()));
        machine.die_now();
        drop(database);
        machine.cut(loss).unwrap();
        machine.revive();
        assert_eq!(count(folder.path()), expected, "{synchronous}, {loss:?}");
    }
}

#[test]
fn a_torn_cut_leaves_more_than_nothing_and_less_than_all_and_the_same_for_the_same_seed() {
    let log = |loss| {
        let (folder, machine) = machine();
        drop(open(folder.path(), "full"));
        let database = open(folder.path(), "normal");
        (0..20).for_each(|_| assert!(insert(&database).is_ok()));
        machine.die_now();
        drop(database);
        let before = std::fs::read(folder.path().join("a.db-wal")).unwrap();
        machine.cut(loss).unwrap();
        // The log's salt is the system's randomness: what is compared is which bytes survived.
        let after = std::fs::read(folder.path().join("a.db-wal")).unwrap();
        let survived: Vec<usize> = (0..after.len() / 512).filter(|at| after[at * 512..][..512] == before[at * 512..][..512]).collect();
        (before.len() / 512, survived)
    };
    let (sectors, torn) = log(Loss::Torn(7));
    assert!(!torn.is_empty() && torn.len() < sectors, "{} of {sectors}", torn.len());
    assert_eq!((sectors, torn.clone()), log(Loss::Torn(7)));
    assert_ne!((sectors, torn), log(Loss::Torn(8)));
}

#[test]
fn after_its_death_nothing_reaches_a_disk() {
    let (folder, machine) = machine();
    let database = open(folder.path(), "full");
    insert(&database).unwrap();
    let next = machine.steps();
    machine.die_at(next + 1);
    assert!(insert(&database).is_err() && machine.is_dead());
    let files = || ["a.db", "a.db-wal"].map(|name| std::fs::read(folder.path().join(name)).unwrap());
    let before = files();
    assert!(insert(&database).is_err() && database.query_row("SELECT count(*) FROM t", (), |row| row.get::<_, i64>(0)).is_err());
    assert!(Connection::open(folder.path().join("b.db")).and_then(|other| other.execute_batch("CREATE TABLE t (x)")).is_err());
    assert!(machine.cut(Loss::All).is_err(), "a database is still open");
    drop(database);
    assert_eq!((files(), machine.steps()), (before, next + 2));
    assert!(!folder.path().join("b.db").exists());
    machine.cut(Loss::All).unwrap();
    machine.revive();
    assert_eq!((count(folder.path()), machine.faults().deaths), (1, 1));
}

#[test]
fn a_fault_is_over_after_its_steps() {
    for (fault, code, counted) in [
        (Fault::Full, rusqlite::ErrorCode::DiskFull, Faults { full: 1, ..Faults::default() }),
        (Fault::Io, rusqlite::ErrorCode::SystemIoFailure, Faults { io: 1, ..Faults::default() }),
        (Fault::Short, rusqlite::ErrorCode::DiskFull, Faults { short: 1, ..Faults::default() }),
    ] {
        let (folder, machine) = machine();
        let database = open(folder.path(), "full");
        machine.fail_at(machine.steps(), fault, 1);
        assert_eq!(insert(&database).unwrap_err().sqlite_error_code(), Some(code), "{fault:?}");
        assert_eq!(machine.faults(), counted);
        insert(&database).unwrap();
        drop(database);
        assert_eq!(count(folder.path()), 1);
    }
}

#[test]
fn a_file_is_known_by_another_name_and_a_new_one_of_its_name_is_another() {
    let (folder, machine) = machine();
    machine.keep_syncs(Syncs::None);
    let (old, new) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let database = Connection::open(&old).unwrap();
    database.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(database);
    std::fs::rename(&old, &new).unwrap();
    std::fs::write(&old, "anything").unwrap();
    machine.cut(Loss::All).unwrap();
    assert_eq!((std::fs::read(&old).unwrap().len(), std::fs::read(&new).unwrap().len()), (8, 0));
}

#[test]
fn the_innermost_folder_is_the_machine_and_files_elsewhere_are_left_alone() {
    let (folder, outer) = machine();
    let inner = Disk::install().unwrap().machine(&folder.path().join("inner")).unwrap();
    drop(open(&folder.path().join("inner"), "full"));
    assert!(outer.steps() == 0 && inner.steps() > 0);
    let steps = inner.steps();
    inner.die_now();
    drop(inner);
    drop(open(&folder.path().join("inner"), "normal"));
    assert!(outer.steps() > 0, "it is a part of the outer one: {steps}");
    let elsewhere = tempfile::tempdir().unwrap();
    let steps = outer.steps();
    drop(open(elsewhere.path(), "full"));
    assert_eq!(outer.steps(), steps);
}
