//! `evertill hq schedule|package|transaction|audit`: distribution, and what came in.

use clap::Subcommand;
use serde_json::{Value, json};

use super::super::out::{self, Failure};
use super::{Hq, done, records, table};
use crate::headquarters::{Extent, Made, Ran};
use crate::package::{Kind, Manifest};

#[derive(Subcommand)]
pub(super) enum ScheduleCommand {
    /// All jobs, when they run by themselves and when they ran last
    List,
    /// Run a job now: 1040 products … 9999 all
    Run {
        /// Its number
        #[arg(value_parser = job_number)]
        job: u32,
        /// At this store alone
        #[arg(long, value_name = "NUMBER")]
        store: Option<String>,
        /// Everything, not only changes
        #[arg(long)]
        full: bool,
    },
    /// Say when a job runs by itself
    Set {
        /// Its number
        #[arg(value_parser = job_number)]
        job: u32,
        /// Such as 15m or 2h
        #[arg(long, value_name = "TIME")]
        every: Option<String>,
        /// By the store's clock, such as 02:30
        #[arg(long, value_name = "HH:MM")]
        daily: Option<String>,
        /// Only by hand
        #[arg(long, conflicts_with_all = ["every", "daily"])]
        off: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum PackageCommand {
    /// The newest packages and what became of each at every database
    List {
        /// Of this store alone
        #[arg(long, value_name = "NUMBER")]
        store: Option<String>,
        /// So many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// One package
    Show {
        /// Its number
        id: u64,
    },
}

#[derive(Subcommand)]
pub(super) enum TransactionCommand {
    /// The newest transactions
    List {
        /// Of this store alone
        #[arg(long, value_name = "NUMBER")]
        store: Option<String>,
        /// So many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// One transaction, as its register wrote it
    Show {
        /// Its key
        id: String,
    },
    /// How many there are, events included
    Count {
        /// Of this store alone
        #[arg(long, value_name = "NUMBER")]
        store: Option<String>,
    },
    /// What could not be taken, and why
    SetAside,
}

#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// The newest changes
    List {
        /// So many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
}

fn job_number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "expected a job's number, such as 1040; `evertill hq schedule list` names them all".to_owned())
}

pub(super) fn schedule(hq: &Hq, what: &ScheduleCommand) -> Result<(), Failure> {
    match what {
        ScheduleCommand::List => {
            let runs = hq.headquarters.schedules()?;
            if hq.json {
                return out::json(&runs);
            }
            let row = |run: &crate::headquarters::ScheduledRun| {
                let last_run = run.last_run.map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string());
                vec![run.job.to_string(), run.name.to_owned(), run.store.clone(), run.schedule.clone(), last_run]
            };
            table::write(&["job", "name", "store", "schedule", "last run (UTC)"], &runs.iter().map(row).collect::<Vec<_>>())
        }
        ScheduleCommand::Run { job, store, full } => {
            let extent = if *full { Extent::Full } else { Extent::Changes };
            run(hq, *job, store.as_deref(), extent)
        }
        ScheduleCommand::Set { job, every, daily, off } => {
            let minutes = every.as_deref().map(minutes).transpose()?.unwrap_or_default();
            let active = if *off { "no" } else { "yes" };
            let said = [("every_minutes", minutes.as_str()), ("daily_at", daily.as_deref().unwrap_or_default()), ("active", active)];
            if !off && said[..2].iter().all(|(_, text)| text.is_empty()) {
                return Err(Failure::usage("expected --every TIME, --daily HH:MM or --off"));
            }
            let (kind, key) = (records::kind("schedule")?, job.to_string());
            match hq.headquarters.get(kind, &key) {
                Ok(_) => hq.headquarters.set(&hq.who, kind, &key, &said)?,
                Err(_) => hq.headquarters.add(&hq.who, kind, &[&[("job", key.as_str())], &said[..]].concat())?,
            };
            done(hq, &json!({ "job": job }), &format!("the schedule of job {job} is set; headquarters' server runs it"))
        }
    }
}

/// Runs a job and tells of each store, of one among several that fails too; then it is a failure, however many did not.
fn run(hq: &Hq, job: u32, store: Option<&str>, extent: Extent) -> Result<(), Failure> {
    let (mut written, mut documents) = (Ok(()), Vec::new());
    let mut tell = |Ran { store: ran_at, made }: &Ran| {
        if store.is_some() && made.is_err() {
            return;
        }
        let (line, document) = match made {
            Ok(Made { package: Some(manifest), .. }) => {
                (format!("package {}", in_words(manifest)), json!({ "store": ran_at, "package": manifest }))
            }
            Ok(Made { package: None, .. }) => ("nothing has changed".to_owned(), json!({ "store": ran_at, "package": null })),
            Err(error) => (format!("failed: {error}"), json!({ "store": ran_at, "error": error.to_string() })),
        };
        documents.push(document);
        if !hq.json && written.is_ok() {
            written = out::line(format_args!("store {ran_at}: {line}"));
        }
    };
    let ran = hq.headquarters.run_job_telling(&hq.who, job, store, extent, &mut tell);
    written?;
    if hq.json && !documents.is_empty() {
        out::json(&documents)?;
    }
    Ok(ran.map(drop)?)
}

fn minutes(text: &str) -> Result<String, Failure> {
    let (number, unit) =
        text.split_at(text.len() - text.chars().next_back().filter(|unit| !unit.is_ascii_digit()).map_or(0, char::len_utf8));
    let factor = match unit {
        "m" => Some(1),
        "h" => Some(60),
        "d" => Some(24 * 60),
        _ => None,
    };
    let minutes = factor.zip(number.parse::<u32>().ok()).and_then(|(factor, number)| number.checked_mul(factor));
    minutes.map(|minutes| minutes.to_string()).ok_or_else(|| Failure::usage(format!("--every {text}: expected such as 15m, 2h or 1d")))
}

fn in_words(manifest: &Manifest) -> String {
    let kind = match manifest.kind {
        Kind::Full => "full".to_owned(),
        Kind::Delta { from_version } => format!("delta from version {from_version}"),
    };
    format!("{}, {kind} to version {}, {} rows, {} bytes", manifest.id, manifest.to_version, manifest.rows, manifest.bytes)
}

pub(super) fn package(hq: &Hq, what: &PackageCommand) -> Result<(), Failure> {
    match what {
        PackageCommand::List { store, limit } => {
            let packages = hq.headquarters.packages(store.as_deref(), *limit)?;
            if hq.json {
                return out::json(&packages);
            }
            let mut rows = Vec::new();
            for package in &packages {
                let manifest = &package.manifest;
                let kind = if manifest.kind == Kind::Full { "full" } else { "delta" };
                let of_package = [
                    manifest.id.to_string(),
                    manifest.group.clone(),
                    manifest.job.to_string(),
                    kind.to_owned(),
                    manifest.to_version.to_string(),
                    manifest.rows.to_string(),
                    manifest.bytes.to_string(),
                ];
                for state in &package.targets {
                    let of_state = [state.target.clone(), format!("{:?}", state.status).to_lowercase(), state.reason.clone()];
                    rows.push(of_package.iter().cloned().chain(of_state).collect::<Vec<_>>());
                }
            }
            table::write(&["package", "store", "job", "kind", "version", "rows", "bytes", "database", "status", "reason"], &rows)
        }
        PackageCommand::Show { id } => {
            let packages = hq.headquarters.packages(None, u32::MAX)?;
            let package = packages.into_iter().find(|package| package.manifest.id == *id);
            let package =
                package.ok_or_else(|| Failure::found(format!("there is no package {id}")).with_hint("`evertill hq package list`"))?;
            pretty(hq, &serde_json::to_value(&package).map_err(Failure::found)?)
        }
    }
}

pub(super) fn transaction(hq: &Hq, what: &TransactionCommand) -> Result<(), Failure> {
    match what {
        TransactionCommand::List { store, limit } => {
            let transactions = hq.headquarters.transactions(store.as_deref(), *limit)?;
            if hq.json {
                return out::json(&transactions);
            }
            let row = |row: &crate::headquarters::TransactionRow| {
                let receipt = row.receipt.map(|receipt| receipt.to_string()).unwrap_or_default();
                let register = format!("{}-{}", row.store, row.register);
                let total = row.total.clone().unwrap_or_default();
                vec![row.recorded_at.clone(), register, row.sequence.to_string(), receipt, row.kind.clone(), total, row.id.clone()]
            };
            let names = ["recorded at", "register", "sequence", "receipt", "kind", "total", "id"];
            table::write(&names, &transactions.iter().map(row).collect::<Vec<_>>())
        }
        TransactionCommand::Show { id } => {
            let text = hq.headquarters.transaction(id)?;
            if hq.json { out::line(text) } else { pretty(hq, &serde_json::from_str(&text).map_err(Failure::found)?) }
        }
        TransactionCommand::Count { store } => {
            let count = hq.headquarters.transaction_count(store.as_deref())?;
            done(hq, &json!({ "transactions": count }), &count.to_string())
        }
        TransactionCommand::SetAside => {
            let kept = hq.headquarters.set_aside()?;
            if hq.json {
                return out::json(&kept);
            }
            let row = |kept: &crate::headquarters::SetAside| {
                vec![kept.received_at.clone(), kept.store.clone(), kept.id.clone(), kept.reason.clone()]
            };
            table::write(&["received at", "store", "id", "reason"], &kept.iter().map(row).collect::<Vec<_>>())
        }
    }
}

pub(super) fn audit(hq: &Hq, what: &AuditCommand) -> Result<(), Failure> {
    let AuditCommand::List { limit } = what;
    let entries = hq.headquarters.audit(*limit)?;
    if hq.json {
        return out::json(&entries);
    }
    let row = |entry: &crate::headquarters::AuditEntry| {
        let fields = |content: &Option<serde_json::Map<String, Value>>| {
            content.clone().map(|content| Value::Object(content).to_string()).unwrap_or_default()
        };
        let at = entry.at.format("%Y-%m-%d %H:%M:%S").to_string();
        vec![at, entry.who.clone(), entry.what.clone(), entry.kind.clone(), entry.key.clone(), fields(&entry.before), fields(&entry.after)]
    };
    table::write(&["at (UTC)", "who", "what", "kind", "key", "before", "after"], &entries.iter().map(row).collect::<Vec<_>>())
}

fn pretty(hq: &Hq, document: &Value) -> Result<(), Failure> {
    if hq.json { out::json(document) } else { out::line(serde_json::to_string_pretty(document).map_err(Failure::found)?) }
}
