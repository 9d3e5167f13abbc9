//! Made-up pictures of every screen and window, for tests.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use rust_decimal::Decimal;

use super::layout::Layout;
use super::snapshot::{snapshot, symbols};
use super::theme::Theme;
use super::{FromTill, Screen};
use crate::clock::Time;
use crate::desk::{
    ChangeDue, Choice, ConfirmPrompt, ConnectionStatus, CredentialsPrompt, Fact, NumberPrompt, Page, Prompt, Purpose, Question,
    SearchPrompt, Section, Selection,
};
use crate::ids::{KeySource, RegisterId, ShiftId};
use crate::money::{Money, Quantity};
use crate::retail::product::{Product, ProductRules};
use crate::retail::sale::{Discount, NewLine, Sale};
use crate::retail::store::{Functionality, Store, TaxCode, TaxGroup};
use crate::retail::tax::{Tax, TaxKind, TaxRounding};
use crate::retail::tender::PaymentMethod;
use crate::view::{self, ConnectionView, Header, Level, Notice, View};

/// The sizes that every picture is looked at in.
const SIZES: [(u16, u16); 3] = [(80, 24), (100, 30), (160, 48)];

/// Half past ten on a Sunday.
pub(super) fn now() -> Time {
    "2026-11-22T10:42:10Z".parse().unwrap()
}

/// Between sales, online, all well.
pub(super) fn view() -> View {
    let header = Header {
        store: "Riverside 343".to_owned(),
        register: 2,
        operator: Some("Cashier 1".to_owned()),
        shift: Some(("2-41".to_owned(), "2026-11-22T08:57:00Z".parse().unwrap())),
        connection: ConnectionView::Online,
        unsent: 0,
        oldest_unsent: None,
        set_aside: 0,
        unsigned: false,
        utc_offset_minutes: 0,
    };
    View {
        screen: view::Screen::Welcome,
        header,
        sale: None,
        selected: None,
        pending_quantity: None,
        notice: None,
        change_due: None,
        last_receipt: Some(Arc::new(receipt())),
        look: None,
    }
}

/// A sale with all kinds of lines, partly paid.
pub(super) fn sale_view() -> View {
    with_sale(&sale(), Some(Selection::Line(8)))
}

pub(super) fn question(serial: u64, prompt: Prompt) -> Question {
    Question { serial, prompt }
}

pub(super) fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

pub(super) fn paste(text: &str) -> Event {
    Event::Paste(text.to_owned())
}

pub(super) fn number_prompt() -> Prompt {
    Prompt::Number(NumberPrompt {
        title: "Line discount percent".to_owned(),
        label: "Percent off the line".to_owned(),
        facts: facts(&[("Article", "ALL FAMILY CEREAL"), ("Line", "3.69")]),
        suggestion: None,
        choices: Vec::new(),
        problem: Some("a discount must be 0 to 100 percent".to_owned()),
    })
}

pub(super) fn search_prompt(text: &str) -> Prompt {
    let products = ["BANANAS", "BANANA CHIPS 8 OZ", "ORGANIC BANANA BABY FOOD 4 OZ", "BANANA NUT MUFFIN MIX 15.2 OZ"];
    let mut found: Vec<Product> = products.iter().zip(4_011..).map(|(name, id)| product(id, name, "1.29")).collect();
    "lb".clone_into(&mut found[0].unit);
    found[3].rules.blocked = true;
    found[1].stock = Some(Decimal::from(38));
    Prompt::Search(SearchPrompt {
        title: "Product search".to_owned(),
        action: "sells it".to_owned(),
        text: text.to_owned(),
        products: Arc::new(found),
        more: true,
        problem: None,
    })
}

pub(super) fn confirm_prompt() -> Prompt {
    Prompt::Confirm(ConfirmPrompt {
        title: "Void transaction".to_owned(),
        question: "Void the whole sale of 8 lines over 30.36? It cannot be taken back.".to_owned(),
        yes: "voids the sale".to_owned(),
        no: "goes on selling".to_owned(),
    })
}

