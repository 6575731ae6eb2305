//! The judgement of the whole balance: which meter cannot be right.
//!
//! `grid + pv + battery = house + heat pump + wallbox + compute`. No meter is judged alone, and each piece of evidence holds however late
//! the meters are:
//!
//! - `level`: the house makes no power, and no source that sleeps feeds in.
//! - `counters`: what a meter counts goes the way that its power shows.
//! - `charge`: a battery that takes power becomes fuller.
//! - `steps`: the grid meter answers when compute draws more. They only decide between several causes of what `level` and `counters` show.
//! - `repetition`, `plug`: who repeats a value to the last digit while nobody moves in its place.
//!
//! Evidence against grid or battery becomes a `suspicion`, which stays when compute rests and nothing is left to see.
//!
//! ```text
//! image -> what is counted backwards is turned -> look -> evidence -> suspicion -> trust, unfit points, problems
//! ```
//!
//! What follows from what is seen of the grid:
//!
//! | seen | answers to compute | the grid meter | compute |
//! |---|---|---|---|
//! | feed-in, every source asleep | none, or not mostly right | suspected | rests |
//! | house below zero and counters against power | any | suspected | rests |
//! | one of them | wrong | suspected | rests |
//! | the same | none, or one right | on trial | at most its least power; after 5 min it rests: start and stop bring two answers |
//! | the same | two right | right: a source is missing, or the counters are turned | follows it |
//! | no device reads the roof | wrong, to a start or a stop | on trial | as above |
//! | the same | wrong, twice | suspected | rests |
//! | PV silent, not asleep | wrong | suspected, and said after the second | rests: that step brings the next answer |
//! | the same | none yet | unproven | at most its least power where it follows the surplus |
//! | nothing | wrong or right | right | as dispatched |
//!
//! Example: night, the clamp is turned, the house takes 479 W and the meter shows -479 W. After 20 s the grid's power is unfit, compute
//! rests (`implausible`), and the problem says what to turn.

/// What flowed into the battery and what its charge did.
mod charge;
/// What a meter counts against its power.
mod counters;
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
/// What the grid meter answers.
mod steps;
/// What is held against a meter.
mod suspicion;

use crate::image::{Image, Known, Trust};
use crate::observe::draw::Draw;
use crate::observe::judgement::charge::Charge;
use crate::observe::judgement::counters::Counters;
use crate::observe::judgement::level::{Impossible, Level};
use crate::observe::judgement::look::{Eye, Look};
use crate::observe::judgement::plug::Plug;
use crate::observe::judgement::repetition::{Moves, Repetition};
use crate::observe::judgement::steps::Steps;
use crate::observe::judgement::suspicion::{Suspicion, WRONG};
use crate::point::Point;
use crate::site::Site;
use crate::time::Moment;
use crate::units::Watts;
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
/// A control may hold the grid at a power nearer to zero than this, in W.
const HELD: f64 = 100.0;
/// How far above its reserve a battery counts as being at it, in %: one step of its charge.
const NEAR: f64 = 1.0;
/// How long a grid meter or a battery may repeat itself: a grid meter moves with everything, a battery is held now and then.
const GRID_PATIENCE: Duration = Duration::from_secs(180);
const BATTERY_PATIENCE: Duration = Duration::from_secs(600);
/// Answers that make a grid meter believed against what contradicts it: two right ones, to a start and a stop.
const BELIEVED: i8 = 2;
/// Answers that condemn by themselves: two wrong ones.
const CONDEMNED: i8 = -4;
/// How long a trial lasts: a box's usual minimum time on.
const TRIAL: Duration = Duration::from_secs(300);
/// The longest pause between two readings that is looked for.
const PACE_MAX: Duration = Duration::from_secs(120);
/// What a step, a sum or a repetition shows in.
const POWERS: [Point; 6] = [
    Point::GridPower,
    Point::BatteryPower,
    Point::PvPower,
    Point::HeatPumpPower,
    Point::WallboxPower,
    Point::ComputePower,
];

