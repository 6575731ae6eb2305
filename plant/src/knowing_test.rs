//! What is expected of the time ahead, and what does not teach it.

use crate::checkpoint::Restored;
use crate::effect::Effect;
use crate::event::Event;
use crate::history::Quarter;
use crate::knowing::{Expectation, Knowing, Present};
use crate::knowledge::PvBase;
use crate::outlook::Outlook;
use crate::plan::PlanRequest;
use crate::plant::Plant;
use crate::site::building::Legionella;
use crate::site::{Site, Store};
use crate::test_house::{Conditions, House};
use crate::test_site::{at, site};
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, EurPerKwh, KilowattHours, Watts};

/// 1 February 2025, 00:00 UTC.
const FIRST: i64 = 20_120 * 96;
const DAY: i64 = 96;
const HORIZON: i64 = 192;

/// A house with a tank of 300 l.
fn with_tank() -> Site {
    let tank = Store { capacity_kwh_per_k: 0.349, loss_kw_per_k: 0.0025, low: Celsius(45.0), high: Celsius(60.0) };
    let mut site = site();
    site.tank = Some(tank);
    site.building.legionella = Some(Legionella::default());
    site
}

/// How bright a day is: each third is dull.
fn brightness(slot: Slot) -> f64 {
    if slot.0.div_euclid(DAY) % 3 == 0 { 0.3 } else { 0.9 }
}

/// The sun of a clear day in kW.
fn clear(slot: Slot) -> f64 {
    let hour = slot.0.rem_euclid(DAY) as f64 / 4.0;
    (7.0 * (1.0 - ((hour - 12.0) / 5.0).powi(2))).max(0.0)
}

/// A quarter hour of a quiet house.
fn quarter(slot: Slot) -> Quarter {
    let sun = clear(slot) * brightness(slot);
    let evening = slot.0.rem_euclid(DAY) >= 72;
    Quarter {
        slot,
        pv: Some(Watts(sun * 1000.0)),
        load: Some(Watts(if evening { 900.0 } else { 300.0 })),
        heat_pump: Some(Watts(800.0)),
        compute: Some(Watts::ZERO),
        room: Some(Celsius(20.5 + 0.1 * (slot.0 % 5) as f64)),
        outdoor: Some(Celsius(5.0 + brightness(slot))),
        irradiance: Some(sun * 130.0),
        ..Quarter::default()
    }
}

fn days(count: i64, quarter: impl Fn(Slot) -> Quarter) -> Vec<Quarter> {
    (FIRST..FIRST + count * DAY).map(|slot| quarter(Slot(slot))).collect()
}

fn expect(knowing: &Knowing, site: &Site, outlook: &Outlook, from: Slot) -> Vec<Expectation> {
    knowing.expect(site, outlook, (from, HORIZON), &Present::default())
}

fn kilowatt_hours(slots: &[Expectation]) -> f64 {
    slots.iter().map(|slot| slot.pv.unwrap().0 / 4000.0).sum()
}

#[test]
fn a_restart_that_is_given_the_history_expects_what_was_expected() {
    let site = with_tank();
    let history = days(30, |slot| {
        let service = Some(Watts(clear(slot) * 800.0));
        let arrived = (slot.0 % DAY == 40).then_some(KilowattHours(2.0));
        let tank = Some(Celsius(50.0 - 0.1 * (slot.0 % 20) as f64));
        Quarter { expected_pv: service, arrived, tank, ..quarter(slot) }
    });
    // Half a day more, and a gap.
    let history = [&history[..2 * DAY as usize], &history[2 * DAY as usize + 30..2830]].concat();
    let mut before = Knowing::new(&site, &[]);
    history.iter().for_each(|quarter| before.learn(&site, quarter));
    let kept = serde_json::to_string(&history).unwrap();
    let after = Knowing::new(&site, &serde_json::from_str::<Vec<Quarter>>(&kept).unwrap());
    let from = Slot(FIRST + 2830);
    let mut outlook = Outlook::default();
    outlook.pv.extend((0..96).map(|ahead| (from.plus(ahead), Watts(clear(from.plus(ahead)) * 800.0))));
    for outlook in [Outlook::default(), outlook] {
        assert_eq!(expect(&before, &site, &outlook, from), expect(&after, &site, &outlook, from));
    }
    assert_eq!(before.warmth(&site, from), after.warmth(&site, from));
    assert!(before.warmth(&site, from).is_some());
    assert_eq!(before.arrivals(from), after.arrivals(from));
    assert_eq!(before.arrivals(from)[(DAY + 40 - 2830 % DAY) as usize % 96], KilowattHours(2.0));
    assert_eq!(before.outdoor_mean(), after.outdoor_mean());
}

