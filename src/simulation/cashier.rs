//! Cashiers: each command is an operation of the table, drawn at random, and whatever it asks gets some answer.
//!
//! A turn ends at the next command: then the till rests and another register has its turn, all on one thread. An operation that is new in
//! the table is pressed like the others; [`Done`] tells which were ever done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::bill::Rates;
use super::books::{Book, Broken};
use super::chance::Chance;
use super::machines::Place;
use super::road::Road;
use crate::clock::{Clock, Tick, VirtualClock};
use crate::desk::{Answer, Background, CredentialsPrompt, Desk, Prompt, Purpose, Question, Reply, Selection};
use crate::ids::RegisterId;
use crate::retail::staff::Pin;
use crate::secret::Secret;
use crate::till::operations::{self, Operation};
use crate::view::{ConnectionView, Level, Screen, View};

/// Answers in one command; whoever is asked more cancels.
const ANSWERS_MAX: u32 = 12;
/// And then nobody answers any more.
const ASKED_MAX: u32 = 60;
/// What a command without headquarters may take, in milliseconds: a try to reconnect, a time-out, and a little for looking
/// at the clock.
const PATIENCE_MS: u64 = 300 + 1_000 + 100;
/// Commands that go on to headquarters, or ask several things, have more: as long as a scale unit waits for a headquarters that hangs, twice
/// for an activation, over a slow road. In life the register stops waiting earlier; here all is one thread, and it waits for the scale unit's end.
const LONG_PATIENCE_MS: u64 = 2 * 15_000 + 2_500 + 1_000;
/// The same product is taken again, in percent of all scans in a sale.
const SAME_AGAIN: u64 = 20;
/// A quantity for the product that comes next.
const COUNT_ALONE: (&str, u64) = ("3*", 3);
/// Lines of a sale after which somebody pays.
const LINES_MAX: usize = 25;

/// What a wrong PIN is answered with, whose PINs are guessed, and how many wrong ones in a row lock him out.
const WRONG: &str = "operator or PIN is wrong";
const GUESSED: &str = "000161";
const GUESSES_MAX: u32 = 5;
/// Who works here, some more often than others.
const OPERATORS: [&str; 4] = ["000160", "000160", "000161", "000110"];

/// A product as a cashier knows it.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) barcode: String,
    /// Sold by a scan alone.
    pub(super) is_plain: bool,
}

/// What is done at all registers.
#[derive(Default)]
pub(super) struct Done {
    /// Presses of each operation.
    pub(super) pressed: BTreeMap<u16, u64>,
    /// Those that ended without a refusal, and that nobody cancelled.
    pub(super) done: BTreeMap<u16, u64>,
}

/// What a cashier is after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Aim {
    Sell,
    /// Only what brings the day to its end: activate, sign in, pay, connect.
    Close,
}

/// A cashier's turn.
pub(super) struct Turn<'a> {
    pub(super) chance: Chance,
    pub(super) commands: u32,
    pub(super) aim: Aim,
    pub(super) news: &'a Receiver<Reply>,
    pub(super) clock: &'a VirtualClock,
    pub(super) place: &'a Place,
    pub(super) road: &'a Road,
    /// Headquarters' code, where the device needs one.
    pub(super) code: Option<Secret>,
    pub(super) register: &'a RegisterId,
    pub(super) items: &'a [Item],
    pub(super) cards: &'a [String],
    pub(super) rates: &'a Rates,
    pub(super) book: &'a mut Book,
    pub(super) done: &'a mut Done,
    /// Wrong PINs that were compared in a row, while he tries his luck.
    pub(super) guesses: Option<u32>,
    /// Something other than the road keeps sales from being rung up.
    pub(super) is_excused: bool,
    /// The scale unit's disk fails, or is about to: a register that is online has its errors for answers.
    pub(super) unit_fails: bool,
    pub(super) broken: Vec<Broken>,
    pub(super) log: &'a mut dyn FnMut(String),
    pub(super) state: State,
}

/// How a command comes to its end.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum End {
    #[default]
    ByItself,
    Cancelled,
}

/// Where the cashier is in his command.
#[derive(Default)]
pub(super) struct State {
    operation: Option<u16>,
    answers: u32,
    asked: u32,
    given_at: Option<Tick>,
    end: End,
    scanned: Option<(String, i128)>,
    selected: Option<Selection>,
    tried_pins: u32,
    /// He has just said that he is somebody else than he should be, or given a wrong PIN.
    must_stay_out: bool,
    /// A code was given, which only headquarters knows.
    is_activating: bool,
    /// What was on the screen last.
    pub(super) screen: Option<Screen>,
}

