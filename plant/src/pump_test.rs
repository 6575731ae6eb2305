//! Heat pumps that obey slowly, beside meters that are late: offers and boosts are calm, and cost what the true powers say.

use crate::command::Mode;
use crate::decision::Control;
use crate::event::Event;
use crate::point::Point;
use crate::site::{Price, Site};
use crate::test_loop::{Commanded, Loop, Meter, restless};
use crate::test_site::site;
use crate::units::{EurPerKwh, Watts};
use crate::work::{WorkerState, WorkerStatus};

/// A house without battery whose compute is too large for its sun, so that all of it is the heat pump's.
fn pump_site(control: Control) -> Site {
    let mut site = site();
    site.battery = None;
    site.work.standing = EurPerKwh::ZERO;
    (site.compute.min, site.compute.max) = (Watts(6000.0), Watts(6000.0));
    for device in &mut site.devices {
        device.controls.retain(|found, _| *found == control);
        device.points.retain(|point| !matches!(point, Point::BatteryPower | Point::BatterySoc));
        device.max_age = std::time::Duration::from_secs(200);
    }
    site
}

fn meters(pump: Option<(u64, usize)>, grid: (u64, usize)) -> Vec<Meter> {
    let mut meters = vec![
        Meter::new("meter", Point::GridPower, grid.0, grid.1),
        Meter::new("inverter", Point::PvPower, 5, 2),
        Meter::new("heat pump", Point::RoomTemperature, 30, 0),
        Meter::new("plug", Point::ComputePower, 5, 1),
    ];
    meters.extend(pump.map(|(every, late)| Meter::new("heat pump", Point::HeatPumpPower, every, late)));
    meters
}

/// A heat pump that modulates: it begins 20 s after it may and approaches what it may with some watts a second.
struct Pump {
    power: f64,
    waits: u64,
    ramp: f64,
    obeys: bool,
}

impl Pump {
    fn new(ramp: f64) -> Self {
        Self { power: 300.0, waits: 0, ramp, obeys: true }
    }

    fn second(&mut self, may: f64) -> f64 {
        let target = if self.obeys && may >= 500.0 { may.clamp(300.0, 3000.0) } else { 300.0 };
        self.waits = if (target - self.power).abs() > 1.0 { self.waits + 1 } else { 0 };
        if self.waits > 20 {
            self.power += (target - self.power).clamp(-self.ramp, self.ramp);
        }
        self.power
    }
}

fn world<'a>(
    pump: &'a mut Pump,
    sun: impl Fn(u64) -> f64 + 'a,
) -> impl FnMut(&Commanded, f64, u64) -> Vec<(Point, f64)> + 'a {
    move |commanded, compute, second| {
        let drawn = pump.second(if commanded.boost { 3000.0 } else { commanded.offer });
        let (pv, load) = (sun(second), 400.0 + restless(second));
        vec![
            (Point::PvPower, pv),
            (Point::HeatPumpPower, drawn),
            (Point::GridPower, load + drawn + compute - pv),
            (Point::RoomTemperature, 21.0),
        ]
    }
}

#[test]
fn an_offer_is_calm_for_an_hour_of_steady_sun() {
    let rows = [
        // surplus beyond house and base load, pump's meter (every, late), grid meter, ramp
        (800.0, Some((5, 2)), (1, 1), 50.0),
        (800.0, Some((60, 20)), (2, 5), 10.0),
        (2500.0, Some((60, 0)), (1, 0), 15.0),
        (2500.0, Some((120, 30)), (5, 10), 8.0),
        (2500.0, Some((10, 0)), (10, 5), 500.0),
        (2500.0, None, (2, 5), 15.0),
    ];
    for (surplus, pump_meter, grid_meter, ramp) in rows {
        let mut house = Loop::new(pump_site(Control::HeatPumpSurplus), Mode::Surplus, &meters(pump_meter, grid_meter));
        let mut pump = Pump::new(ramp);
        let mut taken = 0.0;
        for _ in 0..60 {
            house.live(60, world(&mut pump, |_| 400.0 + 60.0 + 300.0 + surplus));
            taken += (pump.power - 300.0) / 60.0;
        }
        let case = format!("{surplus} {pump_meter:?} {grid_meter:?}: {} changes, {taken} Wh", house.offers);
        assert!((1..=4).contains(&house.offers), "{case}");
        assert!(house.imported < 0.06, "{case}, {} kWh imported", house.imported);
        assert!(taken > 0.6 * surplus, "{case}");
    }
}

