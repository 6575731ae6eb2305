//! The judgement of the whole balance: which meter cannot be right.
//!
//! `grid + pv + battery = house + heat pump + wallbox + compute`. No meter is judged alone. Four things are looked at:
//!
//! - `steps`: what answers to our own steps, and to those of others. A surplus that grows by as much as compute draws is none.
//! - `level`: what cannot be below zero, and feed-in while no source delivers.
//! - `charge`: a battery that takes power becomes fuller.
//! - `repetition`, `plug`: who repeats a value to the last digit while nobody moves in its place.
//!
//! What speaks against grid or battery adds up in a `suspicion`, which stays when compute rests and nothing is left to see.
//!
//! ```text
//! image -> what is counted backwards is turned -> look -> steps, level, charge, repetition -> trust, unfit points, problems
//! ```
//!
//! Which evidence decides: a house below zero has several possible causes. Where the grid meter has answered rightly to steps of
//! compute, it is right, and so is the export it shows: compute follows that, and the problem names the source that is missing. Where
//! it has not, compute may draw its least power, and that step decides. Where no source delivers at all, it rests at once.
//!
//! Example: night, the clamp is turned, the house takes 479 W and the meter shows -479 W. After 20 s the grid's power is unfit, compute
//! rests (`implausible`), and the problem says what to turn.

/// What flowed into the battery and what its charge did.
mod charge;
/// What cannot be below zero.
mod level;
/// One look at the powers on the bus.
mod look;
/// The meter of the compute box against its budget.
mod plug;
/// Values that stay the same to the last digit.
mod repetition;
/// The judgement in words.
mod sentence;
/// What grid and battery answer.
mod steps;
/// What is held against a meter.
mod suspicion;

use crate::image::{Image, Known, Trust};
use crate::observe::draw::Draw;
use crate::observe::judgement::charge::Charge;
use crate::observe::judgement::level::{Impossible, Level};
use crate::observe::judgement::look::{Eye, Look};
use crate::observe::judgement::plug::Plug;
use crate::observe::judgement::repetition::Repetition;
use crate::observe::judgement::steps::{Answer, Mover, Step, Steps};
use crate::observe::judgement::suspicion::Suspicion;
use crate::point::Point;
use crate::site::Site;
use crate::time::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// What cannot be negative, and the power in W below which it is counted backwards: plugs show some watts of either sign around
/// zero, and an inverter that sleeps takes some tens. A wallbox may feed the house from a car, so it is none of them.
const ONE_WAY: [(Point, f64); 3] =
    [(Point::ComputePower, -20.0), (Point::HeatPumpPower, -50.0), (Point::PvPower, -200.0)];
/// How long until that is a problem: not what a plug shows while a box starts.
const LASTING: Duration = Duration::from_secs(60);
/// A battery that moves less than this, in W, is at rest.
const RESTING: f64 = 50.0;
/// How far above its reserve a battery counts as being at it, in %: one step of its charge.
const NEAR: f64 = 1.0;
/// How long a grid meter or a battery may repeat itself: a grid meter moves with everything, a battery rests now and then.
const GRID_PATIENCE: Duration = Duration::from_secs(180);
const BATTERY_PATIENCE: Duration = Duration::from_secs(600);
/// How long compute stays at its least power to bring another answer, where meters are quick.
const ANSWERING: Duration = Duration::from_secs(25);
/// The longest pause between two readings that steps are looked for with.
const PACE_MAX: Duration = Duration::from_secs(60);

/// What is known of the meters.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    eye: Eye,
    steps: Steps,
    level: Level,
    charge: Charge,
    grid: Suspicion,
    battery: Suspicion,
    repetitions: BTreeMap<Point, Repetition>,
    plug: Plug,
    /// Since when what goes one way is counted the other.
    backwards: BTreeMap<Point, Moment>,
    /// Since when a meter is stuck.
    stuck: BTreeMap<Point, Moment>,
    /// When each point was read last, and the longest pause between two readings.
    paces: BTreeMap<Point, (Moment, Duration)>,
    now: Moment,
}

