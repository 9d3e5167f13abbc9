//! The table of commands, and reading one line by it.

use std::path::{Component, Path};

use rust_decimal::Decimal;

use super::super::facts::NAMES;
use super::command::{Command, Comparison, Headquarters, Network, Picture, Scope, Setting, Value};
use super::error::Fault;
use super::key::Key;
use super::words::{Arguments, Kind, Word};
use crate::till::operations::by_number;

/// What stands on a line.
#[derive(Debug)]
pub(super) enum Statement {
    Command { column: usize, command: Command },
    Source { column: usize, path: String },
}

/// How a command is called, written and read.
struct Row {
    name: &'static str,
    form: &'static str,
    read: fn(&mut Arguments<'_>) -> Result<Command, Fault>,
}

const ROWS: [Row; 19] = [
    Row {
        name: "Type",
        form: r#"Type[@50ms] "text""#,
        read: |arguments| {
            let speed = arguments.at()?;
            let text = arguments.text("a text")?;
            Ok(Command::Type { text, speed })
        },
    },
    Row { name: "Sleep", form: "Sleep 500ms", read: |arguments| arguments.duration().map(Command::Sleep) },
    Row { name: "Wait", form: "Wait[@10s] /regex/", read: |arguments| wait(arguments, Scope::Line) },
    Row { name: "Wait+Line", form: "Wait+Line[@10s] /regex/", read: |arguments| wait(arguments, Scope::Line) },
    Row { name: "Wait+Screen", form: "Wait+Screen[@10s] /regex/", read: |arguments| wait(arguments, Scope::Screen) },
    Row { name: "Expect", form: "Expect /regex/", read: |arguments| arguments.pattern().map(Command::Expect) },
    Row { name: "ExpectNot", form: "ExpectNot /regex/", read: |arguments| arguments.pattern().map(Command::ExpectNot) },
    Row {
        name: "Set",
        form: r#"Set Width 100 | Height 30 | TypingSpeed 50ms | Theme "name" | Seed 7"#,
        read: |arguments| setting(arguments).map(Command::Set),
    },
    Row { name: "Hide", form: "Hide", read: |_| Ok(Command::Hide) },
    Row { name: "Show", form: "Show", read: |_| Ok(Command::Show) },
    Row { name: "Screenshot", form: r#"Screenshot "name.txt" or "name.svg""#, read: screenshot },
    Row {
        name: "SignIn",
        form: r#"SignIn "operator" "PIN""#,
        read: |arguments| {
            let operator = arguments.name("an operator")?;
            let pin = arguments.name("a PIN")?;
            Ok(Command::SignIn { operator, pin })
        },
    },
    Row { name: "Scan", form: r#"Scan "4006381333931""#, read: |arguments| arguments.name("a code").map(Command::Scan) },
    Row { name: "Press", form: "Press 917", read: operation },
    Row {
        name: "Network",
        form: "Network Up | Down | Hang | Slow 800ms | Drop 30% | Garbage",
        read: |arguments| network(arguments).map(Command::Network),
    },
    Row {
        name: "Headquarters",
        form: r#"Headquarters Up | Down | Price "4011" 1.29"#,
        read: |arguments| headquarters(arguments).map(Command::Headquarters),
    },
    Row { name: "Kill", form: "Kill", read: |_| Ok(Command::Kill) },
    Row { name: "Caption", form: r#"Caption "text""#, read: |arguments| arguments.text("a text").map(Command::Caption) },
    Row { name: "Assert", form: "Assert journal.unsent == 0", read: assert },
];

const SOURCE: &str = "Source";
const SOURCE_FORM: &str = r#"Source "other.tape""#;
const KEY_FORM: &str = "Enter[@50ms] [count]";
/// A key held down longer than this is a slip of the pen.
const KEY_COUNT_MAX: u16 = 1_000;
/// Terminals, in columns and rows; whoever writes more thinks of pixels.
const WIDTH_MAX: u16 = 500;
const HEIGHT_MAX: u16 = 200;

/// How each command is written, for the help; `Enter` stands for every key.
pub fn forms() -> impl Iterator<Item = &'static str> {
    let rows = ROWS.iter().map(|row| row.form);
    rows.chain([SOURCE_FORM, KEY_FORM])
}

/// What may stand in place of that `Enter`.
pub fn keys() -> impl Iterator<Item = &'static str> {
    Key::names().chain(["Ctrl+X", "Alt+X"])
}

/// Reads a line; `None` if nothing stands on it but perhaps a comment.
pub(super) fn read(line: &str) -> Result<Option<Statement>, Fault> {
    let Some((first, mut arguments)) = Arguments::of_line(line)? else {
        return Ok(None);
    };
    let Word { column, kind } = first;
    let Kind::Bare(name) = kind else {
        return Err(first.instead_of("a command"));
    };
    let (form, read) = if name == SOURCE {
        let path = arguments.name("a tape's path");
        (SOURCE_FORM, path.map(|path| Statement::Source { column, path }))
    } else if let Some(key) = Key::from_word(name) {
        let command = press(key, &mut arguments);
        (KEY_FORM, command.map(|command| Statement::Command { column, command }))
    } else if let Some(row) = ROWS.iter().find(|row| row.name == name) {
        let command = (row.read)(&mut arguments);
        (row.form, command.map(|command| Statement::Command { column, command }))
    } else {
        return Err(unknown_command(first, name));
    };
    read.and_then(|statement| arguments.end().map(|()| Some(statement))).map_err(|fault| fault.hint(format!("it is written `{form}`")))
}

fn unknown_command(word: Word<'_>, name: &str) -> Fault {
    if name.starts_with("Ctrl+") || name.starts_with("Alt+") {
        return word.instead_of("one character to press with `Ctrl+` or `Alt+`");
    }
    let rows = ROWS.iter().map(|row| row.name);
    let names = rows.chain([SOURCE]).chain(Key::names());
    with_nearest(word.instead_of("a command"), name, names)
}

/// Adds which of `names` was probably meant, if one is near.
fn with_nearest(fault: Fault, name: &str, names: impl Iterator<Item = &'static str>) -> Fault {
    let longest_name = 20;
    if name.len() > longest_name {
        return fault;
    }
    let lower = name.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&lower, &known.to_lowercase());
    match names.map(|known| (distance(known), known)).min() {
        Some((slips, known)) if slips <= 2 && slips < known.len() => fault.hint(format!("did you mean `{known}`?")),
        Some(_) | None => fault,
    }
}

fn press(key: Key, arguments: &mut Arguments<'_>) -> Result<Command, Fault> {
    let speed = arguments.at()?;
    let count = arguments.count(&(1..=KEY_COUNT_MAX))?.unwrap_or(1);
    Ok(Command::Key { key, count, speed })
}

fn wait(arguments: &mut Arguments<'_>, scope: Scope) -> Result<Command, Fault> {
    let timeout = arguments.at()?;
    let pattern = arguments.pattern()?;
    Ok(Command::Wait { scope, pattern, timeout })
}

fn setting(arguments: &mut Arguments<'_>) -> Result<Setting, Fault> {
    const EXPECTED: &str = "one of Width, Height, TypingSpeed, Theme, Seed";
    let word = arguments.word(EXPECTED)?;
    match word.bare(EXPECTED)? {
        "Width" => {
            let columns = arguments.number("a width in columns", &(20..=WIDTH_MAX))?;
            Ok(Setting::Width(columns))
        }
        "Height" => {
            let rows = arguments.number("a height in rows", &(5..=HEIGHT_MAX))?;
            Ok(Setting::Height(rows))
        }
        "TypingSpeed" => arguments.duration().map(Setting::TypingSpeed),
        "Theme" => arguments.name("a theme's name").map(Setting::Theme),
        "Seed" => arguments.number("a seed", &(0..=u64::MAX)).map(Setting::Seed),
        other => {
            let names = ["Width", "Height", "TypingSpeed", "Theme", "Seed"];
            Err(with_nearest(word.instead_of(EXPECTED), other, names.into_iter()))
        }
    }
}

fn headquarters(arguments: &mut Arguments<'_>) -> Result<Headquarters, Fault> {
    const EXPECTED: &str = "one of Up, Down, Price";
    let word = arguments.word(EXPECTED)?;
    match word.bare(EXPECTED)? {
        "Up" => Ok(Headquarters::Up),
        "Down" => Ok(Headquarters::Down),
        "Price" => Ok(Headquarters::Price { code: arguments.name("a product's code")?, price: arguments.amount()? }),
        other => Err(with_nearest(word.instead_of(EXPECTED), other, ["Up", "Down", "Price"].into_iter())),
    }
}

fn network(arguments: &mut Arguments<'_>) -> Result<Network, Fault> {
    const EXPECTED: &str = "one of Up, Down, Hang, Slow, Drop, Garbage";
    let word = arguments.word(EXPECTED)?;
    match word.bare(EXPECTED)? {
        "Up" => Ok(Network::Up),
        "Down" => Ok(Network::Down),
        "Hang" => Ok(Network::Hang),
        "Slow" => arguments.duration().map(Network::Slow),
        "Drop" => arguments.percent().map(|percent| Network::Drop { percent }),
        "Garbage" => Ok(Network::Garbage),
        other => {
            let names = ["Up", "Down", "Hang", "Slow", "Drop", "Garbage"];
            Err(with_nearest(word.instead_of(EXPECTED), other, names.into_iter()))
        }
    }
}

fn screenshot(arguments: &mut Arguments<'_>) -> Result<Command, Fault> {
    const EXPECTED: &str = "a file's name";
    let word = arguments.word(EXPECTED)?;
    let file = word.text(EXPECTED)?;
    let path = Path::new(file);
    let stays_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !stays_inside || file.contains('\\') {
        return Err(word.instead_of("a file's name that stays in its folder"));
    }
    let picture = match path.extension().and_then(|extension| extension.to_str()) {
        Some("txt") => Picture::Text,
        Some("svg") => Picture::Svg,
        Some(_) | None => return Err(word.instead_of("a name that ends in `.txt` or `.svg`")),
    };
    let file = file.to_owned();
    Ok(Command::Screenshot { file, picture })
}

fn operation(arguments: &mut Arguments<'_>) -> Result<Command, Fault> {
    const EXPECTED: &str = "an operation's number, as `evertill operations` lists them";
    let word = arguments.word(EXPECTED)?;
    let operation = word.bare(EXPECTED)?.parse().ok().and_then(by_number);
    operation.map(|operation| Command::Press(operation.number)).ok_or_else(|| word.instead_of(EXPECTED))
}

fn assert(arguments: &mut Arguments<'_>) -> Result<Command, Fault> {
    const NAME: &str = "a name such as `journal.unsent`";
    const SIGN: &str = "one of ==, !=, <, <=, >, >=";
    let word = arguments.word(NAME)?;
    let name = word.bare(NAME)?;
    if !NAMES.iter().any(|(known, _)| *known == name) {
        let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
        return Err(word.instead_of(format!("one of {}", known.join(", "))));
    }
    let word = arguments.word(SIGN)?;
    let sign = word.bare(SIGN)?;
    let comparison = Comparison::ALL.into_iter().find(|comparison| comparison.sign() == sign);
    let comparison = comparison.ok_or_else(|| word.instead_of(SIGN))?;
    let value = value(arguments, comparison)?;
    let name = name.to_owned();
    Ok(Command::Assert { name, comparison, value })
}

fn value(arguments: &mut Arguments<'_>, comparison: Comparison) -> Result<Value, Fault> {
    const EXPECTED: &str = "a number, or a word in quotes";
    let word = arguments.word(EXPECTED)?;
    match word.kind {
        Kind::Bare(number) => Decimal::from_str_exact(number).map(Value::Number).map_err(|_| word.instead_of(EXPECTED)),
        Kind::Text(text) => match comparison {
            Comparison::Equal | Comparison::NotEqual => Ok(Value::Word(text.to_owned())),
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
                Err(word.instead_of(format!("a number behind `{}`", comparison.sign())))
            }
        },
        Kind::Pattern(_) => Err(word.instead_of(EXPECTED)),
    }
}
