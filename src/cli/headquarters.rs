//! `evertill headquarters`: the scale units of a chain are served from this process.

use std::sync::Arc;

use super::out::{self, Failure};
use super::{HeadquartersArgs, log, server};
use crate::clock::{SharedClock, SystemClock};
use crate::headquarters::Headquarters;
use crate::headquarters::server::HeadquartersServer;

/// Serves until it is told to stop.
pub(super) fn run(args: &HeadquartersArgs) -> Result<(), Failure> {
    let tls = server::certificate(&args.listen)?;
    log::to_standard_error();
    let clock: SharedClock = Arc::new(SystemClock::default());
    let headquarters = Headquarters::open(&args.database, args.keys.as_deref(), Arc::clone(&clock))?;
    let server = HeadquartersServer::start(args.listen.listen, &headquarters, clock, tls)
        .map_err(|error| server::not_started(&args.listen, &error))?;
    out::line(format_args!("listening on {}", server.address()))?;
    server.wait_for_signal().map_err(Failure::found)
}
