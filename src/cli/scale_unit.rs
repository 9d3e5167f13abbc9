//! `evertill scale-unit`: a store's registers are served from this process.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use super::ScaleUnitArgs;
use super::out::{self, Failure};
use crate::channel::sqlite::SqliteChannel;
use crate::sample_store;
use crate::scale_unit::ScaleUnit;

/// Serves until it is told to stop.
pub(super) fn run(args: &ScaleUnitArgs) -> Result<(), Failure> {
    let Some(file) = args.database.strip_prefix("sqlite:").filter(|file| !file.is_empty()) else {
        return Err(Failure::usage(format!("--database {}: expected sqlite:FILE", args.database)));
    };
    if !args.listen.ip().is_loopback() && !args.allow_plain_http {
        let what = format!("--listen {}: beyond this machine sales would travel unencrypted", args.listen);
        return Err(Failure::usage(what).with_hint("--allow-plain-http permits it"));
    }
    // Standard error belongs to the log of a server.
    let filter = tracing_subscriber::EnvFilter::try_from_env("EVERTILL_LOG").unwrap_or_else(|_| "info,refinery_core=warn".into());
    tracing_subscriber::fmt().with_ansi(std::io::stderr().is_terminal()).with_env_filter(filter).with_writer(std::io::stderr).init();
    let channel = SqliteChannel::open(Path::new(file)).map_err(|error| Failure::found(format!("{file}: {error}")))?;
    if channel.is_empty().map_err(Failure::found)? {
        channel.load(&sample_store::master_data()).map_err(Failure::found)?;
    }
    let scale_unit = ScaleUnit::start(args.listen, Arc::new(channel)).map_err(|error| {
        Failure::found(format!("{}: {error}", args.listen)).with_hint("port 0 takes a free one; another scale unit may have this one")
    })?;
    out::line(format_args!("listening on {}", scale_unit.address()))?;
    scale_unit.wait_for_signal().map_err(Failure::found)
}
