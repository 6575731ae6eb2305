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
