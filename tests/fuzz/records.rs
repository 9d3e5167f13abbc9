//! Transactions as canonical text, from a journal or from the wire, and the receipts they become.

use evertill::retail::receipt;
use evertill::retail::transaction::{Content, Transaction, chain_hash, content_hash};
use unicode_width::UnicodeWidthStr;

use super::fixture;

/// A record as a scale unit takes it in.
pub(super) fn transaction(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(transaction) = Transaction::from_canonical(&text) else { return };
    let canonical = transaction.canonical();
    let again = Transaction::from_canonical(&canonical).expect("what was written is read");
    assert_eq!(again.canonical(), canonical, "the canonical text is stable");
    assert_eq!(again.verify(), transaction.verify());
    assert_eq!(content_hash(&canonical).len(), 64);
    assert_ne!(chain_hash("", &canonical), chain_hash(&canonical, ""));
    if let (Content::Sale(sale), Ok(())) = (&transaction.content, transaction.verify()) {
        assert!(sale.is_settled(), "what a scale unit takes in is paid");
    }
}

/// A record as the register prints it: whatever it says, the paper is as wide as ever and the printer obeys nothing in it.
pub(super) fn receipt(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(transaction) = Transaction::from_canonical(&text) else { return };
    let mut store = fixture::store();
    store.utc_offset_minutes = i32::try_from(transaction.sequence).unwrap_or(i32::MAX);
    // What headquarters wrote is no better.
    store.name.clone_from(&transaction.operator.0);
    store.receipt_footer = vec![transaction.register.store.clone()];
    let lines = receipt::lines(&transaction, &store);
    let parts = transaction.sale().map_or(0, |sale| sale.lines().len() * 3 + sale.payments().len() + sale.totals().taxes.len());
    assert!(lines.len() <= parts + 20, "{} lines", lines.len());
    for line in lines {
        assert!(line.width() <= receipt::WIDTH && !line.chars().any(char::is_control), "{line:?}");
    }
}
