//! Rot in every page of a day's data folder: the house starts, its chain holds, no sum has fallen, and what was lost is said.

use super::data_folder;
use crate::jobs::{JobRequest, Limits, Message, Queue};
use crate::notices::Notices;
use crate::publish::influx::spool::Spool;
use crate::store::{Disk, Ledger, StateStore};
use plant::checkpoint::Checkpoint;
use plant::checkpoint::Restored;
use plant::command::InForce;
use plant::effect::Effect;
use plant::entry::{BookedReceipt, Booking, Head, SlotAccount};
use plant::plant::Plant;
use plant::site::Site;
use plant::time::{Slot, Timestamp};
use plant::units::{Currency, Eur, KilowattHours, Watts};
use plant::work::Receipt;
use std::fs;
use std::path::{Path, PathBuf};

const LIMITS: Limits = Limits { queue_max: 1000, attempts: 2, eur_per_mtok_in: 1.0, eur_per_mtok_out: 4.0 };
const SLOTS: i64 = 96;
const JOBS: usize = 40;
const PAGE: usize = 4096;
/// What happens to a file, in words and in deed.
type Wreck<'a> = (&'a str, &'a dyn Fn(&Path));
const FILES: [&str; 4] = ["ledger.db", "state.db", "jobs.db", "influx-spool.db"];

/// What a start finds.
#[derive(Debug)]
struct Start {
    /// Entries of the chain, which holds.
    entries: u64,
    jobs: usize,
    waiting: i64,
    sums: Checkpoint,
    notices: Vec<String>,
}

fn noon() -> Timestamp {
    "2026-06-14T12:00:00Z".parse().unwrap()
}

