//! What the cashier sees and types. The till publishes views and asks questions; the screen draws them, takes keys, scans and clicks, and
//! answers. It knows no rule of the shop, no database and no socket.
//!
//! ```text
//!   Header     EVERTILL  Riverside 343 · Register 2 · Cashier 1          ● ONLINE   10:42
//!              ──────────────────────────────────┬───────────────────────────────────────
//!   lines        1  BANANAS                 1.60 │ ╭ 108 ──────── F2 ╮╭ 101 ──────── F8 ╮   grid, from a
//!              ▸ 2  CEREAL                  3.69 │ │ Product search  ││ Price check     │   layout file
//!   totals     Subtotal 5.29      AMOUNT DUE 5.29│ ╰─────────────────╯╰─────────────────╯
//!   entry      › 3*29000                         │
//!   notice     BANANAS added · scan the next article, or F9 for cash
//! ```
//!
//! One rule makes typing ahead safe: every input goes through one queue, and the queue is fed to a question only while that question is open.

mod answering;
mod asked;
mod canvas;
mod credentials;
mod dialog;
mod digits;
mod entry;
mod field;
mod format;
pub mod frames;
#[cfg(test)]
mod gallery;
mod grid;
mod header;
mod help;
mod input;
pub mod layout;
mod lines;
mod notice;
mod number;
mod page;
mod queue;
pub mod run;
pub mod screen_desk;
mod search;
pub mod snapshot;
pub mod terminal;
pub mod theme;
mod totals;
mod transaction;
mod welcome;

use std::cell::RefCell;
use std::sync::Arc;

use crossterm::event::{Event, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Frame;

use crate::clock::Time;
use crate::desk::{Answer, Prompt, Question};
use crate::view::{self, Look, View};

use asked::Asked;
use canvas::{Canvas, Drawn};
use field::Field;
use input::{Input, Press, Target};
use layout::Layout;
use queue::Queue;
use theme::{Role, Theme};

/// What the till tells the screen.
#[derive(Clone, Debug)]
pub enum FromTill {
    /// Show this; with a question, its answer is wanted.
    Shown {
        /// The picture.
        view: Arc<View>,
        /// What is asked, if anything.
        question: Option<Question>,
    },
    /// The till has ended; nothing more will be shown.
    Finished,
}

/// The screen: the last view, the question in hand, and what was typed.
pub struct Screen {
    theme: Theme,
    layout: Layout,
    view: Option<Arc<View>>,
    look: Option<Arc<Look>>,
    asked: Option<Asked>,
    last_answered: Option<u64>,
    queue: Queue,
    entry: Field,
    /// The line the till is working on.
    entered: String,
    overlay: Option<Overlay>,
    remark: Option<Remark>,
    tab: usize,
    list_top: Option<usize>,
    quit_requested: bool,
    finished: bool,
    drawn: RefCell<Drawn>,
}

/// A window of the screen's own, over whatever the till asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Overlay {
    /// Every operation and key.
    Help { scroll: usize },
    /// The last receipt.
    Receipt { scroll: usize },
}

/// What the screen itself has to say, until the next input.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Remark {
    text: String,
    hint: String,
}

impl Screen {
    /// The smallest window that anything is drawn in, columns and rows.
    pub const MIN_SIZE: (u16, u16) = (60, 16);

    /// A screen that waits for the till's first view.
    pub fn new(theme: Theme, layout: Layout) -> Self {
        Self {
            theme,
            layout,
            view: None,
            look: None,
            asked: None,
            last_answered: None,
            queue: Queue::default(),
            entry: Field::default(),
            entered: String::new(),
            overlay: None,
            remark: None,
            tab: 0,
            list_top: None,
            quit_requested: false,
            finished: false,
            drawn: RefCell::default(),
        }
    }

