//! The control loop hangs for a minute, held up by a disk that takes nothing, while everything else in the process lives: engine,
//! battery and heat pump are given back within fifteen seconds, whatever the house's pace, and taken again afterwards.
//!
//! The loop is the real one, the battery and the heat pump are the simulated house's over real Modbus, the engine is a stand-in
//! with the worker's interface. What holds the loop is its recording: a pipe that nobody reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

use axum::extract::State;
use axum::routing::{get, put};
use axum::{Json, Router};
use drivers::{broker, sim};
use gateway::clock::Clock;
use gateway::live::{self, Options, Shell};
use inference::client;
use plant::units::Watts;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Who is left alone has let go within this time.
const LET_GO: Duration = Duration::from_secs(15);
/// So long the loop is held.
const HELD: Duration = Duration::from_secs(60);
/// Anything else on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// A worker's budget, and until when it lasts.
#[derive(Clone, Default)]
struct Engine(Arc<Mutex<Option<(f64, Instant)>>>);

impl Engine {
    fn budget(&self) -> f64 {
        self.0.lock().unwrap().filter(|(_, until)| Instant::now() < *until).map_or(0.0, |(watts, _)| watts)
    }

    async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new()
            .route("/heatmine/status", get(async |State(engine): State<Engine>| Json(engine.status())))
            .route("/heatmine/receipts", get(async || Json(json!({"receipts": []}))))
            .route(
                "/heatmine/budget",
                put(async |State(engine): State<Engine>, Json(body): Json<Value>| {
                    let lasts = Duration::from_secs(body["ttl_s"].as_u64().unwrap());
                    *engine.0.lock().unwrap() = Some((body["watts"].as_f64().unwrap(), Instant::now() + lasts));
                    Json(engine.status())
                }),
            );
        let routes = routes.with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        address
    }

    fn status(&self) -> client::Status {
        let budget = self.budget();
        client::Status {
            state: if budget > 0.0 { client::State::Busy } else { client::State::Paused },
            expert: Some("stand-in".into()),
            power_w: budget,
            measured: false,
            budget_w: Some(budget),
            duty: 1.0,
            idle_w: 30.0,
            max_w: 1500.0,
            tokens_per_second: 0.0,
            utilisation: 0.0,
            busy_seconds: 0.0,
            active: 0,
            waiting: 0,
            interactive: 0,
            last_receipt: 0,
            error: None,
        }
    }
}

/// A night in which power costs less than nothing: compute runs, the battery holds, the heat pump is offered all there is.
fn configuration(house: &sim::Running, broker: SocketAddr, page: SocketAddr, engine: SocketAddr, speed: f64) -> String {
    format!(
        r#"
[site]
name = "silence"
timezone = "Europe/Berlin"
[grid]
import_limit_w = 17250
[tariff.import]
kind = "time_of_use"
price_eur_per_kwh = 0.30
windows = [{{ from = "20:00", to = "10:00", price_eur_per_kwh = -0.05 }}]
[tariff.export]
price_eur_per_kwh = 0.079
[pv]
peak_w = 10000
[battery]
capacity_kwh = 10
charge_max_w = 5000
discharge_max_w = 5000
reserve_percent = 1
[compute]
max_w = 1500
idle_w = 30
min_w = 150
min_off_s = 0
[work]
standing_eur_per_kwh = 0.30
[heat]
kind = "heat_pump"
[room]
low_c = 20
high_c = 24
capacity_kwh_per_k = 8
loss_kw_per_k = 0.18
[[device]]
name = "inverter"
type = "fronius-gen24"
address = "tcp://{inverter}"
controls = ["battery.mode"]
[[device]]
name = "heat_pump"
type = "lambda-eu-l"
address = "tcp://{heat_pump}"
controls = ["heat_pump.surplus"]
max_age_s = {age}
[[device]]
name = "plug"
type = "shelly-plug"
topic = "{plug}"
[mqtt]
host = "127.0.0.1"
port = {broker}
[home_assistant]
enabled = false
[http]
listen = "{page}"
[worker]
url = "http://{engine}"
[data]
dir = "data"
"#,
        inverter = house.inverter,
        heat_pump = house.heat_pump,
        plug = sim::PREFIX,
        age = (10.0 * speed).max(450.0),
        broker = broker.port(),
    )
}

/// A recording that is read only while it may be.
fn pipe(path: &Path, mut flows: watch::Receiver<bool>) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let path = path.to_owned();
    std::thread::spawn(move || {
        let mut pipe = File::open(path).unwrap();
        let mut scrap = [0; 65_536];
        while pipe.read(&mut scrap).is_ok_and(|count| count > 0) {
            while !*flows.borrow_and_update() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    });
}

