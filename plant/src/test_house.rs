//! A house in virtual time around the plant, and the invariants that hold in every one of its cycles.

use crate::books::ledger;
use crate::checkpoint::Restored;
use crate::command::{Command, Mode};
use crate::decision::{BatteryMode, Control, Setpoints, Setting};
use crate::effect::Effect;
use crate::entry::{Booking, Entry, Head, SlotAccount};
use crate::event::Event;
use crate::image::Known;
use crate::planner;
use crate::plant::Plant;
use crate::point::Point;
use crate::record::Record;
use crate::site::Site;
use crate::test_site::sample;
use crate::time::{Timestamp, elapsed};
use crate::units::{KilowattHours, Watts};
use crate::work::{Receipt, WorkerState, WorkerStatus};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the weather and the people do at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    pub pv: f64,
    pub load: f64,
    pub heat_pump: f64,
    pub outdoor: f64,
    pub room: f64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { pv: 0.0, load: 400.0, heat_pump: 0.0, outdoor: 5.0, room: 21.0 }
    }
}

pub(crate) struct House {
    pub plant: Plant,
    pub now: Timestamp,
    pub step: Duration,
    pub soc: f64,
    pub budget: f64,
    pub hold: bool,
    pub busy: bool,
    pub silent: Vec<Point>,
    pub stuck: BTreeMap<Point, f64>,
    pub entries: Vec<Entry>,
    pub record: Option<Record>,
    pub history: Vec<(Timestamp, Event)>,
    pub effects: Vec<Effect>,
    /// Energy that really flowed into compute.
    pub computed: f64,
    head: Head,
    receipts: u64,
    /// Whether the readings fit each other.
    pub closes: bool,
    /// Seconds by which the clock was set back; so much longer a slot may have lasted.
    pub set_back: f64,
    /// As much of that as the last record has seen.
    set_back_seen: f64,
}

impl House {
    pub(crate) fn new(site: Site, now: Timestamp) -> Self {
        let mut house = Self {
            plant: Plant::new(site, Restored::default(), now),
            now,
            step: Duration::from_secs(10),
            soc: 50.0,
            budget: 0.0,
            hold: false,
            busy: true,
            silent: Vec::new(),
            stuck: BTreeMap::new(),
            entries: Vec::new(),
            record: None,
            history: Vec::new(),
            effects: Vec::new(),
            computed: 0.0,
            head: Head::default(),
            receipts: 0,
            closes: true,
            set_back: 0.0,
            set_back_seen: 0.0,
        };
        house.worker(WorkerState::Busy);
        house
    }

    pub(crate) fn worker(&mut self, state: WorkerState) {
        let power = Some(if state == WorkerState::Down { Watts::ZERO } else { Watts(self.budget) });
        self.handle(Event::Worker(Box::new(WorkerStatus { state, power, ..WorkerStatus::default() })));
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.handle(Event::Command(command));
    }

    /// The clock on the wall is set by `by`; no time passes.
    pub(crate) fn set_clock(&mut self, by: chrono::TimeDelta) {
        self.now += by;
        self.set_back += (-by).to_std().unwrap_or_default().as_secs_f64();
        self.handle(Event::ClockSet(by.num_milliseconds()));
    }

    pub(crate) fn record(&self) -> &Record {
        self.record.as_ref().unwrap()
    }

    pub(crate) fn accounts(&self) -> Vec<SlotAccount> {
        let slot = |entry: &Entry| match ledger::booking(entry).unwrap() {
            Booking::Slot(account) => Some(*account),
            Booking::Receipt(_) | Booking::Day(_) => None,
        };
        self.entries.iter().filter_map(slot).collect()
    }

    /// Lives until `end`, with a receipt for the work of each quarter hour.
    pub(crate) fn live(&mut self, end: Timestamp, conditions: impl Fn(Timestamp) -> Conditions) {
        while self.now < end {
            self.second(conditions(self.now));
            self.now += chrono::TimeDelta::from_std(self.step).unwrap();
        }
    }

