//! Where compute's power comes from, and what it would have earned or saved elsewhere: its opportunity cost, for the books.
//!
//! Rule of attribution: what PV makes beyond the house and the heat pump serves compute first; the rest of compute's power
//! comes from the battery and the grid in the proportion in which they deliver at that moment.
//!
//! Rule of the baseline (the counterfactual, the house without compute): the grid would have delivered so much less; the battery
//! would still hold its share; PV's share would have charged the battery as far as that had room, been exported as far as the
//! connection allows, and been curtailed beyond.
//!
//! Example: 900 W of compute beside a full battery, 600 W of surplus and 300 W of import: 600 W come from PV and 300 W from the grid. With
//! import at 0.30 and feed-in at 0.08 EUR/kWh a kilowatt-hour costs (600 * 0.08 + 300 * 0.30) / 900 = 0.153 EUR.

use crate::observe::flows::Flows;
use crate::site::{Battery, Grid};
use crate::units::{EurPerKwh, Watts};

/// Compute's power by where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sources {
    /// From the roof.
    pub pv: Watts,
    /// From the battery.
    pub battery: Watts,
    /// From the grid.
    pub grid: Watts,
}

impl Sources {
    /// Where compute's power comes from in `flows`.
    pub(crate) fn of(flows: Flows) -> Self {
        let roof = flows.surplus().positive();
        let pv = flows.compute.min(flows.pv.map_or(roof, |pv| roof.min(pv)));
        let rest = flows.compute - pv;
        let (battery, grid) = (flows.discharge(), flows.grid.positive());
        let delivered = battery + grid;
        if delivered <= Watts::ZERO {
            // Meters that were read at different moments: nothing but the roof can have delivered it.
            return Self { pv: flows.compute, ..Self::default() };
        }
        let battery = rest * (battery / delivered);
        Self { pv, battery, grid: rest - battery }
    }
}

/// What a kilowatt-hour is worth by where it comes from or goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Values {
    /// What imported power costs.
    pub import: EurPerKwh,
    /// What exported power earns.
    pub export: EurPerKwh,
    /// What a kilowatt-hour taken out of the battery would have been worth later.
    pub stored: EurPerKwh,
    /// What a kilowatt-hour would have been worth on its way into the battery: losses and wear deducted.
    pub storing: EurPerKwh,
}

impl Values {
    /// The values where the battery's energy will later be worth `stored`.
    pub(crate) fn new(import: EurPerKwh, export: EurPerKwh, stored: EurPerKwh, battery: Option<&Battery>) -> Self {
        let storing = battery.map_or(stored, |battery| stored * battery.round_trip - battery.wear);
        Self { import, export, stored, storing }
    }
}

/// The opportunity cost of compute's power, in EUR/kWh: what each watt would have earned or saved elsewhere.
pub(crate) fn opportunity(flows: Flows, charge_room: Watts, grid: &Grid, values: &Values) -> EurPerKwh {
    let sources = Sources::of(flows);
    if flows.compute <= Watts::ZERO {
        return EurPerKwh::ZERO;
    }
    let storable = sources.pv.min((charge_room - flows.charge()).positive());
    let exportable = exportable(flows, grid).min(sources.pv - storable);
    let cost = values.import * sources.grid.0
        + values.stored * sources.battery.0
        + values.storing * storable.0
        + values.export * exportable.0;
    cost / flows.compute.0
}

/// What could still be exported beyond what is.
fn exportable(flows: Flows, grid: &Grid) -> Watts {
    match grid.export_limit {
        Some(limit) => (limit - (-flows.grid).positive()).positive(),
        None => Watts(f64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(grid: f64, pv: f64, battery: f64, compute: f64) -> Flows {
        Flows {
            grid: Watts(grid),
            pv: Some(Watts(pv)),
            battery: Watts(battery),
            compute: Watts(compute),
            heat_pump: None,
        }
    }

    #[test]
    fn where_the_roof_is_not_known_the_surplus_tells_of_it() {
        let rows = [((-2000.0, 0.0, 800.0), 800.0), ((500.0, 0.0, 800.0), 300.0), ((900.0, 0.0, 800.0), 0.0)];
        for ((grid, battery, compute), expected) in rows {
            let dark = Flows { pv: None, ..flows(grid, 0.0, battery, compute) };
            assert_eq!(Sources::of(dark).pv, Watts(expected), "{grid}");
        }
    }

    #[test]
    fn compute_takes_the_roof_first_and_the_rest_in_proportion() {
        let rows = [
            // grid, pv, battery, compute -> pv, battery, grid
            ((-2000.0, 4000.0, 0.0, 800.0), (800.0, 0.0, 0.0)),
            ((400.0, 600.0, 0.0, 800.0), (400.0, 0.0, 400.0)),
            ((0.0, 0.0, 1300.0, 800.0), (0.0, 800.0, 0.0)),
            ((300.0, 0.0, 900.0, 800.0), (0.0, 600.0, 200.0)),
            ((1000.0, 0.0, -200.0, 800.0), (0.0, 0.0, 800.0)),
            ((-50.0, 0.0, 0.0, 800.0), (800.0, 0.0, 0.0)),
        ];
        for ((grid, pv, battery, compute), expected) in rows {
            let found = Sources::of(flows(grid, pv, battery, compute));
            assert_eq!(
                (found.pv.0.round(), found.battery.0.round(), found.grid.0.round()),
                expected,
                "{grid} {pv} {battery}"
            );
        }
    }

    #[test]
    fn power_costs_what_it_would_have_earned_elsewhere() {
        let grid = Grid { import_limit: Watts(17e3), export_limit: Some(Watts(5e3)), ..crate::test_site::site().grid };
        let values = Values {
            import: EurPerKwh(0.3),
            export: EurPerKwh(0.08),
            stored: EurPerKwh(0.25),
            storing: EurPerKwh(0.2),
        };
        let rows = [
            // grid, pv, battery, compute, charge room -> EUR/kWh
            (flows(-2000.0, 4000.0, 0.0, 1000.0), 0.0, 0.08),
            (flows(0.0, 4000.0, 0.0, 1000.0), 1000.0, 0.20),
            (flows(0.0, 4000.0, -1000.0, 1000.0), 1500.0, 0.14),
            (flows(-5000.0, 9000.0, 0.0, 1000.0), 0.0, 0.0),
            (flows(1500.0, 0.0, 0.0, 1000.0), 5000.0, 0.3),
            (flows(0.0, 0.0, 1500.0, 1000.0), 5000.0, 0.25),
        ];
        for (flows, room, expected) in rows {
            let found = opportunity(flows, Watts(room), &grid, &values);
            assert!((found.0 - expected).abs() < 1e-9, "{flows:?}: {found}");
        }
    }
}
