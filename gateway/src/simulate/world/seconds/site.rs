//! The site that an outside simulator describes. Where it says nothing, the defaults of the configuration stand.

use anyhow::{Result, ensure};
use plant::decision::Control;
use plant::point::{DeviceId, Point};
use plant::site::{
    Battery, Compute, ControlRange, Device, Dimming, First, Grid, HeatSink, Island, Price, Pv, Site, Tariff, WorkPrices,
};
use plant::units::{Currency, EurPerKwh, KilowattHours, Percent, Watts};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A reading stands for so many of its device's intervals, and for [`AGE_MIN`] at least.
const INTERVALS: f64 = 3.0;
/// The greatest power in W, and energy in kWh, of a house.
const POWER_MAX: f64 = 1e6;
/// The longest time in s that anything of a simulated house may take.
const SPAN_MAX: f64 = 3600.0;
/// Seconds that any reading stands for.
const AGE_MIN: f64 = 10.0;

/// The parameters of the simulated house, as its owner knows them.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    pv_kwp_w: f64,
    pc_max_w: f64,
    pc_min_w: f64,
    pc_idle_w: f64,
    ramp_up_w_s: f64,
    ramp_down_w_s: f64,
    start_s: f64,
    command_s: f64,
    bat_kw_w: f64,
    bat_kwh: f64,
    meter_every_s: (f64, f64),
    plug_every_s: f64,
    battery_every_s: f64,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            pv_kwp_w: 10_000.0,
            pc_max_w: 1000.0,
            pc_min_w: 100.0,
            pc_idle_w: 30.0,
            ramp_up_w_s: 1000.0,
            ramp_down_w_s: 1000.0,
            start_s: 4.0,
            command_s: 1.0,
            bat_kw_w: 5000.0,
            bat_kwh: 10.0,
            meter_every_s: (1.0, 2.0),
            plug_every_s: 5.0,
            battery_every_s: 2.0,
        }
    }
}

impl Node {
    /// Whether a house can be like this.
    pub(super) fn check(&self) -> Result<()> {
        let powers = [
            ("pc_max_w", self.pc_max_w, 1.0),
            ("pc_min_w", self.pc_min_w, 0.0),
            ("pc_idle_w", self.pc_idle_w, 0.0),
            ("pv_kwp_w", self.pv_kwp_w, 0.0),
            ("bat_kw_w", self.bat_kw_w, 0.0),
            ("bat_kwh", self.bat_kwh, 0.0),
        ];
        for (name, value, least) in powers {
            ensure!((least..=POWER_MAX).contains(&value), "{name} is {value}; expected {least} to {POWER_MAX}");
        }
        ensure!(
            self.pc_min_w <= self.pc_max_w,
            "pc_min_w is {}; expected at most pc_max_w, {}",
            self.pc_min_w,
            self.pc_max_w
        );
        Ok(())
    }
}

/// The site of `node`; compute comes before the battery, as the simulator's owner wants it.
pub(super) fn site(node: &Node, battery: bool) -> Site {
    let mut devices = vec![
        device("meter", &[Point::GridPower], node.meter_every_s.1),
        device("plug", &[Point::ComputePower], node.plug_every_s),
    ];
    if battery {
        let mut inverter = device("inverter", &[Point::BatteryPower, Point::BatterySoc], node.battery_every_s);
        let always = ControlRange { min_interval: Duration::from_secs(10), ..ControlRange::default() };
        inverter.controls.insert(Control::BatteryMode, always);
        devices.insert(0, inverter);
    }
    let price = |price| Price::fixed(EurPerKwh(price));
    Site {
        name: "outside simulator".into(),
        timezone: chrono_tz::Europe::Berlin,
        currency: Currency::default(),
        devices,
        grid: Grid {
            import_limit: Watts(17_250.0),
            export_limit: None,
            phases: None,
            dimming: Dimming::default(),
            island: Island::Off,
        },
        tariff: Tariff::new(price(0.30), price(0.08)),
        pv: Some(Pv { peak: Watts(node.pv_kwp_w) }),
        battery: battery.then(|| self::battery(node)),
        wallbox: None,
        compute: compute(node),
        displaced: None,
        room: None,
        tank: None,
        building: plant::site::building::Building::default(),
        work: WorkPrices {
            eur_per_mtok_in: 0.0,
            eur_per_mtok_out: 0.0,
            interactive: EurPerKwh::ZERO,
            standing: EurPerKwh(0.20),
        },
        clean_below_g_per_kwh: 200.0,
    }
}

fn device(name: &str, points: &[Point], every_s: f64) -> Device {
    Device {
        id: DeviceId(name.into()),
        points: points.iter().copied().collect::<BTreeSet<_>>(),
        max_age: Duration::from_secs_f64((every_s * INTERVALS).clamp(AGE_MIN, SPAN_MAX)),
        slow: BTreeMap::new(),
        controls: BTreeMap::new(),
    }
}

fn battery(node: &Node) -> Battery {
    Battery {
        capacity: KilowattHours(node.bat_kwh),
        charge_max: Watts(node.bat_kw_w),
        discharge_max: Watts(node.bat_kw_w),
        round_trip: 0.9,
        wear: EurPerKwh(0.03),
        reserve: Percent::ZERO,
        first: First::Compute,
    }
}

fn compute(node: &Node) -> Compute {
    let slowest = node.ramp_up_w_s.min(node.ramp_down_w_s).max(1.0);
    let seconds =
        |value: f64| Duration::from_secs_f64(if value.is_finite() { value.clamp(0.0, SPAN_MAX) } else { 0.0 });
    Compute {
        idle: Watts(node.pc_idle_w),
        min: Watts(node.pc_min_w),
        max: Watts(node.pc_max_w),
        heat_fraction: 0.95,
        heat_into: HeatSink::Outside,
        reject_share: 0.03,
        min_on: Duration::from_secs(300),
        min_off: Duration::from_secs(120),
        start_cost_eur: 0.0,
        enable_delay: Duration::from_secs(60),
        disable_delay: Duration::from_secs(60),
        temperature_max: None,
        obeys_within: seconds(node.command_s + node.pc_max_w / slowest),
        starts_within: seconds(node.start_s),
        tokens_per_kwh: 1e6,
        boost: Duration::from_secs(3600),
    }
}
