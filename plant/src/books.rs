//! The books: the running account of energy and money, and the chain of entries that it ends in.
//!
//! ```text
//! decision --> held until the next cycle --> interval --+
//! receipt ----> entry (Receipt) -----------> its money -+--> open slot --border passed--> compared with the baseline
//!                                                              --> entry (Slot), closed totals --midnight--> entry (Day)
//! ```
//!
//! Terms: the *open* slot is the quarter hour that runs; the *closed* totals are the sums over all slots before it. What is
//! published is closed totals plus the open slot.
//!
//! Invariant: what is booked was observed: a gap is booked as far as its readings stand for it, and a clock that is set books
//! nothing. After one that was set back a slot may have several entries, whose sums are right.
//!
//! Example: 720 W of compute out of surplus from 12:14:59.5 to 12:15:00.5, feed-in 0.08 EUR/kWh. The interval is cut at 12:15:00;
//! each half adds 0.0001 kWh and 0.000008 EUR of electricity to its slot. The second half closes the slot of 12:00 first: it
//! becomes an entry and a part of the closed totals.

/// What an interval with unchanged powers adds.
mod account;
/// The local day and month.
mod calendar;
/// The house beside its baseline.
pub mod comparison;
#[cfg(test)]
mod comparison_test;
/// The plan that a day began with.
mod day_plan;
/// What the books lack.
mod gaps;
/// How far each journal of receipts is booked.
pub mod journals;
/// Seals, opens and checks entries.
pub mod ledger;
/// A gain by its parts.
pub mod parts;
/// Which receipts are known already.
mod receipt_ids;
/// What was planned against what happened.
pub mod review;
/// Sums over accounts.
pub mod totals;
/// What a span of time came to, in a sentence.
pub mod verdict;

use crate::books::account::{Held, Interval};
use crate::books::calendar::Calendar;
use crate::books::comparison::Comparison;
use crate::books::day_plan::DayPlan;
use crate::books::gaps::Gaps;
use crate::books::journals::Journals;
use crate::books::receipt_ids::ReceiptIds;
use crate::books::totals::{Earnings, EnergyTotals, Totals};
use crate::checkpoint::Restored;
use crate::decision::Decision;
use crate::entry::{BookedReceipt, Booking, DayAccount, Entry, Head, SlotAccount};
use crate::knowing::Fitted;
use crate::outlook::Outlook;
use crate::plan::Plan;
use crate::site::Site;
use crate::time::{Slot, Timestamp, elapsed};
use crate::units::{Currency, Eur, KilowattHours};
use crate::value::situation::Situation;
use crate::work::Receipt;
use chrono::NaiveDate;
use std::time::Duration;

/// Receipt ids that are remembered, so that one that comes twice is booked once. Chosen: days of a busy house; the gateway knows
/// those of a restart from the ledger.
const REMEMBERED: usize = 4096;
/// What one piece of work can take, in joules: a day of a rack of 100 kW.
const JOULES_MAX: f64 = 1e10;
/// What one piece of work can pay, in euros: more than anybody pays for it, and no less than a job may be handed in with. In a weaker
/// currency it is as many more.
const PRICE_MAX: f64 = 1e6;

/// The books.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    /// The ledger's newest link.
    pub head: Head,
    /// The slot not yet closed.
    pub open: SlotAccount,
    /// What the closed slots add up to.
    pub closed: Totals,
    /// How far the journals of receipts are booked.
    pub journals: Journals,
    currency: Currency,
    calendar: Calendar,
    day_plan: DayPlan,
    receipts: ReceiptIds,
    held: Option<Holding>,
    comparison: Comparison,
    /// Whether compute works; `None` before it is known.
    computes: Option<bool>,
    gaps: Gaps,
    /// The day that was closed last, since the start or beyond the checkpoint.
    day: Option<DayAccount>,
}

/// The time since the last cycle.
#[derive(Clone, Debug)]
struct Holding {
    /// Until when it is booked.
    from: Timestamp,
    /// How long from there the readings stand.
    stands_for: Duration,
    /// What is unchanged.
    held: Option<Held>,
}

impl Books {
    /// The books of `site` at `now`, as `checkpoint` left them.
    pub(crate) fn new(site: &Site, restored: &Restored, now: Timestamp) -> Self {
        let checkpoint = restored.checkpoint.as_ref();
        // Where nothing is counted yet, the first entry begins its day.
        let since = checkpoint
            .filter(|checkpoint| checkpoint.counts())
            .map_or(Timestamp::UNIX_EPOCH, |checkpoint| checkpoint.at);
        let anew = SlotAccount::in_currency(Slot::containing(now), site.currency);
        let (open, closed) = match checkpoint {
            None => (anew, Totals::default()),
            Some(found) if found.open.currency == site.currency => (found.open.clone(), found.closed),
            // Amounts in another currency stay in the ledger, and energies go on: here money begins anew.
            Some(found) => (anew, Totals { energy: found.totals().energy, ..Totals::default() }),
        };
        Self {
            head: checkpoint.map(|checkpoint| checkpoint.head.clone()).unwrap_or_default(),
            open,
            closed,
            currency: site.currency,
            journals: checkpoint.map(|checkpoint| checkpoint.journals.clone()).unwrap_or_default(),
            calendar: Calendar::new(site.timezone, since, restored.days.clone()),
            day_plan: DayPlan::default(),
            receipts: ReceiptIds::new(REMEMBERED),
            held: None,
            comparison: Comparison::new(site, checkpoint.and_then(|checkpoint| checkpoint.comparison.as_ref())),
            computes: None,
            gaps: Gaps::default(),
            day: None,
        }
    }

