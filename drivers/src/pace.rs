//! House time to wall time: in a simulated house an hour may pass in a minute, and devices are then read as often by
//! the house's clock as in a real one.

use std::time::Duration;

/// How many seconds of house time pass in one of wall time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// 1 for a real house.
    pub speed: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { speed: 1.0 }
    }
}

impl Pace {
    /// The shortest wait: real wires carry no more than twenty rounds a second.
    pub const SHORTEST: Duration = Duration::from_millis(50);

    /// The wall time in which `house` time passes; never under 50 ms.
    pub fn real(self, house: Duration) -> Duration {
        Duration::try_from_secs_f64(house.as_secs_f64() / self.factor()).unwrap_or(Duration::MAX).max(Self::SHORTEST)
    }

    /// The house time that passes in `wall`.
    pub fn house(self, wall: Duration) -> Duration {
        Duration::try_from_secs_f64(wall.as_secs_f64() * self.factor()).unwrap_or(Duration::MAX)
    }

    fn factor(self) -> f64 {
        if self.speed.is_finite() && self.speed > 0.0 { self.speed } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_the_house_is_a_minute_at_sixty_times_the_speed() {
        let pace = Pace { speed: 60.0 };
        assert_eq!(pace.real(Duration::from_secs(3600)), Duration::from_secs(60));
        assert_eq!(pace.real(Duration::from_secs(1)), Pace::SHORTEST);
        assert_eq!(Pace { speed: 0.0 }.real(Duration::from_secs(2)), Duration::from_secs(2));
    }
}
