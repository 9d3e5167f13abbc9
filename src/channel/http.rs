//! A channel that asks a scale unit over HTTP.
//!
//! The till calls it on a worker with a deadline ([`crate::deadline`]); its own time-outs only end workers nobody waits for any more.
//! What matters most here is to tell *no answer*, which takes a register offline, from *a bad answer*, which must not.

mod access;
pub(crate) mod answer;
pub(crate) mod client;
mod over_wire;
mod packages;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::{Body, RequestBuilder, http};

pub use self::client::AddressError;

use self::access::Access;
use self::answer::{Answer, accept};
use self::client::{Client, KEY_MAX, encode, path, prepare, with_time_for};
use super::{Channel, ChannelError, ErrorKind, Page, ProductSearch, Recorded, Refusal, Result, Upload};
use crate::ids::{OperatorId, ProductId, RegisterId, TransactionId};
use crate::protocol::{DataVersion, JSON, Receipt, Resume, Resumed, SESSION_HEADER, SignIn, SignedIn, Unlock, routes};
use crate::realtime::{Activated, Activation};
use crate::retail::gift_card::GiftCard;
use crate::retail::product::{Found, Product};
use crate::retail::register::RegisterSetup;
use crate::retail::staff::{Operator, Pin};
use crate::retail::store::Store;
use crate::secret::Secret;
use crate::wire::Wire;

/// What became of a request.
type Sent = std::result::Result<Response<Body>, ureq::Error>;

/// A scale unit, seen from a register.
pub struct HttpChannel {
    client: Client,
    access: Access,
}

impl HttpChannel {
    /// A scale unit at `http://host[:port]` or `https://host[:port]`, whose certificate a public authority signed; nothing is sent yet.
    pub fn new(url: &str) -> std::result::Result<Self, AddressError> {
        Self::with_authority(url, None)
    }

    /// The same; exactly the certificate authorities of the PEM file are trusted, if there is one.
    pub fn with_authority(url: &str, authority: Option<&Path>) -> std::result::Result<Self, AddressError> {
        Ok(Self { client: Client::new(url, authority)?, access: Access::default() })
    }

    /// A scale unit at the other end of a wire.
    pub fn over(wire: Arc<dyn Wire>) -> Self {
        Self { client: Client::over(wire), access: Access::default() }
    }

    /// What the device shows from now on: its own name and its token, or nothing.
    pub fn set_device(&self, device: Option<(String, Secret)>) {
        self.access.set_device(device);
    }

    /// 707: trades an activation code for a register's identity. What the device shows does not change by it.
    pub fn activate(&self, activation: &Activation) -> Result<Activated> {
        self.post(routes::ACTIVATE, None, activation)
    }

    /// 708: releases the register from this device.
    pub fn deactivate(&self) -> Result<()> {
        self.tell(routes::DEACTIVATE, None, &())
    }

    fn get<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T> {
        Answer::read(self.prepared(self.client.agent.get(self.address(path_and_query)), None).call())?.json()
    }

    /// As [`HttpChannel::get`], for what a person asks.
    fn get_in_session<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T> {
        self.in_session(|session| Answer::read(self.prepared(self.client.agent.get(self.address(path_and_query)), session).call())?.json())
    }

    fn post<T: DeserializeOwned>(&self, path: &str, session: Option<&Secret>, body: &impl Serialize) -> Result<T> {
        Answer::read(self.send(path, session, body)?)?.json()
    }

    /// As [`HttpChannel::post`], where the answer says no more than that it is done.
    fn tell(&self, path: &str, session: Option<&Secret>, body: &impl Serialize) -> Result<()> {
        accept(self.send(path, session, body)?).map(drop)
    }

    fn send(&self, path: &str, session: Option<&Secret>, body: &impl Serialize) -> Result<Sent> {
        let body = serde_json::to_string(body).map_err(ChannelError::broken)?;
        let request = self.prepared(self.client.agent.post(self.address(path)), session);
        Ok(request.header(http::header::CONTENT_TYPE, JSON).send(body))
    }

    /// A request that says which device asks, and in which session.
    fn prepared<B>(&self, request: RequestBuilder<B>, session: Option<&Secret>) -> RequestBuilder<B> {
        let request = self.access.show(prepare(request));
        match session {
            Some(session) => request.header(SESSION_HEADER, session.reveal()),
            None => request,
        }
    }

