//! Whether the register works with the scale unit or with its own offline database.
//!
//! A pure state machine: the till hands in what happened and when, and is told what to do next. It opens no
//! socket, starts no thread and reads no clock. A request without an answer takes the register offline at once, and
//! the sale continues. The way back is tried when a transaction begins after the reconnection interval, never in
//! mid-sale. Offline by hand (operation 917) lasts until somebody connects, or there is nothing to work with offline; the
//! till itself connects for a device at which nobody can work.
//!
//! ```text
//!          no answer · slow · Disconnect
//!   Online ─────────────────────────────► Offline
//!    ▲  │  ◄─────────────────────────────    ▲
//!    │  │    try succeeded, between sales    │ offline database
//!    │  │ no answer, and no                  │ becomes usable
//!    │  └─────────────────────► Blocked ─────┘
//!    │    offline database         │
//!    └───────── an answer ─────────┘
//! ```
//!
//! A register that headquarters lets work online only never goes offline: without its scale unit it is blocked.

mod cause;

pub use cause::{Cause, Failure, Refusal};

use crate::clock::Tick;
use crate::profile::OfflineProfile;

/// The connection of one register.
#[derive(Clone, Debug)]
pub struct Connection {
    profile: OfflineProfile,
    state: State,
    offline: OfflineMode,
    sale_in_progress: bool,
    /// While a try to reconnect is open: until when its success counts.
    trying_until: Option<Tick>,
    /// When the source last became the scale unit. What was sent before says nothing about this period.
    online_since: Tick,
    slow_in_a_row: u32,
    last_probe: Tick,
    switches: u32,
    last_switch: Option<(Tick, Switch)>,
}

/// Where the register stands, as shown in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The scale unit answers, or has not been asked yet.
    Online,
    /// The register works with its offline database. The first transaction that begins at `next_try` or later
    /// tries the scale unit; `None` exactly when offline by hand.
    Offline {
        /// When it began.
        since: Tick,
        /// Why.
        cause: Cause,
        /// From when on a transaction that begins tries the scale unit.
        next_try: Option<Tick>,
    },
    /// The scale unit does not answer and there is no usable offline database: requests still go to the scale unit.
    Blocked {
        /// When it began.
        since: Tick,
        /// Why.
        failure: Failure,
    },
}

/// Where the till reads: from the scale unit or from its own database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The scale unit.
    Online,
    /// The register's own database.
    Offline,
}

/// What happened. `sent` is when the request was sent: what is known of it may come late. A refusal and an error of
/// the server's own are answers, and an expired real-time call is that operation's error: none of them is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A data request was answered, whatever the answer says.
    Answered {
        /// When it was asked.
        sent: Tick,
        /// How long the answer took.
        took_ms: u64,
    },
    /// A request got no answer. The till then asks [`Connection::source`] and, if that is offline, repeats it there.
    Unreachable {
        /// When it was asked.
        sent: Tick,
        /// Why nothing came.
        failure: Failure,
    },
    /// A transaction is about to begin. Its first line waits for the outcome of [`Action::TryReconnect`], if asked for.
    TransactionBegins,
    /// The transaction was concluded, suspended or voided.
    TransactionEnds,
    /// The outcome of [`Action::TryReconnect`].
    ReconnectSucceeded,
    /// The outcome of [`Action::TryReconnect`].
    ReconnectFailed,
    /// Operation 917: work offline until [`Event::Connect`]. May come in mid-sale.
    Disconnect,
    /// Operation 917: try the scale unit at once.
    Connect,
    /// [`Connection::next_deadline`] has come.
    DeadlineReached,
    /// The outcome of [`Action::Probe`]; a probe that fails is [`Event::Unreachable`].
    ProbeSucceeded {
        /// When it was asked.
        sent: Tick,
    },
    /// What the register has to work with offline is now this.
    OfflineMode(OfflineMode),
}

/// What a register has to work with offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfflineMode {
    /// A usable offline database.
    Ready,
    /// None yet, or none any more; it is being fetched.
    NotReady,
    /// Headquarters has *Support offline* at no: it works online only.
    Unsupported,
}

/// What the till must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Go on, with the source as it was.
    Stay,
    /// The source has changed: note it in the audit trail and, once online, start the uploads.
    Switched(Switch),
    /// Ask the scale unit whether it is there, before anything is sold. A success after `timeout_ms` does not count.
    TryReconnect {
        /// What it may cost the cashier.
        timeout_ms: u64,
    },
    /// Ask the scale unit in the background whether it is there.
    Probe {
        /// After that it counts as no answer.
        timeout_ms: u64,
    },
    /// The cashier cannot have that; nothing has changed.
    Refused(Refusal),
}

