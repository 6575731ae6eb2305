//! The live host on a machine whose clock is wrong, for half a minute or for longer.

use super::{HOUSE, Hour, RECORDING, START, run_on};
use crate::clock::{Bench, Clock};
use crate::jobs::{JobRequest, JobStatus, Limits, Message, Queue};
use crate::replay;
use crate::store::{Disk, KeptCommands};
use chrono::TimeDelta;
use plant::command::{InForce, Mode};
use plant::reason::Reason;
use plant::time::Timestamp;
use plant::units::Watts;
use std::path::Path;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const LIMITS: Limits = Limits { queue_max: 10, attempts: 3, eur_per_mtok_in: 0.0, eur_per_mtok_out: 0.0 };

fn after(minutes: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + TimeDelta::minutes(minutes)
}

/// A boost runs for twenty minutes, a job is due in two days.
fn prepared(disk: &Disk) -> Queue {
    let boost = Some((Mode::Surplus, after(20)));
    let in_force = InForce { mode: Mode::Boost, boost, ..InForce::new(Watts(900.0)) };
    KeptCommands::open(disk).file.write(&KeptCommands::given(in_force)).unwrap();
    let queue = Queue::open(disk, LIMITS).unwrap();
    let request = JobRequest {
        title: "due in two days".into(),
        messages: vec![Message { role: "user".into(), content: "Say hello.".into() }],
        expert: None,
        deadline: Some(after(2 * 24 * 60)),
        max_tokens: 100,
        value: None,
    };
    queue.submit(&request, after(0)).unwrap();
    queue
}

/// 40 minutes with a schedule at the half hour; after ten of them the clock is wrong by `step` for `wrong`.
async fn wrong(name: &str, step: TimeDelta, wrong: Duration) -> (Hour, Queue) {
    let bench = Bench::going(START.parse().unwrap());
    let text = format!("{HOUSE}[[schedule]]\ncron = \"0 30 * * * *\"\nmode = \"eco\"\n");
    let clock = Clock::on(bench.clone());
    tokio::spawn(async move {
        tokio::time::sleep(10 * MINUTE).await;
        bench.step(step);
        tokio::time::sleep(wrong).await;
        bench.step(-step);
    });
    let mut queue = None;
    let hour = run_on((clock, &text), 40 * MINUTE, name, &[], |disk| queue = Some(prepared(disk))).await;
    (hour, queue.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_for_half_a_minute_leaves_everything_as_it_was() {
    for (name, step) in
        [("days", TimeDelta::days(40)), ("years", TimeDelta::days(3653)), ("past", TimeDelta::days(-40))]
    {
        let (Hour { house, decisions, ledger, disk, .. }, queue) = wrong(name, step, Duration::from_secs(30)).await;
        assert!(decisions.len() >= 2400, "{} decisions", decisions.len());
        assert!(decisions.windows(2).all(|pair| pair[0].at < pair[1].at), "time never jumped in the house");
        assert!(decisions.iter().all(|decision| decision.at < after(41)));
        let boosted = decisions.iter().rfind(|decision| decision.reason == Reason::Boost).unwrap().at;
        assert!((after(20) - boosted).num_seconds() <= 1, "the boost ran until {boosted}");
        let kept = KeptCommands::open(&disk).kept.unwrap().in_force;
        assert_eq!((kept.mode, kept.boost), (Mode::Eco, None), "the schedule was due at its time");
        assert_eq!(queue.get(1).unwrap().status, JobStatus::Queued);
        assert_eq!(ledger.verify(|_| ()).unwrap().slots, 2);
        let health = house.with(|inside| inside.published["heatmine/health"].clone());
        let said = |words: &str| health.iter().any(|health| String::from_utf8_lossy(health).contains(words));
        assert!(said("the house goes on with 2026-06-14 10:1"), "the doubt is said");
        assert!(!String::from_utf8_lossy(health.last().unwrap()).contains("the house goes on"), "and is over");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_lasts_is_followed_and_can_be_replayed() {
    let step = TimeDelta::hours(-3);
    let (Hour { decisions, ledger, disk, .. }, queue) = wrong("lasting", step, 60 * MINUTE).await;
    let back = decisions.windows(2).filter(|pair| pair[1].at < pair[0].at).count();
    assert_eq!(back, 1, "the clock was set once");
    assert!(decisions.last().unwrap().at < after(41) + step);
    // A battery below its reserve that charges has to show first that it does.
    let boosted = decisions.iter().rposition(|decision| decision.reason == Reason::Boost).unwrap() + 1;
    assert!((1199..=1202).contains(&boosted), "the boost lasted for {boosted} s");
    assert_eq!(queue.get(1).unwrap().status, JobStatus::Queued);
    ledger.verify(|_| ()).unwrap();
    let Disk::Memory(memory) = &disk else { panic!("{disk:?}") };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), memory.read(Path::new(RECORDING))).unwrap();
    let replayed = replay::run(file.path()).unwrap();
    assert_eq!(
        (replayed.different, replayed.decisions),
        (0, decisions.len() as u64),
        "{:?}",
        replayed.differences.first()
    );
}
