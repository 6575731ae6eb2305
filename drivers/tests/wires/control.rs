//! Controls of devices that have an owner, a will of their own, and other masters: what they held is given back, a
//! value that does not stand is noticed, and nothing is written that need not be.

use crate::debts::Book;
use crate::devices::{Running, config, start, writes};
use crate::peer;
use drivers::debt::{Debt, Kept};
use drivers::definition;
use drivers::device::{DeviceConfig, Report};
use drivers::modbus::{At, Endpoint, Timing};
use futures_util::future::join_all;
use plant::decision::{BatteryMode, Control, HeatPumpMode, Setting};
use plant::point::DeviceId;
use plant::record::LeaseStatus;
use plant::units::Percent;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

const NORMAL: Setting = Setting::BatteryMode(BatteryMode::Normal);
const HOLD: Setting = Setting::BatteryMode(BatteryMode::Hold);
const CHARGE: Setting = Setting::BatteryMode(BatteryMode::Charge);
/// A look is due within a minute; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(100);

type Registers<'a> = &'a [(u16, u16)];

/// A device of somebody else's making with these holding registers.
struct Stage {
    _folder: TempDir,
    dump: PathBuf,
    log: PathBuf,
    peer: peer::Peer,
}

impl Stage {
    async fn new(id: &str, registers: Registers<'_>, faults: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (log, dump) = (folder.path().join("writes.jsonl"), folder.path().join("dump.json"));
        let holding: BTreeMap<String, u16> = registers.iter().map(|(start, word)| (start.to_string(), *word)).collect();
        std::fs::write(&dump, serde_json::json!({"units": {"*": {"holding": holding}}}).to_string()).unwrap();
        let path = log.display().to_string();
        let faults = [&["--write-log", &path], faults].concat();
        let peer = match id {
            "fronius-gen24" | "sunspec-hybrid" | "sunspec-inverter" => peer::dump("sunspec_zoo_1", &faults).await?,
            _ => peer::dump_file(&dump, &faults).await?,
        };
        Some(Self { _folder: folder, dump, log, peer })
    }

    fn config(&self, id: &str) -> DeviceConfig {
        let mut definition = definition::find(id).unwrap();
        definition.timing = Timing { settle_ms: 0, ..definition.timing };
        for control in &mut definition.control {
            control.min_interval_s = 0.0;
        }
        let points = Some(BTreeSet::from([plant::point::Point::BatterySoc]));
        DeviceConfig { definition: Arc::new(definition), points, ..config(id, &self.address()) }
    }

    fn address(&self) -> String {
        format!("tcp://{}", self.peer.address)
    }

    fn writes(&self) -> Vec<(u64, Vec<u64>)> {
        writes(&self.log).into_iter().map(|(_, start, words)| (start, words)).collect()
    }

    /// Somebody else at the same device: an app, another program.
    fn other(&self) -> Other {
        Other { endpoint: Endpoint::open(&self.address().parse().unwrap()) }
    }
}

struct Other {
    endpoint: Endpoint,
}

impl Other {
    async fn holds(&self, unit: u8, start: u16) -> u16 {
        self.endpoint.read(At { unit, fc: 3, start }, 1, &Timing::default()).await.unwrap()[0]
    }

    async fn writes(&self, unit: u8, start: u16, word: u16) {
        self.endpoint.write(At { unit, fc: 6, start }, vec![word], &Timing::default()).await.unwrap();
    }
}

async fn said(device: &mut Running, what: &str, part: &str) {
    let has = |leases: &Vec<LeaseStatus>| leases.iter().any(|lease| lease.error.iter().any(|why| why.contains(part)));
    let found = timeout(SOON, device.leases.wait_for(has)).await.is_ok_and(|found| found.is_ok());
    assert!(found, "{what}: {:?}", device.leases.borrow());
}

