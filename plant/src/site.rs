//! What is installed: the resolved configuration the core works on. Parsed and checked by the gateway; every value here
//! is possible and in range.

/// What the planner may count on.
pub mod capability;
mod tariff;
mod words;

pub use crate::decision::HeatSink;
pub use tariff::{Billed, Capacity, Negative, Part, Price, PriceWindow, Rate, Tariff};
pub use words::Words;

use crate::decision::Control;
use crate::point::{DeviceId, Point};
use crate::units::{Celsius, Currency, EurPerKwh, KilowattHours, Percent, Watts};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The building and the own rules of what heats it.
pub mod building;

/// A house and what is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its name, for people.
    pub name: String,
    /// Its time zone: days and months of the books are local.
    pub timezone: Tz,
    /// The currency of every price and amount of this house.
    #[serde(default)]
    pub currency: Currency,
    /// The devices, in the order of their names.
    pub devices: Vec<Device>,
    /// The grid connection.
    pub grid: Grid,
    /// What power costs.
    pub tariff: Tariff,
    /// PV, where there is any.
    pub pv: Option<Pv>,
    /// The battery, where there is one.
    pub battery: Option<Battery>,
    /// The wallbox, where it follows the surplus.
    #[serde(default)]
    pub wallbox: Option<Wallbox>,
    /// The compute box.
    pub compute: Compute,
    /// The heat source that compute's heat displaces; `None` where nothing is displaced.
    pub displaced: Option<HeatSource>,
    /// The heated room, where it is measured.
    pub room: Option<Store>,
    /// The tank, where it is measured.
    pub tank: Option<Store>,
    /// The building and the own rules of what heats it.
    #[serde(default)]
    pub building: building::Building,
    /// What the work pays.
    pub work: WorkPrices,
    /// Grid power cleaner than this, in g/kWh, is clean enough for mode `eco`.
    pub clean_below_g_per_kwh: f64,
}

impl Site {
    /// Whether a device of the site offers `point`.
    pub fn offers(&self, point: Point) -> bool {
        self.devices.iter().any(|device| device.points.contains(&point))
    }

    /// Whether the owner lists `control` for a device of the site.
    pub fn controls(&self, control: Control) -> bool {
        self.devices.iter().any(|device| device.controls.contains_key(&control))
    }
}

/// A device of the site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Its name.
    pub id: DeviceId,
    /// The points it offers to the site.
    pub points: BTreeSet<Point>,
    /// A sample older than this is stale.
    pub max_age: Duration,
    /// Points that are read more seldom than the others, and the age after which theirs are stale.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slow: BTreeMap<Point, Duration>,
    /// The controls that the owner lists, and their bounds.
    pub controls: BTreeMap<Control, ControlRange>,
}

/// The bounds of one control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ControlRange {
    /// The least value, for numeric controls.
    pub min: f64,
    /// The greatest value, for numeric controls.
    pub max: f64,
    /// The least time between two different values.
    pub min_interval: Duration,
    /// The device forgets a value after this. The lease renews it; the core keeps this and the interval for who reads the site.
    pub keep_alive: Option<Duration>,
    /// Writes that its memory bears a day, the way back included; `None` where nobody counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes_a_day: Option<u32>,
    /// The words it knows, where its values are words.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub words: Words,
}

/// The grid connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// The fuse: the most the house may take.
    pub import_limit: Watts,
    /// The most the house may give; `None` for no cap.
    pub export_limit: Option<Watts>,
    /// The fuses of the phases, where the owner names them.
    #[serde(default)]
    pub phases: Option<Phases>,
    /// What the grid operator's dimming is about.
    #[serde(default)]
    pub dimming: Dimming,
    /// What compute may do while the grid is lost and the inverter carries the house.
    #[serde(default)]
    pub island: Island,
}

/// The phases of the connection, each with a fuse of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// The fuse of each phase, in A.
    pub limit_a: f64,
    /// Voltage of a phase to neutral, in V.
    pub voltage: f64,
    /// The phases that the compute box is connected to; none where it is on one of them and nobody says which.
    pub compute: BTreeSet<Phase>,
}

/// A phase of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The first.
    L1,
    /// The second.
    L2,
    /// The third.
    L3,
}

/// What the grid operator's dimming limits (German EnWG section 14a): the power that the loads named here draw from the grid
/// together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimming {
    /// What is left to them while a relay says no more than that it dims.
    pub limit: Watts,
    /// Whether compute is one of them.
    pub compute: bool,
    /// Whether the heat pump is.
    pub heat_pump: bool,
    /// Whether charging of the battery is.
    pub battery: bool,
    /// Whether the wallbox is.
    pub wallbox: bool,
}