    pub(crate) fn second(&mut self, conditions: Conditions) {
        let compute = if self.busy { self.budget } else { self.budget.min(60.0) };
        let hours = self.step.as_secs_f64() / 3600.0;
        let surplus = conditions.pv - conditions.load - conditions.heat_pump - compute;
        let battery = match surplus {
            surplus if surplus > 0.0 && self.soc < 100.0 => -surplus.min(5000.0),
            surplus if surplus < 0.0 && self.soc > 5.0 && !self.hold => (-surplus).min(5000.0),
            _ => 0.0,
        };
        self.soc = (self.soc - battery * hours / 100.0).clamp(0.0, 100.0);
        let grid = (-surplus - battery).max(-7000.0);
        let readings = [
            ("inverter", Point::PvPower, conditions.pv),
            ("inverter", Point::BatteryPower, battery),
            ("inverter", Point::BatterySoc, self.soc),
            ("meter", Point::GridPower, grid),
            ("plug", Point::ComputePower, compute),
            ("heat pump", Point::HeatPumpPower, conditions.heat_pump),
            ("heat pump", Point::OutdoorTemperature, conditions.outdoor),
            ("heat pump", Point::RoomTemperature, conditions.room),
        ];
        for (device, point, value) in readings {
            if !self.silent.contains(&point) {
                let value = self.stuck.get(&point).copied().unwrap_or(value);
                self.handle(Event::Sample(sample(device, point, Some(value), self.now)));
            }
        }
        self.handle(Event::Wake);
        self.check_fuse(grid - compute);
        self.computed += compute * hours / 1000.0;
    }

    /// Beside what the others truly take, compute gets no more than the fuse leaves, where the meters tell the truth.
    fn check_fuse(&self, others: f64) {
        let truthful = |point| !self.silent.contains(&point) && !self.stuck.contains_key(&point);
        if self.budget > 0.0 && truthful(Point::GridPower) && truthful(Point::ComputePower) {
            let limit = self.plant.site().grid.import_limit.0;
            assert!(others + self.budget <= limit + 1e-6, "over the fuse: {others} and {} W", self.budget);
        }
    }

    pub(crate) fn receipt(&mut self, price: f64, tokens: u64, joules: f64) {
        self.receipts += 1;
        let receipt = Receipt {
            id: format!("r{}", self.receipts),
            expert: "test".into(),
            interactive: false,
            tokens_in: tokens,
            tokens_out: tokens,
            joules,
            price: crate::units::Eur(price),
            worth: crate::units::Eur::ZERO,
            finished_at: self.now,
            ..Receipt::default()
        };
        self.handle(Event::Receipt(Box::new(receipt)));
    }

    pub(crate) fn handle(&mut self, event: Event) {
        self.history.push((self.now, event.clone()));
        let effects = self.plant.handle(event, self.now);
        self.effects.extend(effects.iter().cloned());
        for effect in effects {
            match effect {
                Effect::Append(entry) => {
                    self.head = ledger::verify(&self.head, &entry).unwrap();
                    check_entry(&entry, self.closes, self.set_back);
                    self.entries.push(entry);
                }
                Effect::Apply(Setpoints { setpoints, .. }) => {
                    for setpoint in setpoints {
                        match setpoint.setting {
                            Setting::ComputeBudget(watts) => self.budget = watts.0,
                            Setting::BatteryMode(mode) => self.hold = mode == BatteryMode::Hold,
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
                            | Setting::HeatPumpSurplus(_)
                            | Setting::PvLimit(_) => {}
                        }
                    }
                }
                Effect::Plan(request) => self.handle(Event::Plan(Box::new(planner::plan(&request, &mut |_| None)))),
                Effect::Publish(record) => {
                    let set_back = self.set_back - std::mem::replace(&mut self.set_back_seen, self.set_back);
                    check_record(self.plant.site(), &record, self.record.as_ref(), set_back);
                    self.record = Some(*record);
                }
                Effect::Checkpoint(checkpoint) => assert_eq!(checkpoint.head, self.head),
            }
        }
    }

    /// The same events again give the same effects.
    pub(crate) fn check_replay(&self) {
        let mut plant = Plant::new(self.plant.site().clone(), Restored::default(), self.history[0].0);
        let again: Vec<Effect> = self.history.iter().flat_map(|(at, event)| plant.handle(event.clone(), *at)).collect();
        assert!(again == self.effects, "a replay must give the same effects");
    }

