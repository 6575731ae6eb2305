//! The building and the own rules of what heats it: what the house does by itself, with or without compute.
//!
//! Everything has a default, so that an owner states only what is known. What nobody states is estimated: see
//! [`Building::fabric`].

use crate::units::{Celsius, Watts};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The building, its heat pump and their own rules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Building {
    /// Heated living area in m2.
    pub area_m2: f64,
    /// What it is made of, where somebody has measured it. `None`: estimated from the area and from `[room]`, and learnt from what
    /// the heat pump needs.
    pub fabric: Option<Fabric>,
    /// A day is a summer day where the mean outside of the 24 hours before is above this.
    pub summer_above: Celsius,
    /// The heat pump's temperatures and limits.
    pub heat_pump: HeatPumpMap,
    /// What holds the room.
    pub thermostat: Thermostat,
    /// What holds the tank.
    pub hot_water: HotWater,
    /// The programme against legionella, where there is one.
    pub legionella: Option<Legionella>,
    /// Cooling by the heat pump, where there is any.
    pub cooling: Option<Cooling>,
    /// Where compute's heat goes by itself.
    pub compute_heat: ComputeHeat,
    /// Within what the rooms and the tank are comfortable.
    pub comfort: Comfort,
}

impl Default for Building {
    /// A house of 140 m2, the mean of German houses with one dwelling (dena Gebaeudereport 2024).
    fn default() -> Self {
        Self {
            area_m2: 140.0,
            fabric: None,
            summer_above: Celsius(16.0),
            heat_pump: HeatPumpMap::default(),
            thermostat: Thermostat::default(),
            hot_water: HotWater::default(),
            legionella: None,
            cooling: None,
            compute_heat: ComputeHeat::default(),
            comfort: Comfort::default(),
        }
    }
}

/// Within what rooms and tank are comfortable, and what it is worth to whom lives there. A plan keeps within it, and weighs with these
/// prices what forecasts miss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comfort {
    /// The rooms are too cold below this.
    pub room_low: Celsius,
    /// The rooms are too warm above this in the heating season.
    pub room_high: Celsius,
    /// The same in summer.
    pub room_high_summer: Celsius,
    /// The tank is too cold below this.
    pub tank_low: Celsius,
    /// What an hour at one kelvin below `room_low` costs, EUR/(K h).
    pub cold_eur_per_kh: f64,
    /// What an hour at one kelvin above the upper end costs, EUR/(K h).
    pub warm_eur_per_kh: f64,
    /// What an hour at one kelvin below `tank_low` costs, EUR/(K h).
    pub tank_eur_per_kh: f64,
}

impl Default for Comfort {
    /// Rooms of the middle class of EN 16798-1, 20 to 26 degC, in the heating season no warmer than most like it, and hot water that
    /// needs no mixing at the tap. An hour at one kelvin too cold is worth a kilowatt-hour or two.
    fn default() -> Self {
        Self {
            room_low: Celsius(20.0),
            room_high: Celsius(23.0),
            room_high_summer: Celsius(26.0),
            tank_low: Celsius(45.0),
            cold_eur_per_kh: 0.5,
            warm_eur_per_kh: 0.2,
            tank_eur_per_kh: 0.2,
        }
    }
}

/// A building as two stores of heat: the air with the furniture, and the mass of walls and floors.
///
/// ```text
/// outside --ventilation-- air --coupling-- mass --envelope-- outside
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fabric {
    /// Energy that warms the air by one kelvin, kWh/K.
    pub air_kwh_per_k: f64,
    /// Energy that warms the mass by one kelvin, kWh/K.
    pub mass_kwh_per_k: f64,
    /// Between air and mass, kW/K.
    pub coupling_kw_per_k: f64,
    /// Between the mass and outside, kW/K.
    pub envelope_kw_per_k: f64,
    /// Between the air and outside in the heating season, kW/K.
    pub ventilation_winter_kw_per_k: f64,
    /// The same in summer, with open windows.
    pub ventilation_summer_kw_per_k: f64,
    /// Heat of people and what always runs, in kW.
    pub gain_kw: f64,
    /// Share of the household's power that warms the rooms.
    pub gain_of_household: f64,
    /// Window area times its transmission, m2: W of heat for each W/m2 of sun on the ground.
    pub gain_of_sun_m2: f64,
    /// Share of the sun that shades let in in summer.
    pub summer_shade: f64,
    /// Share of the heat pump's heat that warms the air; the rest warms the mass.
    pub heat_pump_to_air: f64,
    /// Share of compute's heat that warms the air.
    pub compute_to_air: f64,
}

/// How a heat pump's COP follows from its temperatures: `carnot * T_flow / max(T_flow - T_outside, lift)` in kelvin, held between
/// the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeatPumpMap {
    /// The flow by the temperature outside; `None`: always the one of the heat source.
    pub curve: Option<HeatCurve>,
    /// The least COP.
    pub cop_min: f64,
    /// The greatest COP.
    pub cop_max: f64,
    /// Least difference between the two sides, in K.
    pub lift_min_k: f64,
    /// Least electric power at which it runs.
    pub power_min: Watts,
    /// The loop that brings compute's heat to its source side.
    pub source_loop: Celsius,
}