    /// Takes what the till shows or asks. Returns the question's serial and its answer when what was typed ahead answers it.
    pub fn till(&mut self, message: FromTill) -> Option<(u64, Answer)> {
        match message {
            FromTill::Shown { view, question } => {
                self.take_view(view);
                let before = self.asked.take();
                self.asked = question.map(|question| Asked::next(question, before, self.last_answered));
                self.feed()
            }
            FromTill::Finished => {
                self.finished = true;
                None
            }
        }
    }

    /// Takes a key, a paste or the mouse. Returns the question's serial and its answer when this gave it.
    pub fn input(&mut self, event: Event) -> Option<(u64, Answer)> {
        match event {
            Event::Key(key) => self.key(Input::from_key(key)?),
            Event::Paste(text) => self.queue.extend(Input::from_paste(&text)),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::FocusGained | Event::FocusLost | Event::Resize(..) => {}
        }
        self.feed()
    }

    /// Runs an operation as its button would, for tapes. Returns the question's serial and its answer when this gave it.
    pub fn press(&mut self, operation: u16) -> Option<(u64, Answer)> {
        self.queue.push(Input::Click(Target::Operation { number: operation, parameter: None }));
        self.feed()
    }

    /// Whether the till is at work, or something typed waits for it.
    pub fn is_waiting(&self) -> bool {
        !self.is_asked() || !self.queue.is_empty()
    }

    /// Whether the program shall be closed: asked for on the sign-in screen, the only place where nothing can be cut short.
    pub fn quit_requested(&self) -> bool {
        self.quit_requested
    }

    /// Whether the till has ended.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Draws the screen as it is at this time; remembers where things are, for the mouse.
    pub fn draw(&self, frame: &mut Frame, now: Time) {
        let mut canvas = Canvas::new(frame.buffer_mut(), self.theme);
        self.draw_on(&mut canvas, now);
        let drawn = canvas.drawn;
        if let Some(cursor) = drawn.cursor {
            frame.set_cursor_position(cursor);
        }
        self.drawn.replace(drawn);
    }

    fn draw_on(&self, canvas: &mut Canvas, now: Time) {
        let area = canvas.area();
        canvas.fill(area, Role::Text);
        let (min_width, min_height) = Self::MIN_SIZE;
        if area.width < min_width || area.height < min_height {
            canvas.text(area.x, area.y, area.width, "the window is too small", Role::Warning);
            canvas.text(area.x, area.y + 1, area.width, &format!("{min_width} × {min_height} at least"), Role::Text);
            return;
        }
        let Some(view) = &self.view else {
            canvas.center(area.x, area.y + area.height / 2, area.width, "starting …", Role::Dim);
            return;
        };
        let header = header::draw(canvas, area, view, now);
        let body = ratatui::layout::Rect { y: area.y + header, height: area.height - header - 1, ..area };
        match view.screen {
            view::Screen::Activation | view::Screen::SignIn | view::Screen::Locked => {
                credentials::draw_whole(canvas, body, self, view, now);
            }
            view::Screen::Welcome => welcome::draw(canvas, body, self, view, now),
            view::Screen::Transaction => transaction::draw(canvas, body, self, view),
        }
        let windows = ratatui::layout::Rect { height: body.height - entry::rows(area.height), ..body };
        if self.window_is_open(view) {
            canvas.recede(body);
        }
        self.draw_window(canvas, windows, view);
        notice::draw(canvas, ratatui::layout::Rect { y: area.bottom() - 1, height: 1, ..area }, self, view);
    }

    /// The window that lies over the screen, if any: the question's, and over it the screen's own.
    fn draw_window(&self, canvas: &mut Canvas, area: ratatui::layout::Rect, view: &View) {
        if let Some(asked) = &self.asked {
            let (form, serial) = (&asked.form, asked.question.serial);
            match &asked.question.prompt {
                Prompt::Command => {}
                Prompt::Credentials(prompt) => credentials::draw_window(canvas, area, prompt, form, serial, view),
                Prompt::Number(prompt) => number::draw(canvas, area, prompt, form, serial),
                Prompt::Confirm(prompt) => page::draw_confirm(canvas, area, prompt, serial),
                Prompt::Search(prompt) => search::draw(canvas, area, prompt, form, serial),
                Prompt::Wait(prompt) => page::draw_wait(canvas, area, prompt, serial),
                Prompt::Page(prompt) => page::draw(canvas, area, prompt, form, serial),
                Prompt::ConnectionStatus(prompt) => page::draw_connection(canvas, area, prompt, form, serial),
            }
        }
        match self.overlay {
            None => {}
            Some(Overlay::Help { scroll }) => help::draw(canvas, area, view, scroll),
            Some(Overlay::Receipt { scroll }) => page::draw_receipt(canvas, area, view.last_receipt.as_deref(), scroll),
        }
    }

