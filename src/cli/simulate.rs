//! `evertill simulate`.

use std::collections::BTreeSet;
use std::io::Write;

use clap::Args;

use super::out::{self, Failure};
use crate::simulation::{Kind, Report, Simulation, shorten};

/// How many runs may be spent on making a failing history short.
const SHORTENING_RUNS: u32 = 80;

/// What is simulated.
#[derive(Args)]
pub(super) struct SimulateArgs {
    /// What chance depends on: the same seed gives the same run
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Concluded sales after which faults stop
    #[arg(long, default_value_t = 2_000)]
    sales: u64,
    /// Registers that sell
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=60))]
    registers: u32,
    /// What goes wrong: all, none, or some of network, death, power, disk, clock
    #[arg(long, value_name = "KINDS", default_value = "all", value_parser = kinds)]
    faults: Kinds,
    /// Only these steps of the run, as a violation names them
    #[arg(long, value_name = "STEPS", value_delimiter = ',', value_parser = step)]
    only: Vec<u64>,
    /// Tell everything that happens, in simulated time, on standard error
    #[arg(long)]
    log: bool,
    /// Do not look for the shortest history of a violation
    #[arg(long)]
    as_it_is: bool,
    /// Write the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Kinds of faults, as one argument.
#[derive(Clone)]
struct Kinds(BTreeSet<Kind>);

fn kinds(text: &str) -> Result<Kinds, String> {
    match text {
        "all" => Ok(Kinds(Kind::ALL.into())),
        "none" => Ok(Kinds(BTreeSet::new())),
        some => some.split(',').map(one_kind).collect::<Result<_, _>>().map(Kinds),
    }
}

fn one_kind(name: &str) -> Result<Kind, String> {
    let names = Kind::ALL.map(Kind::name).join(", ");
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| format!("expected all, none, or some of {names}"))
}

fn step(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected numbers of steps with commas, such as 12,907".to_owned())
}

/// Simulates; a broken promise is a failure.
pub(super) fn run(args: &SimulateArgs) -> Result<(), Failure> {
    let simulation = Simulation {
        seed: args.seed,
        sales: args.sales,
        registers: args.registers,
        faults: args.faults.0.clone(),
        only: (!args.only.is_empty()).then(|| args.only.iter().copied().collect()),
        control: None,
    };
    let is_told = args.log;
    let mut log = |line: &str| {
        if is_told {
            // A log that cannot be written is no outcome.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    };
    let mut report = simulation.run(&mut log).map_err(Failure::found)?;
    if !args.as_it_is
        && let Some(shortest) = shorten(&simulation, &report, SHORTENING_RUNS)
    {
        let mut violation = shortest.violation;
        violation.replay = format!("{} --as-it-is --log", shortest.simulation.command());
        report.violations = vec![violation];
    }
    if args.json {
        out::json(&report)?;
    } else {
        print(&report)?;
    }
    if report.violations.is_empty() { Ok(()) } else { Err(Failure::found("a promise was broken")) }
}

fn print(report: &Report) -> Result<(), Failure> {
    let Report { seed, sales, operations, registers, steps, simulated_s, faults, violations, .. } = report;
    out::line(format!(
        "seed {seed}: {sales} sales and {operations} operations at {registers} registers, {steps} steps, {} h simulated",
        simulated_s / 3_600
    ))?;
    for (kind, count) in faults {
        out::line(format!("  {count:>8}  {kind}"))?;
    }
    for violation in violations {
        out::line(format!("VIOLATION of {} in step {}: {}", violation.invariant, violation.step, violation.detail))?;
        out::line(format!("  {}", violation.replay))?;
    }
    if violations.is_empty() { out::line("every promise was kept") } else { Ok(()) }
}
