//! A budget in watts as the share of time in which the engine computes.
//!
//! The power of a machine between idle and full load is close to linear in the share of time it computes (a sleep after
//! each step, measured), so the model is `power = idle + duty * (max - idle)`. It stays an estimate: what a meter at the
//! plug shows is what the gateway books, and follows the surplus by.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Below this share of the time the engine does not compute at all.
const SMALLEST_DUTY: f64 = 0.01;

/// What the machine draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerModel {
    /// Watts while the engine does nothing.
    pub idle: f64,
    /// Watts while it computes all the time.
    pub max: f64,
}

impl Default for PowerModel {
    fn default() -> Self {
        Self { idle: 10.0, max: 100.0 }
    }
}

impl PowerModel {
    /// The share of time to compute in, so that the mean power stays within `budget`; no budget is no limit.
    pub fn duty(&self, budget: Option<f64>) -> f64 {
        let Some(budget) = budget else { return 1.0 };
        if budget.is_nan() || budget <= 0.0 {
            return 0.0;
        }
        let span = self.max - self.idle;
        if span <= 0.0 {
            return if budget >= self.max { 1.0 } else { 0.0 };
        }
        let duty = ((budget - self.idle) / span).clamp(0.0, 1.0);
        if duty < SMALLEST_DUTY { 0.0 } else { duty }
    }

    /// Watts at a share of time spent computing.
    pub fn watts(&self, utilisation: f64) -> f64 {
        self.idle + utilisation.clamp(0.0, 1.0) * (self.max - self.idle)
    }
}

/// The pause after `busy` time of computing that makes it the share `duty` of the time.
pub fn pause_after(busy: Duration, duty: f64) -> Duration {
    if duty >= 1.0 { Duration::ZERO } else { busy.mul_f64(1.0 / duty.max(SMALLEST_DUTY) - 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duty_of_a_budget() {
        let power = PowerModel { idle: 20.0, max: 120.0 };
        let rows = [
            (None, 1.0),
            (Some(0.0), 0.0),
            (Some(f64::NAN), 0.0),
            (Some(-5.0), 0.0),
            (Some(15.0), 0.0),
            (Some(45.0), 0.25),
            (Some(120.0), 1.0),
            (Some(900.0), 1.0),
        ];
        for (budget, duty) in rows {
            assert_eq!(power.duty(budget), duty, "{budget:?}");
        }
        assert_eq!(power.watts(0.25), 45.0);
    }

    #[test]
    fn the_pause_makes_the_duty() {
        assert_eq!(pause_after(Duration::from_millis(10), 0.25), Duration::from_millis(30));
        assert_eq!(pause_after(Duration::from_millis(10), 1.0), Duration::ZERO);
    }
}
