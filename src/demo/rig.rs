//! The little world of a tape: a scale unit on the sample store, the road to it, and a register that can be killed and started again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::channel::sqlite::SqliteChannel;
use crate::clock::SharedClock;
use crate::desk::{Answer, Background, Reply};
use crate::ids::KeySource;
use crate::profile::Profile;
use crate::register::{BackgroundWork, Options, Register};
use crate::road::Road;
use crate::sample_store::SIGN_IN_HINT;
use crate::scale_unit::ScaleUnit;
use crate::ui::FromTill;
use crate::ui::run::Event;
use crate::ui::screen_desk::{Answers, ScreenDesk};

/// The world.
pub(super) struct Rig {
    /// The road between register and scale unit.
    pub road: Road,
    /// The scale unit's database, for what tapes assert.
    pub channel: Arc<SqliteChannel>,
    _scale_unit: ScaleUnit,
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
        let scale_unit = ScaleUnit::on_sample_store(&directory.path().join("sample-store")).map_err(|error| words(&error))?;
        let road = Road::open(scale_unit.address(), seed).map_err(|error| words(&error))?;
        let channel = scale_unit.channel();
        let mut rig = Self { road, channel, _scale_unit: scale_unit, directory, clock, seed, starts: 0, running: None };
        rig.start()?;
        Ok(rig)
    }

    /// Where the register keeps its journal.
    pub(super) fn register_data(&self) -> std::path::PathBuf {
        self.directory.path().join("register")
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
        let (events, shown) = channel();
        let (mut desk, answers, news) = ScreenDesk::new(events);
        let options = Options {
            profile,
            data: self.register_data(),
            scale_unit: format!("http://{}", self.road.address()),
            clock: Arc::clone(&self.clock),
            keys: KeySource::Seeded(self.seed ^ self.starts),
            sample_hint: Some(SIGN_IN_HINT.to_owned()),
            news: news.clone(),
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