#[test]
fn an_offer_follows_what_really_changes() {
    for pump_meter in [Some((5, 2)), Some((60, 20)), None] {
        let mut house = Loop::new(pump_site(Control::HeatPumpSurplus), Mode::Surplus, &meters(pump_meter, (2, 5)));
        let mut pump = Pump::new(20.0);
        house.live(1200, world(&mut pump, |_| 3260.0));
        assert!((2000.0..=2550.0).contains(&house.commanded.offer), "{pump_meter:?} {:?}", house.commanded);
        // A cloud: 2500 W become 1000.
        house.live(120, world(&mut pump, |_| 1760.0));
        assert!((700.0..=1350.0).contains(&house.commanded.offer), "{pump_meter:?} {:?}", house.commanded);
        house.live(600, world(&mut pump, |_| 1760.0));
        // Nothing is left: the least offer until its ten minutes are over, then none.
        house.live(150, world(&mut pump, |_| 500.0));
        assert_eq!(house.commanded.offer, 0.0, "{pump_meter:?}");
        assert!(house.imported < 0.15 && house.offers <= 6, "{pump_meter:?} {} {}", house.imported, house.offers);
    }
}

#[test]
fn an_offer_that_the_pump_does_not_take_is_calm_too() {
    for pump_meter in [Some((5, 2)), Some((60, 20)), None] {
        let mut house = Loop::new(pump_site(Control::HeatPumpSurplus), Mode::Surplus, &meters(pump_meter, (2, 5)));
        let mut pump = Pump { obeys: false, ..Pump::new(20.0) };
        house.live(3600, world(&mut pump, |_| 3260.0));
        assert!((1..=3).contains(&house.offers), "{pump_meter:?}: {} changes", house.offers);
        assert!(house.commanded.offer <= 2550.0, "{pump_meter:?}: {:?}", house.commanded);
        // What nobody takes is not left over when the sun goes.
        house.live(400, world(&mut pump, |_| 1760.0));
        assert!(pump_meter.is_none() || house.commanded.offer <= 1250.0, "{pump_meter:?}: {:?}", house.commanded);
    }
}

#[test]
fn an_offer_that_the_pump_cannot_use_is_none() {
    let mut site = pump_site(Control::HeatPumpSurplus);
    site.devices[0].controls.get_mut(&Control::HeatPumpSurplus).unwrap().min = 1000.0;
    for (surplus, offered) in [(60.0, false), (900.0, false), (1500.0, true)] {
        let mut house = Loop::new(site.clone(), Mode::Surplus, &meters(Some((10, 0)), (1, 0)));
        let mut pump = Pump::new(50.0);
        house.live(300, world(&mut pump, |_| 820.0 + surplus));
        assert_eq!(house.commanded.offer >= 1000.0, offered, "{surplus}: {:?}", house.commanded);
        assert!(offered || house.offers == 0, "{surplus}: {:?}", house.commanded);
    }
}

#[test]
fn an_hour_of_clouds_costs_a_dozen_writes() {
    let mut house = Loop::new(pump_site(Control::HeatPumpSurplus), Mode::Surplus, &meters(Some((10, 2)), (1, 2)));
    let mut pump = Pump::new(50.0);
    // Every three minutes the sky changes.
    house.live(3600, world(&mut pump, |second| if (second / 180).is_multiple_of(2) { 3500.0 } else { 1500.0 }));
    assert!(house.offers <= 14, "{}", house.offers);
    assert!(house.imported < 0.5, "{}", house.imported);
}

