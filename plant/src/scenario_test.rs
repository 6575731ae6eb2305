//! Days in virtual time.

use crate::books::ledger;
use crate::checkpoint::Restored;
use crate::command::{Command, Mode};
use crate::decision::{BatteryMode, HeatPumpMode, Setting};
use crate::effect::Effect;
use crate::entry::Head;
use crate::event::Event;
use crate::outlook::Outlook;
use crate::plant::Plant;
use crate::point::Point;
use crate::reason::Reason;
use crate::site::Price;
use crate::test_house::{Conditions, House};
use crate::test_site::{at, site};
use crate::time::{Slot, Timestamp};
use crate::units::{Eur, EurPerKwh, Watts};
use crate::work::{Backlog, Due, WorkerState};
use chrono::{TimeDelta, Timelike};
use std::time::Duration;

/// A clear spring day: the sun from 5 to 17 UTC.
fn sunny(now: Timestamp) -> Conditions {
    let hour = f64::from(now.hour()) + f64::from(now.minute()) / 60.0;
    let light = ((hour - 5.0) / 12.0 * std::f64::consts::PI).sin().max(0.0);
    let pv = if (5.0..17.0).contains(&hour) { 7000.0 * light } else { 0.0 };
    // A meter's last digit is never still.
    let load = 400.0 + f64::from(now.second());
    Conditions { pv, load, outdoor: 3.0 + 8.0 * light, ..Conditions::default() }
}

fn house_at(text: &str) -> House {
    House::new(site(), at(text))
}

fn kwh(house: &House, from: u32, to: u32) -> f64 {
    let accounts = house.accounts();
    let within = accounts.iter().filter(|account| (from..to).contains(&account.start.hour()));
    within.map(|account| account.compute.total().0).sum()
}

#[test]
fn a_sunny_day_and_a_cold_night() {
    let mut house = house_at("2026-04-10T00:00:00Z");
    house.live(at("2026-04-11T00:00:00Z"), sunny);
    assert!(kwh(&house, 0, 6) < 0.1, "at night nothing pays: {}", kwh(&house, 0, 6));
    assert!(kwh(&house, 9, 15) > 4.0, "the noon surplus is used: {}", kwh(&house, 9, 15));
    assert!(house.record().energy.pv.0 > 40.0);
    let grid: f64 = house.accounts().iter().map(|account| account.compute.grid.0).sum();
    assert!(grid < 0.05 * house.computed, "surplus, not the grid, feeds compute: {grid}");
    house.check_energy(0.01);
    house.check_replay();
}

#[test]
fn a_receipt_is_booked_once_and_counts_at_once() {
    let mut house = house_at("2026-04-10T10:00:00Z");
    house.live(at("2026-04-10T10:05:00Z"), sunny);
    house.receipt(0.25, 1000, 3.6e5);
    let (at_now, event) = house.history.last().cloned().unwrap();
    assert_eq!(at_now, house.now);
    let booked = house.entries.len();
    house.handle(event);
    assert_eq!(house.entries.len(), booked);
    house.live(at("2026-04-10T10:06:00Z"), sunny);
    assert_eq!(house.record().today.revenue, Eur(0.25));
    assert_eq!(house.record().today.tokens_out, 1000);
}

#[test]
fn negative_hours_are_used_and_the_battery_is_spared() {
    let mut site = site();
    site.tariff.import = Price::spot(EurPerKwh(0.02), 0.0);
    let start = at("2026-04-10T00:00:00Z");
    let mut house = House::new(site, start);
    house.soc = 60.0;
    let spot = (0..144).map(|number| {
        let slot = Slot::containing(start).plus(number);
        let price = if (8..16).contains(&(number % 96)) { -0.15 } else { 0.35 };
        (slot, EurPerKwh(price))
    });
    house.handle(Event::Outlook(Box::new(Outlook { spot: spot.collect(), ..Outlook::default() })));
    house.live(at("2026-04-10T03:00:00Z"), |now| Conditions {
        load: 500.0 + f64::from(now.second()),
        ..Conditions::default()
    });
    let record = house.record().clone();
    assert_eq!((record.decision.reason, record.decision.budget), (Reason::NegativePrice, Watts(1000.0)));
    let settings: Vec<_> = record.decision.settings.iter().map(|setpoint| setpoint.setting).collect();
    assert!(settings.contains(&Setting::BatteryMode(BatteryMode::Hold)), "{settings:?}");
    assert!(settings.contains(&Setting::HeatPumpMode(HeatPumpMode::Boost)), "{settings:?}");
    assert!(record.decision.worth.electricity.0 < 0.0);
    house.live(at("2026-04-10T05:00:00Z"), |now| Conditions {
        load: 500.0 + f64::from(now.second()),
        ..Conditions::default()
    });
    assert_eq!(house.record().decision.budget, Watts::ZERO, "{}", house.record().explanation);
    assert!(!house.hold);
    assert!((1.9..2.1).contains(&kwh(&house, 0, 5)), "{}", kwh(&house, 0, 5));
    house.check_replay();
}

