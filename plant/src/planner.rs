//! Plans the slots ahead: what a kilowatt-hour of compute costs and brings in each of them, and so how much of it to run.
//!
//! Pure: a plan depends on nothing but its request, so the host may compute it anywhere.

pub mod ahead;
pub mod allocate;
pub mod request;
pub mod starts;

use crate::command::Mode;
use crate::decision::Control;
use crate::plan::{Plan, PlannedSlot};
use crate::planner::ahead::{Ahead, SlotPrices, look};
use crate::planner::allocate::Taken;
use crate::site::{Battery, HeatSink, Site};
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, EurPerKwh, Percent, Watts};
use crate::value::thermal::{self, Temperatures};
use crate::work::Backlog;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is known or expected of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedSlot {
    /// The slot.
    pub slot: Slot,
    /// What imported power costs, fees and taxes included; estimated where the price is not yet published, `None` where
    /// there is nothing to estimate it from.
    pub import_price: Option<EurPerKwh>,
    /// What exported power earns; as above.
    pub export_price: Option<EurPerKwh>,
    /// Expected PV power.
    pub pv: Watts,
    /// Expected consumption of the house without compute and heat pump.
    pub load: Watts,
    /// Expected consumption of the heat pump.
    pub heat_pump: Watts,
    /// Expected outdoor temperature.
    pub outdoor: Option<Celsius>,
    /// Carbon intensity of grid power in g/kWh.
    pub carbon: Option<f64>,
}

/// Everything a plan depends on, frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// The moment.
    pub at: Timestamp,
    /// What is installed.
    pub site: Arc<Site>,
    /// The owner's standing wish.
    pub mode: Mode,
    /// The mode to return to, and when, while a boost runs.
    pub boost: Option<(Mode, Timestamp)>,
    /// The owner's cap on compute power.
    pub power_limit: Watts,
    /// The grid operator's limit, while it dims.
    pub grid_dimming: Option<Watts>,
    /// The slots ahead, in order and without gaps, the current one first.
    pub slots: Vec<ExpectedSlot>,
    /// The battery's state of charge, where it is known.
    pub soc: Option<Percent>,
    /// Room temperature, where it is known.
    pub room: Option<Celsius>,
    /// Tank temperature, where it is known.
    pub tank: Option<Celsius>,
    /// Mean outdoor temperature of the last day, where it is known: it tells the heating season from summer.
    pub outdoor_mean: Option<Celsius>,
    /// Since when compute runs; `None` while it does not.
    pub running_since: Option<Timestamp>,
    /// Work that waits.
    pub backlog: Backlog,
    /// Tokens that a kilowatt-hour of compute brings.
    pub tokens_per_kwh: f64,
}

/// Plans the slots ahead. The plan ends where prices can be neither known nor estimated.
pub fn plan(request: &PlanRequest) -> Plan {
    let mut outlook = Outlook::of(request);
    let mut heating = Heating::of(request, &outlook);
    let mut taken = Vec::new();
    let mut with = Vec::new();
    // What the first pass takes is missed in the second: heat put into a store is no longer wanted, and a battery that
    // does not get full any more holds dearer energy.
    for _ in 0..2 {
        taken = allocate::allocate(request, &outlook, &heating.useful);
        starts::withdraw(request, &mut taken);
        heating = heating.warmed_by(request, &outlook, &taken);
        with = look(&outlook.slots, &outlook.prices, outlook.battery(request), outlook.can_hold, |index| {
            taken[index].compute
        });
        for (ahead, with) in outlook.ahead.iter_mut().zip(&with) {
            ahead.stored = ahead.stored.max(with.stored);
        }
    }
    let rows = outlook.slots.iter().zip(&taken).zip(&outlook.prices).zip(outlook.ahead.iter().zip(&with));
    let slots: Vec<_> = rows
        .map(|(((slot, taken), prices), (without, with))| {
            let soc = request.site.battery.filter(|_| request.soc.is_some());
            PlannedSlot {
                slot: slot.slot,
                start: slot.slot.start(),
                import_price: prices.import,
                export_price: prices.export,
                pv: slot.pv,
                load: slot.load + slot.heat_pump,
                compute: taken.compute,
                floor: taken.floor,
                ceiling: taken.ceiling,
                battery_first: taken.battery_first,
                stored: without.stored,
                heat: taken.heat,
                battery_soc: soc.map(|battery| Percent(with.energy / battery.capacity * 100.0)),
                outdoor: slot.outdoor,
                reason: taken.reason,
                worth: taken.worth,
            }
        })
        .collect();
    let expected_net = slots.iter().map(|slot| slot.compute.over(Slot::LENGTH) * slot.worth.net()).sum();
    Plan { made_at: request.at, mode: request.mode, slots, expected_net }
}

