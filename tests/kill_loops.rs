//! Servers that are killed again and again while registers sell, are killed and lose answers themselves: the scale unit, headquarters with
//! its jobs, PostgreSQL. Afterwards nothing is missing, doubled or changed, neither at the scale unit nor at headquarters.
//!
//! Real processes and `SIGKILL`. By itself a loop has some kills; with more, and printing what came of it:
//! `EVERTILL_KILL_LOOPS=25 cargo test --test kill_loops -- --nocapture`.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/postgres.rs"]
mod postgres_server;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/raw_http.rs"]
mod raw_http;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/real_chain.rs"]
mod real_chain;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use evertill::clock::SystemClock;
use evertill::headquarters::kinds::Kind;
use evertill::headquarters::{Extent, Headquarters};
use evertill::ids::{RegisterId, splitmix64};
use evertill::replay;
use postgres_server::Mortal;
use real_chain::{Server, basket_count, first_baskets, products_of, wait_until};
use serde_json::Value;

const STORE: &str = "343";
/// What registers meet on top of it.
const OUTAGES: &str = "cut=every 5,kill=every 7";
/// What the kills depend on; another number is another run.
const SEED: u64 = 0x343;
/// The job that distributes products.
const PRODUCTS_JOB: u32 = 1040;
/// The exit status of a command that never began.
const WRONG_USAGE: i32 = 2;
const SIGKILL: i32 = 9;
/// About what a job takes, in milliseconds.
const JOB_MS: u64 = 60;

/// How much is killed, and rung up meanwhile.
struct Plan {
    kills: usize,
    baskets: usize,
    registers: u32,
    pace_ms: u64,
}

impl Plan {
    fn of_environment() -> Self {
        let kills =
            std::env::var("EVERTILL_KILL_LOOPS").map_or(6, |kills| kills.parse().expect("EVERTILL_KILL_LOOPS is a number of kills"));
        // Four baskets a kill and register, 300 ms each at least, outlast a kill, its pauses and the new start.
        Self { kills, baskets: 32 + 16 * kills, registers: 4, pace_ms: 300 }
    }
}

#[test]
fn a_scale_unit_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let mut town = Town::open(None);
    town.sell("the scale unit", |town, _| {
        town.unit.kill();
        town.unit = town.scale_unit(&town.unit.address);
    });
}

#[test]
fn headquarters_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let mut town = Town::open(None);
    let product = town.product.clone();
    let (mut renamed, mut killed_jobs) = (0, 0);
    let rename = |town: &Town, times: u32| {
        town.office.set("test", Kind::named("product").unwrap(), &product, &[("name", &format!("NAME {times}"))]).unwrap();
    };
    town.sell("headquarters and its jobs", |town, pause| {
        renamed += 1;
        rename(town, renamed);
        let mut job = town.job(if renamed % 4 == 0 { &["--full"] } else { &[] });
        pause(0..JOB_MS);
        // It may have done its work.
        job.kill().unwrap();
        town.headquarters.kill();
        let ended = job.wait().unwrap();
        assert_ne!(ended.code(), Some(WRONG_USAGE), "{ended}");
        killed_jobs += usize::from(ended.signal() == Some(SIGKILL));
        town.headquarters = Server::start(&town.headquarters.address, &["headquarters", "--database", &town.headquarters_database]);
    });
    assert!(killed_jobs > 0, "all {renamed} jobs had ended before they were killed");
    rename(&town, renamed + 1);
    town.office.run_job("test", PRODUCTS_JOB, Some(STORE), Extent::Changes).unwrap();
    let newest = town.office.packages(Some(STORE), 1).unwrap().remove(0).manifest.to_version;
    let master_data = town.at("channel.master.db");
    wait_until("the store has the newest package", || {
        let read = || {
            let database = rusqlite::Connection::open_with_flags(&master_data, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let version: i64 = database.query_row("SELECT version FROM data_version", [], |row| row.get(0))?;
            let name: String = database.query_row("SELECT name FROM products WHERE id = ?1", [&product], |row| row.get(0))?;
            Ok::<_, rusqlite::Error>((version, name))
        };
        read().is_ok_and(|found| found == (i64::try_from(newest).unwrap(), format!("NAME {}", renamed + 1)))
    });
}

#[test]
fn a_postgresql_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let Some(mut server) = Mortal::start() else { return };
    let mut town = Town::open(Some(server.url()));
    town.sell("PostgreSQL", |_, pause| {
        server.crash();
        pause(100..300);
        server.restart();
    });
}

/// A headquarters, a scale unit, and the baskets for its registers.
struct Town {
    plan: Plan,
    folder: tempfile::TempDir,
    office: Headquarters,
    headquarters_database: String,
    headquarters: Server,
    /// The channel database.
    database: String,
    unit: Server,
    baskets: String,
    /// One of the products.
    product: String,
}

