//! The bench: an operation, step by step, on a disk that fails in each of its steps in turn.

use std::fs;
use std::path::Path;

use evertill::simulation::disk::{Disk, Fault, Faults, Loss, Machine, Syncs};
use tempfile::TempDir;

/// What is done, one operation after another, to what a folder holds; and how to read it.
pub(crate) struct Scenario<T> {
    pub(crate) name: &'static str,
    /// The folder before the first operation.
    pub(crate) before: TempDir,
    /// A start of the program.
    pub(crate) open: fn(&Path) -> Result<T, String>,
    pub(crate) operations: Vec<Operation<T>>,
    /// A start of the program on what a cut has left: all that is durable in words, and an error when it is not whole.
    pub(crate) state: fn(&Path) -> Result<String, String>,
}

/// It is acknowledged when it returns without an error.
pub(crate) type Operation<T> = Box<dyn Fn(&mut T) -> Result<(), String>>;

/// What was visited, and what was found.
#[derive(Default)]
pub(crate) struct Visited {
    pub(crate) points: u64,
    pub(crate) runs: u64,
    /// Runs in which the fault came; one of a disk without room does not in a step that needs none.
    pub(crate) faults: u64,
    pub(crate) violations: Vec<String>,
}

/// What a cut leaves at a step.
pub(crate) type Cut = fn(u64) -> Loss;

/// Nothing that was not synced; or some of it, in another way at each step.
pub(crate) const CUTS: [Cut; 2] = [|_| Loss::All, Loss::Torn];

/// The faults of each step: until somebody has made room, or in it alone.
pub(crate) const FAULTS: [(Fault, u64); 2] = [(Fault::Full, u64::MAX), (Fault::Io, 1)];

impl<T> Scenario<T> {
    /// The power fails in every step in turn, and every one of `cuts` is tried. Whatever was acknowledged has to be there afterwards, the
    /// interrupted operation wholly or not at all; and the rest can be done.
    pub(crate) fn visit_crash_points(&self, syncs: Syncs, cuts: &[Cut]) -> Visited {
        let states = self.states();
        let steps = self.steps();
        let mut visited = Visited { points: steps, ..Visited::default() };
        for step in 0..steps {
            for loss in cuts.iter().map(|cut| cut(step)) {
                visited.runs += 1;
                let (folder, machine) = self.copy();
                machine.keep_syncs(syncs);
                machine.die_at(step);
                let done = self.perform(folder.path(), 0, self.operations.len());
                assert!(machine.is_dead(), "{}: step {step} does not come", self.name);
                machine.cut(loss).unwrap();
                machine.revive();
                let checked = self.check(folder.path(), &states, done).and_then(|done| match loss {
                    Loss::All => self.go_on(folder.path(), &states, done),
                    Loss::None | Loss::Torn(_) => Ok(()),
                });
                if let Err(violation) = checked {
                    visited.violations.push(format!("{}, power cut at step {step}, {loss:?}: {violation}", self.name));
                }
            }
        }
        visited
    }

    /// Each of the faults in every step in turn, for so many steps. The operation may fail, nothing is lost, and when the disk works
    /// again the same operation succeeds; so it is when the power fails right after the fault.
    pub(crate) fn visit_faults(&self, kinds: &[(Fault, u64)]) -> Visited {
        let states = self.states();
        let steps = self.steps();
        let mut visited = Visited { points: steps, ..Visited::default() };
        let mut faults = 0;
        for step in 0..steps {
            let mut report = |what: &str, violation: String| {
                visited.violations.push(format!("{} at step {step}, {what}: {violation}", self.name));
            };
            for &(fault, lasts) in kinds {
                visited.runs += 1;
                let (folder, machine) = self.copy();
                machine.fail_at(step, fault, lasts);
                let retried = self.retry(folder.path(), &machine, &states);
                let Faults { full, io, short, .. } = machine.faults();
                faults += u64::from(full + io + short > 0);
                if let Err(violation) = retried {
                    report(&format!("{fault:?}, and tried again"), violation);
                }
            }
            visited.runs += 1;
            let (folder, machine) = self.copy();
            machine.fail_at(step, Fault::Io, 1);
            let done = self.perform(folder.path(), 0, self.operations.len());
            machine.die_now();
            machine.cut(Loss::All).unwrap();
            machine.revive();
            if let Err(violation) = self.check(folder.path(), &states, done).and_then(|done| self.go_on(folder.path(), &states, done)) {
                report("an I/O error, and then a power cut", violation);
            }
        }
        assert!(faults > steps, "{}: {faults} faults at {steps} steps", self.name);
        visited.faults = faults;
        visited
    }

