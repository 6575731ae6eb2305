//! Houses of a few quarter hours, written down, whose sums anybody can add up.

use super::play;
use serde_json::{Value, json};

/// Noon of a summer day in the house's zone.
const START: &str = "2024-06-03T10:00:00+00:00";

/// What an owner knows of a house with 10 kWp, 10 kWh and 5 kW of compute.
fn node() -> Value {
    json!({
        "pv_kwp": 10.0, "bat_kwh": 10.0, "bat_kw": 5.0, "bat_wear_eur_kwh": 0.02, "grid_import_kw": 17.0,
        "grid_export_kw": 10.0, "pc_max": 5.0, "pc_min": 0.3, "pc_start_eur": 0.03, "hp_max_kw": 3.0, "hp_min_kw": 0.5,
        "area_m2": 140, "tank_litres": 300, "T_lo": 20.0, "T_hi_winter": 23.0, "summer_mean24_c": 16.0, "tank_lo": 45.0,
        "tank_hi": 60.0, "fee_eur_kwh": 0.18, "feedin_eur_kwh": 0.079, "revenue_eur_kwh": 0.15,
        "queue_revenue_eur_kwh": 0.3, "queue_deadline_h": 24.0
    })
}

fn hello(scen: &str, with: &Value) -> Value {
    let mut node = node();
    for (key, value) in with.as_object().into_iter().flatten() {
        node[key] = value.clone();
    }
    node.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({"type": "hello", "dt_s": 900, "scen": scen, "node": node, "own_rule": {"room": {"setpoint_c": 20.6}}})
}

/// The observation of quarter hour `step`; `with` stands over it.
fn obs(step: i64, with: &Value) -> Value {
    let start: chrono::DateTime<chrono::Utc> = START.parse().unwrap();
    let at = start + chrono::TimeDelta::minutes(15 * step);
    let mut obs = json!({
        "type": "obs", "step": step, "time_utc": at.to_rfc3339(), "soc_kwh": 5.0, "t_air_c": 21.0, "t_tank_c": 50.0,
        "compute_on": false, "backlog_kwh": null
    });
    if step > 0 {
        let still = json!({"pc": 0.0, "pbat": 0.0, "psh": 0.0, "pdw": 0.0, "g": 0.4, "x": 0.0});
        let seen = json!({"pv_w": 0.0, "load_w": 400.0, "t_out_c": 20.0, "ghi_w_m2": 0.0, "last": still});
        obs.as_object_mut().unwrap().extend(seen.as_object().unwrap().clone());
    }
    for (key, value) in with.as_object().into_iter().flatten() {
        obs[key] = value.clone();
    }
    obs
}

/// Prices of two days, in EUR/MWh, from the start.
fn prices(price: f64) -> Value {
    json!({"prices_eur_mwh": {"from": START, "v": vec![price; 192]}})
}

/// The answers, and the books at the end.
fn played(lines: &[Value]) -> (Vec<Value>, Value) {
    let end = json!({"type": "end", "result": {}});
    let text: Vec<String> = lines.iter().chain([&end]).map(Value::to_string).collect();
    let mut answers = Vec::new();
    let played = play(text.join("\n").as_bytes(), &mut answers).unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let answers = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (answers, serde_json::to_value(played.books.unwrap()).unwrap())
}

#[track_caller]
fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
}

