//! Whether the bench can fail: disks and settings that lose sales, and each has to be caught by the same visits.

use evertill::simulation::disk::{Loss, Syncs};

use super::bench::{CUTS, Visited};
use super::channel::intake;
use super::journal::concluding_a_sale;

#[test]
fn a_disk_that_ignores_syncs_is_caught() {
    let caught = |name: &str, found: Visited| {
        eprintln!("{name} on a disk that ignores syncs: {} of {} runs lose something", found.violations.len(), found.runs);
        assert!(found.violations.iter().any(|violation| violation.contains(", All: ")));
        assert!(found.violations.iter().any(|violation| violation.contains(", Torn(")));
    };
    caught("a sale", concluding_a_sale().visit_crash_points(Syncs::None, &CUTS));
    caught("the intake", intake().visit_crash_points(Syncs::None, &CUTS));
}

#[test]
fn a_log_with_normal_in_place_of_full_is_caught() {
    let found = concluding_a_sale().visit_crash_points(Syncs::Checkpoints, &[|_| Loss::All]);
    eprintln!("NORMAL in place of FULL: {} of {} runs lose something", found.violations.len(), found.runs);
    assert!(!found.violations.is_empty());
    assert!(
        found.violations.iter().all(|violation| !violation.contains("not whole")),
        "what it loses, it loses whole: {:?}",
        found.violations
    );
}

/// Why a bare `kill -9` proves nothing about power: the system still writes all that it was given.
#[test]
fn a_kill_does_not_find_a_disk_that_ignores_syncs() {
    let found = concluding_a_sale().visit_crash_points(Syncs::None, &[|_| Loss::None]);
    assert_eq!((found.runs > 0, found.violations), (true, Vec::new()));
}
