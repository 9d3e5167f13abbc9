//! `evertill journal`: what a register has recorded, whether it is whole, and all of it for somebody else.

use std::io::{self, Write};

use serde::Serialize;

use super::out::{self, Failure};
use super::register::data_directory;
use super::{JournalArgs, JournalCommand};
use crate::journal::export::{Layout, Selection, export};
use crate::journal::verify::verify;
use crate::journal::{Entry, JournalError, Progress, Reader};
use crate::retail::transaction::{Content, Transaction};

/// Does it.
pub(super) fn run(what: &JournalCommand) -> Result<(), Failure> {
    match what {
        JournalCommand::List(args) => list(args),
        JournalCommand::Show { id, journal } => show(id, journal),
        JournalCommand::Verify(args) => check(args),
        JournalCommand::Export { set_aside, journal } => {
            let selection = if *set_aside { Selection::SetAside } else { Selection::All };
            let layout = if journal.json { Layout::Document } else { Layout::Lines };
            let mut out = io::BufWriter::new(io::stdout().lock());
            export(&open(journal)?, selection, layout, &mut out)?;
            out::written(out.flush())
        }
    }
}

fn open(args: &JournalArgs) -> Result<Reader, Failure> {
    Ok(Reader::open(&data_directory(args.data.as_deref())?)?)
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::found(&error).with_hint(error.hint())
    }
}

fn list(args: &JournalArgs) -> Result<(), Failure> {
    let mut rows = Vec::new();
    open(args)?.each(|entry| {
        rows.push(Row::of(&entry.transaction()?, &entry));
        Ok(())
    })?;
    if args.json {
        return out::json(&rows);
    }
    for row in rows {
        let receipt = row.receipt.map_or_else(|| "-".to_owned(), |receipt| receipt.to_string());
        out::line(format_args!(
            "{:>6}  {:>6}  {}  {:<11}  {:>12}  {:<9}  {}",
            row.sequence, receipt, row.recorded_at, row.kind, row.total, row.state, row.id
        ))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Row {
    sequence: u64,
    receipt: Option<u64>,
    id: String,
    recorded_at: String,
    kind: &'static str,
    total: String,
    offline: bool,
    state: &'static str,
}

impl Row {
    fn of(transaction: &Transaction, entry: &Entry) -> Self {
        Self {
            sequence: entry.sequence,
            receipt: transaction.receipt,
            id: transaction.id.to_string(),
            recorded_at: transaction.recorded_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            kind: transaction.kind(),
            total: match &transaction.content {
                Content::Sale(sale) | Content::VoidedSale(sale) => sale.totals().total.to_string(),
                Content::Event(_) => String::new(),
            },
            offline: transaction.offline,
            state: state(&entry.progress),
        }
    }
}

/// How far a transaction is on its way up, in a word.
fn state(progress: &Progress) -> &'static str {
    match progress {
        Progress::Waiting { .. } => "unsent",
        Progress::Sent { .. } => "sent",
        Progress::SetAside { .. } => "set aside",
    }
}

fn show(id: &str, args: &JournalArgs) -> Result<(), Failure> {
    let reader = open(args)?;
    let mut found = None;
    reader.each(|entry| {
        let transaction = entry.transaction()?;
        if transaction.id.to_string() == id || transaction.receipt.is_some_and(|receipt| receipt.to_string() == id) {
            found = Some((entry, transaction));
        }
        Ok(())
    })?;
    let Some((entry, transaction)) = found else {
        return Err(Failure::found(format!("the journal has no transaction {id}")).with_hint("`evertill journal list` names them all"));
    };
    if args.json {
        return out::line(entry.canonical);
    }
    let pretty = serde_json::to_string_pretty(&transaction).map_err(Failure::found)?;
    out::line(format_args!("{pretty}\nchain {}\n{}", entry.hash, state(&entry.progress)))
}

fn check(args: &JournalArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Report<'a> {
        transactions: u64,
        problems: &'a [String],
    }
    let verification = verify(&open(args)?);
    if args.json {
        out::json(&Report { transactions: verification.transactions, problems: &verification.problems })?;
    } else if verification.problems.is_empty() {
        out::line(format_args!("{} transactions, the chain is whole", verification.transactions))?;
    }
    if verification.problems.is_empty() { Ok(()) } else { Err(Failure::found(verification.problems.join("\n"))) }
}
