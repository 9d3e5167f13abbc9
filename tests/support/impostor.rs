//! Whoever answers at the scale unit's address: the scale unit itself, or something else altogether, changed at any moment.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Who answers.
#[derive(Clone, Debug)]
pub(crate) enum Answers {
    /// The scale unit.
    Truth(SocketAddr),
    /// These bytes answer whatever is asked; then the connection is closed.
    Always(Vec<u8>),
    /// Nobody, though connections are taken.
    Nobody,
}

/// A listener of its own address. It ends with the test's process.
pub(crate) struct Impostor {
    address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
}

impl Impostor {
    pub(crate) fn open(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its number");
        let answers = Arc::new(Mutex::new(answers));
        std::thread::spawn({
            let answers = Arc::clone(&answers);
            move || {
                for client in listener.incoming().flatten() {
                    let answers = Arc::clone(&answers);
                    std::thread::spawn(move || serve(&client, &answers));
                }
            }
        });
        Self { address, answers }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, also on connections that stand, somebody else answers.
    pub(crate) fn set(&self, answers: Answers) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner) = answers;
    }
}

/// Carries a connection on for as long as its requests go to the scale unit.
fn serve(mut client: &TcpStream, answers: &Mutex<Answers>) {
    let (mut chunk, mut server) = ([0; 8_192], None::<TcpStream>);
    while let Ok(read @ 1..) = client.read(&mut chunk) {
        let answer = answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match answer {
            Answers::Truth(address) => {
                let server = server.get_or_insert_with(|| upstream(address, client));
                if server.write_all(&chunk[..read]).is_err() {
                    break;
                }
            }
            Answers::Always(bytes) => {
                // The client may have left already.
                let _ = client.write_all(&bytes);
                break;
            }
            Answers::Nobody => {}
        }
    }
    for stream in [Some(client), server.as_ref()].into_iter().flatten() {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// A connection to the scale unit, whose answers go to the client.
fn upstream(address: SocketAddr, client: &TcpStream) -> TcpStream {
    let server = TcpStream::connect(address).expect("the scale unit");
    let (mut from, mut to) = (server.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    server
}
