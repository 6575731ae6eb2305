//! What was read, said and learned, and the frozen image that a cycle decides on.
//!
//! ```text
//! samples --> readings --> judgement --> image --> flows, charge room
//! feeds   --> outlook                      commands --> commands in force
//! entries --> forecast                     receipts --> tokens per kWh
//! ```

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
/// What is expected where no feed says it.
pub(crate) mod forecast;
/// Which meter cannot be right.
pub(crate) mod judgement;
/// The newest sample of every device, and the image made of them.
pub(crate) mod readings;
/// What a meter would show without compute.
pub(crate) mod residual_load;
/// Who else follows the surplus.
pub(crate) mod wallbox;

use crate::checkpoint::Checkpoint;
use crate::command::InForce;
use crate::image::Image;
use crate::observe::bus::Bus;
use crate::observe::charge_room::ChargeRoom;
use crate::observe::commands::Commands;
use crate::observe::day_counters::DayCounters;
use crate::observe::draw::{Draw, Span};
use crate::observe::feeds::Feeds;
use crate::observe::forecast::Forecast;
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
use std::time::Duration;

/// Outdoor temperatures stand for at most this long.
const OUTDOOR_SPAN: Duration = Duration::from_secs(3600);
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
    /// What the days before say.
    pub forecast: Forecast,
    /// The commands in force.
    pub commands: Commands,
    /// Work that waits or runs.
    pub backlog: Backlog,
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
    /// The last image.
    seen: Option<Moment>,
}

impl Observed {
    /// Nothing observed yet but what a restart found.
    pub(crate) fn new(site: &Site, checkpoint: Option<&Checkpoint>, commands: Option<InForce>) -> Self {
        Self {
            readings: Readings::new(site),
            feeds: Feeds::default(),
            forecast: Forecast::default(),
            commands: Commands::new(site, commands),
            backlog: Backlog::default(),
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
            seen: None,
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
        if let Some(outdoor) = self.outdoor(&image) {
            let span = self.seen.map_or(Duration::ZERO, |seen| moment.since(seen)).min(OUTDOOR_SPAN);
            self.forecast.learn_outdoor(Slot::containing(now), outdoor, span);
        }
        self.seen = Some(moment);
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

    /// Learns from a receipt how many tokens a kilowatt-hour brings.
    pub(crate) fn learn(&mut self, receipt: &Receipt) {
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