/// The slots with prices, and the house in them without compute.
#[derive(Debug)]
pub struct Outlook {
    /// What is expected.
    pub slots: Vec<ExpectedSlot>,
    /// What power costs and earns.
    pub prices: Vec<SlotPrices>,
    /// The house without compute.
    pub ahead: Vec<Ahead>,
    /// Whether the battery can be told to hold its energy.
    pub can_hold: bool,
}

impl Outlook {
    fn of(request: &PlanRequest) -> Self {
        let priced =
            |slot: &ExpectedSlot| Some((*slot, SlotPrices { import: slot.import_price?, export: slot.export_price? }));
        let (slots, prices): (Vec<_>, Vec<_>) = request.slots.iter().map_while(priced).unzip();
        let can_hold = request.site.devices.iter().any(|device| device.controls.contains_key(&Control::BatteryMode));
        let mut outlook = Self { slots, prices, ahead: Vec::new(), can_hold };
        outlook.ahead = look(&outlook.slots, &outlook.prices, outlook.battery(request), can_hold, |_| Watts::ZERO);
        outlook
    }

    /// The battery with its charge; one whose charge is unknown is not counted on.
    fn battery<'a>(&self, request: &'a PlanRequest) -> Option<(&'a Battery, Percent)> {
        request.site.battery.as_ref().zip(request.soc)
    }
}

/// Heat that finds a use in each slot.
#[derive(Debug)]
struct Heating {
    useful: Vec<Watts>,
}

impl Heating {
    fn of(request: &PlanRequest, outlook: &Outlook) -> Self {
        Self::with(request, outlook, |_| Watts::ZERO)
    }

    fn warmed_by(&self, request: &PlanRequest, outlook: &Outlook, taken: &[Taken]) -> Self {
        Self::with(request, outlook, |index| taken[index].heat)
    }

