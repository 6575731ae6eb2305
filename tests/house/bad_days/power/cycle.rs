//! One blow at a random moment, and what must be true after it.
//!
//! ```text
//!   at work, talked to --blow--> dead --(the disk loses what was not synced)--> started again --> everything below holds
//! ```
//!
//! | what must be true | how it is seen |
//! |---|---|
//! | no debt is forgotten | a device that holds a setting of ours has a debt on the disk at the moment of the blow |
//! | it is given back, or held by somebody alive | within 30 s: what its registers say, beside the leases of the record |
//! | commands in force are kept | mode, limit and dimming are those that were acknowledged last, also while nobody was there |
//! | jobs are kept | each that was taken is there, by number and title |
//! | the books are whole | `heatmine ledger verify` on what the disk holds; no entry less than before; at the end each answer is booked once |
//! | what was published has not fallen | sums of energy and money of the last record before, and the first one after |
//! | nothing is lost or broken | no notice waits to be confirmed |

use super::chance::Chance;
use super::stage::{Stage, debts};
use crate::peer::wait_until;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A device is under its own control, or under a live lease, within this time.
const GIVEN_BACK: Duration = Duration::from_secs(30);
/// The same where the device itself was away: the driver's back-off, and a look within a minute.
const SEEN: Duration = Duration::from_secs(90);
/// The longest that a gateway lives between its start and a blow, where nothing is waited for.
const LIFE: Duration = Duration::from_secs(4);
/// Setting a device takes its least interval and a few seconds.
const SETTING: Duration = Duration::from_secs(15);
/// A start and a stop take about so long.
const START: Duration = Duration::from_secs(2);

/// The sums of a record that only grow. A bill does not: power costs less than nothing here.
const ENERGY: [&str; 8] =
    ["import", "export", "pv", "battery_charge", "battery_discharge", "compute", "heat_pump", "heat_used"];
const EARNED: [&str; 6] = ["revenue", "heat_value", "energy", "heat", "tokens_in", "tokens_out"];

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blow {
    /// The gateway dies while it starts.
    Starting,
    /// The gateway dies while it stops.
    Stopping,
    /// The gateway dies at work.
    Gateway,
    /// The devices lose their power for a while.
    House,
    /// Both.
    Both,
}

/// What is left of the disk after a blow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// All that was written.
    Everything,
    /// What was synced.
    Synced,
    /// What was synced, and some of the rest.
    Torn,
}

/// Deals one blow, and looks at what is left.
pub(super) async fn cycle(stage: &mut Stage, blow: Blow, left: Left, chance: &mut Chance) -> Result<()> {
    stage.voice.mode(&mut stage.said).await;
    at_work(stage, blow, chance).await?;
    stage.voice.look(&mut stage.said).await;
    let forget = chance.coin();
    match blow {
        Blow::House => {
            let began = Instant::now();
            stage.cellar.outage(chance.moment(START), forget).await;
            return given_back(stage, &[], began, SEEN).await;
        }
        Blow::Starting => {
            stage.gateway.process.kill()?;
            stage.gateway.launch()?;
            sleep(chance.moment(START)).await;
        }
        Blow::Stopping => {
            stage.gateway.process.signal("TERM")?;
            sleep(chance.moment(START)).await;
        }
        Blow::Gateway | Blow::Both => {}
    }
    let ended = stage.gateway.process.exited();
    stage.gateway.process.kill()?;
    // What was on its way arrives.
    sleep(Duration::from_millis(50)).await;
    let held = held(stage);
    if let Some(status) = ended {
        // A write that the end cut short may be confirmed by the next start alone: then it says so with its exit code.
        ensure!(
            held.is_empty() && (status.success() || !debts(&stage.data).is_empty()),
            "it ended before it was killed, with {status}, and left {held:?} set\n{}",
            stage.gateway.process.tail()
        );
    }
    lose(stage, left, chance)?;
    for name in &held {
        ensure!(debts(&stage.data).contains(name), "{name} is set, and the disk knows of {:?}", debts(&stage.data));
    }
    stage.books_are_whole()?;
    stage.disk.remember()?;
    if blow == Blow::Both {
        stage.cellar.outage(chance.moment(START), forget).await;
    }
    if chance.coin() {
        stage.voice.limit(&mut stage.said).await?;
    }
    let began = Instant::now();
    stage.gateway.restart().await?;
    kept(stage).await?;
    given_back(stage, &held, began, GIVEN_BACK).await
}

