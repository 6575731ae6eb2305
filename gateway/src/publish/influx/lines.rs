//! A record as lines of the InfluxDB line protocol.
//!
//! One measurement per kind of quantity, the site as tag, so that a dashboard asks for `heatmine_power` and picks fields.
//! A value that is missing is left out; a stale one goes into the field with the suffix `_stale`, so that no curve shows
//! an old value as a fresh one. Texts are tags (reason, mode, device, span): fields of text are lost in databases that
//! keep numbers only.

use influxdb2::models::data_point::{DataPoint, DataPointBuilder, WriteDataPoint};
use plant::image::Known;
use plant::reason::Reason;
use plant::record::Record;
use plant::totals::Earnings;
use plant::units::Currency;
use plant::work::WorkerState;

/// The lines of one record, each ended by a line feed; empty where the record knows nothing.
pub fn lines(record: &Record, prefix: &str) -> String {
    let start = |name: &str| Point::new(prefix, name, record);
    let mut points = measured(record, &start);
    points.push(energy(record, start("energy")));
    let priced = |name: &str| start(name).currency(record);
    points.push(prices(record, priced("price")));
    points.push(decision(record, priced("decision")));
    points.extend(
        record.decision.limits.iter().map(|hit| start("limit").tag("reason", hit.reason.name()).number("to", hit.to.0)),
    );
    let spans = [("today", &record.today), ("month", &record.month), ("total", &record.total)];
    points.extend(spans.map(|(span, earnings)| money(earnings, priced("money").tag("span", span))));
    points.extend(spans.map(|(span, earnings)| household(earnings, priced("household").tag("span", span))));
    points.extend(planned(record, priced("plan")));
    points.extend(intents(record, &start));
    points.push(work(record, priced("work")));
    points.extend(record.devices.iter().map(|device| {
        let point = start("device").tag("device", &device.id.0);
        point.whole("fresh", device.fresh.into()).whole("error", device.error.is_some().into())
    }));
    points.into_iter().filter_map(Point::line).collect()
}

/// The points of the house, sorted into a measurement per unit.
fn measured(record: &Record, start: &impl Fn(&str) -> Point) -> Vec<Point> {
    let (mut power, mut meter) = (start("power"), start("meter"));
    let (mut temperature, mut share) = (start("temperature"), start("share"));
    let (mut current, mut contact) = (start("current"), start("contact"));
    let mut irradiance = start("irradiance");
    for (point, value) in &record.points {
        let field = point.name().replace('.', "_");
        match point.unit() {
            "W" => power = power.known(field.trim_end_matches("_power"), *value),
            "kWh" => meter = meter.known(field.trim_end_matches("_energy"), *value),
            "°C" => temperature = temperature.known(field.trim_end_matches("_temperature"), *value),
            "A" => current = current.known(&field.replacen("_current", "", 1), *value),
            "" => contact = contact.known(&field, *value),
            "W/m²" => irradiance = irradiance.known(field.trim_end_matches("_irradiance"), *value),
            _ => share = share.known(&field, *value),
        }
    }
    let power = power.known("surplus", record.surplus).number("limit", record.power_limit.0);
    vec![power, meter, temperature, share, current, contact, irradiance]
}

/// The books' energies, in kWh.
fn energy(record: &Record, point: Point) -> Point {
    let energy = &record.energy;
    point
        .number("import", energy.import.0)
        .number("export", energy.export.0)
        .number("pv", energy.pv.0)
        .number("battery_charge", energy.battery_charge.0)
        .number("battery_discharge", energy.battery_discharge.0)
        .number("compute", energy.compute.0)
        .number("heat_pump", energy.heat_pump.0)
        .number("heat_used", energy.heat_used.0)
}

/// What power costs and earns now, by the kWh.
fn prices(record: &Record, mut point: Point) -> Point {
    if let Some(price) = record.import_price {
        point = point.number("import", price.0);
    }
    if let Some(price) = record.export_price {
        point = point.number("export", price.0);
    }
    point
}

/// What was decided, with the three numbers by the kWh.
fn decision(record: &Record, point: Point) -> Point {
    let (decision, worth) = (&record.decision, &record.decision.worth);
    let point = point
        .tag("mode", record.mode.name())
        .tag("reason", decision.reason.name())
        .number("wanted", decision.wanted.0)
        .number("budget", decision.budget.0)
        .number("revenue", worth.revenue.0)
        .number("heat", worth.heat.0)
        .number("electricity", worth.electricity.0)
        .number("net", worth.net().0);
    match record.grid_dimming {
        Some(limit) => point.number("grid_dimming", limit.0),
        None => point,
    }
}

/// Money, and what it was earned with. What needs the house without compute is left out where that is not known.
fn money(earnings: &Earnings, point: Point) -> Point {
    let point = point
        .number("revenue", earnings.revenue.0)
        .number("heat_value", earnings.heat_value.0)
        .number("electricity_cost", earnings.electricity_cost.0)
        .number("net", earnings.net.0)
        .number("cost", earnings.cost.0)
        .number("energy", earnings.energy.0)
        .number("heat", earnings.heat.0)
        .whole("tokens_in", earnings.tokens_in)
        .whole("tokens_out", earnings.tokens_out);
    let point = match earnings.compared() {
        Some(share) => point.number("compared", share),
        None => point,
    };
    let Some(parts) = earnings.parts() else { return point };
    point
        .number("cost_without", earnings.cost_without.0)
        .number("gain", parts.gain.0)
        .number("power", parts.power.0)
        .number("feed_in", parts.feed_in.0)
        .number("heat_saved", parts.heat_saved.0)
        .number("wear", parts.wear.0)
        .number("inventory", parts.inventory.0)
        .number("colder_room", parts.colder_room.0)
        .number("promised", parts.promised.0)
        .number("forecast_error", parts.forecast_error.0)
        .number("spread", earnings.spread.0)
}

