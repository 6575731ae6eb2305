//! The one reader of the machine's clock. House time may run faster than the wall's: a demo shows a day in minutes.
//!
//! Speed 60: a wall second is a minute of the house, so a wake-up due in 30 s of the house is half a wall second away.
//!
//! What lasts is counted on tokio's clock, as all waiting in the gateway is: a test that pauses it moves house time and
//! every timer together, and an hour passes as fast as it is computed.

use plant::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// House time. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    origin: Option<Arc<Origin>>,
}

#[derive(Debug)]
struct Origin {
    house: Timestamp,
    wall: Instant,
    speed: f64,
}

impl Clock {
    /// The machine's own clock, jumps included.
    pub fn real() -> Self {
        Self { origin: None }
    }

    /// A clock that shows `start` now and runs `speed` times as fast as the wall's.
    pub fn sped(start: Timestamp, speed: f64) -> Self {
        Self { origin: Some(Arc::new(Origin { house: start, wall: Instant::now(), speed })) }
    }

    /// The time in the house.
    pub fn now(&self) -> Timestamp {
        match &self.origin {
            None => wall_time(),
            Some(origin) => {
                let elapsed = origin.wall.elapsed().mul_f64(origin.speed);
                origin.house + chrono::Duration::from_std(elapsed).unwrap_or(chrono::Duration::MAX)
            }
        }
    }

    /// House seconds in a wall second.
    pub fn speed(&self) -> f64 {
        self.origin.as_ref().map_or(1.0, |origin| origin.speed)
    }

    /// How long the wall's clock takes until the house's shows `at`; zero where it has passed.
    pub fn wall_until(&self, at: Timestamp) -> Duration {
        plant::time::elapsed(self.now(), at).div_f64(self.speed())
    }
}

/// The wall's time, for what belongs to the machine and not to the house (file names, receipts of the worker).
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time of day")]
pub fn wall_time() -> Timestamp {
    chrono::Utc::now()
}
