//! The rules of samples, limits and settings, one row each, on a plant that sees exactly what the row says.

use crate::checkpoint::Restored;
use crate::command::{Command, Mode};
use crate::decision::{BatteryMode, Control, HeatPumpMode, Outcome, Setpoint, Setpoints, Setting};
use crate::effect::Effect;
use crate::event::Event;
use crate::image::Known;
use crate::observe::readings::Readings;
use crate::plant::Plant;
use crate::point::{DeviceId, Point};
use crate::reason::Reason;
use crate::record::Record;
use crate::site::{Device, HeatSink, Price, Site};
use crate::test_site::{at, sample, site};
use crate::time::{Moment, Timestamp};
use crate::units::{Celsius, Eur, EurPerKwh, Watts};
use crate::work::{Backlog, WorkerState, WorkerStatus};
use chrono::TimeDelta;
use std::collections::BTreeSet;
use std::time::Duration;

const QUIET: [(&str, Point, f64); 7] = [
    ("meter", Point::GridPower, 300.0),
    ("inverter", Point::PvPower, 0.0),
    ("inverter", Point::BatteryPower, 0.0),
    ("inverter", Point::BatterySoc, 50.0),
    ("plug", Point::ComputePower, 0.0),
    ("heat pump", Point::HeatPumpPower, 0.0),
    ("heat pump", Point::RoomTemperature, 21.0),
];

/// A plant that sees exactly what a row says.
pub(crate) struct Bench {
    pub(crate) plant: Plant,
    pub(crate) now: Timestamp,
    pub(crate) seen: Vec<(&'static str, Point, f64)>,
}

impl Bench {
    pub(crate) fn new(site: Site) -> Self {
        let now = at("2026-01-10T20:00:00Z");
        let mut plant = Plant::new(site, Restored::default(), now);
        let worker = WorkerStatus { state: WorkerState::Busy, power: Some(Watts::ZERO), ..WorkerStatus::default() };
        plant.handle(Event::Worker(Box::new(worker)), now);
        Self { plant, now, seen: QUIET.to_vec() }
    }

    pub(crate) fn see(&mut self, point: Point, value: f64) {
        self.seen.iter_mut().filter(|(_, seen, _)| *seen == point).for_each(|(_, _, seen)| *seen = value);
    }

    /// The point falls silent.
    pub(crate) fn lose(&mut self, point: Point) {
        self.seen.retain(|(_, seen, _)| *seen != point);
        self.now += TimeDelta::minutes(5);
    }

    pub(crate) fn give(&mut self, event: Event) {
        self.plant.handle(event, self.now);
    }

    pub(crate) fn boost(&mut self) {
        self.give(Event::Command(Command::Boost(Duration::from_secs(86_400))));
    }

    pub(crate) fn wake(&mut self) -> (Record, Setpoints) {
        self.now += TimeDelta::seconds(1);
        for (device, point, value) in self.seen.clone() {
            self.plant.handle(Event::Sample(sample(device, point, Some(value), self.now)), self.now);
        }
        let effects = self.plant.handle(Event::Wake, self.now);
        let mut record = None;
        let mut wanted = None;
        for effect in effects {
            match effect {
                Effect::Publish(published) => record = Some(*published),
                Effect::Apply(setpoints) => wanted = Some(setpoints),
                Effect::Append(_) | Effect::Checkpoint(_) | Effect::Plan(_) => {}
            }
        }
        (record.unwrap(), wanted.unwrap())
    }

