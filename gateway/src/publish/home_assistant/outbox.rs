//! Which messages are due: what changed goes out, but not more often than a reader can use it (deduplication and rate
//! limit).
//!
//! Time is counted in ticks of [`TICK`], so that nothing here reads a clock.

use super::states::Message;
use super::topics::State;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the newest record is looked at.
pub const TICK: Duration = Duration::from_millis(250);

/// The least number of ticks between two messages of a topic: where the gist changed, and where only the rest did.
fn pace(state: State) -> (u32, u32) {
    match state {
        State::Live => (8, 8),
        State::Counters | State::Earnings => (20, 20),
        State::Decision => (2, 20),
        State::Plan => (8, 8),
        State::Health => (4, 4),
        State::Mode | State::PowerLimit => (1, 1),
    }
}

/// What was sent last, and when.
#[derive(Debug, Default)]
pub struct Outbox {
    sent: BTreeMap<State, (Message, u32)>,
}

impl Outbox {
    /// Counts a tick.
    pub fn tick(&mut self) {
        for (_, age) in self.sent.values_mut() {
            *age = age.saturating_add(1);
        }
    }

    /// Those of `messages` that are to be sent; they count as sent.
    pub fn due(&mut self, messages: &[Message]) -> Vec<Message> {
        let due: Vec<Message> = messages.iter().filter(|message| self.is_due(message)).cloned().collect();
        for message in &due {
            self.sent.insert(message.state, (message.clone(), 0));
        }
        due
    }

    /// Forgets everything, so that all of it is due again.
    pub fn clear(&mut self) {
        self.sent.clear();
    }

    fn is_due(&self, message: &Message) -> bool {
        let Some((last, age)) = self.sent.get(&message.state) else { return true };
        let (quick, slow) = pace(message.state);
        let wait = if message.gist == last.gist { slow } else { quick };
        message.payload != last.payload && *age >= wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(state: State, payload: &str, gist: &str) -> Message {
        Message { state, payload: payload.into(), gist: gist.into() }
    }

    #[test]
    fn changes_go_out_at_their_pace_and_the_gist_at_once() {
        let mut outbox = Outbox::default();
        let mut sent = |payload: &str, gist: &str| {
            outbox.tick();
            outbox.due(&[message(State::Decision, payload, gist)]).len()
        };
        assert_eq!(sent("a", "surplus"), 1, "the first is always due");
        assert_eq!(sent("a", "surplus"), 0, "nothing changed");
        assert_eq!(sent("b", "surplus"), 0, "only the details changed");
        assert_eq!(sent("b", "off"), 1, "the reason changed");
        assert_eq!(sent("c", "off"), 0);
        let later: usize = (0..20).map(|_| sent("c", "off")).sum();
        assert_eq!(later, 1, "details follow at leisure");
    }

    #[test]
    fn everything_is_due_again_after_a_reconnect() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.due(&[message(State::Mode, "auto", "auto")]).len(), 1);
        assert_eq!(outbox.due(&[message(State::Mode, "auto", "auto")]).len(), 0);
        outbox.clear();
        assert_eq!(outbox.due(&[message(State::Mode, "auto", "auto")]).len(), 1);
    }
}
