//! A heat pump under its own control: minimum times, a slow ramp, and offers and boosts that it obeys after tens of seconds.

use super::chance::Chance;

#[derive(Clone, Debug)]
pub(crate) struct Heating {
    /// Least and greatest power while it runs, in W.
    pub least: f64,
    pub most: f64,
    /// Seconds until it looks at an offer or a boost.
    pub obeys_after: f64,
    pub min_on: f64,
    pub min_off: f64,
    pub power: f64,
    /// What it wants by itself; zero for nothing.
    own: f64,
    own_until: f64,
    /// What is offered, and since when.
    offer: (f64, f64),
    heeded: f64,
    since: f64,
    on: bool,
}

/// Its compressor's ramp, in W a second.
const RAMP: f64 = 50.0;

impl Heating {
    pub(crate) fn new(least: f64, most: f64, obeys_after: f64) -> Self {
        Self {
            least,
            most,
            obeys_after,
            min_on: 600.0,
            min_off: 300.0,
            power: 0.0,
            own: 0.0,
            own_until: 0.0,
            offer: (0.0, 0.0),
            heeded: 0.0,
            since: -1e9,
            on: false,
        }
    }

    /// `watts` of surplus are offered; a boost is an offer of all that it can take.
    pub(crate) fn offer(&mut self, t: f64, watts: f64) {
        if self.offer.0 != watts {
            self.offer = (watts, t);
        }
    }

    /// Wants nothing by itself for so many seconds.
    pub(crate) fn rest(&mut self, until: f64) {
        (self.own, self.own_until) = (0.0, until);
    }

    pub(crate) fn step(&mut self, t: f64, dt: f64, chance: &mut Chance) {
        if t >= self.own_until {
            self.own = if self.own > 0.0 { 0.0 } else { chance.between(self.least, self.most) };
            self.own_until = t + chance.between(600.0, 2_400.0);
        }
        if t - self.offer.1 >= self.obeys_after {
            self.heeded = self.offer.0;
        }
        let target = self.own.max(if self.heeded >= self.least { self.heeded.min(self.most) } else { 0.0 });
        let may = t - self.since >= if self.on { self.min_on } else { self.min_off };
        if (target > 0.0) != self.on && may {
            (self.on, self.since) = (target > 0.0, t);
        }
        let target = if self.on { target.max(self.least) } else { 0.0 };
        self.power += (target - self.power).clamp(-RAMP * dt, RAMP * dt);
    }
}
