//! What the state topics say, on fabricated records.

use super::*;
use crate::publish::home_assistant::fixture::{plan_of, record};
use plant::units::{Eur, Watts};

fn payload(record: &Record, state: State) -> Value {
    let messages = states(record, chrono_tz::Europe::Berlin);
    let message = messages.iter().find(|message| message.state == state).unwrap();
    serde_json::from_str(&message.payload).unwrap()
}

#[test]
fn stale_and_missing_values_are_null_and_never_zero() {
    let mut record = record();
    record.points.insert(Point::PvPower, Known::Stale { value: 900.0, age_s: 300 });
    record.points.insert(Point::RoomTemperature, Known::Missing);
    record.points.insert(Point::BatteryPower, Known::Fresh { value: f64::NAN });
    record.points.insert(Point::GridCurrentL1, Known::Fresh { value: 16.126 });
    record.points.insert(Point::GridCurrentL2, Known::Missing);
    record.points.insert(Point::GridIsland, Known::Fresh { value: 1.0 });
    record.surplus = Known::Missing;
    record.import_price = None;
    let live = payload(&record, State::Live);
    for key in ["pv_power", "room_temperature", "battery_power", "surplus", "import_price", "grid_current_l2"] {
        assert_eq!(live.get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!(live["grid_power"], json!(-1234), "powers are whole watts");
    assert_eq!((&live["grid_current_l1"], &live["grid_island"]), (&json!(16.13), &json!(1)));
}

#[test]
fn days_and_months_begin_at_local_midnight() {
    let mut record = record();
    record.at = "2026-07-01T22:30:00Z".parse().unwrap();
    record.today.net = Eur(-0.00001);
    let earnings = payload(&record, State::Earnings);
    assert_eq!(earnings["day_start"], json!("2026-07-01T22:00:00Z"));
    assert_eq!(earnings["month_start"], json!("2026-06-30T22:00:00Z"));
    assert_eq!(earnings["today"]["net"].to_string(), "0.0", "no minus before nothing");
}

/// Half a day that lost money: power and feed-in, heat and others' pay, and a question of the household.
fn half_a_day() -> Earnings {
    Earnings {
        revenue: Eur(0.20),
        household: Eur(1.41),
        heat_value: Eur(0.30),
        electricity_cost: Eur(0.10),
        net: Eur(0.40),
        cost: Eur(1.50),
        cost_without: Eur(0.96),
        export_revenue: Eur(0.30),
        export_revenue_without: Eur(0.40),
        heat_saved: Eur(0.16),
        wear: Eur(0.05),
        wear_without: Eur(0.03),
        inventory: Eur(0.02),
        colder_room: Eur(0.01),
        gain: Eur(-0.35),
        promised: Eur(0.38),
        spread: Eur(0.04),
        observed_s: 43_200.0,
        compared_s: 42_336.0,
        ..Earnings::default()
    }
}

#[test]
fn every_account_of_money_stands_by_itself() {
    let mut record = record();
    record.today = half_a_day();
    let earnings = payload(&record, State::Earnings);
    let today = &earnings["today"];
    let rows = [
        ("gain", -0.35),
        ("power", -0.60),
        ("feed_in", -0.10),
        ("heat_saved", 0.16),
        ("wear", -0.02),
        ("revenue", 0.20),
        ("inventory", 0.02),
        ("colder_room", -0.01),
        ("net", 0.40),
        ("promised", 0.38),
        ("forecast_error", -0.73),
        ("heat_value", 0.30),
        ("electricity_cost", 0.10),
        ("house_cost", 1.50),
        ("house_cost_without", 0.96),
        ("spread", 0.04),
        ("household", 1.41),
        ("compared_percent", 98.0),
    ];
    for (key, value) in rows {
        assert_eq!(today[key], json!(value), "{key}");
    }
    assert_eq!(earnings["yesterday"], json!({"day": null, "verdict": null, "gain": null}), "nothing is booked of it");
}

#[test]
fn a_gain_that_is_not_known_is_null_and_what_is_known_stays() {
    let mut record = record();
    record.today = Earnings { compared_s: 0.0, ..half_a_day() };
    let today = &payload(&record, State::Earnings)["today"];
    for key in ["gain", "power", "feed_in", "heat_saved", "wear", "forecast_error", "house_cost_without", "spread"] {
        assert_eq!(today.get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!((&today["revenue"], &today["house_cost"]), (&json!(0.20), &json!(1.50)));
    assert_eq!(today["compared_percent"], json!(0.0));
}

#[test]
fn yesterday_says_that_it_lost_money_and_why() {
    let mut record = record();
    let day = "2026-06-20".parse().unwrap();
    record.gains.yesterday = Some(Yesterday::of((day, half_a_day()), plant::units::Currency::EUR));
    let yesterday = &payload(&record, State::Earnings)["yesterday"];
    assert_eq!((&yesterday["day"], &yesterday["gain"]), (&json!("2026-06-20"), &json!(-0.35)));
    let verdict = yesterday["verdict"].as_str().unwrap();
    let begins = "Yesterday the house was 0.35 EUR worse off by computing (give or take 0.04 EUR), because its power cost 0.60 EUR \
                  and 0.10 EUR of feed-in was lost";
    assert!(verdict.starts_with(begins), "{verdict}");
}

#[test]
fn the_next_run_lies_ahead() {
    let mut record = record();
    record.plan = Some(plan_of(record.at, &[300.0, 300.0, 0.0, 0.0, 250.0, 250.0, 0.0]));
    let plan = payload(&record, State::Plan);
    let start = Slot::containing(record.at).plus(4).start();
    assert_eq!(plan["next_run"], json!(moment(start)));
    assert_eq!(plan["planned_kwh"], json!(0.28));
    assert_eq!(plan["ahead"]["runs"].as_array().unwrap().len(), 2);
    record.plan = None;
    assert_eq!(payload(&record, State::Plan)["next_run"], Value::Null);
}

#[test]
fn two_days_of_plan_fit_into_the_recorder() {
    let mut record = record();
    let watts: Vec<f64> = (0..400).map(|slot| if slot % 2 == 0 { 12345.0 } else { 0.0 }).collect();
    record.plan = Some(plan_of(record.at, &watts));
    let plan = payload(&record, State::Plan);
    let length = plan["ahead"].to_string().len();
    assert_eq!(plan["ahead"]["compute_w"].as_array().unwrap().len(), SLOTS_MAX);
    assert!(length < 15_000, "{length} bytes of attributes");
}

#[test]
fn problems_are_named_in_sentences() {
    let mut record = record();
    assert_eq!(payload(&record, State::Health)["problem"], json!(false));
    record.devices[0].fresh = false;
    record.devices[0].points.insert(Point::GridPower, Known::Missing);
    record.worker.state = WorkerState::Down;
    record.worker.error = Some("killed by signal 9".into());
    let health = payload(&record, State::Health);
    let expected = ["the engine does not answer: killed by signal 9", "meter gives no fresh grid.power"];
    assert_eq!(health["problems"], json!(expected));
    assert_eq!(health["worker"], json!("down"));
    assert_eq!(payload(&record, State::Live)["tokens_per_second"], Value::Null);
}

#[test]
fn the_limit_stays_in_the_range_that_is_announced() {
    let mut record = record();
    record.power_limit = Watts(f64::MAX);
    record.power_max = Watts(600.0);
    assert_eq!(payload(&record, State::PowerLimit), json!(600));
}
