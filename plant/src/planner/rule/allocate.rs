//! How much compute to run in each slot ahead, of what power, and why.
//!
//! All power of all slots is laid out as blocks with a cost, the heat's worth deducted. What is due by a deadline gets the
//! cheapest blocks before it, whatever they cost: a deadline is a promise. Other jobs get the cheapest blocks that they pay for,
//! standing work whatever is left that pays. A block further ahead has to be cheaper by what waiting for it must bring.

use crate::command::Mode;
use crate::observe::commands::mode_at;
use crate::plan::{ExpectedSlot, PlanRequest};
use crate::planner::rule::horizon::Horizon;
use crate::planner::rule::projection::SlotPrices;
use crate::reason::{Reason, Worth};
use crate::time::{Slot, Timestamp};
use crate::units::{EurPerKwh, KilowattHours, Watts};
use crate::value::balance::Values;
use crate::value::merit::{self, Block, Origin};
use crate::value::revenue::Demand;
use crate::value::thermal;
use crate::value::worth::Offer;

/// Energy set aside for a deadline beyond what its jobs are expected to take.
const DEADLINE_MARGIN: f64 = 1.15;
/// What an hour of waiting has to bring for each kilowatt-hour: the further ahead, the less certain is a forecast, and work
/// that comes meanwhile will want the same hours.
const WAITING: EurPerKwh = EurPerKwh(0.005);
/// Time left over before a deadline.
const DEADLINE_EARLY: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// What one slot was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Taken {
    /// Expected compute power.
    pub compute: Watts,
    /// Least power, wherever it comes from.
    pub floor: Watts,
    /// Greatest power, on surplus.
    pub ceiling: Watts,
    /// Whether the battery charges before compute gets the surplus.
    pub battery_first: bool,
    /// Expected useful heat.
    pub heat: Watts,
    /// Its reason.
    pub reason: Reason,
    /// The three numbers.
    pub worth: Worth,
}

impl Taken {
    /// What a slot gets in which nothing can be planned.
    const NOTHING: Self = Self {
        compute: Watts::ZERO,
        floor: Watts::ZERO,
        ceiling: Watts::ZERO,
        battery_first: true,
        heat: Watts::ZERO,
        reason: Reason::Idle,
        worth: Worth { revenue: EurPerKwh::ZERO, heat: EurPerKwh::ZERO, electricity: EurPerKwh::ZERO },
    };
}

/// A block of one slot, as a candidate for work.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    index: usize,
    block: Block,
    /// Its cost, its heat's worth deducted.
    cost: EurPerKwh,
    /// The same with what waiting for it must bring.
    rank: EurPerKwh,
    /// Whether its price is known or estimated. What is not is for promises only.
    said: bool,
    work: Option<Work>,
}

/// The work that a block was given.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    Promised,
    Job,
    Standing,
}

/// Gives every slot its work.
pub(super) fn allocate(request: &PlanRequest, horizon: &Horizon, useful: &[Watts]) -> Vec<Taken> {
    let demand = Demand::of(&request.backlog, &request.site.work, request.tokens_per_kwh);
    let mut candidates = candidates(request, horizon, useful);
    let threshold = fill(request, horizon, &demand, &mut candidates);
    (0..horizon.slots.len())
        .map(|index| {
            let own = candidates.iter().filter(|candidate| candidate.index == index);
            let mut own: Vec<Candidate> = own.copied().collect();
            own.sort_by_key(|candidate| candidate.block.origin);
            let Some(prices) = horizon.prices[index] else { return Taken::NOTHING };
            SlotView { request, horizon, prices, useful: useful[index], index, own, demand, threshold }.decide()
        })
        .collect()
}

/// The most that compute may draw in a plan.
fn cap(request: &PlanRequest) -> Watts {
    request.site.compute.max.min(request.power_limit)
}

fn candidates(request: &PlanRequest, horizon: &Horizon, useful: &[Watts]) -> Vec<Candidate> {
    let site = &request.site;
    let cap = cap(request);
    let mut candidates = Vec::with_capacity(horizon.slots.len() * 3);
    for (index, ahead) in horizon.ahead.iter().enumerate() {
        let (Some(prices), slot) = (horizon.prices[index], &horizon.slots[index]) else { continue };
        let values = Values::new(prices.import, prices.export, ahead.stored, site.battery.as_ref());
        let offer = offer(request, (slot, prices), useful[index], EurPerKwh::ZERO);
        for mut block in merit::order(&ahead.without, &values, &site.grid, cap) {
            if let Some(dimmed) = request.grid_dimming.filter(|_| block.origin == Origin::Import) {
                block.power = block.power.min(dimmed);
            }
            let cost = -offer.worth_at(block.cost, cap).net();
            let rank = cost + waiting(request.at, slot.slot);
            let said = prices.said || block.origin != Origin::Import;
            candidates.push(Candidate { index, block, cost, rank, said, work: None });
        }
    }
    candidates.sort_by(|a, b| a.rank.0.total_cmp(&b.rank.0));
    candidates
}

