//! A headless Chromium, driven through chromedriver (W3C WebDriver and its extensions): what a person does in it, and
//! what they would see.

use crate::peer::{self, Process, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long anything on a page may take, on a machine that builds something else at the same time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Headless, and as root too; nothing of the machine's own profile or network.
const ARGUMENTS: [&str; 7] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
];

/// The light or the dark appearance of the browser.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// A running browser with one window.
pub(crate) struct Browser {
    // The address of the session.
    session: String,
    http: reqwest::Client,
    _driver: Process,
    _folder: TempDir,
}

impl Browser {
    /// Starts one; `None`, said loudly, where Chromium or its driver is not installed. It has to be closed.
    pub(crate) async fn start() -> Result<Option<Self>> {
        let (Some(driver), Some(chromium)) = (peer::program("chromedriver"), peer::program("chromium")) else {
            return Ok(None);
        };
        let (port, folder, http) = (peer::free_port()?, TempDir::new()?, peer::client()?);
        let url = format!("http://127.0.0.1:{port}");
        let mut command = Command::new(driver);
        command.arg(format!("--port={port}")).env("TMPDIR", folder.path());
        let driver = Process::start("chromedriver", command, &folder.path().join("chromedriver.log"))?;
        let status = format!("{url}/status");
        wait_until(peer::START, "chromedriver", async || http.get(&status).send().await.ok()).await?;
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": chromium, "args": ARGUMENTS },
        } } });
        let started = post(&http, &format!("{url}/session"), &capabilities).await.context("Chromium did not start")?;
        let id = started["sessionId"].as_str().context("the browser has no session")?;
        Ok(Some(Self { session: format!("{url}/session/{id}"), http, _driver: driver, _folder: folder }))
    }

    /// Ends the browser. Without it Chromium outlives the test.
    pub(crate) async fn close(self) -> Result<()> {
        self.http.delete(&self.session).send().await?.error_for_status()?;
        Ok(())
    }

    /// Opens an address and waits until it is loaded.
    pub(crate) async fn open(&self, url: &str) -> Result<()> {
        self.post("url", json!({ "url": url })).await.map(drop)
    }

    /// Makes the window a screen of this size; `phone` has a touch screen.
    pub(crate) async fn screen(&self, width: u32, height: u32, phone: bool) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await.map(drop)
    }

    /// What the person prefers. Little motion as well: without a graphics card each frame of it costs a processor's time.
    pub(crate) async fn prefer(&self, scheme: Scheme) -> Result<()> {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let scheme = json!({ "name": "prefers-color-scheme", "value": value });
        let media = json!({ "features": [scheme, { "name": "prefers-reduced-motion", "value": "reduce" }] });
        self.devtools("Emulation.setEmulatedMedia", media).await.map(drop)
    }

    /// What a script returns.
    pub(crate) async fn script(&self, script: &str) -> Result<Value> {
        self.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Waits until a script returns something that counts as true, and returns it; `what` completes "waited for".
    pub(crate) async fn wait(&self, what: &str, script: &str) -> Result<Value> {
        let seen = wait_until(PATIENCE, what, async || {
            let value = self.script(script).await.ok()?;
            (!matches!(value, Value::Null | Value::Bool(false)) && value != "").then_some(value)
        });
        match seen.await {
            Ok(value) => Ok(value),
            Err(error) => Err(error.context(self.text().await.unwrap_or_else(|mute| mute.to_string()))),
        }
    }

    /// Clicks the first element that fits, as a person would.
    pub(crate) async fn click(&self, css: &str) -> Result<()> {
        // Chromedriver's own click may wait a minute for pictures on a busy machine. This one looks whether anything lies above.
        let click = "const wanted = document.querySelector(arguments[0]); if (!wanted) return 'is not there'; \
                     wanted.scrollIntoView({ block: 'center', behavior: 'instant' }); \
                     const { left, top, width, height } = wanted.getBoundingClientRect(); \
                     const hit = document.elementFromPoint(left + width / 2, top + height / 2); \
                     if (!hit || !wanted.contains(hit)) return `is covered by ${hit?.outerHTML.slice(0, 200)}`; \
                     if (wanted.disabled) return 'is disabled'; hit.click(); return ''";
        let trouble = self.post("execute/sync", json!({ "script": click, "args": [css] })).await?;
        ensure!(trouble == "", "{css} {trouble}");
        Ok(())
    }

    /// Types into the first element that fits.
    pub(crate) async fn enter(&self, css: &str, text: &str) -> Result<()> {
        let element = self.find(css).await?;
        self.post(&format!("element/{element}/value"), json!({ "text": text })).await.map(drop)
    }

    /// Everything that can be read.
    pub(crate) async fn text(&self) -> Result<String> {
        Ok(self.script("return document.body.innerText").await?.as_str().unwrap_or_default().to_owned())
    }

    /// The whole page as a picture, as high as it needs.
    pub(crate) async fn picture(&self, file: &Path) -> Result<()> {
        let size = self.script("return [innerWidth, innerHeight, document.documentElement.scrollHeight]").await?;
        let pixels = |index: usize| size[index].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(800);
        let phone = pixels(0) < 600;
        self.screen(pixels(0), pixels(2), phone).await?;
        self.script("return new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(() => seen(1))))")
            .await?;
        let picture = self.devtools("Page.captureScreenshot", json!({ "format": "png" })).await?;
        self.screen(pixels(0), pixels(1), phone).await?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, from_base64(picture["data"].as_str().unwrap_or_default()))
            .with_context(|| file.display().to_string())
    }

    /// What the console has said since the last call, as `LEVEL: message`.
    pub(crate) async fn console(&self) -> Result<Vec<String>> {
        let lines = self.post("se/log", json!({ "type": "browser" })).await?;
        let said = |line: &Value| format!("{}: {}", line["level"].as_str().unwrap_or(""), line["message"]);
        Ok(lines.as_array().into_iter().flatten().map(said).collect())
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        self.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    async fn find(&self, css: &str) -> Result<String> {
        let found = self.post("element", json!({ "using": "css selector", "value": css })).await?;
        let id = found.as_object().and_then(|names| names.values().next()).and_then(Value::as_str);
        id.map(str::to_owned).with_context(|| format!("{css} has no id"))
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        post(&self.http, &format!("{}/{path}", self.session), &body).await
    }
}

async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Result<Value> {
    let response = http.post(url).timeout(PATIENCE).json(body).send().await?;
    let status = response.status();
    let mut answer: Value = response.json().await?;
    ensure!(status.is_success(), "{url} answered {status} to {body}: {}", answer["value"]["message"]);
    Ok(answer["value"].take())
}

/// The bytes that base64 stands for; whatever is no digit of it is passed over.
fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut held, mut bits) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0);
    for digit in text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte)) {
        held = (held << 6 | digit as u32) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    bytes
}
