//! The screen as the till's [`Desk`]: the till runs on its own thread and waits here for what the cashier answers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::desk::{Answer, Desk, Question, Reply};
use crate::view::View;

use super::FromTill;
use super::run::Event;

/// The till's end.
pub struct ScreenDesk {
    screen: Sender<Event>,
    replies: Receiver<Reply>,
    serials: Receiver<u64>,
}

/// The screen's end: where answers go.
pub struct Answers {
    replies: Sender<Reply>,
    serials: Sender<u64>,
}

impl ScreenDesk {
    /// A desk that shows on the screen behind `screen`; its other end for the screen; and where background threads send their news.
    pub fn new(screen: Sender<Event>) -> (Self, Answers, Sender<Reply>) {
        let (reply_sender, replies) = channel();
        let (serial_sender, serials) = channel();
        let answers = Answers { replies: reply_sender.clone(), serials: serial_sender };
        (Self { screen, replies, serials }, answers, reply_sender)
    }
}

impl Desk for ScreenDesk {
    fn ask(&mut self, view: &Arc<View>, question: &Question) -> Reply {
        let shown = FromTill::Shown { view: Arc::clone(view), question: Some(question.clone()) };
        if self.screen.send(Event::Till(shown)).is_err() {
            return Reply::HungUp;
        }
        loop {
            match self.replies.recv() {
                Err(_) => return Reply::HungUp,
                Ok(Reply::Answer(answer)) => {
                    // An answer to a question that news has since replaced is not an answer to this one.
                    if self.serials.try_recv() == Ok(question.serial) {
                        return Reply::Answer(answer);
                    }
                }
                Ok(reply @ (Reply::Background(_) | Reply::HungUp)) => return reply,
            }
        }
    }

    fn show(&mut self, view: &Arc<View>) {
        // A screen that was closed is noticed at the next question.
        let _ = self.screen.send(Event::Till(FromTill::Shown { view: Arc::clone(view), question: None }));
    }
}

/// Whichever way the till ends, the screen is told.
impl Drop for ScreenDesk {
    fn drop(&mut self) {
        let _ = self.screen.send(Event::Till(FromTill::Finished));
    }
}

impl Answers {
    /// Gives the answer to the question of that serial. A till that has ended takes none.
    pub fn give(&self, serial: u64, answer: Answer) {
        if self.serials.send(serial).is_ok() {
            let _ = self.replies.send(Reply::Answer(answer));
        }
    }

    /// Tells the till that nobody is there any more.
    pub fn hang_up(&self) {
        let _ = self.replies.send(Reply::HungUp);
    }
}

#[cfg(test)]
mod tests {
    use super::super::gallery::view;
    use super::*;
    use crate::desk::{Background, Prompt};

    fn question(serial: u64) -> Question {
        Question { serial, prompt: Prompt::Command }
    }

    #[test]
    fn an_answer_to_an_earlier_question_is_not_taken_for_this_one() {
        let (events, _shown) = channel();
        let (mut desk, answers, _) = ScreenDesk::new(events);
        answers.give(1, Answer::Yes);
        answers.give(2, Answer::Cancel);
        assert_eq!(desk.ask(&Arc::new(view()), &question(2)), Reply::Answer(Answer::Cancel));
    }

    #[test]
    fn news_comes_between_and_the_answer_after_it() {
        let (events, _shown) = channel();
        let (mut desk, answers, background) = ScreenDesk::new(events);
        background.send(Reply::Background(Background::UploadProgress)).unwrap();
        answers.give(7, Answer::Yes);
        let view = Arc::new(view());
        assert_eq!(desk.ask(&view, &question(7)), Reply::Background(Background::UploadProgress));
        assert_eq!(desk.ask(&view, &question(7)), Reply::Answer(Answer::Yes));
    }

    #[test]
    fn a_closed_screen_hangs_up_and_an_ended_till_finishes() {
        let (events, shown) = channel();
        let (mut desk, answers, _) = ScreenDesk::new(events);
        answers.hang_up();
        assert_eq!(desk.ask(&Arc::new(view()), &question(1)), Reply::HungUp);
        drop(desk);
        assert!(matches!(shown.iter().last(), Some(Event::Till(FromTill::Finished))));
        let (events, shown) = channel();
        drop(shown);
        let (mut desk, _answers, _) = ScreenDesk::new(events);
        assert_eq!(desk.ask(&Arc::new(view()), &question(1)), Reply::HungUp);
    }
}
