//! The connection status window's content: what is known at this moment, in words.

use super::super::super::stop::Stop;
use super::super::super::{Activity, DownloadStatus, HeadquartersReach, JobStatus, Till};
use crate::clock::Time;
use crate::connection::{OfflineMode, Source, Switch};
use crate::desk::{ConnectionStatus, Fact, Section};
use crate::view::{ConnectionView, Level};

/// The distribution jobs, by number.
const JOBS: [(u32, &str); 10] = [
    (1010, "Customers"),
    (1020, "Prices"),
    (1040, "Products"),
    (1050, "Loyalty"),
    (1060, "Staff"),
    (1070, "Channel"),
    (1080, "Tax"),
    (1090, "Registers"),
    (1110, "Global"),
    (9999, "All of it"),
];

/// Bytes of a mebibyte.
const MIB: u64 = 1 << 20;

/// All the window shows.
pub(super) fn window(till: &Till, online: bool) -> Result<ConnectionStatus, Stop> {
    let downloads = till.offline_database.status();
    let sections = vec![connection(till), unsent(till)?, packages(till, &downloads), jobs(till, &downloads)];
    let remark = match till.sources.connection().offline() {
        OfflineMode::Unsupported => Some("This register works online only: headquarters has its Support offline at no.".to_owned()),
        _ if !online && till.in_hand.is_some() => Some("Connecting waits until this sale is concluded or voided.".to_owned()),
        OfflineMode::Ready | OfflineMode::NotReady => None,
    };
    let action = if online { "Disconnect" } else { "Connect" };
    Ok(ConnectionStatus { action: action.to_owned(), remark, sections })
}

fn connection(till: &Till) -> Section {
    let local = |time| moment(till, time);
    let mut facts = Vec::new();
    match till.connection_view() {
        ConnectionView::Online => {
            let since = match till.sources.connection().last_switch() {
                Some((tick, Switch::ToOnline | Switch::OfflineLost)) => format!("online since {}", local(till.wall_time(tick))),
                Some((_, Switch::ToOffline(_))) | None => "online since the start".to_owned(),
            };
            facts.push(Fact::new("State", since));
        }
        ConnectionView::Offline { since, reason, next_try } => {
            facts.push(Fact::new("State", format!("offline since {}", local(since))).at(Level::Warning));
            facts.push(Fact::new("Because", reason));
            let next = next_try.map_or("only when you connect".to_owned(), |at| format!("at the next sale after {}", local(at)));
            facts.push(Fact::new("Next try", next));
        }
        ConnectionView::Blocked { since, reason, lacks } => {
            facts.push(Fact::new("State", format!("no scale unit since {}, {lacks}", local(since))).at(Level::Error));
            facts.push(Fact::new("Because", reason));
        }
    }
    facts.push(Fact::new("Switches", till.sources.connection().switches().to_string()));
    if let Some((tick, switch)) = till.sources.connection().last_switch() {
        let what = match switch {
            Switch::ToOnline => "online".to_owned(),
            Switch::ToOffline(cause) => format!("offline: {cause}"),
            Switch::OfflineLost => "the offline database was lost".to_owned(),
        };
        facts.push(Fact::new("Last switch", format!("{} {what}", local(till.wall_time(tick)))));
    }
    facts.push(match till.sources.headquarters() {
        None => Fact::new("Headquarters", "not asked yet"),
        Some((at, HeadquartersReach::Answers)) => Fact::new("Headquarters", format!("answered {}", local(at))),
        Some((at, HeadquartersReach::Away)) => Fact::new("Headquarters", format!("did not answer {}", local(at))).at(Level::Warning),
    });
    facts.push(Fact::new("Register", till.register.to_string()));
    facts.push(Fact::new("Device", till.activation.device()));
    Section { title: "Connection".to_owned(), facts }
}

fn unsent(till: &Till) -> Result<Section, Stop> {
    let local = |time| moment(till, time);
    let unsent = till.journal.unsent()?;
    let set_aside = if unsent.set_aside > 0 { Level::Warning } else { Level::Info };
    let mut facts = vec![
        Fact::new("Sales", unsent.sales.to_string()),
        Fact::new("Other records", unsent.events.to_string()),
        Fact::new("Set aside", unsent.set_aside.to_string()).at(set_aside),
    ];
    facts.extend(unsent.oldest_sale.map(|oldest| Fact::new("Oldest", local(oldest))));
    let uploads = till.uploads.status();
    facts.push(match (uploads.last_attempt, uploads.last_error) {
        (None, None) => Fact::new("Last upload", "none yet"),
        (None, Some(error)) => Fact::new("Last upload", error).at(Level::Warning),
        (Some(at), None) => Fact::new("Last upload", format!("{} succeeded", local(at))),
        (Some(at), Some(error)) => Fact::new("Last upload", format!("{} failed: {error}", local(at))).at(Level::Warning),
    });
    facts.extend(uploads.last_success.map(|at| Fact::new("Last arrival", local(at))));
    facts.push(match &till.purged {
        None => Fact::new("Last purge", "none yet"),
        Some((at, None)) => Fact::new("Last purge", format!("{} succeeded", local(*at))),
        Some((at, Some(why))) => Fact::new("Last purge", format!("{} failed: {why}", local(*at))).at(Level::Warning),
    });
    Ok(Section { title: "Unsent".to_owned(), facts })
}

