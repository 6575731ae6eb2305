//! The record in Prometheus' text format. What is missing or stale is left out: a gap is the truth, a zero is not.

use plant::command::Mode;
use plant::plan::HouseIntent;
use plant::record::Record;
use plant::totals::Earnings;
use plant::units::Watts;
use plant::work::WorkerState;
use std::fmt::{Display, Write};

/// Label pairs and the value of one sample.
type Sample = (Vec<(&'static str, String)>, f64);

/// The whole exposition; without a record only that HeatMine is up.
pub(super) fn exposition(record: Option<&Record>) -> String {
    let mut text = Text(String::new());
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    text.family("heatmine_build_info", "gauge", "Version of HeatMine.", [(version, 1.0)]);
    if let Some(record) = record {
        house(&mut text, record);
        decision(&mut text, record);
        planned(&mut text, record);
        work(&mut text, record);
        books(&mut text, record);
    }
    text.0
}

fn house(text: &mut Text, record: &Record) {
    let site = [("currency", record.currency.to_string()), ("timezone", record.timezone.to_string())];
    let help = "The house; eur in the name of a metric means this currency.";
    text.family("heatmine_site_info", "gauge", help, [(site.to_vec(), 1.0)]);
    text.one("heatmine_record_timestamp_seconds", "gauge", "House time of the record.", record.at.timestamp() as f64);
    let families = [
        (
            "heatmine_power_watts",
            "gauge",
            "Power; sources are positive onto the house bus, consumers as consumption.",
            "W",
        ),
        ("heatmine_current_amperes", "gauge", "Currents of the phases, without direction.", "A"),
        ("heatmine_contact", "gauge", "1 where it is so, 0 where not.", ""),
        ("heatmine_temperature_celsius", "gauge", "Temperatures.", "°C"),
        ("heatmine_charge_percent", "gauge", "State of charge.", "%"),
        ("heatmine_device_energy_kilowatt_hours_total", "counter", "The devices' own counters.", "kWh"),
    ];
    for (name, kind, help, unit) in families {
        let samples = record.points.iter().filter(|(point, _)| point.unit() == unit);
        let samples = samples.filter_map(|(point, known)| Some((label("point", point), known.fresh()?)));
        text.family(name, kind, help, samples);
    }
    text.maybe(
        "heatmine_surplus_watts",
        "PV surplus before compute; negative where the house imports.",
        record.surplus.fresh(),
    );
    text.maybe(
        "heatmine_import_price_eur_per_kwh",
        "Price of imported power.",
        record.import_price.map(|price| price.0),
    );
    text.maybe(
        "heatmine_export_price_eur_per_kwh",
        "Price of exported power.",
        record.export_price.map(|price| price.0),
    );
    let devices = record.devices.iter().map(|device| (label("device", &device.id), f64::from(u8::from(device.fresh))));
    text.family("heatmine_device_fresh", "gauge", "Whether all points of the device are fresh.", devices);
}

fn decision(text: &mut Text, record: &Record) {
    let (decision, worth) = (&record.decision, record.decision.worth);
    let modes = Mode::ALL.map(|mode| (label("mode", mode), f64::from(u8::from(mode == record.mode))));
    text.family("heatmine_mode", "gauge", "1 for the mode in force.", modes);
    text.family(
        "heatmine_reason",
        "gauge",
        "1 for the reason of the decision.",
        [(label("reason", decision.reason), 1.0)],
    );
    text.one("heatmine_wanted_watts", "gauge", "Compute power that dispatch wanted.", decision.wanted.0);
    text.one("heatmine_budget_watts", "gauge", "Compute power that the limits left.", decision.budget.0);
    text.one("heatmine_power_limit_watts", "gauge", "The owner's cap on compute power.", record.power_limit.0);
    text.maybe(
        "heatmine_grid_dimming_watts",
        "The grid operator's limit, while it dims.",
        record.grid_dimming.map(|w| w.0),
    );
    let parts =
        [("revenue", worth.revenue), ("heat", worth.heat), ("electricity", worth.electricity), ("net", worth.net())];
    let parts = parts.map(|(part, price)| (label("part", part), price.0));
    text.family(
        "heatmine_worth_eur_per_kwh",
        "gauge",
        "The three numbers and their net: a kWh of compute, here and now.",
        parts,
    );
}

/// What the plan in force says of this moment, and what the day is expected to cost.
fn planned(text: &mut Text, record: &Record) {
    let Some(slot) = record.plan.as_ref().and_then(|plan| plan.at(record.at)) else { return };
    let house = slot.house.as_ref();
    let of = |power: fn(&HouseIntent) -> Watts| house.map(power);
    let powers = [
        ("pv", slot.pv),
        ("pv_spread", slot.pv.map(|_| slot.pv_spread)),
        ("load", slot.load),
        ("load_spread", slot.load.map(|_| slot.load_spread)),
        ("compute", Some(slot.compute)),
        ("battery", of(|house| house.battery_power)),
        ("heat_pump", of(|house| house.heat_pump_power)),
        ("grid", of(|house| house.grid)),
        ("curtailed", of(|house| house.curtailed)),
    ];
    let powers = powers.into_iter().filter_map(|(what, power)| Some((label("what", what), power?.0)));
    text.family("heatmine_planned_watts", "gauge", "Power planned for this quarter hour.", powers);
    let soc = slot.battery_soc.map(|soc| soc.0);
    text.maybe("heatmine_planned_charge_percent", "State of charge planned for the end of this quarter hour.", soc);
    let warm = [("room", house.and_then(|house| house.room)), ("tank", house.and_then(|house| house.tank))];
    let warm = warm.into_iter().filter_map(|(what, at)| Some((label("what", what), at?.0)));
    let help = "Temperatures planned for the end of this quarter hour.";
    text.family("heatmine_planned_temperature_celsius", "gauge", help, warm);
    let reasons = house.map(|house| [("battery", house.battery_reason), ("heat_pump", house.heat_pump_reason)]);
    let reasons = reasons
        .into_iter()
        .flatten()
        .map(|(device, reason)| (vec![("device", device.to_owned()), ("reason", reason.name().to_owned())], 1.0));
    text.family(
        "heatmine_planned_reason",
        "gauge",
        "1 for the reason of what battery and heat pump are to do.",
        reasons,
    );
    let (cost, without) = record.expected_today();
    let costs = [("planned", cost), ("without", without)];
    let costs = costs.into_iter().filter_map(|(what, cost)| Some((label("what", what), cost?.0)));
    let help = "What the day is expected to cost as planned, and without compute and plan.";
    text.family("heatmine_expected_cost_today_eur", "gauge", help, costs);
}

fn work(text: &mut Text, record: &Record) {
    let (worker, backlog) = (&record.worker, &record.backlog);
    let up = !matches!(worker.state, WorkerState::Down | WorkerState::Starting);
    text.one("heatmine_worker_up", "gauge", "Whether the engine is ready.", f64::from(u8::from(up)));
    text.one(
        "heatmine_worker_restarts_total",
        "counter",
        "Restarts of the engine since the gateway started.",
        f64::from(worker.restarts),
    );
    text.maybe("heatmine_worker_watts", "Power by the engine's own account.", worker.power.map(|power| power.0));
    if up {
        text.one(
            "heatmine_worker_tokens_per_second",
            "gauge",
            "Tokens over the last seconds.",
            worker.tokens_per_second,
        );
    }
    text.one("heatmine_queries", "gauge", "Queries somebody is waiting for.", f64::from(backlog.interactive));
    text.one("heatmine_jobs", "gauge", "Jobs not yet finished.", f64::from(backlog.jobs));
    text.one("heatmine_jobs_value_eur", "gauge", "What those jobs pay together.", backlog.value.0);
}

fn books(text: &mut Text, record: &Record) {
    let energy = &record.energy;
    let flows = [
        ("import", energy.import),
        ("export", energy.export),
        ("pv", energy.pv),
        ("battery_charge", energy.battery_charge),
        ("battery_discharge", energy.battery_discharge),
        ("compute", energy.compute),
        ("heat_pump", energy.heat_pump),
        ("heat_used", energy.heat_used),
    ];
    let flows = flows.map(|(flow, energy)| (label("flow", flow), energy.0));
    text.family("heatmine_energy_kilowatt_hours_total", "counter", "Energy since the books began.", flows);
    money(text, record);
    let total = &record.total;
    let tokens = [("in", total.tokens_in), ("out", total.tokens_out)];
    let tokens = tokens.map(|(direction, count)| (label("direction", direction), count as f64));
    text.family("heatmine_tokens_total", "counter", "Tokens processed and generated.", tokens);
}

/// The accounts, each by itself.
fn money(text: &mut Text, record: &Record) {
    let yesterday = record.gains.yesterday.as_ref().map(|yesterday| ("yesterday", &yesterday.earnings));
    let spans = [("today", &record.today), ("month", &record.month), ("total", &record.total)];
    let spans: Vec<(&'static str, &Earnings)> = spans.into_iter().chain(yesterday).collect();
    let each = |of: fn(&Earnings) -> Option<f64>| {
        spans.iter().filter_map(move |(span, earnings)| Some((label("span", span), of(earnings)?))).collect::<Vec<_>>()
    };
    let samples = spans.iter().flat_map(|(span, earnings)| earned(span, earnings));
    text.family(
        "heatmine_earnings_eur",
        "gauge",
        "Money of the local day, the day before, the local month and all time. The gain is power, feed_in, heat_saved, wear, revenue, \
         inventory and colder_room; what the valuation made of all time is net.",
        samples,
    );
    text.family(
        "heatmine_household_value_eur",
        "gauge",
        "Worth of the household's own questions by the owner's value; no money, and in no sum.",
        each(|earnings| Some(earnings.household.0)),
    );
    text.family(
        "heatmine_gain_spread_eur",
        "gauge",
        "One standard deviation of the gain, where the house without compute is estimated.",
        each(|earnings| earnings.parts().map(|_| earnings.spread.0)),
    );
    text.family(
        "heatmine_compared_ratio",
        "gauge",
        "Share of the observed time that was compared with the house without compute.",
        each(Earnings::compared),
    );
}

/// The parts of a span's money; what needs the house without compute is left out where that is not known.
fn earned(span: &'static str, earnings: &Earnings) -> Vec<Sample> {
    let valued = [
        ("revenue", earnings.revenue),
        ("heat", earnings.heat_value),
        ("electricity", earnings.electricity_cost),
        ("net", earnings.net),
        ("cost", earnings.cost),
    ];
    let compared = earnings.parts().map(|parts| {
        [
            ("cost_without", earnings.cost_without),
            ("gain", parts.gain),
            ("power", parts.power),
            ("feed_in", parts.feed_in),
            ("heat_saved", parts.heat_saved),
            ("wear", parts.wear),
            ("inventory", parts.inventory),
            ("colder_room", parts.colder_room),
            ("promised", parts.promised),
            ("forecast_error", parts.forecast_error),
        ]
    });
    let all = valued.into_iter().chain(compared.into_iter().flatten());
    all.map(|(part, money)| (vec![("span", span.to_owned()), ("part", part.to_owned())], money.0)).collect()
}

fn label(name: &'static str, value: impl Display) -> Vec<(&'static str, String)> {
    vec![(name, value.to_string())]
}

struct Text(String);

impl Text {
    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help, [(Vec::new(), value)]);
    }

    fn maybe(&mut self, name: &str, help: &str, value: Option<f64>) {
        self.family(name, "gauge", help, value.map(|value| (Vec::new(), value)));
    }

    /// Writes one metric; nothing at all where it has no sample.
    fn family(&mut self, name: &str, kind: &str, help: &str, samples: impl IntoIterator<Item = Sample>) {
        let mut samples = samples.into_iter().filter(|(_, value)| value.is_finite()).peekable();
        if samples.peek().is_none() {
            return;
        }
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let labels: Vec<String> = labels.iter().map(|(key, text)| format!("{key}=\"{}\"", escaped(text))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