    /// Whether something lies over the screen; signing in and unlocking are a part of theirs.
    fn window_is_open(&self, view: &View) -> bool {
        let whole = matches!(view.screen, view::Screen::Activation | view::Screen::SignIn | view::Screen::Locked);
        let asked = self.asked.as_ref().is_some_and(|asked| match asked.question.prompt {
            Prompt::Command => false,
            Prompt::Credentials(_) => !whole,
            Prompt::Number(_)
            | Prompt::Confirm(_)
            | Prompt::Search(_)
            | Prompt::Wait(_)
            | Prompt::Page(_)
            | Prompt::ConnectionStatus(_) => true,
        });
        asked || self.overlay.is_some()
    }

    /// Feeds what waits to the open question, one after another, until one of them answers it.
    fn feed(&mut self) -> Option<(u64, Answer)> {
        while self.is_asked() {
            let Some(input) = self.queue.pop() else { break };
            if let Some(answer) = self.apply(input) {
                return Some(self.answered(answer));
            }
            let search = self.asked.as_mut().filter(|asked| asked.search_changed());
            if let Some(asked) = search
                && !self.queue.next_edits_text()
            {
                asked.form.searched = asked.form.text.text().to_owned();
                asked.form.searching = true;
                let answer = Answer::SearchText(asked.form.searched.clone());
                return Some(self.answered(answer));
            }
        }
        None
    }

    fn answered(&mut self, answer: Answer) -> (u64, Answer) {
        let asked = self.asked.as_mut().expect("only an open question is answered");
        asked.answered = true;
        self.entered = if let Answer::Entry(line) = &answer { format!("{line}⏎ ") } else { String::new() };
        self.last_answered = Some(asked.question.serial);
        (asked.question.serial, answer)
    }

    fn is_asked(&self) -> bool {
        self.asked.as_ref().is_some_and(Asked::is_open)
    }

    fn take_view(&mut self, view: Arc<View>) {
        if self.look.as_ref().map(Arc::as_ptr) != view.look.as_ref().map(Arc::as_ptr) {
            self.wear(view.look.clone());
        }
        let moved = self.view.as_ref().is_none_or(|before| before.selected != view.selected || before.screen != view.screen);
        if moved {
            self.list_top = None;
        }
        let hidden = matches!(view.screen, view::Screen::Locked | view::Screen::SignIn | view::Screen::Activation);
        if hidden && self.view.as_ref().is_some_and(|before| before.screen != view.screen) {
            self.entry.take();
            self.overlay = None;
        }
        self.view = Some(view);
    }

    /// Looks as headquarters says, as far as this program can: a layout with a mistake keeps nobody from selling.
    fn wear(&mut self, look: Option<Arc<Look>>) {
        if let Some(look) = &look {
            let named = look.theme.as_ref().and_then(|name| Theme::named(name, self.theme == Theme::NoColor));
            self.theme = named.unwrap_or(self.theme);
            match look.layout.as_ref().map(|text| Layout::parse(text)) {
                Some(Ok(layout)) => (self.layout, self.tab) = (layout, 0),
                Some(Err(problems)) => {
                    let first = problems.first().map(ToString::to_string).unwrap_or_default();
                    tracing::warn!(problem = %first, "headquarters' screen layout is not used");
                }
                None => {}
            }
        }
        self.look = look;
    }

