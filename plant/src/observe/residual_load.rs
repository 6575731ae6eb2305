//! The residual load: what a meter at the connection would show without compute, consumption less own generation.
//!
//! The meter's value less what compute drew when it was read. While compute is on its way to a new budget, that is known only
//! between two numbers. Within them the house is taken to be as it was: the change that our own command explains is ours. Where it
//! does not explain what the meter shows, or the meter shows more than the fuse carries, nobody knows how far the house has moved:
//! the most counts.
//!
//! Example: house 16,000 W, meter 16,900 W, compute 900 W. Its budget becomes 600 W; for four seconds it draws 600 to 900 W. The meter
//! shows 16,600 W: 15,700 to 16,000 W of house, so it is still at 16,000 W. The meter shows 17,100 W: the house takes at least 16,200 W,
//! and counts as 16,500 W.
//!
//! Invariant: above the fuse the residual load is never taken for less than it was when the meter was read.

use crate::observe::draw::Span;
use crate::units::Watts;

/// A house that moves by less than this from one reading to the next wavers: small appliances do.
const WAVERS: Watts = Watts(100.0);

/// The residual load as it was last seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ResidualLoad(pub Watts);

impl ResidualLoad {
    /// The residual load behind a meter that shows `shown` with a `fuse`, read when compute drew `compute`, where it was `former`
    /// before.
    pub(crate) fn observe(former: Option<Self>, (shown, fuse): (Watts, Watts), compute: Span) -> Self {
        let (least, most) = (shown - compute.most, shown - compute.least);
        let explained = |former: &Self| former.0 >= least - WAVERS && former.0 <= most + WAVERS;
        let same = former.filter(explained).filter(|_| shown <= fuse);
        Self(same.map_or(most, |former| former.0.between(least, most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_moves_only_as_far_as_compute_does_not_explain() {
        let span = |least, most| Span { least: Watts(least), most: Watts(most) };
        let rows = [
            // meter, compute -> house
            (16_900.0, span(900.0, 900.0), 16_000.0),
            (16_900.0, span(600.0, 900.0), 16_000.0),
            (16_600.0, span(600.0, 900.0), 16_000.0),
            (16_600.0, span(600.0, 600.0), 16_000.0),
            (16_950.0, span(600.0, 900.0), 16_050.0),
            (17_100.0, span(600.0, 900.0), 16_500.0),
            (17_100.0, span(900.0, 900.0), 16_200.0),
            (12_000.0, span(0.0, 900.0), 12_000.0),
            // Above the fuse the most counts.
            (16_900.0, span(5000.0, 5000.0), 11_900.0),
            (17_200.0, span(900.0, 6000.0), 11_900.0),
            (17_300.0, span(900.0, 6000.0), 16_400.0),
            (16_000.0, span(500.0, 500.0), 15_500.0),
        ];
        let mut residual = None;
        for (shown, compute, house) in rows {
            let found = ResidualLoad::observe(residual, (Watts(shown), Watts(17_250.0)), compute);
            assert_eq!(found.0, Watts(house), "{shown} {compute:?}");
            residual = Some(found);
        }
    }
}