#[test]
fn a_silent_meter_stops_compute_and_books_nothing() {
    let mut house = house_at("2026-04-10T10:00:00Z");
    house.soc = 100.0;
    house.live(at("2026-04-10T10:10:00Z"), sunny);
    assert!(house.budget > 900.0);
    let before = house.record().energy.compute;
    house.silent.push(Point::GridPower);
    house.live(at("2026-04-10T10:30:00Z"), sunny);
    let record = house.record();
    assert_eq!((record.decision.reason, record.decision.budget), (Reason::StaleData, Watts::ZERO));
    assert!((record.energy.compute - before).0 < 0.025, "at most the age that a reading may have");
    house.silent.clear();
    house.live(at("2026-04-10T10:40:00Z"), sunny);
    assert!(house.budget > 900.0, "{}", house.record().explanation);
}

#[test]
fn a_frozen_meter_is_a_silent_one() {
    let mut house = house_at("2026-04-10T06:00:00Z");
    house.soc = 100.0;
    house.live(at("2026-04-10T06:20:00Z"), sunny);
    house.stuck.insert(Point::GridPower, -1234.5);
    house.live(at("2026-04-10T08:00:00Z"), sunny);
    assert_eq!(house.record().decision.reason, Reason::StaleData);
    assert!(house.record().points[&Point::GridPower].fresh().is_none());
    house.stuck.clear();
    house.live(at("2026-04-10T08:05:00Z"), sunny);
    assert!(house.record().points[&Point::GridPower].fresh().is_some());
}

#[test]
fn nonsense_is_no_reading() {
    let mut house = house_at("2026-04-10T10:00:00Z");
    house.soc = 100.0;
    house.live(at("2026-04-10T10:05:00Z"), sunny);
    for nonsense in [f64::NAN, f64::INFINITY, -4e9] {
        house.stuck.insert(Point::GridPower, nonsense);
        house.second(sunny(house.now));
        assert_eq!(house.record().decision.reason, Reason::StaleData, "{nonsense}");
        assert!(house.record().points[&Point::HousePower].fresh().is_none());
    }
}

#[test]
fn a_clock_that_jumps_books_nothing_that_was_not_seen() {
    let mut house = house_at("2026-04-10T10:00:00Z");
    house.soc = 100.0;
    house.live(at("2026-04-10T10:10:00Z"), sunny);
    let before = house.record().energy.compute;
    house.now += TimeDelta::hours(30);
    house.second(sunny(at("2026-04-10T10:10:00Z")));
    assert!((house.record().energy.compute - before).0 < 0.02);
    house.now -= TimeDelta::hours(33);
    let before = house.record().energy.compute;
    house.second(sunny(at("2026-04-10T10:10:00Z")));
    assert_eq!(house.record().energy.compute, before);
    assert!(house.plant.next_wake() <= house.now + TimeDelta::seconds(1));
    let end = house.now + TimeDelta::minutes(40);
    house.live(end, |_| sunny(at("2026-04-10T10:10:00Z")));
    assert!(house.budget > 900.0, "{}", house.record().explanation);
    let starts: Vec<_> = house.accounts().iter().map(|account| account.start).collect();
    assert!(starts.len() >= 4, "{starts:?}");
    house.check_replay();
}