/// A change of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// To the scale unit.
    ToOnline,
    /// To the register's own database.
    ToOffline(Cause),
    /// Away from the register's own database, which cannot be used any more: questions go to the scale unit again, whether it answers or not.
    OfflineLost,
}

impl Connection {
    /// A register that has not spoken to the scale unit yet. It counts as online, so that its first request decides,
    /// and as having no offline database until [`Event::OfflineMode`].
    pub fn new(profile: OfflineProfile, now: Tick) -> Connection {
        Connection {
            profile,
            state: State::Online,
            offline: OfflineMode::NotReady,
            sale_in_progress: false,
            trying_until: None,
            online_since: now,
            slow_in_a_row: 0,
            last_probe: now,
            switches: 0,
            last_switch: None,
        }
    }

    /// Goes by another profile from now on; a time that is set already stays.
    pub fn configure(&mut self, profile: OfflineProfile) {
        self.profile = profile;
    }

    /// Takes in what happened at `now` and says what to do next.
    pub fn handle(&mut self, event: Event, now: Tick) -> Action {
        match event {
            Event::Answered { sent, took_ms } => self.answered(sent, took_ms, now),
            Event::Unreachable { sent, failure } => self.unreachable(sent, failure, now),
            Event::TransactionBegins => self.transaction_begins(now),
            Event::TransactionEnds => {
                self.sale_in_progress = false;
                Action::Stay
            }
            Event::ReconnectSucceeded => self.reconnect_succeeded(now),
            Event::ReconnectFailed => self.reconnect_failed(now),
            Event::Disconnect => self.disconnect(now),
            Event::Connect => self.connect(now),
            Event::DeadlineReached => self.deadline_reached(now),
            Event::ProbeSucceeded { sent } => self.probe_succeeded(sent, now),
            Event::OfflineMode(mode) => self.offline_mode(mode, now),
        }
    }

    /// When to hand in [`Event::DeadlineReached`] for the next background probe. `None` when offline by hand, and without advanced switching
    /// unless the register is blocked: what it has to send waits for an answer, whether anybody asks or not. (A try to reconnect has no
    /// deadline: it waits for a transaction.)
    pub fn next_deadline(&self) -> Option<Tick> {
        let by_hand = matches!(self.state, State::Offline { next_try: None, .. });
        let next = after_s(self.last_probe, self.profile.health_check_interval_s);
        let is_watched = self.profile.advanced_switching && !by_hand || matches!(self.state, State::Blocked { .. });
        is_watched.then_some(next)
    }

    /// Where the till reads.
    pub fn source(&self) -> Source {
        match self.state {
            State::Online | State::Blocked { .. } => Source::Online,
            State::Offline { .. } => Source::Offline,
        }
    }

    /// Where the register stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the register has to work with offline.
    pub fn offline(&self) -> OfflineMode {
        self.offline
    }

    /// How often the source has changed since the program's start.
    pub fn switches(&self) -> u32 {
        self.switches
    }

    /// The last change of the source since the program's start, and when it was.
    pub fn last_switch(&self) -> Option<(Tick, Switch)> {
        self.last_switch
    }

    fn answered(&mut self, sent: Tick, took_ms: u64, now: Tick) -> Action {
        match self.state {
            State::Offline { .. } => return Action::Stay,
            State::Blocked { .. } => self.state = State::Online,
            State::Online => {}
        }
        if !self.profile.advanced_switching || sent < self.online_since {
            return Action::Stay;
        }
        let over_ms = self.profile.slow_request_ms;
        if took_ms <= over_ms {
            self.slow_in_a_row = 0;
            return Action::Stay;
        }
        self.slow_in_a_row = self.slow_in_a_row.saturating_add(1);
        let requests = self.slow_in_a_row;
        // A slow scale unit is better than none: without an offline database the register stays with it.
        if requests < self.profile.slow_requests || self.offline != OfflineMode::Ready {
            return Action::Stay;
        }
        self.go_offline(Cause::Slow { requests, over_ms }, now)
    }

    fn unreachable(&mut self, sent: Tick, failure: Failure, now: Tick) -> Action {
        if self.state != State::Online || sent < self.online_since {
            return Action::Stay;
        }
        if self.offline == OfflineMode::Ready {
            return self.go_offline(Cause::Failure(failure), now);
        }
        let since = now;
        self.state = State::Blocked { since, failure };
        Action::Stay
    }

