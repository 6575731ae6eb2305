//! The shapes of bodies for the OpenAPI document. The core's types know nothing of HTTP, so their JSON is described here;
//! a test holds every description against what is really sent.

#![expect(dead_code, reason = "these types describe JSON and are never built")]

use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What the owner may ask for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ModeName {
    Off,
    Auto,
    Surplus,
    Heat,
    Boost,
    Eco,
}

/// The body of `/api/v1/mode`.
#[derive(Serialize, ToSchema)]
pub(super) struct ModeBody {
    /// The mode in force.
    pub mode: ModeName,
}

/// The body of `/api/v1/power-limit`.
#[derive(Serialize, ToSchema)]
pub(super) struct PowerLimitBody {
    /// The most compute may draw, from 0 to what the site's compute can.
    #[schema(example = 100.0, minimum = 0.0)]
    pub watts: f64,
}

/// The body of `/api/v1/boost`.
#[derive(Serialize, ToSchema)]
pub(super) struct BoostBody {
    /// For how long; 0 ends a running boost.
    #[schema(example = 30.0, minimum = 0.0, maximum = 1440.0)]
    pub minutes: f64,
}

/// The body of `/api/v1/grid-dimming`.
#[derive(Serialize, ToSchema)]
pub(super) struct DimmingBody {
    /// What the grid operator allows; null lifts the dimming.
    #[schema(example = 4200.0, required)]
    pub watts: Option<f64>,
}

/// The body of `/api/v1/confirm`.
#[derive(Serialize, ToSchema)]
pub(super) struct ConfirmBody {
    /// True: what stands among the problems has been seen.
    pub confirm: bool,
}

/// The answer to `/api/v1/confirm`.
#[derive(Serialize, ToSchema)]
pub(super) struct ConfirmedBody {
    /// Always true.
    pub confirmed: bool,
}

/// A command as it was understood.
#[derive(Serialize, ToSchema)]
pub(super) struct CommandBody {
    /// `set_mode`, `set_power_limit`, `boost` or `grid_dimming`.
    pub command: String,
    /// Its value.
    #[schema(value_type = Value)]
    pub value: serde_json::Value,
}

/// A value and how far it can be trusted.
#[derive(Serialize, ToSchema)]
pub(super) struct KnownValue {
    pub state: Trust,
    /// The value; absent where it is missing.
    pub value: Option<f64>,
    /// Age in seconds of a stale value.
    pub age_s: Option<u64>,
}

/// How far a value can be trusted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trust {
    Fresh,
    Stale,
    Missing,
}

/// The three numbers, in the site's currency per kWh: revenue plus heat less electricity is the net value.
#[derive(Serialize, ToSchema)]
pub(super) struct WorthBody {
    pub revenue: f64,
    pub heat: f64,
    pub electricity: f64,
}

/// A limit that acted.
#[derive(Serialize, ToSchema)]
pub(super) struct LimitBody {
    pub reason: String,
    /// Compute power after it, in W.
    pub to: f64,
}

/// A control and its value.
#[derive(Serialize, ToSchema)]
pub(super) struct SettingBody {
    pub control: String,
    #[schema(value_type = Value)]
    pub value: serde_json::Value,
}

/// What a device is set to.
#[derive(Serialize, ToSchema)]
pub(super) struct SetpointBody {
    pub device: String,
    /// `compute.budget`, `battery.mode`, `heat_pump.mode`, `heat_pump.surplus` or `pv.limit`.
    pub control: String,
    #[schema(value_type = Value)]
    pub value: serde_json::Value,
    pub reason: String,
}

/// What is commanded this second. Powers in W.
#[derive(Serialize, ToSchema)]
pub(super) struct DecisionBody {
    pub at: DateTime<Utc>,
    /// What dispatch wanted.
    pub wanted: f64,
    /// What the limits left.
    pub budget: f64,
    #[schema(example = "surplus")]
    pub reason: String,
    pub worth: WorthBody,
    pub limits: Vec<LimitBody>,
    pub settings: Vec<SetpointBody>,
}

