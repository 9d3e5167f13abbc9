//! `evertill demo`: tapes, live or without a screen.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::DemoArgs;
use super::out::{self, Failure};
use super::register::no_terminal;
use crate::demo::{ASSERT_NAMES, PlayError, Player, Settings, TAPES, find, read_bounded, tape};
use crate::ui::Screen;

/// Plays a tape, or lists the built-in ones.
pub(super) fn run(args: &DemoArgs) -> Result<(), Failure> {
    if args.list {
        let width = TAPES.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, text) in TAPES {
            let about = text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']);
            out::line(format_args!("{name:<width$}  {about}"))?;
        }
        return Ok(());
    }
    let name = args.tape.as_deref().unwrap_or("plain-sale");
    let (text, folder) = find(name).map_err(|error| {
        if error.kind() == ErrorKind::InvalidData {
            return Failure::usage(format!("{name}:{error}"));
        }
        Failure::usage(format!("{name}: {error}")).with_hint("`evertill demo --list` lists the built-in tapes")
    })?;
    let mut source = |file: &str| read_bounded(&folder.join(file));
    let steps = tape::parse(name, &text, &mut source).map_err(Failure::usage)?;
    let settings = Settings {
        headless: args.headless,
        speed: args.speed,
        size: args.size.as_deref().map(parse_size).transpose()?,
        record: args.record.clone(),
        screenshots: args.screenshots.clone().unwrap_or_else(|| PathBuf::from(".")),
    };
    let played = Player::new(&steps, settings).and_then(|player| player.play(&steps));
    played.map_err(|error| match error {
        PlayError::Failed { .. } | PlayError::World(_) => Failure::found(error),
        PlayError::File { .. } => Failure::usage(error),
        PlayError::NoTerminal(error) => no_terminal("play a tape", &error),
        PlayError::Stopped => Failure::stopped(),
    })?;
    out::line(format_args!("{name}: passed, {} steps", steps.len()))
}

/// What `--help` adds: the tapes' words, and what can be asserted.
pub(super) fn long_help() -> String {
    let forms: Vec<String> = tape::forms().map(|form| format!("  {form}")).collect();
    let names: Vec<String> = ASSERT_NAMES.iter().map(|(name, meaning)| format!("  {name:<22}{meaning}")).collect();
    format!(
        "Ctrl+C ends a live demo.\n\nA tape has one command a line; # starts a comment:\n{}\n\nIn place of Enter: {}.\n\nAssert knows:\n{}",
        forms.join("\n"),
        tape::keys().collect::<Vec<_>>().join(" "),
        names.join("\n")
    )
}

fn parse_size(text: &str) -> Result<(u16, u16), Failure> {
    let (least_columns, least_rows) = Screen::MIN_SIZE;
    let parts = text.split_once('x').and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    parts.filter(|(columns, rows)| (least_columns..=500).contains(columns) && (least_rows..=200).contains(rows)).ok_or_else(|| {
        let range = format!("from {least_columns}x{least_rows} to 500x200");
        Failure::usage(format!("--size {text}: expected COLSxROWS {range}, such as 100x30"))
    })
}
