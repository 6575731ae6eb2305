//! A budget in watts as the share of time in which the engine computes: duty cycling, as a dimmer does it with light.
//!
//! The *budget* is the power that the machine may draw on average. *Idle* and *max* are what it draws while the engine
//! does nothing and while it computes all the time. The *duty* is the share of time in which it may compute: a step
//! computes one batch, and a *pause* follows. Mean power between idle and full load is close to linear in that share
//! (measured with a sleep after each step), so
//!
//! ```text
//! mean power = idle + duty * (max - idle)        duty  = (budget - idle) / (max - idle)
//!                                                pause = busy * (1 / duty - 1)
//! ```
//!
//! Example: a machine of 20 W idle and 120 W at full load gets a budget of 45 W. The duty is (45 - 20) / (120 - 20) =
//! 0.25: a pause of 30 ms follows a step of 10 ms, and a quarter of the time at 120 W with the rest at 20 W makes 45 W.
//! A budget of 15 W is less than idle, and the engine is off; so it is at 20.5 W, whose duty of 0.005 is below the
//! smallest.
//!
//! This stays an estimate: the gateway books and follows the surplus by what a meter at the plug shows. Pure: time
//! comes in as durations, and the thread that computes keeps the pause.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Below this share of the time the engine does not compute at all. Chosen: at 0.01 a token that takes 50 ms is
/// followed by a pause of 5 s; a stream that is slower looks dead, and it is better to say that there is no power.
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
    /// A small desktop machine, 10 W to 100 W, until the owner states what theirs draws.
    fn default() -> Self {
        Self { idle: 10.0, max: 100.0 }
    }
}

impl PowerModel {
    /// The share of time to compute in, 0 to 1, so that the mean power stays within `budget` (W). `None` is no limit;
    /// what is no number, or below the idle power, is off.
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

    /// The mean power (W) at a share of time spent computing, which is held to 0 to 1.
    pub fn watts(&self, utilisation: f64) -> f64 {
        self.idle + utilisation.clamp(0.0, 1.0) * (self.max - self.idle)
    }
}

/// The pause after `busy` time of computing which makes that the share `duty` of the time; 99 times as long at most.
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
