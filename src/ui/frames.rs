//! Frames on their way to a terminal: each drawn as its difference to the one before, written in one piece and shown all at once.
//!
//! [`super::terminal`] draws on the real terminal through it; whoever tests or measures, on anything that takes bytes.

use std::io::{self, Write};

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, TerminalOptions, Viewport};

/// A whole frame of 160 × 48 takes this many bytes at most.
const FRAME_BYTES: usize = 64 * 1024;
/// What ends a frame: [`EndSynchronizedUpdate`].
const END: &[u8] = b"\x1b[?2026l";

/// Where frames are drawn.
pub struct Frames<W: Write> {
    terminal: ratatui::Terminal<CrosstermBackend<Whole<W>>>,
}

impl<W: Write> Frames<W> {
    /// Draws through `out` on the part of the terminal that `viewport` says.
    ///
    /// # Errors
    /// When the terminal does not tell its size.
    pub fn new(out: W, viewport: Viewport) -> io::Result<Self> {
        let backend = CrosstermBackend::new(Whole { out, frame: Vec::with_capacity(FRAME_BYTES) });
        Ok(Self { terminal: ratatui::Terminal::with_options(backend, TerminalOptions { viewport })? })
    }

    /// Draws a frame.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())
    }
}

/// Gathers a frame however often it is flushed meanwhile (for the cursor alone twice), and writes it when it is whole.
struct Whole<W> {
    out: W,
    frame: Vec<u8>,
}

impl<W: Write> Write for Whole<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.frame.ends_with(END) {
            return Ok(());
        }
        let written = self.out.write_all(&self.frame);
        self.frame.clear();
        written?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use ratatui::layout::Rect;

    use super::*;

    /// Keeps each write by itself.
    struct Writes<'a>(&'a RefCell<Vec<Vec<u8>>>);

    impl Write for Writes<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().push(bytes.to_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_is_one_write_from_its_beginning_to_its_end() {
        let written = RefCell::default();
        let mut frames = Frames::new(Writes(&written), Viewport::Fixed(Rect::new(0, 0, 160, 48))).unwrap();
        for text in ["first", "second"] {
            let draw = |frame: &mut Frame<'_>| {
                frame.render_widget(text, frame.area());
                frame.set_cursor_position((3, 1));
            };
            frames.draw(draw).unwrap();
            let [frame] = &written.take()[..] else { panic!("one write") };
            assert!(frame.starts_with(b"\x1b[?2026h") && frame.ends_with(END), "{}", frame.escape_ascii());
            assert!(String::from_utf8_lossy(frame).contains(text));
        }
    }
}
