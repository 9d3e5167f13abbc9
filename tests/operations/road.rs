//! A channel at the other end of a road that a test can cut, slow down or spoil, and that remembers who may sign in.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::Duration;

use evertill::channel::{Channel, ChannelError, ErrorKind, Page, ProductSearch, Recorded, Refusal, Result, Upload};
use evertill::clock::{Clock, VirtualClock};
use evertill::connection::Failure;
use evertill::ids::{OperatorId, ProductId, RegisterId, TransactionId};
use evertill::retail::gift_card::GiftCard;
use evertill::retail::product::{Found, Product};
use evertill::retail::register::RegisterSetup;
use evertill::retail::staff::{Operator, Pin};
use evertill::retail::store::Store;

use super::goods;

/// What becomes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    /// It is answered.
    Up,
    /// Nobody listens.
    Down,
    /// Nothing comes back within the time-out; told at once, so that no test waits for it.
    Hangs,
    /// It is answered after so many milliseconds of the virtual clock.
    Slow(u64),
    /// The other side fails.
    Broken,
    /// It is answered, but headquarters is away.
    HeadquartersAway,
    /// It is answered, but what headquarters is asked never is.
    HeadquartersStuck,
    /// It is refused.
    Refuses(Refusal),
    /// It is answered, but for one product that is not known there.
    Without(String),
}

/// The road to the shop's database.
pub(super) struct Road {
    condition: Mutex<Condition>,
    clock: Arc<VirtualClock>,
    requests: Mutex<u32>,
    parked: Mutex<bool>,
    released: Condvar,
    /// What the other side says of the store, when it is not the shop's own.
    pub(super) store: Mutex<Option<Store>>,
    /// And of the register.
    pub(super) setup: Mutex<Option<RegisterSetup>>,
    /// Who works, each time the till said so.
    pub(super) operators: Mutex<Vec<Option<String>>>,
    /// Whom managers unlocked.
    pub(super) unlocked: Mutex<Vec<String>>,
}

impl Road {
    pub(super) fn new(clock: Arc<VirtualClock>) -> Arc<Self> {
        Arc::new(Self {
            condition: Mutex::new(Condition::Up),
            clock,
            requests: Mutex::new(0),
            parked: Mutex::new(false),
            released: Condvar::new(),
            store: Mutex::default(),
            setup: Mutex::default(),
            operators: Mutex::default(),
            unlocked: Mutex::default(),
        })
    }

    pub(super) fn set(&self, condition: Condition) {
        *self.condition.lock().unwrap() = condition;
    }

    /// Lets go of what headquarters never answers.
    pub(super) fn release(&self) {
        *self.parked.lock().unwrap() = true;
        self.released.notify_all();
    }

    /// How many requests were made since the last call.
    pub(super) fn take_requests(&self) -> u32 {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    fn pass(&self) -> Result<Arc<dyn Channel>> {
        *self.requests.lock().unwrap() += 1;
        match *self.condition.lock().unwrap() {
            Condition::Up | Condition::HeadquartersAway | Condition::HeadquartersStuck | Condition::Without(_) => Ok(goods::database()),
            Condition::Down => Err(ChannelError::unreachable(Failure::NobodyListens)),
            Condition::Hangs => Err(ChannelError::unreachable(Failure::TimedOut { after_ms: 1_000 })),
            Condition::Slow(ms) => {
                self.clock.sleep(Duration::from_millis(ms));
                Ok(goods::database())
            }
            Condition::Broken => Err(ChannelError::new(ErrorKind::Broken, "")),
            Condition::Refuses(refusal) => Err(ChannelError::refused(refusal, "")),
        }
    }
}

impl Channel for Road {
    fn store(&self, number: &str) -> Result<Store> {
        let known = self.pass()?.store(number);
        self.store.lock().unwrap().clone().map_or(known, Ok)
    }

    fn register(&self, register: &RegisterId) -> Result<RegisterSetup> {
        let known = self.pass()?.register(register);
        self.setup.lock().unwrap().clone().map_or(known, Ok)
    }

    fn gift_card(&self, number: &str) -> Result<Option<GiftCard>> {
        self.pass()?;
        match *self.condition.lock().unwrap() {
            Condition::HeadquartersAway => return Err(ChannelError::new(ErrorKind::HeadquartersAway, "")),
            Condition::HeadquartersStuck => {}
            Condition::Up
            | Condition::Down
            | Condition::Hangs
            | Condition::Slow(_)
            | Condition::Broken
            | Condition::Refuses(_)
            | Condition::Without(_) => {
                let card = || GiftCard { number: number.to_owned(), balance: "25.00 USD".parse().unwrap() };
                return Ok((number == "6035220001234567").then(card));
            }
        }
        // Until the test ends.
        let mut parked = self.parked.lock().unwrap();
        while !*parked {
            parked = self.released.wait(parked).unwrap();
        }
        Err(ChannelError::new(ErrorKind::HeadquartersAway, ""))
    }

    fn sign_in(&self, operator: &OperatorId, pin: &Pin) -> Result<Operator> {
        type Answers = HashMap<(String, String), Result<Operator>>;
        /// A PIN's hash takes long on purpose; each is computed once.
        static ANSWERS: LazyLock<Mutex<Answers>> = LazyLock::new(Mutex::default);
        let channel = self.pass()?;
        let asked = (operator.0.clone(), pin.reveal().to_owned());
        let mut answers = ANSWERS.lock().unwrap();
        answers.entry(asked).or_insert_with(|| channel.sign_in(operator, pin)).clone()
    }

    fn unlock(&self, operator: &OperatorId, _: &OperatorId, _: &Pin) -> Result<()> {
        self.pass()?;
        self.unlocked.lock().unwrap().push(operator.0.clone());
        Ok(())
    }

    fn set_operator(&self, operator: Option<&OperatorId>) {
        self.operators.lock().unwrap().push(operator.map(|operator| operator.0.clone()));
    }

    fn product_by_barcode(&self, code: &str) -> Result<Option<Found>> {
        let channel = self.pass()?;
        let is_unknown = *self.condition.lock().unwrap() == Condition::Without(code.to_owned());
        if is_unknown { Ok(None) } else { channel.product_by_barcode(code) }
    }

    fn product(&self, id: &ProductId) -> Result<Option<Product>> {
        self.pass()?.product(id)
    }

    fn search_products(&self, search: &ProductSearch) -> Result<Page> {
        self.pass()?.search_products(search)
    }

    fn record(&self, transaction: &Upload) -> Result<Recorded> {
        self.pass()?.record(transaction)
    }

    fn transaction(&self, id: &TransactionId) -> Result<Option<String>> {
        self.pass()?.transaction(id)
    }

    fn data_version(&self) -> Result<u64> {
        self.pass()?.data_version()
    }
}
