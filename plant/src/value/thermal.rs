//! What compute's heat is worth: how much of it the house can use or store, and what it displaces.
//!
//! COP of a heat pump: `carnot * T_hot / (T_hot - T_source)` in kelvin, with at least [`LIFT_MIN`] between the two and
//! the result held between 1.5 and 6, as field data of air-source machines show.

use crate::site::{HeatSink, HeatSource, Site, Store};
use crate::units::{Celsius, EurPerKwh, Watts};
use std::time::Duration;

/// Warmer days than this need no heating: the heating limit of well insulated houses is 12 to 15 °C (VDI 4710), of others 15 to 17.
pub(crate) const HEATING_LIMIT: Celsius = Celsius(16.0);
/// The loop that carries compute's heat to the heat pump's source side: cool enough for the box, warmer than any winter air.
pub(crate) const SOURCE_LOOP: Celsius = Celsius(25.0);
/// Outdoor temperature assumed where none is known: mild, so that heat is not overvalued.
pub(crate) const OUTDOOR_UNKNOWN: Celsius = Celsius(10.0);
/// Least difference in K between the two sides of a heat pump: smaller ones do not raise the COP of real machines.
const LIFT_MIN: f64 = 12.0;
const KELVIN: f64 = 273.15;

/// The temperatures that matter to compute's heat.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Temperatures {
    /// Of the room, where known.
    pub room: Option<Celsius>,
    /// Of the tank, where known.
    pub tank: Option<Celsius>,
    /// Of the air outside, where known.
    pub outdoor: Option<Celsius>,
    /// Its mean over the last day, where known.
    pub outdoor_mean: Option<Celsius>,
}

/// Heat power that the house can use or store for `span`, in thermal watts.
pub(crate) fn useful(site: &Site, temperatures: &Temperatures, span: Duration) -> Watts {
    let outdoor = temperatures.outdoor.unwrap_or(OUTDOOR_UNKNOWN);
    let heating = temperatures.outdoor_mean.or(temperatures.outdoor).is_none_or(|mean| mean.0 < HEATING_LIMIT.0);
    match site.compute.heat_into {
        HeatSink::Room => match (site.room, temperatures.room) {
            (Some(room), Some(now)) if heating => absorbs(&room, now, outdoor, span),
            _ => Watts::ZERO,
        },
        HeatSink::Tank => match (site.tank, temperatures.tank) {
            (Some(tank), Some(now)) => absorbs(&tank, now, Celsius(20.0), span),
            _ => Watts::ZERO,
        },
        HeatSink::HeatPumpSource => match site.displaced {
            Some(HeatSource::HeatPump { carnot, flow, power_max }) if heating => {
                let demand = demand(site, outdoor).min(power_max * cop(carnot, flow, SOURCE_LOOP));
                demand * (1.0 - 1.0 / cop(carnot, flow, SOURCE_LOOP))
            }
            _ => Watts::ZERO,
        },
        HeatSink::Outside => Watts::ZERO,
    }
}

/// What a useful kilowatt-hour of heat displaces, where power costs `import`; zero where that is unknown or nothing is
/// displaced.
pub(crate) fn heat_price(site: &Site, outdoor: Option<Celsius>, import: Option<EurPerKwh>) -> EurPerKwh {
    let import = import.unwrap_or(EurPerKwh::ZERO);
    match (site.compute.heat_into, site.displaced) {
        (HeatSink::HeatPumpSource, Some(HeatSource::HeatPump { carnot, flow, .. })) => {
            let alone = cop(carnot, flow, outdoor.unwrap_or(OUTDOOR_UNKNOWN));
            import.positive() * source_bonus(alone, cop(carnot, flow, SOURCE_LOOP))
        }
        _ => made_price(site, outdoor, import),
    }
}

/// What a kilowatt-hour of heat in room or tank costs to make, where power costs `import`; nothing where nobody makes any.
pub(crate) fn made_price(site: &Site, outdoor: Option<Celsius>, import: EurPerKwh) -> EurPerKwh {
    // Displaced power that one would be paid for taking is worth nothing, not less.
    let import = import.positive();
    match site.displaced {
        Some(HeatSource::HeatPump { carnot, flow, .. }) => {
            import / cop(carnot, flow, outdoor.unwrap_or(OUTDOOR_UNKNOWN))
        }
        Some(HeatSource::Gas { price, efficiency }) => price / efficiency.max(0.1),
        Some(HeatSource::Electric) => import,
        None => EurPerKwh::ZERO,
    }
}

/// What a kilowatt-hour of fuel costs; nothing where none is burnt.
pub(crate) fn fuel_price(site: &Site) -> EurPerKwh {
    match site.displaced {
        Some(HeatSource::Gas { price, .. }) => price,
        Some(HeatSource::HeatPump { .. } | HeatSource::Electric) | None => EurPerKwh::ZERO,
    }
}

