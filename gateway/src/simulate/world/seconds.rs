//! A house that is simulated second by second: clouds, steps and late meters.
//!
//! `{"type":"hello","dt_s":1,"battery":true,"node":{..}}`, then each second `{"type":"obs","t":0,"grid_w":-700,"grid_age_s":1,..}` with
//! readings, each as old as it says, answered by `{"p_compute_w":600,"p_bat_min_w":null}`.

use crate::solver::Solver;
use anyhow::{Context, Result, ensure};
use plant::checkpoint::Restored;
use plant::command::{Command, Mode};
use plant::decision::{BatteryMode, Setting};
use plant::effect::Effect;
use plant::event::Event;
use plant::plant::Plant;
use plant::point::{Point, Sample};
use plant::site::Site;
use plant::time::Timestamp;
use plant::work::{WorkerState, WorkerStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The site that such a house describes.
mod site;

/// Simulated seconds that a house may last, and the greatest age of a reading: thirty years.
const SECONDS_MAX: i64 = 1_000_000_000;
/// When the simulated time begins: a summer noon, which nothing depends on.
const START: i64 = 1_750_000_500;

/// What the simulator says first.
#[derive(Debug, Deserialize)]
struct Hello {
    #[serde(default)]
    battery: bool,
    node: site::Node,
}

/// What the meters show; a value without an age was read just now.
#[derive(Debug, Deserialize)]
struct Seen {
    t: i64,
    grid_w: Option<f64>,
    #[serde(default)]
    grid_age_s: Option<f64>,
    plug_w: Option<f64>,
    #[serde(default)]
    plug_age_s: Option<f64>,
    battery_w: Option<f64>,
    #[serde(default)]
    battery_age_s: Option<f64>,
    soc: Option<f64>,
}

impl Seen {
    fn check(&self) -> Result<()> {
        ensure!((0..=SECONDS_MAX).contains(&self.t), "t is {}; expected seconds from 0 to {SECONDS_MAX}", self.t);
        let ages =
            [("grid_age_s", self.grid_age_s), ("plug_age_s", self.plug_age_s), ("battery_age_s", self.battery_age_s)];
        for (name, age) in ages {
            let age = age.unwrap_or(0.0);
            ensure!((0.0..=SECONDS_MAX as f64).contains(&age), "{name} is {age}; expected 0 to {SECONDS_MAX}");
        }
        Ok(())
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Answer {
    p_compute_w: f64,
    /// The least battery power: 0 while it is held.
    p_bat_min_w: Option<f64>,
}

/// The core, and the house that somebody else simulates.
pub(super) struct World {
    plant: Plant,
    solver: Solver,
    start: Timestamp,
    answer: Answer,
}

impl World {
    /// The house that `hello` describes.
    pub(super) fn new(hello: Value) -> Result<Self> {
        let hello: Hello = serde_json::from_value(hello).context("hello")?;
        hello.node.check()?;
        let site = site::site(&hello.node, hello.battery);
        let start = Timestamp::from_timestamp(START, 0).unwrap_or_default();
        let mut plant = Plant::new(site, Restored::default(), start);
        let engine = WorkerStatus { state: WorkerState::Busy, ..WorkerStatus::default() };
        plant.handle(Event::Worker(Box::new(engine)), start);
        plant.handle(Event::Command(Command::SetMode(Mode::Surplus)), start);
        Ok(Self { plant, solver: Solver::default(), start, answer: Answer { p_compute_w: 0.0, p_bat_min_w: None } })
    }

    /// What is to be done about what is seen.
    pub(super) fn answer(&mut self, seen: Value) -> Result<Answer> {
        let seen: Seen = serde_json::from_value(seen)?;
        seen.check()?;
        let now = self.start + chrono::TimeDelta::seconds(seen.t);
        for sample in samples(self.plant.site(), &seen, now) {
            self.handle(Event::Sample(sample), now);
        }
        self.handle(Event::Wake, now);
        Ok(self.answer)
    }

    fn handle(&mut self, event: Event, now: Timestamp) {
        let mut effects = self.plant.handle(event, now);
        while let Some(effect) = (!effects.is_empty()).then(|| effects.remove(0)) {
            match effect {
                Effect::Apply(wanted) => wanted.setpoints.iter().for_each(|setpoint| self.obey(setpoint.setting)),
                Effect::Plan(request) => {
                    let plan = self.solver.plan(&request);
                    effects.extend(self.plant.handle(Event::Plan(Box::new(plan)), now));
                }
                Effect::Append(_) | Effect::Checkpoint(_) | Effect::Publish(_) => {}
            }
        }
    }

    fn obey(&mut self, setting: Setting) {
        if let Setting::ComputeBudget(watts) = setting {
            self.answer.p_compute_w = watts.0;
        }
        // Nothing else is listed for this house.
        if let Setting::BatteryMode(mode) = setting {
            self.answer.p_bat_min_w = (mode != BatteryMode::Normal).then_some(0.0);
        }
    }
}

/// The readings, each at the moment at which it was taken.
fn samples(site: &Site, seen: &Seen, now: Timestamp) -> Vec<Sample> {
    let readings = [
        (Point::GridPower, seen.grid_w, seen.grid_age_s),
        (Point::ComputePower, seen.plug_w, seen.plug_age_s),
        (Point::BatteryPower, seen.battery_w.map(|charge| -charge), seen.battery_age_s),
        (Point::BatterySoc, seen.soc.map(|share| share * 100.0), None),
    ];
    let sample = |(point, value, age): (Point, Option<f64>, Option<f64>)| {
        let device = site.devices.iter().find(|device| device.points.contains(&point))?;
        let age = chrono::TimeDelta::milliseconds((age.unwrap_or(0.0) * 1000.0) as i64);
        Some(Sample { device: device.id.clone(), point, value: Some(value?), at: now - age })
    };
    readings.into_iter().filter_map(sample).collect()
}
