//! The program's heart in the register: session, sale in hand, operations, and the one way a sale is written down.
//!
//! The till runs on its own thread and asks its [`Desk`] in direct style. It reads no clock, file or socket itself: the journal, the
//! sources, the clock and the keys are handed in.

mod activation;
mod configuration;
mod credentials;
mod downloads;
pub mod operations;
mod publish;
mod realtime;
mod setup;
mod sources;
mod stop;

use std::sync::Arc;

use crate::channel::{Channel, ChannelError, ErrorKind, Refusal, Result as ChannelResult};
use crate::clock::{SharedClock, Tick, Time};
use crate::connection::{OfflineMode, Source, State, Switch};
use crate::desk::{
    Answer, Background, ChangeDue, ConfirmPrompt, CredentialsPrompt, Desk, NumberPrompt, Prompt, Purpose, Question, Reply, Selection,
};
use crate::ids::{KeySource, OperatorId, RegisterId};
use crate::journal::{Journal, Shift, Stamp};
use crate::money::Quantity;
use crate::profile::Profile;
use crate::retail::barcode::Pattern;
use crate::retail::register::{Configuration, Numbers};
use crate::retail::sale::{Sale, SaleError, Totals};
use crate::retail::staff::{Operator, Permission};
use crate::retail::store::Store;
use crate::retail::transaction::{Event, Transaction};
use crate::retail::{card, receipt};
use crate::view::{Level, Look, Notice, Screen};

pub use activation::{Activation, ActivationError, Standing, first_activation};
pub use configuration::{look_of, profile_with};
pub use downloads::{Activity, DownloadStatus, JobStatus, OfflineDatabase, Problem};
pub use setup::{Setup, Uploads};
pub use sources::{HeadquartersReach, RealtimeCall, Sources};
pub use stop::Stop;

/// A register's till.
pub struct Till {
    store: Store,
    register: RegisterId,
    profile: Profile,
    /// Before headquarters has its say.
    own_profile: Profile,
    clock: SharedClock,
    keys: KeySource,
    journal: Journal,
    sources: Sources,
    uploads: Box<dyn Uploads>,
    /// Whether the uploads go on, as far as the till knows.
    uploading: bool,
    offline_database: Box<dyn OfflineDatabase>,
    news: Arc<dyn Fn(Background) + Send + Sync>,
    /// The last time old transactions were to leave the journal, and why they did not, if so.
    purged: Option<(Time, Option<String>)>,
    activation: Box<dyn Activation>,
    /// What headquarters says of store and register, until it comes into use.
    renewed: Option<Box<Configuration>>,
    /// Behind which numbers the register goes on, until that is written down.
    numbers: Option<Numbers>,
    look: Option<Arc<Look>>,
    sample_hint: Option<String>,
    session: Option<Session>,
    in_hand: Option<InHand>,
    selected: Option<Selection>,
    pending_quantity: Option<Quantity>,
    barcode_patterns: Vec<Pattern>,
    notice: Option<Notice>,
    change_due: Option<ChangeDue>,
    last_receipt: Option<Arc<Vec<String>>>,
    serial: u64,
    last_activity: Tick,
    /// Whether the audit trail says that the fiscal unit has failed.
    signing_failed: bool,
}

/// Who works, in which shift.
struct Session {
    operator: Operator,
    shift: Shift,
    locked: bool,
    /// Why he has to say who he is, beside the lock itself.
    problem: Option<String>,
}

/// The sale in hand with its sums, computed once a change.
struct InHand {
    sale: Arc<Sale>,
    totals: Totals,
    /// The age in years the buyer has been found to have.
    age_checked: u8,
}

