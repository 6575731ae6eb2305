//! The compute box: it hears late, starts slowly, ramps, never draws less than its idle power while it is on, at times has less
//! work than it may take, and at times does not hear at all.

use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub(crate) struct Accelerator {
    /// Power without work, in W.
    pub idle: f64,
    /// Seconds from a command to the first watt.
    pub delay: f64,
    /// Seconds of its start beyond that.
    pub starts_in: f64,
    /// In W a second.
    pub ramp: f64,
    /// Share of its budget that its work takes.
    pub work: f64,
    /// Whether it ignores what it is set to.
    pub deaf: bool,
    pub power: f64,
    pub celsius: f64,
    /// Temperature around it, in °C.
    pub cellar: f64,
    budget: f64,
    up_at: f64,
    heard: VecDeque<(f64, f64)>,
}

impl Accelerator {
    pub(crate) fn new(idle: f64, delay: f64, starts_in: f64, ramp: f64) -> Self {
        Self {
            idle,
            delay,
            starts_in,
            ramp,
            work: 1.0,
            deaf: false,
            power: 0.0,
            celsius: 20.0,
            cellar: 20.0,
            budget: 0.0,
            up_at: 0.0,
            heard: VecDeque::new(),
        }
    }

    pub(crate) fn set(&mut self, t: f64, budget: f64) {
        if self.heard.back().map_or(self.budget, |(_, last)| *last) != budget {
            self.heard.push_back((t + self.delay, budget));
        }
    }

    pub(crate) fn step(&mut self, t: f64, dt: f64) {
        while !self.deaf && self.heard.front().is_some_and(|(at, _)| *at <= t) {
            let Some((_, budget)) = self.heard.pop_front() else { break };
            if self.budget <= 0.0 && budget > 0.0 {
                self.up_at = t + self.starts_in;
            }
            self.budget = budget;
        }
        let target = match () {
            () if self.budget <= 0.0 => 0.0,
            () if t < self.up_at => self.idle,
            () => (self.budget * self.work).max(self.idle),
        };
        self.power += (target - self.power).clamp(-self.ramp * dt, self.ramp * dt);
        // Ten minutes to warm through, 12 K above the cellar for each kilowatt.
        self.celsius += (self.cellar + 0.012 * self.power - self.celsius) * dt / 600.0;
    }
}
