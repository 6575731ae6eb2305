//! Contracts as data (`src/tariffs/*.toml`): typical values of a country, each with its source and date, that fill in what the
//! owner leaves out of `[tariff]`, `[network_fee]` and `[[levy]]`. What the owner states wins.
//!
//! Example: `contract = "de-dynamic-2026"` and `fee_eur_per_kwh = 0.021` of the owner: the fee is 0.021, while VAT, network fee
//! and levies are those of the contract. An owner who lists a `[[levy]]` has only those.

use plant::units::Currency;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

macro_rules! files {
    ($($name:literal)*) => {
        /// Every contract: name and file.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../tariffs/", $name, ".toml"))),)*];
    };
}

files! {
    "at-dynamic-2026"
    "de-dynamic-2026"
    "de-fixed-2026"
    "de-module3-augsburg-2025"
    "dk-spot-2026"
    "gb-agile"
    "gb-agile-formula"
    "nl-dynamic-2026"
    "nl-dynamic-2027"
}

/// The section whose keys an owner states all together or not at all.
const NETWORK: &str = "network_fee";

/// A contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Its name, as `tariff.contract` has it.
    #[serde(skip)]
    pub name: &'static str,
    /// What it is, for people.
    pub title: String,
    /// The contract that says what this one does not.
    extends: Option<String>,
    /// The currency of its prices.
    pub currency: Currency,
    /// Its values.
    row: Vec<Row>,
}

/// One value of a contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The key, as `tariff.import.kind`; one that ends in `[]` is a list, and this an entry of it.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Who says so.
    pub source: String,
    /// The day from which it holds.
    pub date: chrono::NaiveDate,
}

/// Every contract, by name.
static CONTRACTS: LazyLock<Vec<Contract>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        let contract: Contract = toml::from_str(text).ok()?;
        Some(Contract { name, ..contract })
    };
    FILES.iter().filter_map(read).collect()
});

impl Contract {
    /// Every contract, by name.
    pub fn all() -> &'static [Self] {
        &CONTRACTS
    }

    /// The contract of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|contract| contract.name == name)
    }

    /// Its values and those of the contract it extends, its own first; of a list or the network fee only those of one contract.
    pub fn rows(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.row.iter().collect();
        let base = self.extends.as_deref().and_then(Self::find);
        let stated = |key: &str| self.row.iter().any(|row| unit(&row.key) == unit(key));
        rows.extend(base.into_iter().flat_map(Self::rows).filter(|row| !stated(&row.key)));
        rows
    }

    /// The value of `key`.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.rows().into_iter().find(|row| row.key == key).map(|row| &row.value)
    }
}

/// What is stated as a whole: the network fee, a list, else a single key.
fn unit(key: &str) -> &str {
    let key = key.trim_end_matches("[]");
    if key.split('.').next() == Some(NETWORK) { NETWORK } else { key }
}

/// Completes a document by the contract that it names, and the currency of the site by that of the contract.
pub(super) fn complete(document: &mut Value) {
    let named = document.pointer("/tariff/contract").and_then(Value::as_str);
    let Some(contract) = named.and_then(Contract::find) else { return };
    let stated = document.clone();
    let is_stated = |key: &str| is_something(stated.pointer(&format!("/{}", unit(key).replace('.', "/"))));
    for row in contract.rows().into_iter().filter(|row| !is_stated(&row.key)) {
        put(document, &row.key, row.value.clone());
    }
    if stated.pointer("/site/currency").is_none() {
        put(document, "site.currency", Value::String(contract.currency.to_string()));
    }
}

/// An empty list or section states nothing.
fn is_something(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => map.values().any(|value| is_something(Some(value))),
        Some(_) => true,
    }
}

/// Puts a value where its path says; nothing where something else than a section is in the way.
fn put(document: &mut Value, path: &str, value: Value) {
    let (section, key) = match path.split_once('.') {
        Some((section, rest)) => (section, Some(rest)),
        None => (path, None),
    };
    let Value::Object(map) = document else { return };
    match (key, section.strip_suffix("[]")) {
        (Some(rest), _) => {
            put(map.entry(section).or_insert_with(|| Value::Object(Map::new())), rest, value);
        }
        (None, Some(list)) => {
            if let Value::Array(items) = map.entry(list).or_insert_with(|| Value::Array(Vec::new())) {
                items.push(value);
            }
        }
        (None, None) => {
            map.insert(section.to_owned(), value);
        }
    }
}
