//! A chain of three real processes, from an empty folder: headquarters, a scale unit and a register, each killed or cut off once.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/postgres.rs"]
mod postgres;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/raw_http.rs"]
mod raw_http;
#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/terminal.rs"]
mod terminal;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use evertill::clock::SystemClock;
use evertill::headquarters::Headquarters;
use regex::Regex;
use terminal::{Start, keys};

const CHEESE: &str = "2900008197659";

/// Sold in the year of baskets, and not in the sample store.
const OF_THE_YEAR: &str = "2900008190483";

#[test]
fn from_an_empty_folder_sales_reach_headquarters_once() {
    let folder = tempfile::tempdir().unwrap();
    let database = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    sells_through_an_outage(folder.path(), &database("headquarters.db"), &database("channel.db"));
}

#[test]
fn from_empty_postgresql_databases_sales_reach_headquarters_once() {
    let (Some(headquarters), Some(channel)) = (postgres::Database::new(), postgres::Database::new()) else { return };
    sells_through_an_outage(tempfile::tempdir().unwrap().path(), &headquarters.url, &channel.url);
}

/// Sets a store up with three processes, sells while two of them are dead, and finds every sale at headquarters.
fn sells_through_an_outage(folder: &Path, database: &str, channel: &str) {
    let at = |name: &str| folder.join(name);
    let keys_file = at("headquarters.keys").display().to_string();
    let hq = |args: &[&str]| administer(database, &keys_file, args);
    hq(&["import", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sample-store")]);
    hq(&["import", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/journey-343/products.csv")]);
    hq(&["register", "set", "343-2", "support_offline=yes"]);
    hq(&["schedule", "run", "9999"]);
    let credentials = at("scale-unit.toml").display().to_string();
    hq(&["scale-unit", "add", "riverside", "--store", "343", "--out", &credentials]);

    let office = |listen: &str| Server::start(&["headquarters", "--listen", listen, "--database", database, "--keys", &keys_file]);
    let mut headquarters = office("127.0.0.1:0");
    let url = format!("http://{}", headquarters.address);
    let unit = |listen: &str| {
        Server::start(&["scale-unit", "--listen", listen, "--database", channel, "--headquarters", &url, "--credentials", &credentials])
    };
    let mut scale_unit = unit("127.0.0.1:0");

    while raw_http::exchange(scale_unit.address, "GET", "/ready", "", "").status != 200 {
        std::thread::yield_now();
    }
    let code = hq(&["register", "activation-code", "343-2"]);
    let code = Regex::new("[A-Z2-9]{4}(-[A-Z2-9]{4}){3}").unwrap().find(&code).expect("a code").as_str().to_owned();
    let mut till = Start::register(&at("register"))
        .arg("--scale-unit", format!("http://{}", scale_unit.address))
        .arg("--activation-code", &code)
        .open();
    let signed_in = till.sign_in();
    assert!(signed_in.contains("Register 2") && signed_in.contains("ONLINE"), "{signed_in}");
    till.wait_for_file(&at("register").join("offline.db"));

    headquarters.kill();
    scale_unit.kill();
    till.enter(CHEESE);
    till.wait_until("the product, from the packages", |shown| shown.contains("NATURAL CHEESE") && shown.contains("OFFLINE"));
    till.enter(OF_THE_YEAR);
    till.wait_for("2 lines");
    till.type_in(keys::F9);
    till.wait_for("Amount given in USD");
    till.enter("20");
    till.wait_for("SOLD · receipt 343-2-000001");

    let _headquarters = office(&headquarters.address.to_string());
    let _scale_unit = unit(&scale_unit.address.to_string());
    till.wait_until_true("the scale unit is ready", || raw_http::exchange(scale_unit.address, "GET", "/ready", "", "").status == 200);
    till.type_in(keys::F12);
    till.wait_for("Connect");
    till.type_in(keys::ENTER);
    till.wait_for("● ONLINE");
    till.enter(CHEESE);
    till.wait_for("NATURAL CHEESE");
    till.type_in(keys::F9);
    till.wait_for("Amount given in USD");
    till.enter("20");
    till.wait_for("SOLD · receipt 343-2-000002");

    let office = Headquarters::open(database, Some(Path::new(&keys_file)), Arc::new(SystemClock::default())).unwrap();
    let receipts = || {
        let rows = office.transactions(Some("343"), 100).unwrap();
        let mut receipts: Vec<String> = rows.into_iter().filter_map(|row| row.receipt).map(|receipt| receipt.to_string()).collect();
        receipts.sort();
        receipts
    };
    till.wait_until_true("both sales are at headquarters", || receipts().len() == 2);
    assert_eq!(receipts(), ["1", "2"]);
    assert_eq!(office.set_aside().unwrap(), []);
}

/// Runs `evertill hq`, which must succeed, and returns what it says.
fn administer(database: &str, keys_file: &str, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertill"));
    let run = command.args(["hq", "--database", database, "--keys", keys_file]).args(args).output().unwrap();
    assert!(run.status.success(), "{args:?}: {}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// A process that serves.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut process =
            Command::new(env!("CARGO_BIN_EXE_evertill")).args(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{args:?}: {line:?}"));
        Self { address: address.parse().unwrap(), process }
    }

    /// Without a word.
    fn kill(&mut self) {
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
