//! Whatever happens in whatever order: the limits hold, the chain verifies, energies never fall, a replay gives the same.
//! A failing case is printed with its seed and kept in `proptest-regressions`.

use crate::command::{Command, Mode};
use crate::event::Event;
use crate::plan::Plan;
use crate::point::Point;
use crate::reason::{Reason, Worth};
use crate::test_house::{Conditions, House};
use crate::test_site::{at, sample, site};
use crate::time::Slot;
use crate::units::{Eur, EurPerKwh, Percent, Watts};
use crate::work::{Backlog, Due, WorkerState};
use chrono::TimeDelta;
use proptest::prelude::*;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Happening {
    Live {
        seconds: u32,
        pv: f64,
        load: f64,
        heat_pump: f64,
        soc: f64,
        room: f64,
    },
    Jump {
        seconds: i64,
    },
    Mode(Mode),
    Limit(f64),
    Boost(u64),
    Dim(Option<f64>),
    Worker(bool),
    Backlog {
        interactive: u32,
        jobs: u32,
        tokens: u64,
        hours: i64,
    },
    Sample {
        device: usize,
        point: usize,
        value: f64,
    },
    Receipt {
        price: f64,
        joules: f64,
    },
    /// A plan from an optimiser that has lost its mind.
    Plan {
        floor: f64,
        ceiling: f64,
    },
    Silence {
        point: usize,
    },
    Speech,
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -2e4..2e4f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(0.0), 1 => -1e12..1e12f64]
}

fn happening() -> impl Strategy<Value = Happening> {
    let live = (1u32..1500, 0.0..9000.0f64, 0.0..18_000.0f64, 0.0..3000.0f64, 0.0..100.0f64, 15.0..30.0f64);
    prop_oneof![
        8 => live.prop_map(|(seconds, pv, load, heat_pump, soc, room)| Happening::Live { seconds, pv, load, heat_pump, soc, room }),
        1 => (-200_000i64..200_000).prop_map(|seconds| Happening::Jump { seconds }),
        2 => prop::sample::select(Mode::ALL.to_vec()).prop_map(Happening::Mode),
        1 => any_number().prop_map(Happening::Limit),
        1 => (0u64..10_000).prop_map(Happening::Boost),
        1 => prop::option::of(any_number()).prop_map(Happening::Dim),
        1 => any::<bool>().prop_map(Happening::Worker),
        2 => (0u32..3, 0u32..5, 0u64..5_000_000, -3i64..40)
            .prop_map(|(interactive, jobs, tokens, hours)| Happening::Backlog { interactive, jobs, tokens, hours }),
        2 => (0usize..4, 0usize..Point::ALL.len(), any_number())
            .prop_map(|(device, point, value)| Happening::Sample { device, point, value }),
        1 => (any_number(), any_number()).prop_map(|(price, joules)| Happening::Receipt { price, joules }),
        2 => (any_number(), any_number()).prop_map(|(floor, ceiling)| Happening::Plan { floor, ceiling }),
        1 => (0usize..Point::ALL.len()).prop_map(|point| Happening::Silence { point }),
        1 => Just(Happening::Speech),
    ]
}

fn mad_plan(house: &House, floor: f64, ceiling: f64) -> Plan {
    let mut plan = house.plant.plan().cloned().unwrap_or(Plan {
        made_at: house.now,
        mode: Mode::Auto,
        slots: Vec::new(),
        expected_net: Eur::ZERO,
    });
    plan.made_at = house.now;
    let slot = Slot::containing(house.now);
    plan.slots.truncate(1);
    for planned in &mut plan.slots {
        (planned.slot, planned.start) = (slot, slot.start());
        (planned.floor, planned.ceiling) = (Watts(floor), Watts(ceiling));
        (planned.reason, planned.battery_first) = (Reason::PaidWork, false);
        planned.battery_soc = Some(Percent(50.0));
        planned.worth = Worth { revenue: EurPerKwh(9.0), ..Worth::default() };
    }
    plan
}

fn happen(house: &mut House, happening: Happening) {
    match happening {
        Happening::Live { seconds, pv, load, heat_pump, soc, room } => {
            house.soc = soc;
            let conditions = Conditions { pv, load, heat_pump, outdoor: 5.0, room };
            house.live(house.now + TimeDelta::seconds(i64::from(seconds)), |_| conditions);
        }
        Happening::Jump { seconds } => {
            house.now += TimeDelta::seconds(seconds);
            house.set_back += (-seconds).max(0) as f64;
        }
        Happening::Mode(mode) => house.command(Command::SetMode(mode)),
        Happening::Limit(limit) => house.command(Command::SetPowerLimit(Watts(limit))),
        Happening::Boost(seconds) => house.command(Command::Boost(Duration::from_secs(seconds))),
        Happening::Dim(limit) => house.command(Command::GridDimming(limit.map(Watts))),
        Happening::Worker(up) => house.worker(if up { WorkerState::Busy } else { WorkerState::Down }),
        Happening::Backlog { interactive, jobs, tokens, hours } => {
            let due = (jobs > 0).then(|| Due { at: house.now + TimeDelta::hours(hours), tokens: tokens / 2 });
            let backlog = Backlog { interactive, jobs, tokens, value: Eur(0.2), due: due.into_iter().collect() };
            house.handle(Event::Backlog(backlog));
        }
        Happening::Sample { device, point, value } => {
            let device = ["meter", "inverter", "plug", "stranger"][device];
            house.handle(Event::Sample(sample(device, Point::ALL[point], Some(value), house.now)));
        }
        Happening::Receipt { price, joules } => house.receipt(price, 10, joules),
        Happening::Plan { floor, ceiling } => {
            let plan = mad_plan(house, floor, ceiling);
            house.handle(Event::Plan(Box::new(plan)));
        }
        Happening::Silence { point } => house.silent.push(Point::ALL[point]),
        Happening::Speech => house.silent.clear(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn limits_hold_whatever_happens(happenings in prop::collection::vec(happening(), 1..40)) {
        let mut house = House::new(site(), at("2026-04-10T10:00:00Z"));
        house.closes = false;
        for happening in happenings {
            happen(&mut house, happening);
        }
        house.live(house.now + TimeDelta::minutes(2), |_| Conditions::default());
        prop_assert!(house.record().decision.settings.len() == 4);
    }

    #[test]
    fn a_replay_gives_the_same_effects(happenings in prop::collection::vec(happening(), 1..12)) {
        let mut house = House::new(site(), at("2026-04-10T10:00:00Z"));
        house.closes = false;
        for happening in happenings {
            happen(&mut house, happening);
        }
        // What is not a number differs even from itself, so the effects are compared as they are written.
        let mut plant = crate::plant::Plant::new(site(), Default::default(), house.history[0].0);
        let again: Vec<_> = house.history.iter().flat_map(|(at, event)| plant.handle(event.clone(), *at)).collect();
        prop_assert_eq!(format!("{again:?}"), format!("{:?}", house.effects));
    }
}
