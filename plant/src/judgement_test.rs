//! Meters that contradict each other, in a house that answers late: each meter shows what was true some time ago, read now and then and
//! rounded; the box obeys late; the battery regulates itself. What a test checks are the true powers.

use crate::checkpoint::Restored;
use crate::command::{Command, Mode};
use crate::decision::{BatteryMode, Setting};
use crate::effect::Effect;
use crate::event::Event;
use crate::plant::Plant;
use crate::point::Point;
use crate::reason::Reason;
use crate::record::Record;
use crate::site::Site;
use crate::test_site::{at, sample, site};
use crate::time::Timestamp;
use crate::units::{KilowattHours, Percent, Watts};
use crate::work::{WorkerState, WorkerStatus};
use chrono::TimeDelta;
use std::collections::VecDeque;
use std::time::Duration;

struct Meter {
    device: &'static str,
    point: Point,
    every: u32,
    lag: usize,
    digit: f64,
    /// What the meter makes of what is true.
    fault: Fault,
    past: VecDeque<f64>,
    shown: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Turned,
    Stuck,
    Silent,
}

impl Meter {
    fn of(device: &'static str, point: Point) -> Self {
        Self { device, point, every: 1, lag: 0, digit: 0.1, fault: Fault::None, past: VecDeque::new(), shown: 0.0 }
    }

