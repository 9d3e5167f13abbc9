//! `evertill replay`: real baskets rung up through the till on several registers against a real chain, with the network cut and the
//! registers killed, and everything compared afterwards.
//!
//! Each register is a process of its own (this program with `replay-register`), so that a kill is a real one. The comparison reads the channel
//! database and the journals by itself; it believes nothing the uploads say.

mod basket_desk;
mod chain;
mod child;
mod compare;
mod kill;
mod outages;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kill::Kills;
use serde::{Deserialize, Serialize};

use crate::chain::Chain;
use crate::clock::{Clock, SharedClock, Stopwatch, SystemClock};
use crate::headquarters::Headquarters;
use crate::import::{self, Basket, OnBadRow};
use crate::secret::Secret;

pub use chain::{Products, fill, products};
pub use child::{ChildOptions, run_child};
pub use kill::KilledIn;
pub use outages::Outages;

/// What is replayed, and how.
pub struct Replay {
    /// The products, in the form of `products.csv`.
    pub products: PathBuf,
    /// The baskets, in the form of `baskets.csv`.
    pub baskets: PathBuf,
    /// How many registers share them.
    pub registers: u32,
    /// What goes wrong on the way.
    pub outages: Outages,
    /// What chance depends on.
    pub seed: u64,
    /// Where channel database and journals are written.
    pub data: PathBuf,
    /// How long each register rests before a basket.
    pub pace: Duration,
    /// The chain it runs on; none starts one of its own in the directory.
    pub running: Option<Running>,
}

/// A chain that runs already. Its store's registers are there, and pending.
pub struct Running {
    /// Its scale units, which the registers share in turn.
    pub scale_units: Vec<SocketAddr>,
    /// A code for each register.
    pub activation_codes: Vec<Secret>,
    /// Their channel database.
    pub database: String,
}

/// What came of it; the fields of `--json`.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Outcome {
    /// Sales in the channel database.
    pub baskets: u64,
    /// Of them, those that an earlier replay in the same directory had rung up.
    pub found: u64,
    /// Their lines.
    pub lines: u64,
    /// What they come to.
    pub total: String,
    /// Sales that differ from their basket.
    pub mismatched_baskets: u64,
    /// Sales concluded offline.
    pub sold_offline: u64,
    /// Sales of the journals that the channel database holds.
    pub uploaded: u64,
    /// Sales the channel database holds more often than the journals.
    pub duplicates: u64,
    /// Sales of the journals that it does not hold.
    pub missing: u64,
    /// Sales it holds otherwise than the journals.
    pub altered: u64,
    /// Sales that headquarters has; unknown of a chain that ran already.
    pub at_headquarters: Option<u64>,
    /// Receipt numbers skipped or used twice.
    pub receipt_gaps: u64,
    /// Switches between online and offline.
    pub switches: u64,
    /// Processes killed.
    pub kills: u64,
    /// What they were found in.
    pub killed_in: KilledIn,
    /// Answers that were lost after the scale unit had done what was asked.
    pub cuts: u64,
    /// The longest that a line took, from entry to screen, in milliseconds.
    pub slowest_line_ms: f64,
    /// How long all of it took.
    pub seconds: f64,
    /// Speed.
    pub sales_per_second: f64,
    /// The first few differences, in words.
    pub problems: Vec<String>,
}

impl Outcome {
    /// Whether nothing was lost, doubled or changed.
    pub fn is_faultless(&self) -> bool {
        self.mismatched_baskets + self.duplicates + self.missing + self.altered + self.receipt_gaps == 0 && self.problems.is_empty()
    }
}

/// Why a replay cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file of products or baskets.
    #[error(transparent)]
    Import(#[from] import::ImportError),
    /// A file does not open.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Anything else that should not happen.
    #[error("{0}")]
    Failed(String),
}

/// What a register's process reports, a line each.
#[derive(Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
enum Report {
    /// It begins its n-th basket, from 0.
    Begins { basket: usize, lines: usize },
    /// In a basket in which it is killed, it is about to take a step, or has just concluded.
    Reached { basket: usize, step: Step },
    /// So many answers were lost since its process began.
    AnswersLost { so_far: u64 },
    /// It has rung up everything and nothing is unsent.
    Finished { slowest_line_us: u64 },
    /// It cannot go on.
    Failed { why: String },
}

/// A step of a basket that a process reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// The n-th line, from 0.
    Line(usize),
    /// The payment that concludes it.
    Payment,
    /// It is concluded, and being uploaded.
    Concluded,
}