#[test]
fn what_has_flowed_is_booked_at_the_price_of_its_quarter_hour() {
    let bought = json!({"last": {"pc": 2.0, "pbat": -1.0, "psh": 0.5, "pdw": 0.1, "g": 2.0, "x": 0.0}, "soc_kwh": 4.7});
    let sold = json!({"last": {"pc": 0.0, "pbat": 0.0, "psh": 0.0, "pdw": 0.0, "g": 0.0, "x": 3.0}, "pv_w": 3400.0});
    let lines = [hello("market", &json!({})), obs(0, &prices(100.0)), obs(1, &sold), obs(2, &bought)];
    let (answers, books) = played(&lines);
    assert_eq!(answers.len(), 3);
    near(&books["import_eur"], 0.5 * 0.28);
    near(&books["export_eur"], 0.75 * 0.079);
    near(&books["bill_eur"], 0.5 * 0.28 - 0.75 * 0.079);
    near(&books["revenue_eur"], 0.5 * 0.15);
    near(&books["wear_eur"], 0.25 * 0.02);
    near(&books["start_eur"], 0.03);
    for (flow, expected) in [
        ("grid_import", 0.5),
        ("grid_export", 0.75),
        ("battery_out", 0.25),
        ("compute", 0.5),
        ("heat_pump", 0.15),
        ("load", 0.2),
        ("pv", 0.85),
    ] {
        near(&books["kwh"][flow], expected);
    }
}

#[test]
fn a_network_fee_goes_by_the_local_hour() {
    let fees = json!({
        "fee_eur_kwh": null, "feedin_eur_kwh": null, "tax_eur_kwh": 0.075, "grid_fee_low_eur_kwh": 0.015,
        "grid_fee_mid_eur_kwh": 0.085, "grid_fee_high_eur_kwh": 0.165, "grid_fee_low_hours": [23, 5],
        "grid_fee_high_hours": [17, 21], "feedin_fee_eur_kwh": 0.012
    });
    // 12:00 in Berlin, then 17:00, 20:45, 21:00, 22:45, 23:00, 04:45 and 05:00, 0.1 kWh each.
    let rows = [(1, 0.085), (21, 0.165), (36, 0.165), (37, 0.085), (44, 0.085), (45, 0.015), (68, 0.015), (69, 0.085)];
    for (step, fee) in rows {
        let before = if step == 1 { Value::Null } else { json!({"last": null}) };
        let lines = [hello("market", &fees), obs(0, &prices(50.0)), obs(step - 1, &before), obs(step, &Value::Null)];
        let lines = if step == 1 { [&lines[..2], &lines[3..]].concat() } else { lines.to_vec() };
        let (_, books) = played(&lines);
        near(&books["import_eur"], 0.1 * (0.05 + 0.075 + fee));
    }
}

#[test]
fn cheap_power_is_bought_within_what_the_box_allows() {
    let on = json!({"compute_on": true});
    let rows = [
        // price in EUR/MWh, what the box says -> power, follows the surplus
        (-100.0, json!({}), 5000.0, false),
        (-100.0, json!({"compute_may_start": false}), 0.0, false),
        (-100.0, json!({"compute_on": true, "compute_may_stop": false}), 5000.0, false),
        // No surplus is planned, so none is worth a start.
        (350.0, json!({}), 0.0, false),
        (350.0, json!({"compute_may_start": false}), 0.0, false),
        (350.0, on, 0.0, true),
        (350.0, json!({"compute_on": true, "compute_may_stop": false}), 300.0, true),
    ];
    for (price, says, power, follows) in rows {
        let later = [vec![price; 8], vec![300.0; 184]].concat();
        let prices = json!({"prices_eur_mwh": {"from": START, "v": later}});
        let lines = [hello("market", &json!({})), obs(0, &prices), obs(1, &says)];
        let (answers, _) = played(&lines);
        let answer = &answers[1];
        near(&answer["p_compute_w"], power);
        assert_eq!(answer["track_hi_w"].is_f64(), follows, "{price} {says}: {answer}");
        // The rooms are warm enough, in June.
        near(&answer["p_hp_sh_w"], 0.0);
        // What is bought is cheaper than what the battery holds.
        assert_eq!(answer["p_bat_min_w"].is_f64(), price < 0.0, "{price} {says}: {answer}");
    }
}