fn site() -> Site {
    let text = "[site]\nname = \"house\"\n[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
                [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
    let loaded = crate::config::load_toml(Path::new("house.toml"), text);
    loaded.unwrap_or_else(|errors| panic!("{errors}")).site
}

fn checkpoint(plant: &mut Plant, at: Timestamp) -> Checkpoint {
    let effects = plant.shutdown(at).into_iter();
    let mut checkpoints =
        effects.filter_map(|effect| if let Effect::Checkpoint(kept) = effect { Some(*kept) } else { None });
    checkpoints.next().unwrap()
}

fn receipt(number: i64, at: Timestamp) -> Receipt {
    Receipt {
        id: format!("receipt-{number}"),
        expert: "smollm2".into(),
        interactive: number % 2 == 0,
        tokens_in: 120,
        tokens_out: 80,
        joules: 900.0,
        price: Eur(0.002),
        worth: Eur::ZERO,
        finished_at: at,
        ..Receipt::default()
    }
}

/// A day's data folder, written by the stores themselves.
fn a_day(folder: &Path) {
    drop(written(folder));
}

/// The same with the stores still open, so that everything lies in their logs.
fn written(folder: &Path) -> (Ledger, StateStore, Queue, Spool) {
    let disk = Disk::Folder(folder.to_owned());
    let (ledger, mut state) = (Ledger::open(&disk).unwrap(), StateStore::open(&disk).unwrap());
    let first = Slot::containing(noon()).0 - SLOTS;
    let mut head = Head::default();
    for number in 0..SLOTS {
        let slot = Slot(first + number);
        let mut account = SlotAccount { observed_s: 900.0, import: KilowattHours(0.25), ..SlotAccount::new(slot) };
        (account.gain, account.revenue) = (Eur(0.15), Eur(0.2));
        let receipt = BookedReceipt {
            receipt: receipt(number, slot.start()),
            heat_used: KilowattHours(0.01),
            currency: Currency::EUR,
        };
        for booking in [Booking::Receipt(Box::new(receipt)), Booking::Slot(Box::new(account))] {
            let entry = plant::ledger::seal(&head, slot.end(), &booking);
            head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
            ledger.append(&entry).unwrap();
        }
    }
    let restored = Restored { after: ledger.after(0, usize::MAX).unwrap(), ..Restored::default() };
    let mut plant = Plant::new(site(), restored, noon());
    let mut newest = checkpoint(&mut plant, noon());
    newest.open =
        SlotAccount { observed_s: 60.0, import: KilowattHours(0.1), ..SlotAccount::new(Slot::containing(noon())) };
    state.save(&newest).unwrap();

    let queue = Queue::open(&disk, LIMITS).unwrap();
    for number in 0..JOBS {
        let content =
            format!("Tell me about the weather of day {number}. ").repeat(if number % 8 == 0 { 400 } else { 4 });
        let request = JobRequest {
            title: format!("job {number}"),
            messages: vec![Message { role: "user".into(), content }],
            expert: None,
            deadline: None,
            max_tokens: 100,
            value: None,
        };
        queue.submit(&request, noon()).unwrap();
    }
    let mut spool = Spool::open(&disk, 1000).unwrap();
    for number in 0..100 {
        spool
            .push(&format!("heatmine_power,site=house grid={number}.0,pv=1200.0,battery=-300.0 17{number:08}\n"))
            .unwrap();
    }
    (ledger, state, queue, spool)
}

/// Opens everything as a start does.
fn start(folder: &Path) -> Start {
    let disk = Disk::Folder(folder.to_owned());
    let notices = Notices::open(&disk);
    let (ledger, state) = (Ledger::open(&disk).unwrap(), StateStore::open(&disk).unwrap());
    let queue = Queue::open(&disk, LIMITS).unwrap();
    let spool = Spool::open(&disk, 1000).unwrap();
    data_folder::report(&ledger, &state, &queue, &notices);
    if let Some(words) = spool.found() {
        notices.add("influx-spool.db", words);
    }
    let restored = data_folder::restore(&site(), &ledger, &state, InForce::new(Watts(900.0)), &notices).unwrap();
    let sums = checkpoint(&mut Plant::new(site(), restored, noon()), noon());
    Start {
        entries: ledger.verify(|_| ()).unwrap().entries,
        jobs: queue.list(1000).unwrap().len(),
        waiting: spool.waiting().unwrap(),
        sums,
        notices: notices.all().into_iter().map(|notice| notice.words).collect(),
    }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// The files set aside for `file`.
fn aside(folder: &Path, file: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mark = format!("{file}.broken-");
    paths
        .filter(|path| name(path).starts_with(&mark) && !name(path).ends_with("-wal") && !name(path).ends_with("-shm"))
        .collect()
}

/// What rot of `file` has come to: the sums are there, the chain holds, and where anything is missing it is said.
fn nothing_fell(whole: &Start, found: &Start, what: &str) {
    assert!(found.sums.totals().energy == whole.sums.totals().energy, "{what}: {:?}", found.sums.totals().energy);
    assert!(found.sums.totals().total == whole.sums.totals().total, "{what}: {:?}", found.sums.totals().total);
    let lost = found.entries < whole.entries || found.jobs < whole.jobs || found.waiting < whole.waiting;
    assert!(
        !lost || !found.notices.is_empty(),
        "{what}: lost without a word: {} entries, {} jobs, {} waiting",
        found.entries,
        found.jobs,
        found.waiting
    );
}

/// A day's data folder, and a copy of it to be wrecked.
struct Trial {
    _folder: tempfile::TempDir,
    day: PathBuf,
    tried: PathBuf,
    /// What a start of the whole copy finds.
    whole: Start,
}

impl Trial {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (day, tried) = (folder.path().join("day"), folder.path().join("tried"));
        fs::create_dir(&day).unwrap();
        a_day(&day);
        copy(&day, &tried);
        let whole = start(&tried);
        Self { _folder: folder, day, tried, whole }
    }
}

/// Noise that is the same in every run.
fn noise(seed: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..PAGE).map(next).collect()
}

