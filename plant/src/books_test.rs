//! What is counted while something is not known, what a closed day says, and what a restart leaves of the comparison.

use crate::books::ledger;
use crate::checkpoint::{Checkpoint, Restored};
use crate::effect::Effect;
use crate::entry::{Booking, DayAccount};
use crate::event::Event;
use crate::plant::Plant;
use crate::point::Point;
use crate::site::Price;
use crate::test_house::{Conditions, House};
use crate::test_site::{at, site};
use crate::time::Timestamp;
use crate::units::{Eur, EurPerKwh};
use chrono::{TimeDelta, Timelike};
use std::time::Duration;

/// A spring day with an evening: sun, a household, a heat pump in the morning.
fn spring(now: Timestamp) -> Conditions {
    let hour = f64::from(now.hour()) + f64::from(now.minute()) / 60.0;
    let light = ((hour - 5.0) / 12.0 * std::f64::consts::PI).sin().max(0.0);
    let pv = if (5.0..17.0).contains(&hour) { 5000.0 * light } else { 0.0 };
    let load = 400.0 + f64::from(now.second()) + if (16.0..21.0).contains(&hour) { 900.0 } else { 0.0 };
    let heat_pump = if (3.0..8.0).contains(&hour) { 700.0 } else { 0.0 };
    Conditions { pv, load, heat_pump, outdoor: 3.0 + 8.0 * light, ..Conditions::default() }
}

fn days(house: &House) -> Vec<DayAccount> {
    let day = |entry| match ledger::booking(entry).unwrap() {
        Booking::Day(day) => Some(*day),
        Booking::Receipt(_) | Booking::Slot(_) => None,
    };
    house.entries.iter().filter_map(day).collect()
}

#[test]
fn the_house_is_counted_while_computes_power_is_unknown() {
    let mut house = House::new(site(), at("2026-06-10T10:00:00Z"));
    house.step = Duration::from_secs(1);
    house.soc = 100.0;
    house.silent = vec![Point::ComputePower];
    let sun = |_| Conditions { pv: 4000.0, load: 400.0, ..Conditions::default() };
    house.live(at("2026-06-10T10:00:30Z"), sun);
    house.handle(Event::Wake);
    let record = house.record();
    assert!((record.energy.export.0 - 0.03).abs() < 1e-9, "{:?}", record.energy);
    assert!((record.energy.pv.0 - 4.0 * 30.0 / 3600.0).abs() < 1e-9, "{:?}", record.energy);
    let open = house.plant.checkpoint(house.now).open;
    assert_eq!((open.uncounted_s, open.unmetered_s, open.compute.total().0), (30.0, 0.0, 0.0));
    assert!((open.bill.export.0 - 0.03 * 0.08).abs() < 1e-12, "the bill is known: {:?}", open.bill);
    house.live(at("2026-06-10T10:02:00Z"), sun);
    let said = house.record().problems.join("\n");
    assert!(said.contains("The books lack compute's energy, and what it costs and earns, since 12:00"), "{said}");
}

#[test]
fn a_slot_that_is_not_known_whole_is_compared_with_nothing() {
    let mut house = House::new(site(), at("2026-04-10T00:00:00Z"));
    house.live(at("2026-04-10T10:00:00Z"), spring);
    house.silent = vec![Point::GridPower];
    house.live(at("2026-04-10T11:00:00Z"), spring);
    house.silent.clear();
    house.live(at("2026-04-10T14:00:00Z"), spring);
    let compared = |account: &crate::entry::SlotAccount| account.baseline.is_some();
    let accounts = house.accounts();
    let gaps: Vec<u32> =
        accounts.iter().filter(|account| !compared(account)).map(|account| account.start.hour()).collect();
    assert!(gaps.iter().all(|hour| *hour == 10), "{gaps:?}");
    assert!(accounts.iter().filter(|account| compared(account)).count() >= 51);
}

#[test]
fn a_household_that_nobody_knows_is_not_nothing() {
    let mut site = site();
    let meter = site.devices.iter_mut().find(|device| device.points.contains(&Point::GridPower)).unwrap();
    meter.points.insert(Point::HousePower);
    let meter = meter.id.0.clone();
    let mut house = House::new(site, at("2026-04-10T00:00:00Z"));
    // The household's own meter speaks until 01:10.
    while house.now < at("2026-04-10T03:00:00Z") {
        let load = spring(house.now).load;
        if house.now < at("2026-04-10T01:10:00Z") {
            let sample = crate::test_site::sample(&meter, Point::HousePower, Some(load), house.now);
            house.handle(Event::Sample(sample));
        }
        let until = house.now + TimeDelta::seconds(10);
        house.live(until, |now| Conditions { load, ..spring(now) });
    }
    for account in house.accounts() {
        let baseline = account.baseline.expect("what the house takes follows from the other meters");
        assert!((baseline.import + baseline.discharged).0 > 0.08, "{account:?}");
    }
}

#[test]
fn an_inverter_that_sleeps_at_night_leaves_no_gap() {
    let mut house = House::new(site(), at("2026-04-10T18:00:00Z"));
    house.live(at("2026-04-10T19:00:00Z"), spring);
    house.silent = vec![Point::PvPower];
    house.live(at("2026-04-10T23:00:00Z"), spring);
    let accounts = house.accounts();
    let compared = accounts.iter().filter(|account| account.baseline.is_some()).count();
    assert!(compared + 2 >= accounts.len(), "{compared} of {}", accounts.len());
    assert_eq!(house.record().problems, Vec::<String>::new());
}