#[test]
fn a_negative_price_is_one_offer() {
    for pump_meter in [Some((5, 0)), Some((60, 20)), None] {
        let mut site = pump_site(Control::HeatPumpSurplus);
        site.tariff.import = Price::fixed(EurPerKwh(-0.05));
        // The house takes nearly all of what the fuse lets through.
        site.grid.import_limit = Watts(3000.0);
        let mut house = Loop::new(site, Mode::Auto, &meters(pump_meter, (1, 1)));
        let mut pump = Pump::new(20.0);
        house.live(600, world(&mut pump, |_| 0.0));
        assert!((1..=2).contains(&house.offers), "{pump_meter:?}: {} changes", house.offers);
        assert!(pump.power > 1500.0, "{pump_meter:?}: {}", pump.power);
    }
}

#[test]
fn a_boost_ends_when_it_mostly_imports() {
    for pump_meter in [Some((5, 2)), Some((60, 20)), None] {
        let mut house = Loop::new(pump_site(Control::HeatPumpMode), Mode::Surplus, &meters(pump_meter, (2, 5)));
        let mut pump = Pump::new(50.0);
        // 1500 W of surplus, then two hours with 300: the pump takes 2700 more than its base load.
        house.live(120, world(&mut pump, |_| 760.0 + 1500.0));
        assert!(house.commanded.boost, "{pump_meter:?}");
        house.live(7200, world(&mut pump, |_| 760.0 + 300.0));
        assert!(!house.commanded.boost && house.boosts == 1, "{pump_meter:?} {}", house.boosts);
        assert!(house.imported < 0.55, "{pump_meter:?}: {} kWh imported", house.imported);
        // With most of what it takes left over it is boosted again, and stays so.
        house.live(3600, world(&mut pump, |_| 760.0 + 2900.0));
        assert!(house.commanded.boost && house.boosts == 2, "{pump_meter:?} {}", house.boosts);
    }
}

#[test]
fn a_boost_and_a_pause_last_ten_minutes() {
    let mut house = Loop::new(pump_site(Control::HeatPumpMode), Mode::Surplus, &meters(Some((5, 2)), (1, 1)));
    let mut pump = Pump::new(50.0);
    // The sky changes every two minutes: sun for the pump, and none at all.
    house.live(3600, world(&mut pump, |second| if (second / 120).is_multiple_of(2) { 4000.0 } else { 500.0 }));
    assert!(house.boosts <= 3, "{} starts in an hour", house.boosts);
}

/// A house whose compute of 200 to 1000 W has work.
fn shared_site(control: Control) -> Site {
    let mut site = pump_site(control);
    (site.work, site.compute) = (crate::test_site::site().work, crate::test_site::site().compute);
    site
}

fn engine(house: &mut Loop, state: WorkerState) {
    let status = WorkerStatus { state, power: Some(Watts::ZERO), ..WorkerStatus::default() };
    house.plant.handle(Event::Worker(Box::new(status)), house.now);
}

const PUMP_METERS: [Option<(u64, usize)>; 3] = [Some((5, 2)), Some((60, 20)), None];

#[test]
fn compute_comes_first_and_the_pump_takes_what_it_leaves() {
    for mode in [Mode::Surplus, Mode::Auto] {
        for pump_meter in PUMP_METERS {
            let mut house = Loop::new(shared_site(Control::HeatPumpSurplus), mode, &meters(pump_meter, (2, 3)));
            let mut pump = Pump::new(20.0);
            let case = |house: &Loop, pump: &Pump| {
                let (starts, offers) = (house.starts, house.offers);
                format!("{mode} {pump_meter:?}: {:?} {} {starts} {offers}", house.commanded, pump.power)
            };
            // 840 to 960 W are left over.
            house.live(900, world(&mut pump, |_| 820.0 + 900.0 - 60.0));
            assert!(house.compute > 700.0 && house.offers == 0, "{}", case(&house, &pump));
            assert!(house.imported < 0.01, "{} kWh, {}", house.imported, case(&house, &pump));
            house.live(1500, world(&mut pump, |_| 760.0 + 4000.0));
            assert!(house.compute > 980.0 && pump.power > 2500.0, "{}", case(&house, &pump));
            assert!(house.imported < 0.03, "{} kWh, {}", house.imported, case(&house, &pump));
            // The sun falls: 2000 W, then 900.
            house.live(600, world(&mut pump, |_| 760.0 + 2000.0));
            assert!(house.compute > 700.0 && pump.power > 900.0, "{}", case(&house, &pump));
            house.live(900, world(&mut pump, |_| 760.0 + 900.0));
            // Of a pump without a meter nobody knows whether it takes the least offer; it stands while compute lacks nothing.
            let stands = if pump_meter.is_some() { 0.0 } else { 300.0 };
            assert!(house.compute > 700.0 && house.commanded.offer <= stands, "{}", case(&house, &pump));
            assert!(house.starts == 1 && house.offers <= 6, "{}", case(&house, &pump));
            assert!(house.imported < 0.15, "{} kWh, {}", house.imported, case(&house, &pump));
        }
    }
}

