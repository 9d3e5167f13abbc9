//! Texts that people and files hand over: scans, tapes, profiles, layouts, CSV files.

use std::io;

use evertill::demo::tape;
use evertill::import::{self, BadRow, BadRows, ImportError, Imported, OnBadRow};
use evertill::profile::Profile;
use evertill::retail::barcode::{Code, Elements, Pattern, Scanned, ValueKind, Weight, WeightUnit, read};
use evertill::ui::layout::Layout;

/// The longest input a message may be made of without being cut.
const MESSAGE_MAX: usize = 4_096;

/// `PICTURE\nSCAN`, or a scan alone.
pub(super) fn barcode(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (picture, scan) = text.split_once('\n').unwrap_or(("21IIIIINNDDDK", &text));
    let kinds = [ValueKind::Price, ValueKind::Weight(WeightUnit::Kilogram), ValueKind::Weight(WeightUnit::Pound)];
    let patterns: Vec<Pattern> = kinds.iter().filter_map(|kind| Pattern::parse(picture, *kind).ok()).collect();
    for patterns in [&patterns[..], &[]] {
        match read(scan, patterns) {
            Ok(Scanned::Product(code) | Scanned::Embedded { code, .. }) => assert_normal(&code),
            Ok(Scanned::Elements(elements)) => assert_printed_again(&elements),
            Err(error) => assert!(error.to_string().len() <= MESSAGE_MAX, "{error}"),
        }
    }
}

/// The element string inside a GS1 label.
pub(super) fn gs1(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for scan in [format!("]C1{text}"), format!("({text}"), text.into_owned()] {
        if let Ok(Scanned::Elements(elements)) = read(&scan, &[]) {
            assert_printed_again(&elements);
        }
    }
}

/// However a code was written, its normal form is one.
fn assert_normal(code: &Code) {
    // A label may print what a scanner would put in front.
    if !code.as_str().starts_with(']') {
        assert_eq!(Code::parse(code.as_str()).as_ref(), Ok(code), "the normal form is its own");
    }
    assert!(code.candidates().contains(&code.to_string()));
}

/// The elements, sent by a scanner or printed under the bars, read the same.
fn assert_printed_again(elements: &Elements) {
    assert_normal(&elements.code);
    let parts = parts(elements);
    let sent: String = parts.iter().flat_map(|(ai, value)| [ai.as_str(), value, "\u{1d}"]).collect();
    assert_eq!(read(&format!("]C1{sent}"), &[]), Ok(Scanned::Elements(elements.clone())), "{sent:?}");
    // A batch may have brackets itself; then the print is ambiguous.
    if !parts.iter().any(|(_, value)| value.contains('(')) {
        let printed: String = parts.iter().flat_map(|(ai, value)| ["(", ai.as_str(), ")", value]).collect();
        assert_eq!(read(&printed, &[]), Ok(Scanned::Elements(elements.clone())), "{printed:?}");
    }
}

/// Application identifiers and what follows them.
fn parts(elements: &Elements) -> Vec<(String, String)> {
    let mut parts = vec![("01".to_owned(), format!("{:0>14}", elements.code.as_str()))];
    let mut add = |ai: &str, value: Option<String>| parts.extend(value.map(|value| (ai.to_owned(), value)));
    let digits = |amount: rust_decimal::Decimal| amount.mantissa().to_string();
    add("30", elements.count.map(|count| count.to_string()));
    if let Some(Weight { amount, unit }) = elements.weight {
        let family = if unit == WeightUnit::Kilogram { "310" } else { "320" };
        add(&format!("{family}{}", amount.scale()), Some(format!("{:0>6}", digits(amount))));
    }
    if let Some(price) = elements.price {
        let (family, currency) = price.currency.map_or(("392", String::new()), |number| ("393", format!("{number:03}")));
        add(&format!("{family}{}", price.amount.scale()), Some(currency + &digits(price.amount)));
    }
    add("10", elements.batch.clone());
    add("21", elements.serial.clone());
    for (ai, day) in [("11", elements.produced), ("15", elements.best_before), ("17", elements.expires)] {
        add(ai, day.map(|day| day.format("%y%m%d").to_string()));
    }
    parts
}

