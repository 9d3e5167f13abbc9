//! Fetching the offline database: unpacked within bounds beside its place, checked, then put there in one step.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;
use ureq::http::{Response, StatusCode, header};
use ureq::{Body, Error};

use super::answer::{accept, expect_type};
use super::{HttpChannel, failure, prepare};
use crate::channel::sqlite::SqliteChannel;
use crate::channel::{Channel, ChannelError, Result};
use crate::protocol::{ZSTD, routes};

/// When a download ends at the latest.
pub(super) const WAIT: Duration = Duration::from_hours(1);
/// How long it may be silent; the scale unit may have to make the file first.
pub(super) const SILENCE: Duration = Duration::from_mins(5);

/// What a database may be, unpacked, in bytes.
const DATABASE_MAX: u64 = 8 << 30;
/// How many times its packed size a database may be: real ones are 3 to 20, a file made to fill a disk tens of thousands.
const RATIO_MAX: u64 = 500;
/// Below this, no ratio is too high.
const RATIO_FREE: u64 = 64 << 20;
/// Memory for unpacking: 2 to this power.
const WINDOW_LOG_MAX: u32 = 27;
/// Bytes unpacked at once.
const CHUNK: usize = 256 * 1_024;

impl HttpChannel {
    /// Fetches the present master data into a file at `to`, replacing it, and returns their version; none when `have_version` is the
    /// present one. The file at `to` must not be open for writing; whoever reads it goes on reading the old one.
    pub fn download_offline_database(&self, have_version: Option<u64>, to: &Path) -> Result<Option<u64>> {
        let mut request = prepare(self.downloads.get(self.address(routes::OFFLINE_DATABASE)));
        if let Some(version) = have_version {
            request = request.header(header::IF_NONE_MATCH, format!("\"{version}\""));
        }
        let mut response = accept(request.call())?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        expect_type(&response, ZSTD)?;
        let version = version_of(&response)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file =
            tempfile::Builder::new().prefix(".offline-").suffix(".part").tempfile_in(folder).map_err(|error| not_written(&error))?;
        unpack(response.body_mut().as_reader(), file.as_file_mut())?;
        file.as_file().sync_all().map_err(|error| not_written(&error))?;
        check(file.path(), version)?;
        put_in_place(file, to, folder).map_err(|error| not_written(&error))?;
        Ok(Some(version))
    }
}

fn version_of(response: &Response<Body>) -> Result<u64> {
    let etag = response.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
    let version = etag.and_then(|etag| etag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    version.ok_or_else(|| ChannelError::broken("the scale unit names no version of its offline database"))
}

/// Unpacks all of `packed` into `database`.
fn unpack(packed: impl Read, database: &mut impl Write) -> Result<()> {
    let damaged = |error: io::Error| ChannelError::broken(format!("the offline database cannot be unpacked: {error}"));
    let mut decoder = zstd::Decoder::new(Road { packed, taken: 0, failure: None }).map_err(damaged)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(damaged)?;
    let (mut chunk, mut unpacked) = (vec![0; CHUNK], 0);
    loop {
        let read = match decoder.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) => return Err(decoder.get_mut().get_mut().failure.take().unwrap_or_else(|| damaged(error))),
        };
        unpacked += read as u64;
        let packed = decoder.get_ref().get_ref().taken;
        if unpacked > DATABASE_MAX || (unpacked > RATIO_FREE && unpacked / RATIO_MAX > packed) {
            return Err(ChannelError::broken(format!("the offline database is too large: {unpacked} bytes and more out of {packed}")));
        }
        database.write_all(&chunk[..read]).map_err(|error| not_written(&error))?;
    }
}

/// The packed bytes: counted, and why they ended kept apart from what the decoder makes of it.
struct Road<R> {
    packed: R,
    taken: u64,
    failure: Option<ChannelError>,
}

impl<R: Read> Read for Road<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.packed.read(buffer).map_err(|error| {
            self.failure = Some(failure(&Error::from(error)));
            io::Error::other("the road")
        })?;
        self.taken += read as u64;
        Ok(read)
    }
}

/// Whether it is a whole database of this version.
fn check(database: &Path, version: u64) -> Result<()> {
    let unusable = |error: &dyn std::fmt::Display| ChannelError::broken(format!("the downloaded database cannot be used: {error}"));
    let channel = SqliteChannel::open_read_only(database).map_err(|error| unusable(&error))?;
    channel.check()?;
    let found = channel.data_version()?;
    if found == version { Ok(()) } else { Err(unusable(&format_args!("it has version {found}, expected {version}"))) }
}

fn put_in_place(file: NamedTempFile, to: &Path, folder: &Path) -> io::Result<()> {
    // A log left by a writer of the old file would be taken for the new one's.
    for suffix in ["-wal", "-shm"] {
        let mut log = to.as_os_str().to_owned();
        log.push(suffix);
        match std::fs::remove_file(log) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    file.persist(to).map_err(|error| error.error)?;
    // The new name is durable with its folder; not every system can sync one.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn not_written(error: &io::Error) -> ChannelError {
    ChannelError::broken(format!("the offline database cannot be written: {error}"))
}
