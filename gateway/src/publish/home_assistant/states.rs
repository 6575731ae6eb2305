//! What a record says on each state topic. Pure: the same record gives the same text.
//!
//! What is stale or missing is `null`, which Home Assistant shows as unavailable or unknown; it is never zero.

/// The rest of the house.
mod house;

use super::topics::State;
use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, TimeZone};
use chrono_tz::Tz;
use plant::decision::{Decision, LimitHit};
use plant::image::Known;
use plant::parts::Parts;
use plant::plan::{Plan, PlannedSlot};
use plant::point::{Point, Role};
use plant::record::{Record, Yesterday};
use plant::time::{Slot, Timestamp};
use plant::totals::Earnings;
use plant::units::Eur;
use plant::work::{WorkerState, WorkerStatus};
use serde_json::{Map, Value, json};

/// Slots of a plan that are shown: two days. With them, the plan's attributes stay below the 16 KiB that Home
/// Assistant's recorder keeps.
pub const SLOTS_MAX: usize = 192;
/// Planned runs that are shown.
const RUNS_MAX: usize = 12;
/// Below this power a slot is not a run.
const RUN_MIN_W: f64 = 1.0;
/// Sentences about problems that are shown.
const PROBLEMS_MAX: usize = 12;
/// The longest sentence about a problem, in characters.
const SENTENCE_MAX: usize = 200;

/// A message on a state topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The topic.
    pub state: State,
    pub payload: String,
    /// The part of it that a person waits for: where it changes, the message is sent at once, otherwise at leisure.
    pub gist: String,
}

/// Everything that `record` says; days and months are those of `timezone`.
pub fn states(record: &Record, timezone: Tz) -> Vec<Message> {
    let message = |state: State| {
        let payload = match state {
            State::Live => live(record).to_string(),
            State::Counters => counters(record).to_string(),
            State::Earnings => earnings(record, timezone).to_string(),
            State::Decision => decision(record).to_string(),
            State::Plan => plan(record).to_string(),
            State::Health => health(record).to_string(),
            State::Mode => record.mode.name().to_owned(),
            State::PowerLimit => rounded(record.power_limit.min(record.power_max).positive().0, 0).to_string(),
        };
        let gist = match state {
            State::Decision => {
                let others = [Role::Battery, Role::HeatPump].map(|role| house::reason(record, role));
                format!("{} {:.0} {others:?}", record.decision.reason, record.decision.budget.0)
            }
            State::Live | State::Counters | State::Earnings | State::Plan => String::new(),
            State::Health | State::Mode | State::PowerLimit => payload.clone(),
        };
        Message { state, payload, gist }
    };
    State::ALL.into_iter().map(message).collect()
}

/// The key of a point in the live message.
pub fn key(point: Point) -> String {
    point.name().replace('.', "_")
}

/// The words of an engine's states, as they are published.
pub const WORKER_STATES: [&str; 5] = ["down", "starting", "idle", "busy", "paused"];

fn worker_state(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Down => "down",
        WorkerState::Starting => "starting",
        WorkerState::Idle => "idle",
        WorkerState::Busy => "busy",
        WorkerState::Paused => "paused",
    }
}

fn live(record: &Record) -> Value {
    let mut live = Map::new();
    live.insert("at".into(), json!(moment(record.at)));
    for (&point, &known) in &record.points {
        let decimals = match point.unit() {
            "W" => 0,
            "kWh" => 3,
            "A" => 2,
            "" => 0,
            _ => 1,
        };
        live.insert(key(point), known_or_null(known, decimals));
    }
    if !record.points.contains_key(&Point::ComputePower) {
        let power = record.worker.power.map_or(Value::Null, |power| rounded(power.0, 0));
        live.insert(key(Point::ComputePower), power);
    }
    let answering = record.worker.state != WorkerState::Down;
    let price = |price: Option<plant::units::EurPerKwh>| price.map_or(Value::Null, |price| rounded(price.0, 5));
    live.insert("surplus".into(), known_or_null(record.surplus, 0));
    live.insert("import_price".into(), price(record.import_price));
    live.insert("export_price".into(), price(record.export_price));
    let speed = if answering { rounded(record.worker.tokens_per_second, 1) } else { Value::Null };
    live.insert("tokens_per_second".into(), speed);
    live.insert("jobs_waiting".into(), json!(record.backlog.jobs));
    Value::Object(live)
}

fn counters(record: &Record) -> Value {
    let energy = &record.energy;
    json!({
        "grid_import_energy": rounded(energy.import.0, 4),
        "grid_export_energy": rounded(energy.export.0, 4),
        "pv_energy": rounded(energy.pv.0, 4),
        "battery_charge_energy": rounded(energy.battery_charge.0, 4),
        "battery_discharge_energy": rounded(energy.battery_discharge.0, 4),
        "compute_energy": rounded(energy.compute.0, 4),
        "heat_pump_energy": rounded(energy.heat_pump.0, 4),
        "heat_used_energy": rounded(energy.heat_used.0, 4),
        "tokens": record.total.tokens_in.saturating_add(record.total.tokens_out),
    })
}

