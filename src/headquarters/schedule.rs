//! When distribution jobs run by themselves. Whoever serves headquarters asks every minute what is due.

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use serde::Serialize;

use super::Headquarters;
use super::database::Tx;
use super::distribution::{self, Extent, Made};
use super::entities::own;
use super::error::Result;
use super::kinds::{Content, JOBS};
use super::records::{self, text};
use crate::clock::Time;

/// A job that is due at a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Due {
    /// The job's number.
    pub job: u32,
    /// The store.
    pub store: String,
}

/// A job with its schedule and its last run at a store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ScheduledRun {
    /// The job's number.
    pub job: u32,
    /// Its name.
    pub name: &'static str,
    /// When it runs by itself; empty: only by hand.
    pub schedule: String,
    /// The store.
    pub store: String,
    /// When it ran last.
    pub last_run: Option<Time>,
}

impl Headquarters {
    /// Jobs whose time has come.
    pub fn due(&self, now: Time) -> Result<Vec<Due>> {
        self.database().read(|tx| {
            let mut due = Vec::new();
            for (store, job, schedule) in every_schedule(tx)? {
                let last_run = distribution::last_run(tx, &store, job)?;
                let local = distribution::local(tx, &store, now)?;
                if schedule.is_some_and(|schedule| is_due(&schedule, last_run, now, local)) {
                    due.push(Due { job, store });
                }
            }
            Ok(due)
        })
    }

    /// Runs the jobs whose time has come. One store's failure holds up no other.
    pub fn run_due(&self, who: &str, now: Time) -> Result<Vec<(Due, Result<Vec<Made>>)>> {
        let run = |due: Due| {
            let made = self.run_job(who, due.job, Some(&due.store), Extent::Changes);
            (due, made)
        };
        Ok(self.due(now)?.into_iter().map(run).collect())
    }

    /// Every job at every store.
    pub fn schedules(&self) -> Result<Vec<ScheduledRun>> {
        self.database().read(|tx| {
            let mut runs = Vec::new();
            for (store, job, schedule) in every_schedule(tx)? {
                let name = JOBS.iter().find(|(known, _)| *known == job).map_or("", |(_, name)| name);
                let schedule = schedule.map(|schedule| in_words(&schedule)).unwrap_or_default();
                let last_run = distribution::last_run(tx, &store, job)?;
                runs.push(ScheduledRun { job, name, schedule, store, last_run });
            }
            Ok(runs)
        })
    }
}

fn every_schedule(tx: &mut Tx<'_>) -> Result<Vec<(String, u32, Option<Content>)>> {
    let mut stores = Vec::new();
    records::each(tx, own("store"), &mut |key, _| {
        stores.push(key);
        Ok(())
    })?;
    let mut all = Vec::new();
    for store in stores {
        for (job, _) in JOBS {
            all.push((store.clone(), job, records::get(tx, own("schedule"), &job.to_string())?));
        }
    }
    Ok(all)
}

fn is_active(schedule: &Content) -> bool {
    schedule.get("active").and_then(serde_json::Value::as_bool).unwrap_or(false)
}

fn every(schedule: &Content) -> Option<TimeDelta> {
    schedule.get("every_minutes").and_then(serde_json::Value::as_i64).map(TimeDelta::minutes)
}

fn daily(schedule: &Content) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text(schedule, "daily_at"), "%H:%M").ok()
}

fn in_words(schedule: &Content) -> String {
    if !is_active(schedule) {
        return "paused".to_owned();
    }
    let every = every(schedule).map(|every| format!("every {} minutes", every.num_minutes()));
    let daily = daily(schedule).map(|at| format!("daily {}", at.format("%H:%M")));
    [every, daily].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Days are the store's own. A run that is still to come was noted by a clock that ran ahead, and counts as none.
fn is_due(schedule: &Content, last_run: Option<Time>, now: Time, local: NaiveDateTime) -> bool {
    if !is_active(schedule) {
        return false;
    }
    let Some(last_run) = last_run.filter(|last_run| *last_run <= now) else { return true };
    let by_interval = every(schedule).is_some_and(|every| now >= last_run + every);
    let by_day = daily(schedule).is_some_and(|at| {
        let today = local.date().and_time(at);
        let latest = if local >= today { today } else { today - TimeDelta::days(1) };
        let ran = local - (now - last_run);
        ran < latest
    });
    by_interval || by_day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_and_a_day_each_make_a_job_due() {
        let at = |minute: i64| chrono::DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let schedule = |field, value| own("schedule").read(Content::new(), [("job", "1040"), (field, value)]).unwrap();
        let (every, daily) = (schedule("every_minutes", "15"), schedule("daily_at", "02:30"));
        let paused = own("schedule").read(every.clone(), [("active", "no")]).unwrap();
        // The store's clock is an hour behind.
        let due = |schedule: &Content, last: Option<i64>, now| is_due(schedule, last.map(at), at(now), at(now - 60).naive_utc());
        for (schedule, last, now, expected) in [
            (&every, None, 0, true),
            (&every, Some(0), 14, false),
            (&every, Some(0), 15, true),
            (&every, Some(16), 15, true),
            (&daily, Some(400), 300, true),
            (&paused, Some(0), 15, false),
            (&paused, None, 15, false),
            (&daily, Some(60), 209, false),
            (&daily, Some(60), 210, true),
            (&daily, Some(210), 1_000, false),
            (&daily, Some(210), 1_440 + 209, false),
            (&daily, Some(210), 1_440 + 210, true),
        ] {
            assert_eq!(due(schedule, last, now), expected, "{schedule:?} {last:?} {now}");
        }
    }
}