/// What waiting for a slot must bring.
fn waiting(now: Timestamp, slot: Slot) -> EurPerKwh {
    WAITING * (crate::time::elapsed(now, slot.start()).as_secs_f64() / 3600.0)
}

/// Marks the candidates that work is given to; the rank up to which surplus that nobody expected is welcome.
fn fill(request: &PlanRequest, horizon: &Horizon, demand: &Demand, candidates: &mut [Candidate]) -> EurPerKwh {
    let energy = |candidate: &Candidate| {
        share_ahead(request.at, horizon.slots[candidate.index].slot) * candidate.block.power.over(Slot::LENGTH).0
    };
    let promised = promise(request, horizon, demand, candidates, energy);
    let mut left = (demand.jobs - promised).positive();
    let mut threshold = if demand.jobs > KilowattHours::ZERO { demand.rate } else { demand.standing };
    for candidate in candidates.iter_mut().filter(|candidate| candidate.work.is_none() && candidate.said) {
        if left > KilowattHours::ZERO && candidate.cost < demand.rate && allowed(request, candidate, horizon) {
            candidate.work = Some(Work::Job);
            left -= KilowattHours(energy(candidate));
            if left <= KilowattHours::ZERO {
                threshold = candidate.rank.max(demand.standing);
            }
        } else if candidate.cost < demand.standing && allowed(request, candidate, horizon) {
            candidate.work = Some(Work::Standing);
        }
    }
    threshold
}

/// Marks the candidates that deadlines need, the nearest deadline first; the energy that is due within the horizon. What no
/// block before its deadline can take is not promised to anybody.
fn promise(
    request: &PlanRequest,
    horizon: &Horizon,
    demand: &Demand,
    candidates: &mut [Candidate],
    energy: impl Fn(&Candidate) -> f64,
) -> KilowattHours {
    let mut promised = KilowattHours::ZERO;
    let Some(last) = horizon.prices.iter().rposition(Option::is_some) else { return promised };
    let end = horizon.slots[last].slot.end();
    // A deadline beyond the horizon leaves time to wait for better slots.
    for due in request.backlog.due.iter().filter(|due| due.at <= end) {
        promised += Demand::energy(due.tokens, request.tokens_per_kwh);
        let before = |candidate: &Candidate| {
            candidate.index == 0 || horizon.slots[candidate.index].slot.end() <= due.at - DEADLINE_EARLY
        };
        let given = candidates.iter().filter(|candidate| candidate.work.is_some() && before(candidate));
        let mut open = promised.0 * DEADLINE_MARGIN - given.map(&energy).sum::<f64>();
        for candidate in candidates.iter_mut().filter(|candidate| candidate.work.is_none()) {
            if open <= 0.0 {
                break;
            }
            if before(candidate) && allowed(request, candidate, horizon) {
                candidate.work = Some(if candidate.cost < demand.rate { Work::Job } else { Work::Promised });
                open -= energy(candidate);
            }
        }
    }
    promised
}

/// The share of a slot that is still ahead.
fn share_ahead(now: Timestamp, slot: Slot) -> f64 {
    let gone = crate::time::elapsed(slot.start(), now).as_secs_f64() / Slot::SECONDS as f64;
    (1.0 - gone).clamp(0.0, 1.0)
}

/// Whether the mode of the slot lets the planner use the block.
fn allowed(request: &PlanRequest, candidate: &Candidate, horizon: &Horizon) -> bool {
    let slot = &horizon.slots[candidate.index];
    let clean = slot.carbon.is_some_and(|carbon| carbon <= request.site.clean_below_g_per_kwh);
    match mode_at(request.mode, request.boost, slot.slot.start().max(request.at)) {
        Mode::Auto | Mode::Heat => true,
        Mode::Eco => candidate.block.origin.is_surplus() || clean,
        Mode::Off | Mode::Surplus | Mode::Boost => false,
    }
}

/// Everything that decides one slot.
struct SlotView<'a> {
    request: &'a PlanRequest,
    horizon: &'a Horizon,
    prices: SlotPrices,
    useful: Watts,
    index: usize,
    own: Vec<Candidate>,
    demand: Demand,
    threshold: EurPerKwh,
}

