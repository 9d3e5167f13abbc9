//! `evertill journal`: what a register has recorded, whether it is whole, and all of it for somebody else.

use std::io::{self, Write};

use serde::Serialize;

use super::out::{self, Failure};
use super::register::data_directory;
use super::{JournalArgs, JournalCommand};
use crate::journal::export::{Layout, Selection, export};
use crate::journal::verify::{Verification, verify_by};
use crate::journal::{Entry, JournalError, Progress, Reader, Unreadable};
use crate::retail::transaction::{Content, Transaction};
use crate::signature::VerifyingKey;

/// Does it.
pub(super) fn run(what: &JournalCommand) -> Result<(), Failure> {
    match what {
        JournalCommand::List(args) => list(args),
        JournalCommand::Show { id, journal } => show(id, journal),
        JournalCommand::Verify { keys, journal } => check(keys, journal),
        JournalCommand::Export { set_aside, journal } => {
            let selection = if *set_aside { Selection::SetAside } else { Selection::All };
            let layout = if journal.json { Layout::Document } else { Layout::Lines };
            let mut out = io::BufWriter::new(io::stdout().lock());
            let (_, unreadable) = export(&open(journal)?, selection, layout, &mut out)?;
            out::written(out.flush())?;
            tell(&unreadable)
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

/// Hands each transaction that can be read to `visit`, and returns those that cannot.
fn each(reader: &Reader, mut visit: impl FnMut(Entry, Transaction)) -> Result<Vec<Unreadable>, Failure> {
    let mut senseless = Vec::new();
    let mut unreadable = reader.each(|entry| {
        match entry.transaction() {
            Ok(transaction) => visit(entry, transaction),
            Err(error) => senseless.push(Unreadable { sequence: entry.sequence, why: error.to_string() }),
        }
        Ok(())
    })?;
    unreadable.append(&mut senseless);
    unreadable.sort_by_key(|row| row.sequence);
    Ok(unreadable)
}

/// Tells of transactions that could not be read, after all that could.
fn tell(unreadable: &[Unreadable]) -> Result<(), Failure> {
    if unreadable.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = unreadable.iter().map(Unreadable::to_string).collect();
    Err(Failure::found(lines.join("\n")).with_hint("`evertill journal verify` tells what else is wrong"))
}

fn list(args: &JournalArgs) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let unreadable = each(&open(args)?, |entry, transaction| rows.push(Row::of(&transaction, &entry)))?;
    if args.json {
        out::json(&rows)?;
        return tell(&unreadable);
    }
    if !rows.is_empty() {
        out::line(format_args!(
            "{:>6}  {:>6}  {:<20}  {:<11}  {:>12}  {:<9}  id",
            "number", "receipt", "recorded at", "kind", "total", "state"
        ))?;
    }
    for row in rows {
        let receipt = row.receipt.map_or_else(|| "-".to_owned(), |receipt| receipt.to_string());
        out::line(format_args!(
            "{:>6}  {:>6}  {}  {:<11}  {:>12}  {:<9}  {}",
            row.sequence, receipt, row.recorded_at, row.kind, row.total, row.state, row.id
        ))?;
    }
    tell(&unreadable)
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
    let (mut found, mut of_sequence) = (None, None);
    let unreadable = each(&open(args)?, |entry, transaction| {
        if transaction.id.to_string() == id || transaction.receipt.is_some_and(|receipt| receipt.to_string() == id) {
            found = Some((entry, transaction));
        } else if entry.sequence.to_string() == id {
            of_sequence = Some(transaction.id);
        }
    })?;
    let Some((entry, transaction)) = found else {
        tell(&unreadable)?;
        if let Some(of_sequence) = of_sequence {
            let what = format!("the journal has no receipt {id}; in its sequence, {id} is {of_sequence}");
            return Err(Failure::found(what).with_hint(format!("`evertill journal show {of_sequence}`")));
        }
        return Err(Failure::found(format!("the journal has no transaction {id}")).with_hint("`evertill journal list` names them all"));
    };
    if args.json {
        return out::line(entry.canonical);
    }
    let pretty = serde_json::to_string_pretty(&transaction).map_err(Failure::found)?;
    let signature = entry.signature.as_deref().unwrap_or("none");
    out::line(format_args!("{pretty}\nchain {}\nsignature {signature}\n{}", entry.hash, state(&entry.progress)))
}

fn check(keys: &[VerifyingKey], args: &JournalArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Report<'a> {
        transactions: u64,
        problems: &'a [String],
        remarks: &'a [String],
    }
    let reader = Reader::open(&data_directory(args.data.as_deref())?).map_err(|error| {
        let is_damaged = matches!(error, JournalError::Corrupt { .. });
        let failure = Failure::from(error);
        if is_damaged { failure.with_hint("do not sell on it; keep the file and call support") } else { failure }
    })?;
    let Verification { transactions, problems, remarks } = verify_by(&reader, keys);
    if args.json {
        out::json(&Report { transactions, problems: &problems, remarks: &remarks })?;
    } else {
        if problems.is_empty() {
            out::line(format_args!("{transactions} transactions, the chain is whole"))?;
        }
        remarks.iter().try_for_each(out::line)?;
    }
    if problems.is_empty() { Ok(()) } else { Err(Failure::found(problems.join("\n"))) }
}
