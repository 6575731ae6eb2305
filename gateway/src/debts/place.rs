//! Who carries out a debt whose device has left the configuration, or goes by another name in it.
//!
//! | the debt's device | who carries it out |
//! |---|---|
//! | is configured, of the same kind, at the same place | that device |
//! | is configured, of the same kind, elsewhere | that device, which may have moved, and a task of its own at the debt's place |
//! | is configured under another name, at the same place | that device: the debt takes its name |
//! | is not configured, or is of another kind now | a task of its own at the debt's place, with nothing else to do |
//! | is at no place that can be addressed | nobody: it is named until somebody confirms |

use crate::store::DebtBook;
use drivers::address::Address;
use drivers::debt::{Debt, Place};
use drivers::definition;
use drivers::device::DeviceConfig;
use drivers::mqtt::Broker;
use plant::point::DeviceId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How often a device is looked at that is only given back.
const INTERVAL: Duration = Duration::from_secs(10);

/// Who carries out what the configured devices do not.
#[derive(Debug, Default)]
pub struct Placed {
    /// Devices that are only given back.
    pub gone: Vec<DeviceConfig>,
    /// The debts that nobody can carry out, and why.
    pub stranded: Vec<(Debt, String)>,
}

/// Finds a device for each debt of `book`; a debt takes the name of the device that carries it out.
pub fn place(book: &mut DebtBook, configs: &[DeviceConfig], broker: Option<&Broker>) -> Placed {
    let mut gone = BTreeMap::new();
    let mut stranded = Vec::new();
    let debts = std::mem::take(&mut book.debts);
    for mut debt in debts {
        match home(&debt, configs, broker) {
            Ok(Home::Configured(device)) => debt.device = device,
            Ok(Home::Gone(config)) => {
                debt.device = config.id.clone();
                gone.entry(config.id.clone()).or_insert(*config);
            }
            Ok(Home::Moved(config)) => {
                let there = Debt { device: config.id.clone(), ..debt.clone() };
                gone.entry(config.id.clone()).or_insert(*config);
                if !book.owes(&there.device, there.control) {
                    book.debts.push(there);
                }
            }
            Err(why) => {
                if configs.iter().any(|config| config.id == debt.device) {
                    debt.device = before(&debt.device);
                }
                stranded.push((debt.clone(), why));
            }
        }
        // A device that was renamed and set again has both: what was found first is its owner's.
        if !book.owes(&debt.device, debt.control) {
            book.debts.push(debt);
        }
    }
    Placed { gone: gone.into_values().collect(), stranded }
}

enum Home {
    /// The device of this name.
    Configured(DeviceId),
    /// A device that is only given back.
    Gone(Box<DeviceConfig>),
    /// The device of the debt's name, which is elsewhere by now: either it has moved or another one stands there. So the debt's place is
    /// given back as well.
    Moved(Box<DeviceConfig>),
}

fn home(debt: &Debt, configs: &[DeviceConfig], broker: Option<&Broker>) -> Result<Home, String> {
    let offers = |config: &&DeviceConfig| config.definition.controls().contains_key(&debt.control);
    let kind = |config: &DeviceConfig| debt.place.as_ref().is_none_or(|place| place.definition == config.definition.id);
    let named = configs.iter().find(|config| config.id == debt.device);
    if let Some(same) = named.filter(|config| kind(config)).filter(offers) {
        let elsewhere = debt.place.as_ref().filter(|place| !is_at(same, place));
        let there = elsewhere.map(|place| config(before(&same.id), place, broker));
        return Ok(match there {
            Some(Ok(there)) => Home::Moved(Box::new(there)),
            Some(Err(_)) | None => Home::Configured(same.id.clone()),
        });
    }
    let Some(place) = &debt.place else {
        return Err("it is not configured any more, and its address was not written down".to_owned());
    };
    if let Some(renamed) = configs.iter().find(|config| is_at(config, place)).filter(offers) {
        return Ok(Home::Configured(renamed.id.clone()));
    }
    let id = match named {
        Some(other) => before(&other.id),
        None => debt.device.clone(),
    };
    let config = config(id, place, broker)?;
    if offers(&&config) {
        Ok(Home::Gone(Box::new(config)))
    } else {
        Err(format!("{} has no such control", place.definition))
    }
}

/// The name of what another device was called before.
fn before(device: &DeviceId) -> DeviceId {
    DeviceId(format!("{device}-before"))
}

