//! A fabricated house for the tests and for looking at the page: any moment of one autumn day, as a record.

#[path = "fixture/books.rs"]
mod books;
#[path = "fixture/house.rs"]
mod house;

pub(crate) use books::fill_yesterday;

use super::peers::{Answer, JobRequest, Ledger, Message, Queue};
use plant::command::Mode;
use plant::decision::{Decision, LimitHit};
use plant::entry::{Booking, Head};
use plant::image::Known;
use plant::knowledge::{BuildingKnowledge, Knowledge, PvBase};
use plant::ledger;
use plant::plan::{Plan, PlannedSlot};
use plant::point::{DeviceId, Point};
use plant::reason::{Reason, Worth};
use plant::record::{DeviceStatus, Gains, Record, Yesterday};
use plant::time::{Slot, Timestamp};
use plant::totals::{Earnings, EnergyTotals};
use plant::units::{Celsius, Currency, Eur, EurPerKwh, KilowattHours, Percent, Watts};
use plant::work::{Backlog, Due, WorkerState, WorkerStatus};
use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

/// What the compute box can draw.
pub(super) const MAX: Watts = Watts(2400.0);

/// What four months taught.
fn knowledge(at: Timestamp) -> Knowledge {
    let building = BuildingKnowledge {
        days: Some(87),
        loss_kw_per_k: 0.19,
        loss_deviation: 0.06,
        capacity_kwh_per_k: 12.4,
        capacity_deviation: 0.13,
        cop_scale: 0.96,
        cop_deviation: 0.07,
    };
    Knowledge {
        days: 124,
        newest: Some(Slot::containing(at).start()),
        pv: PvBase::ServiceCorrected,
        pv_spread: 0.22,
        building: Some(building),
    }
}

/// The house at `at`.
pub(crate) fn record(at: Timestamp) -> Record {
    let (now, hour) = (intention(Slot::containing(at)), hour_of(at));
    let compute = now.compute.0 * (1.0 + 0.03 * (f64::from(u32::try_from(at.timestamp() % 997).unwrap_or(0))).sin());
    let points = points(hour, &now, compute);
    let (today, month, total) = (earned(hour), earned(17.0 * hour), earned(90.0 * hour));
    let gains = Gains::of(&today, &month, &total, Some(yesterday(at)));
    let devices = devices(&points);
    Record {
        at,
        site: "Sonnenhof".into(),
        currency: Currency::EUR,
        timezone: chrono_tz::Europe::Berlin,
        mode: Mode::Auto,
        boost_until: None,
        power_limit: MAX,
        power_max: MAX,
        grid_dimming: None,
        surplus: Known::Fresh { value: (now.pv.unwrap_or_default().0 - now.load.unwrap_or_default().0).max(-900.0) },
        import_price: now.import_price,
        export_price: Some(now.export_price),
        decision: Decision {
            at,
            wanted: now.compute,
            budget: now.compute,
            reason: now.reason,
            worth: now.worth,
            limits: limits(hour),
            settings: Vec::new(),
        },
        explanation: explanation(&now),
        battery_explanation: now.house.map(|house| sentence("The battery", house.battery_reason)),
        heat_pump_explanation: now.house.map(|house| sentence("The heat pump", house.heat_pump_reason)),
        plan: Some(plan(at)),
        knowledge: knowledge(at),
        worker: WorkerStatus {
            state: if now.compute.0 > 0.0 { WorkerState::Busy } else { WorkerState::Paused },
            expert: Some("smollm2-135m-instruct".into()),
            power: Some(Watts(compute)),
            tokens_per_second: compute / 14.0,
            restarts: 0,
            error: None,
        },
        backlog: Backlog {
            interactive: 0,
            jobs: 4,
            tokens: 12_000,
            value: Eur(0.082),
            due: vec![Due { at: at + chrono::Duration::hours(5), tokens: 3_000 }],
        },
        energy: EnergyTotals {
            import: KilowattHours(812.4),
            export: KilowattHours(1604.2),
            pv: KilowattHours(3801.0),
            ..EnergyTotals::default()
        },
        today,
        month,
        total,
        gains,
        points,
        devices,
        problems: Vec::new(),
        to_confirm: 0,
        leases: Vec::new(),
        feeds: Vec::new(),
    }
}

