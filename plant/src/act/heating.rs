//! Heat demand: whether compute runs for its heat, and with how much power.
//!
//! Terms: a store of heat (room or tank) has a band from `low` to `high`; its *width* here is half of it, at least 0.5 K. Demand is a
//! hysteresis over temperatures, so that a thermometer's last digit starts nothing:
//!
//! ```text
//!              the store is colder than high - width
//!   warm  ---------------------------------------------->  heating
//!         <----------------------------------------------
//!              the store is at high, or the season is over
//! ```
//!
//! Example: a room of 20 to 23 °C has a width of 1.5 K: compute begins below 21.5 °C and ends at 23.0 °C. Between the two it stays as
//! it is.
//!
//! The heat pump's source side has no store: there, demand begins when it takes the heat of compute's least power, and ends at half
//! of that. Where a thermometer says nothing nobody knows of demand, and there is none.

use crate::site::{HeatSink, Store};
use crate::units::{Celsius, Watts};
use crate::value::situation::Situation;
use crate::value::thermal::{self, Temperatures};
use std::time::Duration;

/// Share of a store's band that lies between beginning and end of its demand: chosen, so that a store held in the middle of its band
/// by the house's own heating still takes compute's heat.
const WIDTH_SHARE: f64 = 0.5;
/// Least width in K: thermometers resolve 0.1 K, those of room controls 0.5 K.
const WIDTH_MIN: f64 = 0.5;
/// Hysteresis of the heating season, in K below its limit: its mean over a day moves by a tenth of this between two readings.
const SEASON: f64 = 1.0;
/// What a store takes until it is at its upper temperature it takes in this time: over an hour, the last digit of a thermometer moves
/// the power of a room of 5 kWh/K by 500 W.
const FILLING: Duration = Duration::from_secs(3600);
/// On the heat pump's source side demand ends when less than this share of the least power's heat is taken.
const SOURCE_END: f64 = 0.5;

/// What is remembered of heat demand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heating {
    on: bool,
}

impl Heating {
    /// The power with which compute serves the demand for heat; `None` while there is none.
    pub(super) fn demand(&mut self, situation: &Situation<'_>) -> Option<Watts> {
        let (site, temperatures) = (situation.site, &situation.temperatures);
        let compute = &site.compute;
        let useful = thermal::useful(site, temperatures, FILLING);
        self.on = useful > Watts::ZERO
            && match compute.heat_into {
                HeatSink::Room => season(temperatures, self.on) && cold(site.room, temperatures.room, self.on),
                HeatSink::Tank => cold(site.tank, temperatures.tank, self.on),
                HeatSink::HeatPumpSource => {
                    let least = compute.min * compute.heat_fraction;
                    useful >= least * if self.on { SOURCE_END } else { 1.0 }
                }
                HeatSink::Outside => false,
            };
        let power = useful / compute.heat_fraction.max(0.05);
        self.on.then(|| power.between(compute.min, situation.max()))
    }
}

/// Whether a store whose thermometer shows `now` takes heat, if it was `taking` before; one that nobody describes, or whose
/// thermometer is silent, takes none.
pub(super) fn cold(store: Option<Store>, now: Option<Celsius>, taking: bool) -> bool {
    let known = store.zip(now);
    known.is_some_and(|(store, now)| now < if taking { store.high } else { store.high - Celsius(width(store)) })
}

fn width(store: Store) -> f64 {
    ((store.high - store.low).0 * WIDTH_SHARE).max(WIDTH_MIN)
}

fn season(temperatures: &Temperatures, heating: bool) -> bool {
    let mean = temperatures.outdoor_mean.or(temperatures.outdoor);
    heating || mean.is_none_or(|mean| mean.0 < thermal::HEATING_LIMIT.0 - SEASON)
}