/// The intention for one quarter hour. Powers in W, prices in the site's currency per kWh.
#[derive(Serialize, ToSchema)]
pub(super) struct PlannedSlotBody {
    /// Quarter hours since the Unix epoch.
    pub slot: i64,
    pub start: DateTime<Utc>,
    pub import_price: f64,
    pub export_price: f64,
    pub pv: f64,
    pub load: f64,
    pub compute: f64,
    pub floor: f64,
    pub ceiling: f64,
    /// Whether the battery is charged before compute gets surplus.
    pub battery_first: bool,
    /// What a kWh stored in the battery is worth later.
    pub stored: f64,
    pub heat: f64,
    pub battery_soc: Option<f64>,
    pub outdoor: Option<f64>,
    pub reason: String,
    pub worth: WorthBody,
}

/// The slots ahead, the current one first.
#[derive(Serialize, ToSchema)]
pub(super) struct PlanBody {
    pub made_at: DateTime<Utc>,
    /// The mode it was made for.
    pub mode: ModeName,
    pub slots: Vec<PlannedSlotBody>,
    /// Net value of all of it, in the site's currency.
    pub expected_net: f64,
}

/// The engine.
#[derive(Serialize, ToSchema)]
pub(super) struct WorkerBody {
    /// `down`, `starting`, `idle`, `busy` or `paused`.
    pub state: String,
    pub expert: Option<String>,
    pub power: Option<f64>,
    pub tokens_per_second: f64,
    pub restarts: u32,
    pub error: Option<String>,
}

/// Work that waits or runs.
#[derive(Serialize, ToSchema)]
pub(super) struct BacklogBody {
    pub interactive: u32,
    pub jobs: u32,
    pub tokens: u64,
    pub value: f64,
    /// Their deadlines, the nearest first.
    pub due: Vec<DueBody>,
}

/// Deferrable work that has to be done by a moment.
#[derive(Serialize, ToSchema)]
pub(super) struct DueBody {
    pub at: DateTime<Utc>,
    pub tokens: u64,
}

/// Energy since the books began, in kWh.
#[derive(Serialize, ToSchema)]
pub(super) struct EnergyBody {
    pub import: f64,
    pub export: f64,
    pub pv: f64,
    pub battery_charge: f64,
    pub battery_discharge: f64,
    pub compute: f64,
    pub heat_pump: f64,
    pub heat_used: f64,
}

/// Money in the site's currency, energy and heat in kWh.
#[derive(Serialize, ToSchema)]
pub(super) struct EarningsBody {
    pub revenue: f64,
    pub heat_value: f64,
    pub electricity_cost: f64,
    pub net: f64,
    pub cost: f64,
    pub cost_without: f64,
    pub household: f64,
    pub import_cost: f64,
    pub import_cost_without: f64,
    pub export_revenue: f64,
    pub export_revenue_without: f64,
    pub wear: f64,
    pub start_cost: f64,
    pub wear_without: f64,
    pub heat_saved: f64,
    pub inventory: f64,
    pub colder_room: f64,
    pub gain: f64,
    pub spread: f64,
    pub observed_s: f64,
    pub compared_s: f64,
    pub starts: u64,
    pub energy: f64,
    pub heat: f64,
    pub tokens_in: u64,
    pub tokens_out: u64,
}

/// A device as a person wants to see it.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceBody {
    pub id: String,
    pub fresh: bool,
    pub points: BTreeMap<String, KnownValue>,
    pub error: Option<String>,
}

