//! A channel that asks a scale unit over HTTP.
//!
//! The till calls it on a worker with a deadline ([`crate::deadline`]); its own time-outs only end workers nobody waits for any more.
//! What matters most here is to tell *no answer*, which takes a register offline, from *a bad answer*, which must not.

mod answer;
mod download;

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::{Agent, RequestBuilder, http};

use self::answer::{Answer, failure};
use super::{Channel, ChannelError, Page, ProductSearch, Recorded, Refusal, Result, Upload};
use crate::ids::{OperatorId, ProductId, TransactionId};
use crate::protocol::{DataVersion, JSON, Receipt, SignIn, VERSION, VERSION_HEADER, routes};
use crate::retail::product::{Found, Product};
use crate::retail::staff::{Operator, Pin};
use crate::retail::store::Store;

/// When each part of a request that nobody waits for any more ends at the latest: sending it, its answer's head, its answer's body.
const BACKSTOP: Duration = Duration::from_secs(15);
/// When an attempt to connect does.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept: less than a scale unit keeps it, so that a request seldom meets a closed one.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// What an answer's head may be, in bytes.
const HEAD_MAX: usize = 32 * 1_024;
/// Codes and numbers longer than this are nobody's, and not worth an address that long.
const KEY_MAX: usize = 200;
/// What stands for itself in an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A scale unit, seen from a register.
pub struct HttpChannel {
    base: String,
    agent: Agent,
    downloads: Agent,
}

/// A scale unit's address that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{url:?} is no scale unit's address: {problem}, expected http://host or http://host:port")]
pub struct AddressError {
    url: String,
    problem: &'static str,
}

impl HttpChannel {
    /// A scale unit at `http://host[:port]`; nothing is sent yet.
    pub fn new(url: &str) -> std::result::Result<Self, AddressError> {
        let base = base(url).map_err(|problem| AddressError { url: url.to_owned(), problem })?;
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .proxy(None)
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
            .timeout_global(Some(download::WAIT))
            .timeout_per_read(Some(download::SILENCE))
            .max_idle_connections(0)
            .build()
            .new_agent();
        Ok(Self { base, agent, downloads })
    }

    /// Whether the scale unit answers and can read its database.
    pub fn ping(&self) -> Result<()> {
        self.data_version().map(|_| ())
    }

    fn get<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T> {
        Answer::read(prepare(self.agent.get(self.address(path_and_query))).call())?.json()
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let body = serde_json::to_string(body).map_err(ChannelError::broken)?;
        let request = prepare(self.agent.post(self.address(path))).header(http::header::CONTENT_TYPE, JSON);
        Answer::read(request.send(body))?.json()
    }

    fn address(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.base)
    }
}

impl Channel for HttpChannel {
    fn store(&self, number: &str) -> Result<Store> {
        let Some(path) = path(routes::STORE, number) else {
            return Err(ChannelError::refused(Refusal::NotFound, "no store has such a number"));
        };
        self.get(&path)
    }

    fn sign_in(&self, operator: &OperatorId, pin: &Pin) -> Result<Operator> {
        if operator.0.len() > KEY_MAX || pin.reveal().len() > Pin::MAX_LEN {
            return Err(ChannelError::refused(Refusal::Credentials, ""));
        }
        self.post(routes::SIGN_IN, &SignIn { operator: operator.clone(), pin: pin.clone() })
    }

    fn product_by_barcode(&self, code: &str) -> Result<Option<Found>> {
        if code.is_empty() || code.len() > KEY_MAX {
            return Ok(None);
        }
        found(self.get(&format!("{}?code={}", routes::PRODUCT_BY_CODE, encode(code))))
    }

    fn product(&self, id: &ProductId) -> Result<Option<Product>> {
        path(routes::PRODUCT, &id.0).map_or(Ok(None), |path| found(self.get(&path)))
    }

    fn search_products(&self, search: &ProductSearch) -> Result<Page> {
        search.check()?;
        let ProductSearch { text, offset, limit } = search;
        self.get(&format!("{}?text={}&offset={offset}&limit={limit}", routes::PRODUCTS, encode(text)))
    }

    fn record(&self, transaction: &Upload) -> Result<Recorded> {
        transaction.check()?;
        let address = self.address(&transaction_path(transaction.id));
        let request = prepare(self.agent.put(address)).header(http::header::CONTENT_TYPE, JSON);
        Answer::read(request.send(transaction.canonical.as_str()))?.json().map(|Receipt { recorded }| recorded)
    }

    fn transaction(&self, id: &TransactionId) -> Result<Option<String>> {
        let request = prepare(self.agent.get(self.address(&transaction_path(*id))));
        found(Answer::read(request.call()).and_then(Answer::text))
    }

    fn data_version(&self) -> Result<u64> {
        self.get(routes::DATA_VERSION).map(|DataVersion { version }| version)
    }
}

/// The address without a slash at its end, or what is wrong with it.
fn base(url: &str) -> std::result::Result<String, &'static str> {
    let address: http::Uri = url.parse().map_err(|_| "it cannot be read")?;
    if address.scheme() != Some(&http::uri::Scheme::HTTP) {
        return Err("it is not http");
    }
    let Some(authority) = address.authority().filter(|authority| !authority.host().is_empty()) else {
        return Err("it names no host");
    };
    if authority.as_str().contains('@') || url.contains('#') || !matches!(address.path(), "" | "/") || address.query().is_some() {
        return Err("it has more than a host and a port");
    }
    if authority.as_str() != authority.host() && authority.port_u16().is_none() {
        return Err("its port is no number from 0 to 65535");
    }
    Ok(format!("http://{authority}"))
}

fn prepare<B>(request: RequestBuilder<B>) -> RequestBuilder<B> {
    request.header(VERSION_HEADER, VERSION.to_string())
}

/// A route with its place filled in; none for what can be no record's key.
fn path(route: &str, key: &str) -> Option<String> {
    let (before, _) = route.split_once('{').expect("the route has a place");
    (!key.is_empty() && key.len() <= KEY_MAX).then(|| format!("{before}{}", encode(key)))
}

fn transaction_path(id: TransactionId) -> String {
    path(routes::TRANSACTION, &id.to_string()).expect("a key is short")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// That there is no such record is an answer.
fn found<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(ChannelError { kind: super::ErrorKind::Refused(Refusal::NotFound), .. }) => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://scale-unit/", Some("http://scale-unit")),
            ("http://[::1]:80", Some("http://[::1]:80")),
            ("https://scale-unit", None),
            ("scale-unit:8080", None),
            ("http://", None),
            ("http://user:secret@scale-unit", None),
            ("http://scale-unit/shop", None),
            ("http://scale-unit?x", None),
            ("http://scale-unit:99999", None),
            ("http://scale unit", None),
            ("", None),
        ] {
            assert_eq!(HttpChannel::new(url).ok().map(|channel| channel.base).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_key_stays_within_its_part_of_the_path() {
        assert_eq!(path(routes::PRODUCT, "a/b?c#d%.").as_deref(), Some("/v1/products/a%2Fb%3Fc%23d%25%2E"));
        assert_eq!(path(routes::PRODUCT, ""), None);
    }
}
