//! `evertill scale-unit`: a store's registers are served from this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use tempfile::TempDir;

use super::out::{self, Failure};
use super::{ScaleUnitArgs, log, server};
use crate::chain::{Chain, Place};
use crate::channel::ChannelDatabase;
use crate::channel::postgres::PostgresChannel;
use crate::channel::sqlite::SqliteChannel;
use crate::clock::{SharedClock, SystemClock};
use crate::pin::PinKey;
use crate::scale_unit::{Connected, ConnectedOptions, Credentials, HttpHeadquarters, INTERVAL};
use crate::server::wait_for_signal;

/// Serves until it is told to stop.
pub(super) fn run(args: &ScaleUnitArgs) -> Result<(), Failure> {
    // An address may hold a password: it is not repeated.
    if sqlite_file(&args.database).is_none() && !is_postgres(&args.database) {
        return Err(Failure::usage("--database: expected sqlite:FILE or postgres://USER@HOST/NAME"));
    }
    let tls = server::certificate(&args.listen)?;
    let clock: SharedClock = Arc::new(SystemClock::default());
    match (&args.headquarters, &args.credentials) {
        (Some(url), Some(credentials)) => serve_connected(args, url, credentials, tls, clock),
        (None | Some(_), None) | (None, Some(_)) => serve_sample_store(args, tls, &clock),
    }
}

/// With a headquarters of the sample store in this process.
fn serve_sample_store(args: &ScaleUnitArgs, tls: Option<Arc<ServerConfig>>, clock: &SharedClock) -> Result<(), Failure> {
    let Some(file) = sqlite_file(&args.database) else {
        let what = "--database: without --headquarters, the database is sqlite:FILE";
        return Err(Failure::usage(what).with_hint("--headquarters and --credentials name the headquarters of a chain"));
    };
    log::to_standard_error();
    let chain = Chain::beside(&file, Place { listen: args.listen.listen, tls }, clock).map_err(|error| Failure::found(&error))?;
    out::line(format_args!("listening on {}", chain.scale_unit_address()))?;
    wait_for_signal().map_err(Failure::found)
}

/// With the headquarters of a chain.
fn serve_connected(
    args: &ScaleUnitArgs,
    url: &str,
    credentials: &Path,
    tls: Option<Arc<ServerConfig>>,
    clock: SharedClock,
) -> Result<(), Failure> {
    let credentials = Credentials::read(credentials).map_err(|error| Failure::usage(&error).with_hint(error.hint()))?;
    if !args.listen.allow_plain_http {
        server::refuse_plain_http(url, "--headquarters", "PIN hashes and sales")?;
    }
    let headquarters = HttpHeadquarters::new(url, args.headquarters_ca.as_deref(), credentials.token.clone()).map_err(Failure::usage)?;
    log::to_standard_error();
    let channel = open(&args.database, &credentials)?;
    let places = Places::of(args)?;
    let unit = Connected::start(ConnectedOptions {
        listen: args.listen.listen,
        tls,
        channel,
        headquarters,
        credentials,
        packages: places.packages,
        incoming: places.incoming,
        interval: INTERVAL,
        clock,
    });
    let unit = unit.map_err(|error| Failure::found(&error).with_hint(error.hint()))?;
    out::line(format_args!("listening on {}", unit.address()))?;
    wait_for_signal().map_err(Failure::found)
}

fn sqlite_file(database: &str) -> Option<PathBuf> {
    database.strip_prefix("sqlite:").filter(|file| !file.is_empty()).map(PathBuf::from)
}

fn is_postgres(database: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| database.starts_with(scheme))
}

fn open(database: &str, credentials: &Credentials) -> Result<Arc<dyn ChannelDatabase>, Failure> {
    let key = PinKey::from_secret(&credentials.pin_key)
        .ok_or_else(|| Failure::usage("the credentials' pin_key is no key").with_hint("have headquarters write them again"))?;
    if let Some(file) = sqlite_file(database) {
        let channel = SqliteChannel::open(&file).map_err(|error| Failure::found(format!("{}: {error}", file.display())))?;
        return Ok(Arc::new(channel.with_pin_key(key)));
    }
    let channel = PostgresChannel::connect(database).map_err(Failure::found)?;
    Ok(Arc::new(channel.with_pin_key(key)))
}

/// Where packages are kept and gathered.
struct Places {
    packages: PathBuf,
    incoming: PathBuf,
    /// Removed at the end.
    _temporary: Option<TempDir>,
}

impl Places {
    /// As the command line says; else beside a SQLite database, or in a temporary directory: a scale unit over a server keeps nothing.
    fn of(args: &ScaleUnitArgs) -> Result<Self, Failure> {
        let file = sqlite_file(&args.database);
        if let Some(packages) = args.packages.clone().or_else(|| Some(file.as_ref()?.with_extension("packages"))) {
            let incoming = file.map_or_else(|| packages.join("incoming"), |file| file.with_extension("incoming"));
            return Ok(Self { packages, incoming, _temporary: None });
        }
        let temporary = tempfile::tempdir().map_err(|error| Failure::found(format!("a temporary directory for packages: {error}")))?;
        let packages = temporary.path().to_owned();
        Ok(Self { incoming: packages.join("incoming"), packages, _temporary: Some(temporary) })
    }
}
