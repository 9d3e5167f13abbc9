//! Who has no token cannot keep a scale unit from those who have one.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use evertill::scale_unit::ScaleUnit;

use super::Shop;

/// Longer than a first head may take, and shorter than a later one.
const PATIENCE: Duration = Duration::from_secs(30);

fn connect(unit: &ScaleUnit) -> TcpStream {
    let stream = TcpStream::connect(unit.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Whether the scale unit hangs up instead of saying something.
fn hangs_up(mut stream: &TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn a_connection_that_says_nothing_is_ended() {
    let shop = Shop::open();
    assert!(hangs_up(&connect(shop.unit.as_ref().unwrap())));
}

#[test]
fn one_address_does_not_take_all_connections() {
    let shop = Shop::open();
    let unit = shop.unit.as_ref().unwrap();
    let mut held: Vec<TcpStream> = (0..256).map(|_| connect(unit)).collect();
    assert!(hangs_up(&connect(unit)));
    // Its end is noticed a little later.
    drop(held.pop());
    let is_answered = |_| {
        let mut stream = connect(unit);
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: here\r\n\r\n").is_ok() && !hangs_up(&stream)
    };
    assert!((0..1_000).any(is_answered), "there is room again");
}

#[test]
fn nobody_keeps_the_database_busy_without_a_token() {
    let shop = Shop::open();
    let wrong = format!("authorization: Bearer wrong\r\nevertill-device: {}\r\n", shop.one.device);
    assert_eq!(shop.ask(&shop.one.headers()).status, 200);
    let asked = |path: &str, headers: &str| (0..201).map(|_| shop.exchange("GET", path, headers, "").status).collect::<Vec<_>>();
    let (ready, refused) = (asked("/ready", ""), asked("/v1/data-version", &wrong));
    assert!(ready[..200].iter().all(|status| *status == 200) && refused[..200].iter().all(|status| *status == 401));
    assert_eq!((ready[200], refused[200]), (429, 429));
    assert_eq!(shop.ask(&shop.two.headers()).status, 429, "nobody knows it from this address");
    assert_eq!(shop.ask(&shop.one.headers()).status, 200, "but who was let in before");
}

#[test]
fn who_tries_codes_too_often_is_refused_before_he_has_said_which() {
    let shop = Shop::open();
    for _ in 0..10 {
        assert_eq!(shop.exchange("POST", "/v1/devices/activate", "", "").status, 415);
    }
    let mut stream = connect(shop.unit.as_ref().unwrap());
    let head = "POST /v1/devices/activate HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 429");
}
