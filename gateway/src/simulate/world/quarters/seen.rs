//! What such a house shows before each quarter hour: how it stands, and the means of the quarter hour that has passed.
//!
//! Powers of `last` in kW, the battery's charging positive; all others in W. Anything that was measured may be `null`.

use anyhow::{Context, Result, ensure};
use plant::outlook::Outlook;
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, EurPerKwh, Watts};
use serde::Deserialize;

/// Slots that news may tell of: a year.
const SLOTS_MAX: usize = 366 * 96;
/// The greatest power in kW that a house may have shown.
const POWER_MAX: f64 = 1e6;

/// What is seen before a quarter hour.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    /// Its first moment.
    pub time_utc: Timestamp,
    /// Energy in the battery.
    pub soc_kwh: Option<f64>,
    /// Temperature of the room.
    pub t_air_c: Option<f64>,
    /// Temperature of the tank.
    pub t_tank_c: Option<f64>,
    /// Temperature of the loop that carries compute's heat away.
    pub t_loop_c: Option<f64>,
    /// Whether compute runs.
    #[serde(default)]
    pub compute_on: bool,
    /// Whether its box may stop.
    #[serde(default = "yes")]
    pub compute_may_stop: bool,
    /// Whether it may start.
    #[serde(default = "yes")]
    pub compute_may_start: bool,
    /// Work that waits.
    pub backlog_kwh: Option<f64>,
    /// What the sun offered.
    pub pv_w: Option<f64>,
    /// The household's own consumption.
    pub load_w: Option<f64>,
    /// Temperature outdoors.
    pub t_out_c: Option<f64>,
    /// Sun on the ground, W/m2.
    pub ghi_w_m2: Option<f64>,
    /// What flowed.
    pub last: Option<Last>,
    /// News of prices.
    pub prices_eur_mwh: Option<Prices>,
    /// News of the weather.
    pub forecast: Option<Forecast>,
}

fn yes() -> bool {
    true
}

/// What flowed in the quarter hour that has passed, in kW.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Last {
    /// Compute.
    pub pc: f64,
    /// The battery, charging positive.
    pub pbat: f64,
    /// The heat pump for the room.
    pub psh: f64,
    /// The heat pump for the tank.
    pub pdw: f64,
    /// Taken from the grid.
    pub g: f64,
    /// Given to it.
    pub x: f64,
    /// The heat pump for cooling.
    #[serde(default)]
    pub pcool: f64,
    /// PV that was held back, where the house says so.
    pub curt: Option<f64>,
}

/// Prices of quarter hours.
#[derive(Debug, Deserialize)]
pub(super) struct Prices {
    /// The first.
    from: Timestamp,
    /// EUR/MWh.
    v: Vec<Option<f64>>,
}

/// What the quarter hours from this one on will be like.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Forecast {
    pv_w: Vec<Option<f64>>,
    t_out_c: Vec<Option<f64>>,
    /// Sun on the ground, W/m2.
    ghi_w_m2: Vec<Option<f64>>,
    load_w: Vec<Option<f64>>,
    /// Heat drawn as hot water.
    dhw_w: Vec<Option<f64>>,
    /// Wholesale prices, also those that nobody has published yet.
    price_eur_mwh: Vec<Option<f64>>,
}

impl Seen {
    /// Whether a house can show this.
    pub(super) fn check(&self) -> Result<()> {
        let start = self.time_utc;
        ensure!(Slot::containing(start).start() == start, "time_utc is {start}; expected the start of a quarter hour");
        if let Some(last) = &self.last {
            let Last { pc, pbat, psh, pdw, g, x, pcool, curt } = *last;
            let rows = [
                ("pc", pc, 0.0),
                ("pbat", pbat, -POWER_MAX),
                ("psh", psh, 0.0),
                ("pdw", pdw, 0.0),
                ("g", g, 0.0),
                ("x", x, 0.0),
                ("pcool", pcool, 0.0),
                ("curt", curt.unwrap_or_default(), 0.0),
            ];
            for (name, value, least) in rows {
                ensure!(
                    (least..=POWER_MAX).contains(&value),
                    "last: {name} is {value}; expected {least} to {POWER_MAX}"
                );
            }
        }
        Ok(())
    }

