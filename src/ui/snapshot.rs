//! A picture of the screen as text, for tests: its symbols, and under them its styles, a letter a cell, with a legend.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Style;

use super::theme::{Role, Theme};

/// Symbols and styles of a screen drawn in the dark theme. A letter stands for a role; `.` for plain text, a blank for plain ground.
pub fn snapshot(buffer: &Buffer) -> String {
    let mut text = symbols(buffer);
    let mut legend: Vec<(char, String)> = Vec::new();
    text.push('\n');
    for row in rows(buffer) {
        let letters: String = row.iter().map(|cell| letter(cell, &mut legend)).collect();
        let _ = writeln!(text, "{}", letters.trim_end());
    }
    legend.sort();
    text.push('\n');
    for (letter, name) in legend {
        let _ = writeln!(text, "{letter} {name}");
    }
    text
}

/// The symbols alone.
pub fn symbols(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in rows(buffer) {
        let mut skip = 0;
        let mut line = String::new();
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
            }
            skip -= 1;
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn rows(buffer: &Buffer) -> impl Iterator<Item = &[Cell]> {
    buffer.content().chunks(usize::from(buffer.area.width.max(1)))
}

/// The letter of a cell's style: a role alone has its own, a role on a ground the next capital, noted in the legend.
fn letter(cell: &Cell, legend: &mut Vec<(char, String)>) -> char {
    if cell.symbol() == " " && Some(cell.bg) == Theme::Dark.style(Role::Text).bg {
        return ' ';
    }
    let (letter, name) = match roles(cell.style()) {
        Some((Role::Text, Role::Text)) => return '.',
        Some((ground, Role::Text)) => (role_letter(ground), format!("{ground:?}").to_lowercase()),
        Some((Role::Text, role)) => (role_letter(role), format!("{role:?}").to_lowercase()),
        Some((ground, role)) => ('A', format!("{role:?} on {ground:?}").to_lowercase()),
        None => ('A', format!("{:?}", cell.style())),
    };
    if let Some((letter, _)) = legend.iter().find(|(_, known)| *known == name) {
        return *letter;
    }
    let mut free = std::iter::once(letter).chain('A'..='Z').chain('0'..='9');
    let letter = free.find(|letter| legend.iter().all(|(taken, _)| taken != letter)).unwrap_or('?');
    legend.push((letter, name));
    letter
}

/// The roles that make a style: the ground, and what is written on it ([`Role::Text`] for what the ground itself says).
fn roles(style: Style) -> Option<(Role, Role)> {
    let theme = Theme::Dark;
    let grounds = || Role::ALL.into_iter().filter(|role| theme.style(*role).bg.is_some());
    let texts = || Role::ALL.into_iter().filter(|role| *role == Role::Text || theme.style(*role).bg.is_none());
    grounds().flat_map(|ground| texts().map(move |text| (ground, text))).find(|(ground, text)| {
        let made = theme.style(Role::Text).patch(theme.style(*ground));
        let made = if *text == Role::Text { made } else { made.patch(theme.style(*text)) };
        made.fg == style.fg && made.bg == style.bg && made.add_modifier == style.add_modifier
    })
}

fn role_letter(role: Role) -> char {
    match role {
        Role::Text => '.',
        Role::Dim => 'd',
        Role::Faint => 'f',
        Role::Strong => 's',
        Role::Accent => 'a',
        Role::Key => 'k',
        Role::Good => 'g',
        Role::Warning => 'w',
        Role::Danger => 'x',
        Role::Void => 'v',
        Role::Waiting => 'q',
        Role::Digits => 'b',
        Role::Header => 'h',
        Role::Brand => 'e',
        Role::Online => 'n',
        Role::Attention => 't',
        Role::Offline => 'o',
        Role::Blocked => 'l',
        Role::Selected => 'c',
        Role::Panel => 'p',
        Role::Field => 'i',
        Role::Paper => 'r',
    }
}
