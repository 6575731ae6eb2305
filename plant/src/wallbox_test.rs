//! A wallbox with a controller of its own, as evcc has it, beside compute at the same meter: both follow the same sun for two hours.

use crate::command::Mode;
use crate::point::{DeviceId, Point};
use crate::site::{Site, Wallbox};
use crate::test_loop::{Commanded, Loop, Meter, restless};
use crate::test_site::site;
use crate::units::Watts;
use std::time::Duration;

/// A wallbox whose controller looks at the meter every 30 s, starts after 60 s of enough and stops after 180 s of too little.
struct Evcc {
    min: f64,
    max: f64,
    step: f64,
    /// Charges whatever the sun does.
    fast: bool,
    plugged: bool,
    set: f64,
    power: f64,
    timer: Option<u64>,
    starts: u32,
    charged: f64,
}

impl Evcc {
    fn new(min: f64, max: f64, step: f64) -> Self {
        Self { min, max, step, fast: false, plugged: true, set: 0.0, power: 0.0, timer: None, starts: 0, charged: 0.0 }
    }

    fn second(&mut self, second: u64, grid: f64) -> f64 {
        if second.is_multiple_of(30) {
            self.cycle(second, grid);
        }
        self.power += (self.set - self.power).clamp(-1000.0, 500.0);
        self.charged += self.power / 3.6e6;
        self.power
    }

    fn cycle(&mut self, second: u64, grid: f64) {
        if self.fast || !self.plugged {
            self.set = if self.fast { self.max } else { 0.0 };
            return;
        }
        let possible = self.power - grid;
        let charging = self.set > 0.0;
        if (possible >= self.min) == charging {
            self.timer = None;
        } else {
            let since = *self.timer.get_or_insert(second);
            let delay = if charging { 180 } else { 60 };
            if second - since >= delay {
                self.timer = None;
                self.starts += u32::from(!charging);
                self.set = if charging { 0.0 } else { self.min };
                return;
            }
        }
        if charging {
            self.set = ((possible / self.step).floor() * self.step).clamp(self.min, self.max);
        }
    }
}

fn shared(before_compute: bool, evcc: &Evcc) -> Site {
    let mut site = site();
    site.battery = None;
    site.grid.export_limit = None;
    (site.compute.min, site.compute.max) = (Watts(300.0), Watts(3000.0));
    site.wallbox = Some(Wallbox { before_compute, min: Watts(evcc.min), max: Watts(evcc.max) });
    for device in &mut site.devices {
        device.points.retain(|point| !matches!(point, Point::BatteryPower | Point::BatterySoc));
    }
    let mut wallbox = site.devices[3].clone();
    wallbox.id = DeviceId("wallbox".into());
    wallbox.points = [Point::WallboxPower].into_iter().collect();
    wallbox.max_age = Duration::from_secs(90);
    site.devices.push(wallbox);
    site
}

fn meters() -> Vec<Meter> {
    vec![
        Meter::new("meter", Point::GridPower, 1, 1),
        Meter::new("inverter", Point::PvPower, 5, 2),
        Meter::new("plug", Point::ComputePower, 3, 1),
        Meter::new("wallbox", Point::WallboxPower, 30, 5),
        Meter::new("heat pump", Point::HeatPumpPower, 10, 0),
        Meter::new("heat pump", Point::RoomTemperature, 30, 0),
    ]
}

fn world<'a>(
    evcc: &'a mut Evcc,
    sun: impl Fn(u64) -> f64 + 'a,
) -> impl FnMut(&Commanded, f64, u64) -> Vec<(Point, f64)> + 'a {
    let mut grid = 0.0;
    move |_, compute, second| {
        let drawn = evcc.second(second, grid);
        grid = 500.0 + restless(second) + compute + drawn - sun(second);
        vec![
            (Point::PvPower, sun(second)),
            (Point::GridPower, grid),
            (Point::WallboxPower, drawn),
            (Point::HeatPumpPower, 0.0),
            (Point::RoomTemperature, 24.0),
        ]
    }
}