pub(super) fn page_prompt() -> Prompt {
    Prompt::Page(Page {
        title: "Price check".to_owned(),
        rows: facts(&[
            ("Article", "BANANAS"),
            ("Code", "4011"),
            ("Price", "1.29 / lb"),
            ("With tax", "1.35 / lb"),
            ("Department", "PRODUCE"),
            ("In stock", "212 lb"),
        ]),
        action: Some("sells it".to_owned()),
    })
}

pub(super) fn connection_prompt() -> Prompt {
    let section = |title: &str, rows: &[(&str, &str)]| Section {
        title: title.to_owned(),
        facts: rows.iter().map(|(name, value)| Fact::new(*name, *value)).collect(),
    };
    let mut jobs = section("Downloads by job", &[("1010 Customers", "None"), ("1040 Products", "10:20:00 Succeeded")]);
    jobs.facts.push(Fact::new("1060 Staff", "10:25:00 Failed: the signature is not headquarters'").at(Level::Error));
    Prompt::ConnectionStatus(ConnectionStatus {
        action: "Connect".to_owned(),
        remark: Some("a sale is in progress: conclude it first, then connect".to_owned()),
        sections: vec![
            section(
                "Connection",
                &[
                    ("State", "offline since 10:31:00"),
                    ("Because", "no answer within 1.0 s"),
                    ("Next try", "at the next sale after 10:36:00"),
                ],
            ),
            section("Unsent", &[("Sales", "12"), ("Oldest", "10:31:00"), ("Last upload", "10:30:58 succeeded")]),
            section("Offline database", &[("Version", "41"), ("Size", "3 MiB"), ("Prices", "as of 22 Nov 06:00, 4 h old")]),
            jobs,
        ],
    })
}

/// One of the scenes, counted round.
pub(super) fn scene(number: usize) -> Screen {
    let mut scenes = scenes();
    let (_, view, prompt, typed) = scenes.swap_remove(number % scenes.len());
    prepared(view, prompt, &typed)
}

/// What the screen shows, symbols alone.
pub(super) fn picture(screen: &Screen, size: (u16, u16)) -> String {
    symbols(&drawn(screen, size))
}

fn drawn(screen: &Screen, (columns, rows): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| screen.draw(frame, now())).unwrap();
    terminal.backend().buffer().clone()
}

fn prepared(view: View, prompt: Option<Prompt>, typed: &[Event]) -> Screen {
    let mut screen = Screen::new(Theme::Dark, Layout::built_in());
    let question = prompt.map(|prompt| question(1, prompt));
    screen.till(FromTill::Shown { view: Arc::new(view), question });
    for event in typed {
        screen.input(event.clone());
    }
    screen
}

