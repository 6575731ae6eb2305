//! `heatmine run --setup` with a configuration that is not right, as a person meets it: a page, words, and a house that starts by
//! itself once the file is corrected. Pictures of the page are in .cache/screenshots.

use crate::browser::{Browser, Scheme};
use crate::peer::{self, Mosquitto, Process, binary, client, free_port, program, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(90);

/// A house whose meter answers nobody, which is no mistake.
const METER: &str = "[[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:1\"\n";

/// A gateway in setup.
struct Gateway {
    http: String,
    process: Process,
    file: PathBuf,
    port: u16,
    folder: TempDir,
}

impl Gateway {
    /// Starts it with a file of this name and content; the page's port stands in front of it.
    async fn start(name: &str, text: impl Fn(u16) -> String) -> Result<Self> {
        let (folder, port) = (TempDir::new()?, free_port()?);
        let file = folder.path().join(name);
        std::fs::write(&file, text(port))?;
        let mut command = Command::new(binary()?);
        command.arg("run").arg("--setup").arg(&file).env("NO_COLOR", "1").current_dir(folder.path());
        let process = Process::start("heatmine run --setup", command, &folder.path().join("log"))?;
        Ok(Self { http: format!("http://127.0.0.1:{port}"), process, file, port, folder })
    }

    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = client().ok()?.get(format!("{}{path}", self.http)).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// The sentences on its page, once it is there.
    async fn sentences(&self) -> Result<Vec<String>> {
        let found = wait_until(LIMIT, "the page", async || {
            let (status, body) = self.get("/api/v1/setup").await?;
            let body: Value = serde_json::from_str(&body).ok().filter(|_| status == 200)?;
            let sentences =
                body["findings"].as_array()?.iter().map(|found| found["sentence"].as_str().map(str::to_owned));
            sentences.collect::<Option<Vec<_>>>()
        });
        found.await.with_context(|| self.process.tail())
    }

    /// Waits until the house runs.
    async fn runs(&self) -> Result<Value> {
        let record = wait_until(LIMIT, "the first decision", async || {
            let (status, body) = self.get("/api/v1/record").await?;
            (status == 200).then(|| serde_json::from_str(&body).ok())?
        });
        record.await.with_context(|| self.process.tail())
    }
}

fn toml(port: u16, rest: &str) -> String {
    format!("[http]\nlisten = \"127.0.0.1:{port}\"\n[worker]\nlisten = \"127.0.0.1:0\"\n{rest}")
}

/// What `heatmine check` says of a file, without the file and the place.
fn checked(file: &Path) -> Result<Vec<String>> {
    let output = Command::new(binary()?).arg("check").arg(file).output()?;
    ensure!(output.status.code() == Some(64), "check ends with {}", output.status);
    let words = String::from_utf8(output.stderr)?;
    let name = file.display().to_string();
    let sentence = |line: &str| {
        let rest = line.trim_start_matches("heatmine: ").strip_prefix(&name)?;
        let place = rest.trim_start_matches(|letter: char| letter == ':' || letter.is_ascii_digit());
        Some(place.trim_start_matches(' ').to_owned())
    };
    Ok(words.lines().filter_map(sentence).collect())
}

#[tokio::test]
async fn whatever_is_wrong_the_page_says_it_in_the_words_of_check() -> Result<()> {
    let json =
        |port: u16| format!("{{\"http\": {{\"listen\": \"127.0.0.1:{port}\"}}, \"device\": [], \"battery\": {{}}}}");
    // The file, and a part of what is said.
    type Row = (&'static str, Box<dyn Fn(u16) -> String>, &'static str);
    let rows: [Row; 5] = [
        ("options.json", Box::new(json), "compute: missing"),
        ("a.toml", Box::new(|port| toml(port, "[compute]\nmax_w = 200\n")), "no device offers grid.power"),
        (
            "b.toml",
            Box::new(|port| toml(port, "[compute]\nmax_w = 200\n[[device]]\nname = \"a\nb\n")),
            "not valid TOML",
        ),
        ("c.toml", Box::new(|port| toml(port, &format!("[compute]\nmax_w = 200\nidle = 3\n{METER}"))), "unknown key"),
        (
            "d.toml",
            Box::new(|port| toml(port, &format!("[compute]\nmax_w = 200\n{}", METER.replace("em24", "em25")))),
            "em25",
        ),
    ];
    for (name, text, part) in rows {
        let mut gateway = Gateway::start(name, text).await?;
        let said = gateway.sentences().await?;
        ensure!(said.iter().any(|sentence| sentence.contains(part)), "{name}: {said:?}");
        ensure!(said == checked(&gateway.file)?, "{name}: {said:?} and {:?}", checked(&gateway.file)?);
        let (status, page) = gateway.get("/").await.context("a page")?;
        ensure!(status == 200 && page.contains("What is missing or wrong"), "{name}: {page}");
        ensure!(gateway.get("/health").await.is_some_and(|(status, _)| status == 200), "{name} is ill");
        ensure!(gateway.get("/api/v1/record").await.is_some_and(|(status, _)| status == 503), "{name} decides");
        let log = gateway.process.log();
        ensure!(said.iter().all(|sentence| log.matches(sentence.as_str()).count() == 1), "not once each: {log}");
        let status = gateway.process.stop().await?;
        ensure!(status.success(), "{name}: {status}\n{}", gateway.process.tail());
        ensure!(!gateway.folder.path().join("heatmine-data").exists(), "{name}: something was written");
    }
    Ok(())
}

#[tokio::test]
async fn without_setup_a_wrong_configuration_is_refused() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("heatmine.toml");
    std::fs::write(&file, "[compute]\nmax_w = 200\n")?;
    let output = Command::new(binary()?).arg("run").arg(&file).output()?;
    ensure!(output.status.code() == Some(64), "{}", output.status);
    ensure!(String::from_utf8(output.stderr)?.contains("no device offers grid.power"));
    Ok(())
}