    /// Asks in the operator's session. One that there is not, or that has ended, is resumed once: the device vouches for whom it signed in.
    fn in_session<T>(&self, ask: impl Fn(Option<&Secret>) -> Result<T>) -> Result<T> {
        let Some(operator) = self.access.operator() else { return ask(None) };
        if let Some(session) = self.access.session() {
            match ask(Some(&session)) {
                Err(ChannelError { kind: ErrorKind::Refused(Refusal::Session), .. }) => self.access.forget(&session),
                answer => return answer,
            }
        }
        let resumed = self.post(routes::RESUME, None, &Resume { operator: operator.clone() });
        let Resumed { session } = resumed.map_err(|error| match error.kind {
            ErrorKind::Refused(refusal) if refusal != Refusal::Device => ChannelError::refused(Refusal::Session, error.detail),
            ErrorKind::Refused(_)
            | ErrorKind::Unreachable(_)
            | ErrorKind::Unsupported
            | ErrorKind::HeadquartersAway
            | ErrorKind::Broken => error,
        })?;
        self.access.resumed(&operator, session.clone());
        ask(Some(&session))
    }

    /// Ends the sessions that nobody works in any more; one that is not reached runs out by itself.
    fn end_sessions(&self) {
        for session in self.access.take_ended() {
            if let Err(error) = self.tell(routes::SIGN_OFF, Some(&session), &()) {
                tracing::debug!(%error, "a session was not ended");
            }
        }
    }

    fn address(&self, path_and_query: &str) -> String {
        self.client.address(path_and_query)
    }
}

impl Channel for HttpChannel {
    fn store(&self, number: &str) -> Result<Store> {
        let Some(path) = path(routes::STORE, number) else {
            return Err(ChannelError::refused(Refusal::NotFound, "no store has such a number"));
        };
        self.get(&path)
    }

    fn register(&self, _: &RegisterId) -> Result<RegisterSetup> {
        self.get(routes::REGISTER)
    }

    fn sign_in(&self, operator: &OperatorId, pin: &Pin) -> Result<Operator> {
        if operator.0.len() > KEY_MAX || pin.reveal().len() > Pin::MAX_LEN {
            return Err(ChannelError::refused(Refusal::Credentials, ""));
        }
        self.end_sessions();
        let signed_in: SignedIn = self.post(routes::SIGN_IN, None, &SignIn { operator: operator.clone(), pin: pin.clone() })?;
        self.access.signed_in(&signed_in.operator.id, signed_in.session);
        Ok(signed_in.operator)
    }

    fn unlock(&self, operator: &OperatorId, manager: &OperatorId, pin: &Pin) -> Result<()> {
        let manager = SignIn { operator: manager.clone(), pin: pin.clone() };
        self.tell(routes::UNLOCK, None, &Unlock { operator: operator.clone(), manager })
    }

    fn set_operator(&self, operator: Option<&OperatorId>) {
        self.access.set_operator(operator);
    }

    fn product_by_barcode(&self, code: &str) -> Result<Option<Found>> {
        if code.is_empty() || code.len() > KEY_MAX {
            return Ok(None);
        }
        found(self.get_in_session(&format!("{}?code={}", routes::PRODUCT_BY_CODE, encode(code))))
    }

    fn product(&self, id: &ProductId) -> Result<Option<Product>> {
        path(routes::PRODUCT, &id.0).map_or(Ok(None), |path| found(self.get_in_session(&path)))
    }

    fn search_products(&self, search: &ProductSearch) -> Result<Page> {
        search.check()?;
        let ProductSearch { text, offset, limit } = search;
        self.get_in_session(&format!("{}?text={}&offset={offset}&limit={limit}", routes::PRODUCTS, encode(text)))
    }

    fn record(&self, transaction: &Upload) -> Result<Recorded> {
        transaction.check()?;
        let address = self.address(&transaction_path(transaction.id));
        let request = self.prepared(self.client.agent.put(address), None).header(http::header::CONTENT_TYPE, JSON);
        let request = with_time_for(request, transaction.canonical.len());
        let answer = Answer::read(request.send(transaction.canonical.as_str()))?.json().map(|Receipt { recorded }| recorded);
        self.end_sessions();
        answer
    }

    fn transaction(&self, id: &TransactionId) -> Result<Option<String>> {
        self.in_session(|session| {
            let request = self.prepared(self.client.agent.get(self.address(&transaction_path(*id))), session);
            found(Answer::read(request.call()).and_then(Answer::text))
        })
    }

    fn gift_card(&self, number: &str) -> Result<Option<GiftCard>> {
        path(routes::GIFT_CARD, number).map_or(Ok(None), |path| found(self.get_in_session(&path)))
    }

    fn data_version(&self) -> Result<u64> {
        self.get(routes::DATA_VERSION).map(|DataVersion { version }| version)
    }
}

fn transaction_path(id: TransactionId) -> String {
    path(routes::TRANSACTION, &id.to_string()).expect("a key is short")
}

/// That there is no such record is an answer.
fn found<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(ChannelError { kind: ErrorKind::Refused(Refusal::NotFound), .. }) => Ok(None),
        other => other.map(Some),
    }
}
