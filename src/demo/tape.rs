//! Tapes: scripts of a session, a command a line, in the words of VHS where VHS has them.
//!
//! The demo command and the tests [`parse`] a tape's text and play the steps. Nothing here opens a
//! file, presses a key or waits: a sourced tape is asked of the caller.

mod command;
mod error;
mod grammar;
mod key;
mod words;

use std::io;
use std::sync::Arc;

pub use command::{Command, Comparison, Headquarters, Network, Pattern, Picture, Scope, Setting, Value};
pub use error::{TapeError, TapeErrors};
pub use grammar::{forms, keys};
pub use key::Key;

use error::Fault;
use grammar::Statement;

/// A tape is written by hand or by a small script; more is a wrong file.
const TAPE_BYTES_MAX: usize = 1024 * 1024;
/// Steps of a tape with all it sources: a day of sales, and still held in memory with ease.
const STEPS_MAX: usize = 100_000;
/// Tapes within tapes.
const SOURCE_DEPTH_MAX: usize = 8;
/// `Source` commands followed in all, since a few tapes that source each other twice multiply.
const SOURCES_MAX: usize = 1_000;
/// Beyond this many errors it is no tape.
const ERRORS_MAX: usize = 1_000;

/// One command of a tape and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The tape as `parse` or `Source` named it.
    pub tape: Arc<str>,
    /// The line in that tape, from 1.
    pub line: usize,
    /// What is to be done.
    pub command: Command,
}

/// Reads the tape `text`, called `name` in messages, into its steps.
///
/// Each `Source` is replaced by the steps of the tape it names, whose text `source` hands over. All
/// [`Command::Set`] stand before the first key, so they can be collected before the session is opened.
///
/// # Errors
///
/// Every error of the tape and of the tapes it sources, at once.
pub fn parse(name: &str, text: &str, source: &mut dyn FnMut(&str) -> io::Result<String>) -> Result<Vec<Step>, TapeErrors> {
    let mut reader =
        Reader { source, sourced: 0, steps: Vec::new(), errors: Vec::new(), open: Vec::new(), keys_pressed: false, stopped: false };
    reader.read_tape(name, text);
    if reader.errors.is_empty() { Ok(reader.steps) } else { Err(TapeErrors(reader.errors)) }
}

struct Reader<'s> {
    source: &'s mut dyn FnMut(&str) -> io::Result<String>,
    sourced: usize,
    steps: Vec<Step>,
    errors: Vec<TapeError>,
    /// The tapes being read, the outermost first.
    open: Vec<Arc<str>>,
    keys_pressed: bool,
    /// A limit was passed: reading on would only repeat the message.
    stopped: bool,
}

