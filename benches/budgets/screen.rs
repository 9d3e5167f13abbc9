//! From a key, or from the till's next view, to a written frame that shows it: 500 lines on the sale, a window of 160 × 48.

use std::cell::Cell;
use std::io::{self, BufWriter, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use evertill::clock::Time;
use evertill::desk::{Prompt, Question, Selection};
use evertill::ui::frames::Frames;
use evertill::ui::layout::Layout;
use evertill::ui::theme::Theme;
use evertill::ui::{FromTill, Screen};
use evertill::view::{self, ConnectionView, Header, View};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use crate::shop::{Shop, keys, stamp};
use crate::table::{Budget, Result, Table, in_turns, time};

const WINDOW: Viewport = Viewport::Fixed(Rect { x: 0, y: 0, width: 160, height: 48 });
const LINES: usize = 500;
const ROUNDS: usize = 1_000;
const BUDGET: Budget = Budget::Usually(Duration::from_millis(1));

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let (out, bare_out) = (Counted::default(), Counted::default());
    let mut frames = Frames::new(out.clone(), WINDOW)?;
    let mut screen = Screen::new(Theme::Dark, Layout::built_in());
    let views = [LINES, LINES - 1].map(|lines| Arc::new(view(shop, lines)));
    let mut serial = 0;
    let mut ask = |screen: &mut Screen, view: &Arc<View>| {
        serial += 1;
        let question = Question { serial, prompt: Prompt::Command };
        screen.till(FromTill::Shown { view: Arc::clone(view), question: Some(question) });
    };
    ask(&mut screen, &views[0]);
    let mut bare = Bare::new(bare_out.clone())?;

    let key = |round: usize| {
        let code = if round.is_multiple_of(2) { KeyCode::Char('7') } else { KeyCode::Backspace };
        let (took, drawn) = time(|| {
            screen.input(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
            frames.draw(|frame| screen.draw(frame, now()))
        });
        drawn.map(|()| took).map_err(Into::into)
    };
    let (ours, theirs) = in_turns(ROUNDS, key, |round| bare.draw(&|row| if row == 47 { round } else { row }))?;
    table.row("key to frame, 500 lines, 160 × 48", &ours, Some(&theirs), BUDGET)?;
    let line = |round: usize| {
        let (took, drawn) = time(|| {
            ask(&mut screen, &views[round % 2]);
            frames.draw(|frame| screen.draw(frame, now()))
        });
        drawn.map(|()| took).map_err(Into::into)
    };
    let (ours, theirs) = in_turns(ROUNDS, line, |round| bare.draw(&|row| row + round))?;
    table.row("the till's view to frame, every line moved", &ours, Some(&theirs), BUDGET)?;

    let before = [out.0.get(), bare_out.0.get()];
    ask(&mut screen, &views[0]);
    frames.draw(|frame| screen.draw(frame, now()))?;
    bare.draw(&|row| row)?;
    table.count("  writes to the terminal for a frame", out.0.get() - before[0], Some(bare_out.0.get() - before[1]), Some(1), "")
}

/// A sale in hand, its last line selected.
fn view(shop: &Shop, lines: usize) -> View {
    let sale = shop.sale(keys(1)(), lines);
    let totals = sale.totals();
    View {
        screen: view::Screen::Transaction,
        header: Header {
            store: "Riverside 343".to_owned(),
            register: 1,
            operator: Some("Cashier".to_owned()),
            shift: Some(("1-1".to_owned(), now())),
            connection: ConnectionView::Online,
            unsent: 0,
            oldest_unsent: None,
            set_aside: 0,
            unsigned: false,
            utc_offset_minutes: 0,
        },
        selected: sale.lines().last().map(|line| Selection::Line(line.number)),
        sale: Some((Arc::new(sale), totals)),
        pending_quantity: None,
        notice: None,
        change_due: None,
        last_receipt: None,
        look: None,
    }
}

fn now() -> Time {
    stamp().at
}

/// A frame full of text, drawn with ratatui alone.
struct Bare {
    terminal: Terminal<CrosstermBackend<BufWriter<Counted>>>,
}

impl Bare {
    fn new(out: Counted) -> Result<Self> {
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, out));
        Ok(Self { terminal: Terminal::with_options(backend, TerminalOptions { viewport: WINDOW })? })
    }

    /// Draws a text of which each row depends on its number.
    fn draw(&mut self, number: &dyn Fn(usize) -> usize) -> Result<Duration> {
        let (took, drawn) = time(|| {
            self.terminal.draw(|frame| {
                let rows = (0..48).map(|row| format!("{:07}", number(row) * 1_234_567 % 10_000_000).repeat(23));
                frame.render_widget(rows.collect::<Vec<_>>().join("\n"), frame.area());
            })?;
            io::Result::Ok(())
        });
        drawn?;
        Ok(took)
    }
}

/// Counts writes and forgets what was written.
#[derive(Clone, Default)]
struct Counted(Rc<Cell<u64>>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + 1);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
