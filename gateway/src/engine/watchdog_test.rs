//! The watchdog over an engine that is hit again and again, on a clock that jumps from timer to timer.

use super::*;
use crate::books::Settled;
use crate::clock::Clock;
use crate::engine::Process;
use crate::store::{Disk, Ledger, Memory};
use drivers::lease::Wanted;
use inference::client::{Place, Receipt, Status};
use inference::error::Error;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// An engine that is hit a while after each start: from then on it answers nothing.
#[derive(Clone)]
struct Hit {
    /// How long it loads its model, and how long it serves then.
    loads: Duration,
    serves: Duration,
    starts: Arc<Mutex<Vec<Instant>>>,
}

impl Engine for Hit {
    fn start(&self) -> io::Result<Process> {
        self.starts.lock().unwrap().push(Instant::now());
        Ok(Process::elsewhere())
    }

    async fn status(&self) -> Result<Status, Error> {
        let age = self.starts.lock().unwrap().last().unwrap().elapsed();
        if age >= self.loads + self.serves {
            return std::future::pending().await;
        }
        let state = if age < self.loads { client::State::Loading } else { client::State::Busy };
        Ok(Status {
            state,
            expert: Some("stand-in".into()),
            power_w: 0.0,
            measured: false,
            budget_w: None,
            duty: 1.0,
            idle_w: 0.0,
            max_w: 900.0,
            tokens_per_second: 0.0,
            utilisation: 0.0,
            busy_seconds: 0.0,
            active: 0,
            waiting: 0,
            interactive: 0,
            last_receipt: 0,
            error: None,
        })
    }

    async fn receipts(&self, _: &Place) -> Result<Vec<Receipt>, Error> {
        Ok(Vec::new())
    }

    async fn set_budget(&self, _: Option<f64>, _: Duration) -> Result<Status, Error> {
        self.status().await
    }
}

/// How long it took from each of the first `count` hits to the next start.
async fn restarts(loads_s: u64, serves_s: u64, count: usize) -> Vec<Duration> {
    watched(loads_s, serves_s, count).await.0
}

/// The same, and the states that were reported.
async fn watched(loads_s: u64, serves_s: u64, count: usize) -> (Vec<Duration>, Vec<WorkerState>) {
    let (loads, serves) = (Duration::from_secs(loads_s), Duration::from_secs(serves_s));
    let engine = Hit { loads, serves, starts: Arc::default() };
    let (events, mut heard) = mpsc::channel(64);
    let states = tokio::spawn(async move {
        let mut states = Vec::new();
        while let Some(event) = heard.recv().await {
            if let Event::Worker(status) = event {
                states.push(status.state);
            }
        }
        states
    });
    let wanted = watch::channel(Wanted::default()).1;
    let (euro, none) = (plant::units::EurPerKwh(0.0), 0.0);
    let prices =
        plant::site::WorkPrices { eur_per_mtok_in: none, eur_per_mtok_out: none, interactive: euro, standing: euro };
    let disk = Disk::Memory(Arc::new(Memory::new("watchdog")));
    let receipts = Receipts {
        clock: Clock::real(),
        prices,
        events: events.clone(),
        settled: watch::channel(Settled::default()).1,
        ledger: Ledger::open(&disk).unwrap(),
        place: Place::default(),
        sent: None,
    };
    let watchdog = Watchdog {
        engine: engine.clone(),
        receipts,
        feeder: Feeder::new(engine.clone(), Watts(900.0), wanted),
        events,
        restarts: 0,
        ready_at: None,
        served: false,
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(watchdog.run(stop.clone()));
    while engine.starts.lock().unwrap().len() <= count {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stop.cancel();
    task.await.unwrap();
    let states = states.await.unwrap();
    let starts = engine.starts.lock().unwrap();
    (starts.windows(2).map(|pair| pair[1] - pair[0] - loads - serves).collect(), states)
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_served_is_started_again_about_ten_seconds_after_each_hit() {
    let took = restarts(2, 8, 8).await;
    // To notice it takes 6 s and the half second between two questions.
    let most = HANG + BACK_OFF_SERVED + ASK_INTERVAL * 2;
    assert!(took.iter().all(|took| (HANG..=most).contains(took)), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_service_is_forgiven() {
    let took = restarts(2, 70, 3).await;
    assert!(took.iter().all(|took| *took <= HANG + BACK_OFF.0 + ASK_INTERVAL * 2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_never_loads_is_tried_once_a_minute() {
    let took = restarts(8, 0, 8).await;
    assert!(took.last().is_some_and(|took| *took >= BACK_OFF.1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_switched_off_is_down_and_does_not_seem_to_start() {
    let (_, states) = watched(0, 0, 5).await;
    assert_eq!(states[0], WorkerState::Starting);
    assert!(states.len() > 4 && states[1..].iter().all(|state| *state == WorkerState::Down), "{states:?}");
    // One that answered before it was hit starts again.
    let (_, states) = watched(2, 8, 3).await;
    assert_eq!(states.iter().filter(|state| **state == WorkerState::Down).count(), 3, "{states:?}");
    let after_down = states.windows(2).filter(|pair| pair[0] == WorkerState::Down).map(|pair| pair[1]);
    assert!(after_down.clone().all(|state| state == WorkerState::Starting), "{states:?}");
}
