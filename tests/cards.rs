//! Numbers of payment cards: a cashier types them into everything that a register asks, online and offline, and none is
//! found afterwards in any file or log of the chain.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/sample.rs"]
mod sample;

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use evertill::channel::{Channel, ProductSearch};
use evertill::clock::SystemClock;
use evertill::desk::{Answer, Desk, Prompt, Purpose, Question, Reply};
use evertill::ids::KeySource;
use evertill::journal::Reader;
use evertill::journal::export::{Layout, Selection, export};
use evertill::profile::Profile;
use evertill::register::{Options, Register};
use evertill::retail::product::ProductRules;
use evertill::retail::staff::Pin;
use evertill::till::operations::TABLE;
use evertill::view::View;
use regex::bytes::Regex;
use rusqlite::types::ValueRef;
use sample::Sample;

/// Numbers that card schemes give out for tests, one of every length in circulation.
const CARDS: [&str; 6] =
    ["36227206271667", "378282246310005", "4111111111111111", "5555555555554444", "6759649826438453", "4000000000000000006"];

/// Operations that end the work, or the register.
const LEFT_OUT: [u16; 3] = [701, 707, 708];

/// A cashier who types every card's number wherever he is asked for something, and then what belongs there.
struct Typist {
    /// What is still to be answered to the till's own question, the last first.
    plan: Vec<Answer>,
    /// How many cards were typed, by what was asked.
    typed: HashMap<String, usize>,
    news: Receiver<Reply>,
}

impl Desk for Typist {
    fn ask(&mut self, _: &Arc<View>, question: &Question) -> Reply {
        match &question.prompt {
            Prompt::Wait(_) => self.news.recv().unwrap_or(Reply::HungUp),
            Prompt::Command => self.plan.pop().map_or(Reply::HungUp, Reply::Answer),
            prompt @ (Prompt::Credentials(_)
            | Prompt::Number(_)
            | Prompt::Confirm(_)
            | Prompt::Search(_)
            | Prompt::Page(_)
            | Prompt::ConnectionStatus(_)) => Reply::Answer(self.answer(prompt)),
        }
    }

    fn show(&mut self, _: &Arc<View>) {}
}

impl Typist {
    fn answer(&mut self, prompt: &Prompt) -> Answer {
        match prompt {
            Prompt::Credentials(prompt) => {
                let place = if prompt.purpose == Purpose::SignIn { "sign in" } else { "other credentials" };
                let credentials = |operator: &str, pin: &str| Answer::Credentials { operator: operator.to_owned(), pin: Pin::new(pin) };
                let manager = matches!(prompt.purpose, Purpose::Authorize { .. });
                let right = if manager { "000110" } else { "000160" };
                match (self.next_card(place), self.typed.contains_key("a PIN")) {
                    (Some(card), _) => credentials(card, card),
                    (None, false) => {
                        self.typed.insert("a PIN".to_owned(), 1);
                        credentials(right, CARDS[2])
                    }
                    (None, true) => credentials(right, "123"),
                }
            }
            Prompt::Number(prompt) => match self.next_card(&prompt.title) {
                Some(card) => Answer::Number(card.to_owned()),
                None if prompt.title.starts_with("Gift") => Answer::Cancel,
                None if prompt.title.starts_with("Discount") => Answer::Number("0.01".to_owned()),
                None => Answer::Number("1".to_owned()),
            },
            Prompt::Search(prompt) => match (self.next_card(&prompt.title), prompt.products.first()) {
                (Some(card), _) => Answer::SearchText(card.to_owned()),
                (None, Some(product)) => Answer::Pick(product.id.clone()),
                (None, None) => Answer::SearchText("a".to_owned()),
            },
            Prompt::Confirm(_) | Prompt::ConnectionStatus(_) => Answer::Yes,
            Prompt::Page(_) | Prompt::Command | Prompt::Wait(_) => Answer::Cancel,
        }
    }

    fn next_card(&mut self, place: &str) -> Option<&'static str> {
        let typed = self.typed.entry(place.to_owned()).or_default();
        *typed += 1;
        CARDS.get(*typed - 1).copied()
    }
}

/// Everything there is to do, with a product in hand.
fn plan(product: &str) -> Vec<Answer> {
    let entry = |text: String| Answer::Entry(text);
    let mut plan = Vec::new();
    for card in CARDS {
        let (first, rest) = card.split_at(4);
        let forms = [card.to_owned(), format!("{first} {rest}"), format!("3*{card}"), format!(";{card}=29121010000000000?")];
        plan.extend(forms.map(entry));
    }
    for operation in TABLE.iter().filter(|operation| !LEFT_OUT.contains(&operation.number)) {
        // As often as a number that is refused ends it.
        for _ in 0..=CARDS.len() {
            plan.push(entry(product.to_owned()));
            plan.push(Answer::Operation { number: operation.number, parameter: None });
        }
    }
    plan.push(entry(product.to_owned()));
    plan.push(Answer::Operation { number: 206, parameter: None });
    plan
}

