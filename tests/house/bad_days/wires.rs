//! The inverter falls silent, then its wire is cut; the heat pump's registers say that there is nothing.

use super::proxy::{Proxy, Wire};
use super::question::Question;
use super::shared_house::House;
use super::{LIMIT, experts, problems, reason, state};
use crate::bad_days::gateway::Gateway;
use crate::peer::wait_until;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A reading of the inverter may be ten seconds old; then a cycle decides and the engine hears it.
const OLD: Duration = Duration::from_secs(10 + 5);

#[tokio::test]
async fn a_silent_inverter_stops_compute_until_it_speaks_again() -> Result<()> {
    let Some(experts) = experts() else { return Ok(()) };
    let house = House::start(&experts, 0.3).await?;
    let gateway = house.gateway().await?;
    gateway.ready_worker().await?;
    gateway.until("the meter", |record| state(record, "grid.power") == "fresh").await?;

    for wire in [Wire::Mute, Wire::Cut] {
        goes_silent(&gateway, &house.inverter, wire).await?;
    }
    has_no_values(&gateway, &house.heat_pump).await
}

async fn goes_silent(gateway: &Gateway, inverter: &Proxy, wire: Wire) -> Result<()> {
    // Little power makes the answer last.
    gateway.post("/api/v1/power-limit", &json!({"watts": 200})).await?;
    gateway.until("little power", |record| record["power_limit"] == 200.0).await?;
    let question = Question::ask(&gateway.http)?;
    wait_until(LIMIT, "words", async || (question.words().0 > 3 || question.end().is_some()).then_some(())).await?;
    ensure!(question.end().is_none(), "{:?}\n{}", question.end(), gateway.process.tail());

    inverter.set(wire);
    let silent = Instant::now();
    let stale = |record: &Value| reason(record) == "stale_data" && record["decision"]["budget"] == 0.0;
    let record = gateway.until("stale_data", stale).await?;
    ensure!(silent.elapsed() < OLD, "{wire:?}: stopped after {:?}", silent.elapsed());
    ensure!(state(&record, "grid.power") == "stale", "{wire:?}: {}", record["points"]);
    ensure!(record["surplus"]["state"] == "missing", "{wire:?}: {}", record["surplus"]);
    let settings = record["decision"]["settings"].as_array().cloned().unwrap_or_default();
    let battery = settings.iter().find(|setting| setting["control"] == "battery.mode");
    ensure!(battery.is_some_and(|battery| battery["value"] == "normal"), "{wire:?}: {settings:?}");
    sleep(Duration::from_millis(500)).await;
    let words = question.words().0;
    sleep(Duration::from_secs(1)).await;
    ensure!(question.words().0 == words, "{wire:?}: words without power");
    gateway.until("the inverter among the problems", |record| problems(record).contains("inverter")).await?;
    ensure!(gateway.page("/health").await?.0 == 200, "{wire:?}: the gateway is ill");

    inverter.set(Wire::Sound);
    let recovered = |record: &Value| state(record, "grid.power") == "fresh" && problems(record).is_empty();
    gateway.until("the inverter's answers", recovered).await?;
    gateway.post("/api/v1/power-limit", &json!({"watts": 1500})).await?;
    let end = wait_until(LIMIT, "the answer's end", async || question.end()).await?;
    ensure!(end == "[DONE]" && question.words().0 > words, "{wire:?}: {end}");
    Ok(())
}

/// Registers that say "not there" are missing values of a device that is well.
async fn has_no_values(gateway: &Gateway, heat_pump: &Proxy) -> Result<()> {
    let points = ["heat_pump.power", "heat_pump.flow_temperature", "tank.temperature"];
    let all = |record: &Value, wanted: &str| points.iter().all(|point| state(record, point) == wanted);
    gateway.until("the heat pump", |record| all(record, "fresh")).await?;
    heat_pump.set(Wire::NotThere);
    let record = gateway.until("missing values", |record| all(record, "missing")).await?;
    let values = points.map(|point| record["points"][point]["value"].clone());
    ensure!(values.iter().all(Value::is_null), "{}", record["points"]);
    ensure!(state(&record, "house.power") == "missing", "a balance with an unknown part: {}", record["points"]);
    ensure!(problems(&record).is_empty(), "{}", problems(&record));
    heat_pump.set(Wire::Sound);
    gateway.until("the heat pump again", |record| all(record, "fresh")).await.map(drop)
}
