//! Files taken in: CSV of any kind of record, and the store's and staff's TOML files. Whole or not at all, unless bad rows are skipped.

mod toml_file;

use std::collections::HashMap;
use std::io::Read;

use super::Headquarters;
use super::audit;
use super::error::{Error, Result};
use super::kinds::{Content, Editing, FieldError, Kind, Presence, Type};
use super::records::{Edit, Outcome, Trail};
use crate::import::{self, BadRows, ImportError, OnBadRow};
use crate::sample_store;

/// Opens the file, once or again.
pub type Bytes<'b> = &'b dyn Fn() -> std::io::Result<Box<dyn Read>>;

/// What an import came to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Imported {
    /// Records that were not there.
    pub new: u64,
    /// Records that said something else.
    pub changed: u64,
    /// Records that said the same.
    pub same: u64,
    /// Rows that were skipped, and why.
    pub bad: BadRows,
}

impl Imported {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::New => self.new += 1,
            Outcome::Changed => self.changed += 1,
            Outcome::Same => self.same += 1,
        }
    }
}

impl Headquarters {
    /// Imports a file, whose name says what it holds: `products.csv`, `staff.toml` … With a store, what its rows leave open is this store's.
    pub fn import(&self, who: &str, file: &str, bytes: Bytes<'_>, store: Option<&str>, on_bad_row: OnBadRow) -> Result<Imported> {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let unreadable = |source| Error::Import(ImportError::Unreadable { file: file.into(), source });
        match (stem, extension) {
            ("store", "toml") => toml_file::store(self, who, file, bytes().map_err(unreadable)?, store),
            ("staff", "toml") => toml_file::staff(self, who, file, bytes().map_err(unreadable)?, store),
            (stem, "csv") => {
                let kind = Kind::of_file(stem).filter(|kind| kind.editing == Editing::Open);
                let kind = kind.ok_or_else(|| unknown(file))?;
                self.import_rows(who, &Rows { file, kind, bytes, store, on_bad_row })
            }
            _ => Err(unknown(file)),
        }
    }

    /// The sample store, as from its files; its registers have *Support offline* set to yes.
    pub fn import_sample_store(&self, who: &str) -> Result<()> {
        for (file, text) in sample_store::FILES {
            let bytes = || Ok(Box::new(text.as_bytes()) as Box<dyn Read>);
            self.import(who, file, &bytes, None, OnBadRow::Refuse)?;
        }
        let register = super::entities::own("register");
        for record in self.list(register)? {
            self.set(who, register, &record.key, &[("support_offline", "yes")])?;
        }
        Ok(())
    }

    /// Rows are read again without those whose codes stand for two products: that is known once all of them are there.
    fn import_rows(&self, who: &str, rows: &Rows<'_>) -> Result<Imported> {
        let mut of_two = HashMap::new();
        for _ in 1..PASSES_MAX {
            let mut found = HashMap::new();
            let imported = self.edit(who, |edit| {
                let read = rows.put_all(edit, &of_two)?;
                found = edit.codes_of_two(rows.kind)?;
                if found.is_empty() { rows.concluded(edit, read) } else { Err(Error::refused("a code stands for two products", "")) }
            });
            if found.is_empty() {
                return imported;
            }
            of_two.extend(found);
        }
        self.edit(who, |edit| {
            let read = rows.put_all(edit, &of_two)?;
            rows.concluded(edit, read)
        })
    }
}

/// How often a file is read before it is refused as a whole: leaving a row out may bring another row's code to two products.
const PASSES_MAX: u32 = 8;

/// The rows of a file, and what to do with them.
struct Rows<'b> {
    file: &'b str,
    kind: &'static Kind,
    bytes: Bytes<'b>,
    store: Option<&'b str>,
    on_bad_row: OnBadRow,
}

impl Rows<'_> {
    /// Puts all that are good, save the records whose codes stand for two products.
    fn put_all(&self, edit: &mut Edit<'_, '_>, of_two: &HashMap<String, String>) -> Result<Imported> {
        let Self { file, kind, store, .. } = *self;
        let columns = kind.fields.iter().filter(|field| field.of != Type::Secret);
        let columns: Vec<(&'static str, bool)> =
            columns.map(|field| (field.name, field.presence == Presence::Required && !is_said(field.name, store))).collect();
        let by_default = store.and_then(|store| Some((store_field(kind)?, store)));
        edit.trail = Trail::Changed;
        let input = (self.bytes)().map_err(|source| ImportError::Unreadable { file: file.into(), source })?;
        let mut imported = Imported::default();
        let mut failure = None;
        let bad = import::rows(file, input, &columns, |cells| {
            let said = by_default.into_iter().chain(cells.iter().map(|(name, text)| (*name, text.as_str())));
            match put(edit, kind, said, of_two) {
                Ok(Ok(outcome)) => {
                    imported.count(outcome);
                    Ok(Vec::new())
                }
                Ok(Err(faults)) => Ok(faults.into_iter().map(|fault| (fault.field, fault.why)).collect()),
                Err(error) => {
                    failure = Some(error);
                    Err(())
                }
            }
        })?;
        failure.map_or(Ok(Imported { bad, ..imported }), Err)
    }

    /// Refuses what has bad rows, unless they are skipped, and notes the deed.
    fn concluded(&self, edit: &mut Edit<'_, '_>, imported: Imported) -> Result<Imported> {
        if self.on_bad_row == OnBadRow::Refuse && !imported.bad.is_empty() {
            return Err(ImportError::BadRows(imported.bad).into());
        }
        note(edit, self.file, &imported)?;
        Ok(imported)
    }
}

/// A row's own faults, or a failure that ends the import.
fn put<'t>(
    edit: &mut Edit<'_, '_>,
    kind: &'static Kind,
    said: impl Iterator<Item = (&'t str, &'t str)>,
    of_two: &HashMap<String, String>,
) -> Result<std::result::Result<Outcome, Vec<FieldError>>> {
    let content = match kind.read(Content::new(), said) {
        Ok(content) => content,
        Err(faults) => return Ok(Err(faults)),
    };
    if let Some(why) = of_two.get(&kind.key_of(&content)) {
        return Ok(Err(vec![FieldError { field: "barcode".to_owned(), why: why.clone() }]));
    }
    match edit.put(kind, &content) {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(Error::Refused { what, .. }) => {
            let key_field = kind.key_fields()[0].name;
            let named = what.split_once(": ").filter(|(field, _)| kind.field(field).is_some());
            let (field, why) = named.unwrap_or((key_field, &what));
            Ok(Err(vec![FieldError { field: field.to_owned(), why: why.to_owned() }]))
        }
        Err(error) => Err(error),
    }
}

fn note(edit: &mut Edit<'_, '_>, file: &str, imported: &Imported) -> Result<()> {
    let counts = [("new", imported.new), ("changed", imported.changed), ("same", imported.same), ("bad", imported.bad.count())];
    let particulars: Content = counts.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    audit::note_deed(edit, "import", "file", file, &particulars)
}

/// The field that says which store a record belongs to.
fn store_field(kind: &Kind) -> Option<&'static str> {
    ["stores", "store"].into_iter().find_map(|name| kind.field(name)).map(|field| field.name)
}

fn is_said(field: &str, store: Option<&str>) -> bool {
    field == "store" && store.is_some()
}

fn unknown(file: &str) -> Error {
    let what = format!("{file}: no kind of record has a file of this name");
    Error::refused(what, "such as products.csv, barcodes.csv, prices.csv, customers.csv, registers.csv, store.toml, staff.toml")
}
