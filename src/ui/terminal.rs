//! The terminal: raw, on its other screen, with mouse and pastes, given back as it was on every way out.

use std::io::{self, Stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::{Frame, Viewport};

use crate::clock::Time;

use super::Screen;
use super::frames::Frames;

/// The terminal while the screen has it.
pub struct Terminal {
    frames: Frames<Stdout>,
}

impl Terminal {
    /// Takes the terminal over. The calling thread is the one whose panic gives it back; other threads' panics are logged only, because
    /// the screen goes on.
    ///
    /// # Errors
    /// When there is no terminal, or it cannot be set up; then it is as it was.
    pub fn open() -> io::Result<Self> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let set_up = || {
            execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste)?;
            Frames::new(io::stdout(), Viewport::Fullscreen)
        };
        match set_up() {
            Ok(frames) => {
                restore_on_panic(thread::current().id());
                Ok(Self { frames })
            }
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Draws the screen, shown by the terminal all at once.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn draw(&mut self, screen: &Screen, now: Time) -> io::Result<()> {
        self.draw_with(|frame| screen.draw(frame, now))
    }

    /// Draws anything else the same way.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn draw_with(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.frames.draw(draw)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether the screen has the terminal: giving it back twice would put the cursor over the message in between.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back, whatever of it still works.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), EndSynchronizedUpdate, DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// A message on the other screen, in raw mode, would be lost: so first the terminal, then the message.
fn restore_on_panic(screen_thread: ThreadId) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if thread::current().id() == screen_thread {
                restore();
                before(panic);
            } else {
                tracing::error!("{panic}");
            }
        }));
    });
}