fn packages(till: &Till, status: &DownloadStatus) -> Section {
    let local = |time| moment(till, time);
    let mut facts = vec![Fact::new("Version", status.version.map_or_else(|| "none yet".to_owned(), |version| version.to_string()))];
    facts.extend(status.bytes.map(|bytes| Fact::new("Size", size(bytes))));
    facts.extend(status.made_at.map(|at| Fact::new("Prices", prices_as_of(till, at))));
    facts.push(match (status.activity, till.sources.source()) {
        (Activity::OnlineOnly, _) => Fact::new("Packages", "none: the register works online only"),
        (Activity::Paused, _) => Fact::new("Packages", "paused by the profile").at(Level::Warning),
        (Activity::UnderWay, _) => Fact::new("Packages", format!("under way, {} pending", status.pending)),
        (Activity::Idle, Source::Offline) => Fact::new("Packages", "wait until the register is online"),
        (Activity::Idle, Source::Online) => Fact::new("Packages", format!("{} pending", status.pending)),
    });
    match &status.looked {
        None => {}
        Some((at, None)) => facts.push(Fact::new("Last look", format!("{} succeeded", local(*at)))),
        Some((at, Some(problem))) => {
            facts.push(Fact::new("Last look", format!("{} failed: {}", local(*at), problem.why)).at(Level::Warning));
            facts.push(Fact::new("What to do", problem.hint.clone()));
        }
    }
    facts.extend(status.remark.clone().map(|remark| Fact::new("Remark", remark).at(Level::Warning)));
    Section { title: "Offline database".to_owned(), facts }
}

fn jobs(till: &Till, status: &DownloadStatus) -> Section {
    let known = JOBS.into_iter().map(|(number, name)| (number, name, status.jobs.get(&number)));
    let facts = known.flat_map(|(number, name, job)| job_facts(till, format!("{number} {name}"), job)).collect();
    Section { title: "Downloads by job".to_owned(), facts }
}

fn job_facts(till: &Till, name: String, job: Option<&JobStatus>) -> Vec<Fact> {
    match job {
        None => vec![Fact::new(name, "None")],
        Some(JobStatus { at, problem: None }) => vec![Fact::new(name, format!("{} Succeeded", moment(till, *at)))],
        Some(JobStatus { at, problem: Some(problem) }) => vec![
            Fact::new(name, format!("{} Failed: {}", moment(till, *at), problem.why)).at(Level::Error),
            Fact::new("What to do", problem.hint.clone()),
        ],
    }
}

/// A time of day, with the day when that is not today.
fn moment(till: &Till, time: Time) -> String {
    let local = till.local(time);
    let form = if local.date_naive() == till.local(till.clock.now()).date_naive() { "%H:%M:%S" } else { "%d %b %H:%M:%S" };
    local.format(form).to_string()
}

/// How old offline prices can be, going by when the newest package was made.
pub(in super::super) fn prices_as_of(till: &Till, made_at: Time) -> String {
    format!("as of {}, {}", till.local(made_at).format("%d %b %H:%M"), age(made_at, till.clock.now()))
}

/// How long ago, in the largest unit that says something.
fn age(time: Time, now: Time) -> String {
    let minutes = now.signed_duration_since(time).num_minutes().max(0);
    match minutes {
        0 => "just now".to_owned(),
        1..120 => format!("{minutes} min old"),
        120..2880 => format!("{} h old", minutes / 60),
        _ => format!("{} days old", minutes / 1440),
    }
}

fn size(bytes: u64) -> String {
    if bytes < MIB { format!("{} KiB", bytes.div_ceil(1024)) } else { format!("{} MiB", bytes.div_ceil(MIB)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_said_in_the_largest_unit_that_says_something() {
        let now: Time = "2026-11-22T10:42:00Z".parse().unwrap();
        for (then, said) in [
            ("2026-11-22T10:43:00Z", "just now"),
            ("2026-11-22T10:41:01Z", "just now"),
            ("2026-11-22T08:43:00Z", "119 min old"),
            ("2026-11-22T08:42:00Z", "2 h old"),
            ("2026-11-20T10:42:00Z", "2 days old"),
        ] {
            assert_eq!(age(then.parse().unwrap(), now), said, "{then}");
        }
    }

    #[test]
    fn a_size_is_never_said_to_be_nothing() {
        for (bytes, said) in [(1, "1 KiB"), (MIB - 1, "1024 KiB"), (MIB, "1 MiB"), (300 * MIB + 1, "301 MiB")] {
            assert_eq!(size(bytes), said);
        }
    }
}