    /// What the books lack at `now`, in words for a person.
    pub(crate) fn problems(&self, site: &Site, now: Timestamp) -> Vec<String> {
        self.gaps.problems(now, site.timezone)
    }

    /// What of the comparison with the baseline outlasts a restart.
    pub(crate) fn comparison(&self) -> comparison::ComparisonState {
        self.comparison.state()
    }

    /// Takes over what the history shows of the building.
    pub(crate) fn know(&mut self, building: &Fitted) {
        self.comparison.know(building);
    }

    /// Everything that is counted, the open slot included.
    pub(crate) fn totals(&self) -> Totals {
        self.closed.with(&self.open)
    }

    /// What the local day before this one came to; `None` where nothing is known of it.
    pub(crate) fn yesterday(&self) -> Option<(NaiveDate, Earnings)> {
        self.calendar.before()
    }

    /// Takes over an entry that the ledger holds beyond the checkpoint: an entry of the open slot closes it. An entry that is no
    /// booking moves the chain on and counts nothing.
    pub(crate) fn catch_up(&mut self, site: &Site, entry: &Entry) {
        self.head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        match ledger::booking(entry) {
            Ok(Booking::Receipt(booked)) => {
                self.remember(&booked.receipt);
                self.turn_to(entry.booked_at);
                if self.open.is_empty() {
                    self.open = SlotAccount::in_currency(Slot::containing(entry.booked_at), self.currency);
                }
                self.count(&booked.receipt);
            }
            Ok(Booking::Slot(account)) => {
                self.turn_to(account.start);
                self.close_into_totals(&account);
                self.open = SlotAccount::in_currency(account.slot.plus(1), self.currency);
                self.comparison.catch_up(site, &account);
            }
            Ok(Booking::Day(day)) => self.day = Some(*day),
            Err(_) => {}
        }
    }

    /// Remembers the receipt of an entry, so that it is not booked again.
    pub(crate) fn recognise(&mut self, entry: &Entry) {
        if let Ok(Booking::Receipt(booked)) = ledger::booking(entry) {
            self.remember(&booked.receipt);
        }
    }

    /// Books the time until `now` as it was held, as far as the readings stand for it.
    pub(crate) fn pass(&mut self, site: &Site, now: Timestamp) -> Vec<Entry> {
        let mut entries = Vec::new();
        if let Some(Holding { from, stands_for, held }) = self.held.take() {
            let span = elapsed(from, now).min(stands_for);
            for interval in held.iter().flat_map(|held| account::intervals(site, held, from, span)) {
                entries.extend(self.add(site, interval));
            }
            self.held = Some(Holding { from: now, stands_for: stands_for.saturating_sub(elapsed(from, now)), held });
        }
        entries.extend(self.advance(site, now));
        entries
    }

    /// The clock was set to `now`, after what passed until then was booked.
    pub(crate) fn set(&mut self, now: Timestamp) {
        if let Some(holding) = &mut self.held {
            holding.from = now;
        }
    }

    /// Remembers what the weather service expects of the open slot, as it was said first.
    pub(crate) fn expect(&mut self, outlook: &Outlook) {
        let (slot, readings) = (self.open.slot, &mut self.open.readings);
        readings.expected_pv = readings.expected_pv.or_else(|| outlook.pv.get(&slot).copied());
        readings.expected_outdoor = readings.expected_outdoor.or_else(|| outlook.outdoor.get(&slot).copied());
    }

    /// Remembers work that arrived in the open slot.
    pub(crate) fn arrive(&mut self, work: KilowattHours) {
        if work > KilowattHours::ZERO {
            let arrived = &mut self.open.readings.arrived;
            *arrived = Some(arrived.unwrap_or(KilowattHours::ZERO) + work);
        }
    }

    /// Holds what was decided until the next cycle. The readings stand for `stands_for`.
    pub(crate) fn hold(&mut self, situation: &Situation<'_>, decision: &Decision, stands_for: Duration) {
        let held = Held::of(situation, decision);
        self.gaps.observe(situation.now, held.as_ref());
        if let Some(computes) = held.as_ref().and_then(|held| held.computes(situation.site)) {
            if computes && self.computes == Some(false) {
                self.open.starts += 1;
                self.open.bill.starts += Eur(situation.site.compute.start_cost_eur);
            }
            self.computes = Some(computes);
        }
        self.held = Some(Holding { from: situation.now, stands_for, held });
    }

