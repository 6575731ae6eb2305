//! The meter of the compute box against its budget.
//!
//! Example: the plug has shown 903.2 W since the budget was 900 W. The budget has been 0 W for a minute and a half, and the plug shows
//! 903.2 W still: the plug is stuck, or the box does not obey.

use crate::time::Moment;
use crate::units::Watts;
use std::time::Duration;

/// How long a plug may repeat a value that its box may no longer draw, beside the box's time to stop: it shows a minute late.
const PATIENCE: Duration = Duration::from_secs(90);
/// Readings of the same value that are more than chance.
const READINGS: u32 = 4;
/// A box that draws more than its budget by less than this, in W, or by less than a fifth, is inexact.
const INEXACT: f64 = 100.0;
const INEXACT_SHARE: f64 = 0.2;

/// What the plug has shown since it last changed, or last showed what may be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plug {
    seen: Option<(f64, Moment, Moment, u32)>,
}

impl Plug {
    /// Takes in that the plug showed `power` at `read` while `budget` was in force, which the box obeys within some time; since when
    /// it has shown the same.
    pub(super) fn observe(
        &mut self,
        now: Moment,
        (power, read): (f64, Moment),
        (budget, obeys): (Watts, Duration),
    ) -> Option<Moment> {
        if power <= budget.0 + INEXACT.max(INEXACT_SHARE * power) {
            self.seen = None;
            return None;
        }
        let (since, readings) = match self.seen {
            Some((value, since, last, readings)) if value.to_bits() == power.to_bits() => {
                (since, readings + u32::from(read > last))
            }
            Some(_) | None => (now, 1),
        };
        self.seen = Some((power, since, read, readings));
        (now.since(since) >= PATIENCE + obeys && readings >= READINGS).then_some(since)
    }
}