    fn read(&mut self, second: u32, truth: f64) -> Option<f64> {
        self.past.push_front(truth);
        self.past.truncate(self.lag + 1);
        let truth = *self.past.back().unwrap();
        match self.fault {
            Fault::None => self.shown = (truth / self.digit).round() * self.digit,
            Fault::Turned => self.shown = -(truth / self.digit).round() * self.digit,
            Fault::Stuck => {}
            Fault::Silent => return None,
        }
        second.is_multiple_of(self.every).then_some(self.shown)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Storage {
    None,
    /// Regulates the grid to this power.
    Regulates(f64),
    /// Is held at this power by its management.
    Held(f64),
}

/// What the weather and the people do.
#[derive(Clone, Copy, Default)]
struct Scene {
    pv: f64,
    load: f64,
    heat_pump: f64,
    /// An inverter that nobody configured.
    hidden: f64,
}

struct LateHouse {
    plant: Plant,
    now: Timestamp,
    second: u32,
    meters: Vec<Meter>,
    storage: Storage,
    hold: bool,
    battery: f64,
    grid: f64,
    soc: f64,
    compute: f64,
    box_lag: usize,
    budgets: VecDeque<f64>,
    /// The most that compute really drew, and what it took.
    most: f64,
    energy: f64,
    record: Option<Record>,
}

impl LateHouse {
    fn new(site: Site, storage: Storage) -> Self {
        let now = at("2026-04-10T10:00:00Z");
        let meters = site.devices.iter().flat_map(|device| {
            let name = match device.id.0.as_str() {
                "meter" => "meter",
                "inverter" => "inverter",
                "plug" => "plug",
                _ => "heat pump",
            };
            device.points.iter().map(move |point| Meter::of(name, *point))
        });
        let meters = meters.collect();
        let mut plant = Plant::new(site, Restored::default(), now);
        let worker = WorkerStatus { state: WorkerState::Busy, power: Some(Watts::ZERO), ..WorkerStatus::default() };
        plant.handle(Event::Worker(Box::new(worker)), now);
        plant.handle(Event::Command(Command::SetMode(Mode::Surplus)), now);
        Self {
            plant,
            now,
            second: 0,
            meters,
            storage,
            hold: false,
            battery: 0.0,
            grid: 0.0,
            soc: 60.0,
            compute: 0.0,
            box_lag: 2,
            budgets: VecDeque::new(),
            most: 0.0,
            energy: 0.0,
            record: None,
        }
    }

    fn meter(&mut self, point: Point) -> &mut Meter {
        self.meters.iter_mut().find(|meter| meter.point == point).unwrap()
    }

    fn fault(&mut self, point: Point, fault: Fault) {
        self.meter(point).fault = fault;
    }

    fn record(&self) -> &Record {
        self.record.as_ref().unwrap()
    }

    fn problems(&self) -> String {
        self.record().problems.join("\n")
    }

    fn live(&mut self, seconds: u32, scene: impl Fn(u32) -> Scene) {
        for _ in 0..seconds {
            self.pass(scene(self.second));
        }
    }

    fn pass(&mut self, scene: Scene) {
        // The box: it obeys late, and moves by at most a kilowatt in a second.
        let budget = self.budgets.get(self.box_lag).copied().unwrap_or(0.0);
        self.compute += (budget - self.compute).clamp(-1000.0, 1000.0);
        self.most = self.most.max(self.compute);
        self.energy += self.compute / 3.6e6;
        // The battery sees the grid of the second before.
        let wanted = match self.storage {
            Storage::None => 0.0,
            Storage::Regulates(target) => self.battery + 0.6 * (self.grid - target),
            Storage::Held(power) => power,
        };
        let most = if self.soc > 1.0 && !self.hold { 5000.0 } else { 0.0 };
        self.battery = wanted.clamp(if self.soc < 100.0 { -5000.0 } else { 0.0 }, most);
        self.soc = (self.soc - self.battery / 3.6e6 / 10.0 * 100.0).clamp(0.0, 100.0);
        self.grid = scene.load + scene.heat_pump + self.compute - scene.pv - scene.hidden - self.battery;
        let second = self.second;
        for meter in &mut self.meters {
            let truths = [
                (Point::GridPower, self.grid),
                (Point::PvPower, scene.pv),
                (Point::BatteryPower, self.battery),
                (Point::BatterySoc, self.soc),
                (Point::ComputePower, self.compute),
                (Point::HeatPumpPower, scene.heat_pump),
            ];
            let truth = truths.iter().find(|(point, _)| *point == meter.point).map_or(20.0, |(_, truth)| *truth);
            if let Some(value) = meter.read(second, truth) {
                self.plant.handle(Event::Sample(sample(meter.device, meter.point, Some(value), self.now)), self.now);
            }
        }
        for effect in self.plant.handle(Event::Wake, self.now) {
            match effect {
                Effect::Apply(setpoints) => {
                    for setpoint in setpoints.setpoints {
                        match setpoint.setting {
                            Setting::ComputeBudget(watts) => self.budgets.push_front(watts.0),
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
                Effect::Publish(record) => self.record = Some(*record),
                Effect::Append(_) | Effect::Checkpoint(_) | Effect::Plan(_) => {}
            }
        }
        self.budgets.truncate(20);
        self.now += TimeDelta::seconds(1);
        self.second += 1;
    }
}

/// The house with a box of 3 kW; `with` says which of PV and battery it has.
fn house(pv: bool, battery: bool) -> Site {
    let mut site = site();
    (site.compute.min, site.compute.max) = (Watts(300.0), Watts(3000.0));
    site.compute.enable_delay = Duration::from_secs(10);
    site.compute.disable_delay = Duration::from_secs(20);
    site.grid.export_limit = None;
    for device in &mut site.devices {
        device.points.retain(|point| {
            (pv || *point != Point::PvPower) && (battery || ![Point::BatteryPower, Point::BatterySoc].contains(point))
        });
        device.controls.clear();
    }
    site.devices.retain(|device| !device.points.is_empty());
    site.pv = site.pv.filter(|_| pv);
    site.battery = site.battery.filter(|_| battery);
    site
}

/// A house at night: a refrigerator, and some noise.
fn night(second: u32) -> Scene {
    Scene { load: 479.0 + f64::from(second * 37 % 23), ..Scene::default() }
}

#[test]
fn a_grid_clamp_turned_round_at_night_buys_nothing() {
    for (name, pv, silent) in [("no PV", false, false), ("PV at 0 W", true, false), ("PV asleep", true, true)] {
        let mut late = LateHouse::new(house(pv, false), Storage::None);
        late.fault(Point::GridPower, Fault::Turned);
        if silent {
            late.fault(Point::PvPower, Fault::Silent);
        }
        late.live(60, night);
        assert!(late.compute <= 300.0, "{name}: {} W", late.compute);
        let mut said = 0;
        for _ in 0..3600 {
            late.pass(night(late.second));
            said += u32::from(late.problems().contains("the grid meter (meter) seems to count the wrong way"));
        }
        assert!(late.energy < if silent { 0.1 } else { 0.03 }, "{name}: {} kWh", late.energy);
        // Where PV was never heard no sum tells: compute has its least power and no more.
        if silent {
            assert!(late.compute <= 301.0, "{name}: {} W", late.compute);
            continue;
        }
        assert!(said > 3500, "{name}: {said} s");
        assert!(late.compute <= 0.0, "{name}: {} W", late.compute);
        assert_eq!(late.record().decision.reason, Reason::Implausible, "{name}");
        assert!(late.record().points[&Point::HousePower].fresh().is_none(), "{name}");
        // Turned back by night, it is trusted again, some time.
        late.fault(Point::GridPower, Fault::None);
        late.live(7200, night);
        assert_eq!(late.problems(), "", "{name}");
    }
}

#[test]
fn the_fuse_is_not_left_to_a_turned_clamp() {
    let mut late = LateHouse::new(house(true, false), Storage::None);
    late.fault(Point::GridPower, Fault::Turned);
    late.plant.handle(Event::Command(Command::Boost(Duration::from_secs(36_000))), late.now);
    late.live(60, |_| Scene { load: 6400.0, ..Scene::default() });
    assert_eq!(late.record().decision.budget, Watts::ZERO, "{}", late.problems());
}

#[test]
fn a_clamp_turned_round_by_day_is_found_by_our_own_steps() {
    // 1000 W of sun, 1400 W of house: import of 400 W is shown as feed-in, and the house at 600 W.
    let day = |second: u32| Scene { pv: 1000.0, load: 1400.0 + f64::from(second * 37 % 23), ..Scene::default() };
    for lag in [0, 3, 8] {
        let mut late = LateHouse::new(house(true, false), Storage::None);
        late.fault(Point::GridPower, Fault::Turned);
        late.meter(Point::GridPower).lag = lag;
        late.live(180, day);
        assert_eq!(late.record().decision.budget, Watts::ZERO, "{lag}: {}", late.problems());
        assert!(late.problems().contains("the grid meter (meter) seems to count the wrong way"), "{}", late.problems());
        // Starts at the least power at growing intervals, no more.
        late.live(4 * 3600, day);
        assert!(late.energy < 0.3, "{lag}: {} kWh", late.energy);
    }
}

#[test]
fn a_battery_counted_the_wrong_way_keeps_its_reserve() {
    let mut site = house(true, true);
    site.battery.as_mut().unwrap().reserve = Percent(20.0);
    for start in [19.9, 20.2, 26.0, 60.0] {
        for digit in [0.1, 1.0] {
            let mut late = LateHouse::new(site.clone(), Storage::Regulates(0.0));
            late.soc = start;
            late.meter(Point::BatterySoc).digit = digit;
            late.fault(Point::BatteryPower, Fault::Turned);
            late.plant.handle(Event::Command(Command::Boost(Duration::from_secs(360_000))), late.now);
            let (mut below, mut said) = (0, None);
            for second in 0..6 * 3600 {
                late.pass(night(late.second));
                let through_compute = late.compute > 50.0 && late.battery > 50.0;
                below = if late.soc < 20.0 - digit / 2.0 && through_compute { below + 1 } else { 0 };
                assert!(below < 15, "{start} {digit}: {} % and {} W of compute", late.soc, late.compute);
                if said.is_none() && late.problems().contains("the battery (inverter) seems to count") {
                    assert!(late.record().points[&Point::BatteryPower].fresh().is_none());
                    said = Some(second);
                }
            }
            assert!(said.is_some_and(|second| second < 120), "{start} {digit}: {said:?}");
        }
    }
}

#[test]
fn a_plug_counted_backwards_is_booked_all_the_same() {
    let mut late = LateHouse::new(house(true, true), Storage::None);
    late.fault(Point::ComputePower, Fault::Turned);
    late.plant.handle(Event::Command(Command::Boost(Duration::from_secs(36_000))), late.now);
    late.live(1200, night);
    assert!(late.problems().contains("the meter of compute (plug)"), "{}", late.problems());
    let KilowattHours(booked) = late.record().energy.compute;
    assert!((booked - late.energy).abs() < 0.02 * late.energy, "{booked} of {}", late.energy);
    assert!((late.record().points[&Point::HousePower].fresh().unwrap() - 490.0).abs() < 30.0);
}

#[test]
fn a_second_inverter_that_nobody_configured_is_named_and_its_export_followed() {
    let day = |second: u32| Scene {
        pv: 1500.0,
        hidden: 3000.0,
        load: 900.0 + f64::from(second * 37 % 23),
        ..Scene::default()
    };
    let mut late = LateHouse::new(house(true, false), Storage::None);
    late.live(900, day);
    assert!(late.problems().contains("missing in the configuration"), "{}", late.problems());
    assert!(late.record().points[&Point::HousePower].fresh().is_none());
    assert!(late.compute > 2800.0, "{} {}", late.compute, late.problems());
    assert!(late.grid < 0.0);
}

#[test]
fn a_healthy_meter_may_show_the_same_number_for_long() {
    // Sun and house move by 2 kW, at their own times.
    let day = |second: u32| {
        let cloud = if (second / 420).is_multiple_of(2) { 0.0 } else { 2000.0 };
        let kettle = if second / 150 % 3 == 1 { 2000.0 } else { 0.0 };
        Scene { pv: 7500.0 - cloud, load: 400.0 + kettle + f64::from(second * 37 % 23), ..Scene::default() }
    };
    for storage in [Storage::Held(-2500.0), Storage::Regulates(50.0)] {
        let mut late = LateHouse::new(house(true, true), storage);
        if storage != Storage::Held(-2500.0) {
            // A control holds to the watt what its own meter shows.
            late.meter(Point::GridPower).digit = 1.0;
        }
        for _ in 0..3600 {
            late.pass(day(late.second));
            assert_eq!(late.problems(), "");
            assert!(late.record().points[&Point::BatteryPower].fresh().is_some());
            assert!(late.record().points[&Point::GridPower].fresh().is_some());
        }
        assert!(storage != Storage::Held(-2500.0) || late.compute > 1000.0, "{}", late.compute);
    }
}

#[test]
fn a_stuck_grid_meter_is_noticed_while_pv_is_asleep() {
    for silent in [false, true] {
        let mut late = LateHouse::new(house(true, false), Storage::None);
        late.meter(Point::PvPower).fault = if silent { Fault::Silent } else { Fault::None };
        late.live(60, night);
        late.plant.handle(Event::Command(Command::Boost(Duration::from_secs(36_000))), late.now);
        late.fault(Point::GridPower, Fault::Stuck);
        late.live(230, night);
        assert_eq!(late.record().decision.budget, Watts::ZERO, "{silent}: {}", late.problems());
        assert!(late.problems().contains("the grid meter (meter) has shown the same"), "{silent}: {}", late.problems());
        late.fault(Point::GridPower, Fault::None);
        late.live(600, night);
        assert_eq!(late.problems(), "", "{silent}");
        assert!(late.compute > 300.0, "{silent}: {}", late.compute);
    }
}
