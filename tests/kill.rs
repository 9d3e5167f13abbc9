//! Registers that are killed again and again in the middle of their sales: what was shown is back, every sale is recorded and arrives once.
//!
//! Real processes in real terminals against a real scale unit; `SIGKILL` leaves nobody time to tidy up.

#[allow(dead_code, reason = "each file of tests uses a part")]
#[path = "support/terminal.rs"]
mod terminal;

#[path = "support/sample.rs"]
mod sample;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use evertill::channel::Channel;
use evertill::clock::Time;
use evertill::ids::{KeySource, RegisterId, ShiftId, TransactionId, splitmix64};
use evertill::journal::verify::verify;
use evertill::journal::{Progress, Reader};
use evertill::money::{Money, Quantity};
use evertill::retail::product::Product;
use evertill::retail::sale::{NewLine, Sale};
use evertill::retail::store::Store;
use evertill::retail::transaction::Content;
use evertill::sample_store;
use rust_decimal::Decimal;
use sample::Sample;
use terminal::{Start, Terminal, keys};

const REGISTERS: u32 = 2;
const SALES_EACH: u64 = 150;
/// One sale in so many is interrupted.
const KILL_EVERY: u64 = 3;
/// A cashier waits so long before each sign-in: a scale unit takes a burst of thirty from a register, then one a second.
const SIGN_IN_PACE: Duration = Duration::from_millis(500);
/// What the kills depend on; another number is another run.
const SEED: u64 = 0x343;

#[test]
fn after_any_kill_the_sale_is_back_as_it_was_shown_and_every_sale_arrives_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Sample::open(folder.path());

    let kills: u64 = std::thread::scope(|scope| {
        let registers: Vec<_> = (1..=REGISTERS)
            .map(|number| {
                let (data, url) = (folder.path().join(format!("register-{number}")), sample.url());
                sample.enroll(&data, number);
                scope.spawn(move || Cashier::new(number, &data, url).sell())
            })
            .collect();
        registers.into_iter().map(|register| register.join().expect("a register's story ends well")).sum()
    });

    eprintln!("kills {kills}");
    assert!(kills >= 80, "{kills} kills are too few to show anything");
    let mut recorded = BTreeMap::new();
    for number in 1..=REGISTERS {
        let data = folder.path().join(format!("register-{number}"));
        recorded.extend(journal(&data, number));
        leaves_nothing_behind(&data);
    }
    let channel = &sample.channel;
    assert_eq!(channel.sales_count(), Ok(u64::from(REGISTERS) * SALES_EACH));
    assert_eq!(channel.transaction_count(), Ok(recorded.len() as u64), "events arrive once too");
    for (id, canonical) in recorded {
        assert_eq!(channel.transaction(&id), Ok(Some(canonical)));
    }
}

/// All that a register has recorded, found whole: receipts from 1 without gap or repeat, everything sent, nothing left lying about.
fn journal(data: &Path, number: u32) -> BTreeMap<TransactionId, String> {
    let reader = Reader::open(data).expect("the journal");
    assert_eq!(verify(&reader).problems, Vec::<String>::new());
    let (mut receipts, mut recorded) = (Vec::new(), BTreeMap::new());
    let visit = reader.each(|entry| {
        let transaction = entry.transaction()?;
        assert!(matches!(entry.progress, Progress::Sent { .. }), "{:?}", entry.progress);
        assert!(!matches!(transaction.content, Content::VoidedSale(_)), "nobody voided a sale");
        receipts.extend(transaction.receipt);
        recorded.insert(transaction.id, entry.canonical);
        Ok(())
    });
    visit.expect("every record can be read");
    assert_eq!(receipts, (1..=SALES_EACH).collect::<Vec<_>>(), "register {number}");
    recorded
}