    /// Closing is heard at once, everything else in its turn.
    fn key(&mut self, input: Input) {
        if let Input::Press(Press::Control('q' | 'c')) = input {
            self.quit();
        } else {
            self.queue.push(input);
        }
    }

    fn mouse(&mut self, mouse: MouseEvent) {
        if mouse.kind == MouseEventKind::ScrollUp {
            self.wheel(Press::Up);
        } else if mouse.kind == MouseEventKind::ScrollDown {
            self.wheel(Press::Down);
        } else if mouse.kind == MouseEventKind::Down(MouseButton::Left) {
            let target = self.drawn.borrow().target(mouse.column, mouse.row).cloned();
            self.queue.extend(target.map(Input::Click));
        }
    }

    /// The wheel looks around without changing anything; in a list to choose from it moves as the arrows do.
    fn wheel(&mut self, press: Press) {
        const ROWS: usize = 3;
        if let Some(overlay) = self.overlay {
            self.overlay = Some(overlay.at((0..ROWS).fold(overlay.scroll(), |scroll, _| self.scrolled(scroll, press))));
            return;
        }
        match self.asked.as_ref().map(|asked| &asked.question.prompt) {
            None | Some(Prompt::Command) => {
                let drawn = self.drawn.borrow();
                let most = drawn.list_length.saturating_sub(drawn.list_rows);
                let top = if press == Press::Up { drawn.list_top.saturating_sub(ROWS) } else { drawn.list_top + ROWS };
                self.list_top = Some(top.min(most));
            }
            Some(Prompt::Search(_) | Prompt::Number(_) | Prompt::Page(_) | Prompt::ConnectionStatus(_)) => {
                self.queue.push(Input::Press(press));
            }
            Some(Prompt::Credentials(_) | Prompt::Confirm(_) | Prompt::Wait(_)) => {}
        }
    }

    fn quit(&mut self) {
        if self.view.as_ref().is_none_or(|view| matches!(view.screen, view::Screen::SignIn | view::Screen::Activation)) {
            self.quit_requested = true;
        } else {
            self.refuse_to_quit();
        }
    }

    fn remark(&mut self, text: String, hint: &str) {
        self.remark = Some(Remark { text, hint: hint.to_owned() });
    }

    /// What waits for the till, as it is shown; hidden where a PIN may be among it.
    fn waiting_text(&self) -> String {
        let hidden = self
            .view
            .as_ref()
            .is_some_and(|view| matches!(view.screen, view::Screen::Activation | view::Screen::SignIn | view::Screen::Locked));
        let worked_on = if self.is_asked() { "" } else { &self.entered };
        format!("{worked_on}{}", self.queue.shown(hidden || self.asked.as_ref().is_some_and(Asked::is_secret)))
    }
}

impl Overlay {
    fn scroll(self) -> usize {
        match self {
            Self::Help { scroll } | Self::Receipt { scroll } => scroll,
        }
    }

