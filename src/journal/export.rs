//! Transactions as JSON, for whoever must look at those set aside or wants them elsewhere. Called by `evertill journal export`.

use std::io::Write;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Entry, Progress, Reader, Result, Unreadable};
use crate::clock::Time;

/// Which transactions are exported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selection {
    /// All that are in the journal.
    All,
    /// Those that were set aside.
    SetAside,
}

/// How they are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// A JSON object on each line.
    Lines,
    /// One JSON document, an array.
    Document,
}

/// A transaction as it is exported.
#[derive(Serialize)]
struct Exported {
    sequence: u64,
    hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Its canonical text, byte for byte; a JSON string of it when it has been damaged and is no JSON any more.
    transaction: Box<RawValue>,
}

/// Writes the selected transactions, oldest first, and returns how many, and which of all could not be read.
pub fn export(reader: &Reader, selection: Selection, layout: Layout, out: &mut impl Write) -> Result<(u64, Vec<Unreadable>)> {
    let (opening, separator, closing) = match layout {
        Layout::Lines => ("", "\n", "\n"),
        Layout::Document => ("[\n", ",\n", "\n]\n"),
    };
    let mut count = 0;
    let unreadable = reader.each(|entry| {
        if selection == Selection::SetAside && !matches!(entry.progress, Progress::SetAside { .. }) {
            return Ok(());
        }
        out.write_all(if count == 0 { opening } else { separator }.as_bytes())?;
        serde_json::to_writer(&mut *out, &exported(entry)?).map_err(std::io::Error::from)?;
        count += 1;
        Ok(())
    })?;
    match (count, layout) {
        (0, Layout::Lines) => {}
        (0, Layout::Document) => out.write_all(b"[]\n")?,
        _ => out.write_all(closing.as_bytes())?,
    }
    out.flush()?;
    Ok((count, unreadable))
}

fn exported(entry: Entry) -> Result<Exported> {
    let (sent_at, set_aside_at, problem) = match entry.progress {
        Progress::Waiting { problem, .. } => (None, None, problem),
        Progress::Sent { at } => (Some(at), None, None),
        Progress::SetAside { at, reason } => (None, Some(at), Some(reason)),
    };
    let transaction = match serde_json::from_str(&entry.canonical) {
        Ok(json) => json,
        Err(_) => to_raw_value(&entry.canonical)?,
    };
    Ok(Exported { sequence: entry.sequence, hash: entry.hash, signature: entry.signature, sent_at, set_aside_at, problem, transaction })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Shop, at};

    #[test]
    fn exports_the_canonical_bytes_in_both_layouts() {
        let mut shop = Shop::open();
        let sold: Vec<_> = (0..3).map(|_| shop.sell().canonical()).collect();
        let mut outbox = shop.outbox();
        outbox.sent(&[1], at(60)).unwrap();
        outbox.set_aside(2, "sums do not agree", at(61)).unwrap();
        let reader = shop.reader();
        let export = |selection, layout| {
            let mut out = Vec::new();
            let (count, _) = export(&reader, selection, layout, &mut out).unwrap();
            (count, String::from_utf8(out).unwrap())
        };

        let (count, lines) = export(Selection::All, Layout::Lines);
        assert_eq!((count, lines.lines().count()), (3, 3));
        for (line, canonical) in lines.lines().zip(&sold) {
            assert!(line.ends_with(&format!("\"transaction\":{canonical}}}")), "{line}");
        }
        let (count, document) = export(Selection::SetAside, Layout::Document);
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!((count, document.as_array().unwrap().len()), (1, 1));
        assert_eq!((document[0]["sequence"].as_u64(), document[0]["problem"].as_str()), (Some(2), Some("sums do not agree")));
    }

    #[test]
    fn exports_an_empty_selection_and_damaged_text() {
        let mut shop = Shop::open();
        let mut out = Vec::new();
        assert_eq!(export(&shop.reader(), Selection::SetAside, Layout::Document, &mut out).unwrap(), (0, vec![]));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).unwrap(), serde_json::json!([]));
        out.clear();
        assert_eq!(export(&shop.reader(), Selection::All, Layout::Lines, &mut out).unwrap(), (0, vec![]));
        assert!(out.is_empty());
        shop.sell();
        shop.tamper("UPDATE transactions SET canonical = '{\"cut'");
        assert_eq!(export(&shop.reader(), Selection::All, Layout::Lines, &mut out).unwrap(), (1, vec![]));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).unwrap()["transaction"], "{\"cut");
    }
    #[test]
    fn goes_on_behind_a_row_that_cannot_be_read_and_says_which() {
        let mut shop = Shop::open();
        (0..3).for_each(|_| drop(shop.sell()));
        shop.tamper("UPDATE transactions SET canonical = CAST(x'FF' AS TEXT) WHERE sequence = 2");
        let mut out = Vec::new();
        let (count, unreadable) = export(&shop.reader(), Selection::All, Layout::Lines, &mut out).unwrap();
        assert_eq!((count, unreadable.iter().map(|row| row.sequence).collect::<Vec<_>>()), (2, vec![2]));
    }
}
