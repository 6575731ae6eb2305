//! `[site]`, `[pv]`, `[battery]`, `[wallbox]`, `[compute]`, `[heat]`, `[room]`, `[tank]` and `[work]`: what is installed.

use plant::site::Phase;
use plant::units::Currency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The house as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SiteConfig {
    /// Its name, for people.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// Its time zone, as `Europe/Berlin`: days, months and schedules are local. Left out, that of the machine or of Home Assistant
    /// where it names a place, else `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The currency of every price and amount, by its ISO 4217 code: `eur` in the name of a key means this currency.
    #[schemars(length(min = 1))]
    pub currency: String,
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self { name: "Home".into(), timezone: None, currency: Currency::EUR.to_string() }
    }
}

/// Photovoltaics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PvConfig {
    /// Peak power.
    #[schemars(range(min = 50, max = 1000000))]
    pub peak_w: f64,
}

/// The house battery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatteryConfig {
    /// Usable energy.
    #[schemars(range(min = 0.1, max = 10000))]
    pub capacity_kwh: f64,
    /// Greatest charging power.
    #[schemars(range(min = 50, max = 1000000))]
    pub charge_max_w: f64,
    /// Greatest discharging power.
    #[schemars(range(min = 50, max = 1000000))]
    pub discharge_max_w: f64,
    /// Share of energy left after storing and taking out.
    #[serde(default = "super::number::<90>")]
    #[schemars(range(min = 30, max = 100))]
    pub round_trip_percent: f64,
    /// What a kilowatt-hour through it wears off.
    #[serde(default = "super::thousandths::<30>")]
    #[schemars(range(min = 0, max = 1))]
    pub wear_eur_per_kwh: f64,
    /// Compute never takes the state of charge below this.
    #[serde(default = "super::number::<20>")]
    #[schemars(range(min = 0, max = 100))]
    pub reserve_percent: f64,
    /// Who gets the surplus first; whom the plan names where not given.
    #[serde(default)]
    pub first: SurplusFirst,
}

/// Who gets the surplus first, battery or compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SurplusFirst {
    /// Whom the plan names: the one to whom it is worth more.
    #[default]
    Planned,
    /// The battery.
    Battery,
    /// Compute.
    Compute,
}

/// Who gets the surplus first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// The car.
    Wallbox,
    /// The compute box.
    Compute,
}

/// The charger of an electric car that follows the surplus too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WallboxConfig {
    /// Who gets the surplus first: `wallbox` or `compute`.
    pub first: First,
    /// The least power with which it charges: 6 A on one phase.
    #[serde(default = "super::number::<1400>")]
    #[schemars(range(min = 0, max = 100000))]
    pub min_w: f64,
    /// The greatest.
    #[serde(default = "super::number::<11_000>")]
    #[schemars(range(min = 50, max = 100000))]
    pub max_w: f64,
}

/// Where compute's heat goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeatInto {
    /// Into the heated room.
    #[default]
    Room,
    /// Into the tank.
    Tank,
    /// Into the heat pump's source side.
    HeatPumpSource,
    /// Out of the house.
    Outside,
}

