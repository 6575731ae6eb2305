//! Power cuts and kills at any moment, in a house whose devices stay set until somebody gives them back: no device is left
//! set, and what was answered for is kept.
//!
//! The gateway is the real binary with its real SQLite, started as `heatmine run` at the pace of the wall's clock; its two devices
//! answer over real Modbus, its broker is Mosquitto. Several houses live side by side, since most of a house's life is waiting.
//!
//! `HEATMINE_SEED` repeats a round, `HEATMINE_CYCLES` says how many blows it deals.

/// What a day costs the card.
mod bytes;
/// What stands in the cellar.
mod cellar;
/// Chance that follows from a seed.
mod chance;
/// One blow, and what must be true after it.
mod cycle;
/// A device with registers.
mod device;
/// A data folder on a disk that forgets what was not synced.
mod disk;
/// An engine elsewhere.
mod engine;
/// The house.
mod stage;
/// What is said to the gateway.
mod talk;
/// Devices that are set when the disk fills up, or when they leave the configuration.
mod trouble;

use crate::peer::seed;
use anyhow::{Context, Result};
use chance::Chance;
use cycle::{Blow, Left, cycle};
use futures_util::future::try_join_all;
use stage::Stage;

/// Houses side by side.
const HOUSES: u64 = 3;
/// Blows where nobody says how many.
const CYCLES: u64 = 6;

#[tokio::test]
async fn after_a_power_cut_no_device_is_left_set_and_nothing_that_was_answered_is_lost() -> Result<()> {
    let blows = [Blow::Gateway, Blow::Starting, Blow::Gateway, Blow::Stopping];
    houses(&blows, &[Left::Synced, Left::Torn]).await
}

#[tokio::test]
async fn after_a_kill_of_gateway_or_house_no_device_is_left_set() -> Result<()> {
    let blows = [Blow::Starting, Blow::Stopping, Blow::House, Blow::Gateway, Blow::Both];
    houses(&blows, &[Left::Everything]).await
}

/// Deals blows to several houses, each kind in turn.
async fn houses(blows: &[Blow], left: &[Left]) -> Result<()> {
    let (seed, cycles) = (seed(), cycles());
    let houses = (0..HOUSES.min(cycles)).map(|which| house(seed, which, cycles, (blows, left)));
    try_join_all(houses).await.map(drop)
}

/// The blows of one house: every third one, where there are three houses.
async fn house(seed: u64, which: u64, cycles: u64, (blows, left): (&[Blow], &[Left])) -> Result<()> {
    let mut chance = Chance::of(seed, which);
    let Some(mut stage) = Stage::start(Chance::of(seed, which + HOUSES)).await? else { return Ok(()) };
    for turn in (which..cycles).step_by(usize::try_from(HOUSES)?) {
        let at = usize::try_from(turn)?;
        let (blow, left) = (blows[at % blows.len()], left[at / 2 % left.len()]);
        let began = tokio::time::Instant::now();
        let result = cycle(&mut stage, blow, left, &mut chance).await;
        eprintln!(
            "{turn}: {blow:?}, {left:?} in house {which}, {:.1} s: {}",
            began.elapsed().as_secs_f64(),
            result.is_ok()
        );
        result.with_context(|| format!("blow {turn}: {blow:?}, {left:?} in house {which}"))?;
    }
    stage.every_answer_is_booked().await
}

/// How many blows are dealt.
fn cycles() -> u64 {
    let given = std::env::var("HEATMINE_CYCLES").ok().and_then(|cycles| cycles.parse().ok());
    given.unwrap_or(CYCLES)
}
