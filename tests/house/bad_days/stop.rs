//! The end that was asked for, and the one that was not: what was set gets its own control back.

use super::gateway::{Gateway, runs};
use super::proxy::Wire;
use super::shared_house::House;
use super::{experts, verify};
use crate::peer::wait_until;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Everything is given back and written within this time.
const END: Duration = Duration::from_secs(10);
/// Where the heat pump is offered surplus.
const SURPLUS: u16 = 102;
/// Where the inverter's storage control is switched: `StorCtl_Mod` in its model 124, the sixth in its chain.
const STORAGE: u16 = 40_270;

#[tokio::test]
async fn at_the_end_every_device_has_its_own_control_back_and_the_books_are_whole() -> Result<()> {
    let Some(experts) = experts() else { return Ok(()) };
    let house = cheap_house(&experts).await?;
    let mut gateway = house.gateway().await?;
    let data = house.folder.path().join("data");
    at_work(&gateway, &house).await?;

    // A crash leaves the devices set; the next start gives them back before it sets them anew.
    gateway.process.kill()?;
    gateway.restart().await?;
    let given_back = || gateway.process.log().matches("given back its own control after an unclean stop").count();
    wait_until(super::LIMIT, "the debts", async || (given_back() == 2).then_some(()))
        .await
        .with_context(|| format!("{} devices were given back\n{}", given_back(), gateway.process.tail()))?;
    at_work(&gateway, &house).await?;

    let worker = gateway.ready_worker().await?;
    let asked = Instant::now();
    let status = gateway.process.stop().await?;
    ensure!(status.code() == Some(0), "{status}\n{}", gateway.process.tail());
    ensure!(asked.elapsed() < END, "it took {:?}", asked.elapsed());
    ensure!(house.heat_pump.written(SURPLUS).last() == Some(&0), "{:?}", house.heat_pump.written(SURPLUS));
    let battery = house.inverter.written(STORAGE);
    ensure!(battery.last() == Some(&0), "{battery:?}");
    wait_until(END, "the worker's end", async || (!runs(worker)).then_some(())).await?;
    verify(&data)?;
    for copy in ["debts.json", "debts.backup.json"] {
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(data.join(copy))?)?;
        let owed = &kept["body"]["debts"];
        ensure!(owed.as_array().is_some_and(Vec::is_empty), "{copy}: {owed} are owed their own control");
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_given_back_is_named_with_an_exit_code_and_the_next_start_gives_it_back() -> Result<()> {
    let Some(experts) = experts() else { return Ok(()) };
    let house = cheap_house(&experts).await?;
    let mut gateway = house.gateway().await?;
    at_work(&gateway, &house).await?;
    house.inverter.set(Wire::Cut);
    let status = gateway.process.stop().await?;
    let log = gateway.process.log();
    ensure!(status.code() == Some(69), "{status}\n{}", gateway.process.tail());
    ensure!(log.contains("not given back: inverter (battery.mode)"), "{}", gateway.process.tail());
    ensure!(house.heat_pump.written(SURPLUS).last() == Some(&0), "the heat pump is given back all the same");

    house.inverter.set(Wire::Sound);
    gateway.restart().await?;
    wait_until(super::LIMIT, "the debt", async || (house.inverter.written(STORAGE).last() == Some(&0)).then_some(()))
        .await
        .with_context(|| format!("{:?}\n{}", house.inverter.written(STORAGE), gateway.process.tail()))?;
    Ok(())
}

/// A house in which power costs less than nothing, and work is always to be had: the engine runs, and the heat pump is offered all
/// there is. Its battery is below its reserve, and holds.
async fn cheap_house(experts: &Path) -> Result<House> {
    let mut house = House::start(experts, -0.05).await?;
    for (table, key, value) in [("battery", "reserve_percent", 60.0), ("work", "standing_eur_per_kwh", 0.3)] {
        let table = house.config[table].as_table_mut().with_context(|| format!("the table {table}"))?;
        table.insert(key.into(), value.into());
    }
    Ok(house)
}

/// Waits until battery and heat pump are set, and the registers say so.
async fn at_work(gateway: &Gateway, house: &House) -> Result<()> {
    gateway.set_mode("auto").await?;
    let (battery, offers) = (house.inverter.written(STORAGE).len(), house.heat_pump.written(SURPLUS).len());
    let wanted = |record: &Value| {
        let settings = record["decision"]["settings"].as_array().into_iter().flatten();
        let settings: Vec<_> = settings.map(|setting| (&setting["control"], &setting["value"])).collect();
        let holds = settings.iter().any(|(control, value)| *control == "battery.mode" && *value == "hold");
        holds && settings.iter().any(|(control, value)| *control == "heat_pump.surplus" && value.as_f64() > Some(0.0))
    };
    gateway.until("settings of battery and heat pump", wanted).await?;
    wait_until(super::LIMIT, "the settings on the wires", async || {
        let battery = house.inverter.written(STORAGE).get(battery..)?.contains(&2);
        let offered = house.heat_pump.written(SURPLUS).get(offers..)?.iter().any(|watts| *watts > 0);
        (battery && offered).then_some(())
    })
    .await
    .with_context(|| gateway.process.tail())
}
