//! The books: receipts and closed slots, append-only, each entry sealing the one before it.

use crate::reason::Reason;
use crate::time::{Slot, Timestamp};
use crate::units::{Eur, EurPerKwh, KilowattHours};
use crate::work::Receipt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Energy by where it came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BySource {
    /// From the roof.
    pub pv: KilowattHours,
    /// From the battery.
    pub battery: KilowattHours,
    /// From the grid.
    pub grid: KilowattHours,
}

impl BySource {
    /// All of it.
    pub fn total(self) -> KilowattHours {
        self.pv + self.battery + self.grid
    }
}

/// One quarter hour of the house and of compute in it. Also the running account of the slot not yet closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlotAccount {
    /// The slot.
    pub slot: Slot,
    /// Its first moment, for readers.
    pub start: Timestamp,
    /// Seconds of it that were observed with known data.
    pub observed_s: f64,
    /// Seconds of those in which PV or the heat pump were not known: their energies miss these.
    #[serde(default)]
    pub unmetered_s: f64,
    /// Seconds of those in which no price was known: all money but the revenue misses these.
    #[serde(default)]
    pub unpriced_s: f64,
    /// Compute energy by source.
    pub compute: BySource,
    /// Grid energy taken.
    pub import: KilowattHours,
    /// Grid energy given.
    pub export: KilowattHours,
    /// PV energy made.
    pub pv: KilowattHours,
    /// Battery energy stored.
    pub charged: KilowattHours,
    /// Battery energy taken out.
    pub discharged: KilowattHours,
    /// Heat pump's electric energy.
    pub heat_pump: KilowattHours,
    /// Heat that compute gave off.
    pub heat: KilowattHours,
    /// The part of it that the house could use.
    pub heat_used: KilowattHours,
    /// Mean price of import in the slot.
    pub import_price: EurPerKwh,
    /// Mean price of export in the slot.
    pub export_price: EurPerKwh,
    /// Opportunity cost of compute's electricity.
    pub electricity_cost: Eur,
    /// What its heat displaced.
    pub heat_value: Eur,
    /// What its work paid.
    pub revenue: Eur,
    /// Revenue plus heat less electricity.
    pub net: Eur,
    /// What the house's energy cost in this slot, compute's revenue and heat value deducted.
    pub cost: Eur,
    /// What the same slot would have cost had nothing run.
    pub cost_without: Eur,
    /// Prompt tokens processed.
    pub tokens_in: u64,
    /// Tokens generated.
    pub tokens_out: u64,
    /// Seconds spent under each reason.
    pub reasons: BTreeMap<Reason, f64>,
}

impl SlotAccount {
    /// An empty account of `slot`.
    pub fn new(slot: Slot) -> Self {
        Self { slot, start: slot.start(), ..Self::default() }
    }

    /// Whether nothing is booked in it.
    pub fn is_empty(&self) -> bool {
        self.observed_s <= 0.0 && self.tokens_in == 0 && self.tokens_out == 0 && self.revenue == Eur::ZERO
    }
}

/// A receipt as it is booked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BookedReceipt {
    /// What the worker said.
    pub receipt: Receipt,
    /// The part of its heat that the house could use.
    pub heat_used: KilowattHours,
}

/// What an entry books.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Booking {
    /// One served piece of work.
    Receipt(Box<BookedReceipt>),
    /// One closed quarter hour.
    Slot(Box<SlotAccount>),
}

/// The chain's newest link: number and hash of the last entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last entry; 0 before the first.
    pub sequence: u64,
    /// Its hash, as 64 lower-case hexadecimal digits.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { sequence: 0, hash: "0".repeat(64) }
    }
}

/// One line of the ledger. `hash` is the SHA-256 of `previous`, a line feed, the sequence number in decimal, a line feed,
/// the time of booking in RFC 3339 with milliseconds, a line feed and `body`, the booking as JSON exactly as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// 1, 2, 3 and so on without gaps.
    pub sequence: u64,
    /// When it was booked.
    pub booked_at: Timestamp,
    /// The booking as JSON.
    pub body: String,
    /// Hash of the entry before it.
    pub previous: String,
    /// Hash of this entry.
    pub hash: String,
}