impl Reader<'_> {
    fn read_tape(&mut self, name: &str, text: &str) {
        let tape: Arc<str> = name.into();
        if text.len() > TAPE_BYTES_MAX {
            let found = format!("a tape of {} bytes", text.len());
            let fault = Fault::new(1, found, format!("at most {TAPE_BYTES_MAX} bytes"));
            self.errors.push(fault.at(name, 1));
            return;
        }
        self.open.push(Arc::clone(&tape));
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let read = grammar::read(line).and_then(|statement| match statement {
                None => Ok(()),
                Some(Statement::Command { column, command }) => self.push(&tape, line_number, column, command),
                Some(Statement::Source { column, path }) => self.read_source(column, &path),
            });
            if let Err(fault) = read {
                self.errors.push(fault.at(name, line_number));
                self.stopped |= self.errors.len() >= ERRORS_MAX;
            }
            if self.stopped {
                break;
            }
        }
        self.open.pop();
    }

    fn push(&mut self, tape: &Arc<str>, line: usize, column: usize, command: Command) -> Result<(), Fault> {
        if self.keys_pressed && matches!(command, Command::Set(_)) {
            return Err(Fault::new(column, "`Set` after a key", "all settings before the first key"));
        }
        if self.steps.len() == STEPS_MAX {
            self.stopped = true;
            return Err(Fault::new(column, "one more step", format!("at most {STEPS_MAX} steps")));
        }
        self.keys_pressed |= command.presses_keys();
        self.steps.push(Step { tape: Arc::clone(tape), line, command });
        Ok(())
    }

    fn read_source(&mut self, column: usize, path: &str) -> Result<(), Fault> {
        if self.open.iter().any(|open| **open == *path) {
            let mut circle = self.open.join(" → ");
            circle.push_str(" → ");
            circle.push_str(path);
            let expected = "a tape that is not being read already";
            return Err(Fault::new(column, format!("`{path}`"), expected).hint(circle));
        }
        if self.open.len() > SOURCE_DEPTH_MAX {
            let expected = format!("tapes at most {SOURCE_DEPTH_MAX} deep");
            return Err(Fault::new(column, format!("`{path}`"), expected));
        }
        self.sourced += 1;
        if self.sourced > SOURCES_MAX {
            self.stopped = true;
            let expected = format!("at most {SOURCES_MAX} tapes sourced in all");
            return Err(Fault::new(column, format!("`{path}`"), expected));
        }
        let text = (self.source)(path).map_err(|error| {
            let found = format!("`{path}`, which cannot be read ({error})");
            Fault::new(column, found, "a readable tape")
        })?;
        self.read_tape(path, &text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const SAMPLE: &str = r#"# A sale that outlives the network.
Set Width 100
Set Height 30
Set TypingSpeed 50ms
Set Theme "dark"
Set Seed 7

Hide
SignIn "000160" "123"
Wait+Screen@10s /Ready/
Show

Caption "One product, scanned"
Scan "4006381333931"
Expect /Pencil .* 1\/1/
Type "2" # a second one
Enter@200ms 2
Ctrl+L
Shift+Tab 3
Network Slow 800ms
Network Drop 30%
Network Down
Press 917
Wait /Total/
ExpectNot /error/
Sleep 1.5s
Screenshot "due.svg"
Screenshot "due.txt"
Kill
Network Up
Assert journal.unsent == 0
Assert total >= 12.47
Assert connection == "online"
"#;

    fn no_source(path: &str) -> io::Result<String> {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("no {path}")))
    }

    fn read(text: &str) -> Result<Vec<Step>, TapeErrors> {
        parse("day.tape", text, &mut no_source)
    }

    fn read_with(text: &str, others: &[(&str, &str)]) -> Result<Vec<Step>, TapeErrors> {
        let others: HashMap<_, _> = others.iter().copied().collect();
        parse("day.tape", text, &mut |path| match others.get(path) {
            Some(text) => Ok((*text).to_owned()),
            None => no_source(path),
        })
    }

    fn written(steps: &[Step]) -> String {
        let lines: Vec<_> = steps.iter().map(|step| step.command.to_string()).collect();
        lines.join("\n")
    }

    #[test]
    fn every_command_is_read_as_it_is_meant_and_written_in_full() {
        let cases = [
            (r#"Type "7,50 €""#, r#"Type "7,50 €""#),
            (r#"Type@100ms 'say "hi"'"#, r#"Type@100ms 'say "hi"'"#),
            (r#"Type @0.1 `it's "so"`"#, r#"Type@100ms `it's "so"`"#),
            (r"Type 4711", r#"Type "4711""#),
            (r##"Type "# no comment" # comment"##, r##"Type "# no comment""##),
            (r#"Type """#, r#"Type """#),
            ("Enter", "Enter"),
            ("\tEnter 3  ", "Enter 3"),
            ("Enter@200ms 3", "Enter@200ms 3"),
            ("Enter @2s 1000", "Enter@2000ms 1000"),
            ("Escape 1", "Escape"),
            ("Shift+Tab 2", "Shift+Tab 2"),
            ("Space", "Space"),
            ("F12", "F12"),
            ("Ctrl+X", "Ctrl+x"),
            ("Ctrl+@", "Ctrl+@"),
            ("Ctrl+@@1s", "Ctrl+@@1000ms"),
            ("Alt+#  2", "Alt+# 2"),
            ("Sleep 500ms", "Sleep 500ms"),
            ("Sleep 2", "Sleep 2000ms"),
            ("Sleep .5s", "Sleep 500ms"),
            ("Sleep 2m", "Sleep 120000ms"),
            ("Sleep 1440m", "Sleep 86400000ms"),
            ("Wait /Total/", "Wait+Line /Total/"),
            ("Wait+Line /Total/", "Wait+Line /Total/"),
            ("Wait@10s /a b/", "Wait+Line@10000ms /a b/"),
            ("Wait+Screen@10s /^x$/", "Wait+Screen@10000ms /^x$/"),
            ("Wait+Screen /x/ @10s # why", "Wait+Screen@10000ms /x/"),
            (r"Expect /1\/2 [\/\\]/", r"Expect /1\/2 [\/\\]/"),
            ("ExpectNot /OFFLINE|#/", "ExpectNot /OFFLINE|#/"),
            ("Set Width 100", "Set Width 100"),
            ("Set Height 30", "Set Height 30"),
            ("Set TypingSpeed 50ms", "Set TypingSpeed 50ms"),
            ("Set Theme Dark", r#"Set Theme "Dark""#),
            ("Set Seed 18446744073709551615", "Set Seed 18446744073709551615"),
            ("Hide", "Hide"),
            ("Show", "Show"),
            ("Screenshot due.txt", r#"Screenshot "due.txt""#),
            (r#"Screenshot "a/due.svg""#, r#"Screenshot "a/due.svg""#),
            (r#"SignIn "000160" "123""#, r#"SignIn "000160" "123""#),
            (r#"Scan "4006381333931""#, r#"Scan "4006381333931""#),
            ("Press 917", "Press 917"),
            ("Network Up", "Network Up"),
            ("Network Down", "Network Down"),
            ("Network Hang", "Network Hang"),
            ("Network Slow 800ms", "Network Slow 800ms"),
            ("Network Drop 30%", "Network Drop 30%"),
            ("Network Garbage", "Network Garbage"),
            ("Headquarters Up", "Headquarters Up"),
            ("Headquarters Down", "Headquarters Down"),
            ("Headquarters Price 4011 0.99", "Headquarters Price \"4011\" 0.99"),
            ("Kill", "Kill"),
            (r#"Caption """#, r#"Caption """#),
            ("Assert journal.unsent == 0", "Assert journal.unsent == 0"),
            ("Assert total >= -12.470", "Assert total >= -12.470"),
            (r#"Assert connection != "online""#, r#"Assert connection != "online""#),
        ];
        for (line, expected) in cases {
            let steps = read(line).unwrap_or_else(|errors| panic!("{line}: {errors}"));
            assert_eq!(written(&steps), expected, "{line}");
        }
    }

    #[test]
    fn a_tape_read_back_from_its_steps_is_the_same() {
        let steps = read(SAMPLE).unwrap();
        let again = read(&written(&steps)).unwrap();
        let commands = |steps: Vec<Step>| steps.into_iter().map(|step| step.command);
        assert!(commands(steps).eq(commands(again)));
    }

    #[test]
    fn steps_know_their_lines() {
        let steps = read("\u{feff}# day\r\n\r\nEnter\r\n\r\n  Kill # now").unwrap();
        let lines: Vec<_> = steps.iter().map(|step| (&*step.tape, step.line)).collect();
        assert_eq!(lines, [("day.tape", 3), ("day.tape", 5)]);
    }

    #[test]
    fn all_errors_are_reported_at_once_with_place_and_hint() {
        let tape = r#"Entre 2
Enter
Type "unfinished
  Press nine
Set Width 90
Set FontSize 22
Scan 4006381333931 Enter
Network Drop 130%
"#;
        let errors = read(tape).unwrap_err();
        let expected = r#"day.tape:1:1: found `Entre`, expected a command
  hint: did you mean `Enter`?
day.tape:3:6: found a text without an end, expected a closing `"`
day.tape:4:9: found `nine`, expected an operation's number, as `evertill operations` lists them
  hint: it is written `Press 917`
day.tape:5:1: found `Set` after a key, expected all settings before the first key
day.tape:6:5: found `FontSize`, expected one of Width, Height, TypingSpeed, Theme, Seed
  hint: it is written `Set Width 100 | Height 30 | TypingSpeed 50ms | Theme "name" | Seed 7`
day.tape:7:20: found `Enter`, expected the end of the line
  hint: it is written `Scan "4006381333931"`
day.tape:8:14: found `130%`, expected a share in percent from 0 to 100
  hint: it is written `Network Up | Down | Hang | Slow 800ms | Drop 30% | Garbage`"#;
        assert_eq!(errors.to_string(), expected);
    }

    #[test]
    fn what_is_not_a_command_is_refused_at_its_column() {
        let cases = [
            ("enter", 1, "a command", "did you mean `Enter`?"),
            ("Headquarter", 1, "a command", ""),
            (r#""Enter""#, 1, "a command", ""),
            ("F13", 1, "a command", "did you mean `F1`?"),
            ("Ctrl+xy", 1, "one character to press", ""),
            ("Enter 0", 7, "a count from 1 to 1000", "written `Enter[@50ms] [count]`"),
            ("Enter 1001", 7, "a count from 1 to 1000", ""),
            ("Enter@ 2", 6, "a time such as", ""),
            ("Kill@1s", 5, "the end of the line", "written `Kill`"),
            ("Sleep", 6, "a time such as", "written `Sleep 500ms`"),
            ("Sleep -1s", 7, "a time such as", ""),
            ("Sleep 1h", 7, "a time such as", ""),
            ("Sleep 0.1ms", 7, "a time in whole milliseconds", ""),
            ("Sleep 1441m", 7, "a time of at most 24 hours", ""),
            ("Sleep 99999999999999999999999999999s", 7, "a time", ""),
            ("Wait", 5, "a pattern between slashes", ""),
            ("Wait Total", 6, "a pattern between slashes", ""),
            ("Expect //", 8, "a pattern that is not empty", ""),
            ("Expect /a(/", 8, "a regular expression", "unclosed group"),
            (r"Expect /a\/", 8, "a closing `/`", r"written `\/`"),
            (r"Expect /\w{1000}{9}/", 8, "a regular expression", "size limit"),
            ("Set Widht 100", 5, "one of Width", "did you mean `Width`?"),
            ("Set Width 1200", 11, "a width in columns from 20 to 500", ""),
            (r#"Set Theme """#, 11, "a theme's name", ""),
            ("Screenshot due.png", 12, "ends in `.txt` or `.svg`", ""),
            ("Screenshot ../due.txt", 12, "stays in its folder", ""),
            (r#"Screenshot "/tmp/due.txt""#, 12, "stays in its folder", ""),
            (r#"SignIn "000160""#, 16, "a PIN", "written `SignIn"),
            (r#"Scan """#, 6, "a code", ""),
            ("Type it's", 6, "a text in quotes", ""),
            ("Type \"ä\" now", 10, "the end of the line", ""),
            ("Type \"a\tb\"", 6, "printable text", "press it with `Tab`"),
            ("Type \"\u{1b}[2J\"", 7, "printable text", ""),
            ("Press 65536", 7, "an operation's number", ""),
            ("Press 2", 7, "an operation's number, as `evertill operations` lists them", ""),
            ("Assert foo == 3", 8, "one of journal.transactions, journal.receipts", ""),
            ("Network Off", 9, "one of Up", ""),
            ("Headquarters Off", 14, "one of Up", ""),
            ("Headquarters Price 4011 cheap", 25, "an amount such as", ""),
            ("Network Slow", 13, "a time such as", ""),
            ("Network Drop 30", 14, "a share such as `30%`", ""),
            ("Assert total = 1", 14, "one of ==", ""),
            ("Assert total==1", 8, "one of journal.transactions", ""),
            ("Assert total == one", 17, "a number, or a word in quotes", ""),
            (r#"Assert screen < "locked""#, 17, "a number behind `<`", ""),
            ("Source", 7, "a tape's path", "written `Source"),
            ("Source gone.tape", 1, "a readable tape", ""),
        ];
        for (line, column, expected, hint) in cases {
            let TapeErrors(errors) = read(line).expect_err(line);
            let [error] = errors.as_slice() else {
                panic!("{line}: {errors:?}");
            };
            assert_eq!((error.line, error.column), (1, column), "{line}: {error:?}");
            assert!(error.expected.contains(expected), "{line}: {error:?}");
            let actual_hint = error.hint.as_deref().unwrap_or_default();
            assert!(actual_hint.contains(hint), "{line}: {error:?}");
        }
    }

    #[test]
    fn a_sourced_tape_stands_where_it_is_named() {
        let others = [("open.tape", "SignIn 1 2\nSource deep.tape"), ("deep.tape", "\nF1")];
        let steps = read_with("Hide\nSource open.tape\nShow", &others).unwrap();
        let places: Vec<_> = steps.iter().map(|step| format!("{}:{} {}", step.tape, step.line, step.command)).collect();
        let expected = ["day.tape:1 Hide", r#"open.tape:1 SignIn "1" "2""#, "deep.tape:2 F1", "day.tape:3 Show"];
        assert_eq!(places, expected);
    }

    #[test]
    fn errors_of_sourced_tapes_name_them_and_keys_in_them_end_the_settings() {
        let others = [("open.tape", "Entre\nEnter")];
        let errors = read_with("Source open.tape\nSet Width 80", &others).unwrap_err();
        let places: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        let expected = [
            "open.tape:1:1: found `Entre`, expected a command",
            "day.tape:2:1: found `Set` after a key, expected all settings before the first key",
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn tapes_that_source_each_other_in_a_circle_are_refused() {
        let others = [("a.tape", "Source b.tape"), ("b.tape", "Source a.tape")];
        let TapeErrors(errors) = read_with("Source a.tape\nKill", &others).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].tape, "b.tape");
        assert_eq!(errors[0].expected, "a tape that is not being read already");
        let circle = "day.tape → a.tape → b.tape → a.tape";
        assert_eq!(errors[0].hint.as_deref(), Some(circle));
    }

    #[test]
    fn tapes_within_tapes_have_a_depth_limit() {
        let deeper = |path: &str| path.parse::<usize>().map_err(io::Error::other);
        let mut numbered = |path: &str| deeper(path).map(|depth| format!("Source {}", depth + 1));
        let TapeErrors(errors) = parse("0", "Source 1", &mut numbered).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].tape, "8");
        assert_eq!(errors[0].expected, "tapes at most 8 deep");
    }

    #[test]
    fn limits_stop_the_reading_with_one_error() {
        let many_steps = "Up\n".repeat(STEPS_MAX + 2);
        let many_sources = "Source empty.tape\n".repeat(SOURCES_MAX + 2);
        let many_bytes = "#".repeat(TAPE_BYTES_MAX + 1);
        let cases = [
            (many_steps, 100_001, "at most 100000 steps"),
            (many_sources, 1_001, "at most 1000 tapes sourced in all"),
            (many_bytes, 1, "at most 1048576 bytes"),
        ];
        for (tape, line, expected) in cases {
            let TapeErrors(errors) = read_with(&tape, &[("empty.tape", "")]).unwrap_err();
            assert_eq!(errors.len(), 1, "{expected}");
            assert_eq!((errors[0].line, errors[0].expected.as_str()), (line, expected));
        }
        assert_eq!(read(&"?\n".repeat(ERRORS_MAX * 2)).unwrap_err().0.len(), ERRORS_MAX);
        assert!(read(&"Up\n".repeat(STEPS_MAX)).is_ok());
    }

    #[test]
    fn a_long_word_is_shown_shortened() {
        let errors = read(&"ü".repeat(500_000)).unwrap_err();
        assert!(errors.to_string().chars().count() < 100, "{errors}");
    }

    #[test]
    fn patterns_match_line_by_line() {
        let Command::Expect(pattern) = read("Expect /^Total +7.50$/").unwrap().remove(0).command else {
            panic!("an expectation");
        };
        assert!(pattern.is_match("Bread\nTotal  7.50\nCash"));
        assert!(!pattern.is_match("Sub Total  7.50\n"));
    }

    #[test]
    fn comparisons_hold_as_their_signs_say() {
        let held = |comparison: Comparison| [Ordering::Less, Ordering::Equal, Ordering::Greater].map(|order| comparison.holds(order));
        assert_eq!(held(Comparison::Equal), [false, true, false]);
        assert_eq!(held(Comparison::NotEqual), [true, false, true]);
        assert_eq!(held(Comparison::Less), [true, false, false]);
        assert_eq!(held(Comparison::LessOrEqual), [true, true, false]);
        assert_eq!(held(Comparison::Greater), [false, false, true]);
        assert_eq!(held(Comparison::GreaterOrEqual), [false, true, true]);
    }

    #[test]
    fn the_help_has_a_form_for_every_command_of_the_sample() {
        let forms: Vec<_> = forms().collect();
        for step in read(SAMPLE).unwrap() {
            let line = step.command.to_string();
            let name = line.split([' ', '@']).next().unwrap_or_default();
            let known = forms.iter().any(|form| form.split([' ', '[']).next() == Some(name));
            assert!(known || Key::from_word(name).is_some(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(?s).{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn no_line_of_known_words_makes_the_reader_panic_and_what_is_read_is_written_back(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "Type", "Enter", "Set", "Wait", "Network", "Drop", "Assert", "total", "==", "Sleep",
                    "Width", "30", "30%", "@1s", "/a/", "\"a\"", "'\"'", "Source", "Ctrl+x", "1.5m", "é",
                ]),
                0..5,
            )
        ) {
            if let Ok(steps) = read(&words.join(" ")) {
                let again = read(&written(&steps)).unwrap();
                prop_assert_eq!(steps, again);
            }
        }

        #[test]
        fn any_printable_text_that_can_be_quoted_is_typed_as_it_stands(text in "[^\\p{C}\"]{0,30}") {
            let steps = read(&format!("Type \"{text}\"")).unwrap();
            let expected = Command::Type { text, speed: None };
            prop_assert_eq!(&steps[0].command, &expected);
        }
    }
}