impl<'a> Turn<'a> {
    fn look(&mut self, view: &View) {
        let broken = self.book.look(view, self.rates);
        self.broken.extend(broken);
        self.state.screen = Some(view.screen);
    }

    fn look_who_is_in(&mut self, view: &View) {
        if std::mem::take(&mut self.state.must_stay_out) && matches!(view.screen, Screen::Welcome | Screen::Transaction) {
            self.broken.push((0, "who had to stay out was let in".to_owned()));
        }
    }

    /// The till asks: the cashier has waited since his last answer.
    fn check_patience(&mut self) {
        let Some(given_at) = self.state.given_at.take() else { return };
        let waited = self.clock.tick().since(given_at);
        let reach = self.state.operation.and_then(operations::by_number).map(|operation| operation.reach);
        let is_long = self.state.is_activating
            || matches!(self.state.operation, None | Some(917 | 701))
            || reach == Some(operations::Reach::Headquarters);
        let limit = if is_long { LONG_PATIENCE_MS } else { PATIENCE_MS };
        if waited > limit {
            self.broken.push((4, format!("operation {:?} kept the cashier for {waited} ms", self.state.operation)));
        }
    }

    fn command(&mut self, view: &View) -> Reply {
        if self.commands == 0 {
            return Reply::HungUp;
        }
        self.commands -= 1;
        let thinks = self.chance.between(200, 3_000);
        self.clock.sleep(Duration::from_millis(thinks));
        let state = State { screen: self.state.screen, asked: self.state.asked, ..State::default() };
        self.state = state;
        match self.aim {
            Aim::Sell => self.choose(view),
            Aim::Close => self.close(view),
        }
    }

    /// What has become of the last one.
    fn end_command(&mut self, view: &View) {
        let undone = self.book.finish(view, self.rates, self.place.disk.is_well());
        if let Some(line) = self.state.selected.take().filter(|line| view.selected != Some(*line)) {
            self.broken.push((9, format!("{line:?} was selected, and {:?} is", view.selected)));
        }
        // What was under way when the last turn ended was left at that.
        let Some(number) = self.state.operation.take() else { return };
        self.broken.extend(undone);
        let refused = view.notice.as_ref().filter(|notice| notice.level == Level::Error);
        if refused.is_none() && self.state.end == End::ByItself {
            *self.done.done.entry(number).or_default() += 1;
        }
        if let Some((product, before)) = self.state.scanned.take()
            && self.book.quantity_of(&product) <= before
            && !self.is_excused
            && (!self.unit_fails || matches!(view.header.connection, ConnectionView::Offline { .. }))
            && self.place.offline_database().exists()
            && !self.road.was_strange()
            && !self.place.disk.is_dead()
            && view.screen != Screen::Locked
        {
            let why = view.notice.as_ref().map_or("no reason", |notice| notice.text.as_str());
            self.broken.push((3, format!("product {product} was not sold: {why}")));
        }
        if let Some(notice) = &view.notice {
            (self.log)(format!("{}: {:?} {}", self.register, notice.level, notice.text));
        }
    }

    /// Pays, connects, and has nothing more to do.
    fn close(&mut self, view: &View) -> Reply {
        if view.sale.is_some() {
            let is_empty = view.sale.as_ref().is_none_or(|(sale, _)| sale.open_lines().next().is_none());
            return self.press(if is_empty { 500 } else { 206 }, view);
        }
        match view.header.connection {
            ConnectionView::Online => {}
            ConnectionView::Offline { .. } => return self.press(917, view),
            // An answer to anything at all brings it back.
            ConnectionView::Blocked { .. } => return self.press(101, view),
        }
        if self.code.is_some() {
            return self.press(707, view);
        }
        self.commands = 0;
        Reply::HungUp
    }

    fn choose(&mut self, view: &View) -> Reply {
        let lines = view.sale.as_ref().map_or(0, |(sale, _)| sale.lines().len());
        if lines >= LINES_MAX {
            return self.press(206, view);
        }
        if self.chance.percent(2) && lines > 0 {
            let line = self.chance.between(1, lines as u64);
            let line = Selection::Line(u32::try_from(line).unwrap_or(1));
            self.state.selected = Some(line);
            return self.say(Answer::Select(line));
        }
        let screen = view.screen;
        let rows: Vec<&Operation> = operations::TABLE.iter().filter(|row| row.screens.contains(&screen)).collect();
        let weights: Vec<u32> = rows.iter().map(|row| weight(row.number, screen)).collect();
        let number = rows[self.chance.weighted(&weights)].number;
        match number {
            100 => self.scan(view),
            number => self.press(number, view),
        }
    }

