//! 917 Database connection status: the window, and the switch by hand.

mod status;

pub(super) use status::prices_as_of;

use super::super::Till;
use super::super::stop::Stop;
use crate::connection::{Action, OfflineMode, Refusal, Source};
use crate::desk::{Answer, Desk, Prompt, Question};
use crate::retail::staff::Permission;
use crate::view::{Level, Notice};

/// 917. Before anybody has signed in, only where the profile lets a cashier switch there; then nobody's permission is asked for.
pub(super) fn status(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    if till.session.is_none() && !till.profile.offline.manual_switch_before_sign_in {
        return Err(Stop::refused("nobody has signed in", "sign in first; then F12 switches"));
    }
    let online = wanted(till, desk)?;
    if online && till.sources.connection().offline() == OfflineMode::Unsupported {
        // Said before a manager is asked to sign for it.
        let refusal = Refusal::OnlineOnly;
        return Err(Stop::refused(refusal.to_string(), refusal.hint()));
    }
    if till.session.is_some() {
        till.authorize(desk, Permission::SwitchConnection, 917)?;
    }
    desk.show(&till.view());
    let action = if online { till.sources.disconnect() } else { till.sources.connect() };
    till.write_down_switches();
    match action {
        Action::Refused(refusal) => Err(Stop::refused(refusal.to_string(), refusal.hint())),
        Action::Stay if !online && till.sources.source() == Source::Offline => {
            till.notice = Some(Notice {
                level: Level::Warning,
                text: "the scale unit does not answer; still offline".to_owned(),
                hint: "go on selling; F12 tries again".to_owned(),
            });
            Ok(())
        }
        // While a manager signed, the register may have gone offline by itself: from here on it is by hand.
        Action::Stay if online && till.session.is_some() => till.note_connection(),
        Action::Stay | Action::Switched(_) | Action::TryReconnect { .. } | Action::Probe { .. } => Ok(()),
    }
}

/// Shows the window until its action is wanted, and says whether that is to disconnect. It is drawn anew with all that happens meanwhile,
/// and opening it looks for packages.
fn wanted(till: &mut Till, desk: &mut dyn Desk) -> Result<bool, Stop> {
    if till.session.is_some() {
        till.offline_database.fetch();
    }
    till.serial += 1;
    loop {
        let online = till.sources.source() == Source::Online;
        let question = Question { serial: till.serial, prompt: Prompt::ConnectionStatus(status::window(till, online)?) };
        let answer = till.next_answer(desk, &question)?;
        if answer.is_some() {
            if answer == Some(Answer::Yes) && online == (till.sources.source() == Source::Online) {
                return Ok(online);
            }
            // What was offered is offered anew when the connection has changed meanwhile.
            till.serial += 1;
        }
    }
}
