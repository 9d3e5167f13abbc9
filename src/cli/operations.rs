//! `evertill operations`: the one table, for people, for the manual and for programs.

use serde::Serialize;

use super::OperationsArgs;
use super::out::{self, Failure};
use crate::till::operations::{OfflineRule, Operation, Reach, TABLE};
use crate::view::Screen;

/// Prints the table.
pub(super) fn run(args: &OperationsArgs) -> Result<(), Failure> {
    if args.json {
        let rows: Vec<Row> = TABLE.iter().map(Row::from).collect();
        return out::json(&rows);
    }
    if args.markdown {
        return out::line(markdown());
    }
    for row in TABLE.iter().map(Row::from) {
        out::line(format_args!("{:>4}  {:<28} {:<6} {}", row.number, row.name, row.key, row.help))?;
    }
    Ok(())
}

/// The table as a page of the manual.
fn markdown() -> String {
    let mut page = "# Operations\n\nMade by `evertill operations --markdown` from the table in `src/till/operations.rs`.\n\n".to_owned();
    page.push_str("| Number | Name | Key | Screens | Offline | Asks | What it does |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    let rows = TABLE.iter().map(Row::from);
    let lines: Vec<String> = rows
        .map(|row| {
            format!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                row.number,
                row.name,
                row.key,
                row.screens.join(", "),
                row.offline,
                row.reach,
                row.help
            )
        })
        .collect();
    page.push_str(&lines.join("\n"));
    page
}

#[derive(Serialize)]
struct Row {
    number: u16,
    name: &'static str,
    key: String,
    group: String,
    screens: Vec<&'static str>,
    offline: &'static str,
    reach: &'static str,
    help: &'static str,
}

impl From<&Operation> for Row {
    fn from(operation: &Operation) -> Self {
        let screen = |screen: &Screen| match screen {
            Screen::Welcome => "welcome",
            Screen::Transaction => "transaction",
            Screen::SignIn => "sign-in",
            Screen::Locked => "locked",
            Screen::Activation => "activation",
        };
        Self {
            number: operation.number,
            name: operation.name,
            key: operation.key_name(),
            group: format!("{:?}", operation.group).to_lowercase(),
            screens: operation.screens.iter().map(screen).collect(),
            offline: match operation.offline {
                OfflineRule::Same => "yes",
                OfflineRule::Refused => "no",
            },
            reach: match operation.reach {
                Reach::Register => "the register",
                Reach::ScaleUnit => "the scale unit",
                Reach::Headquarters => "headquarters",
            },
            help: operation.help,
        }
    }
}