impl Judgement {
    /// Nothing is held against any meter of `site`.
    pub(crate) fn new(site: &Site) -> Self {
        let cap = site.grid.export_limit.map(|limit| -limit.0);
        let repetitions = BTreeMap::from([
            (Point::GridPower, Repetition::new(GRID_PATIENCE, cap, true)),
            (Point::BatteryPower, Repetition::new(BATTERY_PATIENCE, None, false)),
        ]);
        Self {
            eye: Eye::default(),
            steps: Steps::default(),
            level: Level::default(),
            charge: Charge::default(),
            grid: Suspicion::default(),
            battery: Suspicion::default(),
            repetitions,
            plug: Plug::default(),
            backwards: BTreeMap::new(),
            stuck: BTreeMap::new(),
            paces: BTreeMap::new(),
            now: Moment::default(),
        }
    }

    /// Turns what cannot be negative: a consumer counted backwards draws what its meter shows all the same, and PV makes it.
    pub(crate) fn turn(&mut self, image: &mut Image) {
        for (point, backwards) in ONE_WAY {
            let Some(known) = image.points.get_mut(&point) else { continue };
            match known.fresh() {
                Some(power) if power < backwards => {
                    *known = known.map(f64::abs);
                    self.backwards.entry(point).or_insert(image.moment);
                }
                // At rest it shows nothing of its sign.
                Some(power) if power > -backwards => {
                    self.backwards.remove(&point);
                }
                Some(_) | None => {}
            }
        }
    }

    /// Judges `image`: marks what is unfit to act on, and says how far the rest can be trusted.
    pub(crate) fn judge(&mut self, site: &Site, image: &mut Image, draw: &Draw) {
        let now = image.moment;
        self.now = now;
        let pace = self.pace(image);
        self.stuck_plug(site, image, draw);
        match self.eye.look(site, image, draw) {
            Some(look) => self.weigh(site, image, &look, pace),
            None => self.stuck.retain(|point, _| *point == Point::ComputePower),
        }
        let impossible = self.level.impossible;
        self.grid.pass(now, impossible == Some(Impossible::FeedIn), ANSWERING.max(pace * 3));
        image.trust = self.trust();
        for (point, since) in &self.stuck {
            unfit(image, *point, *since);
        }
        if let Some(since) = self.grid.since() {
            unfit(image, Point::GridPower, since);
        }
        if let Some(since) = self.battery.since().or_else(|| self.unproven_at_reserve(site, image).then_some(now)) {
            unfit(image, Point::BatteryPower, since);
        }
    }

    /// Marks what the house takes, once that follows from `image`: what cannot be is not fresh.
    pub(crate) fn judge_house(&self, image: &mut Image) {
        if self.level.impossible.is_some() {
            unfit(image, Point::HousePower, self.now);
        }
    }

    fn weigh(&mut self, site: &Site, image: &Image, look: &Look, pace: Duration) {
        let has = |point| image.points.contains_key(&point);
        let sources = site.pv.is_some() || site.battery.is_some() || has(Point::PvPower) || has(Point::BatteryPower);
        let feeding_car = image.get(Point::WallboxPower).fresh().is_some_and(|power| power < -RESTING);
        if let Some(step) = self.steps.observe(*look, pace) {
            self.hear(step, look.at);
        }
        let before = self.level.impossible;
        self.level.observe(look, sources || feeding_car);
        if self.level.impossible != before {
            match self.level.impossible {
                Some(Impossible::FeedIn) if !self.grid.proven() => self.grid.suspect(look.at),
                Some(Impossible::Charge) if !self.battery.proven() => self.battery.suspect(look.at),
                Some(Impossible::FeedIn | Impossible::Charge | Impossible::House) | None => {}
            }
        }
        if let (Some(battery), Some(soc)) = (&site.battery, image.get(Point::BatterySoc).fresh())
            && let Some(answer) = self.charge.observe(battery, look.at, look.battery, soc)
        {
            self.battery.answer(answer, look.at);
            // A charge that falls while it should rise is worth two answers to a step: no kettle makes it.
            if answer == Answer::Turned {
                self.battery.answer(answer, look.at);
            }
        }
        for (point, value, partner) in
            [(Point::GridPower, look.grid, look.battery), (Point::BatteryPower, look.battery, look.grid)]
        {
            let read = image.taken.get(&point).copied();
            let since = self
                .repetitions
                .get_mut(&point)
                .zip(read)
                .and_then(|(repetition, read)| repetition.observe(look, (value, read), partner));
            match since {
                Some(since) => self.stuck.insert(point, since),
                None => self.stuck.remove(&point),
            };
        }
    }

