//! 917 Database connection status: the window, and the switch by hand.

use super::super::Till;
use super::super::stop::Stop;
use crate::connection::{Action, Source, Switch};
use crate::desk::{Answer, ConnectionStatus, Desk, Prompt};
use crate::retail::staff::Permission;
use crate::view::{ConnectionView, Level, Notice};

/// 917. Before anybody has signed in, only where the profile lets a cashier switch there; then nobody's permission is asked for.
pub(super) fn status(till: &mut Till, desk: &mut dyn Desk, _: Option<&str>) -> Result<(), Stop> {
    if till.session.is_none() && !till.profile.offline.manual_switch_before_sign_in {
        return Err(Stop::refused("nobody has signed in", "sign in first; then F12 switches"));
    }
    let online = wanted(till, desk)?;
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

/// Shows the window until its action is wanted, and says whether that is to disconnect. What was offered is offered anew when the
/// connection has changed meanwhile.
fn wanted(till: &mut Till, desk: &mut dyn Desk) -> Result<bool, Stop> {
    loop {
        let online = till.sources.source() == Source::Online;
        let window = window(till, online)?;
        let answer = till.ask(desk, Prompt::ConnectionStatus(window))?;
        if answer == Answer::Yes && online == (till.sources.source() == Source::Online) {
            return Ok(online);
        }
    }
}

fn window(till: &Till, online: bool) -> Result<ConnectionStatus, Stop> {
    let row = |name: &str, value: String| (name.to_owned(), value);
    let heading = |name: &str| (name.to_owned(), String::new());
    let local = |time| till.local_time(time);
    let mut rows = vec![heading("Connection")];
    match till.connection_view() {
        ConnectionView::Online => rows.push(row("State", "online".to_owned())),
        ConnectionView::Offline { since, reason, next_try } => {
            rows.push(row("State", format!("offline since {}", local(since))));
            rows.push(row("Because", reason));
            let next = next_try.map_or("only when you connect".to_owned(), |at| format!("at the next sale after {}", local(at)));
            rows.push(row("Next try", next));
        }
        ConnectionView::Blocked { since, reason } => {
            rows.push(row("State", format!("no scale unit since {}, no offline database", local(since))));
            rows.push(row("Because", reason));
        }
    }
    rows.push(row("Switches", till.sources.connection().switches().to_string()));
    if let Some((tick, switch)) = till.sources.connection().last_switch() {
        let what = match switch {
            Switch::ToOnline => "online".to_owned(),
            Switch::ToOffline(cause) => format!("offline: {cause}"),
        };
        rows.push(row("Last switch", format!("{} {what}", local(till.wall_time(tick)))));
    }
    rows.push(heading("Unsent"));
    let unsent = till.journal.unsent()?;
    rows.push(row("Sales", unsent.sales.to_string()));
    rows.push(row("Other records", unsent.events.to_string()));
    rows.push(row("Set aside", unsent.set_aside.to_string()));
    if let Some(oldest) = unsent.oldest_sale {
        rows.push(row("Oldest", local(oldest)));
    }
    rows.extend(till.uploads.status(&local));
    rows.push(heading("Offline database"));
    rows.extend(till.offline_database.status(&local));
    let remark = (!online && till.in_hand.is_some()).then(|| "Connecting waits until this sale is concluded or voided.".to_owned());
    let action = if online { "Disconnect" } else { "Connect" };
    Ok(ConnectionStatus { action: action.to_owned(), remark, rows })
}