fn earnings(record: &Record, timezone: Tz) -> Value {
    let today = record.at.with_timezone(&timezone).date_naive();
    json!({
        "today": breakdown(&record.today),
        "month": breakdown(&record.month),
        "total": breakdown(&record.total),
        "yesterday": yesterday(record),
        "day_start": midnight(today, timezone),
        "month_start": midnight(today.with_day(1).unwrap_or(today), timezone),
    })
}

/// Every account of a span. What needs the house without compute is `null` where that is not known.
fn breakdown(earnings: &Earnings) -> Value {
    let parts = earnings.parts();
    let known = |of: fn(&Parts) -> Eur| parts.as_ref().map(of);
    let amounts = [
        ("gain", known(|parts| parts.gain)),
        ("power", known(|parts| parts.power)),
        ("feed_in", known(|parts| parts.feed_in)),
        ("heat_saved", known(|parts| parts.heat_saved)),
        ("wear", known(|parts| parts.wear)),
        ("revenue", Some(earnings.revenue)),
        ("inventory", known(|parts| parts.inventory)),
        ("colder_room", known(|parts| parts.colder_room)),
        ("net", Some(earnings.net)),
        ("promised", known(|parts| parts.promised)),
        ("forecast_error", known(|parts| parts.forecast_error)),
        ("heat_value", Some(earnings.heat_value)),
        ("electricity_cost", Some(earnings.electricity_cost)),
        ("house_cost", Some(earnings.cost)),
        ("house_cost_without", earnings.known_cost_without()),
        ("spread", parts.map(|_| earnings.spread)),
        ("household", Some(earnings.household)),
    ];
    let amounts = amounts.map(|(key, money)| (key, money.map_or(Value::Null, |money| rounded(money.0, 4))));
    let others = [
        ("compared_percent", earnings.compared().map_or(Value::Null, |share| rounded(share * 100.0, 1))),
        ("compute_kwh", rounded(earnings.energy.0, 4)),
        ("useful_heat_kwh", rounded(earnings.heat.0, 4)),
        ("tokens_in", json!(earnings.tokens_in)),
        ("tokens_out", json!(earnings.tokens_out)),
    ];
    amounts.into_iter().chain(others).map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
}

/// The day before, with what it came to in words; all of it `null` where nothing is booked of it.
fn yesterday(record: &Record) -> Value {
    let Some(Yesterday { day, earnings, verdict, .. }) = &record.gains.yesterday else {
        return json!({"day": null, "verdict": null, "gain": null});
    };
    let mut accounts = breakdown(earnings);
    accounts["day"] = json!(day);
    accounts["verdict"] = json!(verdict);
    accounts
}

fn decision(record: &Record) -> Value {
    let Decision { wanted, budget, reason, worth, limits, .. } = &record.decision;
    let numbers = json!({
        "revenue": rounded(worth.revenue.0, 4),
        "heat": rounded(worth.heat.0, 4),
        "electricity": rounded(worth.electricity.0, 4),
    });
    let hit = |hit: &LimitHit| json!({"reason": hit.reason.name(), "to_w": rounded(hit.to.0, 0)});
    json!({
        "reason": reason.name(),
        "budget": rounded(budget.0, 0),
        "net": rounded(worth.net().0, 4),
        "worth": numbers,
        "why": {
            "explanation": record.explanation,
            "revenue": numbers["revenue"],
            "heat": numbers["heat"],
            "electricity": numbers["electricity"],
            "wanted_w": rounded(wanted.0, 0),
            "budget_w": rounded(budget.0, 0),
            "limits": limits.iter().map(hit).collect::<Vec<_>>(),
        },
        "battery_intent": house::reason(record, Role::Battery),
        "battery_why": house::battery(record),
        "heat_pump_intent": house::reason(record, Role::HeatPump),
        "heat_pump_why": house::heat_pump(record),
    })
}

fn plan(record: &Record) -> Value {
    let Some(plan) = &record.plan else {
        return json!({
            "next_run": null, "planned_kwh": null, "ahead": {},
            "expected_cost_today": null, "expected_cost_without_today": null, "house_ahead": {},
        });
    };
    let slots: Vec<&PlannedSlot> =
        plan.slots.iter().filter(|planned| planned.slot.end() > record.at).take(SLOTS_MAX).collect();
    let kwh: f64 = slots.iter().map(|planned| planned.compute.over(Slot::LENGTH).0).sum();
    let runs = runs(&slots);
    let (expected, without) = record.expected_today();
    let money = |amount: Option<Eur>| amount.map(|amount| rounded(amount.0, 3));
    let next = runs.iter().map(|run| run[0].start).find(|start| *start > record.at);
    json!({
        "next_run": next.map(moment),
        "planned_kwh": rounded(kwh, 2),
        "ahead": ahead(plan, &slots, &runs),
        "expected_cost_today": money(expected),
        "expected_cost_without_today": money(without),
        "house_ahead": house::ahead(&slots),
    })
}