#[test]
fn no_number_of_a_card_is_kept_anywhere() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_env_filter("evertill=trace,info").with_writer(move || writer.clone()).init();
    let folder = tempfile::tempdir().unwrap();
    let sample = Sample::open(folder.path());
    let data = folder.path().join("register");
    sample.enroll(&data, 1);
    let search = ProductSearch { text: "a".to_owned(), offset: 0, limit: 50 };
    let found = sample.channel.search_products(&search).unwrap().products;
    let plain = found.iter().find(|product| product.rules == ProductRules::default() && product.price.is_positive());
    let product = plain.unwrap().barcode.clone();

    let (news, heard) = channel();
    let options = Options {
        profile: Profile::default(),
        data: data.clone(),
        scale_unit: sample.url(),
        clock: Arc::new(SystemClock::default()),
        keys: KeySource::Seeded(343),
        sample_hint: None,
        activation_code: None,
        news,
        wire: None,
    };
    let Register { mut till, background } = Register::open(options).unwrap();
    // 917 disconnects: the second half is done offline, but for what needs the network.
    let plan: Vec<Answer> = [plan(&product), plan(&product)].concat().into_iter().rev().collect();
    let mut typist = Typist { plan, typed: HashMap::new(), news: heard };
    till.run(&mut typist);
    let places: BTreeSet<&str> = typist.typed.iter().filter(|(_, typed)| **typed >= CARDS.len()).map(|(place, _)| place.as_str()).collect();
    for place in
        ["sign in", "other credentials", "Product search", "Price check", "Gift card balance", "Pay cash", "Set quantity", "Change price"]
    {
        assert!(places.contains(place), "{place} in {places:?}");
    }
    while !background.is_quiet() {
        std::thread::yield_now();
    }

    let mut exported = Vec::new();
    export(&Reader::open(&data).unwrap(), Selection::All, Layout::Document, &mut exported).unwrap();
    assert!(exported.len() > 10_000, "the cashier sold something all the same");
    std::fs::write(folder.path().join("export.json"), exported).unwrap();
    std::fs::write(folder.path().join("log.txt"), log.0.lock().unwrap().as_slice()).unwrap();
    let files = files(folder.path());
    for name in ["journal.db", "offline.db", "channel.db", "export.json", "log.txt"] {
        assert!(files.iter().any(|path| path.ends_with(name)), "{name} in {files:?}");
    }
    let findings: Vec<String> = files.iter().flat_map(|path| cards_in(path)).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn the_scan_finds_a_number_in_whatever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("log.txt"), "a card 4111111111111111 was read").unwrap();
    std::fs::write(at("amount.json"), "{\"amount\":\"4242424242424242.00 USD\"}").unwrap();
    std::fs::write(at("packed"), zstd::encode_all("4111111111111111".as_bytes(), 3).unwrap()).unwrap();
    std::fs::write(at("fine.txt"), "4242424242424243 a4242424242424242b 4006381333931").unwrap();
    let database = rusqlite::Connection::open(at("some.db")).unwrap();
    database.execute_batch("CREATE TABLE t (a, b); INSERT INTO t VALUES (4242424242424242, 'x'), (1, 'of 4242424242424242')").unwrap();
    drop(database);
    for (name, count) in [("log.txt", 2), ("amount.json", 1), ("packed", 2), ("fine.txt", 0), ("some.db", 2)] {
        assert_eq!(cards_in(&at(name)).len(), count, "{name}: {:?}", cards_in(&at(name)));
    }
}

/// What a file holds that may be a card's number: one of those typed anywhere in it, or 15 to 19 digits that stand alone and pass.
fn cards_in(path: &Path) -> Vec<String> {
    let mut bytes = std::fs::read(path).unwrap();
    let is_packed = bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]);
    if is_packed {
        bytes = zstd::decode_all(bytes.as_slice()).unwrap();
    }
    let typed = Regex::new(&CARDS.join("|")).unwrap();
    let mut findings: Vec<String> = typed.find_iter(&bytes).map(|found| String::from_utf8(found.as_bytes().to_vec()).unwrap()).collect();
    if !bytes.starts_with(b"SQLite format 3\0") {
        findings.extend(numbers_in(&bytes));
    } else if is_packed {
        let unpacked = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(unpacked.path(), &bytes).unwrap();
        findings.extend(numbers_of(unpacked.path()));
    } else {
        findings.extend(numbers_of(path));
    }
    findings.into_iter().map(|found| format!("{}: {found}", path.display())).collect()
}

/// The same of every value of a database. (Beside each other in its file, two numbers would be one.)
fn numbers_of(database: &Path) -> Vec<String> {
    // The checksums of migrations are long numbers, and nobody's.
    const TABLES: &str =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name <> 'refinery_schema_history'";
    let database = rusqlite::Connection::open(database).unwrap();
    let mut tables = database.prepare(TABLES).unwrap();
    let tables: Vec<String> = tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut values = Vec::new();
    for table in tables {
        let mut statement = database.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query(()).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Integer(number) => values.extend_from_slice(number.to_string().as_bytes()),
                    ValueRef::Text(text) => values.extend_from_slice(text),
                    ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => {}
                }
                // Two, as what stands alone takes a character on either side.
                values.extend_from_slice(b"\n\n");
            }
        }
    }
    numbers_in(&values)
}

/// Runs of 15 to 19 digits that stand alone and whose last digit is right.
fn numbers_in(bytes: &[u8]) -> Vec<String> {
    let alone = Regex::new(r"(?-u)(?:^|[^0-9A-Za-z])([0-9]{15,19})(?:$|[^0-9A-Za-z])").unwrap();
    let runs = alone.captures_iter(bytes).map(|found| String::from_utf8(found[1].to_vec()).unwrap());
    runs.filter(|run| passes(run)).collect()
}

fn passes(run: &str) -> bool {
    let digits = run.bytes().rev().map(|digit| u32::from(digit - b'0')).enumerate();
    let sum: u32 =
        digits.map(|(place, digit)| if place.is_multiple_of(2) { digit } else { [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit as usize] }).sum();
    sum.is_multiple_of(10)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All that this process logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
