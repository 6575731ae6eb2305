//! A ledger with a damaged page in the middle, one without a header, and one that was put back.
#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::repair;
use crate::store::{Disk, Ledger};
use plant::entry::{Booking, Entry, Head, SlotAccount};
use plant::ledger;
use plant::time::Slot;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: usize = 4096;
const COUNT: u64 = 96;

fn chain(count: u64) -> Vec<Entry> {
    let mut head = Head::default();
    let entries = (0..count).map(|number| {
        let slot = Slot(1_900_000 + i64::try_from(number).unwrap());
        let entry = ledger::seal(&head, slot.end(), &Booking::Slot(Box::new(SlotAccount::new(slot))));
        head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        entry
    });
    entries.collect()
}

fn disk(folder: &Path) -> Disk {
    Disk::Folder(folder.to_owned())
}

fn books(folder: &Path) -> PathBuf {
    let ledger = Ledger::open(&disk(folder)).unwrap();
    chain(COUNT).iter().for_each(|entry| ledger.append(entry).unwrap());
    folder.join("ledger.db")
}

/// The number of a page that holds entries of the middle, and of none other.
fn middle(bytes: &[u8]) -> usize {
    let text = |page: &[u8]| page[0] == 13 && page.windows(15).any(|part| part == b"\"slot\":1900048,");
    bytes.chunks(PAGE).position(text).unwrap()
}

#[test]
fn a_damaged_page_in_the_middle_is_proved_and_what_lies_behind_it_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let path = books(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let page = middle(&bytes);
    bytes[page * PAGE..(page + 1) * PAGE].fill(0xff);
    fs::write(&path, &bytes).unwrap();

    let findings = repair(folder.path()).unwrap();
    let [opened, broken, live] = findings.as_slice() else { panic!("{findings:?}") };
    assert!(opened.words[0].contains("was set aside as ledger.db.broken-"), "{opened:?}");
    let said = broken.words.join(" ");
    // Some three entries lie on a page.
    let missing = Ledger::open(&disk(folder.path())).unwrap().head().unwrap().sequence + 1;
    assert!((44..=49).contains(&missing), "{missing}");
    assert!(said.contains(&format!("entries 1 to {}; entries ", missing - 1)), "{said}");
    assert!(said.contains("to 96."), "{said}");
    assert!(said.contains(&format!("entry {missing} is missing")), "{said}");
    assert_eq!(live.words, [format!("Its chain holds: {} entries.", missing - 1)]);
    assert!(fs::read(&broken.file).unwrap() == bytes, "the broken file was changed");

    let copy = format!("{}.recovered", broken.file.display());
    let copy = rusqlite::Connection::open(copy).unwrap();
    let count: i64 = copy.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert!((90..96).contains(&count), "{count}");

    let again = repair(folder.path()).unwrap();
    assert!(again.iter().all(|finding| !finding.words.join(" ").contains("was set aside")), "{again:?}");
    let ledger = Ledger::open(&disk(folder.path())).unwrap();
    assert_eq!(ledger.head().unwrap().sequence, missing - 1);
}

#[test]
fn entries_that_continue_the_chain_go_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = books(folder.path());
    // As if the start had not been able to read it: the header and the schema are gone.
    let mut bytes = fs::read(&path).unwrap();
    bytes[..PAGE].fill(0);
    fs::remove_file(&path).unwrap();
    fs::write(folder.path().join("ledger.db.broken-2026-11-29T10-00-00Z"), &bytes).unwrap();
    let ledger = Ledger::open(&disk(folder.path())).unwrap();
    chain(10).iter().for_each(|entry| ledger.append(entry).unwrap());
    drop(ledger);

    let findings = repair(folder.path()).unwrap();
    let said: String = findings.iter().flat_map(|finding| finding.words.clone()).collect();
    assert!(said.contains("86 of them continue ledger.db and are in it now."), "{said}");
    assert!(said.contains("Its chain holds: 96 entries."), "{said}");
}

#[test]
fn books_that_went_on_in_another_way_are_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = books(folder.path());
    fs::rename(&path, folder.path().join("ledger.db.broken-2026-11-29T10-00-00Z")).unwrap();
    let ledger = Ledger::open(&disk(folder.path())).unwrap();
    let other = Booking::Slot(Box::new(SlotAccount::new(Slot(1))));
    ledger.append(&ledger::seal(&Head::default(), Slot(1).end(), &other)).unwrap();
    let head = ledger.head().unwrap();
    let said: String = repair(folder.path()).unwrap().iter().flat_map(|finding| finding.words.clone()).collect();
    assert!(said.contains("Nothing of it continues ledger.db, which ends with entry 1."), "{said}");
    assert_eq!(ledger.head().unwrap(), head);
}

#[test]
fn nobody_else_may_be_at_work_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let claim = disk(folder.path()).claim().unwrap();
    assert!(repair(folder.path()).unwrap_err().to_string().contains("another HeatMine is already at work"));
    drop(claim);
}

#[test]
fn quarter_hours_of_a_history_that_was_set_aside_come_back_where_the_books_have_them_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let aside = folder.path().join("history.db.broken-2026-11-29T10-00-00Z");
    {
        let broken = rusqlite::Connection::open(&aside).unwrap();
        broken.execute_batch("CREATE TABLE quarter (slot INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;").unwrap();
        let bodies = [(1_900_000, r#"{"slot":1900000,"pv":4000.0}"#), (1_900_001, r#"{"slot":7}"#), (1_900_002, "rot")];
        for (slot, body) in bodies {
            broken.execute("INSERT INTO quarter VALUES (?1, ?2)", rusqlite::params![slot, body]).unwrap();
        }
    }
    let findings = repair(folder.path()).unwrap();
    let found = findings.iter().find(|finding| finding.file == aside).unwrap();
    assert_eq!(found.words, ["One quarter hour of it was not in history.db and is there now."]);
    let again = repair(folder.path()).unwrap();
    let found = again.iter().find(|finding| finding.file == aside).unwrap();
    assert_eq!(found.words, ["Every quarter hour of it that can be read is in history.db."]);
}