    /// A copy of the folder on a machine of its own.
    fn copy(&self) -> (TempDir, Machine) {
        let folder = tempfile::tempdir().unwrap();
        copy(self.before.path(), folder.path());
        let machine = Disk::install().unwrap().machine(folder.path()).unwrap();
        (folder, machine)
    }

    /// The state after so many operations that nothing disturbed.
    fn states(&self) -> Vec<String> {
        let after = |count| {
            let (folder, _machine) = self.copy();
            assert_eq!(self.perform(folder.path(), 0, count), count, "{}", self.name);
            (self.state)(folder.path()).unwrap()
        };
        (0..=self.operations.len()).map(after).collect()
    }

    fn steps(&self) -> u64 {
        let (folder, machine) = self.copy();
        self.perform(folder.path(), 0, self.operations.len());
        machine.steps()
    }

    /// Starts, does the operations from one to another until one fails, and ends. Returns how many are done in all.
    fn perform(&self, folder: &Path, from: usize, to: usize) -> usize {
        let Ok(mut opened) = (self.open)(folder) else { return from };
        let failed = (from..to).find(|number| self.operations[*number](&mut opened).is_err());
        failed.unwrap_or(to)
    }

    /// Does all operations; one that fails is done again once the disk works.
    fn retry(&self, folder: &Path, machine: &Machine, states: &[String]) -> Result<(), String> {
        let open = || (self.open)(folder);
        let mut opened = open().or_else(|_| {
            machine.revive();
            open()
        })?;
        for operation in &self.operations {
            operation(&mut opened).or_else(|_| {
                machine.revive();
                operation(&mut opened)
            })?;
        }
        drop(opened);
        machine.revive();
        let found = (self.state)(folder)?;
        if Some(&found) == states.last() { Ok(()) } else { Err(format!("it ends as\n{found}")) }
    }

    /// What a start finds is what was acknowledged, or that and the operation in doubt. Returns how many operations are done.
    fn check(&self, folder: &Path, states: &[String], done: usize) -> Result<usize, String> {
        let found = (self.state)(folder)?;
        match states.iter().skip(done).take(2).position(|state| *state == found) {
            Some(in_doubt) => Ok(done + in_doubt),
            None => Err(format!("after {done} operations it has\n{found}expected\n{}", states[done])),
        }
    }

    /// The rest can be done.
    fn go_on(&self, folder: &Path, states: &[String], done: usize) -> Result<(), String> {
        let all = self.operations.len();
        if self.perform(folder, done, all) != all || Some((self.state)(folder)?) != states.last().cloned() {
            return Err(format!("after {done} operations it does not go on"));
        }
        Ok(())
    }
}

impl Visited {
    /// Nothing was found; prints what was visited.
    pub(crate) fn expect_sound(self, name: &str) {
        eprintln!("{name}: {} points, {} runs, {} faults", self.points, self.runs, self.faults);
        assert!(self.points > 0);
        let first: Vec<_> = self.violations.iter().take(3).collect();
        assert!(
            self.violations.is_empty(),
            "{} violations, the first:\n{}",
            self.violations.len(),
            first.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n")
        );
    }
}

/// Copies the files of a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// An error in words.
pub(crate) fn words(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

/// The tests of each scenario.
macro_rules! visits {
    ($($crash_points:ident, $faults:ident: $scenario:expr;)*) => {$(
        #[test]
        fn $crash_points() {
            let scenario = $scenario;
            scenario.visit_crash_points(evertill::simulation::disk::Syncs::All, &$crate::bench::CUTS).expect_sound(scenario.name);
        }

        #[test]
        fn $faults() {
            let scenario = $scenario;
            scenario.visit_faults(&$crate::bench::FAULTS).expect_sound(scenario.name);
        }
    )*};
}
pub(crate) use visits;
