//! Pictures of the screen: its plain text, and a drawing of the terminal for documents.
//!
//! The runner of tapes hands over the buffer that was drawn. Nothing here draws the screen itself or
//! opens a file.

mod colour;
mod glyph;

use std::fmt::{self, Write};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use colour::{BACKGROUND, FOREGROUND, Rgb};

/// A cell in the units of the drawing, two a pixel: eighths of it are whole numbers.
const CELL_WIDTH: usize = 16;
const CELL_HEIGHT: usize = 32;
/// The baseline of text within its cell.
const BASELINE: usize = 24;
/// Around the screen.
const MARGIN: usize = 24;
/// Above the margin.
const TITLE_BAR: usize = 56;
/// Of a monospaced font whose characters are about a cell wide.
const FONT_SIZE: usize = 26;
const FONTS: &str = "ui-monospace, 'JetBrains Mono', 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/// The screen's lines without their trailing spaces, each with its line end.
pub fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in rows(buffer) {
        let line: String = placed(row).map(|cell| cell.symbol).collect();
        text.push_str(line.trim_end_matches(' '));
        text.push('\n');
    }
    text
}

/// The screen as an SVG drawing in a window frame with a title, the same with every font.
///
/// Text is stretched to the cells it stands in; block elements and box lines are drawn as shapes, so
/// that neighbours touch. Blinking is not shown.
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let mut drawing = String::new();
    draw(&mut drawing, buffer, title).expect("a string takes all that is written to it");
    drawing
}

fn draw(out: &mut String, buffer: &Buffer, title: &str) -> fmt::Result {
    let width = usize::from(buffer.area.width) * CELL_WIDTH + 2 * MARGIN;
    let height = usize::from(buffer.area.height) * CELL_HEIGHT + 2 * MARGIN + TITLE_BAR;
    draw_window(out, width, height, &escaped(title))?;
    for (index, row) in rows(buffer).enumerate() {
        let y = TITLE_BAR + MARGIN + index * CELL_HEIGHT;
        draw_backgrounds(out, row, y)?;
        draw_row(out, row, y)?;
    }
    out.write_str("</g>\n</svg>\n")
}

fn draw_window(out: &mut String, width: usize, height: usize, title: &str) -> fmt::Result {
    let (pixel_width, pixel_height) = (width / 2, height / 2);
    let (middle, bar) = (width / 2, colour::TITLE_BAR);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{pixel_width}" height="{pixel_height}" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<rect x="1" y="1" width="{}" height="{}" rx="20" fill="{BACKGROUND}" stroke="{bar}" stroke-width="2"/>
<path d="M1 {TITLE_BAR}V21A20 20 0 0 1 21 1H{}A20 20 0 0 1 {} 21V{TITLE_BAR}z" fill="{bar}"/>"#,
        width - 2,
        height - 2,
        width - 21,
        width - 1,
    )?;
    for (index, button) in colour::WINDOW_BUTTONS.into_iter().enumerate() {
        let x = 36 + index * 36;
        writeln!(out, r#"<circle cx="{x}" cy="28" r="11" fill="{button}"/>"#)?;
    }
    writeln!(
        out,
        r#"<g font-family="{FONTS}" font-size="{FONT_SIZE}" fill="{FOREGROUND}">
<text x="{middle}" y="37" text-anchor="middle" fill-opacity="0.6">{title}</text>"#
    )
}

/// Fills what is not of the window's own colour; neighbours of one colour are one rectangle.
fn draw_backgrounds(out: &mut String, row: &[Cell], y: usize) -> fmt::Result {
    let cells: Vec<_> = placed(row).collect();
    for run in cells.chunk_by(|left, right| left.look.background == right.look.background) {
        let background = run[0].look.background;
        if background != BACKGROUND {
            let (x, width) = (run_x(run), run_width(run));
            writeln!(
                out,
                r#"<rect x="{x}" y="{y}" width="{width}" height="{CELL_HEIGHT}" fill="{background}" shape-rendering="crispEdges"/>"#
            )?;
        }
    }
    Ok(())
}