/// What a killed register leaves in its directory is what it needs, and its log tells of no panic.
fn leaves_nothing_behind(data: &Path) {
    let files = std::fs::read_dir(data).expect("the folder").map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    let known = [
        "journal.db",
        "journal.key",
        "offline.db",
        "offline.json",
        "offline.packages",
        "device.json",
        "register.lock",
        "profile.toml",
        "logs",
    ];
    let others: Vec<String> = files
        .filter(|name| !known.contains(&name.as_str()) && !["journal.db-", "offline.db-"].iter().any(|database| name.starts_with(database)))
        .collect();
    assert_eq!(others, Vec::<String>::new());
    let half: Vec<_> = std::fs::read_dir(data.join("offline.packages")).expect("the packages' folder").collect();
    assert!(half.is_empty(), "{half:?}");
    assert!(!terminal::log(data).contains("panicked"));
}

/// A cashier, the register he sells on, and what he knows of the sale.
struct Cashier<'a> {
    data: &'a Path,
    url: String,
    register: RegisterId,
    store: Store,
    products: Vec<Product>,
    terminal: Terminal,
    dice: u64,
    kills: u64,
}

/// What a cashier does next.
enum Step {
    Scan { barcode: String, count: u32 },
    PayPart(Money),
    Conclude,
}

/// A sale: its steps, and what the register shows after each of them, beginning with none.
struct Plan {
    receipt: u64,
    steps: Vec<Step>,
    pictures: Vec<Picture>,
}

/// What a screen shows of a sale.
#[derive(Clone, PartialEq, Debug)]
enum Picture {
    None,
    InHand { rows: Vec<String>, total: String },
    Sold { receipt: u64 },
}

impl<'a> Cashier<'a> {
    fn new(number: u32, data: &'a Path, url: String) -> Self {
        std::fs::create_dir_all(data).expect("a folder");
        std::fs::write(data.join("profile.toml"), format!("[register]\nnumber = {number}\n")).expect("a profile");
        let sample = sample_store::master_data();
        let asks_nothing = |product: &Product| {
            let rules = &product.rules;
            let asks = rules.key_in_price || rules.key_in_quantity || rules.weighed || rules.blocked || rules.min_age.is_some();
            !asks && !product.barcode.is_empty() && product.price.is_positive()
        };
        let products = sample.products.into_iter().filter(asks_nothing).collect();
        let register = RegisterId { store: sample.store.number.clone(), number };
        let terminal = start(data, &url);
        Self { data, url, register, store: sample.store, products, terminal, dice: SEED ^ u64::from(number), kills: 0 }
    }

    /// Sells until enough is sold, and closes the register. Returns how often it was killed.
    fn sell(mut self) -> u64 {
        self.terminal.sign_in();
        for receipt in 1..=SALES_EACH {
            let plan = self.plan(receipt);
            let mut done = 0;
            if receipt % KILL_EVERY == 0 {
                let until = self.roll(plan.steps.len());
                self.go_on(&plan, 0, until);
                done = self.be_killed(&plan, until);
            }
            self.go_on(&plan, done, plan.steps.len());
        }
        self.close();
        self.kills
    }

    /// Does the steps, each when the one before is shown.
    fn go_on(&mut self, plan: &Plan, from: usize, to: usize) {
        for done in from..to {
            self.terminal.type_in(&plan.steps[done].keys());
            let expected = &plan.pictures[done + 1];
            self.terminal.wait_until(&format!("{expected:?}"), |shown| Picture::seen(shown).as_ref() == Some(expected));
        }
    }

