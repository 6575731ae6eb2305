//! Plans the slots ahead for the whole house: compute and where its heat goes, battery, heat pump, room and tank.
//!
//! ```text
//!   request --> home      what can be planned, in the numbers of a program        home.rs
//!           --> nodes     the time ahead, once for each scenario of the sun       nodes.rs, expected.rs, waiting.rs
//!           --> model     a linear program                                        model.rs
//!   solver  --> found     what flows, and what more would be worth                found.rs
//!           --> commit    when a heat pump runs that is on or off                 commitment.rs
//!           --> own_rule  what a battery that cannot be set makes of it           own_rule.rs
//!           --> calm      does it gain enough over the plan in force?             calm.rs
//!           --> starts    is the run that begins now worth its start?             starts.rs
//!           --> intent    modes and bounds of the first slot                      intent.rs
//!           --> schedule  the solution slot by slot, as compute can follow it      schedule.rs
//!           --> layout    the plan in slots, with its reasons                     layout.rs
//! ```
//!
//! Pure: a plan depends on nothing but its request and the solver's answers, so the host may compute it anywhere. What the solver cannot
//! do, and a house of which too little is known, is planned by rule ([`rule`]).

/// When the plan in force stands.
mod calm;
/// When a switched heat pump runs.
mod commitment;
/// What is expected of each node.
mod expected;
/// What a solution says.
mod found;
/// The house in the numbers of a program.
mod home;
/// What the devices are to do now.
mod intent;
/// What stands when an answer of today takes effect.
mod later;
/// The plan in slots.
mod layout;
/// When the tank is heated against legionella.
mod legionella;
/// The program.
mod model;
/// The time ahead.
mod nodes;
/// The battery that cannot be set.
mod own_rule;
/// When a plan is asked for, and with what.
pub(crate) mod request;
/// The plan by rule.
mod rule;
/// The solution slot by slot.
mod schedule;
/// Starts that pay for themselves.
mod starts;
/// Work that waits.
mod waiting;
/// The slots ahead without compute.
mod without;

use crate::command::Mode;
use crate::plan::{BatteryIntent, Plan, PlanRequest};
use crate::planner::commitment::Pumped;
use crate::planner::found::Found;
use crate::planner::home::Home;
use crate::planner::intent::{ComputeIntent, Present};
use crate::planner::layout::Settled;
use crate::planner::model::queue::Waiting;
use crate::planner::model::{Model, Task};
use crate::planner::nodes::Nodes;
use crate::planner::starts::Start;
use crate::program::{Solution, Solve};
use crate::units::{Eur, Watts};

/// A house of which no more slots are known is planned by rule.
const SLOTS_MIN: usize = 8;
/// A battery that holds so much of its capacity lets compute start on surplus that nobody expected.
const NEARLY_FULL: f64 = 0.97;

pub use later::later;

/// Plans the slots ahead: those in which it is known, or estimated, what exported power earns. What `solve` cannot do is planned by rule.
pub fn plan(request: &PlanRequest, solve: &mut Solve<'_>) -> Plan {
    let planned = match request.mode {
        Mode::Auto => whole(request, solve),
        Mode::Off | Mode::Eco | Mode::Surplus | Mode::Heat | Mode::Boost => None,
    };
    planned.unwrap_or_else(|| rule::plan(request))
}

/// The plan for the whole house; `None` where too little is known, or the solver says no.
fn whole(request: &PlanRequest, solve: &mut Solve<'_>) -> Option<Plan> {
    let home = Home::of(request);
    let slots = expected::known(request, &home);
    if slots < SLOTS_MIN {
        return None;
    }
    let uncertain = request.slots[..slots].iter().any(|slot| slot.pv_spread > Watts::ZERO);
    let nodes = Nodes::of(slots, expected::left(request), if uncertain { 2 } else { 1 });
    let around = home.tank.map_or(0.0, |store| store.around);
    let expected = expected::expected(request, &home, &nodes, around);
    let prices: Vec<f64> =
        request.slots[..nodes.slots()].iter().filter_map(|slot| slot.import_price).map(|price| price.0).collect();
    let waiting = waiting::waiting(request, &nodes);
    let steered = home.tank.as_ref().filter(|_| home.heater.is_some_and(|heater| heater.for_tank.is_some()));
    let hot = legionella::hot(request, steered, &nodes, &expected);
    let task = Task { home: &home, nodes: &nodes, expected: &expected, prices: &prices, hot, waiting: &waiting };
    let mut model = Model::new(&task);
    let mut solution = solve(&model.program)?;
    let needed = waiting::needed(&waiting, &nodes, home.compute.max);
    let needed = if needed > 1e-6 { needed.max(home.compute.min) } else { 0.0 };
    let (pumped, battery) = narrowed(request, (&mut model, &mut solution), needed, solve);
    let found = Found { model: &model, solution: &solution };
    let stands = Settled { compute: ComputeIntent::default(), needed, battery, pumped: pumped.as_deref() };
    let (settled, other) = settled(&found, stands, &waiting, solve);
    let other = other.as_ref().map(|solution| Found { model: &model, solution });
    Some(laid_out(request, other.as_ref().unwrap_or(&found), &settled))
}

