//! The live host for an hour of the house, in a second or two: its own loop and all its tasks, on a clock that jumps from
//! timer to timer, a disk in memory, a simulated house and an engine of the test's own.

use super::outside::{Line, Outside};
use super::{Options, run_in};
use crate::clock::Clock;
use crate::config::{self, Loaded};
use crate::engine::{Engine, Process};
use crate::recording::Line as Recorded;
use crate::simulate::model::{Around, Model};
use crate::store::{Disk, Ledger, Memory, StateStore};
use anyhow::Result;
use drivers::device::{DeviceConfig, Report};
use drivers::sim::load::Household;
use drivers::sim::place::Place;
use drivers::sim::weather::{Sky, Weather};
use inference::client::{self, Receipt, Status};
use inference::error::Error;
use plant::decision::{Decision, Setpoint, Setting};
use plant::time::{Timestamp, elapsed};
use plant::units::Watts;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A sunny noon in June; the hour begins with a slot.
const START: &str = "2026-06-14T10:00:00Z";
/// An hour, and half a second after the last wake-up.
const HOUR: Duration = Duration::from_millis(3_600_500);
/// Energy of one answer.
const ANSWER_J: f64 = 60_000.0;
const RECORDING: &str = "hour.recording";

const HOUSE: &str = r#"
[site]
name = "hour"
[grid]
import_limit_w = 17250
[tariff.import]
price_eur_per_kwh = -0.05
[tariff.export]
price_eur_per_kwh = 0.05
[pv]
peak_w = 10000
[battery]
capacity_kwh = 10
charge_max_w = 5000
discharge_max_w = 5000
reserve_percent = 60
[compute]
max_w = 900
idle_w = 30
[heat]
kind = "heat_pump"
[tank]
low_c = 45
high_c = 60
capacity_kwh_per_k = 0.35
loss_kw_per_k = 0.0025
[work]
standing_eur_per_kwh = 0.30
[http]
listen = "127.0.0.1:0"
[[device]]
name = "inverter"
type = "fronius-gen24"
address = "tcp://127.0.0.1:1"
controls = ["battery.mode"]
[[device]]
name = "heat_pump"
type = "lambda-eu-l"
address = "tcp://127.0.0.1:1"
controls = ["heat_pump.surplus"]
"#;

/// The simulated house and its engine. Clones are the same one.
#[derive(Clone)]
struct House {
    clock: Clock,
    inside: Arc<Mutex<Inside>>,
}

struct Inside {
    at: Timestamp,
    model: Model,
    weather: Weather,
    household: Household,
    /// What the engine may draw, and does.
    budget: Watts,
    /// Energy of the answer in the making.
    joules: f64,
    receipts: Vec<Receipt>,
    /// The setpoints that each control took.
    taken: BTreeMap<String, Vec<Setting>>,
}

impl House {
    fn new(clock: &Clock, loaded: &Loaded) -> Self {
        let (place, seed) = (Place::default(), 7);
        let inside = Inside {
            at: clock.now(),
            model: Model::new(&loaded.site),
            weather: Weather { place, sky: Sky::Sunny, seed },
            household: Household { place, seed },
            budget: Watts::ZERO,
            joules: 0.0,
            receipts: Vec::new(),
            taken: BTreeMap::new(),
        };
        Self { clock: clock.clone(), inside: Arc::new(Mutex::new(inside)) }
    }

    /// Does something with the house as it is by now.
    fn with<T>(&self, what: impl FnOnce(&mut Inside) -> T) -> T {
        let mut inside = self.inside.lock().unwrap();
        inside.live_until(self.clock.now());
        what(&mut inside)
    }

    fn status(&self) -> Status {
        self.with(|inside| Status {
            state: if inside.budget > Watts::ZERO { client::State::Busy } else { client::State::Paused },
            expert: Some("stand-in".into()),
            power_w: inside.budget.0,
            measured: true,
            budget_w: Some(inside.budget.0),
            duty: 1.0,
            idle_w: 0.0,
            max_w: 900.0,
            tokens_per_second: 10.0,
            utilisation: 1.0,
            busy_seconds: 0.0,
            active: 1,
            waiting: 0,
            interactive: 0,
            last_receipt: inside.receipts.len() as u64,
            error: None,
        })
    }
}

impl Inside {
    fn live_until(&mut self, now: Timestamp) {
        let dt = elapsed(self.at, now);
        if dt.is_zero() {
            return;
        }
        let sky = self.weather.at(now);
        let around = Around {
            on_roof: sky.on_roof,
            on_ground: sky.on_ground,
            outdoor: sky.outdoor,
            household: self.household.power(now),
            hot_water: self.household.hot_water(now),
        };
        self.model.step(around, self.budget, dt);
        self.at = now;
        self.joules += self.budget.0 * dt.as_secs_f64();
        while self.joules >= ANSWER_J {
            self.joules -= ANSWER_J;
            self.answer();
        }
    }

    /// An engine that forgot its newest numbers in a crash would count the same answer twice: so does this one.
    fn answer(&mut self) {
        let number = self.receipts.len() as u64 / 2;
        for twice in 1..=2 {
            self.receipts.push(Receipt {
                id: format!("answer-{number}"),
                sequence: 2 * number + twice,
                expert: "stand-in".into(),
                interactive: false,
                tokens_in: 100,
                tokens_out: 400,
                joules: ANSWER_J,
                seconds: 60.0,
                finished_at_ms: 0,
            });
        }
    }
}

impl Outside for House {
    type Engine = Self;

