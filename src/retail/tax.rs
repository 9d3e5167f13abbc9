//! What the taxes of one line come to: percent or per unit, in the price or on top of it, one upon another.
//!
//! A sale calls [`tax_line`] for every line and [`tax_document`] at its end. Nothing here knows products, customers
//! or currencies, and nothing here decides which taxes apply.
//!
//! The rules are those of Odoo's tax computation (17 and later), which the cases in `tests/vectors` come from:
//!
//! 1. Neighbouring taxes of one kind, neither standing upon the other, form a batch and share one base.
//! 2. Per-unit taxes come first, for they need no base; then percentages in the price, from the last to the first,
//!    as each takes the price apart a little further; then percentages on top, from the first to the last.
//! 3. Each tax, once known, moves the base of the taxes outside its batch: one in the price takes itself out of
//!    the bases it is no part of, one on top adds itself to those that stand upon it.

mod document;
mod sum;

use std::iter;
use std::mem::discriminant;
use std::ops::Range;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::money::round_to_step;

pub use document::{CodeTotal, TaxedDocument, tax_document};
pub(super) use sum::Sum;

/// Largest amount, in units of the currency, that a tax is computed from or comes to.
const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// Taxes of a line at most: each may move the bases of all others.
const TAXES_MAX: usize = 100;

/// Decimals kept under [`TaxRounding::Total`]: with [`AMOUNT_MAX`] they fit into a [`Decimal`], so that sums are exact.
const TOTAL_DECIMALS: u32 = 12;

/// Computes the taxes of a line.
///
/// `amount` is the line's unit price × quantity less its discounts; `quantity` counts for per-unit taxes, which take
/// the sign of `amount`, or that of `quantity` if `amount` is 0. `taxes` are in the order in which they apply. `step`
/// is the currency's smallest amount, to which [`TaxRounding::PerLine`] rounds.
///
/// `total_excluded` is `amount` less the taxes in the price, `total_included` is `amount` plus those on top.
pub fn tax_line(amount: Decimal, quantity: Decimal, taxes: &[Tax], rounding: TaxRounding, step: Decimal) -> Result<TaxedLine, TaxError> {
    if taxes.len() > TAXES_MAX {
        return Err(TaxError::OutOfRange);
    }
    let round = |value| round(value, rounding, step);
    let units = signed_units(amount, quantity);
    let amount = round(amount)?;
    let batches = batches(taxes);
    let unknown = |tax: &Tax| TaxedAmount { base: amount, amount: Decimal::ZERO, included: tax.included };
    let mut amounts: Vec<TaxedAmount> = taxes.iter().map(unknown).collect();

    for at in order_of_evaluation(taxes) {
        let batch = &batches[at];
        amounts[at].amount = round(match taxes[at].kind {
            TaxKind::PerUnit { amount } => times(units, amount)?,
            TaxKind::Percent { rate } => share(amounts[at].base, rate, whole(&taxes[at], &taxes[batch.clone()])?)?,
        })?;
        shift_bases(&mut amounts, taxes, at, batch)?;
    }
    take_batches_out_of_the_price(&mut amounts, &batches)?;

    let sum = |included: bool| {
        let taxes = amounts.iter().filter(|tax| tax.included == included);
        taxes.map(|tax| tax.amount).try_fold(Decimal::ZERO, plus)
    };
    Ok(TaxedLine { total_excluded: plus(amount, -sum(true)?)?, total_included: plus(amount, sum(false)?)?, taxes: amounts })
}

/// One tax as it applies to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// What it is a part of, and how large.
    #[serde(flatten)]
    pub kind: TaxKind,
    /// The price holds it already.
    pub included: bool,
    /// Later taxes with [`Tax::base_affected`] are charged on it too.
    pub affects_next_base: bool,
    /// Charged on earlier taxes with [`Tax::affects_next_base`] too.
    pub base_affected: bool,
}

/// How a tax is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaxKind {
    /// A part of the base.
    Percent {
        /// Percent of the base, negative for a tax withheld.
        #[serde(with = "rust_decimal::serde::str")]
        rate: Decimal,
    },
    /// A fixed amount a unit, such as a deposit.
    PerUnit {
        /// Money a unit.
        #[serde(with = "rust_decimal::serde::str")]
        amount: Decimal,
    },
}

/// When taxes are rounded to the currency's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxRounding {
    /// The line's amount and each of its taxes.
    PerLine,
    /// Only the sums of the whole document, by [`tax_document`].
    Total,
}