impl Till {
    /// Works until the screen is closed.
    pub fn run(&mut self, desk: &mut dyn Desk) {
        loop {
            let step = match &self.session {
                _ if self.only_a_code_helps() => operations::activate_at_start(self, desk),
                None => operations::sign_in(self, desk),
                Some(Session { locked: true, .. }) => operations::unlock(self, desk),
                Some(_) => self.command(desk),
            };
            match step {
                Ok(()) => {}
                Err(Stop::HungUp) => return,
                Err(Stop::Cancelled) => self.notice = None,
                Err(Stop::Refused(notice)) => self.notice = Some(notice),
                Err(Stop::Lock) => operations::lock(self),
                Err(Stop::SessionEnded) => {
                    operations::lock(self);
                    if let Some(session) = &mut self.session {
                        session.problem = Some("the scale unit asks who works here; the sale is kept".to_owned());
                    }
                }
            }
        }
    }

    /// Whether nobody can be let in before the device is activated: of a deactivated one's staff only its offline database knows.
    fn only_a_code_helps(&self) -> bool {
        let is_open = |session: &Session| !session.locked || self.sources.connection().offline() == OfflineMode::Ready;
        self.activation.standing() != Standing::Activated && !self.session.as_ref().is_some_and(is_open)
    }

    /// Asks what is next, and does it.
    fn command(&mut self, desk: &mut dyn Desk) -> Result<(), Stop> {
        let answer = self.ask(desk, Prompt::Command).inspect_err(|_| self.pending_quantity = None)?;
        match answer {
            Answer::Entry(text) => {
                self.notice = None;
                operations::enter(self, desk, &text)
            }
            Answer::Operation { number, parameter } => {
                self.notice = None;
                self.operate(desk, number, parameter.as_deref())
            }
            Answer::Select(selection) => {
                self.select(selection);
                Ok(())
            }
            Answer::Credentials { .. } | Answer::Number(_) | Answer::SearchText(_) | Answer::Pick(_) | Answer::Yes | Answer::Cancel => {
                Ok(())
            }
        }
    }

    /// Every press of a button runs these tests in this order, because it decides which error the cashier sees.
    fn operate(&mut self, desk: &mut dyn Desk, number: u16, parameter: Option<&str>) -> Result<(), Stop> {
        use operations::{Need, OfflineRule};
        let Some(operation) = operations::by_number(number) else {
            return Err(Stop::refused(format!("there is no operation {number}"), "F1 shows the operations there are"));
        };
        let screen = self.screen();
        if !operation.screens.contains(&screen) {
            return Err(match screen {
                Screen::SignIn | Screen::Locked => Stop::refused("nobody has signed in", "operator number, Enter, PIN, Enter"),
                Screen::Activation => Stop::refused("this device is not activated", "type the code that headquarters gave out"),
                Screen::Welcome => Stop::refused(format!("{} needs a sale", operation.name), "scan the first product"),
                Screen::Transaction => {
                    Stop::refused(format!("{} is not possible during a sale", operation.name), "conclude or void it first")
                }
            });
        }
        if operation.offline == OfflineRule::Refused && self.sources.source() == Source::Offline {
            return Err(Stop::not_offline(operation.name));
        }
        for need in operation.needs {
            match need {
                Need::Sale => drop(self.sale()?),
                Need::Line => drop(self.selected_line()?),
                Need::OpenLine if self.selected_line()?.voided => return Err(SaleError::LineIsVoided.into()),
                Need::Payment if self.sale()?.open_payments().next().is_none() => return Err(SaleError::NoSuchPayment.into()),
                Need::OpenLine | Need::Payment => {}
            }
        }
        self.authorize(desk, operation.permission, operation.number)?;
        (operation.run)(self, desk, parameter)
    }

    /// Asks the desk. News from the background are taken in meanwhile, and the same question is asked again.
    fn ask(&mut self, desk: &mut dyn Desk, prompt: Prompt) -> Result<Answer, Stop> {
        self.serial += 1;
        let question = Question { serial: self.serial, prompt };
        loop {
            if let Some(answer) = self.next_answer(desk, &question)? {
                return Ok(answer);
            }
        }
    }

