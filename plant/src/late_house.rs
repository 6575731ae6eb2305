//! A house as bad as a real one, in virtual time around the plant: meters that read seldom and show late, a compute box, a battery
//! and a heat pump that obey slowly or not at all. Its true powers are kept apart from what its meters show.
//!
//! ```text
//!   sun, loads, heat pump, battery, compute --> truth --> account (limits, by true powers)
//!                                                 |
//!             plant <-- samples, late <-- meters <+
//!               +--> setpoints, obeyed late --> compute box, battery, heat pump
//! ```
//!
//! Everything follows from a seed. A step is 0.2 s; the core wakes once a second.

pub(crate) mod accelerator;
pub(crate) mod account;
pub(crate) mod blueprint;
pub(crate) mod chance;
pub(crate) mod heating;
pub(crate) mod household;
pub(crate) mod meter;
pub(crate) mod storage;
pub(crate) mod truth;

use crate::checkpoint::Restored;
use crate::command::{Command, Mode};
use crate::decision::{BatteryMode, Control, HeatPumpMode, Setpoints, Setting};
use crate::effect::Effect;
use crate::event::Event;
use crate::plan::PlanRequest;
use crate::planner;
use crate::plant::Plant;
use crate::point::{DeviceId, Point, Sample};
use crate::reason::Reason;
use crate::record::Record;
use crate::site::Site;
use crate::time::Timestamp;
use crate::units::Watts;
use crate::work::{WorkerState, WorkerStatus};
use accelerator::Accelerator;
use account::{Account, Circumstances};
use chance::Chance;
use chrono::TimeDelta;
use heating::Heating;
use household::{Load, Sky, on_phases};
use meter::{Meter, Trouble};
use std::collections::BTreeMap;
use storage::Storage;
use truth::Truth;

/// Seconds of a step.
pub(crate) const STEP: f64 = 0.2;
/// Seconds for which a plan is computed elsewhere.
const PLANNING: f64 = 2.0;
/// The engine's process is heard this often, in seconds.
const WORKER_EVERY: f64 = 2.0;

/// What the people do at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    Command(Command),
    /// The compute box takes this share of its budget.
    Work(f64),
    Deaf(bool),
    /// The clock on the wall is set by so many milliseconds.
    ClockSet(i64),
}

#[derive(Clone)]
pub(crate) struct LateHouse {
    pub plant: Plant,
    pub accelerator: Accelerator,
    pub storage: Option<Storage>,
    pub heating: Option<Heating>,
    pub loads: Vec<Load>,
    pub sky: Sky,
    /// The phases of the inverter, the heat pump and compute; `None` for all three.
    pub wiring: [Option<usize>; 3],
    pub meters: Vec<Meter>,
    /// In the order of their moments, in seconds.
    pub happenings: Vec<(f64, Happening)>,
    pub account: Account,
    pub truth: Truth,
    pub budget: f64,
    pub record: Option<Record>,
    pub history: Vec<(Timestamp, Event)>,
    pub effects: Vec<Effect>,
    /// Whether `history` and `effects` are kept.
    pub recorded: bool,
    /// Moments at which compute was switched on, in seconds, and why it was switched off.
    pub starts: Vec<f64>,
    pub stops: Vec<(f64, Reason)>,
    /// Moments at which each control of another device got another value.
    pub writes: BTreeMap<Control, Vec<f64>>,
    wanted: BTreeMap<Control, Setting>,
    chance: Chance,
    began: Timestamp,
    clock_set: i64,
    steps: u64,
    plans: Vec<(f64, Box<PlanRequest>)>,
    worker: Option<(f64, WorkerState)>,
}

