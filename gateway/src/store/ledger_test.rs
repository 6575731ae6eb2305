//! Books of five years, and books that somebody has tampered with.

use super::*;
use crate::store::{Memory, Signature};
use chrono::NaiveDate;
use chrono_tz::Tz;
use plant::entry::Head;
use plant::entry::{BookedReceipt, SlotAccount};
use plant::time::Slot;
use plant::totals::Earnings;
use plant::units::Eur;
use plant::work::Receipt;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const ZONE: Tz = Tz::Europe__Berlin;
/// The first quarter hour of 2021 in Berlin.
const FIRST: i64 = 1_788_284;
const FIVE_YEARS: u64 = 263_000;

/// A chain of entries: two slots of a cent each, then a receipt, and so on.
struct Chain {
    head: Head,
    slot: Slot,
}

impl Chain {
    fn begin() -> Self {
        Self { head: Head::default(), slot: Slot(FIRST) }
    }

    fn next(&mut self) -> Entry {
        let booking = if self.head.sequence % 3 == 2 {
            let id = format!("receipt-{}", self.head.sequence);
            let receipt = Receipt { id, expert: "m".into(), tokens_in: 100, ..Receipt::default() };
            Booking::Receipt(Box::new(BookedReceipt {
                receipt,
                heat_used: plant::units::KilowattHours(0.0),
                currency: plant::units::Currency::EUR,
            }))
        } else {
            let account = SlotAccount { observed_s: 900.0, revenue: Eur(0.01), ..SlotAccount::new(self.slot) };
            self.slot = self.slot.plus(1);
            Booking::Slot(Box::new(account))
        };
        let entry = ledger::seal(&self.head, self.slot.start(), &booking);
        self.head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        entry
    }

    fn append(&mut self, ledger: &Ledger, count: u64) {
        let mut left = count;
        while left > 0 {
            let part = left.min(5000);
            let entries: Vec<Entry> = (0..part).map(|_| self.next()).collect();
            ledger.append_all(&entries).unwrap();
            left -= part;
        }
    }
}

fn folder() -> (tempfile::TempDir, Disk) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::Folder(folder.path().to_owned());
    (folder, disk)
}

/// What `read` gives, and how many rows it read.
fn counted<T>(ledger: &Ledger, read: impl FnOnce(&Ledger) -> Result<T, LedgerError>) -> (T, u64) {
    let before = ledger.rows_read();
    let answer = read(ledger).unwrap();
    (answer, ledger.rows_read() - before)
}

