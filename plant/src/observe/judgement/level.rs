//! Levels: what cannot be below zero.
//!
//! The house takes power, it makes none: `grid + pv + battery - heat pump - wallbox - compute` is never below zero. A house at
//! -1700 W lacks a source that nobody configured, or a meter counts the wrong way.
//!
//! Meters show the same moment at different times: a cloud takes 3 kW from PV, and a grid meter that is a minute late still shows the
//! feed-in. So the sum is taken at its *highest*: of each meter the most it has shown within a minute and its pause between two
//! readings, of consumers the least. Only where even that is below zero, no lateness explains it.
//!
//! Feed-in while every source sleeps needs no pairing of meters. It counts after three readings within 20 s or more, where the
//! sources have been at rest for longer than a meter is late.
//!
//! Example: a clear day, PV 1500 W, grid -3600 W, a kettle of 2000 W until 10:00:00. From 10:01:20 on the highest sum is -2100 W.
//! Night, PV 0 W, battery at rest, grid -479 W: impossible after 20 s.

use crate::observe::judgement::look::Look;
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// Below zero by less than this, in W, is what meters disagree by.
const MARGIN: f64 = 150.0;
/// The same as a share of the powers they show: two meters of class 2 (2 %), and an inverter's own estimate.
const MARGIN_SHARE: f64 = 0.05;
/// A source that delivers less than this, in W, is at rest.
const RESTING: f64 = 50.0;
/// How much later than another a meter may show the same moment: a minute, as cloud portals do, and some seconds on the way.
const LATE: Duration = Duration::from_secs(75);
/// How long feed-in has to show while every source sleeps: longer than a battery that overshoots.
const SHOWN: Duration = Duration::from_secs(20);
/// Readings of the grid meter within that time.
const READINGS: usize = 3;
/// How long the sum has to be possible until nothing is held against it.
const FINE: Duration = Duration::from_secs(300);
/// After a pause like this nothing is known of what was between.
const GAP: Duration = Duration::from_secs(30);
/// The longest time that is looked back: the latest meter, read every two minutes.
const MEMORY: Duration = Duration::from_secs(200);

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
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    looks: VecDeque<Look>,
    /// When a source delivered last.
    awake: Option<Moment>,
    /// What is impossible, and when it was last.
    found: Option<(Impossible, Moment)>,
    /// The consumption when that was, in W.
    pub house: f64,
}

/// The highest that was shown within some time, in W; of consumers the least.
struct Highest {
    grid: f64,
    battery: f64,
    pv: f64,
    taken: f64,
}

impl Level {
    /// Takes `look` in; the meters are read at least every `pace.0`, that of the grid every `pace.1`.
    pub(super) fn observe(&mut self, look: &Look, pace: (Duration, Duration)) {
        let now = look.at;
        if self.looks.back().is_some_and(|last| now.since(last.at) > GAP) || look.pv.is_none() {
            self.looks.clear();
        }
        let Some(pv) = look.pv else { return };
        self.looks.push_back(*look);
        while self.looks.front().is_some_and(|first| now.since(first.at) > MEMORY) {
            self.looks.pop_front();
        }
        if pv > RESTING || look.battery > RESTING || look.feeding {
            self.awake = Some(now);
        }
        match self.impossible_now(look, pace) {
            Some((impossible, house)) => (self.found, self.house) = (Some((impossible, now)), house),
            None if self.found.is_some_and(|(_, last)| now.since(last) >= FINE) => self.found = None,
            None => {}
        }
    }

    /// What was impossible has a cause that is known.
    pub(super) fn forget(&mut self) {
        self.found = None;
    }

    /// What is impossible, or was within the last minutes.
    pub(super) fn impossible(&self) -> Option<Impossible> {
        self.found.map(|(impossible, _)| impossible)
    }

    /// Whether nobody knows the sum: PV is silent by day, or was never heard.
    pub(super) fn unknown(&self) -> bool {
        self.looks.is_empty()
    }

    fn impossible_now(&self, look: &Look, (pace, grid_pace): (Duration, Duration)) -> Option<(Impossible, f64)> {
        let now = look.at;
        let margin = MARGIN + MARGIN_SHARE * (look.grid.abs() + look.battery.abs() + look.pv.unwrap_or(0.0));
        let asleep = self.awake.is_none_or(|awake| now.since(awake) >= LATE + pace);
        let fed_in = self.highest(now, SHOWN + grid_pace).filter(|highest| highest.grid < -margin);
        if asleep
            && let Some(highest) = fed_in
            && self.readings(now, SHOWN + grid_pace) >= READINGS
        {
            return Some((Impossible::FeedIn, highest.house()));
        }
        let highest = self.highest(now, LATE + pace).filter(|highest| highest.house() < -margin)?;
        let charging = highest.pv < RESTING && highest.grid < margin && highest.battery < -margin;
        Some((if charging { Impossible::Charge } else { Impossible::House }, highest.house()))
    }

    /// The highest within `span`; `None` where that was not seen whole.
    fn highest(&self, now: Moment, span: Duration) -> Option<Highest> {
        let from = now.before(span);
        self.looks.front().filter(|first| first.at <= from)?;
        let start = Highest { grid: f64::MIN, battery: f64::MIN, pv: f64::MIN, taken: f64::MAX };
        Some(self.looks.iter().filter(|look| look.at >= from).fold(start, |highest, look| Highest {
            grid: highest.grid.max(look.grid),
            battery: highest.battery.max(look.battery),
            pv: highest.pv.max(look.pv.unwrap_or(0.0)),
            taken: highest.taken.min(look.consumers + look.compute.least.0),
        }))
    }

    /// How often the grid meter was read within `span`.
    fn readings(&self, now: Moment, span: Duration) -> usize {
        let from = now.before(span);
        let mut read: Vec<Moment> = self.looks.iter().map(|look| look.read).filter(|read| *read >= from).collect();
        read.dedup();
        read.len()
    }
}

impl Highest {
    fn house(&self) -> f64 {
        self.grid + self.battery + self.pv - self.taken
    }
}