impl LateHouse {
    pub(crate) fn new(site: Site, account: Account, accelerator: Accelerator, chance: Chance) -> Self {
        let began = crate::test_site::at("2026-04-10T10:00:00Z");
        Self {
            plant: Plant::new(site, Restored::default(), began),
            accelerator,
            storage: None,
            heating: None,
            loads: Vec::new(),
            sky: Sky::new(0.0, f64::MAX),
            wiring: [None; 3],
            meters: Vec::new(),
            happenings: Vec::new(),
            account,
            truth: Truth { room: 21.0, outdoor: 5.0, soc: 50.0, box_temperature: 20.0, ..Truth::default() },
            budget: 0.0,
            record: None,
            history: Vec::new(),
            effects: Vec::new(),
            recorded: false,
            starts: Vec::new(),
            stops: Vec::new(),
            writes: BTreeMap::new(),
            wanted: BTreeMap::new(),
            chance,
            began,
            clock_set: 0,
            steps: 0,
            plans: Vec::new(),
            worker: None,
        }
    }

    /// Seconds since the beginning.
    pub(crate) fn t(&self) -> f64 {
        self.steps as f64 * STEP
    }

    /// What the clock on the wall shows.
    pub(crate) fn now(&self) -> Timestamp {
        self.began + TimeDelta::milliseconds((self.t() * 1000.0).round() as i64 + self.clock_set)
    }

    /// Lives for so many seconds.
    pub(crate) fn live(&mut self, seconds: f64) {
        let end = self.t() + seconds;
        while self.t() < end {
            self.step();
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.handle(Event::Command(command));
    }

    pub(crate) fn meter(&mut self, point: Point) -> &mut Meter {
        self.meters.iter_mut().find(|meter| meter.points.contains(&point)).unwrap()
    }

    pub(crate) fn step(&mut self) {
        let t = self.t();
        while self.happenings.first().is_some_and(|(at, _)| *at <= t) {
            let (_, happening) = self.happenings.remove(0);
            self.happen(happening);
        }
        self.flow(t);
        self.read(t);
        if self.plans.first().is_some_and(|(due, _)| *due <= t) {
            let (_, request) = self.plans.remove(0);
            self.handle(Event::Plan(Box::new(planner::plan(&request, &mut |_| None))));
        }
        if self.now() >= self.plant.next_wake() {
            self.handle(Event::Wake);
        }
        self.judge(t);
        self.steps += 1;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Command(command) => self.command(command),
            Happening::Work(share) => self.accelerator.work = share,
            Happening::Deaf(deaf) => self.accelerator.deaf = deaf,
            Happening::ClockSet(milliseconds) => {
                self.clock_set += milliseconds;
                self.handle(Event::ClockSet(milliseconds));
            }
        }
    }

