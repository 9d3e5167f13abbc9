//! Where the program logs: a server to standard error, a register to a file a day.

use std::io::IsTerminal;
use std::path::Path;

use tracing::{Level, Metadata};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::private;

/// A server's belongs to its log.
pub(super) fn to_standard_error() {
    let log = fmt().with_ansi(std::io::stderr().is_terminal()).with_env_filter(wanted()).with_writer(std::io::stderr);
    log.finish().with(filter_fn(is_fit_to_keep)).init();
}

/// Beside the journal: the screen belongs to the cashier. A log that cannot be written keeps nobody from selling.
pub(super) fn to_files(data: &Path) -> Option<WorkerGuard> {
    let directory = data.join("logs");
    private::folder(&directory).ok()?;
    let files = Builder::new().rotation(Rotation::DAILY).filename_prefix("register").filename_suffix("log").max_log_files(14);
    let (writer, guard) = tracing_appender::non_blocking(files.build(directory).ok()?);
    let log = fmt().with_ansi(false).with_env_filter(wanted()).with_writer(writer);
    log.finish().with(filter_fn(is_fit_to_keep)).try_init().ok()?;
    Some(guard)
}

fn wanted() -> EnvFilter {
    EnvFilter::try_from_env("EVERTILL_LOG").unwrap_or_else(|_| "info,refinery_core=warn".into())
}

/// Whatever is wanted: libraries repeat requests, statements and their values in what is less than a warning, and secrets with them.
fn is_fit_to_keep(about: &Metadata<'_>) -> bool {
    about.target().starts_with("evertill") || *about.level() <= Level::WARN
}
