//! 520 Gift card balance: what only headquarters knows, and no place else remembers.

use super::super::Till;
use super::super::stop::Stop;
use crate::desk::{Desk, NumberPrompt, Page, Prompt};

/// Digits of a card's number that are shown.
const SHOWN: usize = 4;

/// 520: the button's parameter is a card's number.
pub(super) fn balance(till: &mut Till, desk: &mut dyn Desk, parameter: Option<&str>) -> Result<(), Stop> {
    const TITLE: &str = "Gift card balance";
    let prompt = NumberPrompt {
        title: TITLE.to_owned(),
        label: "Number of the gift card".to_owned(),
        facts: Vec::new(),
        suggestion: None,
        choices: Vec::new(),
        problem: None,
    };
    let number = match parameter {
        Some(number) => number.to_owned(),
        None => till.ask_any_number(desk, &prompt, |_, _, text| match text {
            "" => Err(Stop::refused("no number yet", "")),
            number => Ok(number.to_owned()),
        })?,
    };
    let asked = number.clone();
    let card = till.ask_headquarters(desk, TITLE, move |channel| channel.gift_card(&asked))?;
    let Some(card) = card else {
        return Err(Stop::refused(format!("headquarters knows no gift card {}", masked(&number)), "read its number again"));
    };
    let row = |name: &str, value: String| (name.to_owned(), value);
    let rows =
        vec![row("Card", masked(&card.number)), row("Balance", card.balance.plain()), row("As of", till.local_time(till.clock.now()))];
    till.ask(desk, Prompt::Page(Page { title: TITLE.to_owned(), rows, action: None }))?;
    Ok(())
}

/// A card's number as others may see it: its last digits.
fn masked(number: &str) -> String {
    let hidden = number.chars().count().saturating_sub(SHOWN);
    number.chars().enumerate().map(|(place, character)| if place < hidden { '•' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shown_by_its_last_digits() {
        for (number, shown) in [("6035220001234567", "••••••••••••4567"), ("4567", "4567"), ("7", "7"), ("", "")] {
            assert_eq!(masked(number), shown);
        }
    }
}
