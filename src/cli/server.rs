//! What the commands that serve have alike: where they listen, with which certificate, and their log.

use std::io::IsTerminal;
use std::sync::Arc;

use rustls::ServerConfig;

use super::ListenArgs;
use super::out::Failure;
use crate::tls;

/// The certificate to serve with, if one is named; without one, nobody beyond this machine is served unless that is permitted.
pub(super) fn certificate(args: &ListenArgs) -> Result<Option<Arc<ServerConfig>>, Failure> {
    if let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) {
        let config = tls::server(certificate, key).map_err(|error| Failure::usage(&error).with_hint(error.hint()))?;
        return Ok(Some(config));
    }
    if !args.listen.ip().is_loopback() && !args.allow_plain_http {
        let what = format!("--listen {}: beyond this machine sales would travel unencrypted", args.listen);
        return Err(Failure::usage(what).with_hint("--tls-cert and --tls-key encrypt; --allow-plain-http does without"));
    }
    Ok(None)
}

/// Logs to standard error: a server's belongs to its log.
pub(super) fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("EVERTILL_LOG").unwrap_or_else(|_| "info,refinery_core=warn".into());
    tracing_subscriber::fmt().with_ansi(std::io::stderr().is_terminal()).with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// A server that does not start.
pub(super) fn not_started(args: &ListenArgs, error: &std::io::Error) -> Failure {
    Failure::found(format!("{}: {error}", args.listen)).with_hint("port 0 takes a free one; another server may have this one")
}
