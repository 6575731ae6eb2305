//! Names of the user's own devices put into topics and texts: `{topic}/status/switch:{channel}`.

use super::rows::Definition;
use std::collections::BTreeMap;

/// The values of a device's parameters, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(pub BTreeMap<String, String>);

impl Parameters {
    /// The given values and the definition's defaults. Unknown, missing and impossible ones are refused.
    pub fn fill(definition: &Definition, given: &BTreeMap<String, String>) -> Result<Self, String> {
        for key in given.keys() {
            if !definition.parameters.contains_key(key) {
                let known: Vec<&str> = definition.parameters.keys().map(String::as_str).collect();
                let known =
                    if known.is_empty() { "it has none".to_owned() } else { format!("expected {}", known.join(", ")) };
                return Err(format!("definition {} has no parameter '{key}'; {known}", definition.id));
            }
        }
        let mut values = BTreeMap::new();
        for (key, parameter) in &definition.parameters {
            let value = given.get(key).or(parameter.default.as_ref());
            let Some(value) = value else {
                return Err(format!("definition {} needs the parameter '{key}': {}", definition.id, parameter.about));
            };
            if !parameter.one_of.is_empty() && !parameter.one_of.contains(value) {
                return Err(format!(
                    "parameter '{key}' of definition {} is '{value}'; expected {}",
                    definition.id,
                    parameter.one_of.join(", ")
                ));
            }
            values.insert(key.clone(), value.clone());
        }
        Ok(Self(values))
    }

    /// The text with every `{name}` replaced.
    pub fn apply(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
    }

    /// The factor that a sign parameter stands for.
    pub fn sign(&self, key: &str) -> f64 {
        match self.0.get(key).map(String::as_str) {
            Some("export" | "-1" | "charge") => -1.0,
            Some(_) | None => 1.0,
        }
    }
}
