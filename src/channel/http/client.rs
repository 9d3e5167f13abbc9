//! The client of a server of this program: where it is, whom it trusts, how long it waits, and what every request says.
//!
//! A register asks its scale unit through it, a scale unit asks headquarters. It sends nothing by itself and knows no route.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::WithBody;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, RequestBuilder, http};

use crate::channel::time_for;
use crate::protocol::{VERSION, VERSION_HEADER};
use crate::tls::{self, TlsError};
use crate::wire::Wire;

use super::over_wire::OverWire;

/// When each part of a request that nobody waits for any more ends at the latest: sending it, its answer's head, its answer's body.
pub(super) const BACKSTOP: Duration = Duration::from_secs(15);
/// When an attempt to connect does.
pub(super) const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept: less than a server keeps it, so that a request seldom meets a closed one.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// When a download ends at the latest.
const DOWNLOAD_WAIT: Duration = Duration::from_hours(1);
/// How long it may be silent; the server may have to make the file first.
const DOWNLOAD_SILENCE: Duration = Duration::from_mins(5);
/// What an answer's head may be, in bytes.
const HEAD_MAX: usize = 32 * 1_024;
/// Codes and numbers longer than this are nobody's, and not worth an address that long.
pub(super) const KEY_MAX: usize = 200;
/// What stands for itself in an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A server and the connections to it.
pub(crate) struct Client {
    base: String,
    /// For answers that come at once.
    pub(crate) agent: Agent,
    /// For files.
    pub(crate) downloads: Agent,
}

/// A server that cannot be asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// Its address is none.
    #[error("{url:?} is no server's address: {problem}, expected http://host, https://host or either with :port")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The certificate authority's file.
    #[error(transparent)]
    Authority(#[from] TlsError),
}

impl Client {
    /// A server at `http://host[:port]` or `https://host[:port]`; nothing is sent yet. Of `https`, exactly the authorities of the PEM
    /// file are trusted, or the public ones without it.
    pub(crate) fn new(url: &str, authority: Option<&Path>) -> Result<Self, AddressError> {
        let base = base(url).map_err(|problem| AddressError::Address { url: url.to_owned(), problem })?;
        let roots = match authority {
            None => RootCerts::WebPki,
            Some(file) => {
                let trusted: Vec<_> = tls::certificates(file)?.iter().map(|found| Certificate::from_der(found).to_owned()).collect();
                RootCerts::new_with_certs(&trusted)
            }
        };
        let tls = TlsConfig::builder().root_certs(roots).build();
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .proxy(None)
                .tls_config(tls.clone())
                .timeout_connect(Some(CONNECT_WAIT))
                .max_response_header_size(HEAD_MAX)
                .user_agent(concat!("evertill/", env!("CARGO_PKG_VERSION")))
        };
        // Not the time-outs that span a whole request: they have every request's look-up of the host's name run on a thread of its own.
        let agent = config()
            .timeout_send_request(Some(BACKSTOP))
            .timeout_send_body(Some(BACKSTOP))
            .timeout_recv_response(Some(BACKSTOP))
            .timeout_recv_body(Some(BACKSTOP))
            .max_idle_age(IDLE_MAX)
            .build()
            .new_agent();
        let downloads = config()
            .timeout_global(Some(DOWNLOAD_WAIT))
            .timeout_per_read(Some(DOWNLOAD_SILENCE))
            .max_idle_connections(0)
            .build()
            .new_agent();
        Ok(Self { base, agent, downloads })
    }

    /// A server at the other end of a wire.
    pub(crate) fn over(wire: Arc<dyn Wire>) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false).proxy(None);
        let config = config.max_response_header_size(HEAD_MAX).max_idle_connections(0).build();
        let agent = Agent::with_parts(config, OverWire(wire), DefaultResolver::default());
        // An address that needs no look-up.
        Self { base: "http://127.0.0.1".to_owned(), agent: agent.clone(), downloads: agent }
    }

    /// A route's whole address.
    pub(crate) fn address(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.base)
    }
}

/// Whether what is said to a server leaves this machine without encryption.
pub(crate) fn is_overheard(url: &str) -> bool {
    let Ok(address) = url.parse::<http::Uri>() else { return true };
    let host = address.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    address.scheme_str() != Some("https") && !is_here
}

/// A request that names the protocol.
pub(crate) fn prepare<B>(request: RequestBuilder<B>) -> RequestBuilder<B> {
    request.header(VERSION_HEADER, VERSION.to_string())
}

/// A request whose body may take a while on a slow line.
pub(crate) fn with_time_for(request: RequestBuilder<WithBody>, bytes: usize) -> RequestBuilder<WithBody> {
    let wait = BACKSTOP + time_for(bytes);
    request.config().timeout_send_body(Some(wait)).timeout_recv_response(Some(wait)).build()
}

/// A route with its place filled in; none for what can be no record's key.
pub(crate) fn path(route: &str, key: &str) -> Option<String> {
    let (before, rest) = route.split_once('{').expect("the route has a place");
    let (_, after) = rest.split_once('}').expect("the place has an end");
    (!key.is_empty() && key.len() <= KEY_MAX).then(|| format!("{before}{}{after}", encode(key)))
}

/// A text as a part of an address.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The address without a slash at its end, or what is wrong with it.
fn base(url: &str) -> Result<String, &'static str> {
    let address: http::Uri = url.parse().map_err(|_| "it cannot be read")?;
    let Some(scheme) = address.scheme_str().filter(|scheme| ["http", "https"].contains(scheme)) else {
        return Err("it is neither http nor https");
    };
    let Some(authority) = address.authority().filter(|authority| !authority.host().is_empty()) else {
        return Err("it names no host");
    };
    if authority.as_str().contains('@') || url.contains('#') || !matches!(address.path(), "" | "/") || address.query().is_some() {
        return Err("it has more than a host and a port");
    }
    if authority.as_str() != authority.host() && authority.port_u16().is_none() {
        return Err("its port is no number from 0 to 65535");
    }
    Ok(format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::routes;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://scale-unit/", Some("http://scale-unit")),
            ("http://[::1]:80", Some("http://[::1]:80")),
            ("https://scale-unit", Some("https://scale-unit")),
            ("https://scale-unit:8443/", Some("https://scale-unit:8443")),
            ("ftp://scale-unit", None),
            ("scale-unit:8080", None),
            ("http://", None),
            ("http://user:secret@scale-unit", None),
            ("http://scale-unit/shop", None),
            ("http://scale-unit?x", None),
            ("http://scale-unit:99999", None),
            ("http://scale unit", None),
            ("", None),
        ] {
            assert_eq!(Client::new(url, None).ok().map(|client| client.base).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_encryption() {
        for (url, expected) in [
            ("https://scale-unit", false),
            ("http://127.0.0.1:8343", false),
            ("http://[::1]:8343", false),
            ("http://localhost", false),
            ("http://scale-unit:8343", true),
            ("http://192.168.0.4", true),
            ("http://127.0.0.1.example.org", true),
            ("http://localhost.example.org", true),
            ("http://[fe80::1]", true),
            ("", true),
        ] {
            assert_eq!(is_overheard(url), expected, "{url}");
        }
    }

    #[test]
    fn a_key_stays_within_its_part_of_the_path() {
        assert_eq!(path(routes::PRODUCT, "a/b?c#d%.").as_deref(), Some("/v1/products/a%2Fb%3Fc%23d%25%2E"));
        assert_eq!(path(routes::PACKAGE_FILE, "7").as_deref(), Some("/v1/packages/7/file"));
        assert_eq!(path(routes::PRODUCT, ""), None);
    }
}
