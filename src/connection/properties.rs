//! Rules of the connection that hold for every sequence of events, late and out-of-order ones included.

use proptest::prelude::*;

use super::*;

const START: Tick = Tick(10_000_000);

/// One step: how much time passes, and what happens then.
type Step = (u64, Happening);

/// An event whose `sent` is given as its age, so that it can be placed anywhere in time.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Request { age_ms: u64, outcome: Result<u64, Failure> },
    ProbeSucceeded { age_ms: u64 },
    Other(Event),
}

impl Happening {
    fn at(self, now: Tick) -> Event {
        let sent = |age_ms| Tick(now.0.saturating_sub(age_ms));
        match self {
            Happening::Request { age_ms, outcome: Ok(took_ms) } => Event::Answered { sent: sent(age_ms), took_ms },
            Happening::Request { age_ms, outcome: Err(failure) } => Event::Unreachable { sent: sent(age_ms), failure },
            Happening::ProbeSucceeded { age_ms } => Event::ProbeSucceeded { sent: sent(age_ms) },
            Happening::Other(event) => event,
        }
    }
}

fn profiles() -> impl Strategy<Value = OfflineProfile> {
    (any::<bool>(), 1..=400_u64, 1..=4_u32).prop_map(|(advanced_switching, reconnect_interval_s, slow_requests)| OfflineProfile {
        reconnect_interval_s,
        advanced_switching,
        slow_requests,
        ..OfflineProfile::default()
    })
}

fn failures() -> impl Strategy<Value = Failure> {
    prop_oneof![
        Just(Failure::TimedOut { after_ms: 1_000 }),
        Just(Failure::NobodyListens),
        Just(Failure::Cut),
        Just(Failure::NoRoad),
        Just(Failure::Garbled),
        Just(Failure::NotTrusted),
    ]
}

fn ages() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..1_500_u64, 1 => 0..600_000_u64]
}

fn pauses() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0), 6 => 0..400_u64, 2 => 0..70_000_u64, 2 => 0..500_000_u64]
}

fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (ages(), 0..1_000_u64).prop_map(|(age_ms, took_ms)| Happening::Request { age_ms, outcome: Ok(took_ms) }),
        3 => (ages(), failures()).prop_map(|(age_ms, failure)| Happening::Request { age_ms, outcome: Err(failure) }),
        2 => ages().prop_map(|age_ms| Happening::ProbeSucceeded { age_ms }),
        5 => Just(Happening::Other(Event::TransactionBegins)),
        4 => Just(Happening::Other(Event::TransactionEnds)),
        5 => Just(Happening::Other(Event::ReconnectSucceeded)),
        2 => Just(Happening::Other(Event::ReconnectFailed)),
        1 => Just(Happening::Other(Event::Disconnect)),
        2 => Just(Happening::Other(Event::Connect)),
        2 => Just(Happening::Other(Event::DeadlineReached)),
        2 => modes().prop_map(|mode| Happening::Other(Event::OfflineMode(mode))),
    ]
}

fn modes() -> impl Strategy<Value = OfflineMode> {
    prop_oneof![3 => Just(OfflineMode::Ready), 2 => Just(OfflineMode::NotReady), 1 => Just(OfflineMode::Unsupported)]
}

fn stories() -> impl Strategy<Value = Vec<Step>> {
    let first = prop_oneof![4 => Just(OfflineMode::Ready), 1 => modes()];
    let first = first.prop_map(|mode| (0, Happening::Other(Event::OfflineMode(mode))));
    let others = prop::collection::vec((pauses(), happenings()), 1..60);
    (first, others).prop_map(|(first, others)| std::iter::once(first).chain(others).collect())
}

/// What an onlooker at the cash desk knows, told apart from the machine's own fields.
struct Onlooker {
    profile: OfflineProfile,
    offline: OfflineMode,
    sale: Sale,
    /// A try was asked for, and no sale has begun without waiting for its outcome.
    trying: bool,
    /// Connect was pressed since the register was last disconnected by hand.
    connect_pressed: bool,
    /// No try at a sale's beginning before then.
    no_try_before: Tick,
    came_online: Tick,
    switches: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Sale {
    None,
    /// Its first line waits for a try, at most until then.
    Beginning {
        until: Tick,
    },
    InProgress,
}

impl Onlooker {
    fn new(profile: OfflineProfile) -> Onlooker {
        Onlooker {
            profile,
            offline: OfflineMode::NotReady,
            sale: Sale::None,
            trying: false,
            connect_pressed: false,
            no_try_before: START,
            came_online: START,
            switches: 0,
        }
    }

    fn in_mid_sale(&self, now: Tick) -> bool {
        match self.sale {
            Sale::None => false,
            Sale::Beginning { until } => now > until,
            Sale::InProgress => true,
        }
    }

    /// Checks one step against the rules, then remembers what it showed.
    fn sees(&mut self, before: &Connection, event: Event, now: Tick, action: Action, after: &Connection) {
        self.checks_the_switch(before, event, now, action, after);
        self.checks_the_try(event, now, action);
        self.remembers(event, now, action, after);
        self.checks_the_state(now, after);
        checks_the_deadline(now, after);
    }