    fn at(self, scroll: usize) -> Self {
        match self {
            Self::Help { .. } => Self::Help { scroll },
            Self::Receipt { .. } => Self::Receipt { scroll },
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use proptest::prelude::*;

    use super::gallery::{key, number_prompt, paste, question, search_prompt, view};
    use super::*;
    use crate::desk::{Prompt, Selection};

    fn screen() -> Screen {
        Screen::new(Theme::Dark, Layout::built_in())
    }

    fn shown(prompt: Option<(u64, Prompt)>) -> FromTill {
        FromTill::Shown { view: Arc::new(view()), question: prompt.map(|(serial, prompt)| question(serial, prompt)) }
    }

    fn entry(text: &str) -> Answer {
        Answer::Entry(text.to_owned())
    }

    #[test]
    fn what_is_typed_while_the_till_works_is_answered_in_order_one_a_question() {
        let mut screen = screen();
        assert_eq!(screen.input(paste("4006381333931\n3*29")), None);
        assert_eq!(screen.input(key(KeyCode::F(9))), None);
        assert!(screen.is_waiting());
        assert_eq!(screen.waiting_text(), "4006381333931⏎3*29 F9 ");
        assert_eq!(screen.till(shown(Some((1, Prompt::Command)))), Some((1, entry("4006381333931"))));
        assert_eq!(screen.till(shown(None)), None);
        let pay = Answer::Operation { number: 200, parameter: None };
        assert_eq!(screen.till(shown(Some((2, Prompt::Command)))), Some((2, pay)));
        assert_eq!(screen.entry.text(), "3*29", "an unfinished line stays where it was typed");
        assert_eq!(screen.till(shown(Some((3, number_prompt())))), None);
        assert!(!screen.is_waiting());
    }

    #[test]
    fn a_question_is_answered_once_however_often_it_is_asked() {
        let mut screen = screen();
        screen.till(shown(Some((5, Prompt::Command))));
        assert_eq!(screen.input(paste("1\n2\n")), Some((5, entry("1"))));
        for again in [Some((5, Prompt::Command)), None, Some((5, Prompt::Command))] {
            assert_eq!(screen.till(shown(again)), None);
        }
        assert_eq!(screen.till(shown(Some((6, Prompt::Command)))), Some((6, entry("2"))));
    }

    #[test]
    fn news_in_between_leaves_what_was_typed() {
        let mut screen = screen();
        screen.till(shown(Some((1, number_prompt()))));
        assert_eq!(screen.input(paste("12,")), None);
        assert_eq!(screen.till(shown(Some((1, number_prompt())))), None);
        assert_eq!(screen.input(paste("5\n")), Some((1, Answer::Number("12.5".to_owned()))));
    }

    #[test]
    fn headquarters_says_how_the_screen_looks_and_a_mistake_changes_nothing() {
        let mut screen = Screen::new(Theme::Dark, Layout::built_in());
        let shown = |theme: &str, layout: &str| {
            let look = Look { theme: Some(theme.to_owned()), layout: Some(layout.to_owned()) };
            FromTill::Shown { view: Arc::new(View { look: Some(Arc::new(look)), ..view() }), question: None }
        };
        let own = "[[grid]]\nscreen = \"welcome\"\ntitle = \"Own\"\nsize = \"80x24\"\nwidth = 20\ncolumns = 1\nrows = 1\n\
                   buttons = [{ operation = 108, row = 1, column = 1 }]\n";
        screen.till(shown("light", own));
        assert_eq!((screen.theme, screen.layout.grids(view::Screen::Welcome, (80, 24)).len()), (Theme::Light, 1));
        let before = screen.layout.clone();
        screen.till(shown("pink", "[[grid]]\nnonsense"));
        assert_eq!((screen.theme, screen.layout), (Theme::Light, before));
    }

    #[test]
    fn typing_ahead_in_a_search_asks_once_for_the_last_text() {
        let mut screen = screen();
        screen.till(shown(Some((1, search_prompt("")))));
        assert_eq!(screen.input(key(KeyCode::Char('b'))), Some((1, Answer::SearchText("b".to_owned()))));
        for code in [KeyCode::Char('a'), KeyCode::Char('x'), KeyCode::Backspace, KeyCode::Char('n'), KeyCode::Enter] {
            assert_eq!(screen.input(key(code)), None);
        }
        assert_eq!(screen.till(shown(Some((2, search_prompt("b"))))), Some((2, Answer::SearchText("ban".to_owned()))));
        let picked = screen.till(shown(Some((3, search_prompt("ban")))));
        assert_eq!(picked, Some((3, Answer::Pick("4011".into()))), "Enter waits for the products of the text it was typed behind");
    }

    #[test]
    fn what_is_no_number_is_not_taken_for_what_is_left_of_it() {
        for (typed, taken) in
            [("12.5\n", Some("12.5")), ("1e30\n", None), ("1.2.5\n", None), ("-5\n", None), ("AB-7\n", None), ("AB\n", None)]
        {
            let mut screen = screen();
            screen.till(shown(Some((1, number_prompt()))));
            assert_eq!(screen.input(paste(typed)), taken.map(|taken| (1, Answer::Number(taken.to_owned()))), "{typed}");
            let again = screen.input(paste("30\n"));
            assert_eq!(again, taken.is_none().then(|| (1, Answer::Number("30".to_owned()))), "{typed} and then 30");
        }
    }

    #[test]
    fn a_scan_never_says_yes() {
        for (prompt, yes) in
            [(gallery::confirm_prompt(), Answer::Yes), (gallery::page_prompt(), Answer::Yes), (gallery::connection_prompt(), Answer::Yes)]
        {
            let mut screen = screen();
            screen.till(shown(Some((1, prompt))));
            assert_eq!(screen.input(paste("4006381333931\n")), None);
            assert_eq!(screen.input(key(KeyCode::Enter)), Some((1, yes)));
        }
    }

    #[test]
    fn closing_is_for_the_sign_in_screen_alone() {
        for (on, closes) in [
            (view::Screen::SignIn, true),
            (view::Screen::Welcome, false),
            (view::Screen::Transaction, false),
            (view::Screen::Locked, false),
        ] {
            for letter in ['q', 'c'] {
                let mut screen = screen();
                let view = Arc::new(View { screen: on, ..view() });
                screen.till(FromTill::Shown { view, question: Some(question(1, Prompt::Command)) });
                assert_eq!(screen.input(Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL))), None);
                assert_eq!(screen.quit_requested(), closes, "{on:?}");
                assert_eq!(screen.remark.is_some(), !closes);
            }
        }
    }