impl Default for Dimming {
    fn default() -> Self {
        Self { limit: Watts(4200.0), compute: true, heat_pump: true, battery: true, wallbox: true }
    }
}

/// What compute may do in island operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Island {
    /// Nothing.
    #[default]
    Off,
    /// Follow the surplus.
    Surplus,
}

/// The charger of an electric car that follows the surplus too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wallbox {
    /// Whether it comes before compute.
    pub before_compute: bool,
    /// The least power with which it charges.
    pub min: Watts,
    /// The greatest.
    pub max: Watts,
}

/// Photovoltaics.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pv {
    /// Peak power.
    pub peak: Watts,
}

/// The house battery.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Battery {
    /// Usable energy.
    pub capacity: KilowattHours,
    /// Greatest charging power.
    pub charge_max: Watts,
    /// Greatest discharging power.
    pub discharge_max: Watts,
    /// Share of energy left after storing and taking out, 0 to 1.
    pub round_trip: f64,
    /// What a kilowatt-hour through it wears off.
    pub wear: EurPerKwh,
    /// Compute never takes the state of charge below this.
    pub reserve: Percent,
    /// Who gets the surplus first.
    #[serde(default)]
    pub first: First,
}

/// Who gets the surplus first, battery or compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// Whom the plan names: the one to whom it is worth more.
    #[default]
    Planned,
    /// The battery.
    Battery,
    /// Compute.
    Compute,
}

/// The compute box.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compute {
    /// Power with the engine loaded and nothing to do.
    pub idle: Watts,
    /// Least power at which work gets done.
    pub min: Watts,
    /// Greatest power.
    pub max: Watts,
    /// Share of its power that reaches the heat sink, 0 to 1.
    pub heat_fraction: f64,
    /// Where its heat goes.
    pub heat_into: HeatSink,
    /// What rejecting a kilowatt-hour of unwanted heat costs in electricity, as a share (fan 0.03).
    pub reject_share: f64,
    /// Once on, it stays on this long.
    pub min_on: Duration,
    /// Once off, it stays off this long.
    pub min_off: Duration,
    /// What a start costs.
    pub start_cost_eur: f64,
    /// Surplus has to last this long before compute starts on it.
    pub enable_delay: Duration,
    /// Surplus has to be gone this long before compute stops.
    pub disable_delay: Duration,
    /// Above this temperature of the box it stops.
    pub temperature_max: Option<Celsius>,
    /// How long the box may take until it draws what it is set to, its start aside.
    #[serde(default = "obeys_within")]
    pub obeys_within: Duration,
    /// How long it may take to start.
    #[serde(default = "starts_within")]
    pub starts_within: Duration,
    /// Tokens per kilowatt-hour, until receipts have shown the real figure.
    pub tokens_per_kwh: f64,
    /// How long a boost lasts that names no time.
    pub boost: Duration,
}

fn obeys_within() -> Duration {
    Duration::from_secs(4)
}

fn starts_within() -> Duration {
    Duration::from_secs(6)
}

/// Share of the ideal COP behind a rated one, at 7 °C outside and a flow of 35 °C (EN 14511).
pub fn carnot_of_rated(cop: f64) -> f64 {
    cop * (35.0 - 7.0) / (35.0 + 273.15)
}

/// The source of the heat that compute's heat displaces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum HeatSource {
    /// A heat pump: heat costs the import price divided by the COP, `carnot * T_flow / (T_flow - T_outdoor)` in kelvin.
    HeatPump {
        /// Share of the ideal COP it reaches, 0.3 to 0.6.
        carnot: f64,
        /// Flow temperature.
        flow: Celsius,
        /// Electric power at full load.
        power_max: Watts,
    },
    /// A gas boiler: heat costs the gas price divided by the efficiency.
    Gas {
        /// Gas price per kWh of fuel.
        price: EurPerKwh,
        /// Share of the fuel that becomes heat.
        efficiency: f64,
    },
    /// Direct electric heating: heat costs the import price.
    Electric,
}

/// A store of heat: a room or a tank.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Store {
    /// Energy that warms it by one kelvin.
    pub capacity_kwh_per_k: f64,
    /// Loss per kelvin above its surroundings.
    pub loss_kw_per_k: f64,
    /// Below this it needs heat.
    pub low: Celsius,
    /// Above this more heat is worth nothing.
    pub high: Celsius,
}

/// What the work pays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkPrices {
    /// For a million prompt tokens.
    pub eur_per_mtok_in: f64,
    /// For a million generated tokens.
    pub eur_per_mtok_out: f64,
    /// What a kilowatt-hour of answering the household's own questions is worth to the owner.
    pub interactive: EurPerKwh,
    /// What a kilowatt-hour pays when the queue is empty (work that can always be had); zero for none.
    pub standing: EurPerKwh,
}
