//! SunSpec dumps of real and generated devices, decoded by somebody else's library, must come out the same.

use crate::peer;
use drivers::address::Address;
use drivers::modbus::{Endpoint, Timing};
use drivers::sunspec::{self, Chain, Entry, Found, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

fn endpoint(peer: &peer::Peer) -> Endpoint {
    Endpoint::open(&format!("tcp://{}", peer.address).parse::<Address>().unwrap())
}

async fn dump(peer: &peer::Peer, unit: u8, timing: &Timing) -> (Chain, Vec<Found>) {
    let endpoint = endpoint(peer);
    let chain = sunspec::scan(&endpoint, unit, timing).await.unwrap().expect("a SunSpec device");
    let found = sunspec::dump(&endpoint, unit, &chain, timing).await.unwrap();
    (chain, found)
}

fn compare(name: &str, found: &Found, expected: &Json, wrong: &mut Vec<String>) -> usize {
    let values: BTreeMap<&str, &Entry> = found.values.iter().map(|entry| (entry.key.as_str(), entry)).collect();
    let keys = expected.as_object().unwrap().iter().filter(|(key, _)| !key.contains('#'));
    let mut count = 0;
    for (key, expected) in keys {
        count += 1;
        let entry = values.get(key.as_str());
        let same = match (entry.map(|entry| &entry.value), expected) {
            (Some(Value::Missing), Json::Null) => true,
            // The other library takes a void scale factor for 1; the standard makes the point not there.
            (Some(Value::Missing), Json::Number(wanted)) => entry.and_then(|entry| entry.unscaled) == wanted.as_f64(),
            (Some(Value::Number(found)), Json::Number(wanted)) => {
                let wanted = wanted.as_f64().unwrap();
                (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0)
            }
            (Some(Value::Text(found)), Json::String(wanted)) => found == wanted,
            _ => false,
        };
        if !same {
            wrong.push(format!(
                "{name} model {} {key}: {:?}, expected {expected}",
                found.block.model,
                entry.map(|entry| &entry.value)
            ));
        }
    }
    count
}

#[tokio::test]
async fn every_value_of_every_dump_is_as_an_independent_decoder_says() {
    let Some(folder) = peer::fixtures() else { return };
    let mut wrong = Vec::new();
    let (mut devices, mut values) = (0, 0);
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("expected")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().replace(".expected.json", "");
        if !name.starts_with("sunspec_") {
            continue;
        }
        let Some(peer) = peer::dump(&name, &[]).await else { return };
        let expected: Json = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let unit = expected["unit"].as_u64().unwrap_or(1) as u8;
        let (chain, found) = dump(&peer, unit, &Timing::default()).await;
        devices += 1;
        let blocks: Vec<(u64, u64, u64)> =
            chain.blocks.iter().map(|b| (b.model.into(), b.address.into(), b.length.into())).collect();
        let models: Vec<(u64, u64, u64)> = expected["models"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| (m["model"].as_u64().unwrap(), m["address"].as_u64().unwrap(), m["length"].as_u64().unwrap()))
            .collect();
        assert_eq!(blocks, models, "{name}");
        if let Some(expected) = expected["blocks"].as_array() {
            assert_eq!(expected.len(), found.len(), "{name}");
            for (found, expected) in found.iter().zip(expected) {
                values += compare(&name, found, &expected["values"], &mut wrong);
            }
        }
        if let Some(expected) = expected["expected"].as_object() {
            for (model, expected) in expected {
                let found = found.iter().filter(|found| found.block.model.to_string() == *model);
                for (found, expected) in found.zip(expected.as_array().unwrap()) {
                    values += compare(&name, found, expected, &mut wrong);
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {values} values differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
    assert!(devices >= 8 && values > 1000, "{devices} devices, {values} values");
}

#[tokio::test]
async fn a_device_that_bears_little_at_a_time_gives_the_same_values() {
    let timing = Timing { max_registers: 20, ..Timing::default() };
    let Some(small) = peer::dump("sunspec_zoo_1", &["--max-regs", "20"]).await else { return };
    let Some(large) = peer::dump("sunspec_zoo_1", &[]).await else { return };
    assert_eq!(dump(&small, 1, &timing).await, dump(&large, 1, &Timing::default()).await);
}
