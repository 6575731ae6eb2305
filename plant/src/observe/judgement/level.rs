//! Levels: what cannot be below zero.
//!
//! The house takes power, it makes none: `grid + pv + battery - heat pump - wallbox - compute` is never below zero for long. A house
//! at -1700 W lacks a source that nobody configured, or a meter counts the wrong way.
//!
//! Meters that are read at different moments show such a sum for as long as one of them is late: a cloud takes 3 kW from PV, and a
//! grid meter that is a minute late still shows the feed-in. So the sum has to stay below zero for minutes. At night there is nothing
//! to wait for: feed-in is impossible as soon as every source has been at rest for longer than a meter is late. Where the site
//! has no source at all, it is impossible at once.
//!
//! Example: night, PV 0 W, battery at rest, compute off, grid -479 W: impossible after 20 s.

use crate::observe::judgement::look::Look;
use crate::time::Moment;
use std::time::Duration;

/// Below zero by less than this, in W, is what meters disagree by.
const MARGIN: f64 = 150.0;
/// The same as a share of the powers they show: two meters of class 2 (2 %), and an inverter's own estimate.
const MARGIN_SHARE: f64 = 0.05;
/// A source that delivers less than this, in W, is at rest.
const RESTING: f64 = 50.0;
/// How long the sum has to stay below zero while sources are awake: twice the latest meter and its filter.
const AWAKE: Duration = Duration::from_secs(150);
/// How long sources have to be at rest until nothing that they delivered is still shown: the latest usual meter.
const ASLEEP: Duration = Duration::from_secs(40);
/// How long feed-in has to show then.
const SHOWN: Duration = Duration::from_secs(20);
/// Time in which a wrong reading passes, where no source exists.
const GLITCH: Duration = Duration::from_secs(2);
/// How long the sum has to be possible until nothing is held against it: a house that swings around zero is not sound.
const FINE: Duration = Duration::from_secs(300);
/// How long a sum below zero makes doubt: until compute, lowered to its least power, has brought an answer.
const DOUBT: Duration = Duration::from_secs(45);
/// Time constant of the filter, in s.
const FILTER: f64 = 10.0;

/// What cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Impossible {
    /// Feed-in, though no source delivers.
    FeedIn,
    /// Power into the battery, though neither a source nor the grid delivers.
    Charge,
    /// The house takes less than nothing, while sources deliver.
    House,
}

/// The level of the house's consumption.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    last: Option<Moment>,
    /// The filtered consumption, in W.
    pub house: f64,
    below: Option<Moment>,
    /// When the sum was below zero last, beside a feed-in.
    doubted: Option<Moment>,
    fine: Option<Moment>,
    resting: Option<Moment>,
    /// What is impossible, as long as nothing says otherwise.
    pub impossible: Option<Impossible>,
}

impl Level {
    /// Takes `look` in; `sources` says whether the site has any.
    pub(super) fn observe(&mut self, look: &Look, sources: bool) {
        let now = look.at;
        let Some(house) = look.house() else {
            *self = Self { impossible: self.impossible, ..Self::default() };
            return;
        };
        let span = self.last.map_or(f64::MAX, |last| now.since(last).as_secs_f64());
        self.last = Some(now);
        self.house += (house - self.house) * (span / (span + FILTER)).min(1.0);
        let pv = look.pv.unwrap_or(0.0);
        let margin = MARGIN + MARGIN_SHARE * (look.grid.abs() + look.battery.abs() + pv);
        let is_below = self.house < -margin && house < -margin;
        if is_below && look.grid < -margin {
            self.doubted = Some(now);
        } else if self.doubted.is_some_and(|doubted| now.since(doubted) > DOUBT) {
            self.doubted = None;
        }
        since(&mut self.below, is_below, now);
        since(&mut self.fine, self.house > -margin / 2.0, now);
        since(&mut self.resting, pv < RESTING && look.battery < RESTING, now);
        let lasting = |from: Option<Moment>, least: Duration| from.is_some_and(|from| now.since(from) >= least);
        let asleep = lasting(self.resting, ASLEEP) && lasting(self.below, SHOWN);
        let found = match () {
            () if !sources && lasting(self.below, GLITCH) => Some(Impossible::FeedIn),
            () if asleep && look.grid < -margin => Some(Impossible::FeedIn),
            () if asleep && look.battery < -margin => Some(Impossible::Charge),
            () if lasting(self.below, AWAKE) => Some(Impossible::House),
            () => None,
        };
        if found.is_some() {
            self.impossible = found;
        } else if lasting(self.fine, FINE) {
            self.impossible = None;
        }
    }

    /// Whether nobody knows the sum: PV is not read, or silent by day.
    pub(super) fn unknown(&self) -> bool {
        self.last.is_none()
    }

    /// Whether the feed-in is doubtful: the sum was below zero just now, for however short a time.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubted.is_some() || matches!(self.impossible, Some(Impossible::FeedIn | Impossible::House))
    }
}

fn since(from: &mut Option<Moment>, holds: bool, now: Moment) {
    *from = holds.then(|| from.unwrap_or(now));
}
