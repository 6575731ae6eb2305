//! The commands in force: what the owner and the grid operator last commanded, until they command something else.

use crate::command::{BOOST_MAX, Command, InForce, Mode};
use crate::site::Site;
use crate::time::{Timestamp, elapsed};
use crate::units::Watts;
use std::time::Duration;

/// The commands in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Commands {
    /// The mode that was set last.
    pub mode: Mode,
    /// The mode to return to, and when, while a boost runs.
    pub boost: Option<(Mode, Timestamp)>,
    /// The owner's cap on compute power.
    pub power_limit: Watts,
    /// The grid operator's limit, while it dims.
    pub grid_dimming: Option<Watts>,
    /// The last moment that was seen.
    seen: Option<Timestamp>,
}

impl Commands {
    /// The commands that a restart found, within what `site` allows.
    pub(crate) fn new(site: &Site, found: Option<InForce>) -> Self {
        let InForce { mode, boost, power_limit, grid_dimming } =
            found.unwrap_or_else(|| InForce::new(site.compute.max));
        Self {
            mode: if mode == Mode::Boost && boost.is_none() { Mode::Auto } else { mode },
            boost,
            power_limit: power_limit.between(Watts::ZERO, site.compute.max),
            grid_dimming,
            seen: None,
        }
    }

    /// What a restart has to find.
    pub(crate) fn in_force(&self) -> InForce {
        let Self { mode, boost, power_limit, grid_dimming, .. } = *self;
        InForce { mode, boost, power_limit, grid_dimming }
    }

    /// Takes a command; a number that is none changes nothing.
    pub(crate) fn take(&mut self, command: Command, site: &Site, now: Timestamp) {
        match command {
            Command::SetMode(Mode::Boost) => self.boost(site.compute.boost, now),
            Command::SetMode(mode) => {
                self.boost = None;
                self.mode = mode;
            }
            Command::Boost(Duration::ZERO) => self.end_boost(),
            Command::Boost(time) => self.boost(time, now),
            Command::SetPowerLimit(limit) if limit.0.is_finite() => {
                self.power_limit = limit.between(Watts::ZERO, site.compute.max);
            }
            Command::GridDimming(None) => self.grid_dimming = None,
            Command::GridDimming(Some(limit)) if limit.0.is_finite() => self.grid_dimming = Some(limit.positive()),
            Command::SetPowerLimit(_) | Command::GridDimming(Some(_)) => {}
        }
    }

    /// Ends a boost whose time has come.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        // A clock that is set back takes the boost's end with it.
        if let (Some(seen), Some((_, until))) = (self.seen.replace(now), &mut self.boost)
            && now < seen
        {
            *until -= seen - now;
        }
        if let Some((_, until)) = self.boost
            && (until <= now || elapsed(now, until) > BOOST_MAX)
        {
            self.end_boost();
        }
    }

    fn boost(&mut self, time: Duration, now: Timestamp) {
        let former = self.boost.map_or(self.mode, |(former, _)| former);
        let time = chrono::TimeDelta::from_std(time.min(BOOST_MAX)).unwrap_or_default();
        self.boost = Some((former, now + time));
        self.mode = Mode::Boost;
    }

    fn end_boost(&mut self) {
        if let Some((former, _)) = self.boost.take() {
            self.mode = former;
        }
    }
}

/// The mode at `at`, where a boost returns to its former mode on the way.
pub(crate) fn mode_at(mode: Mode, boost: Option<(Mode, Timestamp)>, at: Timestamp) -> Mode {
    match boost {
        Some((former, until)) if until <= at => former,
        Some(_) | None => mode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::{at, site};

    #[test]
    fn a_boost_returns_to_the_mode_before_it() {
        let site = site();
        let start = at("2026-05-01T10:00:00Z");
        let mut commands = Commands::new(&site, None);
        commands.take(Command::SetMode(Mode::Eco), &site, start);
        commands.take(Command::Boost(Duration::from_secs(600)), &site, start);
        commands.take(Command::Boost(Duration::from_secs(1200)), &site, start);
        commands.pass(at("2026-05-01T10:19:59Z"));
        assert_eq!(commands.mode, Mode::Boost);
        commands.pass(at("2026-05-01T10:20:00Z"));
        assert_eq!((commands.mode, commands.boost), (Mode::Eco, None));
        commands.take(Command::SetMode(Mode::Boost), &site, start);
        assert_eq!(commands.boost, Some((Mode::Eco, at("2026-05-01T11:00:00Z"))));
        commands.take(Command::Boost(Duration::ZERO), &site, start);
        assert_eq!(commands.mode, Mode::Eco);
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_prolong_a_boost_for_ever() {
        let site = site();
        let mut commands = Commands::new(&site, None);
        commands.take(Command::Boost(Duration::from_secs(600)), &site, at("2036-05-01T10:00:00Z"));
        commands.pass(at("2026-05-01T10:00:00Z"));
        assert_eq!(commands.mode, Mode::Auto);
    }

    #[test]
    fn impossible_numbers_are_held_in_range() {
        let site = site();
        let mut commands = Commands::new(&site, None);
        let rows = [(5e9, 1000.0), (-3.0, 0.0), (400.0, 400.0), (f64::NAN, 400.0), (f64::INFINITY, 400.0)];
        for (asked, expected) in rows {
            commands.take(Command::SetPowerLimit(Watts(asked)), &site, at("2026-05-01T10:00:00Z"));
            assert_eq!(commands.power_limit, Watts(expected), "{asked}");
        }
    }
}
