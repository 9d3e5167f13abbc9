//! The cashier's part of a test: steps in words, separated by `;`, given one after another to a till that asks.
//!
//! | Step | Is |
//! | --- | --- |
//! | `scan CODE` | typed or scanned at the entry line |
//! | `105`, `200 coupon` | an operation, with its button's parameter |
//! | `type 3` | a number; `type` alone takes the suggestion |
//! | `yes`, `no` | Enter, Esc |
//! | `sign 000160`, `sign 000160/9` | credentials, with PIN 123 or another |
//! | `code K7Q` | an activation code |
//! | `find TEXT`, `pick NUMBER` | in a search |
//! | `line 2`, `payment 1` | selects |
//! | `road down` | the scale unit from now on: `up`, `down`, `hangs`, `slow 500`, `broken`, `without CODE`; headquarters is `away` or `stuck`; it refuses: `deactivated`, `sessionless`, `locked` |
//! | `wait 300` | so many seconds pass |
//! | `deadline`, `changed`, `fetched`, `unfetched WHY`, `cut` | news: a deadline, the configuration is read at the scale unit, the offline database is there or not, an upload found nobody (`cut 1`: one sent at that millisecond) |
//! | `answered` | headquarters' answer is there: waits until the till has shown it |
//! | `sent` | the uploads have brought up everything |
//! | `kill` | the register dies and is started again on what its disk holds (only [`super::shop::Shop::play`] does that) |

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use evertill::channel::{Channel, Refusal};
use evertill::clock::{Clock, Tick, VirtualClock};
use evertill::connection::Failure;
use evertill::desk::{Answer, Background, Desk, Prompt, Purpose, Question, Reply, Selection};
use evertill::retail::staff::Pin;
use evertill::view::View;

use super::road::{Condition, Road};
use super::shop::register;

/// A desk that plays steps, and keeps what it was shown.
pub(super) struct ScriptDesk<'a> {
    pub(super) steps: VecDeque<String>,
    pub(super) clock: &'a VirtualClock,
    pub(super) road: &'a Road,
    /// What `sent` does.
    pub(super) send: &'a (dyn Fn() + Sync),
    /// Looks at every picture before it is answered.
    pub(super) look: &'a mut (dyn FnMut(&View, &Question) + Send),
    /// Everything that was asked, in order.
    pub(super) asked: Vec<Question>,
    /// What was on the screen when the steps ran out.
    pub(super) last: Option<(Arc<View>, Prompt)>,
}

impl Desk for ScriptDesk<'_> {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        (self.look)(view, question);
        self.asked.push(question.clone());
        while let Some(step) = self.steps.pop_front() {
            let (word, rest) = step.split_once(' ').unwrap_or((&step, ""));
            match word {
                // The till looks at the call with every piece of news.
                "answered" if matches!(question.prompt, Prompt::Wait(_)) => {
                    self.steps.push_front(step);
                    std::thread::yield_now();
                    return Reply::Background(Background::RealtimeAnswered);
                }
                "answered" => {}
                "wait" => self.clock.sleep(Duration::from_secs(rest.parse().unwrap())),
                "road" => self.road.set(condition(rest)),
                "sent" => (self.send)(),
                "changed" => {
                    let read = self.road.configuration(&register());
                    return Reply::Background(Background::Configuration(read.map(Box::new)));
                }
                _ => return news(word, rest, self.clock).unwrap_or_else(|| Reply::Answer(answer(word, rest, &question.prompt))),
            }
        }
        self.last = Some((Arc::clone(view), question.prompt.clone()));
        Reply::HungUp
    }

    fn show(&mut self, _: &Arc<View>) {}
}

fn news(word: &str, rest: &str, clock: &VirtualClock) -> Option<Reply> {
    let news = match word {
        "deadline" => Background::DeadlineReached,
        "fetched" => Background::OfflineDatabaseReady,
        "unfetched" => Background::OfflineDatabaseFailed { why: rest.to_owned(), hint: "it is tried again".to_owned() },
        "cut" => Background::UploadUnreachable { sent: rest.parse().map_or(clock.tick(), Tick), failure: Failure::Cut },
        _ => return None,
    };
    Some(Reply::Background(news))
}

/// The answer a step gives, which must be one to the question asked.
fn answer(word: &str, rest: &str, prompt: &Prompt) -> Answer {
    let (answer, fits) = match word {
        "scan" => (Answer::Entry(rest.to_owned()), *prompt == Prompt::Command),
        "line" => (Answer::Select(Selection::Line(rest.parse().unwrap())), *prompt == Prompt::Command),
        "payment" => (Answer::Select(Selection::Payment(rest.parse().unwrap())), *prompt == Prompt::Command),
        "type" => (Answer::Number(rest.to_owned()), matches!(prompt, Prompt::Number(_))),
        "find" => (Answer::SearchText(rest.to_owned()), matches!(prompt, Prompt::Search(_))),
        "pick" => (Answer::Pick(rest.into()), matches!(prompt, Prompt::Search(_))),
        "yes" => (Answer::Yes, matches!(prompt, Prompt::Confirm(_) | Prompt::Page(_) | Prompt::ConnectionStatus(_))),
        "no" => (Answer::Cancel, true),
        "code" => {
            let fits = matches!(prompt, Prompt::Credentials(prompt) if matches!(prompt.purpose, Purpose::Activate { .. }));
            (Answer::Credentials { operator: String::new(), pin: Pin::new(rest) }, fits)
        }
        "sign" => {
            let (operator, pin) = rest.split_once('/').unwrap_or((rest, "123"));
            (Answer::Credentials { operator: operator.to_owned(), pin: Pin::new(pin) }, matches!(prompt, Prompt::Credentials(_)))
        }
        number => {
            let number = number.parse().unwrap_or_else(|_| panic!("there is no step {number:?}"));
            let parameter = (!rest.is_empty()).then(|| rest.to_owned());
            (Answer::Operation { number, parameter }, matches!(prompt, Prompt::Command | Prompt::Credentials(_)))
        }
    };
    assert!(fits, "{word} {rest} is no answer to {prompt:?}");
    answer
}

fn condition(text: &str) -> Condition {
    match text.split_once(' ').unwrap_or((text, "")) {
        ("up", _) => Condition::Up,
        ("down", _) => Condition::Down,
        ("hangs", _) => Condition::Hangs,
        ("slow", ms) => Condition::Slow(ms.parse().unwrap()),
        ("away", _) => Condition::HeadquartersAway,
        ("stuck", _) => Condition::HeadquartersStuck,
        ("broken", _) => Condition::Broken,
        ("deactivated", _) => Condition::Refuses(Refusal::Device),
        ("sessionless", _) => Condition::Refuses(Refusal::Session),
        ("locked", _) => Condition::Refuses(Refusal::Locked),
        ("without", code) => Condition::Without(code.to_owned()),
        _ => panic!("there is no road {text:?}"),
    }
}
