//! The boost of a heat pump with SG Ready (state 3): a recommendation to run, which the heat pump follows with whatever power it has.
//!
//! ```text
//!              enough is left over for a minute, ten minutes after the last one
//!   none  --------------------------------------------------------------------->  boosted
//!         <---------------------------------------------------------------------
//!              it mostly imports, or compute starves, for two minutes, ten minutes after its begin
//! ```
//!
//! Enough is a kilowatt, and most of what the heat pump took in its last boost. It mostly imports when less than half of what it
//! takes is left over; a heat pump that says nothing of what it takes, when the house imports. Compute starves when it would have its
//! least power, were it not for what the heat pump takes.
//!
//! Example: 1200 W are left over and a heat pump of 3000 W is boosted. Its meter shows 3000 W, 1200 W of them are the sun's: after ten
//! minutes the boost ends, 0.3 kWh were imported. The next one waits for 2400 W.

use crate::act::devices::spare::LeftOver;
use crate::time::Moment;
use crate::units::Watts;
use std::time::Duration;

/// Surplus with which a heat pump that was never boosted is asked to run, and without which it is left alone: a small one takes about
/// 1000 W; below 200 W most of any power would be imported.
const ABOVE: Watts = Watts(1000.0);
const BELOW: Watts = Watts(200.0);
/// Share of what the last boost took that must be left over for the next, and that must stay left over for this one.
const BEGINS_SHARE: f64 = 0.8;
const ENDS_SHARE: f64 = 0.5;
/// How long it must be so.
const BEGINS: Duration = Duration::from_secs(60);
const ENDS: Duration = Duration::from_secs(120);
/// Least time of a boost and between two: the rules of the SG Ready label keep a state for ten minutes at least, and three starts an
/// hour is what compressors are made for.
const LEAST: Duration = Duration::from_secs(600);

/// The boost and what is remembered of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Boost {
    /// Since when it is on.
    pub since: Option<Moment>,
    ended: Option<Moment>,
    /// Since when it should be the other way.
    crossed: Option<Moment>,
    /// The most that the heat pump took in the last boost.
    took: Watts,
}

impl Boost {
    /// The boost at `now`, where `left_over` is left over, and compute may starve.
    pub(super) fn follow(&mut self, now: Moment, left_over: &LeftOver, starves: bool) {
        match self.since {
            None => {
                let enough = left_over.power.least > ABOVE.max(self.took * BEGINS_SHARE);
                let rested = self.ended.is_none_or(|ended| now.since(ended) >= LEAST);
                if self.lasts(now, enough, BEGINS) && rested {
                    (self.since, self.crossed, self.took) = (Some(now), None, Watts::ZERO);
                }
            }
            Some(since) => {
                self.took = self.took.max(left_over.taken);
                let imports = if left_over.metered {
                    left_over.power.most < (left_over.taken * ENDS_SHARE).max(BELOW)
                } else {
                    left_over.power.least < -BELOW
                };
                if self.lasts(now, imports || starves, ENDS) && now.since(since) >= LEAST {
                    self.end(now);
                }
            }
        }
    }

    /// What the heat pump, which takes `taken`, gives up when compute could use it: all, once the least time is over.
    pub(super) fn yields(&self, now: Moment, taken: Watts) -> Watts {
        self.since.filter(|since| now.since(*since) >= LEAST).map_or(Watts::ZERO, |_| taken)
    }

    /// It is over, whatever the least time says.
    pub(super) fn end(&mut self, now: Moment) {
        if self.since.take().is_some() {
            self.ended = Some(now);
        }
        self.crossed = None;
    }

    fn lasts(&mut self, now: Moment, so: bool, span: Duration) -> bool {
        self.crossed = so.then(|| self.crossed.unwrap_or(now));
        self.crossed.is_some_and(|since| now.since(since) >= span)
    }
}
