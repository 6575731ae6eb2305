//! The probe for power that the feed-in cap holds back: at the cap the inverter throttles, and how much no meter shows. Compute takes
//! a little, and more while the export stays at the cap. A house that may give nothing at all has a cap of zero: its meter shows
//! nothing by day, whatever the sun could do.
//!
//! Terms: the *room* is what the meter shows beyond the cap, negative where less is exported, or where the house imports or takes from
//! the battery. The *level* is the power that the probe holds compute at; what dispatch wants beyond it stands.
//!
//! ```text
//!             at the cap for a while: the least power           room 0: one step more
//!   waiting -----------------------------------------> probing <----------------------+
//!           <-----------------------------------------         -----------------------+
//!             less than the least power would be left           room < 0: back by what is missing, then a pause
//! ```
//!
//! Example: nothing may be exported, the battery is full, 500 W go into the house and 4000 W would come from the roof; a box of 300 to
//! 5000 W. After 5 s it draws 300 W, 15 s later 800 W, and 500 W more every 9 s until it draws 3800 W and the meter shows 300 W of
//! import: it steps back to 3500 W, and tries again after a minute, two, four, five.
//!
//! A level is judged when the box has obeyed, the inverter has followed, and the meter was read after that. A probe that fails at
//! once keeps compute on for its minimum time; a quarter of an hour after that, half an hour, an hour, it is tried again. In modes that
//! do not follow surplus nothing is probed for.
//!
//! Only compute probes. While it has no work, sun behind the cap that a heat pump or a wallbox could use stays there: an offer that
//! the sun does not cover would run a compressor on the grid for ten minutes.

use crate::act::dispatch::Wanted;
use crate::command::Mode;
use crate::point::Point;
use crate::reason::Reason;
use crate::time::Moment;
use crate::units::{EurPerKwh, Watts};
use crate::value::situation::Situation;
use std::time::Duration;

/// A step, as a share of compute's greatest power: chosen, so that nine of them reach it in a minute and a half.
const STEP: f64 = 0.1;
/// The cap binds for this long before anything is taken: some readings of a meter that is read every second or two.
const BINDING: Duration = Duration::from_secs(5);
/// How long an inverter takes to follow its load while it throttles: zero-export controls settle within some seconds.
const INVERTER: Duration = Duration::from_secs(5);
/// Pause after a step that found nothing, and the longest one it grows to: a step of 500 W then imports some 15 Wh in an hour.
const PAUSE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];
/// The same after a start that found nothing, from compute's stop on: it costs the least power for the minimum time on, 25 Wh at 300 W,
/// at most a quarter of the time at first, a thirteenth in the end.
const FAILED: [Duration; 2] = [Duration::from_secs(900), Duration::from_secs(3600)];
/// Compute that draws less than this share of the level does not use it: there is nothing to learn from more.
const USED: f64 = 0.9;

/// What the probe remembers from one second to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    bound_since: Option<Moment>,
    level: Watts,
    /// The last step, and when it was taken.
    step: Watts,
    stepped: Moment,
    /// Whether compute started with it.
    started: bool,
    next: Moment,
    pause: Duration,
    failed: Duration,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            bound_since: None,
            level: Watts::ZERO,
            step: Watts::ZERO,
            stepped: Moment::default(),
            started: false,
            next: Moment::default(),
            pause: PAUSE[0],
            failed: FAILED[0],
        }
    }
}

impl Probe {
    /// What is wanted with the probe in it.
    pub(super) fn raise(&mut self, situation: &Situation<'_>, wanted: Wanted) -> Wanted {
        let Some(room) = room(situation) else {
            (self.bound_since, self.level) = (None, Watts::ZERO);
            return wanted;
        };
        let now = situation.moment;
        self.bound_since = situation.at_cap().then(|| self.bound_since.unwrap_or(now));
        if self.level > Watts::ZERO {
            self.judge(situation, room, &wanted);
        } else if now >= self.next && self.bound_since.is_some_and(|since| now.since(since) >= BINDING) {
            self.climb(situation, &wanted);
        }
        if self.level <= wanted.power {
            return wanted;
        }
        Wanted { power: self.level, reason: Reason::Curtailment, ..wanted }
    }

    /// Takes note of what the limits left.
    pub(super) fn note(&mut self, situation: &Situation<'_>, budget: Watts) {
        if budget < self.level {
            self.level = if budget < situation.site.compute.min { Watts::ZERO } else { budget };
            self.next = situation.moment.after(PAUSE[0]);
        }
    }

    /// Judges the level by what the meter shows of it.
    fn judge(&mut self, situation: &Situation<'_>, room: Watts, wanted: &Wanted) {
        let now = situation.moment;
        let slack = situation.cap_slack();
        let compute = &situation.site.compute;
        let answer =
            compute.obeys_within + INVERTER + if self.started { compute.starts_within } else { Duration::ZERO };
        let read = situation.image.taken.get(&Point::GridPower).copied().unwrap_or_default();
        let settled = read >= self.stepped.after(answer);
        // More is missing than the last step took: that is the sky, and not the inverter's time to follow.
        let fallen = read > self.stepped && room < -(self.step + slack + slack);
        if !settled && !fallen {
            return;
        }
        let drawn = situation.compute_when(Point::GridPower).map_or(self.level, |drawn| drawn.least);
        if room < -slack {
            self.step_back(situation, (drawn + room).min(self.level));
        } else if settled && drawn >= self.level * USED {
            (self.started, self.failed) = (false, FAILED[0]);
            if self.step > Watts::ZERO {
                self.pause = PAUSE[0];
            }
            if now >= self.next && self.level < situation.max() && self.bound_since.is_some() {
                self.climb(situation, wanted);
            }
        }
    }

    fn climb(&mut self, situation: &Situation<'_>, wanted: &Wanted) {
        let compute = &situation.site.compute;
        let from = self.level.max(wanted.power);
        self.started = from < compute.min;
        let to = if self.started { compute.min } else { from + compute.max * STEP };
        self.level = to.min(situation.max());
        (self.step, self.stepped) = (self.level - from, situation.moment);
    }

    /// Back to `to`, which the meter has shown to be there.
    fn step_back(&mut self, situation: &Situation<'_>, to: Watts) {
        let now = situation.moment;
        if to >= situation.site.compute.min {
            if self.step > Watts::ZERO {
                self.next = now.after(self.pause);
                self.pause = (self.pause * 2).min(PAUSE[1]);
            }
            (self.level, self.step, self.stepped) = (to, Watts::ZERO, now);
            return;
        }
        if self.started {
            self.next = now.after(situation.site.compute.min_on + self.failed);
            self.failed = (self.failed * 2).min(FAILED[1]);
        } else {
            self.next = now.after(PAUSE[0]);
        }
        (self.level, self.step, self.started) = (Watts::ZERO, Watts::ZERO, false);
    }
}

/// What the meter shows beyond the feed-in cap, less what the battery gives; `None` where nothing is probed for: there is no cap, no
/// reading, no mode that follows surplus, or no work that is worth the power of a sun that costs nothing.
fn room(situation: &Situation<'_>) -> Option<Watts> {
    let limit = situation.site.grid.export_limit?;
    let bus = situation.bus?;
    let follows = match situation.mode() {
        Mode::Surplus | Mode::Auto | Mode::Eco => true,
        Mode::Off | Mode::Heat | Mode::Boost => false,
    };
    let pays = situation.demand.any() && situation.worth_of_curtailed().net() > EurPerKwh::ZERO;
    (follows && pays).then(|| -bus.grid - bus.discharge() - limit)
}