#[test]
fn a_plant_that_restarts_asks_for_the_same_plan() {
    let first = at("2025-05-10T00:00:00Z");
    let mut house = House::new(site(), first);
    house.step = std::time::Duration::from_secs(60);
    let conditions = |now: Timestamp| {
        let pv = clear(Slot::containing(now)) * 900.0;
        Conditions { pv, load: 400.0, ..Conditions::default() }
    };
    let border = at("2025-05-15T06:00:00Z");
    house.live(border, conditions);
    let state = house.plant.clone().checkpoint(border);
    let history: Vec<Quarter> =
        house.accounts().iter().filter_map(|account| Quarter::of(house.plant.site(), account)).collect();
    house.live(border + chrono::TimeDelta::minutes(16), conditions);
    let events: Vec<_> = house.history.iter().filter(|(now, _)| *now >= border).cloned().collect();
    let restarted = |history: Vec<Quarter>| {
        let restored = Restored { checkpoint: Some(state.clone()), history, ..Restored::default() };
        newest_request(&mut Plant::new(site(), restored, border), &events)
    };
    let asked = restarted(history);
    let tomorrow =
        |request: &PlanRequest| request.slots[72..168].iter().map(|slot| slot.pv.unwrap().0 / 4000.0).sum::<f64>();
    let really: f64 = (0..96).map(|slot| clear(Slot(slot)) * 0.9 / 4.0).sum();
    assert!((tomorrow(&asked) / really - 1.0).abs() < 0.15, "{} of {really} kWh", tomorrow(&asked));
    let running = house.effects.iter().rev().find_map(|effect| match effect {
        Effect::Plan(request) => Some(request.clone()),
        Effect::Apply(_) | Effect::Append(_) | Effect::Checkpoint(_) | Effect::Publish(_) => None,
    });
    let running = running.unwrap();
    for (one, other) in running.slots.iter().zip(&asked.slots) {
        assert_eq!(one.slot, other.slot);
        assert!((one.pv.unwrap() - other.pv.unwrap()).abs() < Watts(1.0), "{one:?} {other:?}");
        assert!((one.load.unwrap() - other.load.unwrap()).abs() < Watts(1.0), "{one:?} {other:?}");
    }
    let (one, other) = (running.warmth.unwrap(), asked.warmth.unwrap());
    assert_eq!((running.outdoor_mean, one.fabric), (asked.outdoor_mean, other.fabric));
    assert!((one.mass - other.mass).abs() < Celsius(0.01));
    // Without it, nothing is known of tomorrow's sun.
    assert!(tomorrow(&restarted(Vec::new())) < 0.1 * really);
}

/// The last request of `plant` under `events`.
fn newest_request(plant: &mut Plant, events: &[(Timestamp, Event)]) -> PlanRequest {
    let effects = events.iter().flat_map(|(now, event)| plant.handle(event.clone(), *now));
    let requests = effects.filter_map(|effect| match effect {
        Effect::Plan(request) => Some(*request),
        Effect::Apply(_) | Effect::Append(_) | Effect::Checkpoint(_) | Effect::Publish(_) => None,
    });
    requests.last().unwrap()
}

