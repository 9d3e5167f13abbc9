//! Headquarters over HTTP, as its scale units ask it: the real-time service, packages down, transactions and reports up.
//!
//! Whatever keeps an answer from coming is [`ErrorKind::HeadquartersAway`]: a register's till tells that from a scale unit that does not
//! answer. It keeps nothing and tries nothing twice; the distribution loop does.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::{RequestBuilder, http};

use crate::channel::http::AddressError;
use crate::channel::http::answer::{Answer, accept, expect_type};
use crate::channel::http::client::{Client, path, prepare, with_time_for};
use crate::channel::{ChannelError, ErrorKind, Refusal, Result, Upload};
use crate::ids::RegisterId;
use crate::package::{Report, SignedManifest, Source};
use crate::protocol::headquarters::{Batch, Deactivation, routes};
use crate::protocol::{JSON, ZSTD};
use crate::realtime::{Activated, Activation, Headquarters, Taken};
use crate::retail::gift_card::GiftCard;
use crate::secret::Secret;
use crate::wire::Wire;

/// Headquarters, seen from a scale unit.
pub struct HttpHeadquarters {
    client: Client,
    token: Secret,
}

impl HttpHeadquarters {
    /// Headquarters at an address; of `https`, exactly the authorities of the PEM file are trusted, or the public ones without it. Nothing is
    /// sent yet.
    pub fn new(url: &str, authority: Option<&Path>, token: Secret) -> std::result::Result<Self, AddressError> {
        Ok(Self { client: Client::new(url, authority)?, token })
    }

    /// Headquarters at the other end of a wire.
    pub fn over(wire: Arc<dyn Wire>, token: Secret) -> Self {
        Self { client: Client::over(wire), token }
    }

    fn get<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T> {
        let request = self.prepare(self.client.agent.get(self.client.address(path_and_query)));
        told(Answer::read(request.call()).and_then(Answer::json))
    }

    fn post<T: DeserializeOwned>(&self, route: &str, body: &impl Serialize) -> Result<T> {
        let body = serde_json::to_string(body).map_err(ChannelError::broken)?;
        let request = self.prepare(self.client.agent.post(self.client.address(route))).header(http::header::CONTENT_TYPE, JSON);
        told(Answer::read(with_time_for(request, body.len()).send(body)).and_then(Answer::json))
    }

    fn prepare<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        prepare(request).header(http::header::AUTHORIZATION, format!("Bearer {}", self.token.reveal()))
    }
}

impl Headquarters for HttpHeadquarters {
    fn activate(&self, activation: &Activation) -> Result<Activated> {
        self.post(routes::ACTIVATE, activation)
    }

    fn deactivate(&self, register: &RegisterId, device: &str) -> Result<()> {
        self.post(routes::DEACTIVATE, &Deactivation { register: register.clone(), device: device.to_owned() })
    }

    fn gift_card(&self, number: &str) -> Result<Option<GiftCard>> {
        let Some(path) = path(routes::GIFT_CARD, number) else { return Ok(None) };
        match self.get(&path) {
            Err(ChannelError { kind: ErrorKind::Refused(Refusal::NotFound), .. }) => Ok(None),
            answer => answer.map(Some),
        }
    }

    fn take(&self, transactions: &[Upload]) -> Result<Vec<Taken>> {
        self.post(routes::TRANSACTIONS, &Batch { transactions: transactions.iter().map(Into::into).collect() })
    }

    fn report(&self, reports: &[Report]) -> Result<()> {
        self.post(routes::PACKAGE_REPORTS, &reports)
    }
}

impl Source for HttpHeadquarters {
    fn manifests(&self, after: u64) -> Result<Vec<SignedManifest>> {
        self.get(&format!("{}?after={after}", routes::PACKAGES))
    }

    fn file(&self, id: u64, from: u64) -> Result<Box<dyn Read + Send>> {
        let path = path(routes::PACKAGE_FILE, &id.to_string()).expect("a number is short");
        let mut request = self.prepare(self.client.downloads.get(self.client.address(&path)));
        if from > 0 {
            request = request.header(http::header::RANGE, format!("bytes={from}-"));
        }
        let response = told(accept(request.call()))?;
        expect_type(&response, ZSTD)?;
        if from > 0 && response.status() != http::StatusCode::PARTIAL_CONTENT {
            return Err(ChannelError::broken("headquarters sends a package's file from its beginning only"));
        }
        Ok(Box::new(response.into_body().into_reader()))
    }
}

/// An answer as a register may hear of it: headquarters that gives none is away, and what is wrong with the scale unit itself is no fault
/// of the register's.
fn told<T>(answer: Result<T>) -> Result<T> {
    answer.map_err(|error| match error.kind {
        ErrorKind::Unreachable(failure) => {
            let detail = if error.detail.is_empty() { failure.to_string() } else { error.detail };
            ChannelError::new(ErrorKind::HeadquartersAway, detail)
        }
        ErrorKind::Refused(Refusal::Session) => ChannelError::broken("headquarters does not accept the scale unit's credentials"),
        ErrorKind::Broken => ChannelError::broken(format!("headquarters: {}", error.detail)),
        ErrorKind::Refused(_) | ErrorKind::Unsupported | ErrorKind::HeadquartersAway => error,
    })
}
