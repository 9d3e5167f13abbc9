//! What goes wrong during a replay, and when: `none`, `every=50,for=20`, `hang=every 60`, `cut=every 50`, `kill=every 97`, or
//! several of them.

use std::fmt;
use std::str::FromStr;

use crate::road::Condition;

/// A pattern of outages, counted in each register's baskets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outages {
    /// After so many baskets the network is cut …
    every: usize,
    /// … for so many.
    duration: usize,
    /// One basket in so many meets a network that hangs.
    hang_every: usize,
    /// In one basket of so many answers are lost, after the scale unit has done what was asked.
    cut_every: usize,
    /// In one basket of so many the register is killed.
    kill_every: usize,
}

/// How far a basket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Its second line or a later one is rung up.
    Lines,
    /// It is about to be paid; its upload comes next.
    Payment,
}

impl Outages {
    /// The road while a basket (from 0) is rung up, from its second line on. Of the baskets that cost answers, every other loses the first
    /// that any of its lines needs, and the others that of their upload.
    pub fn road(&self, basket: usize, stage: Stage) -> Condition {
        let cycle = self.every + self.duration;
        if self.duration > 0 && basket % cycle >= self.every {
            return Condition::Down;
        }
        if is_due(self.hang_every, basket) {
            return Condition::Hang;
        }
        let cuts_lines = (basket / self.cut_every.max(1)) % 2 == 1;
        let is_cut = is_due(self.cut_every, basket) && (cuts_lines || stage == Stage::Payment);
        if is_cut { Condition::Lost } else { Condition::Up }
    }

    /// Whether the register is killed in this basket.
    pub fn kills(&self, basket: usize) -> bool {
        is_due(self.kill_every, basket)
    }
}

fn is_due(every: usize, basket: usize) -> bool {
    every > 0 && basket % every == every - 1
}

impl FromStr for Outages {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut outages = Self::default();
        if text == "none" {
            return Ok(outages);
        }
        for part in text.split(',').map(str::trim) {
            let number = |digits: &str| match digits.trim().parse::<usize>() {
                Ok(number) if (1..=1_000_000).contains(&number) => Ok(number),
                Ok(_) | Err(_) => Err(format!("`{part}` has no number from 1 to 1000000")),
            };
            match part.split_once('=') {
                Some(("every", count)) => outages.every = number(count)?,
                Some(("for", count)) => outages.duration = number(count)?,
                Some(("hang", count)) => outages.hang_every = number(count.trim_start().strip_prefix("every").unwrap_or(count))?,
                Some(("cut", count)) => outages.cut_every = number(count.trim_start().strip_prefix("every").unwrap_or(count))?,
                Some(("kill", count)) => outages.kill_every = number(count.trim_start().strip_prefix("every").unwrap_or(count))?,
                Some(_) | None => {
                    return Err(format!("`{part}` is not known; expected none, every=N,for=N, hang=every N, cut=every N or kill=every N"));
                }
            }
        }
        if (outages.every > 0) != (outages.duration > 0) {
            return Err("every=N and for=N belong together".to_owned());
        }
        Ok(outages)
    }
}

impl fmt::Display for Outages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.duration > 0 {
            parts.push(format!("every={},for={}", self.every, self.duration));
        }
        if self.hang_every > 0 {
            parts.push(format!("hang=every {}", self.hang_every));
        }
        if self.cut_every > 0 {
            parts.push(format!("cut=every {}", self.cut_every));
        }
        if self.kill_every > 0 {
            parts.push(format!("kill=every {}", self.kill_every));
        }
        if parts.is_empty() { f.write_str("none") } else { f.write_str(&parts.join(",")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_back_and_mistakes_are_named() {
        for text in [
            "none",
            "every=50,for=20",
            "hang=every 60",
            "kill=every 97",
            "cut=every 2",
            "every=40,for=15,hang=every 60,cut=every 50,kill=every 97",
        ] {
            assert_eq!(text.parse::<Outages>().unwrap().to_string(), text);
        }
        for text in ["", "every=50", "for=20", "every=x,for=1", "every=0,for=1", "cuts=3", "cut=every", "kill=every"] {
            assert!(text.parse::<Outages>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_network_is_cut_after_every_so_many_baskets() {
        let outages: Outages = "every=3,for=2".parse().unwrap();
        let down: Vec<bool> = (0..10).map(|basket| outages.road(basket, Stage::Lines) == Condition::Down).collect();
        assert_eq!(down, [false, false, false, true, true, false, false, false, true, true]);
    }

    #[test]
    fn answers_are_lost_while_lines_are_rung_up_or_from_the_payment_on() {
        let outages: Outages = "cut=every 2".parse().unwrap();
        let lost = |stage| (0..8).map(|basket| outages.road(basket, stage) == Condition::Lost).collect::<Vec<bool>>();
        assert_eq!(lost(Stage::Lines), [false, false, false, true, false, false, false, true]);
        assert_eq!(lost(Stage::Payment), [false, true, false, true, false, true, false, true]);
    }
}
