//! Plays a tape: keys in, screens out, expectations checked. Without a screen time is virtual, and the next key waits until the till asks.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::backend::{CrosstermBackend, TestBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::cast::{Cast, Header};
use super::rig::Rig;
use super::tape::{Command, Key, Network, Picture, Scope, Setting, Step};
use super::{facts, screenshot};
use crate::clock::{SharedClock, SystemClock, VirtualClock};
use crate::private;
use crate::road::Condition;
use crate::ui::layout::Layout;
use crate::ui::run::{Event, close_on_signals, read_terminal};
use crate::ui::terminal::Terminal;
use crate::ui::theme::Theme;
use crate::ui::{FromTill, Screen};
use crate::view::{ConnectionView, View};

/// How long `Wait` waits when it does not say.
const WAIT_MS: u64 = 15_000;

/// How often the header is looked at again, until it has heard of an upload that is over.
const STALE_POLLS_MAX: u32 = 400;
/// News that may be on its way to the till when nothing is under way any more: of the uploads, and of the downloads.
const NEWS_AT_REST_MAX: usize = 2;
/// How long the till may take to hear of one.
const NEWS_WAIT: Duration = Duration::from_secs(1);

/// How a tape is played.
pub struct Settings {
    /// Virtual time and no terminal.
    pub headless: bool,
    /// So many times as fast, live.
    pub speed: u32,
    /// Wins over the tape's width and height.
    pub size: Option<(u16, u16)>,
    /// Where an asciicast goes.
    pub record: Option<PathBuf>,
    /// Where screenshots go.
    pub screenshots: PathBuf,
}

/// Why a tape did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// An expectation failed: where, what, and the screen as it stood.
    #[error("{tape}:{line}: {what}\n{screen}")]
    Failed {
        /// The tape.
        tape: String,
        /// Its line.
        line: usize,
        /// What failed.
        what: String,
        /// The screen.
        screen: String,
    },
    /// There is no terminal to play on.
    #[error("this is no terminal: {0}")]
    NoTerminal(io::Error),
    /// Whoever watches has ended it.
    #[error("the demo was ended")]
    Stopped,
    /// The demo's own world.
    #[error("the demo cannot go on: {0}")]
    World(String),
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Plays one tape.
pub struct Player {
    rig: Rig,
    screen: Screen,
    theme: Theme,
    view: Option<Arc<View>>,
    clock: SharedClock,
    headless: bool,
    speed: u32,
    size: (u16, u16),
    typing: Duration,
    caption: Option<String>,
    has_captions: bool,
    hidden: bool,
    /// What was drawn last.
    shown: Option<Buffer>,
    recording: Option<Recording>,
    live: Option<Live>,
    screenshots: PathBuf,
}

/// Somebody watches.
struct Live {
    terminal: Terminal,
    input: Receiver<Event>,
}

impl Live {
    fn open() -> Result<Self, PlayError> {
        let terminal = Terminal::open().map_err(PlayError::NoTerminal)?;
        let (events, input) = channel();
        close_on_signals(events.clone()).and_then(|()| read_terminal(events)).map_err(|error| PlayError::World(error.to_string()))?;
        Ok(Self { terminal, input })
    }

    /// Whether he has had enough, or is gone.
    fn is_stopped(&self) -> bool {
        self.input.try_iter().any(|event| match event {
            Event::Input(crossterm::event::Event::Key(key)) => {
                key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
            }
            Event::InputEnded => true,
            Event::Input(_) | Event::Till(_) => false,
        })
    }
}

struct Recording {
    terminal: ratatui::Terminal<CrosstermBackend<SharedBytes>>,
    bytes: SharedBytes,
    cast: Cast<io::BufWriter<fs::File>>,
    path: PathBuf,
}

/// Where a recording's terminal writes, to be taken out frame by frame.
#[derive(Clone, Default)]
struct SharedBytes(Arc<std::sync::Mutex<Vec<u8>>>);

