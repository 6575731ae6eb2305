//! What an interval with unchanged powers adds to the books. What is known is counted, whatever else is not.

use crate::decision::{Decision, HeatSink, Setting};
use crate::entry::{Bill, BySource, SlotAccount, SlotReadings, Valuation};
use crate::image::Image;
use crate::observe::flows::Flows;
use crate::plan::HeatRoute;
use crate::point::{Point, Role};
use crate::reason::Reason;
use crate::site::Site;
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, EurPerKwh, KilowattHours, Percent, Watts};
use crate::value::balance::{Sources, Values, opportunity};
use crate::value::situation::{AWAKE, Situation};
use crate::value::tariff::Prices;
use crate::value::thermal;
use std::time::Duration;

/// A smaller share of compute's heat is what rounding leaves.
const LITTLE: f64 = 1e-6;

/// What one interval within a slot adds to its account.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    /// When it began.
    pub at: Timestamp,
    /// Its energies, prices, money and reasons, as the account of a slot with nothing else in it.
    pub part: SlotAccount,
}

/// The powers that are booked, each where it is known; a role that the site lacks moves none.
#[derive(Clone, Copy, Debug)]
struct Powers {
    grid: Watts,
    pv: Option<Watts>,
    battery: Option<Watts>,
    heat_pump: Option<Watts>,
    hot_water: Option<Watts>,
    heat_pump_heat: Option<Watts>,
    house: Option<Watts>,
}

impl Powers {
    /// The powers of `image`; `None` where the grid's is not known.
    fn of(image: &Image) -> Option<Self> {
        let fresh = |point| image.get(point).fresh().map(Watts);
        let power = |point| if image.points.contains_key(&point) { fresh(point) } else { Some(Watts::ZERO) };
        Some(Self {
            grid: fresh(Point::GridPower)?,
            pv: power(Point::PvPower).map(Watts::positive),
            battery: power(Point::BatteryPower),
            heat_pump: power(Point::HeatPumpPower).map(Watts::positive),
            hot_water: fresh(Point::HeatPumpHotWaterPower).map(Watts::positive),
            heat_pump_heat: fresh(Point::HeatPumpHeat).map(Watts::positive),
            house: fresh(Point::HousePower).map(Watts::positive),
        })
    }

    /// Whether none but PV's is missing that the site has, the house aside: it follows from the others.
    fn complete_but_pv(&self) -> bool {
        self.battery.is_some() && self.heat_pump.is_some()
    }
}

/// Everything that stays as it is during an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    powers: Powers,
    /// The same with compute's, where grid, battery and compute are known: its account depends on all three.
    flows: Option<Flows>,
    /// Compute's power.
    computing: Option<Watts>,
    /// What the battery would charge with, if it could have all of the surplus.
    charge_room: Watts,
    /// What power costs and earns, as published.
    prices: Prices,
    /// What power is worth; `None` where a price is not published.
    values: Option<Values>,
    /// Heat that finds a use, in thermal watts.
    useful: Watts,
    /// What it displaces.
    heat_price: EurPerKwh,
    readings: SlotReadings,
    /// Whether the heat pump is set to something else than its own rule.
    steered: bool,
    /// Why compute does what it does.
    reason: Reason,
}

impl Held {
    /// What stays as it is after the decision; `None` where the grid's power is not known: without it nothing is booked.
    pub(super) fn of(situation: &Situation<'_>, decision: &Decision) -> Option<Self> {
        let image = situation.image;
        let fresh = |point| image.get(point).fresh();
        let computing = fresh(Point::ComputePower).map(Watts);
        Some(Self {
            powers: Powers::of(image)?,
            flows: Flows::measured(image).filter(|_| computing.is_some()),
            computing,
            charge_room: situation.charge_room,
            prices: situation.published,
            values: situation.published.known().then_some(situation.values),
            useful: situation.useful,
            heat_price: situation.heat_price,
            readings: SlotReadings {
                room: fresh(Point::RoomTemperature).map(Celsius),
                tank: fresh(Point::TankTemperature).map(Celsius),
                soc: fresh(Point::BatterySoc).map(Percent),
                outdoor: outdoor(situation),
                irradiance: fresh(Point::OutdoorIrradiance),
                route: route(situation, decision),
                cools: cools(decision),
                ..SlotReadings::default()
            },
            steered: decision.settings.iter().any(|setpoint| {
                let heats = setpoint.setting.control().role() == Role::HeatPump;
                heats && !setpoint.setting.is_safe()
            }),
            reason: decision.reason,
        })
    }

