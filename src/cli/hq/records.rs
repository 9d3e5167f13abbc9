//! `evertill hq KIND …`: records of any kind, by the one table of kinds.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::{Value, json};

use super::super::out::{self, Failure};
use super::{Common, Hq, done, pin, register_id, table};
use crate::headquarters::Record;
use crate::headquarters::kinds::{KINDS, Kind, Type};
use crate::private;

/// Rows of a table unless more are asked for.
const ROWS: usize = 1_000;

#[derive(Parser)]
#[command(name = "evertill hq KIND", disable_version_flag = true)]
struct RecordArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// All of them
    List {
        /// So many at most
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// One of them, all its fields
    Show {
        /// Its key
        key: String,
    },
    /// A new one
    Add {
        /// Its key, and its fields as name=value; name=@FILE takes a file's text
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Change fields of one
    Set {
        /// Its key
        key: String,
        /// name=value; nothing after the = takes a field back to what it says by itself
        #[arg(required = true)]
        fields: Vec<String>,
    },
    /// Remove one that no other record needs
    Remove {
        /// Its key
        key: String,
    },
    /// All of them as CSV, as `import` takes it; secrets are left out
    Export {
        /// Where it goes; absent: standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Of a register: a code that makes a machine this register, good for one device and for a day
    ActivationCode {
        /// Such as 343-2
        register: String,
    },
    /// Of a worker: set the PIN, from standard input
    Pin {
        /// The personnel number
        number: String,
    },
}

/// Does what the words say; the first is the kind.
pub(super) fn run(outer: &Common, words: Vec<String>) -> Result<(), Failure> {
    let name = words.first().cloned().unwrap_or_default();
    let kind = kind(&name)?;
    let RecordArgs { common, verb } = read(kind, words);
    let common = Common {
        database: common.database.or_else(|| outer.database.clone()),
        keys: common.keys.or_else(|| outer.keys.clone()),
        json: common.json || outer.json,
    };
    let hq = Hq::open(&common)?;
    match verb {
        Verb::List { limit } => list(&hq, kind, limit),
        Verb::Show { key } => show(&hq, kind, &hq.headquarters.get(kind, &key)?),
        Verb::Add { words } => {
            let (key, fields): (Vec<_>, Vec<_>) = words.iter().partition(|word| !word.contains('='));
            let ([] | [_]) = key.as_slice() else {
                return Err(Failure::usage(format!("{}: expected one key, all else as name=value", key[1])));
            };
            let mut said: Vec<(String, String)> =
                key.iter().flat_map(|key| kind.fields_of_key(key)).map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
            said.extend(fields_of(fields)?);
            show(&hq, kind, &hq.headquarters.add(&hq.who, kind, &borrowed(&said))?)
        }
        Verb::Set { key, fields } => {
            let said = fields_of(fields.iter())?;
            show(&hq, kind, &hq.headquarters.set(&hq.who, kind, &key, &borrowed(&said))?)
        }
        Verb::Remove { key } => {
            hq.headquarters.remove(&hq.who, kind, &key)?;
            done(&hq, &json!({ "removed": key }), &format!("{} {key} is removed", kind.name))
        }
        Verb::Export { out } => export(&hq, kind, out.as_deref()),
        Verb::ActivationCode { register } if kind.name == "register" => {
            let code = hq.headquarters.activation_code(&hq.who, &register_id(&register)?)?;
            done(&hq, &json!({ "register": register, "code": code.reveal() }), code.reveal())
        }
        Verb::Pin { number } if kind.name == "staff" => {
            hq.headquarters.set_pin(&hq.who, &number, &pin::read(&number)?)?;
            done(&hq, &json!({ "staff": number }), &format!("the PIN of {number} is set; it holds at the stores after job 1060"))
        }
        Verb::ActivationCode { .. } | Verb::Pin { .. } => Err(Failure::usage(format!("a {} has no such thing", kind.name))),
    }
}

/// What the words say; the help names what the kind has.
fn read(kind: &Kind, words: Vec<String>) -> RecordArgs {
    let hidden = [("activation-code", "register"), ("pin", "staff")].into_iter().filter(|(_, of)| kind.name != *of);
    let whole = RecordArgs::command().about(kind.about).bin_name(format!("evertill hq {}", kind.name));
    let command = hidden.fold(whole, |command, (verb, _)| command.mut_subcommand(verb, |verb| verb.hide(true)));
    RecordArgs::from_arg_matches(&command.get_matches_from(words)).unwrap_or_else(|error| error.exit())
}

/// The kind of a name.
pub(super) fn kind(name: &str) -> Result<&'static Kind, Failure> {
    Kind::named(name).ok_or_else(|| {
        let likeness = |kind: &&Kind| strsim::jaro_winkler(name, kind.name);
        let nearest = KINDS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|kind| likeness(kind) > 0.75);
        let failure = Failure::usage(format!("there is no kind of record {name:?}"));
        match nearest {
            Some(kind) => failure.with_hint(format!("did you mean {}?", kind.name)),
            None => failure.with_hint("`evertill hq --help` names them all"),
        }
    })
}