    fn checks_the_switch(&mut self, before: &Connection, event: Event, now: Tick, action: Action, after: &Connection) {
        let switch = match (before.source(), after.source()) {
            (Source::Online, Source::Online) | (Source::Offline, Source::Offline) => None,
            (Source::Offline, Source::Online) if matches!(event, Event::OfflineMode(_)) => Some(Switch::OfflineLost),
            (Source::Offline, Source::Online) => Some(Switch::ToOnline),
            (Source::Online, Source::Offline) => {
                let State::Offline { cause, .. } = after.state else { panic!("{:?}", after.state) };
                Some(Switch::ToOffline(cause))
            }
        };
        match switch {
            None => assert!(!matches!(action, Action::Switched(_)), "{action:?} without a change of source"),
            Some(switch) => {
                self.switches += 1;
                assert_eq!(action, Action::Switched(switch));
                assert_eq!(after.last_switch(), Some((now, switch)));
            }
        }
        assert_eq!(after.switches(), self.switches);

        if let Some(Switch::ToOffline(_)) = switch {
            let ready = self.offline == OfflineMode::Ready || event == Event::OfflineMode(OfflineMode::Ready);
            assert!(ready, "offline without a usable offline database");
        }
        if switch == Some(Switch::ToOnline) {
            assert_eq!(event, Event::ReconnectSucceeded);
            assert!(!self.in_mid_sale(now), "back online in mid-sale");
        }
        if switch == Some(Switch::OfflineLost) {
            assert!(!matches!(event, Event::OfflineMode(OfflineMode::Ready)), "lost what has become usable");
            assert_eq!(after.state == State::Online, !matches!(before.state, State::Offline { cause: Cause::Failure(_), .. }));
        }
        if let Event::Unreachable { sent, .. } = event {
            let concerns_it = before.state == State::Online && sent >= self.came_online;
            assert_eq!(before.state != after.state, concerns_it, "a failure counts at once, and once");
        }
        if is_by_hand(before) && !is_by_hand(after) {
            let lost = switch == Some(Switch::OfflineLost);
            assert!(lost || switch == Some(Switch::ToOnline));
            assert!(lost || self.connect_pressed, "left without Connect");
        }
        if matches!(action, Action::Refused(_)) {
            assert_eq!(before.state, after.state);
        }
    }

    fn checks_the_try(&self, event: Event, now: Tick, action: Action) {
        match (event, action) {
            (Event::TransactionBegins, Action::TryReconnect { timeout_ms }) => {
                assert_eq!(timeout_ms, self.profile.reconnect_timeout_ms);
                assert!(self.sale == Sale::None, "a try in mid-sale");
                assert!(now >= self.no_try_before, "a try before the interval has passed");
            }
            (Event::Connect, Action::TryReconnect { .. }) => assert!(self.sale == Sale::None),
            (_, Action::TryReconnect { .. }) => panic!("{event:?} asked for a try"),
            (_, Action::Stay | Action::Switched(_) | Action::Probe { .. } | Action::Refused(_)) => {}
        }
    }

    fn remembers(&mut self, event: Event, now: Tick, action: Action, after: &Connection) {
        let interval_ms = self.profile.reconnect_interval_s * 1_000;
        match event {
            Event::TransactionBegins if self.sale != Sale::None => {}
            Event::TransactionBegins => {
                self.trying = false;
                self.sale = match action {
                    Action::TryReconnect { timeout_ms } => Sale::Beginning { until: now.plus_ms(timeout_ms) },
                    Action::Stay | Action::Switched(_) | Action::Probe { .. } | Action::Refused(_) => Sale::InProgress,
                };
            }
            Event::TransactionEnds => self.sale = Sale::None,
            Event::ReconnectSucceeded | Event::ReconnectFailed => {
                if self.trying {
                    self.no_try_before = now.plus_ms(interval_ms);
                }
                self.trying = false;
                if let Sale::Beginning { .. } = self.sale {
                    self.sale = Sale::InProgress;
                }
            }
            Event::Connect => self.connect_pressed = matches!(action, Action::TryReconnect { .. }),
            Event::Disconnect => self.connect_pressed &= matches!(action, Action::Refused(_)),
            Event::OfflineMode(mode) => self.offline = mode,
            Event::ProbeSucceeded { .. } => {
                if let State::Offline { cause: Cause::Failure(_), .. } = after.state {
                    self.no_try_before = self.no_try_before.min(now);
                }
            }
            Event::Answered { .. } | Event::Unreachable { .. } | Event::DeadlineReached => {}
        }
        match action {
            Action::Switched(Switch::ToOffline(_)) => {
                self.trying = false;
                self.no_try_before = now.plus_ms(interval_ms);
            }
            Action::Switched(Switch::ToOnline | Switch::OfflineLost) => {
                self.trying = false;
                self.came_online = now;
            }
            Action::TryReconnect { .. } => self.trying = true,
            Action::Stay | Action::Probe { .. } | Action::Refused(_) => {}
        }
    }

