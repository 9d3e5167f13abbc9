//! Real processes of a chain, and the baskets that are rung up in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/journey-343");
/// Every hundredth of a second for two minutes.
const LOOKS_MAX: u32 = 12_000;

pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let (never, bell) = (Mutex::new(()), Condvar::new());
    for _ in 0..LOOKS_MAX {
        if condition() {
            return;
        }
        drop(bell.wait_timeout(never.lock().unwrap(), Duration::from_millis(10)));
    }
    panic!("{what}: not in time");
}

/// The first baskets of the fixture, with their header.
pub(crate) fn first_baskets(wanted: usize) -> String {
    let text = fs::read_to_string(format!("{FIXTURE}/baskets.csv")).unwrap();
    let (mut taken, mut last, mut count) = (String::new(), "", 0);
    for line in text.lines() {
        let basket = line.split(',').next().unwrap();
        if basket != last {
            // The header is the first, and no basket.
            (last, count) = (basket, count + 1);
        }
        if count - 1 > wanted {
            break;
        }
        taken.extend([line, "\n"]);
    }
    taken
}

pub(crate) fn basket_count(baskets: &str) -> u64 {
    let ids: std::collections::HashSet<&str> = baskets.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    ids.len() as u64
}

/// The products of a part's baskets; all of them for the whole year.
pub(crate) fn products_of(baskets: &str, wanted: usize) -> String {
    let text = fs::read_to_string(format!("{FIXTURE}/products.csv")).unwrap();
    if wanted == usize::MAX {
        return text;
    }
    let sold: std::collections::HashSet<&str> = baskets.lines().filter_map(|line| line.split(',').nth(4)).collect();
    let lines = text.lines().filter(|line| line.split(',').next().is_some_and(|id| sold.contains(id)));
    lines.fold(String::new(), |taken, line| taken + line + "\n")
}

/// A process that serves.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(listen: &str, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertill"));
        let mut process = command.args(args).args(["--listen", listen]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{args:?}: {line:?}")).to_owned();
        Self { process, address }
    }

    /// Without a word.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = (self.process.kill(), self.process.wait());
    }
}
