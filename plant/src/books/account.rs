//! What an interval with unchanged powers adds to the books.

use crate::decision::Decision;
use crate::entry::{BySource, SlotAccount};
use crate::observe::flows::Flows;
use crate::point::Point;
use crate::reason::Reason;
use crate::site::Site;
use crate::time::{Slot, Timestamp};
use crate::units::{EurPerKwh, KilowattHours, Watts};
use crate::value::balance::{Sources, Values, opportunity};
use crate::value::situation::Situation;
use crate::value::thermal;
use std::time::Duration;

/// What one interval within a slot adds to its account.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    /// When it began.
    pub at: Timestamp,
    /// Its energies, prices, money and reasons, as the account of a slot with nothing else in it.
    pub part: SlotAccount,
}

/// Everything that stays as it is during an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// The powers.
    pub flows: Flows,
    /// What the battery would charge with, if it could have all of the surplus.
    pub charge_room: Watts,
    /// What power is worth; `None` where no price is known.
    pub values: Option<Values>,
    /// Heat that finds a use, in thermal watts.
    pub useful: Watts,
    /// What it displaces.
    pub heat_price: EurPerKwh,
    /// Why compute does what it does.
    pub reason: Reason,
}

impl Held {
    /// What stays as it is after the decision; `None` where compute's power is not known: without it nothing is booked.
    pub(super) fn of(situation: &Situation<'_>, decision: &Decision) -> Option<Self> {
        situation.image.get(Point::ComputePower).fresh()?;
        Some(Self {
            flows: Flows::measured(situation.image)?,
            charge_room: situation.charge_room,
            values: situation.published.known().then_some(situation.values),
            useful: situation.useful,
            heat_price: situation.heat_price,
            reason: decision.reason,
        })
    }

    /// The share of compute's heat that finds a use.
    pub(super) fn useful_share(&self, site: &Site) -> f64 {
        thermal::useful_share(site, site.compute.max.min(self.flows.compute.max(Watts(1.0))), self.useful)
    }
}

/// The parts of the time from `from`, `span` long, cut at the borders of slots.
pub(super) fn intervals(site: &Site, held: &Held, from: Timestamp, span: Duration) -> Vec<Interval> {
    let mut parts = Vec::new();
    let Ok(span) = chrono::TimeDelta::from_std(span) else { return parts };
    let until = from + span;
    let mut at = from;
    while at < until {
        let slot = Slot::containing(at);
        let end = slot.end().min(until);
        parts.push(Interval { at, part: part(site, held, slot, crate::time::elapsed(at, end)) });
        at = end;
    }
    parts
}

fn part(site: &Site, held: &Held, slot: Slot, span: Duration) -> SlotAccount {
    let flows = held.flows;
    let sources = Sources::of(flows);
    let compute = flows.compute.over(span);
    let heat = compute * site.compute.heat_fraction;
    let import = flows.grid.positive().over(span);
    let export = (-flows.grid).positive().over(span);

    let mut account = SlotAccount::new(slot);
    account.observed_s = span.as_secs_f64();
    if flows.pv.is_none() || flows.heat_pump.is_none() {
        account.unmetered_s = span.as_secs_f64();
    }
    account.compute =
        BySource { pv: sources.pv.over(span), battery: sources.battery.over(span), grid: sources.grid.over(span) };
    (account.import, account.export) = (import, export);
    account.pv = flows.pv.map_or(KilowattHours::ZERO, |pv| pv.over(span));
    account.charged = flows.charge().over(span);
    account.discharged = flows.discharge().over(span);
    account.heat_pump = flows.heat_pump.map_or(KilowattHours::ZERO, |heat_pump| heat_pump.over(span));
    account.heat = heat;
    account.heat_used = used(heat, held.useful, site, flows.compute);
    account.reasons.insert(held.reason, span.as_secs_f64());
    match held.values {
        Some(values) => price(site, held, &values, &mut account),
        None => account.unpriced_s = span.as_secs_f64(),
    }
    account
}

/// The money of an account whose energies are known.
fn price(site: &Site, held: &Held, values: &Values, account: &mut SlotAccount) {
    let compute = account.compute.total();
    let electricity = opportunity(held.flows, held.charge_room, &site.grid, values);
    let worth = thermal::heat_worth(site, held.flows.compute, held.useful, held.heat_price, electricity);
    (account.import_price, account.export_price) = (values.import, values.export);
    account.electricity_cost = compute * electricity;
    account.heat_value = compute * worth;
    account.net = account.heat_value - account.electricity_cost;
    account.cost = account.import * values.import - account.export * values.export - account.heat_value;
    account.cost_without = account.cost + account.net;
}

fn used(heat: KilowattHours, useful: Watts, site: &Site, power: Watts) -> KilowattHours {
    heat * thermal::useful_share(site, power, useful)
}
