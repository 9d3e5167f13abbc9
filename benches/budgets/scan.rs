//! From a scanned code to a line on the sale, offline.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use evertill::channel::Channel;
use evertill::channel::sqlite::SqliteChannel;
use evertill::clock::{Stopwatch, SystemClock};
use evertill::desk::{Answer, Desk, Prompt, Question, Reply};
use evertill::ids::KeySource;
use evertill::package::SigningKey;
use evertill::profile::Profile;
use evertill::register::{Options, Register};
use evertill::retail::staff::Pin;
use evertill::view::{Level, View};

use crate::bare::{Log, LookUp};
use crate::shop::{Shop, keys};
use crate::table::{Budget, Result, Samples, Table, in_turns, time};

/// A small sale and a large one.
const LINES: [usize; 2] = [1, 500];
const ROUNDS: usize = 1_000;
const ENTRIES: usize = 200;
/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let offline = SqliteChannel::open_read_only(&shop.offline_database())?;
    let bare = LookUp::open(&shop.offline_database())?;
    for lines in LINES {
        let sale = shop.sale(keys(2)(), lines);
        let ours = |round: usize| {
            let code = shop.code(lines + round);
            let (took, found) = time(|| {
                let found = offline.product_by_barcode(code)?;
                let product = found.ok_or("a product of the shop is not found")?.product;
                let mut sale = sale.clone();
                shop.ring_up(&mut sale, product);
                Result::Ok(())
            });
            found.map(|()| took)
        };
        let (ours, theirs) = in_turns(ROUNDS, ours, |round| bare.product(shop.code(lines + round)))?;
        table.row(&format!("code to line, offline, on a sale of {lines}"), &ours, Some(&theirs), Budget::Times(3.0))?;
    }
    for (lines, (ours, theirs)) in LINES.into_iter().zip(whole_entries(shop)?) {
        table.row(&format!("  entry through the till and its journal, on {lines}"), &ours, Some(&theirs), Budget::Times(3.0))?;
    }
    Ok(())
}

/// The register itself, offline from the start, and a cashier who never pauses.
fn whole_entries(shop: &Shop) -> Result<[(Samples, Samples); 2]> {
    let data = shop.register_directory("scan", &SigningKey::random())?;
    let (news, _replies) = channel();
    let mut register = Register::open(Options {
        profile: Profile::default(),
        data: data.clone(),
        scale_unit: NOBODY.to_owned(),
        clock: Arc::new(SystemClock::default()),
        keys: KeySource::System,
        sample_hint: None,
        activation_code: None,
        news,
        wire: None,
    })?;
    let mut cashier = Cashier::new(shop, &data)?;
    register.till.run(&mut cashier);
    match cashier.failure {
        Some(failure) => Err(failure.into()),
        None => Ok(cashier.times.map(|(ours, bare)| (ours.into_iter().collect(), bare.into_iter().collect()))),
    }
}

/// Rings up small sales, then a large one, and does the bare thing between.
struct Cashier<'a> {
    shop: &'a Shop,
    look_up: LookUp,
    log: Log,
    /// Products rung up so far.
    rung_up: usize,
    entered: Option<(Stopwatch, usize)>,
    times: [(Vec<Duration>, Vec<Duration>); 2],
    failure: Option<String>,
}

impl<'a> Cashier<'a> {
    fn new(shop: &'a Shop, data: &Path) -> Result<Self> {
        Ok(Self {
            shop,
            look_up: LookUp::open(&shop.offline_database())?,
            log: Log::create(&data.join("bare.db"))?,
            rung_up: 0,
            entered: None,
            times: Default::default(),
            failure: None,
        })
    }

    /// Takes the time of the entry whose line is there.
    fn note(&mut self, view: &View) -> Result<()> {
        let Some((watch, size)) = self.entered.take() else { return Ok(()) };
        let took = watch.elapsed();
        if let Some(notice) = view.notice.as_ref().filter(|notice| notice.level == Level::Error) {
            return Err(notice.text.clone().into());
        }
        let (sale, _) = view.sale.as_ref().ok_or("the line is not there")?;
        if sale.lines().len() <= LINES[size] {
            return Ok(());
        }
        let line = serde_json::to_string(sale.lines().last().ok_or("no line")?)?;
        let code = self.shop.code(self.rung_up + 1_000_003);
        let bare = self.look_up.product(code)? + self.log.append(&line)?;
        self.times[size].0.push(took);
        self.times[size].1.push(bare);
        Ok(())
    }

    /// Small sales of one line and the one that is measured, until there are enough; then the large one grows.
    fn next(&mut self, view: &View) -> Reply {
        let size = usize::from(self.times[0].0.len() >= ENTRIES);
        let lines = view.sale.as_ref().map_or(0, |(sale, _)| sale.lines().len());
        if size == 1 && self.times[1].0.len() >= ENTRIES {
            return Reply::HungUp;
        }
        if size == 0 && lines > LINES[0] {
            return Reply::Answer(Answer::Operation { number: 206, parameter: None });
        }
        self.rung_up += 1;
        let code = self.shop.code(self.rung_up).to_owned();
        self.entered = Some((Stopwatch::default(), size));
        Reply::Answer(Answer::Entry(code))
    }
}

impl Desk for Cashier<'_> {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        match &question.prompt {
            Prompt::Command => {
                if let Err(error) = self.note(view) {
                    self.failure = Some(error.to_string());
                    return Reply::HungUp;
                }
                self.next(view)
            }
            Prompt::Credentials(_) => Reply::Answer(Answer::Credentials { operator: "000160".to_owned(), pin: Pin::new("123") }),
            prompt @ (Prompt::Wait(_)
            | Prompt::Number(_)
            | Prompt::Confirm(_)
            | Prompt::Search(_)
            | Prompt::Page(_)
            | Prompt::ConnectionStatus(_)) => {
                self.failure = Some(format!("the till asks {prompt:?}"));
                Reply::HungUp
            }
        }
    }

    fn show(&mut self, _: &Arc<View>) {}
}