fn two_hours(before_compute: bool, mut evcc: Evcc, sun: impl Fn(u64) -> f64 + Copy) -> (Loop, Evcc) {
    let mut house = Loop::new(shared(before_compute, &evcc), Mode::Surplus, &meters());
    house.live(7200, world(&mut evcc, sun));
    (house, evcc)
}

/// Least power on one phase and on three.
const SINGLE: f64 = 1400.0;
const THREE: f64 = 4100.0;

fn single() -> Evcc {
    Evcc::new(SINGLE, 7400.0, 230.0)
}

fn three() -> Evcc {
    Evcc::new(THREE, 11_000.0, 690.0)
}

#[test]
fn who_comes_first_gets_the_sun_and_nobody_chases() {
    let rows = [
        // wallbox first, its least power, surplus -> kWh of compute, kWh of the wallbox, each from .. to
        (false, SINGLE, 5500.0, [5.4, 6.0], [4.0, 5.2]),
        (false, SINGLE, 2000.0, [3.4, 4.1], [0.0, 0.3]),
        (false, THREE, 5500.0, [5.4, 6.0], [0.0, 0.6]),
        (false, THREE, 9000.0, [5.4, 6.0], [9.5, 12.2]),
        (true, SINGLE, 5500.0, [0.0, 0.5], [10.0, 11.0]),
        (true, SINGLE, 2000.0, [0.0, 0.3], [3.3, 4.0]),
        (true, THREE, 5500.0, [0.0, 0.6], [9.2, 11.0]),
        (true, THREE, 2000.0, [3.4, 4.1], [0.0, 0.0]),
    ];
    for (before_compute, least, surplus, compute, wallbox) in rows {
        let evcc = if least == SINGLE { single() } else { three() };
        let (house, evcc) = two_hours(before_compute, evcc, |_| 560.0 + surplus);
        let case = format!(
            "first {before_compute} least {} surplus {surplus}: compute {} kWh in {} starts, wallbox {} kWh in {} starts, import {}",
            evcc.min, house.computed, house.starts, evcc.charged, evcc.starts, house.imported
        );
        assert!((compute[0]..=compute[1]).contains(&house.computed), "{case}");
        assert!((wallbox[0]..=wallbox[1]).contains(&evcc.charged), "{case}");
        assert!(house.starts <= 3 && evcc.starts <= 3, "{case}");
        assert!(house.imported < 0.3, "{case}");
    }
}

#[test]
fn they_do_not_chase_each_other_under_clouds() {
    for before_compute in [false, true] {
        for evcc in [single(), three()] {
            // Ten minutes of sun, ten of clouds.
            let sun = |second: u64| if (second / 600).is_multiple_of(2) { 6500.0 } else { 3000.0 };
            let (house, evcc) = two_hours(before_compute, evcc, sun);
            let case = format!(
                "first {before_compute} least {}: compute {} kWh in {} starts, wallbox {} kWh in {} starts, import {}",
                evcc.min, house.computed, house.starts, evcc.charged, evcc.starts, house.imported
            );
            assert!(house.starts <= 8 && evcc.starts <= 7, "{case}");
            assert!(house.imported < 1.5, "{case}");
        }
    }
}

#[test]
fn a_wallbox_that_charges_on_purpose_is_no_surplus() {
    let mut evcc = three();
    evcc.fast = true;
    // 11 kW into the car, 6 kW from the roof.
    let (house, _) = two_hours(false, evcc, |_| 6500.0);
    assert!(house.computed < 0.1, "{} kWh", house.computed);
    // 3.6 kW into the car, 4 kW left: what it takes is given up after some minutes of import.
    let mut evcc = Evcc::new(3600.0, 3600.0, 230.0);
    evcc.fast = true;
    let (house, _) = two_hours(false, evcc, |_| 560.0 + 3600.0);
    assert!(house.imported < 0.5, "{} kWh imported", house.imported);
}

#[test]
fn a_wallbox_without_a_car_costs_little() {
    let mut evcc = single();
    evcc.plugged = false;
    let (house, evcc) = two_hours(true, evcc, |_| 560.0 + 3000.0);
    assert_eq!(evcc.charged, 0.0);
    assert!(house.computed > 5.0, "{} kWh", house.computed);
    assert!(house.starts <= 3, "{} starts", house.starts);
}
