//! Names of the user's own devices put into topics and texts: `{topic}/status/switch:{channel}`.

use super::rows::Definition;
use crate::error::Error;
use std::collections::BTreeMap;

/// The values of a device's parameters, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(pub BTreeMap<String, String>);

impl Parameters {
    /// The given values and the definition's defaults.
    ///
    /// # Errors
    /// A parameter is unknown, missing or impossible.
    pub fn fill(definition: &Definition, given: &BTreeMap<String, String>) -> Result<Self, Error> {
        let id = || definition.id.clone();
        for key in given.keys() {
            if !definition.parameters.contains_key(key) {
                let known: Vec<&str> = definition.parameters.keys().map(String::as_str).collect();
                let expected =
                    if known.is_empty() { "it has none".to_owned() } else { format!("expected {}", known.join(", ")) };
                return Err(Error::UnknownParameter { definition: id(), key: key.clone(), expected });
            }
        }
        let mut values = BTreeMap::new();
        for (key, parameter) in &definition.parameters {
            let value = given.get(key).or(parameter.default.as_ref());
            let Some(value) = value else {
                let (key, about) = (key.clone(), parameter.about.clone());
                return Err(Error::MissingParameter { definition: id(), key, about });
            };
            if !parameter.one_of.is_empty() && !parameter.one_of.contains(value) {
                let expected = parameter.one_of.join(", ");
                return Err(Error::Parameter { key: key.clone(), value: value.clone(), expected });
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
