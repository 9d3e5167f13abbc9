//! A server without a socket: the bytes of a request in, the bytes of its answer out, through the same HTTP and the same routes.
//!
//! The simulation asks it. It serves on the thread that asks; only the files of packages are read by another while that one waits.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::{self, Runtime};

use super::{Peer, answer};

/// What is on its way in either direction at most; more waits.
const PIPE_BYTES: usize = 64 << 10;

/// A server's routes, asked directly.
pub(crate) struct InMemory {
    router: Router,
    hands: Hands,
}

/// What keeps time for servers and reads files for them; clones are the same.
#[derive(Clone)]
pub(crate) struct Hands(Arc<Runtime>);

impl Hands {
    pub(crate) fn new() -> io::Result<Self> {
        runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map(|runtime| Self(Arc::new(runtime)))
    }
}

impl InMemory {
    pub(crate) fn new(router: Router, hands: Hands) -> Self {
        Self { router, hands }
    }

    /// The answer to a request, as its bytes on the wire.
    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        let _runtime = self.hands.0.enter();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let routes = TowerToHyperService::new(self.router.clone());
        let routes = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            routes.call(request)
        });
        let (client, server) = duplex(PIPE_BYTES);
        let serve = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(server), routes);
        let ask = async {
            let (mut answers, mut requests) = tokio::io::split(client);
            let send = async {
                // A server that has heard enough hangs up.
                let _ = requests.write_all(request).await;
                let _ = requests.shutdown().await;
            };
            let mut answer = Vec::new();
            let _ = tokio::join!(send, answers.read_to_end(&mut answer));
            answer
        };
        answer::on_this_thread(|| block_on(async { tokio::join!(serve, ask).1 }))
    }
}

/// Runs a future on this thread. Unlike the runtime's own it may be called within itself: a handler may ask another server.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
