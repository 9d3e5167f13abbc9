//! When a register of a replay is killed, and what it was in the middle of.

use std::ops::AddAssign;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::outages::Outages;
use super::{Step, compare};
use crate::ids::splitmix64;

/// How long after a step began, at most: some kills come while it is taken, some behind it.
const DELAY_MAX_US: u64 = 4_000;

/// The kills of one register: a third while a line is rung up, a third while the payment concludes the sale, a third while it is uploaded.
pub(super) struct Kills {
    outages: Outages,
    chance: u64,
    /// The basket of the last kill.
    last: Option<usize>,
    planned: Option<Planned>,
}

struct Planned {
    basket: usize,
    step: Step,
    kill: Kill,
}

/// One kill.
pub(super) struct Kill {
    /// How long after its step began.
    pub(super) delay: Duration,
    /// How many lines a sale in hand would have to be complete.
    pub(super) lines: usize,
}

impl Kills {
    pub(super) fn new(outages: Outages, seed: u64) -> Self {
        Self { outages, chance: seed, last: None, planned: None }
    }

    /// A basket of so many lines begins, or goes on after a kill.
    pub(super) fn plan(&mut self, basket: usize, lines: usize) {
        if !self.outages.kills(basket) || self.last >= Some(basket) {
            return;
        }
        let step = match self.roll(3) {
            0 => Step::Line(usize::try_from(self.roll(lines as u64)).unwrap_or(0)),
            1 => Step::Payment,
            _ => Step::Concluded,
        };
        let delay = Duration::from_micros(self.roll(DELAY_MAX_US));
        // What is in hand once it is concluded is the next one, which has just begun.
        let lines = if step == Step::Concluded { usize::MAX } else { lines };
        self.planned = Some(Planned { basket, step, kill: Kill { delay, lines } });
    }

    /// The kill that is due in this step. It comes once.
    pub(super) fn due(&mut self, basket: usize, step: Step) -> Option<Kill> {
        let planned = self.planned.take_if(|planned| (planned.basket, planned.step) == (basket, step))?;
        self.last = Some(basket);
        Some(planned.kill)
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        splitmix64(&mut self.chance) % sides.max(1)
    }
}

/// What killed registers were in the middle of, by what their journals and the channel database hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct KilledIn {
    /// A sale that lacked lines.
    pub lines: u64,
    /// A sale with all its lines, which was not concluded.
    pub payment: u64,
    /// An upload that had not arrived.
    pub upload: u64,
    /// An upload that had arrived, and the register did not know.
    pub answer: u64,
    /// Nothing: all that was rung up was concluded, and known to have arrived.
    pub nothing: u64,
}

impl KilledIn {
    /// One kill, of a register whose basket has so many lines. The channel database is read where it is a file.
    pub(super) fn found(data: &Path, lines: usize, channel: Option<&Path>) -> Result<Self, String> {
        let mut found = Self::default();
        let counted = match compare::lines_in_hand(data)? {
            0 => {
                let unsent = compare::unsent_ids(data)?;
                let has_one = |channel| unsent.iter().try_fold(false, |any, id| Ok::<_, String>(any || compare::has(channel, id)?));
                match (unsent.is_empty(), channel.map_or(Ok(false), has_one)?) {
                    (true, _) => &mut found.nothing,
                    (false, true) => &mut found.answer,
                    (false, false) => &mut found.upload,
                }
            }
            in_hand if in_hand < lines => &mut found.lines,
            _ => &mut found.payment,
        };
        *counted = 1;
        Ok(found)
    }
}

impl AddAssign for KilledIn {
    fn add_assign(&mut self, more: Self) {
        self.lines += more.lines;
        self.payment += more.payment;
        self.upload += more.upload;
        self.answer += more.answer;
        self.nothing += more.nothing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_basket_has_one_kill_and_they_come_in_every_kind_of_step() {
        const LINES: usize = 4;
        let mut kills = Kills::new("kill=every 1".parse().unwrap(), 7);
        let mut seen = Vec::new();
        for basket in 0..60 {
            let steps = || (0..LINES).map(Step::Line).chain([Step::Payment, Step::Concluded]);
            kills.plan(basket, LINES);
            let due: Vec<Step> = steps().filter(|step| kills.due(basket, *step).is_some()).collect();
            assert_eq!(due.len(), 1, "{due:?}");
            seen.extend(due);
            kills.plan(basket, LINES);
            assert!(steps().all(|step| kills.due(basket, step).is_none()), "it goes on after its kill");
        }
        for step in (0..LINES).map(Step::Line).chain([Step::Payment, Step::Concluded]) {
            assert!(seen.contains(&step), "{step:?}");
        }
    }
}
