//! What the cashier waits when the scale unit is gone: the switch to the offline database, beyond the time-out.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use evertill::channel::Channel;
use evertill::channel::http::HttpChannel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::clock::{SharedClock, SystemClock};
use evertill::profile::OfflineProfile;
use evertill::road::{Condition, Road};
use evertill::secret::Secret;
use evertill::till::Sources;

use crate::shop::{Shop, register};
use crate::table::{Budget, Result, Samples, Table, time};

const TIMEOUT_MS: u64 = 200;
const ROUNDS: usize = 20;
const BUDGET: Budget = Budget::Usually(Duration::from_millis(2));

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let register = Register {
        offline: Arc::new(SqliteChannel::open_read_only(&shop.offline_database())?),
        code: shop.code(1).to_owned(),
        clock: Arc::new(SystemClock::default()),
        device: shop.activate(&register())?,
    };
    let refused = refusing_address()?;
    let times: Result<Samples> = (0..10 * ROUNDS).map(|_| register.ask(&mut register.sources(refused)?)).collect();
    table.row("switching, the port refuses", &times?, None, BUDGET)?;

    // What a bare wait overruns its time by.
    let wait = Duration::from_millis(TIMEOUT_MS);
    let (_sender, receiver) = channel::<()>();
    let bare: Samples = (0..ROUNDS).map(|_| time(|| receiver.recv_timeout(wait)).0.saturating_sub(wait)).collect();
    for connected in [false, true] {
        let times: Result<Samples> = (0..ROUNDS)
            .map(|round| {
                let road = Road::open(shop.scale_unit.address(), round as u64)?;
                let mut sources = register.sources(road.address())?;
                if connected {
                    register.ask(&mut sources)?;
                }
                road.set(Condition::Hang)?;
                Ok(register.ask(&mut sources)?.saturating_sub(wait))
            })
            .collect();
        let what = if connected { "switching, the server hangs: beyond the time-out" } else { "  hangs before the first connection" };
        table.row(what, &times?, Some(&bare), BUDGET)?;
    }
    Ok(())
}

struct Register {
    offline: Arc<SqliteChannel>,
    code: String,
    clock: SharedClock,
    device: (String, Secret),
}

impl Register {
    fn sources(&self, scale_unit: SocketAddr) -> Result<Sources> {
        let online = Arc::new(HttpChannel::new(&format!("http://{scale_unit}"))?);
        online.set_device(Some(self.device.clone()));
        online.set_operator(Some(&"000160".into()));
        let profile = OfflineProfile { timeout_ms: TIMEOUT_MS, ..OfflineProfile::default() };
        let offline = Arc::clone(&self.offline) as Arc<dyn Channel>;
        Ok(Sources::new(register(), online, Some(offline), &profile, Arc::clone(&self.clock)))
    }

    /// How long a product takes, whoever answers.
    fn ask(&self, sources: &mut Sources) -> Result<Duration> {
        let code = self.code.clone();
        let (took, found) = time(|| sources.ask(move |channel| channel.product_by_barcode(&code)));
        found?.ok_or("a product of the shop is not found")?;
        Ok(took)
    }
}

/// A port that was free a moment ago.
fn refusing_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
