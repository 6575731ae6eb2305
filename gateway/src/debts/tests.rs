//! The keeper with devices that owe, settle and end, on disks that take what they are given and on one that does not.

use super::*;
use crate::store::{Disk, FoundDebts};
use drivers::debt::{Cost, Kept};
use plant::decision::Control;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

struct Stage {
    folder: TempDir,
    debts: Debts,
    ways: Option<Ways>,
    keeper: tokio::task::JoinHandle<()>,
}

fn debt(device: &str, found: u16) -> Debt {
    let kept = Kept {
        fc: 6,
        start: 2704,
        found: Some(vec![found]),
        written: vec![0],
        earlier: Vec::new(),
        width: 1,
        sunspec: None,
    };
    Debt { device: DeviceId(device.into()), control: Control::BatteryMode, place: None, registers: vec![kept] }
}

fn config(device: &str) -> DeviceConfig {
    let definition = Arc::new(drivers::definition::find("victron-gx").unwrap());
    DeviceConfig {
        id: DeviceId(device.into()),
        definition,
        address: "tcp://127.0.0.1:1".parse().unwrap(),
        unit: None,
        points: None,
        controls: [Control::BatteryMode].into(),
        broker: None,
        parameters: BTreeMap::new(),
        interval: Duration::from_secs(1),
    }
}

fn read(folder: &Path) -> DebtBook {
    DebtBook::open(&Disk::Folder(folder.to_owned())).book
}

impl Stage {
    fn begin(folder: TempDir) -> Self {
        let FoundDebts { file, mut book, .. } = DebtBook::open(&Disk::Folder(folder.path().to_owned()));
        let placed = place(&mut book, &[], None);
        let clock = Clock::sped("2026-11-29T10:00:00Z".parse().unwrap(), 1.0);
        let (keeper, ways) = DebtKeeper::new(file, book, &placed, clock, Tz::Europe__Berlin);
        let debts = ways.of(&config("box"));
        Self { folder, debts, ways: Some(ways), keeper: tokio::spawn(keeper.run()) }
    }

    fn new() -> Self {
        Self::begin(tempfile::tempdir().unwrap())
    }

    fn on_disk(&self) -> Vec<Debt> {
        read(self.folder.path()).debts
    }

    /// Whether the disk takes anything: nothing can be written where a folder stands in the way.
    fn disk_takes(&self, anything: bool) {
        let way = self.folder.path().join("debts.json.new");
        if anything { std::fs::remove_dir(way).unwrap() } else { std::fs::create_dir(way).unwrap() }
    }

    /// The device ends, and with it the keeper.
    async fn end(self) -> TempDir {
        drop((self.debts, self.ways));
        self.keeper.await.unwrap();
        self.folder
    }
}

#[tokio::test]
async fn a_debt_is_on_the_disk_twice_when_the_device_hears_that_it_is() {
    let stage = Stage::new();
    stage.debts.owe(debt("box", 150), None).await.unwrap();
    assert_eq!(stage.on_disk(), [debt("box", 150)]);
    std::fs::remove_file(stage.folder.path().join("debts.json")).unwrap();
    assert_eq!(stage.on_disk(), [debt("box", 150)], "the other copy holds it too");
}

#[tokio::test]
async fn a_settled_debt_deletes_no_newer_one() {
    let stage = Stage::new();
    for round in 0..20 {
        stage.debts.owe(debt("box", round), None).await.unwrap();
        // What comes late is still in front of what comes after it.
        stage.debts.settle(DeviceId("box".into()), Control::BatteryMode).await;
        stage.debts.owe(debt("box", 100 + round), None).await.unwrap();
        assert_eq!(stage.on_disk(), [debt("box", 100 + round)]);
    }
    stage.debts.settle(DeviceId("box".into()), Control::BatteryMode).await;
    let folder = stage.end().await;
    assert_eq!(read(folder.path()).debts, [], "the keeper ends after the last device, and has written everything down");
}

#[tokio::test]
async fn an_older_debt_of_the_same_control_is_replaced_and_others_stay() {
    let stage = Stage::new();
    let other = stage.ways.as_ref().unwrap().of(&config("other"));
    other.owe(debt("other", 7), None).await.unwrap();
    stage.debts.owe(debt("box", 150), None).await.unwrap();
    stage.debts.owe(debt("box", 160), None).await.unwrap();
    assert_eq!(stage.on_disk(), [debt("other", 7), debt("box", 160)]);
    drop(other);
    let folder = stage.end().await;
    let again = Stage::begin(folder);
    assert_eq!(again.debts.known, [debt("box", 160)], "the next start hands each device its own");
}

#[tokio::test]
async fn what_the_disk_does_not_take_is_not_owed_and_what_was_settled_stays_so() {
    let stage = Stage::new();
    stage.debts.owe(debt("box", 150), None).await.unwrap();
    stage.disk_takes(false);
    stage.debts.settle(DeviceId("box".into()), Control::BatteryMode).await;
    let error = stage.debts.owe(debt("box", 160), None).await.unwrap_err();
    assert!(error.starts_with("it could not be remembered ("), "{error}");
    assert_eq!(stage.ways.as_ref().unwrap().all.borrow().as_slice(), [], "the next debt begins anew");
    assert_eq!(stage.on_disk(), [debt("box", 150)], "a next start would give it back once more");
    stage.disk_takes(true);
    let folder = stage.end().await;
    assert_eq!(read(folder.path()).debts, [], "written down as soon as there is room");
}

#[tokio::test]
async fn a_budget_that_is_used_up_is_refused_in_words_and_nothing_is_owed() {
    let stage = Stage::new();
    let cost = Some(Cost { writes: 4, daily: 6 });
    stage.debts.owe(debt("box", 150), cost).await.unwrap();
    stage.debts.settle(DeviceId("box".into()), Control::BatteryMode).await;
    let error = stage.debts.owe(debt("box", 150), cost).await.unwrap_err();
    let words =
        "its 6 writes of today to memory that wears out are used up; it stays under its own control until tomorrow";
    assert_eq!(error, words);
    let again = Stage::begin(stage.end().await);
    assert_eq!(again.on_disk(), []);
    again.debts.owe(debt("box", 150), cost).await.unwrap_err();
}

#[tokio::test]
async fn what_nobody_can_give_back_stands_until_it_is_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let FoundDebts { mut file, .. } = DebtBook::open(&Disk::Folder(folder.path().to_owned()));
    file.write(&DebtBook { debts: vec![debt("box", 150)], lost: true, ..DebtBook::default() }).unwrap();
    let stage = Stage::begin(folder);
    assert!(stage.debts.lost.contains(&Control::BatteryMode));
    let (done, answer) = oneshot::channel();
    stage.ways.as_ref().unwrap().confirmed.send(done).await.unwrap();
    answer.await.unwrap().unwrap();
    assert_eq!(read(stage.folder.path()), DebtBook::default());
}