impl Replay {
    /// Runs it. `progress` hears of finished baskets.
    pub fn run(&self, progress: &(dyn Fn(u64) + Sync)) -> Result<Outcome, ReplayError> {
        let failed = |error: &dyn std::fmt::Display| ReplayError::Failed(error.to_string());
        let products = chain::products(&self.products)?;
        let file = self.baskets.to_string_lossy();
        let baskets = import::baskets_of(products.numbers.clone(), &file, open(&self.baskets)?, OnBadRow::Refuse)?.rows;
        std::fs::create_dir_all(&self.data).map_err(|error| ReplayError::File { path: self.data.clone(), error })?;
        let (places, chain) = if let Some(running) = &self.running {
            (running.places(self.registers)?, None)
        } else {
            let (places, chain) = self.start_chain(&products)?;
            (places, Some(chain))
        };
        let found = self.found()?;
        let watch = Stopwatch::default();
        let runs: Vec<Result<Run, ReplayError>> = std::thread::scope(|scope| {
            let registers: Vec<_> =
                (1..).zip(&places).map(|(number, place)| scope.spawn(move || self.run_register(number, place, progress))).collect();
            registers
                .into_iter()
                .map(|register| register.join().unwrap_or_else(|_| Err(ReplayError::Failed("a register's thread ended early".to_owned()))))
                .collect()
        });
        let seconds = seconds_of(watch.elapsed_us());
        let at_headquarters = chain.as_ref().map(chain::arrived).transpose()?;
        drop(chain);
        let database = match &self.running {
            Some(running) => compare::Database::of(&running.database).map_err(|error| failed(&error))?,
            None => compare::Database::Sqlite(channel_database(&self.data)),
        };
        let runs = runs.into_iter().collect::<Result<Vec<Run>, _>>()?;
        let compared = compare::compare(&database, &self.data, self.registers, &baskets);
        // A register that never opened has no journal to compare: why it did not says more.
        let why = |error: String| runs.iter().find_map(|run| run.failure.clone()).unwrap_or(error);
        let mut outcome = compared.map_err(|error| ReplayError::Failed(why(error)))?;
        outcome.at_headquarters = at_headquarters;
        outcome.found = found;
        for run in runs {
            outcome.kills += run.kills;
            outcome.killed_in += run.killed_in;
            outcome.cuts += run.cuts;
            outcome.slowest_line_ms = outcome.slowest_line_ms.max(seconds_of(run.slowest_line_us) * 1e3);
            outcome.problems.extend(run.failure);
        }
        outcome.slowest_line_ms = (outcome.slowest_line_ms * 1e3).round() / 1e3;
        outcome.seconds = (seconds * 10.0).round() / 10.0;
        outcome.sales_per_second =
            (f64::from(u32::try_from(outcome.baskets.saturating_sub(found)).unwrap_or(u32::MAX)) / seconds * 10.0).round() / 10.0;
        Ok(outcome)
    }

    /// How many sales the registers' journals have.
    fn found(&self) -> Result<u64, ReplayError> {
        let receipts = |number| compare::receipts(&register_directory(&self.data, number)).map(|count| count as u64);
        (1..=self.registers).map(receipts).sum::<Result<_, _>>().map_err(ReplayError::Failed)
    }

    /// A chain of its own on the replay's store, and each register's place in it.
    fn start_chain(&self, products: &chain::Products) -> Result<(Vec<Place>, Chain), ReplayError> {
        let failed = |error: &dyn std::fmt::Display| ReplayError::Failed(error.to_string());
        let clock: SharedClock = Arc::new(SystemClock::default());
        let database = format!("sqlite:{}", self.data.join("headquarters.db").display());
        let headquarters = Headquarters::open(&database, None, Arc::clone(&clock)).map_err(|error| failed(&error))?;
        chain::fill(&headquarters, products, self.registers).map_err(|error| failed(&error))?;
        let chain = Chain::of(headquarters, &channel_database(&self.data), crate::chain::Place::default(), &clock);
        let chain = chain.map_err(|error| failed(&error))?;
        let place = |number: u32| {
            let register = chain::register(number);
            let code = chain.activation_code(&register_directory(&self.data, number), &register).map_err(|error| failed(&error))?;
            Ok(Place { scale_unit: chain.scale_unit_address(), activation_code: code })
        };
        let places = (1..=self.registers).map(place).collect::<Result<_, ReplayError>>()?;
        Ok((places, chain))
    }

