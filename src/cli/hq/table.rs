//! Tables on standard output.

use unicode_width::UnicodeWidthStr;

use super::super::out::{self, Failure};

/// Writes rows under their names; columns that say nothing in any row are left out, but where there are no rows.
pub(super) fn write(names: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let shown: Vec<usize> = (0..names.len()).filter(|column| rows.is_empty() || rows.iter().any(|row| !row[*column].is_empty())).collect();
    let widest = |column: usize| rows.iter().map(|row| clean(&row[column]).width()).chain([names[column].width()]).max().unwrap_or(0);
    let widths: Vec<usize> = shown.iter().map(|column| widest(*column)).collect();
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells = shown.iter().zip(&widths).map(|(column, width)| {
            let text = clean(&cell(*column));
            let gap = width.saturating_sub(text.width());
            format!("{text}{}", " ".repeat(gap))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    out::line(line(&|column| names[column].to_owned()))?;
    rows.iter().try_for_each(|row| out::line(line(&|column| row[column].clone())))
}

/// One line of a cell, without what would move the cursor.
fn clean(text: &str) -> String {
    const WIDTH_MAX: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    let mut clean: String = line.chars().filter(|letter| !letter.is_control()).take(WIDTH_MAX).collect();
    if clean.len() < text.len() && text.chars().nth(clean.chars().count()).is_some() {
        clean.push('…');
    }
    clean
}
