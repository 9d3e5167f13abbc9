//! Colours by role, never the only sign of anything. Drawing names a [`Role`]; what it looks like is said here alone.
//!
//! The 256 indexed colours are used because every terminal, multiplexer and recording knows them.

use ratatui::style::{Color, Modifier, Style};

/// A set of looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Theme {
    /// Light text on dark.
    #[default]
    Dark,
    /// Dark text on light.
    Light,
    /// The terminal's own two colours: bold, underlined and reversed tell the rest.
    NoColor,
}

/// What a piece of the screen means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// What is read.
    Text,
    /// What helps to read it.
    Dim,
    /// Borders, rules and what cannot be used at the moment.
    Faint,
    /// What matters most nearby.
    Strong,
    /// Where the eye and the hand should go.
    Accent,
    /// A key that works here.
    Key,
    /// As it should be.
    Good,
    /// Wants attention.
    Warning,
    /// Refused, failed, or cannot be undone.
    Danger,
    /// Out of the sale.
    Void,
    /// Typed, and waiting for the till.
    Waiting,
    /// The amount due and the clock.
    Digits,
    /// The status header.
    Header,
    /// The program's name in it.
    Brand,
    /// Online, in the header.
    Online,
    /// Something waits or was set aside, in the header.
    Attention,
    /// The header's offline part.
    Offline,
    /// The header's part when neither source answers.
    Blocked,
    /// The selected row.
    Selected,
    /// A dialog.
    Panel,
    /// Where something is typed.
    Field,
    /// A receipt.
    Paper,
}

impl Role {
    /// Every role, in the order in which a style is looked up.
    pub const ALL: [Self; 22] = [
        Self::Text,
        Self::Dim,
        Self::Faint,
        Self::Strong,
        Self::Accent,
        Self::Key,
        Self::Good,
        Self::Warning,
        Self::Danger,
        Self::Void,
        Self::Waiting,
        Self::Digits,
        Self::Header,
        Self::Brand,
        Self::Online,
        Self::Attention,
        Self::Offline,
        Self::Blocked,
        Self::Selected,
        Self::Panel,
        Self::Field,
        Self::Paper,
    ];
}

impl Theme {
    /// The theme a profile names; without colours when the environment asks for none (`NO_COLOR`). Absent for an unknown name.
    pub fn named(name: &str, no_color: bool) -> Option<Self> {
        match name {
            "dark" | "light" if no_color => Some(Self::NoColor),
            "dark" => Some(Self::Dark),
            "light" => Some(Self::Light),
            _ => None,
        }
    }

    /// What a role looks like; a role of text leaves the ground it stands on.
    pub fn style(self, role: Role) -> Style {
        match self {
            Self::Dark => dark(role),
            Self::Light => light(role),
            Self::NoColor => no_color(role),
        }
    }
}

fn fg(color: u8) -> Style {
    Style::new().fg(Color::Indexed(color))
}

fn on(color: u8, ground: u8) -> Style {
    fg(color).bg(Color::Indexed(ground))
}

fn dark(role: Role) -> Style {
    match role {
        Role::Text => on(252, 234),
        Role::Dim => fg(246),
        Role::Faint => fg(242),
        Role::Strong => fg(231).add_modifier(Modifier::BOLD),
        Role::Accent => fg(80).add_modifier(Modifier::BOLD),
        Role::Key => fg(80),
        Role::Good => fg(114),
        Role::Warning => fg(215),
        Role::Danger => fg(210),
        Role::Void => fg(244).add_modifier(Modifier::CROSSED_OUT),
        Role::Waiting => fg(180).add_modifier(Modifier::ITALIC),
        Role::Digits => fg(230),
        Role::Header => on(253, 23),
        Role::Brand => on(231, 30).add_modifier(Modifier::BOLD),
        Role::Online => on(157, 23).add_modifier(Modifier::BOLD),
        Role::Attention => on(222, 23).add_modifier(Modifier::BOLD),
        Role::Offline => on(16, 214).add_modifier(Modifier::BOLD),
        Role::Blocked => on(231, 160).add_modifier(Modifier::BOLD),
        Role::Selected => on(231, 239),
        Role::Panel => on(252, 236),
        Role::Field => on(231, 240),
        Role::Paper => on(235, 254),
    }
}

fn light(role: Role) -> Style {
    match role {
        Role::Text => on(236, 255),
        Role::Dim => fg(241),
        Role::Faint => fg(248),
        Role::Strong => fg(16).add_modifier(Modifier::BOLD),
        Role::Accent => fg(24).add_modifier(Modifier::BOLD),
        Role::Key => fg(24),
        Role::Good => fg(22),
        Role::Warning => fg(130),
        Role::Danger => fg(160),
        Role::Void => fg(245).add_modifier(Modifier::CROSSED_OUT),
        Role::Waiting => fg(94).add_modifier(Modifier::ITALIC),
        Role::Digits => fg(17),
        Role::Header => on(255, 24),
        Role::Brand => on(231, 31).add_modifier(Modifier::BOLD),
        Role::Online => on(157, 24).add_modifier(Modifier::BOLD),
        Role::Attention => on(222, 24).add_modifier(Modifier::BOLD),
        Role::Offline => on(16, 214).add_modifier(Modifier::BOLD),
        Role::Blocked => on(231, 160).add_modifier(Modifier::BOLD),
        Role::Selected => on(16, 152),
        Role::Panel => on(236, 231),
        Role::Field => on(16, 253),
        Role::Paper => on(235, 230),
    }
}

fn no_color(role: Role) -> Style {
    let plain = Style::new();
    match role {
        Role::Text | Role::Panel | Role::Paper => plain,
        Role::Dim | Role::Faint => plain.add_modifier(Modifier::DIM),
        Role::Strong | Role::Key | Role::Digits | Role::Good | Role::Warning | Role::Danger => plain.add_modifier(Modifier::BOLD),
        Role::Accent | Role::Offline | Role::Blocked => plain.add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED)),
        Role::Void => plain.add_modifier(Modifier::DIM.union(Modifier::CROSSED_OUT)),
        Role::Waiting => plain.add_modifier(Modifier::DIM.union(Modifier::ITALIC)),
        Role::Header | Role::Selected => plain.add_modifier(Modifier::REVERSED),
        Role::Brand | Role::Online | Role::Attention => plain.add_modifier(Modifier::REVERSED.union(Modifier::BOLD)),
        Role::Field => plain.add_modifier(Modifier::UNDERLINED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_no_role_has_one() {
        for role in Role::ALL {
            let style = Theme::NoColor.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }

    #[test]
    fn no_color_wins_over_a_theme_and_an_unknown_theme_is_told() {
        assert_eq!(Theme::named("light", false), Some(Theme::Light));
        assert_eq!(Theme::named("light", true), Some(Theme::NoColor));
        assert_eq!(Theme::named("pink", true), None);
    }
}