/// What so many hours of the day came to: compute takes power that would have been sold and some that is bought, its heat spares the
/// heat pump, others pay for most of its work.
fn earned(hours: f64) -> Earnings {
    let eur = |an_hour: f64| Eur(an_hour * hours);
    Earnings {
        revenue: eur(0.050),
        household: eur(0.040),
        heat_value: eur(0.031),
        electricity_cost: eur(0.041),
        net: eur(0.040),
        cost: eur(0.193),
        cost_without: eur(0.175),
        import_cost: eur(0.223),
        import_cost_without: eur(0.225),
        export_revenue: eur(0.030),
        export_revenue_without: eur(0.050),
        wear: eur(0.008),
        start_cost: eur(0.001),
        wear_without: eur(0.006),
        heat_saved: eur(0.024),
        inventory: eur(0.004),
        colder_room: Eur::ZERO,
        gain: eur(0.034),
        promised: eur(0.040),
        spread: eur(0.003),
        observed_s: 3600.0 * hours,
        compared_s: 3550.0 * hours,
        starts: (0.25 * hours) as u64,
        energy: KilowattHours(0.61 * hours),
        heat: KilowattHours(0.5 * hours),
        tokens_in: (41_000.0 * hours) as u64,
        tokens_out: (9_000.0 * hours) as u64,
    }
}

/// A day before that lost money: power cost more than others paid, and less than half of it came back as heat.
fn yesterday(at: Timestamp) -> Yesterday {
    let lost = Earnings {
        revenue: Eur(0.20),
        household: Eur(1.41),
        net: Eur(1.17),
        cost: Eur(3.50),
        cost_without: Eur(3.06),
        heat_saved: Eur(0.16),
        gain: Eur(-0.24),
        promised: Eur(1.17),
        observed_s: 86_400.0,
        compared_s: 86_400.0,
        energy: KilowattHours(5.2),
        ..Earnings::default()
    };
    let day = (at - chrono::Duration::days(1)).date_naive();
    Yesterday::of((day, lost), Currency::EUR)
}

/// The next 36 hours as seen from `at`.
pub(super) fn plan(at: Timestamp) -> Plan {
    let first = Slot::containing(at);
    Plan {
        made_at: first.start(),
        mode: Mode::Auto,
        slots: (0..144).map(|index| estimated(intention(first.plus(index)), at)).collect(),
        expected_net: Eur(2.31),
    }
}

/// The prices of the day after tomorrow are not published, those of tomorrow from 14:00 on.
fn estimated(slot: PlannedSlot, at: Timestamp) -> PlannedSlot {
    let days = if hour_of(at) < 14.0 { 1 } else { 2 };
    let published_s = ((at.timestamp() + 3600).div_euclid(86_400) + days) * 86_400 - 3600;
    let from = slot.start - chrono::Duration::days(1);
    PlannedSlot { estimated_from: (slot.start.timestamp() >= published_s).then_some(from), ..slot }
}