    fn checks_the_state(&self, now: Tick, connection: &Connection) {
        match connection.state {
            State::Online => {}
            State::Blocked { since, .. } => {
                assert!(self.offline != OfflineMode::Ready, "blocked with a usable offline database");
                assert!(since <= now);
            }
            State::Offline { .. } if self.offline != OfflineMode::Ready => panic!("offline without a usable offline database"),
            State::Offline { since, cause: Cause::Manual, next_try } => {
                assert!(since <= now);
                assert_eq!(next_try, None);
            }
            State::Offline { since, cause: Cause::Failure(_) | Cause::Slow { .. }, next_try } => {
                assert!(since <= now);
                let due = next_try.expect("offline by failure has a next try");
                assert!(due <= now.plus_ms(self.profile.reconnect_interval_s * 1_000), "put off too long");
                comes_back(connection.clone(), due.max(now));
            }
        }
    }
}

/// Never stuck: a transaction that begins when the try is due asks for it, and its success is heeded.
fn comes_back(mut connection: Connection, due: Tick) {
    connection.handle(Event::TransactionEnds, due);
    let action = connection.handle(Event::TransactionBegins, due);
    assert!(matches!(action, Action::TryReconnect { .. }), "stuck: {action:?}");
    let action = connection.handle(Event::ReconnectSucceeded, due.plus_ms(1));
    assert_eq!(action, Action::Switched(Switch::ToOnline));
}

/// A deadline is heeded when it has come and not before, and is then followed by a later one.
fn checks_the_deadline(now: Tick, connection: &Connection) {
    let mut connection = connection.clone();
    let is_blocked = matches!(connection.state, State::Blocked { .. });
    let probing = is_blocked || connection.profile.advanced_switching && !is_by_hand(&connection);
    let Some(due) = connection.next_deadline() else {
        assert!(!probing);
        assert_eq!(connection.handle(Event::DeadlineReached, Tick(u64::MAX)), Action::Stay);
        return;
    };
    assert!(probing);
    if now < due {
        assert_eq!(connection.handle(Event::DeadlineReached, now), Action::Stay);
        assert_eq!(connection.next_deadline(), Some(due));
    }
    let reached = due.max(now);
    assert!(matches!(connection.handle(Event::DeadlineReached, reached), Action::Probe { .. }));
    assert!(connection.next_deadline().is_some_and(|next| next > reached));
}

fn is_by_hand(connection: &Connection) -> bool {
    matches!(connection.state, State::Offline { cause: Cause::Manual, .. })
}

/// Plays the story from `start` and returns what the till was told.
fn play(profile: OfflineProfile, story: &[Step], start: Tick) -> Vec<Action> {
    let mut connection = Connection::new(profile, start);
    let mut now = start;
    let mut told = Vec::new();
    for (pause_ms, happening) in story {
        now = now.plus_ms(*pause_ms);
        told.push(connection.handle(happening.at(now), now));
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn every_story_keeps_the_rules(profile in profiles(), story in stories()) {
        let mut onlooker = Onlooker::new(profile.clone());
        let mut connection = Connection::new(profile, START);
        let mut now = START;
        for (pause_ms, happening) in story {
            now = now.plus_ms(pause_ms);
            let before = connection.clone();
            let event = happening.at(now);
            let action = connection.handle(event, now);
            onlooker.sees(&before, event, now, action, &connection);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_story_without_failure_slowness_or_disconnect_never_leaves_online(profile in profiles(), story in stories()) {
        let mut connection = Connection::new(profile, START);
        let mut now = START;
        for (pause_ms, happening) in story {
            now = now.plus_ms(pause_ms);
            let event = match happening {
                Happening::Request { age_ms, .. } => Happening::Request { age_ms, outcome: Ok(400) }.at(now),
                Happening::Other(Event::Disconnect) => continue,
                Happening::ProbeSucceeded { .. } | Happening::Other(_) => happening.at(now),
            };
            connection.handle(event, now);
            prop_assert_eq!(connection.state, State::Online);
        }
        prop_assert_eq!(connection.switches(), 0);
    }

    #[test]
    fn a_failure_reported_again_later_changes_nothing(profile in profiles(), story in stories(), failure in failures()) {
        let mut connection = Connection::new(profile, START);
        let mut now = START.plus_ms(1);
        let report = Event::Unreachable { sent: START, failure };
        connection.handle(Event::OfflineMode(OfflineMode::Ready), now);
        prop_assert_eq!(connection.handle(report, now), Action::Switched(Switch::ToOffline(Cause::Failure(failure))));
        for (pause_ms, happening) in story {
            now = now.plus_ms(pause_ms);
            connection.handle(happening.at(now), now);
            let before = connection.state;
            prop_assert_eq!(connection.handle(report, now), Action::Stay);
            prop_assert_eq!(connection.state, before);
        }
    }

    #[test]
    fn only_differences_of_time_matter(profile in profiles(), story in stories(), later_ms in 0..1_000_000_000_u64) {
        prop_assert_eq!(play(profile.clone(), &story, START), play(profile, &story, START.plus_ms(later_ms)));
    }
}