    /// Keeps beside the open slot what the plan of its day says of it; `plan` is in force at `now`.
    pub(crate) fn note_plan(&mut self, site: &Site, plan: Option<&Plan>, now: Timestamp) {
        self.day_plan.follow(plan, site.timezone, now);
        if self.open.planned.is_none() {
            self.open.planned = self.day_plan.get(self.open.slot);
        }
    }

    /// Books a receipt at `now`, after what has passed; nothing where it is known already or impossible.
    pub(crate) fn receipt(&mut self, site: &Site, receipt: &Receipt, now: Timestamp) -> Vec<Entry> {
        let money = 0.0..=PRICE_MAX * self.currency.per_euro().unwrap_or(1.0).max(1.0);
        let possible = (0.0..=JOULES_MAX).contains(&receipt.joules)
            && money.contains(&receipt.price.0)
            && money.contains(&receipt.worth.0);
        if !possible || self.knows(receipt) {
            return Vec::new();
        }
        self.remember(receipt);
        let mut entries = self.advance(site, now);
        self.count(receipt);
        let held = self.held.as_ref().and_then(|holding| holding.held.as_ref());
        let heat_share = held.map_or(0.0, |held| held.useful_share(site)) * site.compute.heat_fraction;
        let heat_used = KilowattHours::from_joules(receipt.joules * heat_share);
        let booked = BookedReceipt { receipt: receipt.clone(), heat_used, currency: self.currency };
        entries.push(self.append(now, &Booking::Receipt(Box::new(booked))));
        entries
    }

    /// Whether a receipt is booked: by its place where its journal is known, else by its id.
    fn knows(&self, receipt: &Receipt) -> bool {
        let place = receipt.position.as_ref();
        let booked = place.and_then(|place| Some(place.sequence <= self.journals.newest(&place.journal)?));
        booked.unwrap_or_else(|| self.receipts.contains(&receipt.id))
    }

    fn remember(&mut self, receipt: &Receipt) {
        self.receipts.insert(&receipt.id);
        if let Some(position) = &receipt.position {
            self.journals.book(position);
        }
    }

    /// Adds an interval that lies in one slot; a border passed on the way closes the open slot.
    fn add(&mut self, site: &Site, interval: Interval) -> Vec<Entry> {
        let closed = self.advance(site, interval.at);
        self.open += interval.part;
        closed
    }

    /// Moves on to the slot that contains `now`, closing the open one where it is another, and its day where that is over.
    fn advance(&mut self, site: &Site, now: Timestamp) -> Vec<Entry> {
        let slot = Slot::containing(now);
        let mut entries = Vec::new();
        if self.open.slot != slot {
            entries.extend(self.close(site, slot, now));
        }
        entries.extend(self.close_day(site, now));
        self.turn_to(now);
        entries
    }

    /// Closes the open slot and opens `next`; what nothing is booked in leaves no entry.
    fn close(&mut self, site: &Site, next: Slot, now: Timestamp) -> Option<Entry> {
        let mut account = std::mem::replace(&mut self.open, SlotAccount::in_currency(next, self.currency));
        if account.is_empty() {
            return None;
        }
        self.comparison.close(site, &mut account, self.gaps.is_sunny());
        self.close_into_totals(&account);
        Some(self.append(now, &Booking::Slot(Box::new(account))))
    }

    /// Adds a closed slot. Amounts in another currency are not added to those of the house.
    fn close_into_totals(&mut self, account: &SlotAccount) {
        if account.currency == self.currency {
            self.closed += account;
        } else {
            self.closed.energy += EnergyTotals::from(account);
        }
    }

    /// Closes the day where `now` lies in a later one; what nothing is booked in leaves no entry.
    fn close_day(&mut self, site: &Site, now: Timestamp) -> Option<Entry> {
        let day = self.calendar.day();
        let over = now.with_timezone(&site.timezone).date_naive() > day;
        if !over || self.closed.today == Earnings::default() {
            return None;
        }
        let stores = self.comparison.stores();
        let account =
            DayAccount { day, timezone: site.timezone, currency: self.currency, earnings: self.closed.today, stores };
        // A kill between its entry and the checkpoint leaves it closed already.
        if self.day.as_ref() == Some(&account) {
            return None;
        }
        self.day = Some(account.clone());
        Some(self.append(now, &Booking::Day(Box::new(account))))
    }

    fn append(&mut self, now: Timestamp, booking: &Booking) -> Entry {
        let entry = ledger::seal(&self.head, now, booking);
        self.head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        entry
    }

    fn turn_to(&mut self, at: Timestamp) {
        let Totals { today, month, .. } = &mut self.closed;
        self.calendar.turn_to(at, today, month);
    }

    /// Counts a receipt in the open slot.
    fn count(&mut self, receipt: &Receipt) {
        self.open += SlotAccount {
            revenue: receipt.price,
            household: receipt.worth,
            gain: receipt.price,
            tokens_in: receipt.tokens_in,
            tokens_out: receipt.tokens_out,
            ..SlotAccount::in_currency(self.open.slot, self.currency)
        };
    }
}