#[test]
fn work_that_waits_pays_and_ends_in_time() {
    // What is due tomorrow waits, what is due in half an hour runs.
    for (deadline, runs) in [(24.0, false), (0.75, true)] {
        let hello = hello("queue", &json!({"queue_deadline_h": deadline, "queue_revenue_eur_kwh": 0.1}));
        // Dear until the afternoon.
        let dear_then_cheap = [vec![400.0; 12], vec![100.0; 180]].concat();
        let prices = json!({"prices_eur_mwh": {"from": START, "v": dear_then_cheap}});
        let waits = json!({"backlog_kwh": 1.0, "soc_kwh": 0.0});
        let (answers, _) = played(&[hello, obs(0, &prices), obs(1, &waits), obs(2, &waits)]);
        assert_eq!(answers[2]["p_compute_w"].as_f64().unwrap() > 0.0, runs, "{}", answers[2]);
    }
    let ran = json!({"last": {"pc": 2.0, "pbat": 0.0, "psh": 0.0, "pdw": 0.0, "g": 2.4, "x": 0.0}, "backlog_kwh": 0.5});
    let lines =
        [hello("queue", &json!({})), obs(0, &prices(100.0)), obs(1, &json!({"backlog_kwh": 1.0})), obs(2, &ran)];
    near(&played(&lines).1["revenue_eur"], 0.5 * 0.3);
}

#[test]
fn a_hot_loop_pays_less() {
    let hot = json!({"loop_min_c": 45.0, "hot_loop_loss_per_k": 0.003});
    let last = json!({"pc": 2.0, "pbat": 0.0, "psh": 0.0, "pdw": 0.0, "g": 2.4, "x": 0.0});
    let lines = [hello("market", &hot), obs(0, &prices(100.0)), obs(1, &json!({"last": last, "t_loop_c": 55.0}))];
    near(&played(&lines).1["revenue_eur"], 0.5 * 0.15 * (1.0 - 0.03));
}

#[test]
fn what_is_held_back_of_the_sun_was_not_made() {
    let last = |g: f64, x: f64, curt: Option<f64>| {
        let mut last = json!({"pc": 0.0, "pbat": 1.0, "psh": 0.6, "pdw": 0.0, "g": g, "x": x});
        if let Some(curt) = curt {
            last["curt"] = curt.into();
        }
        last
    };
    let rows = [
        // price, what flowed -> what 8 kW of sun made in a quarter hour
        (100.0, last(0.0, 6.0, None), 2.0),
        (-10.0, last(0.0, 0.0, None), 0.5),
        (-10.0, last(0.1, 0.0, None), 2.0),
        (100.0, last(0.0, 0.0, None), 2.0),
        (100.0, last(0.0, 4.0, Some(2.0)), 1.5),
    ];
    for (price, last, made) in rows {
        let seen = json!({"last": last, "pv_w": 8000.0});
        let lines = [hello("market", &json!({})), obs(0, &prices(price)), obs(1, &seen)];
        near(&played(&lines).1["kwh"]["pv"], made);
    }
}

#[test]
fn what_nobody_measured_is_not_filled_in() {
    let silent =
        json!({"pv_w": null, "load_w": null, "t_out_c": null, "ghi_w_m2": null, "t_air_c": null, "t_tank_c": null});
    let lines = [hello("market", &json!({})), obs(0, &prices(100.0)), obs(1, &silent), obs(2, &silent)];
    let (answers, books) = played(&lines);
    assert_eq!(answers.len(), 3);
    near(&books["import_eur"], 0.2 * 0.28);
    near(&books["kwh"]["pv"], 0.0);
    // A gap of a day is in no books.
    let lines = [hello("market", &json!({})), obs(0, &prices(100.0)), obs(1, &Value::Null), obs(97, &Value::Null)];
    near(&played(&lines).1["kwh"]["grid_import"], 0.2);
}