#[test]
fn a_service_that_says_too_much_is_found_out() {
    let site = site();
    let more = |slot: Slot| Watts(clear(slot) * brightness(slot) * 1500.0);
    let history = days(28, |slot| Quarter { expected_pv: Some(more(slot)), ..quarter(slot) });
    let from = Slot(FIRST + 28 * DAY);
    let mut outlook = Outlook::default();
    outlook.pv.extend((0..HORIZON).map(|ahead| (from.plus(ahead), more(from.plus(ahead)))));
    // A new service is believed, with a doubt.
    let new = expect(&Knowing::new(&site, &days(28, quarter)), &site, &outlook, from);
    let noon = &new[48];
    assert_eq!(noon.pv, Some(more(from.plus(48))));
    assert!((noon.pv_spread.0 / noon.pv.unwrap().0 - 0.3).abs() < 1e-9);
    // One that is known is corrected, and then it is sure.
    let known = expect(&Knowing::new(&site, &history), &site, &outlook, from);
    let really: f64 = (0..HORIZON).map(|ahead| clear(from.plus(ahead)) * brightness(from.plus(ahead)) / 4.0).sum();
    assert!((kilowatt_hours(&known) / really - 1.0).abs() < 0.05, "{} of {really} kWh", kilowatt_hours(&known));
    assert!(known[48].pv_spread.0 < 0.2 * known[48].pv.unwrap().0);
}

#[test]
fn what_is_known_says_where_it_comes_from_and_how_sure_it_is() {
    let site = site();
    let mut outlook = Outlook::default();
    let service = |slot: Slot| Watts(clear(slot) * brightness(slot) * 1000.0);
    let from = Slot(FIRST + 28 * DAY);
    let base = |knowing: &Knowing, outlook: &Outlook| knowing.knowledge(&site, outlook, from).pv;
    let nothing = Knowing::new(&site, &[]);
    assert_eq!((base(&nothing, &outlook), nothing.knowledge(&site, &outlook, from).newest), (PvBase::Present, None));
    let known = Knowing::new(&site, &days(28, |slot| Quarter { expected_pv: Some(service(slot)), ..quarter(slot) }));
    let own = known.knowledge(&site, &outlook, from);
    assert_eq!((own.pv, own.days, own.newest), (PvBase::BrightDays, 28, Some(from.start())));
    // The estimate by living area, then what the history shows: surer.
    let (before, after) = (nothing.knowledge(&site, &outlook, from).building.unwrap(), own.building.unwrap());
    assert_eq!((before.days, before.loss_deviation), (Some(0), 0.35));
    assert!(after.days > Some(20) && after.loss_deviation < 0.2, "{after:?}");
    outlook.pv.insert(from, service(from));
    assert_eq!((base(&nothing, &outlook), base(&known, &outlook)), (PvBase::Service, PvBase::ServiceCorrected));
    // Its forecast was right on each day, the mean of the days before was not.
    assert!(known.knowledge(&site, &outlook, from).pv_spread < 0.5 * own.pv_spread);
}

#[test]
fn a_clock_that_was_wrong_for_a_while_costs_no_more_than_its_own_days() {
    let site = site();
    let mut knowing = Knowing::new(&site, &days(20, quarter));
    let right = Knowing::new(&site, &days(22, quarter));
    let wrong = Slot(FIRST + 30_000 * DAY);
    knowing.learn(&site, &Quarter { load: Some(Watts(9000.0)), ..quarter(wrong) });
    for slot in (FIRST + 20 * DAY..FIRST + 22 * DAY).map(Slot) {
        knowing.learn(&site, &quarter(slot));
        // What is known already teaches nothing, whoever says it again.
        knowing.learn(&site, &Quarter { load: Some(Watts(9000.0)), ..quarter(slot.plus(-3)) });
        knowing.recall(&site, &Quarter { load: Some(Watts(9000.0)), ..quarter(slot.plus(-300)) });
    }
    let from = Slot(FIRST + 22 * DAY);
    let loads = |knowing: &Knowing| -> Vec<_> {
        expect(knowing, &site, &Outlook::default(), from).iter().map(|slot| slot.load).collect()
    };
    assert_eq!(loads(&knowing), loads(&right));
}

