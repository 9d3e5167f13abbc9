//! Packages at a register: the first load from a ready full package, a delta of prices, and what a cashier notices of them.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evertill::channel::sqlite::{SqliteChannel, master};
use evertill::channel::{self, Channel, ChannelError, ProductSearch};
use evertill::clock::{SystemClock, Time};
use evertill::ids::RegisterId;
use evertill::master_data::Changes;
use evertill::money::{Currency, Money};
use evertill::package::{self, Kind, Manifest, SignedManifest, SigningKey, Source};
use evertill::sync::download::{Applied, Downloader, Fetched, Target};
use rust_decimal::Decimal;

use crate::shop::{Shop, size};
use crate::table::{Budget, Result, Samples, Table, in_turns, time};

const ROUNDS: usize = 5;
/// Prices of a delta.
const PRICES: usize = 10_000;
/// What no key may wait longer than.
const KEY: Duration = Duration::from_millis(50);

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let directory = shop.directory("load")?;
    let finished = directory.join("finished.db");
    let (write_took, written) = time(|| master::write_full(&finished, &shop.data, 1));
    let headquarters = Headquarters::pack(&directory, Kind::Full, 1, written?, &finished)?;
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
    waits(shop, &directory, &headquarters, &finished, table)
}

/// Deltas one after the other, each with other prices.
fn deltas(shop: &Shop, directory: &Path, finished: &Path, table: &mut Table) -> Result<()> {
    let offline = directory.join("delta.db");
    fs::copy(finished, &offline)?;
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

/// The longest look-up and search of a cashier while a full package is fetched, unpacked, checked and put in place.
fn waits(shop: &Shop, directory: &Path, headquarters: &Headquarters, finished: &Path, table: &mut Table) -> Result<()> {
    let in_use = directory.join("in-use.db");
    fs::copy(finished, &in_use)?;
    let channel = SqliteChannel::open_read_only(&in_use)?;
    let offline = Offline(directory.join("background").join("offline.db"));
    fs::create_dir_all(offline.folder())?;
    let mut longest = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        longest.push(std::thread::scope(|scope| -> Result<Duration> {
            let applying = scope.spawn(|| headquarters.bring_to(&offline).map_err(|error| error.to_string()));
            let (mut worst, mut number) = (Duration::ZERO, 0);
            while !applying.is_finished() {
                let (took, found) = time(|| channel.product_by_barcode(shop.code(number)));
                found?.ok_or("every product is found")?;
                let search = ProductSearch { text: shop.product(number).brand.clone(), offset: 0, limit: 20 };
                let (searched, page) = time(|| channel.search_products(&search));
                page?;
                (worst, number) = (worst.max(took).max(searched), number + 1);
            }
            applying.join().map_err(|_| "the thread panicked")??;
            Ok(worst)
        })?);
        fs::remove_file(&offline.0)?;
    }
    let longest: Samples = longest.into_iter().collect();
    table.row("the longest look-up or search meanwhile", &longest, None, Budget::Always(KEY))
}

/// Headquarters with one package.
struct Headquarters {
    key: SigningKey,
    manifest: Manifest,
    file: PathBuf,
}

impl Headquarters {
    fn pack(directory: &Path, kind: Kind, to_version: u64, rows: u64, database: &Path) -> Result<Self> {
        let file = directory.join("package.zst");
        let packed = package::pack(database, &file)?;
        let manifest = Manifest {
            id: 1,
            group: "343".to_owned(),
            job: 9999,
            kind,
            to_version,
            schema: master::schema(),
            rows,
            bytes: packed.bytes,
            unpacked_bytes: packed.unpacked_bytes,
            digest: packed.digest,
            made_at: Time::UNIX_EPOCH,
        };
        Ok(Self { key: SigningKey::random(), manifest, file })
    }

    fn bring_to(&self, offline: &Offline) -> Result<()> {
        let downloader = Downloader {
            key: self.key.verifying_key(),
            store: "343".to_owned(),
            register: Some(RegisterId { store: "343".to_owned(), number: 1 }),
            folder: offline.folder().join("packages"),
            clock: Arc::new(SystemClock::default()),
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