    /// The share of compute's heat that finds a use.
    pub(super) fn useful_share(&self, site: &Site) -> f64 {
        let compute = self.flows.map_or(Watts::ZERO, |flows| flows.compute);
        thermal::useful_share(site, site.compute.max.min(compute.max(Watts(1.0))), self.useful)
    }

    /// The points that are not known though the site has them; compute's, where nobody says what it draws.
    pub(super) fn silent(&self) -> Vec<Point> {
        let Powers { pv, battery, heat_pump, .. } = self.powers;
        let compute = self.computing.is_some();
        let known = [
            (Point::PvPower, pv.is_some()),
            (Point::BatteryPower, battery.is_some()),
            (Point::HeatPumpPower, heat_pump.is_some()),
            (Point::ComputePower, compute),
        ];
        known.into_iter().filter(|(_, known)| !known).map(|(point, _)| point).collect()
    }

    /// Whether PV makes power; `None` where it is not known.
    pub(super) fn is_sunny(&self) -> Option<bool> {
        self.powers.pv.map(|pv| pv > AWAKE)
    }

    /// Whether compute works; `None` where its power is not known. Half way from rest to its least power counts as work.
    pub(super) fn computes(&self, site: &Site) -> Option<bool> {
        let threshold = (site.compute.idle + site.compute.min) / 2.0;
        self.computing.map(|power| power > threshold)
    }
}

/// The air outside: as a thermometer reads it, and where there is none as the weather service has it.
fn outdoor(situation: &Situation<'_>) -> Option<Celsius> {
    if situation.image.points.contains_key(&Point::OutdoorTemperature) {
        return situation.image.get(Point::OutdoorTemperature).fresh().map(Celsius);
    }
    situation.temperatures.outdoor
}

/// Whether the heat pump is set to cool.
fn cools(decision: &Decision) -> bool {
    decision.settings.iter().any(|setpoint| match setpoint.setting {
        Setting::HeatPumpCoolingPower(Some(power)) => power > Watts::ZERO,
        Setting::HeatPumpCoolingPower(None)
        | Setting::ComputeBudget(_)
        | Setting::ComputeHeatRoute(_)
        | Setting::BatteryMode(_)
        | Setting::BatteryChargePower(_)
        | Setting::BatteryChargeLimit(_)
        | Setting::BatteryDischargeLimit(_)
        | Setting::HeatPumpMode(_)
        | Setting::HeatPumpSurplus(_)
        | Setting::HeatPumpRoomPower(_)
        | Setting::HeatPumpHotWaterPower(_)
        | Setting::HeatPumpRoomShift(_)
        | Setting::HeatPumpHotWaterShift(_)
        | Setting::PvLimit(_) => false,
    })
}

/// Where compute's heat is sent; `None` where its own rule sends it.
fn route(situation: &Situation<'_>, decision: &Decision) -> Option<HeatRoute> {
    let planned = situation.planned.and_then(|planned| planned.house?.route);
    let set = decision
        .settings
        .iter()
        .find_map(|setpoint| if let Setting::ComputeHeatRoute(sink) = setpoint.setting { sink } else { None });
    set.map(|sink| sent(sink, planned))
}

