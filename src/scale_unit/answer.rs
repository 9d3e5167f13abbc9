//! How a handler's failure becomes a problem detail, whoever found it: the channel, axum, or no handler at all.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection, StringRejection};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::channel::ChannelError;
use crate::protocol::{PROBLEM_JSON, Problem, ProblemKind};

/// A handler's answer.
pub(super) type Answer<T> = Result<T, Refused>;

/// A problem on its way out.
#[derive(Debug)]
pub(super) struct Refused(Problem);

impl Refused {
    /// A problem under its kind's status.
    pub(super) fn new(kind: ProblemKind, detail: &str) -> Self {
        Self(Problem::new(kind, detail))
    }

    /// A problem under a status of its own.
    pub(super) fn with_status(kind: ProblemKind, status: StatusCode, detail: &str) -> Self {
        Self(Problem::with_status(kind, status.as_u16(), detail))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0)).into_response();
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

/// What axum could not decode. Its words never quote a body, so no PIN is in them.
macro_rules! refuse_rejections {
    ($($rejection:ty)*) => {$(
        impl From<$rejection> for Refused {
            fn from(rejection: $rejection) -> Self {
                Self::with_status(ProblemKind::Invalid, rejection.status(), &rejection.body_text())
            }
        }
    )*};
}

refuse_rejections! { PathRejection QueryRejection StringRejection }

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        // The parser's words may quote what was sent.
        Self::with_status(ProblemKind::Invalid, rejection.status(), "the body is not the JSON that was expected")
    }
}

/// No handler knows the path.
pub(super) async fn no_such_route(uri: Uri) -> Refused {
    Refused::with_status(ProblemKind::Unsupported, StatusCode::NOT_FOUND, &format!("there is nothing at {}", uri.path()))
}

/// A handler knows the path, but not this method.
pub(super) async fn no_such_method() -> Refused {
    Refused::with_status(ProblemKind::Unsupported, StatusCode::METHOD_NOT_ALLOWED, "this address takes another method")
}