impl Default for HeatPumpMap {
    /// What field tests of air-source machines show: a seasonal COP of 2.5 to 4.5, 1.5 on the coldest day and 6 on the mildest.
    fn default() -> Self {
        Self {
            curve: None,
            cop_min: 1.5,
            cop_max: 6.0,
            lift_min_k: 12.0,
            power_min: Watts(500.0),
            source_loop: Celsius(25.0),
        }
    }
}

/// A heating curve: `at_limit + slope * (limit - outside)` below the limit, held between the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeatCurve {
    /// Outside temperature at which it begins.
    pub limit: Celsius,
    /// Flow at that temperature.
    pub at_limit: Celsius,
    /// K of flow for each K below it.
    pub slope: f64,
    /// The least flow.
    pub min: Celsius,
    /// The greatest flow.
    pub max: Celsius,
}

impl Default for HeatCurve {
    /// Between a floor heating and large radiators.
    fn default() -> Self {
        Self { limit: Celsius(18.0), at_limit: Celsius(30.0), slope: 0.5, min: Celsius(28.0), max: Celsius(48.0) }
    }
}

/// A thermostat that knows what the building loses: heat = losses - gains + `gain * (setpoint - room)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thermostat {
    /// What it holds.
    pub setpoint: Celsius,
    /// Heat for each kelvin below it, kW/K.
    pub gain_kw_per_k: f64,
    /// In summer it heats only below the setpoint by this many K; `None`: it makes no difference.
    pub summer_below_k: Option<f64>,
}

impl Default for Thermostat {
    fn default() -> Self {
        Self { setpoint: Celsius(20.5), gain_kw_per_k: 3.0, summer_below_k: None }
    }
}

/// Two-point control of the tank.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HotWater {
    /// Below this the heat pump heats it.
    pub on_below: Celsius,
    /// Above this it stops.
    pub off_above: Celsius,
    /// Electric power meanwhile.
    pub power: Watts,
    /// The tank takes no heat above this.
    pub max: Celsius,
    /// The most heat its coil takes; `None` for no limit.
    pub coil_max: Option<Watts>,
    /// The temperature against which the heat pump works.
    pub sink: TankSink,
}

impl Default for HotWater {
    fn default() -> Self {
        Self {
            on_below: Celsius(47.0),
            off_above: Celsius(53.0),
            power: Watts(2000.0),
            max: Celsius(60.0),
            coil_max: None,
            sink: TankSink::Above { kelvin: 5.0 },
        }
    }
}

/// The temperature against which the heat pump works when it heats the tank.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TankSink {
    /// Always the same.
    Fixed {
        /// Which.
        flow: Celsius,
    },
    /// So much above the tank, which counts as 30 degC at least.
    Above {
        /// How much, in K.
        kelvin: f64,
    },
}

/// A programme against legionella.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Legionella {
    /// What the tank must reach.
    pub temperature: Celsius,
    /// For how long.
    pub hold: Duration,
    /// The programme starts when it was last there so long ago.
    pub after: Duration,
    /// At this local hour.
    pub hour: u32,
}

impl Default for Legionella {
    /// 60 degC for half an hour, weekly at noon.
    fn default() -> Self {
        Self {
            temperature: Celsius(60.0),
            hold: Duration::from_secs(1800),
            after: Duration::from_secs(6 * 86_400),
            hour: 12,
        }
    }
}

/// Cooling by the reversed heat pump: heat taken = `gain * (room - off_below) + base`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cooling {
    /// It starts above this, on summer days.
    pub on_above: Celsius,
    /// It stops below this.
    pub off_below: Celsius,
    /// Heat taken for each kelvin above `off_below`, kW/K.
    pub gain_kw_per_k: f64,
    /// Heat taken at `off_below`, kW.
    pub base_kw: f64,
    /// Share of the ideal efficiency.
    pub carnot: f64,
    /// Flow of the cold water.
    pub flow: Celsius,
    /// The condenser is warmer than the air outside by this many K.
    pub condenser_k: f64,
    /// The greatest efficiency.
    pub eer_max: f64,
}

impl Default for Cooling {
    fn default() -> Self {
        Self {
            on_above: Celsius(25.5),
            off_below: Celsius(25.0),
            gain_kw_per_k: 1.5,
            base_kw: 0.5,
            carnot: 0.3,
            flow: Celsius(15.0),
            condenser_k: 12.0,
            eer_max: 5.5,
        }
    }
}

/// Where compute's heat goes where nobody decides: into the tank while it is cooler than its limit, into the room while that is, out
/// of the house else. The limits count for the ways that [`crate::site::Compute::heat_into`] names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComputeHeat {
    /// Share of compute's power that warms the room wherever its heat goes.
    pub leak: f64,
    /// Into the room below this in the heating season; `None`: the room's upper temperature.
    pub room_below_winter: Option<Celsius>,
    /// The same in summer; `None`: never.
    pub room_below_summer: Option<Celsius>,
    /// Into the tank first below this; `None`: only where the tank is its way, up to the tank's upper temperature.
    pub tank_below: Option<Celsius>,
    /// What the exchanger of the tank takes, kW for each K by which the loop is warmer.
    pub exchanger_kw_per_k: f64,
    /// The warmest loop.
    pub loop_max: Celsius,
}

impl Default for ComputeHeat {
    fn default() -> Self {
        Self {
            leak: 0.0,
            room_below_winter: None,
            room_below_summer: None,
            tank_below: None,
            exchanger_kw_per_k: 0.3,
            loop_max: Celsius(60.0),
        }
    }
}
