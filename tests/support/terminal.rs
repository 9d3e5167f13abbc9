//! The real program in a pseudo-terminal: what a cashier types, and what the window shows him.
//!
//! Nothing here waits for a time to pass: it waits for a frame that fits, or for the program's end, and fails after [`PATIENCE`].

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::Parser;

/// No test waits that long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Ends a frame: the program asks terminals to show each of its frames all at once.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// Keys that are no characters, as a terminal sends them.
pub(crate) mod keys {
    pub(crate) const ENTER: &str = "\r";
    pub(crate) const ESC: &str = "\x1b";
    pub(crate) const UP: &str = "\x1b[A";
    pub(crate) const F3: &str = "\x1bOR";
    pub(crate) const F9: &str = "\x1b[20~";
    pub(crate) const F10: &str = "\x1b[21~";
    pub(crate) const F12: &str = "\x1b[24~";
    pub(crate) const ALT_O: &str = "\x1bo";
    pub(crate) const ALT_P: &str = "\x1bp";
    pub(crate) const CTRL_Q: &str = "\x11";
    pub(crate) const CTRL_R: &str = "\x12";
}

/// A running program and its window.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    output: Arc<Output>,
    reader: Option<JoinHandle<()>>,
}

/// What the program has written.
struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: Parser,
    /// The last whole frame; once the program has ended, everything it left on the screen.
    shown: String,
    frames: u64,
    raw: Vec<u8>,
    ended: bool,
}

/// How the program is started.
pub(crate) struct Start {
    command: CommandBuilder,
    size: (u16, u16),
}

impl Start {
    /// `evertill` with a data directory.
    pub(crate) fn register(data: &Path) -> Self {
        Self::command(&[]).arg("--data", data)
    }

    /// `evertill` with these words.
    pub(crate) fn command(words: &[&str]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_evertill"));
        command.args(words);
        command.env_remove("NO_COLOR");
        command.env("TERM", "xterm-256color");
        Self { command, size: (110, 36) }
    }

    pub(crate) fn arg(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(name);
        self.command.arg(value);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Columns and rows.
    pub(crate) fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    pub(crate) fn open(self) -> Terminal {
        let (columns, rows) = self.size;
        let pair = native_pty_system().openpty(pty_size(columns, rows)).expect("a pseudo-terminal");
        let child = pair.slave.spawn_command(self.command).expect("the program starts");
        let mut bytes = pair.master.try_clone_reader().expect("its output");
        let keyboard = pair.master.take_writer().expect("its input");
        let state =
            State { parser: Parser::new(cells(rows), cells(columns), 0), shown: String::new(), frames: 0, raw: Vec::new(), ended: false };
        let output = Arc::new(Output { state: Mutex::new(state), changed: Condvar::new() });
        let reader = std::thread::spawn({
            let output = Arc::clone(&output);
            move || output.take_all(&mut bytes)
        });
        Terminal { child, master: pair.master, keyboard, output, reader: Some(reader) }
    }
}

impl Output {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until the program has closed its terminal.
    fn take_all(&self, bytes: &mut dyn Read) {
        let (mut unfinished, mut chunk) = (Vec::new(), [0; 8_192]);
        while let Ok(read @ 1..) = bytes.read(&mut chunk) {
            unfinished.extend_from_slice(&chunk[..read]);
            while let Some(at) = unfinished.windows(FRAME_END.len()).position(|window| window == FRAME_END) {
                let frame: Vec<u8> = unfinished.drain(..at + FRAME_END.len()).collect();
                self.state().show(&frame);
                self.changed.notify_all();
            }
        }
        let mut state = self.state();
        state.show(&unfinished);
        state.ended = true;
        self.changed.notify_all();
    }
}

impl State {
    fn show(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.parser.process(bytes);
        self.shown = self.parser.screen().contents();
        self.frames += 1;
    }
}

impl Terminal {
    /// Types; characters and the sequences of [`keys`] alike.
    pub(crate) fn type_in(&mut self, text: &str) {
        // A program that has just been killed reads no more.
        let _ = self.keyboard.write_all(text.as_bytes()).and_then(|()| self.keyboard.flush());
    }

    /// A line of the entry field, as a scanner sends it.
    pub(crate) fn enter(&mut self, text: &str) {
        self.type_in(text);
        self.type_in(keys::ENTER);
    }

