//! Symbols that are drawn as shapes because fonts leave gaps between them: block elements and box
//! lines.

use super::{CELL_HEIGHT, CELL_WIDTH};

/// Whether the symbol is better drawn as a shape than written as text.
pub(super) fn is_shape(symbol: &str) -> bool {
    outline(symbol, 0, 0).is_some()
}

/// The outline of a symbol's shape as a path, in a cell whose upper left corner is at `x` and `y`.
pub(super) fn outline(symbol: &str, x: usize, y: usize) -> Option<String> {
    let mut chars = symbol.chars();
    let c = chars.next().filter(|_| chars.next().is_none())?;
    if c.is_ascii() {
        return None;
    }
    if let Some((_, path)) = ROUND_CORNERS.iter().find(|(corner, _)| *corner == c) {
        return Some(format!("M{x} {y}{path}"));
    }
    let parts = quadrants(c).or_else(|| eighths(c)).or_else(|| box_line(c))?;
    let path = parts.into_iter().map(|part| {
        let Part { width, height, .. } = part;
        format!("M{} {}h{width}v{height}h-{width}z", x + part.x, y + part.y)
    });
    Some(path.collect())
}

/// A rectangle within a cell.
struct Part {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

const HALF_WIDTH: usize = CELL_WIDTH / 2;
const HALF_HEIGHT: usize = CELL_HEIGHT / 2;

/// Blocks made of quarters: upper left, upper right, lower left, lower right.
const QUADRANTS: [(char, [bool; 4]); 13] = [
    ('▘', [true, false, false, false]),
    ('▝', [false, true, false, false]),
    ('▖', [false, false, true, false]),
    ('▗', [false, false, false, true]),
    ('▀', [true, true, false, false]),
    ('▌', [true, false, true, false]),
    ('▐', [false, true, false, true]),
    ('▚', [true, false, false, true]),
    ('▞', [false, true, true, false]),
    ('▛', [true, true, true, false]),
    ('▜', [true, true, false, true]),
    ('▙', [true, false, true, true]),
    ('▟', [false, true, true, true]),
];

fn quadrants(c: char) -> Option<Vec<Part>> {
    let (_, quarters) = QUADRANTS.iter().find(|(block, _)| *block == c)?;
    let row = |y: usize, left: bool, right: bool| {
        (left || right).then_some(Part {
            x: if left { 0 } else { HALF_WIDTH },
            y,
            width: if left && right { CELL_WIDTH } else { HALF_WIDTH },
            height: HALF_HEIGHT,
        })
    };
    let upper = row(0, quarters[0], quarters[1]);
    let lower = row(HALF_HEIGHT, quarters[2], quarters[3]);
    Some(upper.into_iter().chain(lower).collect())
}

/// `▁` to `█` fill a cell from below, `▉` to `▏` from the left, by eighths.
fn eighths(c: char) -> Option<Vec<Part>> {
    let (width, height) = match c {
        '▁'..='█' => {
            let filled = c as usize - '▁' as usize + 1;
            (CELL_WIDTH, CELL_HEIGHT / 8 * filled)
        }
        '▉'..='▏' => {
            let filled = '▏' as usize - c as usize + 1;
            (CELL_WIDTH / 8 * filled, CELL_HEIGHT)
        }
        _ => return None,
    };
    let y = CELL_HEIGHT - height;
    Some(vec![Part { x: 0, y, width, height }])
}

/// Half the thickness of box lines.
const LIGHT: usize = 1;
const HEAVY: usize = 2;

/// Box lines by their arms: left, right, up, down.
const BOX_LINES: [(&str, [bool; 4]); 11] = [
    ("─━", [true, true, false, false]),
    ("│┃", [false, false, true, true]),
    ("┌┏", [false, true, false, true]),
    ("┐┓", [true, false, false, true]),
    ("└┗", [false, true, true, false]),
    ("┘┛", [true, false, true, false]),
    ("├┣", [false, true, true, true]),
    ("┤┫", [true, false, true, true]),
    ("┬┳", [true, true, false, true]),
    ("┴┻", [true, true, true, false]),
    ("┼╋", [true, true, true, true]),
];

fn box_line(c: char) -> Option<Vec<Part>> {
    let (pair, [left, right, up, down]) = BOX_LINES.iter().find(|(pair, _)| pair.contains(c))?;
    let half = if pair.starts_with(c) { LIGHT } else { HEAVY };
    let span = |before: bool, after: bool, middle: usize| {
        let start = if before { 0 } else { middle - half };
        let end = if after { 2 * middle } else { middle + half };
        (start, end - start)
    };
    let mut parts = Vec::new();
    if *left || *right {
        let (x, width) = span(*left, *right, HALF_WIDTH);
        parts.push(Part { x, y: HALF_HEIGHT - half, width, height: 2 * half });
    }
    if *up || *down {
        let (y, height) = span(*up, *down, HALF_HEIGHT);
        parts.push(Part { x: HALF_WIDTH - half, y, width: 2 * half, height });
    }
    Some(parts)
}

/// Light corners, as quarters of a ring that meets the light lines of the neighbours.
const ROUND_CORNERS: [(char, &str); 4] = [
    ('╭', "m7 32v-8a9 9 0 0 1 9-9v2a7 7 0 0 0-7 7v8z"),
    ('╮', "m0 15a9 9 0 0 1 9 9v8h-2v-8a7 7 0 0 0-7-7z"),
    ('╰', "m7 0v8a9 9 0 0 0 9 9v-2a7 7 0 0 1-7-7v-8z"),
    ('╯', "m0 17a9 9 0 0 0 9-9v-8h-2v8a7 7 0 0 1-7 7z"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_lines_are_drawn_to_the_cells_edges() {
        let cases = [
            ("█", "M32 64h16v32h-16z"),
            ("▀", "M32 64h16v16h-16z"),
            ("▄", "M32 80h16v16h-16z"),
            ("▐", "M40 64h8v16h-8zM40 80h8v16h-8z"),
            ("▚", "M32 64h8v16h-8zM40 80h8v16h-8z"),
            ("▟", "M40 64h8v16h-8zM32 80h16v16h-16z"),
            ("▁", "M32 92h16v4h-16z"),
            ("▏", "M32 64h2v32h-2z"),
            ("▉", "M32 64h14v32h-14z"),
            ("─", "M32 79h16v2h-16z"),
            ("┃", "M38 64h4v32h-4z"),
            ("┌", "M39 79h9v2h-9zM39 79h2v17h-2z"),
            ("╭", "M32 64m7 32v-8a9 9 0 0 1 9-9v2a7 7 0 0 0-7 7v8z"),
        ];
        for (symbol, expected) in cases {
            assert_eq!(outline(symbol, 32, 64).as_deref(), Some(expected), "{symbol}");
        }
    }

    #[test]
    fn every_block_of_quarters_halves_and_eighths_is_a_shape() {
        for c in ('▀'..='▐').chain('▖'..='▟') {
            assert!(is_shape(&c.to_string()), "{c}");
        }
    }

    #[test]
    fn letters_and_clusters_are_text() {
        for symbol in ["", " ", "a", "é", "═", "░", "█\u{301}", "漢"] {
            assert!(!is_shape(symbol), "{symbol}");
        }
    }
}