fn is_at(config: &DeviceConfig, place: &Place) -> bool {
    let unit = |unit: Option<u8>| unit.unwrap_or(config.definition.unit);
    config.definition.id == place.definition
        && config.address.to_string() == place.address
        && unit(config.unit) == unit(place.unit)
        && (config.address.transport() != "mqtt" || config.parameters == place.parameters)
}

/// The device at a place, of which nothing is read.
fn config(id: DeviceId, place: &Place, broker: Option<&Broker>) -> Result<DeviceConfig, String> {
    let words = |error: drivers::Error| error.to_string();
    let address: Address = place.address.parse().map_err(words)?;
    if let Address::Mqtt(topic) = &address
        && Broker::of(topic, broker).is_none()
    {
        return Err(format!("{} needs a broker, and no section [mqtt] is configured", place.address));
    }
    let config = DeviceConfig {
        id,
        definition: Arc::new(definition::find(&place.definition).map_err(|error| error.to_string())?),
        address,
        unit: place.unit,
        points: Some(BTreeSet::new()),
        broker: broker.cloned(),
        controls: BTreeSet::new(),
        parameters: place.parameters.clone(),
        interval: INTERVAL,
    };
    config.check().map_err(words)?;
    Ok(config)
}

impl Placed {
    /// The notice about a debt that nobody can carry out: its key and its words.
    pub fn notices(&self) -> impl Iterator<Item = (String, String)> {
        self.stranded.iter().map(|(Debt { device, control, .. }, why)| {
            let words = format!(
                "{device} may still hold a setting of HeatMine ({control}) and cannot be given back: {why}. Configure it again as it \
                 was, or give it back by its own app or panel; to confirm forgets it."
            );
            (format!("debts.{device}.{control}"), words)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::decision::Control;

    fn at(definition: &str, address: &str) -> Place {
        Place { definition: definition.into(), address: address.into(), unit: None, parameters: BTreeMap::new() }
    }

    fn configured(name: &str, place: &Place) -> DeviceConfig {
        config(DeviceId(name.into()), place, None).unwrap()
    }

    /// Where the debt of `box` goes: the device that carries it out, whether only for that, or why nobody does.
    fn goes(placed: Option<Place>, configs: &[DeviceConfig]) -> (String, bool, Option<String>) {
        let device = DeviceId("box".into());
        let debt = Debt { device, control: Control::BatteryMode, place: placed, registers: Vec::new() };
        let mut book = DebtBook { debts: vec![debt], ..DebtBook::default() };
        let placed = place(&mut book, configs, None);
        let why = placed.stranded.first().map(|(_, why)| why.clone());
        (book.debts[0].device.0.clone(), !placed.gone.is_empty(), why)
    }

    #[test]
    fn a_debt_finds_its_device_under_any_name_or_none() {
        let here = at("fronius-gen24", "tcp://192.168.1.20:502");
        let there = at("fronius-gen24", "tcp://192.168.1.99:502");
        let other = at("victron-gx", "tcp://192.168.1.20:502");
        let rows = [
            // Configured as ever, at another address since, or of a version that wrote no place down.
            (Some(here.clone()), vec![configured("box", &here)], ("box", false)),
            (Some(here.clone()), vec![configured("box", &there)], ("box-before", true)),
            (None, vec![configured("box", &here)], ("box", false)),
            // Renamed.
            (Some(here.clone()), vec![configured("inverter", &here)], ("inverter", false)),
            // Gone, or another kind of device by that name.
            (Some(here.clone()), vec![configured("inverter", &there)], ("box", true)),
            (Some(here.clone()), vec![configured("box", &other)], ("box-before", true)),
        ];
        for (placed, configs, (device, alone)) in rows {
            let found = goes(placed.clone(), &configs);
            assert_eq!(found, (device.to_owned(), alone, None), "{placed:?}");
        }
    }

    #[test]
    fn a_debt_that_nobody_can_carry_out_is_named_with_the_reason() {
        let rows = [
            (None, "its address was not written down"),
            (Some(at("no-such-device", "tcp://192.168.1.20:502")), "no-such-device"),
            (Some(at("fronius-gen24", "tcp:nowhere")), "tcp:nowhere"),
            (Some(at("em24", "tcp://192.168.1.20:502")), "em24 has no such control"),
        ];
        for (placed, words) in rows {
            let (device, alone, why) = goes(placed, &[]);
            assert_eq!((device.as_str(), alone), ("box", false));
            assert!(why.as_ref().is_some_and(|why| why.contains(words)), "{words}: {why:?}");
        }
    }
}
