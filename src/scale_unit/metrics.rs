//! Counters in the text form Prometheus reads (exposition format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;

use crate::channel::{ChannelError, Recorded};

/// What is counted since the start.
#[derive(Default)]
pub(super) struct Metrics {
    /// By route and status; both come from short lists, so this stays small.
    requests: Mutex<BTreeMap<(String, u16), Timed>>,
    recorded: AtomicU64,
    already: AtomicU64,
    refused: AtomicU64,
}

#[derive(Clone, Copy, Default)]
struct Timed {
    count: u64,
    time: Duration,
}

impl Metrics {
    /// Counts a request.
    pub(super) fn count(&self, route: &str, status: StatusCode, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let timed = requests.entry((route.to_owned(), status.as_u16())).or_default();
        timed.count += 1;
        timed.time += took;
    }

    /// Counts what became of a transaction.
    pub(super) fn count_transaction(&self, answer: &Result<Recorded, ChannelError>) {
        let counter = match answer {
            Ok(Recorded::New) => &self.recorded,
            Ok(Recorded::Already) => &self.already,
            Err(_) => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// All of it as text.
    pub(super) fn text(&self) -> String {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::from(
            "# HELP evertill_request_duration_seconds Requests and the time they took.\n\
             # TYPE evertill_request_duration_seconds summary\n",
        );
        for ((route, status), timed) in requests {
            let labels = format!("{{route=\"{route}\",status=\"{status}\"}}");
            let (count, seconds, micros) = (timed.count, timed.time.as_secs(), timed.time.subsec_micros());
            line(&mut text, format_args!("evertill_request_duration_seconds_sum{labels} {seconds}.{micros:06}"));
            line(&mut text, format_args!("evertill_request_duration_seconds_count{labels} {count}"));
        }
        text.push_str("# HELP evertill_transactions_total Uploaded transactions.\n# TYPE evertill_transactions_total counter\n");
        for (result, counter) in [("recorded", &self.recorded), ("already", &self.already), ("refused", &self.refused)] {
            let count = counter.load(Ordering::Relaxed);
            line(&mut text, format_args!("evertill_transactions_total{{result=\"{result}\"}} {count}"));
        }
        text
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_transactions_are_counted() {
        let metrics = Metrics::default();
        metrics.count("/v1/products/{id}", StatusCode::OK, Duration::from_micros(1_500));
        metrics.count("/v1/products/{id}", StatusCode::OK, Duration::from_secs(2));
        metrics.count("other", StatusCode::NOT_FOUND, Duration::ZERO);
        metrics.count_transaction(&Ok(Recorded::New));
        metrics.count_transaction(&Err(ChannelError::broken("no")));
        let text = metrics.text();
        for line in [
            "evertill_request_duration_seconds_sum{route=\"/v1/products/{id}\",status=\"200\"} 2.001500",
            "evertill_request_duration_seconds_count{route=\"/v1/products/{id}\",status=\"200\"} 2",
            "evertill_request_duration_seconds_count{route=\"other\",status=\"404\"} 1",
            "evertill_transactions_total{result=\"recorded\"} 1",
            "evertill_transactions_total{result=\"already\"} 0",
            "evertill_transactions_total{result=\"refused\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
