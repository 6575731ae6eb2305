//! Plans on a thread of their own: the solver begins where it last ended, and nobody waits for it.

use crate::solver::Solver;
use plant::event::Event;
use plant::plan::PlanRequest;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::mpsc;

/// Has plans made. Its thread ends with it, and is not waited for.
#[derive(Debug)]
pub struct Planner {
    requests: Option<Sender<Box<PlanRequest>>>,
    plans: mpsc::Sender<Event>,
}

impl Planner {
    /// Plans go to `plans`, as events.
    pub fn new(plans: mpsc::Sender<Event>) -> Self {
        Self { requests: None, plans }
    }

    /// Has `request` planned. Of several that wait only the newest is.
    ///
    /// # Errors
    ///
    /// Where no thread can be had.
    pub fn ask(&mut self, request: Box<PlanRequest>) -> std::io::Result<()> {
        let Some(request) = self.hand_over(request) else { return Ok(()) };
        let (requests, asked) = channel();
        let plans = self.plans.clone();
        std::thread::Builder::new().name("planner".to_owned()).spawn(move || make(&asked, &plans))?;
        self.requests = Some(requests);
        self.hand_over(request);
        Ok(())
    }

    /// Returns the request where no thread takes it: none was begun yet, or it has failed.
    fn hand_over(&self, request: Box<PlanRequest>) -> Option<Box<PlanRequest>> {
        match &self.requests {
            Some(requests) => requests.send(request).err().map(|unsent| unsent.0),
            None => Some(request),
        }
    }
}

fn make(asked: &Receiver<Box<PlanRequest>>, plans: &mpsc::Sender<Event>) {
    let mut solver = Solver::default();
    while let Ok(first) = asked.recv() {
        let request = asked.try_iter().last().unwrap_or(first);
        let plan = Box::new(solver.plan(&request));
        if plans.blocking_send(Event::Plan(plan)).is_err() {
            return;
        }
    }
}
