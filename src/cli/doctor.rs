//! `evertill doctor`: one line for each thing a register needs, and what to do about what is wrong.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::RegisterArgs;
use super::out::{self, Failure};
use super::register::{CARRIED, SampleStore, data_directory, read_profile, refuse_device_of, scale_unit_url};
use super::server::refuse_plain_http;
use crate::channel::http::HttpChannel;
use crate::channel::sqlite::SqliteChannel;
use crate::channel::{Channel, ChannelError, ErrorKind, Refusal};
use crate::clock::{Clock, SystemClock};
use crate::deadline::Deadline;
use crate::device::{Device, DeviceFile, Identity};
use crate::ids::RegisterId;
use crate::journal::verify::verify;
use crate::journal::{JournalError, Reader};
use crate::profile::Profile;

/// A doctor waits longer than a cashier.
const PATIENCE_MS: u64 = 3_000;
/// What is done with an activation code.
const TYPE_IT: &str = "then start the register and type it in, or start it with --activation-code";

/// Checks everything, however much of it is wrong.
pub(super) fn run(args: &RegisterArgs) -> Result<(), Failure> {
    let mut findings = Findings::default();
    let profile = match read_profile(args.profile.as_deref()) {
        Ok(profile) => {
            findings
                .good("profile", args.profile.as_deref().map_or_else(|| "the default one".to_owned(), |path| path.display().to_string()))?;
            profile
        }
        Err(failure) => {
            let problems = failure.message.lines().count();
            let first = failure.message.lines().next().unwrap_or_default();
            let problem = if problems > 1 { format!("{problems} problems, the first: {first}") } else { first.to_owned() };
            findings.bad("profile", problem, "`evertill profile check` tells all, `evertill profile print` shows what may stand there")?;
            Profile::default()
        }
    };
    let data = data_directory(args.data.as_deref())?;
    directory(&mut findings, &data)?;
    let url = scale_unit_url(args, &profile);
    // Whatever the address says, the register is to work with one.
    let named = url.as_ref().map_or(args.scale_unit.as_deref(), |url| url.as_deref());
    let device = device(&mut findings, &data, named)?;
    journal(&mut findings, &data, &profile, device.as_ref().and_then(|device| device.identity.as_ref()))?;
    offline_database(&mut findings, &data)?;
    clock(&mut findings, &data)?;
    findings.good("printer", "none configured; receipts are shown on the screen")?;
    match url {
        Err(failure) => findings.bad("scale unit", failure.message, "put the address right")?,
        Ok(None) => match refuse_device_of(&data, SampleStore::NotStarted) {
            Err(refused) => findings.bad("scale unit", refused.message, refused.hint.as_deref().unwrap_or_default())?,
            Ok(()) => findings.good("scale unit", "none configured; the register starts one on the sample store")?,
        },
        Ok(Some(url)) => match refuse_plain_http(&url, "its address", CARRIED) {
            Err(refused) if !args.allow_plain_http => {
                findings.bad("scale unit", refused.message, refused.hint.as_deref().unwrap_or_default())?;
            }
            Ok(()) | Err(_) => scale_unit(&mut findings, &url, &profile, device)?,
        },
    }
    if findings.bad == 0 { Ok(()) } else { Err(Failure::told()) }
}

/// Room to write a few sales is what a register needs most.
fn directory(findings: &mut Findings, data: &Path) -> Result<(), Failure> {
    const SOME_SALES_BYTES: usize = 64 * 1024;
    if !data.exists() {
        return findings.good("data directory", format!("{} is made at the first start", data.display()));
    }
    let written =
        tempfile::tempfile_in(data).and_then(|mut file| file.write_all(&vec![0; SOME_SALES_BYTES]).and_then(|()| file.sync_all()));
    match written {
        Ok(()) => findings.good("data directory", data.display()),
        Err(error) => findings.bad(
            "data directory",
            format!("{} cannot be written: {error}", data.display()),
            "make room on the disk, and see to the rights on the directory",
        ),
    }
}

/// Which register the device is; none when its file cannot be used. On the sample store it is activated by itself.
fn device(findings: &mut Findings, data: &Path, scale_unit: Option<&str>) -> Result<Option<Device>, Failure> {
    const NAME: &str = "device";
    let device = match DeviceFile::of(data).read() {
        Ok(device) => device,
        Err(error) => {
            findings.bad(NAME, &error, &error.hint())?;
            return Ok(None);
        }
    };
    match (device.as_ref().and_then(|device| device.identity.as_ref()), scale_unit) {
        (Some(Identity { register, deactivated: false, .. }), _) => findings.good(NAME, format!("activated as register {register}"))?,
        (Some(Identity { register, deactivated: true, .. }), _) => {
            let what = format!("headquarters has deactivated register {register} on it");
            let hint = format!("get a new code at headquarters (`evertill hq register activation-code {register}`), {TYPE_IT}");
            findings.bad(NAME, what, &hint)?;
        }
        (None, Some(_)) => {
            let hint = format!("get a code at headquarters (`evertill hq register activation-code REGISTER`), {TYPE_IT}");
            findings.bad(NAME, "it is not activated", &hint)?;
        }
        (None, None) => findings.good(NAME, "not activated yet; on the sample store the register does that by itself")?,
    }
    Ok(device)
}

