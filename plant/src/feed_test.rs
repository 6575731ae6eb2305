//! Prices that come late, stop coming or are taken back: what is not known is not bought, and not booked.

use crate::command::{Command, Mode};
use crate::event::Event;
use crate::outlook::Outlook;
use crate::plan::PlannedSlot;
use crate::reason::Reason;
use crate::site::{Price, Site};
use crate::test_house::{Conditions, House};
use crate::test_site::{at, site};
use crate::time::{Slot, Timestamp};
use crate::units::EurPerKwh;
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::time::Duration;

/// A house without a battery that buys at the wholesale price; work pays 0.30.
fn spot() -> Site {
    let mut site = site();
    site.tariff.import = Price::spot(EurPerKwh(0.0), 0.0);
    (site.work.standing, site.battery, site.displaced) = (EurPerKwh(0.30), None, None);
    site
}

/// Prices of `slots` slots from `from` on.
fn prices(from: &str, slots: i64, price: impl Fn(i64) -> f64) -> Event {
    let first = Slot::containing(at(from));
    let spot: BTreeMap<_, _> = (0..slots).map(|slot| (first.plus(slot), EurPerKwh(price(slot)))).collect();
    Event::Outlook(Box::new(Outlook { spot, ..Outlook::default() }))
}

fn dark(_: Timestamp) -> Conditions {
    Conditions { outdoor: 20.0, ..Conditions::default() }
}

fn planned(house: &House, at: Timestamp) -> Option<PlannedSlot> {
    house.record().plan.as_ref().and_then(|plan| plan.at(at)).cloned()
}

/// The feed speaks once and never again, its last prices below zero.
#[test]
fn a_feed_that_falls_silent_buys_nothing_for_four_days() {
    let mut house = House::new(spot(), at("2026-05-01T12:00:00Z"));
    house.step = Duration::from_secs(30);
    house.handle(prices("2026-05-01T12:00:00Z", 48, |_| -0.05));
    house.live(at("2026-05-02T00:00:00Z"), dark);
    let bought = house.computed;
    assert!(bought > 11.0, "what is known to be cheap is bought: {bought} kWh");
    house.live(at("2026-05-02T11:00:00Z"), dark);
    let ahead = planned(&house, house.record().at).unwrap();
    assert!(ahead.import_price.is_some_and(|price| (price.0 + 0.05).abs() < 1e-9), "{ahead:?}");
    assert_eq!(ahead.estimated_from, Some(at("2026-05-01T23:45:00Z")), "it says that it is estimated, and from what");
    house.live(at("2026-05-02T12:10:00Z"), dark);
    let ahead = planned(&house, house.record().at).unwrap();
    assert_eq!(ahead.estimated_from, Some(at("2026-05-01T12:00:00Z")), "like the day before");
    // 36 hours after the last price nobody knows.
    house.live(at("2026-05-03T13:00:00Z"), dark);
    let unknown = planned(&house, house.record().at).unwrap();
    assert_eq!((unknown.import_price, unknown.estimated_from, unknown.floor.0), (None, None, 0.0));
    house.live(at("2026-05-05T12:00:00Z"), dark);
    assert!(house.computed - bought < 0.05, "{} kWh at no known price", house.computed - bought);
    for account in house.accounts() {
        let known = account.slot.start() < at("2026-05-02T00:00:00Z");
        let unpriced = if known { 0.0 } else { account.observed_s };
        assert_eq!(account.unpriced_s, unpriced, "{}", account.slot.start());
    }
    house.check_replay();
}

#[test]
fn a_price_that_is_taken_back_stops_the_purchase_and_is_not_booked() {
    let mut house = House::new(spot(), at("2026-05-01T11:50:00Z"));
    house.handle(prices("2026-05-01T11:45:00Z", 8, |_| 0.05));
    house.live(at("2026-05-01T12:03:00Z"), dark);
    assert_eq!(house.budget, 1000.0, "{}", house.record().explanation);
    // The feed says 17.50, which the gateway takes for a fault: the slot is unknown from now on.
    let unpriced = [Slot::containing(house.now)].into();
    house.handle(Event::Outlook(Box::new(Outlook { unpriced, ..Outlook::default() })));
    house.live(at("2026-05-01T12:14:50Z"), dark);
    assert_eq!((house.budget, house.record().import_price), (0.0, None), "{}", house.record().explanation);
    house.live(at("2026-05-01T12:25:00Z"), dark);
    assert_eq!(house.budget, 1000.0, "the slots around it are as they were: {}", house.record().explanation);
    let slot = house.accounts().into_iter().find(|account| account.slot.start() == at("2026-05-01T12:00:00Z")).unwrap();
    assert!((slot.unpriced_s - 720.0).abs() < 15.0, "of 900 s, 180 were priced: {}", slot.unpriced_s);
}

#[test]
fn the_plan_of_a_house_that_never_heard_a_price_follows_the_sun() {
    for mode in [Mode::Auto, Mode::Eco] {
        let mut house = House::new(spot(), at("2026-05-01T10:00:00Z"));
        house.command(Command::SetMode(mode));
        house.live(at("2026-05-01T10:20:00Z"), |_| Conditions { pv: 3500.0, outdoor: 20.0, ..Conditions::default() });
        let slot = planned(&house, house.record().at).unwrap();
        assert_eq!((slot.import_price, slot.export_price), (None, EurPerKwh(0.08)), "{mode}");
        assert_eq!((slot.reason, slot.compute.0, slot.floor.0), (Reason::Surplus, 1000.0, 0.0), "{mode}");
        assert_eq!(house.budget, 1000.0, "{mode}: {}", house.record().explanation);
        house.live(house.now + TimeDelta::minutes(40), dark);
        assert_eq!(house.budget, 0.0, "nothing is bought: {mode}: {}", house.record().explanation);
    }
}

/// Without a reading of the heat pump nobody knows what the house takes: what the sun makes is not all surplus.
#[test]
fn a_load_that_nobody_knows_is_planned_as_unknown() {
    let mut house = House::new(spot(), at("2026-05-01T10:00:00Z"));
    house.handle(prices("2026-05-01T10:00:00Z", 96, |_| 0.90));
    house.silent = vec![crate::point::Point::HeatPumpPower];
    house.live(at("2026-05-01T10:20:00Z"), |_| Conditions { pv: 3500.0, outdoor: 20.0, ..Conditions::default() });
    let slot = planned(&house, house.record().at).unwrap();
    assert_eq!((slot.load, slot.reason, slot.compute.0), (None, Reason::Idle, 0.0));
    house.silent.clear();
    house.live(at("2026-05-01T10:40:00Z"), |_| Conditions { pv: 3500.0, outdoor: 20.0, ..Conditions::default() });
    let slot = planned(&house, house.record().at).unwrap();
    assert_eq!((slot.load.map(|load| load.0), slot.reason, slot.compute.0), (Some(400.0), Reason::Surplus, 1000.0));
}

#[test]
fn prices_that_come_after_the_first_plan_are_planned_with_at_once() {
    let mut house = House::new(spot(), at("2026-06-10T10:00:00Z"));
    house.live(at("2026-06-10T10:00:20Z"), |_| Conditions::default());
    assert!(house.record().plan.as_ref().unwrap().slots[0].import_price.is_none());
    house.handle(prices("2026-06-10T10:00:00Z", 96, |_| 0.05));
    house.live(at("2026-06-10T10:00:50Z"), |_| Conditions::default());
    assert_eq!(house.record().plan.as_ref().unwrap().slots[0].import_price, Some(EurPerKwh(0.05)));
}
