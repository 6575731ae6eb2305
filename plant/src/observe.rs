//! What was read, said and learned, and the frozen image that a cycle decides on.
//!
//! ```text
//! samples --> readings --> judgement --> image --> flows, charge room
//! feeds   --> outlook                      commands --> commands in force
//! entries --> knowing                      receipts --> tokens per kWh
//!                                          backlog  --> arrivals
//! ```

/// Work that arrives.
pub(crate) mod arrivals;
/// The house bus when the grid was read.
pub(crate) mod bus;
/// What the battery would charge with.
pub(crate) mod charge_room;
/// What the owner and the grid operator want.
pub(crate) mod commands;
/// A day of energy counters against power.
pub(crate) mod day_counters;
/// What compute drew at a moment.
pub(crate) mod draw;
/// What the feeds say of the time ahead.
pub(crate) mod feeds;
/// The powers on the house bus.
pub(crate) mod flows;
/// Which meter cannot be right.
pub(crate) mod judgement;
/// The newest sample of every device, and the image made of them.
pub(crate) mod readings;
/// What a meter would show without compute.
pub(crate) mod residual_load;
/// Who else follows the surplus.
pub(crate) mod wallbox;

use crate::checkpoint::{Checkpoint, Restored};
use crate::image::Image;
use crate::knowing::Knowing;
use crate::knowledge::Knowledge;
use crate::observe::arrivals::Arrivals;
use crate::observe::bus::Bus;
use crate::observe::charge_room::ChargeRoom;
use crate::observe::commands::Commands;
use crate::observe::day_counters::DayCounters;
use crate::observe::draw::{Draw, Span};
use crate::observe::feeds::Feeds;
use crate::observe::judgement::Judgement;
use crate::observe::readings::Readings;
use crate::observe::residual_load::ResidualLoad;
use crate::observe::wallbox::WallboxShare;
use crate::point::{Point, Sample};
use crate::site::Site;
use crate::time::{Moment, Slot, Timestamp};
use crate::units::{Celsius, Percent, Watts};
use crate::work::{Backlog, Receipt, WorkerState, WorkerStatus};
use std::collections::BTreeMap;

/// Weight of a receipt of one kilowatt-hour against what was known before it.
const LEARNING: f64 = 20.0;
/// The most that one receipt counts.
const LEARNING_MAX: f64 = 0.2;

/// Everything that was observed.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// The newest samples.
    pub readings: Readings,
    /// What the feeds say.
    pub feeds: Feeds,
    /// What the time ahead will be like.
    pub knowing: Knowing,
    /// The commands in force.
    pub commands: Commands,
    /// Work that waits or runs.
    pub backlog: Backlog,
    /// Work that arrived, and is not in the books yet.
    pub arrivals: Arrivals,
    /// The engine.
    pub worker: WorkerStatus,
    /// When it last said so.
    worker_said: Moment,
    /// What the battery would charge with, if it could have all of the surplus; remembers what it refused.
    pub charge_room: ChargeRoom,
    /// The house bus when the grid was read.
    pub bus: Bus,
    /// What compute gets from the wallbox, or leaves to it.
    pub wallbox: WallboxShare,
    /// What compute drew in the last minutes.
    pub draw: Draw,
    /// Which meters contradict each other.
    pub judgement: Judgement,
    /// Which counters contradict the power of their devices.
    pub counters: DayCounters,
    /// What the grid meter would show without compute; `None` while it is silent.
    pub residual: Option<ResidualLoad>,
    /// Tokens per kilowatt-hour that receipts have shown.
    pub tokens_per_kwh: f64,
}

impl Observed {
    /// Nothing observed yet but what a restart found.
    pub(crate) fn new(site: &Site, restored: &Restored) -> Self {
        let checkpoint = restored.checkpoint.as_ref();
        let commands = restored.commands.or_else(|| checkpoint.map(Checkpoint::in_force));
        Self {
            readings: Readings::new(site),
            feeds: Feeds::default(),
            knowing: Knowing::new(site, &restored.history),
            commands: Commands::new(site, commands),
            backlog: Backlog::default(),
            arrivals: Arrivals::default(),
            worker: WorkerStatus::default(),
            worker_said: Moment::default(),
            charge_room: ChargeRoom::default(),
            bus: Bus::default(),
            wallbox: WallboxShare::default(),
            draw: Draw::default(),
            judgement: Judgement::new(site),
            counters: DayCounters::new(site),
            residual: None,
            tokens_per_kwh: checkpoint.map_or(site.compute.tokens_per_kwh, |checkpoint| checkpoint.tokens_per_kwh),
        }
    }

