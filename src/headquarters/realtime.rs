//! The Real-time Service and P-0001, as one store's scale units may ask them.

use super::Headquarters;
use super::entities::own;
use super::error::Error;
use super::records::{self, text};
use crate::channel::{self, ChannelError, Refusal, Upload};
use crate::ids::RegisterId;
use crate::money::Money;
use crate::package::Report;
use crate::realtime::{self, Activated, Activation, Taken};
use crate::retail::gift_card::GiftCard;

impl Headquarters {
    /// Headquarters, as the scale units of a store may ask it: nothing of another store's is told or taken.
    pub fn for_store(&self, store: &str) -> impl realtime::Headquarters + use<> {
        StoreService { headquarters: self.clone(), store: store.to_owned() }
    }
}

struct StoreService {
    headquarters: Headquarters,
    store: String,
}

impl StoreService {
    fn who(&self) -> String {
        format!("store {}", self.store)
    }

    fn own_register(&self, register: &RegisterId) -> channel::Result<()> {
        if register.store == self.store {
            return Ok(());
        }
        Err(ChannelError::refused(Refusal::Forbidden, format!("register {register} is another store's")))
    }
}

impl realtime::Headquarters for StoreService {
    fn activate(&self, activation: &Activation) -> channel::Result<Activated> {
        Ok(self.headquarters.activate(&self.who(), &self.store, activation)?)
    }

    fn deactivate(&self, register: &RegisterId, device: &str) -> channel::Result<()> {
        self.own_register(register)?;
        Ok(self.headquarters.release(&self.who(), register, device)?)
    }

    fn gift_card(&self, number: &str) -> channel::Result<Option<GiftCard>> {
        let found = self.headquarters.database().read(|tx| records::get(tx, own("gift-card"), number))?;
        let card = |content| {
            let currency = text(&content, "currency").parse();
            let currency = currency.map_err(|_| Error::Database("a gift card has no currency".to_owned()))?;
            let balance = Money::parse(text(&content, "balance"), currency);
            let balance = balance.map_err(|_| Error::Database("a gift card has no balance".to_owned()))?;
            Ok(GiftCard { number: number.to_owned(), balance })
        };
        found.map(card).transpose()
    }

    fn take(&self, transactions: &[Upload]) -> channel::Result<Vec<Taken>> {
        Ok(self.headquarters.take(&self.store, transactions)?)
    }

    fn report(&self, reports: &[Report]) -> channel::Result<()> {
        reports.iter().filter_map(|report| report.register.as_ref()).try_for_each(|register| self.own_register(register))?;
        Ok(self.headquarters.note_reports(&self.store, reports)?)
    }
}
