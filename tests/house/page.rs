//! The page in a real browser: it shows the demo's house by itself, steers it, stands below ingress, fits a phone, can be
//! read in the light and in the dark, and comes back after the gateway was gone. Pictures of it are in .cache/screenshots.
//!
//! One demo and one browser serve all of it, one thing after the other.

mod ingress;

use crate::browser::{Browser, PATIENCE, Scheme};
use crate::peer::{self, Demo, wait_until};
use anyhow::{Context, Result, ensure};
use ingress::Ingress;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// How long the engine may take to write a sentence on a busy machine.
const SENTENCE: Duration = Duration::from_secs(240);
/// The page has heard of the house and of the plan.
const SHOWN: &str =
    "return document.body.dataset.link === 'live' && document.querySelectorAll('#chart svg path').length > 0";
/// What no person should ever read.
const NONSENSE: [&str; 6] = ["NaN", "undefined", "null", "Infinity", "[object", "Invalid Date"];

#[tokio::test]
async fn the_page_shows_the_house_and_steers_it() -> Result<()> {
    let Some(browser) = Browser::start().await? else { return Ok(()) };
    let outcome = scenes(&browser).await;
    let closed = browser.close().await;
    outcome.and(closed)
}

async fn scenes(browser: &Browser) -> Result<()> {
    let experts = peer::workspace().join(".cache/experts");
    let folder = experts.display().to_string();
    let mut demo = Demo::start(&["--speed", "60", "--experts", &folder]).await?;
    browser.screen(1280, 900, false).await?;
    browser.prefer(Scheme::Light).await?;
    browser.open(&demo.http).await?;
    browser.wait("the page to show the house", SHOWN).await?;
    it_moves_by_itself(browser, &demo).await.context("moving by itself")?;
    nothing_is_empty_or_nonsense(browser).await.context("at the first look")?;
    the_plan_is_read(browser, &demo).await.context("reading the plan")?;
    the_mode_is_switched(browser, &demo).await.context("switching the mode")?;
    it_is_boosted_and_limited(browser, &demo).await.context("boosting")?;
    if experts.is_dir() {
        a_job_is_asked_for_and_answered(browser, &demo).await.context("asking for a job")?;
    } else {
        eprintln!(
            "SKIPPED: the demo's model is not in .cache/experts (./run setup fetches it), so nothing is asked of it"
        );
    }
    nothing_is_empty_or_nonsense(browser).await.context("after the commands")?;
    it_can_be_read_everywhere(browser).await.context("reading")?;
    nothing_was_complained_about(browser).await?;
    it_stands_below_ingress(browser, &demo).await.context("below ingress")?;
    nothing_was_complained_about(browser).await.context("below ingress")?;
    it_comes_back(browser, &mut demo).await.context("coming back")
}

/// New records arrive without a reload, and say what the gateway says.
async fn it_moves_by_itself(browser: &Browser, demo: &Demo) -> Result<()> {
    browser.script("window.stayed = true").await?;
    let moment = "return document.querySelector('#clock').dateTime";
    let first = browser.script(moment).await?;
    let moved = format!("return document.querySelector('#clock').dateTime > {first}");
    browser.wait("the house's clock to go on", &moved).await?;
    let sun = "return document.querySelector('#flow .node.solar .value').textContent";
    let before = browser.script(sun).await?;
    browser.wait("another figure of the sun", &format!("{sun} !== {before}")).await?;
    wait_until(PATIENCE, "the page to say what the record says", async || {
        let shown = browser.script("return document.querySelector('#explanation').textContent").await.ok()?;
        (demo.record().await?["explanation"] == shown).then_some(())
    })
    .await?;
    let stayed = browser.script("return window.stayed === true").await?;
    ensure!(stayed == true, "the page was loaded anew");
    Ok(())
}

