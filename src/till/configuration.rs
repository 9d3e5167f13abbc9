//! The store's configuration and the register's setup, renewed between two sales. The background reads them with every look for packages:
//! after the sign-in, when the register comes online, at every interval; offline they come with a newer database. Nobody waits for them, and
//! what a sale began with, it ends with.

use std::sync::Arc;

use super::setup::barcode_patterns;
use super::{Standing, Stop, Till};
use crate::channel::Result as ChannelResult;
use crate::connection::{OfflineMode, Source};
use crate::desk::{Prompt, Question};
use crate::journal::JournalError;
use crate::profile::Profile;
use crate::retail::register::{Configuration, Numbers, RegisterSetup};
use crate::retail::store::Store;
use crate::view::{Level, Look, Notice};

impl Till {
    /// Takes in what the background has read: the numbers at once, all else as soon as there is no sale.
    pub(super) fn configuration_is(&mut self, read: ChannelResult<Box<Configuration>>) {
        if self.activation.standing() != Standing::Activated {
            return;
        }
        match read {
            Ok(configuration) => {
                if let Some(setup) = &configuration.setup {
                    self.go_on_behind(setup.numbers);
                }
                self.renewed = Some(configuration);
            }
            // That the device is deactivated holds from now on.
            Err(error) => drop(self.refusal(error)),
        }
    }

    /// The offline database that has come into use may say something new. Online the scale unit has said it.
    pub(super) fn read_own_configuration(&mut self) {
        if self.sources.source() == Source::Offline
            && let Ok(configuration) = self.sources.ask_own(|own| own.configuration(&self.register))
        {
            self.renewed = Some(Box::new(configuration));
        }
    }

    /// What is newer comes into use before a question between two sales; a sale ends with what it began with.
    pub(super) fn renew_configuration(&mut self, question: &Question) {
        if self.in_hand.is_none()
            && question.prompt == Prompt::Command
            && let Some(configuration) = self.renewed.take()
        {
            let Configuration { store, setup } = *configuration;
            self.take_configuration(store, setup);
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
    pub(super) fn go_on_behind(&mut self, numbers: Numbers) {
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