/// Waits until an earlier run's debts are paid.
async fn paid(book: &Book) {
    let paid = timeout(SOON, async {
        while !book.now().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(paid.await.is_ok(), "{:?}", book.now());
}

/// A Victron on hold whose owner had limited it to 1500 W.
fn hold_of_150() -> Kept {
    let (found, written, earlier) = (Some(vec![150]), vec![0], Vec::new());
    Kept { fc: 6, start: 2704, found, written, earlier, width: 1, sunspec: None }
}

/// Waits until the device has taken a setting again.
async fn taken_again(device: &mut Running, setting: Setting) {
    let taken =
        |report: &Report| matches!(report, Report::Applied { setpoint, error: None } if setpoint.setting == setting);
    device.next("it is written again", taken).await;
}

/// Definition, unit, what its owner has set, what it is set to.
type Owner<'a> = (&'a str, u8, Registers<'a>, &'a [Setting]);

const OWNERS: [Owner<'_>; 9] = [
    ("victron-gx", 100, &[(2704, 150)], &[HOLD]),
    ("huawei-sun2000", 1, &[(37048, 0), (37049, 5000), (47077, 0), (47078, 2500)], &[HOLD]),
    ("goodwe-et", 247, &[(47511, 4), (47512, 700)], &[HOLD, CHARGE]),
    ("sungrow-sh", 1, &[(13049, 3), (13050, 0xCC), (13051, 1234), (33046, 500)], &[HOLD, CHARGE]),
    (
        "solaredge",
        1,
        &[(0xE004, 2), (0xE005, 3), (0xE006, 0), (0xE00B, 3600), (0xE00C, 0), (0xE00D, 5)],
        &[HOLD, CHARGE, HOLD],
    ),
    ("sigenergy", 247, &[(40029, 0), (40031, 4)], &[CHARGE, HOLD]),
    ("stiebel-isg", 1, &[(4000, 0), (4001, 0), (4002, 1)], &[Setting::HeatPumpMode(HeatPumpMode::Boost)]),
    // Model 124 begins at 40254: StorCtl_Mod, OutWRte.
    ("fronius-gen24", 1, &[(40259, 1), (40266, 3000)], &[HOLD]),
    ("sunspec-inverter", 1, &[(40233, 60), (40237, 1)], &[Setting::PvLimit(Percent(30.0))]),
];

#[tokio::test]
async fn what_the_owner_set_is_given_back_and_nothing_is_written_before_a_first_value() {
    for (id, unit, owned, settings) in OWNERS {
        let Some(stage) = Stage::new(id, owned, &[]).await else { return };
        let other = stage.other();
        if stage.dump.exists() && id.contains("sunspec") || id == "fronius-gen24" {
            for (start, word) in owned {
                other.writes(unit, *start, *word).await;
            }
        }
        let before = stage.writes().len();
        let book = Book::default();
        let mut device = start(DeviceConfig { unit: Some(unit), ..stage.config(id) }, &book);
        device.set(settings[0].control().safe()).await;
        assert_eq!(stage.writes().len(), before, "{id} is written before anything is wanted of it");
        for setting in settings {
            assert_eq!(device.set(*setting).await, None, "{id} {setting:?}");
        }
        assert_eq!(book.now().len(), 1, "{id}");
        device.stop().await;
        for (start, word) in owned {
            assert_eq!(other.holds(unit, *start).await, *word, "{id}: register {start} after {:?}", stage.writes());
        }
        assert_eq!(book.now(), [], "{id}");
    }
}

#[tokio::test]
async fn a_debt_is_written_down_before_the_device_is_written() {
    let Some(stage) = Stage::new("victron-gx", &[(2704, 150)], &[]).await else { return };
    let book = Book::default();
    let mut device = start(stage.config("victron-gx"), &book);
    device.set(HOLD).await;
    let debt = &book.all()[0];
    assert_eq!((debt.control, &debt.registers), (Control::BatteryMode, &vec![hold_of_150()]));
    let place = debt.place.as_ref().unwrap();
    assert_eq!((place.definition.as_str(), &place.address), ("victron-gx", &stage.address()));
    device.stop().await;

    // Where nobody writes debts down, nothing is set.
    let mut deaf = stage.config("victron-gx");
    deaf.id = DeviceId("device".into());
    let before = stage.writes().len();
    let mut device = crate::devices::start_with(deaf, drivers::debt::Debts::none());
    let error = device.set(HOLD).await.unwrap();
    assert!(error.contains("not sent"), "{error}");
    device.stop().await;
    assert_eq!(stage.writes().len(), before);
}

#[tokio::test]
async fn a_debt_of_an_earlier_run_is_paid_only_where_the_device_still_holds_what_was_written() {
    // What the register holds when the debt is found, and afterwards.
    for (now, afterwards) in [(0, 150), (150, 150), (30, 30)] {
        let Some(stage) = Stage::new("victron-gx", &[(2704, now)], &[]).await else { return };
        let (device, registers) = (DeviceId("device".into()), vec![hold_of_150()]);
        let debt = Debt { device, control: Control::BatteryMode, place: None, registers };
        let book = Book::of(vec![debt]);
        let device = start(stage.config("victron-gx"), &book);
        paid(&book).await;
        // What somebody else has set is left alone, also where something is wanted.
        let mut device = device;
        device.want(HOLD);
        let of_hold = |report: &Report| matches!(report, Report::Applied { setpoint, .. } if setpoint.setting == HOLD);
        let said = device.next("what came of it", of_hold).await;
        let left =
            matches!(&said, Report::Applied { error: Some(why), .. } if why.contains("somebody else has set it"));
        assert_eq!(left, now == 30, "{said:?}");
        device.stop().await;
        assert_eq!(stage.other().holds(100, 2704).await, afterwards);
    }
}

#[tokio::test]
async fn a_change_between_two_values_loses_nothing_where_it_is_cut_short() {
    let owned = [(47511, 4), (47512, 700)];
    let Some(stage) = Stage::new("goodwe-et", &owned, &[]).await else { return };
    let book = Book::default();
    let mut device = start(stage.config("goodwe-et"), &book);
    assert_eq!(device.set(HOLD).await, None);
    assert_eq!(device.set(CHARGE).await, None);
    let debt = book.now().remove(0);
    assert_eq!(debt.registers[0].earlier, [vec![8, 0]]);
    device.task.abort();
    // The mains went before the second value was written: the device holds the first.
    let other = stage.other();
    other.writes(247, 47511, 8).await;
    other.writes(247, 47512, 0).await;
    let book = Book::of(vec![debt]);
    let device = start(stage.config("goodwe-et"), &book);
    paid(&book).await;
    device.stop().await;
    for (register, word) in owned {
        assert_eq!(other.holds(247, register).await, word);
    }
}

#[tokio::test]
async fn what_somebody_has_set_a_moment_ago_is_not_overwritten_where_nothing_is_wanted_any_more() {
    let Some(stage) = Stage::new("victron-gx", &[(2704, 150), (843, 80)], &[]).await else { return };
    let book = Book::default();
    let mut device = start(stage.config("victron-gx"), &book);
    assert_eq!(device.set(HOLD).await, None);
    let app = stage.other();
    app.writes(100, 2704, 30).await;
    assert_eq!(device.set(NORMAL).await, None);
    assert_eq!((app.holds(100, 2704).await, book.now()), (30, Vec::new()));
    device.stop().await;
}

#[tokio::test]
async fn where_all_debts_are_lost_only_what_holds_a_value_of_ours_is_given_back() {
    for (now, afterwards) in [(0, 65_535), (150, 150)] {
        let Some(stage) = Stage::new("victron-gx", &[(2704, now)], &[]).await else { return };
        let debts = drivers::debt::Debts { lost: [Control::BatteryMode].into(), ..Book::default().debts() };
        let mut device = crate::devices::start_with(stage.config("victron-gx"), debts);
        device.set(NORMAL).await;
        device.stop().await;
        assert_eq!(stage.other().holds(100, 2704).await, afterwards);
        assert_eq!(stage.writes().len(), usize::from(now != afterwards));
    }
}

#[tokio::test]
async fn what_a_restart_of_the_device_has_ended_is_written_again_and_given_back() {
    // Those of SunSpec would come back as their dump has them.
    let rows = OWNERS.iter().filter(|(id, ..)| !id.starts_with("sunspec") && !id.starts_with("fronius"));
    join_all(rows.map(restarted)).await;
}

/// The device restarts while it is set and comes back with its owner's values; the look finds that within a minute.
async fn restarted((id, unit, owned, settings): &Owner<'_>) {
    let Some(stage) = Stage::new(id, owned, &[]).await else { return };
    let mut device = start(DeviceConfig { unit: Some(*unit), ..stage.config(id) }, &Book::default());
    let setting = settings[0];
    assert_eq!(device.set(setting).await, None, "{id}");
    let Stage { _folder, log, dump, peer } = stage;
    let address = peer.address;
    drop(peer);
    let log = log.display().to_string();
    let Some(_peer) = peer::dump_file_on(&dump, &["--write-log", &log], address.port()).await else { return };
    let lost =
        |report: &Report| matches!(report, Report::Applied { error: Some(why), .. } if why.contains("written again"));
    assert!(timeout(SOON, device.wait("it is found lost", lost)).await.is_ok(), "{id}");
    taken_again(&mut device, setting).await;
    device.stop().await;
    let other = Other { endpoint: Endpoint::open(&format!("tcp://{address}").parse().unwrap()) };
    for (start, word) in *owned {
        assert_eq!(other.holds(*unit, *start).await, *word, "{id}: register {start}");
    }
}

#[tokio::test]
async fn what_takes_control_is_looked_at_too() {
    let owned = [(0xE004, 1), (0xE00B, 0), (0xE00C, 0), (0xE00D, 7)];
    let Some(stage) = Stage::new("solaredge", &owned, &[]).await else { return };
    let mut device = start(stage.config("solaredge"), &Book::default());
    assert_eq!(device.set(HOLD).await, None);
    let portal = stage.other();
    portal.writes(1, 0xE004, 2).await;
    let lost = |report: &Report| matches!(report, Report::Applied { error: Some(why), .. } if why.contains("57348"));
    assert!(timeout(SOON, device.wait("the mode is found changed", lost)).await.is_ok());
    taken_again(&mut device, HOLD).await;
    assert_eq!((portal.holds(1, 0xE004).await, portal.holds(1, 0xE00D).await), (4, 1));
    device.stop().await;
    for (register, word) in owned {
        assert_eq!(portal.holds(1, register).await, word);
    }
}

#[tokio::test]
async fn somebody_elses_value_is_said_and_left_alone_also_at_the_end() {
    let Some(stage) = Stage::new("victron-gx", &[(2704, 150), (843, 80)], &[]).await else { return };
    let book = Book::default();
    let mut device = start(stage.config("victron-gx"), &book);
    assert_eq!(device.set(HOLD).await, None);
    let app = stage.other();
    app.writes(100, 2704, 30).await;
    said(&mut device, "a third value", "somebody else has set it: register 2704 holds 30, not 0").await;
    let made = stage.writes().len();
    device.stop().await;
    assert_eq!((stage.writes().len(), app.holds(100, 2704).await, book.now()), (made, 30, Vec::new()));
}

#[tokio::test]
async fn what_somebody_has_put_back_to_our_value_is_given_back_all_the_same() {
    let Some(stage) = Stage::new("victron-gx", &[(2704, 150), (843, 80)], &[]).await else { return };
    let mut device = start(stage.config("victron-gx"), &Book::default());
    assert_eq!(device.set(HOLD).await, None);
    let app = stage.other();
    app.writes(100, 2704, 80).await;
    said(&mut device, "a third value", "somebody else has set it").await;
    app.writes(100, 2704, 0).await;
    device.stop().await;
    assert_eq!(app.holds(100, 2704).await, 150);
}

#[tokio::test]
async fn of_registers_that_go_out_together_each_has_its_own_owner() {
    let Some(stage) = Stage::new("goodwe-et", &[(47511, 4), (47512, 700)], &[]).await else { return };
    let mut device = start(stage.config("goodwe-et"), &Book::default());
    assert_eq!(device.set(HOLD).await, None);
    let app = stage.other();
    app.writes(247, 47512, 100).await;
    assert_eq!(device.set(NORMAL).await, None);
    assert_eq!((app.holds(247, 47511).await, app.holds(247, 47512).await), (4, 100));
    device.stop().await;
}

#[tokio::test]
async fn a_device_that_answers_slowly_is_given_back_at_its_own_pace() {
    let owned = [(13049, 0), (13050, 0xCC), (13051, 0), (33046, 500)];
    let Some(stage) = Stage::new("sungrow-sh", &owned, &["--latency-ms", "3500"]).await else { return };
    let book = Book::default();
    let mut device = start(stage.config("sungrow-sh"), &book);
    assert_eq!(device.set_patiently(HOLD).await, None);
    device.stop().await;
    assert_eq!(book.now(), []);
    let mut last: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    last.extend(stage.writes());
    assert_eq!(last[&13049], [0], "{:?}", stage.writes());
}

#[tokio::test]
async fn the_writes_of_a_day_end_and_the_way_back_is_not_one_of_them() {
    let Some(stage) = Stage::new("victron-gx", &[(2704, 150)], &[]).await else { return };
    let mut config = stage.config("victron-gx");
    Arc::make_mut(&mut config.definition).control[0].writes_a_day = Some(5);
    let mut device = start(config, &Book::default());
    for (number, refused) in [(1, false), (2, false), (3, true)] {
        let error = device.set(HOLD).await;
        assert_eq!(error.is_some(), refused, "{number}: {error:?}");
        device.set(NORMAL).await;
    }
    device.stop().await;
    assert_eq!(stage.writes(), [0, 150, 0, 150].map(|word| (2704, vec![word])));
}

#[tokio::test]
async fn a_device_that_is_not_ready_says_what_to_do_and_is_not_written() {
    for (mode, refused) in [(3, true), (1, false)] {
        let Some(stage) = Stage::new("victron-gx", &[(2704, 150), (2902, mode)], &[]).await else { return };
        let mut device = start(stage.config("victron-gx"), &Book::default());
        let error = device.set(HOLD).await;
        assert_eq!(error.iter().any(|why| why.contains("Settings, ESS")), refused, "{error:?}");
        assert_eq!(stage.writes().is_empty(), refused);
        device.stop().await;
    }
}

#[tokio::test]
async fn what_is_wanted_lies_within_what_the_device_bears_and_goes_out_in_one_request() {
    let Some(stage) = Stage::new("sungrow-sh", &[(13049, 0), (13050, 0), (13051, 0), (33046, 250)], &[]).await else {
        return;
    };
    let mut device = start(stage.config("sungrow-sh"), &Book::default());
    assert_eq!(device.set(CHARGE).await, None);
    assert!(stage.writes().contains(&(13051, vec![2500])), "{:?}", stage.writes());
    device.stop().await;

    let Some(stage) = Stage::new("goodwe-et", &[(47511, 1), (47512, 0)], &[]).await else { return };
    let mut device = start(stage.config("goodwe-et"), &Book::default());
    assert_eq!(device.set(CHARGE).await, None);
    assert_eq!(stage.writes(), [(47511, vec![11, 3000])]);
    device.stop().await;
}

/// The files of the cases, which lie beside the project.
fn case(name: &str) -> Option<PathBuf> {
    let file = peer::fixtures()?.parent()?.join("cases/devices").join(name);
    if Path::new(&file).exists() { Some(file) } else { peer::skip("the cases of ../shared are not here") }
}

#[tokio::test]
async fn the_limit_of_the_case_is_the_owners_before_and_after() {
    let Some(file) = case("owners-limit/victron-1500w.json") else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("writes.jsonl");
    let Some(peer) = peer::dump_file(&file, &["--write-log", &log.display().to_string()]).await else { return };
    let address = format!("tcp://{}", peer.address);
    let mut device = start(config("victron-gx", &address), &Book::default());
    device.next("it is read", |report| matches!(report, Report::Values { .. })).await;
    device.set(NORMAL).await;
    assert!(writes(&log).is_empty());
    assert_eq!(device.set(HOLD).await, None);
    device.stop().await;
    assert_eq!(writes(&log), [(6, 2704, vec![0]), (6, 2704, vec![150])]);
}
