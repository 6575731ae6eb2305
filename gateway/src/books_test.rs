//! The books on a real disk: how much is written, and that no kill lets a sum fall.
#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{Books, SAVE_INTERVAL};
use crate::store::{Disk, FoundHistory, History, Ledger, StateStore};
use plant::checkpoint::Checkpoint;
use plant::entry::{Booking, Entry, Head, SlotAccount};
use plant::ledger;
use plant::record::{Gains, Record};
use plant::site::Site;
use plant::time::Slot;
use plant::units::{Eur, KilowattHours};
use std::fs;
use std::path::Path;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// What may be written in a day, in bytes.
const DAY_MAX: u64 = 20_000_000;
const SLOT_S: u64 = 900;

fn open(folder: &Path, speed: f64) -> Books {
    let disk = Disk::Folder(folder.to_owned());
    Books::new(Ledger::open(&disk).unwrap(), StateStore::open(&disk).unwrap(), speed)
}

/// A running state as long as they get, after so many seconds.
fn state(second: u64, head: &Head) -> Checkpoint {
    let text = include_str!("../tests/checkpoint.json");
    let mut checkpoint: Checkpoint = serde_json::from_str(text).unwrap();
    checkpoint.closed.energy.import += KilowattHours(second as f64 / 3600.123);
    checkpoint.closed.total.net += Eur(second as f64 / 36_001.7);
    checkpoint.open.observed_s = (second % SLOT_S) as f64 + 0.123_456_789;
    checkpoint.head = head.clone();
    checkpoint
}

fn record(checkpoint: &Checkpoint) -> Record {
    let mut record: Record = serde_json::from_str(include_str!("../tests/record.json")).unwrap();
    (record.energy, record.total) = (checkpoint.totals().energy, checkpoint.totals().total);
    record
}

fn slot(head: &Head, number: u64) -> Entry {
    let slot = Slot(1_900_000 + i64::try_from(number).unwrap());
    ledger::seal(head, slot.end(), &Booking::Slot(Box::new(SlotAccount::new(slot))))
}

/// What a start finds after the process has been killed in this moment.
fn killed(folder: &Path) -> Checkpoint {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    StateStore::open(&Disk::Folder(copy.path().to_owned())).unwrap().checkpoint().unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_day_of_running_states_is_less_than_20_mb_and_no_kill_lets_a_sum_fall() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = open(folder.path(), 1.0);
    let (wal, copy) = (folder.path().join("state.db-wal"), folder.path().join("state.copy"));
    let (mut head, mut copied, mut last, mut steps) = (Head::default(), 0, Vec::new(), 0);
    let before = fs::metadata(&wal).unwrap().len();
    for second in 1..=3600 {
        if second % SLOT_S == 0 {
            let entry = slot(&head, second / SLOT_S);
            head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
            books.append(entry);
        }
        let newest = state(second, &head);
        let mut shown = record(&newest);
        books.checkpoint(newest.clone());
        books.put_booked_sums(&mut shown);
        let bytes = fs::read(&copy).unwrap_or_default();
        if bytes != last {
            copied += bytes.len() as u64;
            (last, steps) = (bytes, steps + 1);
        }
        assert!(newest.totals().energy.import.0 - shown.energy.import.0 < 1.001 * SAVE_INTERVAL.as_secs_f64() / 3600.0);
        if second % 61 == 0 || second % SLOT_S < 2 {
            let found = killed(folder.path());
            assert!(found.totals().energy.import >= shown.energy.import, "{second}: {:?} was shown", shown.energy);
            assert!(found.totals().total.net >= shown.total.net, "{second}: {:?} was shown", shown.total);
        }
        tokio::time::advance(SECOND).await;
    }
    let hour = fs::metadata(&wal).unwrap().len() - before + copied;
    eprintln!("{steps} running states in an hour, {hour} bytes; in a day {:.1} MB", hour as f64 * 24.0 / 1e6);
    assert!((120..=126).contains(&steps), "{steps}");
    assert!(hour * 24 < DAY_MAX, "{hour} bytes in an hour");
}

