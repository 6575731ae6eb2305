//! A closed loop around the plant, second by second: true powers on one side, meters that are late, seldom and coarse on the other.
//! What a test counts, it counts from the true powers.

use crate::checkpoint::Restored;
use crate::command::{Command, Mode};
use crate::decision::{BatteryMode, HeatPumpMode, Setting};
use crate::effect::Effect;
use crate::event::Event;
use crate::plant::Plant;
use crate::point::Point;
use crate::record::Record;
use crate::site::Site;
use crate::test_site::{at, sample};
use crate::time::Timestamp;
use crate::units::Watts;
use crate::work::{WorkerState, WorkerStatus};
use std::collections::{BTreeMap, VecDeque};

/// How a point is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    pub device: &'static str,
    pub point: Point,
    /// Seconds between two readings.
    pub every: u64,
    /// How many seconds ago it was what a reading shows.
    pub late: usize,
    /// What readings are rounded to.
    pub digit: f64,
}

impl Meter {
    pub(crate) fn new(device: &'static str, point: Point, every: u64, late: usize) -> Self {
        Self { device, point, every, late, digit: 1.0 }
    }
}

/// What is commanded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Commanded {
    pub budget: f64,
    pub offer: f64,
    pub boost: bool,
    pub hold: bool,
}

pub(crate) struct Loop {
    pub plant: Plant,
    pub now: Timestamp,
    pub second: u64,
    pub commanded: Commanded,
    /// What the box draws.
    pub compute: f64,
    pub record: Option<Record>,
    /// Changes of the offer, starts of the boost, starts of compute.
    pub offers: u32,
    pub boosts: u32,
    pub starts: u32,
    /// Imported energy in kWh, by the true power of the grid.
    pub imported: f64,
    pub computed: f64,
    meters: Vec<Meter>,
    truth: BTreeMap<Point, VecDeque<f64>>,
    budgets: VecDeque<f64>,
}

impl Loop {
    pub(crate) fn new(site: Site, mode: Mode, meters: &[Meter]) -> Self {
        let now = at("2026-04-10T10:00:00Z");
        let mut plant = Plant::new(site, Restored::default(), now);
        let worker = WorkerStatus { state: WorkerState::Busy, power: Some(Watts::ZERO), ..WorkerStatus::default() };
        plant.handle(Event::Worker(Box::new(worker)), now);
        plant.handle(Event::Command(Command::SetMode(mode)), now);
        Self {
            plant,
            now,
            second: 0,
            commanded: Commanded { budget: 0.0, offer: 0.0, boost: false, hold: false },
            compute: 0.0,
            record: None,
            offers: 0,
            boosts: 0,
            starts: 0,
            imported: 0.0,
            computed: 0.0,
            meters: meters.to_vec(),
            truth: BTreeMap::new(),
            budgets: VecDeque::from([0.0; 3]),
        }
    }

    /// Lives for `seconds` in a world that says what is true of each point, given what is commanded and what the box draws.
    pub(crate) fn live(&mut self, seconds: u64, mut world: impl FnMut(&Commanded, f64, u64) -> Vec<(Point, f64)>) {
        for _ in 0..seconds {
            // The box obeys after three seconds.
            self.budgets.push_back(self.commanded.budget);
            self.compute = self.budgets.pop_front().unwrap();
            let mut truth = world(&self.commanded, self.compute, self.second);
            truth.push((Point::ComputePower, self.compute));
            for (point, value) in truth {
                if point == Point::GridPower {
                    self.imported += value.max(0.0) / 3.6e6;
                }
                let past = self.truth.entry(point).or_default();
                past.push_front(value);
                past.truncate(600);
            }
            self.computed += self.compute / 3.6e6;
            self.read();
            self.wake();
            self.second += 1;
            self.now += chrono::TimeDelta::seconds(1);
        }
    }

    /// Nobody reads `point` any more.
    pub(crate) fn silence(&mut self, point: Point) {
        self.meters.retain(|meter| meter.point != point);
    }

    fn read(&mut self) {
        for meter in self.meters.clone() {
            let Some(past) = self.truth.get(&meter.point) else { continue };
            if self.second.is_multiple_of(meter.every) {
                let value = past.get(meter.late).or(past.back()).copied().unwrap();
                let value = (value / meter.digit).round() * meter.digit;
                let sample = sample(meter.device, meter.point, Some(value), self.now);
                self.plant.handle(Event::Sample(sample), self.now);
            }
        }
    }

    fn wake(&mut self) {
        for effect in self.plant.handle(Event::Wake, self.now) {
            match effect {
                Effect::Apply(wanted) => {
                    let before = self.commanded;
                    for setpoint in wanted.setpoints {
                        match setpoint.setting {
                            Setting::ComputeBudget(watts) => self.commanded.budget = watts.0,
                            Setting::BatteryMode(mode) => self.commanded.hold = mode == BatteryMode::Hold,
                            Setting::HeatPumpMode(mode) => self.commanded.boost = mode == HeatPumpMode::Boost,
                            Setting::HeatPumpSurplus(watts) => self.commanded.offer = watts.0,
                            Setting::ComputeHeatRoute(_)
                            | Setting::BatteryChargePower(_)
                            | Setting::BatteryChargeLimit(_)
                            | Setting::BatteryDischargeLimit(_)
                            | Setting::HeatPumpRoomPower(_)
                            | Setting::HeatPumpHotWaterPower(_)
                            | Setting::HeatPumpCoolingPower(_)
                            | Setting::HeatPumpRoomShift(_)
                            | Setting::HeatPumpHotWaterShift(_)
                            | Setting::PvLimit(_) => {}
                        }
                    }
                    self.offers += u32::from(before.offer != self.commanded.offer);
                    self.boosts += u32::from(self.commanded.boost && !before.boost);
                    self.starts += u32::from(self.commanded.budget > 0.0 && before.budget <= 0.0);
                }
                Effect::Publish(record) => self.record = Some(*record),
                Effect::Append(_) | Effect::Checkpoint(_) | Effect::Plan(_) => {}
            }
        }
    }

    pub(crate) fn why(&self) -> &str {
        self.record.as_ref().map_or("", |record| &record.explanation)
    }
}

/// Small loads that come and go: between 0 and 120 W, never still.
pub(crate) fn restless(second: u64) -> f64 {
    (second * 7919 % 61) as f64 + if (second / 37).is_multiple_of(2) { 60.0 } else { 0.0 }
}