impl SharedBytes {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl io::Write for SharedBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Player {
    /// Sets the stage for a tape: its settings all stand before its first key.
    pub fn new(steps: &[Step], settings: Settings) -> Result<Self, PlayError> {
        let (mut width, mut height, mut typing, mut theme, mut seed) = (100, 30, Duration::from_millis(50), None, 1);
        for step in steps {
            let Command::Set(setting) = &step.command else { continue };
            match setting {
                Setting::Width(columns) => width = *columns,
                Setting::Height(rows) => height = *rows,
                Setting::TypingSpeed(speed) => typing = *speed,
                Setting::Theme(name) => theme = Some(name.clone()),
                Setting::Seed(value) => seed = *value,
            }
        }
        let size = settings.size.unwrap_or((width, height));
        // A Sunday morning in November, the same for every tape without a screen.
        let start = chrono::DateTime::from_timestamp(1_795_362_000, 0).unwrap_or_default();
        let clock: SharedClock = if settings.headless { Arc::new(VirtualClock::at(start)) } else { Arc::new(SystemClock::default()) };
        let has_captions = steps.iter().any(|step| matches!(step.command, Command::Caption(_)));
        let recording = match settings.record {
            None => None,
            Some(path) => Some(Recording::begin(path, size, has_captions, clock.now().timestamp())?),
        };
        let rig = Rig::new(Arc::clone(&clock), seed).map_err(PlayError::World)?;
        let name = theme.unwrap_or_else(|| "dark".to_owned());
        // Without a screen nobody's environment decides what a picture looks like.
        let no_color = !settings.headless && std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let theme =
            Theme::named(&name, no_color).ok_or_else(|| PlayError::World(format!("there is no theme {name}; there are dark and light")))?;
        let screen = Screen::new(theme, Layout::built_in());
        let live = if settings.headless { None } else { Some(Live::open()?) };
        let (headless, speed, screenshots) = (settings.headless, settings.speed.max(1), settings.screenshots);
        Ok(Self {
            rig,
            screen,
            theme,
            view: None,
            clock,
            headless,
            speed,
            size,
            typing,
            caption: None,
            has_captions,
            hidden: false,
            shown: None,
            recording,
            live,
            screenshots,
        })
    }

    /// Plays all of it, and finishes the recording.
    pub fn play(mut self, steps: &[Step]) -> Result<(), PlayError> {
        self.perform(steps)?;
        match self.recording.take() {
            Some(recording) => recording.finish(),
            None => Ok(()),
        }
    }