/// One self-contained picture of the house, its decision and its books. Powers in W: positive flows onto the house bus from
/// grid, PV and battery; consumers are positive as consumption.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordBody {
    pub at: DateTime<Utc>,
    pub site: String,
    /// ISO 4217 code of the currency of every price and amount.
    pub currency: String,
    /// The site's time zone, as `Europe/Berlin`.
    pub timezone: String,
    pub mode: ModeName,
    pub boost_until: Option<DateTime<Utc>>,
    pub power_limit: f64,
    pub power_max: f64,
    pub grid_dimming: Option<f64>,
    pub points: BTreeMap<String, KnownValue>,
    pub surplus: KnownValue,
    pub import_price: Option<f64>,
    pub export_price: Option<f64>,
    pub decision: DecisionBody,
    /// The decision in a sentence or two.
    pub explanation: String,
    pub plan: Option<PlanBody>,
    pub worker: WorkerBody,
    pub backlog: BacklogBody,
    pub energy: EnergyBody,
    pub today: EarningsBody,
    pub month: EarningsBody,
    pub total: EarningsBody,
    pub devices: Vec<DeviceBody>,
    /// What HeatMine could not do, in words for a person.
    pub problems: Vec<String>,
    /// How many of the problems, the first ones, stand until somebody confirms them (`/api/v1/confirm`).
    pub to_confirm: usize,
    /// Who holds the controls of the devices; `worker` is the engine.
    pub leases: Vec<LeaseBody>,
}

/// Who holds a control: the device itself (`own`), HeatMine (`held`), or the device because the control loop is silent
/// (`fell_back`).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LeaseStateName {
    Own,
    Held,
    FellBack,
}

/// One control of a device.
#[derive(Serialize, ToSchema)]
pub(super) struct LeaseBody {
    pub device: String,
    pub control: String,
    pub state: LeaseStateName,
    /// What was written last, as in the decision's settings.
    pub setting: Option<SettingBody>,
    /// Why the newest value was not taken.
    pub error: Option<String>,
}

/// One line of the ledger.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryBody {
    pub sequence: u64,
    pub booked_at: DateTime<Utc>,
    /// The booking as JSON text, exactly as sealed.
    pub body: String,
    pub previous: String,
    pub hash: String,
}

/// The newest link of the chain.
#[derive(Serialize, ToSchema)]
pub(super) struct HeadBody {
    pub sequence: u64,
    pub hash: String,
}

/// What a verification has seen.
#[derive(Serialize, ToSchema)]
pub(super) struct VerifiedBody {
    pub entries: u64,
    pub receipts: u64,
    pub slots: u64,
    pub days: u64,
    pub head: HeadBody,
}

/// One message to the expert.
#[derive(Serialize, ToSchema)]
pub(super) struct MessageBody {
    /// `system`, `user` or `assistant`.
    pub role: String,
    pub content: String,
}

/// What somebody wants done when power is good: one text in `prompt`, or a conversation in `messages`.
#[derive(Serialize, ToSchema)]
pub(super) struct JobRequestBody {
    /// What it is, for people; the beginning of the text where it is not given.
    pub title: Option<String>,
    #[schema(example = "Name three uses of waste heat.")]
    pub prompt: Option<String>,
    pub messages: Option<Vec<MessageBody>>,
    /// The expert; the one that is loaded where it is not given.
    pub expert: Option<String>,
    /// It is worthless after this.
    pub deadline: Option<DateTime<Utc>>,
    /// The most tokens it may generate; 512 where it is not given.
    pub max_tokens: Option<u32>,
    /// What it pays, in the site's currency; the price list's figure where it is not given.
    pub value: Option<f64>,
}

/// A job and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct JobBody {
    pub id: i64,
    pub title: String,
    pub messages: Vec<MessageBody>,
    pub expert: Option<String>,
    pub deadline: Option<DateTime<Utc>>,
    pub max_tokens: u32,
    pub value: Option<f64>,
    /// `queued`, `running`, `done`, `failed`, `cancelled` or `expired`.
    pub status: String,
    pub attempts: u32,
    pub tokens_estimate: u64,
    pub submitted_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub result: Option<String>,
    pub error: Option<String>,
    pub tokens_in: u64,
    pub tokens_out: u64,
}