/// The compute box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComputeConfig {
    /// Greatest power.
    #[schemars(range(min = 5, max = 1000000))]
    pub max_w: f64,
    /// Power with the engine loaded and nothing to do.
    #[serde(default = "super::number::<30>")]
    #[schemars(range(min = 0, max = 1000000))]
    pub idle_w: f64,
    /// Least power at which work gets done; a tenth above idle of what lies between idle and greatest where not given.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1000000))]
    pub min_w: Option<f64>,
    /// The phases it is connected to, as `["l1"]`; where none is given and the connection has three, a box of up to 4600 W is
    /// taken to be on one of them, and as nobody says on which, on the fullest.
    #[serde(default)]
    #[schemars(schema_with = "super::grid::phase_names")]
    pub phases: Vec<Phase>,
    /// How long the box may take until it draws what it is set to, its start aside.
    #[serde(default = "super::number::<4>")]
    #[schemars(range(min = 0, max = 300))]
    pub obeys_within_s: f64,
    /// How long it may take to start.
    #[serde(default = "super::number::<6>")]
    #[schemars(range(min = 0, max = 3600))]
    pub starts_within_s: f64,
    /// Share of its power that reaches the heat sink.
    #[serde(default = "super::number::<95>")]
    #[schemars(range(min = 0, max = 100))]
    pub heat_percent: f64,
    /// Where its heat goes.
    #[serde(default)]
    pub heat_into: HeatInto,
    /// What rejecting unwanted heat costs in electricity, of the heat.
    #[serde(default = "super::number::<3>")]
    #[schemars(range(min = 0, max = 100))]
    pub reject_percent: f64,
    /// Once on, it stays on this long.
    #[serde(default = "super::number::<300>")]
    #[schemars(range(min = 0, max = 86400))]
    pub min_on_s: f64,
    /// Once off, it stays off this long.
    #[serde(default = "super::number::<120>")]
    #[schemars(range(min = 0, max = 86400))]
    pub min_off_s: f64,
    /// What a start costs.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub start_cost_eur: f64,
    /// Surplus has to last this long before compute starts on it.
    #[serde(default = "super::number::<60>")]
    #[schemars(range(min = 0, max = 3600))]
    pub enable_delay_s: f64,
    /// Surplus has to be gone this long before compute stops.
    #[serde(default = "super::number::<60>")]
    #[schemars(range(min = 0, max = 3600))]
    pub disable_delay_s: f64,
    /// Above this temperature of the box it stops.
    #[serde(default)]
    #[schemars(range(min = 20, max = 120))]
    pub temperature_max_c: Option<f64>,
    /// Tokens per kilowatt-hour, until receipts have shown the real figure.
    #[serde(default = "super::number::<500_000>")]
    #[schemars(range(min = 1, max = 1e12))]
    pub tokens_per_kwh: f64,
    /// How long a boost lasts that names no time.
    #[serde(default = "super::number::<3600>")]
    #[schemars(range(min = 60, max = 86400))]
    pub boost_s: f64,
    /// What the box cost, for `heatmine roi`.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10000000))]
    pub price_eur: Option<f64>,
}

/// What kind of heat source compute's heat displaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeatKind {
    /// Nothing is displaced: the heat is worth nothing.
    #[default]
    None,
    /// A heat pump.
    HeatPump,
    /// A gas boiler.
    Gas,
    /// Direct electric heating.
    Electric,
}

/// The heat source that compute's heat displaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HeatConfig {
    /// What kind it is.
    pub kind: HeatKind,
    /// Heat pump: share of the ideal coefficient of performance it reaches.
    #[schemars(range(min = 20, max = 70))]
    pub carnot_percent: f64,
    /// Heat pump: flow temperature.
    #[schemars(range(min = 20, max = 80))]
    pub flow_c: f64,
    /// Heat pump: electric power at full load.
    #[schemars(range(min = 100, max = 100000))]
    pub power_max_w: f64,
    /// Gas: price per kilowatt-hour of fuel.
    #[schemars(range(min = 0, max = 2))]
    pub gas_eur_per_kwh: Option<f64>,
    /// Gas: share of the fuel that becomes heat.
    #[schemars(range(min = 30, max = 110))]
    pub efficiency_percent: f64,
}

impl Default for HeatConfig {
    fn default() -> Self {
        Self {
            kind: HeatKind::None,
            carnot_percent: 42.0,
            flow_c: 35.0,
            power_max_w: 4000.0,
            gas_eur_per_kwh: None,
            efficiency_percent: 92.0,
        }
    }
}

/// A store of heat: the heated room, or the tank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoreConfig {
    /// Below this it needs heat.
    #[schemars(range(min = -20, max = 95))]
    pub low_c: f64,
    /// Above this more heat is worth nothing.
    #[schemars(range(min = -20, max = 95))]
    pub high_c: f64,
    /// Energy that warms it by one kelvin; a room of 40 m2 takes about 2, 500 litres of water 0.58.
    #[schemars(range(min = 0.001, max = 10000))]
    pub capacity_kwh_per_k: f64,
    /// Loss per kelvin above its surroundings.
    #[schemars(range(min = 0, max = 1000))]
    pub loss_kw_per_k: f64,
}

/// What the work pays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WorkConfig {
    /// For a million prompt tokens.
    #[schemars(range(min = 0, max = 10000))]
    pub in_eur_per_mtok: f64,
    /// For a million generated tokens.
    #[schemars(range(min = 0, max = 10000))]
    pub out_eur_per_mtok: f64,
    /// What a kilowatt-hour of answering the household's own questions is worth.
    #[schemars(range(min = 0, max = 100))]
    pub interactive_eur_per_kwh: f64,
    /// What a kilowatt-hour pays when the queue is empty; zero where there is no such work.
    #[schemars(range(min = 0, max = 100))]
    pub standing_eur_per_kwh: f64,
}

impl Default for WorkConfig {
    fn default() -> Self {
        Self { in_eur_per_mtok: 0.05, out_eur_per_mtok: 0.20, interactive_eur_per_kwh: 2.0, standing_eur_per_kwh: 0.0 }
    }
}
