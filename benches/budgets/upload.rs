//! Taking sales in at the scale unit, each durable before it is acknowledged.

use std::time::Duration;

use evertill::channel::{Channel, Recorded, Upload};
use evertill::ids::RegisterId;
use evertill::retail::transaction::{Content, Transaction};

use crate::bare::Log;
use crate::shop::{Shop, keys, register, stamp};
use crate::table::{Budget, Result, Samples, Table, time};

const LINES: usize = 5;
const ROUNDS: u32 = 5;
const SALES: u32 = 100;

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let bare = Log::create(&shop.directory("upload")?.join("bare.db"))?;
    for (clients, budget) in [(1, Budget::Open), (8, Budget::Times(1.5))] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let batches: Vec<Batch> = (0..clients).map(|client| sales(shop, clients * 10 + client, round)).collect();
            let (took, sent) = time(|| send(shop, &batches));
            sent?;
            ours.push(took / (SALES * clients));
            let bare_took: Result<Duration> = batches[0].1.iter().map(|upload| bare.append(&upload.canonical)).sum();
            theirs.push(bare_took? / SALES);
        }
        let (ours, theirs) = (Samples::from_iter(ours), Samples::from_iter(theirs));
        table.row(&format!("upload, a sale's share, {clients} at once"), &ours, Some(&theirs), budget)?;
    }
    Ok(())
}

/// Sends each batch from a thread of its own.
fn send(shop: &Shop, batches: &[Batch]) -> std::result::Result<(), String> {
    std::thread::scope(|scope| {
        let clients: Vec<_> = batches.iter().map(|batch| scope.spawn(move || send_batch(shop, batch))).collect();
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| "a client panicked".to_owned())?)
    })
}

fn send_batch(shop: &Shop, (register, batch): &Batch) -> std::result::Result<(), String> {
    let channel = shop.http(register).map_err(|error| error.to_string())?;
    for upload in batch {
        match channel.record(upload) {
            Ok(Recorded::New) => {}
            other => return Err(format!("a sale was answered with {other:?}")),
        }
    }
    Ok(())
}

/// What one register sends.
type Batch = (RegisterId, Vec<Upload>);

/// A register's next sales.
fn sales(shop: &Shop, number: u32, round: u32) -> Batch {
    let mut next_key = keys(u64::from(number * ROUNDS + round) << 16);
    let register = RegisterId { number, ..register() };
    let stamp = stamp();
    let next = |place: u32| {
        let id = next_key();
        let mut sale = shop.sale(id, LINES);
        sale.register = register.clone();
        shop.pay(&mut sale);
        let sequence = u64::from(round * SALES + place + 1);
        let transaction = Transaction {
            id,
            register: register.clone(),
            sequence,
            receipt: Some(sequence),
            shift: stamp.shift,
            operator: stamp.operator.clone(),
            recorded_at: stamp.at,
            offline: false,
            content: Content::Sale(sale),
            signing: None,
        };
        Upload { id, canonical: transaction.canonical() }
    };
    let sales = (0..SALES).map(next).collect();
    (register, sales)
}