fn ahead(plan: &Plan, slots: &[&PlannedSlot], runs: &[Vec<&PlannedSlot>]) -> Value {
    let column = |of: fn(&PlannedSlot) -> Value| Value::Array(slots.iter().map(|planned| of(planned)).collect());
    let body = |run: &Vec<&PlannedSlot>| {
        let kwh: f64 = run.iter().map(|planned| planned.compute.over(Slot::LENGTH).0).sum();
        json!({
            "from": run.first().map(|planned| moment(planned.start)),
            "to": run.last().map(|planned| moment(planned.slot.end())),
            "kwh": rounded(kwh, 2),
            "reason": run[0].reason.name(),
        })
    };
    json!({
        "made_at": moment(plan.made_at),
        "expected_net": rounded(plan.expected_net.0, 3),
        "runs": runs.iter().take(RUNS_MAX).map(body).collect::<Vec<_>>(),
        "start": slots.first().map(|planned| moment(planned.start)),
        "step_minutes": Slot::SECONDS / 60,
        "compute_w": column(|planned| rounded(planned.compute.0, 0)),
        "pv_w": column(|planned| planned.pv.map_or(Value::Null, |pv| rounded(pv.0, 0))),
        "heat_w": column(|planned| rounded(planned.heat.0, 0)),
        "import_price": column(|planned| planned.import_price.map_or(Value::Null, |price| rounded(price.0, 3))),
        "estimated_from": slots.iter().find(|planned| planned.estimated_from.is_some()).map(|planned| moment(planned.start)),
        "net": column(|planned| rounded(planned.worth.net().0, 3)),
        "reason": column(|planned| json!(planned.reason.name())),
    })
}

/// Neighbouring slots in which compute is expected to run; no run is empty.
fn runs<'a>(slots: &[&'a PlannedSlot]) -> Vec<Vec<&'a PlannedSlot>> {
    slots
        .split(|planned| planned.compute.0 < RUN_MIN_W)
        .filter(|run| !run.is_empty())
        .map(<[&PlannedSlot]>::to_vec)
        .collect()
}

fn health(record: &Record) -> Value {
    let problems = problems(record);
    let WorkerStatus { state, expert, restarts, error, .. } = &record.worker;
    json!({
        "running": *state == WorkerState::Busy && record.decision.budget.0 > 0.0,
        "problem": !problems.is_empty(),
        "problems": problems,
        "worker": worker_state(*state),
        "engine": {"expert": expert, "restarts": restarts, "error": error.as_deref().map(shortened)},
        "boost_until": record.boost_until.map(moment),
        "grid_dimmed": record.grid_dimming.is_some(),
        "grid_dimming_w": record.grid_dimming.map(|limit| rounded(limit.0, 0)),
    })
}

/// What a person should look at, a sentence each.
fn problems(record: &Record) -> Vec<String> {
    // What must be confirmed comes first and whole: it says what to press.
    let (notices, others) = record.problems.split_at(record.to_confirm.min(record.problems.len()));
    let mut problems = Vec::new();
    if record.worker.state == WorkerState::Down {
        let why = record.worker.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        problems.push(format!("the engine does not answer{why}"));
    }
    for device in &record.devices {
        let old = device.points.iter().filter(|(_, known)| known.fresh().is_none()).map(|(point, _)| point.name());
        if !device.fresh {
            problems.push(format!("{} gives no fresh {}", device.id, old.collect::<Vec<_>>().join(", ")));
        }
        if let Some(error) = &device.error {
            problems.push(format!("{}: {error}", device.id));
        }
    }
    problems.extend(others.iter().cloned());
    let others = problems.iter().map(|problem| shortened(problem));
    notices.iter().cloned().chain(others).take(PROBLEMS_MAX).collect()
}

fn shortened(sentence: &str) -> String {
    match sentence.char_indices().nth(SENTENCE_MAX) {
        None => sentence.to_owned(),
        Some((end, _)) => format!("{}…", &sentence[..end]),
    }
}

fn known_or_null(known: Known<f64>, decimals: i32) -> Value {
    known.fresh().map_or(Value::Null, |value| rounded(value, decimals))
}

/// The number with so many decimals, whole numbers without a point; `null` for what is no number.
fn rounded(value: f64, decimals: i32) -> Value {
    let scale = 10f64.powi(decimals);
    // Adding zero turns a rounded-away "-0" into "0".
    let rounded = (value * scale).round() / scale + 0.0;
    if decimals == 0 && rounded.abs() < 9e15 { json!(rounded as i64) } else { json!(rounded) }
}

fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The first moment of a local day; where the clock skips midnight, the first that exists.
fn midnight(day: NaiveDate, timezone: Tz) -> Option<String> {
    let first: Option<DateTime<Tz>> = (0..4).find_map(|hour| {
        let local = day.and_hms_opt(hour, 0, 0)?;
        timezone.from_local_datetime(&local).earliest()
    });
    first.map(|first| moment(first.to_utc()))
}

#[cfg(test)]
#[path = "states_test.rs"]
mod tests;
