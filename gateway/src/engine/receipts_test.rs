//! Twenty thousand receipts that nobody has read, and gateways and engines that end in between.

use super::*;
use crate::books::Books;
use crate::engine::Process;
use crate::store::{Disk, Memory, StateStore};
use inference::client::Status;
use inference::error::Error;
use plant::checkpoint::Restored;
use plant::effect::Effect;
use plant::plant::Plant;
use plant::site::Site;
use plant::time::Timestamp;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

const COUNT: u64 = 20_000;

/// A journal that somebody else keeps.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<client::Receipt>>>);

impl Kept {
    /// Receipts of a journal; of version 0.1.0 where it has no name.
    fn write(&self, journal: Option<&str>, sequences: impl Iterator<Item = u64>) {
        let mut kept = self.0.lock().unwrap();
        kept.extend(sequences.map(|sequence| client::Receipt {
            id: format!("{}-{sequence}", journal.unwrap_or("none")),
            sequence,
            journal: journal.map(str::to_owned),
            job: None,
            whole: journal.map(|_| true),
            expert: "m".into(),
            interactive: sequence % 2 == 0,
            tokens_in: 100,
            tokens_out: 1,
            joules: 36.0,
            seconds: 1.0,
            finished_at_ms: 0,
        }));
    }

    fn begin_anew(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl Engine for Kept {
    fn start(&self) -> io::Result<Process> {
        Ok(Process::elsewhere())
    }

    async fn status(&self) -> Result<Status, Error> {
        std::future::pending().await
    }

    async fn receipts(&self, place: &Place) -> Result<Vec<client::Receipt>, Error> {
        let kept = self.0.lock().unwrap();
        let known = |receipt: &client::Receipt| receipt.journal == place.journal && receipt.sequence <= place.sequence;
        let start = kept.iter().rposition(known).map_or(0, |at| at + 1);
        Ok(kept.iter().skip(start).take(1000).cloned().collect())
    }

    async fn set_budget(&self, _: Option<f64>, _: Duration) -> Result<Status, Error> {
        self.status().await
    }
}

/// A gateway on a disk; dropped, it is killed.
struct Gateway {
    plant: Plant,
    books: Books,
    ledger: Ledger,
    receipts: Receipts,
    events: mpsc::Receiver<Event>,
    now: Timestamp,
}

fn site() -> Site {
    let text = "[site]\nname = \"house\"\n[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
                [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
    crate::config::load_toml(Path::new("house.toml"), text).unwrap_or_else(|errors| panic!("{errors}")).site
}

impl Gateway {
    fn start(disk: &Disk) -> Self {
        let now: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let (ledger, state) = (Ledger::open(disk).unwrap(), StateStore::open(disk).unwrap());
        let checkpoint = state.checkpoint().unwrap();
        let known = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.head.sequence);
        let after = ledger.after(known, usize::MAX).unwrap();
        let plant = Plant::new(site(), Restored { checkpoint, after, ..Restored::default() }, now);
        let books = Books::new(ledger.clone(), state, 1.0).after(plant.checkpoint(now).journals);
        let (sender, events) = mpsc::channel(2000);
        let receipts = Receipts {
            clock: Clock::real(),
            prices: site().work,
            events: sender,
            settled: books.settled(),
            ledger: ledger.clone(),
            place: Place::default(),
            sent: None,
        };
        Self { plant, books, ledger, receipts, events, now }
    }

    /// Books what was sent, at most so many.
    fn book(&mut self, most: usize) -> usize {
        let mut count = 0;
        while count < most
            && let Ok(event) = self.events.try_recv()
        {
            let Event::Receipt(receipt) = &event else { panic!("{event:?}") };
            let receipt = receipt.clone();
            for effect in self.plant.handle(event, self.now) {
                if let Effect::Append(entry) = effect {
                    self.books.append(entry);
                }
            }
            self.books.took(&receipt);
            count += 1;
        }
        count
    }

    /// Reads and books until nothing comes any more.
    async fn drain(&mut self, engine: &Kept) {
        loop {
            let place = self.receipts.place.clone();
            self.receipts.collect(engine, Duration::from_secs(9)).await;
            if self.book(usize::MAX) == 0 && self.receipts.sent.is_none() && self.receipts.place == place {
                break;
            }
        }
        let checkpoint = self.plant.checkpoint(self.now);
        self.books.checkpoint(checkpoint);
        self.books.save();
    }

    fn tokens_in(&self) -> u64 {
        self.plant.checkpoint(self.now).totals().total.tokens_in
    }
}

fn disk(name: &str) -> Disk {
    Disk::Memory(Arc::new(Memory::new(name)))
}

#[tokio::test]
async fn twenty_thousand_unread_receipts_are_booked_once_whatever_is_started_again() {
    for (name, journal) in [("of this version", Some("9f3a")), ("of version 0.1.0", None)] {
        let (disk, engine) = (disk(name), Kept::default());
        // A memory disk lives as long as somebody has it open.
        let _open = Ledger::open(&disk).unwrap();
        let _state = disk.database("state.db", crate::store::Durability::Normal, Duration::ZERO).unwrap();
        engine.write(journal, 1..=COUNT);
        let mut sums = Vec::new();
        // The gateway is killed in the middle of its first, second and third thousand; the engine is started again each time.
        for booked in [430, 1700, 2950] {
            let mut gateway = Gateway::start(&disk);
            gateway.receipts.begin();
            while gateway.ledger.head().unwrap().sequence < booked {
                gateway.receipts.collect(&engine, Duration::from_secs(9)).await;
                let missing = booked - gateway.ledger.head().unwrap().sequence;
                gateway.book(usize::try_from(missing).unwrap());
            }
            sums.push(gateway.ledger.head().unwrap().sequence);
        }
        assert_eq!(sums, [430, 1700, 2950], "{name}");
        for _ in 0..2 {
            let mut gateway = Gateway::start(&disk);
            gateway.drain(&engine).await;
            gateway.receipts.begin();
            gateway.drain(&engine).await;
            assert_eq!(
                (gateway.tokens_in(), gateway.ledger.verify(|_| ()).unwrap().receipts),
                (2_000_000, COUNT),
                "{name}"
            );
        }
        // The journal is begun anew, with numbers from 1.
        engine.begin_anew();
        engine.write(Some("77c0"), 1..=3);
        let mut gateway = Gateway::start(&disk);
        gateway.drain(&engine).await;
        assert_eq!(gateway.tokens_in(), 2_000_300, "{name}");
        // And once more while the gateway runs.
        engine.begin_anew();
        engine.write(Some("e5d1"), 1..=4);
        gateway.drain(&engine).await;
        assert_eq!(gateway.tokens_in(), 2_000_700, "{name}");
    }
}

#[tokio::test]
async fn nothing_is_given_up_before_the_books_hold_it() {
    let (disk, engine) = (disk("unsettled"), Kept::default());
    let mut gateway = Gateway::start(&disk);
    engine.write(Some("a"), 1..=1500);
    gateway.receipts.collect(&engine, Duration::from_secs(9)).await;
    gateway.book(999);
    let place = gateway.receipts.place.clone();
    gateway.receipts.collect(&engine, Duration::from_secs(9)).await;
    assert_eq!(
        (gateway.receipts.place.clone(), gateway.events.len()),
        (place, 1),
        "one of the first thousand is not booked"
    );
    gateway.book(1);
    gateway.receipts.collect(&engine, Duration::from_secs(9)).await;
    assert_eq!(gateway.events.len(), 500);
}

#[test]
fn what_a_job_may_be_handed_in_with_is_booked() {
    let disk = disk("dear");
    let mut gateway = Gateway::start(&disk);
    let receipt = |sequence, price| plant::work::Receipt {
        id: format!("delivery-a-{sequence}"),
        position: Some(plant::work::Position { journal: "a".into(), sequence }),
        price: plant::units::Eur(price),
        finished_at: gateway.now,
        ..plant::work::Receipt::default()
    };
    let (dearest, impossible) = (receipt(1, crate::jobs::VALUE_MAX), receipt(2, 2.0 * crate::jobs::VALUE_MAX));
    let appended = |gateway: &mut Gateway, receipt: &plant::work::Receipt| {
        gateway.plant.handle(Event::Receipt(Box::new(receipt.clone())), gateway.now).len()
    };
    assert_eq!(appended(&mut gateway, &dearest), 1);
    gateway.books.took(&dearest);
    assert!(!gateway.books.lacks(&dearest), "booked: to hear it again is nothing to say");
    assert_eq!(appended(&mut gateway, &impossible), 0);
    assert!(gateway.books.lacks(&impossible), "refused: that is said");
    assert_eq!(gateway.plant.checkpoint(gateway.now).totals().total.revenue.0, 1e6);
}

#[test]
fn others_pay_for_what_is_delivered_and_nobody_for_the_households_questions() {
    let disk = disk("prices");
    let mut gateway = Gateway::start(&disk);
    gateway.receipts.prices = plant::site::WorkPrices {
        eur_per_mtok_in: 1.0,
        eur_per_mtok_out: 10.0,
        interactive: plant::units::EurPerKwh(2.0),
        standing: plant::units::EurPerKwh(0.0),
    };
    let of = |interactive, job: Option<&str>, whole| client::Receipt {
        id: "1".into(),
        sequence: 1,
        journal: Some("a".into()),
        job: job.map(str::to_owned),
        whole,
        expert: "m".into(),
        interactive,
        tokens_in: 1000,
        tokens_out: 100,
        joules: 3.6e5,
        seconds: 1.0,
        finished_at_ms: 0,
    };
    let rows = [
        (of(true, None, Some(true)), 0.0, 0.2),
        (of(true, None, Some(false)), 0.0, 0.2),
        (of(false, None, Some(true)), 0.002, 0.0),
        // The client left, or the engine failed.
        (of(false, None, Some(false)), 0.0, 0.0),
        // A job pays when it is delivered: the queue says so.
        (of(false, Some("12"), Some(true)), 0.0, 0.0),
        (of(false, Some("12"), Some(false)), 0.0, 0.0),
        // Version 0.1.0 does not say whether the answer came to its end.
        (of(false, None, None), 0.0, 0.0),
    ];
    for (served, price, worth) in rows {
        let receipt = gateway.receipts.priced(served.clone());
        let near = (receipt.price.0 - price).abs() < 1e-12 && (receipt.worth.0 - worth).abs() < 1e-12;
        assert!(near && receipt.job == served.job, "{served:?}: {receipt:?}");
    }
}
