//! Powers on the house bus, and where compute's power comes from.
//!
//! Rule of attribution: what PV makes beyond the house and the heat pump serves compute first; the rest of compute's power
//! comes from the battery and the grid in the proportion in which they deliver at that moment.
//!
//! Rule of the counterfactual: without compute, the grid would have delivered so much less; the battery would still hold
//! its share; PV's share would have charged the battery as far as that had room, been exported as far as the
//! connection allows, and been curtailed beyond.

use crate::image::Image;
use crate::point::Point;
use crate::site::{Battery, Grid};
use crate::time::{Timestamp, elapsed};
use crate::units::{EurPerKwh, Percent, Watts};
use std::time::Duration;

/// A battery fuller than this takes no more.
const FULL: Percent = Percent(99.5);
/// How long a battery that was seen to refuse power is taken at its word.
const REFUSAL: Duration = Duration::from_secs(300);
/// Export above this, in W, is more than the battery's control leaves over.
const EXPORTING: Watts = Watts(100.0);

/// What the house takes is the sum of these points, each with its sign.
pub const HOUSE: [(Point, f64); 5] = [
    (Point::GridPower, 1.0),
    (Point::PvPower, 1.0),
    (Point::BatteryPower, 1.0),
    (Point::HeatPumpPower, -1.0),
    (Point::ComputePower, -1.0),
];

/// The powers of one moment; a role that the site lacks moves none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flows {
    /// Import +, export -.
    pub grid: Watts,
    /// PV generation; `None` where it is not known, as at night with an inverter that sleeps.
    pub pv: Option<Watts>,
    /// Discharge +, charge -.
    pub battery: Watts,
    /// Compute's consumption.
    pub compute: Watts,
    /// The heat pump's consumption; `None` where it is not known.
    pub heat_pump: Option<Watts>,
}

impl Flows {
    /// The flows of `image`; `None` where those of grid or battery are not known. Compute's power counts as zero where it is
    /// unknown, which makes the surplus and the headroom smaller than they are.
    pub fn bus(image: &Image) -> Option<Self> {
        let power = |point| match image.points.get(&point) {
            Some(known) => known.fresh().map(Watts),
            None => Some(Watts::ZERO),
        };
        Some(Self {
            grid: image.get(Point::GridPower).fresh().map(Watts)?,
            pv: power(Point::PvPower).map(Watts::positive),
            battery: power(Point::BatteryPower)?,
            compute: image.get(Point::ComputePower).fresh().map_or(Watts::ZERO, Watts).positive(),
            heat_pump: power(Point::HeatPumpPower).map(Watts::positive),
        })
    }

    /// What PV makes beyond the house and the heat pump; negative where it makes less than they take.
    pub fn surplus(self) -> Watts {
        self.compute - self.grid - self.battery
    }

    /// Power into the battery.
    pub fn charge(self) -> Watts {
        (-self.battery).positive()
    }

    /// Power out of the battery.
    pub fn discharge(self) -> Watts {
        self.battery.positive()
    }

    /// Compute's power by where it comes from.
    pub fn sources(self) -> Sources {
        let roof = self.surplus().positive();
        let pv = self.compute.min(self.pv.map_or(roof, |pv| roof.min(pv)));
        let rest = self.compute - pv;
        let (battery, grid) = (self.discharge(), self.grid.positive());
        let delivered = battery + grid;
        if delivered <= Watts::ZERO {
            // Meters that were read at different moments: nothing but the roof can have delivered it.
            return Sources { pv: self.compute, ..Sources::default() };
        }
        let battery = rest * (battery / delivered);
        Sources { pv, battery, grid: rest - battery }
    }
}

/// Compute's power by where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sources {
    /// From the roof.
    pub pv: Watts,
    /// From the battery.
    pub battery: Watts,
    /// From the grid.
    pub grid: Watts,
}

/// What a kilowatt-hour is worth by where it comes from or goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Values {
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
    pub fn new(import: EurPerKwh, export: EurPerKwh, stored: EurPerKwh, battery: Option<&Battery>) -> Self {
        let storing = battery.map_or(stored, |battery| stored * battery.round_trip - battery.wear);
        Self { import, export, stored, storing }
    }
}

/// The opportunity cost of compute's power, in EUR per hour and kW: what each watt would have earned or saved elsewhere.
pub fn opportunity(flows: Flows, charge_room: Watts, grid: &Grid, values: &Values) -> EurPerKwh {
    let sources = flows.sources();
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

/// What the battery would charge with, if it could have all of the surplus.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChargeRoom {
    refused: Option<(Watts, Timestamp)>,
}

impl ChargeRoom {
    /// The battery's room at `now`. A battery that lets power pass to the grid takes no more than it takes just then.
    pub fn at(&mut self, now: Timestamp, flows: Flows, soc: Option<Percent>, battery: Option<&Battery>) -> Watts {
        let Some(battery) = battery else { return Watts::ZERO };
        if soc.is_some_and(|soc| soc >= FULL) {
            return Watts::ZERO;
        }
        if flows.grid < -EXPORTING {
            self.refused = Some((flows.charge().min(battery.charge_max), now));
        }
        match self.refused {
            Some((taken, at)) if at <= now && elapsed(at, now) <= REFUSAL => {
                taken.max(flows.charge()).min(battery.charge_max)
            }
            Some(_) | None => battery.charge_max,
        }
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
            assert_eq!(dark.sources().pv, Watts(expected), "{grid}");
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
            let found = flows(grid, pv, battery, compute).sources();
            assert_eq!(
                (found.pv.0.round(), found.battery.0.round(), found.grid.0.round()),
                expected,
                "{grid} {pv} {battery}"
            );
        }
    }

    #[test]
    fn power_costs_what_it_would_have_earned_elsewhere() {
        let grid = Grid { import_limit: Watts(17e3), export_limit: Some(Watts(5e3)) };
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
