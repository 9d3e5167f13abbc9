//! The two sources behind one question: online within the time-out, else offline, as the connection machine says.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use crate::channel::{Channel, ChannelError, ErrorKind, Result, if_known};
use crate::clock::{SharedClock, Tick, Time};
use crate::connection::{Action, Connection, Event, Failure, OfflineMode, Source, State, Switch};
use crate::deadline::Deadline;
use crate::ids::{OperatorId, RegisterId};
use crate::profile::OfflineProfile;
use crate::retail::register::Numbers;
use crate::wire::Wire;

/// Where the till reads.
pub struct Sources {
    register: RegisterId,
    connection: Connection,
    online: Deadline,
    offline: Option<Arc<dyn Channel>>,
    timeout_ms: u64,
    clock: SharedClock,
    /// Switches the till has not written down yet.
    switches: Vec<Switch>,
    /// Health checks have a worker of their own, so that no request of the cashier's waits behind one.
    probes: Deadline,
    probe: Option<Probe>,
    /// Calls that go on to headquarters have one too, and a time-out of their own.
    realtime: Deadline,
    realtime_timeout_ms: u64,
    headquarters: Option<(Time, HeadquartersReach)>,
    /// The scale unit has taken the device's token, and the till does not know it yet.
    is_accepted: bool,
    /// The numbers that the scale unit knew of the register on the way back online, and the till does not know yet.
    numbers: Option<Numbers>,
    /// When a token that was refused was shown last, or was to be.
    shown_at: Tick,
}

/// How often a token that was refused is shown again.
const SHOW_TOKEN_EVERY_MS: u64 = 60_000;

/// How the last call that went on to headquarters found it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeadquartersReach {
    /// It answered, whatever it said.
    Answers,
    /// The scale unit answered that it does not, or nothing came within the call's time-out.
    Away,
}

/// A call under way to headquarters.
pub struct RealtimeCall<T> {
    sent: Tick,
    timeout_ms: u64,
    answered: Receiver<Result<T>>,
    early: Cell<Option<Result<T>>>,
}

impl<T> RealtimeCall<T> {
    /// Waits so long for the answer, and no longer.
    pub fn wait(&self, time: Duration) {
        if let Ok(answer) = self.answered.recv_timeout(time) {
            self.early.set(Some(answer));
        }
    }

    fn look(&self) -> std::result::Result<Result<T>, TryRecvError> {
        self.early.take().map_or_else(|| self.answered.try_recv(), Ok)
    }
}

/// A health check under way.
struct Probe {
    sent: Tick,
    timeout_ms: u64,
    answered: Receiver<Result<u64>>,
}

impl Sources {
    /// Begins online; offline as soon as there is a database.
    pub fn new(
        register: RegisterId,
        online: Arc<dyn Channel>,
        offline: Option<Arc<dyn Channel>>,
        profile: &OfflineProfile,
        clock: SharedClock,
    ) -> Self {
        Self::over(register, online, None, offline, profile, clock)
    }

    /// The same; what goes online goes over this wire, if there is one.
    pub fn over(
        register: RegisterId,
        online: Arc<dyn Channel>,
        wire: Option<Arc<dyn Wire>>,
        offline: Option<Arc<dyn Channel>>,
        profile: &OfflineProfile,
        clock: SharedClock,
    ) -> Self {
        let mut sources = Self {
            register,
            connection: Connection::new(profile.clone(), clock.tick()),
            online: Deadline::over(Arc::clone(&online), wire.clone()),
            offline: None,
            timeout_ms: profile.timeout_ms,
            clock,
            switches: Vec::new(),
            probes: Deadline::over(Arc::clone(&online), wire.clone()),
            probe: None,
            realtime: Deadline::over(online, wire),
            realtime_timeout_ms: profile.realtime_timeout_ms,
            headquarters: None,
            is_accepted: false,
            numbers: None,
            shown_at: Tick(0),
        };
        sources.set_offline(offline);
        sources
    }

    /// Puts another offline database in place of the one there is.
    pub fn set_offline(&mut self, offline: Option<Arc<dyn Channel>>) {
        self.offline = offline;
        self.handle(Event::OfflineMode(if self.offline.is_some() { OfflineMode::Ready } else { OfflineMode::NotReady }));
    }

    /// Headquarters has changed the profile.
    pub fn configure(&mut self, profile: &OfflineProfile) {
        (self.timeout_ms, self.realtime_timeout_ms) = (profile.timeout_ms, profile.realtime_timeout_ms);
        self.connection.configure(profile.clone());
    }

    /// Headquarters has *Support offline* at no: the scale unit is the only source from now on.
    pub fn work_online_only(&mut self) {
        self.offline = None;
        self.handle(Event::OfflineMode(OfflineMode::Unsupported));
    }