    /// What truly flows in this step.
    fn flow(&mut self, t: f64) {
        self.loads.iter_mut().for_each(|load| load.step(t, &mut self.chance));
        self.accelerator.step(t, STEP);
        let mut truth =
            Truth { compute: self.accelerator.power, box_temperature: self.accelerator.celsius, ..self.truth };
        if let Some(heating) = &mut self.heating {
            heating.step(t, STEP, &mut self.chance);
            truth.heat_pump = heating.power;
        }
        if let Some(storage) = &mut self.storage {
            storage.step(t, STEP, truth.grid);
            (truth.battery, truth.soc) = (storage.power, storage.soc);
        }
        let mut phases = [0.0; 3];
        let mut add = |powers: [f64; 3]| phases.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power);
        self.loads.iter().for_each(|load| add(load.phases()));
        truth.household = self.loads.iter().map(|load| load.phases().iter().sum::<f64>()).sum();
        let taken = truth.household + truth.heat_pump + truth.compute - truth.battery;
        truth.pv = self.sky.step((t, STEP), taken, &mut self.chance);
        let [inverter, heat_pump, compute] = self.wiring;
        add(on_phases(-truth.pv - truth.battery, inverter));
        add(on_phases(truth.heat_pump, heat_pump));
        add(on_phases(truth.compute, compute));
        truth.phases = phases;
        truth.grid = phases.iter().sum();
        truth.count(STEP);
        // A house that warms by a kelvin with five kilowatt-hours, and loses 1.5 kW at 5 °C.
        truth.room += (0.97 * truth.compute + 3.0 * truth.heat_pump - 1500.0) * STEP / 3.6e6 / 5.0;
        self.truth = truth;
    }

    fn read(&mut self, t: f64) {
        let mut meters = std::mem::take(&mut self.meters);
        for meter in &mut meters {
            for reading in meter.show(t, &self.truth, &mut self.chance) {
                if reading.point == Point::GridPower {
                    self.account.grid_seen(t, reading.taken);
                }
                let device = DeviceId(meter.device.into());
                let sample = Sample { device, point: reading.point, value: Some(reading.value), at: self.now() };
                self.handle(Event::Sample(sample));
            }
        }
        self.meters = meters;
        let state = match () {
            () if self.budget <= 0.0 => WorkerState::Paused,
            () if self.accelerator.work <= 0.0 => WorkerState::Idle,
            () => WorkerState::Busy,
        };
        if self.worker.is_none_or(|(at, last)| last != state || t - at >= WORKER_EVERY) {
            self.worker = Some((t, state));
            let power = Some(Watts(self.truth.compute.round()));
            self.handle(Event::Worker(Box::new(WorkerStatus { state, power, ..WorkerStatus::default() })));
        }
    }

    fn judge(&mut self, t: f64) {
        let record = self.record.as_ref();
        let mut stuck = self.meters.iter().filter(|meter| meter.trouble(t) == Some(Trouble::Stuck)).peekable();
        let any = stuck.peek().is_some();
        let stuck = (stuck.any(|meter| meter.points.contains(&Point::GridPower)), any);
        let now = Circumstances {
            t,
            dt: STEP,
            budget: self.budget,
            off: record.is_some_and(|record| record.mode == Mode::Off),
            dimmed: record.and_then(|record| record.grid_dimming).map(|dimmed| dimmed.0),
            deaf: self.accelerator.deaf,
            stuck,
        };
        self.account.step(self.truth, now);
    }

    fn handle(&mut self, event: Event) {
        let now = self.now();
        if self.recorded {
            self.history.push((now, event.clone()));
        }
        for effect in self.plant.handle(event, now) {
            if self.recorded {
                self.effects.push(effect.clone());
            }
            match effect {
                Effect::Apply(setpoints) => self.apply(setpoints),
                Effect::Plan(request) => self.plans.push((self.t() + PLANNING, request)),
                Effect::Publish(record) => self.record = Some(*record),
                Effect::Append(_) | Effect::Checkpoint(_) => {}
            }
        }
    }

    fn apply(&mut self, setpoints: Setpoints) {
        let t = self.t();
        let mut offered = 0.0;
        for setpoint in setpoints.setpoints {
            let control = setpoint.setting.control();
            if self.wanted.insert(control, setpoint.setting).is_some_and(|before| before != setpoint.setting) {
                self.writes.entry(control).or_default().push(t);
            }
            match setpoint.setting {
                Setting::ComputeBudget(watts) => {
                    if self.budget <= 0.0 && watts.0 > 0.0 {
                        self.starts.push(t);
                    }
                    if self.budget > 0.0 && watts.0 <= 0.0 {
                        self.stops.push((t, setpoint.reason));
                    }
                    self.budget = watts.0;
                    self.accelerator.set(t, watts.0);
                }
                Setting::BatteryMode(mode) => {
                    self.storage.iter_mut().for_each(|storage| storage.set(t, mode == BatteryMode::Hold));
                }
                Setting::HeatPumpMode(HeatPumpMode::Boost) => offered = f64::MAX,
                Setting::HeatPumpSurplus(watts) => offered = watts.0.max(offered),
                Setting::ComputeHeatRoute(_)
                | Setting::BatteryChargePower(_)
                | Setting::BatteryChargeLimit(_)
                | Setting::BatteryDischargeLimit(_)
                | Setting::HeatPumpRoomPower(_)
                | Setting::HeatPumpHotWaterPower(_)
                | Setting::HeatPumpCoolingPower(_)
                | Setting::HeatPumpRoomShift(_)
                | Setting::HeatPumpHotWaterShift(_)
                | Setting::HeatPumpMode(_)
                | Setting::PvLimit(_) => {}
            }
        }
        self.heating.iter_mut().for_each(|heating| heating.offer(t, offered));
    }
}
