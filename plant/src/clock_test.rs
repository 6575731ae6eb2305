//! Steps of the clock on the wall: what lasts goes on, what is counted stays, nothing is booked that did not flow.

use crate::command::{Command, Mode, Scheduled};
use crate::event::Event;
use crate::outlook::Outlook;
use crate::point::Point;
use crate::site::{Price, Site};
use crate::test_house::{Conditions, House};
use crate::test_site::{at, site};
use crate::time::{Slot, Timestamp};
use crate::units::EurPerKwh;
use chrono::TimeDelta;
use std::time::Duration;

/// Forty days and ten years ahead, five minutes back, and ten years back.
const STEPS: [TimeDelta; 4] =
    [TimeDelta::days(40), TimeDelta::days(3653), TimeDelta::minutes(-5), TimeDelta::days(-3653)];

/// A box of 9 kW in the sun, whose meters may be two minutes old.
fn large() -> Site {
    let mut site = site();
    site.compute.max = crate::units::Watts(9000.0);
    site.devices.iter_mut().for_each(|device| device.max_age = Duration::from_secs(120));
    site
}

fn bright(_: Timestamp) -> Conditions {
    Conditions { pv: 12_000.0, outdoor: 20.0, ..Conditions::default() }
}

fn living(site: Site, minutes: i64) -> House {
    let mut house = House::new(site, at("2026-05-02T10:00:00Z"));
    (house.step, house.soc) = (Duration::from_secs(1), 100.0);
    let end = house.now + TimeDelta::minutes(minutes);
    house.live(end, bright);
    house
}

#[test]
fn a_clock_that_is_set_books_what_flowed_and_nothing_else() {
    for step in STEPS {
        let mut house = living(large(), 20);
        assert!(house.budget > 8000.0, "{}", house.record().explanation);
        let missing = house.computed - house.record().energy.compute.0;
        house.set_clock(step);
        let end = house.now + TimeDelta::minutes(20);
        house.live(end, bright);
        house.set_clock(-step);
        house.second(bright(house.now));
        // Of what flowed the books lack the second that is not over yet, as ever.
        let lacking = house.computed - house.record().energy.compute.0;
        assert!(
            (lacking - missing).abs() < 1e-3 * 9.0 / 3.6,
            "{step}: {lacking} of {} kWh are not booked",
            house.computed
        );
        house.check_replay();
    }
}

#[test]
fn a_gap_that_nobody_announced_is_booked_as_far_as_its_readings_stand_for_it() {
    // The plug was heard 100 of its 120 s ago when the machine begins to sleep.
    let mut house = living(large(), 20);
    house.silent = vec![Point::ComputePower];
    let end = house.now + TimeDelta::seconds(100);
    house.live(end, bright);
    let before = house.record().energy.compute.0;
    house.now += TimeDelta::hours(8);
    house.second(bright(house.now));
    let booked = house.record().energy.compute.0 - before;
    assert!((0.0..=9.0 * 21.0 / 3600.0).contains(&booked), "{booked} kWh");
}

#[test]
fn today_and_this_month_come_back_with_the_clock() {
    for step in STEPS {
        let mut house = living(site(), 40);
        let (today, month) = (house.record().today, house.record().month);
        assert!(today.energy.0 > 0.1 && month.energy.0 > 0.1, "{today:?}");
        house.set_clock(step);
        house.second(bright(house.now));
        house.set_clock(-step);
        house.second(bright(house.now));
        let grown = house.record().today.energy.0 - today.energy.0;
        assert!((0.0..0.002).contains(&grown), "{step}: {} of {} kWh today", house.record().today.energy, today.energy);
        let grown = house.record().month.energy.0 - month.energy.0;
        assert!((0.0..0.002).contains(&grown), "{step}: {} of {} kWh", house.record().month.energy, month.energy);
    }
}

#[test]
fn there_is_a_plan_within_two_seconds_of_a_step() {
    for step in STEPS {
        let mut house = living(site(), 20);
        house.set_clock(step);
        assert!(house.plant.next_wake() <= house.now);
        let end = house.now + TimeDelta::seconds(2);
        house.live(end, bright);
        let plan = house.record().plan.as_ref().and_then(|plan| plan.at(house.record().at));
        assert!(plan.is_some() && house.budget > 900.0, "{step}: {}", house.record().explanation);
    }
}