/// The picture of the plan: 36 hours, and single quarter hours in words, by pointer and by keys; a plan for the whole house has its
/// battery's and heat pump's actions in it.
async fn the_plan_is_read(browser: &Browser, demo: &Demo) -> Result<()> {
    let words = "return document.querySelector('#chart .slot').innerText";
    let now = browser.script(words).await?;
    ensure!(now.as_str().is_some_and(|now| now.contains("Now, ") && now.contains("Compute")), "{now}");
    // The decision's worth stands above; a plan for the whole house says what one more would change.
    let house = demo.get("/api/v1/plan").await?["slots"][0]["house"].is_object();
    ensure!(!house || now.as_str().is_some_and(|now| now.contains("A kilowatt-hour more of it would")), "{now}");
    let press = "document.querySelector('#chart .stage').dispatchEvent(new KeyboardEvent('keydown', { key: 'KEY' }))";
    for _ in 0..9 {
        browser.script(&press.replace("KEY", "PageDown")).await?;
    }
    let later = browser.script(words).await?;
    ensure!(later != now && !later.as_str().unwrap_or_default().contains("Now, "), "another quarter hour: {later}");
    let spoken = browser.script("return document.querySelector('#chart .sr').textContent").await?;
    ensure!(spoken.as_str().is_some_and(|spoken| spoken.contains("Compute")), "nothing is read out: {spoken}");
    browser.script(&press.replace("KEY", "Escape")).await?;
    browser.wait("the present again", &format!("{words}.includes('Now, ')")).await?;
    let point = "const stage = document.querySelector('#chart .stage'), box = stage.getBoundingClientRect(); \
                 stage.dispatchEvent(new PointerEvent('pointermove', { clientX: box.right - 20, clientY: box.top + 40, pointerType: 'mouse' }))";
    browser.script(point).await?;
    let last = browser.script(words).await?;
    ensure!(last != now && last != later, "the pointer reads its own quarter hour: {last}");
    browser.script(&press.replace("KEY", "Escape")).await?;
    let hours = "return [...document.querySelectorAll('#chart tbody tr')].length";
    let hours = browser.script(hours).await?;
    ensure!(hours.as_u64().is_some_and(|hours| hours >= 36), "{hours} hours in the table");
    let plan = demo.get("/api/v1/plan").await?;
    let house = plan["slots"].as_array().is_some_and(|slots| slots.iter().all(|slot| slot["house"].is_object()));
    let strips = browser.script("return document.querySelectorAll('#chart .act').length").await?;
    ensure!(!house || strips.as_u64() > Some(0), "a plan of the house without its actions");
    Ok(())
}

async fn the_mode_is_switched(browser: &Browser, demo: &Demo) -> Result<()> {
    for (mode, reason) in [("off", Some("off")), ("eco", None), ("auto", None)] {
        browser.click(&format!("#modes label:has([value={mode}])")).await?;
        let what = format!("the decision in mode {mode}");
        record(demo, &what, |record| {
            record["mode"] == mode && reason.is_none_or(|reason| record["decision"]["reason"] == reason)
        })
        .await?;
        let shown = format!("return document.querySelector('#modes :checked').value === '{mode}'");
        browser.wait(&format!("the switch to stand on {mode}"), &shown).await?;
        if mode == "off" {
            let shown = "return document.querySelector('#reason').textContent === 'off' && !document.querySelector('#reason').hidden";
            browser.wait("the reason to be off", shown).await?;
        }
    }
    Ok(())
}

async fn it_is_boosted_and_limited(browser: &Browser, demo: &Demo) -> Result<()> {
    browser.click("#boost").await?;
    record(demo, "the boost", |record| record["boost_until"].is_string()).await?;
    browser
        .wait("the end of the boost to be shown", "return document.querySelector('#boost.running') !== null")
        .await?;
    let slid = "const slider = document.querySelector('#limit'); slider.value = 900; \
                slider.dispatchEvent(new Event('input')); slider.dispatchEvent(new Event('change'))";
    browser.script(slid).await?;
    record(demo, "the limit", |record| record["power_limit"].as_f64() == Some(900.0)).await?;
    browser
        .wait("the limit to be shown", "return document.querySelector('#limit-out').textContent === '900 W'")
        .await?;
    browser.click("#boost").await?;
    record(demo, "the end of the boost", |record| record["boost_until"].is_null()).await?;
    let full = slid.replace("900", "slider.max");
    browser.script(&full).await?;
    record(demo, "no limit", |record| record["power_limit"] == record["power_max"]).await?;
    browser
        .wait("the switch to be free", "return document.querySelector('#boost').textContent === 'Boost'")
        .await
        .map(drop)
}

/// Queued by hand, run in a boost, and the answer read on the page.
async fn a_job_is_asked_for_and_answered(browser: &Browser, demo: &Demo) -> Result<()> {
    browser.enter("#prompt", "Say hello to the house.").await?;
    browser.click("#job button[type=submit]").await?;
    let queued = "return [...document.querySelectorAll('#jobs .title')].some((title) => title.textContent === 'Say hello to the house.')";
    browser.wait("the job in the list", queued).await?;
    // A day: half an hour of the house is half a minute here, too short for a sentence on a busy machine.
    let boost = peer::client()?.post(format!("{}/api/v1/boost", demo.http)).json(&json!({ "minutes": 1440 }));
    boost.send().await?.error_for_status()?;
    browser.wait("the boost to be shown", "return Boolean(document.querySelector('#boost.running'))").await?;
    let done = wait_until(SENTENCE, "the job's end", async || {
        let jobs = demo.get("/api/v1/jobs?limit=100").await.ok()?;
        let mine = jobs.as_array()?.iter().find(|job| job["title"] == "Say hello to the house.")?.clone();
        ["done", "failed"].iter().any(|end| mine["status"] == *end).then_some(mine)
    })
    .await
    .with_context(|| demo.process.tail())?;
    ensure!(done["status"] == "done", "{done}");
    let answer = done["result"].as_str().context("a job without its answer")?.trim().to_owned();
    let item = "[...document.querySelectorAll('#jobs li')].find((item) => item.textContent.includes('Say hello to the house.'))";
    browser.wait("the answer in the list", &format!("return Boolean({item}?.querySelector('.result'))")).await?;
    let read = format!(
        "const item = {item}; item.querySelector('summary').click(); return item.querySelector('.result').innerText"
    );
    let shown = browser.script(&read).await?;
    ensure!(shown.as_str().is_some_and(|shown| shown.trim() == answer), "the page shows {shown} of {answer:?}");
    browser.click("#boost").await?;
    record(demo, "the end of the boost", |record| record["boost_until"].is_null()).await.map(drop)
}

