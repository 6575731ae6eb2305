//! The commands in force: what the owner and the grid operator last commanded, until they command something else.
//!
//! Terms: the *standing* mode is the one without the boost: it was set last, and a boost returns to it.
//!
//! Invariant: a boost lasts on the steady clock. Its end on the wall's clock, for people and for a restart, moves with that clock.

use crate::command::{BOOST_MAX, Command, InForce, Mode, Origin, Scheduled};
use crate::site::Site;
use crate::time::{Moment, Timestamp, elapsed};
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
    /// Who set the standing mode.
    pub set_by: Origin,
    /// When the boost ends; `None` until the first cycle after a restart.
    ends: Option<Moment>,
}

impl Commands {
    /// The commands that a restart found, within what `site` allows.
    pub(crate) fn new(site: &Site, found: Option<InForce>) -> Self {
        let InForce { mode, boost, power_limit, grid_dimming, set_by } =
            found.unwrap_or_else(|| InForce::new(site.compute.max));
        Self {
            mode: if mode == Mode::Boost && boost.is_none() { Mode::Auto } else { mode },
            boost,
            power_limit: power_limit.between(Watts::ZERO, site.compute.max),
            grid_dimming,
            set_by,
            ends: None,
        }
    }

    /// What a restart has to find.
    pub(crate) fn in_force(&self) -> InForce {
        let Self { mode, boost, power_limit, grid_dimming, set_by, .. } = *self;
        InForce { mode, boost, power_limit, grid_dimming, set_by }
    }

    /// Takes a command at `now`, as the wall and the steady clock have it; a number that is none changes nothing.
    pub(crate) fn take(&mut self, command: Command, site: &Site, now: Timestamp, moment: Moment) {
        self.pass(now, moment);
        match command {
            Command::SetMode(Mode::Boost) => self.boost(site.compute.boost, now, moment),
            Command::SetMode(mode) => self.set(mode, Origin::Person),
            Command::Boost(Duration::ZERO) => self.end_boost(),
            Command::Boost(time) => self.boost(time, now, moment),
            Command::Scheduled(scheduled) => self.scheduled(scheduled, now, moment),
            Command::SetPowerLimit(limit) if limit.0.is_finite() => {
                self.power_limit = limit.between(Watts::ZERO, site.compute.max);
            }
            Command::GridDimming(None) => self.grid_dimming = None,
            Command::GridDimming(Some(limit)) if limit.0.is_finite() => self.grid_dimming = Some(limit.positive()),
            Command::SetPowerLimit(_) | Command::GridDimming(Some(_)) => {}
        }
    }

    /// Ends a boost whose time has come, and moves the end of another with the clock on the wall.
    pub(crate) fn pass(&mut self, now: Timestamp, moment: Moment) {
        let Some((_, until)) = &mut self.boost else { return };
        let ends = *self.ends.get_or_insert(moment.after(elapsed(now, *until)));
        let left = ends.since(moment);
        *until = now + span(left);
        if left.is_zero() || left > BOOST_MAX {
            self.end_boost();
        }
    }

    /// The mode that was set last, whatever boost runs.
    fn standing(&self) -> Mode {
        self.boost.map_or(self.mode, |(former, _)| former)
    }

    fn set(&mut self, mode: Mode, set_by: Origin) {
        (self.mode, self.boost, self.set_by) = (mode, None, set_by);
    }

    /// A schedule yields to a boost, and to the `off` of a person, unless it overrides them.
    fn scheduled(&mut self, scheduled: Scheduled, now: Timestamp, moment: Moment) {
        let Scheduled { mode, boost, overrides } = scheduled;
        if self.standing() == Mode::Off && self.set_by == Origin::Person && !overrides {
            return;
        }
        match (mode, &mut self.boost) {
            (Mode::Boost, None) => self.boost(boost, now, moment),
            (Mode::Boost, Some(_)) => {
                let left = self.ends.map_or(Duration::ZERO, |ends| ends.since(moment));
                self.boost(boost.max(left), now, moment);
            }
            (mode, Some((former, _))) if !overrides => (*former, self.set_by) = (mode, Origin::Schedule),
            (mode, _) => self.set(mode, Origin::Schedule),
        }
    }

