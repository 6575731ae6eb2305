//! The history of a house over restarts, damage, other versions and other ledgers.

use super::*;
use crate::store::Memory;
use plant::entry::{BookedReceipt, SlotReadings};
use plant::units::{Celsius, Currency, KilowattHours, Watts};
use plant::work::Receipt;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

/// 1 June 2026, midnight in UTC.
const FIRST: Slot = Slot(1_977_888);

fn site() -> Site {
    let text = "[site]\nname = \"house\"\n[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
                [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
    let loaded = crate::config::load_toml(Path::new("house.toml"), text);
    loaded.unwrap_or_else(|errors| panic!("{errors}")).site
}

/// A slot of a day with 48 kWh of sun: 4 kW from 06:00 to 18:00.
fn account(number: i64) -> SlotAccount {
    let sun = if (24..72).contains(&number.rem_euclid(96)) { 1.0 } else { 0.0 };
    SlotAccount {
        observed_s: 900.0,
        pv: KilowattHours(sun),
        readings: SlotReadings { outdoor: Some(Celsius(12.5)), ..SlotReadings::default() },
        ..SlotAccount::new(FIRST.plus(number))
    }
}

fn receipt(number: u64) -> Booking {
    let receipt = Receipt { id: format!("receipt-{number}"), expert: "m".into(), tokens_in: 100, ..Receipt::default() };
    Booking::Receipt(Box::new(BookedReceipt { receipt, heat_used: KilowattHours(0.0), currency: Currency::EUR }))
}

/// A ledger that grows.
struct House {
    disk: Disk,
    ledger: Ledger,
    head: Head,
    site: Site,
}

impl House {
    fn on(disk: Disk) -> Self {
        let ledger = Ledger::open(&disk).unwrap();
        let head = ledger.head().unwrap();
        Self { disk, ledger, head, site: site() }
    }

    fn in_memory(name: &str) -> Self {
        Self::on(Disk::Memory(Arc::new(Memory::new(name))))
    }

    fn seal(&mut self, booking: &Booking) -> Entry {
        let entry = ledger::seal(&self.head, FIRST.start(), booking);
        self.head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        entry
    }

    fn book(&mut self, bookings: impl IntoIterator<Item = Booking>) {
        let entries: Vec<Entry> = bookings.into_iter().map(|booking| self.seal(&booking)).collect();
        self.ledger.append_all(&entries).unwrap();
    }

    fn book_slots(&mut self, numbers: std::ops::Range<i64>) {
        self.book(numbers.map(|number| Booking::Slot(Box::new(account(number)))));
    }

    /// What a start finds at the end of slot `number`.
    fn start(&self, number: i64) -> FoundHistory {
        History::open(&self.disk, &self.site, &self.ledger, FIRST.plus(number).end())
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a start takes")]
fn machine() -> Instant {
    Instant::now()
}

fn numbers(found: &FoundHistory) -> Vec<i64> {
    found.quarters.iter().map(|quarter| quarter.slot.0 - FIRST.0).collect()
}

fn kwh(quarters: &[Quarter]) -> f64 {
    quarters.iter().filter_map(|quarter| quarter.pv).map(|power| power.0 / 4000.0).sum()
}

#[test]
fn twenty_thousand_receipts_leave_the_history_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(Disk::Folder(folder.path().to_owned()));
    for day in 0..3 {
        house.book_slots(day * 96..day * 96 + 48);
        house.book((0..20_000).map(|number| receipt(u64::try_from(day).unwrap() * 20_000 + number)));
        house.book_slots(day * 96 + 48..day * 96 + 96);
    }
    house.book((60_000..80_000).map(receipt));
    // An upgrade, or a file that was lost: all of it comes from the books, and nothing else is read.
    let before = house.ledger.rows_read();
    let found = house.start(287);
    assert_eq!(numbers(&found), (0..288).collect::<Vec<_>>());
    assert!(house.ledger.rows_read() - before < 300, "{}", house.ledger.rows_read() - before);
    for day in found.quarters.chunks(96) {
        assert!((kwh(day) - 48.0).abs() < 1e-9, "{} kWh", kwh(day));
    }
    assert_eq!((found.quarters[30].pv, found.quarters[30].outdoor), (Some(Watts(4000.0)), Some(Celsius(12.5))));
    drop(found.history);
    // The next start has it already.
    let before = house.ledger.rows_read();
    assert_eq!(house.start(287).quarters, found.quarters);
    assert!(house.ledger.rows_read() - before <= 2);
}

#[test]
fn what_is_kept_while_it_runs_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(Disk::Folder(folder.path().to_owned()));
    house.book_slots(0..10);
    let mut found = house.start(9);
    for number in 10..20 {
        let entry = house.seal(&Booking::Slot(Box::new(account(number))));
        house.ledger.append(&entry).unwrap();
        found.history.keep(&house.site, &account(number), house.head.clone());
    }
    assert_eq!(stand(found.history.connection.as_ref().unwrap()).unwrap(), Some((FORM, house.head.clone())));
    drop(found);
    // What was booked while nobody wrote the history, as by an older version, is caught up.
    house.book((0..5).map(receipt));
    house.book_slots(20..25);
    let before = house.ledger.rows_read();
    assert_eq!(numbers(&house.start(24)), (0..25).collect::<Vec<_>>());
    assert!(house.ledger.rows_read() - before <= 7, "only what is new is read");
}

#[test]
fn a_year_and_more_loads_in_less_than_a_second_and_400_days_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(Disk::Folder(folder.path().to_owned()));
    house.book_slots(0..KEPT + 500);
    let began = machine();
    let found = house.start(KEPT + 499);
    let anew = began.elapsed();
    assert_eq!((found.quarters.len() as i64, numbers(&found)[0]), (KEPT, 500));
    let mut history = found.history;
    history.keep(&house.site, &account(KEPT + 500), house.head.clone());
    drop(history);
    let rows: i64 = {
        let connection = Connection::open(folder.path().join(FILE)).unwrap();
        connection.query_row("SELECT count(*) FROM quarter", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(rows, KEPT, "one came, one went");
    // A machine that does something else besides may be late twice.
    let mut took = Vec::new();
    let mut found = None;
    for _ in 0..3 {
        drop(found.take());
        let began = machine();
        found = Some(house.start(KEPT + 500));
        took.push(began.elapsed());
    }
    let (found, took) = (found.unwrap(), took.into_iter().min().unwrap());
    eprintln!("{KEPT} quarter hours are read in {took:?}, and made anew from the books in {anew:?}");
    assert_eq!((found.quarters.len() as i64, numbers(&found)[0]), (KEPT, 501));
    assert!(took.as_secs_f64() < 1.0, "{took:?}");
}

#[test]
fn a_day_of_quarter_hours_is_little_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(Disk::Folder(folder.path().to_owned()));
    house.book_slots(0..5000);
    let mut history = house.start(4999).history;
    let log = || fs::metadata(folder.path().join("history.db-wal")).map_or(0, |file| file.len());
    let before = log();
    for number in 5000..5096 {
        house.head.sequence += 1;
        history.keep(&house.site, &account(number), house.head.clone());
    }
    let written = log() - before;
    // The books and the running state are 20 MB a day.
    assert!((96 * 4096..2_500_000).contains(&written), "{written} bytes");
}

#[test]
fn a_broken_file_is_set_aside_said_and_made_anew() {
    for (what, from) in [("the header", 0), ("the rows", 4096)] {
        let folder = tempfile::tempdir().unwrap();
        let mut house = House::on(Disk::Folder(folder.path().to_owned()));
        house.book_slots(0..200);
        drop(house.start(199));
        let path = folder.path().join(FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[from..].fill(0xff);
        fs::write(&path, bytes).unwrap();
        let found = house.start(199);
        assert_eq!(numbers(&found), (0..200).collect::<Vec<_>>(), "{what}");
        let words = found.history.found().unwrap();
        assert!(words.contains("was set aside as history.db.broken-"), "{what}: {words}");
        assert!(words.ends_with("Its rows are made anew from the books"), "{what}: {words}");
        drop(found);
        assert_eq!(house.start(199).history.found(), None);
    }
}

#[test]
fn a_row_that_cannot_be_read_or_an_older_form_is_made_anew() {
    let spoilt = [
        "UPDATE quarter SET body = '{' WHERE slot % 7 = 0",
        "UPDATE quarter SET body = json_set(body, '$.slot', 5) WHERE slot % 7 = 0",
        "UPDATE stand SET form = 0; UPDATE quarter SET body = json_set(body, '$.pv', 1)",
        "DELETE FROM stand",
    ];
    for (turn, statement) in spoilt.into_iter().enumerate() {
        let mut house = House::in_memory(&format!("spoilt {turn}"));
        house.book_slots(0..100);
        let found = house.start(99);
        found.history.connection.as_ref().unwrap().execute_batch(statement).unwrap();
        let again = house.start(99);
        assert_eq!(again.quarters, found.quarters, "{statement}");
        assert_eq!(again.history.found(), None);
    }
}

#[test]
fn a_newer_file_stays_as_it_is_and_the_house_goes_on_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(Disk::Folder(folder.path().to_owned()));
    house.book_slots(0..50);
    drop(house.start(49));
    let path = folder.path().join(FILE);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let found = house.start(49);
    assert_eq!(found.quarters.len(), 50);
    assert!(found.history.found().unwrap().contains("history.version-1.db is used instead"));
    let version: i32 = Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 7);
}

