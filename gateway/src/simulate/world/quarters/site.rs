//! The site that such a house describes. Where it does not say what an owner does not know, usual values stand.

use super::hello::{Hello, House, Node, Scenario};
use super::own_rule::OwnRule;
use plant::decision::Control;
use plant::point::{DeviceId, Point};
use plant::site::{
    Battery, Compute, ControlRange, Device, Dimming, First, Grid, HeatSink, HeatSource, Island, Pv, Site, Store,
    WorkPrices, carnot_of_rated,
};
use plant::units::{Celsius, Currency, EurPerKwh, KilowattHours, Percent, Watts};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Tokens of a kilowatt-hour: work is counted in kilowatt-hours, so any number does.
pub(super) const TOKENS_PER_KWH: f64 = 1e6;
/// A reading stands until two of the host's cycles have passed without another.
const AGE_MAX: Duration = Duration::from_secs(120);
/// Share that is left of energy on its way into a battery, and again on its way out, of usual ones.
const ONE_WAY: f64 = 0.95;
/// Share of its power that a box gives off where its heat is wanted, of usual ones.
const HEAT_FRACTION: f64 = 0.95;
/// What a fan takes of the heat that it carries away.
const FAN: f64 = 0.03;
/// Share of the ideal COP that air-source heat pumps reach.
const CARNOT: f64 = 0.42;
/// Flow temperature of a heating season.
const FLOW: Celsius = Celsius(38.0);
/// Heat that warms a house by a kelvin, in kWh/(K m2): the medium class of ISO 52016-1, 165 kJ/(K m2), with its furniture.
const MASS: f64 = 0.06;
/// What a house loses, in kW/(K m2): insulated as in the last decades.
const LOSS: f64 = 0.0013;
/// What a tank of usual size loses, in kW/K.
const TANK_LOSS: f64 = 0.0025;
/// What a litre of water holds, in kWh/K.
const WATER: f64 = 0.001163;

/// The site of `hello`.
pub(super) fn site(hello: &Hello) -> Site {
    let Hello { scen, node, own_rule, .. } = hello;
    let has_battery = node.bat_kwh > 0.0 && node.bat_kw > 0.0;
    Site {
        name: "outside simulator".into(),
        timezone: chrono_tz::Europe::Berlin,
        currency: Currency::default(),
        devices: devices(hello, has_battery),
        grid: Grid {
            import_limit: kilowatts(node.grid_import_kw),
            export_limit: Some(kilowatts(node.grid_export_kw)),
            phases: None,
            dimming: Dimming::default(),
            island: Island::Off,
        },
        tariff: super::tariff::tariff(node),
        pv: Some(Pv { peak: kilowatts(node.pv_kwp) }),
        battery: has_battery.then(|| battery(node)),
        wallbox: None,
        compute: compute(node),
        displaced: Some(HeatSource::HeatPump {
            carnot: node.hp_carnot.or(node.rated_cop_a7_w35.map(carnot_of_rated)).unwrap_or(CARNOT),
            flow: FLOW,
            power_max: kilowatts(node.hp_max_kw),
        }),
        room: Some(room(node, own_rule)),
        tank: Some(tank(node, own_rule)),
        building: super::building::building(hello),
        work: WorkPrices {
            eur_per_mtok_in: 0.0,
            eur_per_mtok_out: 0.0,
            interactive: EurPerKwh::ZERO,
            standing: match scen {
                Scenario::Market => EurPerKwh(node.revenue_eur_kwh),
                Scenario::Queue => EurPerKwh::ZERO,
            },
        },
        clean_below_g_per_kwh: 200.0,
    }
}

fn kilowatts(power: f64) -> Watts {
    Watts(power * 1000.0)
}

/// The devices, with what the simulator obeys.
fn devices(hello: &Hello, has_battery: bool) -> Vec<Device> {
    let mut inverter = device("inverter", &[Point::PvPower, Point::PvEnergy]);
    if has_battery {
        inverter.points.extend([
            Point::BatteryPower,
            Point::BatterySoc,
            Point::BatteryChargeEnergy,
            Point::BatteryDischargeEnergy,
        ]);
        inverter.controls = battery_controls(&hello.node);
    }
    let mut heat_pump = device(
        "heat pump",
        &[Point::HeatPumpPower, Point::HeatPumpHotWaterPower, Point::HeatPumpEnergy, Point::TankTemperature],
    );
    heat_pump.controls = heat_pump_controls(hello);
    // What the box draws it says itself.
    let mut plug = device("plug", &[Point::ComputeEnergy]);
    plug.controls = [(Control::ComputeHeatRoute, routes(hello.house))].into();
    let mut devices = vec![
        heat_pump,
        device("household", &[Point::HousePower]),
        inverter,
        device("meter", &[Point::GridPower, Point::GridImportEnergy, Point::GridExportEnergy]),
        plug,
        device("weather", &[Point::RoomTemperature, Point::OutdoorTemperature, Point::OutdoorIrradiance]),
    ];
    if let Some(obeyed) = &hello.controls {
        devices.iter_mut().for_each(|device| device.controls.retain(|control, _| obeyed.contains(control)));
    }
    devices
}