#[test]
fn sun_that_was_held_back_says_nothing() {
    let site = site();
    let from = Slot(FIRST + 20 * DAY);
    let noon = |slot: Slot| (44..52).contains(&slot.0.rem_euclid(DAY));
    let held = days(20, |slot| Quarter {
        pv: Some(Watts(500.0)).filter(|_| noon(slot)).or(quarter(slot).pv),
        curtailed: noon(slot),
        ..quarter(slot)
    });
    let free = days(20, quarter);
    let tomorrow = |history: &[Quarter]| {
        kilowatt_hours(&expect(&Knowing::new(&site, history), &site, &Outlook::default(), from)[96..])
    };
    // At noon nothing was ever seen, and the hours around it are as they would have been.
    let around = |history: &[Quarter]| {
        kilowatt_hours(&expect(&Knowing::new(&site, history), &site, &Outlook::default(), from)[96..138])
    };
    assert!((around(&held) / around(&free) - 1.0).abs() < 0.1, "{} {}", around(&held), around(&free));
    let now_and_then =
        days(20, |slot| if slot.0.div_euclid(DAY) % 2 == 0 { quarter(slot) } else { held[(slot.0 - FIRST) as usize] });
    assert!(
        (tomorrow(&now_and_then) / tomorrow(&free) - 1.0).abs() < 0.15,
        "{} {}",
        tomorrow(&now_and_then),
        tomorrow(&free)
    );
}

#[test]
fn a_feed_that_knows_what_people_will_do_is_believed() {
    let site = with_tank();
    let knowing = Knowing::new(&site, &days(10, quarter));
    let from = Slot(FIRST + 10 * DAY);
    let mut outlook = Outlook::default();
    for ahead in 0..144 {
        let slot = from.plus(ahead);
        outlook.pv.insert(slot, Watts(1234.0 + ahead as f64));
        outlook.load.insert(slot, Watts(333.0));
        outlook.hot_water.insert(slot, Watts(ahead as f64));
        outlook.outdoor.insert(slot, Celsius(20.0));
    }
    let expected = expect(&knowing, &site, &outlook, from);
    let first = expected[0];
    assert_eq!((first.pv, first.pv_spread, first.load), (Some(Watts(1234.0)), Watts::ZERO, Some(Watts(333.0))));
    assert_eq!(
        (first.outdoor, first.hot_water, first.hot_water_margin),
        (Some(Celsius(20.0)), Some(Watts(0.0)), [0.0; 3])
    );
    // Beyond its end its last day stands in, and it becomes summer.
    assert_eq!((expected[150].pv, expected[150].hot_water), (Some(Watts(1288.0)), Some(Watts(54.0))));
    assert!(!expected[10].summer && expected[120].summer);
    // A load alone is believed, and says nothing of the sky.
    outlook.hot_water.clear();
    let doubted = expect(&knowing, &site, &outlook, from);
    assert_eq!(doubted[0].load, Some(Watts(333.0)));
    assert!(doubted[0].pv_spread > Watts::ZERO && doubted[0].hot_water_margin == [3.0; 3]);
}

#[test]
fn what_nobody_knows_stays_unknown() {
    let site = with_tank();
    let knowing = Knowing::new(&site, &[]);
    let expected = expect(&knowing, &site, &Outlook::default(), Slot(FIRST));
    let first = expected[0];
    assert_eq!((first.pv, first.load, first.heat_pump), (None, None, None));
    assert_eq!((first.outdoor, first.irradiance, knowing.outdoor_mean()), (None, None, None));
    assert!(knowing.warmth(&site, Slot(FIRST)).is_none() && knowing.arrivals(Slot(FIRST)).is_empty());
    // A moment stands in for the hours before: the load stays, and beyond an hour no sun is invented.
    let present = Present { pv: Some(Watts(3000.0)), load: Some(Watts(400.0)), ..Present::default() };
    let expected = knowing.expect(&site, &Outlook::default(), (Slot(FIRST), HORIZON), &present);
    assert_eq!((expected[3].pv, expected[4].pv), (Some(Watts(3000.0)), Some(Watts::ZERO)));
    assert_eq!(expected[50].load, Some(Watts(400.0)));
}

