//! Files that headquarters imports.

use std::cell::OnceCell;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use evertill::clock::{SharedClock, VirtualClock};
use evertill::headquarters::kinds::KINDS;
use evertill::headquarters::{Headquarters, Record};
use evertill::import::OnBadRow;

/// What headquarters has before: a store, a product and a customer.
const BEFORE: [(&str, &str); 4] = [
    ("store.toml", include_str!("../../fixtures/sample-store/store.toml")),
    ("products.csv", "product_id,name,unit_price,tax_group,stores\n1001,BEANS,0.89,food,343\n"),
    ("barcodes.csv", "barcode,product_id\n4011,1001\n"),
    ("customers.csv", "number,name\n2001,Household 2001\n"),
];

thread_local! {
    static TEMPLATE: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

/// `NAME\n` and the file. Imported whole or not at all; the same file again changes nothing.
pub(super) fn import(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (name, content) = (String::from_utf8_lossy(&bytes[..end]), bytes.get(end + 1..).unwrap_or_default());
    let folder = tempfile::tempdir().expect("a folder");
    TEMPLATE.with(|template| {
        let template = template.get_or_init(template_of);
        for file in ["hq.db", "hq.keys"] {
            fs::copy(template.path().join(file), folder.path().join(file)).expect("room");
        }
    });
    let headquarters = open(folder.path());
    let take = |on_bad_row| {
        let input = || Ok(Box::new(std::io::Cursor::new(content.to_vec())) as Box<dyn Read>);
        headquarters.import("fuzzer", &name, &input, None, on_bad_row)
    };
    let before = records(&headquarters);
    match take(OnBadRow::Refuse) {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(records(&headquarters) == before, "a file that is refused changes nothing");
            // Nor is a file that cannot be read at all taken by halves.
            if take(OnBadRow::Skip).is_err() {
                assert!(records(&headquarters) == before, "a file that is refused changes nothing");
            }
        }
        Ok(first) => {
            assert!(first.bad.is_empty());
            let after = records(&headquarters);
            let again = take(OnBadRow::Refuse).expect("what was taken once is taken again");
            assert_eq!(again.new, 0, "{first:?} and {again:?}");
            assert!(records(&headquarters) == after, "the same file again changes nothing");
        }
    }
}

fn template_of() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let headquarters = open(folder.path());
    for (name, text) in BEFORE {
        let input = || Ok(Box::new(text.as_bytes()) as Box<dyn Read>);
        headquarters.import("test", name, &input, Some("343"), OnBadRow::Refuse).expect("a good file");
    }
    folder
}

fn open(folder: &Path) -> Headquarters {
    let clock: SharedClock = Arc::new(VirtualClock::at(chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time")));
    let url = format!("sqlite:{}", folder.join("hq.db").display());
    Headquarters::open(&url, Some(&folder.join("hq.keys")), clock).expect("headquarters")
}

fn records(headquarters: &Headquarters) -> Vec<Record> {
    KINDS.iter().flat_map(|kind| headquarters.list(kind).expect("its records")).collect()
}
