//! A scripted cashier at the real screen while a whole new database comes down: every key from its press to the frame that shows what it did.
//!
//! The scale unit, the register's till with its journal, its uploads and its downloads are the real ones; only terminal and fingers are not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use evertill::clock::{Clock, SystemClock};
use evertill::ids::KeySource;
use evertill::package::{self, SigningKey};
use evertill::profile::Profile;
use evertill::register::{Options, Register};
use evertill::ui::layout::Layout;
use evertill::ui::run::Event;
use evertill::ui::screen_desk::{Answers, ScreenDesk};
use evertill::ui::theme::Theme;
use evertill::ui::{FromTill, Screen};
use evertill::view::View;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use rusqlite::{Connection, OpenFlags};

use crate::load::full;
use crate::shop::Shop;
use crate::table::{Budget, Result, Samples, Table, time};

/// Full packages that come, each to a register of its own.
const ROUNDS: u64 = 3;
/// Sales while none comes, to compare.
const SALES_BEFORE: usize = 10;
/// Sales within which a package must be there.
const SALES_MAX: usize = 10_000;
/// Lines of a sale.
const LINES: usize = 8;
/// What no key may wait longer than.
const KEY: Duration = Duration::from_millis(50);
/// When something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);
const WINDOW: (u16, u16) = (160, 48);
const OPERATOR: &str = "000160";
const PIN: &str = "123";

/// Sells while nothing comes down, then while full packages of the finished database do.
pub(crate) fn measure(shop: &Shop, directory: &Path, finished: &Path, table: &mut Table) -> Result<()> {
    let headquarters = SigningKey::random();
    let mut cashier = Cashier::begin(shop, &headquarters, "quiet")?;
    for _ in 0..SALES_BEFORE {
        cashier.sell(shop)?;
    }
    let quiet = cashier.end();
    let mut keys = Vec::new();
    for version in 2..2 + ROUNDS {
        publish(shop, &headquarters, directory, finished, version)?;
        // The register looks for packages when somebody signs in.
        let mut cashier = Cashier::begin(shop, &headquarters, &format!("full-{version}"))?;
        for sales in 0.. {
            if cashier.has(version)? {
                break;
            }
            if sales == SALES_MAX {
                return Err(format!("package {version} did not come within {SALES_MAX} sales").into());
            }
            cashier.sell(shop)?;
        }
        keys.extend(cashier.end());
    }
    let (count, longest) = (keys.len(), keys.iter().max().copied());
    let (keys, quiet): (Samples, Samples) = (keys.into_iter().collect(), quiet.into_iter().collect());
    table.row("a cashier's key while a full package comes, to frame", &keys, Some(&quiet), Budget::Open)?;
    table.row(&format!("  the longest of {count} keys"), &longest.into_iter().collect(), None, Budget::Always(KEY))
}

/// Puts the finished database on the scale unit's shelf, as a full package of a version.
fn publish(shop: &Shop, headquarters: &SigningKey, directory: &Path, finished: &Path, version: u64) -> Result<()> {
    let (database, file) = (directory.join("published.db"), directory.join("published.zst"));
    fs::copy(finished, &database)?;
    let connection = Connection::open(&database)?;
    connection.execute("UPDATE data_version SET version = ?1", [version.cast_signed()])?;
    connection.close().map_err(|(_, error)| error)?;
    let manifest = full(&database, &file, version)?;
    Ok(shop.shelf.put(&package::sign(&manifest, headquarters), &file)?)
}

/// A cashier at a register of his own.
struct Cashier {
    screen: Screen,
    terminal: Terminal<TestBackend>,
    shown: Receiver<Event>,
    answers: Answers,
    till: JoinHandle<()>,
    clock: SystemClock,
    view: Option<Arc<View>>,
    /// The newest question.
    asked: u64,
    rung_up: usize,
    offline: PathBuf,
    keys: Vec<Duration>,
}

