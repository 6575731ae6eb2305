//! A house goes on with the data of 0.1.0, ten minutes in a second. Everything that 0.1.0 answered and published comes again
//! within a few minutes, under the same names and with the same types.

use super::answers::{Answers, BOOKS};
use super::broker::{self, Ear, Topics};
use super::exceptions::Exceptions;
use super::metrics::Families;
use super::{LIMIT, copy_data, entries, experts, json, openapi, recording, text};
use crate::peer::{Demo, Mosquitto, client, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// Differences by the release's file.
type Differences = Vec<(&'static str, Vec<String>)>;

/// Between commands and the look at what came of them; a late subscriber hears all that is kept in this time too.
const LOOK: Duration = Duration::from_secs(1);
/// What is commanded in turns, so that everything is seen: a limit that acts, and a plan whose next run is yet to come.
const MOODS: [[(&str, &str); 2]; 2] = [
    [("grid-dimming", r#"{"watts": 500}"#), ("boost", r#"{"minutes": 60}"#)],
    [("grid-dimming", r#"{"watts": null}"#), ("mode", r#"{"mode": "surplus"}"#)],
];

/// What 0.1.0 published.
struct Release {
    answers: Answers,
    families: Families,
    openapi: Value,
    discovery: Value,
    kept: Topics,
    all: Topics,
}

/// What the house has published so far.
#[derive(Default)]
struct Seen {
    answers: Answers,
    families: Families,
    openapi: Value,
    kept: Option<Topics>,
    all: Option<Topics>,
}

impl Release {
    fn read() -> Result<Option<Self>> {
        let Some(answers) = Answers::of_the_release()? else { return Ok(None) };
        let topics = |file| anyhow::Ok(Topics::parse(&text(file)?.unwrap_or_default()));
        let mut families = Families::default();
        families.add(&text("golden/metrics.txt")?.unwrap_or_default());
        let discovery = topics("golden/mqtt_discovery.txt")?.newest(broker::DISCOVERY).clone();
        ensure!(discovery["components"].is_object(), "the release describes no entities");
        Ok(Some(Self {
            answers,
            families,
            openapi: json("golden/openapi.json")?.unwrap_or_default(),
            discovery,
            kept: topics("golden/mqtt_retained.txt")?,
            all: topics("golden/mqtt_all.txt")?,
        }))
    }

    fn differences(&self, seen: &Seen) -> Differences {
        let mut found = self.answers.differences(&seen.answers);
        found.push(("golden/metrics.txt", self.families.differences(&seen.families)));
        found.push(("golden/openapi.json", openapi::differences(&self.openapi, &seen.openapi)));
        if let Some((kept, all)) = seen.kept.as_ref().zip(seen.all.as_ref()) {
            let described = broker::discovery(&self.discovery, kept.newest(broker::DISCOVERY));
            found.push(("golden/mqtt_discovery.txt", described));
            found.push(("golden/mqtt_retained.txt", self.kept.differences(kept)));
            found.push(("golden/mqtt_all.txt", self.all.differences(all)));
        }
        found
    }
}

impl Seen {
    /// Looks at everything once more. What is kept is only seen by somebody who comes later.
    async fn look(&mut self, house: &House) -> Result<()> {
        let demo = &house.demo;
        self.answers.hear(demo, house.known).await?;
        self.families.add(&client()?.get(format!("{}/metrics", demo.http)).send().await?.text().await?);
        self.openapi = demo.get("/api/v1/openapi.json").await?;
        self.all = house.ear.as_ref().map(Ear::all);
        if let Some(broker) = &house.broker {
            let late = Ear::connect(broker.port).await?;
            tokio::time::sleep(LOOK).await;
            self.kept.get_or_insert_default().merge(late.kept());
        }
        Ok(())
    }
}

/// The house that goes on, and who listens to it.
struct House {
    demo: Demo,
    recording: PathBuf,
    /// The entries that 0.1.0 has booked.
    known: u64,
    ear: Option<Ear>,
    broker: Option<Mosquitto>,
}

impl House {
    /// Starts it in `folder` on a copy of the data; without Mosquitto its broker is its own, and nobody listens.
    async fn start(folder: &Path) -> Result<Self> {
        copy_data(&folder.join("data"))?;
        let known = entries(folder)?;
        let broker = Mosquitto::start().await?;
        let (url, mut ear) = (broker.as_ref().map(Mosquitto::url), None);
        if let Some(broker) = &broker {
            ear = Some(Ear::connect(broker.port).await?);
        }
        let (experts, recording) = (experts(), folder.join("recording.jsonl"));
        let recorded = recording.display().to_string();
        let mut arguments = vec!["--speed", "600", "--experts", &experts, "--record", &recorded];
        arguments.extend(url.iter().flat_map(|url| ["--mqtt", url.as_str()]));
        let demo = Demo::start_in(&folder.join("data"), &arguments).await?;
        Ok(Self { demo, recording, known, ear, broker })
    }

    /// Looks at everything in each of its moods, until nothing is missing that has no row, or until the time is over.
    async fn watch(&self, release: &Release, exceptions: &Exceptions) -> Result<Differences> {
        let (mut seen, mut found, end) = (Seen::default(), Differences::new(), Instant::now() + LIMIT);
        for mood in MOODS.iter().cycle().take_while(|_| Instant::now() < end) {
            for (path, body) in mood.iter().map(|(path, body)| (*path, serde_json::from_str(body))) {
                command(&self.demo, path, &body?).await?;
            }
            tokio::time::sleep(LOOK).await;
            seen.look(self).await?;
            found = release.differences(&seen);
            if found.iter().all(|(file, found)| exceptions.unlisted(file, found).is_empty()) {
                break;
            }
        }
        Ok(found)
    }
}

#[tokio::test]
async fn what_0_1_0_published_is_published() -> Result<()> {
    let folder = TempDir::new()?;
    let Some(release) = Release::read()? else { return Ok(()) };
    let mut house = House::start(folder.path()).await?;
    modes_are_understood(&house.demo, &release).await?;
    a_question_is_answered(&house.demo).await?;
    let exceptions = Exceptions::read()?;
    let mut found = house.watch(&release, &exceptions).await.with_context(|| house.demo.process.tail())?;
    ensure!(house.demo.process.stop().await?.success(), "{}", house.demo.process.tail());
    found.push((recording::FORM, recording::differences(&house.recording)?));
    judged(&exceptions, &found)
}

/// Every file's differences, in one message.
fn judged(exceptions: &Exceptions, found: &Differences) -> Result<()> {
    let said = found.iter().filter_map(|(file, found)| exceptions.judge(file, found).err());
    let said: Vec<String> = said.map(|error| error.to_string()).collect();
    ensure!(said.is_empty(), "{}", said.join("\n"));
    ensure!(found.iter().any(|(file, _)| *file == BOOKS), "nobody looked at the books");
    Ok(())
}

/// Each mode that 0.1.0 took is taken and shown, and so are its other commands.
async fn modes_are_understood(demo: &Demo, release: &Release) -> Result<()> {
    let modes = release.discovery["components"]["mode"]["options"].as_array().context("no modes")?;
    for mode in modes {
        command(demo, "mode", &json!({ "mode": mode })).await?;
        let taken = async || demo.record().await.filter(|record| record["mode"] == *mode).map(drop);
        wait_until(LIMIT, &format!("the mode {mode}"), taken).await?;
    }
    for (path, body) in [
        ("power-limit", json!({"watts": 1500})),
        ("grid-dimming", json!({"watts": null})),
        ("grid-dimming", json!({"watts": 4200})),
        ("mode", json!({"mode": "auto"})),
        ("boost", json!({"minutes": 600})),
    ] {
        command(demo, path, &body).await?;
    }
    Ok(())
}

async fn command(demo: &Demo, path: &str, body: &Value) -> Result<()> {
    let url = format!("{}/api/v1/{path}", demo.http);
    let response = client()?.post(url).json(body).send().await?;
    let (status, answer) = (response.status().as_u16(), response.text().await?);
    ensure!(status == 202, "{path} {body}: {status} {answer}");
    Ok(())
}

/// A receipt is booked for it.
async fn a_question_is_answered(demo: &Demo) -> Result<()> {
    let body = json!({"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4});
    let (client, url) = (client()?, format!("{}/v1/chat/completions", demo.http));
    let asked = async || {
        let response = client.post(&url).json(&body).send().await.ok()?;
        response.status().is_success().then_some(())
    };
    wait_until(LIMIT, "an answer", asked).await.with_context(|| demo.process.tail())
}
