//! `evertill profile`: check a profile, print the default one.

use super::ProfileCommand;
use super::out::{self, Failure};
use super::register::read_profile;
use crate::profile::DEFAULT_TOML;

/// Does it.
pub(super) fn run(what: &ProfileCommand) -> Result<(), Failure> {
    match what {
        ProfileCommand::Print => out::line(DEFAULT_TOML.trim_end()),
        ProfileCommand::Check { file } => {
            read_profile(Some(file))?;
            out::line(format_args!("{}: good", file.display()))
        }
    }
}
