//! Concluding a sale durably.

use evertill::journal::Journal;

use crate::bare::Log;
use crate::shop::{Shop, keys, register, stamp};
use crate::table::{Budget, Result, Table, time};

const ROUNDS: usize = 300;

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    for lines in [8, 100] {
        let directory = shop.directory(&format!("conclude-{lines}"))?;
        let mut journal = Journal::open(&directory, &register())?;
        let bare = Log::create(&directory.join("bare.db"))?;
        let mut next_key = keys(3);
        let template = shop.sale(next_key(), lines);
        let mut canonical = String::new();
        let mut pairs = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let mut sale = template.clone();
            sale.id = next_key();
            shop.pay(&mut sale);
            journal.keep(&sale)?;
            let (took, transaction) = time(|| journal.conclude(&sale, &stamp()));
            canonical = transaction?.canonical();
            pairs.push((took, bare.append(&canonical)?));
        }
        let (ours, theirs) = pairs.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        let (ours, theirs) = (ours.into_iter().collect(), theirs.into_iter().collect());
        let what = format!("concluding a sale of {lines}, durable ({} KB)", canonical.len() / 1_000);
        table.row(&what, &ours, Some(&theirs), Budget::Times(1.5))?;
    }
    Ok(())
}