    #[test]
    fn a_tape_presses_a_button_by_number() {
        let mut screen = screen();
        assert_eq!(screen.press(917), None);
        let answer = Answer::Operation { number: 917, parameter: None };
        assert_eq!(screen.till(shown(Some((1, Prompt::Command)))), Some((1, answer)));
    }

    #[test]
    fn every_key_of_the_table_runs_its_operation() {
        use crate::till::operations::{Key, TABLE};
        for operation in TABLE {
            let event = match operation.key {
                Key::F(number) => key(KeyCode::F(number)),
                Key::Alt(letter) => Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::ALT)),
                Key::Enter => continue,
            };
            let mut screen = screen();
            screen.till(shown(Some((1, Prompt::Command))));
            let number = operation.number;
            assert_eq!(screen.input(event), Some((1, Answer::Operation { number, parameter: None })), "{number}");
        }
    }

    #[test]
    fn arrows_select_lines_and_then_payments() {
        let line = |number| Some(Answer::Select(Selection::Line(number)));
        for (selected, code, expected) in [
            (None, KeyCode::Up, Some(Answer::Select(Selection::Payment(1)))),
            (None, KeyCode::Down, line(1)),
            (Some(Selection::Line(2)), KeyCode::Up, line(1)),
            (Some(Selection::Line(1)), KeyCode::Up, None),
            (Some(Selection::Line(2)), KeyCode::Home, line(1)),
            (Some(Selection::Line(2)), KeyCode::End, Some(Answer::Select(Selection::Payment(1)))),
            (Some(Selection::Payment(1)), KeyCode::Down, None),
            (Some(Selection::Payment(1)), KeyCode::PageUp, line(8)),
        ] {
            let mut screen = screen();
            let view = Arc::new(View { selected, ..gallery::sale_view() });
            screen.till(FromTill::Shown { view, question: Some(question(1, Prompt::Command)) });
            assert_eq!(screen.input(key(code)).map(|(_, answer)| answer), expected, "{code:?} from {selected:?}");
        }
    }

    #[test]
    fn an_empty_entry_leaves_the_change_on_the_welcome_screen() {
        let mut screen = screen();
        screen.till(shown(Some((1, Prompt::Command))));
        assert_eq!(screen.input(key(KeyCode::Enter)), None);
        let sale = Arc::new(gallery::sale_view());
        screen.till(FromTill::Shown { view: sale, question: Some(question(2, Prompt::Command)) });
        assert_eq!(screen.input(key(KeyCode::Enter)), Some((2, entry(""))));
    }

    #[test]
    fn a_code_that_lost_characters_is_not_sent() {
        let mut screen = screen();
        screen.till(shown(Some((1, Prompt::Command))));
        assert_eq!(screen.input(paste(&format!("{}\n", "7".repeat(257)))), None);
        screen.input(key(KeyCode::Esc));
        assert_eq!(screen.input(paste("7\n")), Some((1, entry("7"))));
    }

    #[test]
    fn the_help_gives_way_to_a_scan() {
        let mut screen = screen();
        screen.till(shown(Some((1, Prompt::Command))));
        assert_eq!(screen.input(key(KeyCode::Char('?'))), None);
        assert!(screen.overlay.is_some());
        assert_eq!(screen.input(paste("77\n")), Some((1, entry("77"))));
        assert_eq!(screen.overlay, None);
    }

    #[test]
    fn a_click_means_what_was_seen_where_it_fell() {
        use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
        let mut screen = screen();
        let view = Arc::new(gallery::sale_view());
        screen.till(FromTill::Shown { view: Arc::clone(&view), question: Some(question(1, Prompt::Command)) });
        let picture = gallery::picture(&screen, (80, 24));
        let at = |text: &str| {
            let row = picture.lines().position(|line| line.contains(text)).unwrap();
            let column = picture.lines().nth(row).unwrap().split(text).next().unwrap().chars().count();
            Event::Mouse(MouseEvent {
                kind: MouseEventKind::Down(MouseButton::Left),
                column: u16::try_from(column).unwrap(),
                row: u16::try_from(row).unwrap(),
                modifiers: KeyModifiers::NONE,
            })
        };
        assert_eq!(screen.input(at("Pay cash")), Some((1, Answer::Operation { number: 200, parameter: None })));
        assert_eq!(screen.input(at("BANANAS")), None, "it waits for the next question");
        let after = FromTill::Shown { view, question: Some(question(2, Prompt::Command)) };
        assert_eq!(screen.till(after), Some((2, Answer::Select(Selection::Line(3)))));
    }

    proptest! {
        /// Whatever comes between, what was typed is answered in the order it was typed, each line once.
        #[test]
        fn any_interleaving_answers_every_line_once_in_order(
            lines in prop::collection::vec("[0-9]{1,13}", 1..30),
            pastes in prop::collection::vec(1_usize..40, 1..60),
            till in prop::collection::vec(0_u8..4, 0..200),
        ) {
            let mut screen = screen();
            let typed: Vec<char> = lines.iter().flat_map(|line| line.chars().chain(['\n'])).collect();
            let (mut typed, mut pastes, mut serial, mut answers) = (typed.as_slice(), pastes.iter().cycle(), 0, Vec::new());
            for step in till.into_iter().map(Some).chain(std::iter::repeat_n(None, 4 * lines.len() + 400)) {
                let answer = match step {
                    // The till goes on working, asks again what it asked, or asks the next question.
                    Some(0) => screen.till(shown(None)),
                    Some(1) if serial > 0 => screen.till(shown(Some((serial, Prompt::Command)))),
                    Some(2..) | None if !typed.is_empty() => {
                        let (now, later) = typed.split_at(typed.len().min(*pastes.next().unwrap()));
                        typed = later;
                        screen.input(paste(&now.iter().collect::<String>()))
                    }
                    Some(_) | None => {
                        if answers.len() as u64 == serial {
                            serial += 1;
                        }
                        screen.till(shown(Some((serial, Prompt::Command))))
                    }
                };
                if let Some((answered, answer)) = answer {
                    prop_assert_eq!(answered, serial);
                    answers.push(answer);
                }
            }
            prop_assert_eq!(answers, lines.iter().map(|line| entry(line)).collect::<Vec<_>>());
        }

        /// No size and no picture makes drawing panic.
        #[test]
        fn every_scene_can_be_drawn_at_every_size(columns in 1_u16..200, rows in 1_u16..60, scene in 0_usize..100) {
            gallery::picture(&gallery::scene(scene), (columns, rows));
        }
    }
}