impl SlotView<'_> {
    fn decide(&self) -> Taken {
        let request = self.request;
        let slot = &self.horizon.slots[self.index];
        let cap = cap(request);
        match mode_at(request.mode, request.boost, slot.slot.start().max(request.at)) {
            Mode::Off => self.taken(Watts::ZERO, Watts::ZERO, Watts::ZERO, Reason::Off),
            Mode::Boost => self.taken(cap, cap, cap, Reason::Boost),
            Mode::Surplus => {
                let surplus =
                    self.power(|candidate| matches!(candidate.block.origin, Origin::Curtailed | Origin::Exported));
                self.follow(surplus, cap)
            }
            Mode::Heat if self.useful > Watts::ZERO => {
                let heat = self.useful / request.site.compute.heat_fraction.max(0.05);
                let wanted = cap.min(heat).max(request.site.compute.min.min(cap));
                self.taken(wanted, wanted, cap, Reason::HeatDemand)
            }
            Mode::Heat | Mode::Auto | Mode::Eco => self.by_worth(cap),
        }
    }

    /// What the merit order gave the slot.
    fn by_worth(&self, cap: Watts) -> Taken {
        let site = &self.request.site;
        let given = self.power(|candidate| candidate.work.is_some());
        let on_purpose = self.power(|candidate| candidate.work.is_some() && !candidate.block.origin.is_surplus());
        let promised = self.own.iter().any(|candidate| candidate.work == Some(Work::Promised));
        if on_purpose > Watts::ZERO || promised {
            let floor = if given > Watts::ZERO { given.max(site.compute.min).min(cap) } else { Watts::ZERO };
            let welcome = if self.surplus_welcome() { cap } else { floor };
            let mut taken = self.taken(floor, floor, welcome, self.purpose(promised));
            taken.battery_first = !self.storing_given();
            return taken;
        }
        if self.surplus_welcome() {
            return self.follow(given, cap);
        }
        if given > Watts::ZERO {
            return self.follow(given, given.max(site.compute.min).min(cap));
        }
        self.taken(Watts::ZERO, Watts::ZERO, Watts::ZERO, Reason::Idle)
    }

    /// Surplus of the moment, as much as comes.
    fn follow(&self, expected: Watts, cap: Watts) -> Taken {
        let expected = if expected < self.request.site.compute.min { Watts::ZERO } else { expected };
        let prices = self.prices;
        let curtailed = self.own.iter().any(|candidate| candidate.block.origin == Origin::Curtailed);
        let reason = match () {
            () if expected <= Watts::ZERO => Reason::Idle,
            () if prices.import < EurPerKwh::ZERO => Reason::NegativePrice,
            () if curtailed || prices.export <= EurPerKwh::ZERO => Reason::Curtailment,
            () => Reason::Surplus,
        };
        let mut taken = self.taken(expected, Watts::ZERO, cap, reason);
        taken.battery_first = !self.storing_given();
        taken
    }

    /// Whether exported power brings less than work that waits.
    fn surplus_welcome(&self) -> bool {
        let (prices, slot) = (self.prices, &self.horizon.slots[self.index]);
        let cost = -self.offer(EurPerKwh::ZERO).worth_at(prices.export, cap(self.request)).net();
        let welcome = self.threshold - waiting(self.request.at, slot.slot);
        self.demand.any() && cost < welcome.max(self.demand.standing)
    }

    fn storing_given(&self) -> bool {
        self.own.iter().any(|candidate| candidate.block.origin == Origin::Storing && candidate.work.is_some())
    }

    fn purpose(&self, promised: bool) -> Reason {
        let import = self.prices.import;
        let paying = self.worth(Watts::ZERO);
        match () {
            () if promised => Reason::Deadline,
            () if import < EurPerKwh::ZERO => Reason::NegativePrice,
            () if paying.revenue < paying.electricity => Reason::HeatDemand,
            () if self.own.iter().any(|candidate| candidate.work == Some(Work::Job)) => Reason::PaidWork,
            () => Reason::CheapPower,
        }
    }

    fn power(&self, which: impl Fn(&Candidate) -> bool) -> Watts {
        self.own.iter().filter(|candidate| which(candidate)).map(|candidate| candidate.block.power).sum()
    }

    fn taken(&self, compute: Watts, floor: Watts, ceiling: Watts, reason: Reason) -> Taken {
        let heat = (compute * self.request.site.compute.heat_fraction).min(self.useful);
        Taken { compute, floor, ceiling, battery_first: true, heat, reason, worth: self.worth(compute) }
    }

    /// The three numbers at `power`, or at the least power where nothing runs.
    fn worth(&self, power: Watts) -> Worth {
        let power = power.max(self.request.site.compute.min);
        let blocks = self.own.iter().map(|candidate| candidate.block);
        self.offer(self.demand.next()).worth(blocks, power)
    }

    fn offer(&self, revenue: EurPerKwh) -> Offer<'_> {
        offer(self.request, (&self.horizon.slots[self.index], self.prices), self.useful, revenue)
    }
}

/// What compute finds in a slot of the horizon.
fn offer<'a>(
    request: &'a PlanRequest,
    (slot, prices): (&ExpectedSlot, SlotPrices),
    useful: Watts,
    revenue: EurPerKwh,
) -> Offer<'a> {
    let (site, import) = (&request.site, prices.import);
    let heat_price = thermal::heat_price(site, slot.outdoor, Some(import));
    Offer { site, revenue, useful, heat_price, import }
}
