//! A file, or the part of it that a download cut short still needs: single ranges of bytes (RFC 9110, 14).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::Refused;
use crate::protocol::ProblemKind;

/// The bytes of a file from an offset on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// Where it begins.
    pub(crate) first: u64,
    /// Bytes in it.
    pub(crate) length: u64,
}

/// Answers with the part that was asked for, or with all of a file that has so many bytes.
pub(crate) fn answer(headers: &HeaderMap, size: u64, content_type: &'static str, body: impl FnOnce(Part) -> Body) -> Response {
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(parse);
    let (status, part) = match asked.map(|asked| cut(asked, size)) {
        None => (StatusCode::OK, Part { first: 0, length: size }),
        Some(Some(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(None) => return beyond(size),
    };
    let mut response = (status, body(part)).into_response();
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    head.insert(header::CONTENT_LENGTH, HeaderValue::from(part.length));
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{size}", part.first, part.first + part.length - 1);
        head.insert(header::CONTENT_RANGE, HeaderValue::from_str(&range).expect("numbers are a header's value"));
    }
    response
}

/// First and last byte; what is no single range is answered with the whole file, as the standard allows.
fn parse(value: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let first = number(first)?;
    if last.is_empty() {
        return Some((first, None));
    }
    number(last).filter(|last| *last >= first).map(|last| (first, Some(last)))
}

fn cut((first, last): (u64, Option<u64>), size: u64) -> Option<Part> {
    let end = last.map_or(size, |last| last.saturating_add(1).min(size));
    (first < size).then(|| Part { first, length: end - first })
}

fn beyond(size: u64) -> Response {
    let detail = format!("the file has {size} bytes");
    let mut response = Refused::with_status(ProblemKind::Invalid, StatusCode::RANGE_NOT_SATISFIABLE, &detail).into_response();
    let range = HeaderValue::from_str(&format!("bytes */{size}")).expect("numbers are a header's value");
    response.headers_mut().insert(header::CONTENT_RANGE, range);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_given_and_what_is_no_range_gets_all() {
        for (asked, status, range, length) in [
            (None, 200, None, Some("10")),
            (Some("bytes=0-"), 206, Some("bytes 0-9/10"), Some("10")),
            (Some("bytes=4-"), 206, Some("bytes 4-9/10"), Some("6")),
            (Some("bytes=4-4"), 206, Some("bytes 4-4/10"), Some("1")),
            (Some("bytes=4-18446744073709551615"), 206, Some("bytes 4-9/10"), Some("6")),
            (Some("bytes=10-"), 416, Some("bytes */10"), None),
            (Some("bytes=18446744073709551615-"), 416, Some("bytes */10"), None),
            (Some("bytes=5-4"), 200, None, Some("10")),
            (Some("bytes=-4"), 200, None, Some("10")),
            (Some("bytes=1-2,4-5"), 200, None, Some("10")),
            (Some("bytes=+1-"), 200, None, Some("10")),
            (Some("lines=1-"), 200, None, Some("10")),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(asked.map(|asked| (header::RANGE, HeaderValue::from_static(asked))));
            let response = answer(&headers, 10, "application/zstd", |_| Body::empty());
            let head = |name| response.headers().get(&name).and_then(|value| value.to_str().ok());
            assert_eq!((response.status().as_u16(), head(header::CONTENT_RANGE)), (status, range), "{asked:?}");
            if length.is_some() {
                assert_eq!(head(header::CONTENT_LENGTH), length, "{asked:?}");
            }
        }
    }
}