/// What is known of the meters.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    eye: Eye,
    /// Whether there is a roof that no device reads.
    unread: bool,
    steps: Steps,
    level: Level,
    charge: Charge,
    grid_counters: Counters,
    battery_counters: Counters,
    grid: Suspicion,
    battery: Suspicion,
    /// Since when the grid meter is on trial.
    trial: Option<Moment>,
    grid_repetition: Repetition,
    battery_repetition: Repetition,
    plug: Plug,
    /// Since when what goes one way is counted the other.
    backwards: BTreeMap<Point, Moment>,
    /// Since when a meter is stuck.
    stuck: BTreeMap<Point, Moment>,
    /// The budget in force, and since when; always where there was no other.
    commanded: Option<(Watts, Moment)>,
    /// When each point was read last, and the longest pause between two readings.
    paces: BTreeMap<Point, (Moment, Duration)>,
    now: Moment,
}

impl Judgement {
    /// Nothing is held against any meter of `site`.
    pub(crate) fn new(site: &Site) -> Self {
        let cap = site.grid.export_limit.map(|limit| -limit.0);
        Self {
            eye: Eye::default(),
            unread: site.pv.is_some() && !site.offers(Point::PvPower),
            steps: Steps::default(),
            level: Level::default(),
            charge: Charge::default(),
            grid_counters: Counters::default(),
            battery_counters: Counters::default(),
            grid: Suspicion::default(),
            battery: Suspicion::default(),
            trial: None,
            grid_repetition: Repetition::new(GRID_PATIENCE, HELD, cap),
            battery_repetition: Repetition::new(BATTERY_PATIENCE, RESTING, None),
            plug: Plug::default(),
            backwards: BTreeMap::new(),
            stuck: BTreeMap::new(),
            commanded: None,
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
        self.hear_pace(image);
        if let Some(budget) = draw.budget().filter(|budget| self.commanded.is_none_or(|(last, _)| last != *budget)) {
            self.commanded = Some((budget, if self.commanded.is_some() { now } else { Moment::default() }));
        }
        let pace = self.pace(image, &POWERS);
        self.stuck_plug(site, image, draw);
        if let Some(look) = self.eye.look(site, image, draw) {
            self.level.observe(&look, (pace, self.pace(image, &[Point::GridPower])));
            if let Some(answer) = self.steps.observe(look, pace) {
                self.grid.hear(answer);
            }
            self.count(site, image, &look);
            self.repeat(image, &look, pace);
            if self.stuck.contains_key(&Point::GridPower) {
                // No answer and no sum says anything of a value that stands still.
                self.level.forget();
                self.trial = None;
            } else {
                self.accuse(now);
            }
        } else {
            self.stuck.retain(|point, _| *point == Point::ComputePower);
        }
        self.grid.pass(now);
        self.battery.pass(now);
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
        if self.level.impossible().is_some() {
            unfit(image, Point::HousePower, self.now);
        }
    }

    /// Compares powers with counters and with the battery's charge.
    fn count(&mut self, site: &Site, image: &Image, look: &Look) {
        let counted = |ways: [Point; 2]| Some([image.get(ways[0]).fresh()?, image.get(ways[1]).fresh()?]);
        if let Some(counted) = counted([Point::GridImportEnergy, Point::GridExportEnergy]) {
            self.grid_counters.observe(look.at, look.grid, counted);
        }
        if let Some(counted) = counted([Point::BatteryDischargeEnergy, Point::BatteryChargeEnergy]) {
            self.battery_counters.observe(look.at, look.battery, counted);
        }
        if let (Some(battery), Some(soc)) = (&site.battery, image.get(Point::BatterySoc).fresh())
            && let Some(answer) = self.charge.observe(battery, look.at, look.battery, soc)
        {
            self.battery.hear(answer);
        }
    }

    /// Looks who repeats itself while nobody moves in its place.
    fn repeat(&mut self, image: &Image, look: &Look, pace: Duration) {
        let read = |point| image.taken.get(&point).copied().unwrap_or_default();
        let others = look.net() - look.compute_middle() + look.shown;
        let moves = Moves { others, own: look.shown, instead: look.battery };
        let settled = self.commanded.map_or(Duration::ZERO, |(_, since)| look.at.since(since));
        let grid = self.grid_repetition.observe(look, (look.grid, read(Point::GridPower)), moves, settled);
        let (shown, moves) = ((look.battery, read(Point::BatteryPower)), Moves::default());
        let battery = self.battery_repetition.observe(look, shown, moves, settled);
        let found = [
            (Point::GridPower, grid.filter(|_| self.grid_repetition.is_alone(pace))),
            (Point::BatteryPower, battery.filter(|_| self.charge.is_still())),
        ];
        for (point, since) in found {
            match since {
                Some(since) => self.stuck.insert(point, since),
                None => self.stuck.remove(&point),
            };
        }
    }

    /// Weighs what contradicts against what was answered.
    fn accuse(&mut self, now: Moment) {
        let impossible = self.level.impossible();
        let fed_in = impossible == Some(Impossible::FeedIn) && self.grid.answers() < BELIEVED;
        let both = impossible == Some(Impossible::House) && self.grid_counters.run_against();
        // Where no device reads the roof, and so nothing contradicts, wrong answers have to come twice.
        let turned = match () {
            () if self.contradicts() => self.grid.answers() < 0,
            () if self.level.unknown() => self.grid.answers() <= if self.unread { CONDEMNED } else { WRONG },
            () => false,
        };
        let undecided = (0..BELIEVED).contains(&self.grid.answers());
        let on_trial = (self.contradicts() && undecided || self.doubts()) && self.grid.since().is_none();
        self.trial = on_trial.then(|| self.trial.unwrap_or(now));
        let unanswered = self.trial.is_some_and(|since| now.since(since) >= TRIAL);
        // What led to a suspicion keeps it up while it shows.
        let still = self.contradicts() && self.grid.since().is_some();
        if fed_in || both || unanswered || still || turned {
            self.grid.accuse(now);
        }
        let contradicts = impossible == Some(Impossible::Charge) || self.battery_counters.run_against();
        let wrong = impossible == Some(Impossible::House) && self.battery.answers() < 0;
        if (contradicts && self.battery.answers() <= 0) || wrong || self.battery.answers() <= CONDEMNED {
            self.battery.accuse(now);
        }
    }

    /// Whether something contradicts the grid meter that may have another cause.
    fn contradicts(&self) -> bool {
        self.level.impossible() == Some(Impossible::House) || self.grid_counters.run_against()
    }

    /// Whether the grid meter has answered wrongly where no device reads the roof, so that nothing else tells.
    fn doubts(&self) -> bool {
        self.unread && self.grid.answers() < 0
    }

    fn trust(&self) -> Trust {
        match () {
            () if self.grid.since().is_some() => Trust::Contradicted,
            () if self.contradicts() && self.grid.answers() < BELIEVED || self.doubts() => Trust::Trial,
            () if self.level.unknown() && !self.unread && self.grid.answers() <= 0 => Trust::Unproven,
            () => Trust::Sound,
        }
    }

    fn stuck_plug(&mut self, site: &Site, image: &Image, draw: &Draw) {
        let point = Point::ComputePower;
        // The engine that speaks for itself says what it likes.
        let measured = site.offers(point);
        let since = match (image.get(point).fresh(), image.taken.get(&point), draw.budget()) {
            (Some(power), Some(read), Some(budget)) if measured => {
                self.plug.observe(image.moment, (power, *read), (budget, site.compute.obeys_within))
            }
            (_, _, _) => None,
        };
        match since {
            Some(since) => self.stuck.insert(point, since),
            None => self.stuck.remove(&point),
        };
    }

    /// A battery at its reserve that is shown to charge, and has not shown yet that it becomes fuller by it.
    fn unproven_at_reserve(&self, site: &Site, image: &Image) -> bool {
        let Some(battery) = &site.battery else { return false };
        let near = image.get(Point::BatterySoc).fresh().is_some_and(|soc| soc <= battery.reserve.0 + NEAR);
        let charging = image.get(Point::BatteryPower).fresh().is_some_and(|power| power < -RESTING);
        near && charging && self.battery.answers() <= 0
    }

    /// Takes note of the pauses between two readings.
    fn hear_pace(&mut self, image: &Image) {
        for point in POWERS {
            let Some(taken) = image.taken.get(&point) else { continue };
            let (last, longest) = self.paces.entry(point).or_insert((*taken, Duration::ZERO));
            if taken > last {
                // A pause that was long once is forgotten slowly.
                *longest = taken.since(*last).max(longest.mul_f64(0.99)).min(PACE_MAX);
                *last = *taken;
            }
        }
    }

    /// The longest pause between two readings of those of `points` that are known.
    fn pace(&self, image: &Image, points: &[Point]) -> Duration {
        let known = points.iter().filter(|point| image.get(**point).fresh().is_some());
        let of = |(last, longest): &(Moment, Duration)| image.moment.since(*last).min(PACE_MAX).max(*longest);
        known.filter_map(|point| self.paces.get(point)).map(of).max().unwrap_or_default()
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