    /// Asks the desk once; nothing when there was news instead, which has been taken in.
    fn next_answer(&mut self, desk: &mut dyn Desk, question: &Question) -> Result<Option<Answer>, Stop> {
        self.write_down_switches();
        self.write_down_signing();
        self.renew_configuration(question);
        self.open_what_waits(question);
        match desk.ask(&self.view(), question) {
            Reply::Answer(answer) => {
                self.last_activity = self.clock.tick();
                refuse_card_number(&answer)?;
                if answer == Answer::Cancel { Err(Stop::Cancelled) } else { Ok(Some(answer)) }
            }
            Reply::HungUp => Err(Stop::HungUp),
            Reply::Background(news) => {
                self.take_note(news)?;
                Ok(None)
            }
        }
    }

    /// Asks for a number until it is one that `read` takes, and says each time what was wrong. It is never a payment card's.
    fn ask_number<T>(
        &mut self,
        desk: &mut dyn Desk,
        prompt: &NumberPrompt,
        mut read: impl FnMut(&mut Self, &mut dyn Desk, &str) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        self.ask_any_number(
            desk,
            prompt,
            |till, desk, text| if card::stands_in(text) { Err(card_number()) } else { read(till, desk, text) },
        )
    }

    /// As [`Till::ask_number`], of a number that nobody writes down.
    fn ask_any_number<T>(
        &mut self,
        desk: &mut dyn Desk,
        prompt: &NumberPrompt,
        mut read: impl FnMut(&mut Self, &mut dyn Desk, &str) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let mut problem = None;
        loop {
            let answer = self.ask(desk, Prompt::Number(stop::with_problem(prompt, problem.take())))?;
            let text = match answer {
                Answer::Number(text) if text.trim().is_empty() => prompt.suggestion.clone().unwrap_or_default(),
                Answer::Number(text) => text.trim().to_owned(),
                Answer::Entry(_)
                | Answer::Operation { .. }
                | Answer::Select(_)
                | Answer::Credentials { .. }
                | Answer::SearchText(_)
                | Answer::Pick(_)
                | Answer::Yes
                | Answer::Cancel => continue,
            };
            match read(self, desk, &text) {
                Ok(value) => return Ok(value),
                Err(stop) => problem = Some(stop.into_problem()?),
            }
        }
    }

    /// Asks yes or no; no is [`Stop::Cancelled`].
    fn confirm(&mut self, desk: &mut dyn Desk, prompt: &ConfirmPrompt) -> Result<(), Stop> {
        while self.ask(desk, Prompt::Confirm(prompt.clone()))? != Answer::Yes {}
        Ok(())
    }

    /// Lets the operation go on when the operator has the right, or a manager lends his for this once.
    fn authorize(&mut self, desk: &mut dyn Desk, permission: Permission, operation: u16) -> Result<(), Stop> {
        if permission == Permission::Everyone {
            return Ok(());
        }
        let Some(session) = &self.session else { return Err(Stop::Cancelled) };
        if session.operator.permissions.grant(permission) {
            return Ok(());
        }
        let name = operations::by_number(operation).map_or("this", |row| row.name).to_owned();
        let own_id = session.operator.id.clone();
        let mut problem = None;
        loop {
            let purpose = Purpose::Authorize { operation: name.clone() };
            let prompt = CredentialsPrompt { purpose, problem: problem.take(), hint: None };
            let Answer::Credentials { operator, pin } = self.ask(desk, Prompt::Credentials(prompt))? else { continue };
            let checked = if operator.trim() == own_id.0 { None } else { Some(self.check_credentials(desk, &OperatorId(operator), &pin)) };
            let Some(checked) = checked.filter(|checked| checked.as_ref().is_ok_and(|found| found.id != own_id) || checked.is_err()) else {
                problem = Some("another operator must authorize this".to_owned());
                continue;
            };
            match checked {
                Ok(manager) if manager.permissions.grant(permission) => {
                    self.note(Event::ManagerAuthorized { manager: manager.id, operation })?;
                    return Ok(());
                }
                Ok(manager) => problem = Some(format!("{} may not do this either", manager.name)),
                Err(stop) => problem = Some(stop.into_problem()?),
            }
        }
    }

