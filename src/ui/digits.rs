//! Amounts and the clock in big digits: a font of 3 × 5 pixels that grows with the room, drawn with half blocks.

use super::canvas::Canvas;
use super::theme::Role;

/// Pixel rows of a glyph.
const HEIGHT: u16 = 5;

/// Draws the text as large as it fits, from the place's right edge; small when even that does not fit. Returns the rows used.
pub(super) fn draw_right(canvas: &mut Canvas, x: u16, y: u16, width: u16, height: u16, text: &str, role: Role) -> u16 {
    let Some(scale) = largest(text, width, height) else {
        canvas.right(x, y, width, text, Role::Strong);
        return 1;
    };
    draw(canvas, (x + width).saturating_sub(columns(text, scale)), y, text, scale, role);
    rows(scale)
}

/// Draws the text as large as it fits, in the middle of the place. Returns the rows used.
pub(super) fn draw_center(canvas: &mut Canvas, x: u16, y: u16, width: u16, height: u16, text: &str, role: Role) -> u16 {
    let Some(scale) = largest(text, width, height) else {
        canvas.center(x, y, width, text, Role::Strong);
        return 1;
    };
    draw(canvas, x + (width - columns(text, scale)) / 2, y, text, scale, role);
    rows(scale)
}

/// Rows that a text takes when it gets so much room.
pub(super) fn rows_in(text: &str, width: u16, height: u16) -> u16 {
    largest(text, width, height).map_or(1, rows)
}

/// The largest scale that fits; none when not even the smallest does. A pixel is `scale` columns wide and `scale` half rows high.
fn largest(text: &str, width: u16, height: u16) -> Option<u16> {
    (1..=3).rev().find(|&scale| columns(text, scale) <= width && rows(scale) <= height)
}

fn rows(scale: u16) -> u16 {
    (HEIGHT * scale).div_ceil(2)
}

fn columns(text: &str, scale: u16) -> u16 {
    let pixels: usize = text.chars().map(|character| usize::from(glyph(character).0) + 1).sum();
    u16::try_from(pixels.saturating_sub(1)).unwrap_or(u16::MAX).saturating_mul(scale)
}

fn draw(canvas: &mut Canvas, x: u16, y: u16, text: &str, scale: u16, role: Role) {
    let mut left = x;
    for character in text.chars() {
        let (width, pixels) = glyph(character);
        let is_on = |column: u16, half_row: u16| {
            let (px, py) = (column / scale, half_row / scale);
            py < HEIGHT && pixels[usize::from(py)] >> (width - 1 - px) & 1 == 1
        };
        for row in 0..rows(scale) {
            for column in 0..width * scale {
                let symbol = match (is_on(column, 2 * row), is_on(column, 2 * row + 1)) {
                    (false, false) => continue,
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (true, true) => '█',
                };
                canvas.symbol(left + column, y + row, symbol, role);
            }
        }
        left += (width + 1) * scale;
    }
}

/// Width in pixels and the rows, the leftmost pixel highest.
fn glyph(character: char) -> (u16, [u8; HEIGHT as usize]) {
    match character {
        '0' => (3, [0b111, 0b101, 0b101, 0b101, 0b111]),
        '1' => (3, [0b110, 0b010, 0b010, 0b010, 0b111]),
        '2' => (3, [0b111, 0b001, 0b111, 0b100, 0b111]),
        '3' => (3, [0b111, 0b001, 0b111, 0b001, 0b111]),
        '4' => (3, [0b101, 0b101, 0b111, 0b001, 0b001]),
        '5' => (3, [0b111, 0b100, 0b111, 0b001, 0b111]),
        '6' => (3, [0b111, 0b100, 0b111, 0b101, 0b111]),
        '7' => (3, [0b111, 0b001, 0b001, 0b001, 0b001]),
        '8' => (3, [0b111, 0b101, 0b111, 0b101, 0b111]),
        '9' => (3, [0b111, 0b101, 0b111, 0b001, 0b111]),
        '.' => (1, [0, 0, 0, 0, 1]),
        ':' => (1, [0, 1, 0, 1, 0]),
        '-' | '−' => (2, [0, 0, 0b11, 0, 0]),
        'E' => (3, [0b111, 0b100, 0b110, 0b100, 0b111]),
        'V' => (3, [0b101, 0b101, 0b101, 0b101, 0b010]),
        'R' => (3, [0b110, 0b101, 0b110, 0b101, 0b101]),
        'T' => (3, [0b111, 0b010, 0b010, 0b010, 0b010]),
        'I' => (1, [1, 1, 1, 1, 1]),
        'L' => (3, [0b100, 0b100, 0b100, 0b100, 0b111]),
        _ => (1, [0; 5]),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::super::theme::Theme;
    use super::*;

    #[test]
    fn digits_grow_with_the_room() {
        for (width, height, scale) in [(10, 9, None), (13, 2, None), (13, 3, Some(1)), (26, 5, Some(2)), (25, 5, Some(1)), (40, 8, Some(3))]
        {
            assert_eq!(largest("6.70", width, height), scale, "{width} × {height}");
        }
    }

    #[test]
    fn an_amount_reads_as_drawn() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 13, 3));
        let mut canvas = Canvas::new(&mut buffer, Theme::NoColor);
        assert_eq!(draw_right(&mut canvas, 0, 0, 13, 3, "6.70", Role::Digits), 3);
        let rows: Vec<String> = (0..3).map(|y| (0..13).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>()).collect();
        assert_eq!(rows, ["█▀▀   ▀▀█ █▀█", "█▀█     █ █ █", "▀▀▀ ▀   ▀ ▀▀▀"]);
    }
}
