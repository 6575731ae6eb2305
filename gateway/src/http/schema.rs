//! The shapes of bodies for the OpenAPI document. The core's types know nothing of HTTP, so their JSON is described here;
//! a test holds every description against what is really sent.

#![expect(dead_code, reason = "these types describe JSON and are never built")]

use chrono::{DateTime, NaiveDate, Utc};
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
    /// `compute.budget`, `compute.heat_route`, `battery.mode`, `battery.charge_power`, `battery.charge_limit`,
    /// `battery.discharge_limit`, `heat_pump.mode`, `heat_pump.surplus`, `heat_pump.room_power`, `heat_pump.hot_water_power`,
    /// `heat_pump.cooling_power`, `heat_pump.room_shift`, `heat_pump.hot_water_shift` or `pv.limit`.
    pub control: String,
    /// A number, a word, or `null` where the device follows its own rule.
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

/// What the battery is to do: bounds of its own self-consumption, in W.
#[derive(Serialize, ToSchema)]
pub(super) struct BatteryIntentBody {
    /// It charges with at least this, from the grid where need be.
    pub charge_min: f64,
    /// It charges with no more than this; null: no bound.
    pub charge_max: Option<f64>,
    /// It gives no more than this; null: no bound.
    pub discharge_max: Option<f64>,
}

/// What the heat pump is to do, as electric power in W; null: its own rule.
#[derive(Serialize, ToSchema)]
pub(super) struct HeatPumpIntentBody {
    pub room: Option<f64>,
    pub tank: Option<f64>,
    pub cooling: Option<f64>,
}

/// Where compute's heat is to go, as shares of it; what is left goes outside.
#[derive(Serialize, ToSchema)]
pub(super) struct HeatRouteBody {
    pub room: f64,
    pub tank: f64,
    pub source: f64,
}

/// What a kilowatt-hour more would be worth at the end of the slot.
#[derive(Serialize, ToSchema)]
pub(super) struct MarginalValuesBody {
    /// Of power in the house.
    pub power: f64,
    /// Of energy in the battery, before it is taken out.
    pub stored: f64,
    /// Of heat in the rooms.
    pub room: f64,
    /// Of heat in the tank.
    pub tank: f64,
}

/// What battery, heat pump and compute's heat are to do in a quarter hour, and why. Powers in W, temperatures in °C.
#[derive(Serialize, ToSchema)]
pub(super) struct HouseIntentBody {
    /// Null where no battery can be set.
    pub battery: Option<BatteryIntentBody>,
    #[schema(example = "grid_charge")]
    pub battery_reason: String,
    /// Null where no heat pump can be set.
    pub heat_pump: Option<HeatPumpIntentBody>,
    #[schema(example = "preheat")]
    pub heat_pump_reason: String,
    /// Null: by its own rule.
    pub route: Option<HeatRouteBody>,
    /// Discharge positive.
    pub battery_power: f64,
    /// Import positive.
    pub grid: f64,
    pub heat_pump_power: f64,
    /// PV that is expected to be held back.
    pub curtailed: f64,
    /// At the slot's end.
    pub room: Option<f64>,
    /// At the slot's end.
    pub tank: Option<f64>,
    pub values: MarginalValuesBody,
    /// What the slot costs as planned: the grid's power and fuel, less what is fed in and what the work pays.
    pub cost: f64,
    /// What it would cost without compute, under the own rules.
    pub cost_without: Option<f64>,
    /// What the stores would hold then at its end; left out where the cost is not known.
    pub stores_without: Option<StoresBody>,
}

/// What the house's stores hold: percent and °C; null where there is no such store, or it is not known.
#[derive(Serialize, ToSchema)]
pub(super) struct StoresBody {
    pub soc: Option<f64>,
    pub room: Option<f64>,
    pub tank: Option<f64>,
}

/// What was planned for a quarter hour when its day began.
#[derive(Serialize, ToSchema)]
pub(super) struct PlannedThenBody {
    /// When the plan was made.
    pub made_at: DateTime<Utc>,
    pub import_price: Option<f64>,
    pub pv: Option<f64>,
    /// House and heat pump.
    pub load: Option<f64>,
    pub compute: f64,
    pub reason: String,
    /// At the slot's end.
    pub soc: Option<f64>,
    pub room: Option<f64>,
    pub tank: Option<f64>,
    /// Null where only compute was planned.
    pub cost: Option<f64>,
}

/// What happened in a quarter hour; null is not known.
#[derive(Serialize, ToSchema)]
pub(super) struct HappenedBody {
    pub import_price: Option<f64>,
    pub pv: Option<f64>,
    /// House and heat pump.
    pub load: Option<f64>,
    pub compute: Option<f64>,
    /// At the slot's end.
    pub soc: Option<f64>,
    pub room: Option<f64>,
    pub tank: Option<f64>,
    pub cost: Option<f64>,
}

/// A quarter hour as it was planned, and as it came. Powers in W.
#[derive(Serialize, ToSchema)]
pub(super) struct ReviewedBody {
    pub slot: i64,
    pub start: DateTime<Utc>,
    /// Null where nothing was planned.
    pub planned: Option<PlannedThenBody>,
    pub happened: HappenedBody,
}

