//! The formula: what one kilowatt-hour of compute is worth, in three numbers.
//!
//! ```text
//!   revenue of the work  +  value of its heat  -  what its electricity costs here and now
//! ```
//!
//! Plan, dispatch and the words about a decision all call [`Offer::worth`]; it is the one way from the merit order's blocks to the
//! three numbers. (The books hold their own account of what was, in `books/account.rs`.)
//!
//! Example, in EUR/kWh, of a box that gives off all of its power as heat and rejects none: 1000 W out of 600 W of surplus (feed-in 0.08) and 400 W of import (0.30), for work that pays 0.20 and with heat
//! of which 500 W displace 0.10: revenue 0.20, heat 0.5 * 0.10 = 0.05, electricity (0.6 * 0.08 + 0.4 * 0.30) = 0.168; net 0.082.

use crate::reason::Worth;
use crate::site::Site;
use crate::units::{EurPerKwh, Watts};
use crate::value::merit::Block;
use crate::value::thermal;

/// What compute's work and heat find at a moment or in a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer<'a> {
    /// What is installed.
    pub site: &'a Site,
    /// What the work pays.
    pub revenue: EurPerKwh,
    /// Heat that finds a use, in thermal watts.
    pub useful: Watts,
    /// What a useful kilowatt-hour of it displaces.
    pub heat_price: EurPerKwh,
    /// What imported power costs, also beyond what the merit order offers.
    pub import: EurPerKwh,
}

impl Offer<'_> {
    /// The three numbers of compute at `power`, served by `blocks` in their order; what they do not cover counts as import.
    pub(crate) fn worth(&self, blocks: impl IntoIterator<Item = Block>, power: Watts) -> Worth {
        let power = power.max(Watts(1.0));
        let mut left = power;
        let mut cost = 0.0;
        for block in blocks {
            let used = block.power.min(left);
            cost += used.0 * block.cost.0;
            left -= used;
        }
        let electricity = EurPerKwh((cost + left.positive().0 * self.import.0) / power.0);
        let heat = thermal::heat_worth(self.site, power, self.useful, self.heat_price, electricity);
        Worth { revenue: self.revenue, heat, electricity }
    }

    /// The three numbers of compute at `power` where all of it costs `price`.
    pub(crate) fn worth_at(&self, price: EurPerKwh, power: Watts) -> Worth {
        self.worth([Block::of(price, power)], power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::site;
    use crate::value::merit::Origin;

    #[test]
    fn blocks_and_heat_make_three_numbers() {
        let site = {
            let mut site = site();
            (site.compute.heat_fraction, site.compute.reject_share) = (1.0, 0.0);
            site
        };
        let offer = Offer {
            site: &site,
            revenue: EurPerKwh(0.20),
            useful: Watts(500.0),
            heat_price: EurPerKwh(0.10),
            import: EurPerKwh(0.30),
        };
        let block = |origin, power, cost| Block { origin, power: Watts(power), cost: EurPerKwh(cost) };
        let surplus = block(Origin::Exported, 600.0, 0.08);
        let rows = [
            // blocks, power -> heat, electricity
            (vec![surplus, block(Origin::Import, 400.0, 0.30)], 1000.0, 0.05, 0.168),
            // What no block covers counts as import.
            (vec![surplus], 1000.0, 0.05, 0.168),
            // Less power than the first block has.
            (vec![surplus], 250.0, 0.10, 0.08),
            (vec![], 500.0, 0.10, 0.30),
        ];
        for (blocks, power, heat, electricity) in rows {
            let worth = offer.worth(blocks.clone(), Watts(power));
            assert!((worth.heat.0 - heat).abs() < 1e-9, "{blocks:?}: {worth:?}");
            assert!((worth.electricity.0 - electricity).abs() < 1e-9, "{blocks:?}: {worth:?}");
            assert!((worth.net().0 - (0.20 + heat - electricity)).abs() < 1e-9, "{blocks:?}: {worth:?}");
        }
    }
}
