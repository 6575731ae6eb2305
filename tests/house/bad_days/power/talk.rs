//! What people, the grid operator and automations say to the gateway, and what it has answered for: from then on it is kept.
//!
//! - *acknowledged*: answered with 2xx, or taken by the broker, which keeps it until the gateway has taken it.
//! - *open*: sent, and the answer was cut off: whether it counts nobody knows.
//!
//! In an example: `surplus` is answered, `heat` is on its way when the mains go. The next start is in `surplus` or in `heat`; were
//! it in `auto`, something was lost.
//!
//! The mode and jobs come over REST, the limit over MQTT, the dimming over one of them in each house, so that what comes over one
//! way does not overtake what comes over the other.

use super::super::LIMIT;
use super::chance::Chance;
use crate::peer::client;
use anyhow::{Context, Result, ensure};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, PublishOptions, QoS};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// The modes beside `auto`, which sets the devices.
const MODES: [&str; 5] = ["boost", "surplus", "heat", "eco", "off"];
/// Jobs that one life of a gateway is given.
const JOBS_MAX: usize = 2;
/// Who does not answer in this time is being killed.
const ANSWER: Duration = Duration::from_secs(5);

/// What a command sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Commanded {
    acknowledged: Option<Value>,
    open: Option<Value>,
}

/// Everything that was said, and what was read before the newest blow.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The mode.
    pub mode: Commanded,
    /// The owner's limit.
    pub limit: Commanded,
    /// The grid operator's dimming.
    pub dimming: Commanded,
    /// Number and title of the jobs that were taken.
    pub jobs: Vec<(i64, String)>,
    /// The newest record that was published.
    pub record: Option<Value>,
    /// How many commands were acknowledged.
    pub answers: usize,
}

/// A voice in a house.
pub(super) struct Voice {
    http: String,
    broker: u16,
    client: reqwest::Client,
    chance: Chance,
    dims_over_mqtt: bool,
}

impl Commanded {
    /// Whether `value` may be in force.
    pub(super) fn may_be(&self, value: &Value) -> bool {
        self.acknowledged.as_ref().is_none_or(|known| same(known, value))
            || self.open.as_ref().is_some_and(|open| same(open, value))
    }

    /// Takes what is in force after a start for what was said.
    pub(super) fn settle(&mut self, value: &Value) {
        if self.open.take().is_some() {
            self.acknowledged = Some(value.clone());
        }
    }

    fn answered(&mut self, answered: bool) {
        if answered {
            self.acknowledged = self.open.take();
        }
    }
}

fn same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| (one - other).abs() < 1e-6)
}

impl Voice {
    /// A voice that reaches a gateway at `http` and over the broker, and dims over the one of them that the house takes it from.
    pub(super) fn new((http, broker): (&str, u16), chance: Chance, dims_over_mqtt: bool) -> Result<Self> {
        Ok(Self { http: http.to_owned(), broker, client: client()?, chance, dims_over_mqtt })
    }

    /// Sets the mode; most of the time to the one that sets the devices.
    pub(super) async fn mode(&mut self, said: &mut Said) -> bool {
        let mode = if self.chance.below(5) == 0 { self.chance.pick(&MODES).unwrap_or("off") } else { "auto" };
        said.mode.open = Some(json!(mode));
        let answered = self.post("/api/v1/mode", &json!({ "mode": mode })).await.is_some();
        said.mode.answered(answered);
        said.answers += usize::from(answered);
        answered
    }

    /// Says something: a limit, a dimming, a job, once in a while a mode.
    pub(super) async fn say(&mut self, said: &mut Said) -> Result<bool> {
        let (watts, before) = (1200 + self.chance.below(300), said.answers);
        match self.chance.below(10) {
            0 => drop(self.mode(said).await),
            1..=3 if said.jobs.len() < JOBS_MAX * (1 + said.answers / 20) => self.job(said).await,
            4..=6 => self.limit(said).await?,
            _ => {
                let watts = watts + 4200;
                said.dimming.open = Some(json!(watts));
                let answered = if self.dims_over_mqtt {
                    self.publish("heatmine/grid_dimming/set", &watts.to_string()).await.map(|()| true)?
                } else {
                    self.post("/api/v1/grid-dimming", &json!({ "watts": watts })).await.is_some()
                };
                said.dimming.answered(answered);
                said.answers += usize::from(answered);
            }
        }
        Ok(said.answers > before)
    }

    /// Sets the limit, be the gateway there or not: the broker keeps it.
    pub(super) async fn limit(&mut self, said: &mut Said) -> Result<()> {
        let watts = 700 + self.chance.below(300);
        said.limit.open = Some(json!(watts));
        self.publish("heatmine/power_limit/set", &watts.to_string()).await?;
        said.limit.answered(true);
        said.answers += 1;
        Ok(())
    }

    /// Reads the newest record.
    pub(super) async fn look(&self, said: &mut Said) {
        let Ok(response) = self.client.get(format!("{}/api/v1/record", self.http)).timeout(ANSWER).send().await else {
            return;
        };
        let record = response.json().await.ok().filter(|record: &Value| record["decision"].is_object());
        said.record = record.or(said.record.take());
    }

    async fn job(&mut self, said: &mut Said) {
        let title = format!("job {}", self.chance.below(u64::MAX));
        let job = json!({"title": title, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8});
        let taken = self.post("/api/v1/jobs", &job).await.and_then(|job| job["id"].as_i64());
        said.jobs.extend(taken.map(|id| (id, title)));
        said.answers += usize::from(taken.is_some());
    }

    /// The answer of a request that was taken.
    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let request = self.client.post(format!("{}{path}", self.http)).timeout(ANSWER).json(body);
        let response = request.send().await.ok().filter(|response| response.status().is_success())?;
        response.json().await.ok()
    }

    /// Hands a message to the broker, which outlives every gateway.
    async fn publish(&mut self, topic: &str, payload: &str) -> Result<()> {
        let options = MqttOptions::new(format!("voice{}", self.chance.below(u64::MAX)), ("127.0.0.1", self.broker));
        let (client, mut events) = AsyncClient::builder(options).capacity(4).try_build()?;
        client.publish(topic.to_owned(), payload.to_owned(), PublishOptions::new(QoS::AtLeastOnce)).await?;
        let acknowledged = async {
            while !matches!(events.poll().await?, Event::Incoming(Packet::PubAck(_))) {}
            client.disconnect().await?;
            while events.poll().await.is_ok() {}
            anyhow::Ok(())
        };
        timeout(LIMIT, acknowledged).await.context("the broker does not answer")?
    }

    /// The jobs that were taken are there.
    pub(super) async fn jobs_are_kept(&self, said: &Said) -> Result<()> {
        for (id, title) in &said.jobs {
            let url = format!("{}/api/v1/jobs/{id}", self.http);
            let job: Value = self.client.get(url).send().await?.json().await?;
            let kept = job["title"] == **title && ["queued", "running"].iter().any(|state| job["status"] == *state);
            ensure!(kept, "job {id}, {title}, was taken, and now there is {job}");
        }
        Ok(())
    }
}
