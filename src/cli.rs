//! The command line: what it takes, and the exit status it ends with (0 done, 1 a failure was found, 2 wrong usage or a bad file).

mod demo;
mod doctor;
mod headquarters;
mod hq;
mod journal;
mod log;
mod operations;
mod out;
mod profile;
mod register;
mod replay;
mod scale_unit;
mod server;
mod simulate;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::signature::VerifyingKey;

/// The variable that names a database where the command line does not.
const DATABASE: &str = "EVERTILL_DATABASE";

/// A cashier's till for the terminal that never stops selling and never loses a sale.
///
/// Without a command it opens the register. With no scale unit configured it starts one inside its own process, on the sample store.
#[derive(Parser)]
#[command(name = "evertill", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    register: RegisterArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Open the register
    Register(RegisterArgs),
    /// Play a tape: a scripted session, live or without a screen
    Demo(DemoArgs),
    /// Serve a store's registers
    ScaleUnit(ScaleUnitArgs),
    /// Serve a chain's scale units
    Headquarters(HeadquartersArgs),
    /// Look at a register's journal
    Journal {
        #[command(subcommand)]
        what: JournalCommand,
    },
    /// Check profile, databases, clock and scale unit; one line each, with what to do about what is wrong
    Doctor(RegisterArgs),
    /// The one table of operations
    Operations(OperationsArgs),
    /// Ring real baskets up on several registers through outages and kills, and compare everything afterwards
    Replay(ReplayArgs),
    /// Simulate a whole chain from one seed, with every fault, and check what must always hold
    Simulate(simulate::SimulateArgs),
    /// Administer headquarters: master data, registers, jobs, packages, devices
    Hq(hq::HqArgs),
    /// Check or print a register's profile
    Profile {
        #[command(subcommand)]
        what: ProfileCommand,
    },
    /// One register of a replay, in a process that may be killed
    #[command(hide = true)]
    ReplayRegister(ReplayRegisterArgs),
}

/// Which register, where.
#[derive(Args, Clone, Default)]
struct RegisterArgs {
    /// The register's profile; absent: the defaults (see `evertill profile print`)
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Directory of its journal, offline database and logs; absent: the platform's data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of the scale unit, such as <http://127.0.0.1:8443>; it wins over the profile's
    #[arg(long, value_name = "URL")]
    scale_unit: Option<String>,
    /// Headquarters' code that makes this device a register, where it is none yet; without it the screen asks
    #[arg(long, value_name = "CODE", env = "EVERTILL_ACTIVATION_CODE", hide_env_values = true)]
    activation_code: Option<String>,
    /// Speak with a scale unit on another machine without encryption
    #[arg(long)]
    allow_plain_http: bool,
}

#[derive(Args)]
#[command(after_long_help = demo::long_help())]
struct DemoArgs {
    /// A tape file, or the name of a built-in one
    tape: Option<String>,
    /// List the built-in tapes
    #[arg(long)]
    list: bool,
    /// Without a screen, in virtual time
    #[arg(long)]
    headless: bool,
    /// Play so many times as fast
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    speed: u32,
    /// The screen's size, such as 100x30
    #[arg(long, value_name = "COLSxROWS")]
    size: Option<String>,
    /// Write an asciicast (version 2)
    #[arg(long, value_name = "FILE.cast")]
    record: Option<PathBuf>,
    /// Where the tape's screenshots go
    #[arg(long, value_name = "DIR")]
    screenshots: Option<PathBuf>,
}

/// Where a server listens.
#[derive(Args)]
struct ListenArgs {
    /// Where to listen, such as 127.0.0.1:8443; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    listen: SocketAddr,
    /// The server's certificate and its chain, in a PEM file: it is spoken to over TLS alone
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Speak with other machines without encryption
    #[arg(long)]
    allow_plain_http: bool,
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8443".to_owned())
}

