//! From the sections of the house to the core's [`Site`], with everything checked that involves more than one value.

use super::devices::Resolved;
use super::{Faults, building, grid, quoted, tariff};
use crate::config::Config;
use crate::config::installation::{
    BatteryConfig, ComputeConfig, HeatConfig, HeatInto, HeatKind, StoreConfig, SurplusFirst,
};
use chrono_tz::{TZ_VARIANTS, Tz};
use plant::point::Point;
use plant::site::{Battery, Compute, First, HeatSink, HeatSource, Pv, Site, Store, WorkPrices, carnot_of_rated};
use plant::units::{Celsius, Currency, EurPerKwh, KilowattHours, Percent, Watts};
use std::time::Duration;

/// Assumed where neither the owner nor the machine says where the house is.
pub(super) const TIMEZONE: &str = "Europe/Berlin";

/// The site; `None` where a mistake was found that leaves none.
pub(super) fn resolve(config: &Config, devices: &[Resolved], faults: &mut Faults) -> Option<Site> {
    let timezone = timezone(config.site.timezone.as_deref().unwrap_or(TIMEZONE), faults);
    let currency = currency(&config.site.currency, faults);
    if config.site.name.chars().any(char::is_control) {
        faults.wrong("site.name", format!("{:?}", config.site.name), "expected a name without control characters");
    }
    check_points(config, devices, faults);
    let tariff = tariff::resolve(config, currency, faults);
    let displaced = displaced(&config.heat, currency.unwrap_or_default(), faults);
    let room = config.room.as_ref().map(|room| store("room", room, faults));
    let tank = config.tank.as_ref().map(|tank| store("tank", tank, faults));
    let compute = compute(config, faults);
    let grid = grid::grid(config, devices, faults);
    let wallbox = config.wallbox.as_ref().map(|wallbox| grid::wallbox(wallbox, faults));
    Some(Site {
        name: config.site.name.clone(),
        timezone: timezone?,
        currency: currency?,
        devices: devices.iter().map(|resolved| resolved.device.clone()).collect(),
        grid,
        tariff: tariff?,
        pv: config.pv.as_ref().map(|pv| Pv { peak: Watts(pv.peak_w) }),
        battery: config.battery.as_ref().map(battery),
        wallbox,
        compute,
        displaced,
        room,
        tank,
        building: building::building(config, devices, faults),
        work: WorkPrices {
            eur_per_mtok_in: config.work.in_eur_per_mtok,
            eur_per_mtok_out: config.work.out_eur_per_mtok,
            interactive: EurPerKwh(config.work.interactive_eur_per_kwh),
            standing: EurPerKwh(config.work.standing_eur_per_kwh),
        },
        clean_below_g_per_kwh: config.grid.clean_below_g_per_kwh,
    })
}

fn timezone(name: &str, faults: &mut Faults) -> Option<Tz> {
    if let Ok(timezone) = name.parse() {
        return Some(timezone);
    }
    let likeness = |timezone: &&Tz| {
        let city = timezone.name().rsplit('/').next().unwrap_or_default();
        strsim::normalized_damerau_levenshtein(name, timezone.name())
            .max(strsim::normalized_damerau_levenshtein(name, city))
    };
    // The zones of cities: an abbreviation like "CEST" would find another one, from far away.
    let cities = TZ_VARIANTS.iter().filter(|timezone| timezone.name().contains('/'));
    let near = cities.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let near = near.filter(|timezone| likeness(timezone) > 0.5).map_or(TIMEZONE, |timezone| timezone.name());
    faults.wrong("site.timezone", quoted(name), format!("unknown time zone; expected one as {near}"));
    None
}

fn currency(code: &str, faults: &mut Faults) -> Option<Currency> {
    let expected = "expected the ISO 4217 code of a currency, three capital letters, as EUR or CZK";
    faults.take("site.currency", code, code.parse().map_err(|_| expected.into()))
}

/// What is described must be measured.
fn check_points(config: &Config, devices: &[Resolved], faults: &mut Faults) {
    if devices.len() < config.device.len() {
        // What a device with a mistake would offer is not known.
        return;
    }
    let mut needed = vec![("device", Point::GridPower, "the meter at the grid connection")];
    if config.pv.is_some() {
        needed.push(("pv", Point::PvPower, "the PV inverter"));
    }
    if config.battery.is_some() {
        needed.push(("battery", Point::BatteryPower, "the battery"));
        needed.push(("battery", Point::BatterySoc, "the battery"));
    }
    if config.room.is_some() {
        needed.push(("room", Point::RoomTemperature, "a thermometer in the room"));
    }
    if config.tank.is_some() {
        needed.push(("tank", Point::TankTemperature, "a thermometer in the tank"));
    }
    if config.wallbox.is_some() {
        needed.push(("wallbox", Point::WallboxPower, "the wallbox, or evcc"));
    }
    let offered = |point| devices.iter().any(|resolved| resolved.device.points.contains(&point));
    for (section, point, what) in needed {
        if !offered(point) {
            faults.about(section, format!("no device offers {point}; expected a [[device]] that is {what}"));
        }
    }
    if let Some(most) = config.compute.temperature_max_c
        && !offered(Point::ComputeTemperature)
    {
        let expected = format!(
            "no device offers {}, so nothing would stop compute at that temperature; expected a [[device]] with a thermometer in the box, or the key left out",
            Point::ComputeTemperature
        );
        faults.wrong("compute.temperature_max_c", most, expected);
    }
}