/// Every screen and window: its name, the view, what is asked and what was typed.
fn scenes() -> Vec<(&'static str, View, Option<Prompt>, Vec<Event>)> {
    let command = || Some(Prompt::Command);
    let typed = |text: &str| vec![paste(text)];
    let notice = |level, text: &str, hint: &str| Some(Notice { level, text: text.to_owned(), hint: hint.to_owned() });
    let sign_in = |problem: Option<&str>| {
        let hint = "Sample store: cashier 000160, PIN 123 · manager 000110, PIN 123";
        Some(credentials(Purpose::SignIn, problem, Some(hint)))
    };
    let signed_out = || View { screen: view::Screen::SignIn, header: Header { operator: None, shift: None, ..view().header }, ..view() };
    let offline = |view: View| View { header: offline(view.header.clone()), ..view };
    let money = |text: &str| text.parse::<Money>().unwrap();
    let sold = ChangeDue {
        receipt: "343-2-000123".to_owned(),
        total: money("30.36 USD"),
        tendered: money("50.00 USD"),
        change: money("19.64 USD"),
    };
    let not_found = notice(Level::Warning, "4006381333931 not found", "F2 searches by name");
    let pending = View { pending_quantity: Some(Quantity::parse("3").unwrap()), notice: not_found.clone(), ..sale_view() };
    let locked = View { screen: view::Screen::Locked, notice: not_found, ..sale_view() };
    let unlock = Purpose::Unlock { operator: "000160".to_owned(), name: "Cashier 1".to_owned() };
    let gone = notice(
        Level::Error,
        "headquarters has deactivated this register",
        "finish or void the sale in hand; Alt+A activates it again with a new code",
    );
    let blocked = Header {
        connection: ConnectionView::Blocked {
            since: "2026-11-22T10:41:00Z".parse().unwrap(),
            reason: "nobody listens at the scale unit's address".to_owned(),
            lacks: "no offline database yet".to_owned(),
        },
        ..signed_out().header
    };
    vec![
        ("sign_in", signed_out(), sign_in(None), typed("000160\n12")),
        ("sign_in_refused", signed_out(), sign_in(Some("operator or PIN is wrong")), vec![]),
        ("sign_in_blocked", View { header: blocked, ..signed_out() }, sign_in(None), vec![]),
        ("welcome", view(), command(), vec![]),
        ("welcome_change_due", View { change_due: Some(sold.clone()), ..view() }, command(), vec![]),
        ("welcome_offline", offline(View { change_due: Some(sold), ..view() }), command(), typed("29000")),
        ("sale", sale_view(), command(), typed("3*29000")),
        ("sale_first_line", first_line(), command(), vec![]),
        ("sale_offline", offline(pending), command(), vec![]),
        ("sale_busy", sale_view(), None, vec![paste("4006381333931\n29000"), key(KeyCode::F(9))]),
        ("sale_long", long_sale(), command(), vec![]),
        ("locked", locked, Some(credentials(unlock, Some("that is not the PIN of Cashier 1"), None)), typed("12")),
        (
            "authorize",
            sale_view(),
            Some(credentials(Purpose::Authorize { operation: "Price override".to_owned() }, None, None)),
            typed("000110"),
        ),
        ("locked_out", signed_out(), Some(credentials(locked_out(), Some("Cashier 2 is no manager"), None)), typed("000110\n12")),
        ("activation", not_activated(), Some(activation(None)), typed("K7QM-3XPD")),
        (
            "activation_refused",
            not_activated(),
            Some(activation(Some("headquarters does not take this code: it was used already"))),
            vec![],
        ),
        ("deactivated", View { notice: gone, ..sale_view() }, command(), vec![]),
        ("number", sale_view(), Some(number_prompt()), typed("110")),
        ("number_cash", sale_view(), Some(cash_prompt()), vec![key(KeyCode::Down), key(KeyCode::Down)]),
        ("confirm", sale_view(), Some(confirm_prompt()), typed("4006381333931\n")),
        ("search", sale_view(), Some(search_prompt("banana")), vec![key(KeyCode::Down)]),
        ("search_nothing", view(), Some(nothing_found()), vec![]),
        ("page", sale_view(), Some(page_prompt()), vec![]),
        ("connection", offline(sale_view()), Some(connection_prompt()), vec![]),
        ("help", sale_view(), command(), typed("?")),
        ("receipt", view(), command(), vec![Event::Key(KeyEvent::new(KeyCode::Char('r'), KeyModifiers::CONTROL))]),
    ]
}

fn locked_out() -> Purpose {
    let locked = "000160 is locked until 10:57:10 after too many wrong PINs".to_owned();
    Purpose::Release { operator: "000160".to_owned(), locked }
}

fn activation(problem: Option<&str>) -> Prompt {
    credentials(Purpose::Activate { register: "343-2".to_owned() }, problem, Some("Scale unit: http://scale-unit.riverside:8443"))
}

fn not_activated() -> View {
    let header = Header { store: "not activated".to_owned(), register: 0, operator: None, shift: None, ..view().header };
    View { screen: view::Screen::Activation, header, last_receipt: None, ..view() }
}

fn credentials(purpose: Purpose, problem: Option<&str>, hint: Option<&str>) -> Prompt {
    Prompt::Credentials(CredentialsPrompt { purpose, problem: problem.map(str::to_owned), hint: hint.map(str::to_owned) })
}

