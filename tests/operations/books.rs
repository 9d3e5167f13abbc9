//! The order of business, as somebody keeps it who knows the rules and not the till: what an operation may do to the sale
//! in hand, and what must stand in the journal before a sale that went beyond its operator's limits.

use std::sync::LazyLock;

use evertill::ids::OperatorId;
use evertill::retail::sale::{Discount, Line, Payment, Sale};
use evertill::retail::staff::{Operator, Permission};
use evertill::retail::transaction::{Content, Event, Transaction};
use rust_decimal::Decimal;

use super::goods;

/// Whether an operation may make the one of the other. `recorded` is the newest record about a sale.
pub(super) fn may_follow(
    number: Option<u16>,
    before: Option<&Sale>,
    after: Option<&Sale>,
    recorded: impl FnOnce() -> Option<Transaction>,
) -> Result<(), String> {
    match (before, after) {
        (None, None) => Ok(()),
        (None, Some(after)) => begins(number, after),
        (Some(before), None) => ends(number, before, recorded()),
        (Some(before), Some(after)) if before.id == after.id => changes(number, before, after),
        (Some(_), Some(_)) => Err("one sale took another's place".to_owned()),
    }
}

fn begins(number: Option<u16>, sale: &Sale) -> Result<(), String> {
    let [line] = sale.lines() else { return Err("a sale begins with one line".to_owned()) };
    let is_plain = !line.voided && line.discount.is_none() && !line.price_overridden;
    match number {
        Some(100 | 101 | 108) if is_plain && sale.payments().is_empty() => Ok(()),
        _ => Err("a sale begins with a product, and nothing is paid or taken off before".to_owned()),
    }
}

fn ends(number: Option<u16>, before: &Sale, recorded: Option<Transaction>) -> Result<(), String> {
    let recorded = recorded.filter(|record| record.id == before.id).ok_or("a sale ended without a record")?;
    match (number, &recorded.content) {
        (Some(200 | 206), Content::Sale(sale)) if sale.lines() == before.lines() && sale.is_settled() && recorded.receipt.is_some() => {
            only_more_payments(before, sale)
        }
        (Some(500 | 701), Content::VoidedSale(sale)) if sale.lines() == before.lines() && sale.open_payments().next().is_none() => Ok(()),
        _ => Err("a sale ends by being paid whole, or given up whole".to_owned()),
    }
}

fn only_more_payments(before: &Sale, after: &Sale) -> Result<(), String> {
    match after.payments().strip_prefix(before.payments()) {
        Some(_) if before.open_lines().next().is_some() => Ok(()),
        Some([]) => Ok(()),
        _ => Err("payments are added, to a sale of something".to_owned()),
    }
}

fn changes(number: Option<u16>, before: &Sale, after: &Sale) -> Result<(), String> {
    if let Some(line) = after.lines().iter().find(|line| line.amounts.net.is_negative()) {
        return Err(format!("line {} is below nothing", line.number));
    }
    if after.open_payments().next().is_some() && after.totals().balance.is_negative() {
        return Err("more was paid than is due".to_owned());
    }
    if before == after {
        return Ok(());
    }
    let no = |what: &str| Err(format!("{number:?} {what}"));
    let same_lines = before.lines() == after.lines();
    match number {
        Some(200 | 206) if same_lines && !after.is_settled() => return only_more_payments(before, after),
        Some(211) if same_lines => return only_voided(before.payments(), after.payments()),
        Some(200 | 206 | 211) => return no("changed a line, or left a paid sale in hand"),
        Some(_) | None if before.payments() != after.payments() => return no("changed payments"),
        Some(_) | None => {}
    }
    let added = after.lines().len().saturating_sub(before.lines().len());
    let changed: Vec<_> = before.lines().iter().zip(after.lines()).filter(|(before, after)| before != after).collect();
    let edit: fn(&mut Line, &Line) = match (number, added, changed.len()) {
        (Some(100 | 101 | 108), 1, 0) => return Ok(()),
        (Some(100 | 101 | 108 | 105 | 106), 0, 1) => |line, after| line.quantity = after.quantity,
        (Some(102), 0, 1) => |line, after| line.voided = after.voided,
        (Some(104), 0, 1) => |line, after| (line.price, line.price_overridden) = (after.price, true),
        (Some(300 | 301), 0, 1) => |line, after| line.discount = after.discount,
        _ => return no("changed lines"),
    };
    let (line, changed) = changed[0];
    let mut expected = Line::clone(line);
    edit(&mut expected, changed);
    expected.amounts.clone_from(&changed.amounts);
    if expected != **changed || (line.voided && number != Some(102)) { no("changed more of a line than is its business") } else { Ok(()) }
}