    fn transaction_begins(&mut self, now: Tick) -> Action {
        if self.sale_in_progress {
            return Action::Stay;
        }
        self.sale_in_progress = true;
        self.trying_until = None;
        if self.next_try().is_some_and(|due| now >= *due) {
            return self.try_reconnect(self.profile.reconnect_timeout_ms, now);
        }
        Action::Stay
    }

    fn reconnect_succeeded(&mut self, now: Tick) -> Action {
        if self.trying_until.is_none_or(|until| now > until) {
            return self.reconnect_failed(now);
        }
        self.trying_until = None;
        let was = self.source();
        self.state = State::Online;
        if was == Source::Online {
            return Action::Stay;
        }
        self.online_again(now);
        self.switched(Switch::ToOnline, now)
    }

    fn online_again(&mut self, now: Tick) {
        self.trying_until = None;
        self.online_since = now;
        self.slow_in_a_row = 0;
    }

    fn reconnect_failed(&mut self, now: Tick) -> Action {
        let later = after_s(now, self.profile.reconnect_interval_s);
        let was_trying = self.trying_until.take().is_some();
        if was_trying && let Some(due) = self.next_try() {
            *due = later;
        }
        Action::Stay
    }

    fn disconnect(&mut self, now: Tick) -> Action {
        match self.offline {
            OfflineMode::Ready => {}
            OfflineMode::NotReady => return Action::Refused(Refusal::NoOfflineDatabase),
            OfflineMode::Unsupported => return Action::Refused(Refusal::OnlineOnly),
        }
        match &mut self.state {
            State::Offline { cause, next_try, .. } => {
                *cause = Cause::Manual;
                *next_try = None;
                self.trying_until = None;
                Action::Stay
            }
            State::Online | State::Blocked { .. } => self.go_offline(Cause::Manual, now),
        }
    }

    fn connect(&mut self, now: Tick) -> Action {
        if self.state == State::Online {
            return Action::Stay;
        }
        if self.sale_in_progress {
            return Action::Refused(Refusal::SaleInProgress);
        }
        // The cashier asked for it, so it may take as long as any request.
        self.try_reconnect(self.profile.timeout_ms, now)
    }

    fn deadline_reached(&mut self, now: Tick) -> Action {
        if self.next_deadline().is_none_or(|due| now < due) {
            return Action::Stay;
        }
        self.last_probe = now;
        let timeout_ms = self.profile.timeout_ms;
        Action::Probe { timeout_ms }
    }

    /// A scale unit that is well again need not wait for the interval; one that was slow must.
    fn probe_succeeded(&mut self, sent: Tick, now: Tick) -> Action {
        match &mut self.state {
            State::Offline { since, cause: Cause::Failure(_), next_try: Some(due) } if sent >= *since => *due = now.min(*due),
            State::Blocked { .. } => self.state = State::Online,
            State::Online | State::Offline { .. } => {}
        }
        Action::Stay
    }

    /// A blocked register goes offline as soon as it can. One that loses its database while it is offline has only the scale unit left,
    /// by hand or not.
    fn offline_mode(&mut self, mode: OfflineMode, now: Tick) -> Action {
        self.offline = mode;
        match self.state {
            State::Blocked { failure, .. } if mode == OfflineMode::Ready => self.go_offline(Cause::Failure(failure), now),
            State::Offline { since, cause, .. } if mode != OfflineMode::Ready => {
                self.state = if let Cause::Failure(failure) = cause { State::Blocked { since, failure } } else { State::Online };
                self.online_again(now);
                self.switched(Switch::OfflineLost, now)
            }
            State::Online | State::Blocked { .. } | State::Offline { .. } => Action::Stay,
        }
    }

    /// When the next transaction may try the scale unit, if it ever may.
    fn next_try(&mut self) -> Option<&mut Tick> {
        match &mut self.state {
            State::Offline { next_try, .. } => next_try.as_mut(),
            State::Online | State::Blocked { .. } => None,
        }
    }

    fn try_reconnect(&mut self, timeout_ms: u64, now: Tick) -> Action {
        self.trying_until = Some(now.plus_ms(timeout_ms));
        Action::TryReconnect { timeout_ms }
    }

    fn go_offline(&mut self, cause: Cause, now: Tick) -> Action {
        let by_itself = cause != Cause::Manual;
        let next_try = by_itself.then(|| after_s(now, self.profile.reconnect_interval_s));
        self.state = State::Offline { since: now, cause, next_try };
        self.trying_until = None;
        self.switched(Switch::ToOffline(cause), now)
    }