    /// Asks the source of the moment. A scale unit that does not answer within the time-out costs that time-out once: the same question is
    /// then answered offline, and so are all later ones.
    pub fn ask<T: Send + 'static>(&mut self, request: impl Fn(&dyn Channel) -> Result<T> + Clone + Send + 'static) -> Result<T> {
        if self.connection.source() == Source::Online {
            let sent = self.clock.tick();
            let answer = self.online.ask(self.timeout_ms, request.clone());
            let Err(ChannelError { kind: ErrorKind::Unreachable(failure), .. }) = &answer else {
                if let Err(error) = &answer
                    && error.kind == ErrorKind::Broken
                {
                    tracing::warn!(%error, "the scale unit answered");
                }
                let took_ms = self.clock.tick().since(sent);
                self.handle(Event::Answered { sent, took_ms });
                return answer;
            };
            self.handle(Event::Unreachable { sent, failure: *failure });
            if self.connection.source() == Source::Online {
                return answer;
            }
        }
        match &self.offline {
            Some(offline) => request(offline.as_ref()),
            None => Err(ChannelError::broken("there is no offline database")),
        }
    }

    /// Asks for what a register cannot be without, such as who works at it: where the scale unit answers with an error of its own, the
    /// offline database is asked for this once. Such an error never takes the register offline.
    pub fn ask_at_all_events<T: Send + 'static>(
        &mut self,
        request: impl Fn(&dyn Channel) -> Result<T> + Clone + Send + 'static,
    ) -> Result<T> {
        match (self.ask(request.clone()), &self.offline) {
            (Err(ChannelError { kind: ErrorKind::Broken, .. }), Some(offline)) => request(offline.as_ref()),
            (answer, _) => answer,
        }
    }

    /// Begins what only headquarters knows; `wake` is called when there is an answer. Offline it cannot be asked at all.
    pub fn begin_realtime<T: Send + 'static>(
        &mut self,
        request: impl FnOnce(&dyn Channel) -> Result<T> + Send + 'static,
        wake: impl FnOnce() + Send + 'static,
    ) -> Result<RealtimeCall<T>> {
        if self.connection.source() == Source::Offline {
            return Err(offline());
        }
        let answered = self.realtime.begin(self.realtime_timeout_ms, request, wake)?;
        Ok(RealtimeCall { sent: self.clock.tick(), timeout_ms: self.realtime_timeout_ms, answered, early: Cell::new(None) })
    }

    /// What became of it so far; nothing while it may still be answered. That it takes too long is this call's error alone, and never
    /// takes the register offline; a scale unit that is not there does.
    pub fn look_at_realtime<T>(&mut self, call: &RealtimeCall<T>) -> Option<Result<T>> {
        let answer = match call.look() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) if self.clock.tick().since(call.sent) < call.timeout_ms => return None,
            Err(TryRecvError::Empty) => {
                self.give_up_realtime();
                Err(ChannelError::unreachable(Failure::TimedOut { after_ms: call.timeout_ms }))
            }
            Err(TryRecvError::Disconnected) => Err(ChannelError::broken("the request failed inside this program")),
        };
        let reach = match &answer {
            Err(ChannelError { kind: ErrorKind::Unreachable(Failure::TimedOut { .. }) | ErrorKind::HeadquartersAway, .. }) => {
                HeadquartersReach::Away
            }
            Err(ChannelError { kind: ErrorKind::Unreachable(failure), .. }) => {
                self.handle(Event::Unreachable { sent: call.sent, failure: *failure });
                return Some(if self.connection.source() == Source::Offline { Err(offline()) } else { answer });
            }
            // The scale unit may have said this without headquarters.
            Err(ChannelError { kind: ErrorKind::Broken | ErrorKind::Unsupported | ErrorKind::Refused(_), .. }) => return Some(answer),
            Ok(_) => HeadquartersReach::Answers,
        };
        self.headquarters = Some((self.clock.now(), reach));
        let timed_out = matches!(answer, Err(ChannelError { kind: ErrorKind::Unreachable(_), .. }));
        Some(if timed_out {
            answer.map_err(|error| ChannelError::new(ErrorKind::HeadquartersAway, error.kind.to_string()))
        } else {
            answer
        })
    }

    /// Nobody waits for the call under way any more.
    pub fn give_up_realtime(&mut self) {
        self.realtime.abandon();
    }

    /// How headquarters was found last, if it was asked since the program's start.
    pub fn headquarters(&self) -> Option<(Time, HeadquartersReach)> {
        self.headquarters
    }

    /// Asks the register's own database, whatever the connection.
    pub fn ask_own<T>(&self, request: impl Fn(&dyn Channel) -> Result<T>) -> Result<T> {
        self.offline.as_ref().map_or_else(|| Err(ChannelError::broken("there is no offline database")), |own| request(own.as_ref()))
    }

    /// Who works here from now on, or nobody.
    pub fn set_operator(&self, operator: Option<&OperatorId>) {
        self.online.channel().set_operator(operator);
    }

    /// A sale is about to begin: the moment for the way back online.
    pub fn begin_transaction(&mut self) {
        self.handle(Event::TransactionBegins);
    }

    /// It has ended, or came to nothing.
    pub fn end_transaction(&mut self) {
        self.handle(Event::TransactionEnds);
    }

    /// Operation 917: offline by hand.
    pub fn disconnect(&mut self) -> Action {
        self.handle(Event::Disconnect)
    }

    /// Operation 917: online again, if the scale unit answers.
    pub fn connect(&mut self) -> Action {
        self.handle(Event::Connect)
    }

    /// A request of another thread found nobody.
    pub fn unreachable(&mut self, sent: Tick, failure: Failure) {
        self.handle(Event::Unreachable { sent, failure });
    }

    /// A deadline of the connection may have come.
    pub fn look_at_deadlines(&mut self) {
        self.take_in_probe();
        let now = self.clock.tick();
        if self.probe.is_none() && self.connection.next_deadline().is_some_and(|at| at <= now) {
            self.handle(Event::DeadlineReached);
        }
    }

    /// The state, for the header and the window.
    pub fn state(&self) -> &State {
        self.connection.state()
    }

    /// The machine, for the window's figures.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Where the next question goes.
    pub fn source(&self) -> Source {
        self.connection.source()
    }

    /// The switches since the last call, for the audit trail and the uploads.
    pub fn take_switches(&mut self) -> Vec<Switch> {
        self.take_in_probe();
        std::mem::take(&mut self.switches)
    }

    /// For a device whose token was refused: shows it from time to time, as the refusal may have been another scale unit's.
    pub fn show_token_again(&mut self) {
        let now = self.clock.tick();
        if self.probe.is_some() || self.connection.source() == Source::Offline || now.since(self.shown_at) < SHOW_TOKEN_EVERY_MS {
            return;
        }
        self.shown_at = now;
        let begun = self.probes.begin(self.timeout_ms, |channel| channel.data_version(), || ());
        self.probe = begun.ok().map(|answered| Probe { sent: now, timeout_ms: self.timeout_ms, answered });
    }

    /// For a device that nobody can work at before it is activated: from time to time it goes online, offline by hand or not, as what it has
    /// to send can go nowhere else.
    pub fn connect_again(&mut self) {
        let now = self.clock.tick();
        if self.connection.source() == Source::Offline && now.since(self.shown_at) >= SHOW_TOKEN_EVERY_MS {
            self.shown_at = now;
            self.connect();
        }
    }

    /// Whether the scale unit has taken the device's token in a health check or on the way back online since the last call.
    pub fn take_acceptance(&mut self) -> bool {
        std::mem::take(&mut self.is_accepted)
    }

    /// Behind which numbers the register goes on, as the scale unit said on the way back online since the last call.
    pub fn take_numbers(&mut self) -> Option<Numbers> {
        self.numbers.take()
    }

    /// Hands an event to the machine and does what it asks for, until it asks for nothing more.
    fn handle(&mut self, event: Event) -> Action {
        let action = self.connection.handle(event, self.clock.tick());
        match action {
            Action::Stay | Action::Refused(_) => action,
            Action::Switched(switch) => {
                self.switches.push(switch);
                action
            }
            Action::TryReconnect { timeout_ms } => {
                let register = self.register.clone();
                // It is the question whose answer must be known before the first sale online.
                match self.online.ask(timeout_ms, move |channel| if_known(channel.register(&register))) {
                    Ok(setup) => {
                        self.is_accepted = true;
                        self.numbers = setup.map(|setup| setup.numbers);
                        self.handle(Event::ReconnectSucceeded)
                    }
                    // A device that was deactivated meanwhile hears of it by being refused online; what it has to send is taken all the same.
                    Err(ChannelError { kind: ErrorKind::Refused(_), .. }) => self.handle(Event::ReconnectSucceeded),
                    Err(_) => self.handle(Event::ReconnectFailed),
                }
            }
            Action::Probe { timeout_ms } => {
                let sent = self.clock.tick();
                let begun = self.probes.begin(timeout_ms, |channel| channel.data_version(), || ());
                self.probe = begun.ok().map(|answered| Probe { sent, timeout_ms, answered });
                action
            }
        }
    }

    /// Tells the machine how a health check went, once that is known.
    fn take_in_probe(&mut self) {
        let Some(probe) = self.probe.take() else { return };
        let (sent, after_ms) = (probe.sent, probe.timeout_ms);
        let answer = probe.answered.try_recv();
        self.is_accepted |= matches!(answer, Ok(Ok(_)));
        let event = match answer {
            Ok(Err(ChannelError { kind: ErrorKind::Unreachable(failure), .. })) => Event::Unreachable { sent, failure },
            Ok(Ok(_) | Err(_)) => Event::ProbeSucceeded { sent },
            Err(TryRecvError::Empty) if self.clock.tick().since(sent) < after_ms => {
                self.probe = Some(probe);
                return;
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {
                self.probes.abandon();
                Event::Unreachable { sent, failure: Failure::TimedOut { after_ms } }
            }
        };
        self.handle(event);
    }
}

/// What asking headquarters comes to while the register is offline.
fn offline() -> ChannelError {
    ChannelError::new(ErrorKind::Unsupported, "the register is offline")
}