#[test]
fn a_plan_in_force_grows_old_by_time_that_passes() {
    let mut house = living(site(), 20);
    let made = house.record().plan.as_ref().unwrap().made_at;
    house.set_clock(TimeDelta::minutes(-5));
    house.set_clock(TimeDelta::minutes(5));
    house.second(bright(house.now));
    assert!(house.record().plan.as_ref().is_some_and(|plan| plan.made_at >= made));
}

/// What people commanded is as before when the clock was wrong for half a minute.
#[test]
fn boost_and_mode_outlast_a_wrong_clock() {
    for step in STEPS {
        let mut house = living(site(), 1);
        house.command(Command::SetMode(Mode::Surplus));
        house.command(Command::Boost(Duration::from_secs(600)));
        house.second(bright(house.now));
        let until = house.record().boost_until.unwrap();
        house.set_clock(step);
        let end = house.now + TimeDelta::seconds(30);
        house.live(end, bright);
        assert_eq!(house.record().boost_until, Some(until + step));
        house.set_clock(-step);
        let end = house.now + TimeDelta::seconds(568);
        house.live(end, bright);
        assert_eq!((house.record().mode, house.record().boost_until), (Mode::Boost, Some(until)), "{step}");
        let end = house.now + TimeDelta::seconds(3);
        house.live(end, bright);
        assert_eq!(house.record().mode, Mode::Surplus, "{step}");
    }
}

#[test]
fn what_compute_does_is_not_disturbed_by_a_step() {
    for step in STEPS {
        let mut house = living(site(), 20);
        let budget = house.budget;
        house.set_clock(step);
        for _ in 0..5 {
            house.second(bright(house.now));
            assert_eq!(house.budget, budget, "{step}: {}", house.record().explanation);
            house.now += TimeDelta::seconds(1);
        }
    }
}

/// Spot prices: an hour at 0.10, then 0.90. Work pays 0.40.
fn spot() -> (Site, Outlook) {
    let mut site = site();
    site.tariff.import = Price::spot(EurPerKwh(0.0), 0.0);
    (site.work.standing, site.battery, site.displaced) = (EurPerKwh(0.40), None, None);
    let slot = Slot::containing(at("2026-05-02T20:00:00Z"));
    let price = |ahead| if ahead < 4 { EurPerKwh(0.10) } else { EurPerKwh(0.90) };
    (site, Outlook { spot: (0..48).map(|ahead| (slot.plus(ahead), price(ahead))).collect(), ..Outlook::default() })
}

fn dark(_: Timestamp) -> Conditions {
    Conditions { outdoor: 20.0, ..Conditions::default() }
}

#[test]
fn prices_outlast_a_wrong_clock_and_nothing_is_bought_at_another_hours_price() {
    for step in STEPS {
        let (site, outlook) = spot();
        let mut house = House::new(site, at("2026-05-02T20:00:00Z"));
        house.handle(Event::Outlook(Box::new(outlook)));
        house.live(at("2026-05-02T20:50:00Z"), dark);
        assert_eq!(house.budget, 1000.0, "cheap power is bought: {}", house.record().explanation);
        house.set_clock(step);
        let end = house.now + TimeDelta::seconds(30);
        house.live(end, dark);
        house.set_clock(-step);
        house.live(at("2026-05-02T21:20:00Z"), dark);
        assert_eq!(house.record().import_price, Some(EurPerKwh(0.90)), "{step}");
        assert_eq!(house.budget, 0.0, "{step}: {}", house.record().explanation);
    }
}

#[test]
fn a_price_of_another_day_is_good_for_a_plan_and_not_for_a_purchase() {
    let (site, outlook) = spot();
    let mut house = House::new(site, at("2026-05-02T20:00:00Z"));
    house.handle(Event::Outlook(Box::new(outlook)));
    // The next day at the same hour no feed has said anything.
    house.live(at("2026-05-03T20:10:00Z"), dark);
    assert_eq!(house.record().import_price, None);
    let planned = house.record().plan.as_ref().and_then(|plan| plan.at(house.record().at)).unwrap();
    assert!(planned.floor.0 > 0.0 && planned.import_price == Some(EurPerKwh(0.10)), "it is planned for: {planned:?}");
    assert_eq!(house.budget, 0.0, "{}", house.record().explanation);
}

#[test]
fn a_scheduled_command_is_replayed_like_any_other() {
    let mut house = living(site(), 1);
    let eco = Scheduled { mode: Mode::Eco, boost: Duration::ZERO, overrides: false };
    house.command(Command::Scheduled(eco));
    house.second(bright(house.now));
    assert_eq!(house.record().mode, Mode::Eco);
    house.check_replay();
}