    /// Types Esc and waits until it has been taken: followed at once by another key it would be read as Alt and that key.
    pub(crate) fn escape(&mut self) {
        let frames = self.output.state().frames;
        self.type_in(keys::ESC);
        let state = self.output.state();
        drop(self.output.changed.wait_timeout_while(state, PATIENCE, |state| state.frames == frames && !state.ended));
    }

    /// Waits for a frame that fits, and returns it.
    pub(crate) fn wait_until(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let state = self.output.state();
        let waits = |state: &mut State| !fits(&state.shown) && !state.ended;
        let (state, _) = self.output.changed.wait_timeout_while(state, PATIENCE, waits).unwrap_or_else(PoisonError::into_inner);
        let ended = if state.ended { "; the program has ended" } else { "" };
        assert!(fits(&state.shown), "not shown: {what}{ended}\n{}", state.shown);
        state.shown.clone()
    }

    /// Waits for a frame with this text, and returns it.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |shown| shown.contains(text))
    }

    /// Lets so much time pass, or less when the program ends meanwhile: for a moment that is chosen by chance.
    pub(crate) fn linger(&self, time: Duration) {
        let state = self.output.state();
        drop(self.output.changed.wait_timeout_while(state, time, |state| !state.ended));
    }

    /// The last whole frame.
    pub(crate) fn shown(&self) -> String {
        self.output.state().shown.clone()
    }

    /// Everything the program has written, as it wrote it.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.output.state().raw).into_owned()
    }

    /// Reads the terminal's own state: its screen in use, its modes.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&vt100::Screen) -> T) -> T {
        at(self.output.state().parser.screen())
    }

    /// How the terminal treats keys: by line and with echo, or raw.
    pub(crate) fn modes(&self) -> String {
        format!("{:?}", self.master.get_termios())
    }

    /// Waits until something is so that no frame shows.
    pub(crate) fn wait_until_true(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        let looks = PATIENCE.as_millis() / LOOK_EVERY.as_millis();
        let waited = (0..looks).any(|_| {
            self.linger(LOOK_EVERY);
            is_so()
        });
        assert!(waited, "not so: {what}\n{}", self.shown());
    }

    /// Waits until the program has put a file in place.
    pub(crate) fn wait_for_file(&self, path: &Path) {
        self.wait_until_true(&path.display().to_string(), || path.exists());
    }

    /// Gives the window another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.output.state().parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(pty_size(columns, rows)).expect("another size");
    }

    /// Signs the sample store's cashier in, and waits until the register can be used.
    pub(crate) fn sign_in(&mut self) -> String {
        self.wait_for("Operator");
        self.enter("000160");
        self.enter("123");
        self.wait_until("somebody signed in", |shown| shown.contains("· Cashier 1"))
    }

    /// Kills the process without a word (SIGKILL), and returns the last whole frame it wrote.
    pub(crate) fn kill(&mut self) -> String {
        let child: &mut dyn Child = self.child.as_mut();
        let process = child.downcast_mut::<std::process::Child>().expect("a process of this system");
        process.kill().expect("it can be killed");
        self.wait_for_end();
        self.shown()
    }

    /// Asks the process to end, as a system that shuts down does (SIGTERM).
    pub(crate) fn terminate(&self) {
        let process = self.child.process_id().expect("a process of this system");
        let told = std::process::Command::new("kill").args(["-TERM", &process.to_string()]).status();
        assert!(told.is_ok_and(|status| status.success()), "the signal is sent");
    }

    /// Waits until the program has ended and all it wrote is read.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let state = self.output.state();
        let (state, timeout) =
            self.output.changed.wait_timeout_while(state, PATIENCE, |state| !state.ended).unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "the program does not end:\n{}", state.shown);
        drop(state);
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader reads");
        }
        self.child.wait().expect("the program's status")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A failed test leaves no program behind.
        let child: &mut dyn Child = self.child.as_mut();
        if let Some(process) = child.downcast_mut::<std::process::Child>() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn pty_size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("some cells")
}

/// Everything a register has logged.
pub(crate) fn log(data: &Path) -> String {
    let files = std::fs::read_dir(data.join("logs")).into_iter().flatten();
    files.map(|file| std::fs::read_to_string(file.expect("a log").path()).expect("text")).collect()
}
