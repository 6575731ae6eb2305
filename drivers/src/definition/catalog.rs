//! The definitions that ship in the binary.

use super::load::from_toml;
use super::rows::Definition;
use crate::error::Error;
use std::sync::OnceLock;

macro_rules! embedded {
    ($($id:literal)*) => {
        /// The embedded files: id and text.
        pub(super) const FILES: &[(&str, &str)] =
            &[$(($id, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/definitions/", $id, ".toml"))),)*];
    };
}

embedded! {
    "fronius-gen24"
    "lambda-eu-l"
    "shelly-plug"
    "eastron-sdm630"
    "em24"
    "evcc"
    "generic-mqtt"
    "go-e-charger"
    "goodwe-et"
    "heishamon"
    "huawei-sun2000"
    "kostal-plenticore"
    "my-pv-elwa"
    "shelly-em-gen1"
    "shelly-input"
    "shelly-pro3em"
    "sigenergy"
    "sma-hybrid"
    "solaredge"
    "stiebel-isg"
    "sungrow-sh"
    "sunspec-hybrid"
    "sunspec-inverter"
    "sunspec-meter"
    "tasmota-plug"
    "tasmota-sml"
    "victron-gx"
    "victron-gx-mqtt"
    "zigbee2mqtt-contact"
    "zigbee2mqtt-plug"
    "zigbee2mqtt-room"
}

fn load() -> &'static Vec<Result<Definition, Error>> {
    static LOADED: OnceLock<Vec<Result<Definition, Error>>> = OnceLock::new();
    LOADED.get_or_init(|| FILES.iter().map(|(id, text)| from_toml(&format!("{id}.toml"), text)).collect())
}

/// Every definition that ships.
pub fn load_builtin() -> Vec<Definition> {
    load().iter().filter_map(|loaded| loaded.as_ref().ok()).cloned().collect()
}

/// The definition of this id.
///
/// # Errors
/// None has this id; the words name the nearest ones.
pub fn find(id: &str) -> Result<Definition, Error> {
    if let Some(found) = load().iter().filter_map(|loaded| loaded.as_ref().ok()).find(|known| known.id == id) {
        return Ok(found.clone());
    }
    let near: Vec<&str> = FILES.iter().map(|(known, _)| *known).filter(|known| shares_word(known, id)).collect();
    let expected: Vec<&str> = if near.is_empty() { FILES.iter().map(|(known, _)| *known).collect() } else { near };
    Err(Error::NoDefinition { id: id.to_owned(), expected: expected.join(", ") })
}

fn shares_word(known: &str, asked: &str) -> bool {
    asked.to_lowercase().split(['-', '_', ' ']).any(|word| word.len() > 2 && known.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_loads_under_its_own_name() {
        for ((id, _), loaded) in FILES.iter().zip(load()) {
            let definition = loaded.as_ref().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(*id, definition.id);
            assert!(
                !definition.sources.is_empty() && !definition.tested.is_empty(),
                "{id}: sources and tested are empty"
            );
        }
    }

    #[test]
    fn an_unknown_definition_names_the_near_ones() {
        let error = find("fronius").unwrap_err().to_string();
        assert!(error.contains("fronius-gen24"), "{error}");
    }
}
