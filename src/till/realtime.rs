//! What only headquarters knows: asked while the cashier may give up, with a time-out of its own.

use std::sync::Arc;
use std::time::Duration;

use super::{Stop, Till};
use crate::channel::{Channel, ChannelError, ErrorKind, Result as ChannelResult};
use crate::connection::Source;
use crate::desk::{Background, Desk, Prompt, Question, Wait};

/// An answer that comes this soon needs no window that says it is waited for.
const AT_ONCE: Duration = Duration::from_millis(150);

impl Till {
    /// Asks headquarters through the scale unit. Esc gives up; neither that nor the time-out takes the register offline.
    pub(super) fn ask_headquarters<T: Send + 'static>(
        &mut self,
        desk: &mut dyn Desk,
        title: &str,
        request: impl FnOnce(&dyn Channel) -> ChannelResult<T> + Send + 'static,
    ) -> Result<T, Stop> {
        desk.show(&self.view());
        let news = Arc::clone(&self.news);
        let wake = move || news(Background::RealtimeAnswered);
        let call = self.sources.begin_realtime(request, wake).map_err(|error| self.unanswered(title, error))?;
        call.wait(AT_ONCE);
        self.serial += 1;
        let prompt = Prompt::Wait(Wait { title: title.to_owned(), text: "headquarters is being asked".to_owned() });
        let question = Question { serial: self.serial, prompt };
        loop {
            let answer = self.sources.look_at_realtime(&call);
            self.write_down_switches();
            if let Some(answer) = answer {
                return answer.map_err(|error| self.unanswered(title, error));
            }
            if let Err(given_up) = self.next_answer(desk, &question) {
                self.sources.give_up_realtime();
                return Err(given_up);
            }
        }
    }
    /// Headquarters away and the register offline are two different things to the cashier.
    fn unanswered(&mut self, title: &str, error: ChannelError) -> Stop {
        if error.kind == ErrorKind::Unsupported && self.sources.source() == Source::Offline {
            return Stop::not_offline(title);
        }
        self.refusal(error)
    }
}