fn cash_prompt() -> Prompt {
    let choice = |label: &str, value: &str| Choice { label: label.to_owned(), value: value.to_owned() };
    Prompt::Number(NumberPrompt {
        title: "Pay cash".to_owned(),
        label: "Cash given in USD".to_owned(),
        facts: facts(&[("Due", "20.36")]),
        suggestion: Some("20.36".to_owned()),
        choices: vec![choice("Exact 20.36", "20.36"), choice("21", "21"), choice("25", "25"), choice("30", "30"), choice("50", "50")],
        problem: None,
    })
}

fn nothing_found() -> Prompt {
    let Prompt::Search(prompt) = search_prompt("bananna split") else { unreachable!("a search") };
    let problem = Some("nothing found · Esc leaves, or change the text".to_owned());
    Prompt::Search(SearchPrompt { products: Arc::default(), more: false, problem, ..prompt })
}

fn offline(header: Header) -> Header {
    let time = |text: &str| format!("2026-11-22T{text}:00Z").parse().unwrap();
    let connection =
        ConnectionView::Offline { since: time("10:31"), reason: "no answer within 1.0 s".to_owned(), next_try: Some(time("10:36")) };
    Header { connection, unsent: 12, oldest_unsent: Some(time("10:31")), ..header }
}

fn with_sale(sale: &Sale, selected: Option<Selection>) -> View {
    let totals = sale.totals();
    View { screen: view::Screen::Transaction, sale: Some((Arc::new(sale.clone()), totals)), selected, ..view() }
}

fn first_line() -> View {
    let mut sale = begun();
    add(&mut sale, 1, "PREPARED BEANS BAKED 15.75 OZ", "0.89", "1");
    let notice = Notice { level: Level::Info, text: "PREPARED BEANS BAKED 15.75 OZ  0.89".to_owned(), hint: String::new() };
    View { notice: Some(notice), ..with_sale(&sale, Some(Selection::Line(1))) }
}

fn long_sale() -> View {
    let mut sale = begun();
    for number in 1..=60 {
        add(&mut sale, number, &format!("ARTICLE NUMBER {number} OF A LONG SHOPPING LIST"), "12.34", "12");
    }
    with_sale(&sale, Some(Selection::Line(40)))
}

fn sale() -> Sale {
    let mut sale = begun();
    for (number, (name, price, quantity)) in (1..).zip([
        ("PREPARED BEANS BAKED 15.75 OZ", "0.89", "2"),
        ("ALL FAMILY CEREAL 10.4 OZ", "3.69", "1"),
        ("BANANAS", "1.29", "1.24"),
        ("FLUID MILK WHITE ONLY 1 GA", "2.89", "1"),
        ("SHREDDED CHEESE 8 OZ", "2.50", "3"),
        ("PREMIUM COFFEE GROUND MEDIUM ROAST 30.5 OZ", "11.99", "1"),
        ("CHEWING GUM", "0.99", "1"),
        ("SOFT DRINKS 12/18&15PK CAN", "3.99", "1"),
    ]) {
        add(&mut sale, number, name, price, quantity);
    }
    sale.discount(2, Discount::Amount("0.70 USD".parse().unwrap())).unwrap();
    sale.discount(5, Discount::Percent(Decimal::TEN)).unwrap();
    sale.override_price(8, "3.49 USD".parse().unwrap()).unwrap();
    sale.toggle_void(7).unwrap();
    let cash = cash();
    let accepted = cash.accept(sale.totals().balance, "10.00 USD".parse().unwrap()).unwrap();
    sale.pay(&cash, accepted).unwrap();
    sale
}

fn begun() -> Sale {
    let id = KeySource::Seeded(1).next(now());
    let register = RegisterId { store: "343".to_owned(), number: 2 };
    Sale::begin(id, register, ShiftId { register: 2, number: 41 }, "000160".into(), now(), &store())
}

