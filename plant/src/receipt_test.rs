//! Receipts that come again, out of journals that end, are put back, or are begun anew.

use crate::books::ledger;
use crate::checkpoint::{Checkpoint, Restored};
use crate::effect::Effect;
use crate::entry::{Booking, Entry};
use crate::event::Event;
use crate::plant::Plant;
use crate::test_site::{at, site};
use crate::units::Eur;
use crate::work::{Position, Receipt};

const START: &str = "2026-04-10T10:00:00Z";

fn receipt(journal: Option<&str>, sequence: u64) -> Event {
    let named = journal.unwrap_or("none");
    Event::Receipt(Box::new(Receipt {
        id: format!("{named}-{sequence}"),
        position: journal.map(|journal| Position { journal: journal.to_owned(), sequence }),
        expert: "test".into(),
        tokens_in: 100,
        tokens_out: 1,
        joules: 1.0,
        price: Eur(0.001),
        finished_at: at(START),
        ..Receipt::default()
    }))
}

/// Hands `events` to a plant; what it booked of them.
fn book(plant: &mut Plant, events: impl IntoIterator<Item = Event>) -> Vec<Entry> {
    let effects = events.into_iter().flat_map(|event| plant.handle(event, at(START)));
    effects.filter_map(|effect| if let Effect::Append(entry) = effect { Some(entry) } else { None }).collect()
}

fn plant(restored: Restored) -> Plant {
    Plant::new(site(), restored, at(START))
}

#[test]
fn twenty_thousand_receipts_are_booked_once_whatever_is_started_again() {
    const COUNT: u64 = 20_000;
    let all = || (1..=COUNT).map(|sequence| receipt(Some("a"), sequence));
    let mut first = plant(Restored::default());
    let entries = book(&mut first, all().take(12_345));
    let checkpoint = first.checkpoint(at(START));
    // The gateway is killed: it goes on from the checkpoint, from an older one, or from the ledger alone.
    let older = Checkpoint {
        journals: crate::journals::Journals::default(),
        ..plant(Restored::default()).checkpoint(at(START))
    };
    let starts = [
        Restored { checkpoint: Some(checkpoint), recent: entries[8345..].to_vec(), ..Restored::default() },
        Restored { checkpoint: Some(older), after: entries.clone(), ..Restored::default() },
        Restored { after: entries.clone(), ..Restored::default() },
    ];
    for restored in starts {
        let mut second = plant(restored);
        let more = book(&mut second, all().chain(all()));
        assert_eq!(entries.len() + more.len(), 20_000);
        assert_eq!(second.checkpoint(at(START)).total.tokens_in, 2_000_000);
        // The worker begins another journal, and later one that starts at 1 again.
        assert_eq!(
            book(&mut second, [receipt(Some("b"), COUNT + 1), receipt(Some("c"), 1), receipt(Some("c"), 1)]).len(),
            2
        );
    }
}

#[test]
fn receipts_without_a_journal_are_known_by_their_ids() {
    let mut first = plant(Restored::default());
    let entries = book(&mut first, [receipt(None, 1), receipt(None, 1), receipt(None, 2)]);
    assert_eq!(entries.len(), 2);
    // An entry of version 0.1.0 names neither journal nor job, and nothing that was only worth something.
    let Ok(Booking::Receipt(booked)) = ledger::booking(&entries[0]) else { panic!("{entries:?}") };
    assert_eq!((booked.receipt.position, booked.receipt.job, booked.receipt.worth), (None, None, Eur::ZERO));
    let old = r#"{"id":"x","expert":"m","interactive":true,"tokens_in":1,"tokens_out":2,"joules":3.5,"price":0.25,"finished_at":"2026-04-10T10:00:00Z"}"#;
    let old: Receipt = serde_json::from_str(old).unwrap();
    assert_eq!((old.price, old.worth, old.joules, old.position), (Eur(0.25), Eur::ZERO, 3.5, None));
    let text = serde_json::to_string(&Receipt { position: Some(Position { journal: "a".into(), sequence: 7 }), ..old })
        .unwrap();
    assert!(text.contains(r#""journal":"a","sequence":7"#), "{text}");
}

#[test]
fn entries_taken_over_one_by_one_leave_what_all_at_once_leave() {
    let mut first = plant(Restored::default());
    let entries = book(&mut first, (1..50).map(|sequence| receipt(Some("a"), sequence)));
    let at_once = plant(Restored { after: entries.clone(), ..Restored::default() }).checkpoint(at(START));
    let mut one_by_one = plant(Restored::default());
    entries.iter().for_each(|entry| one_by_one.catch_up(entry));
    assert_eq!(one_by_one.checkpoint(at(START)), at_once);
    assert_eq!(at_once.journals.newest("a"), Some(49));
}
