//! Counters in the text form Prometheus reads (exposition format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;

/// A number that a server shows, under its name.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Family {
    /// As in `evertill_transactions_total`, which only grows, or `evertill_waiting`, which comes and goes.
    pub(crate) name: &'static str,
    /// What it tells, in words.
    pub(crate) help: &'static str,
}

/// What is counted since the start.
#[derive(Default)]
pub(crate) struct Metrics {
    /// By route and status; both come from short lists, so this stays small.
    requests: Mutex<BTreeMap<(String, u16), Timed>>,
    /// By family and label, such as `result="new"`; both are written in the code.
    numbers: Mutex<BTreeMap<(&'static Family, &'static str), u64>>,
}

#[derive(Clone, Copy, Default)]
struct Timed {
    count: u64,
    time: Duration,
}

impl Metrics {
    /// Counts a request.
    pub(crate) fn count(&self, route: &str, status: StatusCode, took: Duration) {
        let mut requests = lock(&self.requests);
        let timed = requests.entry((route.to_owned(), status.as_u16())).or_default();
        timed.count += 1;
        timed.time += took;
    }

    /// Adds to a number; adding nothing makes it known as zero.
    pub(crate) fn add(&self, family: &'static Family, label: &'static str, count: u64) {
        *lock(&self.numbers).entry((family, label)).or_default() += count;
    }

    /// Says how much there is of something that comes and goes.
    pub(crate) fn set(&self, family: &'static Family, label: &'static str, number: u64) {
        lock(&self.numbers).insert((family, label), number);
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> String {
        let requests = lock(&self.requests).clone();
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
        let mut above = None;
        for ((family, label), number) in lock(&self.numbers).iter() {
            let Family { name, help } = family;
            if above.replace(*family) != Some(*family) {
                let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
                line(&mut text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
            }
            let labels = if label.is_empty() { String::new() } else { format!("{{{label}}}") };
            line(&mut text, format_args!("{name}{labels} {number}"));
        }
        text
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    static TAKEN: Family = Family { name: "evertill_taken_total", help: "Taken." };
    static WAITING: Family = Family { name: "evertill_waiting", help: "Waiting." };

    #[test]
    fn requests_and_numbers_are_shown() {
        let metrics = Metrics::default();
        metrics.count("/v1/products/{id}", StatusCode::OK, Duration::from_micros(1_500));
        metrics.count("/v1/products/{id}", StatusCode::OK, Duration::from_secs(2));
        metrics.count("other", StatusCode::NOT_FOUND, Duration::ZERO);
        metrics.add(&TAKEN, "result=\"new\"", 1);
        metrics.add(&TAKEN, "result=\"new\"", 1);
        metrics.add(&TAKEN, "result=\"already\"", 0);
        metrics.set(&WAITING, "", 9);
        metrics.set(&WAITING, "", 7);
        let text = metrics.text();
        for line in [
            "evertill_request_duration_seconds_sum{route=\"/v1/products/{id}\",status=\"200\"} 2.001500",
            "evertill_request_duration_seconds_count{route=\"/v1/products/{id}\",status=\"200\"} 2",
            "evertill_request_duration_seconds_count{route=\"other\",status=\"404\"} 1",
            "# TYPE evertill_taken_total counter",
            "evertill_taken_total{result=\"new\"} 2",
            "evertill_taken_total{result=\"already\"} 0",
            "# TYPE evertill_waiting gauge",
            "evertill_waiting 7",
        ] {
            assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line} in\n{text}");
        }
    }
}
