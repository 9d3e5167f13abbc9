//! Packages: one complete version, old or new, whatever happens while they are applied; or a file that is refused, and fetched again.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{Channel, ChannelDatabase, ProductSearch};
use evertill::clock::Time;
use evertill::master_data::{Changes, MasterData, Record};
use evertill::package::{Kind, Manifest};
use evertill::simulation::disk::{Disk, Loss};
use tempfile::TempDir;

use super::bench::{Operation, Scenario, visits, words};
use super::fixture;

/// A version's data: every price and a name say which it is.
fn data(version: u64) -> MasterData {
    let mut data = fixture::shop();
    let soup = data.products[1].clone();
    data.products.extend((10..22).map(|number: u64| {
        let mut product = soup.clone();
        product.id = number.to_string().as_str().into();
        product.barcode = format!("29{number:06}");
        product.name = format!("SOUP {number} {}", if number.is_multiple_of(5) { version } else { 0 });
        product.price = fixture::usd(&format!("{number}.{version:02}"));
        product
    }));
    data.records = vec![Record { kind: "greeting".to_owned(), key: "all".to_owned(), content: format!("\"{version}\"") }];
    data
}

fn changes(version: u64) -> Changes {
    let data = data(version);
    let products = data.products.into_iter().filter(|product| product.name.starts_with("SOUP")).collect();
    Changes { products, records: data.records, ..Changes::default() }
}

/// Everything a till can ask, answered; the version is among it, so that a mixture equals no version.
fn answers(channel: &SqliteChannel) -> Result<String, String> {
    channel.check().map_err(words)?;
    let mut answers =
        format!("{:?} {:?}\n", channel.data_version().map_err(words)?, ChannelDatabase::records(channel, "greeting").map_err(words)?);
    for text in ["", "soup", "soup 2", "soup 3", "soup 4", "beans"] {
        let found = channel.search_products(&ProductSearch { text: text.to_owned(), offset: 0, limit: 200 }).map_err(words)?;
        let found: Vec<_> = found.products.iter().map(|product| (&product.id.0, &product.name, product.price.to_string())).collect();
        writeln!(answers, "{text}: {found:?}").unwrap();
    }
    Ok(answers)
}

fn offline_state(folder: &Path) -> Result<String, String> {
    answers(&SqliteChannel::open_read_only(&folder.join("offline.db")).map_err(words)?)
}

/// Version 2, and packages that lead to versions 3, 4 and 5.
fn begun() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    master::write_full(&path("offline.db"), &data(2), 2).unwrap();
    master::write_delta(&path("3"), &changes(3)).unwrap();
    master::write_delta(&path("4"), &changes(4)).unwrap();
    master::write_full(&path("5"), &data(5), 5).unwrap();
    folder
}

/// What a downloader does with a package's file once it is unpacked.
fn unpacked(folder: &Path, version: u64) -> Result<PathBuf, String> {
    let (file, unpacked) = (folder.join(version.to_string()), folder.join("unpacked"));
    std::fs::copy(file, &unpacked).map_err(words)?;
    Ok(unpacked)
}

/// The version is asked for before, as the downloader does: a commit whose last sync failed is told as an error, and may be there all the
/// same when the file is opened anew.
fn delta(version: u64) -> Operation<PathBuf> {
    Box::new(move |folder| {
        let path = folder.join("offline.db");
        if SqliteChannel::open_read_only(&path).map_err(words)?.data_version() == Ok(version) {
            return Ok(());
        }
        master::apply_delta(&path, &unpacked(folder, version)?, version - 1, version).map_err(words)
    })
}

fn deltas() -> Scenario<PathBuf> {
    Scenario {
        name: "delta packages",
        before: begun(),
        open: |folder| Ok(folder.to_owned()),
        operations: vec![delta(3), delta(4)],
        state: offline_state,
    }
}

/// The last delta is in the old file's log, which must not be taken for the new one's.
fn full() -> Scenario<PathBuf> {
    let prepare: Operation<PathBuf> = Box::new(|folder| {
        let (unpacked, path) = (unpacked(folder, 5)?, folder.join("offline.db"));
        master::prepare(&unpacked, &path, 5).map_err(words)?;
        master::take_in(&path).map(drop).map_err(words)
    });
    let before = begun();
    let machine = Disk::install().unwrap().machine(before.path()).unwrap();
    let reader = SqliteChannel::open_read_only(&before.path().join("offline.db")).unwrap();
    delta(3)(&mut before.path().to_owned()).unwrap();
    machine.die_now();
    drop(reader);
    machine.cut(Loss::All).unwrap();
    Scenario {
        name: "a full package",
        before,
        open: |folder| Ok(folder.to_owned()),
        operations: vec![delta(4), prepare],
        state: offline_state,
    }
}

/// A scale unit, and where its packages come down.
struct ScaleUnit {
    channel: SqliteChannel,
    folder: PathBuf,
}

fn scale_unit(folder: &Path) -> Result<ScaleUnit, String> {
    Ok(ScaleUnit { channel: SqliteChannel::open(&folder.join("channel.db")).map_err(words)?, folder: folder.to_owned() })
}

fn scale_unit_state(folder: &Path) -> Result<String, String> {
    answers(&scale_unit(folder)?.channel)
}

fn apply(kind: Kind, version: u64) -> Operation<ScaleUnit> {
    let (group, digest, made_at) = ("343".to_owned(), String::new(), Time::UNIX_EPOCH);
    let (id, to_version, schema) = (version, version, master::schema());
    let manifest = Manifest { id, group, job: 9999, kind, to_version, schema, rows: 0, bytes: 0, unpacked_bytes: 0, digest, made_at };
    Box::new(move |scale_unit| {
        if scale_unit.channel.data_version() == Ok(version) {
            return Ok(());
        }
        let unpacked = unpacked(&scale_unit.folder, version)?;
        scale_unit.channel.apply(&manifest, &unpacked).map_err(words)
    })
}

/// A scale unit's whole road: a delta, all of it replaced, a full package.
fn loading() -> Scenario<ScaleUnit> {
    let before = begun();
    let begun = scale_unit(before.path()).unwrap();
    (1..=2).for_each(|version| assert_eq!(begun.channel.load(&data(version)), Ok(version)));
    drop(begun);
    let data = data(4);
    let load: Operation<ScaleUnit> = Box::new(move |scale_unit| scale_unit.channel.load(&data).map(drop).map_err(words));
    Scenario {
        name: "a scale unit's master data",
        before,
        open: scale_unit,
        operations: vec![apply(Kind::Delta { from_version: 2 }, 3), load, apply(Kind::Full, 5)],
        state: scale_unit_state,
    }
}

visits! {
    a_power_cut_at_any_step_of_a_delta, a_fault_at_any_step_of_a_delta: deltas();
    a_power_cut_at_any_step_of_a_full_package, a_fault_at_any_step_of_a_full_package: full();
    a_power_cut_at_any_step_of_a_load, a_fault_at_any_step_of_a_load: loading();
}
