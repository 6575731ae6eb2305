//! The entities a site has, as data: what each is called, where its value lies and what kind of value it is.

use super::states;
use super::topics::State;
use plant::point::{Point, Role};
use plant::record::Record;

/// What kind of value a sensor has, in Home Assistant's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub device_class: Option<&'static str>,
    pub state_class: Option<&'static str>,
    /// Unit of measurement.
    pub unit: Option<&'static str>,
    /// Decimals to show.
    pub decimals: Option<u8>,
}

const fn kind(
    device_class: Option<&'static str>,
    state_class: Option<&'static str>,
    unit: Option<&'static str>,
    decimals: Option<u8>,
) -> Kind {
    Kind { device_class, state_class, unit, decimals }
}

const POWER: Kind = kind(Some("power"), Some("measurement"), Some("W"), Some(0));
const CURRENT: Kind = kind(Some("current"), Some("measurement"), Some("A"), Some(1));
const ENERGY: Kind = kind(Some("energy"), Some("total_increasing"), Some("kWh"), Some(2));
const SHARE: Kind = kind(Some("battery"), Some("measurement"), Some("%"), Some(0));
const IRRADIANCE: Kind = kind(Some("irradiance"), Some("measurement"), Some("W/m²"), Some(0));
const TEMPERATURE: Kind = kind(Some("temperature"), Some("measurement"), Some("°C"), Some(1));
/// Units of money begin with this; the site's currency takes its place.
pub const EURO: &str = "EUR";

const MONEY: Kind = kind(Some("monetary"), Some("total"), Some(EURO), Some(2));
/// Money of a span that is over: it adds up to nothing.
const CLOSED_MONEY: Kind = kind(Some("monetary"), None, Some(EURO), Some(2));
/// What something is worth to somebody who does not pay for it. No money: Home Assistant keeps no sums of it, and offers it nowhere as
/// a cost.
const VALUE: Kind = kind(None, Some("measurement"), Some(EURO), Some(2));
const PRICE: Kind = kind(None, Some("measurement"), Some("EUR/kWh"), Some(3));
const TOKENS: Kind = kind(None, Some("total_increasing"), Some("tokens"), Some(0));
const SPEED: Kind = kind(None, Some("measurement"), Some("tokens/s"), Some(1));
const COUNT: Kind = kind(None, Some("measurement"), Some("jobs"), Some(0));
const MOMENT: Kind = kind(Some("timestamp"), None, None, None);
const WORD: Kind = kind(Some("enum"), None, None, None);
/// Money that nobody has paid yet: it is in no sum.
const EXPECTED: Kind = kind(None, None, Some(EURO), Some(2));
const PLANNED: Kind = kind(None, None, Some("kWh"), Some(2));

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Last part of its unique id and of its entity id.
    pub key: String,
    /// Its name beside the device's.
    pub name: &'static str,
    /// What kind of value it has.
    pub kind: Kind,
    /// Where its value lies.
    pub state: State,
    /// Its path in that message.
    pub path: String,
    /// The path of its attributes in that message.
    pub attributes: Option<&'static str>,
    /// The path of the moment from which it counts, for a total that begins anew.
    pub reset: Option<&'static str>,
    /// Its icon, where the device class brings none.
    pub icon: Option<&'static str>,
    /// Whether it is about HeatMine and not about the house.
    pub diagnostic: bool,
}

impl Sensor {
    fn new(key: &str, name: &'static str, kind: Kind, state: State) -> Self {
        Self {
            key: key.to_owned(),
            name,
            kind,
            state,
            path: key.to_owned(),
            attributes: None,
            reset: None,
            icon: None,
            diagnostic: false,
        }
    }

    fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    fn with(self, attributes: &'static str) -> Self {
        Self { attributes: Some(attributes), ..self }
    }

    fn since(self, reset: &'static str) -> Self {
        Self { reset: Some(reset), ..self }
    }

    fn icon(self, icon: &'static str) -> Self {
        Self { icon: Some(icon), ..self }
    }

