//! The store's configuration and the register's setup, read anew between two sales: after the sign-in, once a newer offline database is in
//! use, when the register comes online, and when the background has found a change. What a sale began with, it ends with.

use std::sync::Arc;

use super::setup::barcode_patterns;
use super::{Standing, Stop, Till};
use crate::channel::{ChannelError, ErrorKind, Refusal, Result as ChannelResult};
use crate::connection::OfflineMode;
use crate::desk::{Desk, Prompt, Question};
use crate::journal::JournalError;
use crate::profile::Profile;
use crate::retail::register::{Numbers, RegisterSetup};
use crate::retail::store::Store;
use crate::view::{Level, Look, Notice};

/// What is to be read anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Renewal {
    /// Nothing.
    None,
    /// The configuration, between two sales.
    Configuration,
    /// The configuration, and at once the numbers that are known elsewhere.
    Numbers,
}

impl Till {
    /// The configuration is read anew as soon as there is no sale.
    pub(super) fn configuration_may_have_changed(&mut self) {
        if self.renewal == Renewal::None {
            self.renewal = Renewal::Configuration;
        }
    }

    /// Reads anew what there is cause to, as far as this question leaves room for it; what cannot be read stays as it is.
    pub(super) fn renew_configuration(&mut self, desk: &mut dyn Desk, question: &Question) {
        let between_sales = self.in_hand.is_none() && question.prompt == Prompt::Command;
        let is_due = self.renewal == Renewal::Numbers || self.renewal == Renewal::Configuration && between_sales;
        if !is_due || self.activation.standing() != Standing::Activated {
            return;
        }
        self.renewal = if between_sales { Renewal::None } else { Renewal::Configuration };
        desk.show(&self.view());
        let register = self.register.clone();
        let answer = self.sources.ask(move |channel| Ok((channel.store(&register.store)?, if_known(channel.register(&register))?)));
        self.write_down_switches();
        match answer {
            Ok((store, setup)) => {
                if let Some(setup) = &setup {
                    self.go_on_behind(setup.numbers);
                }
                if between_sales {
                    self.take_configuration(store, setup);
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the configuration stays as it is");
                // That the device is deactivated holds from now on.
                let _ = self.refusal(error);
            }
        }
    }

    fn take_configuration(&mut self, store: Store, setup: Option<RegisterSetup>) {
        if store != self.store {
            tracing::info!("the store's configuration has changed");
            self.barcode_patterns = barcode_patterns(&store);
            self.store = store;
        }
        let Some(setup) = setup else { return };
        let profile = profile_with(&self.own_profile, Some(&setup));
        if profile.offline != self.profile.offline {
            self.sources.configure(&profile.offline);
            self.offline_database.configure(&profile.offline);
        }
        self.profile = profile;
        self.look = look_of(&setup);
        match (setup.support_offline, self.sources.connection().offline()) {
            (false, OfflineMode::Ready | OfflineMode::NotReady) => {
                self.sources.work_online_only();
                self.offline_database.give_up();
                self.write_down_switches();
                self.notice = Some(Notice {
                    level: Level::Warning,
                    text: "from now on this register works online only".to_owned(),
                    hint: "headquarters has set it up so; without the scale unit it sells nothing".to_owned(),
                });
            }
            (true, OfflineMode::Unsupported) => {
                self.sources.set_offline(None);
                self.offline_database.take_up(&self.profile.offline);
                self.offline_database.fetch();
                self.notice = Some(Notice {
                    level: Level::Info,
                    text: "from now on this register works offline too".to_owned(),
                    hint: "its offline database is on its way".to_owned(),
                });
            }
            (true, OfflineMode::Ready | OfflineMode::NotReady) | (false, OfflineMode::Unsupported) => {}
        }
    }

    /// Numbers that were given elsewhere are not given here again, whatever was lost with an earlier device.
    fn go_on_behind(&mut self, numbers: Numbers) {
        if !numbers.are_possible() {
            tracing::error!(?numbers, "the scale unit says numbers that no register comes to");
            return;
        }
        self.numbers = Some(self.numbers.unwrap_or_default().max(numbers));
        if let Err(error) = self.take_numbers() {
            self.notice = match Stop::from(error) {
                Stop::Refused(notice) => Some(notice),
                Stop::Cancelled | Stop::HungUp | Stop::Lock | Stop::SessionEnded => None,
            };
        }
    }

    /// Writes down behind which numbers the register goes on. Until that is done it records nothing: it might give one twice.
    pub(super) fn take_numbers(&mut self) -> Result<(), JournalError> {
        if let Some(numbers) = self.numbers {
            self.journal.continue_from(numbers)?;
            self.numbers = None;
        }
        Ok(())
    }
}

/// None for a register that is not known yet.
fn if_known(setup: ChannelResult<RegisterSetup>) -> ChannelResult<Option<RegisterSetup>> {
    match setup {
        Err(ChannelError { kind: ErrorKind::Refused(Refusal::NotFound), .. }) => Ok(None),
        setup => setup.map(Some),
    }
}

/// What headquarters says about a register wins over its own profile.
pub fn profile_with(own: &Profile, setup: Option<&RegisterSetup>) -> Profile {
    let mut profile = own.clone();
    if let Some(offline) = setup.and_then(|setup| setup.offline_profile.as_ref()) {
        profile.offline = offline.clone();
    }
    if let Some(seconds) = setup.and_then(|setup| setup.lock_after_s) {
        profile.session.lock_after_s = seconds;
    }
    profile
}

/// How headquarters wants a register's screen to look.
pub fn look_of(setup: &RegisterSetup) -> Option<Arc<Look>> {
    let RegisterSetup { theme, layout, .. } = setup;
    (theme.is_some() || layout.is_some()).then(|| Arc::new(Look { theme: theme.clone(), layout: layout.clone() }))
}
