//! A PIN from a terminal, where it is not shown and is typed twice, or the first line of a pipe.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use crossterm::event::{self, Event, KeyCode, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::super::out::Failure;
use crate::retail::staff::Pin;

/// Reads a worker's new PIN.
pub(super) fn read(number: &str) -> Result<Pin, Failure> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().take(Pin::MAX_LEN as u64 + 2).read_line(&mut line).map_err(Failure::found)?;
        return Ok(Pin::new(line.trim_end_matches(['\r', '\n'])));
    }
    let _raw = Raw::on()?;
    let (first, again) = (typed(&format!("PIN of {number}: "))?, typed("once more: ")?);
    if first.reveal() == again.reveal() { Ok(first) } else { Err(Failure::usage("the two are not the same; the PIN is left as it was")) }
}

fn typed(prompt: &str) -> Result<Pin, Failure> {
    tell(prompt)?;
    let mut text = String::new();
    loop {
        let Event::Key(key) = event::read().map_err(Failure::found)? else { continue };
        match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
            _ if !key.is_press() => {}
            (KeyCode::Enter, _) => break,
            (KeyCode::Char('c' | 'd'), true) => {
                tell("\r\n")?;
                return Err(Failure::usage("given up; the PIN is left as it was"));
            }
            (KeyCode::Backspace, _) => drop(text.pop()),
            (KeyCode::Char(letter), false) if text.len() <= Pin::MAX_LEN => text.push(letter),
            _ => {}
        }
    }
    tell("\r\n")?;
    Ok(Pin::new(text))
}

fn tell(text: &str) -> Result<(), Failure> {
    let mut terminal = io::stderr().lock();
    terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush()).map_err(Failure::found)
}

/// A terminal that shows nothing by itself.
struct Raw;

impl Raw {
    fn on() -> Result<Self, Failure> {
        enable_raw_mode().map_err(Failure::found)?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // It was one before.
        let _ = disable_raw_mode();
    }
}
