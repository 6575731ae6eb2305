//! The offer: the surplus that a heat pump may take, calm enough for a compressor and for the memory that it is written to.
//!
//! ```text
//!               enough is left over for a minute
//!   none  ---------------------------------------->  offered
//!         <----------------------------------------
//!               too little, after the least time
//! ```
//!
//! Offered, it grows when more than a dead band beyond it was left over for two minutes, and shrinks when less was for one. Too little
//! before the least time is over leaves the least offer. An hour has a budget of changes; when it is spent the offer only shrinks.
//!
//! What the heat pump takes of the offer, it gives up when compute could use it: compute claims it, too little is left over, the offer
//! shrinks. Until the least time is over it keeps the least offer.
//!
//! Example: a heat pump that takes 800 to 3000 W. 2560 W are left over for a minute: 2550 W are offered. Clouds leave 2400 W: nothing
//! changes, the dead band is 255 W. They leave 500 W: a minute later 800 W stay, and from the tenth minute on nothing.

use crate::observe::draw::Span;
use crate::time::Moment;
use crate::units::Watts;
use std::collections::VecDeque;
use std::time::Duration;

/// Offers are rounded down to this, in W, so that they read like offers.
const STEP: f64 = 50.0;
/// Less than this is no offer: no compressor runs on it.
const LEAST: Watts = Watts(300.0);
/// Dead band of a change, at least and as a share of the offer: what a house's small loads come and go with.
const DEAD_BAND: Watts = Watts(150.0);
const DEAD_BAND_SHARE: f64 = 0.1;
/// How long enough has to be left over before it is offered, more before the offer grows, and less before it shrinks: growing costs
/// import when it was wrong, shrinking late costs it too.
const BEGINS: Duration = Duration::from_secs(60);
const GROWS: Duration = Duration::from_secs(120);
const SHRINKS: Duration = Duration::from_secs(60);
/// Least time of an offer, and between two: a compressor that starts should run for ten minutes and rest for five.
const LEAST_ON: Duration = Duration::from_secs(600);
const LEAST_OFF: Duration = Duration::from_secs(300);
/// Changes of the offer in an hour: chosen, one in five minutes; a memory of 100,000 writes then lasts longer than a heat pump.
const BUDGET: usize = 12;
const BUDGET_SPAN: Duration = Duration::from_secs(3600);

/// What the controls that take an offer bear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The least that one of them can use.
    pub least: Watts,
    /// The most that they take together.
    pub most: Watts,
    /// The least time between two values.
    pub interval: Duration,
    /// Whether an offer begins at once, also after a pause: what the grid pays for does not pass like a gap between clouds.
    pub at_once: bool,
}

/// The offer and what is remembered of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Offer {
    /// What is offered; zero for nothing.
    pub power: Watts,
    began: Option<Moment>,
    ended: Option<Moment>,
    changed: Option<Moment>,
    /// Since when more could be offered.
    more: Option<Moment>,
    /// Since when less should be.
    less: Option<Moment>,
    changes: VecDeque<Moment>,
}

impl Offer {
    /// Since when the offer is what it is.
    pub(super) fn since(&self) -> Moment {
        self.changed.unwrap_or_default()
    }

    /// The offer at `now`, where `left_over` is left over.
    pub(super) fn follow(&mut self, now: Moment, left_over: Span, bounds: Bounds) {
        let least = bounds.least.max(LEAST);
        let running = self.power > Watts::ZERO;
        let patience = match () {
            () if running => GROWS,
            () if bounds.at_once => Duration::ZERO,
            () => BEGINS,
        };
        let band = if running { DEAD_BAND.max(self.power * DEAD_BAND_SHARE) } else { Watts::ZERO };
        let possible = left_over.least.min(bounds.most);
        let growing = possible >= least && possible > self.power + band;
        let shrinking = running && left_over.most < self.power - band;
        self.more = growing.then(|| self.more.unwrap_or(now));
        self.less = shrinking.then(|| self.less.unwrap_or(now));
        let rested =
            |span: Duration| self.changed.is_none_or(|changed| now.since(changed) >= span.max(bounds.interval));
        if let Some(since) = self.less
            && now.since(since) >= SHRINKS
            && rested(SHRINKS)
        {
            self.shrink(now, rounded(left_over.most), least);
        } else if let Some(since) = self.more
            && now.since(since) >= patience
            && rested(if running { GROWS } else { Duration::ZERO })
            && (running || bounds.at_once || self.ended.is_none_or(|ended| now.since(ended) >= LEAST_OFF))
            && self.affords(now)
        {
            self.began = self.began.or(Some(now));
            self.set(now, rounded(possible).max(least));
        }
    }

    /// What the heat pump, which takes `taken`, gives up of the offer when compute could use it; `least` is the least that it can use.
    pub(super) fn yields(&self, now: Moment, taken: Watts, least: Watts) -> Watts {
        let kept = if self.over(now) { Watts::ZERO } else { least.max(LEAST) };
        (taken.min(self.power) - kept).positive()
    }

    /// No more than `limit` is offered, and nothing where that is less than the `least` that can be used, whatever the least time says.
    pub(super) fn cap(&mut self, now: Moment, limit: Watts, least: Watts) {
        if self.power <= limit {
            return;
        }
        let to = rounded(limit);
        if to >= least.max(LEAST) {
            self.set(now, to);
        } else {
            self.end(now);
        }
    }

    /// Nothing is offered, whatever the least time says.
    pub(super) fn end(&mut self, now: Moment) {
        (self.more, self.less) = (None, None);
        if self.power > Watts::ZERO {
            self.set(now, Watts::ZERO);
            (self.began, self.ended) = (None, Some(now));
        }
    }

    fn shrink(&mut self, now: Moment, to: Watts, least: Watts) {
        match () {
            () if to >= least => self.set(now, to),
            () if self.over(now) => self.end(now),
            () if self.power > least => self.set(now, least),
            () => {}
        }
    }

    /// Whether its least time is over.
    fn over(&self, now: Moment) -> bool {
        self.began.is_none_or(|began| now.since(began) >= LEAST_ON)
    }

    fn set(&mut self, now: Moment, power: Watts) {
        (self.power, self.changed) = (power, Some(now));
        (self.more, self.less) = (None, None);
        self.changes.push_back(now);
        if self.changes.len() > BUDGET {
            self.changes.pop_front();
        }
    }

    fn affords(&self, now: Moment) -> bool {
        self.changes.len() < BUDGET || self.changes.front().is_none_or(|first| now.since(*first) >= BUDGET_SPAN)
    }
}

fn rounded(power: Watts) -> Watts {
    Watts((power.0 / STEP).floor() * STEP)
}
