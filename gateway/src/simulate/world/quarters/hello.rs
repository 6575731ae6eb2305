//! What such a house says of itself.
//!
//! Powers in kW, energies in kWh, money in EUR, temperatures in degrees Celsius. What only a model knows is absent where no more is
//! said than an owner knows.

use super::own_rule::OwnRule;
use anyhow::{Result, ensure};
use plant::decision::Control;
use serde::Deserialize;
use std::collections::BTreeSet;

/// What the simulator says first.
#[derive(Debug, Deserialize)]
pub(super) struct Hello {
    /// What the work is like.
    pub scen: Scenario,
    /// Which kind of house it is.
    #[serde(default)]
    pub house: House,
    /// The house.
    pub node: Node,
    /// What it does by itself.
    #[serde(default)]
    pub own_rule: OwnRule,
    /// What of it can be set; `None`: all that such a house can. None of it: the house lives by its own rule, but for compute.
    pub controls: Option<BTreeSet<Control>>,
}

/// What the work is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scenario {
    /// There is always work, and all of it pays the same.
    Market,
    /// Work arrives, and waits for a day at most.
    Queue,
}

/// Which kind of house it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum House {
    /// Radiators, and a tank heated at always the same temperature.
    #[default]
    A,
    /// Floor heating, cooling, a programme against legionella, and a loop that takes compute's heat to several places.
    B,
}

