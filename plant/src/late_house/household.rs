//! The household's loads, each on a phase, and the sun behind its clouds.

use super::chance::Chance;

/// A load that comes and goes.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub watts: f64,
    /// Its phase, 0 to 2; `None` for all three.
    pub phase: Option<usize>,
    /// For how many seconds it is on, and off, from and to.
    pub on_for: (f64, f64),
    pub off_for: (f64, f64),
    pub on: bool,
    pub until: f64,
}

impl Load {
    pub(crate) fn always(watts: f64, phase: Option<usize>) -> Self {
        Self { watts, phase, on_for: (1e9, 1e9), off_for: (1e9, 1e9), on: true, until: 1e9 }
    }

    pub(crate) fn step(&mut self, t: f64, chance: &mut Chance) {
        if t >= self.until {
            self.on = !self.on;
            let (low, high) = if self.on { self.on_for } else { self.off_for };
            self.until = t + chance.between(low, high);
        }
    }

    /// What it takes on each phase.
    pub(crate) fn phases(&self) -> [f64; 3] {
        if self.on { on_phases(self.watts, self.phase) } else { [0.0; 3] }
    }
}

/// `watts` on one phase, or a third of them on each.
pub(crate) fn on_phases(watts: f64, phase: Option<usize>) -> [f64; 3] {
    match phase {
        Some(phase) => std::array::from_fn(|number| if number == phase { watts } else { 0.0 }),
        None => [watts / 3.0; 3],
    }
}

/// The PV under its clouds, cut by its inverter at the feed-in cap.
#[derive(Clone, Debug)]
pub(crate) struct Sky {
    /// What it makes without clouds, in W; zero at night.
    pub clear: f64,
    /// What a cloud leaves, from and to.
    pub shade: (f64, f64),
    /// For how many seconds cloud and sun last.
    pub lasts: (f64, f64),
    /// The inverter cuts the export here, in W.
    pub cap: f64,
    light: f64,
    aim: f64,
    until: f64,
    throttled: f64,
}

/// How fast a cloud's edge passes, as a share a second.
const EDGE: f64 = 0.08;
/// How fast an inverter gives more after it has cut, in W a second.
const RECOVERY: f64 = 300.0;

impl Sky {
    pub(crate) fn new(clear: f64, cap: f64) -> Self {
        Self { clear, shade: (0.2, 0.6), lasts: (1e9, 1e9), cap, light: 1.0, aim: 1.0, until: 1e9, throttled: f64::MAX }
    }

    /// Clouds that last so many seconds, from and to.
    pub(crate) fn cloudy(mut self, lasts: (f64, f64)) -> Self {
        (self.lasts, self.until) = (lasts, 0.0);
        self
    }

    /// What PV makes while the house and the battery take `taken`.
    pub(crate) fn step(&mut self, (t, dt): (f64, f64), taken: f64, chance: &mut Chance) -> f64 {
        if t >= self.until {
            self.aim = if self.aim < 1.0 { 1.0 } else { chance.between(self.shade.0, self.shade.1) };
            self.until = t + chance.between(self.lasts.0, self.lasts.1);
        }
        self.light += (self.aim - self.light).clamp(-EDGE * dt, EDGE * dt);
        let possible = self.clear * self.light;
        self.throttled = (self.throttled + RECOVERY * dt).min((taken + self.cap).max(0.0));
        possible.min(self.throttled)
    }
}
