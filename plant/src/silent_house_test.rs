//! A limit that binds keeps binding when a point falls silent, each point in turn. A twin that hears everything lives beside the
//! house that does not: compute may not draw more than in the twin.

use crate::command::{Command, Mode};
use crate::late_house::LateHouse;
use crate::late_house::accelerator::Accelerator;
use crate::late_house::account::{Account, Bounds};
use crate::late_house::chance::Chance;
use crate::late_house::heating::Heating;
use crate::late_house::household::{Load, Sky};
use crate::late_house::meter::{Meter, Trouble};
use crate::late_house::storage::Storage;
use crate::point::Point;
use crate::site::Site;
use crate::test_site;
use crate::units::{Celsius, Watts};

/// Seconds until everything has settled.
const SETTLED: f64 = 600.0;
/// Seconds of silence.
const SILENCE: f64 = 1_200.0;

/// A house at rest: what its limits are, what it takes and makes.
#[derive(Clone, Copy, Debug)]
struct Case {
    name: &'static str,
    mode: Mode,
    load: f64,
    sun: f64,
    soc: f64,
    dimmed: Option<f64>,
    cellar: f64,
}

const CASE: Case = Case { name: "", mode: Mode::Boost, load: 500.0, sun: 0.0, soc: 50.0, dimmed: None, cellar: 20.0 };

const CASES: [Case; 6] = [
    Case { name: "fuse", load: 21_300.0, ..CASE },
    Case { name: "dimming", load: 6_000.0, dimmed: Some(1_500.0), ..CASE },
    Case { name: "no more than the heat pump leaves", load: 6_000.0, dimmed: Some(600.0), ..CASE },
    Case { name: "reserve", soc: 7.0, ..CASE },
    Case { name: "too hot", cellar: 60.0, ..CASE },
    Case { name: "surplus", mode: Mode::Surplus, sun: 1_400.0, soc: 100.0, ..CASE },
];

fn installed() -> (Site, Vec<Meter>) {
    let mut site = test_site::site();
    site.compute.temperature_max = Some(Celsius(70.0));
    let heat_pump = [Point::HeatPumpPower, Point::OutdoorTemperature, Point::RoomTemperature];
    let devices: [(&str, &[Point], (f64, f64)); 4] = [
        ("heat pump", &heat_pump, (10.0, 1.0)),
        ("inverter", &[Point::PvPower, Point::BatteryPower, Point::BatterySoc], (2.0, 1.0)),
        ("meter", &[Point::GridPower], (1.0, 0.6)),
        ("plug", &[Point::ComputePower, Point::ComputeTemperature], (5.0, 0.4)),
    ];
    // The heat pump is under its own control: what it leaves without an offer is no guard's matter.
    site.devices.iter_mut().filter(|device| device.id.0 == "heat pump").for_each(|device| device.controls.clear());
    let mut meters = Vec::new();
    for (device, points, pace) in devices {
        let installed = site.devices.iter_mut().find(|installed| installed.id.0 == device).unwrap();
        installed.points = points.iter().copied().collect();
        // Each point falls silent by itself.
        meters.extend(points.iter().map(|point| Meter::new(device, &[*point], pace)));
    }
    for meter in &mut meters {
        meter.error = 0.002;
    }
    (site, meters)
}

fn house(case: Case) -> LateHouse {
    let (site, meters) = installed();
    let bounds = Bounds {
        connection: site.grid.import_limit.0,
        phase: None,
        dims: (true, true, true),
        reserve: Some((10.0, 10.0)),
        obeys: 4.0,
        max_age: 60.0,
        behind: 61.0,
        phased: false,
    };
    let mut accelerator = Accelerator::new(60.0, 1.0, 3.0, 500.0);
    accelerator.cellar = case.cellar;
    accelerator.celsius = case.cellar;
    let mut house = LateHouse::new(site, Account::new(bounds), accelerator, Chance::new(1));
    house.meters = meters;
    house.storage = Some(Storage::new(10_000.0, 5_000.0, case.soc));
    // The heat pump starts in the middle of the silence.
    let mut heating = Heating::new(800.0, 800.0, 20.0);
    heating.rest(SETTLED + 0.5 * SILENCE);
    house.heating = Some(heating);
    house.loads = vec![Load::always(case.load, None)];
    house.sky = Sky::new(case.sun, 7_000.0);
    house.command(Command::SetMode(case.mode));
    house.command(Command::GridDimming(case.dimmed.map(Watts)));
    house.live(SETTLED);
    house
}

/// The most that compute truly draws in so many seconds.
fn most(house: &mut LateHouse, seconds: f64) -> f64 {
    let end = house.t() + seconds;
    let mut most: f64 = 0.0;
    while house.t() < end {
        house.step();
        most = most.max(house.truth.compute);
    }
    most
}

#[test]
fn no_guard_opens_because_a_point_falls_silent() {
    let mut faults = Vec::new();
    for case in CASES {
        let settled = house(case);
        let heard = most(&mut settled.clone(), SILENCE);
        for point in installed().0.devices.iter().flat_map(|device| device.points.clone()) {
            let mut house = settled.clone();
            house.meter(point).troubles.push((SETTLED, SETTLED + SILENCE, Trouble::Silent));
            let silent = most(&mut house, SILENCE);
            if silent > heard + 20.0 {
                faults.push(format!("{}, {} silent: {silent:.0} W, heard {heard:.0} W", case.name, point.name()));
            }
            let broken =
                house.account.faults.values().map(|words| format!("{}, {} silent: {words}", case.name, point.name()));
            faults.extend(broken);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