fn add(sale: &mut Sale, number: u32, name: &str, price: &str, quantity: &str) {
    let mut product = product(number, name, price);
    if name == "BANANAS" {
        "kg".clone_into(&mut product.unit);
    }
    let (price, barcode) = (product.price, product.barcode.clone());
    let new = NewLine { product, barcode, quantity: Quantity::parse(quantity).unwrap(), price, price_embedded: false };
    sale.add(new, &store()).unwrap();
}

fn product(number: u32, name: &str, price: &str) -> Product {
    Product {
        id: number.to_string().as_str().into(),
        barcode: format!("{}", 2_900_008_189_000_u64 + u64::from(number)),
        name: name.to_owned(),
        department: "GROCERY".to_owned(),
        category: "ANY".to_owned(),
        brand: String::new(),
        price: format!("{price} USD").parse().unwrap(),
        unit: "each".to_owned(),
        tax_group: "food".into(),
        rules: ProductRules::default(),
        stock: None,
    }
}

fn cash() -> PaymentMethod {
    PaymentMethod {
        id: "cash".into(),
        name: "Cash".to_owned(),
        operation: 200,
        overtender: true,
        maximum_change: None,
        undertender: true,
        maximum_amount: None,
        rounding: None,
        opens_drawer: true,
    }
}

fn store() -> Store {
    let kind = TaxKind::Percent { rate: Decimal::from(5) };
    let tax = Tax { kind, included: false, affects_next_base: false, base_affected: false };
    Store {
        number: "343".to_owned(),
        name: "Riverside".to_owned(),
        currency: crate::money::Currency::USD,
        utc_offset_minutes: 0,
        registers: vec![2],
        tax_rounding: TaxRounding::PerLine,
        denominations: Vec::new(),
        receipt_header: Vec::new(),
        receipt_footer: Vec::new(),
        functionality: Functionality {
            maximum_quantity: Quantity::parse("1000").unwrap(),
            maximum_price: Decimal::from(10_000),
            aggregate_items: false,
        },
        tax_groups: vec![TaxGroup { id: "food".into(), taxes: vec![TaxCode { code: "T5".to_owned(), name: "Tax 5 %".to_owned(), tax }] }],
        payment_methods: vec![cash()],
        barcode_patterns: Vec::new(),
    }
}

fn receipt() -> Vec<String> {
    [
        "           Riverside 343",
        "",
        "Receipt 343-2-000122   22 Nov 2026 10:38",
        "Register 2             Cashier 1",
        "----------------------------------------",
        "PREPARED BEANS BAKED 15.75 OZ",
        "  2 x 0.89                          1.78",
        "ALL FAMILY CEREAL 10.4 OZ           3.69",
        "  discount                         -0.70",
        "----------------------------------------",
        "Subtotal                            4.77",
        "Tax 5 %                             0.24",
        "TOTAL USD                           5.01",
        "Cash                               10.00",
        "Change                             -4.99",
        "",
        "         Thank you for shopping",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn facts(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_screen_and_window_looks_as_it_should() {
    for (name, view, prompt, typed) in scenes() {
        let screen = prepared(view, prompt, &typed);
        for size in SIZES {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), snapshot(&drawn(&screen, size)));
        }
    }
}

#[test]
fn a_small_window_says_so() {
    let screen = prepared(sale_view(), None, &[]);
    assert_eq!(picture(&screen, (59, 16)).lines().next(), Some("the window is too small"));
    assert!(picture(&screen, (60, 16)).contains("AMOUNT DUE"), "the sale can be worked on without buttons");
}

#[test]
fn a_locked_register_shows_nothing_of_the_sale() {
    for (name, view, prompt, typed) in scenes() {
        if name == "locked" {
            let shown = picture(&prepared(view, prompt, &typed), (160, 48));
            for secret in ["BANANAS", "4006381333931", "AMOUNT", "Pay", "12"] {
                let rows: Vec<&str> = shown.lines().skip(1).collect();
                assert!(!rows.join("\n").contains(secret), "{secret} in\n{shown}");
            }
        }
    }
}
