//! The words that a control of a device knows.

use crate::decision::Setting;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Every word, by its place in a set.
const NAMES: [&str; 10] =
    ["normal", "hold", "charge", "block", "boost", "force", "room", "tank", "heat_pump_source", "outside"];

/// A set of the words that definitions give to what a control is set to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words(u16);

impl Words {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether `setting` is one of them.
    pub fn know(self, setting: Setting) -> bool {
        setting.word().is_some_and(|word| self.0 & bit(word) != 0)
    }
}

/// The bit of a word; none of one that nobody knows.
fn bit(word: &str) -> u16 {
    NAMES.iter().position(|name| *name == word).map_or(0, |place| 1 << place)
}

impl<'a> FromIterator<&'a str> for Words {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        Self(words.into_iter().fold(0, |all, word| all | bit(word)))
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(NAMES.iter().filter(|name| self.0 & bit(name) != 0))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Ok(words.iter().map(String::as_str).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{BatteryMode, Control, HeatPumpMode};

    #[test]
    fn they_know_what_the_definition_names() {
        let words: Words = ["normal", "hold"].into_iter().collect();
        assert!(words.know(Setting::BatteryMode(BatteryMode::Hold)));
        assert!(!words.know(Setting::BatteryMode(BatteryMode::Charge)));
        assert!(!words.know(Setting::HeatPumpMode(HeatPumpMode::Block)));
        let text = serde_json::to_string(&words).unwrap();
        assert_eq!(text, r#"["normal","hold"]"#);
        assert_eq!(serde_json::from_str::<Words>(&text).unwrap(), words);
    }

    #[test]
    fn every_word_of_every_control_has_a_place() {
        for setting in Control::ALL.iter().flat_map(|control| control.words()) {
            assert!(bit(setting.word().unwrap()) != 0, "{setting:?}");
        }
    }
}