#[test]
fn slots_that_another_ledger_does_not_know_stay() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::Folder(folder.path().to_owned());
    let mut house = House::on(disk.clone());
    house.book_slots(0..60);
    drop(house.start(59));
    drop(house);
    for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(folder.path().join(file));
    }
    let mut house = House::on(disk);
    house.book_slots(70..80);
    assert_eq!(numbers(&house.start(79)), (0..60).chain(70..80).collect::<Vec<_>>());
}

#[test]
fn a_clock_that_was_wrong_for_an_hour_costs_no_history() {
    let mut house = House::in_memory("wrong clock");
    house.book_slots(0..100);
    let mut found = house.start(99);
    // 2099, and 1970.
    for number in [2_560_000, -FIRST.0 + 3] {
        let entry = house.seal(&Booking::Slot(Box::new(account(number))));
        house.ledger.append(&entry).unwrap();
        found.history.keep(&house.site, &account(number), house.head.clone());
    }
    drop(found);
    assert_eq!(numbers(&house.start(99)), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_house_without_a_file_reads_its_books() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::on(Disk::Folder(folder.path().to_owned()));
    house.book_slots(0..30);
    let found = house.start(29);
    let mut history = found.history;
    history.connection = None;
    history.trouble = Some("history.db cannot be opened (no room)".into());
    history.keep(&house.site, &account(30), house.head.clone());
    let words = history.found().unwrap();
    assert_eq!(words, "history.db cannot be opened (no room). Its rows are made anew from the books at each start");
    assert_eq!(booked(&house.site, &house.ledger, 0).unwrap().len(), 30);
}

#[test]
fn what_cannot_be_written_is_written_with_the_next_slot() {
    let mut house = House::in_memory("waits");
    house.book_slots(0..4);
    let mut found = house.start(3);
    let connection = found.history.connection.as_ref().unwrap();
    connection.pragma_update(None, "query_only", true).unwrap();
    found.history.keep(&house.site, &account(4), Head { sequence: 5, hash: "5".into() });
    assert_eq!(found.history.waiting.len(), 1);
    found.history.connection.as_ref().unwrap().pragma_update(None, "query_only", false).unwrap();
    found.history.keep(&house.site, &account(5), Head { sequence: 6, hash: "6".into() });
    let (rows, _) = read(found.history.connection.as_ref().unwrap()).unwrap();
    assert_eq!((rows.len(), found.history.waiting.len()), (6, 0));
}
