//! What the till promises about its speed, measured: `cargo bench` prints one table.
//!
//! Most rows stand beside a bare baseline that does the least that must be done (the same look-up, the same bytes in one commit, the same
//! round trip), measured in the same run and in turns with it, because a ratio says more than a figure on a machine that others use too.
//! `cargo bench -- scan search` measures only rows of these groups; `EVERTILL_BENCH_PRODUCTS` sets how many products the shop has.

mod bare;
mod cashier;
mod conclude;
mod first_frame;
mod load;
mod request;
mod scan;
mod screen;
mod search;
mod shop;
mod switching;
mod table;
mod upload;

use std::path::Path;

use shop::Shop;
use table::{Result, Table};

/// A group of rows.
type Group = fn(&Shop, &mut Table) -> Result<()>;

const GROUPS: [(&str, Group); 9] = [
    ("screen", screen::measure),
    ("scan", scan::measure),
    ("conclude", conclude::measure),
    ("switching", switching::measure),
    ("request", request::measure),
    ("first-frame", first_frame::measure),
    ("load", load::measure),
    ("search", search::measure),
    ("upload", upload::measure),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let [first, database] = arguments.as_slice()
        && first == first_frame::BARE_REGISTER
    {
        return first_frame::bare_register(Path::new(database));
    }
    let shop = Shop::open()?;
    let mut table = Table::begin(&shop.title())?;
    for (name, measure) in GROUPS {
        if arguments.is_empty() || arguments.iter().any(|argument| argument == name) {
            measure(&shop, &mut table)?;
        }
    }
    table.end()
}
