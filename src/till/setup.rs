//! How a till is put together, and the port through which it steers the uploads.

use std::sync::Arc;

use super::downloads::OfflineDatabase;
use super::{Activation, InHand, Sources, Till};
use crate::clock::{SharedClock, Tick};
use crate::connection::{Cause, Failure};
use crate::desk::{Background, Selection};
use crate::ids::{KeySource, RegisterId};
use crate::journal::{Journal, JournalError};
use crate::profile::Profile;
use crate::retail::barcode::Pattern;
use crate::retail::sale::Sale;
use crate::retail::store::Store;
use crate::retail::transaction::Event;
use crate::sync::upload::UploadStatus;
use crate::view::{Level, Look, Notice};

/// The uploads, as the till steers them.
pub trait Uploads: Send {
    /// A transaction waits.
    fn wake(&self);
    /// The register is online.
    fn went_online(&self);
    /// The register is offline: nothing is sent meanwhile.
    fn went_offline(&self);
    /// What happened last, for the connection status window.
    fn status(&self) -> UploadStatus;
}

/// All that a till is made of.
pub struct Setup {
    /// Serial of the last question the desk was asked before there was a till; 0 for none.
    pub last_serial: u64,
    /// The store's configuration.
    pub store: Store,
    /// Which register it is.
    pub register: RegisterId,
    /// Its own profile.
    pub own_profile: Profile,
    /// The same after headquarters has had its say.
    pub profile: Profile,
    /// The clock.
    pub clock: SharedClock,
    /// New transaction keys.
    pub keys: KeySource,
    /// The durable record.
    pub journal: Journal,
    /// Where it reads.
    pub sources: Sources,
    /// What goes up.
    pub uploads: Box<dyn Uploads>,
    /// What comes down.
    pub offline_database: Box<dyn OfflineDatabase>,
    /// Which register the device is.
    pub activation: Box<dyn Activation>,
    /// How headquarters wants the screen to look.
    pub look: Option<Arc<Look>>,
    /// Sends news to the desk that asks for this till.
    pub news: Arc<dyn Fn(Background) + Send + Sync>,
    /// How to sign in, in the sample store alone.
    pub sample_hint: Option<String>,
}

impl Till {
    /// A till at its sign-in screen, with the sale that was in hand when the register last stopped.
    pub fn open(setup: Setup) -> Result<Self, JournalError> {
        let Setup {
            last_serial,
            store,
            register,
            own_profile,
            profile,
            clock,
            keys,
            journal,
            mut sources,
            uploads,
            offline_database,
            activation,
            look,
            news,
            sample_hint,
        } = setup;
        let restored = journal.sale_in_hand()?;
        if restored.is_some() {
            sources.begin_transaction();
        }
        if let Some(Event::WentOffline { cause }) = journal.last_switch()? {
            stay_offline(&mut sources, &cause, restored.as_ref(), &profile, clock.tick());
        }
        let selected = restored.as_ref().and_then(|sale| sale.lines().last()).map(|line| Selection::Line(line.number));
        let notice = restored.is_some().then(|| Notice {
            level: Level::Info,
            text: "a sale is in hand, as it was when the register stopped".to_owned(),
            hint: "sign in to go on with it".to_owned(),
        });
        let signing_failed = matches!(journal.last_signing()?, Some(Event::SigningFailed { .. }));
        let last_activity = clock.tick();
        Ok(Self {
            in_hand: restored.map(|sale| InHand { totals: sale.totals(), sale: Arc::new(sale), age_checked: 0 }),
            selected,
            barcode_patterns: barcode_patterns(&store),
            store,
            register,
            own_profile,
            profile,
            clock,
            keys,
            journal,
            sources,
            uploads,
            uploading: true,
            offline_database,
            news,
            purged: None,
            activation,
            renewed: None,
            numbers: None,
            look,
            sample_hint,
            session: None,
            pending_quantity: None,
            notice,
            change_due: None,
            last_receipt: None,
            serial: last_serial,
            last_activity,
            signing_failed,
        })
    }
}

/// A restart is no way back online by itself: what a cashier disconnected a cashier connects, and a sale that went on offline ends
/// there. Without an offline database neither is possible, and the register begins online.
fn stay_offline(sources: &mut Sources, cause: &str, in_hand: Option<&Sale>, profile: &Profile, now: Tick) {
    if cause == Cause::Manual.to_string() {
        sources.disconnect();
    } else if in_hand.is_some() {
        let known = [Failure::NobodyListens, Failure::Cut, Failure::NoRoad, Failure::Garbled, Failure::NotTrusted];
        let failure = known.into_iter().find(|failure| failure.to_string() == cause);
        sources.unreachable(now, failure.unwrap_or(Failure::TimedOut { after_ms: profile.offline.timeout_ms }));
    }
}

/// The store's labels, ready to be read; headquarters and import refuse a pattern that is none.
pub(super) fn barcode_patterns(store: &Store) -> Vec<Pattern> {
    store.barcode_patterns.iter().filter_map(|known| known.parse().ok()).collect()
}