fn battery_controls(node: &Node) -> BTreeMap<Control, ControlRange> {
    let modes = ControlRange { words: ["normal", "hold", "charge"].into_iter().collect(), ..ControlRange::default() };
    let share = ControlRange { max: 100.0, ..ControlRange::default() };
    [
        (Control::BatteryMode, modes),
        (Control::BatteryChargePower, up_to(node.bat_kw)),
        (Control::BatteryChargeLimit, share),
        (Control::BatteryDischargeLimit, share),
    ]
    .into()
}

fn heat_pump_controls(hello: &Hello) -> BTreeMap<Control, ControlRange> {
    let power = up_to(hello.node.hp_max_kw);
    let mut controls: BTreeMap<Control, ControlRange> =
        [(Control::HeatPumpRoomPower, power), (Control::HeatPumpHotWaterPower, power)].into();
    if hello.own_rule.cooling.is_some() {
        controls.insert(Control::HeatPumpCoolingPower, power);
    }
    controls
}

/// A power that can be set, in kW at most.
fn up_to(power: f64) -> ControlRange {
    ControlRange { max: power * 1000.0, ..ControlRange::default() }
}

/// The ways of compute's heat.
fn routes(house: House) -> ControlRange {
    let words: &[&str] = match house {
        House::A => &["normal", "room", "outside"],
        House::B => &["normal", "room", "tank", "heat_pump_source", "outside"],
    };
    ControlRange { words: words.iter().copied().collect(), ..ControlRange::default() }
}

fn device(name: &str, points: &[Point]) -> Device {
    Device {
        id: DeviceId(name.into()),
        points: points.iter().copied().collect::<BTreeSet<_>>(),
        max_age: AGE_MAX,
        slow: BTreeMap::new(),
        controls: BTreeMap::new(),
    }
}

fn battery(node: &Node) -> Battery {
    let one_way = node.bat_eta.unwrap_or(ONE_WAY);
    Battery {
        capacity: KilowattHours(node.bat_kwh),
        charge_max: kilowatts(node.bat_kw),
        discharge_max: kilowatts(node.bat_kw),
        round_trip: one_way * one_way,
        wear: EurPerKwh(node.bat_wear_eur_kwh),
        reserve: Percent(node.bat_reserve_kwh / node.bat_kwh * 100.0),
        first: First::Planned,
    }
}

fn compute(node: &Node) -> Compute {
    let hours = |hours: f64| Duration::from_secs_f64(hours * 3600.0);
    Compute {
        idle: kilowatts(node.pc_idle),
        min: kilowatts(node.pc_min),
        max: kilowatts(node.pc_max),
        heat_fraction: node.pc_heat_frac.unwrap_or(HEAT_FRACTION),
        heat_into: HeatSink::Room,
        reject_share: node.dump_fan_kw_per_kw.unwrap_or(FAN),
        min_on: hours(node.pc_min_on_h),
        min_off: hours(node.pc_min_off_h),
        start_cost_eur: node.pc_start_eur,
        // Means of a quarter hour do not flicker.
        enable_delay: Duration::ZERO,
        disable_delay: Duration::ZERO,
        temperature_max: None,
        obeys_within: Duration::from_secs(1),
        starts_within: Duration::ZERO,
        tokens_per_kwh: TOKENS_PER_KWH,
        boost: Duration::from_secs(3600),
    }
}

/// The room takes compute's heat until the house's own rule sends it elsewhere.
fn room(node: &Node, own_rule: &OwnRule) -> Store {
    let capacity = node.air_kwh_per_k.zip(node.mass_kwh_per_k).map(|(air, mass)| air + mass);
    let loss = node.airing_kw_per_k.zip(node.envelope_kw_per_k).map(|(airing, envelope)| airing + envelope);
    let taken_below = own_rule.compute_heat.to_room_below_c_winter.unwrap_or(node.room_high_c);
    Store {
        capacity_kwh_per_k: capacity.unwrap_or(node.area_m2 * MASS),
        loss_kw_per_k: loss.unwrap_or(node.area_m2 * LOSS),
        low: Celsius(own_rule.room.setpoint_c.unwrap_or(node.room_low_c)),
        high: Celsius(taken_below.min(node.room_high_c)),
    }
}

fn tank(node: &Node, own_rule: &OwnRule) -> Store {
    Store {
        capacity_kwh_per_k: node.tank_litres * WATER,
        loss_kw_per_k: node.tank_ua.unwrap_or(TANK_LOSS),
        low: Celsius(own_rule.hot_water.on_below_c.unwrap_or(node.tank_lo)),
        high: Celsius(own_rule.hot_water.off_above_c.unwrap_or(node.tank_hi)),
    }
}