    /// Plays steps, and stays on the stage for more.
    pub fn perform(&mut self, steps: &[Step]) -> Result<(), PlayError> {
        self.settle();
        self.show()?;
        for step in steps {
            self.step(step)?;
            self.show()?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), PlayError> {
        match &step.command {
            Command::Set(_) => {}
            Command::Type { text, speed } => self.type_text(text, speed.unwrap_or(self.typing))?,
            Command::Key { key, count, speed } => {
                for _ in 0..*count {
                    self.press(*key, speed.unwrap_or(self.typing))?;
                }
            }
            Command::SignIn { operator, pin } => {
                self.type_text(operator, self.typing)?;
                self.press(Key::Enter, self.typing)?;
                self.type_text(pin, self.typing)?;
                self.press(Key::Enter, self.typing)?;
            }
            // A scanner types a millisecond a character.
            Command::Scan(code) => {
                self.type_text(code, Duration::from_millis(1))?;
                self.press(Key::Enter, Duration::from_millis(1))?;
            }
            Command::Press(number) => {
                if let Some(answer) = self.screen.press(*number) {
                    self.rig.answer(answer);
                }
                self.pass(self.typing)?;
                self.settle();
            }
            Command::Sleep(duration) => {
                self.pass(*duration)?;
                self.rig.deadline_reached();
                self.settle();
            }
            Command::Wait { scope, pattern, timeout } => {
                let limit_ms = timeout.map_or(WAIT_MS, |timeout| u64::try_from(timeout.as_millis()).unwrap_or(WAIT_MS));
                let start = self.clock.tick();
                while !self.matches(*scope, pattern) {
                    if self.clock.tick().since(start) >= limit_ms {
                        return Err(self.failure(step, format!("{} did not come within {limit_ms} ms", step.command)));
                    }
                    self.take_shown(Duration::from_millis(10));
                    if self.headless {
                        self.clock.sleep(Duration::from_millis(10));
                    }
                    self.show()?;
                }
                self.settle();
            }
            Command::Expect(pattern) => {
                if !self.matches(Scope::Screen, pattern) {
                    return Err(self.failure(step, format!("{} does not hold", step.command)));
                }
            }
            Command::ExpectNot(pattern) => {
                if self.matches(Scope::Screen, pattern) {
                    return Err(self.failure(step, format!("{} does not hold", step.command)));
                }
            }
            Command::Hide => self.hidden = true,
            Command::Show => self.hidden = false,
            Command::Screenshot { file, picture } => self.photograph(file, *picture)?,
            Command::Network(network) => {
                self.rig.road.set(condition(*network)).map_err(|error| PlayError::World(error.to_string()))?;
            }
            Command::Headquarters(headquarters) => self.rig.at_headquarters(headquarters).map_err(PlayError::World)?,
            Command::Kill => {
                self.rig.kill().map_err(PlayError::World)?;
                self.screen = Screen::new(self.theme, Layout::built_in());
                self.view = None;
                self.settle();
            }
            Command::Caption(text) => self.caption = Some(text.clone()).filter(|text| !text.is_empty()),
            Command::Assert { name, comparison, value } => {
                let view = self.view.clone().ok_or_else(|| PlayError::World("the till shows nothing".to_owned()))?;
                let found = facts::value(name, &view, &self.rig).map_err(|why| self.failure(step, why))?;
                let order = facts::compare(&found, value)
                    .ok_or_else(|| self.failure(step, format!("{name} is {found}, which is not of the kind of {value}")))?;
                if !comparison.holds(order) {
                    return Err(self.failure(step, format!("{} does not hold: {name} is {found}", step.command)));
                }
            }
        }
        Ok(())
    }

    fn type_text(&mut self, text: &str, speed: Duration) -> Result<(), PlayError> {
        for character in text.chars() {
            self.press(Key::Char(character), speed)?;
        }
        Ok(())
    }

    fn press(&mut self, key: Key, speed: Duration) -> Result<(), PlayError> {
        self.pass(speed)?;
        if let Some(answer) = self.screen.input(crossterm::event::Event::Key(key.into())) {
            self.rig.answer(answer);
        }
        self.settle();
        self.show()
    }

    /// Lets time pass: at once when it is virtual.
    fn pass(&mut self, duration: Duration) -> Result<(), PlayError> {
        if self.headless {
            self.clock.sleep(duration);
            return Ok(());
        }
        let end = self.clock.tick().plus_ms(u64::try_from((duration / self.speed).as_millis()).unwrap_or(u64::MAX));
        while self.clock.tick() < end {
            self.take_shown(Duration::from_millis(end.since(self.clock.tick()).min(20)));
            self.show()?;
        }
        Ok(())
    }

    /// Waits until the till asks and nothing is under way. While a request meets a road that hangs or is slow, and the register has not gone
    /// offline yet, the cashier goes on typing, and so does the tape.
    fn settle(&mut self) {
        let road_is_slow = match self.rig.road.condition() {
            Condition::Hang | Condition::Stall | Condition::Slow(_) | Condition::Drip(_) | Condition::Endless => true,
            Condition::Up
            | Condition::Down
            | Condition::Drop { .. }
            | Condition::Lost
            | Condition::Twice
            | Condition::Reorder
            | Condition::Garbage
            | Condition::Half => false,
        };
        let online = self.view.as_ref().is_some_and(|view| view.header.connection == ConnectionView::Online);
        if road_is_slow && online {
            self.take_shown(Duration::from_millis(20));
            return;
        }
        let mut patience = STALE_POLLS_MAX;
        while !self.screen.is_finished() && (self.screen.is_waiting() || !self.rig.is_quiet() || (self.shows_old_counts() && patience > 0))
        {
            if self.rig.is_quiet() && !self.screen.is_waiting() {
                patience -= 1;
            }
            self.take_shown(Duration::from_millis(5));
        }
        self.take_shown(Duration::ZERO);
        // What the uploads and downloads told as they came to rest is with the till by now; it takes one piece of news after the other.
        for _ in 0..NEWS_AT_REST_MAX {
            if !self.screen.is_finished() {
                self.rig.deadline_reached();
                self.take_shown(NEWS_WAIT);
            }
        }
    }

    /// Whether the uploads are ahead of the header: online, and nothing under way, everything has arrived but what was set aside.
    fn shows_old_counts(&self) -> bool {
        let header = self.view.as_ref().map(|view| &view.header);
        header.is_some_and(|header| header.connection == ConnectionView::Online && header.unsent > header.set_aside)
    }

    /// Takes in what the till shows, for as long as there is something and once after `wait` at most.
    fn take_shown(&mut self, wait: Duration) {
        let mut wait = wait;
        while let Some(shown) = self.rig.next_shown(wait) {
            wait = Duration::ZERO;
            if let FromTill::Shown { view, .. } = &shown {
                self.view = Some(Arc::clone(view));
            }
            if let Some(answer) = self.screen.till(shown) {
                self.rig.answer(answer);
            }
        }
    }

    fn matches(&mut self, scope: Scope, pattern: &super::tape::Pattern) -> bool {
        let text = screenshot::text(&self.picture());
        match scope {
            Scope::Screen => pattern.is_match(&text),
            Scope::Line => text.trim_end().lines().last().is_some_and(|line| pattern.is_match(line)),
        }
    }

    /// The screen as it stands, without the caption.
    pub fn picture(&self) -> Buffer {
        let (width, height) = self.size;
        let mut terminal = ratatui::Terminal::new(TestBackend::new(width, height)).expect("a test backend has no errors");
        terminal.draw(|frame| self.screen.draw(frame, self.clock.now())).expect("a test backend has no errors");
        terminal.backend().buffer().clone()
    }

    fn photograph(&mut self, file: &str, picture: Picture) -> Result<(), PlayError> {
        let buffer = self.picture();
        let path = self.screenshots.join(file);
        let text = match picture {
            Picture::Text => screenshot::text(&buffer),
            Picture::Svg => screenshot::svg(&buffer, "Evertill"),
        };
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(|error| PlayError::File { path, error })
    }

    /// Draws the frame where there is somebody to see it, unless he has ended the demo.
    fn show(&mut self) -> Result<(), PlayError> {
        if self.live.as_ref().is_some_and(Live::is_stopped) {
            return Err(PlayError::Stopped);
        }
        if self.hidden {
            return Ok(());
        }
        let picture = self.captioned();
        if self.shown.as_ref() == Some(&picture) {
            return Ok(());
        }
        let draw = |frame: &mut ratatui::Frame<'_>| copy(&picture, frame.buffer_mut());
        if let Some(recording) = &mut self.recording {
            recording.frame(self.clock.tick().0, draw)?;
        }
        if let Some(live) = &mut self.live {
            live.terminal.draw_with(draw).map_err(|error| PlayError::World(error.to_string()))?;
        }
        self.shown = Some(picture);
        Ok(())
    }

    /// The screen with the caption's line under it, when the tape has captions.
    fn captioned(&self) -> Buffer {
        let picture = self.picture();
        if !self.has_captions {
            return picture;
        }
        let area = picture.area;
        let mut captioned = Buffer::empty(Rect { height: area.height + 1, ..area });
        copy(&picture, &mut captioned);
        if let Some(caption) = &self.caption {
            captioned.set_stringn(
                1,
                area.height,
                caption,
                usize::from(area.width.saturating_sub(2)),
                Style::new().add_modifier(Modifier::REVERSED),
            );
        }
        captioned
    }

    fn failure(&self, step: &Step, what: String) -> PlayError {
        PlayError::Failed { tape: step.tape.to_string(), line: step.line, what, screen: screenshot::text(&self.picture()) }
    }
}

impl Recording {
    fn begin(path: PathBuf, (width, height): (u16, u16), has_captions: bool, timestamp: i64) -> Result<Self, PlayError> {
        let height = height + u16::from(has_captions);
        let file = |error| PlayError::File { path: path.clone(), error };
        let out = io::BufWriter::new(private::create(&path).map_err(file)?);
        let header = Header { width, height, timestamp, title: "Evertill" };
        let cast = Cast::begin(out, &header).map_err(file)?;
        let bytes = SharedBytes::default();
        let viewport = ratatui::Viewport::Fixed(Rect::new(0, 0, width, height));
        let terminal =
            ratatui::Terminal::with_options(CrosstermBackend::new(bytes.clone()), ratatui::TerminalOptions { viewport }).map_err(file)?;
        Ok(Self { terminal, bytes, cast, path })
    }

    fn frame(&mut self, at_ms: u64, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> Result<(), PlayError> {
        let drawn = self.terminal.draw(draw).map(drop).and_then(|()| {
            let bytes = self.bytes.take();
            if bytes.is_empty() { Ok(()) } else { self.cast.output(at_ms, &bytes) }
        });
        drawn.map_err(|error| PlayError::File { path: self.path.clone(), error })
    }

    fn finish(self) -> Result<(), PlayError> {
        self.cast.finish().map(drop).map_err(|error| PlayError::File { path: self.path, error })
    }
}

/// Copies what fits.
fn copy(from: &Buffer, to: &mut Buffer) {
    for position in from.area.intersection(to.area).positions() {
        to[position] = from[position].clone();
    }
}

fn condition(network: Network) -> Condition {
    match network {
        Network::Up => Condition::Up,
        Network::Down => Condition::Down,
        Network::Hang => Condition::Hang,
        Network::Slow(delay) => Condition::Slow(delay),
        Network::Drop { percent } => Condition::Drop { percent },
        Network::Garbage => Condition::Garbage,
    }
}