    /// Budget and reason after the situation has lasted for some seconds.
    pub(crate) fn settled(&mut self, seconds: u32) -> (f64, Reason) {
        let record = (0..seconds).map(|_| self.wake().0).last().unwrap();
        (record.decision.budget.0, record.decision.reason)
    }
}

#[test]
fn the_fuse_leaves_what_the_house_does_not_take() {
    let rows = [
        // grid, compute already drawing -> budget: 98 % of 17 kW less the house
        (300.0, 0.0, 1000.0, Reason::Boost),
        (16_000.0, 0.0, 660.0, Reason::FuseLimit),
        (16_500.0, 500.0, 660.0, Reason::FuseLimit),
        (16_550.0, 0.0, 0.0, Reason::FuseLimit),
        (20_000.0, 0.0, 0.0, Reason::FuseLimit),
    ];
    for (grid, compute, budget, reason) in rows {
        let mut bench = Bench::new(site());
        bench.boost();
        bench.see(Point::GridPower, grid);
        bench.see(Point::ComputePower, compute);
        let found = bench.settled(1);
        assert!((found.0 - budget).abs() < 1e-6 && found.1 == reason, "{grid} {compute}: {found:?}");
    }
}

#[test]
fn dimming_counts_the_heat_pump_in() {
    let rows = [(0.0, 600.0), (300.0, 287.0), (500.0, 0.0), (900.0, 0.0)];
    for (heat_pump, budget) in rows {
        let mut bench = Bench::new(site());
        bench.boost();
        bench.give(Event::Command(Command::GridDimming(Some(Watts(600.0)))));
        bench.see(Point::HeatPumpPower, heat_pump);
        assert_eq!(bench.settled(1), (budget, Reason::GridDimmed), "{heat_pump}");
    }
}

#[test]
fn a_battery_at_its_reserve_is_left_alone() {
    let mut site = site();
    // One without a control.
    site.devices.iter_mut().for_each(|device| {
        device.controls.remove(&Control::BatteryMode);
    });
    let rows = [
        // soc, battery, compute -> budget
        (50.0, 1200.0, 900.0, 1000.0),
        (9.0, 1200.0, 900.0, 0.0),
        (9.0, 0.0, 0.0, 1000.0),
    ];
    for (soc, battery, compute, budget) in rows {
        let mut bench = Bench::new(site.clone());
        bench.boost();
        bench.see(Point::BatterySoc, soc);
        bench.see(Point::BatteryPower, battery);
        bench.see(Point::ComputePower, compute);
        assert_eq!(bench.settled(2).0, budget, "{soc} {battery}");
    }
    let mut bench = Bench::new(site);
    bench.boost();
    bench.see(Point::BatterySoc, 9.0);
    bench.see(Point::BatteryPower, 1200.0);
    bench.see(Point::ComputePower, 900.0);
    assert_eq!(bench.settled(2), (0.0, Reason::BatteryReserve));
    // It stays guarded until it has recovered.
    bench.see(Point::BatteryPower, 0.0);
    bench.see(Point::ComputePower, 0.0);
    bench.see(Point::BatterySoc, 11.0);
    assert_eq!(bench.settled(400).0, 0.0);
    bench.see(Point::BatterySoc, 13.0);
    assert_eq!(bench.settled(2).0, 1000.0);
}

#[test]
fn a_battery_that_does_not_hold_gets_no_grace_at_its_reserve() {
    let hold = |error: Option<&str>| {
        let (device, setting) = (DeviceId("inverter".into()), Setting::BatteryMode(BatteryMode::Hold));
        let setpoint = Setpoint { device, setting, reason: Reason::Boost };
        Event::Outcome(Box::new(Outcome { setpoint, error: error.map(str::to_owned) }))
    };
    // Compute waits until it has had a minute to obey, and for good where it did not keep the hold.
    for (error, budget) in [(None, 1000.0), (Some("it did not keep what it was set to"), 0.0)] {
        let mut bench = Bench::new(site());
        bench.boost();
        bench.see(Point::BatterySoc, 9.0);
        bench.see(Point::BatteryPower, 1200.0);
        bench.see(Point::ComputePower, 900.0);
        bench.give(hold(error));
        assert_eq!(bench.settled(2).0, 0.0, "{error:?}");
        bench.see(Point::BatteryPower, 0.0);
        bench.see(Point::ComputePower, 0.0);
        assert_eq!(bench.settled(64).0, budget, "{error:?}");
        let (record, _) = bench.wake();
        let shown: Vec<_> = record.devices.iter().filter_map(|device| device.error.as_deref()).collect();
        assert_eq!(shown, error.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_battery_is_set_to_hold_before_its_reserve_is_reached() {
    let rows = [
        // soc, battery -> whether it is set to hold, budget at once, after nine seconds, and after a minute; of 10 kWh with a reserve of
        // 10 %, 5000 W take 0.8 % in a minute
        (13.0, 1200.0, (false, 1000.0, 1000.0, 1000.0)),
        (11.0, 1200.0, (true, 1000.0, 1000.0, 1000.0)),
        (10.0, 1200.0, (true, 0.0, 0.0, 0.0)),
        // 900 W of compute beside 300 W of import: 600 W are surplus.
        (10.0, 0.0, (true, 600.0, 1000.0, 1000.0)),
    ];
    for (soc, battery, expected) in rows {
        let mut bench = Bench::new(site());
        bench.boost();
        bench.see(Point::BatterySoc, soc);
        bench.see(Point::BatteryPower, battery);
        bench.see(Point::ComputePower, 900.0);
        let at_once = bench.settled(2).0;
        let holding = bench
            .wake()
            .0
            .decision
            .settings
            .iter()
            .any(|setpoint| setpoint.setting == Setting::BatteryMode(BatteryMode::Hold));
        let found = (holding, at_once, bench.settled(6).0, bench.settled(60).0);
        assert_eq!(found, expected, "{soc} {battery}");
    }
}

#[test]
fn a_battery_that_is_silent_may_only_be_relied_on_above_its_reserve() {
    let rows = [(Point::BatteryPower, 50.0, 1000.0), (Point::BatteryPower, 11.0, 0.0), (Point::BatteryPower, 9.0, 0.0)];
    for (lost, soc, budget) in rows {
        let mut bench = Bench::new(site());
        bench.boost();
        bench.see(Point::BatterySoc, soc);
        bench.wake();
        bench.lose(lost);
        assert_eq!(bench.settled(2).0, budget, "{soc} %");
    }
}

#[test]
fn what_is_not_known_is_not_booked_and_hides_nothing_else() {
    let night = |bench: &mut Bench| {
        bench.see(Point::GridPower, 1300.0);
        bench.see(Point::ComputePower, 1000.0);
        bench.boost();
        bench.wake();
        // An inverter that sleeps.
        bench.lose(Point::PvPower);
        bench.settled(36);
        bench.plant.checkpoint(bench.now).open
    };
    let open = night(&mut Bench::new(site()));
    let grid = 0.001 * open.observed_s / 3.6;
    assert!(open.observed_s > 35.0 && open.unmetered_s > 30.0 && open.unpriced_s == 0.0, "{open:?}");
    assert!(
        (open.compute.grid.0 - grid).abs() < 1e-9 && (open.valuation.electricity_cost.0 - 0.30 * grid).abs() < 1e-9,
        "{open:?}"
    );
    let mut dark = site();
    dark.tariff.import = Price::spot(EurPerKwh(0.1), 0.0);
    let open = night(&mut Bench::new(dark));
    assert!((open.compute.grid.0 - grid).abs() < 1e-9 && open.unpriced_s == open.observed_s, "{open:?}");
    assert_eq!((open.valuation.electricity_cost, open.net(), open.bill.import), (Eur::ZERO, Eur::ZERO, Eur::ZERO));
}

#[test]
fn at_the_feed_in_cap_decision_and_books_agree_what_power_costs() {
    // export price, compute already drawing -> EUR/kWh; the battery is full and the export at its cap of 7 kW
    let rows = [(-0.05, 1000.0, 0.0), (-0.05, 400.0, 0.0), (0.08, 1000.0, 0.0)];
    for (export, drawing, expected) in rows {
        let mut house = site();
        house.tariff.export = Price::fixed(EurPerKwh(export));
        let mut bench = Bench::new(house);
        bench.boost();
        bench.see(Point::GridPower, -7000.0);
        bench.see(Point::PvPower, 7400.0 + drawing);
        bench.see(Point::BatterySoc, 100.0);
        bench.see(Point::ComputePower, drawing);
        let decision = (0..30).map(|_| bench.wake().0.decision).last().unwrap();
        let open = bench.plant.checkpoint(bench.now).open;
        let booked = open.valuation.electricity_cost / open.compute.total();
        assert_eq!(decision.budget, Watts(1000.0));
        assert!(booked.0.abs() < 1e-9, "{export} {drawing}: booked at {booked}");
        // Beyond what compute already draws nobody knows what is curtailed: it counts as the dearer of the two.
        let unknown = (1000.0 - drawing) / 1000.0 * export.max(0.0);
        assert!((decision.worth.electricity.0 - expected - unknown).abs() < 1e-9, "{export} {drawing}: {decision:?}");
    }
}

#[test]
fn power_without_a_price_is_not_taken_for_free() {
    let rows = [(0.2, 0.0), (1.0, 1000.0)];
    for (value, budget) in rows {
        let mut site = site();
        site.work.interactive = EurPerKwh(value);
        site.tariff.import = Price::spot(EurPerKwh(0.1), 0.0);
        site.displaced = None;
        let mut bench = Bench::new(site);
        bench.give(Event::Backlog(Backlog { interactive: 1, ..Backlog::default() }));
        assert_eq!(bench.settled(3).0, budget, "{value}");
    }
}

#[test]
fn a_hot_box_stops_and_cools_before_it_starts_again() {
    let mut site = site();
    site.compute.temperature_max = Some(Celsius(80.0));
    site.compute.min_off = Duration::ZERO;
    site.devices.iter_mut().filter(|device| device.id.0 == "plug").for_each(|device| {
        device.points.insert(Point::ComputeTemperature);
    });
    let mut bench = Bench::new(site);
    bench.boost();
    assert_eq!(bench.settled(1), (0.0, Reason::StaleData), "a box whose temperature is unknown does not run");
    bench.seen.push(("plug", Point::ComputeTemperature, 60.0));
    for (temperature, running) in [(60.0, true), (79.0, true), (81.0, false), (79.0, false), (76.0, true)] {
        bench.see(Point::ComputeTemperature, temperature);
        let (budget, reason) = bench.settled(1);
        assert_eq!((budget > 0.0, reason == Reason::TooHot), (running, !running), "{temperature}");
    }
}

#[test]
fn heat_that_cannot_be_rejected_stops_at_a_warm_room() {
    for (reject_share, room, running) in [(0.03, 26.0, true), (0.0, 26.0, false), (0.0, 23.5, true)] {
        let mut site = site();
        site.compute.reject_share = reject_share;
        site.compute.heat_into = HeatSink::Room;
        let mut bench = Bench::new(site);
        bench.boost();
        bench.see(Point::RoomTemperature, room);
        assert_eq!(bench.settled(1).0 > 0.0, running, "{reject_share} {room}");
    }
}

#[test]
fn minimum_times_bind_but_never_against_safety() {
    let mut bench = Bench::new(site());
    bench.boost();
    assert_eq!(bench.settled(1).0, 1000.0);
    bench.give(Event::Command(Command::Boost(Duration::ZERO)));
    assert_eq!(bench.settled(60), (200.0, Reason::MinOnTime));
    bench.see(Point::GridPower, 30_000.0);
    assert_eq!(bench.settled(1).0, 0.0);
    bench.see(Point::GridPower, -3000.0);
    bench.see(Point::PvPower, 3300.0);
    bench.give(Event::Command(Command::SetMode(Mode::Surplus)));
    bench.see(Point::BatterySoc, 100.0);
    assert_eq!(bench.settled(100), (0.0, Reason::MinOffTime));
    assert!(bench.settled(120).0 > 200.0);
    bench.give(Event::Command(Command::SetMode(Mode::Off)));
    assert_eq!(bench.settled(1), (0.0, Reason::Off));
}

#[test]
fn surplus_has_to_last_before_compute_starts_and_to_be_gone_before_it_stops() {
    let mut bench = Bench::new(site());
    bench.give(Event::Command(Command::SetMode(Mode::Surplus)));
    bench.see(Point::BatterySoc, 100.0);
    bench.see(Point::PvPower, 1000.0);
    bench.see(Point::GridPower, -700.0);
    assert_eq!(bench.settled(59).0, 0.0);
    let (budget, reason) = bench.settled(30);
    assert!((650.0..=700.0).contains(&budget) && reason == Reason::Surplus, "{budget}");
    bench.see(Point::ComputePower, 700.0);
    bench.see(Point::PvPower, 350.0);
    bench.see(Point::GridPower, 650.0);
    let (budget, _) = bench.settled(60);
    assert_eq!(budget, 200.0, "a passing cloud is sat out at the least power");
    bench.now += TimeDelta::seconds(240);
    bench.settled(1);
    assert_eq!(bench.settled(121).0, 0.0);
}

#[test]
fn curtailed_power_is_probed_for() {
    let mut bench = Bench::new(site());
    bench.see(Point::BatterySoc, 100.0);
    bench.see(Point::PvPower, 7300.0);
    bench.see(Point::GridPower, -7000.0);
    bench.give(Event::Command(Command::SetMode(Mode::Eco)));
    let (budget, reason) = bench.settled(10);
    assert!(budget >= 200.0 && reason == Reason::Curtailment, "{budget} {reason}");
}

#[test]
fn unworthy_questions_wait() {
    for (value, budget) in [(1.0, 1000.0), (0.1, 0.0)] {
        let mut site = site();
        site.work.interactive = crate::units::EurPerKwh(value);
        let mut bench = Bench::new(site);
        bench.give(Event::Backlog(Backlog { interactive: 1, ..Backlog::default() }));
        let (record, _) = bench.wake();
        assert_eq!(record.decision.budget.0, budget, "{}", record.explanation);
        assert!(budget > 0.0 || record.explanation.contains("a question waits"), "{}", record.explanation);
    }
}

#[test]
fn the_heat_pump_gets_what_compute_leaves() {
    let mut bench = Bench::new(site());
    bench.see(Point::BatterySoc, 100.0);
    bench.see(Point::GridPower, -4000.0);
    bench.see(Point::PvPower, 4300.0);
    bench.give(Event::Command(Command::SetMode(Mode::Surplus)));
    bench.settled(240);
    let settings = bench.wake().0.decision.settings;
    let of = |control| settings.iter().find(|setpoint| setpoint.setting.control() == control).unwrap().setting;
    assert_eq!(of(Control::HeatPumpSurplus), Setting::HeatPumpSurplus(Watts(3000.0)));
    assert_eq!(of(Control::HeatPumpMode), Setting::HeatPumpMode(HeatPumpMode::Boost));
    assert_eq!(of(Control::BatteryMode), Setting::BatteryMode(BatteryMode::Normal));
    bench.see(Point::RoomTemperature, 24.0);
    let settings = bench.wake().0.decision.settings;
    assert!(
        settings.iter().filter(|setpoint| setpoint.device.0 == "heat pump").all(|setpoint| setpoint.setting.is_safe())
    );
}

#[test]
fn a_dimmed_house_and_a_silent_thermometer_offer_the_heat_pump_nothing() {
    let rows = [(None, false, 3000.0), (Some(400.0), false, 400.0), (Some(0.0), false, 0.0), (None, true, 0.0)];
    for (dimmed, silent, offer) in rows {
        let mut site = site();
        site.tariff.import = Price::fixed(EurPerKwh(-0.05));
        // Without work compute leaves the limit to the heat pump.
        site.work.standing = EurPerKwh::ZERO;
        let mut bench = Bench::new(site);
        bench.give(Event::Command(Command::SetMode(Mode::Auto)));
        bench.give(Event::Command(Command::GridDimming(dimmed.map(Watts))));
        if silent {
            bench.wake();
            bench.lose(Point::RoomTemperature);
        }
        let record = (0..70).map(|_| bench.wake().0).last().unwrap();
        let found = record.decision.settings.iter().find(|found| found.setting.control() == Control::HeatPumpSurplus);
        assert_eq!(found.unwrap().setting, Setting::HeatPumpSurplus(Watts(offer)), "{dimmed:?} {silent}");
    }
}

#[test]
fn every_cycle_says_all_that_is_wanted_under_a_number_that_grows() {
    let mut bench = Bench::new(site());
    for cycle in 1..4 {
        let (record, wanted) = bench.wake();
        assert_eq!(wanted, Setpoints { cycle, setpoints: record.decision.settings });
    }
}

#[test]
fn points_add_up_or_average_and_are_no_better_known_than_the_least_of_them() {
    let mut site = site();
    let second = |name: &str, points: &[Point]| Device {
        id: DeviceId(name.into()),
        points: points.iter().copied().collect::<BTreeSet<_>>(),
        ..site.devices[0].clone()
    };
    let (roof, cellar) = (second("roof", &[Point::PvPower]), second("cellar", &[Point::RoomTemperature]));
    site.devices.extend([roof, cellar]);
    let mut sampled = Readings::new(&site);
    let (now, moment) = (at("2026-01-10T20:00:00Z"), Moment::default().after(Duration::from_secs(3600)));
    let fresh = |value| Known::Fresh { value };
    let mut tell = |device: &str, point, value, age| {
        sampled.record(&sample(device, point, value, now), moment.before(Duration::from_secs(age)));
        let image = sampled.image(now, moment, (None, moment));
        image.get(point)
    };
    assert_eq!(tell("inverter", Point::PvPower, Some(1000.0), 5), Known::Missing);
    assert_eq!(tell("roof", Point::PvPower, Some(500.0), 5), fresh(1500.0));
    assert_eq!(tell("roof", Point::PvPower, Some(500.0), 90), Known::Stale { value: 1500.0, age_s: 90 });
    assert_eq!(tell("roof", Point::PvPower, None, 1), Known::Missing);
    assert_eq!(tell("heat pump", Point::RoomTemperature, Some(20.0), 1), Known::Missing);
    assert_eq!(tell("cellar", Point::RoomTemperature, Some(22.0), 1), fresh(21.0));
    assert_eq!(tell("inverter", Point::BatterySoc, Some(101.0), 1), Known::Missing);
    assert_eq!(tell("meter", Point::BatterySoc, Some(50.0), 1), Known::Missing);
    assert_eq!(tell("stranger", Point::GridPower, Some(50.0), 1), Known::Missing);
}

#[test]
fn a_point_that_is_read_seldom_may_be_older_than_the_others() {
    let mut site = site();
    site.devices[0].slow.insert(Point::OutdoorTemperature, Duration::from_secs(600));
    let mut sampled = Readings::new(&site);
    let (now, moment) = (at("2026-01-10T20:00:00Z"), Moment::default().after(Duration::from_secs(3600)));
    for point in [Point::OutdoorTemperature, Point::RoomTemperature] {
        sampled.record(&sample("heat pump", point, Some(5.0), now), moment.before(Duration::from_secs(500)));
    }
    let image = sampled.image(now, moment, (None, moment));
    assert_eq!(image.get(Point::OutdoorTemperature), Known::Fresh { value: 5.0 });
    assert_eq!(image.get(Point::RoomTemperature), Known::Stale { value: 5.0, age_s: 500 });
    let later = sampled.image(now, moment.after(Duration::from_secs(101)), (None, moment));
    assert_eq!(later.get(Point::OutdoorTemperature), Known::Stale { value: 5.0, age_s: 601 });
}
