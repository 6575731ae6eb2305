//! `[tariff.spot]` with a `source`: what each service needs to know.

use super::{Faults, quoted};
use crate::config::spot::{SpotService, SpotSource};
use crate::feeds::entsoe_knows;

/// A key of the section, and what stands there.
type Field<'a> = (&'static str, Option<&'a str>);

/// Checks that the service has what it needs, and nothing that it does not know.
pub(super) fn check(spot: &SpotSource, faults: &mut Faults) {
    let fields: [Field<'_>; 6] = [
        ("zone", spot.zone.as_deref()),
        ("product", spot.product.as_deref()),
        ("home", spot.home.as_deref()),
        ("site", spot.site.as_deref()),
        ("entity", spot.entity.as_deref()),
        ("key", spot.key.as_ref().map(|_| "***")),
    ];
    let Some(service) = spot.source else {
        for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            faults.wrong(
                format!("tariff.spot.{name}"),
                quoted(value),
                "needs a source; expected tariff.spot.source as well",
            );
        }
        return;
    };
    if let Some(topic) = &spot.topic {
        faults.wrong("tariff.spot.topic", quoted(topic), "expected either source or topic, not both");
    }
    let (needed, welcome) = takes(service);
    for (name, value) in fields {
        let key = format!("tariff.spot.{name}");
        match value {
            None => {
                if let Some((_, what)) = needed.iter().find(|(needed, _)| *needed == name) {
                    faults.about(key, format!("missing; source = \"{service}\" needs {what}"));
                }
            }
            Some(value) => {
                if !needed.iter().any(|(needed, _)| *needed == name) && !welcome.contains(&name) {
                    faults.wrong(key, quoted(value), format!("source = \"{service}\" has no {name}; expected none"));
                }
            }
        }
    }
    if service == SpotService::Evcc && spot.url.is_none() {
        faults.about("tariff.spot.url", "missing; source = \"evcc\" needs its address, as http://192.168.1.5:7070");
    }
    if let Some(zone) = &spot.zone {
        check_zone(service, zone, faults);
    }
    if let Some(entity) = &spot.entity {
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !entity.split_once('.').is_some_and(|(domain, name)| plain(domain) && plain(name)) {
            faults.wrong("tariff.spot.entity", quoted(entity), "expected an entity, as sensor.nordpool_kwh_de");
        }
    }
}

/// What a service needs, each with words about it, and what it takes beside.
fn takes(service: SpotService) -> (&'static [(&'static str, &'static str)], &'static [&'static str]) {
    const ZONE: (&str, &str) = ("zone", "the bidding zone, as DE-LU");
    const KEY: (&str, &str) = ("key", "the key that the service gave you (or key_file)");
    match service {
        SpotService::EnergyCharts => (&[ZONE], &[]),
        SpotService::Awattar => (&[("zone", "the country, AT or DE")], &[]),
        SpotService::Entsoe => (&[ZONE, KEY], &[]),
        SpotService::Nordpool => (&[("zone", "the delivery area, as SE3")], &[]),
        SpotService::Tibber => (&[KEY], &["home"]),
        SpotService::Octopus => {
            (&[("product", "the product's code, as AGILE-24-10-01"), ("zone", "the letter of the region, as C")], &[])
        }
        SpotService::Energidataservice => (&[("zone", "the price area, DK1 or DK2")], &[]),
        SpotService::Amber => (&[("site", "the site's id"), KEY], &[]),
        SpotService::Energyzero | SpotService::Easyenergy => (&[], &[]),
        SpotService::Evcc => (&[], &[]),
        SpotService::HomeAssistant => {
            (&[("entity", "a sensor that lists prices, as sensor.nordpool_kwh_de")], &["key"])
        }
    }
}

fn check_zone(service: SpotService, zone: &str, faults: &mut Faults) {
    let one_letter = zone.len() == 1 && zone.bytes().all(|byte| byte.is_ascii_uppercase());
    let (fine, expected) = match service {
        SpotService::Awattar => (matches!(zone, "AT" | "DE"), "expected AT or DE"),
        SpotService::Energidataservice => (matches!(zone, "DK1" | "DK2"), "expected DK1 or DK2"),
        SpotService::Octopus => (one_letter, "expected the letter of a region, A to P"),
        SpotService::Entsoe => {
            (entsoe_knows(zone), "expected a bidding zone as DE-LU, AT or NL, or its EIC code of 16 letters")
        }
        SpotService::EnergyCharts
        | SpotService::Nordpool
        | SpotService::Tibber
        | SpotService::Amber
        | SpotService::Energyzero
        | SpotService::Easyenergy
        | SpotService::Evcc
        | SpotService::HomeAssistant => (true, ""),
    };
    if !fine {
        faults.wrong("tariff.spot.zone", quoted(zone), expected);
    }
}