#[derive(Args)]
struct HeadquartersArgs {
    #[command(flatten)]
    listen: ListenArgs,
    /// Headquarters' database: sqlite:FILE or <postgres://USER@HOST/NAME>; a password is better kept in the variable than on the command line
    #[arg(long, value_name = "URL", env = DATABASE, hide_env_values = true)]
    database: String,
    /// The file of headquarters' secret keys, made at the first start; absent: beside the SQLite file
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

#[derive(Args)]
struct ScaleUnitArgs {
    #[command(flatten)]
    listen: ListenArgs,
    /// The channel database: sqlite:FILE or <postgres://USER@HOST/NAME>; a password is better kept in the variable than on the command line
    #[arg(long, value_name = "URL", env = DATABASE, hide_env_values = true)]
    database: String,
    /// Address of headquarters; absent: one on the sample store is started in this process, beside the database
    #[arg(long, value_name = "URL", requires = "credentials")]
    headquarters: Option<String>,
    /// The scale unit's credentials, as `evertill hq scale-unit add` wrote them
    #[arg(long, value_name = "FILE", requires = "headquarters")]
    credentials: Option<PathBuf>,
    /// The certificate authority of an https headquarters, in a PEM file; absent: the public authorities
    #[arg(long, value_name = "FILE", requires = "headquarters")]
    headquarters_ca: Option<PathBuf>,
    /// Where packages are kept for the registers; absent: beside the SQLite file, or in a temporary directory
    #[arg(long, value_name = "DIR")]
    packages: Option<PathBuf>,
}

#[derive(Subcommand)]
enum JournalCommand {
    /// All transactions, a line each
    List(JournalArgs),
    /// One transaction
    Show {
        /// Its id, or its receipt number
        id: String,
        #[command(flatten)]
        journal: JournalArgs,
    },
    /// Check the hash chain, the signatures and the numbers
    Verify {
        /// The register's public key, as headquarters was told it; may be repeated
        #[arg(long = "key", value_name = "KEY")]
        keys: Vec<VerifyingKey>,
        #[command(flatten)]
        journal: JournalArgs,
    },
    /// All transactions as one JSON document, or those set aside
    Export {
        /// Only those set aside: the scale unit refused them, or they cannot be read any more
        #[arg(long)]
        set_aside: bool,
        #[command(flatten)]
        journal: JournalArgs,
    },
}

#[derive(Args)]
struct JournalArgs {
    /// The register's data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct OperationsArgs {
    /// As a Markdown table
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// As one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ReplayArgs {
    /// The products
    #[arg(long, value_name = "FILE.csv")]
    products: PathBuf,
    /// The baskets
    #[arg(long, value_name = "FILE.csv")]
    baskets: PathBuf,
    /// How many registers share them
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    registers: u32,
    /// none · every=50,for=20 · hang=every 60 · cut=every 50 · kill=every 97 · several with commas; counted in each register's baskets
    ///
    /// every=50,for=20: after 50 baskets the network is down for 20.
    /// hang=every 60: in one basket of 60 the scale unit is reached, and never answers.
    /// cut=every 50: in one basket of 50 the answers are lost after the scale unit has done what was asked.
    /// kill=every 97: in one basket of 97 the register's process is killed, while it rings up, takes the payment or uploads.
    #[arg(long, value_name = "PATTERN", default_value = "none")]
    outages: crate::replay::Outages,
    /// What chance depends on
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where channel database and journals are kept; a replay goes on from what it finds there. Absent: a temporary directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A scale unit that runs already, such as <http://127.0.0.1:8443>; given several times, the registers share them in turn
    #[arg(long, value_name = "URL", requires = "database", value_parser = crate::replay::scale_unit_address)]
    scale_unit: Vec<SocketAddr>,
    /// Headquarters' code for a register of that chain; one for each, in order
    #[arg(long, value_name = "CODE", requires = "scale_unit")]
    activation_code: Vec<String>,
    /// That chain's channel database, for the comparison: sqlite:FILE or <postgres://USER@HOST/NAME>
    #[arg(long, value_name = "URL", requires = "scale_unit")]
    database: Option<String>,
    /// How long each register rests before a basket
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pace_ms: u64,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum ProfileCommand {
    /// Tell all that is wrong with a profile
    Check {
        /// The profile
        file: PathBuf,
    },
    /// Print the default profile
    Print,
}

#[derive(Args)]
struct ReplayRegisterArgs {
    #[arg(long)]
    number: u32,
    #[arg(long)]
    registers: u32,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    scale_unit: SocketAddr,
    #[arg(long)]
    activation_code: Option<String>,
    #[arg(long)]
    pace_ms: u64,
    #[arg(long)]
    outages: crate::replay::Outages,
    #[arg(long)]
    products: PathBuf,
    #[arg(long)]
    baskets: PathBuf,
    #[arg(long)]
    data: PathBuf,
}

/// Runs what the command line says.
pub fn main() -> ExitCode {
    let Cli { command, register } = Cli::parse();
    let result = match command.unwrap_or(Command::Register(register)) {
        Command::Register(args) => register::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::ScaleUnit(args) => scale_unit::run(&args),
        Command::Headquarters(args) => headquarters::run(&args),
        Command::Journal { what } => journal::run(&what),
        Command::Doctor(args) => doctor::run(&args),
        Command::Operations(args) => operations::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Hq(args) => hq::run(args),
        Command::Profile { what } => profile::run(&what),
        Command::ReplayRegister(args) => {
            replay::run_register(args);
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::failure(&failure);
            ExitCode::from(failure.status)
        }
    }
}
