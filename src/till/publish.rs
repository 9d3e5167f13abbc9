//! The picture the till publishes after each step.

use std::sync::Arc;

use super::Till;
use crate::clock::{Tick, Time};
use crate::connection::{Cause, OfflineMode, State};
use crate::journal::Unsent;
use crate::view::{ConnectionView, Header, Level, Notice, Screen, View};

impl Till {
    /// The picture of this moment.
    pub(super) fn view(&self) -> Arc<View> {
        let screen = self.screen();
        let sale = self.in_hand.as_ref().filter(|_| screen == Screen::Transaction);
        Arc::new(View {
            screen,
            header: self.header(),
            sale: sale.map(|in_hand| (Arc::clone(&in_hand.sale), in_hand.totals.clone())),
            selected: self.selected.filter(|_| sale.is_some()),
            pending_quantity: self.pending_quantity,
            notice: self.notice.clone(),
            change_due: self.change_due.clone().filter(|_| screen == Screen::Welcome),
            last_receipt: self.last_receipt.clone().filter(|_| self.session.is_some() && screen != Screen::Locked),
            look: self.look.clone(),
        })
    }

    fn header(&self) -> Header {
        let Unsent { sales, oldest_sale, set_aside, .. } = self.journal.unsent().unwrap_or_default();
        Header {
            store: format!("{} {}", self.store.name, self.store.number),
            register: self.register.number,
            operator: self.session.as_ref().map(|session| session.operator.name.clone()),
            shift: self.session.as_ref().map(|session| (session.shift.id.to_string(), session.shift.opened_at)),
            connection: self.connection_view(),
            unsent: sales,
            oldest_unsent: oldest_sale,
            set_aside,
            unsigned: self.signing_failed,
            utc_offset_minutes: self.store.utc_offset_minutes,
        }
    }

    pub(super) fn connection_view(&self) -> ConnectionView {
        match *self.sources.state() {
            State::Online => ConnectionView::Online,
            State::Offline { since, cause, next_try } => ConnectionView::Offline {
                since: self.wall_time(since),
                reason: cause.to_string(),
                next_try: next_try.map(|tick| self.wall_time(tick)),
            },
            State::Blocked { since, failure } => ConnectionView::Blocked {
                since: self.wall_time(since),
                reason: failure.to_string(),
                lacks: match self.sources.connection().offline() {
                    OfflineMode::Unsupported => "works online only",
                    OfflineMode::Ready | OfflineMode::NotReady => "no offline database yet",
                }
                .to_owned(),
            },
        }
    }

    /// A time as the store's clock on the wall says it.
    pub(super) fn local_time(&self, time: Time) -> String {
        self.local(time).format("%H:%M:%S").to_string()
    }

    /// A time moved by the store's distance from UTC, to be written.
    pub(super) fn local(&self, time: Time) -> Time {
        let offset = chrono::TimeDelta::minutes(i64::from(self.store.utc_offset_minutes));
        time.checked_add_signed(offset).unwrap_or(time)
    }

    /// What the wall clock says at a tick, past or to come, going by what it says at this moment.
    pub(super) fn wall_time(&self, tick: Tick) -> Time {
        let (now_tick, now) = (self.clock.tick(), self.clock.now());
        let ms = |later: Tick, earlier: Tick| chrono::TimeDelta::milliseconds(i64::try_from(later.since(earlier)).unwrap_or(i64::MAX));
        let (back, ahead) = (now.checked_sub_signed(ms(now_tick, tick)), now.checked_add_signed(ms(tick, now_tick)));
        if tick <= now_tick { back.unwrap_or(now) } else { ahead.unwrap_or(now) }
    }
}

/// What the notice line says when the register has gone offline.
pub(super) fn offline_notice(cause: Cause) -> Notice {
    let hint = match cause {
        Cause::Manual => "F12 connects again",
        Cause::Failure(_) | Cause::Slow { .. } => "go on selling; nothing is lost",
    };
    Notice { level: Level::Warning, text: format!("offline: {cause}"), hint: hint.to_owned() }
}

/// What it says when the register's own database cannot be used any more.
pub(super) fn offline_lost_notice() -> Notice {
    Notice {
        level: Level::Warning,
        text: "there is no offline database any more".to_owned(),
        hint: "the register sells while the scale unit answers".to_owned(),
    }
}

/// What the notice line says when the fiscal unit has failed.
pub(super) fn unsigned_notice(cause: String) -> Notice {
    Notice { level: Level::Warning, text: cause, hint: "go on selling; call support, as receipts are not signed".to_owned() }
}

/// What it says when the unit is back.
pub(super) fn signed_notice() -> Notice {
    Notice { level: Level::Info, text: "the signing unit works again".to_owned(), hint: "receipts are signed again".to_owned() }
}

/// What it says when it is back.
pub(super) fn online_notice() -> Notice {
    Notice { level: Level::Info, text: "online again".to_owned(), hint: "unsent sales are on their way".to_owned() }
}
