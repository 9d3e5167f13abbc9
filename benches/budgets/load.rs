//! Packages at a register: the first load from a ready full package, a delta of prices, and what a cashier notices of them.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{self, Channel, ChannelError};
use evertill::clock::{SystemClock, Time};
use evertill::ids::RegisterId;
use evertill::master_data::Changes;
use evertill::money::{Currency, Money};
use evertill::package::{self, Kind, Manifest, SignedManifest, SigningKey, Source};
use evertill::sync::download::{Applied, Downloader, Fetched, Target, free_bytes};
use rust_decimal::Decimal;

use crate::cashier;
use crate::shop::{Shop, size};
use crate::table::{Budget, Result, Samples, Table, in_turns, time};

const ROUNDS: usize = 5;
/// Prices of a delta.
const PRICES: usize = 10_000;

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let directory = shop.directory("load")?;
    let finished = directory.join("finished.db");
    let (write_took, written) = time(|| master::write_full(&finished, &shop.data, 1));
    written?;
    let headquarters = Headquarters::pack(&directory, &finished)?;
    let load = |round| {
        let offline = Offline(directory.join(format!("{round}")).join("offline.db"));
        fs::create_dir_all(offline.folder())?;
        let (took, loaded) = time(|| headquarters.bring_to(&offline).and_then(|()| Ok(SqliteChannel::open_read_only(&offline.0)?)));
        assert_eq!(loaded?.data_version()?, 1);
        fs::remove_dir_all(offline.folder())?;
        Ok(took)
    };
    let copy = |round| {
        let to = directory.join(format!("copy-{round}.db"));
        let (took, copied) = time(|| {
            fs::copy(&finished, &to)?;
            File::open(&to)?.sync_all()
        });
        copied?;
        fs::remove_file(to)?;
        Ok(took)
    };
    let (ours, theirs) = in_turns(ROUNDS, load, copy)?;
    table.row("first load of a full package, beside copying the file", &ours, Some(&theirs), Budget::Times(3.0))?;
    table.count("  fetched, beside the file", headquarters.manifest.bytes / 1_000, Some(size(&finished)? / 1_000), None, "kB")?;
    table.row("  written by headquarters before", &[write_took].into_iter().collect(), None, Budget::Open)?;
    deltas(shop, &directory, &finished, table)?;
    cashier::measure(shop, &directory, &finished, table)
}

/// Deltas one after the other, each with other prices.
fn deltas(shop: &Shop, directory: &Path, finished: &Path, table: &mut Table) -> Result<()> {
    let offline = directory.join("delta.db");
    fs::copy(finished, &offline)?;
    // Else the first delta's checkpoint would sync the copy too.
    File::open(&offline)?.sync_all()?;
    let changed = PRICES.min(shop.data.products.len());
    let samples: Samples = (1..=ROUNDS as u64)
        .map(|version| {
            let mut products: Vec<_> = (0..changed).map(|number| shop.product(number).clone()).collect();
            for product in &mut products {
                product.price = Money::new(Decimal::new(100 + i64::try_from(version)?, 2), Currency::USD);
            }
            let delta = directory.join(format!("delta-{version}"));
            master::write_delta(&delta, &Changes { products, ..Changes::default() })?;
            let (took, applied) = time(|| master::apply_delta(&offline, &delta, version, version + 1));
            applied?;
            Ok(took)
        })
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .collect();
    table.row(&format!("a delta of {changed} prices applied"), &samples, None, Budget::Always(Duration::from_millis(200)))
}

/// The full package of a finished database, compressed into a file.
pub(crate) fn full(database: &Path, file: &Path, version: u64) -> Result<Manifest> {
    let packed = package::pack(database, file)?;
    Ok(Manifest {
        id: version,
        group: "343".to_owned(),
        job: 9999,
        kind: Kind::Full,
        to_version: version,
        schema: master::schema(),
        rows: 1,
        bytes: packed.bytes,
        unpacked_bytes: packed.unpacked_bytes,
        digest: packed.digest,
        made_at: Time::UNIX_EPOCH,
    })
}

/// Headquarters with one package.
struct Headquarters {
    key: SigningKey,
    manifest: Manifest,
    file: PathBuf,
}

impl Headquarters {
    fn pack(directory: &Path, database: &Path) -> Result<Self> {
        let file = directory.join("package.zst");
        Ok(Self { key: SigningKey::random(), manifest: full(database, &file, 1)?, file })
    }

    fn bring_to(&self, offline: &Offline) -> Result<()> {
        let downloader = Downloader {
            key: self.key.verifying_key(),
            store: "343".to_owned(),
            register: Some(RegisterId { store: "343".to_owned(), number: 1 }),
            folder: offline.folder().join("packages"),
            clock: Arc::new(SystemClock::default()),
            free: free_bytes,
        };
        let round = downloader.run_once(self, offline);
        round.problem.map_or(Ok(()), |problem| Err(problem.into()))
    }
}

impl Source for Headquarters {
    fn manifests(&self, _: u64) -> channel::Result<Vec<SignedManifest>> {
        Ok(vec![package::sign(&self.manifest, &self.key)])
    }

    fn file(&self, _: u64, from: u64) -> channel::Result<Box<dyn Read + Send>> {
        let mut file = File::open(&self.file).map_err(ChannelError::broken)?;
        file.seek(SeekFrom::Start(from)).map_err(ChannelError::broken)?;
        Ok(Box::new(file))
    }
}

/// An offline database that is not there before.
struct Offline(PathBuf);

impl Offline {
    fn folder(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new("."))
    }
}

impl Target for Offline {
    fn version(&self) -> channel::Result<u64> {
        Ok(0)
    }

    fn apply(&self, package: &Fetched<'_>) -> channel::Result<Applied> {
        master::prepare(package.unpacked, &self.0, package.manifest.to_version)?;
        master::take_in(&self.0).map_err(ChannelError::broken)?;
        Ok(Applied::InUse)
    }
}
