//! A cashier who rings baskets up: looks at the sale in hand, and does what is missing. After a kill he goes on where the sale stands.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::outages::{Outages, Stage};
use super::{Report, Step};
use crate::clock::Stopwatch;
use crate::desk::{Answer, CredentialsPrompt, Desk, Prompt, Purpose, Question, Reply};
use crate::import::{Basket, BasketLine};
use crate::retail::sale::{Line, Sale};
use crate::retail::staff::Pin;
use crate::road::{Condition, Road};
use crate::view::{ConnectionView, Level, View};

/// The cashier of a replay.
pub(super) struct BasketDesk<'a> {
    /// His baskets, in order.
    pub baskets: &'a [&'a Basket],
    /// A product's bar code by its number.
    pub barcode: &'a dyn Fn(&str) -> String,
    /// How many baskets are concluded: the n-th sale of the journal is the n-th basket.
    pub done: usize,
    /// What he works in.
    pub shop: Shop<'a>,
    /// The longest that a line took so far.
    pub slowest_line_us: u64,
    /// Why he gave up.
    pub failure: Option<String>,
    state: State,
}

/// What a cashier of a replay works in.
pub(super) struct Shop<'a> {
    /// What goes wrong on the way.
    pub outages: Outages,
    /// The road it goes wrong on.
    pub road: &'a Road,
    /// Hears of baskets that begin, of steps in which the register may be killed, and of answers that were lost.
    pub report: &'a dyn Fn(Report),
    /// Waits until the uploads have nothing to do.
    pub drain: &'a dyn Fn() -> bool,
    /// Waits before something refused is tried again.
    pub wait: &'a dyn Fn(),
}

/// How often he tries again, in one basket, what was refused.
const REFUSALS_MAX: u32 = 300;

#[derive(Default)]
struct State {
    announced: Option<usize>,
    had_sale: bool,
    /// What the next number prompt gets.
    number: String,
    entered: Option<Stopwatch>,
    refusals: u32,
    answers_lost: u64,
}

