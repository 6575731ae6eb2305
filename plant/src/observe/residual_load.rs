//! The residual load: what a meter at the connection would show without compute, consumption less own generation.
//!
//! The meter's value less what compute drew when it was read. While compute is on its way to a new budget, that is known only
//! between two numbers. Within them the house is taken to be as it was: the change that our own command explains is ours. Where it
//! does not explain what the meter shows, the house has moved, and nobody knows how far: the most counts.
//!
//! Example: house 16,000 W, meter 16,900 W, compute 900 W. Its budget becomes 600 W; for four seconds it draws 600 to 900 W. The meter
//! shows 16,600 W: 15,700 to 16,000 W of house, so it is still at 16,000 W. The meter shows 17,500 W: the house takes at least 16,600 W,
//! and counts as 16,900 W.

use crate::observe::draw::Span;
use crate::units::Watts;

/// The residual load as it was last seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ResidualLoad(pub Watts);

impl ResidualLoad {
    /// The residual load behind a meter that shows `shown`, read when compute drew `compute`, where it was `former` before.
    pub(crate) fn observe(former: Option<Self>, shown: Watts, compute: Span) -> Self {
        let (least, most) = (shown - compute.most, shown - compute.least);
        former.filter(|former| former.0 >= least && former.0 <= most).unwrap_or(Self(most))
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
            (17_500.0, span(600.0, 900.0), 16_900.0),
            (17_500.0, span(900.0, 900.0), 16_600.0),
            (12_000.0, span(0.0, 900.0), 12_000.0),
        ];
        let mut residual = None;
        for (shown, compute, house) in rows {
            let found = ResidualLoad::observe(residual, Watts(shown), compute);
            assert_eq!(found.0, Watts(house), "{shown} {compute:?}");
            residual = Some(found);
        }
    }
}
