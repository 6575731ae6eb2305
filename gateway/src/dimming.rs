//! The grid operator's signal out of Home Assistant: an entity is asked again and again, and what it says is commanded.
//!
//! Terms. An entity *says* `off`, which lifts the dimming, `on`, which leaves `limit_w`, or the watts that are left. It is *silent*
//! where Home Assistant is away, does not know it, or shows `unavailable`, `unknown` or a word that is none of these.
//!
//! And when it is silent? What it said last stays in force, over restarts too. After five minutes it counts as `on`, and a problem
//! says so: a guard that falls silent stays shut. What it said last stays where that is the stricter.
//!
//! Example: the entity says `off` at 10:00, and Home Assistant is updated at 10:01. Until 10:06 nothing changes. It comes back at 10:08:
//! from 10:06 to 10:08 the loads were dimmed to 4200 W. Had it said 3000 W at 10:00, 3000 W would have stayed in force all the time.

use crate::addon::supervisor::ANSWER_MAX;
use crate::config::Config;
use crate::config::dimming::Signal;
use crate::config::secret::Secret;
use crate::troubles::Troubles;
use crate::wiring::Wiring;
use anyhow::{Context, Result, bail, ensure};
use plant::command::{Command, HOUSE_MAX};
use plant::units::Watts;
use reqwest::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

/// How often the entity is asked. The grid operator's own path takes minutes.
const ASK: Duration = Duration::from_secs(10);
/// An entity that is silent for longer counts as dimmed. Chosen: a restart of Home Assistant takes less, as a rule.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// Under this name it is said that the entity is silent.
const TROUBLE: &str = "dimming";
/// The longest answer that is read. An entity with its attributes takes some kilobytes.
const STATE_MAX: usize = 1 << 20;
/// The longest word of an entity that is repeated.
const SHOWN: usize = 40;

/// Follows the grid operator's signal where it comes neither by REST nor by MQTT, until the gateway stops.
pub async fn follow(config: &Config, wiring: Wiring, troubles: Troubles) -> Result<()> {
    let (dimming, home_assistant) = (&config.dimming, &config.home_assistant);
    match dimming.signal {
        Signal::HomeAssistant => {
            let entity = dimming.entity.clone().context("no entity is named")?;
            let url = home_assistant.url.clone().context("Home Assistant has no address")?;
            let source = Entity { entity, url, token: home_assistant.token.clone().unwrap_or_default() };
            let shutdown = wiring.shutdown.clone();
            let follower = Follower { source, limit: Watts(dimming.limit_w), wiring, troubles };
            shutdown.run_until_cancelled(follower.run()).await.unwrap_or(Ok(()))
        }
        // The point speaks for itself: what another way has left in force, nobody could lift.
        Signal::Device => {
            let lifted = wiring.command(Command::GridDimming(None)).await;
            lifted
                .map_err(|untaken| anyhow::anyhow!("what another way has dimmed may still be in force: {untaken}"))?;
            wiring.shutdown.cancelled().await;
            Ok(())
        }
        Signal::Rest | Signal::Mqtt => {
            wiring.shutdown.cancelled().await;
            Ok(())
        }
    }
}

/// An entity of Home Assistant.
#[derive(Clone, Debug)]
struct Entity {
    /// Its name, `binary_sensor.dimming`.
    entity: String,
    /// Where Home Assistant is reached.
    url: String,
    token: Secret,
}

/// What Home Assistant answers.
#[derive(Debug, Deserialize)]
struct State {
    state: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    unit_of_measurement: Option<String>,
}