#[test]
fn a_standing_offer_gives_way_to_compute() {
    for mode in [Mode::Surplus, Mode::Auto] {
        for pump_meter in PUMP_METERS {
            for (surplus, before) in [(900.0, 900), (900.0, 200), (3000.0, 900)] {
                let mut house = Loop::new(shared_site(Control::HeatPumpSurplus), mode, &meters(pump_meter, (2, 3)));
                let mut pump = Pump::new(20.0);
                engine(&mut house, WorkerState::Down);
                house.live(before, world(&mut pump, |_| 760.0 + surplus));
                let case = format!("{mode} {pump_meter:?} {surplus} {before}");
                assert!(pump.power > 300.0 + 0.6 * surplus, "{case}: {}", pump.power);
                let bought = house.imported;
                engine(&mut house, WorkerState::Busy);
                // The least time of the offer, its shrinking, and the start of compute.
                let patience = if before < 600 { 600 - before + 400 } else { 400 };
                house.live(patience, world(&mut pump, |_| 760.0 + surplus));
                assert!(house.compute > 0.75 * f64::min(surplus, 1000.0), "{case}: {} {}", house.compute, house.why());
                assert!(house.imported - bought < 0.01, "{case}: {} kWh", house.imported - bought);
                house.live(1500, world(&mut pump, |_| 760.0 + surplus));
                assert!(house.starts == 1 && house.offers <= 5, "{case}: {} {}", house.starts, house.offers);
                let left = if surplus > 1000.0 { surplus - 1000.0 } else { 0.0 };
                // A pump without a meter grows by what is exported beyond its offer, and that has a dead band.
                let near = if pump_meter.is_some() { 450.0 } else { 600.0 };
                assert!((pump.power - 300.0 - left).abs() < near, "{case}: {}", pump.power);
            }
        }
    }
}

#[test]
fn pump_and_compute_do_not_chase_each_other_at_the_edge() {
    for pump_meter in PUMP_METERS {
        for surplus in [780.0, 850.0, 900.0] {
            let mut site = shared_site(Control::HeatPumpSurplus);
            site.compute.min = Watts(800.0);
            let mut house = Loop::new(site, Mode::Surplus, &meters(pump_meter, (2, 3)));
            let mut pump = Pump::new(20.0);
            house.live(3600, world(&mut pump, |_| 760.0 + surplus));
            let case = format!("{pump_meter:?} {surplus}: {} starts, {} changes", house.starts, house.offers);
            assert!(house.starts <= 4 && house.offers <= 14, "{case}");
            assert!(house.imported < 0.1, "{case}, {} kWh", house.imported);
        }
    }
}

#[test]
fn a_boost_that_starves_compute_ends() {
    for pump_meter in PUMP_METERS {
        let mut house = Loop::new(shared_site(Control::HeatPumpMode), Mode::Surplus, &meters(pump_meter, (2, 3)));
        let mut pump = Pump::new(50.0);
        engine(&mut house, WorkerState::Down);
        house.live(900, world(&mut pump, |_| 760.0 + 2700.0));
        assert!(house.commanded.boost, "{pump_meter:?}");
        engine(&mut house, WorkerState::Busy);
        house.live(400, world(&mut pump, |_| 760.0 + 2700.0));
        let case = |house: &Loop| format!("{pump_meter:?}: {} W, {} boosts", house.compute, house.boosts);
        assert!(house.compute > 980.0, "{}", case(&house));
        house.live(1800, world(&mut pump, |_| 760.0 + 2700.0));
        assert!(house.compute > 980.0 && house.starts == 1, "{}", case(&house));
    }
}