#[test]
fn days_of_23_and_25_hours_and_the_leap_day_have_one_account_each() {
    let days = [
        ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("2028-02-28T23:00:00Z", "2028-02-29T23:00:00Z"),
    ];
    for (start, end) in days {
        let mut house = house_at(start);
        house.step = Duration::from_secs(60);
        house.live(at(end), sunny);
        let day = house.record().today.energy;
        assert!((day - house.record().total.energy).0.abs() < 1e-9, "the whole day is one: {day}");
        assert!(day.0 > 3.0, "{day}");
        house.live(at(end) + TimeDelta::minutes(5), sunny);
        assert!(house.record().today.energy.0 < 0.1);
    }
}

#[test]
fn boost_and_dimming() {
    let mut house = house_at("2026-04-10T22:00:00Z");
    let night = |now: Timestamp| Conditions { load: 400.0 + f64::from(now.second()), ..Conditions::default() };
    house.live(at("2026-04-10T22:10:00Z"), night);
    assert_eq!(house.budget, 0.0);
    house.command(Command::Boost(Duration::from_secs(600)));
    house.second(night(house.now));
    assert_eq!((house.record().decision.reason, house.budget), (Reason::Boost, 1000.0));
    house.command(Command::GridDimming(Some(Watts(600.0))));
    house.second(night(house.now));
    assert_eq!((house.record().decision.reason, house.budget), (Reason::GridDimmed, 600.0));
    house.command(Command::GridDimming(Some(Watts::ZERO)));
    house.second(night(house.now));
    assert_eq!((house.record().decision.reason, house.budget), (Reason::GridDimmed, 0.0));
    house.command(Command::GridDimming(None));
    house.live(at("2026-04-10T22:30:00Z"), night);
    assert_eq!((house.record().mode, house.budget), (Mode::Auto, 0.0));
}

#[test]
fn a_deadline_is_kept_by_night() {
    let mut house = house_at("2026-04-10T18:00:00Z");
    let mut backlog = Backlog { jobs: 3, tokens: 2_000_000, value: Eur(0.10), due: Vec::new(), interactive: 0 };
    let night = |now: Timestamp| Conditions { load: 400.0 + f64::from(now.second()), ..Conditions::default() };
    while house.now < at("2026-04-11T02:00:00Z") {
        backlog.tokens = (2_000_000.0 - house.computed * 1e6).max(0.0) as u64;
        backlog.jobs = backlog.tokens.div_ceil(700_000) as u32;
        house.busy = backlog.jobs > 0;
        backlog.due = vec![Due { at: at("2026-04-11T02:00:00Z"), tokens: backlog.tokens }];
        house.handle(Event::Backlog(if house.busy { backlog.clone() } else { Backlog::default() }));
        house.live(house.now + TimeDelta::minutes(1), night);
    }
    assert!(!house.busy, "{} kWh done", house.computed);
    assert!(house.accounts().iter().any(|account| account.reasons.contains_key(&Reason::Deadline)));
}

#[test]
fn a_question_is_answered_at_once_and_off_is_off() {
    let mut house = house_at("2026-04-10T22:00:00Z");
    let night = |now: Timestamp| Conditions { load: 400.0 + f64::from(now.second()), ..Conditions::default() };
    house.live(at("2026-04-10T22:01:00Z"), night);
    let asked = Backlog { interactive: 1, ..Backlog::default() };
    for mode in [Mode::Auto, Mode::Surplus, Mode::Eco, Mode::Heat, Mode::Off] {
        house.command(Command::SetMode(mode));
        house.handle(Event::Backlog(asked.clone()));
        house.second(night(house.now));
        let expected = if mode == Mode::Off { 0.0 } else { 1000.0 };
        assert_eq!(house.budget, expected, "{mode}: {}", house.record().explanation);
        house.handle(Event::Backlog(Backlog::default()));
        house.second(night(house.now));
        let heating = mode == Mode::Heat;
        assert!(heating || house.budget == 0.0, "{mode}: {}", house.record().explanation);
    }
}

