//! The receipt as text, from the stored transaction and never from a new computation.

use unicode_width::UnicodeWidthStr;

use super::sale::{Discount, Line, Sale};
use super::store::Store;
use super::transaction::Transaction;

/// Columns of the paper.
pub const WIDTH: usize = 42;
/// Characters of a line at most: some take no column.
const CHARACTERS_MAX: usize = 4 * WIDTH;

/// The receipt of a concluded sale, a string a line, each [`WIDTH`] columns at most.
pub fn lines(transaction: &Transaction, store: &Store) -> Vec<String> {
    let Some(sale) = transaction.sale() else { return Vec::new() };
    let mut paper = vec![centred(&store.name)];
    paper.extend(store.receipt_header.iter().map(|line| centred(line)));
    paper.push(String::new());
    let offset = chrono::TimeDelta::minutes(i64::from(store.utc_offset_minutes));
    let local = transaction.recorded_at.checked_add_signed(offset).unwrap_or(transaction.recorded_at);
    let receipt = transaction.receipt.map_or_else(String::new, |number| format!("{}-{number:06}", transaction.register));
    paper.push(spread(&format!("Receipt {receipt}"), &local.format("%Y-%m-%d %H:%M").to_string()));
    paper.push(spread(&format!("Operator {}", transaction.operator), &format!("Shift {}", transaction.shift)));
    paper.push("-".repeat(WIDTH));
    for line in sale.open_lines() {
        article(line, &mut paper);
    }
    paper.push("-".repeat(WIDTH));
    sums(sale, &mut paper);
    paper.push(String::new());
    paper.extend(store.receipt_footer.iter().map(|line| centred(line)));
    paper
}

fn article(line: &Line, paper: &mut Vec<String>) {
    paper.push(spread(&line.name, &line.amounts.extended.plain()));
    if line.quantity != crate::money::Quantity::ONE {
        paper.push(cut(&format!("  {} {} x {}", line.quantity, line.unit, line.price.plain()), WIDTH));
    }
    match line.discount {
        Some(Discount::Percent(percent)) => {
            paper.push(spread(&format!("  discount {} %", percent.normalize()), &(-line.amounts.discount).plain()));
        }
        Some(Discount::Amount(_)) => paper.push(spread("  discount", &(-line.amounts.discount).plain())),
        None => {}
    }
}

fn sums(sale: &Sale, paper: &mut Vec<String>) {
    let totals = sale.totals();
    paper.push(spread("Subtotal", &totals.subtotal.plain()));
    if !totals.discounts.is_zero() {
        paper.push(spread("Discounts", &(-totals.discounts).plain()));
    }
    for tax in &totals.taxes {
        paper.push(spread(&format!("{} on {}", tax.name, tax.base.plain()), &tax.amount.plain()));
    }
    if !totals.rounding.is_zero() {
        paper.push(spread("Rounding", &totals.rounding.plain()));
    }
    paper.push(spread(&format!("TOTAL {}", sale.currency), &(totals.total + totals.rounding).plain()));
    for payment in sale.open_payments() {
        let name = if payment.change { "Change".to_owned() } else { payment.name.clone() };
        paper.push(spread(&name, &payment.amount.abs().plain()));
    }
}

/// A text at the left and one at the right; the left one gives way.
fn spread(left: &str, right: &str) -> String {
    let right_columns = right.width();
    let left = cut(left, WIDTH.saturating_sub(right_columns + 1));
    let gap = WIDTH.saturating_sub(left.width() + right_columns);
    format!("{left}{}{right}", " ".repeat(gap))
}

fn centred(text: &str) -> String {
    let text = cut(text, WIDTH);
    format!("{}{text}", " ".repeat((WIDTH - text.width()) / 2))
}

/// The text in at most so many columns, without what a printer would obey.
fn cut(text: &str, columns: usize) -> String {
    let mut kept = String::new();
    for c in text.chars().filter(|c| !c.is_control()).take(CHARACTERS_MAX) {
        kept.push(c);
        // A text may be wider than its characters, one by one.
        if kept.width() > columns {
            kept.pop();
            break;
        }
    }
    kept
}