/// Nothing wider than the screen, nothing too faint, in every size and scheme; a picture of each.
async fn it_can_be_read_everywhere(browser: &Browser) -> Result<()> {
    let sizes = [
        ("desktop", 1280, 900),
        ("laptop", 1200, 800),
        ("tablet", 820, 1180),
        ("phone", 390, 844),
        ("small-phone", 320, 568),
    ];
    for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        browser.prefer(scheme).await?;
        let wanted = "return matchMedia('(prefers-color-scheme: dark)').matches";
        ensure!(browser.script(wanted).await? == (word == "dark"), "the browser does not take the scheme");
        for (name, width, height) in sizes {
            browser.screen(width, height, width < 600).await?;
            let at = format!("{name}, {word}");
            let fits = format!("return innerWidth === {width} && document.documentElement.scrollWidth <= {width}");
            browser.wait(&format!("the page to fit {at}"), &fits).await?;
            let beyond = browser.script(include_str!("page/beyond.js")).await?;
            ensure!(beyond.as_array().is_some_and(Vec::is_empty), "beyond its card on {at}: {beyond}");
            browser.picture(&picture(&format!("{name}-{word}"))).await?;
            let faint = browser.script(include_str!("page/contrast.js")).await?;
            ensure!(faint.as_array().is_some_and(Vec::is_empty), "too faint on {at}: {faint}");
            nothing_is_empty_or_nonsense(browser).await.context(at)?;
        }
    }
    browser.prefer(Scheme::Light).await?;
    browser.screen(1280, 900, false).await
}

async fn it_stands_below_ingress(browser: &Browser, demo: &Demo) -> Result<()> {
    let ingress = Ingress::start(&demo.http).await?;
    browser.open(&ingress.url).await?;
    browser.wait("the page to show the house", SHOWN).await?;
    it_moves_by_itself(browser, demo).await?;
    the_mode_is_switched(browser, demo).await?;
    nothing_is_empty_or_nonsense(browser).await?;
    browser.picture(&picture("ingress")).await?;
    for link in ["API", "Metrics"] {
        let found = "return [...document.links].find((link) => link.textContent === 'LINK').href".replace("LINK", link);
        let href = browser.script(&found).await?;
        let href = href.as_str().context("a link without a target")?;
        ensure!(href.starts_with(&ingress.url), "{link} leads to {href}");
        ensure!(peer::client()?.get(href).send().await?.status().is_success(), "{href}");
    }
    ensure!(ingress.strays().is_empty(), "asked for outside of ingress: {:?}", ingress.strays());
    Ok(())
}

/// The page says that it has lost the gateway, and finds it again by itself.
async fn it_comes_back(browser: &Browser, demo: &mut Demo) -> Result<()> {
    browser.open(&demo.http).await?;
    browser.wait("the page to show the house", SHOWN).await?;
    demo.process.kill()?;
    browser.wait("the loss to be seen", "return document.body.dataset.link === 'lost'").await?;
    demo.restart().await?;
    browser.wait("the page to be live again", SHOWN).await.map(drop)
}

/// Every card says something, and nothing of what it says is a machine's stammering.
async fn nothing_is_empty_or_nonsense(browser: &Browser) -> Result<()> {
    let empty = browser
        .script("return [...document.querySelectorAll('.card')].filter((card) => card.innerText.trim().split('\\n').length < 2 && !card.closest('noscript')).map((card) => card.innerText)")
        .await?;
    ensure!(empty.as_array().is_some_and(Vec::is_empty), "a card is empty: {empty}");
    // What the model writes is its own affair.
    let text = browser
        .script("return [...document.querySelectorAll('.card')].filter((card) => !card.matches('.jobs')).map((card) => card.innerText + [...card.querySelectorAll('text')].map((text) => text.textContent).join('\\n')).join('\\n')")
        .await?;
    let text = text.as_str().unwrap_or_default();
    for nonsense in NONSENSE {
        ensure!(!text.contains(nonsense), "the page says {nonsense}:\n{text}");
    }
    Ok(())
}

async fn nothing_was_complained_about(browser: &Browser) -> Result<()> {
    let complaints: Vec<String> = browser
        .console()
        .await?
        .into_iter()
        .filter(|line| line.starts_with("SEVERE") || line.starts_with("WARNING"))
        .collect();
    ensure!(complaints.is_empty(), "the browser's console: {complaints:#?}");
    Ok(())
}

async fn record(demo: &Demo, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    let found = wait_until(PATIENCE, what, async || demo.record().await.filter(|record| fits(record))).await;
    found.with_context(|| demo.process.tail())
}

fn picture(name: &str) -> PathBuf {
    peer::workspace().join(format!(".cache/screenshots/{name}.png"))
}
