//! Starts of compute that pay for themselves, without integers: a run that is planned to begin now is taken out, the program is solved
//! again, and the run begins only if that costs more than the start that it saves.
//!
//! Example: a start costs 0.03 EUR. Without the run at noon the plan is 0.02 EUR dearer, and has one run less: the box stays off, and heat
//! pump and battery follow the plan without it. Had the plan moved the run to the afternoon, no start would have been saved, and it begins.

use crate::planner::found::Found;
use crate::planner::model::Model;
use crate::program::{Program, Solution, Solve};
use std::ops::Range;

/// Pauses up to this long do not part a run, h.
const PAUSE: f64 = 0.5;
/// Work that takes less than so many hours at full power waits for more, where waiting is cheap.
const BATCH_HOURS: f64 = 0.4;
/// A least power below this share of the greatest makes no difference.
pub(super) const SMALL: f64 = 0.1;
/// Less power than this is none, kW.
const TINY: f64 = 1e-3;
/// A pause that costs so many starts to bridge is not looked at any closer.
const DEARER: f64 = 4.0;
/// So long it waits, h.
const WAITS: f64 = 2.0;

/// What became of a run that was to begin now.
#[derive(Debug)]
pub(super) enum Start {
    /// It begins, or none was to begin; with the plan in which it lasts as long as it has to, where it was shorter.
    Granted(Option<Solution>),
    /// It does not: this is the plan without it.
    Refused(Solution),
}

/// Whether the run that `found` begins with pays for its start; `waiting` kWh of work wait where there is no other.
pub(super) fn check(found: &Found<'_, '_>, waiting: Option<f64>, solve: &mut Solve<'_>) -> Start {
    let model = found.model;
    let compute = found.compute();
    if !compute.first().is_some_and(|now| found.runs(*now)) {
        return Start::Granted(None);
    }
    let run = run(found, &compute);
    let least = least(model, model.home.compute.min_on);
    let whole = 0..run.end.max(least.end);
    let lasting =
        if run.end < least.end { solve(&runs(model, least.flat_map(|step| model.nodes.of_step(step)))) } else { None };
    let with = Found { model, solution: lasting.as_ref().unwrap_or(found.solution) };
    let cost = with.solution.cost + overstated(&with, whole);
    let Some(without) = solve(&idle(model, run)) else { return Start::Granted(lasting) };
    let other = Found { model, solution: &without };
    let saved = starts(found, &compute).saturating_sub(starts(&other, &other.compute())).min(1);
    if without.cost - cost < model.home.compute.start * saved as f64 {
        return Start::Refused(without);
    }
    let little = waiting.is_some_and(|waiting| waiting < BATCH_HOURS * model.home.compute.max);
    if !little {
        return Start::Granted(lasting);
    }
    let Some(later) = solve(&idle(model, within(model, WAITS))) else { return Start::Granted(lasting) };
    if later.cost - cost < model.home.compute.start { Start::Refused(later) } else { Start::Granted(lasting) }
}

/// Whether compute, which runs, had better go on at its least power through the pause that is planned from now on: where there is much
/// sun that costs less than the pause, which may have to be longer than planned, and the start after it.
pub(super) fn bridges(found: &Found<'_, '_>, solve: &mut Solve<'_>) -> bool {
    let (model, compute) = (found.model, found.compute());
    let start = model.home.compute.start;
    let Some(next) = compute.iter().position(|power| found.runs(*power)).filter(|next| *next > 0) else { return false };
    let least = least(model, model.home.compute.min_off);
    if next >= least.end && through(found, next) > DEARER * start {
        return false;
    }
    let paused = if next < least.end { solve(&idle(model, least)).map(|paused| paused.cost) } else { None };
    let sunny = model.nodes.path(model.nodes.branches - 1).take(next);
    let Some(on) = solve(&runs(model, sunny)) else { return false };
    let on = on.cost + overstated(&Found { model, solution: &on }, 0..next);
    on < paused.unwrap_or(found.solution.cost) + start
}

/// About what it costs to run at the least power until step `next`, EUR.
fn through(found: &Found<'_, '_>, next: usize) -> f64 {
    let (model, nodes) = (found.model, found.model.nodes);
    let value = found.margins(0).compute;
    let cost = |step: usize| {
        let node = nodes.node(step, nodes.branches - 1);
        (found.margins(node).power - value).max(0.0) * model.home.compute.min * nodes.all[node].hours
    };
    (0..next).map(cost).sum()
}

