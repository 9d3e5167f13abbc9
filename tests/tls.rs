//! TLS between a client and a server of this program: what is refused, and why it says so.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/certificates.rs"]
mod certificates;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certificates::{Authority, Identity};
use evertill::channel::http::HttpChannel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ErrorKind};
use evertill::clock::SystemClock;
use evertill::connection::Failure;
use evertill::scale_unit::{Options, ScaleUnit, Shelf};
use evertill::tls::{self, TlsError};

#[test]
fn an_encrypted_answer_is_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "authority");
    let unit = unit(folder.path(), Some(&authority.identity("localhost")));
    let answer = ask("https", "localhost", unit.address(), Some(&authority.file));
    // Whoever is asked says who may ask: it was heard, and it answered.
    assert!(!matches!(answer, Err(ErrorKind::Unreachable(_))), "{answer:?}");
}

#[test]
fn nobody_is_asked_who_cannot_prove_to_be_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, stranger) = (Authority::new(folder.path(), "authority"), Authority::new(folder.path(), "stranger"));
    let good = authority.identity("localhost");
    let other_name = authority.identity("headquarters");
    let expired = authority.identity_until("localhost", 2020);
    for (what, identity, trusted, host, failure) in [
        ("another authority", Some(&good), Some(&stranger.file), "localhost", Failure::NotTrusted),
        ("the public authorities alone", Some(&good), None, "localhost", Failure::NotTrusted),
        ("another name", Some(&other_name), Some(&authority.file), "localhost", Failure::NotTrusted),
        ("a number for a name", Some(&good), Some(&authority.file), "127.0.0.1", Failure::NotTrusted),
        ("expired", Some(&expired), Some(&authority.file), "localhost", Failure::NotTrusted),
        ("no encryption", None, Some(&authority.file), "localhost", Failure::Garbled),
    ] {
        let unit = unit(folder.path(), identity);
        let answer = ask("https", host, unit.address(), trusted.map(AsRef::as_ref));
        assert_eq!(answer, Err(ErrorKind::Unreachable(failure)), "{what}");
    }
}

#[test]
fn an_encrypted_port_answers_nothing_in_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "authority");
    let unit = unit(folder.path(), Some(&authority.identity("localhost")));
    assert_eq!(ask("http", "localhost", unit.address(), None), Err(ErrorKind::Unreachable(Failure::Garbled)));
    let answer = send(unit.address(), b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(!answer.windows(4).any(|bytes| bytes == b"HTTP"), "{answer:?}");
}

#[test]
fn nothing_older_than_tls_1_2_is_spoken() {
    /// Of an alert: the protocol's version is not spoken.
    const PROTOCOL_VERSION: u8 = 70;
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "authority");
    let unit = unit(folder.path(), Some(&authority.identity("localhost")));
    for (name, minor) in [("SSL 3.0", 0), ("TLS 1.0", 1), ("TLS 1.1", 2)] {
        let answer = send(unit.address(), &client_hello(minor));
        assert_eq!((answer.first(), answer.last()), (Some(&21), Some(&PROTOCOL_VERSION)), "{name} is answered with an alert: {answer:?}");
    }
}

#[test]
fn a_file_that_holds_no_certificate_or_key_is_named_and_never_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "authority");
    let (good, other) = (authority.identity("localhost"), authority.identity("headquarters"));
    let canary = folder.path().join("canary.pem");
    std::fs::write(&canary, "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n").unwrap();
    let open = tls::server(&good.certificate, &canary).unwrap_err();
    assert!(matches!(open, TlsError::Open { .. }) && open.hint().contains("chmod 600"), "{open}");
    for file in [&canary, &good.certificate] {
        evertill::private::keep_others_out(file).unwrap();
    }
    let nowhere = folder.path().join("nowhere.pem");
    for (certificate, key, words) in [
        (&good.certificate, &canary, "do not go together"),
        (&good.certificate, &good.certificate, "it holds no private key in PEM form"),
        (&canary, &good.key, "canary.pem: it holds no certificate in PEM form"),
        (&nowhere, &good.key, "nowhere.pem: "),
        (&good.certificate, &nowhere, "nowhere.pem: "),
        (&good.certificate, &other.key, "do not go together"),
    ] {
        let error = tls::server(certificate, key).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("secret"), "{words}: {error}");
    }
    let error = HttpChannel::with_authority("https://localhost", Some(&nowhere)).err().unwrap().to_string();
    assert!(error.contains("nowhere.pem"), "{error}");
    assert!(matches!(tls::certificates(&canary), Err(TlsError::File { .. })));
}

/// What a register makes of whoever answers at an address.
fn ask(scheme: &str, host: &str, address: SocketAddr, authority: Option<&Path>) -> Result<(), ErrorKind> {
    let url = format!("{scheme}://{host}:{}", address.port());
    HttpChannel::with_authority(&url, authority).unwrap().data_version().map(|_| ()).map_err(|error| error.kind)
}

/// The first flight of a client that speaks this version at most, by its minor number.
fn client_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]); // random
    hello.extend([0]); // no session
    hello.extend([0, 4, 0xC0, 0x13, 0xC0, 0x14]); // ECDHE-RSA with AES-128 and AES-256
    hello.extend([1, 0]); // no compression
    hello.extend([0, 18]); // extensions
    hello.extend([0, 10, 0, 4, 0, 2, 0, 29]); // the group x25519
    hello.extend([0, 13, 0, 6, 0, 4, 4, 3, 8, 4]); // signatures
    let length = |bytes: usize| u8::try_from(bytes).unwrap();
    let handshake = [vec![1, 0, 0, length(hello.len())], hello].concat();
    [vec![22, 3, minor, 0, length(handshake.len())], handshake].concat()
}

fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(bytes).unwrap();
    let (mut answer, mut chunk) = (Vec::new(), [0; 4_096]);
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..read]);
    }
    answer
}

fn unit(folder: &Path, identity: Option<&Identity>) -> ScaleUnit {
    let channel = SqliteChannel::open(&folder.join("channel.db")).unwrap();
    let options = Options {
        channel: Arc::new(channel),
        headquarters: None,
        progress: None,
        shelf: Arc::new(Shelf::open(&folder.join("packages")).unwrap()),
        clock: Arc::new(SystemClock::default()),
        tls: identity.map(|identity| tls::server(&identity.certificate, &identity.key).unwrap()),
    };
    ScaleUnit::start("127.0.0.1:0".parse().unwrap(), options).unwrap()
}
