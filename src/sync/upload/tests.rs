use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::channel::{Page, ProductSearch, Result as Answer, Upload};
use crate::clock::{Clock, VirtualClock};
use crate::ids::{OperatorId, ProductId, RegisterId, TransactionId};
use crate::journal::testing::{Shop, at};
use crate::journal::{Progress, Reader, Unsent};
use crate::retail::gift_card::GiftCard;
use crate::retail::product::{Found, Product};
use crate::retail::register::RegisterSetup;
use crate::retail::staff::{Operator, Pin};
use crate::retail::store::Store;
use crate::retail::transaction::Transaction;

type Rule = Box<dyn Fn(&Transaction) -> Option<ChannelError> + Send>;

/// A scale unit that takes transactions in, once each, and fails as a test wants.
#[derive(Default)]
struct ScaleUnit {
    taken: Mutex<BTreeMap<TransactionId, String>>,
    /// Sequences of all requests, in order.
    asked: Mutex<Vec<u64>>,
    /// Fails before anything is taken in.
    before: Mutex<Option<Rule>>,
    /// Fails after it was taken in: the answer is lost.
    after: Mutex<Option<Rule>>,
    /// Whether it answers anything else.
    is_there: AtomicBool,
}

impl ScaleUnit {
    fn fails(&self, rule: impl Fn(&Transaction) -> Option<ChannelError> + Send + 'static) {
        *self.before.lock().unwrap() = Some(Box::new(rule));
    }

    fn loses_answers(&self, rule: impl Fn(&Transaction) -> Option<ChannelError> + Send + 'static) {
        *self.after.lock().unwrap() = Some(Box::new(rule));
    }

    fn heals(&self) {
        (*self.before.lock().unwrap(), *self.after.lock().unwrap()) = (None, None);
    }

    fn asked(&self) -> Vec<u64> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().values().cloned().collect()
    }
}

impl Channel for ScaleUnit {
    fn record(&self, upload: &Upload) -> Answer<Recorded> {
        let transaction = Transaction::from_canonical(&upload.canonical).unwrap();
        self.asked.lock().unwrap().push(transaction.sequence);
        let fail = |rule: &Mutex<Option<Rule>>| rule.lock().unwrap().as_ref().and_then(|rule| rule(&transaction)).map_or(Ok(()), Err);
        fail(&self.before)?;
        let there = self.taken.lock().unwrap().insert(upload.id, upload.canonical.clone());
        assert!(there.as_ref().is_none_or(|there| *there == upload.canonical), "the same key came with other content");
        fail(&self.after)?;
        Ok(if there.is_some() { Recorded::Already } else { Recorded::New })
    }

    fn store(&self, _: &str) -> Answer<Store> {
        Err(unasked())
    }
    fn register(&self, _: &RegisterId) -> Answer<RegisterSetup> {
        Err(unasked())
    }
    fn gift_card(&self, _: &str) -> Answer<Option<GiftCard>> {
        Err(unasked())
    }
    fn sign_in(&self, _: &OperatorId, _: &Pin) -> Answer<Operator> {
        Err(unasked())
    }
    fn product_by_barcode(&self, _: &str) -> Answer<Option<Found>> {
        Err(unasked())
    }
    fn product(&self, _: &ProductId) -> Answer<Option<Product>> {
        Err(unasked())
    }
    fn search_products(&self, _: &ProductSearch) -> Answer<Page> {
        Err(unasked())
    }
    fn transaction(&self, _: &TransactionId) -> Answer<Option<String>> {
        Err(unasked())
    }
    fn data_version(&self) -> Answer<u64> {
        if self.is_there.load(Ordering::SeqCst) { Ok(7) } else { Err(cut()) }
    }
}

fn unasked() -> ChannelError {
    ChannelError::new(ErrorKind::Unsupported, "")
}

fn cut() -> ChannelError {
    ChannelError::unreachable(Failure::Cut)
}

/// A register's journal, its uploader, and the scale unit.
struct Register {
    shop: Shop,
    clock: Arc<VirtualClock>,
    scale_unit: Arc<ScaleUnit>,
    uploader: Uploader,
    news: Receiver<Background>,
}

impl Register {
    fn open() -> Self {
        Self::prepared(|_, _| {})
    }