/// The house.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Node {
    /// Peak power of PV.
    pub pv_kwp: f64,
    /// Usable energy of the battery.
    pub bat_kwh: f64,
    /// Its greatest power, either way.
    pub bat_kw: f64,
    /// Share that is left of energy on its way in, and again on its way out.
    pub bat_eta: Option<f64>,
    /// What a kilowatt-hour taken out of it wears off.
    pub bat_wear_eur_kwh: f64,
    /// What it keeps.
    #[serde(default)]
    pub bat_reserve_kwh: f64,
    /// The most the connection takes.
    pub grid_import_kw: f64,
    /// The most it gives.
    pub grid_export_kw: f64,
    /// Greatest power of compute.
    pub pc_max: f64,
    /// Least power of compute.
    pub pc_min: f64,
    /// Power of compute with nothing to do.
    #[serde(default)]
    pub pc_idle: f64,
    /// What a start costs.
    pub pc_start_eur: f64,
    /// Hours that compute stays on.
    #[serde(default)]
    pub pc_min_on_h: f64,
    /// Hours that it stays off.
    #[serde(default)]
    pub pc_min_off_h: f64,
    /// Share of its power that can become heat of use.
    pub pc_heat_frac: Option<f64>,
    /// What rejecting a kilowatt-hour of heat takes.
    pub dump_fan_kw_per_kw: Option<f64>,
    /// Least temperature of the loop that carries its heat away.
    #[serde(default)]
    pub loop_min_c: f64,
    /// Its greatest temperature.
    #[serde(default)]
    pub loop_max_c: f64,
    /// What the tank takes of it, in kW for each K.
    pub loop_hx_kw_per_k: Option<f64>,
    /// Share of compute's power that warms the room wherever its heat goes.
    pub pc_leak: Option<f64>,
    /// What the work loses for each kelvin above the least.
    #[serde(default)]
    pub hot_loop_loss_per_k: f64,
    /// Greatest electric power of the heat pump.
    pub hp_max_kw: f64,
    /// Least electric power of it.
    pub hp_min_kw: f64,
    /// Share of the ideal COP that it reaches.
    pub hp_carnot: Option<f64>,
    /// Its least COP.
    pub hp_cop_min: Option<f64>,
    /// Its greatest COP.
    pub hp_cop_max: Option<f64>,
    /// Least difference between its two sides, in K.
    pub hp_min_lift_k: Option<f64>,
    /// Temperature at which compute's heat enters its source side.
    pub source_c: Option<f64>,
    /// Share of the ideal efficiency that it reaches when it cools.
    pub cool_carnot: Option<f64>,
    /// Temperature of the cold water.
    pub cool_flow_c: Option<f64>,
    /// Its condenser is warmer than the air by this many K.
    pub cool_condenser_k: Option<f64>,
    /// Its greatest efficiency.
    pub cool_eer_max: Option<f64>,
    /// Its COP from air at 7 °C to water at 35 °C, by its papers.
    pub rated_cop_a7_w35: Option<f64>,
    /// Heat that warms the air of the house by a kelvin.
    #[serde(rename = "Ca")]
    pub air_kwh_per_k: Option<f64>,
    /// The same of its mass.
    #[serde(rename = "Cm")]
    pub mass_kwh_per_k: Option<f64>,
    /// What the air loses in winter, in kW/K.
    #[serde(rename = "Hv_winter")]
    pub airing_kw_per_k: Option<f64>,
    /// The same in summer, with open windows.
    #[serde(rename = "Hv_summer")]
    pub airing_in_summer_kw_per_k: Option<f64>,
    /// Between air and mass, in kW/K.
    #[serde(rename = "Ham")]
    pub coupling_kw_per_k: Option<f64>,
    /// Heat of people and what always runs, in kW.
    pub gain_int_kw: Option<f64>,
    /// Share of the household's power that warms the rooms.
    pub gain_load_frac: Option<f64>,
    /// Windows, as the m2 of sun on the ground that they let in.
    pub gain_ghi_m2: Option<f64>,
    /// Share of it that shades let in in summer.
    pub shade_summer: Option<f64>,
    /// Share of the heat pump's heat that warms the air.
    pub air_share_heat_pump: Option<f64>,
    /// Share of compute's heat that warms the air.
    pub air_share_compute: Option<f64>,
    /// Summer is where the mean outdoors of a day is above this.
    pub summer_mean24_c: f64,
    /// What the envelope loses, in kW/K.
    #[serde(rename = "He")]
    pub envelope_kw_per_k: Option<f64>,
    /// Living area in m2.
    pub area_m2: f64,
    /// Litres of the tank.
    pub tank_litres: f64,
    /// The heat that the tank's coil takes.
    pub tank_coil_kw: Option<f64>,
    /// The heat pump works against the tank's temperature and this many K.
    pub tank_sink_k: Option<f64>,
    /// What kills legionella.
    #[serde(default)]
    pub legionella_c: f64,
    /// In so many hours.
    #[serde(default)]
    pub legionella_h: f64,
    /// What the tank loses, in kW/K.
    pub tank_ua: Option<f64>,
    /// The comfort band of the room.
    #[serde(rename = "T_lo")]
    pub room_low_c: f64,
    /// Its upper end in winter.
    #[serde(rename = "T_hi_winter")]
    pub room_high_c: f64,
    /// Its upper end in summer.
    #[serde(rename = "T_hi_summer")]
    pub room_high_summer_c: Option<f64>,
    /// What an hour at one kelvin below the band costs, EUR.
    #[serde(rename = "pen_lo")]
    pub cold_eur_per_kh: Option<f64>,
    /// What an hour at one kelvin above it costs.
    #[serde(rename = "pen_hi")]
    pub warm_eur_per_kh: Option<f64>,
    /// What an hour of the tank at one kelvin below `tank_lo` costs.
    #[serde(rename = "pen_tank")]
    pub tank_eur_per_kh: Option<f64>,
    /// The tank is warm enough above this.
    pub tank_lo: f64,
    /// And takes no more above this.
    pub tank_hi: f64,
    /// Added to the wholesale price, where that is the same all day.
    pub fee_eur_kwh: Option<f64>,
    /// What fed-in power earns, where that is fixed.
    pub feedin_eur_kwh: Option<f64>,
    /// Added to the wholesale price, beside the network fee.
    pub tax_eur_kwh: Option<f64>,
    /// Network fee in the low hours, outside all windows and in the high hours.
    pub grid_fee_low_eur_kwh: Option<f64>,
    /// The same outside all windows.
    pub grid_fee_mid_eur_kwh: Option<f64>,
    /// The same in the high hours.
    pub grid_fee_high_eur_kwh: Option<f64>,
    /// The low hours: the first, and the first after them, local.
    pub grid_fee_low_hours: Option<(u16, u16)>,
    /// The high hours.
    pub grid_fee_high_hours: Option<(u16, u16)>,
    /// Taken from the wholesale price of what is fed in.
    pub feedin_fee_eur_kwh: Option<f64>,
    /// What a kilowatt-hour of work pays where there is always work.
    pub revenue_eur_kwh: f64,
    /// What it pays where work arrives.
    pub queue_revenue_eur_kwh: f64,
    /// Hours that work waits at most.
    pub queue_deadline_h: f64,
}