#[test]
fn a_dull_morning_dims_the_day_less_than_the_next_hour() {
    let site = site();
    let history = days(30, quarter);
    let mut knowing = Knowing::new(&site, &history);
    // The day after two bright ones is dull until 11:00.
    let from = Slot(FIRST + 30 * DAY + 44);
    let bright = expect(&knowing, &site, &Outlook::default(), Slot(FIRST + 30 * DAY));
    for slot in (FIRST + 30 * DAY..from.0).map(Slot) {
        knowing.learn(&site, &Quarter { pv: Some(Watts(clear(slot) * 100.0)), ..quarter(slot) });
    }
    let dull = expect(&knowing, &site, &Outlook::default(), from);
    let share = |ahead: usize| dull[ahead].pv.unwrap().0 / bright[44 + ahead].pv.unwrap().0;
    assert!(
        share(0) < 0.45 && share(0) < share(12) && share(96 + 4) > 0.6,
        "{} {} {}",
        share(0),
        share(12),
        share(100)
    );
}

#[test]
fn draws_are_measured_by_the_tank() {
    let site = with_tank();
    let store = site.tank.unwrap();
    let drawn = |slot: i64| if slot.rem_euclid(DAY) == 28 { 4.0 } else { 0.0 };
    let mut temperature = 55.0;
    let mut knowing = Knowing::new(&site, &[]);
    for slot in FIRST..FIRST + 20 * DAY {
        temperature -= (drawn(slot) + store.loss_kw_per_k * (temperature - 20.0)) * 0.25 / store.capacity_kwh_per_k;
        // The heat pump brings it back at night, unmeasured as to what it was for.
        let heats = slot.rem_euclid(DAY) == 8;
        temperature = if heats { 55.0 } else { temperature };
        let silent = slot % 17 == 0;
        let tank = Some(Celsius(temperature)).filter(|_| !silent);
        let heat_pump = Some(Watts(if heats { 3000.0 } else { 0.0 }));
        knowing.learn(&site, &Quarter { tank, heat_pump, ..quarter(Slot(slot)) });
    }
    let from = Slot(FIRST + 20 * DAY);
    let expected = expect(&knowing, &site, &Outlook::default(), from);
    // 28 in UTC; the clock on the wall is an hour ahead.
    let shower = expected[28].hot_water.unwrap().0;
    assert!((shower - 4000.0).abs() < 400.0, "{shower}");
    let day: f64 = expected[..96].iter().map(|slot| slot.hot_water.unwrap().0 / 4000.0).sum();
    assert!((day - 1.0).abs() < 0.1, "{day} kWh");
    assert!(expected[60].hot_water.unwrap() < Watts(50.0) && expected[60].hot_water_margin[2] < 0.2);
}

#[test]
fn a_tank_that_was_hot_for_long_enough_is_remembered() {
    let site = with_tank();
    let temperatures = [58.0, 60.1, 60.5, 59.0, 61.0, 60.5, 60.2, 60.1, 55.0];
    let mut knowing = Knowing::new(&site, &[]);
    let mut hot = Vec::new();
    for (slot, temperature) in (FIRST..).zip(temperatures) {
        knowing.learn(&site, &Quarter { tank: Some(Celsius(temperature)), ..quarter(Slot(slot)) });
        hot.push(knowing.disinfected().map(|at| Slot::containing(at).0 - FIRST));
    }
    // A quarter hour above is not half an hour; three readings in a row span it.
    assert_eq!(hot, [None, None, None, None, None, None, Some(7), Some(8), Some(8)]);
}

