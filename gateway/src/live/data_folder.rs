//! What the last run left on disk, and where this one records.

use crate::jobs::Queue;
use crate::notices::Notices;
use crate::recording::Recorder;
use crate::store::{Disk, History, Ledger, StateStore};
use anyhow::{Context, Result};
use chrono::{NaiveDate, TimeDelta};
use plant::checkpoint::Checkpoint;
use plant::checkpoint::Restored;
use plant::command::InForce;
use plant::entry::{Booking, Entry, Head};
use plant::ledger;
use plant::plant::Plant;
use plant::site::Site;
use plant::time::{Slot, Timestamp};
use plant::totals::{Earnings, EnergyTotals};
use plant::units::Currency;
use std::collections::BTreeMap;
use std::path::Path;

/// Forecasts learn from this many of the ledger's newest entries, as their receipts are known to the core.
const RECENT_ENTRIES: u64 = 4000;
/// Older ones are read so many at a time.
const PART: u64 = 1000;
/// Days whose sums the core finds again when the calendar turns back to them: a month and the one before it.
const DAYS: TimeDelta = TimeDelta::days(62);
/// A counting has gone on for longer where it has this many kilowatt-hours more: not the rounding of a sum.
const MORE_KWH: f64 = 0.001;
/// A recording grows to this many bytes at most.
const RECORDING_MAX: u64 = 512 << 20;

/// Says what was found broken or of a newer version.
pub(super) fn report(ledger: &Ledger, state: &StateStore, queue: &Queue, notices: &Notices) {
    let found =
        [("ledger.db", ledger.found()), ("state.db", state.found()), ("jobs.db", queue.found().map(str::to_owned))];
    for (file, words) in found {
        if let Some(words) = words {
            notices.add(file, format!("{words}."));
        }
    }
    if let Some(words) = ledger.key_found() {
        notices.add("ledger.key", format!("{words}."));
    }
    if queue.is_new() && ledger.head().is_ok_and(|head| head.sequence > 0) {
        let words = "jobs.db was missing or empty: jobs that waited there are lost, and the queue is begun anew";
        notices
            .add("jobs.lost", format!("{words}. Where you have a backup of it, put it in its place and start again."));
    }
}

/// The same of the history, which is made anew whatever was found.
pub(super) fn report_history(history: &History, notices: &Notices) {
    if let Some(words) = history.found() {
        notices.add("history.db", format!("{words}."));
    }
}

/// The running state, the ledger's entries around it, and the commands in force.
pub(super) fn restore(
    site: &Site,
    ledger: &Ledger,
    state: &StateStore,
    commands: InForce,
    notices: &Notices,
) -> Result<Restored> {
    let checkpoint = state.checkpoint().context("cannot read state.db in the data folder")?;
    let head = ledger.head()?;
    let checkpoint = match checkpoint {
        Some(checkpoint) if !continues(&checkpoint, ledger)? => {
            Some(parted(checkpoint, site.currency, ledger, head.clone(), notices)?)
        }
        None if head.sequence > 0 => {
            let words = "All sums are counted anew from the entries of the books";
            notices.add("state.lost", format!("The running state (state.db) is lost. {words}, {}.", entries(&head)));
            None
        }
        fitting => fitting,
    };
    let recent_from = head.sequence.saturating_sub(RECENT_ENTRIES);
    let mut broken = None;
    let (known, checkpoint) = match checkpoint {
        Some(checkpoint) if checkpoint.head.sequence >= recent_from => (checkpoint.head.sequence, Some(checkpoint)),
        None if recent_from == 0 => (0, None),
        older => {
            let restored = Restored { checkpoint: older, commands: Some(commands), ..Restored::default() };
            (recent_from, caught_up(site, ledger, restored, recent_from, &mut broken)?)
        }
    };
    let entries = ledger.after(known.min(recent_from), usize::MAX)?;
    let breaks = entries.windows(2).find_map(|pair| ledger::verify(&link(&pair[0]), &pair[1]).err());
    if let Some(broken) = broken.or(breaks) {
        let words = "`heatmine ledger verify` checks all of the books; a backup of ledger.db has the entry as it was";
        notices.add("ledger.chain", format!("The books do not hold: {broken}. {words}."));
    }
    let (recent, after) = entries.into_iter().partition(|entry: &Entry| entry.sequence <= known);
    Ok(Restored { checkpoint, commands: Some(commands), after, recent, days: BTreeMap::new(), history: Vec::new() })
}

