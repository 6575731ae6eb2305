//! The books: receipts, closed slots and closed days, append-only, each entry sealing the one before it.
//!
//! Three accounts, never mixed. The *valuation* is what decided: the three numbers at the margin. The *bill* is what meter and
//! contract say, for the house and for the *baseline*, the same house without compute. The *inventory* is the energy by which the
//! stores of the two differ, at stated prices. For each span of time
//!
//! ```text
//! gain           = total bill of the baseline - total bill of the house + revenue + change of inventory - colder room
//! forecast error = gain - what the valuation promised
//! ```

/// What older versions wrote.
mod form;
/// What was planned.
mod planned;

pub use planned::Planned;

use crate::earnings::Earnings;
use crate::plan::HeatRoute;
use crate::reason::Reason;
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, Currency, Eur, EurPerKwh, KilowattHours, Percent, Watts};
use crate::work::Receipt;
use chrono::NaiveDate;
use chrono_tz::Tz;
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

/// What meter and contract say of a span of time. Fees that no kilowatt-hour carries are not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// What imported power cost.
    pub import: Eur,
    /// What exported power earned.
    pub export: Eur,
    /// What the month's highest quarter-hour mean of import costs more than before.
    #[serde(default)]
    pub capacity: Eur,
    /// Fuel of a boiler, as far as compute's heat changes it: what is not burnt counts below zero.
    #[serde(default)]
    pub fuel: Eur,
    /// What the battery wore off.
    pub wear: Eur,
    /// What the starts of compute cost.
    pub starts: Eur,
}

impl Bill {
    /// What is paid to others: import and capacity and fuel, less export.
    pub fn paid(&self) -> Eur {
        self.import + self.capacity + self.fuel - self.export
    }

    /// All of it: what is paid, and what wears off.
    pub fn total(&self) -> Eur {
        self.paid() + self.wear + self.starts
    }
}

/// The account of the valuation: what compute's power and heat were worth at the margin when it was decided to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Valuation {
    /// Opportunity cost of compute's electricity.
    pub electricity_cost: Eur,
    /// What its heat displaced.
    pub heat_value: Eur,
}

/// Energy by which the stores of the house hold more than those of the baseline; below zero, less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stores {
    /// In the battery.
    pub battery: KilowattHours,
    /// Heat in room and walls.
    pub room: KilowattHours,
    /// Heat in the tank.
    pub tank: KilowattHours,
}

/// The baseline: the same house without compute, its devices under their own rules, over the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Seconds in which both houses are known.
    pub compared_s: f64,
    /// Grid energy taken.
    pub import: KilowattHours,
    /// Grid energy given.
    pub export: KilowattHours,
    /// Battery energy stored.
    pub charged: KilowattHours,
    /// Battery energy taken out.
    pub discharged: KilowattHours,
    /// Heat pump's electric energy.
    pub heat_pump: KilowattHours,
    /// Its bill.
    pub bill: Bill,
    /// The bill of the house itself over the compared time.
    pub house: Bill,
    /// The account of the inventory: what the stores of the house gained on those of the baseline, at stated prices.
    pub inventory: Eur,
    /// What was saved by a room colder than its own rule would have kept it. No earnings.
    pub colder_room: Eur,
    /// One standard deviation of the baseline's bill.
    pub spread: Eur,
}

/// What was read in a slot beside the powers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlotReadings {
    /// Room temperature at its end.
    pub room: Option<Celsius>,
    /// Tank temperature at its end.
    pub tank: Option<Celsius>,
    /// State of charge at its end.
    pub soc: Option<Percent>,
    /// Mean outdoor temperature; without a thermometer, as the weather service has it.
    pub outdoor: Option<Celsius>,
    /// Mean global irradiance in W/m2.
    pub irradiance: Option<f64>,
    /// What the weather service had expected of its PV power when it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_pv: Option<Watts>,
    /// The same of its outdoor temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_outdoor: Option<Celsius>,
    /// Where the plan sent compute's heat; `None`: where its own rule did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<HeatRoute>,
    /// Whether the heat pump was set to cool: it may do so before its own rule would.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cools: bool,
    /// Work that arrived in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived: Option<KilowattHours>,
}