    /// Opens one whose journal and scale unit are made ready before the uploader starts.
    fn prepared(prepare: impl FnOnce(&mut Shop, &ScaleUnit)) -> Self {
        let (mut shop, scale_unit) = (Shop::open(), Arc::new(ScaleUnit::default()));
        prepare(&mut shop, &scale_unit);
        let clock = Arc::new(VirtualClock::at(at(100)));
        let (teller, news): (Sender<Background>, _) = channel();
        let uploader = Uploader::start(shop.outbox(), Arc::clone(&scale_unit) as _, 5_000, Arc::clone(&clock) as _, move |item| {
            let _ = teller.send(item);
        });
        let register = Self { shop, clock, scale_unit, uploader: uploader.unwrap(), news };
        register.uploader.wait_until_quiet();
        register
    }

    fn sell(&mut self) -> Transaction {
        let sold = self.shop.sell();
        self.uploader.wake();
        self.uploader.wait_until_quiet();
        sold
    }

    fn wait_ms(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms));
        self.uploader.wake();
        self.uploader.wait_until_quiet();
    }

    fn unsent(&self) -> Unsent {
        self.shop.journal.unsent().unwrap()
    }

    fn news(&self) -> Vec<Background> {
        self.news.try_iter().collect()
    }
}

#[test]
fn what_is_recorded_arrives_unchanged_and_once() {
    let mut register = Register::open();
    let sold = register.sell();
    register.uploader.wake();
    register.uploader.wait_until_quiet();
    assert_eq!((register.scale_unit.taken(), register.scale_unit.asked()), (vec![sold.canonical()], vec![1]));
    assert_eq!((register.unsent(), register.news()), (Unsent::default(), vec![Background::UploadProgress]));
    let status = register.uploader.status();
    assert_eq!((status.sent_total, status.last_error, status.last_success), (1, None, Some(at(100))));
}

#[test]
fn a_sale_is_in_the_journal_before_the_scale_unit_hears_of_it() {
    let mut register = Register::open();
    let directory = register.shop.directory.path().to_owned();
    register.scale_unit.fails(move |transaction| {
        let kept = Reader::open(&directory).unwrap().entry(&transaction.id).unwrap();
        assert_eq!(kept.expect("the record is not committed yet").canonical, transaction.canonical());
        None
    });
    register.sell();
    assert_eq!((register.unsent().sales, register.uploader.status().last_error), (0, None));
}

#[test]
fn a_backlog_goes_up_in_the_journals_order_with_news_once_a_batch() {
    let register = Register::prepared(|shop, _| (0..45).for_each(|_| drop(shop.sell())));
    assert_eq!(register.scale_unit.asked(), (1..=45).collect::<Vec<_>>());
    assert_eq!(register.news(), vec![Background::UploadProgress; 3]);
    assert_eq!(register.unsent(), Unsent::default());
}

#[test]
fn a_lost_answer_is_asked_for_again_and_the_sale_is_there_once() {
    let mut register = Register::open();
    register.scale_unit.loses_answers(|_| Some(cut()));
    let sold = register.sell();
    assert_eq!(register.unsent().sales, 1);
    assert_eq!(register.news(), vec![Background::UploadUnreachable { sent: Tick(0), failure: Failure::Cut }]);
    register.scale_unit.heals();
    register.uploader.went_online();
    register.uploader.wait_until_quiet();
    assert_eq!((register.scale_unit.taken(), register.scale_unit.asked()), (vec![sold.canonical()], vec![1, 1]));
    assert_eq!(register.unsent().sales, 0);
}

#[test]
fn without_an_answer_it_pauses_until_the_register_is_online_again() {
    let mut register = Register::open();
    register.scale_unit.fails(|_| Some(cut()));
    register.sell();
    register.scale_unit.heals();
    register.sell();
    register.wait_ms(3_600_000);
    assert_eq!((register.scale_unit.asked(), register.unsent().sales), (vec![1], 2));
    assert_eq!(register.uploader.status().last_error.as_deref(), Some("the connection was cut"));
    register.uploader.went_online();
    register.uploader.wait_until_quiet();
    assert_eq!((register.scale_unit.asked(), register.unsent().sales), (vec![1, 2], 0));
}

