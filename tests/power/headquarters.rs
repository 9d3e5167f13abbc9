//! What headquarters must not lose: what people have entered, from its first start on.

use std::path::Path;
use std::sync::Arc;

use evertill::clock::{Time, VirtualClock};
use evertill::headquarters::Headquarters;
use evertill::headquarters::kinds::Kind;

use super::bench::{Operation, Scenario, visits, words};

fn open(folder: &Path) -> Result<Headquarters, String> {
    let clock = Arc::new(VirtualClock::at(Time::UNIX_EPOCH));
    Headquarters::open(&format!("sqlite:{}", folder.join("hq.db").display()), None, clock).map_err(words)
}

fn state(folder: &Path) -> Result<String, String> {
    let stores = open(folder)?.list(Kind::named("store").unwrap()).map_err(words)?;
    Ok(format!("{:?}\n", stores.iter().map(|store| (&store.key, &store.content)).collect::<Vec<_>>()))
}

/// It is looked for before: a commit whose last sync failed is told as an error, and may be there all the same when the file is opened
/// anew, as the next request does.
fn add(number: &'static str) -> Operation<Headquarters> {
    Box::new(move |headquarters| {
        let store = [("number", number), ("name", "Hillside")];
        let kind = Kind::named("store").unwrap();
        headquarters.get(kind, number).or_else(|_| headquarters.add("test", kind, &store)).map(drop).map_err(words)
    })
}

fn first_start() -> Scenario<Headquarters> {
    let before = tempfile::tempdir().unwrap();
    Scenario { name: "headquarters' first start", before, open, operations: vec![add("343"), add("344")], state }
}

visits! {
    a_power_cut_at_any_step_of_headquarters_first_start, a_fault_at_any_step_of_headquarters_first_start: first_start();
}