/// What the heat of one kilowatt-hour of compute is worth when it runs at `power`, of whose heat `useful` watts find a
/// use: the rest must be rejected, at a share of what power costs.
pub(crate) fn heat_worth(
    site: &Site,
    power: Watts,
    useful: Watts,
    price: EurPerKwh,
    electricity: EurPerKwh,
) -> EurPerKwh {
    let share = useful_share(site, power, useful);
    let rejecting = electricity.positive() * site.compute.reject_share * (1.0 - share);
    price * (site.compute.heat_fraction * share) - rejecting
}

/// The share of compute's heat at `power` that finds a use.
pub(crate) fn useful_share(site: &Site, power: Watts, useful: Watts) -> f64 {
    let heat = power.0 * site.compute.heat_fraction;
    if heat > 0.0 { (useful.0 / heat).clamp(0.0, 1.0) } else { f64::from(useful.0 > 0.0) }
}

/// The store that compute heats.
pub(crate) fn store(site: &Site) -> Option<Store> {
    match site.compute.heat_into {
        HeatSink::Room => site.room,
        HeatSink::Tank => site.tank,
        HeatSink::HeatPumpSource | HeatSink::Outside => None,
    }
}

/// The COP of a heat pump between `source` and `flow`.
pub(crate) fn cop(carnot: f64, flow: Celsius, source: Celsius) -> f64 {
    (carnot * (flow.0 + KELVIN) / (flow.0 - source.0).max(LIFT_MIN)).clamp(1.5, 6.0)
}

/// Electric energy saved for each unit of heat given to the source side: with it the same heat takes `1 / boosted`
/// instead of `1 / alone`, and `1 - 1 / boosted` of that heat comes from the source.
fn source_bonus(alone: f64, boosted: f64) -> f64 {
    ((1.0 / alone - 1.0 / boosted) / (1.0 - 1.0 / boosted)).max(0.0)
}

/// What the store takes until it is at its upper temperature, and loses meanwhile.
fn absorbs(store: &Store, now: Celsius, around: Celsius, span: Duration) -> Watts {
    let room = (store.high - now).0;
    if room <= 0.0 {
        return Watts::ZERO;
    }
    let filling = store.capacity_kwh_per_k * room / (span.as_secs_f64() / 3600.0).max(1e-3);
    let losing = store.loss_kw_per_k * (now - around).positive().0;
    Watts((filling + losing) * 1000.0)
}

/// Heat the building loses at its lower temperature.
fn demand(site: &Site, outdoor: Celsius) -> Watts {
    site.room.map_or(Watts::ZERO, |room| Watts(room.loss_kw_per_k * (room.low - outdoor).positive().0 * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::site;

    #[test]
    fn a_heat_pump_gets_better_when_it_is_mild() {
        let rows = [(-10.0, 3.081), (2.0, 4.202), (10.0, 5.547), (25.0, 6.0)];
        for (outdoor, expected) in rows {
            let found = cop(0.45, Celsius(35.0), Celsius(outdoor));
            assert!((found - expected).abs() < 1e-3, "{outdoor}: {found}");
        }
    }

    #[test]
    fn heat_is_worth_what_it_displaces_and_costs_where_nobody_needs_it() {
        let mut site = site();
        site.compute.heat_fraction = 1.0;
        site.compute.reject_share = 0.1;
        site.displaced = Some(HeatSource::Electric);
        let price = heat_price(&site, Some(Celsius(0.0)), Some(EurPerKwh(0.30)));
        let rows = [(1000.0, 0.30), (500.0, 0.15 - 0.5 * 0.02), (0.0, -0.02)];
        for (useful, expected) in rows {
            let found = heat_worth(&site, Watts(1000.0), Watts(useful), price, EurPerKwh(0.20));
            assert!((found.0 - expected).abs() < 1e-9, "{useful}: {found}");
        }
    }

    #[test]
    fn a_warm_room_or_a_warm_season_takes_no_heat() {
        let site = site();
        let span = Duration::from_secs(900);
        let at = |room: f64, mean: f64| Temperatures {
            room: Some(Celsius(room)),
            outdoor: Some(Celsius(mean)),
            outdoor_mean: Some(Celsius(mean)),
            ..Temperatures::default()
        };
        assert!(useful(&site, &at(20.0, 0.0), span).0 > 1000.0);
        assert_eq!(useful(&site, &at(24.0, 0.0), span), Watts::ZERO);
        assert_eq!(useful(&site, &at(20.0, 20.0), span), Watts::ZERO);
        assert_eq!(useful(&site, &Temperatures::default(), span), Watts::ZERO);
    }
}