fn battery(battery: &BatteryConfig) -> Battery {
    Battery {
        capacity: KilowattHours(battery.capacity_kwh),
        charge_max: Watts(battery.charge_max_w),
        discharge_max: Watts(battery.discharge_max_w),
        round_trip: battery.round_trip_percent / 100.0,
        wear: EurPerKwh(battery.wear_eur_per_kwh),
        reserve: Percent(battery.reserve_percent),
        first: match battery.first {
            SurplusFirst::Planned => First::Planned,
            SurplusFirst::Battery => First::Battery,
            SurplusFirst::Compute => First::Compute,
        },
    }
}

fn compute(config: &Config, faults: &mut Faults) -> Compute {
    let compute = &config.compute;
    let min_w = compute.min_w.unwrap_or(compute.idle_w + (compute.max_w - compute.idle_w) / 10.0);
    check_powers(compute, min_w, config.grid.import_limit_w, faults);
    let heat_into = match compute.heat_into {
        HeatInto::Room => HeatSink::Room,
        HeatInto::Tank => HeatSink::Tank,
        HeatInto::HeatPumpSource => HeatSink::HeatPumpSource,
        HeatInto::Outside => HeatSink::Outside,
    };
    if compute.heat_into == HeatInto::Tank && config.tank.is_none() {
        faults.wrong("compute.heat_into", quoted("tank"), "needs a section [tank]");
    }
    if compute.heat_into == HeatInto::HeatPumpSource && config.heat.kind != HeatKind::HeatPump {
        faults.wrong(
            "compute.heat_into",
            quoted("heat_pump_source"),
            "needs a section [heat] with kind = \"heat_pump\"",
        );
    }
    let seconds = Duration::from_secs_f64;
    Compute {
        idle: Watts(compute.idle_w),
        min: Watts(min_w),
        max: Watts(compute.max_w),
        heat_fraction: compute.heat_percent / 100.0,
        heat_into,
        reject_share: compute.reject_percent / 100.0,
        min_on: seconds(compute.min_on_s),
        min_off: seconds(compute.min_off_s),
        start_cost_eur: compute.start_cost_eur,
        enable_delay: seconds(compute.enable_delay_s),
        disable_delay: seconds(compute.disable_delay_s),
        temperature_max: compute.temperature_max_c.map(Celsius),
        obeys_within: seconds(compute.obeys_within_s),
        starts_within: seconds(compute.starts_within_s),
        tokens_per_kwh: compute.tokens_per_kwh,
        boost: seconds(compute.boost_s),
    }
}

fn check_powers(compute: &ComputeConfig, min_w: f64, import_limit_w: f64, faults: &mut Faults) {
    let max_w = compute.max_w;
    if compute.idle_w >= max_w {
        faults.wrong("compute.idle_w", compute.idle_w, format!("expected less than compute.max_w, {max_w} W"));
    } else if min_w < compute.idle_w || min_w > max_w {
        let expected = format!("expected from compute.idle_w, {} W, to compute.max_w, {max_w} W", compute.idle_w);
        faults.wrong("compute.min_w", min_w, expected);
    }
    if max_w > import_limit_w {
        let expected = format!("expected at most grid.import_limit_w, {import_limit_w} W: the fuse would blow");
        faults.wrong("compute.max_w", max_w, expected);
    }
}

fn displaced(heat: &HeatConfig, currency: Currency, faults: &mut Faults) -> Option<HeatSource> {
    match heat.kind {
        HeatKind::None => None,
        HeatKind::HeatPump => Some(HeatSource::HeatPump {
            carnot: heat.cop_a7_w35.map_or(heat.carnot_percent / 100.0, carnot_of_rated),
            flow: Celsius(heat.flow_c),
            power_max: Watts(heat.power_max_w),
        }),
        HeatKind::Gas => match heat.gas_eur_per_kwh {
            Some(price) => {
                Some(HeatSource::Gas { price: EurPerKwh(price), efficiency: heat.efficiency_percent / 100.0 })
            }
            None => {
                let expected = format!("missing; expected what a kilowatt-hour of gas costs, in {currency}/kWh");
                faults.about("heat.gas_eur_per_kwh", expected);
                None
            }
        },
        HeatKind::Electric => Some(HeatSource::Electric),
    }
}

fn store(section: &str, store: &StoreConfig, faults: &mut Faults) -> Store {
    if store.low_c >= store.high_c {
        let expected = format!("expected more than {section}.low_c, {} °C", store.low_c);
        faults.wrong(format!("{section}.high_c"), store.high_c, expected);
    }
    Store {
        capacity_kwh_per_k: store.capacity_kwh_per_k,
        loss_kw_per_k: store.loss_kw_per_k,
        low: Celsius(store.low_c),
        high: Celsius(store.high_c),
    }
}
