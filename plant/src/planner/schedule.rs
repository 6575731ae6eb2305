//! The solution slot by slot, as compute can follow it.
//!
//! A program knows no least power and no least times, and later hours by their means alone. So compute goes on and off in the slots ahead as
//! it will be let: never below its least power, and neither on nor off for shorter than it has to be. What that changes comes from the
//! grid and goes there, but what the battery would have given for it stays in it.
//!
//! ```text
//!   solution   0.1  0.1  0.1  0.1 | 2.0 | 0    0    kW
//!   schedule   0    0    0    0   | 2.0 | 0.5  0    kW     at least 0.5 kW, half an hour on
//! ```

use crate::planner::commitment::Pumped;
use crate::planner::found::{Flows, Found, Margins};
use crate::planner::intent::{ComputeIntent, SAME};
use crate::reason::Reason;

/// A slot as it is scheduled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scheduled {
    /// What flows in it; what is stored, and how warm rooms and tank are, at its end.
    pub flows: Flows,
    /// Why compute runs or rests against the solution.
    pub held: Option<Reason>,
}

/// Goes through the slots ahead, one after the other.
#[derive(Debug)]
pub(super) struct Schedule<'a, 'b, 'c> {
    found: &'a Found<'b, 'c>,
    /// What compute is to do now.
    now: ComputeIntent,
    /// What a switched heat pump does in each slot.
    pumped: Option<&'a [Pumped]>,
    /// Whether it runs, and for how many hours it has to stay as it is.
    on: bool,
    bound: f64,
    /// What the battery did not give, kWh.
    kept: f64,
    /// The levels at the end of the step before.
    before: Flows,
}

impl<'a, 'b, 'c> Schedule<'a, 'b, 'c> {
    /// At the first slot of `found`, in which compute does as `now` says.
    pub(super) fn new(found: &'a Found<'b, 'c>, now: ComputeIntent, pumped: Option<&'a [Pumped]>) -> Self {
        let home = found.model.home;
        let before = Flows {
            stored: home.battery.map_or(0.0, |battery| battery.stored),
            air: home.room.map_or(0.0, |room| room.air),
            tank: home.tank.map_or(0.0, |store| store.now),
            ..Flows::default()
        };
        let (on, bound) = (home.compute.on, home.compute.bound_on);
        Self { found, now, pumped, on, bound, kept: 0.0, before }
    }

    /// The slots of the next step.
    pub(super) fn step(&mut self, step: usize) -> Vec<Scheduled> {
        let slots = self.found.model.nodes.steps[step].clone();
        let (mean, margins) = (self.found.mean(step), self.found.mean_margins(step));
        let hours = self.found.model.nodes.all[self.found.model.nodes.node(step, 0)].hours / slots.len() as f64;
        let before = std::mem::replace(&mut self.before, mean);
        let mut scheduled = Vec::with_capacity(slots.len());
        for slot in slots.clone() {
            let passed = (slot + 1 - slots.start) as f64 / slots.len() as f64;
            let level = |of: fn(&Flows) -> f64| of(&before) + (of(&mean) - of(&before)) * passed;
            let levels = [level(|flows| flows.stored), level(|flows| flows.air), level(|flows| flows.tank)];
            let flows = Flows { stored: levels[0], air: levels[1], tank: levels[2], ..mean };
            scheduled.push(self.slot((step, slot), flows, &margins, hours));
        }
        scheduled
    }

    fn slot(&mut self, (step, slot): (usize, usize), mean: Flows, margins: &Margins, hours: f64) -> Scheduled {
        let pumped = self.pumped.map(|pumped| pumped[slot]);
        let alone = self.found.model.nodes.steps[step].len() == 1;
        let flows = match pumped {
            Some(pumped) if !alone => self.switched(mean, pumped, margins),
            Some(_) | None => mean,
        };
        let wanted = match pumped.and_then(|pumped| pumped.computes) {
            Some(computes) => computes,
            None => self.found.runs(flows.compute) || step == 0 && self.now.floor > 0.0,
        };
        let home = self.found.model.home;
        let least = flows.compute.max(home.compute.min);
        let bears = self.bears(&mean, &self.with_compute(flows, least));
        let bound = self.bound > 1e-6;
        let runs = bears && if bound { self.on } else { wanted };
        let ends = bound && self.on || wanted;
        let held = match runs {
            false if ends && !bears => Some(Reason::FuseLimit),
            true if !wanted => Some(Reason::MinOnTime),
            false if wanted => Some(Reason::MinOffTime),
            true | false => None,
        };
        if runs != self.on {
            (self.on, self.bound) = (runs, if runs { home.compute.min_on } else { home.compute.min_off });
        }
        self.bound -= hours;
        let compute = if runs { least } else { 0.0 };
        let flows = self.balanced(step, mean, self.with_compute(flows, compute), hours);
        Scheduled { flows, held }
    }