    /// Types some of what comes next and has the process killed meanwhile; returns how many steps it has kept.
    fn be_killed(&mut self, plan: &Plan, done: usize) -> usize {
        let next = plan.steps[done].keys();
        let typed = match self.roll(3) {
            // In the middle of a key, a code, an amount.
            0 => {
                let part = self.roll(next.len());
                self.terminal.type_in(&next[..part]);
                done
            }
            1 => {
                self.terminal.type_in(&next);
                done + 1
            }
            // The whole rest of the sale is typed ahead.
            _ => {
                plan.steps[done..].iter().for_each(|step| self.terminal.type_in(&step.keys()));
                plan.steps.len()
            }
        };
        let patience_us = [500, 5_000, 30_000][self.roll(3)];
        let moment = Duration::from_micros(self.roll(patience_us) as u64);
        self.terminal.linger(moment);
        let last_frame = self.terminal.kill();
        self.kills += 1;
        // A frame that the kill cut in half shows nothing whole; the one before it showed what was done.
        let shown = plan.find(done..=typed, &last_frame).unwrap_or(done);

        self.restart();
        self.terminal.linger(SIGN_IN_PACE);
        let frame = self.terminal.sign_in();
        let is_over = Picture::seen(&frame) == Some(Picture::None) && self.last_receipt() == plan.receipt;
        let found = if is_over {
            plan.steps.len()
        } else {
            plan.find(0..=typed, &frame).unwrap_or_else(|| panic!("no state of the sale up to step {typed}:\n{frame}"))
        };
        assert!(
            (shown..=typed).contains(&found),
            "receipt {} of register {}: step {shown} was shown, step {found} is back\nbefore\n{last_frame}\nafter\n{frame}",
            plan.receipt,
            self.register
        );
        found
    }

    /// Starts the register again; at times it is killed once more while it starts.
    fn restart(&mut self) {
        self.terminal = start(self.data, &self.url);
        while self.roll(5) == 0 {
            let moment = Duration::from_micros(self.roll(150_000) as u64);
            self.terminal.linger(moment);
            self.terminal.kill();
            self.kills += 1;
            self.terminal = start(self.data, &self.url);
        }
    }

    /// Logs off and closes the register once everything has been sent.
    fn close(&mut self) {
        self.terminal.type_in(keys::ALT_O);
        self.terminal.wait_for("logged off");
        let is_sent = |reader: &Reader| {
            let mut waiting = 0;
            let visit = reader.each(|entry| {
                waiting += u32::from(!matches!(entry.progress, Progress::Sent { .. }));
                Ok(())
            });
            visit.is_ok() && waiting == 0
        };
        let reader = Reader::open(self.data).expect("the journal");
        self.terminal.wait_until_true("everything is sent", || is_sent(&reader));
        self.terminal.type_in(keys::CTRL_Q);
        let status = self.terminal.wait_for_end();
        assert!(status.success(), "{status}\n{}", self.terminal.shown());
    }

    fn last_receipt(&self) -> u64 {
        let newest = Reader::open(self.data).and_then(|reader| reader.newest(10)).expect("the journal");
        let receipts = newest.iter().filter_map(|entry| entry.transaction().expect("a record").receipt);
        receipts.max().unwrap_or(0)
    }

    /// A sale of one to four scans, at times with a part paid, at times before the last article.
    fn plan(&mut self, receipt: u64) -> Plan {
        let key = KeySource::Seeded(receipt).next(Time::UNIX_EPOCH);
        let shift = ShiftId { register: self.register.number, number: 1 };
        let mut sale = Sale::begin(key, self.register.clone(), shift, "000160".into(), Time::UNIX_EPOCH, &self.store);
        let (mut steps, mut pictures) = (Vec::new(), vec![Picture::None]);
        let scans = 1 + self.roll(4);
        let pays_after = self.roll(3 * scans);
        for scan in 0..scans {
            let chosen = self.roll(self.products.len());
            let product = self.products[chosen].clone();
            let count = if self.roll(4) == 0 { 2 + u32::try_from(self.roll(8)).expect("a digit") } else { 1 };
            self.add(&mut sale, &product, count);
            steps.push(Step::Scan { barcode: product.barcode, count });
            pictures.push(Picture::of(&sale));
            let part = Money::new((sale.totals().balance.amount() / Decimal::from(3)).round_dp(2), self.store.currency);
            if scan == pays_after && part.is_positive() {
                let cash = self.store.method(&"cash".into()).expect("the store takes cash");
                sale.pay(cash, cash.accept(sale.totals().balance, part).expect("a part payment")).expect("room for it");
                steps.push(Step::PayPart(part));
                pictures.push(Picture::of(&sale));
            }
        }
        steps.push(Step::Conclude);
        pictures.push(Picture::Sold { receipt });
        Plan { receipt, steps, pictures }
    }