    fn boost(&mut self, time: Duration, now: Timestamp, moment: Moment) {
        let time = time.min(BOOST_MAX);
        self.boost = Some((self.standing(), now + span(time)));
        self.ends = Some(moment.after(time));
        self.mode = Mode::Boost;
    }

    fn end_boost(&mut self) {
        if let Some((former, _)) = self.boost.take() {
            self.mode = former;
        }
    }
}

fn span(time: Duration) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(time).unwrap_or_default()
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

    const MINUTE: Duration = Duration::from_secs(60);

    /// Commands of a house whose two clocks go alike, and the moment of each.
    struct Desk {
        commands: Commands,
        moment: Moment,
        now: Timestamp,
    }

    impl Desk {
        fn new(now: &str) -> Self {
            Self { commands: Commands::new(&site(), None), moment: Moment::default(), now: at(now) }
        }

        fn take(&mut self, command: Command) {
            self.commands.take(command, &site(), self.now, self.moment);
        }

        fn mode_after(&mut self, minutes: u32) -> Mode {
            (self.moment, self.now) = (self.moment.after(MINUTE * minutes), self.now + MINUTE * minutes);
            self.commands.pass(self.now, self.moment);
            self.commands.mode
        }
    }

    fn scheduled(mode: Mode, overrides: bool) -> Command {
        Command::Scheduled(Scheduled { mode, boost: Duration::ZERO, overrides })
    }

    #[test]
    fn a_boost_returns_to_the_mode_before_it() {
        let mut desk = Desk::new("2026-05-01T10:00:00Z");
        desk.take(Command::SetMode(Mode::Eco));
        desk.take(Command::Boost(10 * MINUTE));
        desk.take(Command::Boost(20 * MINUTE));
        assert_eq!(desk.mode_after(19), Mode::Boost);
        assert_eq!((desk.mode_after(1), desk.commands.boost), (Mode::Eco, None));
        desk.take(Command::SetMode(Mode::Boost));
        assert_eq!(desk.commands.boost, Some((Mode::Eco, at("2026-05-01T11:20:00Z"))));
        desk.take(Command::Boost(Duration::ZERO));
        assert_eq!(desk.commands.mode, Mode::Eco);
    }

    #[test]
    fn a_boost_lasts_as_long_as_it_was_given_whatever_the_clock_is_set_to() {
        for set_to in ["2016-05-01T10:00:00Z", "2026-05-01T09:55:00Z", "2026-06-10T10:00:00Z", "2036-05-01T10:00:00Z"] {
            let mut desk = Desk::new("2026-05-01T10:00:00Z");
            desk.take(Command::Boost(10 * MINUTE));
            desk.now = at(set_to);
            assert_eq!(desk.mode_after(9), Mode::Boost, "{set_to}");
            assert_eq!(desk.commands.boost, Some((Mode::Auto, at(set_to) + 10 * MINUTE)));
            assert_eq!(desk.mode_after(1), Mode::Auto, "{set_to}");
        }
    }

    #[test]
    fn a_restart_finds_what_is_left_of_a_boost_and_no_more_than_there_can_be() {
        for (until, expected) in [
            ("2026-05-01T10:10:00Z", Mode::Boost),
            ("2026-05-01T10:00:00Z", Mode::Eco),
            ("2026-05-03T10:00:00Z", Mode::Eco),
        ] {
            let mut desk = Desk::new("2026-05-01T10:00:00Z");
            let boost = Some((Mode::Eco, at(until)));
            let found = InForce { mode: Mode::Boost, boost, ..InForce::new(site().compute.max) };
            desk.commands = Commands::new(&site(), Some(found));
            assert_eq!(desk.mode_after(0), expected, "{until}");
            assert_eq!(desk.mode_after(10), Mode::Eco, "{until}");
        }
    }

    #[test]
    fn a_schedule_does_not_end_a_persons_boost_which_then_returns_to_what_the_schedule_says() {
        let mut desk = Desk::new("2026-05-01T19:59:00Z");
        desk.take(Command::Boost(60 * MINUTE));
        assert_eq!(desk.mode_after(1), Mode::Boost);
        desk.take(scheduled(Mode::Eco, false));
        assert_eq!(desk.mode_after(58), Mode::Boost);
        assert_eq!(desk.mode_after(1), Mode::Eco);
        // One that overrides ends it.
        desk.take(Command::Boost(60 * MINUTE));
        desk.take(scheduled(Mode::Auto, true));
        assert_eq!((desk.commands.mode, desk.commands.boost), (Mode::Auto, None));
    }

    #[test]
    fn a_schedule_ends_its_own_off_and_a_persons_only_where_it_overrides() {
        let boost = Command::Scheduled(Scheduled { mode: Mode::Boost, boost: 10 * MINUTE, overrides: false });
        let overriding = Command::Scheduled(Scheduled { mode: Mode::Boost, boost: 10 * MINUTE, overrides: true });
        let rows: [(&[Command], Mode); 9] = [
            (&[Command::SetMode(Mode::Off), scheduled(Mode::Auto, false)], Mode::Off),
            (&[Command::SetMode(Mode::Off), scheduled(Mode::Off, false), scheduled(Mode::Auto, false)], Mode::Off),
            (&[Command::SetMode(Mode::Off), boost], Mode::Off),
            (&[Command::SetMode(Mode::Off), scheduled(Mode::Auto, true)], Mode::Auto),
            (&[Command::SetMode(Mode::Off), overriding], Mode::Boost),
            (&[scheduled(Mode::Off, false), scheduled(Mode::Auto, false)], Mode::Auto),
            (&[scheduled(Mode::Off, false), boost], Mode::Boost),
            (&[scheduled(Mode::Off, false), Command::SetMode(Mode::Off), scheduled(Mode::Eco, false)], Mode::Off),
            (&[Command::SetMode(Mode::Surplus), scheduled(Mode::Eco, false)], Mode::Eco),
        ];
        for (commands, expected) in rows {
            let mut desk = Desk::new("2026-05-01T19:59:00Z");
            commands.iter().for_each(|command| desk.take(*command));
            assert_eq!(desk.commands.mode, expected, "{commands:?}");
        }
        // After a boost given in it, a person's off is there again.
        let mut desk = Desk::new("2026-05-01T19:59:00Z");
        desk.take(Command::SetMode(Mode::Off));
        desk.take(Command::Boost(5 * MINUTE));
        desk.take(scheduled(Mode::Auto, false));
        assert_eq!(desk.mode_after(5), Mode::Off);
    }

    #[test]
    fn a_scheduled_boost_does_not_shorten_one_that_runs() {
        for (given, scheduled, expected) in [(30, 10, 30), (10, 30, 30)] {
            let mut desk = Desk::new("2026-05-01T19:59:00Z");
            desk.take(Command::Boost(given * MINUTE));
            let boost = scheduled * MINUTE;
            desk.take(Command::Scheduled(Scheduled { mode: Mode::Boost, boost, overrides: false }));
            assert_eq!((desk.mode_after(expected - 1), desk.mode_after(1)), (Mode::Boost, Mode::Auto));
        }
    }

    #[test]
    fn a_boost_that_cannot_be_is_over_before_the_first_command() {
        let mut desk = Desk::new("2026-05-01T10:00:00Z");
        let found = InForce {
            mode: Mode::Boost,
            boost: Some((Mode::Eco, at("2036-05-01T10:00:00Z"))),
            ..InForce::new(site().compute.max)
        };
        desk.commands = Commands::new(&site(), Some(found));
        desk.take(Command::Scheduled(Scheduled { mode: Mode::Boost, boost: 10 * MINUTE, overrides: false }));
        assert_eq!((desk.mode_after(9), desk.mode_after(1)), (Mode::Boost, Mode::Eco));
    }

    #[test]
    fn impossible_numbers_are_held_in_range() {
        let mut desk = Desk::new("2026-05-01T10:00:00Z");
        let rows = [(5e9, 1000.0), (-3.0, 0.0), (400.0, 400.0), (f64::NAN, 400.0), (f64::INFINITY, 400.0)];
        for (asked, expected) in rows {
            desk.take(Command::SetPowerLimit(Watts(asked)));
            assert_eq!(desk.commands.power_limit, Watts(expected), "{asked}");
        }
    }
}
