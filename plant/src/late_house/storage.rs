//! A battery that regulates itself: with a meter of its own it holds the grid at zero, a few seconds late, inside a dead band.
//!
//! Example: 1000 W of import, a gain of 0.5, a look every two seconds: 500 W after the first, 750 W after the second.

use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub wh: f64,
    pub power_max: f64,
    /// Share of what its meter shows that it makes up for at each look.
    pub gain: f64,
    /// Seconds between two looks, and how old what it sees then is.
    pub every: f64,
    pub late: f64,
    /// Nearer to zero than this, in W, is zero to it.
    pub dead_band: f64,
    /// Seconds until it obeys a hold, and its end.
    pub obeys_after: f64,
    pub soc: f64,
    /// Discharge +, charge -.
    pub power: f64,
    target: f64,
    next: f64,
    seen: VecDeque<(f64, f64)>,
    hold: bool,
    holds: VecDeque<(f64, bool)>,
}

/// How fast its inverter moves, in W a second.
const RAMP: f64 = 2_000.0;
/// It protects itself below this charge, in %.
const EMPTY: f64 = 5.0;

impl Storage {
    pub(crate) fn new(wh: f64, power_max: f64, soc: f64) -> Self {
        Self {
            wh,
            power_max,
            gain: 0.5,
            every: 2.0,
            late: 1.0,
            dead_band: 30.0,
            obeys_after: 5.0,
            soc,
            power: 0.0,
            target: 0.0,
            next: 0.0,
            seen: VecDeque::new(),
            hold: false,
            holds: VecDeque::new(),
        }
    }

    pub(crate) fn set(&mut self, t: f64, hold: bool) {
        if self.holds.back().map_or(self.hold, |(_, last)| *last) != hold {
            self.holds.push_back((t + self.obeys_after, hold));
        }
    }

    /// `grid` is what flows at the connection as the step begins.
    pub(crate) fn step(&mut self, t: f64, dt: f64, grid: f64) {
        while self.holds.front().is_some_and(|(at, _)| *at <= t) {
            self.hold = self.holds.pop_front().is_some_and(|(_, hold)| hold);
        }
        self.seen.push_back((t, grid));
        while self.seen.get(1).is_some_and(|(at, _)| *at <= t - self.late) {
            self.seen.pop_front();
        }
        if t >= self.next {
            self.next += self.every;
            let shown = self.seen.front().map_or(0.0, |(_, grid)| *grid);
            if shown.abs() > self.dead_band {
                self.target += self.gain * shown;
            }
        }
        let most = if self.hold || self.soc <= EMPTY { 0.0 } else { self.power_max };
        let least = if self.soc >= 100.0 { 0.0 } else { -self.power_max };
        self.target = self.target.clamp(least, most);
        self.power += (self.target - self.power).clamp(-RAMP * dt, RAMP * dt);
        self.soc = (self.soc - self.power * dt / 36.0 / self.wh).clamp(0.0, 100.0);
    }
}
