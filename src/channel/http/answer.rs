//! What came back over HTTP, told apart: no answer, another's answer, a refusal, a record.

use std::io;

use serde::de::DeserializeOwned;
use ureq::http::{Response, StatusCode, header};
use ureq::{Body, Error, Timeout};

use super::client::{BACKSTOP, CONNECT_WAIT};
use crate::channel::{ChannelError, Result};
use crate::connection::Failure;
use crate::protocol::{JSON, PROBLEM_JSON, Problem, VERSION, VERSION_HEADER};

/// What an answer may be, in bytes.
const ANSWER_MAX: u64 = 4 << 20;

/// A server's record.
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    /// Reads an answer whole.
    pub(crate) fn read(response: std::result::Result<Response<Body>, Error>) -> Result<Self> {
        let mut response = accept(response)?;
        expect_type(&response, JSON)?;
        body(&mut response).map(Self)
    }

    /// The record.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T> {
        serde_json::from_slice(&self.0).map_err(|error| ChannelError::broken(format!("its answer is not understood: {error}")))
    }

    /// The record as it was sent.
    pub(crate) fn text(self) -> Result<String> {
        String::from_utf8(self.0).map_err(|_| ChannelError::broken("its answer is no text"))
    }
}

/// A server's good answer, its body not yet read; everything else is an error of its own kind.
pub(crate) fn accept(response: std::result::Result<Response<Body>, Error>) -> Result<Response<Body>> {
    let mut response = response.map_err(|error| failure(&error))?;
    let (status, is_problem) = (response.status(), content_type(&response) == PROBLEM_JSON);
    // These are the words of a balancer that does not reach its server.
    let balancers = match status {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => true,
        StatusCode::SERVICE_UNAVAILABLE => !is_problem,
        _ => false,
    };
    if balancers {
        return Err(ChannelError { detail: format!("answered with status {status}"), ..ChannelError::unreachable(Failure::Cut) });
    }
    check_version(&response)?;
    if is_problem {
        let body = body(&mut response)?;
        let problem = serde_json::from_slice::<Problem>(&body);
        return Err(problem
            .map_or_else(|_| ChannelError::broken(format!("status {status} with a problem that is not understood")), Problem::into_error));
    }
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    Err(ChannelError::broken(format!("answered with status {status}")))
}

/// Refuses an answer of another content type.
pub(crate) fn expect_type(response: &Response<Body>, expected: &str) -> Result<()> {
    let found = content_type(response);
    if found == expected {
        return Ok(());
    }
    Err(ChannelError::broken(format!("it answered with {found:.60}, expected {expected}")))
}

/// Why there was no answer; what is no one else's fault is this program's.
pub(crate) fn failure(error: &Error) -> ChannelError {
    if let Error::BodyExceedsLimit(limit) = error {
        return ChannelError::broken(format!("its answer has more than {limit} bytes"));
    }
    let found = if let Error::Io(error) = error {
        Some(tls_failure(error).unwrap_or_else(|| io_failure(error.kind())))
    } else if let Error::Timeout(timeout) = error {
        Some(timed_out(*timeout))
    } else if matches!(error, Error::HostNotFound | Error::ConnectionFailed) {
        Some(Failure::NoRoad)
    } else if matches!(error, Error::Protocol(_) | Error::LargeResponseHeader(..)) {
        Some(Failure::Garbled)
    } else {
        None
    };
    found.map_or_else(
        || ChannelError::broken(error),
        |failure| ChannelError { detail: error.to_string(), ..ChannelError::unreachable(failure) },
    )
}

/// What the TLS library found wrong before anything was asked, if it did.
fn tls_failure(error: &io::Error) -> Option<Failure> {
    let found: &rustls::Error = error.get_ref()?.downcast_ref()?;
    let proves_nothing = matches!(found, rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented);
    Some(if proves_nothing { Failure::NotTrusted } else { Failure::Garbled })
}

fn io_failure(kind: io::ErrorKind) -> Failure {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, NotConnected, TimedOut, UnexpectedEof};
    if kind == ConnectionRefused {
        Failure::NobodyListens
    } else if kind == TimedOut {
        timed_out(Timeout::Global)
    } else if matches!(kind, ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected | UnexpectedEof) {
        Failure::Cut
    } else {
        // Names that are not found have no kind of their own, and routes several.
        Failure::NoRoad
    }
}

fn timed_out(timeout: Timeout) -> Failure {
    let after = if timeout == Timeout::Connect { CONNECT_WAIT } else { BACKSTOP };
    Failure::TimedOut { after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) }
}

fn check_version(response: &Response<Body>) -> Result<()> {
    let Some(spoken) = response.headers().get(VERSION_HEADER) else {
        let status = response.status();
        return Err(ChannelError::broken(format!(
            "whoever answered with status {status} is no server of this program: no protocol is named"
        )));
    };
    if spoken.as_bytes() == VERSION.to_string().as_bytes() {
        return Ok(());
    }
    let spoken = String::from_utf8_lossy(spoken.as_bytes());
    Err(ChannelError::broken(format!("it speaks protocol {spoken:.20}, this program {VERSION}")))
}

/// The bare type, without parameters.
fn content_type(response: &Response<Body>) -> &str {
    let value = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim()
}

fn body(response: &mut Response<Body>) -> Result<Vec<u8>> {
    response.body_mut().with_config().limit(ANSWER_MAX).read_to_vec().map_err(|error| failure(&error))
}