    /// The store stays where its own heating holds it, unless compute gives it more than it loses.
    fn with(request: &PlanRequest, outlook: &Outlook, heat: impl Fn(usize) -> Watts) -> Self {
        let site = &request.site;
        let store = thermal::store(site);
        let mut warmed = 0.0;
        let useful = outlook.slots.iter().enumerate().map(|(index, slot)| {
            let temperatures = Temperatures {
                room: request.room.map(|room| Celsius(room.0 + warmed)),
                tank: request.tank.map(|tank| Celsius(tank.0 + warmed)),
                outdoor: slot.outdoor,
                outdoor_mean: request.outdoor_mean,
            };
            let useful = thermal::useful(site, &temperatures, Slot::LENGTH);
            if let Some(store) = store {
                let around = match site.compute.heat_into {
                    HeatSink::Tank => Some(Celsius(20.0)),
                    HeatSink::Room | HeatSink::HeatPumpSource | HeatSink::Outside => slot.outdoor,
                };
                let own = request.room.filter(|_| site.compute.heat_into == HeatSink::Room).or(request.tank);
                let above = own.zip(around).map_or(0.0, |(own, around)| (own.0 + warmed - around.0).max(0.0));
                let gain = (heat(index).0 / 1000.0 - store.loss_kw_per_k * above) * 0.25;
                warmed = (warmed + gain / store.capacity_kwh_per_k.max(1e-3)).max(0.0);
            }
            useful
        });
        Self { useful: useful.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use crate::test_site::{at, site};
    use crate::units::Eur;
    use crate::work::Due;

    /// A day from 0:00 UTC: PV from 10 to 14, the wholesale price by the hour.
    fn request(pv: f64, price: impl Fn(i64) -> f64) -> PlanRequest {
        let start = at("2026-07-01T00:00:00Z");
        let slot = |number: i64| ExpectedSlot {
            slot: Slot::containing(start).plus(number),
            import_price: Some(EurPerKwh(price(number / 4))),
            export_price: Some(EurPerKwh(0.08)),
            pv: if (10..14).contains(&(number / 4)) { Watts(pv) } else { Watts::ZERO },
            load: Watts(400.0),
            heat_pump: Watts::ZERO,
            outdoor: Some(Celsius(20.0)),
            carbon: Some(if number / 4 < 4 { 100.0 } else { 400.0 }),
        };
        PlanRequest {
            at: start,
            site: Arc::new(site()),
            mode: Mode::Auto,
            boost: None,
            power_limit: Watts(1000.0),
            grid_dimming: None,
            slots: (0..96).map(slot).collect(),
            soc: Some(Percent(5.0)),
            room: None,
            tank: None,
            outdoor_mean: Some(Celsius(20.0)),
            running_since: None,
            backlog: Backlog::default(),
            tokens_per_kwh: 1e6,
        }
    }

    /// Planned energy in kWh from hour to hour, and the reasons in it.
    fn hours(plan: &Plan, from: usize, to: usize) -> (f64, Vec<Reason>) {
        let slots = &plan.slots[from * 4..to * 4];
        let mut reasons: Vec<_> = slots.iter().map(|slot| slot.reason).collect();
        reasons.dedup();
        (slots.iter().map(|slot| slot.compute.over(Slot::LENGTH).0).sum(), reasons)
    }

    #[test]
    fn standing_work_runs_where_power_is_cheaper_than_it_pays() {
        let planned = plan(&request(0.0, |hour| {
            if hour < 3 {
                0.10
            } else if hour < 6 {
                -0.02
            } else {
                0.30
            }
        }));
        assert_eq!(hours(&planned, 0, 3), (3.0, vec![Reason::CheapPower]));
        assert_eq!(hours(&planned, 3, 6), (3.0, vec![Reason::NegativePrice]));
        assert_eq!(hours(&planned, 6, 24), (0.0, vec![Reason::Idle]));
        assert!(planned.slots[30].ceiling > Watts::ZERO, "surplus that nobody expected is welcome");
        assert!((planned.expected_net.0 - 3.0 * (0.15 - 0.10) - 3.0 * (0.15 + 0.02)).abs() < 0.02);
    }

    #[test]
    fn a_battery_that_fills_anyway_lets_compute_go_first() {
        let planned = plan(&request(5000.0, |_| 0.30));
        assert_eq!(hours(&planned, 10, 14), (4.0, vec![Reason::Surplus]));
        assert!(!planned.slots[41].battery_first);
        assert!(planned.slots[56].battery_soc > Some(Percent(90.0)));
        assert!(planned.slots[41].stored.0 < 0.15, "energy in it is cheap");
        assert!(planned.slots[70].stored.0 > 0.2);
    }

    #[test]
    fn a_battery_that_hardly_fills_comes_first() {
        let planned = plan(&request(3300.0, |_| 0.30));
        let (energy, reasons) = hours(&planned, 10, 14);
        assert!((0.5..1.8).contains(&energy), "{energy}");
        assert_eq!(reasons, [Reason::Idle, Reason::Surplus]);
        assert!(planned.slots[41].battery_first && planned.slots[41].stored.0 > 0.2);
    }

    #[test]
    fn a_deadline_gets_the_cheapest_hours_before_it() {
        let mut late = request(0.0, |hour| if hour == 5 { 0.28 } else { 0.40 });
        late.backlog = Backlog {
            jobs: 1,
            tokens: 1_500_000,
            value: Eur(0.01),
            due: vec![Due { at: at("2026-07-01T08:00:00Z"), tokens: 1_500_000 }],
            interactive: 0,
        };
        let planned = plan(&late);
        assert_eq!(hours(&planned, 5, 6), (1.0, vec![Reason::Deadline]));
        let before = hours(&planned, 0, 8).0;
        assert!((1.72..2.3).contains(&before), "{before}");
        assert_eq!(hours(&planned, 8, 24).0, 0.0);
    }

    #[test]
    fn each_deadline_gets_what_is_due_by_it_and_no_more() {
        let mut busy = request(0.0, |hour| if hour == 20 { 0.10 } else { 0.40 });
        Arc::make_mut(&mut busy.site).work.standing = EurPerKwh::ZERO;
        let due = |time, tokens| Due { at: at(time), tokens };
        busy.backlog = Backlog {
            jobs: 40,
            tokens: 2_300_000,
            value: Eur(0.46),
            // Twenty small ones that share their power, one for later, and work that can wait.
            due: [vec![due("2026-07-01T06:00:00Z", 10_000); 20], vec![due("2026-07-01T12:00:00Z", 800_000)]].concat(),
            interactive: 0,
        };
        let planned = plan(&busy);
        let (first, second) = (hours(&planned, 0, 6).0, hours(&planned, 6, 12).0);
        assert!(first >= 0.23, "{first}");
        assert!((1.1..1.7).contains(&(first + second)), "{first} + {second}");
        assert_eq!(hours(&planned, 12, 20).0, 0.0);
        assert!(hours(&planned, 20, 21).0 > 0.9);
    }

    #[test]
    fn jobs_without_a_deadline_wait_for_the_best_hours() {
        let mut patient = request(0.0, |hour| if hour == 20 { 0.10 } else { 0.25 });
        Arc::make_mut(&mut patient.site).work.standing = EurPerKwh::ZERO;
        patient.backlog = Backlog { jobs: 1, tokens: 800_000, value: Eur(0.4), ..Backlog::default() };
        let planned = plan(&patient);
        assert_eq!(hours(&planned, 20, 21).1[0], Reason::PaidWork);
        assert_eq!(hours(&planned, 0, 20).0, 0.0);
    }

    #[test]
    fn the_sun_of_today_is_not_kept_for_a_slightly_better_tomorrow() {
        let rows = [(0.07, 4.0), (-0.20, 0.0)];
        for (tomorrow, today) in rows {
            let mut sunny = request(9000.0, |_| 0.30);
            let more = sunny.slots.clone().into_iter().map(|slot| ExpectedSlot {
                slot: slot.slot.plus(96),
                export_price: Some(EurPerKwh(tomorrow)),
                ..slot
            });
            sunny.slots.extend(more.collect::<Vec<_>>());
            Arc::make_mut(&mut sunny.site).work.standing = EurPerKwh::ZERO;
            sunny.soc = None;
            sunny.backlog = Backlog { jobs: 9, tokens: 4_000_000, value: Eur(1.2), ..Backlog::default() };
            let planned = plan(&sunny);
            let found = hours(&planned, 10, 14).0;
            assert!((found - today).abs() < 0.3, "{tomorrow}: {found}");
        }
    }

    #[test]
    fn every_mode_has_its_own_plan() {
        let rows = [
            // mode, energy in the clean cheap night, at noon, in the evening
            (Mode::Off, 0.0, 0.0, 0.0),
            (Mode::Auto, 4.0, 4.0, 0.0),
            (Mode::Eco, 4.0, 4.0, 0.0),
            (Mode::Surplus, 0.0, 4.0, 0.0),
        ];
        for (mode, night, noon, evening) in rows {
            let mut request = request(9000.0, |hour| if hour < 8 { 0.05 } else { 0.30 });
            request.mode = mode;
            request.soc = Some(Percent(100.0));
            let planned = plan(&request);
            let found = (hours(&planned, 0, 4).0, hours(&planned, 10, 14).0, hours(&planned, 16, 20).0);
            assert_eq!(found, (night, noon, evening), "{mode}");
            if mode == Mode::Eco {
                assert_eq!(hours(&planned, 4, 8).0, 0.0, "cheap, but not clean");
            }
        }
    }

    #[test]
    fn unknown_prices_end_the_plan() {
        let mut request = request(0.0, |_| 0.1);
        request.slots[10].import_price = None;
        assert_eq!(plan(&request).slots.len(), 10);
        request.slots[0].export_price = None;
        assert_eq!(plan(&request).slots.len(), 0);
    }

    #[test]
    fn heat_makes_work_pay_until_the_room_is_warm() {
        let mut cold = request(0.0, |_| 0.25);
        for slot in &mut cold.slots {
            slot.outdoor = Some(Celsius(-5.0));
        }
        Arc::make_mut(&mut cold.site).displaced = Some(crate::site::HeatSource::Electric);
        (cold.room, cold.outdoor_mean) = (Some(Celsius(20.5)), Some(Celsius(-5.0)));
        let planned = plan(&cold);
        assert_eq!(planned.slots[0].reason, Reason::HeatDemand);
        assert!(planned.slots[0].worth.heat.0 > 0.2 && planned.slots[0].heat.0 > 900.0);
        cold.room = Some(Celsius(23.5));
        assert_eq!(plan(&cold).slots[0].reason, Reason::Idle);
    }
}
