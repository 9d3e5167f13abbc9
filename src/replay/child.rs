//! One register of a replay: the process that may be killed.

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use super::basket_desk::{BasketDesk, Shop};
use super::outages::Outages;
use super::{Report, baskets_of, compare, open, read_baskets};
use crate::clock::{Clock, SharedClock, SystemClock};
use crate::desk::{Desk, Prompt, Question, Reply};
use crate::ids::KeySource;
use crate::import::{self, OnBadRow};
use crate::profile::Profile;
use crate::register::{Options, Register};
use crate::road::Road;
use crate::secret::Secret;
use crate::view::View;

/// What a register of a replay is told.
pub struct ChildOptions {
    /// Its number.
    pub number: u32,
    /// How many there are.
    pub registers: u32,
    /// The scale unit's address.
    pub scale_unit: SocketAddr,
    /// What makes it a register, the first time.
    pub activation_code: Option<Secret>,
    /// The products.
    pub products: PathBuf,
    /// The baskets.
    pub baskets: PathBuf,
    /// What goes wrong.
    pub outages: Outages,
    /// What chance depends on.
    pub seed: u64,
    /// Its own directory.
    pub data: PathBuf,
    /// How long it rests before a basket.
    pub pace: Duration,
}

/// How long the last uploads may take.
const DRAIN_MS: u64 = 60_000;
/// How long a cashier waits before he tries again what was refused: a database may be changing hands.
const REFUSED_WAIT: Duration = Duration::from_millis(100);

/// Rings up its share of the baskets from where its journal stands, and reports on standard output.
pub fn run_child(options: &ChildOptions) {
    let report = |report: Report| {
        let mut out = std::io::stdout().lock();
        // A parent that has gone cannot be told.
        let _ =
            serde_json::to_writer(&mut out, &report).map_err(std::io::Error::from).and_then(|()| writeln!(out)).and_then(|()| out.flush());
    };
    match ring_up(options, &report) {
        Ok(slowest_line_us) => report(Report::Finished { slowest_line_us }),
        Err(why) => report(Report::Failed { why }),
    }
}

fn ring_up(options: &ChildOptions, report: &dyn Fn(Report)) -> Result<u64, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let all = read_baskets(&options.baskets).map_err(|error| words(&error))?;
    let baskets: Vec<_> = baskets_of(options.number, options.registers, &all).collect();
    let file = open(&options.products).map_err(|error| words(&error))?;
    let rows = import::products("products", file, OnBadRow::Refuse).map_err(|error| words(&error))?.rows;
    let codes: HashMap<String, String> = rows.into_iter().map(|row| (row.product_id, row.barcode.unwrap_or_default())).collect();
    let barcode = |product: &str| codes.get(product).filter(|code| !code.is_empty()).cloned().unwrap_or_else(|| product.to_owned());

    let road = Road::open(options.scale_unit, options.seed ^ u64::from(options.number)).map_err(|error| words(&error))?;
    let mut profile = Profile::default();
    profile.register.number = options.number;
    // Outages are counted in baskets here, so the way back is tried with every one, and a hung server costs little.
    profile.offline.timeout_ms = 250;
    profile.offline.reconnect_timeout_ms = 100;
    profile.offline.reconnect_interval_s = 0;
    let clock: SharedClock = Arc::new(SystemClock::default());
    let done = compare::receipts(&options.data)?;
    let (news, replies) = channel();
    let register = Register::open(Options {
        profile,
        data: options.data.clone(),
        scale_unit: format!("http://{}", road.address()),
        clock: Arc::clone(&clock),
        keys: KeySource::System,
        sample_hint: None,
        activation_code: options.activation_code.clone(),
        news,
        wire: None,
    })
    .map_err(|error| words(&error))?;
    let Register { mut till, background } = register;
    let drain = || wait_until(clock.as_ref(), || background.is_quiet()) && compare::unsent(&options.data) == Ok(0);
    let told = |told: Report| {
        let begins = matches!(told, Report::Begins { .. });
        report(told);
        if begins {
            clock.sleep(options.pace);
        }
    };
    let wait = || clock.sleep(REFUSED_WAIT);
    let shop = Shop { outages: options.outages, road: &road, report: &told, drain: &drain, wait: &wait };
    let cashier = BasketDesk::new(&baskets, &barcode, done, shop);
    let fetched = || wait_until(clock.as_ref(), || background.is_quiet());
    let mut desk = WithNews { cashier, news: replies, fetched: &fetched, is_open: false };
    till.run(&mut desk);
    match desk.cashier.failure {
        Some(failure) => Err(failure),
        None => Ok(desk.cashier.slowest_line_us),
    }
}

fn wait_until(clock: &dyn Clock, condition: impl Fn() -> bool) -> bool {
    let start = clock.tick();
    while clock.tick().since(start) < DRAIN_MS {
        if condition() {
            return true;
        }
        clock.sleep(Duration::from_millis(2));
    }
    false
}

/// The cashier with the background's news: the till hears of them before it gets its answer. The shop opens once the offline database is
/// there: without it no register sells through an outage, and the replay's outages begin with the first baskets.
struct WithNews<'a> {
    cashier: BasketDesk<'a>,
    news: Receiver<Reply>,
    /// Waits for the offline database.
    fetched: &'a dyn Fn() -> bool,
    is_open: bool,
}

impl Desk for WithNews<'_> {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        if !self.is_open && question.prompt == Prompt::Command {
            // Too long a wait ends too; the first outage then tells what is missing.
            (self.fetched)();
            self.is_open = true;
        }
        match self.news.try_recv() {
            Ok(news) => news,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => self.cashier.ask(view, question),
        }
    }

    fn show(&mut self, view: &Arc<View>) {
        self.cashier.show(view);
    }
}
