//! What the commands that serve have alike: where they listen, with which certificate, and with whom they speak.

use std::sync::Arc;

use rustls::ServerConfig;

use super::ListenArgs;
use super::out::Failure;
use crate::channel::http::client::is_overheard;
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

/// Refuses to speak with another machine without encryption; `named` is who named the address, `what` would travel.
pub(super) fn refuse_plain_http(url: &str, named: &str, what: &str) -> Result<(), Failure> {
    if !is_overheard(url) {
        return Ok(());
    }
    let told = format!("{named} {url}: beyond this machine {what} would travel unencrypted");
    Err(Failure::usage(told).with_hint("an https address encrypts; --allow-plain-http does without"))
}

/// A server that does not start.
pub(super) fn not_started(args: &ListenArgs, error: &std::io::Error) -> Failure {
    Failure::found(format!("{}: {error}", args.listen)).with_hint("port 0 takes a free one; another server may have this one")
}
