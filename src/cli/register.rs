//! `evertill`, `evertill register`: the register on this terminal.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::out::Failure;
use super::server::refuse_plain_http;
use super::{RegisterArgs, log};
use crate::chain::Chain;
use crate::clock::{Clock, SharedClock, SystemClock};
use crate::desk::{Background, Reply};
use crate::device::{DeviceFile, Identity};
use crate::ids::{KeySource, RegisterId};
use crate::profile::{self, Profile, is_address};
use crate::register::{OpenError, Options, Register};
use crate::sample_store::SIGN_IN_HINT;
use crate::secret::Secret;
use crate::ui::layout::Layout;
use crate::ui::run::{close_on_signals, read_terminal};
use crate::ui::screen_desk::ScreenDesk;
use crate::ui::terminal::Terminal;
use crate::ui::theme::Theme;
use crate::ui::{self, Screen};

/// Its folder in the data directory.
const SAMPLE_STORE: &str = "sample-store";
/// What goes between a register and its scale unit.
pub(super) const CARRIED: &str = "PINs, its token and sales";

/// Opens it, on this terminal, until the cashier closes it.
pub(super) fn run(args: &RegisterArgs) -> Result<(), Failure> {
    let profile = read_profile(args.profile.as_deref())?;
    let data = data_directory(args.data.as_deref())?;
    if data.exists() && !data.is_dir() {
        return Err(Failure::usage(format!("{}: is no directory, expected the register's data directory", data.display())));
    }
    let url = scale_unit_url(args, &profile)?;
    if let Some(url) = url.as_deref().filter(|_| !args.allow_plain_http) {
        refuse_plain_http(url, if args.scale_unit.is_some() { "--scale-unit" } else { "the profile's scale unit" }, CARRIED)?;
    }
    let _log = log::to_files(&data);
    let clock: SharedClock = Arc::new(SystemClock::default());
    let given = args.activation_code.clone().map(Secret::new);
    // Kept for as long as the register is open.
    let (_chain, url, sample_hint, activation_code) = if let Some(url) = url {
        (None, url, None, given)
    } else {
        refuse_device_of(&data, SampleStore::NotStarted)?;
        let folder = data.join(SAMPLE_STORE);
        let register = RegisterId { store: profile.register.store.clone(), number: profile.register.number };
        let started = Chain::on_sample_store(&folder, &clock).and_then(|chain| {
            let code = chain.activation_code(&data, &register)?;
            Ok((chain, code))
        });
        let (chain, code) = started.map_err(|error| {
            let hint = format!("see to {}, begin anew with another --data DIR, or name a scale unit with --scale-unit", folder.display());
            Failure::found(error).with_hint(hint)
        })?;
        refuse_device_of(&data, SampleStore::Of(&chain))?;
        let url = format!("http://{}", chain.scale_unit_address());
        (Some(chain), url, Some(SIGN_IN_HINT.to_owned()), given.or(code))
    };
    let screen = new_screen(&profile)?;
    let options = |news| Options {
        profile,
        data,
        scale_unit: url,
        clock: Arc::clone(&clock),
        keys: KeySource::System,
        sample_hint,
        activation_code,
        news,
        wire: None,
    };
    show(screen, clock.as_ref(), options)
}

/// How much is known of a data directory's sample store.
#[derive(Clone, Copy)]
pub(super) enum SampleStore<'a> {
    /// Whether there is one.
    NotStarted,
    /// Its chain.
    Of(&'a Chain),
}