/// Twelve days of books and five jobs, each in another state.
pub(super) fn fill(ledger: &Ledger, queue: &Queue, now: Timestamp) -> anyhow::Result<()> {
    let mut head = Head::default();
    for day in (1..=12_i32).rev() {
        let slot = Slot::containing(now - chrono::Duration::days(day.into()) + chrono::Duration::hours(12));
        let account = if day == 1 { books::account(slot) } else { books::noon(slot, day) };
        let entry = ledger::seal(&head, account.slot.end(), &Booking::Slot(Box::new(account)));
        ledger.append(&entry)?;
        head = ledger::verify(&head, &entry).map_err(|broken| anyhow::anyhow!("{broken}"))?;
    }
    let job = |title: &str, prompt: &str, hours: Option<i64>| JobRequest {
        title: title.into(),
        messages: vec![Message { role: "user".into(), content: prompt.into() }],
        expert: None,
        deadline: hours.map(|hours| now + chrono::Duration::hours(hours)),
        max_tokens: 300,
        value: Some(Eur(0.02)),
    };
    queue.submit(&job("Summary of Friday, 20 November", "Summarise the day.", Some(1)), now)?;
    queue.submit(&job("Translate the boiler's manual", "Translate.", Some(2)), now)?;
    for (answer, error) in
        [(Some(SUMMARY), ""), (None, "the worker refused it: the text is longer than its context of 2048 tokens")]
    {
        let Some(next) = queue.next(now)? else { break };
        match answer {
            Some(text) => queue.finish(
                next.id,
                &Answer { text: text.into(), tokens_in: 812, tokens_out: 143, ..Answer::default() },
                now,
            )?,
            None => queue.fail(next.id, error, false, now)?,
        }
    }
    queue.submit(&job("Classify last week's mails", "Classify.", Some(8)), now)?;
    queue.next(now)?;
    queue.submit(
        &job("Describe 400 photos for the archive, so that they can be searched by what they show", "Describe.", None),
        now,
    )?;
    queue.submit(&job("Shopping list from the recipes", "List.", Some(20)), now)?;
    Ok(())
}

const SUMMARY: &str = "The sun gave 31.4 kWh, most of it between 10:00 and 15:00. Compute used 9.8 kWh of it and ran on cheap power \
    for another 2.1 kWh at night. Its heat kept the living room at 21 °C without the heat pump until 17:30.";

fn hour_of(at: Timestamp) -> f64 {
    (at.timestamp() + 3600).rem_euclid(86_400) as f64 / 3600.0
}

fn sun(hour: f64) -> f64 {
    let cloud = 1.0 - 0.25 * (hour * 5.3).sin().max(0.0);
    7200.0
        * ((hour - 7.3) / 9.4 * PI).sin().max(0.0).powf(1.4)
        * f64::from(u8::from((7.3..16.7).contains(&hour)))
        * cloud
}

/// What is intended at each hour of its day.
fn intention(slot: Slot) -> PlannedSlot {
    let hour = hour_of(slot.start());
    let pv = sun(hour);
    let price = 0.24 + 0.07 * ((hour - 13.0) / 24.0 * TAU * 2.0).sin() - 0.29 * (-((hour - 13.0) / 1.9).powi(2)).exp();
    let load = 420.0 + 500.0 * (-((hour - 19.0) / 2.0).powi(2)).exp() + 300.0 * (-((hour - 7.5) / 1.2).powi(2)).exp();
    let (reason, compute) = match hour {
        h if (2.0..5.5).contains(&h) => (Reason::HeatDemand, 900.0),
        _ if price < 0.0 => (Reason::NegativePrice, 2400.0),
        _ if pv > load + 400.0 => (Reason::Surplus, (pv - load - 200.0).min(2400.0)),
        h if (20.0..21.5).contains(&h) => (Reason::Deadline, 1500.0),
        h if (22.5..24.0).contains(&h) => (Reason::PaidWork, 700.0),
        _ => (Reason::Idle, 0.0),
    };
    let heat = if (10.5..15.0).contains(&hour) { compute * 0.35 } else { compute * 0.9 };
    let electricity = if reason == Reason::Surplus { 0.08 } else { price };
    let worth = Worth {
        revenue: EurPerKwh(0.14),
        heat: EurPerKwh(if compute > 0.0 { 0.07 * heat / compute } else { 0.02 }),
        electricity: EurPerKwh(electricity),
    };
    PlannedSlot {
        slot,
        start: slot.start(),
        import_price: Some(EurPerKwh(price)),
        export_price: EurPerKwh(0.08),
        estimated_from: None,
        pv: Some(Watts(pv)),
        load: Some(Watts(load + house::heat_pump_power(hour))),
        compute: Watts(compute),
        floor: Watts::ZERO,
        ceiling: Watts(compute),
        battery_first: false,
        stored: EurPerKwh(0.19),
        heat: Watts(heat),
        battery_soc: Some(Percent(house::charge(hour + 0.25))),
        outdoor: Some(Celsius(outdoor(hour))),
        reason,
        worth,
        pv_spread: Watts(pv * 0.2),
        load_spread: Watts(120.0),
        house: Some(house::intent(&house::Flows { hour, pv, load, compute, import_price: price, export_price: 0.08 })),
    }
}