/// A line with its taxes. Always `total_included` = `total_excluded` + the taxes' amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxedLine {
    /// The line without any tax.
    #[serde(with = "rust_decimal::serde::str")]
    pub total_excluded: Decimal,
    /// What the line costs.
    #[serde(with = "rust_decimal::serde::str")]
    pub total_included: Decimal,
    /// One a tax, in the order of the taxes.
    pub taxes: Vec<TaxedAmount>,
}

/// What one tax comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxedAmount {
    /// The money it is charged on.
    #[serde(with = "rust_decimal::serde::str")]
    pub base: Decimal,
    /// The tax itself.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// The price held it already.
    pub included: bool,
}

/// Why taxes cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TaxError {
    /// An amount, a rate or a sum that no shop has.
    #[error("a tax is beyond all bounds, expected amounts up to {AMOUNT_MAX}")]
    OutOfRange,
}

/// Moves the bases of the taxes outside the batch of the tax `at`, whose amount is known.
///
/// A tax in the price is no part of the base of any other, unless that one stands upon it: then the price it is taken
/// from holds both. A tax on top only adds to the bases that stand upon it.
fn shift_bases(amounts: &mut [TaxedAmount], taxes: &[Tax], at: usize, batch: &Range<usize>) -> Result<(), TaxError> {
    let tax = &taxes[at];
    let amount = amounts[at].amount;
    for other in (0..batch.start).chain(batch.end..taxes.len()) {
        let stands_upon_it = other > at && tax.affects_next_base && taxes[other].base_affected;
        let shift = match (tax.included, stands_upon_it) {
            (true, true) | (false, false) => Decimal::ZERO,
            (true, false) => -amount,
            (false, true) => amount,
        };
        amounts[other].base = plus(amounts[other].base, shift)?;
    }
    Ok(())
}

/// For each tax, where its batch stands among `taxes`.
fn batches(taxes: &[Tax]) -> Vec<Range<usize>> {
    let together = |tax: &Tax, next: &Tax| {
        discriminant(&tax.kind) == discriminant(&next.kind)
            && tax.included == next.included
            && tax.affects_next_base == next.affects_next_base
            && !(tax.affects_next_base && next.base_affected)
    };
    let mut batches = Vec::with_capacity(taxes.len());
    for batch in taxes.chunk_by(together) {
        let range = batches.len()..batches.len() + batch.len();
        batches.extend(iter::repeat_n(range, batch.len()));
    }
    batches
}

fn order_of_evaluation(taxes: &[Tax]) -> impl Iterator<Item = usize> {
    let is_per_unit = |at: &usize| matches!(taxes[*at].kind, TaxKind::PerUnit { .. });
    let all = 0..taxes.len();
    let per_unit = all.clone().rev().filter(move |at| is_per_unit(at));
    let in_price = all.clone().rev().filter(move |at| !is_per_unit(at) && taxes[*at].included);
    let on_top = all.filter(move |at| !is_per_unit(at) && !taxes[*at].included);
    per_unit.chain(in_price).chain(on_top)
}

/// The percentage that the base of a percent tax stands for: without the tax, 100; with its batch inside, more.
fn whole(tax: &Tax, batch: &[Tax]) -> Result<Decimal, TaxError> {
    if !tax.included {
        return Ok(Decimal::ONE_HUNDRED);
    }
    let mut rates = batch.iter().filter_map(|tax| match tax.kind {
        TaxKind::Percent { rate } => Some(rate),
        TaxKind::PerUnit { .. } => None,
    });
    rates.try_fold(Decimal::ONE_HUNDRED, plus)
}

/// While taxes in the price are evaluated, their base still holds their own batch.
fn take_batches_out_of_the_price(amounts: &mut [TaxedAmount], batches: &[Range<usize>]) -> Result<(), TaxError> {
    for at in 0..amounts.len() {
        if !amounts[at].included {
            continue;
        }
        let batch = &amounts[batches[at].clone()];
        let batch_amount = batch.iter().map(|tax| tax.amount).try_fold(Decimal::ZERO, plus)?;
        amounts[at].base = plus(amounts[at].base, -batch_amount)?;
    }
    Ok(())
}

fn signed_units(amount: Decimal, quantity: Decimal) -> Decimal {
    let sign = if amount.is_zero() { quantity } else { amount };
    if sign < Decimal::ZERO { -quantity.abs() } else { quantity.abs() }
}

/// `rate` parts of `base`, of which there are `whole`; nothing if there are none, as with -100 % in the price.
///
/// Multiplying first leaves one division as the only inexact step; its error, in the 28th digit, is far below the
/// distance of any inexact quotient from a half step.
fn share(base: Decimal, rate: Decimal, whole: Decimal) -> Result<Decimal, TaxError> {
    if whole.is_zero() {
        return Ok(Decimal::ZERO);
    }
    within_range(times(base, rate)?.checked_div(whole))
}