/// A device of another chain is not shown to the sample store: that would refuse it, and the device believe that it was deactivated.
pub(super) fn refuse_device_of(data: &Path, sample_store: SampleStore<'_>) -> Result<(), Failure> {
    let device = DeviceFile::of(data).read().map_err(|error| Failure::found(&error).with_hint(error.hint()))?;
    let is_known = |identity: &Identity| match sample_store {
        SampleStore::NotStarted => data.join(SAMPLE_STORE).exists(),
        SampleStore::Of(chain) => chain.headquarters().verifying_key() == identity.headquarters_key,
    };
    match device.and_then(|device| device.identity) {
        Some(identity) if !is_known(&identity) => {
            let what = format!("{} is register {} of a chain, and no scale unit is named", data.display(), identity.register);
            Err(Failure::usage(what)
                .with_hint("name its scale unit with --scale-unit URL or in a profile; the sample store wants --data DIR of its own"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The first frame is drawn before the register is open: the cashier sees at once that something happens.
fn show(mut screen: Screen, clock: &dyn Clock, options: impl FnOnce(Sender<Reply>) -> Options) -> Result<(), Failure> {
    let (events, inbox) = channel();
    let (mut desk, answers, news) = ScreenDesk::new(events.clone());
    let mut terminal = Terminal::open().map_err(|error| no_terminal("open a register", &error))?;
    terminal.draw(&screen, clock.now()).map_err(Failure::found)?;
    close_on_signals(events.clone()).map_err(Failure::found)?;
    read_terminal(events).map_err(Failure::found)?;
    let options = options(news.clone());
    let till = std::thread::Builder::new().name("till".to_owned()).spawn(move || {
        if let Some(mut register) = Register::open_at(&mut desk, options)? {
            register.till.run(&mut desk);
        }
        Ok::<(), OpenError>(())
    });
    let till = till.map_err(Failure::found)?;
    tell_the_time(news);
    let shown = ui::run::run(&mut screen, &inbox, &answers, clock, |screen, now| terminal.draw(screen, now));
    drop(terminal);
    let ended = till.join().map_err(|_| {
        Failure::found("the till ended early; the journal has the sale")
            .with_hint("start the register again; the log in its data directory says why")
    })?;
    ended.map_err(|error| Failure::found(&error).with_hint(error.hint()))?;
    shown.map_err(Failure::found)
}

/// Nothing can be shown here.
pub(super) fn no_terminal(purpose: &str, error: &std::io::Error) -> Failure {
    let what = format!("this is no terminal to {purpose} on: {error}");
    Failure::found(what).with_hint("start it in a terminal's window; `evertill demo --headless` needs none")
}

/// Wakes the till every second, for its idle lock and its health checks; ends with it.
fn tell_the_time(news: Sender<Reply>) {
    let tick = move || {
        let clock = SystemClock::default();
        while news.send(Reply::Background(Background::DeadlineReached)).is_ok() {
            clock.sleep(Duration::from_secs(1));
        }
    };
    // Without it the register sells all the same.
    if let Err(error) = std::thread::Builder::new().name("time".to_owned()).spawn(tick) {
        tracing::warn!(%error, "no thread tells the time");
    }
}

fn new_screen(profile: &Profile) -> Result<Screen, Failure> {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let name = match profile.screen.theme {
        profile::Theme::Dark => "dark",
        profile::Theme::Light => "light",
    };
    let theme = Theme::named(name, no_color).unwrap_or_default();
    let layout = match &profile.screen.layout {
        None => Layout::built_in(),
        Some(path) => {
            let bytes = fs::read(path).map_err(|error| Failure::usage(format!("{path}: {error}")))?;
            let text = profile::text_of(bytes).map_err(|problem| Failure::usage(format!("{path}:{problem}")))?;
            Layout::parse(&text).map_err(|problems| {
                let lines: Vec<String> = problems.iter().map(|problem| format!("{path}:{problem}")).collect();
                Failure::usage(lines.join("\n"))
            })?
        }
    };
    Ok(Screen::new(theme, layout))
}

/// The profile of a file, or the default one; all its problems at once.
pub(super) fn read_profile(path: Option<&Path>) -> Result<Profile, Failure> {
    let Some(path) = path else { return Ok(Profile::default()) };
    let bytes = fs::read(path).map_err(|error| {
        Failure::usage(format!("{}: {error}", path.display())).with_hint("`evertill profile print` shows what a profile holds")
    })?;
    let text = profile::text_of(bytes).map_err(|problem| Failure::usage(format!("{}:{problem}", path.display())))?;
    Profile::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect();
        Failure::usage(lines.join("\n"))
    })
}

/// The directory of a register's files.
pub(super) fn data_directory(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let known = directories::ProjectDirs::from("", "", "evertill");
    known
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or_else(|| Failure::usage("this platform has no data directory").with_hint("name one with --data DIR"))
}

/// The scale unit's address: the command line's, else the profile's, else none.
pub(super) fn scale_unit_url(args: &RegisterArgs, profile: &Profile) -> Result<Option<String>, Failure> {
    match &args.scale_unit {
        None => Ok(profile.scale_unit.url.clone()),
        Some(url) if is_address(url) => Ok(Some(url.clone())),
        Some(url) => {
            Err(Failure::usage(format!("--scale-unit {url}: expected http:// or https:// and a host, such as http://127.0.0.1:8343")))
        }
    }
}
