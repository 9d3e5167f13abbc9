//! `evertill replay`.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::out::{self, Failure};
use super::{ReplayArgs, ReplayRegisterArgs};
use crate::replay::{ChildOptions, Outcome, Replay, ReplayError, Running, run_child};
use crate::secret::Secret;

/// Replays the baskets; a difference is a failure.
pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    // A temporary directory goes when the replay is over.
    let (data, _temporary) = if let Some(data) = &args.data {
        (data.clone(), None)
    } else {
        let directory = tempfile::tempdir().map_err(Failure::found)?;
        (directory.path().to_owned(), Some(directory))
    };
    let replay = Replay {
        products: args.products.clone(),
        baskets: args.baskets.clone(),
        registers: args.registers,
        outages: args.outages,
        seed: args.seed,
        data,
        pace: Duration::from_millis(args.pace_ms),
        running: args.database.as_ref().map(|database| Running {
            scale_units: args.scale_unit.clone(),
            activation_codes: args.activation_code.iter().map(Secret::new).collect(),
            database: database.clone(),
        }),
    };
    let begun = AtomicU64::new(0);
    let shows_progress = std::io::stderr().is_terminal();
    let progress = |more: u64| {
        let begun = begun.fetch_add(more, Ordering::Relaxed) + more;
        if shows_progress && begun.is_multiple_of(100) {
            // Progress that cannot be shown is not worth a failure.
            let _ = write!(std::io::stderr().lock(), "\r{begun} baskets");
        }
    };
    let outcome = replay.run(&progress).map_err(|error| match error {
        ReplayError::Import(_) | ReplayError::File { .. } => Failure::usage(error),
        ReplayError::Failed(_) => Failure::found(error),
    })?;
    if shows_progress {
        let _ = write!(std::io::stderr().lock(), "\r");
    }
    if args.json {
        out::json(&outcome)?;
    } else {
        print(&outcome)?;
    }
    if outcome.is_faultless() { Ok(()) } else { Err(Failure::found(outcome.problems.join("\n"))) }
}

/// One register of it.
pub(super) fn run_register(args: ReplayRegisterArgs) {
    let ReplayRegisterArgs { number, registers, seed, scale_unit, activation_code, pace_ms, outages, products, baskets, data } = args;
    let activation_code = activation_code.map(Secret::new);
    let pace = Duration::from_millis(pace_ms);
    run_child(&ChildOptions { number, registers, scale_unit, activation_code, products, baskets, outages, seed, data, pace });
}

fn print(outcome: &Outcome) -> Result<(), Failure> {
    let killed_in = outcome.killed_in;
    let rows = [
        ("sales in the channel database", outcome.baskets.to_string()),
        ("  found there at the start", outcome.found.to_string()),
        ("lines", outcome.lines.to_string()),
        ("total", outcome.total.clone()),
        ("sold offline", outcome.sold_offline.to_string()),
        ("switches", outcome.switches.to_string()),
        ("kills", outcome.kills.to_string()),
        ("  in a sale that lacked lines", killed_in.lines.to_string()),
        ("  in a sale not yet concluded", killed_in.payment.to_string()),
        ("  in an upload", killed_in.upload.to_string()),
        ("  before an upload's answer", killed_in.answer.to_string()),
        ("  in nothing", killed_in.nothing.to_string()),
        ("cuts", outcome.cuts.to_string()),
        ("mismatched baskets", outcome.mismatched_baskets.to_string()),
        ("missing", outcome.missing.to_string()),
        ("duplicates", outcome.duplicates.to_string()),
        ("altered", outcome.altered.to_string()),
        ("receipt gaps", outcome.receipt_gaps.to_string()),
        ("slowest line", format!("{:.1} ms", outcome.slowest_line_ms)),
        ("seconds", format!("{:.1}", outcome.seconds)),
        ("sales a second", format!("{:.1}", outcome.sales_per_second)),
    ];
    for (name, value) in rows {
        out::line(format_args!("{name:<32}{value:>12}"))?;
    }
    Ok(())
}