/// Tapes behind one another, parted by NUL: the second is called `1`, as a tape's `Source 1` names it.
pub(super) fn tape(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let tapes: Vec<&str> = text.split('\0').collect();
    let mut source = |name: &str| {
        let found = name.parse().ok().and_then(|number: usize| tapes.get(number));
        found.map(|text| (*text).to_owned()).ok_or(io::Error::from(io::ErrorKind::NotFound))
    };
    match tape::parse("0", tapes[0], &mut source) {
        Ok(steps) => {
            let lines: Vec<String> = steps.iter().map(|step| step.command.to_string()).collect();
            let again = tape::parse("0", &lines.join("\n"), &mut |_| Err(io::ErrorKind::NotFound.into()));
            let again = again.unwrap_or_else(|errors| panic!("what was written in full is refused: {errors}"));
            assert!(steps.iter().map(|step| &step.command).eq(again.iter().map(|step| &step.command)), "it reads as another tape");
        }
        Err(errors) => assert!(!errors.to_string().is_empty(), "a refusal says why"),
    }
}

/// A profile.
pub(super) fn profile(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Profile::parse(&text) {
        Ok(profile) => assert_eq!(Profile::parse(&profile.to_string()), Ok(profile)),
        Err(problems) => {
            assert!((1..=100).contains(&problems.len()), "{} problems", problems.len());
            for problem in problems {
                assert!((1..=text.split('\n').count()).contains(&problem.line), "{problem}");
                assert!(problem.column >= 1 && problem.to_string().len() <= MESSAGE_MAX, "{problem}");
            }
        }
    }
}

/// A screen's layout.
pub(super) fn layout(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = Layout::parse(&text);
    assert_eq!(read.is_ok(), Layout::parse(&text).is_ok());
    assert!(read.err().is_none_or(|problems| !problems.is_empty()), "a refusal says why");
}

/// A file of any kind that is imported.
pub(super) fn csv(bytes: &[u8]) {
    assert_one_mind(|on_bad_row| import::products("f", bytes, on_bad_row));
    assert_one_mind(|on_bad_row| import::barcodes("f", bytes, on_bad_row));
    assert_one_mind(|on_bad_row| import::customers("f", bytes, on_bad_row));
    assert_one_mind(|on_bad_row| import::baskets("f", bytes, on_bad_row));
    for row in import::products("f", bytes, OnBadRow::Skip).into_iter().flat_map(|imported| imported.rows) {
        assert!(!row.product_id.is_empty() && !row.unit_price.is_sign_negative(), "{row:?}");
    }
}

/// A file is refused when rows of it are bad, and the same rows are what is skipped.
fn assert_one_mind<T: PartialEq + std::fmt::Debug>(read: impl Fn(OnBadRow) -> Result<Imported<T>, ImportError>) {
    match (read(OnBadRow::Refuse), read(OnBadRow::Skip)) {
        (Ok(all), Ok(good)) => {
            assert!(all.bad.is_empty());
            assert_eq!(all, good);
        }
        (Err(ImportError::BadRows(bad)), Ok(good)) => {
            assert_eq!(bad, good.bad);
            assert_named(&bad);
        }
        (Err(ImportError::BadHeader(bad)), Err(ImportError::BadHeader(again))) => {
            assert_eq!(bad, again);
            assert_named(&bad);
        }
        (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
        (one, other) => panic!("{one:?} and {other:?}"),
    }
}

fn assert_named(bad: &BadRows) {
    assert!(!bad.is_empty());
    for BadRow { line, column, why, .. } in bad.listed() {
        assert!(*line >= 1 && !why.is_empty(), "{column}: {why}");
        let hostile = why.chars().chain(column.chars()).any(char::is_control);
        assert!(!hostile, "a terminal would obey {column:?}: {why:?}");
    }
}
