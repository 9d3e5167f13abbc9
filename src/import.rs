//! Files of products, bar codes, customers and baskets, read into plain rows.
//!
//! Headquarters imports products, bar codes and customers, the replay reads baskets. Every fault of a file is found in one pass and
//! named by file, line and column. Nothing here writes to a database or rounds a price.

mod barcode;
mod basket;
mod customer;
pub(crate) mod field;
mod product;
mod table;

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

pub use barcode::BarcodeRow;
pub use basket::{Basket, BasketLine, Baskets};
pub use customer::CustomerRow;
pub use product::ProductRow;

use table::{Column, Record, Table};

/// What becomes of a file that has bad rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBadRow {
    /// Nothing of it is imported.
    Refuse,
    /// Its good rows are imported (`--skip-bad`).
    Skip,
}

/// The good rows of a file, and what was wrong with the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported<T> {
    /// In the file's order.
    pub rows: Vec<T>,
    /// Empty unless bad rows are skipped.
    pub bad: BadRows,
}

/// One fault in one row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {column}: {why}")]
pub struct BadRow {
    /// The file's name, as the caller gave it.
    pub file: Arc<str>,
    /// Counted from 1, the header; for a row of several lines its first.
    pub line: u64,
    /// The column's name in the header.
    pub column: String,
    /// What was found and what was expected.
    pub why: String,
}

/// The faults of a file; printed, the first hundred and how many more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BadRows {
    listed: Vec<BadRow>,
    unlisted: u64,
}

impl BadRows {
    /// The faults in the file's order; of a hopeless file the first hundred thousand.
    pub fn listed(&self) -> &[BadRow] {
        &self.listed
    }

    /// How many faults there are, listed or not.
    pub fn count(&self) -> u64 {
        self.listed.len() as u64 + self.unlisted
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    fn add(&mut self, fault: BadRow) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(fault);
        } else {
            self.unlisted += 1;
        }
    }

    fn append(&mut self, other: Self) {
        self.unlisted += other.unlisted;
        other.listed.into_iter().for_each(|fault| self.add(fault));
    }
}

impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printed = self.listed.len().min(PRINTED_MAX);
        let lines: Vec<String> = self.listed[..printed].iter().map(BadRow::to_string).collect();
        f.write_str(&lines.join("\n"))?;
        match self.count() - printed as u64 {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// A hundred thousand faults take some ten megabytes; a file with more is of another kind altogether.
const LISTED_MAX: usize = 100_000;

/// What a person reads before mending the file and trying again.
const PRINTED_MAX: usize = 100;

/// Why a file could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The header has unknown, repeated or missing columns; no row was read.
    #[error("{0}")]
    BadHeader(BadRows),
    /// Some rows are bad and bad rows are not skipped.
    #[error("{0}")]
    BadRows(BadRows),
    /// Larger than an import may be, or a single row is, as after a quote that is never closed.
    #[error("{file}:{line}: {what} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The file's name.
        file: Arc<str>,
        /// Where reading stopped.
        line: u64,
        /// The file or a row of it.
        what: &'static str,
        /// The limit.
        limit_bytes: u64,
    },
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Unreadable {
        /// The file's name.
        file: Arc<str>,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Reads `products.csv`. Product numbers and bar codes must be unique in it.
///
/// # Errors
/// See [`ImportError`].
pub fn products(file: &str, input: impl Read, on_bad_row: OnBadRow) -> Result<Imported<ProductRow>, ImportError> {
    read_all(file, input, on_bad_row)
}

/// Reads `barcodes.csv`: further codes of products. Whether its products exist is for the importing database to say.
///
/// # Errors
/// See [`ImportError`].
pub fn barcodes(file: &str, input: impl Read, on_bad_row: OnBadRow) -> Result<Imported<BarcodeRow>, ImportError> {
    read_all(file, input, on_bad_row)
}

/// Reads `customers.csv`. Customer numbers must be unique in it.
///
/// # Errors
/// See [`ImportError`].
pub fn customers(file: &str, input: impl Read, on_bad_row: OnBadRow) -> Result<Imported<CustomerRow>, ImportError> {
    read_all(file, input, on_bad_row)
}

/// Reads `baskets.csv` whole. [`Baskets`] reads one basket at a time.
///
/// A basket with a bad line is bad as a whole: without the line it would be another sale.
///
/// # Errors
/// See [`ImportError`].
pub fn baskets(file: &str, input: impl Read, on_bad_row: OnBadRow) -> Result<Imported<Basket>, ImportError> {
    collect(Baskets::open(file, input)?, on_bad_row)
}

/// Reads `baskets.csv` whole, as [`baskets`] does; a line of another product than these is bad.
///
/// # Errors
/// See [`ImportError`].
pub fn baskets_of(products: BTreeSet<String>, file: &str, input: impl Read, on_bad_row: OnBadRow) -> Result<Imported<Basket>, ImportError> {
    collect(Baskets::open(file, input)?.of(products), on_bad_row)
}

/// Reads any file row by row, in bounded memory. `columns` names what may stand in the header, and what must. `take` gets the cells of a row
/// that are not empty and says by column what is wrong with them; an error of it ends the reading. Returns all faults.
///
/// # Errors
/// See [`ImportError`]; bad rows are none here.
pub(crate) fn rows(
    file: &str,
    input: impl Read,
    columns: &[(&'static str, bool)],
    mut take: impl FnMut(&[(&'static str, String)]) -> Result<Vec<(String, String)>, ()>,
) -> Result<BadRows, ImportError> {
    let named: Vec<Column> =
        columns.iter().map(|(name, must)| if *must { Column::mandatory(name) } else { Column::optional(name) }).collect();
    let mut table = Table::<_, AnyRow>::open_with(file, input, &named)?;
    let mut bad = BadRows::default();
    let mut ended = false;
    while let Some(row) = table.next_row(|row| {
        let mut cells = Vec::with_capacity(columns.len());
        for (name, _) in columns {
            let text = row.cell(name)?;
            if !text.is_empty() {
                cells.push((*name, text));
            }
        }
        match take(&cells) {
            Ok(faults) => faults.into_iter().for_each(|(column, why)| _ = row.fault::<()>(&column, why)),
            Err(()) => ended = true,
        }
        Some(())
    }) {
        bad.append(row?.1);
        if ended {
            break;
        }
    }
    Ok(bad)
}

/// A row of a file whose columns are named by whoever reads it.
struct AnyRow;

impl Record for AnyRow {
    const COLUMNS: &'static [Column] = &[];

    fn read(_: &mut table::Row<'_>) -> Option<Self> {
        Some(Self)
    }
}

fn read_all<T: Record>(file: &str, input: impl Read, on_bad_row: OnBadRow) -> Result<Imported<T>, ImportError> {
    collect(Table::<_, T>::open(file, input)?, on_bad_row)
}

/// Gathers rows to the end of the file, so that all faults are known at once.
fn collect<T>(rows: impl Iterator<Item = Result<T, ImportError>>, on_bad_row: OnBadRow) -> Result<Imported<T>, ImportError> {
    let mut imported = Imported { rows: Vec::new(), bad: BadRows::default() };
    for row in rows {
        match row {
            Ok(row) => imported.rows.push(row),
            Err(ImportError::BadRows(bad)) => imported.bad.append(bad),
            Err(error @ (ImportError::BadHeader(_) | ImportError::TooLarge { .. } | ImportError::Unreadable { .. })) => {
                return Err(error);
            }
        }
    }
    match on_bad_row {
        OnBadRow::Refuse if !imported.bad.is_empty() => Err(ImportError::BadRows(imported.bad)),
        OnBadRow::Refuse | OnBadRow::Skip => Ok(imported),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "barcode,product_id,quantity\n";

    fn faults(result: Result<Imported<BarcodeRow>, ImportError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn every_fault_of_a_file_is_reported_at_once() {
        let file = format!("{HEADER}4011,1,1\n4006381333930,1,1\n,,0\n4012,2,1\n");
        assert_eq!(
            faults(barcodes("codes.csv", file.as_bytes(), OnBadRow::Refuse)),
            "codes.csv:3: barcode: bar code 4006381333930 ends in 0, expected check digit 1\n\
             codes.csv:4: barcode: is empty, expected a value\n\
             codes.csv:4: product_id: is empty, expected a value\n\
             codes.csv:4: quantity: \"0\" is out of range, expected more than 0 and at most 1000000",
        );
    }

    #[test]
    fn good_rows_are_returned_with_bad_ones_only_on_request() {
        let file = format!("{HEADER}4011,1,1\n4012,2,x\n4013,3,1\n");
        let imported = barcodes("codes.csv", file.as_bytes(), OnBadRow::Skip).unwrap();
        let good: Vec<&str> = imported.rows.iter().map(|row| row.barcode.as_str()).collect();
        assert_eq!(good, ["4011", "4013"]);
        assert_eq!((imported.bad.count(), imported.bad.listed()[0].line), (1, 3));
    }

    #[test]
    fn faults_beyond_the_hundredth_are_counted() {
        let file = format!("{HEADER}{}", "4011,,1\n".repeat(250));
        let printed = faults(barcodes("codes.csv", file.as_bytes(), OnBadRow::Refuse));
        assert_eq!(printed.lines().count(), 101);
        // The code is also repeated, from its second row on.
        assert!(printed.ends_with("and 399 more"), "{printed}");
    }

    #[test]
    fn the_list_of_faults_is_bounded_and_its_count_is_not() {
        let fault = BadRow { file: "f".into(), line: 1, column: "c".into(), why: "w".into() };
        let mut bad = BadRows::default();
        (0..LISTED_MAX + 7).for_each(|_| bad.add(fault.clone()));
        assert_eq!((bad.listed().len(), bad.count()), (LISTED_MAX, LISTED_MAX as u64 + 7));
        assert!(bad.to_string().ends_with("and 99907 more"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = products("f", &bytes[..], OnBadRow::Skip);
            let _ = baskets("f", &bytes[..], OnBadRow::Skip);
        }

        #[test]
        fn arbitrary_rows_under_a_good_header_never_panic(rows in "([0-9a-zé,.\"\n\r:-]|\u{0}|2017-01-01 18:18:48){0,200}") {
            for on_bad_row in [OnBadRow::Skip, OnBadRow::Refuse] {
                let _ = barcodes("f", format!("{HEADER}{rows}").as_bytes(), on_bad_row);
                let _ = customers("f", format!("number,name\n{rows}").as_bytes(), on_bad_row);
            }
        }
    }
}
