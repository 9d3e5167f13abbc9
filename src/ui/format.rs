//! Times, ages, amounts and keys as the cashier reads them.

use chrono::TimeDelta;

use crate::clock::Time;
use crate::money::{Money, Quantity};
use crate::till::operations::{Key, Operation, TABLE};

/// `10:31` in the store's time; with the day before it when that is not today.
pub(super) fn since(time: Time, now: Time, offset_minutes: i32) -> String {
    let (local, today) = (local(time, offset_minutes), local(now, offset_minutes));
    let day = if local.date_naive() == today.date_naive() { "" } else { "%a " };
    local.format(&format!("{day}%H:%M")).to_string()
}

/// `10:42` in the store's time.
pub(super) fn clock(time: Time, offset_minutes: i32) -> String {
    local(time, offset_minutes).format("%H:%M").to_string()
}

/// `Sun 22 Nov` in the store's time.
pub(super) fn day(time: Time, offset_minutes: i32) -> String {
    local(time, offset_minutes).format("%a %-d %b").to_string()
}

/// `Sunday 22 November 2026` in the store's time.
pub(super) fn long_day(time: Time, offset_minutes: i32) -> String {
    local(time, offset_minutes).format("%A %-d %B %Y").to_string()
}

/// How long ago: `under 1 min`, `11 min`, `3 h 05 min`, `2 days`.
pub(super) fn age(then: Time, now: Time) -> String {
    let minutes = (now - then).num_minutes();
    match minutes {
        ..1 => "under 1 min".to_owned(),
        1..60 => format!("{minutes} min"),
        60..2_880 => format!("{} h {:02} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// An amount without its currency, with a true minus sign.
pub(super) fn amount(money: Money) -> String {
    money.plain().replace('-', "−")
}

/// How much of an article: `2`, `1.24 kg`. Pieces have no unit.
pub(super) fn quantity(quantity: Quantity, unit: &str) -> String {
    let number = quantity.to_string().replace('-', "−");
    if matches!(unit, "" | "each" | "ea") { number } else { format!("{number} {unit}") }
}

/// A key as it is printed on keyboards and buttons.
pub(super) fn key(key: Key) -> String {
    match key {
        Key::F(number) => format!("F{number}"),
        Key::Alt(letter) => format!("Alt+{}", letter.to_uppercase()),
        Key::Enter => "Enter".to_owned(),
    }
}

/// The key of an operation, for hints; nothing for a number that no operation has.
pub(super) fn key_of(number: u16) -> String {
    operation(number).map_or_else(String::new, |operation| key(operation.key))
}

/// An operation by its number.
pub(super) fn operation(number: u16) -> Option<&'static Operation> {
    TABLE.iter().find(|operation| operation.number == number)
}

/// `1 line`, `3 lines`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn local(time: Time, offset_minutes: i32) -> Time {
    time.checked_add_signed(TimeDelta::minutes(offset_minutes.into())).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn ages_read_as_people_say_them() {
        let then = time("2026-11-22T10:00:00Z");
        for (seconds, shown) in
            [(-5, "under 1 min"), (59, "under 1 min"), (660, "11 min"), (3_600, "1 h 00 min"), (11_100, "3 h 05 min"), (172_800, "2 days")]
        {
            assert_eq!(age(then, then + TimeDelta::seconds(seconds)), shown);
        }
    }

    #[test]
    fn times_are_the_stores_and_name_another_day() {
        let now = time("2026-11-22T23:30:00Z");
        assert_eq!(clock(now, 60), "00:30");
        assert_eq!(day(now, 60), "Mon 23 Nov");
        assert_eq!(since(now, now, 60), "00:30");
        assert_eq!(since(time("2026-11-22T20:00:00Z"), now, 60), "Sun 21:00");
        assert_eq!(since(Time::MAX_UTC, now, i32::MAX), since(Time::MAX_UTC, now, i32::MAX), "no time is too far");
    }

    #[test]
    fn pieces_have_no_unit_and_amounts_a_true_minus() {
        assert_eq!(quantity(Quantity::parse("2").unwrap(), "each"), "2");
        assert_eq!(quantity(Quantity::parse("1.240").unwrap(), "kg"), "1.24 kg");
        assert_eq!(amount("-0.7 USD".parse().unwrap()), "−0.70");
    }
}