    /// The slot that begins.
    pub(super) fn slot(&self) -> Slot {
        Slot::containing(self.time_utc)
    }

    /// What is news of the time ahead.
    pub(super) fn outlook(&self) -> Result<Option<Outlook>> {
        if self.prices_eur_mwh.is_none() && self.forecast.is_none() {
            return Ok(None);
        }
        let mut outlook = Outlook::default();
        if let Some(Prices { from, v }) = &self.prices_eur_mwh {
            let slots = slots("prices_eur_mwh", Slot::containing(*from), v)?;
            outlook.spot = slots.map(|(slot, price)| (slot, EurPerKwh(price / 1000.0))).collect();
        }
        if let Some(forecast) = &self.forecast {
            forecast.fill(self.slot(), &mut outlook).context("forecast")?;
        }
        Ok(Some(outlook))
    }
}

impl Forecast {
    /// Says it of the slots from `from` on.
    fn fill(&self, from: Slot, outlook: &mut Outlook) -> Result<()> {
        let Self { pv_w, t_out_c, ghi_w_m2, load_w, dhw_w, price_eur_mwh } = self;
        outlook.pv = slots("pv_w", from, pv_w)?.map(|(slot, pv)| (slot, Watts(pv))).collect();
        outlook.outdoor = slots("t_out_c", from, t_out_c)?.map(|(slot, air)| (slot, Celsius(air))).collect();
        outlook.irradiance = slots("ghi_w_m2", from, ghi_w_m2)?.collect();
        outlook.load = slots("load_w", from, load_w)?.map(|(slot, load)| (slot, Watts(load))).collect();
        outlook.hot_water = slots("dhw_w", from, dhw_w)?.map(|(slot, drawn)| (slot, Watts(drawn))).collect();
        let prices = slots("price_eur_mwh", from, price_eur_mwh)?;
        outlook.spot.extend(prices.map(|(slot, price)| (slot, EurPerKwh(price / 1000.0))));
        Ok(())
    }
}

/// The values of slots in a row.
fn slots<'a>(name: &str, from: Slot, values: &'a [Option<f64>]) -> Result<impl Iterator<Item = (Slot, f64)> + 'a> {
    ensure!(values.len() <= SLOTS_MAX, "{name} has {} values; expected at most {SLOTS_MAX}", values.len());
    Ok(values.iter().zip(0i64..).filter_map(move |(value, ahead)| Some((from.plus(ahead), (*value)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_says_all_that_it_holds_of_the_slots_from_this_one_on() {
        let seen: Seen = serde_json::from_value(serde_json::json!({
            "time_utc": "2024-06-03T10:00:00Z",
            "prices_eur_mwh": {"from": "2024-06-03T10:00:00Z", "v": [100.0, 90.0]},
            "forecast": {"pv_w": [1000, null, 500], "t_out_c": [12.5], "ghi_w_m2": [400, 300], "load_w": [350],
                "dhw_w": [0, 800], "price_eur_mwh": [100.0, 90.0, -5.0]}
        }))
        .unwrap();
        let outlook = seen.outlook().unwrap().unwrap();
        let from = seen.slot();
        let expected = Outlook {
            spot: [(0, 0.1), (1, 0.09), (2, -0.005)].map(|(ahead, price)| (from.plus(ahead), EurPerKwh(price))).into(),
            pv: [(0, 1000.0), (2, 500.0)].map(|(ahead, pv)| (from.plus(ahead), Watts(pv))).into(),
            outdoor: [(from, Celsius(12.5))].into(),
            irradiance: [(from, 400.0), (from.plus(1), 300.0)].into(),
            load: [(from, Watts(350.0))].into(),
            hot_water: [(from, Watts(0.0)), (from.plus(1), Watts(800.0))].into(),
            ..Outlook::default()
        };
        assert_eq!(outlook, expected);
    }
}
