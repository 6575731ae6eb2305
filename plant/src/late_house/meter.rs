//! A meter: it reads seldom, shows late, rounds, errs, and at times falls silent or repeats itself.
//!
//! Example: read every 10 s and shown 2 s late, a power that jumps to 3 kW just after a reading is known 12 s later.

use super::chance::Chance;
use super::truth::Truth;
use crate::point::Point;
use std::collections::{BTreeMap, VecDeque};

/// What goes wrong with a meter for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    Silent,
    /// Shows its last values again and again, as if they were new.
    Stuck,
}

/// A value that the house's gateway gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub point: Point,
    pub value: f64,
    /// When it was true, in seconds.
    pub taken: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Meter {
    pub device: &'static str,
    pub points: Vec<Point>,
    /// Seconds between two readings.
    pub every: f64,
    /// Seconds from the reading to the showing.
    pub late: f64,
    /// Steps of its powers, in W.
    pub step: f64,
    /// Steps of its counters, in kWh.
    pub count: f64,
    /// Greatest error, as a share.
    pub error: f64,
    /// What it makes of a power for good: -1 where it counts backwards, 0.3 where it sees one of several inverters.
    pub factors: BTreeMap<Point, f64>,
    /// After this many seconds what it has shown is stale.
    pub max_age: f64,
    /// From when to when it is in trouble, in seconds.
    pub troubles: Vec<(f64, f64, Trouble)>,
    next: f64,
    waiting: VecDeque<(f64, Vec<Reading>)>,
    last: Vec<Reading>,
}

impl Meter {
    pub(crate) fn new(device: &'static str, points: &[Point], (every, late): (f64, f64)) -> Self {
        Self {
            device,
            points: points.to_vec(),
            every,
            late,
            step: 1.0,
            count: 0.01,
            error: 0.0,
            factors: BTreeMap::new(),
            max_age: 60f64.max(3.0 * every + late),
            troubles: Vec::new(),
            next: 0.0,
            waiting: VecDeque::new(),
            last: Vec::new(),
        }
    }

    pub(crate) fn trouble(&self, t: f64) -> Option<Trouble> {
        self.troubles.iter().find(|(from, to, _)| (*from..*to).contains(&t)).map(|(_, _, trouble)| *trouble)
    }

    /// What it shows at `t`, where that is something new.
    pub(crate) fn show(&mut self, t: f64, truth: &Truth, chance: &mut Chance) -> Vec<Reading> {
        if t >= self.next {
            self.next += self.every;
            let read = |point: &Point| self.read(*point, t, truth, chance.between(-1.0, 1.0));
            let readings = self.points.iter().filter_map(read).collect();
            self.waiting.push_back((t + self.late, readings));
        }
        let mut shown = Vec::new();
        while self.waiting.front().is_some_and(|(at, _)| *at <= t) {
            let Some((_, readings)) = self.waiting.pop_front() else { break };
            match self.trouble(t) {
                Some(Trouble::Silent) => {}
                Some(Trouble::Stuck) => shown = self.last.clone(),
                None => {
                    shown = readings;
                    self.last = shown.clone();
                }
            }
        }
        shown
    }

    fn read(&self, point: Point, t: f64, truth: &Truth, error: f64) -> Option<Reading> {
        let step = match point.unit() {
            "W" => self.step,
            "°C" => 0.1,
            "kWh" => self.count,
            _ => 1.0,
        };
        let erring = if point.unit() == "W" { 1.0 + self.error * error } else { 1.0 };
        let factor = self.factors.get(&point).copied().unwrap_or(1.0);
        let value = (truth.shown(point)? * erring * factor / step).round() * step;
        Some(Reading { point, value, taken: t })
    }
}