    fn hear(&mut self, step: Step, now: Moment) {
        for (suspicion, answer) in [(&mut self.grid, step.grid), (&mut self.battery, step.battery)] {
            match (step.mover, answer) {
                (Mover::Compute, Some(answer)) => suspicion.answer(answer, now),
                (Mover::Other, Some(answer)) => suspicion.hear(answer, now),
                (Mover::Compute | Mover::Other, None) => {}
            }
        }
    }

    fn stuck_plug(&mut self, site: &Site, image: &Image, draw: &Draw) {
        let point = Point::ComputePower;
        // The engine that speaks for itself says what it likes.
        let measured = site.devices.iter().any(|device| device.points.contains(&point));
        let since = match (image.get(point).fresh(), image.taken.get(&point), draw.budget()) {
            (Some(power), Some(read), Some(budget)) if measured => {
                self.plug.observe(image.moment, (power, *read), budget)
            }
            (_, _, _) => None,
        };
        match since {
            Some(since) => self.stuck.insert(point, since),
            None => self.stuck.remove(&point),
        };
    }

    fn trust(&self) -> Trust {
        match () {
            () if self.grid.since().is_some() => Trust::Contradicted,
            () if self.grid.on_trial() || (self.level.is_doubtful() && !self.grid.proven()) => Trust::Trial,
            () if self.level.unknown() && !self.grid.proven() => Trust::Unproven,
            () => Trust::Sound,
        }
    }

    /// A battery at its reserve that is shown to charge, and has not shown yet that it becomes fuller by it.
    fn unproven_at_reserve(&self, site: &Site, image: &Image) -> bool {
        let Some(battery) = &site.battery else { return false };
        let near = image.get(Point::BatterySoc).fresh().is_some_and(|soc| soc <= battery.reserve.0 + NEAR);
        let charging = image.get(Point::BatteryPower).fresh().is_some_and(|power| power < -RESTING);
        near && charging && !self.battery.proven()
    }

    /// The longest pause between two readings of what a step shows in.
    fn pace(&mut self, image: &Image) -> Duration {
        let mut pace = Duration::ZERO;
        for point in [Point::GridPower, Point::BatteryPower, Point::PvPower, Point::HeatPumpPower, Point::WallboxPower]
        {
            let (Some(taken), Some(_)) = (image.taken.get(&point), image.get(point).fresh()) else { continue };
            let (last, longest) = self.paces.entry(point).or_insert((*taken, Duration::ZERO));
            // A pause that was long once is forgotten slowly.
            *longest = taken.since(*last).max(longest.mul_f64(0.99)).min(PACE_MAX);
            *last = *taken;
            pace = pace.max(*longest);
        }
        pace
    }
}

/// `point` is not to be acted on, since `since`.
fn unfit(image: &mut Image, point: Point, since: Moment) {
    let age_s = image.moment.since(since).as_secs();
    if let Some(known) = image.points.get_mut(&point)
        && let Known::Fresh { value } = *known
    {
        *known = Known::Stale { value, age_s };
    }
}