#[test]
fn a_dead_engine_is_the_reason() {
    let mut house = house_at("2026-04-10T10:00:00Z");
    house.soc = 100.0;
    house.live(at("2026-04-10T10:05:00Z"), sunny);
    house.worker(WorkerState::Down);
    house.second(sunny(house.now));
    assert_eq!((house.record().decision.reason, house.budget), (Reason::WorkerDown, 0.0));
}

#[test]
fn a_restart_continues_the_books_and_counts_nothing_twice() {
    let mut house = house_at("2026-04-10T10:00:00Z");
    house.soc = 100.0;
    let mut kept = None;
    for minutes in 1..=40 {
        house.live(at("2026-04-10T10:00:00Z") + TimeDelta::minutes(minutes), sunny);
        if minutes % 7 == 0 {
            house.receipt(0.01, 100, 1e5);
        }
        if minutes == 12 {
            let last = house.effects.iter().rev().find_map(|effect| {
                if let Effect::Checkpoint(checkpoint) = effect { Some((**checkpoint).clone()) } else { None }
            });
            kept = last.map(|checkpoint| (checkpoint, house.entries.len()));
        }
    }
    let closed = house.plant.shutdown(house.now);
    let Some(Effect::Checkpoint(end)) = closed.last() else { panic!("{closed:?}") };

    // From the last checkpoint nothing is missing; from an old one, what the ledger holds beyond it is added.
    let (checkpoint, known) = kept.unwrap();
    let restored =
        Restored { checkpoint: Some(checkpoint), after: house.entries[known..].to_vec(), ..Restored::default() };
    let again = Plant::new(site(), restored, house.now).checkpoint(house.now);
    assert_eq!(again.head, end.head);
    assert!((again.totals().total.revenue - end.totals().total.revenue).0.abs() < 1e-9);
    let lost = end.totals().total.energy
        - end.open.compute.total()
        - (again.totals().total.energy - again.open.compute.total());
    assert!(lost.0.abs() < 1e-9, "{lost}");

    // From nothing but the ledger, every closed slot counts.
    let restored = Restored { after: house.entries.clone(), ..Restored::default() };
    let again = Plant::new(site(), restored, house.now).checkpoint(house.now);
    let closed: f64 = house.accounts().iter().map(|account| account.compute.total().0).sum();
    assert!(
        (again.totals().energy.compute.0 - closed).abs() < 1e-9
            && (again.totals().total.revenue - end.totals().total.revenue).0.abs() < 1e-9
    );

    let mut head = Head::default();
    house.entries.iter().for_each(|entry| head = ledger::verify(&head, entry).unwrap());
}

#[test]
fn every_mode_keeps_the_limits_all_day() {
    for mode in crate::test_site::modes() {
        let mut house = house_at("2026-04-10T03:00:00Z");
        house.step = Duration::from_secs(30);
        house.command(Command::SetMode(mode));
        house.live(at("2026-04-10T20:00:00Z"), sunny);
        house.check_energy(0.02);
        match mode {
            Mode::Off => assert_eq!(house.computed, 0.0),
            Mode::Boost => assert!(house.computed > 0.9, "boost: {}", house.computed),
            Mode::Auto | Mode::Surplus | Mode::Heat | Mode::Eco => {
                assert!(house.computed > 2.0, "{mode}: {}", house.computed)
            }
        }
    }
}

#[test]
fn two_months_pass_in_a_moment_and_nothing_grows() {
    let mut house = house_at("2026-04-01T00:00:00Z");
    house.step = Duration::from_secs(60);
    let mut paid = crate::units::KilowattHours::ZERO;
    for day in 0..60 {
        house.live(at("2026-04-02T00:00:00Z") + TimeDelta::days(day), sunny);
        let total = house.record().total.energy;
        let worked = total - paid;
        paid = total;
        house.receipt(0.15 * worked.0, 1000, worked.0 * 3.6e6);
        // A host carries its effects out and forgets them.
        (house.history, house.effects) = (Vec::new(), Vec::new());
    }
    house.check_energy(0.02);
    let record = house.record();
    assert_eq!(record.plan.as_ref().unwrap().slots.len(), crate::planner::request::HORIZON as usize);
    assert!((record.month.energy - record.today.energy).0 > 10.0);
    assert!(record.total.net.0 > 0.0, "{:?}", record.total);
}