#[test]
fn a_record_that_alone_finds_no_answer_neither_takes_the_register_offline_nor_blocks_the_others() {
    for failure in [Failure::TimedOut { after_ms: 5_000 }, Failure::Cut, Failure::Garbled] {
        let nothing_for =
            |sequence: u64| move |transaction: &Transaction| (transaction.sequence == sequence).then(|| ChannelError::unreachable(failure));
        let mut register = Register::prepared(|shop, scale_unit| {
            scale_unit.is_there.store(true, Ordering::SeqCst);
            scale_unit.loses_answers(nothing_for(2));
            (0..4).for_each(|_| drop(shop.sell()));
        });
        assert_eq!((register.scale_unit.asked(), register.unsent().sales), (vec![1, 2, 3, 4], 1));
        register.sell();
        register.wait_ms(1_000);
        assert_eq!((register.scale_unit.asked(), register.unsent().sales), (vec![5, 2], 1));
        assert!(register.news().iter().all(|item| *item == Background::UploadProgress), "never unreachable");
        register.scale_unit.heals();
        register.wait_ms(60_000);
        assert_eq!((register.scale_unit.asked(), register.unsent(), register.scale_unit.taken().len()), (vec![2], Unsent::default(), 5));

        register.scale_unit.is_there.store(false, Ordering::SeqCst);
        register.scale_unit.fails(nothing_for(6));
        register.sell();
        assert!(matches!(register.news()[..], [.., Background::UploadUnreachable { failure: met, .. }] if met == failure));
    }
}

#[test]
fn nobody_there_is_no_records_fault() {
    for failure in [Failure::NobodyListens, Failure::NoRoad, Failure::NotTrusted] {
        let mut register = Register::open();
        register.scale_unit.is_there.store(true, Ordering::SeqCst);
        register.scale_unit.fails(move |_| Some(ChannelError::unreachable(failure)));
        register.sell();
        assert_eq!(register.news(), vec![Background::UploadUnreachable { sent: Tick(0), failure }]);
    }
}

#[test]
fn nothing_is_sent_while_offline() {
    let mut register = Register::open();
    register.uploader.went_offline();
    register.sell();
    assert!(register.uploader.is_quiet());
    assert_eq!(register.scale_unit.asked(), <[u64; 0]>::default());
    register.uploader.went_online();
    register.uploader.wait_until_quiet();
    assert_eq!(register.scale_unit.asked(), [1]);
}

#[test]
fn a_record_that_cannot_be_read_is_set_aside_unsent_and_the_others_go_on() {
    const CHANGES: [&str; 2] = [
        "UPDATE transactions SET canonical = CAST(x'7bff7d' AS TEXT) WHERE sequence = 2",
        "UPDATE transactions SET id = 'nobody' WHERE sequence = 2",
    ];
    for change in CHANGES {
        let register = Register::prepared(|shop, _| {
            (0..3).for_each(|_| drop(shop.sell()));
            shop.tamper(change);
        });
        assert_eq!(register.scale_unit.asked(), [1, 3], "{change}");
        assert_eq!(register.unsent().set_aside, 1, "{change}");
    }
}

#[test]
fn a_refused_record_is_set_aside_with_its_reason_and_the_others_go_on() {
    for refusal in [Refusal::Conflict, Refusal::Invalid] {
        let register = Register::prepared(|shop, scale_unit| {
            scale_unit.fails(move |transaction| {
                (transaction.sequence == 2).then(|| ChannelError::refused(refusal, "other content under this key"))
            });
            (0..4).for_each(|_| drop(shop.sell()));
        });
        assert_eq!(register.scale_unit.asked(), [1, 2, 3, 4]);
        let unsent = register.unsent();
        assert_eq!((unsent.sales, unsent.set_aside, unsent.oldest_sale), (1, 1, Some(at(1))));
        let entries = register.shop.reader().newest(10).unwrap();
        let Progress::SetAside { reason, .. } = &entries[2].progress else { panic!("{entries:?}") };
        assert!(reason.ends_with("other content under this key"), "{reason}");
        register.wait_ms(600_000);
        assert_eq!(register.scale_unit.asked(), <[u64; 0]>::default(), "it is not sent again");
    }
}

#[test]
fn a_refusal_of_the_register_itself_sets_nothing_aside() {
    for refusal in [Refusal::Device, Refusal::Credentials, Refusal::NotFound] {
        let mut register = Register::open();
        register.scale_unit.fails(move |_| Some(ChannelError::refused(refusal, "")));
        register.sell();
        assert_eq!((register.unsent().sales, register.unsent().set_aside), (1, 0));
        register.scale_unit.heals();
        register.wait_ms(1_000);
        assert_eq!(register.unsent().sales, 0);
    }
}