/// The greatest power in kW, and energy in kWh, of a house.
const POWER_MAX: f64 = 1000.0;
/// The greatest price, in EUR/kWh.
const PRICE_MAX: f64 = 100.0;

impl Node {
    /// Whether a house can be like this.
    pub(super) fn check(&self) -> Result<()> {
        let price = |value: Option<f64>| value.unwrap_or_default();
        let rows = [
            ("pv_kwp", self.pv_kwp, [0.0, POWER_MAX]),
            ("bat_kwh", self.bat_kwh, [0.0, POWER_MAX]),
            ("bat_kw", self.bat_kw, [0.0, POWER_MAX]),
            ("bat_eta", self.bat_eta.unwrap_or(1.0), [0.1, 1.0]),
            ("bat_wear_eur_kwh", self.bat_wear_eur_kwh, [0.0, PRICE_MAX]),
            ("bat_reserve_kwh", self.bat_reserve_kwh, [0.0, self.bat_kwh]),
            ("grid_import_kw", self.grid_import_kw, [0.1, POWER_MAX]),
            ("grid_export_kw", self.grid_export_kw, [0.0, POWER_MAX]),
            ("pc_max", self.pc_max, [0.001, POWER_MAX]),
            ("pc_min", self.pc_min, [0.0, self.pc_max]),
            ("pc_idle", self.pc_idle, [0.0, self.pc_max]),
            ("pc_start_eur", self.pc_start_eur, [0.0, PRICE_MAX]),
            ("pc_min_on_h", self.pc_min_on_h, [0.0, 24.0]),
            ("pc_min_off_h", self.pc_min_off_h, [0.0, 24.0]),
            ("pc_heat_frac", self.pc_heat_frac.unwrap_or(1.0), [0.0, 1.0]),
            ("dump_fan_kw_per_kw", self.dump_fan_kw_per_kw.unwrap_or(0.0), [0.0, 1.0]),
            ("hot_loop_loss_per_k", self.hot_loop_loss_per_k, [0.0, 0.1]),
            ("hp_max_kw", self.hp_max_kw, [0.0, POWER_MAX]),
            ("hp_carnot", self.hp_carnot.unwrap_or(0.4), [0.05, 1.0]),
            ("area_m2", self.area_m2, [1.0, 100_000.0]),
            ("tank_litres", self.tank_litres, [1.0, 100_000.0]),
            ("fee_eur_kwh", price(self.fee_eur_kwh), [-PRICE_MAX, PRICE_MAX]),
            ("feedin_eur_kwh", price(self.feedin_eur_kwh), [-PRICE_MAX, PRICE_MAX]),
            ("tax_eur_kwh", price(self.tax_eur_kwh), [-PRICE_MAX, PRICE_MAX]),
            ("revenue_eur_kwh", self.revenue_eur_kwh, [0.0, PRICE_MAX]),
            ("queue_revenue_eur_kwh", self.queue_revenue_eur_kwh, [0.0, PRICE_MAX]),
            ("pen_lo", price(self.cold_eur_per_kh), [0.0, PRICE_MAX]),
            ("pen_hi", price(self.warm_eur_per_kh), [0.0, PRICE_MAX]),
            ("pen_tank", price(self.tank_eur_per_kh), [0.0, PRICE_MAX]),
            ("queue_deadline_h", self.queue_deadline_h, [0.25, 10_000.0]),
        ];
        for (name, value, [least, most]) in rows {
            ensure!((least..=most).contains(&value), "node: {name} is {value}; expected {least} to {most}");
        }
        for (name, hours) in
            [("grid_fee_low_hours", self.grid_fee_low_hours), ("grid_fee_high_hours", self.grid_fee_high_hours)]
        {
            let (from, to) = hours.unwrap_or_default();
            ensure!(from < 24 && to <= 24, "node: {name} is [{from}, {to}]; expected hours of the day");
        }
        Ok(())
    }
}
