//! Schemathesis reads the served description and asks a real scale unit with headquarters behind it whatever it can think of: no answer
//! may be a failure of the server or one that the description does not know.
//!
//! `.ci/fuzz-api` installs it and names it in `EVERTILL_SCHEMATHESIS`; without, this says so and tests nothing.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use evertill::chain::Chain;
use evertill::channel::{ChannelDatabase, Session};
use evertill::clock::{SharedClock, SystemClock};
use evertill::ids::RegisterId;
use evertill::protocol::{DEVICE_HEADER, SESSION_HEADER, routes};
use evertill::secret::Secret;

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,unsupported_method,allow_header_conformance";
/// Examples of each operation: a minute in all.
const EXAMPLES: &str = "40";

#[test]
fn a_fuzzer_finds_no_failure_and_nothing_undescribed() {
    let Ok(schemathesis) = std::env::var("EVERTILL_SCHEMATHESIS") else {
        eprintln!("EVERTILL_SCHEMATHESIS does not name schemathesis: the API is not fuzzed (.ci/fuzz-api does)");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let clock: SharedClock = Arc::new(SystemClock::default());
    let chain = Chain::on_sample_store(folder.path(), &clock).expect("a chain");
    let headers = identity(&chain, &clock);
    let run = |title: &str, arguments: &[&str], headers: &[String]| {
        let found = fuzz(&schemathesis, chain.scale_unit_address(), arguments, headers);
        assert!(found, "schemathesis has findings {title}");
    };
    run("without a token", &[], &[]);
    // These two end what the others need.
    let last = [routes::DEACTIVATE, routes::SIGN_OFF];
    run("with a token", &["--exclude-path", last[0], "--exclude-path", last[1]], &headers);
    assert_answered(&chain);
    run("with a token, at its end", &["--include-path", last[0], "--include-path", last[1]], &headers);
}

/// A device of register 1, activated as any, and a session at it.
fn identity(chain: &Chain, clock: &SharedClock) -> Vec<String> {
    let register = RegisterId { store: "343".to_owned(), number: 1 };
    let code = chain.headquarters().activation_code("fuzzer", &register).expect("an activation code");
    let body = serde_json::json!({ "code": code.reveal(), "device": "fuzzed" }).to_string();
    let address = format!("http://{}{}", chain.scale_unit_address(), routes::ACTIVATE);
    let answer = ureq::post(address).header("content-type", "application/json").send(body).expect("an activation");
    let text = answer.into_body().read_to_string().expect("its text");
    let activated: evertill::realtime::Activated = serde_json::from_str(&text).expect("an identity");
    let session = Secret::random();
    let kept =
        Session { token_hash: session.hash(), operator: "000160".into(), register, expires_at: clock.now() + chrono::TimeDelta::hours(1) };
    chain.channel().open_session(&kept).expect("a session");
    vec![
        format!("authorization: Bearer {}", activated.token.reveal()),
        format!("{DEVICE_HEADER}: fuzzed"),
        format!("{SESSION_HEADER}: {}", session.reveal()),
    ]
}

/// The tokens it was given opened the doors, or else it has tested nothing behind them.
fn assert_answered(chain: &Chain) {
    let address = format!("http://{}{}", chain.scale_unit_address(), routes::METRICS);
    let metrics = ureq::get(address).call().expect("metrics").into_body().read_to_string().expect("its text");
    for (route, status) in [
        (routes::DATA_VERSION, 200),
        (routes::REGISTER, 200),
        (routes::PACKAGES, 200),
        (routes::PRODUCTS, 200),
        (routes::PRODUCT_BY_CODE, 404),
        (routes::GIFT_CARD, 404),
        (routes::TRANSACTION, 422),
        (routes::SIGN_IN, 403),
        (routes::PACKAGE_REPORT, 204),
    ] {
        assert!(metrics.contains(&format!("route=\"{route}\",status=\"{status}\"")), "{route} {status} in\n{metrics}");
    }
    assert!(!metrics.contains("status=\"5"), "{metrics}");
}

/// Whether it found nothing.
fn fuzz(schemathesis: &str, scale_unit: SocketAddr, arguments: &[&str], headers: &[String]) -> bool {
    let mut command = Command::new(schemathesis);
    command.args(["run", &format!("http://{scale_unit}{}", routes::OPENAPI), "--checks", CHECKS, "--max-examples", EXAMPLES]);
    command.args(["--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--warnings", "off", "--continue-on-failure"]);
    command.args(arguments).args(headers.iter().flat_map(|header| ["-H", header.as_str()]));
    command.status().expect("schemathesis runs").success()
}