fn sentence(what: &str, why: Reason) -> String {
    format!("{what} does as planned: {}.", why.sentence())
}

fn outdoor(hour: f64) -> f64 {
    4.0 + 5.0 * ((hour - 9.0) / 24.0 * TAU).sin()
}

fn points(hour: f64, now: &PlannedSlot, compute: f64) -> BTreeMap<Point, Known<f64>> {
    let pump = house::heat_pump_power(hour);
    let (house, pv) = (now.load.unwrap_or_default().0 - pump, now.pv.unwrap_or_default().0);
    let battery = house::battery_power(hour);
    let values = [
        (Point::GridPower, house + pump + compute - pv - battery),
        (Point::PvPower, pv),
        (Point::BatteryPower, battery),
        (Point::BatterySoc, house::charge(hour)),
        (Point::HousePower, house),
        (Point::ComputePower, compute),
        (Point::HeatPumpPower, pump),
        (Point::HeatPumpHeat, pump * 3.9),
        (Point::HeatPumpFlowTemperature, 33.4),
        (Point::HeatPumpReturnTemperature, 28.9),
        (Point::RoomTemperature, 20.9 + 0.6 * (hour / 24.0 * TAU).sin()),
        (Point::TankTemperature, 47.2),
    ];
    let mut points: BTreeMap<_, _> = values.into_iter().map(|(point, value)| (point, Known::Fresh { value })).collect();
    points.insert(Point::OutdoorTemperature, Known::Stale { value: outdoor(hour), age_s: 2_700 });
    points.insert(Point::ComputeTemperature, Known::Missing);
    points
}

fn devices(points: &BTreeMap<Point, Known<f64>>) -> Vec<DeviceStatus> {
    let device = |id: &str, fresh: bool, own: &[Point], error: Option<&str>| DeviceStatus {
        id: DeviceId(id.into()),
        fresh,
        points: own.iter().filter_map(|point| Some((*point, *points.get(point)?))).collect(),
        error: error.map(str::to_owned),
    };
    vec![
        device("inverter", true, &[Point::PvPower, Point::BatteryPower, Point::BatterySoc], None),
        device("meter", true, &[Point::GridPower], None),
        device("heat-pump", true, &[Point::HeatPumpPower, Point::HeatPumpHeat, Point::TankTemperature], None),
        device("plug", true, &[Point::ComputePower], None),
        device("weather", false, &[Point::OutdoorTemperature], None),
    ]
}

fn limits(hour: f64) -> Vec<LimitHit> {
    if (11.0..13.0).contains(&hour) {
        vec![LimitHit { reason: Reason::FuseLimit, to: Watts(2150.0) }]
    } else {
        Vec::new()
    }
}

fn explanation(now: &PlannedSlot) -> String {
    let net = now.worth.net();
    if now.compute.0 > 0.0 {
        format!(
            "Computing with {:.0}, because {}. Each kilowatt-hour earns {:.3} net.",
            now.compute,
            now.reason.sentence(),
            net
        )
    } else {
        format!("Not computing, because {}.", now.reason.sentence())
    }
}
