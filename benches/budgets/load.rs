//! The first load: from the scale unit's finished file to an offline database in use.

use std::fs::{self, File};
use std::sync::Arc;
use std::sync::mpsc::channel;

use evertill::clock::SystemClock;
use evertill::desk::{Background, Reply};
use evertill::register::OfflineFile;
use evertill::till::OfflineDatabase;

use crate::shop::{Shop, size};
use crate::table::{Budget, Result, Samples, Table, in_turns, time};

const ROUNDS: usize = 5;

pub(crate) fn measure(shop: &Shop, table: &mut Table) -> Result<()> {
    let directory = shop.directory("load")?;
    let scale_unit = Arc::new(shop.http()?);
    let fetch = |round| {
        let path = directory.join(format!("{round}")).join("offline.db");
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        let (news, heard) = channel();
        let mut file = OfflineFile::new(path, Arc::clone(&scale_unit), news, Arc::new(SystemClock::default()));
        let (took, swapped) = time(|| {
            file.fetch();
            let heard = heard.recv()?;
            if heard == Reply::Background(Background::OfflineDatabaseReady) {
                Ok(file.swap()?)
            } else {
                Err(Box::<dyn std::error::Error>::from(format!("it was not fetched: {heard:?}")))
            }
        });
        swapped?;
        Ok(took)
    };
    let copy = |round| {
        let to = directory.join(format!("copy-{round}.db"));
        let (took, copied) = time(|| {
            fs::copy(shop.offline_database(), &to)?;
            File::open(&to)?.sync_all()
        });
        copied?;
        Ok(took)
    };
    let megabytes = size(&shop.offline_database())? / 1_000_000;
    let (ours, theirs) = in_turns(ROUNDS, fetch, copy)?;
    table.row(&format!("first load: fetched and in use ({megabytes} MB)"), &ours, Some(&theirs), Budget::Times(3.0))?;
    let packed = zstd::encode_all(File::open(shop.offline_database())?, 3)?;
    let unpack = |round| {
        let to = directory.join(format!("unpacked-{round}.db"));
        let (took, unpacked) = time(|| {
            let mut file = File::create(&to)?;
            zstd::stream::copy_decode(packed.as_slice(), &mut file)?;
            file.sync_all()
        });
        unpacked?;
        Ok(took)
    };
    let (ours, theirs) = in_turns(ROUNDS, fetch, unpack)?;
    table.row("  beside unpacking it alone", &ours, Some(&theirs), Budget::Open)?;
    let load: Samples = [shop.load_took].into_iter().collect();
    table.row("  the scale unit's own load, search index and all", &load, None, Budget::Open)
}
