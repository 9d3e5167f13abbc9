//! The loop of the screen's thread: everything from outside comes through one channel, and it draws only when something changed.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use crossterm::event::MouseEventKind;

use crate::clock::{Clock, Time};

use super::screen_desk::Answers;
use super::{FromTill, Screen};

/// The most events that are taken in before the screen is drawn again: a long paste must not hide what it does.
const EVENTS_A_FRAME: usize = 256;

/// Something from outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key, a paste, the mouse, or another size of the window.
    Input(crossterm::event::Event),
    /// The terminal is gone, or the program is to end.
    InputEnded,
    /// The till shows or asks something.
    Till(FromTill),
}

/// Runs the screen until the till has ended or the cashier closes the program; then the till is told. `draw` shows a picture.
///
/// # Errors
/// What `draw` could not write.
pub fn run(
    screen: &mut Screen,
    events: &Receiver<Event>,
    answers: &Answers,
    clock: &dyn Clock,
    mut draw: impl FnMut(&Screen, Time) -> io::Result<()>,
) -> io::Result<()> {
    let ended = loop {
        let now = clock.now();
        if let Err(error) = draw(screen, now) {
            break Err(error);
        }
        match events.recv_timeout(until_next_minute(now)) {
            Ok(event) => {
                let more = events.try_iter().take(EVENTS_A_FRAME);
                let goes_on = std::iter::once(event).chain(more).all(|event| take(screen, event, answers));
                if !goes_on {
                    break Ok(());
                }
            }
            // The clock and the ages that are shown have moved on.
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
        }
    };
    answers.hang_up();
    ended
}

/// Reads the terminal on a thread of its own and sends what comes; it ends with the program.
///
/// # Errors
/// When the system gives no thread.
pub fn read_terminal(events: Sender<Event>) -> io::Result<()> {
    let read = move || {
        while let Ok(event) = crossterm::event::read() {
            if !is_motion(&event) && events.send(Event::Input(event)).is_err() {
                return;
            }
        }
        let _ = events.send(Event::InputEnded);
    };
    std::thread::Builder::new().name("terminal input".to_owned()).spawn(read)?;
    Ok(())
}

/// Closes the screen when the system wants the program to end, so that the terminal is given back; the sale in hand is in the journal.
///
/// # Errors
/// When the system gives no thread or takes no handler.
pub fn close_on_signals(events: Sender<Event>) -> io::Result<()> {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGTERM])?;
        let wait = move || {
            // One is enough; a second one finds the program on its way out.
            if signals.forever().next().is_some() {
                let _ = events.send(Event::InputEnded);
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    }
    #[cfg(not(unix))]
    drop(events);
    Ok(())
}

/// A mouse that merely moves changes nothing, but would have the screen drawn all the time.
fn is_motion(event: &crossterm::event::Event) -> bool {
    event
        .as_mouse_event()
        .is_some_and(|mouse| matches!(mouse.kind, MouseEventKind::Moved | MouseEventKind::Drag(_) | MouseEventKind::Up(_)))
}

/// Lets one event work; whether the screen goes on.
fn take(screen: &mut Screen, event: Event, answers: &Answers) -> bool {
    let answer = match event {
        Event::Input(input) => screen.input(input),
        Event::Till(message) => screen.till(message),
        Event::InputEnded => return false,
    };
    if let Some((serial, answer)) = answer {
        answers.give(serial, answer);
    }
    !screen.is_finished() && !screen.quit_requested()
}

/// Every time that is shown changes with the minute.
fn until_next_minute(now: Time) -> Duration {
    const MINUTE_MS: i64 = 60_000;
    let left = MINUTE_MS - now.timestamp_millis().rem_euclid(MINUTE_MS);
    Duration::from_millis(u64::try_from(left).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::super::gallery::{now, view};
    use super::super::layout::Layout;
    use super::super::screen_desk::ScreenDesk;
    use super::super::theme::Theme;
    use super::*;
    use crate::clock::VirtualClock;
    use crate::desk::{Answer, Desk, Prompt, Question, Reply};

    #[test]
    fn what_is_typed_reaches_the_till_and_the_end_of_the_till_ends_the_screen() {
        let (sender, events) = channel();
        let (mut desk, answers, _background) = ScreenDesk::new(sender.clone());
        for code in [KeyCode::Char('7'), KeyCode::Enter] {
            sender.send(Event::Input(crossterm::event::Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))).unwrap();
        }
        let till = std::thread::spawn(move || desk.ask(&Arc::new(view()), &Question { serial: 1, prompt: Prompt::Command }));
        let mut frames = 0;
        let count = |_: &Screen, _| {
            frames += 1;
            Ok(())
        };
        run(&mut Screen::new(Theme::Dark, Layout::built_in()), &events, &answers, &VirtualClock::at(now()), count).unwrap();
        assert_eq!(till.join().unwrap(), Reply::Answer(Answer::Entry("7".to_owned())));
        assert!((1..=5).contains(&frames), "{frames} frames for four events");
    }

    #[test]
    fn a_terminal_that_is_gone_hangs_up() {
        let (sender, events) = channel();
        let (mut desk, answers, _background) = ScreenDesk::new(sender.clone());
        sender.send(Event::InputEnded).unwrap();
        run(&mut Screen::new(Theme::Dark, Layout::built_in()), &events, &answers, &VirtualClock::at(now()), |_, _| Ok(())).unwrap();
        assert_eq!(desk.ask(&Arc::new(view()), &Question { serial: 1, prompt: Prompt::Command }), Reply::HungUp);
    }

    #[test]
    fn the_screen_is_drawn_anew_when_the_minute_changes() {
        for (time, left_ms) in [("2026-11-22T10:42:00Z", 60_000), ("2026-11-22T10:42:59.999Z", 1), ("1969-12-31T23:59:30Z", 30_000)] {
            assert_eq!(until_next_minute(time.parse().unwrap()), Duration::from_millis(left_ms));
        }
    }
}
