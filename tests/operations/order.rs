//! The order of business: whatever a cashier tries, at any road, each step is one that may follow the step before.

use std::path::Path;
use std::sync::Arc;

use evertill::desk::{Answer, Desk, Prompt, Question, Reply};
use evertill::journal::Reader;
use evertill::retail::sale::Sale;
use evertill::retail::transaction::{Content, Event, Transaction};
use evertill::view::{Screen, View};
use proptest::prelude::*;

use super::books::{audit, may_follow};
use super::properties::AnyDesk;
use super::shop::Shop;

/// A cashier who does anything at all, with somebody who looks over his shoulder.
struct WatchedDesk<'a> {
    cashier: AnyDesk<'a>,
    /// What was begun last, until the till asks for more.
    begun: Option<Begun>,
}

/// What was begun, and on what.
struct Begun {
    operation: Option<u16>,
    /// The sale in hand then.
    before: Option<Arc<Sale>>,
}

impl Desk for WatchedDesk<'_> {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        let now = self.look(view);
        let reply = self.cashier.ask(view, question);
        if question.prompt == Prompt::Command && now {
            let operation = match &reply {
                Reply::Answer(Answer::Entry(_)) => Some(100),
                Reply::Answer(Answer::Operation { number, .. }) => Some(*number),
                Reply::Answer(_) | Reply::Background(_) | Reply::HungUp => None,
            };
            self.begun = Some(Begun { operation, before: view.sale.as_ref().map(|(sale, _)| Arc::clone(sale)) });
        }
        reply
    }

    fn show(&mut self, view: &Arc<View>) {
        self.look(view);
        self.cashier.show(view);
    }
}

impl WatchedDesk<'_> {
    /// Tests what is shown against what was; whether anything of the sale is shown at all.
    fn look(&self, view: &View) -> bool {
        if !matches!(view.screen, Screen::Welcome | Screen::Transaction) {
            return false;
        }
        if let Some(Begun { operation, before }) = &self.begun {
            let after = view.sale.as_ref().map(|(sale, _)| sale.as_ref());
            let order = may_follow(*operation, before.as_deref(), after, || newest_sale(&self.cashier.directory));
            assert_eq!(order, Ok(()), "{operation:?} made of {before:#?}\n{after:#?}");
        }
        true
    }
}

fn newest_sale(directory: &Path) -> Option<Transaction> {
    let newest = Reader::open(directory).unwrap().newest(20).unwrap();
    newest.iter().map(|entry| entry.transaction().unwrap()).find(Transaction::is_sale)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_step_is_one_that_may_follow(
        days in proptest::collection::vec(proptest::collection::vec(any::<u32>(), 20..120), 1..3),
        aggregates in any::<bool>(),
    ) {
        let mut shop = Shop::with(|store, _| store.functionality.aggregate_items = aggregates);
        for choices in days {
            let (clock, road) = (Arc::clone(&shop.clock), Arc::clone(&shop.road));
            let directory = shop.directory.path().to_owned();
            let cashier = AnyDesk { choices: choices.into_iter(), clock: &clock, road: &road, directory, found: None };
            let mut desk = WatchedDesk { cashier, begun: None };
            shop.till().run(&mut desk);
            shop.kill();
        }
        shop.verify();
        prop_assert_eq!(audit(&shop.records()), Ok(()));
    }
}

/// A shop where a manager lent every right once.
fn lent() -> Vec<Transaction> {
    let mut shop = Shop::closed();
    shop.play(
        "sign 200; scan bread; 301; type 10; sign 000110; scan cola; 102; sign 000110; 200; type 0.10; 211; sign 000110; 206;
         scan bread; 104; type 1; sign 000110; 206; scan cola; 500; sign 000110; yes",
    );
    shop.verify();
    shop.records()
}

#[test]
fn the_books_miss_each_word_of_the_manager() {
    let records = lent();
    assert_eq!(records.iter().filter(|record| record.is_sale()).count(), 3, "{records:#?}");
    assert_eq!(audit(&records), Ok(()));
    let authorized = |record: &Transaction| matches!(record.content, Content::Event(Event::ManagerAuthorized { .. }));
    let words: Vec<usize> = (0..records.len()).filter(|&place| authorized(&records[place])).collect();
    assert_eq!(words.len(), 5, "{records:#?}");
    for word in words {
        let without: Vec<Transaction> =
            records.iter().enumerate().filter(|(place, _)| *place != word).map(|(_, record)| record.clone()).collect();
        assert!(audit(&without).is_err(), "{:?}", records[word].content);
    }
    let mut twice = records.clone();
    twice.push(records.iter().find(|record| record.is_sale()).unwrap().clone());
    assert!(audit(&twice).is_err(), "a sale ends once");
}

#[test]
fn the_books_know_a_step_out_of_order() {
    let mut shop = Shop::open();
    let mut sale = |script: &str| shop.view(script).0.sale.as_ref().map(|(sale, _)| Sale::clone(sale));
    let one = sale("scan bread");
    let discounted = sale("301; type 10");
    let two = sale("scan cola");
    let paid = sale("200; type 0.10");
    let voided = sale("102");
    let ended = sale("206");
    let next = sale("scan cola");
    let no_record = || None;
    for (number, before, after, is_allowed) in [
        (Some(100), &None, &one, true),
        (Some(200), &None, &one, false),
        (None, &None, &one, false),
        (Some(100), &None, &two, false),
        (Some(300), &None, &discounted, false),
        (Some(301), &one, &discounted, true),
        (Some(105), &one, &discounted, false),
        (None, &one, &discounted, false),
        (Some(100), &discounted, &two, true),
        (Some(301), &discounted, &two, false),
        (Some(100), &one, &two, false),
        (Some(200), &two, &paid, true),
        (Some(100), &two, &paid, false),
        (Some(211), &paid, &two, false),
        (Some(102), &paid, &voided, true),
        (Some(211), &paid, &voided, false),
        (Some(206), &voided, &ended, false),
        (Some(100), &voided, &next, false),
    ] {
        assert_eq!(may_follow(number, before.as_ref(), after.as_ref(), no_record).is_ok(), is_allowed, "{number:?} {before:?} {after:?}");
    }
    let recorded = newest_sale(shop.directory.path());
    assert_eq!(may_follow(Some(206), voided.as_ref(), None, || recorded.clone()), Ok(()));
    assert!(may_follow(Some(105), voided.as_ref(), None, || recorded.clone()).is_err());
    assert!(may_follow(Some(500), voided.as_ref(), None, || recorded.clone()).is_err(), "it was sold");
    assert!(may_follow(Some(206), next.as_ref(), None, || recorded.clone()).is_err(), "another was");
}
