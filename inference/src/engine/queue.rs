//! Requests that wait for a slot: a priority queue of two classes, each by arrival.
//!
//! Somebody waits for an *interactive* request; a *deferrable* one can wait. An answer that was interrupted goes on
//! before the deferrable requests that have not begun, because what it has computed may still lie in its slot.
//!
//! Example, interactive before the bar: `A | B C` are waiting. The interactive `D` arrives: `A D | B C`. The answer `E`
//! is preempted: `A D | E B C`.

use super::sequence::Sequence;
use super::work::ModelFile;
use std::collections::VecDeque;

#[derive(Default)]
pub(super) struct Queue(VecDeque<Sequence>);

impl Queue {
    /// Adds a request that has just come.
    pub(super) fn add(&mut self, sequence: Sequence) {
        let at = if sequence.interactive() { self.interactive() } else { self.0.len() };
        self.0.insert(at, sequence);
    }

    /// Takes back a deferrable answer that made room for somebody.
    pub(super) fn take_back(&mut self, sequence: Sequence) {
        self.0.insert(self.interactive(), sequence);
    }

    /// The request whose turn it is.
    pub(super) fn head(&self) -> Option<&Sequence> {
        self.0.front()
    }

    /// Takes the request whose turn it is.
    pub(super) fn take(&mut self) -> Option<Sequence> {
        self.0.pop_front()
    }

    /// Takes all requests for `model`.
    pub(super) fn remove_all_for(&mut self, model: &ModelFile) -> Vec<Sequence> {
        let (theirs, others) = self.0.drain(..).partition(|sequence| sequence.request.model == *model);
        self.0 = others;
        Vec::from(theirs)
    }

    /// Drops requests that nobody listens to. One with a part of its answer stays: it is work to be booked.
    pub(super) fn drop_abandoned(&mut self) {
        self.0.retain(|sequence| !sequence.abandoned() || !sequence.generated().is_empty());
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Sequence> {
        self.0.drain(..)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of them are interactive; they stand first.
    pub(super) fn interactive(&self) -> usize {
        self.0.iter().take_while(|sequence| sequence.interactive()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::work::{Class, Options, Request};
    use super::*;
    use std::sync::Arc;

    fn request(id: &str, class: Class) -> Sequence {
        let model = ModelFile { name: "m".into(), path: "m.gguf".into() };
        let (prompt, options) = (String::new(), Options::default());
        let request = Request { id: id.into(), model, prompt, class, job: None, options };
        let (events, _) = tokio::sync::mpsc::unbounded_channel();
        let seat = Arc::new(tokio::sync::Semaphore::new(1)).try_acquire_owned().unwrap();
        Sequence::new(request, events, seat, crate::stopwatch::now())
    }

    #[test]
    fn who_waits_goes_first_and_who_has_begun_goes_before_who_has_not() {
        let mut queue = Queue::default();
        for (id, class) in
            [("B", Class::Deferrable), ("A", Class::Interactive), ("C", Class::Deferrable), ("D", Class::Interactive)]
        {
            queue.add(request(id, class));
        }
        queue.take_back(request("E", Class::Deferrable));
        assert_eq!((queue.len(), queue.interactive()), (5, 2));
        let ids: String = queue.drain().map(|sequence| sequence.request.id.clone()).collect();
        assert_eq!(ids, "ADEBC");
    }
}