#[test]
fn a_day_is_closed_at_local_midnight_and_is_the_sum_of_its_slots() {
    // The days on which the clocks change have 23 and 25 hours.
    for (start, end, hours) in [
        ("2026-03-28T12:00:00Z", "2026-03-30T00:00:00Z", 23.0),
        ("2026-10-24T12:00:00Z", "2026-10-26T00:00:00Z", 25.0),
        ("2028-02-28T12:00:00Z", "2028-03-01T00:00:00Z", 24.0),
    ] {
        let mut house = House::new(site(), at(start));
        house.step = Duration::from_secs(20);
        house.live(at(end), spring);
        let days = days(&house);
        let whole = days.last().unwrap();
        assert!((whole.earnings.observed_s / 3600.0 - hours).abs() < 0.02, "{start}: {whole:?}");
        let local = |account: &crate::entry::SlotAccount| account.start.with_timezone(&whole.timezone).date_naive();
        let of_day: Vec<_> = house.accounts().into_iter().filter(|account| local(account) == whole.day).collect();
        let gain: Eur = of_day.iter().map(|account| account.gain).sum();
        let import: Eur = of_day.iter().map(|account| account.bill.import).sum();
        assert!((gain - whole.earnings.gain).0.abs() < 1e-9 && (import - whole.earnings.import_cost).0.abs() < 1e-9);
        assert_eq!(of_day.len(), (hours * 4.0) as usize, "{start}");
    }
}

#[test]
fn what_others_did_not_pay_is_no_revenue() {
    let mut house = House::new(site(), at("2026-04-10T10:00:00Z"));
    house.live(at("2026-04-10T10:05:00Z"), spring);
    house.receipt(0.25, 1000, 3.6e5);
    let Some((_, Event::Receipt(mut own))) = house.history.last().cloned() else { panic!() };
    (own.id, own.interactive, own.worth, own.price) = ("own".into(), true, Eur(2.0), Eur::ZERO);
    house.handle(Event::Receipt(own));
    house.live(at("2026-04-10T10:06:00Z"), spring);
    let today = house.record().today;
    assert_eq!((today.revenue, today.household, today.gain), (Eur(0.25), Eur(2.0), Eur(0.25)));
    assert_eq!(today.net + today.electricity_cost - today.heat_value, Eur(0.25));
}

#[test]
fn a_restart_at_any_hour_changes_nothing_of_the_days_gain() {
    let run = |restart: Option<u32>| {
        let mut site = site();
        site.tariff.import = Price::fixed(EurPerKwh(0.30));
        let mut house = House::new(site, at("2026-04-10T22:00:00Z"));
        house.step = Duration::from_secs(30);
        let end = at("2026-04-11T22:00:30Z");
        if let Some(hour) = restart {
            house.live(at("2026-04-10T22:00:00Z") + TimeDelta::minutes(i64::from(hour) * 60 + 7), spring);
            let effects = house.plant.shutdown(house.now);
            let saved: Checkpoint = effects
                .into_iter()
                .find_map(|effect| match effect {
                    Effect::Checkpoint(saved) => serde_json::from_str(&serde_json::to_string(&saved).unwrap()).ok(),
                    Effect::Apply(_) | Effect::Append(_) | Effect::Plan(_) | Effect::Publish(_) => None,
                })
                .unwrap();
            let restored = Restored { checkpoint: Some(saved), ..Restored::default() };
            let outlook = house.plant.site().clone();
            house.plant = Plant::new(outlook, restored, house.now);
            house.worker(crate::work::WorkerState::Busy);
        }
        house.live(end, spring);
        days(&house).last().unwrap().earnings
    };
    let whole = run(None);
    assert!(whole.compared_s > 86_000.0 && whole.gain != Eur::ZERO, "{whole:?}");
    for hour in [0, 3, 5, 6, 9, 12, 15, 18, 21, 23] {
        let restarted = run(Some(hour));
        // A restart changes what is decided: half a minute without a decision, other forecasts. The bill without compute does not.
        let (cost, other) = (whole.cost_without.0, restarted.cost_without.0);
        assert!((cost - other).abs() < 0.03 * cost.abs() + 0.02, "{hour}: {cost} became {other}");
        assert!(restarted.compared_s > 86_000.0 - 901.0, "{hour}: {}", restarted.compared_s);
    }
}

#[test]
fn what_was_planned_when_the_day_began_stands_beside_what_came() {
    // From 22:00 in Berlin over midnight.
    let mut house = House::new(site(), at("2026-04-10T20:00:00Z"));
    house.live(at("2026-04-11T02:00:00Z"), spring);
    let midnight = at("2026-04-10T22:00:00Z");
    let accounts = house.accounts();
    let plans: Vec<Timestamp> = accounts.iter().map(|account| account.planned.expect("a plan").made_at).collect();
    let (before, after) = plans.split_at(accounts.iter().filter(|account| account.start < midnight).count());
    assert_eq!((before.len(), after.len()), (8, 15));
    assert!(before.iter().all(|made_at| *made_at == before[0]), "the first plan of a day that began without one");
    assert!(after.iter().all(|made_at| *made_at == after[0]), "no plan of the night, which knew better: {after:?}");
    assert!(after[0] < midnight && after[0] >= midnight - TimeDelta::minutes(15), "{}", after[0]);
    // A restart within a slot keeps what stands beside it.
    let open = house.plant.checkpoint(house.now).open;
    let restored: crate::entry::SlotAccount = serde_json::from_str(&serde_json::to_string(&open).unwrap()).unwrap();
    assert_eq!(restored.planned, open.planned);
    assert!(serde_json::to_string(&crate::entry::SlotAccount::default()).is_ok_and(|text| !text.contains("planned")));
}