/// All records of a kind.
pub(super) fn list(hq: &Hq, kind: &'static Kind, limit: Option<usize>) -> Result<(), Failure> {
    let most = limit.unwrap_or(if hq.json { usize::MAX } else { ROWS });
    let (mut records, mut all) = (Vec::new(), 0_usize);
    hq.headquarters.each(kind, &mut |record| {
        all += 1;
        if records.len() < most {
            records.push(record);
        }
        Ok(())
    })?;
    if hq.json {
        return out::json(&records.into_iter().map(document).collect::<Vec<_>>());
    }
    let fields: Vec<_> =
        kind.fields.iter().filter(|field| !matches!(field.of, Type::Document | Type::Taxes | Type::Patterns | Type::Secret)).collect();
    let names: Vec<&str> = ["key"].into_iter().chain(fields.iter().map(|field| field.name)).collect();
    let row = |record: &Record| {
        let cells = fields.iter().map(|field| field.of.text(record.content.get(field.name).unwrap_or(&Value::Null)));
        [record.key.clone()].into_iter().chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = records.iter().map(row).collect();
    table::write(&names, &rows)?;
    if all > rows.len() { out::line(format_args!("and {} more: --limit {all} shows all", all - rows.len())) } else { Ok(()) }
}

fn show(hq: &Hq, kind: &'static Kind, record: &Record) -> Result<(), Failure> {
    if hq.json {
        return out::json(&document(record.clone()));
    }
    let width = kind.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
    kind.fields.iter().try_for_each(|field| match record.content.get(field.name) {
        Some(value) => out::line(format_args!("{:<width$}  {}", field.name, field.of.text(value))),
        None => Ok(()),
    })
}

fn document(record: Record) -> Value {
    let mut content = record.content;
    content.insert("key".to_owned(), record.key.into());
    Value::Object(content)
}

fn export(hq: &Hq, kind: &'static Kind, path: Option<&Path>) -> Result<(), Failure> {
    let fields: Vec<_> = kind.fields.iter().filter(|field| field.of != Type::Secret).collect();
    let to: Box<dyn Write> = match path {
        Some(path) => Box::new(private::create(path).map_err(|error| Failure::found(format!("{}: {error}", path.display())))?),
        None => Box::new(io::stdout().lock()),
    };
    let mut csv = csv::Writer::from_writer(io::BufWriter::new(to));
    let mut written = csv.write_record(fields.iter().map(|field| field.name));
    hq.headquarters.each(kind, &mut |record| {
        if written.is_ok() {
            written = csv.write_record(fields.iter().map(|field| field.of.text(record.content.get(field.name).unwrap_or(&Value::Null))));
        }
        Ok(())
    })?;
    out::written(written.map_err(io::Error::from).and_then(|()| csv.flush()))
}

/// `name=value`, or `name=@FILE`.
fn fields_of<'w>(words: impl IntoIterator<Item = &'w String>) -> Result<Vec<(String, String)>, Failure> {
    let field = |word: &String| {
        let (name, text) = word.split_once('=').ok_or_else(|| Failure::usage(format!("{word:?} is no field, expected name=value")))?;
        let text = match text.strip_prefix('@') {
            Some(file) => std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{file}: {error}")))?,
            None => text.to_owned(),
        };
        Ok((name.to_owned(), text))
    };
    words.into_iter().map(field).collect()
}

fn borrowed(said: &[(String, String)]) -> Vec<(&str, &str)> {
    said.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}