    /// `flows` with so much compute. Its heat goes where it was to go, as far as there is any.
    fn with_compute(&self, flows: Flows, compute: f64) -> Flows {
        let made = if flows.compute > 0.0 { (compute / flows.compute).min(1.0) } else { 0.0 };
        let [to_room, to_tank, to_source] = [flows.to_room, flows.to_tank, flows.to_source].map(|way| way * made);
        Flows { compute, to_room, to_tank, to_source, ..flows }
    }

    /// Whether connection and grid operator bear what compute and the rest of the house draw beyond `mean`.
    fn bears(&self, mean: &Flows, flows: &Flows) -> bool {
        let home = self.found.model.home;
        let more = self.draws(flows) - self.draws(mean) - mean.export - mean.curtailed;
        let import = mean.import + more.max(0.0);
        let dimmed = home.compute.dimmed.is_some_and(|dimmed| import > dimmed.max(mean.import) + 1e-6);
        import <= home.import_max.max(mean.import) + 1e-6 && !dimmed
    }

    /// What compute, its fan and the heat pump take, kW.
    fn draws(&self, flows: &Flows) -> f64 {
        let home = self.found.model.home;
        flows.compute + home.compute.fan * flows.rejected(home) + flows.pump_draws(home)
    }

    /// `flows`, balanced as `mean` is: what is drawn beyond that is taken from what was given away first, and from the grid; what is drawn
    /// less is not imported, not taken from the battery, exported where that pays, or left on the roof.
    fn balanced(&mut self, step: usize, mean: Flows, mut flows: Flows, hours: f64) -> Flows {
        let home = self.found.model.home;
        let sell = self.found.model.expected[self.found.model.nodes.node(step, 0)].sell;
        let more = self.draws(&flows) - self.draws(&mean);
        let mut lacking = more.max(0.0);
        for source in [&mut flows.export, &mut flows.curtailed] {
            lacking -= taken(source, lacking);
        }
        flows.import += lacking;
        let mut spare = (-more).max(0.0);
        spare -= taken(&mut flows.import, spare);
        let one_way = home.battery.map_or(1.0, |battery| battery.cells.one_way);
        let given_less = taken(&mut flows.discharge, spare);
        spare -= given_less;
        self.kept += given_less * hours / one_way;
        flows.stored += self.kept;
        // A battery that is full takes no more.
        let full = home.battery.map_or(0.0, |battery| flows.stored - battery.cells.capacity).max(0.0).min(self.kept);
        let taken_less = (full / one_way / hours).min(flows.charge);
        flows.charge -= taken_less;
        spare += taken_less;
        (self.kept, flows.stored) = (self.kept - full, flows.stored - full);
        let exported = if sell > 0.0 { spare.min((home.export_max - flows.export).max(0.0)) } else { 0.0 };
        flows.export += exported;
        flows.curtailed += spare - exported;
        flows
    }

    /// What flows in a slot in which a switched heat pump does this, where the step that it is in knows the mean alone. Compute gives way to
    /// it and follows after it, unless it pays more than the grid's power costs.
    fn switched(&self, flows: Flows, pumped: Pumped, margins: &Margins) -> Flows {
        let home = self.found.model.home;
        let parts = [
            pumped.hot_water.unwrap_or(flows.hot_water),
            pumped.heating.unwrap_or(flows.heating),
            pumped.cooling.unwrap_or(flows.cooling),
        ];
        // Together they have no more than the pump's power.
        let most = home.heater.map_or(0.0, |heater| heater.max);
        let fits = (most / parts.iter().sum::<f64>().max(1e-9)).min(1.0);
        let [hot_water, heating, cooling] = parts.map(|part| part * fits);
        let pumped = Flows { hot_water, heating, cooling, ..flows };
        let more = pumped.pump_draws(home) - flows.pump_draws(home);
        let grid = |compute: f64| flows.import - flows.export + more + compute - flows.compute;
        let compute = if margins.compute > margins.power + SAME {
            flows.compute
        } else {
            let follows = (flows.compute - more).clamp(0.0, home.compute.max);
            follows - grid(follows).clamp(0.0, follows)
        };
        // What the connection does not bear gives way.
        let beyond = grid(compute) - home.import_max.max(flows.import);
        self.with_compute(pumped, compute - beyond.clamp(0.0, compute))
    }
}

/// Takes up to `most` out of `source`; returns how much.
fn taken(source: &mut f64, most: f64) -> f64 {
    let taken = most.min(source.max(0.0));
    *source -= taken;
    taken
}
