//! The status header: where, who, which shift; and whether the scale unit answers, which is never left out however narrow the window is.
//!
//! Offline it takes a second row of its own where one does not hold both.

use ratatui::layout::Rect;

use crate::clock::Time;
use crate::view::{ConnectionView, Header, View};

use super::canvas::{Canvas, columns, fit};
use super::format::{age, clock, day, key_of, since};
use super::theme::Role;

const BRAND: &str = " EVERTILL ";

/// Draws the header at the top of the place and returns its rows: one or two.
pub(super) fn draw(canvas: &mut Canvas, area: Rect, view: &View, now: Time) -> u16 {
    let header = &view.header;
    let texts = connection(header, now);
    let role = connection_role(header);
    let rows = rows(header, now, area.width, &texts);
    canvas.fill(Rect { height: 1, ..area }, Role::Header);
    rows.first.draw(canvas, area, role);
    let Some(second) = rows.second else { return 1 };
    let row = Rect { y: area.y + 1, height: 1, ..area };
    canvas.fill(row, role);
    canvas.text(row.x + 1, row.y, row.width.saturating_sub(2), &second, role);
    2
}

/// What stands in the header's rows.
#[derive(Debug)]
struct Rows {
    first: First,
    /// The connection, when it has a row of its own.
    second: Option<String>,
}

/// The first row, from left to right.
#[derive(Default, Debug)]
struct First {
    brand: &'static str,
    place: String,
    connection: String,
    time: String,
}

/// Everything in one row where it fits; the connection keeps more than the rest. Offline, a second row comes before shortening much.
fn rows(header: &Header, now: Time, width: u16, texts: &[String]) -> Rows {
    if header.connection == ConnectionView::Online {
        let least = || First { connection: texts.last().cloned().unwrap_or_default(), ..variants(header, now).pop().unwrap_or_default() };
        return Rows { first: fitting(variants(header, now), width, texts).unwrap_or_else(least), second: None };
    }
    let mut rich = variants(header, now);
    rich.truncate(4);
    if let Some(first) = fitting(rich, width, &texts[..2]) {
        return Rows { first, second: None };
    }
    // The same as online, so that the row stays where it is when the connection goes.
    let first = fitting(variants(header, now), width, &["● ONLINE".to_owned()]).map(|first| First { connection: String::new(), ..first });
    let second = texts.iter().find(|text| columns(text) + 2 <= width).cloned();
    Rows {
        first: first.or_else(|| variants(header, now).pop()).unwrap_or_default(),
        second: Some(second.unwrap_or_else(|| squeezed(header, width.saturating_sub(2)))),
    }
}

/// The first row's other parts, from everything to the least.
fn variants(header: &Header, now: Time) -> Vec<First> {
    let [full, shift, bare] = places(header);
    let (long, short) = (long_time(header, now), short_time(header, now));
    [(BRAND, &full, &long), (BRAND, &full, &short), (BRAND, &shift, &short), ("", &shift, &short), ("", &bare, &short)]
        .map(|(brand, place, time)| First { brand, place: place.clone(), connection: String::new(), time: time.clone() })
        .into()
}

/// The first row that fits with the longest of these texts that fits at all.
fn fitting(parts: Vec<First>, width: u16, texts: &[String]) -> Option<First> {
    let fits = |first: &First, text: &str| {
        let gaps = if text.is_empty() { 4 } else { 8 };
        columns(first.brand) + columns(&first.place) + columns(text) + columns(&first.time) + gaps <= width
    };
    let text = texts.iter().find(|text| parts.iter().any(|first| fits(first, text)))?;
    let first = parts.into_iter().find(|first| fits(first, text))?;
    Some(First { connection: text.clone(), ..first })
}

impl First {
    fn draw(&self, canvas: &mut Canvas, area: Rect, role: Role) {
        let right = columns(&self.time) + 1;
        canvas.right(area.x, area.y, area.width.saturating_sub(1), &self.time, Role::Header);
        let connection = if self.connection.is_empty() { 0 } else { columns(&self.connection) + 2 };
        let x = area.right().saturating_sub(right + 2 + connection);
        canvas.fill(Rect { x, y: area.y, width: connection, height: 1 }, role);
        canvas.text(x + 1, area.y, connection.saturating_sub(2), &self.connection, role);
        let brand = canvas.text(area.x, area.y, area.width, self.brand, Role::Brand);
        canvas.text(area.x + brand + 1, area.y, x.saturating_sub(area.x + brand + 2), &self.place, Role::Header);
    }
}