impl<'a> BasketDesk<'a> {
    /// A cashier before his first basket.
    pub(super) fn new(baskets: &'a [&'a Basket], barcode: &'a dyn Fn(&str) -> String, done: usize, shop: Shop<'a>) -> Self {
        Self { baskets, barcode, done, shop, slowest_line_us: 0, failure: None, state: State::default() }
    }

    /// What is to be done next, with this on the screen.
    fn next(&mut self, view: &View) -> Reply {
        if self.state.had_sale && view.sale.is_none() {
            self.step_of(self.done, Step::Concluded);
            self.done += 1;
            self.state.refusals = 0;
        }
        self.state.had_sale = view.sale.is_some();
        if let Some(notice) = view.notice.as_ref().filter(|notice| notice.level == Level::Error)
            && !self.tries_again()
        {
            self.failure = Some(format!("basket {}: {} ({})", self.done, notice.text, notice.hint));
            return Reply::HungUp;
        }
        let Some(basket) = self.baskets.get(self.done).copied() else { return self.finish(view) };
        if self.state.announced != Some(self.done) {
            self.state.announced = Some(self.done);
            (self.shop.report)(Report::Begins { basket: self.done, lines: basket.lines.len() });
        }
        let sale = view.sale.as_ref().map(|(sale, _)| sale.as_ref());
        // The road changes in mid-sale, once the first line stands.
        if sale.is_some() {
            self.set_road(self.shop.outages.road(self.done, Stage::Lines));
        }
        self.step(basket, sale)
    }

    fn step(&mut self, basket: &Basket, sale: Option<&Sale>) -> Reply {
        let rung_up = sale.map_or(&[][..], Sale::lines);
        if let Some((line, wanted)) = rung_up.last().zip(rung_up.len().checked_sub(1).and_then(|last| basket.lines.get(last)))
            && let Some(correction) = self.correct(line, wanted)
        {
            return correction;
        }
        match basket.lines.get(rung_up.len()) {
            Some(next) => {
                self.step_of(self.done, Step::Line(rung_up.len()));
                self.state.entered = Some(Stopwatch::default());
                Reply::Answer(Answer::Entry(format!("{}*{}", next.quantity, (self.barcode)(&next.product_id))))
            }
            None => self.pay(basket, sale),
        }
    }

    /// Brings the last line to its basket's price and discount.
    fn correct(&mut self, line: &Line, wanted: &BasketLine) -> Option<Reply> {
        let discount = wanted.loyalty_discount + wanted.coupon_match_discount;
        if line.price.amount() != wanted.unit_price {
            return Some(self.operation(104, None, wanted.unit_price));
        }
        (line.amounts.discount.amount() != discount).then(|| self.operation(300, None, discount))
    }

    fn pay(&mut self, basket: &Basket, sale: Option<&Sale>) -> Reply {
        let coupons: Decimal = basket.lines.iter().map(|line| line.manufacturer_coupon).sum();
        let coupon_paid = sale.is_some_and(|sale| sale.open_payments().any(|payment| payment.method.0 == "coupon"));
        if !coupons.is_zero() && !coupon_paid {
            return self.operation(200, Some("coupon"), coupons);
        }
        self.set_road(self.shop.outages.road(self.done, Stage::Payment));
        self.step_of(self.done, Step::Payment);
        self.operation(206, None, Decimal::ZERO)
    }

    /// Tells of a step, where it matters.
    fn step_of(&self, basket: usize, step: Step) {
        if self.shop.outages.kills(basket) {
            (self.shop.report)(Report::Reached { basket, step });
        }
    }

    fn tell_answers_lost(&mut self) {
        let so_far = self.shop.road.answers_lost();
        if so_far > self.state.answers_lost {
            self.state.answers_lost = so_far;
            (self.shop.report)(Report::AnswersLost { so_far });
        }
    }

    fn operation(&mut self, number: u16, parameter: Option<&str>, value: Decimal) -> Reply {
        self.state.number = value.to_string();
        Reply::Answer(Answer::Operation { number, parameter: parameter.map(str::to_owned) })
    }

    /// All is rung up: the road is mended, the register connected, and what is unsent goes up.
    fn finish(&mut self, view: &View) -> Reply {
        self.set_road(Condition::Up);
        if view.header.connection != ConnectionView::Online && self.tries_again() {
            return self.operation(917, None, Decimal::ZERO);
        }
        if (self.shop.drain)() {
            self.tell_answers_lost();
            return Reply::HungUp;
        }
        if view.header.connection == ConnectionView::Online && self.tries_again() {
            // The uploads met the last of the outage: the till hears of it, and connects again.
            return Reply::Answer(Answer::Entry(String::new()));
        }
        self.failure = Some("the outbox does not empty".to_owned());
        Reply::HungUp
    }

    /// Waits before another try, unless there were too many.
    fn tries_again(&mut self) -> bool {
        if self.state.refusals >= REFUSALS_MAX {
            return false;
        }
        self.state.refusals += 1;
        (self.shop.wait)();
        true
    }

    fn set_road(&mut self, condition: Condition) {
        if self.shop.road.condition() != condition
            && let Err(error) = self.shop.road.set(condition)
        {
            self.failure = Some(format!("the road cannot be changed: {error}"));
        }
    }
}

impl Desk for BasketDesk<'_> {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        if let Some(watch) = self.state.entered.take() {
            self.slowest_line_us = self.slowest_line_us.max(watch.elapsed_us());
        }
        if self.failure.is_some() {
            return Reply::HungUp;
        }
        self.tell_answers_lost();
        match &question.prompt {
            Prompt::Command => self.next(view),
            // A PIN counts as wrong until it is compared, and all registers have the same cashier: a scale unit that is killed often enough
            // while it compares locks him out.
            Prompt::Credentials(CredentialsPrompt { purpose: Purpose::Release { locked, .. }, .. }) => {
                self.failure = Some(format!("basket {}: {locked}", self.done));
                Reply::HungUp
            }
            Prompt::Credentials(_) => Reply::Answer(Answer::Credentials { operator: "000110".to_owned(), pin: Pin::new("123") }),
            Prompt::Number(prompt) => match &prompt.problem {
                None => Reply::Answer(Answer::Number(self.state.number.clone())),
                Some(problem) => {
                    self.failure = Some(format!("basket {}: {}: {problem}", self.done, prompt.title));
                    Reply::HungUp
                }
            },
            Prompt::Confirm(_) | Prompt::ConnectionStatus(_) => Reply::Answer(Answer::Yes),
            Prompt::Search(_) | Prompt::Wait(_) | Prompt::Page(_) => Reply::Answer(Answer::Cancel),
        }
    }

    fn show(&mut self, _: &Arc<View>) {}
}
