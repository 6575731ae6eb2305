//! The running account: energy and money of the open slot, the day, the month and all time, and the chain they end in.
//!
//! ```text
//! open slot --border passed--> entry (Slot) --> next open slot
//! receipt   ----------------> entry (Receipt), its revenue counts in the open slot
//! ```
//!
//! Invariant: what is booked was observed. A gap books nothing, a clock that goes back books nothing twice; after one, a
//! slot may have several entries, whose sums are right.

pub mod account;
pub mod calendar;
pub mod ledger;
pub mod receipt_ids;

use crate::books::calendar::Calendar;
use crate::books::receipt_ids::Told;
use crate::checkpoint::Checkpoint;
use crate::entry::{BookedReceipt, Booking, Entry, Head, SlotAccount};
use crate::record::{Earnings, EnergyTotals};
use crate::time::{Slot, Timestamp};
use crate::units::{EurPerKwh, KilowattHours};
use crate::work::Receipt;
use chrono_tz::Tz;

/// Receipt ids that are remembered, so that one told twice is booked once.
const REMEMBERED: usize = 4096;
/// What one piece of work can take and pay: a day of a rack, and more than anybody pays for it.
const JOULES_MAX: f64 = 1e10;
const PRICE_MAX: f64 = 1e5;

/// The books.
#[derive(Clone, Debug)]
pub struct Books {
    /// The ledger's newest link.
    pub head: Head,
    /// The slot not yet closed.
    pub open: SlotAccount,
    /// Energy since the books began.
    pub energy: EnergyTotals,
    /// Earnings of the local day.
    pub today: Earnings,
    /// Earnings of the local month.
    pub month: Earnings,
    /// Earnings since the books began.
    pub total: Earnings,
    calendar: Calendar,
    receipts: Told,
}

/// What one interval within a slot adds to its account.
#[derive(Clone, Debug)]
pub struct Interval {
    /// When it began.
    pub at: Timestamp,
    /// Its energies, prices, money and reasons, as the account of a slot with nothing else in it.
    pub part: SlotAccount,
}

impl Books {
    /// The books at `now`, as `checkpoint` kept them.
    pub fn new(timezone: Tz, checkpoint: Option<&Checkpoint>, now: Timestamp) -> Self {
        // Where nothing is counted yet, the first entry begins its day.
        let since = checkpoint
            .filter(|checkpoint| checkpoint.counts())
            .map_or(Timestamp::UNIX_EPOCH, |checkpoint| checkpoint.at);
        Self {
            head: checkpoint.map_or_else(Head::default, |checkpoint| checkpoint.head.clone()),
            open: checkpoint
                .map_or_else(|| SlotAccount::new(Slot::containing(now)), |checkpoint| checkpoint.open.clone()),
            energy: checkpoint.map(|checkpoint| checkpoint.energy).unwrap_or_default(),
            today: checkpoint.map(|checkpoint| checkpoint.today).unwrap_or_default(),
            month: checkpoint.map(|checkpoint| checkpoint.month).unwrap_or_default(),
            total: checkpoint.map(|checkpoint| checkpoint.total).unwrap_or_default(),
            calendar: Calendar::new(timezone, since),
            receipts: Told::new(REMEMBERED),
        }
    }

    /// Takes over an entry that the ledger holds beyond the checkpoint; what the checkpoint already counts of its slot is
    /// not counted again. An entry that is no booking moves the chain on and counts nothing.
    pub fn catch_up(&mut self, entry: &Entry) {
        self.head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        match ledger::booking(entry) {
            Ok(Booking::Receipt(booked)) => {
                self.receipts.insert(&booked.receipt.id);
                self.turn_to(entry.booked_at);
                self.count(&booked.receipt);
            }
            Ok(Booking::Slot(account)) => {
                self.turn_to(account.start);
                let open = std::mem::replace(&mut self.open, SlotAccount::new(account.slot.plus(1)));
                self.add_totals(&account, 1.0);
                self.add_totals(&open, -1.0);
            }
            Err(_) => {}
        }
    }

    /// Remembers the receipt of an entry, so that it is not booked again.
    pub fn recognise(&mut self, entry: &Entry) {
        if let Ok(Booking::Receipt(booked)) = ledger::booking(entry) {
            self.receipts.insert(&booked.receipt.id);
        }
    }

    /// Adds an interval that lies in one slot; a border passed on the way closes the open slot.
    pub fn add(&mut self, interval: &Interval) -> Option<Entry> {
        let closed = self.advance(interval.at);
        let part = &interval.part;
        merge(&mut self.open, part);
        self.add_totals(part, 1.0);
        closed
    }

    /// Moves on to the slot that contains `now`, closing the open one where it is another.
    pub fn advance(&mut self, now: Timestamp) -> Option<Entry> {
        self.turn_to(now);
        let slot = Slot::containing(now);
        if self.open.slot == slot {
            return None;
        }
        let closed = std::mem::replace(&mut self.open, SlotAccount::new(slot));
        let empty =
            closed.observed_s <= 0.0 && closed.tokens_in == 0 && closed.tokens_out == 0 && closed.revenue.0 == 0.0;
        (!empty).then(|| self.append(now, &Booking::Slot(Box::new(closed))))
    }

