//! Whatever is read from outside, read as if an enemy had written it: every file of `tests/corpora` goes through its target as it is, and
//! changed at random a few hundred times. `.ci/fuzz-input TARGET` lets a fuzzer look for more.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "fuzz/targets.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use evertill::ids::splitmix64;
use targets::TARGETS;

/// Inputs of a target that are made from its corpus.
const LIGHT: u64 = 3_000;
/// The same where each takes a database or a connection.
const HEAVY: u64 = 200;
/// What the hardest input may take in the slowest build.
const INPUT_MAX: Duration = Duration::from_secs(10);
/// Texts that are put into inputs.
const WORDS: [&str; 24] = [
    "",
    "0",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "79228162514264337593543950335",
    "1e999",
    "NaN",
    "0.00000001",
    "\0",
    "\n",
    "\r\n",
    ",",
    "\"",
    "\"\"",
    "[",
    "{",
    "}",
    "null",
    "\u{1b}[2J",
    "\u{202e}",
    "é",
    "\u{1d}",
];

macro_rules! replays {
    ($($name:ident $inputs:ident,)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name), $inputs);
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let replayed = BTreeSet::from([$(stringify!($name)),*]);
            assert_eq!(replayed, TARGETS.iter().map(|target| target.name).collect());
            let folders = fs::read_dir(corpora()).unwrap().map(|folder| folder.unwrap().file_name().into_string().unwrap());
            assert_eq!(replayed, folders.collect::<Vec<_>>().iter().map(String::as_str).collect());
        }
    };
}

replays! {
    barcode LIGHT,
    gs1 LIGHT,
    tape LIGHT,
    profile LIGHT,
    layout LIGHT,
    csv LIGHT,
    transaction LIGHT,
    receipt LIGHT,
    manifest LIGHT,
    unpack LIGHT,
    full HEAVY,
    delta HEAVY,
    hq_import HEAVY,
    hq_requests HEAVY,
    requests HEAVY,
    answers HEAVY,
}

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora")
}

/// On a thread of its own, as an input may never end. Each is kept in a file while it is read, for the corpus: one that overflows the stack
/// ends the process, and all that is told then is the thread's name.
fn replay(name: &str, inputs: u64) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let kept = std::env::temp_dir().join(format!("byzantine-{name}-{}", std::process::id()));
    let place = format!("{name}, which is kept in {}", kept.display());
    let (begin, begun) = channel();
    let file = kept.clone();
    let read_one = move |input: &[u8], what: String| {
        fs::write(&file, input).unwrap();
        begin.send(what).unwrap();
        (target.run)(input);
    };
    let reader = std::thread::Builder::new().name(format!("input of {place}"));
    let reader = reader.spawn(move || read_all(&corpora().join(target.name), inputs, read_one)).unwrap();
    let mut under_way = String::new();
    loop {
        match begun.recv_timeout(INPUT_MAX) {
            Ok(what) => under_way = what,
            Err(RecvTimeoutError::Timeout) => panic!("{under_way} of {place}, does not end within {INPUT_MAX:?}"),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    assert!(reader.join().is_ok(), "{under_way} of {place}, fails");
    fs::remove_file(kept).unwrap();
}

/// The corpus as it is, then inputs made from it; equal runs make equal inputs.
fn read_all(folder: &Path, inputs: u64, read_one: impl Fn(&[u8], String)) {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!corpus.is_empty(), "{} has a file", folder.display());
    for (file, input) in files.iter().zip(&corpus) {
        read_one(input, file.display().to_string());
    }
    for number in 0..inputs {
        let mut chance = Chance(number);
        let mut input = chance.one_of(&corpus).clone();
        for _ in 0..=chance.below(4) {
            chance.change(&mut input, &corpus);
        }
        read_one(&input, format!("input {number}"));
    }
}

/// What is changed and how: the same for the same number.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(splitmix64(&mut self.0) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A part of an input, and short ones more often.
    fn part(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(input.len() + 1);
        let longest = if self.below(4) == 0 { input.len() } else { 8 };
        start..(start + self.below(longest + 1)).min(input.len())
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let part = self.part(input);
        match self.below(6) {
            0 => input.truncate(part.end),
            1 => drop(input.drain(part)),
            2 => {
                let again = input[part.clone()].repeat(1 + self.below(8));
                drop(input.splice(part.end..part.end, again));
            }
            3 => {
                let other = self.one_of(corpus);
                let from = self.part(other);
                drop(input.splice(part, other[from].iter().copied()));
            }
            4 => drop(input.splice(part, self.one_of(&WORDS).bytes())),
            _ => {
                for byte in &mut input[part] {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}
