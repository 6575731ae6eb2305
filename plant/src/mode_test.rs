//! What each mode means for battery and heat pump, a row for each mode, device and state of the data.

use crate::command::{Command, Mode};
use crate::decision::Control;
use crate::event::Event;
use crate::point::Point;
use crate::site::Price;
use crate::test_loop::{Loop, Meter};
use crate::test_site::site;
use crate::units::EurPerKwh;
use std::time::Duration;

/// What the data is like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Data {
    Fresh,
    /// The point falls silent.
    Without(Point),
}

/// The house of a row, after some minutes in `mode`: what it gives away, the price of import, the battery's charge.
fn lived(mode: Mode, data: Data, export: f64, price: f64, soc: f64) -> Loop {
    let mut site = site();
    site.tariff.import = Price::fixed(EurPerKwh(price));
    let meters: Vec<Meter> = [
        ("meter", Point::GridPower),
        ("inverter", Point::PvPower),
        ("inverter", Point::BatteryPower),
        ("inverter", Point::BatterySoc),
        ("heat pump", Point::HeatPumpPower),
        ("heat pump", Point::RoomTemperature),
        ("heat pump", Point::OutdoorTemperature),
        ("plug", Point::ComputePower),
    ]
    .map(|(device, point)| Meter::new(device, point, 1, 0))
    .to_vec();
    let mut house = Loop::new(site, Mode::Off, &meters);
    match mode {
        Mode::Boost => drop(house.plant.handle(Event::Command(Command::Boost(Duration::from_secs(36_000))), house.now)),
        Mode::Off | Mode::Auto | Mode::Surplus | Mode::Heat | Mode::Eco => {
            house.plant.handle(Event::Command(Command::SetMode(mode)), house.now);
        }
    }
    let world = |gone: Option<Point>| {
        move |_: &_, compute: f64, second: u64| {
            let mut truth = vec![
                // The last digit is never still.
                (Point::GridPower, compute - export + (second % 7) as f64),
                (Point::PvPower, 4000.0 + (second % 7) as f64),
                (Point::BatteryPower, 0.0),
                (Point::BatterySoc, soc),
                (Point::HeatPumpPower, 0.0),
                (Point::RoomTemperature, 21.0),
                (Point::OutdoorTemperature, 5.0),
            ];
            truth.retain(|(point, _)| Some(*point) != gone);
            truth
        }
    };
    house.live(200, world(None));
    if let Data::Without(point) = data {
        house.silence(point);
        house.live(90, world(Some(point)));
    }
    house
}

const DATA: [Data; 5] = [
    Data::Fresh,
    Data::Without(Point::GridPower),
    Data::Without(Point::BatteryPower),
    Data::Without(Point::BatterySoc),
    Data::Without(Point::RoomTemperature),
];

#[test]
fn the_heat_pump_in_each_mode() {
    for mode in Mode::ALL {
        for data in DATA {
            // 4 kW are given away, the battery is full.
            let house = lived(mode, data, 4000.0, 0.30, 100.0);
            let offered = match mode {
                Mode::Auto | Mode::Eco | Mode::Surplus => {
                    matches!(data, Data::Fresh | Data::Without(Point::BatterySoc))
                }
                Mode::Off | Mode::Heat | Mode::Boost => false,
            };
            let found = (house.commanded.offer > 0.0, house.commanded.boost);
            assert_eq!(found, (offered, offered), "{mode} {data:?}: {}", house.why());
            // What the grid pays for is taken in modes that buy.
            let house = lived(mode, data, -500.0, -0.05, 100.0);
            let offered = match mode {
                Mode::Auto | Mode::Eco => offered,
                Mode::Off | Mode::Surplus | Mode::Heat | Mode::Boost => false,
            };
            let found = (house.commanded.offer > 0.0, house.commanded.boost);
            assert_eq!(found, (offered, offered), "{mode} {data:?} at a negative price: {}", house.why());
        }
    }
}

#[test]
fn the_battery_in_each_mode() {
    for mode in Mode::ALL {
        for data in DATA {
            // Compute, where it runs, takes all of its power from elsewhere: import is dear or cheap, the battery full or at its
            // reserve.
            for (price, soc) in [(0.30, 60.0), (0.30, 9.0), (-0.05, 60.0), (-0.05, 9.0)] {
                let house = lived(mode, data, -500.0, price, soc);
                let blind = matches!(data, Data::Without(point) if point != Point::RoomTemperature);
                let (cheap, low) = (price < 0.0, soc < 10.0);
                let held = !blind
                    && house.commanded.budget > 0.0
                    && match mode {
                        Mode::Auto | Mode::Eco | Mode::Surplus => cheap || low,
                        Mode::Boost => low,
                        Mode::Off | Mode::Heat => false,
                    };
                assert_eq!(house.commanded.hold, held, "{mode} {data:?} {price} {soc}: {}", house.why());
                let runs = match mode {
                    Mode::Boost | Mode::Heat => data == Data::Fresh,
                    Mode::Off | Mode::Surplus | Mode::Auto | Mode::Eco => false,
                };
                assert!(!runs || house.commanded.budget > 0.0, "{mode} {data:?} {price} {soc}: {}", house.why());
            }
        }
    }
}

#[test]
fn in_off_and_blind_everything_is_under_its_own_control() {
    for mode in Mode::ALL {
        for data in [Data::Fresh, Data::Without(Point::GridPower)] {
            let house = lived(mode, data, 4000.0, -0.05, 9.0);
            let own = mode == Mode::Off || data != Data::Fresh;
            let settings = &house.record.as_ref().unwrap().decision.settings;
            assert!(!own || settings.iter().all(|setpoint| setpoint.setting.is_safe()), "{mode} {data:?} {settings:?}");
            assert!(settings.iter().any(|setpoint| setpoint.setting.control() == Control::BatteryMode));
        }
    }
}