    /// Books a receipt, of whose heat the share `useful` found a use; `None` where it is known already or impossible.
    pub fn receipt(&mut self, receipt: &Receipt, heat_share: f64, now: Timestamp) -> Vec<Entry> {
        let possible = (0.0..=JOULES_MAX).contains(&receipt.joules) && (0.0..=PRICE_MAX).contains(&receipt.price.0);
        if !possible || !self.receipts.insert(&receipt.id) {
            return Vec::new();
        }
        let mut entries: Vec<Entry> = self.advance(now).into_iter().collect();
        self.count(receipt);
        let heat_used = KilowattHours::from_joules(receipt.joules * heat_share);
        let booked = BookedReceipt { receipt: receipt.clone(), heat_used };
        entries.push(self.append(now, &Booking::Receipt(Box::new(booked))));
        entries
    }

    fn append(&mut self, now: Timestamp, booking: &Booking) -> Entry {
        let entry = ledger::seal(&self.head, now, booking);
        self.head = Head { sequence: entry.sequence, hash: entry.hash.clone() };
        entry
    }

    fn turn_to(&mut self, at: Timestamp) {
        let turned = self.calendar.turn_to(at);
        if turned.day {
            self.today = Earnings::default();
        }
        if turned.month {
            self.month = Earnings::default();
        }
    }

    fn count(&mut self, receipt: &Receipt) {
        self.open.revenue += receipt.price;
        self.open.net += receipt.price;
        self.open.cost -= receipt.price;
        self.open.tokens_in = self.open.tokens_in.saturating_add(receipt.tokens_in);
        self.open.tokens_out = self.open.tokens_out.saturating_add(receipt.tokens_out);
        let mut part = SlotAccount::new(self.open.slot);
        (part.revenue, part.net, part.cost) = (receipt.price, receipt.price, -receipt.price);
        (part.tokens_in, part.tokens_out) = (receipt.tokens_in, receipt.tokens_out);
        self.add_totals(&part, 1.0);
    }

    fn add_totals(&mut self, part: &SlotAccount, sign: f64) {
        let energy = &mut self.energy;
        let grow =
            |counter: &mut KilowattHours, energy: KilowattHours| *counter = (*counter + energy * sign).positive();
        grow(&mut energy.import, part.import);
        grow(&mut energy.export, part.export);
        grow(&mut energy.pv, part.pv);
        grow(&mut energy.battery_charge, part.charged);
        grow(&mut energy.battery_discharge, part.discharged);
        grow(&mut energy.compute, part.compute.total());
        grow(&mut energy.heat_pump, part.heat_pump);
        grow(&mut energy.heat_used, part.heat_used);
        for earnings in [&mut self.today, &mut self.month, &mut self.total] {
            add_earnings(earnings, part, sign);
        }
    }
}

fn add_earnings(earnings: &mut Earnings, part: &SlotAccount, sign: f64) {
    let tokens = |sum: u64, part: u64| if sign < 0.0 { sum.saturating_sub(part) } else { sum.saturating_add(part) };
    earnings.revenue += part.revenue * sign;
    earnings.heat_value += part.heat_value * sign;
    earnings.electricity_cost += part.electricity_cost * sign;
    earnings.net += part.net * sign;
    earnings.cost += part.cost * sign;
    earnings.cost_without += part.cost_without * sign;
    earnings.energy += part.compute.total() * sign;
    earnings.heat += part.heat_used * sign;
    earnings.tokens_in = tokens(earnings.tokens_in, part.tokens_in);
    earnings.tokens_out = tokens(earnings.tokens_out, part.tokens_out);
}

fn merge(open: &mut SlotAccount, part: &SlotAccount) {
    let (before, added) = (open.observed_s - open.unpriced_s, part.observed_s - part.unpriced_s);
    let mean = |mean: EurPerKwh, other: EurPerKwh| {
        if added > 0.0 { (mean * before + other * added) / (before + added) } else { mean }
    };
    open.import_price = mean(open.import_price, part.import_price);
    open.export_price = mean(open.export_price, part.export_price);
    open.observed_s += part.observed_s;
    open.unmetered_s += part.unmetered_s;
    open.unpriced_s += part.unpriced_s;
    open.compute.pv += part.compute.pv;
    open.compute.battery += part.compute.battery;
    open.compute.grid += part.compute.grid;
    open.import += part.import;
    open.export += part.export;
    open.pv += part.pv;
    open.charged += part.charged;
    open.discharged += part.discharged;
    open.heat_pump += part.heat_pump;
    open.heat += part.heat;
    open.heat_used += part.heat_used;
    open.electricity_cost += part.electricity_cost;
    open.heat_value += part.heat_value;
    open.revenue += part.revenue;
    open.net += part.net;
    open.cost += part.cost;
    open.cost_without += part.cost_without;
    for (reason, seconds) in &part.reasons {
        *open.reasons.entry(*reason).or_default() += seconds;
    }
}