/// The running state as it is after the ledger's entry number `last`, a part of the entries at a time: no start holds years of them in
/// memory. `broken` is what is wrong with their chain.
fn caught_up(
    site: &Site,
    ledger: &Ledger,
    restored: Restored,
    last: u64,
    broken: &mut Option<ledger::Broken>,
) -> Result<Option<Checkpoint>> {
    let from = restored.checkpoint.as_ref().map(|checkpoint| checkpoint.head.clone()).unwrap_or_default();
    let (mut head, mut at) = (from, restored.checkpoint.as_ref().map_or(Timestamp::UNIX_EPOCH, |known| known.at));
    let mut plant = Plant::new(site.clone(), restored, at);
    while head.sequence < last {
        let part = (last - head.sequence).min(PART);
        let entries = ledger.after(head.sequence, usize::try_from(part).unwrap_or(usize::MAX))?;
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            if broken.is_none() {
                *broken = ledger::verify(&head, entry).err();
            }
            plant.catch_up(entry);
            head = link(entry);
            // The day that the books are in.
            at = match ledger::booking(entry) {
                Ok(Booking::Slot(account)) => account.start,
                Ok(Booking::Receipt(_) | Booking::Day(_)) | Err(_) => entry.booked_at,
            };
        }
    }
    Ok(Some(plant.checkpoint(at)))
}

/// The sums of the local days before `now` that the running state has counted, for the month and the one before it.
pub(super) fn days(
    ledger: &Ledger,
    restored: &Restored,
    site: &Site,
    now: Timestamp,
) -> Result<BTreeMap<NaiveDate, Earnings>> {
    let last = restored.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.head.sequence);
    Ok(ledger.days_since((site.timezone, site.currency), Slot::containing(now - DAYS), last)?)
}

/// Whether what the ledger holds beyond a running state has happened after it. Entries of slots that were closed before are those
/// of a file that was put back or repaired: they are counted already.
fn continues(checkpoint: &Checkpoint, ledger: &Ledger) -> Result<bool> {
    let next = ledger.after(checkpoint.head.sequence, 1)?;
    let counted = next.first().is_some_and(|entry| match ledger::booking(entry) {
        Ok(Booking::Slot(account)) => account.slot < checkpoint.open.slot,
        Ok(Booking::Receipt(_) | Booking::Day(_)) => entry.booked_at < checkpoint.open.start,
        Err(_) => false,
    });
    Ok(!counted && ledger.holds(&checkpoint.head)?)
}

/// A running state whose newest entry is not in the ledger, as after a backup or damage. Sums never fall: where the ledger has
/// counted more, it is counted anew, else the sums go on, and the chain from where the ledger ends.
fn parted(
    checkpoint: Checkpoint,
    currency: Currency,
    ledger: &Ledger,
    head: Head,
    notices: &Notices,
) -> Result<Checkpoint> {
    let counted = ledger.counted(currency)?;
    let (remembered, books) = (&checkpoint.head.sequence, entries(&head));
    let both = format!(
        "The running state remembers entry {remembered} of the books and {} in all; ledger.db has {books} and {}",
        checkpoint.open.currency.amount(checkpoint.totals().total.gain),
        currency.amount(counted.total.gain)
    );
    let anew = flown(&counted.energy) > flown(&checkpoint.totals().energy) + MORE_KWH;
    let what = if anew {
        "The sums are counted anew from ledger.db"
    } else {
        "The sums go on from the running state, the books from where ledger.db ends. Where you have a backup of ledger.db, stop \
         HeatMine, put it in the place of this one and start again"
    };
    notices.add("ledger.parted", format!("{both}. {what}."));
    Ok(if anew { Checkpoint::recounted(checkpoint) } else { Checkpoint { head, ..checkpoint } })
}

