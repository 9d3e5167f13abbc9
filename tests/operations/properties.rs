//! What holds for any cashier, however he behaves and whatever the road does: no panic, sums that agree, and a journal that has it all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evertill::clock::{Clock, Tick, VirtualClock};
use evertill::connection::Failure;
use evertill::desk::{Answer, Background, Desk, Prompt, Question, Reply, Selection};
use evertill::retail::sale::Sale;
use evertill::retail::staff::Pin;
use evertill::till::operations::TABLE;
use evertill::view::{Screen, View};
use proptest::prelude::*;

use super::road::{Condition, Road};
use super::shop::{Shop, in_hand};

const ENTRIES: [&str; 24] = [
    "cola",
    "cola",
    "bread",
    "3*bread",
    "2.5*ham",
    "ham",
    "nails",
    "any",
    "deli",
    "beer",
    "gin",
    "bag",
    "taxed",
    "included",
    "six",
    "yacht",
    "2212345610259",
    "2342345106664",
    "2*2254321010257",
    "nope",
    "9999*cola",
    "7*",
    "4006381333932",
    "\u{1b}[31m",
];
const NUMBERS: [&str; 18] = [
    "",
    "0",
    "1",
    "2",
    "3",
    "5",
    "10",
    "20",
    "100",
    "2.5",
    "0.01",
    "0.333333",
    "99999.99",
    "33.333",
    "-1",
    "1e30",
    "x",
    "123456789012345678901234567890",
];
const OPERATORS: [&str; 8] = ["000160", "000160", "000160", "000110", "000110", "200", "300", "9"];
const TEXTS: [&str; 5] = ["col", "ham", "zzzzqq", "", "test"];
const PARAMETERS: [Option<&str>; 6] = [None, None, None, Some("coupon"), Some("all"), Some("10")];

/// A cashier who answers as the numbers say: mostly what fits, sometimes not.
pub(super) struct AnyDesk<'a> {
    pub(super) choices: std::vec::IntoIter<u32>,
    pub(super) clock: &'a VirtualClock,
    pub(super) road: &'a Road,
    pub(super) directory: PathBuf,
    /// The sale that was last found in the journal.
    pub(super) found: Option<Arc<Sale>>,
}

impl Desk for AnyDesk<'_> {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        self.look(view);
        let Some(choice) = self.choices.next() else { return Reply::HungUp };
        let (sort, choice) = (choice % 16, choice as usize / 16);
        match sort {
            0 => self.change_the_road(choice),
            1 => return Reply::Background(news(choice, self.clock)),
            2 => self.clock.sleep(Duration::from_secs(choice as u64 % 400)),
            _ => {}
        }
        let prompt = if sort == 3 { any_prompt(choice) } else { question.prompt.clone() };
        Reply::Answer(answer(&prompt, choice / 7, view))
    }

    fn show(&mut self, view: &Arc<View>) {
        self.look(view);
    }
}

impl AnyDesk<'_> {
    /// What is shown adds up, and a killed register would find it again.
    fn look(&mut self, view: &View) {
        if !matches!(view.screen, Screen::Welcome | Screen::Transaction) {
            assert!(view.sale.is_none());
            return;
        }
        let Some((sale, totals)) = &view.sale else {
            if self.found.take().is_some() {
                assert_eq!(in_hand(&self.directory), None);
            }
            return;
        };
        assert_eq!(*totals, sale.totals());
        assert_eq!(totals.balance, totals.total + totals.rounding - totals.paid);
        assert!(!totals.balance.is_negative(), "{totals:?}");
        let verified = sale.verify();
        assert!(verified.as_ref().err().is_none_or(|why| why.ends_with("is left unpaid")), "{verified:?}");
        if self.found.as_ref() != Some(sale) {
            assert_eq!(in_hand(&self.directory).as_ref(), Some(sale.as_ref()));
            self.found = Some(Arc::clone(sale));
        }
    }

    fn change_the_road(&self, choice: usize) {
        let conditions = [Condition::Up, Condition::Down, Condition::Up, Condition::Hangs, Condition::Slow(500), Condition::Broken];
        self.road.set(conditions[choice % conditions.len()].clone());
    }
}