    fn scan(&mut self, view: &View) -> Reply {
        self.pressed(100, None, view);
        let item = self.take_an_item();
        if item.is_plain {
            self.state.scanned = Some((item.id.clone(), self.book.quantity_of(&item.id)));
        }
        let text = match self.chance.below(40) {
            0 => {
                self.state.scanned = None;
                let nonsense = ["", "*", "0*4011", "9999999999999", "]C101", COUNT_ALONE.0, "\u{1b}[31m", "12345678901234567890"];
                let text = *self.chance.pick(&nonsense);
                if text == COUNT_ALONE.0 {
                    self.book.count(COUNT_ALONE.1);
                }
                text.to_owned()
            }
            1..=8 => {
                let count = self.chance.between(2, 4);
                self.book.scan(&item.id, Some(count));
                format!("{count}*{}", item.barcode)
            }
            _ => {
                self.book.scan(&item.id, None);
                item.barcode.clone()
            }
        };
        self.say(Answer::Entry(text))
    }

    /// What lies in the basket next: often the same again.
    fn take_an_item(&mut self) -> &'a Item {
        let lines = self.book.seen.iter().flat_map(|bill| &bill.lines);
        let products: Vec<&str> = lines.map(|line| line.product.as_str()).collect();
        if !products.is_empty() && self.chance.percent(SAME_AGAIN) {
            let product = *self.chance.pick(&products);
            if let Some(item) = self.items.iter().find(|item| item.id == product) {
                return item;
            }
        }
        self.chance.pick(self.items)
    }

    fn press(&mut self, number: u16, view: &View) -> Reply {
        let parameter = (number == 200 && self.chance.percent(15)).then(|| "coupon".to_owned());
        self.pressed(number, parameter.as_deref(), view);
        self.say(Answer::Operation { number, parameter })
    }

    fn pressed(&mut self, number: u16, parameter: Option<&str>, view: &View) {
        self.book.press(number, parameter, view);
        self.state.operation = Some(number);
        *self.done.pressed.entry(number).or_default() += 1;
    }

    fn say(&mut self, answer: Answer) -> Reply {
        (self.log)(format!("{}: {answer:?}", self.register));
        self.state.given_at = Some(self.clock.tick());
        Reply::Answer(answer)
    }

    fn number(&mut self, view: &View) -> Answer {
        let due = view.sale.as_ref().map(|(_, totals)| totals.balance.plain());
        let cents = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
        if self.chance.percent(3) {
            let nonsense = ["", "-1", "abc", "99999999999999", "0", "1.234567", "1e9", "½"];
            return Answer::Number((*self.chance.pick(&nonsense)).to_owned());
        }
        Answer::Number(match self.state.operation {
            Some(104) => cents(self.chance.between(1, 3_000)),
            Some(105) => self.chance.between(1, 9).to_string(),
            Some(300) => cents(self.chance.between(0, 150)),
            Some(301) => self.chance.between(0, 60).to_string(),
            Some(520) => self.chance.pick(self.cards).clone(),
            Some(200) => match (self.chance.below(4), due) {
                (0, _) => cents(self.chance.between(1, 500)),
                (1, _) => ["20", "50", "100"][usize::try_from(self.chance.below(3)).unwrap_or(0)].to_owned(),
                (_, Some(due)) => due,
                (_, None) => "10".to_owned(),
            },
            _ => cents(self.chance.between(10, 300)),
        })
    }

    fn credentials(&mut self, prompt: &CredentialsPrompt) -> Answer {
        let pin = |text: &str| Pin::new(text);
        self.state.scanned = None;
        self.state.tried_pins += 1;
        self.look_at_guesses(prompt);
        // Five in a row would lock him out; a cashier who is wrong once looks twice.
        let is_wrong = self.aim == Aim::Sell && self.state.tried_pins == 1 && self.chance.percent(4);
        let right = if is_wrong { "321" } else { "123" };
        let is_at_the_door = matches!(prompt.purpose, Purpose::SignIn | Purpose::Unlock { .. });
        self.state.must_stay_out = is_at_the_door && (is_wrong || self.guesses.is_some());
        match &prompt.purpose {
            Purpose::SignIn if self.guesses.is_some() => Answer::Credentials { operator: GUESSED.to_owned(), pin: pin("321") },
            Purpose::SignIn => {
                let operator = if self.aim == Aim::Close { "000160" } else { *self.chance.pick(&OPERATORS) };
                Answer::Credentials { operator: operator.to_owned(), pin: pin(right) }
            }
            Purpose::Unlock { operator, .. } => {
                let is_another = self.aim == Aim::Sell && self.state.tried_pins == 1 && self.chance.percent(15);
                let tries = if is_another { *self.chance.pick(&OPERATORS) } else { operator };
                self.state.must_stay_out |= tries != operator;
                Answer::Credentials { operator: tries.to_owned(), pin: pin(right) }
            }
            Purpose::Authorize { .. } | Purpose::Release { .. } => Answer::Credentials { operator: "000110".to_owned(), pin: pin(right) },
            Purpose::Activate { .. } => {
                self.state.is_activating = true;
                let code = self.code.take().filter(|_| self.aim == Aim::Close || self.chance.percent(95));
                Answer::Credentials { operator: String::new(), pin: pin(code.as_ref().map_or("nobody knows", |code| code.reveal())) }
            }
        }
    }

    /// Now and then somebody tries one PIN after another. After five that were compared he must be locked out.
    fn look_at_guesses(&mut self, prompt: &CredentialsPrompt) {
        if prompt.purpose != Purpose::SignIn {
            self.guesses = None;
            return;
        }
        if self.guesses.is_none() && self.aim == Aim::Sell && self.state.tried_pins == 1 && self.chance.percent(5) {
            self.guesses = Some(0);
            return;
        }
        let Some(guesses) = &mut self.guesses else { return };
        if prompt.problem.as_deref() != Some(WRONG) {
            self.guesses = None;
            return;
        }
        *guesses += 1;
        if *guesses == GUESSES_MAX {
            self.broken.push((0, format!("{guesses} wrong PINs in a row locked nobody out")));
            self.guesses = None;
        }
    }

    fn search(&mut self, prompt: &crate::desk::SearchPrompt) -> Answer {
        if self.state.answers == 1 {
            return Answer::SearchText((*self.chance.pick(&["cheese", "ban", "milk", "zzz", "29000", "a b c"])).to_owned());
        }
        match prompt.products.first() {
            Some(_) => Answer::Pick(self.chance.pick(&prompt.products).id.clone()),
            None => Answer::Cancel,
        }
    }
}

