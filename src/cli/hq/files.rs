//! `evertill hq import`: files and folders of master data.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::super::out::{self, Failure};
use super::{Hq, table};
use crate::headquarters::kinds::{KINDS, Kind};
use crate::import::OnBadRow;

#[derive(Args)]
pub(super) struct ImportArgs {
    /// Files, or folders of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// What the rows leave open is this store's
    #[arg(long, value_name = "NUMBER")]
    store: Option<String>,
    /// Take the good rows of a file that has bad ones
    #[arg(long)]
    skip_bad: bool,
}

#[derive(Serialize)]
struct Row {
    file: String,
    new: u64,
    changed: u64,
    same: u64,
    bad: u64,
}

/// Imports file after file; each whole or not at all.
pub(super) fn import(hq: &Hq, args: &ImportArgs) -> Result<(), Failure> {
    let on_bad_row = if args.skip_bad { OnBadRow::Skip } else { OnBadRow::Refuse };
    let mut rows = Vec::new();
    for path in files(&args.paths)? {
        let name = path.display().to_string();
        let progress = progress(&path)?;
        let open = || Ok(Box::new(progress.wrap_read(File::open(&path)?)) as Box<dyn Read>);
        let imported = hq.headquarters.import(&hq.who, &name, &open, args.store.as_deref(), on_bad_row);
        progress.finish_and_clear();
        let imported = imported?;
        if !imported.bad.is_empty() {
            out::failure(&Failure::found(format!("{}\n{}", skipped(imported.bad.count()), imported.bad)));
        }
        rows.push(Row { file: name, new: imported.new, changed: imported.changed, same: imported.same, bad: imported.bad.count() });
    }
    if hq.json {
        return out::json(&rows);
    }
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| [row.file.clone()].into_iter().chain([row.new, row.changed, row.same, row.bad].map(|count| count.to_string())).collect())
        .collect();
    table::write(&["file", "new", "changed", "same", "bad"], &rows)
}

/// The bar stands on standard error, and nowhere when that is no terminal.
fn progress(path: &Path) -> Result<ProgressBar, Failure> {
    let length = fs::metadata(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?.len();
    let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {eta}").map_err(Failure::found)?;
    Ok(ProgressBar::new(length).with_style(style).with_message(path.display().to_string()))
}

fn skipped(bad_rows: u64) -> String {
    match bad_rows {
        1 => "1 bad row was skipped".to_owned(),
        more => format!("{more} bad rows were skipped"),
    }
}

/// The files named, and those of folders that hold master data, in the order in which they need each other.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let unreadable = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            found.extend(place(&file).map(|place| (place, file)));
        }
        if found.is_empty() {
            let hint = "such as products.csv, barcodes.csv, customers.csv, store.toml, staff.toml";
            return Err(Failure::usage(format!("{}: there is no file of master data", path.display())).with_hint(hint));
        }
        found.sort();
        files.extend(found.into_iter().map(|(_, file)| file));
    }
    Ok(files)
}

/// Where a file stands in that order; none when it holds no master data.
fn place(path: &Path) -> Option<usize> {
    let (stem, extension) = (path.file_stem()?.to_str()?, path.extension()?.to_str()?);
    match (stem, extension) {
        ("store", "toml") => Some(0),
        ("staff", "toml") => Some(1),
        (stem, "csv") => {
            let kind = Kind::of_file(stem)?;
            KINDS.iter().position(|known| known.name == kind.name).map(|place| place + 2)
        }
        _ => None,
    }
}
