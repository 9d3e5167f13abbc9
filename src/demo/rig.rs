//! The little world of a tape: a scale unit on the sample store, the road to it, and a register that can be killed and started again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::tape;
use crate::chain::Chain;
use crate::channel::Channel;
use crate::channel::sqlite::SqliteChannel;
use crate::clock::SharedClock;
use crate::desk::{Answer, Background, Reply};
use crate::device::{Device, DeviceFile};
use crate::headquarters::Extent;
use crate::headquarters::kinds::Kind;
use crate::ids::{KeySource, RegisterId};
use crate::profile::Profile;
use crate::register::{BackgroundWork, Options, Register};
use crate::road::{Condition, Road};
use crate::sample_store::SIGN_IN_HINT;
use crate::ui::FromTill;
use crate::ui::run::Event;
use crate::ui::screen_desk::{Answers, ScreenDesk};

/// Who does what a tape says at headquarters, in the audit.
const WHO: &str = "tape";
/// The job that carries products and their prices.
const PRODUCTS_JOB: u32 = 1040;
/// The register's directory within the tape's.
const REGISTER: &str = "register";
/// A gift card that headquarters knows, with 25.00 on it.
const GIFT_CARD: &str = "6035220001234567";

/// The world.
pub(super) struct Rig {
    /// The road between register and scale unit.
    pub road: Road,
    /// The scale unit's database, for what tapes assert.
    pub channel: Arc<SqliteChannel>,
    chain: Chain,
    directory: tempfile::TempDir,
    clock: SharedClock,
    seed: u64,
    starts: u64,
    running: Option<Running>,
}

/// A register at work.
struct Running {
    shown: Receiver<Event>,
    answers: Answers,
    news: Sender<Reply>,
    background: BackgroundWork,
    thread: JoinHandle<()>,
}

impl Rig {
    /// A fresh world, with its register at the sign-in screen.
    pub(super) fn new(clock: SharedClock, seed: u64) -> Result<Self, String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let directory = tempfile::tempdir().map_err(|error| words(&error))?;
        let chain = Chain::on_sample_store(&directory.path().join("sample-store"), &clock).map_err(|error| words(&error))?;
        let road = Road::open(chain.scale_unit_address(), seed).map_err(|error| words(&error))?;
        let card = [("number", GIFT_CARD), ("balance", "25.00")];
        chain.headquarters().add(WHO, kind("gift-card"), &card).map_err(|error| words(&error))?;
        let data = directory.path().join(REGISTER);
        std::fs::create_dir_all(&data).map_err(|error| words(&error))?;
        // Its name is shown, so it is the same each time.
        DeviceFile::of(&data).write(&Device { id: format!("tape-{seed}"), identity: None }).map_err(|error| words(&error))?;
        let mut rig = Self { road, channel: chain.channel(), chain, directory, clock, seed, starts: 0, running: None };
        rig.start()?;
        Ok(rig)
    }

    /// What a tape does at headquarters. A price is in use at the scale unit when this returns; a register fetches it when it looks.
    pub(super) fn at_headquarters(&self, what: &tape::Headquarters) -> Result<(), String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        match what {
            tape::Headquarters::Up => self.chain.road().set(Condition::Up).map_err(|error| words(&error)),
            tape::Headquarters::Down => self.chain.road().set(Condition::Down).map_err(|error| words(&error)),
            tape::Headquarters::Price { code, price } => {
                let found = self.channel.product_by_barcode(code).map_err(|error| words(&error))?;
                let product = found.ok_or_else(|| format!("nothing has the code {code}"))?.product.id;
                let headquarters = self.chain.headquarters();
                let price = [("unit_price", price.to_string())];
                let price: Vec<(&str, &str)> = price.iter().map(|(name, value)| (*name, value.as_str())).collect();
                headquarters.set(WHO, kind("product"), &product.0, &price).map_err(|error| words(&error))?;
                headquarters.run_job(WHO, PRODUCTS_JOB, None, Extent::Changes).map_err(|error| words(&error))?;
                self.chain.wait_for_packages().map_err(|error| words(&error))
            }
        }
    }

    /// Where the register keeps its journal.
    pub(super) fn register_data(&self) -> std::path::PathBuf {
        self.directory.path().join(REGISTER)
    }

    /// The next thing the till shows, if there is one within `wait`.
    pub(super) fn next_shown(&self, wait: Duration) -> Option<FromTill> {
        let shown = &self.running.as_ref()?.shown;
        let event = if wait.is_zero() { shown.try_recv().ok() } else { shown.recv_timeout(wait).ok() };
        event.and_then(|event| match event {
            Event::Till(shown) => Some(shown),
            Event::Input(_) | Event::InputEnded => None,
        })
    }

    /// Hands the till the answer to the question of that serial.
    pub(super) fn answer(&self, (serial, answer): (u64, Answer)) {
        if let Some(running) = &self.running {
            running.answers.give(serial, answer);
        }
    }

    /// Tells the till that time has passed.
    pub(super) fn deadline_reached(&self) {
        if let Some(running) = &self.running {
            // A register that has ended hears nothing more.
            let _ = running.news.send(Reply::Background(Background::DeadlineReached));
        }
    }

    /// Whether nothing is on its way up or down.
    pub(super) fn is_quiet(&self) -> bool {
        self.running.as_ref().is_none_or(|running| running.background.is_quiet())
    }

    /// The register dies without a word, and is started again on the same data. (Its thread is told to stop and writes nothing more;
    /// `tests/kill.rs` kills real processes.)
    pub(super) fn kill(&mut self) -> Result<(), String> {
        self.stop();
        self.start()
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.answers.hang_up();
            // A till that panicked has said so in the log.
            let _ = running.thread.join();
        }
    }

    fn start(&mut self) -> Result<(), String> {
        self.starts += 1;
        let mut profile = Profile::default();
        profile.scale_unit.url = Some(format!("http://{}", self.road.address()));
        let register = RegisterId { store: profile.register.store.clone(), number: profile.register.number };
        std::fs::create_dir_all(self.register_data()).map_err(|error| error.to_string())?;
        let activation_code = self.chain.activation_code(&self.register_data(), &register).map_err(|error| error.to_string())?;
        let (events, shown) = channel();
        let (mut desk, answers, news) = ScreenDesk::new(events);
        let options = Options {
            profile,
            data: self.register_data(),
            scale_unit: format!("http://{}", self.road.address()),
            clock: Arc::clone(&self.clock),
            keys: KeySource::Seeded(self.seed ^ self.starts),
            sample_hint: Some(SIGN_IN_HINT.to_owned()),
            activation_code,
            news: news.clone(),
            wire: None,
        };
        let Register { mut till, background } = Register::open(options).map_err(|error| error.to_string())?;
        let thread =
            std::thread::Builder::new().name("till".to_owned()).spawn(move || till.run(&mut desk)).map_err(|error| error.to_string())?;
        self.running = Some(Running { shown, answers, news, background, thread });
        Ok(())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop();
    }
}

fn kind(name: &str) -> &'static Kind {
    Kind::named(name).expect("headquarters has products and gift cards")
}
