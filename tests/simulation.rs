//! The simulator itself: fixed seeds keep every promise, the same seed gives the same run, every operation of the table is driven, and what is
//! broken on purpose is found. `.ci/mutants` does the same with mistakes in the code.

use std::collections::{BTreeMap, BTreeSet};

use evertill::simulation::{Control, Kind, Report, Simulation, shorten};
use evertill::till::operations;

/// Seeds that once broke a promise: they run first.
const FAILED_ONCE: &str = include_str!("simulation/failed-once.txt");

/// What is broken where something that was synced is gone: sales, records that had arrived, receipt numbers.
const LOST: &[u8] = &[1, 2, 5];
/// And where a record is there twice.
const DOUBLED: &[u8] = &[2, 8];

fn simulation(seed: u64, sales: u64) -> Simulation {
    Simulation { seed, sales, registers: 3, faults: Kind::ALL.into(), only: None, control: None }
}

fn run(simulation: &Simulation) -> Report {
    simulation.run(&mut |_| ()).expect("the simulation runs")
}

#[test]
fn seeds_that_once_failed_keep_every_promise() {
    for line in FAILED_ONCE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap());
        let (seed, sales, registers): (u64, u64, u64) = (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap());
        let report = run(&Simulation { registers: registers.try_into().unwrap(), ..simulation(seed, sales) });
        assert!(report.violations.is_empty(), "{:#?}", report.violations);
    }
}

#[test]
fn fixed_seeds_keep_every_promise_and_drive_every_operation() {
    let (mut done, mut faults) = (BTreeMap::<u16, u64>::new(), BTreeMap::<&str, u64>::new());
    for seed in 1..=8 {
        let report = run(&simulation(seed, 150));
        assert!(report.violations.is_empty(), "{:#?}", report.violations);
        assert!(report.sales >= 150, "seed {seed} sold {}", report.sales);
        report.done.into_iter().for_each(|(number, count)| *done.entry(number).or_default() += count);
        report.faults.into_iter().for_each(|(kind, count)| *faults.entry(kind).or_default() += count);
    }
    // 708 is for a device whose shift has sold nothing, and 707 for one of which that is known while somebody works at it: both are rare.
    let not_driven: Vec<u16> = operations::TABLE
        .iter()
        .map(|row| row.number)
        .filter(|number| !done.contains_key(number) && ![707, 708].contains(number))
        .collect();
    assert!(not_driven.is_empty(), "no cashier of the simulation ever got these done: {not_driven:?}");
    for kind in [
        "register died",
        "scale unit died",
        "headquarters died",
        "reply lost after commit",
        "unsynced change lost",
        "disk full",
        "hang",
        "bad record",
        "offline support changed",
        "device deactivated",
        "machine replaced",
    ] {
        assert!(faults.contains_key(kind), "{kind} never happened: {faults:?}");
    }
}

#[test]
fn without_faults_none_is_told() {
    let report = run(&Simulation { faults: BTreeSet::new(), ..simulation(5, 50) });
    assert_eq!((report.faults, report.violations.len()), (BTreeMap::new(), 0));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let [one, other] = [(), ()].map(|()| {
        let mut log = Vec::new();
        let report = simulation(7, 60).run(&mut |line| log.push(line.to_owned())).unwrap();
        (report, log)
    });
    assert_eq!(one.0, other.0);
    assert!(one.1 == other.1, "the logs differ");
}

#[test]
fn what_is_broken_on_purpose_is_found() {
    for (control, kinds, promises) in [
        (Control::LyingDisk, &[Kind::Death, Kind::Power][..], LOST),
        (Control::JournalNormal, &[Kind::Death, Kind::Power], LOST),
        (Control::NoDeduplication, &[Kind::Network], DOUBLED),
    ] {
        let faults: BTreeSet<Kind> = kinds.iter().copied().collect();
        let broken = (1..=20).map(|seed| Simulation { faults: faults.clone(), control: Some(control), ..simulation(seed, 150) });
        let found = broken.map(|simulation| (run(&simulation), simulation)).find(|(report, _)| !report.violations.is_empty());
        let (report, simulation) = found.unwrap_or_else(|| panic!("{control:?} was not found"));
        let first = &report.violations[0];
        assert!(promises.contains(&first.invariant), "{control:?} breaks another promise: {first:#?}");
        let whole = run(&Simulation { control: None, ..simulation.clone() });
        assert!(whole.violations.is_empty(), "it is not {control:?} that was found: {:#?}", whole.violations);
        if control == Control::LyingDisk {
            let shortest = shorten(&simulation, &report, 12).unwrap();
            let only = shortest.simulation.only.clone().unwrap();
            assert!((only.len() as u64) < report.violations[0].step, "{} steps are no shorter history", only.len());
            assert_eq!(run(&shortest.simulation).violations[0], shortest.violation, "the shortest history shows the same again");
        }
    }
}
