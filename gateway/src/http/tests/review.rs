//! What the plan of a day said against what happened, over HTTP.

use super::*;

#[tokio::test]
async fn yesterday_is_held_against_its_plan() {
    let house = House::open().await;
    let (status, before) = house.get("/api/v1/plan/review").await;
    assert_eq!((status, &before["day"]), (200, &Value::from("2026-11-20")));
    assert_eq!(before["sentence"], "Nothing was planned for this day.", "{before}");
    fill_yesterday(&house.ledger, noon() - chrono::Duration::hours(12)).unwrap();
    let (_, review) = house.get("/api/v1/plan/review").await;
    let sentence = review["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("The sun gave "), "{sentence}");
    assert!(
        sentence.contains("less than planned") && sentence.contains("most of it between 10:30 and 13:45"),
        "{sentence}"
    );
    assert!(sentence.contains(" The day ") && sentence.ends_with(" than planned."), "{sentence}");
    let slots = review["slots"].as_array().unwrap();
    assert_eq!((slots.len(), &slots[0]["start"]), (95, &Value::from("2026-11-19T23:00:00Z")), "midnight in Vienna");
    let eleven = slots.iter().find(|slot| slot["start"] == "2026-11-20T10:00:00Z").unwrap();
    let share = eleven["happened"]["pv"].as_f64().unwrap() / eleven["planned"]["pv"].as_f64().unwrap();
    assert!((share - 0.45).abs() < 1e-9, "{eleven}");
    assert_eq!(eleven["planned"]["made_at"], "2026-11-19T22:45:00Z");
    assert!(review["planned"]["pv"].as_f64() > review["happened"]["pv"].as_f64(), "{review}");
}

#[tokio::test]
async fn any_day_can_be_asked_for() {
    let house = House::open().await;
    let (status, empty) = house.get("/api/v1/plan/review?day=2020-02-29").await;
    assert_eq!((status, empty["slots"].as_array().map(Vec::len)), (200, Some(0)));
    for far in ["-262143-01-01", "%2B262142-12-31"] {
        assert_eq!(house.get(&format!("/api/v1/plan/review?day={far}")).await.0, 200, "{far}");
    }
    assert_eq!(house.get("/api/v1/plan/review?day=yesterday").await.0, 422);
    assert_eq!(house.get("/api/v1/plan/review?date=2026-11-20").await.0, 422);
}

#[tokio::test]
async fn metrics_say_what_is_planned_for_the_moment() {
    let house = House::open().await;
    let scrape =
        async || house.client.get(format!("{}/metrics", house.url)).send().await.unwrap().text().await.unwrap();
    let text = scrape().await;
    for line in [
        "heatmine_planned_watts{what=\"battery\"} -2057",
        "heatmine_planned_reason{device=\"battery\",reason=\"grid_charge\"} 1",
        "heatmine_planned_reason{device=\"heat_pump\",reason=\"preheat\"} 1",
        "heatmine_planned_temperature_celsius{what=\"room\"}",
        "heatmine_expected_cost_today_eur{what=\"without\"}",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    house.change(|record| record.plan.as_mut().unwrap().slots.iter_mut().for_each(|slot| slot.house = None));
    let text = scrape().await;
    assert!(text.contains("heatmine_planned_watts{what=\"load\"}"), "{text}");
    for absent in ["heatmine_planned_reason", "what=\"battery\"", "heatmine_expected_cost_today_eur"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}