impl Cashier {
    /// Opens a register and signs in.
    fn begin(shop: &Shop, headquarters: &SigningKey, name: &str) -> Result<Self> {
        let data = shop.register_directory(name, headquarters)?;
        let (events, shown) = channel();
        let (mut desk, answers, news) = ScreenDesk::new(events);
        let register = Register::open(Options {
            profile: Profile::default(),
            data: data.clone(),
            scale_unit: shop.url(),
            clock: Arc::new(SystemClock::default()),
            keys: KeySource::System,
            sample_hint: None,
            activation_code: None,
            news,
            wire: None,
        })?;
        let mut till = register.till;
        let mut cashier = Self {
            screen: Screen::new(Theme::Dark, Layout::built_in()),
            terminal: Terminal::new(TestBackend::new(WINDOW.0, WINDOW.1))?,
            shown,
            answers,
            till: std::thread::Builder::new().name("till".to_owned()).spawn(move || till.run(&mut desk))?,
            clock: SystemClock::default(),
            view: None,
            asked: 0,
            rung_up: 0,
            offline: data.join("offline.db"),
            keys: Vec::new(),
        };
        cashier.wait_for_question_after(0)?;
        for text in [OPERATOR, PIN] {
            cashier.type_text(text)?;
            cashier.press(KeyCode::Enter)?;
        }
        cashier.keys.clear();
        Ok(cashier)
    }

    /// One sale: codes, a search in the middle of it, and cash.
    fn sell(&mut self, shop: &Shop) -> Result<()> {
        for line in 1..=LINES {
            let product = shop.product(self.rung_up);
            self.type_text(&product.barcode)?;
            self.press(KeyCode::Enter)?;
            self.rung_up += 1;
            if self.lines() != line {
                return Err(format!("line {line} of a sale is not there: {:?}", self.notice()).into());
            }
            if line == LINES / 2 {
                self.press(KeyCode::F(2))?;
                self.type_text(&product.brand.to_lowercase())?;
                self.press(KeyCode::Esc)?;
            }
        }
        self.press(KeyCode::F(9))?;
        self.press(KeyCode::Enter)?;
        if self.lines() > 0 {
            return Err(format!("a sale is not paid: {:?}", self.notice()).into());
        }
        Ok(())
    }

    fn lines(&self) -> usize {
        self.view.as_ref().and_then(|view| view.sale.as_ref()).map_or(0, |(sale, _)| sale.lines().len())
    }

    fn notice(&self) -> Option<&str> {
        self.view.as_ref().and_then(|view| view.notice.as_ref()).map(|notice| notice.text.as_str())
    }

    fn type_text(&mut self, text: &str) -> Result<()> {
        text.chars().try_for_each(|character| self.press(KeyCode::Char(character)))
    }

    /// Presses a key and waits for the frame that shows what it did: where the till is asked, the frame after its next question.
    fn press(&mut self, code: KeyCode) -> Result<()> {
        let (took, pressed) = time(|| {
            while let Ok(event) = self.shown.try_recv() {
                self.take(event);
            }
            let answer = self.screen.input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
            self.draw()?;
            let Some((serial, answer)) = answer else { return Ok(()) };
            self.answers.give(serial, answer);
            self.wait_for_question_after(serial)?;
            self.draw()
        });
        self.keys.push(took);
        pressed
    }

    fn wait_for_question_after(&mut self, serial: u64) -> Result<()> {
        while self.asked <= serial {
            let event = self.shown.recv_timeout(PATIENCE)?;
            self.take(event);
        }
        Ok(())
    }

    fn take(&mut self, event: Event) {
        let Event::Till(shown) = event else { return };
        if let FromTill::Shown { view, question } = &shown {
            self.view = Some(Arc::clone(view));
            self.asked = question.as_ref().map_or(self.asked, |question| question.serial);
        }
        if let Some((serial, answer)) = self.screen.till(shown) {
            self.answers.give(serial, answer);
        }
    }

    fn draw(&mut self) -> Result<()> {
        let (screen, now) = (&self.screen, self.clock.now());
        self.terminal.draw(|frame| screen.draw(frame, now))?;
        Ok(())
    }

    /// Whether the register has taken a version into use.
    fn has(&self, version: u64) -> Result<bool> {
        let database = Connection::open_with_flags(&self.offline, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(database.query_row("SELECT version FROM data_version", [], |row| row.get(0)).map(i64::cast_unsigned)? >= version)
    }

    /// Closes the register, and tells how long each key took.
    fn end(self) -> Vec<Duration> {
        self.answers.hang_up();
        let _ = self.till.join();
        self.keys
    }
}