#[test]
fn a_quarter_hour_is_what_its_account_says() {
    let site = site();
    let mut account = crate::entry::SlotAccount::new(Slot(FIRST));
    account.observed_s = 900.0;
    account.pv = Watts(4000.0).over(Slot::LENGTH);
    account.export = Watts(2000.0).over(Slot::LENGTH);
    account.house = Watts(500.0).over(Slot::LENGTH);
    account.export_price = EurPerKwh(0.08);
    let known = Quarter::of(&site, &account).unwrap();
    assert_eq!((known.pv, known.load, known.curtailed), (Some(Watts(4000.0)), Some(Watts(500.0)), false));
    assert_eq!((known.heat_pump, known.hot_water), (Some(Watts::ZERO), None));
    // At the cap, and unpaid with a full battery and nothing exported, the sun may have been held back.
    let capped = crate::entry::SlotAccount { export: Watts(6950.0).over(Slot::LENGTH), ..account.clone() };
    assert!(Quarter::of(&site, &capped).unwrap().curtailed);
    let mut unpaid =
        crate::entry::SlotAccount { export_price: EurPerKwh(-0.01), export: KilowattHours::ZERO, ..account.clone() };
    unpaid.readings.soc = Some(crate::units::Percent(99.0));
    assert!(Quarter::of(&site, &unpaid).unwrap().curtailed);
    unpaid.charged = Watts(2000.0).over(Slot::LENGTH);
    unpaid.readings.soc = Some(crate::units::Percent(50.0));
    assert!(!Quarter::of(&site, &unpaid).unwrap().curtailed);
    // One that charges with all it can leaves the rest on the roof, and one that is held takes nothing.
    for charged in [5000.0, 0.0] {
        unpaid.charged = Watts(charged).over(Slot::LENGTH);
        assert!(Quarter::of(&site, &unpaid).unwrap().curtailed);
    }
    unpaid.discharged = Watts(300.0).over(Slot::LENGTH);
    assert!(!Quarter::of(&site, &unpaid).unwrap().curtailed);
    // What was not metered is not zero, and a slot that was hardly seen is none.
    let dark = crate::entry::SlotAccount { unmetered_s: 900.0, house_unmetered_s: 900.0, ..account.clone() };
    let dark = Quarter::of(&site, &dark).unwrap();
    assert_eq!((dark.pv, dark.load, dark.heat_pump), (None, None, None));
    assert_eq!(Quarter::of(&site, &crate::entry::SlotAccount { observed_s: 200.0, ..account }), None);
}

#[test]
fn what_the_service_had_expected_and_what_arrived_is_in_the_account() {
    let now = at("2025-05-10T10:00:00Z");
    let slot = Slot::containing(now);
    let mut house = House::new(site(), now);
    let mut outlook = Outlook::default();
    outlook.pv.insert(slot, Watts(2500.0));
    house.handle(Event::Outlook(Box::new(outlook.clone())));
    let backlog = |tokens| Event::Backlog(crate::work::Backlog { tokens, ..crate::work::Backlog::default() });
    house.handle(backlog(1_000_000));
    let sunny = |_| Conditions { pv: 2000.0, load: 400.0, ..Conditions::default() };
    house.live(now + chrono::TimeDelta::minutes(5), sunny);
    // A later forecast comes too late for this slot.
    outlook.pv.insert(slot, Watts(2000.0));
    house.handle(Event::Outlook(Box::new(outlook)));
    house.handle(backlog(3_000_000));
    house.live(now + chrono::TimeDelta::minutes(16), sunny);
    let readings = house.accounts()[0].readings;
    assert_eq!(readings.expected_pv, Some(Watts(2500.0)));
    let arrived = readings.arrived.unwrap().0;
    assert!(arrived > 1.0 && arrived < 3.0, "{arrived}");
}