#[test]
fn one_bad_record_waits_ever_longer_and_blocks_no_other() {
    let mut register = Register::open();
    register.scale_unit.fails(|transaction| (transaction.sequence == 1).then(|| ChannelError::broken("500")));
    register.sell();
    register.sell();
    register.sell();
    assert_eq!(register.scale_unit.asked(), [1, 2, 3], "a new sale goes up without the bad one");
    for (wait_ms, asked) in [(999, vec![]), (1, vec![1]), (1_999, vec![]), (1, vec![1]), (4_000, vec![1]), (3_600_000, vec![1])] {
        register.wait_ms(wait_ms);
        assert_eq!(register.scale_unit.asked(), asked, "after {wait_ms} ms");
    }
    for _ in 0..4 {
        register.wait_ms(60_000);
        assert_eq!(register.scale_unit.asked(), [1], "never given up");
    }
    let Progress::Waiting { attempts: 9, problem: Some(problem) } = register.shop.reader().newest(3).unwrap().remove(2).progress else {
        panic!("nine attempts")
    };
    assert_eq!(problem, "the scale unit answered with an error: 500");
    register.scale_unit.heals();
    register.wait_ms(60_000);
    assert_eq!((register.scale_unit.asked(), register.unsent()), (vec![1], Unsent::default()));
}

#[test]
fn a_scale_unit_with_an_error_is_asked_seldom_and_every_record_gets_its_turn() {
    let register = Register::prepared(|shop, scale_unit| {
        scale_unit.fails(|transaction| (transaction.sequence <= 4).then(|| ChannelError::broken("503")));
        (0..6).for_each(|_| drop(shop.sell()));
    });
    assert_eq!(register.scale_unit.asked(), [1, 2, 3], "three errors in a row interrupt it");
    register.wait_ms(1_000);
    let asked = register.scale_unit.asked();
    assert_eq!(asked[..3], [4, 5, 6], "the next ones get their turn");
    assert_eq!(register.unsent().sales, 4);
    register.scale_unit.heals();
    register.wait_ms(60_000);
    register.wait_ms(60_000);
    assert_eq!(register.unsent(), Unsent::default());
}

#[test]
fn a_new_sale_does_not_wait_for_many_bad_records_and_each_of_them_gets_its_turn() {
    let mut register = Register::prepared(|shop, scale_unit| {
        scale_unit.fails(|transaction| (transaction.sequence <= 21).then(|| ChannelError::broken("500")));
        (0..21).for_each(|_| drop(shop.sell()));
    });
    (0..6).for_each(|_| register.wait_ms(60_000));
    assert_eq!(register.scale_unit.asked(), (1..=21).collect::<Vec<_>>());
    for again in [[1, 2, 3], [4, 5, 6], [7, 8, 9]] {
        register.wait_ms(60_000);
        assert_eq!(register.scale_unit.asked(), again);
        let sold = register.sell();
        assert_eq!((register.scale_unit.asked(), register.unsent().sales), (vec![sold.sequence], 21));
    }
    register.uploader.went_offline();
    let sold = register.sell();
    register.uploader.went_online();
    register.uploader.wait_until_quiet();
    assert_eq!(register.scale_unit.asked()[0], sold.sequence, "first what nobody has tried");
    register.scale_unit.heals();
    (0..2).for_each(|_| register.wait_ms(60_000));
    assert_eq!(register.unsent(), Unsent::default());
}

#[test]
fn going_offline_stops_it_between_two_records_and_coming_back_tries_all_again() {
    let register = Register::open();
    let Register { mut shop, scale_unit, uploader, .. } = register;
    let (reached, at_scale_unit) = channel();
    let (go_on, may_go_on) = channel::<()>();
    scale_unit.fails(move |_| {
        reached.send(()).unwrap();
        may_go_on.recv().unwrap();
        Some(ChannelError::broken("500"))
    });
    (0..3).for_each(|_| drop(shop.sell()));
    uploader.wake();
    at_scale_unit.recv().unwrap();
    uploader.went_offline();
    go_on.send(()).unwrap();
    uploader.wait_until_quiet();
    assert_eq!(scale_unit.asked(), [1]);
    scale_unit.heals();
    uploader.went_online();
    uploader.wait_until_quiet();
    assert_eq!(scale_unit.asked(), [2, 3, 1], "the first is not left to its wait");
}

#[test]
fn a_late_answer_of_an_earlier_time_online_does_not_pause_it() {
    let mut register = Register::open();
    let (reached, at_scale_unit) = channel();
    let (go_on, may_go_on) = channel::<()>();
    register.scale_unit.fails(move |_| {
        reached.send(()).unwrap();
        may_go_on.recv().ok().map(|()| cut())
    });
    register.shop.sell();
    register.uploader.wake();
    at_scale_unit.recv().unwrap();
    assert!(!register.uploader.is_quiet());
    register.uploader.went_offline();
    register.uploader.went_online();
    go_on.send(()).unwrap();
    drop(go_on);
    register.uploader.wait_until_quiet();
    assert_eq!((register.unsent().sales, register.news()), (0, vec![Background::UploadProgress]));
}

