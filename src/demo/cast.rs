//! Recordings of a session in asciicast v2, the format that `asciinema play` understands.
//!
//! The runner of tapes draws each frame into bytes and hands them over with the time at which they
//! appeared. Nothing here reads a clock or opens a file.

use std::io::{self, Write};

use serde::Serialize;

/// What stands in a recording's first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'h> {
    /// Columns of the recorded terminal.
    pub width: u16,
    /// Rows of the recorded terminal.
    pub height: u16,
    /// When the recording began, in seconds since 1970.
    pub timestamp: i64,
    /// What a player shows as its name.
    pub title: &'h str,
}

/// A recording that is being written.
///
/// Each event is a line, so the target had better be buffered.
#[derive(Debug)]
pub struct Cast<W> {
    target: W,
    /// The beginning of a UTF-8 sequence whose end has not arrived yet.
    unfinished: Vec<u8>,
    latest_ms: u64,
}

impl<W: Write> Cast<W> {
    /// Begins a recording by writing its header.
    pub fn begin(mut target: W, header: &Header<'_>) -> io::Result<Self> {
        let line = HeaderLine { version: 2, width: header.width, height: header.height, timestamp: header.timestamp, title: header.title };
        writeln!(target, "{}", serde_json::to_string(&line)?)?;
        Ok(Self { target, unfinished: Vec::new(), latest_ms: 0 })
    }

    /// Records what the terminal was sent `at_ms` milliseconds after the beginning.
    ///
    /// Times that go backwards are recorded as the latest time seen. A UTF-8 sequence may be split
    /// over calls; bytes that are no UTF-8 are recorded as U+FFFD.
    pub fn output(&mut self, at_ms: u64, bytes: &[u8]) -> io::Result<()> {
        self.latest_ms = self.latest_ms.max(at_ms);
        self.unfinished.extend_from_slice(bytes);
        let text = take_text(&mut self.unfinished);
        self.event(&text)
    }

    /// Ends the recording: writes what is left, flushes, and gives the target back.
    pub fn finish(mut self) -> io::Result<W> {
        let rest = String::from_utf8_lossy(&self.unfinished).into_owned();
        self.event(&rest)?;
        self.target.flush()?;
        Ok(self.target)
    }

    fn event(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let (seconds, milliseconds) = (self.latest_ms / 1000, self.latest_ms % 1000);
        let text = serde_json::to_string(text)?;
        writeln!(self.target, r#"[{seconds}.{milliseconds:03}, "o", {text}]"#)
    }
}

/// The header as it is written; the order of the fields is that of the specification.
#[derive(Serialize)]
struct HeaderLine<'h> {
    version: u8,
    width: u16,
    height: u16,
    timestamp: i64,
    title: &'h str,
}

/// Takes all text from the front of `bytes`, leaving only an unfinished sequence at the end.
fn take_text(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut rest = bytes.as_slice();
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                rest = &[];
                break;
            }
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(valid));
                let Some(invalid) = error.error_len() else {
                    rest = after;
                    break;
                };
                text.push(char::REPLACEMENT_CHARACTER);
                rest = &after[invalid..];
            }
        }
    }
    *bytes = rest.to_vec();
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const HEADER: Header<'_> = Header { width: 100, height: 30, timestamp: 1_700_000_000, title: "a \"day\" at the till" };

    fn recorded(outputs: &[(u64, &[u8])]) -> String {
        let mut cast = Cast::begin(Vec::new(), &HEADER).unwrap();
        for (at_ms, bytes) in outputs {
            cast.output(*at_ms, bytes).unwrap();
        }
        String::from_utf8(cast.finish().unwrap()).unwrap()
    }

    fn events(cast: &str) -> Vec<Value> {
        cast.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_recording_is_a_header_and_a_line_an_event() {
        let cast = recorded(&[(0, b"\x1b[2J"), (61_007, "7,50 €\r\n".as_bytes())]);
        let expected = concat!(
            r#"{"version":2,"width":100,"height":30,"timestamp":1700000000,"title":"a \"day\" at the till"}"#,
            "\n",
            r#"[0.000, "o", "\u001b[2J"]"#,
            "\n",
            r#"[61.007, "o", "7,50 €\r\n"]"#,
            "\n",
        );
        assert_eq!(cast, expected);
    }

    #[test]
    fn a_sequence_split_over_writes_is_recorded_whole_when_it_ends() {
        let cast = recorded(&[(1, b"a\xe2"), (2, b"\x82"), (3, b"\xacb")]);
        assert_eq!(events(&cast), [json!([0.001, "o", "a"]), json!([0.003, "o", "€b"])]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_an_unfinished_end_too() {
        let cast = recorded(&[(5, b"a\xffb\xe2"), (6, b"c\xe2\x82")]);
        assert_eq!(events(&cast), [json!([0.005, "o", "a\u{fffd}b"]), json!([0.006, "o", "\u{fffd}c"]), json!([0.006, "o", "\u{fffd}"]),]);
    }

    #[test]
    fn time_never_goes_backwards_and_nothing_is_recorded_for_nothing() {
        let cast = recorded(&[(900, b"a"), (100, b"b"), (950, b"")]);
        assert_eq!(events(&cast), [json!([0.9, "o", "a"]), json!([0.9, "o", "b"])]);
    }

    proptest! {
        #[test]
        fn any_split_of_a_text_is_recorded_as_that_text(text in "\\PC{0,40}", size in 1_usize..5) {
            let pieces: Vec<_> = text.as_bytes().chunks(size).map(|piece| (0, piece)).collect();
            let whole: String = events(&recorded(&pieces))
                .iter()
                .map(|event| event[2].as_str().unwrap().to_owned())
                .collect();
            prop_assert_eq!(whole, text);
        }
    }
}
