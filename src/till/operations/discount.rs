//! Manual line discounts: 300 Line discount amount, 301 Line discount percent.

use rust_decimal::Decimal;

use super::super::Till;
use super::super::stop::Stop;
use crate::desk::{Desk, NumberPrompt};
use crate::money::Money;
use crate::retail::sale::{Discount, Line};
use crate::retail::staff::Permission;

/// 300
pub(super) fn line_amount(till: &mut Till, desk: &mut dyn Desk, parameter: Option<&str>) -> Result<(), Stop> {
    let label = format!("Amount off in {}", till.store.currency);
    line_discount(till, desk, parameter, 300, "Discount amount", label, |till, text| {
        let amount = Money::parse(text, till.store.currency).map_err(|error| Stop::refused(format!("the discount {error}"), ""))?;
        Ok(Discount::Amount(amount))
    })
}

/// 301
pub(super) fn line_percent(till: &mut Till, desk: &mut dyn Desk, parameter: Option<&str>) -> Result<(), Stop> {
    line_discount(till, desk, parameter, 301, "Discount percent", "Percent off".to_owned(), |till, text| {
        let percent = Money::parse(text, till.store.currency).map_err(|error| Stop::refused(format!("the discount {error}"), ""))?;
        Ok(Discount::Percent(percent.amount()))
    })
}

/// Lets a changed line's discount stand when it takes no more off than before, or when the operator, or a manager for this once, may
/// give as much.
pub(super) fn authorize_line(till: &mut Till, desk: &mut dyn Desk, before: &Line, after: &Line, operation: u16) -> Result<(), Stop> {
    let (before, after) = (TakenOff::of(before), TakenOff::of(after));
    if after.percent <= before.percent && after.amount <= before.amount {
        return Ok(());
    }
    till.authorize(desk, Permission::LineDiscount { percent: after.percent, amount: after.amount }, operation)
}

/// What a discount takes off a line, in both measures, so that neither limit is a way round the other.
struct TakenOff {
    percent: Decimal,
    amount: Decimal,
}

impl TakenOff {
    fn of(line: &Line) -> Self {
        let amount = line.amounts.discount.amount();
        let percent = match line.discount {
            _ if amount.is_zero() => Decimal::ZERO,
            Some(Discount::Percent(percent)) => percent,
            Some(Discount::Amount(_)) | None => amount * Decimal::ONE_HUNDRED / line.amounts.extended.amount(),
        };
        Self { percent, amount }
    }
}

fn line_discount(
    till: &mut Till,
    desk: &mut dyn Desk,
    parameter: Option<&str>,
    operation: u16,
    title: &str,
    label: String,
    read: impl Fn(&Till, &str) -> Result<Discount, Stop>,
) -> Result<(), Stop> {
    let line = till.selected_line()?.clone();
    let apply = |till: &mut Till, desk: &mut dyn Desk, text: &str| {
        let discount = read(till, text)?;
        let mut changed = till.sale()?.clone();
        changed.discount(line.number, discount)?;
        authorize_line(till, desk, &line, changed.line(line.number)?, operation)?;
        till.keep(changed)
    };
    if let Some(preset) = parameter {
        return apply(till, desk, preset);
    }
    let mut facts = vec![("Article".to_owned(), line.name.clone()), ("Amount".to_owned(), line.amounts.extended.plain())];
    if line.discount.is_some() {
        facts.push(("Discount".to_owned(), format!("{} (0 takes it away)", line.amounts.discount.plain())));
    }
    let prompt = NumberPrompt { title: title.to_owned(), label, facts, suggestion: None, choices: Vec::new(), problem: None };
    till.ask_number(desk, &prompt, apply)
}
