//! One online request: a product by its code.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use axum::serve::ListenerExt;
use evertill::channel::Channel;
use evertill::channel::http::HttpChannel;
use evertill::deadline::Deadline;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::shop::{Shop, register};
use crate::table::{Budget, Result, Table, in_turns, time};

const ROUNDS: usize = 1_000;

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let channel = Arc::new(shop.http(&register())?);
    let found = channel.product_by_barcode(shop.code(0))?.ok_or("a product of the shop is not found")?;
    let server = HelloServer::start(serde_json::to_vec(&found)?)?;
    let agent = ureq::Agent::new_with_defaults();
    let url = format!("http://{}/hello", server.address);
    let mut bare = |_| {
        let (took, read) = time(|| agent.get(&url).call()?.body_mut().read_to_vec());
        read?;
        Ok(took)
    };

    let ours = |round| {
        let (took, found) = time(|| channel.product_by_barcode(shop.code(round)));
        found?.ok_or("a product of the shop is not found")?;
        Ok(took)
    };
    let (ours, theirs) = in_turns(ROUNDS, ours, &mut bare)?;
    table.row("one online request, product by code", &ours, Some(&theirs), Budget::Times(1.5))?;

    let mut deadline = Deadline::new(Arc::clone(&channel) as Arc<dyn Channel>);
    let ours = |round| {
        let code = shop.code(round).to_owned();
        let (took, found) = time(|| deadline.ask(1_000, move |channel| channel.product_by_barcode(&code)));
        found?.ok_or("a product of the shop is not found")?;
        Ok(took)
    };
    let (ours, theirs) = in_turns(ROUNDS, ours, &mut bare)?;
    table.row("  with its deadline, as the till asks", &ours, Some(&theirs), Budget::Open)?;

    let ours = |_| {
        let (took, version) = time(|| HttpChannel::data_version(&channel));
        version?;
        Ok(took)
    };
    let (ours, theirs) = in_turns(ROUNDS, ours, &mut bare)?;
    table.row("  the data's version", &ours, Some(&theirs), Budget::Open)
}

/// The least HTTP server: one route, the same bytes each time.
struct HelloServer {
    address: SocketAddr,
    _runtime: Runtime,
}

impl HelloServer {
    fn start(answer: Vec<u8>) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let hello = move || async move { ([(header::CONTENT_TYPE, "application/json")], answer) };
        let router = Router::new().route("/hello", get(hello));
        let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, _runtime: runtime })
    }
}