fn times(a: Decimal, b: Decimal) -> Result<Decimal, TaxError> {
    a.checked_mul(b).ok_or(TaxError::OutOfRange)
}

fn plus(a: Decimal, b: Decimal) -> Result<Decimal, TaxError> {
    within_range(a.checked_add(b))
}

fn within_range(value: Option<Decimal>) -> Result<Decimal, TaxError> {
    match value {
        // A zero made by negation keeps its sign and would print as -0.
        Some(value) if value.is_zero() => Ok(Decimal::ZERO),
        Some(value) if value.abs() <= Decimal::from(AMOUNT_MAX) => Ok(value),
        Some(_) | None => Err(TaxError::OutOfRange),
    }
}

fn round(value: Decimal, rounding: TaxRounding, step: Decimal) -> Result<Decimal, TaxError> {
    let value = within_range(Some(value))?;
    within_range(Some(match rounding {
        TaxRounding::PerLine => round_to_step(value, step),
        TaxRounding::Total => round_half_away(value, TOTAL_DECIMALS),
    }))
}

fn round_half_away(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    pub(super) fn percent(rate: &str) -> Tax {
        let kind = TaxKind::Percent { rate: number(rate) };
        Tax { kind, included: false, affects_next_base: false, base_affected: true }
    }

    pub(super) fn cent() -> Decimal {
        Decimal::new(1, 2)
    }

    pub(super) fn any_taxes() -> impl Strategy<Value = Vec<Tax>> {
        let kind = prop_oneof![
            3 => (-3_000..5_000_i64).prop_map(|rate| TaxKind::Percent { rate: Decimal::new(rate, 2) }),
            1 => (-500..500_i64).prop_map(|amount| TaxKind::PerUnit { amount: Decimal::new(amount, 3) }),
        ];
        let tax = (kind, any::<[bool; 3]>()).prop_map(|(kind, [included, affects_next_base, base_affected])| Tax {
            kind,
            included,
            affects_next_base,
            base_affected,
        });
        prop::collection::vec(tax, 0..6)
    }

    pub(super) fn any_rounding() -> impl Strategy<Value = TaxRounding> {
        prop_oneof![Just(TaxRounding::PerLine), Just(TaxRounding::Total)]
    }

    /// Amounts and quantities with up to 8 decimals, the widest a sale may hand over.
    pub(super) fn any_amount() -> impl Strategy<Value = Decimal> {
        let bounded = |decimals| (-10_i64.pow(14)..10_i64.pow(14)).prop_map(move |digits| Decimal::new(digits, decimals));
        prop_oneof![bounded(2), bounded(5), bounded(8), Just(Decimal::ZERO)]
    }

    fn any_decimal() -> impl Strategy<Value = Decimal> {
        (any::<[u32; 3]>(), any::<bool>(), 0..=28_u32)
            .prop_map(|([low, middle, high], negative, scale)| Decimal::from_parts(low, middle, high, negative, scale))
    }

    fn sum(line: &TaxedLine) -> Decimal {
        line.taxes.iter().map(|tax| tax.amount).sum()
    }

    proptest! {
        #[test]
        fn a_line_with_tax_is_the_line_without_it_and_its_taxes(
            amount in any_amount(), quantity in any_amount(), taxes in any_taxes(), rounding in any_rounding(),
        ) {
            let line = tax_line(amount, quantity, &taxes, rounding, cent()).unwrap();
            prop_assert_eq!(line.total_included, line.total_excluded + sum(&line));
        }

        #[test]
        fn the_first_base_is_the_line_without_tax(
            amount in any_amount(), quantity in any_amount(), taxes in any_taxes(), rounding in any_rounding(),
        ) {
            let line = tax_line(amount, quantity, &taxes, rounding, cent()).unwrap();
            prop_assert!(line.taxes.first().is_none_or(|tax| tax.base == line.total_excluded));
        }

        #[test]
        fn every_figure_of_a_rounded_line_is_on_the_step(
            amount in any_amount(), quantity in any_amount(), taxes in any_taxes(), step in 1..100_i64,
        ) {
            let step = Decimal::new(step, 2);
            let line = tax_line(amount, quantity, &taxes, TaxRounding::PerLine, step).unwrap();
            let figures = line.taxes.iter().flat_map(|tax| [tax.base, tax.amount]);
            for figure in figures.chain([line.total_excluded, line.total_included]) {
                prop_assert!((figure % step).is_zero(), "{} is off the step", figure);
                prop_assert!(!(figure.is_zero() && figure.is_sign_negative()));
            }
        }

        #[test]
        fn a_return_cancels_its_sale(
            amount in any_amount(), quantity in any_amount(), taxes in any_taxes(), rounding in any_rounding(),
        ) {
            let sale = tax_line(amount, quantity, &taxes, rounding, cent()).unwrap();
            let back = tax_line(-amount, -quantity, &taxes, rounding, cent()).unwrap();
            prop_assert_eq!(back.total_excluded, -sale.total_excluded);
            prop_assert_eq!(back.total_included, -sale.total_included);
            for (back, sale) in back.taxes.iter().zip(&sale.taxes) {
                prop_assert_eq!((back.base, back.amount), (-sale.base, -sale.amount));
            }
        }

        #[test]
        fn a_line_discounted_by_all_of_it_has_no_percent_tax(
            quantity in any_amount(), mut taxes in any_taxes(), rounding in any_rounding(),
        ) {
            taxes.retain(|tax| matches!(tax.kind, TaxKind::Percent { .. }));
            let line = tax_line(Decimal::ZERO, quantity, &taxes, rounding, cent()).unwrap();
            prop_assert!(line.total_excluded.is_zero() && line.total_included.is_zero());
            prop_assert!(line.taxes.iter().all(|tax| tax.base.is_zero() && tax.amount.is_zero()));
        }

        #[test]
        fn a_tax_in_the_price_leaves_the_price(
            cents in -10_i64.pow(12)..10_i64.pow(12), rate in 0..10_000_i64, rounding in any_rounding(),
        ) {
            let price = Decimal::new(cents, 2);
            let kind = TaxKind::Percent { rate: Decimal::new(rate, 2) };
            let tax = Tax { kind, included: true, ..percent("0") };
            let line = tax_line(price, Decimal::ONE, &[tax], rounding, cent()).unwrap();
            prop_assert_eq!(line.total_included, price);
        }

        #[test]
        fn no_number_panics(
            amount in any_decimal(), quantity in any_decimal(), first in any_decimal(), second in any_decimal(),
            mut taxes in any_taxes(), rounding in any_rounding(), step in any_decimal(),
        ) {
            for (tax, number) in taxes.iter_mut().zip([first, second]) {
                tax.kind = match tax.kind {
                    TaxKind::Percent { .. } => TaxKind::Percent { rate: number },
                    TaxKind::PerUnit { .. } => TaxKind::PerUnit { amount: number },
                };
            }
            for amount in [amount, number("0.01")] {
                if let Ok(line) = tax_line(amount, quantity, &taxes, rounding, step) {
                    prop_assert!(line.total_included.abs() <= Decimal::from(AMOUNT_MAX));
                }
            }
        }
    }

    #[test]
    fn a_deposit_is_due_even_on_a_free_article() {
        let deposit = Tax { kind: TaxKind::PerUnit { amount: number("0.25") }, ..percent("0") };
        let line = tax_line(Decimal::ZERO, number("6"), &[deposit], TaxRounding::PerLine, cent()).unwrap();
        assert_eq!((line.total_excluded, line.total_included), (Decimal::ZERO, number("1.50")));
    }

    #[test]
    fn a_withheld_hundred_percent_in_the_price_is_nothing() {
        let tax = Tax { included: true, ..percent("-100") };
        let line = tax_line(number("5"), Decimal::ONE, &[tax], TaxRounding::PerLine, cent()).unwrap();
        assert_eq!(line.total_excluded, number("5"));
    }

    #[test]
    fn a_line_without_taxes_is_rounded_per_line_only() {
        let total = |rounding| tax_line(number("1.005"), Decimal::ONE, &[], rounding, cent()).unwrap().total_included;
        assert_eq!(total(TaxRounding::PerLine), number("1.01"));
        assert_eq!(total(TaxRounding::Total), number("1.005"));
    }

    #[test]
    fn an_absurd_rate_is_refused() {
        let refused = tax_line(number("1000"), Decimal::ONE, &[percent("1e20")], TaxRounding::PerLine, cent());
        assert_eq!(refused, Err(TaxError::OutOfRange));
    }

    #[test]
    fn taxes_without_end_are_refused_in_time() {
        let refused = tax_line(number("1000"), Decimal::ONE, &vec![percent("1"); 10_000], TaxRounding::PerLine, cent());
        assert_eq!(refused, Err(TaxError::OutOfRange));
    }
}