/// Solves on within what devices really do, and within the plan in force. Returns what a switched heat pump does in each slot, and what the
/// plan in force has the battery do, where that stands.
fn narrowed(
    request: &PlanRequest,
    (model, solution): (&mut Model<'_>, &mut Solution),
    needed: f64,
    solve: &mut Solve<'_>,
) -> (Option<Vec<Pumped>>, Option<BatteryIntent>) {
    let (mut pumped, mut free) = (None, None);
    if let Some(committed) = commitment::commit(request, &Found { model, solution }, solve) {
        free = Some(std::mem::replace(&mut model.program, committed.program));
        (*solution, pumped) = (committed.solution, Some(committed.slots));
    }
    if let Some(followed) = own_rule::followed(&Found { model, solution }, solve) {
        (model.program, *solution) = followed;
    }
    let rounded = starts::rounded(&Found { model, solution });
    if let Some((program, better)) = rounded.and_then(|program| solve(&program).map(|better| (program, better))) {
        (model.program, *solution) = (program, better);
    }
    if let Some(free) = &free {
        commitment::read_again(model, free, solution, solve);
    }
    // What is due now does not wait for the plan in force.
    let kept = if needed > 0.0 { None } else { calm::kept(request, &Found { model, solution }, solve) };
    let Some(calm::Kept { program, solution: stands, battery }) = kept else { return (pumped, None) };
    (model.program, *solution) = (program, stands);
    if let Some(free) = &free {
        commitment::read_again(model, free, solution, solve);
    }
    (pumped, battery)
}

/// What `found` comes to for the first slot once its starts are looked at, and the plan that goes with that, where it is another.
fn settled<'a>(
    found: &Found<'_, '_>,
    stands: Settled<'a>,
    waiting: &Waiting,
    solve: &mut Solve<'_>,
) -> (Settled<'a>, Option<Solution>) {
    let intent = Present::of(found, stands.needed).compute(found.running());
    let (compute, other) =
        if stands.needed > 0.0 { (intent, None) } else { starts_settled(found, &intent, waiting, solve) };
    (Settled { compute, ..stands }, other)
}

/// The plan of `found`.
fn laid_out(request: &PlanRequest, found: &Found<'_, '_>, settled: &Settled<'_>) -> Plan {
    let present = Present::of(found, settled.needed);
    let mut slots = layout::slots(request, found, &present, settled);
    for (slot, (cost, stores)) in slots.iter_mut().zip(without::costs(request, found.model.nodes.slots())) {
        if let Some(house) = &mut slot.house {
            (house.cost_without, house.stores_without) = (Some(cost), Some(stores));
        }
    }
    let expected_net = -slots.iter().filter_map(|slot| slot.house.as_ref()).map(|house| house.cost).sum::<Eur>();
    Plan { made_at: request.at, mode: request.mode, slots, expected_net }
}

/// What of `intent` is left once its start is looked at, and the plan that goes with that, where it is another.
fn starts_settled(
    found: &Found<'_, '_>,
    intent: &ComputeIntent,
    waiting: &Waiting,
    solve: &mut Solve<'_>,
) -> (ComputeIntent, Option<Solution>) {
    let home = found.model.home;
    let runs = found.compute().first().is_some_and(|now| found.runs(*now));
    let rests = ComputeIntent { floor: 0.0, ceiling: 0.0, ..*intent };
    match (home.compute.on, runs) {
        (false, true) => {
            let queued = (home.standing <= 0.0).then(|| waiting.available.first().copied().unwrap_or(0.0));
            match starts::check(found, queued, solve) {
                Start::Granted(lasting) => (*intent, lasting),
                Start::Refused(without) => (rests, Some(without)),
            }
        }
        // Surplus that nobody expected starts it only where nothing else can take it.
        (false, false) => {
            let full = home.battery.is_some_and(|battery| battery.stored > NEARLY_FULL * battery.cells.capacity);
            if home.standing > 0.0 && (full || home.battery.is_none()) { (*intent, None) } else { (rests, None) }
        }
        (true, false) if intent.floor < home.compute.min && starts::bridges(found, solve) => {
            let floor = home.compute.min;
            (ComputeIntent { floor, ceiling: intent.ceiling.max(floor), ..*intent }, None)
        }
        (true, _) => (*intent, None),
    }
}
