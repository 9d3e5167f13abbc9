//! Distribution jobs: what changed at headquarters since a job's last run becomes a package for the store's databases.
//!
//! A job's candidates are the records of its kinds with a later change number, and those whose time began or ended since. What they look
//! like at the store today goes into a delta; a full package is made when there is no base yet, on demand, when deltas would be larger or
//! too many, and when the store's database could not apply one.

mod candidates;
mod place;
mod render;

use super::Headquarters;
use super::database::Tx;
use super::entities::own;
use super::error::{Error, Result};
use super::kinds::{ALL_JOBS, JOBS, brought_along};
use super::packages::{self, Stream};
use super::records;
use crate::channel::sqlite::master;
use crate::clock::Time;
use crate::master_data::{Changes, MasterData};
use crate::package::{self, Kind, Manifest};
use candidates::Candidates;
use render::View;

/// How much a run distributes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// What changed, or everything where that is less.
    Changes,
    /// Everything.
    Full,
}

/// What a job's run came to at one store.
#[derive(Clone, PartialEq, Debug)]
pub struct Made {
    /// The store.
    pub store: String,
    /// The package; none when nothing had changed.
    pub package: Option<Manifest>,
}

/// A job's run at one store.
#[derive(Debug)]
pub struct Ran {
    /// The store.
    pub store: String,
    /// What it came to.
    pub made: Result<Made>,
}

/// Deltas after which a full package is made: whoever begins anew fetches them all, and lists of packages are bounded.
const DELTAS_MAX: u64 = 500;

/// Another run of the same store may be done first; then this one looks again.
const TRIES: u32 = 5;

impl Headquarters {
    /// Runs a job for a store, or for all: a package for each where something changed. A store that fails keeps no other from getting its
    /// own; the first failure is returned afterwards.
    pub fn run_job(&self, who: &str, job: u32, store: Option<&str>, extent: Extent) -> Result<Vec<Made>> {
        self.run_job_telling(who, job, store, extent, &mut |_| ())
    }

    /// The same, and tells of each store's run as soon as it is done.
    pub fn run_job_telling(
        &self,
        who: &str,
        job: u32,
        store: Option<&str>,
        extent: Extent,
        tell: &mut dyn FnMut(&Ran),
    ) -> Result<Vec<Made>> {
        if !JOBS.iter().any(|(known, _)| *known == job) {
            let jobs: Vec<String> = JOBS.iter().map(|(job, name)| format!("{job} {name}")).collect();
            return Err(Error::refused(format!("there is no job {job}"), jobs.join(", ")));
        }
        let stores = match store {
            Some(store) => vec![store.to_owned()],
            None => self.list(own("store"))?.into_iter().map(|record| record.key).collect(),
        };
        let (mut all, mut failure) = (Vec::new(), None);
        for store in stores {
            let made = self.distribute(who, job, store.clone(), extent);
            let ran = Ran { store, made };
            tell(&ran);
            match ran.made {
                Ok(made) => all.push(made),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(all), Err)
    }

    fn distribute(&self, who: &str, job: u32, store: String, extent: Extent) -> Result<Made> {
        for _ in 0..TRIES {
            let now = self.0.clock.now();
            let run = self.database().read(|tx| Run::prepare(tx, &store, job, extent, now))?;
            if let Finished::Done(package) = self.finish(who, &store, &run, now)? {
                return Ok(Made { store, package: package.map(|manifest| *manifest) });
            }
        }
        Err(Error::Database(format!("other runs for store {store} were always first")))
    }

    /// Makes and keeps what a run found.
    fn finish(&self, who: &str, store: &str, run: &Run, now: Time) -> Result<Finished> {
        let folder = tempfile::tempdir().map_err(|error| Error::File(format!("a folder for a package: {error}")))?;
        let (database, file) = (folder.path().join("package.db"), folder.path().join("package.zst"));
        let to_version = run.version + 1;
        let made = match &run.content {
            Found::Nothing => None,
            Found::Everything(data) => Some((Kind::Full, master::write_full(&database, data, to_version))),
            Found::Changes(changes) => Some((Kind::Delta { from_version: run.version }, master::write_delta(&database, changes))),
        };
        let packed = match made {
            None => None,
            Some((kind, rows)) => {
                let rows = rows.map_err(|error| Error::refused(format!("store {store}: {}", error.detail), ""))?;
                let packed = package::pack(&database, &file).map_err(|error| Error::File(format!("packing: {error}")))?;
                Some((kind, rows, packed))
            }
        };
        self.edit(who, |edit| {
            if packages::stream(edit.tx, store)?.version != run.version {
                return Ok(Finished::TooLate);
            }
            run.note_progress(edit.tx, store, now)?;
            let Some((kind, rows, packed)) = &packed else {
                return Ok(Finished::Done(None));
            };
            let manifest = Manifest {
                id: packages::next_id(edit.tx)?,
                group: store.to_owned(),
                job: run.job,
                kind: *kind,
                to_version,
                schema: master::schema(),
                rows: *rows,
                bytes: packed.bytes,
                unpacked_bytes: packed.unpacked_bytes,
                digest: packed.digest.clone(),
                made_at: now,
            };
            let signed = package::sign(&manifest, &self.0.keys.signing);
            packages::keep(edit.tx, &manifest, &signed, &file)?;
            Ok(Finished::Done(Some(Box::new(manifest))))
        })
    }
}

/// What became of a run.
enum Finished {
    /// Its package is kept, or nothing had changed.
    Done(Option<Box<Manifest>>),
    /// Another run was done meanwhile.
    TooLate,
}

/// A run, as of one moment of the database.
struct Run {
    job: u32,
    /// The version of the store's newest package.
    version: u64,
    /// Changes up to this one are in it.
    change: u64,
    /// The store's day.
    day: String,
    content: Found,
}

enum Found {
    Nothing,
    Changes(Box<Changes>),
    Everything(Box<MasterData>),
}

impl Run {
    fn prepare(tx: &mut Tx<'_>, store: &str, job: u32, extent: Extent, now: Time) -> Result<Self> {
        const CHANGE: &str = "SELECT value FROM counters WHERE name = 'change'";
        let change = tx.row(CHANGE, &[])?.map_or(Ok(0), |row| row.number(0))?;
        let mut view = View::open(tx, store, now)?;
        let stream = packages::stream(view.tx, store)?;
        let content = find(&mut view, job, extent, &stream)?;
        Ok(Self { job, version: stream.version, change, day: view.place.day, content })
    }