    fn switched(&mut self, switch: Switch, now: Tick) -> Action {
        self.switches = self.switches.saturating_add(1);
        self.last_switch = Some((now, switch));
        Action::Switched(switch)
    }
}

fn after_s(start: Tick, seconds: u64) -> Tick {
    start.plus_ms(seconds.saturating_mul(1_000))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: Failure = Failure::NobodyListens;
    const TIMED_OUT: Failure = Failure::TimedOut { after_ms: 1_000 };
    const TRY: Action = Action::TryReconnect { timeout_ms: 300 };
    const PROBE: Action = Action::Probe { timeout_ms: 1_000 };
    const ONLINE: Action = Action::Switched(Switch::ToOnline);
    const BY_HAND: Action = Action::Switched(Switch::ToOffline(Cause::Manual));

    /// A register with the default profile and a usable offline database, followed through a day.
    struct Register {
        connection: Connection,
    }

    impl Register {
        fn with(profile: OfflineProfile) -> Register {
            let mut connection = Connection::new(profile, Tick(0));
            connection.handle(Event::OfflineMode(OfflineMode::Ready), Tick(0));
            Register { connection }
        }

        fn new() -> Register {
            Register::with(OfflineProfile::default())
        }

        fn advanced() -> Register {
            Register::with(OfflineProfile { advanced_switching: true, ..OfflineProfile::default() })
        }

        fn without_offline_database() -> Register {
            let mut register = Register::new();
            register.at(0, Event::OfflineMode(OfflineMode::NotReady), Action::Stay);
            register
        }

        /// One line of the story: at `ms` this happens, and the till is told that.
        #[track_caller]
        fn at(&mut self, ms: u64, event: Event, action: Action) {
            assert_eq!(self.connection.handle(event, Tick(ms)), action, "{event:?} at {ms} ms");
        }

        #[track_caller]
        fn is(&self, source: Source) {
            assert_eq!(self.connection.source(), source);
        }

        #[track_caller]
        fn stands(&self, state: State) {
            assert_eq!(*self.connection.state(), state);
        }
    }

    fn answered(sent_ms: u64, took_ms: u64) -> Event {
        Event::Answered { sent: Tick(sent_ms), took_ms }
    }

    fn unreachable(sent_ms: u64, failure: Failure) -> Event {
        Event::Unreachable { sent: Tick(sent_ms), failure }
    }

    fn probe_succeeded(sent_ms: u64) -> Event {
        Event::ProbeSucceeded { sent: Tick(sent_ms) }
    }

    fn offline_by(failure: Failure) -> Action {
        Action::Switched(Switch::ToOffline(Cause::Failure(failure)))
    }

    fn offline(since_ms: u64, cause: Cause, next_try_ms: Option<u64>) -> State {
        State::Offline { since: Tick(since_ms), cause, next_try: next_try_ms.map(Tick) }
    }

    // Sentences in the names are those of the two articles on offline mode.

    #[test]
    fn goes_offline_whenever_the_scale_unit_is_unavailable() {
        for failure in [TIMED_OUT, REFUSED, Failure::Cut, Failure::NoRoad, Failure::Garbled, Failure::NotTrusted] {
            let mut register = Register::new();
            register.is(Source::Online);
            register.at(5_000, unreachable(4_000, failure), offline_by(failure));
            register.is(Source::Offline);
            register.stands(offline(5_000, Cause::Failure(failure), Some(305_000)));
        }
    }

    #[test]
    fn if_a_data_request_does_not_succeed_within_the_time_out_it_switches_and_continues_the_sale() {
        let mut register = Register::new();
        register.at(1_000, Event::TransactionBegins, Action::Stay);
        register.at(2_050, answered(2_000, 50), Action::Stay);
        register.at(4_000, unreachable(3_000, TIMED_OUT), offline_by(TIMED_OUT));
        register.is(Source::Offline);
        register.at(9_000, Event::TransactionEnds, Action::Stay);
        register.is(Source::Offline);
    }

    #[test]
    fn it_tries_to_reconnect_after_the_interval_and_only_at_the_beginning_of_a_transaction() {
        let mut register = Register::new();
        register.at(10_000, Event::TransactionBegins, Action::Stay);
        register.at(11_000, unreachable(10_000, TIMED_OUT), offline_by(TIMED_OUT));
        register.at(20_000, Event::TransactionEnds, Action::Stay);
        register.at(310_999, Event::TransactionBegins, Action::Stay);
        register.at(320_000, Event::TransactionEnds, Action::Stay);
        register.at(330_000, Event::TransactionBegins, TRY);
        register.at(330_100, Event::ReconnectSucceeded, ONLINE);
        register.stands(State::Online);
        register.at(340_000, Event::TransactionEnds, Action::Stay);
        register.at(350_000, Event::TransactionBegins, Action::Stay);
    }

    #[test]
    fn the_interval_has_passed_when_its_last_millisecond_has() {
        let mut register = Register::new();
        register.at(11_000, unreachable(10_000, TIMED_OUT), offline_by(TIMED_OUT));
        register.at(311_000, Event::TransactionBegins, TRY);
    }

    #[test]
    fn a_try_that_fails_is_repeated_after_the_next_interval() {
        let mut register = Register::new();
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(400_000, Event::TransactionBegins, TRY);
        register.at(400_300, Event::ReconnectFailed, Action::Stay);
        register.stands(offline(1_000, Cause::Failure(REFUSED), Some(700_300)));
        register.at(410_000, Event::TransactionEnds, Action::Stay);
        register.at(700_299, Event::TransactionBegins, Action::Stay);
        register.at(700_299, Event::TransactionEnds, Action::Stay);
        register.at(700_300, Event::TransactionBegins, TRY);
    }

    #[test]
    fn a_try_reported_twice_as_failed_is_put_off_once() {
        let mut register = Register::new();
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(400_000, Event::TransactionBegins, TRY);
        register.at(400_300, Event::ReconnectFailed, Action::Stay);
        register.at(450_000, Event::ReconnectFailed, Action::Stay);
        register.at(460_000, Event::ReconnectSucceeded, Action::Stay);
        register.stands(offline(1_000, Cause::Failure(REFUSED), Some(700_300)));
    }

    #[test]
    fn a_try_that_succeeds_too_late_finds_a_sale_in_progress_and_does_not_switch() {
        let rows = [(400_300, ONLINE), (400_301, Action::Stay)];
        for (answer_ms, action) in rows {
            let mut register = Register::new();
            register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
            register.at(400_000, Event::TransactionBegins, TRY);
            register.at(answer_ms, Event::ReconnectSucceeded, action);
        }
        let mut register = Register::new();
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(400_000, Event::TransactionBegins, TRY);
        register.at(400_200, Event::ReconnectFailed, Action::Stay);
        register.at(400_250, Event::ReconnectSucceeded, Action::Stay);
        register.is(Source::Offline);
    }

    #[test]
    fn a_sale_that_begins_while_connecting_by_hand_stays_offline() {
        let mut register = Register::new();
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(2_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
        register.at(2_100, Event::TransactionBegins, Action::Stay);
        register.at(2_200, Event::ReconnectSucceeded, Action::Stay);
        register.is(Source::Offline);
    }

    #[test]
    fn one_failure_switches_once_however_often_and_late_it_is_reported() {
        let mut register = Register::new();
        let upload = unreachable(500, TIMED_OUT);
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(1_500, upload, Action::Stay);
        register.stands(offline(1_000, Cause::Failure(REFUSED), Some(301_000)));
        register.at(2_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
        register.at(2_010, Event::ReconnectSucceeded, ONLINE);
        register.at(2_020, upload, Action::Stay);
        register.is(Source::Online);
        register.at(2_030, unreachable(2_010, Failure::Cut), offline_by(Failure::Cut));
    }

    #[test]
    fn a_late_answer_does_not_bring_an_offline_register_back() {
        let mut register = Register::advanced();
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(1_100, answered(800, 300), Action::Stay);
        register.at(1_200, probe_succeeded(1_100), Action::Stay);
        register.is(Source::Offline);
    }

    #[test]
    fn button_917_disconnects_when_connected_and_connects_when_disconnected() {
        let mut register = Register::new();
        register.at(1_000, Event::Connect, Action::Stay);
        register.at(2_000, Event::Disconnect, BY_HAND);
        register.stands(offline(2_000, Cause::Manual, None));
        register.at(3_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
        register.at(3_010, Event::ReconnectSucceeded, ONLINE);
        register.is(Source::Online);
    }

    #[test]
    fn disconnected_by_hand_it_never_reconnects_by_itself() {
        let mut register = Register::advanced();
        register.at(1_000, Event::TransactionBegins, Action::Stay);
        register.at(2_000, Event::Disconnect, BY_HAND);
        register.at(3_000, Event::TransactionEnds, Action::Stay);
        register.at(900_000, Event::TransactionBegins, Action::Stay);
        register.at(900_100, Event::ReconnectSucceeded, Action::Stay);
        register.at(900_200, probe_succeeded(900_100), Action::Stay);
        register.at(900_300, Event::TransactionEnds, Action::Stay);
        register.at(900_400, Event::TransactionBegins, Action::Stay);
        register.stands(offline(2_000, Cause::Manual, None));
    }

    #[test]
    fn connecting_waits_for_the_end_of_the_sale() {
        let mut register = Register::new();
        register.at(1_000, Event::TransactionBegins, Action::Stay);
        register.at(2_000, Event::Disconnect, BY_HAND);
        register.at(3_000, Event::Connect, Action::Refused(Refusal::SaleInProgress));
        register.at(4_000, Event::TransactionEnds, Action::Stay);
        register.at(5_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
    }

    #[test]
    fn connecting_in_vain_leaves_it_as_it_was() {
        let by_failure = (unreachable(900, REFUSED), Cause::Failure(REFUSED), Some(303_000));
        let by_hand = (Event::Disconnect, Cause::Manual, None);
        for (event, cause, next_try_ms) in [by_failure, by_hand] {
            let mut register = Register::new();
            register.at(1_000, event, Action::Switched(Switch::ToOffline(cause)));
            register.at(2_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
            register.at(3_000, Event::ReconnectFailed, Action::Stay);
            register.stands(offline(1_000, cause, next_try_ms));
        }
    }

    #[test]
    fn a_try_from_before_disconnecting_does_not_connect() {
        let mut register = Register::without_offline_database();
        register.at(1_000, unreachable(900, REFUSED), Action::Stay);
        register.at(2_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
        register.at(2_100, answered(2_050, 50), Action::Stay);
        register.at(2_200, Event::OfflineMode(OfflineMode::Ready), Action::Stay);
        register.at(2_300, Event::Disconnect, BY_HAND);
        register.at(2_400, Event::ReconnectSucceeded, Action::Stay);
        register.stands(offline(2_300, Cause::Manual, None));
    }

    #[test]
    fn disconnecting_while_offline_by_failure_makes_it_last() {
        let mut register = Register::new();
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(400_000, Event::TransactionBegins, TRY);
        register.at(400_010, Event::Disconnect, Action::Stay);
        register.at(400_020, Event::ReconnectSucceeded, Action::Stay);
        register.stands(offline(1_000, Cause::Manual, None));
    }

    #[test]
    fn a_new_register_is_online_and_has_no_offline_database_until_told() {
        let mut connection = Connection::new(OfflineProfile::default(), Tick(0));
        assert_eq!(*connection.state(), State::Online);
        let refused = Action::Refused(Refusal::NoOfflineDatabase);
        assert_eq!(connection.handle(Event::Disconnect, Tick(1)), refused);
        connection.handle(Event::OfflineMode(OfflineMode::Ready), Tick(2));
        assert_eq!(connection.handle(Event::Disconnect, Tick(3)), BY_HAND);
    }

    #[test]
    fn without_an_offline_database_it_is_blocked_until_the_scale_unit_answers() {
        let mut register = Register::without_offline_database();
        register.at(1_000, unreachable(900, REFUSED), Action::Stay);
        register.stands(State::Blocked { since: Tick(1_000), failure: REFUSED });
        register.is(Source::Online);
        register.at(2_000, unreachable(1_900, TIMED_OUT), Action::Stay);
        register.at(3_000, Event::Disconnect, Action::Refused(Refusal::NoOfflineDatabase));
        register.stands(State::Blocked { since: Tick(1_000), failure: REFUSED });
        register.at(4_000, answered(3_900, 100), Action::Stay);
        register.stands(State::Online);
        register.at(5_000, Event::Disconnect, Action::Refused(Refusal::NoOfflineDatabase));
        assert_eq!(register.connection.switches(), 0);
    }

    #[test]
    fn a_blocked_register_goes_offline_when_its_offline_database_becomes_usable() {
        let mut register = Register::without_offline_database();
        register.at(1_000, Event::TransactionBegins, Action::Stay);
        register.at(2_000, unreachable(1_900, REFUSED), Action::Stay);
        register.at(3_000, Event::OfflineMode(OfflineMode::Ready), offline_by(REFUSED));
        register.stands(offline(3_000, Cause::Failure(REFUSED), Some(303_000)));
    }

    #[test]
    fn a_blocked_register_can_be_connected_by_hand_or_by_a_probe() {
        let outcomes = [Event::ReconnectSucceeded, probe_succeeded(2_000)];
        for outcome in outcomes {
            let mut register = Register::without_offline_database();
            register.at(1_000, unreachable(900, REFUSED), Action::Stay);
            register.at(2_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
            register.at(2_100, outcome, Action::Stay);
            register.stands(State::Online);
        }
    }

    #[test]
    fn a_try_that_succeeds_counts_once() {
        let mut register = Register::without_offline_database();
        register.at(1_000, unreachable(900, REFUSED), Action::Stay);
        register.at(2_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
        register.at(2_100, Event::ReconnectSucceeded, Action::Stay);
        register.at(2_200, unreachable(2_150, REFUSED), Action::Stay);
        register.at(2_300, Event::ReconnectSucceeded, Action::Stay);
        register.stands(State::Blocked { since: Tick(2_200), failure: REFUSED });
    }

    #[test]
    fn an_offline_database_lost_while_offline_leaves_only_the_scale_unit() {
        let lost = Action::Switched(Switch::OfflineLost);
        for mode in [OfflineMode::NotReady, OfflineMode::Unsupported] {
            let mut register = Register::new();
            register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
            register.at(1_500, Event::TransactionBegins, Action::Stay);
            register.at(2_000, Event::OfflineMode(mode), lost);
            register.stands(State::Blocked { since: Tick(1_000), failure: REFUSED });
            register.is(Source::Online);
            register.at(3_000, answered(2_900, 100), Action::Stay);
            register.stands(State::Online);
        }
        let mut register = Register::new();
        register.at(1_000, Event::Disconnect, BY_HAND);
        register.at(2_000, Event::OfflineMode(OfflineMode::NotReady), lost);
        register.stands(State::Online);
        register.at(2_100, unreachable(1_900, REFUSED), Action::Stay);
        register.stands(State::Online);
        register.at(2_200, unreachable(2_150, REFUSED), Action::Stay);
        register.stands(State::Blocked { since: Tick(2_200), failure: REFUSED });
        register.at(3_000, Event::OfflineMode(OfflineMode::Ready), offline_by(REFUSED));
    }

    #[test]
    fn a_register_without_support_for_offline_is_blocked_without_its_scale_unit_and_never_offline() {
        let mut register = Register::advanced();
        register.at(0, Event::OfflineMode(OfflineMode::Unsupported), Action::Stay);
        register.at(500, Event::Disconnect, Action::Refused(Refusal::OnlineOnly));
        for ms in [1_000, 2_000, 3_000, 4_000] {
            register.at(ms, answered(ms - 500, 500), Action::Stay);
        }
        register.at(5_000, Event::TransactionBegins, Action::Stay);
        register.at(6_000, unreachable(5_900, REFUSED), Action::Stay);
        register.stands(State::Blocked { since: Tick(6_000), failure: REFUSED });
        register.at(7_000, Event::Disconnect, Action::Refused(Refusal::OnlineOnly));
        register.at(8_000, answered(7_950, 50), Action::Stay);
        register.stands(State::Online);
        assert_eq!((register.connection.switches(), register.connection.offline()), (0, OfflineMode::Unsupported));
    }

    #[test]
    fn three_slow_requests_in_a_row_take_it_offline_with_advanced_switching_only() {
        let slow = Cause::Slow { requests: 3, over_ms: 400 };
        let rows = [
            (Register::advanced(), [401, 500, 900], Action::Switched(Switch::ToOffline(slow))),
            (Register::advanced(), [401, 500, 400], Action::Stay),
            (Register::new(), [401, 500, 900], Action::Stay),
            (Register::without_offline_database(), [401, 500, 900], Action::Stay),
        ];
        for (mut register, [first, second, third], action) in rows {
            register.at(1_000, answered(100, first), Action::Stay);
            register.at(2_000, answered(1_100, second), Action::Stay);
            register.at(3_000, answered(2_100, third), action);
        }
    }

    #[test]
    fn slow_requests_are_counted_anew_after_a_quick_one_and_after_coming_back() {
        let mut register = Register::advanced();
        for (ms, took_ms) in [(1_000, 500), (2_000, 500), (3_000, 10), (4_000, 500), (5_000, 500)] {
            register.at(ms, answered(ms - took_ms, took_ms), Action::Stay);
        }
        register.at(6_000, unreachable(5_900, REFUSED), offline_by(REFUSED));
        register.at(7_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
        register.at(7_010, Event::ReconnectSucceeded, ONLINE);
        register.at(7_400, answered(6_900, 500), Action::Stay);
        register.at(8_000, answered(7_500, 500), Action::Stay);
        register.at(9_000, answered(8_500, 500), Action::Stay);
        register.is(Source::Online);
    }

    #[test]
    fn a_slow_scale_unit_without_an_offline_database_does_not_block() {
        let mut register = Register::advanced();
        register.at(0, Event::OfflineMode(OfflineMode::NotReady), Action::Stay);
        for ms in [1_000, 2_000, 3_000, 4_000] {
            register.at(ms, answered(ms - 500, 500), Action::Stay);
        }
        register.stands(State::Online);
    }

    #[test]
    fn with_advanced_switching_it_probes_every_minute_online_and_offline() {
        let mut register = Register::advanced();
        assert_eq!(register.connection.next_deadline(), Some(Tick(60_000)));
        register.at(59_999, Event::DeadlineReached, Action::Stay);
        register.at(60_500, Event::DeadlineReached, PROBE);
        register.at(60_501, Event::DeadlineReached, Action::Stay);
        assert_eq!(register.connection.next_deadline(), Some(Tick(120_500)));
        register.at(61_500, unreachable(60_500, TIMED_OUT), offline_by(TIMED_OUT));
        register.at(120_500, Event::DeadlineReached, PROBE);
        register.at(121_000, Event::Disconnect, Action::Stay);
        assert_eq!(register.connection.next_deadline(), None);
        register.at(999_000, Event::DeadlineReached, Action::Stay);
        assert_eq!(Register::new().connection.next_deadline(), None);
    }

    #[test]
    fn a_blocked_register_is_online_again_without_anybody_asking() {
        let mut register = Register::without_offline_database();
        register.at(1_000, unreachable(1_000, REFUSED), Action::Stay);
        register.stands(State::Blocked { since: Tick(1_000), failure: REFUSED });
        register.at(60_500, Event::DeadlineReached, PROBE);
        register.at(60_600, probe_succeeded(60_500), Action::Stay);
        register.stands(State::Online);
        assert_eq!(register.connection.next_deadline(), None);
    }

    #[test]
    fn a_probe_that_succeeds_brings_the_next_try_forward_but_never_switches() {
        let mut register = Register::advanced();
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(61_000, probe_succeeded(999), Action::Stay);
        register.stands(offline(1_000, Cause::Failure(REFUSED), Some(301_000)));
        register.at(62_000, probe_succeeded(61_000), Action::Stay);
        register.stands(offline(1_000, Cause::Failure(REFUSED), Some(62_000)));
        register.at(122_000, probe_succeeded(121_000), Action::Stay);
        register.stands(offline(1_000, Cause::Failure(REFUSED), Some(62_000)));
        register.at(130_000, Event::TransactionBegins, TRY);
    }

    #[test]
    fn after_slow_requests_the_interval_must_pass_whatever_a_probe_says() {
        let mut register = Register::advanced();
        let slow = Cause::Slow { requests: 3, over_ms: 400 };
        register.at(1_000, answered(500, 500), Action::Stay);
        register.at(2_000, answered(1_500, 500), Action::Stay);
        register.at(3_000, answered(2_500, 500), Action::Switched(Switch::ToOffline(slow)));
        register.at(62_000, probe_succeeded(61_000), Action::Stay);
        register.at(63_000, Event::TransactionBegins, Action::Stay);
        register.at(64_000, Event::TransactionEnds, Action::Stay);
        register.at(303_000, Event::TransactionBegins, TRY);
    }

    #[test]
    fn the_connection_status_window_counts_switches_and_knows_the_last() {
        let mut register = Register::new();
        assert_eq!((register.connection.switches(), register.connection.last_switch()), (0, None));
        register.at(1_000, unreachable(900, REFUSED), offline_by(REFUSED));
        register.at(2_000, Event::Disconnect, Action::Stay);
        let cause = Cause::Failure(REFUSED);
        assert_eq!(register.connection.switches(), 1);
        assert_eq!(register.connection.last_switch(), Some((Tick(1_000), Switch::ToOffline(cause))));
        register.at(3_000, Event::Connect, Action::TryReconnect { timeout_ms: 1_000 });
        register.at(3_010, Event::ReconnectSucceeded, ONLINE);
        assert_eq!(register.connection.switches(), 2);
        assert_eq!(register.connection.last_switch(), Some((Tick(3_010), Switch::ToOnline)));
    }
}
