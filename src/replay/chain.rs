//! Headquarters of a replay: the sample store, selling other products to other limits on as many registers as are wanted.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::Path;
use std::time::Duration;

use super::{ReplayError, open};
use crate::chain::Chain;
use crate::headquarters::kinds::{ALL_JOBS, Kind};
use crate::headquarters::{Error, Extent, Headquarters};
use crate::ids::RegisterId;
use crate::import::{self, OnBadRow};
use crate::sample_store;

/// Who sets it up, in the audit.
const WHO: &str = "replay";
/// The store of the real baskets, and of the sample.
const STORE: &str = "343";
/// How long the last sales may take to headquarters.
const LAST_SALES_WAIT: Duration = Duration::from_mins(1);

/// Products, good and complete.
pub struct Products {
    /// What they are known by.
    pub(super) numbers: BTreeSet<String>,
    csv: Vec<u8>,
}

/// The products of a file. They may cost nothing: a basket's own price is keyed over theirs.
pub fn products(path: &Path) -> Result<Products, ReplayError> {
    let good = import::products(&path.to_string_lossy(), open(path)?, OnBadRow::Refuse)?.rows;
    let numbers = good.into_iter().map(|product| product.product_id).collect();
    let failed = |error: csv::Error| ReplayError::Failed(format!("{}: {error}", path.display()));
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(open(path)?);
    let mut out = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for (place, row) in rows.records().enumerate() {
        let mut row = row.map_err(failed)?;
        row.push_field(if place == 0 { "zero_price_valid" } else { "yes" });
        out.write_record(&row).map_err(failed)?;
    }
    Ok(Products { numbers, csv: out.into_inner().map_err(|error| ReplayError::Failed(error.to_string()))? })
}

/// Sets the store up and makes its packages: no tax, every line by itself, any price, and fuel by the thousandth of a gallon.
pub fn fill(headquarters: &Headquarters, products: &Products, registers: u32) -> Result<(), Error> {
    let texts = sample_store::FILES.iter().filter(|(file, _)| Path::new(file).extension().is_some_and(|kind| kind == "toml"));
    let files = texts.map(|(file, text)| (*file, text.as_bytes())).chain([("products.csv", products.csv.as_slice())]);
    for (file, bytes) in files {
        let bytes = || Ok(Box::new(Cursor::new(bytes.to_vec())) as Box<dyn Read>);
        headquarters.import(WHO, file, &bytes, None, OnBadRow::Refuse)?;
    }
    let limits = [("aggregate_items", "no"), ("maximum_quantity", "100000")];
    headquarters.set(WHO, kind("functionality-profile"), &format!("store-{STORE}"), &limits)?;
    let known: Vec<String> = headquarters.list(kind("register"))?.into_iter().map(|record| record.key).collect();
    for number in 1..=registers {
        let register = register(number);
        let offline = ("support_offline", "yes");
        if known.contains(&register.to_string()) {
            headquarters.set(WHO, kind("register"), &register.to_string(), &[offline])?;
        } else {
            headquarters.add(WHO, kind("register"), &[("store", STORE), ("number", &number.to_string()), offline])?;
        }
    }
    headquarters.run_job(WHO, ALL_JOBS, None, Extent::Full).map(drop)
}

/// One of the store's registers.
pub(super) fn register(number: u32) -> RegisterId {
    RegisterId { store: STORE.to_owned(), number }
}

/// How many sales headquarters has once its scale unit has nothing left for it.
pub(super) fn arrived(chain: &Chain) -> Result<u64, ReplayError> {
    chain.complete_a_round(LAST_SALES_WAIT);
    let rows = chain.headquarters().transactions(Some(STORE), u32::MAX).map_err(|error| ReplayError::Failed(error.to_string()))?;
    Ok(rows.iter().filter(|row| row.receipt.is_some()).count() as u64)
}

fn kind(name: &str) -> &'static Kind {
    Kind::named(name).expect("headquarters has it")
}
