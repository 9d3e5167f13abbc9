//! Payments: 200 Pay cash, 206 Pay cash quick, 211 Void payment.

use rust_decimal::Decimal;

use super::super::Till;
use super::super::stop::Stop;
use super::transaction;
use crate::desk::{Choice, Desk, NumberPrompt, Selection};
use crate::ids::MethodId;
use crate::money::Money;
use crate::retail::sale::{Sale, SaleError};
use crate::retail::tender::PaymentMethod;

/// 200; the parameter names another payment method of this operation, such as coupons.
pub(super) fn cash(till: &mut Till, desk: &mut dyn Desk, parameter: Option<&str>) -> Result<(), Stop> {
    let method = payment_method(till, parameter)?;
    if conclude_if_nothing_is_due(till)? {
        return Ok(());
    }
    let due = method.due(balance(till)?);
    if due.is_zero() {
        // What is left is less than the smallest coin.
        return pay(till, &method, due);
    }
    let mut choices = vec![Choice { label: format!("Exact {}", due.plain()), value: due.plain() }];
    let balance = balance(till)?;
    let amounts = quick_amounts(&till.store.denominations, due).into_iter().filter(|amount| method.accept(balance, *amount).is_ok());
    choices.extend(amounts.take(5).map(|amount| Choice { label: amount.plain(), value: amount.plain() }));
    let prompt = NumberPrompt {
        title: format!("Pay {}", method.name.to_lowercase()),
        label: format!("Amount given in {}", till.store.currency),
        facts: vec![("Amount due".to_owned(), due.plain())],
        suggestion: Some(due.plain()),
        choices,
        problem: None,
    };
    till.ask_number(desk, &prompt, |till, _, text| {
        let tendered = Money::parse(text, till.store.currency).map_err(|error| Stop::refused(format!("the amount {error}"), ""))?;
        pay(till, &method, tendered)
    })
}

/// What a customer is likely to hand over: for each kind of note, as many as it takes.
fn quick_amounts(denominations: &[Decimal], due: Money) -> Vec<Money> {
    let notes = denominations.iter().filter(|note| **note > Decimal::ZERO);
    let amounts = notes.map(|note| Money::new((due.amount() / note).ceil() * note, due.currency()));
    let mut amounts: Vec<Money> = amounts.filter(|amount| *amount > due).collect();
    amounts.sort_by_key(|amount| amount.amount());
    amounts.dedup();
    amounts
}

/// 206
pub(super) fn cash_quick(till: &mut Till, _: &mut dyn Desk, parameter: Option<&str>) -> Result<(), Stop> {
    let method = payment_method(till, parameter)?;
    if conclude_if_nothing_is_due(till)? {
        return Ok(());
    }
    let due = method.due(balance(till)?);
    pay(till, &method, due)
}

/// 211: the selected payment, else the last one; the button's parameter `all` takes all of them back.
pub(super) fn void(till: &mut Till, _: &mut dyn Desk, parameter: Option<&str>) -> Result<(), Stop> {
    if parameter == Some("all") {
        till.change_sale(|sale, _| transaction::void_payments(sale))?;
    } else {
        let selected = match till.selected {
            Some(Selection::Payment(number)) => Some(number),
            Some(Selection::Line(_)) | None => till.sale()?.open_payments().last().map(|payment| payment.number),
        };
        let number = selected.ok_or(SaleError::NoSuchPayment)?;
        till.change_sale(|sale, _| sale.void_payment(number))?;
    }
    till.selected = till.sale()?.lines().last().map(|line| Selection::Line(line.number));
    Ok(())
}

fn payment_method(till: &Till, parameter: Option<&str>) -> Result<PaymentMethod, Stop> {
    let id = parameter.unwrap_or("cash");
    let method = till.store.method(&MethodId::from(id)).filter(|method| method.operation == 200);
    method.cloned().ok_or_else(|| Stop::refused(format!("the store takes no {id}"), "choose another way to pay"))
}

fn balance(till: &Till) -> Result<Money, Stop> {
    Ok(till.in_hand.as_ref().ok_or(Stop::Cancelled)?.totals.balance)
}

/// A sale of nothing but gifts is concluded without a tender.
fn conclude_if_nothing_is_due(till: &mut Till) -> Result<bool, Stop> {
    let sale = till.sale()?.clone();
    if sale.open_lines().next().is_none() {
        return Err(Stop::refused("nothing is sold yet", "scan a product, or Alt+X voids the sale"));
    }
    if !sale.is_settled() {
        return Ok(false);
    }
    till.conclude(&sale)?;
    Ok(true)
}

/// Takes a payment. The one that settles the sale is written down together with the sale's conclusion, in one commit.
fn pay(till: &mut Till, method: &PaymentMethod, tendered: Money) -> Result<(), Stop> {
    let accepted = method.accept(balance(till)?, tendered)?;
    let mut sale = Sale::clone(till.sale()?);
    sale.pay(method, accepted)?;
    if sale.is_settled() { till.conclude(&sale) } else { till.keep(sale) }
}