#[test]
fn a_hung_request_times_out_and_never_holds_up_closing() {
    let mut register = Register::open();
    let (reached, at_scale_unit) = channel();
    let (release, hung) = channel::<()>();
    register.scale_unit.fails(move |_| {
        reached.send(()).unwrap();
        let _ = hung.recv();
        None
    });
    register.shop.sell();
    register.uploader.wake();
    at_scale_unit.recv().unwrap();
    let (done, closing) = channel();
    let uploader = register.uploader;
    let closer = std::thread::spawn(move || {
        drop(uploader);
        done.send(()).unwrap();
    });
    // The request's own time-out is 5 s.
    assert!(closing.recv_timeout(Duration::from_secs(3)).is_ok(), "closing waited for a request that hangs");
    closer.join().unwrap();
    assert_eq!(register.shop.journal.unsent().unwrap().sales, 1);
    drop(release);
}

#[test]
fn a_request_that_takes_too_long_found_nobody_there() {
    let (mut shop, scale_unit) = (Shop::open(), Arc::new(ScaleUnit::default()));
    let (release, hung) = channel::<()>();
    scale_unit.fails(move |_| {
        let _ = hung.recv();
        None
    });
    shop.sell();
    let (teller, news) = channel();
    let clock = Arc::new(VirtualClock::at(at(0)));
    let uploader = Uploader::start(shop.outbox(), scale_unit, 50, clock, move |item| {
        let _ = teller.send(item);
    });
    uploader.unwrap().wait_until_quiet();
    let failure = Failure::TimedOut { after_ms: 50 };
    assert_eq!(news.try_iter().collect::<Vec<_>>(), [Background::UploadUnreachable { sent: Tick(0), failure }]);
    drop(release);
}

#[test]
fn a_journal_that_cannot_be_written_keeps_the_record_waiting_and_it_arrives_once() {
    let mut register = Register::open();
    register.shop.tamper("CREATE TRIGGER broken BEFORE UPDATE ON outbox BEGIN SELECT RAISE(ABORT, 'the disk is broken'); END");
    let sold = register.sell();
    assert_eq!((register.scale_unit.taken(), register.unsent().sales), (vec![sold.canonical()], 1));
    assert!(register.uploader.status().last_error.unwrap().contains("the disk is broken"));
    register.shop.tamper("DROP TRIGGER broken");
    register.wait_ms(1_000);
    assert_eq!((register.scale_unit.asked(), register.unsent().sales), (vec![1, 1], 0));
    assert_eq!(register.scale_unit.taken(), [sold.canonical()]);
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Cut,
    LostAnswer,
    Error,
    LostError,
    Hold,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_every_sale_arrives_once_and_unchanged(
        faults in vec(
            prop_oneof![3 => Just(Fault::None), 1 => Just(Fault::Cut), 1 => Just(Fault::LostAnswer), 1 => Just(Fault::Error),
                1 => Just(Fault::LostError), 1 => Just(Fault::Hold)], 1..40),
        steps in vec(0..5_u8, 1..20),
    ) {
        let mut register = Register::open();
        let faults = Arc::new(Mutex::new(faults.into_iter()));
        let now = Arc::new(Mutex::new(Fault::None));
        let current = Arc::clone(&now);
        register.scale_unit.fails(move |_| {
            let fault = faults.lock().unwrap().next().unwrap_or(Fault::None);
            *current.lock().unwrap() = fault;
            match fault {
                Fault::None | Fault::LostAnswer | Fault::LostError => None,
                Fault::Cut => Some(cut()),
                Fault::Error => Some(ChannelError::broken("500")),
                Fault::Hold => Some(ChannelError::refused(Refusal::Device, "")),
            }
        });
        register.scale_unit.loses_answers(move |_| match *now.lock().unwrap() {
            Fault::LostAnswer => Some(cut()),
            Fault::LostError => Some(ChannelError::broken("500")),
            Fault::None | Fault::Cut | Fault::Error | Fault::Hold => None,
        });
        let mut sold = Vec::new();
        for step in steps {
            match step {
                0 | 1 => sold.push(register.sell().canonical()),
                2 => register.wait_ms(2_000),
                3 => register.uploader.went_offline(),
                _ => register.uploader.went_online(),
            }
        }
        // A request that still fails after this would pause the uploader, rightly.
        register.uploader.wait_until_quiet();
        register.scale_unit.heals();
        register.uploader.went_online();
        (0..3).for_each(|_| register.wait_ms(60_000));
        let mut taken = register.scale_unit.taken();
        taken.sort();
        sold.sort();
        prop_assert_eq!(taken, sold);
        prop_assert_eq!(register.unsent(), Unsent::default());
    }
}