#[test]
fn what_the_simulator_does_not_obey_is_left_to_its_own_rule() {
    let mut alone = hello("market", &json!({}));
    alone["controls"] = json!([]);
    let cold = json!({"t_air_c": 19.0, "t_out_c": 0.0});
    let lines = [alone, obs(0, &prices(-100.0)), obs(1, &cold), obs(2, &cold)];
    // Of the house that is first seen nobody knows what it takes.
    for answer in &played(&lines).0[1..] {
        for of_the_house in ["p_hp_sh_w", "p_hp_dhw_w", "p_hp_cool_w", "p_bat_min_w", "p_bat_max_w", "heat_to"] {
            assert_eq!(answer[of_the_house], Value::Null, "{of_the_house}: {answer}");
        }
        near(&answer["p_compute_w"], 5000.0);
    }
    let mut odd = hello("market", &json!({}));
    odd["controls"] = json!(["heat_pump.colour"]);
    let Err(error) = play(odd.to_string().as_bytes(), Vec::new()) else { panic!("not refused") };
    assert!(format!("{error:#}").contains("unknown variant `heat_pump.colour`"), "{error:#}");
}

#[test]
fn a_reading_that_is_missing_stops_no_plan_for_an_hour() {
    let silent =
        json!({"pv_w": null, "load_w": null, "t_out_c": null, "ghi_w_m2": null, "t_air_c": null, "t_tank_c": null});
    let dear = json!({"prices_eur_mwh": {"from": START, "v": vec![350.0; 192]}});
    let mut lines = vec![hello("market", &json!({})), obs(0, &dear), obs(1, &Value::Null)];
    lines.extend((2..8).map(|step| obs(step, &silent)));
    let (answers, books) = played(&lines);
    let planned: Vec<bool> = answers[1..].iter().map(|answer| answer["p_hp_sh_w"].is_f64()).collect();
    assert_eq!(
        planned,
        [true, true, true, true, true, false, false],
        "a room that nobody has read for long is not planned"
    );
    // In the books it stays missing.
    near(&books["kwh"]["load"], 0.1);
    assert_eq!(books["plans"]["count"], 8);
}

#[test]
fn what_no_house_of_quarter_hours_can_be_is_refused_in_words() {
    let hello_with = |with: Value| hello("market", &with);
    let first = || obs(0, &prices(100.0));
    let mut odd_time = first();
    odd_time["time_utc"] = "2024-06-03T10:07:00+00:00".into();
    let rows = [
        (vec![hello("auction", &json!({}))], "line 1: hello: unknown variant `auction`"),
        (vec![hello_with(json!({"pc_max": null}))], "line 1: hello: missing field `pc_max`"),
        (vec![hello_with(json!({"pc_min": 9.0}))], "line 1: node: pc_min is 9; expected 0 to 5"),
        (vec![hello_with(json!({"grid_fee_low_hours": [25, 5]}))], "grid_fee_low_hours is [25, 5]"),
        (vec![hello_with(json!({})), odd_time], "line 2: obs: time_utc is 2024-06-03 10:07:00 UTC; expected the start"),
        (
            vec![hello_with(json!({})), first(), first()],
            "line 3: obs: time_utc is 2024-06-03 10:00:00 UTC; expected 2024",
        ),
        (vec![hello_with(json!({})), obs(1, &json!({"last": {"pc": 1.0}}))], "line 2: obs: missing field"),
        (
            vec![
                hello_with(json!({})),
                obs(1, &json!({"last": {"pc": -1.0, "pbat": 0.0, "psh": 0.0, "pdw": 0.0, "g": 0.0, "x": 0.0}})),
            ],
            "line 2: obs: last: pc is -1; expected 0 to",
        ),
        (vec![hello_with(json!({})), obs(0, &json!({"forecast": {"pv_w": 3}}))], "line 2: obs: invalid type"),
    ];
    for (lines, expected) in rows {
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        let Err(error) = play(text.join("\n").as_bytes(), Vec::new()) else { panic!("not refused: {expected}") };
        let said = format!("{error:#}");
        assert!(said.contains(expected), "{said}\nlacks {expected}");
    }
}