/// Works and talks until the moment of the blow: some time after the start, the next write to a device, or the next answer.
async fn at_work(stage: &mut Stage, blow: Blow, chance: &mut Chance) -> Result<()> {
    let (began, writes, waits) = (Instant::now(), stage.cellar.writes(), chance.below(3));
    let (life, limit) = (chance.moment(LIFE), if blow == Blow::House { LIFE } else { SETTING });
    loop {
        let answered = stage.voice.say(&mut stage.said).await?;
        let due = match waits {
            0 => began.elapsed() >= life,
            1 => stage.cellar.writes() > writes,
            _ => answered && began.elapsed() >= life,
        };
        if due || began.elapsed() >= limit {
            sleep(chance.moment(Duration::from_millis(if waits == 2 { 1 } else { 200 }))).await;
            return Ok(());
        }
        stage.voice.look(&mut stage.said).await;
        sleep(chance.moment(Duration::from_millis(200))).await;
    }
}

fn held(stage: &Stage) -> Vec<String> {
    let held = stage.cellar.devices().into_iter().filter(|(_, _, device)| !device.is_own());
    held.map(|(name, control, _)| format!("{name} {control}")).collect()
}

fn lose(stage: &Stage, left: Left, chance: &mut Chance) -> Result<()> {
    match left {
        Left::Everything => Ok(()),
        Left::Synced => stage.disk.cut(None),
        Left::Torn => stage.disk.cut(Some(chance)),
    }
}

/// Commands, jobs and sums are what they were.
async fn kept(stage: &mut Stage) -> Result<()> {
    let first = stage.gateway.record().await.context("a record")?;
    if let Some(before) = &stage.said.record {
        not_fallen(before, &first)?;
    }
    let said = &stage.said;
    let in_force = |record: &Value| {
        said.mode.may_be(&record["mode"])
            && said.limit.may_be(&record["power_limit"])
            && said.dimming.may_be(&record["grid_dimming"])
    };
    let record = stage.gateway.within(GIVEN_BACK, "the commands that were acknowledged", in_force).await;
    let record = record.with_context(|| format!("{:?} {:?} {:?}", said.mode, said.limit, said.dimming))?;
    ensure!(record["to_confirm"] == 0, "{}", record["problems"]);
    stage.voice.jobs_are_kept(&stage.said).await?;
    stage.said.mode.settle(&record["mode"]);
    stage.said.limit.settle(&record["power_limit"]);
    stage.said.dimming.settle(&record["grid_dimming"]);
    Ok(())
}

/// No sum that can only grow has fallen.
fn not_fallen(before: &Value, after: &Value) -> Result<()> {
    for name in ENERGY {
        rises(name, &before["energy"][name], &after["energy"][name])?;
    }
    for name in EARNED {
        rises(name, &before["total"][name], &after["total"][name])?;
    }
    Ok(())
}

fn rises(name: &str, before: &Value, after: &Value) -> Result<()> {
    let number = |value: &Value| value.as_f64().with_context(|| format!("{name} is {value}"));
    ensure!(number(after)? >= number(before)? - 1e-9, "{name} was {before} and is {after}");
    Ok(())
}

/// What was `held` at the moment of the blow was under its own control since, and each device is under its own control or under the
/// lease that the record shows.
async fn given_back(stage: &Stage, held: &[String], since: Instant, limit: Duration) -> Result<()> {
    let mut last = Value::Null;
    let settled =
        wait_until(limit.saturating_sub(since.elapsed()), "every device to be in somebody's hands", async || {
            let record = stage.gateway.record().await?;
            let settled = stage.cellar.devices().into_iter().all(|(name, control, device)| {
                let owed =
                    held.contains(&format!("{name} {control}")) && !device.was_own_since(since) && !device.is_own();
                !owed && device.is_own() != is_held(&record, name, control)
            });
            last = record["leases"].clone();
            settled.then_some(())
        })
        .await;
    let words = || {
        format!("held then: {held:?}, now: {:?}, leases: {last}\n{}", self::held(stage), stage.gateway.process.tail())
    };
    settled.with_context(words)
}

fn is_held(record: &Value, device: &str, control: &str) -> bool {
    let mut leases = record["leases"].as_array().into_iter().flatten();
    let safe = |setting: &Value| {
        [&setting["value"], setting].iter().any(|value| **value == "normal" || value.as_f64() == Some(0.0))
    };
    leases.any(|lease| {
        lease["device"] == device && lease["control"] == control && lease["state"] == "held" && !safe(&lease["setting"])
    })
}
