//! Wrong PINs in a row at this register, by operator: what a restart must not forget. The rule is `retail::lockout`'s.

use chrono::{DateTime, TimeDelta};
use rusqlite::{Connection, OptionalExtension};

use super::error::Result;
use super::{number, stored, time};
use crate::clock::Time;
use crate::ids::OperatorId;
use crate::retail::lockout::Attempts;

/// How long a count is kept at least: so nobody is forgotten sooner by whoever types other numbers meanwhile.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// Operators whose tries are kept at most, however new: whoever types numbers at random fills no disk. The locked ones go last.
const KEPT_MAX: u32 = 10_000;

pub(super) fn read(database: &Connection, operator: &OperatorId) -> Result<Attempts> {
    let mut statement = database.prepare_cached("SELECT failures, locked_until FROM attempts WHERE operator = ?1")?;
    let found = statement.query_row([&operator.0], |row| {
        let until: Option<i64> = row.get(1)?;
        let failures = u32::try_from(number(row, 0)?).unwrap_or(u32::MAX);
        Ok(Attempts { failures, locked_until: until.map(|until| time(until, 1)).transpose()? })
    });
    Ok(found.optional()?.unwrap_or_default())
}

pub(super) fn write(database: &Connection, operator: &OperatorId, attempts: Attempts, now: Time) -> Result<()> {
    const PUT: &str = "INSERT INTO attempts (operator, failures, locked_until, tried_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (operator) DO UPDATE
        SET failures = excluded.failures, locked_until = excluded.locked_until, tried_at = excluded.tried_at";
    const FORGET: &str = "DELETE FROM attempts WHERE tried_at < ?1";
    const BOUND: &str = "DELETE FROM attempts WHERE (SELECT count(*) FROM attempts) > ?1 AND operator =
        (SELECT operator FROM attempts WHERE operator <> ?2 ORDER BY locked_until > ?3, tried_at LIMIT 1)";
    if attempts == Attempts::default() {
        database.prepare_cached("DELETE FROM attempts WHERE operator = ?1")?.execute([&operator.0])?;
        return Ok(());
    }
    let until = attempts.locked_until.as_ref().map(DateTime::timestamp_millis);
    database.prepare_cached(PUT)?.execute((&operator.0, stored(attempts.failures.into()), until, now.timestamp_millis()))?;
    database.prepare_cached(FORGET)?.execute([(now - KEPT_FOR).timestamp_millis()])?;
    database.prepare_cached(BOUND)?.execute((KEPT_MAX, &operator.0, now.timestamp_millis()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Journal;
    use super::super::testing::{Shop, at, register};
    use super::*;
    use crate::retail::lockout::FAILURES_MAX;

    #[test]
    fn a_lock_holds_over_a_restart_and_a_clock_that_was_set_back() {
        let mut shop = Shop::open();
        let id = OperatorId::from("000160");
        for before in 0..FAILURES_MAX {
            assert_eq!(shop.journal.note_failure(&id, at(0)).unwrap().failures, before);
        }
        let Shop { directory, journal, .. } = shop;
        drop(journal);
        let mut journal = Journal::open(directory.path(), &register()).unwrap();
        let locked = |journal: &Journal, seconds: i64| journal.attempts(&id).unwrap().locked_at(at(seconds)).is_some();
        assert!(locked(&journal, 0) && locked(&journal, 899) && !locked(&journal, 900));
        assert!(locked(&journal, -3_600), "an hour back is an hour more");
        assert_eq!(journal.attempts(&"000161".into()).unwrap(), Attempts::default());
        journal.set_attempts(&id, Attempts::default(), at(1)).unwrap();
        assert!(!locked(&journal, 1));
    }

    #[test]
    fn whoever_types_other_numbers_meanwhile_is_counted_on() {
        let mut shop = Shop::open();
        let id = OperatorId::from("000160");
        for second in 0..4 {
            shop.journal.note_failure(&id, at(second)).unwrap();
        }
        for number in 0..300 {
            shop.journal.note_failure(&number.to_string().as_str().into(), at(number)).unwrap();
        }
        assert_eq!(shop.journal.attempts(&id).unwrap().failures, 4);
        shop.journal.note_failure(&"1".into(), at(3 + 24 * 3_600)).unwrap();
        assert_eq!(shop.journal.attempts(&id).unwrap().failures, 4, "for a day");
        shop.journal.note_failure(&"1".into(), at(4 + 24 * 3_600)).unwrap();
        assert_eq!(shop.journal.attempts(&id).unwrap(), Attempts::default());
    }

    #[test]
    fn numbers_at_random_push_no_lock_out_and_fill_no_disk() {
        const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO attempts (operator, failures, locked_until, tried_at) SELECT i, 1, NULL, ?2 + i FROM n";
        let mut shop = Shop::open();
        let id = OperatorId::from("000160");
        for _ in 0..FAILURES_MAX {
            shop.journal.note_failure(&id, at(0)).unwrap();
        }
        shop.journal.database.execute(FILL, (KEPT_MAX - 1, at(0).timestamp_millis())).unwrap();
        shop.journal.note_failure(&"new".into(), at(60)).unwrap();
        assert!(shop.journal.attempts(&id).unwrap().locked_at(at(60)).is_some());
        let counted = |number: &str| shop.journal.attempts(&number.into()).unwrap().failures;
        assert_eq!((counted("1"), counted("2"), counted("new")), (0, 1, 1), "the oldest goes");
    }
}