impl Town {
    /// With this channel database; none is a file.
    fn open(database: Option<String>) -> Self {
        let plan = Plan::of_environment();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let baskets = first_baskets(plan.baskets);
        let products = products_of(&baskets, plan.baskets);
        fs::write(at("baskets.csv"), &baskets).unwrap();
        fs::write(at("products.csv"), &products).unwrap();
        let headquarters_database = format!("sqlite:{}", at("headquarters.db"));
        let office = Headquarters::open(&headquarters_database, None, Arc::new(SystemClock::default())).unwrap();
        replay::fill(&office, &replay::products(Path::new(&at("products.csv"))).unwrap(), plan.registers).unwrap();
        office.add_scale_unit("test", "north", STORE).unwrap().write(Path::new(&at("north.toml"))).unwrap();
        let headquarters = Server::start("127.0.0.1:0", &["headquarters", "--database", &headquarters_database]);
        let database = database.unwrap_or_else(|| format!("sqlite:{}", at("channel.db")));
        let unit = start_scale_unit(folder.path(), &database, &headquarters.address, "127.0.0.1:0");
        let address = unit.address.parse().unwrap();
        wait_until("the scale unit is ready", || raw_http::exchange(address, "GET", "/ready", "", "").status == 200);
        let product = products.lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
        Self { plan, folder, office, headquarters_database, headquarters, database, unit, baskets, product }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn scale_unit(&self, listen: &str) -> Server {
        start_scale_unit(self.folder.path(), &self.database, &self.headquarters.address, listen)
    }

    /// A process that makes packages.
    fn job(&self, more: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertill"));
        command.args(["hq", "--database", &self.headquarters_database, "schedule", "run", &PRODUCTS_JOB.to_string()]).args(more);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Rings everything up while something is killed, and holds what came of it against the baskets. What kills can pause for as long as
    /// chance says, within bounds.
    fn sell(&mut self, mortal: &str, mut kill: impl FnMut(&mut Self, &mut dyn FnMut(Range<u64>))) {
        let (run, end) = self.replay();
        let registers = usize::try_from(self.plan.registers).unwrap();
        wait_until("every register sells", || run.is_finished() || self.registers_that_sold() == registers);
        let expected = basket_count(&self.baskets);
        let mut dice = SEED;
        let mut pause = |ms: Range<u64>| end.recv_timeout(Duration::from_millis(ms.start + splitmix64(&mut dice) % (ms.end - ms.start)));
        let mut kills = 0;
        while kills < self.plan.kills && pause(100..700) == Err(RecvTimeoutError::Timeout) {
            kill(self, &mut |ms| {
                // The end is heard of next.
                let _ = pause(ms);
            });
            kills += 1;
        }
        let output = run.join().unwrap();
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        writeln!(std::io::stdout().lock(), "{kills} kills of {mortal}\n{said}").unwrap();
        let outcome: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{told}"));
        assert!(output.status.success(), "{outcome}\n{told}");
        let count = |field: &str| outcome[field].as_u64().unwrap();
        for fault in ["mismatched_baskets", "duplicates", "missing", "altered", "receipt_gaps"] {
            assert_eq!(count(fault), 0, "{fault}: {outcome}");
        }
        assert_eq!((count("baskets"), count("uploaded")), (expected, expected), "{outcome}");
        assert!(kills >= (self.plan.kills / 3).max(1) && count("kills") > 0, "{kills} kills: {outcome}");
        let channel = self.channel_transactions();
        wait_until("all records are at headquarters", || self.office.transaction_count(Some(STORE)).unwrap() >= channel.len() as u64);
        assert_eq!(self.office.transaction_count(Some(STORE)).unwrap(), channel.len() as u64);
        for (id, content) in &channel {
            assert_eq!(&self.office.transaction(id).unwrap(), content);
        }
        assert_eq!(self.office.set_aside().unwrap(), []);
    }

    /// Rings the baskets up, in processes of their own; the receiver hears of the end.
    fn replay(&self) -> (JoinHandle<Output>, Receiver<()>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evertill"));
        command.arg("replay").arg("--products").arg(self.at("products.csv")).arg("--baskets").arg(self.at("baskets.csv"));
        command.arg("--data").arg(self.at("data")).args(["--json", "--outages", OUTAGES, "--pace-ms", &self.plan.pace_ms.to_string()]);
        command.args(["--registers", &self.plan.registers.to_string(), "--database", &self.database]);
        command.args(["--scale-unit", &format!("http://{}", self.unit.address)]);
        for number in 1..=self.plan.registers {
            let code = self.office.activation_code("test", &RegisterId { store: STORE.to_owned(), number }).unwrap();
            command.args(["--activation-code", code.reveal()]);
        }
        let (ended, end) = channel();
        let run = std::thread::spawn(move || {
            let output = command.output().unwrap();
            // Nobody listens when the test has failed already.
            let _ = ended.send(());
            output
        });
        (run, end)
    }

    /// None while the channel database cannot be asked.
    fn registers_that_sold(&self) -> usize {
        let rows = self.channel_rows("SELECT DISTINCT CAST(register AS TEXT), '' FROM transactions WHERE kind = 'sale'");
        rows.map_or(0, |rows| rows.len())
    }

    /// Key and text of all that the channel database has.
    fn channel_transactions(&self) -> BTreeMap<String, String> {
        let rows = self.channel_rows("SELECT CAST(id AS TEXT), content FROM transactions").unwrap();
        let count = rows.len();
        let transactions: BTreeMap<String, String> = rows.into_iter().collect();
        assert_eq!(transactions.len(), count, "no key twice");
        transactions
    }

    fn channel_rows(&self, sql: &str) -> Result<Vec<(String, String)>, String> {
        if let Some(file) = self.database.strip_prefix("sqlite:") {
            let read = || -> rusqlite::Result<Vec<(String, String)>> {
                let database = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                let mut statement = database.prepare(sql)?;
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            };
            return read().map_err(|error| error.to_string());
        }
        let read = || postgres::Client::connect(&self.database, postgres::NoTls)?.query(sql, &[]);
        let rows = read().map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

fn start_scale_unit(folder: &Path, database: &str, headquarters: &str, listen: &str) -> Server {
    let at = |name: &str| folder.join(name).display().to_string();
    let (url, credentials, packages) = (format!("http://{headquarters}"), at("north.toml"), at("north-packages"));
    let connection = ["--headquarters", &url, "--credentials", &credentials, "--packages", &packages];
    Server::start(listen, &[&["scale-unit", "--database", database], connection.as_slice()].concat())
}