/// All energy that was counted, to tell which of two countings has gone on for longer.
fn flown(energy: &EnergyTotals) -> f64 {
    (energy.import + energy.export + energy.pv + energy.compute).0
}

fn entries(head: &Head) -> String {
    match head.sequence {
        0 => "no entry".to_owned(),
        1 => "entry 1".to_owned(),
        newest => format!("entries up to {newest}"),
    }
}

fn link(entry: &Entry) -> Head {
    Head { sequence: entry.sequence, hash: entry.hash.clone() }
}

/// The recording, where one is asked for.
pub(super) fn recorder(
    disk: &Disk,
    path: Option<&Path>,
    site: &Site,
    restored: &Restored,
    now: Timestamp,
) -> Result<Recorder> {
    let Some(path) = path else { return Ok(Recorder::off()) };
    let file = disk.create(path).with_context(|| format!("cannot make the recording {}", path.display()))?;
    Ok(Recorder::new(file, RECORDING_MAX, site, restored, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::command::{Command, Mode};
    use plant::event::Event;

    #[test]
    fn books_begin_anew_beside_a_ledger_from_a_backup_and_the_commands_stay() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        let site = plant_site();
        let mut plant = plant::plant::Plant::new(site.clone(), Restored::default(), now);
        plant.handle(Event::Command(Command::SetMode(Mode::Surplus)), now);
        let mut checkpoint = plant.shutdown(now).into_iter().find_map(|effect| match effect {
            plant::effect::Effect::Checkpoint(checkpoint) => Some(*checkpoint),
            plant::effect::Effect::Apply(_)
            | plant::effect::Effect::Append(_)
            | plant::effect::Effect::Publish(_)
            | plant::effect::Effect::Plan(_) => None,
        });
        let ahead = checkpoint.as_mut().unwrap();
        (ahead.head.sequence, ahead.head.hash) = (7, "of another ledger".into());
        let mut store = StateStore::open(&disk).unwrap();
        store.save(ahead).unwrap();
        let ledger = Ledger::open(&disk).unwrap();
        let restored = restore(&site, &ledger, &store, plant.commands(), &Notices::open(&disk)).unwrap();
        let found = restored.checkpoint.clone().unwrap();
        assert_eq!((found.head, found.mode), (plant::entry::Head::default(), Mode::Surplus));
        // What is booked from here on fits the ledger that is there.
        let mut plant = plant::plant::Plant::new(site, restored, now);
        let receipt = plant::work::Receipt {
            id: "1".into(),
            expert: "x".into(),
            interactive: false,
            tokens_in: 1,
            tokens_out: 1,
            joules: 1.0,
            price: plant::units::Eur(0.01),
            worth: plant::units::Eur::ZERO,
            finished_at: now,
            ..plant::work::Receipt::default()
        };
        for effect in plant.handle(Event::Receipt(Box::new(receipt)), now) {
            if let plant::effect::Effect::Append(entry) = effect {
                ledger.append(&entry).unwrap();
            }
        }
        assert_eq!(ledger.verify(|_| ()).unwrap().receipts, 1);
    }

    #[test]
    fn a_start_without_a_running_state_holds_no_more_than_the_newest_entries() {
        const COUNT: u64 = 20_000;
        let disk = Disk::Memory(std::sync::Arc::new(crate::store::Memory::new("caught up")));
        let ledger = Ledger::open(&disk).unwrap();
        let (site, start) = (plant_site(), "2025-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
        let mut entries = Vec::new();
        let mut head = Head::default();
        for number in 0..COUNT {
            let slot = Slot::containing(start).plus(i64::try_from(number).unwrap());
            let account = plant::entry::SlotAccount {
                observed_s: 900.0,
                import: plant::units::KilowattHours(0.5),
                revenue: plant::units::Eur(0.01),
                ..plant::entry::SlotAccount::new(slot)
            };
            let entry = ledger::seal(&head, slot.end(), &Booking::Slot(Box::new(account)));
            head = link(&entry);
            entries.push(entry);
        }
        ledger.append_all(&entries).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        let (state, notices) = (StateStore::open(&disk).unwrap(), Notices::open(&disk));
        let now = entries.last().unwrap().booked_at;
        let commands = Plant::new(site.clone(), Restored::default(), now).commands();
        let restored = restore(&site, &ledger, &state, commands, &notices).unwrap();
        assert_eq!((restored.after.len() as u64, restored.recent.len()), (RECENT_ENTRIES, 0));
        let kept = restored.checkpoint.as_ref().unwrap();
        assert_eq!((&kept.head, kept.totals().total.tokens_in), (&link(&entries[15_999]), 0));
        let found = Plant::new(site.clone(), restored, now).checkpoint(now);

        let all = Restored { after: entries, ..Restored::default() };
        let expected = Plant::new(site, all, now).checkpoint(now);
        assert_eq!((&found.head, found.totals().today.tokens_in), (&expected.head, expected.totals().today.tokens_in));
        let near = |one: Earnings, other: Earnings| (one.revenue.0 - other.revenue.0).abs() < 1e-6;
        assert!(
            near(found.totals().total, expected.totals().total)
                && near(found.totals().month, expected.totals().month)
                && near(found.totals().today, expected.totals().today)
        );
        assert!((found.totals().energy.import.0 - 10_000.0).abs() < 1e-6, "{:?}", found.totals().energy);
    }

    #[test]
    fn amounts_in_another_currency_are_in_no_sum_of_the_house() {
        let disk = Disk::Memory(std::sync::Arc::new(crate::store::Memory::new("two currencies")));
        let ledger = Ledger::open(&disk).unwrap();
        let start: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let crowns: Currency = "DKK".parse().unwrap();
        let mut head = Head::default();
        for (number, currency, amount) in [(0, Currency::EUR, 1.0), (1, crowns, 7.0), (2, crowns, 0.5)] {
            let slot = Slot::containing(start).plus(number);
            let account = plant::entry::SlotAccount {
                observed_s: 900.0,
                import: plant::units::KilowattHours(2.0),
                revenue: plant::units::Eur(amount),
                gain: plant::units::Eur(amount),
                ..plant::entry::SlotAccount::in_currency(slot, currency)
            };
            let entry = ledger::seal(&head, slot.end(), &Booking::Slot(Box::new(account)));
            ledger.append(&entry).unwrap();
            head = link(&entry);
        }
        let site = Site { currency: crowns, ..plant_site() };
        let counted = ledger.counted(crowns).unwrap();
        assert_eq!((counted.total.revenue.0, counted.energy.import.0), (7.5, 6.0), "energy is energy in any currency");
        let mut checkpoint = Plant::new(site.clone(), Restored::default(), start).checkpoint(start);
        checkpoint.head.sequence = 3;
        let restored = Restored { checkpoint: Some(checkpoint.clone()), ..Restored::default() };
        let days = days(&ledger, &restored, &site, start).unwrap();
        let revenues: Vec<f64> = days.values().map(|day| day.revenue.0).collect();
        assert_eq!(revenues, [7.5]);
        let folder = tempfile::tempdir().unwrap();
        let notices = Notices::open(&Disk::Folder(folder.path().to_owned()));
        parted(checkpoint, crowns, &ledger, head, &notices).unwrap();
        let words = notices.all().iter().map(crate::notices::Notice::sentence).collect::<String>();
        assert!(words.contains("and 0.00 DKK in all; ledger.db has entries up to 3 and 7.50 DKK"), "{words}");
    }

    fn plant_site() -> Site {
        let text = "[site]\nname = \"house\"\n[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
                    [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
        let loaded = crate::config::load_toml(Path::new("house.toml"), text);
        loaded.unwrap_or_else(|errors| panic!("{errors}")).site
    }
}