    fn note_progress(&self, tx: &mut Tx<'_>, store: &str, now: Time) -> Result<()> {
        const NOTE: &str = "INSERT INTO progress (store, job, change, day, run_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (store, job) DO UPDATE SET change = excluded.change, day = excluded.day, run_at = excluded.run_at";
        const NOTE_CHANGE: &str = "INSERT INTO progress (store, job, change, day, run_at) VALUES ($1, $2, $3, $4, '')
            ON CONFLICT (store, job) DO UPDATE SET change = excluded.change, day = excluded.day";
        let values = |job: u32| [store.into(), job.into(), self.change.into(), (&self.day).into(), now.into()];
        // Everything is in a full package, whichever job made it.
        let brings_all = matches!(self.content, Found::Everything(_));
        let brings_along = if matches!(self.content, Found::Changes(_)) { brought_along(self.job) } else { &[] };
        for (job, _) in JOBS {
            if job == self.job || self.job == ALL_JOBS {
                tx.execute(NOTE, &values(job))?;
            } else if brings_all || brings_along.contains(&job) {
                tx.execute(NOTE_CHANGE, &values(job)[..4])?;
            }
        }
        Ok(())
    }
}

fn find(view: &mut View<'_, '_>, job: u32, extent: Extent, stream: &Stream) -> Result<Found> {
    let Some(full_rows) = stream.full_rows.filter(|_| extent == Extent::Changes) else {
        return Ok(Found::Everything(Box::new(view.everything()?)));
    };
    // A delta that could not be applied would be in the way of all that follow.
    if stream.is_stuck {
        return Ok(Found::Everything(Box::new(view.everything()?)));
    }
    let candidates = Candidates::find(view.tx, &view.place.store, &view.place.day, job)?;
    if candidates.is_empty() {
        return Ok(Found::Nothing);
    }
    // What has come since the last full package counts too: at last a full one is less for whoever begins anew.
    let is_too_large = |rows: u64| stream.delta_rows + rows > full_rows / 2;
    if stream.deltas >= DELTAS_MAX || is_too_large(candidates.count()) {
        return Ok(Found::Everything(Box::new(view.everything()?)));
    }
    let changes = view.changes(&candidates)?;
    if changes == Changes::default() {
        return Ok(Found::Nothing);
    }
    Ok(Found::Changes(Box::new(changes)))
}

/// When jobs ran last at a store.
pub(super) fn last_run(tx: &mut Tx<'_>, store: &str, job: u32) -> Result<Option<Time>> {
    const RUN: &str = "SELECT run_at FROM progress WHERE store = $1 AND job = $2 AND run_at <> ''";
    tx.row(RUN, &[store.into(), job.into()])?.map(|row| row.time(0)).transpose()
}

/// A store's local time.
pub(super) fn local(tx: &mut Tx<'_>, store: &str, now: Time) -> Result<chrono::NaiveDateTime> {
    let content = records::get(tx, own("store"), store)?.ok_or_else(|| Error::missing("store", store))?;
    let minutes = content.get("utc_offset_minutes").and_then(serde_json::Value::as_i64).unwrap_or(0);
    Ok((now + chrono::TimeDelta::minutes(minutes)).naive_utc())
}