/// What the household's own questions were worth to it, in EUR by the owner's value. No money.
fn household(earnings: &Earnings, point: Point) -> Point {
    point.number("value", earnings.household.0)
}

/// What the plan in force says of this moment; powers in W, temperatures and charge at the end of its quarter hour.
fn planned(record: &Record, point: Point) -> Option<Point> {
    let slot = record.plan.as_ref()?.at(record.at)?;
    let house = slot.house.as_ref();
    let mut point = point.number("compute", slot.compute.0);
    let (cost, without) = record.expected_today();
    let fields = [
        ("pv", slot.pv.map(|power| power.0)),
        ("pv_spread", slot.pv.map(|_| slot.pv_spread.0)),
        ("load", slot.load.map(|power| power.0)),
        ("load_spread", slot.load.map(|_| slot.load_spread.0)),
        ("battery_soc", slot.battery_soc.map(|soc| soc.0)),
        ("battery", house.map(|house| house.battery_power.0)),
        ("heat_pump", house.map(|house| house.heat_pump_power.0)),
        ("grid", house.map(|house| house.grid.0)),
        ("curtailed", house.map(|house| house.curtailed.0)),
        ("room", house.and_then(|house| house.room).map(|room| room.0)),
        ("tank", house.and_then(|house| house.tank).map(|tank| tank.0)),
        ("cost_today", cost.map(|cost| cost.0)),
        ("cost_without_today", without.map(|cost| cost.0)),
    ];
    for (field, value) in fields {
        point = match value {
            Some(value) => point.number(field, value),
            None => point,
        };
    }
    Some(point)
}

/// Why battery and heat pump are to do what is planned.
fn intents(record: &Record, start: &impl Fn(&str) -> Point) -> Vec<Point> {
    let house = record.plan.as_ref().and_then(|plan| plan.at(record.at)?.house.as_ref());
    let reasons = house.map(|house| [("battery", house.battery_reason), ("heat_pump", house.heat_pump_reason)]);
    let point = |(device, reason): (&str, Reason)| start("intent").tag("device", device).tag("reason", reason.name());
    reasons.into_iter().flatten().map(|reason| point(reason).whole("planned", 1)).collect()
}

/// The engine and what waits for it.
fn work(record: &Record, point: Point) -> Point {
    let (worker, backlog) = (&record.worker, &record.backlog);
    let up = match worker.state {
        WorkerState::Down | WorkerState::Starting => 0,
        WorkerState::Idle | WorkerState::Busy | WorkerState::Paused => 1,
    };
    let point = point
        .whole("up", up)
        .whole("busy", (worker.state == WorkerState::Busy).into())
        .whole("restarts", worker.restarts.into())
        .number("tokens_per_second", worker.tokens_per_second)
        .whole("queries", backlog.interactive.into())
        .whole("jobs", backlog.jobs.into())
        .whole("tokens_waiting", backlog.tokens)
        .number("value_waiting", backlog.value.0);
    match worker.power {
        Some(power) => point.number("power", power.0),
        None => point,
    }
}

/// A point under construction; a thin coat over the crate's builder, which would write NaN and broken tags as they come.
struct Point {
    builder: DataPointBuilder,
}

impl Point {
    fn new(prefix: &str, name: &str, record: &Record) -> Self {
        let builder = DataPoint::builder(format!("{prefix}{name}")).timestamp(record.at.timestamp_millis());
        Self { builder }.tag("site", &record.site)
    }

    /// The currency as a tag, where it is not the euro: the series of houses that count in euros stay what they are.
    fn currency(self, record: &Record) -> Self {
        if record.currency == Currency::EUR { self } else { self.tag("currency", record.currency.code()) }
    }

    /// A tag, unless its value is empty, which the protocol does not allow.
    fn tag(self, key: &str, value: &str) -> Self {
        let value = tag_value(value);
        if value.is_empty() { self } else { Self { builder: self.builder.tag(key, value) } }
    }

    /// A number, unless it is none.
    fn number(self, field: &str, value: f64) -> Self {
        if value.is_finite() { Self { builder: self.builder.field(field, value) } } else { self }
    }

    fn whole(self, field: &str, value: u64) -> Self {
        Self { builder: self.builder.field(field, i64::try_from(value).unwrap_or(i64::MAX)) }
    }

    fn known(self, field: &str, value: Known<f64>) -> Self {
        match value {
            Known::Fresh { value } => self.number(field, value),
            Known::Stale { value, .. } => self.number(&format!("{field}_stale"), value),
            Known::Missing => self,
        }
    }

    /// The line; `None` without a field.
    fn line(self) -> Option<String> {
        let point = self.builder.build().ok()?;
        let mut line = Vec::new();
        point.write_data_point_to(&mut line).ok()?;
        String::from_utf8(line).ok()
    }
}

/// A tag's value as every server reads it back. The protocol has no way to write a control character or a backslash
/// before a separator, so both are replaced; the crate escapes commas, equal signs and spaces.
fn tag_value(text: &str) -> String {
    let plain = text.trim().chars().map(|letter| match letter {
        '\\' => '/',
        letter if letter.is_control() => ' ',
        letter => letter,
    });
    plain.collect::<String>().trim().to_owned()
}

#[cfg(test)]
#[path = "lines_test.rs"]
mod test;
