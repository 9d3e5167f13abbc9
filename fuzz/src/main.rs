//! The targets of `tests/fuzz` under libFuzzer, which learns from the code an input reaches. `.ci/fuzz-input` builds and runs it.

#![no_main]

#[path = "../../tests/fuzz/targets.rs"]
mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use targets::{TARGETS, Target};

/// The one that the environment names.
static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    TARGETS.iter().find(|target| target.name == wanted).unwrap_or_else(|| panic!("FUZZ_TARGET is none of {}", names.join(", ")))
});

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
