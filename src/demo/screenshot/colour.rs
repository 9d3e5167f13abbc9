//! The colours of the drawn terminal.

use std::fmt;

use ratatui::style::Color;

/// A colour as the drawing shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(u8, u8, u8);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

pub(super) const FOREGROUND: Rgb = Rgb(0xd8, 0xde, 0xe9);
pub(super) const BACKGROUND: Rgb = Rgb(0x16, 0x1a, 0x21);
pub(super) const TITLE_BAR: Rgb = Rgb(0x2a, 0x30, 0x3b);
pub(super) const WINDOW_BUTTONS: [Rgb; 3] = [Rgb(0xff, 0x5f, 0x57), Rgb(0xfe, 0xbc, 0x2e), Rgb(0x28, 0xc8, 0x40)];

/// The sixteen named colours, in the order of their numbers; legible on the background.
const NAMED: [Rgb; 16] = [
    Rgb(0x2a, 0x30, 0x3b),
    Rgb(0xe0, 0x5f, 0x67),
    Rgb(0x8c, 0xc2, 0x65),
    Rgb(0xe5, 0xb5, 0x67),
    Rgb(0x5c, 0x9d, 0xf0),
    Rgb(0xc0, 0x7b, 0xdb),
    Rgb(0x4f, 0xb8, 0xc4),
    Rgb(0xc3, 0xca, 0xd6),
    Rgb(0x6b, 0x74, 0x85),
    Rgb(0xff, 0x7b, 0x82),
    Rgb(0xa9, 0xdc, 0x86),
    Rgb(0xff, 0xd1, 0x82),
    Rgb(0x83, 0xb9, 0xff),
    Rgb(0xda, 0x9b, 0xf2),
    Rgb(0x74, 0xd7, 0xe2),
    Rgb(0xff, 0xff, 0xff),
];

/// The colour, or `None` for that of the terminal itself.
pub(super) fn rgb(color: Color) -> Option<Rgb> {
    let index = match color {
        Color::Reset => return None,
        Color::Rgb(red, green, blue) => return Some(Rgb(red, green, blue)),
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    Some(indexed(index))
}

/// The 256 colours of xterm: the named ones, a cube of six steps a side, and greys.
fn indexed(index: u8) -> Rgb {
    let step = |digit: u8| if digit == 0 { 0 } else { 55 + 40 * digit };
    match index {
        0..16 => NAMED[usize::from(index)],
        16..232 => {
            let cube = index - 16;
            Rgb(step(cube / 36), step(cube / 6 % 6), step(cube % 6))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            Rgb(grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_xterm_beyond_the_named() {
        let cases = [
            (Color::Indexed(16), "#000000"),
            (Color::Indexed(21), "#0000ff"),
            (Color::Indexed(67), "#5f87af"),
            (Color::Indexed(231), "#ffffff"),
            (Color::Indexed(232), "#080808"),
            (Color::Indexed(255), "#eeeeee"),
            (Color::Rgb(1, 2, 254), "#0102fe"),
            (Color::White, "#ffffff"),
        ];
        for (color, expected) in cases {
            assert_eq!(rgb(color).unwrap().to_string(), expected, "{color:?}");
        }
        assert_eq!(rgb(Color::Indexed(9)), rgb(Color::LightRed));
        assert_eq!(rgb(Color::Reset), None);
    }

    #[test]
    fn every_index_has_a_colour() {
        for index in 0..=255 {
            assert!(rgb(Color::Indexed(index)).is_some());
        }
    }
}