    fn device(&self, config: DeviceConfig, line: Line) -> impl Future<Output = ()> + Send + 'static {
        self.clone().device(config, line)
    }

    fn engine(&self, _: &Loaded) -> Result<(Self, String)> {
        Ok((self.clone(), "http://127.0.0.1:1".into()))
    }
}

impl House {
    /// A device that says everything once a second and takes each setpoint at once.
    async fn device(self, config: DeviceConfig, mut line: Line) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                biased;
                Some(setpoint) = line.setpoints.recv() => {
                    self.take(setpoint.clone());
                    let _ = line.reports.send(Report::Applied { setpoint, error: None }).await;
                }
                () = line.stop.cancelled() => return,
                _ = ticks.tick() => {
                    let points = config.points.clone().unwrap_or_else(|| config.definition.points());
                    let values = self.with(|inside| {
                        points.into_iter().map(|point| (point, inside.model.value(point))).collect()
                    });
                    let _ = line.reports.send(Report::Values { device: config.id.clone(), values }).await;
                }
            }
        }
    }

    fn take(&self, setpoint: Setpoint) {
        self.with(|inside| {
            inside.model.obey(setpoint.setting);
            let taken = inside.taken.entry(setpoint.setting.control().to_string()).or_default();
            taken.push(setpoint.setting);
        });
    }
}

impl Engine for House {
    fn start(&self) -> io::Result<Process> {
        Ok(Process::elsewhere())
    }

    async fn status(&self) -> Result<Status, Error> {
        Ok(self.status())
    }

    async fn receipts(&self, sequence: u64) -> Result<Vec<Receipt>, Error> {
        let newer = |receipt: &&Receipt| receipt.sequence > sequence;
        Ok(self.with(|inside| inside.receipts.iter().filter(newer).cloned().collect()))
    }

    async fn set_budget(&self, watts: Option<f64>, _: Duration) -> Result<Status, Error> {
        self.with(|inside| inside.budget = Watts(watts.unwrap_or(900.0)));
        Ok(self.status())
    }
}

/// What an hour came to.
struct Hour {
    /// How long it took on the machine.
    took: Duration,
    house: House,
    decisions: Vec<Decision>,
    ledger: Ledger,
    state: StateStore,
}

#[expect(clippy::disallowed_methods, reason = "the time that the test's own clock hides")]
fn machine() -> std::time::Instant {
    std::time::Instant::now()
}

async fn hour(name: &str) -> Hour {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let loaded = config::load_toml(Path::new("hour.toml"), HOUSE).unwrap_or_else(|errors| panic!("{errors}"));
    let clock = Clock::sped(START.parse().unwrap(), 1.0);
    let house = House::new(&clock, &loaded);
    let memory = Arc::new(Memory::new(name));
    let disk = Disk::Memory(Arc::clone(&memory));
    // What lies in memory lasts as long as somebody holds it open.
    let (ledger, state) = (Ledger::open(&disk).unwrap(), StateStore::open(&disk).unwrap());

    let record = Some(PathBuf::from(RECORDING));
    let options = Options { clock, record, draw: None, summaries: None, banner: false };
    let shutdown = CancellationToken::new();
    let end = shutdown.clone();
    tokio::spawn(async move {
        tokio::time::sleep(HOUR).await;
        end.cancel();
    });
    let began = machine();
    run_in(house.clone(), disk, loaded, options, shutdown).await.unwrap();
    let took = began.elapsed();

    let recording = String::from_utf8(memory.read(Path::new(RECORDING))).unwrap();
    let decisions = recording.lines().filter_map(|line| match serde_json::from_str(line).unwrap() {
        Recorded::Decision { decision } => Some(*decision),
        Recorded::Start { .. } | Recorded::Event { .. } => None,
    });
    Hour { took, house, decisions: decisions.collect(), ledger, state }
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_the_house_is_decided_booked_and_given_back() {
    let Hour { took, house, decisions, ledger, state } = hour("books").await;
    assert!(took < Duration::from_secs(60), "an hour took {took:?}");
    let start: Timestamp = START.parse().unwrap();

    let gaps = decisions.windows(2).map(|pair| (pair[1].at - pair[0].at).num_milliseconds());
    assert!(decisions.len() >= 3600, "{} decisions", decisions.len());
    assert!(gaps.clone().all(|gap| (1..=1_100).contains(&gap)), "{:?}", gaps.max());

    let verified = ledger.verify(|_| ()).unwrap();
    let answers = house.with(|inside| inside.receipts.len() as u64 / 2);
    assert!(answers > 10, "{answers} answers");
    assert_eq!((verified.slots, verified.receipts), (4, answers));

    let checkpoint = state.checkpoint().unwrap().unwrap();
    assert_eq!((checkpoint.head, checkpoint.at >= start + chrono::TimeDelta::hours(1)), (verified.head, true));

    assert_eq!(state.owed().unwrap(), []);
    for (control, values) in house.with(|inside| inside.taken.clone()) {
        assert!(values.iter().any(|value| !value.is_safe()), "{control} was never used");
        assert!(values.last().is_some_and(|last| last.is_safe()), "{control} keeps {:?}", values.last());
    }
    assert_eq!(house.with(|inside| inside.taken.len()), 2);
}

#[tokio::test(start_paused = true)]
async fn the_same_hour_is_decided_the_same() {
    let (first, second) = (hour("first").await, hour("second").await);
    let different = first.decisions.iter().zip(&second.decisions).find(|(first, second)| first != second);
    assert_eq!(different, None);
    assert_eq!(first.decisions.len(), second.decisions.len());
    assert_eq!(first.ledger.head().unwrap(), second.ledger.head().unwrap());
}