impl Entity {
    /// What is in force: the watts that are left, or `None` while nobody dims.
    async fn ask(&self, limit: Watts) -> Result<Option<Watts>> {
        let (entity, url) = (&self.entity, self.url.trim_end_matches('/'));
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build()?;
        let request = client.get(format!("{url}/api/states/{entity}")).bearer_auth(self.token.reveal());
        let mut response =
            request.send().await.map_err(|_| anyhow::anyhow!("Home Assistant does not answer at {url}"))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => bail!("Home Assistant does not know {entity}"),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!("Home Assistant refuses the token"),
            status => bail!("Home Assistant answers {status} about {entity}"),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.context("the answer of Home Assistant broke off")? {
            ensure!(
                body.len() + chunk.len() <= STATE_MAX,
                "the answer of Home Assistant is longer than {STATE_MAX} bytes"
            );
            body.extend_from_slice(&chunk);
        }
        let state: State = serde_json::from_slice(&body).context("Home Assistant does not answer in its own form")?;
        said(&state, limit).with_context(|| {
            let word: String = state.state.chars().take(SHOWN).collect();
            let unit = state.attributes.unit_of_measurement.map(|unit| format!(" {unit}")).unwrap_or_default();
            format!("{entity} is {word:?}{unit}; expected on, off or watts")
        })
    }
}

/// What a state means; `None` where it says nothing.
fn said(State { state, attributes }: &State, limit: Watts) -> Option<Option<Watts>> {
    match state.as_str() {
        "on" => return Some(Some(limit)),
        "off" => return Some(None),
        _ => {}
    }
    let factor = match attributes.unit_of_measurement.as_deref() {
        None | Some("W" | "") => 1.0,
        Some("kW") => 1000.0,
        Some(_) => return None,
    };
    let watts = state.parse::<f64>().ok()? * factor;
    (0.0..=HOUSE_MAX.0).contains(&watts).then_some(Some(Watts(watts)))
}

/// Commands what an entity says.
struct Follower {
    source: Entity,
    limit: Watts,
    wiring: Wiring,
    troubles: Troubles,
}

impl Follower {
    async fn run(self) -> Result<()> {
        let mut ticks = interval(ASK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut commanded) = (Heard::new(Instant::now()), None);
        loop {
            ticks.tick().await;
            let answer = self.source.ask(self.limit).await;
            let wanted = heard.judge(answer.as_ref().ok().copied(), self.limit, Instant::now());
            self.report(&answer, wanted.flatten());
            let Some(wanted) = wanted.filter(|wanted| commanded != Some(*wanted)) else { continue };
            match self.wiring.command(Command::GridDimming(wanted)).await {
                Ok(()) => {
                    info!(entity = self.source.entity, left = ?wanted, "the grid operator's signal");
                    commanded = Some(wanted);
                }
                Err(untaken) => warn!(%untaken, "the grid operator's signal was not taken; it is commanded again"),
            }
        }
    }

    /// Says what keeps the entity silent, and what that means.
    fn report(&self, answer: &Result<Option<Watts>>, left: Option<Watts>) {
        let Err(error) = answer else {
            self.troubles.over(TROUBLE);
            return;
        };
        let means = match left {
            Some(left) => format!("it is taken that the grid operator dims to {left:.0}"),
            None => "what was said last stays in force for now".into(),
        };
        if self.troubles.say(TROUBLE, format!("the grid operator's signal is silent: {error:#}; {means}")) {
            warn!(%error, means, "the grid operator's signal is silent");
        }
    }
}

/// What was heard last, and when.
#[derive(Debug)]
struct Heard {
    said: Option<Option<Watts>>,
    at: Instant,
}

impl Heard {
    fn new(now: Instant) -> Self {
        Self { said: None, at: now }
    }

    /// What is to be in force; `None` leaves it as it is.
    fn judge(&mut self, answer: Option<Option<Watts>>, limit: Watts, now: Instant) -> Option<Option<Watts>> {
        if let Some(said) = answer {
            *self = Self { said: Some(said), at: now };
            return Some(said);
        }
        let silent = now.duration_since(self.at) >= SILENCE_MAX;
        silent.then(|| Some(self.said.flatten().map_or(limit, |left| left.min(limit))))
    }
}

#[cfg(test)]
#[path = "dimming_test.rs"]
mod tests;
