//! The house of the tests: 10 kWp, 10 kWh, a heat pump, a room, one kilowatt of compute.

use crate::command::Mode;
use crate::decision::Control;
use crate::point::{DeviceId, Point, Sample};
use crate::site::*;
use crate::time::Timestamp;
use crate::units::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn device(name: &str, points: &[Point], controls: &[(Control, f64)]) -> Device {
    let range = |max| ControlRange {
        min: 0.0,
        max,
        min_interval: Duration::from_secs(60),
        keep_alive: Some(Duration::from_secs(120)),
        ..ControlRange::default()
    };
    Device {
        id: DeviceId(name.into()),
        points: points.iter().copied().collect::<BTreeSet<_>>(),
        max_age: Duration::from_secs(60),
        slow: BTreeMap::new(),
        controls: controls.iter().map(|(control, max)| (*control, range(*max))).collect(),
    }
}

pub(crate) fn site() -> Site {
    Site {
        name: "test".into(),
        timezone: chrono_tz::Europe::Berlin,
        currency: Currency::default(),
        devices: vec![
            device(
                "heat pump",
                &[Point::HeatPumpPower, Point::OutdoorTemperature, Point::RoomTemperature],
                &[(Control::HeatPumpSurplus, 3000.0), (Control::HeatPumpMode, 0.0)],
            ),
            device(
                "inverter",
                &[Point::PvPower, Point::BatteryPower, Point::BatterySoc],
                &[(Control::BatteryMode, 0.0)],
            ),
            device("meter", &[Point::GridPower], &[]),
            device("plug", &[Point::ComputePower], &[]),
        ],
        grid: Grid {
            import_limit: Watts(17_000.0),
            export_limit: Some(Watts(7_000.0)),
            phases: None,
            dimming: Dimming::default(),
            island: Island::Off,
        },
        tariff: Tariff::new(Price::fixed(EurPerKwh(0.30)), Price::fixed(EurPerKwh(0.08))),
        pv: Some(Pv { peak: Watts(10_000.0) }),
        battery: Some(Battery {
            capacity: KilowattHours(10.0),
            charge_max: Watts(5_000.0),
            discharge_max: Watts(5_000.0),
            round_trip: 0.9,
            wear: EurPerKwh(0.02),
            reserve: Percent(10.0),
            first: First::Planned,
        }),
        wallbox: None,
        compute: Compute {
            idle: Watts(60.0),
            min: Watts(200.0),
            max: Watts(1_000.0),
            heat_fraction: 0.97,
            heat_into: HeatSink::Room,
            reject_share: 0.03,
            min_on: Duration::from_secs(300),
            min_off: Duration::from_secs(180),
            start_cost_eur: 0.0,
            enable_delay: Duration::from_secs(60),
            disable_delay: Duration::from_secs(120),
            temperature_max: None,
            obeys_within: Duration::from_secs(4),
            starts_within: Duration::from_secs(6),
            tokens_per_kwh: 1e6,
            boost: Duration::from_secs(3600),
        },
        displaced: Some(HeatSource::HeatPump { carnot: 0.45, flow: Celsius(35.0), power_max: Watts(3_000.0) }),
        room: Some(Store { capacity_kwh_per_k: 5.0, loss_kw_per_k: 0.15, low: Celsius(20.0), high: Celsius(23.0) }),
        tank: None,
        building: building::Building::default(),
        work: WorkPrices {
            eur_per_mtok_in: 0.05,
            eur_per_mtok_out: 0.20,
            interactive: EurPerKwh(1.0),
            standing: EurPerKwh(0.15),
        },
        clean_below_g_per_kwh: 150.0,
    }
}

pub(crate) fn sample(device: &str, point: Point, value: Option<f64>, at: Timestamp) -> Sample {
    Sample { device: DeviceId(device.into()), point, value, at }
}

/// Every mode.
pub(crate) fn modes() -> impl Iterator<Item = Mode> {
    Mode::ALL.into_iter()
}

/// A building of 140 m2, insulated as in the last decades.
pub(crate) fn fabric() -> building::Fabric {
    building::Fabric {
        air_kwh_per_k: 2.0,
        mass_kwh_per_k: 12.0,
        coupling_kw_per_k: 1.6,
        envelope_kw_per_k: 0.12,
        ventilation_winter_kw_per_k: 0.06,
        ventilation_summer_kw_per_k: 0.3,
        gain_kw: 0.2,
        gain_of_household: 0.5,
        gain_of_sun_m2: 3.0,
        summer_shade: 0.3,
        heat_pump_to_air: 0.5,
        compute_to_air: 0.5,
    }
}
