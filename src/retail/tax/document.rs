//! The taxes of a whole document, rounded once for each tax code.

use std::collections::BTreeMap;
use std::iter;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Sum, TaxError, TaxedLine, plus, round_half_away};
use crate::money::round_to_step;

/// Decimals in which sums of lines agree; those below hold only what the lines' divisions left over.
const SUM_DECIMALS: u32 = 8;

/// Adds up the taxed lines of a document, each with the codes of its taxes in their order, and rounds to `step`.
///
/// The sum of the lines' amounts and each code's tax are rounded, half away from zero; everything else follows from
/// them. So articles priced with tax cost what their prices say, articles priced without it have the sum of their
/// prices as net, and always `total_included` = `total_excluded` + the amounts of `taxes`. Lines that were rounded
/// one by one are only added up.
///
/// A tax for which no code is given counts under an empty one.
pub fn tax_document<'a, Codes>(lines: impl IntoIterator<Item = (&'a TaxedLine, Codes)>, step: Decimal) -> Result<TaxedDocument, TaxError>
where
    Codes: IntoIterator<Item = &'a str>,
{
    let round = |value| round_to_step(round_half_away(value, SUM_DECIMALS), step);
    let mut amount = Sum::default();
    // A few codes, each found sooner by looking at them all.
    let mut sums: Vec<(&str, CodeSums)> = Vec::new();
    for (line, codes) in lines {
        amount.add(&line.total_excluded)?;
        for (tax, code) in line.taxes.iter().zip(codes.into_iter().chain(iter::repeat(""))) {
            let place = sums.iter().position(|(known, _)| *known == code).unwrap_or_else(|| {
                sums.push((code, CodeSums::default()));
                sums.len() - 1
            });
            let (_, sums) = &mut sums[place];
            sums.base.add(&tax.base)?;
            sums.amount.add(&tax.amount)?;
            if tax.included {
                sums.in_price.add(&tax.amount)?;
                amount.add(&tax.amount)?;
            }
        }
    }

    let amount = amount.total()?;
    let mut document = TaxedDocument { total_excluded: round(amount), total_included: round(amount), taxes: BTreeMap::new() };
    for (code, sums) in sums {
        let (base, tax, exact_in_price) = (sums.base.total()?, round(sums.amount.total()?), sums.in_price.total()?);
        let in_price = round(exact_in_price);
        document.total_excluded = plus(document.total_excluded, -in_price)?;
        document.total_included = plus(document.total_included, plus(tax, -in_price)?)?;
        // Base and tax in the price are parts of one price: rounded each by itself they could miss it by a step.
        let base = plus(round(plus(base, exact_in_price)?), -in_price)?;
        document.taxes.insert(code.to_owned(), CodeTotal { base, amount: tax });
    }
    Ok(document)
}

/// What a document comes to, every figure a multiple of the currency's step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxedDocument {
    /// Without any tax.
    #[serde(with = "rust_decimal::serde::str")]
    pub total_excluded: Decimal,
    /// What is to be paid.
    #[serde(with = "rust_decimal::serde::str")]
    pub total_included: Decimal,
    /// By tax code.
    pub taxes: BTreeMap<String, CodeTotal>,
}

/// What the lines of one tax code come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeTotal {
    /// The money the tax is charged on.
    #[serde(with = "rust_decimal::serde::str")]
    pub base: Decimal,
    /// The tax itself.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

#[derive(Default)]
struct CodeSums {
    base: Sum,
    amount: Sum,
    in_price: Sum,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{any_amount, any_rounding, any_taxes, cent, number, percent};
    use super::super::{Tax, TaxRounding, tax_line};
    use super::*;

    fn document_of(prices: &[&str], tax: &Tax) -> TaxedDocument {
        let taxes = std::slice::from_ref(tax);
        let lines = prices.iter().map(|price| tax_line(number(price), Decimal::ONE, taxes, TaxRounding::Total, cent()));
        let lines: Vec<TaxedLine> = lines.map(Result::unwrap).collect();
        tax_document(lines.iter().map(|line| (line, ["A"])), cent()).unwrap()
    }

    #[test]
    fn a_code_is_rounded_once_for_all_its_lines() {
        struct Case {
            prices: &'static [&'static str],
            tax: Tax,
            net: &'static str,
            amount: &'static str,
        }
        let in_price = |rate| Tax { included: true, ..percent(rate) };
        let cases = [
            Case { prices: &["21.53", "21.53"], tax: in_price("21"), net: "35.59", amount: "7.47" },
            Case { prices: &["52.50"], tax: in_price("12"), net: "46.87", amount: "5.63" },
            Case { prices: &["0.10", "0.10", "0.10"], tax: percent("5"), net: "0.30", amount: "0.02" },
            // The exact tax is 0.045; cut to any number of decimals the lines' taxes add up to less.
            Case { prices: &["0.08", "0.08", "0.08", "0.03"], tax: in_price("20"), net: "0.22", amount: "0.05" },
        ];
        for Case { prices, tax, net, amount } in cases {
            let document = document_of(prices, &tax);
            let of_code = CodeTotal { base: number(net), amount: number(amount) };
            assert_eq!(document.taxes, BTreeMap::from([("A".to_owned(), of_code)]), "{prices:?}");
            assert_eq!(document.total_excluded, number(net), "{prices:?}");
            assert_eq!(document.total_included, number(net) + number(amount), "{prices:?}");
        }
    }

    #[test]
    fn an_empty_document_is_nothing() {
        let document = tax_document(iter::empty::<(&TaxedLine, [&str; 0])>(), cent()).unwrap();
        assert_eq!((document.total_excluded, document.total_included), (Decimal::ZERO, Decimal::ZERO));
    }

    proptest! {
        #[test]
        fn a_document_with_tax_is_the_document_without_it_and_its_taxes(
            lines in prop::collection::vec((any_amount(), any_amount(), any_taxes()), 0..8),
            rounding in any_rounding(), codes in prop::collection::vec("[AB]", 0..6), step in 1..100_i64,
        ) {
            let step = Decimal::new(step, 2);
            let taxed: Vec<TaxedLine> = lines.iter()
                .map(|(amount, quantity, taxes)| tax_line(*amount, *quantity, taxes, rounding, step).unwrap())
                .collect();
            let document =
                tax_document(taxed.iter().map(|line| (line, codes.iter().map(String::as_str))), step).unwrap();

            let taxes: Decimal = document.taxes.values().map(|tax| tax.amount).sum();
            prop_assert_eq!(document.total_included, document.total_excluded + taxes);
            let figures = document.taxes.values().flat_map(|tax| [tax.base, tax.amount]);
            for figure in figures.chain([document.total_excluded, document.total_included]) {
                prop_assert!((figure % step).is_zero(), "{} is off the step", figure);
                prop_assert!(!(figure.is_zero() && figure.is_sign_negative()));
            }
            if rounding == TaxRounding::PerLine {
                let due: Decimal = taxed.iter().map(|line| line.total_included).sum();
                prop_assert_eq!(document.total_included, due);
            }
        }
    }
}
