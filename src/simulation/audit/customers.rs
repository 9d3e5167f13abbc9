//! Whether a register's journal says of each sale what its customer, its cashier and its drawer know.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::bill::millionths;
use super::super::books::{Book, Broken, Ending, Takings};
use super::Records;

/// Compares the oracle's book with the receipt and text of each recorded sale, and with the texts of those recorded as voided.
pub(super) fn compare(book: &Book, mut sales: BTreeMap<String, (i64, String)>, mut voided: Records) -> Vec<Broken> {
    let mut broken = Vec::new();
    for sold in &book.sold {
        match sales.remove(&sold.key) {
            None => broken.push((1, format!("receipt {} is not in the journal", sold.receipt))),
            Some((number, _)) if u64::try_from(number) != Ok(sold.receipt) => {
                broken.push((9, format!("receipt {} is recorded as {number}", sold.receipt)));
            }
            Some((_, text)) => {
                broken.extend(differ(&sold.key, &sold.takings, &text));
                if sold.is_offline.is_some_and(|is_offline| recorded_offline(&text) != Some(is_offline)) {
                    broken.push((9, format!("sale {} does not say where it was written", sold.key)));
                }
            }
        }
    }
    for key in &book.voided {
        match voided.remove(key) {
            None => broken.push((1, format!("the voided sale {key} is not in the journal"))),
            Some(text) => broken.extend(differ(key, &Takings::new(), &text)),
        }
    }
    for sale in &book.unwitnessed {
        let key = &sale.key;
        match &sale.ending {
            Ending::Paid(takings) if sales.contains_key(key) => {
                broken.extend(sales.remove(key).and_then(|(_, text)| differ(key, takings, &text)));
            }
            Ending::GivenUp if voided.contains_key(key) => {
                broken.extend(voided.remove(key).and_then(|text| differ(key, &Takings::new(), &text)));
            }
            Ending::Paid(_) | Ending::GivenUp => {
                broken.push((1, format!("the sale {key} that was in hand is neither concluded, voided nor in hand")));
            }
        }
    }
    if let Some(key) = sales.keys().chain(voided.keys()).next() {
        broken.push((9, format!("sale {key} is in the journal and no customer knows of it")));
    }
    broken
}

fn differ(key: &str, takings: &Takings, text: &str) -> Option<Broken> {
    let recorded = recorded_takings(text);
    let is_same = recorded.as_ref() == Some(takings);
    (!is_same).then(|| (9, format!("sale {key}, for which {takings:?} was taken, is recorded with {recorded:?}")))
}

fn recorded_offline(text: &str) -> Option<bool> {
    serde_json::from_str::<Value>(text).ok()?.get("offline")?.as_bool()
}

/// What a recorded sale says was given less what was given back, by method.
pub(super) fn recorded_takings(text: &str) -> Option<Takings> {
    let record: Value = serde_json::from_str(text).ok()?;
    let mut takings = Takings::new();
    let sale = record.pointer("/content/sale").or_else(|| record.pointer("/content/voided_sale"))?;
    for payment in sale.get("payments")?.as_array()? {
        if payment.get("voided")?.as_bool()? {
            continue;
        }
        let amount = payment.get("amount")?.as_str()?.split(' ').next()?.parse().ok()?;
        *takings.entry(payment.get("method")?.as_str()?.to_owned()).or_default() += millionths(amount);
    }
    Some(takings)
}
