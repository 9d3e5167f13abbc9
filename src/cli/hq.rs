//! `evertill hq`: administration of headquarters. Results are tables, or one JSON document with `--json`.

mod files;
mod jobs;
mod pin;
mod records;
mod table;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::DATABASE;
use super::out::{self, Failure};
use super::register::data_directory;
use crate::clock::SystemClock;
use crate::headquarters::kinds::{Editing, KINDS};
use crate::headquarters::{Error, Headquarters};
use crate::ids::RegisterId;

/// What `evertill hq` takes.
#[derive(Args)]
#[command(after_long_help = kinds())]
pub(super) struct HqArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: HqCommand,
}

/// Where headquarters is, and how to answer.
#[derive(Args, Clone, Default)]
struct Common {
    /// Headquarters' database: sqlite:FILE or postgres://…; absent: the one beside the sample store
    #[arg(long, value_name = "URL", env = DATABASE, hide_env_values = true, global = true)]
    database: Option<String>,
    /// The file of headquarters' secret keys; absent: beside the database's file
    #[arg(long, value_name = "FILE", global = true)]
    keys: Option<PathBuf>,
    /// One JSON document
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum HqCommand {
    /// Take in files, or all files of a folder; a file's name says what it holds, such as products.csv or store.toml
    Import(files::ImportArgs),
    /// Machines that are registers
    Device {
        #[command(subcommand)]
        what: DeviceCommand,
    },
    /// Servers of stores' registers
    ScaleUnit {
        #[command(subcommand)]
        what: ScaleUnitCommand,
    },
    /// Distribution jobs: when they run, and running them now
    Schedule {
        #[command(subcommand)]
        what: jobs::ScheduleCommand,
    },
    /// Packages and what became of them
    Package {
        #[command(subcommand)]
        what: jobs::PackageCommand,
    },
    /// Transactions that came in
    Transaction {
        #[command(subcommand)]
        what: jobs::TransactionCommand,
    },
    /// Who changed what
    Audit {
        #[command(subcommand)]
        what: jobs::AuditCommand,
    },
    /// KIND list|show|add|set|remove|export of any kind of record
    #[command(external_subcommand)]
    Record(Vec<String>),
}

#[derive(Subcommand)]
enum DeviceCommand {
    /// All registers and their devices
    List,
    /// Refuse a device from now on; what it still has to send is taken
    Deactivate {
        /// Such as 343-2
        register: String,
    },
    /// Give a lost or replaced machine up, so that another can be activated
    Reset {
        /// Such as 343-2
        register: String,
    },
}

#[derive(Subcommand)]
enum ScaleUnitCommand {
    /// Add one, and write its credentials to a file
    Add {
        /// Its name
        name: String,
        /// The store it serves
        #[arg(long, value_name = "NUMBER")]
        store: String,
        /// Where its credentials go, for its owner alone
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// All of them
    List,
    /// Refuse one from now on
    Remove {
        /// Its name
        name: String,
    },
}

/// Does it.
pub(super) fn run(args: HqArgs) -> Result<(), Failure> {
    let HqArgs { common, what } = args;
    let open = || Hq::open(&common);
    match what {
        HqCommand::Import(args) => files::import(&open()?, &args),
        HqCommand::Device { what } => device(&open()?, &what),
        HqCommand::ScaleUnit { what } => scale_unit(&open()?, &what),
        HqCommand::Schedule { what } => jobs::schedule(&open()?, &what),
        HqCommand::Package { what } => jobs::package(&open()?, &what),
        HqCommand::Transaction { what } => jobs::transaction(&open()?, &what),
        HqCommand::Audit { what } => jobs::audit(&open()?, &what),
        HqCommand::Record(words) => records::run(&common, words),
    }
}

/// Headquarters, who asks it, and how to answer.
struct Hq {
    headquarters: Headquarters,
    who: String,
    json: bool,
}

impl Hq {
    fn open(common: &Common) -> Result<Self, Failure> {
        let database = match &common.database {
            Some(database) => database.clone(),
            None => format!("sqlite:{}", data_directory(None)?.join("sample-store").join("headquarters.db").display()),
        };
        let headquarters = Headquarters::open(&database, common.keys.as_deref(), Arc::new(SystemClock::default()))?;
        let who = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok()).filter(|who| !who.is_empty());
        Ok(Self { headquarters, who: who.unwrap_or_else(|| "unknown".to_owned()), json: common.json })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = match &error {
            Error::Refused { .. } | Error::Import(_) => Self::usage(&error),
            Error::Missing { .. } | Error::File(_) | Error::Lost(_) | Error::Database(_) | Error::Untold(_) => Self::found(&error),
        };
        failure.with_hint(error.hint())
    }
}

fn device(hq: &Hq, what: &DeviceCommand) -> Result<(), Failure> {
    match what {
        DeviceCommand::List => records::list(hq, records::kind("device")?, None),
        DeviceCommand::Deactivate { register } => {
            hq.headquarters.deactivate_device(&hq.who, &register_id(register)?)?;
            done(hq, &json!({ "deactivated": register }), &format!("register {register} is deactivated; its store hears of it"))
        }
        DeviceCommand::Reset { register } => {
            hq.headquarters.reset_device(&hq.who, &register_id(register)?)?;
            let told =
                format!("register {register} can be activated on another machine: `evertill hq register activation-code {register}`");
            done(hq, &json!({ "reset": register }), &told)
        }
    }
}

fn scale_unit(hq: &Hq, what: &ScaleUnitCommand) -> Result<(), Failure> {
    match what {
        ScaleUnitCommand::List => records::list(hq, records::kind("scale-unit")?, None),
        ScaleUnitCommand::Add { name, store, out } => {
            if out.exists() {
                return Err(Failure::usage(format!("{}: this file exists and is left as it is", out.display())));
            }
            let credentials = hq.headquarters.add_scale_unit(&hq.who, name, store)?;
            credentials.write(out)?;
            done(
                hq,
                &json!({ "scale_unit": name, "store": store, "credentials": out }),
                &format!("credentials of {name} are in {}", out.display()),
            )
        }
        ScaleUnitCommand::Remove { name } => {
            hq.headquarters.remove_scale_unit(&hq.who, name)?;
            done(hq, &json!({ "removed": name }), &format!("scale unit {name} is refused from now on"))
        }
    }
}

fn done(hq: &Hq, document: &serde_json::Value, words: &str) -> Result<(), Failure> {
    if hq.json { out::json(document) } else { out::line(words) }
}

/// A register as people write it.
fn register_id(text: &str) -> Result<RegisterId, Failure> {
    let parts = text.rsplit_once('-').and_then(|(store, number)| Some((store, number.parse().ok()?)));
    let (store, number) = parts.ok_or_else(|| Failure::usage(format!("{text:?} is no register, expected STORE-NUMBER such as 343-2")))?;
    Ok(RegisterId { store: store.to_owned(), number })
}

fn kinds() -> String {
    let width = KINDS.iter().map(|kind| kind.name.len()).max().unwrap_or(0);
    let rows = KINDS.iter().map(|kind| {
        let by_itself = if kind.editing == Editing::Own { " (kept by headquarters itself)" } else { "" };
        format!("  {:<width$}  {}{by_itself}", kind.name, kind.about)
    });
    let rows: Vec<String> = rows.collect();
    format!("Kinds of record, each with `list`, `show`, `add`, `set`, `remove` and `export`:\n{}", rows.join("\n"))
}