    /// Runs one register's processes, one after another, until one has finished.
    fn run_register(&self, number: u32, place: &Place, progress: &(dyn Fn(u64) + Sync)) -> Result<Run, ReplayError> {
        let mut run = Run::default();
        let mut kills = Kills::new(self.outages, self.seed ^ u64::from(number).wrapping_mul(0x9E37));
        let clock = SystemClock::default();
        let data = register_directory(&self.data, number);
        let channel = self.running.is_none().then(|| channel_database(&self.data));
        loop {
            let mut child = self.spawn(number, place)?;
            let output = child.stdout.take().ok_or_else(|| ReplayError::Failed("a register has no output".to_owned()))?;
            let (mut ended, mut killed, mut cuts) = (None, None, 0);
            for line in BufReader::new(output).lines() {
                let Ok(report) = line.map_err(|_| ()).and_then(|line| serde_json::from_str(&line).map_err(|_| ())) else { break };
                match report {
                    Report::Begins { basket, lines } => {
                        progress(1);
                        kills.plan(basket, lines);
                    }
                    Report::Reached { basket, step } => {
                        killed = kills.due(basket, step);
                        if let Some(kill) = &killed {
                            clock.sleep(kill.delay);
                            break;
                        }
                    }
                    Report::AnswersLost { so_far } => cuts = so_far,
                    Report::Finished { slowest_line_us } => {
                        run.slowest_line_us = run.slowest_line_us.max(slowest_line_us);
                        ended = Some(None);
                    }
                    Report::Failed { why } => ended = Some(Some(format!("register {number}: {why}"))),
                }
            }
            // SIGKILL where there is one: nothing in the process gets to tidy up.
            let _ = child.kill();
            let status = child.wait().map_err(|error| ReplayError::Failed(error.to_string()))?;
            run.cuts += cuts;
            if let Some(kill) = killed {
                run.kills += 1;
                run.killed_in += KilledIn::found(&data, kill.lines, channel.as_deref()).map_err(ReplayError::Failed)?;
            }
            match ended {
                Some(failure) => {
                    run.failure = failure;
                    return Ok(run);
                }
                None if run.kills == 0 || status.code().is_some_and(|code| code != 0) => {
                    run.failure = Some(format!("register {number} ended by itself: {status}"));
                    return Ok(run);
                }
                None => {}
            }
        }
    }

    fn spawn(&self, number: u32, place: &Place) -> Result<Child, ReplayError> {
        let program = std::env::current_exe().map_err(|error| ReplayError::Failed(error.to_string()))?;
        let mut command = Command::new(program);
        command.arg("replay-register");
        if let Some(code) = &place.activation_code {
            command.args(["--activation-code", code.reveal()]);
        }
        command
            .args(["--pace-ms", &self.pace.as_millis().to_string()])
            .args(["--number", &number.to_string(), "--registers", &self.registers.to_string(), "--seed", &self.seed.to_string()])
            .args(["--scale-unit", &place.scale_unit.to_string(), "--outages", &self.outages.to_string()])
            .arg("--products")
            .arg(&self.products)
            .arg("--baskets")
            .arg(&self.baskets)
            .arg("--data")
            .arg(register_directory(&self.data, number))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| ReplayError::Failed(format!("a register does not start: {error}")))
    }
}

fn seconds_of(us: u64) -> f64 {
    std::time::Duration::from_micros(us).as_secs_f64()
}

impl Running {
    /// Each register's place.
    fn places(&self, registers: u32) -> Result<Vec<Place>, ReplayError> {
        let count = registers as usize;
        if self.activation_codes.len() != count || self.scale_units.is_empty() {
            let words = format!("{} activation codes for {registers} registers, expected one for each", self.activation_codes.len());
            return Err(ReplayError::Failed(words));
        }
        let codes = self.activation_codes.iter().cloned().map(Some);
        let scale_units = self.scale_units.iter().copied().cycle();
        Ok(scale_units.zip(codes).map(|(scale_unit, activation_code)| Place { scale_unit, activation_code }).collect())
    }
}

/// Where a register of the replay finds its scale unit, and what makes it a register there.
struct Place {
    scale_unit: SocketAddr,
    activation_code: Option<Secret>,
}

/// The address of a scale unit without TLS, as `--scale-unit` names it.
pub fn scale_unit_address(url: &str) -> Result<SocketAddr, String> {
    let address = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    address.and_then(|address| address.parse().ok()).ok_or_else(|| format!("`{url}` is not http://, an IP address and a port"))
}

#[derive(Default)]
struct Run {
    kills: u64,
    killed_in: KilledIn,
    cuts: u64,
    slowest_line_us: u64,
    failure: Option<String>,
}

fn channel_database(data: &Path) -> PathBuf {
    data.join("channel.db")
}

fn register_directory(data: &Path, number: u32) -> PathBuf {
    data.join(format!("register-{number}"))
}

/// The baskets of one register: dealt out in turn.
fn baskets_of(number: u32, registers: u32, baskets: &[Basket]) -> impl Iterator<Item = &Basket> {
    baskets.iter().skip(number as usize - 1).step_by(registers as usize)
}

fn read_baskets(path: &Path) -> Result<Vec<Basket>, ReplayError> {
    Ok(import::baskets(&path.to_string_lossy(), open(path)?, OnBadRow::Refuse)?.rows)
}

fn open(path: &Path) -> Result<File, ReplayError> {
    File::open(path).map_err(|error| ReplayError::File { path: path.to_owned(), error })
}
