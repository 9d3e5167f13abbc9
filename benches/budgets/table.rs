//! What was measured, as rows of one table.

use std::io::{self, Write};
use std::time::Duration;

use evertill::clock::Stopwatch;

/// Whatever goes wrong ends the run.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Times of one thing done many times, ascending.
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    /// What 99 in 100 stay below; of fewer than 100 samples the worst.
    fn worst(&self) -> Duration {
        self.at(99)
    }

    fn at(&self, percent: usize) -> Duration {
        self.0.get(self.0.len() * percent / 100).copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

/// How long something takes, and what came of it.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let watch = Stopwatch::default();
    let result = work();
    (watch.elapsed(), result)
}

/// Does both in turns, so that whatever else the machine does meanwhile hits them alike; each says how long it took. The first rounds,
/// one in ten, only fill caches.
pub(crate) fn in_turns(
    rounds: usize,
    mut ours: impl FnMut(usize) -> Result<Duration>,
    mut bare: impl FnMut(usize) -> Result<Duration>,
) -> Result<(Samples, Samples)> {
    let (mut our_times, mut bare_times) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for round in 0..rounds / 10 {
        ours(round)?;
        bare(round)?;
    }
    for round in 0..rounds {
        our_times.push(ours(round)?);
        bare_times.push(bare(round)?);
    }
    Ok((our_times.into_iter().collect(), bare_times.into_iter().collect()))
}

/// What is promised.
#[derive(Clone, Copy)]
pub(crate) enum Budget {
    /// The median is at most so many times the bare one's.
    Times(f64),
    /// The median is below this.
    Usually(Duration),
    /// 99 in 100 are below this.
    Always(Duration),
    /// Nothing; it is good to know.
    Open,
}

/// The table, printed row by row.
pub(crate) struct Table {
    rows_over: usize,
}

const WIDTH: usize = 55;

impl Table {
    pub(crate) fn begin(title: &str) -> Result<Self> {
        writeln!(io::stdout(), "{title}\n")?;
        line(["what", "median", "p99", "bare", "ratio", "budget", ""])?;
        line(["───────", "──────", "───", "────", "─────", "──────", ""])?;
        Ok(Self { rows_over: 0 })
    }

    /// A row of times.
    pub(crate) fn row(&mut self, what: &str, ours: &Samples, bare: Option<&Samples>, budget: Budget) -> Result<()> {
        let ratio = bare.map(|bare| ours.median().div_duration_f64(bare.median()));
        let holds = match budget {
            Budget::Times(times) => ratio.is_some_and(|ratio| ratio <= times),
            Budget::Usually(limit) => ours.median() <= limit,
            Budget::Always(limit) => ours.worst() <= limit,
            Budget::Open => true,
        };
        let promised = match budget {
            Budget::Times(times) => format!("{times} ×"),
            Budget::Usually(limit) => format!("< {}", short(limit)),
            Budget::Always(limit) => format!("p99 < {}", short(limit)),
            Budget::Open => String::new(),
        };
        self.verdict(
            what,
            [
                short(ours.median()),
                short(ours.worst()),
                bare.map(|bare| short(bare.median())).unwrap_or_default(),
                ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
                promised,
            ],
            (!matches!(budget, Budget::Open)).then_some(holds),
        )
    }

    /// A row of a count, with its bare one and the most it may be.
    pub(crate) fn count(&mut self, what: &str, ours: u64, bare: Option<u64>, most: Option<u64>, unit: &str) -> Result<()> {
        let shown = |count: u64| format!("{count} {unit}").trim_end().to_owned();
        let promised = most.map(|most| format!("≤ {}", shown(most))).unwrap_or_default();
        self.verdict(
            what,
            [shown(ours), String::new(), bare.map(shown).unwrap_or_default(), String::new(), promised],
            most.map(|most| ours <= most),
        )
    }

    /// Says how many rows are over their budget; the figures are for reading, so the run succeeds all the same.
    pub(crate) fn end(self) -> Result<()> {
        let over = match self.rows_over {
            0 => "every row is within its budget".to_owned(),
            1 => "1 row is over its budget".to_owned(),
            rows => format!("{rows} rows are over their budgets"),
        };
        Ok(writeln!(io::stdout(), "\n{over}")?)
    }

    fn verdict(&mut self, what: &str, [median, worst, bare, ratio, promised]: [String; 5], holds: Option<bool>) -> Result<()> {
        let verdict = match holds {
            Some(true) => "ok",
            Some(false) => "over",
            None => "",
        };
        self.rows_over += usize::from(holds == Some(false));
        line([what, &median, &worst, &bare, &ratio, &promised, verdict])
    }
}

fn line([what, median, worst, bare, ratio, budget, verdict]: [&str; 7]) -> Result<()> {
    let line = format!("{what:<WIDTH$} {median:>9} {worst:>9} {bare:>9} {ratio:>6}  {budget:<13} {verdict}");
    Ok(writeln!(io::stdout(), "{}", line.trim_end())?)
}

/// Three digits, more or less.
fn short(time: Duration) -> String {
    let is_whole = time < Duration::from_micros(1) || (Duration::from_micros(100)..Duration::from_millis(1)).contains(&time);
    let decimals = usize::from(!is_whole);
    format!("{time:.decimals$?}")
}
