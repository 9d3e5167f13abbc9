//! A channel at the other end of a road that a test can cut, slow down or spoil, and that remembers who may sign in.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use evertill::channel::{Channel, ChannelError, ErrorKind, Page, ProductSearch, Recorded, Result, Upload};
use evertill::clock::{Clock, VirtualClock};
use evertill::connection::Failure;
use evertill::ids::{OperatorId, ProductId, TransactionId};
use evertill::retail::product::{Found, Product};
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
    /// It is answered, but for one product that is not known there.
    Without(String),
}

/// The road to the shop's database.
pub(super) struct Road {
    condition: Mutex<Condition>,
    clock: Arc<VirtualClock>,
    requests: Mutex<u32>,
}

impl Road {
    pub(super) fn new(clock: Arc<VirtualClock>) -> Arc<Self> {
        Arc::new(Self { condition: Mutex::new(Condition::Up), clock, requests: Mutex::new(0) })
    }

    pub(super) fn set(&self, condition: Condition) {
        *self.condition.lock().unwrap() = condition;
    }

    /// How many requests were made since the last call.
    pub(super) fn take_requests(&self) -> u32 {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    fn pass(&self) -> Result<Arc<dyn Channel>> {
        *self.requests.lock().unwrap() += 1;
        match *self.condition.lock().unwrap() {
            Condition::Up | Condition::Without(_) => Ok(goods::database()),
            Condition::Down => Err(ChannelError::unreachable(Failure::NobodyListens)),
            Condition::Hangs => Err(ChannelError::unreachable(Failure::TimedOut { after_ms: 1_000 })),
            Condition::Slow(ms) => {
                self.clock.sleep(Duration::from_millis(ms));
                Ok(goods::database())
            }
            Condition::Broken => Err(ChannelError::new(ErrorKind::Broken, "")),
        }
    }
}

impl Channel for Road {
    fn store(&self, number: &str) -> Result<Store> {
        self.pass()?.store(number)
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