    /// The house at `now`, frozen. What lasts until a moment, like a boost, ends where that has come.
    pub(crate) fn image(&mut self, site: &Site, now: Timestamp, moment: Moment) -> Image {
        self.commands.pass(now, moment);
        self.counters.pass(site, now);
        let mut image = self.readings.image(now, moment, (self.worker_power(), self.worker_said));
        self.judgement.turn(&mut image);
        if let (Some(power), Some(taken)) =
            (image.get(Point::ComputePower).fresh(), image.taken.get(&Point::ComputePower))
        {
            self.draw.read(*taken, Watts(power));
        }
        self.judgement.judge(site, &mut image, &self.draw);
        self.readings.close(&mut image);
        self.judgement.judge_house(&mut image);
        self.residual = self.residual_load(site, &image);
        self.bus.observe(&image, &self.draw, &site.compute);
        if let Some(flows) = self.bus.flows {
            let soc = image.get(Point::BatterySoc).fresh().map(Percent);
            self.charge_room.observe(moment, flows, soc, site.battery.as_ref());
            if let Some(wallbox) = &site.wallbox {
                let drawn = image.get(Point::WallboxPower).fresh().map(|drawn| Watts(drawn).positive());
                self.wallbox.observe(moment, flows, drawn, (wallbox, &site.compute));
            }
        }
        image
    }

    /// Keeps a sample that was taken at `at`.
    pub(crate) fn record(&mut self, sample: &Sample, at: Moment) {
        self.readings.record(sample, at);
        self.counters.record(sample, at);
    }

    /// What is wrong with the meters, in words for a person.
    pub(crate) fn problems(&self, site: &Site) -> Vec<String> {
        let mut problems = self.judgement.problems(site);
        problems.extend_from_slice(self.counters.problems());
        problems
    }

    /// What compute drew when each point of `image` was last read. A box whose power is not known may have drawn nothing.
    pub(crate) fn compute_when(&self, site: &Site, image: &Image) -> BTreeMap<Point, Span> {
        let known = image.get(Point::ComputePower).fresh().is_some();
        let span = |taken| {
            let span = self.draw.at(taken, &site.compute);
            if known { span } else { Span { least: Watts::ZERO, ..span } }
        };
        image.taken.iter().map(|(point, taken)| (*point, span(*taken))).collect()
    }

    fn residual_load(&self, site: &Site, image: &Image) -> Option<ResidualLoad> {
        let power = image.get(Point::GridPower).fresh().map(Watts)?;
        let compute = self.compute_when(site, image).get(&Point::GridPower).copied()?;
        Some(ResidualLoad::observe(self.residual, (power, site.grid.import_limit), compute))
    }

    /// The air outside: as measured, else as the feeds have it.
    pub(crate) fn outdoor(&self, image: &Image) -> Option<Celsius> {
        let measured = image.get(Point::OutdoorTemperature).fresh().map(Celsius);
        measured.or_else(|| self.feeds.outlook.outdoor.get(&Slot::containing(image.at)).copied())
    }

    /// What the expectations of the time ahead rest on at `now`.
    pub(crate) fn knowledge(&self, site: &Site, now: Timestamp) -> Knowledge {
        self.knowing.knowledge(site, &self.feeds.outlook, Slot::containing(now))
    }

    /// Takes in what waits at `now`.
    pub(crate) fn hear_backlog(&mut self, backlog: Backlog, now: Timestamp) {
        self.arrivals.hear(&backlog, self.tokens_per_kwh, Slot::containing(now));
        self.backlog = backlog;
    }

    /// Learns from a receipt how many tokens a kilowatt-hour brings.
    pub(crate) fn learn(&mut self, receipt: &Receipt) {
        self.arrivals.serve(receipt);
        let energy = receipt.joules / 3.6e6;
        let tokens = (receipt.tokens_in.saturating_add(receipt.tokens_out)) as f64;
        // The energy of a very short answer is mostly rounding.
        if !energy.is_finite() || energy < 1e-6 || tokens < 1.0 {
            return;
        }
        let weight = (energy * LEARNING).min(LEARNING_MAX);
        let learned = self.tokens_per_kwh + weight * (tokens / energy - self.tokens_per_kwh);
        if learned.is_finite() && learned > 0.0 {
            self.tokens_per_kwh = learned;
        }
    }

    /// Takes in what the engine says at `moment`.
    pub(crate) fn hear_worker(&mut self, status: WorkerStatus, moment: Moment) {
        (self.worker, self.worker_said) = (status, moment);
    }

    /// What the engine says it draws. One that is not known to run is not fed, and counts as drawing nothing.
    fn worker_power(&self) -> Option<Watts> {
        let said = self.worker.power.filter(|power| power.0.is_finite()).map(Watts::positive);
        match self.worker.state {
            WorkerState::Down | WorkerState::Starting => said.or(Some(Watts::ZERO)),
            WorkerState::Idle | WorkerState::Busy | WorkerState::Paused => said,
        }
    }
}
