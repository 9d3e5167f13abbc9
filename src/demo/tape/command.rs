//! What a tape can say. Each command displays as the line it is written as on a tape.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use rust_decimal::Decimal;

use super::key::Key;

/// One thing that a tape does, or that it says must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Types a text.
    Type {
        /// The text; without control characters.
        text: String,
        /// The time from key to key, else the tape's.
        speed: Option<Duration>,
    },
    /// Presses a key `count` times.
    Key {
        /// The key.
        key: Key,
        /// How often, from 1.
        count: u16,
        /// The time from key to key, else the tape's.
        speed: Option<Duration>,
    },
    /// Lets time pass.
    Sleep(Duration),
    /// Waits until the pattern matches; failing that the tape fails.
    Wait {
        /// Where the pattern must match.
        scope: Scope,
        /// What is waited for.
        pattern: Pattern,
        /// How long at most, else the player's own limit.
        timeout: Option<Duration>,
    },
    /// The screen as it stands must match.
    Expect(Pattern),
    /// The screen as it stands must not match.
    ExpectNot(Pattern),
    /// Sets the stage.
    Set(Setting),
    /// What follows is not recorded.
    Hide,
    /// What follows is recorded again.
    Show,
    /// Keeps the screen as a file.
    Screenshot {
        /// A relative path that does not leave its folder.
        file: String,
        /// What the file's extension asks for.
        picture: Picture,
    },
    /// Presses the keys of a sign-in.
    SignIn {
        /// The operator's number.
        operator: String,
        /// The operator's PIN.
        pin: String,
    },
    /// A scanner's burst of keys with its Enter.
    Scan(String),
    /// Runs an operation by number, as its button would.
    Press(u16),
    /// Changes the road to the scale unit.
    Network(Network),
    /// What happens at headquarters.
    Headquarters(Headquarters),
    /// The register dies and is started again on the same data.
    Kill,
    /// Shows a line under the screen; an empty one takes it away.
    Caption(String),
    /// A count or amount must compare so.
    Assert {
        /// What is looked at, such as `journal.unsent`.
        name: String,
        /// How it must compare.
        comparison: Comparison,
        /// With what.
        value: Value,
    },
}

impl Command {
    /// Whether the register is given keys, after which nothing can be `Set`.
    pub(super) fn presses_keys(&self) -> bool {
        match self {
            Self::Type { .. } | Self::Key { .. } | Self::SignIn { .. } | Self::Scan(_) | Self::Press(_) => true,
            Self::Sleep(_)
            | Self::Wait { .. }
            | Self::Expect(_)
            | Self::ExpectNot(_)
            | Self::Set(_)
            | Self::Hide
            | Self::Show
            | Self::Screenshot { .. }
            | Self::Network(_)
            | Self::Headquarters(_)
            | Self::Kill
            | Self::Caption(_)
            | Self::Assert { .. } => false,
        }
    }
}

/// Where a `Wait` looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The last line of the screen.
    Line,
    /// Any line.
    Screen,
}

/// What can be set before the first key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Columns of the terminal.
    Width(u16),
    /// Rows of the terminal.
    Height(u16),
    /// The time from key to key.
    TypingSpeed(Duration),
    /// The colours, by name.
    Theme(String),
    /// Where chance begins.
    Seed(u64),
}

/// The form of a screenshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// The screen's lines.
    Text,
    /// A drawing of the terminal.
    Svg,
}

/// What happens at headquarters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Headquarters {
    /// The scale unit finds it.
    Up,
    /// The scale unit does not find it.
    Down,
    /// The product of a code gets another price, which is distributed to the scale unit at once.
    Price {
        /// One of its codes.
        code: String,
        /// The price of its unit.
        price: Decimal,
    },
}

/// The road between register and scale unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// As it should be.
    Up,
    /// Connections are refused.
    Down,
    /// Connections are accepted and never answered.
    Hang,
    /// Every answer takes this much longer.
    Slow(Duration),
    /// This many of a hundred requests are lost.
    Drop {
        /// 0 to 100.
        percent: u8,
    },
    /// Answers are nonsense.
    Garbage,
}

