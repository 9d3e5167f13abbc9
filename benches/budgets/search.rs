//! Searching products as they are typed: the first page.

use std::time::Duration;

use evertill::channel::sqlite::SqliteChannel;
use evertill::channel::{Channel, ProductSearch};

use crate::shop::Shop;
use crate::table::{Budget, Result, Samples, Table, time};

const ROUNDS: usize = 20;
const BUDGET: Budget = Budget::Always(Duration::from_millis(16));

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let offline = SqliteChannel::open_read_only(&shop.offline_database())?;
    let rare = shop.product(5);
    let (number, code) = (rare.id.0.as_str(), rare.barcode.as_str());
    for (what, texts) in [
        ("two letters", &["be", "oz", "ch", "12", "x"][..]),
        ("a common word", &["chocolate", "milk", "organic", "lb"]),
        ("a rare word", &[rare.brand.as_str(), number, code]),
        ("part of a word", &["colat", "eans", "rganic", &code[4..9]]),
        ("several words", &["chocolate milk", "be ba 8 oz", "organic rice 12", "a b c"]),
        ("one typo", &["choclate", "orgnaic", "detergetn", "chesee sweet", "mlik 2 ltr"]),
        ("nothing like it", &["zzzzzz", "qqqq beans", "000000000000"]),
    ] {
        let mut times = Vec::new();
        for text in texts {
            let search = ProductSearch { text: (*text).to_owned(), offset: 0, limit: 50 };
            for _ in 0..ROUNDS {
                let (took, page) = time(|| offline.search_products(&search));
                let found = page?.products.len();
                if (found == 0) != (what == "nothing like it") {
                    return Err(format!("{text:?} finds {found} products").into());
                }
                times.push(took);
            }
        }
        table.row(&format!("search, first page: {what}"), &Samples::from_iter(times), None, BUDGET)?;
    }
    Ok(())
}