    fn diagnostic(self) -> Self {
        Self { diagnostic: true, ..self }
    }
}

/// Every sensor that any site can have, and whether `record`'s site has it.
pub fn sensors(record: &Record) -> Vec<(Sensor, bool)> {
    let points = Point::ALL.iter().filter_map(|&point| {
        let sensor = Sensor::new(&states::key(point), point_name(point)?, point_kind(point), State::Live);
        Some((sensor, point == Point::ComputePower || record.points.contains_key(&point)))
    });
    let every = house().into_iter().chain(money()).map(|sensor| (sensor, true));
    points.chain(counters(record)).chain(every).chain(intents(record)).collect()
}

/// What a point is called; `None` for the counters whose totals the books keep.
fn point_name(point: Point) -> Option<&'static str> {
    match point {
        Point::GridPower => Some("Grid power"),
        Point::PvPower => Some("PV power"),
        Point::BatteryPower => Some("Battery power"),
        Point::BatterySoc => Some("Battery charge"),
        Point::HousePower => Some("House power"),
        Point::HouseEnergy => Some("House energy"),
        Point::ComputePower => Some("Compute power"),
        Point::ComputeTemperature => Some("Compute temperature"),
        Point::HeatPumpPower => Some("Heat pump power"),
        Point::HeatPumpHeat => Some("Heat pump heat"),
        Point::HeatPumpHotWaterPower => Some("Hot water power"),
        Point::OutdoorIrradiance => Some("Irradiance"),
        Point::HeatPumpHeatEnergy => Some("Heat pump heat energy"),
        Point::HeatPumpFlowTemperature => Some("Heat pump flow"),
        Point::HeatPumpReturnTemperature => Some("Heat pump return"),
        Point::GridPowerL1 => Some("Grid power L1"),
        Point::GridPowerL2 => Some("Grid power L2"),
        Point::GridPowerL3 => Some("Grid power L3"),
        Point::GridCurrentL1 => Some("Grid current L1"),
        Point::GridCurrentL2 => Some("Grid current L2"),
        Point::GridCurrentL3 => Some("Grid current L3"),
        Point::WallboxPower => Some("Wallbox power"),
        Point::WallboxEnergy => Some("Wallbox energy"),
        Point::TankTemperature => Some("Tank temperature"),
        Point::RoomTemperature => Some("Room temperature"),
        Point::OutdoorTemperature => Some("Outdoor temperature"),
        Point::GridImportEnergy
        | Point::GridExportEnergy
        | Point::GridDimmed
        | Point::GridIsland
        | Point::PvEnergy
        | Point::BatteryChargeEnergy
        | Point::BatteryDischargeEnergy
        | Point::ComputeEnergy
        | Point::HeatPumpEnergy => None,
    }
}

fn point_kind(point: Point) -> Kind {
    match point.unit() {
        "W" => POWER,
        "kWh" => ENERGY,
        "A" => CURRENT,
        "%" => SHARE,
        "W/m²" => IRRADIANCE,
        _ => TEMPERATURE,
    }
}

fn counters(record: &Record) -> Vec<(Sensor, bool)> {
    let has = |role: Role| record.points.keys().any(|point| point.role() == role);
    let energy = |key: &str, name: &'static str| Sensor::new(key, name, ENERGY, State::Counters);
    vec![
        (energy("grid_import_energy", "Grid import"), has(Role::Grid)),
        (energy("grid_export_energy", "Grid export"), has(Role::Grid)),
        (energy("pv_energy", "PV energy"), has(Role::Pv)),
        (energy("battery_charge_energy", "Battery charged"), has(Role::Battery)),
        (energy("battery_discharge_energy", "Battery discharged"), has(Role::Battery)),
        (energy("heat_pump_energy", "Heat pump energy"), has(Role::HeatPump)),
        (energy("compute_energy", "Compute energy"), true),
        (energy("heat_used_energy", "Heat used").icon("mdi:radiator"), true),
        (Sensor::new("tokens", "Tokens", TOKENS, State::Counters).icon("mdi:counter"), true),
    ]
}