fn only_voided(before: &[Payment], after: &[Payment]) -> Result<(), String> {
    let fits = |(before, after): (&Payment, &Payment)| {
        *after == Payment { voided: after.voided, ..before.clone() } && (after.voided || !before.voided)
    };
    let all = before.len() == after.len() && before.iter().zip(after).all(fits);
    if all { Ok(()) } else { Err("a payment was changed, or its void taken back".to_owned()) }
}

/// Walks a journal, and finds what went beyond somebody's limits without a manager's word for it before.
pub(super) fn audit(records: &[Transaction]) -> Result<(), String> {
    let mut present: Vec<OperatorId> = Vec::new();
    let mut lent: Vec<(OperatorId, u16)> = Vec::new();
    let (mut receipts, mut ended) = (0, Vec::new());
    for record in records {
        let by = &record.operator;
        match &record.content {
            Content::Event(Event::LogOn) => present.push(by.clone()),
            Content::Event(Event::ManagerAuthorized { manager, operation }) if manager != by => lent.push((manager.clone(), *operation)),
            Content::Event(Event::ManagerAuthorized { .. }) => return Err(format!("{by} authorized himself")),
            Content::Event(_) => {}
            Content::Sale(sale) | Content::VoidedSale(sale) => {
                if present.last() != Some(by) {
                    return Err(format!("sequence {}: {by} has not signed in", record.sequence));
                }
                if ended.contains(&record.id) {
                    return Err(format!("sequence {}: the sale had ended before", record.sequence));
                }
                ended.push(record.id);
                let may = |permission, operations: &[u16]| {
                    let own = present.iter().any(|operator| grants(operator, permission));
                    own || lent.iter().any(|(manager, operation)| operations.contains(operation) && grants(manager, permission))
                };
                sale.lines().iter().try_for_each(|line| test_line(line, &may))?;
                let is_sold = matches!(record.content, Content::Sale(_));
                let paid_back = is_sold && sale.payments().iter().any(|payment| payment.voided);
                if paid_back && !may(Permission::VoidPayment, &[211]) {
                    return Err("a payment was voided by nobody who may".to_owned());
                }
                if !is_sold && !may(Permission::VoidTransaction, &[500]) {
                    return Err("a sale was voided by nobody who may".to_owned());
                }
                receipts += u64::from(is_sold);
                if is_sold && record.receipt != Some(receipts) {
                    return Err(format!("receipt {receipts} is missing"));
                }
                // Whoever is signed in goes on to the next sale; what was lent for this one does not.
                present.drain(..present.len() - 1);
                lent.clear();
            }
        }
    }
    Ok(())
}

fn test_line(line: &Line, may: &dyn Fn(Permission, &[u16]) -> bool) -> Result<(), String> {
    let number = line.number;
    if line.voided && !may(Permission::VoidProduct, &[102]) {
        return Err(format!("line {number} was voided by nobody who may"));
    }
    let amount = line.amounts.discount.amount();
    if !amount.is_zero() {
        let percent = match line.discount {
            Some(Discount::Percent(percent)) => percent,
            Some(Discount::Amount(_)) | None => amount * Decimal::ONE_HUNDRED / line.amounts.extended.amount(),
        };
        if !may(Permission::LineDiscount { percent, amount }, &[300, 301, 104, 105, 106]) {
            return Err(format!("line {number}: {percent} percent, {amount}, were taken off by nobody who may"));
        }
    }
    if line.price_overridden && !line.rules.key_in_price {
        let changed = [(line.price < line.list_price, Permission::LowerPrice), (line.price > line.list_price, Permission::RaisePrice)];
        if changed.into_iter().any(|(changed, permission)| changed && !may(permission, &[104])) {
            return Err(format!("line {number} has a price that nobody who may has given it"));
        }
    }
    Ok(())
}

fn grants(operator: &OperatorId, permission: Permission) -> bool {
    static STAFF: LazyLock<Vec<Operator>> =
        LazyLock::new(|| goods::master_data().staff.into_iter().map(|member| member.operator).collect());
    STAFF.iter().any(|known| known.id == *operator && known.permissions.grant(permission))
}