#[tokio::test(start_paused = true)]
async fn a_closed_slot_is_shown_at_once_and_a_fast_house_steps_twice_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = open(folder.path(), 1.0);
    let shown = |books: &mut Books, second: u64, head: &Head| {
        let newest = state(second, head);
        let mut shown = record(&newest);
        books.checkpoint(newest.clone());
        books.put_booked_sums(&mut shown);
        shown.energy.import == newest.totals().energy.import
    };
    let head = Head::default();
    assert!(shown(&mut books, 1, &head));
    tokio::time::advance(SECOND).await;
    assert!(!shown(&mut books, 2, &head));
    let entry = slot(&head, 1);
    let head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
    books.append(entry);
    assert!(shown(&mut books, 3, &head));

    let fast = tempfile::tempdir().unwrap();
    let (mut books, head) = (open(fast.path(), 60.0), Head::default());
    assert!(shown(&mut books, 1, &head));
    tokio::time::advance(Duration::from_millis(400)).await;
    assert!(!shown(&mut books, 30, &head));
    tokio::time::advance(Duration::from_millis(100)).await;
    assert!(shown(&mut books, 60, &head));
}

#[tokio::test(start_paused = true)]
async fn books_that_rot_at_work_are_said_and_their_entries_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = open(folder.path(), 1.0);
    let other = rusqlite::Connection::open(folder.path().join("ledger.db")).unwrap();
    other.execute_batch("ALTER TABLE entry RENAME TO rotten").unwrap();
    let first = slot(&Head::default(), 1);
    let head = Head { sequence: 1, hash: first.hash.clone() };
    books.append(first);
    books.append(slot(&head, 2));
    assert!(books.problem().is_some_and(|words| words.contains("2 entries wait in memory")), "{:?}", books.problem());
    books.checkpoint(state(1, &head));
    assert_eq!(StateStore::peek(&Disk::Folder(folder.path().to_owned())), None);

    other.execute_batch("ALTER TABLE rotten RENAME TO entry").unwrap();
    books.checkpoint(state(2, &head));
    assert_eq!(books.problem(), None);
    assert_eq!(Ledger::open(&Disk::Folder(folder.path().to_owned())).unwrap().count().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_gains_are_those_of_the_sums_that_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = open(folder.path(), 1.0);
    books.checkpoint(state(1, &Head::default()));
    let newest = state(3601, &Head::default());
    let mut shown = record(&newest);
    shown.gains = Gains::of(&shown.today, &shown.month, &newest.totals().total, None);
    books.put_booked_sums(&mut shown);
    let kept = state(1, &Head::default()).totals();
    assert!(shown.total == kept.total && shown.total != newest.totals().total);
    assert_eq!(shown.gains, Gains::of(&kept.today, &kept.month, &kept.total, None));
}

/// A house with a meter.
fn site() -> Site {
    let text = "[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
                [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
    crate::config::load_toml(Path::new("house.toml"), text).unwrap_or_else(|errors| panic!("{errors}")).site
}

#[tokio::test(start_paused = true)]
async fn the_history_follows_the_ledger_and_is_never_ahead_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::Folder(folder.path().to_owned());
    let (ledger, site) = (Ledger::open(&disk).unwrap(), site());
    let now = Slot(1_900_010).start();
    let found = |ledger: &Ledger| History::open(&disk, &site, ledger, now);
    let rows = || {
        let connection = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
        connection.query_row("SELECT count(*) FROM quarter", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let FoundHistory { history, .. } = found(&ledger);
    let mut books = open(folder.path(), 1.0).with_history(history, site.clone());
    let account = |number: i64| SlotAccount { observed_s: 900.0, ..SlotAccount::new(Slot(1_900_000 + number)) };
    let mut head = Head::default();
    let mut entry = |number| {
        let entry = ledger::seal(&head, now, &Booking::Slot(Box::new(account(number))));
        head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        entry
    };
    books.append(entry(0));
    assert_eq!(rows(), 1);
    let other = rusqlite::Connection::open(folder.path().join("ledger.db")).unwrap();
    other.execute_batch("ALTER TABLE entry RENAME TO rotten").unwrap();
    books.append(entry(1));
    assert_eq!((rows(), books.problem().is_some()), (1, true), "what is not booked is no history");
    other.execute_batch("ALTER TABLE rotten RENAME TO entry").unwrap();
    books.append(entry(2));
    assert_eq!(rows(), 3);
    drop(books);
    assert_eq!(found(&ledger).quarters.len(), 3);
}
