//! What publishers may know: one self-contained picture of the house, its decision and its books.

/// What the day is expected to cost.
mod expected;

use crate::books::parts::Parts;
use crate::books::totals::{Earnings, EnergyTotals};
use crate::books::verdict::{When, verdict};
use crate::command::Mode;
use crate::decision::{Control, Decision, Setting};
use crate::image::Known;
use crate::knowledge::Knowledge;
use crate::plan::Plan;
use crate::point::{DeviceId, Point};
use crate::time::Timestamp;
use crate::units::{Currency, EurPerKwh, Watts};
use crate::work::{Backlog, WorkerStatus};
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A device as a person wants to see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// The device.
    pub id: DeviceId,
    /// Whether all of its points are fresh.
    pub fresh: bool,
    /// Its points.
    pub points: BTreeMap<Point, Known<f64>>,
    /// What went wrong with the last setpoint it got.
    pub error: Option<String>,
}

/// One self-contained picture, taken after every cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The moment.
    pub at: Timestamp,
    /// The site's name.
    pub site: String,
    /// The currency of every price and amount.
    #[serde(default)]
    pub currency: Currency,
    /// The site's time zone.
    #[serde(default = "utc")]
    pub timezone: Tz,
    /// The mode in force.
    pub mode: Mode,
    /// When a running boost ends.
    pub boost_until: Option<Timestamp>,
    /// The owner's cap on compute power.
    pub power_limit: Watts,
    /// The most the site's compute can draw.
    pub power_max: Watts,
    /// The grid operator's limit, while it dims.
    pub grid_dimming: Option<Watts>,
    /// Every point of the house, plus `house.power` where it follows from the balance.
    pub points: BTreeMap<Point, Known<f64>>,
    /// PV surplus available to compute, before compute; negative where the house imports.
    pub surplus: Known<f64>,
    /// What imported power costs now; `None` while no price is known.
    pub import_price: Option<EurPerKwh>,
    /// What exported power earns now.
    pub export_price: Option<EurPerKwh>,
    /// What was decided, why, and the three numbers.
    pub decision: Decision,
    /// The same as one or two sentences for a person.
    pub explanation: String,
    /// What the battery does and why, in words for a person; `None` where nothing of it can be set.
    #[serde(default)]
    pub battery_explanation: Option<String>,
    /// The same of the heat pump.
    #[serde(default)]
    pub heat_pump_explanation: Option<String>,
    /// The slots ahead.
    pub plan: Option<Plan>,
    /// What the expectations of them rest on.
    #[serde(default)]
    pub knowledge: Knowledge,
    /// The engine.
    pub worker: WorkerStatus,
    /// Work that waits or runs.
    pub backlog: Backlog,
    /// Energy since the books began.
    pub energy: EnergyTotals,
    /// Earnings of the site's local day.
    pub today: Earnings,
    /// Earnings of the site's local month.
    pub month: Earnings,
    /// Earnings since the books began.
    pub total: Earnings,
    /// The gains in them by their parts, and what the day before came to.
    #[serde(default)]
    pub gains: Gains,
    /// The devices.
    pub devices: Vec<DeviceStatus>,
    /// What is wrong, in words for a person: meters that contradict each other, and what the host could not do (a full disk, a
    /// broker that is gone).
    #[serde(default)]
    pub problems: Vec<String>,
    /// How many of the problems stand until somebody confirms them; they are the first ones. The core leaves it zero.
    #[serde(default)]
    pub to_confirm: usize,
    /// Who holds the controls of the devices, the engine among them. The core leaves it empty.
    #[serde(default)]
    pub leases: Vec<LeaseStatus>,
    /// The feeds of prices and forecasts: how old they are, and what is wrong with them. The core leaves it empty.
    #[serde(default)]
    pub feeds: Vec<FeedStatus>,
}

/// A feed of prices or forecasts as a person wants to see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// Where it comes from: a service and its place, a topic or an address. No key is in it.
    pub source: String,
    /// What it brings: `prices` or `forecast`.
    pub what: String,
    /// When its last good answer came; `None` before the first.
    pub at: Option<Timestamp>,
    /// The end of what it knows.
    pub until: Option<Timestamp>,
    /// When it is asked next; `None` for one that speaks by itself.
    pub next: Option<Timestamp>,
    /// What is wrong, in words; `None` where nothing is.
    pub error: Option<String>,
    /// Under which terms its data may be shown, as it says itself.
    pub license: Option<String>,
}

/// What the house is better off by compute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gains {
    /// In the local day; `None` where nothing of it could be compared with the house without compute.
    pub today: Option<Parts>,
    /// In the local month.
    pub month: Option<Parts>,
    /// Since the books began.
    pub total: Option<Parts>,
    /// What the local day before came to; `None` where nothing is booked of it.
    pub yesterday: Option<Yesterday>,
}

impl Gains {
    /// The gains in these earnings.
    pub fn of(today: &Earnings, month: &Earnings, total: &Earnings, yesterday: Option<Yesterday>) -> Self {
        Self { today: today.parts(), month: month.parts(), total: total.parts(), yesterday }
    }
}

/// What the local day before this one came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Yesterday {
    /// The day.
    pub day: NaiveDate,
    /// Its earnings.
    pub earnings: Earnings,
    /// Its gain by its parts; `None` where it is not known.
    pub gain: Option<Parts>,
    /// Whether it gained or lost, and why, in words for a person.
    pub verdict: String,
}

impl Yesterday {
    /// What `earnings` of `day` came to; amounts are in `currency`.
    pub fn of((day, earnings): (NaiveDate, Earnings), currency: Currency) -> Self {
        let verdict = verdict(&When::Yesterday, &earnings, currency);
        Self { day, gain: earnings.parts(), verdict, earnings }
    }
}

/// Who holds a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseState {
    /// The device itself.
    Own,
    /// HeatMine, by what the core wants.
    Held,
    /// The device itself, because the core is silent.
    FellBack,
}

/// One control as its lease knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseStatus {
    /// The device, `worker` for the engine.
    pub device: DeviceId,
    /// What of it can be set.
    pub control: Control,
    /// Who holds it.
    pub state: LeaseState,
    /// The value that was last taken; `None` before the first.
    pub setting: Option<Setting>,
    /// Why the newest value was not taken; `None` where it was.
    pub error: Option<String>,
}

/// The zone of a record that names none.
fn utc() -> Tz {
    Tz::UTC
}
