//! The live host for an hour of the house, in a second or two: its own loop and all its tasks, on a clock that jumps
//! from timer to timer, a disk in memory, a simulated house, and an engine and a broker of the test's own.

mod stand_in;
mod steps;

use super::{Options, Shell, run_in};
use crate::clock::Clock;
use crate::config;
use crate::notices::Notices;
use crate::recording::Line as Recorded;
use crate::store::{DebtBook, Disk, FoundDebts, Ledger, Memory, StateStore};
use drivers::debt::{Debt, Place};
use plant::decision::{Control, Decision};
use plant::point::DeviceId;
use plant::time::Timestamp;
use stand_in::House;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A sunny noon in June; the hour begins with a slot.
const START: &str = "2026-06-14T10:00:00Z";
/// An hour, and half a second after the last wake-up.
const HOUR: Duration = Duration::from_millis(3_600_500);
const RECORDING: &str = "hour.recording";

const HOUSE: &str = r#"
[site]
name = "hour"
[grid]
import_limit_w = 17250
[tariff.import]
kind = "spot"
fee_eur_per_kwh = 0
tax_percent = 0
[tariff.spot]
topic = "exchange/spot"
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
[mqtt]
host = "stand-in"
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

/// What an hour came to.
struct Hour {
    /// How long it took on the machine.
    took: Duration,
    house: House,
    decisions: Vec<Decision>,
    ledger: Ledger,
    state: StateStore,
    disk: Disk,
}

#[expect(clippy::disallowed_methods, reason = "the time that the test's own clock hides")]
fn machine() -> std::time::Instant {
    std::time::Instant::now()
}

async fn hour(name: &str) -> Hour {
    run_for(HOUR, name, &[], |_| ()).await
}

/// Some time of the house, on a disk that is prepared for it, in which tasks panic, each at its minute.
async fn run_for(time: Duration, name: &str, panics: &[(&'static str, i64)], prepare: impl FnOnce(&Disk)) -> Hour {
    run_on((Clock::sped(START.parse().unwrap(), 1.0), HOUSE), time, name, panics, prepare).await
}

/// The same by another clock, with another configuration.
async fn run_on(
    (clock, text): (Clock, &str),
    time: Duration,
    name: &str,
    panics: &[(&'static str, i64)],
    prepare: impl FnOnce(&Disk),
) -> Hour {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let loaded = config::load_toml(Path::new("hour.toml"), text).unwrap_or_else(|errors| panic!("{errors}"));
    let house = House::new(&clock, &loaded);
    let at = |minutes: i64| clock.now() + chrono::TimeDelta::minutes(minutes);
    house.with(|inside| inside.panics = panics.iter().map(|(who, minutes)| (*who, at(*minutes))).collect());
    let memory = Arc::new(Memory::new(name));
    let disk = Disk::Memory(Arc::clone(&memory));
    // What lies in memory lasts as long as somebody holds it open.
    let (ledger, state) = (Ledger::open(&disk).unwrap(), StateStore::open(&disk).unwrap());

    let record = Some(PathBuf::from(RECORDING));
    let options = Options { clock, record, draw: None, summaries: None, banner: false, shell: Shell::default() };
    let shutdown = CancellationToken::new();
    let end = shutdown.clone();
    prepare(&disk);
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        end.cancel();
    });
    let began = machine();
    run_in(house.clone(), disk.clone(), loaded, options, shutdown).await.unwrap();
    let took = began.elapsed();

    let recording = String::from_utf8(memory.read(Path::new(RECORDING))).unwrap();
    let decisions = recording.lines().filter_map(|line| match serde_json::from_str(line).unwrap() {
        Recorded::Decision { decision } => Some(*decision),
        Recorded::Start { .. } | Recorded::Event { .. } => None,
    });
    Hour { took, house, decisions: decisions.collect(), ledger, state, disk }
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_the_house_is_decided_booked_and_given_back() {
    let Hour { took, house, decisions, ledger, state, disk } = hour("books").await;
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

    let published = house.with(|inside| inside.published.clone());
    assert_eq!(published["heatmine/status"], [b"online".to_vec(), b"offline".to_vec()]);
    assert!(published["heatmine/live"].len() > 1000, "{} times live", published["heatmine/live"].len());

    assert_eq!(DebtBook::open(&disk).book, DebtBook::default());
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

#[tokio::test(start_paused = true)]
async fn tasks_that_panic_are_said_and_started_again_and_nothing_is_lost() {
    let panics = [("engine", 10), ("publisher", 20), ("inverter", 50)];
    let Hour { house, decisions, ledger, disk, .. } = run_for(HOUR, "panics", &panics, |_| ()).await;
    assert!(decisions.len() >= 3600, "{} decisions", decisions.len());
    assert!(house.with(|inside| inside.panics.is_empty()), "all of them have panicked");

    let health = house.with(|inside| inside.published["heatmine/health"].clone());
    let health: Vec<String> = health.into_iter().map(|payload| String::from_utf8(payload).unwrap()).collect();
    for said in [
        "the task of the device inverter has failed (a mistake in inverter) and is started again",
        "the engine's watchdog has failed (a mistake in engine) and is started again",
        "the publisher for Home Assistant has failed (a mistake in publisher) and is started again",
    ] {
        assert!(health.iter().any(|health| health.contains(said)), "{said}");
    }
    assert!(health.last().is_some_and(|last| !last.contains("started again")), "{:?}", health.last());

    // The inverter was on hold: it gets its own control first, then what is wanted; in the end everything is given back.
    let battery = house.with(|inside| inside.taken["battery.mode"].clone());
    let changes = battery.windows(2).filter(|pair| !pair[0].is_safe() && pair[1].is_safe()).count();
    assert!(changes >= 2 && battery.last().is_some_and(|last| last.is_safe()), "{battery:?}");
    assert_eq!(DebtBook::open(&disk).book, DebtBook::default());

    let answers = house.with(|inside| inside.receipts.len() as u64 / 2);
    let verified = ledger.verify(|_| ()).unwrap();
    assert_eq!((verified.slots, verified.receipts), (4, answers), "no receipt is lost or booked twice");
}

#[tokio::test(start_paused = true)]
async fn devices_that_left_the_configuration_are_given_back_as_far_as_they_can_be_addressed() {
    let place = Place {
        definition: "fronius-gen24".into(),
        address: "tcp://127.0.0.1:7".into(),
        unit: None,
        parameters: BTreeMap::new(),
    };
    let debt = |device: &str, place| Debt {
        device: DeviceId(device.into()),
        control: Control::BatteryMode,
        place,
        registers: Vec::new(),
    };
    // One is elsewhere, one is configured under another name by now, one is nowhere.
    let renamed = Place { address: "tcp://127.0.0.1:1".into(), ..place.clone() };
    let debts = vec![debt("cellar", Some(place)), debt("battery", Some(renamed)), debt("attic", None)];
    let Hour { house, disk, .. } = run_for(Duration::from_secs(30), "gone", &[], |disk| {
        let FoundDebts { mut file, .. } = DebtBook::open(disk);
        file.write(&DebtBook { debts, ..DebtBook::default() }).unwrap();
    })
    .await;
    let given_back = house.with(|inside| inside.given_back.clone());
    assert_eq!(given_back, ["cellar", "inverter"].map(|device| DeviceId(device.into())).into());
    assert_eq!(DebtBook::open(&disk).book.debts, [debt("attic", None)]);
    let notices = Notices::open(&disk).all();
    assert!(
        matches!(notices.as_slice(), [notice] if notice.key == "debts.attic.battery.mode" && notice.words.contains("attic may still hold")),
        "{notices:?}"
    );
}
