//! What the scale unit writes about itself: no secret, every event that concerns security, and no line that a name made up.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use evertill::protocol::SignedIn;
use evertill::secret::Secret;

use super::fixture::{PIN, sale};
use super::{JSON, Shop, device};

/// All that this process logged.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_env_filter("warn,evertill=trace").with_writer(move || writer.clone()).init();
    log
});

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_secret_is_in_the_log_or_in_an_answer() {
    LazyLock::force(&LOG);
    let shop = Shop::open();
    let canary = "canary-7f3a";
    let headers = shop.one.headers();
    let SignedIn { session, .. } = serde_json::from_str(&shop.sign_in(&shop.one, "000160", PIN).body).unwrap();
    let in_session = shop.one.headers_in(&session);
    let mut answers = vec![
        shop.sign_in(&shop.one, "000160", canary),
        shop.unlock("000160", "000110", canary),
        shop.look_up(&in_session),
        shop.ask(&format!("authorization: Bearer {canary}\r\nevertill-device: {canary}\r\nevertill-session: {canary}\r\n")),
        shop.exchange("GET", "/v1/products?text=canary-7f3a&offset=0&limit=1", &in_session, ""),
        shop.exchange("GET", "/v1/products/by-code?code=canary-7f3a", &in_session, ""),
        shop.exchange("GET", "/v1/gift-cards/canary-7f3a", &in_session, ""),
        shop.exchange("PUT", "/v1/transactions/canary-7f3a", &headers, canary),
        shop.exchange("POST", "/v1/devices/activate", JSON, "{\"code\":\"canary-7f3a\",\"device\":\"till\"}"),
    ];
    for path in ["/v1/sign-in", "/v1/unlock", "/v1/sessions/resume", "/v1/devices/activate", "/v1/packages/report"] {
        for body in ["\"canary-7f3a", "canary-7f3a", "{\"pin\":1,\"code\":2,\"canary-7f3a\":3}", "{\"operator\":1,\"pin\":\"canary-7f3a\"}"]
        {
            answers.push(shop.exchange("POST", path, &format!("{headers}{JSON}"), body));
        }
    }
    for answer in &answers {
        assert!(!answer.body.contains(canary) && !answer.head.contains(canary), "{}", answer.body);
    }
    let log = LOG.text();
    assert!(log.contains("route=\"/v1/sign-in\"") && log.contains("route=\"/v1/products\""), "{log}");
    let secrets = [canary, shop.one.token.reveal(), &shop.one.token.hash(), session.reveal(), &session.hash()];
    for secret in secrets {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn what_concerns_security_is_logged_in_lines_of_its_own() {
    LazyLock::force(&LOG);
    let shop = Shop::open();
    let name = "evil\nINFO evertill::security: signed in \u{1b}[2J\u{7}";
    for _ in 0..6 {
        shop.sign_in(&shop.one, name, "1");
    }
    shop.sign_in(&shop.two, "000160", PIN);
    shop.exchange("POST", "/v1/sessions/end", &shop.two.headers_in(&shop.session(&shop.two, "000160")), "");
    shop.unlock(name, "000110", PIN);
    shop.unlock(name, "000160", PIN);
    shop.ask(&device::Activated { token: Secret::random(), ..shop.one.clone() }.headers());
    let foreign = sale(2, 5);
    shop.exchange("PUT", &format!("/v1/transactions/{}", foreign.id), &shop.one.headers(), &foreign.canonical());
    let log = LOG.text();
    for event in [
        "a PIN is refused register=343-1 operator=\"evil\\nINFO",
        "too many wrong PINs: locked until",
        "signed in register=343-2 operator=\"000160\"",
        "signed off register=343-2",
        "a lock is ended register=343-1 operator=\"evil\\n",
        "only a manager ends a lock",
        "a token is refused peer=Some(127.0.0.1)",
        "another register's transaction is refused register=343-1",
    ] {
        assert!(log.lines().any(|line| line.contains("evertill::security") && line.contains(event)), "{event} in\n{log}");
    }
    assert!(!log.contains('\u{1b}') && !log.contains('\u{7}'), "no control characters");
    for line in log.lines() {
        let is_stamped = line.split(' ').next().is_some_and(|time| chrono::DateTime::parse_from_rfc3339(time).is_ok());
        assert!(is_stamped && line.split(' ').next().unwrap().ends_with('Z'), "UTC first: {line}");
    }
}