fn draw_row(out: &mut String, row: &[Cell], y: usize) -> fmt::Result {
    let cells: Vec<_> = placed(row).collect();
    for run in cells.chunk_by(|left, right| left.look == right.look && left.ink == right.ink) {
        let look = run[0].look;
        if look.modifier.contains(Modifier::HIDDEN) {
            continue;
        }
        match run[0].ink {
            Ink::Shape => draw_shapes(out, run, y)?,
            Ink::Ascii => draw_text(out, trimmed(run), y)?,
            Ink::Other => {
                for cell in run.chunks(1) {
                    draw_text(out, cell, y)?;
                }
            }
        }
    }
    Ok(())
}

fn draw_shapes(out: &mut String, run: &[Placed<'_>], y: usize) -> fmt::Result {
    out.write_str(r#"<path d=""#)?;
    for cell in run {
        let x = MARGIN + cell.column * CELL_WIDTH;
        out.write_str(&glyph::outline(cell.symbol, x, y).unwrap_or_default())?;
    }
    let Look { foreground, modifier, .. } = run[0].look;
    write!(out, r#"" fill="{foreground}""#)?;
    if modifier.contains(Modifier::DIM) {
        out.write_str(r#" fill-opacity="0.6""#)?;
    }
    out.write_str(" shape-rendering=\"crispEdges\"/>\n")
}

fn draw_text(out: &mut String, run: &[Placed<'_>], y: usize) -> fmt::Result {
    if run.is_empty() {
        return Ok(());
    }
    let (x, y, width) = (run_x(run), y + BASELINE, run_width(run));
    write!(out, r#"<text x="{x}" y="{y}" textLength="{width}" lengthAdjust="spacingAndGlyphs" xml:space="preserve""#)?;
    let Look { foreground, modifier, .. } = run[0].look;
    if foreground != FOREGROUND {
        write!(out, r#" fill="{foreground}""#)?;
    }
    for (flag, attribute) in [
        (Modifier::BOLD, r#" font-weight="bold""#),
        (Modifier::DIM, r#" fill-opacity="0.6""#),
        (Modifier::ITALIC, r#" font-style="italic""#),
    ] {
        if modifier.contains(flag) {
            out.write_str(attribute)?;
        }
    }
    let lines = [
        modifier.contains(Modifier::UNDERLINED).then_some("underline"),
        modifier.contains(Modifier::CROSSED_OUT).then_some("line-through"),
    ];
    let lines: Vec<_> = lines.into_iter().flatten().collect();
    if !lines.is_empty() {
        write!(out, r#" text-decoration="{}""#, lines.join(" "))?;
    }
    let text: String = run.iter().map(|cell| cell.symbol).collect();
    writeln!(out, ">{}</text>", escaped(&text))
}

/// A cell that shows something of its own, where it stands, and how it looks.
#[derive(Debug, Clone, Copy)]
struct Placed<'b> {
    column: usize,
    /// Columns taken, from 1.
    width: usize,
    symbol: &'b str,
    ink: Ink,
    look: Look,
}

/// What a symbol is drawn with; only what no font can misplace shares an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    /// Letters of the first font, in line with each other.
    Ascii,
    /// A character that may come from any font in any width.
    Other,
    /// A shape of our own.
    Shape,
}

/// Style as it is seen: colours resolved and, if reversed, exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    foreground: Rgb,
    background: Rgb,
    modifier: Modifier,
}

fn rows(buffer: &Buffer) -> impl Iterator<Item = &[Cell]> {
    let width = usize::from(buffer.area.width).max(1);
    buffer.content.chunks(width)
}

/// The cells of a row without those that a wide character before them covers.
fn placed(row: &[Cell]) -> impl Iterator<Item = Placed<'_>> {
    let mut free_column = 0;
    row.iter().enumerate().filter_map(move |(column, cell)| {
        if column < free_column {
            return None;
        }
        let symbol = cell.symbol();
        let width = symbol.width().clamp(1, row.len() - column);
        free_column = column + width;
        let ink = if glyph::is_shape(symbol) {
            Ink::Shape
        } else if symbol.len() == 1 {
            Ink::Ascii
        } else {
            Ink::Other
        };
        Some(Placed { column, width, symbol, ink, look: look(cell) })
    })
}

fn look(cell: &Cell) -> Look {
    let foreground = resolved(cell.fg, FOREGROUND);
    let background = resolved(cell.bg, BACKGROUND);
    let modifier = cell.modifier;
    if modifier.contains(Modifier::REVERSED) {
        Look { foreground: background, background: foreground, modifier }
    } else {
        Look { foreground, background, modifier }
    }
}

fn resolved(color: Color, reset: Rgb) -> Rgb {
    colour::rgb(color).unwrap_or(reset)
}

/// The run without the spaces at its ends, unless a line is drawn through them.
fn trimmed<'r, 'b>(run: &'r [Placed<'b>]) -> &'r [Placed<'b>] {
    let lined = Modifier::UNDERLINED | Modifier::CROSSED_OUT;
    if run[0].look.modifier.intersects(lined) {
        return run;
    }
    let is_ink = |cell: &Placed<'_>| cell.symbol != " ";
    let first = run.iter().position(is_ink).unwrap_or(run.len());
    let end = run.iter().rposition(is_ink).map_or(first, |last| last + 1);
    &run[first..end]
}

fn run_x(run: &[Placed<'_>]) -> usize {
    MARGIN + run[0].column * CELL_WIDTH
}

fn run_width(run: &[Placed<'_>]) -> usize {
    run.iter().map(|cell| cell.width).sum::<usize>() * CELL_WIDTH
}

/// Text as it may stand in XML, which has no room for control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn screen(lines: &[(&str, Style)], width: u16) -> Buffer {
        let height = u16::try_from(lines.len()).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        for ((line, style), y) in lines.iter().zip(0..) {
            buffer.set_string(0, y, line, *style);
        }
        buffer
    }

    /// The elements drawn for a line, without the window.
    fn elements(line: &str, style: Style) -> Vec<String> {
        let drawing = svg(&screen(&[(line, style)], 10), "");
        let content = drawing.lines().skip(9);
        content.take_while(|element| *element != "</g>").map(str::to_owned).collect()
    }

    #[test]
    fn text_is_the_lines_without_trailing_spaces() {
        let plain = Style::new();
        let buffer = screen(&[("  Total ", plain), ("", plain), ("漢字 x", plain)], 10);
        assert_eq!(text(&buffer), "  Total\n\n漢字 x\n");
        assert_eq!(text(&Buffer::empty(Rect::ZERO)), "");
    }

    #[test]
    fn a_small_screen_is_drawn_in_its_window() {
        let buffer = screen(&[(" Due ▄", Style::new().bold()), ("╭<─", Style::new().on_blue())], 7);
        let expected = r##"<svg xmlns="http://www.w3.org/2000/svg" width="80" height="84" viewBox="0 0 160 168" role="img">
<title>Bread &amp; milk</title>
<rect x="1" y="1" width="158" height="166" rx="20" fill="#161a21" stroke="#2a303b" stroke-width="2"/>
<path d="M1 56V21A20 20 0 0 1 21 1H139A20 20 0 0 1 159 21V56z" fill="#2a303b"/>
<circle cx="36" cy="28" r="11" fill="#ff5f57"/>
<circle cx="72" cy="28" r="11" fill="#febc2e"/>
<circle cx="108" cy="28" r="11" fill="#28c840"/>
<g font-family="ui-monospace, 'JetBrains Mono', 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="26" fill="#d8dee9">
<text x="80" y="37" text-anchor="middle" fill-opacity="0.6">Bread &amp; milk</text>
<text x="40" y="104" textLength="48" lengthAdjust="spacingAndGlyphs" xml:space="preserve" font-weight="bold">Due</text>
<path d="M104 96h16v16h-16z" fill="#d8dee9" shape-rendering="crispEdges"/>
<rect x="24" y="112" width="48" height="32" fill="#5c9df0" shape-rendering="crispEdges"/>
<path d="M24 112m7 32v-8a9 9 0 0 1 9-9v2a7 7 0 0 0-7 7v8z" fill="#d8dee9" shape-rendering="crispEdges"/>
<text x="40" y="136" textLength="16" lengthAdjust="spacingAndGlyphs" xml:space="preserve">&lt;</text>
<path d="M56 127h16v2h-16z" fill="#d8dee9" shape-rendering="crispEdges"/>
</g>
</svg>
"##;
        assert_eq!(svg(&buffer, "Bread & milk"), expected);
    }

    #[test]
    fn styles_become_attributes_of_the_text() {
        let plain = Style::new();
        let cases = [
            (plain.fg(Color::LightRed), r##" fill="#ff7b82">x</text>"##),
            (plain.fg(Color::Indexed(196)), r##" fill="#ff0000">x</text>"##),
            (plain.bold(), r#" font-weight="bold">x</text>"#),
            (plain.dim(), r#" fill-opacity="0.6">x</text>"#),
            (plain.italic(), r#" font-style="italic">x</text>"#),
            (plain.underlined(), r#" text-decoration="underline">x</text>"#),
            (plain.underlined().crossed_out(), r#" text-decoration="underline line-through">x</text>"#),
        ];
        for (style, end) in cases {
            let elements = elements("x", style);
            assert_eq!(elements.len(), 1, "{style:?}");
            assert!(elements[0].ends_with(end), "{style:?}: {}", elements[0]);
        }
    }

    #[test]
    fn reversed_text_exchanges_its_colours() {
        let elements = elements("x", Style::new().green().reversed());
        assert!(elements[0].contains(r##"width="16" height="32" fill="#8cc265""##), "{elements:?}");
        assert!(elements[1].contains(r##"fill="#161a21">x<"##), "{elements:?}");
    }

    #[test]
    fn hidden_text_and_bare_spaces_draw_nothing_but_underlined_spaces_do() {
        assert!(elements("secret", Style::new().hidden()).is_empty());
        assert!(elements("   ", Style::new()).is_empty());
        let [element] = &elements("   ", Style::new().underlined())[..] else {
            panic!("one element");
        };
        assert!(element.ends_with(">   </text>"), "{element}");
    }

    #[test]
    fn wide_and_foreign_characters_stand_in_their_own_cells() {
        let elements = elements("a漢é→b", Style::new());
        let places: Vec<_> = elements
            .iter()
            .map(|element| {
                let (place, text) = element.split_once(" lengthAdjust").unwrap();
                let text = text.split(['<', '>']).nth(1).unwrap();
                (place.replace(r#"<text x=""#, ""), text.to_owned())
            })
            .collect();
        let expected = [(24, 16, "a"), (40, 32, "漢"), (72, 16, "é"), (88, 16, "→"), (104, 16, "b")];
        let expected = expected.map(|(x, width, text)| (format!(r#"{x}" y="104" textLength="{width}""#), text.to_owned()));
        assert_eq!(places, expected);
    }

    #[test]
    fn a_wide_character_cut_by_the_edge_stays_inside() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 2, 1));
        buffer[(1, 0)].set_symbol("漢");
        assert!(svg(&buffer, "").contains(r#"<text x="40" y="104" textLength="16""#));
    }

    #[test]
    fn an_area_that_does_not_begin_at_the_origin_is_drawn_from_its_corner() {
        let mut buffer = Buffer::empty(Rect::new(7, 5, 2, 1));
        buffer.set_string(7, 5, "ab", Style::new());
        assert_eq!(text(&buffer), "ab\n");
        assert!(svg(&buffer, "").contains(r#"<text x="24" y="104" textLength="32""#));
    }

    proptest! {
        #[test]
        fn whatever_cells_hold_the_drawing_stays_well_formed(
            symbols in prop::collection::vec("(?s).{0,3}", 1..20),
            title in "(?s).{0,10}",
        ) {
            let width = u16::try_from(symbols.len()).unwrap();
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
            for (symbol, x) in symbols.iter().zip(0..) {
                buffer[(x, 0)].set_symbol(symbol);
            }
            let element = regex::Regex::new("^<[^<>]+>([^<>]*</(text|title)>)?$").unwrap();
            for line in svg(&buffer, &title).lines() {
                prop_assert!(element.is_match(line), "{line}");
                prop_assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
    }
}
