//! From starting the program to its first frame, and to the sign-in screen, in a pseudo-terminal.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use evertill::clock::Stopwatch;
use evertill::package::SigningKey;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use ratatui::Terminal;

use crate::bare::LookUp;
use crate::shop::Shop;
use crate::table::{Budget, Result, Samples, Table};

/// This program as [`bare_register`].
pub(crate) const BARE_REGISTER: &str = "bare-register";

const ROWS: NonZero<u16> = NonZero::new(30).expect("it is more than nothing");
const COLUMNS: NonZero<u16> = NonZero::new(100).expect("it is more than nothing");
const ROUNDS: usize = 15;
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let data = shop.register_directory("first-frame", &SigningKey::random())?;
    let mut register = CommandBuilder::new(env!("CARGO_BIN_EXE_evertill"));
    register.args(["register", "--scale-unit", &shop.url(), "--data"]);
    register.arg(&data);
    let mut bare = CommandBuilder::new(std::env::current_exe()?);
    bare.arg(BARE_REGISTER);
    bare.arg(shop.offline_database());

    let (mut first, mut sign_in, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bare_first, mut bare_memory) = (Vec::new(), Vec::new());
    // The first start makes the journal; every other finds it.
    for round in 0..=ROUNDS {
        let mut started = Started::new(&register)?;
        let frame = started.time_until(&["starting", "EVERTILL"])?;
        let ready = started.time_until(&["Sign in"])?;
        let resident = started.resident_bytes()?;
        started.close(b"\x11")?;
        let mut started = Started::new(&bare)?;
        let bare_frame = started.time_until(&["EVERTILL"])?;
        let bare_resident = started.resident_bytes()?;
        started.close(b"q")?;
        if round > 0 {
            first.push(frame);
            sign_in.push(ready);
            memory.push(resident);
            bare_first.push(bare_frame);
            bare_memory.push(bare_resident);
        }
    }
    let bare_first = Samples::from_iter(bare_first);
    table.row("first frame", &Samples::from_iter(first), Some(&bare_first), Budget::Usually(Duration::from_millis(30)))?;
    table.row("  sign-in screen", &Samples::from_iter(sign_in), Some(&bare_first), Budget::Open)?;
    let most = |bytes: &[u64]| bytes.iter().max().map_or(0, |most| most.div_ceil(1 << 20));
    table.count("  resident memory at the sign-in screen", most(&memory), Some(most(&bare_memory)), Some(20), "MiB")
}

/// The least register: opens the offline database, draws a frame, waits for a byte.
pub(crate) fn bare_register(database: &Path) -> Result<()> {
    use crossterm::execute;
    use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
    use ratatui::backend::CrosstermBackend;

    let look_up = LookUp::open(database)?;
    let _ = look_up.product("none").is_err();
    enable_raw_mode()?;
    execute!(std::io::stdout(), EnterAlternateScreen)?;
    let mut terminal = Terminal::new(CrosstermBackend::new(std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout())))?;
    terminal.draw(|frame| frame.render_widget("EVERTILL", frame.area()))?;
    std::io::stdin().read_exact(&mut [0])?;
    execute!(std::io::stdout(), LeaveAlternateScreen)?;
    Ok(disable_raw_mode()?)
}

/// A program on a terminal.
struct Started {
    watch: Arc<Stopwatch>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    output: Receiver<(Duration, Vec<u8>)>,
    terminal: vt100::Parser,
}

impl Started {
    fn new(command: &CommandBuilder) -> Result<Self> {
        let pair = native_pty_system().openpty(PtySize { rows: ROWS.get(), cols: COLUMNS.get(), ..PtySize::default() })?;
        let mut reader = pair.master.try_clone_reader()?;
        let (sender, output) = channel();
        let watch = Arc::new(Stopwatch::default());
        let child = pair.slave.spawn_command(command.clone())?;
        drop(pair.slave);
        let reading = Arc::clone(&watch);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send((reading.elapsed(), buffer[..read].to_owned())).is_err() {
                    return;
                }
            }
        });
        let terminal = vt100::Parser::new(ROWS, COLUMNS, 0);
        Ok(Self { watch, child, master: pair.master, output, terminal })
    }

    /// When the terminal shows one of these texts, counted from the start.
    fn time_until(&mut self, texts: &[&str]) -> Result<Duration> {
        loop {
            let (at, bytes) = self.output.recv_timeout(PATIENCE).map_err(|_| {
                let waited = self.watch.elapsed();
                format!("no {texts:?} within {waited:.0?} on:\n{}", self.terminal.screen().contents())
            })?;
            self.terminal.process(&bytes);
            let shown = self.terminal.screen().contents();
            if texts.iter().any(|text| shown.contains(text)) {
                return Ok(at);
            }
        }
    }

    /// `VmRSS` of proc(5).
    fn resident_bytes(&self) -> Result<u64> {
        let id = self.child.process_id().ok_or("the program has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in proc")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1_024)
    }

    /// Ends the program by a key, and waits for its end.
    fn close(mut self, key: &[u8]) -> Result<()> {
        self.master.take_writer()?.write_all(key)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the program ended with {status}").into()) }
    }
}
