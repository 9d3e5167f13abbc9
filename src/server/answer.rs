//! How a handler asks what may block or panic, and how its failure becomes a problem detail, whoever found it: the channel, axum, or no
//! handler at all.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection, StringRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::channel::{self, ChannelError};
use crate::protocol::{PROBLEM_JSON, Problem, ProblemKind};

/// A handler's answer.
pub(crate) type Answer<T> = Result<T, Refused>;

/// A problem on its way out.
#[derive(Debug)]
pub(crate) struct Refused(Problem);

impl Refused {
    /// A problem under its kind's status.
    pub(crate) fn new(kind: ProblemKind, detail: &str) -> Self {
        Self(Problem::new(kind, detail))
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Why.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// A problem under a status of its own.
    pub(crate) fn with_status(kind: ProblemKind, status: StatusCode, detail: &str) -> Self {
        Self(Problem::with_status(kind, status.as_u16(), detail))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, kind) = (self.status(), self.0.kind);
        let mut response = (status, Json(self.0)).into_response();
        if kind == ProblemKind::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

impl From<ChannelError> for Refused {
    fn from(error: ChannelError) -> Self {
        let problem = Problem::from(error);
        if problem.kind == ProblemKind::Broken {
            tracing::error!(error = problem.detail, "the channel failed");
        }
        Self(problem)
    }
}

/// Asks on the request's own thread what is there in less time than another thread takes to wake.
pub(crate) fn at_once<T>(question: impl FnOnce() -> channel::Result<T>) -> Answer<T> {
    // The thread's own message has said more.
    Ok(catch_unwind(AssertUnwindSafe(question)).map_err(|_| failed())??)
}

thread_local! {
    /// Nobody else is served by this thread, so that it may block.
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// Serves on this thread alone, whatever blocks: without others there is nobody to be kept waiting.
pub(crate) fn on_this_thread<T>(serve: impl FnOnce() -> T) -> T {
    let before = MAY_BLOCK.replace(true);
    let served = serve();
    MAY_BLOCK.set(before);
    served
}

/// Asks on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(question: impl FnOnce() -> channel::Result<T> + Send + 'static) -> Answer<T> {
    if MAY_BLOCK.get() {
        return at_once(question);
    }
    let answer = tokio::task::spawn_blocking(question).await;
    Ok(answer.inspect_err(|error| tracing::error!(%error, "a request panicked")).map_err(|_| failed())??)
}

fn failed() -> Refused {
    Refused::new(ProblemKind::Broken, "the request failed inside the server")
}

/// What axum could not decode. Its own words may quote what was sent, and that may be a secret in the wrong place.
macro_rules! refuse_rejections {
    ($($rejection:ty, $words:literal;)*) => {$(
        impl From<$rejection> for Refused {
            fn from(rejection: $rejection) -> Self {
                Self::with_status(ProblemKind::Invalid, rejection.status(), $words)
            }
        }
    )*};
}

refuse_rejections! {
    PathRejection, "the address is not of the form that was expected";
    QueryRejection, "the query is not of the form that was expected";
}

impl From<StringRejection> for Refused {
    fn from(rejection: StringRejection) -> Self {
        if let StringRejection::InvalidUtf8(_) = rejection {
            return Self::with_status(ProblemKind::Invalid, rejection.status(), "the body is no text");
        }
        not_whole(rejection.status())
    }
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        if let JsonRejection::BytesRejection(rejection) = rejection {
            return not_whole(rejection.status());
        }
        Self::with_status(ProblemKind::Invalid, rejection.status(), "the body is not the JSON that was expected")
    }
}

fn not_whole(status: StatusCode) -> Refused {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        Refused::with_status(ProblemKind::Invalid, status, "the body is too large")
    } else {
        // Whatever is on the way may have broken it off; what was to arrive may be in order.
        Refused::new(ProblemKind::Broken, "the body did not arrive whole")
    }
}

/// No handler knows the path.
pub(crate) async fn no_such_route() -> Refused {
    Refused::with_status(ProblemKind::Unsupported, StatusCode::NOT_FOUND, "there is nothing at this address")
}

/// A handler knows the path, but not this method.
pub(crate) async fn no_such_method() -> Refused {
    Refused::with_status(ProblemKind::Unsupported, StatusCode::METHOD_NOT_ALLOWED, "this address takes another method")
}