/// The sensors that every site has.
fn house() -> Vec<Sensor> {
    let live = |key: &str, name: &'static str, kind: Kind| Sensor::new(key, name, kind, State::Live);
    vec![
        live("surplus", "Surplus", POWER).icon("mdi:solar-power"),
        live("import_price", "Import price", PRICE).icon("mdi:transmission-tower-import"),
        live("export_price", "Export price", PRICE).icon("mdi:transmission-tower-export"),
        live("tokens_per_second", "Token rate", SPEED).icon("mdi:speedometer"),
        live("jobs_waiting", "Jobs waiting", COUNT).icon("mdi:tray-full"),
        Sensor::new("reason", "Reason", WORD, State::Decision).with("why").icon("mdi:comment-question-outline"),
        Sensor::new("budget", "Compute budget", POWER, State::Decision),
        Sensor::new("worth", "Worth of compute", PRICE, State::Decision)
            .at("net")
            .with("worth")
            .icon("mdi:scale-balance"),
        Sensor::new("plan", "Plan", PLANNED, State::Plan).at("planned_kwh").with("ahead").icon("mdi:chart-timeline"),
        Sensor::new("next_run", "Next planned run", MOMENT, State::Plan),
        Sensor::new("expected_cost_today", "Expected cost today", EXPECTED, State::Plan)
            .with("house_ahead")
            .icon("mdi:cash-clock"),
        Sensor::new(
            "expected_cost_without_today",
            "Expected cost today without compute and plan",
            EXPECTED,
            State::Plan,
        )
        .icon("mdi:cash-clock"),
        Sensor::new("boost_until", "Boost until", MOMENT, State::Health),
        Sensor::new("worker", "Engine", WORD, State::Health).with("engine").icon("mdi:engine-outline").diagnostic(),
    ]
}

/// What battery and heat pump are set to do, and why.
fn intents(record: &Record) -> [(Sensor, bool); 2] {
    let has = |role: Role| record.points.keys().any(|point| point.role() == role);
    let word = |key: &str, name: &'static str| Sensor::new(key, name, WORD, State::Decision);
    [
        (
            word("battery_intent", "Battery intent").with("battery_why").icon("mdi:battery-clock-outline"),
            has(Role::Battery),
        ),
        (word("heat_pump_intent", "Heat pump intent").with("heat_pump_why").icon("mdi:heat-pump"), has(Role::HeatPump)),
    ]
}

/// The accounts of money, each by itself. The earnings are the gain: what the house is better off by compute.
fn money() -> Vec<Sensor> {
    let sensor = |key: &str, name: &'static str, path: &str| Sensor::new(key, name, MONEY, State::Earnings).at(path);
    let today = |key: &str, name: &'static str, path: &str| sensor(key, name, path).since("day_start");
    vec![
        today("earnings_today", "Earnings today", "today.gain").with("today"),
        sensor("earnings_month", "Earnings this month", "month.gain").with("month").since("month_start"),
        sensor("earnings_total", "Earnings", "total.gain").with("total"),
        Sensor::new("earnings_yesterday", "Earnings yesterday", CLOSED_MONEY, State::Earnings)
            .at("yesterday.gain")
            .with("yesterday"),
        today("bill_today", "House bill today", "today.house_cost"),
        today("bill_without_today", "House bill today without compute", "today.house_cost_without"),
        today("heat_saved_today", "Heat saved today", "today.heat_saved"),
        today("revenue_today", "Paid by others today", "today.revenue"),
        sensor("revenue_total", "Paid by others", "total.revenue"),
        today("forecast_error_today", "Forecast error today", "today.forecast_error"),
        Sensor::new("household_value_today", "Worth of own questions today", VALUE, State::Earnings)
            .at("today.household")
            .icon("mdi:account-question-outline"),
    ]
}
