//! Real baskets through two scale units over one PostgreSQL: a scale unit is killed again and again, the database's primary is lost once and
//! replaced by its standby, and every sale arrives once, unchanged.
//!
//! By itself it takes the first baskets, at a pace that leaves room for the kills. The whole year, as a release build rings it up:
//! `EVERTILL_REPLAY=year cargo test --release --test replay_postgres -- --nocapture`, which prints the outcome.

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

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use evertill::clock::SystemClock;
use evertill::headquarters::Headquarters;
use evertill::ids::RegisterId;
use evertill::replay;
use postgres_server::Pair;
use real_chain::{Server, basket_count, first_baskets, products_of, wait_until};
use serde_json::Value;

const REGISTERS: u32 = 8;

/// How much is rung up, and how often something dies.
struct Plan {
    baskets: usize,
    pace_ms: u64,
    kill_every: Duration,
    /// How many kills come before the primary's end.
    kills_before_failover: usize,
    /// How many there are to be at least.
    kills_min: usize,
}

impl Plan {
    fn of(environment: Option<&str>) -> Self {
        match environment {
            Some("year") => {
                Self { baskets: usize::MAX, pace_ms: 200, kill_every: Duration::from_secs(20), kills_before_failover: 2, kills_min: 3 }
            }
            Some(other) => panic!("EVERTILL_REPLAY is {other:?}, expected year or nothing"),
            None => Self { baskets: 400, pace_ms: 250, kill_every: Duration::from_secs(2), kills_before_failover: 2, kills_min: 3 },
        }
    }
}

#[test]
fn every_sale_arrives_once_though_scale_units_and_the_primary_die() {
    let Some(mut pair) = Pair::start() else { return };
    let database = pair.url();
    let plan = Plan::of(std::env::var("EVERTILL_REPLAY").ok().as_deref());
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let headquarters_url = format!("sqlite:{}", at("headquarters.db"));
    let office = Headquarters::open(&headquarters_url, None, Arc::new(SystemClock::default())).unwrap();
    let baskets = first_baskets(plan.baskets);
    fs::write(at("products.csv"), products_of(&baskets, plan.baskets)).unwrap();
    fs::write(at("baskets.csv"), &baskets).unwrap();
    let products = replay::products(Path::new(&at("products.csv"))).unwrap();
    replay::fill(&office, &products, REGISTERS).unwrap();
    let headquarters = Server::start("127.0.0.1:0", &["headquarters", "--database", &headquarters_url]);
    let url = format!("http://{}", headquarters.address);
    let scale_unit = |name: &str, listen: &str| {
        let (credentials, packages) = (at(&format!("{name}.toml")), at(&format!("{name}-packages")));
        let connection = ["--headquarters", &url, "--credentials", &credentials, "--packages", &packages];
        Server::start(listen, &[&["scale-unit", "--database", &database], connection.as_slice()].concat())
    };
    let names = ["north", "south"];
    for name in names {
        office.add_scale_unit("test", name, "343").unwrap().write(Path::new(&at(&format!("{name}.toml")))).unwrap();
    }
    let mut units = names.map(|name| scale_unit(name, "127.0.0.1:0"));
    for unit in &units {
        let address = unit.address.parse().unwrap();
        wait_until("a scale unit is ready", || raw_http::exchange(address, "GET", "/ready", "", "").status == 200);
    }

    let mut command = Command::new(env!("CARGO_BIN_EXE_evertill"));
    command.args(["replay", "--products", &at("products.csv"), "--baskets", &at("baskets.csv"), "--data", &at("data"), "--json"]);
    command.args(["--registers", &REGISTERS.to_string(), "--pace-ms", &plan.pace_ms.to_string(), "--database", &database]);
    for number in 1..=REGISTERS {
        let code = office.activation_code("test", &RegisterId { store: "343".to_owned(), number }).unwrap();
        command.args(["--activation-code", code.reveal()]);
    }
    for unit in &units {
        command.args(["--scale-unit", &format!("http://{}", unit.address)]);
    }
    let (ended, end) = channel();
    let run = std::thread::spawn(move || {
        let output = command.output().unwrap();
        // Nobody listens when the test has failed already.
        let _ = ended.send(());
        output
    });

    wait_until("sales arrive", || run.is_finished() || sales(&database) >= 8);
    let mut kills = 0;
    while end.recv_timeout(plan.kill_every) == Err(RecvTimeoutError::Timeout) {
        let unit = kills % units.len();
        units[unit].kill();
        if kills == plan.kills_before_failover {
            pair.kill_primary();
            pair.promote();
        }
        let address = units[unit].address.clone();
        units[unit] = scale_unit(names[unit], &address);
        kills += 1;
    }
    let output = run.join().unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    writeln!(std::io::stdout(), "{kills} kills of scale units\n{said}").unwrap();
    let outcome: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{told}"));
    assert!(output.status.success(), "{outcome}\n{told}");
    let count = |field: &str| outcome[field].as_u64().unwrap();
    for fault in ["mismatched_baskets", "duplicates", "missing", "altered", "receipt_gaps"] {
        assert_eq!(count(fault), 0, "{fault}: {outcome}");
    }
    let expected = basket_count(&baskets);
    assert_eq!((count("baskets"), count("uploaded")), (expected, expected), "{outcome}");
    assert!(kills >= plan.kills_min && count("switches") >= 2, "{kills} kills: {outcome}");
    wait_until("all sales are at headquarters", || {
        office.transactions(Some("343"), u32::MAX).unwrap().iter().filter(|row| row.receipt.is_some()).count() as u64 == expected
    });
    assert_eq!(office.set_aside().unwrap(), []);
}

/// How many sales the channel database has; none before its tables are there.
fn sales(database: &str) -> i64 {
    let read = || -> Result<i64, postgres::Error> {
        let row = postgres::Client::connect(database, postgres::NoTls)?
            .query_one("SELECT count(*) FROM transactions WHERE kind = 'sale'", &[])?;
        Ok(row.get(0))
    };
    read().unwrap_or(0)
}