    fn add(&self, sale: &mut Sale, product: &Product, count: u32) {
        let line = NewLine {
            product: product.clone(),
            barcode: product.barcode.clone(),
            quantity: Quantity::new(count.into()).expect("a quantity"),
            price: product.price,
            price_embedded: false,
        };
        sale.add(line, &self.store).expect("room for a line");
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(splitmix64(&mut self.dice) % sides as u64).expect("it is below a usize")
    }
}

impl Step {
    fn keys(&self) -> String {
        match self {
            Self::Scan { barcode, count: 1 } => format!("{barcode}{}", keys::ENTER),
            Self::Scan { barcode, count } => format!("{count}*{barcode}{}", keys::ENTER),
            Self::PayPart(amount) => format!("{}{}{}", keys::F9, amount.plain(), keys::ENTER),
            Self::Conclude => keys::F10.to_owned(),
        }
    }
}

impl Plan {
    /// The step after which a frame looks like this, among these.
    fn find(&self, mut among: RangeInclusive<usize>, frame: &str) -> Option<usize> {
        match Picture::seen(frame) {
            // The window with the amount lies over the list, and nothing changes while it does.
            None => among.find(|step| matches!(self.steps.get(*step), Some(Step::PayPart(_)))),
            // The sale before this one is still to be seen.
            Some(Picture::Sold { receipt }) if receipt + 1 == self.receipt => among.find(|step| *step == 0),
            Some(picture) => among.find(|step| self.pictures[*step] == picture),
        }
    }
}

impl Picture {
    /// What a screen should show of this sale.
    fn of(sale: &Sale) -> Self {
        let lines = sale.lines().iter().map(|line| {
            let (quantity, price, total) = (line.quantity, line.price.plain(), line.amounts.extended.plain());
            words(&format!("{} {} {} {quantity} {price} {total}", line.number, line.barcode, line.name))
        });
        let payments = sale.payments().iter().map(|payment| format!("{} paid {}", payment.name, payment.amount.plain()));
        Self::InHand { rows: lines.chain(payments).collect(), total: sale.totals().total.plain() }
    }

    /// What a frame does show; nothing when a window lies over it.
    fn seen(frame: &str) -> Option<Self> {
        if let Some((_, sold)) = frame.split_once("SOLD · receipt ") {
            let receipt = sold.split_whitespace().next()?.rsplit('-').next()?.parse().ok()?;
            return Some(Self::Sold { receipt });
        }
        if frame.contains("Amount given in") {
            return None;
        }
        let mut lines = frame.lines().skip_while(|line| !line.contains(" Article · "));
        let Some(heading) = lines.next() else { return Some(Self::None) };
        let width = heading[..heading.find(" Total")? + " Total".len()].chars().count();
        let left = |line: &str| words(&line.chars().take(width).collect::<String>());
        let mut rows = lines.map(left);
        let list = rows.by_ref().take_while(|row| !row.starts_with('─')).filter(|row| !row.is_empty());
        let list: Vec<String> = list.map(|row| row.trim_start_matches("▸ ").to_owned()).collect();
        // Half of it is the frame before.
        if list.iter().any(|row| row.contains('│')) {
            return None;
        }
        let total = rows.find_map(|row| row.strip_prefix("Total ").and_then(|rest| rest.split(' ').next().map(str::to_owned)))?;
        Some(Self::InHand { rows: list, total })
    }
}

fn words(text: &str) -> String {
    let mut joined = String::new();
    for word in text.split_whitespace() {
        let gap = if joined.is_empty() { "" } else { " " };
        write!(joined, "{gap}{word}").expect("a text takes text");
    }
    joined
}

/// A window wide enough for whole names and bar codes.
fn start(data: &Path, url: &str) -> Terminal {
    Start::register(data).arg("--scale-unit", url).arg("--profile", data.join("profile.toml")).size(170, 36).open()
}