fn journal(findings: &mut Findings, data: &Path, profile: &Profile, identity: Option<&Identity>) -> Result<(), Failure> {
    if !data.join("journal.db").exists() {
        return findings.good("journal", format!("none in {} yet", data.display()));
    }
    let configured = || RegisterId { store: profile.register.store.clone(), number: profile.register.number };
    let expected = identity.map_or_else(configured, |identity| identity.register.clone());
    let reader = match Reader::open(data).and_then(|reader| reader.register().map(|found| (reader, found))) {
        Err(error) => return findings.bad("journal", &error, error.hint()),
        Ok((_, found)) if found != expected => {
            let error = JournalError::ForeignRegister { expected, found };
            return findings.bad("journal", &error, error.hint());
        }
        Ok((reader, _)) => reader,
    };
    let verification = verify(&reader);
    match verification.problems.first() {
        None => findings.good("journal", format!("{} transactions, the chain is whole", verification.transactions)),
        Some(first) => findings.bad(
            "journal",
            format!("{} problems, the first: {first}", verification.problems.len()),
            "do not sell on it; `evertill journal verify` tells all of them, support knows what to do",
        ),
    }
}

fn offline_database(findings: &mut Findings, data: &Path) -> Result<(), Failure> {
    const NAME: &str = "offline database";
    let path = data.join("offline.db");
    let broken = set_aside(data);
    if !path.exists() {
        let what = format!("there is none, so the register cannot sell offline{broken}");
        return findings.bad(NAME, what, "sign in once while the scale unit answers");
    }
    let opened = SqliteChannel::open_read_only(&path).map_err(|error| error.to_string());
    let version = opened.and_then(|database| database.check().and_then(|()| database.data_version()).map_err(|error| error.detail));
    match version {
        Ok(version) => findings.good(NAME, format!("version {version}{broken}")),
        Err(error) => findings.bad(NAME, error, "start the register and sign in; the file is fetched anew"),
    }
}

/// What became of databases that did not open.
fn set_aside(data: &Path) -> String {
    let files = std::fs::read_dir(data).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let broken: Vec<String> = names.filter(|name| name.starts_with("offline.broken-")).collect();
    if broken.is_empty() { String::new() } else { format!("; a broken one was kept as {}, which may be removed", broken.join(", ")) }
}

/// A clock that stands before the newest record has been set back.
fn clock(findings: &mut Findings, data: &Path) -> Result<(), Failure> {
    let now = SystemClock::default().now();
    let newest = Reader::open(data)
        .ok()
        .and_then(|reader| reader.newest(1).ok())
        .and_then(|entries| entries.first().and_then(|entry| entry.transaction().ok()));
    match newest {
        Some(newest) if newest.recorded_at > now => {
            findings.bad("clock", format!("it says {now}, but the newest record is of {}", newest.recorded_at), "set the machine's clock")
        }
        Some(_) | None => findings.good("clock", now.format("%Y-%m-%d %H:%M:%S UTC")),
    }
}

fn scale_unit(findings: &mut Findings, url: &str, profile: &Profile, device: Option<Device>) -> Result<(), Failure> {
    const NAME: &str = "scale unit";
    let timeout_ms = profile.offline.timeout_ms.max(PATIENCE_MS);
    let channel = match HttpChannel::with_authority(url, profile.scale_unit.ca.as_deref().map(Path::new)) {
        Ok(channel) => channel,
        Err(error) => return findings.bad(NAME, error, "put the address right"),
    };
    let identity = device.and_then(|Device { id, identity }| identity.map(|identity| (id, identity)));
    let is_known = identity.is_some();
    let store = identity.as_ref().map_or_else(|| profile.register.store.clone(), |(_, identity)| identity.register.store.clone());
    channel.set_device(identity.map(|(id, identity)| (id, identity.token)));
    let asked = Deadline::new(Arc::new(channel)).ask(timeout_ms, move |channel| channel.store(&store));
    match asked {
        Ok(store) => findings.good(NAME, format!("{url} answers for store {} {}", store.number, store.name)),
        Err(ChannelError { kind: ErrorKind::Refused(Refusal::Device), .. }) if !is_known => {
            findings.good(NAME, format!("{url} answers; it tells more to an activated device"))
        }
        Err(error @ ChannelError { kind: ErrorKind::Refused(Refusal::Device), .. }) => findings.bad(
            NAME,
            format!("{url} does not know this device, or not any more: {error}"),
            "see at headquarters whether the device is activated there, and whether this is its store's scale unit",
        ),
        Err(error) => findings.bad(
            NAME,
            format!("{url}: {error}"),
            "see that it runs and that the address is right; the register sells offline meanwhile",
        ),
    }
}

#[derive(Default)]
struct Findings {
    bad: u32,
}

impl Findings {
    fn good(&mut self, what: &str, remark: impl Display) -> Result<(), Failure> {
        let _ = &self;
        out::line(format_args!("ok    {what}: {remark}"))
    }

    fn bad(&mut self, what: &str, problem: impl Display, remedy: &str) -> Result<(), Failure> {
        self.bad += 1;
        out::line(format_args!("WRONG {what}: {problem} → {remedy}"))
    }
}