fn news(choice: usize, clock: &VirtualClock) -> Background {
    match choice % 5 {
        0 => Background::DeadlineReached,
        1 => Background::OfflineDatabaseReady,
        2 => Background::OfflineDatabaseFailed { why: "the disk is full".to_owned(), hint: String::new() },
        3 => Background::UploadProgress,
        _ => Background::UploadUnreachable { sent: Tick(clock.tick().0.saturating_sub(choice as u64 % 100)), failure: Failure::Cut },
    }
}

/// A prompt that was not asked.
fn any_prompt(choice: usize) -> Prompt {
    let confirm = evertill::desk::ConfirmPrompt { title: String::new(), question: String::new(), yes: String::new(), no: String::new() };
    let page = evertill::desk::Page { title: String::new(), rows: Vec::new(), action: None };
    [Prompt::Command, Prompt::Confirm(confirm), Prompt::Page(page)][choice % 3].clone()
}

fn answer(prompt: &Prompt, choice: usize, view: &View) -> Answer {
    let next = choice / 31;
    let cancels = choice.is_multiple_of(12);
    match prompt {
        Prompt::Command if choice.is_multiple_of(2) => Answer::Entry(ENTRIES[next % ENTRIES.len()].to_owned()),
        Prompt::Command if choice.is_multiple_of(11) => Answer::Select(selection(next, view)),
        Prompt::Command => {
            let parameter = PARAMETERS[next / 17 % PARAMETERS.len()].map(str::to_owned);
            Answer::Operation { number: TABLE[next % TABLE.len()].number, parameter }
        }
        _ if cancels => Answer::Cancel,
        Prompt::Credentials(_) => Answer::Credentials { operator: OPERATORS[next % OPERATORS.len()].to_owned(), pin: Pin::new("123") },
        Prompt::Number(_) => Answer::Number(NUMBERS[next % NUMBERS.len()].to_owned()),
        Prompt::Wait(_) => Answer::Cancel,
        Prompt::Confirm(_) | Prompt::Page(_) | Prompt::ConnectionStatus(_) => Answer::Yes,
        Prompt::Search(prompt) => match prompt.products.get(next % (prompt.products.len() + 1)) {
            Some(product) => Answer::Pick(product.id.clone()),
            None => Answer::SearchText(TEXTS[next % TEXTS.len()].to_owned()),
        },
    }
}

fn selection(choice: usize, view: &View) -> Selection {
    let lines = view.sale.as_ref().map_or(0, |(sale, _)| sale.lines().len());
    let number = u32::try_from(choice % (lines + 2)).unwrap();
    if choice.is_multiple_of(3) { Selection::Payment(number % 3) } else { Selection::Line(number) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_cashier_on_any_road_leaves_a_journal_that_is_whole(
        days in proptest::collection::vec(proptest::collection::vec(any::<u32>(), 5..60), 1..4),
        aggregates in any::<bool>(),
        has_database in any::<bool>(),
    ) {
        let mut shop = Shop::with(|store, profile| {
            store.functionality.aggregate_items = aggregates;
            profile.offline.advanced_switching = aggregates;
            profile.offline.manual_switch_before_sign_in = aggregates;
        });
        shop.database.lock().unwrap().open = has_database;
        shop.start();
        for choices in days {
            let (clock, road) = (Arc::clone(&shop.clock), Arc::clone(&shop.road));
            let directory = shop.directory.path().to_owned();
            let mut desk = AnyDesk { choices: choices.into_iter(), clock: &clock, road: &road, directory, found: None };
            shop.till().run(&mut desk);
            shop.verify();
            shop.kill();
        }
        shop.verify();
        for record in shop.sales() {
            prop_assert!(record.sale().is_some_and(|sale| sale.id == record.id));
        }
    }
}