/// Energies in kWh and money over the quarter hours in which both plan and outcome are known; null where there is none.
#[derive(Serialize, ToSchema)]
pub(super) struct SumsBody {
    pub pv: Option<f64>,
    pub load: Option<f64>,
    pub compute: Option<f64>,
    pub cost: Option<f64>,
}

/// A local day as it was planned, and as it came.
#[derive(Serialize, ToSchema)]
pub(super) struct ReviewBody {
    pub day: NaiveDate,
    pub slots: Vec<ReviewedBody>,
    pub planned: SumsBody,
    pub happened: SumsBody,
    /// The largest difference, in words for a person.
    pub sentence: String,
}

/// The intention for one quarter hour. Powers in W, prices in the site's currency per kWh.
#[derive(Serialize, ToSchema)]
pub(super) struct PlannedSlotBody {
    /// Quarter hours since the Unix epoch.
    pub slot: i64,
    pub start: DateTime<Utc>,
    /// `null` where it can be neither known nor estimated.
    pub import_price: Option<f64>,
    pub export_price: f64,
    /// Where a price is estimated: the moment whose published price stands in for it. Left out where prices are known.
    pub estimated_from: Option<DateTime<Utc>>,
    /// `null` where nobody knows.
    pub pv: Option<f64>,
    /// `null` where nobody knows.
    pub load: Option<f64>,
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
    /// One standard deviation of `pv`.
    pub pv_spread: f64,
    /// One standard deviation of what the household takes of `load`.
    pub load_spread: f64,
    /// What battery and heat pump are to do. Left out in a plan that lays out compute alone.
    pub house: Option<HouseIntentBody>,
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

/// What the expectations of the slots ahead rest on, and how sure they are.
#[derive(Serialize, ToSchema)]
pub(super) struct KnowledgeBody {
    /// Days of history that are remembered.
    pub days: usize,
    /// The end of the newest quarter hour that was learnt from; null before the first.
    pub newest: Option<DateTime<Utc>>,
    /// What PV is expected from: `present`, `days_before`, `bright_days`, `service` or `service_corrected`.
    pub pv: String,
    /// One standard deviation of PV four to eight hours ahead, as a share of what is expected.
    pub pv_spread: f64,
    /// Null where the rooms are not measured.
    pub building: Option<BuildingKnowledgeBody>,
}

/// The building as the owner states it or as its history shows it. Deviations are relative standard deviations.
#[derive(Serialize, ToSchema)]
pub(super) struct BuildingKnowledgeBody {
    /// Days that it was fitted to; null where the owner states it, 0 where it is estimated by its living area.
    pub days: Option<usize>,
    /// Loss to outside in the heating season, kW/K.
    pub loss_kw_per_k: f64,
    pub loss_deviation: f64,
    /// Heat that air and mass hold, kWh/K.
    pub capacity_kwh_per_k: f64,
    pub capacity_deviation: f64,
    /// The heat pump's COP beside the one of the formula.
    pub cop_scale: f64,
    pub cop_deviation: f64,
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

/// Money in the site's currency, energy and heat in kWh, account by account. What compares with the house without compute is of the time that
/// `compared_s` counts; where that is 0 and `observed_s` is not, it is not known, whatever stands here.
#[derive(Serialize, ToSchema)]
pub(super) struct EarningsBody {
    /// What others paid for the work.
    pub revenue: f64,
    /// Valuation: what compute's heat displaced.
    pub heat_value: f64,
    /// Valuation: opportunity cost of its electricity.
    pub electricity_cost: f64,
    /// Valuation: revenue plus heat less electricity, what was promised when it was decided to run.
    pub net: f64,
    /// What the house pays by meter and contract, export deducted.
    pub cost: f64,
    /// The same without compute; of the house itself where that is not known.
    pub cost_without: f64,
    /// What the household's own questions were worth to it, by the owner's value. No money, and in no sum.
    pub household: f64,
    /// The part of `cost` that import has.
    pub import_cost: f64,
    /// The same without compute.
    pub import_cost_without: f64,
    /// What export earned.
    pub export_revenue: f64,
    /// The same without compute.
    pub export_revenue_without: f64,
    /// What battery and starts wore off.
    pub wear: f64,
    /// The part of it that starts have.
    pub start_cost: f64,
    /// What the battery would have worn off without compute.
    pub wear_without: f64,
    /// What heat pump or boiler took less.
    pub heat_saved: f64,
    /// What battery, room and tank hold more than without compute, at stated prices.
    pub inventory: f64,
    /// What a room colder than its own rule would have kept it saved. No earnings.
    pub colder_room: f64,
    /// What the house is better off by compute: the bill without compute less the bill, the same of wear, plus revenue and inventory,
    /// less `colder_room`.
    pub gain: f64,
    /// What the valuation promised of the time that is compared; of other time what was gained.
    pub promised: f64,
    /// One standard deviation of the gain, where the house without compute is estimated.
    pub spread: f64,
    /// Seconds in which the house was observed.
    pub observed_s: f64,
    /// Seconds of those that were compared with the house without compute.
    pub compared_s: f64,
    /// Times that compute started.
    pub starts: u64,
    /// What compute used.
    pub energy: f64,
    /// Heat of it that the house could use.
    pub heat: f64,
    pub tokens_in: u64,
    pub tokens_out: u64,
}

/// A gain by its parts, in EUR: above zero the house gained, below zero it lost. `power` to `colder_room` add up to `gain`.
#[derive(Serialize, ToSchema)]
pub(super) struct PartsBody {
    /// What the house is better off by compute.
    pub gain: f64,
    /// Imported power and its peak, the heat pump's saving aside.
    pub power: f64,
    /// Pay for export.
    pub feed_in: f64,
    /// What heat pump or boiler took less.
    pub heat_saved: f64,
    /// The battery's wear, and the starts of compute.
    pub wear: f64,
    /// What others paid.
    pub revenue: f64,
    /// What battery, room and tank hold more.
    pub inventory: f64,
    /// What a room colder than its own rule would have kept it saved; below zero, since it is no earnings.
    pub colder_room: f64,
    /// What the valuation promised of the time that is compared.
    pub promised: f64,
    /// What the gain is more than that.
    pub forecast_error: f64,
    /// What the house pays less by meter and contract: power, feed-in and heat.
    pub bill: f64,
}

/// What the house is better off by compute; null where nothing could be compared with the house without compute.
#[derive(Serialize, ToSchema)]
pub(super) struct GainsBody {
    pub today: Option<PartsBody>,
    pub month: Option<PartsBody>,
    pub total: Option<PartsBody>,
    /// Null where nothing is booked of it.
    pub yesterday: Option<YesterdayBody>,
}

/// What the local day before this one came to.
#[derive(Serialize, ToSchema)]
pub(super) struct YesterdayBody {
    pub day: NaiveDate,
    pub earnings: EarningsBody,
    /// Null where it is not known.
    pub gain: Option<PartsBody>,
    /// Whether the house gained or lost, and why, in words for a person.
    pub verdict: String,
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
    /// What the battery does and why, in a sentence; null where nothing of it can be set.
    pub battery_explanation: Option<String>,
    /// The same of the heat pump.
    pub heat_pump_explanation: Option<String>,
    pub plan: Option<PlanBody>,
    /// What the expectations of the slots ahead rest on.
    pub knowledge: KnowledgeBody,
    pub worker: WorkerBody,
    pub backlog: BacklogBody,
    pub energy: EnergyBody,
    pub today: EarningsBody,
    pub month: EarningsBody,
    pub total: EarningsBody,
    pub gains: GainsBody,
    pub devices: Vec<DeviceBody>,
    /// What HeatMine could not do, in words for a person.
    pub problems: Vec<String>,
    /// How many of the problems, the first ones, stand until somebody confirms them (`/api/v1/confirm`).
    pub to_confirm: usize,
    /// Who holds the controls of the devices; `worker` is the engine.
    pub leases: Vec<LeaseBody>,
    /// Where prices and forecasts come from, and how old they are.
    pub feeds: Vec<FeedBody>,
}

/// A feed of prices or forecasts.
#[derive(Serialize, ToSchema)]
pub(super) struct FeedBody {
    /// A service and its place, a topic or an address.
    #[schema(example = "energy-charts (DE-LU)")]
    pub source: String,
    #[schema(example = "prices")]
    pub what: String,
    /// When its last good answer came.
    pub at: Option<DateTime<Utc>>,
    /// The end of what it knows.
    pub until: Option<DateTime<Utc>>,
    /// When it is asked next.
    pub next: Option<DateTime<Utc>>,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Under which terms its data may be shown.
    pub license: Option<String>,
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

/// The newest entry, and what is signed.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedHeadBody {
    pub sequence: u64,
    pub hash: String,
    /// The public half of the house's Ed25519 key, as 64 hexadecimal digits.
    pub key: Option<String>,
    pub signature: Option<SignatureBody>,
}

/// A signature of an entry: over `heatmine ledger 1`, its number and its hash, each followed by a line feed.
#[derive(Serialize, ToSchema)]
pub(super) struct SignatureBody {
    pub sequence: u64,
    pub hash: String,
    /// The public half of the key, as 64 hexadecimal digits.
    pub key: String,
    /// As 128 hexadecimal digits.
    pub signature: String,
}

/// The entries that a key has signed.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedBody {
    /// The public half of the key, as 64 hexadecimal digits.
    pub key: String,
    /// All entries up to this one are covered.
    pub up_to: u64,
    pub signatures: u64,
}

/// What a verification has seen.
#[derive(Serialize, ToSchema)]
pub(super) struct VerifiedBody {
    pub entries: u64,
    pub receipts: u64,
    pub slots: u64,
    pub days: u64,
    pub head: HeadBody,
    /// The key that signed last stands at the end.
    pub signed: Vec<SignedBody>,
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
