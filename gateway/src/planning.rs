//! Plans on a thread of their own, whose solver begins where it last ended. The loop does not wait for it.

use crate::solver::Solver;
use plant::event::Event;
use plant::plan::{Plan, PlanRequest};
use std::sync::mpsc::{Sender, channel};
use tokio::sync::mpsc;

/// Has plans made. Its thread ends with it, and is not waited for.
#[derive(Debug)]
pub struct Planner {
    tasks: Option<Sender<Task>>,
    plans: mpsc::Sender<Event>,
}

/// A request, and where its plan is awaited.
#[derive(Debug)]
struct Task {
    request: Box<PlanRequest>,
    plan: Sender<Plan>,
}

impl Planner {
    /// Plans go to `plans`, as events.
    pub fn new(plans: mpsc::Sender<Event>) -> Self {
        Self { tasks: None, plans }
    }

    /// Has `request` planned.
    ///
    /// # Errors
    ///
    /// Where no thread can be had.
    pub fn ask(&mut self, request: Box<PlanRequest>) -> std::io::Result<()> {
        let (plan, planned) = channel();
        if let Some(task) = self.hand_over(Task { request, plan }) {
            let (tasks, asked) = channel();
            std::thread::Builder::new().name("planner".to_owned()).spawn(move || {
                let mut solver = Solver::default();
                asked.iter().for_each(|Task { request, plan }| {
                    let _ = plan.send(solver.plan(&request));
                });
            })?;
            self.tasks = Some(tasks);
            self.hand_over(task);
        }
        let plans = self.plans.clone();
        // A task of the event loop, so that a clock that stands still in tests stands until the plan is there.
        tokio::task::spawn_blocking(move || {
            if let Ok(plan) = planned.recv() {
                let _ = plans.blocking_send(Event::Plan(Box::new(plan)));
            }
        });
        Ok(())
    }

    /// Returns the task where no thread takes it: none was begun yet, or it has failed.
    fn hand_over(&self, task: Task) -> Option<Task> {
        match &self.tasks {
            Some(tasks) => tasks.send(task).err().map(|unsent| unsent.0),
            None => Some(task),
        }
    }
}
