//! What a person or an automation may ask for.

use crate::error::UnknownWord;
use crate::time::Timestamp;
use crate::units::Watts;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The longest boost; also what ends one when the clock was wrong as it began.
pub const BOOST_MAX: Duration = Duration::from_secs(24 * 3600);
/// More than a house draws: no limit lies above it.
pub const HOUSE_MAX: Watts = Watts(100_000.0);

/// How compute is to run, until another mode is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Never compute.
    Off,
    /// Compute whenever a kilowatt-hour of it is worth more than it costs.
    #[default]
    Auto,
    /// Only on PV surplus.
    Surplus,
    /// Follow the heat demand.
    Heat,
    /// Full power until the boost ends.
    Boost,
    /// Only where the net value is positive and the grid is clean.
    Eco,
}

impl Mode {
    /// Every mode, in the order a person reads them.
    pub const ALL: [Mode; 6] = [Mode::Off, Mode::Auto, Mode::Surplus, Mode::Heat, Mode::Boost, Mode::Eco];

    /// The word used in topics, JSON and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Auto => "auto",
            Mode::Surplus => "surplus",
            Mode::Heat => "heat",
            Mode::Boost => "boost",
            Mode::Eco => "eco",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Mode::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| UnknownWord::Mode(text.to_owned()))
    }
}

/// Who set the mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A person, or an automation of theirs.
    #[default]
    Person,
    /// A schedule.
    Schedule,
}

/// The commands in force: what the owner and the grid operator last commanded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InForce {
    /// The mode that was set last.
    pub mode: Mode,
    /// The mode to return to, and when, while a boost runs.
    pub boost: Option<(Mode, Timestamp)>,
    /// The owner's cap on compute power.
    pub power_limit: Watts,
    /// The grid operator's limit, while it dims.
    pub grid_dimming: Option<Watts>,
    /// Who set the mode; while a boost runs, the mode to return to.
    #[serde(default)]
    pub set_by: Origin,
}

impl InForce {
    /// The same with the mode `off`, which no schedule ends: nothing is switched on.
    pub fn off(self) -> Self {
        Self { mode: Mode::Off, boost: None, set_by: Origin::Person, ..self }
    }

    /// Those of a house in which nobody has commanded anything; its compute draws `power_max` at most.
    pub fn new(power_max: Watts) -> Self {
        Self { mode: Mode::Auto, boost: None, power_limit: power_max, grid_dimming: None, set_by: Origin::Person }
    }
}

/// What a schedule asks for.
///
/// Example: at 21:59 a person boosts for an hour, and a schedule says `eco` at 22:00. The boost runs until 22:59, then the mode is
/// `eco`. Where the person had said `off`, it stays `off`, unless the schedule overrides that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// The mode; `Mode::Boost` for as long as `boost`.
    pub mode: Mode,
    /// How long a boost lasts; one that runs is not shortened.
    #[serde(default)]
    pub boost: Duration,
    /// Whether it also ends a boost, and an `off` that a person set.
    #[serde(default)]
    pub overrides: bool,
}

/// A command from a person or an automation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command", content = "value")]
pub enum Command {
    /// Stay in this mode. `Mode::Boost` boosts for the site's default time and then returns to the mode before it.
    SetMode(Mode),
    /// A schedule asks for a mode or a boost: a boost that runs and a person's `off` come first, unless it overrides them.
    Scheduled(Scheduled),
    /// Never draw more compute power than this.
    SetPowerLimit(Watts),
    /// Full power for this long, then return to the mode before it. Zero ends a running boost.
    Boost(Duration),
    /// The grid operator dims controllable loads to this power, or lifts the dimming (German EnWG section 14a).
    GridDimming(Option<Watts>),
}