/// What the connection's part says, from everything to the least: `▲ OFFLINE since 10:31 · no answer within 1.0 s · 12 unsent, oldest
/// 11 min · next try at the next sale after 10:36`. It shortens from the right; the word, the reason and the counts stay.
pub(super) fn connection(header: &Header, now: Time) -> Vec<String> {
    let at = |time| since(time, now, header.utc_offset_minutes);
    let (unsent, counted) = (unsent(header, Some(now)), unsent(header, None));
    match &header.connection {
        ConnectionView::Online => vec![join(&["● ONLINE", &unsent]), join(&["● ONLINE", &counted])],
        ConnectionView::Offline { since, reason, next_try } => {
            let begun = format!("▲ OFFLINE since {}", at(*since));
            let (long, short) = match next_try {
                Some(time) => (format!("next try at the next sale after {}", at(*time)), format!("next try after {}", at(*time))),
                None => (format!("until you connect ({})", key_of(917)), format!("{} connects", key_of(917))),
            };
            vec![
                join(&[&begun, reason, &unsent, &long]),
                join(&[&begun, reason, &unsent, &short]),
                join(&[&begun, reason, &unsent]),
                join(&[&begun, reason, &counted]),
                join(&["▲ OFFLINE", reason, &counted]),
            ]
        }
        ConnectionView::Blocked { since, reason, lacks } => {
            let begun = format!("■ BLOCKED since {}", at(*since));
            vec![
                join(&[&begun, reason, &unsent, lacks]),
                join(&[&begun, reason, &unsent]),
                join(&[&begun, reason, &counted]),
                join(&["■ BLOCKED", reason, &counted]),
            ]
        }
    }
}

/// The counts: `12 unsent, oldest 11 min, 2 set aside, not signing`; online nothing when there is nothing. Without a time, the age is left out.
fn unsent(header: &Header, now: Option<Time>) -> String {
    let mut parts = Vec::new();
    if header.unsent > 0 || header.connection != ConnectionView::Online {
        parts.push(format!("{} unsent", header.unsent));
        if let (Some(now), Some(oldest)) = (now, header.oldest_unsent) {
            parts.push(format!("oldest {}", age(oldest, now)));
        }
    }
    if header.set_aside > 0 {
        parts.push(format!("{} set aside", header.set_aside));
    }
    if header.unsigned {
        parts.push("not signing".to_owned());
    }
    parts.join(", ")
}

fn connection_role(header: &Header) -> Role {
    match header.connection {
        ConnectionView::Online if header.set_aside > 0 || header.unsigned => Role::Attention,
        ConnectionView::Online => Role::Online,
        ConnectionView::Offline { .. } => Role::Offline,
        ConnectionView::Blocked { .. } => Role::Blocked,
    }
}

/// Store, register, operator and shift, from everything to the least.
fn places(header: &Header) -> [String; 3] {
    let (register, operator) = (format!("Register {}", header.register), header.operator.clone().unwrap_or_default());
    let (long_shift, shift) = header.shift.as_ref().map_or_else(Default::default, |(shift, opened)| {
        (format!("Shift {shift} open {}", clock(*opened, header.utc_offset_minutes)), format!("Shift {shift}"))
    });
    let store = header.store.as_str();
    if header.register == 0 {
        return [store; 3].map(str::to_owned);
    }
    [join(&[store, &register, &operator, &long_shift]), join(&[store, &register, &operator, &shift]), join(&[store, &register, &operator])]
}

/// The least text in so few columns: the reason gives way at its end, never the word nor the counts.
fn squeezed(header: &Header, width: u16) -> String {
    let (word, reason) = match &header.connection {
        ConnectionView::Online => ("● ONLINE", ""),
        ConnectionView::Offline { reason, .. } => ("▲ OFFLINE", reason.as_str()),
        ConnectionView::Blocked { reason, .. } => ("■ BLOCKED", reason.as_str()),
    };
    let counted = unsent(header, None);
    let rest = columns(&join(&[word, &counted])) + 3;
    join(&[word, &fit(reason, width.saturating_sub(rest)), &counted])
}

fn long_time(header: &Header, now: Time) -> String {
    format!("{}  {}", day(now, header.utc_offset_minutes), short_time(header, now))
}

fn short_time(header: &Header, now: Time) -> String {
    clock(now, header.utc_offset_minutes)
}