    /// The books hold what flowed, to the given share.
    pub(crate) fn check_energy(&self, share: f64) {
        let booked = self.record().energy.compute.0;
        assert!((booked - self.computed).abs() <= share * self.computed + 0.005, "{booked} of {} kWh", self.computed);
    }
}

fn check_entry(entry: &Entry, closes: bool, set_back: f64) {
    let Booking::Slot(account) = ledger::booking(entry).unwrap() else { return };
    assert!(account.observed_s <= 900.0 + set_back + 1e-6, "{account:?}");
    assert!(account.uncounted_s + account.unmetered_s + account.unpriced_s <= 3.0 * account.observed_s, "{account:?}");
    assert!(account.heat_used.0 <= account.heat.0 + 1e-9, "{account:?}");
    let sources = [account.compute.pv, account.compute.battery, account.compute.grid];
    assert!(sources.iter().all(|energy| energy.0 >= 0.0), "{account:?}");
    // What came onto the bus and was not stored, given away or used by heat pump or compute went into the house.
    let house = account.import + account.pv + account.discharged
        - account.export
        - account.charged
        - account.heat_pump
        - account.compute.total();
    assert!(
        !closes || account.unmetered_s > 0.0 || house.0 >= -0.01,
        "the balance does not close: {house} {account:?}"
    );
}

pub(crate) fn check_record(site: &Site, record: &Record, before: Option<&Record>, set_back: f64) {
    let decision = &record.decision;
    let budget = decision.budget;
    assert!(budget == Watts::ZERO || budget >= site.compute.min, "{decision:?}");
    assert!(budget <= site.compute.max.min(record.power_limit), "{decision:?}");
    let shown = |point| record.points.get(&point).and_then(|known: &Known<f64>| known.fresh()).unwrap_or(0.0).max(0.0);
    // Own power is free of the grid operator's limit.
    let own = Watts(shown(Point::PvPower) + shown(Point::BatteryPower));
    assert!(record.grid_dimming.is_none_or(|dimmed| budget <= dimmed + own), "{decision:?}");
    let running = budget > Watts::ZERO;
    assert!(!running || record.mode != Mode::Off, "{decision:?}");
    assert!(!running || record.worker.state != WorkerState::Down, "{decision:?}");
    let grid = record.points.get(&Point::GridPower).and_then(|known| known.fresh());
    assert!(!running || grid.is_some(), "computes blind: {decision:?}");
    assert!(!record.explanation.is_empty());
    assert!(decision.worth.net().0.is_finite());
    for setpoint in decision.settings.iter().filter(|_| record.mode == Mode::Off || grid.is_none()) {
        assert!(setpoint.setting.is_safe(), "{setpoint:?}");
    }
    assert!(
        decision
            .settings
            .iter()
            .all(|setpoint| setpoint.setting.control() != Control::PvLimit || setpoint.setting.is_safe())
    );
    if let Some(before) = before {
        let pairs = [
            (before.energy.import, record.energy.import),
            (before.energy.export, record.energy.export),
            (before.energy.pv, record.energy.pv),
            (before.energy.compute, record.energy.compute),
            (before.energy.heat_used, record.energy.heat_used),
            (before.energy.battery_charge, record.energy.battery_charge),
            (before.energy.battery_discharge, record.energy.battery_discharge),
        ];
        assert!(pairs.iter().all(|(before, after)| after >= before), "energy fell: {pairs:?}");
        // What a meter shows is believed, beyond the rating of the box too.
        let shown =
            [before, record].map(|record| record.points.get(&Point::ComputePower).and_then(|known| known.fresh()));
        let most = shown.into_iter().flatten().fold(site.compute.max.0, f64::max);
        let possible = (elapsed(before.at, record.at).as_secs_f64() + set_back) / 3600.0 * most / 1000.0;
        let grown = record.energy.compute - before.energy.compute;
        assert!(grown <= KilowattHours(possible + 1e-9), "invented {grown}");
    }
}
