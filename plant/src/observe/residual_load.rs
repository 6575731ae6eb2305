//! The residual load: what a meter at the connection would show without compute, consumption less own generation.
//!
//! The meter's value less what compute drew when it was read. While compute is on its way to a new budget, that is known only
//! between two numbers. Within them the house is taken to be as it was: the change that our own command explains is ours. Where it
//! does not explain what the meter shows, or the meter shows more than the fuse carries, nobody knows how far the house has moved:
//! the most counts, and stands while compute obeys.
//!
//! Example: house 16,000 W, meter 16,900 W, compute 900 W. Its budget becomes 600 W; for four seconds it draws 600 to 900 W. The meter
//! shows 16,600 W: 15,700 to 16,000 W of house, so it is still at 16,000 W. The meter shows 17,100 W: the house takes at least 16,200 W,
//! and counts as 16,500 W.

use crate::observe::draw::Span;
use crate::time::Moment;
use crate::units::Watts;
use std::time::Duration;

/// A house that moves by less than this from one reading to the next wavers: small appliances do.
const WAVERS: Watts = Watts(100.0);

/// What a meter shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// The power.
    pub power: Watts,
    /// When it was read.
    pub taken: Moment,
    /// What may flow through it.
    pub fuse: Watts,
}

/// The residual load as it was last seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ResidualLoad {
    /// The power.
    pub power: Watts,
    /// When the most was counted because the meter showed more than the fuse carries, and what it showed.
    above: Option<(Moment, Watts)>,
}

impl ResidualLoad {
    /// The residual load behind a meter, read when compute drew `compute`, where it was `former` before. Compute obeys within `obeys`.
    pub(crate) fn observe(former: Option<Self>, shown: Shown, compute: Span, obeys: Duration) -> Self {
        let Shown { power, taken, fuse } = shown;
        let (least, most) = (power - compute.most, power - compute.least);
        let near = |former: &Self| former.power >= least - WAVERS && former.power <= most + WAVERS;
        // Above the fuse it stands as long as compute may take to obey.
        let stands = |former: &Self| {
            former.above.is_some_and(|(at, before)| power <= before + WAVERS && taken.since(at) <= obeys)
        };
        let above = (power > fuse).then_some((taken, power));
        match former.filter(near).filter(|former| above.is_none() || stands(former)) {
            Some(former) => Self { power: former.power.between(least, most), above: above.and(former.above) },
            None => Self { power: most, above },
        }
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
            (17_100.0, span(600.0, 900.0), 16_500.0),
            (17_100.0, span(900.0, 900.0), 16_200.0),
            (12_000.0, span(0.0, 900.0), 12_000.0),
            // Above the fuse the most counts, once, until compute has obeyed or the house moves again.
            (16_900.0, span(5000.0, 5000.0), 11_900.0),
            (17_300.0, span(900.0, 6000.0), 16_400.0),
            (17_350.0, span(500.0, 6000.0), 16_400.0),
            (17_500.0, span(500.0, 6000.0), 17_000.0),
            (16_000.0, span(500.0, 500.0), 15_500.0),
        ];
        let mut residual = None;
        for (shown, compute, house) in rows {
            let shown = Shown { power: Watts(shown), taken: Moment::default(), fuse: Watts(17_250.0) };
            let found = ResidualLoad::observe(residual, shown, compute, Duration::from_secs(4));
            assert_eq!(found.power, Watts(house), "{shown:?} {compute:?}");
            residual = Some(found);
        }
    }
}