struct Stage {
    house: sim::Running,
    engine: Engine,
    page: SocketAddr,
    client: reqwest::Client,
    flows: watch::Sender<bool>,
    shutdown: CancellationToken,
    house_stop: CancellationToken,
    run: JoinHandle<anyhow::Result<()>>,
    broker: broker::Running,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn start(speed: f64) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::sped("2026-04-14T20:00:00Z".parse().unwrap(), speed);
        let broker = broker::start("127.0.0.1:0".parse().unwrap()).unwrap();
        let reached = drivers::mqtt::Broker {
            host: "127.0.0.1".into(),
            port: Some(broker.address.port()),
            ..drivers::mqtt::Broker::default()
        };
        let shutdown = CancellationToken::new();
        let draw = watch::Sender::new(Watts::ZERO);
        let time = clock.clone();
        let config = sim::SimConfig::new(Arc::new(move || time.now()), speed, reached, draw.subscribe(), 7);
        // The house outlives the gateway, which gives its devices back.
        let house_stop = CancellationToken::new();
        let house = sim::start(config, house_stop.clone()).await.unwrap();
        let engine = Engine::default();
        let page = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let file = folder.path().join("heatmine.toml");
        let text = configuration(&house, broker.address, page, engine.listen().await, speed);
        std::fs::write(&file, text).unwrap();
        let (flows, flowing) = watch::channel(true);
        let record = folder.path().join("recording");
        pipe(&record, flowing);
        let loaded = gateway::config::load(&file).unwrap_or_else(|errors| panic!("{errors}"));
        let shell = Shell::default();
        let options = Options { clock, record: Some(record), draw: Some(draw), summaries: None, banner: false, shell };
        let run = tokio::spawn(live::run(loaded, options, shutdown.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { house, engine, page, client, flows, shutdown, house_stop, run, broker, _folder: folder }
    }

    /// The newest record; null before the first.
    async fn record(&self) -> Value {
        let answer = self.client.get(format!("http://{}/api/v1/record", self.page)).send().await;
        match answer {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(_) => Value::Null,
        }
    }

    async fn plan(&self) {
        let url = format!("http://{}/api/v1/mode", self.page);
        let answer = self.client.post(url).json(&json!({"mode": "auto"})).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// What the engine may draw, whether the battery must not discharge, and what the heat pump is offered.
    fn at_work(&self) -> (f64, bool, f64) {
        let truth = self.house.truth();
        (self.engine.budget(), truth.controls.storage.limit_discharge, truth.offered().0)
    }

    async fn until(&self, what: &str, patience: Duration, met: impl AsyncFn(&Self) -> bool) {
        let waited = timeout(patience, async {
            while !met(self).await {
                sleep(Duration::from_millis(100)).await;
            }
        });
        if waited.await.is_err() {
            panic!("{what}: not in time; {:?}\n{}", self.at_work(), self.record().await);
        }
    }

    async fn end(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.run).await.expect("the gateway ends").unwrap().unwrap();
        self.house_stop.cancel();
        timeout(PATIENCE, self.house.stopped()).await.expect("the house ends");
        self.broker.stop();
    }
}

fn works((budget, holds, offered): (f64, bool, f64)) -> bool {
    budget > 0.0 && holds && offered > 0.0
}

fn rests(at_work: (f64, bool, f64)) -> bool {
    at_work == (0.0, false, 0.0)
}

fn says_so(record: &Value) -> bool {
    let problems = record["problems"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let fell_back = record["leases"].as_array().into_iter().flatten().filter(|lease| lease["state"] == "fell_back");
    fell_back.count() == 3
        && problems.filter(|problem| problem.contains("the control loop has been silent for")).any(|problem| {
            problem.contains("the engine rests, battery and heat pump are under their own control")
                || problem.contains("the engine rests, heat pump and battery are under their own control")
        })
}

async fn a_hanging_loop_lets_go(speed: f64) {
    let stage = Stage::start(speed).await;
    // The plan that the command asks for has to know what the battery's energy is worth.
    let charged = async |stage: &Stage| stage.record().await["points"]["battery.soc"]["state"] == "fresh";
    stage.until("the battery's charge", PATIENCE, charged).await;
    stage.plan().await;
    stage.until("work", PATIENCE, async |stage| works(stage.at_work())).await;

    // The pipe takes a little more; the loop hangs from its last record on.
    stage.flows.send_replace(false);
    let mut last = (Value::Null, Instant::now());
    while last.1.elapsed() < Duration::from_secs(3) {
        let at = stage.record().await["at"].clone();
        if at != last.0 {
            last = (at, Instant::now());
        }
        sleep(Duration::from_millis(100)).await;
    }
    let held = last.1;
    let left = LET_GO.saturating_sub(held.elapsed());
    stage.until("everybody rests", left, async |stage| rests(stage.at_work())).await;
    eprintln!("speed {speed}: everybody rests after {:?}", held.elapsed());
    stage.until("the record says so", PATIENCE, async |stage| says_so(&stage.record().await)).await;
    while held.elapsed() < HELD {
        assert!(rests(stage.at_work()), "{:?}", stage.at_work());
        sleep(Duration::from_millis(200)).await;
    }

    stage.flows.send_replace(true);
    stage.until("work again", PATIENCE, async |stage| works(stage.at_work())).await;
    stage.until("nothing more to say", PATIENCE, async |stage| !says_so(&stage.record().await)).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_that_hangs_lets_go_of_everything_at_the_pace_of_the_machine() {
    a_hanging_loop_lets_go(1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_that_hangs_lets_go_of_everything_in_a_fast_house_too() {
    a_hanging_loop_lets_go(200.0).await;
}
