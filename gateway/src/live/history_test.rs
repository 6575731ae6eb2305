//! A restart expects the sun that the house has seen, however much was booked besides.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use super::data_folder;
use crate::config;
use crate::notices::Notices;
use crate::store::{Disk, FoundHistory, History, Ledger, StateStore};
use plant::command::InForce;
use plant::effect::Effect;
use plant::entry::{BookedReceipt, Booking, Entry, Head, SlotAccount};
use plant::event::Event;
use plant::ledger;
use plant::plan::PlanRequest;
use plant::plant::Plant;
use plant::time::{Slot, Timestamp};
use plant::units::{Currency, KilowattHours, Watts};
use plant::work::Receipt;
use std::path::Path;

const HOUSE: &str = "[grid]\nimport_limit_w = 17250\n[pv]\npeak_w = 8000\n[compute]\nmax_w = 900\n\
                     [[device]]\nname = \"inverter\"\ntype = \"fronius-gen24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
const DAYS: i64 = 14;

/// A slot of a day with 48 kWh of sun: 4 kW from 06:00 to 18:00.
fn slot(number: i64, first: Slot) -> Booking {
    let sun = if (24..72).contains(&number.rem_euclid(96)) { 1.0 } else { 0.0 };
    let account = SlotAccount {
        observed_s: 900.0,
        pv: KilowattHours(sun),
        export: KilowattHours((sun - 0.1).max(0.0)),
        import: KilowattHours((0.1 - sun).max(0.0)),
        house: KilowattHours(0.1),
        ..SlotAccount::new(first.plus(number))
    };
    Booking::Slot(Box::new(account))
}

fn receipt(number: i64, at: Timestamp) -> Booking {
    let id = format!("receipt-{number}");
    let receipt = Receipt { id, expert: "m".into(), tokens_in: 100, finished_at: at, ..Receipt::default() };
    Booking::Receipt(Box::new(BookedReceipt { receipt, heat_used: KilowattHours(0.0), currency: Currency::EUR }))
}

#[test]
fn after_twenty_thousand_receipts_a_restart_still_expects_48_kwh_of_sun() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::Folder(folder.path().to_owned());
    let now: Timestamp = "2026-06-15T00:00:30Z".parse().unwrap();
    let first = Slot::containing(now).plus(-DAYS * 96);
    let loaded = config::load_toml(Path::new("house.toml"), HOUSE).unwrap_or_else(|errors| panic!("{errors}"));
    let site = loaded.site;
    let (ledger, state) = (Ledger::open(&disk).unwrap(), StateStore::open(&disk).unwrap());
    let mut head = Head::default();
    let bookings =
        (0..DAYS * 96).map(|number| slot(number, first)).chain((0..20_000).map(|number| receipt(number, now)));
    let entries: Vec<Entry> = bookings
        .map(|booking| {
            let entry = ledger::seal(&head, now, &booking);
            head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
            entry
        })
        .collect();
    ledger.append_all(&entries).unwrap();

    let FoundHistory { quarters, .. } = History::open(&disk, &site, &ledger, now);
    let notices = Notices::open(&disk);
    let mut restored = data_folder::restore(&site, &ledger, &state, InForce::new(Watts(900.0)), &notices).unwrap();
    assert!(
        restored.after.iter().chain(&restored.recent).all(|entry| !entry.body.contains("\"slot\"")),
        "receipts alone"
    );
    restored.history = quarters;
    let mut plant = Plant::new(site, restored, now);
    let request = plant.handle(Event::Wake, now).into_iter().find_map(|effect| match effect {
        Effect::Plan(request) => Some(*request),
        Effect::Apply(_) | Effect::Append(_) | Effect::Checkpoint(_) | Effect::Publish(_) => None,
    });
    let expected = day_of_sun(&request.unwrap());
    assert!((45.0..=51.0).contains(&expected), "{expected} kWh");
}

/// The PV energy of the first day of a request, in kWh.
fn day_of_sun(request: &PlanRequest) -> f64 {
    request.slots.iter().take(96).map(|slot| slot.pv.unwrap_or(Watts(0.0)).0 / 4000.0).sum()
}
