//! The plan by rule, for a house that cannot be planned as a whole and for a solver that says no: what a kilowatt-hour of compute costs and
//! brings in each slot ahead, and so how much of it to run. Everything else is left to its own rule.

/// How much compute to run in each slot ahead.
mod allocate;
/// Heat that finds a use in the slots ahead.
mod heating;
/// The slots that a plan looks at.
mod horizon;
/// The slots ahead, with the battery in them.
mod projection;
/// Starts that do not pay for themselves.
mod starts;

use crate::plan::{Plan, PlanRequest, PlannedSlot};
use crate::planner::rule::heating::Heating;
use crate::planner::rule::horizon::Horizon;
use crate::planner::rule::projection::look;
use crate::time::Slot;
use crate::units::Percent;

/// Plans the slots ahead: those in which it is known, or estimated, what exported power earns.
pub(super) fn plan(request: &PlanRequest) -> Plan {
    let mut horizon = Horizon::of(request);
    let mut heating = Heating::of(request, &horizon);
    let mut taken = Vec::new();
    let mut with = Vec::new();
    // What the first pass takes is missed in the second: heat put into a store is no longer wanted, and a battery that
    // does not get full any more holds dearer energy.
    for _ in 0..2 {
        taken = allocate::allocate(request, &horizon, &heating.useful);
        starts::withdraw(request, &mut taken);
        heating = heating.warmed_by(request, &horizon, &taken);
        with = look(&horizon.slots, &horizon.prices, horizon.battery(request), horizon.can_hold, |index| {
            taken[index].compute
        });
        for (ahead, with) in horizon.ahead.iter_mut().zip(&with) {
            ahead.stored = ahead.stored.max(with.stored);
        }
    }
    let rows = horizon.slots.iter().zip(&taken).zip(&horizon.prices).zip(horizon.ahead.iter().zip(&with));
    let slots: Vec<_> = rows
        .filter_map(|(((slot, taken), prices), (without, with))| {
            let prices = (*prices)?;
            let soc = request.site.battery.filter(|_| request.soc.is_some());
            Some(PlannedSlot {
                slot: slot.slot,
                start: slot.slot.start(),
                import_price: slot.import_price,
                export_price: prices.export,
                estimated_from: slot.estimated_from,
                pv: slot.pv,
                load: slot.load.zip(slot.heat_pump).map(|(load, heat_pump)| load + heat_pump),
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
                pv_spread: slot.pv_spread,
                load_spread: slot.load_spread,
                house: None,
            })
        })
        .collect();
    let expected_net = slots.iter().map(|slot| slot.compute.over(Slot::LENGTH) * slot.worth.net()).sum();
    Plan { made_at: request.at, mode: request.mode, slots, expected_net }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Mode;
    use crate::plan::ExpectedSlot;
    use crate::reason::Reason;
    use crate::test_site::{at, site};
    use crate::units::{Celsius, Eur, EurPerKwh, Watts};
    use crate::work::{Backlog, Due};
    use std::sync::Arc;

    /// A day from 0:00 UTC: PV from 10 to 14, the wholesale price by the hour.
    fn request(pv: f64, price: impl Fn(i64) -> f64) -> PlanRequest {
        let start = at("2026-07-01T00:00:00Z");
        let slot = |number: i64| ExpectedSlot {
            slot: Slot::containing(start).plus(number),
            import_price: Some(EurPerKwh(price(number / 4))),
            export_price: Some(EurPerKwh(0.08)),
            estimated_from: None,
            pv: Some(if (10..14).contains(&(number / 4)) { Watts(pv) } else { Watts::ZERO }),
            load: Some(Watts(400.0)),
            heat_pump: Some(Watts::ZERO),
            outdoor: Some(Celsius(20.0)),
            carbon: Some(if number / 4 < 4 { 100.0 } else { 400.0 }),
            pv_spread: Watts::ZERO,
            load_spread: Watts::ZERO,
            irradiance: None,
            hot_water: None,
            hot_water_margin: [0.0; 3],
            summer: false,
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
            warmth: None,
            arrivals: Vec::new(),
            disinfected: None,
            before: None,
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
            let mut sunny = request(5000.0, |_| 0.30);
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
    fn a_slot_without_a_price_is_no_reason_not_to_plan_the_others() {
        let mut request = request(5000.0, |_| 0.1);
        request.slots[0].export_price = None;
        for slot in [0, 10] {
            request.slots[slot].import_price = None;
        }
        let planned = plan(&request);
        assert_eq!(planned.slots.len(), 95);
        assert_eq!(planned.at(request.at), None, "nobody knows what power earns in the first");
        let dear = &planned.slots[9];
        assert_eq!((dear.slot, dear.import_price), (request.slots[10].slot, None));
        assert_eq!((dear.floor, dear.reason), (Watts::ZERO, Reason::Idle), "nothing is bought at an unknown price");
        assert!(dear.ceiling > Watts::ZERO, "surplus is welcome all the same");
        assert_eq!((planned.slots[8].floor, planned.slots[10].floor), (Watts(1000.0), Watts(1000.0)));
    }

    #[test]
    fn without_any_price_of_import_the_plan_follows_the_sun() {
        for mode in [Mode::Auto, Mode::Eco] {
            let mut request = request(5000.0, |_| 0.1);
            request.mode = mode;
            request.slots.iter_mut().for_each(|slot| slot.import_price = None);
            let planned = plan(&request);
            assert_eq!(planned.slots.len(), 96);
            assert_eq!(hours(&planned, 10, 14), (4.0, vec![Reason::Surplus]), "{mode}");
            assert!(planned.slots.iter().all(|slot| slot.floor == Watts::ZERO), "{mode}");
        }
    }

    #[test]
    fn what_nobody_knows_of_the_house_is_no_surplus() {
        let unknown: [fn(&mut ExpectedSlot); 3] =
            [|slot| slot.load = None, |slot| slot.pv = None, |slot| slot.heat_pump = None];
        for (row, forget) in unknown.into_iter().enumerate() {
            let mut request = request(9000.0, |_| 0.30);
            request.soc = Some(Percent(100.0));
            assert_eq!(hours(&plan(&request), 10, 14).0, 4.0);
            request.slots.iter_mut().for_each(forget);
            let planned = plan(&request);
            assert_eq!(hours(&planned, 0, 24), (0.0, vec![Reason::Idle]), "{row}");
            assert!(planned.slots[44].ceiling > Watts::ZERO, "it is followed when it is there: {row}");
            assert_eq!(planned.slots[44].battery_soc, Some(Percent(100.0)), "{row}");
            let shown = (planned.slots[44].pv.is_some(), planned.slots[44].load.is_some());
            assert_eq!(shown, (row != 1, row == 1), "{row}");
        }
    }

    #[test]
    fn a_request_of_an_older_recording_is_read() {
        let mut old = serde_json::to_value(request(0.0, |_| 0.1).slots[0]).unwrap();
        assert!(old.get("estimated_from").is_none());
        (old["pv"], old["load"], old["heat_pump"]) = (1200.0.into(), 400.0.into(), 0.0.into());
        let read: ExpectedSlot = serde_json::from_value(old).unwrap();
        assert_eq!((read.surplus(), read.estimated_from), (Some(Watts(800.0)), None));
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