#[test]
fn rot_in_any_page_of_a_day_stops_no_house_and_lets_no_sum_fall() {
    let Trial { _folder, day, tried, whole } = Trial::new();
    assert_eq!((whole.entries, whole.jobs, whole.waiting), (2 * SLOTS as u64, JOBS, 100));
    assert_eq!(whole.notices, Vec::<String>::new());

    let (mut pages, mut entries, mut jobs, mut waiting) = (0, 0, 0, 0);
    for file in FILES {
        let bytes = fs::read(day.join(file)).unwrap();
        for page in 0..bytes.len() / PAGE {
            for rot in [vec![0xff; PAGE], vec![0; PAGE], noise(page)] {
                copy(&day, &tried);
                let mut rotten = bytes.clone();
                rotten[page * PAGE..(page + 1) * PAGE].copy_from_slice(&rot);
                fs::write(tried.join(file), &rotten).unwrap();
                let found = start(&tried);
                let what = format!("page {} of {file}, {:x?}..", page + 1, &rot[..4]);
                nothing_fell(&whole, &found, &what);
                for aside in aside(&tried, file) {
                    assert!(fs::read(aside).unwrap() == rotten, "{what}: what was set aside was changed");
                }
                let again = start(&tried);
                assert!(again.entries == found.entries && again.jobs == found.jobs, "{what}: {again:?}");
                assert_eq!(again.notices, found.notices, "{what}");
                (pages, entries, jobs) = (pages + 1, entries + found.entries, jobs + found.jobs);
                waiting += found.waiting;
            }
        }
    }
    // A page is a page: of the jobs no more than those on it are lost.
    assert!(jobs as f64 > 0.97 * (pages * JOBS) as f64, "{jobs} of {} jobs", pages * JOBS);
    assert!(waiting as f64 > 97.0 * pages as f64, "{waiting} of {} records", 100 * pages);
    assert!(entries > pages as u64 * whole.entries / 2, "{entries} entries in {pages} starts");
}

#[test]
fn rot_in_a_log_is_set_aside_with_its_database_and_loses_no_more_than_its_page() {
    /// A page with its header in a log.
    const FRAME: usize = PAGE + 24;
    let folder = tempfile::tempdir().unwrap();
    let (day, tried) = (folder.path().join("day"), folder.path().join("tried"));
    fs::create_dir(&day).unwrap();
    let open = written(&day);
    copy(&day, &tried);
    let whole = start(&tried);
    assert_eq!((whole.entries, whole.jobs, whole.waiting, whole.notices.len()), (2 * SLOTS as u64, JOBS, 100, 0));
    for file in FILES {
        let log = format!("{file}-wal");
        let bytes = fs::read(day.join(&log)).unwrap();
        let frames = (bytes.len() - 32) / FRAME;
        assert!(frames > 0, "{log} is empty");
        for frame in (0..frames).step_by(1 + frames / 20) {
            copy(&day, &tried);
            let mut rotten = bytes.clone();
            rotten[32 + frame * FRAME..][..FRAME].copy_from_slice(&noise(frame).repeat(2)[..FRAME]);
            fs::write(tried.join(&log), &rotten).unwrap();
            let found = start(&tried);
            let what = format!("page {frame} of {frames} of {log}");
            // What the last transaction of a log has lost was lost by a power cut, for all that can be seen.
            if frame + 8 < frames {
                nothing_fell(&whole, &found, &what);
                assert!(found.jobs + 1 >= whole.jobs, "{what}: {} jobs", found.jobs);
            }
            let again = start(&tried);
            assert_eq!(
                (again.entries, again.jobs, &again.notices),
                (found.entries, found.jobs, &found.notices),
                "{what}"
            );
        }
    }
    drop(open);
}

#[test]
fn half_a_file_an_empty_one_and_a_folder_in_its_place_stop_no_house() {
    let Trial { _folder, day, tried, whole } = Trial::new();
    for file in FILES {
        let bytes = fs::read(day.join(file)).unwrap();
        let odd = bytes.len() / 2 + 123;
        let wrecks: [Wreck<'_>; 7] = [
            ("half", &|path| fs::write(path, &bytes[..odd]).unwrap()),
            ("words", &|path| fs::write(path, "these are no books, these are words").unwrap()),
            ("empty", &|path| fs::write(path, "").unwrap()),
            ("gone", &|path| fs::remove_file(path).unwrap()),
            ("a folder", &|path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            }),
            ("a folder for its log", &|path| fs::create_dir(crate::store::suffixed(path, "-wal")).unwrap()),
            ("noise for its log", &|path| {
                fs::write(crate::store::suffixed(path, "-wal"), noise(1)).unwrap();
                fs::write(crate::store::suffixed(path, "-shm"), noise(2)).unwrap();
            }),
        ];
        for (what, wreck) in wrecks {
            copy(&day, &tried);
            wreck(&tried.join(file));
            let found = start(&tried);
            if !(file == "jobs.db" || file == "influx-spool.db") || !["empty", "gone"].contains(&what) {
                nothing_fell(&whole, &found, &format!("{file} is {what}"));
            }
            let again = start(&tried);
            assert_eq!((again.entries, again.jobs, &again.notices), (found.entries, found.jobs, &found.notices));
            let _ = fs::remove_dir_all(crate::store::suffixed(&tried.join(file), "-wal"));
        }
    }
}