impl Desk for Turn<'_> {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        self.look(view);
        self.look_who_is_in(view);
        self.check_patience();
        self.state.asked += 1;
        if self.place.disk.is_dead() {
            return Reply::HungUp;
        }
        if matches!(question.prompt, Prompt::Command) {
            self.end_command(view);
        }
        if self.state.asked > ASKED_MAX {
            return Reply::HungUp;
        }
        if let Ok(news) = self.news.try_recv() {
            return news;
        }
        if matches!(question.prompt, Prompt::Command) {
            return self.command(view);
        }
        self.state.answers += 1;
        let gives_up = self.state.answers > ANSWERS_MAX || self.aim == Aim::Sell && self.chance.percent(4);
        let answer = match &question.prompt {
            Prompt::Credentials(CredentialsPrompt { purpose: Purpose::Activate { .. }, .. }) if self.code.is_none() => {
                return Reply::HungUp;
            }
            // There is nothing to go back to.
            Prompt::Credentials(prompt) if self.state.operation.is_none() => {
                if self.state.answers > ANSWERS_MAX {
                    return Reply::HungUp;
                }
                self.clock.sleep(Duration::from_secs(2));
                self.credentials(prompt)
            }
            _ if gives_up => Answer::Cancel,
            Prompt::Credentials(prompt) => self.credentials(prompt),
            Prompt::Number(_) => self.number(view),
            Prompt::Search(prompt) => self.search(prompt),
            Prompt::Page(_) => {
                if self.chance.percent(50) {
                    Answer::Yes
                } else {
                    Answer::Cancel
                }
            }
            Prompt::Confirm(_) | Prompt::ConnectionStatus(_) => {
                if self.aim == Aim::Close || self.chance.percent(80) {
                    Answer::Yes
                } else {
                    Answer::Cancel
                }
            }
            Prompt::Wait(_) => {
                self.clock.sleep(Duration::from_secs(1));
                return Reply::Background(Background::DeadlineReached);
            }
            Prompt::Command => Answer::Cancel,
        };
        if matches!(answer, Answer::Cancel) {
            (self.state.scanned, self.state.end) = (None, End::Cancelled);
        }
        self.book.hear(view, &question.prompt, &answer);
        self.say(answer)
    }

    fn show(&mut self, view: &Arc<View>) {
        self.look(view);
    }
}

/// How often an operation is pressed, among the others of its screen.
fn weight(number: u16, screen: Screen) -> u32 {
    match (number, screen) {
        (100, Screen::Welcome) => 800,
        (100, _) => 500,
        (206, _) => 160,
        (200, _) => 90,
        (520 | 917, _) => 8,
        // A sign-in is work.
        (701 | 703, _) => 2,
        (707 | 708, _) => 1,
        _ => 15,
    }
}
