//! What a tape may assert that the screen need not show.

use rust_decimal::Decimal;

use super::rig::Rig;
use super::tape::Value;
use crate::journal::{Progress, Reader};
use crate::view::{ConnectionView, Screen, View};

/// The names, with what each is: part of `evertill demo --help`.
pub const NAMES: &[(&str, &str)] = &[
    ("journal.transactions", "sales in the register's journal, concluded or voided"),
    ("journal.receipts", "concluded sales in the journal"),
    ("journal.unsent", "of its sales, those the scale unit has not acknowledged"),
    ("journal.set_aside", "of its sales, those set aside: refused, or not readable any more"),
    ("channel.transactions", "sales in the channel database, concluded or voided"),
    ("total", "total of the sale in hand, or of the one just concluded"),
    ("due", "what is still due on the sale in hand"),
    ("change", "change of the sale just concluded"),
    ("lines", "lines of the sale in hand that are not voided"),
    ("connection", "online, offline or blocked"),
    ("screen", "sign_in, welcome, transaction or locked"),
];

/// The value a name has.
pub(super) fn value(name: &str, view: &View, rig: &Rig) -> Result<Value, String> {
    let number = |count: u64| Ok(Value::Number(Decimal::from(count)));
    let word = |word: &str| Ok(Value::Word(word.to_owned()));
    let sale = view.sale.as_ref();
    let missing = || format!("there is no {name} on the {:?} screen", view.screen);
    match name {
        "journal.transactions" => number(count(rig, |_, _| true)?),
        "journal.receipts" => number(count(rig, |receipt, _| receipt)?),
        "journal.unsent" => number(count(rig, |_, progress| !matches!(progress, Progress::Sent { .. }))?),
        "journal.set_aside" => number(count(rig, |_, progress| matches!(progress, Progress::SetAside { .. }))?),
        "channel.transactions" => number(rig.channel.sales_count().map_err(|error| error.to_string())?),
        "total" => match (sale, &view.change_due) {
            (Some((_, totals)), _) => Ok(Value::Number(totals.total.amount())),
            (None, Some(change)) => Ok(Value::Number(change.total.amount())),
            (None, None) => Err(missing()),
        },
        "due" => sale.map(|(_, totals)| Value::Number(totals.balance.amount())).ok_or_else(missing),
        "change" => view.change_due.as_ref().map(|change| Value::Number(change.change.amount())).ok_or_else(missing),
        "lines" => number(sale.map_or(0, |(sale, _)| sale.open_lines().count() as u64)),
        "connection" => word(match view.header.connection {
            ConnectionView::Online => "online",
            ConnectionView::Offline { .. } => "offline",
            ConnectionView::Blocked { .. } => "blocked",
        }),
        "screen" => word(match view.screen {
            Screen::SignIn => "sign_in",
            Screen::Welcome => "welcome",
            Screen::Transaction => "transaction",
            Screen::Locked => "locked",
            Screen::Activation => "activation",
        }),
        _ => {
            let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            Err(format!("nothing is called {name}; there are {}", known.join(", ")))
        }
    }
}

/// How a value stands to another; there is no answer for a number and a word.
pub(super) fn compare(found: &Value, wanted: &Value) -> Option<std::cmp::Ordering> {
    match (found, wanted) {
        (Value::Number(found), Value::Number(wanted)) => Some(found.cmp(wanted)),
        (Value::Word(found), Value::Word(wanted)) => Some(found.cmp(wanted)),
        (Value::Number(_), Value::Word(_)) | (Value::Word(_), Value::Number(_)) => None,
    }
}

/// Counts sales of the journal, read from its file.
fn count(rig: &Rig, counts: impl Fn(bool, &Progress) -> bool) -> Result<u64, String> {
    let mut sum = 0;
    let reader = Reader::open(&rig.register_data()).map_err(|error| error.to_string())?;
    reader
        .each(|entry| {
            let transaction = entry.transaction()?;
            sum += u64::from(transaction.is_sale() && counts(transaction.receipt.is_some(), &entry.progress));
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    Ok(sum)
}