/// One quarter hour of the house and of compute in it. Also the running account of the slot not yet closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "form::Slot")]
pub struct SlotAccount {
    /// The slot.
    pub slot: Slot,
    /// Its first moment, for readers.
    pub start: Timestamp,
    /// What its amounts are in.
    pub currency: Currency,
    /// Seconds of it in which the grid meter was known.
    pub observed_s: f64,
    /// Seconds of those in which PV, battery, heat pump or the house were not known: their energies miss these.
    pub unmetered_s: f64,
    /// Seconds of those in which PV alone was not known, as at night with an inverter that sleeps.
    pub pv_unmetered_s: f64,
    /// Seconds of the observed ones in which the household was not known.
    pub house_unmetered_s: f64,
    /// Seconds of the observed ones in which HeatMine set the heat pump to something else than its own rule.
    pub steered_s: f64,
    /// Seconds of the observed ones in which compute's power was not known: its energy, and all that depends on it, miss these.
    pub uncounted_s: f64,
    /// Seconds of the observed ones in which a price was not published: the bill misses that side of it, the valuation all.
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
    /// The part of it for the tank, where it is metered.
    pub hot_water: KilowattHours,
    /// Heat that the heat pump made, where it is metered.
    pub heat_pump_heat: KilowattHours,
    /// What the house used beside heat pump and compute.
    pub house: KilowattHours,
    /// Heat that compute gave off.
    pub heat: KilowattHours,
    /// The part of it that the house could use.
    pub heat_used: KilowattHours,
    /// Times that compute started.
    pub starts: u64,
    /// Mean price of import in the slot.
    pub import_price: EurPerKwh,
    /// Mean price of export in the slot.
    pub export_price: EurPerKwh,
    /// What was read beside the powers.
    pub readings: SlotReadings,
    /// What was planned for it at the beginning of its day; `None` where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
    /// What others paid for the work.
    pub revenue: Eur,
    /// What the household's own questions were worth to it, by the owner's value. No money.
    pub household: Eur,
    /// What compute was worth at the margin.
    pub valuation: Valuation,
    /// What meter and contract say.
    pub bill: Bill,
    /// The house without compute; `None` where it is not known.
    pub baseline: Option<Baseline>,
    /// What the house is better off by compute: bill, wear and starts of the baseline less those of the house, plus revenue and
    /// inventory, less what a colder room saved. Without a baseline, the revenue alone.
    pub gain: Eur,
    /// Prompt tokens processed.
    pub tokens_in: u64,
    /// Tokens generated.
    pub tokens_out: u64,
    /// Seconds spent under each reason.
    pub reasons: BTreeMap<Reason, f64>,
}

impl SlotAccount {
    /// An empty account of `slot`, in euros.
    pub fn new(slot: Slot) -> Self {
        Self { slot, start: slot.start(), ..Self::default() }
    }

    /// An empty account of `slot`, in `currency`.
    pub fn in_currency(slot: Slot, currency: Currency) -> Self {
        Self { currency, ..Self::new(slot) }
    }

    /// Whether nothing is booked in it.
    pub fn is_empty(&self) -> bool {
        self.observed_s <= 0.0
            && self.tokens_in == 0
            && self.tokens_out == 0
            && self.revenue == Eur::ZERO
            && self.household == Eur::ZERO
    }

    /// What the valuation promised: revenue and heat less electricity.
    pub fn net(&self) -> Eur {
        self.revenue + self.valuation.heat_value - self.valuation.electricity_cost
    }
}

/// A receipt as it is booked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BookedReceipt {
    /// What the worker said.
    pub receipt: Receipt,
    /// The part of its heat that the house could use.
    pub heat_used: KilowattHours,
    /// What its amounts are in.
    #[serde(default)]
    pub currency: Currency,
}

/// What an entry books.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Booking {
    /// One served piece of work.
    Receipt(Box<BookedReceipt>),
    /// One closed quarter hour.
    Slot(Box<SlotAccount>),
    /// One closed local day.
    Day(Box<DayAccount>),
}

impl Booking {
    /// What its amounts are in.
    pub fn currency(&self) -> Currency {
        match self {
            Booking::Receipt(booked) => booked.currency,
            Booking::Slot(account) => account.currency,
            Booking::Day(day) => day.currency,
        }
    }
}

/// What a local day came to; the sum of its slots. Where a clock was set back over midnight a day is closed again: its last entry
/// counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayAccount {
    /// The local day.
    pub day: NaiveDate,
    /// The zone that says where it begins and ends.
    pub timezone: Tz,
    /// What its amounts are in.
    #[serde(default)]
    pub currency: Currency,
    /// Its sums.
    pub earnings: Earnings,
    /// Energy by which the stores of the house and of the baseline differ at its end.
    #[serde(default)]
    pub stores: Stores,
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