fn join(parts: &[&str]) -> String {
    parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offline() -> Header {
        let time = |text: &str| format!("2026-11-22T{text}:00Z").parse().unwrap();
        Header {
            store: "Riverside 343".to_owned(),
            register: 2,
            operator: Some("Cashier 1".to_owned()),
            shift: Some(("2-41".to_owned(), time("08:57"))),
            connection: ConnectionView::Offline {
                since: time("10:31"),
                reason: "no answer within 1.0 s".to_owned(),
                next_try: Some(time("10:36")),
            },
            unsent: 12,
            oldest_unsent: Some(time("10:31")),
            set_aside: 0,
            unsigned: false,
            utc_offset_minutes: 0,
        }
    }

    fn shown(header: &Header, width: u16) -> (String, Option<String>) {
        let now = "2026-11-22T10:42:00Z".parse().unwrap();
        let rows = rows(header, now, width, &connection(header, now));
        (format!("{}|{}|{}|{}", rows.first.brand, rows.first.place, rows.first.connection, rows.first.time), rows.second)
    }

    #[test]
    fn offline_the_header_shortens_from_the_right_in_its_own_row() {
        for (width, second) in [
            (115, "▲ OFFLINE since 10:31 · no answer within 1.0 s · 12 unsent, oldest 11 min · next try at the next sale after 10:36"),
            (114, "▲ OFFLINE since 10:31 · no answer within 1.0 s · 12 unsent, oldest 11 min · next try after 10:36"),
            (80, "▲ OFFLINE since 10:31 · no answer within 1.0 s · 12 unsent, oldest 11 min"),
            (70, "▲ OFFLINE since 10:31 · no answer within 1.0 s · 12 unsent"),
            (60, "▲ OFFLINE since 10:31 · no answer within 1.0 s · 12 unsent"),
            (50, "▲ OFFLINE · no answer within 1.0 s · 12 unsent"),
            (40, "▲ OFFLINE · no answer wit… · 12 unsent"),
        ] {
            assert_eq!(shown(&offline(), width).1.as_deref(), Some(second), "{width} columns");
        }
    }

    #[test]
    fn a_wide_window_has_it_all_in_one_row() {
        let (first, second) = shown(&offline(), 200);
        assert_eq!(
            first,
            " EVERTILL |Riverside 343 · Register 2 · Cashier 1 · Shift 2-41 open 08:57|\
             ▲ OFFLINE since 10:31 · no answer within 1.0 s · 12 unsent, oldest 11 min · next try at the next sale after 10:36|10:42"
        );
        assert_eq!(second, None);
    }

    #[test]
    fn online_the_place_gives_way_to_what_waits() {
        let quiet = Header { connection: ConnectionView::Online, unsent: 0, oldest_unsent: None, ..offline() };
        let waiting = Header { connection: ConnectionView::Online, set_aside: 2, ..offline() };
        for (header, width, expected) in [
            (&quiet, 120, " EVERTILL |Riverside 343 · Register 2 · Cashier 1 · Shift 2-41 open 08:57|● ONLINE|Sun 22 Nov  10:42"),
            (&quiet, 80, "|Riverside 343 · Register 2 · Cashier 1 · Shift 2-41|● ONLINE|10:42"),
            (&quiet, 60, "|Riverside 343 · Register 2 · Cashier 1|● ONLINE|10:42"),
            (
                &waiting,
                124,
                " EVERTILL |Riverside 343 · Register 2 · Cashier 1 · Shift 2-41|● ONLINE · 12 unsent, oldest 11 min, 2 set aside|10:42",
            ),
            (&waiting, 60, "|Riverside 343 · Register 2 · Cashier 1|● ONLINE · 12 unsent, 2 set aside|10:42"),
        ] {
            assert_eq!(shown(header, width), (expected.to_owned(), None), "{width} columns");
        }
    }

    #[test]
    fn every_width_keeps_the_word_the_reason_and_the_count() {
        let blocked = Header {
            connection: ConnectionView::Blocked {
                since: "2026-11-22T10:31:00Z".parse().unwrap(),
                reason: "the connection was cut".to_owned(),
                lacks: "works online only".to_owned(),
            },
            ..offline()
        };
        for width in 60..=250 {
            for (header, parts) in [
                (&offline(), ["▲ OFFLINE", "no answer within 1.0 s", "12 unsent"]),
                (&blocked, ["■ BLOCKED", "the connection was cut", "12 unsent"]),
            ] {
                let (first, second) = shown(header, width);
                let all = format!("{first}{}", second.unwrap_or_default());
                assert!(parts.iter().all(|part| all.contains(part)), "{width}: {all}");
            }
        }
    }
}