#[test]
fn books_that_vanish_are_said_with_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    a_day(folder.path());
    let total = start(folder.path()).sums.totals().total.gain.0;
    fs::write(folder.path().join("ledger.db"), "").unwrap();
    let found = start(folder.path());
    let words =
        format!("remembers entry 192 of the books and {total:.2} EUR in all; ledger.db has no entry and 0.00 EUR");
    assert!(found.notices.iter().any(|notice| notice.contains(&words)), "{:?}", found.notices);
    assert!((total - 14.4).abs() < 1e-9, "{total}");
    assert!((found.sums.totals().total.gain.0 - total).abs() < 1e-9, "{:?}", found.sums.totals().total);

    // The owner puts the file back: nothing is counted twice.
    let backup = tempfile::tempdir().unwrap();
    a_day(backup.path());
    fs::copy(backup.path().join("ledger.db"), folder.path().join("ledger.db")).unwrap();
    StateStore::open(&Disk::Folder(folder.path().to_owned())).unwrap().save(&found.sums).unwrap();
    let back = start(folder.path());
    assert_eq!((back.entries, back.sums.totals().total), (192, found.sums.totals().total));

    // Both running states are lost: the books are counted.
    let lost = tempfile::tempdir().unwrap();
    a_day(lost.path());
    fs::remove_file(lost.path().join("state.db")).unwrap();
    fs::remove_file(lost.path().join("state.copy")).unwrap();
    let found = start(lost.path());
    assert!(found.notices.iter().any(|notice| notice.contains("counted anew from the entries")), "{:?}", found.notices);
    assert!((found.sums.totals().total.gain.0 - total).abs() < 1e-9, "{:?}", found.sums.totals().total);
}

/// The version of a file's tables.
fn version_of(file: &str) -> i32 {
    if ["ledger.db", "jobs.db", "state.db"].contains(&file) { 2 } else { 1 }
}

#[test]
fn a_newer_file_is_left_alone_and_said_while_the_house_works_beside_it() {
    for file in FILES {
        let folder = tempfile::tempdir().unwrap();
        a_day(folder.path());
        let whole = start(folder.path());
        let path = folder.path().join(file);
        let newer = rusqlite::Connection::open(&path).unwrap();
        newer.execute_batch("PRAGMA user_version = 7; CREATE TABLE more (a)").unwrap();
        newer.close().unwrap();
        let bytes = fs::read(&path).unwrap();
        let found = start(folder.path());
        let words = format!("is of version 7, and this HeatMine knows versions up to {}", version_of(file));
        assert!(
            found.notices.iter().any(|notice| notice.contains(file) && notice.contains(&words)),
            "{:?}",
            found.notices
        );
        assert!(fs::read(&path).unwrap() == bytes, "{file} was written");
        assert!(aside(folder.path(), file).is_empty());
        if file != "state.db" {
            nothing_fell(&whole, &found, file);
        }
        start(folder.path());
        assert!(fs::read(&path).unwrap() == bytes, "{file} was written by the second start");
    }
}

#[test]
fn a_file_of_0_1_0_goes_on_and_its_copy_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    a_day(folder.path());
    let whole = start(folder.path());
    for file in FILES {
        let old = rusqlite::Connection::open(folder.path().join(file)).unwrap();
        old.execute_batch("PRAGMA user_version = 0").unwrap();
    }
    let found = start(folder.path());
    assert_eq!((found.entries, found.jobs, found.waiting), (whole.entries, whole.jobs, whole.waiting));
    assert_eq!((found.sums, found.notices.len()), (whole.sums, 0));
    for file in FILES {
        let version = |name: &str| -> i32 {
            let path = folder.path().join(name);
            rusqlite::Connection::open(path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
        };
        assert_eq!((version(file), version(&format!("{file}.from-0"))), (version_of(file), 0), "{file}");
    }
}
