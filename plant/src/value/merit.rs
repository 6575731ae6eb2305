//! The merit order of compute's power in one slot: how much is to be had at which price. The house serves compute in a fixed order,
//! from what would be curtailed to the grid; where a later block is cheaper than an earlier one, both count at their mean.

use crate::site::Grid;
use crate::units::{EurPerKwh, Watts};
use crate::value::balance::Values;

/// Where power would come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// PV that could neither be used, stored nor exported.
    Curtailed,
    /// PV that would be exported.
    Exported,
    /// PV that would charge the battery.
    Storing,
    /// Energy in the battery.
    Stored,
    /// Power from the grid.
    Import,
}

impl Origin {
    /// Whether it is surplus of the moment, or power that is taken on purpose.
    pub(crate) fn is_surplus(self) -> bool {
        match self {
            Origin::Curtailed | Origin::Exported | Origin::Storing => true,
            Origin::Stored | Origin::Import => false,
        }
    }
}

/// Power to be had at one price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Block {
    /// Where it would come from.
    pub origin: Origin,
    /// How much.
    pub power: Watts,
    /// What a kilowatt-hour of it would have earned or saved elsewhere.
    pub cost: EurPerKwh,
}

impl Block {
    /// All of `power` at one price.
    pub(crate) fn of(price: EurPerKwh, power: Watts) -> Self {
        Self { origin: Origin::Exported, power, cost: price }
    }
}

/// The house without compute, in one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Without {
    /// Grid import.
    pub import: Watts,
    /// Export, before the connection's cap.
    pub export: Watts,
    /// Battery charging.
    pub charge: Watts,
    /// What the battery could deliver beyond what the house takes from it, its reserve kept.
    pub dischargeable: Watts,
    /// Whether the battery can hold its energy when asked.
    pub can_hold: bool,
    /// Whether the inverter holds the export at its cap right now. How much it holds back nobody measures: what compute
    /// takes next may have been curtailed or exported, and counts as the dearer of the two.
    pub at_cap: bool,
}

impl Without {
    /// What a kilowatt-hour of exported power is worth.
    pub(crate) fn exported(&self, values: &Values) -> EurPerKwh {
        if self.at_cap { values.export.positive() } else { values.export }
    }
}

/// The blocks of up to `power`, in the order in which the house would serve them.
pub(crate) fn order(without: &Without, values: &Values, grid: &Grid, power: Watts) -> Vec<Block> {
    let capped = grid.export_limit.map_or(Watts::ZERO, |limit| (without.export - limit).positive());
    let headroom = (grid.import_limit - without.import).positive();
    let holding = without.can_hold && values.import < values.stored;
    let dischargeable = if holding { Watts::ZERO } else { without.dischargeable };
    let offers = [
        // Curtailed power could not have been exported at any price: it costs nothing, and taking it earns nothing.
        (Origin::Curtailed, capped, EurPerKwh::ZERO),
        (Origin::Exported, without.export - capped, without.exported(values)),
        (Origin::Storing, without.charge, values.storing),
        (Origin::Stored, dischargeable, values.stored),
        (Origin::Import, headroom, values.import),
    ];
    let mut left = power;
    let mut blocks = Vec::with_capacity(offers.len());
    for (origin, offered, cost) in offers {
        let power = offered.min(left);
        if power > Watts(1.0) {
            blocks.push(Block { origin, power, cost });
            left -= power;
        }
    }
    pool(&mut blocks);
    blocks
}

/// Power cannot be had from a later block without that of the ones before it: where a later one is cheaper, they are
/// worth taking only together, at their mean cost.
fn pool(blocks: &mut [Block]) {
    for end in 1..blocks.len() {
        let mut start = end;
        while start > 0 && blocks[start - 1].cost > blocks[end].cost {
            start -= 1;
            let first = blocks[start].cost;
            while start > 0 && blocks[start - 1].cost == first {
                start -= 1;
            }
            let pooled = &mut blocks[start..=end];
            let power: Watts = pooled.iter().map(|block| block.power).sum();
            let cost: f64 = pooled.iter().map(|block| block.cost.0 * block.power.0).sum();
            pooled.iter_mut().for_each(|block| block.cost = EurPerKwh(cost / power.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_power_comes_first() {
        let grid =
            Grid { import_limit: Watts(10_000.0), export_limit: Some(Watts(2_000.0)), ..crate::test_site::site().grid };
        let values = Values {
            import: EurPerKwh(0.3),
            export: EurPerKwh(0.08),
            stored: EurPerKwh(0.28),
            storing: EurPerKwh(0.2),
        };
        let without = Without {
            export: Watts(2_500.0),
            charge: Watts(1_000.0),
            dischargeable: Watts(200.0),
            ..Without::default()
        };
        let found: Vec<_> = order(&without, &values, &grid, Watts(5_000.0))
            .into_iter()
            .map(|block| (block.origin, block.power.0, block.cost.0))
            .collect();
        let expected = [
            (Origin::Curtailed, 500.0, 0.0),
            (Origin::Exported, 2_000.0, 0.08),
            (Origin::Storing, 1_000.0, 0.2),
            (Origin::Stored, 200.0, 0.28),
            (Origin::Import, 1_300.0, 0.3),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn curtailed_power_costs_and_earns_nothing() {
        let grid =
            Grid { import_limit: Watts(10_000.0), export_limit: Some(Watts(2_000.0)), ..crate::test_site::site().grid };
        // export price, at the cap -> cost of the first and of all 1500 W
        let rows =
            [(0.08, false, 0.0, 0.04), (-0.05, false, 0.0, -0.025), (-0.05, true, 0.0, 0.0), (0.08, true, 0.0, 0.04)];
        for (export, at_cap, first, all) in rows {
            let values = Values { export: EurPerKwh(export), ..Values::default() };
            let without = Without { export: Watts(2_750.0), at_cap, ..Without::default() };
            let mean = |power: f64| {
                let blocks = order(&without, &values, &grid, Watts(power));
                blocks.iter().map(|block| block.power.0 * block.cost.0).sum::<f64>() / power
            };
            assert!((mean(750.0) - first).abs() < 1e-9, "{export} {at_cap}: {}", mean(750.0));
            assert!((mean(1500.0) - all).abs() < 1e-9, "{export} {at_cap}: {}", mean(1500.0));
        }
    }

    #[test]
    fn cheap_grid_power_comes_with_the_surplus_before_it() {
        let grid = Grid { import_limit: Watts(9_000.0), export_limit: None, ..crate::test_site::site().grid };
        let values = Values {
            import: EurPerKwh(-0.1),
            export: EurPerKwh(0.08),
            stored: EurPerKwh(0.28),
            storing: EurPerKwh(0.2),
        };
        let without = Without { charge: Watts(1_000.0), can_hold: true, ..Without::default() };
        let found = order(&without, &values, &grid, Watts(3_000.0));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|block| block.cost.0.abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn a_battery_that_can_hold_is_spared_while_the_grid_is_cheaper() {
        let grid = Grid { import_limit: Watts(1_500.0), export_limit: None, ..crate::test_site::site().grid };
        let values = Values { import: EurPerKwh(0.1), stored: EurPerKwh(0.28), ..Values::default() };
        let without =
            Without { import: Watts(1_000.0), dischargeable: Watts(200.0), can_hold: true, ..Without::default() };
        let found = order(&without, &values, &grid, Watts(5_000.0));
        assert_eq!(found, [Block { origin: Origin::Import, power: Watts(500.0), cost: EurPerKwh(0.1) }]);
    }
}