/// How an `Assert` compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// All, in the order in which messages list them.
    pub(super) const ALL: [Self; 6] = [Self::Equal, Self::NotEqual, Self::Less, Self::LessOrEqual, Self::Greater, Self::GreaterOrEqual];

    /// Whether it holds of an actual value that stands in this order to the asserted one.
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// The sign it is written as.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// What an `Assert` compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A count or an amount.
    Number(Decimal),
    /// A word, which is equal or not.
    Word(String),
}

/// A regular expression. `^` and `$` match at the ends of each line of the screen.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Room for a compiled pattern: a hundred times what the shipped tapes need.
    const COMPILED_BYTES_MAX: usize = 256 * 1024;

    /// Compiles what stands between the slashes; `\/` is a slash.
    pub(super) fn new(text: &str) -> Result<Self, regex::Error> {
        RegexBuilder::new(text)
            .multi_line(true)
            .size_limit(Self::COMPILED_BYTES_MAX)
            .dfa_size_limit(Self::COMPILED_BYTES_MAX)
            .build()
            .map(Self)
    }

    /// Whether it matches anywhere in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.as_str())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { text, speed } => write!(f, "Type{} {}", At(*speed), Quoted(text)),
            Self::Key { key, count: 1, speed } => write!(f, "{key}{}", At(*speed)),
            Self::Key { key, count, speed } => write!(f, "{key}{} {count}", At(*speed)),
            Self::Sleep(time) => write!(f, "Sleep {}", Time(*time)),
            Self::Wait { scope, pattern, timeout } => {
                write!(f, "Wait+{scope:?}{} {pattern}", At(*timeout))
            }
            Self::Expect(pattern) => write!(f, "Expect {pattern}"),
            Self::ExpectNot(pattern) => write!(f, "ExpectNot {pattern}"),
            Self::Set(setting) => write!(f, "Set {setting}"),
            Self::Hide => f.write_str("Hide"),
            Self::Show => f.write_str("Show"),
            Self::Screenshot { file, .. } => write!(f, "Screenshot {}", Quoted(file)),
            Self::SignIn { operator, pin } => {
                write!(f, "SignIn {} {}", Quoted(operator), Quoted(pin))
            }
            Self::Scan(code) => write!(f, "Scan {}", Quoted(code)),
            Self::Press(operation) => write!(f, "Press {operation}"),
            Self::Network(network) => write!(f, "Network {network}"),
            Self::Headquarters(headquarters) => write!(f, "Headquarters {headquarters}"),
            Self::Kill => f.write_str("Kill"),
            Self::Caption(text) => write!(f, "Caption {}", Quoted(text)),
            Self::Assert { name, comparison, value } => {
                write!(f, "Assert {name} {} {value}", comparison.sign())
            }
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Width(columns) => write!(f, "Width {columns}"),
            Self::Height(rows) => write!(f, "Height {rows}"),
            Self::TypingSpeed(time) => write!(f, "TypingSpeed {}", Time(*time)),
            Self::Theme(name) => write!(f, "Theme {}", Quoted(name)),
            Self::Seed(seed) => write!(f, "Seed {seed}"),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow(time) => write!(f, "Slow {}", Time(*time)),
            Self::Drop { percent } => write!(f, "Drop {percent}%"),
            Self::Up | Self::Down | Self::Hang | Self::Garbage => write!(f, "{self:?}"),
        }
    }
}

impl fmt::Display for Headquarters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up | Self::Down => write!(f, "{self:?}"),
            Self::Price { code, price } => write!(f, "Price {} {price}", Quoted(code)),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => write!(f, "{}", Quoted(word)),
        }
    }
}

/// A time as a tape writes it.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0.as_millis())
    }
}

/// The time that a command may carry behind its name.
struct At(Option<Duration>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |time| write!(f, "@{}", Time(time)))
    }
}

/// A text in quotes that it does not hold itself; a tape has no text that holds all three.
struct Quoted<'t>(&'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = super::words::QUOTES.into_iter().find(|quote| !self.0.contains(*quote)).unwrap_or('"');
        write!(f, "{quote}{}{quote}", self.0)
    }
}