/// Whether the days are the same, but for the last digits of their sums.
fn near(days: &[(String, Earnings)], others: &[(String, Earnings)]) -> bool {
    let same = |(one, other): (&(String, Earnings), &(String, Earnings))| {
        one.0 == other.0 && (one.1.revenue.0 - other.1.revenue.0).abs() < 1e-9
    };
    days.len() == others.len() && days.iter().zip(others).all(same)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn a_days_earnings_are_one_row_in_books_of_five_years() {
    let (_folder, disk) = folder();
    let ledger = Ledger::open(&disk).unwrap();
    let mut chain = Chain::begin();
    chain.append(&ledger, FIVE_YEARS);
    let (from, to) = (day("2023-06-21"), day("2023-06-21"));

    // Nobody has added up: the entries themselves are right.
    let (by_entries, rows) = counted(&ledger, |ledger| ledger.days(ZONE, from, to));
    assert_eq!(rows, 175_334, "every slot");
    let (_, rows) = counted(&ledger, |ledger| ledger.sum_up(ZONE, &|| false));
    assert_eq!(rows, FIVE_YEARS, "each entry is read once");
    let (by_sums, rows) = counted(&ledger, |ledger| ledger.days(ZONE, from, to));
    assert_eq!(rows, 1);
    for found in [by_entries, by_sums] {
        assert!(found.len() == 1 && (found[0].1.revenue.0 - 0.96).abs() < 1e-9, "{found:?}");
    }

    // What is booked from here on grows them: nothing is ever read again.
    chain.append(&ledger, 7);
    let today = chain.slot.start().with_timezone(&ZONE).date_naive();
    let (now, rows) = counted(&ledger, |ledger| ledger.days(ZONE, today, today));
    assert!(rows <= 2 && now.len() == 1, "{rows}: {now:?}");
    let (months, rows) = counted(&ledger, |ledger| ledger.months(ZONE));
    assert!(months.len() == 61 && rows <= 63, "{rows} for {} months", months.len());
    let all: f64 = months.iter().map(|(_, month)| month.revenue.0).sum();
    assert!((all - 1753.38).abs() < 1e-6, "{all}");
    // The long and the short day.
    for (text, slots) in [("2023-03-26", 92.0), ("2023-10-29", 100.0)] {
        let found = ledger.days(ZONE, day(text), day(text)).unwrap();
        assert!((found[0].1.revenue.0 - slots * 0.01).abs() < 1e-9, "{found:?}");
    }
    let (_, rows) = counted(&ledger, |ledger| ledger.sum_up(ZONE, &|| false));
    assert!(rows <= 2, "{rows} rows at the next start");

    // Those who look ids up read what they ask for.
    let ids = ["receipt-2".to_owned(), "receipt-3".to_owned(), "receipt-262997".to_owned()];
    let (booked, rows) = counted(&ledger, |ledger| ledger.booked_receipts(&ids));
    assert_eq!((booked.len(), rows), (2, 3));
}

#[test]
fn sums_of_another_zone_and_sums_that_have_rotted_are_made_anew() {
    let (folder, disk) = folder();
    let ledger = Ledger::open(&disk).unwrap();
    let mut chain = Chain::begin();
    chain.append(&ledger, 600);
    ledger.sum_up(ZONE, &|| false).unwrap();
    let all = |ledger: &Ledger, zone| ledger.days(zone, NaiveDate::MIN, NaiveDate::MAX).unwrap();
    let berlin = all(&ledger, ZONE);
    // The house moves; who asks for the other zone gets what the entries say, before and after.
    let tokyo = all(&ledger, Tz::Asia__Tokyo);
    ledger.sum_up(Tz::Asia__Tokyo, &|| false).unwrap();
    assert!(near(&all(&ledger, Tz::Asia__Tokyo), &tokyo) && near(&all(&ledger, ZONE), &berlin));
    assert_eq!(ledger.zone().unwrap(), Some(Tz::Asia__Tokyo));

    let writer = Connection::open(folder.path().join("ledger.db")).unwrap();
    writer.execute("UPDATE sum SET body = '{\"revenue\":' WHERE period = '2021-01-02'", []).unwrap();
    assert!(near(&all(&ledger, Tz::Asia__Tokyo), &tokyo), "a rotten sum is not believed");
    drop(ledger);
    // 0.1.0 was installed in between, and has booked without the sums.
    let entries = [chain.next(), chain.next()];
    for entry in &entries {
        let slot = matches!(ledger::booking(entry), Ok(Booking::Slot(_))).then_some(FIRST);
        insert(&writer, entry, "slot", slot).unwrap();
    }
    let ledger = Ledger::open(&disk).unwrap();
    let before = all(&ledger, ZONE);
    chain.append(&ledger, 3);
    ledger.sum_up(ZONE, &|| false).unwrap();
    let after: f64 = all(&ledger, ZONE).iter().map(|(_, day)| day.revenue.0).sum();
    let by_entries = ledger.counted(plant::units::Currency::EUR).unwrap().total.revenue.0;
    assert!(after > before.iter().map(|(_, day)| day.revenue.0).sum::<f64>() && (after - by_entries).abs() < 1e-9);
}

#[test]
fn a_verification_reads_beside_everybody_else() {
    let (_folder, disk) = folder();
    let ledger = Ledger::open(&disk).unwrap();
    let mut chain = Chain::begin();
    chain.append(&ledger, 3000);
    ledger.sum_up(ZONE, &|| false).unwrap();
    let mut later = Vec::new();
    let verified = ledger
        .verify(|seen| {
            if seen % 1000 == 500 {
                // Somebody books, and somebody asks, in the middle of it.
                chain.append(&ledger, 2);
                later.push(counted(&ledger, |ledger| ledger.days(ZONE, day("2021-01-01"), day("2021-01-01"))).1);
            }
        })
        .unwrap();
    assert_eq!((verified.entries, verified.head.clone()), (3006, chain.head.clone()), "{later:?}");
    assert!(later.iter().all(|rows| *rows <= 2), "{later:?}");
}

#[test]
fn entries_that_are_cut_off_or_sealed_anew_are_noticed_by_their_signatures() {
    let (folder, disk) = folder();
    let ledger = Ledger::open(&disk).unwrap();
    let mut chain = Chain::begin();
    chain.append(&ledger, 300);
    chain.append(&ledger, 300);
    let key = ledger.key().unwrap();
    let verified = ledger.verify(|_| ()).unwrap();
    let last = verified.signed.last().unwrap();
    assert_eq!((last.key.as_str(), last.up_to, key.len()), (key.as_str(), 600, 64), "{:?}", verified.signed);
    let secret = fs::metadata(folder.path().join("ledger.key")).unwrap();
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    let newest = ledger.newest_signature().unwrap().unwrap();
    assert!(newest.fits() && (newest.sequence, &newest.hash) == (600, &chain.head.hash));
    for other in [
        Signature { sequence: 599, ..newest.clone() },
        Signature { hash: newest.hash.replace('a', "b"), ..newest.clone() },
        Signature { key: "00".repeat(32), ..newest.clone() },
        Signature { signature: "zz".into(), ..newest.clone() },
    ] {
        assert!(!other.fits(), "{other:?}");
    }
    drop(ledger);

    let path = folder.path().join("ledger.db");
    let tampered = |statement: &str| {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(&path, copy.path().join("ledger.db")).unwrap();
        let open = Connection::open(copy.path().join("ledger.db")).unwrap();
        open.execute_batch(&format!("DROP TRIGGER entry_stay; DROP TRIGGER entry_keep; {statement}")).unwrap();
        drop(open);
        let books = Ledger::open_existing(&Disk::Folder(copy.path().to_owned())).unwrap();
        books.verify(|_| ()).unwrap_err().to_string()
    };
    let said = tampered("DELETE FROM entry WHERE sequence > 590");
    assert!(
        said.contains("the newest entries are missing: entry 600 was signed, and entry 590 is the last one"),
        "{said}"
    );
    let said = tampered("UPDATE signature SET signature = replace(signature, '0', '1')");
    assert!(said.contains("is not of the key"), "{said}");
    let said = tampered("UPDATE signature SET hash = replace(hash, '0', '1') WHERE sequence = 600");
    assert!(said.contains("entry 600 is not the one that was signed"), "{said}");
}

#[test]
fn a_lost_key_is_said_and_the_older_signatures_hold() {
    let (folder, disk) = folder();
    let mut chain = Chain::begin();
    let ledger = Ledger::open(&disk).unwrap();
    chain.append(&ledger, 30);
    assert_eq!(ledger.key_found(), None);
    let old = ledger.key().unwrap();
    drop(ledger);
    assert_eq!(Ledger::open(&disk).unwrap().key().unwrap(), old, "the key stays");

    fs::write(folder.path().join("ledger.key"), "noise").unwrap();
    let ledger = Ledger::open(&disk).unwrap();
    let said = ledger.key_found().unwrap();
    assert!(said.contains("ledger.key was broken") && said.contains("set aside as"), "{said}");
    drop(ledger);
    fs::remove_file(folder.path().join("ledger.key")).unwrap();
    let ledger = Ledger::open(&disk).unwrap();
    let said = ledger.key_found().unwrap();
    assert!(said.contains(&format!("signed with the key {old} up to entry 30")), "{said}");
    chain.append(&ledger, 300);
    let signed = ledger.verify(|_| ()).unwrap().signed;
    let found: Vec<_> = signed.iter().map(|one| (one.key.clone(), one.up_to)).collect();
    assert_eq!(found, [(old, 30), (ledger.key().unwrap(), 330)]);
}

#[test]
fn signatures_go_over_with_the_entries_of_a_broken_file() {
    let (folder, disk) = folder();
    let mut chain = Chain::begin();
    let ledger = Ledger::open(&disk).unwrap();
    (0..10).for_each(|_| chain.append(&ledger, 90));
    let signed = ledger.verify(|_| ()).unwrap().signed;
    ledger.writer.lock().unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(ledger);
    let path = folder.path().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[..4096].fill(0);
    fs::write(&path, bytes).unwrap();
    let ledger = Ledger::open(&disk).unwrap();
    let found = ledger.verify(|_| ()).unwrap();
    assert!(ledger.found().unwrap().contains("was broken"));
    assert_eq!((found.entries, found.signed), (900, signed));
}

#[test]
fn books_that_are_only_read_and_books_in_memory_have_their_sums() {
    let disk = Disk::Memory(Arc::new(Memory::new("sums")));
    let ledger = Ledger::open(&disk).unwrap();
    let mut chain = Chain::begin();
    chain.append(&ledger, 96);
    ledger.sum_up(ZONE, &|| false).unwrap();
    assert_eq!(counted(&ledger, |ledger| ledger.days(ZONE, day("2021-01-01"), day("2021-01-01"))).1, 1);
    let reader = Ledger::open_existing(&disk).unwrap();
    assert_eq!((reader.key(), reader.zone().unwrap()), (None, Some(ZONE)));
    assert!((reader.months(ZONE).unwrap()[0].1.revenue.0 - 0.64).abs() < 1e-9);
}