#[tokio::test]
async fn a_corrected_file_starts_the_house_and_a_later_change_waits_for_the_next_start() -> Result<()> {
    let mut gateway = Gateway::start("heatmine.toml", |port| toml(port, "[compute]\nmax_w = 200\n")).await?;
    gateway.sentences().await?;
    let right = toml(gateway.port, &format!("[compute]\nmax_w = 200\n{METER}"));
    std::fs::write(&gateway.file, &right)?;
    let record = gateway.runs().await?;
    ensure!(record["decision"]["budget"] == 0.0, "{}", record["decision"]);
    ensure!(!gateway.process.log().contains("started again"), "{}", gateway.process.tail());

    std::fs::write(&gateway.file, right.replace("max_w = 200", "max_w = 300"))?;
    let said = |record: &Value| record["problems"].to_string().contains("takes effect at the next start");
    wait_until(LIMIT, "the changed file to be noticed", async || {
        gateway.runs().await.ok().filter(|record| said(record) && record["power_max"] == 200.0)
    })
    .await?;
    std::fs::write(&gateway.file, &right)?;
    wait_until(LIMIT, "nothing more to say", async || gateway.runs().await.ok().filter(|record| !said(record))).await?;
    let status = gateway.process.stop().await?;
    ensure!(status.success(), "{status}\n{}", gateway.process.tail());
    Ok(())
}

#[tokio::test]
async fn home_assistant_is_shown_what_is_wrong_where_a_broker_is_known() -> Result<()> {
    let Some(mosquitto) = Mosquitto::start().await? else { return Ok(()) };
    let Some(subscriber) = program("mosquitto_sub") else { return Ok(()) };
    let broker = mosquitto.port;
    let text = |port| toml(port, &format!("[mqtt]\nhost = \"127.0.0.1\"\nport = {broker}\n[compute]\nmax_w = 200\n"));
    let mut gateway = Gateway::start("heatmine.toml", text).await?;
    let seen = |topic: &str| {
        let mut command = Command::new(&subscriber);
        command.args(["-h", "127.0.0.1", "-p", &broker.to_string(), "-t", topic, "-C", "1", "-W", "60"]);
        anyhow::Ok(String::from_utf8(command.output()?.stdout)?)
    };
    let state: Value = serde_json::from_str(&seen("heatmine/setup")?).with_context(|| gateway.process.tail())?;
    ensure!(state["problems"].to_string().contains("no device offers grid.power"), "{state}");
    let entity: Value = serde_json::from_str(&seen("homeassistant/device/heatmine_setup/config")?)?;
    ensure!(entity["components"]["setup"]["device_class"] == "problem", "{entity}");

    // The entity goes away when the house starts; then the whole device is announced.
    let text = std::fs::read_to_string(&gateway.file)?;
    std::fs::write(&gateway.file, format!("{text}{METER}"))?;
    ensure!(seen("homeassistant/device/heatmine/config")?.contains("HeatMine"), "{}", gateway.process.tail());
    let mut command = Command::new(&subscriber);
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &broker.to_string(),
        "-t",
        "+/+/heatmine_setup/config",
        "-t",
        "heatmine/setup",
    ]);
    let kept = command.args(["-v", "-W", "2"]).output()?;
    ensure!(kept.stdout.is_empty(), "{}", String::from_utf8_lossy(&kept.stdout));
    gateway.process.stop().await.map(drop)
}

#[tokio::test]
async fn a_person_sees_in_one_view_what_to_do() -> Result<()> {
    let Some(browser) = Browser::start().await? else { return Ok(()) };
    let outcome = looked_at(&browser).await;
    let closed = browser.close().await;
    outcome.and(closed)
}

async fn looked_at(browser: &Browser) -> Result<()> {
    let wrong = "[grid]\nimport_limit_kw = 17\n[battery]\ncapacity_kwh = 10\n[compute]\nmax_w = 200\n";
    let meter = METER.replace("em24", "em25");
    let gateway = Gateway::start("heatmine.toml", |port| toml(port, &format!("{wrong}{meter}"))).await?;
    let said = gateway.sentences().await?;
    for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        browser.prefer(scheme).await?;
        for (name, width, height) in [("desktop", 1280, 900), ("phone", 390, 844)] {
            browser.screen(width, height, width < 600).await?;
            browser.open(&gateway.http).await?;
            let shown = format!("return document.querySelectorAll('.findings li').length === {}", said.len());
            browser.wait("the findings", &shown).await?;
            let fits = format!("return innerWidth === {width} && document.documentElement.scrollWidth <= {width}");
            browser.wait("the page to fit", &fits).await?;
            browser.picture(&peer::workspace().join(format!(".cache/screenshots/setup-{name}-{word}.png"))).await?;
            let faint = browser.script(include_str!("page/contrast.js")).await?;
            ensure!(faint.as_array().is_some_and(Vec::is_empty), "too faint on {name}, {word}: {faint}");
        }
    }
    let in_view = "return document.querySelector('.findings li').getBoundingClientRect().bottom < innerHeight";
    ensure!(browser.script(in_view).await? == true, "the first finding is out of sight");
    // Corrected, the page becomes the house's by itself.
    std::fs::write(&gateway.file, toml(gateway.port, &format!("[compute]\nmax_w = 200\n{METER}")))?;
    browser.wait("the house", "return document.body.dataset.link === 'live'").await.map(drop)
}