/// The program in which the next hours know the least power: where `found` plans less, compute rests or runs at it, whichever is nearer.
/// `None` where nothing changes, or the least power is so small that it makes no difference.
pub(super) fn rounded(found: &Found<'_, '_>) -> Option<Program> {
    let (model, compute) = (found.model, &found.model.home.compute);
    if compute.min < SMALL * compute.max {
        return None;
    }
    let soon = |node: &usize| model.nodes.all[*node].hours < PAUSE;
    let nodes = (0..model.nodes.all.len()).filter(soon);
    let between = nodes.filter(|node| (TINY..compute.min - TINY).contains(&found.flows(*node).compute));
    let mut program = None;
    for node in between {
        let column = model.columns.compute[node];
        let program = program.get_or_insert_with(|| model.program.clone());
        let bounds = &mut program.columns[column];
        if found.runs(found.flows(node).compute) {
            bounds.lower = bounds.lower.max(compute.min).min(bounds.upper);
        } else {
            bounds.upper = bounds.lower;
        }
    }
    program
}

/// The steps of the run that begins now.
fn run(found: &Found<'_, '_>, compute: &[f64]) -> Range<usize> {
    let hours = |step: usize| found.model.nodes.all[found.model.nodes.node(step, 0)].hours;
    let runs = |step: usize| compute.get(step).is_some_and(|power| found.runs(*power));
    let goes_on = |step: usize| runs(step) || runs(step + 1) && hours(step) < PAUSE;
    let end = (1..compute.len()).find(|step| !goes_on(*step)).unwrap_or(compute.len());
    0..end
}

/// By how much the program overstates the work of `steps`, EUR: for it each kilowatt-hour is as good as one at full power, but the work of a
/// box grows from its idle power on. One that idles at 30 W of 300 does a ninth of its work at 60 W, not a fifth.
fn overstated(found: &Found<'_, '_>, steps: Range<usize>) -> f64 {
    let (nodes, home) = (found.model.nodes, found.model.home);
    let compute = &home.compute;
    let of_node = |node: usize| {
        let power = found.flows(node).compute;
        if power <= TINY || compute.max <= compute.idle {
            return 0.0;
        }
        nodes.hourly(node, home.standing * compute.idle * (compute.max - power) / (compute.max - compute.idle))
    };
    steps.flat_map(|step| nodes.of_step(step)).map(of_node).sum()
}

/// The steps that end within so many hours.
fn within(model: &Model<'_>, hours: f64) -> Range<usize> {
    let mut passed = 0.0;
    let end = model.nodes.path(0).take_while(|node| {
        passed += model.nodes.all[*node].hours;
        passed <= hours + 1e-9
    });
    0..end.count()
}

/// The steps of `least` hours from now on; the last of them may be longer.
fn least(model: &Model<'_>, least: f64) -> Range<usize> {
    let whole = within(model, least).end;
    let passed: f64 = model.nodes.path(0).take(whole).map(|node| model.nodes.all[node].hours).sum();
    0..if passed < least - 1e-9 { whole + 1 } else { whole }.min(model.nodes.steps.len())
}

/// Times that compute starts, from off.
fn starts(found: &Found<'_, '_>, compute: &[f64]) -> usize {
    let on = |power: &f64| found.runs(*power);
    let first = usize::from(compute.first().is_some_and(on));
    first + compute.windows(2).filter(|pair| !on(&pair[0]) && on(&pair[1])).count()
}

/// The program in which compute rests in `steps`.
fn idle(model: &Model<'_>, steps: Range<usize>) -> Program {
    let mut program = model.program.clone();
    for column in model.run(steps) {
        (program.columns[column].lower, program.columns[column].upper) = (0.0, 0.0);
    }
    program
}

/// The program in which compute runs in `nodes`.
fn runs(model: &Model<'_>, nodes: impl Iterator<Item = usize>) -> Program {
    let mut program = model.program.clone();
    for node in nodes {
        let bounds = &mut program.columns[model.columns.compute[node]];
        bounds.lower = bounds.lower.max(model.home.compute.min).min(bounds.upper);
    }
    program
}