/// The shares of the ways where `sink` is set: as planned, where that has a share for it.
fn sent(sink: HeatSink, planned: Option<HeatRoute>) -> HeatRoute {
    let one = |room, tank, source| HeatRoute { room, tank, source };
    let (whole, share): (_, fn(&HeatRoute) -> f64) = match sink {
        HeatSink::Room => (one(1.0, 0.0, 0.0), |route| route.room),
        HeatSink::Tank => (one(0.0, 1.0, 0.0), |route| route.tank),
        HeatSink::HeatPumpSource => (one(0.0, 0.0, 1.0), |route| route.source),
        HeatSink::Outside => (one(0.0, 0.0, 0.0), |route| 1.0 - route.room - route.tank - route.source),
    };
    planned.filter(|route| share(route) > LITTLE).unwrap_or(whole)
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
    let powers = held.powers;
    let over = |power: Option<Watts>| power.map_or(KilowattHours::ZERO, |power| power.over(span));
    let seconds = span.as_secs_f64();
    let mut account = SlotAccount {
        observed_s: seconds,
        unmetered_s: if powers.complete_but_pv() && powers.pv.is_some() { 0.0 } else { seconds },
        pv_unmetered_s: if powers.complete_but_pv() && powers.pv.is_none() { seconds } else { 0.0 },
        house_unmetered_s: if powers.house.is_some() { 0.0 } else { seconds },
        steered_s: if held.steered { seconds } else { 0.0 },
        uncounted_s: if held.flows.is_some() { 0.0 } else { seconds },
        unpriced_s: if held.prices.known() { 0.0 } else { seconds },
        import: powers.grid.positive().over(span),
        export: (-powers.grid).positive().over(span),
        pv: over(powers.pv),
        charged: over(powers.battery.map(|battery| (-battery).positive())),
        discharged: over(powers.battery.map(Watts::positive)),
        heat_pump: over(powers.heat_pump),
        hot_water: over(powers.hot_water),
        heat_pump_heat: over(powers.heat_pump_heat),
        house: over(powers.house),
        readings: held.readings,
        ..SlotAccount::in_currency(slot, site.currency)
    };
    account.reasons.insert(held.reason, seconds);
    account.bill = bill(site, held, &account);
    (account.import_price, account.export_price) =
        (held.prices.import.unwrap_or_default(), held.prices.export.unwrap_or_default());
    if let Some(flows) = held.flows {
        count(site, held, flows, &mut account, span);
    }
    account
}

/// What meter and contract say, each side where its price is published.
fn bill(site: &Site, held: &Held, account: &SlotAccount) -> Bill {
    Bill {
        import: account.import * held.prices.import.unwrap_or_default(),
        export: account.export * held.prices.export.unwrap_or_default(),
        wear: site.battery.map_or_else(Default::default, |battery| account.discharged * battery.wear),
        ..Bill::default()
    }
}

/// What depends on compute's power.
fn count(site: &Site, held: &Held, flows: Flows, account: &mut SlotAccount, span: Duration) {
    let sources = Sources::of(flows);
    account.compute =
        BySource { pv: sources.pv.over(span), battery: sources.battery.over(span), grid: sources.grid.over(span) };
    account.heat = flows.compute.over(span) * site.compute.heat_fraction;
    account.heat_used = account.heat * thermal::useful_share(site, flows.compute, held.useful);
    let Some(values) = held.values else { return };
    let compute = account.compute.total();
    let electricity = opportunity(flows, held.charge_room, &site.grid, &values);
    let worth = thermal::heat_worth(site, flows.compute, held.useful, held.heat_price, electricity);
    account.valuation = Valuation { electricity_cost: compute * electricity, heat_value: compute * worth };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_that_room_and_tank_refuse_goes_outside_whatever_was_planned() {
        let planned = HeatRoute { room: 0.7, tank: 0.3, source: 0.0 };
        assert_eq!(sent(HeatSink::Room, Some(planned)), planned);
        assert_eq!(sent(HeatSink::Outside, Some(planned)), HeatRoute::default());
        assert_eq!(sent(HeatSink::Tank, None), HeatRoute { tank: 1.0, ..HeatRoute::default() });
    }
}
