//! The shortest history that still breaks the same promise: steps are left out, in halves first, then in smaller and smaller parts.

use std::collections::BTreeSet;

use super::books::Violation;
use super::{Report, Simulation};

/// A history that cannot be shortened in the tries there were.
#[derive(Clone, Debug)]
pub struct Shortest {
    /// What to run again.
    pub simulation: Simulation,
    /// What it breaks.
    pub violation: Violation,
    /// How many runs it took.
    pub runs: u32,
}

/// Shortens a history that breaks a promise; `runs` at most are made.
pub fn shorten(simulation: &Simulation, report: &Report, runs: u32) -> Option<Shortest> {
    let violation = report.violations.first()?.clone();
    let steps: Vec<u64> = simulation.only.as_ref().map_or_else(|| (0..=violation.step).collect(), |only| only.iter().copied().collect());
    let mut shortest = Shortest { simulation: simulation.clone(), violation, runs: 0 };
    let mut kept = steps;
    let mut parts = 2;
    while kept.len() > 1 && shortest.runs < runs {
        let size = kept.len().div_ceil(parts);
        let mut was_shortened = false;
        for begin in (0..kept.len()).step_by(size) {
            if shortest.runs == runs {
                break;
            }
            let rest: Vec<u64> = kept[..begin].iter().chain(&kept[(begin + size).min(kept.len())..]).copied().collect();
            shortest.runs += 1;
            let tried = Simulation { only: Some(rest.iter().copied().collect::<BTreeSet<u64>>()), ..simulation.clone() };
            let broken = tried.run(&mut |_| ()).ok().and_then(|report| report.violations.into_iter().next());
            if let Some(violation) = broken.filter(|broken| broken.invariant == shortest.violation.invariant) {
                (shortest.simulation, shortest.violation, kept) = (tried, violation, rest);
                was_shortened = true;
                break;
            }
        }
        if was_shortened {
            parts = parts.saturating_sub(1).max(2);
        } else if size == 1 {
            break;
        } else {
            parts = (parts * 2).min(kept.len());
        }
    }
    Some(shortest)
}
