//! A code stands for one product: the rule over all that a change wrote, as products change codes with each other within one.

use std::collections::HashMap;

use super::error::{Error, Result};
use super::kinds::Kind;
use super::records::Edit;

/// Of the records a change wrote, those whose code stands for another product as well: kind, key, code, and the two products.
const OF_TWO: [&str; 3] = [
    "SELECT 'product', key, lookup, key, other FROM (
        SELECT p.key, p.lookup, (SELECT o.key FROM records o
            WHERE o.kind = 'product' AND o.lookup = p.lookup AND o.key <> p.key AND o.deleted = 0 LIMIT 1) AS other
        FROM records p WHERE p.change = $1 AND p.kind = 'product' AND p.lookup <> '' AND p.deleted = 0) AS pairs
        WHERE other IS NOT NULL ORDER BY key",
    "SELECT 'barcode', b.key, b.key, b.lookup, p.key FROM records b
        JOIN records p ON p.kind = 'product' AND p.lookup = b.key AND p.key <> b.lookup AND p.deleted = 0
        WHERE b.change = $1 AND b.kind = 'barcode' AND b.deleted = 0 ORDER BY b.key",
    "SELECT 'product', p.key, p.lookup, p.key, b.lookup FROM records p
        JOIN records b ON b.kind = 'barcode' AND b.key = p.lookup AND b.lookup <> p.key AND b.deleted = 0
        WHERE p.change = $1 AND p.kind = 'product' AND p.lookup <> '' AND p.deleted = 0 ORDER BY p.key",
];

/// Refuses a change that makes a code stand for two products.
pub(super) fn refuse_of_two(edit: &mut Edit<'_, '_>) -> Result<()> {
    for sql in OF_TWO {
        if let Some(row) = edit.tx.row(sql, &[edit.change.into()])? {
            let why = words(&row.text(2)?, &row.text(3)?, &row.text(4)?);
            return Err(Error::refused(format!("barcode: {why}"), "a code stands for one product"));
        }
    }
    Ok(())
}

impl Edit<'_, '_> {
    /// Records of a kind that this change wrote and whose code stands for two products, by their keys, each with both.
    pub(super) fn codes_of_two(&mut self, kind: &Kind) -> Result<HashMap<String, String>> {
        let mut found = HashMap::new();
        for sql in OF_TWO {
            self.tx.each(sql, &[self.change.into()], &mut |row| {
                if row.text(0)? == kind.name {
                    found.insert(row.text(1)?, words(&row.text(2)?, &row.text(3)?, &row.text(4)?));
                }
                Ok(())
            })?;
        }
        Ok(found)
    }
}

fn words(code: &str, one: &str, other: &str) -> String {
    format!("{code} stands for product {one} and for product {other}")
}
