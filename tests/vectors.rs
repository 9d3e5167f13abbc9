//! Arithmetic cases from outside: every `*.json` file in `tests/vectors`, and in the folder that `EVERTILL_VECTORS` names.

use std::fs;
use std::path::{Path, PathBuf};

use evertill::retail::tax::{Tax, TaxRounding, TaxedLine, tax_line};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    name: String,
    taxes: Vec<Tax>,
    unit_price: Decimal,
    quantity: Decimal,
    rounding: TaxRounding,
    currency_step: Decimal,
    expect: Expected,
}

#[derive(Deserialize)]
struct Expected {
    total_excluded: Decimal,
    total_included: Decimal,
    taxes: Vec<ExpectedTax>,
}

#[derive(Deserialize)]
struct ExpectedTax {
    base: Decimal,
    amount: Decimal,
}

#[test]
fn taxes_agree_with_the_vectors() {
    let mut failures = Vec::new();
    let mut count = 0;
    for file in vector_files() {
        for case in tax_cases(&file) {
            count += 1;
            let taxed = tax_line(case.unit_price * case.quantity, case.quantity, &case.taxes, case.rounding, case.currency_step);
            let differences = match taxed {
                Ok(line) => differences(&case, &line),
                Err(error) => vec![error.to_string()],
            };
            if !differences.is_empty() {
                failures.push(format!("{}: {}: {}", file.display(), case.name, differences.join(", ")));
            }
        }
    }
    assert!(count > 0, "no case found");
    assert!(failures.is_empty(), "{} of {count} cases fail:\n{}", failures.len(), failures.join("\n"));
}

fn vector_files() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let folders = [Some(own), std::env::var_os("EVERTILL_VECTORS").map(PathBuf::from)];
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flatten()
        .flat_map(|folder| fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())))
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

/// The file's cases; none if it holds cases of another kind.
fn tax_cases(file: &Path) -> Vec<Case> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let cases: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    if cases.get(0).is_none_or(|case| case.get("taxes").is_none()) {
        return Vec::new();
    }
    serde_json::from_value(cases).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn differences(case: &Case, line: &TaxedLine) -> Vec<String> {
    // An expectation of a line that is not rounded has 6 decimals; the rest is for divisions that do not come out even.
    let tolerance = match case.rounding {
        TaxRounding::PerLine => Decimal::ZERO,
        TaxRounding::Total => Decimal::new(5_001, 10),
    };
    let mut figures = vec![
        ("total_excluded".to_owned(), line.total_excluded, case.expect.total_excluded),
        ("total_included".to_owned(), line.total_included, case.expect.total_included),
        ("number of taxes".to_owned(), line.taxes.len().into(), case.expect.taxes.len().into()),
    ];
    for (number, (tax, expected)) in line.taxes.iter().zip(&case.expect.taxes).enumerate() {
        figures.push((format!("base of tax {number}"), tax.base, expected.base));
        figures.push((format!("amount of tax {number}"), tax.amount, expected.amount));
    }
    figures
        .into_iter()
        .filter(|(_, got, expected)| (*got - *expected).abs() > tolerance)
        .map(|(name, got, expected)| format!("{name} is {got}, expected {expected}"))
        .collect()
}