    /// Asks the source of the moment, shows that it is being asked, and goes on offline when it does not answer.
    fn ask_source<T: Send + 'static>(
        &mut self,
        desk: &mut dyn Desk,
        request: impl Fn(&dyn Channel) -> ChannelResult<T> + Clone + Send + 'static,
    ) -> Result<T, Stop> {
        if self.activation.standing() != Standing::Activated {
            return Err(credentials::deactivated().into());
        }
        desk.show(&self.view());
        let answer = self.sources.ask(request);
        self.write_down_switches();
        answer.map_err(|error| self.refusal(error))
    }

    /// Why a channel said no, in the cashier's words. That the device is deactivated holds from then on, also offline.
    fn refusal(&mut self, error: ChannelError) -> Stop {
        if error.kind == ErrorKind::Refused(Refusal::Device) {
            self.was_deactivated();
        }
        let unreachable = matches!(error.kind, ErrorKind::Unreachable(_));
        if unreachable && self.sources.connection().offline() == OfflineMode::Unsupported {
            let hint = "this register works online only; nothing is lost, go on when the scale unit is back";
            return Stop::refused(error.to_string(), hint);
        }
        error.into()
    }

    /// Changes the sale in hand: on a copy, into the journal, and only then into what the screen shows.
    fn change_sale<T>(&mut self, change: impl FnOnce(&mut Sale, &Store) -> Result<T, SaleError>) -> Result<T, Stop> {
        let mut sale = Sale::clone(self.sale()?);
        let changed = change(&mut sale, &self.store)?;
        self.keep(sale)?;
        Ok(changed)
    }

    /// Writes the sale in hand down, and shows it from then on.
    fn keep(&mut self, sale: Sale) -> Result<(), Stop> {
        self.journal.keep(&sale)?;
        if sale.is_settled() {
            self.notice = Some(Notice { level: Level::Info, text: "nothing is due".to_owned(), hint: "F9 concludes the sale".to_owned() });
        }
        let age_checked = self.in_hand.as_ref().map_or(0, |in_hand| in_hand.age_checked);
        self.in_hand = Some(InHand { totals: sale.totals(), sale: Arc::new(sale), age_checked });
        Ok(())
    }

    /// Concludes a settled sale: the journal first, in one commit with its receipt number; then whoever wants to hear of it.
    fn conclude(&mut self, sale: &Sale) -> Result<(), Stop> {
        let stamp = self.stamp()?;
        let transaction = self.journal.conclude(sale, &stamp)?;
        let totals = sale.totals();
        self.last_receipt = Some(Arc::new(receipt::lines(&transaction, &self.store)));
        self.change_due = Some(ChangeDue {
            receipt: transaction.receipt.map(|number| format!("{}-{number:06}", self.register)).unwrap_or_default(),
            total: totals.total + totals.rounding,
            tendered: totals.paid + totals.change,
            change: totals.change,
        });
        self.sale_ended(&transaction);
        Ok(())
    }

    /// Gives the sale up: a record too.
    fn void_sale(&mut self, sale: &Sale) -> Result<(), Stop> {
        let stamp = self.stamp()?;
        let transaction = self.journal.void(sale, &stamp)?;
        self.sale_ended(&transaction);
        Ok(())
    }

    /// What follows a record that the journal holds; a transaction is the proof that it does.
    fn sale_ended(&mut self, _recorded: &Transaction) {
        self.in_hand = None;
        self.selected = None;
        self.pending_quantity = None;
        self.sources.end_transaction();
        self.swap_offline_database();
        self.uploads.wake();
    }

    /// Writes an event of the audit trail down.
    fn note(&mut self, event: Event) -> Result<(), Stop> {
        let mut stamp = self.stamp()?;
        // A switch's record says where it led; the register may have gone on to and fro since.
        stamp.offline = matches!(event, Event::WentOffline { .. }) || stamp.offline && event != Event::WentOnline;
        let id = self.keys.next(stamp.at);
        self.journal.note(id, event, &stamp)?;
        self.uploads.wake();
        Ok(())
    }

    fn stamp(&mut self) -> Result<Stamp, Stop> {
        self.take_numbers()?;
        let Some(session) = &self.session else { return Err(Stop::Cancelled) };
        Ok(Stamp {
            operator: session.operator.id.clone(),
            shift: session.shift.id,
            at: self.clock.now(),
            offline: self.sources.source() == Source::Offline,
        })
    }

    /// Puts what the connection machine has switched into the audit trail, the uploads and the notice line.
    fn write_down_switches(&mut self) {
        let switches = self.sources.take_switches();
        // First of all the uploads: what is noted below wakes them.
        let online = *self.sources.state() == State::Online;
        if self.uploading != online {
            self.uploading = online;
            if online {
                self.uploads.went_online();
                self.offline_database.went_online();
            } else {
                self.uploads.went_offline();
                self.offline_database.went_offline();
            }
        }
        if let Some(numbers) = self.sources.take_numbers() {
            self.go_on_behind(numbers);
        }
        for switch in switches {
            let (event, notice) = match switch {
                Switch::ToOnline => (Event::WentOnline, publish::online_notice()),
                Switch::ToOffline(cause) => (Event::WentOffline { cause: cause.to_string() }, publish::offline_notice(cause)),
                Switch::OfflineLost => (Event::WentOnline, publish::offline_lost_notice()),
            };
            self.notice = Some(notice);
            // What switches while nobody is signed in is noted at the next sign-in.
            if self.session.is_some()
                && let Err(Stop::Refused(notice)) = self.note(event)
            {
                self.notice = Some(notice);
            }
        }
    }

    /// Puts it into the audit trail, and tells the cashier, when the fiscal unit has failed or is back. The sale has gone on without it.
    fn write_down_signing(&mut self) {
        let failure = match self.journal.signing() {
            Some(Ok(())) if self.signing_failed => None,
            Some(Err(error)) if !self.signing_failed => Some(error.to_string()),
            Some(_) | None => return,
        };
        let (event, notice) = match failure {
            Some(cause) => (Event::SigningFailed { cause: cause.clone() }, publish::unsigned_notice(cause)),
            None => (Event::SigningResumed, publish::signed_notice()),
        };
        // What changes while nobody is signed in is noted at the next sign-in.
        if self.session.is_none() {
            return;
        }
        self.signing_failed = matches!(event, Event::SigningFailed { .. });
        let noted = self.note(event);
        self.notice = Some(match noted {
            Err(Stop::Refused(refusal)) => refusal,
            Ok(()) | Err(_) => notice,
        });
    }

    /// Notes where the connection stands when the audit trail does not say so yet.
    fn note_connection(&mut self) -> Result<(), Stop> {
        let stands = match self.sources.state() {
            State::Offline { cause, .. } => Event::WentOffline { cause: cause.to_string() },
            State::Online | State::Blocked { .. } => Event::WentOnline,
        };
        if self.journal.last_switch()?.unwrap_or(Event::WentOnline) == stands { Ok(()) } else { self.note(stands) }
    }

    /// Takes in what happened in the background.
    fn take_note(&mut self, news: Background) -> Result<(), Stop> {
        match news {
            Background::UploadUnreachable { sent, failure } => {
                // The uploads have stopped by themselves, and wait to be told to go on.
                self.uploading = false;
                self.offline_database.went_offline();
                self.sources.unreachable(sent, failure);
            }
            Background::UploadProgress | Background::RealtimeAnswered => {}
            Background::Configuration(read) => self.configuration_is(read),
            Background::OfflineDatabaseReady => {
                if self.in_hand.is_none() || !self.offline_database.is_open() {
                    self.swap_offline_database();
                }
            }
            // Offline there are better things to say; the connection status window has it.
            Background::OfflineDatabaseFailed { .. } if self.sources.source() == Source::Offline || self.has_error_to_show() => {}
            Background::OfflineDatabaseFailed { why, hint } => {
                self.notice = Some(Notice { level: Level::Warning, text: format!("offline data: {why}"), hint });
            }
            Background::DeadlineReached => {
                self.sources.look_at_deadlines();
                if self.is_accepted_again() && self.session.is_none() {
                    // It is asked for a code that is not needed.
                    return Err(Stop::Cancelled);
                }
                let idle_ms = self.clock.tick().since(self.last_activity);
                let limit_s = self.profile.session.lock_after_s;
                if limit_s > 0 && idle_ms >= limit_s * 1_000 && self.session.as_ref().is_some_and(|session| !session.locked) {
                    return Err(Stop::Lock);
                }
            }
        }
        Ok(())
    }

    /// Whether the notice line tells the cashier why the last thing he did was refused.
    fn has_error_to_show(&self) -> bool {
        self.notice.as_ref().is_some_and(|notice| notice.level == Level::Error)
    }

    /// Without an offline database in use, in mid-sale too, one that could not be opened when it came is tried again before each command.
    fn open_what_waits(&mut self, question: &Question) {
        if question.prompt == Prompt::Command && !self.offline_database.is_open() {
            self.swap_offline_database();
        }
    }

    /// Takes a newer offline database into use, between two sales; the old one stays when it does not open.
    fn swap_offline_database(&mut self) {
        if !self.offline_database.is_waiting() || self.sources.connection().offline() == OfflineMode::Unsupported {
            return;
        }
        match self.offline_database.reopen() {
            Ok(database) => {
                self.sources.set_offline(Some(database));
                self.read_own_configuration();
            }
            Err(Problem { why, hint }) => {
                tracing::warn!(%why, "the offline database does not open");
                if !self.has_error_to_show() {
                    self.notice = Some(Notice { level: Level::Error, text: format!("the offline database does not open: {why}"), hint });
                }
            }
        }
    }

    fn sale(&self) -> Result<&Sale, Stop> {
        self.in_hand
            .as_ref()
            .map(|in_hand| in_hand.sale.as_ref())
            .ok_or_else(|| Stop::refused("there is no sale", "scan the first product"))
    }

    fn selected_line(&self) -> Result<&crate::retail::sale::Line, Stop> {
        match self.selected {
            Some(Selection::Line(number)) => Ok(self.sale()?.line(number)?),
            Some(Selection::Payment(_)) | None => Err(SaleError::NoSuchLine.into()),
        }
    }

    fn select(&mut self, selection: Selection) {
        let Ok(sale) = self.sale() else { return };
        let exists = match selection {
            Selection::Line(number) => sale.line(number).is_ok(),
            Selection::Payment(number) => sale.payments().iter().any(|payment| payment.number == number),
        };
        if exists {
            self.selected = Some(selection);
        }
    }

    fn screen(&self) -> Screen {
        match (&self.session, &self.in_hand) {
            (None, _) if self.activation.standing() != Standing::Activated => Screen::Activation,
            (None, _) => Screen::SignIn,
            (Some(Session { locked: true, .. }), _) => Screen::Locked,
            (Some(_), None) => Screen::Welcome,
            (Some(_), Some(_)) => Screen::Transaction,
        }
    }
}

/// A payment card's number that was typed where none belongs goes no further: into no search, no count of tries, no record.
fn refuse_card_number(answer: &Answer) -> Result<(), Stop> {
    let typed = match answer {
        Answer::Entry(text) | Answer::SearchText(text) => text,
        Answer::Credentials { operator, .. } => operator,
        // What a number is for decides: see `ask_number`.
        Answer::Number(_) | Answer::Operation { .. } | Answer::Select(_) | Answer::Pick(_) | Answer::Yes | Answer::Cancel => return Ok(()),
    };
    if card::stands_in(typed) { Err(card_number()) } else { Ok(()) }
}

fn card_number() -> Stop {
    Stop::refused("this looks like a payment card's number; it was not kept", "cards are read by the card terminal alone")
}
